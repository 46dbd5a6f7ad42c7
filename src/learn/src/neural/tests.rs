use std::rc::Rc;

use model::Image;
use serde::Deserialize;

use super::*;
use crate::{Unwatched, block_on};

fn fitted(settings: &NeuralSettings, x: &Matrix, labels: &Labels, n_classes: usize) -> NeuralFit {
    block_on(fit(settings, x, labels, n_classes, None, 1, &mut Unwatched)).expect("a model")
}

/// A quarter is of class 1 where both columns have the same sign.
fn corners(n: usize) -> (Matrix, Labels) {
    let mut stream = Stream::new(7);
    let values: Vec<f64> = (0..2 * n).map(|_| 2.0 * stream.uniform() - 1.0).collect();
    let classes = (0..n).map(|i| u32::from((values[i] > 0.0) == (values[n + i] > 0.0))).collect();
    (Matrix { values, n_rows: n, n_columns: 2 }, Labels::Classes(classes))
}

#[test]
fn corners_that_no_line_parts_are_told_apart() {
    let (x, labels) = corners(600);
    let Labels::Classes(classes) = &labels else { unreachable!("classes") };
    for (activation, optimizer) in [
        (Activation::Relu, Optimizer::Adam),
        (Activation::Tanh, Optimizer::Sgd { momentum: 0.9 }),
        (Activation::Logistic, Optimizer::Adam),
    ] {
        let settings = NeuralSettings {
            hidden: vec![16, 8],
            activation,
            optimizer,
            learning_rate: 0.02,
            ..NeuralSettings::default()
        };
        let found = fitted(&settings, &x, &labels, 2);
        let predicted = found.model.predict(&x, 2);
        let hits = predicted.chunks(2).zip(classes).filter(|(p, class)| p[**class as usize] > 0.5).count();
        assert!(hits > 570, "{activation:?} {optimizer:?}: {hits} of 600");
        let losses = &found.model.losses;
        assert!(losses.training.last() < losses.training.first());
        assert_eq!(losses.training.len(), losses.validation.len());
    }
}

#[test]
fn without_hidden_layers_it_is_least_squares() {
    let x = Matrix { values: (0..50).map(f64::from).collect(), n_rows: 50, n_columns: 1 };
    let y = Labels::Numbers((0..50).map(|i| 3.0 * f64::from(i) + 100.0).collect());
    let settings = NeuralSettings {
        hidden: Vec::new(),
        learning_rate: 0.05,
        l2_weight: 0.0,
        batch_size: 50,
        max_epochs: 2_000,
        patience: 2_000,
        validation_share: 0.0,
        ..NeuralSettings::default()
    };
    let predicted = fitted(&settings, &x, &y, 0).model.predict(&x, 0);
    assert!((predicted[10] - 130.0).abs() < 0.1 && (predicted[49] - 247.0).abs() < 0.1, "{predicted:?}");
}

/// Steps of 0.001 by the slope alone.
fn plan(stages: Vec<Stage>, activation: Activation, loss: Loss) -> Plan {
    Plan {
        stages,
        activation,
        loss,
        optimizer: Optimizer::Sgd { momentum: 0.0 },
        learning_rate: 1e-3,
        l2_weight: 0.0,
        dropout: 0.0,
        seed: 1,
        batch_norm: false,
    }
}

fn dense(widths: &[usize]) -> Vec<Stage> {
    widths.windows(2).map(|pair| Stage::Dense { n_inputs: pair[0], n_outputs: pair[1] }).collect()
}

const IMAGE: Image = Image { height: 5, width: 4, n_channels: 2 };

/// All that steps move, in some order.
fn learnt<'a>(cpu: &'a mut Cpu<'_>) -> Vec<&'a mut f32> {
    let of_layer = |learnt: &'a mut cpu::Learnt| {
        let norm = learnt.norm.iter_mut().flat_map(|norm| norm.factors.iter_mut().chain(&mut norm.biases));
        learnt.layer.weights.iter_mut().chain(&mut learnt.layer.biases).chain(norm)
    };
    cpu.layers.iter_mut().flat_map(of_layer).collect()
}

