//! Trees that correct each other, one after another.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{BoostingSettings, EarlyStopping, Learner, Loss};
use pipeline::{Family, Spec};

use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const MAX_LEAVES: Param<u32> = Param::int("max_leaves", 31)
    .range(2, 4_096)
    .log()
    .label("Maximum leaves per tree")
    .help("Answers that a tree can give. More of them find finer patterns, and sooner learn the rows by heart.");
const MIN_LEAF: Param<u32> = Param::int("min_rows_leaf", 20)
    .range(1, 100_000)
    .log()
    .label("Minimum rows per leaf")
    .help("Larger values make the answers coarser and steadier. With few rows, make it smaller.");
const LEARNING_RATE: Param<f64> =
    Param::float("learning_rate", 0.1).range(0.001, 1.0).log().label("Learning rate").help(
        "The part of each correction that counts. Half of it needs about twice as many trees, and often does better.",
    );
const N_TREES: Param<u32> =
    Param::int("n_trees", 100).range(1, 10_000).log().label("Number of trees").help(
        "Rounds; more than two classes get a tree each in every round. Too many learn by heart: see early stopping.",
    );
const TASK: Param<String> = Param::choice("task", super::TASKS, "auto").label("Predicts").help(super::TASK_HELP);
const LOSS: Param<String> = Param::choice(
    "loss",
    &[
        ("squared", "Squared error"),
        ("absolute", "Absolute error"),
        ("quantile", "Quantile"),
        ("poisson", "Poisson"),
    ],
    "squared",
)
.label("Loss for numbers")
.help("Squared error predicts the mean, absolute error the median, which outliers do not move, a quantile what so many values stay below, and Poisson the mean of counts, never below 0. For classes it is the log loss.");
const QUANTILE: Param<f64> = Param::float("quantile", 0.5)
    .range(0.001, 0.999)
    .label("Quantile")
    .help("The part of the values that should lie below the prediction: 0.9 is exceeded by one in ten.")
    .when("loss", &["quantile"]);
const MAX_DEPTH: Param<Option<u32>> = Param::optional_int("max_depth")
    .range(1, 64)
    .label("Maximum depth")
    .help("Questions in a row at most. With 1, each tree asks one question, and columns cannot act together.");
const L2: Param<f64> = Param::float("l2_weight", 0.0)
    .range(0.0, 1e6)
    .label("L2 regularization weight")
    .help("Draws the answers of small leaves to 0, as if they held so many rows more that need no correction.");
const ROW_SHARE: Param<f64> = Param::float("row_share", 1.0)
    .range(0.01, 1.0)
    .label("Share of rows per tree")
    .help("Below 1, each tree sees other rows, drawn without replacement: quicker, and often steadier.");
const COLUMN_SHARE: Param<f64> = Param::float("column_share", 1.0)
    .range(0.01, 1.0)
    .label("Share of columns per tree")
    .help("Below 1, each tree sees other columns: quicker, and good where many columns say the same.");
const MAX_BINS: Param<u32> = Param::int("max_bins", 255)
    .range(2, 255)
    .label("Groups of values per column")
    .help("Numbers are sorted into so many groups, and thresholds lie between these. Fewer are coarser and quicker.");
const MAX_CATEGORIES: Param<u32> = Param::int("max_categories", 254)
    .range(1, 254)
    .label("Categories told apart per column")
    .help("The most frequent ones; all others are treated like a missing value.");
const SMOOTHING: Param<f64> = Param::float("category_smoothing", 10.0)
    .range(0.0, 1e6)
    .label("Smoothing of categories")
    .help("Draws rare categories to the middle, as if each had so many rows more, so that chance does not set them apart.");
const CLASSES: Param<String> = Param::choice("class_weights", super::CLASS_WEIGHTS, "uniform")
    .label("Weights of classes")
    .help(super::CLASS_WEIGHTS_HELP);
const STOPS_EARLY: Param<bool> = Param::switch("early_stopping", false)
    .label("Early stopping")
    .help("Holds some rows out and stops when they are predicted no better; the best number of trees is kept.");
const VALIDATION_SHARE: Param<f64> = Param::float("validation_share", 0.1)
    .range(0.01, 0.9)
    .label("Share of rows held out")
    .help("More of them tell more surely when to stop, and leave fewer to learn from.")
    .when("early_stopping", &["true"]);
const PATIENCE: Param<u32> = Param::int("n_rounds_without_gain", 10)
    .range(1, 1_000)
    .label("Rounds without improvement")
    .help("It stops after so many. More of them get over a pause, and take longer.")
    .when("early_stopping", &["true"]);
