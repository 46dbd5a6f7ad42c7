//! The keyboard, in one table: handlers, tooltips and the sheet of shortcuts are drawn from it.

use crate::command::{Command, Direction, Fit, Mods, Relation, Zoom};
use crate::geometry::SNAP;

/// Where a shortcut works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everywhere but in text fields, unless `command` is held.
    Global,
    /// While the canvas has the focus.
    Canvas,
    /// While a port is being joined; comes before `Canvas`.
    Joining,
}

/// A key, whatever the keyboard's layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A letter (lower case), digit or sign.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// The space bar.
    Space,
    /// Delete.
    Delete,
    /// Backspace.
    Backspace,
    /// Insert.
    Insert,
    /// Tab.
    Tab,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// The key that opens menus.
    Menu,
    /// F1 to F12.
    F(u8),
}

/// A key with those held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// Held.
    pub mods: Mods,
}

impl Chord {
    const fn new(key: Key) -> Self {
        Self { key, mods: Mods { command: false, shift: false, alt: false } }
    }

    const fn char(letter: char) -> Self {
        Self::new(Key::Char(letter))
    }

    const fn command(mut self) -> Self {
        self.mods.command = true;
        self
    }

    const fn shift(mut self) -> Self {
        self.mods.shift = true;
        self
    }

    const fn alt(mut self) -> Self {
        self.mods.alt = true;
        self
    }

    /// From the browser's `key` and `code`. `command` is Ctrl, or Cmd on a Mac.
    pub fn from_event(key: &str, code: &str, mods: Mods) -> Option<Self> {
        // Shift changes digits and Alt changes signs, differently on every layout: there the place of the key counts.
        let by_place = match code.strip_prefix("Digit") {
            Some(digit) if mods.shift || mods.alt => digit.chars().next(),
            _ if mods.alt && code == "Comma" => Some(','),
            _ if mods.alt && code == "Period" => Some('.'),
            _ if mods.alt => code.strip_prefix("Key").and_then(|letter| letter.chars().next()),
            _ => None,
        };
        if let Some(letter) = by_place {
            return Some(Self { key: Key::Char(letter.to_ascii_lowercase()), mods });
        }
        let named = match key {
            "Enter" => Key::Enter,
            "Escape" => Key::Escape,
            " " => Key::Space,
            "Delete" => Key::Delete,
            "Backspace" => Key::Backspace,
            "Insert" => Key::Insert,
            "Tab" => Key::Tab,
            "Home" => Key::Home,
            "End" => Key::End,
            "PageUp" => Key::PageUp,
            "PageDown" => Key::PageDown,
            "ArrowUp" => Key::Up,
            "ArrowDown" => Key::Down,
            "ArrowLeft" => Key::Left,
            "ArrowRight" => Key::Right,
            "ContextMenu" => Key::Menu,
            _ => match key.strip_prefix('F').and_then(|number| number.parse().ok()) {
                Some(number @ 1..=12) => Key::F(number),
                _ => {
                    let mut letters = key.chars();
                    let (letter, None) = (letters.next()?, letters.next()) else { return None };
                    let is_sign = !letter.is_alphanumeric();
                    // A sign needs Shift on some keyboards and not on others.
                    let mods = if is_sign { Mods { shift: false, ..mods } } else { mods };
                    return Some(Self { key: Key::Char(letter.to_lowercase().next().unwrap_or(letter)), mods });
                }
            },
        };
        Some(Self { key: named, mods })
    }
}

