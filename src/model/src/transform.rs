//! Fitted transforms, and how they change rows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schema::{Column, Kind};
use serde::{Deserialize, Serialize};

use crate::{ColumnView, Frame, ModelError, NewColumn, NewValues, Values};

/// A fitted transform, to be applied to other rows with the figures learned in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Transform {
    /// Missing values.
    CleanMissing(CleanMissing),
    /// Scales.
    Normalize(Normalize),
    /// Categories as 0 and 1.
    Indicators(Indicators),
    /// One after another.
    Chain(#[serde(deserialize_with = "crate::bytes::nested")] Vec<Transform>),
    /// Along the directions in which rows differ most.
    Projection(crate::Projection),
}

/// Fills or drops missing values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CleanMissing {
    /// What happens in each column that is cleaned.
    pub columns: Vec<(String, Fill)>,
    /// Also add a column `{name}_is_missing` of 0 and 1 for each one that is filled.
    pub indicator: bool,
}

/// What happens to missing values of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fill {
    /// They become this number; an integer column becomes a number column.
    Number(f64),
    /// They become this whole number, and an integer column stays one.
    Integer(i64),
    /// They become this text or category.
    Text(String),
    /// They become this truth value.
    Boolean(bool),
    /// They become this moment, milliseconds since 1970.
    DateTime(i64),
    /// Their rows are dropped.
    DropRow,
    /// The column is dropped.
    DropColumn,
}

/// `(x - shift) / scale`, or a function of it, per column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalize {
    /// Column, kind in training, and how it is rescaled.
    pub columns: Vec<(String, Kind, Rescale)>,
}

/// One column's rescaling.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Rescale {
    /// `(x - shift) / scale`: z-score, min-max, robust.
    Affine {
        /// Subtracted.
        shift: f64,
        /// Divided by; never 0.
        scale: f64,
    },
    /// `1 / (1 + exp(-(x - shift) / scale))`.
    Logistic {
        /// Subtracted.
        shift: f64,
        /// Divided by; never 0.
        scale: f64,
    },
    /// Distribution function of the log-normal with these parameters.
    LogNormal {
        /// Mean of ln x.
        mu: f64,
        /// Deviation of ln x; never 0.
        sigma: f64,
    },
    /// `tanh((x - shift) / scale)`.
    Tanh {
        /// Subtracted.
        shift: f64,
        /// Divided by; never 0.
        scale: f64,
    },
    /// A column with one value becomes this constant.
    Constant(f64),
}

/// Replaces category columns by one column of 0 and 1 per category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Indicators {
    /// Column and the categories seen in training.
    pub columns: Vec<(String, Vec<String>)>,
    /// The category columns stay too.
    pub keep: bool,
}

/// What a transform makes of some rows, to be carried out in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transformed {
    /// Which rows stay; `None` when all do.
    pub kept_rows: Option<Vec<bool>>,
    /// Columns that go.
    pub dropped_columns: Vec<String>,
    /// Columns for the rows that stay: one with the name of a column that is there takes its place, others follow the last.
    pub columns: Vec<NewColumn>,
}

impl Transform {
    /// What it makes of these rows. A missing value that the transform does not fill stays missing, and an
    /// indicator of a missing or unseen category is 0.
    ///
    /// # Errors
    /// A column it was fitted on is not there or is of another kind.
    pub fn apply(&self, frame: &Frame<'_>) -> Result<Transformed, ModelError> {
        match self {
            Self::CleanMissing(clean) => clean.apply(frame),
            Self::Normalize(normalize) => normalize.apply(frame),
            Self::Indicators(indicators) => indicators.apply(frame),
            Self::Projection(projection) => projection.apply(frame),
            Self::Chain(transforms) => {
                let mut done = Transformed::default();
                for transform in transforms {
                    let next = transform.apply(&done.onto(frame))?;
                    done = done.then(next);
                }
                Ok(done)
            }
        }
    }
}

