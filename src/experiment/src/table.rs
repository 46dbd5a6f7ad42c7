//! All runs at once, column by column: built once, updated run by run, searched, sorted and grouped at interactive rate.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use pipeline::NodeId;
use protocol::Direction;
use schema::ordered::sort_by;

use crate::entry::IndexEntry;
use crate::key::RunKey;
use crate::names::nearest;
use crate::order::order;
use crate::query::{Query, QueryError};
use crate::record::RunState;
use crate::scalar::{Cell, Scalar};
use crate::stats::{Spread, spread};

const METRIC: &str = "metric.";
const PARAM: &str = "param.";

/// The runs of a workspace.
///
/// A run keeps its row until it is removed; rows of removed runs are given to later ones.
#[derive(Clone, Debug, Default)]
pub struct RunTable {
    /// Invariant: `by_key` has the row of every entry, and `free` every row without one. Kept by `insert` and `remove`.
    rows: Vec<Option<Row>>,
    by_key: BTreeMap<String, usize>,
    free: Vec<usize>,
    /// The largest number that a run of each document has had.
    last_numbers: BTreeMap<String, u32>,
    columns: Vec<Column>,
    by_name: BTreeMap<String, usize>,
    /// Texts of parameters, each once.
    texts: Vec<String>,
    by_text: BTreeMap<String, usize>,
    /// Where names are put together, so that none is allocated to look a column up.
    scratch: String,
    offset_mins: i32,
}

/// A run, with what its fields look like as text.
#[derive(Clone, Debug)]
struct Row {
    /// Without its parameters, which are in the columns.
    entry: IndexEntry,
    tags: String,
    changed: String,
    /// Name, tags and note in lower case, for free words.
    haystack: String,
}

/// A metric's or a parameter's values.
#[derive(Clone, Debug)]
pub struct Column {
    /// `metric.auc`, `metric.evaluate.auc`, `param.n_trees`, `param.forest.n_trees`.
    pub name: String,
    /// "AUC"; of a parameter, its name without the node.
    pub label: String,
    /// Whether it is named without a node: it then has the value of the first node, by id, that has it.
    pub is_short: bool,
    /// Which way is better.
    pub better: Option<Direction>,
    /// Row by row; shorter than the table when its last rows have nothing.
    cells: Vec<Kept>,
    n_numbers: usize,
    n_others: usize,
}

impl Column {
    /// Whether it is a metric, rather than a parameter.
    pub fn is_metric(&self) -> bool {
        self.name.starts_with(METRIC)
    }

    /// Whether all its values are numbers.
    pub fn is_numeric(&self) -> bool {
        self.n_others == 0
    }

    /// How many runs have a value.
    pub fn n_values(&self) -> usize {
        self.n_numbers + self.n_others
    }

    fn count(&mut self, cell: Kept, by: isize) {
        let n = match cell {
            Kept::Missing | Kept::None => return,
            Kept::Number(_) => &mut self.n_numbers,
            Kept::Truth(_) | Kept::Text(_) => &mut self.n_others,
        };
        *n = n.saturating_add_signed(by);
    }
}

/// A value in a column.
#[derive(Clone, Copy, Debug, Default)]
enum Kept {
    #[default]
    Missing,
    None,
    Truth(bool),
    Number(f64),
    Text(usize),
}

/// What every run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Its key.
    Id,
    /// Its number.
    Number,
    /// Its name.
    Name,
    /// How far it is.
    State,
    /// When it began.
    Started,
    /// How long it took, in seconds.
    Took,
    /// What was changed since the run before.
    Changed,
    /// Its learners.
    Learner,
    /// Its tags.
    Tag,
    /// Its note.
    Note,
    /// Its document.
    Document,
    /// Its pipeline's name.
    Pipeline,
    /// The files it read.
    Data,
    /// The pipeline's seed.
    Seed,
    /// Version of the engine.
    Engine,
    /// Where it ran.
    Host,
    /// Why it failed or was stopped.
    Message,
    /// Whether it is archived.
    Archived,
    /// The sweep that it is a trial of.
    Sweep,
    /// Its number in that sweep.
    Trial,
}

