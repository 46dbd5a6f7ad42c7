//! What a running component works with.

use std::collections::BTreeMap;

use pipeline::{Node, Spec};
use protocol::{Face, Failure, FoldRows, Measured, Panel};

use crate::{Artifact, Host, In, NodeParams, Out, Param, ParamValue, Port};

/// Hears how far a node is, 0 to 1, and with what.
pub(crate) type OnProgress<'a> = Box<dyn FnMut(f64, &str) + 'a>;

/// Hears what a node measures on its way.
pub(crate) type OnMetric<'a> = Box<dyn Fn(&Measured) + 'a>;

/// Inputs, parameters and outputs of one node while it runs.
pub struct Job<'a> {
    pub(crate) host: &'a dyn Host,
    pub(crate) node: &'a Node,
    pub(crate) spec: &'a Spec,
    pub(crate) inputs: BTreeMap<String, Artifact>,
    pub(crate) outputs: BTreeMap<String, Artifact>,
    pub(crate) seed: u64,
    pub(crate) face: Option<Face>,
    pub(crate) panels: Vec<Panel>,
    pub(crate) measured: Vec<Measured>,
    pub(crate) on_progress: OnProgress<'a>,
    pub(crate) on_metric: OnMetric<'a>,
    pub(crate) last_breath_secs: f64,
}

/// Why a component stopped.
#[derive(Clone, Debug, PartialEq)]
pub enum JobError {
    /// The user asked for it.
    Cancelled,
    /// It cannot be done.
    Failed(Failure),
}

impl From<Failure> for JobError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<'a> Job<'a> {
    /// What reaches a connected input.
    ///
    /// # Errors
    /// Nothing does, which `check` has already told unless the input is optional.
    pub fn input<T: Port>(&self, port: In<T>) -> Result<T, JobError> {
        self.optional_input(port).ok_or_else(|| {
            Failure::new(
                format!("the input `{}` is not connected", port.name),
                format!("Connect {} to it.", T::TYPE.phrase()),
            )
            .into()
        })
    }

    /// What reaches an input that may stay open.
    pub fn optional_input<T: Port>(&self, port: In<T>) -> Option<T> {
        self.inputs.get(port.name).and_then(T::from_artifact)
    }

    /// Gives a result.
    pub fn output<T: Port>(&mut self, port: Out<T>, result: T) {
        self.outputs.insert(port.name.into(), result.into_artifact());
    }

    /// All that is set.
    pub fn params(&self) -> NodeParams<'a> {
        NodeParams::new(self.spec, self.node)
    }

    /// A parameter's value.
    ///
    /// # Errors
    /// A value of the wrong type, which `check` has already told.
    pub fn param<T: ParamValue>(&self, param: Param<T>) -> Result<T, JobError> {
        self.params().param(param)
    }

    /// The node's own seed: the pipeline's, mixed with what the node is.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The world outside.
    pub fn host(&self) -> &dyn Host {
        self.host
    }

    /// Says what the node shows on its card. Without it the engine makes one from the first output.
    pub fn show(&mut self, face: Face) {
        self.face = Some(face);
    }

    /// Adds something to look at when the node is opened.
    pub fn panel(&mut self, panel: Panel) {
        self.panels.push(panel);
    }

    /// Tells a figure before the last one is known, so that charts grow and sweeps give up early. Steps count from 0.
    pub fn log_metric(&mut self, name: &str, value: f64, step: u32) {
        self.log(Measured { name: name.into(), step, value, rows: None });
    }

    /// The same for a fold: a measurement of its own, of which the metric of this name is the mean.
    pub fn log_fold(&mut self, name: &str, value: f64, fold_idx: u32, rows: FoldRows) {
        self.log(Measured { name: name.into(), step: fold_idx, value, rows: Some(rows) });
    }

    fn log(&mut self, measured: Measured) {
        (self.on_metric)(&measured);
        self.measured.push(measured);
    }

    /// Tells how far it is (0 to 1) and lets the user stop it. Cheap enough for every tree, row block or
    /// iteration: it breathes at most every 12 ms.
    ///
    /// # Errors
    /// The user asked to stop.
    pub async fn checkpoint(&mut self, fraction: f64, message: &str) -> Result<(), JobError> {
        const BREATH_SECS: f64 = 0.012;
        let now_secs = self.host.now_secs();
        if now_secs - self.last_breath_secs >= BREATH_SECS {
            (self.on_progress)(fraction, message);
            self.host.breathe().await;
            self.last_breath_secs = self.host.now_secs();
        }
        if self.host.is_cancelled() { Err(JobError::Cancelled) } else { Ok(()) }
    }
}
