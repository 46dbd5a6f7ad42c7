//! What is printed. A reader that has gone, as in `millrace components | head`, has seen enough: it is no error, and
//! changes nothing about how the call ends.

use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};

/// Prints on standard output, as it is.
///
/// # Errors
/// The output cannot be written, as on a full disk.
pub fn out(text: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("the output cannot be written"),
        Err(_) | Ok(()) => Ok(()),
    }
}

/// Prints on standard error, as it is.
pub fn aside(text: &str) {
    let mut output = io::stderr().lock();
    // There is nowhere left to complain to.
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}
