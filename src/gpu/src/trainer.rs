//! Steps of a network on the GPU.
//!
//! Rows, weights and what the optimizer remembers stay in its memory. The steps of a call go to it together, and come back
//! as sums of losses. A number is always summed in the same order, so that one GPU gives the same bits twice.

mod shape;
mod source;

use std::future::Future;
use std::rc::Rc;

use learn::accelerator::{Lost, Promised};
use learn::neural::{Backend, Optimizer, Plan, Rows, Saved, Step};
use model::{Layer, Stage};

use self::shape::{LayerShape, MAX_LAYERS, Shape, few_rows_groups, n_losses};
pub(crate) use self::source::{Extras, Phase, source};
use crate::device::Memory;
use crate::kernels::Kernel;
use crate::{Gpu, GpuError};

/// Steps of a call take about so long: short enough to hear of a cancellation, long enough to keep a GPU at work.
const CALL_MS: f64 = 30.0;
/// Steps that are handed over at most.
const MAX_STEPS: usize = 1024;
/// Rows of a batch, or terms of a sum: llvmpipe breaks off a kernel whose loops went round more often.
const MAX_BATCH: usize = 65_535;
/// Numbers of a layer up to which a workgroup takes a few rows through all of them.
const MAX_NARROW: usize = 128;
/// Numbers of a layer from which a GPU is at work with larger blocks.
const MIN_WIDE: usize = 512;
/// Rows that are made ready for the GPU together.
const UPLOADED: usize = 4096;
/// Rows without steps that go through the stages together, if their numbers fit.
const JUDGED: usize = 256;
/// Keeps a norm from dividing by the root of 0: see `Plan::batch_norm`.
const LEAST_VARIANCE: f64 = 1e-5;
/// Bytes between figures of which a kernel sees one at a time; every GPU takes them so.
const STRIDE: usize = 256;

/// How a step is cut into kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// A kernel for each stage forward and backward, and more for norms and convolutions.
    Layers,
    /// One kernel, in which each workgroup takes a few rows through all layers and back; and one that moves all weights.
    /// Fewer kernels win where each has little to do. Only rows of dense layers that need nothing of each other go so;
    /// others are computed layer by layer.
    Rows,
}

/// Rows and columns of what one lane sums in its registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Block {
    /// Four, which makes many lanes.
    Four,
    /// Eight, which loads half as often.
    Eight,
    /// Sixteen: on a CPU that acts as a GPU loads take most of the time and lanes are few.
    Sixteen,
}

/// What a trainer did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Steps.
    pub n_steps: u64,
    /// Kernels that were started.
    pub n_dispatches: u64,
    /// Bytes that went to the GPU, without the rows and the weights at first.
    pub n_bytes_to: u64,
    /// Bytes that came back.
    pub n_bytes_from: u64,
}

impl Path {
    /// The one that is likely the faster.
    pub(crate) fn suiting(plan: &Plan) -> Self {
        if Self::Rows.takes(plan) && widths(plan).all(|width| width <= MAX_NARROW) { Self::Rows } else { Self::Layers }
    }

    /// Whether it computes such a plan.
    fn takes(self, plan: &Plan) -> bool {
        let extras = Extras::of(plan);
        self == Self::Layers || !(extras.images || extras.norms)
    }
}

impl Block {
    /// The one that is likely the fastest.
    pub(crate) fn suiting(plan: &Plan, is_software: bool) -> Self {
        if is_software {
            Self::Sixteen
        } else if widths(plan).any(|width| width >= MIN_WIDE) {
            Self::Eight
        } else {
            Self::Four
        }
    }

    fn size(self) -> usize {
        match self {
            Self::Four => 4,
            Self::Eight => 8,
            Self::Sixteen => 16,
        }
    }

    /// Lanes of a workgroup.
    fn n_lanes(self) -> usize {
        match self {
            Self::Four | Self::Eight => 64,
            Self::Sixteen => 16,
        }
    }

    /// Lanes of a workgroup that are beside each other, where there are enough blocks in both directions.
    fn n_lanes_across(self) -> usize {
        match self {
            Self::Four | Self::Eight => 8,
            Self::Sixteen => 4,
        }
    }

