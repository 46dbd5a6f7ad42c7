//! Networks on the GPU beside those of the CPU. Where no GPU is, nothing is run and the tests say so.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use gpu::{Block, Gpu, GpuError, Hardware, Path};
use learn::accelerator::{Accelerated, Accelerator};
use learn::dataset::Labels;
use learn::neural::{Backend, Cpu, Loss, Plan, Rows, Schedule, fit};
use learn::{Checkpoint, FitError, NeuralSettings, Optimizer, Stopped, Unwatched};
use model::{Activation, Image, Layer, Matrix, Stage};
use numeric::Stream;
use pollster::block_on;
use serde::Deserialize;

const PATHS: [Path; 2] = [Path::Rows, Path::Layers];
const BLOCKS: [Block; 3] = [Block::Four, Block::Eight, Block::Sixteen];

#[test]
fn steps_are_those_of_the_cpu() {
    let Some(hardware) = found("steps of networks") else { return };
    let adam = Optimizer::Adam;
    let sgd = Optimizer::Sgd { momentum: 0.9 };
    for (widths, activation, loss, optimizer, batch_size) in [
        (vec![7, 65, 3], Activation::Relu, Loss::CrossEntropy, adam, 16),
        (vec![1, 7, 65, 1], Activation::Tanh, Loss::Square, sgd, 5),
        (vec![65, 1, 7, 2], Activation::Logistic, Loss::CrossEntropy, adam, 33),
        (vec![5, 4], Activation::Relu, Loss::CrossEntropy, sgd, 64),
        (vec![20, 17, 1], Activation::Logistic, Loss::Square, adam, 1),
        (vec![4, 16, 16, 16, 10], Activation::Tanh, Loss::CrossEntropy, sgd, 100),
        (vec![3, 130, 70, 1], Activation::Relu, Loss::Square, adam, 37),
    ] {
        let plan = Plan { activation, loss, optimizer, learning_rate: 3e-3, l2_weight: 0.01, ..Plan::dense(&widths) };
        let rows = rows(&plan, 100);
        for path in PATHS {
            for block in BLOCKS {
                let hardware = hardware.clone().with_path(path).with_block(block);
                assert_steps_agree(&hardware, &plan, &rows, batch_size, &format!("{plan:?} {path:?} {block:?}"));
            }
        }
    }
}

const SGD: Optimizer = Optimizer::Sgd { momentum: 0.9 };

fn image(height: usize, width: usize, n_channels: usize) -> Image {
    Image { height, width, n_channels }
}

/// Squares of so many pixels, and filters of a convolution; 0 is pooling.
fn seen(first: Image, squares: &[(usize, usize)], widths: &[usize]) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut input = first;
    for (size, n_filters) in squares.iter().copied() {
        let stage = match n_filters {
            0 => Stage::Pooling { image: input, size },
            _ => Stage::Convolution { image: input, kernel: size, n_filters },
        };
        input = stage.output();
        stages.push(stage);
    }
    let widths: Vec<usize> = [input.n_numbers()].iter().chain(widths).copied().collect();
    stages.extend(Plan::dense(&widths).stages);
    stages
}

/// Columns as images of one channel and of several, which fill fours or do not; squares that are laid out and that are not;
/// pixels that pooling leaves out.
fn networks() -> Vec<Vec<Stage>> {
    vec![
        Plan::dense(&[7, 65, 9, 3]).stages,
        seen(image(6, 5, 1), &[(3, 5)], &[3]),
        seen(image(7, 8, 3), &[(3, 8), (2, 0)], &[9, 3]),
        seen(image(7, 9, 2), &[(2, 0), (2, 18)], &[7, 3]),
        seen(image(9, 8, 4), &[(2, 6), (3, 17), (3, 0)], &[3]),
        seen(image(6, 6, 9), &[(4, 3), (2, 0)], &[5, 3]),
        seen(image(4, 4, 5), &[(1, 7), (2, 0), (2, 33), (1, 0)], &[3]),
    ]
}

