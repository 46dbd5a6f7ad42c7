//! What mattered: the share of the objective's variance that each dimension explains by itself.
//!
//! fANOVA (Hutter, Hoos and Leyton-Brown, 2014): a forest of regression trees is fitted to the trials, and the variance
//! of each tree over the whole space, with every dimension drawn as the sweep would, is split exactly, because a tree is
//! constant on boxes.

use numeric::Stream;
use study::{Dimension, Study, TrialState};

use crate::axis::{Axis, Place};

/// How much one dimension mattered.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// The dimension's name.
    pub dimension: String,
    /// The share of the variance that it explains by itself, 0 to 1. What is left to 1 is for several together.
    pub share: f64,
    /// The bootstrap's standard error of the share: its standard deviation over trees, each of which saw other trials.
    pub standard_error: f64,
}

/// Trees in the forest.
const N_TREES: u64 = 64;
/// Trials from which on it is worth looking.
const N_ENOUGH: usize = 8;

/// How much each dimension mattered for an objective, the most important first. Coupled dimensions are left out, as they
/// have no values of their own; where a dimension does not count, it is taken to stand in its middle. Trials with values
/// that the space no longer has are left out.
///
/// Empty while fewer than 8 trials are done, or if all did equally well.
pub fn importance(study: &Study, objective_idx: usize) -> Vec<Importance> {
    let dimensions: Vec<&Dimension> =
        study.space.dimensions.iter().filter(|dimension| dimension.same_as.is_none()).collect();
    let axes: Vec<Axis> = dimensions.iter().map(|dimension| Axis::of(&dimension.distribution)).collect();
    let mut rows: Vec<(Vec<f64>, f64)> = Vec::new();
    for trial in study.trials.iter().filter(|trial| trial.state == TrialState::Done) {
        let coordinate = |(dimension, axis): (&&Dimension, &Axis)| match trial.settings.get(&dimension.name) {
            Some(value) => axis.place(value).map(coordinate),
            None => Some(axis.n_options().map_or(0.5, |n| (n / 2) as f64)),
        };
        let at: Option<Vec<f64>> = dimensions.iter().zip(&axes).map(coordinate).collect();
        rows.extend(at.zip(trial.values.get(objective_idx).copied()));
    }
    let is_flat = rows.iter().all(|(_, value)| Some(value) == rows.first().map(|(_, first)| first));
    if rows.len() < N_ENOUGH || is_flat {
        return Vec::new();
    }
    let n_options: Vec<Option<usize>> = axes.iter().map(Axis::n_options).collect();
    let shares: Vec<Vec<f64>> = (0..N_TREES)
        .filter_map(|tree_idx| {
            let mut stream = Stream::fork(0, tree_idx);
            let drawn: Vec<usize> = rows.iter().map(|_| stream.below(rows.len() as u64) as usize).collect();
            shares(&leaves(&rows, drawn, &n_options), dimensions.len())
        })
        .collect();
    if shares.is_empty() {
        return Vec::new();
    }
    let n = shares.len() as f64;
    let of_dimension = |(idx, dimension): (usize, &&Dimension)| {
        let mean = shares.iter().map(|tree| tree[idx]).sum::<f64>() / n;
        let squares: f64 = shares.iter().map(|tree| (tree[idx] - mean) * (tree[idx] - mean)).sum();
        let standard_error = numeric::sqrt(squares / (n - 1.0).max(1.0));
        Importance { dimension: dimension.name.clone(), share: mean, standard_error }
    };
    let mut found: Vec<Importance> = dimensions.iter().enumerate().map(of_dimension).collect();
    found.sort_by(|one, other| other.share.total_cmp(&one.share));
    found
}

/// Where a value lies: for a number the middle of its part, for a choice the option's position.
fn coordinate(place: Place) -> f64 {
    match place {
        Place::Part { low, high } => (low + high) / 2.0,
        Place::Option(idx) => idx as f64,
    }
}

/// A part of the space on which the tree is constant.
struct Leaf {
    sides: Vec<Side>,
    value: f64,
}

/// A part of one axis.
#[derive(Clone)]
enum Side {
    /// Numbers from here to there.
    Interval(f64, f64),
    /// Some options of a choice.
    Options(Vec<bool>),
}

impl Side {
    fn whole(n_options: Option<usize>) -> Self {
        n_options.map_or(Self::Interval(0.0, 1.0), |n| Self::Options(vec![true; n]))
    }

    /// The share of the axis.
    fn length(&self) -> f64 {
        match self {
            Self::Interval(low, high) => high - low,
            Self::Options(has) => has.iter().filter(|has| **has).count() as f64 / has.len() as f64,
        }
    }

    /// The parts to the left and to the right of a split.
    fn split(&self, rule: Rule) -> (Self, Self) {
        match (self, rule) {
            (Self::Interval(low, high), Rule::Below(at) | Rule::Is(at)) => {
                (Self::Interval(*low, at), Self::Interval(at, *high))
            }
            (Self::Options(has), Rule::Is(option) | Rule::Below(option)) => {
                let is_it = |idx: usize| idx as f64 == option;
                let part = |left: bool| has.iter().enumerate().map(|(idx, has)| *has && is_it(idx) == left).collect();
                (Self::Options(part(true)), Self::Options(part(false)))
            }
        }
    }
}

