use std::cell::{Cell, RefCell};
use std::rc::Rc;

use model::{Features, Lanes, Matrix};
use numeric::Stream;

use super::*;
use crate::dataset::Labels;
use crate::embedding::TsneSettings;
use crate::kmeans::{Init, KMeansSettings};
use crate::linear::{LinearMethod, LinearSettings};
use crate::neighbors::NeighborsSettings;
use crate::{Checkpoint, FitError, Unwatched, block_on, embedding, kmeans, linear, neighbors};

/// Computes in single precision and errs as far as it may, until it has answered so often: then it is lost.
pub(crate) struct Erring {
    n_left: Cell<u32>,
    stream: RefCell<Stream>,
}

impl Erring {
    pub(crate) fn new(n_answers: u32) -> Rc<Self> {
        Rc::new(Self { n_left: Cell::new(n_answers), stream: RefCell::new(Stream::new(7)) })
    }

    fn answer<T: 'static>(&self, answer: impl FnOnce() -> T) -> Promised<'static, T> {
        let Some(n_left) = self.n_left.get().checked_sub(1) else {
            return Box::pin(ready(Err(Lost("the GPU was lost".into()))));
        };
        self.n_left.set(n_left);
        Box::pin(ready(Ok(answer())))
    }
}

impl Accelerator for Erring {
    fn name(&self) -> String {
        "Erring".into()
    }

    fn backend<'a>(
        &'a self,
        _: &'a Plan,
        _: &'a [Layer],
        _: &'a Rows,
        _: usize,
    ) -> Promised<'a, Option<Box<dyn Backend + 'a>>> {
        Box::pin(ready(Ok(None)))
    }

    fn gram<'a>(&'a self, x: &'a [f32], n_columns: usize) -> Promised<'a, Option<Vec<f32>>> {
        let sum = |at: usize| x.chunks(n_columns).map(|row| row[at / n_columns] * row[at % n_columns]).sum();
        self.answer(|| Some((0..n_columns * n_columns).map(sum).collect()))
    }

    fn distances<'a>(
        &'a self,
        rows: Vec<f32>,
        n_columns: usize,
        _: usize,
    ) -> Promised<'a, Option<Box<dyn Distances + 'a>>> {
        Box::pin(ready(Ok(Some(Box::new(ErringRows { by: self, rows, n_columns }) as Box<dyn Distances>))))
    }
}

struct ErringRows<'a> {
    by: &'a Erring,
    rows: Vec<f32>,
    n_columns: usize,
}

impl ErringRows<'_> {
    /// Off as far as it may be, by chance to either side.
    fn square(&self, row: &[f32], point: &[f32]) -> f32 {
        let (mut square, mut together) = (0.0, 0.0);
        for (x, p) in row.iter().zip(point) {
            let (x, p) = (f64::from(*x), f64::from(*p));
            square += (x - p) * (x - p);
            together += x * x + p * p;
        }
        let most = f64::from(model::Screen::accelerated(self.n_columns)) * together + f64::from(model::Screen::FLUSHED);
        let off = if self.by.stream.borrow_mut().uniform() < 0.5 { -most } else { most };
        (square + off * 0.999) as f32
    }
}

impl Distances for ErringRows<'_> {
    fn nearest<'a>(&'a self, points: &'a [f32]) -> Promised<'a, Vec<f32>> {
        self.by.answer(|| {
            let mut told = Vec::new();
            for row in self.rows.chunks(self.n_columns) {
                let (mut position, mut least, mut next) = (0, 3e38f32, 3e38f32);
                for (point_idx, point) in points.chunks(self.n_columns).enumerate() {
                    let square = self.square(row, point);
                    if square < least {
                        (position, least, next) = (point_idx, square, least);
                    } else {
                        next = next.min(square);
                    }
                }
                told.extend([position as f32, least, next]);
            }
            told
        })
    }

    fn least<'a>(&'a self, points: &'a [f32]) -> Promised<'a, Vec<f32>> {
        self.by.answer(|| {
            let mut told = Vec::new();
            for point in points.chunks(self.n_columns) {
                for group in self.rows.chunks(Lanes::WIDTH * self.n_columns) {
                    let squares = group.chunks(self.n_columns).map(|row| self.square(row, point));
                    told.push(squares.fold(f32::INFINITY, f32::min));
                }
            }
            told
        })
    }
}

