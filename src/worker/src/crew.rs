//! Helpers: more workers of the same program, started by this one, that compute parts of a run.
//!
//! A message is `{ bytes: ArrayBuffer, tables: ArrayBuffer[] }` either way: encoded data, and tables as Arrow streams.
//! Buffers are handed over, not copied.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use engine::{Answer, Answered, Crew, JobError, Local, Order, Parcel, Task, decoded, encoded};
use js_sys::{Array, ArrayBuffer, Function, Object, Promise, Reflect, Uint8Array};
use pipeline::NodeId;
use protocol::{Failure, FromWorker, Motion, Panel, RunEvent, RunId, Sealed};
use serde::{Deserialize, Serialize};
use table::Table;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::host::device_gib;
use crate::sights::Sights;
use crate::{post, scope};

/// The name by which a worker knows that it is a helper.
pub const NAME: &str = "helper";
/// A helper at work that says nothing for this long is taken for dead: every long loop lets it breathe.
const SILENCE_MS: f64 = 10_000.0;
/// Helpers that have nothing to do for this long are ended, so that they hold no memory.
const IDLE_MS: i32 = 30_000;
/// One whose memory has grown beyond this does not wait for it.
const SMALL_BYTES: u64 = 300_000_000;
/// Nanoseconds of work that are worth a helper: where it has to be started, and where it is there.
const LEAST_WORK: (u64, u64) = (250_000_000, 60_000_000);

/// What a helper is told.
#[derive(Serialize, Deserialize)]
pub enum ToHelper {
    /// The order that the following tasks belong to.
    Open(Vec<u8>),
    /// Compute this.
    Compute(u64, Task),
    /// Nobody wants what comes of this ticket.
    Stop(u64),
    /// Let the order go.
    LetGo,
    /// Somebody looks at this ticket's work, which is this node.
    Look(u64, NodeId),
    /// Move like this from now on.
    Move(Motion),
}

/// What a helper says.
#[derive(Serialize, Deserialize)]
pub enum FromHelper {
    /// It is at work.
    Alive,
    /// How far it is with a ticket, 0 to 1, and with what.
    Progress(u64, f64, String),
    /// What a ticket's work shows to whoever looked.
    Seen(u64, Sealed<Vec<Panel>>),
    /// What came of a ticket, and the size of the helper's memory.
    Done(u64, Result<Vec<u8>, JobError>, u64),
}

/// Workers beside this one; those that work are asked for are started then.
#[derive(Clone)]
pub struct Helpers(Rc<Inner>);

struct Inner {
    seats: RefCell<Vec<Seat>>,
    /// What nodes under way show.
    sights: Rc<Sights>,
    motion: Cell<Motion>,
    answers: RefCell<Vec<Answered>>,
    resting: RefCell<Vec<Function>>,
    shares_all: Cell<bool>,
    /// Of timers: only the last one that was set ends idle helpers.
    n_timers: Cell<u32>,
}

#[derive(Default)]
struct Seat {
    running: Option<Running>,
    /// What it was given and has not answered, the ticket of an earlier run first.
    tickets: Vec<u64>,
    /// What of it is a whole node, while somebody may follow how it goes.
    followed: Option<Followed>,
    order: Option<u64>,
    heard_ms: f64,
    memory_bytes: u64,
}

/// A node at a helper.
struct Followed {
    ticket: u64,
    run: RunId,
    node: NodeId,
}

