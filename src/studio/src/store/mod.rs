//! The page's one handle: the editor, the worker, and what is open on the screen.
//!
//! Views read memos made by [`Studio::select`] and send commands; what the editor asks for in return is carried
//! out here. Everything that belongs to the document is in the editor; what is here is only how it is looked at.

mod documents;
mod files;
mod heard;
mod screen;

use std::collections::BTreeMap;

use editor::{Command, Editor, Given, PortRef, RunState, Task, Viewport};
use leptos::prelude::*;
use leptos::task::spawn_local;
use pipeline::{NodeId, Params, Pipeline, Point, Value};
use protocol::{Cancel, Check, ClearCache, Failure, Hello, Kept, Motion, Outputs, Run, RunId, SetMotion};

use crate::idle::Busy;
use crate::lock::DocumentLock;
use crate::parts::{self, Part};
use crate::storage::{self, Record};
use crate::worker_client::{Link, News};
use crate::{compute, dom};

pub use documents::Saved;
pub use files::needed_files;
pub use heard::{Heard, Tried, Turn};
pub use screen::{Asking, DockTab, InspectorTab, Layout, Menu, Offer, Page, PaletteTab, QuickAdd, Toast, Tone};

/// A worker that does not let a cancellation in within this time is replaced.
const CANCEL_PATIENCE_MS: i32 = 1_500;

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
    /// What is registered; fetched when it is first shown.
    pub models: Part,
    /// How endpoints serve; fetched when it is first shown.
    pub monitor: Part,
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
    /// A newer build of the studio waits to take over.
    pub has_update: RwSignal<bool>,
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
    /// How many workers compute a run.
    pub n_workers: RwSignal<u32>,
    /// How the run under way moves.
    pub motion: RwSignal<Motion>,
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
            models: Part::models(),
            monitor: Part::monitor(),
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
            has_update: RwSignal::new(false),
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
            n_workers: RwSignal::new(compute::chosen()),
            motion: RwSignal::new(Motion::Free),
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
                    parts::keep_offline(self);
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

    fn carry_out(self, tasks: Vec<Task>) {
        for task in tasks {
            match task {
                Task::Check => self.check(),
                Task::Save => self.save_soon(),
                Task::StartRun { run, pipeline, target, rerun } => {
                    self.suggestion.set(None);
                    self.motion.set(Motion::Free);
                    let document = self.document.get_untracked();
                    self.note(Heard::Began { run, document, pipeline: pipeline.clone() });
                    let compute = compute::with_workers(self.n_workers.get_untracked());
                    spawn_local(async move {
                        let result = self.link.call(Run { run, pipeline, target, rerun, compute }).await;
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

    /// Holds the run under way, or lets it go on.
    pub fn move_run(self, motion: Motion) {
        self.motion.set(motion);
        spawn_local(async move {
            // Without an answer the worker is gone, and the run with it.
            let _ = self.link.call(SetMotion { motion }).await;
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

    /// Sets a parameter.
    pub fn set_param(self, node: &NodeId, name: &str, value: Option<Value>) {
        self.send(Command::SetParam { node: node.clone(), name: name.into(), value });
    }

    /// Has runs computed by so many workers, in this browser from now on.
    pub fn choose_workers(self, n_workers: u32) {
        compute::keep(n_workers);
        self.n_workers.set(n_workers);
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
}
