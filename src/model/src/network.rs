//! A multi-layer perceptron.

use std::ops::Range;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::Matrix;
use crate::gemm::{Scratch, Strided};
use crate::stages::Stage;

/// Stages of which most are layers of weighted sums, each bent by an activation but the last. It computes with 32-bit
/// numbers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "Saved")]
pub struct Network {
    /// Subtracted from and divided out of each column first, as learned in training.
    pub scaling: Vec<(f64, f64)>,
    /// From the columns to the outputs; the last is dense.
    pub stages: Vec<Stage>,
    /// Of the stages that have weights, in their order.
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

/// A network as it is saved. What is saved says nothing of the names of fields, so none can be added: what came later is a
/// later case of a field that was there.
#[derive(Deserialize)]
struct Saved {
    scaling: Vec<(f64, f64)>,
    layers: Vec<Layer>,
    activation: Bends,
    target: (f64, f64),
    losses: Losses,
}

/// How all layers but the last bend; of a network with stages that are not dense, also these.
#[derive(Serialize, Deserialize)]
enum Bends {
    Relu,
    Tanh,
    Logistic,
    Staged(Activation, Vec<Stage>),
}

impl From<Saved> for Network {
    fn from(saved: Saved) -> Self {
        let dense = |layer: &Layer| Stage::Dense { n_inputs: layer.n_inputs, n_outputs: layer.n_outputs };
        let all_dense = saved.layers.iter().map(dense).collect();
        let (activation, stages) = match saved.activation {
            Bends::Relu => (Activation::Relu, all_dense),
            Bends::Tanh => (Activation::Tanh, all_dense),
            Bends::Logistic => (Activation::Logistic, all_dense),
            Bends::Staged(activation, stages) => (activation, stages),
        };
        let Saved { scaling, layers, target, losses, .. } = saved;
        Self { scaling, stages, layers, activation, target, losses }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_dense = self.stages.iter().all(|stage| matches!(stage, Stage::Dense { .. }));
        let bends = match self.activation {
            activation if !is_dense => Bends::Staged(activation, self.stages.clone()),
            Activation::Relu => Bends::Relu,
            Activation::Tanh => Bends::Tanh,
            Activation::Logistic => Bends::Logistic,
        };
        let mut saved = serializer.serialize_struct("Network", 5)?;
        saved.serialize_field("scaling", &self.scaling)?;
        saved.serialize_field("layers", &self.layers)?;
        saved.serialize_field("activation", &bends)?;
        saved.serialize_field("target", &self.target)?;
        saved.serialize_field("losses", &self.losses)?;
        saved.end()
    }
}

impl Layer {
    /// The sums of rows, row by row; there is room for `n_rows · n_outputs` of them.
    #[inline(never)]
    pub(crate) fn sums(&self, inputs: &[f32], n_rows: usize, scratch: &mut Scratch, sums: &mut [f32]) {
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
    /// Whether its parts fit together to lead from so many columns to so many outputs.
    pub(crate) fn fits(&self, n_columns: usize, n_outputs: usize) -> bool {
        let mut width = n_columns;
        let mut layers = self.layers.iter();
        let is_sound = |stage: &Stage| {
            let is_dense = matches!(stage, Stage::Dense { .. });
            let is_next = stage.n_inputs() == width;
            width = stage.n_outputs();
            let has_layer = |(n_inputs, n_outputs): (usize, usize)| {
                layers.next().is_some_and(|layer| {
                    (layer.n_inputs, layer.n_outputs, layer.biases.len()) == (n_inputs, n_outputs, n_outputs)
                        && Some(layer.weights.len()) == n_inputs.checked_mul(n_outputs)
                })
            };
            is_next && (is_dense || (1..=Stage::MAX_OUTPUTS).contains(&width)) && stage.layer().is_none_or(has_layer)
        };
        self.scaling.len() == n_columns
            && self.stages.iter().all(is_sound)
            && width == n_outputs
            && layers.len() == 0
            && matches!(self.stages.last(), Some(Stage::Dense { .. }))
    }

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
            let mut layers = self.layers.iter();
            for stage in &self.stages {
                let layer = stage.layer().and_then(|_| layers.next());
                stage.forward(layer, &inputs, n_rows, &mut scratch, &mut outputs);
                if layer.is_some() && layers.len() > 0 {
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
    use crate::Image;

    fn network(activation: Activation) -> Network {
        let first = Layer { n_inputs: 1, n_outputs: 2, weights: vec![1.0, -1.0], biases: vec![0.0, 1.0] };
        let second = Layer { n_inputs: 2, n_outputs: 1, weights: vec![2.0, 3.0], biases: vec![0.5] };
        Network {
            scaling: vec![(1.0, 2.0)],
            stages: vec![Stage::Dense { n_inputs: 1, n_outputs: 2 }, Stage::Dense { n_inputs: 2, n_outputs: 1 }],
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
        two.stages[1] = Stage::Dense { n_inputs: 2, n_outputs: 2 };
        two.layers[1] = Layer { n_inputs: 2, n_outputs: 2, weights: vec![1.0; 4], biases: vec![0.0; 2] };
        let x = Matrix { values: vec![1e300, -1e300], n_rows: 2, n_columns: 1 };
        assert_eq!(two.predict(&x, 2), [0.5; 4]);
    }

    /// A filter that finds corners, and the largest of its findings.
    fn seeing() -> Network {
        let image = Image { height: 3, width: 4, n_channels: 1 };
        let convolution = Stage::Convolution { image, kernel: 2, n_filters: 2 };
        let pooling = Stage::Pooling { image: convolution.output(), size: 2 };
        // Of 2 × 3 places the last column fills no square.
        assert_eq!(pooling.output(), Image { height: 1, width: 1, n_channels: 2 });
        let filters = vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, -1.0];
        Network {
            scaling: vec![(0.0, 1.0); 12],
            stages: vec![convolution, pooling, Stage::Dense { n_inputs: 2, n_outputs: 1 }],
            layers: vec![
                Layer { n_inputs: 4, n_outputs: 2, weights: filters, biases: vec![0.5, 0.0] },
                Layer { n_inputs: 2, n_outputs: 1, weights: vec![1.0, 100.0], biases: vec![0.0] },
            ],
            activation: Activation::Relu,
            target: (0.0, 1.0),
            losses: Losses::default(),
        }
    }

    #[test]
    fn images_are_convolved_and_pooled() {
        let image = [1.0, 2.0, 3.0, 9.0, 4.0, 5.0, 6.0, 9.0, 7.0, 8.0, 1.0, 9.0];
        let x = Matrix { values: image.to_vec(), n_rows: 1, n_columns: 12 };
        // First filter: top left + bottom right + 0.5; the largest of 6.5, 8.5, 12.5 and 6.5. Second: top right - bottom right,
        // at most 6 - 1.
        assert_eq!(seeing().predict(&x, 0), [12.5 + 500.0]);
        // Many rows go through in parts.
        let many =
            Matrix { values: image.iter().flat_map(|pixel| [*pixel; 600]).collect(), n_rows: 600, n_columns: 12 };
        assert_eq!(seeing().predict(&many, 0), [512.5; 600]);
    }

    #[test]
    fn a_network_is_saved_as_it_was_before_there_were_stages() {
        for (at, activation) in [Activation::Relu, Activation::Tanh, Activation::Logistic].into_iter().enumerate() {
            let Network { scaling, layers, activation, target, losses, .. } = network(activation);
            let before = postcard::to_stdvec(&(&scaling, &layers, at as u8, target, &losses)).expect("plain data");
            assert_eq!(postcard::to_stdvec(&network(activation)).as_ref(), Ok(&before));
            assert_eq!(postcard::from_bytes(&before), Ok(network(activation)));
        }
        let bytes = postcard::to_stdvec(&seeing()).expect("plain data");
        assert_eq!(postcard::from_bytes(&bytes), Ok(seeing()));
    }

    #[test]
    fn stages_that_do_not_fit_together_are_refused() {
        assert!(seeing().fits(12, 1) && network(Activation::Tanh).fits(1, 1));
        let refused = |change: &dyn Fn(&mut Network)| {
            let mut network = seeing();
            change(&mut network);
            assert!(!network.fits(12, 1), "{:?}", network.stages);
        };
        let image = Image { height: 3, width: 4, n_channels: 1 };
        for kernel in [0, 1, 4, usize::MAX] {
            refused(&|network| network.stages[0] = Stage::Convolution { image, kernel, n_filters: 2 });
        }
        for size in [0, 1, 3, usize::MAX] {
            refused(&|network| network.stages[1] = Stage::Pooling { image: network.stages[0].output(), size });
        }
        let endless = Image { height: usize::MAX, width: usize::MAX, n_channels: 2 };
        refused(&|network| network.stages[0] = Stage::Convolution { image: endless, kernel: 2, n_filters: 2 });
        refused(&|network| network.stages.truncate(2));
        refused(&|network| network.layers.truncate(1));
        refused(&|network| network.stages.clear());
        refused(&|network| network.scaling.truncate(11));
        refused(&|network| network.layers[0].weights.truncate(7));
    }
}
