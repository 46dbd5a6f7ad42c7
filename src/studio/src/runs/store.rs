//! All runs of this browser: what is known of them, and where it is kept.

use std::cell::OnceCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use experiment::{
    IndexEntry, ListColumn, Listing, PipelineHash, Place, QueryError, RunKey, RunRecord, RunTable, SortKey, Tab, View,
    listing,
};
use leptos::prelude::*;
use leptos::task::spawn_local;
use pipeline::{Edit, Pipeline};
use protocol::{Failure, RunId};

use super::shelf::{self, Kept, Shelf};
use crate::dom;
use crate::idle::Busy;
use crate::lock::DocumentLock;
use crate::parts::Trials;
use crate::store::{Heard, Studio, Tone};
use crate::views::counted;

/// Lines of the index that are read before others get their turn.
const N_LINES_AT_ONCE: usize = 400;

/// What this session has had in hand.
#[derive(Default)]
pub struct Session {
    /// Records that were made or read.
    pub records: BTreeMap<RunKey, RunRecord>,
    /// Whole entries of runs that were made or changed.
    pub entries: BTreeMap<RunKey, IndexEntry>,
    /// Pipelines that were run or read.
    pub pipelines: BTreeMap<PipelineHash, Pipeline>,
    /// Runs under way in this tab: key, and when they began, in milliseconds since the page was opened.
    pub under_way: BTreeMap<RunId, (RunKey, f64)>,
    /// Held while a run is under way, so that other tabs know that it is alive.
    pub locks: BTreeMap<RunKey, DocumentLock>,
    /// Heard, and not yet seen to.
    pub waiting: VecDeque<(f64, Heard)>,
    /// Somebody sees to it.
    pub is_seen_to: bool,
    /// When the record of the run under way was last written.
    pub written_ms: f64,
    /// Counts up with every change of a run.
    versions: BTreeMap<RunKey, u64>,
}

/// The runs. Copies lead to the same ones.
#[derive(Clone, Copy)]
pub struct Runs {
    /// The page.
    pub studio: Studio,
    table: StoredValue<RunTable, LocalStorage>,
    session: StoredValue<Session, LocalStorage>,
    started: RwSignal<bool>,
    /// Counts up with every change of a run.
    pub changed: RwSignal<u64>,
    /// What is looked at.
    pub view: RwSignal<View>,
    /// The list, and what is wrong with the query; then the list is that of the last good one.
    pub shown: Memo<(Arc<Listing>, Option<QueryError>)>,
    /// The index was read.
    pub loaded: RwSignal<bool>,
    /// Why runs are not kept.
    pub problem: RwSignal<Option<String>>,
    /// Why an address is no view.
    pub bad_link: RwSignal<Option<String>>,
    /// Runs that came in the link and are not kept here.
    pub guests: RwSignal<Option<Guests>>,
    /// Trials that are to be compared once the index was read.
    wanted: RwSignal<Option<Trials>>,
    /// The axes of the tabs that are not shown.
    other_axes: StoredValue<BTreeMap<&'static str, Vec<String>>>,
}

/// Runs that came in a link.
#[derive(Clone)]
pub struct Guests {
    /// Which.
    pub keys: Vec<RunKey>,
    /// As the link has them.
    pub packed: String,
}

/// Before the runs that a link carries, in its address.
const WITH: &str = "&with=";

thread_local! {
    static RUNS: OnceCell<(Owner, Runs)> = const { OnceCell::new() };
}

impl Runs {
    /// The runs of this browser.
    pub fn of(studio: Studio) -> Self {
        RUNS.with(|runs| {
            let (_, runs) = runs.get_or_init(|| {
                // They outlive every page that shows them.
                let owner = Owner::new_root(None);
                let runs = owner.with(|| Self::new(studio));
                (owner, runs)
            });
            *runs
        })
    }

