//! The kernels of a network's steps, as text: WGSL has no loops that are sure to be unrolled.

use learn::neural::Plan;
use model::Stage;

use super::Block;
use super::shape::MAX_LAYERS;

/// A kernel of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Copies the rows of the batch into the first layer.
    Gather,
    /// The values of a layer.
    Forward,
    /// The losses of rows.
    Judge,
    /// Slopes along the layer below.
    Backward,
    /// All of these, for a few rows each.
    PassRows,
    /// Moves the weights of all dense layers.
    Descend,
    /// Lays out squares of the rows of the batch as the first image.
    LayOut,
    /// The sums of a convolution.
    Convolve,
    /// Slopes along the pixels below a convolution.
    ConvolveBack,
    /// Slopes along the weights of a convolution, in parts.
    SumSlopes,
    /// Moves the weights of a convolution.
    MoveWeights,
    /// The largest numbers of squares.
    Pool,
    /// Slopes along the numbers below.
    PoolBack,
    /// Normalises the sums of a layer, and bends them.
    Normalise,
    /// Slopes along these sums; moves the factors and biases of the norm.
    NormaliseBack,
}

/// What a plan has beside dense layers. Kernels without it are not made slower by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Extras {
    /// Stages that take rows for images.
    pub(crate) images: bool,
    pub(crate) norms: bool,
    /// Nodes that are dropped.
    pub(crate) drops: bool,
}

impl Extras {
    pub(crate) fn of(plan: &Plan) -> Self {
        Self {
            images: plan.stages.iter().any(|stage| !matches!(stage, Stage::Dense { .. })),
            norms: plan.batch_norm,
            drops: plan.dropout > 0.0,
        }
    }
}

impl Phase {
    /// What it is called in `train.wgsl` or `stages.wgsl`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gather => "gather",
            Self::Forward => "forward",
            Self::Judge => "judge",
            Self::Backward => "backward",
            Self::PassRows => "pass_rows",
            Self::Descend => "descend",
            Self::LayOut => "lay_out",
            Self::Convolve => "convolve",
            Self::ConvolveBack => "convolve_back",
            Self::SumSlopes => "sum_slopes",
            Self::MoveWeights => "move_weights",
            Self::Pool => "pool",
            Self::PoolBack => "pool_back",
            Self::Normalise => "normalise",
            Self::NormaliseBack => "normalise_back",
        }
    }

    /// Whether `train.wgsl` has it.
    fn is_of_dense(self) -> bool {
        match self {
            Self::Gather | Self::Forward | Self::Judge | Self::Backward | Self::PassRows | Self::Descend => true,
            Self::LayOut | Self::Convolve | Self::ConvolveBack | Self::SumSlopes | Self::MoveWeights => false,
            Self::Pool | Self::PoolBack | Self::Normalise | Self::NormaliseBack => false,
        }
    }
}