/// Has an accelerator, and keeps what is said of it.
pub(crate) struct Accelerating(pub(crate) Rc<Erring>, pub(crate) Vec<String>);

impl Checkpoint for Accelerating {
    async fn checkpoint(&mut self, _: f64, _: &str) -> Result<(), Stopped> {
        Ok(())
    }

    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        Some(self.0.clone())
    }

    fn remark(&mut self, sentence: String) {
        self.1.push(sentence);
    }
}

const WIDTH: usize = ACCELERATED_FROM;
const COMPARED: &str = "Compared by the GPU \"Erring\": figures are the CPU's to the last digit.";
const LOST: &str = "The CPU computed it, as the GPU did not: the GPU was lost.";

/// Rows in a few heaps, among them some that are the same and some that single precision does not tell apart.
fn heaps(n_rows: usize, seed: u64) -> Matrix {
    let mut stream = Stream::new(seed);
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for row_idx in 0..n_rows {
        // The first ones are near each other, to begin with as centroids; later ones stand in other groups.
        let (same, near) = if row_idx < 20 { (2, 3) } else { (13, 17) };
        let row = match row_idx % 5 {
            3 => rows[row_idx - same].clone(),
            4 => rows[row_idx - near].iter().map(|value| value + 1e-9 * stream.normal()).collect(),
            _ => {
                let heap = (row_idx % 4) as f64;
                (0..WIDTH).map(|j| 100.0 + heap * ((j % 4) as f64) + stream.normal()).collect()
            }
        };
        rows.push(row);
    }
    let values = (0..WIDTH).flat_map(|j| rows.iter().map(move |row| row[j])).collect();
    Matrix { values, n_rows, n_columns: WIDTH }
}

/// What comes out of a fit with an accelerator that is lost after so many answers is what comes out without; what is said
/// of it comes back.
fn same<T: PartialEq + std::fmt::Debug>(
    n_answers: u32,
    cpu: &T,
    fit: impl AsyncFn(&mut Accelerating) -> Result<T, FitError>,
) -> Vec<String> {
    let mut watcher = Accelerating(Erring::new(n_answers), Vec::new());
    let found = block_on(fit(&mut watcher));
    assert!(found.as_ref() == Ok(cpu), "{n_answers} answers");
    watcher.1
}

#[test]
fn k_means_is_the_same_to_the_last_bit() {
    for (seed, init) in [(1, Init::PlusPlus), (2, Init::Random), (3, Init::FirstN)] {
        let x = heaps(203, seed);
        let settings = KMeansSettings { k: 9, init, n_init: 2, standardize: seed != 2, ..Default::default() };
        let features = || Features { features: Vec::new() };
        let cpu = block_on(kmeans::fit(&settings, features(), &x, 5, &mut Unwatched)).expect("clusters");
        let fit = async |watcher: &mut Accelerating| kmeans::fit(&settings, features(), &x, 5, watcher).await;
        assert_eq!(same(u32::MAX, &cpu, fit), [COMPARED]);
        for n_answers in [0, 1, 3] {
            assert_eq!(same(n_answers, &cpu, fit), [LOST]);
        }
    }
}

#[test]
fn neighbours_are_the_same_to_the_last_bit() {
    let (x, queries) = (heaps(301, 1), heaps(40, 2));
    let labels = Labels::Numbers((0..301).map(f64::from).collect());
    for k in [1, 7, 300] {
        let settings = NeighborsSettings { k, standardize: k == 7, ..Default::default() };
        let fitted = block_on(neighbors::fit(&settings, &x, &labels, 0, &mut Unwatched)).expect("neighbours");
        let screen = fitted.screen().expect("Euclidean distances");
        let accelerator: Rc<dyn Accelerator> = Erring::new(u32::MAX);
        let told = block_on(async {
            let mut comparison = Comparison::new(Some(&accelerator), screen, 40).await;
            comparison.least(&screen.placed(&fitted.queries(&queries)).0).await.expect("an answer")
        });
        assert_eq!(fitted.predict_told(&queries, Some(&told)), fitted.predict(&queries));
        let n_near = screen.near(&fitted.queries(&queries)[..WIDTH], &told[..screen.n_rows().div_ceil(8)], k as usize);
        assert!(k == 300 || n_near.iter().filter(|is_near| **is_near).count() < 20, "{k}: nothing was left out");
    }
}

