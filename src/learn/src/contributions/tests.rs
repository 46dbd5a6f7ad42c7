use model::{
    Boosted, Categories, Feature, FeatureEncoding, Features, Forest, LinearModel, Link, LogisticModel, Target, TreeNode,
};
use numeric::Stream;
use schema::Kind;

use super::*;
use crate::{Unwatched, block_on};

/// A model of columns whose values become as many numbers as said.
fn model(widths: &[usize], estimator: Estimator) -> Model {
    let feature = |(at, width): (usize, &usize)| Feature {
        name: format!("x{at}"),
        kind: Kind::Number,
        encoding: match width {
            1 => FeatureEncoding::NumberOrGap,
            n => FeatureEncoding::Indicators((0..*n).map(|category| category.to_string()).collect()),
        },
    };
    Model {
        learner: "A learner".into(),
        preparation: Vec::new(),
        features: Features { features: widths.iter().enumerate().map(feature).collect() },
        target: Target::Number { name: "y".into() },
        estimator,
        importances: None,
        n_training_rows: 10,
    }
}

/// Questions, shares and values at random; features are asked again further down, and some ways nobody went.
fn random_tree(stream: &mut Stream, n_columns: u64, depth: u32, n_outputs: u32) -> Tree {
    let mut tree = Tree { nodes: Vec::new(), values: Vec::new(), n_outputs };
    let leaf = |n_rows: f64| TreeNode { threshold: 0.0, feature: 0, left: 0, right: 0, n_rows, impurity: 0.0 };
    tree.nodes.push(leaf(64.0));
    let mut depths = vec![0];
    let mut at = 0;
    while at < tree.nodes.len() {
        (0..n_outputs).for_each(|_| tree.values.push(stream.normal()));
        if depths[at] < depth && stream.uniform() < 0.9 {
            let n_left = (tree.nodes[at].n_rows * stream.uniform()).floor();
            let n_right = tree.nodes[at].n_rows - n_left;
            let children = tree.nodes.len() as u32;
            tree.nodes.extend([leaf(n_left), leaf(n_right)]);
            depths.extend([depths[at] + 1; 2]);
            let node = &mut tree.nodes[at];
            (node.left, node.right) = (children, children + 1);
            (node.feature, node.threshold) = (stream.below(n_columns) as u32, stream.normal());
        }
        at += 1;
    }
    tree
}

fn random_rows(stream: &mut Stream, n_rows: usize, n_columns: usize) -> Matrix {
    Matrix { values: (0..n_rows * n_columns).map(|_| stream.normal()).collect(), n_rows, n_columns }
}

fn boosted(tree: Tree) -> BoostedTree {
    BoostedTree { missing_left: vec![false; tree.nodes.len()], left_categories: Default::default(), tree }
}

/// What a tree is expected to say when some features are known: the definition, question by question.
fn expected(paths: &Paths<'_>, origins: &[u32], known: u32, row: &[f64], at: usize, output: usize) -> f64 {
    let node = &paths.tree.nodes[at];
    if node.left == 0 {
        return paths.value(at, output);
    }
    if known >> origins[node.feature as usize] & 1 == 1 {
        let next = paths.next(at, row[node.feature as usize]);
        return expected(paths, origins, known, row, next, output);
    }
    let (left, right) = (node.left as usize, node.right as usize);
    let (n_left, n_right) = (paths.tree.nodes[left].n_rows, paths.tree.nodes[right].n_rows);
    let share = if n_left + n_right > 0.0 { n_left / (n_left + n_right) } else { 0.5 };
    share * expected(paths, origins, known, row, left, output)
        + (1.0 - share) * expected(paths, origins, known, row, right, output)
}

/// Shapley's formula over all sets of features.
fn by_all_sets(n_features: usize, worth: impl Fn(u32) -> f64) -> Vec<f64> {
    let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
    (0..n_features)
        .map(|feature| {
            let others = (0u32..1 << n_features).filter(|set| set >> feature & 1 == 0);
            others
                .map(|set| {
                    let n = set.count_ones() as usize;
                    let weight = factorial(n) * factorial(n_features - n - 1) / factorial(n_features);
                    weight * (worth(set | 1 << feature) - worth(set))
                })
                .sum()
        })
        .collect()
}

