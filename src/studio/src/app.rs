//! The page as a whole: which of its two faces is shown, the keyboard, files dropped anywhere.

use editor::{Action, Chord, Command, Gesture, Mods, binding, command_for};
use gloo::events::{EventListener, EventListenerOptions};
use leptos::prelude::*;
use leptos::task::spawn_local;
use pipeline::{OutPort, Point};
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, DragEvent, Element, Event, HtmlElement, HtmlInputElement, KeyboardEvent};

use crate::canvas::{Canvas, open_menu, open_search};
use crate::dom;
use crate::idle::Busy;
use crate::store::{InspectorTab, Layout, Page, PaletteTab, Studio, Tone};
use crate::views::banners::Banners;
use crate::views::commander;
use crate::views::dock::Dock;
use crate::views::icon::icon_of;
use crate::views::inspector::Inspector;
use crate::views::palette::Palette;
use crate::views::start::Start;
use crate::views::toasts::Toasts;
use crate::views::top_bar::TopBar;
use crate::views::{share, shortcuts};

/// The page.
#[component]
pub fn App() -> impl IntoView {
    let studio = Studio::start();
    provide_context(studio);
    studio.apply_theme();
    studio.follow_address();
    let is_over = RwSignal::new(false);
    listen(studio, is_over);
    // Opening another pipeline from the studio keeps its panels as they are.
    let shown = Memo::new(move |_| studio.page.get());
    let page = move || match shown.get() {
        Page::Start => view! { <Start /> }.into_any(),
        Page::Studio => view! { <StudioPage /> }.into_any(),
        Page::Runs => beside(studio.runs.runs_page(studio)),
        Page::Models => beside(studio.models.models_page(studio)),
        Page::Monitor => beside(studio.monitor.monitor_page(studio)),
        Page::Sweeps => {
            beside(view! { <main class="sweeps-page">{studio.sweeps.sweeps_page(studio)}</main> }.into_any())
        }
    };
    Effect::new(move |_| {
        if let Some(failure) = studio.overlays.problem() {
            studio.fail(failure);
        }
    });
    Effect::new(move |_| {
        let name = studio.select(|editor| editor.pipeline().name().to_owned());
        let title = match studio.page.get() {
            Page::Studio => format!("{} · Millrace", name.get()),
            Page::Runs => "Runs · Millrace".into(),
            Page::Models => "Models · Millrace".into(),
            Page::Monitor => "Monitor · Millrace".into(),
            Page::Sweeps => format!("Sweeps of {} · Millrace", name.get()),
            Page::Start => "Millrace".into(),
        };
        dom::document().set_title(&title);
    });
    view! {
        <div class="app">{page}</div>
        {studio.overlays.all_overlays()}
        <Toasts />
        <input type="file" hidden id="file-input" aria-label="File to open" accept=".csv,.tsv,.txt,.json,.ndjson,.jsonl,.millrace"
            on:change=move |event| {
                let input: HtmlInputElement = event_target(&event);
                if let Some(file) = input.files().and_then(|files| files.get(0)) {
                    studio.take_file(file, None);
                }
                input.set_value("");
            } />
        {move || is_over.get().then(|| view! {
            <div class="drop-sheet">{icon_of("file-up", "icon icon--lg")}"Drop to open"<small>"A table becomes an Import File node, a pipeline is opened"</small></div>
        })}
    }
}

#[component]
fn StudioPage() -> impl IntoView {
    let studio = expect_context::<Studio>();
    let layout = studio.layout;
    let columns = move || {
        let layout = layout.get();
        let palette = if layout.palette_open { layout.palette } else { 0.0 };
        let inspector = if layout.inspector_open { layout.inspector } else { 0.0 };
        (
            format!("{palette}px"),
            format!("{inspector}px"),
            if layout.dock_open { format!("{}px", layout.dock) } else { "0px".into() },
        )
    };
    let n_panels = RwSignal::new(0);
    show_panels(n_panels);
    let shows =
        |panel: u8, is_open: fn(&Layout) -> bool| Memo::new(move |_| n_panels.get() > panel && layout.with(is_open));
    let canvas = shows(0, |_| true);
    let palette = shows(1, |layout| layout.palette_open);
    let dock = shows(2, |layout| layout.dock_open);
    let inspector = shows(3, |layout| layout.inspector_open);
    view! {
        <div class="studio" style:--palette-w=move || columns().0 style:--inspector-w=move || columns().1 style:--dock-h=move || columns().2>
            <TopBar />
            <Banners />
            <main class="studio__body">
                {move || if palette.get() { view! { <Palette /> }.into_any() } else { view! { <div></div> }.into_any() }}
                <div class="studio__middle" class=("studio__middle--maximized", move || layout.with(|layout| layout.dock_large && layout.dock_open))>
                    {move || if canvas.get() { view! { <Canvas /> }.into_any() } else { view! { <div class="canvas"></div> }.into_any() }}
                    {move || dock.get().then(|| view! { <Dock /> })}
                </div>
                {move || inspector.get().then(|| view! { <Inspector /> })}
            </main>
        </div>
    }
}

