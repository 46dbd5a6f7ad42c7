//! The tree-structured Parzen estimator: Bergstra, Bardenet, Bengio and Kégl (2011), with joint kernels as in Falkner,
//! Klein and Hutter (2018), kernels weighed by improvement as in Watanabe (2023), and bandwidths from the nearest
//! neighbours as in Optuna, though three times as narrow at the least.
//!
//! Trials are parted into the good tenth and the rest. Each part becomes a density over the space: a kernel around every
//! trial, and one that is even everywhere. Of candidates drawn from the good density, the one comes next at which it
//! exceeds the other the most. Half of them bring together what was good apart: each setting from a kernel of its own.
//! Every distribution is seen on the scale from 0 to 1 on which it is even, so that logarithms, normal distributions and
//! steps need nothing of their own. Where a dimension does not count in a trial, that trial's kernel is even in it.

use numeric::Stream;
use study::{Dimension, Goal, Rule, Settings, Study, Trial, TrialState};

use crate::axis::{Axis, Place};
use crate::next::Tried;
use crate::normal::{normal_quantile, normal_share_below};

/// How settings are found before there are results enough.
pub(crate) const START: Rule = Rule::Random;

/// Results from which on the estimator is used.
const N_START: usize = 10;
/// Points drawn from the good density, every second with each setting from a kernel of its own.
const N_CANDIDATES: usize = 40;
/// One in so many trials is good.
const GOOD_ONE_IN: usize = 10;
/// And so many at most.
const MAX_GOOD: usize = 25;
/// A kernel is no narrower than 1 / (1 + this · kernels), and 1 / 100 suffices.
const NARROWING: f64 = 3.0;
/// √(2π).
const ROOT_TAU: f64 = 2.506_628_274_631_000_5;
/// So many of the latest trials of the rest count in full, and the earlier the less.
const N_RECENT: usize = 25;

/// Settings for trial `number`; none while there are too few results, or if all that looks good was tried.
pub(crate) fn suggest(study: &Study, number: u32, seed: u64, tried: &Tried) -> Option<Settings> {
    let dimensions: Vec<&Dimension> = study.space.in_order();
    let axes: Vec<Axis> = dimensions.iter().map(|dimension| Axis::of(&dimension.distribution)).collect();
    let observed: Vec<Observed> = study
        .before(number)
        .iter()
        .filter(|trial| is_lesson(trial))
        .filter_map(|trial| observe(trial, &dimensions, &axes))
        .collect();
    let n_results = observed.iter().filter(|observed| observed.trial.state != TrialState::Failed).count();
    if n_results < N_START {
        return None;
    }
    let n_good = observed.len().div_ceil(GOOD_ONE_IN).min(MAX_GOOD);
    let ranked = rank(study, observed);
    let (good, rest) = ranked.split_at(n_good);
    let weights = improvements(study, good, rest);
    let good = Mixture::around(good.iter().zip(weights), &axes);
    // Trials that may run beside this one: what they try is known, if not what comes of it, and need not be tried again.
    let beside: Vec<Observed> = study.trials[study.before(number).len()..]
        .iter()
        .filter_map(|trial| observe(trial, &dimensions, &axes))
        .collect();
    let mut rest: Vec<&Observed> = rest.iter().chain(&beside).collect();
    rest.sort_by_key(|observed| observed.trial.number);
    let ages = recency(rest.len());
    let rest = Mixture::around(rest.into_iter().zip(ages), &axes);

    let mut stream = Stream::fork(seed, u64::from(number));
    let mut best: Option<(f64, Settings)> = None;
    for candidate in 0..N_CANDIDATES {
        let settings = good.draw(study, &dimensions, &axes, candidate % 2 == 1, &mut stream);
        if tried.contains(&settings) {
            continue;
        }
        let places = places(&settings, &dimensions, &axes);
        let score = good.ln_density(&places, &axes) - rest.ln_density(&places, &axes);
        if best.as_ref().is_none_or(|(highest, _)| score > *highest) {
            best = Some((score, settings));
        }
    }
    best.map(|(_, settings)| settings)
}

