//! Kernels, each compiled when it is first used.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use std::borrow::Cow;

use crate::Gpu;
use crate::device::Memory;
use crate::trainer::{Block, Extras, Phase, bindings, source};

/// A kernel of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kernel {
    /// `product.wgsl`
    Product { a_is_transposed: bool, b_is_transposed: bool, sums: Sums },
    /// `add.wgsl`
    Add,
    /// Of `distances.wgsl`.
    Nearest,
    /// Of `distances.wgsl`.
    Least,
    /// `trainer/train.wgsl` and `trainer/stages.wgsl`
    Train { phase: Phase, block: Block, extras: Extras },
}

/// What is summed over a row of A and a column of B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sums {
    /// Products.
    Products,
    /// Products, where B is A transposed; what is below the diagonal is left out.
    Gram,
    /// Squares of differences.
    Distances,
}

/// Those that were used.
#[derive(Debug, Default)]
pub(crate) struct Kernels(Mutex<BTreeMap<Kernel, wgpu::ComputePipeline>>);

impl Gpu {
    /// Hands `n_groups` workgroups of a kernel to the GPU; `memories` are its bindings in their order.
    pub(crate) fn dispatch(&self, kernel: Kernel, memories: &[&Memory], n_groups: [usize; 3]) {
        let pipeline = self.pipeline(kernel);
        let entries: Vec<_> = (0..)
            .zip(memories)
            .map(|(binding, memory)| wgpu::BindGroupEntry { binding, resource: memory.0.as_entire_binding() })
            .collect();
        let bindings = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bindings, &[]);
        let [x, y, z] = n_groups.map(|n| n as u32);
        pass.dispatch_workgroups(x, y, z);
        drop(pass);
        self.queue.submit([encoder.finish()]);
    }

    /// The kernel as the GPU runs it.
    pub(crate) fn pipeline(&self, kernel: Kernel) -> wgpu::ComputePipeline {
        let mut kernels = self.kernels.0.lock().unwrap_or_else(PoisonError::into_inner);
        kernels.entry(kernel).or_insert_with(|| kernel.compile(&self.device)).clone()
    }
}

impl Kernel {
    fn compile(self, device: &wgpu::Device) -> wgpu::ComputePipeline {
        let number = |is_set: bool| f64::from(u8::from(is_set));
        let (source, constants) = match self {
            Self::Product { a_is_transposed, b_is_transposed, sums } => (
                Cow::Borrowed(include_str!("product.wgsl")),
                vec![
                    ("A_IS_TRANSPOSED", number(a_is_transposed)),
                    ("B_IS_TRANSPOSED", number(b_is_transposed)),
                    ("IS_DISTANCE", number(sums == Sums::Distances)),
                    ("IS_SYMMETRIC", number(sums == Sums::Gram)),
                ],
            ),
            Self::Add => (include_str!("add.wgsl").into(), Vec::new()),
            Self::Nearest | Self::Least => (include_str!("distances.wgsl").into(), Vec::new()),
            Self::Train { phase, block, extras } => (source(phase, block, extras).into(), Vec::new()),
        };
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(source),
        });
        let (layout, entry_point) = match self {
            Self::Product { .. } | Self::Add => (None, None),
            Self::Nearest => (None, Some("nearest")),
            Self::Least => (None, Some("least")),
            Self::Train { phase, .. } => {
                let descriptor = wgpu::PipelineLayoutDescriptor {
                    label: None,
                    bind_group_layouts: &[Some(&bindings(device))],
                    immediate_size: 0,
                };
                (Some(device.create_pipeline_layout(&descriptor)), Some(phase.name()))
            }
        };
        device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: layout.as_ref(),
            module: &module,
            entry_point,
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                // Lanes write each tile before they read it.
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        })
    }
}
