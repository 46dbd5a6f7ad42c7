//! How fast the kernels are on this computer's GPU: `cargo run --release -p gpu --example gpu_speed`.
//!
//! Times are those of a caller: numbers go to the GPU and come back.

use std::time::Instant;

use gpu::{Factor, Gpu, GpuError};
use pollster::block_on;

/// Each is measured so often; the best counts.
const N_RUNS: usize = 3;

fn main() -> Result<(), GpuError> {
    let gpu = block_on(Gpu::find())?;
    let adapter = gpu.adapter();
    println!("{}{}", adapter.name, if adapter.is_software { " (software)" } else { "" });
    println!("{:<40}{:>12}{:>12}", "", "ms", "GFLOP/s");
    let x: Vec<f32> = (0..4_usize << 20).map(|at| ((at * 7919) % 1013) as f32 / 1013.0).collect();
    for n in [64, 256, 512, 1024, 2048] {
        let factor = Factor::rows(&x[..n * n]);
        measure(&format!("product of {n} × {n}"), n * n * n, || block_on(gpu.product((n, n, n), factor, factor)))?;
    }
    for (n_rows, n_columns) in [(40_000, 20), (40_000, 100), (4_000, 1000)] {
        let name = format!("Gram matrix of {n_rows} × {n_columns}");
        let x = &x[..n_rows * n_columns];
        measure(&name, n_rows * n_columns * n_columns / 2, || block_on(gpu.gram((n_rows, n_columns), x)))?;
    }
    for (n_rows, n_points, n_columns) in [(40_000, 10, 20), (4_000, 4_000, 20), (2_000, 2_000, 500)] {
        let name = format!("distances of {n_rows} to {n_points} of {n_columns}");
        let (rows, points) = (&x[..n_rows * n_columns], &x[..n_points * n_columns]);
        let size = (n_rows, n_points, n_columns);
        measure(&name, n_rows * n_points * n_columns, || block_on(gpu.squared_distances(size, rows, points)))?;
    }
    Ok(())
}

/// Prints the best time of `run`, which adds `n_terms` terms.
fn measure(name: &str, n_terms: usize, run: impl Fn() -> Result<Vec<f32>, GpuError>) -> Result<(), GpuError> {
    run()?;
    let mut best = f64::INFINITY;
    for _ in 0..N_RUNS {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{name:<40}{:>12.2}{:>12.1}", best * 1e3, 2.0 * n_terms as f64 / best / 1e9);
    Ok(())
}
