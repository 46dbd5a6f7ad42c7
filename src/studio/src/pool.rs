//! Several engines side by side, each in a worker of its own, for work that falls into independent runs.

use std::cell::RefCell;

use leptos::prelude::Owner;

use crate::worker_client::Link;

/// Workers that wait for work or have some. Those that it started end with it.
pub struct Pool {
    seats: RefCell<Vec<Seat>>,
}

struct Seat {
    link: Link,
    is_taken: bool,
    /// The link lives for as long as this; none where it is the page's own.
    owner: Option<Owner>,
}

impl Pool {
    /// Starts so many workers.
    pub fn start(n_workers: u32) -> Self {
        let seat = |_| {
            let owner = Owner::default();
            Seat { link: owner.with(Link::start), is_taken: false, owner: Some(owner) }
        };
        Self { seats: RefCell::new((0..n_workers.max(1)).map(seat).collect()) }
    }

    /// The page's own engine, for files that only it has.
    pub fn of(link: Link) -> Self {
        Self { seats: RefCell::new(vec![Seat { link, is_taken: false, owner: None }]) }
    }

    /// A worker that has nothing to do; it is the caller's until it is given back.
    pub fn take(&self) -> Option<(usize, Link)> {
        let mut seats = self.seats.borrow_mut();
        let (seat_idx, seat) = seats.iter_mut().enumerate().find(|(_, seat)| !seat.is_taken)?;
        seat.is_taken = true;
        Some((seat_idx, seat.link))
    }

    /// How many workers have nothing to do.
    pub fn n_free(&self) -> u32 {
        self.seats.borrow().iter().filter(|seat| !seat.is_taken).count() as u32
    }

    /// Gives a worker back.
    pub fn give_back(&self, seat_idx: usize) {
        if let Some(seat) = self.seats.borrow_mut().get_mut(seat_idx) {
            seat.is_taken = false;
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for seat in self.seats.borrow().iter().filter(|seat| seat.owner.is_some()) {
            seat.link.end();
        }
    }
}
