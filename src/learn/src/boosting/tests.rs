use model::{Link, Matrix};
use numeric::Stream;
use proptest::prelude::*;

use super::*;
use crate::{Stopped, Unwatched, block_on};

fn matrix(columns: &[Vec<f64>]) -> Matrix {
    Matrix { values: columns.concat(), n_rows: columns[0].len(), n_columns: columns.len() }
}

fn boost(settings: &BoostingSettings, x: &Matrix, columns: &[BoostingColumn], labels: &Labels) -> BoostingFit {
    let n_classes = match labels {
        Labels::Numbers(_) => 0,
        Labels::Classes(classes) => 1 + classes.iter().max().copied().unwrap_or(0) as usize,
    };
    let rows = BoostingRows { x, columns, labels, n_classes, weights: None };
    block_on(fit(settings, rows, 7, &mut Unwatched)).expect("a fit")
}

fn plain(n: usize) -> Vec<BoostingColumn> {
    vec![BoostingColumn::default(); n]
}

fn small() -> BoostingSettings {
    BoostingSettings { min_rows_leaf: 1, ..BoostingSettings::default() }
}

/// One tree that counts wholly.
fn one_tree() -> BoostingSettings {
    BoostingSettings { n_trees: 1, learning_rate: 1.0, ..small() }
}

/// Columns of noise, and what is to be predicted of them.
fn noise(n_rows: usize, seed: u64) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut stream = Stream::new(seed);
    let mut draw = || (0..n_rows).map(|_| stream.normal()).collect::<Vec<f64>>();
    let columns = vec![draw(), draw(), draw()];
    let rest = draw();
    let y = (0..n_rows).map(|i| columns[0][i] * columns[1][i] + columns[2][i] + 0.3 * rest[i]).collect();
    (columns, y)
}

fn squared_error(predicted: &[f64], y: &[f64]) -> f64 {
    predicted.iter().zip(y).map(|(p, y)| (p - y) * (p - y)).sum::<f64>() / y.len() as f64
}

#[test]
fn one_tree_finds_the_means_of_groups() {
    let x = matrix(&[vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]);
    let y = vec![1.0, 1.0, 1.0, 9.0, 11.0, 40.0];
    let settings = BoostingSettings { max_leaves: 3, ..one_tree() };
    let fit = boost(&settings, &x, &plain(1), &Labels::Numbers(y));
    let predicted = fit.boosted.predict(&x);
    for (found, expected) in predicted.iter().zip([1.0, 1.0, 1.0, 10.0, 10.0, 40.0]) {
        assert!((found - expected).abs() < 1e-6, "{predicted:?}");
    }
    assert_eq!(fit.importances, [1.0]);
    let thresholds: Vec<f64> = fit.boosted.trees[0].tree.nodes.iter().map(|node| node.threshold).collect();
    assert_eq!(thresholds, [5.5, 3.5, 0.0, 0.0, 0.0]);
}

/// By hand: with p the share of the second class in a leaf, a step of Newton's from log odds of 0 is (p - ½) / ¼.
#[test]
fn classes_move_by_a_step_of_newtons() {
    let x = matrix(&[vec![0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]]);
    let labels = Labels::Classes(vec![0, 0, 0, 1, 1, 1, 1, 0]);
    let settings = BoostingSettings { n_trees: 1, learning_rate: 0.5, ..small() };
    let boosted = boost(&settings, &x, &plain(1), &labels).boosted;
    let scores = boosted.scores(&x);
    assert!((scores[0] + 0.5).abs() < 1e-6 && (scores[4] - 0.5).abs() < 1e-6, "{scores:?}");
    assert_eq!(boosted.link, Link::Logistic);
}

#[test]
fn gaps_go_where_they_do_better_and_alone_if_they_differ() {
    let gap = f64::NAN;
    let x = matrix(&[vec![1.0, 2.0, 3.0, 4.0, gap, gap]]);
    let of = |y: [f64; 6], max_leaves| {
        let settings = BoostingSettings { max_leaves, ..one_tree() };
        boost(&settings, &x, &plain(1), &Labels::Numbers(y.to_vec())).boosted.predict(&x)
    };
    let near = |found: Vec<f64>, expected: [f64; 6]| {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
    };
    near(of([0.0, 0.0, 8.0, 8.0, 8.0, 8.0], 2), [0.0, 0.0, 8.0, 8.0, 8.0, 8.0]);
    near(of([0.0, 0.0, 8.0, 8.0, 0.0, 0.0], 2), [0.0, 0.0, 8.0, 8.0, 0.0, 0.0]);
    near(of([1.0, 1.0, 1.0, 1.0, 5.0, 5.0], 2), [1.0, 1.0, 1.0, 1.0, 5.0, 5.0]);
}

