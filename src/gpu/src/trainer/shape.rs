//! Where everything of a network lies in the memory of the GPU.

use learn::neural::{Loss, Optimizer, Plan, Step};
use model::{Activation, Image, Stage};

use super::source::Phase;
use super::{Block, MAX_BATCH};

/// Stages that a plan may have in `train.wgsl`.
pub(crate) const MAX_LAYERS: usize = 64;
/// Rows and columns of what lies in memory are a multiple of this, which is one of every block.
const FILLED: usize = 16;
/// Rows whose losses are summed together.
const GROUP: usize = 16;
/// Workgroups beside each other in one dimension; every GPU takes so many.
const MAX_GROUPS: usize = 65_535;
/// Numbers of a square up to which those of the rows are laid out, if that takes fewer terms.
const MAX_LAID_OUT: usize = 128;
/// Squares over which slopes along weights are summed in one go: at least, and at most.
const PART: (usize, usize) = (64, 32_768);
/// Such parts, and fours that they may take in all.
const MAX_PARTS: usize = 256;
const PARTS_LEN: usize = 1 << 20;

/// Where things lie, in fours of numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    /// Of each stage.
    pub(crate) layers: Vec<LayerShape>,
    /// What the columns are as an image, and along a side of the squares of it that are laid out.
    source: (Image, usize),
    /// Fours of a row as it is stored, of which the last has target and weight.
    pub(crate) row_across: usize,
    /// Fours of all weights, biases and factors; what the optimizer remembers is one or two times as many.
    pub(crate) n_state: usize,
    /// Fours of `state`.
    pub(crate) state_len: usize,
    /// Where there are zeros, parts of slopes and losses in `work`.
    zeros: usize,
    parts: usize,
    pub(crate) losses: usize,
}

/// `Layer` and `Image` of `train.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LayerShape {
    stage: Stage,
    below: Numbers,
    above: Numbers,
    /// Pixels along a side of a square, as squares are read.
    size: usize,
    /// What goes into the layer and comes out of it; 0 without one.
    pub(crate) n_inputs: usize,
    pub(crate) n_outputs: usize,
    /// Fours of a row of weights.
    pub(crate) columns: usize,
    pub(crate) weights: usize,
    pub(crate) biases: usize,
    /// If its sums are normalised.
    pub(crate) norm: Option<NormShape>,
    n_before: usize,
    is_bent_below: bool,
}

/// Where the sums of a layer lie that are normalised, and what that is done with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NormShape {
    normals: usize,
    pub(crate) factors: usize,
    pub(crate) running: usize,
}

/// Numbers of rows between two stages, and the slopes of the loss along them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Numbers {
    image: Image,
    values: usize,
    errors: usize,
}

/// What is taken of a piece of memory.
#[derive(Default)]
struct Taken(usize);

impl Taken {
    /// So many more: where they start. What is too much stays too much.
    fn take(&mut self, n: usize) -> usize {
        let start = self.0;
        self.0 = start.saturating_add(n);
        start
    }
}

impl Numbers {
    fn n_places(self) -> usize {
        self.image.height * self.image.width
    }

    /// Fours of a pixel.
    fn pixel(self) -> usize {
        self.image.n_channels.div_ceil(4)
    }

    /// Fours of a filled row.
    fn across(self) -> usize {
        across(4 * self.n_places() * self.pixel())
    }
}

/// Fours of a filled row of `n` numbers.
fn across(n: usize) -> usize {
    n.next_multiple_of(FILLED) / 4
}

/// What the first stage reads, of what the columns are; and along a side of the squares that are laid out.
fn laid_out(stage: Stage) -> (Image, usize) {
    let image = stage.input();
    let Stage::Convolution { kernel, .. } = stage else { return (image, 1) };
    let n_numbers = kernel * kernel * image.n_channels;
    // Squares that lie one after another have no gaps between pixels.
    if n_numbers > MAX_LAID_OUT || n_numbers.div_ceil(4) >= kernel * kernel * image.n_channels.div_ceil(4) {
        return (image, 1);
    }
    (Image { n_channels: n_numbers, ..stage.output() }, kernel)
}

