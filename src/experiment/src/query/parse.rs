//! From text to a query.

use std::ops::Range;

use super::{Condition, Expr, MOST_DEEP, Op, QueryError, QueryProblem};

/// Reads a whole text.
pub(super) fn parse(text: &str) -> Result<Expr, QueryError> {
    let mut parser = Parser::new(text);
    parser.skip_space();
    if parser.rest().is_empty() {
        return Ok(Expr::All);
    }
    let expr = parser.any_of()?;
    if parser.rest().is_empty() { Ok(expr) } else { Err(parser.expected("a name, a word, and, or the end")) }
}

/// A name or a word as it is written: in quotes where it would be read as something else.
pub(super) fn name_text(name: &str) -> String {
    if is_keyword(name) || name.is_empty() {
        return quoted(name);
    }
    let part = |part: &str| if part.chars().all(is_name_char) { part.to_owned() } else { quoted(part) };
    name.split('.').map(part).collect::<Vec<_>>().join(".")
}

/// A value as it is written.
pub(super) fn value_text(value: &str) -> String {
    if !value.is_empty() && value.chars().all(is_value_char) { value.to_owned() } else { quoted(value) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn is_keyword(word: &str) -> bool {
    ["and", "or", "not"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

fn is_value_char(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '(' | ')' | '"')
}

fn is_name_char(c: char) -> bool {
    is_value_char(c) && !matches!(c, '=' | '<' | '>' | '~' | ':' | '≠' | '≤' | '≥' | '!')
}

pub(super) struct Parser<'a> {
    pub text: &'a str,
    pub at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn any_of(&mut self) -> Result<Expr, QueryError> {
        let mut parts = vec![self.all_of()?];
        while self.keyword("or") {
            parts.push(self.all_of()?);
        }
        Ok(any(parts))
    }

    fn all_of(&mut self) -> Result<Expr, QueryError> {
        let mut parts = vec![self.one()?];
        while self.keyword("and") || !(self.rest().is_empty() || self.rest().starts_with(')') || self.sees("or")) {
            parts.push(self.one()?);
        }
        Ok(all(parts))
    }

    fn one(&mut self) -> Result<Expr, QueryError> {
        self.depth += 1;
        if self.depth > MOST_DEEP {
            return Err(QueryError { range: self.found().0, problem: QueryProblem::TooDeep });
        }
        let expr = if self.keyword("not") {
            Expr::Not(Box::new(self.one()?))
        } else if self.rest().starts_with('(') {
            self.at += 1;
            self.skip_space();
            let expr = self.any_of()?;
            if !self.rest().starts_with(')') {
                return Err(self.expected("a closing bracket"));
            }
            self.at += 1;
            self.skip_space();
            expr
        } else {
            self.condition_or_word()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn condition_or_word(&mut self) -> Result<Expr, QueryError> {
        if self.sees("and") || self.sees("or") {
            return Err(self.expected("a name or a word"));
        }
        let start = self.at;
        let name = self.name()?;
        let name_range = start..self.at;
        self.skip_space();
        let Some(op) = self.operator() else { return Ok(Expr::Word(name)) };
        self.skip_space();
        let start = self.at;
        let value = self.value()?;
        let value_range = start..self.at;
        self.skip_space();
        Ok(Expr::Condition(Condition { name, op, value, name_range, value_range }))
    }

    /// A name, or a word to look for: letters and quoted parts without a gap.
    pub fn name(&mut self) -> Result<String, QueryError> {
        let start = self.at;
        let mut name = String::new();
        while let Some(c) = self.rest().chars().next() {
            if c == '"' {
                name.push_str(&self.quoted()?);
            } else if is_name_char(c) || (c == '!' && !self.rest().starts_with("!=") && !self.rest().starts_with("!~"))
            {
                name.push(c);
                self.at += c.len_utf8();
            } else {
                break;
            }
        }
        if self.at == start { Err(self.expected("a name or a word")) } else { Ok(name) }
    }

    pub fn value(&mut self) -> Result<String, QueryError> {
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        let n_bytes = self.rest().find(|c| !is_value_char(c)).unwrap_or(self.rest().len());
        if n_bytes == 0 {
            return Err(self.expected("a value"));
        }
        let value = self.rest()[..n_bytes].to_owned();
        self.at += n_bytes;
        Ok(value)
    }

    fn quoted(&mut self) -> Result<String, QueryError> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((offset, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += offset + 1;
                    return Ok(text);
                }
                '\\' => text.push(chars.next().map_or('\\', |(_, escaped)| escaped)),
                other => text.push(other),
            }
        }
        let (range, found) = (start..self.text.len(), "the end".into());
        Err(QueryError { range, problem: QueryProblem::Expected { expected: "a closing quote", found } })
    }

    pub fn operator(&mut self) -> Option<Op> {
        let (sign, op) = Op::ALL.into_iter().find(|(sign, _)| self.rest().starts_with(sign))?;
        self.at += sign.len();
        Some(op)
    }

    /// Whether this keyword stands here, as a word of its own.
    fn sees(&self, keyword: &str) -> bool {
        let rest = self.rest();
        let is_it = rest.get(..keyword.len()).is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        let after = rest.get(keyword.len()..).and_then(|after| after.chars().next());
        is_it && after.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')'))
    }

    pub fn keyword(&mut self, keyword: &str) -> bool {
        let is_it = self.sees(keyword);
        if is_it {
            self.at += keyword.len();
            self.skip_space();
        }
        is_it
    }

    fn expected(&self, expected: &'static str) -> QueryError {
        let (range, found) = self.found();
        QueryError { range, problem: QueryProblem::Expected { expected, found } }
    }

    /// The word that stands here.
    fn found(&self) -> (Range<usize>, String) {
        let Some(first) = self.rest().chars().next() else { return (self.at..self.at, "the end".into()) };
        let of_its_kind = |c: char| if is_name_char(first) { is_name_char(c) } else { c == first };
        let n_bytes = self.rest().find(|c| !of_its_kind(c)).unwrap_or(self.rest().len());
        (self.at..self.at + n_bytes, format!("{:?}", &self.rest()[..n_bytes]))
    }
}

/// Any of these.
pub(super) fn any(parts: Vec<Expr>) -> Expr {
    let flat = parts.into_iter().flat_map(|part| match part {
        Expr::Or(inner) => inner,
        other => vec![other],
    });
    one_or(flat.collect(), Expr::Or)
}

/// All of these.
pub(super) fn all(parts: Vec<Expr>) -> Expr {
    let flat = parts.into_iter().flat_map(|part| match part {
        Expr::And(inner) => inner,
        other => vec![other],
    });
    one_or(flat.collect(), Expr::And)
}

fn one_or(mut parts: Vec<Expr>, several: fn(Vec<Expr>) -> Expr) -> Expr {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            parts.push(last);
            several(parts)
        }
        (None, _) => Expr::All,
    }
}