    fn new(studio: Studio) -> Self {
        let mut empty = RunTable::default();
        empty.set_time_zone(-(js_sys::Date::new_0().get_timezone_offset() as i32));
        let table = StoredValue::new_local(empty);
        let (changed, view) = (RwSignal::new(0), RwSignal::new(View::default()));
        let shown = Memo::new(move |before: Option<&(Arc<Listing>, Option<QueryError>)>| {
            changed.track();
            table.with_value(|table| match view.with(|view| listing(table, view)) {
                Ok(listing) => (Arc::new(listing), None),
                Err(error) => {
                    let all = || {
                        let view = View { query: String::new(), ..view.get() };
                        Arc::new(listing(table, &view).unwrap_or_default())
                    };
                    (before.map_or_else(all, |(listing, _)| listing.clone()), Some(error))
                }
            })
        });
        let runs = Self {
            studio,
            table,
            session: StoredValue::new_local(Session::default()),
            started: RwSignal::new(false),
            changed,
            view,
            shown,
            loaded: RwSignal::new(false),
            problem: RwSignal::new(None),
            bad_link: RwSignal::new(None),
            guests: RwSignal::new(None),
            wanted: RwSignal::new(None),
            other_axes: StoredValue::default(),
        };
        Effect::new(move |_| {
            if runs.loaded.get()
                && let Some(trials) = runs.wanted.get()
            {
                runs.wanted.set(None);
                let selected = runs.runs_of(&trials);
                runs.look(|view| view.selected = selected);
            }
        });
        runs
    }

    /// Reads what is kept and begins to record; once.
    pub fn start(self) {
        if self.started.get_untracked() {
            return;
        }
        self.started.set(true);
        let busy = Busy::begin();
        spawn_local(async move {
            self.load().await;
            self.studio.set_on_heard(move || self.hear());
            self.hear();
            drop(busy);
        });
    }

    async fn load(self) {
        match shelf::read_all(Shelf::Index).await {
            Ok(lines) => {
                for lines in lines.chunks(N_LINES_AT_ONCE) {
                    self.take_in(experiment::read_index(&lines.concat()).entries);
                    dom::sleep(0).await;
                }
            }
            Err(reason) => self.problem.set(Some(reason)),
        }
        self.loaded.set(true);
        self.bump();
        self.look_after_the_abandoned();
    }

    fn take_in(self, entries: Vec<IndexEntry>) {
        self.table.update_value(|table| {
            for entry in entries {
                table.insert(entry);
            }
        });
    }

    /// Looks at all runs without being told of changes.
    pub fn with_table<T>(self, look: impl FnOnce(&RunTable) -> T) -> T {
        self.table.with_value(look)
    }

    /// What this session has had in hand.
    pub fn with_session<T>(self, act: impl FnOnce(&mut Session) -> T) -> Option<T> {
        self.session.try_update_value(act)
    }

    /// The entry of a run, without its parameters.
    pub fn entry(self, run: &RunKey) -> Option<IndexEntry> {
        self.with_table(|table| table.entry(table.find(run)?).cloned())
    }

    /// Differs whenever a run does.
    pub fn version(self, run: &RunKey) -> u64 {
        self.with_session(|session| session.versions.get(run).copied().unwrap_or_default()).unwrap_or_default()
    }

    fn bump(self) {
        self.changed.update(|n| *n += 1);
    }

    /// Brings the list up to date with a run.
    pub fn list(self, entry: IndexEntry) {
        self.with_session(|session| {
            *session.versions.entry(entry.id.clone()).or_default() += 1;
            session.entries.insert(entry.id.clone(), entry.clone());
        });
        self.table.update_value(|table| _ = table.insert(entry));
        self.bump();
    }

    /// A run's record.
    ///
    /// # Errors
    /// It is not kept, or cannot be read.
    pub async fn record_of(self, run: &RunKey) -> Result<RunRecord, String> {
        if let Some(record) = self.with_session(|session| session.records.get(run).cloned()).flatten() {
            return Ok(record);
        }
        let path = experiment::path_of_run(run);
        let text = shelf::read(Shelf::Runs, &path).await?.ok_or("it is not in this browser any more")?;
        let record = experiment::read_run(text.as_bytes()).map_err(|error| error.to_string())?;
        self.with_session(|session| session.records.insert(run.clone(), record.clone()));
        Ok(record)
    }

