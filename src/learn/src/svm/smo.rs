//! Sequential minimal optimization: two weights at a time, until no two can be moved with profit.
//!
//! Which two: Fan, Chen and Lin, Working set selection using second order information for training SVM, 2005 (WSS 3).
//! The problem is written as in Bottou and Lin, Support vector machine solvers, 2007: signed weights `b`, each between
//! two bounds, whose sum stays 0, maximise `Σ start b - ½ Σ Σ b_i b_j K_ij`. The slope of each is `start - Σ K b`.

use model::{Kernel, Lanes};

use crate::{Checkpoint, FitError};

/// Kernel values that are computed or passed over between two checkpoints, about a millisecond's.
const STEP: usize = 1 << 18;
/// A curvature of at most 0 is taken for this.
const LEAST_CURVATURE: f64 = 1e-12;
/// So many steps lie between two looks for weights that will not move any more.
const SHRINK_STEPS: usize = 1_000;

/// What is to be maximised. There are as many weights as rows, or twice as many: then weight `n + i` is on row `i` too.
pub(super) struct Smo<'a> {
    pub(super) kernel: Kernel,
    pub(super) rows: &'a Lanes,
    /// The slope of each weight where all are 0.
    pub(super) start: Vec<f64>,
    /// The least and the largest that each weight may be; 0 is between them.
    pub(super) bounds: Vec<(f64, f64)>,
    /// It ends when slopes differ by at most this between those that may grow and those that may shrink.
    pub(super) tolerance: f64,
    /// Bytes of kernel rows that are kept.
    pub(super) cache_bytes: usize,
    /// Steps at most.
    pub(super) max_steps: u64,
    pub(super) shrinking: bool,
}

/// The solution.
pub(super) struct Solved {
    /// Signed weights.
    pub(super) weights: Vec<f64>,
    /// The slope that all free weights share: the bias.
    pub(super) bias: f64,
    /// Whether the tolerance was reached.
    pub(super) converged: bool,
}

impl Smo<'_> {
    pub(super) async fn solve(self, checkpoint: &mut impl Checkpoint) -> Result<Solved, FitError> {
        let n_rows = self.rows.n_rows();
        let n = self.start.len();
        let row_of = |k: usize| if k < n_rows { k } else { k - n_rows };
        let diagonal = diagonal(self.kernel, self.rows);
        // Kernel values are kept with 24 bits.
        if diagonal.iter().any(|value| value.abs() > f64::from(f32::MAX) / 4.0 || value.is_nan()) {
            return Err(FitError::Overflow);
        }
        let mut cache = Cache::new(self.kernel, self.rows, self.cache_bytes);
        let mut state = State { slopes: self.start.clone(), weights: vec![0.0; n], active: (0..n as u32).collect() };
        let mut work = 0;
        let mut first_gap = None;
        let mut fraction = 0.0f64;
        let mut until_shrink = SHRINK_STEPS.min(n);
        let mut has_unshrunk = false;
        let mut n_steps = 0;
        let converged = loop {
            let (top, up) = state.top(&self.bounds);
            let bottom = state.bottom(&self.bounds);
            let gap = top - bottom;
            if gap > self.tolerance && n_steps < self.max_steps {
                let first_gap = *first_gap.get_or_insert(gap);
                if n_steps % 256 == 0 && first_gap > self.tolerance {
                    let done = numeric::ln(first_gap / gap) / numeric::ln(first_gap / self.tolerance);
                    fraction = fraction.max(done.clamp(0.0, 1.0));
                }
            } else if state.active.len() < n {
                // What was left aside may have to move after all.
                state.reconstruct(&self, &mut cache, checkpoint).await?;
                until_shrink = SHRINK_STEPS.min(n);
                continue;
            } else {
                break gap <= self.tolerance;
            }
            until_shrink -= 1;
            if until_shrink == 0 && self.shrinking {
                until_shrink = SHRINK_STEPS.min(n);
                if !has_unshrunk && gap <= 10.0 * self.tolerance {
                    has_unshrunk = true;
                    state.reconstruct(&self, &mut cache, checkpoint).await?;
                    continue;
                }
                state.shrink(&self.bounds, top, bottom);
            } else if until_shrink == 0 {
                until_shrink = SHRINK_STEPS.min(n);
            }
            let i = up as usize;
            let row_i = cache.load(row_of(i));
            let Some(j) = state.partner(i, &self.bounds, cache.row(row_i), &diagonal, n_rows) else {
                break false;
            };
            let row_j = cache.load(row_of(j));
            let (k_i, k_j) = (cache.row(row_i), cache.row(row_j));
            let curvature = diagonal[row_of(i)] + diagonal[row_of(j)] - 2.0 * f64::from(k_i[row_of(j)]);
            let wanted = (state.slopes[i] - state.slopes[j]) / curvature.max(LEAST_CURVATURE);
            let (room_i, room_j) = (self.bounds[i].1 - state.weights[i], state.weights[j] - self.bounds[j].0);
            let step = wanted.min(room_i).min(room_j);
            // At a bound exactly, so that it is seen there.
            state.weights[i] = if step == room_i { self.bounds[i].1 } else { state.weights[i] + step };
            state.weights[j] = if step == room_j { self.bounds[j].0 } else { state.weights[j] - step };
            state.descend(step, k_i, k_j, n_rows);
            n_steps += 1;
            work += 3 * state.active.len() + std::mem::take(&mut cache.n_computed) * self.rows.n_columns();
            if work >= STEP {
                work = 0;
                checkpoint.checkpoint(fraction, &format!("Step {n_steps}")).await?;
            }
        };
        let bias = state.bias(&self.bounds);
        if !bias.is_finite() {
            return Err(FitError::Overflow);
        }
        Ok(Solved { weights: state.weights, bias, converged })
    }
}

