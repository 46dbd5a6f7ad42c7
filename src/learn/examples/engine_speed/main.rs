//! What `cargo xtask bench engine` runs beside other libraries: fits one learner to rows of a file, predicts those of
//! another, and prints what that took.
//!
//!     engine_speed KERNEL FOLDER [smartcore | N_TREES]
//!
//! `FOLDER/KERNEL-training.f64` and `FOLDER/KERNEL-others.f64` hold 64-bit numbers, little end first: how many rows and
//! columns there are, then row by row, what is to be predicted last. One line of JSON tells the CPU's milliseconds for
//! the fit and the prediction, how good the model is on the other rows, the memory that was taken beside the training rows,
//! in megabytes, the longest time that the fit went on without a chance to stop it, and what asking for that took.

mod smart;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use learn::boosting::{BoostingColumn, BoostingRows};
use learn::dataset::Labels;
use learn::{
    BoostingSettings, Checkpoint, ComponentsSettings, ForestSettings, KMeansSettings, Keep, LinearMethod,
    LinearSettings, LogisticSettings, NeighborsSettings, NeuralSettings, Stopped, SvmSettings, block_on,
};
use model::{Feature, FeatureEncoding, Features, Matrix};

/// Rows, and what is to be predicted of each.
pub struct Rows {
    x: Matrix,
    y: Vec<f64>,
}

/// What a library makes of training rows and of others. How good it is: the part of the other rows whose class is right
/// (forest, neighbors, svm, network), the mean log loss (boosting, logistic), the mean squared error (ridge), the variance
/// along the first five components (pca), the sum of squared distances to the centroids (kmeans).
pub struct Measured {
    fit_ms: f64,
    predict_ms: f64,
    quality: f64,
    pause_ms: f64,
    /// What it took to ask whether to stop, in per cent of the fit.
    ask_percent: f64,
    /// What is kept of a fit.
    model_mb: f64,
}

/// The system's memory, counted.
struct Counted;

/// Bytes that are taken now, and at most since this was last set.
static TAKEN: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static MEMORY: Counted = Counted;

fn count(n_bytes: usize) {
    MOST.fetch_max(TAKEN.fetch_add(n_bytes, Ordering::Relaxed) + n_bytes, Ordering::Relaxed);
}

#[allow(unsafe_code, reason = "an allocator is unsafe by nature")]
// SAFETY: everything is passed on to the system's allocator as it comes.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        TAKEN.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        TAKEN.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// How long a fit goes on without a chance to stop it, and how often it has one.
struct Chances {
    last: Instant,
    longest: Duration,
    n: u32,
}

