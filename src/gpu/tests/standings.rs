//! A network on the GPU that is stopped goes on to the same bits.

use std::rc::Rc;
use std::time::Instant;

use gpu::{Gpu, GpuError, Hardware};
use learn::accelerator::Accelerator;
use learn::dataset::Labels;
use learn::neural::{Schedule, Standings, fit};
use learn::{Checkpoint, FitError, NeuralSettings, Optimizer, Stopped};
use model::Matrix;
use numeric::Stream;
use pollster::block_on;

/// Stops after so many checkpoints, and keeps where trainings stood.
struct Stopping {
    hardware: Rc<Hardware>,
    n_left: Option<u32>,
    standings: Option<Rc<Standings>>,
    remarks: Vec<String>,
}

impl Checkpoint for Stopping {
    async fn checkpoint(&mut self, _fraction: f64, _message: &str) -> Result<(), Stopped> {
        let Some(n_left) = &mut self.n_left else { return Ok(()) };
        *n_left = n_left.checked_sub(1).ok_or(Stopped)?;
        Ok(())
    }

    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        Some(self.hardware.clone())
    }

    fn remark(&mut self, sentence: String) {
        self.remarks.push(sentence);
    }

    fn standings(&self) -> Option<Rc<Standings>> {
        self.standings.clone()
    }
}

#[test]
fn a_training_that_was_stopped_goes_on_to_the_same_bits() {
    let gpu = match block_on(Gpu::find()) {
        Ok(gpu) => gpu,
        Err(GpuError::NoAdapter { .. }) => return println!("not run: networks on the GPU, as there is none here"),
        Err(error) => panic!("{error}"),
    };
    let started = Instant::now();
    let hardware = Rc::new(Hardware::new(Rc::new(gpu), move || started.elapsed().as_secs_f64() * 1e3));
    let mut stream = Stream::new(5);
    let n_rows = 120;
    let x = Matrix { values: (0..3 * n_rows).map(|_| stream.normal()).collect(), n_rows, n_columns: 3 };
    let labels = Labels::Classes((0..n_rows).map(|row| u32::from(x.at(row, 0) * x.at(row, 1) > 0.0)).collect());
    let plain = NeuralSettings { hidden: vec![10, 6], max_epochs: 5, ..NeuralSettings::default() };
    let eventful = NeuralSettings {
        optimizer: Optimizer::Sgd { momentum: 0.9 },
        learning_rate: 0.05,
        schedule: Schedule::Exponential { factor: 0.8 },
        dropout: 0.2,
        batch_norm: true,
        ..plain.clone()
    };
    for settings in [plain, eventful] {
        let fitted = |n_left, standings| {
            let mut stopping = Stopping { hardware: hardware.clone(), n_left, standings, remarks: Vec::new() };
            let found = block_on(fit(&settings, &x, &labels, 2, None, 1, &mut stopping));
            (found, stopping.remarks)
        };
        let whole = fitted(None, None).0.expect("a model");
        let standings = Rc::new(Standings::default());
        for n_left in [5, 4, 6] {
            let (found, _) = fitted(Some(n_left), Some(Rc::clone(&standings)));
            assert!(matches!(found, Err(FitError::Stopped(_))), "{found:?}");
        }
        let (found, remarks) = fitted(None, Some(standings));
        assert_eq!(found.expect("a model"), whole);
        assert!(remarks[0].starts_with("It went on after "), "{remarks:?}");
    }
}
