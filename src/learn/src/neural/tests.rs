use serde::Deserialize;

use super::*;
use crate::{Unwatched, block_on};

fn fitted(settings: &NeuralSettings, x: &Matrix, labels: &Labels, n_classes: usize) -> NeuralFit {
    block_on(fit(settings, x, labels, n_classes, None, 1, &mut Unwatched)).expect("a model")
}

/// A quarter is of class 1 where both columns have the same sign.
fn corners(n: usize) -> (Matrix, Labels) {
    let mut stream = Stream::new(7);
    let values: Vec<f64> = (0..2 * n).map(|_| 2.0 * stream.uniform() - 1.0).collect();
    let classes = (0..n).map(|i| u32::from((values[i] > 0.0) == (values[n + i] > 0.0))).collect();
    (Matrix { values, n_rows: n, n_columns: 2 }, Labels::Classes(classes))
}

#[test]
fn corners_that_no_line_parts_are_told_apart() {
    let (x, labels) = corners(600);
    let Labels::Classes(classes) = &labels else { unreachable!("classes") };
    for (activation, optimizer) in [
        (Activation::Relu, Optimizer::Adam),
        (Activation::Tanh, Optimizer::Sgd { momentum: 0.9 }),
        (Activation::Logistic, Optimizer::Adam),
    ] {
        let settings = NeuralSettings {
            hidden: vec![16, 8],
            activation,
            optimizer,
            learning_rate: 0.02,
            ..NeuralSettings::default()
        };
        let found = fitted(&settings, &x, &labels, 2);
        let predicted = found.model.predict(&x, 2);
        let hits = predicted.chunks(2).zip(classes).filter(|(p, class)| p[**class as usize] > 0.5).count();
        assert!(hits > 570, "{activation:?} {optimizer:?}: {hits} of 600");
        let losses = &found.model.losses;
        assert!(losses.training.last() < losses.training.first());
        assert_eq!(losses.training.len(), losses.validation.len());
    }
}

#[test]
fn without_hidden_layers_it_is_least_squares() {
    let x = Matrix { values: (0..50).map(f64::from).collect(), n_rows: 50, n_columns: 1 };
    let y = Labels::Numbers((0..50).map(|i| 3.0 * f64::from(i) + 100.0).collect());
    let settings = NeuralSettings {
        hidden: Vec::new(),
        learning_rate: 0.05,
        l2_weight: 0.0,
        batch_size: 50,
        max_epochs: 2_000,
        patience: 2_000,
        validation_share: 0.0,
        ..NeuralSettings::default()
    };
    let predicted = fitted(&settings, &x, &y, 0).model.predict(&x, 0);
    assert!((predicted[10] - 130.0).abs() < 0.1 && (predicted[49] - 247.0).abs() < 0.1, "{predicted:?}");
}

/// Slopes by back-propagation against differences of the loss.
#[test]
fn steps_follow_the_slope_of_the_loss() {
    for (activation, loss, n_outputs) in
        [(Activation::Tanh, Loss::CrossEntropy, 3), (Activation::Logistic, Loss::Square, 1)]
    {
        let mut stream = Stream::new(3);
        let plan = Plan {
            widths: vec![2, 4, n_outputs],
            activation,
            loss,
            optimizer: Optimizer::Sgd { momentum: 0.0 },
            learning_rate: 1e-3,
            l2_weight: 0.0,
        };
        let rows = || {
            let inputs = vec![0.3, -1.2, 0.8, 0.5, -0.4, 1.5];
            Rows { inputs, targets: vec![0.0, 2.0, 1.0], weights: vec![1.0, 2.0, 0.5] }
        };
        let start = plan.start(&mut stream);
        let batch = [0, 1, 2];
        let loss_of = |layers: Vec<Layer>| {
            block_on(Cpu::new(plan.clone(), layers, rows()).loss(&batch)).expect("never stopped") / 3.0
        };
        let mut stepped = Cpu::new(plan.clone(), start.clone(), rows());
        block_on(stepped.step(&batch)).expect("never stopped");
        let after = block_on(stepped.layers()).expect("never stopped");
        for layer_idx in 0..2 {
            for at in 0..start[layer_idx].weights.len() {
                let mut moved = [start.clone(), start.clone()];
                moved[0][layer_idx].weights[at] += 1e-2;
                moved[1][layer_idx].weights[at] -= 1e-2;
                let [above, below] = moved;
                let expected = (loss_of(above) - loss_of(below)) / 2e-2;
                let step = start[layer_idx].weights[at] - after[layer_idx].weights[at];
                let found = f64::from(step) / 1e-3;
                assert!((found - expected).abs() < 2e-3, "{activation:?} {layer_idx} {at}: {found} {expected}");
            }
        }
    }
}

