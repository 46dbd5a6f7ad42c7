//! A small table typed in by hand.

use engine::{Component, Flow, FlowError, Job, Out, Param, Running};
use pipeline::{Family, Spec};
use protocol::{Failure, Panel};
use table::{Options, Read, ReadError, Table, read_bytes};

const TABLE: Out<Table> = Out::new("table");
const DATA: Param<String> = Param::grid("data", "hours,passed\n1,no\n2,no\n3,no\n4,yes\n5,no\n6,yes\n7,yes\n8,yes\n")
    .label("Data")
    .help("The first row has the names of the columns. An empty cell is a missing value.");

/// Enter Data.
pub struct EnterData;

impl Component for EnterData {
    fn spec(&self) -> Spec {
        Spec::new("data.enter-data", 1, Family::Data, "Enter Data")
            .with_summary("A small table typed or pasted in by hand.")
            .with_help(
                "Type into the grid, or paste cells from a spreadsheet. The first row names the columns; the kind of \
                 each is detected from its values.\n\n\
                 The data is part of the pipeline and travels with its link: keep it small, and enter nothing that \
                 whoever gets the link must not see.",
            )
            .with_keywords("manual type paste keyboard table inline")
            .with_icon("keyboard")
            .with_caption("Typed in")
            .with_output(TABLE)
            .with_param(DATA)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let text = flow.param(DATA).unwrap_or_default();
        let read = read(&text).map_err(|error| FlowError {
            place: DATA.name().into(),
            message: message(&error),
            help: error.help(),
        })?;
        flow.output(TABLE, read.table.schema().clone());
        Ok(())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let text = job.param(DATA)?;
            let read = read(&text).map_err(|error| Failure::new(message(&error), error.help()))?;
            if read.report.n_rejected > 0 || !read.report.notes.is_empty() {
                let rejected =
                    read.report.rejected.iter().map(|row| vec![format!("Line {}", row.line), row.reason.clone()]);
                let notes = read.report.notes.iter().map(|note| vec!["Note".into(), note.clone()]);
                job.panel(Panel::Facts {
                    title: "What to know".into(),
                    heads: vec!["Where".into(), "What".into()],
                    rows: rejected.chain(notes).collect(),
                });
            }
            job.output(TABLE, read.table);
            Ok(())
        })
    }
}

fn read(text: &str) -> Result<Read, ReadError> {
    let options = Options { delimiter: Some(b','), header: Some(true), ..Options::default() };
    read_bytes("entered.csv", text.as_bytes(), options)
}

fn message(error: &ReadError) -> String {
    match error {
        ReadError::Empty => "nothing is entered".into(),
        other => other.to_string(),
    }
}
