//! Judges scored tables, one or two side by side.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Component, Evaluation, Flow, FlowError, In, Job, JobError, Out, Param, Running};
use learn::Checkpoint;
use pipeline::{Family, Spec};
use protocol::{Face, Failure, Metric, Panel};
use schema::{Kind, Schema};
use table::Table;

use super::{classification, clustering, regression};
use crate::memory;
use crate::score::{ASSIGNMENTS, SCORED_LABELS};
use crate::train::Watched;

const SCORED: In<Table> = In::new("scored");
const SCORED_2: In<Table> = In::new("scored_2").optional();
const EVALUATION: Out<Arc<Evaluation>> = Out::new("evaluation");
const NAME: Param<String> =
    Param::text("name", "First").label("Name of the first input").help("Under which its figures and curves are shown.");
const NAME_2: Param<String> = Param::text("name_2", "Second")
    .label("Name of the second input")
    .help("Under which its figures and curves are shown. Counts only when something is connected to `scored_2`.");

/// Evaluate Model.
pub struct EvaluateModel;

/// One input.
pub struct Scored {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub table: Table,
}

/// What judging gives.
pub struct Judged {
    /// To be shown.
    pub panels: Vec<Panel>,
    /// The same figures, as they enter the table of metrics.
    pub metrics: Vec<Metric>,
    /// For the card.
    pub face: Face,
}

/// What was predicted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Classes,
    Numbers,
    Clusters,
}

impl Component for EvaluateModel {
    fn spec(&self) -> Spec {
        Spec::new("evaluate.evaluate-model", 1, Family::Evaluate, "Evaluate Model")
            .with_summary("Measures how good predictions are, for one model or two side by side.")
            .with_help(
                "Compares `Scored Labels` with the truth, the column with the role of *target*. Connect a second \
                 scored table to see both in the same figures.\n\n\
                 - *Classes*: accuracy, precision, recall, F1, AUC, log loss; confusion matrix, ROC and \
                 precision-recall curves. With two classes, the positive one is the second in alphabetical order; \
                 then there are also cumulative gain and lift, for whoever can only call the best tenth of a list, \
                 and *calibration*: whether of rows with a probability of 0.8 eight of ten are so\n\
                 - *Numbers*: mean absolute error, root mean squared error, R²; predicted against actual, residuals\n\
                 - *Clusters*: sizes, distances to own and other centres, simplified silhouette\n\n\
                 `F1 = 2 · precision · recall / (precision + recall)`, log loss is the mean of `−ln p(true class)`, \
                 and `R² = 1 − Σ (y − ŷ)² / Σ (y − mean)²`.\n\n\
                 Accuracy alone deceives when classes are unequal: where 73 of 100 customers stay, saying *stays* \
                 every time is 73 % accurate. AUC asks how often a random positive row scores above a random \
                 negative one: 0.5 is guessing, 1 is perfect.",
            )
            .with_keywords("metrics accuracy auc roc confusion rmse r2 compare score quality precision recall lift gain calibration reliability")
            .with_icon("chart-line")
            .with_caption("Metrics and curves")
            .with_input(SCORED)
            .with_input(SCORED_2)
            .with_output(EVALUATION)
            .with_param(NAME)
            .with_param(NAME_2)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        for port in [SCORED, SCORED_2] {
            if let Some(schema) = flow.input(port) {
                task(schema).map_err(|(message, help)| FlowError { place: port.name().into(), message, help })?;
            }
        }
        Ok(())
    }

    fn memory(&self, job: &Job<'_>) -> u64 {
        let of = |table: Table| memory::judging(table.n_rows(), memory::n_classes(&table, None));
        let both = [job.optional_input(SCORED), job.optional_input(SCORED_2)];
        // One is judged after the other.
        both.into_iter().flatten().map(of).max().unwrap_or_default()
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let mut inputs = vec![Scored { name: job.param(NAME)?, table: job.input(SCORED)? }];
            if let Some(table) = job.optional_input(SCORED_2) {
                inputs.push(Scored { name: job.param(NAME_2)?, table });
            }
            let judged = judge(&mut Watched(job), &inputs).await?;
            let mut panels = vec![Panel::Metrics {
                series: inputs.iter().map(|input| input.name.clone()).collect(),
                metrics: judged.metrics.clone(),
            }];
            panels.extend(judged.panels);
            let metrics = headline_metrics(&judged.metrics);
            job.show(judged.face);
            job.output(EVALUATION, Arc::new(Evaluation { panels, metrics }));
            Ok(())
        })
    }
}

