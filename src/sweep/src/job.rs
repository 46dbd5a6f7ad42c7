//! Reads a sweep as the sweep schema writes it: `search_space`, `sampling_algorithm`, `objective`, `early_termination`
//! and `limits`, in JSON or, with the feature `yaml`, in YAML.
//!
//! The file is a sweep job, a pipeline job with one sweep among its `jobs`, or only these five parts. Beyond the schema
//! there are `patience` among the limits, a list of objectives, `hyperband` among the samplers, and in a search space
//! `when` (`{dimension: …, values: […]}`), `same_as`, `node` and `param`.

use pipeline::{NodeId, Value};
use serde_json::{Map, Value as Json};
use study::{Dimension, Distribution, EarlyTermination, Goal, Limits, Objective, Rule, Sampling, Space, Study, When};
use thiserror::Error;

/// What is wrong in a file, where, and the way out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {message}; {help}")]
pub struct JobError {
    /// The keys that lead there: `search_space.rate.min_value`.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub help: String,
}

/// The node and parameter that a name of the search space stands for, or the way out.
pub type Bind<'a> = &'a dyn Fn(&str) -> Result<(NodeId, String), String>;

/// `forest.n_trees` is the parameter `n_trees` of the node `forest`.
///
/// # Errors
/// Names of another form.
pub fn by_name(name: &str) -> Result<(NodeId, String), String> {
    let way_out = || "name it by node and parameter: `forest.n_trees`".to_owned();
    let (node, param) = name.split_once('.').filter(|(_, param)| !param.is_empty()).ok_or_else(way_out)?;
    Ok((NodeId::new(node)?, param.to_owned()))
}

/// A study from a file in JSON. Its dimensions are in the order of their names.
///
/// # Errors
/// The first thing in the file that is not as the schema says. What can be written but makes no sense is left to
/// [`Study::check`].
pub fn from_json(text: &str, bind: Bind) -> Result<Study, JobError> {
    let root: Json = serde_json::from_str(text).map_err(|error| JobError {
        place: format!("line {}, column {}", error.line(), error.column()),
        message: format!("this is no JSON: {}", before_the_line(&error.to_string())),
        help: "mend it there".into(),
    })?;
    from_tree(&root, bind)
}

/// A study from a file in YAML, which may be JSON, too. Its dimensions are in the order of their names.
///
/// # Errors
/// The first thing in the file that is not as the schema says. What can be written but makes no sense is left to
/// [`Study::check`].
#[cfg(feature = "yaml")]
pub fn from_yaml(text: &str, bind: Bind) -> Result<Study, JobError> {
    let root: Json = serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map_or_else(
            || "the file".to_owned(),
            |location| format!("line {}, column {}", location.line(), location.column()),
        );
        let message = format!("this is no YAML: {}", before_the_line(&error.without_snippet().to_string()));
        JobError { place, message, help: "mend it there".into() }
    })?;
    from_tree(&root, bind)
}

/// What a reader says, without the place, which comes first here, and without advice for programmers.
fn before_the_line(message: &str) -> &str {
    let before = message.split_once(" at line ").map_or(message, |(before, _)| before);
    before.split_once(", set ").map_or(before, |(before, _)| before)
}

fn from_tree(root: &Json, bind: Bind) -> Result<Study, JobError> {
    let file = At { place: String::new(), json: root };
    let top = file.object()?;
    if let Some(jobs) = top.get("jobs") {
        let is_sweep = |job: &&(String, At)| job.1.json.get("type").and_then(Json::as_str) == Some("sweep");
        let jobs: Vec<(String, At)> = jobs.object()?.into_entries().collect();
        let sweeps: Vec<_> = jobs.iter().filter(is_sweep).collect();
        return match sweeps.as_slice() {
            [(_, sweep)] => job(sweep, bind),
            [] => Err(file.wrong("none of the `jobs` has the type `sweep`", "give the file of a sweep")),
            _ => {
                let names: Vec<_> = sweeps.iter().map(|(name, _)| format!("`{name}`")).collect();
                let message = format!("{} of the `jobs` are sweeps: {}", sweeps.len(), names.join(", "));
                Err(file.wrong(message, "keep one of them"))
            }
        };
    }
    job(&file, bind)
}

