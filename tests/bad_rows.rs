//! Every learner of the catalogue beside every kind of rows: what is small, large, alike, missing or of another kind.
//!
//! A learner either trains a model whose scores are finite and proper, or says what is wrong, where, and the way out;
//! it does not panic, and comes to an end soon. `bad_rows.md` is the table of who does what, which
//! `cargo test --workspace --test bad_rows -- --nocapture` prints and `UPDATE_EXPECT=1` writes anew; the commit says why.
//! Each parameter is tried at its bounds as well, and whole pipelines in `bad_input.rs`.

#[path = "bad_rows/cases.rs"]
mod cases;
#[path = "bad_rows/learners.rs"]
mod learners;
#[path = "bad_rows/report.rs"]
mod report;
#[path = "bad_rows/rows.rs"]
mod rows;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use engine::testing::{TestHost, block_on, run_component_in};
use engine::{Artifact, Engine, JobError};
use model::{Frame, Values};
use pipeline::{Edit, NodeId, Value};
use protocol::{Failure, NodeOutcome, RunId, RunTarget};
use schema::ColumnSelection;
use table::Table;

use crate::cases::{CASES, Case, HARD, LATER, Of};
use crate::learners::{Learner, Settings, Task, component, learners};
use crate::rows::{Rows, Target};

/// Rows of a table that is trained on, unless its case says otherwise.
const N_ROWS: usize = 40;
/// Rows of a table that comes later.
const N_LATER: usize = 12;
/// What does not end within this never does.
const MAX_WAIT: Duration = Duration::from_secs(90);
/// How often a cell may ask for breath, which is about every twelfth checkpoint.
const MAX_BREATHS: u32 = 20_000;

/// What came of a learner and some rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Came {
    /// A model whose scores are proper; of these Evaluate Model may say that they cannot be judged.
    Trains(Option<Failure>),
    /// A failure with a way out.
    Fails(Failure),
}

/// What came of a learner and all cases, target by target.
#[derive(Default)]
struct Tried {
    training: Vec<Vec<Came>>,
    later: Vec<Vec<Came>>,
    /// Cases of which something else came than of the usual settings.
    settings: Vec<(Settings, Vec<(&'static str, Came)>)>,
    n_settings: usize,
    /// Of how many cases.
    n_hard: usize,
    /// What must not be.
    wrong: Vec<String>,
    /// Seconds that each cell took.
    secs: Vec<(f64, String)>,
}

#[test]
fn every_learner_takes_rows_of_every_kind_or_says_what_is_wrong_and_how_out() {
    panic_quietly();
    let learners = learners();
    let tried: Vec<OnceLock<Tried>> = learners.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(learner) = learners.get(next.fetch_add(1, Ordering::Relaxed)) {
            let at = learners.iter().position(|other| std::ptr::eq(other, learner)).expect("it is one of them");
            let _ = tried[at].set(try_all(learner));
        }
    };
    thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        while threads.iter().any(|thread| !thread.is_finished()) {
            thread::sleep(Duration::from_millis(20));
            end_if_stuck();
        }
    });
    let tried: Vec<Tried> =
        tried.into_iter().map(|tried| tried.into_inner().expect("every learner was tried")).collect();

    let text = report::text(&learners, &tried);
    println!("{text}");
    let mut secs: Vec<&(f64, String)> = tried.iter().flat_map(|tried| &tried.secs).collect();
    secs.sort_by(|one, other| other.0.total_cmp(&one.0));
    println!("{} cells, {:.1} s; the slowest:", secs.len(), secs.iter().map(|(secs, _)| secs).sum::<f64>());
    secs.iter().take(10).for_each(|(secs, cell)| println!("{secs:7.3} s  {cell}"));

    let wrong: Vec<&str> = tried.iter().flat_map(|tried| &tried.wrong).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
    compare(&text);
}

