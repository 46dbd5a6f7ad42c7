//! The page's one handle: the editor, the worker, and what is open on the screen.
//!
//! Views read memos made by [`Studio::select`] and send commands; what the editor asks for in return is carried
//! out here. Everything that belongs to the document is in the editor; what is here is only how it is looked at.

use std::collections::{BTreeMap, BTreeSet};

use editor::{Command, Editor, Given, PortRef, RunState, Task, Viewport};
use leptos::prelude::*;
use leptos::task::spawn_local;
use pipeline::{Edit, InPort, NodeId, OutPort, Params, Pipeline, Point, Value};
use protocol::{
    Cancel, Check, ClearCache, Failure, Hello, Kept, Opened, Outputs, Panel, Rerun, Run, RunEvent, RunId, RunReport,
    RunTarget,
};
use schema::ordered::Gather;

use crate::idle::Busy;
use crate::lock::{DocumentLock, Hold};
use crate::parts::{self, Part};
use crate::storage::{self, Record};
use crate::views::splitter::Edge;
use crate::worker_client::{Link, News};
use crate::{compute, dom};

/// Autosave waits this long for the next change.
const SAVE_AFTER_MS: u32 = 250;
/// A worker that does not let a cancellation in within this time is replaced.
const CANCEL_PATIENCE_MS: i32 = 1_500;

/// Which page is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The gallery.
    Start,
    /// The canvas.
    Studio,
    /// Runs.
    Runs,
    /// The sweeps of the open pipeline.
    Sweeps,
}

/// What the recorder of runs hears.
pub enum Heard {
    /// A run begins.
    Began {
        /// Which.
        run: RunId,
        /// Of which document.
        document: String,
        /// What runs.
        pipeline: Pipeline,
    },
    /// Something happened in it.
    Event(RunEvent),
    /// It is over.
    Ended {
        /// Which.
        run: RunId,
        /// How.
        result: Result<RunReport, Failure>,
    },
    /// A trial of a sweep is over.
    Tried(Box<Tried>),
}

/// A trial of a sweep, as its run is recorded.
pub struct Tried {
    /// Of which document.
    pub document: String,
    /// The sweep's id.
    pub sweep: String,
    /// The trial's number, from 0.
    pub number: u32,
    /// What the sweep varies.
    pub base: Pipeline,
    /// With the trial's settings.
    pub pipeline: Pipeline,
    /// How it ran.
    pub report: RunReport,
    /// What the nodes showed that measured it.
    pub shown: Vec<(NodeId, Vec<Panel>)>,
    /// Why it was given up; none if it came through.
    pub given_up: Option<String>,
    /// When it began, in milliseconds since the page was opened.
    pub began_ms: f64,
}

/// Whether the document is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// In this browser.
    Yes,
    /// In a moment.
    Saving,
    /// The browser keeps nothing: why.
    Failed(String),
    /// Another tab writes this document.
    Elsewhere,
}

/// A page of the inspector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InspectorTab {
    /// Parameters.
    Settings,
    /// What came out.
    Output,
    /// What it is.
    Help,
}

/// A page of the dock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DockTab {
    /// Metrics and charts.
    Output,
    /// Rows.
    Data,
    /// What is wrong.
    Problems,
}

/// A page of the palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaletteTab {
    /// What can be placed.
    Components,
    /// What has been placed.
    Outline,
}

/// How a message sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Done.
    Good,
    /// Done, but.
    Warning,
    /// Not done.
    Failed,
}

/// A short message.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    /// Counts up.
    pub id: u32,
    /// How it sounds.
    pub tone: Tone,
    /// What happened.
    pub text: String,
    /// The way out.
    pub help: String,
    /// Offers to undo.
    pub undo: bool,
}

/// The search for components that floats over the canvas.
#[derive(Clone, Debug, PartialEq)]
pub struct QuickAdd {
    /// Where, in the window.
    pub screen: Point,
    /// Where the node goes, in the pipeline.
    pub at: Option<Point>,
    /// What it is to be joined with.
    pub connect: Option<PortRef>,
}

/// A run that waits for the values of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Asking {
    /// How much is to run.
    pub target: RunTarget,
    /// What of that is computed although an earlier result is at hand.
    pub rerun: Rerun,
    /// The parameters that it rests on.
    pub names: Vec<String>,
}

/// The context menu.
#[derive(Clone, Debug, PartialEq)]
pub struct Menu {
    /// Where, in the window.
    pub screen: Point,
    /// Where, in the pipeline.
    pub at: Point,
    /// On which node; on the canvas or an edge otherwise.
    pub node: Option<NodeId>,
    /// On which edge.
    pub edge: Option<InPort>,
}

/// A pipeline that came in a link and waits for a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// As decoded.
    pub pipeline: Pipeline,
    /// Names of files that it needs and that do not travel in it.
    pub files: Vec<String>,
}

