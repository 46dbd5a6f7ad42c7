//! A pipeline within a link: `p=1d.<base64url>`, the part after the `#`.
//!
//! `1` is the version of the packing, `d` says deflate. Packed is a positional record (postcard) with its checksum.
//! Never change what a version means: add one.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};
use schema::ordered::Gather;
use serde::{Deserialize, Serialize};

use crate::{EditError, InPort, Node, NodeId, OutPort, Parameter, Pipeline, Point, Value};

/// The latest version: 2 is 1 with parameters of the pipeline behind the record, and 1 is written where there are none.
const VERSION: u32 = 2;
/// Longer links are not read.
pub const MOST_ENCODED: usize = 64 << 10;
/// What unpacks to more is not read.
pub const MOST_INFLATED: usize = 4 << 20;
/// Pipelines with more nodes are not read.
pub const MOST_NODES: usize = 5_000;
/// Up to this many characters a link works anywhere.
pub const GREEN: usize = 2_000;
/// Up to this many every browser and server is asked to take it (RFC 9110, section 4.1).
pub const AMBER: usize = 8_000;

/// How far a link of some length gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Anywhere.
    Green,
    /// Into browsers, but not through every chat.
    Amber,
    /// Not far: a file is the better way.
    Red,
}

/// The length of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkSize {
    /// Characters of the whole address.
    pub n_chars: usize,
    /// How far that gets.
    pub mark: Mark,
}

impl LinkSize {
    /// Of an address.
    pub fn of(address: &str) -> Self {
        let n_chars = address.chars().count();
        let mark = if n_chars <= GREEN {
            Mark::Green
        } else if n_chars <= AMBER {
            Mark::Amber
        } else {
            Mark::Red
        };
        Self { n_chars, mark }
    }
}

/// A packed pipeline, and what had to be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// `p=1d.…`, to stand after the `#`.
    pub fragment: String,
    /// The places of the nodes are in it.
    pub has_layout: bool,
    /// Small files are in it.
    pub has_data: bool,
}

