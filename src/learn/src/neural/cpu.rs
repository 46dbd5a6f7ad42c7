//! Steps on the processor, by back-propagation (Rumelhart, Hinton and Williams, 1986).

use std::future::ready;

use model::{Layer, Scratch, Stage, Strided, softmax};

use super::backend::Saved;
use super::{Backend, Loss, Optimizer, Plan, Rows};
use crate::accelerator::Promised;

/// Weights, rows, and what a step needs.
pub struct Cpu<'r> {
    plan: Plan,
    pub(super) layers: Vec<Learnt>,
    rows: &'r Rows,
    n_steps: u32,
    scratch: Scratch,
    /// What goes into each stage, and at last what comes out.
    values: Vec<Vec<f32>>,
    /// Slopes of the loss along the numbers above a stage, and along those below it.
    errors: Vec<f32>,
    below: Vec<f32>,
    slopes: Vec<f32>,
}

/// What is learnt of a layer.
pub(super) struct Learnt {
    pub(super) layer: Layer,
    /// Normalises its sums, whose biases are 0 then.
    pub(super) norm: Option<Norm>,
    /// What the optimizer remembers of weights, biases, and factors of the norm.
    memory: [Memory; 3],
}

/// Running means of slopes and of their squares, or the last steps.
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

/// Normalises the outputs of a layer: see `Plan::batch_norm`.
pub(super) struct Norm {
    pub(super) factors: Vec<f32>,
    pub(super) biases: Vec<f32>,
    /// The running ones.
    means: Vec<f32>,
    variances: Vec<f32>,
    /// Sums of the batch, normalised, and what they were divided by, inverted.
    normal: Vec<f32>,
    inverse: Vec<f32>,
}

/// Keeps it from dividing by the root of 0.
const LEAST_VARIANCE: f64 = 1e-5;
/// Share of a batch in running means.
const RUNNING: f64 = 0.1;

impl Norm {
    fn new(biases: Vec<f32>) -> Self {
        let n = biases.len();
        let (factors, variances, means, inverse) = (vec![1.0; n], vec![1.0; n], vec![0.0; n], vec![0.0; n]);
        Self { factors, biases, means, variances, normal: Vec::new(), inverse }
    }

    /// Normalises the sums of a batch.
    fn normalise(&mut self, sums: &mut [f32]) {
        let n_outputs = self.factors.len();
        let n = (sums.len() / n_outputs) as f64;
        let mut means = vec![0.0; n_outputs];
        for sums in sums.chunks_exact(n_outputs) {
            means.iter_mut().zip(sums).for_each(|(mean, sum)| *mean += f64::from(*sum) / n);
        }
        let mut squares = vec![0.0; n_outputs];
        for sums in sums.chunks_exact(n_outputs) {
            for ((square, sum), mean) in squares.iter_mut().zip(sums).zip(&means) {
                *square += (f64::from(*sum) - mean) * (f64::from(*sum) - mean);
            }
        }
        for output in 0..n_outputs {
            self.inverse[output] = (1.0 / numeric::sqrt(squares[output] / n + LEAST_VARIANCE)) as f32;
            if n > 1.0 {
                let toward = |running: &mut f32, of_batch: f64| {
                    *running = ((1.0 - RUNNING) * f64::from(*running) + RUNNING * of_batch) as f32;
                };
                toward(&mut self.means[output], means[output]);
                toward(&mut self.variances[output], squares[output] / (n - 1.0));
            }
        }
        self.normal.clear();
        for sums in sums.chunks_exact_mut(n_outputs) {
            for (output, sum) in sums.iter_mut().enumerate() {
                let normal = (f64::from(*sum) - means[output]) as f32 * self.inverse[output];
                self.normal.push(normal);
                *sum = normal * self.factors[output] + self.biases[output];
            }
        }
    }

