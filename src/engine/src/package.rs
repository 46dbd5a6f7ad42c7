//! A trained model with all that rows need on their way to it, packed for an endpoint.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{ColumnView, Model, Prediction, Target, Transform, Values};
use pipeline::{InPort, NodeId, OutPort, ParamSpec, Pipeline, PortType, counts, is_fed, value_in_words};
use protocol::{About, Failure};
use registry::{
    Card, Cell, ColumnReference, Field, Header, Metric, Package, Predicts, Reference, Setting, Signature, Step,
};
use table::Table;

use crate::{Artifact, Engine, NodeParams, Scoring};

/// Rows that are looked at, at most, for what the model says of them.
const MAX_PREDICTED: usize = 10_000;
/// Categories of a column whose counts are kept, at most.
const MAX_NAMES: usize = 200;

/// The way of a row.
struct Way {
    model: Model,
    /// The rows as they enter.
    entry: Table,
    entry_step: Step,
    steps: Vec<Step>,
}

impl Engine {
    /// Packs the model that a node gave or used in the last run, together with the transformations that rows go through
    /// on their way to it. Rows enter at the earliest place from which they can be carried.
    ///
    /// # Errors
    /// The node gave no model, its results are no longer kept, or its own rows cannot be predicted.
    pub fn package(&self, pipeline: &Pipeline, node: &NodeId, about: &About) -> Result<Package, Failure> {
        let way = self.way(pipeline, node)?;
        let columns = way.model.columns();
        let n_rows = way.entry.n_rows();
        let wanted = |name: &String| columns.contains(name);
        let column_idxs: Vec<usize> =
            (0..way.entry.n_columns()).filter(|at| wanted(&way.entry.schema().columns[*at].name)).collect();
        let rows = way.entry.select(&column_idxs);
        if let Some(missing) = columns.iter().find(|name| rows.schema().position(name).is_err()) {
            return Err(Failure::new(
                format!("the rows at {} have no column {missing:?}, which the model looks at", way.entry_step.title),
                "Put a Web Service Input where rows have all columns that the model was trained on.",
            ));
        }
        let fields = fields(&way.model, &rows)?;
        let complete = complete_rows(&rows, &fields);
        if complete.is_empty() && n_rows > 0 {
            return Err(Failure::new(
                format!("no row at {} can be predicted: each has a gap", way.entry_step.title),
                "Fill gaps with Clean Missing Data before the model is trained.",
            ));
        }
        let sampled: Vec<u32> = evenly(&complete, MAX_PREDICTED);
        let prediction = way.model.predict(&rows.take(&sampled).frame());
        let prediction = prediction.map_err(|error| {
            Failure::new(
                format!("the model cannot predict the rows at {}: {error}", way.entry_step.title),
                "Put a Web Service Input where rows are as the model takes them.",
            )
        })?;
        let frame = rows.frame();
        let predicts = predicts(&way.model.target);
        let reference = Reference {
            n_rows: n_rows as u64,
            inputs: frame.columns.iter().map(|column| column_reference(column, n_rows)).collect(),
            prediction: Some(prediction_reference(&predicts, &prediction)),
        };
        let card = Card {
            learner: way.model.learner.clone(),
            n_training_rows: way.model.n_training_rows,
            pipeline: pipeline.name().to_owned(),
            pipeline_hash: about.pipeline_hash.clone(),
            run: about.run.clone(),
            node: node.to_string(),
            steps: way.steps,
            settings: self.settings(pipeline, node),
            entry: way.entry_step,
            metrics: self.metrics_behind(pipeline, node),
            engine: about.engine.clone(),
            created_at: about.now_ms,
            description: about.description.clone(),
        };
        let header = Header { signature: Signature { inputs: fields, predicts }, reference, card };
        Ok(Package { header, model: way.model.to_bytes() })
    }

    /// From the node back to where rows can enter.
    fn way(&self, pipeline: &Pipeline, node: &NodeId) -> Result<Way, Failure> {
        let (model, rows_at) = match self.scoring(pipeline, node)? {
            Scoring::Trains { table } => (self.model_of(pipeline, node)?, Some(InPort::new(node, table))),
            Scoring::Predicts { model, table } => {
                let source = self.source(pipeline, &InPort::new(node, model))?;
                match self.artifact(&source)? {
                    Artifact::Model(model) => (Model::clone(&model), Some(InPort::new(node, table))),
                    _ => return Err(no_model(node)),
                }
            }
            Scoring::Passes { table, .. } => {
                // What marks the scored rows stands behind what scores them.
                return self.way(pipeline, &self.source(pipeline, &InPort::new(node, table))?.node);
            }
            Scoring::Entry | Scoring::Fitted { .. } | Scoring::Given { .. } => (self.model_of(pipeline, node)?, None),
        };
        let last = vec![self.step(pipeline, node, format!("predicts with a {}", model.learner))];
        match rows_at {
            Some(rows_at) => self.carried(pipeline, model, self.source(pipeline, &rows_at)?, last),
            None => self.as_it_is(pipeline, node, model, last),
        }
    }

