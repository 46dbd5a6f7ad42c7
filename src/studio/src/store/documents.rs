//! Documents of this browser: opened, saved, left.

use editor::{Command, Editor, Task};
use leptos::prelude::*;
use leptos::task::spawn_local;
use pipeline::{Edit, Pipeline};
use protocol::{Failure, Opened};

use super::{Offer, Page, Studio, Tone, needed_files};
use crate::idle::Busy;
use crate::lock::{DocumentLock, Hold};
use crate::storage::Record;
use crate::{dom, parts, storage};

/// Autosave waits this long for the next change.
const SAVE_AFTER_MS: u32 = 250;

/// Whether the document is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// In this browser.
    Yes,
    /// In a moment.
    Saving,
    /// The browser keeps nothing: why.
    Failed(String),
    /// Another tab writes this document.
    Elsewhere,
}

impl Studio {
    /// Stores the document in a moment; changes until then go with it.
    pub(super) fn save_soon(self) {
        if self.page.get_untracked() == Page::Start || self.saved.get_untracked() == Saved::Elsewhere {
            return;
        }
        self.saved.set(Saved::Saving);
        let busy = Busy::begin();
        let timer = gloo::timers::callback::Timeout::new(SAVE_AFTER_MS, move || self.save_now());
        self.save_timer.update_value(|waiting| {
            if let Some((timer, _)) = waiting.replace((timer, busy)) {
                timer.cancel();
            }
        });
    }

    /// Stores the document.
    pub fn save_now(self) {
        // Whatever comes of it, nothing waits for the timer any more.
        let waiting = self.save_timer.try_update_value(Option::take).flatten();
        let id = self.document.get_untracked();
        if id.is_empty() || self.saved.get_untracked() == Saved::Elsewhere {
            return;
        }
        let (revision, text, record) = self.with(|editor| {
            let record = Record {
                id,
                name: editor.pipeline().name().to_owned(),
                n_nodes: editor.pipeline().nodes().len(),
                headline: headline(editor),
                texts: Vec::new(),
            };
            (editor.revision(), pipeline::to_json(editor.pipeline()), record)
        });
        let busy = Busy::begin();
        drop(waiting);
        spawn_local(async move {
            match storage::save(record, text).await {
                Ok(()) => {
                    self.storage_problem.set(None);
                    self.send(Command::Saved { revision });
                    if self.with(Editor::revision) == revision && self.saved.get_untracked() != Saved::Elsewhere {
                        self.saved.set(Saved::Yes);
                    }
                }
                Err(reason) => {
                    self.saved.set(Saved::Failed(reason.clone()));
                    self.storage_problem.set(Some(reason));
                }
            }
            drop(busy);
        });
    }

    /// Stores now what would be stored in a moment.
    pub fn save_if_waiting(self) {
        if self.save_timer.with_value(Option::is_some) {
            self.save_now();
        }
    }

    pub(super) fn note_headline(self) {
        if self.with(|editor| !headline(editor).is_empty()) {
            self.save_soon();
        }
    }

    /// Opens a pipeline as a document of its own.
    pub fn open_new(self, pipeline: Pipeline) {
        let is_unplaced = pipeline.is_unplaced();
        self.enter(new_id(), pipeline, false);
        if is_unplaced {
            self.send(Command::Tidy);
        }
        self.save_soon();
        spawn_local(storage::persist());
    }

    fn enter(self, id: String, pipeline: Pipeline, take_over: bool) {
        self.save_if_waiting();
        self.suggestion.set(None);
        self.quick_add.set(None);
        self.menu.set(None);
        self.saved.set(Saved::Yes);
        let before = self.document.get_untracked();
        self.document.set(id.clone());
        storage::set_setting("document", &id);
        self.page.set(Page::Studio);
        spawn_local(async move {
            // An engine that does not answer has nothing to forget either.
            let _ = self.link.call(Opened {}).await;
            self.weigh();
        });
        let left = self.with(|editor| editor.given().clone());
        let mut tasks = self.apply(Command::Open(pipeline));
        self.given.update_value(|given| {
            given.insert(before, left);
            let values = given.get(&id).cloned().unwrap_or_default();
            self.editor.update_value(|editor| editor.give(values));
        });
        // It is what is stored, or its opener saves it. Before the lock has answered, another tab may be its writer.
        tasks.retain(|task| *task != Task::Save);
        self.bump();
        self.carry_out(tasks);
        let (of, heard_of) = (id.clone(), self);
        let lock = DocumentLock::request(&id, take_over, move |hold| {
            if heard_of.document.get_untracked() == of {
                match hold {
                    Hold::Ours if heard_of.saved.get_untracked() == Saved::Elsewhere => heard_of.saved.set(Saved::Yes),
                    Hold::Ours => {}
                    Hold::Theirs => heard_of.saved.set(Saved::Elsewhere),
                }
            }
        });
        self.lock.set_value(Some(lock));
        self.set_hash(&format!("#d={id}"));
        self.is_new.set_value(true);
        dom::after_render(move || self.fit_if_new());
        // The canvas comes in the task after this.
        dom::after_render(|| dom::focus_later("#canvas"));
    }

