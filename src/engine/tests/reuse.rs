//! What is reused equals what would be computed, and what must not be reused is not.

use std::cell::Cell;
use std::sync::Arc;

use engine::testing::{TestHost, block_on};
use engine::{Component, Engine, Evaluation, In, Job, Out, Param, Running};
use model::{NewColumn, NewValues};
use numeric::Stream;
use pipeline::{Edit, Family, InPort, Node, NodeId, OutPort, Params, Pipeline, Point, Spec, Value};
use protocol::{FoldRows, Measured, NodeOutcome, Rerun, RunEvent, RunId, RunReport, RunTarget};
use schema::{Column, Kind};
use table::Table;

const TABLE: Out<Table> = Out::new("table");
const LEFT: In<Table> = In::new("left");
const RIGHT: In<Table> = In::new("right").optional();
const EVALUATION: Out<Arc<Evaluation>> = Out::new("evaluation");
const NUMBER: Param<f64> = Param::float("number", 1.0).label("Number");
const BREAK: Param<bool> = Param::switch("break", false).label("Break");

/// Numbers from the node's seed.
struct Source;
impl Component for Source {
    fn spec(&self) -> Spec {
        Spec::new("data.source", 1, Family::Data, "Source").with_output(TABLE).with_param(NUMBER)
    }
    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let number = job.param(NUMBER)?;
            let mut stream = Stream::new(job.seed());
            job.output(TABLE, numbers((0..4).map(|_| number + stream.uniform()).collect()));
            Ok(())
        })
    }
}

/// `left + number · right`, and a figure of it, which it also tells on its way.
struct Mix;
impl Component for Mix {
    fn spec(&self) -> Spec {
        Spec::new("transform.mix", 1, Family::Prepare, "Mix")
            .with_input(LEFT)
            .with_input(RIGHT)
            .with_output(TABLE)
            .with_output(EVALUATION)
            .with_param(NUMBER)
            .with_param(BREAK)
    }
    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            if job.param(BREAK)? {
                return Err(protocol::Failure::new("it broke", "Mend it.").into());
            }
            let number = job.param(NUMBER)?;
            let mut mixed = values(&job.input(LEFT)?);
            if let Some(right) = job.optional_input(RIGHT) {
                mixed.iter_mut().zip(values(&right)).for_each(|(x, y)| *x += number * y);
            } else {
                mixed.iter_mut().for_each(|x| *x += number);
            }
            let total: f64 = mixed.iter().sum();
            job.log_fold("total", total, 0, FoldRows { n_train: 4, n_test: 2 });
            job.output(EVALUATION, Arc::new(Evaluation { panels: vec![], metrics: [("total".into(), total)].into() }));
            job.output(TABLE, numbers(mixed));
            Ok(())
        })
    }
}

thread_local!(static N_DRAWS: Cell<u32> = const { Cell::new(0) });

/// Another number each time it is asked.
struct Draw;
impl Component for Draw {
    fn spec(&self) -> Spec {
        Spec::new("data.draw", 1, Family::Data, "Draw").with_output(TABLE).not_deterministic()
    }
    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let n_draws = N_DRAWS.get() + 1;
            N_DRAWS.set(n_draws);
            job.output(TABLE, numbers(vec![f64::from(n_draws)]));
            Ok(())
        })
    }
}

fn numbers(values: Vec<f64>) -> Table {
    let n_rows = values.len();
    let column = NewColumn { column: Column::new("x", Kind::Number), values: NewValues::Number(values), valid: None };
    Table::from_new_columns(vec![column], n_rows).expect("one column")
}

fn values(table: &Table) -> Vec<f64> {
    let frame = table.frame();
    let model::Values::Number(values) = &frame.columns[0].values else { unreachable!("sources give numbers") };
    values.to_vec()
}

fn id(text: &str) -> NodeId {
    NodeId::new(text).expect("a node id")
}

fn add(pipeline: &mut Pipeline, name: &str, component: &str) {
    let node = Node {
        component: component.into(),
        version: 1,
        title: None,
        params: Params::new(),
        position: Point::default(),
    };
    pipeline.apply(Edit::AddNode(id(name), node)).expect("free");
}

fn connect(pipeline: &mut Pipeline, from: &str, to: &str, port: &str) -> bool {
    pipeline.apply(Edit::Connect(OutPort::new(&id(from), "table"), InPort::new(&id(to), port))).is_ok()
}

fn engine(capacity_bytes: u64) -> Engine {
    Engine::new(&[&Draw, &Mix, &Source], capacity_bytes)
}