/// What goes left at a split.
#[derive(Clone, Copy)]
enum Rule {
    /// Numbers below this.
    Below(f64),
    /// This option.
    Is(f64),
}

impl Rule {
    fn is_left(self, at: f64) -> bool {
        match self {
            Self::Below(bound) => at < bound,
            Self::Is(option) => at == option,
        }
    }
}

/// The leaves of a tree grown to the end on these rows, every split the one that lowers the squared error the most.
fn leaves(rows: &[(Vec<f64>, f64)], drawn: Vec<usize>, n_options: &[Option<usize>]) -> Vec<Leaf> {
    let mut open = vec![(n_options.iter().copied().map(Side::whole).collect::<Vec<_>>(), drawn)];
    let mut leaves = Vec::new();
    while let Some((sides, members)) = open.pop() {
        let Some((idx, rule)) = best_split(rows, &members, n_options) else {
            let value = members.iter().map(|row| rows[*row].1).sum::<f64>() / members.len() as f64;
            leaves.push(Leaf { sides, value });
            continue;
        };
        let (left, right): (Vec<usize>, Vec<usize>) =
            members.into_iter().partition(|row| rule.is_left(rows[*row].0[idx]));
        let (left_side, right_side) = sides[idx].split(rule);
        for (side, members) in [(left_side, left), (right_side, right)] {
            let mut sides = sides.clone();
            sides[idx] = side;
            open.push((sides, members));
        }
    }
    leaves
}

/// The dimension and rule that lower the squared error the most; none if all rows are alike.
fn best_split(rows: &[(Vec<f64>, f64)], members: &[usize], n_options: &[Option<usize>]) -> Option<(usize, Rule)> {
    let n = members.len() as f64;
    let mean = members.iter().map(|row| rows[*row].1).sum::<f64>() / n;
    let excess = |row: usize| rows[row].1 - mean;
    // Gains that rounding alone could make are none.
    let mut most = 1e-12 * members.iter().map(|row| excess(*row) * excess(*row)).sum::<f64>();
    let mut best = None;
    for (idx, n_options) in n_options.iter().enumerate() {
        let at = |row: usize| rows[row].0[idx];
        // The error falls by the squared sums of both parts over their sizes; the sums differ only in sign.
        let mut offer = |n_left: f64, sum_left: f64, rule: Rule| {
            let gain = sum_left * sum_left * (1.0 / n_left + 1.0 / (n - n_left));
            if n_left > 0.0 && n_left < n && gain > most {
                most = gain;
                best = Some((idx, rule));
            }
        };
        if let Some(n_options) = n_options {
            for option in (0..*n_options).map(|option| option as f64) {
                let inside = members.iter().filter(|row| at(**row) == option);
                let (n_left, sum) = inside.fold((0.0, 0.0), |(n, sum), row| (n + 1.0, sum + excess(*row)));
                offer(n_left, sum, Rule::Is(option));
            }
            continue;
        }
        let mut order = members.to_vec();
        order.sort_by(|one, other| at(*one).total_cmp(&at(*other)).then(one.cmp(other)));
        let (mut n_left, mut sum) = (0.0, 0.0);
        for pair in order.windows(2) {
            n_left += 1.0;
            sum += excess(pair[0]);
            let (low, high) = (at(pair[0]), at(pair[1]));
            let middle = low + (high - low) / 2.0;
            if low < middle {
                offer(n_left, sum, Rule::Below(middle));
            }
        }
    }
    best
}

/// The share of the tree's variance that each dimension explains by itself; none if the tree is constant.
fn shares(leaves: &[Leaf], n_dimensions: usize) -> Option<Vec<f64>> {
    let volume = |leaf: &Leaf| leaf.sides.iter().map(Side::length).product::<f64>();
    let volumes: Vec<f64> = leaves.iter().map(volume).collect();
    let weighed = || leaves.iter().zip(&volumes);
    let mean: f64 = weighed().map(|(leaf, volume)| leaf.value * volume).sum();
    let variance: f64 = weighed().map(|(leaf, volume)| (leaf.value - mean) * (leaf.value - mean) * volume).sum();
    let share = |idx: usize| {
        // Each leaf adds its value, times its extent in all other dimensions, on its own part of this one.
        let parts = weighed().map(|(leaf, volume)| {
            let side = &leaf.sides[idx];
            (side, if *volume > 0.0 { (leaf.value - mean) * volume / side.length() } else { 0.0 })
        });
        (explained(parts) / variance).clamp(0.0, 1.0)
    };
    (variance > 0.0).then(|| (0..n_dimensions).map(share).collect())
}

