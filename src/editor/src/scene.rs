//! The pipeline as shapes: flat arrays for culling, a grid of cells for finding what lies under a point.

use std::collections::{BTreeMap, HashMap};

use pipeline::{Catalogue, InPort, NodeId, OutPort, Pipeline, Point};

use crate::command::PortRef;
use crate::geometry::{CARD_WIDTH, Curve, Rect, distance, port_offset};

/// How far into its card a port is pressed, at most: titles begin below.
const PORT_REACH_WITHIN: f64 = 10.0;
/// Side of a cell of the grid.
const CELL: f64 = 256.0;

/// What lies under a point.
#[derive(Clone, Debug, PartialEq)]
pub enum Hit {
    /// A port.
    Port(PortRef),
    /// A card.
    Node(NodeId),
    /// An edge, named by the input that it feeds.
    Edge(InPort),
    /// Nothing.
    Ground,
}

/// One edge as a shape.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneEdge {
    /// The giving end.
    pub from: OutPort,
    /// The taking end.
    pub to: InPort,
    /// Its way.
    pub curve: Curve,
}

/// All shapes of a pipeline.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    ids: Vec<NodeId>,
    position_of: BTreeMap<NodeId, usize>,
    x: Vec<f64>,
    y: Vec<f64>,
    height: Vec<f64>,
    inputs: Vec<Vec<String>>,
    outputs: Vec<Vec<String>>,
    edges: Vec<SceneEdge>,
    node_cells: HashMap<(i64, i64), Vec<usize>>,
    edge_cells: HashMap<(i64, i64), Vec<usize>>,
}

impl Scene {
    /// The shapes of a pipeline whose cards have these heights.
    pub fn new(pipeline: &Pipeline, catalogue: &Catalogue, height_of: impl Fn(&NodeId) -> f64) -> Self {
        let mut scene = Self::default();
        for (node_idx, (id, node)) in pipeline.nodes().iter().enumerate() {
            scene.ids.push(id.clone());
            scene.position_of.insert(id.clone(), node_idx);
            scene.x.push(node.position.x);
            scene.y.push(node.position.y);
            scene.height.push(height_of(id));
            let spec = catalogue.get(&node.component);
            scene.inputs.push(spec.map_or_else(Vec::new, |spec| names(&spec.inputs)));
            scene.outputs.push(spec.map_or_else(Vec::new, |spec| names(&spec.outputs)));
        }
        // Ports that only edges know of (of placeholders, of older components) are shown too.
        for (to, from) in pipeline.edges() {
            for (ports, node, port) in
                [(&mut scene.inputs, &to.node, &to.port), (&mut scene.outputs, &from.node, &from.port)]
            {
                if let Some(&node_idx) = scene.position_of.get(node)
                    && !ports[node_idx].contains(port)
                {
                    ports[node_idx].push(port.clone());
                }
            }
        }
        for (to, from) in pipeline.edges() {
            let ends = (scene.port(&PortRef::Out(from.clone())), scene.port(&PortRef::In(to.clone())));
            if let (Some(start), Some(end)) = ends {
                let curve = Curve::between(start, end);
                scene.edges.push(SceneEdge { from: from.clone(), to: to.clone(), curve });
            }
        }
        for node_idx in 0..scene.ids.len() {
            for cell in cells(&scene.rect_at(node_idx)) {
                scene.node_cells.entry(cell).or_default().push(node_idx);
            }
        }
        for (edge_idx, edge) in scene.edges.iter().enumerate() {
            for cell in cells(&edge.curve.bounds()) {
                scene.edge_cells.entry(cell).or_default().push(edge_idx);
            }
        }
        scene
    }

    fn rect_at(&self, node_idx: usize) -> Rect {
        Rect::new(self.x[node_idx], self.y[node_idx], CARD_WIDTH, self.height[node_idx])
    }

    /// Where a card lies.
    pub fn rect(&self, id: &NodeId) -> Option<Rect> {
        self.position_of.get(id).map(|&node_idx| self.rect_at(node_idx))
    }

    /// All cards, by id.
    pub fn rects(&self) -> impl Iterator<Item = (&NodeId, Rect)> {
        self.ids.iter().enumerate().map(|(node_idx, id)| (id, self.rect_at(node_idx)))
    }

    /// The names of a node's inputs, from left to right.
    pub fn inputs(&self, id: &NodeId) -> &[String] {
        self.position_of.get(id).map_or(&[], |&node_idx| self.inputs[node_idx].as_slice())
    }

    /// The names of a node's outputs, from left to right.
    pub fn outputs(&self, id: &NodeId) -> &[String] {
        self.position_of.get(id).map_or(&[], |&node_idx| self.outputs[node_idx].as_slice())
    }

    /// A node's ports: inputs, then outputs.
    pub fn ports(&self, id: &NodeId) -> Vec<PortRef> {
        let inputs = self.inputs(id).iter().map(|port| PortRef::In(InPort::new(id, port)));
        inputs.chain(self.outputs(id).iter().map(|port| PortRef::Out(OutPort::new(id, port)))).collect()
    }