fn run(engine: &Engine, pipeline: &Pipeline, rerun: &Rerun) -> (RunReport, Vec<RunEvent>) {
    let host = TestHost::default();
    let report = block_on(engine.run_again(&host, RunId(1), pipeline, &RunTarget::All, rerun));
    (report, host.events.into_inner())
}

/// One source and 29 mixes, each of two nodes before it.
fn thirty_nodes() -> Pipeline {
    let mut pipeline = Pipeline::new("thirty");
    add(&mut pipeline, "n0", "data.source");
    for i in 1..30 {
        let name = format!("n{i}");
        add(&mut pipeline, &name, "transform.mix");
        assert!(connect(&mut pipeline, &format!("n{}", i - 1), &name, "left"));
        assert!(connect(&mut pipeline, &format!("n{}", i / 2), &name, "right"));
    }
    pipeline
}

fn n_started(events: &[RunEvent]) -> usize {
    events.iter().filter(|event| matches!(event, RunEvent::Started { .. })).count()
}

#[test]
fn a_second_run_of_thirty_unchanged_nodes_executes_nothing() {
    let (engine, pipeline) = (engine(u64::MAX), thirty_nodes());
    let (first, events) = run(&engine, &pipeline, &Rerun::Changed);
    assert_eq!(n_started(&events), 30);
    let (second, events) = run(&engine, &pipeline, &Rerun::Changed);
    assert_eq!(n_started(&events), 0);
    assert!(second.nodes.values().all(|node| node.outcome == NodeOutcome::Reused));
    for (id, node) in &first.nodes {
        assert_eq!((&node.metrics, &node.artifacts), (&second.nodes[id].metrics, &second.nodes[id].artifacts));
    }
}

#[test]
fn what_was_measured_on_the_way_is_told_again_with_a_reused_result() {
    let (engine, pipeline) = (engine(u64::MAX), thirty_nodes());
    let measured = |events: &[RunEvent]| -> Vec<(NodeId, Measured)> {
        let of = |event: &RunEvent| match event {
            RunEvent::Metric { node, measured, .. } => Some((node.clone(), measured.clone())),
            _ => None,
        };
        events.iter().filter_map(of).collect()
    };
    let first = measured(&run(&engine, &pipeline, &Rerun::Changed).1);
    assert_eq!(first.len(), 29);
    assert_eq!(first[0].1.rows, Some(FoldRows { n_train: 4, n_test: 2 }));
    assert_eq!(measured(&run(&engine, &pipeline, &Rerun::Changed).1), first);
}

#[test]
fn a_forced_run_computes_everything_and_gives_the_same() {
    let (engine, pipeline) = (engine(u64::MAX), thirty_nodes());
    let (first, _) = run(&engine, &pipeline, &Rerun::Changed);
    let (forced, events) = run(&engine, &pipeline, &Rerun::All);
    assert_eq!(n_started(&events), 30);
    assert_eq!(forced.nodes[&id("n7")].why, "It was asked to run again, unchanged.");
    assert_eq!(forced.nodes[&id("n29")].artifacts, first.nodes[&id("n29")].artifacts);
    assert_eq!(n_started(&run(&engine, &pipeline, &Rerun::Changed).1), 0, "what was forced is reused afterwards");
}

#[test]
fn regenerating_a_node_computes_it_and_what_rests_on_it() {
    let (engine, pipeline) = (engine(u64::MAX), thirty_nodes());
    run(&engine, &pipeline, &Rerun::Changed);
    let (report, events) = run(&engine, &pipeline, &Rerun::Nodes(vec![id("n25")]));
    assert_eq!(n_started(&events), 5);
    assert_eq!(report.nodes[&id("n24")].outcome, NodeOutcome::Reused);
    assert_eq!(report.nodes[&id("n25")].outcome, NodeOutcome::Ran);
    assert_eq!(report.nodes[&id("n29")].outcome, NodeOutcome::Ran);
}

#[test]
fn what_is_not_deterministic_is_never_reused_nor_shared_nor_stale() {
    let engine = engine(u64::MAX);
    let mut pipeline = Pipeline::new("draws");
    add(&mut pipeline, "one", "data.draw");
    add(&mut pipeline, "other", "data.draw");
    add(&mut pipeline, "mix", "transform.mix");
    add(&mut pipeline, "source", "data.source");
    assert!(connect(&mut pipeline, "one", "mix", "left"));
    let draws = || {
        let of = |name: &str| values(&engine.table(&OutPort::new(&id(name), "table")).expect("it ran"))[0];
        (of("one"), of("other"), of("mix"))
    };
    run(&engine, &pipeline, &Rerun::Changed);
    let (one, other, mix) = draws();
    assert!(one != other && mix == one + 1.0, "{one} {other} {mix}");
    assert!(engine.check(&pipeline).stale.is_empty());

    let (report, _) = run(&engine, &pipeline, &Rerun::Changed);
    let (again, _, mix) = draws();
    assert!(again > one && mix == again + 1.0, "{one} {again} {mix}");
    let why = "Its results differ from one computation to the next, so they are not reused.";
    assert_eq!(report.nodes[&id("one")].why, why);
    assert_eq!(report.nodes[&id("mix")].why, "Draw, which feeds `left`, gave a new result.");
    assert_eq!(report.nodes[&id("source")].outcome, NodeOutcome::Reused);
}

