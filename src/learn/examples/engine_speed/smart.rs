//! The same by smartcore, where it has such a learner.

use smartcore::cluster::kmeans::{KMeans, KMeansParameters};
use smartcore::decomposition::pca::{PCA, PCAParameters};
use smartcore::ensemble::random_forest_classifier::{RandomForestClassifier, RandomForestClassifierParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};
use smartcore::linear::ridge_regression::{RidgeRegression, RidgeRegressionParameters};
use smartcore::neighbors::knn_classifier::{KNNClassifier, KNNClassifierParameters};
use smartcore::svm::Kernels;
use smartcore::svm::svc::{SVC, SVCParameters};

use crate::{Measured, Rows, classes, squared_error, timed};

/// Fits and predicts once. It gives classes and no probabilities, so that the quality of logistic regression is the part
/// of the rows whose class is right; that of components and clusters is not told, which it keeps to itself.
pub fn measure(kernel: &str, training: &Rows, others: &Rows) -> Measured {
    let (x, other_x) = (dense(training), dense(others));
    let labels: Vec<i32> = classes(&training.y).iter().map(|class| *class as i32).collect();
    let right = |found: &[f64]| {
        let right = found.iter().zip(&others.y).filter(|(found, y)| found == y).count();
        right as f64 / others.y.len() as f64
    };
    let unknown = |_: &[f64]| f64::MAX;
    match kernel {
        "forest" => {
            let settings = RandomForestClassifierParameters::default().with_n_trees(100).with_seed(1);
            let fit = || RandomForestClassifier::fit(&x, &labels, settings).expect("a forest");
            timed(|_| fit(), |fit| numbers(&fit.predict(&other_x).expect("classes")), right)
        }
        "logistic" => {
            let settings = LogisticRegressionParameters::default().with_alpha(1.0);
            let fit = || LogisticRegression::fit(&x, &labels, settings).expect("a model");
            timed(|_| fit(), |fit| numbers(&fit.predict(&other_x).expect("classes")), right)
        }
        "ridge" => {
            let settings = RidgeRegressionParameters::default().with_alpha(1.0);
            let fit = || RidgeRegression::fit(&x, &training.y, settings).expect("a model");
            timed(|_| fit(), |fit| fit.predict(&other_x).expect("numbers"), |y| squared_error(y, others))
        }
        "pca" => {
            let settings = PCAParameters::default().with_n_components(5);
            timed(|_| PCA::fit(&x, settings).expect("components"), |_| Vec::new(), unknown)
        }
        "neighbors" => {
            let settings = KNNClassifierParameters::default().with_k(5);
            let fit = || KNNClassifier::fit(&x, &labels, settings).expect("rows");
            timed(|_| fit(), |fit| numbers(&fit.predict(&other_x).expect("classes")), right)
        }
        "kmeans" => {
            let started = |seed| {
                let settings = KMeansParameters { k: 8, max_iter: 300, seed: Some(seed) };
                KMeans::<f64, i32, DenseMatrix<f64>, Vec<i32>>::fit(&x, settings).expect("clusters")
            };
            // It starts once; the best of ten starts takes ten.
            let best = || {
                (0..9).for_each(|seed| drop(started(seed)));
                started(9)
            };
            timed(|_| best(), |_| Vec::new(), unknown)
        }
        "svm" => {
            let signs: Vec<i32> = labels.iter().map(|class| 2 * class - 1).collect();
            let settings =
                SVCParameters::default().with_c(1.0).with_kernel(Kernels::rbf().with_gamma(0.05)).with_seed(Some(1));
            let fit = || SVC::fit(&x, &signs, &settings).expect("a model");
            let class = |sign: &f64| if *sign > 0.0 { 1.0 } else { 0.0 };
            timed(|_| fit(), |fit| fit.predict(&other_x).expect("signs").iter().map(class).collect(), right)
        }
        other => panic!("smartcore has no {other}"),
    }
}

fn numbers(classes: &[i32]) -> Vec<f64> {
    classes.iter().map(|class| f64::from(*class)).collect()
}

fn dense(rows: &Rows) -> DenseMatrix<f64> {
    DenseMatrix::new(rows.x.n_rows, rows.x.n_columns, rows.x.values.clone(), true).expect("a rectangle")
}
