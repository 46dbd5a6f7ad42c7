//! What each column contributes to what a model says of a row: SHAP values (Lundberg and Lee, "A unified approach to
//! interpreting model predictions", 2017), exactly.

use std::sync::Arc;

use charts::{Figure, Marks, Series};
use engine::{Component, In, Job, JobError, Out, Param, Running};
use learn::contributions::{Explained, explain};
use model::{Boosted, Estimator, Link, Model, NewColumn, NewValues, Target};
use pipeline::{Family, Spec};
use protocol::{Face, Failure, Panel};
use schema::{Column, Kind, Role};
use table::Table;

use super::figures::{MAX_BARS, axis, by_size, category_axis, digits, figure, guide, ranked};
use crate::train::Watched;
use crate::{failures, memory};

const MODEL: In<Arc<Model>> = In::new("model");
const TABLE: In<Table> = In::new("table");
const BACKGROUND: In<Table> = In::new("background").optional();
const CONTRIBUTIONS: Out<Table> = Out::new("contributions");
const CLASS: Param<String> = Param::text("class", "").label("Class to explain").help(
    "Left open, the second of two classes, and of more the one that is predicted for each row. Counts where classes are \
     predicted.",
);
const APPEND: Param<bool> = Param::switch("append", true)
    .label("Append to the rows")
    .help("Off, the contributions stand alone, without the values that they belong to.");

const CLASS_COLUMN: &str = "Explained Class";
const BASE: &str = "Base Value";
const CONTRIBUTION: &str = "Contribution_";
const RAW: &str = "Raw Output";

/// Feature Contributions (SHAP).
pub struct FeatureContributions;

impl Component for FeatureContributions {
    fn spec(&self) -> Spec {
        Spec::new("evaluate.feature-contributions", 1, Family::Evaluate, "Feature Contributions (SHAP)")
            .with_summary("Says of every row how much each column moved its prediction, up or down.")
            .with_help(
                "`raw output = base value + contribution of each column`, in every row. The base value is what the model \
                 says when it knows nothing of a row; a contribution is the Shapley value of a column: how much knowing \
                 it moves the prediction, in the mean over all orders in which columns may become known. Computed \
                 exactly, without sampling.\n\n\
                 - *Decision Tree, Decision Forest, Extra Trees*: in the number, or the probability of the class\n\
                 - *Boosted Decision Tree*: in the number; of two classes in the log odds, of more in the score of the \
                 class; of counts in their logarithm\n\
                 - *Linear, Logistic, Poisson Regression*: likewise, `weight · (value − mean)`\n\n\
                 Other models are refused; Permutation Feature Importance works for all. Trees average what is not known \
                 over their training rows. Weighted sums need a mean to compare with: connect the training rows to \
                 `background`, or the rows to be explained are compared with each other. A category counts as a whole. \
                 Where the model prepares rows itself, what it makes of them is explained.\n\n\
                 How to read it: log odds of +0.7 double the odds. The panel *Mean |SHAP|* says which columns move \
                 predictions most, whichever way. It explains the *model*, not the world: a column that contributes is \
                 not a cause, and columns that say the same share what one of them would have alone.",
            )
            .with_keywords("shap shapley explain contributions attribution interpret local importance treeshap")
            .with_icon("chart-bar")
            .with_caption("What moved each prediction")
            .with_input(MODEL)
            .with_input(TABLE)
            .with_input(BACKGROUND)
            .with_output(CONTRIBUTIONS)
            .with_param(CLASS)
            .with_param(APPEND)
    }

    fn memory(&self, job: &Job<'_>) -> u64 {
        let of = |table: Table| memory::explaining(&table);
        [job.optional_input(TABLE), job.optional_input(BACKGROUND)].into_iter().flatten().map(of).sum()
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let (model, table) = (job.input(MODEL)?, job.input(TABLE)?);
            let background = job.optional_input(BACKGROUND);
            let class = chosen_class(&model, job.param(CLASS)?.trim())?;
            let matrix = |table: &Table| model.matrix(&table.frame()).map_err(|error| failures::from_model(&error));
            check(&model, &table, background.as_ref())?;
            let x = matrix(&table)?;
            let other = background.as_ref().map(matrix).transpose()?;
            let explained = explain(&model, &x, other.as_ref().unwrap_or(&x), class, &mut Watched(job)).await;
            let explained = explained.map_err(|_| JobError::Cancelled)?.ok_or_else(|| refused(&model))?;
            show(job, &model, &explained, background.as_ref());
            let append = job.param(APPEND)?;
            let table = if append { table } else { table.select(&[]) };
            job.output(CONTRIBUTIONS, with_contributions(&table, &model, explained)?);
            Ok(())
        })
    }
}

