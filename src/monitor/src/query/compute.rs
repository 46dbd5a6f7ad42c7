//! Expressions over all rows at once.

use std::borrow::Cow;
use std::sync::Arc;

use super::QueryError;
use super::expression::{Binary, Expression, Node};
use super::parse::NOW;
use super::table::{CellKind, Column, Values};

/// Rows on their way through the steps: columns, and which of their rows are left.
#[derive(Clone)]
pub(super) struct Frame<'a> {
    pub columns: Vec<Cow<'a, Column>>,
    /// Rows of the columns, in order; none for all.
    pub rows: Option<Vec<u32>>,
    /// How many rows are left.
    pub n_rows: usize,
    /// The present, in milliseconds since 1970.
    pub now_ms: f64,
}

/// What an expression comes to, in every row.
#[derive(Clone)]
pub(super) struct Computed<'a> {
    pub kind: CellKind,
    pub data: Data<'a>,
}

#[derive(Clone)]
pub(super) enum Data<'a> {
    /// The same in every row.
    One(f64),
    Many(Cow<'a, [f64]>),
    OneText(&'a str),
    Texts {
        codes: Cow<'a, [u32]>,
        texts: &'a Arc<Vec<String>>,
    },
}

impl Data<'_> {
    pub fn number(&self, row: usize) -> f64 {
        match self {
            Self::One(x) => *x,
            Self::Many(numbers) => numbers[row],
            Self::OneText(_) | Self::Texts { .. } => f64::NAN,
        }
    }

    pub fn text(&self, row: usize) -> &str {
        match self {
            Self::OneText(text) => text,
            Self::Texts { codes, texts } => &texts[codes[row] as usize],
            Self::One(_) | Self::Many(_) => "",
        }
    }
}

impl Computed<'_> {
    /// As a column of these rows.
    pub fn column(&self, name: String, rows: impl Iterator<Item = usize>) -> Column {
        let values = match &self.data {
            Data::One(_) | Data::Many(_) => Values::Numbers(rows.map(|row| self.data.number(row)).collect()),
            Data::OneText(text) => {
                Values::Texts { codes: rows.map(|_| 0).collect(), texts: Arc::new(vec![(*text).to_owned()]) }
            }
            Data::Texts { codes, texts } => {
                Values::Texts { codes: rows.map(|row| codes[row]).collect(), texts: Arc::clone(texts) }
            }
        };
        Column { name, kind: self.kind, values }
    }
}

/// What an expression comes to.
pub(super) fn compute<'a>(expression: &'a Expression, frame: &'a Frame) -> Result<Computed<'a>, QueryError> {
    let computed = |kind, data| Ok(Computed { kind, data });
    match &expression.node {
        Node::Number(x, is_whole) => computed(if *is_whole { CellKind::Long } else { CellKind::Real }, Data::One(*x)),
        Node::Timespan(ms) => computed(CellKind::Timespan, Data::One(*ms)),
        Node::Moment(ms) => computed(CellKind::DateTime, Data::One(*ms)),
        Node::Bool(is) => computed(CellKind::Bool, Data::One(f64::from(u8::from(*is)))),
        Node::Text(text) => computed(CellKind::String, Data::OneText(text)),
        Node::Column(name) if name == NOW => computed(CellKind::DateTime, Data::One(frame.now_ms)),
        Node::Column(name) => column(expression.at, name, frame),
        Node::Not(of) => {
            let of = condition(of, frame)?;
            computed(CellKind::Bool, zip(&of.data, &Data::One(0.0), frame.n_rows, |x, _| 1.0 - x))
        }
        Node::Negative(of) => {
            let found = compute(of, frame)?;
            if !matches!(found.kind, CellKind::Long | CellKind::Real | CellKind::Timespan) {
                return mismatch(of.at, found.kind, "a number");
            }
            computed(found.kind, zip(&found.data, &Data::One(0.0), frame.n_rows, |x, _| -x))
        }
        Node::Binary(binary, left, right) => {
            let (l, r) = (compute(left, frame)?, compute(right, frame)?);
            binary_of(*binary, (left.at, &l), (right.at, &r), frame.n_rows)
        }
        Node::In(left, several) => {
            let l = compute(left, frame)?;
            let mut data = Data::One(0.0);
            for one in several {
                let r = compute(one, frame)?;
                let is = binary_of(Binary::Equal, (left.at, &l), (one.at, &r), frame.n_rows)?;
                data = zip(&data, &is.data, frame.n_rows, f64::max);
            }
            computed(CellKind::Bool, data)
        }
        Node::Bin(of, step) => {
            let (x, by) = (compute(of, frame)?, compute(step, frame)?);
            let expected = match x.kind {
                CellKind::DateTime | CellKind::Timespan => "a timespan, such as 1m",
                CellKind::Long | CellKind::Real => "a number",
                CellKind::Bool | CellKind::String => return mismatch(of.at, x.kind, "a datetime or a number"),
            };
            let is_timespan = by.kind == CellKind::Timespan;
            let is_number = matches!(by.kind, CellKind::Long | CellKind::Real);
            match by.data {
                Data::One(ms)
                    if ms > 0.0 && (is_timespan || is_number) && is_timespan == expected.contains("timespan") => {}
                _ => return mismatch(step.at, by.kind, format!("{expected}, above 0")),
            }
            computed(x.kind, zip(&x.data, &by.data, frame.n_rows, |x, step| (x / step).floor() * step))
        }
        Node::Aggregate(..) => Err(QueryError {
            at: expression.at,
            found: "a function of several rows".into(),
            expected: "it only after summarize".into(),
        }),
    }
}