/// The text that has a kernel, for blocks of this size.
pub(crate) fn source(phase: Phase, block: Block, extras: Extras) -> String {
    let (size, across) = (block.size(), block.size() / 4);
    let mut source = include_str!("train.wgsl").to_owned();
    if !phase.is_of_dense() {
        source += include_str!("stages.wgsl");
    }
    let sums: Vec<(usize, usize)> = (0..size).flat_map(|row| (0..across).map(move |four| (row, four))).collect();
    let list = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
    for (name, text) in [
        ("$MAX_LAYERS", MAX_LAYERS.to_string()),
        ("$BLOCK", size.to_string()),
        ("$ACROSS", across.to_string()),
        ("$LANES_ACROSS", block.n_lanes_across().to_string()),
        ("$LANES", block.n_lanes().to_string()),
        ("$SUM_LANES", block.n_lanes_of_sums().to_string()),
        ("$HAS_IMAGES", extras.images.to_string()),
        ("$HAS_NORMS", extras.norms.to_string()),
        ("$DROPS", extras.drops.to_string()),
        ("$FEW_LANES", block.n_lanes_of_few_rows().to_string()),
        ("$NO_SUMS", sums.iter().map(|(row, four)| format!("var sum_{row}_{four} = vec4f();")).collect()),
        ("$SUMS", list(&mut sums.iter().map(|(row, four)| format!("sum_{row}_{four}")))),
        ("$NO_BIASES", (0..across).map(|four| format!("var bias_{four} = vec4f();")).collect()),
        ("$BIASES", list(&mut (0..across).map(|four| format!("bias_{four}")))),
        ("$ROW_STARTS", starts("row", "first_row", "layer.inputs_across", size)),
        (
            "$ERROR_STARTS",
            starts("error", "first_row", "layer.outputs_across", size)
                + &starts("weight", "first_weight", "layer.outputs_across", size),
        ),
        ("$FORWARD_TERM", forward_term(&sums, size, across)),
        ("$BACKWARD_TERM", backward_term(&sums, size)),
        ("$DESCEND_TERM", descend_term(&sums, across, |four| four.to_string())),
        ("$SLOPE_TERM", descend_term(&sums, across, |four| format!("offset_{four}"))),
        ("$SQUARE_STARTS", (0..size).map(starts_of_square).collect()),
        ("$PIXELS", (0..size).map(|at| format!("let pixel_{at} = pixel_of(image, block.x + {at});")).collect()),
        ("$PIXEL_ERRORS", (0..size).map(starts_of_pixel).collect()),
        ("$OFFSETS", (0..across).map(|at| format!("let offset_{at} = offset_of(image, first_four + {at});")).collect()),
    ] {
        source = source.replace(name, &text);
    }
    source
}

/// Where each row of a block starts.
fn starts(name: &str, first: &str, stride: &str, n: usize) -> String {
    (0..n).map(|at| format!("let {name}_{at} = {first} + {at} * {stride};")).collect()
}

/// Where a square of a block starts; beyond the last it is the last.
fn starts_of_square(row: usize) -> String {
    format!("let row_{row} = layer.inputs + square_at(layer, image, min(block.x + {row}, last));")
}

/// Where the slopes above a pixel of a block start, and the weights of a channel.
fn starts_of_pixel(at: usize) -> String {
    format!("let error_{at} = pixel_error(layer, image, pixel_{at}, offset);")
        + &format!("let weight_{at} = first_weight + {at} * layer.outputs_across;")
}

/// Four inputs of each row, times their weights.
fn forward_term(sums: &[(usize, usize)], size: usize, across: usize) -> String {
    let mut text: String = (0..size).map(|row| format!("let value_{row} = work[row_{row} + term];")).collect();
    for (at, part) in ["x", "y", "z", "w"].into_iter().enumerate() {
        for four in 0..across {
            text += &format!("let weight_{at}_{four} = state[weight_at + {at} * layer.outputs_across + {four}];");
        }
        for (row, four) in sums {
            text += &format!("sum_{row}_{four} += value_{row}.{part} * weight_{at}_{four};");
        }
    }
    text
}

/// Slopes along four outputs of each row, times the weights of each input.
fn backward_term(sums: &[(usize, usize)], size: usize) -> String {
    let mut text: String = (0..size)
        .map(|at| format!("let of_row_{at} = work[error_{at} + term];let of_input_{at} = state[weight_{at} + term];"))
        .collect();
    for (row, four) in sums {
        let dots = (0..4).map(|at| format!("dot(of_row_{row}, of_input_{})", 4 * four + at)).collect::<Vec<_>>();
        text += &format!("sum_{row}_{four} += vec4f({});", dots.join(", "));
    }
    text
}

/// What a row of the batch adds to the slopes along weights and biases, if its fours are apart like this.
fn descend_term(sums: &[(usize, usize)], across: usize, offset: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for four in 0..across {
        text += &format!("let value_{four} = work[input_at + {}];", offset(four));
        text += &format!("let error_{four} = work[error_at + {four}];");
        text += &format!("bias_{four} += error_{four};");
    }
    for (row, four) in sums {
        text += &format!("sum_{row}_{four} += value_{}.{} * error_{four};", row / 4, ["x", "y", "z", "w"][row % 4]);
    }
    text
}
