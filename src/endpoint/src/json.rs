//! JSON as clients send it.

use registry::Cell;
use serde_json::Value as Json;

use crate::Refusal;

/// A body as JSON. Python's clients write `NaN` and `Infinity`, which JSON does not know: `NaN` is read as a missing value
/// and an infinite number as its name, which no column of numbers takes.
///
/// # Errors
/// Bytes that are no JSON, with the place.
pub(crate) fn parse(body: &[u8]) -> Result<Json, Refusal> {
    serde_json::from_slice(body).or_else(|error| {
        let Some(lenient) = without_bare_names(body) else { return Err(refusal(&error)) };
        serde_json::from_slice(&lenient).map_err(|_| refusal(&error))
    })
}

fn refusal(error: &serde_json::Error) -> Refusal {
    let (line, column) = (error.line(), error.column());
    let why = error.to_string();
    let why = why.split(" at line ").next().unwrap_or_default();
    if line == 0 || column == 0 {
        return Refusal::invalid(format!("the body is no JSON: {why}"));
    }
    Refusal::invalid(format!("the body is no JSON: line {line}, column {column}: {why}"))
}

/// The body with `NaN` and `Infinity` outside of texts replaced; none if there is no such thing.
fn without_bare_names(body: &[u8]) -> Option<Vec<u8>> {
    const NAMES: [(&[u8], &[u8]); 3] =
        [(b"-Infinity", b"\"-Infinity\""), (b"Infinity", b"\"Infinity\""), (b"NaN", b"null")];
    let mut written = Vec::with_capacity(body.len() + 16);
    let (mut at, mut is_text, mut is_changed) = (0, false, false);
    while at < body.len() {
        let rest = &body[at..];
        if !is_text && let Some((name, json)) = NAMES.iter().find(|(name, _)| rest.starts_with(name)) {
            written.extend_from_slice(json);
            at += name.len();
            is_changed = true;
            continue;
        }
        let n_taken = if is_text && rest[0] == b'\\' { rest.len().min(2) } else { 1 };
        is_text ^= rest[0] == b'"';
        written.extend_from_slice(&rest[..n_taken]);
        at += n_taken;
    }
    is_changed.then_some(written)
}

/// A value of a row.
pub(crate) fn cell(json: Json) -> Result<Cell, Json> {
    match json {
        Json::Null => Ok(Cell::Missing),
        Json::Bool(truth) => Ok(Cell::Boolean(truth)),
        Json::String(text) => Ok(Cell::Text(text)),
        Json::Number(number) => Ok(match number.as_i64() {
            Some(whole) => Cell::Integer(whole),
            None => number.as_f64().map_or(Cell::Missing, Cell::Number),
        }),
        other => Err(other),
    }
}

/// What stands there, short enough for a message.
pub(crate) fn in_brief(json: &Json) -> String {
    match json {
        Json::Array(_) => "a list".into(),
        Json::Object(_) => "an object".into(),
        Json::String(text) => brief_text(text),
        other => other.to_string(),
    }
}

/// A text in quotes, cut where it is long.
pub(crate) fn brief_text(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_nan_is_a_missing_value_but_not_within_a_text() {
        let json = parse(br#"{"a": [NaN, 1, -Infinity], "b\"": "NaN \" NaN"}"#).expect("it is read");
        assert_eq!(json.to_string(), r#"{"a":[null,1,"-Infinity"],"b\"":"NaN \" NaN"}"#);
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        let error = parse(b"{\"a\": [1,\n 2,,]}").expect_err("two commas");
        assert_eq!(error.message, "the body is no JSON: line 2, column 4: expected value");
        assert!(parse(b"").is_err());
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).expect_err("too deep").message.contains("recursion limit"));
    }

    #[test]
    fn whole_numbers_keep_every_digit() {
        let json = parse(b"[9007199254740993, 9223372036854775808]").expect("it is read");
        let Json::Array(items) = json else { panic!("a list") };
        let cells: Vec<Cell> = items.into_iter().map(|item| cell(item).expect("a value")).collect();
        assert_eq!(cells, [Cell::Integer(9_007_199_254_740_993), Cell::Number(9_223_372_036_854_775_808.0)]);
    }
}
