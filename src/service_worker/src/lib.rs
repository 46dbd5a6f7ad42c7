//! The endpoint that lives in the browser: what `public/sw.js` asks about each request.
//!
//! The script moves bytes and waits for the database; everything else is decided here, by the crates that the server is
//! made of. A service worker may be ended at any time, so nothing is kept here that the script does not also keep in its
//! database: it hands the registry's log and the packages in when it starts, and takes out what was counted.
//!
//! A call is one message in and one out, in the same form: the length of a JSON text (4 bytes, little-endian), the text,
//! and bytes that belong to it.

mod message;
mod state;

pub use message::{Asked, In, Out, Taken, read, write};
pub use state::State;

#[cfg(target_arch = "wasm32")]
mod exports;
