//! Documents there and back: files, links, edits and what is said about them.

use std::collections::BTreeSet;

use pipeline::link::{self, LinkError, LinkSize, Mark};
use pipeline::{
    Catalogue, Choice, ComponentStep, Edit, Family, FileRef, Fragment, InPort, Node, NodeId, OutPort, ParamKind,
    ParamSpec, Parameter, ParameterKind, Pipeline, Point, PortSpec, PortType, ReadError, Spec, Value, bring_up_to_date,
    check, diff,
};
use proptest::prelude::*;
use schema::{Column, ColumnSelection, Kind, Schema};

fn id(text: &str) -> NodeId {
    NodeId::new(text).unwrap()
}

fn port(name: &str, port_type: PortType) -> PortSpec {
    PortSpec { name: name.into(), port_type, optional: false }
}

fn param(name: &str, default: Value, kind: ParamKind) -> ParamSpec {
    ParamSpec { name: name.into(), label: name.into(), help: String::new(), default, kind, when: Vec::new() }
}

fn catalogue() -> Catalogue {
    let depth = ParamKind::Int { min: 1, max: 64, optional: true, log: false };
    let rate = ParamKind::Float { min: 0.0, max: 1.0, optional: false, log: false };
    let how = ParamKind::Choice(vec![
        Choice { value: "bag".into(), label: "Bagging".into() },
        Choice { value: "all".into(), label: "All rows".into() },
    ]);
    let mut share = param("share", Value::Float(0.5), rate.clone());
    share.when.push(pipeline::Condition { param: "rows".into(), values: vec![Value::Text("bag".into())] });
    Catalogue::new([
        Spec::new("data.import-file", 1, Family::Data, "Import File")
            .with_param(param("file", Value::None, ParamKind::File { extensions: vec!["csv".into()] }))
            .with_output(port("table", PortType::Table)),
        Spec::new("learn.forest", 1, Family::Learn, "Forest")
            .with_param(param("max_depth", Value::None, depth))
            .with_param(param("rows", Value::Text("bag".into()), how))
            .with_param(share)
            .with_caption("depth {max_depth} · {rows} · share {share}")
            .with_output(port("learner", PortType::Learner)),
        Spec::new("train.train-model", 2, Family::Score, "Train Model")
            .with_param(param(
                "label",
                Value::None,
                ParamKind::Column { port: "table".into(), kinds: vec![], optional: false },
            ))
            .with_input(port("learner", PortType::Learner))
            .with_input(port("table", PortType::Table))
            .with_output(port("model", PortType::Model)),
    ])
}

fn node(component: &str, version: u32) -> Node {
    Node { component: component.into(), version, title: None, params: Default::default(), position: Point::default() }
}

/// A pipeline with one of everything that a file can hold.
fn rich() -> Pipeline {
    let mut pipeline = Pipeline::new("Churn \"2026\"");
    let mut import = node("data.import-file", 1);
    let schema = Schema::new(vec![Column::new("age", Kind::Number), Column::new("städte, é", Kind::Category)]);
    let file = FileRef {
        name: "a b.csv".into(),
        size: 12,
        hash: "00ff".into(),
        schema: Some(schema),
        inline: Some(vec![0, 1, 255]),
    };
    import.params.insert("file".into(), Value::File(file));
    import.position = Point { x: -16.0, y: 8.0 };
    let mut forest = node("learn.forest", 1);
    forest.title = Some("Meine Bäume 🌲".into());
    for (name, value) in [
        ("max_depth", Value::Int(i64::MAX)),
        ("share", Value::Float(0.1 + 0.2)),
        ("whole", Value::Float(3.0)),
        ("tiny", Value::Float(5e-324)),
        ("open", Value::None),
        ("on", Value::Bool(true)),
        ("text", Value::Text("line\nbreak \u{1F600} \\ \"".into())),
        ("all", Value::Columns(ColumnSelection::All)),
        ("names", Value::Columns(ColumnSelection::Names(vec!["a".into(), "b,c".into()]))),
        ("except", Value::Columns(ColumnSelection::Except(vec![]))),
        ("kinds", Value::Columns(ColumnSelection::Kinds(vec![Kind::Number, Kind::DateTime]))),
    ] {
        forest.params.insert(name.into(), value);
    }
    let edits = vec![
        Edit::AddNode(id("import"), import),
        Edit::AddNode(id("forest"), forest),
        Edit::AddNode(id("train"), node("train.train-model", 2)),
        Edit::AddNode(id("odd"), node("future.component", 9)),
        Edit::Connect(OutPort::new(&id("import"), "table"), InPort::new(&id("train"), "table")),
        Edit::Connect(OutPort::new(&id("forest"), "learner"), InPort::new(&id("train"), "learner")),
        Edit::SetSeed(u64::MAX),
    ];
    pipeline.apply(Edit::Batch(edits)).unwrap();
    pipeline
}

