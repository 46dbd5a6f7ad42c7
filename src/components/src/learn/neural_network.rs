//! Layers of weighted sums.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{Learner, NeuralSettings, Optimizer};
use model::Activation;
use pipeline::{Family, Spec};
use protocol::Failure;

use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const TASK: Param<String> = Param::choice("task", super::TASKS, "auto").label("Predicts").help(super::TASK_HELP);
const HIDDEN: Param<String> = Param::text("hidden_nodes", "100").label("Hidden nodes").help(
    "Nodes of each hidden layer, as in `100` or `64, 32`. More fit finer detail, need more rows and take longer. Empty, there is no hidden layer.",
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
            .with_keywords("mlp perceptron deep layers backpropagation adam classification regression")
            .with_icon("share-2")
            .with_caption("{hidden_nodes} · {activation} · {hidden_nodes_range}")
            .with_output(LEARNER)
            .with_param(MODE)
            .with_param(TASK)
            .with_ranged(HIDDEN, "50, 100, 200")
            .with_ranged(ACTIVATION, "relu, tanh")
            .with_param(OPTIMIZER)
            .with_ranged(LEARNING_RATE, "0.0003, 0.001, 0.003, 0.01")
            .with_param(MOMENTUM)
            .with_ranged(L2, "0.00001, 0.0001, 0.001, 0.01")
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
            hidden(&text).map_err(|message| FlowError {
                place: HIDDEN.name().into(),
                message,
                help: NODES_HELP.into(),
            })?;
        }
        ranges::space(flow.params()).map(|_| ())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { ranges::give(job, LEARNER, learner) })
    }
}

const NODES_HELP: &str = "Write numbers from 1 to 4096 with commas between, as in `64, 32`, for at most 8 layers.";

/// Nodes of each layer, or what is wrong with them.
fn hidden(text: &str) -> Result<Vec<u32>, String> {
    let parts = text.split([',', ';', ' ']).filter(|part| !part.is_empty());
    let widths = parts.map(|part| match part.parse::<u32>() {
        Ok(width @ 1..=4_096) => Ok(width),
        Ok(_) | Err(_) => Err(format!("{part:?} is no number of nodes")),
    });
    let widths: Vec<u32> = widths.collect::<Result<_, _>>()?;
    if widths.len() > 8 { Err(format!("there are {} hidden layers", widths.len())) } else { Ok(widths) }
}

fn learner(params: NodeParams<'_>) -> Result<Learner, JobError> {
    Ok(Learner::Neural(NeuralSettings {
        task: super::task(&params.param(TASK)?),
        hidden: hidden(&params.param(HIDDEN)?).map_err(|message| Failure::new(message, NODES_HELP))?,
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
        l2_weight: params.param(L2)?,
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
    use super::*;

    #[test]
    fn layers_are_written_with_commas() {
        assert_eq!(hidden("64, 32"), Ok(vec![64, 32]));
        assert_eq!(hidden(""), Ok(vec![]));
        assert_eq!(hidden("64, many"), Err("\"many\" is no number of nodes".into()));
        assert_eq!(hidden("0"), Err("\"0\" is no number of nodes".into()));
    }
}