struct Running {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Running {
    fn end(&self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl Helpers {
    /// Nobody yet.
    pub fn new(sights: Rc<Sights>) -> Self {
        Self(Rc::new(Inner {
            seats: RefCell::default(),
            sights,
            motion: Cell::default(),
            answers: RefCell::default(),
            resting: RefCell::default(),
            shares_all: Cell::new(false),
            n_timers: Cell::new(0),
        }))
    }

    /// So many from now on. Where they are to share all work, the smallest is shared too.
    pub fn prepare(&self, n_helpers: u32, shares_all: bool) {
        let can_start = Reflect::has(&scope(), &JsValue::from_str("Worker")).unwrap_or(false);
        let n_helpers = if can_start { n_helpers as usize } else { 0 };
        self.0.shares_all.set(shares_all);
        let mut seats = self.0.seats.borrow_mut();
        let n_kept = n_helpers.min(seats.len());
        for seat in seats.drain(n_kept..) {
            if let Some(running) = seat.running {
                running.end();
            }
        }
        seats.resize_with(n_helpers, Seat::default);
    }

    /// Somebody looks at this node; the helper that computes it, if one does, is told.
    pub fn look(&self, node: &NodeId) {
        let is_it = |seat: &Seat| Some(seat.followed.as_ref().filter(|followed| followed.node == *node)?.ticket);
        let found = (0..).zip(&*self.0.seats.borrow()).find_map(|(helper, seat)| Some((helper, is_it(seat)?)));
        if let Some((helper, ticket)) = found {
            // One that is gone shows nothing.
            let _ = self.0.send(helper, &ToHelper::Look(ticket, node.clone()), &[]);
        }
    }

    /// How everybody's work moves from now on.
    pub fn set_motion(&self, motion: Motion) {
        if self.0.motion.replace(motion) == motion {
            return;
        }
        let n_helpers = self.n_helpers();
        for helper in (0..n_helpers).filter(|&helper| self.0.seats.borrow()[helper as usize].running.is_some()) {
            // One that is gone does not move.
            let _ = self.0.send(helper, &ToHelper::Move(motion), &[]);
        }
    }
}

impl Inner {
    /// Starts a seat's worker unless it has one.
    fn launch(self: &Rc<Self>, helper: u32) -> Result<(), JsValue> {
        if self.seats.borrow()[helper as usize].running.is_some() {
            return Ok(());
        }
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name(NAME);
        let worker = Worker::new_with_options(&scope().location().href(), &options)?;
        worker.post_message(&wasm_bindgen::module())?;
        let heard = Rc::downgrade(self);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
            if let Some(inner) = Weak::upgrade(&heard) {
                inner.hear(helper, &message.data());
            }
        });
        let fallen = Rc::downgrade(self);
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |error: ErrorEvent| {
            error.prevent_default();
            if let Some(inner) = Weak::upgrade(&fallen) {
                inner.fall(helper);
            }
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let seat = &mut self.seats.borrow_mut()[helper as usize];
        (seat.order, seat.heard_ms, seat.memory_bytes) = (None, now_ms(), 0);
        seat.running = Some(Running { worker, _on_message: on_message, _on_error: on_error });
        match self.motion.get() {
            Motion::Free => Ok(()),
            motion => self.send(helper, &ToHelper::Move(motion), &[]),
        }
    }

    fn hear(&self, helper: u32, data: &JsValue) {
        let Ok((said, tables)) = read::<FromHelper>(data) else { return self.fall(helper) };
        let mut seats = self.seats.borrow_mut();
        let Some(seat) = seats.get_mut(helper as usize) else { return };
        seat.heard_ms = now_ms();
        let followed = |ticket| seat.followed.as_ref().filter(|followed| followed.ticket == ticket);
        match said {
            FromHelper::Alive => {}
            FromHelper::Progress(ticket, fraction, message) => {
                if let Some(Followed { run, node, .. }) = followed(ticket) {
                    post(&FromWorker::Event(RunEvent::Progress { run: *run, node: node.clone(), fraction, message }));
                }
            }
            FromHelper::Seen(ticket, panels) => {
                if let Some(Followed { node, .. }) = followed(ticket) {
                    self.sights.show(node, panels);
                }
            }
            FromHelper::Done(ticket, outcome, memory_bytes) => {
                seat.memory_bytes = memory_bytes;
                seat.tickets.retain(|other| *other != ticket);
                seat.followed.take_if(|followed| followed.ticket == ticket);
                drop(seats);
                let outcome = Answer::Done(outcome.map(|bytes| Parcel { bytes, tables }));
                self.answer(Answered { helper, ticket, outcome });
            }
        }
    }

    fn answer(&self, answered: Answered) {
        self.answers.borrow_mut().push(answered);
        for resolve in self.resting.take() {
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    }

    /// Ends a helper; the next task starts another in its place.
    fn fall(&self, helper: u32) {
        let fallen = self.seats.borrow_mut().get_mut(helper as usize).map(std::mem::take);
        let Some(seat) = fallen else { return };
        if let Some(running) = seat.running {
            running.end();
            // This may be called from one of its own handlers, which must not be dropped while it runs.
            let later = Closure::once_into_js(move || drop(running));
            let _ = scope().set_timeout_with_callback(later.unchecked_ref());
        }
        for ticket in seat.tickets {
            self.answer(Answered { helper, ticket, outcome: Answer::Lost });
        }
    }

    fn send(&self, helper: u32, message: &ToHelper, tables: &[Table]) -> Result<(), JsValue> {
        let (envelope, buffers) = written(message, tables)?;
        let seats = self.seats.borrow();
        let running = seats[helper as usize].running.as_ref().ok_or(JsValue::UNDEFINED)?;
        running.worker.post_message_with_transfer(&envelope, &buffers)
    }

    fn try_hand(self: &Rc<Self>, helper: u32, ticket: u64, order: &Order, task: Task) -> Result<(), JsValue> {
        self.launch(helper)?;
        if self.seats.borrow()[helper as usize].order != Some(order.id()) {
            let Parcel { bytes, tables } = order.pack().map_err(|_| JsValue::UNDEFINED)?;
            self.send(helper, &ToHelper::Open(bytes), &tables)?;
        }
        self.send(helper, &ToHelper::Compute(ticket, task), &[])?;
        let seat = &mut self.seats.borrow_mut()[helper as usize];
        if seat.tickets.is_empty() {
            // Silence counts from here on: before, there was nothing to say.
            seat.heard_ms = now_ms();
        }
        seat.tickets.push(ticket);
        if let (Task::Whole, Some((run, node))) = (task, order.place()) {
            seat.followed = Some(Followed { ticket, run: *run, node: node.clone() });
        }
        seat.order = Some(order.id());
        Ok(())
    }

    fn end_idle(&self) {
        for seat in self.seats.borrow_mut().iter_mut().filter(|seat| seat.tickets.is_empty()) {
            if let Some(running) = std::mem::take(seat).running {
                running.end();
            }
        }
    }
}

impl Crew for Helpers {
    fn n_helpers(&self) -> u32 {
        self.0.seats.borrow().len() as u32
    }

    fn least_work(&self) -> u64 {
        let is_there = self.0.seats.borrow().iter().all(|seat| seat.running.is_some());
        match (self.0.shares_all.get(), is_there) {
            (true, _) => 0,
            (false, true) => LEAST_WORK.1,
            (false, false) => LEAST_WORK.0,
        }
    }

    /// Half of the computer's memory: the rest is the page's, the browser's and everybody else's.
    fn spare_bytes(&self) -> u64 {
        (device_gib() * (1_u64 << 30) as f64 / 2.0) as u64
    }

    fn hand(&self, helper: u32, ticket: u64, order: &Arc<Order>, task: Task) {
        if self.0.try_hand(helper, ticket, order, task).is_err() {
            self.0.fall(helper);
            self.0.answer(Answered { helper, ticket, outcome: Answer::Lost });
        }
    }

    fn stop(&self, helper: u32) {
        let stopped = |seat: &mut Seat| {
            seat.followed = None;
            seat.tickets.clone()
        };
        let tickets = self.0.seats.borrow_mut().get_mut(helper as usize).map(stopped);
        for ticket in tickets.unwrap_or_default() {
            // One that is gone needs not be stopped.
            let _ = self.0.send(helper, &ToHelper::Stop(ticket), &[]);
        }
    }

    fn answers(&self) -> Vec<Answered> {
        let now = now_ms();
        let is_silent = |seat: &Seat| !seat.tickets.is_empty() && now - seat.heard_ms > SILENCE_MS;
        let silent: Vec<u32> =
            (0..).zip(&*self.0.seats.borrow()).filter(|(_, seat)| is_silent(seat)).map(|(helper, _)| helper).collect();
        silent.into_iter().for_each(|helper| self.0.fall(helper));
        self.0.answers.take()
    }

    fn rest(&self) -> Local<'_, ()> {
        const LONGEST_MS: i32 = 10;
        Box::pin(async {
            if !self.0.answers.borrow().is_empty() {
                return;
            }
            let promise = Promise::new(&mut |resolve, _| {
                // Without a timer an answer alone would end the rest, or nothing where there is no helper left.
                if scope().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, LONGEST_MS).is_err() {
                    let _ = resolve.call0(&JsValue::UNDEFINED);
                }
                self.0.resting.borrow_mut().push(resolve);
            });
            let _ = JsFuture::from(promise).await;
            self.0.resting.borrow_mut().clear();
        })
    }

