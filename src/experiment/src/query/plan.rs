//! A query against a table: names found, values read, and which runs it holds for.

use super::date::span;
use super::{Condition, Expr, Op, Query, QueryError, QueryProblem};
use crate::names::nearest;
use crate::record::RunState;
use crate::scalar::Cell;
use crate::table::{Field, FieldKind, RunTable, Source};

/// A query whose names are found.
pub(crate) enum Plan {
    All,
    Or(Vec<Plan>),
    And(Vec<Plan>),
    Not(Box<Plan>),
    /// In lower case.
    Word(String),
    Test(Test),
}

/// A condition whose name is found.
pub(crate) struct Test {
    source: Source,
    op: Op,
    value: Meant,
}

/// What a value means to the name that it is compared with.
enum Meant {
    /// That there is nothing.
    Nothing,
    /// Numbers from the first up to before the second; equal for a single number.
    Span(f64, f64),
    Truth(bool),
    /// Text as it stands, in lower case, and the number that it may be.
    Text {
        text: String,
        lower: String,
        number: Option<f64>,
    },
}

impl Query {
    pub(crate) fn plan(&self, table: &RunTable) -> Result<Plan, QueryError> {
        plan(&self.expr, table)
    }
}

fn plan(expr: &Expr, table: &RunTable) -> Result<Plan, QueryError> {
    let each = |parts: &[Expr]| parts.iter().map(|part| plan(part, table)).collect::<Result<Vec<_>, _>>();
    Ok(match expr {
        Expr::All => Plan::All,
        Expr::Or(parts) => Plan::Or(each(parts)?),
        Expr::And(parts) => Plan::And(each(parts)?),
        Expr::Not(part) => Plan::Not(Box::new(plan(part, table)?)),
        Expr::Word(word) => Plan::Word(word.to_lowercase()),
        Expr::Condition(condition) => Plan::Test(test(condition, table)?),
    })
}

