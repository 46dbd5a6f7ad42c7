use super::*;
use crate::clusters::tests::matrix;
use crate::{Unwatched, block_on};

/// Rows of normal numbers, in heaps far from each other.
fn heaps(n_rows: usize, n_columns: usize, n_heaps: usize, seed: u64) -> Matrix {
    let mut stream = Stream::new(seed);
    let centers: Vec<f64> = (0..n_heaps * n_columns).map(|_| 12.0 * stream.normal()).collect();
    let values = (0..n_columns)
        .flat_map(|column_idx| (0..n_rows).map(move |row_idx| (row_idx % n_heaps) * n_columns + column_idx))
        .map(|at| centers[at] + stream.normal())
        .collect();
    Matrix { values, n_rows, n_columns }
}

fn plain(perplexity: f64) -> TsneSettings {
    TsneSettings { perplexity, standardize: false, ..TsneSettings::default() }
}

fn placed(settings: &TsneSettings, x: &Matrix) -> Embedding {
    block_on(fit(settings, x, 1, &mut Unwatched)).expect("places")
}

fn of_pairs(x: &Matrix, perplexity: f64) -> Likeness {
    block_on(Likeness::of_pairs(&lanes(x, None), perplexity, &mut Unwatched)).expect("likeness")
}

fn of_neighbors(x: &Matrix, perplexity: f64) -> Likeness {
    block_on(Likeness::of_neighbors(&lanes(x, None), perplexity, &mut Unwatched)).expect("likeness")
}

fn scattered(n: usize, n_components: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut stream = Stream::new(seed);
    (0..n_components).map(|_| (0..n).map(|_| 2.0 * stream.normal()).collect()).collect()
}

fn shares(likeness: &Likeness) -> Vec<Vec<f64>> {
    let n = likeness.n_rows;
    let of_row = |row_idx: usize| {
        let mut row = vec![0.0; n];
        likeness.each(row_idx, |other, share| row[other] = share);
        row
    };
    (0..n).map(of_row).collect()
}

/// How far two lists are apart, as a part of the largest of the second.
fn deviation(found: &[Vec<f64>], expected: &[Vec<f64>]) -> f64 {
    let largest = expected.iter().flatten().fold(0.0f64, |largest, x| largest.max(x.abs()));
    let pairs = found.iter().flatten().zip(expected.iter().flatten());
    pairs.fold(0.0f64, |most, (found, expected)| most.max((found - expected).abs())) / largest
}

#[test]
fn shares_of_a_row_have_the_perplexity_by_its_definition() {
    let mut stream = Stream::new(3);
    for scale in [1e-290, 1e-20, 1.0, 1e5, 1e200, 1e290] {
        for perplexity in [1.5, 5.0, 30.0, 98.0] {
            let squares: Vec<f64> = (0..99).map(|_| scale * (1.0 + stream.uniform())).collect();
            let mut shares = squares.clone();
            spread(&mut shares, perplexity);
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let entropy: f64 = shares.iter().filter(|share| **share > 0.0).map(|share| -share * share.ln()).sum();
            assert!((entropy - perplexity.ln()).abs() <= 1.01e-5, "{scale:e} {perplexity}: {}", entropy.exp());
            let mut order: Vec<usize> = (0..99).collect();
            order.sort_by(|a, b| squares[*a].total_cmp(&squares[*b]));
            assert!(order.is_sorted_by(|near, far| shares[*near] >= shares[*far]), "those nearer have no less");
        }
    }
}

#[test]
fn rows_equally_near_share_alike_however_few_are_to_count() {
    let mut shares = [4.0, 4.0, 4.0, 4.0, 9.0];
    spread(&mut shares, 2.0);
    assert_eq!(shares, [0.25, 0.25, 0.25, 0.25, 0.0]);
    let mut alike = [0.0; 7];
    spread(&mut alike, 3.0);
    assert_eq!(alike, [1.0 / 7.0; 7]);
}

#[test]
fn likeness_is_the_same_both_ways_and_adds_up_to_1() {
    let x = heaps(61, 3, 4, 5);
    for likeness in [of_pairs(&x, 7.0), of_neighbors(&x, 7.0)] {
        let shares = shares(&likeness);
        assert!((shares.iter().flatten().sum::<f64>() - 1.0).abs() < 1e-9);
        for (i, row) in shares.iter().enumerate() {
            assert_eq!(row[i], 0.0);
            assert!((0..i).all(|j| row[j] == shares[j][i]));
        }
    }
    // The nearest three rows of 7 are 22: with as many as there are, nothing is left out.
    let x = heaps(23, 3, 4, 5);
    assert!(deviation(&shares(&of_neighbors(&x, 7.0)), &shares(&of_pairs(&x, 7.0))) < 1e-12);
}

