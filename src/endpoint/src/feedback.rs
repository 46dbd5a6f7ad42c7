//! What turned out to be true about rows that were predicted, sent later: `{"id": …, "label": …}`.

use model::Prediction;
use monitor::{MinuteKey, Performance, PerformanceRecord, Served};
use registry::{Hash, Predicts};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::json::{brief_text, parse};
use crate::{Handled, Refusal};

/// Predictions of larger requests are not remembered.
const MAX_ROWS: usize = 1_000;

/// What a host remembers of a request until the truth about it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    /// When it was answered, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who answered.
    pub served: Served,
    /// The package behind it.
    pub package: Hash,
    /// The numbers that were predicted, or the places of the classes in the signature.
    pub values: Vec<f64>,
}

impl Remembered {
    /// What is to be remembered of a request; nothing of one that was refused, of a copy, or of very many rows.
    pub fn of(handled: &Handled) -> Option<Self> {
        let (scored, package) = (handled.scored.as_ref()?, handled.package.as_ref()?);
        let values = match &scored.prediction {
            Prediction::Numbers(values) => values.clone(),
            Prediction::Probabilities { .. } => scored.classes.iter().map(|class| f64::from(*class)).collect(),
        };
        let (at_ms, served) = (handled.seen.at_ms, handled.seen.served.clone());
        let is_wanted = values.len() <= MAX_ROWS && !served.is_mirror;
        is_wanted.then(|| Self { at_ms, served, package: package.clone(), values })
    }
}

/// What turned out to be true about a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Feedback {
    /// The request's `x-request-id`.
    pub id: String,
    /// One for each of its rows; null where it is still not known.
    pub labels: Vec<Json>,
}

impl Feedback {
    /// Reads a body.
    ///
    /// # Errors
    /// It is something else.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        let mut json = parse(body)?;
        let id = json["id"].as_str().map(str::to_owned);
        let labels = match (json["label"].take(), json["labels"].take()) {
            (Json::Null, Json::Array(labels)) => labels,
            (Json::Null | Json::Array(_) | Json::Object(_), _) => Vec::new(),
            (label, _) => vec![label],
        };
        match id {
            Some(id) if !labels.is_empty() => Ok(Self { id, labels }),
            _ => Err(Refusal::invalid(
                "expected {\"id\": the request's x-request-id, \"label\": what is true}, or \"labels\" of all its rows",
            )),
        }
    }

    /// How good the predictions were.
    ///
    /// # Errors
    /// Labels that are not as many as the rows, or no values of what is predicted.
    pub fn judge(&self, remembered: &Remembered, predicts: &Predicts) -> Result<PerformanceRecord, Refusal> {
        let (n_labels, n_rows) = (self.labels.len(), remembered.values.len());
        if n_labels != n_rows {
            return Err(bad(format!("there are {n_labels} labels, and the request had {n_rows} rows")));
        }
        let mut counts = Performance::default();
        for (label, predicted) in self.labels.iter().zip(&remembered.values).filter(|(label, _)| !label.is_null()) {
            counts.merge(&match predicts {
                Predicts::Number { name } => {
                    let number = label.as_f64().ok_or_else(|| wrong(name, "a number", label))?;
                    Performance::of_number(predicted - number)
                }
                Predicts::Class { name, classes, .. } => {
                    let text = label.as_str().map_or_else(|| label.to_string(), str::to_owned);
                    let class = classes.iter().position(|class| *class == text);
                    // A class that the model does not know is one that it did not predict.
                    let is_class = class.is_some() || !(label.is_array() || label.is_object());
                    if !is_class {
                        return Err(wrong(name, "a class", label));
                    }
                    Performance::of_class(class.is_some_and(|class| class as f64 == *predicted))
                }
            });
        }
        let key = MinuteKey { minute: remembered.at_ms / 60_000, served: remembered.served.clone() };
        Ok(PerformanceRecord { key, counts })
    }
}

fn bad(message: String) -> Refusal {
    Refusal::uncounted("feedback.mismatch", 400, message)
}

fn wrong(name: &str, expected: &str, found: &Json) -> Refusal {
    bad(format!("a label of {name:?} is {}, expected {expected}", brief_text(&found.to_string())))
}

#[cfg(test)]
mod tests {
    use schema::Kind;

    use super::*;

    fn remembered(values: &[f64]) -> Remembered {
        let package = Hash::of(b"a");
        Remembered { at_ms: 120_000, served: Served::default(), package, values: values.to_vec() }
    }

    fn judged(body: &str, values: &[f64], predicts: &Predicts) -> Result<Vec<(&'static str, f64)>, String> {
        let record = Feedback::read(body.as_bytes()).and_then(|feedback| feedback.judge(&remembered(values), predicts));
        record.map(|record| record.counts.figures()).map_err(|refusal| refusal.message)
    }

    #[test]
    fn classes_are_right_or_wrong() {
        let classes = vec!["1".into(), "2".into()];
        let predicts = Predicts::Class { name: "y".into(), kind: Kind::Integer, classes };
        assert_eq!(judged(r#"{"id":"a","label":2}"#, &[1.0], &predicts), Ok(vec![("accuracy", 1.0)]));
        assert_eq!(judged(r#"{"id":"a","label":"2"}"#, &[0.0], &predicts), Ok(vec![("accuracy", 0.0)]));
        let several = judged(r#"{"id":"a","labels":[1,null,3]}"#, &[0.0, 0.0, 1.0], &predicts);
        assert_eq!(several, Ok(vec![("accuracy", 0.5)]));
    }

    #[test]
    fn numbers_are_off_by_so_much() {
        let predicts = Predicts::Number { name: "y".into() };
        let found = judged(r#"{"id":"a","labels":[1.5,4]}"#, &[2.0, 3.5], &predicts);
        assert_eq!(found, Ok(vec![("mean_absolute_error", 0.5), ("root_mean_squared_error", 0.5)]));
        let error = judged(r#"{"id":"a","label":"many"}"#, &[2.0], &predicts);
        assert_eq!(error, Err("a label of \"y\" is \"\\\"many\\\"\", expected a number".into()));
        let error = judged(r#"{"id":"a","label":1}"#, &[2.0, 3.0], &predicts);
        assert_eq!(error, Err("there are 1 labels, and the request had 2 rows".into()));
        assert!(judged(r#"{"id":"a"}"#, &[2.0], &predicts).is_err_and(|why| why.starts_with("expected {\"id\"")));
    }
}
