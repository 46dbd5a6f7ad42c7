//! The learners that are tried, and what is varied of each.
//!
//! Ranges are those in which the settings make a difference on tables of a few hundred to a few hundred thousand rows;
//! `usual` are the learner's own defaults, moved into the range where a default has no place on it.

use pipeline::Value;
use study::Distribution;

use crate::draft::text;

/// A k-nearest-neighbours model looks at every training row for every prediction.
const MAX_ROWS_FOR_NEIGHBORS: usize = 20_000;
/// From here on a forest of hundreds of trees takes minutes a trial, and gains little by them.
const MANY_ROWS: usize = 50_000;

/// A learner to be tried.
pub struct Candidate {
    /// Its component.
    pub component: &'static str,
    /// What is varied.
    pub varied: Vec<Varied>,
    /// It works on columns of one scale.
    pub wants_scale: bool,
}

/// One setting of a learner that is varied.
pub struct Varied {
    pub param: &'static str,
    pub distribution: Distribution,
    /// What is tried first.
    pub usual: Value,
    /// It counts under this value of an earlier one.
    pub when: Option<(&'static str, Value)>,
}

impl Varied {
    fn new(param: &'static str, distribution: Distribution, usual: Value) -> Self {
        Self { param, distribution, usual, when: None }
    }
}

/// What suits the rows there are.
pub fn candidates(predicts_classes: bool, n_rows: usize) -> Vec<Candidate> {
    let choice = |values: Vec<Value>| Distribution::Choice { values };
    let words = |words: &[&str]| choice(words.iter().map(|word| text(word)).collect());
    let logs =
        |low: f64, high: f64| Distribution::LogUniform { min_value: numeric::ln(low), max_value: numeric::ln(high) };
    let whole_logs = |low: f64, high: f64| Distribution::QLogUniform {
        min_value: numeric::ln(low),
        max_value: numeric::ln(high),
        q: 1.0,
    };
    let criterion = || predicts_classes.then(|| Varied::new("criterion", words(&["gini", "entropy"]), text("gini")));

    let n_trees = if n_rows > MANY_ROWS { [50, 100] } else { [100, 300] };
    let mut forest = vec![
        Varied::new("n_trees", choice(n_trees.map(Value::Int).to_vec()), Value::Int(100)),
        Varied::new("features_per_split", words(&["sqrt", "log2", "all"]), text("sqrt")),
        Varied::new("min_rows_leaf", whole_logs(1.0, 20.0), Value::Int(1)),
        Varied::new("max_depth", choice(vec![Value::None, Value::Int(6), Value::Int(12)]), Value::None),
    ];
    forest.extend(criterion());
    let mut tree = vec![
        Varied::new("max_depth", Distribution::QUniform { min_value: 2.0, max_value: 16.0, q: 1.0 }, Value::Int(8)),
        Varied::new("min_rows_leaf", whole_logs(1.0, 50.0), Value::Int(5)),
    ];
    tree.extend(criterion());
    let linear = if predicts_classes {
        Candidate {
            component: "learn.logistic-regression",
            varied: vec![Varied::new("l2_weight", logs(1e-4, 1e3), Value::Float(1.0))],
            wants_scale: true,
        }
    } else {
        let ridge = Varied {
            when: Some(("solution_method", text("ridge"))),
            ..Varied::new("l2_weight", logs(1e-3, 1e4), Value::Float(1.0))
        };
        let method = Varied::new("solution_method", words(&["ordinary-least-squares", "ridge"]), text("ridge"));
        Candidate { component: "learn.linear-regression", varied: vec![method, ridge], wants_scale: true }
    };
    let neighbors = (n_rows <= MAX_ROWS_FOR_NEIGHBORS).then(|| Candidate {
        component: "learn.k-nearest-neighbors",
        varied: vec![
            Varied::new("k", whole_logs(1.0, (n_rows as f64 / 3.0).clamp(5.0, 100.0)), Value::Int(5)),
            Varied::new("weighting", words(&["uniform", "distance"]), text("uniform")),
            Varied::new("metric", words(&["euclidean", "manhattan"]), text("euclidean")),
        ],
        wants_scale: false,
    });
    let plain = |component, varied| Candidate { component, varied, wants_scale: false };
    let boosting = vec![
        Varied::new("learning_rate", logs(0.02, 0.3), Value::Float(0.1)),
        Varied::new("max_leaves", whole_logs(4.0, 64.0), Value::Int(31)),
        Varied::new("min_rows_leaf", whole_logs(2.0, 50.0), Value::Int(20)),
        Varied::new("n_trees", choice([50, 100, 200].map(Value::Int).to_vec()), Value::Int(100)),
        Varied::new("row_share", Distribution::Uniform { min_value: 0.5, max_value: 1.0 }, Value::Float(1.0)),
    ];
    let mut all = vec![linear, plain("learn.decision-forest", forest), plain("learn.boosted-decision-tree", boosting)];
    all.extend(neighbors);
    all.extend([plain("learn.decision-tree", tree), plain("learn.constant-baseline", Vec::new())]);
    all
}
