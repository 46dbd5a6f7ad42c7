use super::*;
use crate::{ClassWeights, Criterion, Stopped, Unwatched, block_on};

/// Three noisy classes of `n_rows` rows and six columns, one of them constant and one of few values.
fn data(n_rows: usize, seed: u64) -> (Matrix, Vec<u32>) {
    let mut stream = Stream::new(seed);
    let mut x = Matrix { values: vec![0.0; n_rows * 6], n_rows, n_columns: 6 };
    let mut classes = Vec::new();
    for row_idx in 0..n_rows {
        let class = stream.below(3);
        for column_idx in 0..4 {
            x.values[column_idx * n_rows + row_idx] = stream.normal() + class as f64 * column_idx as f64 / 2.0;
        }
        x.values[4 * n_rows + row_idx] = stream.below(3) as f64;
        x.values[5 * n_rows + row_idx] = 1.0;
        classes.push(class as u32);
    }
    (x, classes)
}

fn fitted(settings: &ForestSettings, x: &Matrix, labels: &Labels, seed: u64) -> ForestFit {
    let n_classes = if matches!(labels, Labels::Classes(_)) { 3 } else { 0 };
    block_on(fit(settings, x, labels, n_classes, None, seed, &mut Unwatched)).expect("a forest")
}

/// FNV-1a over everything a forest holds.
fn fingerprint(fit: &ForestFit) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut take = |bits: u64| {
        for byte in bits.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for tree in &fit.forest.trees {
        for node in &tree.nodes {
            take(node.threshold.to_bits());
            take(u64::from(node.feature));
            take(u64::from(node.left) << 32 | u64::from(node.right));
            take(node.n_rows.to_bits());
            take(node.impurity.to_bits());
        }
        tree.values.iter().for_each(|value| take(value.to_bits()));
    }
    fit.importances.iter().for_each(|importance| take(importance.to_bits()));
    hash
}

/// Drawn thresholds divide the rows, lie between the values of their node, and tell classes apart as well.
#[test]
fn extra_trees_draw_their_thresholds_and_learn() {
    let (x, classes) = data(1_000, 3);
    let labels = Labels::Classes(classes.clone());
    let settings = ForestSettings {
        n_trees: 30,
        thresholds: Thresholds::Random,
        resampling: Resampling::Replicate,
        tree: TreeSettings { min_rows_leaf: 4, ..TreeSettings::default() },
        ..ForestSettings::default()
    };
    let fit = fitted(&settings, &x, &labels, 1);
    assert_eq!(fit, fitted(&settings, &x, &labels, 1));
    for tree in &fit.forest.trees {
        let mut reached = vec![Vec::new(); tree.nodes.len()];
        for row_idx in 0..x.n_rows {
            let mut at = 0;
            reached[at].push(row_idx);
            while tree.nodes[at].left != 0 {
                let node = &tree.nodes[at];
                let goes_left = x.at(row_idx, node.feature as usize) <= node.threshold;
                at = if goes_left { node.left } else { node.right } as usize;
                reached[at].push(row_idx);
            }
        }
        for (node, rows) in tree.nodes.iter().zip(&reached) {
            assert_eq!(node.n_rows, rows.len() as f64);
            if node.left == 0 {
                assert!(rows.len() >= 4);
            }
        }
    }
    // Hardly any threshold is the middle between two values, as the best ones are.
    let root = |fit: &ForestFit| -> Vec<u64> {
        fit.forest.trees.iter().map(|tree| tree.nodes[0].threshold.to_bits()).collect()
    };
    let mut thresholds = root(&fit);
    thresholds.sort_unstable();
    thresholds.dedup();
    assert!(thresholds.len() >= 29, "{}", thresholds.len());
    let best = fitted(&ForestSettings { thresholds: Thresholds::Best, ..settings }, &x, &labels, 1);
    let accuracy = |fit: &ForestFit| {
        let (other, truth) = data(1_000, 4);
        let predicted = model::Prediction::Probabilities { values: fit.forest.predict(&other), n_classes: 3 };
        predicted.classes().iter().zip(truth).filter(|(class, truth)| **class == *truth).count()
    };
    assert!(accuracy(&fit) + 20 > accuracy(&best), "{} {}", accuracy(&fit), accuracy(&best));
}