/// What a field holds, and so what it can be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// A time.
    Time,
    /// One of the states of runs.
    State,
    /// True or false.
    Truth,
    /// Several texts.
    Tags,
}

impl Field {
    /// Every field, in the order in which columns are offered.
    pub const ALL: [Self; 20] = [
        Self::State,
        Self::Number,
        Self::Name,
        Self::Changed,
        Self::Started,
        Self::Took,
        Self::Learner,
        Self::Tag,
        Self::Note,
        Self::Document,
        Self::Pipeline,
        Self::Data,
        Self::Seed,
        Self::Engine,
        Self::Host,
        Self::Message,
        Self::Archived,
        Self::Sweep,
        Self::Trial,
        Self::Id,
    ];

    fn row(self) -> (&'static str, &'static str, FieldKind) {
        match self {
            Self::Id => ("id", "Key", FieldKind::Text),
            Self::Number => ("number", "Number", FieldKind::Number),
            Self::Name => ("name", "Run", FieldKind::Text),
            Self::State => ("state", "State", FieldKind::State),
            Self::Started => ("started", "Started", FieldKind::Time),
            Self::Took => ("took", "Took", FieldKind::Number),
            Self::Changed => ("changed", "Changed since the run before", FieldKind::Text),
            Self::Learner => ("learner", "Learner", FieldKind::Text),
            Self::Tag => ("tag", "Tags", FieldKind::Tags),
            Self::Note => ("note", "Note", FieldKind::Text),
            Self::Document => ("document", "Document", FieldKind::Text),
            Self::Pipeline => ("pipeline", "Pipeline", FieldKind::Text),
            Self::Data => ("data", "Data", FieldKind::Text),
            Self::Seed => ("seed", "Seed", FieldKind::Number),
            Self::Engine => ("engine", "Engine", FieldKind::Text),
            Self::Host => ("host", "Host", FieldKind::Text),
            Self::Message => ("message", "Message", FieldKind::Text),
            Self::Archived => ("archived", "Archived", FieldKind::Truth),
            Self::Sweep => ("sweep", "Sweep", FieldKind::Text),
            Self::Trial => ("trial", "Trial", FieldKind::Number),
        }
    }

    /// Its name in queries and views.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Its name for people.
    pub fn label(self) -> &'static str {
        self.row().1
    }

    /// What it holds.
    pub fn kind(self) -> FieldKind {
        self.row().2
    }
}

/// Where the values of a name are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// What every run has.
    Field(Field),
    /// A metric or a parameter: its position among [`RunTable::columns`].
    Column(usize),
}

/// A name that no run knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no run has {name:?}{}", nearest.as_ref().map(|nearest| format!("; did you mean {nearest:?}?")).unwrap_or_default())]
pub struct UnknownName {
    /// The name that was looked for.
    pub name: String,
    /// The known name that is most like it.
    pub nearest: Option<String>,
}

/// Order by one column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortKey {
    /// Its name.
    pub column: String,
    /// Largest first. What is missing comes last either way.
    pub descending: bool,
}

/// Runs that have something in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What they have in common, one for each name that was grouped by; none for runs without such a thing.
    pub key: Vec<Option<Scalar>>,
    /// Their rows, in the order in which they were given.
    pub rows: Vec<usize>,
    /// How each measure spreads over them.
    pub spreads: Vec<Spread>,
}

impl RunTable {
    /// A table of these runs; of several with one key, the last.
    pub fn new(entries: impl IntoIterator<Item = IndexEntry>) -> Self {
        let mut table = Self::default();
        for entry in entries {
            table.insert(entry);
        }
        table
    }