/// A trial, and where its settings lie on the axes; none where a dimension does not count.
struct Observed<'a> {
    trial: &'a Trial,
    places: Vec<Option<Place>>,
}

/// Whether a trial can be learned from: it ended by itself.
fn is_lesson(trial: &Trial) -> bool {
    match trial.state {
        TrialState::Done | TrialState::Failed => true,
        TrialState::StoppedEarly => !trial.intermediate.is_empty(),
        TrialState::Waiting | TrialState::Running | TrialState::Cancelled => false,
    }
}

/// A trial whose settings are among the values that the dimensions have now.
fn observe<'a>(trial: &'a Trial, dimensions: &[&Dimension], axes: &[Axis]) -> Option<Observed<'a>> {
    let own = |dimension: &&&Dimension| dimension.same_as.is_none();
    let is_allowed = |dimension: &&Dimension| {
        trial.settings.get(&dimension.name).is_none_or(|value| dimension.distribution.contains(value))
    };
    let is_usable = dimensions.iter().filter(own).all(is_allowed);
    let places = is_usable.then(|| places(&trial.settings, dimensions, axes))?;
    places.iter().any(Option::is_some).then_some(Observed { trial, places })
}

fn places(settings: &Settings, dimensions: &[&Dimension], axes: &[Axis]) -> Vec<Option<Place>> {
    let place = |(dimension, axis): (&&Dimension, &Axis)| {
        // A coupled dimension says nothing new.
        settings.get(&dimension.name).filter(|_| dimension.same_as.is_none()).and_then(|value| axis.place(value))
    };
    dimensions.iter().zip(axes).map(place).collect()
}

/// The best first: trials that are done by their figures, then those that were stopped early, those that went further
/// before the others, and at last those that failed.
fn rank<'a>(study: &Study, observed: Vec<Observed<'a>>) -> Vec<Observed<'a>> {
    let goal = study.objectives.first().map_or(Goal::Minimize, |objective| objective.goal);
    let in_state = |state| move |observed: &Observed| observed.trial.state == state;
    let (done, others): (Vec<_>, Vec<_>) = observed.into_iter().partition(in_state(TrialState::Done));
    let (mut stopped, failed): (Vec<_>, Vec<_>) = others.into_iter().partition(in_state(TrialState::StoppedEarly));
    let losses: Vec<Vec<f64>> = done.iter().map(|observed| losses(study, observed.trial)).collect();
    let mut order: Vec<(usize, Observed)> = rank_by_fronts(&losses).into_iter().zip(done).collect();
    order.sort_by_key(|(rank, _)| *rank);
    let last = |observed: &Observed| goal.as_loss(observed.trial.intermediate.last().copied().unwrap_or_default());
    let reach = |observed: &Observed| observed.trial.intermediate.len();
    stopped.sort_by(|one, other| reach(other).cmp(&reach(one)).then(last(one).total_cmp(&last(other))));
    order.into_iter().map(|(_, observed)| observed).chain(stopped).chain(failed).collect()
}

fn losses(study: &Study, trial: &Trial) -> Vec<f64> {
    let pairs = study.objectives.iter().zip(&trial.values);
    pairs.map(|(objective, value)| objective.goal.as_loss(*value)).collect()
}

/// The rank of each point, the best 0: by fronts that nothing dominates once those before are taken away, and within
/// one the less crowded first (Deb, Pratap, Agarwal and Meyarivan, 2002). With one objective it is the order of losses.
fn rank_by_fronts(losses: &[Vec<f64>]) -> Vec<usize> {
    let mut ranks = vec![0; losses.len()];
    let mut left: Vec<usize> = (0..losses.len()).collect();
    let mut n_ranked = 0;
    if losses.first().is_none_or(|losses| losses.len() <= 1) {
        left.sort_by(|one, other| compare(&losses[*one], &losses[*other]).then(one.cmp(other)));
        left.into_iter().enumerate().for_each(|(rank, idx)| ranks[idx] = rank);
        return ranks;
    }
    while !left.is_empty() {
        let is_dominated = |idx: &usize| left.iter().any(|other| dominates(&losses[*other], &losses[*idx]));
        let (behind, front): (Vec<usize>, Vec<usize>) = left.iter().copied().partition(is_dominated);
        let room = room_around(losses, &front);
        let mut order: Vec<usize> = (0..front.len()).collect();
        order.sort_by(|one, other| room[*other].total_cmp(&room[*one]).then(one.cmp(other)));
        for place in order {
            ranks[front[place]] = n_ranked;
            n_ranked += 1;
        }
        left = behind;
    }
    ranks
}

