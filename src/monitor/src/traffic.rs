//! Requests to try an endpoint with: rows like those of training, and some that are wrong on purpose.

use numeric::Stream;
use registry::{Cell, ColumnReference, Field, Header, Shape, datatype};
use schema::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// A number is sent as text.
    WrongType,
    /// A column is left out.
    MissingColumn,
    /// A category is sent that training did not see.
    UnknownCategory,
    /// The body is cut off.
    InvalidJson,
    /// The host answers late.
    Late,
    /// The model itself fails: the answer is a 500.
    Panic,
}

/// The header by which a request asks a host to do wrong; hosts that are not there to be tried out pass over it.
pub const FAULT_HEADER: &str = "x-millrace-fault";

/// How long a host is asked to wait, in milliseconds, by what [`FAULT_HEADER`] says.
pub fn delay_ms(asked: &str) -> Option<u64> {
    let ms = asked.strip_prefix("delay=")?.parse().ok()?;
    (ms < 10_000).then_some(ms)
}

impl Fault {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::WrongType, Self::MissingColumn, Self::UnknownCategory, Self::InvalidJson, Self::Late, Self::Panic];

    /// What it does, in words.
    pub fn label(self) -> &'static str {
        match self {
            Self::WrongType => "Text where a number belongs",
            Self::MissingColumn => "A column left out",
            Self::UnknownCategory => "A category never seen",
            Self::InvalidJson => "A body cut off",
            Self::Late => "Answered 250 ms late",
            Self::Panic => "The model fails, 500",
        }
    }

    /// What it asks of the host, as [`FAULT_HEADER`] says it; none of what is wrong with the request itself.
    pub fn asked_of_host(self) -> Option<&'static str> {
        match self {
            Self::Late => Some("delay=250"),
            Self::Panic => Some("panic"),
            Self::WrongType | Self::MissingColumn | Self::UnknownCategory | Self::InvalidJson => None,
        }
    }
}

/// A request that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// One row, as JSON.
    pub body: String,
    /// The value of [`FAULT_HEADER`], if it is to have one.
    pub fault: Option<&'static str>,
}

/// Requests, one after another.
#[derive(Clone, Debug)]
pub struct Traffic {
    columns: Vec<(Field, Option<ColumnReference>)>,
    faults: Vec<(Fault, f64)>,
    shift: f64,
    stream: Stream,
}

impl Traffic {
    /// Of rows like those that a model was trained on. `faults` are shares of requests from 0 to 1; `shift` is by how many
    /// standard deviations numbers lie higher than in training.
    pub fn new(header: &Header, faults: Vec<(Fault, f64)>, shift: f64, seed: u64) -> Self {
        let reference = |field: &Field| header.reference.inputs.iter().find(|found| found.name == field.name).cloned();
        let columns = header.signature.inputs.iter().map(|field| (field.clone(), reference(field)));
        Self { columns: columns.collect(), faults, shift, stream: Stream::new(seed) }
    }

    /// The next request, of one row.
    pub fn next_request(&mut self) -> Sending {
        let mut place = self.stream.uniform();
        let mut fault = None;
        for (kind, share) in &self.faults {
            if place < *share {
                fault = Some(*kind);
                break;
            }
            place -= share;
        }
        let inputs: Vec<Json> = (0..self.columns.len()).filter_map(|at| self.input(at, fault)).collect();
        let body = json!({ "inputs": inputs }).to_string();
        let body = match fault {
            Some(Fault::InvalidJson) => body.chars().take(body.len() / 2).collect(),
            Some(Fault::WrongType | Fault::MissingColumn | Fault::UnknownCategory | Fault::Late | Fault::Panic)
            | None => body,
        };
        Sending { body, fault: fault.and_then(Fault::asked_of_host) }
    }

    /// The first column that a fault can be about has it.
    fn input(&mut self, at: usize, fault: Option<Fault>) -> Option<Json> {
        let value = self.value(at);
        let first = |is: fn(Kind) -> bool| self.columns.iter().position(|(field, _)| is(field.kind)) == Some(at);
        let value = match fault {
            Some(Fault::MissingColumn) if at == 0 => return None,
            Some(Fault::WrongType) if first(Kind::is_numeric) => json!("n/a"),
            Some(Fault::UnknownCategory) if first(|kind| kind == Kind::Category) => json!("never seen before"),
            Some(
                Fault::WrongType
                | Fault::MissingColumn
                | Fault::UnknownCategory
                | Fault::InvalidJson
                | Fault::Late
                | Fault::Panic,
            )
            | None => value,
        };
        let field = &self.columns[at].0;
        Some(json!({ "name": field.name, "shape": [1], "datatype": datatype(field.kind), "data": [value] }))
    }