/// Judges one scored table or two side by side, in turns.
pub async fn judge(checkpoint: &mut impl Checkpoint, inputs: &[Scored]) -> Result<Judged, JobError> {
    let mut tasks = Vec::new();
    for input in inputs {
        let what = task(input.table.schema()).map_err(|(message, help)| JobError::from(Failure::new(message, help)))?;
        tasks.push(what);
    }
    if let [first, second] = tasks[..]
        && first != second
    {
        return Err(Failure::new(
            "the two inputs cannot be compared: one holds predicted classes or numbers, the other something else",
            "Compare models that predict the same column.",
        )
        .into());
    }
    match tasks[0] {
        Task::Classes => classification::judge(checkpoint, inputs).await,
        Task::Numbers => regression::judge(checkpoint, inputs).await,
        Task::Clusters => clustering::judge(checkpoint, inputs).await,
    }
}

/// The user may stop it here.
pub async fn turn(checkpoint: &mut impl Checkpoint, fraction: f64) -> Result<(), JobError> {
    checkpoint.checkpoint(fraction, "Judging").await.map_err(|_| JobError::Cancelled)
}

/// By name, those of the second input with `.2`.
fn headline_metrics(metrics: &[Metric]) -> BTreeMap<String, f64> {
    let mut by_name = BTreeMap::new();
    for metric in metrics {
        for (input_idx, value) in metric.values.iter().enumerate() {
            if let Some(value) = value {
                let name =
                    if input_idx == 0 { metric.name.clone() } else { format!("{}.{}", metric.name, input_idx + 1) };
                by_name.insert(name, *value);
            }
        }
    }
    by_name
}

/// What a scored table holds, or what is wrong with it and the way out.
fn task(schema: &Schema) -> Result<Task, (String, String)> {
    if let Ok(scored) = schema.column(SCORED_LABELS) {
        if schema.target().is_none() {
            return Err((
                "no column has the role of target, so there is no truth to compare with".into(),
                "Score rows whose target is known, and keep that column up to here.".into(),
            ));
        }
        return Ok(if scored.kind == Kind::Number { Task::Numbers } else { Task::Classes });
    }
    if schema.column(ASSIGNMENTS).is_ok() {
        return Ok(Task::Clusters);
    }
    Err((
        format!(
            "the table has neither a column {SCORED_LABELS:?} nor {ASSIGNMENTS:?}; it has {}",
            schema::list(&schema.names())
        ),
        "Connect the output of Score Model or Assign Data to Clusters.".into(),
    ))
}

#[cfg(test)]
mod tests {
    use learn::{Stopped, block_on};
    use model::Target;

    use super::*;
    use crate::score::score_model::{Scores, with_scores};

    /// A user who stops at some checkpoint.
    struct Patience {
        n_left: usize,
    }

    impl Checkpoint for Patience {
        async fn checkpoint(&mut self, _fraction: f64, _message: &str) -> Result<(), Stopped> {
            self.n_left = self.n_left.checked_sub(1).ok_or(Stopped)?;
            Ok(())
        }
    }

    fn scored(n_rows: usize, target: &Target) -> Scored {
        let mut stream = numeric::Stream::new(1);
        let (mut csv, mut values, mut classes) = (String::from("x,class,number\n"), Vec::new(), Vec::new());
        for _ in 0..n_rows {
            let (x, chance) = (stream.uniform(), stream.uniform());
            csv.push_str(&format!("{x},{},{chance}\n", if chance < x { "yes" } else { "no" }));
            if target.n_classes() > 0 {
                values.extend([1.0 - x, x]);
                classes.push(u32::from(x > 0.5));
            } else {
                values.push(x);
            }
        }
        let table = table::read_bytes("t.csv", csv.as_bytes(), table::Options::default()).expect("a table").table;
        let table = with_scores(&table, target, Scores { values, classes }).expect("new columns");
        Scored { name: "All".into(), table }
    }

    #[test]
    fn judging_many_rows_stops_at_once_wherever_it_is() {
        const MANY: usize = 1_000_000;
        let classes = vec!["no".to_owned(), "yes".to_owned()];
        for (target, n_rows, n_turns) in [
            (Target::Class { name: "class".into(), kind: Kind::Category, classes }, 150_000, 30),
            (Target::Number { name: "number".into() }, 1_000, 4),
        ] {
            let scored = [scored(n_rows, &target)];
            let mut whole = Patience { n_left: MANY };
            let judged = block_on(judge(&mut whole, &scored));
            assert!(judged.is_ok());
            let n_checkpoints = MANY - whole.n_left;
            assert!(n_checkpoints >= n_turns, "{n_checkpoints}");
            for n_left in (0..n_checkpoints).step_by(n_checkpoints / 4) {
                let stopped = block_on(judge(&mut Patience { n_left }, &scored)).map(|_| ());
                assert_eq!(stopped, Err(JobError::Cancelled));
            }
        }
    }
}
