//! Principal components on the GPU against those of the CPU.

use std::rc::Rc;
use std::time::Instant;

use gpu::{Gpu, GpuError, Hardware};
use learn::neural::Accelerator;
use learn::principal::fit;
use learn::{Checkpoint, ComponentsSettings, Keep, Stopped, Unwatched, block_on};
use model::Matrix;
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

#[test]
fn components_of_many_columns_are_those_of_the_cpu() {
    let gpu = match pollster::block_on(Gpu::find()) {
        Ok(gpu) => gpu,
        Err(GpuError::NoAdapter { .. }) => return println!("not run: components on the GPU, as there is none here"),
        Err(error) => panic!("{error}"),
    };
    let started = Instant::now();
    let hardware = Rc::new(Hardware::new(Rc::new(gpu), move || started.elapsed().as_secs_f64() * 1e3));
    let mut stream = Stream::new(9);
    let (n_rows, n_columns, n_hidden) = (3_000, 100, 5);
    // A few directions that all columns share, and noise.
    let hidden: Vec<f64> = (0..n_rows * n_hidden).map(|_| stream.normal()).collect();
    let shares: Vec<f64> = (0..n_columns * n_hidden).map(|_| stream.normal()).collect();
    let mut values = Vec::with_capacity(n_rows * n_columns);
    for column in shares.chunks(n_hidden) {
        for row in hidden.chunks(n_hidden) {
            let sum: f64 = row.iter().zip(column).zip(1..).map(|((a, b), rank)| a * b / f64::from(rank)).sum();
            values.push(50.0 + 3.0 * sum + 0.1 * stream.normal());
        }
    }
    let x = Matrix { values, n_rows, n_columns };
    let settings = ComponentsSettings { keep: Keep::Count(5), standardize: true };
    let on_cpu = block_on(fit(&settings, &x, &mut Unwatched)).expect("components");
    let mut watched = OnGpu(hardware, Vec::new());
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
