//! Placing, joining, moving and taking away.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::{Edit, Fragment, InPort, Node, NodeId, OutPort, Params, Pipeline, Point, PortType, Spec, Value};
use schema::ordered::{Gather, sort_by};

use crate::command::{PortRef, Task};
use crate::connect::{ends, port_type};
use crate::editor::{Editor, sentence};
use crate::geometry::{CARD_HEIGHT, CARD_WIDTH, Rect, snapped};
use crate::history::Merging;
use crate::layout::layered;

/// Between cards that are placed automatically.
const GAP: Point = Point { x: 40.0, y: 56.0 };
/// Kept free below a card that has not run yet: most grow by about this and half the gap when they show their result.
const ROOM_FOR_FACE: f64 = 24.0;
/// The longest name a node may have.
const TITLE_CHARS: usize = 80;

impl Editor {
    pub(crate) fn set_param(&mut self, node: NodeId, name: String, value: Option<Value>, tasks: &mut Vec<Task>) {
        let Some(placed) = self.pipeline.node(&node) else { return };
        let spec = self.catalogue.get(&placed.component).and_then(|spec| spec.param(&name));
        // A default is not written down, so that files and links stay short.
        let value = match (self.pipeline.binding(&node, &name), spec) {
            // What is bound stays bound, so it says what it is.
            (Some(_), Some(spec)) => Some(value.unwrap_or_else(|| spec.default.clone())),
            (None, Some(spec)) => value.filter(|value| spec.default != *value),
            (_, None) => value,
        };
        if placed.params.get(&name) == value.as_ref() {
            return;
        }
        let label = format!("Set {}", spec.map_or(name.as_str(), |spec| spec.label.as_str()));
        let merging = Merging::Param(node.clone(), name.clone());
        self.edit(Edit::SetParam(node, name, value), &label, Some(merging), tasks);
    }

    pub(crate) fn rename(&mut self, node: NodeId, title: &str, tasks: &mut Vec<Task>) {
        let Some(placed) = self.pipeline.node(&node) else { return };
        let title: String = title.trim().chars().filter(|c| !c.is_control()).take(TITLE_CHARS).collect();
        let title = Some(title).filter(|title| !title.is_empty());
        if placed.title != title {
            self.edit(Edit::SetTitle(node.clone(), title), "Rename", Some(Merging::Title(node)), tasks);
        }
    }

    /// What an edit does, for the undo button: "Add Split Data".
    pub(crate) fn describe(&self, edit: &Edit) -> String {
        match edit {
            Edit::AddNode(_, node) => {
                format!(
                    "Add {}",
                    self.catalogue.get(&node.component).map_or(node.component.as_str(), |spec| &spec.title)
                )
            }
            Edit::RemoveNode(id) => format!("Delete {}", self.title(id)),
            Edit::Connect(from, to) => format!("Connect {} to {}", self.title(&from.node), self.title(&to.node)),
            Edit::Disconnect(to) => format!("Disconnect {}", self.title(&to.node)),
            Edit::SetParam(id, name, _) => format!("Set {name} of {}", self.title(id)),
            Edit::SetParameter(name, Some(_)) => format!("Set parameter {name}"),
            Edit::SetParameter(name, None) => format!("Delete parameter {name}"),
            Edit::Bind(id, param, _) => format!("Bind {param} of {}", self.title(id)),
            Edit::SetTitle(..) => "Rename".into(),
            Edit::Move(moves) if moves.len() == 1 => format!("Move {}", self.title(&moves[0].0)),
            Edit::Move(moves) => format!("Move {} nodes", moves.len()),
            Edit::ReplaceNode(id, _) => format!("Update {}", self.title(id)),
            Edit::SetName(_) => "Rename pipeline".into(),
            Edit::SetSeed(_) => "Set seed".into(),
            Edit::Batch(edits) if edits.len() == 1 => self.describe(&edits[0]),
            Edit::Batch(edits) => format!("{} changes", edits.len()),
        }
    }