fn compare(one: &[f64], other: &[f64]) -> std::cmp::Ordering {
    let first = |losses: &[f64]| losses.first().copied().unwrap_or(f64::INFINITY);
    first(one).total_cmp(&first(other))
}

fn dominates(one: &[f64], other: &[f64]) -> bool {
    let pairs = || one.iter().zip(other);
    pairs().all(|(one, other)| one <= other) && pairs().any(|(one, other)| one < other)
}

/// The distance between each point's neighbours on the front, summed over the objectives; infinite at the ends.
fn room_around(losses: &[Vec<f64>], front: &[usize]) -> Vec<f64> {
    let mut room = vec![0.0; front.len()];
    let n_objectives = front.first().map_or(0, |first| losses[*first].len());
    let along = |objective_idx: usize| front.iter().map(|idx| losses[*idx][objective_idx]).collect::<Vec<f64>>();
    for loss in (0..n_objectives).map(along) {
        let mut order: Vec<usize> = (0..front.len()).collect();
        order.sort_by(|one, other| loss[*one].total_cmp(&loss[*other]).then(one.cmp(other)));
        let (first, last) = (order[0], order[order.len() - 1]);
        let width = loss[last] - loss[first];
        for triple in order.windows(3).filter(|_| width > 0.0) {
            room[triple[1]] += (loss[triple[2]] - loss[triple[0]]) / width;
        }
        room[first] = f64::INFINITY;
        room[last] = f64::INFINITY;
    }
    room
}

/// How much better each good trial is than the best of the rest, with a mean of 1. Where that says nothing, and with
/// several objectives, all count alike.
fn improvements(study: &Study, good: &[Observed], rest: &[Observed]) -> Vec<f64> {
    let loss = |observed: &Observed| {
        let is_done = observed.trial.state == TrialState::Done && study.objectives.len() == 1;
        losses(study, observed.trial).first().copied().filter(|_| is_done)
    };
    let threshold = rest.first().and_then(loss);
    let gains: Option<Vec<f64>> = good.iter().map(|observed| Some(threshold? - loss(observed)?)).collect();
    let mean = |gains: &Vec<f64>| gains.iter().sum::<f64>() / gains.len() as f64;
    match gains.filter(|gains| mean(gains) > 0.0 && mean(gains).is_finite()) {
        Some(gains) => gains.iter().map(|gain| gain / mean(&gains)).collect(),
        None => vec![1.0; good.len()],
    }
}

/// The weights of trials in the order of their numbers: the latest count in full, and before them ever less.
fn recency(n: usize) -> Vec<f64> {
    let n_fading = n.saturating_sub(N_RECENT);
    let weight = |idx: usize| {
        let least = 1.0 / n as f64;
        if idx >= n_fading { 1.0 } else { least + (1.0 - least) * idx as f64 / (n_fading - 1).max(1) as f64 }
    };
    (0..n).map(weight).collect()
}

/// A density over the space.
struct Mixture {
    kernels: Vec<Kernel>,
}

/// The surroundings of one trial. The weights of a mixture's kernels sum to 1.
struct Kernel {
    weight: f64,
    ln_weight: f64,
    shapes: Vec<Shape>,
}

/// A kernel along one dimension.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// The same everywhere.
    Even,
    /// A normal distribution cut off at 0 and 1.
    Bell {
        mu: f64,
        sigma: f64,
        /// The share of the uncut distribution below 0, and between 0 and 1.
        below: f64,
        within: f64,
        /// Logarithm of its height at `mu`.
        ln_height: f64,
    },
    /// One option of a choice, and the others a little.
    Mostly { option: usize, share: f64, share_of_others: f64 },
}

