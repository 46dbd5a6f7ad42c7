//! Dense kernels and steps of networks on the user's own GPU, in WGSL over `wgpu`: WebGPU in the browser; Vulkan, Metal or DX12 elsewhere.
//!
//! Numbers have 32 bits and sums the order that suits a GPU, so what comes out is rounded by the GPU: the same bits
//! everywhere come from the CPU alone.

mod device;
mod distances;
mod error;
mod hardware;
mod kernels;
mod product;
mod trainer;

pub use device::{Adapter, Gpu};
pub use distances::KeptRows;
pub use error::GpuError;
pub use hardware::Hardware;
pub use product::Factor;
pub use trainer::{Block, Path, Traffic, Trainer};
