//! Where a training stands, and how it goes on from there.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use model::{Layer, Losses};
use numeric::Stream;
use serde::{Deserialize, Serialize, Serializer};

use super::backend::Saved;
use super::{NeuralSettings, Rows, Schedule};

/// Bytes of standings that are kept at most: the oldest goes first.
const KEPT_BYTES: usize = 64 << 20;

/// What a training is: the same rows, settings, seed and back end. How many passes are allowed is no part of it, unless
/// the learning rate depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity(u64);

impl Identity {
    pub(super) fn new(settings: &NeuralSettings, rows: &Rows, n_classes: usize, seed: u64, computed_by: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        let depends = matches!(settings.schedule, Schedule::Cosine { .. });
        let max_epochs = if depends { settings.max_epochs } else { 0 };
        // Its text tells all of it.
        format!("{:?}", NeuralSettings { max_epochs, ..settings.clone() }).hash(&mut hasher);
        (n_classes, seed, computed_by).hash(&mut hasher);
        for numbers in [&rows.inputs, &rows.targets, &rows.weights] {
            numbers.len().hash(&mut hasher);
            numbers.iter().for_each(|number| hasher.write_u32(number.to_bits()));
        }
        Self(hasher.finish())
    }
}

/// How far a training has come. To go on from there gives what it would have given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Descent {
    /// Passes that are done.
    pub(super) epoch: u32,
    /// Rows of the pass under way that were trained on, and their losses in sum.
    pub(super) n_passed: usize,
    pub(super) sum: f64,
    /// Rows to train on, as they come in this pass.
    pub(super) training: Vec<u32>,
    pub(super) validation: Vec<u32>,
    /// What draws their order.
    pub(super) stream: Stream,
    pub(super) losses: Losses,
    /// The least loss of the rows held out, and the weights then.
    pub(super) best: Option<(f64, Vec<Layer>)>,
    /// The loss that the next has to be below by the tolerance, and for how many passes none was.
    pub(super) to_beat: f64,
    pub(super) n_idle: u32,
}

impl Descent {
    pub(super) fn new(training: Vec<u32>, validation: Vec<u32>, stream: Stream) -> Self {
        Self {
            epoch: 0,
            n_passed: 0,
            sum: 0.0,
            training,
            validation,
            stream,
            losses: Losses::default(),
            best: None,
            to_beat: f64::INFINITY,
            n_idle: 0,
        }
    }

    /// Passes so far, the one under way in part.
    pub(super) fn n_passes(&self) -> f64 {
        f64::from(self.epoch) + self.n_passed as f64 / self.training.len().max(1) as f64
    }
}

/// Where a training stood.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) identity: Identity,
    pub(super) saved: Saved,
    pub(super) descent: Descent,
    /// It has come to its end: there is more to do only if more passes are allowed.
    pub(super) is_over: bool,
}

impl Standing {
    fn n_bytes(&self) -> usize {
        let of_layers = |layers: &[Layer]| layers.iter().map(|layer| layer.weights.len() + layer.biases.len()).sum();
        let of_best: usize = self.descent.best.as_ref().map_or(0, |(_, layers)| of_layers(layers));
        4 * (self.saved.numbers.len() + of_best + self.descent.training.len() + self.descent.validation.len())
    }
}

/// Where the last few trainings stood. Those that are not over are plain data, for whoever keeps them longer than a program
/// runs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Standings {
    #[serde(serialize_with = "on_their_way")]
    kept: RefCell<VecDeque<Standing>>,
    #[serde(skip)]
    n_changes: Cell<u64>,
}

fn on_their_way<S: Serializer>(kept: &RefCell<VecDeque<Standing>>, serializer: S) -> Result<S::Ok, S::Error> {
    kept.borrow().iter().filter(|standing| !standing.is_over).collect::<Vec<_>>().serialize(serializer)
}

impl Standings {
    /// Forgets all of them: every training begins anew.
    pub fn clear(&self) {
        self.kept.borrow_mut().clear();
        self.n_changes.update(|n| n + 1);
    }

    /// Goes up whenever a training is kept, or all are forgotten.
    pub fn n_changes(&self) -> u64 {
        self.n_changes.get()
    }

    /// Takes in those of an earlier program, as older than all that it knows.
    pub fn take_in(&self, earlier: &Self) {
        for standing in earlier.kept.borrow_mut().drain(..).rev() {
            if self.find(standing.identity).is_none() {
                self.kept.borrow_mut().push_front(standing);
            }
        }
        self.let_go();
    }

    /// Whether so many weights are kept at all, with what an optimizer remembers of them and the best ones before.
    pub(super) fn takes(n_weights: usize) -> bool {
        n_weights.saturating_mul(4 * 4) <= KEPT_BYTES
    }

    pub(super) fn find(&self, identity: Identity) -> Option<Standing> {
        self.kept.borrow().iter().find(|standing| standing.identity == identity).cloned()
    }

    /// Keeps one, in place of where the same training stood before.
    pub(super) fn keep(&self, standing: Standing) {
        self.kept.borrow_mut().retain(|other| other.identity != standing.identity);
        self.kept.borrow_mut().push_back(standing);
        self.let_go();
        self.n_changes.update(|n| n + 1);
    }

    fn let_go(&self) {
        let mut kept = self.kept.borrow_mut();
        while kept.iter().map(Standing::n_bytes).sum::<usize>() > KEPT_BYTES {
            kept.pop_front();
        }
    }
}
