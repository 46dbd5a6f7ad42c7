//! Sweeps as a user makes them: the same trials whatever the number of jobs, after a kill, and with failures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A decision tree, cross-validated on some rows.
const PIPELINE: &str = r#"{
  "edges": {
    "cross-validate.learner": "tree.learner",
    "cross-validate.table": "head.table",
    "head.table": "data.table"
  },
  "format": 1,
  "millrace": "pipeline",
  "name": "Tune a tree",
  "nodes": {
    "cross-validate": {"component": "evaluate.cross-validate-model@1", "params": {"n_folds": 6}, "position": [0, 390]},
    "data": {"component": "data.sample-datasets@1", "params": {"dataset": "breast-cancer"}, "position": [0, 0]},
    "head": {"component": "split.partition-and-sample@1", "params": {"mode": "head", "n_rows": 400}, "position": [0, 130]},
    "tree": {"component": "learn.decision-tree@1", "position": [300, 130]}
  },
  "seed": 1
}"#;

const DEPTHS: &str = r#""search_space": {
    "tree.max_depth": {"type": "quniform", "min_value": 1, "max_value": 9, "q": 1},
    "tree.min_rows_leaf": {"type": "qloguniform", "min_value": 0, "max_value": 4, "q": 1},
    "tree.criterion": {"type": "choice", "values": ["gini", "entropy"]}
}, "objective": {"primary_metric": "cross-validate.auc", "goal": "maximize"}"#;

struct Called {
    code: Option<i32>,
    out: String,
    err: String,
}

/// An empty folder of this test's own, with the pipeline and a search space.
fn folder(name: &str, space: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sweep-{name}"));
    // It is there only after an earlier run.
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("pipeline.json"), PIPELINE).unwrap();
    fs::write(path.join("space.json"), space).unwrap();
    path
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millrace"));
    command.args(["sweep", "pipeline.json", "--space", "space.json"]).args(arguments).current_dir(folder);
    command
}

