//! A network is looked at while it learns, paused, sent on pass by pass, stopped, and goes on from there.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use engine::testing::{TestHost, block_on};
use engine::{Engine, Host, Local, Source};
use learn::neural::Standings;
use pipeline::{Edit, FileRef, InPort, Node, NodeId, OutPort, Params, Pipeline, Point, Value};
use protocol::{Failure, Motion, NodeOutcome, Panel, RunEvent, RunId, RunReport, RunTarget};
use schema::ColumnSelection;

/// Someone who looks at the training, and at each breath may ask for another motion.
struct Watcher {
    world: TestHost,
    motion: Cell<Motion>,
    /// At which breath, and what then.
    plan: RefCell<Vec<(u32, Motion)>>,
    standings: Rc<Standings>,
    stops_after: Cell<Option<u32>>,
    /// When, and what was shown.
    shown: RefCell<Vec<(f64, Vec<Panel>)>>,
    secs: Cell<f64>,
}

impl Watcher {
    fn new(plan: &[(u32, Motion)]) -> Self {
        Self {
            world: TestHost::default(),
            motion: Cell::default(),
            plan: RefCell::new(plan.to_vec()),
            standings: Rc::default(),
            stops_after: Cell::new(None),
            shown: RefCell::default(),
            secs: Cell::new(0.0),
        }
    }
}

impl Host for Watcher {
    fn now_secs(&self) -> f64 {
        self.secs.set(self.secs.get() + 0.004);
        self.secs.get()
    }

    fn open<'a>(&'a self, file: &'a FileRef) -> Local<'a, Result<Box<dyn Source>, Failure>> {
        self.world.open(file)
    }

    fn standings(&self) -> Option<Rc<Standings>> {
        Some(Rc::clone(&self.standings))
    }

    fn is_watched(&self, node: &NodeId) -> bool {
        *node == id("train")
    }

    fn show(&self, _node: &NodeId, panels: Vec<Panel>) {
        self.shown.borrow_mut().push((self.secs.get(), panels));
    }

    fn motion(&self) -> Motion {
        self.motion.get()
    }

    fn pause(&self) {
        self.motion.set(Motion::Paused);
    }

    fn breathe(&self) -> Local<'_, ()> {
        let breath = self.world.breathe();
        let n = self.world.n_breaths();
        if self.motion.get() == Motion::Paused {
            self.secs.set(self.secs.get() + 0.05);
        }
        if let Some((_, motion)) = self.plan.borrow().iter().find(|(at, _)| *at == n) {
            self.motion.set(*motion);
        }
        breath
    }

    fn is_cancelled(&self) -> bool {
        self.stops_after.get().is_some_and(|limit| self.world.n_breaths() >= limit)
    }

    fn emit(&self, event: RunEvent) {
        self.world.emit(event);
    }
}

const IRIS: [&str; 4] = ["sepal_length", "petal_length", "petal_width", "species"];

fn id(text: &str) -> NodeId {
    NodeId::new(text).expect("a node id")
}

/// A network of some passes that learns these columns of a sample dataset.
fn network(dataset: &str, columns: &[&str], passes: i64) -> Pipeline {
    let mut pipeline = Pipeline::new("network");
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    for (name, component, params) in [
        ("rows", "data.sample-datasets", vec![("dataset", Value::Text(dataset.into()))]),
        ("some", "transform.select-columns", vec![("columns", Value::Columns(ColumnSelection::Names(columns)))]),
        ("net", "learn.neural-network", vec![("iterations", Value::Int(passes)), ("patience", Value::Int(1_000))]),
        ("train", "train.train-model", vec![]),
    ] {
        let params: Params = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let node = Node { component: component.into(), version: 1, title: None, params, position: Point::default() };
        pipeline.apply(Edit::AddNode(id(name), node)).expect("free");
    }
    for (from, port, to) in [("rows", "table", "some"), ("net", "learner", "train"), ("some", "table", "train")] {
        pipeline.apply(Edit::Connect(OutPort::new(&id(from), port), InPort::new(&id(to), port))).expect("fits");
    }
    pipeline
}

/// The report, and the model's bytes.
fn ran(host: &dyn Host, pipeline: &Pipeline) -> (RunReport, Option<Vec<u8>>) {
    let engine = Engine::new(components::catalogue(), u64::MAX);
    let report = block_on(engine.run(host, RunId(1), pipeline, &RunTarget::All));
    let model = match engine.artifact(&OutPort::new(&id("train"), "model")) {
        Ok(engine::Artifact::Model(model)) => Some(model.to_bytes()),
        _ => None,
    };
    (report, model)
}

/// Passes that the loss was told of at each sight.
fn n_passes(shown: &[(f64, Vec<Panel>)]) -> Vec<usize> {
    let of = |panels: &[Panel]| {
        let Panel::Figure(figure) = &panels[0] else { panic!("the losses come first") };
        figure.series[0].marks.n_marks()
    };
    shown.iter().map(|(_, panels)| of(panels)).collect()
}