/// 500 pipelines of up to 6 nodes, each changed 20 times at random and run after every change by an engine that keeps
/// results and by one that has none.
#[test]
fn after_ten_thousand_random_edits_a_reused_result_equals_a_computed_one() {
    let mut random = Stream::new(7);
    let mut n_edits = 0;
    let (mut n_reused, mut n_computed, mut n_failed) = (0, 0, 0);
    for pipeline_idx in 0..500 {
        // Every other engine has room for few results only, so that what is needed may be gone.
        let engine = engine(if pipeline_idx % 2 == 0 { u64::MAX } else { 2_000 });
        let mut pipeline = Pipeline::new("random");
        add(&mut pipeline, "n0", "data.source");
        add(&mut pipeline, "n1", "transform.mix");
        let mut n_changed = 0;
        while n_changed < 20 {
            n_changed += usize::from(edit(&mut pipeline, &mut random));
            let (reused, _) = run(&engine, &pipeline, &Rerun::Changed);
            let fresh = self::engine(u64::MAX);
            let (computed, _) = run(&fresh, &pipeline, &Rerun::Changed);
            for (node, expected) in &computed.nodes {
                let found = &reused.nodes[node];
                match (&expected.outcome, &found.outcome) {
                    (NodeOutcome::Ran, NodeOutcome::Ran | NodeOutcome::Reused) => {
                        n_computed += usize::from(found.outcome == NodeOutcome::Ran);
                        n_reused += usize::from(found.outcome == NodeOutcome::Reused);
                    }
                    // Two nodes with equal recipes share a result within one run, too.
                    (NodeOutcome::Reused, NodeOutcome::Ran | NodeOutcome::Reused) => {}
                    (expected, found) => {
                        n_failed += 1;
                        assert_eq!(expected, found, "{node}");
                    }
                }
                assert_eq!(expected.metrics, found.metrics, "{node}");
                assert_eq!(expected.artifacts, found.artifacts, "{node}");
                let output = OutPort::new(node, "table");
                if let (Ok(found), Ok(expected)) = (engine.table(&output), fresh.table(&output)) {
                    assert_eq!(values(&found), values(&expected), "{node}");
                }
            }
        }
        n_edits += n_changed;
    }
    assert_eq!(n_edits, 10_000);
    assert!(n_reused > 10_000 && n_computed > 3_000 && n_failed > 1_000, "{n_reused} {n_computed} {n_failed}");
}

/// Applies one edit; one that does not apply changes nothing.
fn edit(pipeline: &mut Pipeline, random: &mut Stream) -> bool {
    let names: Vec<NodeId> = pipeline.nodes().keys().cloned().collect();
    let mut any = |n: u64| random.below(n);
    let free = (0..6).map(|i| format!("n{i}")).find(|name| pipeline.node(&id(name)).is_none());
    let node = names[any(names.len() as u64) as usize].clone();
    let port = InPort::new(&node, ["left", "right"][any(2) as usize]);
    let change = match (any(10), free) {
        (0, Some(name)) => {
            let component = ["data.source", "transform.mix"][any(2) as usize];
            add(pipeline, &name, component);
            if component == "transform.mix" {
                connect(pipeline, names[any(names.len() as u64) as usize].as_str(), &name, "left");
            }
            return true;
        }
        (1, _) if names.len() > 1 => Edit::RemoveNode(node),
        // An edge to an input that there is not stays a rare mistake.
        (2..=4, _) if pipeline.node(&node).is_some_and(|node| node.component == "transform.mix") || any(20) == 0 => {
            let from = &names[any(names.len() as u64) as usize];
            Edit::Connect(OutPort::new(from, "table"), port)
        }
        (5, _) if any(4) == 0 => Edit::Disconnect(port),
        (6, _) => Edit::SetSeed(any(3)),
        (7, _) => Edit::SetParam(node, "break".into(), Some(Value::Bool(any(12) == 0))),
        _ => Edit::SetParam(node, "number".into(), Some(Value::Float(any(4) as f64))),
    };
    pipeline.apply(change).is_ok()
}
