//! What nodes under way show to those who look.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use pipeline::NodeId;
use protocol::{Look, Panel, Sealed, Seen};

use crate::crew::now_ms;

/// Who has looked within this time is taken to look on, though it does not ask just now.
const PATIENCE_MS: f64 = 1_000.0;

/// Looks that wait, and what was shown last.
#[derive(Default)]
pub struct Sights {
    waiting: RefCell<Vec<Rc<Waiting>>>,
    last: RefCell<Option<(NodeId, Seen)>>,
    /// Whether the run under way showed it.
    is_fresh: Cell<bool>,
    looked_ms: Cell<f64>,
}

struct Waiting {
    node: NodeId,
    state: RefCell<State>,
}

enum State {
    Open(Option<Waker>),
    Settled(Option<Seen>),
}

impl Waiting {
    fn settle(&self, seen: Option<Seen>) {
        if let State::Open(Some(waker)) = self.state.replace(State::Settled(seen)) {
            waker.wake();
        }
    }
}

impl Sights {
    /// Whether somebody waits for what this node shows, or has seen it just now.
    pub fn are_wanted(&self, node: &NodeId) -> bool {
        let is_last = |last: &(NodeId, Seen)| last.0 == *node && now_ms() - self.looked_ms.get() < PATIENCE_MS;
        self.waiting.borrow().iter().any(|waiting| waiting.node == *node)
            || self.last.borrow().as_ref().is_some_and(is_last)
    }

    /// What the node shows, once it is other than what was seen; nothing if it is through before.
    pub async fn look(&self, look: &Look) -> Option<Seen> {
        self.looked_ms.set(now_ms());
        if let Some((node, seen)) = &*self.last.borrow()
            && *node == look.node
            && seen.number > look.seen
            && self.is_fresh.get()
        {
            return Some(seen.clone());
        }
        let waiting = Rc::new(Waiting { node: look.node.clone(), state: RefCell::new(State::Open(None)) });
        self.waiting.borrow_mut().push(Rc::clone(&waiting));
        poll_fn(|context| match &mut *waiting.state.borrow_mut() {
            State::Settled(seen) => Poll::Ready(seen.take()),
            State::Open(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    /// Shows this to all who wait for it, and to whoever looks later.
    pub fn show(&self, node: &NodeId, panels: Sealed<Vec<Panel>>) {
        let number = self.last.borrow().as_ref().map_or(1, |(_, seen)| seen.number + 1);
        let seen = Seen { number, panels };
        self.settle(node, Some(&seen));
        *self.last.borrow_mut() = Some((node.clone(), seen));
        self.is_fresh.set(true);
    }

    /// The node is through.
    pub fn end(&self, node: &NodeId) {
        self.settle(node, None);
    }

    /// The run is over.
    pub fn clear(&self) {
        for waiting in self.waiting.take() {
            waiting.settle(None);
        }
        // Numbers go on from there, so that what was seen stays seen.
        self.is_fresh.set(false);
    }

    fn settle(&self, node: &NodeId, seen: Option<&Seen>) {
        let (settled, others) = self.waiting.take().into_iter().partition(|waiting| waiting.node == *node);
        self.waiting.replace(others);
        for waiting in settled {
            let waiting: Rc<Waiting> = waiting;
            self.looked_ms.set(now_ms());
            waiting.settle(seen.cloned());
        }
    }
}
