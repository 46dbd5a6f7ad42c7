//! Where lines run, in pixels.

use web_sys::CanvasRenderingContext2d;

use super::{Column, Data, Shown};

/// Left and right of the outer axes, in pixels: room for half of a heading.
pub const MARGIN: f64 = 60.0;
/// Up to so many things have curves, which are easier to follow; more have straight lines, which are drawn sooner.
const N_CURVED: usize = 300;
/// A line is pointed at from at most this many pixels away.
const NEAR: f64 = 12.0;

/// Where an axis is.
pub fn axis_x(place: usize, n_axes: usize, width: f64) -> f64 {
    MARGIN + place as f64 * (width - 2.0 * MARGIN) / (n_axes.max(2) - 1) as f64
}

/// Lines as pixels.
#[derive(PartialEq)]
pub struct Lines {
    /// Of the axes.
    pub xs: Vec<f64>,
    /// By axis, then by thing.
    pub ys: Vec<Vec<f64>>,
    is_curved: bool,
}

impl Lines {
    /// The lines of these axes in an area of this size.
    pub fn new(data: &Data, shown: &[Shown], order: &[usize], (width, height): (f64, f64)) -> Self {
        let ys = |axis: &usize| {
            let (column, scale): (&Column, _) = (&data.columns[*axis], shown[*axis].scale);
            column.values.iter().map(|value| scale.px(*value) * height).collect()
        };
        Self {
            xs: (0..order.len()).map(|place| axis_x(place, order.len(), width)).collect(),
            ys: order.iter().map(ys).collect(),
            is_curved: data.names.len() <= N_CURVED,
        }
    }

    /// Several in one path: many times as fast as one by one while they are thin, and slower when they are not.
    pub fn stroke(&self, context: &CanvasRenderingContext2d, at: impl IntoIterator<Item = usize>) {
        context.begin_path();
        at.into_iter().for_each(|at| self.trace(context, at));
        context.stroke();
    }

    fn trace(&self, context: &CanvasRenderingContext2d, at: usize) {
        let mut before = None;
        for (x, ys) in self.xs.iter().zip(&self.ys) {
            let y = ys[at];
            if y.is_nan() {
                before = None;
                continue;
            }
            match before {
                None => context.move_to(*x, y),
                Some(_) if !self.is_curved => context.line_to(*x, y),
                Some((from_x, from_y)) => {
                    let middle = (from_x + x) / 2.0;
                    context.bezier_curve_to(middle, from_y, middle, y, *x, y);
                }
            }
            before = Some((*x, y));
        }
    }

    /// The height of a line at a point between two axes: the curve of `trace`, near enough to be pointed at.
    fn y(&self, at: usize, x: f64) -> f64 {
        let right = self.xs.iter().position(|axis| *axis >= x).unwrap_or(self.xs.len() - 1).max(1);
        let (from, to) = (self.xs[right - 1], self.xs[right]);
        let share = ((x - from) / (to - from)).clamp(0.0, 1.0);
        let eased = if self.is_curved { share * share * (3.0 - 2.0 * share) } else { share };
        self.ys[right - 1][at] + (self.ys[right][at] - self.ys[right - 1][at]) * eased
    }

    /// Which of these lines passes nearest to a point, if one is near.
    pub fn nearest(&self, among: &[usize], x: f64, y: f64) -> Option<usize> {
        if self.xs.len() < 2 {
            return None;
        }
        let distance = |at: usize| (self.y(at, x) - y).abs();
        let near = among.iter().map(|at| (*at, distance(*at))).filter(|(_, distance)| *distance <= NEAR);
        near.reduce(|best, next| if next.1 < best.1 { next } else { best }).map(|(at, _)| at)
    }
}
