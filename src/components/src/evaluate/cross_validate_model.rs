//! Judges a learner on every row: each fold is scored by a model that was trained on all others.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use engine::{
    Component, Evaluation, Flow, FlowError, In, Job, JobError, Local, Out, Param, Parts, Running, Untrained, Work,
    decoded, encoded,
};
use learn::Learner;
use model::{NewColumn, NewValues, Target};
use pipeline::{Family, Spec};
use protocol::{Face, FoldRows, Metric, Panel};
use schema::{Column, Kind, Schema};
use serde::{Deserialize, Serialize};
use table::Table;

use super::evaluate_model::{Scored, judge};
use super::figures::brief;
use super::folds::{self, FOLDS, Fold, N_FOLDS, STRATIFY, Stretch, Stretched, Tested, mean_and_deviation, test_fold};
use crate::score::score_model::{Scores, scored_schema, with_scores};
use crate::split::FOLD_NUMBER;
use crate::split::partition_and_sample::{fold_column_of, with_fold};
use crate::train::{self, TARGET};
use crate::{columns, failures, memory};

const LEARNER: In<Arc<Untrained>> = In::new("learner");
const TABLE: In<Table> = In::new("table");
const SCORED: Out<Table> = Out::new("scored");
const BY_FOLD: Out<Table> = Out::new("by_fold");
const EVALUATION: Out<Arc<Evaluation>> = Out::new("evaluation");
const SEED: Param<u64> = Param::seed("seed", 42)
    .label("Random seed")
    .help("Another number deals other folds, and grows other models where chance enters.");

/// Cross Validate Model.
pub struct CrossValidateModel;

impl Component for CrossValidateModel {
    fn spec(&self) -> Spec {
        Spec::new("evaluate.cross-validate-model", 1, Family::Evaluate, "Cross Validate Model")
            .with_summary("Trains and tests a learner fold by fold, and says how far its scores vary.")
            .with_help(
                "Deals the rows to folds. Each fold in turn is scored by a model that was trained on all *others*, \
                 so that every row is tested once, by a model that has never seen it. One split tells one number; \
                 ten folds tell how far that number can be trusted.\n\n\
                 - `scored`: every row with `Scored Labels`, `Scored Probabilities` and its `Fold Number`, counted \
                 from 0\n\
                 - `by_fold`: the metrics of each fold, then *Mean* and *Standard Deviation* (which divides by n − 1)\n\
                 - `evaluation`: the mean of each metric under its own name, with a 95 % interval\n\n\
                 The interval of `k` folds is that of Nadeau and Bengio (2003), `mean ± t · s · √(1 / k + n_test / \
                 n_train)`: folds share most of their training rows, and without their correction it would be too \
                 narrow. Curves and the confusion matrix take the rows of all folds together.\n\n\
                 What is learned from *all* rows before, such as a normalization, has seen the test rows too. Prefer \
                 preparation that looks at single rows, or judge it with Split Data and Apply Transformation.",
            )
            .with_keywords("cross-validation folds k-fold cv validation variance interval robust")
            .with_icon("layers")
            .with_caption("{n_folds} folds · {target}")
            .with_input(LEARNER)
            .with_input(TABLE)
            .with_output(SCORED)
            .with_output(BY_FOLD)
            .with_output(EVALUATION)
            .with_param(TARGET)
            .with_param(FOLDS)
            .with_param(N_FOLDS)
            .with_param(STRATIFY)
            .with_param(SEED)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        train::check_single(flow, LEARNER)?;
        let Some(schema) = flow.input(TABLE) else { return Ok(()) };
        let chosen = flow.param(TARGET).flatten();
        let target = columns::target(schema, chosen.as_deref(), TARGET.name())?;
        if let Some(name) = flow.param(STRATIFY).flatten() {
            schema.column(&name).map_err(|error| failures::column_not_found(STRATIFY.name(), &error))?;
        }
        let target = target.name.clone();
        let kept = schema.columns.iter().filter(|column| column.name != FOLD_NUMBER).cloned().collect();
        let scored =
            scored_schema(&Schema::new(kept)).filter(|scored| scored.target().is_some_and(|t| t.name == target));
        if let Some(scored) = scored {
            flow.output(SCORED, with_fold(&scored));
        }
        Ok(())
    }

