//! What can be asked of the editor, and what it asks of its surroundings.

use pipeline::{Edit, InPort, NodeId, OutPort, Params, Pipeline, Point, Value};
use protocol::{Checked, Failure, Rerun, RunEvent, RunId, RunReport, RunTarget};

use crate::geometry::{Rect, Size, Viewport};

/// A port on either side of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortRef {
    /// An input, at the card's top.
    In(InPort),
    /// An output, at the card's bottom.
    Out(OutPort),
}

impl PortRef {
    /// The node it belongs to.
    pub fn node(&self) -> &NodeId {
        match self {
            Self::In(port) => &port.node,
            Self::Out(port) => &port.node,
        }
    }

    /// Its name.
    pub fn port(&self) -> &str {
        match self {
            Self::In(port) => &port.port,
            Self::Out(port) => &port.port,
        }
    }
}

/// The mouse button, or what stands for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Button {
    /// Left, touch or pen.
    #[default]
    Primary,
    /// Middle: pans.
    Middle,
    /// Right: aborts a gesture.
    Secondary,
}

/// Keys held while something happens. `command` is Ctrl, or Cmd on a Mac.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mods {
    /// Ctrl, or Cmd on a Mac.
    pub command: bool,
    /// Shift.
    pub shift: bool,
    /// Alt, or Option on a Mac.
    pub alt: bool,
}

/// A way over the canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the nearest node above.
    Up,
    /// Below.
    Down,
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// Against the edges, to what feeds this node.
    Upstream,
    /// Along the edges, to what this node feeds.
    Downstream,
    /// To the first node in topological order.
    First,
    /// To the last.
    Last,
}

/// What a selecting command does with what was selected before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Merge {
    /// Forgets it.
    #[default]
    Replace,
    /// Keeps it.
    Add,
    /// Takes away what is in both.
    Toggle,
}

/// What to fit into view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The whole pipeline.
    All,
    /// The selection, or everything if nothing is selected.
    Selection,
}

/// A step or value of zoom; about the middle of the canvas unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Zoom {
    /// A step closer.
    In,
    /// A step away.
    Out,
    /// 100 %.
    Actual,
    /// To this zoom.
    To(f64),
    /// By this factor about this point in the screen.
    About(Point, f64),
}

/// How related nodes are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// All that feed the selection, however far.
    Upstream,
    /// All that the selection feeds.
    Downstream,
    /// All that hang together with it.
    Connected,
    /// All of the same component.
    SameComponent,
}

