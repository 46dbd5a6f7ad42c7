//! Boosted trees: each corrects what those before it left over, and what they say is added up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Matrix, Tree};

/// Trees whose values add up to a score, or to one score of each class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Boosted {
    /// Round by round, one of each score. Invariant: their number is a multiple of that of the scores.
    pub trees: Vec<BoostedTree>,
    /// What the sums start from: one number, or one of each class if there are more than two.
    pub base: Vec<f64>,
    /// What becomes of a sum.
    pub link: Link,
    /// The mean loss over the rows that were held out, before the first round and after each; empty if none were.
    pub held_out_losses: Vec<f64>,
}

/// What becomes of a sum of trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    /// It is the number.
    Identity,
    /// e to its power is the number.
    Exp,
    /// It is the log odds of the second of two classes.
    Logistic,
    /// e to its power is in proportion to the probability of its class.
    Softmax,
}

/// A tree whose rows may lack values and may be asked for categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoostedTree {
    /// Invariant: one output. The impurity of a node is what its split took off the loss, 0 at a leaf.
    pub tree: Tree,
    /// For each node, whether a row without a value goes left.
    pub missing_left: Vec<bool>,
    /// For each node that asks for a category, those that go left; its threshold means nothing.
    pub left_categories: BTreeMap<u32, Categories>,
}

/// Some of at most 256 categories, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Categories(pub [u64; 4]);

impl Categories {
    /// Whether this one is among them.
    pub fn contains(&self, code: usize) -> bool {
        self.0.get(code / 64).is_some_and(|bits| bits >> (code % 64) & 1 == 1)
    }

    /// Adds one below 256.
    pub fn insert(&mut self, code: usize) {
        self.0[code / 64] |= 1 << (code % 64);
    }
}

impl BoostedTree {
    /// The child that a value leads to, NaN if there is none; `at` is no leaf.
    pub fn next(&self, at: usize, value: f64) -> usize {
        let node = &self.tree.nodes[at];
        let goes_left = if value.is_nan() {
            self.missing_left[at]
        } else if let Some(categories) = self.left_categories.get(&(at as u32)) {
            categories.contains(value as usize)
        } else {
            value <= node.threshold
        };
        (if goes_left { node.left } else { node.right }) as usize
    }

    /// The leaf that a row falls into.
    pub fn leaf(&self, x: &Matrix, row_idx: usize) -> usize {
        let mut at = 0;
        while self.tree.nodes[at].left != 0 {
            at = self.next(at, x.at(row_idx, self.tree.nodes[at].feature as usize));
        }
        at
    }
}

impl Boosted {
    /// The sums, row by row.
    pub fn scores(&self, x: &Matrix) -> Vec<f64> {
        let n_scores = self.base.len();
        let mut scores: Vec<f64> = (0..x.n_rows).flat_map(|_| self.base.iter().copied()).collect();
        for (tree_idx, tree) in self.trees.iter().enumerate() {
            let walk = Walk::new(tree);
            for (row_idx, row) in scores.chunks_exact_mut(n_scores.max(1)).enumerate() {
                row[tree_idx % n_scores] += walk.value(x, row_idx);
            }
        }
        scores
    }

    /// A number a row, or the probabilities of the classes.
    pub fn predict(&self, x: &Matrix) -> Vec<f64> {
        let mut scores = self.scores(x);
        match self.link {
            Link::Identity => scores,
            Link::Exp => {
                scores.iter_mut().for_each(|score| *score = numeric::exp(*score));
                scores
            }
            Link::Logistic => scores
                .into_iter()
                .flat_map(|score| {
                    let p = 1.0 / (1.0 + numeric::exp(-score));
                    [1.0 - p, p]
                })
                .collect(),
            Link::Softmax => {
                for row in scores.chunks_exact_mut(self.base.len().max(1)) {
                    to_probabilities(row);
                }
                scores
            }
        }
    }
}

/// Scores become probabilities.
pub fn to_probabilities(scores: &mut [f64]) {
    // The largest is taken off, so that no power is beyond all numbers.
    let largest = scores.iter().fold(f64::NEG_INFINITY, |largest, score| largest.max(*score));
    scores.iter_mut().for_each(|score| *score = numeric::exp(*score - largest));
    let total: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= total);
}

/// A tree in 16 bytes a node, with siblings side by side.
struct Walk<'a> {
    nodes: Vec<Step>,
    values: Vec<f64>,
    categories: Vec<&'a Categories>,
}