#[test]
fn a_step_with_images_norms_and_dropout_is_that_of_the_cpu() {
    let Some(hardware) = found("a step of all kinds of networks") else { return };
    for (stages, activation) in
        networks().into_iter().zip([Activation::Relu, Activation::Tanh, Activation::Logistic].into_iter().cycle())
    {
        for (batch_norm, dropout) in [(false, 0.0), (false, 0.4), (true, 0.0), (true, 0.4)] {
            let plan = Plan {
                optimizer: SGD,
                learning_rate: 0.1,
                l2_weight: 0.01,
                stages: stages.clone(),
                activation,
                dropout,
                seed: 7,
                batch_norm,
                ..Plan::dense(&[])
            };
            let rows = rows(&plan, 100);
            let start = plan.start(&mut Stream::new(1));
            let trainer = block_on(hardware.trainer(&plan, &start, &rows));
            let mut trainer = trainer.expect("the GPU computes").expect("such a plan");
            let mut cpu = Cpu::new(plan.clone(), start, &rows);
            let order: Vec<u32> = (0..100).map(|at| at * 7 % 100).collect();
            // Of many rows, of some, and of one.
            for (step, batch) in [&order[..80], &order[80..99], &order[99..]].into_iter().enumerate() {
                let name = format!("{plan:?}, step {step}");
                let expected = block_on(cpu.steps(batch, batch.len())).expect("the CPU computes");
                let found = block_on(trainer.steps(batch, batch.len())).expect("the GPU computes");
                assert_near(found, expected, &name);
                let expected = block_on(cpu.loss(&order)).expect("the CPU computes");
                let found = block_on(trainer.loss(&order)).expect("the GPU computes");
                assert_near(found, expected, &name);
                let (found, expected) = (block_on(trainer.layers()), block_on(cpu.layers()));
                for (found, expected) in
                    found.expect("the GPU computes").iter().zip(&expected.expect("the CPU computes"))
                {
                    let numbers = |layer: &Layer| [&layer.weights[..], &layer.biases].concat();
                    for (found, expected) in numbers(found).into_iter().zip(numbers(expected)) {
                        assert_near(found.into(), expected.into(), &name);
                    }
                }
            }
        }
    }
}

fn assert_near(found: f64, expected: f64, name: &str) {
    assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{name}: {found} rather than {expected}");
}

#[test]
fn steps_with_images_norms_and_dropout_are_those_of_the_cpu() {
    let Some(hardware) = found("steps of all kinds of networks") else { return };
    let adam = Optimizer::Adam;
    let [dense, one, pooled, first, second, large, point] = <[Vec<Stage>; 7]>::try_from(networks()).expect("seven");
    let (relu, tanh, logistic) = (Activation::Relu, Activation::Tanh, Activation::Logistic);
    for (stages, activation, optimizer, batch_size, dropout, batch_norm, block) in [
        (dense.clone(), relu, adam, 33, 0.5, false, Block::Sixteen),
        (dense.clone(), tanh, SGD, 16, 0.0, true, Block::Eight),
        (dense, logistic, adam, 33, 0.2, true, Block::Four),
        (one, relu, adam, 33, 0.0, false, Block::Sixteen),
        (pooled.clone(), relu, SGD, 33, 0.3, true, Block::Sixteen),
        (pooled, tanh, adam, 20, 0.0, true, Block::Four),
        (first, logistic, adam, 7, 0.1, false, Block::Eight),
        (second.clone(), tanh, SGD, 33, 0.2, true, Block::Eight),
        (second, relu, adam, 64, 0.2, true, Block::Four),
        (large, logistic, SGD, 50, 0.0, false, Block::Four),
        (point, tanh, adam, 33, 0.3, false, Block::Sixteen),
    ] {
        let plan = Plan {
            stages,
            activation,
            optimizer,
            learning_rate: 3e-3,
            l2_weight: 0.01,
            dropout,
            seed: 3,
            batch_norm,
            ..Plan::dense(&[])
        };
        let rows = rows(&plan, 100);
        let hardware = hardware.clone().with_block(block);
        assert_steps_agree(&hardware, &plan, &rows, batch_size, &format!("{plan:?} {block:?}"));
    }
}

