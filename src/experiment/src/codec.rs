//! The parts of a run in its file and in the index.

use std::collections::BTreeMap;

use pipeline::NodeId;
use protocol::Direction;
use serde_json::Value as Json;

use crate::changes::{Changes, InputChange, NodeChange, ParamChange, Setting, WhatChanged};
use crate::entry::{IndexEntry, ParamValue};
use crate::figures::{numbers, read_numbers};
use crate::json::{Part, Wrong, choice, list, number, object, unusual};
use crate::key::{PipelineHash, RunKey};
use crate::record::{
    DataFile, FigureRecord, Host, LogLine, MetricRecord, NodeRun, Outcome, Repeats, RunRecord, RunState, TrialOf,
};
use crate::rows::TestRows;
use crate::scalar::Scalar;

/// The fields that a run has, in its file; others are of a later version.
pub(crate) const FIELDS: [&str; 26] = [
    "millrace",
    "format",
    "id",
    "number",
    "name",
    "document",
    "pipeline_name",
    "pipeline",
    "changes",
    "seed",
    "parameters",
    "data",
    "engine",
    "host",
    "started_at",
    "elapsed_secs",
    "state",
    "message",
    "nodes",
    "metrics",
    "figures",
    "log",
    "tags",
    "note",
    "archived",
    "trial",
];

pub(crate) fn run(run: &RunRecord) -> Vec<(&'static str, Json)> {
    vec![
        ("id", run.id.as_str().into()),
        ("number", run.number.into()),
        ("name", run.name.as_str().into()),
        ("document", run.document.as_str().into()),
        ("pipeline_name", run.pipeline_name.as_str().into()),
        ("pipeline", run.pipeline.as_str().into()),
        ("changes", changes(&run.changes)),
        ("seed", run.seed.into()),
        ("parameters", Json::Object(run.parameters.clone())),
        ("data", list(&run.data, data_file)),
        ("engine", run.engine.as_str().into()),
        ("host", host(&run.host)),
        ("started_at", run.started_at.into()),
        ("elapsed_secs", number(run.elapsed_secs)),
        ("state", run.state.word().into()),
        ("message", run.message.as_str().into()),
        ("nodes", list(&run.nodes, node_run)),
        ("metrics", list(&run.metrics, metric)),
        (
            "figures",
            list(&run.figures, |figure| {
                object(vec![("node", figure.node.as_str().into()), ("shown", figure.json.clone())])
            }),
        ),
        ("log", list(&run.log, log_line)),
        ("tags", texts(&run.tags)),
        ("note", run.note.as_str().into()),
        ("archived", run.archived.into()),
        ("trial", run.trial.as_ref().map_or(Json::Null, trial)),
    ]
}

pub(crate) fn read_run(part: &Part<'_>) -> Result<RunRecord, Wrong> {
    Ok(RunRecord {
        id: read_key(&part.needed("id")?)?,
        number: part.needed("number")?.count()?,
        name: part.at("name").text()?,
        document: part.at("document").text()?,
        pipeline_name: part.at("pipeline_name").text()?,
        pipeline: read_hash(&part.needed("pipeline")?)?,
        changes: read_changes(&part.at("changes"))?,
        seed: part.at("seed").whole()?,
        parameters: read_parameters(&part.at("parameters"))?,
        data: part.at("data").list(read_data_file)?,
        engine: part.at("engine").text()?,
        host: read_host(&part.needed("host")?)?,
        started_at: part.needed("started_at")?.whole()?,
        elapsed_secs: part.at("elapsed_secs").number()?,
        state: read_state(&part.needed("state")?)?,
        message: part.at("message").text()?,
        nodes: part.at("nodes").list(read_node_run)?,
        metrics: part.at("metrics").list(read_metric)?,
        figures: part.at("figures").list(|figure| {
            Ok(FigureRecord { node: figure.needed("node")?.node()?, json: figure.at("shown").json() })
        })?,
        log: part.at("log").list(read_log_line)?,
        tags: part.at("tags").texts()?,
        note: part.at("note").text()?,
        archived: part.at("archived").truth()?,
        trial: part.at("trial").there().map(|trial| read_trial(&trial)).transpose()?,
        extra: serde_json::Map::new(),
    })
}