    /// Carries rows back, transformation by transformation.
    fn carried(
        &self,
        pipeline: &Pipeline,
        mut model: Model,
        mut at: OutPort,
        mut steps: Vec<Step>,
    ) -> Result<Way, Failure> {
        loop {
            let (table, transform, what) = match self.scoring(pipeline, &at.node)? {
                Scoring::Entry | Scoring::Trains { .. } | Scoring::Predicts { .. } => break,
                Scoring::Passes { table, why } => (table, None, format!("rows pass as they are: it {why}")),
                Scoring::Fitted { table, transformation } => {
                    let fitted = self.transform(&OutPort::new(&at.node, transformation))?;
                    (table, Some(fitted), "is applied as it was fitted in training".into())
                }
                Scoring::Given { table, transformation } => {
                    let given = self.transform(&self.source(pipeline, &InPort::new(&at.node, transformation))?)?;
                    (table, Some(given), "is applied as it was fitted in training".into())
                }
            };
            if let Some(transform) = transform {
                model = model.prepared(&transform).map_err(|error| {
                    Failure::new(
                        error.to_string(),
                        "Leave the label column out of Normalize Data's columns, and train anew.",
                    )
                })?;
            }
            steps.insert(0, self.step(pipeline, &at.node, what));
            at = self.source(pipeline, &InPort::new(&at.node, table))?;
        }
        let entry_step = self.step(pipeline, &at.node, format!("rows enter as they leave `{}`", at.port));
        Ok(Way { model, entry: self.table(&at)?, entry_step, steps })
    }

    /// A model that carries its own preparation: rows enter at the first table before it that it can predict.
    fn as_it_is(&self, pipeline: &Pipeline, node: &NodeId, model: Model, steps: Vec<Step>) -> Result<Way, Failure> {
        let before = pipeline.feeding([node]);
        let columns = model.columns();
        for id in pipeline.topological_order().into_iter().filter(|id| before.contains(id)) {
            let spec = pipeline.node(&id).and_then(|node| self.catalogue().get(&node.component));
            for port in spec.into_iter().flat_map(|spec| &spec.outputs) {
                let at = OutPort::new(&id, &port.name);
                let Ok(table) = self.table(&at) else { continue };
                let has_all = columns.iter().all(|name| table.schema().position(name).is_ok());
                if has_all && fields(&model, &table).is_ok() {
                    let entry_step = self.step(pipeline, &id, format!("rows enter as they leave `{}`", port.name));
                    return Ok(Way { model, entry: table, entry_step, steps });
                }
            }
        }
        Err(Failure::new(
            format!("no table before `{node}` has all columns that its model looks at"),
            "Run the pipeline again: results may no longer be kept.",
        ))
    }

    fn scoring(&self, pipeline: &Pipeline, id: &NodeId) -> Result<Scoring, Failure> {
        let node = pipeline
            .node(id)
            .ok_or_else(|| Failure::new(format!("there is no node `{id}`"), "Choose one that gives a model."))?;
        let (component, spec) = self.component(&node.component).ok_or_else(|| {
            Failure::new(format!("there is no component `{}`", node.component), "Open it with a newer version.")
        })?;
        Ok(component.scoring(NodeParams::new(spec, node)))
    }

    fn source(&self, pipeline: &Pipeline, input: &InPort) -> Result<OutPort, Failure> {
        let missing = || Failure::new(format!("nothing is connected to `{input}`"), "Connect it and run again.");
        pipeline.source(input).cloned().ok_or_else(missing)
    }

    fn model_of(&self, pipeline: &Pipeline, id: &NodeId) -> Result<Model, Failure> {
        let output = pipeline::models(pipeline, self.catalogue())
            .into_iter()
            .find(|output| output.node == *id)
            .ok_or_else(|| no_model(id))?;
        match self.artifact(&output)? {
            Artifact::Model(model) => Ok(Arc::unwrap_or_clone(model)),
            _ => Err(no_model(id)),
        }
    }

    fn transform(&self, output: &OutPort) -> Result<Arc<Transform>, Failure> {
        match self.artifact(output)? {
            Artifact::Transformation(transform) => Ok(transform),
            _ => Err(Failure::new(format!("`{output}` gives no transformation"), "Connect a fitted transformation.")),
        }
    }