    fn memory(&self, job: &Job<'_>) -> u64 {
        let (Some(untrained), Some(table)) = (job.optional_input(LEARNER), job.optional_input(TABLE)) else { return 0 };
        let Untrained::Single(learner) = &*untrained else { return 0 };
        let n_classes = memory::n_classes(&table, job.param(TARGET).unwrap_or_default().as_deref());
        // Two copies of all scores, that of the folds and that of the table.
        let together = 2 * memory::scoring(table.n_rows(), n_classes) + memory::judging(table.n_rows(), n_classes);
        memory::testing(learner, &table, n_classes).max(together)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let plan = plan(job).await?;
            let tests = cross_validate(job, &plan).await?;
            let Plan { table, folds, .. } = &*plan;
            let scored = pooled(job, table, folds, &tests).await?;
            let name = "All folds".to_owned();
            let mut watched = Stretched { job, stretch: Stretch { from: 1.0, to: 1.0, name: name.clone() } };
            let together = judge(&mut watched, &[Scored { name, table: scored.clone() }]).await?;
            let summaries = summaries(&tests);
            let means: Vec<Metric> = summaries.iter().map(Summary::mean_metric).collect();
            let mut panels = vec![
                Panel::Metrics { series: vec![format!("Mean of {} folds", tests.len())], metrics: means },
                spreads(&summaries),
            ];
            panels.extend(together.panels);
            let metrics =
                summaries.iter().filter_map(|summary| Some((summary.metric.name.clone(), summary.mean?))).collect();
            job.show(face(&summaries, together.face));
            let by_fold =
                by_fold(&tests, &summaries, plan.learner.title()).map_err(|error| failures::from_table(&error))?;
            job.output(SCORED, scored);
            job.output(BY_FOLD, by_fold);
            job.output(EVALUATION, Arc::new(Evaluation { panels, metrics }));
            Ok(())
        })
    }

    fn part<'a>(&'a self, job: &'a mut Job<'_>, _stage: u32, fold_idx: u32) -> Local<'a, Result<Vec<u8>, JobError>> {
        Box::pin(async move {
            let plan = match job.shared() {
                Some(plan) => plan,
                None => plan(job).await?,
            };
            let Plan { learner, table, target, folds, seed } = &*plan;
            let fold_idx = fold_idx as usize;
            let name = format!("Fold {} of {}", fold_idx + 1, folds.len());
            let stretch = Stretch { from: 0.0, to: 1.0, name };
            let Tested { model, scores, metrics, rows, notes } =
                test_fold(job, learner, table, target, (folds, fold_idx), *seed, stretch).await?;
            encoded(&Validated { fold: folds[fold_idx].number, rows, target: model.target, scores, metrics, notes })
        })
    }

    fn work(&self, job: &Job<'_>) -> Work {
        let (Some(untrained), Some(table)) = (job.optional_input(LEARNER), job.optional_input(TABLE)) else {
            return Work::default();
        };
        let n_parts = job.param(N_FOLDS).unwrap_or_default();
        match &*untrained {
            Untrained::Single(learner) => {
                let nanos = train::work(learner, &table).saturating_mul(n_parts.into());
                Work { nanos, n_parts, ..Work::default() }
            }
            Untrained::Range(_) => Work::default(),
        }
    }
}

/// What all folds share.
struct Plan {
    learner: Learner,
    table: Table,
    target: String,
    folds: Vec<Fold>,
    seed: u64,
}

async fn plan(job: &mut Job<'_>) -> Result<Rc<Plan>, JobError> {
    let untrained = job.input(LEARNER)?;
    let learner = train::single(job, &untrained)?.clone();
    let table = job.input(TABLE)?;
    let target = train::target(job, &table)?;
    job.checkpoint(0.0, "Dealing rows to folds").await?;
    let seed = train::seed(job, SEED)?;
    let folds = folds::deal(job, &table, seed)?;
    let table = table.without(&[FOLD_NUMBER.to_owned()]);
    Ok(job.share(Plan { learner, table, target, folds, seed }))
}

/// What came of one fold.
#[derive(Serialize, Deserialize)]
struct Validated {
    fold: i64,
    rows: FoldRows,
    target: Target,
    scores: Scores,
    metrics: Vec<Metric>,
    notes: Vec<String>,
}

