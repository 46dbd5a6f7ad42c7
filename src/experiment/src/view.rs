//! What one looks at, as the text of a link: `#runs?q=auc+%3E+0.8&sort=-auc&group=learner&runs=…`.

use std::fmt::Write;

use crate::key::RunKey;
use crate::table::SortKey;

/// A view on the runs. Everything at its default is left out of the link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The query as it was written, whether or not it can be read.
    pub query: String,
    /// Shown columns by name; the usual ones if empty.
    pub columns: Vec<String>,
    /// Order of the rows; latest first if empty.
    pub sort: Vec<SortKey>,
    /// Names that rows are grouped by.
    pub group: Vec<String>,
    /// Runs that are compared and on the charts, in this order.
    pub selected: Vec<RunKey>,
    /// The run that the others are measured against.
    pub pinned: Option<RunKey>,
    /// What is shown below the table.
    pub tab: Tab,
    /// Whether rows that are equal for all runs are shown, too.
    pub with_equal: bool,
    /// Columns on the axes of the scatter, of the parallel coordinates or of the boxes.
    pub axes: Vec<String>,
    /// Groups that are closed, by their keys in words.
    pub closed: Vec<String>,
}

/// What is shown below the table of runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Side by side.
    #[default]
    Compare,
    /// Curves over each other.
    Curves,
    /// One metric against another, or against a parameter.
    Scatter,
    /// Parallel coordinates.
    Parallel,
    /// A box per group.
    Boxes,
    /// Nodes and workers over time.
    Timeline,
}

impl Tab {
    /// Every tab, in their order.
    pub const ALL: [Self; 6] =
        [Self::Compare, Self::Curves, Self::Scatter, Self::Parallel, Self::Boxes, Self::Timeline];

    /// The word in links.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compare => "compare",
            Self::Curves => "curves",
            Self::Scatter => "scatter",
            Self::Parallel => "parallel",
            Self::Boxes => "boxes",
            Self::Timeline => "timeline",
        }
    }
}

/// What a link to a view begins with.
pub const PREFIX: &str = "#runs";

/// Why a text is no link to a view.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// It is a link to something else.
    #[error("expected a link to runs, which begins with {PREFIX}, found {found:?}")]
    SomethingElse {
        /// Its beginning.
        found: String,
    },
    /// A part that no view has.
    #[error("a view of runs has no {found:?}, only {}: the link was cut off, or a newer version of Millrace made it", KEYS.join(", "))]
    UnknownKey {
        /// The part's name.
        found: String,
    },
    /// A part that is there twice.
    #[error("{key:?} is there twice")]
    Twice {
        /// The part's name.
        key: &'static str,
    },
    /// A percent sign that is not followed by two hexadecimal digits, or bytes that are no text.
    #[error("{key:?}: {found:?} is no percent-encoded text: the link was cut off or changed on its way")]
    Encoding {
        /// The part's name.
        key: &'static str,
        /// Its text.
        found: String,
    },
    /// A value that the part cannot have.
    #[error("{key:?}: expected {expected}, found {found:?}")]
    Value {
        /// The part's name.
        key: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
}

const KEYS: [&str; 10] = ["q", "columns", "sort", "group", "runs", "pinned", "tab", "equal", "axes", "closed"];

impl View {
    /// As the text of a link, from the `#` on.
    pub fn to_link(&self) -> String {
        let names = |names: &[String]| names.iter().map(|name| encoded(name)).collect::<Vec<_>>().join(",");
        let sort = self.sort.iter().map(|key| {
            let sign = if key.descending { "-" } else { "" };
            // A name of its own with a minus in front would be read as an order.
            let name = encoded(&key.column);
            let name = name.strip_prefix('-').map_or_else(|| name.clone(), |rest| format!("%2D{rest}"));
            format!("{sign}{name}")
        });
        let tab = if self.tab == Tab::default() { "" } else { self.tab.word() };
        let values = [
            encoded(&self.query),
            names(&self.columns),
            sort.collect::<Vec<_>>().join(","),
            names(&self.group),
            self.selected.iter().map(RunKey::as_str).collect::<Vec<_>>().join(","),
            self.pinned.as_ref().map(RunKey::to_string).unwrap_or_default(),
            tab.into(),
            if self.with_equal { "1".into() } else { String::new() },
            names(&self.axes),
            names(&self.closed),
        ];
        let mut link = String::from(PREFIX);
        for (key, value) in KEYS.iter().zip(values).filter(|(_, value)| !value.is_empty()) {
            let sign = if link == PREFIX { '?' } else { '&' };
            let _ = write!(link, "{sign}{key}={value}");
        }
        link
    }

