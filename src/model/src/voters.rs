//! Trees that vote, some with more weight than others.

use serde::{Deserialize, Serialize};

use crate::{Matrix, Tree};

/// Trees that vote, each with its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Voters {
    /// Not empty, and all have the same `n_outputs`.
    pub trees: Vec<Tree>,
    /// One a tree.
    pub weights: Vec<f64>,
    /// How wrong each tree was about the rows that it was trained on, by their weights then.
    pub errors: Vec<f64>,
}

impl Voters {
    /// Of classes their probabilities row by row: a tree votes for the class that is most frequent in its leaf, and what
    /// the votes come to goes through softmax, as in scikit-learn. Of numbers the weighted median of what the trees say.
    pub fn predict(&self, x: &Matrix, n_classes: usize) -> Vec<f64> {
        let total: f64 = self.weights.iter().sum();
        let mut predicted = Vec::with_capacity(x.n_rows * n_classes.max(1));
        let mut said: Vec<(f64, f64)> = Vec::new();
        let mut votes = vec![0.0; n_classes];
        for row_idx in 0..x.n_rows {
            let voices = self.trees.iter().zip(&self.weights);
            if n_classes == 0 {
                said.clear();
                said.extend(voices.map(|(tree, weight)| (tree.values[tree.leaf(x, row_idx)], *weight)));
                predicted.push(median(&mut said));
                continue;
            }
            votes.fill(0.0);
            voices.for_each(|(tree, weight)| votes[vote(tree, x, row_idx)] += weight);
            // A vote for one class is a part of a vote against each other.
            let n_others = (n_classes as f64 - 1.0).max(1.0);
            let score = |votes: f64| {
                let share = if total > 0.0 { votes / total } else { 0.0 };
                (share - (1.0 - share) / n_others) / n_others
            };
            let powers: Vec<f64> = votes.iter().map(|votes| numeric::exp(score(*votes))).collect();
            let sum: f64 = powers.iter().sum();
            predicted.extend(powers.iter().map(|power| power / sum));
        }
        predicted
    }
}

/// The class that is most frequent in a row's leaf, the first of equals.
pub fn vote(tree: &Tree, x: &Matrix, row_idx: usize) -> usize {
    let n_outputs = tree.n_outputs as usize;
    let shares = &tree.values[tree.leaf(x, row_idx) * n_outputs..][..n_outputs];
    (0..n_outputs).fold(0, |best, class| if shares[class] > shares[best] { class } else { best })
}

/// The smallest value that has half of the weight at and below it.
fn median(said: &mut [(f64, f64)]) -> f64 {
    said.sort_by(|one, other| one.0.total_cmp(&other.0));
    let half = 0.5 * said.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut sum = 0.0;
    let reached = said.iter().find(|(_, weight)| {
        sum += weight;
        sum >= half
    });
    reached.or(said.last()).map_or(0.0, |(value, _)| *value)
}
