//! What may come next in a query that is being written.

use std::ops::Range;

use super::parse::{Parser, name_text, value_text};
use crate::order::order;
use crate::table::{Field, FieldKind, RunTable, Source};

/// Something to write at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Bytes of the text that it replaces.
    pub range: Range<usize>,
    /// What is written there.
    pub insert: String,
    /// What it is, for people: "AUC", "12 runs".
    pub detail: String,
    /// What it is.
    pub kind: CompletionKind,
}

/// What a completion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionKind {
    /// What every run has.
    Field,
    /// A metric.
    Metric,
    /// A parameter.
    Param,
    /// An operator.
    Operator,
    /// A value that runs have.
    Value,
    /// `and`, `or`, `not`.
    Keyword,
}

/// More are no help.
const MOST: usize = 50;

/// What may stand at the cursor, best first.
pub fn complete(text: &str, cursor: usize, table: &RunTable) -> Vec<Completion> {
    let mut cursor = cursor.min(text.len());
    while !text.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let place = place(&text[..cursor]);
    let mut offers = Offers { typed: place.typed, range: place.start..cursor, found: Vec::new() };
    match place.kind {
        PlaceKind::Start => {
            names(&mut offers, table);
            offers.offer("not", "the opposite", CompletionKind::Keyword);
        }
        PlaceKind::AfterName(name) => {
            if let Ok(source) = table.source(&name) {
                for (sign, meaning) in operators(source, table) {
                    offers.offer(sign, meaning, CompletionKind::Operator);
                }
            }
            connectives(&mut offers);
            if !offers.typed.is_empty() {
                names(&mut offers, table);
            }
        }
        PlaceKind::Value(name) => {
            if let Ok(source) = table.source(&name) {
                values(&mut offers, source, table);
            }
        }
        PlaceKind::AfterCondition => {
            connectives(&mut offers);
            if !offers.typed.is_empty() {
                names(&mut offers, table);
            }
        }
    }
    offers.best()
}

/// Where the cursor is.
struct Place {
    kind: PlaceKind,
    /// Where the word that is being written begins.
    start: usize,
    /// As far as it is written.
    typed: String,
}

enum PlaceKind {
    /// Where a name or a word begins a condition.
    Start,
    /// Behind a name or a word.
    AfterName(String),
    /// Behind the operator that follows a name.
    Value(String),
    /// Behind a whole condition.
    AfterCondition,
}

/// Reads the text up to the cursor without minding what is wrong with it.
fn place(text: &str) -> Place {
    let mut parser = Parser::new(text);
    let mut kind = PlaceKind::Start;
    loop {
        parser.skip_space();
        let start = parser.at;
        let is_start = matches!(kind, PlaceKind::Start);
        if parser.rest().is_empty() {
            return Place { kind, start, typed: String::new() };
        }
        if parser.rest().starts_with(['(', ')']) {
            kind = if parser.rest().starts_with('(') { PlaceKind::Start } else { PlaceKind::AfterCondition };
            parser.at += 1;
            continue;
        }
        if let PlaceKind::Value(_) = kind {
            match parser.value() {
                Ok(_) if !parser.rest().is_empty() => kind = PlaceKind::AfterCondition,
                Ok(typed) => return Place { kind, start, typed },
                Err(_) => return Place { kind, start, typed: text[start..].trim_start_matches('"').to_owned() },
            }
            continue;
        }
        if matches!(kind, PlaceKind::AfterName(_)) && parser.rest() == "!" {
            return Place { kind, start, typed: "!".into() };
        }
        if let PlaceKind::AfterName(name) = &kind
            && parser.operator().is_some()
        {
            kind = PlaceKind::Value(name.clone());
            if parser.rest().is_empty() {
                return Place { kind, start: text.len(), typed: String::new() };
            }
            continue;
        }
        let is_keyword = ["and", "or", "not"].into_iter().any(|word| {
            let is_it = parser.keyword(word);
            // The last word is still being written: what follows it may be a letter.
            is_it && (parser.at < text.len() || text.ends_with(char::is_whitespace))
        });
        if is_keyword {
            kind = PlaceKind::Start;
            continue;
        }
        parser.at = start;
        match parser.name() {
            Ok(name) if !parser.rest().is_empty() => kind = PlaceKind::AfterName(name),
            Ok(typed) => {
                let kind = if is_start { PlaceKind::Start } else { PlaceKind::AfterCondition };
                return Place { kind, start, typed };
            }
            Err(_) => {
                // A quote without its end, or a sign that belongs nowhere.
                if text[start..].starts_with('"') {
                    return Place { kind: PlaceKind::Start, start, typed: text[start + 1..].to_owned() };
                }
                parser.at = start + text[start..].chars().next().map_or(1, char::len_utf8);
            }
        }
    }
}