impl Checkpoint for Chances {
    async fn checkpoint(&mut self, _fraction: f64, _message: &str) -> Result<(), Stopped> {
        self.longest = self.longest.max(self.last.elapsed());
        self.last = Instant::now();
        self.n += 1;
        Ok(())
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (kernel, folder, how) = match arguments.as_slice() {
        [kernel, folder] => (kernel, folder, None),
        [kernel, folder, how] => (kernel, folder, Some(how.as_str())),
        _ => panic!("expected a kernel, a folder, and nothing, `smartcore` or how many trees"),
    };
    let n_trees = how.and_then(|how| how.parse().ok()).unwrap_or(100);
    let read = |part: &str| read(&Path::new(folder).join(format!("{kernel}-{part}.f64")));
    let (training, others) = (read("training"), read("others"));
    let before = TAKEN.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let Measured { fit_ms, predict_ms, quality, pause_ms, ask_percent, model_mb } = if how == Some("smartcore") {
        smart::measure(kernel, &training, &others)
    } else {
        measure(kernel, n_trees, &training, &others)
    };
    let peak_mb = (MOST.load(Ordering::Relaxed) - before) as f64 / 1e6;
    let input_mb = (training.x.values.len() * 8) as f64 / 1e6;
    println!(
        r#"{{"fit_ms": {fit_ms}, "predict_ms": {predict_ms}, "quality": {quality}, "peak_mb": {peak_mb}, "input_mb": {input_mb}, "model_mb": {model_mb}, "pause_ms": {pause_ms}, "ask_percent": {ask_percent}}}"#
    );
}

fn measure(kernel: &str, n_trees: u32, training: &Rows, others: &Rows) -> Measured {
    let (x, other_x) = (&training.x, &others.x);
    let labels = Labels::Classes(classes(&training.y));
    let n_classes = classes(&training.y).iter().max().map_or(0, |largest| *largest as usize + 1);
    let right = |values: &[f64]| accuracy(values, n_classes, others);
    match kernel {
        "forest" => {
            let settings = ForestSettings { n_trees, ..ForestSettings::default() };
            let fit = |chances: &mut Chances| {
                block_on(learn::forest::fit(&settings, x, &labels, n_classes, None, 1, chances))
            };
            timed(|chances| fit(chances).expect("a forest"), |fit| fit.forest.predict(other_x), right)
        }
        "boosting" => {
            let settings = BoostingSettings { n_trees, ..BoostingSettings::default() };
            let columns = vec![BoostingColumn::default(); x.n_columns];
            let rows = || BoostingRows { x, columns: &columns, labels: &labels, n_classes, weights: None };
            let fit =
                |chances: &mut Chances| block_on(learn::boosting::fit(&settings, rows(), 1, chances)).expect("trees");
            timed(fit, |fit| fit.boosted.predict(other_x), |p| log_loss(p, n_classes, others))
        }
        "logistic" => {
            let (settings, labels) = (LogisticSettings::default(), classes(&training.y));
            let fit =
                |chances: &mut Chances| block_on(learn::logistic::fit(&settings, x, &labels, n_classes, None, chances));
            timed(
                |chances| fit(chances).expect("a model"),
                |fit| fit.model.predict(other_x),
                |p| log_loss(p, n_classes, others),
            )
        }
        "ridge" => {
            let settings = LinearSettings { method: LinearMethod::Ridge, ..LinearSettings::default() };
            let fit = |chances: &mut Chances| block_on(learn::linear::fit(&settings, x, &training.y, None, chances));
            timed(|chances| fit(chances).expect("a model"), |fit| fit.predict(other_x), |y| squared_error(y, others))
        }
        "pca" => {
            let settings = ComponentsSettings { keep: Keep::Count(5), standardize: false };
            let fit =
                |chances: &mut Chances| block_on(learn::principal::fit(&settings, x, chances)).expect("components");
            timed(fit, |fit| fit.variances.clone(), |variances| variances.iter().sum())
        }
        "neighbors" => {
            let settings = NeighborsSettings { standardize: false, ..NeighborsSettings::default() };
            let fit =
                |chances: &mut Chances| block_on(learn::neighbors::fit(&settings, x, &labels, n_classes, chances));
            timed(|chances| fit(chances).expect("rows"), |fit| fit.predict(other_x), right)
        }
        "kmeans" => {
            let settings = KMeansSettings { k: 8, standardize: false, ..KMeansSettings::default() };
            let feature = |idx| Feature {
                name: format!("x{idx}"),
                kind: schema::Kind::Number,
                encoding: FeatureEncoding::Number,
            };
            let features = Features { features: (0..x.n_columns).map(feature).collect() };
            let fit = |chances: &mut Chances| block_on(learn::kmeans::fit(&settings, features.clone(), x, 1, chances));
            timed(|chances| fit(chances).expect("clusters"), |fit| vec![fit.clustering.inertia], |inertia| inertia[0])
        }
        "svm" => {
            let own = SvmSettings::default();
            let settings = SvmSettings { gamma: Some(0.05), probabilities: false, standardize: false, ..own };
            let fit = |chances: &mut Chances| block_on(learn::svm::fit(&settings, x, &labels, 2, None, 1, chances));
            timed(|chances| fit(chances).expect("a model"), |fit| fit.model.predict(other_x), right)
        }
        "network" => {
            let own = NeuralSettings::default();
            let settings =
                NeuralSettings { hidden: vec![128], batch_size: 128, max_epochs: 3, validation_share: 0.0, ..own };
            let fit = |chances: &mut Chances| {
                block_on(learn::neural::fit(&settings, x, &labels, n_classes, None, 1, chances))
            };
            timed(|chances| fit(chances).expect("a network"), |fit| fit.model.predict(other_x, n_classes), right)
        }
        other => panic!("there is no kernel {other}"),
    }
}

/// Fits and predicts once, on this thread.
fn timed<F>(
    fit: impl FnOnce(&mut Chances) -> F,
    predict: impl FnOnce(&F) -> Vec<f64>,
    quality: impl FnOnce(&[f64]) -> f64,
) -> Measured {
    let (before, started) = (TAKEN.load(Ordering::Relaxed), cpu_ms());
    let mut chances = Chances { last: Instant::now(), longest: Duration::ZERO, n: 0 };
    let fitted = fit(&mut chances);
    let fit_ms = cpu_ms() - started;
    let pause_ms = chances.longest.max(chances.last.elapsed()).as_secs_f64() * 1e3;
    let ask_percent = 100.0 * f64::from(chances.n) * ask_ms(&mut chances) / fit_ms;
    let model_mb = TAKEN.load(Ordering::Relaxed).saturating_sub(before) as f64 / 1e6;
    let started = cpu_ms();
    let predicted = predict(&fitted);
    let predict_ms = cpu_ms() - started;
    Measured { fit_ms, predict_ms, quality: quality(&predicted), pause_ms, ask_percent, model_mb }
}

/// What it takes to ask once, in a checkpoint that looks at the clock.
fn ask_ms(chances: &mut Chances) -> f64 {
    const N: u32 = 100_000;
    let started = cpu_ms();
    for _ in 0..N {
        block_on(chances.checkpoint(0.0, "")).expect("it goes on");
    }
    (cpu_ms() - started) / f64::from(N)
}

/// What this thread has had of a CPU.
fn cpu_ms() -> f64 {
    // What was used is added up when a thread lets go of its core.
    std::thread::sleep(Duration::from_nanos(1));
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok());
    nanos.expect("the first is a number") / 1e6
}