fn test(condition: &Condition, table: &RunTable) -> Result<Test, QueryError> {
    let Condition { name, op, value, name_range, value_range } = condition;
    let at_name = |problem| QueryError { range: name_range.clone(), problem };
    let at_value = |problem| QueryError { range: value_range.clone(), problem };
    let source = table
        .source(name)
        .map_err(|unknown| at_name(QueryProblem::UnknownName { name: unknown.name, nearest: unknown.nearest }))?;
    let kind = match source {
        Source::Field(field) => field.kind(),
        Source::Column(column_idx) if table.columns()[column_idx].is_numeric() => FieldKind::Number,
        Source::Column(_) => FieldKind::Text,
    };
    let (name, found) = (name.clone(), value.clone());
    let is_order = matches!(op, Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual);
    let is_inside = matches!(op, Op::Contains | Op::ContainsNot);
    match kind {
        FieldKind::State | FieldKind::Truth | FieldKind::Tags if is_order => {
            return Err(at_name(QueryProblem::NoOrder { name, op: op.sign() }));
        }
        FieldKind::Number | FieldKind::Time if is_inside => {
            return Err(at_name(QueryProblem::NoText { name, op: op.sign() }));
        }
        FieldKind::Text
        | FieldKind::Number
        | FieldKind::Time
        | FieldKind::State
        | FieldKind::Truth
        | FieldKind::Tags => {}
    }
    if value == "none" && !is_order && !is_inside {
        return Ok(Test { source, op: *op, value: Meant::Nothing });
    }
    let text = || Meant::Text {
        text: value.clone(),
        lower: value.to_lowercase(),
        number: value.parse().ok().filter(|x: &f64| !x.is_nan()),
    };
    let number = value.parse::<f64>().ok().filter(|x| !x.is_nan());
    let value = match kind {
        FieldKind::Text | FieldKind::Tags => text(),
        FieldKind::Number => {
            let x = number.ok_or_else(|| at_value(QueryProblem::NoNumber { name, found }))?;
            Meant::Span(x, x)
        }
        FieldKind::Time => {
            let span = span(value, table.offset_mins()).or(number.map(|x| (x, x)));
            let (from, to) = span.ok_or_else(|| at_value(QueryProblem::NoDate { name, found }))?;
            Meant::Span(from, to)
        }
        FieldKind::State if is_inside || RunState::ALL.iter().any(|state| state.word() == value) => text(),
        FieldKind::State => {
            let known = RunState::ALL.map(RunState::word);
            let nearest = nearest(value, &known);
            let known = known.map(String::from).to_vec();
            return Err(at_value(QueryProblem::UnknownWord { name, found, known, nearest }));
        }
        FieldKind::Truth => match truth(value) {
            Some(truth) => Meant::Truth(truth),
            None => {
                let known = vec!["true".into(), "false".into()];
                return Err(at_value(QueryProblem::UnknownWord { name, found, known, nearest: None }));
            }
        },
    };
    Ok(Test { source, op: *op, value })
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

impl Plan {
    /// Whether it holds for the run in this row.
    pub(crate) fn holds(&self, table: &RunTable, row_idx: usize) -> bool {
        match self {
            Self::All => true,
            Self::Or(parts) => parts.iter().any(|part| part.holds(table, row_idx)),
            Self::And(parts) => parts.iter().all(|part| part.holds(table, row_idx)),
            Self::Not(part) => !part.holds(table, row_idx),
            Self::Word(word) => table.haystack(row_idx).contains(word),
            Self::Test(test) => test.holds(table, row_idx),
        }
    }
}

impl Test {
    fn holds(&self, table: &RunTable, row_idx: usize) -> bool {
        let is_tag = self.source == Source::Field(Field::Tag);
        let tags = if is_tag { table.entry(row_idx) } else { None }.map(|entry| &entry.tags).filter(|t| !t.is_empty());
        let any = |holds: &dyn Fn(Cell<'_>) -> bool| match tags {
            Some(tags) => tags.iter().any(|tag| holds(Cell::Text(tag))),
            None => holds(table.cell(row_idx, self.source)),
        };
        match self.op {
            Op::Equal => any(&|cell| self.equals(cell)),
            Op::NotEqual => !any(&|cell| self.equals(cell)),
            Op::Contains => any(&|cell| self.is_inside(cell)),
            Op::ContainsNot => !any(&|cell| self.is_inside(cell)),
            Op::Has if self.is_long() => any(&|cell| self.equals(cell) || self.is_inside(cell)),
            Op::Has => any(&|cell| self.equals(cell)),
            Op::Less => any(&|cell| self.compares(cell, |x, from, _| x < from, |order| order.is_lt())),
            Op::LessOrEqual => {
                any(&|cell| self.compares(cell, |x, from, to| x <= from || x < to, |order| order.is_le()))
            }
            Op::Greater => any(&|cell| self.compares(cell, |x, from, to| x > from && x >= to, |order| order.is_gt())),
            Op::GreaterOrEqual => any(&|cell| self.compares(cell, |x, from, _| x >= from, |order| order.is_ge())),
        }
    }

    /// Whether `:` looks inside of it.
    fn is_long(&self) -> bool {
        match self.source {
            Source::Field(field) => field.kind() == FieldKind::Text,
            Source::Column(_) => false,
        }
    }

    fn equals(&self, cell: Cell<'_>) -> bool {
        match (&self.value, cell) {
            (Meant::Nothing, Cell::Text(text)) => text == "none",
            (Meant::Nothing, cell) => cell.is_empty(),
            (Meant::Span(from, to), Cell::Number(x)) => x == *from || (x >= *from && x < *to),
            (Meant::Truth(meant), Cell::Truth(truth)) => truth == *meant,
            (Meant::Text { text: meant, .. }, Cell::Text(text)) => text == meant,
            (Meant::Text { number: Some(meant), .. }, Cell::Number(x)) => x == *meant,
            (Meant::Text { text, .. }, Cell::Truth(is)) => truth(text) == Some(is),
            (
                Meant::Span(..) | Meant::Truth(_) | Meant::Text { .. },
                Cell::Missing | Cell::None | Cell::Truth(_) | Cell::Number(_) | Cell::Text(_),
            ) => false,
        }
    }

    fn is_inside(&self, cell: Cell<'_>) -> bool {
        match (&self.value, cell) {
            (Meant::Text { lower, .. }, Cell::Text(text)) => text.to_lowercase().contains(lower),
            _ => false,
        }
    }

    /// Numbers by the first rule, texts by the second.
    fn compares(
        &self,
        cell: Cell<'_>,
        numbers: fn(f64, f64, f64) -> bool,
        texts: fn(std::cmp::Ordering) -> bool,
    ) -> bool {
        match (&self.value, cell) {
            (Meant::Span(from, to), Cell::Number(x)) => numbers(x, *from, *to),
            (Meant::Text { number: Some(y), .. }, Cell::Number(x)) => numbers(x, *y, *y),
            (Meant::Text { text, .. }, cell @ Cell::Text(_)) => texts(cell.order(Cell::Text(text))),
            _ => false,
        }
    }
}
