//! When a trial that does badly is given up.

use study::{EarlyTermination, Goal, Study, Trial, TrialState};

/// How far a trial may fall behind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slack {
    /// As a ratio to the best figure.
    Factor(f64),
    /// In the metric's unit.
    Amount(f64),
}

/// Whether a trial is to be given up after so many intervals, and why. `None`: it goes on.
///
/// It is compared with the trials that ended before it could start, which are the same however many workers there are
/// and in whichever order they finish. Failed and cancelled ones have no say. Landmarks are never given up; Hyperband's
/// trials are at their rungs and never here.
pub fn should_stop(study: &Study, trial: &Trial, n_intervals: u32) -> Option<String> {
    let policy = study.early_termination.as_ref()?;
    let own = trial.intermediate.get(..n_intervals as usize)?;
    if trial.number < study.n_landmarks || !policy.looks_at(n_intervals) {
        return None;
    }
    let goal = study.objectives.first()?.goal;
    let others: Vec<&[f64]> = study
        .before(trial.number)
        .iter()
        .filter(|other| matches!(other.state, TrialState::Done | TrialState::StoppedEarly))
        .map(|other| other.intermediate.as_slice())
        .collect();
    match policy {
        EarlyTermination::Bandit { slack_factor: Some(factor), .. } => {
            bandit(goal, own, &others, Slack::Factor(*factor))
        }
        EarlyTermination::Bandit { slack_amount: Some(amount), .. } => {
            bandit(goal, own, &others, Slack::Amount(*amount))
        }
        EarlyTermination::Bandit { slack_factor: None, slack_amount: None, .. } => None,
        EarlyTermination::MedianStopping { .. } => median_stopping(goal, own, &others),
        EarlyTermination::TruncationSelection { truncation_percentage, exclude_finished_jobs, .. } => {
            truncation_selection(goal, own, &others, *truncation_percentage, *exclude_finished_jobs)
        }
    }
}

/// Gives a trial up if the best of its figures so far is further from the best of all than the slack allows.
///
/// Maximizing, and with a factor, it must reach `best / (1 + factor)`: 0.667 of 0.8 with 0.2. Minimizing, it may reach
/// `best · (1 + factor)`. Where the best is below 0, the two change places, so that slack always means worse: −2 with
/// 0.2 asks for −2.4 when maximizing and for −1.667 when minimizing.
pub fn bandit(goal: Goal, own: &[f64], others: &[&[f64]], slack: Slack) -> Option<String> {
    let n = own.len();
    let best = goal.best(own.iter().copied())?;
    let of_all = goal.best(others.iter().flat_map(|other| up_to(other, n)).chain(own).copied())?;
    let allowed = match (slack, goal) {
        (Slack::Amount(amount), Goal::Maximize) => of_all - amount,
        (Slack::Amount(amount), Goal::Minimize) => of_all + amount,
        (Slack::Factor(factor), Goal::Maximize) if of_all >= 0.0 => of_all / (1.0 + factor),
        (Slack::Factor(factor), Goal::Minimize) if of_all < 0.0 => of_all / (1.0 + factor),
        (Slack::Factor(factor), Goal::Maximize | Goal::Minimize) => of_all * (1.0 + factor),
    };
    let (best_text, allowed_text, of_all_text) = (figure(best), figure(allowed), figure(of_all));
    goal.is_better(allowed, best).then(|| {
        format!("at interval {n} its best is {best_text}, and {allowed_text} was needed beside {of_all_text}, the best of all")
    })
}

/// Gives a trial up if the best of its figures so far is worse than the median of the other trials' averages up to the
/// same interval. One that ended sooner counts with the average of what it has.
pub fn median_stopping(goal: Goal, own: &[f64], others: &[&[f64]]) -> Option<String> {
    let n = own.len();
    let best = goal.best(own.iter().copied())?;
    let mut averages: Vec<f64> =
        others.iter().map(|other| up_to(other, n)).filter(|other| !other.is_empty()).map(mean).collect();
    averages.sort_by(f64::total_cmp);
    let middle = averages.len() / 2;
    let median = match averages.len() {
        0 => return None,
        n if n % 2 == 1 => averages[middle],
        _ => (averages[middle - 1] + averages[middle]) / 2.0,
    };
    let (best_text, median_text) = (figure(best), figure(median));
    goal.is_better(median, best).then(|| {
        format!(
            "at interval {n} its best is {best_text}, worse than {median_text}, the median of {} trials",
            averages.len()
        )
    })
}