    fn value(&mut self, at: usize) -> Json {
        let (field, reference) = &self.columns[at];
        let Some(reference) = reference else { return json!(field.example) };
        let n_values: u64 = match &reference.shape {
            Shape::Numbers { counts, .. } => counts.iter().sum(),
            Shape::Categories { counts, .. } => counts.iter().sum(),
        };
        if n_values == 0 {
            return json!(field.example);
        }
        let mut place = self.stream.below(n_values + reference.n_missing);
        if place >= n_values {
            return if field.nullable { Json::Null } else { json!(field.example) };
        }
        match &reference.shape {
            Shape::Numbers { std, sample, .. } => {
                let Some(drawn) = sample.get(self.stream.below(sample.len().max(1) as u64) as usize) else {
                    return json!(field.example);
                };
                let x = drawn + self.shift * std;
                if field.kind == Kind::Number { json!(x) } else { json!(x.round() as i64) }
            }
            Shape::Categories { names, counts, .. } => {
                let drawn = names.iter().zip(counts).find(|(_, count)| {
                    let is_here = place < **count;
                    place = place.saturating_sub(**count);
                    is_here
                });
                match (drawn, field.kind, &field.example) {
                    (None, ..) => json!(field.example),
                    (Some((name, _)), Kind::Boolean, _) => json!(name == "true"),
                    // Whole numbers may serve as categories.
                    (Some((name, _)), _, Cell::Integer(_)) => name.parse::<i64>().map_or(json!(name), |n| json!(n)),
                    (Some((name, _)), ..) => json!(name),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use registry::{Card, Predicts, Reference, Signature};

    use super::*;

    fn header() -> Header {
        let ages: Vec<Option<f64>> = (0..100).map(|age| Some(f64::from(age))).collect();
        let plans: Vec<Option<&str>> = (0..100).map(|at| Some(if at < 75 { "basic" } else { "gold" })).collect();
        let field = |name: &str, kind, example| Field {
            name: name.into(),
            kind,
            nullable: false,
            categories: Vec::new(),
            range: None,
            example,
        };
        Header {
            signature: Signature {
                inputs: vec![
                    field("age", Kind::Integer, Cell::Integer(40)),
                    field("plan", Kind::Category, Cell::Text("basic".into())),
                ],
                predicts: Predicts::Number { name: "y".into() },
            },
            reference: Reference {
                n_rows: 100,
                inputs: vec![
                    ColumnReference::of_numbers("age", &ages),
                    ColumnReference::of_categories("plan", plans, 100),
                ],
                prediction: None,
            },
            card: Card::default(),
        }
    }

    fn bodies(faults: Vec<(Fault, f64)>, shift: f64) -> Vec<String> {
        let mut traffic = Traffic::new(&header(), faults, shift, 7);
        (0..4_000).map(|_| traffic.next_request().body).collect()
    }

    fn values(bodies: &[String], column: usize) -> Vec<Json> {
        let body = |body: &String| serde_json::from_str::<Json>(body).expect("it is whole");
        bodies.iter().map(|text| body(text)["inputs"][column]["data"][0].clone()).collect()
    }

    #[test]
    fn rows_are_like_those_of_training() {
        let bodies = bodies(Vec::new(), 0.0);
        let ages: Vec<i64> = values(&bodies, 0).iter().filter_map(Json::as_i64).collect();
        assert_eq!(ages.len(), 4_000);
        let mean = ages.iter().sum::<i64>() as f64 / 4_000.0;
        assert!((mean - 49.5).abs() < 2.0, "{mean}");
        let n_gold = values(&bodies, 1).iter().filter(|plan| *plan == "gold").count();
        assert!(n_gold.abs_diff(1_000) < 100, "{n_gold}");
    }

    #[test]
    fn shifted_rows_lie_higher_by_standard_deviations() {
        let mean = |shift| {
            let ages: Vec<i64> = values(&bodies(Vec::new(), shift), 0).iter().filter_map(Json::as_i64).collect();
            ages.iter().sum::<i64>() as f64 / ages.len() as f64
        };
        let moved = mean(1.0) - mean(0.0);
        assert!((moved - 29.0).abs() < 0.6, "{moved}");
    }

    #[test]
    fn faults_have_their_shares_and_break_what_they_say() {
        let bodies =
            bodies(vec![(Fault::WrongType, 0.1), (Fault::MissingColumn, 0.05), (Fault::InvalidJson, 0.02)], 0.0);
        let whole: Vec<Json> = bodies.iter().filter_map(|body| serde_json::from_str(body).ok()).collect();
        let n_wrong = whole.iter().filter(|body| body["inputs"][0]["data"][0] == "n/a").count();
        let n_missing = whole.iter().filter(|body| body["inputs"].as_array().map(Vec::len) == Some(1)).count();
        assert!((4_000 - whole.len()).abs_diff(80) < 30, "{}", whole.len());
        assert!(n_wrong.abs_diff(400) < 60, "{n_wrong}");
        assert!(n_missing.abs_diff(200) < 45, "{n_missing}");
    }

    #[test]
    fn what_a_host_is_to_do_wrong_is_asked_of_it_in_its_share() {
        let mut traffic = Traffic::new(&header(), vec![(Fault::Late, 0.2), (Fault::Panic, 0.05)], 0.0, 7);
        let asked: Vec<Sending> = (0..4_000).map(|_| traffic.next_request()).collect();
        assert!(asked.iter().all(|sending| serde_json::from_str::<Json>(&sending.body).is_ok()));
        let n = |fault: Option<&str>| asked.iter().filter(|sending| sending.fault == fault).count();
        assert!(n(Some("delay=250")).abs_diff(800) < 80, "{}", n(Some("delay=250")));
        assert!(n(Some("panic")).abs_diff(200) < 45, "{}", n(Some("panic")));
        assert_eq!(n(None) + n(Some("delay=250")) + n(Some("panic")), 4_000);
    }
}