/// A page beside the canvas.
fn beside(page: AnyView) -> AnyView {
    view! {
        <div class="studio">
            <TopBar />
            <Banners />
            {page}
        </div>
    }
    .into_any()
}

/// One panel after another, each in a task of its own, so that opening a pipeline never keeps the page busy for long.
fn show_panels(n_panels: RwSignal<u8>) {
    const PANELS: u8 = 4;
    let busy = Busy::begin();
    dom::after_render(move || {
        let n = n_panels.try_update(|n| {
            *n += 1;
            *n
        });
        // The page may have been left in between.
        if n.is_some_and(|n| n < PANELS) {
            show_panels(n_panels);
        }
        drop(busy);
    });
}

/// Opens the browser's file chooser.
pub fn choose_file() {
    if let Some(input) = dom::by_id("file-input") {
        input.click();
    }
}

/// Pastes what is on the clipboard.
pub fn paste(studio: Studio, at: Option<Point>, keep_incoming: bool) {
    spawn_local(async move {
        match dom::paste().await {
            Ok(text) => studio.send(Command::Paste { text, at, keep_incoming }),
            Err(reason) => studio.toast(
                Tone::Warning,
                format!("Nothing was pasted: {reason}"),
                "Press Ctrl+V on the canvas instead.",
            ),
        }
    });
}

/// A new pipeline from a table on the clipboard.
pub fn paste_table(studio: Studio) {
    spawn_local(async move {
        let text = dom::paste().await.unwrap_or_default();
        studio.open_new(pipeline::Pipeline::new("Pasted table"));
        if text.contains(['\n', '\t', ',']) {
            studio.send(Command::Paste { text, at: None, keep_incoming: false });
        } else {
            studio.add("data.enter-data", None, None);
            studio.toast(
                Tone::Warning,
                "The clipboard holds no table",
                "Type into the grid at the right, or paste there.",
            );
        }
    });
}

