//! One model of two classes for each class.

use std::sync::Arc;

use engine::{Component, In, Job, JobError, NodeParams, Out, Running, Untrained};
use learn::{Learner, MulticlassSettings};
use model::Coding;
use pipeline::{Family, Spec};

use super::within;

const BINARY: In<Arc<Untrained>> = In::new("learner");
const LEARNER: Out<Arc<Untrained>> = Out::new("learner");

/// One-vs-All Multiclass.
pub struct OneVsAllMulticlass;

impl Component for OneVsAllMulticlass {
    fn spec(&self) -> Spec {
        Spec::new("learn.one-vs-all-multiclass", 1, Family::Learn, "One-vs-All Multiclass")
            .with_summary("Makes a learner of two classes one of many: a model for each class, against all others.")
            .with_help(
                "For each of `k` classes the learner that comes in is trained to tell it from all others, on all rows. A \
                 row gets the share of each class in what the `k` models say: `p(c) = s(c) / (s(1) + … + s(k))`. With two \
                 classes there is one model.\n\n\
                 It helps where a learner is at its best with two classes, or where you want to see what sets each class \
                 apart: the weights of each model are about its class alone. The models know nothing of each other, and \
                 each has few rows of its class beside many others, so a learner that takes all classes at once is often \
                 as good or better; One-vs-One has smaller and more even tasks.\n\n\
                 Training takes `k` times as long. A range of settings that comes in goes through to Tune Model \
                 Hyperparameters. Labels must be classes.",
            )
            .with_keywords("one-vs-rest ovr ova multiclass binary two-class onevsrestclassifier classification")
            .with_icon("circle-dot")
            .with_caption("Each class against all others")
            .with_input(BINARY)
            .with_output(LEARNER)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { within::give(job, BINARY, LEARNER, learner) })
    }
}

fn learner(_: NodeParams<'_>, binary: Learner) -> Result<Learner, JobError> {
    let settings = MulticlassSettings { learner: Box::new(binary), coding: Coding::OneVsAll };
    within::checked(Learner::Multiclass(settings))
}