    /// From slopes along what was normalised to those along the sums of the batch, given the sums of the former; those along
    /// the factors.
    fn backward(&self, errors: &mut [f32], of_biases: &[f32]) -> Vec<f32> {
        let n_outputs = self.factors.len();
        let share = n_outputs as f32 / errors.len() as f32;
        let mut of_factors = vec![0.0f32; n_outputs];
        for (errors, normal) in errors.chunks_exact(n_outputs).zip(self.normal.chunks_exact(n_outputs)) {
            let slopes = of_factors.iter_mut().zip(errors.iter().zip(normal));
            slopes.for_each(|(slope, (error, normal))| *slope += error * normal);
        }
        for (errors, normal) in errors.chunks_exact_mut(n_outputs).zip(self.normal.chunks_exact(n_outputs)) {
            for (output, (error, normal)) in errors.iter_mut().zip(normal).enumerate() {
                let along = share * (of_biases[output] + normal * of_factors[output]);
                *error = self.factors[output] * self.inverse[output] * (*error - along);
            }
        }
        of_factors
    }

    /// What an output is multiplied by, and what is added then, with the running figures.
    fn running(&self, output: usize) -> (f32, f32) {
        let deviation = numeric::sqrt(f64::from(self.variances[output]) + LEAST_VARIANCE);
        let factor = f64::from(self.factors[output]) / deviation;
        (factor as f32, (f64::from(self.biases[output]) - f64::from(self.means[output]) * factor) as f32)
    }
}

impl Learnt {
    fn new(mut layer: Layer, plan: &Plan, is_hidden: bool) -> Self {
        let (n_inputs, n_outputs) = (layer.n_inputs, layer.n_outputs);
        let is_normal = plan.batch_norm && is_hidden;
        let mut biases = || std::mem::replace(&mut layer.biases, vec![0.0; n_outputs]);
        let norm = is_normal.then(|| Norm::new(biases()));
        let n_factors = if is_normal { n_outputs } else { 0 };
        let memory = [n_inputs * n_outputs, n_outputs, n_factors].map(|n| Memory::new(n, plan.optimizer));
        Self { layer, norm, memory }
    }

    /// All numbers that steps change and that later ones rest on.
    fn numbers(&mut self) -> impl Iterator<Item = &mut f32> {
        let [of_weights, of_biases, of_factors] = &mut self.memory;
        let mut lists = vec![&mut self.layer.weights, &mut self.layer.biases];
        for Memory { first, second } in [of_weights, of_biases, of_factors] {
            lists.extend([first, second]);
        }
        if let Some(Norm { factors, biases, means, variances, .. }) = &mut self.norm {
            lists.extend([factors, biases, means, variances]);
        }
        lists.into_iter().flatten()
    }

    /// With what normalises it folded in.
    fn folded(&self) -> Layer {
        let mut layer = self.layer.clone();
        if let Some(norm) = &self.norm {
            for output in 0..layer.n_outputs {
                let (factor, bias) = norm.running(output);
                layer.weights[output..].iter_mut().step_by(layer.n_outputs).for_each(|weight| *weight *= factor);
                layer.biases[output] = bias;
            }
        }
        layer
    }
}

impl<'r> Cpu<'r> {
    /// Starts from these weights.
    pub fn new(plan: Plan, layers: Vec<Layer>, rows: &'r Rows) -> Self {
        let n_layers = layers.len();
        let learnt = |(layer_idx, layer)| Learnt::new(layer, &plan, layer_idx + 1 < n_layers);
        Self {
            layers: layers.into_iter().enumerate().map(learnt).collect(),
            values: vec![Vec::new(); plan.stages.len() + 1],
            plan,
            rows,
            n_steps: 0,
            scratch: Scratch::default(),
            errors: Vec::new(),
            below: Vec::new(),
            slopes: Vec::new(),
        }
    }

