//! Commands in, tasks and state out.

use editor::{
    Button, Chord, Command, Direction, Editor, Fit, Gesture, Hit, KEYMAP, Merge, Mods, NodeState, PortRef, Rect,
    RunState, Size, Snapshot, Task, Viewport, Zoom, binding, chord_label, command_for,
};
use pipeline::{
    Catalogue, Edit, Family, InPort, Node, NodeId, OutPort, ParamKind, ParamSpec, Pipeline, Point, PortSpec, PortType,
    Spec, Value,
};
use proptest::prelude::*;
use protocol::{Checked, NodeOutcome, NodeReport, Rerun, RunEvent, RunId, RunReport, RunTarget};

fn id(text: &str) -> NodeId {
    NodeId::new(text).unwrap()
}

fn port(name: &str, port_type: PortType) -> PortSpec {
    PortSpec { name: name.into(), port_type, optional: false }
}

fn catalogue() -> Catalogue {
    let n = ParamSpec {
        name: "n".into(),
        label: "Rows".into(),
        help: String::new(),
        default: Value::Int(1),
        kind: ParamKind::Int { min: 0, max: 1_000_000, optional: false, log: false },
        when: Vec::new(),
    };
    Catalogue::new([
        Spec::new("data.source", 1, Family::Data, "Source").with_param(n).with_output(port("table", PortType::Table)),
        Spec::new("prepare.clean", 1, Family::Prepare, "Clean")
            .with_input(port("table", PortType::Table))
            .with_output(port("table", PortType::Table)),
        Spec::new("learn.forest", 1, Family::Learn, "Forest").with_output(port("learner", PortType::Learner)),
        Spec::new("train.model", 1, Family::Score, "Train")
            .with_input(port("learner", PortType::Learner))
            .with_input(port("table", PortType::Table))
            .with_output(port("model", PortType::Model)),
    ])
}

fn empty() -> Editor {
    let mut editor = Editor::new(Pipeline::new("Test"));
    editor.set_catalogue(catalogue());
    editor.apply(Command::Resize(Size { width: 1_000.0, height: 700.0 }));
    editor
}

fn add(editor: &mut Editor, component: &str, at: Option<Point>) -> NodeId {
    editor.apply(Command::ClearSelection);
    editor.apply(Command::AddComponent { component: component.into(), at, connect: None, params: Default::default() });
    editor.assert_invariants();
    editor.selection().first().unwrap().clone()
}

/// A source at (0, 0) feeding a cleaner at (0, 200), seen at 100 % from (-200, -100).
fn two() -> Editor {
    let mut editor = empty();
    let source = add(&mut editor, "data.source", Some(Point { x: 100.0, y: 0.0 }));
    let clean = add(&mut editor, "prepare.clean", Some(Point { x: 100.0, y: 200.0 }));
    editor.apply(Command::Connect { from: OutPort::new(&source, "table"), to: InPort::new(&clean, "table") });
    editor.apply(Command::ClearSelection);
    editor.apply(Command::SetViewport(Viewport { origin: Point { x: -200.0, y: -100.0 }, zoom: 1.0 }));
    editor
}

/// Where a point of the pipeline is on the screen of `two`.
fn on_screen(editor: &Editor, x: f64, y: f64) -> Point {
    editor.viewport().screen_from_pipeline(Point { x, y })
}

fn drag(editor: &mut Editor, from: Point, to: Point, mods: Mods) -> Vec<Task> {
    editor.apply(Command::PointerDown { at: from, button: Button::Primary, mods, coarse: false });
    let middle = Point { x: (from.x + to.x) / 2.0, y: (from.y + to.y) / 2.0 };
    editor.apply(Command::PointerMove { at: middle, mods });
    editor.apply(Command::PointerMove { at: to, mods });
    editor.assert_invariants();
    let tasks = editor.apply(Command::PointerUp { at: to, mods });
    editor.assert_invariants();
    tasks
}

fn click(editor: &mut Editor, at: Point) -> Vec<Task> {
    editor.apply(Command::PointerDown { at, button: Button::Primary, mods: Mods::default(), coarse: false });
    editor.apply(Command::PointerUp { at, mods: Mods::default() })
}

fn refusal(tasks: &[Task]) -> Option<&str> {
    tasks.iter().find_map(|task| if let Task::Refuse(reason) = task { Some(reason.as_str()) } else { None })
}