/// Keys of a sweep job that say how a cloud runs it, and nothing to us.
const ELSEWHERE: &[&str] = &[
    "$schema",
    "compute",
    "component",
    "description",
    "environment",
    "experiment_name",
    "id",
    "identity",
    "inputs",
    "outputs",
    "properties",
    "queue_settings",
    "resources",
    "services",
    "tags",
    "trial",
];

fn job(at: &At, bind: Bind) -> Result<Study, JobError> {
    let fields = at.object()?;
    let own = [
        "display_name",
        "early_termination",
        "limits",
        "name",
        "objective",
        "sampling_algorithm",
        "search_space",
        "type",
    ];
    fields.only(&own, ELSEWHERE)?;
    if let Some(kind) = fields.get("type") {
        kind.one_of(&["sweep"])?;
    }
    let name = match fields.get("display_name").or(fields.get("name")) {
        Some(name) => name.text()?.to_owned(),
        None => "Sweep".to_owned(),
    };
    let space = space(&fields.need("search_space", "say what to vary")?, bind)?;
    let objectives = fields.get("objective").map(|at| objectives(&at)).transpose()?.unwrap_or_default();
    let mut study = Study::new(&name, space, objectives);
    if let Some(at) = fields.get("sampling_algorithm") {
        study.sampling = sampling(&at)?;
    }
    study.early_termination = fields.get("early_termination").map(|at| early_termination(&at)).transpose()?;
    if let Some(at) = fields.get("limits") {
        study.limits = limits(&at)?;
    }
    Ok(study)
}

fn space(at: &At, bind: Bind) -> Result<Space, JobError> {
    let dimension = |(name, at): (String, At)| {
        let fields = at.object()?;
        let bound = match (fields.get("node"), fields.get("param")) {
            (Some(node), Some(param)) => {
                let id = NodeId::new(node.text()?).map_err(|message| node.wrong(message, "write the id of a node"))?;
                (id, param.text()?.to_owned())
            }
            (None, None) => {
                bind(&name).map_err(|help| at.wrong(format!("`{name}` is no parameter of the pipeline"), help))?
            }
            (Some(_), None) => return Err(at.wrong("there is a `node` but no `param`", "name the parameter, too")),
            (None, Some(_)) => return Err(at.wrong("there is a `param` but no `node`", "name the node, too")),
        };
        let when = fields.get("when").map(|at| when(&at)).transpose()?;
        let same_as = match fields.get("same_as") {
            Some(source) => Some(source.text()?.to_owned()),
            None => None,
        };
        let distribution = match (&same_as, fields.get("type")) {
            // A coupled dimension has no values of its own.
            (Some(_), None) => {
                fields.only(&["node", "param", "same_as", "when"], &[])?;
                Distribution::Choice { values: Vec::new() }
            }
            (Some(_) | None, _) => distribution(&fields)?,
        };
        Ok(Dimension { name, node: bound.0, param: bound.1, is_input: false, distribution, when, same_as })
    };
    let dimensions: Result<Vec<Dimension>, JobError> = at.object()?.into_entries().map(dimension).collect();
    Ok(Space { dimensions: dimensions? })
}