/// A hundred steps with the same batches, of which the last of each pass is smaller.
fn assert_steps_agree(hardware: &Hardware, plan: &Plan, rows: &Rows, batch_size: usize, name: &str) {
    let start = plan.start(&mut Stream::new(1));
    let mut trainer = block_on(hardware.trainer(plan, &start, rows)).expect("the GPU computes").expect("such a plan");
    let mut cpu = Cpu::new(plan.clone(), start, rows);
    let mut order: Vec<u32> = (0..rows.targets.len() as u32).collect();
    let mut n_steps = 0;
    while n_steps < 100 {
        Stream::fork(5, n_steps).shuffle(&mut order);
        // One step, then some together.
        let (first, others) = order.split_at(batch_size.min(order.len()));
        for part in [first, others] {
            let expected = block_on(cpu.steps(part, batch_size)).expect("the CPU computes");
            let found = block_on(trainer.steps(part, batch_size)).expect("the GPU computes");
            assert_close(found, expected, part.len(), &format!("{name}, step {n_steps}"));
            n_steps += part.len().div_ceil(batch_size) as u64;
        }
        let expected = block_on(cpu.loss(&order)).expect("the CPU computes");
        let found = block_on(trainer.loss(&order)).expect("the GPU computes");
        assert_close(found, expected, order.len(), &format!("{name}, loss at {n_steps}"));
    }
    let (found, expected) = (block_on(trainer.layers()), block_on(cpu.layers()));
    assert_layers_close(&found.expect("the GPU computes"), &expected.expect("the CPU computes"), name);
    assert_eq!(trainer.traffic().n_steps, n_steps);
}

fn assert_close(found: f64, expected: f64, n_rows: usize, name: &str) {
    let bound = 1e-4 * expected.max(0.1 * n_rows as f64);
    assert!((found - expected).abs() <= bound, "{name}: {found} rather than {expected}");
}

fn assert_layers_close(found: &[Layer], expected: &[Layer], name: &str) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!((found.n_inputs, found.n_outputs), (expected.n_inputs, expected.n_outputs), "{name}");
        assert_eq!((found.weights.len(), found.biases.len()), (expected.weights.len(), expected.biases.len()));
        let numbers = found.weights.iter().chain(&found.biases).zip(expected.weights.iter().chain(&expected.biases));
        for (found, expected) in numbers {
            // Adam divides by what may be near 0, where rounding is as large as what it rounds.
            assert!((found - expected).abs() <= 2e-3 * expected.abs().max(1.0), "{name}: {found} {expected}");
        }
    }
}

/// What `tests/reference/network.py` wrote.
#[derive(Deserialize)]
struct Reference {
    batch: usize,
    l2_weight: f64,
    momentum: f64,
    inputs: Vec<f32>,
    images: Vec<f32>,
    weights: Vec<f32>,
    classes: Vec<f32>,
    numbers: Vec<f32>,
    cases: Vec<Case>,
    n_passes: u32,
}

/// A hundred steps. Weights and biases stand layer by layer.
#[derive(Deserialize)]
struct Case {
    is_class: bool,
    activation: Activation,
    optimizer: String,
    stages: Vec<Stage>,
    batch_norm: bool,
    learning_rate: f64,
    schedule: Schedule,
    start: Vec<[Vec<f32>; 2]>,
    losses: Vec<f64>,
    end: Vec<[Vec<f32>; 2]>,
}