#[test]
fn typing_in_one_field_is_one_step() {
    let mut editor = two();
    let steps = editor.n_undo_steps();
    let set = |n: i64| Command::SetParam { node: id("source"), name: "n".into(), value: Some(Value::Int(n)) };
    for n in 2..30 {
        editor.apply(set(n));
    }
    assert_eq!(editor.n_undo_steps(), steps + 1);
    editor.apply(Command::EndEdit);
    editor.apply(set(99));
    assert_eq!(editor.n_undo_steps(), steps + 2);
    editor.apply(Command::Undo);
    assert_eq!(editor.pipeline().node(&id("source")).unwrap().params["n"], Value::Int(29));
    editor.apply(Command::Undo);
    assert!(editor.pipeline().node(&id("source")).unwrap().params.is_empty());
    editor.apply(Command::Redo);
    assert_eq!(editor.pipeline().node(&id("source")).unwrap().params["n"], Value::Int(29));
}

#[test]
fn hundreds_of_steps_can_be_taken_back_with_their_selection() {
    let mut editor = empty();
    let before = editor.pipeline().clone();
    for _ in 0..600 {
        let command = Command::AddComponent {
            component: "data.source".into(),
            at: None,
            connect: None,
            params: Default::default(),
        };
        editor.apply(command);
    }
    assert_eq!(editor.pipeline().nodes().len(), 600);
    editor.apply(Command::Undo);
    assert_eq!(editor.selection().first(), Some(&id("source-599")), "undo brings the selection back");
    while editor.can_undo() {
        editor.apply(Command::Undo);
    }
    assert_eq!(*editor.pipeline(), before);
}

