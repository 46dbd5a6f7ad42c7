//! Parts of a node's work, computed here and by helpers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::testing::{TestHost, block_on, run_component_in};
use engine::threads::Threads;
use engine::{
    Answer, Answered, Artifact, Component, Crew, Helper, In, Job, JobError, Local, Order, Out, Param, Parts, Running,
    Task, decoded, encoded,
};
use pipeline::{Family, Spec, Value};
use protocol::Failure;
use table::{Table, read_bytes};

const TABLE: In<Table> = In::new("table");
const SAME: Out<Table> = Out::new("same");
const N_PARTS: Param<u32> = Param::int("n_parts", 8);
/// The parts from this one on that fail.
const FAILS_FROM: Param<u32> = Param::int("fails_from", 1_000);

/// Adds up a table in parts, some of which take longer than others.
struct Summing;

static N_PREPARED: AtomicUsize = AtomicUsize::new(0);

impl Component for Summing {
    fn spec(&self) -> Spec {
        Spec::new("test.summing", 1, Family::Score, "Summing")
            .with_input(TABLE)
            .with_output(SAME)
            .with_param(N_PARTS)
            .with_param(FAILS_FROM)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let parts = Parts { stage: 3, n: job.param(N_PARTS)?, work: 1_000, stretch: (0.0, 1.0) };
            job.parts(parts, |job, part_idx, bytes| {
                job.log_metric("sum", decoded(&bytes)?, part_idx);
                Ok(())
            })
            .await?;
            let table = job.input(TABLE)?;
            job.output(SAME, table);
            Ok(())
        })
    }

    fn part<'a>(&'a self, job: &'a mut Job<'_>, stage: u32, part_idx: u32) -> Local<'a, Result<Vec<u8>, JobError>> {
        Box::pin(async move {
            assert_eq!(stage, 3);
            let numbers = match job.shared::<Vec<f64>>() {
                Some(numbers) => numbers,
                None => {
                    N_PREPARED.fetch_add(1, Ordering::Relaxed);
                    let table = job.input(TABLE)?;
                    let frame = table.frame();
                    let model::Values::Number(numbers) = &frame.columns[0].values else { panic!("numbers") };
                    job.share(numbers.to_vec())
                }
            };
            for step in 0..(20 - part_idx % 20) {
                job.checkpoint(f64::from(step) / 20.0, "summing").await?;
            }
            if part_idx >= job.param(FAILS_FROM)? {
                return Err(Failure::new(format!("part {part_idx} fails"), "").into());
            }
            encoded(&(numbers.iter().sum::<f64>() * f64::from(part_idx) / 7.0))
        })
    }
}

static COMPONENTS: [&dyn Component; 1] = [&Summing];

fn numbers() -> Vec<(&'static str, Artifact)> {
    let table = read_bytes("t.csv", b"x\n0.1\n0.2\n0.7\n", table::Options::default()).expect("a table").table;
    vec![("table", Artifact::Table(table))]
}

/// The bits of what was told, in its order.
fn told(host: &TestHost, n_parts: i64) -> Vec<(u32, u64)> {
    let done =
        run_component_in(host, &Summing, numbers(), vec![("n_parts", Value::Int(n_parts))], 1).expect("it works");
    done.measured.iter().map(|told| (told.step, told.value.to_bits())).collect()
}

fn with(crew: Rc<dyn Crew>) -> TestHost {
    TestHost::default().helped_by(crew)
}

fn threads(n_helpers: u32) -> Threads {
    Threads::start(n_helpers, &COMPONENTS, u64::MAX).sharing_all()
}

/// Helpers that answer at once, one task after the other, and fall at some of them.
struct Frail {
    helpers: Vec<RefCell<Helper>>,
    waiting: RefCell<Vec<Answered>>,
    handed: RefCell<Vec<(u32, Task)>>,
    /// The most that a helper had been given and had not answered.
    most_at_once: Cell<usize>,
    n_dismissed: Cell<u32>,
    falls_at: fn(usize) -> bool,
    spare_bytes: u64,
}

