//! Talking to the engine's worker: `link.call(Preview { .. }).await`.
//!
//! A worker that breaks or hangs is replaced. Its pending calls then end with a clear failure; the document
//! lives in the page and knows nothing of it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use gloo::timers::callback::Interval;
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use leptos::prelude::*;
use protocol::{AddFile, Answer, Call, Failure, FileAdded, FromWorker, Reply, Request, RunEvent, Sealed, ToWorker};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, File, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::dom;
use crate::idle::Busy;

/// A worker that has pending calls and says nothing for this long is taken for dead.
const SILENCE_SECS: f64 = 20.0;
const PULSE_SECS: f64 = 4.0;

/// The way to the worker. A handle: copies lead to the same one.
#[derive(Clone, Copy)]
pub struct Link(StoredValue<Rc<Inner>, LocalStorage>);

/// What the page hears without having asked.
pub enum News {
    /// Something happened in a run.
    Run(RunEvent),
    /// The worker broke and another took its place; what it had computed is gone.
    Replaced(Failure),
    /// The worker did not start. Another would fare no better, so there is none now.
    Lost(Failure),
}

type Listener = Box<dyn Fn(News)>;

struct Inner {
    worker: RefCell<Option<Running>>,
    pending: RefCell<BTreeMap<u32, Rc<Slot>>>,
    next_id: Cell<u32>,
    heard_at: Cell<f64>,
    /// The worker has loaded: it has said something.
    has_spoken: Cell<bool>,
    listener: RefCell<Option<Rc<Listener>>>,
    pulse: RefCell<Option<Interval>>,
}

struct Running {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
    _on_unreadable: Closure<dyn FnMut(MessageEvent)>,
}

struct Slot {
    answer: RefCell<Option<Result<Reply, Failure>>>,
    waker: RefCell<Option<Waker>>,
    _busy: Busy,
}