    /// The middle of a port.
    pub fn port(&self, port: &PortRef) -> Option<Point> {
        let rect = self.rect(port.node())?;
        let (names, y) = match port {
            PortRef::In(_) => (self.inputs(port.node()), rect.y),
            PortRef::Out(_) => (self.outputs(port.node()), rect.bottom()),
        };
        let port_idx = names.iter().position(|name| name == port.port())?;
        Some(Point { x: rect.x + port_offset(port_idx, names.len()), y })
    }

    /// All edges, by the input that they feed.
    pub fn edges(&self) -> &[SceneEdge] {
        &self.edges
    }

    /// A rectangle around all cards; none for an empty pipeline.
    pub fn bounds(&self) -> Option<Rect> {
        (0..self.ids.len()).map(|node_idx| self.rect_at(node_idx)).reduce(|all, next| all.union(&next))
    }

    /// Cards that share a point with a rectangle, by id. A linear pass over flat arrays: 10,000 cards take
    /// some 50 µs, so that no tree is needed.
    pub fn within(&self, area: &Rect) -> Vec<NodeId> {
        let (left, top) = (area.x - CARD_WIDTH, area.y);
        let (right, bottom) = (area.right(), area.bottom());
        (0..self.ids.len())
            .filter(|&node_idx| {
                let (x, y) = (self.x[node_idx], self.y[node_idx]);
                x >= left && x <= right && y <= bottom && y + self.height[node_idx] >= top
            })
            .map(|node_idx| self.ids[node_idx].clone())
            .collect()
    }

    /// What lies under a point; ports and edges are found within `reach`, ports before cards before edges. Over a card
    /// a port has to be nearer, or far away, where cards are small, nothing of them could be pressed but ports.
    pub fn hit(&self, point: Point, reach: f64) -> Hit {
        let around = Rect::new(point.x, point.y, 0.0, 0.0).grown(reach);
        let mut nearby: Vec<usize> =
            cells(&around).filter_map(|cell| self.node_cells.get(&cell)).flatten().copied().collect();
        nearby.sort_unstable();
        // Later cards lie on top.
        let card = nearby.into_iter().rev().find(|&node_idx| self.rect_at(node_idx).contains(point));
        let port_reach = if card.is_some() { (reach / 2.0).min(PORT_REACH_WITHIN) } else { reach };
        if let Some(port) = self.nearest_port(point, port_reach, |_| true) {
            return Hit::Port(port);
        }
        if let Some(node_idx) = card {
            return Hit::Node(self.ids[node_idx].clone());
        }
        let mut nearby: Vec<usize> =
            cells(&around).filter_map(|cell| self.edge_cells.get(&cell)).flatten().copied().collect();
        nearby.sort_unstable();
        nearby.dedup();
        nearby
            .into_iter()
            .map(|edge_idx| (self.edges[edge_idx].curve.distance(point), edge_idx))
            .filter(|(away, _)| *away <= reach)
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map_or(Hit::Ground, |(_, edge_idx)| Hit::Edge(self.edges[edge_idx].to.clone()))
    }

    /// The nearest port within `reach` that will do.
    pub fn nearest_port(&self, point: Point, reach: f64, will_do: impl Fn(&PortRef) -> bool) -> Option<PortRef> {
        let around = Rect::new(point.x, point.y, 0.0, 0.0).grown(reach);
        let mut nearby: Vec<usize> =
            cells(&around).filter_map(|cell| self.node_cells.get(&cell)).flatten().copied().collect();
        nearby.sort_unstable();
        nearby.dedup();
        let mut nearest: Option<(f64, PortRef)> = None;
        for node_idx in nearby {
            for port in self.ports(&self.ids[node_idx]) {
                let Some(middle) = self.port(&port) else { continue };
                let away = distance(middle, point);
                if away <= reach && nearest.as_ref().is_none_or(|(least, _)| away < *least) && will_do(&port) {
                    nearest = Some((away, port));
                }
            }
        }
        nearest.map(|(_, port)| port)
    }
}

fn names(ports: &[pipeline::PortSpec]) -> Vec<String> {
    ports.iter().map(|port| port.name.clone()).collect()
}

/// The cells that a rectangle touches. One that would touch very many (a stray position, far away) is cut short.
fn cells(area: &Rect) -> impl Iterator<Item = (i64, i64)> + use<> {
    const MOST: i64 = 64;
    let cell = |along: f64| (along / CELL).floor() as i64;
    let (left, top) = (cell(area.x), cell(area.y));
    let (right, bottom) =
        (cell(area.right()).min(left.saturating_add(MOST)), cell(area.bottom()).min(top.saturating_add(MOST)));
    (left..=right).flat_map(move |column| (top..=bottom).map(move |row| (column, row)))
}
