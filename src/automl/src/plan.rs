//! From a table and a question to a search: preparations, candidate learners, and the space over both.

use std::collections::BTreeSet;

use engine::{Engine, Host};
use pipeline::{Catalogue, Edit, NodeId, OutPort, Pipeline, Value};
use protocol::{Failure, METRICS_OF_CLASSES, METRICS_OF_NUMBERS, PlanSearch, Predicts, Question, RunTarget, Search};
use schema::{Column, ColumnSelection, Kind, Role, list};
use study::{
    Dimension, EarlyTermination, Limits, Objective, Sampling, Settings, Space, Study, better_when, metric_label,
};
use table::Table;

use crate::came_through;
use crate::candidates::{Candidate, Varied, candidates};
use crate::draft::{Draft, params, text};

/// The share of the rows that the search never sees: the winner is evaluated on them.
const TEST_SHARE: f64 = 0.25;
/// Folds of a candidate before it may be given up: on one alone, chance decides too often.
const MIN_FOLDS: u32 = 2;
/// When a candidate is given up. Every learner is tried as it is to the end, whatever it says.
const POLICY: EarlyTermination =
    EarlyTermination::MedianStopping { evaluation_interval: 1, delay_evaluation: MIN_FOLDS };
/// More values of a target are a mistake rather than classes.
const MAX_CLASSES: usize = 100;
/// Fewer training rows tell nothing.
const MIN_ROWS_PER_FOLD: usize = 4;

/// Computes the table that a question is about, and plans the search.
///
/// # Errors
/// The table cannot be computed, or the question does not fit it.
pub async fn plan(engine: &Engine, host: &dyn Host, call: &PlanSearch) -> Result<Search, Failure> {
    let table = &call.question.table;
    if call.pipeline.node(&table.node).is_none() {
        return Err(Failure::new(
            format!("the pipeline has no node `{}`", table.node),
            "Choose a table that is in the pipeline.",
        ));
    }
    let report = engine.run(host, call.run, &call.pipeline, &RunTarget::To(vec![table.node.clone()])).await;
    came_through(&report)?;
    search(&call.pipeline, engine.catalogue(), &engine.table(table)?, &call.question)
}

fn search(document: &Pipeline, catalogue: &Catalogue, table: &Table, question: &Question) -> Result<Search, Failure> {
    let facts = Facts::of(table, question)?;
    let metric = metric(question, &facts)?;
    let mut draft = Draft::new(document.clone(), catalogue);
    let split = prepare_rows(&mut draft, &facts, question)?;
    let plain = fill_gaps(&mut draft, &facts, OutPort::new(&split, "train"))?;
    let is_number = |column: &Column| column.kind.is_numeric();
    let scaled = match facts.features.iter().any(is_number) {
        true => {
            let normalize = draft.add(
                "transform.normalize-data",
                params([("columns", Value::Columns(ColumnSelection::Kinds(vec![Kind::Number, Kind::Integer])))]),
            )?;
            draft.connect(&plain, &normalize, "table")?;
            Some(OutPort::new(&normalize, "table"))
        }
        false => None,
    };

    let n_rows = (facts.n_rows as f64 * (1.0 - TEST_SHARE)) as usize;
    let learners: Vec<(NodeId, Candidate)> = candidates(facts.n_classes > 0, n_rows)
        .into_iter()
        .map(|candidate| Ok((draft.add(candidate.component, candidate.fixed())?, candidate)))
        .collect::<Result<_, Failure>>()?;
    let mut judged = params([("n_folds", Value::Int(i64::from(question.n_folds)))]);
    if facts.n_classes > 0 {
        judged.insert("stratify".into(), text(&facts.target));
    }
    let judge = draft.add("evaluate.cross-validate-model", judged)?;
    draft.connect(&OutPort::new(&learners[0].0, "learner"), &judge, "learner")?;
    draft.connect(scaled.as_ref().unwrap_or(&plain), &judge, "table")?;

    let (space, usual) = space(&judge, &learners, &plain, scaled.as_ref());
    let goal = better_when(&metric).unwrap_or(study::Goal::Maximize);
    let name = format!("{} of {}", metric_label(&metric), facts.target);
    let mut study = Study::new(&name, space, vec![Objective { metric, goal }]);
    study.sampling = Sampling::Bayesian { seed: question.seed };
    study.limits = Limits {
        max_total_trials: question.n_trials.max(usual.len() as u32),
        timeout_secs: question.budget_secs,
        trial_timeout_secs: Some(question.budget_secs),
        ..Limits::default()
    };
    study.n_intervals = Some(question.n_folds);
    study.early_termination = question.early_termination.then_some(POLICY);
    study.n_landmarks = usual.len() as u32;
    for settings in usual {
        study.plan(settings);
    }
    let pipeline = only_what_feeds(draft.pipeline, &judge, &learners)?;
    Ok(Search { pipeline, judge, table: question.table.clone(), target: facts.target, study, notes: facts.notes })
}

