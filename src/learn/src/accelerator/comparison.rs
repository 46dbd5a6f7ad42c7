//! Rows that are compared with points: by an accelerator as long as there is one.

use std::rc::Rc;

use model::{Lanes, Screen};

use super::{ACCELERATED_FROM, Accelerated, Accelerator, Distances, Lost};
use crate::Checkpoint;

/// An accelerator that may be asked how near points are to rows. What it answers leaves out what cannot matter, and never
/// changes a figure.
pub struct Comparison<'a> {
    kept: Option<Box<dyn Distances + 'a>>,
    n_columns: usize,
    n_rows: usize,
    /// What is to be told in the end.
    by: Option<Accelerated>,
}

impl<'a> Comparison<'a> {
    /// Hands the rows of a screen over, if there is an accelerator and about `n_points` points are worth it.
    pub async fn new(accelerator: Option<&'a Rc<dyn Accelerator>>, screen: &Screen, n_points: usize) -> Self {
        let n_columns = screen.n_columns();
        let mut found = Self { kept: None, n_columns, n_rows: screen.n_rows(), by: None };
        let Some(accelerator) = accelerator.filter(|_| n_columns >= ACCELERATED_FROM && screen.is_bounded()) else {
            return found;
        };
        match accelerator.distances(screen.rows(), n_columns, n_points).await {
            Ok(None) => {}
            Ok(Some(kept)) => {
                found.kept = Some(kept);
                found.by = Some(Accelerated::Compared(accelerator.name()));
            }
            Err(lost) => found.lose(lost),
        }
        found
    }

    /// Of no accelerator.
    pub fn none() -> Self {
        Self { kept: None, n_columns: 1, n_rows: 0, by: None }
    }

    /// Whether the accelerator still answers.
    pub fn is_there(&self) -> bool {
        self.kept.is_some()
    }

    /// As `Distances::nearest`; none if the CPU is to compare.
    pub async fn nearest(&mut self, points: &[f32]) -> Option<Vec<f32>> {
        let n_points = points.len() / self.n_columns;
        let is_sound = |told: &[f32]| told.chunks(3).all(|told| told.len() == 3 && (told[0] as usize) < n_points);
        self.answered(self.kept.as_ref()?.nearest(points).await, 3 * self.n_rows, is_sound)
    }

    /// As `Distances::least`; none if the CPU is to compare.
    pub async fn least(&mut self, points: &[f32]) -> Option<Vec<f32>> {
        let n_groups = points.len() / self.n_columns * self.n_rows.div_ceil(Lanes::WIDTH);
        self.answered(self.kept.as_ref()?.least(points).await, n_groups, |_| true)
    }

    /// Says what the accelerator had a part in.
    pub fn tell(self, checkpoint: &mut impl Checkpoint) {
        if let Some(by) = self.by {
            checkpoint.remark(by.to_string());
        }
    }

    /// What it answered, unless it is lost or answers what cannot be.
    fn answered(
        &mut self,
        answer: Result<Vec<f32>, Lost>,
        len: usize,
        is_sound: impl Fn(&[f32]) -> bool,
    ) -> Option<Vec<f32>> {
        match answer {
            Ok(told) if told.len() == len && is_sound(&told) => return Some(told),
            Ok(_) => self.lose(Lost("it answers what cannot be".into())),
            Err(lost) => self.lose(lost),
        }
        None
    }

    fn lose(&mut self, lost: Lost) {
        self.kept = None;
        self.by = Some(Accelerated::Lost(lost.0));
    }
}
