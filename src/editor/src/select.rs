//! Selection, focus and the ways of the arrow keys.

use std::collections::BTreeSet;

use pipeline::{InPort, NodeId};
use schema::ordered::Gather;

use crate::command::{Direction, Fit, Merge, PortRef, Relation, Task, Zoom};
use crate::editor::Editor;
use crate::geometry::{Rect, Viewport};

/// Steps of zoom; each is about a quarter more than the one before.
const ZOOM_STEPS: [f64; 14] = [0.05, 0.1, 0.15, 0.25, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0];

impl Editor {
    pub(crate) fn select_one(&mut self, node: NodeId) {
        if self.pipeline.node(&node).is_some() {
            self.close_step();
            self.selection = [node.clone()].into();
            self.selected_edge = None;
            self.focus(node);
        }
    }

    pub(crate) fn select_nodes(&mut self, nodes: Vec<NodeId>, merge: Merge) {
        self.close_step();
        self.selected_edge = None;
        let nodes: BTreeSet<_> = nodes.into_iter().filter(|id| self.pipeline.node(id).is_some()).gather();
        self.selection = match merge {
            Merge::Replace => nodes,
            Merge::Add => self.selection.union(&nodes).cloned().gather(),
            Merge::Toggle => self.selection.symmetric_difference(&nodes).cloned().gather(),
        };
        if self.focused.as_ref().is_none_or(|focused| !self.selection.contains(focused))
            && let Some(first) = self.selection.first().cloned()
        {
            self.focus(first);
        }
    }

    pub(crate) fn select_edge(&mut self, input: InPort) {
        if self.pipeline.edges().contains_key(&input) {
            self.close_step();
            self.selection.clear();
            self.selected_edge = Some(input);
        }
    }

    pub(crate) fn select_all(&mut self, tasks: &mut Vec<Task>) {
        self.select_nodes(self.pipeline.nodes().keys().cloned().collect(), Merge::Replace);
        self.announce_selection(tasks);
    }

    pub(crate) fn clear_selection(&mut self) {
        self.close_step();
        self.selection.clear();
        self.selected_edge = None;
    }

    pub(crate) fn announce_selection(&self, tasks: &mut Vec<Task>) {
        tasks.push(Task::Announce(match self.selection.len() {
            0 => "Nothing selected".into(),
            1 => format!("{} selected", self.selection.first().map_or("", |id| self.title(id))),
            n => format!("{n} nodes selected"),
        }));
    }

    pub(crate) fn nodes_in_box(&self, area: &Rect, whole: bool) -> Vec<NodeId> {
        let mut nodes = self.scene.within(area);
        if whole {
            nodes.retain(|id| self.scene.rect(id).is_some_and(|rect| area.contains_rect(&rect)));
        }
        nodes
    }

    pub(crate) fn select_related(&mut self, relation: Relation, tasks: &mut Vec<Task>) {
        let mut found = self.selection.clone();
        match relation {
            Relation::SameComponent => {
                let components: BTreeSet<_> =
                    found.iter().filter_map(|id| self.pipeline.node(id)).map(|node| node.component.clone()).gather();
                found = self
                    .pipeline
                    .nodes()
                    .iter()
                    .filter(|(_, node)| components.contains(&node.component))
                    .map(|(id, _)| id.clone())
                    .gather();
            }
            Relation::Upstream | Relation::Downstream | Relation::Connected => {
                let mut open: Vec<_> = found.iter().cloned().collect();
                while let Some(id) = open.pop() {
                    let mut next = Vec::new();
                    if relation != Relation::Downstream {
                        next.extend(self.pipeline.upstream(&id));
                    }
                    if relation != Relation::Upstream {
                        next.extend(self.pipeline.downstream(&id));
                    }
                    open.extend(next.into_iter().filter(|id| found.insert(id.clone())));
                }
            }
        }
        self.select_nodes(found.into_iter().collect(), Merge::Replace);
        self.announce_selection(tasks);
    }

    pub(crate) fn toggle_focused(&mut self, tasks: &mut Vec<Task>) {
        if let Some(focused) = self.focused.clone() {
            self.select_nodes(vec![focused.clone()], Merge::Toggle);
            self.focused = Some(focused);
            self.announce_selection(tasks);
        }
    }

    pub(crate) fn focus(&mut self, node: NodeId) {
        if self.pipeline.node(&node).is_some() && self.focused.as_ref() != Some(&node) {
            self.focused = Some(node);
            self.focused_port = None;
        }
    }

    pub(crate) fn navigate(&mut self, direction: Direction, extend: bool, tasks: &mut Vec<Task>) {
        let Some(next) = self.next_node(direction) else { return };
        self.focus(next.clone());
        if extend {
            self.select_nodes(vec![next.clone()], Merge::Add);
            self.focused = Some(next.clone());
        } else {
            self.select_one(next.clone());
        }
        self.reveal(&next);
        let line = self.outline_line(&next);
        tasks.push(Task::FocusNode(next));
        tasks.push(Task::Announce(line));
    }

