//! Settings drawn by chance, and which settings belong to a space.

use numeric::Stream;
use study::{Dimension, Rule, Settings, Space};

use crate::axis::Axis;
use crate::sobol;

/// Settings for a trial, by its number and the sweep's seed alone: no other trial has a say in them.
///
/// `attempt` tells draws for the same trial apart; the first is 0.
pub(crate) fn draw(space: &Space, seed: u64, rule: Rule, number: u32, attempt: u32) -> Settings {
    let mut stream = Stream::fork(seed, u64::from(number));
    (0..attempt as usize * space.dimensions.len()).for_each(|_| _ = stream.uniform());
    // Every dimension has its place in the stream, also where it does not count, so that the others keep theirs.
    let mut at: Vec<f64> = space.dimensions.iter().map(|_| stream.uniform()).collect();
    if rule == Rule::Sobol && attempt == 0 {
        for (idx, u) in at.iter_mut().enumerate().take(sobol::N_DIMENSIONS) {
            // Shifted by the seed, bit by bit: the points leave no more holes than before, and begin elsewhere.
            let shift = (Stream::fork(seed, u64::MAX - idx as u64).next_u64() >> 32) as u32;
            *u = (f64::from(sobol::coordinate(idx, number) ^ shift) + 0.5) / 4_294_967_296.0;
        }
    }
    space.settle(|dimension| {
        let idx = space.dimensions.iter().position(|other| other.name == dimension.name);
        Axis::of(&dimension.distribution).value(idx.map_or(0.0, |idx| at[idx]))
    })
}

/// Whether settings could have been drawn from a space: every dimension that counts has one of its values, and nothing
/// else is set.
pub fn fits(space: &Space, settings: &Settings) -> bool {
    fits_in_order(&space.in_order(), settings)
}

/// As [`fits`], with the dimensions in their order.
pub(crate) fn fits_in_order(dimensions: &[&Dimension], settings: &Settings) -> bool {
    let mut n_fitting = 0;
    for dimension in dimensions {
        match settings.get(&dimension.name) {
            Some(value) => {
                let takes = match &dimension.same_as {
                    Some(source) => settings.get(source) == Some(value),
                    None => dimension.distribution.contains(value),
                };
                if !takes || !dimension.counts(settings) {
                    return false;
                }
                n_fitting += 1;
            }
            None if dimension.counts(settings) => return false,
            None => {}
        }
    }
    n_fitting == settings.len()
}