/// Slopes by back-propagation against differences of the loss, of which a step tells what it was before.
#[test]
fn steps_follow_the_slope_of_the_loss() {
    let convolution = |image, kernel| Stage::Convolution { image, kernel, n_filters: 3 };
    let seen = |first: Stage, second: Stage| {
        let n_inputs = second.n_outputs();
        vec![first, second, Stage::Dense { n_inputs, n_outputs: 4 }, Stage::Dense { n_inputs: 4, n_outputs: 3 }]
    };
    let filtered = convolution(IMAGE, 2);
    let pooled = Stage::Pooling { image: IMAGE, size: 2 };
    let (tanh, entropy) = (Activation::Tanh, Loss::CrossEntropy);
    let plans = [
        plan(dense(&[40, 4, 3]), tanh, entropy),
        plan(dense(&[40, 4, 1]), Activation::Logistic, Loss::Square),
        plan(dense(&[40, 4, 3, 1]), Activation::Relu, Loss::Square),
        plan(seen(filtered, Stage::Pooling { image: filtered.output(), size: 2 }), tanh, entropy),
        plan(seen(pooled, convolution(pooled.output(), 2)), tanh, entropy),
        plan(seen(filtered, convolution(filtered.output(), 3)), tanh, entropy),
    ];
    let mut stream = Stream::new(3);
    let rows = Rows {
        inputs: (0..5 * 40).map(|_| stream.normal() as f32).collect(),
        targets: vec![0.0, 2.0, 1.0, 1.0, 0.0],
        weights: vec![1.0, 2.0, 0.5, 0.7, 0.8],
    };
    let batch = [4, 0, 1, 2, 3];
    for (plan, batch_norm, dropout) in plans.iter().flat_map(|plan| [(plan, false, 0.0), (plan, true, 0.3)]) {
        let plan = Plan { batch_norm, dropout, ..plan.clone() };
        let start = plan.start(&mut stream);
        let mut stepped = Cpu::new(plan.clone(), start.clone(), &rows);
        let before: Vec<f32> = learnt(&mut stepped).into_iter().map(|number| *number).collect();
        block_on(stepped.steps(&batch, 5)).expect("a step");
        let after: Vec<f32> = learnt(&mut stepped).into_iter().map(|number| *number).collect();
        let loss_of = |at: usize, by: f32| {
            let mut moved = Cpu::new(plan.clone(), start.clone(), &rows);
            *learnt(&mut moved)[at] += by;
            block_on(moved.steps(&batch, 5)).expect("a step") / 5.0
        };
        for at in 0..before.len() {
            let expected = (loss_of(at, 2e-3) - loss_of(at, -2e-3)) / 4e-3;
            let found = f64::from(before[at] - after[at]) / 1e-3;
            assert!((found - expected).abs() < 2e-3, "{plan:?} {at}: {found} {expected}");
        }
    }
}

#[test]
fn what_normalises_is_folded_into_the_weights() {
    let filtered = Stage::Convolution { image: IMAGE, kernel: 2, n_filters: 3 };
    let n_inputs = filtered.n_outputs();
    let stages = vec![filtered, Stage::Dense { n_inputs, n_outputs: 4 }, Stage::Dense { n_inputs: 4, n_outputs: 2 }];
    let plan = Plan { batch_norm: true, ..plan(stages, Activation::Relu, Loss::CrossEntropy) };
    let mut stream = Stream::new(4);
    let rows = Rows {
        inputs: (0..20 * 40).map(|_| 3.0 * stream.normal() as f32 + 1.0).collect(),
        targets: (0..20).map(|row| f32::from(row % 2 == 0)).collect(),
        weights: vec![1.0; 20],
    };
    let row_idxs: Vec<u32> = (0..20).collect();
    let mut trained = Cpu::new(plan.clone(), plan.start(&mut stream), &rows);
    for _ in 0..30 {
        block_on(trained.steps(&row_idxs, 7)).expect("steps");
    }
    let layers = block_on(trained.layers()).expect("weights");
    let mut plain = Cpu::new(Plan { batch_norm: false, ..plan }, layers, &rows);
    let [found, expected] = [&mut plain, &mut trained].map(|cpu| block_on(cpu.loss(&row_idxs)).expect("a loss"));
    assert!((found - expected).abs() < 1e-4 * expected, "{found} {expected}");
}

