//! The gesture state machine: what pressing, moving and letting go mean.

use std::collections::BTreeSet;

use pipeline::{InPort, NodeId, Point};
use schema::ordered::sort_by;

use crate::command::{Button, Merge, Mods, PortRef, Task};
use crate::connect::ends;
use crate::editor::{Editor, sentence};
use crate::geometry::{Rect, distance, snapped};
use crate::gesture::{Candidate, Gesture, Guide, Joining};
use crate::scene::Hit;

/// A mouse moves this far, in the screen, before a click becomes a drag; a finger a little further.
const THRESHOLD_PX: f64 = 4.0;
const COARSE_THRESHOLD_PX: f64 = 6.0;
/// A loose end jumps to a port this near, in the screen.
const CONNECT_PX: f64 = 20.0;
/// A moved card lines up with others this near, in the screen.
const ALIGN_PX: f64 = 6.0;

/// What the button went down on, and what to go back to.
#[derive(Clone, Debug)]
pub struct Press {
    at: Point,
    hit: Hit,
    mods: Mods,
    coarse: bool,
    selection_before: BTreeSet<NodeId>,
    edge_before: Option<InPort>,
    focused_before: Option<NodeId>,
    /// The edge whose end was pulled off an input.
    detached: Option<InPort>,
}

impl Editor {
    pub(crate) fn pointer_down(&mut self, at: Point, button: Button, mods: Mods, coarse: bool, tasks: &mut Vec<Task>) {
        if let Gesture::Connect { joining: Joining::Click | Joining::Keys, .. } = &self.gesture {
            match button {
                Button::Primary => {
                    self.pull_link(at);
                    self.finish_connect(at, tasks);
                    return;
                }
                Button::Secondary => {
                    self.abort_gesture();
                    return;
                }
                Button::Middle => {}
            }
        }
        match button {
            Button::Secondary => self.abort_gesture(),
            Button::Middle => self.gesture = Gesture::Pan { last: at },
            Button::Primary if self.holds_pan => self.gesture = Gesture::Pan { last: at },
            Button::Primary => {
                self.close_step();
                let hit = self.hit(at, coarse);
                self.press = Some(Press {
                    at,
                    hit: hit.clone(),
                    mods,
                    coarse,
                    selection_before: self.selection.clone(),
                    edge_before: self.selected_edge.clone(),
                    focused_before: self.focused.clone(),
                    detached: None,
                });
                self.gesture = Gesture::Pressed { at };
                // A card answers at once rather than when the button is let go.
                if let Hit::Node(id) = hit
                    && mods == Mods::default()
                    && !self.selection.contains(&id)
                {
                    self.select_one(id);
                }
            }
        }
    }

    pub(crate) fn pointer_move(&mut self, at: Point, mods: Mods) {
        match &mut self.gesture {
            Gesture::Idle => {}
            Gesture::Pressed { at: from } => {
                let threshold = match &self.press {
                    Some(press) if press.coarse => COARSE_THRESHOLD_PX,
                    Some(_) | None => THRESHOLD_PX,
                };
                if distance(*from, at) >= threshold {
                    self.begin_drag();
                    if !matches!(self.gesture, Gesture::Pressed { .. }) {
                        self.pointer_move(at, mods);
                    }
                }
            }
            Gesture::Pan { last } => {
                let (dx, dy) = (last.x - at.x, last.y - at.y);
                *last = at;
                self.viewport = self.viewport.panned(dx, dy);
            }
            Gesture::Box { .. } => self.stretch_box(at, mods),
            Gesture::Move { .. } => self.pull_nodes(at, mods),
            Gesture::Connect { joining: Joining::Keys, .. } => {}
            Gesture::Connect { .. } => self.pull_link(at),
        }
    }

