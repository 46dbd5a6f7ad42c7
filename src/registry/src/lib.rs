//! Models that were registered, and where they are deployed, as plain data: names, versions, aliases, signatures and
//! the log of who changed what.
//!
//! The page, the service worker, the server and the command line read one layout:
//!
//! ```text
//! events.ndjson                    what happened, a line each; the state is what it adds up to
//! packages/<hash>.millrace         a model with its signature, reference statistics and card
//! ```
//!
//! Nothing here predicts: the model within a [`Package`] is bytes that only an endpoint looks into.

mod address;
mod card;
mod endpoint;
mod event;
mod log;
mod name;
mod package;
mod reference;
mod sample;
mod signature;

pub use address::{Address, AddressError, Which};
pub use card::{Card, Metric, Setting, Step};
pub use endpoint::{Deployment, Endpoint, Live, Share, TrafficError, bucket_of};
pub use event::{Change, Event};
pub use log::{Alert, ChangeError, Log, ModelEntry, ReadError, Registry, Version};
pub use name::{Name, NameError};
pub use package::{Hash, Header, PACKAGE_FORMAT, Package, PackageError, path_of_package};
pub use reference::{ColumnReference, Reference, SAMPLE_LIMIT, Shape, bin_of};
pub use sample::datatype;
pub use signature::{Cell, Field, Predicts, Signature};