impl Transformed {
    /// The rows after the change.
    pub fn onto<'a>(&'a self, frame: &'a Frame<'a>) -> Frame<'a> {
        let mut replaced: BTreeMap<&str, &NewColumn> =
            self.columns.iter().map(|column| (column.column.name.as_str(), column)).collect();
        let kept_rows = self.kept_rows.as_deref();
        let mut columns = Vec::new();
        for column in &frame.columns {
            if self.dropped_columns.iter().any(|name| name == column.name) {
                continue;
            }
            columns.push(match replaced.remove(column.name) {
                Some(new) => view(new),
                None => kept(column, kept_rows),
            });
        }
        // What replaced nothing follows in its own order.
        columns.extend(self.columns.iter().filter(|new| replaced.contains_key(new.column.name.as_str())).map(view));
        let n_rows = kept_rows.map_or(frame.n_rows, |kept| kept.iter().filter(|&&kept| kept).count());
        Frame { columns, n_rows }
    }

    /// This change and then that one, as one.
    fn then(mut self, next: Self) -> Self {
        if let Some(next_kept) = next.kept_rows {
            for column in &mut self.columns {
                keep_rows(column, &next_kept);
            }
            self.kept_rows = Some(match self.kept_rows {
                None => next_kept,
                Some(mut kept) => {
                    let still = next_kept.into_iter();
                    for (kept, still) in kept.iter_mut().filter(|kept| **kept).zip(still) {
                        *kept = still;
                    }
                    kept
                }
            });
        }
        self.columns.retain(|column| !next.dropped_columns.contains(&column.column.name));
        self.dropped_columns.extend(next.dropped_columns);
        for column in next.columns {
            match self.columns.iter_mut().find(|there| there.column.name == column.column.name) {
                Some(there) => *there = column,
                None => self.columns.push(column),
            }
        }
        self
    }
}

impl CleanMissing {
    fn apply(&self, frame: &Frame<'_>) -> Result<Transformed, ModelError> {
        let mut kept_rows: Option<Vec<bool>> = None;
        let mut dropped_columns = Vec::new();
        let mut filled = Vec::new();
        let mut flags = Vec::new();
        for (name, fill) in &self.columns {
            let column = find(frame, name)?;
            match fill {
                Fill::DropRow => {
                    if let Some(valid) = &column.valid {
                        let kept = kept_rows.get_or_insert_with(|| vec![true; frame.n_rows]);
                        kept.iter_mut().zip(valid.iter()).for_each(|(kept, valid)| *kept &= valid);
                    }
                }
                Fill::DropColumn => dropped_columns.push(name.clone()),
                Fill::Number(_) | Fill::Integer(_) | Fill::Text(_) | Fill::Boolean(_) | Fill::DateTime(_) => {
                    filled.push(fill_column(column, fill)?);
                    if self.indicator {
                        let flag = (0..frame.n_rows).map(|row_idx| i64::from(!column.is_valid(row_idx))).collect();
                        flags.push(new_column(missing_flag_name(name), Kind::Integer, NewValues::Integer(flag)));
                    }
                }
            }
        }
        // A mask that keeps everything would copy every column for nothing.
        kept_rows = kept_rows.filter(|kept| kept.contains(&false));
        let mut columns = filled;
        columns.extend(flags);
        if let Some(kept) = &kept_rows {
            columns.iter_mut().for_each(|column| keep_rows(column, kept));
        }
        Ok(Transformed { kept_rows, dropped_columns, columns })
    }
}

/// The name of the column that says where `name` was missing.
pub fn missing_flag_name(name: &str) -> String {
    format!("{name}_is_missing")
}

/// The name of the column that says where `name` is `category`.
pub fn indicator_name(name: &str, category: &str) -> String {
    format!("{name}-{category}")
}

