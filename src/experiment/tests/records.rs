//! What is recorded of runs, what differs between them, and where their time went.

mod fixture;

use std::collections::BTreeMap;

use charts::{Axis, BoxMark, Detail, Figure, Guide, Marks, Series};
use expect_test::{Expect, expect};
use experiment::{
    Fate, IndexEntry, Outcome, Place, ReadError, Repeats, RunKey, RunRecord, RunState, Shown, changes, graph_diff,
    lineage, pack_runs, path_of_pipeline, path_of_run, pipeline_hash, place_of, read_index, read_pipeline, read_run,
    timeline, unpack_runs, write_entry, write_pipeline, write_run,
};
use fixture::{begin, catalogue, done, edited, entry, forest, id, logistic, report, set};
use pipeline::{Edit, FileRef, OutPort, Parameter, ParameterKind, Pipeline, Point, Value};
use protocol::{
    Confusion, Direction, Failure, FoldRows, Measured, Metric, NodeOutcome, NodeReport, Panel, RunEvent, RunId,
    RunReport,
};

const RUN: RunId = RunId(1);

fn started(node: &str) -> RunEvent {
    RunEvent::Started { run: RUN, node: id(node), worker: 0 }
}

fn finished(node: &str, outcome: NodeOutcome, elapsed_secs: f64) -> RunEvent {
    let mut report = report(outcome, elapsed_secs);
    report.artifacts.insert("table".into(), format!("key of {node}"));
    if node == "evaluate" {
        report.metrics = BTreeMap::from([("auc".into(), 0.846), ("auc.2".into(), 0.825), ("log_loss".into(), 0.412)]);
    }
    RunEvent::Finished { run: RUN, node: id(node), report }
}

fn over(elapsed_secs: f64, cancelled: bool) -> RunReport {
    RunReport { run: RUN, nodes: BTreeMap::new(), cancelled, elapsed_secs, schemas: BTreeMap::new() }
}

/// A run of the forest on two workers, its file reused.
fn observed() -> RunRecord {
    let mut run = begin(13, &forest(), Some(&logistic()));
    run.observe(&RunEvent::Planned { run: RUN, nodes: forest().topological_order() }, 0.0, 0);
    let steps = [
        ("import", NodeOutcome::Reused, 0.5, 0.01, 0),
        ("forest", NodeOutcome::Ran, 0.01, 0.01, 1),
        ("indicators", NodeOutcome::Ran, 0.2, 0.02, 0),
        ("split", NodeOutcome::Ran, 0.1, 0.23, 0),
        ("train", NodeOutcome::Ran, 1.5, 0.34, 1),
        ("score", NodeOutcome::Ran, 0.1, 1.85, 0),
        ("evaluate", NodeOutcome::Ran, 0.05, 1.96, 0),
    ];
    for (node, outcome, elapsed_secs, at_secs, worker) in steps {
        run.observe(&started(node), at_secs, worker);
        run.observe(&finished(node, outcome, elapsed_secs), at_secs + elapsed_secs, worker);
    }
    run.finish(&over(2.1, false), &forest(), &catalogue());
    run
}

#[test]
fn a_run_is_recorded_as_it_happens() {
    let run = observed();
    assert_eq!((run.state, run.elapsed_secs, run.message.as_str()), (RunState::Done, 2.1, ""));
    assert_eq!(run.node(&id("import")).unwrap().outcome, Outcome::Reused);
    let train = run.node(&id("train")).unwrap();
    assert_eq!((train.start_secs, train.worker), (Some(0.34), 1));
    assert_eq!(run.metric(&id("evaluate"), "auc").map(|metric| metric.value), Some(0.846));
    assert_eq!(run.data[0].hash, "00112233445566778899aabbccddeeff");
    assert_eq!(run.metric(&id("evaluate"), "log_loss").and_then(|metric| metric.better), Some(Direction::Lower));
}

