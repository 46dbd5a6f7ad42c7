//! Steps on the processor, by back-propagation (Rumelhart, Hinton and Williams, 1986).

use model::{Layer, Scratch, Strided, softmax};

use super::{Backend, Loss, Optimizer, Plan, Rows};
use crate::Stopped;

/// Weights, rows, and what a step needs.
pub(super) struct Cpu {
    plan: Plan,
    layers: Vec<Layer>,
    rows: Rows,
    /// What the optimizer remembers of each layer.
    memory: Vec<[Memory; 2]>,
    n_steps: u32,
    scratch: Scratch,
    /// What goes into each layer, and at last what comes out.
    values: Vec<Vec<f32>>,
    /// Slopes of the loss along the sums of a layer, and along those of the layer below.
    errors: Vec<f32>,
    below: Vec<f32>,
    slopes: Vec<f32>,
}

/// Of weights or biases: running means of slopes and of their squares, or the last steps.
#[derive(Default)]
struct Memory {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Memory {
    fn new(n: usize, optimizer: Optimizer) -> Self {
        let n_second = if optimizer == Optimizer::Adam { n } else { 0 };
        Self { first: vec![0.0; n], second: vec![0.0; n_second] }
    }
}

impl Cpu {
    pub(super) fn new(plan: Plan, layers: Vec<Layer>, rows: Rows) -> Self {
        let remembered = |layer: &Layer| {
            [Memory::new(layer.weights.len(), plan.optimizer), Memory::new(layer.biases.len(), plan.optimizer)]
        };
        Self {
            memory: layers.iter().map(remembered).collect(),
            values: vec![Vec::new(); layers.len() + 1],
            plan,
            layers,
            rows,
            n_steps: 0,
            scratch: Scratch::default(),
            errors: Vec::new(),
            below: Vec::new(),
            slopes: Vec::new(),
        }
    }

    /// What comes out for rows is the last of `values`; their losses in sum, and in `errors` the slopes along the outputs.
    fn forward(&mut self, row_idxs: &[u32]) -> f64 {
        let width = self.plan.widths[0];
        let inputs = &mut self.values[0];
        inputs.clear();
        for &row_idx in row_idxs {
            inputs.extend_from_slice(&self.rows.inputs[row_idx as usize * width..][..width]);
        }
        for (layer_idx, layer) in self.layers.iter().enumerate() {
            let (below, above) = self.values.split_at_mut(layer_idx + 1);
            layer.sums(&below[layer_idx], row_idxs.len(), &mut self.scratch, &mut above[0]);
            if layer_idx + 1 < self.layers.len() {
                self.plan.activation.apply(&mut above[0]);
            }
        }
        let n_outputs = self.plan.widths[self.layers.len()];
        let mut sum = 0.0;
        self.errors.clear();
        self.errors.extend_from_slice(&self.values[self.layers.len()]);
        for (errors, &row_idx) in self.errors.chunks_exact_mut(n_outputs).zip(row_idxs) {
            let (target, weight) = (self.rows.targets[row_idx as usize], self.rows.weights[row_idx as usize]);
            match self.plan.loss {
                Loss::Square => {
                    errors[0] -= target;
                    sum += 0.5 * f64::from(weight) * f64::from(errors[0]) * f64::from(errors[0]);
                }
                Loss::CrossEntropy => {
                    softmax(errors);
                    let class = target as usize;
                    // The least number keeps the loss of a class that seemed impossible finite.
                    sum -= f64::from(weight) * numeric::ln(f64::from(errors[class].max(f32::MIN_POSITIVE)));
                    errors[class] -= 1.0;
                }
            }
            errors.iter_mut().for_each(|error| *error *= weight);
        }
        sum
    }

