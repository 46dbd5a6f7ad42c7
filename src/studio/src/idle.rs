//! Whether anything is still pending: calls, saves, frames to be drawn.
//!
//! `<html data-idle="true">` says that nothing is, which is what tests wait for instead of sleeping.

use std::cell::Cell;

thread_local! {
    static N_PENDING: Cell<u32> = const { Cell::new(0) };
}

/// Something is pending for as long as this lives.
pub struct Busy(());

impl Busy {
    /// One more thing is pending.
    pub fn begin() -> Self {
        N_PENDING.set(N_PENDING.get() + 1);
        write();
        Self(())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        N_PENDING.set(N_PENDING.get() - 1);
        write();
    }
}

/// Writes the attribute; once at the start, then with every change.
pub fn write() {
    if let Some(root) = crate::dom::document().document_element() {
        // Setting an attribute with a fixed, valid name cannot fail.
        let _ = root.set_attribute("data-idle", if N_PENDING.get() == 0 { "true" } else { "false" });
    }
}
