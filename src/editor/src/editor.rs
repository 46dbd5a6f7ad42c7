//! The editor: the document, what surrounds it, and the one way to change either.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::{Catalogue, Edit, InPort, NodeId, OutPort, Pipeline, Point, Problem, Severity};
use protocol::{Rerun, RunReport};
use schema::Schema;
use schema::ordered::{Gather, sort_by};

use crate::command::{Command, PortRef, Task};
use crate::connect;
use crate::geometry::{CARD_HEIGHT, Curve, Rect, Size, Viewport, face_height};
use crate::gesture::Gesture;
use crate::history::{History, Merging, Step};
use crate::pointer::Press;
use crate::runs::Progress;
use crate::scene::{Hit, Scene};
use crate::status::{NodeStatus, RunState};
use crate::values::Given;

/// All of the page's logic for one pipeline. [`Editor::apply`] is the only way to change it.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    pub(crate) pipeline: Pipeline,
    pub(crate) catalogue: Catalogue,
    /// Goes up with every change of the document.
    revision: u64,
    saved_revision: u64,
    /// The revision that `problems` and `schemas` belong to.
    pub(crate) checked_revision: Option<u64>,
    history: History,

    /// Invariant: selected and focused nodes and edges exist. Kept by `forget_missing`, after every command.
    pub(crate) selection: BTreeSet<NodeId>,
    pub(crate) selected_edge: Option<InPort>,
    pub(crate) focused: Option<NodeId>,
    pub(crate) focused_port: Option<PortRef>,

    pub(crate) statuses: BTreeMap<NodeId, NodeStatus>,
    pub(crate) run: RunState,
    pub(crate) progress: Progress,
    pub(crate) last_report: Option<RunReport>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) given: Given,
    pub(crate) is_quiet: bool,
    pub(crate) schemas: BTreeMap<OutPort, Schema>,

    pub(crate) viewport: Viewport,
    pub(crate) size: Size,
    heights: BTreeMap<NodeId, f64>,
    pub(crate) gesture: Gesture,
    pub(crate) press: Option<Press>,
    pub(crate) holds_pan: bool,
    /// Invariant: the shapes of `pipeline` as it is. Kept by `refresh`, after every command.
    pub(crate) scene: Scene,
    scene_is_old: bool,
}

/// How much around the view is kept ready on each side, as a share of it.
pub const MARGIN: f64 = 0.25;

static NO_STATUS: NodeStatus = NodeStatus { state: crate::status::NodeState::Idle, why: String::new(), report: None };

impl Editor {
    /// An editor of this pipeline. Until [`Editor::set_catalogue`] every node is a placeholder.
    pub fn new(pipeline: Pipeline) -> Self {
        let mut editor = Self { pipeline, scene_is_old: true, ..Self::default() };
        editor.refresh();
        editor
    }

    /// The components there are; known once the worker has said so.
    pub fn set_catalogue(&mut self, catalogue: Catalogue) {
        self.catalogue = catalogue;
        self.problems = pipeline::check(&self.pipeline, &self.catalogue);
        self.scene_is_old = true;
        self.refresh();
    }

    /// Does what is asked, and tells what is to be done outside.
    pub fn apply(&mut self, command: Command) -> Vec<Task> {
        let mut tasks = Vec::new();
        let revision = self.revision;
        self.dispatch(command, &mut tasks);
        self.forget_missing();
        self.refresh();
        if self.revision != revision {
            self.problems = pipeline::check(&self.pipeline, &self.catalogue);
            tasks.push(Task::Check);
            tasks.push(Task::Save);
        }
        tasks
    }

