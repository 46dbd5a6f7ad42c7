//! Growing one tree: the leaf whose split takes most off the loss is split next.

use std::collections::BTreeMap;
use std::ops::Range;

use model::{BoostedTree, Categories, Tree, TreeNode};

use super::bins::{BinnedColumn, Bins, GROUP};
use super::histogram::{CHUNK, Column, Sums, fill, subtract};
use super::{BoostingColumn, BoostingSettings};
use crate::{Checkpoint, Stopped};

/// Bins looked up between two checkpoints, about a millisecond's.
const STEP: usize = 1 << 20;
/// Histograms that are kept take no more bytes than this; those of other leaves are filled anew.
const MAX_KEPT: usize = 1 << 28;
/// Sums of as many rows' derivatives, of 30 bits each, may have 51 bits.
const MANY_ROWS: usize = 1 << 21;
/// The sum of second derivatives on either side of a split at least.
const MIN_SECOND: f64 = 1e-3;
/// A gain below this part of what it is a difference of is an error of rounding.
const MIN_GAIN: f64 = 1e-12;

/// The derivatives of each row's loss.
pub(super) struct Gradients {
    pub(super) first: Vec<f64>,
    pub(super) second: Vec<f64>,
}

/// What a tree may become.
pub(super) struct Limits {
    max_leaves: usize,
    max_depth: u32,
    min_rows: usize,
    l2: f64,
    smoothing: f64,
    /// By column, whether the value may only rise or fall; empty if none is bound.
    directions: Vec<i8>,
}

impl Limits {
    pub(super) fn new(settings: &BoostingSettings, columns: &[BoostingColumn]) -> Self {
        let is_bound = columns.iter().any(|column| column.direction != 0);
        Self {
            max_leaves: settings.max_leaves as usize,
            max_depth: settings.max_depth.unwrap_or(u32::MAX),
            min_rows: settings.min_rows_leaf as usize,
            l2: settings.l2_weight,
            smoothing: settings.category_smoothing,
            directions: columns.iter().map(|column| column.direction).filter(|_| is_bound).collect(),
        }
    }
}

/// Grows trees on the same bins.
pub(super) struct Grower<'a> {
    bins: &'a Bins,
    limits: &'a Limits,
    pub(super) raw: Gradients,
    /// `raw` as whole numbers.
    whole: Vec<[i32; 2]>,
    /// The rows of a leaf stand together, in ascending order.
    rows: Vec<u32>,
    row_scratch: Vec<u32>,
    gradient_scratch: Vec<Sums>,
    /// Histograms that no leaf needs any more.
    spare: Vec<Vec<Column>>,
    n_kept: usize,
    work: usize,
}

/// The units of whole gradients.
#[derive(Clone, Copy)]
struct Units {
    first: f64,
    second: f64,
    /// Lowest bits of the second sum, which count rows.
    count_bits: u32,
}

impl Units {
    fn n_rows(&self, sums: &Sums) -> usize {
        (sums[1] & ((1 << self.count_bits) - 1)) as usize
    }

    fn second(&self, sums: &Sums) -> f64 {
        (sums[1] >> self.count_bits) as f64
    }
}

struct Leaf {
    node: usize,
    rows: Range<usize>,
    sums: Sums,
    depth: u32,
    histogram: Option<Vec<Column>>,
    best: Option<Split>,
    /// Where the value must lie, in units of the gradients.
    bounds: (f64, f64),
}

#[derive(Clone)]
struct Split {
    /// What it takes off twice the loss.
    gain: f64,
    column: usize,
    /// Bins that go left.
    left: Categories,
    /// The last bin that goes left, for numbers.
    last: usize,
    missing_left: bool,
    left_sums: Sums,
}

struct Node {
    split: Option<Split>,
    left: u32,
    value: f64,
    n_rows: f64,
}

/// A tree that says by how much the loss would have scores changed.
pub(super) struct Grown<'g> {
    nodes: Vec<Node>,
    /// Positions of leaves, with their rows.
    leaves: Vec<(usize, Range<usize>)>,
    rows: &'g [u32],
    /// Of a gain.
    unit: f64,
}

impl<'a> Grower<'a> {
    pub(super) fn new(bins: &'a Bins, limits: &'a Limits, n_rows: usize) -> Self {
        Self {
            bins,
            limits,
            raw: Gradients { first: vec![0.0; n_rows], second: vec![0.0; n_rows] },
            whole: vec![[0; 2]; n_rows],
            rows: Vec::new(),
            row_scratch: vec![0; n_rows],
            gradient_scratch: Vec::new(),
            spare: Vec::new(),
            n_kept: 0,
            work: 0,
        }
    }