    /// Lanes of a workgroup that sums over all rows and pixels.
    fn n_lanes_of_sums(self) -> usize {
        match self {
            Self::Four | Self::Eight => 256,
            Self::Sixteen => 64,
        }
    }

    /// Lanes of a workgroup that takes a few rows through all layers.
    fn n_lanes_of_few_rows(self) -> usize {
        match self {
            Self::Four | Self::Eight => 64,
            Self::Sixteen => 4,
        }
    }
}

/// Trains one network on the GPU.
pub struct Trainer<'r> {
    gpu: Rc<Gpu>,
    now_ms: Rc<dyn Fn() -> f64>,
    plan: Plan,
    /// Of one row.
    shape: Shape,
    /// What last steps of gradient descent are to be multiplied by.
    momentum: f32,
    path: Path,
    block: Block,
    rows: &'r Rows,
    /// All rows, if the GPU takes them in one piece; if not, those of a call go with it.
    stored: Option<Memory>,
    state: Memory,
    /// The position of each layer, for kernels of one layer.
    picks: Memory,
    room: Option<Room>,
    n_steps: u32,
    n_at_once: usize,
    traffic: Traffic,
}

/// What a call needs of memory.
struct Room {
    shape: Shape,
    limits: Limits,
    work: Memory,
    order: Memory,
    /// The rows of the call, if the GPU does not have all.
    sent: Option<Memory>,
    batches: Memory,
    bindings: wgpu::BindGroup,
    /// Only kernels look at it.
    _plan: Memory,
}

/// How much one call may be.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Limits {
    n_rows: usize,
    batch_size: usize,
    n_batches: usize,
}

/// What is to be done with batches.
#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    Steps,
    Losses,
}

impl<'r> Trainer<'r> {
    /// Whether such a plan can be computed here.
    pub(crate) fn computes(plan: &Plan, rows: &Rows) -> bool {
        // Whatever a plan gets to have is to be asked about here.
        let Plan {
            stages,
            activation: _,
            loss: _,
            optimizer: _,
            learning_rate: _,
            l2_weight: _,
            dropout: _,
            seed: _,
            batch_norm: _,
        } = plan;
        let is_empty = |stage: &Stage| stage.n_inputs() == 0 || stage.n_outputs() == 0;
        (1..=MAX_LAYERS).contains(&stages.len())
            && !stages.iter().any(is_empty)
            && matches!(stages[stages.len() - 1], Stage::Dense { .. })
            && !rows.targets.is_empty()
            && Shape::new(plan, 1).has_short_sums()
    }

    /// Starts from these weights.
    pub(crate) async fn new(
        gpu: Rc<Gpu>,
        now_ms: Rc<dyn Fn() -> f64>,
        plan: &Plan,
        layers: &[Layer],
        rows: &'r Rows,
        (path, block): (Path, Block),
    ) -> Result<Self, GpuError> {
        let path = if path.takes(plan) { path } else { Path::Layers };
        let shape = Shape::new(plan, 1);
        let n_state = 4 * shape.state_len;
        gpu.check_piece(n_state)?;
        let n_stored = 4 * shape.row_across * rows.targets.len();
        let is_stored = gpu.check_piece(n_stored).is_ok();
        let weights = weights_of(&shape, layers);
        let variances =
            shape.layers.iter().filter_map(|layer| layer.norm.map(|norm| (norm.running + layer.columns, layer)));
        let memories = || {
            let state = gpu.numbers(n_state);
            gpu.put(&state, &weights);
            // Running means begin at 0.
            variances.for_each(|(at, layer)| gpu.put_at(&state, 4 * at, &vec![1.0f32; layer.n_outputs]));
            let stored = is_stored.then(|| gpu.numbers(n_stored));
            for first in (0..rows.targets.len()).step_by(UPLOADED).filter(|_| is_stored) {
                let part = rows_of(&shape, rows, first..rows.targets.len().min(first + UPLOADED));
                stored.iter().for_each(|stored| gpu.put_at(stored, 4 * shape.row_across * first, &part));
            }
            let mut picks = vec![0; shape.layers.len() * STRIDE / 4];
            (0..).zip(picks.chunks_exact_mut(STRIDE / 4)).for_each(|(layer_idx, pick)| pick[0] = layer_idx);
            (state, stored, gpu.figures(&picks))
        };
        let (state, stored, picks) = gpu.accepted(memories).await?;
        let plan = plan.clone();
        let (room, traffic) = (None, Traffic::default());
        let (momentum, n_steps, n_at_once) = (1.0, 0, 1);
        Ok(Self {
            gpu,
            now_ms,
            plan,
            shape,
            momentum,
            path,
            block,
            rows,
            stored,
            state,
            picks,
            room,
            n_steps,
            n_at_once,
            traffic,
        })
    }

