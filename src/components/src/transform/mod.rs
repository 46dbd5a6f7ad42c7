//! What changes tables.

pub mod apply_transformation;
pub mod clean_missing_data;
pub mod convert_to_indicator_values;
pub mod edit_metadata;
pub mod normalize_data;
pub mod select_columns;

use engine::Job;
use learn::preprocess::Fitted;
use protocol::Panel;

/// Tells what fitting had to say: columns that were passed over, and why.
fn tell(job: &mut Job<'_>, fitted: &Fitted) {
    if !fitted.notes.is_empty() {
        job.panel(Panel::Facts {
            title: "What to know".into(),
            heads: vec!["Note".into()],
            rows: fitted.notes.iter().map(|note| vec![note.clone()]).collect(),
        });
    }
}
