//! What is recorded of a run.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::{Catalogue, NodeId, Pipeline, Value};
use protocol::{Direction, Measured, NodeOutcome, NodeReport, Panel, RunEvent, RunReport};
use schema::ordered::Gather;
use serde_json::Value as Json;

use crate::changes::Changes;
use crate::figures::{Shown, read_shown, write_shown};
use crate::key::{PipelineHash, RunKey, pipeline_hash};
use crate::scalar::title_in;

/// One run: what was run, where, and what came of it. The pipeline itself is kept beside it, under its hash.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// Its key in every store.
    pub id: RunKey,
    /// Its number within the document, from 1.
    pub number: u32,
    /// The user's name for it.
    pub name: String,
    /// The document that was run: its id in the browser, its path on the command line.
    pub document: String,
    /// The pipeline's name.
    pub pipeline_name: String,
    /// The pipeline.
    pub pipeline: PipelineHash,
    /// What was changed since the run before.
    pub changes: Changes,
    /// The pipeline's seed.
    pub seed: u64,
    /// The values of the pipeline's parameters, by name, as its file has them.
    pub parameters: serde_json::Map<String, Json>,
    /// The files that nodes read, by node.
    pub data: Vec<DataFile>,
    /// Version of the engine.
    pub engine: String,
    /// Where it ran.
    pub host: Host,
    /// When it began, in milliseconds since 1970.
    pub started_at: u64,
    /// How long it took, so far or in all.
    pub elapsed_secs: f64,
    /// How far it is.
    pub state: RunState,
    /// Why it failed or was stopped; empty otherwise.
    pub message: String,
    /// Every node that was planned, in the order of the plan; each once.
    pub nodes: Vec<NodeRun>,
    /// Figures of merit, in reading order.
    pub metrics: Vec<MetricRecord>,
    /// Curves and matrices, to be laid over those of other runs.
    pub figures: Vec<FigureRecord>,
    /// What was said while it ran.
    pub log: Vec<LogLine>,
    /// The user's, each once.
    pub tags: Vec<String>,
    /// The user's.
    pub note: String,
    /// Left out of lists unless they are asked for.
    pub archived: bool,
    /// The sweep that it is a trial of.
    pub trial: Option<TrialOf>,
    /// Fields of a later version, kept as they are.
    pub extra: serde_json::Map<String, Json>,
}

/// A file, named by what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// The node that reads it.
    pub node: NodeId,
    /// The name that it had.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of the bytes, the first 32 hexadecimal digits.
    pub hash: String,
}

/// Where a run took place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// The studio.
    Browser {
        /// "Firefox 143".
        name: String,
        /// Logical cores, as the browser tells.
        n_cores: u32,
    },
    /// `millrace`.
    CommandLine {
        /// "linux".
        os: String,
        /// Logical cores.
        n_cores: u32,
    },
}

impl Host {
    /// "Firefox 143, 8 cores".
    pub fn in_words(&self) -> String {
        let (name, n_cores) = match self {
            Self::Browser { name, n_cores } => (name.clone(), *n_cores),
            Self::CommandLine { os, n_cores } => (format!("command line, {os}"), *n_cores),
        };
        format!("{name}, {n_cores} core{}", if n_cores == 1 { "" } else { "s" })
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunState {
    /// Under way.
    Running,
    /// Every node came through.
    Done,
    /// At least one did not.
    Failed,
    /// The user stopped it, or the tab or the process ended.
    Stopped,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Running, Self::Done, Self::Failed, Self::Stopped];

    /// The word in files, in queries and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// One node's part in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeRun {
    /// Which node.
    pub node: NodeId,
    /// How it came out.
    pub outcome: Outcome,
    /// Why it ran or was reused, in one sentence.
    pub why: String,
    /// When it began, in seconds since the run did; none for what never began.
    pub start_secs: Option<f64>,
    /// How long it computed; of a reused result, how long that took when it was computed.
    pub elapsed_secs: f64,
    /// Which worker computed it, counted from 0.
    pub worker: u32,
    /// Workers that computed parts of it beside that one.
    pub helpers: BTreeSet<u32>,
    /// What flowed out of each output: "120 × 5".
    pub outputs: BTreeMap<String, String>,
    /// Content addresses of its outputs.
    pub artifacts: BTreeMap<String, String>,
}

/// How a node came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It waits, or computes.
    Pending,
    /// It was computed.
    Ran,
    /// An earlier result was taken.
    Reused,
    /// It did not work.
    Failed {
        /// What is wrong.
        message: String,
        /// The way out; may be empty.
        help: String,
    },
    /// Something it rests on failed.
    Skipped {
        /// Which node.
        because: NodeId,
    },
    /// The run ended before its turn.
    Stopped,
}

