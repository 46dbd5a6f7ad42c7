//! Models behind a real address: a registry's folder, its keys, the server that answers, and requests to try it with.

mod caller;
mod client;
mod counted;
mod folder;
mod http;
mod keys;
mod load;
mod records;
mod state;
mod studio;

pub use caller::Caller;
pub use folder::{Folder, now_ms};
pub use http::{Options, serve};
pub use keys::{Key, Keys, NewKey, Scope, Slot};
pub use load::{Columns, Fault, Load, Outcome, load};