/// How large panels are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// The palette's width.
    pub palette: f64,
    /// The inspector's width.
    pub inspector: f64,
    /// The dock's height.
    pub dock: f64,
    /// The palette is shown.
    pub palette_open: bool,
    /// The inspector is shown.
    pub inspector_open: bool,
    /// The dock is shown.
    pub dock_open: bool,
    /// The dock covers the canvas.
    pub dock_large: bool,
}

impl Layout {
    fn restored() -> Self {
        let size = |key: &str, default: f64| {
            storage::setting(key)
                .and_then(|text| text.parse().ok())
                .filter(|size| (80.0..=900.0).contains(size))
                .unwrap_or(default)
        };
        let window = dom::window();
        let height = window.inner_height().ok().and_then(|height| height.as_f64()).unwrap_or(900.0);
        let width = window.inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(1440.0);
        let open = |key: &str| storage::setting(key).as_deref() != Some("false");
        Self {
            palette: size("palette", if width < 1400.0 { 224.0 } else { 248.0 }),
            inspector: size("inspector", if width < 1400.0 { 288.0 } else { 312.0 }),
            dock: size("dock", if height < 800.0 { 236.0 } else { 280.0 }),
            palette_open: open("palette-open"),
            inspector_open: open("inspector-open"),
            dock_open: open("dock-open"),
            dock_large: false,
        }
    }

    fn keep(&self) {
        storage::set_setting("palette", &self.palette.to_string());
        storage::set_setting("inspector", &self.inspector.to_string());
        storage::set_setting("dock", &self.dock.to_string());
        storage::set_setting("palette-open", &self.palette_open.to_string());
        storage::set_setting("inspector-open", &self.inspector_open.to_string());
        storage::set_setting("dock-open", &self.dock_open.to_string());
    }

    /// The size of a panel.
    pub fn size(&self, edge: Edge) -> f64 {
        match edge {
            Edge::Palette => self.palette,
            Edge::Inspector => self.inspector,
            Edge::Dock => self.dock,
        }
    }

    /// Sets the size of a panel.
    pub fn set_size(&mut self, edge: Edge, size: f64) {
        match edge {
            Edge::Palette => self.palette = size,
            Edge::Inspector => self.inspector = size,
            Edge::Dock => self.dock = size,
        }
    }
}