/// What a shortcut does. Those with a [`Command`] of their own are carried out by [`command_for`]; the others open
/// something of the page or need what only the page knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The palette of commands.
    OpenPalette,
    /// To the next region of the page.
    NextRegion,
    /// To the region before.
    PreviousRegion,
    /// Saves as a file.
    SaveFile,
    /// Opens a file.
    OpenFile,
    /// Copies a link.
    CopyLink,
    /// Finds a node.
    Find,
    /// The sheet of shortcuts.
    ShowShortcuts,
    /// Help on the focused node.
    ShowHelp,
    /// Takes a step back.
    Undo,
    /// Brings it again.
    Redo,
    /// Runs the selection and what it rests on.
    RunSelection,
    /// Runs everything.
    RunAll,
    /// Runs everything, whether or not earlier results are at hand.
    RunAllAgain,
    /// Runs the selection again, and all that rests on it.
    RunFrom,
    /// Computes the output of the selection again.
    Regenerate,
    /// Stops the run.
    CancelRun,
    /// Everything into view.
    FitAll,
    /// The selection into view.
    FitSelection,
    /// 100 %.
    ZoomActual,
    /// Closer.
    ZoomIn,
    /// Away.
    ZoomOut,
    /// A page up.
    PanUp,
    /// A page down.
    PanDown,
    /// A page left.
    PanLeft,
    /// A page right.
    PanRight,
    /// The hand tool.
    ToggleHand,
    /// Shows or hides the minimap.
    ToggleMinimap,
    /// Shows or hides the inspector.
    ToggleInspector,
    /// To the nearest node.
    Go(Way),
    /// The same, keeping what is selected.
    Extend(Way),
    /// Moves the selection by 8 px.
    Nudge(Way),
    /// Moves the selection by 24 px.
    NudgeFar(Way),
    /// To what feeds this node.
    GoUpstream,
    /// To what this node feeds.
    GoDownstream,
    /// To the first node.
    GoFirst,
    /// To the last.
    GoLast,
    /// The focused node into the selection or out of it.
    ToggleSelected,
    /// Everything.
    SelectAll,
    /// All that feed the selection.
    SelectUpstream,
    /// All that it feeds.
    SelectDownstream,
    /// All that hang together with it.
    SelectConnected,
    /// Steps back.
    StepBack,
    /// The search for components.
    AddComponent,
    /// Joins, or opens the inspector.
    Confirm,
    /// Renames the focused node.
    Rename,
    /// Deletes the selection.
    Delete,
    /// Deletes and joins what it stood between.
    DeleteAndReconnect,
    /// Cuts.
    Cut,
    /// Copies.
    Copy,
    /// Pastes.
    Paste,
    /// Pastes and keeps the edges from outside.
    PasteKeepingEdges,
    /// Copies beside itself.
    Duplicate,
    /// The next port of the focused node.
    CyclePort,
    /// Joins the selected nodes.
    ConnectSelected,
    /// Takes their edges away.
    DisconnectSelected,
    /// Lays out.
    Tidy,
    /// The context menu.
    OpenMenu,
    /// To the next port that fits.
    NextTarget,
    /// To the one before.
    PreviousTarget,
    /// Shows an output of the focused node.
    ShowOutput(u8),
}

/// A way of the arrow keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Up.
    Up,
    /// Down.
    Down,
    /// Left.
    Left,
    /// Right.
    Right,
}

impl Way {
    fn direction(self) -> Direction {
        match self {
            Self::Up => Direction::Up,
            Self::Down => Direction::Down,
            Self::Left => Direction::Left,
            Self::Right => Direction::Right,
        }
    }