    pub(crate) fn pointer_up(&mut self, at: Point, mods: Mods, tasks: &mut Vec<Task>) {
        match std::mem::take(&mut self.gesture) {
            Gesture::Idle => {}
            Gesture::Pressed { .. } => self.click(mods, tasks),
            Gesture::Pan { .. } => {}
            Gesture::Box { merge, nodes, .. } => {
                self.select_nodes(nodes, merge);
                self.announce_selection(tasks);
            }
            Gesture::Move { nodes, dx, dy, .. } => self.move_nodes(&nodes, dx, dy, false, tasks),
            gesture @ Gesture::Connect { joining: Joining::Drag, .. } => {
                self.gesture = gesture;
                self.pull_link(at);
                self.finish_connect(at, tasks);
            }
            // The button that went down to start clicking from port to port comes up.
            gesture @ Gesture::Connect { .. } => self.gesture = gesture,
        }
        self.press = None;
    }

    /// The button came up where it went down.
    fn click(&mut self, mods: Mods, tasks: &mut Vec<Task>) {
        let Some(press) = self.press.take() else { return };
        let merge = merge_of(mods);
        match press.hit {
            Hit::Node(id) => {
                match merge {
                    Merge::Replace => self.select_one(id.clone()),
                    Merge::Add | Merge::Toggle => self.select_nodes(vec![id.clone()], merge),
                }
                self.focus(id.clone());
                tasks.push(Task::FocusNode(id));
                self.announce_selection(tasks);
            }
            Hit::Port(port) => {
                let line = format!("Joining {}: choose a port, or press Escape", self.port_line(&port));
                self.take_in_hand(port, Joining::Click);
                tasks.push(Task::Announce(line));
            }
            Hit::Edge(input) => {
                let line = self.edge_line(&input);
                self.select_edge(input);
                tasks.push(Task::Announce(line));
            }
            Hit::Ground if merge == Merge::Replace => self.clear_selection(),
            Hit::Ground => {}
        }
    }

    pub(crate) fn edge_line(&self, input: &InPort) -> String {
        match self.pipeline.source(input) {
            Some(from) => format!("Edge from {} to {}", self.title(&from.node), self.title(&input.node)),
            None => String::new(),
        }
    }

    fn begin_drag(&mut self) {
        let Some(press) = self.press.clone() else {
            self.gesture = Gesture::Idle;
            return;
        };
        match press.hit {
            Hit::Port(port) => {
                // Pulling at a fed input takes the end of its edge along.
                let detached = match &port {
                    PortRef::In(input) => self.pipeline.source(input).map(|from| (input.clone(), from.clone())),
                    PortRef::Out(_) => None,
                };
                match detached {
                    Some((input, from)) => {
                        if let Some(press) = &mut self.press {
                            press.detached = Some(input);
                        }
                        self.take_in_hand(PortRef::Out(from), Joining::Drag);
                    }
                    None => self.take_in_hand(port, Joining::Drag),
                }
            }
            Hit::Node(id) => {
                if !self.selection.contains(&id) {
                    if press.mods == Mods::default() {
                        self.select_one(id.clone());
                    } else {
                        self.select_nodes(vec![id.clone()], Merge::Add);
                    }
                }
                let nodes = self.selection.iter().cloned().collect();
                self.gesture = Gesture::Move { nodes, dx: 0.0, dy: 0.0, guides: Vec::new() };
            }
            // One finger pans; a mouse draws a box.
            Hit::Edge(_) | Hit::Ground if press.coarse => self.gesture = Gesture::Pan { last: press.at },
            Hit::Edge(_) | Hit::Ground => {
                self.gesture = Gesture::Box {
                    area: Rect::default(),
                    merge: merge_of(press.mods),
                    whole: press.mods.alt,
                    nodes: Vec::new(),
                };
            }
        }
    }

    fn stretch_box(&mut self, at: Point, mods: Mods) {
        let Some(press) = &self.press else { return };
        let corner = self.viewport.pipeline_from_screen(press.at);
        let area = Rect::spanned(corner, self.viewport.pipeline_from_screen(at));
        let merge = merge_of(mods);
        let whole = mods.alt;
        let nodes = self.nodes_in_box(&area, whole);
        self.gesture = Gesture::Box { area, merge, whole, nodes };
    }