#[test]
fn new_components_join_the_selection_where_only_one_edge_is_possible() {
    let mut editor = empty();
    let add_next = |editor: &mut Editor, component: &str| {
        editor.apply(Command::AddComponent {
            component: component.into(),
            at: None,
            connect: None,
            params: Default::default(),
        });
    };
    add_next(&mut editor, "data.source");
    add_next(&mut editor, "prepare.clean");
    assert_eq!(
        editor.pipeline().source(&InPort::new(&id("clean"), "table")),
        Some(&OutPort::new(&id("source"), "table"))
    );
    add_next(&mut editor, "train.model");
    assert_eq!(
        editor.pipeline().source(&InPort::new(&id("model"), "table")),
        Some(&OutPort::new(&id("clean"), "table"))
    );
    add_next(&mut editor, "learn.forest");
    assert_eq!(
        editor.pipeline().source(&InPort::new(&id("model"), "learner")),
        Some(&OutPort::new(&id("forest"), "learner"))
    );
    let rects: Vec<Rect> = editor.scene().rects().map(|(_, rect)| rect).collect();
    for (place, rect) in rects.iter().enumerate() {
        assert!(rects[place + 1..].iter().all(|other| !rect.intersects(other)), "cards lie apart");
    }
    assert!(
        editor.pipeline().node(&id("clean")).unwrap().position.y
            > editor.pipeline().node(&id("source")).unwrap().position.y
    );
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason() {
    let mut editor = two();
    let forest = add(&mut editor, "learn.forest", Some(Point { x: 500.0, y: 0.0 }));
    let tasks = editor
        .apply(Command::Connect { from: OutPort::new(&forest, "learner"), to: InPort::new(&id("clean"), "table") });
    assert_eq!(refusal(&tasks), Some("Forest gives an untrained learner, but Clean takes a table"));
    let second = add(&mut editor, "prepare.clean", Some(Point { x: 100.0, y: 400.0 }));
    editor.apply(Command::Connect { from: OutPort::new(&id("clean"), "table"), to: InPort::new(&second, "table") });
    let tasks =
        editor.apply(Command::Connect { from: OutPort::new(&second, "table"), to: InPort::new(&id("clean"), "table") });
    assert_eq!(refusal(&tasks), Some("This would close a cycle: Clean → Clean → Clean"));
}

#[test]
fn dragging_a_card_is_one_step_and_snaps() {
    let mut editor = two();
    let steps = editor.n_undo_steps();
    let from = on_screen(&editor, 20.0, 20.0);
    drag(&mut editor, from, Point { x: from.x + 333.0, y: from.y + 45.0 }, Mods::default());
    let place = editor.pipeline().node(&id("source")).unwrap().position;
    assert_eq!((place.x % 8.0, place.y % 8.0), (0.0, 0.0));
    assert!((place.x - 333.0).abs() <= 6.0 && (place.y - 45.0).abs() <= 6.0, "{place:?}");
    assert_eq!(editor.n_undo_steps(), steps + 1);
    editor.apply(Command::Undo);
    assert_eq!(editor.pipeline().node(&id("source")).unwrap().position, Point { x: 0.0, y: 0.0 });
}

#[test]
fn three_pixels_are_a_click_and_escape_takes_a_drag_back() {
    let mut editor = two();
    let from = on_screen(&editor, 20.0, 20.0);
    let before = editor.pipeline().clone();
    drag(&mut editor, from, Point { x: from.x + 3.0, y: from.y }, Mods::default());
    assert_eq!(*editor.pipeline(), before);
    assert!(editor.selection().contains(&id("source")));
    editor.apply(Command::ClearSelection);
    editor.apply(Command::PointerDown { at: from, button: Button::Primary, mods: Mods::default(), coarse: false });
    editor.apply(Command::PointerMove { at: Point { x: 900.0, y: 500.0 }, mods: Mods::default() });
    assert!(matches!(editor.gesture(), Gesture::Move { .. }));
    editor.apply(Command::Escape);
    assert_eq!((editor.gesture(), editor.pipeline()), (&Gesture::Idle, &before));
    assert!(editor.selection().is_empty(), "as if it had never begun");
}

#[test]
fn cards_line_up_with_others() {
    let mut editor = two();
    let from = on_screen(&editor, 20.0, 220.0);
    editor.apply(Command::PointerDown { at: from, button: Button::Primary, mods: Mods::default(), coarse: false });
    editor.apply(Command::PointerMove { at: Point { x: from.x + 5.0, y: from.y + 100.0 }, mods: Mods::default() });
    let Gesture::Move { dx, guides, .. } = editor.gesture() else { panic!("{:?}", editor.gesture()) };
    assert_eq!((*dx, guides.len()), (0.0, 1));
    editor.apply(Command::PointerMove {
        at: Point { x: from.x + 5.0, y: from.y + 100.0 },
        mods: Mods { alt: true, ..Mods::default() },
    });
    let Gesture::Move { dx, guides, .. } = editor.gesture() else { panic!("{:?}", editor.gesture()) };
    assert_eq!((*dx, guides.len()), (5.0, 0), "Alt suspends it");
}

#[test]
fn a_box_selects_what_it_touches() {
    let mut editor = two();
    let (from, to) = (on_screen(&editor, -50.0, -50.0), on_screen(&editor, 100.0, 100.0));
    drag(&mut editor, from, to, Mods::default());
    assert_eq!(editor.selection().iter().collect::<Vec<_>>(), [&id("source")]);
    drag(&mut editor, from, to, Mods { alt: true, ..Mods::default() });
    assert!(editor.selection().is_empty(), "with Alt only what lies wholly in it");
}

#[test]
fn links_are_made_by_drag_by_clicks_and_by_keys() {
    let link = (InPort::new(&id("clean"), "table"), OutPort::new(&id("source"), "table"));
    let unlinked = || {
        let mut editor = two();
        editor.apply(Command::Disconnect(link.0.clone()));
        editor
    };
    let has_link = |editor: &Editor| editor.pipeline().source(&link.0) == Some(&link.1);

    let mut editor = unlinked();
    let (from, to) = (on_screen(&editor, 100.0, 58.0), on_screen(&editor, 105.0, 195.0));
    drag(&mut editor, from, to, Mods::default());
    assert!(has_link(&editor), "by drag");

    let mut editor = unlinked();
    click(&mut editor, from);
    assert!(matches!(editor.gesture(), Gesture::Connect { .. }));
    click(&mut editor, to);
    assert!(has_link(&editor) && *editor.gesture() == Gesture::Idle, "by clicks");

    let mut editor = unlinked();
    editor.apply(Command::Select(id("source")));
    for command in [Command::CyclePort, Command::Confirm, Command::Confirm] {
        editor.apply(command);
        editor.assert_invariants();
    }
    assert!(has_link(&editor), "by keys");

    let ground = on_screen(&editor, 500.0, 400.0);
    let tasks = drag(&mut editor, from, ground, Mods::default());
    assert!(tasks.iter().any(|task| matches!(task, Task::OpenSearch { connect: Some(PortRef::Out(_)), .. })));
    drag(&mut editor, to, ground, Mods::default());
    assert!(!has_link(&editor), "an end that is pulled off and dropped is gone");
}

#[test]
fn a_title_below_a_port_is_the_cards_however_small_it_is() {
    let mut editor = two();
    let input = PortRef::In(InPort::new(&id("clean"), "table"));
    let port = editor.port_point(&input).unwrap();
    for zoom in [1.0, 0.6, 0.45, 0.25] {
        editor.apply(Command::SetViewport(Viewport { origin: Point { x: -200.0, y: -100.0 }, zoom }));
        let below = |px: f64| {
            let port = editor.viewport().screen_from_pipeline(port);
            editor.hit(Point { x: port.x, y: port.y + px }, false)
        };
        assert_eq!(below(18.0 * zoom), Hit::Node(id("clean")), "title, at {zoom}");
        assert_eq!(below(0.0), Hit::Port(input.clone()), "port, at {zoom}");
        assert_eq!(below(-10.0), Hit::Port(input.clone()), "beside the card, at {zoom}");
    }
}

#[test]
fn the_point_under_the_cursor_stays_there() {
    let mut editor = two();
    let at = Point { x: 321.0, y: 456.0 };
    let held = editor.viewport().pipeline_from_screen(at);
    for n in 0..400 {
        let dy = if n % 3 == 0 { 130.0 } else { -90.0 };
        editor.apply(Command::Wheel { at, dx: 0.0, dy, mods: Mods { command: true, ..Mods::default() } });
        let now = editor.viewport().screen_from_pipeline(held);
        assert!((now.x - at.x).abs() < 0.5 && (now.y - at.y).abs() < 0.5, "{now:?}");
    }
    editor.apply(Command::Zoom(Zoom::Actual));
    assert_eq!(editor.viewport().zoom, 1.0);
    editor.apply(Command::Fit(Fit::All));
    let shown = editor.viewport().shown(editor.size());
    assert!(editor.scene().rects().all(|(_, rect)| shown.contains_rect(&rect)));
}

#[test]
fn copies_have_fresh_ids_and_keep_inner_edges() {
    let mut editor = two();
    editor.apply(Command::SelectAll);
    let tasks = editor.apply(Command::Copy);
    let Some(Task::WriteClipboard(text)) = tasks.first() else { panic!("{tasks:?}") };
    editor.apply(Command::Paste { text: text.clone(), at: Some(Point { x: 900.0, y: 900.0 }), keep_incoming: false });
    editor.assert_invariants();
    assert_eq!(
        editor.pipeline().source(&InPort::new(&id("clean-2"), "table")),
        Some(&OutPort::new(&id("source-2"), "table"))
    );
    editor.apply(Command::Duplicate);
    assert_eq!(editor.pipeline().nodes().len(), 6);
    editor.apply(Command::Undo);
    editor.apply(Command::Undo);
    assert_eq!(editor.pipeline().nodes().len(), 2);
    let tasks = editor.apply(Command::Paste { text: "a,b\n1,2\n".into(), at: None, keep_incoming: false });
    assert!(matches!(tasks.as_slice(), [Task::PasteTable { .. }]));
    assert!(
        refusal(&editor.apply(Command::Paste { text: "{\"millrace\": 1}".into(), at: None, keep_incoming: false }))
            .is_some()
    );
}

#[test]
fn deleting_can_reconnect() {
    let mut editor = two();
    let last = add(&mut editor, "prepare.clean", Some(Point { x: 100.0, y: 400.0 }));
    editor.apply(Command::Connect { from: OutPort::new(&id("clean"), "table"), to: InPort::new(&last, "table") });
    editor.apply(Command::Select(id("clean")));
    editor.apply(Command::DeleteAndReconnect);
    assert_eq!(editor.pipeline().source(&InPort::new(&last, "table")), Some(&OutPort::new(&id("source"), "table")));
    editor.apply(Command::Undo);
    assert!(editor.selection().contains(&id("clean")) && editor.pipeline().nodes().len() == 3);
}

#[test]
fn arrows_walk_to_the_nearest_node_and_along_edges() {
    let mut editor = two();
    let walk = |editor: &mut Editor, direction| {
        editor.apply(Command::Navigate { direction, extend: false });
        editor.focused().unwrap().to_string()
    };
    assert_eq!(walk(&mut editor, Direction::First), "source");
    assert_eq!(walk(&mut editor, Direction::Down), "clean");
    assert_eq!(walk(&mut editor, Direction::Down), "clean");
    assert_eq!(walk(&mut editor, Direction::Upstream), "source");
    assert_eq!(walk(&mut editor, Direction::Downstream), "clean");
    assert_eq!(editor.outline().iter().map(|item| item.title.as_str()).collect::<Vec<_>>(), ["Source", "Clean"]);
    assert_eq!(editor.outline()[1].links[0].text, "Input table: from Source, output table");
}

fn report(outcome: NodeOutcome) -> NodeReport {
    NodeReport {
        outcome,
        why: "It had not run before.".into(),
        elapsed_secs: 0.1,
        workers: Default::default(),
        face: None,
        outputs: [("table".to_owned(), "120 × 5".to_owned())].into(),
        artifacts: [("table".to_owned(), "00".to_owned())].into(),
        metrics: Default::default(),
    }
}

#[test]
fn runs_are_followed_and_changes_make_results_stale() {
    let mut editor = two();
    let tasks = editor.apply(Command::RunAll);
    let Some(Task::StartRun { run, target: RunTarget::All, .. }) = tasks.first() else { panic!("{tasks:?}") };
    let run = *run;
    assert!(refusal(&editor.apply(Command::RunAll)).is_some(), "one run at a time");
    let (source, clean) = (id("source"), id("clean"));
    editor.apply(Command::RunEvent(RunEvent::Planned { run, nodes: vec![source.clone(), clean.clone()] }));
    assert_eq!(editor.status(&clean).state, NodeState::Queued);
    editor.apply(Command::RunEvent(RunEvent::Started { run: RunId(77), node: source.clone(), worker: 0 }));
    assert_eq!(editor.status(&source).state, NodeState::Queued, "other runs say nothing here");
    editor.apply(Command::RunEvent(RunEvent::Progress {
        run,
        node: source.clone(),
        fraction: 0.5,
        message: String::new(),
    }));
    assert_eq!(*editor.run_state(), RunState::Running { run, fraction: 0.25, cancelling: false });
    editor.apply(Command::RunEvent(RunEvent::Finished { run, node: source.clone(), report: report(NodeOutcome::Ran) }));
    editor.apply(Command::RunEvent(RunEvent::Finished {
        run,
        node: clean.clone(),
        report: report(NodeOutcome::Reused),
    }));
    let nodes = [(source.clone(), report(NodeOutcome::Ran)), (clean.clone(), report(NodeOutcome::Reused))].into();
    let result = RunReport { run, nodes, cancelled: false, elapsed_secs: 0.2, schemas: Default::default() };
    let tasks = editor.apply(Command::RunDone { run, result: Ok(result) });
    assert!(tasks.contains(&Task::Announce("Run finished: 1 ran, 1 reused".into())) && tasks.contains(&Task::Check));
    assert_eq!(editor.edge_label(&InPort::new(&clean, "table")), Some("120 × 5"));

    editor.apply(Command::SetParam { node: source.clone(), name: "n".into(), value: Some(Value::Int(7)) });
    assert_eq!(editor.status(&clean).state, NodeState::Stale, "and all that rest on it");
    editor.apply(Command::Undo);
    let revision = editor.revision();
    editor.apply(Command::Checked { revision: revision - 1, checked: Checked::default() });
    assert_eq!(editor.status(&clean).state, NodeState::Stale, "an answer about an older revision");
    editor.apply(Command::Checked { revision, checked: Checked::default() });
    assert_eq!((&editor.status(&source).state, &editor.status(&clean).state), (&NodeState::Ran, &NodeState::Reused));
}

#[test]
fn a_run_from_here_forces_this_node_and_takes_in_all_that_rests_on_it() {
    let started = |command: Command, selected: &[&str]| {
        let mut editor = two();
        let nodes = selected.iter().map(|name| id(name)).collect();
        editor.apply(Command::SelectNodes(nodes, Merge::Replace));
        let tasks = editor.apply(command);
        let [Task::StartRun { target, rerun, .. }, ..] = tasks.as_slice() else { panic!("{tasks:?}") };
        (target.clone(), rerun.clone())
    };
    let (source, clean) = (id("source"), id("clean"));
    let both = RunTarget::To(vec![clean.clone(), source.clone()]);
    let from_source = (both, Rerun::Nodes(vec![source.clone()]));
    assert_eq!(started(Command::RunFrom(Some(source.clone())), &[]), from_source);
    assert_eq!(started(Command::RunFrom(None), &["source"]), from_source);
    let of = |node: &NodeId| (RunTarget::To(vec![node.clone()]), Rerun::Nodes(vec![node.clone()]));
    assert_eq!(started(Command::RunFrom(Some(clean.clone())), &["source"]), of(&clean), "nothing rests on it");
    assert_eq!(started(Command::Regenerate(Some(source.clone())), &[]), of(&source), "it alone");
    assert_eq!(started(Command::RunAllAgain, &[]), (RunTarget::All, Rerun::All));
    assert_eq!(started(Command::RunAll, &[]), (RunTarget::All, Rerun::Changed));
    assert!(refusal(&two().apply(Command::RunFrom(None))).is_some(), "nothing is selected");
}

/// `two`, with a parameter of the pipeline made of `n` of the source.
fn with_parameter() -> Editor {
    let mut editor = two();
    editor.apply(Command::SetParam { node: id("source"), name: "n".into(), value: Some(Value::Int(5)) });
    editor.apply(Command::MakeParameter(id("source"), "n".into()));
    editor
}

fn n_of(pipeline: &Pipeline) -> Option<&Value> {
    pipeline.node(&id("source")).unwrap().params.get("n")
}

#[test]
fn a_node_lends_its_parameter_to_the_pipeline() {
    let mut editor = with_parameter();
    assert_eq!(editor.undo_label(), Some("Make a parameter of Rows"));
    assert_eq!(editor.pipeline().parameters()["n"].default, Value::Int(5));
    assert_eq!(editor.pipeline().binding(&id("source"), "n"), Some("n"));
    // Its default is a value like any other to what is bound; so is what a reset brings.
    for (value, expected) in [(Some(Value::Int(1)), 1), (Some(Value::Int(9)), 9), (None, 1)] {
        editor.apply(Command::SetParam { node: id("source"), name: "n".into(), value });
        editor.apply(Command::EndEdit);
        assert_eq!(n_of(editor.pipeline()), Some(&Value::Int(expected)));
        assert_eq!(editor.pipeline().parameters()["n"].default, Value::Int(expected));
    }
    for _ in 0..4 {
        editor.apply(Command::Undo);
    }
    assert!(editor.pipeline().parameters().is_empty());
    assert_eq!(n_of(editor.pipeline()), Some(&Value::Int(5)));
}

#[test]
fn a_run_asks_for_what_it_rests_on_and_keeps_what_was_given() {
    let mut editor = with_parameter();
    let asked = |tasks: &[Task]| match tasks {
        [Task::AskValues { names, .. }] => names.clone(),
        tasks => panic!("{tasks:?}"),
    };
    assert_eq!(asked(&editor.apply(Command::RunAll)), ["n"]);
    assert_eq!(asked(&editor.apply(Command::RunTo(id("clean")))), ["n"], "it rests on the source");
    assert_eq!(*editor.run_state(), RunState::Idle, "nothing runs before there is an answer");

    let answer = |value| Command::RunWith {
        target: RunTarget::All,
        rerun: Rerun::Changed,
        values: vec![("n".to_owned(), Value::Int(value)), ("gone".to_owned(), Value::None)],
    };
    let tasks = editor.apply(answer(7));
    let Some(Task::StartRun { run, pipeline, .. }) = tasks.first() else { panic!("{tasks:?}") };
    assert_eq!((n_of(pipeline), &pipeline.parameters()["n"].default), (Some(&Value::Int(7)), &Value::Int(7)));
    assert_eq!(n_of(editor.pipeline()), Some(&Value::Int(5)), "the document keeps its default");
    let report = RunReport { run: *run, nodes: [].into(), cancelled: false, elapsed_secs: 0.0, schemas: [].into() };
    editor.apply(Command::RunDone { run: *run, result: Ok(report.clone()) });
    assert_eq!(editor.value_of("n"), Some(&Value::Int(7)), "the next run begins with it");

    editor.apply(Command::AskBeforeRuns(false));
    let tasks = editor.apply(Command::RunAll);
    let Some(Task::StartRun { run, pipeline, .. }) = tasks.first() else { panic!("{tasks:?}") };
    assert_eq!(n_of(pipeline), Some(&Value::Int(7)), "without being asked again");
    editor.apply(Command::RunDone { run: *run, result: Ok(RunReport { run: *run, ..report }) });

    editor.apply(Command::SetParam { node: id("source"), name: "n".into(), value: Some(Value::Int(6)) });
    assert_eq!(editor.value_of("n"), Some(&Value::Int(6)), "a new default begins anew");
    assert_eq!(n_of(&editor.as_given()), Some(&Value::Int(6)));
}

#[test]
fn a_parameter_that_a_run_does_not_rest_on_is_not_asked_for() {
    let mut editor = with_parameter();
    editor.apply(Command::Edit(Edit::AddNode(id("apart"), editor.pipeline().node(&id("clean")).unwrap().clone())));
    let tasks = editor.apply(Command::RunTo(id("apart")));
    assert!(matches!(tasks.first(), Some(Task::StartRun { .. })), "{tasks:?}");
}

#[test]
fn a_result_that_was_cleared_is_shown_no_more() {
    let mut editor = two();
    let (source, clean) = (id("source"), id("clean"));
    editor.apply(Command::RunAll);
    let RunState::Running { run, .. } = *editor.run_state() else { panic!() };
    let nodes = [(source.clone(), report(NodeOutcome::Ran)), (clean.clone(), report(NodeOutcome::Ran))].into();
    let result = RunReport { run, nodes, cancelled: false, elapsed_secs: 0.2, schemas: Default::default() };
    editor.apply(Command::RunDone { run, result: Ok(result) });
    editor.apply(Command::Cleared(Some(source.clone())));
    assert_eq!((&editor.status(&source).state, &editor.status(&clean).state), (&NodeState::Idle, &NodeState::Ran));
    assert!(editor.status(&source).report.is_none());
    editor.apply(Command::Cleared(None));
    assert_eq!(editor.status(&clean).state, NodeState::Idle);
}

#[test]
fn a_worker_that_dies_leaves_nothing_running() {
    let mut editor = two();
    editor.apply(Command::RunAll);
    let RunState::Running { run, .. } = *editor.run_state() else { panic!() };
    editor.apply(Command::RunEvent(RunEvent::Planned { run, nodes: vec![id("source")] }));
    let tasks =
        editor.apply(Command::RunDone { run, result: Err(protocol::Failure::new("the worker stopped", "run again")) });
    assert_eq!(refusal(&tasks), Some("the worker stopped. run again"));
    assert_eq!((editor.run_state(), &editor.status(&id("source")).state), (&RunState::Idle, &NodeState::Cancelled));
}

#[test]
fn no_chord_has_two_meanings() {
    for (place, row) in KEYMAP.iter().enumerate() {
        let other = KEYMAP[place + 1..].iter().find(|other| other.scope == row.scope && other.chord == row.chord);
        assert!(other.is_none(), "{row:?} and {other:?}");
    }
    let mods = Mods { command: true, shift: true, alt: false };
    let chord = Chord::from_event("Z", "KeyZ", mods).unwrap();
    let row = binding(chord, false, false).unwrap();
    assert_eq!((command_for(row.action), row.label), (Some(Command::Redo), "Redo"));
    assert_eq!((chord_label(chord, false).as_str(), chord_label(chord, true).as_str()), ("Ctrl+Shift+Z", "⇧⌘Z"));
    let question = Chord::from_event("?", "Slash", Mods { shift: true, ..Mods::default() }).unwrap();
    assert_eq!(binding(question, false, false).unwrap().label, "Show shortcuts");
    let fit = Chord::from_event("!", "Digit1", Mods { shift: true, ..Mods::default() }).unwrap();
    assert_eq!(command_for(binding(fit, true, false).unwrap().action), Some(Command::Fit(Fit::All)));
}

#[test]
fn three_hundred_nodes_are_tidied_quickly_apart_and_downwards() {
    let mut pipeline = Pipeline::new("");
    let mut edits = Vec::new();
    for n in 0..300_usize {
        let node = Node {
            component: "train.model".into(),
            version: 1,
            title: None,
            params: Default::default(),
            position: Point::default(),
        };
        edits.push(Edit::AddNode(id(&format!("n{n}")), node));
        for (k, port) in ["learner", "table"].iter().enumerate() {
            if let Some(from) = (n * 7 + k * 13).checked_rem(n.max(1)).filter(|_| n > 0) {
                let from = (n - 1).saturating_sub(from % 12);
                edits.push(Edit::Connect(
                    OutPort::new(&id(&format!("n{from}")), "model"),
                    InPort::new(&id(&format!("n{n}")), port),
                ));
            }
        }
    }
    pipeline.apply(Edit::Batch(edits)).unwrap();
    let start = std::time::Instant::now();
    let places = editor::laid_out(&pipeline, &catalogue());
    let elapsed_secs = start.elapsed().as_secs_f64();
    println!("300 nodes in {elapsed_secs} s");
    // Unoptimised and on a busy machine; the page's budget is a tenth of this.
    assert!(elapsed_secs < 1.0, "{elapsed_secs} s");
    let rects: Vec<Rect> = places.iter().map(|(_, place)| Rect::new(place.x, place.y, 200.0, 58.0)).collect();
    for (place, rect) in rects.iter().enumerate() {
        assert!(rects[place + 1..].iter().all(|other| !rect.intersects(other)));
    }
    let y = |id: &NodeId| places.iter().find(|(other, _)| other == id).unwrap().1.y;
    assert!(pipeline.edges().iter().all(|(to, from)| y(&from.node) < y(&to.node)), "everything flows down");
}

#[test]
fn damaged_snapshots_are_noticed() {
    let editor = two();
    let snapshot = Snapshot::of(editor.pipeline());
    assert_eq!(Snapshot::from_text(&snapshot.to_text()).unwrap().open().unwrap(), *editor.pipeline());
    let cut = snapshot.to_text()[..60].to_owned();
    assert!(Snapshot::from_text(&cut).unwrap().open().unwrap_err().to_string().contains("damaged"));
}

fn any_command() -> impl Strategy<Value = Command> {
    let node = || {
        (0..5_u8, prop_oneof![Just("source"), Just("clean"), Just("forest"), Just("model")])
            .prop_map(|(n, stem)| id(&if n < 2 { stem.to_owned() } else { format!("{stem}-{n}") }))
    };
    let at = || (-50..1_100_i32, -50..800_i32).prop_map(|(x, y)| Point { x: x.into(), y: y.into() });
    let mods =
        || (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(command, shift, alt)| Mods { command, shift, alt });
    let component = prop_oneof![
        Just("data.source"),
        Just("prepare.clean"),
        Just("learn.forest"),
        Just("train.model"),
        Just("no.such")
    ];
    let port = || prop_oneof![Just("table"), Just("learner"), Just("model")];
    let button = prop_oneof![4 => Just(Button::Primary), 1 => Just(Button::Middle), 1 => Just(Button::Secondary)];
    prop_oneof![
        6 => (component, proptest::option::of(at())).prop_map(|(component, at)| Command::AddComponent { component: component.into(), at, connect: None, params: Default::default() }),
        3 => (node(), port(), node(), port()).prop_map(|(from, output, to, input)| Command::Connect { from: OutPort::new(&from, output), to: InPort::new(&to, input) }),
        2 => (node(), 0..9_i64).prop_map(|(node, n)| Command::SetParam { node, name: "n".into(), value: Some(Value::Int(n)) }),
        2 => prop_oneof![Just(Command::Undo), Just(Command::Redo)],
        2 => prop_oneof![Just(Command::Delete), Just(Command::DeleteAndReconnect), Just(Command::Duplicate), Just(Command::Tidy), Just(Command::ConnectSelected), Just(Command::DisconnectSelected), Just(Command::SelectAll), Just(Command::ToggleFocused)],
        2 => prop_oneof![Just(Command::CyclePort), Just(Command::Confirm), Just(Command::Escape), Just(Command::NextTarget { back: true }), Just(Command::PointerCancel), Just(Command::EndEdit), Just(Command::RunAll), Just(Command::CancelRun)],
        2 => node().prop_map(Command::Select),
        1 => (proptest::collection::vec(node(), 0..4)).prop_map(|nodes| Command::SelectNodes(nodes, Merge::Toggle)),
        1 => (node(), "[a-z ]{0,6}").prop_map(|(node, title)| Command::Rename { node, title }),
        5 => (at(), button, mods(), any::<bool>()).prop_map(|(at, button, mods, coarse)| Command::PointerDown { at, button, mods, coarse }),
        8 => (at(), mods()).prop_map(|(at, mods)| Command::PointerMove { at, mods }),
        5 => (at(), mods()).prop_map(|(at, mods)| Command::PointerUp { at, mods }),
        1 => at().prop_map(|at| Command::DoubleClick { at }),
        2 => (at(), -300..300_i32, mods()).prop_map(|(at, dy, mods)| Command::Wheel { at, dx: 0.0, dy: dy.into(), mods }),
        1 => (node(), port()).prop_map(|(node, port)| Command::StartConnect(PortRef::Out(OutPort::new(&node, port)))),
        2 => prop_oneof![Just(Direction::Up), Just(Direction::Right), Just(Direction::Downstream), Just(Direction::Last)].prop_map(|direction| Command::Navigate { direction, extend: true }),
        1 => (node(), 1..300_i32).prop_map(|(node, height)| Command::SetCardHeight { node, height: height.into() }),
        1 => any::<bool>().prop_map(Command::HoldPan),
        1 => Just(Command::Fit(Fit::All)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_commands_keep_the_invariants_and_undo_to_the_start(commands in proptest::collection::vec(any_command(), 1..80)) {
        let mut editor = empty();
        let start = editor.pipeline().clone();
        for command in commands {
            let shown = format!("{command:?}");
            let tasks = editor.apply(command);
            editor.assert_invariants();
            let n_said = tasks.iter().filter(|task| matches!(task, Task::Announce(_))).count();
            prop_assert!(n_said <= 1, "{shown} says {n_said} things: {tasks:?}");
        }
        editor.apply(Command::PointerCancel);
        let end = editor.pipeline().clone();
        let mut n_steps = 0;
        while editor.can_undo() {
            editor.apply(Command::Undo);
            editor.assert_invariants();
            n_steps += 1;
        }
        prop_assert_eq!(editor.pipeline(), &start);
        for _ in 0..n_steps {
            editor.apply(Command::Redo);
        }
        prop_assert_eq!(editor.pipeline(), &end);
    }
}
