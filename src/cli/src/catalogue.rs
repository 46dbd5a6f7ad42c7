//! `millrace components`: the catalogue, and one component in full.

use anyhow::{Context, Result};
use engine::Engine;
use pipeline::{Catalogue, Choice, Family, ParamKind, ParamSpec, PortSpec, Spec, Value};
use schema::{ColumnSelection, Kind};

use crate::{Outcome, say};

/// What `components` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    /// A component's id or title, or the last part of its id
    name: Option<String>,
    /// Print a pipeline that shows what it is for, to be kept as a file and run
    #[arg(long, requires = "name")]
    example: bool,
}

/// Prints the list, or the description of one.
pub fn show(arguments: &Arguments) -> Result<Outcome> {
    let engine = Engine::new(components::catalogue(), 0);
    match &arguments.name {
        None => say::out(&list(engine.catalogue()))?,
        Some(name) if arguments.example => {
            let spec = find(engine.catalogue(), name)?;
            let example = pipeline::example(engine.catalogue(), &spec.id).with_context(|| {
                let help = "connect it to your own data";
                format!("{} has no example: what it gives is what it is given\n  help: {help}", spec.title)
            })?;
            say::out(&pipeline::to_json(&example))?;
        }
        Some(name) => say::out(&description(find(engine.catalogue(), name)?))?,
    }
    Ok(Outcome::Good)
}

fn find<'a>(catalogue: &'a Catalogue, name: &str) -> Result<&'a Spec> {
    let is_it = |spec: &&Spec| {
        spec.id == name || spec.id.rsplit('.').next() == Some(name) || spec.title.eq_ignore_ascii_case(name)
    };
    catalogue.iter().find(is_it).with_context(|| {
        let words = name.to_lowercase();
        let near: Vec<_> = catalogue
            .iter()
            .filter(|spec| spec.id.contains(&words) || spec.keywords.iter().any(|word| word.to_lowercase() == words))
            .map(|spec| spec.id.as_str())
            .collect();
        let last_parts = catalogue.iter().filter_map(|spec| spec.id.rsplit('.').next());
        let nearest = pipeline::nearest(name, last_parts.chain(catalogue.iter().map(|spec| spec.id.as_str())));
        let help = match (near.as_slice(), nearest) {
            ([], None) => "`millrace components` lists them all".to_owned(),
            ([], Some(nearest)) => format!("did you mean `{nearest}`?"),
            _ => format!("did you mean `{}`?", near.join("` or `")),
        };
        format!("there is no component {name:?}\n  help: {help}")
    })
}

fn list(catalogue: &Catalogue) -> String {
    let width = catalogue.iter().map(|spec| spec.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for family in Family::ALL {
        text.push_str(&format!("{}\n", family.label()));
        for spec in catalogue.iter().filter(|spec| spec.family == family) {
            text.push_str(&format!("  {:width$}  {}\n", spec.id, spec.summary));
        }
    }
    text
}

fn description(spec: &Spec) -> String {
    let mut text = format!("{} ({}@{})\n{}\n", spec.title, spec.id, spec.version, spec.summary);
    text.push_str(&ports("inputs", &spec.inputs));
    text.push_str(&ports("outputs", &spec.outputs));
    if !spec.params.is_empty() {
        text.push_str("\nparameters\n");
        let width = spec.params.iter().map(|param| param.name.len()).max().unwrap_or(0);
        for param in &spec.params {
            let (default, range) = (shown(&param.default), range(param));
            text.push_str(&format!("  {:width$}  {} = {default}{range}\n", param.name, param.label));
            if !param.help.is_empty() {
                text.push_str(&format!("  {:width$}  {}\n", "", param.help));
            }
        }
    }
    if !spec.help.is_empty() {
        text.push_str(&format!("\n{}\n", spec.help));
    }
    text
}

fn ports(heading: &str, ports: &[PortSpec]) -> String {
    let mut text = String::new();
    if !ports.is_empty() {
        text.push_str(&format!("\n{heading}\n"));
    }
    for port in ports {
        let optional = if port.optional { " (may stay open)" } else { "" };
        text.push_str(&format!("  {}  {}{optional}\n", port.name, port.port_type.phrase()));
    }
    text
}

fn range(param: &ParamSpec) -> String {
    match &param.kind {
        ParamKind::Switch => "  (true or false)".to_owned(),
        ParamKind::Int { min, max, optional, .. } => format!("  ({min} to {max}{})", or_none(*optional)),
        ParamKind::Float { min, max, optional, .. } => format!("  ({min} to {max}{})", or_none(*optional)),
        ParamKind::Choice(choices) => format!("  ({})", joined(choices, |Choice { value, .. }| value)),
        ParamKind::Seed => "  (a whole number)".to_owned(),
        ParamKind::Column { port, optional, .. } => format!("  (a column of `{port}`{})", or_none(*optional)),
        ParamKind::Columns { port, .. } => {
            format!("  (columns of `{port}`: all, a,b,c, except:a,b or kinds:number,category)")
        }
        ParamKind::File { extensions } => format!("  (a file: {})", joined(extensions, |extension| extension)),
        ParamKind::Text { .. } => String::new(),
        ParamKind::Grid => "  (comma-separated values, or a file of them)".to_owned(),
    }
}

fn or_none(optional: bool) -> &'static str {
    if optional { ", or none" } else { "" }
}

fn joined<T>(items: &[T], text: impl Fn(&T) -> &String) -> String {
    items.iter().map(|item| text(item).as_str()).collect::<Vec<_>>().join(", ")
}

fn shown(value: &Value) -> String {
    match value {
        Value::None => "none".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(text) if text.contains('\n') => format!("{} lines", text.lines().count()),
        Value::Text(text) => format!("{text:?}"),
        Value::Columns(ColumnSelection::All) => "all".to_owned(),
        Value::Columns(ColumnSelection::Names(names)) => names.join(","),
        Value::Columns(ColumnSelection::Except(names)) => format!("except:{}", names.join(",")),
        Value::Columns(ColumnSelection::Kinds(kinds)) => {
            format!("kinds:{}", kinds.iter().map(|kind: &Kind| kind.label()).collect::<Vec<_>>().join(","))
        }
        Value::File(file) => file.name.clone(),
    }
}