/// Holds the table to the one that is kept.
fn compare(text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("bad_rows.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, text).expect("the table can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (found, kept) = (lines(text), lines(&kept));
    let differs = |at: &usize| found.get(*at) != kept.get(*at);
    if let Some(at) = (0..found.len().max(kept.len())).find(differs) {
        panic!(
            "tests/bad_rows.md is otherwise, first in line {}:\n  kept:  {}\n  found: {}\nUPDATE_EXPECT=1 writes it anew.",
            at + 1,
            kept.get(at).map_or("", String::as_str),
            found.get(at).map_or("", String::as_str)
        );
    }
}

/// All cases of one learner.
fn try_all(learner: &Learner) -> Tried {
    let mut tried = Tried::default();
    let usual = Settings::new();
    for case in CASES {
        let came = each_target(learner, case.of, |target| {
            let rows = made(case, target, N_ROWS);
            let name = format!("{}, {}", learner.title(), case.name);
            tried.cell(&name, || came_of(learner, &usual, &rows, case.blamed))
        });
        tried.training.push(came);
    }
    try_later(learner, &mut tried);
    let settings = learner.settings();
    tried.n_settings = settings.len();
    let is_hard = |case: &Case| HARD.contains(&case.name);
    let n_targets = |case: &Case| targets(learner.task, case.of).len();
    tried.n_hard = CASES.iter().filter(|case| is_hard(case) && n_targets(case) > 0).count();
    for settings in settings {
        let mut others = Vec::new();
        for (case_idx, case) in CASES.iter().enumerate().filter(|(_, case)| is_hard(case)) {
            let came = each_target(learner, case.of, |target| {
                let rows = made(case, target, N_ROWS);
                let name = format!("{}, {}, {}", learner.title(), case.name, report::in_words(&settings));
                tried.cell(&name, || came_of(learner, &settings, &rows, &[]))
            });
            let is_other = |(came, usual): &(Came, &Came)| came != *usual;
            let usual = &tried.training[case_idx];
            others.extend(came.into_iter().zip(usual).filter(is_other).map(|(came, _)| (case.name, came)));
        }
        others.dedup();
        if !others.is_empty() {
            tried.settings.push((settings, others));
        }
    }
    tried
}

/// What a model that was trained on plain rows says of others.
fn try_later(learner: &Learner, tried: &mut Tried) {
    let mut models: Vec<(Target, Artifact)> = Vec::new();
    for case in LATER {
        let came = each_target(learner, case.of, |target| {
            let name = format!("{}, later {}", learner.title(), case.name);
            let known = models.iter().find(|(of, _)| *of == target).map(|(_, model)| model.clone());
            let model = known.unwrap_or_else(|| {
                let model = trained(learner, &Settings::new(), &Rows::plain(target, N_ROWS).table());
                models.push((target, model.expect("nothing is wrong with plain rows")));
                models[models.len() - 1].1.clone()
            });
            let rows = made(case, target, N_LATER);
            tried.cell(&name, || blame(scored_and_judged(learner, &model, &rows), case.blamed))
        });
        tried.later.push(came);
    }
}

fn made(case: &Case, target: Target, n_rows: usize) -> Table {
    let mut rows = Rows::plain(target, n_rows);
    (case.make)(&mut rows);
    rows.table()
}

/// What comes of each target that a learner can have in such cases.
fn each_target(learner: &Learner, of: Of, came: impl FnMut(Target) -> Came) -> Vec<Came> {
    targets(learner.task, of).iter().copied().map(came).collect()
}

fn targets(task: Task, of: Of) -> &'static [Target] {
    match (task, of) {
        (Task::Classes, Of::All | Of::Classes) => &[Target::Classes(2), Target::Classes(3)],
        (Task::Numbers, Of::All | Of::Numbers) => &[Target::Numbers],
        (Task::Classes, Of::Numbers) | (Task::Numbers, Of::Classes) => &[],
        (Task::Anomalies | Task::Clusters, Of::All | Of::Classes) => &[Target::Classes(2)],
        (Task::Anomalies | Task::Clusters, Of::Numbers) => &[Target::Numbers],
    }
}