    /// Grows a tree on some rows, from the columns that are to be tried.
    pub(super) async fn grow(
        &mut self,
        rows: &[u32],
        tried: &[u32],
        checkpoint: &mut impl Checkpoint,
    ) -> Result<Grown<'_>, Stopped> {
        let units = self.round();
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        let sums = self.sum(&units);
        let mut nodes = vec![self.node(&units, &sums, (f64::NEG_INFINITY, f64::INFINITY))];
        let bounds = (f64::NEG_INFINITY, f64::INFINITY);
        let mut leaves =
            vec![Leaf { node: 0, rows: 0..rows.len(), sums, depth: 0, histogram: None, best: None, bounds }];
        let judge = Judge::new(self.limits, units);
        if self.may_split(&leaves[0]) {
            let histogram = self.histogram(&leaves[0].rows, tried, checkpoint).await?;
            leaves[0].best = judge.best(&histogram, &leaves[0], tried, self.bins);
            self.keep(&mut leaves[0], histogram);
        }
        while leaves.len() < self.limits.max_leaves {
            let mut best: Option<(usize, f64)> = None;
            for (idx, leaf) in leaves.iter().enumerate() {
                if let Some(split) = &leaf.best
                    && best.is_none_or(|(_, gain)| split.gain > gain)
                {
                    best = Some((idx, split.gain));
                }
            }
            let Some((at, _)) = best else { break };
            let parent = &mut leaves[at];
            let Some(split) = parent.best.take() else { break };
            let (node, rows, histogram) = (parent.node, parent.rows.clone(), parent.histogram.take());
            let middle = self.divide(&rows, &split);
            let [left_bounds, right_bounds] = judge.bounds_of_children(&split, parent);
            let right_sums = [parent.sums[0] - split.left_sums[0], parent.sums[1] - split.left_sums[1]];
            let first = nodes.len();
            let child = |node, rows, sums, bounds| Leaf {
                node,
                rows,
                sums,
                depth: parent.depth + 1,
                histogram: None,
                best: None,
                bounds,
            };
            let mut left = child(first, rows.start..middle, split.left_sums, left_bounds);
            let mut right = child(first + 1, middle..rows.end, right_sums, right_bounds);
            nodes.push(self.node(&units, &left.sums, left.bounds));
            nodes.push(self.node(&units, &right.sums, right.bounds));
            nodes[node].left = first as u32;
            nodes[node].split = Some(split);
            let is_last = leaves.len() + 1 >= self.limits.max_leaves;
            let (small, large) =
                if left.rows.len() < right.rows.len() { (&mut left, &mut right) } else { (&mut right, &mut left) };
            if !is_last && self.may_split(large) {
                let of_small = self.histogram(&small.rows, tried, checkpoint).await?;
                let of_large = match histogram {
                    Some(mut parent) => {
                        self.n_kept -= 1;
                        subtract(&mut parent, &of_small, self.bins);
                        parent
                    }
                    None => self.histogram(&large.rows, tried, checkpoint).await?,
                };
                large.best = judge.best(&of_large, large, tried, self.bins);
                self.keep(large, of_large);
                if self.may_split(small) {
                    small.best = judge.best(&of_small, small, tried, self.bins);
                }
                self.keep(small, of_small);
            } else if let Some(histogram) = histogram {
                self.n_kept -= 1;
                self.spare.push(histogram);
            }
            leaves[at] = left;
            leaves.push(right);
        }
        let kept = leaves.iter_mut().filter_map(|leaf| leaf.histogram.take());
        self.spare.extend(kept);
        self.n_kept = 0;
        let leaves = leaves.into_iter().map(|leaf| (leaf.node, leaf.rows)).collect();
        Ok(Grown { nodes, leaves, rows: &self.rows, unit: units.first * units.first / units.second })
    }

    fn may_split(&self, leaf: &Leaf) -> bool {
        leaf.rows.len() / 2 >= self.limits.min_rows && leaf.depth < self.limits.max_depth
    }

    fn node(&self, units: &Units, sums: &Sums, bounds: (f64, f64)) -> Node {
        let second = units.second(sums) + self.limits.l2 / units.second;
        let value = if second > 0.0 { -(sums[0] as f64) / second } else { 0.0 };
        let value = value.clamp(bounds.0, bounds.1) * (units.first / units.second);
        Node { split: None, left: 0, value, n_rows: units.n_rows(sums) as f64 }
    }

    /// Gradients become whole numbers.
    fn round(&mut self) -> Units {
        let largest = |values: &[f64]| values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
        let count_bits = usize::BITS - self.whole.len().leading_zeros();
        let second_bits = (63 - 2 * count_bits.min(28)).min(30);
        let first = unit(largest(&self.raw.first), 30);
        let second = unit(largest(&self.raw.second), second_bits);
        let (of_first, of_second) = (1.0 / first, 1.0 / second);
        /// Added to a number of less than 32 bits, leaves it rounded in the lowest bits (1.5 · 2^52).
        const ROUNDING: f64 = 6_755_399_441_055_744.0;
        let rounded = |x: f64| (x + ROUNDING).to_bits() as i32;
        for ((whole, g), h) in self.whole.iter_mut().zip(&self.raw.first).zip(&self.raw.second) {
            *whole = [rounded(g * of_first), rounded(h * of_second)];
        }
        Units { first, second, count_bits }
    }

    fn sum(&self, units: &Units) -> Sums {
        let mut sums = [0, 0];
        for &row_idx in &self.rows {
            let [g, h] = expanded(self.whole[row_idx as usize], units.count_bits);
            sums = [sums[0] + g, sums[1] + h];
        }
        sums
    }

    async fn histogram(
        &mut self,
        rows: &Range<usize>,
        tried: &[u32],
        checkpoint: &mut impl Checkpoint,
    ) -> Result<Vec<Column>, Stopped> {
        let n_columns = self.bins.n_groups() * GROUP;
        let mut histogram = self.spare.pop().unwrap_or_default();
        histogram.clear();
        histogram.resize(n_columns, [[0; 2]; 256]);
        let mut groups: Vec<usize> = tried.iter().map(|&column| column as usize / GROUP).collect();
        groups.dedup();
        let count_bits = usize::BITS - self.whole.len().leading_zeros();
        let mut first = rows.start;
        while first < rows.end {
            let chunk = &self.rows[first..rows.end.min(first + CHUNK)];
            first += chunk.len();
            self.gradient_scratch.clear();
            let whole = &self.whole;
            let gradients = chunk.iter().map(|&row_idx| expanded(whole[row_idx as usize], count_bits));
            self.gradient_scratch.extend(gradients);
            for &group_idx in &groups {
                let columns = &mut histogram[group_idx * GROUP..][..GROUP];
                fill(self.bins, group_idx, chunk, &self.gradient_scratch, columns);
                self.work += chunk.len() * GROUP;
                if self.work >= STEP {
                    self.work = 0;
                    checkpoint.checkpoint(0.0, "Growing trees").await?;
                }
            }
        }
        Ok(histogram)
    }

    /// Keeps the histogram of a leaf that may be split, while there is room.
    fn keep(&mut self, leaf: &mut Leaf, histogram: Vec<Column>) {
        let n_allowed = (MAX_KEPT / (size_of::<Column>() * histogram.len().max(1))).max(2);
        if leaf.best.is_some() && self.n_kept < n_allowed {
            leaf.histogram = Some(histogram);
            self.n_kept += 1;
        } else if self.spare.len() < 2 {
            self.spare.push(histogram);
        }
    }

    /// Puts the rows that go left before the others; where the others begin.
    fn divide(&mut self, rows: &Range<usize>, split: &Split) -> usize {
        let (words, shift) = self.bins.column(split.column);
        let mut goes_left = [false; 256];
        (0..256).for_each(|bin| goes_left[bin] = split.left.contains(bin));
        let start = rows.start;
        let rows = &mut self.rows[rows.clone()];
        let scratch = &mut self.row_scratch[..rows.len()];
        let (mut n_left, mut n_right) = (0, 0);
        for position in 0..rows.len() {
            let row_idx = rows[position];
            let goes_left = goes_left[(words[row_idx as usize] >> shift & 0xff) as usize];
            // Both are written and one is kept, so that there is no branch to guess wrong.
            rows[n_left] = row_idx;
            scratch[n_right] = row_idx;
            n_left += usize::from(goes_left);
            n_right += usize::from(!goes_left);
        }
        rows[n_left..].copy_from_slice(&scratch[..n_right]);
        start + n_left
    }
}