/// The handle. Copies lead to the same studio.
#[derive(Clone, Copy)]
pub struct Studio {
    editor: StoredValue<Editor, LocalStorage>,
    lock: StoredValue<Option<DocumentLock>, LocalStorage>,
    save_timer: StoredValue<Option<(gloo::timers::callback::Timeout, Busy)>, LocalStorage>,
    fitted: StoredValue<Viewport, LocalStorage>,
    is_new: StoredValue<bool, LocalStorage>,
    /// The values that were given for runs of other documents in this session.
    given: StoredValue<BTreeMap<String, Given>, LocalStorage>,
    on_frame: StoredValue<Option<Box<dyn Fn()>>, LocalStorage>,
    /// When, and what: waiting for the recorder of runs.
    heard: StoredValue<Vec<(f64, Heard)>, LocalStorage>,
    on_heard: StoredValue<Option<Box<dyn Fn()>>, LocalStorage>,
    /// Counts up with every change of the editor that views may show.
    changed: RwSignal<u64>,
    /// The way to the engine.
    pub link: Link,
    /// What shows results; fetched after the first paint.
    pub viewers: Part,
    /// The settings of what is selected; fetched after the first paint.
    pub inspector: Part,
    /// What floats over the page; fetched after the first paint.
    pub overlays: Part,
    /// The page of sweeps; fetched when it is first shown.
    pub sweeps: Part,
    /// The list of runs; fetched after the first paint.
    pub runs: Part,
    /// Version of the engine.
    pub engine: RwSignal<String>,
    /// The node whose settings and results are shown.
    pub focused: Memo<Option<NodeId>>,
    /// Which page is open.
    pub page: RwSignal<Page>,
    /// Names the document within this browser.
    pub document: RwSignal<String>,
    /// Whether it is safe.
    pub saved: RwSignal<Saved>,
    /// Every document of this browser.
    pub records: RwSignal<Vec<Record>>,
    /// Bytes used and allowed.
    pub estimate: RwSignal<Option<(f64, f64)>>,
    /// A file of this session is only in the engine's memory, so no other worker can read it.
    pub has_unkept_files: RwSignal<bool>,
    /// What the engine keeps of results.
    pub kept: RwSignal<Kept>,
    /// Why this browser keeps nothing.
    pub storage_problem: RwSignal<Option<String>>,
    /// Why the engine was replaced, until the user has read it.
    pub engine_problem: RwSignal<Option<Failure>>,
    /// A pipeline out of a link.
    pub offer: RwSignal<Option<Offer>>,
    /// A link that does not decode.
    pub link_problem: RwSignal<Option<String>>,
    /// Messages on the screen.
    pub toasts: RwSignal<Vec<Toast>>,
    /// What screen readers hear.
    pub announcement: RwSignal<String>,
    /// The search over the canvas.
    pub quick_add: RwSignal<Option<QuickAdd>>,
    /// A run that waits for the values of parameters.
    pub asking: RwSignal<Option<Asking>>,
    /// The context menu.
    pub menu: RwSignal<Option<Menu>>,
    /// The node whose title is being typed.
    pub renaming: RwSignal<Option<NodeId>>,
    /// A suggested next step: a sentence, the component, the port it joins.
    pub suggestion: RwSignal<Option<(NodeId, &'static str)>>,
    /// The inspector's page.
    pub inspector_tab: RwSignal<InspectorTab>,
    /// The dock's page.
    pub dock_tab: RwSignal<DockTab>,
    /// The palette's page.
    pub palette_tab: RwSignal<PaletteTab>,
    /// How large panels are.
    pub layout: RwSignal<Layout>,
    /// `system`, `light` or `dark`.
    pub theme: RwSignal<&'static str>,
}

impl Studio {
    /// Starts the worker and asks it for its catalogue.
    pub fn start() -> Self {
        let editor = StoredValue::new_local(Editor::new(Pipeline::new("Untitled pipeline")));
        let changed = RwSignal::new(0);
        let focused = Memo::new(move |_| {
            changed.track();
            editor.with_value(|editor| {
                let only = (editor.selection().len() == 1).then(|| editor.selection().first().cloned()).flatten();
                only.or_else(|| editor.focused().filter(|_| !editor.selection().is_empty()).cloned())
            })
        });
        let theme = match storage::setting("theme").as_deref() {
            Some("light") => "light",
            Some("dark") => "dark",
            _ => "system",
        };
        let studio = Self {
            editor,
            lock: StoredValue::new_local(None),
            save_timer: StoredValue::new_local(None),
            fitted: StoredValue::new_local(Viewport::default()),
            is_new: StoredValue::new_local(false),
            given: StoredValue::new_local(BTreeMap::new()),
            on_frame: StoredValue::new_local(None),
            heard: StoredValue::new_local(Vec::new()),
            on_heard: StoredValue::new_local(None),
            changed,
            link: Link::start(),
            viewers: Part::viewers(),
            inspector: Part::inspector(),
            overlays: Part::overlays(),
            sweeps: Part::sweeps(),
            runs: Part::runs(),
            engine: RwSignal::new(String::new()),
            focused,
            page: RwSignal::new(Page::Start),
            document: RwSignal::new(String::new()),
            saved: RwSignal::new(Saved::Yes),
            records: RwSignal::new(Vec::new()),
            estimate: RwSignal::new(None),
            has_unkept_files: RwSignal::new(false),
            kept: RwSignal::new(Kept::default()),
            storage_problem: RwSignal::new(None),
            engine_problem: RwSignal::new(None),
            offer: RwSignal::new(None),
            link_problem: RwSignal::new(None),
            toasts: RwSignal::new(Vec::new()),
            announcement: RwSignal::new(String::new()),
            quick_add: RwSignal::new(None),
            asking: RwSignal::new(None),
            menu: RwSignal::new(None),
            renaming: RwSignal::new(None),
            suggestion: RwSignal::new(None),
            inspector_tab: RwSignal::new(InspectorTab::Settings),
            dock_tab: RwSignal::new(DockTab::Output),
            palette_tab: RwSignal::new(PaletteTab::Components),
            layout: RwSignal::new(Layout::restored()),
            theme: RwSignal::new(theme),
        };
        studio.link.listen(move |news| match news {
            News::Run(event) => {
                studio.note(Heard::Event(event.clone()));
                studio.send(Command::RunEvent(event));
            }
            News::Replaced(why) => {
                studio.engine_problem.set(Some(why));
                studio.greet();
            }
            News::Lost(why) => studio.engine_problem.set(Some(why)),
        });
        studio.greet();
        studio
    }

    fn greet(self) {
        spawn_local(async move {
            match self.link.call(Hello {}).await {
                Ok(welcome) => {
                    self.weigh();
                    self.editor.update_value(|editor| editor.set_catalogue(welcome.catalogue));
                    self.bump();
                    self.check();
                    self.inspector.fetch();
                    self.overlays.fetch();
                    self.viewers.fetch();
                    parts::fetch_rest();
                    self.engine.set(welcome.version);
                    parts::start_recording(self);
                }
                Err(failure) => self.engine_problem.set(Some(failure)),
            }
        });
    }

    /// Looks at the editor without being told of changes.
    pub fn with<T>(self, look: impl FnOnce(&Editor) -> T) -> T {
        self.editor.with_value(look)
    }

    /// A memo over the editor.
    pub fn select<T: PartialEq + Send + Sync + 'static>(
        self,
        look: impl Fn(&Editor) -> T + Send + Sync + 'static,
    ) -> Memo<T> {
        Memo::new(move |_| {
            self.changed.track();
            self.editor.with_value(&look)
        })
    }

    /// Sends a command that views may show the outcome of.
    pub fn send(self, command: Command) {
        let tasks = self.apply(command);
        self.bump();
        self.carry_out(tasks);
    }