impl Tried {
    /// What came of a cell; what is wrong with it is kept.
    fn cell(&mut self, name: &str, cell: impl FnOnce() -> Result<Came, String>) -> Came {
        let begun = Instant::now();
        at_work(Some((name.to_owned(), begun)));
        IN_CELL.set(Some(String::new()));
        let came = catch_unwind(AssertUnwindSafe(cell));
        let panicked = IN_CELL.take().unwrap_or_default();
        at_work(None);
        self.secs.push((begun.elapsed().as_secs_f64(), name.to_owned()));
        let came = came.unwrap_or_else(|_| Err(format!("it panics: {panicked}")));
        came.unwrap_or_else(|wrong| {
            self.wrong.push(format!("{name}: {wrong}"));
            Came::Fails(Failure::new(wrong, ""))
        })
    }
}

/// What comes of training on a table and scoring the same.
fn came_of(learner: &Learner, settings: &Settings, table: &Table, blamed: &[&str]) -> Result<Came, String> {
    let came = match trained(learner, settings, table) {
        Ok(model) => scored_and_judged(learner, &model, table),
        Err(error) => told(error).map(Came::Fails),
    };
    blame(came, blamed)
}

/// A failure has to name what is to blame.
fn blame(came: Result<Came, String>, blamed: &[&str]) -> Result<Came, String> {
    if let Ok(Came::Fails(failure)) = &came
        && let Some(missing) = blamed.iter().find(|word| !failure.message.contains(**word))
    {
        return Err(format!("{missing} is not blamed: {} {}", failure.message, failure.help));
    }
    came
}

/// A failure with a way out.
fn told(error: JobError) -> Result<Failure, String> {
    match error {
        JobError::Cancelled => Err("it does not come to an end".into()),
        JobError::Failed(failure) if failure.message.is_empty() || failure.help.is_empty() => {
            Err(format!("there is no way out of {:?}", failure.message))
        }
        JobError::Failed(failure) => Ok(failure),
    }
}

fn host() -> TestHost {
    TestHost::stopping_after(MAX_BREATHS)
}

fn trained(learner: &Learner, settings: &Settings, table: &Table) -> Result<Artifact, JobError> {
    let host = host();
    let untrained = learner.untrained(&host, settings)?;
    let (id, output, params) = match learner.task {
        Task::Classes | Task::Numbers => ("train-model", "model", vec![("target", Value::Text("y".into()))]),
        Task::Anomalies => ("train-anomaly-detection-model", "model", Vec::new()),
        Task::Clusters => {
            ("train-clustering-model", "clustering", vec![("columns", Value::Columns(ColumnSelection::All))])
        }
    };
    let inputs = vec![untrained, ("table", Artifact::Table(table.clone()))];
    let mut outcome = run_component_in(&host, component(&format!("train.{id}")), inputs, params, 1)?;
    Ok(outcome.outputs.remove(output).expect("a trainer gives one"))
}