#[inline]
fn expanded([g, h]: [i32; 2], count_bits: u32) -> Sums {
    [i64::from(g), i64::from(h) << count_bits | 1]
}

/// A power of two, of which the largest magnitude is less than `2^bits`.
fn unit(largest: f64, bits: u32) -> f64 {
    let exponent = largest.to_bits() >> 52;
    // Of what is that small, nothing can be learnt; and its reciprocal is a number.
    if exponent < 128 { 1.0 } else { f64::from_bits((exponent + 1 - u64::from(bits)) << 52) }
}

/// Compares splits.
struct Judge<'l> {
    limits: &'l Limits,
    units: Units,
    /// In units of the second derivatives.
    l2: f64,
    smoothing: f64,
    min_second: f64,
}

/// How two sides are judged.
#[derive(Clone, Copy)]
struct Terms {
    l2: f64,
    direction: i8,
    bounds: (f64, f64),
}

impl<'l> Judge<'l> {
    fn new(limits: &'l Limits, units: Units) -> Self {
        let of_second = 1.0 / units.second;
        Self {
            limits,
            units,
            l2: limits.l2 * of_second,
            smoothing: limits.smoothing * of_second,
            min_second: MIN_SECOND * of_second,
        }
    }

    /// The best split of a leaf, the first of equals.
    fn best(&self, histogram: &[Column], leaf: &Leaf, tried: &[u32], bins: &Bins) -> Option<Split> {
        let left = Categories::default();
        let mut best = Split { gain: 0.0, column: 0, left, last: 0, missing_left: false, left_sums: [0; 2] };
        let mut found = false;
        for column_idx in tried.iter().map(|&column| column as usize) {
            let direction = self.limits.directions.get(column_idx).copied().unwrap_or(0);
            let column = &bins.columns[column_idx];
            let l2 = if column.is_category { self.l2 + self.smoothing } else { self.l2 };
            let terms = Terms { l2, direction, bounds: leaf.bounds };
            let sums = &histogram[column_idx];
            let undivided = self.undivided(&leaf.sums, &terms);
            let least = undivided + (undivided.abs() * MIN_GAIN).max(best.gain);
            let split = if column.is_category {
                self.by_categories(sums, column, leaf, &terms, least)
            } else {
                self.by_threshold(sums, column, leaf, &terms, least)
            };
            if let Some(split) = split {
                found = true;
                best = Split { gain: split.gain - undivided, column: column_idx, ..split };
            }
        }
        found.then_some(best)
    }