fn sweep(folder: &Path, arguments: &[&str]) -> Called {
    let output = command(folder, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Called { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// What came out, without what the clock says.
fn trials(called: &Called) -> Vec<Value> {
    let mut report: Value = serde_json::from_str(&called.out).unwrap_or_else(|_| panic!("{}", called.err));
    let trials = report["trials"].as_array_mut().unwrap();
    for trial in trials.iter_mut() {
        let trial = trial.as_object_mut().unwrap();
        trial.remove("started_secs");
        trial.remove("elapsed_secs");
    }
    trials.clone()
}

fn states(trials: &[Value]) -> Vec<&str> {
    trials.iter().map(|trial| trial["state"].as_str().unwrap()).collect()
}

#[test]
fn twelve_trials_are_the_same_with_one_job_and_with_three() {
    for (name, how) in [
        ("random", r#""sampling_algorithm": {"type": "random", "seed": 5}"#),
        ("bayesian", r#""sampling_algorithm": {"type": "bayesian", "seed": 5}"#),
        ("sobol", r#""sampling_algorithm": {"type": "random", "seed": 5, "rule": "sobol"}"#),
        (
            "median",
            r#""sampling_algorithm": {"type": "random", "seed": 5},
               "early_termination": {"type": "median_stopping", "delay_evaluation": 2}"#,
        ),
        ("hyperband", r#""sampling_algorithm": {"type": "hyperband", "max_resource": 6, "eta": 2, "seed": 5}"#),
    ] {
        let folder = folder(name, &format!("{{{DEPTHS}, {how}}}"));
        let with_jobs = |jobs| trials(&sweep(&folder, &["--trials", "12", "--jobs", jobs, "--json"]));
        let (one, three) = (with_jobs("1"), with_jobs("3"));
        assert_eq!(one.len(), 12, "{name}");
        assert_eq!(one, three, "{name}");
        assert!(states(&one).contains(&"done"), "{name}: {:?}", states(&one));
        if matches!(name, "median" | "hyperband") {
            assert!(states(&one).contains(&"stopped-early"), "{name}: {:?}", states(&one));
            let stopped = one.iter().find(|trial| trial["state"] == "stopped-early").unwrap();
            let n_intervals = stopped["intermediate"].as_array().unwrap().len();
            assert!((1..6).contains(&n_intervals), "{stopped}");
        } else {
            assert!(one.iter().all(|trial| trial["intermediate"].as_array().unwrap().len() == 6), "{name}");
        }
    }
}

#[test]
fn the_best_trial_is_named_with_settings_that_give_its_figure() {
    let folder = folder("best", &format!("{{{DEPTHS}}}"));
    let called = sweep(&folder, &["--trials", "6"]);
    assert_eq!(called.code, Some(0), "{}", called.err);
    assert!(called.out.contains("6 trials: 6 done; all 6 trials were made"), "{}", called.out);
    let value = called.out.lines().find_map(|line| line.trim().strip_prefix("cross-validate.auc ")).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_millrace"));
    run.args(["test", "pipeline.json", "--assert", &format!("cross-validate.auc == {value}")]).current_dir(&folder);
    for setting in called.out.lines().filter_map(|line| line.trim().strip_prefix("--set ")) {
        run.args(["--set", setting]);
    }
    let output = run.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_sweep_that_was_killed_goes_on_as_if_it_had_not_been() {
    // Enough of them that the sweep lasts much longer than it takes to look at its folder.
    const FOLDS: &str = "--set=cross-validate.n_folds=30";
    let space = format!(r#"{{{DEPTHS}, "sampling_algorithm": {{"type": "bayesian", "seed": 2}}}}"#);
    let folder = folder("killed", &space);
    let whole = trials(&sweep(&folder, &[FOLDS, "--trials", "40", "--jobs", "2", "--json"]));

    let mut child = command(&folder, &[FOLDS, "--trials", "40", "--jobs", "2", "--out", "kept"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let n_kept = || fs::read_dir(folder.join("kept/trials")).map_or(0, |files| files.count());
    while n_kept() < 8 && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let n_before = n_kept();
    assert!((8..40).contains(&n_before), "{n_before} trials before the kill");
    // What a kill in the middle of writing leaves behind.
    fs::write(folder.join("kept/trials/00007.json.part"), "{\"number\": 7, \"sett").unwrap();

    let resume = [FOLDS, "--trials", "40", "--jobs", "2", "--out", "kept", "--resume", "--json"];
    assert_eq!(trials(&sweep(&folder, &resume)), whole);
    // It is over, so that nothing is left to do; and a larger limit appends.
    assert_eq!(trials(&sweep(&folder, &resume)), whole);
    let more = trials(&sweep(&folder, &[FOLDS, "--trials", "43", "--out", "kept", "--resume", "--json"]));
    assert_eq!((more.len(), &more[..40]), (43, &whole[..]));
}

/// The runs that are recorded in `runs`.
fn recorded(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millrace"));
    let output = command.args(["runs", "runs", "--json"]).args(arguments).current_dir(folder).output().unwrap();
    let runs: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    runs.as_array().unwrap().clone()
}

/// The figure of that name that is kept with a run.
fn figure(folder: &Path, run: &Value, id: &str) -> Option<Value> {
    let path = folder.join(format!("runs/runs/{}.json", run["id"].as_str().unwrap()));
    let kept: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let figures = kept["figures"].as_array().unwrap_or_else(|| panic!("{kept:#}"));
    figures.iter().find(|figure| figure.to_string().contains(&format!("\"id\":\"{id}\""))).cloned()
}

#[test]
fn every_trial_is_recorded_as_a_run_with_its_settings_figures_and_end() {
    let space = format!(
        r#"{{{DEPTHS}, "sampling_algorithm": {{"type": "random", "seed": 5}},
            "early_termination": {{"type": "median_stopping", "delay_evaluation": 2}}}}"#
    );
    let folder = folder("recorded", &space);
    let called = sweep(&folder, &["--trials", "12", "--jobs", "2", "--record", "runs", "--json"]);
    let report: Value = serde_json::from_str(&called.out).unwrap();
    let id = report["sweep"].as_str().unwrap();
    let trials = trials(&called);
    let query = format!("sweep = {id}");
    let runs = recorded(&folder, &["--query", &query, "--sort", "trial"]);
    assert_eq!(runs.len(), 12);
    assert_eq!(recorded(&folder, &[]).len(), 12);
    let mut numbers: Vec<u64> = runs.iter().map(|run| run["number"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
    for (trial, run) in trials.iter().zip(&runs) {
        assert_eq!((&run["trial"], run["sweep"].as_str()), (&trial["number"], Some(id)));
        assert!(run["name"].as_str().unwrap().contains(" → "), "{run}");
        let auc = &run["metrics"]["cross-validate.auc"];
        let repeats = auc["repeats"].as_array().unwrap();
        assert_eq!(repeats, trial["intermediate"].as_array().unwrap());
        let curve = figure(&folder, run, "intermediate").expect("figures on the way");
        assert!(curve.to_string().contains("Interval"), "{curve}");
        if trial["state"] == "done" {
            assert_eq!((&run["state"], &auc["value"]), (&json!("done"), &trial["values"][0]));
        } else {
            assert_eq!((&trial["state"], &run["state"]), (&json!("stopped-early"), &json!("stopped")));
            assert_eq!(run["message"], trial["reason"]);
            assert!(repeats.len() < 6, "{run}");
            let mean = repeats.iter().map(|x| x.as_f64().unwrap()).sum::<f64>() / repeats.len() as f64;
            assert_eq!(auc["value"].as_f64(), Some(mean), "the figure is its own, not that of the trial before");
        }
    }
    assert!(runs.iter().any(|run| run["state"] == "stopped"), "the policy has given up none");

    let (settings, query) = (&trials[3]["settings"], "trial = 3 and param.max_depth =");
    let (depth, rows) = (&settings["tree.max_depth"], &settings["tree.min_rows_leaf"]);
    let query = format!("{query} {depth} and param.min_rows_leaf = {rows}");
    assert_eq!(recorded(&folder, &["--query", &query]).len(), 1, "{query}");
    let best = recorded(&folder, &["--query", "state = done", "--sort", "-metric.auc"]);
    assert_eq!(best[0]["trial"], report["best"]);
}

#[test]
fn trials_that_wait_at_rungs_are_recorded_once_they_are_over() {
    let space = format!(
        r#"{{{DEPTHS}, "sampling_algorithm": {{"type": "hyperband", "max_resource": 6, "eta": 2, "seed": 5}}}}"#
    );
    let folder = folder("recorded-rungs", &space);
    let trials = trials(&sweep(&folder, &["--trials", "12", "--jobs", "2", "--record", "runs", "--json"]));
    let runs = recorded(&folder, &["--sort", "trial"]);
    assert_eq!(runs.len(), 12);
    for (trial, run) in trials.iter().zip(&runs) {
        let word = if trial["state"] == "done" { "done" } else { "stopped" };
        assert_eq!((&run["trial"], &run["state"]), (&trial["number"], &json!(word)));
        assert_eq!(run["metrics"]["cross-validate.auc"]["repeats"], trial["intermediate"]);
    }
}

#[test]
fn a_trial_that_fails_is_recorded_with_its_reason() {
    let space = r#"{"search_space": {"head.n_rows": {"type": "choice", "values": [3, 100]}},
        "sampling_algorithm": "grid", "objective": {"primary_metric": "cross-validate.auc", "goal": "maximize"}}"#;
    let folder = folder("recorded-failures", space);
    sweep(&folder, &["--record", "runs"]);
    let runs = recorded(&folder, &["--sort", "trial"]);
    assert_eq!((&runs[0]["state"], &runs[1]["state"]), (&json!("failed"), &json!("done")));
    let message = runs[0]["message"].as_str().unwrap();
    assert!(message.starts_with("Cross Validate Model: the number of folds is 6, with 3 rows"), "{message}");
    fs::write(folder.join("space.json"), space.replace(".auc", ".acu")).unwrap();
    sweep(&folder, &["--record", "runs"]);
    let runs = recorded(&folder, &["--query", "state = failed", "--sort", "-number"]);
    assert_eq!(runs.len(), 3, "a trial that reports another metric has failed too");
    assert!(runs[0]["message"].as_str().unwrap().starts_with("it reported no cross-validate.acu"), "{}", runs[0]);
}

#[test]
fn a_sweep_that_goes_on_records_no_trial_twice_and_none_too_few() {
    let folder = folder("recorded-resumed", &format!("{{{DEPTHS}}}"));
    let trials_of = |arguments: &[&str]| trials(&sweep(&folder, arguments));
    // The first ones before anything is recorded.
    trials_of(&["--trials", "3", "--jobs", "2", "--out", "kept", "--json"]);
    let resume =
        |n| trials_of(&["--trials", n, "--jobs", "2", "--out", "kept", "--resume", "--record", "runs", "--json"]);
    resume("6");
    // As if it had been killed after the record of its last trial, and before the trial was kept as over.
    let path = folder.join("kept/trials/00005.json");
    let mut killed: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    killed["state"] = json!("running");
    fs::write(&path, killed.to_string()).unwrap();
    // And in the middle of a line of the index.
    let index = fs::read_to_string(folder.join("runs/index.jsonl")).unwrap();
    fs::write(folder.join("runs/index.jsonl"), &index[..index.len() - 40]).unwrap();
    let trials = resume("8");
    let runs = recorded(&folder, &["--sort", "trial"]);
    assert_eq!(runs.len(), 8);
    for (trial, run) in trials.iter().zip(&runs) {
        assert_eq!((&run["trial"], &run["sweep"]), (&trial["number"], &runs[0]["sweep"]));
        assert_eq!(run["metrics"]["cross-validate.auc"]["value"], trial["values"][0]);
        assert!(figure(&folder, run, "intermediate").is_some(), "{run}");
    }
    assert_eq!(resume("8").len(), 8);
    assert_eq!(recorded(&folder, &[]).len(), 8);
}

#[test]
fn a_folder_with_another_sweep_is_left_alone() {
    let folder = folder("other", &format!("{{{DEPTHS}}}"));
    assert_eq!(sweep(&folder, &["--trials", "2", "--out", "kept"]).code, Some(0));
    let again = sweep(&folder, &["--trials", "2", "--out", "kept"]);
    assert_eq!(again.code, Some(2));
    assert!(again.err.contains("kept holds a sweep already\n  help: go on with it by --resume"), "{}", again.err);
    let other = sweep(&folder, &["--trials", "2", "--out", "kept", "--resume", "--objective", "cross-validate.f1"]);
    assert_eq!(other.code, Some(2));
    assert!(other.err.contains("it is a sweep with another objective"), "{}", other.err);
    let none = sweep(&folder, &["--out", "empty", "--resume"]);
    assert!(none.err.contains("empty holds no sweep to resume\n  help: leave --resume out"), "{}", none.err);
}

#[test]
fn a_trial_that_fails_is_recorded_and_the_sweep_goes_on() {
    let space = r#"{"search_space": {"head.n_rows": {"type": "choice", "values": [3, 100, 200]}},
        "sampling_algorithm": "grid", "objective": {"primary_metric": "cross-validate.auc", "goal": "maximize"}}"#;
    let folder = folder("failing", space);
    let called = sweep(&folder, &["--json"]);
    assert_eq!(called.code, Some(0), "{}", called.err);
    let trials = trials(&called);
    assert_eq!(states(&trials), ["failed", "done", "done"]);
    let failure = trials[0]["failure"].as_str().unwrap();
    assert!(failure.starts_with("cross-validate: the number of folds is 6, with 3 rows"), "{failure}");

    fs::write(folder.join("space.json"), space.replace("[3, 100, 200]", "[3, 4]")).unwrap();
    assert_eq!(sweep(&folder, &["--json"]).code, Some(1), "no trial came through");
    fs::write(folder.join("space.json"), space.replace(".auc", ".acu")).unwrap();
    let called = sweep(&folder, &[]);
    assert_eq!(called.code, Some(1));
    assert!(called.out.contains("trial 1 failed: it reported no cross-validate.acu, but"), "{}", called.out);
}

#[test]
fn a_trial_that_takes_too_long_is_stopped() {
    let space = r#"{"search_space": {"cross-validate.n_folds": {"type": "choice", "values": [2, 100]}},
        "sampling_algorithm": "grid", "limits": {"trial_timeout": 1},
        "objective": {"primary_metric": "cross-validate.accuracy", "goal": "maximize"}}"#;
    let folder = folder("slow", space);
    // A hundred folds of it take a minute, so that no machine is done before it is stopped.
    let forest =
        PIPELINE.replace("learn.decision-tree@1\"", "learn.decision-forest@1\", \"params\": {\"n_trees\": 2000}");
    fs::write(folder.join("pipeline.json"), forest).unwrap();
    let began = Instant::now();
    let called = sweep(&folder, &["--jobs", "1", "--json"]);
    assert!(began.elapsed() < Duration::from_secs(20));
    let trials = trials(&called);
    assert_eq!(trials[1]["failure"], json!("it took longer than the 1 seconds that a trial may take"), "{trials:?}");
}

#[test]
fn a_wrong_space_is_refused_with_place_and_way_out() {
    let objective = r#""objective": {"primary_metric": "cross-validate.auc", "goal": "maximize"}"#;
    for (dimension, message) in [
        (
            r#""tre.max_depth": {"type": "randint", "upper": 9}"#,
            "space.json: search_space.tre.max_depth: the pipeline has no node \"tre\"; it has cross-validate, data, head, tree\n  help: did you mean `tree`?",
        ),
        (
            r#""tree.max_deph": {"type": "randint", "upper": 9}"#,
            "Decision Tree has no parameter \"max_deph\"; it has trainer_mode, task, max_depth, ",
        ),
        (
            r#""tree.max_depth": {"type": "uniform", "min_value": 1, "max_value": 9}"#,
            "search_space.tree.max_depth: max_depth takes whole numbers, and uniform draws others\n  help: use `randint`",
        ),
        (
            r#""tree.min_rows_leaf": {"type": "randint", "upper": 9}"#,
            "search_space.tree.min_rows_leaf: 0 is out of range: min_rows_leaf goes from 1 to ",
        ),
        (
            r#""tree.criterion": {"type": "choice", "values": ["gini", "entropi"]}"#,
            "search_space.tree.criterion: \"entropi\" is no choice of criterion; choose from gini, entropy",
        ),
        (
            r#""tree.max_depth": {"type": "quniform", "min_value": 9, "max_value": 1, "q": 1}"#,
            "space.json: tree.max_depth: `min_value` is 9, above `max_value`, which is 1\n  help: exchange them",
        ),
        (
            r#""depth": {"type": "randint", "upper": 9}"#,
            "search_space.depth: `depth` is no parameter of the pipeline\n  help: name it by node and parameter: `forest.n_trees`",
        ),
        (r#""tree.max_depth": {"type": "randit", "upper": 9}"#, "search_space.tree.max_depth.type: expected one of "),
    ] {
        let folder = folder("wrong", &format!(r#"{{"search_space": {{{dimension}}}, {objective}}}"#));
        let called = sweep(&folder, &["--trials", "2"]);
        assert_eq!(called.code, Some(2), "{dimension}: {}", called.out);
        assert!(called.err.starts_with("error: ") && called.err.contains(message), "{dimension}: {}", called.err);
    }
    let folder = folder("aimless", r#"{"search_space": {"tree.max_depth": {"type": "choice", "values": [1, 2]}}}"#);
    let aim = |metric| sweep(&folder, &["--objective", metric]).err;
    assert!(sweep(&folder, &[]).err.contains("error: space.json: objective: "), "{}", sweep(&folder, &[]).err);
    assert!(aim("evaluate.auc").contains("objective evaluate.auc: the pipeline has no node \"evaluate\""));
    assert!(aim("cross-validate.speed").contains("help: add --goal maximize or --goal minimize"));
}

/// The same, with a second learner that nothing takes yet.
fn folder_with_two_learners(name: &str, choice: &str) -> PathBuf {
    let space = format!(
        r#"{{"type": "sweep", "sampling_algorithm": "grid", "search_space": {{
            "cross-validate.learner": {{"type": "choice", "values": {choice}}}
        }}, "objective": {{"primary_metric": "cross-validate.auc", "goal": "maximize"}}, "limits": {{"max_total_trials": 9}}}}"#
    );
    let path = folder(name, &space);
    let baseline = r#""nodes": {
    "baseline": {"component": "learn.constant-baseline@1", "position": [600, 130]},"#;
    fs::write(path.join("pipeline.json"), PIPELINE.replace("\"nodes\": {", baseline)).unwrap();
    path
}

#[test]
fn what_feeds_an_input_can_be_varied() {
    let folder = folder_with_two_learners("input", r#"["tree", "baseline"]"#);
    let called = sweep(&folder, &["--json"]);
    assert_eq!(called.code, Some(0), "{}", called.err);
    let found: Value = serde_json::from_str(&called.out).unwrap();
    let trials = found["trials"].as_array().unwrap();
    let of = |learner: &str| {
        let is = |trial: &&Value| trial["settings"]["cross-validate.learner"] == json!(learner);
        trials.iter().find(is).unwrap()["values"][0].as_f64().unwrap()
    };
    assert_eq!((trials.len(), of("baseline")), (2, 0.5));
    assert!(of("tree") > 0.8, "{}", of("tree"));
}

#[test]
fn an_input_that_cannot_be_fed_so_is_refused_before_a_trial() {
    for (choice, told) in [
        (r#"["tree", "forest"]"#, "no node \"forest\""),
        (r#"["tree", "head"]"#, "`head.learner` does not give an untrained learner"),
        (r#"["tree", "head.table"]"#, "`head.table` does not give an untrained learner"),
    ] {
        let folder = folder_with_two_learners("refused", choice);
        let called = sweep(&folder, &[]);
        assert_eq!(called.code, Some(2), "{choice}: {}", called.out);
        assert!(called.err.contains(told), "{choice}: {}", called.err);
    }
}
