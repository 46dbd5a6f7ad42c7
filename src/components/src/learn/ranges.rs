//! Several values for a parameter: how they are written, checked, and given on to Tune Model Hyperparameters.

use std::sync::Arc;

use engine::{FlowError, Job, JobError, MakeLearner, NodeParams, Out, Param, Range, Untrained};
use pipeline::{Condition, NodeId, ParamKind, ParamSpec, Spec, Value, number_in_words};
use study::{Dimension, Distribution, Space};

use crate::failures;

/// What a learner gives: one learner, or settings to choose among.
pub const MODE: Param<String> =
    Param::choice("trainer_mode", &[("single", SINGLE_PARAMETER), (RANGE, "Parameter Range")], "single")
        .label("Create trainer mode")
        .help(
            "With a range, each setting takes several values, and Tune Model Hyperparameters finds the best of them.",
        );
/// The label of the mode without ranges.
pub const SINGLE_PARAMETER: &str = "Single Parameter";

const RANGE: &str = "range";
/// The values of `n_trees` are in the parameter `n_trees_range`.
const SUFFIX: &str = "_range";
/// More values than this of one parameter are a slip of the pen.
const MAX_VALUES: usize = 1_000;

/// Parameters that can take several values.
pub trait Ranged {
    /// A parameter that counts in Single Parameter mode, and beside it the text with its values for the other mode.
    fn with_ranged<T>(self, param: Param<T>, values: &str) -> Self;
}

impl Ranged for Spec {
    fn with_ranged<T>(self, param: Param<T>, values: &str) -> Self {
        let mode = |value: &str| Condition { param: MODE.name().into(), values: vec![Value::Text(value.into())] };
        let mut single = ParamSpec::from(param);
        let mut range = single.clone();
        single.when.insert(0, mode("single"));
        range.when.insert(0, mode(RANGE));
        range.name.push_str(SUFFIX);
        range.help = format!("Values to try, {}.", examples(&single.kind));
        range.default = Value::Text(values.into());
        range.kind = ParamKind::Text { multiline: false };
        self.with_param(single).with_param(range)
    }
}

/// Whether a node gives a range of its settings.
pub fn is_range(params: NodeParams<'_>) -> bool {
    params.spec().param(MODE.name()).is_some() && params.param(MODE).is_ok_and(|mode| mode == RANGE)
}

/// Gives the learner, or the range of its settings.
pub fn give(job: &mut Job<'_>, port: Out<Arc<Untrained>>, make: MakeLearner) -> Result<(), JobError> {
    let params = job.params();
    let untrained = if is_range(params) {
        let space = space(params).map_err(failures::from_flow)?;
        Untrained::Range(Box::new(Range::new(params, space, make)))
    } else {
        Untrained::Single(make(params)?)
    };
    job.output(port, Arc::new(untrained));
    Ok(())
}

/// What varies in Parameter Range mode; nothing in the other.
///
/// # Errors
/// Values that cannot be read, or that their parameter does not take.
pub fn space(params: NodeParams<'_>) -> Result<Space, FlowError> {
    let mut space = Space::default();
    for range in &params.spec().params {
        let single = range.name.strip_suffix(SUFFIX).and_then(|name| params.spec().param(name));
        let (Some(single), Value::Text(text)) = (single, params.node().value(range)) else { continue };
        if !pipeline::counts(params.spec(), params.node(), range) {
            continue;
        }
        let distribution = read(single, text).map_err(|Unreadable { message, help }| FlowError {
            place: range.name.clone(),
            message: format!("{}: {message}", single.label),
            help,
        })?;
        let node = NodeId::new("learner").expect("lower-case letters");
        let dimension = Dimension::new(node, &single.name, distribution);
        space.dimensions.push(Dimension { name: single.name.clone(), ..dimension });
    }
    Ok(space)
}

/// Why a text holds no values.
#[derive(Debug, PartialEq)]
struct Unreadable {
    message: String,
    help: String,
}