    /// A run's pipeline.
    ///
    /// # Errors
    /// It is not kept, or cannot be read.
    pub async fn pipeline_of(self, hash: &PipelineHash) -> Result<Pipeline, String> {
        if let Some(pipeline) = self.with_session(|session| session.pipelines.get(hash).cloned()).flatten() {
            return Ok(pipeline);
        }
        let path = experiment::path_of_pipeline(hash);
        let text = shelf::read(Shelf::Pipelines, &path).await?.ok_or("it is not in this browser any more")?;
        let pipeline = experiment::read_pipeline(text.as_bytes(), hash).map_err(|error| error.to_string())?;
        self.with_session(|session| session.pipelines.insert(hash.clone(), pipeline.clone()));
        Ok(pipeline)
    }

    /// Keeps a run as it stands in this session, and its pipeline the first time.
    pub async fn keep(self, run: &RunKey, with_pipeline: bool) {
        let texts = self.with_session(|session| {
            let (record, entry) = (session.records.get(run)?, session.entries.get(run)?);
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_default();
            let mut all = vec![
                Kept {
                    shelf: Shelf::Runs,
                    key: experiment::path_of_run(run),
                    text: text(experiment::write_run(record)),
                },
                Kept { shelf: Shelf::Index, key: run.to_string(), text: experiment::write_entry(entry) },
            ];
            if with_pipeline && let Some(pipeline) = session.pipelines.get(&record.pipeline) {
                all.push(Kept {
                    shelf: Shelf::Pipelines,
                    key: experiment::path_of_pipeline(&record.pipeline),
                    text: text(experiment::write_pipeline(pipeline)),
                });
            }
            Some(all)
        });
        let Some(texts) = texts.flatten() else { return };
        match shelf::write(texts).await {
            Ok(()) => self.problem.set(None),
            Err(reason) => self.problem.set(Some(reason)),
        }
    }

    /// Tries once more to keep the runs of this session.
    pub fn keep_again(self) {
        let keys: Vec<RunKey> =
            self.with_session(|session| session.entries.keys().cloned().collect()).unwrap_or_default();
        let busy = Busy::begin();
        spawn_local(async move {
            self.problem.set(None);
            for key in keys {
                self.keep(&key, true).await;
            }
            drop(busy);
        });
    }

    /// Changes what is the user's of a run: name, tags, note, whether it is archived.
    pub fn edit(self, run: RunKey, change: impl FnOnce(&mut RunRecord) + 'static) {
        let busy = Busy::begin();
        spawn_local(async move {
            if let Err(reason) = self.change(&run, change).await {
                self.studio.fail(Failure::new(format!("This run cannot be changed: {reason}"), ""));
            }
            drop(busy);
        });
    }

    async fn change(self, run: &RunKey, change: impl FnOnce(&mut RunRecord)) -> Result<(), String> {
        self.record_of(run).await?;
        let known = self.with_session(|session| session.entries.get(run).cloned()).flatten();
        let entry = match known {
            Some(entry) => entry,
            None => {
                let line = shelf::read(Shelf::Index, run.as_str()).await?.unwrap_or_default();
                experiment::read_index(&line).entries.pop().ok_or("its line in the index cannot be read")?
            }
        };
        let entry = self.with_session(|session| {
            let record = session.records.get_mut(run)?;
            change(record);
            let (name, tags, note) = (record.name.clone(), record.tags.clone(), record.note.clone());
            Some(IndexEntry {
                name,
                tags,
                note,
                archived: record.archived,
                state: record.state,
                message: record.message.clone(),
                ..entry
            })
        });
        self.list(entry.flatten().ok_or("it is gone")?);
        self.keep(run, false).await;
        Ok(())
    }

