//! What is known of endpoints, where it is asked for, and what of it is looked at.

use std::collections::BTreeMap;

use leptos::prelude::*;
use monitor::{AlertRule, ExceptionEvent, Filter, Minute, MinuteKey, Point, Record, Served, Step, history, series};
use registry::{Change, Endpoint, Event, Hash, Header, Name, Reference, Registry};
use wasm_bindgen_futures::spawn_local;

use super::alerts::Told;
use super::drift::Drift;
use super::mirror::Mirrored;
use super::performance::Labelled;
use super::time::{Span, Window};
use crate::dom;
use crate::endpoints::{Answered, AskError, Host, HostKind, hosts, keep_key, kept_key, reason};
use crate::idle::Busy;
use crate::storage;
use crate::store::{Studio, Tone};

/// How often a host may be asked, in seconds; 0 is only when asked to.
pub const REFRESHES: [(u64, &str); 4] = [(2, "every 2 s"), (5, "every 5 s"), (30, "every 30 s"), (0, "when I ask")];
/// Exceptions that are kept here.
const N_EXCEPTIONS: usize = 5_000;

/// How it stands with the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing came yet.
    Asking,
    /// All is well.
    Here,
    /// What came last is shown; the next did not come.
    Failed(AskError),
}

/// What a host told.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// What its log adds up to.
    pub registry: Registry,
    /// The log.
    pub events: Vec<Event>,
    /// Counts.
    pub minutes: BTreeMap<MinuteKey, Minute>,
    /// The last exceptions, oldest first.
    pub exceptions: Vec<ExceptionEvent>,
    /// How values differ from those of training; nothing if the host does not say.
    pub drift: Option<Vec<Drift>>,
    /// How good predictions turned out to be; nothing if the host does not say.
    pub labelled: Option<Vec<Labelled>>,
    /// How mirrors differ from what they mirror; nothing if the host does not say.
    pub mirrored: Option<Vec<Mirrored>>,
    /// How alerts stand that only the host can hold to what it counted; nothing if there are none.
    pub alerts: Option<Vec<Told>>,
    /// What is known of packages that are served.
    headers: BTreeMap<Hash, Header>,
    /// When it was asked, in milliseconds since 1970; 0 if never.
    pub asked_ms: u64,
}

impl Data {
    /// The package that a deployment serves.
    pub fn package(&self, served: &Served) -> Option<Hash> {
        let deployment =
            self.registry.endpoints.get(served.endpoint.as_ref()?)?.deployments.get(served.deployment.as_ref()?)?;
        let versions = &self.registry.models.get(&deployment.model)?.versions;
        Some(versions.get((served.version as usize).checked_sub(1)?)?.package.clone())
    }

    /// Whether any alert looks at rows.
    fn watches_drift(&self) -> bool {
        let rules = self.registry.alerts.values().map(|alert| serde_json::from_value::<AlertRule>(alert.rule.clone()));
        rules.flatten().any(|rule| rule.metric.is_drift())
    }

    /// What is known of a deployment's model.
    pub fn header(&self, served: &Served) -> Option<&Header> {
        self.headers.get(&self.package(served)?)
    }

    /// What training saw of the values of a deployment's model.
    pub fn reference(&self, served: &Served) -> Option<&Reference> {
        Some(&self.header(served)?.reference)
    }

    /// The package of the version that has most of an endpoint's requests.
    pub fn main_package(&self, endpoint: &Name) -> Option<Hash> {
        let entry = self.registry.endpoints.get(endpoint)?;
        let (deployment, _) = entry.traffic.iter().max_by_key(|(_, percent)| **percent)?;
        let it = entry.deployments.get(deployment)?;
        let versions = &self.registry.models.get(&it.model)?.versions;
        Some(versions.get((it.version as usize).checked_sub(1)?)?.package.clone())
    }

    /// What is known of the version that has most of an endpoint's requests.
    pub fn main_header(&self, endpoint: &Name) -> Option<&Header> {
        self.headers.get(&self.main_package(endpoint)?)
    }
}

