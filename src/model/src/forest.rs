//! A forest: the mean of many trees.

use serde::{Deserialize, Serialize};

use crate::{Matrix, Tree};

/// Trees that vote with their probabilities, or whose means are averaged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forest {
    /// Invariant: not empty, and all have the same `n_outputs`.
    pub trees: Vec<Tree>,
}

/// Fewer rows than this are walked through the trees as they are.
const FEW: usize = 64;
/// Rows that walk side by side, so that the wait for one node's memory is spent on the others.
const LANES: usize = 8;

impl Forest {
    /// `n_outputs` values a row: the mean over the trees, added in their order.
    pub fn predict(&self, x: &Matrix) -> Vec<f64> {
        let n_outputs = self.trees.first().map_or(0, |tree| tree.n_outputs as usize);
        let mut sums = vec![0.0; x.n_rows * n_outputs];
        if x.n_rows < FEW || x.n_columns == 0 {
            for tree in &self.trees {
                for (row_idx, sum) in sums.chunks_exact_mut(n_outputs.max(1)).enumerate() {
                    add(sum, tree, tree.leaf(x, row_idx));
                }
            }
        } else {
            let rows = by_rows(x);
            for tree in &self.trees {
                Flat::new(tree, x.n_columns).walk(&rows, x.n_columns, |row_idx, leaf| {
                    add(&mut sums[row_idx * n_outputs..][..n_outputs], tree, leaf);
                });
            }
        }
        let n_trees = self.trees.len() as f64;
        sums.iter_mut().for_each(|sum| *sum /= n_trees);
        sums
    }
}

fn add(sum: &mut [f64], tree: &Tree, leaf: usize) {
    for (sum, value) in sum.iter_mut().zip(&tree.values[leaf * tree.n_outputs as usize..]) {
        *sum += value;
    }
}

/// The matrix row by row.
fn by_rows(x: &Matrix) -> Vec<f64> {
    let mut rows = vec![0.0; x.values.len()];
    for column_idx in 0..x.n_columns {
        for (row, &value) in rows.chunks_exact_mut(x.n_columns).zip(x.column(column_idx)) {
            row[column_idx] = value;
        }
    }
    rows
}

/// A tree in 16 bytes a node, with siblings side by side, so that a step has no branch.
struct Flat {
    nodes: Vec<FlatNode>,
    /// Position of each node in the tree.
    origins: Vec<u32>,
}

#[derive(Clone, Copy)]
struct FlatNode {
    threshold: f64,
    feature: u32,
    /// The left child; the right one is next to it. A leaf is its own left child.
    left: u32,
}

impl Flat {
    fn new(tree: &Tree, n_columns: usize) -> Self {
        let leaf = |at: usize| FlatNode { threshold: f64::INFINITY, feature: 0, left: at as u32 };
        let mut nodes = vec![leaf(0)];
        let mut origins = vec![0u32];
        let mut at = 0;
        while at < nodes.len() {
            let node = &tree.nodes[origins[at] as usize];
            if node.left != 0 && (node.feature as usize) < n_columns {
                let left = nodes.len();
                nodes[at] = FlatNode { threshold: node.threshold, feature: node.feature, left: left as u32 };
                nodes.extend([leaf(left), leaf(left + 1)]);
                origins.extend([node.left, node.right]);
            }
            at += 1;
        }
        Self { nodes, origins }
    }

    /// Calls with each row and the position of its leaf in the tree.
    fn walk(&self, rows: &[f64], n_columns: usize, mut found: impl FnMut(usize, usize)) {
        let step = |at: u32, row: &[f64]| {
            let node = &self.nodes[at as usize];
            // Matrices are finite, so nothing is beyond a leaf's threshold.
            node.left + u32::from(row.get(node.feature as usize).is_some_and(|value| *value > node.threshold))
        };
        let blocks = rows.chunks_exact(n_columns.max(1) * LANES);
        let n_blocks = blocks.len();
        let rest = blocks.remainder();
        for (block_idx, block) in blocks.enumerate() {
            let mut at = [0; LANES];
            loop {
                let mut moved = false;
                for (lane, at) in at.iter_mut().enumerate() {
                    let next = step(*at, &block[lane * n_columns..][..n_columns]);
                    moved |= next != *at;
                    *at = next;
                }
                if !moved {
                    break;
                }
            }
            for (lane, at) in at.iter().enumerate() {
                found(block_idx * LANES + lane, self.origins[*at as usize] as usize);
            }
        }
        for (row_idx, row) in rest.chunks_exact(n_columns.max(1)).enumerate() {
            let mut at = 0;
            loop {
                let next = step(at, row);
                if next == at {
                    break;
                }
                at = next;
            }
            found(n_blocks * LANES + row_idx, self.origins[at as usize] as usize);
        }
    }
}
