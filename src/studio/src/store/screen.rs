//! What is shown and how: pages, panels, messages, the theme.

use editor::{Command, PortRef};
use leptos::prelude::*;
use pipeline::{InPort, NodeId, OutPort, Pipeline, Point};
use protocol::{Failure, Rerun, RunTarget};

use super::Studio;
use crate::views::splitter::Edge;
use crate::{dom, storage};

/// Which page is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The gallery.
    Start,
    /// The canvas.
    Studio,
    /// Runs.
    Runs,
    /// The sweeps of the open pipeline.
    Sweeps,
    /// What is registered, and where it serves.
    Models,
    /// How endpoints serve.
    Monitor,
}

/// A page of the inspector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InspectorTab {
    /// Parameters.
    Settings,
    /// What came out.
    Output,
    /// What it is.
    Help,
}

/// A page of the dock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DockTab {
    /// Metrics and charts.
    Output,
    /// Rows.
    Data,
    /// What is wrong.
    Problems,
}

/// A page of the palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaletteTab {
    /// What can be placed.
    Components,
    /// What has been placed.
    Outline,
}

/// How a message sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Done.
    Good,
    /// Done, but.
    Warning,
    /// Not done.
    Failed,
}

/// A short message.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    /// Counts up.
    pub id: u32,
    /// How it sounds.
    pub tone: Tone,
    /// What happened.
    pub text: String,
    /// The way out.
    pub help: String,
    /// Offers to undo.
    pub undo: bool,
}

/// The search for components that floats over the canvas.
#[derive(Clone, Debug, PartialEq)]
pub struct QuickAdd {
    /// Where, in the window.
    pub screen: Point,
    /// Where the node goes, in the pipeline.
    pub at: Option<Point>,
    /// What it is to be joined with.
    pub connect: Option<PortRef>,
}

/// A run that waits for the values of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Asking {
    /// How much is to run.
    pub target: RunTarget,
    /// What of that is computed although an earlier result is at hand.
    pub rerun: Rerun,
    /// The parameters that it rests on.
    pub names: Vec<String>,
}

/// The context menu.
#[derive(Clone, Debug, PartialEq)]
pub struct Menu {
    /// Where, in the window.
    pub screen: Point,
    /// Where, in the pipeline.
    pub at: Point,
    /// On which node; on the canvas or an edge otherwise.
    pub node: Option<NodeId>,
    /// On which edge.
    pub edge: Option<InPort>,
}

/// A pipeline that came in a link and waits for a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// As decoded.
    pub pipeline: Pipeline,
    /// Names of files that it needs and that do not travel in it.
    pub files: Vec<String>,
}

/// How large panels are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// The palette's width.
    pub palette: f64,
    /// The inspector's width.
    pub inspector: f64,
    /// The dock's height.
    pub dock: f64,
    /// The palette is shown.
    pub palette_open: bool,
    /// The inspector is shown.
    pub inspector_open: bool,
    /// The dock is shown.
    pub dock_open: bool,
    /// The dock covers the canvas.
    pub dock_large: bool,
}

impl Layout {
    pub(super) fn restored() -> Self {
        let size = |key: &str, default: f64| {
            storage::setting(key)
                .and_then(|text| text.parse().ok())
                .filter(|size| (80.0..=900.0).contains(size))
                .unwrap_or(default)
        };
        let window = dom::window();
        let height = window.inner_height().ok().and_then(|height| height.as_f64()).unwrap_or(900.0);
        let width = window.inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(1440.0);
        let open = |key: &str| storage::setting(key).as_deref() != Some("false");
        Self {
            palette: size("palette", if width < 1400.0 { 224.0 } else { 248.0 }),
            inspector: size("inspector", if width < 1400.0 { 288.0 } else { 312.0 }),
            dock: size("dock", if height < 800.0 { 236.0 } else { 280.0 }),
            palette_open: open("palette-open"),
            inspector_open: open("inspector-open"),
            dock_open: open("dock-open"),
            dock_large: false,
        }
    }

    fn keep(&self) {
        storage::set_setting("palette", &self.palette.to_string());
        storage::set_setting("inspector", &self.inspector.to_string());
        storage::set_setting("dock", &self.dock.to_string());
        storage::set_setting("palette-open", &self.palette_open.to_string());
        storage::set_setting("inspector-open", &self.inspector_open.to_string());
        storage::set_setting("dock-open", &self.dock_open.to_string());
    }