fn read_parameters(part: &Part<'_>) -> Result<serde_json::Map<String, Json>, Wrong> {
    let mut parameters = serde_json::Map::new();
    part.each(|name, value| {
        parameters.insert(name.into(), value.json());
        Ok(())
    })?;
    Ok(parameters)
}

pub(crate) fn entry(entry: &IndexEntry) -> Json {
    object(vec![
        ("id", entry.id.as_str().into()),
        ("number", entry.number.into()),
        ("name", entry.name.as_str().into()),
        ("document", entry.document.as_str().into()),
        ("pipeline_name", entry.pipeline_name.as_str().into()),
        ("pipeline", entry.pipeline.as_str().into()),
        ("changes", changes(&entry.changes)),
        ("seed", entry.seed.into()),
        ("data", entry.data.as_str().into()),
        ("engine", entry.engine.as_str().into()),
        ("host", entry.host.as_str().into()),
        ("started_at", entry.started_at.into()),
        ("elapsed_secs", number(entry.elapsed_secs)),
        ("state", entry.state.word().into()),
        ("message", entry.message.as_str().into()),
        ("learner", entry.learner.as_str().into()),
        ("metrics", list(&entry.metrics, metric)),
        ("params", params(&entry.params)),
        ("test_rows", list(&entry.test_rows, test_rows)),
        ("tags", texts(&entry.tags)),
        ("note", entry.note.as_str().into()),
        ("archived", entry.archived.into()),
        ("trial", entry.trial.as_ref().map_or(Json::Null, trial)),
    ])
}

pub(crate) fn read_entry(part: &Part<'_>) -> Result<IndexEntry, Wrong> {
    Ok(IndexEntry {
        id: read_key(&part.needed("id")?)?,
        number: part.needed("number")?.count()?,
        name: part.at("name").text()?,
        document: part.at("document").text()?,
        pipeline_name: part.at("pipeline_name").text()?,
        pipeline: read_hash(&part.needed("pipeline")?)?,
        changes: read_changes(&part.at("changes"))?,
        seed: part.at("seed").whole()?,
        data: part.at("data").text()?,
        engine: part.at("engine").text()?,
        host: part.at("host").text()?,
        started_at: part.needed("started_at")?.whole()?,
        elapsed_secs: part.at("elapsed_secs").number()?,
        state: read_state(&part.needed("state")?)?,
        message: part.at("message").text()?,
        learner: part.at("learner").text()?,
        metrics: part.at("metrics").list(read_metric)?,
        params: read_params(&part.at("params"))?,
        test_rows: part.at("test_rows").list(read_test_rows)?,
        tags: part.at("tags").texts()?,
        note: part.at("note").text()?,
        archived: part.at("archived").truth()?,
        trial: part.at("trial").there().map(|trial| read_trial(&trial)).transpose()?,
    })
}

fn read_key(part: &Part<'_>) -> Result<RunKey, Wrong> {
    RunKey::new(&part.text()?).map_err(|message| part.wrong(message))
}

fn read_hash(part: &Part<'_>) -> Result<PipelineHash, Wrong> {
    PipelineHash::new(&part.text()?).map_err(|message| part.wrong(message))
}

fn texts(texts: &[String]) -> Json {
    list(texts, |text| text.as_str().into())
}

fn text_or_nothing(text: &Option<String>) -> Json {
    text.as_ref().map_or(Json::Null, |text| text.as_str().into())
}

fn read_text_or_nothing(part: &Part<'_>) -> Result<Option<String>, Wrong> {
    part.there().map(|part| part.text()).transpose()
}

fn read_state(part: &Part<'_>) -> Result<RunState, Wrong> {
    let word = part.text()?;
    let state = RunState::ALL.into_iter().find(|state| state.word() == word);
    state.ok_or_else(|| part.expected(&RunState::ALL.map(RunState::word).join(", ")))
}

fn host(host: &Host) -> Json {
    match host {
        Host::Browser { name, n_cores } => {
            choice("browser", object(vec![("name", name.as_str().into()), ("n_cores", (*n_cores).into())]))
        }
        Host::CommandLine { os, n_cores } => {
            choice("command-line", object(vec![("os", os.as_str().into()), ("n_cores", (*n_cores).into())]))
        }
    }
}