impl Shape {
    /// For batches of at most `batch_size` rows. The plan has a stage.
    pub(crate) fn new(plan: &Plan, batch_size: usize) -> Self {
        let n_rows = batch_size.next_multiple_of(FILLED);
        let (first, source_size) = laid_out(plan.stages[0]);
        let images: Vec<Image> = [first].into_iter().chain(plan.stages.iter().map(|stage| stage.output())).collect();
        let mut work = Taken::default();
        // Values between all stages, then the errors of all but the first, of which nobody asks for them.
        let mut numbers: Vec<Numbers> =
            images.into_iter().map(|image| Numbers { image, values: 0, errors: 0 }).collect();
        numbers.iter_mut().for_each(|numbers| numbers.values = work.take(n_rows.saturating_mul(numbers.across())));
        let slopes = numbers.iter_mut().skip(1);
        slopes.for_each(|numbers| numbers.errors = work.take(n_rows.saturating_mul(numbers.across())));
        let mut state = Taken::default();
        let (mut n_before, mut is_bent_below) = (0, false);
        let mut layers: Vec<LayerShape> = Vec::with_capacity(plan.stages.len());
        for (stage_idx, (stage, pair)) in plan.stages.iter().zip(numbers.windows(2)).enumerate() {
            let (below, above) = (pair[0], pair[1]);
            let (n_inputs, n_outputs) = stage.layer().unwrap_or_default();
            let size = if stage_idx == 0 && source_size > 1 { 1 } else { stage.size() };
            let mut layer = LayerShape {
                stage: *stage,
                below,
                above,
                size,
                n_inputs,
                n_outputs,
                columns: across(n_outputs),
                weights: 0,
                biases: 0,
                norm: None,
                n_before,
                is_bent_below,
            };
            let is_layer = n_outputs > 0;
            let is_normal = plan.batch_norm && is_layer && stage_idx + 1 < plan.stages.len();
            if is_layer {
                layer.weights = state.take(4 * across(layer.n_filled()) * layer.columns);
                layer.biases = state.take(layer.columns);
            }
            if is_normal {
                let (factors, normals) = (state.take(layer.columns), work.take(n_rows.saturating_mul(above.across())));
                layer.norm = Some(NormShape { normals, factors, running: 0 });
            }
            layers.push(layer);
            n_before += usize::from(is_layer);
            is_bent_below = is_layer;
        }
        let n_state = state.0;
        state.take(match plan.optimizer {
            Optimizer::Sgd { .. } => n_state,
            Optimizer::Adam => 2 * n_state,
        });
        for layer in &mut layers {
            if let Some(norm) = &mut layer.norm {
                norm.running = state.take(3 * layer.columns);
            }
        }
        let of_convolutions = || layers.iter().filter(|layer| layer.is_convolution());
        let zeros = work.take(of_convolutions().map(|layer| layer.above.pixel()).max().unwrap_or(0));
        let parts = work.take(of_convolutions().map(|layer| layer.parts_len(batch_size)).max().unwrap_or(0));
        Self {
            source: (plan.stages[0].input(), source_size),
            row_across: plan.stages[0].n_inputs().div_ceil(4) + 1,
            n_state,
            state_len: state.0,
            zeros,
            parts,
            losses: work.0,
            layers,
        }
    }

    /// Numbers of a row.
    pub(crate) fn n_columns(&self) -> usize {
        self.source.0.n_numbers()
    }

