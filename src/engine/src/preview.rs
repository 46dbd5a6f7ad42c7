//! Windows on tables: rows in any order, under conditions, as text.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Weak};

use arrow_array::Array;
use protocol::{Failure, Filter, Preview, Sort, TablePage};
use schema::ColumnNotFound;
use table::{Cells, Table, date_millis, date_text, write_number};

use crate::sort::BLOCK;

/// The orders of rows that were asked for last, so that scrolling does not sort again.
#[derive(Debug, Default)]
pub struct RowOrders {
    /// The latest last.
    orders: RefCell<Vec<RowOrder>>,
    is_sorting: Cell<bool>,
}

#[derive(Debug)]
struct RowOrder {
    /// The table's columns; they do not keep it alive, and their addresses are not used again while they are here.
    columns: Vec<Weak<dyn Array>>,
    sort: Vec<Sort>,
    filters: Vec<Filter>,
    row_idxs: Rc<[u32]>,
}

impl RowOrders {
    const MOST: usize = 4;

    async fn get<F: Future>(
        &self,
        table: &Table,
        sort: &[Sort],
        filters: &[Filter],
        breathe: &mut impl FnMut() -> F,
    ) -> Result<Rc<[u32]>, ColumnNotFound> {
        // Whoever else sorts may be after the same order.
        while self.is_sorting.get() {
            breathe().await;
        }
        if let Some(row_idxs) = self.known(table, sort, filters) {
            return Ok(row_idxs);
        }
        self.is_sorting.set(true);
        let passing = self.known(table, &[], filters).filter(|_| !filters.is_empty());
        let row_idxs = ordered(table, sort, filters, passing, breathe).await;
        self.is_sorting.set(false);
        let row_idxs: Rc<[u32]> = row_idxs?.into();
        let mut orders = self.orders.borrow_mut();
        orders.retain(|order| order.columns.iter().all(|column| column.strong_count() > 0));
        if orders.len() >= Self::MOST {
            orders.remove(0);
        }
        orders.push(RowOrder {
            columns: table.columns().iter().map(Arc::downgrade).collect(),
            sort: sort.to_vec(),
            filters: filters.to_vec(),
            row_idxs: Rc::clone(&row_idxs),
        });
        Ok(row_idxs)
    }

    /// Whether each row passes all filters; none without filters.
    pub(crate) async fn passes<F: Future>(
        &self,
        table: &Table,
        filters: &[Filter],
        breathe: &mut impl FnMut() -> F,
    ) -> Result<Option<Vec<bool>>, ColumnNotFound> {
        if filters.is_empty() {
            return Ok(None);
        }
        let mut passes = vec![false; table.n_rows()];
        for &row_idx in &*self.get(table, &[], filters, breathe).await? {
            passes[row_idx as usize] = true;
        }
        Ok(Some(passes))
    }

    fn known(&self, table: &Table, sort: &[Sort], filters: &[Filter]) -> Option<Rc<[u32]>> {
        let mut orders = self.orders.borrow_mut();
        let order_idx = orders.iter().position(|order| {
            order.sort == sort
                && order.filters == filters
                && order.columns.len() == table.n_columns()
                && order
                    .columns
                    .iter()
                    .zip(table.columns())
                    .all(|(known, column)| std::ptr::addr_eq(known.as_ptr(), Arc::as_ptr(column)))
        })?;
        orders[order_idx..].rotate_left(1);
        orders.last().map(|order| Rc::clone(&order.row_idxs))
    }
}