impl Mixture {
    fn around<'a>(weighed: impl Iterator<Item = (&'a Observed<'a>, f64)>, axes: &[Axis]) -> Self {
        let (observed, weights): (Vec<&Observed>, Vec<f64>) = weighed.unzip();
        let sum = 1.0 + weights.iter().sum::<f64>();
        let kernel =
            |weight: f64| Kernel { weight: weight / sum, ln_weight: numeric::ln(weight / sum), shapes: Vec::new() };
        let mut kernels: Vec<Kernel> = weights.into_iter().map(kernel).collect();
        for (dimension_idx, axis) in axes.iter().enumerate() {
            let along: Vec<Option<Place>> = observed.iter().map(|observed| observed.places[dimension_idx]).collect();
            for (kernel, shape) in kernels.iter_mut().zip(shapes(&along, axis)) {
                kernel.shapes.push(shape);
            }
        }
        kernels.push(Kernel { shapes: vec![Shape::Even; axes.len()], ..kernel(1.0) });
        Self { kernels }
    }

    /// One of the kernels, by their weights.
    fn pick(&self, stream: &mut Stream) -> &Kernel {
        let mut left = stream.uniform();
        let is_it = |kernel: &&Kernel| {
            left -= kernel.weight;
            left < 0.0
        };
        self.kernels.iter().find(is_it).unwrap_or(&self.kernels[self.kernels.len() - 1])
    }

    /// Settings from one of the kernels, or each from one of its own, which brings together what was good apart.
    fn draw(
        &self,
        study: &Study,
        dimensions: &[&Dimension],
        axes: &[Axis],
        apart: bool,
        stream: &mut Stream,
    ) -> Settings {
        let mut kernel = self.pick(stream);
        study.space.settle(|dimension| {
            if apart {
                kernel = self.pick(stream);
            }
            let u = stream.uniform();
            let Some(idx) = dimensions.iter().position(|other| other.name == dimension.name) else {
                return pipeline::Value::None;
            };
            let axis = &axes[idx];
            match kernel.shapes[idx] {
                Shape::Even => axis.value(u),
                Shape::Bell { mu, sigma, below, within, .. } => {
                    let at = mu + sigma * normal_quantile(below + u * within);
                    axis.value(at.clamp(0.0, 1.0 - f64::EPSILON))
                }
                Shape::Mostly { option, share, share_of_others } => {
                    if u < share {
                        return axis.option(option);
                    }
                    let other = ((u - share) / share_of_others) as usize;
                    axis.option(if other >= option { other + 1 } else { other })
                }
            }
        })
    }

    /// The logarithm of the density at a place, over the dimensions that count there.
    fn ln_density(&self, places: &[Option<Place>], axes: &[Axis]) -> f64 {
        let ln_part = |kernel: &Kernel| {
            let along = kernel.shapes.iter().zip(places).zip(axes);
            let ln_shape = along.map(|((shape, place), axis)| place.map_or(0.0, |place| shape.ln_density(place, axis)));
            kernel.ln_weight + ln_shape.sum::<f64>()
        };
        let parts: Vec<f64> = self.kernels.iter().map(ln_part).collect();
        let highest = parts.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        highest + numeric::ln(parts.iter().map(|part| numeric::exp(part - highest)).sum())
    }
}

/// A shape for every trial along one dimension.
fn shapes(along: &[Option<Place>], axis: &Axis) -> Vec<Shape> {
    let n_kernels = along.iter().flatten().count() + 1;
    if let Some(n_options) = axis.n_options() {
        // Each option has a share of the even kernel's weight, spread over all kernels.
        let extra = 1.0 / n_kernels as f64;
        let share_of_others = extra / (1.0 + extra * n_options as f64);
        let share = (1.0 + extra) / (1.0 + extra * n_options as f64);
        let shape = |place: &Option<Place>| match place {
            Some(Place::Option(option)) => Shape::Mostly { option: *option, share, share_of_others },
            Some(Place::Part { .. }) | None => Shape::Even,
        };
        return along.iter().map(shape).collect();
    }
    let middle = |place: &Option<Place>| match place {
        Some(Place::Part { low, high }) => Some((low + high) / 2.0),
        Some(Place::Option(_)) | None => None,
    };
    let middles: Vec<Option<f64>> = along.iter().map(middle).collect();
    let mut sorted: Vec<f64> = middles.iter().flatten().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let narrowest = 1.0 / (1.0 + NARROWING * n_kernels as f64).min(100.0);
    let shape = |mu: &Option<f64>| {
        let Some(mu) = *mu else { return Shape::Even };
        let sigma = to_neighbour(&sorted, mu).clamp(narrowest, 1.0);
        let below = normal_share_below(-mu / sigma);
        let within = normal_share_below((1.0 - mu) / sigma) - below;
        Shape::Bell { mu, sigma, below, within, ln_height: -numeric::ln(sigma * ROOT_TAU * within) }
    };
    middles.iter().map(shape).collect()
}

