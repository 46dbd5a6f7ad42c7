//! How much worse a model becomes when the values of a column are shuffled: Breiman, "Random forests" (2001), for any
//! model, as Fisher, Rudin and Dominici (2019) put it.

use std::rc::Rc;
use std::sync::Arc;

use charts::Detail;
use engine::{
    Component, Flow, FlowError, In, Job, JobError, Local, Out, Param, Parts, Running, Work, decoded, encoded,
};
use learn::{Checkpoint, metrics};
use model::{Model, NewColumn, NewValues, Target};
use numeric::Stream;
use pipeline::{Family, Spec};
use protocol::{Face, Failure, Panel};
use schema::{Column, Kind, Schema};
use table::Table;

use super::figures::{bars, brief, digits};
use super::folds::{Stretch, Stretched, mean_and_deviation};
use super::{classification, regression};
use crate::score::score_model::{Scores, predict};
use crate::{failures, memory, train};

const MODEL: In<Arc<Model>> = In::new("model");
const TABLE: In<Table> = In::new("table");
const IMPORTANCE: Out<Table> = Out::new("importance");
const AUTOMATIC: &str = "automatic";
const METRIC: Param<String> = Param::choice(
    "metric",
    &[
        (AUTOMATIC, "Accuracy, or R² of numbers"),
        ("accuracy", "Accuracy"),
        ("precision", "Precision"),
        ("recall", "Recall"),
        ("f1", "F1"),
        ("auc", "AUC"),
        ("log_loss", "Log loss"),
        ("r2", "R²"),
        ("rmse", "Root mean squared error"),
        ("mae", "Mean absolute error"),
        ("relative_absolute_error", "Relative absolute error"),
        ("relative_squared_error", "Relative squared error"),
    ],
    AUTOMATIC,
)
.label("Metric for measuring performance")
.help("A column is as important as this figure becomes worse without it. Where a class is rare, accuracy hardly moves: choose AUC or log loss.");
const N_REPEATS: Param<u32> = Param::int("n_repeats", 5)
    .range(1, 1_000)
    .label("Number of repeats")
    .help("How often each column is shuffled. More repeats narrow the mean and take that much longer.");
const SEED: Param<u64> =
    Param::seed("seed", 42).label("Random seed").help("Another number shuffles the rows otherwise.");

/// Permutation Feature Importance.
pub struct PermutationFeatureImportance;

impl Component for PermutationFeatureImportance {
    fn spec(&self) -> Spec {
        Spec::new("evaluate.permutation-feature-importance", 1, Family::Evaluate, "Permutation Feature Importance")
            .with_summary("Measures how much worse a model predicts when a column is shuffled.")
            .with_help(
                "Shuffles the values of one column among the rows, lets the model predict them and measures again: \
                 `importance = performance − performance with the column shuffled`, turned so that more is always more \
                 important, errors included. Each column is shuffled several times; the output has the mean and the \
                 standard deviation (which divides by n − 1), the most important column first.\n\n\
                 It works for every model, and says what *this model* relies on for *these rows*. Connect rows that it \
                 was not trained on: on its training rows, a column that it learned by heart looks important.\n\n\
                 - *About 0, or below*: the model does without it. Below 0 is chance\n\
                 - *Less than twice the standard deviation*: not certain. Repeat more often, or use more rows\n\n\
                 Mind columns that say the same. When one is shuffled the model reads it off the other, and *both* look \
                 unimportant; leave out one and train anew before you drop them. Shuffling also makes rows that cannot \
                 be, such as a child with a pension, and the model is asked about these too.",
            )
            .with_keywords("pfi permutation importance explain feature selection shuffle interpret")
            .with_icon("chart-bar")
            .with_caption("{metric} · {n_repeats} repeats")
            .with_input(MODEL)
            .with_input(TABLE)
            .with_output(IMPORTANCE)
            .with_param(METRIC)
            .with_param(N_REPEATS)
            .with_param(SEED)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        flow.output(IMPORTANCE, Schema::new(importance_columns()));
        Ok(())
    }

