//! Columns in brief: counts, moments, quantiles, histograms, frequent values.

use std::collections::HashMap;
use std::future::Future;

use arrow_array::Array;
use protocol::{ColumnProfile, Failure, Profiles, TopValue, has_histogram};
use table::{Cells, Table};

use crate::preview::{RowOrders, unknown_column};
use crate::sort::BLOCK;

const MOST_BINS: usize = 50;
const MOST_DISTINCT: usize = 100_000;
const N_TOP: usize = 20;

/// Profiles of the columns in the window. `breathe` is awaited between blocks of rows, so that others get a turn.
///
/// # Errors
/// A filter names a column that is not there.
pub async fn profiles<F: Future>(
    table: &Table,
    call: &Profiles,
    orders: &RowOrders,
    mut breathe: impl FnMut() -> F,
) -> Result<Vec<ColumnProfile>, Failure> {
    let passes = orders.passes(table, &call.filters, &mut breathe).await.map_err(unknown_column)?;
    breathe().await;
    let first = (call.first_column as usize).min(table.n_columns());
    let last = first.saturating_add(call.n_columns as usize).min(table.n_columns());
    let mut profiles = Vec::with_capacity(last - first);
    for column_idx in first..last {
        profiles.push(profile(table, column_idx, passes.as_deref(), &mut breathe).await);
    }
    Ok(profiles)
}

async fn profile<F: Future>(
    table: &Table,
    column_idx: usize,
    passes: Option<&[bool]>,
    breathe: &mut impl FnMut() -> F,
) -> ColumnProfile {
    let column = table.schema().columns[column_idx].clone();
    let cells = table.cells(column_idx);
    let n_rows = table.n_rows();
    let n_missing = table.n_missing(column_idx) as u64;
    let mut profile = ColumnProfile {
        n_rows: n_rows as u64,
        n_missing,
        n_distinct: 0,
        distinct_is_bound: false,
        n_infinite: 0,
        n_zero: 0,
        mean: None,
        std: None,
        skewness: None,
        quantiles: None,
        edges: Vec::new(),
        counts: Vec::new(),
        filtered_counts: Vec::new(),
        top: Vec::new(),
        alerts: Vec::new(),
        column,
    };
    if has_histogram(profile.column.kind) {
        numbers(&mut profile, &cells, n_rows, passes, breathe).await;
    } else {
        words(&mut profile, &cells, n_rows, passes, breathe).await;
    }
    profile.alerts = alerts(&profile);
    profile
}

async fn numbers<F: Future>(
    profile: &mut ColumnProfile,
    cells: &Cells<'_>,
    n_rows: usize,
    passes: Option<&[bool]>,
    breathe: &mut impl FnMut() -> F,
) {
    let mut finite = Vec::with_capacity(n_rows);
    let (mut has_low, mut has_high) = (false, false);
    let mut sum = 0.0;
    for start in (0..n_rows).step_by(BLOCK) {
        let mut block_sum = 0.0;
        for x in (start..n_rows.min(start + BLOCK)).filter_map(|row_idx| cells.number(row_idx)) {
            if x.is_finite() {
                profile.n_zero += u64::from(x == 0.0);
                block_sum += x;
                finite.push(x);
            } else {
                profile.n_infinite += 1;
                has_low |= x < 0.0;
                has_high |= x > 0.0;
            }
        }
        sum += block_sum;
        breathe().await;
    }
    profile.n_distinct = u64::from(has_low) + u64::from(has_high);
    if finite.is_empty() {
        return;
    }
    let n = finite.len() as f64;
    let mean = sum / n;
    let (mut second, mut third) = (0.0, 0.0);
    for block in finite.chunks(BLOCK) {
        let (mut block_second, mut block_third) = (0.0, 0.0);
        for x in block {
            let from_mean = x - mean;
            block_second += from_mean * from_mean;
            block_third += from_mean * from_mean * from_mean;
        }
        second += block_second;
        third += block_third;
        breathe().await;
    }
    profile.mean = Some(mean).filter(|mean| mean.is_finite());
    profile.std = (n > 1.0).then(|| (second / (n - 1.0)).sqrt()).filter(|std| std.is_finite());
    let variance = second / n;
    profile.skewness = Some(third / n / (variance * variance.sqrt())).filter(|skewness| skewness.is_finite());

    crate::sort::sort(&mut finite, f64::total_cmp, breathe).await;
    profile.n_distinct += 1 + finite.windows(2).filter(|pair| pair[0] != pair[1]).count() as u64;
    let quantiles = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0].map(|share| quantile(&finite, share));
    profile.quantiles = Some(quantiles);
    profile.edges = edges(&quantiles, finite.len(), matches!(cells, Cells::Integer(_)));
    breathe().await;

    // The values are sorted, so the bins are found by their edges.
    profile.counts = vec![0; profile.edges.len() - 1];
    let n_bins = profile.counts.len();
    let mut before = 0;
    for (bin_idx, count) in profile.counts.iter_mut().enumerate() {
        let end = if bin_idx + 1 == n_bins {
            finite.len()
        } else {
            finite.partition_point(|x| *x < profile.edges[bin_idx + 1])
        };
        *count = (end.max(before) - before) as u64;
        before = end.max(before);
    }
    let Some(passes) = passes else {
        profile.filtered_counts = profile.counts.clone();
        return;
    };
    profile.filtered_counts = vec![0; n_bins];
    for start in (0..n_rows).step_by(BLOCK) {
        for row_idx in (start..n_rows.min(start + BLOCK)).filter(|row_idx| passes[*row_idx]) {
            if let Some(x) = cells.number(row_idx).filter(|x| x.is_finite()) {
                let bin_idx = profile.edges[1..n_bins].partition_point(|edge| *edge <= x);
                profile.filtered_counts[bin_idx] += 1;
            }
        }
        breathe().await;
    }
}