    pub(crate) fn connect(&mut self, from: OutPort, to: InPort, tasks: &mut Vec<Task>) {
        if self.pipeline.source(&to) == Some(&from) {
            return;
        }
        if let Some(reason) = self.refusal(&from, &to) {
            tasks.push(Task::Refuse(sentence(&reason)));
            return;
        }
        let words = format!("{} to {}", self.title(&from.node), self.title(&to.node));
        if self.edit(Edit::Connect(from, to), &format!("Connect {words}"), None, tasks) {
            tasks.push(Task::Announce(format!("Connected {words}")));
        }
    }

    /// Carries an edge's end from one input to another.
    pub(crate) fn reconnect(&mut self, old: InPort, from: OutPort, to: InPort, tasks: &mut Vec<Task>) {
        let words = format!("{} to {}", self.title(&from.node), self.title(&to.node));
        let edit = Edit::Batch(vec![Edit::Disconnect(old), Edit::Connect(from, to)]);
        if self.edit(edit, &format!("Connect {words}"), None, tasks) {
            tasks.push(Task::Announce(format!("Connected {words}")));
        }
    }

    pub(crate) fn disconnect(&mut self, input: InPort, tasks: &mut Vec<Task>) {
        if self.pipeline.source(&input).is_some() {
            let name = self.title(&input.node).to_owned();
            let line = format!("Disconnected input {} of {name}", input.port);
            if self.edit(Edit::Disconnect(input), &format!("Disconnect {name}"), None, tasks) {
                tasks.push(Task::Announce(line));
            }
        }
    }

    pub(crate) fn connect_selected(&mut self, tasks: &mut Vec<Task>) {
        let mut nodes: Vec<_> = self.selection.iter().cloned().collect();
        sort_by(&mut nodes, |a, b| {
            let y = |id| self.scene.rect(id).map_or(0.0, |rect| rect.y);
            y(a).total_cmp(&y(b)).then_with(|| a.cmp(b))
        });
        let mut scratch = self.pipeline.clone();
        let mut edits = Vec::new();
        for (upper_idx, upper) in nodes.iter().enumerate() {
            for lower in &nodes[upper_idx + 1..] {
                for input in self.scene.inputs(lower).iter().map(|port| InPort::new(lower, port)) {
                    if scratch.source(&input).is_some() {
                        continue;
                    }
                    let fits = self.scene.outputs(upper).iter().map(|port| OutPort::new(upper, port)).find(|from| {
                        crate::connect::refusal(&scratch, &self.catalogue, from, &input).is_none()
                            && !edits.iter().any(|edit| matches!(edit, Edit::Connect(taken, _) if taken == from))
                    });
                    if let Some(from) = fits {
                        let edit = Edit::Connect(from, input);
                        if scratch.apply(edit.clone()).is_ok() {
                            edits.push(edit);
                        }
                    }
                }
            }
        }
        match edits.len() {
            0 => tasks.push(Task::Refuse(
                "Nothing to connect: no output of the upper nodes fits an open input of the lower ones".into(),
            )),
            n => {
                let words = if n == 1 { "1 connection".into() } else { format!("{n} connections") };
                if self.edit(Edit::Batch(edits), "Connect selected nodes", None, tasks) {
                    tasks.push(Task::Announce(format!("Made {words}")));
                }
            }
        }
    }

    pub(crate) fn disconnect_selected(&mut self, tasks: &mut Vec<Task>) {
        let edits: Vec<_> = self
            .pipeline
            .edges()
            .iter()
            .filter(|(to, from)| self.selection.contains(&to.node) || self.selection.contains(&from.node))
            .map(|(to, _)| Edit::Disconnect(to.clone()))
            .collect();
        let n = edits.len();
        if n > 0 && self.edit(Edit::Batch(edits), "Disconnect selected nodes", None, tasks) {
            tasks.push(Task::Announce(format!("Took away {n} connection{}", plural(n))));
        }
    }

