//! A condition on one column, which says of each row whether it holds.

use engine::FlowError;
use model::{ColumnView, Values};
use regex_lite::Regex;
use schema::{Column, Kind, Schema};
use table::Table;

use crate::failures;

/// A condition, read and fit for its column.
pub struct Condition {
    column_idx: usize,
    test: Test,
}

enum Test {
    /// Numbers and dates.
    Number(Comparison, f64),
    /// Texts and names of categories.
    Text(Equality, String),
    Truth(Equality, bool),
    /// Texts and names of categories; it may match anywhere in them.
    Pattern(Box<Regex>),
}

#[derive(Clone, Copy)]
enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

#[derive(Clone, Copy)]
enum Equality {
    Same,
    Other,
}

/// Where the parts of a condition are set.
pub struct Places {
    pub column: &'static str,
    pub comparison: &'static str,
    pub value: &'static str,
    pub pattern: &'static str,
}

impl Places {
    /// Reads a comparison with a value, which is written as the column's kind is.
    pub fn comparison(
        &self,
        schema: &Schema,
        column: Option<&str>,
        comparison: &str,
        value: &str,
    ) -> Result<Condition, FlowError> {
        let (column_idx, column) = self.column(schema, column)?;
        let text = value.trim();
        let unreadable = |example: &str| FlowError {
            place: self.value.into(),
            message: format!(
                "{value:?} cannot be compared with column {:?}, which is {}",
                column.name,
                column.kind.label()
            ),
            help: format!("Give {example}."),
        };
        let test = match column.kind {
            Kind::Number | Kind::Integer => {
                let number = text.parse().ok().filter(|x: &f64| x.is_finite());
                Test::Number(order(comparison), number.ok_or_else(|| unreadable("a number such as 2010"))?)
            }
            Kind::DateTime => {
                let millis = table::date_millis(text).ok_or_else(|| unreadable("a date such as 2025-06-30"))?;
                Test::Number(order(comparison), millis as f64)
            }
            Kind::Boolean => {
                let truth = match text.to_lowercase().as_str() {
                    "true" | "yes" | "1" => true,
                    "false" | "no" | "0" => false,
                    _ => return Err(unreadable("true or false")),
                };
                Test::Truth(self.equality(column, comparison)?, truth)
            }
            Kind::Category | Kind::Text => Test::Text(self.equality(column, comparison)?, text.to_owned()),
        };
        Ok(Condition { column_idx, test })
    }

    /// Reads a regular expression.
    pub fn pattern(&self, schema: &Schema, column: Option<&str>, pattern: &str) -> Result<Condition, FlowError> {
        let (column_idx, column) = self.column(schema, column)?;
        if !matches!(column.kind, Kind::Category | Kind::Text) {
            return Err(FlowError {
                place: self.column.into(),
                message: format!("column {:?} is {}, expected text or category", column.name, column.kind.label()),
                help: "Choose a column of texts, or use a relative expression for numbers and dates.".into(),
            });
        }
        let trouble = |message: String| FlowError {
            place: self.pattern.into(),
            message,
            help:
                "Write it as in ^Gr[ae]y or shop|store; a dot or a bracket that is meant as such needs a \\ before it."
                    .into(),
        };
        if pattern.is_empty() {
            return Err(trouble("no regular expression is given".into()));
        }
        let read =
            Regex::new(pattern).map_err(|error| trouble(format!("{pattern:?} is no regular expression: {error}")))?;
        Ok(Condition { column_idx, test: Test::Pattern(Box::new(read)) })
    }

    fn column<'a>(&self, schema: &'a Schema, name: Option<&str>) -> Result<(usize, &'a Column), FlowError> {
        let Some(name) = name else {
            return Err(FlowError {
                place: self.column.into(),
                message: "no column is chosen to be looked at".into(),
                help: "Choose the column that the condition is about.".into(),
            });
        };
        let column_idx = schema.position(name).map_err(|error| failures::column_not_found(self.column, &error))?;
        Ok((column_idx, &schema.columns[column_idx]))
    }

    /// Words have no order.
    fn equality(&self, column: &Column, comparison: &str) -> Result<Equality, FlowError> {
        match order(comparison) {
            Comparison::Equal => Ok(Equality::Same),
            Comparison::NotEqual => Ok(Equality::Other),
            Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => {
                Err(FlowError {
                    place: self.comparison.into(),
                    message: format!(
                        "column {:?} is {}, which has no order to compare by",
                        column.name,
                        column.kind.label()
                    ),
                    help: "Compare with “is” or “is not”, or choose a column of numbers or dates.".into(),
                })
            }
        }
    }
}

fn order(comparison: &str) -> Comparison {
    match comparison {
        "less-or-equal" => Comparison::LessOrEqual,
        "greater" => Comparison::Greater,
        "greater-or-equal" => Comparison::GreaterOrEqual,
        "equal" => Comparison::Equal,
        "not-equal" => Comparison::NotEqual,
        _ => Comparison::Less,
    }
}

impl Condition {
    /// The name of its column.
    pub fn column<'a>(&self, table: &'a Table) -> &'a str {
        &table.schema().columns[self.column_idx].name
    }

    /// Whether it holds, row by row; not where the value is missing.
    pub fn of_rows(&self, table: &Table) -> Vec<bool> {
        let frame = table.frame_of(&[self.column_idx]);
        let column = &frame.columns[0];
        if let Values::Category { codes, dictionary } = &column.values {
            let of_name: Vec<bool> = dictionary.iter().map(|name| self.holds_for(name)).collect();
            return (0..frame.n_rows)
                .map(|row_idx| column.is_valid(row_idx) && of_name.get(codes[row_idx] as usize) == Some(&true))
                .collect();
        }
        (0..frame.n_rows).map(|row_idx| column.is_valid(row_idx) && self.holds(column, row_idx)).collect()
    }

    fn holds(&self, column: &ColumnView<'_>, row_idx: usize) -> bool {
        match (&column.values, &self.test) {
            (Values::Number(values), Test::Number(comparison, bound)) => comparison.holds(values[row_idx], *bound),
            (Values::Integer(values) | Values::DateTime(values), Test::Number(comparison, bound)) => {
                comparison.holds(values[row_idx] as f64, *bound)
            }
            (Values::Boolean(truths), Test::Truth(equality, wanted)) => equality.holds(truths[row_idx] == *wanted),
            (Values::Text(texts), _) => self.holds_for(texts[row_idx]),
            // A test is read for the kind of its column.
            _ => false,
        }
    }

    fn holds_for(&self, text: &str) -> bool {
        match &self.test {
            Test::Text(equality, wanted) => equality.holds(text == wanted),
            Test::Pattern(pattern) => pattern.is_match(text),
            Test::Number(..) | Test::Truth(..) => false,
        }
    }
}

impl Comparison {
    fn holds(self, x: f64, bound: f64) -> bool {
        match self {
            Self::Less => x < bound,
            Self::LessOrEqual => x <= bound,
            Self::Greater => x > bound,
            Self::GreaterOrEqual => x >= bound,
            Self::Equal => x == bound,
            Self::NotEqual => x != bound,
        }
    }
}

impl Equality {
    fn holds(self, is_same: bool) -> bool {
        match self {
            Self::Same => is_same,
            Self::Other => !is_same,
        }
    }
}