/// The column with its missing values filled.
fn fill_column(column: &ColumnView<'_>, fill: &Fill) -> Result<NewColumn, ModelError> {
    let wrong_kind =
        |expected| Err(ModelError::WrongKind { name: column.name.to_owned(), expected, found: column.kind() });
    let filled = |row_idx: usize| !column.is_valid(row_idx);
    let values = match (fill, &column.values) {
        (Fill::Number(x), Values::Number(values)) => NewValues::Number(filled_with(values, *x, filled)),
        (Fill::Integer(x), Values::Number(values)) => NewValues::Number(filled_with(values, *x as f64, filled)),
        (Fill::Number(x), Values::Integer(values)) => NewValues::Number(
            values.iter().enumerate().map(|(row_idx, &v)| if filled(row_idx) { *x } else { v as f64 }).collect(),
        ),
        (Fill::Integer(x), Values::Integer(values)) => NewValues::Integer(filled_with(values, *x, filled)),
        (Fill::Boolean(x), Values::Boolean(values)) => NewValues::Boolean(filled_with(values, *x, filled)),
        (Fill::DateTime(x), Values::DateTime(values)) => NewValues::DateTime(filled_with(values, *x, filled)),
        (Fill::Text(text), Values::Text(values)) => NewValues::Text(
            values
                .iter()
                .enumerate()
                .map(|(row_idx, &v)| if filled(row_idx) { text.clone() } else { v.to_owned() })
                .collect(),
        ),
        (Fill::Text(text), Values::Category { codes, dictionary }) => {
            let mut dictionary: Vec<String> = dictionary.iter().map(|&name| name.to_owned()).collect();
            let code = dictionary.iter().position(|name| name == text).unwrap_or_else(|| {
                dictionary.push(text.clone());
                dictionary.len() - 1
            });
            NewValues::Category { codes: filled_with(codes, code as i32, filled), dictionary }
        }
        (Fill::Number(_), _) => return wrong_kind(Kind::Number),
        (Fill::Integer(_), _) => return wrong_kind(Kind::Integer),
        (Fill::Text(_), _) => return wrong_kind(Kind::Category),
        (Fill::Boolean(_), _) => return wrong_kind(Kind::Boolean),
        (Fill::DateTime(_), _) => return wrong_kind(Kind::DateTime),
        (Fill::DropRow | Fill::DropColumn, _) => return wrong_kind(column.kind()),
    };
    Ok(new_column(column.name.to_owned(), kind_of(&values), values))
}

fn filled_with<T: Copy>(values: &[T], fill: T, filled: impl Fn(usize) -> bool) -> Vec<T> {
    values.iter().enumerate().map(|(row_idx, &v)| if filled(row_idx) { fill } else { v }).collect()
}

impl Normalize {
    fn apply(&self, frame: &Frame<'_>) -> Result<Transformed, ModelError> {
        let columns = self
            .columns
            .iter()
            .map(|(name, kind, rescale)| {
                let column = find(frame, name)?;
                let mut values = match &column.values {
                    Values::Number(values) => values.to_vec(),
                    Values::Integer(values) => values.iter().map(|&x| x as f64).collect(),
                    Values::Boolean(values) => values.iter().map(|&x| f64::from(u8::from(x))).collect(),
                    Values::Category { .. } | Values::Text(_) | Values::DateTime(_) => {
                        let found = column.kind();
                        return Err(ModelError::WrongKind { name: name.clone(), expected: *kind, found });
                    }
                };
                for (row_idx, x) in values.iter_mut().enumerate() {
                    // What stands at an invalid row means nothing and must not become NaN.
                    *x = if column.is_valid(row_idx) { rescale.apply(*x) } else { 0.0 };
                }
                let mut new = new_column(name.clone(), Kind::Number, NewValues::Number(values));
                new.valid = column.valid.as_deref().map(<[bool]>::to_vec);
                Ok(new)
            })
            .collect::<Result<Vec<_>, ModelError>>()?;
        Ok(Transformed { columns, ..Transformed::default() })
    }
}