/// Each fold, judged by a model of all others.
async fn cross_validate(job: &mut Job<'_>, plan: &Plan) -> Result<Vec<Validated>, JobError> {
    let n = plan.folds.len() as u32;
    let work = train::work(&plan.learner, &plan.table).saturating_mul(n.into());
    let mut tests: Vec<Validated> = Vec::new();
    job.parts(Parts { stage: 0, n, work, stretch: (0.0, 1.0) }, |job, fold_idx, bytes| {
        let test: Validated = decoded(&bytes)?;
        for metric in &test.metrics {
            if let Some(value) = metric.values[0] {
                job.log_fold(&metric.name, value, fold_idx, test.rows);
            }
        }
        tests.push(test);
        Ok(())
    })
    .await?;
    let note = |test: &Validated| -> Vec<String> {
        test.notes.iter().map(|note| format!("Fold {}: {note}", test.fold)).collect()
    };
    crate::tell(job, &tests.iter().flat_map(note).collect::<Vec<_>>());
    Ok(tests)
}

/// Every row with what was said of it, in the table's order.
async fn pooled(job: &mut Job<'_>, table: &Table, folds: &[Fold], tests: &[Validated]) -> Result<Table, JobError> {
    const MESSAGE: &str = "Putting the folds together";
    let target = all_classes(tests);
    let width = target.n_classes().max(1);
    let mut values = vec![0.0; table.n_rows() * width];
    let mut classes = if target.n_classes() > 0 { vec![0; table.n_rows()] } else { Vec::new() };
    let mut numbers = vec![0; table.n_rows()];
    for (fold, test) in folds.iter().zip(tests) {
        job.checkpoint(1.0, MESSAGE).await?;
        // A class that this fold's model has not met keeps the probability 0.
        let places: Vec<usize> = match (&test.target, &target) {
            (Target::Class { classes: known, .. }, Target::Class { classes: all, .. }) => {
                known.iter().map(|name| all.iter().position(|other| other == name).unwrap_or_default()).collect()
            }
            (Target::Number { .. } | Target::Class { .. }, _) => vec![0],
        };
        for (test_idx, &row_idx) in fold.rows.iter().enumerate() {
            let row_idx = row_idx as usize;
            numbers[row_idx] = fold.number;
            let said = &test.scores.values[test_idx * places.len()..][..places.len()];
            places.iter().zip(said).for_each(|(place, value)| values[row_idx * width + place] = *value);
            if let Some(class) = test.scores.classes.get(test_idx).filter(|_| !classes.is_empty()) {
                classes[row_idx] = places[*class as usize] as u32;
            }
        }
    }
    job.checkpoint(1.0, MESSAGE).await?;
    let scored = with_scores(table, &target, Scores { values, classes })?;
    job.checkpoint(1.0, MESSAGE).await?;
    scored.with_columns(vec![fold_column_of(numbers)]).map_err(|error| failures::from_table(&error))
}

/// What is predicted, with the classes that any of the models has met, in ascending order.
fn all_classes(tests: &[Validated]) -> Target {
    let names: BTreeSet<&String> = tests
        .iter()
        .flat_map(|test| match &test.target {
            Target::Class { classes, .. } => classes.as_slice(),
            Target::Number { .. } => &[],
        })
        .collect();
    match &tests[0].target {
        Target::Number { name } => Target::Number { name: name.clone() },
        Target::Class { name, kind, .. } => {
            let mut classes: Vec<String> = names.into_iter().cloned().collect();
            if *kind == Kind::Integer {
                classes.sort_by_key(|class| class.parse::<i64>().ok());
            }
            Target::Class { name: name.clone(), kind: *kind, classes }
        }
    }
}

/// One metric over all folds.
struct Summary {
    metric: Metric,
    /// Fold by fold; none where it is not defined.
    values: Vec<Option<f64>>,
    mean: Option<f64>,
    /// Divides by n − 1.
    deviation: Option<f64>,
    /// Half of the 95 % interval.
    margin: Option<f64>,
}

impl Summary {
    fn mean_metric(&self) -> Metric {
        Metric { values: vec![self.mean], ..self.metric.clone() }
    }
}

