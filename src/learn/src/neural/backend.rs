//! What is trained, and what computes it.

use std::future::ready;

use model::{Activation, Layer, Stage};
use numeric::Stream;
use serde::{Deserialize, Serialize};

use super::Optimizer;
use crate::accelerator::Promised;

/// What is trained, without what computes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// From the columns to the outputs; the last is dense. Layers but the last, which are called hidden, bend.
    pub stages: Vec<Stage>,
    /// How hidden layers bend.
    pub activation: Activation,
    /// What falls.
    pub loss: Loss,
    /// How a step is made of a gradient.
    pub optimizer: Optimizer,
    /// How long steps are, until another is set.
    pub learning_rate: f64,
    /// Weight of the squared weights beside the losses of a batch.
    pub l2_weight: f64,
    /// Share of the nodes of hidden layers that give 0 in a step, while others give `1 / (1 - dropout)` of what they would:
    /// Srivastava et al., Dropout, 2014. Which ones, `drops` tells. Outside of steps none are dropped.
    pub dropout: f64,
    /// Another draws other nodes.
    pub seed: u32,
    /// Whether hidden layers are normalised before they bend: Ioffe and Szegedy, Batch normalization, 2015. Of each output,
    /// over the rows of the batch and all places of a convolution, `(sum - mean) / sqrt(variance + 1e-5)` without the bias,
    /// times a factor that is learnt from 1 on, plus the bias. Outside of steps mean and variance are running ones, which
    /// begin at 0 and 1 and go a tenth of the way to those of each batch, its variance dividing by n - 1 there. A batch of
    /// one number leaves them as they are.
    pub batch_norm: bool,
}

/// What falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loss {
    /// Half the squared error of one output.
    Square,
    /// The cross-entropy of softmax.
    CrossEntropy,
}

/// The rows, as a back end takes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Row by row, standardised.
    pub inputs: Vec<f32>,
    /// One per row: a standardised number, or the position of the class.
    pub targets: Vec<f32>,
    /// One per row, 1 in the mean.
    pub weights: Vec<f32>,
}

/// Computes the steps of a plan.
pub trait Backend {
    /// How many steps are best handed over together; more only delay hearing of a cancellation. It may change from call to
    /// call, and what is computed does not depend on it.
    fn steps_at_once(&self) -> usize;

    /// Steps on batches, one after another: the rows in parts of `batch_size`, of which the last may be smaller. The
    /// weighted losses of the rows in sum, each before its step.
    fn steps<'a>(&'a mut self, row_idxs: &'a [u32], batch_size: usize) -> Promised<'a, f64>;

    /// The weighted losses of rows in sum.
    fn loss<'a>(&'a mut self, row_idxs: &'a [u32]) -> Promised<'a, f64>;

    /// Steps from here on are as long as that. So is what goes on of those before: as PyTorch has it, momentum is of slopes,
    /// to which the rate of the step is applied.
    fn set_learning_rate(&mut self, learning_rate: f64);

    /// The weights as they are, with what normalises them folded in.
    fn layers(&mut self) -> Promised<'_, Vec<Layer>>;

    /// All that later steps rest on; none if this back end does not hand it out.
    fn save(&mut self) -> Promised<'_, Option<Saved>> {
        Box::pin(ready(Ok(None)))
    }

    /// Goes on from what one like it has saved.
    fn restore(&mut self, saved: &Saved) {
        let _ = saved;
    }
}

/// All that the steps of a back end rest on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// Steps so far.
    pub n_steps: u32,
    /// How long they are.
    pub learning_rate: f64,
    /// Weights, what normalises them and what the optimizer remembers, in the order of the back end.
    pub numbers: Vec<f32>,
}

impl Plan {
    /// Layers of weighted sums of all numbers below, of so many numbers each, from the columns to the classes; the rest is
    /// as usual.
    pub fn dense(widths: &[usize]) -> Self {
        let stage = |pair: &[usize]| Stage::Dense { n_inputs: pair[0], n_outputs: pair[1] };
        Self {
            stages: widths.windows(2).map(stage).collect(),
            activation: Activation::Relu,
            loss: Loss::CrossEntropy,
            optimizer: Optimizer::Adam,
            learning_rate: 1e-3,
            l2_weight: 1e-4,
            dropout: 0.0,
            seed: 0,
            batch_norm: false,
        }
    }

