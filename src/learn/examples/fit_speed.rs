//! Seconds that fits take on made-up data: `cargo run --release -p learn --example fit_speed`.
//!
//! With a file name it writes the forest's training and test rows there as CSV (the class last, test rows after
//! training rows), so that another library can be timed on the same numbers.

use std::fmt::Write as _;
use std::time::Instant;

use learn::dataset::Labels;
use learn::{ForestSettings, KMeansSettings, NeighborsSettings, Unwatched, block_on};
use model::{Feature, FeatureEncoding, Features, Matrix, Prediction};
use numeric::Stream;

const N_TRAINING: usize = 20_000;
const N_TEST: usize = 5_000;
const N_COLUMNS: usize = 20;

fn main() {
    let (x, classes) = data(N_TRAINING + N_TEST);
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(path, csv(&x, &classes)).expect("the file can be written");
    }
    let (training, test) = (part(&x, 0..N_TRAINING), part(&x, N_TRAINING..N_TRAINING + N_TEST));
    let labels = Labels::Classes(classes[..N_TRAINING].to_vec());
    let truth = &classes[N_TRAINING..];

    let settings = ForestSettings::default();
    let fit = timed("forest fit, 20k x 20, 100 full trees", || {
        block_on(learn::forest::fit(&settings, &training, &labels, 3, None, 1, &mut Unwatched)).expect("a forest")
    });
    let n_nodes: usize = fit.forest.trees.iter().map(|tree| tree.nodes.len()).sum();
    let predicted = timed("forest predict, 5k rows", || fit.forest.predict(&test));
    println!("{n_nodes} nodes, accuracy {:.4}", accuracy(predicted, truth));

    let settings = NeighborsSettings::default();
    let neighbors =
        block_on(learn::neighbors::fit(&settings, &training, &labels, 3, &mut Unwatched)).expect("neighbours");
    let predicted = timed("5 nearest of 20k, 5k rows", || neighbors.predict(&test));
    println!("accuracy {:.4}", accuracy(predicted, truth));

    let feature =
        |idx| Feature { name: format!("x{idx}"), kind: schema::Kind::Number, encoding: FeatureEncoding::Number };
    let features = Features { features: (0..N_COLUMNS).map(feature).collect() };
    let settings = KMeansSettings { k: 8, ..KMeansSettings::default() };
    let found = timed("k-means, 20k x 20, 8 clusters, 10 starts", || {
        block_on(learn::kmeans::fit(&settings, features.clone(), &training, 1, &mut Unwatched)).expect("clusters")
    });
    println!("inertia {:.1}", found.inertia);
}

/// Runs it five times and prints the median.
fn timed<T>(what: &str, mut work: impl FnMut() -> T) -> T {
    let mut seconds = Vec::new();
    loop {
        let started = Instant::now();
        let result = work();
        seconds.push(started.elapsed().as_secs_f64());
        if seconds.len() == 5 {
            seconds.sort_by(f64::total_cmp);
            println!("{what}: {:.3} s", seconds[2]);
            return result;
        }
    }
}

fn accuracy(values: Vec<f64>, truth: &[u32]) -> f64 {
    let predicted = Prediction::Probabilities { values, n_classes: 3 }.classes();
    predicted.iter().zip(truth).filter(|(predicted, truth)| predicted == truth).count() as f64 / truth.len() as f64
}

/// Three classes, each of four heaps in ten columns; ten more columns are noise.
fn data(n_rows: usize) -> (Matrix, Vec<u32>) {
    let mut stream = Stream::new(20);
    let centers: Vec<[f64; 10]> = (0..12).map(|_| std::array::from_fn(|_| 1.4 * stream.normal())).collect();
    let mut x = Matrix { values: vec![0.0; n_rows * N_COLUMNS], n_rows, n_columns: N_COLUMNS };
    let mut classes = Vec::with_capacity(n_rows);
    for row_idx in 0..n_rows {
        let heap = stream.below(12) as usize;
        classes.push((heap % 3) as u32);
        for column_idx in 0..N_COLUMNS {
            let center = centers[heap].get(column_idx).copied().unwrap_or(0.0);
            x.values[column_idx * n_rows + row_idx] = center + stream.normal();
        }
    }
    (x, classes)
}

fn part(x: &Matrix, rows: std::ops::Range<usize>) -> Matrix {
    let values = (0..x.n_columns).flat_map(|column_idx| x.column(column_idx)[rows.clone()].to_vec()).collect();
    Matrix { values, n_rows: rows.len(), n_columns: x.n_columns }
}

fn csv(x: &Matrix, classes: &[u32]) -> String {
    let mut text = String::new();
    for (row_idx, class) in classes.iter().enumerate() {
        for column_idx in 0..x.n_columns {
            let _ = write!(text, "{},", x.at(row_idx, column_idx));
        }
        let _ = writeln!(text, "{class}");
    }
    text
}
