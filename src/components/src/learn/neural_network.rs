//! Layers of weighted sums.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::neural::Schedule;
use learn::{FitError, Learner, NeuralSettings, Optimizer};
use model::{Activation, Image, Stage};
use pipeline::{Acceleration, Family, Spec};

use super::ranges::{self, MODE, Ranged};
use crate::failures;

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const TASK: Param<String> = Param::choice("task", super::TASKS, "auto").label("Predicts").help(super::TASK_HELP);
const COLUMNS: Param<String> =
    Param::choice("columns", &[("any", "Any numbers"), (PIXELS, "Pixels of an image")], "any")
        .label("Columns are")
        .help("Pixels that are neighbours can be looked at together.");
const PIXELS: &str = "pixels";
const IMAGE: Param<String> = Param::text("image", "8x8")
    .label("Image size")
    .help("Height and width, as in `8x8`; with the numbers of a pixel if it has several, as in `32x32x3`. Columns stand row by row.")
    .when("columns", &[PIXELS]);
const HIDDEN: Param<String> = Param::text("hidden_nodes", "100").label("Hidden nodes").help(
    "Nodes of each hidden layer, as in `100` or `64, 32`. More fit finer detail, need more rows and take longer. Empty, there is no hidden layer. \
     Of an image, `conv 16x3, pool 2, 64` looks everywhere for 16 patterns of 3 × 3 pixels, takes the largest of each 2 × 2 findings, and gives these to 64 nodes.",
);
const ACTIVATION: Param<String> =
    Param::choice("activation", &[("relu", "ReLU"), ("tanh", "Tanh"), ("logistic", "Logistic")], "relu")
        .label("Activation")
        .help(
            "How a hidden node bends its sum: ReLU is the quickest and mostly the best, Tanh and Logistic are smooth.",
        );
const OPTIMIZER: Param<String> = Param::choice("optimizer", &[("adam", "Adam"), ("sgd", "SGD with momentum")], "adam")
    .label("Optimizer")
    .help("Adam finds the length of steps for each weight. SGD takes the learning rate as it is and needs it chosen well.");
const LEARNING_RATE: Param<f64> = Param::float("learning_rate", 0.001)
    .range(1e-7, 10.0)
    .log()
    .label("Learning rate")
    .help("How long steps are. Too small is slow, too large makes the loss jump about.");
const SCHEDULE: Param<String> = Param::choice(
    "schedule",
    &[("constant", "Constant"), ("steps", "Steps"), ("exponential", "Exponential"), ("cosine", "Cosine")],
    "constant",
)
.label("Learning rate falls")
.help("Long steps first and short ones later come closer to the best weights. Cosine falls over all passes that are allowed.");
const EVERY: Param<u32> = Param::int("schedule_passes", 10)
    .range(1, 10_000)
    .log()
    .label("Passes to a step")
    .help("Passes with the same learning rate.")
    .when("schedule", &["steps"]);
const FACTOR: Param<f64> = Param::float("schedule_factor", 0.9)
    .range(0.01, 1.0)
    .label("Factor")
    .help("What the learning rate is multiplied by each time.")
    .when("schedule", &["steps", "exponential"]);
const LEAST: Param<f64> = Param::float("least_rate", 0.0)
    .range(0.0, 10.0)
    .label("Least learning rate")
    .help("Where the learning rate arrives.")
    .when("schedule", &["cosine"]);
const MOMENTUM: Param<f64> = Param::float("momentum", 0.9)
    .range(0.0, 0.999)
    .label("Momentum")
    .help("The share of the last step that goes on. More rolls over small bumps.")
    .when("optimizer", &["sgd"]);
const L2: Param<f64> = Param::float("l2_weight", 1e-4)
    .range(0.0, 1e3)
    .log()
    .label("L2 regularization weight")
    .help("The larger it is, the closer to 0 all weights are drawn, and the smoother the prediction is.");
const DROPOUT: Param<f64> = Param::float("dropout", 0.0)
    .range(0.0, 0.9)
    .label("Dropout")
    .help("The share of hidden nodes that each step leaves out, drawn anew. 0.2 to 0.5 keeps large networks from learning by heart.");
const NORM: Param<bool> = Param::switch("batch_normalization", false)
    .label("Batch normalization")
    .help("Brings sums of hidden nodes to mean 0 and deviation 1 over the rows of a batch. Deep networks learn faster; batches need some rows.");
const BATCH: Param<u32> = Param::int("batch_size", 32)
    .range(1, 10_000)
    .log()
    .label("Rows in a batch")
    .help("Rows that make a step together. Small batches step more often and less surely.");
