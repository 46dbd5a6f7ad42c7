//! Successive halving in brackets: Hyperband (Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, 2018).

use study::{Action, Sampling, Study, Trial};

/// Trials that start together, the better of which go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// From the first stage, at which all trials wait for each other, to the whole trial.
    pub rungs: Vec<Rung>,
}

/// One stage of a bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// How many trials reach it.
    pub n_trials: u32,
    /// How many intervals each has run there.
    pub resource: u32,
}

/// The brackets, from many short trials to few whole ones. With R = `max_resource` and η = `eta`, bracket s begins with
/// ⌈(s_max + 1) / (s + 1) · ηˢ⌉ trials of R / ηˢ intervals.
pub fn brackets(min_resource: u32, max_resource: u32, eta: u32) -> Vec<Bracket> {
    let (min, max, eta) = (u64::from(min_resource.max(1)), u64::from(max_resource), u64::from(eta.max(2)));
    let s_max =
        (0u32..).take_while(|s| eta.checked_pow(*s).is_some_and(|power| min * power <= max)).last().unwrap_or(0);
    let bracket = |s: u32| {
        let n = (u64::from(s_max + 1) * eta.pow(s)).div_ceil(u64::from(s + 1));
        let rung = |i: u32| Rung {
            n_trials: (n / eta.pow(i)).max(1).min(u64::from(u32::MAX)) as u32,
            resource: (max / eta.pow(s - i)).max(min) as u32,
        };
        Bracket { rungs: (0..=s).map(rung).collect() }
    };
    (0..=s_max).rev().map(bracket).collect()
}

/// How many intervals a trial runs before its first rung, where the study has rungs.
pub(crate) fn first_resource(study: &Study, number: u32) -> Option<u32> {
    bracket(study, number)?.rungs.first().map(|rung| rung.resource)
}

/// Which trials at a rung go on and which are given up. A rung is decided once all trials of its bracket have reached
/// it or ended, so that the order in which they did so is of no matter. The last bracket is smaller if no more come.
pub(crate) fn decide(study: &Study, no_more_come: bool) -> Vec<Action> {
    let mut actions = Vec::new();
    let mut first = 0usize;
    while let Some(bracket) = bracket(study, first as u32).filter(|_| first < study.trials.len()) {
        let end = first + bracket.rungs.first().map_or(1, |rung| rung.n_trials as usize);
        if end <= study.trials.len() || no_more_come {
            decide_bracket(study, &bracket, &study.trials[first..end.min(study.trials.len())], &mut actions);
        }
        first = end;
    }
    actions
}

fn decide_bracket(study: &Study, bracket: &Bracket, members: &[Trial], actions: &mut Vec<Action>) {
    let Some(objective) = study.objectives.first() else { return };
    let (Sampling::Hyperband { eta, .. }, n) = (&study.sampling, members.len() as u32) else { return };
    for (place, pair) in bracket.rungs.windows(2).enumerate() {
        let (here, above) = (pair[0].resource, pair[1].resource);
        let is_past = |trial: &&Trial| trial.resource.is_some_and(|resource| resource > here);
        let mut waiting: Vec<&Trial> =
            members.iter().filter(|trial| trial.is_at_rung() && trial.resource == Some(here)).collect();
        let n_past = members.iter().filter(is_past).count() as u32;
        let n_ended = members.iter().filter(|trial| !is_past(trial) && trial.state.is_over()).count() as u32;
        if n_past + n_ended + waiting.len() as u32 != n {
            return;
        }
        let loss = |trial: &Trial| trial.values.first().map_or(f64::INFINITY, |value| objective.goal.as_loss(*value));
        waiting.sort_by(|one, other| loss(one).total_cmp(&loss(other)).then(one.number.cmp(&other.number)));
        let n_above = (n / eta.saturating_pow(place as u32 + 1)).max(1);
        let n_going_on = n_above.saturating_sub(n_past) as usize;
        for (rank, trial) in waiting.iter().enumerate() {
            if rank < n_going_on {
                actions.push(Action::Continue { number: trial.number, resource: above });
            } else {
                let reason = format!("after {here} intervals it was not among the best {n_above} of {n} trials");
                actions.push(Action::Stop { number: trial.number, reason });
            }
        }
    }
}

/// The bracket of a trial. When all brackets are full, they begin anew.
fn bracket(study: &Study, number: u32) -> Option<Bracket> {
    let Sampling::Hyperband { min_resource, max_resource, eta, .. } = study.sampling else { return None };
    let brackets = brackets(min_resource, max_resource, eta);
    let n_trials = |bracket: &Bracket| bracket.rungs.first().map_or(1, |rung| u64::from(rung.n_trials));
    let mut place = u64::from(number) % brackets.iter().map(n_trials).sum::<u64>().max(1);
    let is_it = |bracket: &Bracket| {
        let is_it = place < n_trials(bracket);
        place = place.saturating_sub(n_trials(bracket));
        is_it
    };
    brackets.into_iter().find(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_those_of_the_paper() {
        // Li et al. (2018), algorithm 1 by hand for R = 81, eta = 3. (Their table 1 rounds (s_max + 1) / (s + 1) down
        // first, and so begins brackets 3 to 1 with 27, 9 and 6.)
        let found: Vec<Vec<(u32, u32)>> = brackets(1, 81, 3)
            .into_iter()
            .map(|bracket| bracket.rungs.into_iter().map(|rung| (rung.n_trials, rung.resource)).collect())
            .collect();
        assert_eq!(
            found,
            [
                vec![(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
                vec![(34, 3), (11, 9), (3, 27), (1, 81)],
                vec![(15, 9), (5, 27), (1, 81)],
                vec![(8, 27), (2, 81)],
                vec![(5, 81)],
            ]
        );
    }

    #[test]
    fn a_trial_never_runs_less_than_the_smallest_resource() {
        let found = brackets(3, 10, 2);
        let resources: Vec<Vec<u32>> =
            found.iter().map(|bracket| bracket.rungs.iter().map(|rung| rung.resource).collect()).collect();
        assert_eq!(resources, [vec![5, 10], vec![10]]);
        assert_eq!(brackets(7, 7, 3), [Bracket { rungs: vec![Rung { n_trials: 1, resource: 7 }] }]);
    }
}
