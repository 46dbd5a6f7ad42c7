//! One writer per document: the first tab holds a lock, others look on until they take it over.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;

use crate::dom;

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// This tab writes.
    Ours,
    /// Another tab does.
    Theirs,
}

/// A document that this tab writes, or wishes to.
pub struct DocumentLock {
    release: Rc<RefCell<Option<Function>>>,
}

impl Drop for DocumentLock {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            // Resolving a promise cannot fail.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

impl DocumentLock {
    /// Asks for the document `id`; `heard` is told who has it, now and when another tab takes it over.
    pub fn request(id: &str, take_over: bool, heard: impl Fn(Hold) + 'static) -> Self {
        let release: Rc<RefCell<Option<Function>>> = Rc::default();
        let lock = Self { release: Rc::clone(&release) };
        let heard = Rc::new(heard);
        let locks = Reflect::get(&dom::window().navigator(), &"locks".into()).unwrap_or(JsValue::UNDEFINED);
        let request = Reflect::get(&locks, &"request".into()).ok().and_then(|f| f.dyn_into::<Function>().ok());
        let Some(request) = request else {
            // Browsers without locks, before 2022: every tab writes, the last one wins.
            heard(Hold::Ours);
            return lock;
        };
        let options = Object::new();
        let option = if take_over { "steal" } else { "ifAvailable" };
        // A plain property on an object of our own is always set.
        let _ = Reflect::set(&options, &option.into(), &JsValue::TRUE);
        let granted_heard = Rc::clone(&heard);
        let granted = Closure::once_into_js(move |given: JsValue| -> JsValue {
            if given.is_null() || given.is_undefined() {
                granted_heard(Hold::Theirs);
                return JsValue::UNDEFINED;
            }
            granted_heard(Hold::Ours);
            Promise::new(&mut |resolve, _| {
                release.replace(Some(resolve));
            })
            .into()
        });
        let asked = request.call3(&locks, &format!("millrace-{id}").into(), &options, &granted);
        if let Ok(promise) = asked.and_then(|promise| promise.dyn_into::<Promise>()) {
            wasm_bindgen_futures::spawn_local(async move {
                if wasm_bindgen_futures::JsFuture::from(promise).await.is_err() {
                    heard(Hold::Theirs);
                }
            });
        }
        lock
    }
}