const RISING: Param<String> = Param::text("rising", "")
    .label("Columns it may only rise with")
    .help("Names, separated by commas. The prediction never falls when one of them grows: a larger house is no cheaper. With two classes it is the probability of the second.");
const FALLING: Param<String> = Param::text("falling", "")
    .label("Columns it may only fall with")
    .help("Names, separated by commas. The prediction never rises when one of them grows.");

/// Boosted Decision Tree.
pub struct BoostedDecisionTree;

impl Component for BoostedDecisionTree {
    fn spec(&self) -> Spec {
        Spec::new("learn.boosted-decision-tree", 1, Family::Learn, "Boosted Decision Tree")
            .with_summary("Grows trees one after another, each on what those before it got wrong.")
            .with_help(
                "Starts from the same answer for every row. Then a small tree learns what is still wrong, a part of its \
                 correction, the learning rate, is added to the answer, and the next tree learns what is left: `F ← F + \
                 η · tree`. Hundreds of weak corrections make a strong model; on tables it is often the best there is.\n\n\
                 A tree splits first where a split helps most, until it has all its leaves. Gaps need no filling: each \
                 question learns on which side a missing value does better. Categories stay whole: they are put in \
                 the order of what is still wrong with them, and cut in two.\n\nUnlike a forest, it learns by heart if \
                 there are too many trees. Switch early stopping on, or lower the learning rate and look at rows held \
                 out. The first tree to be seen in the result says what it adds, not what it predicts.",
            )
            .with_keywords("gradient boosting gbm gbdt xgboost lightgbm histogram trees classification regression quantile poisson")
            .with_icon("trending-up")
            .with_caption("{n_trees} trees · {n_trees_range} trees · {max_leaves} leaves · {max_leaves_range} leaves")
            .with_output(LEARNER)
            .with_param(MODE)
            .with_ranged(MAX_LEAVES, "7, 15, 31, 63")
            .with_ranged(MIN_LEAF, "5, 20, 50")
            .with_ranged(LEARNING_RATE, "0.03, 0.1, 0.3")
            .with_ranged(N_TREES, "50, 100, 200")
            .with_param(TASK)
            .with_param(LOSS)
            .with_param(QUANTILE)
            .with_ranged(MAX_DEPTH, "no limit")
            .with_ranged(L2, "0, 1")
            .with_ranged(ROW_SHARE, "1")
            .with_ranged(COLUMN_SHARE, "1")
            .with_param(CLASSES)
            .with_param(STOPS_EARLY)
            .with_param(VALIDATION_SHARE)
            .with_param(PATIENCE)
            .with_param(RISING)
            .with_param(FALLING)
            .with_param(MAX_BINS)
            .with_param(MAX_CATEGORIES)
            .with_param(SMOOTHING)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        ranges::space(flow.params()).map(|_| ())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { ranges::give(job, LEARNER, learner) })
    }
}

fn learner(params: NodeParams<'_>) -> Result<Learner, JobError> {
    let early_stopping = EarlyStopping { share: params.param(VALIDATION_SHARE)?, n_rounds: params.param(PATIENCE)? };
    let settings = BoostingSettings {
        task: super::task(&params.param(TASK)?),
        loss: match params.param(LOSS)?.as_str() {
            "absolute" => Loss::Absolute,
            "quantile" => Loss::Quantile(params.param(QUANTILE)?),
            "poisson" => Loss::Poisson,
            _ => Loss::Squared,
        },
        n_trees: params.param(N_TREES)?,
        learning_rate: params.param(LEARNING_RATE)?,
        max_leaves: params.param(MAX_LEAVES)?,
        max_depth: params.param(MAX_DEPTH)?,
        min_rows_leaf: params.param(MIN_LEAF)?,
        l2_weight: params.param(L2)?,
        row_share: params.param(ROW_SHARE)?,
        column_share: params.param(COLUMN_SHARE)?,
        max_bins: params.param(MAX_BINS)?,
        max_categories: params.param(MAX_CATEGORIES)?,
        category_smoothing: params.param(SMOOTHING)?,
        class_weights: super::class_weights(&params.param(CLASSES)?),
        early_stopping: params.param(STOPS_EARLY)?.then_some(early_stopping),
        rising: names(&params.param(RISING)?),
        falling: names(&params.param(FALLING)?),
    };
    Ok(Learner::Boosting(settings))
}

fn names(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
