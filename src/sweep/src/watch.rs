//! Follows a trial on its way.

use study::{Sampling, Stop, Study, Trial};

use crate::should_stop;

/// Takes in what a trial reports from interval to interval, and says when it is not to go on.
#[derive(Clone, Debug)]
pub struct Watch {
    number: u32,
    /// Intervals that an earlier turn has told already.
    n_known: usize,
    n_told: usize,
    /// Figures of which the last one is the mean.
    folds: Vec<f64>,
    stop: Option<Stop>,
}

impl Watch {
    /// For a trial that starts, or goes on from its rung.
    pub fn of(trial: &Trial) -> Self {
        Self { number: trial.number, n_known: trial.intermediate.len(), n_told: 0, folds: Vec::new(), stop: None }
    }

    /// Takes in the first objective's figure at the next interval, and writes it into the study. A fold's is a
    /// measurement of its own, so that at a rung the mean counts.
    pub fn tell(&mut self, study: &mut Study, figure: f64, is_fold: bool) {
        if self.stop.is_some() {
            return;
        }
        self.n_told += 1;
        if is_fold {
            self.folds.push(figure);
        }
        if self.n_told > self.n_known && study.report(self.number, figure).is_err() {
            return;
        }
        let Some(trial) = study.trials.get(self.number as usize) else { return };
        self.stop = match should_stop(study, trial, self.n_told as u32) {
            Some(why) => Some(Stop::GivenUp(why)),
            None => self.at_rung(study, trial, figure),
        };
    }

    /// Why it is not to go on.
    pub fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    fn at_rung(&self, study: &Study, trial: &Trial, figure: f64) -> Option<Stop> {
        let Sampling::Hyperband { max_resource, .. } = study.sampling else { return None };
        let resource = trial.resource.filter(|resource| *resource < max_resource)?;
        let value = match self.folds.len() {
            0 => figure,
            n => self.folds.iter().sum::<f64>() / n as f64,
        };
        (self.n_told >= resource as usize).then_some(Stop::AtRung(value))
    }
}

#[cfg(test)]
mod tests {
    use pipeline::NodeId;
    use study::{Dimension, Distribution, EarlyTermination, Goal, Objective, Settings, Space, TrialState};

    use super::*;

    fn study() -> Study {
        let node = NodeId::new("forest").unwrap();
        let dimension = Dimension::new(node, "n_trees", Distribution::RandInt { upper: 9 });
        let objective = Objective { metric: "auc".into(), goal: Goal::Maximize };
        Study::new("sweep", Space { dimensions: vec![dimension] }, vec![objective])
    }

    /// A trial that runs, told these figures one by one.
    fn told(study: &mut Study, resource: Option<u32>, figures: &[f64]) -> Watch {
        let number = study.plan(Settings::new());
        study.start(number, resource, 0.0).unwrap();
        let mut watch = Watch::of(&study.trials[number as usize]);
        figures.iter().for_each(|figure| watch.tell(study, *figure, true));
        watch
    }

    #[test]
    fn a_trial_that_is_given_up_keeps_what_it_told_until_then() {
        let mut study = study();
        study.limits.max_concurrent_trials = Some(1);
        study.early_termination =
            Some(EarlyTermination::MedianStopping { evaluation_interval: 1, delay_evaluation: 2 });
        let first = told(&mut study, None, &[0.8, 0.8, 0.8]);
        assert_eq!(first.stop(), None);
        study.finish(0, vec![0.8], Default::default(), 1.0).unwrap();
        let second = told(&mut study, None, &[0.5, 0.6, 0.9]);
        let stop = second.stop().cloned().unwrap();
        assert!(matches!(&stop, Stop::GivenUp(why) if why.starts_with("at interval 2 its best is 0.6")), "{stop:?}");
        study.cut_off(1, stop, 2.0).unwrap();
        let trial = &study.trials[1];
        assert_eq!((trial.state, trial.elapsed_secs), (TrialState::StoppedEarly, Some(2.0)));
        assert_eq!(trial.intermediate, [0.5, 0.6]);
    }

    #[test]
    fn at_a_rung_the_mean_of_the_folds_counts_and_earlier_turns_are_not_told_twice() {
        let mut study = study();
        study.sampling = Sampling::Hyperband { seed: 0, min_resource: 2, max_resource: 4, eta: 2 };
        let first = told(&mut study, Some(2), &[0.5, 0.75, 0.1]);
        assert_eq!(first.stop(), Some(&Stop::AtRung(0.625)));
        study.cut_off(0, Stop::AtRung(0.625), 1.0).unwrap();
        assert!(study.trials[0].is_at_rung());
        study.start(0, Some(4), 1.0).unwrap();
        let mut second = Watch::of(&study.trials[0]);
        [0.5, 0.75, 0.25, 0.25].iter().for_each(|figure| second.tell(&mut study, *figure, true));
        assert_eq!(second.stop(), None);
        assert_eq!(study.trials[0].intermediate, [0.5, 0.75, 0.25, 0.25]);
    }

    #[test]
    fn a_trial_over_its_time_is_counted_as_a_failure_that_says_so() {
        let mut study = study();
        study.limits.trial_timeout_secs = Some(3);
        told(&mut study, None, &[0.5]);
        study.cut_off(0, Stop::Late, 3.5).unwrap();
        let failure = study.trials[0].failure.as_deref();
        assert_eq!(failure, Some("it took longer than the 3 seconds that a trial may take"));
    }
}