/// What a model says of a table; it is wrong if that is not proper.
fn scored_and_judged(learner: &Learner, model: &Artifact, table: &Table) -> Result<Came, String> {
    let (id, input, output) = match learner.task {
        Task::Classes | Task::Numbers | Task::Anomalies => ("score-model", "model", "scored"),
        Task::Clusters => ("assign-data-to-clusters", "clustering", "table"),
    };
    let inputs = vec![(input, model.clone()), ("table", Artifact::Table(table.clone()))];
    let scored = match run_component_in(&host(), component(&format!("score.{id}")), inputs, Vec::new(), 1) {
        Ok(mut outcome) => outcome.outputs.remove(output).expect("a scorer gives one"),
        Err(error) => return told(error).map(Came::Fails),
    };
    let Artifact::Table(rows) = &scored else { return Err("what is scored is no table".into()) };
    if rows.n_rows() != table.n_rows() {
        return Err(format!("{} rows are scored of {}", rows.n_rows(), table.n_rows()));
    }
    let frame = rows.frame();
    match learner.task {
        Task::Classes | Task::Numbers | Task::Anomalies => check_scores(&frame)?,
        Task::Clusters => check_clusters(&frame)?,
    }
    let judge = component("evaluate.evaluate-model");
    match run_component_in(&host(), judge, vec![("scored", scored)], Vec::new(), 1) {
        Err(error) => told(error).map(|failure| Came::Trains(Some(failure))),
        Ok(outcome) => match &outcome.outputs["evaluation"] {
            Artifact::Evaluation(evaluation) => match evaluation.metrics.iter().find(|(_, x)| !x.is_finite()) {
                Some((name, x)) => Err(format!("the metric {name} is {x}")),
                None => Ok(Came::Trains(None)),
            },
            other => Err(format!("an evaluation is {}", other.in_brief())),
        },
    }
}

/// Numbers that are finite, or the most probable of classes whose probabilities add up to 1.
fn check_scores(frame: &Frame<'_>) -> Result<(), String> {
    match frame.column("Scored Labels").map(|column| &column.values) {
        Some(Values::Number(numbers)) => check_each("Scored Labels", numbers, |x| x.is_finite()),
        Some(Values::Category { codes, dictionary }) => {
            let named = shares(frame, "Scored Probabilities")?;
            let of_classes: Vec<Vec<f64>> = match named.as_slice() {
                [(_, second)] if dictionary.len() == 2 => {
                    vec![second.iter().map(|p| 1.0 - p).collect(), second.clone()]
                }
                several => several.iter().map(|(_, shares)| shares.clone()).collect(),
            };
            if of_classes.len() != dictionary.len() {
                return Err(format!("{} classes have {} probabilities", dictionary.len(), of_classes.len()));
            }
            for (row_idx, &code) in codes.iter().enumerate() {
                let sum: f64 = of_classes.iter().map(|shares| shares[row_idx]).sum();
                if (sum - 1.0).abs() > 1e-9 {
                    return Err(format!("probabilities add up to {sum} in row {}", row_idx + 1));
                }
                let top = of_classes.iter().map(|shares| shares[row_idx]).fold(0.0, f64::max);
                if of_classes.get(code as usize).is_none_or(|shares| shares[row_idx] < top) {
                    return Err(format!("another class is more probable than the label of row {}", row_idx + 1));
                }
            }
            Ok(())
        }
        other => Err(format!("scores are {other:?}")),
    }
}

/// A cluster or noise for each row, distances that are finite, probabilities that add up to 1.
fn check_clusters(frame: &Frame<'_>) -> Result<(), String> {
    let Some(Values::Category { codes, dictionary }) = frame.column("Assignments").map(|column| &column.values) else {
        return Err("there are no assignments".into());
    };
    check_each("Assignments", codes, |&code| (0..dictionary.len() as i32).contains(&code))?;
    for (name, values) in named(frame, "DistancesToClusterCenter no.")? {
        check_each(name, &values, |x| x.is_finite() && *x >= 0.0)?;
    }
    let of_clusters = shares(frame, "ProbabilityOfCluster no.")?;
    for row_idx in 0..frame.n_rows {
        let sum: f64 = of_clusters.iter().map(|(_, shares)| shares[row_idx]).sum();
        if !of_clusters.is_empty() && (sum - 1.0).abs() > 1e-9 {
            return Err(format!("probabilities add up to {sum} in row {}", row_idx + 1));
        }
    }
    Ok(())
}