    fn pull_nodes(&mut self, at: Point, mods: Mods) {
        let (Some(press), Gesture::Move { nodes, .. }) = (&self.press, &self.gesture) else { return };
        let zoom = self.viewport.zoom;
        let (dx, dy) = ((at.x - press.at.x) / zoom, (at.y - press.at.y) / zoom);
        let held = match &press.hit {
            Hit::Node(id) => self.scene.rect(id),
            Hit::Port(_) | Hit::Edge(_) | Hit::Ground => None,
        };
        let nodes = nodes.clone();
        let Some(held) = held.filter(|_| !mods.alt) else {
            self.gesture = Gesture::Move { nodes, dx, dy, guides: Vec::new() };
            return;
        };
        let loose = held.moved(dx, dy);
        let near = ALIGN_PX / zoom;
        let shown = self.viewport.shown(self.size).grown(100.0);
        let others: Vec<Rect> = self
            .scene
            .rects()
            .filter(|(id, rect)| nodes.binary_search(id).is_err() && shown.intersects(rect))
            .map(|(_, rect)| rect)
            .collect();
        let across = nearest_line(&others, near, |rect| [rect.x, rect.center().x, rect.right()], &loose);
        let along = nearest_line(&others, near, |rect| [rect.y, rect.center().y, rect.bottom()], &loose);
        let x = across.map_or_else(|| snapped(loose.x), |(shift, _)| loose.x + shift);
        let y = along.map_or_else(|| snapped(loose.y), |(shift, _)| loose.y + shift);
        let placed = Rect { x, y, ..loose };
        let mut guides = Vec::new();
        let extent = |wanted: &dyn Fn(&Rect) -> bool| {
            others.iter().filter(|rect| wanted(rect)).fold(placed, |all, rect| all.union(rect))
        };
        if let Some((_, line)) = across {
            let span = extent(&|rect| [rect.x, rect.center().x, rect.right()].iter().any(|x| (x - line).abs() < 0.5));
            guides.push(Guide { from: Point { x: line, y: span.y }, to: Point { x: line, y: span.bottom() } });
        }
        if let Some((_, line)) = along {
            let span = extent(&|rect| [rect.y, rect.center().y, rect.bottom()].iter().any(|y| (y - line).abs() < 0.5));
            guides.push(Guide { from: Point { x: span.x, y: line }, to: Point { x: span.right(), y: line } });
        }
        self.gesture = Gesture::Move { nodes, dx: x - held.x, dy: y - held.y, guides };
    }

    /// Begins to join a port.
    pub(crate) fn take_in_hand(&mut self, from: PortRef, joining: Joining) {
        let Some(at) = self.scene.port(&from) else { return };
        let candidates = self.candidates(&from);
        self.gesture = Gesture::Connect { from, at, target: None, joining, candidates };
    }

    /// Every port on the other side of other nodes, and why it does not fit if it does not.
    pub fn candidates(&self, from: &PortRef) -> Vec<Candidate> {
        let mut found = Vec::new();
        for id in self.pipeline.nodes().keys().filter(|id| *id != from.node()) {
            for port in self.scene.ports(id) {
                if let Some((out, input)) = ends(from, &port) {
                    found.push(Candidate { refusal: self.refusal(&out, &input), port });
                }
            }
        }
        found
    }

    fn pull_link(&mut self, at_in_screen: Point) {
        let point = self.viewport.pipeline_from_screen(at_in_screen);
        let Gesture::Connect { candidates, .. } = &self.gesture else { return };
        let fits =
            |port: &PortRef| candidates.iter().any(|candidate| candidate.port == *port && candidate.refusal.is_none());
        let reach = CONNECT_PX / self.viewport.zoom.max(0.25);
        let mut found = self.scene.nearest_port(point, reach, fits);
        if found.is_none()
            && let Hit::Node(id) = self.scene.hit(point, 0.0)
        {
            // Over a card with one port that fits, that port is meant; an open input before one that is fed.
            let ports: Vec<_> = self.scene.ports(&id).into_iter().filter(|port| fits(port)).collect();
            let open: Vec<_> = ports.iter().filter(|port| self.is_open(port)).cloned().collect();
            found = match (ports.as_slice(), open.as_slice()) {
                ([only], _) | (_, [only]) => Some(only.clone()),
                _ => None,
            };
        }
        if let Gesture::Connect { at, target, .. } = &mut self.gesture {
            *at = point;
            *target = found;
        }
    }