    fn by_threshold(
        &self,
        sums: &Column,
        column: &BinnedColumn,
        leaf: &Leaf,
        terms: &Terms,
        mut least: f64,
    ) -> Option<Split> {
        let gap = if column.has_gaps { sums[column.n_bins & 0xff] } else { [0; 2] };
        let has_gaps = gap[1] != 0;
        let mut best = None;
        for missing_left in [false, true] {
            if missing_left && !has_gaps {
                break;
            }
            let mut left = if missing_left { gap } else { [0; 2] };
            // Where the gaps are alone on the right, they are told apart from all values.
            let n_tried = column.n_bins - usize::from(!has_gaps || missing_left);
            let mut lefts = [[0; 2]; 256];
            for (to, sum) in lefts.iter_mut().zip(&sums[..n_tried]) {
                left = [left[0] + sum[0], left[1] + sum[1]];
                *to = left;
            }
            if self.limits.directions.is_empty() && leaf.rows.len() < MANY_ROWS {
                let mut scores = [0.0; 256];
                self.write_scores(&lefts[..n_tried], &leaf.sums, terms, &mut scores);
                for (bin, &score) in scores[..n_tried].iter().enumerate() {
                    if score > least {
                        least = score;
                        best = Some((bin, missing_left, lefts[bin]));
                    }
                }
                continue;
            }
            for (bin, left) in lefts[..n_tried].iter().enumerate() {
                if let Some(score) = self.better(left, &leaf.sums, terms, least) {
                    least = score;
                    best = Some((bin, missing_left, *left));
                }
            }
        }
        let (last, missing_left, left_sums) = best?;
        let mut left = Categories::default();
        (0..=last).for_each(|bin| left.insert(bin));
        // What never lacked a value goes where more rows go.
        let n_left = self.units.n_rows(&left_sums);
        let missing_left = if has_gaps { missing_left } else { 2 * n_left >= leaf.rows.len() };
        if missing_left && column.has_gaps {
            left.insert(column.n_bins);
        }
        Some(Split { gain: least, column: 0, left, last, missing_left, left_sums })
    }

