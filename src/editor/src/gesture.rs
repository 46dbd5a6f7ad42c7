//! What the pointer, or the keyboard in its place, is doing.

use pipeline::{NodeId, Point};

use crate::command::{Merge, PortRef};
use crate::geometry::Rect;

/// A line that shows what a moved card lines up with, in the pipeline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guide {
    /// One end.
    pub from: Point,
    /// The other.
    pub to: Point,
}

/// How a port is being joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joining {
    /// The button is held.
    Drag,
    /// A port was clicked; the next click ends it.
    Click,
    /// From the keyboard.
    Keys,
}

/// A port to which the one in hand might be joined.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Which.
    pub port: PortRef,
    /// Why it cannot be joined; none if it can.
    pub refusal: Option<String>,
}

/// What is under way.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Gesture {
    /// Nothing.
    #[default]
    Idle,
    /// The button is down and has not moved far enough to mean a drag.
    Pressed {
        /// Where, in the screen.
        at: Point,
    },
    /// The canvas is pulled along.
    Pan {
        /// Where the pointer was last, in the screen.
        last: Point,
    },
    /// A rectangle is drawn.
    Box {
        /// The rectangle, in the pipeline.
        area: Rect,
        /// What happens to what was selected before.
        merge: Merge,
        /// Only what lies wholly in it.
        whole: bool,
        /// What it would select.
        nodes: Vec<NodeId>,
    },
    /// Nodes are moved; the document changes when they are let go.
    Move {
        /// Which.
        nodes: Vec<NodeId>,
        /// To the right, snapped.
        dx: f64,
        /// Down, snapped.
        dy: f64,
        /// What they line up with.
        guides: Vec<Guide>,
    },
    /// A port is being joined.
    Connect {
        /// The port in hand.
        from: PortRef,
        /// Where the loose end is, in the pipeline.
        at: Point,
        /// The port that it would be joined to.
        target: Option<PortRef>,
        /// How.
        joining: Joining,
        /// Every port on the other side of other nodes, and whether it fits.
        candidates: Vec<Candidate>,
    },
}
