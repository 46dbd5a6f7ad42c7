//! Where tables come from.

pub mod enter_data;
pub mod generate_data;
pub mod import_file;
pub mod sample_datasets;

use model::NewValues;

pub use import_file::first_columns;

/// A category column of these names, its dictionary in ascending order.
fn categories<'a>(names: impl Iterator<Item = &'a str> + Clone) -> NewValues {
    let distinct: std::collections::BTreeSet<&str> = names.clone().collect();
    let dictionary: Vec<String> = distinct.iter().map(|&name| name.to_owned()).collect();
    let codes = names.map(|name| distinct.iter().position(|known| *known == name).unwrap_or_default() as i32).collect();
    NewValues::Category { codes, dictionary }
}
