//! Normalize Data.

use model::{Normalize, Rescale, Transform};
use schema::{Column, ColumnSelection, Kind, Schema};
use table::Table;

use super::{Fitted, PrepareError, chosen, finite_numbers, schema_with_new};

/// How columns are rescaled.
#[derive(Clone, Debug, PartialEq)]
pub struct NormalizeSettings {
    /// Which; a rule takes numeric features.
    pub columns: ColumnSelection,
    /// How.
    pub method: NormalizeMethod,
    /// Columns with one value become 0; otherwise they stay as they are.
    pub zero_for_constant_columns: bool,
    /// The deviation divides by n - ddof: 0 as in scikit-learn and the cloud designer, 1 as in Spark and R.
    pub ddof: u8,
}

/// How a column is rescaled; the cloud designer's methods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NormalizeMethod {
    /// `(x - mean) / deviation`.
    #[default]
    ZScore,
    /// `(x - min) / (max - min)`.
    MinMax,
    /// `1 / (1 + exp(-z))` of the z-score.
    Logistic,
    /// The distribution function of the log-normal distribution whose mean and deviation of ln x are the column's.
    LogNormal,
    /// `tanh(z)` of the z-score.
    Tanh,
}

impl Default for NormalizeSettings {
    fn default() -> Self {
        Self {
            columns: ColumnSelection::All,
            method: NormalizeMethod::ZScore,
            zero_for_constant_columns: true,
            ddof: 0,
        }
    }
}

/// Learns how columns are rescaled. Missing values are passed over, and stay missing.
///
/// # Errors
/// A column that is not there or is not numeric, a value that is infinite, or one that has no logarithm.
pub fn fit_normalize(table: &Table, settings: &NormalizeSettings) -> Result<Fitted, PrepareError> {
    if settings.ddof > 1 {
        let found = settings.ddof.to_string();
        return Err(PrepareError::Setting { setting: "ddof", found, expected: "0 or 1" });
    }
    let mut notes = Vec::new();
    let frame = table.frame();
    let mut columns = Vec::new();
    for column in chosen(&settings.columns, table.schema(), "numbers", Kind::is_numeric, &mut notes)? {
        let Some(view) = frame.column(&column.name) else { continue };
        let values = finite_numbers(view)?;
        if values.is_empty() {
            notes.push(format!("Left as it is, having no value at all: {:?}", column.name));
            continue;
        }
        let rescale = match fit_column(&column.name, &values, settings)? {
            Some(rescale) => rescale,
            None if settings.zero_for_constant_columns => Rescale::Constant(0.0),
            None => {
                notes.push(format!("Left as it is, having one value only: {:?}", column.name));
                continue;
            }
        };
        columns.push((column.name.clone(), column.kind, rescale));
    }
    Ok(Fitted { transform: Transform::Normalize(Normalize { columns }), notes })
}

/// The columns that normalizing leaves: the same, as numbers.
///
/// # Errors
/// A column that is not there or is not numeric.
pub fn normalized_schema(schema: &Schema, settings: &NormalizeSettings) -> Result<Schema, PrepareError> {
    let columns = chosen(&settings.columns, schema, "numbers", Kind::is_numeric, &mut Vec::new())?;
    let new = columns.into_iter().map(|column| Column::new(column.name.clone(), Kind::Number)).collect();
    Ok(schema_with_new(schema, &[], new))
}

/// None for a column with one value.
fn fit_column(
    name: &str,
    values: &[(usize, f64)],
    settings: &NormalizeSettings,
) -> Result<Option<Rescale>, PrepareError> {
    let first = values[0].1;
    let (min, max) = values.iter().fold((first, first), |(min, max), (_, x)| (min.min(*x), max.max(*x)));
    if min == max {
        return Ok(None);
    }
    if !(max - min).is_finite() {
        return Err(PrepareError::TooWideRange { name: name.to_owned() });
    }
    Ok(match settings.method {
        NormalizeMethod::MinMax => Some(Rescale::Affine { shift: min, scale: max - min }),
        NormalizeMethod::ZScore => {
            moments(values, settings.ddof).map(|(shift, scale)| Rescale::Affine { shift, scale })
        }
        NormalizeMethod::Logistic => {
            moments(values, settings.ddof).map(|(shift, scale)| Rescale::Logistic { shift, scale })
        }
        NormalizeMethod::Tanh => moments(values, settings.ddof).map(|(shift, scale)| Rescale::Tanh { shift, scale }),
        NormalizeMethod::LogNormal => {
            if let Some(&(row_idx, value)) = values.iter().find(|(_, x)| *x <= 0.0) {
                return Err(PrepareError::NotPositive { name: name.to_owned(), row_idx, value });
            }
            let logs: Vec<(usize, f64)> = values.iter().map(|&(row_idx, x)| (row_idx, numeric::ln(x))).collect();
            moments(&logs, settings.ddof).map(|(mu, sigma)| Rescale::LogNormal { mu, sigma })
        }
    })
}

/// Mean and deviation; None if the deviation is nothing but rounding.
fn moments(values: &[(usize, f64)], ddof: u8) -> Option<(f64, f64)> {
    let mean = super::mean(values);
    let largest = values.iter().fold(0.0f64, |largest, (_, x)| largest.max((x - mean).abs()));
    let n = values.len() as f64 - f64::from(ddof);
    if largest == 0.0 || n <= 0.0 {
        return None;
    }
    // In units of the largest deviation the squares neither overflow nor vanish.
    let square: f64 = values.iter().map(|(_, x)| (x - mean) / largest).map(|z| z * z / n).sum();
    let deviation = largest * numeric::sqrt(square);
    (deviation.is_normal() && deviation > f64::EPSILON * mean.abs()).then_some((mean, deviation))
}
