//! Principal components: the directions along which rows differ most.

use serde::{Deserialize, Serialize};

use crate::{Block, Features, Frame, Matrix, ModelError, NewColumn, NewValues, add_sum};

/// Directions at right angles to each other, the widest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrincipalComponents {
    /// Subtracted from and divided out of each column first, as learned in training.
    pub scaling: Vec<(f64, f64)>,
    /// Component by component, one value per column, of length 1.
    pub directions: Vec<f64>,
    /// Along each component, dividing by n - 1.
    pub variances: Vec<f64>,
    /// Of all columns together.
    pub total_variance: f64,
}

impl PrincipalComponents {
    /// Components that are kept.
    pub fn n_components(&self) -> usize {
        self.variances.len()
    }

    /// Where rows lie along the components, component by component.
    pub fn project(&self, x: &Matrix) -> Vec<f64> {
        let mut places = vec![0.0; x.n_rows * self.n_components()];
        let mut scaled = vec![0.0; self.scaling.len() * BLOCK];
        for first in (0..x.n_rows).step_by(BLOCK) {
            let rows = first..(first + BLOCK).min(x.n_rows);
            for (column_idx, (to, scaling)) in scaled.chunks_exact_mut(BLOCK).zip(&self.scaling).enumerate() {
                scale(&x.column(column_idx)[rows.clone()], *scaling, to);
            }
            let block = Block { values: &scaled, stride: BLOCK, n_rows: rows.len() };
            for (component, direction) in self.directions.chunks_exact(x.n_columns.max(1)).enumerate() {
                add_sum(&mut places[component * x.n_rows..][rows.clone()], direction, block);
            }
        }
        places
    }

    /// Of each row, the square of its distance to what the components can say of it.
    pub fn residuals(&self, x: &Matrix) -> Vec<f64> {
        let places = self.project(x);
        let mut residuals = vec![0.0; x.n_rows];
        let mut rest = vec![0.0; x.n_rows];
        for (column_idx, (mean, scale)) in self.scaling.iter().enumerate() {
            for (rest, value) in rest.iter_mut().zip(x.column(column_idx)) {
                *rest = (value - mean) / scale;
            }
            for (places, direction) in
                places.chunks_exact(x.n_rows.max(1)).zip(self.directions.chunks_exact(x.n_columns.max(1)))
            {
                rest.iter_mut().zip(places).for_each(|(rest, place)| *rest -= place * direction[column_idx]);
            }
            residuals.iter_mut().zip(&rest).for_each(|(sum, rest)| *sum += rest * rest);
        }
        residuals
    }
}

/// Rows that are projected together.
const BLOCK: usize = 256;

numeric::wide! {
    fn scale(from: &[f64], scaling: (f64, f64), to: &mut [f64]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = (from - scaling.0) / scaling.1;
        }
    }
}

/// Replaces columns by where rows lie along their principal components, or adds those.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    /// What it looks at.
    pub features: Features,
    /// Along what.
    pub components: PrincipalComponents,
    /// The columns that it looks at stay too.
    pub keep: bool,
}

/// The name of a component's column, counted from 0.
pub fn component_name(component: usize) -> String {
    format!("PC{}", component + 1)
}

impl Projection {
    pub(crate) fn apply(&self, frame: &Frame<'_>) -> Result<crate::Transformed, ModelError> {
        let x = self.features.matrix(frame)?;
        let places = self.components.project(&x);
        let column = |component: usize| NewColumn {
            column: schema::Column::new(component_name(component), schema::Kind::Number),
            values: NewValues::Number(places[component * x.n_rows..][..x.n_rows].to_vec()),
            valid: None,
        };
        let columns = (0..self.components.n_components()).map(column).collect();
        let names = || self.features.features.iter().map(|feature| feature.name.clone()).collect();
        let dropped_columns = if self.keep { Vec::new() } else { names() };
        Ok(crate::Transformed { kept_rows: None, dropped_columns, columns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_across_the_components_is_left_over() {
        let s = numeric::sqrt(0.5);
        let components = PrincipalComponents {
            scaling: vec![(1.0, 1.0), (0.0, 1.0)],
            directions: vec![s, s],
            variances: vec![1.0],
            total_variance: 2.0,
        };
        let x = Matrix { values: vec![3.0, 2.0, 2.0, -1.0], n_rows: 2, n_columns: 2 };
        let (places, rest) = (components.project(&x), components.residuals(&x));
        assert!((places[0] - 2.0 * numeric::sqrt(2.0)).abs() < 1e-15 && places[1].abs() < 1e-15, "{places:?}");
        assert!(rest[0] < 1e-15 && (rest[1] - 2.0).abs() < 1e-15, "{rest:?}");
    }
}