impl Frail {
    fn new(n_helpers: usize, falls_at: fn(usize) -> bool) -> Self {
        Self {
            helpers: (0..n_helpers).map(|_| RefCell::new(Helper::new(&COMPONENTS))).collect(),
            waiting: RefCell::default(),
            handed: RefCell::default(),
            most_at_once: Cell::new(0),
            n_dismissed: Cell::new(0),
            falls_at,
            spare_bytes: u64::MAX,
        }
    }
}

impl Crew for Frail {
    fn n_helpers(&self) -> u32 {
        self.helpers.len() as u32
    }

    fn least_work(&self) -> u64 {
        1_000
    }

    fn spare_bytes(&self) -> u64 {
        self.spare_bytes
    }

    fn hand(&self, helper: u32, ticket: u64, order: &Arc<Order>, task: Task) {
        let n_handed = self.handed.borrow().len();
        self.handed.borrow_mut().push((helper, task));
        let outcome = if (self.falls_at)(n_handed) {
            *self.helpers[helper as usize].borrow_mut() = Helper::new(&COMPONENTS);
            Answer::Lost
        } else {
            let mut engine = self.helpers[helper as usize].borrow_mut();
            if engine.order() != Some(order.id()) {
                engine.open_parcel(&order.pack().expect("plain data")).expect("what was packed");
            }
            Answer::Done(block_on(engine.compute(&TestHost::default(), task)))
        };
        let mut waiting = self.waiting.borrow_mut();
        waiting.push(Answered { helper, ticket, outcome });
        let n_given = waiting.iter().filter(|answered| answered.helper == helper).count();
        self.most_at_once.set(n_given.max(self.most_at_once.get()));
    }

    fn stop(&self, _helper: u32) {}

    fn answers(&self) -> Vec<Answered> {
        self.waiting.take()
    }

    fn rest(&self) -> Local<'_, ()> {
        Box::pin(async {})
    }

    fn dismiss(&self) {
        self.n_dismissed.set(self.n_dismissed.get() + 1);
    }
}

