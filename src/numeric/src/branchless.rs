//! Functions without branches and tables, in loops of which the compiler computes several values at a time.

/// e to the power `x` for `x` of at most 0, to 2 units in the last place; below -708 it stays where it is there, at 3e-308.
#[inline(always)]
pub fn exp_of_negative(x: f64) -> f64 {
    // Added and taken off, it rounds to whole numbers, which then stand in the last bits.
    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    // Of the logarithm of 2 so many digits that a whole number times them is exact, and the rest.
    const LN_2: (f64, f64) = (6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10);
    let x = if x < -708.0 { -708.0 } else { x };
    let rounded = x * std::f64::consts::LOG2_E + ROUNDER;
    let whole = rounded - ROUNDER;
    let rest = (x - whole * LN_2.0) - whole * LN_2.1;
    // Taylor's series, of which |rest| < 0.35 needs no more.
    let mut sum = 1.0 / 6_227_020_800.0;
    for factor in [479_001_600.0, 39_916_800.0, 3_628_800.0, 362_880.0, 40_320.0, 5_040.0, 720.0, 120.0, 24.0, 6.0, 2.0]
    {
        sum = sum * rest + 1.0 / factor;
    }
    let power = f64::from_bits((rounded.to_bits() << 52).wrapping_add(1.0f64.to_bits()));
    (1.0 + (rest + rest * rest * sum)) * power
}

/// `ln(1 + x)` for `x` from 0 to 1, to 4 units in the last place, also of what is near 0.
#[inline(always)]
pub fn ln_1p_of_share(x: f64) -> f64 {
    // ln(1 + x) = 2 artanh(x / (2 + x)), whose series has only odd powers of at most 1/3.
    let part = x / (2.0 + x);
    let square = part * part;
    let mut sum = 1.0 / 33.0;
    for odd in [31.0, 29.0, 27.0, 25.0, 23.0, 21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        sum = sum * square + 1.0 / odd;
    }
    2.0 * (part + part * square * sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error beside what libm finds, in units in the last place.
    fn worst(of: fn(f64) -> f64, exact: fn(f64) -> f64, points: impl Iterator<Item = f64>) -> f64 {
        points.fold(0.0, |worst, x| {
            let expected = exact(x);
            f64::max(worst, (of(x) - expected).abs() / (expected * f64::EPSILON).max(f64::MIN_POSITIVE))
        })
    }

    #[test]
    fn powers_of_e_are_those_of_libm() {
        let points = (0..200_000).map(|at| -f64::from(at) * 0.003_541);
        let found = worst(exp_of_negative, libm::exp, points.filter(|x| *x > -708.0));
        assert!(found <= 2.0, "{found}");
        assert_eq!(exp_of_negative(0.0), 1.0);
        assert!((exp_of_negative(-1e-300), exp_of_negative(-0.0)) == (1.0, 1.0));
        assert!((0.0..4e-308).contains(&exp_of_negative(f64::NEG_INFINITY)));
        assert!(exp_of_negative(f64::NAN).is_nan());
    }

    #[test]
    fn logarithms_are_those_of_libm() {
        let points =
            (0..=100_000).map(|at| f64::from(at) * 1e-5).chain((1..1_000).map(|at| libm::exp(-f64::from(at) * 0.7)));
        let found = worst(ln_1p_of_share, libm::log1p, points);
        assert!(found <= 4.0, "{found}");
        assert!(ln_1p_of_share(f64::NAN).is_nan());
    }
}
