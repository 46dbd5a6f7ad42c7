//! The standard normal distribution.

/// The standard normal distribution function.
pub(crate) fn normal_share_below(z: f64) -> f64 {
    0.5 + 0.5 * numeric::erf(z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Its inverse: Wichura's algorithm AS 241 (1988), PPND16, about 16 digits. Of 0 and 1, the ends of what 53 random
/// bits reach.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    const SMALLEST: f64 = 1.0 / (1u64 << 54) as f64;
    let p = p.clamp(SMALLEST, 1.0 - f64::EPSILON / 2.0);
    let ratio = |above: &[f64], below: &[f64], r: f64| {
        let horner = |coefficients: &[f64]| coefficients.iter().rev().fold(0.0, |sum, c| sum * r + c);
        horner(above) / horner(below)
    };
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&CENTRE.0, &CENTRE.1, 0.180625 - q * q);
    }
    let r = numeric::sqrt(-numeric::ln(if q < 0.0 { p } else { 1.0 - p }));
    let z = if r <= 5.0 { ratio(&NEAR.0, &NEAR.1, r - 1.6) } else { ratio(&FAR.0, &FAR.1, r - 5.0) };
    if q < 0.0 { -z } else { z }
}

// As published, to more digits than an f64 holds.
#[allow(clippy::excessive_precision)]
const CENTRE: ([f64; 8], [f64; 8]) = (
    [
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ],
    [
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ],
);

#[allow(clippy::excessive_precision)]
const NEAR: ([f64; 8], [f64; 8]) = (
    [
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ],
    [
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ],
);

#[allow(clippy::excessive_precision)]
const FAR: ([f64; 8], [f64; 8]) = (
    [
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ],
    [
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_scipy() {
        // scipy.stats.norm.ppf of SciPy 1.17.1.
        let expected = [
            (1e-10, -6.361340902404056),
            (0.001, -3.090232306167813),
            (0.075, -1.4395314709384563),
            (0.3, -0.5244005127080409),
            (0.5, 0.0),
            (0.975, 1.959963984540054),
            (0.999999999, 5.997807019601637),
        ];
        for (p, z) in expected {
            let ours = normal_quantile(p);
            assert!((ours - z).abs() <= 1e-15 * z.abs().max(1.0) * 4.0, "{p}: {ours} {z}");
        }
    }

    #[test]
    fn the_quantile_undoes_the_distribution_function() {
        for step in 1..1_000 {
            let p = f64::from(step) / 1_000.0;
            assert!((normal_share_below(normal_quantile(p)) - p).abs() < 1e-15, "{p}");
        }
        assert!(normal_quantile(0.0).is_finite() && normal_quantile(1.0).is_finite());
    }
}
