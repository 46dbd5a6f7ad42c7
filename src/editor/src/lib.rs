//! The page's logic without a browser.
//!
//! [`Editor::apply`] takes a [`Command`] and gives the [`Task`]s that are left to the page. The editor
//! reads no clock, draws nothing and knows no DOM, so all of it is tested natively.

mod command;
mod connect;
mod editor;
mod geometry;
mod gesture;
mod history;
mod keymap;
mod layout;
mod outline;
mod place;
mod pointer;
mod runs;
mod scene;
mod select;
mod status;
mod values;
mod workspace;

pub use command::{Button, Command, Direction, Fit, Merge, Mods, PortRef, Relation, Task, Zoom};
pub use connect::{ends, port_type, refusal};
pub use editor::{Editor, MARGIN};
pub use geometry::{
    CARD_HEIGHT, CARD_WIDTH, Curve, Rect, SNAP, Size, Viewport, ZOOM_RANGE, distance, face_height, port_offset,
};
pub use gesture::{Candidate, Gesture, Guide, Joining};
pub use history::N_STEPS;
pub use keymap::{Action, Binding, Chord, KEYMAP, Key, Scope, Way, binding, chord_label, command_for, shortcuts_of};
pub use layout::{LayoutEdge, layered};
pub use outline::{OutlineItem, OutlineLink};
pub use place::laid_out;
pub use scene::{Hit, Scene, SceneEdge};
pub use status::{NodeState, NodeStatus, RunState};
pub use values::Given;
pub use workspace::{DocumentId, Entry, Snapshot, SnapshotError, Workspace};