/// The same numbers are expected of the WebAssembly build.
#[test]
fn forests_have_the_same_bits_everywhere() {
    let (x, classes) = data(2_000, 1);
    let y: Vec<f64> = classes.iter().zip(x.column(0)).map(|(class, value)| f64::from(*class) + value).collect();
    let small = ForestSettings { n_trees: 10, ..ForestSettings::default() };
    let entropy = ForestSettings {
        tree: TreeSettings {
            criterion: Criterion::Entropy,
            class_weights: ClassWeights::Balanced,
            ..TreeSettings::default()
        },
        ..small
    };
    let found = [
        fingerprint(&fitted(&small, &x, &Labels::Classes(classes.clone()), 42)),
        fingerprint(&fitted(&entropy, &x, &Labels::Classes(classes), 42)),
        fingerprint(&fitted(&small, &x, &Labels::Numbers(y), 42)),
    ];
    assert_eq!(found, [0xacfa_525f_22b3_e7e5, 0xa74e_8a34_76ce_7f9b, 0x879c_c312_c662_11f8], "{found:#x?}");
}

#[test]
fn one_seed_is_one_forest_and_another_is_another() {
    let (x, classes) = data(300, 2);
    let labels = Labels::Classes(classes);
    let settings = ForestSettings { n_trees: 5, ..ForestSettings::default() };
    assert_eq!(fitted(&settings, &x, &labels, 7), fitted(&settings, &x, &labels, 7));
    assert_ne!(fitted(&settings, &x, &labels, 7), fitted(&settings, &x, &labels, 8));
}

#[test]
fn a_longer_forest_begins_with_the_shorter_one() {
    let (x, classes) = data(300, 3);
    let labels = Labels::Classes(classes);
    let short = fitted(&ForestSettings { n_trees: 3, ..ForestSettings::default() }, &x, &labels, 7);
    let long = fitted(&ForestSettings { n_trees: 6, ..ForestSettings::default() }, &x, &labels, 7);
    assert_eq!(long.forest.trees[..3], short.forest.trees);
}

#[test]
fn forests_predict_new_rows_and_name_the_columns_that_matter() {
    let (x, classes) = data(2_000, 4);
    let (new, truth) = data(1_000, 5);
    let fit = fitted(&ForestSettings::default(), &x, &Labels::Classes(classes), 1);
    let predicted = model::Prediction::Probabilities { values: fit.forest.predict(&new), n_classes: 3 }.classes();
    let n_right = predicted.iter().zip(&truth).filter(|(predicted, truth)| predicted == truth).count();
    assert!(n_right > 700, "{n_right}");
    assert!((fit.importances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(fit.importances[3] > fit.importances[0] && fit.importances[5] == 0.0, "{:?}", fit.importances);
}

#[test]
fn many_rows_and_one_row_are_predicted_alike() {
    let (x, classes) = data(203, 6);
    let fit = fitted(&ForestSettings { n_trees: 7, ..ForestSettings::default() }, &x, &Labels::Classes(classes), 1);
    let all = fit.forest.predict(&x);
    for row_idx in 0..x.n_rows {
        let values = (0..x.n_columns).map(|column_idx| x.at(row_idx, column_idx)).collect();
        let one = fit.forest.predict(&Matrix { values, n_rows: 1, n_columns: x.n_columns });
        assert_eq!(one, all[row_idx * 3..][..3]);
    }
}

#[test]
fn replicated_trees_with_all_features_are_all_the_same() {
    let (x, classes) = data(200, 7);
    let settings = ForestSettings {
        n_trees: 3,
        resampling: Resampling::Replicate,
        features_per_split: FeaturesPerSplit::All,
        ..ForestSettings::default()
    };
    let trees = fitted(&settings, &x, &Labels::Classes(classes), 1).forest.trees;
    assert!(trees[0] == trees[1] && trees[1] == trees[2]);
}

#[test]
fn features_per_split_are_counted_as_told() {
    let resolve = |features: FeaturesPerSplit| features.resolve(20);
    assert_eq!(resolve(FeaturesPerSplit::Sqrt), 4);
    assert_eq!(resolve(FeaturesPerSplit::Log2), 4);
    assert_eq!(resolve(FeaturesPerSplit::All), 20);
    assert_eq!(resolve(FeaturesPerSplit::Fixed(7)), 7);
    assert_eq!(resolve(FeaturesPerSplit::Fixed(70)), 20);
}

/// Stops at the nth checkpoint.
struct Impatient(u32);

impl Checkpoint for Impatient {
    async fn checkpoint(&mut self, fraction: f64, _message: &str) -> Result<(), Stopped> {
        assert!((0.0..=1.0).contains(&fraction));
        self.0 = self.0.checked_sub(1).ok_or(Stopped)?;
        Ok(())
    }
}

#[test]
fn a_forest_is_stopped_at_any_checkpoint() {
    let (x, classes) = data(20_000, 8);
    let labels = Labels::Classes(classes);
    for patience in [0, 1, 2, 5, 20, 50] {
        let (settings, mut impatient) = (ForestSettings::default(), Impatient(patience));
        let stopped = block_on(fit(&settings, &x, &labels, 3, None, 1, &mut impatient));
        assert_eq!(stopped, Err(FitError::Stopped(Stopped)));
    }
}