/// What may be offered, if it is like what is typed.
struct Offers {
    typed: String,
    range: Range<usize>,
    /// With how well it fits: smaller is better.
    found: Vec<(u8, Completion)>,
}

impl Offers {
    fn offer(&mut self, insert: &str, detail: &str, kind: CompletionKind) {
        self.offer_as(insert, insert, detail, kind);
    }

    /// Something that is looked up by another text than what is written.
    fn offer_as(&mut self, by: &str, insert: &str, detail: &str, kind: CompletionKind) {
        let (typed, by) = (self.typed.to_lowercase(), by.to_lowercase());
        let fit = if by.starts_with(&typed) {
            0
        } else if by.contains(&typed) || (!typed.is_empty() && detail.to_lowercase().contains(&typed)) {
            1
        } else {
            return;
        };
        let (range, insert, detail) = (self.range.clone(), insert.to_owned(), detail.to_owned());
        self.found.push((fit, Completion { range, insert, detail, kind }));
    }

    fn best(self) -> Vec<Completion> {
        let best = order(self.found.len(), &|a, b| self.found[a].0.cmp(&self.found[b].0));
        best.into_iter().take(MOST).map(|at| self.found[at].1.clone()).collect()
    }
}

/// Metrics, then parameters without their nodes, then fields; full names once someone begins to write them.
fn names(offers: &mut Offers, table: &RunTable) {
    let columns: Vec<_> = table.columns().iter().filter(|column| column.n_values() > 0).collect();
    for is_metric in [true, false] {
        let kind = if is_metric { CompletionKind::Metric } else { CompletionKind::Param };
        for column in columns.iter().filter(|column| column.is_metric() == is_metric) {
            let bare = column.name.split_once('.').map_or("", |(_, bare)| bare);
            let is_in_full = offers.typed.starts_with("metric.") || offers.typed.starts_with("param.");
            if is_in_full {
                offers.offer_as(&column.name, &name_text(&column.name), &column.label, kind);
            } else if column.is_short || offers.typed.contains('.') {
                offers.offer_as(bare, &name_text(bare), &column.label, kind);
            }
        }
    }
    for field in Field::ALL {
        offers.offer(field.name(), field.label(), CompletionKind::Field);
    }
}

fn connectives(offers: &mut Offers) {
    offers.offer("and", "both", CompletionKind::Keyword);
    offers.offer("or", "either", CompletionKind::Keyword);
}

fn operators(source: Source, table: &RunTable) -> Vec<(&'static str, &'static str)> {
    let kind = match source {
        Source::Field(field) => field.kind(),
        Source::Column(column_idx) if table.columns()[column_idx].is_numeric() => FieldKind::Number,
        Source::Column(_) => FieldKind::Text,
    };
    let equality = [("=", "is"), ("!=", "is not")];
    let order = [(">", "more than"), (">=", "at least"), ("<", "less than"), ("<=", "at most")];
    let inside = [("~", "contains"), ("!~", "does not contain")];
    match kind {
        FieldKind::Number => [&order[..], &equality].concat(),
        FieldKind::Time => {
            let order = [(">", "after"), (">=", "from"), ("<", "before"), ("<=", "up to")];
            [&order[..], &equality].concat()
        }
        FieldKind::State | FieldKind::Truth => equality.to_vec(),
        FieldKind::Tags => [&equality[..], &[(":", "is")], &inside].concat(),
        FieldKind::Text => [&equality[..], &inside].concat(),
    }
}

fn values(offers: &mut Offers, source: Source, table: &RunTable) {
    if matches!(source, Source::Field(Field::Started | Field::Took | Field::Id)) {
        return;
    }
    for (value, n_runs) in table.texts_of(source) {
        let runs = format!("{n_runs} run{}", if n_runs == 1 { "" } else { "s" });
        offers.offer_as(&value, &value_text(&value), &runs, CompletionKind::Value);
    }
}
