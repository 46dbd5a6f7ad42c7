//! The pipeline in reading order, for the outline tree and the screen reader.

use pipeline::{InPort, NodeId, OutPort, Severity};

use crate::command::PortRef;
use crate::connect::port_type;
use crate::editor::Editor;
use crate::place::plural;

/// One connection, or an open port.
#[derive(Clone, Debug, PartialEq)]
pub struct OutlineLink {
    /// The port of the node whose item this is.
    pub port: PortRef,
    /// The port at the other end.
    pub other: Option<PortRef>,
    /// "Input table: from Sample Datasets, output table, 150 × 5".
    pub text: String,
}

/// One node.
#[derive(Clone, Debug, PartialEq)]
pub struct OutlineItem {
    /// Which.
    pub node: NodeId,
    /// What it is called.
    pub title: String,
    /// Its badge in a word.
    pub state: &'static str,
    /// Name, state, ins and outs in one line.
    pub text: String,
    /// Its ports: inputs, then outputs with one entry for each input that they feed.
    pub links: Vec<OutlineLink>,
    /// Whether it is selected.
    pub selected: bool,
}

impl Editor {
    /// Every node after all that feed it.
    pub fn outline(&self) -> Vec<OutlineItem> {
        let items = self.pipeline.topological_order().into_iter().map(|id| OutlineItem {
            title: self.title(&id).into(),
            state: self.status(&id).state.label(),
            text: self.outline_line(&id),
            links: self.outline_links(&id),
            selected: self.selection.contains(&id),
            node: id,
        });
        items.collect()
    }

    /// A node in one line: "Split Data, ran, 1 problem, 1 input, 2 outputs".
    pub fn outline_line(&self, id: &NodeId) -> String {
        let mut parts = vec![self.title(id).to_owned()];
        let caption = self.caption(id);
        if !caption.is_empty() {
            parts.push(caption);
        }
        let state = &self.status(id).state;
        parts.push(match state {
            crate::NodeState::Running { fraction, .. } => format!("running, {} percent", (fraction * 100.0) as u32),
            crate::NodeState::Failed(failure) => format!("failed: {failure}"),
            other => other.label().to_lowercase(),
        });
        let problems = self.problems_of(id);
        let n_errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        if n_errors > 0 {
            parts.push(format!("{n_errors} problem{}", plural(n_errors)));
        }
        let (n_inputs, n_outputs) = (self.scene.inputs(id).len(), self.scene.outputs(id).len());
        let n_open =
            self.scene.inputs(id).iter().filter(|port| self.is_open(&PortRef::In(InPort::new(id, port)))).count();
        if n_inputs > 0 {
            let open = if n_open > 0 { format!(", {n_open} open") } else { String::new() };
            parts.push(format!("{n_inputs} input{}{open}", plural(n_inputs)));
        }
        if n_outputs > 0 {
            parts.push(format!("{n_outputs} output{}", plural(n_outputs)));
        }
        parts.join(", ")
    }

    fn outline_links(&self, id: &NodeId) -> Vec<OutlineLink> {
        let mut links = Vec::new();
        let kind = |port: &PortRef| port_type(&self.pipeline, &self.catalogue, port).map_or("", |kind| kind.phrase());
        for name in self.scene.inputs(id) {
            let input = InPort::new(id, name);
            let port = PortRef::In(input.clone());
            let (other, text) = match self.pipeline.source(&input) {
                Some(from) => {
                    let label = self.edge_label(&input).map_or_else(String::new, |label| format!(", {label}"));
                    let text = format!("Input {name}: from {}, output {}{label}", self.title(&from.node), from.port);
                    (Some(PortRef::Out(from.clone())), text)
                }
                None => (None, format!("Input {name}: open, takes {}", kind(&port))),
            };
            links.push(OutlineLink { port, other, text });
        }
        for name in self.scene.outputs(id) {
            let output = OutPort::new(id, name);
            let port = PortRef::Out(output.clone());
            let fed: Vec<_> =
                self.pipeline.edges().iter().filter(|(_, from)| **from == output).map(|(to, _)| to).collect();
            if fed.is_empty() {
                let text = format!("Output {name}: gives {}, feeds nothing", kind(&port));
                links.push(OutlineLink { port, other: None, text });
                continue;
            }
            for to in fed {
                let text = format!("Output {name}: to {}, input {}", self.title(&to.node), to.port);
                links.push(OutlineLink { port: port.clone(), other: Some(PortRef::In(to.clone())), text });
            }
        }
        links
    }
}
