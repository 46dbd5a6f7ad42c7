//! Clean Missing Data.

use model::{CleanMissing, ColumnView, Fill, Transform, Values, missing_flag_name};
use schema::{Column, ColumnNotFound, ColumnSelection, Kind, Role, Schema};
use table::Table;

use super::{Fitted, PrepareError, chosen, finite_numbers, schema_with_new};

/// How missing values are cleaned.
#[derive(Clone, Debug, PartialEq)]
pub struct CleanSettings {
    /// Where.
    pub columns: ColumnSelection,
    /// How.
    pub mode: CleanMode,
    /// A column is cleaned only if at least this share of its values is missing, from 0 to 1.
    pub min_missing_ratio: f64,
    /// And at most this share.
    pub max_missing_ratio: f64,
    /// Also add a column `{name}_is_missing` of 0 and 1 for each column that is filled.
    pub indicator: bool,
    /// What becomes of columns without any value, which have no mean, median or mode.
    pub empty_columns: EmptyColumns,
}

/// What happens to missing values; the cloud designer's cleaning modes.
#[derive(Clone, Debug, PartialEq)]
pub enum CleanMode {
    /// They become this value, read as what the column is.
    Custom(String),
    /// They become the column's mean. A whole-number column with missing values becomes a number column; one without
    /// any stays what it is, and its figure is rounded.
    Mean,
    /// They become the column's median, likewise; of two middle values their mean.
    Median,
    /// They become the column's most frequent value, the smallest of equals.
    Mode,
    /// Rows with a missing value go.
    RemoveRows,
    /// Columns with a missing value go.
    RemoveColumns,
}

/// What becomes of columns without any value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyColumns {
    /// They stay as they are.
    #[default]
    Propagate,
    /// They go.
    Remove,
}

impl Default for CleanSettings {
    fn default() -> Self {
        Self {
            columns: ColumnSelection::All,
            mode: CleanMode::Custom("0".into()),
            min_missing_ratio: 0.0,
            max_missing_ratio: 1.0,
            indicator: false,
            empty_columns: EmptyColumns::Propagate,
        }
    }
}

/// Learns what fills missing values.
///
/// A rule fills features only, so that no target is invented; rows are removed for a missing value in any column it
/// covers, and the target is never removed by a rule.
///
/// # Errors
/// A column that is not there or does not suit the mode, ratios that make no sense, infinite values where a mean is
/// wanted, or a name for an indicator that is taken.
pub fn fit_clean_missing(table: &Table, settings: &CleanSettings) -> Result<Fitted, PrepareError> {
    check_ratios(settings)?;
    let mut notes = Vec::new();
    let covered = covered(table.schema(), settings, &mut notes)?;
    let frame = table.frame();
    let mut columns = Vec::new();
    for column in covered {
        let Some(view) = frame.column(&column.name) else { continue };
        let n_missing = view.valid.as_deref().map_or(0, |valid| valid.iter().filter(|valid| !**valid).count());
        let ratio = if frame.n_rows == 0 { 0.0 } else { n_missing as f64 / frame.n_rows as f64 };
        if !(settings.min_missing_ratio..=settings.max_missing_ratio).contains(&ratio) {
            continue;
        }
        let is_empty = n_missing == frame.n_rows;
        let fill = match &settings.mode {
            CleanMode::RemoveRows => Some(Fill::DropRow),
            CleanMode::RemoveColumns => (n_missing > 0).then_some(Fill::DropColumn),
            CleanMode::Custom(value) => match custom(value, column.kind) {
                Some(fill) => Some(fill),
                None if matches!(settings.columns, ColumnSelection::Names(_)) => {
                    let (name, kind, value) = (column.name.clone(), column.kind, value.clone());
                    return Err(PrepareError::Unfit { name, kind, value });
                }
                None => {
                    let kind = column.kind.label();
                    notes.push(format!("Left as it is, because {value:?} is no {kind}: {:?}", column.name));
                    None
                }
            },
            CleanMode::Mean | CleanMode::Median | CleanMode::Mode if is_empty => match settings.empty_columns {
                EmptyColumns::Remove => Some(Fill::DropColumn),
                EmptyColumns::Propagate => {
                    notes.push(format!("Left as it is, having no value at all: {:?}", column.name));
                    None
                }
            },
            CleanMode::Mean => Some(of_kind(super::mean(&finite_numbers(view)?), column.kind, n_missing)),
            CleanMode::Median => Some(of_kind(median(view)?, column.kind, n_missing)),
            CleanMode::Mode => mode(view),
        };
        columns.extend(fill.map(|fill| (column.name.clone(), fill)));
    }
    if settings.indicator {
        let is_filled = |fill: &Fill| !matches!(fill, Fill::DropRow | Fill::DropColumn);
        for (name, _) in columns.iter().filter(|(_, fill)| is_filled(fill)) {
            check_name(table.schema(), name, missing_flag_name(name))?;
        }
    }
    let transform = Transform::CleanMissing(CleanMissing { columns, indicator: settings.indicator });
    Ok(Fitted { transform, notes })
}