#[test]
fn panels_bring_names_order_direction_and_rows_of_metrics() {
    let mut run = observed();
    let metric = |name: &str, label: &str, values: [Option<f64>; 2], better| Metric {
        name: name.into(),
        label: label.into(),
        help: String::new(),
        values: values.to_vec(),
        better,
    };
    let confusion =
        Confusion { series: "A".into(), classes: vec!["no".into(), "yes".into()], counts: vec![1, 2, 3, 4] };
    let panels = [
        Panel::Metrics {
            series: vec!["Forest".into(), "Logistic".into()],
            metrics: vec![
                metric("log_loss", "Log loss", [Some(0.412), None], Direction::Lower),
                metric("auc", "AUC", [Some(0.846), Some(0.825)], Direction::Higher),
            ],
        },
        Panel::Confusion(confusion.clone()),
    ];
    run.show(&id("evaluate"), &panels);
    run.show(&id("evaluate"), &panels);
    let shown: Vec<_> = run.metrics.iter().map(|m| (m.name.as_str(), m.label.as_str(), m.n_rows)).collect();
    let expected = [("log_loss", "Log loss", Some(10)), ("auc", "AUC", Some(10)), ("auc.2", "AUC, Logistic", Some(10))];
    assert_eq!(shown, expected);
    assert_eq!(run.figures.len(), 1);
    assert_eq!(run.figures[0].shown(), Some(Shown::Confusion(confusion)));
}

#[test]
fn the_figures_of_folds_become_the_repeats_of_their_metric() {
    let mut run = observed();
    let mut measure = |name: &str, step: u32, value: f64, rows| {
        let measured = Measured { name: name.into(), step, value, rows };
        run.observe(&RunEvent::Metric { run: RUN, node: id("train"), measured }, 1.0, 1);
    };
    let rows = Some(FoldRows { n_train: 90, n_test: 10 });
    // Told twice, as with a result that is reused.
    for _ in 0..2 {
        [0.8, 0.9, 0.7].into_iter().enumerate().for_each(|(step, auc)| measure("auc", step as u32, auc, rows));
    }
    // The loss after a round of one fit is no repetition.
    measure("loss", 0, 0.5, None);
    let metric = run.metric(&id("train"), "auc").unwrap();
    assert!((metric.value - 0.8).abs() < 1e-15);
    assert_eq!(metric.repeats, Some(Repeats { values: vec![0.8, 0.9, 0.7], n_train: 90, n_test: 10 }));
    assert_eq!(run.metric(&id("train"), "loss"), None);
    assert_eq!(read_run(&write_run(&run)).unwrap().metrics, run.metrics);
}

/// One of each kind of marks, with numbers that JSON cannot write.
fn figure() -> Figure {
    let axis = |range| Axis { label: "Rate".into(), range, fixed: true, categories: vec!["a".into(), String::new()] };
    let marks = [
        Marks::Line(vec![(0.0, 0.5), (1.0, f64::INFINITY)]),
        Marks::Area(vec![(0.25, -1e-300)]),
        Marks::Points(vec![]),
        Marks::Histogram { edges: vec![0.0, 1.0], heights: vec![3.0] },
        Marks::Columns(vec![1.5]),
        Marks::Bars(vec![2.0]),
        Marks::Spans(vec![(0.0, f64::INFINITY, 1.0)]),
        Marks::Boxes(vec![BoxMark { low: -1.0, q1: 0.25, median: 0.5, q3: 0.75, high: f64::INFINITY }]),
    ];
    let detail = Detail { label: "threshold".into(), values: vec![0.5, 0.1 + 0.2] };
    let series = marks.into_iter().enumerate().map(|(idx, marks)| Series {
        name: format!("Series {idx}"),
        color_idx: idx as u8,
        marks,
        detail: (idx == 0).then(|| detail.clone()),
    });
    Figure {
        id: "roc".into(),
        title: "ROC".into(),
        summary: "AUC 0.846.".into(),
        x: axis(Some((0.0, 1.0))),
        y: axis(None),
        series: series.collect(),
        guides: vec![Guide { label: "chance".into(), from: (0.0, 0.0), to: (1.0, 1.0) }],
        n_rows: 2_113,
        sampling: String::new(),
    }
}

#[test]
fn figures_come_back_from_the_file_and_those_of_a_later_version_are_kept_unread() {
    let mut run = observed();
    run.show(&id("evaluate"), &[Panel::Figure(figure())]);
    assert_eq!(run.metrics[0].n_rows, None, "only a panel of metrics says what the rows belong to");
    let back = read_run(&write_run(&run)).unwrap();
    assert_eq!(back.figures[0].shown(), Some(Shown::Figure(Box::new(figure()))));
    let text = String::from_utf8(write_run(&run)).unwrap().replace("{\"histogram\":", "{\"violin\":");
    let later = read_run(text.as_bytes()).unwrap();
    assert_eq!(later.figures[0].shown(), None);
    assert_eq!(String::from_utf8(write_run(&later)).unwrap(), text);
}