    pub(crate) fn delete(&mut self, reconnect: bool, tasks: &mut Vec<Task>) {
        self.abort_gesture();
        if let Some(input) = self.selected_edge.take() {
            self.disconnect(input, tasks);
            return;
        }
        if self.selection.is_empty() {
            return;
        }
        let joints = if reconnect { self.joints() } else { Vec::new() };
        let n = self.selection.len();
        let words = match n {
            1 => self.selection.first().map_or("", |id| self.title(id)).to_owned(),
            n => format!("{n} nodes"),
        };
        let mut edits: Vec<_> = self.selection.iter().cloned().map(Edit::RemoveNode).collect();
        edits.extend(joints);
        // The focus goes to what fed the deleted nodes, so that the keyboard's place is not lost.
        let next = self
            .selection
            .iter()
            .flat_map(|id| self.pipeline.upstream(id).into_iter().chain(self.pipeline.downstream(id)))
            .find(|id| !self.selection.contains(id));
        if self.edit_selecting(Edit::Batch(edits), &format!("Delete {words}"), None, BTreeSet::new(), tasks) {
            if self.focused.as_ref().is_some_and(|id| self.pipeline.node(id).is_none()) {
                self.focused = next.clone();
                self.focused_port = None;
            }
            tasks.extend(next.map(Task::FocusNode));
            tasks.push(Task::Announce(format!("Deleted {words}")));
        }
    }

    /// Edges that join what the selection stood between: each input outside that it fed gets the nearest output
    /// upstream outside it, of the same type.
    fn joints(&self) -> Vec<Edit> {
        let mut joints = Vec::new();
        for (to, from) in self.pipeline.edges() {
            if self.selection.contains(&to.node) || !self.selection.contains(&from.node) {
                continue;
            }
            let wanted = port_type(&self.pipeline, &self.catalogue, &PortRef::In(to.clone()));
            let mut open = vec![from.node.clone()];
            let mut seen = BTreeSet::new();
            let mut found = None;
            while let (Some(id), None) = (open.pop(), &found) {
                for port in self.scene.inputs(&id) {
                    let Some(source) = self.pipeline.source(&InPort::new(&id, port)) else { continue };
                    if self.selection.contains(&source.node) {
                        if seen.insert(source.node.clone()) {
                            open.push(source.node.clone());
                        }
                    } else if wanted.is_some()
                        && port_type(&self.pipeline, &self.catalogue, &PortRef::Out(source.clone())) == wanted
                    {
                        found = Some(source.clone());
                        break;
                    }
                }
            }
            joints.extend(found.map(|source| Edit::Connect(source, to.clone())));
        }
        joints
    }

    pub(crate) fn copy(&mut self, tasks: &mut Vec<Task>) {
        let n = self.selection.len();
        if n > 0 {
            tasks.push(Task::WriteClipboard(Fragment::of(&self.pipeline, &self.selection).to_text()));
            tasks.push(Task::Announce(format!("Copied {n} node{}", plural(n))));
        }
    }

    pub(crate) fn cut(&mut self, tasks: &mut Vec<Task>) {
        if !self.selection.is_empty() {
            tasks.push(Task::WriteClipboard(Fragment::of(&self.pipeline, &self.selection).to_text()));
            self.selected_edge = None;
            self.delete(false, tasks);
        }
    }

    pub(crate) fn paste(&mut self, text: String, at: Option<Point>, keep_incoming: bool, tasks: &mut Vec<Task>) {
        self.abort_gesture();
        if !Fragment::is_one(&text) {
            if text.trim().lines().count() > 1 {
                tasks.push(Task::PasteTable { text, at });
            } else {
                tasks.push(Task::Refuse("The clipboard holds neither nodes nor a table".into()));
            }
            return;
        }
        match Fragment::from_text(&text) {
            Ok(fragment) => {
                let n = fragment.nodes.len();
                self.insert(&fragment, at, keep_incoming, "Paste", tasks);
                tasks.push(Task::Announce(format!("Pasted {n} node{}", plural(n))));
            }
            Err(error) => tasks.push(Task::Refuse(format!("The nodes on the clipboard cannot be read: {error}"))),
        }
    }