impl Rescale {
    /// One value. Infinite values follow the function's limits; the result is never NaN.
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Self::Affine { shift, scale } => standardized(x, shift, scale),
            Self::Logistic { shift, scale } => 1.0 / (1.0 + numeric::exp(-standardized(x, shift, scale))),
            Self::LogNormal { mu, sigma } => {
                if x <= 0.0 {
                    return 0.0;
                }
                let z = (numeric::ln(x) - mu) / sigma;
                0.5 * (1.0 + numeric::erf(z / std::f64::consts::SQRT_2))
            }
            Self::Tanh { shift, scale } => numeric::tanh(standardized(x, shift, scale)),
            Self::Constant(constant) => constant,
        }
    }
}

fn standardized(x: f64, shift: f64, scale: f64) -> f64 {
    (x - shift) / scale
}

impl Indicators {
    fn apply(&self, frame: &Frame<'_>) -> Result<Transformed, ModelError> {
        let mut made = Transformed::default();
        for (name, categories) in &self.columns {
            let column = find(frame, name)?;
            let position: BTreeMap<&str, i32> =
                categories.iter().enumerate().map(|(idx, category)| (category.as_str(), idx as i32)).collect();
            let seen: Vec<i32> = match &column.values {
                Values::Category { codes, dictionary } => {
                    let by_code: Vec<i32> =
                        dictionary.iter().map(|name| position.get(name).copied().unwrap_or(-1)).collect();
                    codes.iter().map(|&code| by_code.get(code as usize).copied().unwrap_or(-1)).collect()
                }
                Values::Text(texts) => texts.iter().map(|text| position.get(text).copied().unwrap_or(-1)).collect(),
                Values::Boolean(truths) => truths
                    .iter()
                    .map(|&truth| position.get(if truth { "true" } else { "false" }).copied().unwrap_or(-1))
                    .collect(),
                Values::Integer(numbers) => numbers
                    .iter()
                    .map(|number| position.get(number.to_string().as_str()).copied().unwrap_or(-1))
                    .collect(),
                Values::Number(_) | Values::DateTime(_) => {
                    let found = column.kind();
                    return Err(ModelError::WrongKind { name: name.clone(), expected: Kind::Category, found });
                }
            };
            for (idx, category) in categories.iter().enumerate() {
                let truths = seen
                    .iter()
                    .enumerate()
                    .map(|(row_idx, &s)| i64::from(s == idx as i32 && column.is_valid(row_idx)))
                    .collect();
                let column_name = indicator_name(name, category);
                made.columns.push(new_column(column_name, Kind::Integer, NewValues::Integer(truths)));
            }
            if !self.keep {
                made.dropped_columns.push(name.clone());
            }
        }
        Ok(made)
    }
}

fn find<'a, 'b>(frame: &'b Frame<'a>, name: &str) -> Result<&'b ColumnView<'a>, ModelError> {
    frame.column(name).ok_or_else(|| ModelError::ColumnMissing {
        name: name.to_owned(),
        available: frame.columns.iter().map(|column| column.name.to_owned()).collect(),
    })
}

fn new_column(name: String, kind: Kind, values: NewValues) -> NewColumn {
    NewColumn { column: Column::new(name, kind), values, valid: None }
}

fn kind_of(values: &NewValues) -> Kind {
    match values {
        NewValues::Number(_) => Kind::Number,
        NewValues::Integer(_) => Kind::Integer,
        NewValues::Boolean(_) => Kind::Boolean,
        NewValues::Category { .. } => Kind::Category,
        NewValues::Text(_) => Kind::Text,
        NewValues::DateTime(_) => Kind::DateTime,
    }
}

