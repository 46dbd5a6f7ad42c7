//! Where a pipeline comes from, and `millrace link`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use pipeline::link::{self, LinkSize, Mark};
use pipeline::{COMPONENT_STEPS, Catalogue, Pipeline, Value, bring_up_to_date};

use crate::values::{self, Files};
use crate::{Outcome, Subject, say};

/// A pipeline with the settings of the command line.
pub struct Document {
    /// Where it came from, in a few characters.
    pub name: String,
    /// What it says.
    pub pipeline: Pipeline,
    /// The files that the command line names.
    pub files: Files,
    /// Where the other files of the pipeline may lie.
    pub folder: PathBuf,
}

impl Document {
    /// Reads what the command line names and applies its settings.
    pub fn open(subject: &Subject, catalogue: &Catalogue) -> Result<Self> {
        let (name, mut pipeline, folder) = read(&subject.source)?;
        if let Some(edit) = bring_up_to_date(&pipeline, catalogue, COMPONENT_STEPS) {
            pipeline.apply(edit)?;
        }
        let files = values::apply(&mut pipeline, catalogue, subject)?;
        Ok(Self { name, pipeline, files, folder })
    }
}

/// What `link` is asked.
#[derive(clap::Args)]
pub struct LinkArguments {
    #[command(flatten)]
    subject: Subject,
    /// Where the studio is
    #[arg(long, value_name = "ADDRESS", default_value = "http://localhost:8080/")]
    base: String,
}

/// Prints the link, and its length on standard error.
pub fn link(arguments: &LinkArguments) -> Result<Outcome> {
    let engine = engine::Engine::new(components::catalogue(), 0);
    let document = Document::open(&arguments.subject, engine.catalogue())?;
    let base = arguments.base.split('#').next().unwrap_or_default();
    let packed = link::pack(&document.pipeline);
    let address = format!("{base}#{}", packed.fragment);
    say::out(&format!("{address}\n"))?;
    let size = LinkSize::of(&address);
    let verdict = match size.mark {
        Mark::Green => "fits every chat, mail and browser",
        Mark::Amber => "opens in every browser; some chats cut links of this length",
        Mark::Red => "too long for many places: hand on the file instead",
    };
    say::aside(&format!("{} characters: {verdict}\n", size.n_chars));
    if !packed.has_layout {
        say::aside("the places of the nodes are left out, so that it stays short\n");
    }
    if !packed.has_data && names_files(&document.pipeline) {
        say::aside("no data is in it: whoever opens it is asked for the files\n");
    }
    Ok(Outcome::Good)
}

fn names_files(pipeline: &Pipeline) -> bool {
    pipeline.nodes().values().flat_map(|node| node.params.values()).any(|value| matches!(value, Value::File(_)))
}

fn read(source: &str) -> Result<(String, Pipeline, PathBuf)> {
    let here = PathBuf::from(".");
    if is_link(source) {
        let pipeline = link::decode(source).map_err(|error| anyhow!("the link does not open: {error}"))?;
        return Ok(("link".to_owned(), pipeline, here));
    }
    let (name, text, folder) = if source == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).context("standard input cannot be read as text")?;
        ("standard input".to_owned(), text, here)
    } else {
        let path = Path::new(source);
        let text = fs::read_to_string(path).with_context(|| format!("{source} cannot be read"))?;
        (source.to_owned(), text, path.parent().map(Path::to_owned).unwrap_or(here))
    };
    let pipeline = Pipeline::from_json(&text).map_err(|error| anyhow!("{name} does not open: {error}"))?;
    Ok((name, pipeline, folder))
}

/// Whether this is an address, or the part of one after the `#`, rather than a path.
fn is_link(source: &str) -> bool {
    source.contains("#p=") || source.starts_with("p=")
}
