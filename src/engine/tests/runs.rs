//! Planning, reuse, explanations, failures and cancellation, with components small enough to be read here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use engine::testing::{TestHost, block_on};
use engine::threads::Threads;
use engine::{
    Answer, Answered, Artifact, Component, Crew, Engine, Evaluation, Flow, FlowError, Helper, In, Job, Local, Order,
    Out, Param, Running, Task, Work,
};
use model::{NewColumn, NewValues};
use pipeline::{Edit, Family, InPort, Node, NodeId, OutPort, Params, Pipeline, Point, Spec, Value};
use protocol::{Failure, Kept, NodeOutcome, RunEvent, RunId, RunReport, RunTarget};
use schema::{Column, Kind};
use table::Table;

const TABLE: Out<Table> = Out::new("table");
const INPUT: In<Table> = In::new("table");
const N_ROWS: Param<u32> = Param::int("n_rows", 3).range(0, 1_000_000).label("Rows");
const ADDEND: Param<f64> = Param::float("addend", 1.0).label("Addend");
const BREAK: Param<bool> = Param::switch("break", false).label("Break");

struct Count;
impl Component for Count {
    fn spec(&self) -> Spec {
        Spec::new("data.count", 1, Family::Data, "Count").with_output(TABLE).with_param(N_ROWS)
    }
    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let n_rows = job.param(N_ROWS)?;
            for i in 0..n_rows {
                job.checkpoint(f64::from(i) / f64::from(n_rows), "").await?;
            }
            job.output(TABLE, numbers((0..n_rows).map(f64::from).collect()));
            Ok(())
        })
    }
}

struct Add;
impl Component for Add {
    fn spec(&self) -> Spec {
        Spec::new("transform.add", 1, Family::Prepare, "Add")
            .with_input(INPUT)
            .with_output(TABLE)
            .with_param(ADDEND)
            .with_param(BREAK)
    }
    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        if let Some(schema) = flow.input(INPUT).cloned() {
            flow.output(TABLE, schema);
        }
        Ok(())
    }
    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            if job.param(BREAK)? {
                return Err(Failure::new("it broke", "Mend it.").into());
            }
            let addend = job.param(ADDEND)?;
            let frame = job.input(INPUT)?;
            let frame = frame.frame();
            let model::Values::Number(values) = &frame.columns[0].values else { unreachable!("count gives numbers") };
            job.output(TABLE, numbers(values.iter().map(|x| x + addend).collect()));
            Ok(())
        })
    }
}

struct Total;
impl Component for Total {
    fn spec(&self) -> Spec {
        Spec::new("evaluate.total", 1, Family::Evaluate, "Total").with_input(INPUT).with_output(EVALUATION)
    }
    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let table = job.input(INPUT)?;
            let frame = table.frame();
            let model::Values::Number(values) = &frame.columns[0].values else { unreachable!("count gives numbers") };
            let metrics = [("total".to_owned(), values.iter().sum())].into();
            job.output(EVALUATION, Arc::new(Evaluation { panels: Vec::new(), metrics }));
            Ok(())
        })
    }
}
const EVALUATION: Out<Arc<Evaluation>> = Out::new("evaluation");

/// Adds 1, which is said to be much work.
struct Heavy;
impl Component for Heavy {
    fn spec(&self) -> Spec {
        Spec::new("transform.heavy", 1, Family::Prepare, "Heavy")
            .with_input(INPUT)
            .with_output(TABLE)
            .with_param(ADDEND)
            .with_param(BREAK)
    }
    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        job.log_metric("begun", 1.0, 0);
        Add.run(job)
    }
    fn work(&self, _job: &Job<'_>) -> Work {
        Work { nanos: 1_000_000_000, ..Work::default() }
    }
}

/// The same, and it had rather stay.
struct Staying;
impl Component for Staying {
    fn spec(&self) -> Spec {
        Spec { id: "transform.staying".into(), ..Heavy.spec() }
    }
    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Heavy.run(job)
    }
    fn work(&self, job: &Job<'_>) -> Work {
        Work { stays: true, ..Heavy.work(job) }
    }
}

