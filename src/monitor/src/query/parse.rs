//! From words to steps.

use serde::{Deserialize, Serialize};

use super::QueryError;
use super::expression::{Aggregate, Binary, Expression, Named, Node};
use super::lexer::{Token, Word, words};
use super::tables::NAMES;

/// A query: a table and what becomes of it, step by step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub table: String,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Where(Expression),
    Summarize { values: Vec<Named>, keys: Vec<Named> },
    Top { n: usize, by: Order },
    OrderBy(Vec<Order>),
    Project(Vec<Named>),
    Extend(Vec<Named>),
    Take(usize),
    Count,
    Render(Chart),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order {
    pub by: Expression,
    pub is_ascending: bool,
}

/// How rows are to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chart {
    /// Lines along time.
    TimeChart,
    /// Lines.
    LineChart,
    /// Areas.
    AreaChart,
    /// Standing bars.
    ColumnChart,
    /// Lying bars.
    BarChart,
    /// Shares of a whole.
    PieChart,
    /// As they are.
    Table,
}

const CHARTS: [(&str, Chart); 7] = [
    ("timechart", Chart::TimeChart),
    ("linechart", Chart::LineChart),
    ("areachart", Chart::AreaChart),
    ("columnchart", Chart::ColumnChart),
    ("barchart", Chart::BarChart),
    ("piechart", Chart::PieChart),
    ("table", Chart::Table),
];

const STEPS: &str = "where, summarize, top, order by, project, extend, take, count or render";

/// Parentheses within parentheses; more is no query.
const MAX_DEPTH: usize = 64;
/// A chain of operators nests as deep as it is long, so it must end somewhere.
const MAX_WORDS: usize = 1_000;

pub(super) fn parse(text: &str) -> Result<Query, QueryError> {
    let mut parser = Parser { tokens: words(text)?, next: 0, depth: 0 };
    if let Some(Token { at, word }) = parser.tokens.get(MAX_WORDS) {
        return Err(QueryError { at: *at, found: word.quoted(), expected: format!("at most {MAX_WORDS} words") });
    }
    let table = match parser.word() {
        Word::Name(name) if NAMES.contains(&name.as_str()) => name.clone(),
        _ => return parser.expected("requests or exceptions"),
    };
    parser.next += 1;
    let mut steps = Vec::new();
    while parser.takes_sign("|") {
        steps.push(parser.step()?);
    }
    if *parser.word() != Word::End {
        return parser.expected("| or the end");
    }
    Ok(Query { table, steps })
}

struct Parser {
    /// Invariant: the last is `Word::End`, and `next` never passes it. Kept by advancing only over what was looked at.
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn word(&self) -> &Word {
        &self.tokens[self.next].word
    }

    fn at(&self) -> usize {
        self.tokens[self.next].at
    }

    fn expected<T>(&self, expected: impl Into<String>) -> Result<T, QueryError> {
        Err(QueryError { at: self.at(), found: self.word().quoted(), expected: expected.into() })
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        self.takes(|word| matches!(word, Word::Sign(found) if *found == sign))
    }

    fn takes_name(&mut self, name: &str) -> bool {
        self.takes(|word| matches!(word, Word::Name(found) if found == name))
    }

    fn takes(&mut self, fits: impl Fn(&Word) -> bool) -> bool {
        let takes = fits(self.word());
        self.next += usize::from(takes);
        takes
    }

    fn sign(&mut self, sign: &str) -> Result<(), QueryError> {
        if self.takes_sign(sign) { Ok(()) } else { self.expected(format!("`{sign}`")) }
    }

    fn name(&mut self, name: &str) -> Result<(), QueryError> {
        if self.takes_name(name) { Ok(()) } else { self.expected(format!("`{name}`")) }
    }

