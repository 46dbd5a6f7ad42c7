//! What the page and the worker say to each other, as data.
//!
//! The page sends a [`ToWorker`] with a [`Request`]; the worker answers each with one [`FromWorker::Reply`]
//! of the same number, and in between sends [`RunEvent`]s. Every call names its reply by [`Call`].
//! Bytes that do not decode are an error value, never a panic.

mod automl;
mod calls;
mod codec;
mod run;
mod view;

pub use automl::{
    Blend, BlendTrials, METRICS_OF_CLASSES, METRICS_OF_NUMBERS, Member, N_PARTS, PlaceWinner, Placing, PlanSearch,
    Predicts, Question, Search,
};
pub use calls::{
    About, AddFile, Answer, Answers, Call, Cancel, Check, Checked, ClearCache, DimensionShare, Export, ExportFormat,
    FileAdded, Hello, Kept, Look, MeasureNetworks, Opened, Outputs, Pack, Preview, Profiles, QueryEvents, Reply,
    Request, Run, RunTrial, Seen, SetMotion, SweepImportance, SweepNext, TakeEvents, TrialReport, View, Welcome,
};
pub use codec::{DecodeError, FromWorker, Sealed, ToWorker, decode, encode};
pub use run::{
    Compute, Failure, FoldRows, GpuFound, Measured, Motion, Networks, NodeOutcome, NodeReport, Pace, Paces, Rerun,
    RunEvent, RunId, RunReport, RunTarget,
};
pub use view::{
    Cell, ColumnProfile, Confusion, Direction, Face, Filter, Map, Metric, NodeView, Panel, Picture, PictureGroup,
    Pictures, Sort, TablePage, TopValue, TreeNode, TreeView, has_histogram,
};