/// Heavy, and it takes a while.
struct Lasting;
impl Component for Lasting {
    fn spec(&self) -> Spec {
        Spec { id: "transform.lasting".into(), ..Heavy.spec() }
    }
    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            for _ in 0..200 {
                job.checkpoint(0.5, "on its way").await?;
            }
            Add.run(job).await
        })
    }
    fn work(&self, job: &Job<'_>) -> Work {
        Heavy.work(job)
    }
}

fn numbers(values: Vec<f64>) -> Table {
    let n_rows = values.len();
    let column = NewColumn { column: Column::new("x", Kind::Number), values: NewValues::Number(values), valid: None };
    Table::from_new_columns(vec![column], n_rows).expect("one column")
}

fn id(text: &str) -> NodeId {
    NodeId::new(text).expect("a node id")
}

/// count → add → total, and count → other (another Add).
fn sample() -> Pipeline {
    let mut pipeline = Pipeline::new("sample");
    for (name, component) in
        [("count", "data.count"), ("add", "transform.add"), ("other", "transform.add"), ("total", "evaluate.total")]
    {
        let node = Node {
            component: component.into(),
            version: 1,
            title: None,
            params: Params::new(),
            position: Point::default(),
        };
        pipeline.apply(Edit::AddNode(id(name), node)).expect("free");
    }
    set(&mut pipeline, "other", "addend", Value::Float(5.0));
    for (from, to) in [("count", "add"), ("add", "total"), ("count", "other")] {
        pipeline.apply(Edit::Connect(OutPort::new(&id(from), "table"), InPort::new(&id(to), "table"))).expect("fits");
    }
    pipeline
}

fn set(pipeline: &mut Pipeline, node: &str, param: &str, value: Value) {
    pipeline.apply(Edit::SetParam(id(node), param.into(), Some(value))).expect("there");
}

fn engine() -> Engine {
    Engine::new(&[&Count, &Add, &Total], u64::MAX)
}

fn run(engine: &Engine, pipeline: &Pipeline) -> RunReport {
    block_on(engine.run(&TestHost::default(), RunId(1), pipeline, &RunTarget::All))
}

fn outcome(report: &RunReport, node: &str) -> NodeOutcome {
    report.nodes[&id(node)].outcome.clone()
}

#[test]
fn a_second_run_computes_nothing() {
    let (engine, pipeline) = (engine(), sample());
    let first = run(&engine, &pipeline);
    assert!(first.nodes.values().all(|node| node.outcome == NodeOutcome::Ran), "{first:?}");
    assert_eq!(first.nodes[&id("total")].metrics["total"], 6.0);
    assert_eq!(first.nodes[&id("count")].outputs["table"], "3 × 1");

    let second = run(&engine, &pipeline);
    assert!(second.nodes.values().all(|node| node.outcome == NodeOutcome::Reused), "{second:?}");
    assert_eq!(second.nodes[&id("total")].metrics["total"], 6.0);
    assert_eq!(second.nodes[&id("total")].why, "Nothing it depends on has changed.");
}

#[test]
fn only_what_depends_on_a_change_runs_again_and_says_why() {
    let (engine, mut pipeline) = (engine(), sample());
    run(&engine, &pipeline);
    set(&mut pipeline, "add", "addend", Value::Float(2.5));
    assert_eq!(engine.check(&pipeline).stale, [id("add"), id("total")]);

    let report = run(&engine, &pipeline);
    assert_eq!(outcome(&report, "count"), NodeOutcome::Reused);
    assert_eq!(outcome(&report, "other"), NodeOutcome::Reused);
    assert_eq!(outcome(&report, "add"), NodeOutcome::Ran);
    assert_eq!(report.nodes[&id("add")].why, "Addend changed from 1 to 2.5.");
    assert_eq!(report.nodes[&id("total")].why, "Add, which feeds `table`, gave a new result.");
    assert_eq!(report.nodes[&id("total")].metrics["total"], 10.5);
}