    fn dismiss(&self) {
        let n_helpers = self.n_helpers();
        for helper in 0..n_helpers {
            let (is_large, is_there) = {
                let seat = &self.0.seats.borrow()[helper as usize];
                (seat.memory_bytes > SMALL_BYTES, seat.running.is_some())
            };
            if is_large {
                self.0.fall(helper);
            } else if is_there {
                let _ = self.0.send(helper, &ToHelper::LetGo, &[]);
                self.0.seats.borrow_mut()[helper as usize].order = None;
            }
        }
        self.0.answers.take();
        let timer = self.0.n_timers.get() + 1;
        self.0.n_timers.set(timer);
        let inner = Rc::downgrade(&self.0);
        let end = Closure::once_into_js(move || {
            if let Some(inner) = Weak::upgrade(&inner).filter(|inner| inner.n_timers.get() == timer) {
                inner.end_idle();
            }
        });
        let _ = scope().set_timeout_with_callback_and_timeout_and_arguments_0(end.unchecked_ref(), IDLE_MS);
    }
}

/// A message as it is posted, and what of it is handed over.
pub fn written(message: &impl Serialize, tables: &[Table]) -> Result<(Object, Array), JsValue> {
    let bytes = encoded(message).map_err(|_| JsValue::UNDEFINED)?;
    let (streams, buffers) = (Array::new(), Array::new());
    let head = Uint8Array::from(bytes.as_slice()).buffer();
    buffers.push(&head);
    for table in tables {
        let pieces = table::ipc::pieces(table).map_err(|error| JsValue::from_str(&error.to_string()))?;
        let stream = laid_out(&pieces);
        buffers.push(&stream);
        streams.push(&stream);
    }
    let envelope = Object::new();
    Reflect::set(&envelope, &JsValue::from_str("bytes"), &head)?;
    Reflect::set(&envelope, &JsValue::from_str("tables"), &streams)?;
    Ok((envelope, buffers))
}

/// Pieces one after the other, copied once, out of this memory.
fn laid_out(pieces: &[impl Deref<Target = [u8]>]) -> ArrayBuffer {
    let n_bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
    let stream = Uint8Array::new_with_length(n_bytes as u32);
    let mut from = 0;
    for piece in pieces {
        let to = from + piece.len() as u32;
        stream.subarray(from, to).copy_from(piece);
        from = to;
    }
    stream.buffer()
}

/// The inverse of `written`.
pub fn read<T: serde::de::DeserializeOwned>(data: &JsValue) -> Result<(T, Vec<Table>), Failure> {
    let broken = |reason: String| Failure::new(format!("a helper's message is broken: {reason}"), "Run it again.");
    let field = |name: &str| Reflect::get(data, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED);
    let message = match decoded(&Uint8Array::new(&field("bytes")).to_vec()) {
        Ok(message) => message,
        Err(_) => return Err(broken("it does not decode".into())),
    };
    let table = |stream: JsValue| {
        table::ipc::read(Uint8Array::new(&stream).to_vec()).map_err(|error| broken(error.to_string()))
    };
    let tables = Array::from(&field("tables")).iter().map(table).collect::<Result<_, _>>()?;
    Ok((message, tables))
}

pub fn now_ms() -> f64 {
    scope().performance().map_or(0.0, |performance| performance.now())
}
