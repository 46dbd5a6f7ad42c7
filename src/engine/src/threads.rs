//! Helpers on threads, for hosts on a computer of one's own. Tables are shared, not copied.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::spawn;
use std::time::{Duration, Instant};

use pipeline::FileRef;
use protocol::{Failure, RunEvent};

use crate::testing::block_on;
use crate::{Answer, Answered, Component, Crew, Helper, Host, Local, Order, Source, Task};

/// A pool of threads; they end with it.
pub struct Threads {
    seats: Vec<Seat>,
    heard: Receiver<Answered>,
    waiting: RefCell<Vec<Answered>>,
    least_work: u64,
    spare_bytes: u64,
}

struct Seat {
    asked: Sender<Asked>,
    /// Of what it was given and has not answered.
    is_stopped: RefCell<Vec<Arc<AtomicBool>>>,
}

enum Asked {
    Compute(u64, Arc<Order>, Task, Arc<AtomicBool>),
    LetGo,
}

/// A thread is there at once, so that little work is enough.
const LEAST_WORK: u64 = 5_000_000;

impl Threads {
    /// So many threads, each with these components. `spare_bytes` is memory that they may fill.
    pub fn start(n_helpers: u32, components: &'static [&'static dyn Component], spare_bytes: u64) -> Self {
        let (tell, heard) = channel();
        let seat = |helper| {
            let (asked, ask) = channel();
            let tell = tell.clone();
            spawn(move || work(helper, components, &ask, &tell));
            Seat { asked, is_stopped: RefCell::default() }
        };
        let seats = (0..n_helpers).map(seat).collect();
        Self { seats, heard, waiting: RefCell::default(), least_work: LEAST_WORK, spare_bytes }
    }

    /// Any work is worth sharing: for tests.
    pub fn sharing_all(self) -> Self {
        Self { least_work: 0, ..self }
    }
}

impl Crew for Threads {
    fn n_helpers(&self) -> u32 {
        self.seats.len() as u32
    }

    fn least_work(&self) -> u64 {
        self.least_work
    }

    fn spare_bytes(&self) -> u64 {
        self.spare_bytes
    }

    fn hand(&self, helper: u32, ticket: u64, order: &Arc<Order>, task: Task) {
        let seat = &self.seats[helper as usize];
        let is_stopped = Arc::default();
        let mut given = seat.is_stopped.borrow_mut();
        // What is done has nobody else who holds it.
        given.retain(|other| Arc::strong_count(other) > 1);
        given.push(Arc::clone(&is_stopped));
        if seat.asked.send(Asked::Compute(ticket, Arc::clone(order), task, is_stopped)).is_err() {
            self.waiting.borrow_mut().push(Answered { helper, ticket, outcome: Answer::Lost });
        }
    }

    fn stop(&self, helper: u32) {
        let given = self.seats[helper as usize].is_stopped.borrow();
        given.iter().for_each(|is_stopped| is_stopped.store(true, Ordering::Relaxed));
    }

    fn answers(&self) -> Vec<Answered> {
        let mut answers = self.waiting.take();
        answers.extend(self.heard.try_iter());
        answers
    }

    fn rest(&self) -> Local<'_, ()> {
        if let Ok(answer) = self.heard.recv_timeout(Duration::from_millis(5)) {
            self.waiting.borrow_mut().push(answer);
        }
        Box::pin(async {})
    }

    fn dismiss(&self) {
        for seat in &self.seats {
            // A thread that is gone holds nothing.
            let _ = seat.asked.send(Asked::LetGo);
        }
    }
}

fn work(helper: u32, components: &'static [&'static dyn Component], ask: &Receiver<Asked>, tell: &Sender<Answered>) {
    let began = Instant::now();
    let mut engine = Helper::new(components);
    for asked in ask {
        let Asked::Compute(ticket, order, task, is_stopped) = asked else {
            engine.close();
            continue;
        };
        if engine.order() != Some(order.id()) {
            engine.open(order);
        }
        let world = World { began, is_stopped };
        // What has come apart is thrown away, and a new one sits down in its place.
        let computed = catch_unwind(AssertUnwindSafe(|| block_on(engine.compute(&world, task))));
        let outcome = computed.map_or_else(
            |_| {
                engine = Helper::new(components);
                Answer::Lost
            },
            Answer::Done,
        );
        if tell.send(Answered { helper, ticket, outcome }).is_err() {
            return;
        }
    }
}

/// What a thread sees of the world: no files, and nobody who listens.
struct World {
    began: Instant,
    is_stopped: Arc<AtomicBool>,
}

impl Host for World {
    fn now_secs(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    fn open<'a>(&'a self, file: &'a FileRef) -> Local<'a, Result<Box<dyn Source>, Failure>> {
        let message = format!("the file {} is read by the first worker only", file.name);
        Box::pin(async move { Err(Failure::new(message, "Run it with one worker.")) })
    }

    fn breathe(&self) -> Local<'_, ()> {
        Box::pin(async {})
    }

    fn is_cancelled(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    fn emit(&self, _event: RunEvent) {}
}