#[test]
fn sights_come_at_most_four_times_a_second_and_change_nothing() {
    let pipeline = network("iris", &IRIS, 60);
    let host = Watcher::new(&[]);
    let (report, model) = ran(&host, &pipeline);
    assert_eq!(report.nodes[&id("train")].outcome, NodeOutcome::Ran);
    assert_eq!(model, ran(&TestHost::default(), &pipeline).1);
    let shown = host.shown.borrow();
    assert!(shown.len() > 5, "{}", shown.len());
    assert!(shown.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 0.25));
    let kinds: Vec<&str> = shown[shown.len() - 1]
        .1
        .iter()
        .map(|panel| match panel {
            Panel::Figure(figure) => &figure.id,
            Panel::Pictures(pictures) => &pictures.id,
            Panel::Map { .. } => "map",
            _ => "another",
        })
        .collect();
    assert_eq!(kinds, ["loss", "accuracy", "activations", "weights"]);
}

#[test]
fn a_run_is_paused_and_sent_on_pass_by_pass() {
    let pipeline = network("iris", &IRIS, 20);
    let plan = [(12, Motion::Paused), (40, Motion::OnePass), (80, Motion::OnePass), (120, Motion::Free)];
    let host = Watcher::new(&plan);
    let (report, model) = ran(&host, &pipeline);
    assert_eq!(model, ran(&TestHost::default(), &pipeline).1);
    let shown = host.shown.borrow();
    let mut passes = n_passes(&shown);
    passes.dedup();
    // Once when it was paused, and after each of two passes; else there are some passes between.
    let steps = passes.windows(3).filter(|passes| passes[1] == passes[0] + 1 && passes[2] == passes[1] + 1);
    assert_eq!(steps.count(), 1, "{passes:?}");
    let events = host.world.events.borrow();
    let is_paused =
        |event: &&RunEvent| matches!(event, RunEvent::Progress { message, .. } if message.ends_with(", paused"));
    assert_eq!(events.iter().filter(is_paused).count(), 3);
    // The time that it was paused is none that it took.
    let whole = report.elapsed_secs;
    let took = report.nodes[&id("train")].elapsed_secs;
    assert!(took < 0.6 * whole, "{took} of {whole}");
}

#[test]
fn a_paused_run_can_be_stopped_and_the_next_one_goes_on() {
    let pipeline = network("iris", &IRIS, 20);
    let host = Watcher::new(&[(12, Motion::Paused)]);
    host.stops_after.set(Some(30));
    let (report, model) = ran(&host, &pipeline);
    assert!(report.cancelled && model.is_none());
    let why = &report.nodes[&id("train")].why;
    assert!(why.starts_with("The run was stopped. It stands after "), "{why}");
    host.stops_after.set(None);
    host.motion.set(Motion::Free);
    let (report, model) = ran(&host, &pipeline);
    let why = &report.nodes[&id("train")].why;
    assert!(why.ends_with("which a run before had done."), "{why}");
    assert_eq!(model, ran(&TestHost::default(), &pipeline).1);
}

#[test]
fn two_numbers_have_a_map_of_what_is_said_where() {
    let cases: [(_, &[&str], _, _); 2] =
        [("iris", &IRIS[1..], 3, 0.9), ("diabetes", &["body_mass_index", "blood_pressure", "progression"], 6, 0.25)];
    for (dataset, columns, n_series, least) in cases {
        let host = Watcher::new(&[]);
        let engine = Engine::new(components::catalogue(), u64::MAX);
        let pipeline = network(dataset, columns, 60);
        let report = block_on(engine.run(&host, RunId(1), &pipeline, &RunTarget::All));
        assert_eq!(report.nodes[&id("train")].outcome, NodeOutcome::Ran, "{report:?}");
        let panels = engine.view(&id("train")).expect("a view").panels;
        let map = panels.iter().find_map(|panel| match panel {
            Panel::Map { figure, map } => Some((figure, map)),
            _ => None,
        });
        let (figure, map) = map.expect("a map");
        assert_eq!(figure.series.len(), n_series);
        assert_eq!(
            (map.n_columns as usize * map.n_columns as usize, map.strengths.len()),
            (map.colors.len(), map.colors.len())
        );
        // Most rows stand on ground of their own colour.
        let (Some(x), Some(y)) = (figure.x.range, figure.y.range) else { panic!("an area") };
        let cell = |(at_x, at_y): (f64, f64)| {
            let n = f64::from(map.n_columns);
            let across = ((at_x - x.0) / (x.1 - x.0) * n) as usize;
            let down = ((y.1 - at_y) / (y.1 - y.0) * n) as usize;
            map.colors[down * map.n_columns as usize + across]
        };
        let (mut n, mut n_right) = (0, 0);
        for series in &figure.series {
            let charts::Marks::Points(dots) = &series.marks else { panic!("dots") };
            n += dots.len();
            n_right += dots.iter().filter(|dot| cell(**dot) == series.color_idx).count();
        }
        assert!(n > 100 && n_right as f64 > least * n as f64, "{dataset}: {n_right} of {n}");
    }
}