fn read_host(part: &Part<'_>) -> Result<Host, Wrong> {
    let (kind, held) = part.choice()?;
    let n_cores = held.at("n_cores").count()?;
    match kind {
        "browser" => Ok(Host::Browser { name: held.at("name").text()?, n_cores }),
        "command-line" => Ok(Host::CommandLine { os: held.at("os").text()?, n_cores }),
        _ => Err(part.expected("browser or command-line")),
    }
}

fn data_file(file: &DataFile) -> Json {
    object(vec![
        ("node", file.node.as_str().into()),
        ("name", file.name.as_str().into()),
        ("size", file.size.into()),
        ("hash", file.hash.as_str().into()),
    ])
}

fn read_data_file(part: &Part<'_>) -> Result<DataFile, Wrong> {
    Ok(DataFile {
        node: part.needed("node")?.node()?,
        name: part.at("name").text()?,
        size: part.at("size").whole()?,
        hash: part.at("hash").text()?,
    })
}

fn node_run(run: &NodeRun) -> Json {
    let outcome = match &run.outcome {
        Outcome::Pending => "pending".into(),
        Outcome::Ran => "ran".into(),
        Outcome::Reused => "reused".into(),
        Outcome::Failed { message, help } => {
            choice("failed", object(vec![("message", message.as_str().into()), ("help", help.as_str().into())]))
        }
        Outcome::Skipped { because } => choice("skipped", because.as_str().into()),
        Outcome::Stopped => "stopped".into(),
    };
    object(vec![
        ("node", run.node.as_str().into()),
        ("outcome", outcome),
        ("why", run.why.as_str().into()),
        ("start_secs", run.start_secs.map_or(Json::Null, number)),
        ("elapsed_secs", number(run.elapsed_secs)),
        ("worker", run.worker.into()),
        ("helpers", run.helpers.iter().copied().collect::<Vec<u32>>().into()),
        ("outputs", named(&run.outputs)),
        ("artifacts", named(&run.artifacts)),
    ])
}

fn read_node_run(part: &Part<'_>) -> Result<NodeRun, Wrong> {
    let outcome = part.needed("outcome")?;
    let (word, held) = outcome.choice()?;
    let outcome = match word {
        "pending" => Outcome::Pending,
        "ran" => Outcome::Ran,
        "reused" => Outcome::Reused,
        "failed" => Outcome::Failed { message: held.at("message").text()?, help: held.at("help").text()? },
        "skipped" => Outcome::Skipped { because: held.node()? },
        "stopped" => Outcome::Stopped,
        _ => return Err(outcome.expected("pending, ran, reused, failed, skipped or stopped")),
    };
    Ok(NodeRun {
        outcome,
        why: part.at("why").text()?,
        start_secs: part.at("start_secs").there().map(|secs| secs.number()).transpose()?,
        elapsed_secs: part.at("elapsed_secs").number()?,
        worker: part.at("worker").count()?,
        helpers: part.at("helpers").list(|worker| worker.count())?.into_iter().collect(),
        outputs: read_named(&part.at("outputs"))?,
        artifacts: read_named(&part.at("artifacts"))?,
        ..NodeRun::new(part.needed("node")?.node()?)
    })
}

fn named(texts: &BTreeMap<String, String>) -> Json {
    let mut fields = serde_json::Map::new();
    texts.iter().for_each(|(name, text)| _ = fields.insert(name.clone(), text.as_str().into()));
    Json::Object(fields)
}

fn read_named(part: &Part<'_>) -> Result<BTreeMap<String, String>, Wrong> {
    let mut texts = BTreeMap::new();
    part.each(|name, text| {
        texts.insert(name.to_owned(), text.text()?);
        Ok(())
    })?;
    Ok(texts)
}

