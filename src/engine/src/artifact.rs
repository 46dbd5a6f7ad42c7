//! What flows along edges.

use std::sync::Arc;

use learn::Clusterer;
use model::{Clustering, Model, Transform};
use pipeline::PortType;
use protocol::Panel;
use table::Table;

use crate::Untrained;

/// A result; cloning shares it.
#[derive(Clone, Debug)]
pub enum Artifact {
    /// Rows and columns.
    Table(Table),
    /// Settings of a learner.
    Learner(Arc<Untrained>),
    /// Settings of a clustering algorithm.
    Clusterer(Arc<Clusterer>),
    /// A trained model.
    Model(Arc<Model>),
    /// A trained clustering.
    Clustering(Arc<Clustering>),
    /// A fitted transform.
    Transformation(Arc<Transform>),
    /// Figures that judge a model.
    Evaluation(Arc<Evaluation>),
}

/// Figures that judge one model or two side by side.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Evaluation {
    /// Ready to be shown.
    pub panels: Vec<Panel>,
    /// Headline metrics of the first input by name, and of the second as `name.2`.
    pub metrics: std::collections::BTreeMap<String, f64>,
}

/// A type that flows through ports.
pub trait Port: Clone + Sized {
    /// Its port type.
    const TYPE: PortType;
    /// Out of the general form; `None` if it is something else.
    fn from_artifact(artifact: &Artifact) -> Option<Self>;
    /// Into the general form.
    fn into_artifact(self) -> Artifact;
}

macro_rules! port {
    ($type:ty, $variant:ident) => {
        impl Port for $type {
            const TYPE: PortType = PortType::$variant;
            fn from_artifact(artifact: &Artifact) -> Option<Self> {
                match artifact {
                    Artifact::$variant(inner) => Some(inner.clone()),
                    _ => None,
                }
            }
            fn into_artifact(self) -> Artifact {
                Artifact::$variant(self)
            }
        }
    };
}

port!(Table, Table);
port!(Arc<Untrained>, Learner);
port!(Arc<Clusterer>, Clusterer);
port!(Arc<Model>, Model);
port!(Arc<Clustering>, Clustering);
port!(Arc<Transform>, Transformation);
port!(Arc<Evaluation>, Evaluation);

impl Artifact {
    /// In a few characters, for the edge that carries it: "120 × 5".
    pub fn in_brief(&self) -> String {
        match self {
            Self::Table(table) => {
                format!("{} × {}", thousands(table.n_rows() as u64), thousands(table.schema().columns.len() as u64))
            }
            Self::Learner(untrained) => match &**untrained {
                Untrained::Single(_) => "learner".into(),
                Untrained::Range(range) => match range.space().n_combinations() {
                    Some(1) => "1 setting".into(),
                    Some(n) => format!("{} settings", thousands(n)),
                    None => "a range of settings".into(),
                },
            },
            Self::Clusterer(_) => "clustering".into(),
            Self::Model(model) => model.learner.clone(),
            Self::Clustering(clustering) => format!("{} clusters", clustering.sizes.len()),
            Self::Transformation(_) => "transformation".into(),
            Self::Evaluation(evaluation) => format!("{} metrics", evaluation.metrics.len()),
        }
    }
}

/// Digits in groups of three.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
