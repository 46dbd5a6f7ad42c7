//! A host for tests, and single components run in it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use pipeline::{FileRef, Node, Params, Point, Spec, Value};
use protocol::{Face, Failure, Measured, Panel, RunEvent};

use crate::team::Team;
use crate::{Artifact, Component, Crew, Host, Job, JobError, Local, Source, give_way};

/// Files in memory, a clock that goes forward a millisecond at every look, and every event kept.
#[derive(Default)]
pub struct TestHost {
    /// Bytes by hash.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Everything emitted so far.
    pub events: RefCell<Vec<RunEvent>>,
    /// The most bytes that everything together may take.
    memory_limit: Option<u64>,
    /// Who helps.
    crew: Option<Rc<dyn Crew>>,
    cancel_after_breaths: Option<u32>,
    n_breaths: Cell<u32>,
    now_secs: Cell<f64>,
}

impl TestHost {
    /// A host whose user asks to stop once this many breaths were taken.
    pub fn stopping_after(n_breaths: u32) -> Self {
        Self { cancel_after_breaths: Some(n_breaths), ..Self::default() }
    }

    /// A host with these files, bytes by hash.
    pub fn with_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        Self { files: files.into_iter().collect(), ..Self::default() }
    }

    /// A host with so many bytes of memory.
    pub fn with_memory(n_bytes: u64) -> Self {
        Self { memory_limit: Some(n_bytes), ..Self::default() }
    }

    /// The same host with helpers.
    pub fn helped_by(self, crew: Rc<dyn Crew>) -> Self {
        Self { crew: Some(crew), ..self }
    }

    /// How often it was asked for breath.
    pub fn n_breaths(&self) -> u32 {
        self.n_breaths.get()
    }
}

impl Host for TestHost {
    fn now_secs(&self) -> f64 {
        self.now_secs.set(self.now_secs.get() + 0.001);
        self.now_secs.get()
    }

    fn open<'a>(&'a self, file: &'a FileRef) -> Local<'a, Result<Box<dyn Source>, Failure>> {
        Box::pin(async move {
            let bytes = file.inline.clone().or_else(|| self.files.get(&file.hash).cloned());
            match bytes {
                Some(bytes) => Ok(Box::new(Bytes::new(bytes)) as Box<dyn Source>),
                None => Err(Failure::new(format!("the file {} is not here", file.name), "Choose it again.")),
            }
        })
    }

    fn memory_limit(&self) -> Option<u64> {
        self.memory_limit
    }

    fn crew(&self) -> Option<&dyn Crew> {
        self.crew.as_deref()
    }

    fn breathe(&self) -> Local<'_, ()> {
        self.n_breaths.set(self.n_breaths.get() + 1);
        Box::pin(give_way())
    }

    fn is_cancelled(&self) -> bool {
        self.cancel_after_breaths.is_some_and(|limit| self.n_breaths.get() >= limit)
    }

    fn emit(&self, event: RunEvent) {
        self.events.borrow_mut().push(event);
    }
}

/// Bytes in memory as a source.
pub struct Bytes {
    bytes: Vec<u8>,
    at: usize,
}

impl Bytes {
    /// Of these.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Source for Bytes {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn next(&mut self) -> Local<'_, Result<Vec<u8>, Failure>> {
        const PIECE: usize = 1 << 18;
        Box::pin(async {
            let end = (self.at + PIECE).min(self.bytes.len());
            let piece = self.bytes[self.at..end].to_vec();
            self.at = end;
            Ok(piece)
        })
    }
}

/// Runs a future that never waits for anything outside.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
    }
}

/// What a component left.
#[derive(Debug)]
pub struct Outcome {
    /// By output.
    pub outputs: BTreeMap<String, Artifact>,
    /// For the card.
    pub face: Option<Face>,
    /// For the viewer.
    pub panels: Vec<Panel>,
    /// What was measured on the way.
    pub measured: Vec<Measured>,
    /// Workers beside the first that computed parts of it.
    pub helpers: BTreeSet<u32>,
}

/// What a component says it needs at its peak.
pub fn memory_of(component: &dyn Component, inputs: Vec<(&str, Artifact)>, params: Vec<(&str, Value)>) -> u64 {
    let (spec, host) = (component.spec(), TestHost::default());
    let (node, inputs) = placed(&spec, inputs, params);
    component.memory(&Job::new(component, &host, &node, &spec, inputs, 0))
}

/// Runs one component outside any pipeline.
///
/// # Errors
/// Those of the component.
pub fn run_component(
    component: &dyn Component,
    inputs: Vec<(&str, Artifact)>,
    params: Vec<(&str, Value)>,
    seed: u64,
) -> Result<Outcome, JobError> {
    run_component_in(&TestHost::default(), component, inputs, params, seed)
}

/// The same in a host of the caller's.
///
/// # Errors
/// Those of the component.
pub fn run_component_in(
    host: &dyn Host,
    component: &dyn Component,
    inputs: Vec<(&str, Artifact)>,
    params: Vec<(&str, Value)>,
    seed: u64,
) -> Result<Outcome, JobError> {
    let spec = component.spec();
    let (node, inputs) = placed(&spec, inputs, params);
    let team = host.crew().map(Team::new);
    let mut job = Job { team: team.as_ref(), ..Job::new(component, host, &node, &spec, inputs, seed) };
    job.last_breath_secs = 0.0;
    block_on(component.run(&mut job))?;
    let Job { outputs, face, panels, measured, helpers, .. } = job;
    Ok(Outcome { outputs, face, panels, measured, helpers })
}

/// A node of its own, and what reaches it.
fn placed(
    spec: &Spec,
    inputs: Vec<(&str, Artifact)>,
    params: Vec<(&str, Value)>,
) -> (Node, BTreeMap<String, Artifact>) {
    let node = Node {
        component: spec.id.clone(),
        version: spec.version,
        title: None,
        params: params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Params>(),
        position: Point::default(),
    };
    (node, inputs.into_iter().map(|(port, artifact)| (port.to_owned(), artifact)).collect())
}
