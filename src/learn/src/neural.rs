//! Multi-layer perceptrons, trained by descending the gradient of one batch of rows after another.
//!
//! What is trained is a `Plan`: plain data. A `Backend` computes its steps; the one of this crate is `Cpu`. When to stop,
//! which rows come together and what is kept are told here, so that they are the same whatever computes.
//!
//! Conventions are scikit-learn's `MLPClassifier` and `MLPRegressor`, but that columns and a number to be predicted are
//! standardised, and two classes have two outputs.

mod cpu;

use model::{Activation, Layer, Losses, Matrix, Network, scaled};
use numeric::Stream;
use serde::{Deserialize, Serialize};

use self::cpu::Cpu;
use crate::dataset::Labels;
use crate::logistic::{ClassWeights, row_weights};
use crate::scaling::scaling;
use crate::{Checkpoint, FitError, Stopped, Task};

/// More weights than this would not fit beside the data: 400 MB with what the optimizer remembers.
const MAX_WEIGHTS: usize = 25_000_000;

/// How a neural network is fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeuralSettings {
    /// What is predicted.
    pub task: Task,
    /// Nodes of each hidden layer; none is a linear or logistic model.
    pub hidden: Vec<u32>,
    /// How hidden layers bend.
    pub activation: Activation,
    /// How a step is made of a gradient.
    pub optimizer: Optimizer,
    /// How long steps are.
    pub learning_rate: f64,
    /// Weight of the squared weights beside the losses of a batch.
    pub l2_weight: f64,
    /// Rows of a batch.
    pub batch_size: u32,
    /// Passes over all rows at most.
    pub max_epochs: u32,
    /// It ends when the loss has not fallen by more than this for `patience` passes.
    pub tolerance: f64,
    /// Passes without progress after which it ends.
    pub patience: u32,
    /// Share of the rows that is held out to tell when to stop; at 0 the training loss tells.
    pub validation_share: f64,
    /// Whether rows are drawn in another order in each pass.
    pub shuffle: bool,
    /// How much each class counts.
    pub class_weights: ClassWeights,
}

/// How a step is made of a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Optimizer {
    /// Kingma and Ba, Adam: a method for stochastic optimization, 2015.
    Adam,
    /// The gradient itself, with Nesterov's momentum.
    Sgd {
        /// Share of the last step that goes on.
        momentum: f64,
    },
}

impl Default for NeuralSettings {
    fn default() -> Self {
        Self {
            task: Task::Auto,
            hidden: vec![100],
            activation: Activation::Relu,
            optimizer: Optimizer::Adam,
            learning_rate: 1e-3,
            l2_weight: 1e-4,
            batch_size: 32,
            max_epochs: 200,
            tolerance: 1e-4,
            patience: 10,
            validation_share: 0.1,
            shuffle: true,
            class_weights: ClassWeights::Uniform,
        }
    }
}

/// A fitted neural network.
#[derive(Clone, Debug, PartialEq)]
pub struct NeuralFit {
    /// The model: the weights of the best pass.
    pub model: Network,
    /// Whether it ended before the last pass that was allowed.
    pub converged: bool,
}

/// What is trained, without what computes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Numbers in each layer, from the columns to the outputs.
    pub(crate) widths: Vec<usize>,
    pub(crate) activation: Activation,
    pub(crate) loss: Loss,
    pub(crate) optimizer: Optimizer,
    pub(crate) learning_rate: f64,
    pub(crate) l2_weight: f64,
}

/// What falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Half the squared error of one output.
    Square,
    /// The cross-entropy of softmax.
    CrossEntropy,
}

/// The rows, as a back end takes them.
pub(crate) struct Rows {
    /// Row by row, standardised.
    pub(crate) inputs: Vec<f32>,
    /// One per row: a standardised number, or the position of the class.
    pub(crate) targets: Vec<f32>,
    /// One per row, 1 in the mean.
    pub(crate) weights: Vec<f32>,
}

/// What computes the steps of a plan.
#[allow(async_fn_in_trait, reason = "every fit runs on one thread")]
pub(crate) trait Backend {
    /// A step on a batch of rows; their weighted losses in sum, before it.
    async fn step(&mut self, row_idxs: &[u32]) -> Result<f64, Stopped>;

    /// The weighted losses of rows in sum.
    async fn loss(&mut self, row_idxs: &[u32]) -> Result<f64, Stopped>;

    /// The weights as they are.
    async fn layers(&mut self) -> Result<Vec<Layer>, Stopped>;
}

