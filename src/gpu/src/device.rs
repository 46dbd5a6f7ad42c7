//! The GPU itself: finding it, its memory, and hearing what goes wrong.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use futures_channel::oneshot;
use wgpu::BufferUsages;

use crate::GpuError;
use crate::kernels::Kernels;

/// A matrix is cut into blocks of at most this many bytes, which every GPU can bind.
const BLOCK_BYTES: u64 = 128 << 20;

/// Who could have offered a GPU.
const NOT_FOUND: &str = if cfg!(target_family = "wasm") {
    "the browser offers none; its settings may have it switched off"
} else {
    "no driver for Vulkan, Metal or DX12 offers one"
};

/// A GPU that computes.
#[derive(Debug)]
pub struct Gpu {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) kernels: Kernels,
    adapter: Adapter,
    faults: Faults,
    block_bytes: u64,
    piece_bytes: u64,
}

/// What a GPU is, and how much of a matrix it takes at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// As the driver says; a browser may keep it to itself.
    pub name: String,
    /// Whether it is a program on the CPU.
    pub is_software: bool,
    /// Bytes that one piece of its memory may have.
    pub max_buffer_bytes: u64,
    /// Bytes that a kernel may see of a piece.
    pub max_binding_bytes: u64,
}

impl Gpu {
    /// The fastest GPU that is here.
    ///
    /// # Errors
    /// There is none, or it is refused.
    pub async fn find() -> Result<Self, GpuError> {
        if wgpu::Instance::enabled_backend_features().is_empty() {
            return Err(GpuError::NoAdapter { reason: "none is supported on this system".into() });
        }
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let found = wgpu::Instance::default().request_adapter(&options).await;
        let found = found.map_err(|error| match error {
            wgpu::RequestAdapterError::NotFound { .. } => GpuError::NoAdapter { reason: NOT_FOUND.into() },
            error => GpuError::NoAdapter { reason: error.to_string() },
        })?;
        let (info, limits) = (found.get_info(), found.limits());
        let adapter = Adapter {
            name: if info.name.is_empty() { "unnamed".into() } else { info.name },
            is_software: info.device_type == wgpu::DeviceType::Cpu,
            max_buffer_bytes: limits.max_buffer_size,
            max_binding_bytes: limits.max_storage_buffer_binding_size,
        };
        let wanted = wgpu::DeviceDescriptor {
            required_limits: wgpu::Limits {
                max_buffer_size: adapter.max_buffer_bytes,
                max_storage_buffer_binding_size: adapter.max_binding_bytes,
                ..wgpu::Limits::downlevel_defaults()
            },
            ..Default::default()
        };
        let (device, queue) = found
            .request_device(&wanted)
            .await
            .map_err(|error| GpuError::Refused { adapter: adapter.name.clone(), reason: error.to_string() })?;
        let faults = Faults::default();
        faults.listen(&device);
        let kernels = Kernels::default();
        let found = Self { device, queue, kernels, adapter, faults, block_bytes: 0, piece_bytes: 0 };
        Ok(found.with_block_bytes(BLOCK_BYTES).with_piece_bytes(u64::MAX))
    }

    /// What it is.
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// Cuts matrices into blocks of at most this many bytes, and of what the GPU can bind.
    pub fn with_block_bytes(mut self, n_bytes: u64) -> Self {
        self.block_bytes = n_bytes.min(self.adapter.max_buffer_bytes).min(self.adapter.max_binding_bytes);
        self
    }

    /// Lets a piece of what a network needs have at most this many bytes, and what the GPU can bind.
    pub fn with_piece_bytes(mut self, n_bytes: u64) -> Self {
        self.piece_bytes = n_bytes.min(self.adapter.max_buffer_bytes).min(self.adapter.max_binding_bytes);
        self
    }

    /// Whether it is gone, or has failed once and is not trusted again.
    pub fn is_lost(&self) -> bool {
        self.faults.check().is_err()
    }

    /// Gives the GPU back. Whatever is asked of it later ends with `GpuError::Lost`.
    pub fn give_back(&self) {
        self.faults.tell(GpuError::Lost { reason: "it was given back".into() });
        self.device.destroy();
    }

    /// Numbers of a block, at least one.
    pub(crate) fn block_len(&self) -> usize {
        usize::try_from(self.block_bytes / 4).unwrap_or(usize::MAX).max(1)
    }

    /// Numbers of a piece of memory.
    pub(crate) fn piece_len(&self) -> usize {
        usize::try_from(self.piece_bytes / 4).unwrap_or(usize::MAX)
    }

