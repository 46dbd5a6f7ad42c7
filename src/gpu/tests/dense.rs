//! What fits hand over to the GPU, beside what the CPU makes of it. Where no GPU is, nothing is run and the tests say so.

use std::rc::Rc;
use std::time::Instant;

use gpu::{Gpu, GpuError, Hardware};
use learn::accelerator::{Accelerator, Comparison};
use learn::dataset::Labels;
use learn::principal::fit;
use learn::{
    Checkpoint, ComponentsSettings, KMeansSettings, Keep, LinearMethod, LinearSettings, NeighborsSettings, Start,
    Stopped, TsneSettings, Unwatched, block_on,
};
use learn::{embedding, kmeans, linear, neighbors};
use model::{Features, Lanes, Matrix};
use numeric::Stream;

/// Someone whose sums the GPU computes.
struct OnGpu(Rc<Hardware>, Vec<String>);

impl Checkpoint for OnGpu {
    async fn checkpoint(&mut self, _fraction: f64, _message: &str) -> Result<(), Stopped> {
        Ok(())
    }

    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        Some(self.0.clone())
    }

    fn remark(&mut self, sentence: String) {
        self.1.push(sentence);
    }
}

/// The GPU, which cuts what it computes into blocks of so many bytes at most; or a word of what was not run.
fn found(what: &str, block_bytes: u64) -> Option<OnGpu> {
    match pollster::block_on(Gpu::find()) {
        Ok(gpu) => {
            let started = Instant::now();
            let now_ms = move || started.elapsed().as_secs_f64() * 1e3;
            Some(OnGpu(Rc::new(Hardware::new(Rc::new(gpu.with_block_bytes(block_bytes)), now_ms)), Vec::new()))
        }
        Err(GpuError::NoAdapter { .. }) => {
            println!("not run: {what} on the GPU, as there is none here");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Columns that have a few directions in common, and noise.
fn correlated(n_rows: usize, n_columns: usize, seed: u64) -> Matrix {
    let mut stream = Stream::new(seed);
    let n_hidden = 5;
    let hidden: Vec<f64> = (0..n_rows * n_hidden).map(|_| stream.normal()).collect();
    let shares: Vec<f64> = (0..n_columns * n_hidden).map(|_| stream.normal()).collect();
    let mut values = Vec::with_capacity(n_rows * n_columns);
    for column in shares.chunks(n_hidden) {
        for row in hidden.chunks(n_hidden) {
            let sum: f64 = row.iter().zip(column).zip(1..).map(|((a, b), rank)| a * b / f64::from(rank)).sum();
            values.push(50.0 + 3.0 * sum + 0.1 * stream.normal());
        }
    }
    Matrix { values, n_rows, n_columns }
}

#[test]
fn components_of_many_columns_are_those_of_the_cpu() {
    let Some(mut watched) = found("principal components", u64::MAX) else { return };
    let x = correlated(3_000, 100, 9);
    let settings = ComponentsSettings { keep: Keep::Count(5), standardize: true };
    let on_cpu = block_on(fit(&settings, &x, &mut Unwatched)).expect("components");
    let on_gpu = block_on(fit(&settings, &x, &mut watched)).expect("components");
    assert!(watched.1[0].starts_with("Computed and rounded by the GPU"), "{:?}", watched.1);
    let mut largest = 0.0f64;
    for (one, other) in on_gpu.variances.iter().zip(&on_cpu.variances) {
        largest = largest.max((one / other - 1.0).abs());
    }
    for (one, other) in on_gpu.directions.iter().zip(&on_cpu.directions) {
        largest = largest.max((one - other).abs());
    }
    println!("variances and directions differ by {largest:.1e} at most");
    assert!(largest < 1e-5, "{largest}");
}

#[test]
fn ridge_agrees_with_the_cpu_to_nine_digits() {
    let Some(mut watched) = found("ridge regression", u64::MAX) else { return };
    let x = correlated(3_000, 100, 9);
    let y: Vec<f64> = (0..x.n_rows).map(|i| x.at(i, 3) - 2.0 * x.at(i, 40) + (i % 7) as f64).collect();
    let settings = LinearSettings { method: LinearMethod::Ridge, l2_weight: 1.0, ..Default::default() };
    let on_cpu = block_on(linear::fit(&settings, &x, &y, None, &mut Unwatched)).expect("a model");
    let on_gpu = block_on(linear::fit(&settings, &x, &y, None, &mut watched)).expect("a model");
    assert!(watched.1[0].starts_with("Added up by the GPU"), "{:?}", watched.1);
    let off = on_gpu.coefficients.iter().zip(&on_cpu.coefficients).map(|(a, b)| (a - b).abs() / b.abs());
    let largest = off.fold(0.0f64, f64::max);
    println!("coefficients differ by {largest:.1e} at most");
    assert!(largest < 1e-9, "{largest}");
}

/// In one piece, and in pieces of 64 rows and fewer points.
const BLOCKS: [u64; 2] = [u64::MAX, 64 * 70 * 4];

#[test]
fn clusters_are_those_of_the_cpu() {
    for block_bytes in BLOCKS {
        let Some(mut watched) = found("k-means", block_bytes) else { return };
        let x = correlated(501, 70, 2);
        let settings = KMeansSettings { k: 90, n_init: 2, max_iterations: 20, ..Default::default() };
        let features = || Features { features: Vec::new() };
        let on_cpu = block_on(kmeans::fit(&settings, features(), &x, 3, &mut Unwatched)).expect("clusters");
        let on_gpu = block_on(kmeans::fit(&settings, features(), &x, 3, &mut watched)).expect("clusters");
        assert!(watched.1[0].starts_with("Compared by the GPU"), "{:?}", watched.1);
        assert_eq!(on_gpu, on_cpu);
    }
}

#[test]
fn neighbours_are_those_of_the_cpu() {
    for block_bytes in BLOCKS {
        let Some(watched) = found("k-nearest neighbours", block_bytes) else { return };
        let (x, queries) = (correlated(501, 70, 2), correlated(90, 70, 3));
        let labels = Labels::Numbers((0..x.n_rows).map(|i| i as f64).collect());
        let settings = NeighborsSettings { k: 7, ..Default::default() };
        let fitted = block_on(neighbors::fit(&settings, &x, &labels, 0, &mut Unwatched)).expect("neighbours");
        let screen = fitted.screen().expect("Euclidean distances");
        let accelerator = watched.accelerator();
        let told = block_on(async {
            let mut comparison = Comparison::new(accelerator.as_ref(), screen, queries.n_rows).await;
            comparison.least(&screen.placed(&fitted.queries(&queries)).0).await.expect("an answer")
        });
        assert_eq!(fitted.predict_told(&queries, Some(&told)), fitted.predict(&queries));
        let n_groups = x.n_rows.div_ceil(Lanes::WIDTH);
        let are_near = screen.near(&fitted.queries(&queries)[..x.n_columns], &told[..n_groups], 7);
        let n_near = are_near.iter().filter(|is_near| **is_near).count();
        println!("{n_near} of {n_groups} groups were looked at");
        assert!(n_near < n_groups / 2, "{n_near}");
    }
}

#[test]
fn places_are_those_of_the_cpu() {
    let Some(mut watched) = found("t-SNE", u64::MAX) else { return };
    let x = correlated(1_000, 64, 4);
    let settings =
        TsneSettings { max_iterations: 250, perplexity: 10.0, start: Start::Random, ..TsneSettings::default() };
    let on_cpu = block_on(embedding::fit(&settings, &x, 3, &mut Unwatched)).expect("places");
    let on_gpu = block_on(embedding::fit(&settings, &x, 3, &mut watched)).expect("places");
    assert!(watched.1[0].starts_with("Compared by the GPU"), "{:?}", watched.1);
    assert_eq!(on_gpu, on_cpu);
}
