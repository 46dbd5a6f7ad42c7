//! A learner that learns whom to believe.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, In, Job, JobError, Out, Param, Running, Untrained};
use learn::{Learner, StackingSettings};
use pipeline::{Family, Spec};

use super::within;
use crate::train;

const MEMBERS: [In<Arc<Untrained>>; 8] = [
    In::new("learner_1"),
    In::new("learner_2").optional(),
    In::new("learner_3").optional(),
    In::new("learner_4").optional(),
    In::new("learner_5").optional(),
    In::new("learner_6").optional(),
    In::new("learner_7").optional(),
    In::new("learner_8").optional(),
];
const LAST: In<Arc<Untrained>> = In::new("final_learner");
const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const N_FOLDS: Param<u32> = Param::int("n_folds", 5).range(2, 20).label("Number of folds").help(
    "Into so many parts rows are dealt, each predicted by models of the others to teach the final learner. More leave those models more rows, and take longer; 5 or 10 are usual.",
);
const PASSTHROUGH: Param<bool> = Param::switch("passthrough", false).label("Show the rows' own columns too").help(
    "On, the final learner looks at the columns beside what the others say, and can learn where each is right. It needs more rows then, or it learns by heart.",
);

/// Stacking.
pub struct Stacking;

impl Component for Stacking {
    fn spec(&self) -> Spec {
        let spec = Spec::new("learn.stacking", 1, Family::Learn, "Stacking")
            .with_summary("Lets a final learner decide by what several others predict.")
            .with_help(
                "Up to eight learners look at the rows, and a final one looks at what they predict: the probability of the \
                 second of two classes, of each of more, or a number. `p = f(p1(x), p2(x), …)`, where `f` is learned \
                 rather than set as in Combine Models.\n\n\
                 A learner knows the rows that it was trained on too well for anybody to learn from that how far it can be \
                 trusted. So rows are dealt to folds, and each is predicted by models of the others: the final learner is \
                 taught by these *out-of-fold* predictions. Then all are trained once more on all rows, to predict.\n\n\
                 It helps most with learners of different kinds, such as trees, neighbours and sums, that are about \
                 equally good. As final learner take a simple one, Logistic Regression or Linear Regression: its weights, \
                 shown with the trained model, tell who is believed. Training takes the folds plus one times as long.\n\n\
                 All learners must predict the same, classes or numbers; one that can do both follows the others, and the \
                 target where none decides. Each takes a single setting: tune them one by one before.",
            )
            .with_keywords("stack ensemble blending meta learner out-of-fold stackingclassifier stackingregressor classification regression")
            .with_icon("boxes")
            .with_caption("{n_folds} folds");
        let spec = MEMBERS.into_iter().fold(spec, Spec::with_input).with_input(LAST);
        spec.with_output(LEARNER).with_param(N_FOLDS).with_param(PASSTHROUGH)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        MEMBERS.into_iter().chain([LAST]).try_for_each(|port| train::check_single(flow, port))
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let single = |untrained: Arc<Untrained>| train::single(job, &untrained).cloned();
            let members: Vec<Learner> = MEMBERS
                .into_iter()
                .filter_map(|port| job.optional_input(port))
                .map(single)
                .collect::<Result<_, JobError>>()?;
            let settings = StackingSettings {
                members,
                last: Box::new(single(job.input(LAST)?)?),
                n_folds: job.param(N_FOLDS)?,
                passthrough: job.param(PASSTHROUGH)?,
            };
            let learner = within::checked(Learner::Stacking(settings))?;
            job.output(LEARNER, Arc::new(Untrained::Single(learner)));
            Ok(())
        })
    }
}
