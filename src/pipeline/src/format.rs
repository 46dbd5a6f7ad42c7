//! The file: canonical JSON that people can read, compare and mend.
//!
//! Keys are sorted and numbers are written so that they come back exactly, so that equal pipelines are equal
//! files. What this version does not know (components, parameters) is kept as it is.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schema::ordered::Gather;
use schema::{Column, ColumnSelection, Kind, Role, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};

use crate::locate::{Step, locate};
use crate::migrate::FORMAT_STEPS;
use crate::parameter::Declared;
use crate::{
    EditError, FileRef, InPort, Node, NodeId, OutPort, Parameter, ParameterKind, Params, Pipeline, Point, Value,
};

/// The latest version of the format: 2 is 1 with parameters of the pipeline.
pub const FORMAT: u32 = 2;
/// The version that is written where there are none, so that nothing changes for those who know no other.
pub(crate) const PLAIN: u32 = 1;
/// More text than this is not read.
const MOST_BYTES: usize = 64 << 20;

/// Why a file is no pipeline.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON.
    #[error("line {line}, column {column}: this is no JSON: {message}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// It is JSON of something else.
    #[error("this is JSON, but no {expected}: it does not say \"millrace\": \"{marker}\"")]
    SomethingElse {
        /// What was looked for, in words.
        expected: &'static str,
        /// And in the file.
        marker: &'static str,
    },
    /// A later version wrote it.
    #[error("it is of format {found}, and this version of Millrace reads up to {known}: open it with a newer version")]
    Newer {
        /// Its format.
        found: u64,
        /// The latest format known.
        known: u32,
    },
    /// A part of it is not as it should be.
    #[error("line {line}, column {column}, at {path}: {message}")]
    Part {
        /// `nodes.split.params.fraction`.
        path: String,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// Found and expected.
        message: String,
    },
    /// The edges do not fit the nodes.
    #[error("its edges do not fit: {0}")]
    Edges(#[from] EditError),
    /// It is far too long.
    #[error("it has {0} bytes, more than a pipeline ever has")]
    TooLong(usize),
}

/// A part of the file that is not as it should be.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    /// Innermost step first.
    way: Vec<Step>,
    message: String,
}

impl Wrong {
    fn new(message: impl Into<String>) -> Self {
        Self { way: Vec::new(), message: message.into() }
    }

    fn under(mut self, step: impl Into<Step>) -> Self {
        self.way.push(step.into());
        self
    }

    fn placed(mut self, text: &str) -> ReadError {
        self.way.reverse();
        let (line, column) = locate(text, &self.way);
        let path = self.way.iter().map(Step::to_string).collect::<Vec<_>>().join(".");
        ReadError::Part {
            path: if path.is_empty() { "the top".into() } else { path },
            line,
            column,
            message: self.message,
        }
    }
}

impl Pipeline {
    /// As canonical JSON.
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// From JSON, of this format or an earlier one.
    ///
    /// # Errors
    /// Text that is no pipeline, with the place where it goes wrong.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        from_json(text)
    }
}

/// A pipeline as canonical JSON.
pub fn to_json(pipeline: &Pipeline) -> String {
    let edges: Map<String, Json> =
        pipeline.edges.iter().map(|(to, from)| (to.to_string(), from.to_string().into())).gather();
    let is_plain = pipeline.parameters.is_empty();
    let mut file = sorted([
        ("edges", Json::Object(edges)),
        ("format", if is_plain { PLAIN } else { FORMAT }.into()),
        ("millrace", "pipeline".into()),
        ("name", pipeline.name.as_str().into()),
        ("nodes", nodes_to_json(&pipeline.nodes_unbound())),
        ("parameters", parameters_to_json(pipeline)),
        ("seed", pipeline.seed.into()),
    ]);
    if let (true, Json::Object(fields)) = (is_plain, &mut file) {
        fields.remove("parameters");
    }
    pretty(&file)
}

/// A pipeline from JSON, of this format or an earlier one.
///
/// # Errors
/// Text that is no pipeline, with the place where it goes wrong.
pub fn from_json(text: &str) -> Result<Pipeline, ReadError> {
    let file = open(text, "pipeline", "pipeline file")?;
    let read = || -> Result<_, Wrong> {
        let mut fields = Fields::of(&file)?;
        fields.skip(&["format", "millrace"]);
        let name = fields.optional("name", as_text)?.unwrap_or_default().to_owned();
        let seed = fields.optional("seed", as_seed)?.unwrap_or_default();
        let nodes = fields.needed("nodes", nodes_from_json)?;
        let edges = fields.optional("edges", edges_from_json)?.unwrap_or_default();
        let declared = fields.optional("parameters", |json| parameters_from_json(json, &nodes))?.unwrap_or_default();
        fields.end()?;
        Ok((name, seed, nodes, edges, declared))
    };
    let (name, seed, nodes, edges, declared) = read().map_err(|wrong| wrong.placed(text))?;
    Ok(Pipeline::from_parts(name, seed, nodes, edges)?.with_parameters(declared)?)
}

