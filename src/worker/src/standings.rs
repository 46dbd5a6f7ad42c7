//! Where trainings stood, kept by the browser, so that a page that was closed or broke goes on from there.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Uint8Array;
use learn::neural::Standings;
use wasm_bindgen_futures::spawn_local;

use crate::database::Database;

const KEPT: Database = Database { name: "millrace-standings", store: "standings" };
const KEY: &str = "last";
/// Kept with them: another version may train otherwise, and leaves them.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Those of this worker.
#[derive(Clone, Default)]
pub struct Lasting(Rc<Inner>);

#[derive(Default)]
struct Inner {
    standings: Rc<Standings>,
    /// Whether this is the page's own engine; one that measures, or helps, leaves what is kept alone.
    is_lasting: Cell<bool>,
    /// Those of an earlier visit were taken in, or are no longer wanted.
    has_recalled: Cell<bool>,
    /// Changes that the browser has.
    n_kept: Cell<u64>,
    is_keeping: Cell<bool>,
}

impl Lasting {
    /// What trainings ask.
    pub fn standings(&self) -> Rc<Standings> {
        Rc::clone(&self.0.standings)
    }

    /// From now on the browser keeps them.
    pub fn last(&self) {
        self.0.is_lasting.set(true);
    }

    /// Takes in what an earlier visit left, the first time. Where the browser keeps nothing, trainings begin anew.
    pub async fn recall(&self) {
        if !self.0.is_lasting.get() || self.0.has_recalled.replace(true) {
            return;
        }
        let Ok(kept) = KEPT.get(KEY).await else { return };
        if let Ok((version, earlier)) = protocol::decode::<(String, Standings)>(&Uint8Array::new(&kept).to_vec())
            && version == VERSION
        {
            self.0.standings.take_in(&earlier);
        }
    }

    /// Has the browser keep what has changed, if anything has, in place of what was recalled. Cheap enough for every breath.
    pub fn keep(&self) {
        let Inner { standings, is_lasting, has_recalled, n_kept, is_keeping } = &*self.0;
        let may_keep = is_lasting.get() && has_recalled.get();
        if !may_keep || n_kept.get() == standings.n_changes() || is_keeping.replace(true) {
            return;
        }
        let Self(inner) = self.clone();
        spawn_local(async move {
            while inner.n_kept.get() != inner.standings.n_changes() {
                inner.n_kept.set(inner.standings.n_changes());
                let bytes = Uint8Array::from(protocol::encode(&(VERSION, &*inner.standings)).as_slice());
                // A browser that keeps nothing, or is full, loses no more than the time until there.
                let _ = KEPT.put(KEY, &bytes).await;
            }
            inner.is_keeping.set(false);
        });
    }

    /// Forgets all of them, here and in the browser.
    pub fn clear(&self) {
        self.0.has_recalled.set(true);
        self.0.standings.clear();
        self.keep();
    }
}