/// The mean square, along one axis, of a sum of functions that each have a height on a part of it.
fn explained<'a>(parts: impl Iterator<Item = (&'a Side, f64)>) -> f64 {
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for (side, height) in parts {
        match side {
            Side::Interval(low, high) => steps.extend([(*low, height), (*high, -height)]),
            Side::Options(has) => {
                let width = 1.0 / has.len() as f64;
                let with = has.iter().enumerate().filter(|(_, has)| **has);
                steps.extend(with.flat_map(|(idx, _)| {
                    let low = idx as f64 * width;
                    [(low, height), ((idx + 1) as f64 * width, -height)]
                }));
            }
        }
    }
    steps.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut height, mut from, mut sum) = (0.0, 0.0, 0.0);
    for (at, step) in steps {
        sum += height * height * (at - from);
        (height, from) = (height + step, at);
    }
    sum
}

#[cfg(test)]
mod tests {
    use pipeline::{NodeId, Value};
    use study::{Distribution, Goal, Objective, Rule, Sampling, Settings, Space};

    use super::*;
    use crate::random;

    fn dimension(name: &str, distribution: Distribution) -> Dimension {
        Dimension { name: name.into(), ..Dimension::new(NodeId::new("n").unwrap(), name, distribution) }
    }

    /// Importances of a function of 300 settings.
    fn found(dimensions: Vec<Dimension>, of: impl Fn(&Settings) -> f64) -> Vec<(String, f64, f64)> {
        let objective = Objective { metric: "loss".into(), goal: Goal::Minimize };
        let mut study = Study::new("importance", Space { dimensions }, vec![objective]);
        study.sampling = Sampling::Random { seed: 1, rule: Rule::Sobol };
        for number in 0..300 {
            let settings = random::draw(&study.space, 1, Rule::Sobol, number, 0);
            study.plan(settings.clone());
            study.start(number, None, 0.0).unwrap();
            study.finish(number, vec![of(&settings)], Default::default(), 0.0).unwrap();
        }
        importance(&study, 0).into_iter().map(|found| (found.dimension, found.share, found.standard_error)).collect()
    }

    fn number(settings: &Settings, name: &str) -> f64 {
        match settings[name] {
            Value::Float(x) => x,
            Value::Int(n) => n as f64,
            _ => f64::NAN,
        }
    }

    #[test]
    fn shares_are_those_of_a_sum_known_by_analysis() {
        let even = || Distribution::Uniform { min_value: 0.0, max_value: 1.0 };
        let log = Distribution::LogUniform { min_value: -3.0, max_value: 3.0 };
        let dimensions = vec![dimension("a", even()), dimension("b", log), dimension("c", even())];
        // 3a varies by 9/12; ln b is even from −3 to 3 and varies by 36/12, a third of it by 4/12; c does not matter.
        let found = found(dimensions, |at| 3.0 * number(at, "a") + numeric::ln(number(at, "b")) / 3.0);
        let expected = [("a", 9.0 / 13.0), ("b", 4.0 / 13.0), ("c", 0.0)];
        for ((name, share, error), (expected_name, expected)) in found.iter().zip(expected) {
            assert_eq!(name, expected_name);
            assert!((share - expected).abs() < 0.03, "{name}: {share} instead of {expected}");
            assert!(*error > 0.0 && *error < 0.06, "{name}: {error}");
        }
    }

    #[test]
    fn what_two_do_together_is_neithers_own() {
        let even = || Distribution::Uniform { min_value: -1.0, max_value: 1.0 };
        let dimensions = vec![dimension("a", even()), dimension("b", even())];
        let product = found(dimensions.clone(), |at| number(at, "a") * number(at, "b"));
        assert!(product.iter().all(|(_, share, _)| *share < 0.12), "{product:?}");
        // a varies by 1/3, ab by 1/9.
        let both = found(dimensions, |at| number(at, "a") * (1.0 + number(at, "b")));
        assert_eq!(both[0].0, "a");
        assert!((both[0].1 - 0.75).abs() < 0.05 && both[1].1 < 0.05, "{both:?}");
    }

    #[test]
    fn options_have_no_order() {
        let values = (0..4).map(Value::Int).collect();
        let dimensions = vec![
            dimension("a", Distribution::Choice { values }),
            dimension("b", Distribution::Uniform { min_value: 0.0, max_value: 1.0 }),
        ];
        // The option adds 0, 1, 0, 1, which varies by 1/4; 2b varies by 1/3.
        let found = found(dimensions, |at| number(at, "a") % 2.0 + 2.0 * number(at, "b"));
        let expected = [("b", 4.0 / 7.0), ("a", 3.0 / 7.0)];
        for ((name, share, _), (expected_name, expected)) in found.iter().zip(expected) {
            assert_eq!(name, expected_name);
            assert!((share - expected).abs() < 0.03, "{name}: {share} instead of {expected}");
        }
    }

    #[test]
    fn nothing_matters_where_nothing_varies_or_little_is_known() {
        let even = Distribution::Uniform { min_value: 0.0, max_value: 1.0 };
        assert_eq!(found(vec![dimension("a", even.clone())], |_| 0.1), []);
        let study = Study::new("none", Space { dimensions: vec![dimension("a", even)] }, Vec::new());
        assert_eq!(importance(&study, 0), []);
    }
}