/// Weights on their way.
struct State {
    /// Of the weights that are looked at; of others out of date.
    slopes: Vec<f64>,
    weights: Vec<f64>,
    /// In ascending order.
    active: Vec<u32>,
}

impl State {
    /// The largest slope among weights that may grow, and whose it is.
    fn top(&self, bounds: &[(f64, f64)]) -> (f64, u32) {
        let mut top = (f64::NEG_INFINITY, 0);
        for &k in &self.active {
            let at = k as usize;
            if self.slopes[at] > top.0 && self.weights[at] < bounds[at].1 {
                top = (self.slopes[at], k);
            }
        }
        top
    }

    /// The least slope among weights that may shrink.
    fn bottom(&self, bounds: &[(f64, f64)]) -> f64 {
        let mut bottom = f64::INFINITY;
        for &k in &self.active {
            let at = k as usize;
            if self.slopes[at] < bottom && self.weights[at] > bounds[at].0 {
                bottom = self.slopes[at];
            }
        }
        bottom
    }

    /// Together with which other weight `i` gains most, to the second order.
    fn partner(&self, i: usize, bounds: &[(f64, f64)], k_i: &[f32], diagonal: &[f64], n_rows: usize) -> Option<usize> {
        let slope_i = self.slopes[i];
        let diagonal_i = diagonal[if i < n_rows { i } else { i - n_rows }];
        let mut best = (0.0, None);
        for &k in &self.active {
            let k = k as usize;
            let difference = slope_i - self.slopes[k];
            if difference > 0.0 && self.weights[k] > bounds[k].0 {
                let row = if k < n_rows { k } else { k - n_rows };
                let curvature = diagonal_i + diagonal[row] - 2.0 * f64::from(k_i[row]);
                let gain = difference * difference / curvature.max(LEAST_CURVATURE);
                if gain > best.0 {
                    best = (gain, Some(k));
                }
            }
        }
        best.1
    }

    /// Slopes after one weight grew by a step and another shrank by it.
    fn descend(&mut self, step: f64, k_i: &[f32], k_j: &[f32], n_rows: usize) {
        if self.active.len() == self.slopes.len() {
            for slopes in self.slopes.chunks_mut(n_rows) {
                for ((slope, k_i), k_j) in slopes.iter_mut().zip(k_i).zip(k_j) {
                    *slope -= step * (f64::from(*k_i) - f64::from(*k_j));
                }
            }
            return;
        }
        for &k in &self.active {
            let k = k as usize;
            let row = if k < n_rows { k } else { k - n_rows };
            self.slopes[k] -= step * (f64::from(k_i[row]) - f64::from(k_j[row]));
        }
    }

    /// Leaves weights aside that are at a bound and whose slope holds them there.
    fn shrink(&mut self, bounds: &[(f64, f64)], top: f64, bottom: f64) {
        let (slopes, weights) = (&self.slopes, &self.weights);
        self.active.retain(|&k| {
            let k = k as usize;
            let is_held_above = weights[k] >= bounds[k].1 && slopes[k] > top;
            let is_held_below = weights[k] <= bounds[k].0 && slopes[k] < bottom;
            !(is_held_above || is_held_below)
        });
    }