#[test]
fn going_back_to_earlier_settings_takes_the_earlier_result() {
    let (engine, mut pipeline) = (engine(), sample());
    run(&engine, &pipeline);
    set(&mut pipeline, "add", "addend", Value::Float(9.0));
    run(&engine, &pipeline);
    set(&mut pipeline, "add", "addend", Value::Float(1.0));
    let report = run(&engine, &pipeline);
    assert_eq!(outcome(&report, "add"), NodeOutcome::Reused);
    assert_eq!(report.nodes[&id("add")].why, "The same step had already run on the same data.");
}

#[test]
fn another_document_is_not_compared_with_the_one_before_and_takes_its_results() {
    let (engine, mut pipeline) = (engine(), sample());
    run(&engine, &pipeline);
    engine.forget_nodes();
    assert!(engine.table(&OutPort::new(&id("add"), "table")).is_err(), "the other document's rows");
    set(&mut pipeline, "add", "addend", Value::Float(2.5));
    let report = run(&engine, &pipeline);
    assert_eq!(report.nodes[&id("add")].why, "It had not run before.");
    assert_eq!(outcome(&report, "count"), NodeOutcome::Reused);
    assert_eq!(report.nodes[&id("count")].why, "The same step had already run on the same data.");
}

#[test]
fn a_failure_stops_only_what_depends_on_it() {
    let (engine, mut pipeline) = (engine(), sample());
    set(&mut pipeline, "add", "break", Value::Bool(true));
    let report = run(&engine, &pipeline);
    assert_eq!(outcome(&report, "add"), NodeOutcome::Failed(Failure::new("it broke", "Mend it.")));
    assert_eq!(outcome(&report, "total"), NodeOutcome::Skipped(id("add")));
    assert_eq!(outcome(&report, "other"), NodeOutcome::Ran);

    set(&mut pipeline, "add", "break", Value::Bool(false));
    let report = run(&engine, &pipeline);
    assert_eq!(outcome(&report, "add"), NodeOutcome::Ran);
    assert_eq!(report.nodes[&id("add")].why, "Break changed from on to off.");
}

#[test]
fn running_to_a_node_leaves_the_others_alone() {
    let (engine, pipeline) = (engine(), sample());
    let report = block_on(engine.run(&TestHost::default(), RunId(1), &pipeline, &RunTarget::To(vec![id("add")])));
    assert_eq!(report.nodes.keys().map(NodeId::as_str).collect::<Vec<_>>(), ["add", "count"]);
}

#[test]
fn a_cancelled_run_stops_and_can_be_taken_up_again() {
    let (engine, mut pipeline) = (engine(), sample());
    set(&mut pipeline, "count", "n_rows", Value::Int(1_000));
    let host = TestHost::stopping_after(5);
    let report = block_on(engine.run(&host, RunId(1), &pipeline, &RunTarget::All));
    assert!(report.cancelled);
    assert!(report.nodes.values().all(|node| node.outcome == NodeOutcome::Cancelled), "{report:?}");
    assert!(run(&engine, &pipeline).nodes.values().all(|node| node.outcome == NodeOutcome::Ran));
}

#[test]
fn cleared_results_are_computed_again() {
    let (engine, pipeline) = (engine(), sample());
    run(&engine, &pipeline);
    engine.clear(Some(&id("add")));
    let report = run(&engine, &pipeline);
    assert_eq!(outcome(&report, "add"), NodeOutcome::Ran);
    assert_eq!(report.nodes[&id("add")].why, "Its earlier result was no longer kept.");
    assert_eq!(outcome(&report, "total"), NodeOutcome::Reused, "an equal result does not disturb what follows");
}

