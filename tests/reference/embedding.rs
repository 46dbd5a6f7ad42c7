//! t-SNE against scikit-learn, as `embedding.py` wrote it into `embedding.json`.

#[expect(dead_code, reason = "no rows are dealt to folds here")]
mod dealt;

use dealt::{folder, read};
use learn::embedding::{Descent, Likeness, MAX_EXACT_ROWS, fit};
use learn::{TsneSettings, Unwatched, block_on};
use model::{Lanes, Matrix};
use serde_json::Value as Json;

/// What likeness, divergences and slopes are held to, relative to the largest of their kind.
const TOLERANCE: f64 = 1e-6;
/// How much larger a divergence may be in the end.
const DIVERGENCE: f64 = 0.02;
/// How much less true neighbours may be in the end.
const TRUSTWORTHINESS: f64 = 0.005;
/// Neighbours that are looked at, as scikit-learn does.
const N_NEIGHBORS: usize = 5;

fn numbers(value: &Json) -> Vec<f64> {
    value.as_array().expect("numbers").iter().map(|value| value.as_f64().expect("a number")).collect()
}

fn list(value: &Json) -> &[Json] {
    value.as_array().expect("a list")
}

fn whole(value: &Json) -> usize {
    value.as_u64().expect("a whole number") as usize
}

/// The first rows of a data set, without the target.
fn rows(case: &Json) -> Vec<Vec<f64>> {
    let name = case["data"].as_str().expect("a name");
    let text = std::fs::read_to_string(folder().join(format!("data/{name}.csv"))).expect("the data set");
    let row = |line: &str| {
        let mut row: Vec<f64> = line.split(',').map(|field| field.parse().expect("a number")).collect();
        row.pop();
        row
    };
    text.lines().skip(1).take(whole(&case["n_rows"])).map(row).collect()
}

fn likeness(case: &Json) -> Likeness {
    let scale = if case["data"] == "iris" { 10.0 } else { 1.0 };
    let rows = rows(case);
    let lanes =
        Lanes::new(rows.len(), rows[0].len(), |row_idx, column_idx| (rows[row_idx][column_idx] * scale).round());
    let perplexity = case["perplexity"].as_f64().expect("a number");
    block_on(Likeness::of_pairs(&lanes, perplexity, &mut Unwatched)).expect("likeness")
}

/// Tells how far numbers are from each other, relative to the largest that is expected.
fn near(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
    let deviations = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs() / largest);
    let deviation =
        deviations.fold(0.0, |largest: f64, one| if one.is_nan() { f64::INFINITY } else { largest.max(one) });
    println!("{deviation:>9.1e} of {TOLERANCE:.0e}  {what}: {} numbers", found.len());
    assert!(deviation <= TOLERANCE, "{what}: {deviation:e}");
}

#[test]
fn every_likeness_agrees() {
    for case in list(&read("embedding.json")["likeness"]) {
        let likeness = likeness(case);
        for (at, expected) in list(&case["shares"]).iter().enumerate() {
            let expected = numbers(expected);
            let mut found = vec![0.0; expected.len()];
            likeness.each(10 * at, |other, share| found[other] = share);
            near(&format!("{} {}, row {}", case["data"], case["perplexity"], 10 * at), &found, &expected);
        }
    }
}

#[test]
fn the_first_fifty_steps_agree() {
    let read = read("embedding.json");
    let kept: Vec<usize> = list(&read["kept"]).iter().map(whole).collect();
    for case in list(&read["descent"]) {
        let [exaggeration, momentum, rate] =
            ["exaggeration", "momentum", "learning_rate"].map(|name| case[name].as_f64().expect("a number"));
        let start: Vec<Vec<f64>> = list(&case["start"]).iter().map(numbers).collect();
        let (n_rows, n_components) = (start.len(), start[0].len());
        let along = |component: usize| start.iter().map(|place| place[component]).collect();
        let mut descent = Descent::new(likeness(case), (0..n_components).map(along).collect());
        let what = format!("{} ×{exaggeration}, {n_components} components", case["data"]);
        let expected = numbers(&case["divergences"]);
        let mut slopes = list(&case["slopes"]).iter().map(numbers);
        let mut divergences = Vec::new();
        for step in 0..expected.len() {
            divergences.push(block_on(descent.slope(exaggeration, &mut Unwatched)).expect("slopes"));
            if kept.contains(&step) {
                let by_row = (0..n_rows).flat_map(|row_idx| (0..n_components).map(move |at| (at, row_idx)));
                let found: Vec<f64> = by_row.map(|(at, row_idx)| descent.slopes()[at][row_idx]).collect();
                near(&format!("{what}: slopes before step {step}"), &found, &slopes.next().expect("slopes"));
            }
            descent.step(momentum, rate);
        }
        assert_eq!((divergences.len(), slopes.next()), (50, None));
        near(&format!("{what}: divergences"), &divergences, &expected);
    }
}

/// How far the nearest places are of rows that are near, too (Venna and Kaski, 2001).
fn trustworthiness(rows: &[Vec<f64>], places: &[Vec<f64>]) -> f64 {
    let (n, k) = (rows.len(), N_NEIGHBORS);
    let square = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    let nearest = |of: &[Vec<f64>], i: usize| {
        let squares: Vec<f64> = of.iter().map(|other| square(other, &of[i])).collect();
        let mut order: Vec<usize> = (0..n).filter(|j| *j != i).collect();
        order.sort_by(|a, b| squares[*a].total_cmp(&squares[*b]));
        order
    };
    let mut too_far = 0;
    for i in 0..n {
        let mut ranks = vec![0; n];
        nearest(rows, i).into_iter().enumerate().for_each(|(rank, j)| ranks[j] = rank + 1);
        too_far += nearest(places, i)[..k].iter().map(|j| ranks[*j].saturating_sub(k)).sum::<usize>();
    }
    let (n, k) = (n as f64, k as f64);
    1.0 - too_far as f64 * 2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0))
}

#[test]
fn embeddings_say_as_much_in_the_end() {
    let settings = TsneSettings { standardize: false, ..TsneSettings::default() };
    for case in list(&read("embedding.json")["result"]) {
        let rows = rows(case);
        let (n_rows, n_columns) = (rows.len(), rows[0].len());
        let values = (0..n_columns).flat_map(|at| rows.iter().map(move |row| row[at])).collect();
        let found = block_on(fit(&settings, &Matrix { values, n_rows, n_columns }, 1, &mut Unwatched)).expect("places");
        assert_eq!(n_rows > MAX_EXACT_ROWS, case["method"] == "barnes_hut");
        let places: Vec<Vec<f64>> =
            (0..n_rows).map(|row_idx| found.places.iter().map(|along| along[row_idx]).collect()).collect();
        let trust = trustworthiness(&rows, &places);
        let [expected, expected_trust] =
            ["divergence", "trustworthiness"].map(|name| case[name].as_f64().expect("a number"));
        println!(
            "{} {n_rows}: divergence {:.4} for {expected:.4}, trustworthiness {trust:.4} for {expected_trust:.4}",
            case["data"], found.divergence
        );
        assert!(found.divergence <= expected + DIVERGENCE, "{}: {} for {expected}", case["data"], found.divergence);
        assert!(trust >= expected_trust - TRUSTWORTHINESS, "{}: {trust} for {expected_trust}", case["data"]);
    }
}
