//! Letting other messages in: a task posted to ourselves comes after those that wait already,
//! and unlike a timeout it is not held back for four milliseconds.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageChannel, MessagePort};

/// Takes breaths.
pub struct Breath {
    port: MessagePort,
    waiting: Rc<RefCell<Vec<Function>>>,
    _on_message: Closure<dyn FnMut()>,
}

impl Breath {
    /// Opens a channel to ourselves.
    pub fn new() -> Self {
        let channel = MessageChannel::new().expect("every browser with WebAssembly has message channels");
        let waiting: Rc<RefCell<Vec<Function>>> = Rc::default();
        let resolve_all = Rc::clone(&waiting);
        let on_message = Closure::<dyn FnMut()>::new(move || {
            for resolve in resolve_all.borrow_mut().drain(..) {
                let _ = resolve.call0(&JsValue::UNDEFINED);
            }
        });
        channel.port1().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Self { port: channel.port2(), waiting, _on_message: on_message }
    }

    /// Comes back when waiting messages have been seen to.
    pub async fn take(&self) {
        let promise = Promise::new(&mut |resolve, _| self.waiting.borrow_mut().push(resolve));
        if self.port.post_message(&JsValue::UNDEFINED).is_ok() {
            let _ = JsFuture::from(promise).await;
        }
    }
}
