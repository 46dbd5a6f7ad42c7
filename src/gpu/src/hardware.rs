//! The GPU as what a fit may compute on.

use std::fmt;
use std::rc::Rc;

use learn::accelerator::{Accelerator, Distances, Lost, Promised};
use learn::neural::{Backend, Plan, Rows};
use model::Layer;

use crate::trainer::{Block, Path, Trainer};
use crate::{Gpu, GpuError, KeptRows};

/// The user's GPU.
#[derive(Clone)]
pub struct Hardware {
    gpu: Rc<Gpu>,
    now_ms: Rc<dyn Fn() -> f64>,
    path: Option<Path>,
    block: Option<Block>,
}

impl Hardware {
    /// With a clock, of milliseconds from any moment on: the browser has another than this computer.
    pub fn new(gpu: Rc<Gpu>, now_ms: impl Fn() -> f64 + 'static) -> Self {
        Self { gpu, now_ms: Rc::new(now_ms), path: None, block: None }
    }

    /// Takes this path for every plan, rather than the one that suits it.
    pub fn with_path(self, path: Path) -> Self {
        Self { path: Some(path), ..self }
    }

    /// Sums in such blocks, rather than in those that suit the GPU.
    pub fn with_block(self, block: Block) -> Self {
        Self { block: Some(block), ..self }
    }

    /// Keeps rows of `n_columns` numbers.
    ///
    /// # Errors
    /// As `KeptRows::new`.
    pub async fn keep(&self, rows: &[f32], n_columns: usize) -> Result<KeptRows, GpuError> {
        KeptRows::new(self.gpu.clone(), rows, n_columns).await
    }

    /// A back end that starts from these weights; none if such a plan is not computed here.
    ///
    /// # Errors
    /// The GPU is lost, out of memory or refuses; or the weights are too many for it.
    pub async fn trainer<'r>(
        &self,
        plan: &Plan,
        layers: &[Layer],
        rows: &'r Rows,
    ) -> Result<Option<Trainer<'r>>, GpuError> {
        if !Trainer::computes(plan, rows) {
            return Ok(None);
        }
        let adapter = self.gpu.adapter();
        let block = self.block.unwrap_or_else(|| Block::suiting(plan, adapter.is_software));
        let path = self.path.unwrap_or_else(|| Path::suiting(plan));
        Trainer::new(self.gpu.clone(), self.now_ms.clone(), plan, layers, rows, (path, block)).await.map(Some)
    }
}

impl Accelerator for Hardware {
    fn name(&self) -> String {
        self.gpu.adapter().name.clone()
    }

    fn backend<'a>(
        &'a self,
        plan: &'a Plan,
        layers: &'a [Layer],
        rows: &'a Rows,
        _batch_size: usize,
    ) -> Promised<'a, Option<Box<dyn Backend + 'a>>> {
        Box::pin(async move {
            let trainer = self.trainer(plan, layers, rows).await.map_err(|error| Lost(error.to_string()))?;
            Ok(trainer.map(|trainer| Box::new(trainer) as Box<dyn Backend + 'a>))
        })
    }

    fn gram<'a>(&'a self, x: &'a [f32], n_columns: usize) -> Promised<'a, Option<Vec<f32>>> {
        Box::pin(async move {
            let size = (x.len() / n_columns.max(1), n_columns);
            self.gpu.gram(size, x).await.map(Some).map_err(|error| Lost(error.to_string()))
        })
    }

    fn distances<'a>(
        &'a self,
        rows: Vec<f32>,
        n_columns: usize,
        _n_points: usize,
    ) -> Promised<'a, Option<Box<dyn Distances + 'a>>> {
        Box::pin(async move {
            let kept = self.keep(&rows, n_columns).await.map_err(|error| Lost(error.to_string()))?;
            Ok(Some(Box::new(kept) as Box<dyn Distances>))
        })
    }
}

impl fmt::Debug for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { gpu, now_ms: _, path, block } = self;
        f.debug_struct("Hardware").field("gpu", gpu).field("path", path).field("block", block).finish_non_exhaustive()
    }
}
