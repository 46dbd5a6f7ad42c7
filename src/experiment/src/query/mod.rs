//! The language in which runs are searched.
//!
//! ```text
//! metric.auc > 0.9 and param.n_trees <= 200 and tag:baseline
//! auc > 0.8 or state != failed
//! not (name ~ "forest" and started > 2026-11-01) boosted
//! ```
//!
//! - A *condition* is a name, an operator and a value. Names are fields (`state`, `took`, `tag`…), `metric.auc`,
//!   `metric.evaluate.auc`, `param.n_trees`, `param.forest.n_trees`, or these without their first word.
//! - Operators are `=`, `!=`, `<`, `<=`, `>`, `>=`, `~` (contains, whatever the case), `!~`, and `:`, which looks inside
//!   names, notes and other long texts and means `=` elsewhere.
//! - `a != b` is `not a = b`: it holds for runs that have no `a`. All other conditions need a value; `= none` asks for
//!   runs without one.
//! - A date is a span: `started = 2026-11-01` is that day, `>` after it, `<` before it. Times may follow: `2026-11-01T10:30`.
//! - A word alone is looked for in names, tags and notes.
//! - `and` binds closer than `or`; conditions side by side are joined by `and`. Quotes take in what has spaces.

mod complete;
mod date;
mod parse;
mod plan;

use std::fmt;
use std::ops::Range;

pub use complete::{Completion, CompletionKind, complete};

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub(crate) expr: Expr,
}

/// A part of a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Expr {
    /// Every run.
    #[default]
    All,
    /// Any of these; at least two, none of them an `Or`.
    Or(Vec<Expr>),
    /// All of these; at least two, none of them an `And`.
    And(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// A name, an operator and a value.
    Condition(Condition),
    /// A word that is looked for.
    Word(String),
}

/// A name, an operator and a value.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub name: String,
    pub op: Op,
    pub value: String,
    pub name_range: Range<usize>,
    pub value_range: Range<usize>,
}

/// Where it stands in the text does not matter to what it asks.
impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

/// How a name and a value are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    ContainsNot,
    Has,
}

impl Op {
    /// Those that begin with others come first.
    const ALL: [(&'static str, Self); 14] = [
        ("!=", Self::NotEqual),
        ("≠", Self::NotEqual),
        ("<>", Self::NotEqual),
        ("!~", Self::ContainsNot),
        ("<=", Self::LessOrEqual),
        ("≤", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("≥", Self::GreaterOrEqual),
        ("==", Self::Equal),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
        ("~", Self::Contains),
        (":", Self::Has),
    ];

    fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Contains => "~",
            Self::ContainsNot => "!~",
            Self::Has => ":",
        }
    }
}

/// What is wrong with a query, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct QueryError {
    /// Bytes of the text that are to blame; empty at a place where something is missing.
    pub range: Range<usize>,
    /// What is wrong.
    pub problem: QueryProblem,
}

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryProblem {
    /// Something else should stand here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What should stand here.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// A name that no run knows.
    #[error("no run has {name:?}{}; to look for the word itself, put quotes around it", meant(.nearest))]
    UnknownName {
        /// The name.
        name: String,
        /// The known name that is most like it.
        nearest: Option<String>,
    },
    /// A value that is no number.
    #[error("{name} is a number: expected one, as in 0.9, found {found:?}")]
    NoNumber {
        /// The condition's name.
        name: String,
        /// The value.
        found: String,
    },
    /// A value that is no date.
    #[error("{name} is a time: expected a date, as in 2026-11-01 or 2026-11-01T10:30, found {found:?}")]
    NoDate {
        /// The condition's name.
        name: String,
        /// The value.
        found: String,
    },
    /// A value that is not one of a few words.
    #[error("{name} is one of {}, found {found:?}{}", .known.join(", "), meant(.nearest))]
    UnknownWord {
        /// The condition's name.
        name: String,
        /// The value.
        found: String,
        /// The words there are.
        known: Vec<String>,
        /// The known word that is most like it.
        nearest: Option<String>,
    },
    /// An order of what has none.
    #[error("{name} has no order, so {op} means nothing: use =, != or :")]
    NoOrder {
        /// The condition's name.
        name: String,
        /// The operator.
        op: &'static str,
    },
    /// A search inside of what is no text.
    #[error("{name} is a number, and {op} looks inside text: use =, <, <=, > or >=")]
    NoText {
        /// The condition's name.
        name: String,
        /// The operator.
        op: &'static str,
    },
    /// More brackets or `not` inside each other than anyone needs.
    #[error("more than {MOST_DEEP} levels of brackets: write it with fewer")]
    TooDeep,
}

/// Brackets and `not` may go this deep.
const MOST_DEEP: usize = 50;

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default()
}

impl Query {
    /// Reads a query; an empty one asks for every run.
    ///
    /// # Errors
    /// The first place that does not fit the grammar.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse::parse(text).map(|expr| Self { expr })
    }

    /// Whether a condition has this name.
    pub fn mentions(&self, name: &str) -> bool {
        fn in_expr(expr: &Expr, name: &str) -> bool {
            match expr {
                Expr::All | Expr::Word(_) => false,
                Expr::Or(parts) | Expr::And(parts) => parts.iter().any(|part| in_expr(part, name)),
                Expr::Not(part) => in_expr(part, name),
                Expr::Condition(condition) => condition.name == name,
            }
        }
        in_expr(&self.expr, name)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(&self.expr, f)
    }
}

fn print(expr: &Expr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match expr {
        Expr::All => Ok(()),
        Expr::Or(parts) => joined(parts, " or ", f),
        Expr::And(parts) => joined(parts, " and ", f),
        Expr::Not(part) => {
            f.write_str("not ")?;
            bracketed(part, f)
        }
        Expr::Condition(condition) => {
            f.write_str(&parse::name_text(&condition.name))?;
            match condition.op {
                Op::Has => f.write_str(":")?,
                op => write!(f, " {} ", op.sign())?,
            }
            f.write_str(&parse::value_text(&condition.value))
        }
        Expr::Word(word) => f.write_str(&parse::name_text(word)),
    }
}

fn joined(parts: &[Expr], with: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (part_idx, part) in parts.iter().enumerate() {
        if part_idx > 0 {
            f.write_str(with)?;
        }
        match part {
            // `and` binds closer than `or`, so that only the other way round needs brackets.
            Expr::And(_) => print(part, f)?,
            Expr::All | Expr::Or(_) | Expr::Not(_) | Expr::Condition(_) | Expr::Word(_) => bracketed(part, f)?,
        }
    }
    Ok(())
}

fn bracketed(expr: &Expr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match expr {
        Expr::Or(_) | Expr::And(_) => {
            f.write_str("(")?;
            print(expr, f)?;
            f.write_str(")")
        }
        Expr::All | Expr::Not(_) | Expr::Condition(_) | Expr::Word(_) => print(expr, f),
    }
}