    fn memory(&self, job: &Job<'_>) -> u64 {
        let (Some(model), Some(table)) = (job.optional_input(MODEL), job.optional_input(TABLE)) else { return 0 };
        let (n_rows, n_classes) = (table.n_rows(), model.target.n_classes());
        table.n_bytes() + memory::scoring(n_rows, n_classes) + memory::judging(n_rows, n_classes)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let plan = plan(job).await?;
            let baseline = plan.baseline(job).await?;
            let work = self.work(job);
            let parts = Parts { stage: 0, n: work.n_parts, work: work.nanos, stretch: (0.1, 1.0) };
            let mut losses: Vec<Vec<f64>> = Vec::new();
            job.parts(parts, |_, _, bytes| {
                let shuffled: Vec<f64> = decoded(&bytes)?;
                losses.push(shuffled.into_iter().map(|found| plan.measure.worse_by(baseline, found)).collect());
                Ok(())
            })
            .await?;
            let summed = losses.iter().map(|losses| {
                let (mean, deviation) = mean_and_deviation(&losses.iter().copied().map(Some).collect::<Vec<_>>());
                (mean.unwrap_or_default(), deviation)
            });
            let mut importances: Vec<Importance> = plan
                .columns
                .iter()
                .cloned()
                .zip(summed)
                .map(|(name, (mean, std))| Importance { name, mean, std })
                .collect();
            importances.sort_by(|a, b| b.mean.total_cmp(&a.mean));
            show(job, &plan, baseline, &importances);
            let table = table_of(importances).map_err(|error| failures::from_table(&error))?;
            job.output(IMPORTANCE, table);
            Ok(())
        })
    }

    fn part<'a>(&'a self, job: &'a mut Job<'_>, _stage: u32, column_idx: u32) -> Local<'a, Result<Vec<u8>, JobError>> {
        Box::pin(async move {
            let plan = match job.shared() {
                Some(plan) => plan,
                None => plan(job).await?,
            };
            encoded(&plan.shuffled(job, column_idx as usize).await?)
        })
    }

    fn work(&self, job: &Job<'_>) -> Work {
        let (Some(model), Some(table)) = (job.optional_input(MODEL), job.optional_input(TABLE)) else {
            return Work::default();
        };
        let n_parts = model.columns().len() as u64;
        let n_repeats = u64::from(job.param(N_REPEATS).unwrap_or_default());
        let of_row = model.estimator.work_per_row() as u64 + 50;
        let nanos = (table.n_rows() as u64).saturating_mul(of_row).saturating_mul(n_repeats * n_parts);
        Work { nanos, n_parts: n_parts as u32, ..Work::default() }
    }
}

/// How important a column is.
struct Importance {
    name: String,
    mean: f64,
    std: Option<f64>,
}

/// A figure of merit, as it is called and saved.
struct Measure {
    name: &'static str,
    label: &'static str,
    is_error: bool,
}

/// What is so.
enum Truth {
    /// How many there are, those that the model has not met included.
    Classes(Vec<u32>, usize),
    Numbers(Vec<f64>),
}

/// What all columns share.
struct Plan {
    model: Arc<Model>,
    /// The columns that the model looks at, of the rows whose target is known.
    table: Table,
    columns: Vec<String>,
    truth: Truth,
    measure: Measure,
    n_left_out: usize,
    n_repeats: u32,
    seed: u64,
}

async fn plan(job: &mut Job<'_>) -> Result<Rc<Plan>, JobError> {
    let (model, table) = (job.input(MODEL)?, job.input(TABLE)?);
    let target = model.target.name();
    let frame = table.frame();
    let Some(truth) = frame.column(target) else {
        return Err(Failure::new(
            format!(
                "no column named {target:?}, which the model predicts; the table has {}",
                schema::list(&table.schema().names())
            ),
            "Give it rows whose target is known: without the truth no prediction is right or wrong.",
        )
        .into());
    };
    let measure = measure(job.param(METRIC)?.as_str(), &model.target)?;
    let needed = model.columns();
    let in_table = table.schema().names().into_iter().enumerate().filter(|(_, name)| needed.contains(name));
    let (column_idxs, columns): (Vec<usize>, Vec<String>) = in_table.unzip();
    if needed.is_empty() {
        return Err(Failure::new(
            format!("{} looks at no column, so none is important", model.learner),
            "Connect a model that learns from columns.",
        )
        .into());
    }
    let known: Vec<bool> = (0..frame.n_rows).map(|row_idx| truth.is_valid(row_idx)).collect();
    let of_known = |values: Vec<f64>| values.into_iter().zip(&known).filter(|(_, known)| **known).map(|(x, _)| x);
    let mut watched = Stretched { job, stretch: Stretch { from: 0.0, to: 0.02, name: String::new() } };
    let actual = match &model.target {
        Target::Number { .. } => Truth::Numbers(of_known(regression::numbers(truth)?).collect()),
        Target::Class { classes, .. } => {
            let mut names = classes.clone();
            for label in classification::labels_of(&mut watched, truth, frame.n_rows).await? {
                if !names.contains(&label) {
                    names.push(label);
                }
            }
            let class_of = classification::classes_of(truth, &names);
            Truth::Classes((0..frame.n_rows).filter_map(class_of).collect(), names.len())
        }
    };
    let n_left_out = known.iter().filter(|known| !**known).count();
    let rows = table.select(&column_idxs);
    let rows = if n_left_out > 0 { rows.filter(&known) } else { rows };
    if rows.n_rows() < 2 {
        let n = rows.n_rows();
        return Err(Failure::new(
            format!(
                "{} whose {target:?} is known, and at least two are needed to be shuffled",
                if n == 0 { "there is no row".to_owned() } else { "there is one row".to_owned() }
            ),
            "Give it more rows: a hundred at least, or chance is all there is to see.",
        )
        .into());
    }
    let n_repeats = job.param(N_REPEATS)?;
    let seed = train::seed(job, SEED)?;
    drop(frame);
    Ok(job.share(Plan { model, table: rows, columns, truth: actual, measure, n_left_out, n_repeats, seed }))
}