/// Linear interpolation between order statistics (Hyndman and Fan's type 7).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let weight = at - below as f64;
    // In this form two huge values of opposite sign do not overflow.
    if weight == 0.0 { sorted[below] } else { sorted[below] * (1.0 - weight) + sorted[above] * weight }
}

/// Freedman and Diaconis' bin width, 2 IQR n^(-1/3); one bin per whole number where those are few.
fn edges(quantiles: &[f64; 7], n: usize, is_whole: bool) -> Vec<f64> {
    let (low, high) = (quantiles[0], quantiles[6]);
    let range = high - low;
    if range == 0.0 {
        let reach = 0.5_f64.max(low.abs() * f64::EPSILON * 4.0);
        return vec![low - reach, low + reach];
    }
    if is_whole && range < MOST_BINS as f64 && low.abs().max(high.abs()) < 1e15 {
        return (0..=range as usize + 1).map(|step| low + step as f64).collect();
    }
    if !range.is_finite() {
        return vec![low, 0.0, high];
    }
    let spread = quantiles[4] - quantiles[2];
    let wanted = if spread > 0.0 {
        range * cube_root(n as f64) / (2.0 * spread)
    } else {
        // Sturges' rule, for columns of which half is one value.
        f64::from(n.ilog2() + 1)
    };
    let n_bins = (wanted.ceil() as usize).clamp(1, MOST_BINS);
    let mut edges: Vec<f64> = (0..n_bins).map(|step| low + range * (step as f64 / n_bins as f64)).collect();
    edges.push(high);
    edges.dedup();
    edges
}

/// Newton's iteration: the platforms' own cube roots differ in the last bit.
fn cube_root(x: f64) -> f64 {
    let mut root = x.sqrt();
    for _ in 0..60 {
        root = (2.0 * root + x / (root * root)) / 3.0;
    }
    root
}

async fn words<F: Future>(
    profile: &mut ColumnProfile,
    cells: &Cells<'_>,
    n_rows: usize,
    passes: Option<&[bool]>,
    breathe: &mut impl FnMut() -> F,
) {
    let is_filtered = |row_idx: usize| passes.is_none_or(|passes| passes[row_idx]);
    let mut counted: Vec<(&str, u64, u64)> = match cells {
        Cells::Category { names, .. } => (0..names.len()).map(|code| (names.value(code), 0, 0)).collect(),
        Cells::Boolean(_) => vec![("false", 0, 0), ("true", 0, 0)],
        Cells::Text(_) | Cells::Number(_) | Cells::Integer(_) | Cells::DateTime(_) => Vec::new(),
    };
    // Only looked up, never walked through: its order does not matter.
    let mut places: HashMap<&str, usize> = HashMap::new();
    for start in (0..n_rows).step_by(BLOCK) {
        for row_idx in (start..n_rows.min(start + BLOCK)).filter(|row_idx| cells.is_valid(*row_idx)) {
            let place = match cells {
                Cells::Category { codes, .. } => usize::try_from(codes.value(row_idx)).ok(),
                Cells::Boolean(values) => Some(usize::from(values.value(row_idx))),
                Cells::Text(values) => {
                    let text = values.value(row_idx);
                    match places.get(text) {
                        Some(place) => Some(*place),
                        None if places.len() < MOST_DISTINCT => {
                            places.insert(text, counted.len());
                            counted.push((text, 0, 0));
                            Some(counted.len() - 1)
                        }
                        None => {
                            profile.distinct_is_bound = true;
                            None
                        }
                    }
                }
                Cells::Number(_) | Cells::Integer(_) | Cells::DateTime(_) => None,
            };
            if let Some((_, n, n_filtered)) = place.and_then(|place| counted.get_mut(place)) {
                *n += 1;
                *n_filtered += u64::from(is_filtered(row_idx));
            }
        }
        breathe().await;
    }
    counted.retain(|(_, n, _)| *n > 0);
    profile.n_distinct = counted.len() as u64;
    // Of a hundred thousand only the first few need an order.
    let by_count = |left: &(&str, u64, u64), right: &(&str, u64, u64)| right.1.cmp(&left.1).then(left.0.cmp(right.0));
    if counted.len() > N_TOP {
        counted.select_nth_unstable_by(N_TOP, by_count);
        counted.truncate(N_TOP);
    }
    counted.sort_unstable_by(by_count);
    profile.top =
        counted.into_iter().map(|(value, n, n_filtered)| TopValue { value: value.into(), n, n_filtered }).collect();
}