/// Why a link does not open.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LinkError {
    /// There is no pipeline in it.
    #[error("it holds no pipeline: a link with one goes on with `#p=` and a version")]
    NoPipeline,
    /// A later version made it.
    #[error(
        "it is of version {found}, and this version of Millrace reads up to {VERSION}: reload the page, or open it with a newer version"
    )]
    Newer {
        /// Its version.
        found: u32,
    },
    /// It is packed in a way that is not known.
    #[error("it is packed as `{0}`, which this version of Millrace does not know: open it with a newer version")]
    Packing(char),
    /// It is too long.
    #[error("it has {0} characters, and links of more than 65,536 are not opened: ask for the file instead")]
    TooLong(usize),
    /// It unpacks to too much.
    #[error("it unpacks to more than 4 MiB, which no pipeline needs: it is damaged, or not meant well")]
    Bomb,
    /// It has too many nodes.
    #[error("it has {0} nodes, and links with more than 5,000 are not opened")]
    TooManyNodes(usize),
    /// It was cut off or changed on the way.
    #[error("it is damaged ({0}): chats and mails cut long links, so copy it again, whole")]
    Damaged(&'static str),
    /// The edges do not fit the nodes.
    #[error("its edges do not fit: {0}")]
    Edges(#[from] EditError),
}

#[derive(Serialize, Deserialize)]
struct Record {
    name: String,
    seed: u64,
    has_layout: bool,
    components: Vec<(String, u32)>,
    nodes: Vec<NodeRecord>,
    /// From node, output, to node, input; nodes by position.
    edges: Vec<(u32, String, u32, String)>,
    /// Whole pixels; empty without layout.
    positions: Vec<(i32, i32)>,
}

#[derive(Serialize, Deserialize)]
struct NodeRecord {
    id: String,
    component: u32,
    title: Option<String>,
    params: Vec<(String, Value)>,
}

#[derive(Serialize, Deserialize)]
struct ParameterRecord {
    name: String,
    parameter: Parameter,
    /// Nodes by position, and their parameters.
    bound: Vec<(u32, String)>,
}

/// A pipeline as the part of a link after the `#`. Over 8,000 characters the places of the nodes are left out, then
/// the contents of small files.
pub fn encode(pipeline: &Pipeline) -> String {
    pack(pipeline).fragment
}

/// As [`encode`], with what had to be left out.
pub fn pack(pipeline: &Pipeline) -> Packed {
    let defaults = pipeline.parameters.values().map(|parameter| &parameter.default);
    let carries_data = pipeline.nodes.values().flat_map(|node| node.params.values()).chain(defaults).any(has_inline);
    let fits = |packed: &Packed| packed.fragment.len() <= AMBER;
    let full = pack_with(pipeline, true, carries_data);
    if fits(&full) {
        return full;
    }
    let without_layout = pack_with(pipeline, false, carries_data);
    if fits(&without_layout) || !carries_data {
        return without_layout;
    }
    let without_data = pack_with(pipeline, true, false);
    if fits(&without_data) { without_data } else { pack_with(pipeline, false, false) }
}

fn has_inline(value: &Value) -> bool {
    matches!(value, Value::File(file) if file.inline.is_some())
}

fn pack_with(pipeline: &Pipeline, has_layout: bool, has_data: bool) -> Packed {
    let mut components: Vec<(String, u32)> = Vec::new();
    let mut component_of = BTreeMap::new();
    let mut position_of = BTreeMap::new();
    let mut nodes = Vec::new();
    let without_data = |value: &Value| match value {
        Value::File(file) if !has_data => Value::File(crate::FileRef { inline: None, ..file.clone() }),
        other => other.clone(),
    };
    let unbound = pipeline.nodes_unbound();
    for (node_idx, (id, node)) in unbound.iter().enumerate() {
        position_of.insert(id, node_idx as u32);
        let component = *component_of.entry((&node.component, node.version)).or_insert_with(|| {
            components.push((node.component.clone(), node.version));
            components.len() as u32 - 1
        });
        let params = node.params.iter().map(|(name, value)| (name.clone(), without_data(value)));
        nodes.push(NodeRecord { id: id.to_string(), component, title: node.title.clone(), params: params.collect() });
    }
    let edges = pipeline.edges.iter().filter_map(|(to, from)| {
        Some((*position_of.get(&from.node)?, from.port.clone(), *position_of.get(&to.node)?, to.port.clone()))
    });
    let positions = pipeline.nodes.values().filter(|_| has_layout);
    let record = Record {
        name: pipeline.name.clone(),
        seed: pipeline.seed,
        has_layout,
        components,
        nodes,
        edges: edges.collect(),
        positions: positions.map(|node| (node.position.x.round() as i32, node.position.y.round() as i32)).collect(),
    };
    // Plain owned data: there is nothing in it that postcard cannot write.
    let mut bytes = postcard::to_stdvec(&record).unwrap_or_default();
    let declared = pipeline.declared().into_iter().map(|(name, parameter, bound)| ParameterRecord {
        name,
        parameter: Parameter { default: without_data(&parameter.default), ..parameter },
        bound: bound.into_iter().filter_map(|(id, param)| Some((*position_of.get(&id)?, param))).collect(),
    });
    let declared: Vec<_> = declared.collect();
    let version = if declared.is_empty() { 1 } else { VERSION };
    if version == VERSION {
        bytes.extend(postcard::to_stdvec(&declared).unwrap_or_default());
    }
    let fragment = format!("p={}", squeeze(version, bytes));
    Packed { fragment, has_layout, has_data }
}

/// `1d.…`: bytes with their checksum, deflated, in characters that a link may have.
fn squeeze(version: u32, mut bytes: Vec<u8>) -> String {
    bytes.extend(checksum(&bytes).to_le_bytes());
    format!("{version}d.{}", URL_SAFE_NO_PAD.encode(compress_to_vec(&bytes, 9)))
}

/// A text as a part of a link that is no pipeline: packed the same way.
pub fn pack_text(text: &str) -> String {
    squeeze(1, text.as_bytes().to_vec())
}

/// A text out of a part of a link.
///
/// # Errors
/// Anything that is not exactly what `pack_text` makes, or is too large.
pub fn unpack_text(packed: &str) -> Result<String, LinkError> {
    let (_, bytes) = unsqueeze(packed, 1).map_err(|error| match error {
        LinkError::NoPipeline => LinkError::Damaged("its beginning is missing"),
        other => other,
    })?;
    String::from_utf8(bytes).map_err(|_| LinkError::Damaged("it is no text"))
}

/// A pipeline out of a link: the whole address, or the part after the `#`. Nodes without places lie at the origin;
/// see [`Pipeline::is_unplaced`].
///
/// # Errors
/// Anything that is not exactly what `encode` makes, or is too large.
pub fn decode(text: &str) -> Result<Pipeline, LinkError> {
    let text = text.trim();
    let fragment = text.split_once('#').map_or(text, |(_, fragment)| fragment);
    let packed = fragment.strip_prefix("p=").ok_or(LinkError::NoPipeline)?;
    let (version, record) = unsqueeze(packed, VERSION)?;
    let unreadable = |_| LinkError::Damaged("its record cannot be read");
    let (record, mut rest) = postcard::take_from_bytes::<Record>(&record).map_err(unreadable)?;
    let mut declared = Vec::new();
    if version > 1 {
        (declared, rest) = postcard::take_from_bytes::<Vec<ParameterRecord>>(rest).map_err(unreadable)?;
    }
    if !rest.is_empty() || declared.is_empty() != (version == 1) {
        return Err(LinkError::Damaged("something follows its record"));
    }
    unpack(record, declared)
}

/// The version of what was packed, and its bytes.
fn unsqueeze(packed: &str, latest: u32) -> Result<(u32, Vec<u8>), LinkError> {
    if packed.len() > MOST_ENCODED {
        return Err(LinkError::TooLong(packed.len()));
    }
    let (head, body) = packed.split_once('.').ok_or(LinkError::NoPipeline)?;
    let n_digits = head.bytes().take_while(u8::is_ascii_digit).count();
    let version: u32 = head[..n_digits].parse().map_err(|_| LinkError::NoPipeline)?;
    if version > latest {
        return Err(LinkError::Newer { found: version });
    }
    match (version, head[n_digits..].chars().next(), head[n_digits..].chars().count()) {
        (1.., Some('d'), 1) => {}
        (1.., Some(other), 1) => return Err(LinkError::Packing(other)),
        _ => return Err(LinkError::NoPipeline),
    }
    let packed = URL_SAFE_NO_PAD.decode(body).map_err(|_| LinkError::Damaged("its characters do not form bytes"))?;
    let mut bytes = decompress_to_vec_with_limit(&packed, MOST_INFLATED).map_err(|error| match error.status {
        TINFLStatus::HasMoreOutput => LinkError::Bomb,
        _ => LinkError::Damaged("it does not unpack"),
    })?;
    let (record, sum) = bytes.split_last_chunk::<4>().ok_or(LinkError::Damaged("it is too short"))?;
    if checksum(record) != u32::from_le_bytes(*sum) {
        return Err(LinkError::Damaged("its checksum does not fit"));
    }
    bytes.truncate(bytes.len() - 4);
    Ok((version, bytes))
}

fn is_finite(value: &Value) -> bool {
    !matches!(value, Value::Float(x) if !x.is_finite())
}

fn unpack(record: Record, declared: Vec<ParameterRecord>) -> Result<Pipeline, LinkError> {
    if record.nodes.len() > MOST_NODES {
        return Err(LinkError::TooManyNodes(record.nodes.len()));
    }
    let n_positions = if record.has_layout { record.nodes.len() } else { 0 };
    if record.positions.len() != n_positions {
        return Err(LinkError::Damaged("nodes and places do not match"));
    }
    let mut ids = Vec::with_capacity(record.nodes.len());
    let mut nodes = BTreeMap::new();
    for (node_idx, node) in record.nodes.into_iter().enumerate() {
        let id = NodeId::new(&node.id).map_err(|_| LinkError::Damaged("a node has no proper id"))?;
        let component = record.components.get(node.component as usize);
        let (component, version) = component.cloned().ok_or(LinkError::Damaged("a node has no component"))?;
        if !node.params.iter().all(|(_, value)| is_finite(value)) {
            return Err(LinkError::Damaged("a parameter is no number"));
        }
        let (x, y) = record.positions.get(node_idx).copied().unwrap_or_default();
        let position = Point { x: x.into(), y: y.into() };
        let params = node.params.into_iter().gather();
        if nodes.insert(id.clone(), Node { component, version, title: node.title, params, position }).is_some() {
            return Err(LinkError::Damaged("two nodes have one id"));
        }
        ids.push(id);
    }
    let mut edges = BTreeMap::new();
    for (from, output, to, input) in record.edges {
        let (Some(from), Some(to)) = (ids.get(from as usize), ids.get(to as usize)) else {
            return Err(LinkError::Damaged("an edge has no end"));
        };
        edges.insert(InPort { node: to.clone(), port: input }, OutPort { node: from.clone(), port: output });
    }
    let read = |ParameterRecord { name, parameter, bound }| {
        let places = bound.into_iter().map(|(node, param)| Some((ids.get(node as usize)?.clone(), param)));
        match places.collect() {
            Some(places) if is_finite(&parameter.default) => Ok((name, parameter, places)),
            _ => Err(LinkError::Damaged("a parameter is bound to nothing there is")),
        }
    };
    let declared = declared.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(Pipeline::from_parts(record.name, record.seed, nodes, edges)?.with_parameters(declared)?)
}

/// FNV-1a, 32 bits (Fowler, Noll and Vo): enough to notice damage, not to withstand forgery.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
