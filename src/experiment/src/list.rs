//! The list of runs: which rows and columns a view shows, and in which order.

use protocol::Direction;

use crate::order::order;
use crate::query::{Query, QueryError};
use crate::scalar::Cell;
use crate::table::{Field, Group, RunTable, SortKey, Source, UnknownName, order_by_best};
use crate::view::View;

/// Metrics that are shown unless columns are chosen.
const N_USUAL_METRICS: usize = 4;
/// Those that people look at first.
const FIRST_METRICS: [&str; 8] = ["auc", "accuracy", "f1", "log_loss", "rmse", "mae", "r2", "silhouette"];

/// One line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// The head of a group: its position among [`Listing::groups`].
    Group(usize),
    /// A run: its row in the table.
    Run(usize),
}

/// One column of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListColumn {
    /// Its name in queries and links.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// Where its values are.
    pub source: Source,
    /// Which way is better.
    pub better: Option<Direction>,
    /// The best value of all listed runs; none where nobody knows which way is better, or all are equal.
    pub best: Option<f64>,
}

impl ListColumn {
    /// Whether it holds a figure of merit.
    pub fn is_metric(&self) -> bool {
        self.name.starts_with("metric.")
    }
}

/// What a view shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// Heads of groups, and runs.
    pub lines: Vec<Line>,
    /// The columns.
    pub columns: Vec<ListColumn>,
    /// The groups; none unless the view groups.
    pub groups: Vec<Group>,
    /// The runs that the query found, in their order, each once; those of closed groups too.
    pub rows: Vec<usize>,
    /// The position among the columns of the metric whose spread is told of groups.
    pub measure: Option<usize>,
    /// Columns, orders and groups that the view asks for and no run has.
    pub unknown: Vec<UnknownName>,
}

