//! Files that come in and go out.

use std::collections::BTreeSet;

use editor::Command;
use leptos::prelude::*;
use leptos::task::spawn_local;
use pipeline::{NodeId, Params, Pipeline, Point, Value};
use protocol::Failure;
use schema::ordered::Gather;

use super::{DockTab, Page, Studio, Tone};
use crate::dom;
use crate::idle::Busy;

impl Studio {
    /// Puts a file into a node's parameter, or into the draft of a run's.
    pub fn load_file(self, file: web_sys::File, node: NodeId, param: String, draft: Option<RwSignal<Value>>) {
        spawn_local(async move {
            match (self.file_value(file).await, draft) {
                (Some(value), Some(draft)) => draft.set(value),
                (Some(value), None) => {
                    self.set_param(&node, &param, Some(value));
                    self.send(Command::RunTo(node));
                }
                (None, _) => {}
            }
        });
    }

    /// Takes a file into the workspace; what goes wrong is shown.
    async fn file_value(self, file: web_sys::File) -> Option<Value> {
        match self.link.add_file(file).await {
            Ok(added) => {
                if let Some(warning) = added.warning {
                    self.has_unkept_files.set(true);
                    self.toast(Tone::Warning, warning, "");
                }
                Some(Value::File(added.file))
            }
            Err(failure) => {
                self.fail(failure);
                None
            }
        }
    }

    /// Takes a dropped or chosen file in: a pipeline is opened, a table becomes an Import node and is read at once.
    pub fn take_file(self, file: web_sys::File, at: Option<Point>) {
        let name = file.name();
        let lower = name.to_lowercase();
        spawn_local(async move {
            if lower.ends_with(".json") || lower.ends_with(".millrace") {
                let text =
                    wasm_bindgen_futures::JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
                // A JSON file may be a pipeline or a table; only the first has nodes.
                if let Some(text) = text.filter(|text| file.size() < 20e6 && text.contains("\"nodes\"")) {
                    match pipeline::from_json(&text) {
                        Ok(pipeline) => self.open_new(pipeline),
                        Err(error) => self.fail(Failure::new(format!("{name} is no pipeline: {error}"), "")),
                    }
                    return;
                }
            }
            if self.page.get_untracked() == Page::Start {
                let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
                self.open_new(Pipeline::new(stem));
            }
            if let Some(value) = self.file_value(file).await {
                self.import(value, at);
            }
        });
    }

    fn import(self, file: Value, at: Option<Point>) {
        const IMPORT: &str = "data.import-file";
        let param = self.with(|editor| {
            let spec = editor.catalogue().get(IMPORT)?;
            spec.params
                .iter()
                .find(|param| matches!(param.kind, pipeline::ParamKind::File { .. }))
                .map(|param| param.name.clone())
        });
        let Some(param) = param else {
            self.fail(Failure::new("the engine is not ready yet", "Drop the file again in a moment."));
            return;
        };
        self.send(Command::ClearSelection);
        let before: Vec<NodeId> = self.with(|editor| editor.pipeline().nodes().keys().cloned().collect());
        self.send(Command::AddComponent {
            component: IMPORT.into(),
            at,
            connect: None,
            params: Params::from([(param, file)]),
        });
        let placed = self.with(|editor| editor.pipeline().nodes().keys().find(|id| !before.contains(id)).cloned());
        let Some(node) = placed else { return };
        self.send(Command::Reveal(node.clone()));
        // The node, its rows and its run come in a task each, so that none keeps the page busy for long.
        let busy = Busy::begin();
        dom::after_render(move || {
            self.dock_tab.set(DockTab::Data);
            self.change_layout(|layout| layout.dock_open = true);
            dom::after_render(move || {
                if self.with(|editor| editor.pipeline().node(&node).is_some()) {
                    self.send(Command::RunTo(node.clone()));
                    self.suggestion.set(Some((node, "split.split-data")));
                }
                drop(busy);
            });
        });
    }

    /// Hands the pipeline to the user as a file.
    pub fn save_file(self) {
        let (name, text) =
            self.with(|editor| (editor.pipeline().name().to_owned(), pipeline::to_json(editor.pipeline())));
        let stem: String =
            name.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
        let stem = stem.trim_matches('-');
        dom::download(
            &format!("{}.json", if stem.is_empty() { "pipeline" } else { stem }),
            "application/json",
            text.as_bytes(),
        );
        self.toast(Tone::Good, "Pipeline saved as a file", "");
    }
}

/// Names of the files that a pipeline needs and does not carry.
pub fn needed_files(pipeline: &Pipeline) -> Vec<String> {
    let names: BTreeSet<_> = pipeline
        .nodes()
        .values()
        .flat_map(|node| node.params.values())
        .filter_map(|value| match value {
            Value::File(file) if file.inline.is_none() => Some(file.name.clone()),
            _ => None,
        })
        .gather();
    names.into_iter().collect()
}