fn summaries(tests: &[Validated]) -> Vec<Summary> {
    let n_train: u64 = tests.iter().map(|test| test.rows.n_train).sum();
    let n_test: u64 = tests.iter().map(|test| test.rows.n_test).sum();
    // Nadeau and Bengio, Inference for the generalization error, Machine Learning 52 (2003), section 4.
    let overlap = n_test as f64 / n_train as f64;
    let first = tests.first().map_or(&[][..], |test| &test.metrics);
    first
        .iter()
        .map(|metric| {
            let of = |test: &Validated| test.metrics.iter().find(|other| other.name == metric.name)?.values[0];
            let values: Vec<Option<f64>> = tests.iter().map(of).collect();
            let (mean, deviation) = mean_and_deviation(&values);
            let n = values.iter().flatten().count() as u32;
            let margin = deviation
                .map(|deviation| student_t_975(n - 1) * deviation * numeric::sqrt(1.0 / f64::from(n) + overlap));
            Summary { metric: metric.clone(), values, mean, deviation, margin }
        })
        .collect()
}

/// The number that Student's t with so many degrees of freedom exceeds in one case of forty.
///
/// With `t = √n · tan θ`, the density of θ is that of `cosⁿ⁻¹ θ` (Abramowitz and Stegun, 26.7), which Simpson's rule
/// integrates.
fn student_t_975(dof: u32) -> f64 {
    const N_STEPS: usize = 512;
    let integral = |to: f64| {
        let step = to / N_STEPS as f64;
        let density = |i: usize| numeric::pow(numeric::cos(i as f64 * step).max(0.0), f64::from(dof) - 1.0);
        let inner: f64 = (1..N_STEPS).map(|i| if i % 2 == 1 { 4.0 } else { 2.0 } * density(i)).sum();
        (density(0) + inner + density(N_STEPS)) * step / 3.0
    };
    let whole = integral(std::f64::consts::FRAC_PI_2);
    let (mut low, mut high) = (0.0, std::f64::consts::FRAC_PI_2);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if integral(middle) < 0.95 * whole {
            low = middle;
        } else {
            high = middle;
        }
    }
    numeric::sqrt(f64::from(dof)) * numeric::sin(low) / numeric::cos(low)
}

/// How far the metrics vary.
fn spreads(summaries: &[Summary]) -> Panel {
    let said = |value: Option<f64>| value.map_or_else(|| "undefined".to_owned(), brief);
    let row = |summary: &Summary| {
        let known = || summary.values.iter().flatten().copied();
        let interval = match (summary.mean, summary.margin) {
            (Some(mean), Some(margin)) => format!("{} to {}", brief(mean - margin), brief(mean + margin)),
            (Some(_) | None, _) => "undefined".into(),
        };
        vec![
            summary.metric.label.clone(),
            said(summary.mean),
            said(summary.deviation),
            interval,
            said(known().reduce(f64::min)),
            said(known().reduce(f64::max)),
            known().count().to_string(),
        ]
    };
    let heads = ["Metric", "Mean", "Standard deviation", "95 % interval of the mean", "Lowest", "Highest", "Folds"];
    Panel::Facts {
        title: "Over the folds".into(),
        heads: heads.map(Into::into).to_vec(),
        rows: summaries.iter().map(row).collect(),
    }
}

/// "AUC 0.846 ± 0.021" over the picture of all folds together.
fn face(summaries: &[Summary], together: Face) -> Face {
    let main = ["auc", "accuracy", "r2"]
        .iter()
        .find_map(|name| summaries.iter().find(|summary| summary.metric.name == *name && summary.mean.is_some()));
    match (main, together) {
        (Some(Summary { metric, mean: Some(mean), margin, .. }), Face::Headline(_, picture)) => {
            let margin = margin.map_or_else(String::new, |margin| format!(" ± {}", brief(margin)));
            Face::Headline(format!("{} {}{margin}", metric.label, brief(*mean)), picture)
        }
        (_, together) => together,
    }
}

