//! Undo and redo: steps that know how to be taken back, and what was selected around them.

use std::collections::{BTreeSet, VecDeque};

use pipeline::{Edit, NodeId};

/// Steps beyond this many are forgotten, the oldest first.
pub const N_STEPS: usize = 1_000;

/// Which consecutive edits count as one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merging {
    /// Values of this parameter.
    Param(NodeId, String),
    /// The name of this node.
    Title(NodeId),
    /// The name of the pipeline.
    Name,
    /// Its seed.
    Seed,
    /// Moves of these nodes by key.
    Moves(BTreeSet<NodeId>),
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The edit that takes it back (on the undo side) or brings it again (on the redo side).
    pub edit: Edit,
    /// What was selected before the step.
    pub before: BTreeSet<NodeId>,
    /// What was selected after it.
    pub after: BTreeSet<NodeId>,
    /// What it did: "Add Split Data".
    pub label: String,
    /// Later edits with the same key join this step while it is open.
    pub merging: Option<Merging>,
}

/// The steps behind and ahead.
#[derive(Clone, Debug, Default)]
pub struct History {
    behind: VecDeque<Step>,
    ahead: Vec<Step>,
    /// The last step still takes in edits with its key.
    open: bool,
}

impl History {
    /// Takes a step that has just been done; what was undone before it is gone.
    pub fn push(&mut self, step: Step) {
        self.ahead.clear();
        if let Some(last) = self.behind.back_mut()
            && self.open
            && step.merging.is_some()
            && last.merging == step.merging
        {
            // The older inverse restores what was there before the first of them.
            last.after = step.after;
            return;
        }
        self.open = step.merging.is_some();
        self.behind.push_back(step);
        if self.behind.len() > N_STEPS {
            self.behind.pop_front();
        }
    }

    /// Later edits begin a step of their own.
    pub fn close(&mut self) {
        self.open = false;
    }

    /// The step to take back next.
    pub fn pop_behind(&mut self) -> Option<Step> {
        self.open = false;
        self.behind.pop_back()
    }

    /// The step to bring again next.
    pub fn pop_ahead(&mut self) -> Option<Step> {
        self.ahead.pop()
    }

    /// A step has been taken back.
    pub fn put_ahead(&mut self, step: Step) {
        self.ahead.push(step);
    }

    /// A step has been brought again.
    pub fn put_behind(&mut self, step: Step) {
        self.behind.push_back(step);
    }

    /// What undo would take back.
    pub fn undo_label(&self) -> Option<&str> {
        self.behind.back().map(|step| step.label.as_str())
    }

    /// What redo would bring again.
    pub fn redo_label(&self) -> Option<&str> {
        self.ahead.last().map(|step| step.label.as_str())
    }

    /// How many steps can be taken back.
    pub fn n_behind(&self) -> usize {
        self.behind.len()
    }
}