/// Gives a trial up if it is among the worst `percentage` of those that report at the same interval, itself included.
/// Of the share, whole trials count: 20 % of 9 is 1. Of equals, those before it are given up first.
///
/// A trial that ended sooner counts with its last figure, unless `exclude_finished` leaves out all that did not go on
/// after this interval.
pub fn truncation_selection(
    goal: Goal,
    own: &[f64],
    others: &[&[f64]],
    percentage: u32,
    exclude_finished: bool,
) -> Option<String> {
    let n = own.len();
    let now = *own.last()?;
    let figures: Vec<f64> = others
        .iter()
        .filter(|other| !exclude_finished || other.len() > n)
        .filter_map(|other| up_to(other, n).last().copied())
        .collect();
    let n_given_up = (figures.len() + 1) * percentage as usize / 100;
    let n_no_better = figures.iter().filter(|other| !goal.is_better(**other, now)).count();
    (n_no_better < n_given_up).then(|| {
        format!(
            "at interval {n} it has {}, among the worst {percentage} % of {} trials",
            figure(now),
            figures.len() + 1
        )
    })
}

fn up_to(figures: &[f64], n: usize) -> &[f64] {
    &figures[..n.min(figures.len())]
}

fn mean(figures: &[f64]) -> f64 {
    figures.iter().copied().collect::<numeric::Sum>().value() / figures.len() as f64
}

/// To four digits.
fn figure(x: f64) -> String {
    let rounded: f64 = format!("{x:.3e}").parse().unwrap_or(x);
    pipeline::number_in_words(rounded)
}

#[cfg(test)]
mod tests {
    use Goal::{Maximize, Minimize};

    use super::*;

    /// The tables give a policy's hand-computed verdicts: the trial's own figures, and whether it is given up.
    fn check(verdict: impl Fn(&[f64]) -> Option<String>, table: &[(&[f64], bool)]) {
        for (own, is_given_up) in table {
            let found = verdict(own);
            assert_eq!(found.is_some(), *is_given_up, "{own:?}: {found:?}");
        }
    }

    #[test]
    fn bandit_maximizing_asks_for_the_best_divided_by_the_slack() {
        // The schema's example: beside 0.8, a factor of 0.2 asks for 0.8 / 1.2 = 0.6667.
        let others: [&[f64]; 2] = [&[0.5, 0.8, 0.7], &[0.3, 0.4, 0.9]];
        let verdict = |own: &[f64]| bandit(Maximize, own, &others, Slack::Factor(0.2));
        check(
            verdict,
            &[
                // At interval 2 the best of all is 0.8.
                (&[0.1, 0.66], true),
                (&[0.1, 0.67], false),
                (&[0.67, 0.1], false),
                // At interval 1 it is 0.5, which asks for 0.4167.
                (&[0.41], true),
                (&[0.42], false),
                // At interval 3 it is 0.9, which asks for 0.75.
                (&[0.1, 0.7, 0.74], true),
                (&[0.1, 0.7, 0.76], false),
                // It may itself be the best.
                (&[0.95], false),
            ],
        );
        let reason = verdict(&[0.1, 0.66]).unwrap();
        assert_eq!(reason, "at interval 2 its best is 0.66, and 0.6667 was needed beside 0.8, the best of all");
    }

    #[test]
    fn bandit_minimizing_allows_the_best_times_the_slack() {
        let others: [&[f64]; 2] = [&[2.0, 1.0], &[3.0, 3.0]];
        let verdict = |own: &[f64]| bandit(Minimize, own, &others, Slack::Factor(0.2));
        check(verdict, &[(&[9.0, 1.21], true), (&[9.0, 1.19], false), (&[2.41], true), (&[2.39], false)]);
    }

    #[test]
    fn bandit_gives_slack_away_from_a_best_below_0() {
        let others: [&[f64]; 1] = [&[-2.0]];
        let maximizing = |own: &[f64]| bandit(Maximize, own, &others, Slack::Factor(0.2));
        check(maximizing, &[(&[-2.0], false), (&[-2.39], false), (&[-2.41], true)]);
        let minimizing = |own: &[f64]| bandit(Minimize, own, &others, Slack::Factor(0.2));
        // −2 / 1.2 = −1.6667.
        check(minimizing, &[(&[-2.0], false), (&[-1.67], false), (&[-1.66], true)]);
    }