    fn next_node(&self, direction: Direction) -> Option<NodeId> {
        let order = || self.pipeline.topological_order();
        let Some(from) = &self.focused else {
            return match direction {
                Direction::Last => order().pop(),
                Direction::Up
                | Direction::Down
                | Direction::Left
                | Direction::Right
                | Direction::Upstream
                | Direction::Downstream
                | Direction::First => order().into_iter().next(),
            };
        };
        match direction {
            Direction::First => order().into_iter().next(),
            Direction::Last => order().pop(),
            Direction::Upstream => {
                // In the order of the inputs, so that the first one leads up the main line.
                let inputs = self.scene.inputs(from).iter();
                inputs
                    .filter_map(|port| self.pipeline.source(&InPort::new(from, port)))
                    .map(|out| out.node.clone())
                    .next()
            }
            Direction::Downstream => {
                let x = |id: &NodeId| self.scene.rect(id).map_or(0.0, |rect| rect.x);
                let next = self.pipeline.downstream(from).into_iter();
                next.min_by(|a, b| x(a).total_cmp(&x(b)).then_with(|| a.cmp(b)))
            }
            Direction::Up | Direction::Down | Direction::Left | Direction::Right => self.nearest(from, direction),
        }
    }

    /// The nearest card in a direction: within the cone of 90°, distance across counts double.
    fn nearest(&self, from: &NodeId, direction: Direction) -> Option<NodeId> {
        let start = self.scene.rect(from)?.center();
        let mut best: Option<(f64, &NodeId)> = None;
        for in_cone in [true, false] {
            for (id, rect) in self.scene.rects().filter(|(id, _)| *id != from) {
                let (dx, dy) = (rect.center().x - start.x, rect.center().y - start.y);
                let (along, across) = match direction {
                    Direction::Up => (-dy, dx.abs()),
                    Direction::Down => (dy, dx.abs()),
                    Direction::Left => (-dx, dy.abs()),
                    Direction::Right => (dx, dy.abs()),
                    Direction::Upstream | Direction::Downstream | Direction::First | Direction::Last => return None,
                };
                if along > 1.0 && (!in_cone || across <= along) {
                    let cost = along + 2.0 * across;
                    if best.is_none_or(|(least, _)| cost < least) {
                        best = Some((cost, id));
                    }
                }
            }
            if best.is_some() {
                break;
            }
        }
        best.map(|(_, id)| id.clone())
    }

    pub(crate) fn cycle_port(&mut self, tasks: &mut Vec<Task>) {
        let Some(focused) = &self.focused else { return };
        let ports = self.scene.ports(focused);
        let here = self.focused_port.as_ref().and_then(|port| ports.iter().position(|other| other == port));
        let next = match here {
            Some(port_idx) => ports.get(port_idx + 1).or(ports.first()),
            None => ports.first(),
        };
        if let Some(port) = next.cloned() {
            tasks.push(Task::Announce(self.port_line(&port)));
            self.focused_port = Some(port);
        }
    }

    /// A port in words: "Input table of Split Data, fed by Sample Datasets".
    pub fn port_line(&self, port: &PortRef) -> String {
        let owner = self.title(port.node());
        let kind = crate::connect::port_type(&self.pipeline, &self.catalogue, port).map_or("", |kind| kind.phrase());
        match port {
            PortRef::In(input) => {
                let fed = match self.pipeline.source(input) {
                    Some(from) => format!("fed by {}", self.title(&from.node)),
                    None => "open".into(),
                };
                format!("Input {} of {owner}, takes {kind}, {fed}", input.port)
            }
            PortRef::Out(output) => {
                let n = self.pipeline.edges().values().filter(|from| *from == output).count();
                let feeds = match n {
                    0 => "feeds nothing".into(),
                    1 => "feeds 1 input".into(),
                    n => format!("feeds {n} inputs"),
                };
                format!("Output {} of {owner}, gives {kind}, {feeds}", output.port)
            }
        }
    }

    pub(crate) fn set_viewport(&mut self, viewport: Viewport) {
        let is_place = viewport.origin.x.is_finite() && viewport.origin.y.is_finite() && viewport.zoom.is_finite();
        if is_place {
            let zoom = viewport.zoom.clamp(crate::ZOOM_RANGE.0, crate::ZOOM_RANGE.1);
            self.viewport = Viewport { zoom, ..viewport };
        }
    }

    pub(crate) fn zoom(&mut self, zoom: Zoom) {
        let middle = pipeline::Point { x: self.size.width / 2.0, y: self.size.height / 2.0 };
        let now = self.viewport.zoom;
        self.viewport = match zoom {
            Zoom::In => {
                let next = ZOOM_STEPS.iter().copied().find(|step| *step > now * 1.01).unwrap_or(crate::ZOOM_RANGE.1);
                self.viewport.zoomed_to(middle, next)
            }
            Zoom::Out => {
                let next = ZOOM_STEPS.iter().rev().copied().find(|step| *step < now * 0.99);
                self.viewport.zoomed_to(middle, next.unwrap_or(crate::ZOOM_RANGE.0))
            }
            Zoom::Actual => self.viewport.zoomed_to(middle, 1.0),
            Zoom::To(zoom) => self.viewport.zoomed_to(middle, zoom),
            Zoom::About(anchor, factor) => self.viewport.zoomed_about(anchor, factor),
        };
    }

    pub(crate) fn fit(&mut self, what: Fit) {
        let selected =
            || self.selection.iter().filter_map(|id| self.scene.rect(id)).reduce(|all, next| all.union(&next));
        let area = match what {
            Fit::All => self.scene.bounds(),
            Fit::Selection => selected().or_else(|| self.scene.bounds()),
        };
        self.viewport = match area {
            Some(area) => Viewport::fitted(area, self.size),
            None => Viewport::default(),
        };
    }

    pub(crate) fn reveal(&mut self, node: &NodeId) {
        if let Some(rect) = self.scene.rect(node)
            && self.size.width > 0.0
        {
            self.viewport = self.viewport.revealing(rect, self.size);
        }
    }
}