    /// Brings the slopes of all weights up to date, and looks at all again.
    async fn reconstruct(
        &mut self,
        smo: &Smo<'_>,
        cache: &mut Cache<'_>,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<(), FitError> {
        let (n, n_rows) = (self.slopes.len(), smo.rows.n_rows());
        if self.active.len() == n {
            return Ok(());
        }
        let mut is_active = vec![false; n];
        self.active.iter().for_each(|&k| is_active[k as usize] = true);
        let idle: Vec<usize> = (0..n).filter(|k| !is_active[*k]).collect();
        idle.iter().for_each(|&k| self.slopes[k] = smo.start[k]);
        for row_idx in 0..n_rows {
            let weight: f64 = (row_idx..n).step_by(n_rows).map(|k| self.weights[k]).sum();
            if weight != 0.0 {
                let slot = cache.load(row_idx);
                let row = cache.row(slot);
                for &k in &idle {
                    self.slopes[k] -= weight * f64::from(row[if k < n_rows { k } else { k - n_rows }]);
                }
                if row_idx % 64 == 63 {
                    checkpoint.checkpoint(0.99, "Looking at all rows again").await?;
                }
            }
        }
        self.active = (0..n as u32).collect();
        Ok(())
    }

    /// The mean slope of weights between their bounds; without any, the middle of where it may be.
    fn bias(&self, bounds: &[(f64, f64)]) -> f64 {
        let (mut sum, mut n_free) = (0.0, 0u32);
        let (mut least, mut largest) = (f64::NEG_INFINITY, f64::INFINITY);
        for ((weight, slope), (low, high)) in self.weights.iter().zip(&self.slopes).zip(bounds) {
            if weight < high && weight > low {
                sum += slope;
                n_free += 1;
            } else if weight >= high {
                largest = largest.min(*slope);
            } else {
                least = least.max(*slope);
            }
        }
        match (n_free, least.is_finite(), largest.is_finite()) {
            (1.., _, _) => sum / f64::from(n_free),
            (0, true, true) => f64::midpoint(least, largest),
            (0, true, false) => least,
            (0, false, _) => largest,
        }
    }
}

fn diagonal(kernel: Kernel, rows: &Lanes) -> Vec<f64> {
    let of_row = |row_idx: usize| match kernel {
        Kernel::Rbf { .. } => 1.0,
        Kernel::Linear | Kernel::Polynomial { .. } => {
            kernel.of_group(rows, row_idx / Lanes::WIDTH, &rows.row(row_idx))[row_idx % Lanes::WIDTH]
        }
    };
    (0..rows.n_rows()).map(of_row).collect()
}

/// Rows of the kernel matrix, those that were asked for last.
struct Cache<'a> {
    kernel: Kernel,
    rows: &'a Lanes,
    slots: Vec<Vec<f32>>,
    /// Which row is in each slot.
    holds: Vec<usize>,
    /// When each was asked for last.
    asked: Vec<u64>,
    slot_of: Vec<Option<u32>>,
    clock: u64,
    max_slots: usize,
    /// Kernel values computed since this was looked at.
    n_computed: usize,
}

impl<'a> Cache<'a> {
    fn new(kernel: Kernel, rows: &'a Lanes, bytes: usize) -> Self {
        let row_bytes = (rows.n_groups() * Lanes::WIDTH * size_of::<f32>()).max(1);
        // Two rows are needed at a time.
        let max_slots = (bytes / row_bytes).clamp(2, rows.n_rows().max(2));
        let slot_of = vec![None; rows.n_rows()];
        Self {
            kernel,
            rows,
            slots: Vec::new(),
            holds: Vec::new(),
            asked: Vec::new(),
            slot_of,
            clock: 0,
            max_slots,
            n_computed: 0,
        }
    }

    /// The slot in which a row is from now on; the one asked for before it stays where it is.
    fn load(&mut self, row_idx: usize) -> usize {
        self.clock += 1;
        if let Some(slot) = self.slot_of[row_idx] {
            self.asked[slot as usize] = self.clock;
            return slot as usize;
        }
        let slot = if self.slots.len() < self.max_slots {
            self.slots.push(vec![0.0; self.rows.n_groups() * Lanes::WIDTH]);
            self.holds.push(row_idx);
            self.asked.push(0);
            self.slots.len() - 1
        } else {
            let oldest = (0..self.asked.len()).min_by_key(|slot| self.asked[*slot]).unwrap_or(0);
            self.slot_of[self.holds[oldest]] = None;
            oldest
        };
        self.holds[slot] = row_idx;
        self.asked[slot] = self.clock;
        self.slot_of[row_idx] = Some(slot as u32);
        let point = self.rows.row(row_idx);
        for (group_idx, values) in self.slots[slot].chunks_exact_mut(Lanes::WIDTH).enumerate() {
            let likeness = self.kernel.of_group(self.rows, group_idx, &point);
            values.iter_mut().zip(likeness).for_each(|(to, value)| *to = value as f32);
        }
        self.n_computed += self.rows.n_rows();
        slot
    }

    fn row(&self, slot: usize) -> &[f32] {
        &self.slots[slot][..self.rows.n_rows()]
    }
}