/// One figure of merit.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricRecord {
    /// The node that measured it.
    pub node: NodeId,
    /// `auc`, `rmse`…
    pub name: String,
    /// "AUC".
    pub label: String,
    /// The figure.
    pub value: f64,
    /// Which way is better, where that is known.
    pub better: Option<Direction>,
    /// How many rows it rests on.
    pub n_rows: Option<u64>,
    /// The figure of each fold or repetition, of which `value` is the mean.
    pub repeats: Option<Repeats>,
}

/// One figure, measured several times: by cross-validation or by repeated splits.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeats {
    /// Fold by fold.
    pub values: Vec<f64>,
    /// Rows that each was trained on.
    pub n_train: u64,
    /// Rows that each was tested on.
    pub n_test: u64,
}

/// A curve or a matrix of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureRecord {
    /// The node that drew it.
    pub node: NodeId,
    /// As it is written, so that one that a later version drew is kept unread.
    pub(crate) json: Json,
}

impl FigureRecord {
    /// What is shown; none if this version does not know it.
    pub fn shown(&self) -> Option<Shown> {
        read_shown(&self.json)
    }
}

/// Something that was said while a run was under way.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// In seconds since the run began.
    pub at_secs: f64,
    /// About which node.
    pub node: Option<NodeId>,
    /// One line.
    pub text: String,
}

/// A run's place in a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialOf {
    /// The sweep's id.
    pub sweep: String,
    /// The trial's number in it, from 0.
    pub number: u32,
}

/// All that is known of a run before it begins.
pub struct NewRun<'a> {
    /// Its key: see [`RunKey::at`].
    pub id: RunKey,
    /// Its number within the document, from 1.
    pub number: u32,
    /// The document's id or path.
    pub document: &'a str,
    /// What will run.
    pub pipeline: &'a Pipeline,
    /// What was changed since the run before: [`crate::changes`].
    pub changes: Changes,
    /// Version of the engine.
    pub engine: &'a str,
    /// Where it runs.
    pub host: Host,
    /// When it begins, in milliseconds since 1970.
    pub started_at: u64,
}

impl RunRecord {
    /// A run that begins now. It is called after what was changed, until the user says otherwise.
    pub fn begin(new: NewRun<'_>) -> Self {
        let words = new.changes.in_words();
        Self {
            id: new.id,
            number: new.number,
            name: if words.is_empty() { format!("Run {}", new.number) } else { shortened(&words, 60) },
            document: new.document.into(),
            pipeline_name: new.pipeline.name().into(),
            pipeline: pipeline_hash(new.pipeline),
            changes: new.changes,
            seed: new.pipeline.seed(),
            parameters: parameters_of(new.pipeline),
            data: data_of(new.pipeline),
            engine: new.engine.into(),
            host: new.host,
            started_at: new.started_at,
            elapsed_secs: 0.0,
            state: RunState::Running,
            message: String::new(),
            nodes: Vec::new(),
            metrics: Vec::new(),
            figures: Vec::new(),
            log: Vec::new(),
            tags: Vec::new(),
            note: String::new(),
            archived: false,
            trial: None,
            extra: serde_json::Map::new(),
        }
    }

    /// Takes in what happened: `at_secs` after the run began, in which worker.
    pub fn observe(&mut self, event: &RunEvent, at_secs: f64, worker: u32) {
        match event {
            RunEvent::Planned { nodes, .. } => nodes.iter().for_each(|id| _ = self.node_mut(id)),
            RunEvent::Started { node, worker: helper, .. } => {
                let node = self.node_mut(node);
                (node.start_secs, node.worker) = (Some(finite(at_secs)), worker + helper);
            }
            RunEvent::Progress { .. } => {}
            RunEvent::Metric { node, measured, .. } => self.measure(node, measured),
            RunEvent::Finished { node, report, .. } => self.finish_node(node, report),
        }
        self.elapsed_secs = self.elapsed_secs.max(finite(at_secs));
    }