    pub(crate) fn duplicate(&mut self, tasks: &mut Vec<Task>) {
        let n = self.selection.len();
        if n > 0 {
            let fragment = Fragment::of(&self.pipeline, &self.selection);
            self.insert(&fragment, None, true, "Duplicate", tasks);
            tasks.push(Task::Announce(format!("Duplicated {n} node{}", plural(n))));
        }
    }

    fn insert(&mut self, fragment: &Fragment, at: Option<Point>, incoming: bool, label: &str, tasks: &mut Vec<Task>) {
        let cards =
            fragment.nodes.values().map(|node| Rect::new(node.position.x, node.position.y, CARD_WIDTH, CARD_HEIGHT));
        let Some(around) = cards.reduce(|all, next| all.union(&next)) else { return };
        let (dx, dy) = match at {
            Some(point) => {
                let middle = around.center();
                (snapped(point.x - middle.x), snapped(point.y - middle.y))
            }
            None => {
                // Beside where it came from, a step further for each copy that already lies there.
                let corner = Point { x: around.x, y: around.y };
                let is_taken =
                    |step: f64| {
                        let place = Point { x: corner.x + step, y: corner.y + step };
                        self.pipeline.nodes().values().any(|node| {
                            (node.position.x - place.x).abs() < 1.0 && (node.position.y - place.y).abs() < 1.0
                        }) || self.covers(place)
                    };
                let step = (1..200).map(|n| f64::from(n) * 24.0).find(|step| !is_taken(*step)).unwrap_or(24.0);
                (step, step)
            }
        };
        let mut scratch = self.pipeline.clone();
        let mut edits = Vec::new();
        let mut fresh = BTreeMap::new();
        for (id, node) in &fragment.nodes {
            let placed = scratch.free_id(&node.component);
            let position = Point { x: node.position.x + dx, y: node.position.y + dy };
            let edit = Edit::AddNode(placed.clone(), Node { position, ..node.clone() });
            if scratch.apply(edit.clone()).is_ok() {
                edits.push(edit);
                fresh.insert(id.clone(), placed);
            }
        }
        for (from, to) in &fragment.edges {
            if let (Some(from_node), Some(to_node)) = (fresh.get(&from.node), fresh.get(&to.node)) {
                edits.push(Edit::Connect(OutPort::new(from_node, &from.port), InPort::new(to_node, &to.port)));
            }
        }
        if incoming {
            for (from, to) in &fragment.incoming {
                if let (Some(_), Some(to_node)) = (self.pipeline.node(&from.node), fresh.get(&to.node)) {
                    edits.push(Edit::Connect(from.clone(), InPort::new(to_node, &to.port)));
                }
            }
        }
        let after: BTreeSet<_> = fresh.into_values().gather();
        let first = after.first().cloned();
        if self.edit_selecting(Edit::Batch(edits), label, None, after, tasks) {
            self.selected_edge = None;
            self.focused = first;
            self.focused_port = None;
        }
    }

    /// Whether the top left corner of a card lies near this point.
    fn covers(&self, corner: Point) -> bool {
        self.scene.rects().any(|(_, rect)| (rect.x - corner.x).abs() < 12.0 && (rect.y - corner.y).abs() < 12.0)
    }

    pub(crate) fn add_component(
        &mut self,
        component: &str,
        at: Option<Point>,
        connect: Option<&PortRef>,
        params: Params,
        tasks: &mut Vec<Task>,
    ) {
        self.abort_gesture();
        let Some(spec) = self.catalogue.get(component).cloned() else {
            tasks.push(Task::Refuse(format!("This version of Millrace does not know the component {component:?}")));
            return;
        };
        let id = self.pipeline.free_id(component);
        let links = match connect {
            Some(port) => self.link_to(&spec, &id, port).into_iter().collect(),
            None => self.links_to_selection(&spec, &id),
        };
        let position = match at {
            Some(point) => Point { x: snapped(point.x - CARD_WIDTH / 2.0), y: snapped(point.y) },
            None => self.free_place(&links, &id),
        };
        let version = spec.version;
        let params =
            params.into_iter().filter(|(name, value)| spec.param(name).is_none_or(|param| param.default != *value));
        let node = Node { component: component.into(), version, title: None, params: params.collect(), position };
        let mut edits = vec![Edit::AddNode(id.clone(), node)];
        let joined: Vec<_> = links
            .iter()
            .map(|(from, to)| if from.node == id { &to.node } else { &from.node })
            .map(|other| self.title(other).to_owned())
            .collect();
        edits.extend(links.into_iter().map(|(from, to)| Edit::Connect(from, to)));
        let after = [id.clone()].into_iter().gather();
        if self.edit_selecting(Edit::Batch(edits), &format!("Add {}", spec.title), None, after, tasks) {
            self.selected_edge = None;
            self.focused = Some(id.clone());
            self.focused_port = None;
            self.refresh();
            self.reveal(&id);
            tasks.push(Task::FocusNode(id));
            tasks.push(Task::Announce(match joined.as_slice() {
                [] => format!("Added {}", spec.title),
                names => format!("Added {}, connected to {}", spec.title, names.join(" and ")),
            }));
        }
    }

