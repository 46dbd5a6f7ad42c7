//! One model for each pair of classes.

use std::sync::Arc;

use engine::{Component, In, Job, JobError, NodeParams, Out, Running, Untrained};
use learn::{Learner, MulticlassSettings};
use model::Coding;
use pipeline::{Family, Spec};

use super::within;

const BINARY: In<Arc<Untrained>> = In::new("learner");
const LEARNER: Out<Arc<Untrained>> = Out::new("learner");

/// One-vs-One Multiclass.
pub struct OneVsOneMulticlass;

impl Component for OneVsOneMulticlass {
    fn spec(&self) -> Spec {
        Spec::new("learn.one-vs-one-multiclass", 1, Family::Learn, "One-vs-One Multiclass")
            .with_summary("Makes a learner of two classes one of many: a model for each pair of classes.")
            .with_help(
                "For each pair of `k` classes, `k (k − 1) / 2` in all, the learner that comes in is trained to tell the two \
                 apart, on their rows alone. Each says `r(i, j)`, the probability of `i` where it is `i` or `j`. The \
                 probabilities of the classes are those that agree with all pairs best: they make the sum of \
                 `(r(j, i) p(i) − r(i, j) p(j))²` smallest (Wu, Lin and Weng, 2004).\n\n\
                 It helps where a learner takes long with many rows, such as a Support Vector Machine, since each model \
                 has the rows of two classes only; and where pairs are simpler to tell apart than a class from all \
                 others. It takes many models, though: 10 classes have 45, and a model for a pair also has a say on rows \
                 of neither. At most 100 classes.\n\n\
                 A range of settings that comes in goes through to Tune Model Hyperparameters. Labels must be classes.",
            )
            .with_keywords("one-vs-one ovo multiclass pairwise coupling binary two-class onevsoneclassifier classification")
            .with_icon("columns-2")
            .with_caption("Each class against each other")
            .with_input(BINARY)
            .with_output(LEARNER)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { within::give(job, BINARY, LEARNER, learner) })
    }
}

fn learner(_: NodeParams<'_>, binary: Learner) -> Result<Learner, JobError> {
    let settings = MulticlassSettings { learner: Box::new(binary), coding: Coding::OneVsOne };
    within::checked(Learner::Multiclass(settings))
}