const EPOCHS: Param<u32> = Param::int("iterations", 200)
    .range(1, 10_000)
    .log()
    .label("Passes at most")
    .help("How often all rows are gone through. It mostly ends before, when there is no progress.");
const SHARE: Param<f64> = Param::float("validation_share", 0.1)
    .range(0.0, 0.5)
    .label("Share held out")
    .help("This share of the rows is not trained on and tells when to stop; the best pass is kept. At 0, all are trained on and the training loss tells.");
const PATIENCE: Param<u32> =
    Param::int("patience", 10).range(1, 1_000).label("Patience").help("It ends after so many passes without progress.");
const TOLERANCE: Param<f64> = Param::float("tolerance", 1e-4)
    .range(0.0, 1.0)
    .label("Tolerance")
    .help("A pass that lowers the loss by less than this is no progress.");
const SHUFFLE: Param<bool> = Param::switch("shuffle", true)
    .label("Shuffle rows")
    .help("In each pass rows come in another order. Off, rows that are sorted teach the last ones best.");
const CLASSES: Param<String> = Param::choice("class_weights", super::CLASS_WEIGHTS, "uniform")
    .label("Weights of classes")
    .help(super::CLASS_WEIGHTS_HELP);

/// Neural Network.
pub struct NeuralNetwork;

impl Component for NeuralNetwork {
    fn spec(&self) -> Spec {
        Spec::new("learn.neural-network", 1, Family::Learn, "Neural Network")
            .with_summary("Predicts through layers of nodes that learn what to look for.")
            .with_help(
                "Every node of a layer takes a weighted sum of all numbers below it and bends it: `a = max(0, w0 + w1 x1 \
                 + w2 x2 + …)`. The last layer gives a number, or one sum per class, which softmax makes probabilities. \
                 Bent sums of bent sums can follow any curve, if there are enough nodes and rows.\n\n\
                 Training goes through the rows batch by batch and moves each weight a little against the slope of the \
                 loss. Its output shows the loss in each pass: while both lines fall it learns; where that of the rows \
                 held out rises again it learns by heart, and the weights from before are kept.\n\n\
                 Columns are standardized by itself. It starts from weights drawn at random: another seed gives another \
                 network. On tables of some thousand rows a Decision Forest is often as good and asks for less care.",
            )
            .with_keywords("mlp perceptron deep layers backpropagation adam cnn convolution image dropout classification regression")
            .with_icon("share-2")
            .with_caption("{hidden_nodes} · {activation} · {hidden_nodes_range}")
            .accelerated(Acceleration::Networks)
            .with_output(LEARNER)
            .with_param(MODE)
            .with_param(TASK)
            .with_param(COLUMNS)
            .with_param(IMAGE)
            .with_ranged(HIDDEN, "50, 100, 200")
            .with_ranged(ACTIVATION, "relu, tanh")
            .with_param(OPTIMIZER)
            .with_ranged(LEARNING_RATE, "0.0003, 0.001, 0.003, 0.01")
            .with_param(SCHEDULE)
            .with_param(EVERY)
            .with_param(FACTOR)
            .with_param(LEAST)
            .with_param(MOMENTUM)
            .with_ranged(L2, "0.00001, 0.0001, 0.001, 0.01")
            .with_param(DROPOUT)
            .with_param(NORM)
            .with_param(BATCH)
            .with_param(EPOCHS)
            .with_param(SHARE)
            .with_param(PATIENCE)
            .with_param(TOLERANCE)
            .with_param(SHUFFLE)
            .with_param(CLASSES)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        if let Some(text) = flow.param(HIDDEN)
            && !ranges::is_range(flow.params())
        {
            shape(&text, &flow.param(COLUMNS).unwrap_or_default(), &flow.param(IMAGE).unwrap_or_default())?;
        }
        ranges::space(flow.params()).map(|_| ())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { ranges::give(job, LEARNER, learner) })
    }
}

const NODES_HELP: &str = "Write numbers from 1 to 4096 with commas between, as in `64, 32`, for at most 8 layers; before them, if columns are pixels, also `conv 16x3` and `pool 2`.";

/// Stages of an image, and nodes of hidden layers after them.
type Shape = (Vec<Stage>, Vec<u32>);

/// What was written, if it fits together.
fn shape(nodes: &str, columns: &str, image: &str) -> Result<Shape, FlowError> {
    let wrong = |param: Param<String>, message: String, help: &str| FlowError {
        place: param.name().into(),
        message,
        help: help.into(),
    };
    let image = match sizes(image)[..] {
        _ if columns != PIXELS => None,
        [height, width] => Some(Image { height, width, n_channels: 1 }),
        [height, width, n_channels] => Some(Image { height, width, n_channels }),
        _ => return Err(wrong(IMAGE, format!("{image:?} is no size of an image"), "Write it as `8x8` or `32x32x3`.")),
    };
    layers(nodes, image).map_err(|(message, help)| wrong(HIDDEN, message, help))
}