/// A column that never lacked a value sends one that is missing later where more rows went.
#[test]
fn a_gap_that_training_never_saw_follows_the_many() {
    let x = matrix(&[vec![1.0, 2.0, 3.0, 4.0, 5.0]]);
    let fit = boost(&one_tree(), &x, &plain(1), &Labels::Numbers(vec![0.0, 0.0, 0.0, 0.0, 10.0]));
    let predicted = fit.boosted.predict(&matrix(&[vec![f64::NAN]]));
    assert!(predicted[0].abs() < 1e-6, "{predicted:?}");
}

#[test]
fn one_split_divides_any_categories_in_two() {
    let n_categories = 40;
    let codes: Vec<f64> = (0..400).map(|i| f64::from(i % n_categories)).collect();
    let high = |code: f64| [3.0, 17.0, 18.0, 39.0].contains(&code);
    let y: Vec<f64> = codes.iter().map(|code| if high(*code) { 5.0 } else { -1.0 }).collect();
    let columns = [BoostingColumn { n_categories: Some(n_categories as u32), direction: 0 }];
    let settings = BoostingSettings { max_leaves: 2, ..one_tree() };
    let boosted = boost(&settings, &matrix(std::slice::from_ref(&codes)), &columns, &Labels::Numbers(y)).boosted;
    let left = boosted.trees[0].left_categories[&0];
    let is_high = |code: usize| high(code as f64);
    let differs = left.contains(3);
    assert!((0..40).all(|code| left.contains(code) == (is_high(code) == differs)), "{left:?}");
    // What was never seen is as good as missing, and follows the many.
    let predicted = boosted.predict(&matrix(&[vec![f64::NAN, 0.0]]));
    assert_eq!(predicted[0], predicted[1]);
}

#[test]
fn losses_predict_what_they_say() {
    let mut stream = Stream::new(5);
    let x: Vec<f64> = (0..4_000).map(|_| stream.uniform()).collect();
    let y: Vec<f64> = x.iter().map(|x| 10.0 * x - numeric::ln(1.0 - stream.uniform())).collect();
    let fitted = |loss| {
        let settings = BoostingSettings { loss, ..BoostingSettings::default() };
        boost(&settings, &matrix(std::slice::from_ref(&x)), &plain(1), &Labels::Numbers(y.clone()))
            .boosted
            .predict(&matrix(std::slice::from_ref(&x)))
    };
    let share_below = |predicted: &[f64]| {
        predicted.iter().zip(&y).filter(|(predicted, y)| y < predicted).count() as f64 / y.len() as f64
    };
    for (loss, quantile) in [(Loss::Absolute, 0.5), (Loss::Quantile(0.9), 0.9), (Loss::Quantile(0.1), 0.1)] {
        let found = share_below(&fitted(loss));
        assert!((found - quantile).abs() < 0.02, "{loss:?}: {found}");
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    for loss in [Loss::Squared, Loss::Poisson] {
        let predicted = fitted(loss);
        assert!((mean(&predicted) - mean(&y)).abs() < 0.01, "{loss:?}");
        assert!(loss == Loss::Squared || predicted.iter().all(|p| *p > 0.0));
    }
}

#[test]
fn early_stopping_keeps_the_best_round() {
    let (columns, y) = noise(600, 1);
    let stopping = EarlyStopping { share: 0.3, n_rounds: 5 };
    let settings = BoostingSettings {
        n_trees: 500,
        learning_rate: 0.3,
        early_stopping: Some(stopping),
        ..BoostingSettings::default()
    };
    let fit = boost(&settings, &matrix(&columns), &plain(3), &Labels::Numbers(y));
    let losses = &fit.boosted.held_out_losses;
    assert_eq!(losses.len(), fit.n_rounds + 1);
    assert!(fit.n_rounds < 500);
    assert_eq!(fit.n_rounds, fit.boosted.trees.len() + 5);
    assert!(losses.iter().all(|loss| *loss >= losses[fit.boosted.trees.len()]));
}

#[test]
fn more_than_two_classes_are_told_apart() {
    let x: Vec<f64> = (0..300).map(f64::from).collect();
    let labels = Labels::Classes((0..300).map(|i| i / 100).collect());
    let boosted = boost(&BoostingSettings::default(), &matrix(std::slice::from_ref(&x)), &plain(1), &labels).boosted;
    let p = boosted.predict(&matrix(&[x]));
    assert_eq!(boosted.trees.len(), 300);
    assert!(p.chunks(3).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-12));
    assert!((0..300).all(|i| p[i * 3 + i / 100] > 0.95));
}

