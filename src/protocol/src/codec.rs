//! Envelopes and bytes.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Failure, Reply, Request, RunEvent};

/// A call on its way to the worker. A file travels beside it, as the browser's own handle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToWorker {
    /// Comes back with the reply.
    pub call_id: u32,
    /// What is asked.
    pub request: Request,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// The one answer to a call.
    Reply(u32, Result<Reply, Failure>),
    /// Something happened in a run.
    Event(RunEvent),
}

/// A part of a message that only those take apart who show it: the page's first program hands it on, and knows nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Sealed<T> {
    bytes: Vec<u8>,
    #[serde(skip)]
    of: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Sealed<T> {
    /// Of this.
    pub fn new(content: &T) -> Self {
        Self { bytes: encode(content), of: PhantomData }
    }

    /// What is in it.
    ///
    /// # Errors
    /// Page and worker are of two versions.
    pub fn open(&self) -> Result<T, Failure> {
        decode(&self.bytes).map_err(|error| Failure::new(error.to_string(), "Reload the page."))
    }
}

/// Bytes that are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a message of {n_bytes} bytes does not decode ({reason}): reload the page, so that page and worker are of one version"
)]
pub struct DecodeError {
    /// How long it was.
    pub n_bytes: usize,
    /// What the codec said.
    pub reason: String,
}

/// A message as bytes.
pub fn encode<M: Serialize>(message: &M) -> Vec<u8> {
    postcard::to_stdvec(message).expect("messages are plain data, which always encodes")
}

/// A message from bytes.
///
/// # Errors
/// Bytes that were not made by `encode` of the same type and version.
pub fn decode<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, DecodeError> {
    postcard::from_bytes(bytes).map_err(|error| DecodeError { n_bytes: bytes.len(), reason: error.to_string() })
}
