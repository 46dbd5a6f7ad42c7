//! How deployed models serve: requests, response times and failures along time, drift, exceptions.
//!
//! A part of the page of its own. It asks a host over HTTP, the browser's service worker or the server that the page came
//! from, and shows what the crate `monitor` makes of the answers.

mod alerts;
mod charts;
mod download;
mod drift;
mod exceptions;
mod exercise;
mod failures;
mod head;
mod mirror;
mod performance;
mod plot;
mod practice;
mod questions;
mod rail;
mod rollback;
mod rules;
mod sender;
mod store;
mod time;
mod waiting;

use leptos::prelude::*;

use crate::endpoints::AskError;
use crate::store::Studio;
use crate::views::icon::small_icon;
use alerts::Alerts;
use store::{Figures, Monitor, Standing};

/// The page.
pub fn page(studio: Studio) -> AnyView {
    let monitor = Monitor::start(studio);
    let alerts = Alerts::of(monitor);
    let window = Memo::new(move |_| monitor.window());
    let figures = Memo::new(move |_| {
        let endpoint = monitor.endpoint()?;
        let window = window.get();
        monitor.data.with(|data| Some(Figures::of(data, &endpoint, window)))
    });
    let sender = sender::Sender::new(monitor);
    let (is_practising, is_learning) = (RwSignal::new(false), RwSignal::new(false));
    let shows = Memo::new(move |_| Shows::now(monitor));
    let content = move || match shows.get() {
        Shows::Asking => waiting::asking(),
        Shows::Key => waiting::key(monitor),
        Shows::NoHost => waiting::no_host(monitor),
        Shows::Failed(words) => waiting::failed(monitor, &words),
        Shows::NoEndpoint => waiting::no_endpoint(monitor),
        Shows::Figures => view! {
            {waiting::never_called(monitor, figures)}
            {practice::practice(monitor, sender, is_practising)}
            {exercise::exercise(monitor, sender, is_learning)}
            {charts::charts(monitor, figures, alerts)}
            <div class="monitor__lower">
                {drift::drift(monitor)}
                <div>
                    {exceptions::exceptions(monitor, figures)}
                    {failures::failures(monitor)}
                </div>
            </div>
            {performance::performance(monitor, figures)}
            {mirror::mirror(monitor)}
            {questions::questions(monitor)}
        }
        .into_any(),
    };
    let actions = view! {
        {rules::button(alerts)}
        <button type="button" class="button button--small" id="monitor-send" aria-pressed=move || is_practising.get().to_string()
            disabled=move || shows.get() != Shows::Figures on:click=move |_| is_practising.update(|on| *on = !*on)>
            {small_icon("send")}"Send requests"
        </button>
        <button type="button" class="button button--small" id="monitor-exercise" aria-pressed=move || is_learning.get().to_string()
            disabled=move || shows.get() != Shows::Figures on:click=move |_| is_learning.update(|on| *on = !*on)>
            {small_icon("graduation-cap")}"Exercise"
        </button>
    }
    .into_any();
    view! {
        <main class="hosted monitor" data-region="monitor">
            {rail::rail(monitor, figures)}
            <div class="monitor__main">
                {head::head(monitor, actions)}
                <div class="monitor__content">{content}</div>
            </div>
            {rules::rules(monitor, alerts)}
        </main>
    }
    .into_any()
}

/// What the page shows.
#[derive(Clone, Debug, PartialEq)]
enum Shows {
    Asking,
    Key,
    NoHost,
    Failed(String),
    NoEndpoint,
    Figures,
}

impl Shows {
    fn now(monitor: Monitor) -> Self {
        let was_answered = monitor.data.with(|data| data.asked_ms > 0);
        match monitor.standing.get() {
            Standing::Failed(AskError::Key) => Self::Key,
            // Figures that are there stay, and the bar says how old they are.
            Standing::Failed(AskError::NoHost) if !was_answered => Self::NoHost,
            Standing::Failed(AskError::Other(words)) if !was_answered => Self::Failed(words),
            Standing::Asking if !was_answered => Self::Asking,
            Standing::Asking | Standing::Here | Standing::Failed(_) if monitor.endpoint().is_some() => Self::Figures,
            Standing::Asking | Standing::Here | Standing::Failed(_) => Self::NoEndpoint,
        }
    }
}
