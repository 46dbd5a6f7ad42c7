//! Letting other messages in: a task posted to ourselves comes after those that wait already,
//! and unlike a timeout it is not held back for four milliseconds.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use js_sys::{Function, Promise};
use protocol::Motion;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageChannel, MessagePort};

use crate::crew::now_ms;
use crate::scope;

/// Takes breaths.
pub struct Breath {
    port: MessagePort,
    waiting: Rc<RefCell<Vec<Function>>>,
    rested_ms: Cell<f64>,
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
        Self { port: channel.port2(), waiting, rested_ms: Cell::new(0.0), _on_message: on_message }
    }

    /// Drives work to its end; wherever it rests, waiting messages are seen to first.
    pub async fn between<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
                Poll::Ready(result) => return result,
                Poll::Pending => self.take().await,
            }
        }
    }

    /// Comes back when waiting messages have been seen to.
    pub async fn take(&self) {
        /// Of the page's messages. Two loops that breathe in turn keep our own port so busy that Chromium lets the
        /// page wait for seconds; a timer gives everybody a turn.
        const LONGEST_WAIT_MS: f64 = 40.0;
        if now_ms() - self.rested_ms.get() > LONGEST_WAIT_MS {
            return self.rest(0).await;
        }
        let promise = Promise::new(&mut |resolve, _| self.waiting.borrow_mut().push(resolve));
        if self.port.post_message(&JsValue::UNDEFINED).is_ok() {
            let _ = JsFuture::from(promise).await;
        }
    }

    /// As long a breath as a run that moves like this leaves time for.
    pub async fn at(&self, motion: Motion) {
        const PAUSE_MS: i32 = 50;
        match motion {
            Motion::Paused => self.rest(PAUSE_MS).await,
            Motion::Free | Motion::OnePass => self.take().await,
        }
    }

    /// Comes back after so many milliseconds, for which messages have all the time there is.
    pub async fn rest(&self, ms: i32) {
        let timer = Promise::new(&mut |resolve, _| {
            // Without a timer the promise would stay open for ever.
            if scope().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms).is_err() {
                let _ = resolve.call0(&JsValue::UNDEFINED);
            }
        });
        let _ = JsFuture::from(timer).await;
        self.rested_ms.set(now_ms());
    }
}