fn metric(metric: &MetricRecord) -> Json {
    let better = match metric.better {
        Some(Direction::Higher) => "higher".into(),
        Some(Direction::Lower) => "lower".into(),
        None => Json::Null,
    };
    let repeats = metric.repeats.as_ref().map(|repeats| {
        object(vec![
            ("values", numbers(&repeats.values)),
            ("n_train", repeats.n_train.into()),
            ("n_test", repeats.n_test.into()),
        ])
    });
    object(vec![
        ("node", metric.node.as_str().into()),
        ("name", metric.name.as_str().into()),
        ("label", metric.label.as_str().into()),
        ("value", number(metric.value)),
        ("better", better),
        ("n_rows", metric.n_rows.map_or(Json::Null, Json::from)),
        ("repeats", repeats.unwrap_or_default()),
    ])
}

fn read_metric(part: &Part<'_>) -> Result<MetricRecord, Wrong> {
    let better = part.at("better");
    let read_repeats = |repeats: Part<'_>| -> Result<Repeats, Wrong> {
        Ok(Repeats {
            values: read_numbers(&repeats.at("values"))?,
            n_train: repeats.at("n_train").whole()?,
            n_test: repeats.at("n_test").whole()?,
        })
    };
    Ok(MetricRecord {
        node: part.needed("node")?.node()?,
        name: part.needed("name")?.text()?,
        label: part.at("label").text()?,
        value: part.needed("value")?.number()?,
        better: match better.text()?.as_str() {
            "higher" => Some(Direction::Higher),
            "lower" => Some(Direction::Lower),
            "" => None,
            _ => return Err(better.expected("higher or lower")),
        },
        n_rows: part.at("n_rows").there().map(|n| n.whole()).transpose()?,
        repeats: part.at("repeats").there().map(read_repeats).transpose()?,
    })
}

fn log_line(line: &LogLine) -> Json {
    object(vec![
        ("at_secs", number(line.at_secs)),
        ("node", line.node.as_ref().map_or(Json::Null, |node| node.as_str().into())),
        ("text", line.text.as_str().into()),
    ])
}

fn read_log_line(part: &Part<'_>) -> Result<LogLine, Wrong> {
    Ok(LogLine {
        at_secs: part.at("at_secs").number()?,
        node: part.at("node").there().map(|node| node.node()).transpose()?,
        text: part.at("text").text()?,
    })
}

fn trial(trial: &TrialOf) -> Json {
    object(vec![("sweep", trial.sweep.as_str().into()), ("number", trial.number.into())])
}

fn read_trial(part: &Part<'_>) -> Result<TrialOf, Wrong> {
    Ok(TrialOf { sweep: part.at("sweep").text()?, number: part.at("number").count()? })
}

fn test_rows((node, rows): &(NodeId, TestRows)) -> Json {
    object(vec![
        ("node", node.as_str().into()),
        ("key", rows.key.as_str().into()),
        ("held_out", rows.held_out.into()),
        ("seen_in_training", rows.seen_in_training.into()),
    ])
}

fn read_test_rows(part: &Part<'_>) -> Result<(NodeId, TestRows), Wrong> {
    let rows = TestRows {
        key: part.at("key").text()?,
        held_out: part.at("held_out").truth()?,
        seen_in_training: part.at("seen_in_training").truth()?,
    };
    Ok((part.needed("node")?.node()?, rows))
}

/// Node by node, each with its parameters by name.
fn params(params: &[ParamValue]) -> Json {
    let mut nodes = serde_json::Map::new();
    for param in params {
        let value = match &param.value {
            Scalar::None => Json::Null,
            Scalar::Truth(truth) => (*truth).into(),
            Scalar::Number(x) => number(*x),
            Scalar::Text(text) => text.as_str().into(),
        };
        let node = nodes.entry(param.node.as_str()).or_insert_with(|| Json::Object(serde_json::Map::new()));
        if let Json::Object(node) = node {
            node.insert(param.name.clone(), value);
        }
    }
    Json::Object(nodes)
}

fn read_params(part: &Part<'_>) -> Result<Vec<ParamValue>, Wrong> {
    let mut params = Vec::new();
    part.each(|node, values| {
        let node = NodeId::new(node).map_err(|message| values.wrong(message))?;
        values.each(|name, value| {
            let value = match value.json() {
                Json::Null => Scalar::None,
                Json::Bool(truth) => Scalar::Truth(truth),
                Json::String(text) => unusual(&text).map_or(Scalar::Text(text), Scalar::Number),
                Json::Number(_) | Json::Array(_) | Json::Object(_) => Scalar::Number(value.number()?),
            };
            params.push(ParamValue { node: node.clone(), name: name.into(), value });
            Ok(())
        })
    })?;
    Ok(params)
}