    /// The size of a panel.
    pub fn size(&self, edge: Edge) -> f64 {
        match edge {
            Edge::Palette => self.palette,
            Edge::Inspector => self.inspector,
            Edge::Dock => self.dock,
        }
    }

    /// Sets the size of a panel.
    pub fn set_size(&mut self, edge: Edge, size: f64) {
        match edge {
            Edge::Palette => self.palette = size,
            Edge::Inspector => self.inspector = size,
            Edge::Dock => self.dock = size,
        }
    }
}

impl Studio {
    /// The runs.
    pub fn show_runs(self) {
        self.page.set(Page::Runs);
    }

    /// What is registered, and where it serves.
    pub fn show_models(self) {
        self.page.set(Page::Models);
    }

    /// How endpoints serve.
    pub fn show_monitor(self) {
        self.page.set(Page::Monitor);
    }

    /// The sweeps of the open document.
    pub fn show_sweeps(self) {
        self.page.set(Page::Sweeps);
    }

    /// From another page to the canvas, with the document that was open last.
    pub fn show_design(self) {
        let id = self.document.get_untracked();
        if !id.is_empty() {
            self.set_hash(&format!("#d={id}"));
            self.page.set(Page::Studio);
        } else if let Some(id) = storage::setting("document") {
            self.open_stored(id);
        } else {
            self.leave();
        }
    }

    /// Replaces what is behind the address.
    pub fn set_hash(self, hash: &str) {
        let location = dom::window().location();
        let address =
            format!("{}{}{hash}", location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
        if let Ok(history) = dom::window().history() {
            // The address is a convenience; nothing depends on it.
            let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address));
        }
    }

    /// Goes to a node.
    pub fn go_to(self, node: &NodeId) {
        self.send(Command::Select(node.clone()));
        self.send(Command::Reveal(node.clone()));
    }

    /// Shows an output in the dock.
    pub fn open_output(self, output: &OutPort) {
        self.change_layout(|layout| layout.dock_open = true);
        self.go_to(&output.node);
        let is_table = self.with(|editor| {
            let port = editor::port_type(editor.pipeline(), editor.catalogue(), &PortRef::Out(output.clone()));
            port == Some(pipeline::PortType::Table)
        });
        self.dock_tab.set(if is_table { DockTab::Data } else { DockTab::Output });
    }

    /// Changes the panels and remembers it.
    pub fn change_layout(self, change: impl FnOnce(&mut Layout)) {
        self.layout.update(change);
        self.layout.with_untracked(Layout::keep);
        dom::after_render(move || self.invalidate());
    }

    /// Shows a message for a few seconds; failures stay longer.
    pub fn toast(self, tone: Tone, text: impl Into<String>, help: impl Into<String>) {
        self.push_toast(Toast { id: 0, tone, text: text.into(), help: help.into(), undo: false });
    }

    fn push_toast(self, mut toast: Toast) {
        let id = self.toasts.with_untracked(|toasts| toasts.last().map_or(1, |toast| toast.id + 1));
        toast.id = id;
        self.announcement.set(format!("{} {}", toast.text, toast.help));
        let stay_ms = if toast.tone == Tone::Good { 4_000 } else { 9_000 };
        self.toasts.update(|toasts| {
            toasts.retain(|other| other.text != toast.text);
            toasts.push(toast);
            let excess = toasts.len().saturating_sub(3);
            toasts.drain(..excess);
        });
        gloo::timers::callback::Timeout::new(stay_ms, move || self.drop_toast(id)).forget();
    }

    /// Takes a message away.
    pub fn drop_toast(self, id: u32) {
        self.toasts.update(|toasts| toasts.retain(|toast| toast.id != id));
    }

    /// Shows a failure with its way out.
    pub fn fail(self, failure: Failure) {
        self.toast(Tone::Failed, failure.message, failure.help);
    }

    /// Switches the theme.
    pub fn set_theme(self, theme: &'static str) {
        self.theme.set(theme);
        storage::set_setting("theme", theme);
        self.apply_theme();
    }

    /// Writes the theme where the style sheet looks for it.
    pub fn apply_theme(self) {
        let theme = self.theme.get_untracked();
        if let Some(root) = dom::document().document_element() {
            // Attributes with fixed, valid names are always set.
            let _ = if theme == "system" {
                root.remove_attribute("data-theme")
            } else {
                root.set_attribute("data-theme", theme)
            };
        }
        dom::after_render(move || self.bump());
    }
}