#[test]
fn a_hundred_steps_are_those_of_pytorch() {
    let Some(hardware) = found("the steps of PyTorch") else { return };
    let text = include_str!("../../../tests/reference/network.json");
    let reference: Reference = serde_json::from_str(text).expect("what the script writes");
    for case in &reference.cases {
        let name = format!("{:?} {} {:?} {}", case.activation, case.optimizer, case.stages, case.batch_norm);
        let plan = Plan {
            stages: case.stages.clone(),
            activation: case.activation,
            loss: if case.is_class { Loss::CrossEntropy } else { Loss::Square },
            optimizer: match case.optimizer.as_str() {
                "adam" => Optimizer::Adam,
                _ => Optimizer::Sgd { momentum: reference.momentum },
            },
            learning_rate: case.learning_rate,
            l2_weight: reference.l2_weight,
            batch_norm: case.batch_norm,
            ..Plan::dense(&[])
        };
        let layers_of = |all: &[[Vec<f32>; 2]]| -> Vec<Layer> {
            let layer = |((n_inputs, n_outputs), [weights, biases]): ((usize, usize), &[Vec<f32>; 2])| Layer {
                n_inputs,
                n_outputs,
                weights: weights.clone(),
                biases: biases.clone(),
            };
            case.stages.iter().filter_map(|stage| stage.layer()).zip(all).map(layer).collect()
        };
        let is_image = plan.stages[0].n_inputs() == 60;
        let rows = Rows {
            inputs: if is_image { reference.images.clone() } else { reference.inputs.clone() },
            targets: if case.is_class { reference.classes.clone() } else { reference.numbers.clone() },
            weights: reference.weights.clone(),
        };
        // Images and norms have one path.
        let paths = if is_image || case.batch_norm { &PATHS[1..] } else { &PATHS };
        for path in paths.iter().copied() {
            let hardware = hardware.clone().with_path(path);
            let start = layers_of(&case.start);
            let trainer = block_on(hardware.trainer(&plan, &start, &rows));
            let mut trainer = trainer.expect("the GPU computes").expect("such a plan");
            let n_rows = reference.weights.len();
            for (step, expected) in case.losses.iter().enumerate() {
                let first = step * reference.batch % n_rows;
                let pass = (step * reference.batch / n_rows) as u32;
                trainer.set_learning_rate(case.schedule.rate(case.learning_rate, pass, reference.n_passes));
                let batch: Vec<u32> = (first as u32..(first + reference.batch) as u32).collect();
                let loss = block_on(trainer.steps(&batch, reference.batch)).expect("a step") / reference.batch as f64;
                assert!((loss - expected).abs() <= 1e-4 * expected.max(0.1), "{name}, step {step}: {loss} {expected}");
            }
            let end = block_on(trainer.layers()).expect("weights");
            for (found, expected) in end.iter().zip(layers_of(&case.end)) {
                let expected = expected.weights.iter().chain(&expected.biases);
                for (found, expected) in found.weights.iter().chain(&found.biases).zip(expected) {
                    assert!((found - expected).abs() <= 1e-4 * expected.abs().max(1.0), "{name}: {found} {expected}");
                }
            }
        }
    }
}

#[test]
fn rows_that_the_gpu_does_not_hold_go_with_each_call() {
    let Some(gpu) = gpu("rows that are too many") else { return };
    let dense = Plan::dense(&[200, 8, 3]);
    let stages = seen(image(10, 10, 2), &[(3, 4), (2, 0)], &[3]);
    let seen = Plan { stages, dropout: 0.2, batch_norm: true, ..dense.clone() };
    let bits = |plan: &Plan, gpu: Gpu| {
        let rows = rows(plan, 400);
        let start = plan.start(&mut Stream::new(1));
        let hardware = hardware(gpu);
        let trainer = block_on(hardware.trainer(plan, &start, &rows));
        let mut trainer = trainer.expect("the GPU computes").expect("such a plan");
        let order: Vec<u32> = (0..400).rev().collect();
        let sum = block_on(trainer.steps(&order, 16)).expect("the GPU computes");
        let loss = block_on(trainer.loss(&order)).expect("the GPU computes");
        (sum, loss, block_on(trainer.layers()).expect("the GPU computes"))
    };
    assert_eq!(bits(&dense, gpu), bits(&dense, found_gpu().with_piece_bytes(300_000)));
    // Rows are judged in smaller parts, too.
    assert_eq!(bits(&seen, found_gpu()), bits(&seen, found_gpu().with_piece_bytes(300_000)));
}