fn distribution(fields: &Fields) -> Result<Distribution, JobError> {
    let kind = fields.need("type", "name the distribution, for instance `uniform`")?;
    let kind = kind.one_of(&[
        "choice",
        "randint",
        "uniform",
        "quniform",
        "loguniform",
        "qloguniform",
        "normal",
        "qnormal",
        "lognormal",
        "qlognormal",
    ])?;
    let own: &[&str] = match kind {
        "choice" => &["values"],
        "randint" => &["upper"],
        "uniform" | "loguniform" => &["min_value", "max_value"],
        "quniform" | "qloguniform" => &["min_value", "max_value", "q"],
        "normal" | "lognormal" => &["mu", "sigma"],
        _ => &["mu", "sigma", "q"],
    };
    fields.only(own, &["type", "node", "param", "when", "same_as"])?;
    let number = |name: &str| fields.need(name, &format!("{kind} needs {}", listed(own)))?.number();
    Ok(match kind {
        "choice" => Distribution::Choice { values: fields.need("values", "list the values to try")?.values()? },
        "randint" => Distribution::RandInt { upper: fields.need("upper", "say below which number to draw")?.whole()? },
        "uniform" => Distribution::Uniform { min_value: number("min_value")?, max_value: number("max_value")? },
        "quniform" => {
            Distribution::QUniform { min_value: number("min_value")?, max_value: number("max_value")?, q: number("q")? }
        }
        "loguniform" => Distribution::LogUniform { min_value: number("min_value")?, max_value: number("max_value")? },
        "qloguniform" => Distribution::QLogUniform {
            min_value: number("min_value")?,
            max_value: number("max_value")?,
            q: number("q")?,
        },
        "normal" => Distribution::Normal { mu: number("mu")?, sigma: number("sigma")? },
        "qnormal" => Distribution::QNormal { mu: number("mu")?, sigma: number("sigma")?, q: number("q")? },
        "lognormal" => Distribution::LogNormal { mu: number("mu")?, sigma: number("sigma")? },
        _ => Distribution::QLogNormal { mu: number("mu")?, sigma: number("sigma")?, q: number("q")? },
    })
}

fn when(at: &At) -> Result<When, JobError> {
    let fields = at.object()?;
    fields.only(&["dimension", "values"], &[])?;
    Ok(When {
        dimension: fields.need("dimension", "name the dimension that it depends on")?.text()?.to_owned(),
        values: fields.need("values", "list the values under which it counts")?.values()?,
    })
}

fn objectives(at: &At) -> Result<Vec<Objective>, JobError> {
    let objective = |at: At| {
        let fields = at.object()?;
        fields.only(&["goal", "primary_metric"], &[])?;
        let goal = fields.need("goal", "write `minimize` or `maximize`")?;
        let goal = match goal.one_of(&["minimize", "maximize"])? {
            "minimize" => Goal::Minimize,
            _ => Goal::Maximize,
        };
        let metric = fields.need("primary_metric", "name the metric, for instance `auc`")?.text()?.to_owned();
        Ok(Objective { metric, goal })
    };
    match at.json {
        Json::Array(_) => at.items()?.into_iter().map(objective).collect(),
        _ => Ok(vec![objective(At { place: at.place.clone(), json: at.json })?]),
    }
}

fn sampling(at: &At) -> Result<Sampling, JobError> {
    const KINDS: &[&str] = &["random", "grid", "bayesian", "hyperband"];
    if let Json::String(_) = at.json {
        return match at.one_of(KINDS)? {
            "grid" => Ok(Sampling::Grid),
            "bayesian" => Ok(Sampling::Bayesian { seed: 0 }),
            "hyperband" => Err(at.wrong("hyperband needs `max_resource`", "write it as an object with its fields")),
            _ => Ok(Sampling::Random { seed: 0, rule: Rule::Random }),
        };
    }
    let fields = at.object()?;
    let kind = fields.need("type", "name the algorithm, for instance `random`")?.one_of(KINDS)?;
    let seed = || fields.get("seed").map_or(Ok(0), |at| at.whole());
    let whole = |name: &str, unsaid: Option<u32>| match (fields.get(name), unsaid) {
        (Some(at), _) => at.small(),
        (None, Some(unsaid)) => Ok(unsaid),
        (None, None) => fields.need(name, "say how many intervals a whole trial has")?.small(),
    };
    match kind {
        "grid" => fields.only(&["type"], &[]).map(|()| Sampling::Grid),
        "bayesian" => {
            fields.only(&["seed", "type"], &[])?;
            Ok(Sampling::Bayesian { seed: seed()? })
        }
        "hyperband" => {
            fields.only(&["eta", "max_resource", "min_resource", "seed", "type"], &[])?;
            Ok(Sampling::Hyperband {
                seed: seed()?,
                min_resource: whole("min_resource", Some(1))?,
                max_resource: whole("max_resource", None)?,
                eta: whole("eta", Some(3))?,
            })
        }
        _ => {
            fields.only(&["rule", "seed", "type"], &["logbase"])?;
            if let Some(base) = fields.get("logbase") {
                return Err(base.wrong("there is no `logbase` here", "take it away and give the bounds as powers of e"));
            }
            let rule = match fields.get("rule") {
                Some(rule) if rule.one_of(&["random", "sobol"])? == "sobol" => Rule::Sobol,
                Some(_) | None => Rule::Random,
            };
            Ok(Sampling::Random { seed: seed()?, rule })
        }
    }
}