    /// Numbers in each layer, from the columns to the outputs, if all stages are dense.
    pub fn widths(&self) -> Option<Vec<usize>> {
        let is_dense = |stage: &Stage| matches!(stage, Stage::Dense { .. });
        let outputs = self.stages.iter().map(|stage| stage.n_outputs());
        let n_columns = self.stages.first().map(|stage| stage.n_inputs());
        self.stages.iter().all(is_dense).then(|| n_columns.into_iter().chain(outputs).collect())
    }

    /// Products of a weight and a number in a step: of layers forward, of slopes along weights, and of slopes back.
    pub fn n_products(&self, batch_size: usize) -> f64 {
        let of_stage = |stage: &Stage| {
            let Some((n_inputs, n_outputs)) = stage.layer() else { return 0.0 };
            // Each output of a stage is a sum of so many products.
            let n_places = stage.n_outputs() / n_outputs.max(1);
            3.0 * (n_inputs * n_outputs * n_places) as f64
        };
        self.stages.iter().map(of_stage).sum::<f64>() * batch_size as f64
    }

    /// Whether a node gives 0 in a step: if the hash of where it is, a number below 2^32, is below `dropout · 2^32`. All are
    /// counted from 0: steps before this one, layers (without stages that have none), rows of the batch, outputs of the
    /// stage. From a hash of 0 on, each of seed, step, layer, row and node is mixed in:
    ///
    /// ```text
    /// h = (h ^ word) + 0x9e3779b9      modulo 2^32, as all of it
    /// h = (h ^ (h >> 16)) * 0x7feb352d
    /// h = (h ^ (h >> 15)) * 0x846ca68b
    /// h = h ^ (h >> 16)
    /// ```
    ///
    /// The three lines are Wellons', Prospecting for hash functions, 2018.
    pub fn drops(&self, step: u32, layer: u32, row: u32, node: u32) -> bool {
        let mix = |hash: u32, word: u32| {
            let hash = (hash ^ word).wrapping_add(0x9e37_79b9);
            let hash = (hash ^ (hash >> 16)).wrapping_mul(0x7feb_352d);
            let hash = (hash ^ (hash >> 15)).wrapping_mul(0x846c_a68b);
            hash ^ (hash >> 16)
        };
        let hash = [self.seed, step, layer, row, node].into_iter().fold(0, mix);
        hash < (self.dropout * 4_294_967_296.0) as u32
    }

    /// Weights to start from, evenly drawn within what keeps sums as wide as inputs: Glorot and Bengio, Understanding
    /// the difficulty of training deep feedforward neural networks, 2010. Biases that are added to what is normalised
    /// start at 0.
    pub fn start(&self, stream: &mut Stream) -> Vec<Layer> {
        let factor = if self.activation == Activation::Logistic { 2.0 } else { 6.0 };
        let n_stages = self.stages.len();
        let layer = |(stage_idx, stage): (usize, &Stage)| {
            let (n_inputs, n_outputs) = stage.layer()?;
            // An input of a convolution goes into as many sums of each filter as there are pixels in a square.
            let n_reached =
                if let Stage::Convolution { kernel, .. } = stage { kernel * kernel * n_outputs } else { n_outputs };
            let bound = numeric::sqrt(factor / (n_inputs + n_reached) as f64);
            let mut drawn = |n: usize| (0..n).map(|_| ((2.0 * stream.uniform() - 1.0) * bound) as f32).collect();
            let weights = drawn(n_inputs * n_outputs);
            let is_normal = self.batch_norm && stage_idx + 1 < n_stages;
            let biases = if is_normal { vec![0.0; n_outputs] } else { drawn(n_outputs) };
            Some(Layer { n_inputs, n_outputs, weights, biases })
        };
        self.stages.iter().enumerate().filter_map(layer).collect()
    }
}