/// The handle. Copies lead to the same page.
#[derive(Clone, Copy)]
pub struct Monitor {
    /// The studio around it.
    pub studio: Studio,
    /// Who can be asked.
    pub hosts: StoredValue<Vec<Host>>,
    /// Who is asked.
    pub host: RwSignal<Host>,
    /// How it stands with it.
    pub standing: RwSignal<Standing>,
    /// What it told.
    pub data: RwSignal<Data>,
    /// The endpoint that was chosen.
    pub chosen: RwSignal<Option<Name>>,
    /// The stretch of time.
    pub span: RwSignal<Span>,
    /// Seconds between two times of asking.
    pub refresh: RwSignal<u64>,
    /// The point of all charts that is looked at.
    pub cursor: RwSignal<Option<usize>>,
    /// Milliseconds since 1970, by the second.
    pub now_ms: RwSignal<u64>,
    /// The key that goes with requests.
    pub key: RwSignal<String>,
    is_asking: StoredValue<bool>,
}

impl Monitor {
    /// Begins to ask, until the page is left.
    pub fn start(studio: Studio) -> Self {
        let hosts = hosts();
        let kept = storage::setting("monitor-host");
        let nearest = hosts.iter().rev().find(|host| host.is_there()).or(hosts.last());
        let wanted = hosts.iter().find(|host| kept.as_deref() == Some(word(host.kind))).or(nearest);
        let host = wanted.cloned().unwrap_or(Host { kind: HostKind::Browser, base: String::new() });
        let number = |key: &str| storage::setting(key).and_then(|text| text.parse().ok());
        let kept_refresh = number("monitor-refresh").filter(|kept| REFRESHES.iter().any(|(secs, _)| secs == kept));
        let monitor = Self {
            studio,
            hosts: StoredValue::new(hosts),
            host: RwSignal::new(host),
            standing: RwSignal::new(Standing::Asking),
            data: RwSignal::new(Data::default()),
            chosen: RwSignal::new(None),
            span: RwSignal::new(Span::Last(number("monitor-span").unwrap_or(15))),
            refresh: RwSignal::new(kept_refresh.unwrap_or(5)),
            cursor: RwSignal::new(None),
            now_ms: RwSignal::new(dom::date_ms() as u64),
            key: RwSignal::new(kept_key()),
            is_asking: StoredValue::new(false),
        };
        monitor.read_address();
        Effect::new(move |_| {
            let endpoint = monitor.endpoint();
            studio.set_hash(&format!("#monitor={}", endpoint.map_or_else(String::new, |name| name.to_string())));
        });
        Effect::new(move |_| {
            monitor.host.track();
            monitor.key.track();
            monitor.data.set(Data::default());
            monitor.standing.set(Standing::Asking);
            monitor.cursor.set(None);
            untrack(|| monitor.ask());
        });
        let tick = gloo::timers::callback::Interval::new(1_000, move || monitor.tick());
        let tick = StoredValue::new_local(Some(tick));
        on_cleanup(move || drop(tick.try_update_value(Option::take)));
        monitor
    }

    fn read_address(self) {
        let hash = dom::window().location().hash().unwrap_or_default();
        let name = hash.strip_prefix("#monitor=").and_then(|name| Name::new(name).ok());
        self.chosen.set(name);
    }

    fn tick(self) {
        let now = dom::date_ms() as u64;
        self.now_ms.set(now);
        let every = self.refresh.get_untracked();
        let asked = self.data.with_untracked(|data| data.asked_ms);
        if every > 0 && !dom::document().hidden() && now >= asked + every * 1_000 {
            self.ask();
        }
    }

    /// Asks the host for what is new.
    pub fn ask(self) {
        if self.is_asking.get_value() {
            return;
        }
        self.is_asking.set_value(true);
        let first = (self.standing.get_untracked() == Standing::Asking).then(Busy::begin);
        let host = self.host.get_untracked();
        spawn_local(async move {
            let outcome = self.fetch(&host).await;
            // The page may have been left, or another host chosen.
            if self.host.try_get_untracked().as_ref() == Some(&host) {
                self.now_ms.set(dom::date_ms() as u64);
                self.standing.set(match outcome {
                    Ok(()) => Standing::Here,
                    Err(error) => Standing::Failed(error),
                });
            }
            self.is_asking.try_set_value(false);
            dom::after_render(move || drop(first));
        });
    }