impl Candidate {
    /// The first value of what is varied, so that the pipeline stands for a trial.
    fn fixed(&self) -> pipeline::Params {
        self.varied.iter().map(|varied| (varied.param.to_owned(), varied.usual.clone())).collect()
    }
}

/// What the table says about the question.
struct Facts {
    target: String,
    target_kind: Kind,
    /// It has the role of target already.
    is_marked: bool,
    /// 0 for numbers.
    n_classes: usize,
    n_rows: usize,
    /// Rows without the target.
    has_open_targets: bool,
    /// What is learned from.
    features: Vec<Column>,
    /// Features that no learner can use.
    dropped: Vec<String>,
    /// Features with missing values.
    with_gaps: BTreeSet<String>,
    notes: Vec<String>,
}

impl Facts {
    fn of(table: &Table, question: &Question) -> Result<Self, Failure> {
        let schema = table.schema();
        let target = match &question.target {
            Some(name) => schema.column(name).map_err(|error| {
                Failure::new(error.to_string(), "Choose one of the columns of the table.".to_owned())
            })?,
            None => schema.target().ok_or_else(|| {
                Failure::new(
                    format!("no column of {} has the role of target", list(&schema.names())),
                    "Choose the column to predict.",
                )
            })?,
        };
        let n_known = |column: &Column| {
            let column_idx = schema.position(&column.name).ok();
            column_idx.map_or(0, |column_idx| table.n_rows() - table.n_missing(column_idx))
        };
        let n_rows = n_known(target);
        let n_classes = n_classes(table, target, question.predicts)?;
        let n_needed = question.n_folds as usize * MIN_ROWS_PER_FOLD;
        if ((n_rows as f64 * (1.0 - TEST_SHARE)) as usize) < n_needed {
            return Err(Failure::new(
                format!(
                    "{n_rows} rows know {:?}; {} folds beside a test set need {} at least",
                    target.name,
                    question.n_folds,
                    (n_needed as f64 / (1.0 - TEST_SHARE)).ceil()
                ),
                "Take fewer folds, or a larger table.",
            ));
        }
        let (mut features, mut dropped, mut with_gaps, mut notes) =
            (Vec::new(), Vec::new(), BTreeSet::new(), Vec::new());
        for feature in schema.columns.iter().filter(|other| other.name != target.name && other.role == Role::Feature) {
            let n_known = n_known(feature);
            let is_usable = !matches!(feature.kind, Kind::Text | Kind::DateTime);
            if is_usable && n_known > 0 {
                if n_known < table.n_rows() {
                    with_gaps.insert(feature.name.clone());
                }
                features.push(feature.clone());
            } else {
                let why = if is_usable { "it has no values".into() } else { format!("it is {}", feature.kind.label()) };
                notes.push(format!("{:?} is left out: {why}", feature.name));
                dropped.push(feature.name.clone());
            }
        }
        if features.is_empty() {
            return Err(Failure::new(
                "there is no column to learn from: no feature is a number, a truth value or a category",
                "Give columns a kind and the role of feature with Edit Metadata.",
            ));
        }
        if !with_gaps.is_empty() {
            notes.push(format!("gaps are filled in {}", list(&with_gaps.iter().cloned().collect::<Vec<_>>())));
        }
        if n_rows < table.n_rows() {
            let n = table.n_rows() - n_rows;
            let (rows, are) = if n == 1 { ("row", "is") } else { ("rows", "are") };
            notes.push(format!("{n} {rows} without {:?} {are} left out", target.name));
        }
        Ok(Self {
            target: target.name.clone(),
            target_kind: target.kind,
            is_marked: target.role == Role::Target,
            n_classes,
            n_rows,
            has_open_targets: n_rows < table.n_rows(),
            features,
            dropped,
            with_gaps,
            notes,
        })
    }
}

