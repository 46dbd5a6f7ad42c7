//! Reading and writing parts of files.
//!
//! Derived readers are compiled for every type and every source, 130 kB of WASM for what is kept of runs. These few
//! functions over [`serde_json::Value`] do with a tenth, and tell where in the file something is wrong.

use pipeline::{NodeId, number_in_words};
use schema::ordered::Gather;
use serde_json::{Map, Value as Json};

/// What is wrong with a part of a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wrong {
    /// `nodes.3.outcome`.
    pub path: String,
    /// Found and expected.
    pub message: String,
}

/// A part of a file, and the way to it. What is missing reads as nothing: an empty text, 0, false, an empty list.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    json: Option<&'a Json>,
    step: Step<'a>,
    above: Option<&'a Part<'a>>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Top,
    Name(&'a str),
    Item(usize),
}

impl<'a> Part<'a> {
    pub fn top(json: &'a Json) -> Self {
        Self { json: Some(json), step: Step::Top, above: None }
    }

    /// The field with this name; it may be missing.
    pub fn at(&'a self, name: &'a str) -> Part<'a> {
        let json = self.json.and_then(|json| json.get(name)).filter(|json| !json.is_null());
        Part { json, step: Step::Name(name), above: Some(self) }
    }

    /// The field with this name.
    pub fn needed(&'a self, name: &'a str) -> Result<Part<'a>, Wrong> {
        let part = self.at(name);
        if part.json.is_some() { Ok(part) } else { Err(part.wrong("it is missing".into())) }
    }

    /// This part, if it is there.
    pub fn there(self) -> Option<Part<'a>> {
        self.json.is_some().then_some(self)
    }

    pub fn json(&self) -> Json {
        self.json.cloned().unwrap_or_default()
    }

    pub fn text(&self) -> Result<String, Wrong> {
        match self.json {
            None => Ok(String::new()),
            Some(Json::String(text)) => Ok(text.clone()),
            Some(_) => Err(self.expected("text")),
        }
    }

    pub fn truth(&self) -> Result<bool, Wrong> {
        match self.json {
            None => Ok(false),
            Some(Json::Bool(truth)) => Ok(*truth),
            Some(_) => Err(self.expected("true or false")),
        }
    }

    pub fn whole(&self) -> Result<u64, Wrong> {
        match self.json {
            None => Ok(0),
            Some(json) => json.as_u64().ok_or_else(|| self.expected("a whole number from 0")),
        }
    }

    /// A whole number that fits 32 bits.
    pub fn count(&self) -> Result<u32, Wrong> {
        u32::try_from(self.whole()?).map_err(|_| self.expected("a whole number up to 4294967295"))
    }

    /// A number; those that JSON has no way to write are texts.
    pub fn number(&self) -> Result<f64, Wrong> {
        let number = match self.json {
            None => Some(0.0),
            Some(Json::String(text)) => unusual(text),
            Some(json) => json.as_f64(),
        };
        number.ok_or_else(|| self.expected("a number"))
    }

    pub fn node(&self) -> Result<NodeId, Wrong> {
        NodeId::new(&self.text()?).map_err(|message| self.wrong(message))
    }

    /// The items of a list.
    pub fn list<T>(&self, read: fn(&Part<'_>) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
        let items = match self.json {
            None => &[][..],
            Some(Json::Array(items)) => items,
            Some(_) => return Err(self.expected("a list")),
        };
        let mut list = Vec::with_capacity(items.len());
        for (item_idx, json) in items.iter().enumerate() {
            list.push(read(&Part { json: Some(json), step: Step::Item(item_idx), above: Some(self) })?);
        }
        Ok(list)
    }

    pub fn texts(&self) -> Result<Vec<String>, Wrong> {
        self.list(|part| part.text())
    }

    pub fn wholes(&self) -> Result<Vec<u64>, Wrong> {
        self.list(|part| part.whole())
    }

    /// Each field of an object.
    pub fn each(&self, mut read: impl FnMut(&str, &Part<'_>) -> Result<(), Wrong>) -> Result<(), Wrong> {
        match self.json {
            None => Ok(()),
            Some(Json::Object(fields)) => {
                for (name, json) in fields {
                    read(name, &Part { json: Some(json), step: Step::Name(name), above: Some(self) })?;
                }
                Ok(())
            }
            Some(_) => Err(self.expected("an object")),
        }
    }

    /// The one field of an object that has one, or a text: how a choice is written.
    pub fn choice(&self) -> Result<(&'a str, Part<'_>), Wrong> {
        match self.json {
            Some(Json::String(word)) => Ok((word, Part { json: None, step: Step::Name(word), above: Some(self) })),
            Some(Json::Object(fields)) if fields.len() == 1 => {
                let (word, json) = fields.iter().next().unwrap_or_else(|| unreachable!("it has one field"));
                Ok((word, Part { json: Some(json), step: Step::Name(word), above: Some(self) }))
            }
            Some(_) | None => Err(self.expected("a word, or an object with one field")),
        }
    }

    pub fn expected(&self, expected: &str) -> Wrong {
        let found = match self.json {
            None | Some(Json::Null) => "nothing".into(),
            Some(Json::Array(items)) => format!("a list of {}", items.len()),
            Some(Json::Object(_)) => "an object".into(),
            Some(json) => {
                let text = json.to_string();
                if text.chars().count() > 60 { "a long text".into() } else { text }
            }
        };
        self.wrong(format!("expected {expected}, found {found}"))
    }

    pub fn wrong(&self, message: String) -> Wrong {
        let mut steps = Vec::new();
        let mut part = Some(self);
        while let Some(here) = part {
            match here.step {
                Step::Top => {}
                Step::Name(name) => steps.push(name.to_owned()),
                Step::Item(item_idx) => steps.push(item_idx.to_string()),
            }
            part = here.above;
        }
        steps.reverse();
        Wrong { path: steps.join("."), message }
    }
}

/// The numbers that JSON has no way to write.
pub(crate) fn unusual(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// A number: whole ones without a point, those that JSON cannot write as text.
pub(crate) fn number(x: f64) -> Json {
    // As far as every whole number is a number of its own.
    if x.fract() == 0.0 && x.abs() < 9e15 {
        (x as i64).into()
    } else if x.is_finite() {
        x.into()
    } else {
        number_in_words(x).into()
    }
}

/// An object of these fields without those that are empty.
pub(crate) fn object(fields: Vec<(&str, Json)>) -> Json {
    Json::Object(fields.into_iter().filter(|(_, json)| !is_empty(json)).map(|(n, json)| (n.to_owned(), json)).gather())
}

/// A choice that holds something.
pub(crate) fn choice(word: &str, holds: Json) -> Json {
    let mut fields = Map::new();
    fields.insert(word.into(), holds);
    Json::Object(fields)
}

pub(crate) fn list<T>(items: &[T], write: fn(&T) -> Json) -> Json {
    let mut list = Vec::with_capacity(items.len());
    items.iter().for_each(|item| list.push(write(item)));
    Json::Array(list)
}

fn is_empty(json: &Json) -> bool {
    match json {
        Json::Null | Json::Bool(false) => true,
        Json::Bool(true) | Json::Number(_) => false,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(fields) => fields.is_empty(),
    }
}