fn listen(studio: Studio, is_over: RwSignal<bool>) {
    let document = dom::document();
    let blocking = EventListenerOptions::enable_prevent_default();
    EventListener::new_with_options(&document, "keydown", blocking, move |event| {
        if let Some(event) = event.dyn_ref::<KeyboardEvent>() {
            on_key(studio, event);
        }
    })
    .forget();
    EventListener::new(&document, "keyup", move |event| {
        if let Some(event) = event.dyn_ref::<KeyboardEvent>()
            && event.key() == " "
            && studio.with(editor::Editor::holds_pan)
        {
            studio.send(Command::HoldPan(false));
        }
    })
    .forget();
    EventListener::new_with_options(&document, "paste", blocking, move |event| {
        let typing = dom::document().active_element().is_some_and(|element| dom::is_typing(&element));
        if typing || studio.page.get_untracked() != Page::Studio {
            return;
        }
        let text =
            event.dyn_ref::<ClipboardEvent>().and_then(|event| event.clipboard_data()?.get_data("text/plain").ok());
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            event.prevent_default();
            studio.send(Command::Paste { text, at: None, keep_incoming: false });
        }
    })
    .forget();
    for name in ["dragover", "dragenter"] {
        EventListener::new_with_options(&document, name, blocking, move |event| {
            if carries_files(event) {
                event.prevent_default();
                if !is_over.get_untracked() {
                    is_over.set(true);
                }
            }
        })
        .forget();
    }
    EventListener::new(&document, "dragleave", move |event| {
        // Leaving for another element inside the page has one to go to.
        if event.dyn_ref::<DragEvent>().is_some_and(|event| event.related_target().is_none()) {
            is_over.set(false);
        }
    })
    .forget();
    EventListener::new_with_options(&document, "drop", blocking, move |event| {
        is_over.set(false);
        if !carries_files(event) {
            return;
        }
        event.prevent_default();
        let Some(event) = event.dyn_ref::<DragEvent>() else { return };
        let Some(files) = event.data_transfer().and_then(|data| data.files()) else { return };
        let on_canvas = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|element| element.closest("#canvas").ok().flatten())
            .map(|canvas| canvas.get_bounding_client_rect());
        let at = on_canvas.map(|corner| {
            let at =
                Point { x: f64::from(event.client_x()) - corner.left(), y: f64::from(event.client_y()) - corner.top() };
            studio.with(|editor| editor.viewport().pipeline_from_screen(at))
        });
        for file_idx in 0..files.length() {
            if let Some(file) = files.get(file_idx) {
                studio.take_file(file, at);
            }
        }
    })
    .forget();
    EventListener::new(&dom::window(), "hashchange", move |_| {
        let hash = dom::window().location().hash().unwrap_or_default();
        if ["#p=", "#runs", "#models", "#monitor"].iter().any(|start| hash.starts_with(start)) {
            studio.follow_address();
        }
    })
    .forget();
    EventListener::new(&document, "visibilitychange", move |_| {
        crate::idle::write();
        // The last moment at which a tab that is about to be closed can still write.
        if dom::document().hidden() {
            studio.save_if_waiting();
        }
    })
    .forget();
    EventListener::new(&document, "pointerdown", move |event| {
        let inside = |selector: &str| {
            event
                .target()
                .and_then(|target| target.dyn_into::<Element>().ok())
                .is_some_and(|element| element.closest(selector).ok().flatten().is_some())
        };
        if !inside(".popover") && !inside("#canvas") {
            studio.quick_add.set(None);
            studio.menu.set(None);
        }
    })
    .forget();
}

fn carries_files(event: &Event) -> bool {
    event
        .dyn_ref::<DragEvent>()
        .and_then(DragEvent::data_transfer)
        .is_some_and(|data| data.types().includes(&"Files".into(), 0))
}

fn on_key(studio: Studio, event: &KeyboardEvent) {
    if event.default_prevented() || event.is_composing() {
        return;
    }
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let typing = target.as_ref().is_some_and(dom::is_typing);
    let in_dialog = target.as_ref().is_some_and(|element| element.closest("dialog, .popover").ok().flatten().is_some());
    let canvas = target.as_ref().and_then(|element| element.closest("#canvas").ok().flatten());
    let on_control = target
        .as_ref()
        .is_some_and(|element| element.closest(".canvas__floor, .canvas__empty, .hint-chip").ok().flatten().is_some());
    let on_canvas = canvas.is_some() && !typing && !on_control;
    let mods = Mods { command: event.ctrl_key() || event.meta_key(), shift: event.shift_key(), alt: event.alt_key() };
    let Some(chord) = Chord::from_event(&event.key(), &event.code(), mods) else { return };
    let joining = studio.with(|editor| matches!(editor.gesture(), Gesture::Connect { .. }));
    let Some(binding) = binding(chord, on_canvas, joining && on_canvas) else { return };
    let is_function_key = matches!(chord.key, editor::Key::F(_));
    let is_everywhere = mods.command || is_function_key;
    if binding.scope == editor::Scope::Global && (in_dialog || (typing && !is_everywhere)) {
        return;
    }
    // Text fields have an undo of their own, and the browser its own find and copy.
    if typing && matches!(binding.action, Action::Undo | Action::Redo) {
        return;
    }
    if studio.page.get_untracked() != Page::Studio {
        match binding.action {
            Action::OpenPalette => studio.overlays.then(commander::open),
            Action::OpenFile => choose_file(),
            Action::ShowShortcuts => studio.overlays.then(shortcuts::open),
            Action::NextRegion => next_region(false),
            Action::PreviousRegion => next_region(true),
            Action::RunAll if studio.page.get_untracked() != Page::Start => act(studio, binding.action),
            Action::Undo | Action::Redo if studio.page.get_untracked() == Page::Sweeps => act(studio, binding.action),
            _ => return,
        }
        event.prevent_default();
        return;
    }
    // The browser's own paste event brings the clipboard without asking for permission.
    if binding.action == Action::Paste {
        return;
    }
    event.prevent_default();
    act(studio, binding.action);
}

