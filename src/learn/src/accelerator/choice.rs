//! Which of the CPU and an accelerator computes.

use std::future::ready;
use std::rc::Rc;

use model::Layer;

use super::{Accelerator, Distances, Lost, Promised};
use crate::neural::{Backend, Pace, Plan, Rows};

/// About how long it takes to hand a number over.
const SECS_PER_NUMBER: f64 = 4e-9;

/// An accelerator for what it computes faster than the CPU, by what was measured of both.
pub struct Faster {
    /// What it is about.
    pub accelerator: Rc<dyn Accelerator>,
    /// How fast it is.
    pub pace: Pace,
    /// How fast the CPU is.
    pub cpu: Pace,
}

impl Faster {
    /// Whether so many products take the CPU longer than to hand so many numbers over and wait.
    fn is_worth(&self, n_products: f64, n_numbers: usize) -> bool {
        self.cpu.secs(n_products) > self.pace.secs(n_products) + SECS_PER_NUMBER * n_numbers as f64
    }
}

impl Accelerator for Faster {
    fn name(&self) -> String {
        self.accelerator.name()
    }

    fn backend<'a>(
        &'a self,
        plan: &'a Plan,
        layers: &'a [Layer],
        rows: &'a Rows,
        batch_size: usize,
    ) -> Promised<'a, Option<Box<dyn Backend + 'a>>> {
        let n_products = plan.n_products(batch_size);
        if self.cpu.secs(n_products) <= self.pace.secs(n_products) {
            return Box::pin(ready(Ok(None)));
        }
        self.accelerator.backend(plan, layers, rows, batch_size)
    }

    fn gram<'a>(&'a self, x: &'a [f32], n_columns: usize) -> Promised<'a, Option<Vec<f32>>> {
        match self.is_worth(x.len() as f64 * n_columns as f64, x.len()) {
            true => self.accelerator.gram(x, n_columns),
            false => Box::pin(ready(Ok(None))),
        }
    }

    fn distances<'a>(
        &'a self,
        rows: Vec<f32>,
        n_columns: usize,
        n_points: usize,
    ) -> Promised<'a, Option<Box<dyn Distances + 'a>>> {
        match self.is_worth(rows.len() as f64 * n_points as f64, rows.len()) {
            true => self.accelerator.distances(rows, n_columns, n_points),
            false => Box::pin(ready(Ok(None))),
        }
    }
}

/// In place of an accelerator that was asked for: why there is none.
pub struct Missing(pub Lost);

impl Accelerator for Missing {
    fn name(&self) -> String {
        // What comes out is the CPU's.
        String::new()
    }

    fn backend<'a>(
        &'a self,
        _plan: &'a Plan,
        _layers: &'a [Layer],
        _rows: &'a Rows,
        _batch_size: usize,
    ) -> Promised<'a, Option<Box<dyn Backend + 'a>>> {
        Box::pin(ready(Err(self.0.clone())))
    }

    fn gram<'a>(&'a self, _x: &'a [f32], _n_columns: usize) -> Promised<'a, Option<Vec<f32>>> {
        Box::pin(ready(Err(self.0.clone())))
    }

    fn distances<'a>(
        &'a self,
        _rows: Vec<f32>,
        _n_columns: usize,
        _n_points: usize,
    ) -> Promised<'a, Option<Box<dyn Distances + 'a>>> {
        Box::pin(ready(Err(self.0.clone())))
    }
}