    /// A run whose tab was closed while it ran still says that it runs. Whoever gets its lock knows that nobody runs it.
    fn look_after_the_abandoned(self) {
        let running = self.with_table(|table| {
            let entries = table.all().into_iter().filter_map(|row_idx| table.entry(row_idx));
            let running = entries.filter(|entry| entry.state == experiment::RunState::Running);
            running.map(|entry| entry.id.clone()).collect::<Vec<_>>()
        });
        for run in running {
            let heard_of = run.clone();
            let lock = DocumentLock::request(&lock_name(&run), false, move |hold| {
                if hold == crate::lock::Hold::Ours {
                    let run = heard_of.clone();
                    let busy = Busy::begin();
                    spawn_local(async move {
                        // One that cannot be read stays as it is.
                        let _ = self.change(&run, |record| record.interrupt("The tab was closed while it ran")).await;
                        self.with_session(|session| session.locks.remove(&run));
                        drop(busy);
                    });
                }
            });
            self.with_session(|session| session.locks.insert(run, lock));
        }
    }

    // The view

    /// What the address asks for, or the view of last time.
    pub fn open_address(self) {
        let hash = dom::window().location().hash().unwrap_or_default();
        if hash.len() > experiment::PREFIX.len() && hash.starts_with(experiment::PREFIX) {
            let (link, packed) = hash.split_once(WITH).unwrap_or((&hash, ""));
            match View::from_link(link) {
                Ok(view) => self.view.set(view),
                Err(error) => self.bad_link.set(Some(error.to_string())),
            }
            if !packed.is_empty() {
                self.take_guests(packed.to_owned());
            }
        }
    }

    /// The address of what is looked at, with the runs that came in it.
    pub fn address(self) -> String {
        let link = self.view.with(View::to_link);
        self.guests.with(|guests| guests.as_ref().map_or(link.clone(), |guests| with_runs(&link, &guests.packed)))
    }

