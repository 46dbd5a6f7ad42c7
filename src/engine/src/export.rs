//! Results as files.

use protocol::{ExportFormat, Failure};
use serde::Serialize;

use crate::Artifact;

/// A table as CSV, anything else as JSON.
///
/// # Errors
/// The result does not leave in this format.
pub fn export(artifact: &Artifact, format: ExportFormat) -> Result<Vec<u8>, Failure> {
    learn::block_on(export_in_turns(artifact, format))
}

/// As `export`, in short turns: whoever drives the future may do something else between two.
///
/// # Errors
/// As `export`.
pub async fn export_in_turns(artifact: &Artifact, format: ExportFormat) -> Result<Vec<u8>, Failure> {
    match (artifact, format) {
        (Artifact::Table(table), ExportFormat::Csv) => {
            let mut bytes = Vec::new();
            table::csv::write_in_turns(table, &mut |piece| bytes.extend_from_slice(piece)).await;
            Ok(bytes)
        }
        (Artifact::Table(_), ExportFormat::Json) => {
            Err(Failure::new("a table does not leave as JSON", "Save it as CSV."))
        }
        (_, ExportFormat::Csv) => Err(Failure::new("only tables leave as CSV", "Save it as JSON.")),
        (Artifact::Model(model), ExportFormat::Json) => json(model),
        (Artifact::Clustering(clustering), ExportFormat::Json) => json(clustering),
        (Artifact::Transformation(transform), ExportFormat::Json) => json(transform),
        (Artifact::Evaluation(evaluation), ExportFormat::Json) => json(evaluation),
        (Artifact::Learner(_) | Artifact::Clusterer(_), ExportFormat::Json) => {
            Err(Failure::new("an untrained learner has nothing to save", "Save the trained model instead."))
        }
    }
}

fn json(content: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec_pretty(content)
        .map_err(|error| Failure::new(format!("the result does not turn into JSON: {error}"), "Please report it."))
}