    fn step(&mut self) -> Result<Step, QueryError> {
        let Word::Name(step) = self.word().clone() else { return self.expected(STEPS) };
        self.next += 1;
        match step.as_str() {
            "where" | "filter" => Ok(Step::Where(self.expression()?)),
            "summarize" => self.summarize(),
            "top" => {
                let n = self.whole()?;
                self.name("by")?;
                Ok(Step::Top { n, by: self.order()? })
            }
            "order" | "sort" => {
                self.name("by")?;
                Ok(Step::OrderBy(self.list(Self::order)?))
            }
            "project" => Ok(Step::Project(self.list(Self::named)?)),
            "extend" => Ok(Step::Extend(self.list(Self::named)?)),
            "take" | "limit" => Ok(Step::Take(self.whole()?)),
            "count" => Ok(Step::Count),
            "render" => {
                let Word::Name(name) = self.word() else { return self.expected("a kind of chart, such as timechart") };
                let Some((_, chart)) = CHARTS.iter().find(|(chart, _)| chart == name) else {
                    return self.expected(CHARTS.map(|(name, _)| name).join(", "));
                };
                self.next += 1;
                Ok(Step::Render(*chart))
            }
            _ => {
                self.next -= 1;
                self.expected(STEPS)
            }
        }
    }

    fn summarize(&mut self) -> Result<Step, QueryError> {
        let is_by = matches!(self.word(), Word::Name(name) if name == "by");
        let values = if is_by { Vec::new() } else { self.list(Self::named)? };
        let keys = if self.takes_name("by") { self.list(Self::named)? } else { Vec::new() };
        Ok(Step::Summarize { values, keys })
    }

    fn list<T>(&mut self, item: fn(&mut Self) -> Result<T, QueryError>) -> Result<Vec<T>, QueryError> {
        let mut items = vec![item(self)?];
        while self.takes_sign(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn whole(&mut self) -> Result<usize, QueryError> {
        let Word::Number(n, true) = *self.word() else { return self.expected("a whole number") };
        self.next += 1;
        Ok(n as usize)
    }

    fn order(&mut self) -> Result<Order, QueryError> {
        let by = self.expression()?;
        // Kusto begins with the largest.
        let is_ascending = self.takes_name("asc");
        if !is_ascending {
            self.takes_name("desc");
        }
        Ok(Order { by, is_ascending })
    }

    fn named(&mut self) -> Result<Named, QueryError> {
        let is_named = matches!(self.tokens.get(self.next + 1), Some(Token { word: Word::Sign("="), .. }));
        if let (true, Word::Name(name)) = (is_named, self.word().clone()) {
            self.next += 2;
            return Ok(Named { name, expression: self.expression()? });
        }
        let expression = self.expression()?;
        match expression.default_name() {
            Some(name) => Ok(Named { name, expression }),
            None => Err(QueryError {
                at: expression.at,
                found: "an expression without a name".into(),
                expected: "a name before it, as in share = a / b".into(),
            }),
        }
    }

    fn expression(&mut self) -> Result<Expression, QueryError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.expected(format!("at most {MAX_DEPTH} expressions within each other"));
        }
        let expression = self.level(0);
        self.depth -= 1;
        expression
    }

    fn level(&mut self, level: usize) -> Result<Expression, QueryError> {
        let Some(binaries) = Binary::LEVELS.get(level) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        loop {
            let at = left.at;
            let is = |word: &Word, sign: &str| match word {
                Word::Sign(found) => *found == sign,
                Word::Name(found) => found == sign,
                _ => false,
            };
            let found = binaries.iter().find(|(sign, _)| is(self.word(), sign));
            if let Some((_, binary)) = found {
                self.next += 1;
                let right = self.level(level + 1)?;
                left = Expression { at, node: Node::Binary(*binary, Box::new(left), Box::new(right)) };
            } else if level == 2 && self.takes_name("in") {
                self.sign("(")?;
                let several = self.list(Self::expression)?;
                self.sign(")")?;
                left = Expression { at, node: Node::In(Box::new(left), several) };
            } else {
                return Ok(left);
            }
        }
    }

