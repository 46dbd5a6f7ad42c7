//! Split Data.

use std::collections::BTreeMap;

use model::Values;
use numeric::Stream;
use schema::Kind;
use table::Table;

use super::PrepareError;

/// How rows are split in two.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitSettings {
    /// Share of rows in the first part, from 0 to 1: `fraction * n` rounded to the nearest whole number (halves up),
    /// and at least one row in each part unless the share is exactly 0 or 1.
    pub fraction: f64,
    /// Which rows.
    pub order: SplitOrder,
    /// Each value of this column has the same share in both parts, as near as whole rows allow; the size of the parts
    /// does not change. Missing values count as a value.
    pub stratify: Option<String>,
}

/// Which rows enter the first part. In both parts they stay in the table's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SplitOrder {
    /// Drawn by the seed.
    #[default]
    Randomized,
    /// The first ones.
    InOrder,
}

impl Default for SplitSettings {
    fn default() -> Self {
        Self { fraction: 0.7, order: SplitOrder::Randomized, stratify: None }
    }
}

/// More values than this cannot be kept in proportion.
const MAX_STRATA: usize = 1_000;

/// Splits a table.
///
/// # Errors
/// A share outside of 0 to 1, fewer than two rows, or a column to stratify by that is not there or has real numbers.
pub fn split(table: &Table, settings: &SplitSettings, seed: u64) -> Result<(Table, Table), PrepareError> {
    let (first, second) = split_rows(table, settings, seed)?;
    Ok((table.take(&first), table.take(&second)))
}

/// The positions of the rows of both parts.
///
/// # Errors
/// As `split`.
pub fn split_rows(table: &Table, settings: &SplitSettings, seed: u64) -> Result<(Vec<u32>, Vec<u32>), PrepareError> {
    if !(0.0..=1.0).contains(&settings.fraction) {
        let found = settings.fraction.to_string();
        return Err(PrepareError::Setting { setting: "the fraction of rows", found, expected: "a number from 0 to 1" });
    }
    let n_rows = table.n_rows();
    if n_rows < 2 {
        return Err(PrepareError::TooFewRows { n_rows });
    }
    let n_first = match settings.fraction {
        0.0 => 0,
        1.0 => n_rows,
        // 0.35 * 10 is 3.4999999999999996 in binary; a share means what it says in decimal.
        fraction => ((fraction * n_rows as f64 + 0.5 + 1e-9).floor() as usize).clamp(1, n_rows - 1),
    };
    let strata = match &settings.stratify {
        None => vec![(0..n_rows as u32).collect()],
        Some(name) => strata(table, name)?,
    };
    let mut is_first = vec![false; n_rows];
    for (stratum_idx, (mut rows, n)) in shares(strata, n_first, n_rows).into_iter().enumerate() {
        match settings.order {
            SplitOrder::InOrder => {}
            SplitOrder::Randomized => Stream::fork(seed, stratum_idx as u64).shuffle(&mut rows),
        }
        rows[..n].iter().for_each(|&row_idx| is_first[row_idx as usize] = true);
    }
    Ok((0..n_rows as u32).partition(|&row_idx| is_first[row_idx as usize]))
}

/// How many rows of each stratum enter the first part: its share rounded down, and one more where the largest
/// remainders are (the earlier of equals) until the sum is right.
fn shares(strata: Vec<Vec<u32>>, n_first: usize, n_rows: usize) -> Vec<(Vec<u32>, usize)> {
    let exact = |rows: &Vec<u32>| rows.len() as u128 * n_first as u128;
    let n_rows = n_rows as u128;
    let mut counts: Vec<usize> = strata.iter().map(|rows| (exact(rows) / n_rows) as usize).collect();
    let mut by_remainder: Vec<usize> = (0..strata.len()).collect();
    by_remainder.sort_by_key(|&idx| (std::cmp::Reverse(exact(&strata[idx]) % n_rows), idx));
    let n_open = n_first - counts.iter().sum::<usize>();
    by_remainder.iter().take(n_open).for_each(|&idx| counts[idx] += 1);
    strata.into_iter().zip(counts).collect()
}

/// The rows of each value, values ascending, missing ones first.
pub(super) fn strata(table: &Table, name: &str) -> Result<Vec<Vec<u32>>, PrepareError> {
    let column_idx = table.schema().position(name)?;
    let frame = table.frame_of(&[column_idx]);
    let column = &frame.columns[0];
    let rows = 0..frame.n_rows;
    let strata: Vec<Vec<u32>> = match &column.values {
        Values::Category { codes, dictionary } => {
            group(rows.map(|i| column.is_valid(i).then(|| dictionary.get(codes[i] as usize))))
        }
        Values::Text(texts) => group(rows.map(|i| column.is_valid(i).then(|| texts[i]))),
        Values::Boolean(truths) => group(rows.map(|i| column.is_valid(i).then(|| truths[i]))),
        Values::Integer(numbers) => group(rows.map(|i| column.is_valid(i).then(|| numbers[i]))),
        Values::Number(_) | Values::DateTime(_) => {
            let found: Kind = column.kind();
            let expected = "category, boolean, integer or text to stratify by";
            return Err(PrepareError::WrongKind { name: name.to_owned(), found, expected });
        }
    };
    if strata.len() > MAX_STRATA {
        let found = strata.len();
        return Err(PrepareError::TooManyCategories { name: name.to_owned(), found, limit: MAX_STRATA });
    }
    Ok(strata)
}

fn group<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<Vec<u32>> {
    let mut groups: BTreeMap<K, Vec<u32>> = BTreeMap::new();
    for (row_idx, key) in keys.enumerate() {
        groups.entry(key).or_default().push(row_idx as u32);
    }
    groups.into_values().collect()
}