fn early_termination(at: &At) -> Result<EarlyTermination, JobError> {
    let fields = at.object()?;
    let kind = fields.need("type", "name the policy, for instance `median_stopping`")?;
    let kind = kind.one_of(&["bandit", "median_stopping", "truncation_selection"])?;
    let own: &[&str] = match kind {
        "bandit" => &["slack_amount", "slack_factor"],
        "truncation_selection" => &["exclude_finished_jobs", "truncation_percentage"],
        _ => &[],
    };
    fields.only(own, &["delay_evaluation", "evaluation_interval", "type"])?;
    let small = |name: &str, unsaid: u32| fields.get(name).map_or(Ok(unsaid), |at| at.small());
    let evaluation_interval = small("evaluation_interval", 1)?;
    let delay_evaluation = small("delay_evaluation", 0)?;
    // The schema's default, 0, stands for the one that is not meant.
    let slack = |name: &str| match fields.get(name) {
        Some(at) => at.number().map(|slack| Some(slack).filter(|slack| *slack != 0.0)),
        None => Ok(None),
    };
    Ok(match kind {
        "bandit" => EarlyTermination::Bandit {
            slack_factor: slack("slack_factor")?,
            slack_amount: slack("slack_amount")?,
            evaluation_interval,
            delay_evaluation,
        },
        "truncation_selection" => EarlyTermination::TruncationSelection {
            truncation_percentage: fields
                .need("truncation_percentage", "say which share to give up, 1 to 99")?
                .small()?,
            exclude_finished_jobs: fields.get("exclude_finished_jobs").map_or(Ok(false), |at| at.switch())?,
            evaluation_interval,
            delay_evaluation,
        },
        _ => EarlyTermination::MedianStopping { evaluation_interval, delay_evaluation },
    })
}

fn limits(at: &At) -> Result<Limits, JobError> {
    let fields = at.object()?;
    let own = ["max_concurrent_trials", "max_total_trials", "patience", "timeout", "trial_timeout"];
    fields.only(&own, &[])?;
    let small = |name: &str| fields.get(name).map(|at| at.small()).transpose();
    let whole = |name: &str| fields.get(name).map(|at| at.whole()).transpose();
    let unsaid = Limits::default();
    Ok(Limits {
        max_total_trials: small("max_total_trials")?.unwrap_or(unsaid.max_total_trials),
        max_concurrent_trials: small("max_concurrent_trials")?,
        timeout_secs: whole("timeout")?.unwrap_or(unsaid.timeout_secs),
        trial_timeout_secs: whole("trial_timeout")?,
        patience: small("patience")?,
    })
}

/// A part of the file, and the keys that lead there.
struct At<'a> {
    place: String,
    json: &'a Json,
}

/// The fields of an object.
struct Fields<'a> {
    place: String,
    map: &'a Map<String, Json>,
}

impl<'a> At<'a> {
    fn wrong(&self, message: impl Into<String>, help: impl Into<String>) -> JobError {
        let place = if self.place.is_empty() { "the file".into() } else { self.place.clone() };
        JobError { place, message: message.into(), help: help.into() }
    }

    fn expected(&self, what: &str, help: &str) -> JobError {
        let found = match self.json {
            Json::Null => "nothing".into(),
            Json::Bool(_) | Json::Number(_) | Json::String(_) => format!("{}", self.json),
            Json::Array(_) => "a list".into(),
            Json::Object(_) => "an object".into(),
        };
        self.wrong(format!("expected {what}, found {found}"), help)
    }

