//! Whether anything is still pending: calls, saves, frames to be drawn.
//!
//! `<html data-idle="true">` says that nothing is, which is what tests wait for instead of sleeping.

use std::cell::Cell;

use crate::dom;

thread_local! {
    static N_PENDING: Cell<u32> = const { Cell::new(0) };
    static N_FRAMES: Cell<u32> = const { Cell::new(0) };
}

/// Something is pending for as long as this lives.
pub struct Busy {
    is_drawing: bool,
}

impl Busy {
    /// One more thing is pending.
    pub fn begin() -> Self {
        Self::counted(false)
    }

    /// One more frame is to be drawn. A hidden tab draws nothing until it is shown again, so there it counts for nothing.
    pub fn drawing() -> Self {
        Self::counted(true)
    }

    fn counted(is_drawing: bool) -> Self {
        let busy = Self { is_drawing };
        busy.count(|n| n + 1);
        busy
    }

    fn count(&self, change: impl Fn(u32) -> u32) {
        let counter = if self.is_drawing { &N_FRAMES } else { &N_PENDING };
        counter.set(change(counter.get()));
        write();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.count(|n| n - 1);
    }
}

/// Writes the attribute: at the start, then with every change, also of whether the tab is shown.
pub fn write() {
    let document = dom::document();
    let n_frames = if document.hidden() { 0 } else { N_FRAMES.get() };
    if let Some(root) = document.document_element() {
        // Setting an attribute with a fixed, valid name cannot fail.
        let _ = root.set_attribute("data-idle", if N_PENDING.get() + n_frames == 0 { "true" } else { "false" });
    }
}