    /// Moves the weights of all layers against the slopes.
    fn backward(&mut self, n_rows: usize) {
        self.n_steps += 1;
        let share = 1.0 / n_rows as f32;
        for layer_idx in (0..self.layers.len()).rev() {
            let layer = &self.layers[layer_idx];
            let (n_inputs, n_outputs) = (layer.n_inputs, layer.n_outputs);
            let inputs = Strided::rows(&self.values[layer_idx], n_inputs);
            let errors = Strided::rows(&self.errors, n_outputs);
            if layer_idx > 0 {
                self.below.resize(n_rows * n_inputs, 0.0);
                let weights = Strided::rows(&layer.weights, n_outputs).transposed();
                self.scratch.product((n_rows, n_inputs, n_outputs), errors, weights, &mut self.below);
                for (error, value) in self.below.iter_mut().zip(&self.values[layer_idx]) {
                    *error *= self.plan.activation.slope(*value);
                }
            }
            self.slopes.resize(n_inputs * n_outputs, 0.0);
            self.scratch.product((n_inputs, n_outputs, n_rows), inputs.transposed(), errors, &mut self.slopes);
            let mut of_biases = vec![0.0f32; n_outputs];
            for errors in self.errors.chunks_exact(n_outputs) {
                of_biases.iter_mut().zip(errors).for_each(|(sum, error)| *sum += error);
            }
            let step = Step::new(&self.plan, self.n_steps, share);
            let layer = &mut self.layers[layer_idx];
            let [of_weights, of_bias] = &mut self.memory[layer_idx];
            step.apply(&mut layer.weights, &self.slopes, self.plan.l2_weight as f32, of_weights);
            step.apply(&mut layer.biases, &of_biases, 0.0, of_bias);
            std::mem::swap(&mut self.errors, &mut self.below);
        }
    }
}

/// How long a step is.
struct Step {
    optimizer: Optimizer,
    length: f32,
    /// What roots of Adam's mean of squares are multiplied by, as it began at 0.
    root: f32,
    /// What a row of the batch counts.
    share: f32,
}

impl Step {
    fn new(plan: &Plan, n_steps: u32, share: f32) -> Self {
        let (length, root) = match plan.optimizer {
            Optimizer::Sgd { .. } => (plan.learning_rate, 1.0),
            // Means that began at 0 are too small at first.
            Optimizer::Adam => {
                let left = |share: f64| 1.0 - numeric::pow(share, f64::from(n_steps));
                (plan.learning_rate / left(f64::from(MEANS)), 1.0 / numeric::sqrt(left(f64::from(SQUARES))))
            }
        };
        Self { optimizer: plan.optimizer, length: length as f32, root: root as f32, share }
    }

    /// Against sums of slopes over the batch.
    fn apply(&self, weights: &mut [f32], slopes: &[f32], l2_weight: f32, memory: &mut Memory) {
        match self.optimizer {
            Optimizer::Adam => adam(self, weights, slopes, l2_weight, &mut memory.first, &mut memory.second),
            Optimizer::Sgd { momentum } => {
                let momentum = momentum as f32;
                for ((weight, slope), last) in weights.iter_mut().zip(slopes).zip(&mut memory.first) {
                    let slope = self.share * (slope + l2_weight * *weight);
                    *last = momentum * *last - self.length * slope;
                    *weight += momentum * *last - self.length * slope;
                }
            }
        }
    }
}

numeric::wide! {
    /// Kingma and Ba, Adam: a method for stochastic optimization, 2015.
    fn adam(step: &Step, weights: &mut [f32], slopes: &[f32], l2_weight: f32, first: &mut [f32], second: &mut [f32]) {
        for ((weight, slope), (first, second)) in weights.iter_mut().zip(slopes).zip(first.iter_mut().zip(second)) {
            let slope = step.share * (slope + l2_weight * *weight);
            *first = MEANS * *first + (1.0 - MEANS) * slope;
            *second = SQUARES * *second + (1.0 - SQUARES) * slope * slope;
            *weight -= step.length * *first / (second.sqrt() * step.root + LEAST);
        }
    }
}

/// Share of Adam's mean of slopes that stays.
const MEANS: f32 = 0.9;
/// Share of its mean of squares that stays.
const SQUARES: f32 = 0.999;
/// Keeps it from dividing by 0.
const LEAST: f32 = 1e-8;

impl Backend for Cpu {
    async fn step(&mut self, row_idxs: &[u32]) -> Result<f64, Stopped> {
        let loss = self.forward(row_idxs);
        self.backward(row_idxs.len());
        Ok(loss)
    }

    async fn loss(&mut self, row_idxs: &[u32]) -> Result<f64, Stopped> {
        Ok(self.forward(row_idxs))
    }

    async fn layers(&mut self) -> Result<Vec<Layer>, Stopped> {
        Ok(self.layers.clone())
    }
}
