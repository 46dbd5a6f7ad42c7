//! A multi-layer perceptron.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::Matrix;
use crate::gemm::{Scratch, Strided};

/// Layers of weighted sums, each bent by an activation but the last. It computes with 32-bit numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Subtracted from and divided out of each column first, as learned in training.
    pub scaling: Vec<(f64, f64)>,
    /// From the columns to the outputs.
    pub layers: Vec<Layer>,
    /// How all layers but the last bend.
    pub activation: Activation,
    /// Of a number: mean and deviation of the target, by which the output is scaled back.
    pub target: (f64, f64),
    /// How training went.
    pub losses: Losses,
}

/// The mean loss of a row in each pass over the training rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Losses {
    /// Of the rows that were trained on, while they were.
    pub training: Vec<f64>,
    /// Of those that were held out; empty if none were.
    pub validation: Vec<f64>,
}

/// `outputs = inputs · weights + biases`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Numbers that go in.
    pub n_inputs: usize,
    /// Numbers that come out.
    pub n_outputs: usize,
    /// Input by input, one per output.
    pub weights: Vec<f32>,
    /// One per output.
    pub biases: Vec<f32>,
}

/// How a layer bends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// `max(0, z)`.
    #[default]
    Relu,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + e^-z)`.
    Logistic,
}

impl Activation {
    /// Bends sums in place.
    pub fn apply(self, sums: &mut [f32]) {
        match self {
            // `max` is a call in WASM.
            Self::Relu => sums.iter_mut().for_each(|z| *z = if *z > 0.0 { *z } else { 0.0 }),
            Self::Tanh => sums.iter_mut().for_each(|z| *z = numeric::tanh(f64::from(*z)) as f32),
            Self::Logistic => {
                sums.iter_mut().for_each(|z| *z = (1.0 / (1.0 + numeric::exp(-f64::from(*z)))) as f32);
            }
        }
    }

    /// The slope at a value that it gave.
    pub fn slope(self, value: f32) -> f32 {
        match self {
            Self::Relu => f32::from(u8::from(value > 0.0)),
            Self::Tanh => 1.0 - value * value,
            Self::Logistic => value * (1.0 - value),
        }
    }
}

impl Layer {
    /// The sums of rows, row by row.
    pub fn sums(&self, inputs: &[f32], n_rows: usize, scratch: &mut Scratch, sums: &mut Vec<f32>) {
        sums.clear();
        sums.resize(n_rows * self.n_outputs, 0.0);
        let weights = Strided::rows(&self.weights, self.n_outputs);
        let shape = (n_rows, self.n_outputs, self.n_inputs);
        scratch.product(shape, Strided::rows(inputs, self.n_inputs), weights, sums);
        for row in sums.chunks_exact_mut(self.n_outputs.max(1)) {
            row.iter_mut().zip(&self.biases).for_each(|(sum, bias)| *sum += bias);
        }
    }
}

/// From sums to probabilities, in place.
pub fn softmax(sums: &mut [f32]) {
    let top = sums.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut total = 0.0;
    for sum in sums.iter_mut() {
        // Subtracting the largest keeps the exponentials from overflowing.
        *sum = numeric::exp(f64::from(*sum - top)) as f32;
        total += *sum;
    }
    sums.iter_mut().for_each(|sum| *sum /= total);
}

impl Network {
    /// A number per row, or the probabilities of the classes row by row.
    pub fn predict(&self, x: &Matrix, n_classes: usize) -> Vec<f64> {
        /// Rows that go through the layers together.
        const BLOCK: usize = 256;
        let n_outputs = self.layers.last().map_or(0, |layer| layer.n_outputs);
        let mut predicted = Vec::with_capacity(x.n_rows * n_outputs);
        let mut scratch = Scratch::default();
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for first in (0..x.n_rows).step_by(BLOCK) {
            let rows = first..(first + BLOCK).min(x.n_rows);
            let n_rows = rows.len();
            inputs.clear();
            scaled(x, &self.scaling, rows, &mut inputs);
            for (layer_idx, layer) in self.layers.iter().enumerate() {
                layer.sums(&inputs, n_rows, &mut scratch, &mut outputs);
                if layer_idx + 1 < self.layers.len() {
                    self.activation.apply(&mut outputs);
                }
                std::mem::swap(&mut inputs, &mut outputs);
            }
            if n_classes == 0 {
                let (mean, deviation) = self.target;
                predicted.extend(inputs.iter().map(|value| f64::from(*value) * deviation + mean));
            } else {
                for sums in inputs.chunks_exact_mut(n_classes) {
                    softmax(sums);
                    // To the last digit of 64 bits, so that they sum to 1.
                    let total: f64 = sums.iter().map(|p| f64::from(*p)).sum();
                    predicted.extend(sums.iter().map(|p| f64::from(*p) / total));
                }
            }
        }
        // Sums beyond 32 bits say nothing.
        for row in predicted.chunks_exact_mut(n_classes.max(1)).filter(|row| row.iter().any(|p| p.is_nan())) {
            row.fill(if n_classes == 0 { self.target.0 } else { 1.0 / n_classes as f64 });
        }
        predicted
    }
}

/// Rows as they go in, one after another.
pub fn scaled(x: &Matrix, scaling: &[(f64, f64)], rows: Range<usize>, to: &mut Vec<f32>) {
    /// Rows whose numbers of a few columns stay in the cache.
    const BLOCK: usize = 32;
    let n_columns = scaling.len();
    let start = to.len();
    to.resize(start + rows.len() * n_columns, 0.0);
    for (block_idx, block) in to[start..].chunks_mut((BLOCK * n_columns).max(1)).enumerate() {
        let first = rows.start + block_idx * BLOCK;
        for (column_idx, (mean, deviation)) in scaling.iter().enumerate() {
            let slots = block[column_idx..].iter_mut().step_by(n_columns);
            for (slot, value) in slots.zip(&x.column(column_idx)[first..]) {
                *slot = ((value - mean) / deviation) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(activation: Activation) -> Network {
        let first = Layer { n_inputs: 1, n_outputs: 2, weights: vec![1.0, -1.0], biases: vec![0.0, 1.0] };
        let second = Layer { n_inputs: 2, n_outputs: 1, weights: vec![2.0, 3.0], biases: vec![0.5] };
        Network {
            scaling: vec![(1.0, 2.0)],
            layers: vec![first, second],
            activation,
            target: (10.0, 4.0),
            losses: Losses::default(),
        }
    }

    #[test]
    fn a_prediction_goes_through_all_layers_and_back_to_the_unit_of_the_target() {
        let x = Matrix { values: vec![3.0, -1.0], n_rows: 2, n_columns: 1 };
        // z = 1 and -1; relu gives (1, 0) and (0, 2); sums 2.5 and 6.5.
        assert_eq!(network(Activation::Relu).predict(&x, 0), [20.0, 36.0]);
    }

    #[test]
    fn rows_beyond_32_bits_say_nothing_rather_than_nan() {
        let mut two = network(Activation::Relu);
        two.layers[1] = Layer { n_inputs: 2, n_outputs: 2, weights: vec![1.0; 4], biases: vec![0.0; 2] };
        let x = Matrix { values: vec![1e300, -1e300], n_rows: 2, n_columns: 1 };
        assert_eq!(two.predict(&x, 2), [0.5; 4]);
    }
}