/// Something asked of the editor.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Puts another pipeline in place of this one; selection, history and results are forgotten.
    Open(Pipeline),
    /// Changes the document; one undo step.
    Edit(Edit),
    /// Takes the last step back.
    Undo,
    /// Takes an undo back.
    Redo,
    /// Sets a parameter, or with `None` gives it back its default. Consecutive changes of one parameter are one step.
    SetParam {
        /// Of which node.
        node: NodeId,
        /// Which parameter.
        name: String,
        /// To what.
        value: Option<Value>,
    },
    /// Declares a parameter of the pipeline like this one of a node, and binds it.
    MakeParameter(NodeId, String),
    /// Whether runs ask for the values of parameters first.
    AskBeforeRuns(bool),
    /// Ends the run of changes that count as one step (the field lost focus, the slider was let go, a second passed).
    EndEdit,
    /// Gives a node a name of its own; empty text takes it away.
    Rename {
        /// Which node.
        node: NodeId,
        /// Its name.
        title: String,
    },
    /// Renames the pipeline.
    SetName(String),
    /// Sets the pipeline's seed.
    SetSeed(u64),

    /// Selects this node alone and focuses it.
    Select(NodeId),
    /// Selects these nodes.
    SelectNodes(Vec<NodeId>, Merge),
    /// Selects one edge, by the input that it feeds.
    SelectEdge(InPort),
    /// Selects every node.
    SelectAll,
    /// Selects nothing.
    ClearSelection,
    /// Selects what a rectangle in the pipeline touches, or only what lies wholly in it.
    SelectBox {
        /// The rectangle.
        area: Rect,
        /// What happens to what was selected before.
        merge: Merge,
        /// Only what lies wholly in it.
        whole: bool,
    },
    /// Adds related nodes to the selection.
    SelectRelated(Relation),
    /// Takes the focused node into the selection, or out of it.
    ToggleFocused,
    /// Moves the focus to a node without selecting it.
    Focus(NodeId),
    /// Moves the focus, and selects where it arrives; or adds that to the selection.
    Navigate {
        /// Where to.
        direction: Direction,
        /// Keep what is selected.
        extend: bool,
    },

    /// Deletes what is selected.
    Delete,
    /// Deletes what is selected and joins what it stood between, where types fit.
    DeleteAndReconnect,
    /// Copies the selection to the clipboard.
    Copy,
    /// Copies and deletes it.
    Cut,
    /// Places what the clipboard holds, in the middle of a point or beside where it came from.
    Paste {
        /// The clipboard's text.
        text: String,
        /// In the pipeline.
        at: Option<Point>,
        /// Keep the edges that came in from outside.
        keep_incoming: bool,
    },
    /// Copies the selection beside itself.
    Duplicate,
    /// Places a component; beneath the selection when no place is given.
    AddComponent {
        /// Its id.
        component: String,
        /// Where the middle of its top edge goes, in the pipeline.
        at: Option<Point>,
        /// The port it is to be joined with; without one, the selection, if that is unambiguous.
        connect: Option<PortRef>,
        /// Parameters that differ from their defaults.
        params: Params,
    },
    /// Feeds an input.
    Connect {
        /// The giving end.
        from: OutPort,
        /// The taking end.
        to: InPort,
    },
    /// Opens an input.
    Disconnect(InPort),
    /// Joins the selected nodes by type, from top to bottom.
    ConnectSelected,
    /// Takes away the edges among and around the selected nodes.
    DisconnectSelected,
    /// Moves the selection, in the pipeline.
    MoveSelection {
        /// To the right.
        dx: f64,
        /// Down.
        dy: f64,
    },
    /// Moves one node to a place.
    MoveTo {
        /// Which.
        node: NodeId,
        /// Its top left corner.
        position: Point,
    },
    /// Lays the selection, or everything, out in layers.
    Tidy,

    /// A button or finger went down on the canvas.
    PointerDown {
        /// In the screen.
        at: Point,
        /// Which button.
        button: Button,
        /// Keys held.
        mods: Mods,
        /// A finger rather than a mouse: larger threshold and targets.
        coarse: bool,
    },
    /// The pointer moved.
    PointerMove {
        /// In the screen.
        at: Point,
        /// Keys held.
        mods: Mods,
    },
    /// The button or finger went up.
    PointerUp {
        /// In the screen.
        at: Point,
        /// Keys held.
        mods: Mods,
    },
    /// The browser took the pointer away; as if the gesture had never begun.
    PointerCancel,
    /// Two clicks: on empty ground opens the search for components, on a card its inspector.
    DoubleClick {
        /// In the screen.
        at: Point,
    },
    /// The wheel turned, in pixels; with `command` (or a pinch) it zooms.
    Wheel {
        /// In the screen.
        at: Point,
        /// To the right.
        dx: f64,
        /// Down.
        dy: f64,
        /// Keys held.
        mods: Mods,
    },
    /// The space bar (or the hand tool) is held: dragging pans.
    HoldPan(bool),
    /// Starts joining a port, without dragging.
    StartConnect(PortRef),
    /// While joining from the keyboard: to the next port that fits, or the one before.
    NextTarget {
        /// Backwards.
        back: bool,
    },
    /// Focuses the next port of the focused node.
    CyclePort,
    /// Enter: joins, or starts joining the focused port, or opens the inspector.
    Confirm,
    /// Steps back: gesture, then port, then selection.
    Escape,

    /// The canvas has this size, in the screen.
    Resize(Size),
    /// Shows another part.
    SetViewport(Viewport),
    /// Moves by screen pixels.
    Pan {
        /// To the right.
        dx: f64,
        /// Down.
        dy: f64,
    },
    /// Moves by parts of what is shown.
    PanPage {
        /// To the right; 1 is a whole width.
        pages_x: f64,
        /// Down; 1 is a whole height.
        pages_y: f64,
    },
    /// Zooms.
    Zoom(Zoom),
    /// Fits into view.
    Fit(Fit),
    /// Brings a node into view.
    Reveal(NodeId),
    /// A card was measured.
    SetCardHeight {
        /// Which node's.
        node: NodeId,
        /// In the pipeline.
        height: f64,
    },

    /// Runs everything.
    RunAll,
    /// Runs a node and what it rests on.
    RunTo(NodeId),
    /// Runs the selection and what it rests on, or everything if nothing is selected.
    RunSelection,
    /// Runs everything, whether or not earlier results are at hand.
    RunAllAgain,
    /// Runs a node, or the selection, again, and all that rests on it.
    RunFrom(Option<NodeId>),
    /// Computes the output of a node, or of the selection, again.
    Regenerate(Option<NodeId>),
    /// Runs with these values of the pipeline's parameters, which later runs begin with.
    RunWith {
        /// How much.
        target: RunTarget,
        /// What of that is computed although an earlier result is at hand.
        rerun: Rerun,
        /// By name.
        values: Vec<(String, Value)>,
    },
    /// The engine no longer has the result of a node, or any.
    Cleared(Option<NodeId>),
    /// Stops the run.
    CancelRun,
    /// Something happened in a run.
    RunEvent(RunEvent),
    /// A run is over, or could not be carried out.
    RunDone {
        /// Which.
        run: RunId,
        /// How it went.
        result: Result<RunReport, Failure>,
    },
    /// What is wrong with the document, as of a revision.
    Checked {
        /// The revision that was checked.
        revision: u64,
        /// What was found.
        checked: Checked,
    },
    /// The document was stored, as of a revision.
    Saved {
        /// The revision that was stored.
        revision: u64,
    },
}

