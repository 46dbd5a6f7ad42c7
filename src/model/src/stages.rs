//! What the stages of a neural network do.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::gemm::Scratch;
use crate::network::Layer;

/// An image as numbers: row by row, the channels of a pixel together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
    /// Numbers of a pixel.
    pub n_channels: usize,
}

/// What becomes of the numbers of a row on their way through a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Weighted sums of all numbers.
    Dense {
        /// Numbers that go in.
        n_inputs: usize,
        /// Numbers that come out.
        n_outputs: usize,
    },
    /// Weighted sums of each square of pixels, everywhere with the same weights. Squares overlap: there is one at each pixel
    /// from which it lies within the image. What goes into its layer is a square, row by row; what comes out of it are the
    /// channels of a pixel.
    Convolution {
        /// What goes in.
        image: Image,
        /// Pixels along a side of a square.
        kernel: usize,
        /// Channels that come out.
        n_filters: usize,
    },
    /// The largest number of each square of pixels, by channel. Squares lie side by side; pixels that fill none are left out.
    Pooling {
        /// What goes in.
        image: Image,
        /// Pixels along a side of a square.
        size: usize,
    },
}

impl Image {
    /// Numbers in all.
    pub fn n_numbers(self) -> usize {
        self.height.saturating_mul(self.width).saturating_mul(self.n_channels)
    }
}

// Saved as five numbers, of which those are 0 that a stage has not: height, width and channels of the image (all inputs of a
// dense stage are channels), pixels along a side of a square, channels that come out.
impl Serialize for Stage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbers = match *self {
            Self::Dense { n_inputs, n_outputs } => [0, 0, n_inputs, 0, n_outputs],
            Self::Convolution { image, kernel, n_filters } => {
                [image.height, image.width, image.n_channels, kernel, n_filters]
            }
            Self::Pooling { image, size } => [image.height, image.width, image.n_channels, size, 0],
        };
        numbers.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Stage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [height, width, n_channels, size, n_outputs] = Deserialize::deserialize(deserializer)?;
        let image = Image { height, width, n_channels };
        Ok(match (size, n_outputs) {
            (0, _) => Self::Dense { n_inputs: n_channels, n_outputs },
            (_, 0) => Self::Pooling { image, size },
            (kernel, n_filters) => Self::Convolution { image, kernel, n_filters },
        })
    }
}

impl Stage {
    /// No stage that makes more numbers of a row is sound: many rows go through together.
    pub const MAX_OUTPUTS: usize = 1 << 19;

    /// What goes in as an image, pixels along a side of a square, and from one square to the next; of a dense stage, the one
    /// square is a pixel.
    fn squares(self) -> (Image, usize, usize) {
        match self {
            Self::Dense { n_inputs, .. } => (Image { height: 1, width: 1, n_channels: n_inputs }, 1, 1),
            Self::Convolution { image, kernel, .. } => (image, kernel, 1),
            Self::Pooling { image, size } => (image, size, size),
        }
    }

    /// Numbers of a row that go in.
    pub fn n_inputs(self) -> usize {
        self.input().n_numbers()
    }

    /// Numbers of a row that come out; 0 if squares do not fit into the image.
    pub fn n_outputs(self) -> usize {
        self.output().n_numbers()
    }

    /// What goes in as an image; of a dense stage, a pixel.
    pub fn input(self) -> Image {
        self.squares().0
    }

    /// Pixels along a side of a square.
    pub fn size(self) -> usize {
        self.squares().1
    }

    /// What comes out as an image; of a dense stage, a pixel.
    pub fn output(self) -> Image {
        let (image, size, step) = self.squares();
        let n_channels = match self {
            Self::Dense { n_outputs: n, .. } | Self::Convolution { n_filters: n, .. } => n,
            Self::Pooling { image, .. } => image.n_channels,
        };
        let squares = |side: usize| if (1..=side).contains(&size) { (side - size) / step + 1 } else { 0 };
        Image { height: squares(image.height), width: squares(image.width), n_channels }
    }