/// As in the studio, where chance decides which rows and columns a tree sees: the same seed draws the same.
#[test]
fn shares_of_rows_and_columns_still_learn_and_repeat() {
    let (columns, y) = noise(2_000, 2);
    let x = matrix(&columns);
    let settings = BoostingSettings { row_share: 0.5, column_share: 0.67, ..BoostingSettings::default() };
    let first = boost(&settings, &x, &plain(3), &Labels::Numbers(y.clone()));
    assert_eq!(first, boost(&settings, &x, &plain(3), &Labels::Numbers(y.clone())));
    let error = squared_error(&first.boosted.predict(&x), &y);
    assert!(error < 0.25, "{error}");
    let root = |tree: &BoostedTree| tree.tree.nodes[0].n_rows;
    assert!(first.boosted.trees.iter().all(|tree| root(tree) == 1_000.0));
}

#[test]
fn a_column_that_says_nothing_leaves_the_same_answer_for_all() {
    let x = matrix(&[vec![4.0; 50]]);
    let fit = boost(&small(), &x, &plain(1), &Labels::Numbers((0..50).map(f64::from).collect()));
    assert!(fit.boosted.predict(&x).iter().all(|p| (p - 24.5).abs() < 1e-6));
    assert_eq!(fit.importances, [0.0]);
}

#[test]
fn huge_and_tiny_numbers_are_learnt_like_others() {
    let (columns, y) = noise(500, 3);
    let usual = boost(&small(), &matrix(&columns), &plain(3), &Labels::Numbers(y.clone())).boosted;
    for unit in [2.0f64.powi(900), 2.0f64.powi(-900)] {
        let scaled = y.iter().map(|y| y * unit).collect();
        let boosted = boost(&small(), &matrix(&columns), &plain(3), &Labels::Numbers(scaled)).boosted;
        let back: Vec<f64> = boosted.predict(&matrix(&columns)).iter().map(|p| p / unit).collect();
        assert_eq!(back, usual.predict(&matrix(&columns)));
    }
}

#[test]
fn it_stops_when_it_is_no_longer_wanted() {
    struct Impatient(u32);
    impl Checkpoint for Impatient {
        async fn checkpoint(&mut self, fraction: f64, _: &str) -> Result<(), Stopped> {
            assert!((0.0..=1.0).contains(&fraction));
            self.0 -= 1;
            if self.0 == 0 { Err(Stopped) } else { Ok(()) }
        }
    }
    let (columns, y) = noise(200, 4);
    let labels = Labels::Numbers(y);
    let x = matrix(&columns);
    let settings = BoostingSettings { n_trees: 1_000_000, ..small() };
    let rows = BoostingRows { x: &x, columns: &plain(3), labels: &labels, n_classes: 0, weights: None };
    let stopped = block_on(fit(&settings, rows, 1, &mut Impatient(50)));
    assert_eq!(stopped, Err(FitError::Stopped(Stopped)));
}

