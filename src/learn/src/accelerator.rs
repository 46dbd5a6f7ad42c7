//! What computes beside the CPU, as a GPU does: in single precision, and it may be lost at any time.

mod choice;
mod comparison;

use std::future::ready;
use std::pin::Pin;

use model::Layer;

pub use self::choice::{Faster, Missing};
pub use self::comparison::Comparison;
use crate::Stopped;
use crate::neural::{Backend, Plan, Rows};

/// Of fewer columns sums and distances take less time than to hand them over.
pub(crate) const ACCELERATED_FROM: usize = 64;

/// What an accelerator promises, once it is there.
pub type Promised<'a, T> = Pin<Box<dyn Future<Output = Result<T, Lost>> + 'a>>;

/// What computes beside the CPU.
pub trait Accelerator {
    /// What it is called where a run tells what computed it.
    fn name(&self) -> String;

    /// A back end that starts from these weights; none if the CPU is to compute this plan in such batches.
    fn backend<'a>(
        &'a self,
        plan: &'a Plan,
        layers: &'a [Layer],
        rows: &'a Rows,
        batch_size: usize,
    ) -> Promised<'a, Option<Box<dyn Backend + 'a>>>;

    /// `xᵀ x` of numbers that lie row by row, `n_columns` in each, row by row too; none if the CPU is to compute it.
    fn gram<'a>(&'a self, x: &'a [f32], n_columns: usize) -> Promised<'a, Option<Vec<f32>>> {
        let _ = (x, n_columns);
        Box::pin(ready(Ok(None)))
    }

    /// Keeps rows of `n_columns` numbers, to compare them with about `n_points` points; none if the CPU is to do that.
    fn distances<'a>(
        &'a self,
        rows: Vec<f32>,
        n_columns: usize,
        n_points: usize,
    ) -> Promised<'a, Option<Box<dyn Distances + 'a>>> {
        let _ = (rows, n_columns, n_points);
        Box::pin(ready(Ok(None)))
    }
}

/// Rows that an accelerator keeps, and how far points are from them: sums of squared differences in single precision. Each
/// is off by at most `model::Screen::accelerated` tells.
pub trait Distances {
    /// Of each row three numbers: the position of the nearest of some points, which lie one after another; the square of
    /// its distance; and that of the next one, infinite if there is only one.
    fn nearest<'a>(&'a self, points: &'a [f32]) -> Promised<'a, Vec<f32>>;

    /// Of each point, and of each group of `model::Lanes::WIDTH` rows, the least square of a distance: point by point.
    fn least<'a>(&'a self, points: &'a [f32]) -> Promised<'a, Vec<f32>>;
}

/// What computed is gone, or does not take what it was given: in a sentence, without a full stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Lost(pub String);

impl From<Stopped> for Lost {
    fn from(stopped: Stopped) -> Self {
        Self(stopped.to_string())
    }
}

/// What an accelerator had a part in, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Accelerated {
    /// It computed everything that takes long; its name.
    #[error("Computed and rounded by the GPU {0:?}: on the CPU, figures differ a little.")]
    Wholly(String),
    /// It added up, and the CPU computed what rounding had taken; its name.
    #[error("Added up by the GPU {0:?} and mended by the CPU: the first nine digits of figures are the CPU's.")]
    Mended(String),
    /// It left out what cannot matter; its name.
    #[error("Compared by the GPU {0:?}: figures are the CPU's to the last digit.")]
    Compared(String),
    /// It was lost on the way, so the CPU computed; the reason.
    #[error("The CPU computed it, as the GPU did not: {0}.")]
    Lost(String),
}

#[cfg(test)]
pub(crate) mod tests;
