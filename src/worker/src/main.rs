//! The engine in a Web Worker, behind a message loop.
//!
//! A message is `{ bytes: ArrayBuffer, file?: File }` with an encoded [`ToWorker`]; every answer is one
//! `ArrayBuffer` with an encoded [`FromWorker`]. Calls are answered as they come, also while a run goes on.

mod answer;
mod breath;
mod crew;
mod database;
mod files;
mod gpu;
mod helper;
mod host;
mod sights;
mod standings;
mod sweeps;

use std::rc::Rc;

use js_sys::{Array, Reflect, Uint8Array};
use protocol::{Failure, FromWorker, ToWorker, decode, encode};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use crate::answer::Session;

fn main() {
    if scope().name() == crew::NAME {
        helper::serve();
        return;
    }
    let session = Rc::new(Session::new());
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        let session = Rc::clone(&session);
        spawn_local(async move { receive(&session, message.data()).await });
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    // The page may have called before anyone listened; it starts when it hears this.
    post_ready();
}

async fn receive(session: &Rc<Session>, data: JsValue) {
    let field = |name: &str| Reflect::get(&data, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED);
    let bytes = Uint8Array::new(&field("bytes")).to_vec();
    let answer = match decode::<ToWorker>(&bytes) {
        Ok(ToWorker { call_id, request }) => {
            FromWorker::Reply(call_id, session.answer(request, field("file").dyn_into().ok()).await)
        }
        Err(error) => FromWorker::Reply(u32::MAX, Err(Failure::new(error.to_string(), "Reload the page."))),
    };
    post(&answer);
}

/// Sends a message to the page; its bytes are handed over, not copied.
pub(crate) fn post(message: &FromWorker) {
    let buffer = Uint8Array::from(encode(message).as_slice()).buffer();
    // Posting plain bytes to a living page cannot fail, and a page that is gone does not listen.
    let _ = scope().post_message_with_transfer(&buffer, &Array::of1(&buffer));
}

fn post_ready() {
    let _ = scope().post_message(&JsValue::from_str("ready"));
}

pub(crate) fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}