/// What a condition comes to.
pub(super) fn condition<'a>(expression: &'a Expression, frame: &'a Frame) -> Result<Computed<'a>, QueryError> {
    let found = compute(expression, frame)?;
    if found.kind == CellKind::Bool {
        return Ok(found);
    }
    mismatch(expression.at, found.kind, "a condition, such as duration > 5")
}

fn column<'a>(at: usize, name: &str, frame: &'a Frame) -> Result<Computed<'a>, QueryError> {
    let Some(column) = frame.columns.iter().find(|column| column.name == name) else {
        let names: Vec<String> = frame.columns.iter().map(|column| column.name.clone()).collect();
        let expected = format!("a column: {}", schema::list(&names));
        return Err(QueryError { at, found: format!("`{name}`"), expected });
    };
    let data = match (&column.values, &frame.rows) {
        (Values::Numbers(numbers), None) => Data::Many(Cow::Borrowed(numbers)),
        (Values::Numbers(numbers), Some(rows)) => Data::Many(rows.iter().map(|row| numbers[*row as usize]).collect()),
        (Values::Texts { codes, texts }, None) => Data::Texts { codes: Cow::Borrowed(codes), texts },
        (Values::Texts { codes, texts }, Some(rows)) => {
            Data::Texts { codes: rows.iter().map(|row| codes[*row as usize]).collect(), texts }
        }
    };
    Ok(Computed { kind: column.kind, data })
}

pub(super) fn mismatch<T>(at: usize, found: CellKind, expected: impl Into<String>) -> Result<T, QueryError> {
    Err(QueryError { at, found: format!("a {}", found.label()), expected: expected.into() })
}

