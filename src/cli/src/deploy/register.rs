//! `millrace register`: run a pipeline and put its model into the registry.

use std::fs;
use std::path::PathBuf;

use ::registry::{Change, Name};
use anyhow::{Context, Result, anyhow, bail};
use experiment::pipeline_hash;
use pipeline::{NodeId, servable};
use protocol::About;
use serde_json::json;

use super::{Where, name, pair, who};
use crate::run::{Compute, Ran};
use crate::{Outcome, Subject, record, report, say, values};

/// What `register` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    place: Where,
    /// The node that gives the model, or scores with it [default: the one that a Web Service Output marks, or the only
    /// one there is]
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
    /// The model's name [default: after the pipeline]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Let this alias point to the new version, as in `--alias challenger`
    #[arg(long, value_name = "ALIAS")]
    alias: Vec<String>,
    /// Tag the new version
    #[arg(long, value_name = "KEY=VALUE")]
    tag: Vec<String>,
    /// What is to be said of it
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    /// Record the run in this folder, and name it on the model's card
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Write the package into this file, and register nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["alias", "tag"])]
    out: Option<PathBuf>,
    /// Print what was registered as JSON
    #[arg(long)]
    json: bool,
}

/// Runs, packs and registers.
pub fn register(arguments: &Arguments) -> Result<Outcome> {
    let started_at = record::now_millis();
    let ran = Ran::new(&arguments.subject, &[], Compute::default(), arguments.json)?;
    if !report::all_came_through(&ran.report) {
        let pipeline = &ran.document.pipeline;
        say::aside(&report::in_words(pipeline, &pipeline.topological_order(), &ran.report));
        return Ok(Outcome::Bad);
    }
    let run = match &arguments.record {
        Some(folder) => record::write(&ran, &arguments.subject.source, started_at, folder)?.to_string(),
        None => String::new(),
    };
    let node = node(&ran, arguments.node.as_deref())?;
    let about = About {
        run,
        pipeline_hash: pipeline_hash(&ran.document.pipeline).to_string(),
        now_ms: record::now_millis(),
        engine: env!("CARGO_PKG_VERSION").into(),
        description: arguments.description.clone(),
    };
    let package = ran.engine.package(&ran.document.pipeline, &node, &about);
    let package = package.map_err(|failure| anyhow!("{failure}\n  help: {}", failure.help))?;
    let bytes = package.to_bytes();
    // What cannot be served is not registered.
    endpoint::Scorer::load(&bytes).context("the package cannot be served")?;
    if let Some(path) = &arguments.out {
        fs::write(path, &bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        say::out(&format!("{} ({} bytes)\n", path.display(), bytes.len()))?;
        return Ok(Outcome::Good);
    }
    let model = model_name(arguments, &ran)?;
    let tags = arguments.tag.iter().map(|tag| pair(tag, "--tag KEY=VALUE")).collect::<Result<Vec<_>>>()?;
    let aliases = arguments.alias.iter().map(|alias| name(alias)).collect::<Result<Vec<_>>>()?;
    let folder = arguments.place.folder();
    let version = folder.register(&who(), &model, &bytes, |version| {
        let tagged = tags.iter().map(|(key, value)| Change::TagSet {
            model: model.clone(),
            version,
            key: (*key).into(),
            value: Some((*value).into()),
        });
        let pointed =
            aliases.iter().map(|alias| Change::AliasSet { model: model.clone(), alias: alias.clone(), version });
        tagged.chain(pointed).collect()
    })?;
    let card = &package.header.card;
    if arguments.json {
        let json = json!({
            "model": model, "version": version, "uri": format!("models:/{model}/{version}"),
            "signature": package.header.signature, "card": card,
        });
        say::out(&format!("{json:#}\n"))?;
    } else {
        let mut text = format!("models:/{model}/{version}  {}\n", card.learner);
        text.push_str(&format!("  rows enter: {} ({})\n", card.entry.title, card.entry.what));
        for step in &card.steps {
            text.push_str(&format!("  then {}: {}\n", step.title, step.what));
        }
        say::out(&text)?;
    }
    Ok(Outcome::Good)
}

fn model_name(arguments: &Arguments, ran: &Ran) -> Result<Name> {
    match &arguments.name {
        Some(text) => name(text),
        None => Name::from_title(ran.document.pipeline.name())
            .context("the pipeline's name makes no name for a model: give one with --name"),
    }
}

/// The node that was named, or that can only be meant.
fn node(ran: &Ran, named: Option<&str>) -> Result<NodeId> {
    let pipeline = &ran.document.pipeline;
    if let Some(text) = named {
        let id = NodeId::new(text).map_err(|reason| anyhow!("--node {text}: {reason}"))?;
        if pipeline.node(&id).is_none() {
            bail!("--node {text}: {}", values::no_such_node(pipeline, text));
        }
        return Ok(id);
    }
    match &servable(pipeline, ran.engine.catalogue())[..] {
        [id] => Ok(id.clone()),
        [] => bail!("the pipeline trains no model\n  help: add Train Model"),
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            bail!("several models could be meant: {}\n  help: name one with --node", names.join(", "))
        }
    }
}