#[test]
fn settings_without_sense_are_refused() {
    let refused = |change: fn(&mut BoostingSettings)| {
        let mut settings = small();
        change(&mut settings);
        let x = matrix(&[vec![1.0, 2.0]]);
        let labels = Labels::Numbers(vec![1.0, 2.0]);
        let rows = BoostingRows { x: &x, columns: &plain(1), labels: &labels, n_classes: 0, weights: None };
        let fitted = block_on(fit(&settings, rows, 1, &mut Unwatched));
        assert!(matches!(fitted, Err(FitError::Setting { .. })), "{settings:?}");
    };
    refused(|settings| settings.n_trees = 0);
    refused(|settings| settings.learning_rate = f64::NAN);
    refused(|settings| settings.max_leaves = 1);
    refused(|settings| settings.max_bins = 256);
    refused(|settings| settings.loss = Loss::Quantile(1.0));
    refused(|settings| settings.early_stopping = Some(EarlyStopping { share: 1.0, n_rounds: 1 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Only the order of values matters to a tree.
    #[test]
    fn any_rising_function_of_a_column_gives_the_same_predictions(seed in 0u64..1000) {
        let (columns, y) = noise(120, seed);
        let bent: Vec<Vec<f64>> =
            columns.iter().map(|column| column.iter().map(|x| x * x * x + 2.0 * x).collect()).collect();
        let labels = Labels::Numbers(y);
        let straight = boost(&small(), &matrix(&columns), &plain(3), &labels).boosted.predict(&matrix(&columns));
        let other = boost(&small(), &matrix(&bent), &plain(3), &labels).boosted.predict(&matrix(&bent));
        prop_assert_eq!(straight, other);
    }

    /// A row that counts twice is two rows.
    #[test]
    fn weights_are_repetitions(seed in 0u64..1000) {
        let (values, y) = noise(60, seed);
        let weights: Vec<f64> = (0..60).map(|i| f64::from(1 + (i * 7 + seed as i32) % 3)).collect();
        let repeated = |values: &[f64]| -> Vec<f64> {
            values.iter().zip(&weights).flat_map(|(x, n)| std::iter::repeat_n(*x, *n as usize)).collect()
        };
        // Rows in a leaf are counted as they are, so there must be no limit to them.
        let settings = BoostingSettings { n_trees: 5, max_leaves: 4, ..small() };
        let x = matrix(&values);
        let (labels, columns) = (Labels::Numbers(y.clone()), plain(3));
        let rows = BoostingRows { x: &x, columns: &columns, labels: &labels, n_classes: 0, weights: Some(&weights) };
        let weighted = block_on(fit(&settings, rows, 1, &mut Unwatched)).expect("a fit");
        let wide = matrix(&values.iter().map(|column| repeated(column)).collect::<Vec<_>>());
        let twice = boost(&settings, &wide, &plain(3), &Labels::Numbers(repeated(&y)));
        for (a, b) in weighted.boosted.predict(&x).iter().zip(twice.boosted.predict(&x)) {
            prop_assert!((a - b).abs() < 1e-6, "{} {}", a, b);
        }
    }

    /// Of all ways to divide six categories in two, none takes more off the loss than the one that is found.
    #[test]
    fn no_division_of_categories_is_better(seed in 0u64..1000) {
        let mut stream = Stream::new(seed);
        let codes: Vec<f64> = (0..80).map(|_| stream.below(6) as f64).collect();
        let y: Vec<f64> = codes.iter().map(|code| (code * 2.3).rem_euclid(3.0) + stream.normal()).collect();
        let settings = BoostingSettings { max_leaves: 2, category_smoothing: 0.0, ..one_tree() };
        let columns = [BoostingColumn { n_categories: Some(6), direction: 0 }];
        let x = matrix(std::slice::from_ref(&codes));
        let found = squared_error(&boost(&settings, &x, &columns, &Labels::Numbers(y.clone())).boosted.predict(&x), &y);
        for chosen in 1u32..32 {
            let is_left = |row_idx: usize| chosen >> codes[row_idx] as u32 & 1 == 1;
            let mean = |side: bool| {
                let rows = || (0..80).filter(|row_idx| is_left(*row_idx) == side);
                rows().map(|row_idx| y[row_idx]).sum::<f64>() / rows().count().max(1) as f64
            };
            let (left, right) = (mean(true), mean(false));
            let predicted: Vec<f64> = (0..80).map(|row_idx| if is_left(row_idx) { left } else { right }).collect();
            prop_assert!(found <= squared_error(&predicted, &y) + 1e-6);
        }
    }

    #[test]
    fn predictions_rise_and_fall_only_as_they_may(seed in 0u64..1000, is_class in any::<bool>()) {
        let (columns, y) = noise(200, seed);
        let labels = if is_class {
            Labels::Classes(y.iter().map(|y| u32::from(*y > 0.0)).collect())
        } else {
            Labels::Numbers(y)
        };
        let mut bound = plain(3);
        (bound[0].direction, bound[2].direction) = (1, -1);
        let boosted = boost(&small(), &matrix(&columns), &bound, &labels).boosted;
        let grid: Vec<f64> = (-30..=30).map(|i| f64::from(i) / 10.0).collect();
        for column_idx in [0, 2] {
            let fixed = |at: usize| vec![columns[at][seed as usize % 200]; grid.len()];
            let mut rows = vec![fixed(0), fixed(1), fixed(2)];
            rows[column_idx] = grid.clone();
            let scores = boosted.scores(&matrix(&rows));
            let way = f64::from(bound[column_idx].direction);
            prop_assert!(scores.windows(2).all(|pair| way * (pair[1] - pair[0]) >= -1e-12));
        }
    }

    #[test]
    fn every_tree_keeps_to_its_limits(seed in 0u64..1000, max_leaves in 2u32..12, min_rows_leaf in 1u32..40) {
        let (columns, y) = noise(150, seed);
        let settings = BoostingSettings { max_leaves, min_rows_leaf, max_depth: Some(3), n_trees: 3, ..small() };
        for tree in boost(&settings, &matrix(&columns), &plain(3), &Labels::Numbers(y)).boosted.trees {
            let leaves: Vec<_> = tree.tree.nodes.iter().filter(|node| node.left == 0).collect();
            prop_assert!(leaves.len() <= max_leaves.min(8) as usize);
            prop_assert!(leaves.len() == 1 || leaves.iter().all(|leaf| leaf.n_rows >= f64::from(min_rows_leaf)));
            prop_assert_eq!(leaves.iter().map(|leaf| leaf.n_rows).sum::<f64>(), 150.0);
        }
    }
}
