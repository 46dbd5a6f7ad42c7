//! Marks where the rows of a request enter.

use engine::{Component, Flow, FlowError, In, Job, Out, Running};
use pipeline::{Family, Spec};
use table::Table;

const TABLE: In<Table> = In::new("table");
const PASSED: Out<Table> = Out::new("table");

/// Web Service Input.
pub struct WebServiceInput;

impl Component for WebServiceInput {
    fn spec(&self) -> Spec {
        Spec::new("score.web-service-input", 1, Family::Score, "Web Service Input")
            .with_summary("Marks where the rows of a request enter once the model is deployed.")
            .with_help(
                "In a run the table passes as it is. When a model that was trained behind this node is deployed, a \
                 request brings rows as they pass here: with these columns, of these kinds. What stands between here \
                 and the model, such as Clean Missing Data or Normalize Data, is applied to them as it was fitted in \
                 training; Split Data lets them pass.\n\n\
                 Without this node rows enter as early as they can be carried to the model.",
            )
            .with_keywords("endpoint deploy serve request api schema")
            .with_icon("arrow-down")
            .with_caption("Requests enter here")
            .with_input(TABLE)
            .with_output(PASSED)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        if let Some(schema) = flow.input(TABLE).cloned() {
            flow.output(PASSED, schema);
        }
        Ok(())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let table = job.input(TABLE)?;
            job.output(PASSED, table);
            Ok(())
        })
    }
}
