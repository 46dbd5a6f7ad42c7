//! Multi-layer perceptrons, trained by descending the gradient of one batch of rows after another.
//!
//! What is trained is a `Plan`: plain data. A `Backend` computes its steps; the one of this crate is `Cpu`, others come from
//! an `Accelerator`. When to stop, which rows come together and what is kept are told here, so that they are the same
//! whatever computes.
//!
//! Conventions are scikit-learn's `MLPClassifier` and `MLPRegressor`, but that columns and a number to be predicted are
//! standardised, and two classes have two outputs.

mod backend;
mod cpu;
mod pace;
mod sight;
mod standing;

use model::{Activation, Layer, Losses, Matrix, Network, Stage, scaled};
use numeric::Stream;
use serde::{Deserialize, Serialize};

pub use self::backend::{Backend, Loss, Plan, Rows, Saved};
pub use self::cpu::{Cpu, Step};
pub use self::pace::{Pace, pace};
pub use self::sight::Sight;
pub use self::standing::Standings;
use self::standing::{Descent, Identity, Standing};
use crate::accelerator::{Accelerated, Lost};
use crate::dataset::Labels;
use crate::dense::sums_about;
use crate::logistic::{ClassWeights, row_weights};
use crate::scaling::{scale, scaling};
use crate::{Checkpoint, FitError, Stopped, Task};

/// More weights than this would not fit beside the data: 400 MB with what the optimizer remembers.
const MAX_WEIGHTS: usize = 25_000_000;
/// So would more numbers that stages make of a batch: 500 MB, and slopes besides.
const MAX_NUMBERS: usize = 1 << 27;
/// Rows held out that are judged together.
const N_JUDGED: usize = 256;

/// How a neural network is fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeuralSettings {
    /// What is predicted.
    pub task: Task,
    /// Stages that see where in an image a number stands, each made for what the one before gives. None if columns are no
    /// pixels.
    pub image: Vec<Stage>,
    /// Nodes of each hidden layer after that; none is a linear or logistic model.
    pub hidden: Vec<u32>,
    /// How hidden layers bend.
    pub activation: Activation,
    /// How a step is made of a gradient.
    pub optimizer: Optimizer,
    /// How long steps are at first.
    pub learning_rate: f64,
    /// How long they are later.
    pub schedule: Schedule,
    /// Weight of the squared weights beside the losses of a batch.
    pub l2_weight: f64,
    /// Share of the nodes of hidden layers that are left out of a step.
    pub dropout: f64,
    /// Whether hidden layers are normalised over the rows of a batch.
    pub batch_norm: bool,
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

/// How the length of steps changes from pass to pass; as PyTorch's schedulers of similar names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Schedule {
    /// It does not.
    Constant,
    /// By a factor each time so many passes are done.
    Steps {
        /// How many.
        n_passes: u32,
        /// From 0 to 1.
        factor: f64,
    },
    /// By a factor after each pass.
    Exponential {
        /// From 0 to 1.
        factor: f64,
    },
    /// Along half a wave, so as to arrive after the last pass that is allowed: Loshchilov and Hutter, SGDR, 2017.
    Cosine {
        /// Where it arrives.
        least: f64,
    },
}

impl Schedule {
    /// The learning rate of a pass, counted from 0.
    pub fn rate(self, first: f64, pass: u32, max_passes: u32) -> f64 {
        match self {
            Self::Constant => first,
            Self::Steps { n_passes, factor } => first * numeric::pow(factor, f64::from(pass / n_passes)),
            Self::Exponential { factor } => first * numeric::pow(factor, f64::from(pass)),
            Self::Cosine { least } => {
                let angle = std::f64::consts::PI * f64::from(pass) / f64::from(max_passes);
                least + (first - least) * (1.0 + numeric::cos(angle)) / 2.0
            }
        }
    }
}

