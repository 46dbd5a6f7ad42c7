//! The first minute: drop a file, start from a question, or go on with what was made before.

use leptos::prelude::*;
use pipeline::Pipeline;

use super::banners::Banners;
use super::face::{bytes, grouped};
use super::gallery::{GALLERY, Kind};
use super::icon::{icon, icon_of, mark, small_icon};
use super::thumbnail::thumbnail;
use super::top_bar::theme_button;
use crate::dom;
use crate::store::Studio;

/// Opens a card of the gallery as a new pipeline.
pub fn open_question(studio: Studio, question_idx: usize) {
    if let Some(pipeline) = GALLERY.get(question_idx).and_then(|question| pipeline::from_json(question.json).ok()) {
        studio.open_new(pipeline);
    }
}

/// The start page.
#[component]
pub fn Start() -> impl IntoView {
    let studio = expect_context::<Studio>();
    let new = move |_| studio.open_new(Pipeline::new("Untitled pipeline"));
    view! {
        <div class="start">
            <header class="bar" data-region="bar">
                <div class="crumb">
                    <span class="brand">{mark()}<b>"Millrace"</b></span>
                    <span class="offline">{small_icon("wifi-off")}"everything stays in this browser"</span>
                </div>
                <button type="button" class="find" on:click=move |_| studio.overlays.then(super::commander::open)>{icon("search")}"Find a pipeline or data set"<kbd>"Ctrl K"</kbd></button>
                <div class="actions">
                    <button type="button" class="button button--ghost button--small" on:click=move |_| studio.show_runs()>{icon("history")}"Runs"</button>
                    <button type="button" class="icon-button" aria-label="Keyboard shortcuts" title="Keyboard shortcuts" on:click=move |_| studio.overlays.then(super::shortcuts::open)>{icon("keyboard")}</button>
                    {theme_button(studio)}
                    <button type="button" class="button" on:click=move |_| crate::app::choose_file()>{icon("folder-open")}"Open…"</button>
                    <button type="button" class="button button--primary" on:click=new>{icon("plus")}"New pipeline"</button>
                </div>
            </header>
            <Banners />
            <main class="stage" data-region="gallery" tabindex="-1">
                {hero(studio)}
                {gallery(studio)}
            </main>
            {rail(studio)}
        </div>
    }
}

fn hero(studio: Studio) -> AnyView {
    view! {
        <section class="hero" aria-labelledby="hero-heading">
            <div>
                <span class="hero__tray">{icon_of("file-up", "icon icon--lg")}</span>
                <h1 id="hero-heading">"Drop a CSV here"</h1>
                <p>"Its columns are recognised and shown at once. Draw what should happen to them, train a model in seconds, and hand it on as a link."</p>
                <div class="hero__row">
                    <button type="button" class="button button--primary" on:click=move |_| crate::app::choose_file()>{icon("folder-open")}"Choose a file"</button>
                    <button type="button" class="button" on:click=move |_| crate::app::paste_table(studio)>{icon("clipboard-paste")}"Paste a table"</button>
                    <button type="button" class="button" on:click=move |_| {
                        studio.open_new(Pipeline::new("Sample data"));
                        studio.add("data.sample-datasets", None, None);
                    }>{icon("table")}"Sample data"</button>
                </div>
                <small>{small_icon("shield-check")}"CSV, TSV, JSON. It never leaves this computer."</small>
            </div>
            {mill()}
        </section>
    }
    .into_any()
}