    /// What comes out for rows is the last of `values`; their losses in sum, and in `errors` the slopes along the outputs.
    fn forward(&mut self, row_idxs: &[u32], is_step: bool) -> f64 {
        let n_columns = self.plan.stages[0].n_inputs();
        let inputs = &mut self.values[0];
        inputs.clear();
        for &row_idx in row_idxs {
            inputs.extend_from_slice(&self.rows.inputs[row_idx as usize * n_columns..][..n_columns]);
        }
        let n_layers = self.layers.len();
        let mut layers = self.layers.iter_mut().enumerate();
        for (stage_idx, stage) in self.plan.stages.iter().enumerate() {
            let (below, above) = self.values.split_at_mut(stage_idx + 1);
            let (inputs, outputs) = (&below[stage_idx], &mut above[0]);
            let learnt = stage.layer().and_then(|_| layers.next());
            let layer = learnt.as_ref().map(|(_, learnt)| &learnt.layer);
            stage.forward(layer, inputs, row_idxs.len(), &mut self.scratch, outputs);
            let Some((layer_idx, Learnt { norm, .. })) = learnt.filter(|(layer_idx, _)| layer_idx + 1 < n_layers)
            else {
                continue;
            };
            match norm {
                None => {}
                Some(norm) if is_step => norm.normalise(outputs),
                Some(norm) => {
                    let n_outputs = norm.factors.len();
                    let running: Vec<_> = (0..n_outputs).map(|output| norm.running(output)).collect();
                    for (sum, (factor, bias)) in outputs.iter_mut().zip(running.iter().cycle()) {
                        *sum = *sum * factor + bias;
                    }
                }
            }
            self.plan.activation.apply(outputs);
            if is_step {
                drop_nodes(&self.plan, (self.n_steps, layer_idx), outputs, stage.n_outputs());
            }
        }
        let n_outputs = self.plan.stages.last().map_or(1, |stage| stage.n_outputs());
        let mut sum = 0.0;
        self.errors.clear();
        self.errors.extend_from_slice(&self.values[self.plan.stages.len()]);
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
        let step = Step::new(&self.plan, self.n_steps + 1, 1.0 / n_rows as f32);
        let n_layers = self.layers.len();
        let mut layers = self.layers.iter_mut().enumerate().rev();
        for (stage_idx, stage) in self.plan.stages.iter().enumerate().rev() {
            let learnt = stage.layer().and_then(|_| layers.next());
            let (n_inputs, n_outputs) = (stage.n_inputs(), stage.n_outputs());
            let (inputs, values) = (&self.values[stage_idx], &self.values[stage_idx + 1]);
            let is_first = stage_idx == 0;
            self.below.clear();
            if !is_first {
                self.below.resize(n_rows * n_inputs, 0.0);
            }
            let Some((layer_idx, Learnt { layer, norm, memory })) = learnt else {
                to_largest(*stage, inputs, &self.errors, &mut self.below);
                std::mem::swap(&mut self.errors, &mut self.below);
                continue;
            };
            if layer_idx + 1 < n_layers {
                drop_nodes(&self.plan, (self.n_steps, layer_idx), &mut self.errors, n_outputs);
                // What is not dropped is larger by that.
                let kept = (1.0 - self.plan.dropout) as f32;
                for (error, value) in self.errors.iter_mut().zip(values) {
                    *error *= self.plan.activation.slope(*value * kept);
                }
            }
            let mut of_biases = vec![0.0f32; layer.n_outputs];
            for errors in self.errors.chunks_exact(layer.n_outputs) {
                of_biases.iter_mut().zip(errors).for_each(|(sum, error)| *sum += error);
            }
            let of_factors = norm.as_ref().map_or_else(Vec::new, |norm| norm.backward(&mut self.errors, &of_biases));
            self.slopes.resize(layer.weights.len(), 0.0);
            if let Stage::Dense { .. } = stage {
                let inputs = Strided::rows(inputs, n_inputs);
                let errors = Strided::rows(&self.errors, n_outputs);
                if !is_first {
                    let weights = Strided::rows(&layer.weights, n_outputs).transposed();
                    self.scratch.product((n_rows, n_inputs, n_outputs), errors, weights, &mut self.below);
                }
                self.scratch.product((n_inputs, n_outputs, n_rows), inputs.transposed(), errors, &mut self.slopes);
            } else {
                let above = (&inputs[..], &self.errors[..]);
                through_squares(*stage, layer, above, &mut self.scratch, &mut self.slopes, &mut self.below);
            }
            let l2_weight = self.plan.l2_weight as f32;
            let [of_weights, of_bias, of_factor] = memory;
            step.apply(&mut layer.weights, &self.slopes, l2_weight, of_weights);
            let biases = match norm {
                None => &mut layer.biases,
                Some(norm) => {
                    step.apply(&mut norm.factors, &of_factors, 0.0, of_factor);
                    &mut norm.biases
                }
            };
            step.apply(biases, &of_biases, 0.0, of_bias);
            std::mem::swap(&mut self.errors, &mut self.below);
        }
        self.n_steps += 1;
    }
}

