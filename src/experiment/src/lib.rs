//! Runs: what is recorded of them, how they are kept, searched, grouped and compared.
//!
//! Pure logic. Times, keys and bytes come from the caller, so that the page and the command line keep, find and compare
//! runs alike.

mod browser;
mod changes;
mod codec;
mod compare;
mod entry;
mod figures;
mod folder;
mod graph;
mod json;
mod key;
mod lineage;
mod list;
mod names;
mod order;
mod parcel;
mod query;
mod record;
mod rows;
mod scalar;
mod starts;
pub mod stats;
mod table;
mod timeline;
mod trial;
mod view;
mod warnings;

pub use browser::browser_name;
pub use changes::{Changes, InputChange, NodeChange, ParamChange, Setting, WhatChanged, changes};
pub use compare::{CompareCell, CompareGroup, CompareRow, Comparison, Tone, compare, differing};
pub use entry::{IndexEntry, ParamValue, params};
pub use figures::Shown;
pub use folder::{
    FORMAT, INDEX, Index, Place, ReadError, path_of_pipeline, path_of_run, place_of, read_index, read_pipeline,
    read_run, write_entry, write_pipeline, write_run,
};
pub use graph::{Fate, GraphDiff, GraphEdge, GraphNode, graph_diff};
pub use key::{PipelineHash, RunKey, pipeline_hash};
pub use lineage::{Lineage, LineageStep, lineage};
pub use list::{Line, ListColumn, Listing, listing, to_csv, usual_columns, utc};
pub use parcel::{ParcelError, pack_runs, unpack_runs};
pub use query::{Completion, CompletionKind, Query, QueryError, QueryProblem, complete};
pub use record::{
    DataFile, FigureRecord, Host, LogLine, MetricRecord, NewRun, NodeRun, Outcome, Repeats, RunRecord, RunState,
    TrialOf, data_of,
};
pub use rows::{TestRows, test_rows};
pub use scalar::{Cell, Scalar};
pub use table::{Column, Field, FieldKind, Group, RunTable, SortKey, Source, UnknownName, order_by_best};
pub use timeline::{Bar, Timeline, timeline};
pub use trial::{EndedTrial, INTERMEDIATE};
pub use view::{PREFIX, Tab, View, ViewError};
pub use warnings::{FEW_REPEATS, FEW_ROWS, TestAgainst, Warning, tests_against, warnings};
