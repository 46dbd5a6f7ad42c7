//! Functions and random streams that give the same bits on every platform.

mod branchless;
mod functions;
mod random;
mod sum;
mod wide;

pub use branchless::{exp_of_negative, ln_1p_of_share};
pub use functions::{cos, erf, exp, ln, ln_1p, ln_gamma, pow, sin, sqrt, tanh};
pub use random::Stream;
pub use sum::Sum;