/// Something the editor asks of its surroundings.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Check the document and answer with [`Command::Checked`].
    Check,
    /// Store the document and answer with [`Command::Saved`].
    Save,
    /// Carry out a run; tell its events and answer with [`Command::RunDone`].
    StartRun {
        /// Its number.
        run: RunId,
        /// What to run.
        pipeline: Pipeline,
        /// How much of it.
        target: RunTarget,
        /// What of that is computed although an earlier result is at hand.
        rerun: Rerun,
    },
    /// Ask for the values of parameters, and answer with [`Command::RunWith`].
    AskValues {
        /// How much is to run.
        target: RunTarget,
        /// What of that is computed although an earlier result is at hand.
        rerun: Rerun,
        /// The parameters that it rests on.
        names: Vec<String>,
    },
    /// Stop a run.
    CancelRun(RunId),
    /// Put text on the clipboard.
    WriteClipboard(String),
    /// Say something to whoever listens, politely. At most one per command.
    Announce(String),
    /// Tell why something was not done, where it can be seen.
    Refuse(String),
    /// Move the keyboard's focus to a node.
    FocusNode(NodeId),
    /// Open the search for components.
    OpenSearch {
        /// Where to show it, in the screen.
        screen: Point,
        /// Where the component goes, in the pipeline.
        at: Point,
        /// What it is to be joined with; only what fits is offered.
        connect: Option<PortRef>,
    },
    /// Show the inspector of a node.
    OpenInspector(NodeId),
    /// The clipboard held a table rather than nodes: make a node of it.
    PasteTable {
        /// The text.
        text: String,
        /// Where, in the pipeline.
        at: Option<Point>,
    },
}