/// The columns that cleaning leaves, as far as they can be told without the rows: which columns go is not.
///
/// # Errors
/// A column that is not there or does not suit the mode.
pub fn cleaned_schema(schema: &Schema, settings: &CleanSettings) -> Result<Schema, PrepareError> {
    let covered = covered(schema, settings, &mut Vec::new())?;
    let fills = !matches!(settings.mode, CleanMode::RemoveRows | CleanMode::RemoveColumns);
    let mut new = Vec::new();
    if settings.indicator && fills {
        new.extend(covered.iter().map(|column| Column::new(missing_flag_name(&column.name), Kind::Integer)));
    }
    Ok(schema_with_new(schema, &[], new))
}

fn check_ratios(settings: &CleanSettings) -> Result<(), PrepareError> {
    for (setting, value) in [
        ("the minimum missing value ratio", settings.min_missing_ratio),
        ("the maximum missing value ratio", settings.max_missing_ratio),
    ] {
        if !(0.0..=1.0).contains(&value) {
            return Err(PrepareError::Setting { setting, found: value.to_string(), expected: "a number from 0 to 1" });
        }
    }
    if settings.min_missing_ratio > settings.max_missing_ratio {
        return Err(PrepareError::Setting {
            setting: "the minimum missing value ratio",
            found: settings.min_missing_ratio.to_string(),
            expected: "at most the maximum missing value ratio",
        });
    }
    Ok(())
}

fn covered<'a>(
    schema: &'a Schema,
    settings: &CleanSettings,
    notes: &mut Vec<String>,
) -> Result<Vec<&'a Column>, PrepareError> {
    let by_name = matches!(settings.columns, ColumnSelection::Names(_));
    match settings.mode {
        CleanMode::Mean | CleanMode::Median => chosen(&settings.columns, schema, "numbers", Kind::is_numeric, notes),
        CleanMode::Custom(_) | CleanMode::Mode => chosen(&settings.columns, schema, "anything", |_| true, notes),
        CleanMode::RemoveRows | CleanMode::RemoveColumns => {
            let may_go =
                |column: &&Column| by_name || settings.mode == CleanMode::RemoveRows || column.role != Role::Target;
            let columns = settings.columns.resolve(schema)?.into_iter().map(|idx| &schema.columns[idx]);
            Ok(columns.filter(may_go).collect())
        }
    }
}

pub(super) fn check_name(schema: &Schema, name: &str, new: String) -> Result<(), PrepareError> {
    match schema.position(&new) {
        Ok(_) => Err(PrepareError::NameTaken { name: name.to_owned(), new }),
        Err(ColumnNotFound { .. }) => Ok(()),
    }
}

/// A text as a value of a kind.
fn custom(text: &str, kind: Kind) -> Option<Fill> {
    let trimmed = text.trim();
    match kind {
        Kind::Number => trimmed.parse().ok().filter(|x: &f64| x.is_finite()).map(Fill::Number),
        Kind::Integer => match trimmed.parse() {
            Ok(whole) => Some(Fill::Integer(whole)),
            Err(_) => trimmed.parse().ok().filter(|x: &f64| x.is_finite()).map(Fill::Number),
        },
        Kind::Boolean => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Some(Fill::Boolean(true)),
            "false" | "no" | "0" => Some(Fill::Boolean(false)),
            _ => None,
        },
        Kind::Category | Kind::Text => Some(Fill::Text(text.to_owned())),
        Kind::DateTime => moment(trimmed).map(Fill::DateTime),
    }
}

