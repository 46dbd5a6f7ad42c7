//! Kernels, each compiled when it is first used.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::Gpu;
use crate::device::Memory;

/// A kernel of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kernel {
    /// `product.wgsl`
    Product { a_is_transposed: bool, b_is_transposed: bool, sums: Sums },
    /// `add.wgsl`
    Add,
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
        let mut kernels = self.kernels.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pipeline = kernels.entry(kernel).or_insert_with(|| kernel.compile(&self.device));
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
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &bindings, &[]);
        let [x, y, z] = n_groups.map(|n| n as u32);
        pass.dispatch_workgroups(x, y, z);
        drop(pass);
        self.queue.submit([encoder.finish()]);
    }
}

impl Kernel {
    fn compile(self, device: &wgpu::Device) -> wgpu::ComputePipeline {
        let number = |is_set: bool| f64::from(u8::from(is_set));
        let (source, constants) = match self {
            Self::Product { a_is_transposed, b_is_transposed, sums } => (
                include_str!("product.wgsl"),
                vec![
                    ("A_IS_TRANSPOSED", number(a_is_transposed)),
                    ("B_IS_TRANSPOSED", number(b_is_transposed)),
                    ("IS_DISTANCE", number(sums == Sums::Distances)),
                    ("IS_SYMMETRIC", number(sums == Sums::Gram)),
                ],
            ),
            Self::Add => (include_str!("add.wgsl"), Vec::new()),
        };
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: None,
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                // Lanes write each tile before they read it.
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        })
    }
}