fn explained(model: &Model, x: &Matrix, row_idx: usize, output: usize) -> (f64, Vec<f64>) {
    let mut explainer = Explainer::new(model, x).expect("it can be explained");
    let mut contributions = vec![0.0; model.features.features.len()];
    block_on(explainer.explain(x, row_idx, output, &mut contributions, 0.0, &mut Unwatched)).expect("nobody stops it");
    (explainer.base(output), contributions)
}

fn check(found: &[f64], wanted: &[f64], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() <= 1e-12, "{what}: {found} {wanted}");
    }
}

#[test]
fn trees_give_the_shapley_values_of_all_sets() {
    let mut stream = Stream::new(1);
    for case in 0..60 {
        // One feature is two columns of the matrix: they become known together.
        let widths: &[usize] = if case % 2 == 0 { &[1, 1, 1, 1, 1] } else { &[1, 2, 1, 1] };
        let origins: &[u32] = if case % 2 == 0 { &[0, 1, 2, 3, 4] } else { &[0, 1, 1, 2, 3] };
        let tree = random_tree(&mut stream, 5, 1 + case % 7, 2);
        let x = random_rows(&mut stream, 6, 5);
        let tree_model = model(widths, Estimator::Tree(tree.clone()));
        let paths = Paths::new(&tree, None, origins);
        for row_idx in 0..x.n_rows {
            let row: Vec<f64> = (0..5).map(|column_idx| x.at(row_idx, column_idx)).collect();
            for output in 0..2 {
                let worth = |known| expected(&paths, origins, known, &row, 0, output);
                let (base, found) = explained(&tree_model, &x, row_idx, output);
                check(&[base], &[worth(0)], "base");
                check(&found, &by_all_sets(widths.len(), worth), "contributions");
            }
        }
    }
}

#[test]
fn gaps_and_categories_of_boosted_trees_count_with_where_they_go() {
    let mut stream = Stream::new(2);
    let origins = [0, 1, 2, 3];
    let trees: Vec<BoostedTree> = (0..6)
        .map(|_| {
            let mut tree = boosted(random_tree(&mut stream, 4, 5, 1));
            for at in 0..tree.tree.nodes.len() {
                tree.missing_left[at] = stream.uniform() < 0.5;
                if tree.tree.nodes[at].left != 0 && tree.tree.nodes[at].feature == 3 {
                    tree.left_categories.insert(at as u32, Categories([stream.next_u64(), 0, 0, 0]));
                }
            }
            tree
        })
        .collect();
    let mut x = random_rows(&mut stream, 8, 4);
    for row_idx in 0..8 {
        x.values[3 * 8 + row_idx] = stream.below(60) as f64;
    }
    x.values[2] = f64::NAN;
    x.values[3 * 8 + 5] = f64::NAN;
    let three = Boosted { trees, base: vec![0.5, -1.0, 2.0], link: Link::Softmax, held_out_losses: Vec::new() };
    let scores = three.scores(&x);
    let boosted_model = model(&[1; 4], Estimator::Boosted(three.clone()));
    for row_idx in 0..8 {
        let row: Vec<f64> = origins.iter().map(|column_idx| x.at(row_idx, *column_idx as usize)).collect();
        for output in 0..3 {
            let paths: Vec<Paths<'_>> = three
                .trees
                .iter()
                .skip(output)
                .step_by(3)
                .map(|tree| Paths::new(&tree.tree, Some(tree), &origins))
                .collect();
            let worth = |known| paths.iter().map(|paths| expected(paths, &origins, known, &row, 0, 0)).sum();
            let (base, found) = explained(&boosted_model, &x, row_idx, output);
            check(&[base], &[three.base[output] + worth(0)], "base");
            check(&found, &by_all_sets(4, worth), "contributions");
            check(&[base + found.iter().sum::<f64>()], &[scores[row_idx * 3 + output]], "score");
        }
    }
}