    /// Numbers that go into its layer and come out of it; none of a stage without weights.
    pub fn layer(self) -> Option<(usize, usize)> {
        let (Image { n_channels, .. }, size, _) = self.squares();
        let n_inputs = size.saturating_mul(size).saturating_mul(n_channels);
        (!matches!(self, Self::Pooling { .. })).then(|| (n_inputs, self.output().n_channels))
    }

    /// About how many products it takes to send a row through.
    pub fn work(self) -> usize {
        self.layer().map_or(self.n_inputs(), |(n_inputs, _)| n_inputs.saturating_mul(self.n_outputs()))
    }

    /// Rows whose squares are laid out together, so that they stay in the cache.
    pub fn rows_at_once(self) -> usize {
        let Image { height, width, .. } = self.output();
        let n_numbers = self.layer().map_or(1, |(n_inputs, _)| n_inputs * height * width);
        ((1 << 16) / n_numbers.max(1)).max(1)
    }

    /// Where in the image the lines of pixels of each square begin, square by square, and how many numbers each line has.
    #[inline(never)]
    pub fn lines(self) -> (Vec<usize>, usize) {
        let (image, size, step) = self.squares();
        let Image { height, width, .. } = self.output();
        let mut lines = Vec::with_capacity(height * width * size);
        for at in 0..height * width * size {
            let (square, y) = (at / size, at % size);
            let (top, left) = (square / width * step, square % width * step);
            lines.push(((top + y) * image.width + left) * image.n_channels);
        }
        (lines, size * image.n_channels)
    }

    /// Lays the squares of rows out one after another.
    #[inline(never)]
    pub fn lay_out(self, rows: &[f32], squares: &mut Vec<f32>) {
        let (lines, length) = self.lines();
        squares.clear();
        for row in rows.chunks_exact(self.n_inputs()) {
            lines.iter().for_each(|first| squares.extend_from_slice(&row[*first..][..length]));
        }
    }

    /// Where in a row the largest number is of those that an output of a pooling stage is about, the first of equals; `lines`
    /// are the stage's.
    #[inline(never)]
    pub fn largest(self, (lines, length): (&[usize], usize), row: &[f32], output: usize) -> usize {
        let (Image { n_channels, .. }, size, _) = self.squares();
        let (square, channel) = (output / n_channels, output % n_channels);
        let mut largest = lines[square * size] + channel;
        for first in &lines[square * size..][..size] {
            for place in (first + channel..first + length).step_by(n_channels) {
                if row[place] > row[largest] {
                    largest = place;
                }
            }
        }
        largest
    }

    /// What becomes of rows, with the layer of a stage that has one. Sums are not bent.
    pub fn forward(
        self,
        layer: Option<&Layer>,
        inputs: &[f32],
        n_rows: usize,
        scratch: &mut Scratch,
        outputs: &mut Vec<f32>,
    ) {
        let (n_inputs, n_outputs) = (self.n_inputs(), self.n_outputs());
        outputs.clear();
        outputs.resize(n_rows * n_outputs, 0.0);
        match (self, layer) {
            (Self::Dense { .. }, Some(layer)) => layer.sums(inputs, n_rows, scratch, outputs),
            (_, Some(layer)) => {
                let n_at_once = self.rows_at_once();
                let mut squares = std::mem::take(&mut scratch.squares);
                for (rows, sums) in inputs.chunks(n_at_once * n_inputs).zip(outputs.chunks_mut(n_at_once * n_outputs)) {
                    self.lay_out(rows, &mut squares);
                    layer.sums(&squares, sums.len() / layer.n_outputs, scratch, sums);
                }
                scratch.squares = squares;
            }
            (_, None) => {
                let (lines, length) = self.lines();
                for (at, output) in outputs.iter_mut().enumerate() {
                    let row = &inputs[at / n_outputs * n_inputs..][..n_inputs];
                    *output = row[self.largest((&lines, length), row, at % n_outputs)];
                }
            }
        }
    }
}
