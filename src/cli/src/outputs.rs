//! `--out`: every result of a run as a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use charts::{Figure, Theme};
use engine::Artifact;
use pipeline::{NodeId, OutPort};
use protocol::{ExportFormat, NodeOutcome, Panel};
use serde_json::{Value, json};

use crate::report;
use crate::run::Ran;

/// Writes tables as CSV, models and metrics as JSON and charts as SVG into `folder`.
///
/// Files are named `<node>.<output>.<extension>`; `report.json` tells how the run went.
pub fn write(ran: &Ran, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for (id, node) in &ran.report.nodes {
        if matches!(node.outcome, NodeOutcome::Ran | NodeOutcome::Reused) {
            write_outputs(ran, id, node.outputs.keys(), folder)?;
            write_panels(ran, id, folder)?;
        }
    }
    let report = report::as_json(&ran.document.pipeline, &ran.report);
    save(folder, "report.json", format!("{report:#}\n").as_bytes())
}

fn write_outputs<'a>(ran: &Ran, id: &NodeId, ports: impl Iterator<Item = &'a String>, folder: &Path) -> Result<()> {
    for port in ports {
        let artifact = ran.engine.artifact(&OutPort::new(id, port))?;
        let (format, extension) = match &artifact {
            Artifact::Table(_) => (ExportFormat::Csv, "csv"),
            // Their settings are in the pipeline already.
            Artifact::Learner(_) | Artifact::Clusterer(_) => continue,
            Artifact::Model(_) | Artifact::Clustering(_) | Artifact::Transformation(_) | Artifact::Evaluation(_) => {
                (ExportFormat::Json, "json")
            }
        };
        save(folder, &format!("{id}.{port}.{extension}"), &engine::export(&artifact, format)?)?;
    }
    Ok(())
}

/// What a node shows beside its outputs.
fn write_panels(ran: &Ran, id: &NodeId, folder: &Path) -> Result<()> {
    let view = ran.engine.view(id)?;
    let mut n_named = BTreeMap::new();
    for panel in &view.panels {
        match panel {
            Panel::Figure(figure) => {
                let n: &mut usize = n_named.entry(figure.id.clone()).or_default();
                *n += 1;
                let name = if *n == 1 { figure.id.clone() } else { format!("{}-{n}", figure.id) };
                write_figure(figure, &format!("{id}.{name}"), folder)?;
            }
            Panel::Metrics { .. }
            | Panel::Confusion(_)
            | Panel::Tree(_)
            | Panel::Facts { .. }
            | Panel::Pictures(_)
            | Panel::Map { .. } => {}
        }
    }
    let others: Vec<_> = view.panels.iter().filter(|panel| !matches!(panel, Panel::Figure(_))).map(as_json).collect();
    if others.is_empty() {
        Ok(())
    } else {
        save(folder, &format!("{id}.view.json"), format!("{:#}\n", json!(others)).as_bytes())
    }
}

fn write_figure(figure: &Figure, stem: &str, folder: &Path) -> Result<()> {
    save(folder, &format!("{stem}.json"), &serde_json::to_vec_pretty(figure)?)?;
    save(folder, &format!("{stem}.svg"), charts::to_svg(figure, 720.0, 480.0, &Theme::light()).as_bytes())
}

fn as_json(panel: &Panel) -> Value {
    serde_json::to_value(panel).unwrap_or(Value::Null)
}

fn save(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    let path = folder.join(name);
    fs::write(&path, content).with_context(|| format!("{} cannot be written", path.display()))
}