    /// What it did so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Losses of batches in sum, with steps or without.
    async fn pass(&mut self, row_idxs: &[u32], batch_size: usize, purpose: Purpose) -> Result<f64, GpuError> {
        let batch_size = batch_size.min(row_idxs.len());
        if batch_size == 0 {
            return Ok(0.0);
        }
        let mut sum = 0.0;
        let n_batches = self.batches_of_call(batch_size)?;
        for part in row_idxs.chunks(n_batches * batch_size) {
            sum += self.call(part, batch_size, purpose).await?;
        }
        Ok(sum)
    }

    /// How many batches one call takes.
    fn batches_of_call(&self, batch_size: usize) -> Result<usize, GpuError> {
        let limit = self.shape.max_batch(self.block);
        if batch_size > limit {
            return Err(GpuError::BatchTooLarge { n_rows: batch_size as u64, limit: limit as u64 });
        }
        if self.stored.is_some() {
            return Ok(MAX_STEPS);
        }
        let row_len = 4 * self.shape.row_across;
        self.gpu.check_piece(row_len * batch_size)?;
        Ok((self.gpu.piece_len() / (row_len * batch_size)).clamp(1, MAX_STEPS))
    }

    /// Losses of batches in sum, of which the memory holds so many.
    async fn call(&mut self, row_idxs: &[u32], batch_size: usize, purpose: Purpose) -> Result<f64, GpuError> {
        let n_batches = row_idxs.len().div_ceil(batch_size);
        self.make_room(Limits { n_rows: row_idxs.len(), batch_size, n_batches }).await?;
        let (figures, n_losses) = self.figures(row_idxs, batch_size, purpose);
        let Some(room) = &self.room else { unreachable!("`make_room` made it") };
        let mut traffic = self.traffic;
        let extras = Extras::of(&self.plan);
        let work = |encoder: &mut wgpu::CommandEncoder| {
            match &room.sent {
                None => self.gpu.put(&room.order, row_idxs),
                Some(sent) => {
                    let rows = rows_of(&room.shape, self.rows, row_idxs.iter().map(|row_idx| *row_idx as usize));
                    self.gpu.put(sent, &rows);
                    self.gpu.put(&room.order, &(0..row_idxs.len() as u32).collect::<Vec<_>>());
                    traffic.n_bytes_to += 4 * rows.len() as u64;
                }
            }
            self.gpu.put(&room.batches, &figures);
            traffic.n_bytes_to += 4 * (figures.len() + row_idxs.len()) as u64;
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for (batch_idx, batch) in row_idxs.chunks(batch_size).enumerate() {
                for (phase, layer_idx, [x, y]) in self.phases(&room.shape, batch.len(), purpose) {
                    let kernel = Kernel::Train { phase, block: self.block, extras };
                    pass.set_pipeline(&self.gpu.pipeline(kernel));
                    pass.set_bind_group(0, &room.bindings, &[layer_idx, batch_idx].map(|at| (at * STRIDE) as u32));
                    pass.dispatch_workgroups(x, y, 1);
                    traffic.n_dispatches += 1;
                }
            }
        };
        let first = 4 * room.shape.losses;
        let losses = self.gpu.read_after(work, &room.work, first..first + 4 * n_losses).await?;
        traffic.n_bytes_from += 4 * losses.len() as u64;
        if purpose == Purpose::Steps {
            self.n_steps += n_batches as u32;
            traffic.n_steps += n_batches as u64;
        }
        self.traffic = traffic;
        // Each lies in a four of its own.
        Ok(losses.iter().step_by(4).map(|loss| f64::from(*loss)).sum())
    }

