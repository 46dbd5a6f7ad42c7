//! What a run says: a summary for people, and the same as JSON.

use protocol::{NodeOutcome, NodeReport, RunReport};
use serde_json::{Value, json};

use pipeline::{Pipeline, value_to_json};

/// One line for each node, then the metrics.
pub fn in_words(pipeline: &Pipeline, order: &[pipeline::NodeId], report: &RunReport) -> String {
    let width = report.nodes.keys().map(|id| id.as_str().len()).max().unwrap_or(0);
    let mut text = format!("{}\n\n", if pipeline.name().is_empty() { "Untitled" } else { pipeline.name() });
    for (name, parameter) in pipeline.parameters() {
        text.push_str(&format!("  {name} = {}\n", shown(&parameter.default)));
    }
    if !pipeline.parameters().is_empty() {
        text.push('\n');
    }
    let nodes = || order.iter().filter_map(|id| Some((id, report.nodes.get(id)?)));
    for (id, node) in nodes() {
        let word = word(&node.outcome);
        let line = format!("  {word:9} {:width$}  {:>8}  {}", id.as_str(), time(node), flowed(node));
        text.push_str(line.trim_end());
        text.push('\n');
        match &node.outcome {
            NodeOutcome::Failed(failure) => {
                text.push_str(&format!("            {}\n", failure.message));
                if !failure.help.is_empty() {
                    text.push_str(&format!("            help: {}\n", failure.help));
                }
            }
            NodeOutcome::Skipped(_) => text.push_str(&format!("            {}\n", node.why)),
            NodeOutcome::Ran | NodeOutcome::Reused | NodeOutcome::Cancelled => {}
        }
    }
    for (id, node) in nodes().filter(|(_, node)| !node.metrics.is_empty()) {
        text.push_str(&format!("\n{id}\n"));
        let width = node.metrics.keys().map(String::len).max().unwrap_or(0);
        for (name, value) in &node.metrics {
            text.push_str(&format!("  {name:width$}  {value}\n"));
        }
    }
    text.push_str(&format!("\n{} in {}\n", verdict(report), duration(report.elapsed_secs)));
    text
}

/// Whether every node came through.
pub fn all_came_through(report: &RunReport) -> bool {
    report.nodes.values().all(|node| matches!(node.outcome, NodeOutcome::Ran | NodeOutcome::Reused))
}

/// The whole run as data. The names in it are stable.
pub fn as_json(pipeline: &Pipeline, report: &RunReport) -> Value {
    let nodes: serde_json::Map<_, _> = report
        .nodes
        .iter()
        .map(|(id, node)| {
            let mut entry = json!({
                "component": pipeline.node(id).map(|node| node.component.as_str()),
                "outcome": word(&node.outcome),
                "why": node.why,
                "elapsed_secs": node.elapsed_secs,
                "workers": node.workers,
                "outputs": node.outputs,
                "artifacts": node.artifacts,
                "metrics": node.metrics,
            });
            match &node.outcome {
                NodeOutcome::Failed(failure) => {
                    entry["failure"] = json!({ "message": failure.message, "help": failure.help });
                }
                NodeOutcome::Skipped(culprit) => entry["skipped_because_of"] = json!(culprit.as_str()),
                NodeOutcome::Ran | NodeOutcome::Reused | NodeOutcome::Cancelled => {}
            }
            (id.to_string(), entry)
        })
        .collect();
    let parameters = pipeline.parameters().iter();
    let parameters: serde_json::Map<_, _> =
        parameters.map(|(name, parameter)| (name.clone(), value_to_json(&parameter.default))).collect();
    let mut whole = json!({
        "pipeline": pipeline.name(),
        "seed": pipeline.seed(),
        "succeeded": all_came_through(report),
        "elapsed_secs": report.elapsed_secs,
        "nodes": nodes,
    });
    if !parameters.is_empty() {
        whole["parameters"] = parameters.into();
    }
    whole
}

/// A value on one line.
fn shown(value: &pipeline::Value) -> String {
    match value {
        pipeline::Value::File(file) => file.name.clone(),
        other => value_to_json(other).to_string(),
    }
}

fn word(outcome: &NodeOutcome) -> &'static str {
    match outcome {
        NodeOutcome::Ran => "ran",
        NodeOutcome::Reused => "reused",
        NodeOutcome::Failed(_) => "failed",
        NodeOutcome::Skipped(_) => "skipped",
        NodeOutcome::Cancelled => "cancelled",
    }
}

/// What left a node: "120 × 5", or with names when it has several outputs.
fn flowed(node: &NodeReport) -> String {
    let several = node.outputs.len() > 1;
    let name = |(port, what): (&String, &String)| if several { format!("{port} {what}") } else { what.clone() };
    node.outputs.iter().map(name).collect::<Vec<_>>().join(" · ")
}

fn time(node: &NodeReport) -> String {
    if matches!(node.outcome, NodeOutcome::Ran | NodeOutcome::Failed(_)) {
        duration(node.elapsed_secs)
    } else {
        String::new()
    }
}

fn duration(secs: f64) -> String {
    if secs < 1.0 { format!("{:.0} ms", secs * 1_000.0) } else { format!("{secs:.2} s") }
}

fn verdict(report: &RunReport) -> String {
    let n_failed = report.nodes.values().filter(|node| matches!(node.outcome, NodeOutcome::Failed(_))).count();
    match n_failed {
        0 => format!("{} nodes came through", report.nodes.len()),
        1 => "1 node failed".to_owned(),
        n => format!("{n} nodes failed"),
    }
}
