//! What changes tables.

pub mod apply_transformation;
pub mod clean_missing_data;
pub mod convert_to_indicator_values;
pub mod edit_metadata;
pub mod normalize_data;
pub mod principal_component_analysis;
pub mod select_columns;
pub mod t_sne;