/// Stages of an image, where there is one, and nodes of layers; or what is wrong with them, and the way out.
fn layers(text: &str, mut image: Option<Image>) -> Result<Shape, (String, &'static str)> {
    let (mut stages, mut widths) = (Vec::new(), Vec::new());
    let mut words = text.split([',', ';', ' ']).filter(|part| !part.is_empty());
    while let Some(word) = words.next() {
        let is_plain = !matches!(word, "conv" | "pool");
        let figures = if is_plain { word } else { words.next().unwrap_or_default() };
        let stage = match (&sizes(figures)[..], image) {
            (&[width], _) if is_plain => {
                widths.push(width as u32);
                // No stage of an image comes after it.
                image = None;
                continue;
            }
            (&[n_filters, kernel], Some(image)) if word == "conv" => Stage::Convolution { image, kernel, n_filters },
            (&[size], Some(image)) if word == "pool" => Stage::Pooling { image, size },
            _ if is_plain => return Err((format!("{word:?} is no number of nodes"), NODES_HELP)),
            _ => return Err((format!("`{word} {figures}` does not fit here"), NODES_HELP)),
        };
        stages.push(stage);
        if stage.n_outputs() == 0 {
            let error = FitError::SquaresTooLarge { stage: stages.len(), size: stage.size(), image: stage.input() };
            return Err((error.to_string(), "Use smaller squares there, or pool less before."));
        }
        image = Some(stage.output());
    }
    let n_layers = widths.len().max(stages.len());
    if n_layers > 8 { Err((format!("there are {n_layers} hidden layers"), NODES_HELP)) } else { Ok((stages, widths)) }
}

/// Numbers with a cross between; none if one is out of range.
fn sizes(text: &str) -> Vec<usize> {
    let sizes: Vec<usize> = text.split('x').map(|part| part.trim().parse().unwrap_or(0)).collect();
    if sizes.iter().all(|size| (1..=4_096).contains(size)) { sizes } else { Vec::new() }
}

fn learner(params: NodeParams<'_>) -> Result<Learner, JobError> {
    let shape = shape(&params.param(HIDDEN)?, &params.param(COLUMNS)?, &params.param(IMAGE)?);
    let (image, hidden) = shape.map_err(failures::from_flow)?;
    Ok(Learner::Neural(NeuralSettings {
        task: super::task(&params.param(TASK)?),
        image,
        hidden,
        activation: match params.param(ACTIVATION)?.as_str() {
            "tanh" => Activation::Tanh,
            "logistic" => Activation::Logistic,
            _ => Activation::Relu,
        },
        optimizer: match params.param(OPTIMIZER)?.as_str() {
            "sgd" => Optimizer::Sgd { momentum: params.param(MOMENTUM)? },
            _ => Optimizer::Adam,
        },
        learning_rate: params.param(LEARNING_RATE)?,
        schedule: match params.param(SCHEDULE)?.as_str() {
            "steps" => Schedule::Steps { n_passes: params.param(EVERY)?, factor: params.param(FACTOR)? },
            "exponential" => Schedule::Exponential { factor: params.param(FACTOR)? },
            "cosine" => Schedule::Cosine { least: params.param(LEAST)? },
            _ => Schedule::Constant,
        },
        l2_weight: params.param(L2)?,
        dropout: params.param(DROPOUT)?,
        batch_norm: params.param(NORM)?,
        batch_size: params.param(BATCH)?,
        max_epochs: params.param(EPOCHS)?,
        tolerance: params.param(TOLERANCE)?,
        patience: params.param(PATIENCE)?,
        validation_share: params.param(SHARE)?,
        shuffle: params.param(SHUFFLE)?,
        class_weights: super::class_weights(&params.param(CLASSES)?),
    }))
}

#[cfg(test)]
mod tests {
    use engine::Artifact;
    use engine::testing::run_component;
    use learn::{Unwatched, block_on};
    use model::Target;
    use pipeline::Value;

    use super::*;
    use crate::data::sample_datasets::SampleDatasets;

    const DIGIT: Image = Image { height: 8, width: 8, n_channels: 1 };