    /// The edge that joins a new node with a port: its first port of that type, one that is needed before one that is not.
    fn link_to(&self, spec: &Spec, id: &NodeId, port: &PortRef) -> Option<(OutPort, InPort)> {
        let wanted = port_type(&self.pipeline, &self.catalogue, port)?;
        let own = match port {
            PortRef::Out(_) => {
                let fits = spec.inputs.iter().filter(|input| input.port_type == wanted);
                PortRef::In(InPort::new(id, &fits.min_by_key(|input| input.optional)?.name))
            }
            PortRef::In(_) => {
                let output = spec.outputs.iter().find(|output| output.port_type == wanted)?;
                PortRef::Out(OutPort::new(id, &output.name))
            }
        };
        ends(port, &own)
    }

    /// Edges between a new node and the selection where only one is possible: each of its needed inputs takes the one
    /// output of that type that the selection has (or the one that feeds nothing yet). A node that gives something the
    /// selection still waits for is joined the other way.
    fn links_to_selection(&self, spec: &Spec, id: &NodeId) -> Vec<(OutPort, InPort)> {
        let outputs: Vec<(OutPort, PortType)> = self
            .selected_ports(false)
            .into_iter()
            .filter_map(|(port, kind)| match port {
                PortRef::Out(port) => Some((port, kind)),
                PortRef::In(_) => None,
            })
            .collect();
        let mut links = Vec::new();
        for input in spec.inputs.iter().filter(|input| !input.optional) {
            let of_type: Vec<_> =
                outputs.iter().filter(|(_, kind)| *kind == input.port_type).map(|(port, _)| port).collect();
            let unused: Vec<_> =
                of_type.iter().filter(|port| self.is_open(&PortRef::Out((**port).clone()))).copied().collect();
            let one = match (of_type.as_slice(), unused.as_slice()) {
                ([only], _) | (_, [only]) => Some(*only),
                _ => None,
            };
            // Two inputs of one type would both take the same output: that is for the user to say.
            let n_alike =
                spec.inputs.iter().filter(|other| !other.optional && other.port_type == input.port_type).count();
            if let Some(from) = one.filter(|_| n_alike == 1) {
                links.push((from.clone(), InPort::new(id, &input.name)));
            }
        }
        if !links.is_empty() {
            return links;
        }
        let waiting = self.selected_ports(true);
        for output in &spec.outputs {
            let fits: Vec<_> = waiting.iter().filter(|(_, kind)| *kind == output.port_type).collect();
            if let [(PortRef::In(to), _)] = fits.as_slice()
                && !links.iter().any(|(_, taken)| taken == to)
            {
                links.push((OutPort::new(id, &output.name), to.clone()));
            }
        }
        links
    }

    /// The selection's open and needed inputs, or its outputs, with what flows through them.
    fn selected_ports(&self, inputs: bool) -> Vec<(PortRef, PortType)> {
        let mut ports = Vec::new();
        for id in &self.selection {
            let Some(spec) = self.pipeline.node(id).and_then(|node| self.catalogue.get(&node.component)) else {
                continue;
            };
            if inputs {
                let open = spec.inputs.iter().filter(|port| !port.optional);
                let open = open.map(|port| (PortRef::In(InPort::new(id, &port.name)), port.port_type));
                ports.extend(open.filter(|(port, _)| self.is_open(port)));
            } else {
                let outputs = spec.outputs.iter();
                ports.extend(outputs.map(|port| (PortRef::Out(OutPort::new(id, &port.name)), port.port_type)));
            }
        }
        ports
    }