#[test]
fn what_is_kept_is_weighed_in_all_and_by_node() {
    let (engine, pipeline) = (engine(), sample());
    assert_eq!(engine.kept_bytes(), Kept::default());
    run(&engine, &pipeline);
    let kept = engine.kept_bytes();
    assert_eq!(kept.nodes.keys().map(NodeId::as_str).collect::<Vec<_>>(), ["add", "count", "other", "total"]);
    assert!(kept.nodes.values().all(|n_bytes| *n_bytes > 0), "figures weigh something too: {kept:?}");
    assert_eq!(kept.n_bytes, kept.nodes.values().sum::<u64>(), "these four share no column");

    engine.clear(Some(&id("add")));
    let left = engine.kept_bytes();
    assert_eq!(left.n_bytes, kept.n_bytes - kept.nodes[&id("add")]);
    assert!(!left.nodes.contains_key(&id("add")));
    engine.clear(None);
    assert_eq!(engine.kept_bytes(), Kept::default());
}

#[test]
fn results_beyond_the_capacity_go_oldest_first() {
    let engine = Engine::new(&[&Count, &Add, &Total], 40_000);
    let mut pipeline = sample();
    set(&mut pipeline, "count", "n_rows", Value::Int(1_000));
    for addend in 0..20 {
        set(&mut pipeline, "add", "addend", Value::Float(f64::from(addend)));
        assert!(run(&engine, &pipeline).nodes.values().all(|node| !matches!(node.outcome, NodeOutcome::Failed(_))));
        assert!(engine.n_bytes() <= 40_000, "{}", engine.n_bytes());
    }
}

#[test]
fn the_schema_flows_before_anything_runs() {
    let engine = engine();
    let mut pipeline = sample();
    assert!(engine.check(&pipeline).schemas.is_empty(), "count does not foretell its columns");
    run(&engine, &pipeline);
    set(&mut pipeline, "add", "addend", Value::Float(7.0));
    let schemas = engine.check(&pipeline).schemas;
    assert_eq!(schemas[&OutPort::new(&id("add"), "table")].names(), ["x"], "foretold from what count really gave");
}

#[test]
fn an_artifact_is_found_by_its_output() {
    let (engine, pipeline) = (engine(), sample());
    assert!(engine.table(&OutPort::new(&id("add"), "table")).is_err());
    run(&engine, &pipeline);
    assert_eq!(engine.table(&OutPort::new(&id("add"), "table")).expect("it ran").n_rows(), 3);
    assert!(matches!(engine.artifact(&OutPort::new(&id("total"), "evaluation")), Ok(Artifact::Evaluation(_))));
    assert!(engine.table(&OutPort::new(&id("total"), "evaluation")).is_err());
}

#[test]
fn what_would_not_fit_is_refused_before_it_begins_and_what_is_only_kept_makes_room() {
    let (engine, mut pipeline) = (engine(), sample());
    // Three tables of 4 MB at a time, and no more.
    let host = TestHost::with_memory(12_500_000);
    for n_rows in [500_000, 500_001, 500_002] {
        set(&mut pipeline, "count", "n_rows", Value::Int(n_rows));
        let report = block_on(engine.run(&host, RunId(1), &pipeline, &RunTarget::All));
        assert!(report.nodes.values().all(|node| node.outcome == NodeOutcome::Ran), "{report:?}");
    }
    let host = TestHost::with_memory(6_000_000);
    set(&mut pipeline, "count", "n_rows", Value::Int(500_003));
    let report = block_on(engine.run(&host, RunId(1), &pipeline, &RunTarget::All));
    let NodeOutcome::Failed(failure) = outcome(&report, "add") else { panic!("{report:?}") };
    assert_eq!(failure.message, "Add would need about 4 MB of memory here, and 1 MB of 6 MB are left");
    assert!(failure.help.contains("Partition and Sample"), "{failure:?}");
    assert!(matches!(outcome(&report, "total"), NodeOutcome::Skipped(_)), "{report:?}");
    let begun = |event: &RunEvent| matches!(event, RunEvent::Started { node, .. } if *node == id("add"));
    assert!(!host.events.borrow().iter().any(begun), "it has not begun");
}