    /// Whether so many numbers may lie in one piece of memory.
    ///
    /// # Errors
    /// They are more than the GPU takes.
    pub(crate) fn check_piece(&self, n: usize) -> Result<(), GpuError> {
        let (n_bytes, limit) = (4 * n as u64, self.piece_bytes);
        if n_bytes > limit { Err(GpuError::PieceTooLarge { n_bytes, limit }) } else { Ok(()) }
    }

    /// What `work` gives, once the GPU has accepted it.
    ///
    /// # Errors
    /// Whatever the GPU says of the work.
    pub(crate) async fn accepted<T>(&self, work: impl FnOnce() -> T) -> Result<T, GpuError> {
        self.faults.check()?;
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let done = work();
        // Natively scopes belong to the thread: all are popped before anything is awaited, the last one first.
        let (validation, internal, memory) = (validation.pop(), internal.pop(), memory.pop());
        // Memory that was not to be had makes what uses it invalid, so it is looked at first.
        let errors = [memory.await, internal.await, validation.await];
        let error = errors.into_iter().flatten().next();
        if error.is_some() {
            // What belongs to a GPU that is lost is merely invalid until it is asked.
            self.poll(wgpu::PollType::Poll);
        }
        self.faults.check()?;
        error.map_or(Ok(done), |error| Err(error.into()))
    }

    /// Memory for numbers, all 0.
    pub(crate) fn numbers(&self, n: usize) -> Memory {
        self.memory(4 * n as u64, BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST)
    }

    /// Memory that holds numbers.
    pub(crate) fn upload(&self, numbers: &[f32]) -> Memory {
        let memory = self.numbers(numbers.len());
        self.queue.write_buffer(&memory.0, 0, bytemuck::cast_slice(numbers));
        memory
    }

    /// Memory that holds the figures of a kernel.
    pub(crate) fn figures(&self, figures: &[u32]) -> Memory {
        let memory = self.memory(4 * figures.len() as u64, BufferUsages::UNIFORM | BufferUsages::COPY_DST);
        self.queue.write_buffer(&memory.0, 0, bytemuck::cast_slice(figures));
        memory
    }

    /// Memory for positions, all 0.
    pub(crate) fn positions(&self, n: usize) -> Memory {
        self.memory(4 * n as u64, BufferUsages::STORAGE | BufferUsages::COPY_DST)
    }

    /// Puts something into memory, from its start on, before all work that is handed over later.
    pub(crate) fn put(&self, memory: &Memory, values: &[impl bytemuck::NoUninit]) {
        self.put_at(memory, 0, values);
    }

    /// Puts something into memory, from its `first` number on.
    pub(crate) fn put_at(&self, memory: &Memory, first: usize, values: &[impl bytemuck::NoUninit]) {
        self.queue.write_buffer(&memory.0, 4 * first as u64, bytemuck::cast_slice(values));
    }

    fn memory(&self, size: u64, usage: BufferUsages) -> Memory {
        Memory(self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage,
            mapped_at_creation: false,
        }))
    }

    /// The numbers that memory holds, once all work before has been done. There is at least one.
    ///
    /// # Errors
    /// The GPU is lost or out of memory.
    pub(crate) async fn read(&self, memory: &Memory) -> Result<Vec<f32>, GpuError> {
        let len = usize::try_from(memory.0.size() / 4).unwrap_or(usize::MAX);
        self.read_after(|_| (), memory, 0..len).await
    }

    /// A part of the numbers that memory holds, at least one, once `work` and all work before has been done: work and
    /// answer are one round trip.
    ///
    /// # Errors
    /// The GPU is lost or out of memory, or does not take the work.
    pub(crate) async fn read_after(
        &self,
        work: impl FnOnce(&mut wgpu::CommandEncoder),
        memory: &Memory,
        part: Range<usize>,
    ) -> Result<Vec<f32>, GpuError> {
        let (sender, receiver) = oneshot::channel();
        let copied = self.accepted(|| {
            let (first, n_bytes) = (4 * part.start as u64, 4 * part.len() as u64);
            let copied = self.memory(n_bytes, BufferUsages::MAP_READ | BufferUsages::COPY_DST);
            let mut encoder = self.device.create_command_encoder(&Default::default());
            work(&mut encoder);
            encoder.copy_buffer_to_buffer(&memory.0, first, &copied.0, 0, n_bytes);
            self.queue.submit([encoder.finish()]);
            copied.0.map_async(wgpu::MapMode::Read, .., |result| tell(sender, result.is_ok()));
            copied
        });
        let copied = copied.await?;
        self.wait(receiver).await?;
        let view = copied.0.get_mapped_range(..).map_err(|error| GpuError::Rejected { reason: error.to_string() })?;
        Ok(bytemuck::pod_collect_to_vec(&view))
    }

    /// Waits until the work so far has been done, and the memory that it needed is free.
    ///
    /// # Errors
    /// The GPU is lost.
    pub(crate) async fn finish(&self) -> Result<(), GpuError> {
        let (sender, receiver) = oneshot::channel();
        self.queue.on_submitted_work_done(|| tell(sender, true));
        self.wait(receiver).await
    }

    /// Waits for what the GPU tells: whether it did it.
    async fn wait(&self, told: oneshot::Receiver<bool>) -> Result<(), GpuError> {
        self.poll(wgpu::PollType::wait_indefinitely());
        let is_done = told.await.unwrap_or(false);
        self.faults.check()?;
        if is_done { Ok(()) } else { Err(self.faults.tell(GpuError::Lost { reason: "it does not answer".into() })) }
    }

    /// Hears what the GPU has to tell.
    #[cfg(not(target_family = "wasm"))]
    fn poll(&self, how: wgpu::PollType) {
        // A GPU that is lost while we wait makes `poll` panic; whoever waits then hears of it like of any other loss.
        let poll = std::panic::AssertUnwindSafe(|| self.device.poll(how));
        let reason = match std::panic::catch_unwind(poll) {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it went away at work".into(),
        };
        self.faults.tell(GpuError::Lost { reason });
    }

    /// The browser tells by itself.
    #[cfg(target_family = "wasm")]
    fn poll(&self, _how: wgpu::PollType) {}
}

