//! Events in and answers out as JSON, for whoever asks from another thread.

use serde::{Deserialize, Serialize};

use super::{Answer, Chart, QueryError, Tables, query};
use crate::{ExceptionEvent, RequestEvent};

/// What a query came to, as it travels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Rows.
    Rows(Rows),
    /// It cannot be carried out.
    Error(QueryError),
}

/// The first rows of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// Names of the columns, and what their values are, in Kusto's words.
    pub columns: Vec<(String, String)>,
    /// Row by row. Moments and lengths of time are in milliseconds.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// How many rows there are in all.
    pub n_rows: usize,
    /// How they are to be shown, if `render` says so.
    pub chart: Option<Chart>,
}

impl Tables {
    /// Adds events, as the hosts tell them.
    ///
    /// # Errors
    /// What does not decode, in words; nothing is added then.
    pub fn push_json(&mut self, requests: &str, exceptions: &str) -> Result<(), String> {
        let requests: Vec<RequestEvent> = serde_json::from_str(requests).map_err(|error| error.to_string())?;
        let exceptions: Vec<ExceptionEvent> = serde_json::from_str(exceptions).map_err(|error| error.to_string())?;
        requests.iter().for_each(|event| self.push_request(event));
        exceptions.iter().for_each(|event| self.push_exception(event));
        Ok(())
    }

    /// Carries out a query and tells at most so many rows.
    pub fn tell(&self, text: &str, now_ms: u64, max_rows: usize) -> Told {
        match query(text, self, now_ms) {
            Ok(answer) => Told::Rows(rows(&answer, max_rows)),
            Err(error) => Told::Error(error),
        }
    }

    /// The same as JSON.
    pub fn tell_json(&self, text: &str, now_ms: u64, max_rows: usize) -> String {
        serde_json::to_string(&self.tell(text, now_ms, max_rows)).expect("plain data with text as keys")
    }
}

fn rows(Answer { table, chart }: &Answer, max_rows: usize) -> Rows {
    let row = |at: usize| table.columns.iter().map(|column| serde_json::json!(column.cell(at))).collect();
    Rows {
        columns: table.columns.iter().map(|column| (column.name.clone(), column.kind.label().to_owned())).collect(),
        rows: (0..table.n_rows.min(max_rows)).map(row).collect(),
        n_rows: table.n_rows,
        chart: *chart,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Tables {
        let requests = r#"[
            {"at_ms":60000,"id":"a","served":{"endpoint":"churn","deployment":"blue","version":1},"status":200,"seconds":0.002,"n_rows":1},
            {"at_ms":61000,"id":"b","served":{"endpoint":"churn","deployment":"blue","version":1},"status":400,"seconds":0.001,"n_rows":0}
        ]"#;
        let mut tables = Tables::default();
        tables.push_json(requests, "[]").expect("they decode");
        tables
    }

    #[test]
    fn answers_travel_and_come_back() {
        let told = tables().tell("requests | summarize count() by success | render barchart", 0, 1);
        let text = serde_json::to_string(&told).expect("plain data");
        assert_eq!(serde_json::from_str::<Told>(&text).expect("our own"), told);
        let Told::Rows(rows) = told else { panic!("{text}") };
        assert_eq!((rows.rows.len(), rows.n_rows), (1, 2));
        assert_eq!(rows.columns, [("success".to_owned(), "bool".to_owned()), ("count_".to_owned(), "long".to_owned())]);
    }

    #[test]
    fn an_error_keeps_its_place() {
        let Told::Error(error) = tables().tell("requests | wher x", 0, 10) else { panic!("it is wrong") };
        assert_eq!(error.at, 11);
    }

    #[test]
    fn what_does_not_decode_adds_nothing() {
        let mut tables = tables();
        assert!(tables.push_json("[{}]", "[]").is_err());
        let Told::Rows(rows) = tables.tell("requests | count", 0, 10) else { panic!("it is right") };
        assert_eq!(rows.rows, [[serde_json::json!(2)]]);
    }
}
