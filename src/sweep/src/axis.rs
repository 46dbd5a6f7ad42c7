//! A distribution as a scale from 0 to 1 on which it is even.

use pipeline::Value;
use study::{Distribution, multiple};

use crate::normal::{normal_quantile, normal_share_below};

/// Where a value lies on its axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// A number: the part of the axis that gives it, which for continuous values is a point.
    Part {
        /// Where it begins.
        low: f64,
        /// Where it ends.
        high: f64,
    },
    /// The option of a choice.
    Option(usize),
}

/// A distribution's values, spread over 0 to 1 so that every part is drawn as often as it is long.
#[derive(Clone, Debug)]
pub(crate) struct Axis<'a> {
    distribution: &'a Distribution,
}

impl<'a> Axis<'a> {
    pub(crate) fn of(distribution: &'a Distribution) -> Self {
        Self { distribution }
    }

    /// How many options there are, where it is a choice.
    pub(crate) fn n_options(&self) -> Option<usize> {
        match self.distribution {
            Distribution::Choice { values } => Some(values.len()),
            Distribution::RandInt { .. }
            | Distribution::Uniform { .. }
            | Distribution::QUniform { .. }
            | Distribution::LogUniform { .. }
            | Distribution::QLogUniform { .. }
            | Distribution::Normal { .. }
            | Distribution::QNormal { .. }
            | Distribution::LogNormal { .. }
            | Distribution::QLogNormal { .. } => None,
        }
    }

    /// The option of a choice.
    pub(crate) fn option(&self, idx: usize) -> Value {
        match self.distribution {
            Distribution::Choice { values } => values.get(idx).or(values.last()).cloned().unwrap_or(Value::None),
            _ => Value::None,
        }
    }

    /// The value at `u`, which lies in [0, 1).
    pub(crate) fn value(&self, u: f64) -> Value {
        if let Some(n) = self.n_options() {
            return self.option((u * n as f64) as usize);
        }
        let x = self.quantile(u);
        match self.distribution.step() {
            None => Value::Float(x),
            Some(q) => {
                let k = (x / q).round_ties_even();
                let k = self.distribution.multiples().map_or(k, |(first, last)| k.clamp(first, last));
                multiple(k, q)
            }
        }
    }

    /// Where a value of the distribution lies.
    pub(crate) fn place(&self, value: &Value) -> Option<Place> {
        if let Distribution::Choice { values } = self.distribution {
            return values.iter().position(|option| option == value).map(Place::Option);
        }
        let x = match value {
            Value::Int(n) => *n as f64,
            Value::Float(x) => *x,
            Value::None | Value::Bool(_) | Value::Text(_) | Value::Columns(_) | Value::File(_) => return None,
        };
        let Some(q) = self.distribution.step() else {
            let at = self.share_below(x);
            return Some(Place::Part { low: at, high: at });
        };
        let k = (x / q).round_ties_even();
        Some(Place::Part { low: self.share_below((k - 0.5) * q), high: self.share_below((k + 0.5) * q) })
    }

    /// The number, before any rounding to steps, below which the share `u` is drawn.
    fn quantile(&self, u: f64) -> f64 {
        let between = |low: f64, high: f64| (low + u * (high - low)).clamp(low, high);
        let normal = |mu: f64, sigma: f64| mu + sigma * normal_quantile(u);
        match *self.distribution {
            Distribution::Choice { .. } => f64::NAN,
            Distribution::RandInt { upper } => between(-0.5, upper as f64 - 0.5),
            Distribution::Uniform { min_value, max_value } | Distribution::QUniform { min_value, max_value, .. } => {
                between(min_value, max_value)
            }
            Distribution::LogUniform { min_value, max_value }
            | Distribution::QLogUniform { min_value, max_value, .. } => numeric::exp(between(min_value, max_value)),
            Distribution::Normal { mu, sigma } | Distribution::QNormal { mu, sigma, .. } => normal(mu, sigma),
            Distribution::LogNormal { mu, sigma } | Distribution::QLogNormal { mu, sigma, .. } => {
                numeric::exp(normal(mu, sigma))
            }
        }
    }