    fn unary(&mut self) -> Result<Expression, QueryError> {
        let at = self.at();
        if self.takes_sign("-") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return self.expected("fewer minus signs");
            }
            let of = self.unary()?;
            self.depth -= 1;
            return Ok(Expression { at, node: Node::Negative(Box::new(of)) });
        }
        if self.takes_sign("(") {
            let within = self.expression()?;
            self.sign(")")?;
            return Ok(within);
        }
        let node = match self.word().clone() {
            Word::Number(x, is_whole) => Node::Number(x, is_whole),
            Word::Timespan(ms) => Node::Timespan(ms),
            Word::Text(text) => Node::Text(text),
            Word::Name(name) => return self.name_or_call(name),
            Word::Sign(_) | Word::End => return self.expected("a column, a number, a text or a function"),
        };
        self.next += 1;
        Ok(Expression { at, node })
    }

    fn name_or_call(&mut self, name: String) -> Result<Expression, QueryError> {
        let at = self.at();
        self.next += 1;
        if !self.takes_sign("(") {
            let node = match name.as_str() {
                "true" | "false" => Node::Bool(name == "true"),
                _ => Node::Column(name),
            };
            return Ok(Expression { at, node });
        }
        if name == "datetime" {
            return self.datetime(at);
        }
        let mut arguments = if self.takes_sign(")") {
            Vec::new()
        } else {
            let arguments = self.list(Self::expression)?;
            self.sign(")")?;
            arguments
        };
        let aggregate = Aggregate::ALL.iter().find(|(known, ..)| *known == name);
        let n_expected = match (name.as_str(), aggregate) {
            (_, Some((_, _, n))) => *n,
            ("now", None) => 0,
            ("ago" | "not", None) => 1,
            ("bin", None) => 2,
            _ => {
                let known = Aggregate::ALL.map(|(name, ..)| name).join(", ");
                let expected = format!("{known}, bin, ago, now, datetime or not");
                return Err(QueryError { at, found: format!("the function `{name}`"), expected });
            }
        };
        if arguments.len() != n_expected {
            let found = format!("{} arguments of `{name}`", arguments.len());
            return Err(QueryError { at, found, expected: n_expected.to_string() });
        }
        let mut next = || arguments.remove(0);
        let now = || Expression { at, node: Node::Column(NOW.into()) };
        let node = match (name.as_str(), aggregate) {
            (_, Some((_, aggregate, _))) => Node::Aggregate(*aggregate, arguments),
            ("not", None) => Node::Not(Box::new(next())),
            ("bin", None) => Node::Bin(Box::new(next()), Box::new(next())),
            ("ago", None) => Node::Binary(Binary::Subtract, Box::new(now()), Box::new(next())),
            _ => return Ok(now()),
        };
        Ok(Expression { at, node })
    }

    /// What stands within `datetime(…)`: the beginning of a day, in UTC. Hours can be added: `datetime(2026-11-28) + 14h`.
    fn datetime(&mut self, at: usize) -> Result<Expression, QueryError> {
        let mut parts = Vec::new();
        while !self.takes_sign(")") {
            match self.word() {
                Word::Number(x, _) => parts.push(*x),
                Word::Sign("-") => {}
                _ => return self.expected("a date such as 2026-11-28"),
            }
            self.next += 1;
        }
        match parts[..] {
            [year, month, day] => Ok(Expression { at, node: Node::Moment(moment(year, month, day)) }),
            _ => self.expected("a date such as 2026-11-28"),
        }
    }
}

/// The column that holds the present; no table has one of this name.
pub(super) const NOW: &str = "now()";

/// Milliseconds since 1970 at the beginning of a day (Hinnant's `days_from_civil`).
fn moment(year: f64, month: f64, day: f64) -> f64 {
    let year = if month <= 2.0 { year - 1.0 } else { year };
    let month_from_march = (month + 9.0) % 12.0;
    let day_of_year = ((153.0 * month_from_march + 2.0) / 5.0).floor() + day - 1.0;
    let days = 365.0 * year + (year / 4.0).floor() - (year / 100.0).floor() + (year / 400.0).floor() + day_of_year;
    (days - 719_468.0) * 8.64e7
}
