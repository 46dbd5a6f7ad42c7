//! The algorithms of a hyperparameter sweep: which trial comes next, which is given up, and what mattered.
//!
//! Everything is a pure function of a [`study::Study`]: no clock, no state of its own. The same study gives the same
//! trials on every machine, however many workers there are and in whichever order they finish.

mod axis;
mod early;
mod grid;
mod hyperband;
mod importance;
pub mod job;
mod next;
mod normal;
mod random;
mod sobol;
mod tpe;
mod watch;

pub use early::{Slack, bandit, median_stopping, should_stop, truncation_selection};
pub use grid::combinations;
pub use hyperband::{Bracket, Rung, brackets};
pub use importance::{Importance, importance};
pub use next::{apply, next, next_few};
pub use random::fits;
pub use study::{Action, Ending, Pause};
pub use watch::Watch;