    async fn fetch(self, host: &Host) -> Result<(), AskError> {
        if !host.is_there() {
            return Err(AskError::NoHost);
        }
        let key = self.key.get_untracked();
        let asked_ms = dom::date_ms() as u64;
        // The minute before the last that is known may have been under way.
        let (since_minute, since_ms) = self.data.with_untracked(|data| {
            let last = data.minutes.keys().map(|key| key.minute).max().unwrap_or_default();
            (last.saturating_sub(1), data.exceptions.last().map_or(0, |last| last.at_ms))
        });
        let since = since_minute * 60_000;
        let events: Vec<Event> = host.get("v2/monitor/events", &key).await?;
        let minutes: Vec<Record> = host.get(&format!("v2/monitor/minutes?since={since}"), &key).await?;
        let path = format!("v2/monitor/exceptions?since={since_ms}");
        let exceptions: Vec<ExceptionEvent> = host.get(&path, &key).await?;
        let from = self.window_now().from * 60_000;
        let drift = if_told(host.get(&format!("v2/monitor/drift?since={from}"), &key).await)?;
        let labelled = if_told(host.get(&format!("v2/monitor/performance?since={from}"), &key).await)?;
        let mirrored = if_told(host.get("v2/monitor/disagreements", &key).await)?;
        let alerts = if self.data.with_untracked(Data::watches_drift) {
            if_told(host.get("v2/monitor/alerts", &key).await)?
        } else {
            None
        };
        if self.host.try_get_untracked().as_ref() != Some(host) {
            return Ok(());
        }
        self.data.update(|data| {
            if data.events.len() != events.len() {
                data.registry = Registry::default();
                for event in &events {
                    // The host has carried them out, so they fit.
                    let _ = data.registry.apply(event);
                }
                data.events = events;
            }
            data.minutes.retain(|key, _| key.minute < since_minute);
            for Record { key, counts } in minutes.into_iter().filter(|record| record.key.minute >= since_minute) {
                data.minutes.entry(key).or_default().merge(&counts);
            }
            data.exceptions.retain(|exception| exception.at_ms < since_ms);
            data.exceptions.extend(exceptions.into_iter().filter(|exception| exception.at_ms >= since_ms));
            let n_too_many = data.exceptions.len().saturating_sub(N_EXCEPTIONS);
            data.exceptions.drain(..n_too_many);
            data.drift = drift;
            data.labelled = labelled;
            data.mirrored = mirrored;
            data.alerts = alerts;
            data.asked_ms = asked_ms;
        });
        self.fetch_headers(host, &key).await;
        Ok(())
    }

    /// What is known of the models that are served. Without it tables show a little less.
    async fn fetch_headers(self, host: &Host, key: &str) {
        let missing: Vec<Hash> = self.data.with_untracked(|data| {
            let packages = data.registry.served_packages().into_iter().cloned();
            packages.filter(|package| !data.headers.contains_key(package)).collect()
        });
        for package in missing {
            if let Ok(header) = host.get::<Header>(&format!("v2/registry/packages/{package}"), key).await
                && self.host.try_get_untracked().as_ref() == Some(host)
            {
                self.data.update(|data| _ = data.headers.insert(package, header));
            }
        }
    }

    /// Asks another host from now on.
    pub fn choose_host(self, host: Host) {
        storage::set_setting("monitor-host", word(host.kind));
        self.chosen.set(None);
        self.host.set(host);
    }

    /// Gives a key, kept as long as the tab.
    pub fn give_key(self, key: String) {
        keep_key(&key);
        self.key.set(key);
    }

    /// Looks at another stretch of time.
    pub fn choose_span(self, span: Span) {
        if let Span::Last(minutes) = span {
            storage::set_setting("monitor-span", &minutes.to_string());
        }
        self.cursor.set(None);
        self.span.set(span);
        // Drift is told for a stretch of time.
        self.ask();
    }

    /// Asks this often from now on.
    pub fn choose_refresh(self, seconds: u64) {
        storage::set_setting("monitor-refresh", &seconds.to_string());
        self.refresh.set(seconds);
    }

    /// The endpoint that is looked at: the one that was chosen, or the first.
    pub fn endpoint(self) -> Option<Name> {
        let chosen = self.chosen.get();
        self.data.with(|data| {
            let endpoints = &data.registry.endpoints;
            chosen
                .filter(|name| endpoints.contains_key(name) || data.asked_ms == 0)
                .or_else(|| endpoints.keys().next().cloned())
        })
    }

    /// Its deployments.
    pub fn entry(self) -> Option<(Name, Endpoint)> {
        let name = self.endpoint()?;
        let entry = self.data.with(|data| data.registry.endpoints.get(&name).cloned())?;
        Some((name, entry))
    }

    /// The stretch of time as it is now.
    pub fn window(self) -> Window {
        // By the minute: nothing else changes what is shown.
        self.span.get().window(self.now_ms.get())
    }

    fn window_now(self) -> Window {
        untrack(|| self.window())
    }

