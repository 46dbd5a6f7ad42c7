//! A deployment that sees copies of requests, and where it says something else than the one that answers.

use leptos::prelude::*;
use registry::{Endpoint, Name};
use serde::Deserialize;

use super::charts::{color, share_words};
use super::store::Monitor;

/// How a mirror differs from what it mirrors, as a host tells it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Mirrored {
    endpoint: Name,
    /// Whose requests were copied.
    live: Name,
    /// Who saw the copies.
    mirror: Name,
    counts: Apart,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
struct Apart {
    /// Requests that both answered.
    n_requests: u64,
    /// Rows that both predicted.
    n_rows: u64,
    /// Rows for which they name another class.
    n_labels: u64,
    /// The largest difference of a probability, or of a number.
    max_difference: f64,
    /// Rows by the largest difference of their probabilities: below 0.1, below 0.2, and so on.
    n_by_tenth: [u64; 10],
    /// Requests that only the live deployment could answer.
    n_failed: u64,
}

/// The section, where there is a mirror or was one.
pub fn mirror(monitor: Monitor) -> AnyView {
    let found = Memo::new(move |_| {
        let (name, entry) = monitor.entry()?;
        let told = monitor.data.with(|data| data.mirrored.clone())?;
        let ours: Vec<Mirrored> = told.into_iter().filter(|mirrored| mirrored.endpoint == name).collect();
        (entry.mirror.is_some() || !ours.is_empty()).then_some((entry, ours))
    });
    let section = move || {
        let (entry, ours) = found.get()?;
        let about = match &entry.mirror {
            Some(share) => {
                format!("{} sees copies of {} % of requests; nobody sees its answers", share.deployment, share.percent)
            }
            None => "no copies are made now".to_owned(),
        };
        let content = if ours.is_empty() {
            view! { <p class="monitor__none-yet">"No request was copied yet"</p> }.into_any()
        } else {
            table(&entry, &ours)
        };
        Some(view! {
            <section class="monitor__section" aria-labelledby="monitor-mirror-title" data-region="monitor-mirror">
                <header>
                    <h2 id="monitor-mirror-title" title="Azure: mirror_traffic">"Mirror"</h2>
                    <small class="truncate">{about}</small>
                </header>
                {content}
            </section>
        })
    };
    section.into_any()
}

fn table(entry: &Endpoint, ours: &[Mirrored]) -> AnyView {
    let rows = ours.iter().map(|mirrored| {
        let Apart { n_requests, n_rows, n_labels, max_difference, n_failed, .. } = mirrored.counts;
        let share =
            |n: u64, of: u64| if of == 0 { String::new() } else { format!(" ({})", share_words(n as f64 / of as f64)) };
        let count = |n: u64, of: u64| format!("{}{}", charts::grouped(n), share(n, of));
        let difference = if n_rows == 0 { "–".to_owned() } else { charts::number(max_difference) };
        view! {
            <tr>
                <th scope="row">{pair(entry, mirrored)}</th>
                <td class="num">{charts::grouped(n_requests + n_failed)}</td>
                <td class="num">{charts::grouped(n_rows)}</td>
                <td class="num"><b>{count(n_labels, n_rows)}</b></td>
                <td class="num">{difference}</td>
                <td class="num">{count(n_failed, n_requests + n_failed)}</td>
            </tr>
        }
    });
    view! {
        <div class="monitor__scroll" tabindex="0" role="region" aria-label="Where mirrors say something else">
            <table class="monitor__figures">
                <thead><tr>
                    <th scope="col">"Deployments"</th>
                    <th scope="col" class="num">"Requests copied"</th>
                    <th scope="col" class="num">"Rows compared"</th>
                    <th scope="col" class="num">"Another class"</th>
                    <th scope="col" class="num" title="Of a probability, or of a number">"Largest difference"</th>
                    <th scope="col" class="num">"Only the copy failed"</th>
                </tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
        {tenths(entry, ours)}
        <p class="monitor__recipe">"Counted since the mirror was set up, whatever the stretch of time above."</p>
    }
    .into_any()
}

/// How far probabilities differ, where there are some.
fn tenths(entry: &Endpoint, ours: &[Mirrored]) -> Option<AnyView> {
    let rows = ours.iter().filter(|mirrored| mirrored.counts.n_by_tenth.iter().any(|n| *n > 0)).map(|mirrored| {
        let counts = mirrored.counts.n_by_tenth;
        let cells =
            counts.map(|n| view! { <td class="num">{if n == 0 { "–".to_owned() } else { charts::grouped(n) }}</td> });
        view! { <tr><th scope="row">{pair(entry, mirrored)}</th>{cells.into_iter().collect_view()}</tr> }
    });
    let rows: Vec<_> = rows.collect();
    let heads = (1..=10).map(
        |tenth| view! { <th scope="col" class="num">{format!("≤ {}", charts::number(f64::from(tenth) / 10.0))}</th> },
    );
    (!rows.is_empty()).then(|| {
        view! {
            <div class="monitor__scroll" tabindex="0" role="region" aria-label="How far probabilities differ">
                <table class="monitor__figures" id="monitor-tenths">
                    <thead><tr><th scope="col">"Rows by the largest difference of a probability"</th>{heads.collect_view()}</tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    })
}

fn pair(entry: &Endpoint, mirrored: &Mirrored) -> impl IntoView {
    view! { {deployment(entry, &mirrored.mirror)}" beside "{deployment(entry, &mirrored.live)} }
}

/// Its name, with the version if it is still there.
fn deployment(entry: &Endpoint, name: &Name) -> AnyView {
    let tag = entry.deployments.get(name).map(|it| {
        view! { <span class=format!("monitor__version {}", color(it.version))>{format!("v{}", it.version)}</span>" " }
    });
    view! { {tag}{name.to_string()} }.into_any()
}