    /// Shows all of a document that has just been opened, as soon as the canvas knows its size.
    pub fn fit_if_new(self) {
        if self.is_new.get_value() && self.with(|editor| editor.size().width > 0.0) {
            self.is_new.set_value(false);
            self.fit();
        }
    }

    fn fit(self) {
        self.send(Command::Fit(editor::Fit::All));
        self.fitted.set_value(self.with(Editor::viewport));
    }

    /// Results make cards grow. Whoever has not chosen a view of their own sees them all.
    pub(super) fn fit_again(self) {
        if self.fitted.with_value(|fitted| *fitted == self.with(Editor::viewport)) {
            self.fit();
        }
    }

    /// Opens a stored document.
    pub fn open_stored(self, id: String) {
        self.open_from_storage(id, false);
    }

    /// Makes this tab the writer of the open document, as the other tab left it.
    pub fn take_over(self) {
        self.open_from_storage(self.document.get_untracked(), true);
    }

    fn open_from_storage(self, id: String, take_over: bool) {
        let busy = Busy::begin();
        spawn_local(async move {
            match storage::load(&id).await {
                Ok(Some(record)) => {
                    let newest = record.texts.first().map(|snapshot| snapshot.at);
                    let found = record.texts.iter().filter(|snapshot| snapshot.is_whole()).find_map(|snapshot| {
                        pipeline::from_json(&snapshot.text).ok().map(|pipeline| (pipeline, snapshot.at))
                    });
                    match found {
                        Some((pipeline, at)) => {
                            if Some(at) != newest {
                                self.toast(
                                    Tone::Warning,
                                    "The last save was cut off, so an earlier one was opened",
                                    "",
                                );
                            }
                            self.enter(id, pipeline, take_over);
                        }
                        None => self.fail(Failure::new(
                            format!("{} cannot be read any more", record.name),
                            "None of its three saved versions is whole. If you saved it as a file, open that.",
                        )),
                    }
                }
                Ok(None) => {
                    self.page.set(Page::Start);
                    self.toast(Tone::Warning, "That pipeline is not in this browser any more", "");
                }
                Err(reason) => self.storage_problem.set(Some(reason)),
            }
            drop(busy);
        });
    }

    /// Opens a copy of the open document.
    pub fn make_copy(self) {
        let mut pipeline = self.with(|editor| editor.pipeline().clone());
        let name = format!("{} (copy)", pipeline.name());
        if pipeline.apply(Edit::SetName(name)).is_ok() {
            self.open_new(pipeline);
        }
    }

    /// Back to the gallery.
    pub fn leave(self) {
        self.save_if_waiting();
        self.page.set(Page::Start);
        self.lock.set_value(None);
        self.document.set(String::new());
        self.set_hash("");
        self.refresh_records();
    }

    /// Reads what this browser keeps.
    pub fn refresh_records(self) {
        let busy = Busy::begin();
        spawn_local(async move {
            match storage::list().await {
                Ok(records) => self.records.set(records),
                Err(reason) => self.storage_problem.set(Some(reason)),
            }
            self.estimate.set(storage::estimate().await);
            drop(busy);
        });
    }

    /// Forgets a stored document.
    pub fn forget(self, id: String) {
        spawn_local(async move {
            match storage::remove(&id).await {
                Ok(()) => self.toast(Tone::Good, "Pipeline deleted", ""),
                Err(reason) => self.storage_problem.set(Some(reason)),
            }
            self.refresh_records();
        });
    }

    /// What the address asks for: a link's pipeline, or a stored document.
    pub fn follow_address(self) {
        let hash = dom::window().location().hash().unwrap_or_default();
        if hash.starts_with("#p=") {
            self.refresh_records();
            let busy = Busy::begin();
            spawn_local(async move {
                match parts::from_link(hash).await {
                    Ok(Ok(pipeline)) => self.offer.set(Some(Offer { files: needed_files(&pipeline), pipeline })),
                    Ok(Err(error)) => self.link_problem.set(Some(error.to_string())),
                    // The address keeps the link, so that a reload can try again.
                    Err(failure) => {
                        self.link_problem.set(Some(format!("{}. {}", failure.message, failure.help)));
                        return;
                    }
                }
                self.set_hash("");
                drop(busy);
            });
        } else if hash.starts_with("#runs") {
            self.page.set(Page::Runs);
        } else if hash.starts_with("#models") {
            self.page.set(Page::Models);
        } else if hash.starts_with("#monitor") {
            self.page.set(Page::Monitor);
        } else if let Some(id) = hash.strip_prefix("#d=") {
            self.open_stored(id.to_owned());
        } else {
            self.refresh_records();
        }
    }
}

/// The headline of the last node that has one, for the list of recent pipelines.
fn headline(editor: &Editor) -> String {
    editor
        .pipeline()
        .topological_order()
        .iter()
        .rev()
        .filter_map(|node| editor.status(node).report.as_ref().and_then(|report| report.face.as_ref()))
        .find_map(|face| match face {
            protocol::Face::Headline(text, _) => Some(text.clone()),
            _ => None,
        })
        .unwrap_or_default()
}

fn new_id() -> String {
    format!("{:x}-{:x}", dom::date_ms() as u64, (js_sys::Math::random() * 1e9) as u64)
}