fn gallery(studio: Studio) -> AnyView {
    let shown = RwSignal::new(None::<Kind>);
    let chips: Vec<_> = [
        (None, "All"),
        (Some(Kind::YesOrNo), "Yes or no"),
        (Some(Kind::Class), "Which one"),
        (Some(Kind::Number), "A number"),
        (Some(Kind::Groups), "Groups"),
    ]
    .into_iter()
    .filter_map(|(kind, label)| {
        let n = GALLERY.iter().filter(|question| kind.is_none_or(|kind| question.kind == kind)).count();
        (n > 0).then(|| {
            view! {
                <button type="button" class="kind-chip" aria-pressed=move || (shown.get() == kind).to_string() on:click=move |_| shown.set(kind)>{label}<em>{n}</em></button>
            }
            .into_any()
        })
    })
    .collect();
    let cards: Vec<_> = GALLERY
        .iter()
        .enumerate()
        .map(|(question_idx, question)| {
            let drawing = pipeline::from_json(question.json).ok().map(|pipeline| thumbnail(&pipeline, question.outcome));
            let kind = question.kind;
            view! {
                <li hidden=move || shown.get().is_some_and(|shown| shown != kind)>
                    <button type="button" class="question"
                        on:click=move |_| open_question(studio, question_idx)>
                        <span class="question__picture">{drawing}<span class="question__open">{icon("play")}</span></span>
                        <span class="question__title">{question.title}</span>
                        <span class="question__text">{question.text}</span>
                        <span class="question__foot"><span>{question.data}</span><b>{question.size}</b></span>
                    </button>
                </li>
            }
            .into_any()
        })
        .collect();
    view! {
        <section class="gallery" aria-labelledby="gallery-heading">
            <header class="gallery__head">
                <h2 id="gallery-heading">"Or start from a question"</h2><span>"They train in seconds; the minutes are for looking around"</span>
                <div class="chips" role="group" aria-label="Kinds of questions">{chips}</div>
            </header>
            <ul class="cards">{cards}</ul>
        </section>
    }
    .into_any()
}

fn rail(studio: Studio) -> AnyView {
    let recent = move || {
        let records = studio.records.get();
        if records.is_empty() {
            return view! { <p class="rail__none">"Pipelines you make are listed here, and kept in this browser"</p> }
                .into_any();
        }
        let now = dom::date_ms();
        let rows: Vec<_> = records
            .into_iter()
            .take(30)
            .map(|record| {
                let (id, forgotten) = (record.id.clone(), record.id.clone());
                let name = if record.name.is_empty() { "Untitled pipeline".to_owned() } else { record.name.clone() };
                let state = if record.headline.is_empty() { format!("{} nodes", record.n_nodes) } else { record.headline.clone() };
                let glyph = if record.headline.is_empty() { "circle-dashed" } else { "circle-check" };
                view! {
                    <li class="recent">
                        <button type="button" class="recent__open" on:click=move |_| studio.open_stored(id.clone())>
                            {icon(glyph)}<span class="grow"><b>{name.clone()}</b><small>{ago(now, record.saved_at())}" · "{state}</small></span>
                        </button>
                        <button type="button" class="icon-button" aria-label=format!("Delete {name}") title="Delete" on:click=move |_| {
                            if dom::window().confirm_with_message("Delete this pipeline from this browser? This cannot be undone.").unwrap_or(false) {
                                studio.forget(forgotten.clone());
                            }
                        }>{icon("trash-2")}</button>
                    </li>
                }
                .into_any()
            })
            .collect();
        view! { <ul>{rows}</ul> }.into_any()
    };
    let kept = move || {
        let n = studio.records.with(Vec::len);
        let used = studio.estimate.get().map(|(used, _)| format!(", {}", bytes(used))).unwrap_or_default();
        format!(
            " {} {}{used}. Save a copy as a file before you clear its data.",
            grouped(n as u64),
            if n == 1 { "pipeline" } else { "pipelines" }
        )
    };
    view! {
        <aside class="rail" aria-label="Recent and first steps" data-region="recent">
            <div class="rail__page" tabindex="0" role="group" aria-label="Recent pipelines">
                <section><h2>"Recent"<small>{move || studio.records.with(Vec::len)}</small></h2>{recent}</section>
                <section>
                    <h2>"How it works"</h2>
                    <ol class="steps">
                        <li><i aria-hidden="true">"1"</i><span><b>"Open a question and press Run"</b>"Every card shows its result in miniature"</span></li>
                        <li><i aria-hidden="true">"2"</i><span><b>"Change one number"</b>"Only what depends on it runs again, and it says why"</span></li>
                        <li><i aria-hidden="true">"3"</i><span><b>"Share the link"</b>"It holds the whole pipeline; nothing is uploaded"</span></li>
                    </ol>
                </section>
            </div>
            <footer><div class="why">{icon("info")}<p><b>"Kept in this browser:"</b>{kept}</p></div></footer>
        </aside>
    }
    .into_any()
}

