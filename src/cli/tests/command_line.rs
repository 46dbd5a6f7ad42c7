//! The command line as a user calls it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const IRIS: &str = "public/gallery/iris.json";
const CHURN: &str = "public/gallery/churn.json";

/// What a call printed, and how it ended.
struct Called {
    code: Option<i32>,
    out: String,
    err: String,
}

fn millrace(arguments: &[&str]) -> Called {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO_BIN_EXE_millrace")).args(arguments).current_dir(root).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Called { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // It is there only after an earlier run.
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_run_says_what_every_node_gave_and_how_good_the_model_is() {
    let called = millrace(&["run", IRIS]);
    assert_eq!(called.code, Some(0), "{}", called.err);
    assert!(called.out.starts_with("Which iris is it?\n"), "{}", called.out);
    assert!(called.out.contains("test 45 × 5 · train 105 × 5"), "{}", called.out);
    assert!(called.out.contains("accuracy           0.97777777777777"), "{}", called.out);
    assert!(called.out.contains("6 nodes came through"), "{}", called.out);
}

#[test]
fn the_figures_are_the_same_on_any_number_of_threads() {
    let folds = "tests/golden/pipelines/validation.json";
    let figures = |jobs: &[&str]| {
        let report = json(&millrace(&[&["run", folds, "--json"], jobs].concat()).out);
        let nodes = report["nodes"].as_object().unwrap().clone();
        nodes.into_iter().map(|(id, node)| (id, node["metrics"].clone(), node["outputs"].clone())).collect::<Vec<_>>()
    };
    let one = figures(&["--jobs", "1"]);
    assert!(!one.is_empty());
    assert_eq!(figures(&["--jobs", "3"]), one);
    assert_eq!(figures(&[]), one);
}

#[test]
fn networks_are_trained_on_the_gpu_where_there_is_one() {
    let learners = "tests/golden/pipelines/learners_of_classes.json";
    let run = |networks: &str| {
        let called = millrace(&["run", learners, "--to", "evaluate-network", "--networks", networks, "--json"]);
        assert_eq!(called.code, Some(0), "{}", called.err);
        let report = json(&called.out);
        let accuracy = report["nodes"]["evaluate-network"]["metrics"]["accuracy"].as_f64().unwrap();
        (report["nodes"]["train-network"]["why"].as_str().unwrap().to_owned(), accuracy)
    };
    let (why, on_cpu) = run("cpu");
    assert!(!why.contains("GPU"), "{why}");
    let (why, on_gpu) = run("gpu");
    if why.contains("The CPU computed it, as the GPU did not: ") {
        println!("not run: networks on the GPU, as there is none here");
        assert_eq!(on_gpu, on_cpu);
    } else {
        assert!(why.contains("Computed and rounded by the GPU"), "{why}");
        assert!((on_gpu - on_cpu).abs() <= 0.005, "{on_gpu} {on_cpu}");
    }
    let (_, faster) = run("faster");
    assert!((faster - on_cpu).abs() <= 0.005, "{faster} {on_cpu}");
}

#[test]
fn the_figures_are_those_of_the_golden_snapshot() {
    let snapshot = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/snapshot.json");
    let snapshot = json(&fs::read_to_string(snapshot).unwrap());
    let report = json(&millrace(&["run", CHURN, "--json"]).out);
    let golden = snapshot["churn"]["evaluate"]["metrics"].as_object().unwrap();
    assert!(golden.len() > 10);
    for (name, value) in golden {
        let value: f64 = value.as_str().unwrap().parse().unwrap();
        assert_eq!(report["nodes"]["evaluate"]["metrics"][name].as_f64(), Some(value), "{name}");
    }
}

#[test]
fn a_setting_changes_the_run_and_a_wrong_one_says_what_there_is() {
    let report = json(&millrace(&["run", IRIS, "--set", "split.fraction=0.5", "--json"]).out);
    assert_eq!(report["nodes"]["split"]["outputs"]["train"], "75 × 5");
    for (setting, hint) in [
        ("split.fractoin=0.5", "it has splitting_mode, fraction"),
        ("split.fractoin=0.5", "\n  help: did you mean `fraction`?\n"),
        ("splt.fraction=0.5", "the pipeline has no node \"splt\"; it has data, evaluate"),
        ("splt.fraction=0.5", "\n  help: did you mean `split`?\n"),
        ("tree.criterion=ginni", "choose from gini, entropy\n  help: did you mean `gini`?\n"),
        ("split.fraction=half", "no number"),
        ("split.fraction=7", "out of range"),
        ("split", "NODE.PARAM=VALUE"),
    ] {
        let called = millrace(&["run", IRIS, "--set", setting]);
        assert_eq!(called.code, Some(2), "{setting}");
        assert!(called.err.contains(hint), "{setting}: {}", called.err);
    }
}

#[test]
fn every_output_becomes_a_file() {
    let out = folder("outputs");
    let called = millrace(&["run", CHURN, "--set", "forest.n_trees=5", "--out", out.to_str().unwrap()]);
    assert_eq!(called.code, Some(0), "{}", called.err);
    let scored = fs::read_to_string(out.join("score-forest.scored.csv")).unwrap();
    assert!(
        scored.lines().next().unwrap().ends_with("Scored Labels,Scored Probabilities"),
        "{:?}",
        scored.lines().next()
    );
    assert!(fs::read_to_string(out.join("evaluate.roc.svg")).unwrap().starts_with("<svg"));
    for file in ["train-forest.model.json", "evaluate.evaluation.json", "evaluate.roc.json", "report.json"] {
        assert!(json(&fs::read_to_string(out.join(file)).unwrap()).is_object(), "{file}");
    }
}

#[test]
fn a_link_carries_the_whole_pipeline() {
    let link = millrace(&["link", IRIS]).out;
    assert!(link.starts_with("http://localhost:8080/#p=1d."), "{link}");
    let from_file = json(&millrace(&["run", IRIS, "--json"]).out);
    let from_link = json(&millrace(&["run", link.trim(), "--json"]).out);
    assert_eq!(from_link["nodes"]["evaluate"]["metrics"], from_file["nodes"]["evaluate"]["metrics"]);
    let cut = millrace(&["run", &link.trim()[..link.len() / 2]]);
    assert_eq!(cut.code, Some(2));
    assert!(cut.err.contains("the link does not open") && cut.err.contains("copy it again"), "{}", cut.err);
}

#[test]
fn a_file_of_ones_own_takes_the_place_of_the_data() {
    let folder = folder("own-data");
    let csv = folder.join("shop.csv");
    let rows = (0..60).map(|row| format!("{},{}\n", row % 7, if row % 7 > 3 { "yes" } else { "no" }));
    fs::write(&csv, format!("visits,returned\n{}", rows.collect::<String>())).unwrap();
    let file = folder.join("own.json");
    let pipeline = r#"{
        "millrace": "pipeline", "format": 1, "name": "Own data", "seed": 1,
        "nodes": { "import": { "component": "data.import-file@1", "position": [0, 0] } },
        "edges": {}
    }"#;
    fs::write(&file, pipeline).unwrap();
    let data = format!("import={}", csv.display());
    let called = millrace(&["run", file.to_str().unwrap(), "--data", &data]);
    assert_eq!(called.code, Some(0), "{}{}", called.out, called.err);
    assert!(called.out.contains("60 × 2"), "{}", called.out);
    let without = millrace(&["run", file.to_str().unwrap()]);
    assert_eq!(without.code, Some(1));
    assert!(without.out.contains("failed"), "{}", without.out);
    let missing = millrace(&["run", file.to_str().unwrap(), "--data", "import=nowhere.csv"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.err.contains("nowhere.csv cannot be read"), "{}", missing.err);
}

#[test]
fn check_prints_each_problem_with_its_place_and_way_out() {
    let folder = folder("check");
    let file = folder.join("open.json");
    let pipeline = r#"{
        "millrace": "pipeline", "format": 1, "name": "Open ends", "seed": 1,
        "nodes": { "train": { "component": "train.train-model@1", "position": [0, 0] } },
        "edges": {}
    }"#;
    fs::write(&file, pipeline).unwrap();
    let called = millrace(&["check", file.to_str().unwrap()]);
    assert_eq!(called.code, Some(1), "{}", called.err);
    assert!(called.out.starts_with("error[P"), "{}", called.out);
    assert!(called.out.contains("open.json: node `train`") && called.out.contains("  help: "), "{}", called.out);
    let listed = json(&millrace(&["check", file.to_str().unwrap(), "--json"]).out);
    assert_eq!(listed["problems"][0]["severity"], "error");
    assert_eq!(millrace(&["check", IRIS]).out, "no problems\n");
}