    /// Takes in the figure of a fold. What is measured on the way of one fit is no repetition of it.
    fn measure(&mut self, id: &NodeId, measured: &Measured) {
        let Some(rows) = measured.rows else { return };
        let known = self.metrics.iter().position(|metric| metric.node == *id && metric.name == measured.name);
        let metric_idx = known.unwrap_or_else(|| {
            self.metrics.push(MetricRecord {
                node: id.clone(),
                name: measured.name.clone(),
                label: measured.name.replace('_', " "),
                value: measured.value,
                better: usual_direction(&measured.name),
                n_rows: None,
                repeats: None,
            });
            self.metrics.len() - 1
        });
        let metric = &mut self.metrics[metric_idx];
        let repeats = metric.repeats.get_or_insert_with(|| Repeats {
            values: Vec::new(),
            n_train: rows.n_train,
            n_test: rows.n_test,
        });
        // Step 0 begins anew.
        repeats.values.truncate(measured.step as usize);
        repeats.values.push(measured.value);
        metric.value = repeats.values.iter().sum::<f64>() / repeats.values.len() as f64;
    }

    /// Takes in how one node came out.
    pub fn finish_node(&mut self, id: &NodeId, report: &NodeReport) {
        let node = self.node_mut(id);
        node.outcome = match &report.outcome {
            NodeOutcome::Ran => Outcome::Ran,
            NodeOutcome::Reused => Outcome::Reused,
            NodeOutcome::Failed(failure) => {
                Outcome::Failed { message: failure.message.clone(), help: failure.help.clone() }
            }
            NodeOutcome::Skipped(because) => Outcome::Skipped { because: because.clone() },
            NodeOutcome::Cancelled => Outcome::Stopped,
        };
        node.why = report.why.clone();
        node.elapsed_secs = finite(report.elapsed_secs);
        node.helpers = report.workers.iter().copied().filter(|worker| *worker != node.worker).collect();
        node.outputs = report.outputs.clone();
        node.artifacts = report.artifacts.clone();
        for (name, value) in &report.metrics {
            let found = self.metrics.iter_mut().find(|metric| metric.node == *id && metric.name == *name);
            match found {
                Some(metric) => metric.value = *value,
                None => self.metrics.push(MetricRecord {
                    node: id.clone(),
                    name: name.clone(),
                    label: name.replace('_', " "),
                    value: *value,
                    better: usual_direction(name),
                    n_rows: None,
                    repeats: None,
                }),
            }
        }
    }

    /// Takes in what a node shows: names, order and direction of its metrics, its curves and matrices. What it shows
    /// with each of its outputs counts once.
    pub fn show(&mut self, id: &NodeId, panels: &[Panel]) {
        let mut n_rows = None;
        self.figures.retain(|figure| figure.node != *id);
        for (at, panel) in panels.iter().enumerate() {
            if panels[..at].contains(panel) {
                continue;
            }
            let (rests_on, shown) = match panel {
                Panel::Figure(figure) => (figure.n_rows, Shown::Figure(Box::new(figure.clone()))),
                Panel::Confusion(confusion) => (confusion.counts.iter().sum(), Shown::Confusion(confusion.clone())),
                Panel::Metrics { .. }
                | Panel::Tree(_)
                | Panel::Facts { .. }
                | Panel::Pictures(_)
                | Panel::Map { .. } => continue,
            };
            n_rows = n_rows.max(Some(rests_on));
            self.figures.push(FigureRecord { node: id.clone(), json: write_shown(&shown) });
        }
        for panel in panels {
            let Panel::Metrics { series, metrics } = panel else { continue };
            for (metric, series_idx) in metrics.iter().flat_map(|m| (0..m.values.len()).map(move |idx| (m, idx))) {
                let Some(value) = metric.values[series_idx] else { continue };
                let (name, label) = match series_idx {
                    0 => (metric.name.clone(), metric.label.clone()),
                    _ => {
                        let of = series.get(series_idx).map_or("", String::as_str);
                        (format!("{}.{}", metric.name, series_idx + 1), format!("{}, {of}", metric.label))
                    }
                };
                let known = self.metrics.iter().position(|known| known.node == *id && known.name == name);
                let repeats = known.and_then(|known| self.metrics.remove(known).repeats);
                let (node, better) = (id.clone(), Some(metric.better));
                self.metrics.push(MetricRecord { node, name, label, value, better, n_rows, repeats });
            }
        }
    }

    /// The run is over.
    pub fn finish(&mut self, report: &RunReport, pipeline: &Pipeline, catalogue: &Catalogue) {
        for (id, node) in &report.nodes {
            self.finish_node(id, node);
        }
        self.elapsed_secs = finite(report.elapsed_secs);
        let failed = self.nodes.iter().find_map(|node| match &node.outcome {
            Outcome::Failed { message, .. } => {
                Some(format!("{}: {message}", title_in(pipeline, &node.node, catalogue)))
            }
            Outcome::Pending | Outcome::Ran | Outcome::Reused | Outcome::Skipped { .. } | Outcome::Stopped => None,
        });
        (self.state, self.message) = match (report.cancelled, failed) {
            (true, _) => (RunState::Stopped, "Stopped by you".into()),
            (false, Some(message)) => (RunState::Failed, message),
            (false, None) => (RunState::Done, String::new()),
        };
    }

