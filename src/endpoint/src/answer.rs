//! What goes out.

use monitor::Exception;
use serde_json::{Value as Json, json};

/// An answer, as the host writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// JSON.
    pub fn json(status: u16, body: &Json) -> Self {
        let headers = vec![("content-type", "application/json".into())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    /// Text of some type.
    pub fn text(content_type: &str, body: String) -> Self {
        Self { status: 200, headers: vec![("content-type", content_type.into())], body: body.into_bytes() }
    }

    /// The same with one more header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What does not fit a model's signature.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// What kind of mismatch.
    pub exception: Exception,
    /// The column.
    pub column: String,
    /// The first such row, counted from 1; none if it is not about a row.
    pub row: Option<usize>,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub got: String,
}

impl Mismatch {
    /// `column "age" row 3: expected number, got "forty"`.
    pub fn in_words(&self) -> String {
        let row = self.row.map_or(String::new(), |row| format!(" row {row}"));
        format!("column {:?}{row}: expected {}, got {}", self.column, self.expected, self.got)
    }

    fn json(&self) -> Json {
        let mut json = json!({
            "code": self.exception.code(), "column": self.column, "expected": self.expected, "got": self.got,
        });
        if let Some(row) = self.row {
            json["row"] = row.into();
        }
        json
    }
}

/// A request that is not answered with a prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// What is counted of it; none for an address that is no service's, which anyone may knock at.
    pub exception: Option<Exception>,
    /// The `code` of the answer: the exception's, if there is one.
    pub code: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// Found, expected and the way out.
    pub message: String,
    /// All that does not fit, the first 20.
    pub mismatches: Vec<Mismatch>,
    /// How many more there are.
    pub n_more: usize,
}

impl Refusal {
    /// With the status of its exception.
    pub fn new(exception: Exception, message: impl Into<String>) -> Self {
        Self { exception: Some(exception), ..Self::uncounted(exception.code(), exception.strict_status(), message) }
    }

    /// What no exception is counted of.
    pub fn uncounted(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self { exception: None, code, status, message: message.into(), mismatches: Vec::new(), n_more: 0 }
    }

    /// Rows that do not fit a signature.
    ///
    /// # Panics
    /// Without a mismatch.
    pub fn mismatched(mut mismatches: Vec<Mismatch>) -> Self {
        /// More are only counted.
        const SHOWN: usize = 20;
        let first = &mismatches[0];
        let mut refusal = Self::new(first.exception, format!("{}: {}", first.exception.code(), first.in_words()));
        if mismatches.len() > 1 {
            refusal.message.push_str(&format!(" (and {} more)", mismatches.len() - 1));
        }
        refusal.n_more = mismatches.len().saturating_sub(SHOWN);
        mismatches.truncate(SHOWN);
        refusal.mismatches = mismatches;
        refusal
    }

    /// A body that is not as the protocol says.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Exception::InvalidJson, message)
    }

    /// As an answer.
    pub fn answer(&self) -> Answer {
        let mut body = json!({ "error": self.message, "code": self.code });
        if !self.mismatches.is_empty() {
            body["details"] = self.mismatches.iter().map(Mismatch::json).collect();
        }
        if self.n_more > 0 {
            body["n_more"] = self.n_more.into();
        }
        let answer = Answer::json(self.status, &body);
        match self.status {
            401 => answer.with("www-authenticate", "Bearer"),
            429 | 503 => answer.with("retry-after", "1"),
            _ => answer,
        }
    }
}