impl Default for NeuralSettings {
    fn default() -> Self {
        Self {
            task: Task::Auto,
            image: Vec::new(),
            hidden: vec![100],
            activation: Activation::Relu,
            optimizer: Optimizer::Adam,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            l2_weight: 1e-4,
            dropout: 0.0,
            batch_norm: false,
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
    /// What computed it, if it was not the CPU alone.
    pub accelerated: Option<Accelerated>,
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
    let plan = settings.plan(x.n_columns, n_classes, seed)?;
    let mut scaling = scaling(x, checkpoint).await?;
    if let Some(stage) = settings.image.first() {
        share(x, stage.input().n_channels, &mut scaling);
    }
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
    let layers = plan.start(&mut Stream::fork(seed, 0));
    let start = Network {
        scaling,
        stages: plan.stages.clone(),
        layers: layers.clone(),
        activation: settings.activation,
        target,
        losses: Losses::default(),
    };
    let (training, validation) = held_out(settings.validation_share, labels, &mut Stream::fork(seed, 1));
    let descent = Descent::new(training, validation, Stream::fork(seed, 2));
    let work = Work { settings, rows: &rows, start: &start, n_classes, seed };
    let mut accelerated = None;
    let mut descended = None;
    if let Some(accelerator) = checkpoint.accelerator() {
        let found = match accelerator.backend(&plan, &layers, &rows, settings.batch_size as usize).await {
            Ok(None) => None,
            Ok(Some(mut backend)) => {
                Some(work.go_on(descent.clone(), &mut *backend, &accelerator.name(), checkpoint).await)
            }
            Err(lost) => Some(Err(lost.into())),
        };
        match found {
            None => {}
            Some(Ok(found)) => {
                accelerated = Some(Accelerated::Wholly(accelerator.name()));
                descended = Some(found);
            }
            // From the start, so that the model is the CPU's to the last digit.
            Some(Err(Failed::Lost(lost))) => accelerated = Some(Accelerated::Lost(lost.0)),
            Some(Err(Failed::Fit(error))) => return Err(error),
        }
    }
    if let Some(by) = &accelerated {
        checkpoint.remark(by.to_string());
    }
    let (model, converged) = match descended {
        Some(found) => found,
        None => work.go_on(descent, &mut Cpu::new(plan, layers, &rows), "", checkpoint).await?,
    };
    Ok(NeuralFit { model, converged, accelerated })
}

/// One mean and deviation for all pixels, by channel: pixels are not what they are beside each other otherwise.
fn share(x: &Matrix, n_channels: usize, scaling: &mut [(f64, f64)]) {
    let n_pixels = (scaling.len() / n_channels) as f64;
    for channel in 0..n_channels {
        let of_channel = || (channel..x.n_columns).step_by(n_channels);
        let mean = of_channel().map(|column_idx| scaling[column_idx].0).sum::<f64>() / n_pixels;
        let squares: f64 = of_channel().map(|column_idx| sums_about(x.column(column_idx), None, 1.0, mean).1).sum();
        let deviation = scale(mean, numeric::sqrt(squares / (n_pixels * x.n_rows as f64)));
        of_channel().for_each(|column_idx| scaling[column_idx] = (mean, deviation));
    }
}

/// Why there is no model.
enum Failed {
    Fit(FitError),
    Lost(Lost),
}

impl From<FitError> for Failed {
    fn from(error: FitError) -> Self {
        Self::Fit(error)
    }
}

impl From<Stopped> for Failed {
    fn from(stopped: Stopped) -> Self {
        Self::Fit(stopped.into())
    }
}

impl From<Failed> for FitError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Fit(error) => error,
            // The CPU is never lost.
            Failed::Lost(_) => Stopped.into(),
        }
    }
}

impl From<Lost> for Failed {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

/// What is trained on what.
struct Work<'a> {
    settings: &'a NeuralSettings,
    rows: &'a Rows,
    /// The network before any step.
    start: &'a Network,
    n_classes: usize,
    seed: u64,
}

/// Keeps where a training stands, if its back end hands that out; whether it does.
async fn keep(
    (standings, identity): (&Standings, Identity),
    backend: &mut dyn Backend,
    descent: &Descent,
    is_over: bool,
) -> Result<bool, Lost> {
    let Some(saved) = backend.save().await? else { return Ok(false) };
    standings.keep(Standing { identity, saved, descent: descent.clone(), is_over });
    Ok(true)
}

