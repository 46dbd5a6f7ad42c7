use thiserror::Error;

/// Why the GPU did not compute.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GpuError {
    /// Nothing here computes with WebGPU, Vulkan, Metal or DX12.
    #[error("no GPU was found: {reason}")]
    NoAdapter {
        /// What the system says.
        reason: String,
    },
    /// There is a GPU, but it is not given to us.
    #[error("the GPU {adapter:?} was refused: {reason}")]
    Refused {
        /// The GPU's name.
        adapter: String,
        /// What the system says.
        reason: String,
    },
    /// The GPU was there and is gone: a driver that started anew, a computer that slept, a browser that took it away.
    #[error("the GPU was lost: {reason}; ask for it again or compute on the CPU")]
    Lost {
        /// What the system says.
        reason: String,
    },
    /// The GPU's memory is too small.
    #[error("the GPU is out of memory: close what else uses it or compute on the CPU")]
    OutOfMemory,
    /// This computer's memory, or that of a page, is too small for what comes out.
    #[error("{n_rows} × {n_columns} numbers do not fit into memory: use fewer rows at a time")]
    TooLarge {
        /// Rows of the result.
        n_rows: usize,
        /// Columns of the result.
        n_columns: usize,
    },
    /// The GPU takes less in one piece.
    #[error("the network needs {n_bytes} bytes in one piece and the GPU takes {limit}: make it or its batches smaller")]
    PieceTooLarge {
        /// What it needs.
        n_bytes: u64,
        /// What the GPU takes.
        limit: u64,
    },
    /// More rows than are summed on the GPU in one kernel.
    #[error("a batch of {n_rows} rows is more than the {limit} that are computed on the GPU: make batches smaller")]
    BatchTooLarge {
        /// Rows of the batch.
        n_rows: u64,
        /// Rows that a batch may have.
        limit: u64,
    },
    /// The GPU's driver does not take what it was told. The fault is ours or the driver's.
    #[error("the GPU refused to compute: {reason}")]
    Rejected {
        /// What the system says.
        reason: String,
    },
}

impl From<wgpu::Error> for GpuError {
    fn from(error: wgpu::Error) -> Self {
        match error {
            wgpu::Error::OutOfMemory { .. } => Self::OutOfMemory,
            wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
                Self::Rejected { reason: description }
            }
        }
    }
}
