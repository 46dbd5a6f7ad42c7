//! Trials of sweeps as runs: what is restored of them, and what their end is told as.

mod fixture;

use charts::Marks;
use experiment::{EndedTrial, INTERMEDIATE, RunRecord, RunState, Shown, TrialOf};
use fixture::{begin, forest, id};
use study::{Settings, Trial, TrialState};

/// A run of which nothing was seen, ended as this trial.
fn ended(trial: &Trial) -> RunRecord {
    let pipeline = forest();
    let mut run = begin(1, &pipeline, None);
    run.end_as(&EndedTrial { sweep: "s", trial, metric: "auc", judge: Some(id("evaluate")) }, &pipeline);
    run
}

#[test]
fn a_trial_that_nobody_watched_is_restored_from_what_is_kept_of_it() {
    // By a node that there is, and of the judging one: `precision.2` is a metric of its second input.
    let metrics = [("auc", 0.75), ("precision.2", 0.25), ("score.log_loss", 0.5)];
    let run = ended(&Trial {
        state: TrialState::Done,
        intermediate: vec![0.7, 0.8],
        metrics: metrics.map(|(name, value)| (name.to_owned(), value)).into(),
        elapsed_secs: Some(3.0),
        ..Trial::new(4, Settings::new())
    });
    assert_eq!((run.state, run.elapsed_secs), (RunState::Done, 3.0));
    assert_eq!(run.trial, Some(TrialOf { sweep: "s".into(), number: 4 }));
    let told = run.metrics.iter().map(|m| format!("{} {} {} {}", m.node, m.name, m.label, m.value));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "evaluate auc AUC 0.75",
            "evaluate precision.2 Precision of the second model 0.25",
            "score log_loss Log loss 0.5"
        ]
    );
    let [figure] = run.figures.as_slice() else { panic!("{:?}", run.figures) };
    let Some(Shown::Figure(curve)) = figure.shown() else { panic!("{figure:?}") };
    assert_eq!((curve.id.as_str(), curve.y.label.as_str()), (INTERMEDIATE, "AUC"));
    assert_eq!(curve.series[0].marks, Marks::Line(vec![(1.0, 0.7), (2.0, 0.8)]));
}

#[test]
fn the_state_of_a_run_says_how_its_trial_ended_and_why() {
    let of = |state, failure: Option<&str>, reason: Option<&str>| {
        let (failure, reason) = (failure.map(Into::into), reason.map(Into::into));
        let run = ended(&Trial { state, failure, reason, ..Trial::new(0, Settings::new()) });
        assert!(run.figures.is_empty(), "nothing was reported on the way");
        (run.state, run.message)
    };
    assert_eq!(of(TrialState::Failed, Some("no rows"), None), (RunState::Failed, "no rows".into()));
    assert_eq!(of(TrialState::StoppedEarly, None, Some("worse")), (RunState::Stopped, "worse".into()));
    assert_eq!(of(TrialState::Cancelled, None, Some("stopped")), (RunState::Stopped, "stopped".into()));
}
