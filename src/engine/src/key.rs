//! Content addresses: what a node's results are called, made of all that goes into them.

use std::collections::BTreeMap;
use std::fmt;

use pipeline::{InPort, NodeId, OutPort, Pipeline, Spec, Value};
use serde::Serialize;

/// Names the results of one node: equal keys mean equal results.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey([u8; 16]);

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// All that goes into a node's results. What changed between two of them is why a node runs again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recipe {
    /// The component's id and version.
    pub component: (String, u32),
    /// Every parameter that counts, defaults too.
    pub params: BTreeMap<String, Value>,
    /// What feeds each connected input.
    pub inputs: BTreeMap<String, Feed>,
    /// The pipeline's seed.
    pub seed: u64,
    /// Which computation it is, where equal inputs do not mean equal results; 0 where they do.
    #[serde(skip_serializing_if = "is_zero")]
    pub computation: u64,
    /// What may compute it beside the CPU, if it matters; else empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub accelerator: String,
}

/// What feeds an input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Feed {
    /// The results of the node it comes from.
    pub key: [u8; 16],
    /// Which of its outputs.
    pub port: String,
    /// That node; two nodes with equal results may take each other's place, so it is no part of the key.
    #[serde(skip)]
    pub node: NodeId,
}

impl Recipe {
    /// The key of the results.
    pub fn key(&self) -> NodeKey {
        NodeKey(digest(self))
    }

    /// The node's own seed.
    pub fn node_seed(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = digest(&(self.seed, &self.component.0));
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

fn digest(content: &impl Serialize) -> [u8; 16] {
    let bytes = postcard::to_stdvec(content).expect("recipes are plain data, which always encodes");
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..16]);
    short
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// The recipe of a node whose sources have these keys; `None` while a source has none. Of a component that is not
/// deterministic, it is the recipe of this computation alone, and
/// where it matters what computes beside the CPU, of that accelerator.
pub fn recipe(
    pipeline: &Pipeline,
    id: &NodeId,
    spec: &Spec,
    keys: &BTreeMap<NodeId, NodeKey>,
    computation: u64,
    accelerator: String,
) -> Option<Recipe> {
    let computation = if spec.is_deterministic { 0 } else { computation };
    let node = pipeline.node(id)?;
    let params = spec
        .params
        .iter()
        .filter(|param| pipeline::counts(spec, node, param))
        .map(|param| (param.name.clone(), essence(node.value(param))))
        .collect();
    let mut inputs = BTreeMap::new();
    for port in &spec.inputs {
        if let Some(OutPort { node: source, port: output }) = pipeline.source(&InPort::new(id, &port.name)) {
            let key = keys.get(source)?.0;
            inputs.insert(port.name.clone(), Feed { key, port: output.clone(), node: source.clone() });
        }
    }
    let component = (spec.id.clone(), spec.version);
    Some(Recipe { component, params, inputs, seed: pipeline.seed(), computation, accelerator })
}

/// A value without what does not matter to results: where a file's bytes are kept, and its columns as last seen.
fn essence(value: &Value) -> Value {
    match value {
        Value::File(file) => Value::File(pipeline::FileRef { schema: None, inline: None, ..file.clone() }),
        other => other.clone(),
    }
}