/// The window that is asked for. `breathe` is awaited between blocks of rows, so that others get a turn.
///
/// # Errors
/// A condition or an order names a column that is not there.
pub async fn preview<F: Future>(
    table: &Table,
    call: &Preview,
    orders: &RowOrders,
    mut breathe: impl FnMut() -> F,
) -> Result<TablePage, Failure> {
    let n_rows_total = table.n_rows() as u64;
    let order = if call.sort.is_empty() && call.filters.is_empty() {
        None
    } else {
        Some(orders.get(table, &call.sort, &call.filters, &mut breathe).await.map_err(unknown_column)?)
    };
    let n_rows_filtered = order.as_ref().map_or(n_rows_total, |order| order.len() as u64);
    let first = call.first_row.min(n_rows_filtered);
    let last = first.saturating_add(u64::from(call.n_rows)).min(n_rows_filtered);
    let row_idxs: Vec<usize> = match &order {
        None => (first as usize..last as usize).collect(),
        Some(order) => order[first as usize..last as usize].iter().map(|row_idx| *row_idx as usize).collect(),
    };
    let first_column = (call.first_column as usize).min(table.n_columns());
    let last_column = first_column.saturating_add(call.n_columns as usize).min(table.n_columns());
    let mut cells = vec![Vec::with_capacity(last_column - first_column); row_idxs.len()];
    let mut text = String::new();
    for column_idx in first_column..last_column {
        let column = table.cells(column_idx);
        let with_time = has_times(&column, &row_idxs);
        for (row, &row_idx) in cells.iter_mut().zip(&row_idxs) {
            row.push(match &column {
                Cells::DateTime(values) if column.is_valid(row_idx) => {
                    protocol::Cell::Text(date_text(values.value(row_idx), with_time))
                }
                _ if column.read(row_idx, &mut text) => protocol::Cell::Text(text.clone()),
                _ => protocol::Cell::Missing,
            });
        }
    }
    Ok(TablePage {
        n_rows_total,
        n_rows_filtered,
        n_columns_total: table.n_columns() as u32,
        columns: table.schema().columns[first_column..last_column].to_vec(),
        row_idx: row_idxs.into_iter().map(|row_idx| row_idx as u64).collect(),
        cells,
    })
}

/// Whether a date of the window has a time of day: then all show theirs.
fn has_times(column: &Cells<'_>, row_idxs: &[usize]) -> bool {
    const DAY_MILLIS: i64 = 86_400_000;
    match column {
        Cells::DateTime(values) => row_idxs
            .iter()
            .any(|&row_idx| column.is_valid(row_idx) && values.value(row_idx).rem_euclid(DAY_MILLIS) != 0),
        Cells::Number(_) | Cells::Integer(_) | Cells::Boolean(_) | Cells::Category { .. } | Cells::Text(_) => false,
    }
}

pub(crate) fn unknown_column(error: ColumnNotFound) -> Failure {
    Failure::new(error.to_string(), "Take the condition or the order away; the table has changed since.")
}

/// The rows that pass all filters, in the order that is asked for. `passing` are those, where they are known.
async fn ordered<F: Future>(
    table: &Table,
    sort: &[Sort],
    filters: &[Filter],
    passing: Option<Rc<[u32]>>,
    breathe: &mut impl FnMut() -> F,
) -> Result<Vec<u32>, ColumnNotFound> {
    let row_idxs = match passing {
        Some(known) => known.to_vec(),
        None if filters.is_empty() => (0..table.n_rows() as u32).collect(),
        None => {
            let passes = passing_all(table, filters, breathe).await?;
            (0u32..).zip(passes).filter(|(_, passes)| *passes).map(|(row_idx, _)| row_idx).collect()
        }
    };
    sorted(table, sort, row_idxs, breathe).await
}

/// Whether each row passes all filters.
async fn passing_all<F: Future>(
    table: &Table,
    filters: &[Filter],
    breathe: &mut impl FnMut() -> F,
) -> Result<Vec<bool>, ColumnNotFound> {
    let mut passes = vec![true; table.n_rows()];
    for filter in filters {
        match filter {
            Filter::Range { column, low, high, closed } => {
                let cells = table.cells(table.schema().position(column)?);
                let holds = |x: f64| *low <= x && (x < *high || (*closed && x <= *high));
                keep(&mut passes, |row_idx| cells.number(row_idx).is_some_and(holds), breathe).await;
            }
            Filter::Missing { column } => {
                let cells = table.cells(table.schema().position(column)?);
                keep(&mut passes, |row_idx| !cells.is_valid(row_idx), breathe).await;
            }
            Filter::Equals { column, value } => {
                let cells = table.cells(table.schema().position(column)?);
                let number: Option<f64> = value.trim().parse().ok();
                let millis = date_millis(value);
                let equals = |row_idx: usize| {
                    cells.is_valid(row_idx)
                        && match &cells {
                            Cells::Number(values) => number == Some(values.value(row_idx)),
                            Cells::Integer(values) => *value == values.value(row_idx).to_string(),
                            Cells::Boolean(values) => *value == values.value(row_idx).to_string(),
                            Cells::DateTime(values) => millis == Some(values.value(row_idx)),
                            Cells::Category { .. } | Cells::Text(_) => cells.str(row_idx) == Some(value),
                        }
                };
                keep(&mut passes, equals, breathe).await;
            }
            Filter::Contains { text } => {
                let needle = text.to_lowercase();
                let mut any = vec![false; table.n_rows()];
                for column_idx in 0..table.n_columns() {
                    find(&table.cells(column_idx), &needle, &mut any, breathe).await;
                }
                keep(&mut passes, |row_idx| any[row_idx], breathe).await;
            }
        }
    }
    Ok(passes)
}

