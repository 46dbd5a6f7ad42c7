//! A pipeline as a document: nodes, edges and parameters, the edits that change it and
//! undo each other, the problems found in it, and the forms in which it is kept and shared.

mod caption;
mod check;
mod clipboard;
mod diff;
mod document;
mod edit;
mod example;
mod format;
pub mod link;
mod locate;
mod migrate;
mod parameter;
mod servable;
mod spec;
mod value;

pub use caption::{caption, counts, grouped, is_fed, number_in_words, value_in_words};
pub use check::{Problem, Severity, check, nearest};
pub use clipboard::Fragment;
pub use diff::{Difference, diff};
pub use document::{InPort, Node, NodeId, OutPort, Pipeline, Point};
pub use edit::{Edit, EditError};
pub use example::example;
pub use format::{FORMAT, ReadError, from_json, to_json, value_to_json};
pub use migrate::{COMPONENT_STEPS, ComponentStep, bring_up_to_date};
pub use parameter::{Parameter, ParameterKind};
pub use servable::{models, servable};
pub use spec::{Acceleration, Catalogue, Choice, Condition, Family, ParamKind, ParamSpec, PortSpec, PortType, Spec};
pub use value::{FileRef, Params, Value};
