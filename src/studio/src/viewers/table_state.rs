//! What the grid of a table, its head, its toolbar and the panel of a column share.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::prelude::*;
use pipeline::OutPort;
use protocol::{ColumnProfile, Filter, Preview, Profiles, Sort};
use schema::Column;
use wasm_bindgen_futures::spawn_local;

use super::grid::{Cursor, Offsets, Sight};
use super::pages::Pages;
use crate::worker_client::Link;

/// Columns whose profiles are asked for together.
const PROFILE_COLUMNS: usize = 8;

/// Everything that the panel and its parts share. A handle: copies lead to the same state.
#[derive(Clone, Copy)]
pub struct TableState {
    /// The way to the engine.
    pub link: Link,
    /// The rows.
    pub pages: Pages,
    /// Which table.
    pub output: RwSignal<Option<OutPort>>,
    /// All its columns.
    pub columns: RwSignal<Arc<Vec<Column>>>,
    /// Where they are.
    pub offsets: Memo<Offsets>,
    /// Order of the rows.
    pub sort: RwSignal<Vec<Sort>>,
    /// Conditions on rows, save the search.
    pub filters: RwSignal<Vec<Filter>>,
    /// What is looked for in all columns.
    pub search: RwSignal<String>,
    /// Profiles by position of the column; they belong to the filters before last until the new ones arrive.
    pub profiles: RwSignal<BTreeMap<usize, Arc<ColumnProfile>>>,
    profiled: StoredValue<(u32, Vec<usize>)>,
    /// The column whose panel is open.
    pub selected: RwSignal<Option<usize>>,
    /// Where the keyboard is.
    pub cursor: RwSignal<Cursor>,
    /// What of the table is in sight.
    pub sight: RwSignal<Sight>,
}

impl TableState {
    /// Of no table yet.
    pub fn new(link: Link) -> Self {
        let columns = RwSignal::new(Arc::<Vec<Column>>::default());
        Self {
            link,
            pages: Pages::new(link),
            output: RwSignal::new(None),
            columns,
            offsets: Memo::new(move |_| columns.with(|columns| Offsets::of(columns))),
            sort: RwSignal::new(Vec::new()),
            filters: RwSignal::new(Vec::new()),
            search: RwSignal::new(String::new()),
            profiles: RwSignal::new(BTreeMap::new()),
            profiled: StoredValue::new((0, Vec::new())),
            selected: RwSignal::new(None),
            cursor: RwSignal::new(Cursor::default()),
            sight: RwSignal::new(Sight::default()),
        }
    }

    /// Up, down, and back to the order of the file.
    pub fn cycle_sort(self, column: &str) {
        self.sort.update(|sort| {
            let before = sort.iter().find(|sort| sort.column == column).map(|sort| sort.descending);
            sort.clear();
            match before {
                None => sort.push(Sort { column: column.to_owned(), descending: false }),
                Some(false) => sort.push(Sort { column: column.to_owned(), descending: true }),
                Some(true) => {}
            }
        });
    }

    /// Adds a condition in place of another on the same column, or takes it back.
    pub fn toggle_filter(self, filter: Filter) {
        self.filters.update(|filters| {
            let was_there = filters.contains(&filter);
            filters.retain(|other| filtered_column(other) != filtered_column(&filter));
            if !was_there {
                filters.push(filter);
            }
        });
    }

    /// Opens the panel of a column, or closes it.
    pub fn toggle_selected(self, column_idx: usize) {
        let opens = self.selected.get_untracked() != Some(column_idx);
        self.selected.set(opens.then_some(column_idx));
    }

    /// Conditions on rows, and the search.
    pub fn all_filters(self) -> Vec<Filter> {
        let mut filters = self.filters.get();
        let text = self.search.get();
        if !text.is_empty() {
            filters.push(Filter::Contains { text });
        }
        filters
    }

    /// Reads the columns again, after another table was chosen or a run.
    pub fn load(self, output: OutPort) {
        let is_same = self.output.get_untracked().as_ref() == Some(&output);
        if !is_same {
            self.reset();
        }
        let call = Preview {
            output: output.clone(),
            first_row: 0,
            n_rows: 0,
            first_column: 0,
            n_columns: u32::MAX,
            sort: Vec::new(),
            filters: Vec::new(),
        };
        let state = self;
        spawn_local(async move {
            let answer = state.link.unsealed(call).await;
            match answer {
                Ok(page) => state.take_columns(output, page.columns),
                Err(failure) => {
                    let _ = state.pages.failure.try_set(Some(failure));
                }
            }
        });
    }

    /// Forgets what belongs to another table.
    fn reset(self) {
        self.sort.set(Vec::new());
        self.filters.set(Vec::new());
        self.search.set(String::new());
        self.selected.set(None);
        self.cursor.set(Cursor::default());
    }

    fn take_columns(self, output: OutPort, columns: Vec<Column>) {
        let is_known = |name: &str| columns.iter().any(|column| column.name == name);
        let sort: Vec<Sort> = self.sort.get_untracked().into_iter().filter(|sort| is_known(&sort.column)).collect();
        let filters: Vec<Filter> = self
            .filters
            .get_untracked()
            .into_iter()
            .filter(|filter| filtered_column(filter).is_none_or(is_known))
            .collect();
        if self.selected.get_untracked().is_some_and(|selected| selected >= columns.len()) {
            self.selected.set(None);
        }
        self.forget_profiles(true);
        self.sort.set(sort);
        self.filters.set(filters);
        self.columns.set(Arc::new(columns));
        // Also when it is the same: its rows may be others.
        self.output.set(Some(output));
    }

    /// Profiles are asked for anew; what is shown of them stays, or goes.
    pub fn forget_profiles(self, also_shown: bool) {
        self.profiled.update_value(|(generation, asked)| {
            *generation += 1;
            asked.clear();
        });
        if also_shown {
            self.profiles.update(BTreeMap::clear);
        }
    }

    /// Asks for the profiles of the block of columns around one, once.
    pub fn want_profile(self, column_idx: usize, filters: &[Filter]) {
        let Some(output) = self.output.get_untracked() else {
            return;
        };
        let first = column_idx / PROFILE_COLUMNS * PROFILE_COLUMNS;
        let mut ticket = None;
        self.profiled.update_value(|(generation, asked)| {
            if !asked.contains(&first) {
                asked.push(first);
                ticket = Some(*generation);
            }
        });
        let Some(ticket) = ticket else {
            return;
        };
        let call = Profiles {
            output,
            first_column: first as u32,
            n_columns: PROFILE_COLUMNS as u32,
            filters: filters.to_vec(),
        };
        let state = self;
        spawn_local(async move {
            // A profile that cannot be had leaves its place empty; the rows say what is wrong.
            let Ok(profiles) = state.link.unsealed(call).await else {
                return;
            };
            if state.profiled.try_with_value(|(generation, _)| *generation) == Some(ticket) {
                state.profiles.update(|shown| {
                    for (at, profile) in profiles.into_iter().enumerate() {
                        shown.insert(first + at, Arc::new(profile));
                    }
                });
            }
        });
    }
}

/// The column that a condition is on, if it is on one.
pub fn filtered_column(filter: &Filter) -> Option<&str> {
    match filter {
        Filter::Range { column, .. } | Filter::Equals { column, .. } | Filter::Missing { column } => Some(column),
        Filter::Contains { .. } => None,
    }
}
