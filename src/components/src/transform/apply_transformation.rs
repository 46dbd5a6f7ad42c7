//! Applies a transform fitted elsewhere, with the figures learned there.

use std::sync::Arc;

use engine::{Component, In, Job, NodeParams, Out, Running, Scoring};
use model::Transform;
use pipeline::{Family, Spec};
use table::Table;

use crate::failures;

const TRANSFORMATION: In<Arc<Transform>> = In::new("transformation");
const TABLE: In<Table> = In::new("table");
const TRANSFORMED: Out<Table> = Out::new("table");

/// Apply Transformation.
pub struct ApplyTransformation;

impl Component for ApplyTransformation {
    fn spec(&self) -> Spec {
        Spec::new("transform.apply-transformation", 1, Family::Prepare, "Apply Transformation")
            .with_summary("Does to new rows what was fitted on others.")
            .with_help(
                "Connect the `transformation` of Clean Missing Data, Normalize Data or Convert to Indicator Values, \
                 and the rows it should be applied to.\n\n\
                 Test rows must be treated with figures learned from the *training* rows: the mean that fills a gap, \
                 the deviation that rescales a column. Fitting again on the test rows would let them see themselves, \
                 and the score would be too good to be true.",
            )
            .with_keywords("fitted reuse test scoring transform")
            .with_icon("wand-sparkles")
            .with_caption("As fitted")
            .with_input(TRANSFORMATION)
            .with_input(TABLE)
            .with_output(TRANSFORMED)
    }

    fn scoring(&self, _: NodeParams<'_>) -> Scoring {
        Scoring::Given { table: TABLE.name(), transformation: TRANSFORMATION.name() }
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let transform = job.input(TRANSFORMATION)?;
            let table = job.input(TABLE)?;
            job.checkpoint(0.0, "").await?;
            let transformed =
                learn::transform::apply(&transform, &table).map_err(|error| failures::from_apply(&error))?;
            job.output(TRANSFORMED, transformed);
            Ok(())
        })
    }
}