#[test]
fn one_gpu_gives_the_same_bits_twice_however_steps_are_handed_over() {
    let Some(hardware) = found("the same bits") else { return };
    let dense = Plan::dense(&[20, 64, 64, 2]);
    let stages = seen(image(8, 8, 1), &[(3, 16), (2, 0)], &[24, 2]);
    let seen = Plan { stages, dropout: 0.2, batch_norm: true, ..dense.clone() };
    let order: Vec<u32> = (0..300).map(|at| at * 7 % 300).collect();
    for (plan, path) in [(&dense, Path::Rows), (&dense, Path::Layers), (&seen, Path::Layers)] {
        let rows = rows(plan, 300);
        let of = |n_at_once: usize| {
            let hardware = hardware.clone().with_path(path);
            let start = plan.start(&mut Stream::new(1));
            let trainer = block_on(hardware.trainer(plan, &start, &rows));
            let mut trainer = trainer.expect("the GPU computes").expect("such a plan");
            for part in order.chunks(32 * n_at_once) {
                block_on(trainer.steps(part, 32)).expect("the GPU computes");
            }
            block_on(trainer.layers()).expect("the GPU computes")
        };
        assert_eq!(of(1), of(10));
    }
}

#[test]
fn fewer_kernels_make_a_step_of_a_narrow_network() {
    let Some(hardware) = found("counts of kernels") else { return };
    let plan = Plan::dense(&[20, 64, 64, 2]);
    let rows = rows(&plan, 128);
    let order: Vec<u32> = (0..128).collect();
    for (path, n_dispatches) in [(Path::Rows, 2), (Path::Layers, 8)] {
        let hardware = hardware.clone().with_path(path);
        let start = plan.start(&mut Stream::new(1));
        let trainer = block_on(hardware.trainer(&plan, &start, &rows));
        let mut trainer = trainer.expect("the GPU computes").expect("such a plan");
        block_on(trainer.steps(&order, 64)).expect("the GPU computes");
        let traffic = trainer.traffic();
        assert_eq!((traffic.n_steps, traffic.n_dispatches), (2, 2 * n_dispatches));
        assert_eq!((traffic.n_bytes_to, traffic.n_bytes_from), (2 * (256 + 4 * 64), 2 * 4 * 16));
    }
}

#[test]
fn a_network_that_the_gpu_does_not_hold_is_told() {
    let Some(gpu) = gpu("a network that is too large") else { return };
    let hardware = hardware(gpu.with_piece_bytes(10_000));
    let plan = Plan::dense(&[20, 64, 64, 2]);
    let drawn = rows(&plan, 10);
    let start = plan.start(&mut Stream::new(1));
    let error = block_on(hardware.trainer(&plan, &start, &drawn)).map(|_| ());
    assert!(matches!(error, Err(GpuError::PieceTooLarge { limit: 10_000, .. })), "{error:?}");
    let lost = block_on(hardware.backend(&plan, &start, &drawn, 128)).map(|_| ()).expect_err("it does not fit");
    assert!(lost.0.contains("bytes in one piece"), "{lost}");
    // Its weights are few, its values are not.
    let plan = Plan { stages: seen(image(8, 8, 1), &[(3, 4), (3, 0)], &[2]), ..plan };
    let drawn = rows(&plan, 10);
    let start = plan.start(&mut Stream::new(1));
    let mut trainer = block_on(hardware.trainer(&plan, &start, &drawn)).expect("weights fit").expect("such a plan");
    let lost = block_on(trainer.steps(&[0, 1, 2, 3], 4)).expect_err("the values do not fit");
    assert!(lost.0.contains("bytes in one piece"), "{lost}");
}