    /// Categories in the order of their mean gradients: one of the cuts of that order is the best division into two
    /// groups (Fisher, 1958). Gaps are a category of their own.
    fn by_categories(
        &self,
        sums: &Column,
        column: &BinnedColumn,
        leaf: &Leaf,
        terms: &Terms,
        mut least: f64,
    ) -> Option<Split> {
        let n_bins = column.n_bins + usize::from(column.has_gaps);
        let mean = |sums: &Sums| {
            let second = (self.units.second(sums) + self.smoothing).max(f64::MIN_POSITIVE);
            sums[0] as f64 / second
        };
        let mut order: Vec<(f64, usize)> =
            (0..n_bins).filter(|&bin| sums[bin][1] != 0).map(|bin| (mean(&sums[bin]), bin)).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut left = [0; 2];
        let mut best = None;
        for (n_left, &(_, bin)) in (1..order.len()).zip(&order) {
            left = [left[0] + sums[bin][0], left[1] + sums[bin][1]];
            if let Some(score) = self.better(&left, &leaf.sums, terms, least) {
                least = score;
                best = Some((n_left, left));
            }
        }
        let (n_left, left_sums) = best?;
        let mut left = Categories::default();
        order[..n_left].iter().for_each(|&(_, bin)| left.insert(bin));
        let has_gaps = column.has_gaps && sums[column.n_bins][1] != 0;
        let missing_left =
            if has_gaps { left.contains(column.n_bins) } else { 2 * self.units.n_rows(&left_sums) >= leaf.rows.len() };
        if missing_left && column.has_gaps {
            left.insert(column.n_bins);
        }
        Some(Split { gain: least, column: 0, left, last: 0, missing_left, left_sums })
    }

    /// What two leaves take off twice the loss, for many lefts; 0 where they may not be.
    fn write_scores(&self, lefts: &[Sums], all: &Sums, terms: &Terms, scores: &mut [f64]) {
        let count_bits = self.units.count_bits;
        let least = Least { n_rows: self.limits.min_rows as i64, second: self.min_second };
        write_scores(lefts, all, count_bits, terms.l2, &least, scores);
    }

    /// What two leaves take off twice the loss, if it is more than `least` and they may be.
    #[inline]
    fn better(&self, left: &Sums, all: &Sums, terms: &Terms, least: f64) -> Option<f64> {
        let right = [all[0] - left[0], all[1] - left[1]];
        let (n_left, n_right) = (self.units.n_rows(left), self.units.n_rows(&right));
        let (second_left, second_right) = (self.units.second(left), self.units.second(&right));
        if n_left < self.limits.min_rows
            || n_right < self.limits.min_rows
            || second_left < self.min_second
            || second_right < self.min_second
        {
            return None;
        }
        let (g_left, g_right) = (left[0] as f64, right[0] as f64);
        let (h_left, h_right) = (second_left + terms.l2, second_right + terms.l2);
        if self.limits.directions.is_empty() {
            // g²/h + g²/h, which is divided only where it is larger.
            let (above, below) = (g_left * g_left * h_right + g_right * g_right * h_left, h_left * h_right);
            return (above > least * below).then(|| above / below).filter(|score| *score > least);
        }
        let (low, high) = terms.bounds;
        let (value_left, value_right) = ((-g_left / h_left).clamp(low, high), (-g_right / h_right).clamp(low, high));
        if f64::from(terms.direction) * (value_right - value_left) < 0.0 {
            return None;
        }
        let score = bound(g_left, h_left, value_left) + bound(g_right, h_right, value_right);
        (score > least).then_some(score)
    }

    fn undivided(&self, all: &Sums, terms: &Terms) -> f64 {
        let (g, h) = (all[0] as f64, (self.units.second(all) + terms.l2).max(f64::MIN_POSITIVE));
        if self.limits.directions.is_empty() {
            return g * g / h;
        }
        bound(g, h, (-g / h).clamp(terms.bounds.0, terms.bounds.1))
    }

    /// Below a split by a column that binds, either side stays on its side of the middle.
    fn bounds_of_children(&self, split: &Split, leaf: &Leaf) -> [(f64, f64); 2] {
        let (low, high) = leaf.bounds;
        let direction = self.limits.directions.get(split.column).copied().unwrap_or(0);
        if direction == 0 {
            return [leaf.bounds; 2];
        }
        let right = [leaf.sums[0] - split.left_sums[0], leaf.sums[1] - split.left_sums[1]];
        let value = |sums: &Sums| (-(sums[0] as f64) / (self.units.second(sums) + self.l2)).clamp(low, high);
        let middle = value(&split.left_sums) / 2.0 + value(&right) / 2.0;
        if direction > 0 { [(low, middle), (middle, high)] } else { [(middle, high), (low, middle)] }
    }
}

