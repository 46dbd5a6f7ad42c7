//! What models, aliases, endpoints and deployments are called.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A name that may stand in a path and in an address.
///
/// Invariant: 1 to 64 of `a-z A-Z 0-9 - _ .`, not beginning with a dot, and not a number, so that it is never taken for a
/// version. Kept by `new`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Text that is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} cannot be a name: {why}")]
pub struct NameError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Name {
    /// # Errors
    /// Text that is no name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let why = if text.is_empty() {
            "it is empty"
        } else if text.len() > 64 {
            "it has more than 64 characters"
        } else if !text.chars().all(is_allowed) {
            "only a-z, A-Z, 0-9, - _ and . may stand in it"
        } else if text.starts_with('.') {
            "it begins with a dot"
        } else if text.chars().all(|c| c.is_ascii_digit()) {
            "a number is a version"
        } else {
            return Ok(Self(text.into()));
        };
        Err(NameError { text: text.into(), why })
    }

    /// A name as near to a title as can be: "Churn, 2nd try" gives `churn-2nd-try`.
    pub fn from_title(title: &str) -> Option<Self> {
        let mut text = String::new();
        for c in title.chars() {
            if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') {
                text.push(c.to_ascii_lowercase());
            } else if !text.is_empty() && !text.ends_with('-') {
                text.push('-');
            }
        }
        text.truncate(64);
        Self::new(text.trim_matches(['-', '.'])).ok()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_into_a_path_and_is_never_a_version() {
        for good in ["churn", "Churn_2.b", "v3", "3a"] {
            assert_eq!(Name::new(good).expect("it fits").as_str(), good);
        }
        for bad in ["", "3", "a/b", "..", ".a", "ü", &"a".repeat(65)] {
            assert!(Name::new(bad).is_err(), "{bad:?} was taken");
        }
        assert_eq!(Name::new("12").unwrap_err().to_string(), "\"12\" cannot be a name: a number is a version");
    }

    #[test]
    fn a_title_gives_a_name() {
        assert_eq!(Name::from_title("Churn, 2nd try").expect("a name").as_str(), "churn-2nd-try");
        assert_eq!(Name::from_title("  (Iris) ").expect("a name").as_str(), "iris");
        assert_eq!(Name::from_title("…"), None);
        assert_eq!(Name::from_title("2024"), None);
    }
}