impl Group {
    /// What its runs have in common, in words.
    pub fn title(&self) -> String {
        let words = self.key.iter().map(|key| key.as_ref().map_or_else(|| "–".into(), |key| key.as_cell().to_string()));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// The list that a view asks for.
///
/// # Errors
/// The view's query cannot be read, or speaks of what no run has. Names elsewhere in the view that no run has are
/// left out and told.
pub fn listing(table: &RunTable, view: &View) -> Result<Listing, QueryError> {
    let mut rows = table.filter(&Query::parse(&view.query)?)?;
    let mut unknown = Vec::new();
    let mut columns = columns(table, view, &mut unknown);
    let mut sort: Vec<SortKey> = Vec::new();
    for key in &view.sort {
        match table.source(&key.column) {
            Ok(_) => sort.push(key.clone()),
            Err(error) => unknown.push(error),
        }
    }
    if sort.is_empty() {
        sort.push(SortKey { column: Field::Started.name().into(), descending: true });
    }
    // Every name was looked up above.
    let _ = table.sort(&mut rows, &sort);
    for column in &mut columns {
        column.best = best(table, &rows, column);
    }
    let sorted_by =
        sort.iter().find_map(|key| columns.iter().position(|c| c.is_metric() && is_name_of(c, &key.column)));
    let measure = sorted_by.or_else(|| columns.iter().position(ListColumn::is_metric));
    let mut by = Vec::new();
    for name in &view.group {
        match table.source(name) {
            Ok(_) => by.push(name.clone()),
            Err(error) => unknown.push(error),
        }
    }
    if by.is_empty() {
        let lines = rows.iter().map(|&row_idx| Line::Run(row_idx)).collect();
        return Ok(Listing { lines, columns, groups: Vec::new(), rows, measure, unknown });
    }
    let measures: Vec<String> = measure.map(|idx| columns[idx].name.clone()).into_iter().collect();
    let mut groups = table.group(&rows, &by, &measures).unwrap_or_default();
    if let Some(better) = measure.and_then(|idx| columns[idx].better) {
        order_by_best(&mut groups, 0, better);
    }
    let mut lines = Vec::with_capacity(rows.len() + groups.len());
    for (group_idx, group) in groups.iter().enumerate() {
        lines.push(Line::Group(group_idx));
        if !view.closed.contains(&group.title()) {
            lines.extend(group.rows.iter().map(|&row_idx| Line::Run(row_idx)));
        }
    }
    Ok(Listing { lines, columns, groups, rows, measure, unknown })
}

/// Whether a column is meant: `metric.auc` or, as people write it, `auc`.
fn is_name_of(column: &ListColumn, name: &str) -> bool {
    column.name == name || column.name.split_once('.').is_some_and(|(_, short)| short == name)
}

fn columns(table: &RunTable, view: &View, unknown: &mut Vec<UnknownName>) -> Vec<ListColumn> {
    let names = if view.columns.is_empty() { usual_columns(table) } else { view.columns.clone() };
    let mut columns: Vec<ListColumn> = Vec::new();
    for name in names {
        match table.source(&name) {
            Ok(source) => {
                let name = match source {
                    Source::Field(field) => field.name().to_owned(),
                    Source::Column(column_idx) => table.columns()[column_idx].name.clone(),
                };
                if columns.iter().all(|column| column.source != source) {
                    let (label, better) = (table.label(source).to_owned(), table.better(source));
                    columns.push(ListColumn { name, label, source, better, best: None });
                }
            }
            Err(error) => unknown.push(error),
        }
    }
    columns
}

/// The columns that are shown unless others are chosen: what every run has, and the metrics that most runs have.
pub fn usual_columns(table: &RunTable) -> Vec<String> {
    let mut names: Vec<String> =
        [Field::State, Field::Name, Field::Changed, Field::Started, Field::Took].map(|f| f.name().into()).into();
    let metrics =
        table.columns().iter().filter(|column| column.is_metric() && column.is_short && column.n_values() > 0);
    // The second input of an evaluation has its figures under `accuracy.2`.
    let of_first = metrics.map(|c| (c, c.name.trim_start_matches("metric."))).filter(|(_, name)| !name.contains('.'));
    let of_first: Vec<_> = of_first.collect();
    let rank = |name: &str| FIRST_METRICS.iter().position(|first| *first == name).unwrap_or(FIRST_METRICS.len());
    let order = order(of_first.len(), &|a, b| {
        let ((a, a_name), (b, b_name)) = (of_first[a], of_first[b]);
        b.n_values().cmp(&a.n_values()).then_with(|| rank(a_name).cmp(&rank(b_name)))
    });
    names.extend(order.into_iter().take(N_USUAL_METRICS).map(|at| of_first[at].0.name.clone()));
    names.push(Field::Tag.name().into());
    names
}

fn best(table: &RunTable, rows: &[usize], column: &ListColumn) -> Option<f64> {
    let better = column.better.filter(|_| column.is_metric())?;
    let mut numbers = rows.iter().filter_map(|&row_idx| table.cell(row_idx, column.source).number());
    let first = numbers.next()?;
    let (low, high) = numbers.fold((first, first), |(low, high), x| (low.min(x), high.max(x)));
    (low < high).then_some(match better {
        Direction::Higher => high,
        Direction::Lower => low,
    })
}

/// Runs as a CSV file: a head, and a line for each of these rows.
pub fn to_csv(table: &RunTable, rows: &[usize], columns: &[ListColumn]) -> String {
    let mut csv = String::new();
    let mut line = |cells: Vec<String>| {
        csv.push_str(&cells.join(","));
        csv.push_str("\r\n");
    };
    line(columns.iter().map(|column| quoted(&column.name)).collect());
    for &row_idx in rows {
        line(columns.iter().map(|column| csv_cell(table.cell(row_idx, column.source), column.source)).collect());
    }
    csv
}

fn csv_cell(cell: Cell<'_>, source: Source) -> String {
    match (cell, source) {
        (Cell::Missing, _) => String::new(),
        (Cell::Number(ms), Source::Field(Field::Started)) => utc(ms),
        (cell, _) => quoted(&cell.to_string()),
    }
}

fn quoted(text: &str) -> String {
    // A spreadsheet takes text that begins like this for a formula.
    let is_formula =
        text.starts_with(['=', '+', '@', '\t', '\r']) || (text.starts_with('-') && text.parse::<f64>().is_err());
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Milliseconds since 1970 as `2026-11-24T09:12:03Z`. Days to dates after Howard Hinnant's `civil_from_days`.
pub fn utc(ms: f64) -> String {
    let secs = (ms / 1_000.0).floor() as i64;
    let (days, rest) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