/// Carries out what a shortcut or the palette of commands asks for.
pub fn act(studio: Studio, action: Action) {
    if let Some(command) = command_for(action) {
        studio.send(command);
        return;
    }
    match action {
        Action::OpenPalette => studio.overlays.then(commander::open),
        Action::NextRegion => next_region(false),
        Action::PreviousRegion => next_region(true),
        Action::SaveFile => studio.save_file(),
        Action::OpenFile => choose_file(),
        Action::CopyLink => share::copy_link(studio),
        Action::Find => {
            studio.change_layout(|layout| layout.palette_open = true);
            studio.palette_tab.set(PaletteTab::Outline);
            dom::focus_later(".outline [role=treeitem]");
        }
        Action::ShowShortcuts => studio.overlays.then(shortcuts::open),
        Action::ShowHelp => {
            studio.change_layout(|layout| layout.inspector_open = true);
            studio.inspector_tab.set(InspectorTab::Help);
            dom::focus_later("#inspector-page");
        }
        Action::ToggleHand => {
            let holds = studio.with(editor::Editor::holds_pan);
            studio.send(Command::HoldPan(!holds));
        }
        Action::ToggleMinimap => {
            if let Some(minimap) = dom::find(".minimap") {
                minimap.set_hidden(!minimap.hidden());
            }
        }
        Action::ToggleInspector => studio.change_layout(|layout| layout.inspector_open = !layout.inspector_open),
        Action::AddComponent => open_search(studio),
        Action::Rename => studio.renaming.set(studio.with(|editor| editor.focused().cloned())),
        Action::Paste => paste(studio, None, false),
        Action::PasteKeepingEdges => paste(studio, None, true),
        Action::OpenMenu => {
            let place = studio.with(|editor| {
                let rect = editor.card_rect(editor.focused()?)?;
                Some(editor.viewport().screen_from_pipeline(rect.center()))
            });
            let size = studio.with(editor::Editor::size);
            let at = place.unwrap_or(Point { x: size.width / 2.0, y: size.height / 2.0 });
            let corner = dom::by_id("canvas").map(|canvas| canvas.get_bounding_client_rect());
            let (left, top) = corner.map_or((0.0, 0.0), |corner| (corner.left(), corner.top()));
            open_menu(studio, at, Point { x: at.x + left, y: at.y + top });
        }
        Action::ShowOutput(number) => {
            let output = studio.with(|editor| {
                let node = editor.focused()?;
                let port = editor.scene().outputs(node).get(usize::from(number).checked_sub(1)?)?;
                Some(OutPort::new(node, port))
            });
            if let Some(output) = output {
                studio.open_output(&output);
            }
        }
        // These have commands of their own, seen to above.
        _ => {}
    }
}

/// F6: from region to region.
fn next_region(back: bool) {
    let Ok(all) = dom::document().query_selector_all("[data-region]") else { return };
    let regions: Vec<HtmlElement> = (0..all.length()).filter_map(|i| all.get(i)?.dyn_into().ok()).collect();
    let n = regions.len();
    if n == 0 {
        return;
    }
    let active = dom::document().active_element();
    let here = regions.iter().position(|region| active.as_ref().is_some_and(|active| region.contains(Some(active))));
    let goal = match (here, back) {
        (Some(here), false) => (here + 1) % n,
        (Some(here), true) => (here + n - 1) % n,
        (None, false) => 0,
        (None, true) => n - 1,
    };
    let region = &regions[goal];
    let first = region.query_selector("[role=tab][tabindex='0'], input, button, [tabindex='0']").ok().flatten();
    let target =
        if region.tab_index() >= 0 { Some(region.clone()) } else { first.and_then(|first| first.dyn_into().ok()) };
    if let Some(target) = target {
        // An element in the page takes the focus.
        let _ = target.focus();
    }
}

fn event_target<T: JsCast>(event: &Event) -> T {
    event.target().expect("an event that was heard has a target").unchecked_into()
}