#[test]
fn a_fit_on_the_gpu_is_as_good_as_on_the_cpu() {
    let Some(hardware) = found("a whole fit") else { return };
    let plain = NeuralSettings { hidden: vec![24, 12], learning_rate: 5e-3, max_epochs: 40, ..Default::default() };
    let normal = NeuralSettings { hidden: vec![48, 24], dropout: 0.1, batch_norm: true, ..plain.clone() };
    let image = image(8, 8, 1);
    let convolution = Stage::Convolution { image, kernel: 3, n_filters: 6 };
    let stages = vec![convolution, Stage::Pooling { image: convolution.output(), size: 2 }];
    let seen = NeuralSettings { image: stages, max_epochs: 12, ..normal.clone() };
    for (settings, (x, labels)) in [(plain, rings(1200)), (normal, rings(1200)), (seen, stripes(800))] {
        let cpu = block_on(fit(&settings, &x, &labels, 2, None, 3, &mut Unwatched)).expect("a model");
        let mut watched = Watched { hardware: Some(hardware.clone()), ..Watched::default() };
        let gpu = block_on(fit(&settings, &x, &labels, 2, None, 3, &mut watched)).expect("a model");
        assert_eq!(gpu.accelerated, Some(Accelerated::Wholly(hardware.name())));
        let (of_cpu, of_gpu) = (accuracy(&cpu.model, &x, &labels), accuracy(&gpu.model, &x, &labels));
        assert!(of_cpu > 0.9 && (of_cpu - of_gpu).abs() <= 0.005, "{of_gpu} rather than {of_cpu}: {settings:?}");
    }
}

#[test]
fn a_gpu_that_is_lost_on_the_way_leaves_the_model_of_the_cpu() {
    let Some(gpu) = gpu("the loss of a GPU") else { return };
    let (x, labels) = rings(300);
    let settings = NeuralSettings { hidden: vec![12], max_epochs: 6, ..Default::default() };
    let cpu = block_on(fit(&settings, &x, &labels, 2, None, 3, &mut Unwatched)).expect("a model");
    let gpu = Rc::new(gpu);
    let given_back = gpu.clone();
    let hardware = Hardware::new(gpu, clock());
    let at_third: Box<dyn Fn()> = Box::new(move || given_back.give_back());
    let mut watched = Watched { hardware: Some(hardware), at_third: Some(at_third), ..Watched::default() };
    let found = block_on(fit(&settings, &x, &labels, 2, None, 3, &mut watched)).expect("a model");
    let reason = "the GPU was lost: it was given back; ask for it again or compute on the CPU";
    assert_eq!(found.accelerated, Some(Accelerated::Lost(reason.into())));
    assert_eq!(found.model, cpu.model);
}

#[test]
fn a_fit_on_the_gpu_is_stopped() {
    let Some(hardware) = found("a fit that is stopped") else { return };
    let (x, labels) = rings(300);
    let settings = NeuralSettings { hidden: vec![12], ..Default::default() };
    let mut watched = Watched { hardware: Some(hardware), is_stopped: true, ..Watched::default() };
    let error = block_on(fit(&settings, &x, &labels, 2, None, 3, &mut watched)).map(|_| ());
    assert_eq!(error, Err(FitError::from(Stopped)));
}

#[test]
fn steps_that_are_too_long_are_told() {
    let Some(hardware) = found("steps that are too long") else { return };
    let x = Matrix { values: vec![0.0, 1.0, 2.0, 3.0], n_rows: 4, n_columns: 1 };
    let settings =
        NeuralSettings { optimizer: Optimizer::Sgd { momentum: 0.9 }, learning_rate: 1e6, ..NeuralSettings::default() };
    let numbers = Labels::Numbers(vec![1.0, 4.0, 2.0, 8.0]);
    let classes = Labels::Classes(vec![0, 1, 1, 0]);
    for (labels, n_classes) in [(numbers, 0), (classes, 2)] {
        let mut watched = Watched { hardware: Some(hardware.clone()), ..Watched::default() };
        let error = block_on(fit(&settings, &x, &labels, n_classes, None, 1, &mut watched)).map(|_| ());
        assert_eq!(error, Err(FitError::Diverged { learning_rate: 1e6 }));
    }
}