    fn object(&self) -> Result<Fields<'a>, JobError> {
        match self.json {
            Json::Object(map) => Ok(Fields { place: self.place.clone(), map }),
            _ => Err(self.expected("an object", "write keys with their values")),
        }
    }

    fn items(&self) -> Result<Vec<At<'a>>, JobError> {
        let Json::Array(items) = self.json else { return Err(self.expected("a list", "write it as a list")) };
        Ok(items.iter().enumerate().map(|(idx, json)| At { place: format!("{}[{idx}]", self.place), json }).collect())
    }

    fn values(&self) -> Result<Vec<Value>, JobError> {
        let value = |at: At| match at.json {
            Json::Null => Ok(Value::None),
            Json::Bool(truth) => Ok(Value::Bool(*truth)),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(n), _) => Ok(Value::Int(n)),
                (None, Some(x)) => Ok(Value::Float(x)),
                (None, None) => Err(at.expected("a number", "write it with fewer digits")),
            },
            Json::String(text) => Ok(Value::Text(text.clone())),
            Json::Array(_) | Json::Object(_) => {
                Err(at.expected("a number, text, or true or false", "give each parameter a dimension, with `when`"))
            }
        };
        self.items()?.into_iter().map(value).collect()
    }

    fn text(&self) -> Result<&'a str, JobError> {
        self.json.as_str().ok_or_else(|| self.expected("text", "write it in quotes"))
    }

    fn switch(&self) -> Result<bool, JobError> {
        self.json.as_bool().ok_or_else(|| self.expected("true or false", "write one of them"))
    }

    fn number(&self) -> Result<f64, JobError> {
        let finite = self.json.as_f64().filter(|x| x.is_finite());
        finite.ok_or_else(|| self.expected("a number", "write it as digits, without quotes"))
    }

    fn whole(&self) -> Result<u64, JobError> {
        self.json
            .as_u64()
            .ok_or_else(|| self.expected("a whole number of 0 or more", "write it as digits, without quotes"))
    }

    fn small(&self) -> Result<u32, JobError> {
        u32::try_from(self.whole()?)
            .map_err(|_| self.expected("a whole number", &format!("write {} at most", u32::MAX)))
    }

    /// Text that is one of these; in a file, upper case and lower are the same.
    fn one_of(&self, words: &[&'static str]) -> Result<&'static str, JobError> {
        let found = self.text()?.to_lowercase();
        let word = words.iter().find(|word| **word == found).copied();
        word.ok_or_else(|| self.expected(&format!("one of {}", listed(words)), "write one of them"))
    }
}

impl<'a> Fields<'a> {
    fn at(&self, name: &str, json: &'a Json) -> At<'a> {
        let place = if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) };
        At { place, json }
    }

    /// A field that is there and says something.
    fn get(&self, name: &str) -> Option<At<'a>> {
        self.map.get(name).filter(|json| !json.is_null()).map(|json| self.at(name, json))
    }

    fn need(&self, name: &str, help: &str) -> Result<At<'a>, JobError> {
        let here = || At { place: self.place.clone(), json: &Json::Null };
        self.get(name).ok_or_else(|| here().wrong(format!("`{name}` is missing"), help))
    }

    /// Complains about the first field with another name.
    fn only(&self, names: &[&str], others: &[&str]) -> Result<(), JobError> {
        let is_known = |name: &&String| names.contains(&name.as_str()) || others.contains(&name.as_str());
        match self.map.keys().find(|name| !is_known(name)) {
            Some(name) => {
                let at = self.at(name, &Json::Null);
                let help =
                    if names.is_empty() { "take it away".into() } else { format!("known here are {}", listed(names)) };
                Err(at.wrong("this key is not known", help))
            }
            None => Ok(()),
        }
    }

    fn into_entries(self) -> impl Iterator<Item = (String, At<'a>)> {
        self.map.iter().map(move |(name, json)| (name.clone(), self.at(name, json)))
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