    /// A free place for a new node: beneath what feeds it (or the selection), above what it feeds, else in the middle
    /// of what is shown; sideways until it covers nothing.
    fn free_place(&self, links: &[(OutPort, InPort)], id: &NodeId) -> Point {
        let around = |nodes: &mut dyn Iterator<Item = &NodeId>| {
            let rects = nodes.filter_map(|id| self.scene.rect(id));
            rects.map(|rect| Rect { height: roomy(rect.height), ..rect }).reduce(|all, next| all.union(&next))
        };
        let fed_by = around(&mut links.iter().filter(|(_, to)| to.node == *id).map(|(from, _)| &from.node));
        let feeds = around(&mut links.iter().filter(|(from, _)| from.node == *id).map(|(_, to)| &to.node));
        let selected = around(&mut self.selection.iter());
        let below = |area: Rect| Point { x: area.center().x - CARD_WIDTH / 2.0, y: area.bottom() + GAP.y };
        let start = match (fed_by, feeds, selected) {
            (Some(area), _, _) => below(area),
            (None, Some(area), _) => Point { x: area.x - CARD_WIDTH / 2.0, y: area.y - GAP.y - roomy(CARD_HEIGHT) },
            (None, None, Some(area)) => below(area),
            (None, None, None) => {
                let middle = self.viewport.shown(self.size).center();
                Point { x: middle.x - CARD_WIDTH / 2.0, y: middle.y - CARD_HEIGHT / 2.0 }
            }
        };
        let start = Point { x: snapped(start.x), y: snapped(start.y) };
        let step = CARD_WIDTH + GAP.x;
        let is_free = |place: &Point| {
            let card = Rect::new(place.x, place.y, CARD_WIDTH, CARD_HEIGHT).grown(12.0);
            self.scene.within(&card).is_empty()
        };
        // Right, left, further right, …; then a row down.
        (0..60)
            .flat_map(|row| {
                (0..8).map(move |n: i32| {
                    let side = f64::from((n + 1) / 2) * if n % 2 == 1 { 1.0 } else { -1.0 };
                    Point { x: start.x + side * step, y: start.y + f64::from(row) * (roomy(CARD_HEIGHT) + GAP.y) }
                })
            })
            .find(is_free)
            .unwrap_or(start)
    }

    pub(crate) fn move_selection(&mut self, dx: f64, dy: f64, tasks: &mut Vec<Task>) {
        let nodes: Vec<_> = self.selection.iter().cloned().collect();
        self.move_nodes(&nodes, dx, dy, true, tasks);
    }

    /// Moves nodes as one step; steps from the keyboard in a row are one.
    pub(crate) fn move_nodes(&mut self, nodes: &[NodeId], dx: f64, dy: f64, merge: bool, tasks: &mut Vec<Task>) {
        let still = dx == 0.0 && dy == 0.0;
        if still || !dx.is_finite() || !dy.is_finite() {
            return;
        }
        let moves: Vec<_> = nodes
            .iter()
            .filter_map(|id| {
                let from = self.pipeline.node(id)?.position;
                Some((id.clone(), Point { x: from.x + dx, y: from.y + dy }))
            })
            .collect();
        self.place_nodes(moves, "Move", merge, tasks);
    }

    pub(crate) fn move_to(&mut self, node: NodeId, position: Point, tasks: &mut Vec<Task>) {
        let is_place = position.x.is_finite() && position.y.is_finite();
        if is_place && self.pipeline.node(&node).is_some_and(|placed| placed.position != position) {
            self.place_nodes(vec![(node, position)], "Move", false, tasks);
        }
    }

