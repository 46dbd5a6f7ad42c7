//! What the script sees of the program. There is no glue between them: a classic service worker cannot load any.
#![allow(unsafe_code, reason = "exporting a name and declaring an import are unsafe in themselves")]

use std::cell::RefCell;

use crate::State;
use crate::message::{read, write};

thread_local! {
    static INBOX: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTBOX: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static STATE: RefCell<State> = RefCell::default();
}

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Seconds on the script's clock.
    safe fn seconds() -> f64;
}

/// Makes room for a message of so many bytes, which is to be written to where this points.
#[unsafe(no_mangle)]
extern "C" fn inbox(n_bytes: usize) -> *mut u8 {
    INBOX.with_borrow_mut(|inbox| {
        inbox.clear();
        inbox.resize(n_bytes, 0);
        inbox.as_mut_ptr()
    })
}

/// Answers the message in the inbox; gives the length of the answer.
#[unsafe(no_mangle)]
extern "C" fn call() -> usize {
    let inbox = INBOX.take();
    let out = match read(&inbox) {
        Ok((message, bytes)) => STATE.with_borrow_mut(|state| state.take(message, bytes, &|| seconds())),
        Err(reason) => (crate::Out::Refused { message: reason }, Vec::new()),
    };
    OUTBOX.with_borrow_mut(|outbox| {
        *outbox = write(&out.0, &out.1);
        outbox.len()
    })
}

/// Where the answer is, until the next call.
#[unsafe(no_mangle)]
extern "C" fn outbox() -> *const u8 {
    OUTBOX.with_borrow(|outbox| outbox.as_ptr())
}
