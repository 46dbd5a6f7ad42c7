//! The winner of a search as a part of the document: prepared, trained, scored on rows the search has not seen, and
//! evaluated.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::{Catalogue, Edit, InPort, Node, NodeId, OutPort, Value};
use protocol::{Failure, Member, PlaceWinner, Placing, Search};

use crate::draft::Draft;

/// Places the members of an ensemble, or a single candidate.
///
/// # Errors
/// The table that the search began with is no longer in the document.
pub fn place(catalogue: &Catalogue, call: &PlaceWinner) -> Result<Placing, Failure> {
    let PlaceWinner { pipeline: document, search, members } = call;
    if document.node(&search.table.node).is_none() {
        return Err(Failure::new(
            format!("the pipeline has no node `{}` any more, with whose table the search began", search.table.node),
            "Undo its removal, or begin a new search.",
        ));
    }
    let before = search.pipeline.feeding([&search.table.node]);
    let placer = Placer { draft: Draft::new(document.clone(), catalogue), search, before, placed: BTreeMap::new() };
    placer.place(members)
}

struct Placer<'a> {
    draft: Draft<'a>,
    search: &'a Search,
    /// What feeds the table, and its node: they are in the document already.
    before: BTreeSet<NodeId>,
    /// The search's nodes in the document.
    placed: BTreeMap<NodeId, NodeId>,
}

/// How one candidate is made.
struct Recipe {
    learner: Node,
    /// Fitted on the training rows, one after the other.
    transforms: Vec<NodeId>,
    /// The rows that it is trained on, in the search's pipeline.
    rows: OutPort,
    weight: u32,
}

impl Placer<'_> {
    fn place(mut self, members: &[Member]) -> Result<Placing, Failure> {
        let recipes = members.iter().map(|member| self.recipe(member)).collect::<Result<Vec<_>, _>>()?;
        let Some(first) = recipes.first() else {
            return Err(Failure::new("there is nothing to place", "Let a trial of the search come to its end."));
        };
        // What all of them do to the rows is done to the test rows once; what only some do travels with their models.
        let n_shared = (0..first.transforms.len())
            .take_while(|at| recipes.iter().all(|recipe| recipe.transforms.get(*at) == first.transforms.get(*at)))
            .count();
        let mut models = Vec::new();
        for recipe in &recipes {
            let rows = self.port(&recipe.rows)?;
            let Node { component, params, .. } = &recipe.learner;
            let learner = self.draft.add(component, params.clone())?;
            let train = self.draft.add("train.train-model", pipeline::Params::new())?;
            self.draft.connect(&OutPort::new(&learner, "learner"), &train, "learner")?;
            self.draft.connect(&rows, &train, "table")?;
            let mut model = OutPort::new(&train, "model");
            // The last transform is applied first by the wrapper that is put on last.
            for transform in recipe.transforms[n_shared..].iter().rev() {
                let fitted = self.port(&OutPort::new(transform, "transformation"))?;
                let wrapped = self.draft.add("train.prepend-transformation", pipeline::Params::new())?;
                self.draft.connect(&fitted, &wrapped, "transformation")?;
                self.draft.connect(&model, &wrapped, "model")?;
                model = OutPort::new(&wrapped, "model");
            }
            models.push((model, recipe.weight));
        }
        let model = self.combined(models)?;

        let split = self.split(first)?;
        let mut test = self.port(&OutPort::new(&split, "test"))?;
        for transform in &first.transforms[..n_shared] {
            let fitted = self.port(&OutPort::new(transform, "transformation"))?;
            let applied = self.draft.add("transform.apply-transformation", pipeline::Params::new())?;
            self.draft.connect(&fitted, &applied, "transformation")?;
            self.draft.connect(&test, &applied, "table")?;
            test = OutPort::new(&applied, "table");
        }
        let score = self.draft.add("score.score-model", pipeline::Params::new())?;
        self.draft.connect(&model, &score, "model")?;
        self.draft.connect(&test, &score, "table")?;
        let evaluation = self.draft.add("evaluate.evaluate-model", pipeline::Params::new())?;
        self.draft.connect(&OutPort::new(&score, "scored"), &evaluation, "scored")?;
        Ok(Placing { edits: self.draft.edits, evaluation })
    }

    /// The search's pipeline with a member's settings, read back from the judge.
    fn recipe(&self, member: &Member) -> Result<Recipe, Failure> {
        let Search { pipeline, judge, study, .. } = self.search;
        let lost = |what: &str| Failure::new(format!("trial {}: {what}", member.trial), "Begin a new search.");
        let mut changed = pipeline.clone();
        let edits = Edit::Batch(study.space.edits(&member.settings));
        changed.apply(edits).map_err(|error| lost(&error.to_string()))?;
        let source = |input: &str| changed.source(&InPort::new(judge, input)).cloned();
        let (Some(learner), Some(rows)) = (source("learner"), source("table")) else {
            return Err(lost("nothing feeds the node that judges"));
        };
        let learner = changed.node(&learner.node).cloned().ok_or_else(|| lost("its learner is not there"))?;
        let mut transforms = Vec::new();
        let mut at = rows.node.clone();
        while changed.node(&at).is_some_and(|node| node.component.starts_with("transform.")) {
            transforms.push(at.clone());
            at = changed.source(&InPort::new(&at, "table")).ok_or_else(|| lost("a step has no table"))?.node.clone();
        }
        transforms.reverse();
        Ok(Recipe { learner, transforms, rows, weight: member.weight })
    }

    fn split(&self, recipe: &Recipe) -> Result<NodeId, Failure> {
        let first = recipe.transforms.first().map(|transform| InPort::new(transform, "table"));
        let rows = first.and_then(|input| self.search.pipeline.source(&input)).unwrap_or(&recipe.rows);
        Ok(rows.node.clone())
    }

    /// An output of the search's pipeline in the document; its node and all before it are placed if they are not.
    fn port(&mut self, port: &OutPort) -> Result<OutPort, Failure> {
        Ok(OutPort::new(&self.node(&port.node)?, &port.port))
    }

    fn node(&mut self, id: &NodeId) -> Result<NodeId, Failure> {
        if self.before.contains(id) {
            return Ok(id.clone());
        }
        if let Some(placed) = self.placed.get(id) {
            return Ok(placed.clone());
        }
        let search = self.search;
        let node = search
            .pipeline
            .node(id)
            .ok_or_else(|| Failure::new(format!("the search has no node `{id}`"), "Begin a new search."))?;
        let placed = self.draft.add(&node.component, node.params.clone())?;
        self.placed.insert(id.clone(), placed.clone());
        for (to, from) in search.pipeline.edges().iter().filter(|(to, _)| to.node == *id) {
            let from = self.port(from)?;
            self.draft.connect(&from, &placed, &to.port)?;
        }
        Ok(placed)
    }

    /// One model of several.
    fn combined(&mut self, models: Vec<(OutPort, u32)>) -> Result<OutPort, Failure> {
        if let [(model, _)] = models.as_slice() {
            return Ok(model.clone());
        }
        let weights = models.iter().enumerate().filter(|(_, (_, weight))| *weight != 1);
        let weights = weights.map(|(at, (_, weight))| (format!("weight_{}", at + 1), Value::Int(i64::from(*weight))));
        let combined = self.draft.add("train.combine-models", weights.collect())?;
        for (at, (model, _)) in models.iter().enumerate() {
            self.draft.connect(model, &combined, &format!("model_{}", at + 1))?;
        }
        Ok(OutPort::new(&combined, "model"))
    }
}