#[test]
fn what_is_no_pipeline_says_so() {
    let folder = folder("no-pipeline");
    for (name, content, hint) in
        [("empty.json", "", "no JSON"), ("table.json", "[1,2]", "no "), ("binary.json", "\u{0}\u{1}", "no JSON")]
    {
        let file = folder.join(name);
        fs::write(&file, content).unwrap();
        let called = millrace(&["check", file.to_str().unwrap()]);
        assert_eq!(called.code, Some(2), "{name}");
        assert!(called.err.contains(name) && called.err.contains(hint), "{name}: {}", called.err);
    }
}

#[test]
fn assertions_decide_the_exit_code_and_the_junit_report() {
    let junit = folder("junit").join("report.xml");
    let called = millrace(&[
        "test",
        IRIS,
        "--assert",
        "evaluate.accuracy >= 0.9",
        "--assert",
        "evaluate.accuracy > 1",
        "--assert",
        "evaluate.acuracy > 0",
        "--junit",
        junit.to_str().unwrap(),
    ]);
    assert_eq!(called.code, Some(1));
    assert!(called.out.ends_with("1 passed, 2 failed\n"), "{}", called.out);
    assert!(called.out.contains("it has accuracy, auc"), "{}", called.out);
    let report = fs::read_to_string(junit).unwrap();
    assert!(report.contains("tests=\"3\" failures=\"2\""), "{report}");
    assert!(report.contains("evaluate.accuracy &gt;= 0.9"), "{report}");
    assert_eq!(millrace(&["test", IRIS, "--assert", "evaluate.accuracy >= 0.9"]).code, Some(0));
    assert_eq!(millrace(&["test", IRIS, "--assert", "accuracy"]).code, Some(2));
}