impl Work<'_> {
    /// Trains to the end, from where the same training stood if it was stopped before. The network, and whether it ended
    /// before the last pass that was allowed.
    async fn go_on(
        &self,
        mut descent: Descent,
        backend: &mut dyn Backend,
        computed_by: &str,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<(Network, bool), Failed> {
        let Self { settings, rows, n_classes, seed, .. } = *self;
        let standings = checkpoint.standings().filter(|_| Standings::takes(n_weights(&self.start.stages)));
        let identity = standings.as_ref().map(|_| Identity::new(settings, rows, n_classes, seed, computed_by));
        let kept = standings.as_deref().zip(identity);
        if let Some(standing) = kept.and_then(|(standings, identity)| standings.find(identity))
            && standing.descent.n_passes() <= f64::from(settings.max_epochs)
        {
            backend.restore(&standing.saved);
            descent = standing.descent;
            checkpoint.remark(format!("It went on after {}, which a run before had done.", passes(descent.n_passes())));
        }
        let outcome = self.descend(&mut descent, backend, kept, checkpoint).await;
        let is_stopped = matches!(outcome, Err(Failed::Fit(FitError::Stopped(_))));
        if let Some(kept) = kept
            && (is_stopped || outcome.is_ok())
            && keep(kept, backend, &descent, !is_stopped).await?
            && is_stopped
            && descent.n_passes() > 0.0
        {
            let passes = passes(descent.n_passes());
            checkpoint.remark(format!("It stands after {passes}; the next run goes on from there."));
        }
        let converged = outcome?;
        let layers = match descent.best.take() {
            Some((_, layers)) => layers,
            None => backend.layers().await?,
        };
        let is_sound = |layer: &Layer| layer.weights.iter().chain(&layer.biases).all(|w| w.is_finite());
        if !layers.iter().all(is_sound) {
            return Err(FitError::Diverged { learning_rate: settings.learning_rate }.into());
        }
        let network = self.network(layers, &descent);
        checkpoint.sight(self.sight(&network, &descent, true));
        Ok((network, converged))
    }

    /// Pass after pass, until there is no progress any more. Whether that was before the last pass that was allowed.
    async fn descend(
        &self,
        descent: &mut Descent,
        backend: &mut dyn Backend,
        kept: Option<(&Standings, Identity)>,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<bool, Failed> {
        let Self { settings, .. } = *self;
        let batch_size = settings.batch_size as usize;
        while descent.epoch < settings.max_epochs && descent.n_idle < settings.patience {
            let (epoch, n_rows) = (descent.epoch, descent.training.len());
            if descent.n_passed == 0 && settings.shuffle {
                descent.stream.shuffle(&mut descent.training);
            }
            backend.set_learning_rate(settings.schedule.rate(settings.learning_rate, epoch, settings.max_epochs));
            let message = format!("Pass {} of {}", epoch + 1, settings.max_epochs);
            while descent.n_passed < n_rows {
                let n_next = backend.steps_at_once().saturating_mul(batch_size).min(n_rows - descent.n_passed);
                descent.sum += backend.steps(&descent.training[descent.n_passed..][..n_next], batch_size).await?;
                descent.n_passed += n_next;
                if descent.n_passed < n_rows {
                    self.show(descent, backend, kept, checkpoint).await?;
                    checkpoint.checkpoint(descent.n_passes() / f64::from(settings.max_epochs), &message).await?;
                }
            }
            let training_loss = descent.sum / n_rows as f64;
            if !training_loss.is_finite() {
                return Err(FitError::Diverged { learning_rate: settings.learning_rate }.into());
            }
            let mut loss = training_loss;
            if !descent.validation.is_empty() {
                let mut sum = 0.0;
                for batch in descent.validation.chunks(backend.steps_at_once().saturating_mul(N_JUDGED)) {
                    sum += backend.loss(batch).await?;
                    checkpoint.checkpoint(f64::from(epoch + 1) / f64::from(settings.max_epochs), &message).await?;
                }
                loss = sum / descent.validation.len() as f64;
                descent.losses.validation.push(loss);
                if descent.best.as_ref().is_none_or(|(least, _)| loss < *least) {
                    descent.best = Some((loss, backend.layers().await?));
                }
            }
            descent.losses.training.push(training_loss);
            descent.n_idle = if loss > descent.to_beat - settings.tolerance { descent.n_idle + 1 } else { 0 };
            descent.to_beat = descent.to_beat.min(loss);
            (descent.epoch, descent.n_passed, descent.sum) = (epoch + 1, 0, 0.0);
            checkpoint.passed();
            self.show(descent, backend, kept, checkpoint).await?;
            checkpoint.checkpoint(f64::from(epoch + 1) / f64::from(settings.max_epochs), &message).await?;
        }
        Ok(descent.n_idle >= settings.patience)
    }

    /// Shows the network to whoever waits for it, and keeps where it stands when it is time to.
    async fn show(
        &self,
        descent: &Descent,
        backend: &mut dyn Backend,
        kept: Option<(&Standings, Identity)>,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<(), Lost> {
        if let Some(kept) = kept
            && checkpoint.wants_standing()
        {
            keep(kept, backend, descent, false).await?;
        }
        if checkpoint.wants_sight() {
            let network = self.network(backend.layers().await?, descent);
            checkpoint.sight(self.sight(&network, descent, false));
        }
        Ok(())
    }

    fn network(&self, layers: Vec<Layer>, descent: &Descent) -> Network {
        Network { layers, losses: descent.losses.clone(), ..self.start.clone() }
    }

    fn sight<'s>(&'s self, network: &'s Network, descent: &'s Descent, is_last: bool) -> Sight<'s> {
        let (n_passes, held_out) = (descent.n_passes(), &*descent.validation);
        Sight { network, n_passes, rows: self.rows, held_out, dataset: None, is_last }
    }
}