/// A new column, lent.
fn view(new: &NewColumn) -> ColumnView<'_> {
    let values = match &new.values {
        NewValues::Number(values) => Values::Number(Cow::Borrowed(values)),
        NewValues::Integer(values) => Values::Integer(Cow::Borrowed(values)),
        NewValues::Boolean(values) => Values::Boolean(Cow::Borrowed(values)),
        NewValues::Category { codes, dictionary } => Values::Category {
            codes: Cow::Borrowed(codes),
            dictionary: dictionary.iter().map(String::as_str).collect(),
        },
        NewValues::Text(texts) => Values::Text(texts.iter().map(String::as_str).collect()),
        NewValues::DateTime(values) => Values::DateTime(Cow::Borrowed(values)),
    };
    ColumnView { name: &new.column.name, values, valid: new.valid.as_deref().map(Cow::Borrowed) }
}

/// A lent column without the rows that go.
fn kept<'a>(column: &ColumnView<'a>, kept_rows: Option<&[bool]>) -> ColumnView<'a> {
    let Some(kept) = kept_rows else { return column.clone() };
    let values = match &column.values {
        Values::Number(values) => Values::Number(Cow::Owned(filtered(values, kept))),
        Values::Integer(values) => Values::Integer(Cow::Owned(filtered(values, kept))),
        Values::Boolean(values) => Values::Boolean(Cow::Owned(filtered(values, kept))),
        Values::Category { codes, dictionary } => {
            Values::Category { codes: Cow::Owned(filtered(codes, kept)), dictionary: dictionary.clone() }
        }
        Values::Text(texts) => Values::Text(filtered(texts, kept)),
        Values::DateTime(values) => Values::DateTime(Cow::Owned(filtered(values, kept))),
    };
    let valid = column.valid.as_deref().map(|valid| Cow::Owned(filtered(valid, kept)));
    ColumnView { name: column.name, values, valid }
}

fn filtered<T: Copy>(values: &[T], kept: &[bool]) -> Vec<T> {
    values.iter().zip(kept).filter(|(_, kept)| **kept).map(|(value, _)| *value).collect()
}