#[test]
fn a_forest_contributes_the_mean_of_its_trees() {
    let mut stream = Stream::new(3);
    let trees: Vec<Tree> = (0..5).map(|_| random_tree(&mut stream, 4, 6, 1)).collect();
    let x = random_rows(&mut stream, 5, 4);
    let forest = Forest { trees: trees.clone() };
    let predicted = forest.predict(&x);
    let of_forest = model(&[1; 4], Estimator::Forest(forest));
    for (row_idx, predicted) in predicted.into_iter().enumerate() {
        let (base, found) = explained(&of_forest, &x, row_idx, 0);
        let mut mean = vec![0.0; 4];
        for tree in &trees {
            let (_, of_tree) = explained(&model(&[1; 4], Estimator::Tree(tree.clone())), &x, row_idx, 0);
            mean.iter_mut().zip(of_tree).for_each(|(mean, one)| *mean += one / 5.0);
        }
        check(&found, &mean, "contributions");
        check(&[base + found.iter().sum::<f64>()], &[predicted], "prediction");
    }
}

/// Every feature must hold for the one leaf that counts, so all contribute the same. The recursion of TreeSHAP loses all
/// digits here.
#[test]
fn a_path_of_sixty_features_loses_no_digits() {
    const DEPTH: usize = 60;
    let leaf = TreeNode { threshold: 0.0, feature: 0, left: 0, right: 0, n_rows: 0.0, impurity: 0.0 };
    let mut tree = Tree { nodes: vec![TreeNode { n_rows: 1e6, ..leaf }], values: vec![0.0], n_outputs: 1 };
    for depth in 0..DEPTH {
        let at = 2 * depth;
        let n_rows = tree.nodes[at].n_rows;
        tree.nodes[at] =
            TreeNode { feature: depth as u32, left: at as u32 + 2, right: at as u32 + 1, ..tree.nodes[at] };
        tree.nodes.extend([TreeNode { n_rows: n_rows * 0.1, ..leaf }, TreeNode { n_rows: n_rows * 0.9, ..leaf }]);
        tree.values.extend([0.0, 0.0]);
    }
    *tree.values.last_mut().expect("a leaf") = 1.0;
    let x = Matrix { values: vec![-1.0; DEPTH], n_rows: 1, n_columns: DEPTH };
    let (base, found) = explained(&model(&[1; DEPTH], Estimator::Tree(tree)), &x, 0, 0);
    let all = numeric::pow(0.9, DEPTH as f64);
    check(&[base], &[all], "base");
    check(&found, &[(1.0 - all) / DEPTH as f64; DEPTH], "contributions");
}

#[test]
fn weighted_sums_contribute_by_how_far_a_value_is_from_the_mean() {
    let x = Matrix { values: vec![1.0, 3.0, 0.0, 1.0, 1.0, 0.0], n_rows: 2, n_columns: 3 };
    let linear = LinearModel { coefficients: vec![2.0, 4.0, -6.0], intercept: 1.0 };
    let (base, found) = explained(&model(&[1, 2], Estimator::Poisson(linear.clone())), &x, 1, 0);
    assert_eq!((base, found), (4.0, vec![2.0, 5.0]));
    let scores = LogisticModel { coefficients: vec![0.0, 0.0, 0.0, 2.0, 4.0, -6.0], intercepts: vec![7.0, 1.0] };
    let (base, found) = explained(&model(&[1, 2], Estimator::Logistic(scores)), &x, 1, 1);
    assert_eq!((base, found), (4.0, vec![2.0, 5.0]));
}

#[test]
fn polynomials_are_integrated_exactly() {
    for n in 1..40 {
        let places = gauss_legendre(n);
        for degree in [0, 1, n, 2 * n - 1] {
            let found: f64 = places.iter().map(|(t, weight)| weight * numeric::pow(*t, degree as f64)).sum();
            assert!((found * (degree + 1) as f64 - 1.0).abs() < 1e-13, "{n} {degree} {found}");
        }
    }
}