/// What the user should know before training.
fn alerts(profile: &ColumnProfile) -> Vec<String> {
    let ColumnProfile { n_rows, n_missing, n_distinct, n_infinite, n_zero, .. } = *profile;
    let n_valid = n_rows - n_missing;
    let percent = |n: u64| format!("{:.0} %", n as f64 / n_rows as f64 * 100.0);
    let mut alerts = Vec::new();
    if n_valid == 0 {
        alerts.push("no values".to_owned());
        return alerts;
    }
    if n_missing * 20 >= n_rows {
        alerts.push(format!("{} missing", percent(n_missing)));
    }
    if n_infinite > 0 {
        alerts.push(format!("{n_infinite} infinite"));
    }
    if n_distinct == 1 {
        alerts.push("constant".to_owned());
    } else if n_valid > 10 && n_distinct == n_valid && !profile.distinct_is_bound {
        match profile.column.kind {
            schema::Kind::Number | schema::Kind::DateTime => {}
            schema::Kind::Integer | schema::Kind::Boolean | schema::Kind::Category | schema::Kind::Text => {
                alerts.push("every value differs".to_owned());
            }
        }
    } else if profile.column.kind == schema::Kind::Category && n_distinct > 50 {
        alerts.push(format!("{n_distinct} categories"));
    }
    if n_distinct > 1 && profile.top.first().is_some_and(|top| top.n * 10 >= n_valid * 9) {
        alerts.push("imbalanced".to_owned());
    }
    if n_distinct > 1 && n_zero * 2 > n_rows {
        alerts.push(format!("{} zero", percent(n_zero)));
    }
    if let Some(skewness) = profile.skewness.filter(|skewness| skewness.abs() > 3.0) {
        alerts.push(format!("skewed ({skewness:.1})"));
    }
    alerts
}

#[cfg(test)]
mod tests {
    use pipeline::{NodeId, OutPort};
    use protocol::Filter;
    use table::{Options, read_bytes};

    use super::*;

    fn profiled(file: &str, filters: Vec<Filter>) -> Vec<ColumnProfile> {
        let table = read_bytes("t.csv", file.as_bytes(), Options::default()).unwrap().table;
        let call = Profiles {
            output: OutPort::new(&NodeId::new("n").unwrap(), "table"),
            first_column: 0,
            n_columns: 100,
            filters,
        };
        learn::block_on(profiles(&table, &call, &RowOrders::default(), || std::future::ready(()))).unwrap()
    }

    #[test]
    fn numbers_have_moments_quantiles_and_bins() {
        let profile = &profiled("x\n1\n2\n3\n4\n10\nNA\n", vec![])[0];
        assert_eq!((profile.n_rows, profile.n_missing, profile.n_distinct), (6, 1, 5));
        assert_eq!(profile.mean, Some(4.0));
        assert!((profile.std.unwrap() - 12.5_f64.sqrt()).abs() < 1e-12);
        let quantiles = profile.quantiles.unwrap();
        assert_eq!((quantiles[0], quantiles[3], quantiles[6]), (1.0, 3.0, 10.0));
        assert!((quantiles[1] - 1.2).abs() < 1e-12 && (quantiles[5] - 8.8).abs() < 1e-12);
        assert_eq!(profile.counts, [1, 1, 1, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(profile.alerts, ["17 % missing"]);
    }

    #[test]
    fn filters_are_counted_beside() {
        let filter = Filter::Equals { column: "g".into(), value: "a".into() };
        let profiles = profiled("x,g\n1.5,a\n2.5,b\n9.5,a\ninf,b\n", vec![filter]);
        assert_eq!(profiles[0].counts.iter().sum::<u64>(), 3);
        assert_eq!(profiles[0].filtered_counts.iter().sum::<u64>(), 2);
        assert_eq!((profiles[0].n_infinite, profiles[0].n_distinct), (1, 4));
        let top: Vec<_> = profiles[1].top.iter().map(|top| (top.value.as_str(), top.n, top.n_filtered)).collect();
        assert_eq!(top, [("a", 2, 2), ("b", 2, 0)]);
    }

    #[test]
    fn columns_without_a_story_are_told() {
        let profiles = profiled("c,m,h\n5,NA,1e308\n5,,-1e308\n5,,1\n", vec![]);
        assert_eq!(profiles[0].alerts, ["constant"]);
        assert_eq!(profiles[1].alerts, ["no values"]);
        assert_eq!(profiles[2].counts.iter().sum::<u64>(), 3);
    }
}