/// `2026-11-23`, or with `T12:30` or ` 12:30:15` behind it, as milliseconds since 1970.
fn moment(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time.trim_end_matches('Z')),
        None => (text, "0:0"),
    };
    let whole = |text: &str| -> Option<i64> {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
    };
    let [year, month, day] = date.split('-').map(whole).collect::<Option<Vec<_>>>()?.try_into().ok()?;
    let clock = time.split(':').map(whole).collect::<Option<Vec<_>>>()?;
    let (hour, minute, second) = match clock[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let n_days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(0..=9999).contains(&year) || !(1..=n_days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1_000)
}

fn of_kind(figure: f64, kind: Kind, n_missing: usize) -> Fill {
    if kind == Kind::Integer && n_missing == 0 {
        // Cannot be out of range: it lies between the column's own values.
        return Fill::Integer(figure.round() as i64);
    }
    Fill::Number(figure)
}

fn median(column: &ColumnView<'_>) -> Result<f64, PrepareError> {
    let mut values: Vec<f64> = finite_numbers(column)?.into_iter().map(|(_, x)| x).collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    Ok(if values.len() % 2 == 1 { values[middle] } else { values[middle - 1] / 2.0 + values[middle] / 2.0 })
}

/// The most frequent value, the smallest of equals.
fn mode(column: &ColumnView<'_>) -> Option<Fill> {
    let rows = || (0..row_count(column)).filter(|&row_idx| column.is_valid(row_idx));
    match &column.values {
        Values::Number(values) => {
            most_frequent(rows().map(|i| values[i] + 0.0).collect(), f64::total_cmp).map(Fill::Number)
        }
        Values::Integer(values) => most_frequent(rows().map(|i| values[i]).collect(), Ord::cmp).map(Fill::Integer),
        Values::Boolean(values) => most_frequent(rows().map(|i| values[i]).collect(), Ord::cmp).map(Fill::Boolean),
        Values::DateTime(values) => most_frequent(rows().map(|i| values[i]).collect(), Ord::cmp).map(Fill::DateTime),
        Values::Text(texts) => {
            most_frequent(rows().map(|i| texts[i]).collect(), |a, b| a.cmp(b)).map(|text| Fill::Text(text.to_owned()))
        }
        Values::Category { codes, dictionary } => {
            let names = rows().filter_map(|i| dictionary.get(codes[i] as usize).copied()).collect();
            most_frequent(names, |a: &&str, b| a.cmp(b)).map(|name| Fill::Text(name.to_owned()))
        }
    }
}

fn row_count(column: &ColumnView<'_>) -> usize {
    match &column.values {
        Values::Number(values) => values.len(),
        Values::Integer(values) | Values::DateTime(values) => values.len(),
        Values::Boolean(values) => values.len(),
        Values::Text(values) => values.len(),
        Values::Category { codes, .. } => codes.len(),
    }
}

fn most_frequent<T: Copy>(mut values: Vec<T>, order: impl Fn(&T, &T) -> std::cmp::Ordering) -> Option<T> {
    values.sort_by(&order);
    let mut best: Option<(usize, T)> = None;
    for same in values.chunk_by(|a, b| order(a, b).is_eq()) {
        if best.is_none_or(|(n, _)| same.len() > n) {
            best = Some((same.len(), same[0]));
        }
    }
    best.map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_or_refused() {
        assert_eq!(moment("1970-01-01"), Some(0));
        assert_eq!(moment("2024-02-29 12:30"), Some(1_709_209_800_000));
        assert_eq!(moment("2024-02-29T12:30:15Z"), Some(1_709_209_815_000));
        assert_eq!(moment("1969-12-31"), Some(-86_400_000));
        for wrong in ["", "0", "2023-02-29", "2024-13-01", "2024-01-01 25:00", "2024-01", "-1-1-1", "é-1-1"] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }
}
