//! What each column contributes to what a model says of a row: Shapley values, exactly.
//!
//! A game in which columns come to know their values one after another, and what the model is expected to say changes
//! with each. The mean change over all orders is the column's contribution; they add up to what the model says, less what
//! it says when nothing is known. A column that stands as several numbers in the matrix is known as a whole.
//!
//! For trees, what is not known is averaged over the training rows that went each way: the path-dependent TreeSHAP of
//! Lundberg et al., "From local explanations to global understanding with explainable AI for trees" (2020). Its
//! recursion cancels on deep trees, so the same values are computed as Owen puts them, "Multilinear extensions of games"
//! (1972): a leaf counts with a product of factors that are never negative, a polynomial in the chance `t` that a column
//! is known, and Gauss and Legendre's few places give its integral over `t` exactly. As in Yu et al., "Linear TreeShap"
//! (2022), one pass down and one up a tree are enough.
//!
//! For weighted sums, what is not known has its mean, and a contribution is `weight · (value − mean)`.

use model::{BoostedTree, Estimator, Matrix, Model, Tree};

use crate::checkpoint::{Checkpoint, Stopped, Watched};

/// Numbers that are looked at in a few milliseconds.
const TURN_WORK: usize = 4_000_000;

/// What a model says of some rows, and what each feature contributes to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explained {
    /// The class of each row whose output is explained; 0 where numbers are predicted.
    pub classes: Vec<u32>,
    /// What the model is expected to say of a row of which nothing is known.
    pub base: Vec<f64>,
    /// For each feature, what it contributes to each row.
    pub contributions: Vec<Vec<f64>>,
    /// What the model says of each row: the base and all contributions.
    pub raw: Vec<f64>,
}

/// Explains rows of a model that consists of trees or is a weighted sum; none of any other. For classes, the one that is
/// asked for, else of two the second and of more the one that is predicted. `usual` are the rows whose mean a weighted
/// sum is compared with, at least one; trees do not ask for it.
///
/// # Errors
/// Nobody wants it any more.
pub async fn explain(
    model: &Model,
    x: &Matrix,
    usual: &Matrix,
    class: Option<usize>,
    checkpoint: &mut impl Checkpoint,
) -> Result<Option<Explained>, Stopped> {
    const BLOCK_ROWS: usize = 1_024;
    let mut watched = Watched::new(checkpoint);
    let Some(mut explainer) = Explainer::new(model, usual) else { return Ok(None) };
    let n_outputs = explainer.n_outputs();
    let bases: Vec<f64> = (0..n_outputs).map(|output| explainer.base(output)).collect();
    let n_features = model.features.features.len();
    let mut explained =
        Explained { contributions: vec![Vec::with_capacity(x.n_rows); n_features], ..Explained::default() };
    let mut of_row = vec![0.0; n_features];
    for from in (0..x.n_rows).step_by(BLOCK_ROWS) {
        let n_rows = BLOCK_ROWS.min(x.n_rows - from);
        let columns = (0..x.n_columns).flat_map(|column_idx| &x.column(column_idx)[from..from + n_rows]);
        let block = Matrix { values: columns.copied().collect(), n_rows, n_columns: x.n_columns };
        let sums = model.estimator.sums(&block).unwrap_or_default();
        for (row_idx, sums) in sums.chunks_exact(n_outputs.max(1)).enumerate() {
            let largest =
                || (1..n_outputs).fold(0, |best, output| if sums[output] > sums[best] { output } else { best });
            // The log odds of the first of two classes are those of the second turned around.
            let (output, class, sign) = match (class, n_outputs, model.target.n_classes()) {
                (Some(0), 1, 2) => (0, 0, -1.0),
                (_, 1, n_classes) => (0, usize::from(n_classes == 2), 1.0),
                (Some(class), ..) => (class.min(n_outputs - 1), class, 1.0),
                (None, 2, _) => (1, 1, 1.0),
                (None, ..) => (largest(), largest(), 1.0),
            };
            of_row.fill(0.0);
            let fraction = (from + row_idx) as f64 / x.n_rows as f64;
            explainer.explain(&block, row_idx, output, &mut of_row, fraction, &mut watched).await?;
            explained.classes.push(class as u32);
            explained.base.push(sign * bases[output]);
            explained.raw.push(sign * sums[output]);
            for (column, contribution) in explained.contributions.iter_mut().zip(&of_row) {
                // Nothing turned around is nothing, without a sign.
                column.push(sign * contribution + 0.0);
            }
        }
    }
    Ok(Some(explained))
}