mod random_edits {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Change {
        Rows(u8),
        Addend(bool, u8),
        Rewire(bool),
        Seed(u8),
        Forget,
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            (0u8..6).prop_map(Change::Rows),
            (any::<bool>(), 0u8..4).prop_map(|(first, addend)| Change::Addend(first, addend)),
            any::<bool>().prop_map(Change::Rewire),
            (0u8..3).prop_map(Change::Seed),
            Just(Change::Forget),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn a_reused_result_equals_a_computed_one(changes in proptest::collection::vec(change(), 1..24)) {
            let (engine, mut pipeline) = (engine(), sample());
            for change in changes {
                match change {
                    Change::Rows(n) => set(&mut pipeline, "count", "n_rows", Value::Int(n.into())),
                    Change::Addend(first, x) => {
                        set(&mut pipeline, if first { "add" } else { "other" }, "addend", Value::Float(x.into()));
                    }
                    Change::Rewire(through) => {
                        let from = if through { "other" } else { "count" };
                        let edge = Edit::Connect(OutPort::new(&id(from), "table"), InPort::new(&id("add"), "table"));
                        pipeline.apply(edge).expect("no cycle");
                    }
                    Change::Seed(seed) => {
                        pipeline.apply(Edit::SetSeed(seed.into())).expect("always");
                    }
                    Change::Forget => engine.clear(Some(&id("other"))),
                }
                let reused = run(&engine, &pipeline);
                let computed = run(&super::engine(), &pipeline);
                for (node, report) in &computed.nodes {
                    prop_assert_eq!(&report.metrics, &reused.nodes[node].metrics);
                    prop_assert_eq!(&report.artifacts, &reused.nodes[node].artifacts);
                    prop_assert_eq!(&report.outputs, &reused.nodes[node].outputs);
                }
            }
        }
    }
}

static ALL: [&dyn Component; 6] = [&Count, &Add, &Total, &Heavy, &Staying, &Lasting];

/// count → first → total, and three other works beside the first.
fn side_by_side() -> Pipeline {
    let mut pipeline = sample();
    let names = ["first", "second", "third", "fourth"];
    for (at, name) in names.into_iter().enumerate() {
        let mut node = pipeline.node(&id("add")).expect("there").clone();
        node.component = "transform.heavy".into();
        pipeline.apply(Edit::AddNode(id(name), node)).expect("free");
        set(&mut pipeline, name, "addend", Value::Float(at as f64));
        pipeline
            .apply(Edit::Connect(OutPort::new(&id("count"), "table"), InPort::new(&id(name), "table")))
            .expect("fits");
    }
    pipeline
}

fn helped_by(n_threads: u32) -> TestHost {
    TestHost::default().helped_by(Rc::new(Threads::start(n_threads, &ALL, u64::MAX)))
}

/// What every node left, and in which worker it began.
fn left(host: &TestHost, pipeline: &Pipeline) -> (RunReport, Vec<Option<u64>>, BTreeMap<NodeId, u32>) {
    let engine = Engine::new(&ALL, u64::MAX);
    let mut report = block_on(engine.run(host, RunId(1), pipeline, &RunTarget::All));
    report.elapsed_secs = 0.0;
    let computed: BTreeMap<NodeId, Vec<u32>> = report
        .nodes
        .iter_mut()
        .map(|(id, node)| {
            node.elapsed_secs = 0.0;
            (id.clone(), std::mem::take(&mut node.workers).into_iter().collect())
        })
        .filter(|(_, workers): &(_, Vec<u32>)| !workers.is_empty())
        .collect();
    let tables = report.nodes.keys().map(|id| Some(engine.table(&OutPort::new(id, "table")).ok()?.fingerprint()));
    let events = host.events.borrow();
    let begun = events.iter().filter_map(|event| match event {
        RunEvent::Started { node, worker, .. } => Some((node.clone(), *worker)),
        _ => None,
    });
    let begun: BTreeMap<NodeId, u32> = begun.collect();
    for (id, workers) in computed {
        assert_eq!(workers, [begun[&id]], "{id} was computed where it began");
    }
    (report.clone(), tables.collect(), begun)
}

