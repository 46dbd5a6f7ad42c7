//! Finds the line and column of a part of a JSON text.

use std::fmt;

/// One step into JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the field of an object.
    Field(String),
    /// To the item of a list.
    Item(usize),
}

impl From<&str> for Step {
    fn from(name: &str) -> Self {
        Self::Field(name.into())
    }
}

impl From<usize> for Step {
    fn from(item_idx: usize) -> Self {
        Self::Item(item_idx)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => f.write_str(name),
            Self::Item(item_idx) => write!(f, "{item_idx}"),
        }
    }
}

/// Line and column, counted from 1, of what lies at the end of a way, or of the last part of the way that is there
/// (a migration may have moved the rest). The text has been parsed before, so that it is known to be JSON.
pub fn locate(text: &str, way: &[Step]) -> (usize, usize) {
    let mut scanner = Scanner { text, at: 0 };
    scanner.space();
    for step in way {
        let before = scanner.at;
        if !scanner.enter(step) {
            scanner.at = before;
            break;
        }
    }
    let before = text.get(..scanner.at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    (line, column)
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while self.byte().is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b':')) {
            self.at += 1;
        }
    }

    /// Goes to the value of a field or to an item.
    fn enter(&mut self, step: &Step) -> bool {
        let Some(b'{' | b'[') = self.byte() else { return false };
        self.at += 1;
        let mut item_idx = 0;
        loop {
            self.space();
            match (self.byte(), step) {
                (None | Some(b'}' | b']'), _) => return false,
                (Some(_), Step::Field(wanted)) => {
                    let start = self.at;
                    self.value();
                    let name = self.text.get(start..self.at).unwrap_or_default();
                    self.space();
                    if serde_json::from_str::<String>(name).is_ok_and(|name| name == *wanted) {
                        return true;
                    }
                    self.value();
                }
                (Some(_), Step::Item(wanted)) => {
                    if item_idx == *wanted {
                        return true;
                    }
                    self.value();
                    item_idx += 1;
                }
            }
        }
    }

    /// Goes past one value.
    fn value(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.byte() {
            match byte {
                b'"' => {
                    self.at += 1;
                    while let Some(byte) = self.byte() {
                        self.at += if byte == b'\\' { 2 } else { 1 };
                        if byte == b'"' {
                            break;
                        }
                    }
                    if depth == 0 {
                        return;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    if depth <= 1 {
                        self.at += usize::from(depth == 1);
                        return;
                    }
                    depth -= 1;
                }
                b',' if depth == 0 => return,
                _ => {}
            }
            self.at += 1;
        }
    }
}