/// What it takes to explain rows of a model.
struct Explainer<'a> {
    /// The feature that each column of the matrix comes from.
    origins: Vec<u32>,
    how: How<'a>,
}

enum How<'a> {
    Trees {
        /// What is said before any tree, one of each output.
        start: Vec<f64>,
        trees: Vec<Paths<'a>>,
        /// What their sum is divided by.
        n: f64,
        scratch: Scratch,
        /// Numbers looked at since somebody was told.
        work: usize,
    },
    Sums {
        /// Row by row, one row of each output.
        weights: &'a [f64],
        intercepts: &'a [f64],
        means: Vec<f64>,
    },
}

impl<'a> Explainer<'a> {
    /// Of a model that consists of trees or is a weighted sum; none of any other. `rows` say what the mean of a column
    /// is, which trees do not ask.
    fn new(model: &'a Model, rows: &Matrix) -> Option<Self> {
        let widths = model.features.features.iter().map(|feature| feature.encoding.width());
        let origins: Vec<u32> = (0u32..).zip(widths).flat_map(|(at, width)| std::iter::repeat_n(at, width)).collect();
        let mean = |column: &[f64]| column.iter().sum::<f64>() / column.len() as f64;
        let sums = |weights: &'a [f64], intercepts: &'a [f64]| How::Sums {
            weights,
            intercepts,
            means: (0..rows.n_columns).map(|column_idx| mean(rows.column(column_idx))).collect(),
        };
        let plain = |trees: &'a [Tree]| How::Trees {
            start: vec![0.0; trees.first().map_or(0, |tree| tree.n_outputs as usize)],
            trees: trees.iter().map(|tree| Paths::new(tree, None, &origins)).collect(),
            n: trees.len() as f64,
            scratch: Scratch::default(),
            work: 0,
        };
        let how = match &model.estimator {
            Estimator::Tree(tree) => plain(std::slice::from_ref(tree)),
            Estimator::Forest(forest) => plain(&forest.trees),
            Estimator::Boosted(boosted) => How::Trees {
                start: boosted.base.clone(),
                trees: boosted.trees.iter().map(|tree| Paths::new(&tree.tree, Some(tree), &origins)).collect(),
                n: 1.0,
                scratch: Scratch::default(),
                work: 0,
            },
            Estimator::Linear(linear) | Estimator::Poisson(linear) => {
                sums(&linear.coefficients, std::slice::from_ref(&linear.intercept))
            }
            Estimator::Logistic(logistic) => sums(&logistic.coefficients, &logistic.intercepts),
            Estimator::Neighbors(_)
            | Estimator::Baseline(_)
            | Estimator::Combination(_)
            | Estimator::NaiveBayes(_)
            | Estimator::Svm(_)
            | Estimator::Network(_)
            | Estimator::Multiclass(_)
            | Estimator::Calibrated(_)
            | Estimator::Stacked(_)
            | Estimator::Voters(_)
            | Estimator::Anomalies(_) => return None,
        };
        Some(Self { origins, how })
    }

    /// How many things the model says of a row: one number, or one score or probability of each class.
    fn n_outputs(&self) -> usize {
        match &self.how {
            How::Trees { start, .. } => start.len(),
            How::Sums { intercepts, .. } => intercepts.len(),
        }
    }

    /// What the model is expected to say of a row of which nothing is known.
    fn base(&self, output: usize) -> f64 {
        match &self.how {
            How::Trees { start, trees, n, .. } => {
                let of_trees: f64 = voting(trees, start.len(), output).map(|(tree, at)| tree.expected(at)).sum();
                start[output] + of_trees / n
            }
            How::Sums { weights, intercepts, means } => {
                let weights = &weights[output * means.len()..];
                intercepts[output] + weights.iter().zip(means).map(|(weight, mean)| weight * mean).sum::<f64>()
            }
        }
    }

    /// Adds what each feature contributes to one output of one row.
    async fn explain(
        &mut self,
        x: &Matrix,
        row_idx: usize,
        output: usize,
        contributions: &mut [f64],
        fraction: f64,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<(), Stopped> {
        match &mut self.how {
            How::Trees { start, trees, n, scratch, work } => {
                for (tree, at) in voting(trees, start.len(), output) {
                    tree.explain(x, row_idx, at, *n, scratch, contributions);
                    *work += 8 * tree.nodes.len() * tree.places.len();
                    if *work > TURN_WORK {
                        *work = 0;
                        checkpoint.checkpoint(fraction, "Explaining rows").await?;
                    }
                }
            }
            How::Sums { weights, means, .. } => {
                let weights = &weights[output * means.len()..];
                for (column_idx, (weight, mean)) in weights.iter().zip(means).enumerate() {
                    contributions[self.origins[column_idx] as usize] += weight * (x.at(row_idx, column_idx) - *mean);
                }
                if row_idx == 0 {
                    checkpoint.checkpoint(fraction, "Explaining rows").await?;
                }
            }
        }
        Ok(())
    }
}