/// Fits a neural network. Classes are below `n_classes`, and each occurs with a positive weight.
///
/// # Errors
/// A setting that makes no sense, numbers too large, more weights than memory holds, or the user's cancellation.
pub async fn fit(
    settings: &NeuralSettings,
    x: &Matrix,
    labels: &Labels,
    n_classes: usize,
    weights: Option<&[f64]>,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<NeuralFit, FitError> {
    settings.check()?;
    let scaling = scaling(x, checkpoint).await?;
    let weights = match labels {
        Labels::Classes(classes) => row_weights(settings.class_weights, classes, n_classes, weights),
        Labels::Numbers(_) => weights.map(<[f64]>::to_vec),
    };
    let (targets, target) = match labels {
        Labels::Classes(classes) => (classes.iter().map(|class| *class as f32).collect(), (0.0, 1.0)),
        Labels::Numbers(y) => {
            let column = Matrix { values: y.clone(), n_rows: y.len(), n_columns: 1 };
            let of_target = crate::scaling::scaling(&column, checkpoint).await?;
            let mut targets = Vec::new();
            scaled(&column, &of_target, 0..y.len(), &mut targets);
            (targets, of_target[0])
        }
    };
    let mean_weight = weights.as_ref().map_or(1.0, |weights| weights.iter().sum::<f64>() / weights.len() as f64);
    let mut inputs = Vec::new();
    scaled(x, &scaling, 0..x.n_rows, &mut inputs);
    let rows = Rows {
        inputs,
        targets,
        weights: match &weights {
            Some(weights) => weights.iter().map(|weight| (weight / mean_weight) as f32).collect(),
            None => vec![1.0; x.n_rows],
        },
    };
    let plan = settings.plan(x.n_columns, n_classes)?;
    let layers = plan.start(&mut Stream::fork(seed, 0));
    let backend = Cpu::new(plan, layers, rows);
    let (layers, losses, converged) = descend(settings, backend, labels, seed, checkpoint).await?;
    let is_sound = |layer: &Layer| layer.weights.iter().chain(&layer.biases).all(|w| w.is_finite());
    if !layers.iter().all(is_sound) {
        return Err(FitError::Diverged { learning_rate: settings.learning_rate });
    }
    let model = Network { scaling, layers, activation: settings.activation, target, losses };
    Ok(NeuralFit { model, converged })
}

/// Pass after pass, until there is no progress any more; the weights of the best one.
async fn descend(
    settings: &NeuralSettings,
    mut backend: impl Backend,
    labels: &Labels,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<(Vec<Layer>, Losses, bool), FitError> {
    let (mut training, validation) = held_out(settings.validation_share, labels, &mut Stream::fork(seed, 1));
    let mut stream = Stream::fork(seed, 2);
    let mut losses = Losses::default();
    let mut best: Option<(f64, Vec<Layer>)> = None;
    // The loss that the next has to be below by the tolerance, and for how many passes none was.
    let (mut to_beat, mut n_idle) = (f64::INFINITY, 0);
    for epoch in 0..settings.max_epochs {
        if settings.shuffle {
            stream.shuffle(&mut training);
        }
        let mut sum = 0.0;
        let n_batches = training.len().div_ceil(settings.batch_size as usize);
        for (batch_idx, batch) in training.chunks(settings.batch_size as usize).enumerate() {
            sum += backend.step(batch).await?;
            let passed = f64::from(epoch) + batch_idx as f64 / n_batches as f64;
            let message = format!("Pass {} of {}", epoch + 1, settings.max_epochs);
            checkpoint.checkpoint(passed / f64::from(settings.max_epochs), &message).await?;
        }
        let mut loss = sum / training.len() as f64;
        if !loss.is_finite() {
            return Err(FitError::Diverged { learning_rate: settings.learning_rate });
        }
        losses.training.push(loss);
        if !validation.is_empty() {
            let mut sum = 0.0;
            for batch in validation.chunks(256) {
                sum += backend.loss(batch).await?;
                checkpoint.checkpoint(f64::from(epoch + 1) / f64::from(settings.max_epochs), "Judging").await?;
            }
            loss = sum / validation.len() as f64;
            losses.validation.push(loss);
            if best.as_ref().is_none_or(|(least, _)| loss < *least) {
                best = Some((loss, backend.layers().await?));
            }
        }
        n_idle = if loss > to_beat - settings.tolerance { n_idle + 1 } else { 0 };
        to_beat = to_beat.min(loss);
        if n_idle >= settings.patience {
            let layers = match best {
                Some((_, layers)) => layers,
                None => backend.layers().await?,
            };
            return Ok((layers, losses, true));
        }
    }
    let layers = match best {
        Some((_, layers)) => layers,
        None => backend.layers().await?,
    };
    Ok((layers, losses, false))
}

/// Rows to train on and rows that are held out, of every class alike; at least one row of each class is trained on.
fn held_out(share: f64, labels: &Labels, stream: &mut Stream) -> (Vec<u32>, Vec<u32>) {
    let groups: Vec<Vec<u32>> = match labels {
        Labels::Numbers(y) => vec![(0..y.len() as u32).collect()],
        Labels::Classes(classes) => {
            let n_classes = classes.iter().max().map_or(0, |class| *class as usize + 1);
            let mut groups = vec![Vec::new(); n_classes];
            (0u32..).zip(classes).for_each(|(row_idx, class)| groups[*class as usize].push(row_idx));
            groups
        }
    };
    let (mut training, mut validation) = (Vec::new(), Vec::new());
    for mut group in groups {
        stream.shuffle(&mut group);
        let n_held_out = ((group.len() as f64 * share) as usize).min(group.len().saturating_sub(1));
        validation.extend_from_slice(&group[..n_held_out]);
        training.extend_from_slice(&group[n_held_out..]);
    }
    training.sort_unstable();
    (training, validation)
}

impl NeuralSettings {
    fn check(&self) -> Result<(), FitError> {
        let momentum = match self.optimizer {
            Optimizer::Adam => 0.0,
            Optimizer::Sgd { momentum } => momentum,
        };
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            let found = self.learning_rate.to_string();
            return Err(FitError::Setting { name: "the learning rate", found, expected: "a number above 0" });
        }
        for (name, found, limit, expected) in [
            ("L2 weight", self.l2_weight, f64::MAX, "a number of at least 0"),
            ("the tolerance", self.tolerance, f64::MAX, "a number of at least 0"),
            ("the momentum", momentum, 0.9999, "a number from 0 to below 1"),
            ("the share held out", self.validation_share, 0.9, "a number from 0 to 0.9"),
        ] {
            if !(0.0..=limit).contains(&found) {
                return Err(FitError::Setting { name, found: found.to_string(), expected });
            }
        }
        for (name, found) in [
            ("the number of rows in a batch", self.batch_size),
            ("the number of passes", self.max_epochs),
            ("the patience", self.patience),
            ("the number of nodes", self.hidden.iter().copied().min().unwrap_or(1)),
        ] {
            if found == 0 {
                return Err(FitError::Setting { name, found: "0".into(), expected: "at least 1" });
            }
        }
        Ok(())
    }

    fn plan(&self, n_columns: usize, n_classes: usize) -> Result<Plan, FitError> {
        let hidden = self.hidden.iter().map(|width| *width as usize);
        let widths: Vec<usize> = std::iter::once(n_columns).chain(hidden).chain([n_classes.max(1)]).collect();
        let n_weights: usize = widths.windows(2).map(|pair| pair[0].saturating_mul(pair[1])).sum();
        if n_weights > MAX_WEIGHTS {
            return Err(FitError::NetworkTooLarge { n_weights, limit: MAX_WEIGHTS });
        }
        Ok(Plan {
            widths,
            activation: self.activation,
            loss: if n_classes == 0 { Loss::Square } else { Loss::CrossEntropy },
            optimizer: self.optimizer,
            learning_rate: self.learning_rate,
            l2_weight: self.l2_weight,
        })
    }
}

impl Plan {
    /// Weights to start from, evenly drawn within what keeps sums as wide as inputs: Glorot and Bengio, Understanding
    /// the difficulty of training deep feedforward neural networks, 2010.
    fn start(&self, stream: &mut Stream) -> Vec<Layer> {
        let factor = if self.activation == Activation::Logistic { 2.0 } else { 6.0 };
        let layer = |pair: &[usize]| {
            let (n_inputs, n_outputs) = (pair[0], pair[1]);
            let bound = numeric::sqrt(factor / (n_inputs + n_outputs) as f64);
            let mut drawn = |n: usize| (0..n).map(|_| ((2.0 * stream.uniform() - 1.0) * bound) as f32).collect();
            Layer { n_inputs, n_outputs, weights: drawn(n_inputs * n_outputs), biases: drawn(n_outputs) }
        };
        self.widths.windows(2).map(layer).collect()
    }
}

#[cfg(test)]
mod tests;
