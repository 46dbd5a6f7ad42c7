//! A helper: computes what the engine that started it asks for, one task after the other.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use engine::{Helper, Host, Local, Parcel, Source};
use js_sys::Array;
use pipeline::{FileRef, NodeId};
use protocol::{Failure, Look, Motion, Panel, RunEvent, Sealed};
use table::Table;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageEvent;

use crate::breath::Breath;
use crate::crew::{FromHelper, ToHelper, now_ms, read, written};
use crate::scope;
use crate::sights::Sights;
use crate::sweeps::memory_bytes;

/// While it works, it says so this often.
const ALIVE_MS: f64 = 1_000.0;

/// What is still to be done, and what is known of how.
#[derive(Default)]
struct Waiting {
    messages: RefCell<VecDeque<(ToHelper, Vec<Table>)>>,
    stopped: RefCell<BTreeSet<u64>>,
    waker: Cell<Option<Waker>>,
    motion: Cell<Motion>,
    sights: Sights,
    /// The last of the sights that were sent.
    n_seen: Cell<u32>,
}

/// Listens and works from now on.
pub fn serve() {
    let waiting = Rc::new(Waiting::default());
    let heard = Rc::clone(&waiting);
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        match read::<ToHelper>(&message.data()) {
            Ok((ToHelper::Stop(ticket), _)) => {
                heard.stopped.borrow_mut().insert(ticket);
            }
            Ok((ToHelper::Move(motion), _)) => heard.motion.set(motion),
            Ok((ToHelper::Look(ticket, node), _)) => {
                let heard = Rc::clone(&heard);
                spawn_local(async move { show(&heard, ticket, node).await });
            }
            Ok(message) => heard.messages.borrow_mut().push_back(message),
            // Whoever started this notices, and has its work done elsewhere.
            Err(failure) => wasm_bindgen::throw_str(&failure.message),
        }
        if let Some(waker) = heard.waker.take() {
            waker.wake();
        }
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    spawn_local(async move { work(&waiting).await });
}

async fn work(waiting: &Waiting) {
    let mut engine = Helper::new(components::catalogue());
    let breath = Breath::new();
    loop {
        let (message, tables) = poll_fn(|context| {
            let next = waiting.messages.borrow_mut().pop_front();
            next.map_or_else(
                || {
                    waiting.waker.set(Some(context.waker().clone()));
                    Poll::Pending
                },
                Poll::Ready,
            )
        })
        .await;
        match message {
            ToHelper::Open(bytes) => {
                if engine.open_parcel(&Parcel { bytes, tables }).is_err() {
                    wasm_bindgen::throw_str("an order does not decode");
                }
            }
            ToHelper::Compute(ticket, task) => {
                let host = HelperHost { ticket, waiting, breath: &breath, told_ms: Cell::new(now_ms()) };
                let (outcome, tables) = match engine.compute(&host, task).await {
                    Ok(parcel) => (Ok(parcel.bytes), parcel.tables),
                    Err(error) => (Err(error), Vec::new()),
                };
                waiting.stopped.borrow_mut().remove(&ticket);
                waiting.sights.clear();
                say(&FromHelper::Done(ticket, outcome, memory_bytes()), &tables);
            }
            ToHelper::LetGo => engine.close(),
            ToHelper::Stop(_) | ToHelper::Look(..) | ToHelper::Move(_) => {}
        }
    }
}

/// Sends what is to be seen next of a ticket's work, once there is something.
async fn show(waiting: &Waiting, ticket: u64, node: NodeId) {
    let look = Look { node, seen: waiting.n_seen.get() };
    if let Some(seen) = waiting.sights.look(&look).await {
        waiting.n_seen.set(seen.number);
        say(&FromHelper::Seen(ticket, seen.panels), &[]);
    }
}

fn say(message: &FromHelper, tables: &[Table]) {
    let posted = written(message, tables)
        .and_then(|(envelope, buffers): (_, Array)| scope().post_message_with_transfer(&envelope, &buffers));
    if posted.is_err() {
        wasm_bindgen::throw_str("an answer cannot be sent");
    }
}

/// A helper's view of the world: no files, and nobody but the one who started it.
struct HelperHost<'a> {
    ticket: u64,
    waiting: &'a Waiting,
    breath: &'a Breath,
    told_ms: Cell<f64>,
}

impl Host for HelperHost<'_> {
    fn now_secs(&self) -> f64 {
        now_ms() / 1_000.0
    }

    fn open<'a>(&'a self, file: &'a FileRef) -> Local<'a, Result<Box<dyn Source>, Failure>> {
        let message = format!("the file {} is read by the first worker only", file.name);
        Box::pin(async move { Err(Failure::new(message, "Run it with one worker.")) })
    }

    fn is_watched(&self, node: &NodeId) -> bool {
        self.waiting.sights.are_wanted(node)
    }

    fn show(&self, node: &NodeId, panels: Vec<Panel>) {
        self.waiting.sights.show(node, Sealed::new(&panels));
    }

    fn motion(&self) -> Motion {
        self.waiting.motion.get()
    }

    fn pause(&self) {
        self.waiting.motion.set(Motion::Paused);
    }

    fn breathe(&self) -> Local<'_, ()> {
        if now_ms() - self.told_ms.get() > ALIVE_MS {
            self.told_ms.set(now_ms());
            say(&FromHelper::Alive, &[]);
        }
        Box::pin(self.breath.at(self.motion()))
    }

    fn is_cancelled(&self) -> bool {
        self.waiting.stopped.borrow().contains(&self.ticket)
    }

    fn emit(&self, event: RunEvent) {
        // Of the rest it is told once the work is done.
        if let RunEvent::Progress { fraction, message, .. } = event {
            say(&FromHelper::Progress(self.ticket, fraction, message), &[]);
        }
    }
}