/// Makes the numbers of nodes 0 that are dropped in a step, and the others larger. Steps before it and the layer are given.
#[inline(never)]
pub(super) fn drop_nodes(plan: &Plan, (n_steps, layer_idx): (u32, usize), numbers: &mut [f32], n_nodes: usize) {
    if plan.dropout <= 0.0 {
        return;
    }
    let factor = (1.0 / (1.0 - plan.dropout)) as f32;
    for (row, numbers) in (0..).zip(numbers.chunks_exact_mut(n_nodes)) {
        for (node, number) in (0..).zip(numbers) {
            let is_dropped = plan.drops(n_steps, layer_idx as u32, row, node);
            *number = if is_dropped { 0.0 } else { *number * factor };
        }
    }
}

/// Slopes along the numbers below a pooling stage: those above it stand where the largest numbers are, the first of equals.
fn to_largest(stage: Stage, inputs: &[f32], errors: &[f32], below: &mut [f32]) {
    let (n_inputs, n_outputs) = (stage.n_inputs(), stage.n_outputs());
    let (lines, length) = stage.lines();
    if !below.is_empty() {
        for (at, error) in errors.iter().enumerate() {
            let first = at / n_outputs * n_inputs;
            let row = &inputs[first..][..n_inputs];
            below[first + stage.largest((&lines, length), row, at % n_outputs)] += error;
        }
    }
}

/// Slopes along the weights of a convolution and along the numbers below it; the latter start at 0, and of the first stage
/// there are none.
fn through_squares(
    stage: Stage,
    layer: &Layer,
    (inputs, errors): (&[f32], &[f32]),
    scratch: &mut Scratch,
    slopes: &mut [f32],
    below: &mut [f32],
) {
    let (n_inputs, n_outputs) = (layer.n_inputs, layer.n_outputs);
    let weights = Strided::rows(&layer.weights, n_outputs).transposed();
    let (lines, length) = stage.lines();
    let n_at_once = stage.rows_at_once();
    let mut blocks_below = below.chunks_mut(n_at_once * stage.n_inputs());
    let (mut squares, mut added) = (Vec::new(), vec![0.0; slopes.len()]);
    slopes.fill(0.0);
    let blocks = inputs.chunks(n_at_once * stage.n_inputs()).zip(errors.chunks(n_at_once * stage.n_outputs()));
    for (inputs, errors) in blocks {
        stage.lay_out(inputs, &mut squares);
        let n_sums = errors.len() / n_outputs;
        let errors = Strided::rows(errors, n_outputs);
        let of_weights = Strided::rows(&squares, n_inputs).transposed();
        scratch.product((n_inputs, n_outputs, n_sums), of_weights, errors, &mut added);
        slopes.iter_mut().zip(&added).for_each(|(sum, slope)| *sum += slope);
        let Some(below) = blocks_below.next() else { continue };
        scratch.product((n_sums, n_inputs, n_outputs), errors, weights, &mut squares);
        let of_rows = squares.chunks_exact(lines.len() * length).zip(below.chunks_exact_mut(stage.n_inputs()));
        for (squares, below) in of_rows {
            for (first, line) in lines.iter().zip(squares.chunks_exact(length)) {
                below[*first..][..length].iter_mut().zip(line).for_each(|(sum, slope)| *sum += slope);
            }
        }
    }
}