fn parameters_to_json(pipeline: &Pipeline) -> Json {
    let parameter = |(name, Parameter { label, kind, default }, bound): Declared| {
        let places = bound.iter().map(|(node, param)| Json::from(format!("{node}.{param}")));
        let fields = sorted([
            ("bound", Json::Array(places.collect())),
            ("default", value_to_json(&default)),
            ("kind", kind.word().into()),
            ("label", label.into()),
        ]);
        (name, fields)
    };
    Json::Object(pipeline.declared().into_iter().map(parameter).gather())
}

fn parameters_from_json(json: &Json, nodes: &BTreeMap<NodeId, Node>) -> Result<Vec<Declared>, Wrong> {
    let Json::Object(entries) = json else {
        return Err(Wrong::new(format!("expected parameters by name, found {}", kind(json))));
    };
    let mut taken = BTreeMap::new();
    let mut read = |name: &String, json: &Json| {
        if !crate::parameter::is_name(name) {
            return Err(Wrong::new(EditError::ParameterName(name.clone()).to_string()));
        }
        let mut fields = Fields::of(json)?;
        let mut place = |json: &Json| {
            let text = as_text(json)?;
            let (node, param) = port(text)?;
            let Some(placed) = nodes.get(&node) else {
                return Err(Wrong::new(format!("there is no node `{node}` to bind")));
            };
            if placed.params.contains_key(&param) {
                return Err(Wrong::new(format!("`{text}` takes the value of `{name}`: leave it out of the node")));
            }
            match taken.insert(text.to_owned(), name.clone()) {
                Some(other) => Err(Wrong::new(format!("`{text}` is bound to `{other}` already"))),
                None => Ok((node, param)),
            }
        };
        let mut bound = Vec::new();
        if let Some(places) = fields.optional("bound", |json| list(json, |json| Ok(json.clone())))? {
            for (place_idx, json) in places.iter().enumerate() {
                bound.push(place(json).map_err(|wrong| wrong.under(place_idx).under("bound"))?);
            }
        }
        let default = fields.needed("default", value_from_json)?;
        let kind = fields.needed("kind", |json| {
            from_word::<ParameterKind>(json, "a kind (switch, integer, number, text, columns or file)")
        })?;
        let label = fields.optional("label", text_of)?.unwrap_or_else(|| name.clone());
        fields.end()?;
        Ok((name.clone(), Parameter { label, kind, default }, bound))
    };
    entries.iter().map(|(name, json)| read(name, json).map_err(|wrong| wrong.under(name.as_str()))).collect()
}

/// Parses text, looks whether it is what is wanted, and brings it to this format.
pub(crate) fn open(text: &str, marker: &'static str, expected: &'static str) -> Result<Json, ReadError> {
    if text.len() > MOST_BYTES {
        return Err(ReadError::TooLong(text.len()));
    }
    // Editors on some systems put a byte order mark first.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut file: Json = serde_json::from_str(text).map_err(|error| ReadError::Syntax {
        line: error.line(),
        column: error.column(),
        message: without_place(&error.to_string()),
    })?;
    if file.get("millrace").and_then(Json::as_str) != Some(marker) {
        return Err(ReadError::SomethingElse { expected, marker });
    }
    let format = file.get("format").map_or(Ok(0), |format| {
        format.as_u64().ok_or_else(|| {
            Wrong::new(format!("expected the number of a format, found {}", kind(format))).under("format")
        })
    });
    let format = format.map_err(|wrong| wrong.placed(text))?;
    if format > u64::from(FORMAT) {
        return Err(ReadError::Newer { found: format, known: FORMAT });
    }
    for step in FORMAT_STEPS.iter().filter(|step| u64::from(step.from) >= format) {
        (step.apply)(&mut file).map_err(|message| Wrong::new(message).placed(text))?;
    }
    Ok(file)
}