/// The trees that have a say in an output, and the place of what they say: either each knows all outputs, or they take
/// turns.
fn voting<'t, 'a>(
    trees: &'t [Paths<'a>],
    n_outputs: usize,
    output: usize,
) -> impl Iterator<Item = (&'t Paths<'a>, usize)> {
    trees.iter().enumerate().filter_map(move |(tree_idx, paths)| {
        if paths.tree.n_outputs as usize == n_outputs {
            Some((paths, output))
        } else {
            (tree_idx % n_outputs == output).then_some((paths, 0))
        }
    })
}

/// A tree, and what of its paths is the same for every row.
struct Paths<'a> {
    tree: &'a Tree,
    boosted: Option<&'a BoostedTree>,
    /// Of each node but the root, how it is reached.
    nodes: Vec<Reached>,
    /// Where the polynomials are looked at, and with what weight.
    places: Vec<(f64, f64)>,
}

#[derive(Clone, Copy)]
struct Reached {
    parent: u32,
    /// What the parent asks about.
    feature: u32,
    /// The last node before on the way here that is reached by a question about the same feature; the root, 0, if none.
    before: u32,
    /// The share of rows that went this way at the question, times that of the node before.
    share: f64,
}

/// What is worked out anew for each row, node by node.
#[derive(Default)]
struct Scratch {
    /// Whether the row's own values lead here, of the features that lead here.
    is_own: Vec<bool>,
    /// At each place, the product of the factors of all features on the way: how much of a leaf's value each lets
    /// through that is known with that chance, all or nothing if it is known and else the share of rows.
    products: Vec<f64>,
    /// At each place, 1 over the factor of the feature that leads here.
    inverses: Vec<f64>,
    /// At each place, what the leaves below say, each times its product.
    sums: Vec<f64>,
}

impl<'a> Paths<'a> {
    fn new(tree: &'a Tree, boosted: Option<&'a BoostedTree>, origins: &[u32]) -> Self {
        let root = Reached { parent: 0, feature: u32::MAX, before: 0, share: 1.0 };
        let mut nodes = vec![root; tree.nodes.len()];
        let mut n_features = vec![0usize; tree.nodes.len()];
        for (at, node) in (0u32..).zip(&tree.nodes).filter(|(_, node)| node.left != 0) {
            let feature = origins[node.feature as usize];
            let mut before = at;
            while before != 0 && nodes[before as usize].feature != feature {
                before = nodes[before as usize].parent;
            }
            let rows = [node.left, node.right].map(|child| tree.nodes[child as usize].n_rows);
            let total = rows[0] + rows[1];
            for (child, n_rows) in [node.left, node.right].into_iter().zip(rows) {
                // Nobody went either way: half of nobody to each.
                let of_parent = if total > 0.0 { n_rows / total } else { 0.5 };
                let share = nodes[before as usize].share * of_parent;
                nodes[child as usize] = Reached { parent: at, feature, before, share };
                n_features[child as usize] = n_features[at as usize] + usize::from(before == 0);
            }
        }
        // A product of d factors, less one, is exact at d / 2 places.
        let most = n_features.into_iter().max().unwrap_or_default();
        Self { tree, boosted, nodes, places: gauss_legendre(most.div_ceil(2).max(1)) }
    }

    fn value(&self, at: usize, output: usize) -> f64 {
        self.tree.values[at * self.tree.n_outputs as usize + output]
    }