    #[test]
    fn layers_are_written_with_commas() {
        assert_eq!(layers("64, 32", None), Ok((vec![], vec![64, 32])));
        assert_eq!(layers("", None), Ok((vec![], vec![])));
        let convolution = Stage::Convolution { image: DIGIT, kernel: 3, n_filters: 16 };
        let image = vec![convolution, Stage::Pooling { image: convolution.output(), size: 2 }];
        assert_eq!(layers("conv 16x3, pool 2, 64", Some(DIGIT)), Ok((image.clone(), vec![64])));
        assert_eq!(layers("conv 16x3 pool 2", Some(DIGIT)), Ok((image, vec![])));
        for (text, image, message) in [
            ("64, many", None, "\"many\" is no number of nodes"),
            ("0", None, "\"0\" is no number of nodes"),
            ("8x8", None, "\"8x8\" is no number of nodes"),
            ("conv 16x3, 64", None, "`conv 16x3` does not fit here"),
            ("conv 16, 64", Some(DIGIT), "`conv 16` does not fit here"),
            ("conv 16x0", Some(DIGIT), "`conv 16x0` does not fit here"),
            ("pool", Some(DIGIT), "`pool ` does not fit here"),
            ("64, pool 2", Some(DIGIT), "`pool 2` does not fit here"),
            ("1 1 1 1 1 1 1 1 1", None, "there are 9 hidden layers"),
            (
                "conv 8x3, pool 2, conv 8x5",
                Some(DIGIT),
                "stage 3 takes squares of 5 × 5 pixels, but the image that reaches it has 3 × 3",
            ),
        ] {
            assert_eq!(layers(text, image).map_err(|(message, _)| message), Err(message.into()), "{text}");
        }
    }

    #[test]
    fn an_image_has_a_height_and_a_width() {
        let of = |image: &str| shape("pool 2", PIXELS, image).map(|(stages, _)| stages[0].input());
        assert_eq!(of("8x8").as_ref(), Ok(&DIGIT));
        assert_eq!(of("8 x 8x3").as_ref(), Ok(&Image { n_channels: 3, ..DIGIT }));
        for image in ["", "8", "8x8x3x1", "8x0", "axb"] {
            let error = of(image).expect_err("it is told");
            assert_eq!((&*error.place, error.message), ("image", format!("{image:?} is no size of an image")));
        }
        assert_eq!(shape("64", "any", "nonsense").as_ref(), Ok(&(vec![], vec![64])));
    }

    /// The share of digits told right of which it has not seen any; every fourth is held out.
    fn right(params: &[(&str, Value)]) -> f64 {
        let run = |component: &dyn Component, params: &[(&str, Value)], output| {
            let mut done = run_component(component, vec![], params.to_vec(), 1).expect("it works");
            done.outputs.remove(output).expect("an output")
        };
        let Artifact::Learner(untrained) = run(&NeuralNetwork, params, "learner") else { panic!("a learner") };
        let Untrained::Single(learner) = &*untrained else { panic!("a learner") };
        let digits = run(&SampleDatasets, &[("dataset", Value::Text("digits".into()))], "table");
        let Artifact::Table(digits) = digits else { panic!("a table") };
        let kept = |is_seen: bool| (0..digits.n_rows()).map(|row| (row % 4 > 0) == is_seen).collect::<Vec<_>>();
        let (seen, unseen) = (digits.filter(&kept(true)), digits.filter(&kept(false)));
        let model = block_on(learn::train(learner, &seen, "digit", 1, &mut Unwatched)).expect("a model");
        let Target::Class { classes, .. } = &model.target else { panic!("classes") };
        let frame = unseen.frame();
        let model::Values::Category { codes, dictionary } = &frame.column("digit").expect("a column").values else {
            panic!("categories")
        };
        let said = model.predict(&frame).expect("a prediction").classes();
        let hits = said
            .iter()
            .zip(codes.iter())
            .filter(|(said, code)| classes[**said as usize] == dictionary[**code as usize]);
        hits.count() as f64 / unseen.n_rows() as f64
    }

    #[test]
    fn digits_are_told_by_what_is_found_in_them() {
        for (norm, dropout) in [(false, 0.0), (true, 0.2)] {
            let params = [
                ("columns", Value::Text(PIXELS.into())),
                ("hidden_nodes", Value::Text("conv 16x3, pool 2, 64".into())),
                ("iterations", Value::Int(10)),
                ("learning_rate", Value::Float(0.003)),
                ("schedule", Value::Text("cosine".into())),
                ("batch_normalization", Value::Bool(norm)),
                ("dropout", Value::Float(dropout)),
                ("validation_share", Value::Float(0.0)),
            ];
            let share = right(&params);
            assert!(share > 0.98, "{norm} {dropout}: {share}");
        }
    }
}