fn without_place(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

pub(crate) fn pretty(file: &Json) -> String {
    let mut text = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut text, Layout::default());
    // Writing a tree of plain values into memory has nothing that could fail.
    let _ = file.serialize(&mut writer);
    text.push(b'\n');
    String::from_utf8(text).unwrap_or_default()
}

/// Two spaces of indentation, and short arrays (positions, names) on one line.
#[derive(Default)]
struct Layout {
    depth: usize,
    in_arrays: usize,
    has_value: bool,
}

impl Layout {
    fn line<W: ?Sized + std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        if self.in_arrays > 0 {
            return Ok(());
        }
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }
}

impl serde_json::ser::Formatter for Layout {
    fn begin_array<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        self.in_arrays += 1;
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        self.in_arrays -= 1;
        writer.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn end_array_value<W: ?Sized + std::io::Write>(&mut self, _: &mut W) -> std::io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        self.depth -= 1;
        if self.has_value {
            self.line(writer)?;
        }
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if !first {
            writer.write_all(if self.in_arrays > 0 { b", " } else { b"," })?;
        }
        self.line(writer)
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + std::io::Write>(&mut self, _: &mut W) -> std::io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}

fn sorted<const N: usize>(fields: [(&str, Json); N]) -> Json {
    // Whatever order serde_json keeps, this one is sorted.
    let fields: BTreeMap<_, _> = fields.into_iter().gather();
    Json::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).gather())
}

pub(crate) fn nodes_to_json(nodes: &BTreeMap<NodeId, Node>) -> Json {
    Json::Object(nodes.iter().map(|(id, node)| (id.to_string(), node_to_json(node))).gather())
}

fn node_to_json(node: &Node) -> Json {
    let mut fields = Map::new();
    fields.insert("component".into(), format!("{}@{}", node.component, node.version).into());
    if !node.params.is_empty() {
        let params = node.params.iter().map(|(name, value)| (name.clone(), value_to_json(value)));
        fields.insert("params".into(), Json::Object(params.gather()));
    }
    fields.insert("position".into(), json!([number(node.position.x), number(node.position.y)]));
    if let Some(title) = &node.title {
        fields.insert("title".into(), title.as_str().into());
    }
    Json::Object(fields)
}

/// Whole numbers without a point.
fn number(x: f64) -> Json {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if x.fract() == 0.0 && x.abs() < EXACT { (x as i64).into() } else { x.into() }
}

/// A parameter's value as JSON: numbers as numbers (real ones with a point), text as text, and objects with one
/// telling key for the rest.
pub fn value_to_json(value: &Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Bool(truth) => (*truth).into(),
        Value::Int(n) => (*n).into(),
        Value::Float(x) => (*x).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Columns(ColumnSelection::All) => json!({ "all": true }),
        Value::Columns(ColumnSelection::Names(names)) => json!({ "names": names }),
        Value::Columns(ColumnSelection::Except(names)) => json!({ "except": names }),
        Value::Columns(ColumnSelection::Kinds(kinds)) => json!({ "kinds": kinds.iter().map(word).collect::<Vec<_>>() }),
        Value::File(file) => {
            let named: [(_, Json); 3] =
                [("file", file.name.as_str().into()), ("hash", file.hash.as_str().into()), ("size", file.size.into())];
            let mut fields: BTreeMap<_, _> = named.into_iter().gather();
            if let Some(bytes) = &file.inline {
                fields.insert("inline", STANDARD.encode(bytes).into());
            }
            if let Some(schema) = &file.schema {
                let columns =
                    schema.columns.iter().map(|column| json!([column.name, word(&column.kind), word(&column.role)]));
                fields.insert("columns", Json::Array(columns.collect()));
            }
            Json::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).gather())
        }
    }
}

/// The word that serde writes for a plain variant.
fn word(of: &impl Serialize) -> Json {
    serde_json::to_value(of).unwrap_or(Json::Null)
}

fn from_word<T: DeserializeOwned>(json: &Json, expected: &str) -> Result<T, Wrong> {
    T::deserialize(json).map_err(|_| Wrong::new(format!("expected {expected}, found {}", shown(json))))
}