#[test]
fn nodes_are_dropped_as_often_as_wanted_and_the_rest_makes_up_for_them() {
    let plan = Plan { dropout: 0.3, ..plan(dense(&[1, 1]), Activation::Relu, Loss::Square) };
    let share = |drops: &dyn Fn(u32, u32) -> bool| {
        let n = (0..200).flat_map(|a| (0..500).map(move |b| (a, b))).filter(|(a, b)| drops(*a, *b)).count();
        n as f64 / 100_000.0
    };
    // Of rows and nodes, of steps and layers; and two neighbours are dropped together no more often than any two.
    for (found, expected) in [
        (share(&|row, node| plan.drops(0, 0, row, node)), 0.3),
        (share(&|step, layer| plan.drops(step, layer, 0, 0)), 0.3),
        (share(&|row, node| plan.drops(5, 1, row, node) && plan.drops(5, 1, row, node + 1)), 0.09),
        (share(&|row, node| plan.drops(5, 1, row, node) && plan.drops(5, 1, row + 1, node)), 0.09),
        (share(&|step, node| plan.drops(step, 0, 3, node) && plan.drops(step + 1, 0, 3, node)), 0.09),
        (share(&|row, node| plan.drops(5, 0, row, node) && plan.drops(5, 1, row, node)), 0.09),
    ] {
        assert!((found - expected).abs() < 0.005, "{found} {expected}");
    }
    let mut numbers = vec![1.0; 100_000];
    cpu::drop_nodes(&plan, (2, 0), &mut numbers, 100);
    assert!(numbers.iter().all(|number| *number == 0.0 || (*number - 1.0 / 0.7).abs() < 1e-6));
    let mean = numbers.iter().map(|number| f64::from(*number)).sum::<f64>() / 1e5;
    assert!((mean - 1.0).abs() < 0.01, "{mean}");
}

/// Written down from the formula by another program, so that back ends can be compared with it.
#[test]
fn which_nodes_are_dropped_is_told_by_the_formula() {
    let plan = Plan { dropout: 0.5, seed: 7, ..plan(dense(&[1, 1]), Activation::Relu, Loss::Square) };
    let dropped =
        |step, layer, row| (0..16).map(|node| u32::from(plan.drops(step, layer, row, node))).collect::<Vec<_>>();
    assert_eq!(dropped(0, 0, 0), [0, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 1]);
    assert_eq!(dropped(3, 1, 2), [0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0]);
}

#[test]
fn a_step_sees_what_is_left_and_a_prediction_all() {
    let plan = Plan { dropout: 0.5, seed: 7, ..plan(dense(&[1, 4, 1]), Activation::Relu, Loss::Square) };
    let hidden = Layer { n_inputs: 1, n_outputs: 4, weights: vec![1.0, 2.0, 4.0, 8.0], biases: vec![0.0; 4] };
    let last = Layer { n_inputs: 4, n_outputs: 1, weights: vec![1.0; 4], biases: vec![0.0] };
    let rows = Rows { inputs: vec![1.0], targets: vec![0.0], weights: vec![1.0] };
    let mut cpu = Cpu::new(plan.clone(), vec![hidden, last], &rows);
    assert_eq!(block_on(cpu.loss(&[0])), Ok(0.5 * 15.0 * 15.0));
    let left: u32 = (0..4).map(|node| if plan.drops(0, 0, 0, node) { 0 } else { 2 << node }).sum();
    assert_eq!(block_on(cpu.steps(&[0], 1)), Ok(0.5 * f64::from(left * left)));
}

#[test]
fn rates_fall_by_their_formulas() {
    let rates = |schedule: Schedule| [0, 1, 2, 3, 4].map(|pass| schedule.rate(0.8, pass, 4));
    assert_eq!(rates(Schedule::Constant), [0.8; 5]);
    assert_eq!(rates(Schedule::Steps { n_passes: 2, factor: 0.5 }), [0.8, 0.8, 0.4, 0.4, 0.2]);
    assert_eq!(rates(Schedule::Exponential { factor: 0.5 }), [0.8, 0.4, 0.2, 0.1, 0.05]);
    let cosine = rates(Schedule::Cosine { least: 0.2 });
    let expected = [0.8, 0.712_132_034, 0.5, 0.287_867_966, 0.2];
    assert!(cosine.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-9), "{cosine:?}");
}

#[test]
fn pixels_of_a_channel_are_scaled_alike() {
    // Two pixels of two channels: 1 2 3 and 3 4 5 of the first, the second always 7.
    let values = vec![1.0, 2.0, 3.0, 7.0, 7.0, 7.0, 3.0, 4.0, 5.0, 7.0, 7.0, 7.0];
    let x = Matrix { values, n_rows: 3, n_columns: 4 };
    let image = vec![Stage::Pooling { image: Image { height: 1, width: 2, n_channels: 2 }, size: 1 }];
    let settings = NeuralSettings { image, max_epochs: 1, ..NeuralSettings::default() };
    let scaling = fitted(&settings, &x, &Labels::Numbers(vec![0.0, 1.0, 2.0]), 0).model.scaling;
    let first = (3.0, numeric::sqrt(10.0 / 6.0));
    assert_eq!(scaling, [first, (7.0, 1.0), first, (7.0, 1.0)]);
}

