//! The same answer for every row: what a model has to beat.

use std::sync::Arc;

use engine::{Component, Job, Out, Param, Running, Untrained};
use learn::{BaselineClass, BaselineNumber, BaselineSettings, Learner};
use pipeline::{Family, Spec};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const CLASS: Param<String> =
    Param::choice("class", &[("prior", "Shares of classes"), ("most-frequent", "Most frequent class")], "prior")
        .label("For classes")
        .help("Both predict the most frequent class; shares give honest probabilities, the other is always certain.");
const NUMBER: Param<String> = Param::choice("number", &[("mean", "Mean"), ("median", "Median")], "mean")
    .label("For numbers")
    .help("The mean has the least squared error, the median the least absolute one.");

/// Constant Baseline.
pub struct ConstantBaseline;

impl Component for ConstantBaseline {
    fn spec(&self) -> Spec {
        Spec::new("learn.constant-baseline", 1, Family::Learn, "Constant Baseline")
            .with_summary("Gives the same answer for every row: what any model has to beat.")
            .with_help(
                "Looks at no column but the target. For classes it answers with their shares, `p(c) = n(c) / n`, \
                 or always the most frequent one; for numbers with their mean or median.\n\n\
                 Where 73 of 100 customers stay, it is right 73 times of 100 and has learned nothing. Score it \
                 beside your model in Evaluate Model: the difference is what the model has learned.",
            )
            .with_keywords("dummy mean majority guess naive zero")
            .with_icon("equal")
            .with_caption("{class} · {number}")
            .with_output(LEARNER)
            .with_param(CLASS)
            .with_param(NUMBER)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let settings = BaselineSettings {
                number: if job.param(NUMBER)? == "median" { BaselineNumber::Median } else { BaselineNumber::Mean },
                class: if job.param(CLASS)? == "most-frequent" {
                    BaselineClass::MostFrequent
                } else {
                    BaselineClass::Prior
                },
            };
            job.output(LEARNER, Arc::new(Untrained::Single(Learner::Baseline(settings))));
            Ok(())
        })
    }
}