    /// `Plan` of `train.wgsl`.
    pub(crate) fn figures(&self, plan: &Plan, block: Block) -> Vec<u32> {
        let (optimizer, momentum) = match plan.optimizer {
            Optimizer::Sgd { momentum } => (0, momentum),
            Optimizer::Adam => (1, 0.0),
        };
        let activation = match plan.activation {
            Activation::Relu => 0,
            Activation::Tanh => 1,
            Activation::Logistic => 2,
        };
        let loss = match plan.loss {
            Loss::Square => 0,
            Loss::CrossEntropy => 1,
        };
        let (source, source_size) = self.source;
        let counts = [self.n_state, self.row_across, self.losses].map(|n| n as u32);
        let numbers = [f32::INFINITY, plan.l2_weight as f32, momentum as f32, Step::MEANS, Step::SQUARES, Step::LEAST];
        let places = [source.width, source.n_channels, source_size, self.zeros, self.parts];
        let kept = 1.0 - plan.dropout;
        let mut figures = vec![self.layers.len() as u32, activation, loss, optimizer];
        figures.extend(counts);
        figures.extend(numbers.map(f32::to_bits));
        figures.extend(places.map(|n| n as u32));
        figures.extend([plan.seed, (plan.dropout * 4_294_967_296.0) as u32]);
        figures.extend([kept as f32, (1.0 / kept) as f32].map(f32::to_bits));
        figures.extend([0; 2]);
        for layer in &self.layers {
            let LayerShape { below, above, columns, weights, biases, norm, .. } = *layer;
            let sizes = [4 * below.n_places() * below.pixel(), layer.n_outputs, below.across(), columns];
            let places = [below.values, above.values, below.errors, above.errors, weights, biases];
            figures.extend(sizes.map(|n| n as u32));
            figures.extend(places.map(|n| n as u32));
            figures.extend([layer.n_blocks(block) as u32, u32::from(norm.is_some())]);
        }
        figures.resize(24 + 12 * MAX_LAYERS, 0);
        for layer in &self.layers {
            let LayerShape { below, above, size, norm, n_before, is_bent_below, .. } = *layer;
            let norm = norm.unwrap_or(NormShape { normals: 0, factors: 0, running: 0 });
            let of_numbers =
                |numbers: Numbers| [numbers.image.width, numbers.n_places(), numbers.pixel()].map(|n| n as u32);
            figures.extend(of_numbers(below));
            figures.push(below.image.n_channels as u32);
            figures.extend(of_numbers(above));
            figures.extend([above.across(), size, n_before, usize::from(is_bent_below)].map(|n| n as u32));
            figures.extend([norm.normals, norm.factors, norm.running, layer.n_parts(), 0].map(|n| n as u32));
        }
        figures.resize(24 + (12 + 16) * MAX_LAYERS, 0);
        figures
    }

    /// The kernel that makes the rows of a batch ready, and its workgroups.
    pub(crate) fn first(&self, n_rows: usize, block: Block) -> (Phase, [u32; 2]) {
        let LayerShape { stage, below, .. } = self.layers[0];
        let (phase, across) = match stage {
            Stage::Dense { .. } => (Phase::Gather, self.row_across - 1),
            Stage::Convolution { .. } | Stage::Pooling { .. } => (Phase::LayOut, below.n_places() * below.pixel()),
        };
        (phase, groups((n_rows * across).div_ceil(block.n_lanes())))
    }

    /// Workgroups that move the weights of dense layers.
    pub(crate) fn descend_groups(&self, block: Block) -> [u32; 2] {
        groups(self.layers.iter().map(|layer| layer.n_blocks(block)).sum::<usize>().div_ceil(block.n_lanes()))
    }

    /// Rows of a batch over which kernels sum in loops that are not too long.
    pub(crate) fn max_batch(&self, block: Block) -> usize {
        // A norm has three of them.
        let of_norm = |layer: &LayerShape| MAX_BATCH / 4 * block.n_lanes_of_sums() / layer.above.n_places();
        let norms = self.layers.iter().filter(|layer| layer.norm.is_some());
        norms.map(of_norm).fold(MAX_BATCH, usize::min)
    }

    /// Whether kernels sum over what goes into a layer, and over what comes out of it, in loops that are not too long.
    pub(crate) fn has_short_sums(&self) -> bool {
        let n_terms = |layer: &LayerShape| layer.n_filled() / 4 + layer.size * layer.size * (layer.above.pixel() + 1);
        self.layers.iter().all(|layer| n_terms(layer) <= MAX_BATCH)
    }
}