#[test]
fn a_run_that_fails_says_where_and_one_that_was_lost_says_why() {
    let mut failed = begin(1, &logistic(), None);
    failed.observe(&started("split"), 0.1, 0);
    let failure = Failure::new("the fraction must be below 1", "Lower it.");
    failed.observe(&finished("split", NodeOutcome::Failed(failure), 0.01), 0.11, 0);
    failed.observe(&finished("train", NodeOutcome::Skipped(id("split")), f64::NAN), f64::NAN, 0);
    failed.finish(&over(0.12, false), &logistic(), &catalogue());
    assert_eq!(failed.state, RunState::Failed);
    assert_eq!(failed.message, "Split Data: the fraction must be below 1");
    assert_eq!(failed.node(&id("train")).unwrap().elapsed_secs, 0.0);

    let mut lost = begin(2, &logistic(), None);
    lost.observe(&started("train"), 0.1, 0);
    lost.interrupt("The tab was closed");
    assert_eq!((lost.state, lost.message.as_str()), (RunState::Stopped, "The tab was closed"));
    assert_eq!(lost.node(&id("train")).unwrap().outcome, Outcome::Stopped);
    let over = done(3, &logistic(), 0.8, 0.4, 1.0);
    let mut still = over.clone();
    still.interrupt("The tab was closed");
    assert_eq!(still, over);
}

#[test]
fn a_run_comes_back_from_its_file() {
    let mut run = observed();
    run.show(&id("evaluate"), &[Panel::Confusion(Confusion { series: "A".into(), classes: vec![], counts: vec![] })]);
    run.tags = ["candidate".to_owned(), "for class".to_owned()].into();
    run.note = "Größer ist \"besser\"\n".into();
    run.metrics[0].value = f64::INFINITY;
    run.trial = Some(experiment::TrialOf { sweep: "s1".into(), number: 3 });
    let bytes = write_run(&run);
    assert_eq!(read_run(&bytes), Ok(run.clone()));
    assert_eq!(write_run(&read_run(&bytes).unwrap()), bytes);
    let mut nan = run;
    nan.metrics[0].value = f64::NAN;
    assert!(read_run(&write_run(&nan)).unwrap().metrics[0].value.is_nan());
}

#[test]
fn the_file_is_one_field_to_a_line() {
    let mut run = begin(2, &edited(&logistic(), [set("logistic", "c", Value::Float(0.1))]), Some(&logistic()));
    run.observe(&started("split"), 0.5, 1);
    let text = String::from_utf8(write_run(&run)).unwrap();
    expect![[r#"
        {
        "changes":{"nodes":[{"caption":"l2!, C 0.1","component":"learn.logistic","node":"logistic","params":[{"label":"C","new":[0.1,"0.1"],"old":[1.0,"1"],"param":"c"}],"title":"Logistic Regression","what":"changed"}]},
        "data":[{"hash":"00112233445566778899aabbccddeeff","name":"churn.csv","node":"import","size":12}],
        "document":"doc-1",
        "elapsed_secs":0.5,
        "engine":"0.1.0",
        "format":1,
        "host":{"browser":{"n_cores":8,"name":"Firefox 143"}},
        "id":"1a196631bc0-00000002",
        "millrace":"run",
        "name":"C 1 → 0.1",
        "nodes":[{"elapsed_secs":0,"node":"split","outcome":"pending","start_secs":0.5,"worker":1}],
        "number":2,
        "pipeline":"0d2fe8cdde93826fec81221cb9872d15",
        "pipeline_name":"Who leaves?",
        "seed":7,
        "started_at":1793524440000,
        "state":"running"
        }
    "#]]
    .assert_eq(&text);
}

#[test]
fn what_a_later_version_added_is_kept_and_what_it_changed_is_refused() {
    let text = String::from_utf8(write_run(&observed())).unwrap();
    let newer = text.replacen("\"archived\":false,", "\"archived\":false,\n\"approved_by\":[\"Ada\"],", 1);
    let run = read_run(newer.as_bytes()).unwrap();
    assert_eq!(
        String::from_utf8(write_run(&run)).unwrap(),
        text.replacen("\"archived\":false,", "\"approved_by\":[\"Ada\"],\n\"archived\":false,", 1)
    );
    let inner = text.replacen("\"outcome\":\"reused\"", "\"outcome\":\"reused\",\"gpu\":true", 1);
    assert_eq!(read_run(inner.as_bytes()), Ok(observed()));
    let later = text.replacen("\"format\":1", "\"format\":2", 1);
    assert_eq!(read_run(later.as_bytes()), Err(ReadError::Newer { found: 2 }));
}

#[test]
fn fields_that_an_earlier_version_did_not_write_are_at_their_defaults() {
    let hash = pipeline_hash(&logistic());
    let text = format!(
        r#"{{"millrace":"run","format":1,"id":"r1","number":1,"pipeline":"{hash}","started_at":5,"state":"done",
            "host":{{"command-line":{{"os":"linux","n_cores":2}}}}}}"#
    );
    let run = read_run(text.as_bytes()).unwrap();
    assert_eq!((run.host.in_words().as_str(), run.tags.len()), ("command line, linux, 2 cores", 0));
}