    /// `Batch` of `train.wgsl` for each batch, and how many sums of losses they have.
    fn figures(&self, row_idxs: &[u32], batch_size: usize, purpose: Purpose) -> (Vec<u32>, usize) {
        let mut figures = vec![0; row_idxs.len().div_ceil(batch_size) * STRIDE / 4];
        let (mut first, mut losses) = (0, 0);
        let batches = row_idxs.chunks(batch_size).zip(figures.chunks_exact_mut(STRIDE / 4));
        for (n_steps, (batch, figures)) in (self.n_steps + 1..).zip(batches) {
            let step = Step::new(&self.plan, n_steps, 1.0 / batch.len() as f32);
            let is_judged_only = u32::from(purpose == Purpose::Losses);
            figures[..4].copy_from_slice(&[first as u32, batch.len() as u32, losses as u32, is_judged_only]);
            figures[4..7].copy_from_slice(&[step.share, step.length, step.root].map(f32::to_bits));
            figures[7] = n_steps - 1;
            first += batch.len();
            losses += n_losses(batch.len());
        }
        (figures, losses)
    }

    /// The kernels of a batch, one after another: which, for which layer, in how many workgroups.
    fn phases(&self, shape: &Shape, n_rows: usize, purpose: Purpose) -> Vec<(Phase, usize, [u32; 2])> {
        let layers = || shape.layers.iter().enumerate();
        let is_step = purpose == Purpose::Steps;
        let mut phases = Vec::with_capacity(2 * shape.layers.len() + 3);
        let mut push = |(phase, groups): (Phase, [u32; 2]), at: usize| phases.push((phase, at, groups));
        match self.path {
            Path::Rows => push((Phase::PassRows, few_rows_groups(n_rows)), 0),
            Path::Layers => {
                push(shape.first(n_rows, self.block), 0);
                for (at, layer) in layers() {
                    push(layer.forward(n_rows, self.block), at);
                    if is_step && layer.norm.is_some() {
                        push((Phase::Normalise, layer.norm_groups()), at);
                    }
                }
                push((Phase::Judge, few_rows_groups(n_rows)), 0);
                for (at, layer) in layers().rev().filter(|_| is_step) {
                    if layer.norm.is_some() {
                        push((Phase::NormaliseBack, layer.norm_groups()), at);
                    }
                    if at > 0 {
                        push(layer.backward(n_rows, self.block), at);
                    }
                }
            }
        }
        if is_step {
            push((Phase::Descend, shape.descend_groups(self.block)), 0);
            for (at, layer) in layers() {
                layer.descent(n_rows, self.block).into_iter().for_each(|descent| push(descent, at));
            }
        }
        phases
    }

    /// Memory for a call of this size.
    async fn make_room(&mut self, needed: Limits) -> Result<(), GpuError> {
        let mut limits = needed;
        if let Some(Room { limits: have, .. }) = &self.room {
            if have.n_rows >= needed.n_rows
                && have.batch_size >= needed.batch_size
                && have.n_batches >= needed.n_batches
            {
                return Ok(());
            }
            limits.n_rows = needed.n_rows.max(have.n_rows);
            limits.batch_size = needed.batch_size.max(have.batch_size);
            limits.n_batches = needed.n_batches.max(have.n_batches);
            // What is there would take memory beside what comes.
            self.room = None;
        }
        let shape = Shape::new(&self.plan, limits.batch_size);
        let work_len = work_len(&shape, limits);
        self.gpu.check_piece(work_len)?;
        let memories = || {
            let work = self.gpu.numbers(work_len);
            let order = self.gpu.positions(limits.n_rows);
            let is_sent = self.stored.is_none();
            let sent = is_sent.then(|| self.gpu.numbers(4 * shape.row_across * limits.n_rows));
            let batches = self.gpu.figures(&vec![0; limits.n_batches * STRIDE / 4]);
            let plan = self.gpu.figures(&shape.figures(&self.plan, self.block));
            let Some(rows) = self.stored.as_ref().or(sent.as_ref()) else { unreachable!("stored or sent") };
            let memories = [&plan, &self.picks, &batches, rows, &order, &work, &self.state];
            let bindings = bound(&self.gpu.device, memories);
            Room { shape, limits, work, order, sent, batches, bindings, _plan: plan }
        };
        self.room = Some(self.gpu.accepted(memories).await?);
        Ok(())
    }