/// Tells whether it was done, to whoever still waits.
fn tell(waiting: oneshot::Sender<bool>, is_done: bool) {
    let _ = waiting.send(is_done);
}

/// Memory of the GPU. It is free as soon as this is dropped and the work that uses it is done: a browser that is not
/// told waits until it collects garbage.
#[derive(Debug)]
pub(crate) struct Memory(pub(crate) wgpu::Buffer);

impl Drop for Memory {
    fn drop(&mut self) {
        self.0.destroy();
    }
}

/// What went wrong beside the work that was asked for.
///
/// Invariant: the first fault stays, so that a GPU that failed once is not trusted again. Kept by `tell`.
#[derive(Clone, Debug, Default)]
struct Faults(Arc<Mutex<Option<GpuError>>>);

impl Faults {
    /// Hears what the GPU tells unasked, which would panic if nobody did.
    fn listen(&self, device: &wgpu::Device) {
        let faults = self.clone();
        device.set_device_lost_callback(move |_, reason| drop(faults.tell(GpuError::Lost { reason })));
        let faults = self.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| drop(faults.tell(error.into()))));
    }

    /// The fault that is told from now on: this one, or one before.
    fn tell(&self, fault: GpuError) -> GpuError {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault).clone()
    }

    fn check(&self) -> Result<(), GpuError> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(fault) => Err(fault.clone()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;

    /// The GPU, or a word of what was not run.
    fn found(what: &str) -> Option<Gpu> {
        match block_on(Gpu::find()) {
            Ok(gpu) => Some(gpu),
            Err(error @ GpuError::NoAdapter { .. }) => {
                eprintln!("not run: {what}; {error}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn what_the_gpu_does_not_take_is_an_error_and_the_next_work_is_done() {
        let Some(gpu) = found("work that is refused") else { return };
        let too_large = block_on(gpu.accepted(|| gpu.memory(1 << 60, BufferUsages::STORAGE)));
        assert!(matches!(too_large, Err(GpuError::Rejected { .. })), "{too_large:?}");
        let numbers = block_on(async { gpu.read(&gpu.accepted(|| gpu.upload(&[1.0, 2.0])).await?).await });
        assert_eq!(numbers, Ok(vec![1.0, 2.0]));
    }

    #[test]
    fn a_gpu_that_goes_away_between_work_and_answer_is_noticed() {
        let Some(gpu) = found("a GPU that goes away") else { return };
        let memory = block_on(gpu.accepted(|| gpu.upload(&[1.0, 2.0]))).expect("the GPU is there");
        gpu.device.destroy();
        let numbers = block_on(gpu.read(&memory));
        assert!(matches!(numbers, Err(GpuError::Lost { .. })), "{numbers:?}");
        assert_eq!(block_on(gpu.finish()), numbers.map(drop), "it stays lost");
    }

    #[test]
    fn the_first_fault_stays() {
        let faults = Faults::default();
        assert_eq!(faults.check(), Ok(()));
        assert_eq!(faults.tell(wgpu::Error::OutOfMemory { source: "full".into() }.into()), GpuError::OutOfMemory);
        assert_eq!(faults.tell(GpuError::Lost { reason: "later".into() }), GpuError::OutOfMemory);
        assert_eq!(faults.check(), Err(GpuError::OutOfMemory));
    }
}
