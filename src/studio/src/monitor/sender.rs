//! Sends requests to an endpoint at a steady rate.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo::timers::callback::Interval;
use leptos::prelude::*;
use monitor::{FAULT_HEADER, Fault, Sending, Traffic};
use registry::{Header, Name, Predicts, Shape};
use serde_json::{Value as Json, json};
use wasm_bindgen_futures::spawn_local;

use super::store::Monitor;
use crate::dom;
use crate::endpoints::AskError;

/// How often it is looked at which requests are due.
const TICK_MS: u32 = 50;
/// Requests under way at once; what is due beyond them waits.
const N_UNDER_WAY: u64 = 64;

/// How long after an answer it is told what is true.
const LABEL_AFTER_MS: i32 = 2_000;

/// What is to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Requests a second.
    pub rate: f64,
    /// How long, in seconds.
    pub seconds: f64,
    /// By how many standard deviations numbers lie higher than in training.
    pub shift: f64,
    /// Shares of requests that are faulty.
    pub faults: Vec<(Fault, f64)>,
    /// The share of predictions that turn out to be true; none if nothing is told of them.
    pub right: Option<f64>,
}

/// How it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Answered with 2xx.
    pub n_good: u64,
    /// Answered with 4xx or 5xx, or not at all.
    pub n_failed: u64,
    /// Labels that were taken.
    pub n_labels: u64,
}

/// Says of predictions whether they turned out to be true.
#[derive(Clone, Debug)]
struct Truth {
    right: f64,
    predicts: Predicts,
    /// The standard deviation of what was predicted in training.
    std: f64,
}

impl Truth {
    /// Those that are right are spread evenly.
    fn label(&self, number: u64, predicted: &Json) -> Json {
        // The golden ratio's multiples fall evenly between 0 and 1.
        let is_right = (number as f64 * 0.618_033_988_749_894_9).fract() < self.right;
        match (&self.predicts, predicted.as_f64()) {
            _ if is_right => predicted.clone(),
            (Predicts::Number { .. }, Some(x)) => json!(x + self.std),
            (Predicts::Number { .. }, None) => predicted.clone(),
            (Predicts::Class { classes, .. }, _) => {
                let said = predicted.as_str().map_or_else(|| predicted.to_string(), str::to_owned);
                json!(classes.iter().find(|class| **class != said))
            }
        }
    }
}

/// What sends requests. A handle.
#[derive(Clone, Copy)]
pub struct Sender {
    monitor: Monitor,
    /// How it goes.
    pub sent: RwSignal<Sent>,
    /// Until when it sends, in milliseconds since 1970; none if it does not.
    pub until: RwSignal<Option<u64>>,
    timer: StoredValue<Option<Interval>, LocalStorage>,
}

impl Sender {
    /// One that rests.
    pub fn new(monitor: Monitor) -> Self {
        let timer = StoredValue::new_local(None);
        on_cleanup(move || drop(timer.try_update_value(Option::take)));
        Self { monitor, sent: RwSignal::new(Sent::default()), until: RwSignal::new(None), timer }
    }

    /// Begins to send to an endpoint.
    pub fn start(self, endpoint: Name, header: &Header, load: &Load) {
        let seed = dom::date_ms() as u64;
        let traffic = Rc::new(RefCell::new(Traffic::new(header, load.faults.clone(), load.shift, seed)));
        let begun = dom::now_ms();
        let (n_sent, n_under_way) = (Cell::new(0_u64), Rc::new(Cell::new(0_u64)));
        let (rate, seconds) = (load.rate, load.seconds);
        let std = match header.reference.prediction.as_ref().map(|predicted| &predicted.shape) {
            Some(Shape::Numbers { std, .. }) => *std,
            Some(Shape::Categories { .. }) | None => 1.0,
        };
        let truth = load.right.map(|right| Truth { right, predicts: header.signature.predicts.clone(), std });
        self.sent.set(Sent::default());
        self.until.set(Some((dom::date_ms() + seconds * 1e3) as u64));
        let tick = move || {
            let elapsed = ((dom::now_ms() - begun) / 1e3).min(seconds);
            let due = (elapsed * rate).round() as u64;
            while n_sent.get() < due && n_under_way.get() < N_UNDER_WAY {
                n_sent.set(n_sent.get() + 1);
                n_under_way.set(n_under_way.get() + 1);
                let truth = truth.clone().map(|truth| (n_sent.get(), truth));
                self.send(&endpoint, traffic.borrow_mut().next_request(), truth, Rc::clone(&n_under_way));
            }
            if elapsed >= seconds && n_sent.get() >= due {
                self.stop();
            }
        };
        self.timer.set_value(Some(Interval::new(TICK_MS, tick)));
    }

    /// Sends no more.
    pub fn stop(self) {
        self.until.set(None);
        let timer = self.timer.try_update_value(Option::take).flatten();
        // The timer may be what asks for its end.
        dom::after_render(move || drop(timer));
    }

    fn send(self, endpoint: &Name, sending: Sending, truth: Option<(u64, Truth)>, n_under_way: Rc<Cell<u64>>) {
        let host = self.monitor.host.get_untracked();
        let key = self.monitor.key.get_untracked();
        let path = format!("v2/models/{endpoint}");
        spawn_local(async move {
            let Sending { body, fault } = sending;
            let header = fault.map(|fault| (FAULT_HEADER, fault));
            let answer = host.send_with("POST", &format!("{path}/infer"), &key, Some(&body), header).await;
            n_under_way.set(n_under_way.get() - 1);
            let good = answer.ok().filter(|answer| (200..300).contains(&answer.status));
            // The page may have been left.
            self.sent.try_update(|sent| if good.is_some() { sent.n_good += 1 } else { sent.n_failed += 1 });
            let Some(((number, truth), good)) = truth.zip(good) else { return };
            dom::sleep(LABEL_AFTER_MS).await;
            let told: Json = serde_json::from_str(&good.text).unwrap_or_default();
            let mut outputs = told["outputs"].as_array().into_iter().flatten();
            let Some(output) = outputs.find(|output| output["name"] == "prediction") else { return };
            let predicted = &output["data"][0];
            let body = json!({ "id": told["id"], "label": truth.label(number, predicted) }).to_string();
            let taken = host.send("POST", &format!("{path}/feedback"), &key, Some(&body)).await;
            if taken.is_ok_and(|taken| taken.status == 200) {
                self.sent.try_update(|sent| sent.n_labels += 1);
            }
        });
    }
}

/// What is known of the version that has most of an endpoint's requests.
///
/// # Errors
/// No version has any, or the host does not tell.
pub async fn header_of(monitor: Monitor, endpoint: &Name) -> Result<Header, AskError> {
    let package = monitor.data.with_untracked(|data| data.main_package(endpoint));
    let package = package.ok_or_else(|| AskError::Other("no version has traffic".into()))?;
    let host = monitor.host.get_untracked();
    host.get(&format!("v2/registry/packages/{package}"), &monitor.key.get_untracked()).await
}