    /// Sends a command of a gesture under way: only the canvas shows it, once per frame.
    pub fn send_gesture(self, command: Command) {
        let outline = |editor: &Editor| {
            (
                editor.revision(),
                editor.selection().clone(),
                editor.selected_edge().cloned(),
                std::mem::discriminant(editor.gesture()),
            )
        };
        let before = self.with(outline);
        let tasks = self.apply(command);
        if before == self.with(outline) {
            self.invalidate();
        } else {
            self.bump();
        }
        self.carry_out(tasks);
    }

    fn apply(self, command: Command) -> Vec<Task> {
        let mut tasks = Vec::new();
        self.editor.update_value(|editor| tasks = editor.apply(command));
        tasks
    }

    fn bump(self) {
        self.changed.update(|n| *n += 1);
        self.invalidate();
    }

    /// How many times the editor changed so that views may show it.
    pub fn n_changes(self) -> u64 {
        self.changed.get_untracked()
    }

    /// Has the canvas drawn in the next frame.
    pub fn invalidate(self) {
        self.on_frame.with_value(|on_frame| {
            if let Some(on_frame) = on_frame {
                on_frame();
            }
        });
    }

    /// What `invalidate` calls.
    pub fn set_on_frame(self, on_frame: impl Fn() + 'static) {
        self.on_frame.set_value(Some(Box::new(on_frame)));
    }

    /// Tells the recorder of runs.
    pub fn note(self, what: Heard) {
        self.heard.update_value(|heard| heard.push((dom::now_ms(), what)));
        self.on_heard.with_value(|on_heard| {
            if let Some(on_heard) = on_heard {
                on_heard();
            }
        });
    }

    /// What was heard of runs since the last time, and when, in milliseconds since the page was opened.
    pub fn take_heard(self) -> Vec<(f64, Heard)> {
        self.heard.try_update_value(std::mem::take).unwrap_or_default()
    }

    /// What is called whenever something is heard of a run.
    pub fn set_on_heard(self, on_heard: impl Fn() + 'static) {
        self.on_heard.set_value(Some(Box::new(on_heard)));
    }

    fn carry_out(self, tasks: Vec<Task>) {
        for task in tasks {
            match task {
                Task::Check => self.check(),
                Task::Save => self.save_soon(),
                Task::StartRun { run, pipeline, target, rerun } => {
                    self.suggestion.set(None);
                    let document = self.document.get_untracked();
                    self.note(Heard::Began { run, document, pipeline: pipeline.clone() });
                    spawn_local(async move {
                        let result =
                            self.link.call(Run { run, pipeline, target, rerun, compute: compute::chosen() }).await;
                        self.note(Heard::Ended { run, result: result.clone() });
                        self.send(Command::RunDone { run, result });
                        self.note_headline();
                        self.fit_again();
                        self.weigh();
                    });
                }
                Task::AskValues { target, rerun, names } => {
                    self.asking.set(Some(Asking { target, rerun, names }));
                    self.overlays.then(move || {
                        self.inspector.then(|| {
                            dom::after_render(|| {
                                dom::show_dialog("run-with");
                                dom::focus_later("#run-with-form :is(input, select, textarea, button)");
                            });
                        });
                    });
                }
                Task::CancelRun(run) => self.cancel(run),
                Task::WriteClipboard(text) => spawn_local(async move {
                    if let Err(reason) = dom::copy(&text).await {
                        self.fail(Failure::new(format!("Nothing was copied: {reason}"), ""));
                    }
                }),
                Task::Announce(text) => self.announcement.set(text),
                Task::Refuse(text) => self.toast(Tone::Warning, text, ""),
                Task::FocusNode(node) => {
                    if self.renaming.get_untracked().is_none() {
                        dom::focus_later(format!(".node-card[data-node-id=\"{node}\"]"));
                    }
                }
                Task::OpenSearch { screen, at, connect } => {
                    let corner = dom::by_id("canvas").map(|canvas| canvas.get_bounding_client_rect());
                    let (left, top) = corner.map_or((0.0, 0.0), |corner| (corner.left(), corner.top()));
                    let screen = Point { x: screen.x + left, y: screen.y + top };
                    self.quick_add.set(Some(QuickAdd { screen, at: Some(at), connect }));
                }
                Task::OpenInspector(_) => {
                    self.change_layout(|layout| layout.inspector_open = true);
                    self.inspector_tab.set(InspectorTab::Settings);
                    dom::focus_later("#inspector-page input, #inspector-page select, #inspector-page button");
                }
                Task::PasteTable { text, at } => {
                    let params = Params::from([("table".to_owned(), Value::Text(text))]);
                    let params = self.with(|editor| {
                        let grid = editor.catalogue().get("data.enter-data").and_then(|spec| {
                            spec.params.iter().find(|param| matches!(param.kind, pipeline::ParamKind::Grid))
                        });
                        let value = params.into_values().next().unwrap_or(Value::None);
                        grid.map_or_else(Params::new, |param| Params::from([(param.name.clone(), value)]))
                    });
                    self.send(Command::AddComponent { component: "data.enter-data".into(), at, connect: None, params });
                }
            }
        }
    }

