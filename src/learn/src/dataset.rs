//! From a table to checked numbers: what every learner is given.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use model::{ColumnView, Feature, FeatureEncoding, Features, Frame, Matrix, ModelError, Target, Values};
use schema::{Column, Kind, Role};
use table::Table;

use crate::{FitError, Task};

/// Numbers that a matrix may hold: 800 MB, what a browser tab can bear.
const MAX_VALUES: usize = 100_000_000;
/// More distinct texts or whole numbers are a mistake rather than classes.
const MAX_CLASSES_OF_VALUES: usize = 100;
/// More categories are a mistake too.
const MAX_CLASSES: usize = 256;

/// What a learner can predict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Only numbers.
    Numbers,
    /// Only classes.
    Classes,
    /// Both, as told.
    Both(Task),
}

/// How columns become the numbers of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Finite numbers without a gap; a category is a column of 0 and 1 for each of its values.
    Plain,
    /// Gaps stay gaps; a category is the position among at most so many of its values, the most frequent ones.
    Native {
        /// At least 1.
        max_categories: usize,
    },
}

/// Checked training data.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Which columns, and how they became numbers.
    pub features: Features,
    /// The numbers, all finite; NaN for a gap under `Reading::Native`.
    pub x: Matrix,
    /// What is to be predicted.
    pub target: Target,
    /// Its values.
    pub labels: Labels,
    /// One per row, all positive and finite; `None` if all count the same. Rows of weight 0 have been left out.
    pub weights: Option<Vec<f64>>,
}

/// The target's values.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// Finite numbers.
    Numbers(Vec<f64>),
    /// Positions in the target's classes; at least two, and each occurs.
    Classes(Vec<u32>),
}

impl Dataset {
    /// Checks a table and turns it into numbers.
    ///
    /// # Errors
    /// Whatever would keep a learner from a sensible answer; the error names the column and the row.
    pub fn new(table: &Table, target: &str, ability: Ability, learner: &'static str) -> Result<Self, FitError> {
        Self::read(table, target, ability, learner, Reading::Plain)
    }

    /// As `new`, for a learner that reads its columns in another way.
    ///
    /// # Errors
    /// As `new`; gaps are none under `Reading::Native`.
    pub fn read(
        table: &Table,
        target: &str,
        ability: Ability,
        learner: &'static str,
        reading: Reading,
    ) -> Result<Self, FitError> {
        let schema = table.schema();
        let target_idx = schema.position(target)?;
        let feature_idxs: Vec<usize> = (0..table.n_columns())
            .filter(|&column_idx| column_idx != target_idx && schema.columns[column_idx].role == Role::Feature)
            .collect();
        let (mut dataset, kept) = Self::labelled(table, target_idx, ability, learner)?;
        let (features, x) = matrix_of(&table.frame_of(&feature_idxs), reading)?;
        dataset.features = features;
        dataset.x = match kept {
            None => x,
            Some(kept) => Matrix {
                values: (0..x.n_columns)
                    .flat_map(|column_idx| kept.iter().map(move |&row_idx| (column_idx, row_idx)))
                    .map(|(column_idx, row_idx)| x.at(row_idx, column_idx))
                    .collect(),
                n_rows: kept.len(),
                n_columns: x.n_columns,
            },
        };
        Ok(dataset)
    }

    /// The same for a learner that looks at the target alone.
    ///
    /// # Errors
    /// As `new`, but for the features.
    pub fn without_features(
        table: &Table,
        target: &str,
        ability: Ability,
        learner: &'static str,
    ) -> Result<Self, FitError> {
        let target_idx = table.schema().position(target)?;
        Ok(Self::labelled(table, target_idx, ability, learner)?.0)
    }

    /// The features of all rows, for a learner that needs no target: the class of each row is the first of
    /// `Anomaly`'s two.
    ///
    /// # Errors
    /// As `new`, but for the target.
    pub fn without_target(table: &Table) -> Result<Self, FitError> {
        let is_feature = |column_idx: &usize| table.schema().columns[*column_idx].role == Role::Feature;
        let feature_idxs: Vec<usize> = (0..table.n_columns()).filter(is_feature).collect();
        let (features, x) = matrix(&table.frame_of(&feature_idxs))?;
        let classes = vec!["false".to_owned(), "true".to_owned()];
        let target = Target::Class { name: "Anomaly".into(), kind: Kind::Boolean, classes };
        let labels = Labels::Classes(vec![0; x.n_rows]);
        Ok(Self { features, x, target, labels, weights: None })
    }

