//! What travels between engines: plain data, and tables beside it, which have a faster way of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use learn::{Clusterer, Learner};
use model::{Clustering, Model, Transform};
use pipeline::{Node, Spec};
use protocol::{Face, Failure, Measured, Panel};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use table::Table;

use crate::testing::run_component;
use crate::{Artifact, Component, Evaluation, JobError, Untrained};

/// Components and their specs, by id.
pub(crate) type Components = BTreeMap<String, (&'static dyn Component, Spec)>;

/// Sorted by their ids.
pub(crate) fn by_id(components: &[&'static dyn Component]) -> Components {
    let entry = |&component: &&'static dyn Component| {
        let spec = component.spec();
        (spec.id.clone(), (component, spec))
    };
    components.iter().map(entry).collect()
}

/// Encoded data, and the tables that it names by their place.
#[derive(Debug, Default)]
pub struct Parcel {
    /// All but the tables.
    pub bytes: Vec<u8>,
    /// In the order in which they were packed.
    pub tables: Vec<Table>,
}

impl Parcel {
    pub(crate) fn open<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        decoded(&self.bytes)
    }
}

/// What a part of a job gives, as bytes in which every number keeps its bits.
///
/// # Errors
/// Never, as far as is known: plain data always encodes.
pub fn encoded(content: &impl Serialize) -> Result<Vec<u8>, JobError> {
    postcard::to_stdvec(content).map_err(|error| garbled(&error))
}

/// The inverse of [`encoded`].
///
/// # Errors
/// The bytes are of something else.
pub fn decoded<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JobError> {
    postcard::from_bytes(bytes).map_err(|error| garbled(&error))
}

fn garbled(error: &impl ToString) -> JobError {
    let help = "This is a fault of the engine: please report it. With one worker nothing has to travel.";
    Failure::new(format!("what another worker sent does not decode: {}", error.to_string()), help).into()
}

/// All that a node leaves.
#[derive(Default)]
pub(crate) struct Left {
    pub(crate) outputs: BTreeMap<String, Artifact>,
    pub(crate) face: Option<Face>,
    pub(crate) panels: Vec<Panel>,
    pub(crate) measured: Vec<Measured>,
    pub(crate) elapsed_secs: f64,
    /// Sentences for the report; of a helper, none.
    pub(crate) remarks: Vec<String>,
    /// The workers that computed it. Which one a helper is it does not know itself.
    pub(crate) workers: BTreeSet<u32>,
}

impl Left {
    pub(crate) fn pack(&self) -> Result<Parcel, JobError> {
        let mut packing = Packing::default();
        let outputs = packing.artifacts(&self.outputs);
        packing.seal(&(outputs, &self.face, &self.panels, &self.measured, self.elapsed_secs))
    }

    pub(crate) fn unpack(parcel: &Parcel, components: &Components) -> Result<Self, JobError> {
        let (outputs, face, panels, measured, elapsed_secs) = parcel.open()?;
        let outputs = unpack_artifacts(outputs, &parcel.tables, components)?;
        Ok(Self { outputs, face, panels, measured, elapsed_secs, ..Self::default() })
    }
}

/// An artifact on its way.
#[derive(Serialize, Deserialize)]
pub(crate) enum Packed {
    /// By its place in the parcel.
    Table(u32),
    Learner(Learner),
    /// The nodes that gave it, one after another: their components make it again.
    Range(Vec<Node>),
    Clusterer(Arc<Clusterer>),
    Model(Arc<Model>),
    Clustering(Arc<Clustering>),
    Transformation(Arc<Transform>),
    Evaluation(Arc<Evaluation>),
}

/// A parcel in the making.
#[derive(Default)]
pub(crate) struct Packing {
    tables: Vec<Table>,
}

impl Packing {
    pub(crate) fn artifacts(&mut self, artifacts: &BTreeMap<String, Artifact>) -> BTreeMap<String, Packed> {
        artifacts.iter().map(|(port, artifact)| (port.clone(), self.artifact(artifact))).collect()
    }

    fn artifact(&mut self, artifact: &Artifact) -> Packed {
        match artifact {
            Artifact::Table(table) => {
                self.tables.push(table.clone());
                Packed::Table(self.tables.len() as u32 - 1)
            }
            Artifact::Learner(untrained) => match &**untrained {
                Untrained::Single(learner) => Packed::Learner(learner.clone()),
                Untrained::Range(range) => Packed::Range(range.nodes().cloned().collect()),
            },
            Artifact::Clusterer(clusterer) => Packed::Clusterer(Arc::clone(clusterer)),
            Artifact::Model(model) => Packed::Model(Arc::clone(model)),
            Artifact::Clustering(clustering) => Packed::Clustering(Arc::clone(clustering)),
            Artifact::Transformation(transform) => Packed::Transformation(Arc::clone(transform)),
            Artifact::Evaluation(evaluation) => Packed::Evaluation(Arc::clone(evaluation)),
        }
    }

    pub(crate) fn seal(self, content: &impl Serialize) -> Result<Parcel, JobError> {
        Ok(Parcel { bytes: encoded(content)?, tables: self.tables })
    }
}

/// The inverse of [`Packing::artifacts`].
pub(crate) fn unpack_artifacts(
    packed: BTreeMap<String, Packed>,
    tables: &[Table],
    components: &Components,
) -> Result<BTreeMap<String, Artifact>, JobError> {
    packed.into_iter().map(|(port, packed)| Ok((port, unpack(packed, tables, components)?))).collect()
}

fn unpack(packed: Packed, tables: &[Table], components: &Components) -> Result<Artifact, JobError> {
    Ok(match packed {
        Packed::Table(table_idx) => {
            let table = tables.get(table_idx as usize).ok_or_else(|| garbled(&"a table is missing"))?;
            Artifact::Table(table.clone())
        }
        Packed::Learner(learner) => Artifact::Learner(Arc::new(Untrained::Single(learner))),
        Packed::Range(nodes) => {
            let mut last: Option<Artifact> = None;
            for node in nodes {
                let (component, spec) =
                    components.get(&node.component).ok_or_else(|| garbled(&"a learner is not known here"))?;
                let inputs = spec.inputs.iter().map(|port| port.name.as_str()).zip(last).collect();
                let params = node.params.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
                last = run_component(*component, inputs, params, 0)?.outputs.into_values().next();
            }
            last.ok_or_else(|| garbled(&"a learner gave nothing"))?
        }
        Packed::Clusterer(clusterer) => Artifact::Clusterer(clusterer),
        Packed::Model(model) => Artifact::Model(model),
        Packed::Clustering(clustering) => Artifact::Clustering(clustering),
        Packed::Transformation(transform) => Artifact::Transformation(transform),
        Packed::Evaluation(evaluation) => Artifact::Evaluation(evaluation),
    })
}