    fn check(self) {
        let (revision, pipeline) = self.with(|editor| (editor.revision(), editor.as_given()));
        spawn_local(async move {
            // A check that fails says so with the run that follows; the document is shown as it is.
            if let Ok(checked) = self.link.call(Check { pipeline }).await {
                self.send(Command::Checked { revision, checked });
            }
        });
    }

    /// Asks how much is kept of results.
    fn weigh(self) {
        spawn_local(async move {
            self.kept.set(self.link.call(Outputs {}).await.unwrap_or_default());
        });
    }

    /// Forgets results, of one node or all, so that the next run computes them again.
    pub fn clear_results(self, node: Option<NodeId>) {
        if self.with(|editor| *editor.run_state() != RunState::Idle) {
            self.toast(Tone::Warning, "A run is under way: stop it first, or wait for it", "");
            return;
        }
        let text = if node.is_some() { "Result cleared" } else { "Results cleared" };
        spawn_local(async move {
            match self.link.call(ClearCache { node: node.clone() }).await {
                Ok(()) => {
                    self.send(Command::Cleared(node));
                    self.toast(Tone::Good, text, "The next run computes them again.");
                    self.weigh();
                }
                Err(failure) => self.fail(failure),
            }
        });
    }

    fn cancel(self, run: RunId) {
        spawn_local(async move {
            // The answer is not needed: either the run ends, or the worker is replaced below.
            let _ = self.link.call(Cancel { run }).await;
        });
        let waiting = Busy::begin();
        spawn_local(async move {
            dom::sleep(CANCEL_PATIENCE_MS).await;
            let still_runs =
                self.with(|editor| matches!(editor.run_state(), RunState::Running { run: now, .. } if *now == run));
            if still_runs {
                self.link.replace(Failure::new(
                    "the step under way could not be interrupted, so the engine was restarted",
                    "Your pipeline is unharmed; results are computed again with the next run.",
                ));
            }
            drop(waiting);
        });
    }

    // The document

    /// Stores the document in a moment; changes until then go with it.
    fn save_soon(self) {
        if self.page.get_untracked() == Page::Start || self.saved.get_untracked() == Saved::Elsewhere {
            return;
        }
        self.saved.set(Saved::Saving);
        let busy = Busy::begin();
        let timer = gloo::timers::callback::Timeout::new(SAVE_AFTER_MS, move || self.save_now());
        self.save_timer.update_value(|waiting| {
            if let Some((timer, _)) = waiting.replace((timer, busy)) {
                timer.cancel();
            }
        });
    }

    /// Stores the document.
    pub fn save_now(self) {
        // Whatever comes of it, nothing waits for the timer any more.
        let waiting = self.save_timer.try_update_value(Option::take).flatten();
        let id = self.document.get_untracked();
        if id.is_empty() || self.saved.get_untracked() == Saved::Elsewhere {
            return;
        }
        let (revision, text, record) = self.with(|editor| {
            let record = Record {
                id,
                name: editor.pipeline().name().to_owned(),
                n_nodes: editor.pipeline().nodes().len(),
                headline: headline(editor),
                texts: Vec::new(),
            };
            (editor.revision(), pipeline::to_json(editor.pipeline()), record)
        });
        let busy = Busy::begin();
        drop(waiting);
        spawn_local(async move {
            match storage::save(record, text).await {
                Ok(()) => {
                    self.storage_problem.set(None);
                    self.send(Command::Saved { revision });
                    if self.with(Editor::revision) == revision && self.saved.get_untracked() != Saved::Elsewhere {
                        self.saved.set(Saved::Yes);
                    }
                }
                Err(reason) => {
                    self.saved.set(Saved::Failed(reason.clone()));
                    self.storage_problem.set(Some(reason));
                }
            }
            drop(busy);
        });
    }

    /// Stores now what would be stored in a moment.
    pub fn save_if_waiting(self) {
        if self.save_timer.with_value(Option::is_some) {
            self.save_now();
        }
    }

    fn note_headline(self) {
        if self.with(|editor| !headline(editor).is_empty()) {
            self.save_soon();
        }
    }

    /// Opens a pipeline as a document of its own.
    pub fn open_new(self, pipeline: Pipeline) {
        let is_unplaced = pipeline.is_unplaced();
        self.enter(new_id(), pipeline, false);
        if is_unplaced {
            self.send(Command::Tidy);
        }
        self.save_soon();
        spawn_local(storage::persist());
    }