impl Slot {
    fn settle(&self, answer: Result<Reply, Failure>) {
        self.answer.replace(Some(answer));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Link {
    /// Starts the worker.
    pub fn start() -> Self {
        let inner = Rc::new(Inner {
            worker: RefCell::default(),
            pending: RefCell::default(),
            next_id: Cell::new(1),
            heard_at: Cell::new(dom::now_ms()),
            has_spoken: Cell::new(false),
            listener: RefCell::default(),
            pulse: RefCell::default(),
        });
        inner.launch();
        let watched = Rc::downgrade(&inner);
        inner.pulse.replace(Some(Interval::new((PULSE_SECS * 1_000.0) as u32, move || {
            if let Some(inner) = watched.upgrade() {
                inner.feel_pulse();
            }
        })));
        Self(StoredValue::new_local(inner))
    }

    /// Who hears the news; the last one set.
    pub fn listen(self, listener: impl Fn(News) + 'static) {
        self.0.with_value(|inner| inner.listener.replace(Some(Rc::new(Box::new(listener)))));
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the worker says against it; a worker that broke before it could answer.
    pub async fn call<C: Call<Reply = Answer<C>> + protocol::Answers>(self, call: C) -> Result<C::Of, Failure>
    where
        Answer<C>: TryFrom<Reply>,
    {
        match Answer::<C>::try_from(self.exchange(call.into(), None).await?) {
            Ok(answer) => Ok(answer.0),
            Err(_) => Err(mismatch()),
        }
    }

    /// Asks, waits for the answer, and takes it apart.
    ///
    /// # Errors
    /// As `call`.
    pub async fn unsealed<C, T>(self, call: C) -> Result<T, Failure>
    where
        C: Call<Reply = Answer<C>> + protocol::Answers<Of = Sealed<T>>,
        Answer<C>: TryFrom<Reply>,
        T: Serialize + DeserializeOwned,
    {
        self.call(call).await?.open()
    }

    /// Hands a file of the user's to the worker.
    ///
    /// # Errors
    /// The browser cannot read it.
    pub async fn add_file(self, file: File) -> Result<FileAdded, Failure> {
        let request = Request::AddFile(AddFile { name: file.name() });
        match self.exchange(request, Some(file)).await? {
            Reply::AddFile(added) => Ok(added),
            _ => Err(mismatch()),
        }
    }

    /// Replaces the worker: what it is doing ends, and its pending calls fail.
    pub fn replace(self, why: Failure) {
        self.0.with_value(Rc::clone).fall(why);
    }

    /// Ends the worker for good: its pending calls fail, and none takes its place.
    pub fn end(self) {
        let inner = self.0.with_value(Rc::clone);
        inner.pulse.replace(None);
        inner.has_spoken.set(false);
        inner.fall(not_started());
    }

    async fn exchange(self, request: Request, file: Option<File>) -> Result<Reply, Failure> {
        let inner = self.0.with_value(Rc::clone);
        if inner.pending.borrow().is_empty() {
            // Silence counts from here on: before, there was nothing to say.
            inner.heard_at.set(dom::now_ms());
        }
        let call_id = inner.next_id.get();
        inner.next_id.set(call_id + 1);
        let slot = Rc::new(Slot { answer: RefCell::default(), waker: RefCell::default(), _busy: Busy::begin() });
        inner.pending.borrow_mut().insert(call_id, Rc::clone(&slot));
        if let Err(failure) = inner.send(&ToWorker { call_id, request }, file.as_ref()) {
            inner.pending.borrow_mut().remove(&call_id);
            return Err(failure);
        }
        poll_fn(|context| match slot.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                slot.waker.replace(Some(context.waker().clone()));
                Poll::Pending
            }
        })
        .await
    }
}

fn mismatch() -> Failure {
    Failure::new("the worker answered another question", "Reload the page, so that page and worker are of one version.")
}

impl Inner {
    fn launch(self: &Rc<Self>) {
        let address = dom::document()
            .document_element()
            .and_then(|root| root.get_attribute("data-worker"))
            .unwrap_or_else(|| "assets/start-worker.js".to_owned());
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let Ok(worker) = Worker::new_with_options(&address, &options) else {
            return;
        };
        let heard = Rc::downgrade(self);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
            if let Some(inner) = heard.upgrade() {
                inner.hear(&message.data());
            }
        });
        let fallen = Rc::downgrade(self);
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |error: ErrorEvent| {
            error.prevent_default();
            if let Some(inner) = fallen.upgrade() {
                inner.fall(broken(&error.message()));
            }
        });
        let unreadable = Rc::downgrade(self);
        let on_unreadable = Closure::<dyn FnMut(MessageEvent)>::new(move |_: MessageEvent| {
            if let Some(inner) = unreadable.upgrade() {
                inner.fall(broken("its message could not be read"));
            }
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        worker.set_onmessageerror(Some(on_unreadable.as_ref().unchecked_ref()));
        self.heard_at.set(dom::now_ms());
        self.has_spoken.set(false);
        self.worker.replace(Some(Running {
            worker,
            _on_message: on_message,
            _on_error: on_error,
            _on_unreadable: on_unreadable,
        }));
    }

    fn send(&self, message: &ToWorker, file: Option<&File>) -> Result<(), Failure> {
        let buffer = Uint8Array::from(protocol::encode(message).as_slice()).buffer();
        let envelope = Object::new();
        // Plain properties on an object of our own are always set.
        let _ = Reflect::set(&envelope, &JsValue::from_str("bytes"), &buffer);
        if let Some(file) = file {
            let _ = Reflect::set(&envelope, &JsValue::from_str("file"), file);
        }
        let running = self.worker.borrow();
        let Some(running) = running.as_ref() else {
            return Err(not_started());
        };
        running.worker.post_message_with_transfer(&envelope, &Array::of1(&buffer)).map_err(|_| broken("it is gone"))
    }

    fn hear(&self, data: &JsValue) {
        self.heard_at.set(dom::now_ms());
        self.has_spoken.set(true);
        let Some(buffer) = data.dyn_ref::<ArrayBuffer>() else {
            // The worker's greeting, a plain string: it listens from now on.
            return;
        };
        match protocol::decode::<FromWorker>(&Uint8Array::new(buffer).to_vec()) {
            Ok(FromWorker::Reply(call_id, answer)) => {
                let slot = self.pending.borrow_mut().remove(&call_id);
                if let Some(slot) = slot {
                    slot.settle(answer);
                }
            }
            Ok(FromWorker::Event(event)) => self.tell(News::Run(event)),
            Err(error) => {
                let failure = Failure::new(error.to_string(), "Reload the page.");
                for slot in std::mem::take(&mut *self.pending.borrow_mut()).into_values() {
                    slot.settle(Err(failure.clone()));
                }
            }
        }
    }

    fn fall(self: &Rc<Self>, why: Failure) {
        let fallen = self.worker.take();
        if let Some(running) = fallen {
            running.worker.set_onmessage(None);
            running.worker.set_onerror(None);
            running.worker.set_onmessageerror(None);
            running.worker.terminate();
            // This may be called from one of its own handlers, which must not be dropped while it runs.
            gloo::timers::callback::Timeout::new(0, move || drop(running)).forget();
        }
        let (why, news) = if self.has_spoken.get() {
            self.launch();
            (why.clone(), News::Replaced(why))
        } else {
            (not_started(), News::Lost(not_started()))
        };
        for slot in std::mem::take(&mut *self.pending.borrow_mut()).into_values() {
            slot.settle(Err(why.clone()));
        }
        self.tell(news);
    }

    fn tell(&self, news: News) {
        let listener = self.listener.borrow().clone();
        if let Some(listener) = listener {
            listener(news);
        }
    }

    /// Notices a worker that has stopped breathing: every long loop of the engine lets messages in.
    /// One that is still loading may take as long as the network does.
    fn feel_pulse(self: &Rc<Self>) {
        if self.pending.borrow().is_empty() || !self.has_spoken.get() {
            return;
        }
        if dom::now_ms() - self.heard_at.get() > SILENCE_SECS * 1_000.0 {
            self.fall(broken("it has not answered for 20 seconds"));
        } else {
            // Any answer will do; nobody waits for this one.
            let _ = self.send(&ToWorker { call_id: 0, request: Request::Outputs(protocol::Outputs {}) }, None);
        }
    }
}

fn not_started() -> Failure {
    Failure::new(
        "the engine could not be started",
        "Reload the page. If that does not help, check the connection, and whether a setting or an extension forbids \
         web workers. Your pipelines are safe.",
    )
}

fn broken(reason: &str) -> Failure {
    Failure::new(
        format!("the engine stopped unexpectedly ({reason})"),
        "A fresh one has taken its place and your pipeline is unharmed. Run it again.",
    )
}