    /// What happened to the endpoint, oldest first.
    pub fn steps(self) -> Vec<Step> {
        let Some(endpoint) = self.endpoint() else { return Vec::new() };
        self.data.with(|data| history(&data.events, &endpoint))
    }

    /// Asks the host to carry out changes of the registry.
    pub fn change(self, changes: Vec<Change>, done: String) {
        let body = serde_json::json!({ "who": "studio", "changes": changes }).to_string();
        let host = self.host.get_untracked();
        let key = self.key.get_untracked();
        let busy = Busy::begin();
        spawn_local(async move {
            let sent = host.send("POST", "v2/registry/changes", &key, Some(&body)).await;
            let studio = self.studio;
            match sent {
                Ok(Answered { status: 200, .. }) => studio.toast(Tone::Good, done, ""),
                Ok(Answered { status: 401 | 403, .. }) => {
                    studio.toast(
                        Tone::Failed,
                        "This key may not change the registry",
                        "Give one with the scope admin.",
                    );
                }
                Ok(Answered { status, text }) => {
                    studio.toast(Tone::Failed, "Nothing was changed", reason(status, &text));
                }
                Err(AskError::Other(words)) => studio.toast(Tone::Failed, "Nothing was changed", words),
                Err(AskError::Key | AskError::NoHost) => {
                    studio.toast(Tone::Failed, "Nothing was changed", "The host does not answer.");
                }
            }
            self.ask();
            drop(busy);
        });
    }
}

/// Some hosts do not tell everything; what they tell is shown all the same.
fn if_told<T>(told: Result<T, AskError>) -> Result<Option<T>, AskError> {
    match told {
        Ok(told) => Ok(Some(told)),
        Err(AskError::Key) => Err(AskError::Key),
        Err(AskError::NoHost | AskError::Other(_)) => Ok(None),
    }
}

fn word(kind: HostKind) -> &'static str {
    match kind {
        HostKind::Browser => "browser",
        HostKind::Server => "server",
    }
}

/// What was counted of one endpoint in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// The window.
    pub window: Window,
    /// All versions together.
    pub all: Vec<Point>,
    /// By version.
    pub versions: Vec<(u32, Vec<Point>)>,
    /// Milliseconds since 1970 up to which it was counted.
    asked_ms: u64,
}

impl Figures {
    /// Of an endpoint.
    pub fn of(data: &Data, endpoint: &Name, window: Window) -> Self {
        let filter = |version| Filter { endpoint: Some(endpoint.clone()), version, ..Filter::default() };
        let points = |filter: &Filter| series(&data.minutes, filter, window.from, window.to, window.step);
        let is_ours = |key: &&MinuteKey| {
            key.served.endpoint.as_ref() == Some(endpoint)
                && !key.served.is_mirror
                && (window.from..window.to).contains(&key.minute)
        };
        let mut versions: Vec<u32> = data.minutes.keys().filter(is_ours).map(|key| key.served.version).collect();
        versions.sort_unstable();
        versions.dedup();
        // What reached no version was refused before.
        let versions = versions.into_iter().filter(|version| *version > 0);
        let versions = versions.map(|version| (version, points(&filter(Some(version)))));
        let is_called = |points: &[Point]| points.iter().any(|point| point.counts.n_requests() > 0);
        Self {
            window,
            all: points(&filter(None)),
            versions: versions.filter(|(_, points)| is_called(points)).collect(),
            asked_ms: data.asked_ms,
        }
    }

    /// Seconds of a point that were counted; the minute under way only as far as it went.
    pub fn seconds(&self, point_idx: usize) -> f64 {
        let point = &self.all[point_idx];
        let counted = 60.0 * point.n_minutes as f64;
        let this_minute = self.asked_ms / 60_000;
        let is_under_way = (point.minute..point.minute + self.window.step).contains(&this_minute);
        if is_under_way && point.n_minutes > 0 {
            (counted - 60.0 + (self.asked_ms % 60_000) as f64 / 1e3).max(1.0)
        } else {
            counted
        }
    }

    /// Requests per second at a point.
    pub fn rate(&self, points: &[Point], point_idx: usize) -> Option<f64> {
        let point = &points[point_idx];
        (point.n_minutes > 0).then(|| point.counts.n_requests() as f64 / self.seconds(point_idx))
    }

    /// All of the window together.
    pub fn total(&self) -> Minute {
        let mut total = Minute::default();
        self.all.iter().for_each(|point| total.merge(&point.counts));
        total
    }
}