    fn dispatch(&mut self, command: Command, tasks: &mut Vec<Task>) {
        match command {
            Command::Open(pipeline) => self.open(pipeline, tasks),
            Command::Edit(edit) => {
                let label = self.describe(&edit);
                self.edit(edit, &label, None, tasks);
            }
            Command::Undo => self.undo(tasks),
            Command::Redo => self.redo(tasks),
            Command::SetParam { node, name, value } => self.set_param(node, name, value, tasks),
            Command::MakeParameter(node, param) => self.make_parameter(node, param, tasks),
            Command::AskBeforeRuns(asks) => self.is_quiet = !asks,
            Command::EndEdit => self.history.close(),
            Command::Rename { node, title } => self.rename(node, &title, tasks),
            Command::SetName(name) => {
                if name != self.pipeline.name() {
                    self.edit(Edit::SetName(name), "Rename pipeline", Some(Merging::Name), tasks);
                }
            }
            Command::SetSeed(seed) => {
                if seed != self.pipeline.seed() {
                    self.edit(Edit::SetSeed(seed), "Set seed", Some(Merging::Seed), tasks);
                }
            }

            Command::Select(node) => self.select_one(node),
            Command::SelectNodes(nodes, merge) => self.select_nodes(nodes, merge),
            Command::SelectEdge(input) => self.select_edge(input),
            Command::SelectAll => self.select_all(tasks),
            Command::ClearSelection => self.clear_selection(),
            Command::SelectBox { area, merge, whole } => {
                let nodes = self.nodes_in_box(&area, whole);
                self.select_nodes(nodes, merge);
                self.announce_selection(tasks);
            }
            Command::SelectRelated(relation) => self.select_related(relation, tasks),
            Command::ToggleFocused => self.toggle_focused(tasks),
            Command::Focus(node) => self.focus(node),
            Command::Navigate { direction, extend } => self.navigate(direction, extend, tasks),

            Command::Delete => self.delete(false, tasks),
            Command::DeleteAndReconnect => self.delete(true, tasks),
            Command::Copy => self.copy(tasks),
            Command::Cut => self.cut(tasks),
            Command::Paste { text, at, keep_incoming } => self.paste(text, at, keep_incoming, tasks),
            Command::Duplicate => self.duplicate(tasks),
            Command::AddComponent { component, at, connect, params } => {
                self.add_component(&component, at, connect.as_ref(), params, tasks);
            }
            Command::Connect { from, to } => self.connect(from, to, tasks),
            Command::Disconnect(input) => self.disconnect(input, tasks),
            Command::ConnectSelected => self.connect_selected(tasks),
            Command::DisconnectSelected => self.disconnect_selected(tasks),
            Command::MoveSelection { dx, dy } => self.move_selection(dx, dy, tasks),
            Command::MoveTo { node, position } => self.move_to(node, position, tasks),
            Command::Tidy => self.tidy(tasks),

            Command::PointerDown { at, button, mods, coarse } => self.pointer_down(at, button, mods, coarse, tasks),
            Command::PointerMove { at, mods } => self.pointer_move(at, mods),
            Command::PointerUp { at, mods } => self.pointer_up(at, mods, tasks),
            Command::PointerCancel => self.abort_gesture(),
            Command::DoubleClick { at } => self.double_click(at, tasks),
            Command::Wheel { at, dx, dy, mods } => self.wheel(at, dx, dy, mods),
            Command::HoldPan(held) => self.holds_pan = held,
            Command::StartConnect(port) => self.start_connect_from_keys(port, tasks),
            Command::NextTarget { back } => self.next_target(back, tasks),
            Command::CyclePort => self.cycle_port(tasks),
            Command::Confirm => self.confirm(tasks),
            Command::Escape => self.escape(tasks),

            Command::Resize(size) => self.size = size,
            Command::SetViewport(viewport) => self.set_viewport(viewport),
            Command::Pan { dx, dy } => self.set_viewport(self.viewport.panned(dx, dy)),
            Command::PanPage { pages_x, pages_y } => {
                let (dx, dy) = (pages_x * self.size.width, pages_y * self.size.height);
                self.set_viewport(self.viewport.panned(dx, dy));
            }
            Command::Zoom(zoom) => self.zoom(zoom),
            Command::Fit(what) => self.fit(what),
            Command::Reveal(node) => self.reveal(&node),
            Command::SetCardHeight { node, height } => self.set_card_height(node, height),

            Command::RunAll => self.run_everything(Rerun::Changed, tasks),
            Command::RunTo(node) => self.run_to(vec![node], tasks),
            Command::RunSelection => self.run_selection(tasks),
            Command::RunAllAgain => self.run_everything(Rerun::All, tasks),
            Command::RunFrom(node) => self.run_again(node, true, tasks),
            Command::Regenerate(node) => self.run_again(node, false, tasks),
            Command::RunWith { target, rerun, values } => {
                self.take_values(values);
                self.start_run(target, rerun, false, tasks);
            }
            Command::Cleared(node) => self.cleared(node),
            Command::CancelRun => self.cancel_run(tasks),
            Command::RunEvent(event) => self.run_event(event, tasks),
            Command::RunDone { run, result } => self.run_done(run, result, tasks),
            Command::Checked { revision, checked } => self.checked(revision, checked),
            Command::Saved { revision } => self.saved_revision = self.saved_revision.max(revision.min(self.revision)),
        }
    }