fn changes(changes: &Changes) -> Json {
    let seed = changes.seed.map(|(old, new)| Json::Array(vec![old.into(), new.into()]));
    object(vec![("nodes", list(&changes.nodes, node_change)), ("seed", seed.unwrap_or_default())])
}

fn read_changes(part: &Part<'_>) -> Result<Changes, Wrong> {
    let seed = part.at("seed");
    Ok(Changes {
        nodes: part.at("nodes").list(read_node_change)?,
        seed: match seed.wholes()?.as_slice() {
            [] => None,
            [old, new] => Some((*old, *new)),
            _ => return Err(seed.expected("two seeds")),
        },
    })
}

fn node_change(change: &NodeChange) -> Json {
    let what = match &change.what {
        WhatChanged::Added => "added".into(),
        WhatChanged::Removed => "removed".into(),
        WhatChanged::Changed => "changed".into(),
        WhatChanged::Replaced { node, title, component, caption } => choice(
            "replaced",
            object(vec![
                ("node", node.as_str().into()),
                ("title", title.as_str().into()),
                ("component", component.as_str().into()),
                ("caption", caption.as_str().into()),
            ]),
        ),
    };
    let input = |input: &InputChange| {
        object(vec![
            ("port", input.port.as_str().into()),
            ("old", text_or_nothing(&input.old)),
            ("new", text_or_nothing(&input.new)),
        ])
    };
    object(vec![
        ("node", change.node.as_str().into()),
        ("title", change.title.as_str().into()),
        ("component", change.component.as_str().into()),
        ("caption", change.caption.as_str().into()),
        ("what", what),
        (
            "params",
            list(&change.params, |param| {
                object(vec![
                    ("param", param.param.as_str().into()),
                    ("label", param.label.as_str().into()),
                    ("old", setting(&param.old)),
                    ("new", setting(&param.new)),
                ])
            }),
        ),
        ("inputs", list(&change.inputs, input)),
    ])
}

fn read_node_change(part: &Part<'_>) -> Result<NodeChange, Wrong> {
    let what = part.needed("what")?;
    let (word, held) = what.choice()?;
    let what = match word {
        "added" => WhatChanged::Added,
        "removed" => WhatChanged::Removed,
        "changed" => WhatChanged::Changed,
        "replaced" => WhatChanged::Replaced {
            node: held.needed("node")?.node()?,
            title: held.at("title").text()?,
            component: held.at("component").text()?,
            caption: held.at("caption").text()?,
        },
        _ => return Err(what.expected("added, removed, changed or replaced")),
    };
    Ok(NodeChange {
        node: part.needed("node")?.node()?,
        title: part.at("title").text()?,
        component: part.at("component").text()?,
        caption: part.at("caption").text()?,
        what,
        params: part.at("params").list(|param| {
            let (old, new) = (read_setting(&param.at("old"))?, read_setting(&param.at("new"))?);
            Ok(ParamChange { param: param.at("param").text()?, label: param.at("label").text()?, old, new })
        })?,
        inputs: part.at("inputs").list(|input| {
            let (old, new) = (read_text_or_nothing(&input.at("old"))?, read_text_or_nothing(&input.at("new"))?);
            Ok(InputChange { port: input.at("port").text()?, old, new })
        })?,
    })
}

/// A value may be anything, nothing too, so that it is never left out: `[value, "in words"]`.
fn setting(setting: &Option<Setting>) -> Json {
    let Some(setting) = setting else { return Json::Null };
    Json::Array(vec![setting.value.clone(), setting.words.as_str().into()])
}

fn read_setting(part: &Part<'_>) -> Result<Option<Setting>, Wrong> {
    if part.there().is_none() {
        return Ok(None);
    }
    match part.list(|part| Ok(part.json()))?.as_slice() {
        [value, Json::String(words)] => Ok(Some(Setting { value: value.clone(), words: words.clone() })),
        _ => Err(part.expected("[value, \"in words\"]")),
    }
}
