//! Marks what is answered to a request.

use engine::{Component, Flow, FlowError, In, Job, NodeParams, Out, Running, Scoring};
use pipeline::{Family, Spec};
use table::Table;

const TABLE: In<Table> = In::new("table");
const PASSED: Out<Table> = Out::new("table");

/// Web Service Output.
pub struct WebServiceOutput;

impl Component for WebServiceOutput {
    fn spec(&self) -> Spec {
        Spec::new("score.web-service-output", 1, Family::Score, "Web Service Output")
            .with_summary("Marks the scored rows whose model answers once the pipeline is deployed.")
            .with_help(
                "In a run the table passes as it is. Connect the rows that Score Model scored: when the pipeline is \
                 deployed, the model that scored them answers requests, and rows go the way that those rows went.\n\n\
                 It is needed only where a pipeline trains several models, to say which one serves.",
            )
            .with_keywords("endpoint deploy serve answer response api")
            .with_icon("send")
            .with_caption("Answers requests")
            .with_input(TABLE)
            .with_output(PASSED)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        if let Some(schema) = flow.input(TABLE).cloned() {
            flow.output(PASSED, schema);
        }
        Ok(())
    }

    fn scoring(&self, _: NodeParams<'_>) -> Scoring {
        Scoring::Passes { table: TABLE.name(), why: "marks what is answered" }
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let table = job.input(TABLE)?;
            job.output(PASSED, table);
            Ok(())
        })
    }
}
