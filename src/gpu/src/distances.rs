//! Rows that stay on the GPU, and which of them are near to points.

use std::rc::Rc;

use learn::accelerator::{Distances, Lost, Promised};
use model::Lanes;

use crate::device::Memory;
use crate::kernels::{Kernel, Sums};
use crate::product::Block;
use crate::{Gpu, GpuError};

/// Rows that lie together: as many squares of distances to some points fit into one block.
const PIECE_ROWS: usize = 1 << 14;
/// Workgroups beside each other in one dimension; every GPU takes so many.
const MAX_GROUPS: usize = 65_535;
/// Lanes of a workgroup.
const N_LANES: usize = 64;

/// Rows on the GPU.
#[derive(Debug)]
pub struct KeptRows {
    gpu: Rc<Gpu>,
    /// Some rows each: whole groups of `Lanes::WIDTH`, but for the last.
    pieces: Vec<(Memory, usize)>,
    n_columns: usize,
    n_rows: usize,
}

impl KeptRows {
    /// Hands over rows of `n_columns` numbers, at least one.
    ///
    /// # Errors
    /// The GPU is lost, out of memory, or refuses to compute.
    ///
    /// # Panics
    /// If the numbers are not whole rows.
    pub async fn new(gpu: Rc<Gpu>, rows: &[f32], n_columns: usize) -> Result<Self, GpuError> {
        assert!(n_columns > 0 && rows.len().is_multiple_of(n_columns), "rows of {n_columns} numbers");
        let of_piece = (gpu.block_len() / n_columns).min(PIECE_ROWS) / Lanes::WIDTH * Lanes::WIDTH;
        let of_piece = of_piece.max(Lanes::WIDTH) * n_columns;
        let upload = || rows.chunks(of_piece).map(|some| (gpu.upload(some), some.len() / n_columns)).collect();
        let pieces = gpu.accepted(upload).await?;
        Ok(Self { gpu, pieces, n_columns, n_rows: rows.len() / n_columns })
    }

    /// Of each row the position of the nearest of some points, of which there is at least one, the square of its distance, and
    /// that of the next one, 3e38 if there is none.
    ///
    /// # Errors
    /// The GPU is lost, out of memory, or refuses to compute.
    pub async fn nearest(&self, points: &[f32]) -> Result<Vec<f32>, GpuError> {
        let of_block = self.n_points_at_once();
        let mut found: Vec<f32> = Vec::new();
        for (block_idx, points) in points.chunks(of_block * self.n_columns).enumerate() {
            let told = self.told(Kernel::Nearest, points, 3 * self.n_rows).await?;
            if block_idx == 0 {
                found = told;
                continue;
            }
            for (found, told) in found.chunks_exact_mut(3).zip(told.chunks_exact(3)) {
                if told[1] < found[1] {
                    let position = told[0] + (block_idx * of_block) as f32;
                    found.copy_from_slice(&[position, told[1], found[1].min(told[2])]);
                } else {
                    found[2] = found[2].min(told[1]);
                }
            }
        }
        Ok(found)
    }

    /// Of each point, and of each group of `Lanes::WIDTH` rows, the least square of a distance: point by point.
    ///
    /// # Errors
    /// The GPU is lost, out of memory, or refuses to compute.
    pub async fn least(&self, points: &[f32]) -> Result<Vec<f32>, GpuError> {
        let n_groups = self.n_rows.div_ceil(Lanes::WIDTH);
        let of_block = self.n_points_at_once().min(self.gpu.block_len() / n_groups.max(1)).max(1);
        let mut found = Vec::with_capacity(points.len() / self.n_columns * n_groups);
        for points in points.chunks(of_block * self.n_columns) {
            found.extend(self.told(Kernel::Least, points, points.len() / self.n_columns * n_groups).await?);
        }
        Ok(found)
    }

    fn n_points_at_once(&self) -> usize {
        let of_piece = self.pieces.first().map_or(1, |(_, n_rows)| *n_rows);
        (self.gpu.block_len() / of_piece.max(self.n_columns)).clamp(1, MAX_GROUPS)
    }

    /// So many numbers that a kernel finds in the squares of the distances of all rows to a block of points.
    async fn told(&self, kernel: Kernel, points: &[f32], n_found: usize) -> Result<Vec<f32>, GpuError> {
        let Some((_, most_rows)) = self.pieces.first() else { return Ok(Vec::new()) };
        let gpu = &*self.gpu;
        gpu.check_piece(n_found)?;
        let n_points = points.len() / self.n_columns;
        let submit = || {
            let found = gpu.numbers(n_found);
            let points = gpu.upload(points);
            let squares = gpu.numbers(n_points * most_rows);
            let mut first_row = 0;
            for (rows, n_rows) in &self.pieces {
                let kernel_of_squares =
                    Kernel::Product { a_is_transposed: false, b_is_transposed: true, sums: Sums::Distances };
                let block = Block {
                    kernel: kernel_of_squares,
                    size: (n_points, *n_rows, self.n_columns),
                    first: (0, 0),
                    is_added: false,
                    a: &points,
                    b: rows,
                    sums: &squares,
                };
                block.submit(gpu);
                let (first, n_all, n_lanes, n_deep) = match kernel {
                    Kernel::Least => {
                        let n_groups = n_rows.div_ceil(Lanes::WIDTH);
                        (first_row / Lanes::WIDTH, self.n_rows.div_ceil(Lanes::WIDTH), n_groups, n_points)
                    }
                    _ => (first_row, self.n_rows, *n_rows, 1),
                };
                let figures = gpu.figures(&[*n_rows, n_points, first, n_all].map(|n| n as u32));
                gpu.dispatch(kernel, &[&figures, &squares, &found], [n_lanes.div_ceil(N_LANES), n_deep, 1]);
                first_row += n_rows;
            }
            found
        };
        let found = gpu.accepted(submit).await?;
        gpu.read(&found).await
    }
}

impl Distances for KeptRows {
    fn nearest<'a>(&'a self, points: &'a [f32]) -> Promised<'a, Vec<f32>> {
        Box::pin(async move { self.nearest(points).await.map_err(|error| Lost(error.to_string())) })
    }

    fn least<'a>(&'a self, points: &'a [f32]) -> Promised<'a, Vec<f32>> {
        Box::pin(async move { self.least(points).await.map_err(|error| Lost(error.to_string())) })
    }
}