    /// A data set without features, and the rows whose weight is above 0 unless all are.
    pub(crate) fn labelled(
        table: &Table,
        target_idx: usize,
        ability: Ability,
        learner: &'static str,
    ) -> Result<(Self, Option<Vec<usize>>), FitError> {
        if table.n_rows() == 0 {
            return Err(FitError::NoRows);
        }
        let mut weights = row_weights(table, target_idx)?;
        let kept: Option<Vec<usize>> = weights
            .as_ref()
            .filter(|weights| weights.contains(&0.0))
            .map(|weights| (0..weights.len()).filter(|&row_idx| weights[row_idx] > 0.0).collect());
        let (target, labels) = labels(table, target_idx, ability, learner, kept.as_deref())?;
        if let Some(weights) = &mut weights {
            weights.retain(|&weight| weight > 0.0);
        }
        let n_rows = kept.as_ref().map_or(table.n_rows(), Vec::len);
        let features = Features { features: Vec::new() };
        let x = Matrix { values: Vec::new(), n_rows, n_columns: 0 };
        Ok((Self { features, x, target, labels, weights }, kept))
    }
}

/// Features and finite numbers of these columns.
///
/// # Errors
/// No column, no row, columns that cannot become numbers, missing and infinite values, more than memory holds.
pub fn matrix(frame: &Frame<'_>) -> Result<(Features, Matrix), FitError> {
    matrix_of(frame, Reading::Plain)
}

fn matrix_of(frame: &Frame<'_>, reading: Reading) -> Result<(Features, Matrix), FitError> {
    if frame.n_rows == 0 {
        return Err(FitError::NoRows);
    }
    if frame.columns.is_empty() {
        return Err(FitError::NoFeatures);
    }
    let features =
        Features { features: frame.columns.iter().map(|column| feature(column, reading)).collect::<Result<_, _>>()? };
    let width = |feature: &Feature| feature.encoding.width();
    let n_columns: usize = features.features.iter().map(width).sum();
    if n_columns.saturating_mul(frame.n_rows) > MAX_VALUES {
        let widest = features.features.iter().max_by_key(|feature| width(feature));
        return Err(FitError::TooLarge {
            n_rows: frame.n_rows,
            n_columns,
            limit: MAX_VALUES,
            name: widest.map_or_else(String::new, |feature| feature.name.clone()),
        });
    }
    match features.matrix(frame) {
        Ok(x) => Ok((features, x)),
        Err(ModelError::MissingValue { name, row_idx, n }) => Err(FitError::MissingFeature { name, row_idx, n }),
        Err(ModelError::NotFinite { name, row_idx, value }) => {
            let n = frame.column(&name).map_or(1, n_infinite);
            Err(FitError::InfiniteFeature { name, row_idx, value, n })
        }
        // The features were made from this frame, so their columns are there and of their kind.
        Err(ModelError::ColumnMissing { name, available }) => Err(schema::ColumnNotFound { name, available }.into()),
        Err(ModelError::WrongKind { name, found, .. }) => Err(FitError::FeatureKind { name, kind: found }),
        // Only a model says these.
        Err(error @ (ModelError::RowDropped { .. } | ModelError::Unbounded { .. } | ModelError::Member { .. })) => {
            Err(error.into())
        }
    }
}