impl LayerShape {
    fn is_convolution(&self) -> bool {
        matches!(self.stage, Stage::Convolution { .. })
    }

    /// Inputs, with pixels as they are filled up.
    fn n_filled(&self) -> usize {
        let n_pixels = match self.stage {
            Stage::Dense { .. } => self.below.n_places(),
            Stage::Convolution { .. } | Stage::Pooling { .. } => self.size * self.size,
        };
        4 * n_pixels * self.below.pixel()
    }

    /// The row in which the weights of an input lie.
    pub(crate) fn row_of(&self, input: usize) -> usize {
        let n_channels = self.below.image.n_channels;
        input / n_channels * 4 * self.below.pixel() + input % n_channels
    }

    /// Of weights that `descend` moves.
    fn n_blocks(&self, block: Block) -> usize {
        match self.stage {
            // Blocks have as many rows as columns.
            Stage::Dense { .. } => (4 * self.below.across() / block.size()) * (4 * self.columns / block.size()),
            Stage::Convolution { .. } | Stage::Pooling { .. } => 0,
        }
    }

    /// The kernel that computes its values, and its workgroups.
    pub(crate) fn forward(&self, n_rows: usize, block: Block) -> (Phase, [u32; 2]) {
        let n_places = n_rows * self.above.n_places();
        match self.stage {
            Stage::Dense { .. } => (Phase::Forward, tiles(n_rows, self.above.across(), block)),
            Stage::Convolution { .. } => (Phase::Convolve, tiles(n_places, whole(self.above.pixel(), block), block)),
            Stage::Pooling { .. } => (Phase::Pool, groups((n_places * self.above.pixel()).div_ceil(block.n_lanes()))),
        }
    }

    /// The kernel that computes the slopes along what goes in, and its workgroups.
    pub(crate) fn backward(&self, n_rows: usize, block: Block) -> (Phase, [u32; 2]) {
        let n_places = n_rows * self.below.n_places();
        match self.stage {
            Stage::Dense { .. } => (Phase::Backward, tiles(n_rows, self.below.across(), block)),
            Stage::Convolution { .. } => {
                (Phase::ConvolveBack, tiles(n_places, whole(self.below.pixel(), block), block))
            }
            Stage::Pooling { .. } => {
                (Phase::PoolBack, groups((n_places * self.below.pixel()).div_ceil(block.n_lanes())))
            }
        }
    }

    /// The kernels that move its weights, and their workgroups, if `descend` does not.
    pub(crate) fn descent(&self, n_rows: usize, block: Block) -> Vec<(Phase, [u32; 2])> {
        if !self.is_convolution() {
            return Vec::new();
        }
        let n_squares = n_rows * self.above.n_places();
        let n_lines = whole(self.n_filled() / 4, block) / (block.size() / 4);
        let n_blocks = n_lines * whole(self.above.pixel(), block) / (block.size() / 4);
        let n_parts = n_squares.div_ceil(self.part_length(n_squares));
        let groups_of = |n: usize| groups(n.div_ceil(block.n_lanes()));
        vec![(Phase::SumSlopes, groups_of(n_blocks * n_parts)), (Phase::MoveWeights, groups_of(self.part_len()))]
    }

    /// Workgroups that normalise its sums.
    pub(crate) fn norm_groups(&self) -> [u32; 2] {
        groups(self.above.pixel())
    }

    /// Parts, at most, in which slopes along weights are summed unless they were too long.
    fn n_parts(&self) -> usize {
        (PARTS_LEN / self.part_len().max(1)).clamp(1, MAX_PARTS)
    }

    /// Fours of a part.
    fn part_len(&self) -> usize {
        (self.n_filled() + 1) * self.above.pixel()
    }

