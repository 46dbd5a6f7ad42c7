//! The calls.

use std::collections::BTreeMap;

use pipeline::{Catalogue, FileRef, NodeId, OutPort, Pipeline, Problem};
use schema::Schema;
use serde::{Deserialize, Serialize};
use study::{Action, News, Stop};

use crate::automl::{Blend, BlendTrials, PlaceWinner, Placing, PlanSearch, Search};
use crate::{
    ColumnProfile, Compute, Filter, GpuFound, Motion, NodeView, Panel, Rerun, RunId, RunReport, RunTarget, Sealed,
    Sort, TablePage,
};

/// A request that knows the type of its reply.
pub trait Call: Into<Request> {
    /// What answers it.
    type Reply: TryFrom<Reply>;
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident => $reply:ty,)*) => {
        /// Any call.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum Request { $($(#[$doc])* $name($name),)* }

        /// Any answer, under the name of its call.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum Reply { $($(#[$doc])* $name($reply),)* }

        $(
            impl From<$name> for Request {
                fn from(call: $name) -> Self {
                    Self::$name(call)
                }
            }
            impl Call for $name {
                type Reply = Answer<Self>;
            }
            impl TryFrom<Reply> for Answer<$name> {
                type Error = Reply;
                fn try_from(reply: Reply) -> Result<Self, Reply> {
                    match reply {
                        Reply::$name(answer) => Ok(Answer(answer)),
                        other => Err(other),
                    }
                }
            }
            impl Answers for $name {
                type Of = $reply;
            }
        )*
    };
}

/// Which plain type answers a call.
pub trait Answers {
    /// The plain type.
    type Of;
}

/// The answer to the call `C`.
pub struct Answer<C: Answers>(pub C::Of);

calls! {
    /// The first call.
    Hello => Welcome,
    /// Problems and the columns that will flow, without running anything.
    Check => Checked,
    /// Run a pipeline; events follow, and the report when it is over.
    Run => RunReport,
    /// Stop a run.
    Cancel => (),
    /// Hold the run under way, or let it go on.
    SetMotion => (),
    /// What a node under way has to show, once it is other than what was seen; none when the node is through.
    Look => Option<Seen>,
    /// Take a file of the user's into the workspace; it travels beside the message.
    AddFile => FileAdded,
    /// Rows of a table.
    Preview => Sealed<TablePage>,
    /// Summaries of the columns of a table.
    Profiles => Sealed<Vec<ColumnProfile>>,
    /// Everything else that a node shows.
    View => Sealed<NodeView>,
    /// A result as a file.
    Export => Vec<u8>,
    /// A trained model, packed for an endpoint.
    Pack => Vec<u8>,
    /// Another document is open: what nodes last gave is forgotten, results are kept.
    Opened => (),
    /// Forget results, of one node or all.
    ClearCache => (),
    /// How much is kept of results.
    Outputs => Kept,
    /// What is to be done next in a sweep; none if the news were not understood, and all has to be told.
    SweepNext => Option<Vec<Action>>,
    /// Run a trial of a sweep; none if the news were not understood.
    RunTrial => Option<TrialReport>,
    /// How much each dimension of a sweep mattered; none if the news were not understood.
    SweepImportance => Option<Vec<DimensionShare>>,
    /// A search over preparations and learners, ready to be run as a sweep.
    PlanSearch => Box<Search>,
    /// Which candidates of a search are best together.
    BlendTrials => Blend,
    /// What puts candidates into the pipeline.
    PlaceWinner => Placing,
    /// How fast the GPU and the CPU train networks here.
    MeasureNetworks => GpuFound,
    /// Take requests and exceptions of endpoints, to be asked about.
    TakeEvents => (),
    /// Ask about them.
    QueryEvents => String,
}

/// The page introduces itself: whoever hears this is its own engine, and keeps beyond a reload where trainings stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {}

/// The worker introduces itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// Every component.
    pub catalogue: Catalogue,
    /// Of the engine.
    pub version: String,
}

/// Asks what is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// As it stands.
    pub pipeline: Pipeline,
}

/// What is wrong, and what will flow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Those of `pipeline::check` and those that only the columns show.
    pub problems: Vec<Problem>,
    /// The columns at every table output where they can be known.
    pub schemas: BTreeMap<OutPort, Schema>,
    /// Nodes whose last result no longer fits the pipeline.
    pub stale: Vec<NodeId>,
}

/// Runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Chosen by the caller.
    pub run: RunId,
    /// As it stands.
    pub pipeline: Pipeline,
    /// How much of it.
    pub target: RunTarget,
    /// What of that is computed although an earlier result is at hand.
    pub rerun: Rerun,
    /// Who computes it.
    pub compute: Compute,
}

/// Measures the GPU beside the CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureNetworks {}

/// Stops a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cancel {
    /// Which.
    pub run: RunId,
}