    fn enter(self, id: String, pipeline: Pipeline, take_over: bool) {
        self.save_if_waiting();
        self.suggestion.set(None);
        self.quick_add.set(None);
        self.menu.set(None);
        self.saved.set(Saved::Yes);
        let before = self.document.get_untracked();
        self.document.set(id.clone());
        storage::set_setting("document", &id);
        self.page.set(Page::Studio);
        spawn_local(async move {
            // An engine that does not answer has nothing to forget either.
            let _ = self.link.call(Opened {}).await;
            self.weigh();
        });
        let left = self.with(|editor| editor.given().clone());
        let mut tasks = self.apply(Command::Open(pipeline));
        self.given.update_value(|given| {
            given.insert(before, left);
            let values = given.get(&id).cloned().unwrap_or_default();
            self.editor.update_value(|editor| editor.give(values));
        });
        // It is what is stored, or its opener saves it. Before the lock has answered, another tab may be its writer.
        tasks.retain(|task| *task != Task::Save);
        self.bump();
        self.carry_out(tasks);
        let (of, heard_of) = (id.clone(), self);
        let lock = DocumentLock::request(&id, take_over, move |hold| {
            if heard_of.document.get_untracked() == of {
                match hold {
                    Hold::Ours if heard_of.saved.get_untracked() == Saved::Elsewhere => heard_of.saved.set(Saved::Yes),
                    Hold::Ours => {}
                    Hold::Theirs => heard_of.saved.set(Saved::Elsewhere),
                }
            }
        });
        self.lock.set_value(Some(lock));
        self.set_hash(&format!("#d={id}"));
        self.is_new.set_value(true);
        dom::after_render(move || self.fit_if_new());
        // The canvas comes in the task after this.
        dom::after_render(|| dom::focus_later("#canvas"));
    }

    /// Shows all of a document that has just been opened, as soon as the canvas knows its size.
    pub fn fit_if_new(self) {
        if self.is_new.get_value() && self.with(|editor| editor.size().width > 0.0) {
            self.is_new.set_value(false);
            self.fit();
        }
    }

    fn fit(self) {
        self.send(Command::Fit(editor::Fit::All));
        self.fitted.set_value(self.with(Editor::viewport));
    }

    /// Results make cards grow. Whoever has not chosen a view of their own sees them all.
    fn fit_again(self) {
        if self.fitted.with_value(|fitted| *fitted == self.with(Editor::viewport)) {
            self.fit();
        }
    }

    /// Opens a stored document.
    pub fn open_stored(self, id: String) {
        self.open_from_storage(id, false);
    }

    /// Makes this tab the writer of the open document, as the other tab left it.
    pub fn take_over(self) {
        self.open_from_storage(self.document.get_untracked(), true);
    }

    fn open_from_storage(self, id: String, take_over: bool) {
        let busy = Busy::begin();
        spawn_local(async move {
            match storage::load(&id).await {
                Ok(Some(record)) => {
                    let newest = record.texts.first().map(|snapshot| snapshot.at);
                    let found = record.texts.iter().filter(|snapshot| snapshot.is_whole()).find_map(|snapshot| {
                        pipeline::from_json(&snapshot.text).ok().map(|pipeline| (pipeline, snapshot.at))
                    });
                    match found {
                        Some((pipeline, at)) => {
                            if Some(at) != newest {
                                self.toast(
                                    Tone::Warning,
                                    "The last save was cut off, so an earlier one was opened",
                                    "",
                                );
                            }
                            self.enter(id, pipeline, take_over);
                        }
                        None => self.fail(Failure::new(
                            format!("{} cannot be read any more", record.name),
                            "None of its three saved versions is whole. If you saved it as a file, open that.",
                        )),
                    }
                }
                Ok(None) => {
                    self.page.set(Page::Start);
                    self.toast(Tone::Warning, "That pipeline is not in this browser any more", "");
                }
                Err(reason) => self.storage_problem.set(Some(reason)),
            }
            drop(busy);
        });
    }

    /// Opens a copy of the open document.
    pub fn make_copy(self) {
        let mut pipeline = self.with(|editor| editor.pipeline().clone());
        let name = format!("{} (copy)", pipeline.name());
        if pipeline.apply(Edit::SetName(name)).is_ok() {
            self.open_new(pipeline);
        }
    }

    /// The runs.
    pub fn show_runs(self) {
        self.page.set(Page::Runs);
    }

    /// The sweeps of the open document.
    pub fn show_sweeps(self) {
        self.page.set(Page::Sweeps);
    }

    /// From another page to the canvas, with the document that was open last.
    pub fn show_design(self) {
        let id = self.document.get_untracked();
        if !id.is_empty() {
            self.set_hash(&format!("#d={id}"));
            self.page.set(Page::Studio);
        } else if let Some(id) = storage::setting("document") {
            self.open_stored(id);
        } else {
            self.leave();
        }
    }

    /// Back to the gallery.
    pub fn leave(self) {
        self.save_if_waiting();
        self.page.set(Page::Start);
        self.lock.set_value(None);
        self.document.set(String::new());
        self.set_hash("");
        self.refresh_records();
    }

    /// Reads what this browser keeps.
    pub fn refresh_records(self) {
        let busy = Busy::begin();
        spawn_local(async move {
            match storage::list().await {
                Ok(records) => self.records.set(records),
                Err(reason) => self.storage_problem.set(Some(reason)),
            }
            self.estimate.set(storage::estimate().await);
            drop(busy);
        });
    }

    /// Forgets a stored document.
    pub fn forget(self, id: String) {
        spawn_local(async move {
            match storage::remove(&id).await {
                Ok(()) => self.toast(Tone::Good, "Pipeline deleted", ""),
                Err(reason) => self.storage_problem.set(Some(reason)),
            }
            self.refresh_records();
        });
    }

