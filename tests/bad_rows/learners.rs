//! Every learner of the catalogue, with settings that are quickly fitted.

use engine::testing::{TestHost, run_component_in};
use engine::{Artifact, Component, JobError, Untrained};
use learn::dataset::Ability;
use pipeline::{Condition, Family, ParamKind, ParamSpec, PortType, Spec, Value};

/// What a learner is trained for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    Classes,
    Numbers,
    Anomalies,
    Clusters,
}

/// A learner, and what it is trained for.
pub struct Learner {
    /// Its title.
    pub name: String,
    pub task: Task,
    component: &'static dyn Component,
    pub spec: Spec,
    /// By the inputs of a learner that is made of others.
    within: &'static [(&'static str, &'static str)],
}

/// What is set, by the names of parameters.
pub type Settings = Vec<(String, Value)>;

/// A learner, what it is to predict, and the learners in it by input.
type Within = (&'static str, Task, &'static [(&'static str, &'static str)]);

/// By learner and what it is trained for, the learners that it is made of here.
const WITHIN: &[Within] = &[
    ("learn.calibrated-probabilities", Task::Classes, &[("learner", "learn.naive-bayes")]),
    ("learn.one-vs-all-multiclass", Task::Classes, &[("learner", "learn.logistic-regression")]),
    ("learn.one-vs-one-multiclass", Task::Classes, &[("learner", "learn.decision-tree")]),
    (
        "learn.stacking",
        Task::Classes,
        &[
            ("learner_1", "learn.decision-tree"),
            ("learner_2", "learn.naive-bayes"),
            ("final_learner", "learn.logistic-regression"),
        ],
    ),
    (
        "learn.stacking",
        Task::Numbers,
        &[
            ("learner_1", "learn.decision-tree"),
            ("learner_2", "learn.linear-regression"),
            ("final_learner", "learn.linear-regression"),
        ],
    ),
];

pub fn component(id: &str) -> &'static dyn Component {
    let found = components::catalogue().iter().copied().find(|component| component.spec().id == id);
    found.unwrap_or_else(|| panic!("there is no {id}"))
}

/// All learners, once for each task that they can do.
pub fn learners() -> Vec<Learner> {
    let mut learners = Vec::new();
    for &component in components::catalogue() {
        let spec = component.spec();
        if spec.family != Family::Learn {
            continue;
        }
        let mut add = |task, within| {
            learners.push(Learner { name: spec.title.clone(), task, component, spec: spec.clone(), within });
        };
        if !spec.inputs.is_empty() {
            let found: Vec<_> = WITHIN.iter().filter(|(id, ..)| *id == spec.id).collect();
            assert!(!found.is_empty(), "{} is made of other learners: say in WITHIN of which it is here", spec.id);
            found.into_iter().for_each(|(_, task, within)| add(*task, within));
        } else if spec.outputs[0].port_type == PortType::Clusterer {
            add(Task::Clusters, &[]);
        } else {
            tasks(component).into_iter().for_each(|task| add(task, &[]));
        }
    }
    learners
}

/// What a learner can be trained for.
fn tasks(component: &dyn Component) -> Vec<Task> {
    let outcome = run_component_in(&TestHost::default(), component, Vec::new(), Vec::new(), 1);
    let outcome = outcome.expect("defaults are sensible");
    let Artifact::Learner(untrained) = &outcome.outputs["learner"] else {
        panic!("{} gives no learner", component.spec().id)
    };
    let Untrained::Single(learner) = &**untrained else { panic!("one setting is the default") };
    match learner.ability().expect("it is made of no others") {
        _ if learner.finds_anomalies() => vec![Task::Anomalies],
        Ability::Classes => vec![Task::Classes],
        Ability::Numbers => vec![Task::Numbers],
        Ability::Both(_) => vec![Task::Classes, Task::Numbers],
    }
}