fn binary_of<'a>(
    binary: Binary,
    (at_left, l): (usize, &Computed),
    (at_right, r): (usize, &Computed),
    n_rows: usize,
) -> Result<Computed<'a>, QueryError> {
    use CellKind::{Bool, DateTime, Long, Real, String, Timespan};
    let is_number = |kind| matches!(kind, Long | Real);
    let numbers = |kind, f| Ok(Computed { kind, data: zip(&l.data, &r.data, n_rows, f) });
    let truth = |f| numbers(Bool, f);
    let are_alike = l.kind == r.kind || is_number(l.kind) && is_number(r.kind);
    match binary {
        Binary::And | Binary::Or => {
            for (at, kind) in [(at_left, l.kind), (at_right, r.kind)] {
                if kind != Bool {
                    return mismatch(at, kind, format!("a condition beside `{}`", binary.sign()));
                }
            }
            if binary == Binary::And { truth(f64::min) } else { truth(f64::max) }
        }
        _ if l.kind == String && !are_alike => mismatch(at_right, r.kind, "a text in quotation marks"),
        Binary::Equal | Binary::NotEqual if l.kind == String => {
            let is_equal = binary == Binary::Equal;
            let same: fn(&str, &str) -> bool = if is_equal { |l, r| l == r } else { |l, r| l != r };
            Ok(texts(l, r, n_rows, same))
        }
        Binary::Like | Binary::NotLike | Binary::Contains | Binary::StartsWith | Binary::EndsWith => {
            if l.kind != String {
                return mismatch(at_left, l.kind, format!("a text before `{}`", binary.sign()));
            }
            let fits: fn(&str, &str) -> bool = match binary {
                Binary::Like => |l, r| l.to_lowercase() == r.to_lowercase(),
                Binary::NotLike => |l, r| l.to_lowercase() != r.to_lowercase(),
                Binary::StartsWith => |l, r| l.to_lowercase().starts_with(&r.to_lowercase()),
                Binary::EndsWith => |l, r| l.to_lowercase().ends_with(&r.to_lowercase()),
                _ => |l, r| l.to_lowercase().contains(&r.to_lowercase()),
            };
            Ok(texts(l, r, n_rows, fits))
        }
        _ if l.kind == String => {
            mismatch(at_left, l.kind, format!("a number or a datetime before `{}`: texts have no order", binary.sign()))
        }
        Binary::Equal if are_alike => truth(|l, r| f64::from(u8::from(l == r))),
        Binary::NotEqual if are_alike => truth(|l, r| f64::from(u8::from(l != r))),
        Binary::Less if are_alike => truth(|l, r| f64::from(u8::from(l < r))),
        Binary::LessOrEqual if are_alike => truth(|l, r| f64::from(u8::from(l <= r))),
        Binary::Greater if are_alike => truth(|l, r| f64::from(u8::from(l > r))),
        Binary::GreaterOrEqual if are_alike => truth(|l, r| f64::from(u8::from(l >= r))),
        Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Modulo => {
            let kind = match (binary, l.kind, r.kind) {
                (_, Long, Long) => Long,
                (_, Long | Real, Long | Real) => Real,
                (Binary::Subtract, DateTime, DateTime) => Timespan,
                (Binary::Add | Binary::Subtract, DateTime | Timespan, Timespan) => l.kind,
                (Binary::Multiply | Binary::Divide, Timespan, Long | Real) => Timespan,
                (Binary::Divide, Timespan, Timespan) => Real,
                _ => {
                    return mismatch(
                        at_right,
                        r.kind,
                        format!("what `{}` takes after a {}", binary.sign(), l.kind.label()),
                    );
                }
            };
            match binary {
                Binary::Add => numbers(kind, |l, r| l + r),
                Binary::Subtract => numbers(kind, |l, r| l - r),
                Binary::Multiply => numbers(kind, |l, r| l * r),
                // As in Kusto, whole numbers give a whole one, and nothing can be divided by 0.
                Binary::Divide if kind == Long => {
                    numbers(kind, |l, r| if r == 0.0 { f64::NAN } else { (l / r).trunc() })
                }
                Binary::Divide => numbers(kind, |l, r| if r == 0.0 { f64::NAN } else { l / r }),
                _ => numbers(kind, |l, r| l % r),
            }
        }
        _ => mismatch(at_right, r.kind, format!("a {}, as before `{}`", l.kind.label(), binary.sign())),
    }
}

fn zip<'a>(l: &Data, r: &Data, n_rows: usize, f: fn(f64, f64) -> f64) -> Data<'a> {
    match (l, r) {
        (Data::One(l), Data::One(r)) => Data::One(f(*l, *r)),
        (Data::Many(l), Data::One(r)) => Data::Many(l.iter().map(|l| f(*l, *r)).collect()),
        (Data::Many(l), Data::Many(r)) => Data::Many(l.iter().zip(r.iter()).map(|(l, r)| f(*l, *r)).collect()),
        _ => Data::Many((0..n_rows).map(|row| f(l.number(row), r.number(row))).collect()),
    }
}

fn texts<'a>(l: &Computed, r: &Computed, n_rows: usize, fits: fn(&str, &str) -> bool) -> Computed<'a> {
    let truth = |fits: bool| f64::from(u8::from(fits));
    let data = match (&l.data, &r.data) {
        // Each different text is looked at once.
        (Data::Texts { codes, texts }, Data::OneText(r)) if texts.len() <= n_rows => {
            let by_code: Vec<f64> = texts.iter().map(|l| truth(fits(l, r))).collect();
            codes.iter().map(|code| by_code[*code as usize]).collect()
        }
        _ => (0..n_rows).map(|row| truth(fits(l.data.text(row), r.data.text(row)))).collect(),
    };
    Computed { kind: CellKind::Bool, data: Data::Many(data) }
}