#[test]
fn long_works_that_do_not_rest_on_each_other_are_computed_side_by_side() {
    let pipeline = side_by_side();
    let (report, tables, begun) = left(&TestHost::default(), &pipeline);
    assert!(report.nodes.values().all(|node| node.outcome == NodeOutcome::Ran), "{report:?}");
    assert!(begun.values().all(|worker| *worker == 0), "{begun:?}");
    for n_threads in [1, 2, 5] {
        let host = helped_by(n_threads);
        let (other, others, begun) = left(&host, &pipeline);
        assert_eq!((&other, &others), (&report, &tables), "{n_threads} helpers");
        let workers: std::collections::BTreeSet<u32> = begun.into_values().collect();
        assert!(workers.contains(&0) && workers.len() as u32 > n_threads.min(3), "{n_threads}: {workers:?}");
        let told = host.events.borrow().iter().filter(|event| matches!(event, RunEvent::Metric { .. })).count();
        assert_eq!(told, 4, "what was measured elsewhere is told too");
    }
}

#[test]
fn what_had_rather_stay_leaves_last() {
    let mut pipeline = sample();
    for (name, component) in [("first", "transform.heavy"), ("last", "transform.staying")] {
        let node = Node { component: component.into(), ..pipeline.node(&id("add")).expect("there").clone() };
        pipeline.apply(Edit::AddNode(id(name), node)).expect("free");
        pipeline
            .apply(Edit::Connect(OutPort::new(&id("count"), "table"), InPort::new(&id(name), "table")))
            .expect("fits");
    }
    let (.., begun) = left(&helped_by(1), &pipeline);
    assert_eq!((begun[&id("first")], begun[&id("last")]), (1, 0));
    pipeline.apply(Edit::RemoveNode(id("first"))).expect("there");
    let mut again = pipeline.node(&id("last")).expect("there").clone();
    again.params.insert("addend".into(), Value::Float(3.0));
    pipeline.apply(Edit::AddNode(id("next"), again)).expect("free");
    pipeline
        .apply(Edit::Connect(OutPort::new(&id("count"), "table"), InPort::new(&id("next"), "table")))
        .expect("fits");
    let (.., begun) = left(&helped_by(1), &pipeline);
    assert_eq!((begun[&id("last")], begun[&id("next")]), (0, 1), "one of two that would stay leaves all the same");
}

/// A helper that is through with what it is given before it is asked.
struct Prompt {
    helper: RefCell<Helper>,
    answers: RefCell<Vec<Answered>>,
    /// What the helper said on its way.
    events: RefCell<Vec<RunEvent>>,
}

impl Crew for Prompt {
    fn n_helpers(&self) -> u32 {
        1
    }

    fn least_work(&self) -> u64 {
        1_000
    }

    fn spare_bytes(&self) -> u64 {
        u64::MAX
    }

    fn hand(&self, helper: u32, ticket: u64, order: &Arc<Order>, task: Task) {
        let mut engine = self.helper.borrow_mut();
        engine.open(Arc::clone(order));
        let host = TestHost::default();
        let outcome = Answer::Done(block_on(engine.compute(&host, task)));
        self.answers.borrow_mut().push(Answered { helper, ticket, outcome });
        self.events.borrow_mut().extend(host.events.take());
    }

    fn stop(&self, _helper: u32) {}

    fn answers(&self) -> Vec<Answered> {
        self.answers.take()
    }

    fn rest(&self) -> Local<'_, ()> {
        Box::pin(async {})
    }

    fn dismiss(&self) {}
}