    #[test]
    fn bandit_takes_an_amount_in_the_metrics_unit() {
        let others: [&[f64]; 1] = [&[0.8]];
        check(|own| bandit(Maximize, own, &others, Slack::Amount(0.1)), &[(&[0.69], true), (&[0.71], false)]);
        check(|own| bandit(Minimize, own, &others, Slack::Amount(0.1)), &[(&[0.91], true), (&[0.89], false)]);
    }

    #[test]
    fn median_stopping_compares_the_best_with_the_median_of_averages() {
        // Averages up to interval 2: 0.3, 0.5 and 0.7; up to interval 3: 0.4, 0.5 and 0.7, the last trial having ended.
        let others: [&[f64]; 3] = [&[0.2, 0.4, 0.6], &[0.5, 0.5, 0.5], &[0.6, 0.8]];
        let verdict = |own: &[f64]| median_stopping(Maximize, own, &others);
        check(
            verdict,
            &[
                (&[0.1, 0.49], true),
                (&[0.1, 0.5], false),
                // Its best counts, not its last.
                (&[0.51, 0.0], false),
                (&[0.1, 0.1, 0.49], true),
                (&[0.1, 0.1, 0.51], false),
            ],
        );
        let reason = verdict(&[0.1, 0.49]).unwrap();
        assert_eq!(reason, "at interval 2 its best is 0.49, worse than 0.5, the median of 3 trials");
    }

    #[test]
    fn median_stopping_minimizes_and_halves_between_two() {
        // Averages up to interval 2: 1, 2, 4 and 8; their median is 3.
        let others: [&[f64]; 4] = [&[1.0, 1.0], &[3.0, 1.0], &[4.0, 4.0], &[8.0, 8.0]];
        let verdict = |own: &[f64]| median_stopping(Minimize, own, &others);
        check(verdict, &[(&[9.0, 3.1], true), (&[9.0, 2.9], false), (&[2.9, 9.0], false), (&[-5.0, 9.0], false)]);
        assert_eq!(median_stopping(Minimize, &[1e9], &[]), None);
    }

    #[test]
    fn truncation_gives_up_the_worst_share_at_the_interval() {
        // With its own, ten figures at interval 2: 20 % are two.
        let at = |x: f64| vec![0.0, x];
        let others: Vec<Vec<f64>> = (1..10).map(|tenth| at(f64::from(tenth) / 10.0)).collect();
        let others: Vec<&[f64]> = others.iter().map(Vec::as_slice).collect();
        let maximizing = |own: &[f64]| truncation_selection(Maximize, own, &others, 20, false);
        check(maximizing, &[(&[9.0, 0.05], true), (&[9.0, 0.15], true), (&[9.0, 0.2], false), (&[9.0, 0.25], false)]);
        let minimizing = |own: &[f64]| truncation_selection(Minimize, own, &others, 20, false);
        check(minimizing, &[(&[0.0, 0.95], true), (&[0.0, 0.85], true), (&[0.0, 0.75], false)]);
        // 19 % of ten is one.
        let fewer = |own: &[f64]| truncation_selection(Maximize, own, &others, 19, false);
        check(fewer, &[(&[9.0, 0.05], true), (&[9.0, 0.15], false)]);
        assert_eq!(maximizing(&[9.0, 0.05]).unwrap(), "at interval 2 it has 0.05, among the worst 20 % of 10 trials");
    }

    #[test]
    fn truncation_keeps_one_of_equals_and_may_leave_out_those_that_ended() {
        let equal: [&[f64]; 3] = [&[0.5], &[0.5], &[0.5]];
        assert_eq!(truncation_selection(Maximize, &[0.5], &equal, 50, false), None);
        // Two ended at interval 1, with 0.1; two went on, with 0.6 and 0.7 at interval 2.
        let others: [&[f64]; 4] = [&[0.1], &[0.1], &[0.5, 0.6, 0.6], &[0.6, 0.7, 0.7]];
        let verdict = |exclude| truncation_selection(Maximize, &[0.5, 0.5], &others, 40, exclude);
        assert_eq!(verdict(false), None);
        assert!(verdict(true).is_some());
    }
}