/// Drops rows of a new column.
fn keep_rows(column: &mut NewColumn, kept: &[bool]) {
    match &mut column.values {
        NewValues::Number(values) => *values = filtered(values, kept),
        NewValues::Integer(values) | NewValues::DateTime(values) => *values = filtered(values, kept),
        NewValues::Boolean(values) => *values = filtered(values, kept),
        NewValues::Category { codes, .. } => *codes = filtered(codes, kept),
        NewValues::Text(texts) => {
            let mut rows = kept.iter();
            texts.retain(|_| rows.next().copied().unwrap_or(false));
        }
    }
    if let Some(valid) = &mut column.valid {
        *valid = filtered(valid, kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number<'a>(name: &'a str, values: &'a [f64], valid: Option<&'a [bool]>) -> ColumnView<'a> {
        ColumnView { name, values: Values::Number(Cow::Borrowed(values)), valid: valid.map(Cow::Borrowed) }
    }

    fn frame<'a>(n_rows: usize, columns: Vec<ColumnView<'a>>) -> Frame<'a> {
        Frame { columns, n_rows }
    }

    #[test]
    fn a_dropped_row_takes_the_filled_values_of_other_columns_with_it() {
        let frame = frame(
            3,
            vec![
                number("a", &[1.0, 0.0, 3.0], Some(&[true, false, true])),
                number("b", &[0.0, 5.0, 6.0], Some(&[false, true, true])),
            ],
        );
        let clean = Transform::CleanMissing(CleanMissing {
            columns: vec![("a".into(), Fill::DropRow), ("b".into(), Fill::Number(9.0))],
            indicator: true,
        });
        let made = clean.apply(&frame).unwrap();
        assert_eq!(made.kept_rows, Some(vec![true, false, true]));
        assert_eq!(made.columns[0].values, NewValues::Number(vec![9.0, 6.0]));
        assert_eq!(made.columns[1].column.name, "b_is_missing");
        assert_eq!(made.columns[1].values, NewValues::Integer(vec![1, 0]));
        let after = made.onto(&frame);
        assert_eq!(after.n_rows, 2);
        assert_eq!(after.columns.iter().map(|column| column.name).collect::<Vec<_>>(), ["a", "b", "b_is_missing"]);
    }

    #[test]
    fn a_chain_is_its_steps_one_after_another() {
        let values = [1.0, 0.0, 3.0, 5.0];
        let valid = [true, false, true, true];
        let frame = frame(4, vec![number("a", &values, Some(&valid)), number("b", &[1.0, 2.0, 3.0, 4.0], None)]);
        let drop =
            Transform::CleanMissing(CleanMissing { columns: vec![("a".into(), Fill::DropRow)], indicator: false });
        let scale = Transform::Normalize(Normalize {
            columns: vec![
                ("a".into(), Kind::Number, Rescale::Affine { shift: 1.0, scale: 2.0 }),
                ("b".into(), Kind::Number, Rescale::Affine { shift: 0.0, scale: 2.0 }),
            ],
        });
        for chain in [vec![drop.clone(), scale.clone()], vec![scale, drop]] {
            let made = Transform::Chain(chain).apply(&frame).unwrap();
            assert_eq!(made.kept_rows, Some(vec![true, false, true, true]));
            assert_eq!(made.columns[0].values, NewValues::Number(vec![0.0, 1.0, 2.0]));
            assert_eq!(made.columns[1].values, NewValues::Number(vec![0.5, 1.5, 2.0]));
        }
    }

    #[test]
    fn a_missing_or_unseen_category_has_no_indicator() {
        let column = ColumnView {
            name: "c",
            values: Values::Category { codes: Cow::Borrowed(&[0, 1, 2, 0]), dictionary: vec!["x", "new", "y"] },
            valid: Some(Cow::Borrowed(&[true, true, true, false])),
        };
        let indicators = Transform::Indicators(Indicators {
            columns: vec![("c".into(), vec!["x".into(), "y".into()])],
            keep: false,
        });
        let made = indicators.apply(&frame(4, vec![column])).unwrap();
        assert_eq!(made.dropped_columns, ["c"]);
        assert_eq!(made.columns[0].column.name, "c-x");
        assert_eq!(made.columns[0].values, NewValues::Integer(vec![1, 0, 0, 0]));
        assert_eq!(made.columns[1].values, NewValues::Integer(vec![0, 0, 1, 0]));
    }

    #[test]
    fn infinite_and_missing_values_never_become_nan() {
        let values = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 0.0];
        let valid = [true, true, false, true];
        for rescale in [
            Rescale::Affine { shift: 1.0, scale: 2.0 },
            Rescale::Logistic { shift: 1.0, scale: 2.0 },
            Rescale::LogNormal { mu: 0.0, sigma: 1.0 },
            Rescale::Tanh { shift: 1.0, scale: 2.0 },
            Rescale::Constant(0.0),
        ] {
            let normalize = Transform::Normalize(Normalize { columns: vec![("a".into(), Kind::Number, rescale)] });
            let made = normalize.apply(&frame(4, vec![number("a", &values, Some(&valid))])).unwrap();
            let NewValues::Number(made) = &made.columns[0].values else { panic!("a number column") };
            assert!(made.iter().all(|x| !x.is_nan()), "{rescale:?} gave {made:?}");
        }
    }

    #[test]
    fn an_absent_column_and_one_of_another_kind_are_named() {
        let scale =
            Transform::Normalize(Normalize { columns: vec![("a".into(), Kind::Number, Rescale::Constant(0.0))] });
        let absent = scale.apply(&frame(1, vec![number("b", &[1.0], None)])).unwrap_err();
        assert_eq!(absent.to_string(), "no column named \"a\"; the table has \"b\"");
        let text = ColumnView { name: "a", values: Values::Text(vec!["one"]), valid: None };
        let wrong = scale.apply(&frame(1, vec![text])).unwrap_err();
        assert_eq!(wrong.to_string(), "column \"a\" is text, expected number");
    }
}
