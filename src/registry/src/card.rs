//! Where a model comes from and how good it was found to be.

use serde::{Deserialize, Serialize};

/// Where a model comes from and how good it was found to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// "Decision Forest".
    pub learner: String,
    /// Rows it was trained on.
    pub n_training_rows: u64,
    /// The name of its pipeline.
    pub pipeline: String,
    /// The pipeline's hash, as runs are recorded with it; empty if unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pipeline_hash: String,
    /// The run it was trained in; empty if that was not recorded.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub run: String,
    /// The node that gave it.
    pub node: String,
    /// From the rows as they enter to the model: what an endpoint does with them, in order.
    pub steps: Vec<Step>,
    /// Where rows enter: `import.table`, and the title of that node.
    pub entry: Step,
    /// What is set at the nodes that it rests on, in the order in which they run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// What was measured in that run.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// Of the engine that trained it.
    pub engine: String,
    /// When it was packed, in milliseconds since 1970.
    pub created_at: u64,
    /// What its maker says of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// A node on the way of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The node.
    pub node: String,
    /// Its title.
    pub title: String,
    /// What becomes of a row there: "fills gaps as in training", "chooses rows for training: new rows pass".
    pub what: String,
}

/// A parameter, as its maker saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// `forest.n_trees`.
    pub name: String,
    /// "Decision Forest: Number of trees".
    pub label: String,
    /// In words: "100", "no limit".
    pub value: String,
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// `evaluate.auc`.
    pub name: String,
    /// Its value.
    pub value: f64,
}