#[test]
fn parts_are_the_same_bits_in_the_same_order_on_any_number_of_helpers() {
    let alone = told(&TestHost::default(), 50);
    assert_eq!(alone.iter().map(|told| told.0).collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
    assert_ne!(alone[1], alone[2]);
    for n_helpers in [1, 2, 5, 60] {
        assert_eq!(told(&with(Rc::new(threads(n_helpers))), 50), alone, "{n_helpers} helpers");
    }
}

#[test]
fn a_part_lies_ready_for_each_helper_while_there_are_many() {
    let most_at_once = |n_helpers, n_parts| {
        let crew = Rc::new(Frail::new(n_helpers, |_| false));
        told(&with(crew.clone()), n_parts);
        crew.most_at_once.get()
    };
    assert_eq!(most_at_once(2, 30), 2);
    assert_eq!(most_at_once(1, 3), 1, "of three parts, two workers share the last two");
    assert_eq!(most_at_once(1, 4), 2);
}

#[test]
fn whoever_computed_a_part_is_named() {
    let named = |host: &TestHost| {
        let done = run_component_in(host, &Summing, numbers(), vec![("n_parts", Value::Int(9))], 1).expect("it works");
        done.helpers.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(named(&TestHost::default()), Vec::<u32>::new());
    assert_eq!(named(&with(Rc::new(Frail::new(3, |_| false)))), [1, 2, 3]);
    let crew = Rc::new(Frail::new(1, |n| n < 4));
    assert_eq!(named(&with(crew)), Vec::<u32>::new(), "one that falls has computed nothing");
}

#[test]
fn a_helper_that_falls_is_made_up_for() {
    let alone = told(&TestHost::default(), 30);
    for falls_at in [(|n| n == 0) as fn(usize) -> bool, |n| n % 3 == 1, |_| true] {
        let crew = Rc::new(Frail::new(2, falls_at));
        assert_eq!(told(&with(crew.clone()), 30), alone);
        assert!(!crew.handed.borrow().is_empty(), "helpers had something to do");
        assert_eq!(crew.n_dismissed.get(), 1, "they were told that it was over");
    }
    let crew = Rc::new(Frail::new(2, |_| true));
    told(&with(crew.clone()), 30);
    assert_eq!(
        crew.handed.borrow().len(),
        8,
        "one that falls twice, with what it has and what lies ready, is left alone"
    );
}

#[test]
fn the_first_part_that_fails_is_told_as_with_one_worker() {
    let failing = |host: &TestHost| {
        let params = vec![("n_parts", Value::Int(40)), ("fails_from", Value::Int(7))];
        run_component_in(host, &Summing, numbers(), params, 1).expect_err("it fails")
    };
    let expected = JobError::Failed(Failure::new("part 7 fails", ""));
    assert_eq!(failing(&TestHost::default()), expected);
    for _ in 0..20 {
        assert_eq!(failing(&with(Rc::new(threads(3)))), expected);
    }
}

#[test]
fn what_parts_share_is_made_once_in_each_engine() {
    let crew = Rc::new(Frail::new(1, |_| false));
    N_PREPARED.store(0, Ordering::Relaxed);
    told(&with(crew.clone()), 30);
    assert!(crew.handed.borrow().len() > 2, "{:?}", crew.handed.borrow());
    // Other tests run at the same time, so that there may be more.
    assert!(N_PREPARED.load(Ordering::Relaxed) >= 2);
}

#[test]
fn helpers_are_asked_only_where_it_pays_and_their_memory_can_bear_it() {
    let crew = Rc::new(Frail::new(4, |_| false));
    told(&with(crew.clone()), 1);
    assert!(crew.handed.borrow().is_empty(), "one part is nobody else's");
    let crew = Rc::new(Frail { spare_bytes: 10, ..Frail::new(4, |_| false) });
    told(&with(crew.clone()), 30);
    assert!(crew.handed.borrow().is_empty(), "there is no room for the table");
    let bytes = numbers()
        .iter()
        .map(|(_, table)| if let Artifact::Table(table) = table { table.n_bytes() } else { 0 })
        .sum::<u64>();
    // Each holds the table, and as much again at its peak.
    let crew = Rc::new(Frail { spare_bytes: 4 * bytes, ..Frail::new(4, |_| false) });
    told(&with(crew.clone()), 30);
    let helpers: std::collections::BTreeSet<u32> = crew.handed.borrow().iter().map(|(helper, _)| *helper).collect();
    assert_eq!(helpers.len(), 2, "there is room for two");
    let params = vec![("n_parts", Value::Int(30))];
    let threads = Threads::start(2, &COMPONENTS, u64::MAX);
    assert!(threads.least_work() > 1_000, "the work of this test is too small for threads");
    run_component_in(&with(Rc::new(threads)), &Summing, numbers(), params, 1).expect("it works all the same");
}

#[test]
fn a_stop_reaches_whatever_is_under_way() {
    for n_breaths in 1..6 {
        let host = TestHost::stopping_after(n_breaths).helped_by(Rc::new(threads(2)));
        let stopped = run_component_in(&host, &Summing, numbers(), vec![("n_parts", Value::Int(1_000_000))], 1);
        assert_eq!(stopped.err(), Some(JobError::Cancelled));
        assert_eq!(host.n_breaths(), n_breaths, "no breath after the one that asks to stop");
    }
    let crew: Rc<dyn Crew> = Rc::new(threads(2));
    let expected = told(&TestHost::default(), 20);
    for _ in 0..5 {
        let host = TestHost::stopping_after(3).helped_by(crew.clone());
        run_component_in(&host, &Summing, numbers(), vec![("n_parts", Value::Int(1_000_000))], 1).expect_err("stopped");
        assert_eq!(told(&with(crew.clone()), 20), expected, "the same helpers serve the next run");
    }
}
