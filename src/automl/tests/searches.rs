//! Whole searches over the sample tables: planned, run as sweeps, blended and placed.

use std::collections::BTreeMap;

use automl::{blend, place, plan};
use engine::Engine;
use engine::testing::{TestHost, block_on};
use pipeline::{Edit, Node, NodeId, OutPort, Params, Pipeline, Point, Value};
use protocol::{
    BlendTrials, Compute, Failure, Member, NodeOutcome, PlaceWinner, PlanSearch, Predicts, Question, RunId, RunReport,
    RunTarget, Search,
};
use study::{Action, Goal, TrialState};

const RUN: RunId = RunId(1);

fn id(text: &str) -> NodeId {
    NodeId::new(text).unwrap()
}

/// A document with one node that gives a table.
fn document(component: &str, params: &[(&str, Value)]) -> Pipeline {
    let params: Params = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let node = Node { component: component.into(), version: 1, title: None, params, position: Point::default() };
    let mut pipeline = Pipeline::new("Test");
    pipeline.apply(Edit::AddNode(id("data"), node)).unwrap();
    pipeline
}

fn sample(name: &str) -> Pipeline {
    document("data.sample-datasets", &[("dataset", Value::Text(name.into()))])
}

/// Rows typed in, under a line of names.
fn typed(rows: &str) -> Pipeline {
    document("data.enter-data", &[("data", Value::Text(rows.into()))])
}

fn question(target: Option<&str>) -> Question {
    Question {
        table: OutPort::new(&id("data"), "table"),
        target: target.map(Into::into),
        predicts: Predicts::ByTarget,
        metric: None,
        n_folds: 3,
        early_termination: false,
        n_trials: 12,
        budget_secs: 3_600,
        seed: 7,
    }
}

fn engine() -> Engine {
    Engine::new(components::catalogue(), 1 << 30)
}

fn planned(engine: &Engine, pipeline: &Pipeline, question: Question) -> Result<Search, Failure> {
    let call = PlanSearch { run: RUN, pipeline: pipeline.clone(), question };
    block_on(plan(engine, &TestHost::default(), &call))
}

fn run(engine: &Engine, pipeline: &Pipeline, target: RunTarget) -> RunReport {
    let report = block_on(engine.run(&TestHost::default(), RUN, pipeline, &target));
    for (id, node) in &report.nodes {
        assert!(matches!(node.outcome, NodeOutcome::Ran | NodeOutcome::Reused), "{id}: {:?}", node.outcome);
    }
    report
}

/// Runs a search to its end, one trial after the other.
fn search(engine: &Engine, pipeline: &Pipeline, question: Question) -> Search {
    let mut search = planned(engine, pipeline, question).unwrap();
    loop {
        let actions = sweep::next(&search.study);
        let Some(Action::Start { number, settings, .. }) = actions.first().cloned() else {
            assert!(matches!(actions.as_slice(), [Action::Over(_)]), "{actions:?}");
            return search;
        };
        sweep::apply(&mut search.study, &actions[..1], 0.0).unwrap();
        let mut changed = search.pipeline.clone();
        changed.apply(Edit::Batch(search.study.space.edits(&settings))).unwrap();
        let report = run(engine, &changed, RunTarget::To(vec![search.judge.clone()]));
        let metrics = report.nodes[&search.judge].metrics.clone();
        let value = metrics[&search.study.objectives[0].metric];
        search.study.finish(number, vec![value], metrics, 1.0).unwrap();
    }
}

/// The document with the members placed, and the figures of the test rows.
fn placed(engine: &Engine, document: &Pipeline, search: &Search, members: Vec<Member>) -> BTreeMap<String, f64> {
    let call = PlaceWinner { pipeline: document.clone(), search: search.clone(), members };
    let placing = place(engine.catalogue(), &call).unwrap();
    let mut changed = document.clone();
    changed.apply(Edit::Batch(placing.edits)).unwrap();
    let problems = pipeline::check(&changed, engine.catalogue());
    assert!(problems.iter().all(|problem| problem.severity != pipeline::Severity::Error), "{problems:?}");
    run(engine, &changed, RunTarget::All).nodes[&placing.evaluation].metrics.clone()
}

