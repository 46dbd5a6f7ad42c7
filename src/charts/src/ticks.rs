//! Where ticks stand: at multiples of 1, 2 or 5 times a power of ten.

use crate::format;

/// A place on an axis with its label.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// In the figure's coordinates.
    pub value: f64,
    /// What is written there.
    pub label: String,
}

/// Ticks between two bounds, about as many as wanted.
pub fn ticks(low: f64, high: f64, n_wanted: usize) -> Vec<Tick> {
    let step = step(low, high, n_wanted);
    if step == 0.0 {
        return Vec::new();
    }
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    let n_ticks = (last - first).clamp(-1.0, 200.0) as i64;
    (0..=n_ticks)
        .map(|tick_idx| {
            let value = (first + tick_idx as f64) * step;
            Tick { value, label: format::tick(value, step) }
        })
        .collect()
}

/// Ticks on a logarithmic axis: at powers of ten, and at 2 and 5 times those where there is room.
pub fn log_ticks(low: f64, high: f64, n_wanted: usize) -> Vec<Tick> {
    let (first, last) = (low.log10(), high.log10());
    if !first.is_finite() || !last.is_finite() || last - first < 1.0 {
        return ticks(low, high, n_wanted);
    }
    let factors: &[f64] = if (last - first) * 3.0 <= n_wanted as f64 + 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = ((last - first) / n_wanted.max(1) as f64).ceil() as i32;
    let powers = (first.floor() as i32..=last.ceil() as i32).filter(|power| power % every == 0);
    let values = powers.flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
    let inside = values.filter(|value| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(value));
    inside.map(|value| Tick { value, label: format::number(value) }).collect()
}

/// The distance between ticks; zero where there is nothing to divide.
pub(crate) fn step(low: f64, high: f64, n_wanted: usize) -> f64 {
    let span = high - low;
    if !span.is_finite() || span <= 0.0 || n_wanted == 0 {
        return 0.0;
    }
    let rough = span / n_wanted as f64;
    let mut power = 1.0;
    // Ticks are pixels, not results: they need not be the same on every platform to the last bit.
    while power * 10.0 <= rough {
        power *= 10.0;
    }
    while power > rough {
        power /= 10.0;
    }
    if power == 0.0 {
        return 0.0;
    }
    let ratio = rough / power;
    power
        * if ratio <= 1.0 {
            1.0
        } else if ratio <= 2.0 {
            2.0
        } else if ratio <= 5.0 {
            5.0
        } else {
            10.0
        }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_unit_interval_is_divided_by_fifths() {
        let labels: Vec<String> = ticks(0.0, 1.0, 5).into_iter().map(|tick| tick.label).collect();
        assert_eq!(labels.join(" "), "0.0 0.2 0.4 0.6 0.8 1.0");
    }

    #[test]
    fn a_logarithmic_axis_has_powers_of_ten_and_what_fits_between() {
        let labels = |low, high, n| log_ticks(low, high, n).into_iter().map(|tick| tick.label).collect::<Vec<_>>();
        assert_eq!(labels(0.001, 1.0, 6).join(" "), "0.001 0.002 0.005 0.01 0.02 0.05 0.1 0.2 0.5 1");
        assert_eq!(labels(0.001, 1.0, 5).join(" "), "0.001 0.01 0.1 1");
        assert_eq!(labels(1e-12, 1e12, 4).join(" "), "1e−12 1e−6 1 1,000,000 1e12");
        assert_eq!(labels(20.0, 90.0, 4).join(" "), "20 40 60 80");
        assert!(labels(0.0, 1.0, 5).len() > 2, "zero has no logarithm, so the axis is even");
    }

    #[test]
    fn nothing_to_divide_has_no_ticks() {
        assert!(ticks(1.0, 1.0, 5).is_empty());
        assert!(ticks(f64::NAN, 1.0, 5).is_empty());
        assert!(ticks(0.0, f64::INFINITY, 5).is_empty());
    }

    proptest! {
        #[test]
        fn ticks_are_inside_ascending_and_not_too_many(low in -1e9..1e9, span in 1e-6..1e9, n_wanted in 1_usize..12) {
            let ticks = ticks(low, low + span, n_wanted);
            prop_assert!(ticks.len() <= n_wanted + 1, "{} ticks", ticks.len());
            for tick in &ticks {
                prop_assert!(tick.value >= low - span * 1e-6 && tick.value <= low + span * (1.0 + 1e-6));
            }
            for pair in ticks.windows(2) {
                prop_assert!(pair[0].value < pair[1].value);
            }
        }
    }
}