    /// Replaces what is behind the address.
    pub fn set_hash(self, hash: &str) {
        let location = dom::window().location();
        let address =
            format!("{}{}{hash}", location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
        if let Ok(history) = dom::window().history() {
            // The address is a convenience; nothing depends on it.
            let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address));
        }
    }

    /// What the address asks for: a link's pipeline, or a stored document.
    pub fn follow_address(self) {
        let hash = dom::window().location().hash().unwrap_or_default();
        if hash.starts_with("#p=") {
            self.refresh_records();
            let busy = Busy::begin();
            spawn_local(async move {
                match parts::from_link(hash).await {
                    Ok(Ok(pipeline)) => self.offer.set(Some(Offer { files: needed_files(&pipeline), pipeline })),
                    Ok(Err(error)) => self.link_problem.set(Some(error.to_string())),
                    // The address keeps the link, so that a reload can try again.
                    Err(failure) => {
                        self.link_problem.set(Some(format!("{}. {}", failure.message, failure.help)));
                        return;
                    }
                }
                self.set_hash("");
                drop(busy);
            });
        } else if hash.starts_with("#runs") {
            self.page.set(Page::Runs);
        } else if let Some(id) = hash.strip_prefix("#d=") {
            self.open_stored(id.to_owned());
        } else {
            self.refresh_records();
        }
    }

    // Shorthands for views

    /// Sets a parameter.
    pub fn set_param(self, node: &NodeId, name: &str, value: Option<Value>) {
        self.send(Command::SetParam { node: node.clone(), name: name.into(), value });
    }

    /// Sets the pipeline's seed.
    pub fn set_seed(self, seed: u64) {
        self.send(Command::SetSeed(seed));
    }

    /// Takes the last step back.
    pub fn undo(self) {
        self.send(Command::Undo);
    }

    /// Places a component beneath the selection.
    pub fn add(self, component: &str, at: Option<Point>, connect: Option<PortRef>) {
        self.send(Command::AddComponent { component: component.into(), at, connect, params: Params::new() });
    }

    /// Goes to a node.
    pub fn go_to(self, node: &NodeId) {
        self.send(Command::Select(node.clone()));
        self.send(Command::Reveal(node.clone()));
    }

    /// Shows an output in the dock.
    pub fn open_output(self, output: &OutPort) {
        self.change_layout(|layout| layout.dock_open = true);
        self.go_to(&output.node);
        let is_table = self.with(|editor| {
            let port = editor::port_type(editor.pipeline(), editor.catalogue(), &PortRef::Out(output.clone()));
            port == Some(pipeline::PortType::Table)
        });
        self.dock_tab.set(if is_table { DockTab::Data } else { DockTab::Output });
    }

    /// Changes the panels and remembers it.
    pub fn change_layout(self, change: impl FnOnce(&mut Layout)) {
        self.layout.update(change);
        self.layout.with_untracked(Layout::keep);
        dom::after_render(move || self.invalidate());
    }

    /// Shows a message for a few seconds; failures stay longer.
    pub fn toast(self, tone: Tone, text: impl Into<String>, help: impl Into<String>) {
        self.push_toast(Toast { id: 0, tone, text: text.into(), help: help.into(), undo: false });
    }

    fn push_toast(self, mut toast: Toast) {
        let id = self.toasts.with_untracked(|toasts| toasts.last().map_or(1, |toast| toast.id + 1));
        toast.id = id;
        self.announcement.set(format!("{} {}", toast.text, toast.help));
        let stay_ms = if toast.tone == Tone::Good { 4_000 } else { 9_000 };
        self.toasts.update(|toasts| {
            toasts.retain(|other| other.text != toast.text);
            toasts.push(toast);
            let excess = toasts.len().saturating_sub(3);
            toasts.drain(..excess);
        });
        gloo::timers::callback::Timeout::new(stay_ms, move || self.drop_toast(id)).forget();
    }

    /// Takes a message away.
    pub fn drop_toast(self, id: u32) {
        self.toasts.update(|toasts| toasts.retain(|toast| toast.id != id));
    }

    /// Shows a failure with its way out.
    pub fn fail(self, failure: Failure) {
        self.toast(Tone::Failed, failure.message, failure.help);
    }

    // Files

    /// Puts a file into a node's parameter, or into the draft of a run's.
    pub fn load_file(self, file: web_sys::File, node: NodeId, param: String, draft: Option<RwSignal<Value>>) {
        spawn_local(async move {
            match (self.file_value(file).await, draft) {
                (Some(value), Some(draft)) => draft.set(value),
                (Some(value), None) => {
                    self.set_param(&node, &param, Some(value));
                    self.send(Command::RunTo(node));
                }
                (None, _) => {}
            }
        });
    }

    /// Takes a file into the workspace; what goes wrong is shown.
    async fn file_value(self, file: web_sys::File) -> Option<Value> {
        match self.link.add_file(file).await {
            Ok(added) => {
                if let Some(warning) = added.warning {
                    self.has_unkept_files.set(true);
                    self.toast(Tone::Warning, warning, "");
                }
                Some(Value::File(added.file))
            }
            Err(failure) => {
                self.fail(failure);
                None
            }
        }
    }

    /// Takes a dropped or chosen file in: a pipeline is opened, a table becomes an Import node and is read at once.
    pub fn take_file(self, file: web_sys::File, at: Option<Point>) {
        let name = file.name();
        let lower = name.to_lowercase();
        spawn_local(async move {
            if lower.ends_with(".json") || lower.ends_with(".millrace") {
                let text =
                    wasm_bindgen_futures::JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
                // A JSON file may be a pipeline or a table; only the first has nodes.
                if let Some(text) = text.filter(|text| file.size() < 20e6 && text.contains("\"nodes\"")) {
                    match pipeline::from_json(&text) {
                        Ok(pipeline) => self.open_new(pipeline),
                        Err(error) => self.fail(Failure::new(format!("{name} is no pipeline: {error}"), "")),
                    }
                    return;
                }
            }
            if self.page.get_untracked() == Page::Start {
                let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
                self.open_new(Pipeline::new(stem));
            }
            if let Some(value) = self.file_value(file).await {
                self.import(value, at);
            }
        });
    }

    fn import(self, file: Value, at: Option<Point>) {
        const IMPORT: &str = "data.import-file";
        let param = self.with(|editor| {
            let spec = editor.catalogue().get(IMPORT)?;
            spec.params
                .iter()
                .find(|param| matches!(param.kind, pipeline::ParamKind::File { .. }))
                .map(|param| param.name.clone())
        });
        let Some(param) = param else {
            self.fail(Failure::new("the engine is not ready yet", "Drop the file again in a moment."));
            return;
        };
        self.send(Command::ClearSelection);
        let before: Vec<NodeId> = self.with(|editor| editor.pipeline().nodes().keys().cloned().collect());
        self.send(Command::AddComponent {
            component: IMPORT.into(),
            at,
            connect: None,
            params: Params::from([(param, file)]),
        });
        let placed = self.with(|editor| editor.pipeline().nodes().keys().find(|id| !before.contains(id)).cloned());
        let Some(node) = placed else { return };
        self.send(Command::Reveal(node.clone()));
        // The node, its rows and its run come in a task each, so that none keeps the page busy for long.
        let busy = Busy::begin();
        dom::after_render(move || {
            self.dock_tab.set(DockTab::Data);
            self.change_layout(|layout| layout.dock_open = true);
            dom::after_render(move || {
                if self.with(|editor| editor.pipeline().node(&node).is_some()) {
                    self.send(Command::RunTo(node.clone()));
                    self.suggestion.set(Some((node, "split.split-data")));
                }
                drop(busy);
            });
        });
    }

    /// Hands the pipeline to the user as a file.
    pub fn save_file(self) {
        let (name, text) =
            self.with(|editor| (editor.pipeline().name().to_owned(), pipeline::to_json(editor.pipeline())));
        let stem: String =
            name.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
        let stem = stem.trim_matches('-');
        dom::download(
            &format!("{}.json", if stem.is_empty() { "pipeline" } else { stem }),
            "application/json",
            text.as_bytes(),
        );
        self.toast(Tone::Good, "Pipeline saved as a file", "");
    }

    /// Switches the theme.
    pub fn set_theme(self, theme: &'static str) {
        self.theme.set(theme);
        storage::set_setting("theme", theme);
        self.apply_theme();
    }

    /// Writes the theme where the style sheet looks for it.
    pub fn apply_theme(self) {
        let theme = self.theme.get_untracked();
        if let Some(root) = dom::document().document_element() {
            // Attributes with fixed, valid names are always set.
            let _ = if theme == "system" {
                root.remove_attribute("data-theme")
            } else {
                root.set_attribute("data-theme", theme)
            };
        }
        dom::after_render(move || self.bump());
    }
}

/// The headline of the last node that has one, for the list of recent pipelines.
fn headline(editor: &Editor) -> String {
    editor
        .pipeline()
        .topological_order()
        .iter()
        .rev()
        .filter_map(|node| editor.status(node).report.as_ref().and_then(|report| report.face.as_ref()))
        .find_map(|face| match face {
            protocol::Face::Headline(text, _) => Some(text.clone()),
            _ => None,
        })
        .unwrap_or_default()
}

/// Names of the files that a pipeline needs and does not carry.
pub fn needed_files(pipeline: &Pipeline) -> Vec<String> {
    let names: BTreeSet<_> = pipeline
        .nodes()
        .values()
        .flat_map(|node| node.params.values())
        .filter_map(|value| match value {
            Value::File(file) if file.inline.is_none() => Some(file.name.clone()),
            _ => None,
        })
        .gather();
    names.into_iter().collect()
}

fn new_id() -> String {
    format!("{:x}-{:x}", dom::date_ms() as u64, (js_sys::Math::random() * 1e9) as u64)
}