/// Numbers that were too large are told with the largest of the table, the first of equals, if it is large at all.
pub(crate) fn with_largest(error: FitError, frame: &Frame<'_>) -> FitError {
    /// The fourth power of a number below this can be summed; then the settings are more likely the cause.
    const LARGE: f64 = 1e75;
    if !matches!(error, FitError::Overflow | FitError::NotConverged { .. }) {
        return error;
    }
    let mut largest = (LARGE, None);
    for column in &frame.columns {
        let Values::Number(numbers) = &column.values else { continue };
        for (row_idx, value) in numbers.iter().enumerate().filter(|(row_idx, _)| column.is_valid(*row_idx)) {
            if value.abs() > largest.0 {
                largest = (value.abs(), Some((column.name, row_idx, *value)));
            }
        }
    }
    match largest.1 {
        Some((name, row_idx, value)) => FitError::HugeNumber { name: name.to_owned(), row_idx, value },
        None => error,
    }
}

fn n_infinite(column: &ColumnView<'_>) -> usize {
    match &column.values {
        Values::Number(numbers) => numbers.iter().filter(|x| !x.is_finite()).count(),
        Values::Integer(_) | Values::Boolean(_) | Values::Category { .. } | Values::Text(_) | Values::DateTime(_) => 0,
    }
}

fn feature(column: &ColumnView<'_>, reading: Reading) -> Result<Feature, FitError> {
    let (name, kind) = (column.name.to_owned(), column.kind());
    let encoding = match &column.values {
        Values::Text(_) | Values::DateTime(_) => return Err(FitError::FeatureKind { name, kind }),
        Values::Number(_) | Values::Integer(_) | Values::Boolean(_) => match reading {
            Reading::Plain => FeatureEncoding::Number,
            Reading::Native { .. } => FeatureEncoding::NumberOrGap,
        },
        Values::Category { codes, dictionary } => {
            let mut counts = vec![0usize; dictionary.len()];
            for (row_idx, &code) in codes.iter().enumerate() {
                if column.is_valid(row_idx)
                    && let Some(count) = usize::try_from(code).ok().and_then(|code| counts.get_mut(code))
                {
                    *count += 1;
                }
            }
            let mut categories: BTreeMap<&str, usize> = BTreeMap::new();
            for (name, count) in dictionary.iter().zip(counts).filter(|(_, count)| *count > 0) {
                *categories.entry(name).or_default() += count;
            }
            match reading {
                Reading::Plain => FeatureEncoding::Indicators(categories.into_keys().map(str::to_owned).collect()),
                Reading::Native { max_categories } => {
                    let mut by_count: Vec<(Reverse<usize>, &str)> =
                        categories.into_iter().map(|(name, count)| (Reverse(count), name)).collect();
                    by_count.sort_unstable();
                    by_count.truncate(max_categories);
                    let kept: BTreeSet<&str> = by_count.into_iter().map(|(_, name)| name).collect();
                    FeatureEncoding::Codes(kept.into_iter().map(str::to_owned).collect())
                }
            }
        }
    };
    let n_rows = column.valid.as_ref().map_or(1, |valid| valid.iter().filter(|valid| **valid).count());
    if n_rows == 0 {
        return Err(FitError::NoValues { name });
    }
    Ok(Feature { name, kind, encoding })
}

/// The column with the role of a weight, checked.
fn row_weights(table: &Table, target_idx: usize) -> Result<Option<Vec<f64>>, FitError> {
    let schema = table.schema();
    let mut weight_idxs = (0..table.n_columns())
        .filter(|&column_idx| column_idx != target_idx && schema.columns[column_idx].role == Role::Weight);
    let Some(column_idx) = weight_idxs.next() else { return Ok(None) };
    let name = schema.columns[column_idx].name.clone();
    if let Some(second_idx) = weight_idxs.next() {
        return Err(FitError::TwoWeights { first: name, second: schema.columns[second_idx].name.clone() });
    }
    let frame = table.frame_of(&[column_idx]);
    let column = &frame.columns[0];
    let weights: Vec<f64> = match &column.values {
        Values::Number(numbers) => numbers.to_vec(),
        Values::Integer(numbers) => numbers.iter().map(|&x| x as f64).collect(),
        Values::Boolean(_) | Values::Category { .. } | Values::Text(_) | Values::DateTime(_) => {
            return Err(FitError::WeightKind { name, kind: column.kind() });
        }
    };
    for (row_idx, &weight) in weights.iter().enumerate() {
        if !column.is_valid(row_idx) {
            return Err(FitError::Weight { name, row_idx, found: "missing".into() });
        }
        if !(weight.is_finite() && weight >= 0.0) {
            return Err(FitError::Weight { name, row_idx, found: table::number_text(weight) });
        }
    }
    if weights.iter().all(|&weight| weight == 0.0) {
        return Err(FitError::NoWeight { name });
    }
    if !weights.iter().sum::<f64>().is_finite() {
        return Err(FitError::HeavyWeights { name });
    }
    Ok(Some(weights))
}

