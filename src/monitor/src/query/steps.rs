//! What becomes of rows, step by step.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::compute::{Computed, Data, Frame, compute, condition};
use super::expression::Named;
use super::parse::{Chart, Order, Query, Step};
use super::summarize::summarize;
use super::table::{CellKind, Column, Table, Values};
use super::{Answer, QueryError, Tables};

pub(super) fn run(query: &Query, tables: &Tables, now_ms: u64) -> Result<Answer, QueryError> {
    let empty = Table::default();
    let table = tables.named(&query.table).unwrap_or(&empty);
    let mut frame = Frame {
        columns: table.columns.iter().map(Cow::Borrowed).collect(),
        rows: None,
        n_rows: table.n_rows,
        now_ms: now_ms as f64,
    };
    let mut chart = None;
    for step in &query.steps {
        match step {
            Step::Where(expression) => {
                let is = condition(expression, &frame)?;
                let places =
                    (0..frame.n_rows).filter(|row| is.data.number(*row) == 1.0).map(|row| row as u32).collect();
                frame = frame.keep(places);
            }
            Step::Summarize { values, keys } => frame = summarize(values, keys, &frame)?,
            Step::Top { n, by } => frame = frame.keep(ordered(std::slice::from_ref(by), *n, &frame)?),
            Step::OrderBy(orders) => frame = frame.keep(ordered(orders, frame.n_rows, &frame)?),
            Step::Project(columns) => frame = with(Vec::new(), columns, &frame)?,
            Step::Extend(columns) => frame = with(frame.table().columns, columns, &frame)?,
            Step::Take(n) => frame = frame.keep((0..frame.n_rows.min(*n) as u32).collect()),
            Step::Count => {
                let values = Values::Numbers(vec![frame.n_rows as f64]);
                frame = frame.of(vec![Column { name: "Count".into(), kind: CellKind::Long, values }], 1);
            }
            Step::Render(kind) => chart = Some(*kind),
        }
    }
    let mut table = frame.table();
    if chart == Some(Chart::TimeChart) {
        sort_by_time(&mut table);
    }
    Ok(Answer { table, chart })
}

impl<'a> Frame<'a> {
    /// Only these of the rows that are left, in this order.
    fn keep(&self, places: Vec<u32>) -> Self {
        let n_rows = places.len();
        let rows = match &self.rows {
            None => places,
            Some(rows) => places.iter().map(|place| rows[*place as usize]).collect(),
        };
        Self { rows: Some(rows), n_rows, ..self.clone() }
    }

    /// Other columns and rows.
    pub fn of(&self, columns: Vec<Column>, n_rows: usize) -> Frame<'a> {
        Frame { columns: columns.into_iter().map(Cow::Owned).collect(), rows: None, n_rows, now_ms: self.now_ms }
    }

    fn table(&self) -> Table {
        let columns = self.columns.iter().map(|column| match &self.rows {
            None => Column::clone(column),
            Some(rows) => column.take(rows),
        });
        Table { columns: columns.collect(), n_rows: self.n_rows }
    }
}

/// The columns there are, and those that are computed, which take the place of others with their names.
fn with<'a>(mut columns: Vec<Column>, computed: &[Named], frame: &Frame<'a>) -> Result<Frame<'a>, QueryError> {
    for Named { name, expression } in computed {
        let column = compute(expression, frame)?.column(name.clone(), 0..frame.n_rows);
        match columns.iter_mut().find(|column| column.name == *name) {
            Some(place) => *place = column,
            None => columns.push(column),
        }
    }
    Ok(frame.of(columns, frame.n_rows))
}

/// The first `n` rows in an order; equal ones stay as they are.
fn ordered(orders: &[Order], n: usize, frame: &Frame) -> Result<Vec<u32>, QueryError> {
    let keys: Vec<(Computed, bool)> =
        orders.iter().map(|order| Ok((compute(&order.by, frame)?, order.is_ascending))).collect::<Result<_, _>>()?;
    let compare = |a: &u32, b: &u32| {
        let by_keys = keys.iter().map(|(key, is_ascending)| {
            let order = compare(key, *a as usize, *b as usize);
            if *is_ascending { order } else { order.reverse() }
        });
        by_keys.fold(Ordering::Equal, Ordering::then).then(a.cmp(b))
    };
    let mut rows: Vec<u32> = (0..frame.n_rows as u32).collect();
    if n < rows.len() {
        rows.select_nth_unstable_by(n, compare);
        rows.truncate(n);
    }
    rows.sort_unstable_by(compare);
    Ok(rows)
}

/// What is missing comes before all else.
fn compare(key: &Computed, a: usize, b: usize) -> Ordering {
    match &key.data {
        Data::OneText(_) | Data::Texts { .. } => key.data.text(a).cmp(key.data.text(b)),
        Data::One(_) | Data::Many(_) => {
            let (a, b) = (key.data.number(a), key.data.number(b));
            b.is_nan().cmp(&a.is_nan()).then(a.partial_cmp(&b).unwrap_or(Ordering::Equal))
        }
    }
}

/// A chart along time begins with the first moment, however its rows came about.
fn sort_by_time(table: &mut Table) {
    let time = table.columns.iter().find(|column| column.kind == CellKind::DateTime);
    if let Some(Column { values: Values::Numbers(moments), .. }) = time {
        let mut rows: Vec<u32> = (0..table.n_rows as u32).collect();
        rows.sort_by(|a, b| moments[*a as usize].total_cmp(&moments[*b as usize]));
        table.columns = table.columns.iter().map(|column| column.take(&rows)).collect();
    }
}
