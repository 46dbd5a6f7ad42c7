//! The ensemble of a search: what its best trials say of rows they were not trained on, and who is best together.

use engine::{Engine, Host};
use learn::{Checkpoint, Stopped};
use model::{ColumnView, Values};
use pipeline::{Edit, OutPort};
use protocol::{Blend, BlendTrials, Failure, Member, NodeOutcome, RunTarget, Search};
use study::{Study, Trial, TrialState};
use table::Table;

use crate::ensemble::Library;
use crate::metric::Truth;

/// Trials that may become members.
const MAX_CANDIDATES: usize = 12;
/// Rows that have a say in the choice; of more, so many are taken evenly.
const MAX_ROWS: usize = 10_000;

/// Chooses an ensemble among the best trials of a search.
///
/// Each candidate is cross-validated again, unless its result is at hand, so that the ensemble depends on the trials
/// alone and not on what was kept.
///
/// # Errors
/// No trial is done, a candidate fails, or the user stops it.
pub async fn blend(engine: &Engine, host: &dyn Host, call: &BlendTrials) -> Result<Blend, Failure> {
    let search = &call.search;
    let stopped =
        || Failure::new("the choice of an ensemble was stopped", "Ask for it again, or place the best trial.");
    let candidates = shortlist(&search.study);
    if candidates.is_empty() {
        return Err(Failure::new("no trial is done", "Let the search go on until one is."));
    }
    let mut truth = None;
    let mut predicted = Vec::new();
    for trial in &candidates {
        let table = validated(engine, host, call, trial).await?;
        let (actual, values) = read(&table, &search.target)?;
        predicted.push(values);
        truth.get_or_insert(actual);
    }
    let objective = search.study.objectives.first();
    let (Some(truth), Some(objective)) = (truth, objective) else { return Err(stopped()) };
    let library = Library { truth, predicted, metric: &objective.metric, goal: objective.goal };
    let mut breath = Breath { host, last_secs: host.now_secs() };
    let counts = library.choose(&mut breath).await.map_err(|_| stopped())?;
    let worth = library.worth(&mut breath).await.map_err(|_| stopped())?;
    let mut members: Vec<Member> = candidates
        .into_iter()
        .zip(counts)
        .filter(|(_, weight)| *weight > 0)
        .map(|(trial, weight)| Member { trial: trial.number, weight, settings: trial.settings.clone() })
        .collect();
    members.sort_by_key(|member| (std::cmp::Reverse(member.weight), member.trial));
    Ok(Blend {
        members,
        value: worth.value,
        best_alone: worth.best_alone,
        gain: worth.gain,
        standard_error: worth.standard_error,
    })
}

/// The trials that may become members: the best of each learner, then the best that are left.
fn shortlist(study: &Study) -> Vec<&Trial> {
    let Some(goal) = study.objectives.first().map(|objective| objective.goal) else { return Vec::new() };
    let mut done: Vec<(&Trial, f64)> = study
        .trials
        .iter()
        .filter(|trial| trial.state == TrialState::Done)
        .filter_map(|trial| Some((trial, goal.as_loss(*trial.values.first()?))))
        .collect();
    done.sort_by(|(one, a), (other, b)| a.total_cmp(b).then(one.number.cmp(&other.number)));
    let learner = study.space.dimensions.first().map_or("", |dimension| dimension.name.as_str());
    let mut seen: Vec<&pipeline::Value> = Vec::new();
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for (trial, _) in done {
        match trial.settings.get(learner).filter(|value| !seen.contains(value)) {
            Some(value) => {
                seen.push(value);
                first.push(trial);
            }
            None => rest.push(trial),
        }
    }
    first.into_iter().chain(rest).take(MAX_CANDIDATES).collect()
}