/// A condition may turn a cell into text, so that a turn holds fewer rows than of a sort.
const ROWS_IN_TURN: usize = BLOCK / 4;

async fn keep<F: Future>(passes: &mut [bool], condition: impl Fn(usize) -> bool, breathe: &mut impl FnMut() -> F) {
    for (block_idx, block) in passes.chunks_mut(ROWS_IN_TURN).enumerate() {
        for (row_idx, passes) in (block_idx * ROWS_IN_TURN..).zip(block) {
            *passes = *passes && condition(row_idx);
        }
        breathe().await;
    }
}

/// Marks the rows whose text contains the needle.
async fn find<F: Future>(cells: &Cells<'_>, needle: &str, any: &mut [bool], breathe: &mut impl FnMut() -> F) {
    // Most needles cannot be part of a number or a date: then nothing is turned into text.
    let may_be_in = |alphabet: &str| needle.chars().all(|character| alphabet.contains(character));
    let mut text = String::new();
    let mut written = move |write: &dyn Fn(&mut String)| {
        text.clear();
        write(&mut text);
        text.contains(needle)
    };
    let mut contains: Box<dyn FnMut(usize) -> bool + '_> = match cells {
        Cells::Number(values) if may_be_in("0123456789.-+einf") => {
            Box::new(move |row_idx| written(&|text| write_number(values.value(row_idx), text)))
        }
        Cells::Integer(values) if may_be_in("0123456789-") => {
            Box::new(move |row_idx| written(&|text| text.push_str(&values.value(row_idx).to_string())))
        }
        Cells::DateTime(values) if may_be_in("0123456789-:.t") => {
            Box::new(|row_idx| date_text(values.value(row_idx), true).to_lowercase().contains(needle))
        }
        Cells::Boolean(values) => {
            let (yes, no) = ("true".contains(needle), "false".contains(needle));
            Box::new(move |row_idx| if values.value(row_idx) { yes } else { no })
        }
        Cells::Category { codes, names } => {
            let contain: Vec<bool> =
                (0..names.len()).map(|code| names.value(code).to_lowercase().contains(needle)).collect();
            Box::new(move |row_idx| {
                usize::try_from(codes.value(row_idx)).is_ok_and(|code| contain.get(code).copied().unwrap_or(false))
            })
        }
        Cells::Text(values) => Box::new(|row_idx| values.value(row_idx).to_lowercase().contains(needle)),
        Cells::Number(_) | Cells::Integer(_) | Cells::DateTime(_) => return,
    };
    for (block_idx, block) in any.chunks_mut(ROWS_IN_TURN).enumerate() {
        for (row_idx, any) in (block_idx * ROWS_IN_TURN..).zip(block) {
            *any = *any || (cells.is_valid(row_idx) && contains(row_idx));
        }
        breathe().await;
    }
}