    pub(crate) fn is_open(&self, port: &PortRef) -> bool {
        match port {
            PortRef::In(input) => self.pipeline.source(input).is_none(),
            PortRef::Out(output) => !self.pipeline.edges().values().any(|from| from == output),
        }
    }

    fn finish_connect(&mut self, at_in_screen: Point, tasks: &mut Vec<Task>) {
        let Gesture::Connect { from, at, target, candidates, .. } = std::mem::take(&mut self.gesture) else { return };
        let detached = self.press.take().and_then(|press| press.detached);
        match target.as_ref().and_then(|target| ends(&from, target)) {
            Some((_, input)) if detached.as_ref() == Some(&input) => {}
            Some((out, input)) => match detached {
                Some(old) => self.reconnect(old, out, input, tasks),
                None => self.connect(out, input, tasks),
            },
            None => {
                let under = self.hit(at_in_screen, false);
                let refusal = match &under {
                    Hit::Port(port) => candidates.iter().find(|candidate| candidate.port == *port),
                    Hit::Node(id) => candidates.iter().find(|candidate| candidate.port.node() == id),
                    Hit::Edge(_) | Hit::Ground => None,
                };
                match (under, detached) {
                    (Hit::Port(port), _) if port == from => {}
                    (Hit::Ground | Hit::Edge(_), Some(old)) => self.disconnect(old, tasks),
                    (Hit::Ground | Hit::Edge(_), None) => {
                        tasks.push(Task::OpenSearch { screen: at_in_screen, at, connect: Some(from) });
                    }
                    (Hit::Port(_) | Hit::Node(_), _) => {
                        let reason = refusal.and_then(|candidate| candidate.refusal.clone());
                        if let Some(reason) = reason {
                            tasks.push(Task::Refuse(sentence(&reason)));
                        }
                    }
                }
            }
        }
    }

    /// As if the gesture had never begun.
    pub(crate) fn abort_gesture(&mut self) {
        let gesture = std::mem::take(&mut self.gesture);
        if let Some(press) = self.press.take()
            && !matches!(gesture, Gesture::Idle | Gesture::Pan { .. })
        {
            self.selection = press.selection_before;
            self.selected_edge = press.edge_before;
            self.focused = press.focused_before;
        }
    }

    pub(crate) fn double_click(&mut self, at: Point, tasks: &mut Vec<Task>) {
        self.abort_gesture();
        match self.hit(at, false) {
            Hit::Node(id) => {
                self.select_one(id.clone());
                tasks.push(Task::OpenInspector(id));
            }
            Hit::Ground => {
                tasks.push(Task::OpenSearch { screen: at, at: self.viewport.pipeline_from_screen(at), connect: None });
            }
            Hit::Port(_) | Hit::Edge(_) => {}
        }
    }

    pub(crate) fn wheel(&mut self, at: Point, dx: f64, dy: f64, mods: Mods) {
        if !(dx.is_finite() && dy.is_finite()) {
            return;
        }
        self.viewport = if mods.command {
            // One notch of a common wheel (100 px) is a fifth; a pinch sends many small steps.
            let notches = (-dy / 100.0).clamp(-4.0, 4.0);
            self.viewport.zoomed_about(at, 1.2_f64.powf(notches))
        } else if mods.shift && dx == 0.0 {
            self.viewport.panned(dy, 0.0)
        } else {
            self.viewport.panned(dx, dy)
        };
    }

    // Joining from the keyboard.

    pub(crate) fn start_connect_from_keys(&mut self, port: PortRef, tasks: &mut Vec<Task>) {
        self.abort_gesture();
        let line = self.port_line(&port);
        self.take_in_hand(port, Joining::Keys);
        let n = self.fitting_targets().len();
        match n {
            0 if matches!(self.gesture, Gesture::Connect { .. }) => {
                self.gesture = Gesture::Idle;
                tasks.push(Task::Refuse("No other port fits this one: add a node that has one".into()));
            }
            0 => {}
            n => {
                self.next_target(false, &mut Vec::new());
                let first = match &self.gesture {
                    Gesture::Connect { target: Some(target), .. } => self.port_line(target),
                    _ => String::new(),
                };
                let ports = if n == 1 { "1 port fits".into() } else { format!("{n} ports fit") };
                tasks.push(Task::Announce(format!("Joining {line}. {ports}. {first}. Enter joins, Escape stops")));
            }
        }
    }