#[test]
fn slopes_are_those_of_the_divergence() {
    let x = heaps(37, 4, 3, 2);
    for n_components in [2, 3] {
        let start = scattered(37, n_components, 8);
        let at = |likeness: Likeness, places: Vec<Vec<f64>>| {
            let mut descent = Descent::new(likeness, places);
            let divergence = block_on(descent.slope(1.0, &mut Unwatched)).expect("slopes");
            (divergence, descent.slopes)
        };
        let (_, slopes) = at(of_pairs(&x, 20.0), start.clone());
        let largest = slopes.iter().flatten().fold(0.0f64, |largest, slope| largest.max(slope.abs()));
        for component in 0..n_components {
            for row_idx in 0..37 {
                let moved = |by: f64| {
                    let mut places = start.clone();
                    places[component][row_idx] += by;
                    at(of_pairs(&x, 20.0), places).0
                };
                let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                let found = slopes[component][row_idx];
                assert!((found - expected).abs() < 1e-8 + 1e-6 * largest, "{found} for {expected}");
            }
        }
        // All others are neighbours; only what boxes stand for differs.
        assert!(deviation(&at(of_neighbors(&x, 20.0), start.clone()).1, &slopes) < 0.1);
    }
}

/// Σ q without the place itself, and Σ q² Δ, pair by pair.
fn by_pairs(places: &[Vec<f64>], at: usize) -> (f64, [f64; 3]) {
    let (mut nearness, mut push) = (0.0, [0.0; 3]);
    for other in (0..places[0].len()).filter(|other| *other != at) {
        let apart = [0, 1, 2].map(|component| places[component][at] - places[component][other]);
        let near = 1.0 / (1.0 + apart.iter().map(|x| x * x).sum::<f64>());
        nearness += near;
        (0..3).for_each(|component| push[component] += near * near * apart[component]);
    }
    (nearness, push)
}

#[test]
fn boxes_push_as_the_places_in_them() {
    let mut alike = scattered(300, 3, 4);
    alike.iter_mut().for_each(|places| places[100..200].fill(1.5));
    let mut flat = scattered(400, 2, 5);
    flat.push(vec![0.0; 400]);
    let mut line = scattered(50, 1, 6);
    line.resize(3, vec![0.0; 50]);
    for places in [alike, flat, line, vec![vec![0.5; 20]; 3], vec![vec![0.5]; 3]] {
        let n = places[0].len();
        let tree = Tree::new(&places, n);
        let longest =
            (0..n).map(|i| by_pairs(&places, i).1.iter().map(|x| x * x).sum::<f64>()).fold(0.0, f64::max).sqrt();
        for i in 0..n {
            let at = [places[0][i], places[1][i], places[2][i]];
            let (nearness, push) = by_pairs(&places, i);
            for (angle, tolerance) in [(0.0, 1e-12), (tree::ANGLE, 0.03)] {
                let found = tree.push(at, angle);
                assert!((found.0 - nearness).abs() <= tolerance * nearness + 1e-12, "{} for {nearness}", found.0);
                for (found, expected) in found.1.iter().zip(push) {
                    assert!((found - expected).abs() <= tolerance * longest + 1e-12, "{found} for {expected}");
                }
            }
        }
    }
}

/// The share of rows whose nearest row is of the same heap.
fn kept_together(found: &Embedding, n_heaps: usize) -> f64 {
    let n = found.places[0].len();
    let square = |i: usize, j: usize| found.places.iter().map(|p| (p[i] - p[j]) * (p[i] - p[j])).sum::<f64>();
    let nearest = |i: usize| {
        (0..n).filter(|j| *j != i).min_by(|a, b| square(i, *a).total_cmp(&square(i, *b))).expect("another row")
    };
    (0..n).filter(|&i| nearest(i) % n_heaps == i % n_heaps).count() as f64 / n as f64
}