    fn step(self, by: f64) -> Command {
        let (dx, dy) = match self {
            Self::Up => (0.0, -by),
            Self::Down => (0.0, by),
            Self::Left => (-by, 0.0),
            Self::Right => (by, 0.0),
        };
        Command::MoveSelection { dx, dy }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Binding {
    /// Where it works.
    pub scope: Scope,
    /// What is pressed.
    pub chord: Chord,
    /// What it does.
    pub action: Action,
    /// What it does, in words; rows with the same words stand together on the sheet.
    pub label: &'static str,
}

const fn row(scope: Scope, chord: Chord, action: Action, label: &'static str) -> Binding {
    Binding { scope, chord, action, label }
}

use Action as A;
use Scope::{Canvas, Global, Joining};

/// Every shortcut. The first row of an action is the one that tooltips show.
#[rustfmt::skip]
pub const KEYMAP: &[Binding] = &[
    row(Global, Chord::char('k').command(), A::OpenPalette, "Find a command"),
    row(Global, Chord::new(Key::F(6)), A::NextRegion, "Next region"),
    row(Global, Chord::new(Key::F(6)).shift(), A::PreviousRegion, "Previous region"),
    row(Global, Chord::char('s').command(), A::SaveFile, "Save as a file"),
    row(Global, Chord::char('o').command(), A::OpenFile, "Open a file"),
    row(Global, Chord::char('s').command().shift(), A::CopyLink, "Copy link"),
    row(Global, Chord::char('f').command(), A::Find, "Find a node"),
    row(Global, Chord::char('?'), A::ShowShortcuts, "Show shortcuts"),
    row(Global, Chord::new(Key::F(1)), A::ShowHelp, "Help on the focused node"),
    row(Global, Chord::char('z').command(), A::Undo, "Undo"),
    row(Global, Chord::char('z').command().shift(), A::Redo, "Redo"),
    row(Global, Chord::char('y').command(), A::Redo, "Redo"),
    row(Global, Chord::new(Key::Enter).command(), A::RunSelection, "Run to the selection"),
    row(Global, Chord::new(Key::Enter).command().shift(), A::RunAll, "Run everything"),
    row(Global, Chord::new(Key::Enter).command().shift().alt(), A::RunAllAgain, "Run everything again"),
    row(Global, Chord::new(Key::Enter).command().alt(), A::CancelRun, "Stop the run"),
    row(Global, Chord::char('\\').command(), A::ToggleInspector, "Show or hide the inspector"),

    row(Canvas, Chord::char('1').shift(), A::FitAll, "Fit everything"),
    row(Canvas, Chord::char('2').shift(), A::FitSelection, "Fit the selection"),
    row(Canvas, Chord::char('0').command(), A::ZoomActual, "Zoom to 100 %"),
    row(Canvas, Chord::char('+').command(), A::ZoomIn, "Zoom in"),
    row(Canvas, Chord::char('=').command(), A::ZoomIn, "Zoom in"),
    row(Canvas, Chord::char('-').command(), A::ZoomOut, "Zoom out"),
    row(Canvas, Chord::new(Key::PageUp), A::PanUp, "Move the view"),
    row(Canvas, Chord::new(Key::PageDown), A::PanDown, "Move the view"),
    row(Canvas, Chord::new(Key::PageUp).shift(), A::PanLeft, "Move the view sideways"),
    row(Canvas, Chord::new(Key::PageDown).shift(), A::PanRight, "Move the view sideways"),
    row(Canvas, Chord::char('h'), A::ToggleHand, "Hand tool"),
    row(Canvas, Chord::char('m'), A::ToggleMinimap, "Show or hide the minimap"),

    row(Canvas, Chord::new(Key::Up), A::Go(Way::Up), "To the nearest node"),
    row(Canvas, Chord::new(Key::Down), A::Go(Way::Down), "To the nearest node"),
    row(Canvas, Chord::new(Key::Left), A::Go(Way::Left), "To the nearest node"),
    row(Canvas, Chord::new(Key::Right), A::Go(Way::Right), "To the nearest node"),
    row(Canvas, Chord::char(',').alt(), A::GoUpstream, "To what feeds this node"),
    row(Canvas, Chord::char('.').alt(), A::GoDownstream, "To what this node feeds"),
    row(Canvas, Chord::new(Key::Home), A::GoFirst, "To the first node"),
    row(Canvas, Chord::new(Key::End), A::GoLast, "To the last node"),

    row(Canvas, Chord::new(Key::Space), A::ToggleSelected, "Select or deselect"),
    row(Canvas, Chord::new(Key::Up).shift(), A::Extend(Way::Up), "Extend the selection"),
    row(Canvas, Chord::new(Key::Down).shift(), A::Extend(Way::Down), "Extend the selection"),
    row(Canvas, Chord::new(Key::Left).shift(), A::Extend(Way::Left), "Extend the selection"),
    row(Canvas, Chord::new(Key::Right).shift(), A::Extend(Way::Right), "Extend the selection"),
    row(Canvas, Chord::char('a').command(), A::SelectAll, "Select everything"),
    row(Canvas, Chord::char('u').shift(), A::SelectUpstream, "Select all upstream"),
    row(Canvas, Chord::char('d').shift(), A::SelectDownstream, "Select all downstream"),
    row(Canvas, Chord::char('k').shift(), A::SelectConnected, "Select all connected"),
    row(Canvas, Chord::new(Key::Escape), A::StepBack, "Step back"),

    row(Canvas, Chord::char('/'), A::AddComponent, "Add a component"),
    row(Canvas, Chord::new(Key::Insert), A::AddComponent, "Add a component"),
    row(Canvas, Chord::new(Key::Enter), A::Confirm, "Open the inspector, or join the focused port"),
    row(Canvas, Chord::new(Key::F(2)), A::Rename, "Rename"),
    row(Canvas, Chord::new(Key::Delete), A::Delete, "Delete"),
    row(Canvas, Chord::new(Key::Backspace), A::Delete, "Delete"),
    row(Canvas, Chord::new(Key::Delete).command(), A::DeleteAndReconnect, "Delete and reconnect"),
    row(Canvas, Chord::new(Key::Backspace).command(), A::DeleteAndReconnect, "Delete and reconnect"),
    row(Canvas, Chord::char('x').command(), A::Cut, "Cut"),
    row(Canvas, Chord::char('c').command(), A::Copy, "Copy"),
    row(Canvas, Chord::char('v').command(), A::Paste, "Paste"),
    row(Canvas, Chord::char('v').command().shift(), A::PasteKeepingEdges, "Paste and keep incoming edges"),
    row(Canvas, Chord::char('d').command(), A::Duplicate, "Duplicate"),
    row(Canvas, Chord::new(Key::Up).command().shift(), A::Nudge(Way::Up), "Move by 8 px"),
    row(Canvas, Chord::new(Key::Down).command().shift(), A::Nudge(Way::Down), "Move by 8 px"),
    row(Canvas, Chord::new(Key::Left).command().shift(), A::Nudge(Way::Left), "Move by 8 px"),
    row(Canvas, Chord::new(Key::Right).command().shift(), A::Nudge(Way::Right), "Move by 8 px"),
    row(Canvas, Chord::new(Key::Up).command().shift().alt(), A::NudgeFar(Way::Up), "Move by 24 px"),
    row(Canvas, Chord::new(Key::Down).command().shift().alt(), A::NudgeFar(Way::Down), "Move by 24 px"),
    row(Canvas, Chord::new(Key::Left).command().shift().alt(), A::NudgeFar(Way::Left), "Move by 24 px"),
    row(Canvas, Chord::new(Key::Right).command().shift().alt(), A::NudgeFar(Way::Right), "Move by 24 px"),
    row(Canvas, Chord::char('p'), A::CyclePort, "Next port of the node"),
    row(Canvas, Chord::char('e'), A::ConnectSelected, "Connect selected nodes"),
    row(Canvas, Chord::char('e').shift(), A::DisconnectSelected, "Disconnect selected nodes"),
    row(Canvas, Chord::char('a').shift(), A::Tidy, "Tidy up"),
    row(Canvas, Chord::char('r'), A::RunFrom, "Run again from here"),
    row(Canvas, Chord::char('r').shift(), A::Regenerate, "Regenerate output"),
    row(Canvas, Chord::new(Key::F(10)).shift(), A::OpenMenu, "Open the menu"),
    row(Canvas, Chord::new(Key::Menu), A::OpenMenu, "Open the menu"),
    row(Canvas, Chord::char('1'), A::ShowOutput(1), "Show an output"),
    row(Canvas, Chord::char('2'), A::ShowOutput(2), "Show an output"),
    row(Canvas, Chord::char('3'), A::ShowOutput(3), "Show an output"),
    row(Canvas, Chord::char('4'), A::ShowOutput(4), "Show an output"),
    row(Canvas, Chord::char('v'), A::ShowOutput(1), "Show an output"),

    row(Joining, Chord::new(Key::Down), A::NextTarget, "Next port that fits"),
    row(Joining, Chord::new(Key::Right), A::NextTarget, "Next port that fits"),
    row(Joining, Chord::char('p'), A::NextTarget, "Next port that fits"),
    row(Joining, Chord::new(Key::Up), A::PreviousTarget, "Previous port that fits"),
    row(Joining, Chord::new(Key::Left), A::PreviousTarget, "Previous port that fits"),
    row(Joining, Chord::new(Key::Enter), A::Confirm, "Join"),
    row(Joining, Chord::new(Key::Escape), A::StepBack, "Stop joining"),
];

/// The row for a chord: where a port is being joined `Joining` comes first, on the canvas `Canvas`, then `Global`.
pub fn binding(chord: Chord, on_canvas: bool, joining: bool) -> Option<&'static Binding> {
    let find = |scope: Scope| KEYMAP.iter().find(|row| row.scope == scope && row.chord == chord);
    let joining = if joining { find(Joining) } else { None };
    joining.or_else(|| if on_canvas { find(Canvas) } else { None }).or_else(|| find(Global))
}

/// The command that carries an action out; none where the page has to.
pub fn command_for(action: Action) -> Option<Command> {
    Some(match action {
        A::Undo => Command::Undo,
        A::Redo => Command::Redo,
        A::RunSelection => Command::RunSelection,
        A::RunAll => Command::RunAll,
        A::RunAllAgain => Command::RunAllAgain,
        A::RunFrom => Command::RunFrom(None),
        A::Regenerate => Command::Regenerate(None),
        A::CancelRun => Command::CancelRun,
        A::FitAll => Command::Fit(Fit::All),
        A::FitSelection => Command::Fit(Fit::Selection),
        A::ZoomActual => Command::Zoom(Zoom::Actual),
        A::ZoomIn => Command::Zoom(Zoom::In),
        A::ZoomOut => Command::Zoom(Zoom::Out),
        A::PanUp => Command::PanPage { pages_x: 0.0, pages_y: -0.8 },
        A::PanDown => Command::PanPage { pages_x: 0.0, pages_y: 0.8 },
        A::PanLeft => Command::PanPage { pages_x: -0.8, pages_y: 0.0 },
        A::PanRight => Command::PanPage { pages_x: 0.8, pages_y: 0.0 },
        A::Go(way) => Command::Navigate { direction: way.direction(), extend: false },
        A::Extend(way) => Command::Navigate { direction: way.direction(), extend: true },
        A::Nudge(way) => way.step(SNAP),
        A::NudgeFar(way) => way.step(3.0 * SNAP),
        A::GoUpstream => Command::Navigate { direction: Direction::Upstream, extend: false },
        A::GoDownstream => Command::Navigate { direction: Direction::Downstream, extend: false },
        A::GoFirst => Command::Navigate { direction: Direction::First, extend: false },
        A::GoLast => Command::Navigate { direction: Direction::Last, extend: false },
        A::ToggleSelected => Command::ToggleFocused,
        A::SelectAll => Command::SelectAll,
        A::SelectUpstream => Command::SelectRelated(Relation::Upstream),
        A::SelectDownstream => Command::SelectRelated(Relation::Downstream),
        A::SelectConnected => Command::SelectRelated(Relation::Connected),
        A::StepBack => Command::Escape,
        A::Confirm => Command::Confirm,
        A::Delete => Command::Delete,
        A::DeleteAndReconnect => Command::DeleteAndReconnect,
        A::Cut => Command::Cut,
        A::Copy => Command::Copy,
        A::Duplicate => Command::Duplicate,
        A::CyclePort => Command::CyclePort,
        A::ConnectSelected => Command::ConnectSelected,
        A::DisconnectSelected => Command::DisconnectSelected,
        A::Tidy => Command::Tidy,
        A::NextTarget => Command::NextTarget { back: false },
        A::PreviousTarget => Command::NextTarget { back: true },
        A::OpenPalette
        | A::NextRegion
        | A::PreviousRegion
        | A::SaveFile
        | A::OpenFile
        | A::CopyLink
        | A::Find
        | A::ShowShortcuts
        | A::ShowHelp
        | A::ToggleHand
        | A::ToggleMinimap
        | A::ToggleInspector
        | A::AddComponent
        | A::Rename
        | A::Paste
        | A::PasteKeepingEdges
        | A::OpenMenu
        | A::ShowOutput(_) => return None,
    })
}

/// The rows of an action; the first is the one that tooltips show.
pub fn shortcuts_of(action: Action) -> impl Iterator<Item = &'static Binding> {
    KEYMAP.iter().filter(move |row| row.action == action)
}