/// How long a step is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    optimizer: Optimizer,
    /// What a slope, or Adam's mean of them, is multiplied by.
    pub length: f32,
    /// What roots of Adam's mean of squares are multiplied by, as it began at 0.
    pub root: f32,
    /// What a row of the batch counts.
    pub share: f32,
}

impl Step {
    /// Share of Adam's mean of slopes that stays.
    pub const MEANS: f32 = 0.9;
    /// Share of its mean of squares that stays.
    pub const SQUARES: f32 = 0.999;
    /// Keeps it from dividing by 0.
    pub const LEAST: f32 = 1e-8;

    /// The step that is the `n_steps`-th, from 1 on, of a batch whose rows count `share` each.
    pub fn new(plan: &Plan, n_steps: u32, share: f32) -> Self {
        let (length, root) = match plan.optimizer {
            Optimizer::Sgd { .. } => (plan.learning_rate, 1.0),
            // Means that began at 0 are too small at first.
            Optimizer::Adam => {
                let left = |share: f64| 1.0 - numeric::pow(share, f64::from(n_steps));
                (plan.learning_rate / left(f64::from(Self::MEANS)), 1.0 / numeric::sqrt(left(f64::from(Self::SQUARES))))
            }
        };
        Self { optimizer: plan.optimizer, length: length as f32, root: root as f32, share }
    }

    /// Against sums of slopes over the batch.
    #[inline(never)]
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
            *first = Step::MEANS * *first + (1.0 - Step::MEANS) * slope;
            *second = Step::SQUARES * *second + (1.0 - Step::SQUARES) * slope * slope;
            *weight -= step.length * *first / (second.sqrt() * step.root + Step::LEAST);
        }
    }
}

impl Backend for Cpu<'_> {
    fn steps_at_once(&self) -> usize {
        1
    }

    fn steps<'a>(&'a mut self, row_idxs: &'a [u32], batch_size: usize) -> Promised<'a, f64> {
        let mut sum = 0.0;
        for batch in row_idxs.chunks(batch_size) {
            sum += self.forward(batch, true);
            self.backward(batch.len());
        }
        Box::pin(ready(Ok(sum)))
    }

    fn loss<'a>(&'a mut self, row_idxs: &'a [u32]) -> Promised<'a, f64> {
        Box::pin(ready(Ok(self.forward(row_idxs, false))))
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        let before = std::mem::replace(&mut self.plan.learning_rate, learning_rate);
        if let Optimizer::Sgd { .. } = self.plan.optimizer
            && before != learning_rate
            && before > 0.0
        {
            // Last steps as they would have been; a mean of slopes has no length.
            let factor = (learning_rate / before) as f32;
            let memories = self.layers.iter_mut().flat_map(|learnt| &mut learnt.memory);
            memories.flat_map(|memory| &mut memory.first).for_each(|last| *last *= factor);
        }
    }

    fn layers(&mut self) -> Promised<'_, Vec<Layer>> {
        Box::pin(ready(Ok(self.layers.iter().map(Learnt::folded).collect())))
    }

    fn save(&mut self) -> Promised<'_, Option<Saved>> {
        let (n_steps, learning_rate) = (self.n_steps, self.plan.learning_rate);
        let numbers = self.layers.iter_mut().flat_map(Learnt::numbers).map(|number| *number).collect();
        Box::pin(ready(Ok(Some(Saved { n_steps, learning_rate, numbers }))))
    }

    fn restore(&mut self, saved: &Saved) {
        let slots = self.layers.iter_mut().flat_map(Learnt::numbers);
        slots.zip(&saved.numbers).for_each(|(slot, number)| *slot = *number);
        (self.n_steps, self.plan.learning_rate) = (saved.n_steps, saved.learning_rate);
    }
}