#[test]
fn stages_that_do_not_fit_are_told() {
    let of = |image: Vec<Stage>| {
        let settings = NeuralSettings { image, batch_size: 10_000, ..NeuralSettings::default() };
        let x = Matrix { values: vec![0.0; 80], n_rows: 2, n_columns: 40 };
        let fit = block_on(fit(&settings, &x, &Labels::Numbers(vec![0.0, 1.0]), 0, None, 1, &mut Unwatched));
        fit.map(|_| ()).expect_err("it is told")
    };
    let convolution = |image, kernel, n_filters| Stage::Convolution { image, kernel, n_filters };
    let small = Image { height: 3, ..IMAGE };
    assert_eq!(of(vec![convolution(small, 3, 4)]), FitError::ImageSize { image: small, n_columns: 40 });
    let first = convolution(IMAGE, 3, 4);
    let pooling = Stage::Pooling { image: first.output(), size: 2 };
    let image = Image { height: 1, width: 1, n_channels: 4 };
    let error = FitError::SquaresTooLarge { stage: 3, size: 3, image };
    assert_eq!(of(vec![first, pooling, convolution(image, 3, 4)]), error);
    for size in [0, 5] {
        let error = FitError::SquaresTooLarge { stage: 1, size, image: IMAGE };
        assert_eq!(of(vec![Stage::Pooling { image: IMAGE, size }]), error);
    }
    assert!(matches!(of(vec![convolution(IMAGE, 1, 2_000)]), FitError::Setting { .. }));
}

/// What `tests/reference/network.py` wrote.
#[derive(Deserialize)]
struct Reference {
    batch: usize,
    l2_weight: f64,
    momentum: f64,
    n_passes: u32,
    inputs: Vec<f32>,
    images: Vec<f32>,
    weights: Vec<f32>,
    classes: Vec<f32>,
    numbers: Vec<f32>,
    cases: Vec<Case>,
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
    let text = include_str!("../../../../tests/reference/network.json");
    let reference: Reference = serde_json::from_str(text).expect("what the script writes");
    for case in reference.cases {
        let name = format!("{:?} {} {:?} {}", case.activation, case.optimizer, case.schedule, case.batch_norm);
        let loss = if case.is_class { Loss::CrossEntropy } else { Loss::Square };
        let plan = Plan {
            optimizer: match case.optimizer.as_str() {
                "adam" => Optimizer::Adam,
                _ => Optimizer::Sgd { momentum: reference.momentum },
            },
            learning_rate: case.learning_rate,
            l2_weight: reference.l2_weight,
            batch_norm: case.batch_norm,
            ..plan(case.stages, case.activation, loss)
        };
        let layer = |((n_inputs, n_outputs), [weights, biases]): ((usize, usize), [Vec<f32>; 2])| Layer {
            n_inputs,
            n_outputs,
            weights,
            biases,
        };
        let sizes = plan.stages.iter().filter_map(|stage| stage.layer());
        let layers = sizes.zip(case.start).map(layer).collect();
        let is_image = plan.stages[0].n_inputs() == 60;
        let rows = Rows {
            inputs: if is_image { reference.images.clone() } else { reference.inputs.clone() },
            targets: if case.is_class { reference.classes.clone() } else { reference.numbers.clone() },
            weights: reference.weights.clone(),
        };
        let mut network = Cpu::new(plan, layers, &rows);
        let n_rows = reference.weights.len();
        for (step, expected) in case.losses.iter().enumerate() {
            let first = step * reference.batch % n_rows;
            let pass = (step * reference.batch / n_rows) as u32;
            network.set_learning_rate(case.schedule.rate(case.learning_rate, pass, reference.n_passes));
            let batch: Vec<u32> = (first as u32..(first + reference.batch) as u32).collect();
            let loss = block_on(network.steps(&batch, reference.batch)).expect("a step") / reference.batch as f64;
            assert!((loss - expected).abs() <= 1e-4 * expected.max(0.1), "{name}, step {step}: {loss} {expected}");
        }
        let end = block_on(network.layers()).expect("weights");
        for (found, [weights, biases]) in end.iter().zip(&case.end) {
            for (found, expected) in found.weights.iter().chain(&found.biases).zip(weights.iter().chain(biases)) {
                assert!((found - expected).abs() <= 1e-4 * expected.abs().max(1.0), "{name}: {found} {expected}");
            }
        }
    }
}