impl Plan {
    /// What the model reaches with all columns as they are.
    async fn baseline(&self, job: &mut Job<'_>) -> Result<f64, JobError> {
        let whole = job.input(TABLE)?;
        let stretch = Stretch { from: 0.02, to: 0.1, name: "As they are".into() };
        let checkpoint = &mut Stretched { job, stretch };
        let scores = predict(checkpoint, &self.model, &self.table).await.map_err(|error| match error {
            JobError::Cancelled => error,
            // What is wrong with a row is told with its place among all rows.
            JobError::Failed(_) => {
                self.model.predict(&whole.frame()).err().map_or(error, |error| failures::from_model(&error))
            }
        })?;
        self.measured(checkpoint, scores).await
    }

    /// What it reaches with this column shuffled, again and again.
    async fn shuffled(&self, job: &mut Job<'_>, column_idx: usize) -> Result<Vec<f64>, JobError> {
        let mut stream = Stream::fork(self.seed, column_idx as u64);
        let mut order: Vec<u32> = (0..self.table.n_rows() as u32).collect();
        let column = self.table.select(&[column_idx]);
        let kind = column.schema().columns[0].kind;
        let mut found = Vec::new();
        for repeat in 0..self.n_repeats {
            let at = |repeat: u32| f64::from(repeat) / f64::from(self.n_repeats);
            let stretch = Stretch { from: at(repeat), to: at(repeat + 1), name: self.columns[column_idx].clone() };
            let checkpoint = &mut Stretched { job, stretch };
            stream.shuffle(&mut order);
            let array = Arc::clone(&column.take(&order).columns()[0]);
            let table = self.table.replace(column_idx, kind, array);
            let scores = predict(checkpoint, &self.model, &table).await?;
            found.push(self.measured(checkpoint, scores).await?);
        }
        Ok(found)
    }

    async fn measured(&self, checkpoint: &mut impl Checkpoint, scores: Scores) -> Result<f64, JobError> {
        let name = self.measure.name;
        let found = match &self.truth {
            Truth::Numbers(actual) => metrics::regression(actual, &scores.values).map(|found| match name {
                "r2" => found.r2,
                "rmse" => Some(found.rmse),
                "mae" => Some(found.mae),
                "relative_absolute_error" => found.relative_absolute_error,
                _ => found.relative_squared_error,
            }),
            Truth::Classes(actual, n_classes) => {
                let found = if matches!(name, "auc" | "log_loss") {
                    // A class that the model has not met has no probability.
                    let n_known = self.model.target.n_classes().max(1);
                    let unmet = vec![0.0; n_classes - n_known.min(*n_classes)];
                    let probabilities: Vec<f64> =
                        scores.values.chunks_exact(n_known).flat_map(|row| row.iter().chain(&unmet)).copied().collect();
                    metrics::classification_in_turns(actual, &probabilities, *n_classes, 1, checkpoint, |_, _| {}).await
                } else {
                    metrics::classification_of_labels(actual, &scores.classes, *n_classes, 1)
                };
                found.map(|found| match name {
                    "accuracy" => Some(found.accuracy),
                    "precision" => Some(found.precision),
                    "recall" => Some(found.recall),
                    "f1" => Some(found.f1),
                    "auc" => found.auc,
                    _ => found.log_loss,
                })
            }
        };
        found.map_err(|error| failures::from_metric(&error))?.ok_or_else(|| {
            let (target, label) = (self.model.target.name(), self.measure.label);
            let why = match self.truth {
                Truth::Numbers(_) => "is the same in all rows",
                Truth::Classes(..) => "does not have every class in these rows",
            };
            Failure::new(
                format!("{label} is not defined: the target {target:?} {why}"),
                "Give it rows that differ in the target, or choose another metric.",
            )
            .into()
        })
    }
}

impl Measure {
    fn worse_by(&self, before: f64, after: f64) -> f64 {
        if self.is_error { after - before } else { before - after }
    }
}