#[test]
fn files_and_links_bring_back_what_was_written() {
    let pipeline = rich();
    let text = pipeline.to_json();
    assert_eq!(Pipeline::from_json(&text).unwrap(), pipeline, "{text}");
    assert_eq!(Pipeline::from_json(&text).unwrap().to_json(), text, "the form is canonical");
    assert!(text.contains("\"position\": [-16, 8]") && text.contains("\"whole\": 3.0"), "{text}");
    assert_eq!(link::decode(&link::encode(&pipeline)).unwrap(), pipeline);
    assert_eq!(link::decode(&format!("https://example.org/x/#{}", link::encode(&pipeline))).unwrap(), pipeline);
}

#[test]
fn a_file_of_format_0_opens() {
    let old = r#"{"millrace": "pipeline", "name": "Old",
        "nodes": {"a": {"component": "data.import-file", "version": 1, "position": {"x": 8, "y": 16}},
                  "t": {"component": "train.train-model", "version": 2}},
        "edges": [{"from": "a.table", "to": "t.table"}]}"#;
    let pipeline = Pipeline::from_json(old).unwrap();
    assert_eq!(pipeline.node(&id("a")).unwrap().position, Point { x: 8.0, y: 16.0 });
    assert_eq!(pipeline.source(&InPort::new(&id("t"), "table")), Some(&OutPort::new(&id("a"), "table")));
}

#[test]
fn nodes_of_older_components_are_brought_up_to_date() {
    let mut pipeline = Pipeline::new("");
    let mut old = node("train.train-model", 1);
    old.params.insert("target".into(), Value::Text("y".into()));
    pipeline.apply(Edit::AddNode(id("t"), old)).unwrap();
    let steps = [ComponentStep {
        component: "train.train-model",
        from: 1,
        apply: |node| {
            if let Some(target) = node.params.remove("target") {
                node.params.insert("label".into(), target);
            }
        },
    }];
    let edit = bring_up_to_date(&pipeline, &catalogue(), &steps).unwrap();
    pipeline.apply(edit).unwrap();
    assert_eq!(pipeline.node(&id("t")).unwrap().version, 2);
    assert_eq!(pipeline.node(&id("t")).unwrap().params["label"], Value::Text("y".into()));
    assert_eq!(bring_up_to_date(&pipeline, &catalogue(), &steps), None);
}

#[test]
fn bad_files_say_where() {
    let complaint = |text: &str| Pipeline::from_json(text).unwrap_err().to_string();
    assert!(complaint("{").starts_with("line 1, column 1"), "{}", complaint("{"));
    assert!(complaint("[]").contains("no pipeline file"));
    assert!(complaint("{\"millrace\": \"pipeline\", \"format\": 7}").contains("newer version"));
    let text = "{\n  \"millrace\": \"pipeline\", \"format\": 1,\n  \"nodes\": {\n    \"a\": {\"component\": \"x@1\", \"position\": [1, \"b\"]}\n  }\n}";
    assert_eq!(
        complaint(text),
        "line 4, column 47, at nodes.a.position.1: expected a number from -10000000 to 10000000, found \"b\""
    );
    let cycle = r#"{"millrace":"pipeline","format":1,"nodes":{"a":{"component":"x@1"},"b":{"component":"x@1"}},"edges":{"a.i":"b.o","b.i":"a.o"}}"#;
    assert!(complaint(cycle).contains("cycle"), "{}", complaint(cycle));
    let typo = r#"{"millrace":"pipeline","format":1,"nodes":{"a":{"component":"x@1","parms":{}}}}"#;
    assert!(complaint(typo).contains("unknown field \"parms\""), "{}", complaint(typo));
    assert!(matches!(Pipeline::from_json(""), Err(ReadError::Syntax { .. })));
}