    fn step(&self, pipeline: &Pipeline, id: &NodeId, what: String) -> Step {
        let node = pipeline.node(id);
        let component = node.and_then(|node| self.catalogue().get(&node.component));
        let title = node.and_then(|node| node.title.clone()).or_else(|| component.map(|spec| spec.title.clone()));
        Step { node: id.to_string(), title: title.unwrap_or_else(|| id.to_string()), what }
    }

    /// What is set at a node and at those that feed it.
    fn settings(&self, pipeline: &Pipeline, node: &NodeId) -> Vec<Setting> {
        let feeding = pipeline.feeding([node]);
        let mut settings = Vec::new();
        for id in pipeline.topological_order().into_iter().filter(|id| feeding.contains(id)) {
            let Some(node) = pipeline.node(&id) else { continue };
            let Some(spec) = self.catalogue().get(&node.component) else { continue };
            let title = node.title.as_ref().unwrap_or(&spec.title);
            let count = |param: &&ParamSpec| counts(spec, node, param) && is_fed(pipeline, &id, param);
            settings.extend(spec.params.iter().filter(count).map(|param| Setting {
                name: format!("{id}.{}", param.name),
                label: format!("{title}: {}", param.label),
                value: value_in_words(param, node.value(param)),
            }));
        }
        settings
    }

    /// The figures of every evaluation that rests on a node. One that compares two models tells the second's figures
    /// with `.2` behind their names; only those of this node's are taken.
    fn metrics_behind(&self, pipeline: &Pipeline, node: &NodeId) -> Vec<Metric> {
        let mut metrics = Vec::new();
        for id in pipeline.topological_order() {
            let Some(spec) = pipeline.node(&id).and_then(|node| self.catalogue().get(&node.component)) else {
                continue;
            };
            let Some(port) = spec.outputs.iter().find(|port| port.port_type == PortType::Evaluation) else { continue };
            let Ok(Artifact::Evaluation(evaluation)) = self.artifact(&OutPort::new(&id, &port.name)) else { continue };
            let is_behind = |input: &str| {
                let source = pipeline.source(&InPort::new(&id, input));
                source.is_some_and(|source| pipeline.feeding([&source.node]).contains(node))
            };
            let behind: Vec<bool> = spec.inputs.iter().map(|input| is_behind(&input.name)).collect();
            let is_alone = behind.iter().filter(|is_behind| **is_behind).count() == 1;
            for (name, value) in evaluation.metrics.iter().filter(|(_, value)| value.is_finite()) {
                let (stem, input) = match name.strip_suffix(".2") {
                    Some(stem) => (stem, 1),
                    None => (name.as_str(), 0),
                };
                if behind.get(input).is_some_and(|is_behind| *is_behind) {
                    let name = if is_alone { stem } else { name };
                    metrics.push(Metric { name: format!("{id}.{name}"), value: *value });
                }
            }
        }
        metrics
    }
}

fn no_model(node: &NodeId) -> Failure {
    Failure::new(format!("`{node}` gives no trained model"), "Choose Train Model, or another node that gives one.")
}

fn predicts(target: &Target) -> Predicts {
    match target {
        Target::Number { name } => Predicts::Number { name: name.clone() },
        Target::Class { name, kind, classes } => {
            Predicts::Class { name: name.clone(), kind: *kind, classes: classes.clone() }
        }
    }
}

/// The columns that the model looks at, in the order of the table.
fn fields(model: &Model, rows: &Table) -> Result<Vec<Field>, Failure> {
    let columns = model.columns();
    let frame = rows.frame();
    let n_rows = rows.n_rows();
    let looked_at: Vec<&ColumnView<'_>> = frame.columns.iter().filter(|column| columns.contains(column.name)).collect();
    // A row of the data is the best example, one without gaps if there is any.
    let is_whole = |row_idx: &usize| looked_at.iter().all(|column| column.is_valid(*row_idx));
    let example = (0..n_rows).find(is_whole).unwrap_or_default();
    looked_at
        .iter()
        .map(|column| {
            let gaps = || (0..n_rows).filter(|row_idx| !column.is_valid(*row_idx));
            let others =
                |row_idx: &usize| looked_at.iter().all(|other| other.name == column.name || other.is_valid(*row_idx));
            let gap = gaps().find(others).or_else(|| gaps().next());
            let nullable = gap.is_some_and(|row_idx| fills(model, rows, row_idx, column.name));
            Ok(Field {
                name: column.name.to_owned(),
                kind: column.kind(),
                nullable,
                categories: categories(column, n_rows),
                range: range(column, n_rows),
                example: if n_rows == 0 { Cell::Missing } else { cell(column, example) },
            })
        })
        .collect()
}