fn is_weighted_sum(model: &Model) -> bool {
    matches!(&model.estimator, Estimator::Linear(_) | Estimator::Logistic(_) | Estimator::Poisson(_))
}

fn refused(model: &Model) -> Failure {
    Failure::new(
        format!("{} has no exact contributions here: it is neither made of trees nor a weighted sum", model.learner),
        "Connect a Decision Tree, Decision Forest, Extra Trees, Boosted Decision Tree, or a Linear, Logistic or Poisson \
         Regression. Permutation Feature Importance and Partial Dependence explain every model.",
    )
}

fn check(model: &Model, table: &Table, background: Option<&Table>) -> Result<(), JobError> {
    let wrong = |message: &str, help: &str| Err(Failure::new(message, help).into());
    if table.n_rows() == 0 {
        return wrong("there are no rows to explain", "Give it rows; a look at the step before shows where they went.");
    }
    if !is_weighted_sum(model) {
        return Ok(());
    }
    match background {
        Some(background) if background.n_rows() == 0 => {
            wrong("the background has no rows, so there is no mean to compare with", "Connect the training rows to it.")
        }
        None if table.n_rows() == 1 => wrong(
            "one row is its own mean, so no column would contribute",
            "Connect the training rows to `background`: a row is explained by how it differs from them.",
        ),
        Some(_) | None => Ok(()),
    }
}

/// The class that is chosen; none to let the component choose.
pub fn chosen_class(model: &Model, chosen: &str) -> Result<Option<usize>, JobError> {
    let Target::Class { name, classes, .. } = &model.target else { return Ok(None) };
    if chosen.is_empty() {
        return Ok(None);
    }
    let place = classes.iter().position(|class| class == chosen);
    place.map(Some).ok_or_else(|| {
        let message = format!("{name:?} has no class {chosen:?}; the model knows {}", schema::list(classes));
        Failure::new(message, "Choose one of them, or leave the class open.").into()
    })
}

/// "log odds of yes".
fn of_what(model: &Model, explained: &Explained) -> String {
    let class = |at: u32| match &model.target {
        Target::Class { classes, .. } => classes.get(at as usize).map_or("", String::as_str),
        Target::Number { name } => name,
    };
    let first = explained.classes.first().copied().unwrap_or_default();
    let class =
        if explained.classes.iter().all(|class| *class == first) { class(first) } else { "the predicted class" };
    let two_classes = model.target.n_classes() == 2;
    match (&model.estimator, &model.target) {
        (Estimator::Poisson(_) | Estimator::Boosted(Boosted { link: Link::Exp, .. }), _) => {
            format!("logarithm of {class}")
        }
        (_, Target::Number { .. }) => class.into(),
        (Estimator::Logistic(_) | Estimator::Boosted(_), _) if two_classes => format!("log odds of {class}"),
        (Estimator::Logistic(_) | Estimator::Boosted(_), _) => format!("score of {class}"),
        (_, Target::Class { .. }) => format!("probability of {class}"),
    }
}

fn with_contributions(table: &Table, model: &Model, explained: Explained) -> Result<Table, JobError> {
    let is_old = |name: &String| [CLASS_COLUMN, BASE, RAW].contains(&name.as_str()) || name.starts_with(CONTRIBUTION);
    let old: Vec<String> = table.schema().names().into_iter().filter(is_old).collect();
    let column = |name: &str, kind: Kind, values: NewValues| NewColumn {
        column: Column::new(name, kind).with_role(Role::Ignored),
        values,
        valid: None,
    };
    let number = |name: &str, values: Vec<f64>| column(name, Kind::Number, NewValues::Number(values));
    let n_rows = explained.base.len();
    let mut new = Vec::new();
    if let Target::Class { classes, .. } = &model.target {
        let codes = explained.classes.iter().map(|class| *class as i32).collect();
        let values = NewValues::Category { codes, dictionary: classes.clone() };
        new.push(column(CLASS_COLUMN, Kind::Category, values));
    }
    new.push(number(BASE, explained.base));
    for (feature, values) in model.features.features.iter().zip(explained.contributions) {
        new.push(number(&format!("{CONTRIBUTION}{}", feature.name), values));
    }
    new.push(number(RAW, explained.raw));
    let kept = table.without(&old);
    let made = if kept.n_columns() == 0 { Table::from_new_columns(new, n_rows) } else { kept.with_columns(new) };
    made.map_err(|error| failures::from_table(&error))
}