    /// The run did not end by itself: its tab was closed, its process killed, its worker lost.
    pub fn interrupt(&mut self, why: &str) {
        if self.state == RunState::Running {
            self.state = RunState::Stopped;
            self.message = why.into();
            for node in self.nodes.iter_mut().filter(|node| node.outcome == Outcome::Pending) {
                node.outcome = Outcome::Stopped;
            }
        }
    }

    /// A figure of merit by its node and name.
    pub fn metric(&self, node: &NodeId, name: &str) -> Option<&MetricRecord> {
        self.metrics.iter().find(|metric| metric.node == *node && metric.name == name)
    }

    /// The run as it is known here and elsewhere, under one key: whichever came further, with the tags of both and
    /// this one's name and note, unless it has none.
    pub fn merge(self, other: Self) -> Self {
        let (mut ours, theirs) = (self, other);
        for tag in &theirs.tags {
            if !ours.tags.contains(tag) {
                ours.tags.push(tag.clone());
            }
        }
        if ours.name.is_empty() {
            ours.name.clone_from(&theirs.name);
        }
        if ours.note.is_empty() {
            ours.note.clone_from(&theirs.note);
        }
        if ours.state == RunState::Running && theirs.state != RunState::Running {
            Self { tags: ours.tags, name: ours.name, note: ours.note, archived: ours.archived, ..theirs }
        } else {
            ours
        }
    }

    /// A node's part in it.
    pub fn node(&self, id: &NodeId) -> Option<&NodeRun> {
        self.nodes.iter().find(|node| node.node == *id)
    }

    fn node_mut(&mut self, id: &NodeId) -> &mut NodeRun {
        let known = self.nodes.iter().position(|node| node.node == *id);
        let node_idx = known.unwrap_or_else(|| {
            self.nodes.push(NodeRun::new(id.clone()));
            self.nodes.len() - 1
        });
        &mut self.nodes[node_idx]
    }
}

impl NodeRun {
    /// A node that waits for its turn.
    pub(crate) fn new(node: NodeId) -> Self {
        Self {
            node,
            outcome: Outcome::Pending,
            why: String::new(),
            start_secs: None,
            elapsed_secs: 0.0,
            worker: 0,
            helpers: BTreeSet::new(),
            outputs: BTreeMap::new(),
            artifacts: BTreeMap::new(),
        }
    }
}

/// The values of a pipeline's parameters, files without their bytes.
fn parameters_of(pipeline: &Pipeline) -> serde_json::Map<String, Json> {
    let value = |(name, parameter): (&String, &pipeline::Parameter)| {
        let value = match &parameter.default {
            Value::File(file) => Value::File(pipeline::FileRef { schema: None, inline: None, ..file.clone() }),
            other => other.clone(),
        };
        (name.clone(), pipeline::value_to_json(&value))
    };
    pipeline.parameters().iter().map(value).gather()
}

/// The files that a pipeline's nodes read.
pub fn data_of(pipeline: &Pipeline) -> Vec<DataFile> {
    let mut data = Vec::new();
    for (id, node) in pipeline.nodes() {
        for value in node.params.values() {
            if let Value::File(file) = value {
                let (name, size, hash) = (file.name.clone(), file.size, file.hash.clone());
                data.push(DataFile { node: id.clone(), name, size, hash });
            }
        }
    }
    data
}

/// Which way is better for metrics of these names, where no panel said so.
fn usual_direction(name: &str) -> Option<Direction> {
    let stem = name.split('.').next().unwrap_or(name);
    let is = |words: &[&str]| words.contains(&stem);
    if stem.ends_with("_error") || is(&["rmse", "mae", "mse", "mape", "log_loss", "brier", "inertia", "loss"]) {
        return Some(Direction::Lower);
    }
    let higher = [
        "accuracy",
        "auc",
        "average_precision",
        "balanced_accuracy",
        "explained_variance",
        "f1",
        "kappa",
        "mcc",
        "precision",
        "r2",
        "recall",
        "silhouette",
    ];
    is(&higher).then_some(Direction::Higher)
}

fn shortened(text: &str, n_chars: usize) -> String {
    if text.chars().count() <= n_chars {
        return text.into();
    }
    text.chars().take(n_chars - 1).chain(['…']).collect()
}

/// Times come from outside; files hold only numbers.
fn finite(secs: f64) -> f64 {
    if secs.is_finite() { secs.max(0.0) } else { 0.0 }
}