#[test]
fn what_rests_on_a_helper_does_not_wait_for_a_long_work_here() {
    let mut pipeline = sample();
    for (name, component, source) in [
        ("first", "transform.lasting", "count"),
        ("second", "transform.lasting", "count"),
        ("after-first", "transform.add", "first"),
        ("after-second", "transform.add", "second"),
        ("last-of-first", "transform.heavy", "after-first"),
        ("last-of-second", "transform.heavy", "after-second"),
    ] {
        let node = Node { component: component.into(), ..pipeline.node(&id("add")).expect("there").clone() };
        pipeline.apply(Edit::AddNode(id(name), node)).expect("free");
        pipeline
            .apply(Edit::Connect(OutPort::new(&id(source), "table"), InPort::new(&id(name), "table")))
            .expect("fits");
    }
    for node in ["add", "other", "total"] {
        pipeline.apply(Edit::RemoveNode(id(node))).expect("there");
    }
    set(&mut pipeline, "second", "addend", Value::Float(7.0));
    let crew = Rc::new(Prompt {
        helper: RefCell::new(Helper::new(&ALL)),
        answers: RefCell::default(),
        events: RefCell::default(),
    });
    let host = TestHost::default().helped_by(crew.clone());
    let (report, tables, begun) = left(&host, &pipeline);
    let (alone, expected, _) = left(&TestHost::default(), &pipeline);
    assert_eq!((report, tables), (alone, expected));

    let (here, away) = if begun[&id("first")] == 0 { ("first", "second") } else { ("second", "first") };
    assert_eq!((begun[&id(here)], begun[&id(away)]), (0, 1));
    let finished: Vec<NodeId> = host
        .events
        .borrow()
        .iter()
        .filter_map(|event| if let RunEvent::Finished { node, .. } = event { Some(node.clone()) } else { None })
        .collect();
    let place = |node: &str| finished.iter().position(|other| *other == id(node)).expect("it ran");
    for node in [away.to_owned(), format!("after-{away}"), format!("last-of-{away}")] {
        assert!(place(&node) < place(here), "{node} waited: {finished:?}");
    }
    assert_eq!(begun[&id(&format!("after-{away}"))], 0, "what is soon done is done here, in between");
    assert_eq!(begun[&id(&format!("last-of-{away}"))], 1, "a long one goes to the helper");
    let is_told = |event: &RunEvent| {
        matches!(event, RunEvent::Progress { run: RunId(1), node, message, .. }
            if *node == id(away) && message == "on its way")
    };
    assert!(crew.events.borrow().iter().any(is_told), "the helper says how far it is, and with what");
}

#[test]
fn what_fails_or_is_stopped_elsewhere_is_told_as_if_it_were_here() {
    let mut pipeline = side_by_side();
    set(&mut pipeline, "third", "break", Value::Bool(true));
    let (report, tables, _) = left(&TestHost::default(), &pipeline);
    let (other, others, _) = left(&helped_by(3), &pipeline);
    assert_eq!(outcome(&report, "third"), NodeOutcome::Failed(Failure::new("it broke", "Mend it.")));
    assert_eq!((other, others), (report, tables));

    for n_breaths in 1..6 {
        let threads = Rc::new(Threads::start(2, &ALL, u64::MAX));
        let host = TestHost::stopping_after(n_breaths).helped_by(threads);
        let report = block_on(Engine::new(&ALL, u64::MAX).run(&host, RunId(1), &pipeline, &RunTarget::All));
        assert!(report.cancelled);
        assert_eq!(report.nodes.len(), pipeline.nodes().len(), "every node says how it came out");
        assert_eq!(host.n_breaths(), n_breaths);
    }
}

#[test]
fn of_two_equal_nodes_one_is_computed_on_any_number_of_workers() {
    let mut pipeline = side_by_side();
    set(&mut pipeline, "second", "addend", Value::Float(0.0));
    for host in [TestHost::default(), helped_by(3)] {
        let (report, ..) = left(&host, &pipeline);
        let n_ran = ["first", "second"].iter().filter(|node| outcome(&report, node) == NodeOutcome::Ran).count();
        assert_eq!(n_ran, 1, "{report:?}");
        assert!(report.nodes.values().all(|node| matches!(node.outcome, NodeOutcome::Ran | NodeOutcome::Reused)));
    }
}