#[test]
fn a_component_is_described_and_a_near_name_is_offered() {
    let called = millrace(&["components", "decision-forest"]);
    assert!(called.out.contains("n_trees") && called.out.contains("(1 to 2000)"), "{}", called.out);
    for (name, help) in [
        ("forest", "did you mean `learn.decision-forest` or `learn.extra-trees` or `learn.isolation-forest`?"),
        ("decision-forrest", "did you mean `decision-forest`?"),
        ("xyzzy", "`millrace components` lists them all"),
    ] {
        let called = millrace(&["components", name]);
        assert_eq!(called.code, Some(2));
        assert!(called.err.ends_with(&format!("\n  help: {help}\n")), "{name}: {}", called.err);
    }
}

#[test]
fn unknown_nodes_are_refused_wherever_they_are_named() {
    for arguments in [["run", IRIS, "--to", "trian"], ["run", IRIS, "--data", "trian=a.csv"]] {
        let called = millrace(&arguments);
        assert_eq!(called.code, Some(2), "{arguments:?}");
        assert!(called.err.contains("no node \"trian\"; it has data"), "{}", called.err);
        assert!(called.err.ends_with("\n  help: did you mean `train`?\n"), "{}", called.err);
    }
    let called = millrace(&["run", IRIS, "--data", "train=a.csv"]);
    assert!(called.err.contains("Train Model reads no file"), "{}", called.err);
    let called = millrace(&["test", IRIS, "--assert", "evaluate.acuracy > 0", "--assert", "evalute.auc > 0"]);
    assert_eq!(called.code, Some(1));
    assert!(called.out.contains("did you mean `accuracy`?"), "{}", called.out);
    assert!(called.out.contains("did you mean `evaluate`?"), "{}", called.out);
}

/// As in `millrace … | head -1`.
#[test]
fn a_reader_that_has_gone_is_no_error() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for arguments in [
        vec!["components"],
        vec!["components", "split-data"],
        vec!["run", IRIS],
        vec!["run", IRIS, "--json"],
        vec!["check", IRIS],
        vec!["link", IRIS],
        vec!["test", IRIS, "--assert", "evaluate.accuracy >= 0.9"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_millrace"))
            .args(&arguments)
            .current_dir(&root)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}: {err}");
        assert!(!err.contains("panicked"), "{arguments:?}: {err}");
    }
}

