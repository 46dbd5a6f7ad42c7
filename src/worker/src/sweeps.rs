//! What the algorithms of a sweep say, as the page hears it.

use protocol::{DimensionShare, SweepAction};
use study::Study;
use sweep::Action;

/// What is to be done next.
pub fn next(study: &Study) -> Vec<SweepAction> {
    let told = |action| match action {
        Action::Start { number, settings, resource } => SweepAction::Start { number, settings, resource },
        Action::Continue { number, resource } => SweepAction::Continue { number, resource },
        Action::Stop { number, reason } => SweepAction::Stop { number, reason },
        Action::Wait(_) => SweepAction::Wait,
        Action::Over(ending) => SweepAction::Over { reason: ending.in_words(study) },
    };
    sweep::next(study).into_iter().map(told).collect()
}

/// How much each dimension mattered.
pub fn importance(study: &Study, objective_idx: usize) -> Vec<DimensionShare> {
    let told = |found: sweep::Importance| DimensionShare {
        dimension: found.dimension,
        share: found.share,
        standard_error: found.standard_error,
    };
    sweep::importance(study, objective_idx).into_iter().map(told).collect()
}