/// What either side of a split has at least.
struct Least {
    n_rows: i64,
    second: f64,
}

numeric::wide! {
    /// What two leaves take off twice the loss, by what goes left; 0 where either would be too small. Sums have less than 51
    /// bits.
    fn write_scores(lefts: &[Sums], all: &Sums, count_bits: u32, l2: f64, least: &Least, scores: &mut [f64]) {
        let of_count = (1i64 << count_bits) - 1;
        for (left, score) in lefts.iter().zip(scores) {
            let right = [all[0] - left[0], all[1] - left[1]];
            let (g_left, g_right) = (as_number(left[0]), as_number(right[0]));
            let (second_left, second_right) = (as_number(left[1] >> count_bits), as_number(right[1] >> count_bits));
            let may_be = (left[1] & of_count >= least.n_rows)
                & (right[1] & of_count >= least.n_rows)
                & (second_left >= least.second)
                & (second_right >= least.second);
            let (h_left, h_right) = (second_left + l2, second_right + l2);
            let both = (g_left * g_left * h_right + g_right * g_right * h_left) / (h_left * h_right);
            *score = if may_be { both } else { 0.0 };
        }
    }
}

/// A whole number of less than 51 bits; the processor's own way takes one at a time.
#[inline(always)]
fn as_number(whole: i64) -> f64 {
    /// 1.5 · 2^52, in whose lowest bits whole numbers stand.
    const BASE: f64 = 6_755_399_441_055_744.0;
    f64::from_bits(BASE.to_bits().wrapping_add(whole as u64)) - BASE
}

/// What a leaf with this value takes off twice the loss.
fn bound(g: f64, h: f64, value: f64) -> f64 {
    -(2.0 * g + h * value) * value
}

impl Grown<'_> {
    /// Gives each leaf the value that its rows ask for.
    pub(super) fn set_values(&mut self, value: impl Fn(&[u32]) -> f64) {
        for (node, rows) in &self.leaves {
            self.nodes[*node].value = value(&self.rows[rows.clone()]);
        }
    }

    /// The tree, with a part of its values, which is added to the scores of all rows; `is_part` if it was grown on some
    /// of them. What its splits took off the loss is added to `gains`, by column.
    pub(super) fn finish(
        mut self,
        learning_rate: f64,
        bins: &Bins,
        scores: &mut [f64],
        is_part: bool,
        gains: &mut [f64],
    ) -> BoostedTree {
        self.nodes.iter_mut().for_each(|node| node.value *= learning_rate);
        if is_part {
            for (row_idx, score) in scores.iter_mut().enumerate() {
                let mut node = &self.nodes[0];
                while let Some(split) = &node.split {
                    let (words, shift) = bins.column(split.column);
                    let goes_left = split.left.contains((words[row_idx] >> shift & 0xff) as usize);
                    node = &self.nodes[node.left as usize + usize::from(!goes_left)];
                }
                *score += node.value;
            }
        } else {
            for (node, rows) in &self.leaves {
                let value = self.nodes[*node].value;
                self.rows[rows.clone()].iter().for_each(|&row_idx| scores[row_idx as usize] += value);
            }
        }
        let mut left_categories = BTreeMap::new();
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for (at, node) in (0u32..).zip(&self.nodes) {
            let mut made =
                TreeNode { threshold: 0.0, feature: 0, left: 0, right: 0, n_rows: node.n_rows, impurity: 0.0 };
            if let Some(split) = &node.split {
                let column = &bins.columns[split.column];
                made.feature = split.column as u32;
                (made.left, made.right) = (node.left, node.left + 1);
                made.impurity = split.gain * self.unit / 2.0;
                gains[split.column] += made.impurity;
                if column.is_category {
                    left_categories.insert(at, split.left);
                } else {
                    made.threshold = column.edges.get(split.last).copied().unwrap_or(f64::MAX);
                }
            }
            nodes.push(made);
        }
        let missing_left =
            self.nodes.iter().map(|node| node.split.as_ref().is_some_and(|split| split.missing_left)).collect();
        let values = self.nodes.iter().map(|node| node.value).collect();
        BoostedTree { tree: Tree { nodes, values, n_outputs: 1 }, missing_left, left_categories }
    }
}