/// How many passes, in words.
fn passes(n: f64) -> String {
    let whole = n.floor();
    if whole == 1.0 { "1 pass".into() } else { format!("{whole} passes") }
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
        let (n_passes, factor, least) = match self.schedule {
            Schedule::Constant => (1, 1.0, 0.0),
            Schedule::Steps { n_passes, factor } => (n_passes, factor, 0.0),
            Schedule::Exponential { factor } => (1, factor, 0.0),
            Schedule::Cosine { least } => (1, 1.0, least),
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
            ("the dropout", self.dropout, 0.9, "a number from 0 to 0.9"),
            ("the least learning rate", least, f64::MAX, "a number of at least 0"),
            ("the factor of the learning rate", factor, 1.0, "a number from 0 to 1"),
        ] {
            if !(0.0..=limit).contains(&found) {
                return Err(FitError::Setting { name, found: found.to_string(), expected });
            }
        }
        if self.batch_norm && self.batch_size == 1 {
            let (name, expected) = ("the number of rows in a batch", "at least 2 with batch normalization");
            return Err(FitError::Setting { name, found: "1".into(), expected });
        }
        for (name, found) in [
            ("the number of rows in a batch", self.batch_size),
            ("the number of passes", self.max_epochs),
            ("the patience", self.patience),
            ("the number of nodes", self.hidden.iter().copied().min().unwrap_or(1)),
            ("the number of passes with the same learning rate", n_passes),
        ] {
            if found == 0 {
                return Err(FitError::Setting { name, found: "0".into(), expected: "at least 1" });
            }
        }
        Ok(())
    }

    /// What a row of so many columns goes through.
    ///
    /// # Errors
    /// The image has other numbers than there are columns, or squares are larger than the image that they are taken of.
    pub fn stages(&self, n_columns: usize, n_classes: usize) -> Result<Vec<Stage>, FitError> {
        let mut stages = self.image.clone();
        let mut n_inputs = n_columns;
        for (stage_idx, stage) in stages.iter().enumerate() {
            if stage.n_inputs() != n_inputs {
                return Err(FitError::ImageSize { image: stage.input(), n_columns: n_inputs });
            }
            n_inputs = stage.n_outputs();
            if n_inputs == 0 {
                let (size, image) = (stage.size(), stage.input());
                return Err(FitError::SquaresTooLarge { stage: stage_idx + 1, size, image });
            }
        }
        for width in self.hidden.iter().map(|width| *width as usize).chain([n_classes.max(1)]) {
            stages.push(Stage::Dense { n_inputs, n_outputs: width });
            n_inputs = width;
        }
        Ok(stages)
    }

    /// Numbers that stages make of rows while they are trained on.
    pub fn n_numbers(&self, stages: &[Stage]) -> usize {
        let n_rows = N_JUDGED.max(self.batch_size as usize);
        stages.iter().fold(0, |sum: usize, stage| sum.saturating_add(stage.n_outputs())).saturating_mul(n_rows)
    }

    fn plan(&self, n_columns: usize, n_classes: usize, seed: u64) -> Result<Plan, FitError> {
        let stages = self.stages(n_columns, n_classes)?;
        let n_weights = n_weights(&stages);
        if n_weights > MAX_WEIGHTS {
            return Err(FitError::NetworkTooLarge { n_weights, limit: MAX_WEIGHTS });
        }
        if self.n_numbers(&stages) > MAX_NUMBERS {
            let (name, expected) = ("the number of rows in a batch", "fewer, or fewer filters");
            return Err(FitError::Setting { name, found: self.batch_size.to_string(), expected });
        }
        Ok(Plan {
            stages,
            activation: self.activation,
            loss: if n_classes == 0 { Loss::Square } else { Loss::CrossEntropy },
            optimizer: self.optimizer,
            learning_rate: self.learning_rate,
            l2_weight: self.l2_weight,
            dropout: self.dropout,
            seed: Stream::fork(seed, 3).next_u64() as u32,
            batch_norm: self.batch_norm,
        })
    }
}

/// Weights of all layers.
pub fn n_weights(stages: &[Stage]) -> usize {
    let of_layers = stages.iter().filter_map(|stage| stage.layer());
    of_layers.fold(0, |sum: usize, (n_inputs, n_outputs)| sum.saturating_add(n_inputs.saturating_mul(n_outputs)))
}

#[cfg(test)]
mod tests;