/// A parameter's value from JSON.
pub(crate) fn value_from_json(json: &Json) -> Result<Value, Wrong> {
    match json {
        Json::Null => Ok(Value::None),
        Json::Bool(truth) => Ok(Value::Bool(*truth)),
        Json::String(text) => Ok(Value::Text(text.clone())),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(n), _) => Ok(Value::Int(n)),
            (None, Some(x)) if x.is_finite() => Ok(Value::Float(x)),
            _ => Err(Wrong::new(format!("{number} is too large a number"))),
        },
        Json::Array(_) => Err(Wrong::new("expected a value, found a list; columns are written {\"names\": [\"age\"]}")),
        Json::Object(fields) if fields.contains_key("file") => file_from_json(json).map(Value::File),
        Json::Object(_) => {
            let mut fields = Fields::of(json)?;
            let all = fields.optional("all", |json| match json {
                Json::Bool(true) => Ok(ColumnSelection::All),
                other => Err(Wrong::new(format!("expected true, found {}", shown(other)))),
            })?;
            let names = fields.optional("names", |json| list(json, text_of))?.map(ColumnSelection::Names);
            let except = fields.optional("except", |json| list(json, text_of))?.map(ColumnSelection::Except);
            let kinds = fields.optional("kinds", |json| list(json, kind_of))?.map(ColumnSelection::Kinds);
            fields.end()?;
            let mut found: Vec<_> = [all, names, except, kinds].into_iter().flatten().collect();
            match (found.pop(), found.is_empty()) {
                (Some(selection), true) => Ok(Value::Columns(selection)),
                _ => Err(Wrong::new(
                    "expected exactly one of \"all\", \"names\", \"except\" and \"kinds\", or a \"file\"",
                )),
            }
        }
    }
}

fn file_from_json(json: &Json) -> Result<FileRef, Wrong> {
    let mut fields = Fields::of(json)?;
    let name = fields.needed("file", text_of)?;
    let size = fields.needed("size", as_seed)?;
    let hash = fields.needed("hash", text_of)?;
    let inline = fields.optional("inline", |json| {
        STANDARD.decode(as_text(json)?).map_err(|error| Wrong::new(format!("expected bytes in base64: {error}")))
    })?;
    let schema = fields.optional("columns", |json| {
        let columns = list(json, |column| match column.as_array().map(Vec::as_slice) {
            Some([name, kind, role]) => Ok(Column {
                name: text_of(name)?,
                kind: kind_of(kind)?,
                role: from_word::<Role>(role, "a role (feature, target, id, weight or ignored)")?,
            }),
            _ => Err(Wrong::new(format!("expected [name, kind, role], found {}", kind_word(column)))),
        })?;
        Ok(Schema::new(columns))
    })?;
    fields.end()?;
    Ok(FileRef { name, size, hash, schema, inline })
}

pub(crate) fn nodes_from_json(json: &Json) -> Result<BTreeMap<NodeId, Node>, Wrong> {
    let Json::Object(entries) = json else {
        return Err(Wrong::new(format!("expected the nodes by id, found {}", kind(json))));
    };
    let mut nodes = BTreeMap::new();
    for (id, node) in entries {
        let read = || Ok((NodeId::new(id).map_err(Wrong::new)?, node_from_json(node)?));
        let (node_id, node) = read().map_err(|wrong: Wrong| wrong.under(id.as_str()))?;
        nodes.insert(node_id, node);
    }
    Ok(nodes)
}

fn node_from_json(json: &Json) -> Result<Node, Wrong> {
    let mut fields = Fields::of(json)?;
    let (component, version) = fields.needed("component", |json| {
        let text = as_text(json)?;
        let parsed = text.rsplit_once('@').and_then(|(id, version)| Some((id.to_owned(), version.parse().ok()?)));
        parsed.filter(|(id, _)| !id.is_empty()).ok_or_else(|| {
            Wrong::new(format!("expected a component with its version, as in \"split.split-data@1\", found {text:?}"))
        })
    })?;
    let params = fields.optional("params", |json| {
        let Json::Object(entries) = json else {
            return Err(Wrong::new(format!("expected parameters by name, found {}", kind(json))));
        };
        let read = |(name, json): (&String, &Json)| {
            Ok((name.clone(), value_from_json(json).map_err(|wrong| wrong.under(name.as_str()))?))
        };
        let mut params = Params::new();
        for entry in entries {
            let (name, value) = read(entry)?;
            params.insert(name, value);
        }
        Ok(params)
    })?;
    let position = fields.optional("position", |json| match json.as_array().map(Vec::as_slice) {
        Some([x, y]) => {
            Ok(Point { x: coordinate(x).map_err(|w| w.under(0))?, y: coordinate(y).map_err(|w| w.under(1))? })
        }
        _ => Err(Wrong::new(format!("expected [x, y], found {}", kind_word(json)))),
    })?;
    let title = fields.optional("title", text_of)?;
    fields.end()?;
    Ok(Node { component, version, title, params: params.unwrap_or_default(), position: position.unwrap_or_default() })
}