    /// Ports that fit the one in hand, the nearest first.
    fn fitting_targets(&self) -> Vec<PortRef> {
        let Gesture::Connect { from, candidates, .. } = &self.gesture else { return Vec::new() };
        let Some(start) = self.scene.port(from) else { return Vec::new() };
        let mut fitting: Vec<_> = candidates
            .iter()
            .filter(|candidate| candidate.refusal.is_none())
            .filter_map(|candidate| Some((distance(start, self.scene.port(&candidate.port)?), candidate.port.clone())))
            .collect();
        sort_by(&mut fitting, |a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        fitting.into_iter().map(|(_, port)| port).collect()
    }

    pub(crate) fn next_target(&mut self, back: bool, tasks: &mut Vec<Task>) {
        let fitting = self.fitting_targets();
        if fitting.is_empty() {
            return;
        }
        let Gesture::Connect { target, at, .. } = &mut self.gesture else { return };
        let here = target.as_ref().and_then(|target| fitting.iter().position(|port| port == target));
        let n = fitting.len();
        let next = match here {
            Some(port_idx) if back => &fitting[(port_idx + n - 1) % n],
            Some(port_idx) => &fitting[(port_idx + 1) % n],
            None => &fitting[0],
        };
        *target = Some(next.clone());
        if let Some(point) = self.scene.port(next) {
            *at = point;
        }
        let node = next.node().clone();
        tasks.push(Task::Announce(self.port_line(next)));
        self.reveal(&node);
    }

    pub(crate) fn confirm(&mut self, tasks: &mut Vec<Task>) {
        match (&self.gesture, &self.focused_port, &self.focused) {
            (Gesture::Connect { from, target, .. }, _, _) => {
                let joined = target.as_ref().and_then(|target| ends(from, target));
                self.gesture = Gesture::Idle;
                self.press = None;
                if let Some((out, input)) = joined {
                    self.connect(out, input, tasks);
                }
            }
            (Gesture::Idle, Some(port), _) => self.start_connect_from_keys(port.clone(), tasks),
            (Gesture::Idle, None, Some(node)) => tasks.push(Task::OpenInspector(node.clone())),
            (Gesture::Idle, None, None)
            | (Gesture::Pressed { .. } | Gesture::Pan { .. } | Gesture::Box { .. } | Gesture::Move { .. }, _, _) => {}
        }
    }

    pub(crate) fn escape(&mut self, tasks: &mut Vec<Task>) {
        if self.gesture != Gesture::Idle {
            self.abort_gesture();
            tasks.push(Task::Announce("Stopped".into()));
        } else if self.focused_port.take().is_some() {
            tasks.push(Task::Announce(self.focused.as_ref().map_or("", |id| self.title(id)).to_owned()));
        } else if !self.selection.is_empty() || self.selected_edge.is_some() {
            self.clear_selection();
            tasks.push(Task::Announce("Nothing selected".into()));
        }
    }
}

fn merge_of(mods: Mods) -> Merge {
    if mods.command {
        Merge::Toggle
    } else if mods.shift {
        Merge::Add
    } else {
        Merge::Replace
    }
}

/// The smallest shift that puts one of a card's three lines on one of another card's, and that line.
fn nearest_line(others: &[Rect], near: f64, lines: impl Fn(&Rect) -> [f64; 3], loose: &Rect) -> Option<(f64, f64)> {
    let own = lines(loose);
    let mut best: Option<(f64, f64)> = None;
    for other in others {
        // Edge with the same edge, middle with middle.
        for (line, mine) in lines(other).into_iter().zip(own) {
            let shift = line - mine;
            if shift.abs() <= near && best.is_none_or(|(least, _)| shift.abs() < least.abs()) {
                best = Some((shift, line));
            }
        }
    }
    best
}