#[test]
fn files_that_are_no_runs_say_what_is_wrong_with_them() {
    let check = |text: &str, expected: Expect| expected.assert_eq(&read_run(text.as_bytes()).unwrap_err().to_string());
    let good = String::from_utf8(write_run(&observed())).unwrap();
    check(
        "{\"a\":",
        expect![
            "line 1, column 5: this is no JSON: EOF while parsing a value; it may have been cut off, restore it from a copy"
        ],
    );
    check("[]", expect![[r#"this is JSON, but no run: it does not say "millrace": "run""#]]);
    check(&logistic().to_json(), expect![[r#"this is JSON, but no run: it does not say "millrace": "run""#]]);
    check(
        &good.replace("\"number\":13", "\"number\":-1"),
        expect!["at number: expected a whole number from 0, found -1"],
    );
    check(&good.replace("\"number\":13,\n", ""), expect!["at number: it is missing"]);
    check(
        &good.replace("\"id\":\"", "\"id\":\"../"),
        expect![[r#"at id: "../1a1966d2de0-0000000d" is no key of a run: use a-z, A-Z, 0-9, - and _, 64 at most"#]],
    );
    check(
        &good.replace("\"done\"", "\"won\""),
        expect![[r#"at state: expected running, done, failed, stopped, found "won""#]],
    );
}

#[test]
fn equal_pipelines_have_one_hash_wherever_their_nodes_lie() {
    let base = logistic();
    let hash = pipeline_hash(&base);
    assert_eq!(hash.as_str().len(), 32);
    let moved =
        edited(&base, [Edit::Move(vec![(id("train"), Point { x: 5.0, y: 5.0 })]), Edit::SetName("Other".into())]);
    assert_eq!(pipeline_hash(&moved), hash);
    let Some(Value::File(file)) = base.node(&id("import")).unwrap().params.get("file").cloned() else { panic!() };
    let seen = FileRef { inline: Some(vec![1, 2]), ..file.clone() };
    assert_eq!(pipeline_hash(&edited(&base, [set("import", "file", Value::File(seen))])), hash);
    let other = FileRef { hash: "ff".into(), ..file };
    for edit in [
        set("import", "file", Value::File(other)),
        set("split", "fraction", Value::Float(0.8)),
        Edit::SetSeed(8),
        Edit::RemoveNode(id("evaluate")),
        Edit::Disconnect(pipeline::InPort::new(&id("train"), "table")),
    ] {
        assert_ne!(pipeline_hash(&edited(&base, [edit.clone()])), hash, "{edit:?}");
    }
}

#[test]
fn a_folder_says_what_each_of_its_files_is() {
    let run = RunKey::new("019a4c3b2d1-9f3c2a11").unwrap();
    let hash = pipeline_hash(&logistic());
    assert_eq!(path_of_run(&run), "runs/019a4c3b2d1-9f3c2a11.json");
    assert_eq!(place_of(&path_of_run(&run)), Some(Place::Run(run)));
    assert_eq!(place_of(&path_of_pipeline(&hash)), Some(Place::Pipeline(hash)));
    assert_eq!(place_of("./index.jsonl"), Some(Place::Index));
    for other in ["runs/../x.json", "runs/a.txt", "pipelines/zz.json", "notes.md", "runs/a/b.json", "runs/.json"] {
        assert_eq!(place_of(other), None, "{other}");
    }
}

#[test]
fn a_pipeline_is_kept_as_an_ordinary_file_under_its_hash() {
    let pipeline = forest();
    let bytes = write_pipeline(&pipeline);
    assert_eq!(Pipeline::from_json(std::str::from_utf8(&bytes).unwrap()), Ok(pipeline.clone()));
    let hash = pipeline_hash(&pipeline);
    assert_eq!(read_pipeline(&bytes, &hash), Ok(pipeline.clone()));
    let found = pipeline_hash(&logistic());
    assert_eq!(
        read_pipeline(&write_pipeline(&logistic()), &hash),
        Err(ReadError::AnotherPipeline { named: hash.clone(), found })
    );
    assert!(matches!(read_pipeline(b"{}", &hash), Err(ReadError::Pipeline(_))));
}

#[test]
fn runs_travel_in_a_link_with_their_pipelines_and_without_their_curves() {
    let mut first = observed();
    first.show(&id("evaluate"), &[Panel::Confusion(Confusion { series: "A".into(), classes: vec![], counts: vec![] })]);
    let second = begin(14, &logistic(), Some(&forest()));
    let packed = pack_runs([(&first, &forest()), (&second, &logistic())]);
    assert!(packed.len() < 4_000, "{} characters", packed.len());
    let arrived = unpack_runs(&packed).unwrap();
    let figures = RunRecord { nodes: vec![], figures: vec![], log: vec![], ..first };
    assert_eq!(arrived, [(figures, forest()), (second, logistic())]);

    // Ten runs that are much alike still fit into a link that goes through most chats.
    let alike: Vec<RunRecord> = (0..10).map(|number| RunRecord { number, ..observed() }).collect();
    let ten = pack_runs(alike.iter().zip(std::iter::repeat(&forest())));
    assert!(ten.len() < 8_000, "{} characters", ten.len());

    for (torn, reason) in [
        (&packed[..packed.len() - 9], "it is damaged"),
        ("", "its beginning is missing"),
        ("2d.AA", "it is of version 2"),
        ("1d.AA", "it is damaged"),
    ] {
        let message = unpack_runs(torn).unwrap_err().to_string();
        assert!(
            message.starts_with("the runs that it carries cannot be read: ") && message.contains(reason),
            "{message}"
        );
    }
    let message = unpack_runs(&pipeline::link::pack_text("{}")).unwrap_err().to_string();
    assert_eq!(message, "the runs that it carries are in other parts: a newer version of Millrace may have made it");
}

#[test]
fn the_index_gives_back_the_last_line_of_each_run_and_survives_a_torn_one() {
    let mut first = entry(&done(1, &logistic(), 0.825, 0.431, 0.9), &logistic());
    let second = entry(&done(2, &forest(), 0.846, f64::NEG_INFINITY, 2.1), &forest());
    let mut text = write_entry(&second) + &write_entry(&first);
    first.tags.push("baseline".into());
    text += &write_entry(&first);
    text += "\n{\"id\":\"torn";
    let index = read_index(&text);
    assert_eq!(index.entries, [first, second]);
    assert_eq!(index.broken.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5]);
}

#[test]
fn an_entry_has_every_setting_that_counted_defaults_too() {
    let IndexEntry { params, learner, data, .. } = entry(&done(1, &forest(), 0.8, 0.4, 1.0), &forest());
    let shown: Vec<_> =
        params.iter().map(|param| format!("{}.{} = {}", param.node, param.name, param.value.as_cell())).collect();
    let expected = [
        "forest.class_weights = balanced",
        "forest.max_depth = 12",
        "forest.n_trees = 100",
        "forest.share = 0.5",
        "import.file = churn.csv",
        "indicators.columns = contract, payment",
        "split.fraction = 0.7",
        "split.stratify = churn",
        "train.target = none",
    ];
    assert_eq!(shown, expected);
    assert_eq!((learner.as_str(), data.as_str()), ("Decision Forest", "churn.csv 00112233"));
    let plain = edited(&forest(), [set("forest", "class_weights", Value::Text("none".into()))]);
    let params = experiment::params(&plain, &catalogue());
    assert!(params.iter().all(|param| param.name != "share"), "it counts only for balanced weights");
}

#[test]
fn a_record_says_what_the_parameters_of_the_pipeline_were() {
    let parameter = |default| Parameter { label: "Trees".into(), kind: ParameterKind::Integer, default };
    let declared = edited(
        &forest(),
        [
            Edit::SetParameter("trees".into(), Some(parameter(Value::Int(100)))),
            Edit::Bind(id("forest"), "n_trees".into(), Some("trees".into())),
        ],
    );
    // A run with another value is a run of the pipeline with another default.
    let given = edited(&declared, [Edit::SetParameter("trees".into(), Some(parameter(Value::Int(30))))]);
    let run = begin(1, &given, Some(&declared));
    assert_eq!(run.parameters["trees"], 30);
    assert_eq!(run.changes.in_words(), "trees 100 → 30");
    assert_eq!(read_run(&write_run(&run)).unwrap(), run);
    assert_eq!(read_pipeline(&write_pipeline(&given), &run.pipeline).unwrap(), given);
    let params = experiment::params(&given, &catalogue());
    let of = |node: &str, name: &str| {
        let found = params.iter().find(|param| param.node == id(node) && param.name == name);
        found.map(|param| param.value.clone())
    };
    assert_eq!(of("pipeline", "trees"), of("forest", "n_trees"));
    assert!(begin(2, &forest(), None).parameters.is_empty());
}

#[test]
fn merging_keeps_what_either_side_knows() {
    let mut ours = begin(1, &logistic(), None);
    ours.tags.push("mine".into());
    ours.name = "My name".into();
    let mut theirs = done(1, &logistic(), 0.8, 0.4, 1.0);
    theirs.tags.push("theirs".into());
    theirs.note = "Looks good".into();
    let merged = ours.merge(theirs.clone());
    assert_eq!((merged.state, merged.name.as_str(), merged.note.as_str()), (RunState::Done, "My name", "Looks good"));
    assert_eq!(merged.tags, ["mine", "theirs"]);
    assert_eq!(merged.metrics, theirs.metrics);
    assert_eq!(merged.clone().merge(theirs), merged);
}

#[test]
fn changes_are_told_node_by_node() {
    let found = changes(&logistic(), &forest(), &catalogue());
    expect![[r#"
        replaced forest, Decision Forest, 100 trees (was logistic, Logistic Regression, l2!, C 1)
          + depth = 12
          + class weights = balanced!
        added indicators, Indicator Values,
          + columns = contract, payment
        changed split, Split Data,
          stratify by: automatic -> churn
    "#]]
    .assert_eq(&in_lines(&found));
    let back = changes(&forest(), &logistic(), &catalogue());
    expect![[r#"
        replaced logistic, Logistic Regression, l2!, C 1 (was forest, Decision Forest, 100 trees)
          - depth = 12
          - class weights = balanced!
        changed split, Split Data,
          stratify by: churn -> automatic
        removed indicators, Indicator Values,
          - columns = contract, payment
    "#]]
    .assert_eq(&in_lines(&back));
    assert_eq!(
        found.in_words(),
        "− Logistic Regression + Decision Forest, + Indicator Values, stratify by automatic → churn"
    );
}

fn in_lines(changes: &experiment::Changes) -> String {
    use experiment::WhatChanged::{Added, Changed, Removed, Replaced};
    let mut lines = String::new();
    for node in &changes.nodes {
        let (what, was) = match &node.what {
            Added => ("added", String::new()),
            Removed => ("removed", String::new()),
            Changed => ("changed", String::new()),
            Replaced { node, title, caption, .. } => ("replaced", format!(" (was {node}, {title}, {caption})")),
        };
        let line = format!("{what} {}, {}, {}{was}", node.node, node.title, node.caption);
        lines += line.trim_end();
        lines += "\n";
        for param in &node.params {
            lines += &match (&param.old, &param.new) {
                (Some(old), Some(new)) => format!("  {}: {} -> {}\n", param.label, old.words, new.words),
                (Some(old), None) => format!("  - {} = {}\n", param.label, old.words),
                (None, Some(new)) => format!("  + {} = {}\n", param.label, new.words),
                (None, None) => format!("  {} ?\n", param.label),
            };
        }
        for input in &node.inputs {
            lines += &format!("  {}: {:?} -> {:?}\n", input.port, input.old, input.new);
        }
    }
    if let Some((old, new)) = changes.seed {
        lines += &format!("seed {old} -> {new}\n");
    }
    lines
}

#[test]
fn what_changes_nothing_is_no_change_and_what_counts_anew_is_one() {
    let base = forest();
    let cosmetic = edited(
        &base,
        [
            Edit::SetTitle(id("train"), Some("Fit".into())),
            Edit::SetName("Other".into()),
            Edit::Move(vec![(id("train"), Point { x: 1.0, y: 2.0 })]),
            // Its default, said aloud.
            set("split", "fraction", Value::Float(0.7)),
        ],
    );
    assert!(changes(&base, &cosmetic, &catalogue()).is_empty());
    let plain = edited(&base, [set("forest", "class_weights", Value::Text("none".into())), Edit::SetSeed(9)]);
    expect![[r#"
        changed forest, Decision Forest, 100 trees
          class weights: balanced! -> none!
          - Share of rows = 0.5
        seed 7 -> 9
    "#]]
    .assert_eq(&in_lines(&changes(&base, &plain, &catalogue())));
    let rewired = edited(
        &base,
        [Edit::Connect(OutPort::new(&id("split"), "train"), pipeline::InPort::new(&id("score"), "table"))],
    );
    expect![[r#"
        changed score, Score Model,
          table: Some("split.test") -> Some("split.train")
    "#]]
    .assert_eq(&in_lines(&changes(&base, &rewired, &catalogue())));
}

#[test]
fn two_pipelines_lie_over_each_other() {
    let laid = graph_diff(&logistic(), &forest(), &catalogue());
    let fates: Vec<_> = laid.nodes.iter().map(|node| format!("{} {:?}", node.id, node.fate)).collect();
    let expected = [
        "evaluate Same",
        "forest Added",
        "import Same",
        "indicators Added",
        "logistic Removed",
        "score Same",
        "split Changed",
        "train Same",
    ];
    assert_eq!(fates, expected);
    assert_eq!([Fate::Added, Fate::Removed, Fate::Changed, Fate::Same].map(|fate| laid.count(fate)), [2, 1, 1, 4]);
    let edges: Vec<_> = laid.edges.iter().map(|edge| format!("{} {} {:?}", edge.from, edge.to, edge.fate)).collect();
    let expected = [
        "score.scored evaluate.scored Same",
        "import.table indicators.table Added",
        "train.model score.model Same",
        "split.test score.table Same",
        "import.table split.table Removed",
        "indicators.table split.table Added",
        "forest.learner train.learner Added",
        "logistic.learner train.learner Removed",
        "split.train train.table Same",
    ];
    assert_eq!(edges, expected);
    let moved = edited(&logistic(), [Edit::Move(vec![(id("train"), Point { x: 1.0, y: 2.0 })])]);
    let laid = graph_diff(&logistic(), &moved, &catalogue());
    assert_eq!(laid.count(Fate::Same), 6);
    let is_moved: Vec<_> = laid.nodes.iter().filter(|node| node.is_moved).map(|node| node.id.as_str()).collect();
    assert_eq!(is_moved, ["train"]);
}

#[test]
fn the_timeline_shows_workers_reuse_and_the_chain_that_took_longest() {
    let drawn = timeline(&observed(), &forest(), &catalogue());
    let bars: Vec<_> = drawn
        .bars
        .iter()
        .map(|bar| {
            let star = if bar.is_critical { "*" } else { "" };
            format!(
                "{} {}{star} {:.2}+{:.2} saved {:.2}",
                bar.worker, bar.node, bar.start_secs, bar.elapsed_secs, bar.saved_secs
            )
        })
        .collect();
    let expected = [
        "0 import 0.01+0.00 saved 0.50",
        "0 indicators* 0.02+0.20 saved 0.00",
        "0 split* 0.23+0.10 saved 0.00",
        "0 score* 1.85+0.10 saved 0.00",
        "0 evaluate* 1.96+0.05 saved 0.00",
        "1 forest 0.01+0.01 saved 0.00",
        "1 train* 0.34+1.50 saved 0.00",
    ];
    assert_eq!(bars, expected);
    assert_eq!(drawn.critical, ["indicators", "split", "train", "score", "evaluate"].map(id));
    assert!((drawn.critical_secs - 1.95).abs() < 1e-12 && (drawn.busy_secs - 1.96).abs() < 1e-12);
    assert_eq!((drawn.n_workers, drawn.total_secs, drawn.saved_secs), (2, 2.1, 0.5));
}

#[test]
fn the_timeline_names_all_workers_that_computed_a_node_and_so_does_the_file() {
    let mut run = begin(1, &logistic(), None);
    for (node, workers, words) in [
        ("import", vec![0], "1"),
        ("split", vec![1], "2"),
        ("logistic", vec![0, 1, 2], "1–3"),
        ("train", vec![0, 1, 3, 4], "1, 2, 4, 5"),
    ] {
        let started = RunEvent::Started { run: RUN, node: id(node), worker: workers[0] };
        run.observe(&started, 0.0, 0);
        let report = NodeReport { workers: workers.into_iter().collect(), ..report(NodeOutcome::Ran, 1.0) };
        run.observe(&RunEvent::Finished { run: RUN, node: id(node), report }, 1.0, 0);
        let read = read_run(&write_run(&run)).unwrap();
        assert_eq!(read, run);
        let drawn = timeline(&read, &logistic(), &catalogue());
        let bar = drawn.bars.iter().find(|bar| bar.node == id(node)).unwrap();
        assert_eq!(bar.workers_in_words(), words);
    }
    assert_eq!(timeline(&run, &logistic(), &catalogue()).n_workers, 5);
    let before = String::from_utf8(write_run(&run)).unwrap().replace("\"helpers\":[1,2],", "");
    let before = read_run(before.as_bytes()).unwrap();
    assert_eq!(before.node(&id("logistic")).unwrap().helpers.len(), 0, "as an earlier version wrote it");
}

#[test]
fn a_run_that_was_all_reused_has_no_critical_chain_and_one_without_beginnings_is_laid_out_by_its_edges() {
    let mut run = begin(1, &logistic(), None);
    for node in ["import", "split", "logistic", "train"] {
        run.observe(&finished(node, NodeOutcome::Reused, 1.0), 0.0, 0);
    }
    let drawn = timeline(&run, &logistic(), &catalogue());
    assert_eq!((drawn.critical.len(), drawn.critical_secs, drawn.saved_secs, drawn.bars.len()), (0, 0.0, 4.0, 4));
    for node in ["import", "split", "logistic", "train"] {
        run.observe(&finished(node, NodeOutcome::Ran, 1.0), 0.0, 0);
    }
    run.observe(&finished("score", NodeOutcome::Skipped(id("train")), 0.0), 0.0, 0);
    let drawn = timeline(&run, &logistic(), &catalogue());
    let starts: Vec<_> =
        drawn.bars.iter().map(|bar| (bar.node.as_str(), bar.start_secs, bar.is_start_guessed)).collect();
    assert_eq!(starts, [("import", 0.0, true), ("logistic", 0.0, true), ("split", 1.0, true), ("train", 2.0, true)]);
    assert_eq!((drawn.critical_secs, drawn.total_secs), (3.0, 3.0));
}

#[test]
fn a_result_is_followed_down_to_its_file() {
    let line = lineage(&observed(), &forest(), &OutPort::new(&id("train"), "model"), &catalogue());
    let steps: Vec<_> = line.steps.iter().map(|step| step.node.as_str()).collect();
    assert_eq!(steps, ["forest", "import", "indicators", "split", "train"]);
    let train = line.steps.last().unwrap();
    let inputs: Vec<_> = train.inputs.iter().map(|(port, from)| format!("{port} from {from}")).collect();
    assert_eq!(inputs, ["learner from forest.learner", "table from split.train"]);
    assert_eq!(train.artifacts, [("table".to_owned(), "key of train".to_owned())]);
    assert_eq!((line.files.len(), line.files[0].name.as_str()), (1, "churn.csv"));
    let sources: Vec<_> = line.steps.iter().filter(|step| step.is_source).map(|step| step.title.as_str()).collect();
    assert_eq!(sources, ["Decision Forest", "Import File"]);
    let nowhere = lineage(&observed(), &forest(), &OutPort::new(&id("nobody"), "model"), &catalogue());
    assert!(nowhere.steps.is_empty());
}