/// The figure that is chosen, if it judges what the model predicts.
fn measure(name: &str, target: &Target) -> Result<Measure, JobError> {
    const OF_CLASSES: [(&str, &str, bool); 6] = [
        ("accuracy", "Accuracy", false),
        ("precision", "Precision", false),
        ("recall", "Recall", false),
        ("f1", "F1", false),
        ("auc", "AUC", false),
        ("log_loss", "Log loss", true),
    ];
    const OF_NUMBERS: [(&str, &str, bool); 5] = [
        ("r2", "R²", false),
        ("rmse", "Root mean squared error", true),
        ("mae", "Mean absolute error", true),
        ("relative_absolute_error", "Relative absolute error", true),
        ("relative_squared_error", "Relative squared error", true),
    ];
    let (fitting, others, what, other): (&[_], &[_], _, _) = match target {
        Target::Number { .. } => (&OF_NUMBERS, &OF_CLASSES, "numbers", "classes"),
        Target::Class { .. } => (&OF_CLASSES, &OF_NUMBERS, "classes", "numbers"),
    };
    let found = fitting.iter().find(|(fitting, ..)| *fitting == name);
    let Some(&(name, label, is_error)) = found.or_else(|| fitting.first().filter(|_| name == AUTOMATIC)) else {
        let label = others.iter().find(|(other, ..)| *other == name).map_or(name, |(_, label, _)| label);
        let fitting: Vec<&str> = fitting.iter().map(|(_, label, _)| *label).collect();
        return Err(Failure::new(
            format!("{label} judges {other}, but the model predicts {what} of {:?}", target.name()),
            format!("Choose one of {}.", fitting.join(", ")),
        )
        .into());
    };
    Ok(Measure { name, label, is_error })
}

fn importance_columns() -> Vec<Column> {
    vec![
        Column::new("Feature", Kind::Text),
        Column::new("Score", Kind::Number),
        Column::new("Standard Deviation", Kind::Number),
    ]
}

fn table_of(importances: Vec<Importance>) -> Result<Table, table::TableError> {
    let n_rows = importances.len();
    let scores = importances.iter().map(|importance| importance.mean).collect();
    let deviations = importances.iter().map(|importance| importance.std.unwrap_or_default()).collect();
    let valid: Vec<bool> = importances.iter().map(|importance| importance.std.is_some()).collect();
    let names = importances.into_iter().map(|importance| importance.name).collect();
    let values = [NewValues::Text(names), NewValues::Number(scores), NewValues::Number(deviations)];
    let validity = [None, None, Some(valid)];
    let columns = importance_columns().into_iter().zip(values).zip(validity);
    let columns = columns.map(|((column, values), valid)| NewColumn { column, values, valid });
    Table::from_new_columns(columns.collect(), n_rows)
}

fn show(job: &mut Job<'_>, plan: &Plan, baseline: f64, importances: &[Importance]) {
    let Measure { label, is_error, .. } = plan.measure;
    let names: Vec<String> = importances.iter().map(|importance| importance.name.clone()).collect();
    let means: Vec<f64> = importances.iter().map(|importance| importance.mean).collect();
    let n_rows = plan.table.n_rows();
    let change = if is_error { "grows" } else { "falls" };
    let head = format!("How much {label} {change}");
    let mut figure = bars("permutation-importance", "Permutation importance", &head, &names, &means, n_rows);
    figure.summary = format!("How much {label} {change} when a column is shuffled, in the mean of the repeats.");
    if plan.n_repeats > 1 {
        let values = importances.iter().take(means.len().min(super::figures::MAX_BARS));
        let values = values.map(|importance| importance.std.unwrap_or_default()).collect();
        figure.series[0].detail = Some(Detail { label: "standard deviation".into(), values });
    }
    job.panel(Panel::Figure(figure));
    job.panel(Panel::Facts {
        title: "Permutation importance".into(),
        heads: vec!["Column".into(), head, "Standard deviation".into()],
        rows: importances
            .iter()
            .map(|Importance { name, mean, std }| {
                vec![name.clone(), digits(*mean), std.map_or_else(|| "–".to_owned(), digits)]
            })
            .collect(),
    });
    let mut facts = vec![
        vec!["Model".into(), plan.model.learner.clone()],
        vec![format!("{label} with all columns as they are"), digits(baseline)],
        vec!["Rows".into(), n_rows.to_string()],
        vec!["Repeats".into(), plan.n_repeats.to_string()],
    ];
    if plan.n_left_out > 0 {
        facts.push(vec!["Rows left out, whose target is missing".into(), plan.n_left_out.to_string()]);
    }
    job.panel(Panel::Facts { title: "Measured".into(), heads: vec!["What".into(), "Value".into()], rows: facts });
    let top = importances.iter().take(4).filter(|importance| importance.mean > 0.0);
    let top: Vec<(String, f64)> = top.map(|importance| (importance.name.clone(), importance.mean)).collect();
    let picture = (!top.is_empty()).then(|| Box::new(Face::Bars(top)));
    job.show(Face::Headline(format!("{label} {}", brief(baseline)), picture));
}