/// Holds the run under way, or lets it go on. Without one, nothing happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetMotion {
    /// From now on.
    pub motion: Motion,
}

/// Looks at a node under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Which.
    pub node: NodeId,
    /// The number of what was seen last; 0 at first.
    pub seen: u32,
}

/// What a node under way has to show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Counts up from 1 within a session.
    pub number: u32,
    /// In reading order.
    pub panels: Sealed<Vec<Panel>>,
}

/// Takes a file in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddFile {
    /// As the user named it.
    pub name: String,
}

/// A file is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileAdded {
    /// What documents call it from now on.
    pub file: FileRef,
    /// What the user should know, such as that the browser does not keep it.
    pub warning: Option<String>,
}

/// Asks for rows of the table at an output, as of the last run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// Which table.
    pub output: OutPort,
    /// In filtered, sorted order.
    pub first_row: u64,
    /// At most this many.
    pub n_rows: u32,
    /// First column of the window.
    pub first_column: u32,
    /// At most this many.
    pub n_columns: u32,
    /// Order of the rows; file order if empty.
    pub sort: Vec<Sort>,
    /// All must hold.
    pub filters: Vec<Filter>,
}

/// Asks for summaries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profiles {
    /// Which table.
    pub output: OutPort,
    /// First column of the window.
    pub first_column: u32,
    /// At most this many.
    pub n_columns: u32,
    /// Rows that count; every column also tells how many of its filtered rows are in each bin.
    pub filters: Vec<Filter>,
}

/// Asks for what a node shows beside tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Which node.
    pub node: NodeId,
}

/// Asks for a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// Which result.
    pub output: OutPort,
    /// As what.
    pub format: ExportFormat,
}

/// Asks for the model that a node gave or used in the last run, with all that rows need on their way to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pack {
    /// As it ran.
    pub pipeline: Pipeline,
    /// Which node.
    pub node: NodeId,
    /// What is known of the model beside its figures.
    pub about: About,
}

/// What whoever packs a model knows of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The run it was trained in; empty if that was not recorded.
    pub run: String,
    /// The pipeline's hash; empty if unknown.
    pub pipeline_hash: String,
    /// Now, in milliseconds since 1970.
    pub now_ms: u64,
    /// Of the engine.
    pub engine: String,
    /// What its maker says of it.
    pub description: String,
}

/// What results leave as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportFormat {
    /// Comma-separated values.
    Csv,
    /// Everything about it as JSON.
    Json,
}

/// Tells that another document was opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {}

/// Forgets results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClearCache {
    /// Of this node, or of all.
    pub node: Option<NodeId>,
}

/// Asks how much is kept of results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {}

/// How much is kept of results, so that they can be reused and looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// About this much in all, those of earlier settings too. What several results share counts once.
    pub n_bytes: u64,
    /// The bytes of what each node last came out of, where that is kept.
    pub nodes: BTreeMap<NodeId, u64>,
}

/// Asks what is to be done next in a sweep. Nothing is changed by it: whoever runs the trials writes into the study what
/// it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepNext {
    /// Of the study, up to how it stands.
    pub news: News,
    /// How many trials the asker can start now.
    pub n_starts: u32,
}

/// Runs a trial of a sweep: a run that ends when its time is up, or when it is not worth going on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunTrial {
    /// The pipeline with the trial's settings.
    pub run: Run,
    /// The node that reports the first objective.
    pub node: NodeId,
    /// Of the study, up to how it stands with the trial running; the trial itself among them.
    pub news: News,
    /// Which trial.
    pub number: u32,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialReport {
    /// Of its run.
    pub run: RunReport,
    /// The first objective's metric at the intervals that the study did not know yet.
    pub intermediate: Vec<f64>,
    /// Why it was ended before it was through.
    pub stop: Option<Stop>,
    /// How large the engine's memory has grown; it never shrinks.
    pub memory_bytes: u64,
}

/// Asks how much each dimension of a sweep mattered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepImportance {
    /// Of the study, up to how it stands.
    pub news: News,
    /// For which of its objectives.
    pub objective_idx: u32,
}

/// How much one dimension mattered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DimensionShare {
    /// Its name.
    pub dimension: String,
    /// The share of the objective's variance that it explains by itself, 0 to 1.
    pub share: f64,
    /// The standard error of the share.
    pub standard_error: f64,
}

/// Takes requests and exceptions of endpoints, as their hosts tell them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakeEvents {
    /// JSON: a list of requests.
    pub requests: String,
    /// JSON: a list of exceptions.
    pub exceptions: String,
    /// Whether those that were taken before are forgotten.
    pub is_new: bool,
}

/// Asks about them; the answer is JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryEvents {
    /// In a part of Kusto's language.
    pub text: String,
    /// What `now()` gives, in milliseconds since 1970.
    pub now_ms: u64,
}