#[test]
fn t_sne_is_the_same_to_the_last_bit() {
    let x = heaps(1_100, 3);
    let settings = TsneSettings { max_iterations: 250, perplexity: 10.0, ..Default::default() };
    // Where rows lie at first is rounded with their principal components.
    let settings = TsneSettings { start: crate::Start::Random, ..settings };
    let cpu = block_on(embedding::fit(&settings, &x, 5, &mut Unwatched)).expect("places");
    let fit = async |watcher: &mut Accelerating| embedding::fit(&settings, &x, 5, watcher).await;
    assert_eq!(same(u32::MAX, &cpu, fit), [COMPARED]);
    for n_answers in [0, 1, 2] {
        assert_eq!(same(n_answers, &cpu, fit), [LOST]);
    }
}

/// Of columns that have something in common, and one that says nothing.
fn lines(n_rows: usize, noise: f64) -> (Matrix, Vec<f64>) {
    let mut stream = Stream::new(11);
    let common: Vec<f64> = (0..n_rows).map(|_| stream.normal()).collect();
    let mut x = Matrix { values: Vec::new(), n_rows, n_columns: WIDTH };
    for j in 0..WIDTH {
        let unit = [1e-6, 1.0, 1e9][j % 3];
        x.values.extend(common.iter().map(|common| unit * (50.0 + common + noise * stream.normal())));
    }
    x.values[..n_rows].fill(3.0);
    let y = (0..n_rows).map(|i| common[i] + x.at(i, 4) - 2.0 * x.at(i, 7) + 0.1 * stream.normal()).collect();
    (x, y)
}

#[test]
fn ridge_is_mended_to_nine_digits_and_more() {
    let (x, y) = lines(400, 1.0);
    let weights: Vec<f64> = (0..400).map(|i| f64::from(i % 3)).collect();
    for (method, weights) in [(LinearMethod::Ridge, None), (LinearMethod::LeastSquares, Some(weights.as_slice()))] {
        let settings = LinearSettings { method, ..Default::default() };
        let cpu = block_on(linear::fit(&settings, &x, &y, weights, &mut Unwatched)).expect("a model");
        let mut watcher = Accelerating(Erring::new(u32::MAX), Vec::new());
        let found = block_on(linear::fit(&settings, &x, &y, weights, &mut watcher)).expect("a model");
        assert!(watcher.1[0].starts_with("Added up by the GPU"), "{:?}", watcher.1);
        assert_ne!(found, cpu, "the accelerator was not asked");
        let size = cpu.coefficients.iter().fold(0.0f64, |size, w| size.max(w.abs()));
        for (one, other) in found.coefficients.iter().zip(&cpu.coefficients) {
            assert!((one - other).abs() <= 1e-9 * other.abs().max(1e-12 * size), "{one} {other}");
        }
        let fit = async |watcher: &mut Accelerating| linear::fit(&settings, &x, &y, weights, watcher).await;
        assert_eq!(same(0, &cpu, fit), [LOST]);
    }
}

#[test]
fn columns_that_single_precision_does_not_tell_apart_are_left_to_the_cpu() {
    for noise in [1e-3, 1e-5] {
        let (x, y) = lines(400, noise);
        let settings = LinearSettings::default();
        let cpu = block_on(linear::fit(&settings, &x, &y, None, &mut Unwatched)).expect("a model");
        let fit = async |watcher: &mut Accelerating| linear::fit(&settings, &x, &y, None, watcher).await;
        assert_eq!(same(u32::MAX, &cpu, fit), [""; 0]);
    }
}

#[test]
fn few_columns_are_not_handed_over() {
    let x = heaps(100, 1);
    let narrow = Matrix { values: x.values[..100 * (WIDTH - 1)].to_vec(), n_rows: 100, n_columns: WIDTH - 1 };
    let mut watcher = Accelerating(Erring::new(u32::MAX), Vec::new());
    let features = Features { features: Vec::new() };
    block_on(kmeans::fit(&KMeansSettings::default(), features, &narrow, 5, &mut watcher)).expect("clusters");
    block_on(linear::fit(&LinearSettings::default(), &narrow, &x.values[..100], None, &mut watcher)).expect("a model");
    assert!(watcher.1.is_empty());
}
