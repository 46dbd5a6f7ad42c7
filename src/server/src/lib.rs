//! Models behind a real address: a registry's folder, its keys, and the server that answers.

mod folder;
mod http;
mod keys;
mod state;

pub use folder::{Folder, now_ms};
pub use http::{Options, serve};
pub use keys::{Key, Keys, NewKey, Scope, Slot};