    /// How many minutes the user's clock is ahead of UTC, for dates in queries.
    pub fn set_time_zone(&mut self, offset_mins: i32) {
        self.offset_mins = offset_mins;
    }

    /// How many minutes the user's clock is ahead of UTC.
    pub fn offset_mins(&self) -> i32 {
        self.offset_mins
    }

    /// How many runs there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Takes a run in, or brings it up to date. Gives its row.
    pub fn insert(&mut self, mut entry: IndexEntry) -> usize {
        let row_idx = match self.by_key.get(entry.id.as_str()) {
            Some(&row_idx) => {
                self.clear(row_idx);
                row_idx
            }
            None => self.free.pop().unwrap_or_else(|| {
                self.rows.push(None);
                self.rows.len() - 1
            }),
        };
        self.by_key.insert(entry.id.as_str().into(), row_idx);
        match self.last_numbers.get_mut(&entry.document) {
            Some(last) => *last = entry.number.max(*last),
            None => _ = self.last_numbers.insert(entry.document.clone(), entry.number),
        }
        let metrics = &entry.metrics;
        for metric_idx in order(metrics.len(), &|a, b| metrics[a].node.cmp(&metrics[b].node)) {
            let metric = &metrics[metric_idx];
            let value = Kept::Number(metric.value);
            for column_idx in self.places(METRIC, &metric.node, &metric.name) {
                let column = &mut self.columns[column_idx];
                column.label.clone_from(&metric.label);
                column.better = metric.better.or(column.better);
                self.set(column_idx, row_idx, value);
            }
        }
        for param in std::mem::take(&mut entry.params) {
            let value = match param.value {
                Scalar::None => Kept::None,
                Scalar::Truth(truth) => Kept::Truth(truth),
                Scalar::Number(x) => Kept::Number(x),
                Scalar::Text(text) => Kept::Text(self.intern(&text)),
            };
            for column_idx in self.places(PARAM, &param.node, &param.name) {
                self.set(column_idx, row_idx, value);
            }
        }
        let tags = entry.tags.join(", ");
        let haystack = format!("{}\n{tags}\n{}", entry.name, entry.note).to_lowercase();
        let changed = entry.changes.in_words();
        self.rows[row_idx] = Some(Row { entry, tags, changed, haystack });
        row_idx
    }

    /// Forgets a run; whether there was one.
    pub fn remove(&mut self, run: &RunKey) -> bool {
        let Some(row_idx) = self.by_key.remove(run.as_str()) else { return false };
        self.clear(row_idx);
        self.rows[row_idx] = None;
        self.free.push(row_idx);
        true
    }

    fn clear(&mut self, row_idx: usize) {
        for column in &mut self.columns {
            if let Some(cell) = column.cells.get_mut(row_idx) {
                let old = std::mem::take(cell);
                column.count(old, -1);
            }
        }
    }

    /// The columns of a metric or a parameter: with its node, and without.
    fn places(&mut self, space: &str, node: &NodeId, name: &str) -> [usize; 2] {
        [self.place(&[space, node.as_str(), ".", name], false), self.place(&[space, name], true)]
    }

    fn place(&mut self, name: &[&str], is_short: bool) -> usize {
        self.scratch.clear();
        name.iter().for_each(|part| self.scratch.push_str(part));
        if let Some(&column_idx) = self.by_name.get(&self.scratch) {
            return column_idx;
        }
        self.columns.push(Column {
            label: name.last().map_or("", |name| name).to_owned(),
            name: self.scratch.clone(),
            is_short,
            better: None,
            cells: Vec::new(),
            n_numbers: 0,
            n_others: 0,
        });
        self.by_name.insert(self.scratch.clone(), self.columns.len() - 1);
        self.columns.len() - 1
    }

    /// The first value stays: a short name means the first node that has it.
    fn set(&mut self, column_idx: usize, row_idx: usize, value: Kept) {
        let column = &mut self.columns[column_idx];
        if column.cells.len() <= row_idx {
            column.cells.resize(row_idx + 1, Kept::Missing);
        }
        if let cell @ Kept::Missing = &mut column.cells[row_idx] {
            *cell = value;
            column.count(value, 1);
        }
    }