    /// How often a number below `x` is drawn, before any rounding to steps.
    fn share_below(&self, x: f64) -> f64 {
        let between =
            |x: f64, low: f64, high: f64| if high > low { ((x - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
        let ln = |x: f64| if x > 0.0 { numeric::ln(x) } else { f64::NEG_INFINITY };
        match *self.distribution {
            Distribution::Choice { .. } => f64::NAN,
            Distribution::RandInt { upper } => between(x, -0.5, upper as f64 - 0.5),
            Distribution::Uniform { min_value, max_value } | Distribution::QUniform { min_value, max_value, .. } => {
                between(x, min_value, max_value)
            }
            Distribution::LogUniform { min_value, max_value }
            | Distribution::QLogUniform { min_value, max_value, .. } => between(ln(x), min_value, max_value),
            Distribution::Normal { mu, sigma } | Distribution::QNormal { mu, sigma, .. } => {
                normal_share_below((x - mu) / sigma)
            }
            Distribution::LogNormal { mu, sigma } | Distribution::QLogNormal { mu, sigma, .. } => {
                normal_share_below((ln(x) - mu) / sigma)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(value: &Value) -> f64 {
        match value {
            Value::Int(n) => *n as f64,
            Value::Float(x) => *x,
            _ => f64::NAN,
        }
    }

    /// The share of an even grid of points whose value is this, or below it.
    fn share(distribution: &Distribution, holds: impl Fn(f64) -> bool) -> f64 {
        const N: u32 = 100_000;
        let axis = Axis::of(distribution);
        let values = (0..N).map(|idx| axis.value((f64::from(idx) + 0.5) / f64::from(N)));
        values.filter(|value| holds(number(value))).count() as f64 / f64::from(N)
    }

    fn assert_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 2e-5, "{found}, expected {expected}");
    }

    #[test]
    fn choices_and_whole_numbers_are_drawn_equally_often() {
        let values = vec![Value::Int(2), Value::Int(4), Value::Int(9)];
        assert_near(share(&Distribution::Choice { values }, |x| x == 4.0), 1.0 / 3.0);
        for n in 0..7 {
            assert_near(share(&Distribution::RandInt { upper: 7 }, |x| x == f64::from(n)), 1.0 / 7.0);
        }
    }

    #[test]
    fn uniform_numbers_are_even_and_their_logarithm_where_bounds_are_exponents() {
        assert_near(share(&Distribution::Uniform { min_value: 2.0, max_value: 6.0 }, |x| x < 3.0), 0.25);
        let decades = Distribution::LogUniform { min_value: 0.0, max_value: numeric::ln(100.0) };
        assert_near(share(&decades, |x| x < 10.0), 0.5);
        assert_near(share(&decades, |x| (1.0..=100.0).contains(&x)), 1.0);
    }

    #[test]
    fn rounding_comes_after_drawing() {
        // round(U / 4) · 4 of U from 0 to 10: 0 up to 2, 4 up to 6, and 8 from there.
        let by_4 = Distribution::QUniform { min_value: 0.0, max_value: 10.0, q: 4.0 };
        assert_near(share(&by_4, |x| x == 0.0), 0.2);
        assert_near(share(&by_4, |x| x == 4.0), 0.4);
        assert_near(share(&by_4, |x| x == 8.0), 0.4);
        // The bounds themselves are rounded, too: 1 becomes 0.
        let from_1 = Distribution::QUniform { min_value: 1.0, max_value: 9.0, q: 4.0 };
        assert_near(share(&from_1, |x| x == 0.0), 1.0 / 8.0);
        // round(exp(U)) of U from 0 to ln 10 is 1 up to 1.5.
        let log = Distribution::QLogUniform { min_value: 0.0, max_value: numeric::ln(10.0), q: 1.0 };
        assert_near(share(&log, |x| x == 1.0), numeric::ln(1.5) / numeric::ln(10.0));
        assert_near(share(&log, |x| x == 10.0), 1.0 - numeric::ln(9.5) / numeric::ln(10.0));
    }

    #[test]
    fn normal_numbers_have_their_share_within_one_deviation() {
        let one = 0.682_689_492_137_085_9;
        assert_near(share(&Distribution::Normal { mu: 5.0, sigma: 2.0 }, |x| (3.0..7.0).contains(&x)), one);
        let log = Distribution::LogNormal { mu: 1.0, sigma: 0.5 };
        assert_near(share(&log, |x| (0.5..1.5).contains(&numeric::ln(x))), one);
        // round(N / 2) · 2 is 6 for N from 5 to 7.
        assert_near(share(&Distribution::QNormal { mu: 6.0, sigma: 1.0, q: 2.0 }, |x| x == 6.0), one);
        let log = Distribution::QLogNormal { mu: 0.0, sigma: 1.0, q: 1.0 };
        assert_near(share(&log, |x| x == 0.0), normal_share_below(numeric::ln(0.5)));
    }

    fn any_distribution() -> impl Strategy<Value = Distribution> {
        let q = prop::sample::select(vec![0.1, 0.05, 0.3, 1.0, 2.5, 10.0]);
        let parts = (-6.0..6.0f64, 0.001..6.0f64, q, 0..9u8, 1..50u64);
        parts.prop_map(|(low, width, q, which, upper)| {
            let (min_value, max_value, mu, sigma) = (low, low + width, low, width / 2.0);
            match which {
                0 => Distribution::RandInt { upper },
                1 => Distribution::Uniform { min_value, max_value },
                2 => Distribution::QUniform { min_value, max_value, q },
                3 => Distribution::LogUniform { min_value, max_value },
                4 => Distribution::QLogUniform { min_value, max_value, q },
                5 => Distribution::Normal { mu, sigma },
                6 => Distribution::QNormal { mu, sigma, q },
                7 => Distribution::LogNormal { mu, sigma },
                _ => Distribution::QLogNormal { mu, sigma, q },
            }
        })
    }

    proptest! {
        #[test]
        fn every_value_is_one_of_the_distribution(distribution in any_distribution(), u in 0.0..1.0f64) {
            for u in [u, 0.0, 1.0 - f64::EPSILON / 2.0] {
                let value = Axis::of(&distribution).value(u);
                prop_assert!(distribution.contains(&value), "{:?} at {}", value, u);
            }
        }

        #[test]
        fn steps_are_exact(distribution in any_distribution(), u in 0.0..1.0f64) {
            let Some(q) = distribution.step() else { return Ok(()) };
            let value = Axis::of(&distribution).value(u);
            let k = (number(&value) / q).round();
            prop_assert_eq!(&multiple(k, q), &value);
            prop_assert!((number(&value) - k * q).abs() <= f64::EPSILON * number(&value).abs());
            prop_assert_eq!(q.fract() == 0.0, matches!(value, Value::Int(_)));
        }

        #[test]
        fn a_value_lies_where_it_was_drawn(distribution in any_distribution(), u in 0.0001..0.9999f64) {
            let axis = Axis::of(&distribution);
            match axis.place(&axis.value(u)) {
                Some(Place::Part { low, high }) => prop_assert!(low - 1e-9 <= u && u <= high + 1e-9, "{low} {u} {high}"),
                other => prop_assert!(false, "{:?}", other),
            }
        }

        #[test]
        fn the_parts_of_all_steps_cover_the_axis(min_value in -5.0..5.0f64, width in 0.1..9.0f64, q in 0.3..2.0f64) {
            let distribution = Distribution::QUniform { min_value, max_value: min_value + width, q };
            let parts = distribution.values().unwrap();
            let parts = parts.iter().filter_map(|value| Axis::of(&distribution).place(value));
            let length = |place| if let Place::Part { low, high } = place { high - low } else { f64::NAN };
            prop_assert!((parts.map(length).sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