/// How many classes there are; 0 if a number is predicted.
fn n_classes(table: &Table, target: &Column, predicts: Predicts) -> Result<usize, Failure> {
    let wrong = |what: &str, help: &str| {
        Err(Failure::new(format!("{:?} is {}, {what}", target.name, target.kind.label()), help))
    };
    let is_named = matches!(target.kind, Kind::Category | Kind::Boolean | Kind::Text);
    match (predicts, target.kind) {
        (_, Kind::DateTime) => return wrong("which cannot be predicted", "Choose another column."),
        (Predicts::Classes, Kind::Number) => {
            let help = "Predict a number, or change its kind with Edit Metadata.";
            return wrong("and classes are names or whole numbers", help);
        }
        (Predicts::Numbers, _) if is_named => return wrong("and no number can be learned from it", "Predict classes."),
        (Predicts::Numbers, _) | (Predicts::ByTarget, Kind::Number) => return Ok(0),
        (Predicts::ByTarget | Predicts::Classes, _) => {}
    }
    let n = n_distinct(table, target);
    let unfit = |message: String, help: &str| Err(Failure::new(format!("{:?} {message}", target.name), help));
    match n {
        3.. if predicts == Predicts::ByTarget && !is_named => Ok(0),
        0 | 1 => unfit(format!("has {n} value, and to predict it needs two at least"), "Choose another column."),
        2..=MAX_CLASSES => Ok(n),
        _ => unfit(
            format!("has more than {MAX_CLASSES} values, and so many are no classes"),
            if is_named { "Choose another column." } else { "Predict a number." },
        ),
    }
}

/// Different values; counted until they are too many for classes.
fn n_distinct(table: &Table, column: &Column) -> usize {
    let Ok(column_idx) = table.schema().position(&column.name) else { return 0 };
    let cells = table.cells(column_idx);
    let (mut seen, mut text) = (BTreeSet::new(), String::new());
    for row_idx in 0..table.n_rows() {
        if cells.read(row_idx, &mut text) && !seen.contains(&text) {
            seen.insert(text.clone());
            if seen.len() > MAX_CLASSES {
                break;
            }
        }
    }
    seen.len()
}

fn metric(question: &Question, facts: &Facts) -> Result<String, Failure> {
    let (known, usual) = match facts.n_classes {
        0 => (METRICS_OF_NUMBERS, "r2"),
        2 => (METRICS_OF_CLASSES, "auc"),
        _ => (METRICS_OF_CLASSES, "log_loss"),
    };
    let metric = question.metric.as_deref().unwrap_or(usual);
    if known.contains(&metric) {
        return Ok(metric.to_owned());
    }
    let what = if facts.n_classes > 0 { "classes" } else { "numbers" };
    Err(Failure::new(
        format!("{metric:?} is no metric of predicted {what}"),
        format!("Aim at one of {}.", known.join(", ")),
    ))
}

/// What comes before the split: columns are left out and named, rows without a target go. Gives the split.
fn prepare_rows(draft: &mut Draft<'_>, facts: &Facts, question: &Question) -> Result<NodeId, Failure> {
    let mut table = question.table.clone();
    let mut step = |draft: &mut Draft<'_>, component: &str, params| -> Result<(), Failure> {
        let id = draft.add(component, params)?;
        draft.connect(&table, &id, "table")?;
        table = OutPort::new(&id, "table");
        Ok(())
    };
    let names = |names: &[String]| Value::Columns(ColumnSelection::Names(names.to_vec()));
    let target = || names(std::slice::from_ref(&facts.target));
    if !facts.dropped.is_empty() {
        let rest = Value::Columns(ColumnSelection::Except(facts.dropped.clone()));
        step(draft, "transform.select-columns", params([("columns", rest)]))?;
    }
    let becomes_class = facts.n_classes > 0 && facts.target_kind == Kind::Integer;
    if becomes_class || !facts.is_marked {
        let mut changed = params([("columns", target()), ("role", text("target"))]);
        if becomes_class {
            changed.insert("kind".into(), text("category"));
        }
        step(draft, "transform.edit-metadata", changed)?;
    }
    if facts.has_open_targets {
        let rows = params([("columns", target()), ("cleaning_mode", text("remove-rows"))]);
        step(draft, "transform.clean-missing-data", rows)?;
    }
    let mut split = params([("fraction", Value::Float(1.0 - TEST_SHARE))]);
    if facts.n_classes > 0 {
        split.insert("stratify".into(), text(&facts.target));
    }
    let id = draft.add("split.split-data", split)?;
    draft.connect(&table, &id, "table")?;
    Ok(id)
}