/// The distance to the neighbour further off; at the ends, to the only one, and without any, to the further end.
fn to_neighbour(sorted: &[f64], mu: f64) -> f64 {
    if sorted.len() == 1 {
        return mu.max(1.0 - mu);
    }
    let first = sorted.partition_point(|other| *other < mu);
    let last = sorted.partition_point(|other| *other <= mu) - 1;
    // Of several at the same place, one is the other's neighbour.
    let before = if first < last { Some(mu) } else { first.checked_sub(1).map(|idx| sorted[idx]) };
    let after = sorted.get(last + 1).copied();
    let below = before.map_or(0.0, |before| mu - before);
    let above = after.map_or(0.0, |after| after - mu);
    below.max(above)
}

impl Shape {
    fn ln_density(self, place: Place, axis: &Axis) -> f64 {
        // A density that is nowhere 0 keeps the ratio of two of them a number.
        let ln = |x: f64| numeric::ln(x.max(f64::MIN_POSITIVE));
        match (self, place) {
            (Self::Bell { mu, sigma, ln_height, .. }, Place::Part { low, high }) if low == high => {
                let z = (low - mu) / sigma;
                ln_height - 0.5 * z * z
            }
            (Self::Bell { mu, sigma, within, .. }, Place::Part { low, high }) => {
                ln((normal_share_below((high - mu) / sigma) - normal_share_below((low - mu) / sigma)) / within)
            }
            (Self::Even | Self::Mostly { .. }, Place::Part { low, high }) if low == high => 0.0,
            (Self::Even | Self::Mostly { .. }, Place::Part { low, high }) => ln(high - low),
            (Self::Mostly { option, share, share_of_others }, Place::Option(other)) => {
                ln(if option == other { share } else { share_of_others })
            }
            (Self::Even | Self::Bell { .. }, Place::Option(_)) => -ln(axis.n_options().unwrap_or(1).max(1) as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use pipeline::{NodeId, Value};
    use study::{Distribution, Objective, Space};

    use super::*;

    /// A study of one dimension in which these values were tried, and the density around them.
    fn around(distribution: &Distribution, values: &[Value]) -> (Study, Mixture) {
        let dimension = Dimension::new(NodeId::new("n").unwrap(), "x", distribution.clone());
        let objective = Objective { metric: "loss".into(), goal: Goal::Minimize };
        let mut study = Study::new("density", Space { dimensions: vec![dimension] }, vec![objective]);
        values.iter().for_each(|value| _ = study.plan(Settings::from([("n.x".into(), value.clone())])));
        let axes = [Axis::of(distribution)];
        let dimensions: Vec<&Dimension> = study.space.in_order();
        let observed: Vec<Observed> =
            study.trials.iter().filter_map(|trial| observe(trial, &dimensions, &axes)).collect();
        let mixture = Mixture::around(observed.iter().zip([1.0, 2.0, 0.5].into_iter().cycle()), &axes);
        (study, mixture)
    }

    fn density(mixture: &Mixture, distribution: &Distribution, place: Place) -> f64 {
        numeric::exp(mixture.ln_density(&[Some(place)], &[Axis::of(distribution)]))
    }

    fn floats(values: &[f64]) -> Vec<Value> {
        values.iter().copied().map(Value::Float).collect()
    }

    #[test]
    fn a_density_sums_to_one() {
        let even = Distribution::Uniform { min_value: -1.0, max_value: 1.0 };
        let (_, mixture) = around(&even, &floats(&[-1.0, 0.2, 0.3, 0.9]));
        let n = 20_000;
        let at = |idx: i32| (f64::from(idx) + 0.5) / f64::from(n);
        let sum: f64 = (0..n).map(|idx| density(&mixture, &even, Place::Part { low: at(idx), high: at(idx) })).sum();
        assert!((sum / f64::from(n) - 1.0).abs() < 1e-6, "{sum}");

        let steps = Distribution::QUniform { min_value: 0.0, max_value: 12.0, q: 1.0 };
        let (_, mixture) = around(&steps, &[Value::Int(0), Value::Int(7), Value::Int(7)]);
        let places = steps.values().unwrap().into_iter().filter_map(|value| Axis::of(&steps).place(&value));
        let sum: f64 = places.map(|place| density(&mixture, &steps, place)).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");

        let choice = Distribution::Choice { values: floats(&[1.0, 2.0, 3.0]) };
        let (_, mixture) = around(&choice, &floats(&[2.0, 2.0]));
        let shares: Vec<f64> = (0..3).map(|idx| density(&mixture, &choice, Place::Option(idx))).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{shares:?}");
        // Three kernels, the even one of weight 1 of 4: the others give their option (1 + 1/3) / 2.
        assert!((shares[1] - (0.75 * 2.0 / 3.0 + 0.25 / 3.0)).abs() < 1e-12, "{shares:?}");
    }

    #[test]
    fn what_is_drawn_is_as_frequent_as_its_density_says() {
        const N: u32 = 40_000;
        let steps = Distribution::QUniform { min_value: 0.0, max_value: 5.0, q: 1.0 };
        let (study, mixture) = around(&steps, &[Value::Int(1), Value::Int(4), Value::Int(4)]);
        let dimensions = study.space.in_order();
        let axes = [Axis::of(&steps)];
        let mut stream = Stream::new(1);
        let drawn: Vec<Settings> =
            (0..N).map(|_| mixture.draw(&study, &dimensions, &axes, false, &mut stream)).collect();
        for value in steps.values().unwrap() {
            let n = drawn.iter().filter(|settings| settings["n.x"] == value).count();
            let expected = density(&mixture, &steps, axes[0].place(&value).unwrap());
            assert!((n as f64 / f64::from(N) - expected).abs() < 0.01, "{value:?}: {n} of {N}, not {expected}");
        }
    }

    #[test]
    fn a_kernel_reaches_to_its_further_neighbour() {
        let sorted = [0.1, 0.2, 0.5, 0.5, 0.9];
        assert!((to_neighbour(&sorted, 0.1) - 0.1).abs() < 1e-12);
        assert!((to_neighbour(&sorted, 0.2) - 0.3).abs() < 1e-12);
        assert!((to_neighbour(&sorted, 0.5) - 0.4).abs() < 1e-12);
        assert!((to_neighbour(&sorted, 0.9) - 0.4).abs() < 1e-12);
        assert_eq!(to_neighbour(&[0.3], 0.3), 0.7);
    }

    #[test]
    fn fronts_come_one_after_the_other_and_the_ends_of_one_first() {
        let losses: Vec<Vec<f64>> =
            [[1.0, 5.0], [2.0, 3.0], [2.2, 2.9], [4.0, 1.0], [3.0, 3.5], [5.0, 5.0], [2.5, 4.0]].map(Vec::from).into();
        // The front is 0, 1, 2, 3. Between the ends 0 and 3, 2 has more room than 1: 2/3 + 2/4 against 1.2/3 + 2.1/4.
        // Then come 4 and 6, and 5 at last.
        assert_eq!(rank_by_fronts(&losses), [0, 3, 2, 1, 4, 6, 5]);
        assert_eq!(rank_by_fronts(&[vec![3.0], vec![1.0], vec![2.0], vec![1.0]]), [3, 0, 2, 1]);
    }

    #[test]
    fn the_latest_trials_count_in_full() {
        assert_eq!(recency(3), [1.0; 3]);
        let weights = recency(30);
        assert_eq!((weights[0], weights[4], weights[5]), (1.0 / 30.0, 1.0, 1.0));
        assert!(weights.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(recency(26)[0], 1.0 / 26.0);
    }
}