/// The target's values; those of the kept rows only.
fn labels(
    table: &Table,
    target_idx: usize,
    ability: Ability,
    learner: &'static str,
    kept: Option<&[usize]>,
) -> Result<(Target, Labels), FitError> {
    let frame = table.frame_of(&[target_idx]);
    let column = &frame.columns[0];
    let Column { name, kind, .. } = table.schema().columns[target_idx].clone();
    let row_idxs: Vec<usize> = kept.map_or_else(|| (0..frame.n_rows).collect(), <[usize]>::to_vec);
    let mut missing = (0..frame.n_rows).filter(|&row_idx| !column.is_valid(row_idx));
    if let Some(row_idx) = missing.next() {
        return Err(FitError::MissingLabel { name, row_idx, n: 1 + missing.count() });
    }
    let names_classes = matches!(kind, Kind::Category | Kind::Boolean | Kind::Text);
    let wants_classes = match ability {
        Ability::Numbers | Ability::Both(Task::Regression) => false,
        Ability::Classes | Ability::Both(Task::Classification) => true,
        Ability::Both(Task::Auto) => names_classes,
    };
    let wrong = |predicts| FitError::TargetKind { learner, predicts, name: name.clone(), kind };
    if !wants_classes {
        let y: Vec<f64> = match &column.values {
            Values::Number(numbers) => row_idxs.iter().map(|&row_idx| numbers[row_idx]).collect(),
            Values::Integer(numbers) => row_idxs.iter().map(|&row_idx| numbers[row_idx] as f64).collect(),
            Values::Boolean(_) | Values::Category { .. } | Values::Text(_) | Values::DateTime(_) => {
                return Err(wrong("numbers"));
            }
        };
        if let Some(position) = y.iter().position(|y| !y.is_finite()) {
            return Err(FitError::InfiniteLabel { name, row_idx: row_idxs[position], value: y[position] });
        }
        return Ok((Target::Number { name }, Labels::Numbers(y)));
    }
    let (classes, codes) = match &column.values {
        Values::Boolean(truths) => ranked(row_idxs.iter().map(|&row_idx| truths[row_idx])),
        Values::Integer(numbers) => ranked(row_idxs.iter().map(|&row_idx| numbers[row_idx])),
        Values::Text(texts) => ranked(row_idxs.iter().map(|&row_idx| texts[row_idx])),
        Values::Category { codes, dictionary } => {
            let name = |code: i32| usize::try_from(code).ok().and_then(|code| dictionary.get(code)).copied();
            ranked(row_idxs.iter().map(|&row_idx| name(codes[row_idx]).unwrap_or("")))
        }
        Values::Number(_) | Values::DateTime(_) => return Err(wrong("classes")),
    };
    let limit = if kind == Kind::Category { MAX_CLASSES } else { MAX_CLASSES_OF_VALUES };
    match classes.as_slice() {
        [class] => Err(FitError::OneClass { name, class: class.clone() }),
        classes if classes.len() > limit => Err(FitError::TooManyClasses { name, n: classes.len(), limit }),
        _ => Ok((Target::Class { name, kind, classes }, Labels::Classes(codes))),
    }
}

/// The distinct values in ascending order, and the position of each value among them.
fn ranked<T: Ord + Copy + ToString>(values: impl Iterator<Item = T>) -> (Vec<String>, Vec<u32>) {
    let values: Vec<T> = values.collect();
    let mut positions: BTreeMap<T, u32> = values.iter().map(|&value| (value, 0)).collect();
    (0u32..).zip(positions.values_mut()).for_each(|(position, entry)| *entry = position);
    (positions.keys().map(T::to_string).collect(), values.iter().map(|value| positions[value]).collect())
}
