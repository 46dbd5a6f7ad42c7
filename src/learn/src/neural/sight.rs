//! A network under way, as it is looked at.

use model::{Network, Scratch};

use super::Rows;
use crate::dataset::Dataset;

/// A network under way, or the one that came out.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// As it would be saved now.
    pub network: &'a Network,
    /// Passes so far, the one under way in part.
    pub n_passes: f64,
    /// All rows, as they go in.
    pub rows: &'a Rows,
    /// Those that are held out; none if all are trained on.
    pub held_out: &'a [u32],
    /// Where rows and what is to be predicted come from, for whoever knows.
    pub dataset: Option<&'a Dataset>,
    /// Whether training is over.
    pub is_last: bool,
}

impl Sight<'_> {
    /// What each stage makes of a row, from the numbers that go in to the sums that come out.
    pub fn activations(&self, row_idx: usize) -> Vec<Vec<f32>> {
        let n_columns = self.network.scaling.len();
        let mut values = vec![self.rows.inputs[row_idx * n_columns..][..n_columns].to_vec()];
        let mut scratch = Scratch::default();
        let mut layers = self.network.layers.iter();
        for (stage_idx, stage) in self.network.stages.iter().enumerate() {
            let layer = stage.layer().and_then(|_| layers.next());
            let mut outputs = Vec::new();
            stage.forward(layer, &values[stage_idx], 1, &mut scratch, &mut outputs);
            if layer.is_some() && layers.len() > 0 {
                self.network.activation.apply(&mut outputs);
            }
            values.push(outputs);
        }
        values
    }
}