    // What is seen of it.

    /// The document.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The components there are.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Goes up with every change of the document.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether the document has changes that are not stored yet.
    pub fn has_unsaved_changes(&self) -> bool {
        self.saved_revision < self.revision
    }

    /// The selected nodes.
    pub fn selection(&self) -> &BTreeSet<NodeId> {
        &self.selection
    }

    /// The selected edge, by the input that it feeds.
    pub fn selected_edge(&self) -> Option<&InPort> {
        self.selected_edge.as_ref()
    }

    /// The node that has the keyboard's focus within the canvas.
    pub fn focused(&self) -> Option<&NodeId> {
        self.focused.as_ref()
    }

    /// The port of the focused node that Enter would join.
    pub fn focused_port(&self) -> Option<&PortRef> {
        self.focused_port.as_ref()
    }

    /// How far a node has come.
    pub fn status(&self, id: &NodeId) -> &NodeStatus {
        self.statuses.get(id).unwrap_or(&NO_STATUS)
    }

    /// Whether anything runs.
    pub fn run_state(&self) -> &RunState {
        &self.run
    }

    /// The last run that is over.
    pub fn last_report(&self) -> Option<&RunReport> {
        self.last_report.as_ref()
    }

    /// Everything that is wrong with the document.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The problems of one node, the worst first.
    pub fn problems_of(&self, id: &NodeId) -> Vec<&Problem> {
        let mut found: Vec<_> = self.problems.iter().filter(|problem| problem.node.as_ref() == Some(id)).collect();
        sort_by(&mut found, |a, b| a.severity.cmp(&b.severity));
        found
    }

