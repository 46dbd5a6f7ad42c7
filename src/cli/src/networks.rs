//! What trains neural networks on the command line.

use std::rc::Rc;

use learn::accelerator::Accelerator;

/// What trains neural networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Networks {
    /// The CPU
    #[default]
    Cpu,
    /// The GPU; where there is none, the CPU
    Gpu,
    /// The one that is faster for each network, by what is measured of both at the start
    Faster,
}

/// What computes beside the CPU, if anything is to.
#[cfg(feature = "gpu")]
pub fn accelerator(networks: Networks) -> Option<Rc<dyn Accelerator>> {
    use std::time::Instant;

    use engine::testing::block_on;
    use gpu::{Gpu, Hardware};
    use learn::Unwatched;
    use learn::accelerator::{Faster, Lost, Missing};
    use learn::neural::pace;

    let started = Instant::now();
    let find = || -> Result<Rc<Hardware>, Lost> {
        let gpu = block_on(Gpu::find()).map_err(|error| Lost(error.to_string()))?;
        Ok(Rc::new(Hardware::new(Rc::new(gpu), move || started.elapsed().as_secs_f64() * 1e3)))
    };
    let measured = || -> Result<Faster, Lost> {
        let hardware = find()?;
        let now_secs = || started.elapsed().as_secs_f64();
        let cpu = block_on(pace(None, &now_secs, &mut Unwatched))?;
        let pace = block_on(pace(Some(&*hardware), &now_secs, &mut Unwatched))?;
        Ok(Faster { accelerator: hardware, pace, cpu })
    };
    match networks {
        Networks::Cpu => None,
        Networks::Gpu => Some(match find() {
            Ok(hardware) => hardware,
            Err(lost) => Rc::new(Missing(lost)),
        }),
        // Without a GPU, the CPU is the faster one.
        Networks::Faster => measured().ok().map(|faster| Rc::new(faster) as Rc<_>),
    }
}

/// The same in a program that was built without the GPU.
#[cfg(not(feature = "gpu"))]
pub fn accelerator(networks: Networks) -> Option<Rc<dyn Accelerator>> {
    use learn::accelerator::{Lost, Missing};

    let lost = || Lost("this program was built without the feature `gpu`".into());
    (networks == Networks::Gpu).then(|| Rc::new(Missing(lost())) as Rc<_>)
}
