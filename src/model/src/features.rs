//! How columns become the numbers that models work on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Frame, ModelError};

/// The columns a model looks at, in order, and how each becomes numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// In training order.
    pub features: Vec<Feature>,
}

/// One column a model looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The column's name.
    pub name: String,
    /// Number, Integer, Boolean or Category.
    pub kind: schema::Kind,
    /// How it becomes numbers.
    pub encoding: FeatureEncoding,
}

/// How a column becomes numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FeatureEncoding {
    /// As it is; true is 1 and false 0.
    Number,
    /// One column of 0 and 1 for each category seen in training; none is 1 for any other.
    Indicators(Vec<String>),
    /// As `Number`; NaN where there is no value.
    NumberOrGap,
    /// The position among these categories; NaN where there is no value, or any other.
    Codes(Vec<String>),
}

impl FeatureEncoding {
    /// How many columns of the matrix it becomes.
    pub fn width(&self) -> usize {
        match self {
            Self::Number | Self::NumberOrGap | Self::Codes(_) => 1,
            Self::Indicators(categories) => categories.len(),
        }
    }

    /// Whether a row may lack its value.
    pub fn takes_gaps(&self) -> bool {
        match self {
            Self::NumberOrGap | Self::Codes(_) => true,
            Self::Number | Self::Indicators(_) => false,
        }
    }
}

/// A dense matrix of finite numbers, column by column; NaN stands for a gap where a feature takes gaps.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Invariant: `n_rows * n_columns` values; column `j` is `values[j * n_rows..][..n_rows]`.
    pub values: Vec<f64>,
    /// Rows.
    pub n_rows: usize,
    /// Columns.
    pub n_columns: usize,
}

impl Matrix {
    /// One column.
    pub fn column(&self, column_idx: usize) -> &[f64] {
        &self.values[column_idx * self.n_rows..][..self.n_rows]
    }

    /// One value.
    pub fn at(&self, row_idx: usize, column_idx: usize) -> f64 {
        self.values[column_idx * self.n_rows + row_idx]
    }
}

impl Features {
    /// The names of the matrix' columns: `age`, `contract = Two year`.
    pub fn matrix_names(&self) -> Vec<String> {
        self.features
            .iter()
            .flat_map(|feature| match &feature.encoding {
                FeatureEncoding::Number | FeatureEncoding::NumberOrGap | FeatureEncoding::Codes(_) => {
                    vec![feature.name.clone()]
                }
                FeatureEncoding::Indicators(categories) => {
                    categories.iter().map(|category| format!("{} = {category}", feature.name)).collect()
                }
            })
            .collect()
    }

    /// The column of the matrix with the largest number in a row, and the number.
    pub(crate) fn largest(&self, x: &Matrix, row_idx: usize) -> Option<(String, f64)> {
        let of_row = (0..x.n_columns).map(|column_idx| x.at(row_idx, column_idx)).enumerate();
        let (column_idx, value) =
            of_row.filter(|(_, value)| !value.is_nan()).max_by(|one, other| one.1.abs().total_cmp(&other.1.abs()))?;
        Some((self.matrix_names().into_iter().nth(column_idx)?, value))
    }

    /// The numbers of these rows.
    ///
    /// # Errors
    /// A column is not there, is of another kind, or has an infinite value, or a missing one that its encoding does not
    /// take; the error names column and row.
    pub fn matrix(&self, frame: &Frame<'_>) -> Result<Matrix, ModelError> {
        use crate::Values;

        let n_rows = frame.n_rows;
        let width: usize = self.features.iter().map(|feature| feature.encoding.width()).sum();
        let mut values = Vec::with_capacity(width * n_rows);
        let mut n_columns = 0;
        for feature in &self.features {
            let column = frame.column(&feature.name).ok_or_else(|| ModelError::ColumnMissing {
                name: feature.name.clone(),
                available: frame.columns.iter().map(|column| column.name.to_owned()).collect(),
            })?;
            let takes_gaps = feature.encoding.takes_gaps();
            if !takes_gaps
                && let Some(valid) = &column.valid
                && let Some(row_idx) = valid.iter().position(|valid| !valid)
            {
                let n = valid.iter().filter(|valid| !**valid).count();
                return Err(ModelError::MissingValue { name: feature.name.clone(), row_idx, n });
            }
            let wrong_kind =
                || ModelError::WrongKind { name: feature.name.clone(), expected: feature.kind, found: column.kind() };
            match (&feature.encoding, &column.values) {
                (FeatureEncoding::Number | FeatureEncoding::NumberOrGap, Values::Number(numbers)) => {
                    let is_wrong = |row_idx: &usize| column.is_valid(*row_idx) && !numbers[*row_idx].is_finite();
                    if !are_finite(numbers)
                        && let Some(row_idx) = (0..n_rows).find(is_wrong)
                    {
                        return Err(ModelError::NotFinite {
                            name: feature.name.clone(),
                            row_idx,
                            value: numbers[row_idx],
                        });
                    }
                    values.extend_from_slice(numbers);
                    n_columns += 1;
                }
                (FeatureEncoding::Number | FeatureEncoding::NumberOrGap, Values::Integer(numbers)) => {
                    values.extend(numbers.iter().map(|&x| x as f64));
                    n_columns += 1;
                }
                (FeatureEncoding::Number | FeatureEncoding::NumberOrGap, Values::Boolean(truths)) => {
                    values.extend(truths.iter().map(|&truth| f64::from(u8::from(truth))));
                    n_columns += 1;
                }
                (FeatureEncoding::Codes(categories), Values::Category { codes, dictionary }) => {
                    // What each code of this frame is in training.
                    let positions: BTreeMap<&str, usize> =
                        categories.iter().enumerate().map(|(own, name)| (name.as_str(), own)).collect();
                    let position = |name: &&str| positions.get(name).map_or(f64::NAN, |own| *own as f64);
                    let own: Vec<f64> = dictionary.iter().map(position).collect();
                    let known = |code: &i32| usize::try_from(*code).ok().and_then(|code| own.get(code));
                    values.extend(codes.iter().map(|code| known(code).copied().unwrap_or(f64::NAN)));
                    n_columns += 1;
                }
                (FeatureEncoding::Indicators(categories), Values::Category { codes, dictionary }) => {
                    for category in categories {
                        let code = dictionary.iter().position(|name| name == category).map_or(-1, |code| code as i32);
                        values.extend(codes.iter().map(|&c| f64::from(u8::from(c == code))));
                    }
                    n_columns += categories.len();
                }
                _ => return Err(wrong_kind()),
            }
            if takes_gaps && let Some(valid) = &column.valid {
                let first = values.len() - n_rows;
                for (value, _) in values[first..].iter_mut().zip(valid.iter()).filter(|(_, valid)| !**valid) {
                    *value = f64::NAN;
                }
            }
        }
        Ok(Matrix { values, n_rows, n_columns })
    }
}
numeric::wide! {
    fn are_finite(numbers: &[f64]) -> bool {
        // Without an end before the last, several are looked at together.
        numbers.iter().fold(true, |are_finite, number| are_finite & number.is_finite())
    }
}