/// A chord as it is printed on keys: "Ctrl+Shift+Z", on a Mac "⇧⌘Z".
pub fn chord_label(chord: Chord, mac: bool) -> String {
    let key = match chord.key {
        Key::Char(letter) => letter.to_uppercase().to_string(),
        Key::Enter => if mac { "↩" } else { "Enter" }.into(),
        Key::Escape => "Esc".into(),
        Key::Space => "Space".into(),
        Key::Delete => if mac { "⌦" } else { "Delete" }.into(),
        Key::Backspace => if mac { "⌫" } else { "Backspace" }.into(),
        Key::Insert => "Insert".into(),
        Key::Tab => "Tab".into(),
        Key::Home => "Home".into(),
        Key::End => "End".into(),
        Key::PageUp => "Page Up".into(),
        Key::PageDown => "Page Down".into(),
        Key::Up => "↑".into(),
        Key::Down => "↓".into(),
        Key::Left => "←".into(),
        Key::Right => "→".into(),
        Key::Menu => "Menu".into(),
        Key::F(number) => format!("F{number}"),
    };
    // Apple's order is Option, Shift, Command; elsewhere Ctrl, Alt, Shift.
    let held = if mac {
        [(chord.mods.alt, "⌥"), (chord.mods.shift, "⇧"), (chord.mods.command, "⌘")]
    } else {
        [(chord.mods.command, "Ctrl+"), (chord.mods.alt, "Alt+"), (chord.mods.shift, "Shift+")]
    };
    held.iter().filter(|(is_held, _)| *is_held).map(|(_, name)| *name).chain([key.as_str()]).collect()
}