#[derive(Clone, Copy)]
struct Step {
    /// Of a node that asks for categories, their position.
    threshold: f64,
    /// The column, and what it is asked in the two highest bits.
    feature: u32,
    /// The left child; the right one is next to it. 0 at a leaf.
    left: u32,
}

const MISSING_RIGHT: u32 = 1 << 31;
const CATEGORIES: u32 = 1 << 30;

impl<'a> Walk<'a> {
    fn new(boosted: &'a BoostedTree) -> Self {
        let tree = &boosted.tree;
        let leaf = Step { threshold: 0.0, feature: 0, left: 0 };
        let mut walk = Self { nodes: vec![leaf], values: Vec::new(), categories: Vec::new() };
        let mut origins = vec![0u32];
        let mut at = 0;
        while at < walk.nodes.len() {
            let origin = origins[at] as usize;
            let node = &tree.nodes[origin];
            walk.values.push(tree.values[origin]);
            if node.left != 0 {
                let mut step = Step { threshold: node.threshold, feature: node.feature, left: walk.nodes.len() as u32 };
                if !boosted.missing_left[origin] {
                    step.feature |= MISSING_RIGHT;
                }
                if let Some(categories) = boosted.left_categories.get(&(origin as u32)) {
                    step.feature |= CATEGORIES;
                    step.threshold = walk.categories.len() as f64;
                    walk.categories.push(categories);
                }
                walk.nodes[at] = step;
                walk.nodes.extend([leaf, leaf]);
                origins.extend([node.left, node.right]);
            }
            at += 1;
        }
        walk
    }

    fn value(&self, x: &Matrix, row_idx: usize) -> f64 {
        let mut at = 0;
        loop {
            let step = self.nodes[at];
            if step.left == 0 {
                return self.values[at];
            }
            let value = x.at(row_idx, (step.feature & (CATEGORIES - 1)) as usize);
            let goes_right = if value.is_nan() {
                step.feature & MISSING_RIGHT != 0
            } else if step.feature & CATEGORIES != 0 {
                !self.categories[step.threshold as usize].contains(value as usize)
            } else {
                value > step.threshold
            };
            at = step.left as usize + usize::from(goes_right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TreeNode;

    /// Asks for the category in the second column, then for the number in the first.
    fn tree() -> BoostedTree {
        let node = |feature, left, right| TreeNode { threshold: 1.5, feature, left, right, n_rows: 1.0, impurity: 0.0 };
        let nodes = vec![node(1, 1, 2), node(0, 0, 0), node(0, 3, 4), node(0, 0, 0), node(0, 0, 0)];
        let mut left = Categories::default();
        left.insert(0);
        left.insert(200);
        BoostedTree {
            tree: Tree { nodes, values: vec![0.0, 1.0, 0.0, 2.0, 4.0], n_outputs: 1 },
            missing_left: vec![true, true, false, true, true],
            left_categories: BTreeMap::from([(0, left)]),
        }
    }

    #[test]
    fn rows_find_their_leaves_with_gaps_and_categories() {
        let (number, code) = ([0.0, 1.5, 2.0, f64::NAN, 0.0, 0.0], [1.0, 2.0, 1.0, 1.0, 200.0, f64::NAN]);
        let x = Matrix { values: [number, code].concat(), n_rows: 6, n_columns: 2 };
        let base = vec![10.0];
        let boosted = Boosted { trees: vec![tree(), tree()], base, link: Link::Identity, held_out_losses: Vec::new() };
        assert_eq!(boosted.predict(&x), [14.0, 14.0, 18.0, 18.0, 12.0, 12.0]);
        let leaves: Vec<usize> = (0..6).map(|row_idx| tree().leaf(&x, row_idx)).collect();
        assert_eq!(leaves, [3, 3, 4, 4, 1, 1]);
    }

    #[test]
    fn scores_become_probabilities_however_large_they_are() {
        let x = Matrix { values: vec![0.0, 0.0], n_rows: 1, n_columns: 2 };
        for link in [Link::Logistic, Link::Softmax] {
            for score in [0.0, -900.0, 900.0] {
                let base = if link == Link::Logistic { vec![score] } else { vec![0.0, score] };
                let boosted = Boosted { trees: Vec::new(), base, link, held_out_losses: Vec::new() };
                let p = boosted.predict(&x);
                assert_eq!(p, if score == 0.0 { [0.5, 0.5] } else { [f64::from(score < 0.0), f64::from(score > 0.0)] });
            }
        }
    }
}