/// One row per fold, then mean and standard deviation.
fn by_fold(tests: &[Validated], summaries: &[Summary], model: &str) -> Result<Table, table::TableError> {
    let n_rows = tests.len() + 2;
    let after_folds = |mean: &str, deviation: &str| [mean.to_owned(), deviation.to_owned()];
    let column = |name: &str, values: NewValues, valid: Option<Vec<bool>>| {
        let kind = match &values {
            NewValues::Text(_) => Kind::Text,
            NewValues::Integer(_) => Kind::Integer,
            _ => Kind::Number,
        };
        NewColumn { column: Column::new(name, kind), values, valid }
    };
    let folds = tests.iter().map(|test| test.fold.to_string()).chain(after_folds("Mean", "Standard Deviation"));
    let of_folds_only = || Some((0..n_rows).map(|row_idx| row_idx < tests.len()).collect::<Vec<bool>>());
    let counts = |count: fn(&FoldRows) -> u64| {
        NewValues::Integer(tests.iter().map(|test| count(&test.rows) as i64).chain([0, 0]).collect())
    };
    let mut columns = vec![
        column(FOLD_NUMBER, NewValues::Text(folds.collect()), None),
        column("Number of examples in fold", counts(|rows| rows.n_test), of_folds_only()),
        column("Number of examples trained on", counts(|rows| rows.n_train), of_folds_only()),
        column("Model", NewValues::Text(vec![model.to_owned(); n_rows]), None),
    ];
    for summary in summaries {
        let values: Vec<Option<f64>> =
            summary.values.iter().copied().chain([summary.mean, summary.deviation]).collect();
        let valid = values.iter().map(Option::is_some).collect();
        let values = values.into_iter().map(Option::unwrap_or_default).collect();
        columns.push(column(&summary.metric.label, NewValues::Number(values), Some(valid)));
    }
    Table::from_new_columns(columns, n_rows)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use engine::Artifact;
    use engine::testing::{Outcome, TestHost, run_component, run_component_in};
    use model::Values;
    use pipeline::Value;
    use protocol::Failure;
    use table::read_bytes;

    use super::*;
    use crate::data::sample_datasets::SampleDatasets;
    use crate::evaluate::evaluate_model::EvaluateModel;
    use crate::learn::decision_tree::DecisionTree;
    use crate::learn::k_nearest_neighbors::KNearestNeighbors;
    use crate::learn::linear_regression::LinearRegression;
    use crate::learn::logistic_regression::LogisticRegression;
    use crate::score::score_model::ScoreModel;
    use crate::split::partition_and_sample::PartitionAndSample;
    use crate::train::train_model::TrainModel;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn output(
        component: &dyn Component,
        inputs: Vec<(&str, Artifact)>,
        params: Vec<(&str, Value)>,
        port: &str,
    ) -> Artifact {
        run_component(component, inputs, params, 1).expect("it works").outputs[port].clone()
    }

    fn table(artifact: &Artifact) -> Table {
        match artifact {
            Artifact::Table(table) => table.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn sample(name: &str) -> Artifact {
        output(&SampleDatasets, vec![], vec![("dataset", text(name))], "table")
    }

    fn dealt(name: &str, n_folds: i64) -> Artifact {
        let params = vec![("mode", text("assign-to-folds")), ("n_folds", Value::Int(n_folds))];
        output(&PartitionAndSample, vec![("table", sample(name))], params, "table")
    }

    fn learner(component: &dyn Component) -> Artifact {
        output(component, vec![], vec![], "learner")
    }

    fn csv(lines: &str) -> Artifact {
        Artifact::Table(read_bytes("t.csv", lines.as_bytes(), table::Options::default()).expect("a table").table)
    }

    fn validated(learner: Artifact, table: Artifact, params: Vec<(&str, Value)>) -> Result<Outcome, JobError> {
        run_component(&CrossValidateModel, vec![("learner", learner), ("table", table)], params, 1)
    }

    fn refused(learner: Artifact, table: Artifact, params: Vec<(&str, Value)>) -> Failure {
        match validated(learner, table, params) {
            Err(JobError::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }

    fn metrics(outcome: &BTreeMap<String, Artifact>) -> BTreeMap<String, f64> {
        match &outcome["evaluation"] {
            Artifact::Evaluation(evaluation) => evaluation.metrics.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn numbers(table: &Table, name: &str) -> Vec<f64> {
        let frame = table.frame();
        match &frame.column(name).unwrap_or_else(|| panic!("{name}")).values {
            Values::Number(values) => values.to_vec(),
            Values::Integer(values) => values.iter().map(|&n| n as f64).collect(),
            _ => panic!("{name} has no numbers"),
        }
    }

    #[test]
    fn each_fold_is_what_train_score_and_evaluate_make_of_it() {
        let learners: [(&str, &dyn Component); 4] = [
            ("breast-cancer", &LogisticRegression),
            ("breast-cancer", &DecisionTree),
            ("iris", &KNearestNeighbors),
            ("diabetes", &LinearRegression),
        ];
        for (name, component) in learners {
            let n_folds = 4;
            let (dealt, learner) = (dealt(name, n_folds), learner(component));
            let done = validated(learner.clone(), dealt.clone(), vec![]).expect("it works");
            let mut sums: BTreeMap<String, f64> = BTreeMap::new();
            for fold in 0..n_folds {
                let pick = |complement| {
                    let params = vec![
                        ("mode", text("pick-fold")),
                        ("fold", Value::Int(fold)),
                        ("complement", Value::Bool(complement)),
                    ];
                    output(&PartitionAndSample, vec![("table", dealt.clone())], params, "table")
                };
                let inputs = vec![("learner", learner.clone()), ("table", pick(true))];
                let model = output(&TrainModel, inputs, vec![], "model");
                let scored = output(&ScoreModel, vec![("model", model), ("table", pick(false))], vec![], "scored");
                let judged =
                    run_component(&EvaluateModel, vec![("scored", scored.clone())], vec![], 1).expect("judged");
                for (metric, value) in metrics(&judged.outputs) {
                    let told = done.measured.iter().find(|told| told.name == metric && i64::from(told.step) == fold);
                    assert_eq!(told.map(|told| told.value), Some(value), "{name}: {metric} of fold {fold}");
                    *sums.entry(metric).or_default() += value;
                }
                let (all, of_fold) = (table(&done.outputs["scored"]), table(&scored));
                let is_here: Vec<bool> = numbers(&all, FOLD_NUMBER).iter().map(|found| *found == fold as f64).collect();
                let here = all.filter(&is_here);
                for column in of_fold.schema().columns.iter().filter(|column| column.name != FOLD_NUMBER) {
                    let (found, expected) = (here.column(&column.name), of_fold.column(&column.name));
                    assert_eq!(found.expect("there"), expected.expect("there"), "{name}: {}", column.name);
                }
            }
            for (metric, found) in metrics(&done.outputs) {
                assert_eq!(found, sums[&metric] / n_folds as f64, "{name}: {metric}");
            }
        }
    }

    #[test]
    fn every_row_is_scored_once_and_stays_in_its_place() {
        let iris = sample("iris");
        let done = validated(learner(&DecisionTree), iris.clone(), vec![]).expect("it works");
        let (scored, iris) = (table(&done.outputs["scored"]), table(&iris));
        assert_eq!(scored.n_rows(), 150);
        for (column, array) in iris.schema().columns.iter().zip(iris.columns()) {
            assert_eq!(scored.column(&column.name).expect("there"), array);
        }
        let folds = numbers(&scored, FOLD_NUMBER);
        assert!((0..10).all(|fold| folds.iter().filter(|found| **found == f64::from(fold)).count() == 15), "{folds:?}");
        let names = scored.schema().names();
        assert_eq!(names.last().map(String::as_str), Some(FOLD_NUMBER));
        assert_eq!(names.iter().filter(|name| name.starts_with("Scored Probabilities_")).count(), 3);
    }

    #[test]
    fn the_table_by_fold_ends_with_mean_and_standard_deviation() {
        let params = vec![("n_folds", Value::Int(5))];
        let done = validated(learner(&LinearRegression), sample("diabetes"), params).expect("it works");
        let by_fold = table(&done.outputs["by_fold"]);
        assert_eq!(by_fold.n_rows(), 7);
        let r2 = numbers(&by_fold, "R²");
        let mean = r2[..5].iter().sum::<f64>() / 5.0;
        let deviation = (r2[..5].iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 4.0).sqrt();
        assert!((r2[5] - mean).abs() < 1e-15 && (r2[6] - deviation).abs() < 1e-15, "{r2:?}");
        assert_eq!(metrics(&done.outputs)["r2"], r2[5]);
        assert_eq!(numbers(&by_fold, "Number of examples in fold")[..5].iter().sum::<f64>(), 442.0);
        let frame = by_fold.frame();
        let Some(Values::Text(texts)) = frame.column(FOLD_NUMBER).map(|column| &column.values) else { panic!("texts") };
        let texts: Vec<&str> = (0..7).map(|row_idx| texts[row_idx]).collect();
        assert_eq!(texts, ["0", "1", "2", "3", "4", "Mean", "Standard Deviation"]);
    }

    #[test]
    fn a_class_that_one_model_has_not_met_has_probability_zero_there() {
        let rows: String = (0..12).map(|i| format!("{i},{},{}\n", ["a", "b"][i % 2], i / 4)).collect();
        let one_c = format!("x,c,Fold Number\n{rows}12,c,1\n");
        let params = vec![("target", text("c"))];
        let done = validated(learner(&DecisionTree), csv(&one_c), params).expect("it works");
        let scored = table(&done.outputs["scored"]);
        let (folds, of_c) = (numbers(&scored, FOLD_NUMBER), numbers(&scored, "Scored Probabilities_c"));
        assert!(folds.iter().zip(&of_c).all(|(fold, p)| *fold != 1.0 || *p == 0.0), "{of_c:?}");
        let sums: Vec<f64> = (0..13)
            .map(|i| ["a", "b", "c"].iter().map(|c| numbers(&scored, &format!("Scored Probabilities_{c}"))[i]).sum())
            .collect();
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-12), "{sums:?}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_in_the_whole_table() {
        let gap = "x,y,Fold Number\n1,1.5,0\n2,2.5,1\n,3.5,1\n4,4.5,0\n5,5.5,1\n6,6.5,0\n";
        let target = || vec![("target", text("y"))];
        let failure = refused(learner(&LinearRegression), csv(gap), target());
        assert!(failure.message.contains("row 3"), "{failure:?}");
        let one = "x,y,Fold Number\n1,1.5,4\n2,2.5,4\n";
        let failure = refused(learner(&LinearRegression), csv(one), target());
        assert_eq!(failure.message, "all rows are in the same fold, 4");
        let none = "x,y,Fold Number\n1,1.5,0\n2,2.5,\n3,3.5,1\n";
        let failure = refused(learner(&LinearRegression), csv(none), target());
        assert_eq!(failure.message, "row 2 is in no fold: its \"Fold Number\" is missing");
        let few = refused(learner(&LinearRegression), csv("x,y\n1,1.5\n2,2.5\n"), target());
        assert!(few.message.starts_with("the number of folds is 10, with 2 rows"), "{few:?}");
        let lonely = "x,c,Fold Number\n1,a,0\n2,a,0\n3,b,1\n4,b,1\n";
        let failure = refused(learner(&DecisionTree), csv(lonely), vec![("target", text("c"))]);
        assert!(failure.message.starts_with("without the rows of fold 0: "), "{failure:?}");
        let new = vec![("target", text("y")), ("folds", text("new")), ("n_folds", Value::Int(2))];
        assert!(validated(learner(&LinearRegression), csv(none), new).is_ok(), "new folds need none of the table's");
    }

    #[test]
    fn it_stops_within_any_fold_when_asked() {
        let (learner, table) = (learner(&LogisticRegression), sample("breast-cancer"));
        let inputs = || vec![("learner", learner.clone()), ("table", table.clone())];
        let host = TestHost::default();
        run_component_in(&host, &CrossValidateModel, inputs(), vec![], 1).expect("nobody stops it");
        let n_breaths = host.n_breaths();
        assert!(n_breaths >= 14, "{n_breaths}");
        for after in (1..n_breaths).step_by(n_breaths as usize / 7) {
            let host = TestHost::stopping_after(after);
            let stopped = run_component_in(&host, &CrossValidateModel, inputs(), vec![], 1);
            assert_eq!(stopped.err(), Some(JobError::Cancelled));
            assert_eq!(host.n_breaths(), after, "no breath after the one that asks to stop");
        }
    }

    /// scipy.stats.t.ppf(0.975, dof)
    #[test]
    fn student_t_agrees_with_scipy() {
        for (dof, expected) in [
            (1, 12.706204736174694),
            (2, 4.302652729749464),
            (4, 2.7764451051977934),
            (9, 2.2621571628540993),
            (29, 2.045229642132703),
            (99, 1.9842169515864165),
        ] {
            let found = student_t_975(dof);
            assert!((found / expected - 1.0).abs() < 1e-9, "{dof}: {found}, {expected}");
        }
    }
}