    fn intern(&mut self, text: &str) -> usize {
        if let Some(&text_idx) = self.by_text.get(text) {
            return text_idx;
        }
        self.texts.push(text.into());
        self.by_text.insert(text.into(), self.texts.len() - 1);
        self.texts.len() - 1
    }

    /// The row of a run.
    pub fn find(&self, run: &RunKey) -> Option<usize> {
        self.by_key.get(run.as_str()).copied()
    }

    /// The largest number that a run of this document has had, removed ones too; 0 if it has none.
    pub fn last_number(&self, document: &str) -> u32 {
        self.last_numbers.get(document).copied().unwrap_or_default()
    }

    /// The run in a row, without its parameters: see [`Self::params`].
    pub fn entry(&self, row_idx: usize) -> Option<&IndexEntry> {
        Some(&self.rows.get(row_idx)?.as_ref()?.entry)
    }

    /// Every row that holds a run, by key.
    pub fn all(&self) -> Vec<usize> {
        self.by_key.values().copied().collect()
    }

    /// Every metric and parameter that any run ever had, in the order in which they came up.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The parameters of a run, with their columns, in no particular order.
    pub fn params(&self, row_idx: usize) -> impl Iterator<Item = (&Column, Cell<'_>)> {
        let full = self.columns.iter().enumerate().filter(|(_, column)| !column.is_metric() && !column.is_short);
        full.map(move |(column_idx, column)| (column, self.cell(row_idx, Source::Column(column_idx))))
            .filter(|(_, cell)| *cell != Cell::Missing)
    }

    /// Where the values of a name are: a field, `metric.auc`, `param.n_trees`, or bare `auc`, `evaluate.auc`,
    /// `n_trees`, `forest.n_trees`; a metric before a parameter.
    ///
    /// # Errors
    /// A name that no run knows.
    pub fn source(&self, name: &str) -> Result<Source, UnknownName> {
        if let Some(field) = Field::ALL.into_iter().find(|field| field.name() == name) {
            return Ok(Source::Field(field));
        }
        let column = |name: &str| self.by_name.get(name).map(|&column_idx| Source::Column(column_idx));
        column(name)
            .or_else(|| column(&format!("metric.{name}")))
            .or_else(|| column(&format!("param.{name}")))
            .ok_or_else(|| UnknownName { name: name.into(), nearest: self.nearest(name) })
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let mut known: Vec<&str> = Vec::new();
        known.extend(Field::ALL.iter().map(|field| field.name()));
        known.extend(self.columns.iter().filter_map(|column| Some(column.name.split_once('.')?.1)));
        known.extend(self.columns.iter().map(|column| column.name.as_str()));
        nearest(name, &known)
    }

    /// The name for people of what a name stands for.
    pub fn label(&self, source: Source) -> &str {
        match source {
            Source::Field(field) => field.label(),
            Source::Column(column_idx) => &self.columns[column_idx].label,
        }
    }

    /// Which way is better.
    pub fn better(&self, source: Source) -> Option<Direction> {
        match source {
            Source::Field(Field::Took) => Some(Direction::Lower),
            Source::Field(_) => None,
            Source::Column(column_idx) => self.columns[column_idx].better,
        }
    }