    /// Steps, and how long they took.
    async fn timed_steps(&mut self, row_idxs: &[u32], batch_size: usize) -> Result<f64, GpuError> {
        self.apply_momentum().await?;
        let start = (self.now_ms)();
        let sum = self.pass(row_idxs, batch_size, Purpose::Steps).await?;
        let took_ms = (self.now_ms)() - start;
        let n_steps = row_idxs.len().div_ceil(batch_size.max(1)).max(1);
        let fitting = (n_steps as f64 * CALL_MS / took_ms.max(1e-3)) as usize;
        // A first call compiles kernels, and clocks of browsers are coarse: it grows from one call to the next.
        self.n_at_once = fitting.clamp(1, (4 * n_steps).min(MAX_STEPS));
        Ok(sum)
    }

    /// Makes last steps as long as they would have been with the learning rate that holds now.
    async fn read_all(&mut self) -> Result<Option<Saved>, GpuError> {
        self.apply_momentum().await?;
        let numbers = self.gpu.read(&self.state).await?;
        Ok(Some(Saved { n_steps: self.n_steps, learning_rate: self.plan.learning_rate, numbers }))
    }

    async fn apply_momentum(&mut self) -> Result<(), GpuError> {
        let factor = std::mem::replace(&mut self.momentum, 1.0);
        if factor != 1.0 {
            let n_weights = 4 * self.shape.n_state;
            let mut last = self.gpu.read_after(|_| (), &self.state, n_weights..2 * n_weights).await?;
            last.iter_mut().for_each(|last| *last *= factor);
            self.gpu.put_at(&self.state, n_weights, &last);
        }
        Ok(())
    }

    /// Rows without steps that go through the stages together: as many as memory takes.
    fn n_judged(&self) -> usize {
        let fits = |n_rows: usize| {
            let limits = Limits { n_rows, batch_size: n_rows, n_batches: 1 };
            let shape = Shape::new(&self.plan, n_rows);
            n_rows <= shape.max_batch(self.block) && self.gpu.check_piece(work_len(&shape, limits)).is_ok()
        };
        let sizes = std::iter::successors(Some(JUDGED), |n_rows| Some(n_rows / 2));
        sizes.take_while(|n_rows| *n_rows > 1).find(|n_rows| fits(*n_rows)).unwrap_or(1)
    }

    async fn read_layers(&self) -> Result<Vec<Layer>, GpuError> {
        let end = if self.plan.batch_norm { self.shape.state_len } else { self.shape.n_state };
        let state = self.gpu.read_after(|_| (), &self.state, 0..4 * end).await?;
        let layers = self.shape.layers.iter().filter(|layer| layer.n_outputs > 0);
        Ok(layers.map(|layer| learnt(layer, &state)).collect())
    }
}

impl Backend for Trainer<'_> {
    fn steps_at_once(&self) -> usize {
        self.n_at_once
    }

    fn steps<'a>(&'a mut self, row_idxs: &'a [u32], batch_size: usize) -> Promised<'a, f64> {
        promised(self.timed_steps(row_idxs, batch_size))
    }

    fn loss<'a>(&'a mut self, row_idxs: &'a [u32]) -> Promised<'a, f64> {
        promised(self.pass(row_idxs, self.n_judged(), Purpose::Losses))
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        let before = std::mem::replace(&mut self.plan.learning_rate, learning_rate);
        if let Optimizer::Sgd { .. } = self.plan.optimizer
            && before > 0.0
        {
            self.momentum *= (learning_rate / before) as f32;
        }
    }

    fn layers(&mut self) -> Promised<'_, Vec<Layer>> {
        promised(self.read_layers())
    }

    fn save(&mut self) -> Promised<'_, Option<Saved>> {
        promised(self.read_all())
    }

    fn restore(&mut self, saved: &Saved) {
        self.gpu.put(&self.state, &saved.numbers);
        (self.n_steps, self.plan.learning_rate) = (saved.n_steps, saved.learning_rate);
    }
}

/// Numbers that go into layers and come out of them.
fn widths(plan: &Plan) -> impl Iterator<Item = usize> {
    plan.stages.iter().filter_map(|stage| stage.layer()).flat_map(|(n_inputs, n_outputs)| [n_inputs, n_outputs])
}