    /// From the text of a link.
    ///
    /// # Errors
    /// A text that is no link to a view, or one that was cut off.
    pub fn from_link(link: &str) -> Result<Self, ViewError> {
        let other = || ViewError::SomethingElse { found: link.chars().take(20).collect() };
        let rest = link.strip_prefix(PREFIX).or_else(|| link.strip_prefix(&PREFIX[1..])).ok_or_else(other)?;
        let mut view = Self::default();
        if rest.is_empty() {
            return Ok(view);
        }
        let rest = rest.strip_prefix('?').ok_or_else(other)?;
        let mut seen = Vec::new();
        for part in rest.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let unknown = || ViewError::UnknownKey { found: name.into() };
            let key = KEYS.into_iter().find(|key| *key == name).ok_or_else(unknown)?;
            if seen.contains(&key) {
                return Err(ViewError::Twice { key });
            }
            seen.push(key);
            let text = |value: &str| {
                decoded(value).ok_or_else(|| ViewError::Encoding { key, found: value.chars().take(40).collect() })
            };
            let texts = |value: &str| split(value).map(&text).collect::<Result<Vec<_>, _>>();
            let wrong = |expected: &str, found: &str| ViewError::Value {
                key,
                expected: expected.into(),
                found: found.chars().take(40).collect(),
            };
            let run = |value: &str| {
                RunKey::new(&text(value)?).map_err(|_| wrong("the key of a run: letters, digits, - and _", value))
            };
            match key {
                "q" => view.query = text(value)?,
                "columns" => view.columns = texts(value)?,
                "sort" => {
                    for part in split(value) {
                        let (descending, name) = part.strip_prefix('-').map_or((false, part), |name| (true, name));
                        view.sort.push(SortKey { column: text(name)?, descending });
                    }
                }
                "group" => view.group = texts(value)?,
                "runs" => view.selected = split(value).map(run).collect::<Result<_, _>>()?,
                "pinned" => view.pinned = if value.is_empty() { None } else { Some(run(value)?) },
                "tab" => {
                    let tab = Tab::ALL.into_iter().find(|tab| tab.word() == value);
                    view.tab = match tab {
                        Some(tab) => tab,
                        None if value.is_empty() => Tab::default(),
                        None => return Err(wrong(&Tab::ALL.map(Tab::word).join(", "), value)),
                    };
                }
                "equal" => {
                    view.with_equal = match value {
                        "1" => true,
                        "0" | "" => false,
                        other => return Err(wrong("0 or 1", other)),
                    }
                }
                "axes" => view.axes = texts(value)?,
                _ => view.closed = texts(value)?,
            }
        }
        Ok(view)
    }
}

/// The items of a list.
fn split(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').filter(|item| !item.is_empty())
}

/// Percent-encoded, with what reads well in a fragment left as it is, and a plus for a space.
fn encoded(text: &str) -> String {
    let mut link = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b'!'
            | b'*'
            | b':'
            | b'/'
            | b'@'
            | b'=' => link.push(char::from(byte)),
            b' ' => link.push('+'),
            other => _ = write!(link, "%{other:02X}"),
        }
    }
    link
}

fn decoded(link: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(link.len());
    let mut rest = link.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                let digits = std::str::from_utf8(digits).ok()?;
                // The parser of numbers takes a sign, too.
                let digits = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = after;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}
