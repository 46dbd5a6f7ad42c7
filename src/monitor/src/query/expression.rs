//! What is computed from the columns of a row, and of several rows.

/// An expression, and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expression {
    pub at: usize,
    pub node: Node,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// A number, and whether it is written as a whole one.
    Number(f64, bool),
    /// In milliseconds.
    Timespan(f64),
    /// In milliseconds since 1970.
    Moment(f64),
    Bool(bool),
    Text(String),
    Column(String),
    Not(Box<Expression>),
    Negative(Box<Expression>),
    Binary(Binary, Box<Expression>, Box<Expression>),
    /// Whether a value is one of several.
    In(Box<Expression>, Vec<Expression>),
    /// `bin(x, step)`: the multiple of a step at or below.
    Bin(Box<Expression>, Box<Expression>),
    /// Of several rows.
    Aggregate(Aggregate, Vec<Expression>),
}

/// An expression with the name of the column that it gives.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub name: String,
    pub expression: Expression,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    /// Texts, whatever their case.
    Like,
    NotLike,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    StartsWith,
    EndsWith,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Binary {
    /// From the loosest to the tightest; an operator binds what is tighter than itself.
    pub const LEVELS: [&'static [(&'static str, Self)]; 5] = [
        &[("or", Self::Or)],
        &[("and", Self::And)],
        &[
            ("==", Self::Equal),
            ("!=", Self::NotEqual),
            ("=~", Self::Like),
            ("!~", Self::NotLike),
            ("<=", Self::LessOrEqual),
            (">=", Self::GreaterOrEqual),
            ("<", Self::Less),
            (">", Self::Greater),
            ("contains", Self::Contains),
            ("startswith", Self::StartsWith),
            ("endswith", Self::EndsWith),
        ],
        &[("+", Self::Add), ("-", Self::Subtract)],
        &[("*", Self::Multiply), ("/", Self::Divide), ("%", Self::Modulo)],
    ];

    pub fn sign(self) -> &'static str {
        let mut all = Self::LEVELS.iter().flat_map(|level| level.iter());
        all.find(|(_, binary)| *binary == self).map_or("", |(sign, _)| sign)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    Count,
    CountIf,
    DistinctCount,
    Sum,
    Average,
    Min,
    Max,
    Percentile,
}

impl Aggregate {
    /// By name, and how many arguments each has.
    pub const ALL: [(&'static str, Self, usize); 8] = [
        ("count", Self::Count, 0),
        ("countif", Self::CountIf, 1),
        ("dcount", Self::DistinctCount, 1),
        ("sum", Self::Sum, 1),
        ("avg", Self::Average, 1),
        ("min", Self::Min, 1),
        ("max", Self::Max, 1),
        ("percentile", Self::Percentile, 2),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, aggregate, _)| *aggregate == self).map_or("", |(name, ..)| name)
    }
}

impl Expression {
    /// The name of its column if the query gives it none, as Kusto has it: `percentile_duration_95`.
    pub fn default_name(&self) -> Option<String> {
        match &self.node {
            Node::Column(name) => Some(name.clone()),
            Node::Bin(of, _) => of.default_name(),
            Node::Aggregate(aggregate @ (Aggregate::Count | Aggregate::CountIf), _) => {
                Some(format!("{}_", aggregate.name()))
            }
            Node::Aggregate(aggregate, arguments) => {
                let parts = arguments.iter().filter_map(|argument| match argument.node {
                    Node::Number(x, _) => Some(x.to_string().replace('.', "_")),
                    _ => argument.default_name(),
                });
                let parts: Vec<String> = parts.collect();
                Some(format!("{}_{}", aggregate.name(), parts.join("_")))
            }
            _ => None,
        }
    }
}