fn best(search: &Search) -> Member {
    let best = search.study.best().unwrap();
    Member { trial: best.number, weight: 1, settings: best.settings.clone() }
}

fn value_of(search: &Search, learner: &str) -> f64 {
    let name = format!("{}.learner", search.judge);
    let of = |trial: &&study::Trial| trial.settings.get(&name) == Some(&Value::Text(learner.into()));
    search.study.trials.iter().find(of).unwrap().values[0]
}

#[test]
fn every_learner_is_tried_as_it_is_before_any_setting_is_varied() {
    let engine = engine();
    let search = search(&engine, &sample("breast-cancer"), question(None));
    let name = format!("{}.learner", search.judge);
    let first: Vec<String> = search.study.trials[..6]
        .iter()
        .map(|trial| match &trial.settings[&name] {
            Value::Text(learner) => learner.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    let learners = [
        "logistic-regression",
        "decision-forest",
        "boosted-decision-tree",
        "k-nearest-neighbors",
        "decision-tree",
        "constant-baseline",
    ];
    assert_eq!(first, learners);
    assert_eq!(search.study.trials.len(), 12);
    assert!(search.study.trials.iter().all(|trial| trial.state == TrialState::Done));
    assert_eq!(value_of(&search, "constant-baseline"), 0.5, "whoever says the same of all rows ranks by chance");
    assert!(value_of(&search, "logistic-regression") > 0.98);
    // Only what a trial's learner needs is in its settings.
    for trial in &search.study.trials {
        let Value::Text(learner) = &trial.settings[&name] else { panic!() };
        let foreign = trial
            .settings
            .keys()
            .find(|key| learners.iter().any(|other| other != learner && key.starts_with(&format!("{other}."))));
        assert_eq!(foreign, None, "{:?}", trial.settings);
    }
}

#[test]
fn weak_candidates_are_given_up_after_two_folds_but_no_learner_untried() {
    let engine = engine();
    let asked = Question { early_termination: true, n_folds: 5, n_trials: 24, ..question(None) };
    let n_folds = asked.n_folds as usize;
    let mut search = planned(&engine, &sample("breast-cancer"), asked).unwrap();
    let metric = search.study.objectives[0].metric.clone();
    loop {
        let actions = sweep::next(&search.study);
        let Some(Action::Start { number, settings, .. }) = actions.first().cloned() else { break };
        sweep::apply(&mut search.study, &actions[..1], 0.0).unwrap();
        let mut changed = search.pipeline.clone();
        changed.apply(Edit::Batch(search.study.space.edits(&settings))).unwrap();
        let report = run(&engine, &changed, RunTarget::To(vec![search.judge.clone()]));
        let metrics = report.nodes[&search.judge].metrics.clone();
        let table = engine.table(&OutPort::new(&search.judge, "by_fold")).unwrap();
        let column_idx = table.schema().position(&study::metric_label(&metric)).unwrap();
        let mut watch = sweep::Watch::of(&search.study.trials[number as usize]);
        for row_idx in 0..n_folds {
            watch.tell(&mut search.study, table.cells(column_idx).number(row_idx).unwrap(), true);
        }
        match watch.stop() {
            Some(stop) => search.study.cut_off(number, stop.clone(), 1.0).unwrap(),
            None => search.study.finish(number, vec![metrics[&metric]], metrics, 1.0).unwrap(),
        }
    }
    let study = &search.study;
    assert_eq!(study.trials.len(), 24);
    assert!(study.trials[..6].iter().all(|trial| trial.state == TrialState::Done), "each learner as it is");
    let given_up: Vec<_> = study.trials.iter().filter(|trial| trial.state == TrialState::StoppedEarly).collect();
    assert!(!given_up.is_empty());
    assert!(given_up.iter().all(|trial| (2..n_folds).contains(&trial.intermediate.len())), "{given_up:?}");
}

#[test]
fn the_winner_is_an_ordinary_pipeline_that_is_judged_on_rows_the_search_has_not_seen() {
    let engine = engine();
    let document = sample("breast-cancer");
    let search = search(&engine, &document, question(None));
    let metrics = placed(&engine, &document, &search, vec![best(&search)]);
    assert!(metrics["auc"] > 0.97, "{metrics:?}");
    // 569 rows, a quarter of them kept apart.
    let split = search.pipeline.nodes().iter().find(|(_, node)| node.component == "split.split-data").unwrap().0;
    let n_rows = |port: &str| engine.table(&OutPort::new(split, port)).unwrap().n_rows();
    assert_eq!((n_rows("train"), n_rows("test")), (427, 142));
    assert_eq!(engine.table(&OutPort::new(&search.judge, "scored")).unwrap().n_rows(), 427);
}

#[test]
fn a_winner_is_placed_twice_without_a_clash_of_names() {
    let engine = engine();
    let document = sample("iris");
    let search = search(&engine, &document, question(None));
    let call = |pipeline: &Pipeline| PlaceWinner {
        pipeline: pipeline.clone(),
        search: search.clone(),
        members: vec![best(&search)],
    };
    let mut twice = document.clone();
    for _ in 0..2 {
        let edits = place(engine.catalogue(), &call(&twice)).unwrap().edits;
        twice.apply(Edit::Batch(edits)).unwrap();
    }
    let report = run(&engine, &twice, RunTarget::All);
    let figures: Vec<_> =
        report.nodes.values().filter(|node| !node.metrics.is_empty()).map(|node| &node.metrics).collect();
    assert_eq!(figures.len(), 2);
    assert_eq!(figures[0], figures[1]);
    let gone = place(engine.catalogue(), &call(&Pipeline::new("Empty"))).unwrap_err();
    assert!(gone.message.contains("no node `data`"), "{}", gone.message);
}

#[test]
fn an_ensemble_is_at_least_as_good_on_its_own_rows_and_says_what_it_is_worth_on_others() {
    let engine = engine();
    let search = search(&engine, &sample("diabetes"), question(None));
    let call = BlendTrials { run: RUN, search: search.clone(), compute: Compute::with_workers(1) };
    let blended = block_on(blend(&engine, &TestHost::default(), &call)).unwrap();
    assert!(!blended.members.is_empty());
    assert!(blended.members.windows(2).all(|pair| pair[0].weight >= pair[1].weight));
    for member in &blended.members {
        assert_eq!(member.settings, search.study.trials[member.trial as usize].settings);
    }
    // Folds and parts differ, so the figures do a little.
    assert!((blended.best_alone - search.study.best().unwrap().values[0]).abs() < 0.03, "{blended:?}");
    assert!((blended.value - blended.best_alone - blended.gain).abs() < 1e-12, "{blended:?}");
    assert!(blended.standard_error > 0.0);
    let again = block_on(blend(&self::engine(), &TestHost::default(), &call)).unwrap();
    assert_eq!(again, blended, "an engine without results comes to the same ensemble");
}

#[test]
fn gaps_texts_and_a_target_of_0_and_1_are_taken_care_of() {
    let mut rows = String::from("age,city,note,income,left\n");
    for i in 0..80 {
        let age = if i % 7 == 0 { String::new() } else { (20 + i * 7 % 50).to_string() };
        let city = if i % 11 == 0 { "" } else { ["Ulm", "Graz", "Bern"][i % 3] };
        let left = if i == 40 { String::new() } else { usize::from(i * 7 % 50 > 24).to_string() };
        rows.push_str(&format!("{age},{city},free text number {i},{},{left}\n", i * 13 % 17));
    }
    let mut document = typed(&rows);
    // The texts are texts, and the cities categories, whatever the reader takes them for.
    for (name, columns, kind) in
        [("texts", "note", "text"), ("cities", "city", "category"), ("ends", "left", "integer")]
    {
        let params = Params::from([
            ("columns".into(), Value::Columns(schema::ColumnSelection::Names(vec![columns.into()]))),
            ("kind".into(), Value::Text(kind.into())),
        ]);
        let node = Node {
            component: "transform.edit-metadata".into(),
            version: 1,
            title: None,
            params,
            position: Point::default(),
        };
        let before =
            if document.nodes().len() == 1 { id("data") } else { id(["texts", "cities"][document.nodes().len() - 2]) };
        document.apply(Edit::AddNode(id(name), node)).unwrap();
        let to = pipeline::InPort::new(&id(name), "table");
        document.apply(Edit::Connect(OutPort::new(&before, "table"), to)).unwrap();
    }
    let engine = engine();
    let asked = Question { table: OutPort::new(&id("ends"), "table"), ..question(Some("left")) };
    let search = search(&engine, &document, asked);
    assert_eq!(search.study.objectives[0].metric, "auc");
    let notes = search.notes.join("; ");
    assert_eq!(
        notes,
        "\"note\" is left out: it is text; gaps are filled in \"age\", \"city\"; 1 row without \"left\" is left out"
    );
    let metrics = placed(&engine, &document, &search, vec![best(&search)]);
    assert!(metrics["auc"] > 0.9, "{metrics:?}");
}

#[test]
fn a_question_that_does_not_fit_the_table_is_answered_with_the_way_out() {
    let engine = engine();
    let refused = |pipeline: &Pipeline, question: Question| planned(&engine, pipeline, question).unwrap_err();
    let iris = sample("iris");
    let no_column = refused(&iris, question(Some("colour")));
    assert!(no_column.message.contains("colour"), "{}", no_column.message);
    let numbers = Question { predicts: Predicts::Numbers, ..question(None) };
    assert!(refused(&iris, numbers).message.contains("no number can be learned"));
    let metric = Question { metric: Some("r2".into()), ..question(None) };
    assert!(refused(&iris, metric).help.contains("log_loss"));
    let few = typed("a,b\n1,2\n2,3\n3,5\n4,4\n");
    assert!(refused(&few, question(Some("b"))).message.contains("4 rows"));
    let gone = Question { table: OutPort::new(&id("other"), "table"), ..question(None) };
    assert!(refused(&iris, gone).message.contains("no node `other`"));
    let same = typed(&format!("a,b\n{}", "1,x\n2,x\n".repeat(20)));
    assert!(refused(&same, question(Some("b"))).message.contains("has 1 value"));
    let rows: String = (0..150).map(|i| format!("{},{}\n", i % 7, i)).collect();
    let many = Question { predicts: Predicts::Classes, ..question(Some("b")) };
    let many = refused(&typed(&format!("a,b\n{rows}")), many);
    assert!(many.message.contains("more than 100 values") && many.help == "Predict a number.", "{}", many.message);
}

#[test]
fn classes_of_many_are_aimed_at_by_their_log_loss_and_numbers_by_what_is_explained() {
    let engine = engine();
    let of = |name: &str| planned(&engine, &sample(name), question(None)).unwrap().study.objectives[0].clone();
    let (wine, diabetes) = (of("wine"), of("diabetes"));
    assert_eq!((wine.metric.as_str(), wine.goal), ("log_loss", Goal::Minimize));
    assert_eq!((diabetes.metric.as_str(), diabetes.goal), ("r2", Goal::Maximize));
}

#[test]
fn members_with_different_preparations_become_one_model() {
    let engine = engine();
    let document = sample("diabetes");
    let search = search(&engine, &document, question(None));
    let name = format!("{}.learner", search.judge);
    let of = |learner: &str, weight| {
        let is = |trial: &&study::Trial| trial.settings.get(&name) == Some(&Value::Text(learner.into()));
        let trial = search.study.trials.iter().find(is).unwrap();
        Member { trial: trial.number, weight, settings: trial.settings.clone() }
    };
    // The linear model is trained on rescaled columns, the forest on the columns as they are.
    let members = vec![of("linear-regression", 3), of("decision-forest", 1)];
    let both = placed(&engine, &document, &search, members)["r2"];
    let linear = placed(&engine, &document, &search, vec![of("linear-regression", 1)])["r2"];
    let forest = placed(&engine, &document, &search, vec![of("decision-forest", 1)])["r2"];
    assert!(both > linear.min(forest) && both != linear && both != forest, "{both}, {linear}, {forest}");
}