#[test]
fn bad_links_say_why() {
    let good = link::encode(&rich());
    assert_eq!(link::decode("https://example.org/"), Err(LinkError::NoPipeline));
    assert_eq!(link::decode(&good.replacen("1d", "3d", 1)), Err(LinkError::Newer { found: 3 }));
    assert_eq!(link::decode(&good.replacen("1d", "2d", 1)), Err(LinkError::Damaged("its record cannot be read")));
    assert_eq!(link::decode(&good.replacen("1d", "1z", 1)), Err(LinkError::Packing('z')));
    assert_eq!(link::decode(&format!("p=1d.{}", "A".repeat(70_000))), Err(LinkError::TooLong(70_003)));
    for n_chars in 0..good.len() {
        assert!(link::decode(&good[..n_chars]).is_err(), "cut at {n_chars}");
    }
    use base64::Engine;
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![0; 5 << 20], 9);
    let bomb = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bomb);
    assert_eq!(link::decode(&format!("p=1d.{bomb}")), Err(LinkError::Bomb));
}

#[test]
fn what_version_1_of_the_link_means_does_not_change() {
    let mut pipeline = Pipeline::new("a");
    pipeline.apply(Edit::AddNode(id("n"), node("x", 1))).unwrap();
    assert_eq!(link::decode(&link::encode(&pipeline)).unwrap(), pipeline);
    assert_eq!(link::encode(&pipeline), "p=1d.Y0xkYGRkrADiPAYgYGRgeFbF_AIA");
    assert_eq!(LinkSize::of(&"x".repeat(2_000)).mark, Mark::Green);
    assert_eq!(LinkSize::of(&"x".repeat(2_001)).mark, Mark::Amber);
    assert_eq!(LinkSize::of(&"x".repeat(8_001)).mark, Mark::Red);
}

#[test]
fn layout_is_left_out_when_a_link_is_too_long() {
    let mut pipeline = Pipeline::new("");
    for n in 0..1_500_u32 {
        let mut placed = node("x", 1);
        placed.position = Point { x: f64::from(n * 7_919 % 10_007), y: f64::from(n * 104_729 % 99_991) };
        pipeline.apply(Edit::AddNode(id(&format!("n{n}")), placed)).unwrap();
    }
    let packed = link::pack(&pipeline);
    assert!(!packed.has_layout);
    assert!(link::decode(&packed.fragment).unwrap().is_unplaced());
}

#[test]
fn problems_are_told_all_at_once() {
    let problems = |pipeline: &Pipeline| {
        check(pipeline, &catalogue()).iter().map(|problem| problem.rendered("churn.json")).collect::<String>()
    };
    let mut pipeline = Pipeline::new("");
    let mut forest = node("learn.forest", 1);
    forest.params.insert("max_depth".into(), Value::Int(0));
    forest.params.insert("share".into(), Value::Int(7));
    forest.params.insert("rows".into(), Value::Text("none".into()));
    forest.params.insert("max_dept".into(), Value::Int(1));
    let edits = vec![
        Edit::AddNode(id("forest"), forest),
        Edit::AddNode(id("import"), node("data.import-file", 1)),
        Edit::AddNode(id("train"), node("train.train-model", 2)),
        Edit::AddNode(id("what"), node("learn.forrest", 1)),
        Edit::Connect(OutPort::new(&id("forest"), "learner"), InPort::new(&id("train"), "table")),
    ];
    pipeline.apply(Edit::Batch(edits)).unwrap();
    let text = problems(&pipeline);
    let codes: Vec<_> = text
        .lines()
        .filter_map(|line| line.split_once('[')?.1.split_once(']'))
        .map(|found| found.0)
        .filter(|code| code.starts_with('P'))
        .collect();
    assert_eq!(codes, ["P003", "P005", "P006", "P011", "P010", "P008", "P007", "P001"], "{text}");
    assert!(!text.contains("share"), "a parameter that does not count is not complained about: {text}");
    assert!(
        text.contains(
            "error[P007]: `forest.learner` gives an untrained learner, but `train.table` takes a table\n  \
             --> churn.json: node `train`, `table`\n  help: "
        ),
        "{text}"
    );
    assert!(text.contains("did you mean `max_depth`?") && text.contains("did you mean `learn.forest`?"), "{text}");
}

