//! Sums that do not lose what is small beside what is large.

/// A compensated sum (Neumaier, 1974): as exact as if summed in twice the precision and rounded once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    /// Adds one number.
    pub fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        self.lost += if self.sum.abs() >= x.abs() { (self.sum - sum) + x } else { (x - sum) + self.sum };
        self.sum = sum;
    }

    /// The sum of what was added. An infinite one is infinite, not NaN.
    pub fn value(self) -> f64 {
        if self.sum.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

impl Extend<f64> for Sum {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, numbers: I) {
        numbers.into_iter().for_each(|x| self.add(x));
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        let mut sum = Self::default();
        sum.extend(numbers);
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_survive_beside_large_ones() {
        assert_eq!([1.0, 1e100, 1.0, -1e100].into_iter().collect::<Sum>().value(), 2.0);
        assert_eq!([0.1; 10].into_iter().collect::<Sum>().value(), 1.0);
    }

    #[test]
    fn an_infinite_sum_is_infinite() {
        assert_eq!([1e308, 1e308, 1.0].into_iter().collect::<Sum>().value(), f64::INFINITY);
        assert_eq!([].into_iter().collect::<Sum>().value(), 0.0);
    }
}