/// Lends a GPU; at the third word it does what it is to do, or stops.
#[derive(Default)]
struct Watched {
    hardware: Option<Hardware>,
    at_third: Option<Box<dyn Fn()>>,
    is_stopped: bool,
    n_words: Cell<usize>,
}

impl Checkpoint for Watched {
    async fn checkpoint(&mut self, _fraction: f64, message: &str) -> Result<(), Stopped> {
        self.n_words.set(self.n_words.get() + usize::from(message.starts_with("Pass")));
        if self.n_words.get() != 3 {
            return Ok(());
        }
        self.at_third.iter().for_each(|act| act());
        if self.is_stopped { Err(Stopped) } else { Ok(()) }
    }

    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        Some(Rc::new(self.hardware.clone()?))
    }
}

/// The GPU, or a word of what was not run.
fn gpu(what: &str) -> Option<Gpu> {
    match block_on(Gpu::find()) {
        Ok(gpu) => Some(gpu),
        Err(error @ GpuError::NoAdapter { .. }) => {
            eprintln!("not run: {what}; {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn found_gpu() -> Gpu {
    block_on(Gpu::find()).expect("it was found before")
}

fn found(what: &str) -> Option<Hardware> {
    gpu(what).map(hardware)
}

fn hardware(gpu: Gpu) -> Hardware {
    Hardware::new(Rc::new(gpu), clock())
}

fn clock() -> impl Fn() -> f64 {
    let start = Instant::now();
    move || start.elapsed().as_secs_f64() * 1e3
}

/// Rows of every class or of any number, with weights.
fn rows(plan: &Plan, n_rows: usize) -> Rows {
    let mut stream = Stream::new(9);
    let mut drawn = |n: usize| -> Vec<f32> { (0..n).map(|_| (4.0 * stream.uniform() - 2.0) as f32).collect() };
    let inputs = drawn(n_rows * plan.stages[0].n_inputs());
    let n_outputs = plan.stages[plan.stages.len() - 1].n_outputs();
    let targets = match plan.loss {
        Loss::Square => drawn(n_rows),
        Loss::CrossEntropy => (0..n_rows).map(|at| (at * 5 % n_outputs) as f32).collect(),
    };
    Rows { inputs, targets, weights: drawn(n_rows).iter().map(|number| 1.0 + number / 4.0).collect() }
}

/// Points within a ring and outside of it.
fn rings(n: usize) -> (Matrix, Labels) {
    let mut stream = Stream::new(7);
    let values: Vec<f64> = (0..2 * n).map(|_| 2.0 * stream.uniform() - 1.0).collect();
    let classes = (0..n).map(|i| u32::from(values[i].hypot(values[n + i]) < 0.75)).collect();
    (Matrix { values, n_rows: n, n_columns: 2 }, Labels::Classes(classes))
}

/// Images of 8 times 8 pixels, in which one line or one column is bright.
fn stripes(n: usize) -> (Matrix, Labels) {
    let mut stream = Stream::new(8);
    let mut values = vec![0.0; 64 * n];
    let mut classes = Vec::new();
    for row_idx in 0..n {
        let (class, bright) = (row_idx as u32 % 2, (8.0 * stream.uniform()) as usize);
        for pixel in 0..64 {
            let is_bright = bright == if class == 0 { pixel / 8 } else { pixel % 8 };
            values[pixel * n + row_idx] = stream.uniform() + if is_bright { 0.5 } else { 0.0 };
        }
        classes.push(class);
    }
    (Matrix { values, n_rows: n, n_columns: 64 }, Labels::Classes(classes))
}

fn accuracy(model: &model::Network, x: &Matrix, labels: &Labels) -> f64 {
    let Labels::Classes(classes) = labels else { unreachable!("classes") };
    let predicted = model.predict(x, 2);
    let hits = predicted.chunks(2).zip(classes).filter(|(p, class)| p[**class as usize] > 0.5).count();
    hits as f64 / classes.len() as f64
}
