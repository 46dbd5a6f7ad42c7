//! Probabilities that keep their word.

use std::sync::Arc;

use engine::{Component, In, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{CalibratedSettings, CalibrationMethod, Learner};
use pipeline::{Family, Spec};

use super::within;

const UNCALIBRATED: In<Arc<Untrained>> = In::new("learner");
const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const METHOD: Param<String> =
    Param::choice("method", &[("sigmoid", "Sigmoid (Platt)"), ("isotonic", "Isotonic")], "sigmoid")
        .label("Method")
        .help(
            "A sigmoid has two numbers, and suits few rows. Isotonic steps take any rising form, and need about a thousand rows or they learn by heart.",
        );
const N_FOLDS: Param<u32> = Param::int("n_folds", 5).range(2, 20).label("Number of folds").help(
    "Into so many parts rows are dealt, each predicted by a model of the others. More leave each model more rows, and take longer; every class needs as many rows.",
);
const ENSEMBLE: Param<bool> = Param::switch("ensemble", true).label("Average the models of all folds").help(
    "On, each fold's model is kept with its own curve, and what they say is averaged: mostly a little better. Off, one model of all rows is kept, with one curve: smaller, and quicker to predict.",
);

/// Calibrated Probabilities.
pub struct CalibratedProbabilities;

impl Component for CalibratedProbabilities {
    fn spec(&self) -> Spec {
        Spec::new("learn.calibrated-probabilities", 1, Family::Learn, "Calibrated Probabilities")
            .with_summary("Corrects a learner's probabilities, so that of rows with 0.8 eight of ten are so.")
            .with_help(
                "Many learners are sure too soon, as Naive Bayes, or not sure enough, as Decision Forest. Their order of \
                 rows may be right, but `0.9` does not mean nine of ten. Here rows are dealt to folds; each is predicted \
                 by a model of the others, and a curve is fitted from what was said to how often it was so:\n\n\
                 - *Sigmoid*: `p = 1 / (1 + e^−(a s + b))`\n\
                 - *Isotonic*: the steps that never fall and have the least squared error\n\n\
                 `s` is the probability itself; of Logistic Regression, Support Vector Machine, Neural Network and \
                 Boosted Decision Tree, whose probabilities come from a sum, it is the log odds. Of more than two classes \
                 each has a curve, and what they say is divided by its sum.\n\n\
                 It helps where probabilities are used as such: for expected costs, thresholds, or to be compared with \
                 others. Which class is predicted, and the AUC, hardly change; log loss falls. Well-calibrated learners, \
                 such as Logistic Regression, gain nothing. Switch a Support Vector Machine's own *Calibrated \
                 probabilities* off before.\n\n\
                 A range of settings that comes in goes through to Tune Model Hyperparameters. Labels must be classes.",
            )
            .with_keywords("calibration platt sigmoid isotonic reliability probability calibratedclassifiercv classification")
            .with_icon("percent")
            .with_caption("{method} · {n_folds} folds")
            .with_input(UNCALIBRATED)
            .with_output(LEARNER)
            .with_param(METHOD)
            .with_param(N_FOLDS)
            .with_param(ENSEMBLE)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { within::give(job, UNCALIBRATED, LEARNER, learner) })
    }
}

fn learner(params: NodeParams<'_>, uncalibrated: Learner) -> Result<Learner, JobError> {
    within::checked(Learner::Calibrated(CalibratedSettings {
        learner: Box::new(uncalibrated),
        method: match params.param(METHOD)?.as_str() {
            "isotonic" => CalibrationMethod::Isotonic,
            _ => CalibrationMethod::Sigmoid,
        },
        n_folds: params.param(N_FOLDS)?,
        ensemble: params.param(ENSEMBLE)?,
    }))
}