#[test]
fn captions_say_what_counts() {
    let catalogue = catalogue();
    let spec = catalogue.get("learn.forest").unwrap();
    let mut forest = node("learn.forest", 1);
    assert_eq!(pipeline::caption(spec, &forest), "depth no limit · Bagging · share 0.5");
    forest.params.insert("max_depth".into(), Value::Int(8));
    forest.params.insert("rows".into(), Value::Text("all".into()));
    assert_eq!(pipeline::caption(spec, &forest), "depth 8 · All rows");
    assert_eq!(pipeline::grouped(-1_234_567), "-1,234,567");
}

#[test]
fn a_param_counts_while_all_its_conditions_hold_and_those_of_the_params_they_name() {
    let of = |param: &str, value: Value| pipeline::Condition { param: param.into(), values: vec![value] };
    let switch = |name: &str| param(name, Value::Bool(false), ParamKind::Switch);
    let (mut second, mut third) = (switch("second"), switch("third"));
    second.when.push(of("first", Value::Bool(true)));
    third.when.extend([of("second", Value::Bool(true)), of("other", Value::Bool(true))]);
    let spec = Spec::new("learn.x", 1, Family::Learn, "X");
    let spec =
        spec.with_param(switch("first")).with_param(second).with_param(third.clone()).with_param(switch("other"));
    for on in 0..8_u8 {
        let mut x = node("learn.x", 1);
        for (at, name) in ["first", "second", "other"].into_iter().enumerate() {
            x.params.insert(name.into(), Value::Bool(on >> at & 1 == 1));
        }
        assert_eq!(pipeline::counts(&spec, &x, &third), on == 7, "{on:03b}");
    }
}

#[test]
fn a_param_of_an_input_is_fed_while_the_input_is_connected_and_counts_in_any_case() {
    let mut weight = param("weight", Value::Int(1), ParamKind::Int { min: 0, max: 9, optional: false, log: false });
    weight.when.push(pipeline::Condition { param: "table".into(), values: vec![] });
    let spec = Spec::new("train.x", 1, Family::Score, "X")
        .with_input(port("table", PortType::Table))
        .with_param(weight.clone());
    let mut pipeline = Pipeline::new("Fed");
    for (name, component) in [("import", "data.import-file"), ("x", "train.x")] {
        pipeline.apply(Edit::AddNode(id(name), node(component, 1))).unwrap();
    }
    assert!(!pipeline::is_fed(&pipeline, &id("x"), &weight));
    let input = InPort { node: id("x"), port: "table".into() };
    pipeline.apply(Edit::Connect(OutPort::new(&id("import"), "table"), input)).unwrap();
    assert!(pipeline::is_fed(&pipeline, &id("x"), &weight));
    assert!(pipeline::counts(&spec, &node("train.x", 1), &weight));
}

#[test]
fn differences_are_told_in_words() {
    let before = rich();
    let mut after = before.clone();
    after
        .apply(Edit::Batch(vec![
            Edit::SetParam(id("forest"), "max_depth".into(), Some(Value::Int(9))),
            Edit::RemoveNode(id("odd")),
            Edit::AddNode(id("new"), node("learn.forest", 1)),
        ]))
        .unwrap();
    let difference = diff(&before, &after, &catalogue());
    assert_eq!(difference.in_words(), "1 node added, 1 node removed, 1 node changed");
    assert_eq!(difference.changed[0].2, ["max_depth 9 instead of 9,223,372,036,854,775,807"]);
    assert!(diff(&before, &before, &catalogue()).is_empty());
}

fn parameter(kind: ParameterKind, default: Value) -> Parameter {
    Parameter { label: "Depth of trees".into(), kind, default }
}

fn declare(name: &str, kind: ParameterKind, default: Value) -> Edit {
    Edit::SetParameter(name.into(), Some(parameter(kind, default)))
}

fn bind(node: &str, param: &str, to: Option<&str>) -> Edit {
    Edit::Bind(id(node), param.into(), to.map(str::to_owned))
}