#[test]
fn one_seed_gives_one_network_and_another_another() {
    let (x, labels) = corners(60);
    let of = |seed| {
        let settings = NeuralSettings { max_epochs: 3, ..NeuralSettings::default() };
        block_on(fit(&settings, &x, &labels, 2, None, seed, &mut Unwatched)).expect("a model").model
    };
    assert_eq!(of(1), of(1));
    assert!(of(1) != of(2));
}

#[test]
fn steps_that_are_too_long_are_told() {
    let x = Matrix { values: vec![0.0, 1.0, 2.0, 3.0], n_rows: 4, n_columns: 1 };
    let settings =
        NeuralSettings { optimizer: Optimizer::Sgd { momentum: 0.9 }, learning_rate: 1e6, ..NeuralSettings::default() };
    let y = Labels::Numbers(vec![1.0, 4.0, 2.0, 8.0]);
    let error = block_on(fit(&settings, &x, &y, 0, None, 1, &mut Unwatched)).map(|_| ());
    assert_eq!(error, Err(FitError::Diverged { learning_rate: 1e6 }));
}

/// Looks at each chance, stops after so many, and keeps where trainings stood.
#[derive(Default)]
struct Looking {
    n_left: Option<u32>,
    standings: Rc<Standings>,
    /// What is kept of them beyond this program, each time that it is.
    kept: Vec<Vec<u8>>,
    remarks: Vec<String>,
    /// Keeps where it stands at each chance.
    keeps: bool,
    n_passed: u32,
    /// Passes at each sight, and whether it was the last.
    sights: Vec<(f64, bool)>,
    last: Option<Network>,
}

impl Checkpoint for Looking {
    async fn checkpoint(&mut self, _fraction: f64, _message: &str) -> Result<(), Stopped> {
        self.kept.push(postcard::to_stdvec(&*self.standings).expect("plain data"));
        let Some(n_left) = &mut self.n_left else { return Ok(()) };
        *n_left = n_left.checked_sub(1).ok_or(Stopped)?;
        Ok(())
    }

    fn remark(&mut self, sentence: String) {
        self.remarks.push(sentence);
    }

    fn wants_sight(&mut self) -> bool {
        true
    }

    fn sight(&mut self, sight: Sight<'_>) {
        self.sights.push((sight.n_passes, sight.is_last));
        let activations = sight.activations(3);
        assert_eq!(activations.len(), sight.network.stages.len() + 1);
        self.last = Some(sight.network.clone());
    }

    fn passed(&mut self) {
        self.n_passed += 1;
    }

    fn standings(&self) -> Option<Rc<Standings>> {
        Some(Rc::clone(&self.standings))
    }

    fn wants_standing(&mut self) -> bool {
        self.keeps
    }
}

/// Everything that later steps rest on is there: momentum, its rescaling, running means, which nodes are dropped.
fn eventful(max_epochs: u32) -> NeuralSettings {
    NeuralSettings {
        hidden: vec![12, 8],
        optimizer: Optimizer::Sgd { momentum: 0.9 },
        learning_rate: 0.05,
        schedule: Schedule::Steps { n_passes: 2, factor: 0.5 },
        dropout: 0.2,
        batch_norm: true,
        max_epochs,
        ..NeuralSettings::default()
    }
}

#[test]
fn a_training_that_was_stopped_goes_on_to_the_same_model() {
    let (x, labels) = corners(200);
    for settings in [eventful(6), NeuralSettings { max_epochs: 6, ..NeuralSettings::default() }] {
        let whole = fitted(&settings, &x, &labels, 2);
        let mut looking = Looking::default();
        let run = |looking: &mut Looking| block_on(fit(&settings, &x, &labels, 2, None, 1, looking));
        // In the middle of a pass, at its end, and while the rows held out are judged.
        for n_left in 2..9 {
            looking.n_left = Some(n_left);
            assert!(matches!(run(&mut looking), Err(FitError::Stopped(_))), "{n_left}");
        }
        looking.n_left = None;
        let found = run(&mut looking).expect("a model");
        assert_eq!(found, whole);
        let (first, last) = (&looking.remarks[0], &looking.remarks[looking.remarks.len() - 1]);
        assert_eq!(first, "It stands after 0 passes; the next run goes on from there.");
        assert_eq!(last, "It went on after 3 passes, which a run before had done.");
        assert_eq!(looking.n_passed, 6, "no pass was computed twice");
    }
}