impl Unreadable {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// How values of this kind are written.
fn examples(kind: &ParamKind) -> String {
    match kind {
        ParamKind::Int { optional, .. } => {
            let open = if *optional { "; `no limit` is one, too" } else { "" };
            format!("such as `8, 32, 128` or `10 to 50 step 10`{open}")
        }
        ParamKind::Float { .. } => {
            "such as `0.1, 1, 10` or `0.01 to 100 times 10`; for a random sweep also `0.01 to 100`".into()
        }
        ParamKind::Choice(options) => {
            let all: Vec<String> = options.iter().map(|option| format!("`{}`", option.value)).collect();
            format!("among {}", all.join(", "))
        }
        ParamKind::Switch => "`on`, `off` or both".into(),
        ParamKind::Text { .. }
        | ParamKind::Seed
        | ParamKind::Column { .. }
        | ParamKind::Columns { .. }
        | ParamKind::File { .. }
        | ParamKind::Grid => "separated by commas".into(),
    }
}

/// `8, 32, 128`, `10 to 50 step 10`, `0.01 to 100 times 10`, or of real numbers `0.01 to 100`.
fn read(param: &ParamSpec, text: &str) -> Result<Distribution, Unreadable> {
    let parts: Vec<&str> = text.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty()).collect();
    let is_number = matches!(param.kind, ParamKind::Int { .. } | ParamKind::Float { .. });
    let mut values: Vec<Value> = Vec::new();
    for part in &parts {
        let found = match part.split_once(" to ").filter(|_| is_number) {
            None => vec![value(param, part)?],
            Some((low, rest)) => {
                let (high, step) = match (rest.split_once(" step "), rest.split_once(" times ")) {
                    (Some((high, by)), _) => (high, Some(Step::Plus(number(by)?))),
                    (None, Some((high, by))) => (high, Some(Step::Times(number(by)?))),
                    (None, None) => (rest, None),
                };
                let (low, high) = (bound(param, low)?, bound(param, high)?);
                if low > high {
                    return Err(Unreadable::new(format!("`{part}` runs backwards"), "Write the smaller number first."));
                }
                match (step, &param.kind) {
                    (None, ParamKind::Float { log, .. }) if parts.len() == 1 && low < high => {
                        return Ok(between(low, high, *log));
                    }
                    (None, ParamKind::Float { .. }) => {
                        let help = "Say the step, as in `0.1 to 1 step 0.1` or `0.01 to 100 times 10`.";
                        return Err(Unreadable::new(format!("`{part}` names no values"), help));
                    }
                    (step, _) => steps(param, part, low, high, step.unwrap_or(Step::Plus(1.0)))?,
                }
            }
        };
        for value in found {
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    if values.is_empty() {
        let help = format!("Give values, {}.", examples(&param.kind));
        return Err(Unreadable::new("there are no values to try", help));
    }
    if values.len() > MAX_VALUES {
        return Err(too_many());
    }
    Ok(Distribution::Choice { values })
}

/// Drawn evenly, or evenly in the number of digits where the parameter is of that kind.
fn between(low: f64, high: f64, is_log: bool) -> Distribution {
    if is_log && low > 0.0 {
        Distribution::LogUniform { min_value: numeric::ln(low), max_value: numeric::ln(high) }
    } else {
        Distribution::Uniform { min_value: low, max_value: high }
    }
}

/// From one value to the next.
#[derive(Clone, Copy)]
enum Step {
    Plus(f64),
    Times(f64),
}

fn steps(param: &ParamSpec, part: &str, low: f64, high: f64, step: Step) -> Result<Vec<Value>, Unreadable> {
    let leads_on = match step {
        Step::Plus(by) => by > 0.0,
        Step::Times(by) => by > 1.0 && low > 0.0,
    };
    if !leads_on {
        let help = "A step must be above 0; to multiply, begin above 0 with a factor above 1.";
        return Err(Unreadable::new(format!("`{part}` never arrives"), help));
    }
    let mut values = Vec::new();
    let mut x = low;
    while x <= high {
        if values.len() >= MAX_VALUES {
            return Err(too_many());
        }
        values.push(taken(param, x, part)?);
        x = match step {
            Step::Plus(by) => rounded(low + values.len() as f64 * by),
            Step::Times(by) => rounded(x * by),
        };
    }
    Ok(values)
}

/// To fifteen digits, so that three steps of 0.1 are 0.3.
fn rounded(x: f64) -> f64 {
    format!("{x:.14e}").parse().unwrap_or(x)
}

fn too_many() -> Unreadable {
    Unreadable::new(format!("there are more than {MAX_VALUES} values to try"), "Make the step larger.")
}

fn number(word: &str) -> Result<f64, Unreadable> {
    let word = word.trim();
    match word.parse::<f64>() {
        Ok(x) if x.is_finite() => Ok(x),
        Ok(_) | Err(_) => {
            Err(Unreadable::new(format!("{word:?} is no number"), "Write numbers with a point, as 0.5 or 1e-3."))
        }
    }
}

/// One end of a range: a number that the parameter takes.
fn bound(param: &ParamSpec, word: &str) -> Result<f64, Unreadable> {
    let x = number(word)?;
    taken(param, x, word.trim())?;
    Ok(x)
}

fn value(param: &ParamSpec, word: &str) -> Result<Value, Unreadable> {
    let is = |name: &str| word.eq_ignore_ascii_case(name);
    match &param.kind {
        ParamKind::Int { optional: true, .. } | ParamKind::Float { optional: true, .. }
            if is("no limit") || is("none") =>
        {
            Ok(Value::None)
        }
        ParamKind::Int { .. } | ParamKind::Float { .. } => taken(param, number(word)?, word),
        ParamKind::Choice(options) => {
            let option = options.iter().find(|option| is(&option.value) || is(&option.label));
            option.map(|option| Value::Text(option.value.clone())).ok_or_else(|| {
                let help = format!("Give values {}.", examples(&param.kind));
                Unreadable::new(format!("{word:?} is none of its choices"), help)
            })
        }
        ParamKind::Switch if is("on") || is("true") => Ok(Value::Bool(true)),
        ParamKind::Switch if is("off") || is("false") => Ok(Value::Bool(false)),
        ParamKind::Switch => Err(Unreadable::new(format!("{word:?} is neither on nor off"), "Write `on, off`.")),
        ParamKind::Text { .. }
        | ParamKind::Seed
        | ParamKind::Column { .. }
        | ParamKind::Columns { .. }
        | ParamKind::File { .. }
        | ParamKind::Grid => Ok(Value::Text(word.into())),
    }
}

/// A number as the parameter takes it.
fn taken(param: &ParamSpec, x: f64, word: &str) -> Result<Value, Unreadable> {
    let (low, high) = match param.kind {
        ParamKind::Int { min, max, .. } => (min as f64, max as f64),
        ParamKind::Float { min, max, .. } => (min, max),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    };
    let is_whole = matches!(param.kind, ParamKind::Int { .. });
    if is_whole && x.fract() != 0.0 {
        return Err(Unreadable::new(format!("{word:?} is no whole number"), "Write whole numbers."));
    }
    if !(low..=high).contains(&x) {
        let (low, high) = (number_in_words(low), number_in_words(high));
        let message = format!("{} is out of range", number_in_words(x));
        return Err(Unreadable::new(message, format!("Give numbers from {low} to {high}.")));
    }
    Ok(if is_whole { Value::Int(x as i64) } else { Value::Float(x) })
}

#[cfg(test)]
mod tests {
    use engine::testing::run_component;
    use engine::{Artifact, Component, Engine};
    use pipeline::{Edit, InPort, Node, OutPort, Point, Severity};
    use proptest::prelude::*;

    use super::*;
    use crate::data::sample_datasets::SampleDatasets;
    use crate::evaluate::cross_validate_model::CrossValidateModel;
    use crate::learn::decision_tree::DecisionTree;
    use crate::learn::linear_regression::LinearRegression;
    use crate::train::train_model::TrainModel;

    const TREES: Param<u32> = Param::int("n_trees", 100).range(1, 2_000);
    const DEPTH: Param<Option<u32>> = Param::optional_int("max_depth").range(1, 64);
    const WEIGHT: Param<f64> = Param::float("l2_weight", 1.0).range(0.0, 1e6).log();
    const SHARE: Param<f64> = Param::float("share", 0.5).range(0.0, 1.0);
    const VOTES: Param<String> =
        Param::choice("weighting", &[("uniform", "All the same"), ("distance", "Nearer ones more")], "uniform");

    fn values(param: impl Into<ParamSpec>, text: &str) -> String {
        match read(&param.into(), text) {
            Ok(Distribution::Choice { values }) => {
                let words = values.iter().map(|value| match value {
                    Value::None => "none".to_owned(),
                    Value::Int(n) => n.to_string(),
                    Value::Float(x) => format!("{x:?}"),
                    Value::Text(text) => text.clone(),
                    Value::Bool(truth) => truth.to_string(),
                    Value::Columns(_) | Value::File(_) => "?".to_owned(),
                });
                words.collect::<Vec<_>>().join(" ")
            }
            Ok(other) => format!("{other:?}"),
            Err(Unreadable { message, help }) => format!("{message} | {help}"),
        }
    }

    #[test]
    fn lists_and_ranges_name_values() {
        assert_eq!(values(TREES, "8, 32,128"), "8 32 128");
        assert_eq!(values(TREES, " 8; 8; 1e2 \n 16 "), "8 100 16");
        assert_eq!(values(TREES, "10 to 50 step 20, 40 to 43"), "10 30 50 40 41 42 43");
        assert_eq!(values(TREES, "1 to 100 times 4"), "1 4 16 64");
        assert_eq!(values(DEPTH, "4, No limit, none"), "4 none");
        assert_eq!(values(WEIGHT, "0.001 to 10 times 10"), "0.001 0.01 0.1 1.0 10.0");
        assert_eq!(values(SHARE, "0.1 to 0.7 step 0.1"), "0.1 0.2 0.3 0.4 0.5 0.6 0.7");
        assert_eq!(values(VOTES, "Distance, all the same"), "distance uniform");
        assert_eq!(values(Param::switch("on_top", true), "on, off, true"), "true false");
    }

    #[test]
    fn a_range_of_real_numbers_without_a_step_is_drawn_from() {
        let range = |param: Param<f64>, text| read(&param.into(), text).expect("a range");
        let (min_value, max_value) = (numeric::ln(0.01), numeric::ln(100.0));
        assert_eq!(range(WEIGHT, "0.01 to 100"), Distribution::LogUniform { min_value, max_value });
        assert_eq!(range(WEIGHT, "0 to 100"), Distribution::Uniform { min_value: 0.0, max_value: 100.0 });
        assert_eq!(range(SHARE, "0.25 to 1"), Distribution::Uniform { min_value: 0.25, max_value: 1.0 });
    }

    #[test]
    fn what_names_no_values_is_told_with_the_way_out() {
        let tree_examples = "such as `8, 32, 128` or `10 to 50 step 10`";
        assert_eq!(values(TREES, " ,; "), format!("there are no values to try | Give values, {tree_examples}."));
        assert_eq!(values(TREES, "8, many"), "\"many\" is no number | Write numbers with a point, as 0.5 or 1e-3.");
        assert_eq!(values(TREES, "8.5"), "\"8.5\" is no whole number | Write whole numbers.");
        assert_eq!(values(TREES, "0"), "0 is out of range | Give numbers from 1 to 2000.");
        assert_eq!(values(TREES, "5 to 9000 step 5"), "9000 is out of range | Give numbers from 1 to 2000.");
        assert_eq!(values(TREES, "none").split(" | ").next(), Some("\"none\" is no number"));
        assert_eq!(values(TREES, "50 to 10"), "`50 to 10` runs backwards | Write the smaller number first.");
        assert_eq!(values(TREES, "1 to 1500"), "there are more than 1000 values to try | Make the step larger.");
        let never = "A step must be above 0; to multiply, begin above 0 with a factor above 1.";
        assert_eq!(values(TREES, "1 to 5 step 0"), format!("`1 to 5 step 0` never arrives | {never}"));
        assert_eq!(values(TREES, "1 to 5 times 1"), format!("`1 to 5 times 1` never arrives | {never}"));
        assert_eq!(values(TREES, "1 to 5 step 1.5"), "\"1 to 5 step 1.5\" is no whole number | Write whole numbers.");
        assert_eq!(values(WEIGHT, "0 to 5 times 2"), format!("`0 to 5 times 2` never arrives | {never}"));
        assert_eq!(values(WEIGHT, "inf").split(" | ").next(), Some("\"inf\" is no number"));
        let step = "Say the step, as in `0.1 to 1 step 0.1` or `0.01 to 100 times 10`.";
        assert_eq!(values(WEIGHT, "5, 0.1 to 1"), format!("`0.1 to 1` names no values | {step}"));
        let votes = "\"nearest\" is none of its choices | Give values among `uniform`, `distance`.";
        assert_eq!(values(VOTES, "uniform, nearest"), votes);
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn given(component: &dyn Component, params: Vec<(&str, Value)>) -> Arc<Untrained> {
        match run_component(component, vec![], params, 1).expect("it works").outputs.remove("learner") {
            Some(Artifact::Learner(untrained)) => untrained,
            other => panic!("{other:?}"),
        }
    }

    fn varied(component: &dyn Component, params: Vec<(&str, Value)>) -> Vec<String> {
        match &*given(component, params) {
            Untrained::Single(_) => Vec::new(),
            Untrained::Range(range) => {
                range.space().dimensions.iter().map(|dimension| dimension.name.clone()).collect()
            }
        }
    }

    #[test]
    fn what_varies_is_what_counts_in_parameter_range_mode() {
        let range = || ("trainer_mode", text("range"));
        assert!(varied(&DecisionTree, vec![("max_depth_range", text("2, 3"))]).is_empty(), "single by default");
        let tree = varied(&DecisionTree, vec![range()]);
        assert_eq!(tree, ["max_depth", "min_rows_leaf", "min_rows_split", "criterion"]);
        let method = |method: &str| varied(&LinearRegression, vec![range(), ("solution_method", text(method))]);
        assert_eq!(method("ordinary-least-squares"), Vec::<String>::new());
        assert_eq!(method("lasso"), ["l1_weight"]);
        assert_eq!(method("elastic-net"), ["l2_weight", "l1_weight"]);
    }

    #[test]
    fn a_setting_of_a_range_is_the_learner_with_that_setting() {
        let params = || vec![("criterion", text("entropy")), ("class_weights", text("balanced"))];
        let mut ranged = params();
        let criteria = ("criterion_range", text("entropy, gini"));
        ranged.extend([("trainer_mode", text("range")), ("max_depth_range", text("3, no limit")), criteria]);
        let Untrained::Range(range) = &*given(&DecisionTree, ranged) else { panic!("a range") };
        for depth in [Value::Int(3), Value::None] {
            let mut single = params();
            single.push(("max_depth", depth.clone()));
            let Untrained::Single(learner) = &*given(&DecisionTree, single) else { panic!("a learner") };
            let settings = [("max_depth".to_owned(), depth), ("criterion".to_owned(), text("entropy"))].into();
            assert_eq!(range.learner(&settings).as_ref(), Ok(learner));
        }
    }

    #[test]
    fn nonsense_is_a_problem_at_its_field_before_a_run_and_only_while_it_counts() {
        let id = NodeId::new("tree").expect("an id");
        let problems = |mode: &str| {
            let engine = Engine::new(crate::catalogue(), 0);
            let params = [("trainer_mode".to_owned(), text(mode)), ("max_depth_range".to_owned(), text("0, 8"))].into();
            let component = "learn.decision-tree".to_owned();
            let node = Node { component, version: 1, title: None, params, position: Point::default() };
            let mut pipeline = pipeline::Pipeline::default();
            pipeline.apply(Edit::AddNode(id.clone(), node)).expect("there is none yet");
            engine.check(&pipeline).problems
        };
        assert!(problems("single").is_empty());
        let problems = problems("range");
        assert_eq!(problems.len(), 1);
        assert_eq!((problems[0].severity, problems[0].place.as_deref()), (Severity::Error, Some("max_depth_range")));
        assert_eq!(problems[0].message, "Maximum depth: 0 is out of range");
        assert_eq!(problems[0].help, "Give numbers from 1 to 64.");
    }

    /// What a check of a learner in Parameter Range mode before `trainer` says of the latter.
    fn told_before_a_run(trainer: &str, params: &[(&str, &str)], of_trainer: &[(&str, &str)]) -> Vec<(String, String)> {
        let placed = |component: &str, params: &[(&str, &str)]| Node {
            component: component.to_owned(),
            version: 1,
            title: None,
            params: params.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect(),
            position: Point::default(),
        };
        let id = |name: &str| NodeId::new(name).expect("an id");
        let mut pipeline = pipeline::Pipeline::default();
        let edges = [("learner", "learner", "learner"), ("data", "table", "table")].map(|(from, output, input)| {
            Edit::Connect(OutPort::new(&id(from), output), InPort::new(&id("trainer"), input))
        });
        let nodes = [
            Edit::AddNode(id("learner"), placed("learn.logistic-regression", params)),
            Edit::AddNode(id("data"), placed("data.sample-datasets", &[("dataset", "iris")])),
            Edit::AddNode(id("trainer"), placed(trainer, of_trainer)),
        ];
        nodes.into_iter().chain(edges).for_each(|edit| {
            pipeline.apply(edit).expect("it fits");
        });
        let problems = Engine::new(crate::catalogue(), 0).check(&pipeline).problems;
        problems.into_iter().map(|problem| (problem.place.unwrap_or_default(), problem.message)).collect()
    }

    #[test]
    fn a_range_where_one_setting_is_taken_and_a_grid_without_end_are_told_before_a_run() {
        let range = [("trainer_mode", "range"), ("l2_weight_range", "0.01 to 100")];
        for (trainer, title) in
            [("train.train-model", "Train Model"), ("evaluate.cross-validate-model", "Cross Validate Model")]
        {
            assert_eq!(told_before_a_run(trainer, &range[1..], &[]), []);
            let told = told_before_a_run(trainer, &range, &[]);
            let mode = "Logistic Regression is in Parameter Range mode";
            assert_eq!(told, [("learner".into(), format!("{mode}, and {title} takes one setting of each parameter"))]);
        }
        let tune = |range: &[(&str, &str)], mode| {
            told_before_a_run("train.tune-model-hyperparameters", range, &[("sweeping_mode", mode)])
        };
        assert_eq!(tune(&range, "random"), []);
        assert_eq!(tune(&range[1..], "grid"), []);
        let drawn = "L2 regularization weight of Logistic Regression is to be drawn from a range";
        assert_eq!(tune(&range, "grid"), [("sweeping_mode".into(), format!("{drawn}, and a grid tries every value"))]);
        let many =
            [("trainer_mode", "range"), ("l2_weight_range", "1 to 50 step 1"), ("l1_weight_range", "0 to 50 step 2")];
        let told = [("sweeping_mode".into(), "the grid has 1300 combinations, and 1000 are tried at most".into())];
        assert_eq!(tune(&many, "grid"), told);
    }

    #[test]
    fn who_takes_one_learner_says_where_a_range_of_them_goes() {
        let table = run_component(&SampleDatasets, vec![], vec![("dataset", text("iris"))], 1).expect("it works");
        for (trainer, title) in
            [(&TrainModel as &dyn Component, "Train Model"), (&CrossValidateModel, "Cross Validate Model")]
        {
            let learner = Artifact::Learner(given(&DecisionTree, vec![("trainer_mode", text("range"))]));
            let inputs = vec![("learner", learner), ("table", table.outputs["table"].clone())];
            let Err(JobError::Failed(failure)) = run_component(trainer, inputs, vec![], 1) else { panic!("a failure") };
            let message =
                format!("Decision Tree is in Parameter Range mode, and {title} takes one setting of each parameter");
            assert_eq!(failure.message, message);
            for way in ["Tune Model Hyperparameters", "Create trainer mode", "Single Parameter"] {
                assert!(failure.help.contains(way), "{failure:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_values_that_the_parameter_takes_or_an_error(text in "[-0-9a-z ,.;]{0,20}|[0-9]{1,4} to [0-9]{1,5} (step|times) [0-9.]{1,4}") {
            if let Ok(Distribution::Choice { values }) = read(&TREES.into(), &text) {
                prop_assert!((1..=MAX_VALUES).contains(&values.len()));
                prop_assert!(values.iter().all(|value| matches!(value, Value::Int(1..=2_000))), "{:?}", values);
            }
            let _ = read(&WEIGHT.into(), &text);
            let _ = read(&VOTES.into(), &text);
        }
    }
}
