//! The rows of a table as they are needed: windows fetched when they come into sight, the oldest forgotten.

use std::collections::BTreeMap;
use std::rc::Rc;

use leptos::prelude::*;
use pipeline::OutPort;
use protocol::{Cell, Failure, Filter, Preview, Sort, TablePage};
use wasm_bindgen_futures::spawn_local;

use crate::worker_client::Link;

/// Rows of one window.
const PAGE_ROWS: u64 = 200;
/// Columns of one window.
const PAGE_COLUMNS: u32 = 24;
/// Windows that are kept.
const N_KEPT: usize = 48;
/// Windows that may be on their way; what scrolled past meanwhile is never asked for.
const N_PENDING: usize = 3;

/// Which rows, in which order.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The table.
    pub output: OutPort,
    /// Its order.
    pub sort: Vec<Sort>,
    /// What must hold.
    pub filters: Vec<Filter>,
}

/// Which window: of rows, of columns.
type PageId = (u64, u32);

#[derive(Default)]
struct Kept {
    /// Counts queries, so that answers to earlier ones are recognised.
    generation: u32,
    query: Option<Query>,
    pages: BTreeMap<PageId, (u64, Rc<TablePage>)>,
    pending: Vec<PageId>,
    /// Counts uses; the page with the smallest is forgotten first.
    clock: u64,
}

/// A handle on the windows.
#[derive(Clone, Copy)]
pub struct Pages {
    kept: StoredValue<Kept, LocalStorage>,
    link: Link,
    /// Counts up with every window that arrives.
    pub arrived: RwSignal<u32>,
    /// Rows that pass the filters, and all of them.
    pub n_rows: RwSignal<(u64, u64)>,
    /// Why there are none.
    pub failure: RwSignal<Option<Failure>>,
}

impl Pages {
    /// No rows yet.
    pub fn new(link: Link) -> Self {
        Self {
            kept: StoredValue::new_local(Kept::default()),
            link,
            arrived: RwSignal::new(0),
            n_rows: RwSignal::new((0, 0)),
            failure: RwSignal::new(None),
        }
    }

    /// Forgets everything; from now on these rows are meant.
    pub fn ask(self, query: Option<Query>) {
        self.kept.update_value(|kept| {
            *kept = Kept { generation: kept.generation + 1, query, ..Kept::default() };
        });
        self.failure.set(None);
        self.arrived.update(|n| *n += 1);
        self.want(0..1, 0..1);
    }

    /// Makes sure that these rows and columns are there, now or soon.
    pub fn want(self, rows: std::ops::Range<u64>, columns: std::ops::Range<u32>) {
        if rows.is_empty() || columns.is_empty() {
            return;
        }
        for row_page in rows.start / PAGE_ROWS..=(rows.end - 1) / PAGE_ROWS {
            for column_page in columns.start / PAGE_COLUMNS..=(columns.end - 1) / PAGE_COLUMNS {
                self.fetch((row_page, column_page));
            }
        }
    }

    /// A value, if it is there.
    pub fn cell(self, row: u64, column: u32) -> Option<Cell> {
        self.kept.with_value(|kept| {
            let (_, page) = kept.pages.get(&(row / PAGE_ROWS, column / PAGE_COLUMNS))?;
            let cells = page.cells.get((row % PAGE_ROWS) as usize)?;
            cells.get((column % PAGE_COLUMNS) as usize).cloned()
        })
    }

    /// The position of a row in the unsorted, unfiltered table, if it is known.
    pub fn row_idx(self, row: u64) -> Option<u64> {
        self.kept.with_value(|kept| {
            let row_page = row / PAGE_ROWS;
            let (_, (_, page)) = kept.pages.range((row_page, 0)..(row_page + 1, 0)).next()?;
            page.row_idx.get((row % PAGE_ROWS) as usize).copied()
        })
    }

    fn fetch(self, id: PageId) {
        let mut request = None;
        self.kept.update_value(|kept| {
            kept.clock += 1;
            let now = kept.clock;
            if let Some((used, _)) = kept.pages.get_mut(&id) {
                *used = now;
                return;
            }
            if kept.pending.len() >= N_PENDING || kept.pending.contains(&id) {
                return;
            }
            if let Some(query) = &kept.query {
                kept.pending.push(id);
                request = Some((kept.generation, query.clone()));
            }
        });
        let Some((generation, query)) = request else {
            return;
        };
        let (row_page, column_page) = id;
        let call = Preview {
            output: query.output,
            first_row: row_page * PAGE_ROWS,
            n_rows: PAGE_ROWS as u32,
            first_column: column_page * PAGE_COLUMNS,
            n_columns: PAGE_COLUMNS,
            sort: query.sort,
            filters: query.filters,
        };
        spawn_local(async move {
            let answer = self.link.unsealed(call).await;
            // The panel may be gone, and its signals with it.
            let is_wanted = self.kept.try_with_value(|kept| kept.generation == generation).unwrap_or(false);
            if is_wanted {
                self.take(id, answer);
            }
        });
    }

    fn take(self, id: PageId, answer: Result<TablePage, Failure>) {
        match answer {
            Ok(page) => {
                let n_rows = (page.n_rows_filtered, page.n_rows_total);
                self.kept.update_value(|kept| {
                    kept.pending.retain(|pending| *pending != id);
                    kept.pages.insert(id, (kept.clock, Rc::new(page)));
                    while kept.pages.len() > N_KEPT {
                        let oldest = kept.pages.iter().min_by_key(|(_, (used, _))| *used).map(|(id, _)| *id);
                        oldest.and_then(|oldest| kept.pages.remove(&oldest));
                    }
                });
                if self.n_rows.get_untracked() != n_rows {
                    self.n_rows.set(n_rows);
                }
            }
            Err(failure) => {
                // The page stays pending, so that it is not asked for again in every frame.
                self.failure.set(Some(failure));
            }
        }
        self.arrived.update(|n| *n += 1);
    }
}
