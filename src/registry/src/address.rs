//! How a registered model is named from outside: `models:/churn/3`, `models:/churn@champion`.

use std::fmt;
use std::str::FromStr;

use crate::{Name, NameError};

/// A registered model from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The model.
    pub model: Name,
    /// Which version of it.
    pub which: Which,
}

/// Which version of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The newest that is not archived.
    Latest,
    /// This one.
    Version(u32),
    /// The one that has this alias.
    Alias(Name),
}

/// Text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not begin as one.
    #[error("{0:?} is no address of a model: expected models:/NAME, models:/NAME/VERSION or models:/NAME@ALIAS")]
    Form(String),
    /// Its version is none.
    #[error("{0:?} is no version: versions are 1, 2, 3…")]
    Version(String),
    /// A name in it is none.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Which {
    /// A version's number or an alias, as it stands in a path.
    ///
    /// # Errors
    /// Text that is neither.
    pub fn from_segment(text: &str) -> Result<Self, AddressError> {
        if !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit()) {
            return match text.parse() {
                Ok(version) if version > 0 => Ok(Self::Version(version)),
                _ => Err(AddressError::Version(text.into())),
            };
        }
        Ok(Self::Alias(Name::new(text)?))
    }
}

impl FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let rest = text.strip_prefix("models:/").ok_or_else(|| AddressError::Form(text.into()))?;
        if let Some((model, alias)) = rest.split_once('@') {
            return Ok(Self { model: Name::new(model)?, which: Which::Alias(Name::new(alias)?) });
        }
        let Some((model, version)) = rest.split_once('/') else {
            return Ok(Self { model: Name::new(rest)?, which: Which::Latest });
        };
        match Which::from_segment(version)? {
            which @ Which::Version(_) => Ok(Self { model: Name::new(model)?, which }),
            Which::Latest | Which::Alias(_) => Err(AddressError::Version(version.into())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.which {
            Which::Latest => write!(f, "models:/{}", self.model),
            Which::Version(version) => write!(f, "models:/{}/{version}", self.model),
            Which::Alias(alias) => write!(f, "models:/{}@{alias}", self.model),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back_as_they_were_written() {
        for text in ["models:/churn", "models:/churn/3", "models:/churn@champion"] {
            assert_eq!(text.parse::<Address>().expect("an address").to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        let why = |text: &str| text.parse::<Address>().unwrap_err().to_string();
        assert!(why("churn").contains("expected models:/NAME"));
        assert_eq!(why("models:/churn/0"), "\"0\" is no version: versions are 1, 2, 3…");
        assert_eq!(why("models:/churn/champion"), "\"champion\" is no version: versions are 1, 2, 3…");
        assert_eq!(why("models:/a b/1"), "\"a b\" cannot be a name: only a-z, A-Z, 0-9, - _ and . may stand in it");
    }
}