    /// The mean over the leaves by the shares of rows that went there.
    fn expected(&self, output: usize) -> f64 {
        let mut shares = vec![1.0; self.nodes.len()];
        let mut sum = 0.0;
        for (at, node) in self.tree.nodes.iter().enumerate() {
            if at != 0 {
                let Reached { parent, before, share, .. } = self.nodes[at];
                let of_parent = share / self.nodes[before as usize].share;
                shares[at] = if share > 0.0 { shares[parent as usize] * of_parent } else { 0.0 };
            }
            if node.left == 0 {
                sum += shares[at] * self.value(at, output);
            }
        }
        sum
    }

    fn next(&self, at: usize, value: f64) -> usize {
        match self.boosted {
            Some(boosted) => boosted.next(at, value),
            None => {
                let node = &self.tree.nodes[at];
                (if value <= node.threshold { node.left } else { node.right }) as usize
            }
        }
    }

    /// Adds contributions, divided by the number of trees.
    fn explain(
        &self,
        x: &Matrix,
        row_idx: usize,
        output: usize,
        n_trees: f64,
        Scratch { is_own, products, inverses, sums }: &mut Scratch,
        contributions: &mut [f64],
    ) {
        let n_places = self.places.len();
        let n_nodes = self.nodes.len();
        is_own.clear();
        is_own.resize(n_nodes, true);
        for (values, start) in [(&mut *products, 1.0), (&mut *inverses, 1.0), (&mut *sums, 0.0)] {
            values.clear();
            values.resize(n_nodes * n_places, start);
        }
        // Parents come before children, and in the second pass children before parents.
        for at in 0..n_nodes {
            let node = &self.tree.nodes[at];
            if at != 0 {
                let Reached { parent, before, share, .. } = self.nodes[at];
                let (parent, before) = (parent as usize * n_places, before as usize);
                // Which child the row's own value leads to was marked at the parent.
                is_own[at] &= is_own[before];
                for (place, (t, _)) in self.places.iter().enumerate() {
                    let factor = share * (1.0 - t) + f64::from(u8::from(is_own[at])) * t;
                    let others = products[parent + place];
                    // Nothing comes through a factor of 0, whose inverse is infinite.
                    products[at * n_places + place] =
                        if others > 0.0 { others * inverses[before * n_places + place] * factor } else { 0.0 };
                    inverses[at * n_places + place] = 1.0 / factor;
                }
            }
            if node.left == 0 {
                let value = self.value(at, output);
                for place in at * n_places..(at + 1) * n_places {
                    sums[place] = products[place] * value;
                }
            } else {
                let next = self.next(at, x.at(row_idx, node.feature as usize));
                for child in [node.left, node.right] {
                    is_own[child as usize] = child as usize == next;
                }
            }
        }
        for at in (1..n_nodes).rev() {
            let Reached { parent, feature, before, share } = self.nodes[at];
            let (parent, before) = (parent as usize * n_places, before as usize);
            let gain = |is_own: bool, share: f64| f64::from(u8::from(is_own)) - share;
            let (now, had) = (gain(is_own[at], share), gain(is_own[before], self.nodes[before].share));
            let mut contribution = 0.0;
            for (place, (_, weight)) in self.places.iter().enumerate() {
                let sum = sums[at * n_places + place];
                if sum != 0.0 {
                    // What the leaves below count for with this question, in place of what they did without it.
                    let gains = now * inverses[at * n_places + place] - had * inverses[before * n_places + place];
                    contribution += weight * sum * gains;
                    sums[parent + place] += sum;
                }
            }
            contributions[feature as usize] += contribution / n_trees;
        }
    }
}

/// Places between 0 and 1 and their weights, which integrate polynomials up to the degree 2 n − 1 exactly.
fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    const N_STEPS: usize = 8;
    // The Legendre polynomial of degree n and its slope.
    let legendre = |x: f64| {
        let (mut before, mut now) = (1.0, x);
        for k in 2..=n {
            let k = k as f64;
            (before, now) = (now, ((2.0 * k - 1.0) * x * now - (k - 1.0) * before) / k);
        }
        (now, n as f64 * (x * now - before) / (x * x - 1.0))
    };
    (0..n)
        .map(|at| {
            let mut x = numeric::cos(std::f64::consts::PI * (at as f64 + 0.75) / (n as f64 + 0.5));
            for _ in 0..N_STEPS {
                let (value, slope) = legendre(x);
                x -= value / slope;
            }
            let (_, slope) = legendre(x);
            ((1.0 + x) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect()
}

#[cfg(test)]
mod tests;