/// The rows that a trial's models were judged by, each scored by one that was not trained on it.
async fn validated(engine: &Engine, host: &dyn Host, call: &BlendTrials, trial: &Trial) -> Result<Table, Failure> {
    let Search { pipeline, judge, study, .. } = &call.search;
    let failed = |message: String, help: &str| Failure::new(format!("trial {}: {message}", trial.number), help);
    let mut changed = pipeline.clone();
    changed
        .apply(Edit::Batch(study.space.edits(&trial.settings)))
        .map_err(|error| failed(error.to_string(), "Begin a new search with the pipeline as it is."))?;
    let report = engine.run(host, call.run, &changed, &RunTarget::To(vec![judge.clone()])).await;
    for node in report.nodes.values() {
        match &node.outcome {
            NodeOutcome::Failed(failure) => return Err(failed(failure.message.clone(), &failure.help)),
            NodeOutcome::Cancelled => {
                return Err(failed("the choice of an ensemble was stopped".into(), "Ask for it again."));
            }
            NodeOutcome::Ran | NodeOutcome::Reused | NodeOutcome::Skipped(_) => {}
        }
    }
    engine.table(&OutPort::new(judge, "scored"))
}

/// The truth of a scored table, and what was said of it.
fn read(table: &Table, target: &str) -> Result<(Truth, Vec<f64>), Failure> {
    const LABELS: &str = "Scored Labels";
    const PROBABILITIES: &str = "Scored Probabilities";
    let frame = table.frame();
    let missing = |name: &str| {
        Failure::new(format!("the scored rows have no column {name:?}"), "Please report this with the pipeline's file.")
    };
    let find = |name: &str| frame.column(name).ok_or_else(|| missing(name));
    let (actual, labels) = (find(target)?, find(LABELS)?);
    let known: Vec<usize> = (0..frame.n_rows).filter(|row_idx| actual.is_valid(*row_idx)).collect();
    let step = known.len().div_ceil(MAX_ROWS).max(1);
    let rows: Vec<usize> = known.into_iter().step_by(step).collect();
    let Values::Category { dictionary, .. } = &labels.values else {
        let actual = rows.iter().map(|row_idx| number(actual, *row_idx)).collect();
        return Ok((Truth::Numbers(actual), rows.iter().map(|row_idx| number(labels, *row_idx)).collect()));
    };
    let class_of = |row_idx: usize| {
        let name = word(actual, row_idx);
        dictionary.iter().position(|class| *class == name).unwrap_or_default() as u32
    };
    let columns: Vec<&ColumnView<'_>> = match dictionary.len() {
        2 => vec![find(PROBABILITIES)?],
        _ => dictionary.iter().map(|class| find(&format!("{PROBABILITIES}_{class}"))).collect::<Result<_, _>>()?,
    };
    let mut values = Vec::with_capacity(rows.len() * dictionary.len());
    for row_idx in &rows {
        match columns.as_slice() {
            [positive] => {
                let p = number(positive, *row_idx);
                values.extend([1.0 - p, p]);
            }
            all => values.extend(all.iter().map(|column| number(column, *row_idx))),
        }
    }
    let actual = rows.iter().map(|row_idx| class_of(*row_idx)).collect();
    Ok((Truth::Classes(actual, dictionary.len()), values))
}

fn number(column: &ColumnView<'_>, row_idx: usize) -> f64 {
    match &column.values {
        Values::Number(values) => values[row_idx],
        Values::Integer(values) => values[row_idx] as f64,
        Values::Boolean(values) => f64::from(u8::from(values[row_idx])),
        Values::Category { .. } | Values::Text(_) | Values::DateTime(_) => f64::NAN,
    }
}

fn word(column: &ColumnView<'_>, row_idx: usize) -> String {
    match &column.values {
        Values::Category { codes, dictionary } => usize::try_from(codes[row_idx])
            .ok()
            .and_then(|code| dictionary.get(code))
            .map_or_else(String::new, |name| (*name).to_owned()),
        Values::Text(values) => values[row_idx].to_owned(),
        Values::Boolean(values) => values[row_idx].to_string(),
        Values::Integer(values) => values[row_idx].to_string(),
        Values::Number(_) | Values::DateTime(_) => String::new(),
    }
}

/// Lets messages in while an ensemble is chosen.
struct Breath<'a> {
    host: &'a dyn Host,
    last_secs: f64,
}

impl Checkpoint for Breath<'_> {
    async fn checkpoint(&mut self, _fraction: f64, _message: &str) -> Result<(), Stopped> {
        const BREATH_SECS: f64 = 0.012;
        if self.host.now_secs() - self.last_secs >= BREATH_SECS {
            self.host.breathe().await;
            self.last_secs = self.host.now_secs();
        }
        if self.host.is_cancelled() { Err(Stopped) } else { Ok(()) }
    }
}