/// Whether the model predicts a row in which this column has no value, or at least does not complain of that.
fn fills(model: &Model, rows: &Table, row_idx: usize, column: &str) -> bool {
    match model.predict(&rows.take(&[row_idx as u32]).frame()) {
        Ok(_) => true,
        Err(model::ModelError::MissingValue { name, .. }) => name != column,
        Err(_) => false,
    }
}

/// Rows without a gap where the model needs a value.
fn complete_rows(rows: &Table, fields: &[Field]) -> Vec<u32> {
    let frame = rows.frame();
    let needed: BTreeSet<&str> = fields.iter().filter(|field| !field.nullable).map(|field| &*field.name).collect();
    let columns: Vec<_> = frame.columns.iter().filter(|column| needed.contains(column.name)).collect();
    let is_complete = |row_idx: &u32| columns.iter().all(|column| column.is_valid(*row_idx as usize));
    (0..rows.n_rows() as u32).filter(is_complete).collect()
}

/// At most so many of some rows, evenly taken.
fn evenly(rows: &[u32], n: usize) -> Vec<u32> {
    let n = n.min(rows.len());
    (0..n).map(|at| rows[at * rows.len() / n]).collect()
}

fn cell(column: &ColumnView<'_>, row_idx: usize) -> Cell {
    if !column.is_valid(row_idx) {
        return Cell::Missing;
    }
    match &column.values {
        Values::Number(values) => Cell::Number(values[row_idx]),
        Values::Integer(values) | Values::DateTime(values) => Cell::Integer(values[row_idx]),
        Values::Boolean(values) => Cell::Boolean(values[row_idx]),
        Values::Category { codes, dictionary } => {
            Cell::Text(dictionary.get(codes[row_idx] as usize).copied().unwrap_or_default().to_owned())
        }
        Values::Text(values) => Cell::Text(values[row_idx].to_owned()),
    }
}

/// The numbers of a column, if it is one of numbers.
fn numbers<'a>(column: &'a ColumnView<'_>, n_rows: usize) -> Option<Box<dyn Iterator<Item = Option<f64>> + 'a>> {
    let valid = |row_idx: usize| column.is_valid(row_idx);
    match &column.values {
        Values::Number(values) => Some(Box::new((0..n_rows).map(move |at| valid(at).then(|| values[at])))),
        Values::Integer(values) | Values::DateTime(values) => {
            Some(Box::new((0..n_rows).map(move |at| valid(at).then(|| values[at] as f64))))
        }
        Values::Boolean(_) | Values::Category { .. } | Values::Text(_) => None,
    }
}

fn range(column: &ColumnView<'_>, n_rows: usize) -> Option<[f64; 2]> {
    let mut finite = numbers(column, n_rows)?.flatten().filter(|value| value.is_finite());
    let first = finite.next()?;
    Some(finite.fold([first, first], |[min, max], value| [min.min(value), max.max(value)]))
}

fn categories(column: &ColumnView<'_>, n_rows: usize) -> Vec<String> {
    let Values::Category { codes, dictionary } = &column.values else { return Vec::new() };
    let seen: BTreeSet<i32> = (0..n_rows).filter(|at| column.is_valid(*at)).map(|at| codes[at]).collect();
    let names = seen.into_iter().filter_map(|code| dictionary.get(code as usize));
    names.map(|name| (*name).to_owned()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn column_reference(column: &ColumnView<'_>, n_rows: usize) -> ColumnReference {
    if let Some(numbers) = numbers(column, n_rows) {
        return ColumnReference::of_numbers(column.name, &numbers.collect::<Vec<_>>());
    }
    let name = |at: usize| -> Option<&str> {
        if !column.is_valid(at) {
            return None;
        }
        match &column.values {
            Values::Boolean(values) => Some(if values[at] { "true" } else { "false" }),
            Values::Category { codes, dictionary } => dictionary.get(codes[at] as usize).copied(),
            Values::Text(values) => Some(values[at]),
            Values::Number(_) | Values::Integer(_) | Values::DateTime(_) => None,
        }
    };
    ColumnReference::of_categories(column.name, (0..n_rows).map(name), MAX_NAMES)
}

fn prediction_reference(predicts: &Predicts, prediction: &Prediction) -> ColumnReference {
    match (predicts, prediction) {
        (Predicts::Class { name, classes, .. }, Prediction::Probabilities { .. }) => {
            let named = prediction.classes();
            let named = named.iter().map(|class| classes.get(*class as usize).map(String::as_str));
            ColumnReference::of_categories(name.as_str(), named, MAX_NAMES)
        }
        (_, Prediction::Numbers(values) | Prediction::Probabilities { values, .. }) => {
            ColumnReference::of_numbers(predicts.name(), &values.iter().copied().map(Some).collect::<Vec<_>>())
        }
    }
}
