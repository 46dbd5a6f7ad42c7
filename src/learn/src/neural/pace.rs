//! How fast networks are trained here.

use numeric::Stream;

use super::{Backend, Cpu, Plan, Rows};
use crate::Checkpoint;
use crate::accelerator::{Accelerator, Lost};

/// Each of the two networks is trained for so long, and so many times at least.
const SECS: f64 = 0.15;
const N_TIMES: usize = 6;

/// How long a step of training takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Seconds, whatever is to do.
    pub fixed_secs: f64,
    /// Seconds for each product of `Plan::n_products`.
    pub product_secs: f64,
}

impl Pace {
    /// Seconds of a step.
    pub fn secs(&self, n_products: f64) -> f64 {
        self.fixed_secs + self.product_secs * n_products
    }
}

/// Measures an accelerator, or without one the CPU, on a small network and a large one.
///
/// # Errors
/// The accelerator is lost, or does not take a network; or it is no longer wanted.
pub async fn pace(
    accelerator: Option<&dyn Accelerator>,
    now_secs: &dyn Fn() -> f64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Pace, Lost> {
    let (few, small) = step(accelerator, now_secs, checkpoint, &[20, 64, 64, 2], 128).await?;
    let (many, large) = step(accelerator, now_secs, checkpoint, &[784, 512, 512, 10], 512).await?;
    let product_secs = ((large - small) / (many - few)).max(0.0);
    Ok(Pace { fixed_secs: (small - product_secs * few).max(0.0), product_secs })
}

/// Products of a step on a network of such widths, and its seconds.
async fn step(
    accelerator: Option<&dyn Accelerator>,
    now_secs: &dyn Fn() -> f64,
    checkpoint: &mut impl Checkpoint,
    widths: &[usize],
    batch_size: usize,
) -> Result<(f64, f64), Lost> {
    let plan = Plan::dense(widths);
    let mut stream = Stream::new(1);
    let layers = plan.start(&mut stream);
    let rows = Rows {
        inputs: (0..batch_size * widths[0]).map(|_| stream.uniform() as f32).collect(),
        targets: (0..batch_size).map(|row_idx| (row_idx % 2) as f32).collect(),
        weights: vec![1.0; batch_size],
    };
    let n_products = plan.n_products(batch_size);
    let mut backend: Box<dyn Backend> = match accelerator {
        None => Box::new(Cpu::new(plan.clone(), layers, &rows)),
        Some(accelerator) => match accelerator.backend(&plan, &layers, &rows, batch_size).await? {
            Some(backend) => backend,
            None => return Err(Lost("it does not train networks".into())),
        },
    };
    let batch: Vec<u32> = (0..batch_size as u32).collect();
    let mut best = f64::INFINITY;
    let began = now_secs();
    let mut n_done = 0;
    // At first programs are translated, and the GPU is asked for few steps at a time.
    while n_done < N_TIMES || now_secs() - began < SECS {
        let n_steps = backend.steps_at_once();
        let row_idxs = batch.repeat(n_steps);
        let started = now_secs();
        backend.steps(&row_idxs, batch_size).await?;
        best = best.min((now_secs() - started) / n_steps as f64);
        n_done += 1;
        checkpoint.checkpoint(0.0, "Measuring").await?;
    }
    Ok((n_products, best))
}