/// What `tests/reference/network.py` wrote.
#[derive(Deserialize)]
struct Reference {
    batch: usize,
    l2_weight: f64,
    momentum: f64,
    inputs: Vec<f32>,
    weights: Vec<f32>,
    classes: Vec<f32>,
    numbers: Vec<f32>,
    cases: Vec<Case>,
}

/// A hundred steps. Weights and biases stand layer by layer.
#[derive(Deserialize)]
struct Case {
    is_class: bool,
    activation: Activation,
    optimizer: String,
    widths: Vec<usize>,
    learning_rate: f64,
    start: Vec<[Vec<f32>; 2]>,
    losses: Vec<f64>,
    end: Vec<[Vec<f32>; 2]>,
}

#[test]
fn a_hundred_steps_are_those_of_pytorch() {
    let text = include_str!("../../../../tests/reference/network.json");
    let reference: Reference = serde_json::from_str(text).expect("what the script writes");
    for case in reference.cases {
        let name = format!("{:?} {}", case.activation, case.optimizer);
        let plan = Plan {
            widths: case.widths.clone(),
            activation: case.activation,
            loss: if case.is_class { Loss::CrossEntropy } else { Loss::Square },
            optimizer: match case.optimizer.as_str() {
                "adam" => Optimizer::Adam,
                _ => Optimizer::Sgd { momentum: reference.momentum },
            },
            learning_rate: case.learning_rate,
            l2_weight: reference.l2_weight,
        };
        let layer = |(pair, [weights, biases]): (&[usize], [Vec<f32>; 2])| Layer {
            n_inputs: pair[0],
            n_outputs: pair[1],
            weights,
            biases,
        };
        let layers = case.widths.windows(2).zip(case.start).map(layer).collect();
        let rows = Rows {
            inputs: reference.inputs.clone(),
            targets: if case.is_class { reference.classes.clone() } else { reference.numbers.clone() },
            weights: reference.weights.clone(),
        };
        let mut network = Cpu::new(plan, layers, rows);
        let n_rows = reference.weights.len();
        for (step, expected) in case.losses.iter().enumerate() {
            let first = step * reference.batch % n_rows;
            let batch: Vec<u32> = (first as u32..(first + reference.batch) as u32).collect();
            let loss = block_on(network.step(&batch)).expect("never stopped") / reference.batch as f64;
            assert!((loss - expected).abs() <= 1e-4 * expected.max(0.1), "{name}, step {step}: {loss} {expected}");
        }
        let end = block_on(network.layers()).expect("never stopped");
        for (found, [weights, biases]) in end.iter().zip(&case.end) {
            for (found, expected) in found.weights.iter().chain(&found.biases).zip(weights.iter().chain(biases)) {
                assert!((found - expected).abs() <= 1e-4 * expected.abs().max(1.0), "{name}: {found} {expected}");
            }
        }
    }
}

#[test]
fn one_seed_gives_one_network_and_another_another() {
    let (x, labels) = corners(60);
    let of = |seed| {
        let settings = NeuralSettings { max_epochs: 3, ..NeuralSettings::default() };
        block_on(fit(&settings, &x, &labels, 2, None, seed, &mut Unwatched)).expect("a model").model
    };
    assert_eq!(of(1), of(1));
    assert!(of(1) != of(2));
}

#[test]
fn steps_that_are_too_long_are_told() {
    let x = Matrix { values: vec![0.0, 1.0, 2.0, 3.0], n_rows: 4, n_columns: 1 };
    let settings =
        NeuralSettings { optimizer: Optimizer::Sgd { momentum: 0.9 }, learning_rate: 1e6, ..NeuralSettings::default() };
    let y = Labels::Numbers(vec![1.0, 4.0, 2.0, 8.0]);
    let error = block_on(fit(&settings, &x, &y, 0, None, 1, &mut Unwatched)).map(|_| ());
    assert_eq!(error, Err(FitError::Diverged { learning_rate: 1e6 }));
}
