//! One file with a model and all that is known about it.
//!
//! ```text
//! "MILLRACE" | format: u32 | length of the header: u32 | header: JSON | model: postcard, format 1
//! ```
//!
//! Numbers are little-endian. The header can be read without knowing what a model is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Card, Reference, Signature};

/// The version of the format that is written; it goes up when the meaning of a byte changes.
pub const PACKAGE_FORMAT: u32 = 1;
const MAGIC: &[u8; 8] = b"MILLRACE";
const PREFIX: usize = 16;
/// A header is kilobytes; more is no header.
const MAX_HEADER: usize = 16 << 20;

/// All that is known about a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// What it takes and gives.
    pub signature: Signature,
    /// What its training rows looked like.
    pub reference: Reference,
    /// Where it comes from.
    pub card: Card,
}

/// A model and all that is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// What is known.
    pub header: Header,
    /// The model, encoded.
    pub model: Vec<u8>,
}

/// Names a package by its bytes.
///
/// Invariant: 64 of `0-9 a-f`. Kept by `of` and `new`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(String);

impl Hash {
    /// BLAKE3 of a package's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex().to_string())
    }

    /// # Errors
    /// Text that is no hash.
    pub fn new(text: &str) -> Result<Self, String> {
        let fits = text.len() == 64 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if fits { Ok(Self(text.into())) } else { Err(format!("{text:?} is no hash: 64 of 0-9 and a-f are")) }
    }

    /// The hash as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Enough of it to tell packages apart by eye.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl TryFrom<String> for Hash {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text)
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.0
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a package is kept, counted from the registry's folder.
pub fn path_of_package(hash: &Hash) -> String {
    format!("packages/{hash}.millrace")
}

/// Bytes that are no package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// Something else.
    #[error("this is no packaged model: it does not begin with \"MILLRACE\"")]
    NoPackage,
    /// A later version wrote it.
    #[error(
        "it is of format {found}, and this version of Millrace reads up to {PACKAGE_FORMAT}: open it with a newer one"
    )]
    Newer {
        /// Its format.
        found: u32,
    },
    /// It ends too early.
    #[error("it has {found} bytes where at least {expected} are expected: it was cut off, copy it again")]
    CutOff {
        /// Bytes there are.
        found: usize,
        /// Bytes there should be.
        expected: usize,
    },
    /// Its header is not as it should be.
    #[error("its header cannot be read: {0}")]
    Header(String),
}

impl Package {
    /// As a file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = serde_json::to_vec(&self.header).expect("a header is plain data with text as keys");
        let mut bytes = Vec::with_capacity(PREFIX + header.len() + self.model.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&PACKAGE_FORMAT.to_le_bytes());
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&self.model);
        bytes
    }

    /// From a file's bytes. The model is not looked into.
    ///
    /// # Errors
    /// Bytes that are no package, or one of a later format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PackageError> {
        let cut_off = |expected| PackageError::CutOff { found: bytes.len(), expected };
        if !bytes.starts_with(MAGIC) {
            return Err(if MAGIC.starts_with(bytes) { cut_off(PREFIX) } else { PackageError::NoPackage });
        }
        let number = |at: usize| -> Result<u32, PackageError> {
            let four = bytes.get(at..at + 4).ok_or(cut_off(PREFIX))?;
            Ok(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        };
        let format = number(8)?;
        if format > PACKAGE_FORMAT {
            return Err(PackageError::Newer { found: format });
        }
        let n_header = number(12)? as usize;
        if n_header > MAX_HEADER {
            return Err(PackageError::Header(format!("{n_header} bytes are too many for one")));
        }
        let header = bytes.get(PREFIX..PREFIX + n_header).ok_or(cut_off(PREFIX + n_header))?;
        let header = serde_json::from_slice(header).map_err(|error| PackageError::Header(error.to_string()))?;
        Ok(Self { header, model: bytes[PREFIX + n_header..].to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Predicts;

    fn package() -> Package {
        let signature = Signature { inputs: Vec::new(), predicts: Predicts::Number { name: "y".into() } };
        let header = Header { signature, reference: Reference::default(), card: Card::default() };
        Package { header, model: vec![1, 2, 3] }
    }

    #[test]
    fn a_package_comes_back_as_it_was_written() {
        let bytes = package().to_bytes();
        assert_eq!(Package::from_bytes(&bytes), Ok(package()));
    }

    #[test]
    fn bytes_that_are_no_package_say_why() {
        let bytes = package().to_bytes();
        for cut in 0..bytes.len() - 3 {
            let error = Package::from_bytes(&bytes[..cut]).expect_err("it is not whole");
            assert!(matches!(error, PackageError::CutOff { .. }), "cut at {cut}: {error}");
        }
        assert_eq!(Package::from_bytes(b"PK\x03\x04"), Err(PackageError::NoPackage));
        let mut newer = bytes.clone();
        newer[8] = 9;
        assert_eq!(Package::from_bytes(&newer), Err(PackageError::Newer { found: 9 }));
        let mut broken = bytes;
        broken[16] = b'x';
        assert!(matches!(Package::from_bytes(&broken), Err(PackageError::Header(_))));
    }
}