#[test]
fn heaps_stay_heaps_in_plane_and_space_with_few_rows_and_many() {
    for (n, n_components) in [(120, 2), (120, 3), (MAX_EXACT_ROWS + 100, 2)] {
        let settings = TsneSettings { n_components, ..plain(15.0) };
        let found = placed(&settings, &heaps(n, 10, 4, 1));
        assert_eq!(found.places.len(), n_components as usize);
        assert!(found.places.iter().all(|places| places.len() == n));
        assert_eq!(found.n_neighbors, (n > MAX_EXACT_ROWS).then_some(46));
        assert_eq!(kept_together(&found, 4), 1.0, "{n} rows");
        let likeness = if n > MAX_EXACT_ROWS { of_neighbors } else { of_pairs }(&heaps(n, 10, 4, 1), 15.0);
        let mut in_one_place = Descent::new(likeness, vec![vec![0.0; n]; 2]);
        let nothing_said = block_on(in_one_place.slope(1.0, &mut Unwatched)).expect("a divergence");
        assert!((0.0..0.5 * nothing_said).contains(&found.divergence), "{} of {nothing_said}", found.divergence);
        let mean = found.places[0].iter().sum::<f64>() / n as f64;
        let spread = found.places[0].iter().map(|place| (place - mean).abs()).fold(0.0, f64::max);
        assert!(spread > 1.0, "they have moved apart: {spread}");
    }
}

#[test]
fn neighbours_and_boxes_come_to_about_what_all_pairs_come_to() {
    let x = heaps(400, 10, 5, 3);
    let run = |likeness: Likeness| {
        let mut descent = Descent::new(likeness, scattered(400, 2, 1));
        block_on(descent.run(&plain(20.0), 50.0, &mut Unwatched)).expect("steps").1
    };
    let (exact, near) = (run(of_pairs(&x, 20.0)), run(of_neighbors(&x, 20.0)));
    assert!((exact - near).abs() < 0.05, "{near} for {exact}");
}

#[test]
fn places_are_the_same_each_time_and_chance_is_in_the_seed_alone() {
    let x = heaps(70, 5, 3, 4);
    let by = |settings: TsneSettings, seed| block_on(fit(&settings, &x, seed, &mut Unwatched)).expect("places");
    let random = TsneSettings { start: Start::Random, max_iterations: 300, ..plain(10.0) };
    assert_eq!(by(random, 1), by(random, 1));
    assert_ne!(by(random, 1).places, by(random, 2).places);
    let along = TsneSettings { start: Start::Components, ..random };
    assert_eq!(by(along, 1), by(along, 2));
}

#[test]
fn the_start_lies_along_components_and_by_chance_where_there_are_none() {
    let start = |x: &Matrix, n_components| {
        let settings = TsneSettings { n_components, ..plain(2.0) };
        block_on(super::start(&settings, x, 1, &mut Unwatched)).expect("places")
    };
    let deviation = |places: &[f64]| {
        let mean = places.iter().sum::<f64>() / places.len() as f64;
        (places.iter().map(|place| (place - mean) * (place - mean)).sum::<f64>() / places.len() as f64).sqrt()
    };
    // The second column varies half as much as the first.
    let x = matrix(&[&[4.0, -4.0, 0.0, 0.0], &[0.0, 0.0, 2.0, -2.0]]);
    let along = start(&x, 2);
    assert!((deviation(&along[0]) - 1e-4).abs() < 1e-16 && (deviation(&along[1]) - 0.5e-4).abs() < 1e-16);
    assert!(along[0][2].abs() < 1e-16 && along[1][0].abs() < 1e-16);
    let line = start(&matrix(&[&[1.0, 2.0, 3.0, 5.0], &[2.0, 4.0, 6.0, 10.0]]), 3);
    assert!((deviation(&line[0]) - 1e-4).abs() < 1e-16);
    for places in [&line[1], &line[2], &start(&matrix(&[&[7.0; 4]]), 2)[0]] {
        assert!((1e-5..1e-3).contains(&deviation(places)), "{places:?}");
    }
}

#[test]
fn constant_columns_and_rows_that_are_alike_are_no_hindrance() {
    let with_constant = matrix(&[&[1.0, 2.0, 8.0, 9.0, 20.0, 21.0], &[7.0; 6]]);
    let without = matrix(&[&[1.0, 2.0, 8.0, 9.0, 20.0, 21.0]]);
    let settings = TsneSettings { perplexity: 2.0, max_iterations: 300, ..TsneSettings::default() };
    assert_eq!(placed(&settings, &with_constant).places, placed(&settings, &without).places);
    let alike: Vec<f64> = (0..40).map(|row_idx| f64::from(row_idx % 2)).collect();
    for x in [matrix(&[&alike]), matrix(&[&[3.0; 40], &[5.0; 40]])] {
        for n_components in [2, 3] {
            let found = placed(&TsneSettings { n_components, ..plain(5.0) }, &x);
            assert!(found.places.iter().flatten().all(|place| place.is_finite()) && found.divergence.is_finite());
        }
    }
    let two = placed(&plain(1.0), &matrix(&[&[1.0, 2.0]]));
    assert!(two.places.iter().flatten().all(|place| place.is_finite()), "{two:?}");
    assert!(two.divergence.abs() < 1e-12, "of one pair all is said: {two:?}");
    // More rows that are alike than neighbours that count, by boxes.
    let many: Vec<f64> = (0..MAX_EXACT_ROWS + 100).map(|row_idx| (row_idx % 3) as f64).collect();
    let found = placed(&TsneSettings { max_iterations: 250, ..plain(5.0) }, &matrix(&[&many]));
    assert!(found.places.iter().flatten().all(|place| place.is_finite()) && found.divergence.is_finite());
}