    fn place_nodes(&mut self, moves: Vec<(NodeId, Point)>, verb: &str, merge: bool, tasks: &mut Vec<Task>) {
        let words = match moves.as_slice() {
            [] => return,
            [(only, _)] => self.title(only).to_owned(),
            several => format!("{} nodes", several.len()),
        };
        let merging = merge.then(|| Merging::Moves(moves.iter().map(|(id, _)| id.clone()).gather()));
        if self.edit(Edit::Move(moves), &format!("{verb} {words}"), merging, tasks) {
            tasks.push(Task::Announce(format!("{} {words}", if verb == "Move" { "Moved" } else { "Tidied" })));
        }
    }

    pub(crate) fn tidy(&mut self, tasks: &mut Vec<Task>) {
        self.abort_gesture();
        let chosen: Vec<NodeId> = if self.selection.len() > 1 {
            self.selection.iter().cloned().collect()
        } else {
            self.pipeline.nodes().keys().cloned().collect()
        };
        let moves = self.tidied(&chosen);
        let is_new =
            |(id, position): &(NodeId, Point)| self.pipeline.node(id).is_some_and(|node| node.position != *position);
        let moves: Vec<_> = moves.into_iter().filter(is_new).collect();
        if moves.is_empty() {
            tasks.push(Task::Announce("Tidy already".into()));
        } else {
            self.place_nodes(moves, "Tidy", false, tasks);
        }
    }

    /// Where these nodes would go if they were laid out in layers, around where they are.
    fn tidied(&self, chosen: &[NodeId]) -> Vec<(NodeId, Point)> {
        let position_of: BTreeMap<_, _> = chosen.iter().enumerate().map(|(node_idx, id)| (id, node_idx)).gather();
        let heights: Vec<f64> = chosen.iter().map(|id| roomy(self.height(id))).collect();
        let edges = layout_edges(&self.pipeline, &position_of, |port| {
            let rect = self.scene.rect(port.node())?;
            Some(self.scene.port(port)?.x - rect.x)
        });
        let places = layered(&heights, &edges);
        let before = chosen.iter().filter_map(|id| self.scene.rect(id)).reduce(|all, next| all.union(&next));
        let cards = places.iter().zip(&heights).map(|(place, height)| Rect::new(place.x, place.y, CARD_WIDTH, *height));
        let after = cards.reduce(|all, next| all.union(&next));
        let (Some(before), Some(after)) = (before, after) else { return Vec::new() };
        let dx = snapped(before.center().x - after.center().x);
        let dy = snapped(before.y - after.y);
        chosen
            .iter()
            .cloned()
            .zip(places.into_iter().map(|place| Point { x: snapped(place.x) + dx, y: snapped(place.y) + dy }))
            .collect()
    }
}

/// The height of a card, and what it will want once it has run.
fn roomy(height: f64) -> f64 {
    height.max(CARD_HEIGHT + ROOM_FOR_FACE)
}

/// Edges between chosen nodes by position, with how far from the cards' left edges their ends sit.
fn layout_edges(
    pipeline: &Pipeline,
    position_of: &BTreeMap<&NodeId, usize>,
    offset: impl Fn(&PortRef) -> Option<f64>,
) -> Vec<crate::layout::LayoutEdge> {
    let ends = pipeline.edges().iter().filter_map(|(to, from)| {
        Some(crate::layout::LayoutEdge {
            from: *position_of.get(&from.node)?,
            to: *position_of.get(&to.node)?,
            from_offset: offset(&PortRef::Out(from.clone())).unwrap_or(CARD_WIDTH / 2.0),
            to_offset: offset(&PortRef::In(to.clone())).unwrap_or(CARD_WIDTH / 2.0),
        })
    });
    ends.collect()
}

pub(crate) fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// A pipeline whose nodes have no places (a link that was short of room) laid out in layers.
pub fn laid_out(pipeline: &Pipeline, catalogue: &pipeline::Catalogue) -> Vec<(NodeId, Point)> {
    let mut editor = Editor::new(pipeline.clone());
    editor.set_catalogue(catalogue.clone());
    let all: Vec<_> = pipeline.nodes().keys().cloned().collect();
    editor.tidied(&all)
}
