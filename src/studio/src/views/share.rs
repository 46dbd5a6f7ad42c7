//! The share dialog: a link that is the pipeline itself, how long it is, and what travels inside.

use leptos::prelude::*;
use leptos::task::spawn_local;
use pipeline::link::{LinkSize, Mark, Packed};
use protocol::Failure;

use super::dialog::dialog;
use super::face::{bytes, grouped};
use super::icon::icon;
use crate::idle::Busy;
use crate::store::{Studio, Tone, needed_files};
use crate::{dom, parts};

thread_local! {
    // The dialog is made once; each opening writes the link anew.
    static LINK: std::cell::OnceCell<RwSignal<Packed>> = const { std::cell::OnceCell::new() };
}

/// Opens the dialog with the link of the pipeline as it stands.
pub fn open(studio: Studio) {
    let busy = Busy::begin();
    spawn_local(async move {
        match packed(studio).await {
            Ok(packed) => {
                LINK.with(|link| {
                    if let Some(link) = link.get() {
                        link.set(packed);
                    }
                });
                dom::show_dialog("share-dialog");
            }
            Err(failure) => studio.fail(failure),
        }
        drop(busy);
    });
}

async fn packed(studio: Studio) -> Result<Packed, Failure> {
    parts::to_link(studio.with(|editor| editor.pipeline().clone())).await
}

fn address_of(packed: &Packed) -> String {
    let location = dom::window().location();
    let page = format!("{}{}", location.origin().unwrap_or_default(), location.pathname().unwrap_or_default());
    format!("{page}#{}", packed.fragment)
}

/// Copies the link without asking anything.
pub fn copy_link(studio: Studio) {
    let busy = Busy::begin();
    spawn_local(async move {
        let address = match packed(studio).await {
            Ok(packed) => address_of(&packed),
            Err(failure) => return studio.fail(failure),
        };
        let n = address.len();
        match dom::copy(&address).await {
            Ok(()) => studio.toast(Tone::Good, format!("Link copied, {} characters", grouped(n as u64)), ""),
            Err(reason) => studio.toast(
                Tone::Failed,
                format!("The link was not copied: {reason}"),
                "Select it in the share dialog and copy it by hand.",
            ),
        }
        drop(busy);
    });
}

/// The dialog.
#[component]
pub fn ShareDialog() -> impl IntoView {
    let studio = expect_context::<Studio>();
    let packed = RwSignal::new(Packed { fragment: String::new(), has_layout: true, has_data: true });
    // Set once per page: the component is mounted once.
    LINK.with(|shared| *shared.get_or_init(|| packed));
    let link = Memo::new(move |_| packed.with(address_of));
    let n = move || link.with(String::len);
    let gauge = move || {
        let n = n();
        let (class, verdict) = match link.with(|link| LinkSize::of(link).mark) {
            Mark::Green => ("gauge", "fits every chat, mail and browser"),
            Mark::Amber => ("gauge gauge--long", "opens in every browser; some chats cut links of this length"),
            Mark::Red => ("gauge gauge--over", "too long for many places: hand on the file instead"),
        };
        let share = (n as f64 / 10_000.0).min(1.0);
        view! {
            <div class=class>
                <p role="status"><b class="num">{grouped(n as u64)}" characters"</b>": "{verdict}</p>
                <div class="gauge__track"><i style:--v=share.to_string()></i><b style:--at="0.2"></b><b style:--at="0.8"></b></div>
                <div class="gauge__marks"><span style:--at="0.2">"2,000"</span><span style:--at="0.8">"8,000"</span></div>
            </div>
        }
    };
    let travels = move || {
        let packed = packed.get();
        studio.with(|editor| {
            let pipeline = editor.pipeline();
            let inline: Vec<_> = pipeline
                .nodes()
                .values()
                .flat_map(|node| node.params.values())
                .filter_map(|value| match value {
                    pipeline::Value::File(file) if file.inline.is_some() => Some((file.name.clone(), file.size)),
                    _ => None,
                })
                .collect();
            let mut rows = vec![
                view! { <li>{icon("check")}{format!("{} nodes, {} connections, all settings", pipeline.nodes().len(), pipeline.edges().len())}</li> }.into_any(),
            ];
            if !packed.has_layout {
                rows.push(view! { <li class="travels--not">{icon("layout-grid")}"Places on the canvas are left out to keep it short; they are laid out anew"</li> }.into_any());
            }
            for (name, size) in inline {
                if !packed.has_data {
                    rows.push(view! { <li class="travels--not">{icon("file-up")}<span class="truncate">{name}</span><small>"too large for a link; use the file"</small></li> }.into_any());
                    continue;
                }
                rows.push(view! { <li>{icon("check")}<span class="truncate">{name}</span><small>{bytes(size as f64)}" inside the link"</small></li> }.into_any());
            }
            for name in needed_files(pipeline) {
                rows.push(view! { <li class="travels--not">{icon("file-up")}<span class="truncate">{name}</span><small>"stays here; the opener is asked for it"</small></li> }.into_any());
            }
            rows
        })
    };
    let body = view! {
        <p>"The link "<b>"is"</b>" the pipeline: nothing is uploaded, and whoever opens it gets the same figures. Anyone who has the link can read it."</p>
        <div class="share__link">
            <input class="input" id="share-link" readonly aria-label="Link to this pipeline" prop:value=move || link.get()
                on:focus=move |event| super::inspector_target(&event).select() />
            <button type="button" class="button button--primary" autofocus=true on:click=move |_| copy_link(studio)>{icon("copy")}"Copy link"</button>
        </div>
        {gauge}
        <ul class="travels" aria-label="What travels in the link">{travels}</ul>
    }
    .into_any();
    let foot = view! { <button type="button" class="button" on:click=move |_| studio.save_file()>{icon("download")}"Save file"</button> }.into_any();
    dialog("share-dialog", "dialog", "Share this pipeline", body, Some(foot))
}