/// `rich` with a parameter that two nodes share, one for its file, and one that is bound to nothing.
fn shared() -> Pipeline {
    let mut pipeline = rich();
    let file = pipeline.node(&id("import")).unwrap().params["file"].clone();
    let edits = vec![
        Edit::AddNode(id("other"), node("learn.forest", 1)),
        declare("depth", ParameterKind::Integer, Value::Int(8)),
        bind("forest", "max_depth", Some("depth")),
        bind("other", "max_depth", Some("depth")),
        declare("data", ParameterKind::File, file),
        bind("import", "file", Some("data")),
        declare("rate", ParameterKind::Number, Value::Float(0.5)),
    ];
    pipeline.apply(Edit::Batch(edits)).unwrap();
    pipeline
}

#[test]
fn a_parameter_of_the_pipeline_sets_all_that_is_bound_to_it() {
    let mut pipeline = shared();
    let depths = |pipeline: &Pipeline| {
        ["forest", "other"].map(|name| pipeline.node(&id(name)).unwrap().params.get("max_depth").cloned())
    };
    assert_eq!(depths(&pipeline), [Some(Value::Int(8)), Some(Value::Int(8))]);
    let set = |node: &str, value| Edit::SetParam(id(node), "max_depth".into(), value);
    // Through the parameter, and through any node that is bound to it.
    for edit in [declare("depth", ParameterKind::Integer, Value::Int(3)), set("other", Some(Value::Int(3)))] {
        let back = pipeline.apply(edit).unwrap();
        assert_eq!(depths(&pipeline), [Some(Value::Int(3)), Some(Value::Int(3))]);
        assert_eq!(pipeline.parameters()["depth"].default, Value::Int(3));
        pipeline.apply(back).unwrap();
        assert_eq!(pipeline, shared());
    }
    // A node that goes back to its default is bound no more, and the other stays.
    pipeline.apply(set("other", None)).unwrap();
    assert_eq!(depths(&pipeline), [Some(Value::Int(8)), None]);
    assert_eq!((pipeline.binding(&id("other"), "max_depth"), pipeline.bound_to("depth").count()), (None, 1));

    let mut pipeline = shared();
    pipeline.apply(pipeline.rename_parameter("depth", "max_depth")).unwrap();
    assert_eq!(pipeline.bound_to("max_depth").count(), 2);
    assert!(!pipeline.parameters().contains_key("depth"));
    assert_eq!(
        (pipeline.free_parameter("max_depth"), pipeline.free_parameter("9 é")),
        ("max_depth_2".into(), "p9".into())
    );
    let spec = pipeline.parameter_spec("max_depth", &catalogue()).unwrap();
    assert_eq!(spec.kind, ParamKind::Int { min: 1, max: 64, optional: true, log: false }, "the range of what is bound");
    assert!(pipeline.apply(Edit::SetParameter("Max depth".into(), None)).is_err());
    assert!(pipeline.apply(bind("forest", "rows", Some("nothing"))).is_err());
}

#[test]
fn parameters_travel_in_files_and_links_and_change_nothing_where_there_are_none() {
    let pipeline = shared();
    let text = pipeline.to_json();
    assert_eq!(Pipeline::from_json(&text).unwrap(), pipeline, "{text}");
    assert_eq!(Pipeline::from_json(&text).unwrap().to_json(), text, "the form is canonical");
    assert!(text.contains("\"format\": 2") && !text.contains("\"max_depth\":"), "a value stands once: {text}");
    assert!(text.contains("\"bound\": [\"forest.max_depth\", \"other.max_depth\"]"), "{text}");
    let packed = link::encode(&pipeline);
    assert!(packed.starts_with("p=2d."));
    assert_eq!(link::decode(&packed).unwrap(), pipeline);
    for n_chars in 0..packed.len() {
        assert!(link::decode(&packed[..n_chars]).is_err(), "cut at {n_chars}");
    }
    assert!(rich().to_json().contains("\"format\": 1") && !rich().to_json().contains("parameters"));
    assert!(link::encode(&rich()).starts_with("p=1d."));
    // What is copied is free of what only its pipeline knows.
    let copied = Fragment::of(&pipeline, &BTreeSet::from([id("forest")])).to_text();
    assert!(copied.contains("\"format\": 1") && copied.contains("\"max_depth\": 8"), "{copied}");
}