impl Learner {
    /// It with some settings, which is what a node of it gives.
    pub fn untrained(&self, host: &TestHost, settings: &Settings) -> Result<(&'static str, Artifact), JobError> {
        let inputs = self.within.iter().map(|(port, id)| {
            let part = component(id);
            let outcome = run_component_in(host, part, Vec::new(), set(&quick(&part.spec())), 1)?;
            Ok((*port, outcome.outputs["learner"].clone()))
        });
        let inputs = inputs.collect::<Result<Vec<_>, JobError>>()?;
        let mut all = quick(&self.spec);
        all.extend(settings.iter().cloned());
        let mut outcome = run_component_in(host, self.component, inputs, set(&all), 1)?;
        let port = if self.task == Task::Clusters { "clusterer" } else { "learner" };
        Ok((port, outcome.outputs.remove(port).expect("a learner gives one")))
    }

    /// Each parameter at its bounds and its options, one at a time.
    pub fn settings(&self) -> Vec<Settings> {
        self.each(extremes)
    }

    /// Each number beyond its bounds, one at a time.
    pub fn beyond(&self) -> Vec<Settings> {
        self.each(|param| match &param.kind {
            ParamKind::Int { min, max, .. } => vec![Value::Int(min - 1), Value::Int(max + 1), Value::Int(i64::MAX)],
            ParamKind::Float { min, max, .. } => {
                [min.next_down(), -1e300, max.next_up(), 1e300].into_iter().map(Value::Float).collect()
            }
            ParamKind::Switch
            | ParamKind::Choice(_)
            | ParamKind::Text { .. }
            | ParamKind::Seed
            | ParamKind::Column { .. }
            | ParamKind::Columns { .. }
            | ParamKind::File { .. }
            | ParamKind::Grid => Vec::new(),
        })
    }

    fn each(&self, values: impl Fn(&ParamSpec) -> Vec<Value>) -> Vec<Settings> {
        let of_param = |param: &ParamSpec| -> Vec<Settings> {
            let values = values(param).into_iter().filter(|value| *value != param.default);
            let with_others = |value| {
                let mut settings = conditions(param);
                settings.push((param.name.clone(), value));
                settings
            };
            values.map(with_others).collect()
        };
        let is_single = |param: &&ParamSpec| param.name != "trainer_mode" && !param.name.ends_with("_range");
        self.spec.params.iter().filter(is_single).flat_map(of_param).collect()
    }
}

/// What has to be set for a parameter to count.
fn conditions(param: &ParamSpec) -> Settings {
    let others = param.when.iter().filter(|condition| condition.param != "trainer_mode");
    others.map(|Condition { param, values }| (param.clone(), values[0].clone())).collect()
}

/// The values that are likeliest to be too much.
fn extremes(param: &ParamSpec) -> Vec<Value> {
    match &param.kind {
        ParamKind::Switch => vec![Value::Bool(true), Value::Bool(false)],
        ParamKind::Int { min, max, optional, .. } => {
            let open = optional.then_some(Value::None);
            [Value::Int(*min), Value::Int(*max)].into_iter().chain(open).collect()
        }
        ParamKind::Float { min, max, .. } => vec![Value::Float(*min), Value::Float(*max)],
        ParamKind::Choice(options) => options.iter().map(|option| Value::Text(option.value.clone())).collect(),
        ParamKind::Text { .. } => ["", "0", "x", "c", "4096, 4096, 4096"].map(|text| Value::Text(text.into())).to_vec(),
        other @ (ParamKind::Seed
        | ParamKind::Column { .. }
        | ParamKind::Columns { .. }
        | ParamKind::File { .. }
        | ParamKind::Grid) => panic!("{}: say what is too much of {other:?}", param.name),
    }
}

/// Settings with which small tables are fitted at once.
fn quick(spec: &Spec) -> Settings {
    let wanted = [
        ("n_trees", Value::Int(5)),
        ("n_init", Value::Int(2)),
        ("iterations", Value::Int(20)),
        ("n_folds", Value::Int(3)),
        ("min_rows_leaf", Value::Int(1)),
        ("eps", Value::Float(2.0)),
        ("min_samples", Value::Int(2)),
        ("hidden_nodes", Value::Text("6".into())),
    ];
    wanted
        .into_iter()
        .filter(|(name, _)| spec.param(name).is_some())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// As a node takes them; of two for a parameter the last counts.
pub fn set(settings: &Settings) -> Vec<(&str, Value)> {
    settings.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()
}