/// The rows by the first order, those equal there by the second, and so on; equal rows stay as they were.
async fn sorted<F: Future>(
    table: &Table,
    sort: &[Sort],
    mut row_idxs: Vec<u32>,
    breathe: &mut impl FnMut() -> F,
) -> Result<Vec<u32>, ColumnNotFound> {
    for Sort { column, descending } in sort.iter().rev() {
        let cells = table.cells(table.schema().position(column)?);
        let ranks = match &cells {
            Cells::Category { names, .. } => ranks(names),
            Cells::Number(_) | Cells::Integer(_) | Cells::Boolean(_) | Cells::Text(_) | Cells::DateTime(_) => {
                Vec::new()
            }
        };
        // Texts are compared by their first eight bytes, and looked at whole only where those are equal.
        let key = |row_idx: usize| match &cells {
            Cells::Number(values) => ordered_bits(values.value(row_idx)),
            Cells::Integer(values) => values.value(row_idx) as u64 ^ 1 << 63,
            Cells::DateTime(values) => values.value(row_idx) as u64 ^ 1 << 63,
            Cells::Boolean(values) => u64::from(values.value(row_idx)),
            Cells::Category { codes, .. } => {
                usize::try_from(codes.value(row_idx)).ok().and_then(|code| ranks.get(code)).copied().unwrap_or(0)
            }
            Cells::Text(values) => {
                let mut start = [0; 8];
                let bytes = values.value(row_idx).as_bytes();
                let n = bytes.len().min(8);
                start[..n].copy_from_slice(&bytes[..n]);
                u64::from_be_bytes(start)
            }
        };
        let (valid, missing): (Vec<u32>, Vec<u32>) =
            row_idxs.into_iter().partition(|row_idx| cells.is_valid(*row_idx as usize));
        breathe().await;
        let mut keyed: Vec<(u64, u32)> = Vec::with_capacity(valid.len());
        for block in valid.chunks(BLOCK) {
            let first = keyed.len() as u32;
            keyed.extend((first..).zip(block).map(|(position, &row_idx)| {
                let key = key(row_idx as usize);
                (if *descending { !key } else { key }, position)
            }));
            breathe().await;
        }
        match &cells {
            Cells::Text(values) => {
                let text = |position: u32| values.value(valid[position as usize] as usize);
                let by_text = |left: &(u64, u32), right: &(u64, u32)| {
                    left.0.cmp(&right.0).then_with(|| {
                        let order = text(left.1).cmp(text(right.1));
                        (if *descending { order.reverse() } else { order }).then(left.1.cmp(&right.1))
                    })
                };
                crate::sort::sort(&mut keyed, by_text, breathe).await;
            }
            Cells::Number(_) | Cells::Integer(_) | Cells::Boolean(_) | Cells::Category { .. } | Cells::DateTime(_) => {
                crate::sort::sort(&mut keyed, Ord::cmp, breathe).await;
            }
        }
        row_idxs = keyed.into_iter().map(|(_, position)| valid[position as usize]).collect();
        row_idxs.extend(missing);
        breathe().await;
    }
    Ok(row_idxs)
}

/// The place of each name among all names.
fn ranks(names: &arrow_array::StringArray) -> Vec<u64> {
    let mut codes: Vec<usize> = (0..names.len()).collect();
    codes.sort_by_key(|code| names.value(*code));
    let mut ranks = vec![0; names.len()];
    for (rank, code) in codes.into_iter().enumerate() {
        ranks[code] = rank as u64;
    }
    ranks
}

/// Bits that are ordered as the numbers are; both zeros are one.
fn ordered_bits(x: f64) -> u64 {
    let bits = (x + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

#[cfg(test)]
mod tests {
    use pipeline::{NodeId, OutPort};
    use table::{Options, read_bytes};

    use super::*;

    fn page(sort: &[(&str, bool)], filters: Vec<Filter>) -> String {
        let file = "n,x,s\n3,0.5,b\n1,NA,a\n2,-2,bb\n1,inf,\n";
        let table = read_bytes("t.csv", file.as_bytes(), Options::default()).unwrap().table;
        let call = Preview {
            output: OutPort::new(&NodeId::new("n").unwrap(), "table"),
            first_row: 0,
            n_rows: 10,
            first_column: 0,
            n_columns: 10,
            sort: sort
                .iter()
                .map(|(column, descending)| Sort { column: (*column).into(), descending: *descending })
                .collect(),
            filters,
        };
        let orders = RowOrders::default();
        let ask = || learn::block_on(preview(&table, &call, &orders, || std::future::ready(()))).unwrap();
        let first = ask();
        assert_eq!(ask(), first, "from the cache");
        assert_eq!(first.n_rows_filtered as usize, first.row_idx.len());
        first.row_idx.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn rows_are_sorted_with_missing_values_last() {
        assert_eq!(page(&[], vec![]), "0 1 2 3");
        assert_eq!(page(&[("x", false)], vec![]), "2 0 3 1");
        assert_eq!(page(&[("x", true)], vec![]), "3 0 2 1");
        assert_eq!(page(&[("n", false), ("s", true)], vec![]), "1 3 2 0");
        assert_eq!(page(&[("s", false)], vec![]), "1 0 2 3");
    }

    #[test]
    fn filters_all_hold() {
        let range = |closed| Filter::Range { column: "n".into(), low: 1.0, high: 2.0, closed };
        assert_eq!(page(&[], vec![range(false)]), "1 3");
        assert_eq!(page(&[("x", false)], vec![range(true)]), "2 3 1");
        assert_eq!(page(&[], vec![range(true), Filter::Missing { column: "s".into() }]), "3");
        assert_eq!(page(&[], vec![Filter::Equals { column: "x".into(), value: "0.50".into() }]), "0");
        assert_eq!(page(&[], vec![Filter::Contains { text: "B".into() }]), "0 2");
        assert_eq!(page(&[], vec![Filter::Contains { text: "-2".into() }]), "2");
    }
}
