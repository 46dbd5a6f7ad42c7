//! The ensemble of a search: what its best trials say of rows they were not trained on, and who is best together.

use engine::{Engine, Host};
use learn::{Checkpoint, Stopped};
use pipeline::{Edit, OutPort};
use protocol::{Blend, BlendTrials, Failure, Member, RunTarget, Search};
use study::{Study, Trial, TrialState};
use table::{Cells, Table};

use crate::ensemble::Library;
use crate::metric::Truth;
use crate::{came_through, stopped};

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
    came_through(&report).map_err(|failure| failed(failure.message, &failure.help))?;
    engine.table(&OutPort::new(judge, "scored"))
}

/// The truth of a scored table, and what was said of it.
fn read(table: &Table, target: &str) -> Result<(Truth, Vec<f64>), Failure> {
    const LABELS: &str = "Scored Labels";
    const PROBABILITIES: &str = "Scored Probabilities";
    let find = |name: &str| {
        table
            .schema()
            .position(name)
            .map(|column_idx| table.cells(column_idx))
            .map_err(|error| Failure::new(error.to_string(), "Please report this with the pipeline's file."))
    };
    let (actual, labels) = (find(target)?, find(LABELS)?);
    let known: Vec<usize> = (0..table.n_rows()).filter(|row_idx| actual.is_valid(*row_idx)).collect();
    let step = known.len().div_ceil(MAX_ROWS).max(1);
    let rows: Vec<usize> = known.into_iter().step_by(step).collect();
    let numbers = |cells: &Cells<'_>| -> Vec<f64> {
        rows.iter().map(|row_idx| cells.number(*row_idx).unwrap_or(f64::NAN)).collect()
    };
    let Cells::Category { names, .. } = labels else {
        return Ok((Truth::Numbers(numbers(&actual)), numbers(&labels)));
    };
    let classes: Vec<&str> = names.iter().flatten().collect();
    let columns: Vec<Vec<f64>> = match classes.len() {
        2 => {
            let positive = numbers(&find(PROBABILITIES)?);
            vec![positive.iter().map(|p| 1.0 - p).collect(), positive]
        }
        _ => {
            let of = |class: &&str| Ok(numbers(&find(&format!("{PROBABILITIES}_{class}"))?));
            classes.iter().map(of).collect::<Result<_, Failure>>()?
        }
    };
    let mut text = String::new();
    let class_of = |row_idx: &usize| {
        actual.read(*row_idx, &mut text);
        classes.iter().position(|class| *class == text).unwrap_or_default() as u32
    };
    let truth = Truth::Classes(rows.iter().map(class_of).collect(), classes.len());
    let predicted = (0..rows.len()).flat_map(|at| columns.iter().map(move |column| column[at])).collect();
    Ok((truth, predicted))
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