fn read(path: &Path) -> Rows {
    let bytes = fs::read(path).expect("the file is there");
    let (numbers, []) = bytes.as_chunks::<8>() else { panic!("{}: expected 64-bit numbers", path.display()) };
    let mut numbers = numbers.iter().map(|number| f64::from_le_bytes(*number));
    let mut count = || numbers.next().expect("rows and columns come first") as usize;
    let (n_rows, n_columns) = (count(), count());
    let mut x = Matrix { values: vec![0.0; n_rows * n_columns], n_rows, n_columns };
    let mut y = Vec::with_capacity(n_rows);
    for row_idx in 0..n_rows {
        for column_idx in 0..n_columns {
            x.values[column_idx * n_rows + row_idx] = numbers.next().expect("a number for each cell");
        }
        y.push(numbers.next().expect("what is to be predicted"));
    }
    Rows { x, y }
}

fn classes(y: &[f64]) -> Vec<u32> {
    y.iter().map(|class| *class as u32).collect()
}

fn accuracy(values: &[f64], n_classes: usize, others: &Rows) -> f64 {
    let prediction = model::Prediction::Probabilities { values: values.to_vec(), n_classes };
    let right = prediction.classes().iter().zip(&others.y).filter(|(found, y)| f64::from(**found) == **y).count();
    right as f64 / others.y.len() as f64
}

fn log_loss(values: &[f64], n_classes: usize, others: &Rows) -> f64 {
    let losses = others.y.iter().zip(values.chunks(n_classes)).map(|(class, p)| -p[*class as usize].ln());
    losses.sum::<f64>() / others.y.len() as f64
}

fn squared_error(values: &[f64], others: &Rows) -> f64 {
    values.iter().zip(&others.y).map(|(found, y)| (found - y) * (found - y)).sum::<f64>() / others.y.len() as f64
}