#[test]
fn a_training_whose_program_ended_goes_on_in_another() {
    let (x, labels) = corners(200);
    let whole = fitted(&eventful(4), &x, &labels, 2);
    let run = |looking: &mut Looking| block_on(fit(&eventful(4), &x, &labels, 2, None, 1, looking)).expect("a model");
    let mut first = Looking { keeps: true, ..Looking::default() };
    assert_eq!(run(&mut first), whole, "to keep where it stands changes nothing");
    let none = postcard::to_stdvec(&Standings::default()).expect("plain data");
    let n_kept = first.kept.iter().filter(|kept| **kept != none).count();
    assert!(n_kept >= 4 * 181_usize.div_ceil(32), "within passes, too: {n_kept}");
    for (at, kept) in first.kept.iter().enumerate() {
        let standings = Rc::new(Standings::default());
        standings.take_in(&postcard::from_bytes(kept).expect("what was kept"));
        let mut other = Looking { standings, ..Looking::default() };
        assert_eq!(run(&mut other), whole, "{at}");
        // Before the first step there is nothing to go on from.
        assert_eq!(other.remarks.len(), usize::from(*kept != none), "{at}");
    }
    let over = postcard::to_stdvec(&*first.standings).expect("plain data");
    assert_eq!(over, none, "a training that is over begins anew in another program");
}

#[test]
fn what_is_known_counts_more_than_what_was_kept_earlier() {
    let (x, labels) = corners(100);
    let stopped = |n_left| {
        let mut looking = Looking { n_left: Some(n_left), ..Looking::default() };
        let _ = block_on(fit(&eventful(9), &x, &labels, 2, None, 1, &mut looking));
        looking.standings
    };
    let (earlier, known) = (stopped(3), stopped(12));
    known.take_in(&earlier);
    let mut looking = Looking { standings: known, ..Looking::default() };
    block_on(fit(&eventful(9), &x, &labels, 2, None, 1, &mut looking)).expect("a model");
    assert!(looking.n_passed < 8, "{} passes were left", looking.n_passed);
}

#[test]
fn more_passes_go_on_after_those_that_are_done() {
    let (x, labels) = corners(200);
    let mut looking = Looking::default();
    let run =
        |looking: &mut Looking, settings| block_on(fit(&settings, &x, &labels, 2, None, 1, looking)).expect("a model");
    run(&mut looking, eventful(3));
    assert_eq!(run(&mut looking, eventful(5)), fitted(&eventful(5), &x, &labels, 2));
    assert_eq!(looking.n_passed, 5);
    assert_eq!(looking.remarks, ["It went on after 3 passes, which a run before had done."]);
    // Fewer are another training; so are other settings, and others after `clear`.
    assert_eq!(run(&mut looking, eventful(2)), fitted(&eventful(2), &x, &labels, 2));
    run(&mut looking, NeuralSettings { dropout: 0.1, ..eventful(5) });
    looking.standings.clear();
    run(&mut looking, eventful(5));
    assert_eq!((looking.n_passed, looking.remarks.len()), (5 + 2 + 5 + 5, 1));
}

#[test]
fn cosine_depends_on_how_many_passes_are_allowed() {
    let (x, labels) = corners(100);
    let settings = |max_epochs| NeuralSettings { schedule: Schedule::Cosine { least: 0.0 }, ..eventful(max_epochs) };
    let mut looking = Looking::default();
    for max_epochs in [2, 4] {
        let found = block_on(fit(&settings(max_epochs), &x, &labels, 2, None, 1, &mut looking)).expect("a model");
        assert_eq!(found, fitted(&settings(max_epochs), &x, &labels, 2));
    }
    assert_eq!((looking.n_passed, looking.remarks.len()), (6, 0));
}

#[test]
fn to_look_at_it_changes_nothing() {
    let (x, labels) = corners(200);
    let mut looking = Looking::default();
    let found = block_on(fit(&eventful(3), &x, &labels, 2, None, 1, &mut looking)).expect("a model");
    assert_eq!(found, fitted(&eventful(3), &x, &labels, 2));
    // 181 rows in batches of 32: five sights within each pass and one after it; in the end what came out.
    assert_eq!(looking.sights.len(), 3 * 6 + 1);
    assert_eq!(looking.sights[..2], [(32.0 / 181.0, false), (64.0 / 181.0, false)]);
    assert_eq!(looking.sights[17..], [(3.0, false), (3.0, true)]);
    assert_eq!(looking.last, Some(found.model));
}