/// Positions further out than this are a mistake, and would be lost in rounding.
const FARTHEST: f64 = 1e7;

fn coordinate(json: &Json) -> Result<f64, Wrong> {
    json.as_f64()
        .filter(|x| x.abs() <= FARTHEST)
        .ok_or_else(|| Wrong::new(format!("expected a number from -10000000 to 10000000, found {}", shown(json))))
}

/// `{"score.model": "train.model"}`: to whom, from whom.
pub(crate) fn edges_from_json(json: &Json) -> Result<BTreeMap<InPort, OutPort>, Wrong> {
    let Json::Object(entries) = json else {
        return Err(Wrong::new(format!("expected {{\"node.input\": \"node.output\"}}, found {}", kind(json))));
    };
    let mut edges = BTreeMap::new();
    for (to, from) in entries {
        let read = || {
            let (to_node, to_port) = port(to)?;
            let (from_node, from_port) = port(as_text(from)?)?;
            Ok((InPort { node: to_node, port: to_port }, OutPort { node: from_node, port: from_port }))
        };
        let (to, from) = read().map_err(|wrong: Wrong| wrong.under(to.as_str()))?;
        edges.insert(to, from);
    }
    Ok(edges)
}

fn port(text: &str) -> Result<(NodeId, String), Wrong> {
    let (node, port) = text
        .split_once('.')
        .filter(|(_, port)| !port.is_empty())
        .ok_or_else(|| Wrong::new(format!("expected a port as in \"split-data.train\", found {text:?}")))?;
    Ok((NodeId::new(node).map_err(Wrong::new)?, port.to_owned()))
}

fn as_text(json: &Json) -> Result<&str, Wrong> {
    json.as_str().ok_or_else(|| Wrong::new(format!("expected text, found {}", shown(json))))
}

fn text_of(json: &Json) -> Result<String, Wrong> {
    as_text(json).map(str::to_owned)
}

fn kind_of(json: &Json) -> Result<Kind, Wrong> {
    from_word(json, "a kind (number, integer, boolean, category, text or date-time)")
}

fn as_seed(json: &Json) -> Result<u64, Wrong> {
    json.as_u64().ok_or_else(|| Wrong::new(format!("expected a whole number from 0, found {}", shown(json))))
}

fn list<T>(json: &Json, read: impl Fn(&Json) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
    let Json::Array(items) = json else {
        return Err(Wrong::new(format!("expected a list, found {}", kind(json))));
    };
    items.iter().enumerate().map(|(item_idx, item)| read(item).map_err(|wrong| wrong.under(item_idx))).collect()
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "nothing",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

fn kind_word(json: &Json) -> String {
    match json {
        Json::Array(items) => format!("a list of {}", items.len()),
        other => kind(other).into(),
    }
}

/// The value itself where it is short.
fn shown(json: &Json) -> String {
    match json {
        Json::Array(_) | Json::Object(_) => kind(json).into(),
        Json::String(text) if text.chars().count() > 40 => "a long text".into(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.to_string(),
    }
}

/// The fields of an object; one that nobody asks for is a mistake worth telling.
pub(crate) struct Fields<'a> {
    left: BTreeMap<&'a str, &'a Json>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(json: &'a Json) -> Result<Self, Wrong> {
        match json {
            Json::Object(fields) => {
                let left = fields.iter().map(|(name, value)| (name.as_str(), value)).gather();
                Ok(Self { left, known: Vec::new() })
            }
            other => Err(Wrong::new(format!("expected an object, found {}", kind(other)))),
        }
    }

    pub(crate) fn skip(&mut self, names: &[&'static str]) {
        for name in names {
            self.left.remove(name);
            self.known.push(name);
        }
    }

    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a Json) -> Result<T, Wrong>,
    ) -> Result<Option<T>, Wrong> {
        self.known.push(name);
        self.left.remove(name).map(|json| read(json).map_err(|wrong| wrong.under(name))).transpose()
    }

    pub(crate) fn needed<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a Json) -> Result<T, Wrong>,
    ) -> Result<T, Wrong> {
        self.optional(name, read)?.ok_or_else(|| Wrong::new(format!("{name:?} is missing")))
    }

    pub(crate) fn end(self) -> Result<(), Wrong> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => {
                let message = format!("unknown field {name:?}; there are {}", self.known.join(", "));
                Err(Wrong::new(message).under(*name))
            }
        }
    }
}

pub(crate) fn placed(wrong: Wrong, text: &str) -> ReadError {
    wrong.placed(text)
}
