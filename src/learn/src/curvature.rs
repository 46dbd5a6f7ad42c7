//! What the last steps of a descent say about how the loss bends: L-BFGS (Nocedal, Updating quasi-Newton matrices with
//! limited storage, 1980).

use std::collections::VecDeque;

use crate::dense::{add_scaled, dot};

/// The last steps.
pub(crate) struct Curvature {
    past: VecDeque<Past>,
    memory: usize,
}

/// How the gradient changed along one step.
struct Past {
    step: Vec<f64>,
    change: Vec<f64>,
    /// 1 / (step · change).
    rho: f64,
}

impl Curvature {
    /// Nothing is known yet; so many steps will be remembered.
    pub(crate) fn new(memory: usize) -> Self {
        Self { past: VecDeque::new(), memory }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.past.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.past.clear();
    }

    /// Remembers a step and how the gradient changed along it, if it says anything.
    pub(crate) fn learn(&mut self, step: Vec<f64>, change: Vec<f64>) {
        let curvature = dot(&step, &change);
        if curvature > 1e-12 * dot(&change, &change).max(f64::MIN_POSITIVE) {
            self.past.push_back(Past { step, change, rho: 1.0 / curvature });
            if self.past.len() > self.memory {
                self.past.pop_front();
            }
        }
    }

    /// Where to go: against the slopes, turned by what is known.
    pub(crate) fn direction(&self, slopes: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = slopes.iter().map(|slope| -slope).collect();
        let mut shares = Vec::with_capacity(self.past.len());
        for Past { step, change, rho } in self.past.iter().rev() {
            let share = rho * dot(step, &direction);
            add_scaled(&mut direction, -share, change);
            shares.push(share);
        }
        if let Some(Past { change, rho, .. }) = self.past.back() {
            let scale = 1.0 / (rho * dot(change, change));
            direction.iter_mut().for_each(|d| *d *= scale);
        }
        for (Past { step, change, rho }, share) in self.past.iter().zip(shares.into_iter().rev()) {
            let turn = rho * dot(change, &direction);
            add_scaled(&mut direction, share - turn, step);
        }
        direction
    }
}
