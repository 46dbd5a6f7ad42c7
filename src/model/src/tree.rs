//! A decision tree.

use serde::{Deserialize, Serialize};

use crate::Matrix;

/// A decision tree; node 0 is the root and parents come before children.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// Invariant: not empty; `left` and `right` are larger than their parent's position.
    pub nodes: Vec<TreeNode>,
    /// `n_outputs` values a node: class shares, or the mean. Leaves and inner nodes alike, for the viewer.
    pub values: Vec<f64>,
    /// Classes, or 1.
    pub n_outputs: u32,
}

/// One node.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeNode {
    /// A row goes left if its value is at most this; compared in f64.
    pub threshold: f64,
    /// Column of the matrix.
    pub feature: u32,
    /// Where `value <= threshold` goes; 0 at a leaf.
    pub left: u32,
    /// Where the others go; 0 at a leaf.
    pub right: u32,
    /// Weighted training rows.
    pub n_rows: f64,
    /// Gini impurity or entropy, or variance.
    pub impurity: f64,
}

impl Tree {
    /// `n_outputs` values a row.
    pub fn predict(&self, x: &Matrix) -> Vec<f64> {
        let n_outputs = self.n_outputs as usize;
        let mut predicted = Vec::with_capacity(x.n_rows * n_outputs);
        for row_idx in 0..x.n_rows {
            let leaf = self.leaf(x, row_idx);
            predicted.extend_from_slice(&self.values[leaf * n_outputs..][..n_outputs]);
        }
        predicted
    }

    /// The leaf that a row falls into.
    pub fn leaf(&self, x: &Matrix, row_idx: usize) -> usize {
        let mut at = 0;
        loop {
            let node = &self.nodes[at];
            if node.left == 0 {
                return at;
            }
            at = if x.at(row_idx, node.feature as usize) <= node.threshold { node.left } else { node.right } as usize;
        }
    }
}