#[test]
fn steps_too_long_by_far_end_in_numbers_all_the_same() {
    let settings = TsneSettings { learning_rate: Some(1e9), exaggeration: 100.0, ..plain(5.0) };
    let found = placed(&settings, &heaps(40, 3, 2, 1));
    assert!(found.places.iter().flatten().all(|place| place.is_finite()) && found.divergence.is_finite());
}

#[test]
fn what_cannot_be_is_refused() {
    let x = matrix(&[&[0.0, 1.0, 2.0, 4.0]]);
    let error = |settings: TsneSettings, x: &Matrix| block_on(fit(&settings, x, 1, &mut Unwatched)).unwrap_err();
    let said = |settings: TsneSettings| error(settings, &x).to_string();
    let good = plain(2.0);
    assert_eq!(said(TsneSettings { n_components: 4, ..good }), "the number of components is 4, expected 2 or 3");
    assert_eq!(said(plain(0.5)), "the perplexity is 0.5, expected a number of at least 1");
    assert_eq!(said(plain(f64::NAN)), "the perplexity is NaN, expected a number of at least 1");
    assert_eq!(
        said(TsneSettings { exaggeration: 0.0, ..good }),
        "the early exaggeration is 0, expected a number of at least 1"
    );
    assert_eq!(
        said(TsneSettings { learning_rate: Some(0.0), ..good }),
        "the learning rate is 0, expected a number above 0"
    );
    assert_eq!(
        said(TsneSettings { max_iterations: 249, ..good }),
        "the number of iterations is 249, expected at least 250"
    );
    assert_eq!(said(plain(4.0)), "the perplexity is 4, but there are only 4 rows");
    assert_eq!(error(plain(30.0), &x).help(), "Set it to 1 or less, a third of the rows, or take more rows.");
    assert!(placed(&plain(3.9), &x).divergence.is_finite());
    assert_eq!(error(good, &matrix(&[&[1.0]])), FitError::OneRow);
    let many = error(good, &matrix(&[&vec![0.0; MAX_ROWS + 1]]));
    assert_eq!(many.to_string(), "20001 rows are too many for t-SNE, expected at most 20000");
    assert!(many.help().contains("Partition and Sample"));
    assert_eq!(error(good, &matrix(&[&[1e300, -1e300, 0.0]])), FitError::Overflow);
    assert_eq!(
        error(TsneSettings { standardize: true, ..good }, &matrix(&[&[1e300, -1e300, 0.0]])),
        FitError::Overflow
    );
}

/// Stops after so many checkpoints, and keeps what it was told.
struct Impatient(usize, Vec<f64>);

impl Checkpoint for Impatient {
    async fn checkpoint(&mut self, fraction: f64, _message: &str) -> Result<(), Stopped> {
        self.1.push(fraction);
        if self.1.len() > self.0 { Err(Stopped) } else { Ok(()) }
    }
}

#[test]
fn it_says_how_far_it_is_and_can_be_stopped() {
    for n in [200, MAX_EXACT_ROWS + 300] {
        let (x, settings) = (heaps(n, 4, 3, 1), TsneSettings { max_iterations: 250, ..plain(10.0) });
        let mut watcher = Impatient(usize::MAX, Vec::new());
        block_on(fit(&settings, &x, 1, &mut watcher)).expect("places");
        let fractions = watcher.1;
        assert!(fractions.len() > 20 && fractions.iter().all(|done| (0.0..=1.0).contains(done)), "{fractions:?}");
        for patience in [0, 3, fractions.len() / 2, fractions.len() - 1] {
            let mut impatient = Impatient(patience, Vec::new());
            let stopped = block_on(fit(&settings, &x, 1, &mut impatient));
            assert_eq!(stopped, Err(FitError::Stopped(Stopped)));
            assert_eq!(impatient.1.len(), patience + 1, "it goes on after it was stopped");
        }
    }
}