    /// One value of one run.
    pub fn cell(&self, row_idx: usize, source: Source) -> Cell<'_> {
        let field = match source {
            Source::Field(field) => field,
            Source::Column(column_idx) => {
                let kept = self.columns.get(column_idx).and_then(|column| column.cells.get(row_idx));
                return match kept.copied().unwrap_or_default() {
                    Kept::Missing => Cell::Missing,
                    Kept::None => Cell::None,
                    Kept::Truth(truth) => Cell::Truth(truth),
                    Kept::Number(x) => Cell::Number(x),
                    Kept::Text(text_idx) => Cell::Text(&self.texts[text_idx]),
                };
            }
        };
        let Some(Some(row)) = self.rows.get(row_idx) else { return Cell::Missing };
        let entry = &row.entry;
        let text = match field {
            Field::Id => entry.id.as_str(),
            Field::Number => return Cell::Number(f64::from(entry.number)),
            Field::Name => &entry.name,
            Field::State => entry.state.word(),
            Field::Started => return Cell::Number(entry.started_at as f64),
            Field::Took => return Cell::Number(entry.elapsed_secs),
            Field::Changed => &row.changed,
            Field::Learner => &entry.learner,
            Field::Tag => &row.tags,
            Field::Note => &entry.note,
            Field::Document => &entry.document,
            Field::Pipeline => &entry.pipeline_name,
            Field::Data => &entry.data,
            Field::Seed => return Cell::Number(entry.seed as f64),
            Field::Engine => &entry.engine,
            Field::Host => &entry.host,
            Field::Message => &entry.message,
            Field::Archived => return Cell::Truth(entry.archived),
            Field::Sweep => entry.trial.as_ref().map_or("", |trial| &trial.sweep),
            Field::Trial => return entry.trial.as_ref().map_or(Cell::Missing, |t| Cell::Number(f64::from(t.number))),
        };
        if text.is_empty() { Cell::Missing } else { Cell::Text(text) }
    }

    pub(crate) fn haystack(&self, row_idx: usize) -> &str {
        self.rows.get(row_idx).and_then(Option::as_ref).map_or("", |row| &row.haystack)
    }

    pub(crate) fn texts_of(&self, source: Source) -> Vec<(String, usize)> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        match source {
            Source::Field(Field::State) => {
                RunState::ALL.iter().for_each(|state| _ = counts.insert(state.word().into(), 0));
            }
            Source::Field(Field::Archived) => ["true", "false"].iter().for_each(|t| _ = counts.insert((*t).into(), 0)),
            Source::Field(_) | Source::Column(_) => {}
        }
        for &row_idx in self.by_key.values() {
            if source == Source::Field(Field::Tag) {
                for tag in self.entry(row_idx).into_iter().flat_map(|entry| &entry.tags) {
                    *counts.entry(tag.clone()).or_default() += 1;
                }
                continue;
            }
            match self.cell(row_idx, source) {
                Cell::Missing => {}
                Cell::Truth(truth) => *counts.entry(truth.to_string()).or_default() += 1,
                cell @ (Cell::None | Cell::Number(_) | Cell::Text(_)) => {
                    *counts.entry(cell.to_string()).or_default() += 1;
                }
            }
        }
        let counts: Vec<_> = counts.into_iter().collect();
        // The texts are in order already.
        order(counts.len(), &|a, b| counts[b].1.cmp(&counts[a].1)).into_iter().map(|at| counts[at].clone()).collect()
    }

    /// The rows that a query asks for, by key. Archived runs are among them only if the query asks about `archived`.
    ///
    /// # Errors
    /// A query that speaks of what no run has, or compares what cannot be compared.
    pub fn filter(&self, query: &Query) -> Result<Vec<usize>, QueryError> {
        let plan = query.plan(self)?;
        let with_archived = query.mentions(Field::Archived.name());
        let asked = |row_idx: &usize| {
            let is_archived = self.entry(*row_idx).is_some_and(|entry| entry.archived);
            (with_archived || !is_archived) && plan.holds(self, *row_idx)
        };
        Ok(self.by_key.values().copied().filter(asked).collect())
    }

    /// Sorts rows by the first of these, ties by the next; rows that are equal in all keep their order. What is
    /// missing comes last.
    ///
    /// # Errors
    /// A name that no run knows.
    pub fn sort(&self, rows: &mut [usize], by: &[SortKey]) -> Result<(), UnknownName> {
        let mut keys = Vec::with_capacity(by.len());
        for key in by {
            keys.push((self.source(&key.column)?, key.descending));
        }
        // One look-up per value instead of one per comparison.
        let by_key: Vec<Vec<Cell<'_>>> =
            keys.iter().map(|(source, _)| rows.iter().map(|&row_idx| self.cell(row_idx, *source)).collect()).collect();
        let compare = |a: usize, b: usize| {
            by_key.iter().zip(&keys).fold(Ordering::Equal, |order, (cells, (_, descending))| {
                order.then_with(|| {
                    let (a, b) = (cells[a], cells[b]);
                    if *descending && !a.is_empty() && !b.is_empty() { b.order(a) } else { a.order(b) }
                })
            })
        };
        let sorted: Vec<usize> = order(rows.len(), &compare).into_iter().map(|at| rows[at]).collect();
        rows.copy_from_slice(&sorted);
        Ok(())
    }

    /// Groups rows by what they have in common in each of `by`, and tells how each of `measures` spreads over them.
    /// A run with several tags is in the group of each. Groups come by key, what is missing last.
    ///
    /// # Errors
    /// A name that no run knows.
    pub fn group(&self, rows: &[usize], by: &[String], measures: &[String]) -> Result<Vec<Group>, UnknownName> {
        let sources = |names: &[String]| names.iter().map(|name| self.source(name)).collect::<Result<Vec<_>, _>>();
        let (by, measures) = (sources(by)?, sources(measures)?);
        let mut keyed: Vec<(Vec<Cell<'_>>, usize)> = Vec::with_capacity(rows.len());
        for &row_idx in rows {
            let mut keys: Vec<Vec<Cell<'_>>> = vec![Vec::with_capacity(by.len())];
            for source in &by {
                let tags: Option<&Vec<String>> = match source {
                    Source::Field(Field::Tag) => self.entry(row_idx).map(|e| &e.tags).filter(|tags| tags.len() > 1),
                    Source::Field(_) | Source::Column(_) => None,
                };
                let cells: Vec<_> = match tags {
                    Some(tags) => tags.iter().map(|tag| Cell::Text(tag)).collect(),
                    None => vec![self.cell(row_idx, *source)],
                };
                let with = |key: &Vec<_>| cells.iter().map(|cell| [&key[..], &[*cell]].concat()).collect::<Vec<_>>();
                keys = keys.iter().flat_map(with).collect();
            }
            keyed.extend(keys.into_iter().map(|key| (key, row_idx)));
        }
        let compare = |a: usize, b: usize| {
            let pairs = keyed[a].0.iter().zip(&keyed[b].0);
            pairs.fold(Ordering::Equal, |order, (a, b)| order.then_with(|| a.order(*b)))
        };
        let sorted = order(keyed.len(), &compare);
        let groups = sorted.chunk_by(|&a, &b| compare(a, b).is_eq()).map(|members| {
            let rows: Vec<usize> = members.iter().map(|&at| keyed[at].1).collect();
            let of = |source: &Source| {
                let numbers: Vec<f64> =
                    rows.iter().filter_map(|&row_idx| self.cell(row_idx, *source).number()).collect();
                spread(&numbers)
            };
            let spreads = measures.iter().map(of).collect();
            Group { key: keyed[members[0]].0.iter().map(|cell| cell.to_scalar()).collect(), rows, spreads }
        });
        Ok(groups.collect())
    }
}

/// Orders groups by the best value that one of them has in the measure at this position; groups without one come last.
pub fn order_by_best(groups: &mut [Group], measure_idx: usize, better: Direction) {
    let best = |group: &Group| {
        let spread = group.spreads.get(measure_idx).filter(|spread| spread.n > 0)?;
        Some(match better {
            Direction::Higher => -spread.max,
            Direction::Lower => spread.min,
        })
    };
    sort_by(groups, |a, b| match (best(a), best(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
}