#[test]
fn bad_parameters_say_where() {
    let read = |parameters: &str| {
        let file = r#"{"millrace": "pipeline", "format": 2, "nodes": {"f": {"component": "learn.forest@1",
            "params": {"rows": "all"}}}, "parameters": "#;
        Pipeline::from_json(&format!("{file}{parameters}}}")).unwrap_err().to_string()
    };
    for (parameters, message) in [
        ("[]", "at parameters: expected parameters by name, found a list"),
        (
            r#"{"N": {}}"#,
            "at parameters.N: \"N\" is no name for a pipeline parameter: use a-z, 0-9 and _, a letter first",
        ),
        (r#"{"d": {"kind": "integer"}}"#, "at parameters.d: \"default\" is missing"),
        (r#"{"d": {"kind": "int", "default": 1}}"#, "at parameters.d.kind: expected a kind (switch, integer, number"),
        (
            r#"{"d": {"kind": "integer", "default": 1, "bound": ["x.max_depth"]}}"#,
            "at parameters.d.bound.0: there is no node `x` to bind",
        ),
        (
            r#"{"d": {"kind": "text", "default": "bag", "bound": ["f.rows"]}}"#,
            "`f.rows` takes the value of `d`: leave it out of the node",
        ),
        (
            r#"{"d": {"kind": "integer", "default": 1, "bound": ["f.max_depth"]}, "e": {"kind": "integer", "default": 2, "bound": ["f.max_depth"]}}"#,
            "at parameters.e.bound.0: `f.max_depth` is bound to `d` already",
        ),
    ] {
        let told = read(parameters);
        assert!(told.contains(message), "{told}");
    }
}

#[test]
fn problems_of_parameters_are_told() {
    let problems = |pipeline: &Pipeline| {
        let problems = check(pipeline, &catalogue());
        problems.iter().map(|problem| problem.rendered("churn.json")).collect::<String>()
    };
    let mut pipeline = shared();
    assert!(problems(&pipeline).contains(
        "warning[P012]: the pipeline parameter `rate` is bound to nothing, so its value changes nothing
  --> churn.json
  help: bind a node's parameter to it, or take it away
"
    ));
    let edits = vec![
        declare("rate", ParameterKind::Number, Value::Text("fast".into())),
        declare("depth", ParameterKind::Integer, Value::Int(99)),
    ];
    pipeline.apply(Edit::Batch(edits)).unwrap();
    let told = problems(&pipeline);
    assert!(told.contains(
        "error[P013]: the pipeline parameter `rate` is of the kind number, but its default is the text \"fast\""
    ));
    assert!(told.contains("max_depth is 99, and must be from 1 to 64\n  --> churn.json: node `other`, `max_depth`"));
    assert!(told.contains("set it to a number from 1 to 64; the pipeline parameter `depth` sets it"), "{told}");
    assert_eq!(
        diff(&rich(), &pipeline, &catalogue()).other,
        ["parameter `data` added", "parameter `depth` added", "parameter `rate` added"]
    );
    assert_eq!(
        diff(&shared(), &pipeline, &catalogue()).other,
        ["parameter `depth` changed", "parameter `rate` changed"]
    );
}

#[test]
fn copied_nodes_keep_their_inner_edges() {
    let pipeline = rich();
    let chosen = BTreeSet::from([id("forest"), id("train")]);
    let fragment = Fragment::of(&pipeline, &chosen);
    assert_eq!((fragment.nodes.len(), fragment.edges.len(), fragment.incoming.len()), (2, 1, 1));
    assert!(Fragment::is_one(&fragment.to_text()));
    assert_eq!(Fragment::from_text(&fragment.to_text()).unwrap(), fragment);
    assert_eq!(Fragment::from_text(&pipeline.to_json()).unwrap().nodes.len(), 4);
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let any_id = || (0..6_u8).prop_map(|n| id(&format!("n{n}")));
    let any_port = || prop_oneof![Just("a".to_owned()), Just("b".to_owned())];
    let plain = prop_oneof![
        (any_id(), -100..100_i32).prop_map(|(id, x)| {
            Edit::AddNode(id, Node { position: Point { x: x.into(), y: 0.0 }, ..node("x", 1) })
        }),
        any_id().prop_map(Edit::RemoveNode),
        (any_id(), any_port(), any_id(), any_port()).prop_map(|(from, output, to, input)| {
            Edit::Connect(OutPort::new(&from, &output), InPort::new(&to, &input))
        }),
        (any_id(), any_port()).prop_map(|(to, input)| Edit::Disconnect(InPort::new(&to, &input))),
        (any_id(), any_port(), proptest::option::of(any::<i64>())).prop_map(|(id, name, value)| Edit::SetParam(
            id,
            name,
            value.map(Value::Int)
        )),
        (any_id(), proptest::option::of("[a-z]{0,5}")).prop_map(|(id, title)| Edit::SetTitle(id, title)),
        proptest::collection::vec((any_id(), -100..100_i32), 0..4).prop_map(|moves| {
            Edit::Move(moves.into_iter().map(|(id, x)| (id, Point { x: x.into(), y: 1.0 })).collect())
        }),
        any::<u64>().prop_map(Edit::SetSeed),
        (any_port(), proptest::option::of(any::<i64>())).prop_map(|(name, default)| {
            Edit::SetParameter(name, default.map(|n| parameter(ParameterKind::Integer, Value::Int(n))))
        }),
        (any_id(), any_port(), proptest::option::of(any_port())).prop_map(|(id, param, to)| Edit::Bind(id, param, to)),
        any_id().prop_map(|id| Edit::ReplaceNode(id, node("y", 2))),
    ];
    plain.prop_recursive(1, 6, 6, |edit| proptest::collection::vec(edit, 0..6).prop_map(Edit::Batch))
}

proptest! {
    #[test]
    fn undo_after_edit_restores(edits in proptest::collection::vec(any_edit(), 1..40)) {
        let mut pipeline = Pipeline::new("");
        for edit in edits {
            let before = pipeline.clone();
            match pipeline.apply(edit) {
                Ok(back) => {
                    let after = pipeline.clone();
                    let again = pipeline.apply(back).unwrap();
                    prop_assert_eq!(&pipeline, &before);
                    pipeline.apply(again).unwrap();
                    prop_assert_eq!(&pipeline, &after);
                }
                Err(_) => prop_assert_eq!(&pipeline, &before, "an edit that does not apply changes nothing"),
            }
            prop_assert_eq!(pipeline.topological_order().len(), pipeline.nodes().len());
            for (name, parameter) in pipeline.parameters() {
                for (id, param) in pipeline.bound_to(name) {
                    prop_assert_eq!(pipeline.node(id).unwrap().params.get(param), Some(&parameter.default));
                }
            }
        }
        prop_assert_eq!(&Pipeline::from_json(&pipeline.to_json()).unwrap(), &pipeline);
        prop_assert_eq!(&link::decode(&link::encode(&pipeline)).unwrap(), &pipeline);
    }

    #[test]
    fn mutated_links_are_refused_or_complete(places in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6)) {
        let good = link::encode(&rich());
        let mut bytes = good.clone().into_bytes();
        for (place, letter) in places {
            let place = place.index(bytes.len());
            bytes[place] = letter & 0x7f;
        }
        let text = String::from_utf8(bytes).unwrap();
        match link::decode(&text) {
            Ok(pipeline) => prop_assert_eq!(pipeline, rich()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn any_bytes_are_an_error_value(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in ".{0,200}") {
        use base64::Engine;
        let packed = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(miniz_oxide::deflate::compress_to_vec(&bytes, 6));
        let _ = link::decode(&format!("p=1d.{packed}"));
        let _ = link::decode(&text);
        let _ = Pipeline::from_json(&text);
        let _ = Fragment::from_text(&text);
    }

    #[test]
    fn mutated_files_are_an_error_value(place in any::<proptest::sample::Index>(), letter in any::<char>()) {
        let text = rich().to_json();
        let place = text.char_indices().nth(place.index(text.chars().count())).unwrap().0;
        let after = &text[place..];
        let rest = &after[after.chars().next().unwrap().len_utf8()..];
        let _ = Pipeline::from_json(&format!("{}{letter}{rest}", &text[..place]));
    }
}

#[test]
fn the_nearest_name_is_few_keystrokes_away() {
    let names = ["train", "split", "score"];
    for (wanted, found) in [
        ("trian", Some("train")),
        ("splt", Some("split")),
        ("scores", Some("score")),
        ("sclit", Some("split")),
        ("evaluate", None),
        ("", None),
    ] {
        assert_eq!(pipeline::nearest(wanted, names.into_iter()), found, "{wanted}");
    }
}