/// Numbers of `work`: each batch may have one group of losses that is not full.
fn work_len(shape: &Shape, limits: Limits) -> usize {
    shape.losses.saturating_add(n_losses(limits.n_rows) + limits.n_batches).saturating_mul(4)
}

fn promised<'a, T>(work: impl Future<Output = Result<T, GpuError>> + 'a) -> Promised<'a, T> {
    Box::pin(async move { work.await.map_err(|error| Lost(error.to_string())) })
}

/// Weights, biases and factors in their place in `state`.
fn weights_of(shape: &Shape, layers: &[Layer]) -> Vec<f32> {
    let mut state = vec![0.0; 4 * shape.n_state];
    for (at, layer) in shape.layers.iter().filter(|at| at.n_outputs > 0).zip(layers) {
        for (input, weights) in layer.weights.chunks_exact(layer.n_outputs).enumerate() {
            state[4 * (at.weights + at.row_of(input) * at.columns)..][..layer.n_outputs].copy_from_slice(weights);
        }
        state[4 * at.biases..][..layer.n_outputs].copy_from_slice(&layer.biases);
        if let Some(norm) = at.norm {
            state[4 * norm.factors..][..layer.n_outputs].fill(1.0);
        }
    }
    state
}

/// A layer as it lies in `state`, with what normalises it folded in.
fn learnt(at: &LayerShape, state: &[f32]) -> Layer {
    let numbers = |four: usize| &state[4 * four..][..at.n_outputs];
    let rows = (0..at.n_inputs).map(|input| numbers(at.weights + at.row_of(input) * at.columns));
    let mut weights: Vec<f32> = rows.flatten().copied().collect();
    let mut biases = numbers(at.biases).to_vec();
    if let Some(norm) = at.norm {
        let (means, variances) = (numbers(norm.running), numbers(norm.running + at.columns));
        for (output, factor) in numbers(norm.factors).iter().enumerate() {
            let factor = f64::from(*factor) / (f64::from(variances[output]) + LEAST_VARIANCE).sqrt();
            weights[output..].iter_mut().step_by(at.n_outputs).for_each(|weight| *weight *= factor as f32);
            biases[output] = (f64::from(biases[output]) - f64::from(means[output]) * factor) as f32;
        }
    }
    Layer { n_inputs: at.n_inputs, n_outputs: at.n_outputs, weights, biases }
}

/// Rows as they are stored: inputs, target and weight.
fn rows_of(shape: &Shape, rows: &Rows, row_idxs: impl ExactSizeIterator<Item = usize>) -> Vec<f32> {
    let (width, row_len) = (shape.n_columns(), 4 * shape.row_across);
    let mut stored = vec![0.0; row_idxs.len() * row_len];
    for (row, row_idx) in stored.chunks_exact_mut(row_len).zip(row_idxs) {
        row[..width].copy_from_slice(&rows.inputs[row_idx * width..][..width]);
        row[row_len - 4] = rows.targets[row_idx];
        row[row_len - 3] = rows.weights[row_idx];
    }
    stored
}

/// The bindings of `train.wgsl`.
pub(crate) fn bindings(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let uniform = wgpu::BufferBindingType::Uniform;
    let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
    let kinds = [
        (uniform, false),
        (uniform, true),
        (uniform, true),
        (storage(true), false),
        (storage(true), false),
        (storage(false), false),
        (storage(false), false),
    ];
    let entries: Vec<_> = (0..)
        .zip(kinds)
        .map(|(binding, (ty, has_dynamic_offset))| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset, min_binding_size: None },
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries })
}

/// These memories in the order of `bindings`.
fn bound(device: &wgpu::Device, memories: [&Memory; 7]) -> wgpu::BindGroup {
    let sizes = [None, Some(STRIDE), Some(STRIDE), None, None, None, None];
    let entries: Vec<_> = (0..)
        .zip(memories.into_iter().zip(sizes))
        .map(|(binding, (memory, size))| {
            let size = size.and_then(|size| wgpu::BufferSize::new(size as u64));
            let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer: &memory.0, offset: 0, size });
            wgpu::BindGroupEntry { binding, resource }
        })
        .collect();
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &bindings(device), entries: &entries })
}
