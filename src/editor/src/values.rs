//! The pipeline's parameters: declared from a node's, and given values for the runs of a session.

use std::collections::BTreeMap;

use pipeline::{Edit, NodeId, Parameter, ParameterKind, Pipeline, Value};
use protocol::{Rerun, RunTarget};

use crate::command::Task;
use crate::editor::Editor;

/// The values last given for runs, each with the parameter as it was declared then: one that has been changed since
/// starts over from its default.
pub type Given = BTreeMap<String, (Parameter, Value)>;

impl Editor {
    /// The value that the next run has, unless it is given another.
    pub fn value_of(&self, parameter: &str) -> Option<&Value> {
        let declared = self.pipeline.parameters().get(parameter)?;
        let given = self.given.get(parameter).filter(|(then, _)| then == declared);
        Some(given.map_or(&declared.default, |(_, value)| value))
    }

    /// The document as it runs: with the values last given in place of defaults.
    pub fn as_given(&self) -> Pipeline {
        let mut pipeline = self.pipeline.clone();
        for (name, declared) in self.pipeline.parameters() {
            if let Some(value) = self.value_of(name).filter(|value| **value != declared.default) {
                let parameter = Parameter { default: value.clone(), ..declared.clone() };
                // It is declared, so it can be changed.
                let _ = pipeline.apply(Edit::SetParameter(name.clone(), Some(parameter)));
            }
        }
        pipeline
    }

    /// The values last given, for whoever opens the document again.
    pub fn given(&self) -> &Given {
        &self.given
    }

    /// Takes up the values that were given before.
    pub fn give(&mut self, given: Given) {
        self.given = given;
    }

    /// Whether runs ask for values first.
    pub fn asks(&self) -> bool {
        !self.is_quiet
    }

    /// The parameters that such a run rests on, by name.
    fn asked_for(&self, target: &RunTarget) -> Vec<String> {
        let needed = match target {
            RunTarget::All => self.pipeline.feeding(self.pipeline.nodes().keys()),
            RunTarget::To(nodes) => self.pipeline.feeding(nodes),
        };
        let concerns = |name: &&String| self.pipeline.bound_to(name).any(|(id, _)| needed.contains(id));
        self.pipeline.parameters().keys().filter(concerns).cloned().collect()
    }

    /// Whether the user is asked first; the run begins with the answer.
    pub(crate) fn ask_first(&self, target: &RunTarget, rerun: &Rerun, tasks: &mut Vec<Task>) -> bool {
        let names = if self.is_quiet { Vec::new() } else { self.asked_for(target) };
        let asks = !names.is_empty();
        if asks {
            tasks.push(Task::AskValues { target: target.clone(), rerun: rerun.clone(), names });
        }
        asks
    }

    pub(crate) fn take_values(&mut self, values: Vec<(String, Value)>) {
        for (name, value) in values {
            if let Some(declared) = self.pipeline.parameters().get(&name) {
                self.given.insert(name, (declared.clone(), value));
            }
        }
    }

    /// Declares a parameter like this one of a node, and binds it.
    pub(crate) fn make_parameter(&mut self, node: NodeId, param: String, tasks: &mut Vec<Task>) {
        let Some(placed) = self.pipeline.node(&node) else { return };
        let Some(spec) = self.catalogue.get(&placed.component).and_then(|spec| spec.param(&param)) else { return };
        let parameter = Parameter {
            label: spec.label.clone(),
            kind: ParameterKind::of(&spec.kind),
            default: placed.value(spec).clone(),
        };
        let (name, label) = (self.pipeline.free_parameter(&param), format!("Make a parameter of {}", spec.label));
        let edits =
            vec![Edit::SetParameter(name.clone(), Some(parameter)), Edit::Bind(node, param, Some(name.clone()))];
        if self.edit(Edit::Batch(edits), &label, None, tasks) {
            tasks.push(Task::Announce(format!("Pipeline parameter {name}")));
        }
    }
}