/// Programs read it: a name that is there stays, and means the same.
#[test]
fn the_names_in_the_json_report_are_these() {
    let report = json(&millrace(&["run", IRIS, "--json"]).out);
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&report), ["elapsed_secs", "nodes", "pipeline", "seed", "succeeded"]);
    assert_eq!(names(&report["nodes"]), ["data", "evaluate", "score", "split", "train", "tree"]);
    let node = &report["nodes"]["evaluate"];
    assert_eq!(
        names(node),
        ["artifacts", "component", "elapsed_secs", "metrics", "outcome", "outputs", "why", "workers"].map(String::from)
    );
    assert_eq!((&report["succeeded"], &node["outcome"]), (&true.into(), &"ran".into()));
    let failed = json(&millrace(&["run", IRIS, "--set", "train.target=colour", "--json"]).out);
    let failure = &failed["nodes"]["train"]["failure"];
    assert!(failure["message"].as_str().unwrap().contains("colour"), "{failed:#}");
    assert!(!failure["help"].as_str().unwrap().is_empty());
    assert_eq!(failed["nodes"]["score"]["skipped_because_of"], "train");
    assert_eq!(failed["succeeded"], false);
}

/// The irises with a parameter for the depth of the tree and one that is bound to nothing, in a file of this test's own.
fn with_parameters(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pipeline = json(&fs::read_to_string(root.join(IRIS)).unwrap());
    pipeline["format"] = 2.into();
    if let Some(params) = pipeline["nodes"]["tree"]["params"].as_object_mut() {
        params.remove("max_depth");
    }
    pipeline["parameters"] = serde_json::json!({
        "depth": { "label": "Depth of the tree", "kind": "integer", "default": 4, "bound": ["tree.max_depth"] },
        "spare": { "label": "Spare", "kind": "text", "default": "", "bound": [] },
    });
    let path = folder(name).join("iris.json");
    fs::write(&path, pipeline.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn parameters_of_the_pipeline_are_listed_given_and_handed_on() {
    let file = with_parameters("parameters");
    let called = millrace(&["check", &file]);
    assert_eq!(called.code, Some(0), "{}", called.err);
    assert!(
        called.out.starts_with("parameters, given with --param NAME=VALUE:\n  depth  integer  4  Depth of the tree")
    );
    assert!(called.out.contains("tree.max_depth\n"), "{}", called.out);
    assert!(called.out.contains("warning[P012]: the pipeline parameter `spare` is bound to nothing"), "{}", called.out);
    let listed = json(&millrace(&["check", &file, "--json"]).out);
    assert_eq!(listed["parameters"][0]["name"], "depth");
    assert_eq!(listed["parameters"][0]["bound"], serde_json::json!(["tree.max_depth"]));

    // A value given to the parameter is one set at the node.
    let metrics = |arguments: &[&str]| {
        let report = json(&millrace(&[&["run", file.as_str(), "--json"], arguments].concat()).out);
        (report["parameters"]["depth"].clone(), report["nodes"]["evaluate"]["metrics"].clone())
    };
    let (shallow, set) = (metrics(&["--param", "depth=1"]), metrics(&["--set", "tree.max_depth=1"]));
    assert_eq!(shallow, set);
    assert_eq!(shallow.0, 1);
    assert_ne!(shallow.1, metrics(&[]).1, "a stump is not a tree");
    assert!(millrace(&["run", &file, "--param", "depth=2"]).out.contains("  depth = 2\n"));
    let tested = millrace(&["test", &file, "--param", "depth=1", "--assert", "evaluate.accuracy < 0.8"]);
    assert_eq!(tested.code, Some(0), "{}", tested.out);

    let link = millrace(&["link", &file, "--param", "depth=1"]).out;
    assert!(link.contains("#p=2d."), "{link}");
    let report = json(&millrace(&["run", link.trim(), "--json"]).out);
    assert_eq!(report["nodes"]["evaluate"]["metrics"], shallow.1, "the link carries it");
}

#[test]
fn a_wrong_parameter_says_what_there_is() {
    let file = with_parameters("wrong-parameters");
    for (given, told) in [
        ("dpeth=3", "the pipeline has no parameter \"dpeth\"; it has depth, spare\n  help: did you mean `depth`?"),
        ("depth=deep", "\"deep\" is no whole number"),
        ("depth=0", "0 is out of range"),
        ("depth", "write NAME=VALUE, as in `trees=200`"),
    ] {
        let called = millrace(&["run", &file, "--param", given]);
        assert_eq!(called.code, Some(2), "{given}");
        assert!(called.err.contains(told) && called.err.contains(&format!("--param {given}")), "{}", called.err);
    }
    let called = millrace(&["run", IRIS, "--param", "depth=3"]);
    assert!(called.err.contains("the pipeline has no parameters\n  help: set a node's with --set"), "{}", called.err);
}