    /// Squares of a part. `part_length` in `stages.wgsl` says the same.
    fn part_length(&self, n_squares: usize) -> usize {
        n_squares.div_ceil(self.n_parts()).clamp(PART.0, PART.1)
    }

    /// Fours of all parts, for batches of at most so many rows.
    fn parts_len(&self, batch_size: usize) -> usize {
        let n_squares = batch_size.saturating_mul(self.above.n_places());
        self.part_len() * n_squares.div_ceil(PART.0).min(self.n_parts().max(n_squares.div_ceil(PART.1)))
    }
}

/// As many fours as whole blocks have. It says the same in `stages.wgsl`.
fn whole(n_fours: usize, block: Block) -> usize {
    n_fours.next_multiple_of(block.size() / 4)
}

/// Sums of losses of a batch, and the workgroups that sum them.
pub(crate) fn n_losses(n_rows: usize) -> usize {
    n_rows.div_ceil(GROUP)
}

/// Workgroups that take a few rows each.
pub(crate) fn few_rows_groups(n_rows: usize) -> [u32; 2] {
    groups(n_losses(n_rows))
}

/// Workgroups for all blocks of `n_rows` rows of `across` fours. `block_of` in `train.wgsl` says the same.
fn tiles(n_rows: usize, across: usize, block: Block) -> [u32; 2] {
    let (n_down, n_across) = (n_rows.div_ceil(block.size()), 4 * across / block.size());
    let tile_down = n_down.min(block.n_lanes() / n_across.min(block.n_lanes_across()));
    let tile_across = n_across.min(block.n_lanes() / tile_down);
    groups(n_down.div_ceil(tile_down) * n_across.div_ceil(tile_across))
}

/// So many workgroups, in two dimensions.
fn groups(n: usize) -> [u32; 2] {
    [n.min(MAX_GROUPS) as u32, n.div_ceil(MAX_GROUPS) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(image: Image, kernel: usize, n_filters: usize) -> Plan {
        let stage = Stage::Convolution { image, kernel, n_filters };
        let dense = Plan::dense(&[stage.n_outputs(), 2]);
        Plan { stages: [vec![stage], dense.stages.clone()].concat(), batch_norm: true, ..dense }
    }

    #[test]
    fn slopes_of_every_batch_have_room_and_sums_are_short() {
        for (side, n_channels, kernel, n_filters) in [(4, 1, 3, 5), (28, 3, 5, 16), (300, 4, 3, 2), (32, 256, 3, 512)] {
            let plan = plan(Image { height: side, width: side, n_channels }, kernel, n_filters);
            for batch_size in [1, 7, 100, 333, 4096, 65_535] {
                let layer = Shape::new(&plan, batch_size).layers[0];
                for n_rows in [1, batch_size / 3 + 1, batch_size] {
                    let n_squares = n_rows * layer.above.n_places();
                    let length = layer.part_length(n_squares);
                    let needed = n_squares.div_ceil(length) * layer.part_len();
                    assert!(needed <= layer.parts_len(batch_size), "{side} {batch_size} {n_rows}");
                    assert!((PART.0..=PART.1).contains(&length));
                }
            }
            for block in [Block::Four, Block::Eight, Block::Sixteen] {
                let shape = Shape::new(&plan, 1);
                let n_loops = 3 * shape.max_batch(block) * shape.layers[0].above.n_places() / block.n_lanes_of_sums();
                assert!((1..=MAX_BATCH).contains(&shape.max_batch(block)) && n_loops < MAX_BATCH, "{side} {block:?}");
            }
        }
    }

    #[test]
    fn squares_of_the_columns_are_laid_out_where_that_saves_terms() {
        for (n_channels, kernel, expected) in [(1, 3, 3), (3, 3, 3), (4, 3, 1), (3, 7, 1), (2, 1, 1)] {
            let plan = plan(Image { height: 9, width: 9, n_channels }, kernel, 4);
            assert_eq!(Shape::new(&plan, 1).source.1, expected, "{n_channels} {kernel}");
        }
    }
}