fn ago(now_ms: f64, then_ms: f64) -> String {
    let minutes = (now_ms - then_ms) / 60_000.0;
    if minutes < 1.0 {
        "just now".into()
    } else if minutes < 60.0 {
        format!("{minutes:.0} min ago")
    } else if minutes < 60.0 * 24.0 {
        format!("{:.0} h ago", minutes / 60.0)
    } else {
        format!("{:.0} days ago", minutes / 60.0 / 24.0)
    }
}

/// The picture: a table flows through the wheel and becomes a model.
fn mill() -> AnyView {
    let mut marks = String::new();
    let mut hits = String::new();
    let mut bars = String::new();
    for column in 0..4 {
        let x = 24.0 + f64::from(column) * 38.0;
        for (bar, height) in [9.0, 16.0, 13.0, 7.0, 4.0].iter().enumerate() {
            let height = height * (0.7 + 0.3 * f64::from((column * 7 + bar as i32 * 3) % 4) / 3.0);
            bars.push_str(&format!("M{} {:.0}h4v{height:.0}h-4Z", x + bar as f64 * 5.5, 40.0 - height));
        }
        for row in 0..5 {
            let (y, width) = (58.0 + f64::from(row) * 18.0, 14.0 + f64::from((row * 5 + column * 3) % 4) * 3.0);
            let path = if column == 3 && row % 2 == 0 { &mut hits } else { &mut marks };
            path.push_str(&format!("M{x} {y}h{width}v4h-{width}Z"));
        }
    }
    let spokes: String = (0..12)
        .map(|spoke| {
            let angle = f64::from(spoke) * std::f64::consts::TAU / 12.0;
            let (sin, cos) = angle.sin_cos();
            format!(
                "M{:.1} {:.1}L{:.1} {:.1}",
                300.0 + cos * 8.0,
                112.0 + sin * 8.0,
                300.0 + cos * 66.0,
                112.0 + sin * 66.0
            )
        })
        .collect();
    view! {
        <svg class="mill" viewBox="0 0 600 230" aria-hidden="true">
            <g transform="rotate(-4 100 110)">
                <rect class="mill__paper" x="12" y="14" width="160" height="138" rx="8"></rect>
                <path class="mill__hair" d="M12 48h160M52 14v138M90 14v138M128 14v138"></path>
                <path class="mill__bar" d=bars></path><path class="mill__ink" d=marks></path><path class="mill__mark" d=hits></path>
            </g>
            <path class="mill__water" d="M184 92c9-7 16-7 25 0s16 7 25 0M184 104c9-7 16-7 25 0s16 7 25 0M188 116c8-6 14-6 22 0s14 6 22 0"></path>
            <g class="mill__turning"><circle class="mill__wheel" cx="300" cy="112" r="56"></circle><circle class="mill__wheel mill__wheel--thin" cx="300" cy="112" r="46"></circle><path class="mill__wheel mill__wheel--thin" d=spokes></path></g>
            <circle class="mill__hub" cx="300" cy="112" r="6"></circle>
            <path class="mill__water" d="M366 112c8-6 14-6 21 0s13 6 21 0M218 186c10-7 18-7 28 0s18 7 28 0 18-7 28 0 18 7 28 0 18-7 28 0M238 198c9-6 16-6 25 0s16 6 25 0 16-6 25 0 16 6 25 0M262 210c8-5 14-5 22 0s14 5 22 0 14-5 22 0"></path>
            <rect class="mill__paper" x="418" y="50" width="166" height="124" rx="10"></rect><rect class="mill__fam" x="417" y="62" width="4" height="100" rx="2"></rect>
            <path class="mill__stroke-evaluate" stroke-width="1.75" stroke-linecap="round" d="M438 64v12h12M441 72l3-4 3 3 4-6"></path>
            <text class="mill__title" x="458" y="76">"First model"</text><text class="mill__text" x="438" y="96">"against guessing"</text>
            <path class="mill__area" d="M438 160C444 116 468 108 568 107V160Z"></path><path class="mill__chance" d="M438 160L568 108"></path><path class="mill__curve" d="M438 160C444 116 468 108 568 107"></path>
        </svg>
    }
    .into_any()
}
