//! How fast networks are trained on this computer's GPU, beside its processor:
//! `cargo run --release -p gpu --example network_speed`.
//!
//! Times are those of steps that are handed over together, as a fit hands them over; what is counted is of one step.

use std::rc::Rc;
use std::time::{Duration, Instant};

use gpu::{Gpu, GpuError, Hardware, Path};
use learn::neural::{Backend, Cpu, Plan, Rows};
use model::{Image, Stage};
use numeric::Stream;
use pollster::block_on;

/// Each is measured for so long, after as long to settle.
const MEASURED: Duration = Duration::from_secs(3);

fn main() -> Result<(), GpuError> {
    let gpu = Rc::new(block_on(Gpu::find())?);
    let adapter = gpu.adapter();
    println!("{}{}", adapter.name, if adapter.is_software { " (software)" } else { "" });
    println!("{:<40}{:>10}{:>12}{:>14}{:>14}", "one step", "ms", "kernels", "bytes to", "bytes from");
    let start = Instant::now();
    let hardware = Hardware::new(gpu.clone(), move || start.elapsed().as_secs_f64() * 1e3);
    let both = [Path::Rows, Path::Layers];
    for (name, plan, batch_size, paths) in [
        ("784-512-512-10", Plan::dense(&[784, 512, 512, 10]), 512, &both[..]),
        ("20-64-64-2", Plan::dense(&[20, 64, 64, 2]), 128, &both[..]),
        (
            "the same, normal, dropped",
            Plan { dropout: 0.2, batch_norm: true, ..Plan::dense(&[20, 64, 64, 2]) },
            128,
            &both[1..],
        ),
        ("8×8×1, 16 of 3×3, 2×2", seen(image(8, 8, 1), 16, &[10]), 128, &both[1..]),
        ("28×28×1, 16 of 3×3, 2×2", seen(image(28, 28, 1), 16, &[64, 10]), 128, &both[1..]),
        ("16×16×16, 32 of 3×3, 2×2", seen(image(16, 16, 16), 32, &[10]), 128, &both[1..]),
    ] {
        let rows = rows(&plan, 4096);
        let start = plan.start(&mut Stream::new(1));
        let name = format!("{name}, batch {batch_size}");
        let ms = ms_per_step(&mut Cpu::new(plan.clone(), start.clone(), &rows), batch_size);
        println!("{:<40}{ms:>10.3}", format!("{name}: CPU"));
        for path in paths.iter().copied() {
            let hardware = hardware.clone().with_path(path);
            let Some(mut trainer) = block_on(hardware.trainer(&plan, &start, &rows))? else { continue };
            let ms = ms_per_step(&mut trainer, batch_size);
            let traffic = trainer.traffic();
            let per_step = |n: u64| n as f64 / traffic.n_steps as f64;
            println!(
                "{:<40}{ms:>10.3}{:>12.1}{:>14.0}{:>14.0}",
                format!("{:>35} {path:?}", "GPU"),
                per_step(traffic.n_dispatches),
                per_step(traffic.n_bytes_to),
                per_step(traffic.n_bytes_from),
            );
        }
    }
    Ok(())
}

fn ms_per_step(backend: &mut dyn Backend, batch_size: usize) -> f64 {
    let order: Vec<u32> = (0..4096).collect();
    let mut ms = f64::INFINITY;
    // The first round compiles kernels and finds how many steps go together.
    for _ in 0..2 {
        let (start, mut n_steps) = (Instant::now(), 0);
        while start.elapsed() < MEASURED {
            let n_at_once = backend.steps_at_once().min(order.len() / batch_size);
            block_on(backend.steps(&order[..n_at_once * batch_size], batch_size)).expect("it is there");
            n_steps += n_at_once;
        }
        ms = start.elapsed().as_secs_f64() * 1e3 / n_steps as f64;
    }
    ms
}

fn image(height: usize, width: usize, n_channels: usize) -> Image {
    Image { height, width, n_channels }
}

/// Filters of 3 × 3 pixels, normalised; the largest of 2 × 2; and dense layers.
fn seen(image: Image, n_filters: usize, widths: &[usize]) -> Plan {
    let convolution = Stage::Convolution { image, kernel: 3, n_filters };
    let pooling = Stage::Pooling { image: convolution.output(), size: 2 };
    let dense = Plan { batch_norm: true, ..Plan::dense(&[&[pooling.n_outputs()], widths].concat()) };
    Plan { stages: [vec![convolution, pooling], dense.stages.clone()].concat(), ..dense }
}

fn rows(plan: &Plan, n_rows: usize) -> Rows {
    let mut stream = Stream::new(2);
    let inputs = (0..n_rows * plan.stages[0].n_inputs()).map(|_| (2.0 * stream.uniform() - 1.0) as f32).collect();
    let n_classes = plan.stages[plan.stages.len() - 1].n_outputs();
    Rows { inputs, targets: (0..n_rows).map(|at| (at % n_classes) as f32).collect(), weights: vec![1.0; n_rows] }
}
