//! Student's t, by the incomplete beta function.

/// The regularized incomplete beta function I_x(a, b), where `y` is 1 − x, which the caller often knows more exactly.
///
/// The continued fraction is that of DLMF 8.17.22, evaluated by the modified Lentz method (Press et al., *Numerical
/// Recipes*, 3rd edition, §6.4).
pub(super) fn incomplete_beta(x: f64, y: f64, a: f64, b: f64) -> f64 {
    if !(a > 0.0 && b > 0.0) || x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    if x <= 0.0 || y <= 0.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let front = power_term(x, y, a, b);
    if x < (a + 1.0) / (a + b + 2.0) {
        front * continued_fraction(x, a, b) / a
    } else {
        1.0 - front * continued_fraction(y, b, a) / b
    }
}

/// xᵃ yᵇ / B(a, b).
///
/// With Stirling's formula put in for the three gamma functions, what is large cancels before it is computed rather than
/// after: Loader, "Fast and Accurate Computation of Binomial Probabilities" (2000).
fn power_term(x: f64, y: f64, a: f64, b: f64) -> f64 {
    let total = a + b;
    // a ln(x (a + b) / a), where x (a + b) - a is x b - a y.
    let part = |a: f64, x: f64, beyond: f64| {
        let beyond = beyond / a;
        a * if beyond.abs() < 0.5 { libm::log1p(beyond) } else { libm::log(x * (total / a)) }
    };
    let beyond = x * b - a * y;
    let exponent =
        part(a, x, beyond) + part(b, y, -beyond) + stirling_rest(total) - stirling_rest(a) - stirling_rest(b);
    (a * b / total / (2.0 * std::f64::consts::PI)).sqrt() * libm::exp(exponent)
}

/// ln Γ(z) − ((z − ½) ln z − z + ½ ln 2π): the rest of Stirling's formula, DLMF 5.11.1.
fn stirling_rest(z: f64) -> f64 {
    if z < 16.0 {
        let half_ln_2pi = 0.918_938_533_204_672_7;
        return libm::lgamma(z) - ((z - 0.5) * libm::log(z) - z + half_ln_2pi);
    }
    let square = 1.0 / (z * z);
    (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * (1.0 / 1680.0 - square / 1188.0)))) / z
}

fn continued_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_0 = |x: f64| if x.abs() < TINY { TINY } else { x };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_0(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    // About the square root of the larger parameter is needed.
    for step in 1..20_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_0(1.0 + even * d);
        c = away_from_0(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_0(1.0 + odd * d);
        c = away_from_0(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    fraction
}

/// How probable it is that Student's t with these degrees of freedom is at least this far from 0, on either side.
pub fn student_t_two_sided(t: f64, dof: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    let square = t * t;
    // I_x(ν/2, 1/2) with x = ν / (ν + t²): DLMF 8.17 and Abramowitz and Stegun 26.7.1.
    incomplete_beta(dof / (dof + square), square / (dof + square), dof / 2.0, 0.5)
}

/// How far from 0 Student's t is with this probability, on both sides together: of 0.05 the half-width of the 95 %
/// interval, in standard errors.
pub fn student_t_quantile(two_sided: f64, dof: f64) -> f64 {
    if !(two_sided > 0.0 && two_sided <= 1.0 && dof > 0.0) {
        return f64::NAN;
    }
    if two_sided == 1.0 {
        return 0.0;
    }
    // Newton's method for ln p in ln t: there the curve bends one way only, so that steps cannot run in circles. The
    // steps are kept short, since the first could leave the numbers altogether.
    let ln_density =
        libm::lgamma((dof + 1.0) / 2.0) - libm::lgamma(dof / 2.0) - 0.5 * libm::log(dof * std::f64::consts::PI);
    let mut ln_t = 0.0;
    for _ in 0..200 {
        let t = libm::exp(ln_t);
        let p = student_t_two_sided(t, dof);
        let density = libm::exp(ln_density - (dof + 1.0) / 2.0 * libm::log1p(t * t / dof));
        let slope = -2.0 * density * t / p;
        let step = ((libm::log(two_sided) - libm::log(p)) / slope).clamp(-1.0, 1.0);
        ln_t += step;
        if step.abs() < 1e-14 {
            break;
        }
    }
    libm::exp(ln_t)
}

/// How probable it is that a standard normal is at least this far from 0, on either side.
pub(super) fn normal_two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}