    /// As `address`, with the runs that are compared.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub async fn address_with_compared(self, compared: &[RunKey]) -> Result<String, String> {
        let mut runs = Vec::new();
        for run in compared {
            let record = self.record_of(run).await?;
            let pipeline = self.pipeline_of(&record.pipeline).await?;
            runs.push((record, pipeline));
        }
        let packed = experiment::pack_runs(runs.iter().map(|(record, pipeline)| (record, pipeline)));
        Ok(with_runs(&self.view.with_untracked(View::to_link), &packed))
    }

    /// Shows the runs of a link as soon as the engine has said what their settings mean.
    fn take_guests(self, packed: String) {
        let runs = match experiment::unpack_runs(&packed) {
            Ok(runs) => runs,
            Err(error) => return self.bad_link.set(Some(error.to_string())),
        };
        let waiting = StoredValue::new(Some(runs));
        let busy = StoredValue::new_local(Some(Busy::begin()));
        Effect::new(move |_| {
            if self.studio.engine.with(String::is_empty) || !self.loaded.get() {
                return;
            }
            let Some(runs) = waiting.try_update_value(Option::take).flatten() else { return };
            let mut keys = Vec::new();
            for (record, pipeline) in runs {
                // A run that is here has more to it.
                if self.entry(&record.id).is_some() {
                    continue;
                }
                let entry = self.studio.with(|editor| IndexEntry::new(&record, &pipeline, editor.catalogue()));
                keys.push(record.id.clone());
                self.with_session(|session| {
                    session.pipelines.insert(record.pipeline.clone(), pipeline);
                    session.records.insert(record.id.clone(), record);
                });
                self.list(entry);
            }
            self.guests.set((!keys.is_empty()).then(|| Guests { keys, packed: packed.clone() }));
            busy.update_value(|busy| drop(busy.take()));
        });
    }

    /// Keeps the runs that came in the link, as if they had been run here.
    pub fn keep_guests(self) {
        let Some(guests) = self.guests.get_untracked() else { return };
        let busy = Busy::begin();
        spawn_local(async move {
            for key in &guests.keys {
                self.keep(key, true).await;
            }
            if self.problem.with_untracked(Option::is_none) {
                self.guests.set(None);
                self.studio.toast(Tone::Good, format!("{} kept", counted(guests.keys.len(), "run")), "");
            }
            drop(busy);
        });
    }

    /// Forgets the runs that came in the link.
    pub fn dismiss_guests(self) {
        let Some(guests) = self.guests.get_untracked() else { return };
        self.guests.set(None);
        self.look(|view| {
            view.selected.retain(|run| !guests.keys.contains(run));
            view.pinned = view.pinned.take().filter(|run| !guests.keys.contains(run));
        });
        self.with_session(|session| {
            session.records.retain(|run, _| !guests.keys.contains(run));
            session.entries.retain(|run, _| !guests.keys.contains(run));
        });
        self.table.update_value(|table| guests.keys.iter().for_each(|run| _ = table.remove(run)));
        self.bump();
    }

    /// Changes what is looked at.
    pub fn look(self, change: impl FnOnce(&mut View)) {
        self.view.update(change);
    }

    /// Shows another tab, with the axes that it had when it was left.
    pub fn show(self, tab: Tab) {
        self.look(|view| {
            self.other_axes.update_value(|axes| {
                let left = std::mem::take(&mut view.axes);
                axes.insert(view.tab.word(), left);
                view.axes = axes.remove(tab.word()).unwrap_or_default();
            });
            view.tab = tab;
        });
    }

    /// Looks at the trials of a sweep, these compared with each other.
    pub fn look_at_trials(self, trials: Trials) {
        let sort = SortKey { column: trials.metric.clone(), descending: trials.is_high_better };
        let query = format!("sweep = {}", trials.sweep);
        self.view.set(View { query, sort: vec![sort], ..View::default() });
        self.wanted.set(Some(trials));
    }

    /// The runs of trials, in their order; those that were not recorded are left out.
    fn runs_of(self, trials: &Trials) -> Vec<RunKey> {
        let mut runs = vec![None; trials.numbers.len()];
        self.with_table(|table| {
            for entry in table.all().into_iter().filter_map(|row_idx| table.entry(row_idx)) {
                if let Some(trial) = entry.trial.as_ref().filter(|trial| trial.sweep == trials.sweep)
                    && let Some(place) = trials.numbers.iter().position(|number| *number == trial.number)
                {
                    runs[place] = Some(entry.id.clone());
                }
            }
        });
        runs.into_iter().flatten().collect()
    }

    /// Puts a run on the charts, or takes it off.
    pub fn toggle(self, run: &RunKey) {
        self.look(|view| match view.selected.iter().position(|selected| selected == run) {
            Some(at) => _ = view.selected.remove(at),
            None => view.selected.push(run.clone()),
        });
    }

    /// Measures all others against a run, or none.
    pub fn toggle_pin(self, run: &RunKey) {
        self.look(|view| view.pinned = if view.pinned.as_ref() == Some(run) { None } else { Some(run.clone()) });
    }

    /// The row of the run that others are measured against.
    pub fn baseline(self) -> Option<usize> {
        self.changed.track();
        self.view.with(|view| self.with_table(|table| table.find(view.pinned.as_ref()?)))
    }

    /// Opens a run's pipeline as a document of its own.
    pub fn open_version(self, run: &RunKey) {
        let Some(entry) = self.entry(run) else { return };
        let busy = Busy::begin();
        spawn_local(async move {
            match self.pipeline_of(&entry.pipeline).await {
                Ok(mut pipeline) => {
                    // Under another name than the document that it came from.
                    let _ = pipeline.apply(Edit::SetName(format!("{} (run {})", entry.pipeline_name, entry.number)));
                    self.studio.open_new(pipeline);
                }
                Err(reason) => {
                    self.studio.fail(Failure::new(format!("The pipeline of this run cannot be opened: {reason}"), ""));
                }
            }
            drop(busy);
        });
    }

    /// Hands the listed runs to the user as a file.
    pub fn save_csv(self) {
        let listing = self.shown.get_untracked().0;
        let csv = self.with_table(|table| experiment::to_csv(table, &listing.rows, &listing.columns));
        dom::download("runs.csv", "text/csv", csv.as_bytes());
    }

    /// Takes in the files of a folder of runs, each with its path.
    pub fn import(self, files: Vec<(String, web_sys::File)>) {
        if self.studio.engine.read_untracked().is_empty() {
            self.studio.fail(Failure::new("the engine is not ready yet", "Choose the folder again in a moment."));
            return;
        }
        let busy = Busy::begin();
        spawn_local(async move {
            let (mut runs, mut pipelines, mut wrong) = (Vec::new(), BTreeMap::new(), Vec::new());
            for (path, file) in files {
                let Some(place) = place_in(&path) else { continue };
                let text =
                    wasm_bindgen_futures::JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
                let Some(text) = text else {
                    wrong.push(format!("{path}: the browser cannot read it"));
                    continue;
                };
                match place {
                    Place::Run(_) => match experiment::read_run(text.as_bytes()) {
                        Ok(record) => runs.push(record),
                        Err(error) => wrong.push(format!("{path}: {error}")),
                    },
                    Place::Pipeline(hash) => match experiment::read_pipeline(text.as_bytes(), &hash) {
                        Ok(pipeline) => _ = pipelines.insert(hash, pipeline),
                        Err(error) => wrong.push(format!("{path}: {error}")),
                    },
                    // It holds nothing that is not in the other files.
                    Place::Index => {}
                }
            }
            self.take_runs(runs, pipelines, wrong).await;
            drop(busy);
        });
    }

    async fn take_runs(
        self,
        runs: Vec<RunRecord>,
        pipelines: BTreeMap<PipelineHash, Pipeline>,
        mut wrong: Vec<String>,
    ) {
        self.with_session(|session| session.pipelines.extend(pipelines));
        let mut n_taken = 0;
        for record in runs {
            let key = record.id.clone();
            let record = match self.record_of(&key).await {
                Ok(ours) => ours.merge(record),
                Err(_) => record,
            };
            match self.pipeline_of(&record.pipeline).await {
                Ok(pipeline) => {
                    let entry = self.studio.with(|editor| IndexEntry::new(&record, &pipeline, editor.catalogue()));
                    self.with_session(|session| session.records.insert(key.clone(), record));
                    self.list(entry);
                    self.keep(&key, true).await;
                    n_taken += 1;
                }
                Err(_) => wrong.push(format!(
                    "{}: its pipeline {} is not among the files",
                    experiment::path_of_run(&key),
                    experiment::path_of_pipeline(&record.pipeline)
                )),
            }
        }
        let help = match wrong.as_slice() {
            [] => String::new(),
            [only] => only.clone(),
            [first, rest @ ..] => format!("{first}, and {} more", rest.len()),
        };
        match (n_taken, wrong.len()) {
            (0, 0) => self.studio.toast(
                Tone::Warning,
                "No runs were found",
                "Choose the folder that holds runs/ and pipelines/, as the command line leaves it.",
            ),
            (n, 0) => self.studio.toast(Tone::Good, format!("{} imported", counted(n, "run")), ""),
            (n, n_wrong) => {
                self.studio.toast(
                    Tone::Warning,
                    format!("{} imported, {} left out", counted(n, "run"), counted(n_wrong, "file")),
                    help,
                );
            }
        }
    }
}

/// What a file of a chosen folder holds: the path begins with the folder's own name.
fn place_in(path: &str) -> Option<Place> {
    let starts = std::iter::once(0).chain(path.match_indices('/').map(|(at, _)| at + 1));
    starts.filter_map(|start| experiment::place_of(&path[start..])).next()
}

fn with_runs(link: &str, packed: &str) -> String {
    let link = if link == experiment::PREFIX { format!("{link}?") } else { link.to_owned() };
    format!("{link}{WITH}{packed}")
}

/// What the lock of a run under way is called.
pub fn lock_name(run: &RunKey) -> String {
    format!("run-{run}")
}

/// The name of a column in queries, as short as it can be.
pub fn short_name(column: &ListColumn) -> &str {
    column.name.split_once('.').map_or(&column.name, |(_, short)| short)
}