fn show(job: &mut Job<'_>, model: &Model, explained: &Explained, background: Option<&Table>) {
    let names: Vec<String> = model.features.features.iter().map(|feature| feature.name.clone()).collect();
    let n_rows = explained.base.len();
    let mean = |values: &Vec<f64>| values.iter().map(|x| x.abs()).sum::<f64>() / n_rows as f64;
    let means: Vec<f64> = explained.contributions.iter().map(mean).collect();
    let what = of_what(model, explained);
    let summary =
        format!("How far each column moves the {what} from its base value, up or down, in the mean over the rows.");
    for panel in ranked("mean-shap", "Mean |SHAP|", "Mean |SHAP|", &summary, &names, &means, n_rows as u64) {
        job.panel(panel);
    }
    job.panel(Panel::Figure(first_row(&names, explained, &what)));
    let sum = |row_idx: usize| {
        explained.base[row_idx] + explained.contributions.iter().map(|column| column[row_idx]).sum::<f64>()
    };
    let off = (0..n_rows).map(|row_idx| (explained.raw[row_idx] - sum(row_idx)).abs()).fold(0.0, f64::max);
    let fact = |name: &str, value: String| vec![name.to_owned(), value];
    let mut facts = vec![fact("Model", model.learner.clone()), fact("Explains", format!("The {what}"))];
    if explained.base.iter().all(|base| *base == explained.base[0]) {
        facts.push(fact("Base value", digits(explained.base[0])));
    }
    facts.push(fact("Rows", n_rows.to_string()));
    facts.push(fact(
        "What is not known",
        if is_weighted_sum(model) {
            let n_usual = background.map_or(n_rows, Table::n_rows);
            let whose = if background.is_some() { "of the background" } else { "that are explained" };
            format!("has its mean over the {n_usual} rows {whose}")
        } else {
            "is averaged over the training rows that went each way".into()
        },
    ));
    facts.push(fact("Base value and contributions miss the raw output by at most", format!("{off:.1e}")));
    job.panel(Panel::Facts { title: "Explained".into(), heads: vec!["What".into(), "Value".into()], rows: facts });
    let top = by_size(&means).into_iter().take(4).map(|at| (names[at].clone(), means[at])).collect();
    job.show(Face::Headline(format!("Mean |SHAP| of {n_rows} rows"), Some(Box::new(Face::Bars(top)))));
}

/// From the base value to the raw output of the first row, column by column.
fn first_row(names: &[String], explained: &Explained, what: &str) -> Figure {
    let contributions: Vec<f64> = explained.contributions.iter().map(|column| column[0]).collect();
    let order = by_size(&contributions);
    let (shown, others) = order.split_at(order.len().min(MAX_BARS));
    let mut steps: Vec<(String, f64)> = shown.iter().map(|&at| (names[at].clone(), contributions[at])).collect();
    if !others.is_empty() {
        steps.push((format!("{} others", others.len()), others.iter().map(|&at| contributions[at]).sum()));
    }
    let mut at = explained.base[0];
    let spans = steps.iter().enumerate().map(|(step_idx, (_, contribution))| {
        let from = at;
        at += contribution;
        (from, at, step_idx as f64)
    });
    let marks = Marks::Spans(spans.collect());
    let end = steps.len() as f64 - 0.5;
    let categories = steps.into_iter().map(|(name, _)| name).collect();
    let title = "How the first row comes about";
    let mut figure = figure("first-row", title, axis(what), category_axis("Column", categories), 1);
    figure.summary = format!(
        "From the base value {} to the raw output {}, the columns that contribute most first.",
        digits(explained.base[0]),
        digits(explained.raw[0])
    );
    figure.series.push(Series { name: "Contribution".into(), color_idx: 0, marks, detail: None });
    figure.guides.push(guide("base value", (explained.base[0], -0.5), (explained.base[0], end)));
    figure
}