/// Fills gaps in features: numbers with their median, the others with the most frequent value.
fn fill_gaps(draft: &mut Draft<'_>, facts: &Facts, rows: OutPort) -> Result<OutPort, Failure> {
    let mut table = rows;
    for (kinds, mode) in [([Kind::Number, Kind::Integer], "median"), ([Kind::Category, Kind::Boolean], "mode")] {
        let has_gaps = |column: &&Column| kinds.contains(&column.kind) && facts.with_gaps.contains(&column.name);
        if !facts.features.iter().any(|column| has_gaps(&column)) {
            continue;
        }
        let columns = Value::Columns(ColumnSelection::Kinds(kinds.to_vec()));
        let clean = params([("columns", columns), ("cleaning_mode", text(mode))]);
        let id = draft.add("transform.clean-missing-data", clean)?;
        draft.connect(&table, &id, "table")?;
        table = OutPort::new(&id, "table");
    }
    Ok(table)
}

/// The space, and the settings that each learner is first tried with.
fn space(
    judge: &NodeId,
    learners: &[(NodeId, Candidate)],
    plain: &OutPort,
    scaled: Option<&OutPort>,
) -> (Space, Vec<Settings>) {
    let names: Vec<&str> = learners.iter().map(|(id, _)| id.as_str()).collect();
    let learner = Dimension::of_input(judge.clone(), "learner", &names);
    let by_learner = learner.name.clone();
    let mut dimensions = vec![learner];
    let table = scaled.map(|scaled| {
        let sources =
            [scaled, plain].map(|port| if port.port == "table" { port.node.to_string() } else { port.to_string() });
        let wanting = learners.iter().filter(|(_, candidate)| candidate.wants_scale).map(|(id, _)| text(id.as_str()));
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        Dimension::of_input(judge.clone(), "table", &sources).when(&by_learner, wanting)
    });
    dimensions.extend(table);
    let mut usual = Vec::new();
    for (id, candidate) in learners {
        let mut settings = Settings::from([(by_learner.clone(), text(id.as_str()))]);
        if candidate.wants_scale
            && let (Some(table), Some(scaled)) = (dimensions.get(1).filter(|table| table.is_input), scaled)
        {
            settings.insert(table.name.clone(), text(scaled.node.as_str()));
        }
        for Varied { param, distribution, usual, when } in &candidate.varied {
            let dimension = Dimension::new(id.clone(), param, distribution.clone());
            let dimension = match when {
                Some((other, value)) => dimension.when(&format!("{id}.{other}"), [value.clone()]),
                None => dimension.when(&by_learner, [text(id.as_str())]),
            };
            settings.insert(dimension.name.clone(), usual.clone());
            dimensions.push(dimension);
        }
        usual.push(settings);
    }
    (Space { dimensions }, usual)
}

/// Without the nodes of the document that the search does not rest on.
fn only_what_feeds(
    mut pipeline: Pipeline,
    judge: &NodeId,
    learners: &[(NodeId, Candidate)],
) -> Result<Pipeline, Failure> {
    let needed = pipeline.feeding(learners.iter().map(|(id, _)| id).chain([judge]));
    let gone: Vec<NodeId> = pipeline.nodes().keys().filter(|id| !needed.contains(*id)).cloned().collect();
    let edits = gone.into_iter().map(Edit::RemoveNode).collect();
    pipeline
        .apply(Edit::Batch(edits))
        .map_err(|error| Failure::new(error.to_string(), "Begin the search anew with the pipeline as it is now."))?;
    Ok(pipeline)
}