/// Columns of shares from 0 to 1.
fn shares<'a>(frame: &'a Frame<'_>, prefix: &str) -> Result<Vec<(&'a str, Vec<f64>)>, String> {
    let named = named(frame, prefix)?;
    named.iter().try_for_each(|(name, shares)| check_each(name, shares, |p| (0.0..=1.0).contains(p)))?;
    Ok(named)
}

/// Columns of numbers whose names begin so.
fn named<'a>(frame: &'a Frame<'_>, prefix: &str) -> Result<Vec<(&'a str, Vec<f64>)>, String> {
    let columns = frame.columns.iter().filter(|column| column.name.starts_with(prefix));
    columns
        .map(|column| match &column.values {
            Values::Number(values) if column.valid.is_none() => Ok((column.name, values.to_vec())),
            other => Err(format!("{:?} is {other:?}", column.name)),
        })
        .collect()
}

fn check_each<T: std::fmt::Debug>(name: &str, values: &[T], is_proper: impl Fn(&T) -> bool) -> Result<(), String> {
    match values.iter().position(|value| !is_proper(value)) {
        Some(row_idx) => Err(format!("{name:?} is {:?} in row {}", values[row_idx], row_idx + 1)),
        None => Ok(()),
    }
}

/// Nothing is trained with a setting that is beyond its bounds.
#[test]
fn settings_beyond_their_bounds_are_refused_before_a_run() {
    let engine = Engine::new(components::catalogue(), u64::MAX);
    let mut wrong = Vec::new();
    for learner in learners() {
        for settings in learner.beyond() {
            let (name, value) = settings.last().expect("one is set");
            let id = NodeId::new("learner").expect("an id");
            let mut pipeline = pipeline::from_json(&NODE.replace("LEARNER", &learner.spec.id)).expect("a document");
            for (name, value) in &settings {
                let edit = Edit::SetParam(id.clone(), name.clone(), Some(value.clone()));
                pipeline.apply(edit).expect("the node is there");
            }
            let problems = engine.check(&pipeline).problems;
            let is_told = problems.iter().any(|problem| {
                problem.code == "P005" && problem.place.as_deref() == Some(name.as_str()) && !problem.help.is_empty()
            });
            let report = block_on(engine.run(&host(), RunId(1), &pipeline, &RunTarget::All));
            let is_refused =
                matches!(&report.nodes[&id].outcome, NodeOutcome::Failed(Failure { help, .. }) if !help.is_empty());
            if !(is_told && is_refused) {
                wrong.push(format!("{}, {name} = {value:?}: {problems:?}", learner.title()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A pipeline of a learner alone.
const NODE: &str = r#"{
    "millrace": "pipeline", "format": 1, "name": "Beyond", "seed": 1,
    "nodes": { "learner": { "component": "LEARNER@1" } },
    "edges": {}
}"#;

thread_local! {
    /// Within a cell, what its panic says.
    static IN_CELL: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic within a cell is told with all others, at the end.
fn panic_quietly() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let is_told = IN_CELL.with_borrow_mut(|told| told.as_mut().map(|told| *told = info.to_string()).is_some());
        if !is_told {
            usual(info);
        }
    }));
}

/// What each thread is at, and since when.
static AT_WORK: Mutex<BTreeMap<String, (String, Instant)>> = Mutex::new(BTreeMap::new());

fn at_work(cell: Option<(String, Instant)>) {
    let thread = format!("{:?}", thread::current().id());
    let mut at_work = AT_WORK.lock().expect("nobody panics while holding it");
    match cell {
        Some(cell) => at_work.insert(thread, cell),
        None => at_work.remove(&thread),
    };
}

/// A thread that hangs cannot be stopped: the test ends, and says where.
fn end_if_stuck() {
    let at_work = AT_WORK.lock().expect("nobody panics while holding it");
    if let Some((cell, _)) = at_work.values().find(|(_, begun)| begun.elapsed() > MAX_WAIT) {
        eprintln!("{cell}: it hangs");
        std::process::exit(1);
    }
}