    /// How many problems there are of a severity.
    pub fn n_problems(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|problem| problem.severity == severity).count()
    }

    /// The columns at every table output, as far as they are known.
    pub fn schemas(&self) -> &BTreeMap<OutPort, Schema> {
        &self.schemas
    }

    /// The columns that arrive at an input.
    pub fn schema_at(&self, input: &InPort) -> Option<&Schema> {
        self.schemas.get(self.pipeline.source(input)?)
    }

    /// What flowed along the edge to this input in the last run, such as "120 × 5".
    pub fn edge_label(&self, input: &InPort) -> Option<&str> {
        let from = self.pipeline.source(input)?;
        self.status(&from.node).report.as_ref()?.outputs.get(&from.port).map(String::as_str)
    }

    /// Whether a step can be taken back.
    pub fn can_undo(&self) -> bool {
        self.history.undo_label().is_some()
    }

    /// Whether an undone step can be brought again.
    pub fn can_redo(&self) -> bool {
        self.history.redo_label().is_some()
    }

    /// What undo would take back: "Add Split Data".
    pub fn undo_label(&self) -> Option<&str> {
        self.history.undo_label()
    }

    /// What redo would bring again.
    pub fn redo_label(&self) -> Option<&str> {
        self.history.redo_label()
    }

    /// How many steps can be taken back.
    pub fn n_undo_steps(&self) -> usize {
        self.history.n_behind()
    }

    /// What a node is called: its own name, its component's title, or the component's id.
    pub fn title<'a>(&'a self, id: &'a NodeId) -> &'a str {
        connect::title(&self.pipeline, &self.catalogue, id)
    }

    /// The node's one-line summary: "100 trees · depth 8".
    pub fn caption(&self, id: &NodeId) -> String {
        let found = self.pipeline.node(id).and_then(|node| Some((node, self.catalogue.get(&node.component)?)));
        found.map_or_else(String::new, |(node, spec)| pipeline::caption(spec, node))
    }

    /// Which part of the pipeline is on the screen.
    pub fn viewport(&self) -> Viewport {
        self.viewport
    }

    /// The canvas' size, in the screen.
    pub fn size(&self) -> Size {
        self.size
    }

    /// What the pointer or the keyboard is doing.
    pub fn gesture(&self) -> &Gesture {
        &self.gesture
    }

    /// The shapes of the document. Nodes on the move are where they were; see [`Editor::card_rect`].
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Whether dragging pans.
    pub fn holds_pan(&self) -> bool {
        self.holds_pan
    }

    /// Where a card lies, on the move too.
    pub fn card_rect(&self, id: &NodeId) -> Option<Rect> {
        let rect = self.scene.rect(id)?;
        Some(match self.drag_offset(id) {
            Some((dx, dy)) => rect.moved(dx, dy),
            None => rect,
        })
    }

    /// How far a node on the move is from where the document has it.
    pub fn drag_offset(&self, id: &NodeId) -> Option<(f64, f64)> {
        match &self.gesture {
            Gesture::Move { nodes, dx, dy, .. } if nodes.binary_search(id).is_ok() => Some((*dx, *dy)),
            Gesture::Move { .. }
            | Gesture::Idle
            | Gesture::Pressed { .. }
            | Gesture::Pan { .. }
            | Gesture::Box { .. }
            | Gesture::Connect { .. } => None,
        }
    }

    /// The middle of a port, on the move too.
    pub fn port_point(&self, port: &PortRef) -> Option<Point> {
        let point = self.scene.port(port)?;
        let (dx, dy) = self.drag_offset(port.node()).unwrap_or_default();
        Some(Point { x: point.x + dx, y: point.y + dy })
    }

    /// The way of the edge to this input, on the move too.
    pub fn edge_curve(&self, input: &InPort) -> Option<Curve> {
        let from = self.port_point(&PortRef::Out(self.pipeline.source(input)?.clone()))?;
        Some(Curve::between(from, self.port_point(&PortRef::In(input.clone()))?))
    }

    /// The way of the link in hand.
    pub fn link_in_hand(&self) -> Option<Curve> {
        let Gesture::Connect { from, at, target, .. } = &self.gesture else { return None };
        let loose = target.as_ref().and_then(|port| self.port_point(port)).unwrap_or(*at);
        let fixed = self.port_point(from)?;
        Some(match from {
            PortRef::Out(_) => Curve::between(fixed, loose),
            PortRef::In(_) => Curve::between(loose, fixed),
        })
    }

    /// What is in view, with a quarter of it on every side, in the pipeline: as much as is kept ready to be shown.
    pub fn surroundings(&self) -> Rect {
        let shown = self.viewport.shown(self.size);
        Rect {
            x: shown.x - shown.width * MARGIN,
            y: shown.y - shown.height * MARGIN,
            width: shown.width * (1.0 + 2.0 * MARGIN),
            height: shown.height * (1.0 + 2.0 * MARGIN),
        }
    }

    /// The nodes to be shown: those in the surroundings, and whatever must not vanish (focused, on the move).
    pub fn visible_nodes(&self) -> Vec<NodeId> {
        let mut nodes = self.scene.within(&self.surroundings());
        let kept = self.focused.iter().cloned();
        let moved = match &self.gesture {
            Gesture::Move { nodes, .. } => nodes.clone(),
            Gesture::Idle
            | Gesture::Pressed { .. }
            | Gesture::Pan { .. }
            | Gesture::Box { .. }
            | Gesture::Connect { .. } => Vec::new(),
        };
        nodes.extend(kept.chain(moved));
        nodes.into_iter().gather::<BTreeSet<_>>().into_iter().collect()
    }

    /// What lies under a point in the screen.
    pub fn hit(&self, at_in_screen: Point, coarse: bool) -> Hit {
        let reach = if coarse { 22.0 } else { 12.0 };
        self.scene.hit(self.viewport.pipeline_from_screen(at_in_screen), reach / self.viewport.zoom.max(0.25))
    }

    /// Why two ports cannot be joined; none if they can.
    pub fn refusal(&self, from: &OutPort, to: &InPort) -> Option<String> {
        connect::refusal(&self.pipeline, &self.catalogue, from, to)
    }

    // How it changes.

    /// Applies an edit as one step; says why if it does not apply.
    pub(crate) fn edit(&mut self, edit: Edit, label: &str, merging: Option<Merging>, tasks: &mut Vec<Task>) -> bool {
        let after = self.selection.clone();
        self.edit_selecting(edit, label, merging, after, tasks)
    }

    /// As `edit`, with what is selected afterwards.
    pub(crate) fn edit_selecting(
        &mut self,
        edit: Edit,
        label: &str,
        merging: Option<Merging>,
        after: BTreeSet<NodeId>,
        tasks: &mut Vec<Task>,
    ) -> bool {
        let touched = self.touched(&edit);
        match self.pipeline.apply(edit) {
            Ok(back) => {
                let before = std::mem::replace(&mut self.selection, after.clone());
                self.history.push(Step { edit: back, before, after, label: label.into(), merging });
                self.document_changed(&touched);
                true
            }
            Err(error) => {
                tasks.push(Task::Refuse(sentence(&error.to_string())));
                false
            }
        }
    }

    /// The nodes whose results an edit puts in question.
    fn touched(&self, edit: &Edit) -> BTreeSet<NodeId> {
        match edit {
            Edit::SetParam(id, param, _) => match self.pipeline.binding(id, param) {
                Some(name) => self.bound_nodes(name),
                None => [id.clone()].into_iter().gather(),
            },
            Edit::AddNode(id, _) | Edit::RemoveNode(id) | Edit::ReplaceNode(id, _) | Edit::Bind(id, ..) => {
                [id.clone()].into_iter().gather()
            }
            Edit::SetParameter(name, _) => self.bound_nodes(name),
            Edit::Connect(_, to) | Edit::Disconnect(to) => [to.node.clone()].into_iter().gather(),
            Edit::SetTitle(..) | Edit::Move(_) | Edit::SetName(_) | Edit::SetSeed(_) => BTreeSet::new(),
            Edit::Batch(edits) => edits.iter().flat_map(|edit| self.touched(edit)).gather(),
        }
    }

    fn bound_nodes(&self, parameter: &str) -> BTreeSet<NodeId> {
        self.pipeline.bound_to(parameter).map(|(id, _)| id.clone()).gather()
    }

    fn document_changed(&mut self, touched: &BTreeSet<NodeId>) {
        self.revision += 1;
        self.scene_is_old = true;
        self.mark_stale(touched);
    }

    fn open(&mut self, pipeline: Pipeline, tasks: &mut Vec<Task>) {
        if let RunState::Running { run, .. } = self.run {
            tasks.push(Task::CancelRun(run));
        }
        *self = Self {
            pipeline,
            catalogue: std::mem::take(&mut self.catalogue),
            revision: self.revision + 1,
            progress: self.progress.emptied(),
            is_quiet: self.is_quiet,
            size: self.size,
            scene_is_old: true,
            ..Self::default()
        };
        self.refresh();
        self.fit(crate::command::Fit::All);
        tasks.push(Task::Announce(format!("Opened {}", self.pipeline.name())));
    }

    fn undo(&mut self, tasks: &mut Vec<Task>) {
        self.abort_gesture();
        let Some(step) = self.history.pop_behind() else {
            tasks.push(Task::Announce("Nothing to undo".into()));
            return;
        };
        let touched = self.touched(&step.edit);
        match self.pipeline.apply(step.edit) {
            Ok(edit) => {
                self.selection = step.before.clone();
                tasks.push(Task::Announce(format!("Undone: {}", step.label)));
                self.history.put_ahead(Step { edit, ..step });
                self.document_changed(&touched);
                self.show_change(&touched);
            }
            Err(error) => tasks.push(Task::Refuse(sentence(&error.to_string()))),
        }
    }

    fn redo(&mut self, tasks: &mut Vec<Task>) {
        self.abort_gesture();
        let Some(step) = self.history.pop_ahead() else {
            tasks.push(Task::Announce("Nothing to redo".into()));
            return;
        };
        let touched = self.touched(&step.edit);
        match self.pipeline.apply(step.edit) {
            Ok(edit) => {
                self.selection = step.after.clone();
                tasks.push(Task::Announce(format!("Redone: {}", step.label)));
                self.history.put_behind(Step { edit, ..step });
                self.document_changed(&touched);
                self.show_change(&touched);
            }
            Err(error) => tasks.push(Task::Refuse(sentence(&error.to_string()))),
        }
    }

    /// Brings what an undo changed into view, if none of it is.
    fn show_change(&mut self, touched: &BTreeSet<NodeId>) {
        self.forget_missing();
        self.refresh();
        let rects: Vec<_> = touched.iter().filter_map(|id| self.scene.rect(id)).collect();
        let shown = self.viewport.shown(self.size);
        if self.size.width > 0.0 && !rects.is_empty() && !rects.iter().any(|rect| shown.intersects(rect)) {
            self.viewport = self.viewport.revealing(rects[0], self.size);
        }
    }

    pub(crate) fn close_step(&mut self) {
        self.history.close();
    }

    fn set_card_height(&mut self, node: NodeId, height: f64) {
        let is_new = self.heights.get(&node).is_none_or(|before| (before - height).abs() > 0.5);
        if height.is_finite() && height > 0.0 && is_new {
            self.heights.insert(node, height);
            self.scene_is_old = true;
        }
    }

    /// A card's height: as measured, or as its face lets expect.
    pub(crate) fn height(&self, id: &NodeId) -> f64 {
        self.heights.get(id).copied().unwrap_or_else(|| {
            let face = self.statuses.get(id).and_then(|status| status.report.as_ref()?.face.as_ref());
            CARD_HEIGHT + face.map_or(0.0, face_height)
        })
    }

    pub(crate) fn shapes_changed(&mut self) {
        self.scene_is_old = true;
    }

    pub(crate) fn refresh(&mut self) {
        if self.scene_is_old {
            self.scene = Scene::new(&self.pipeline, &self.catalogue, |id| self.height(id));
            self.scene_is_old = false;
        }
    }

    /// Lets go of what names nodes and edges that are no longer there.
    fn forget_missing(&mut self) {
        let nodes = self.pipeline.nodes();
        self.selection.retain(|id| nodes.contains_key(id));
        self.heights.retain(|id, _| nodes.contains_key(id));
        self.statuses.retain(|id, _| nodes.contains_key(id));
        if self.focused.as_ref().is_some_and(|id| !nodes.contains_key(id)) {
            self.focused = self.selection.first().cloned();
            self.focused_port = None;
        }
        if self.focused_port.as_ref().is_some_and(|port| Some(port.node()) != self.focused.as_ref()) {
            self.focused_port = None;
        }
        if self.selected_edge.as_ref().is_some_and(|input| !self.pipeline.edges().contains_key(input)) {
            self.selected_edge = None;
        }
    }

    /// What must hold after every command.
    ///
    /// # Panics
    /// When it does not; for tests.
    pub fn assert_invariants(&self) {
        let nodes = self.pipeline.nodes();
        assert!(self.selection.iter().all(|id| nodes.contains_key(id)), "a selected node is gone");
        assert!(self.focused.iter().all(|id| nodes.contains_key(id)), "the focused node is gone");
        assert!(
            self.selected_edge.iter().all(|to| self.pipeline.edges().contains_key(to)),
            "the selected edge is gone"
        );
        assert!(self.focused_port.iter().all(|port| Some(port.node()) == self.focused.as_ref()), "a lost port");
        assert!(self.statuses.keys().all(|id| nodes.contains_key(id)), "the status of a node that is gone");
        for (to, from) in self.pipeline.edges() {
            assert!(nodes.contains_key(&to.node) && nodes.contains_key(&from.node), "an edge without an end");
        }
        assert_eq!(self.pipeline.topological_order().len(), nodes.len(), "a cycle");
        assert!(self.viewport.zoom >= crate::ZOOM_RANGE.0 && self.viewport.zoom <= crate::ZOOM_RANGE.1, "zoom");
        assert!(self.viewport.origin.x.is_finite() && self.viewport.origin.y.is_finite(), "lost in space");
        assert_eq!(self.scene.rects().count(), nodes.len(), "the shapes are old");
        for (id, node) in nodes {
            let rect = self.scene.rect(id).expect("a node without a shape");
            assert!(rect.x == node.position.x && rect.y == node.position.y, "a shape out of place");
        }
        assert!(self.saved_revision <= self.revision);
        match &self.gesture {
            Gesture::Move { nodes: moved, .. } => assert!(moved.iter().all(|id| nodes.contains_key(id))),
            Gesture::Connect { from, target, .. } => {
                assert!(nodes.contains_key(from.node()), "the port in hand is gone");
                assert!(target.iter().all(|port| nodes.contains_key(port.node())), "the target is gone");
            }
            Gesture::Idle | Gesture::Pressed { .. } | Gesture::Pan { .. } | Gesture::Box { .. } => {}
        }
    }
}

/// Text as a sentence of the interface: a capital first.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
