//! The canvas: pixels below and above, cards between, one frame loop for all three.
//!
//! What lies below the cards is drawn with a margin, so that panning moves pictures: the dotted ground, the edges and
//! the cards, each by a transform. They are drawn anew when the margin is used up, and when the zoom or anything in
//! them changes. What is dragged is drawn by itself, so that only that is drawn again; no signal fires for a node.
//! The document changes when the pointer goes up. What lies where, and what a gesture means, is the editor's
//! business.

mod card;
mod paint;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use editor::{Button, Command, Editor, Fit, Gesture, MARGIN, Mods, NodeState, PortRef, Rect, Size, Viewport, Zoom};
use leptos::html::{Canvas as CanvasTag, Div, Section};
use leptos::prelude::*;
use pipeline::{NodeId, Params, Point};
use schema::ordered::sort_by;
use wasm_bindgen::prelude::*;
use web_sys::{DragEvent, Element, HtmlElement, MouseEvent, PointerEvent, ResizeObserver, WheelEvent};

use self::card::NodeCard;
use self::paint::{Ink, Sheet};
use crate::dom;
use crate::idle::Busy;
use crate::store::{Menu, QuickAdd, Studio};
use crate::views::icon::{icon, icon_button};
use crate::views::palette::DRAG_TYPE;

/// Cards get elements from this zoom on, and lose them a little below it.
const NEAR_ZOOM: f64 = 0.45;
const FAR_ZOOM: f64 = 0.40;
/// At most this many cards have elements.
const MAX_CARDS: usize = 150;
/// At most this many get one in a frame, and none while the view moves: until then they are drawn as boxes.
const CARDS_PER_FRAME: usize = 6;
/// A view that has not moved for so long is at rest.
const REST_MS: f64 = 120.0;
/// At most this many cards become layers while they are dragged; more would cost more than they save.
const MAX_LAYERS: usize = 24;
const MINIMAP: (f64, f64) = (132.0, 84.0);
const MINIMAP_EVERY_MS: f64 = 100.0;

/// The `transform` that puts a card in its place.
pub fn translation(x: f64, y: f64) -> String {
    format!("translate({x}px,{y}px)")
}

/// The element of a card, and where it is.
struct Placed {
    element: HtmlElement,
    at: Point,
    in_hand: bool,
}

/// The elements of the mounted cards.
#[derive(Default)]
struct Mounted {
    elements: BTreeMap<NodeId, Placed>,
    /// Goes up whenever a card comes or goes.
    n_changes: u64,
}

/// The one list of mounted cards.
#[derive(Clone, Copy)]
pub struct Cards(StoredValue<Mounted, LocalStorage>);

impl Cards {
    fn register(self, id: NodeId, element: HtmlElement) {
        self.0.update_value(|cards| {
            // The next frame puts it in its place.
            cards.elements.insert(id, Placed { element, at: Point { x: f64::NAN, y: f64::NAN }, in_hand: false });
            cards.n_changes += 1;
        });
    }

    fn forget(self, id: &NodeId) {
        self.0.try_update_value(|cards| {
            cards.elements.remove(id);
            cards.n_changes += 1;
        });
    }

    fn place(self, editor: &Editor) {
        let is_few = matches!(editor.gesture(), Gesture::Move { nodes, .. } if nodes.len() <= MAX_LAYERS);
        self.0.update_value(|cards| {
            for (id, card) in &mut cards.elements {
                let style = HtmlElement::style(&card.element);
                // Valid values of known properties are always taken, here and below.
                let in_hand = is_few && editor.drag_offset(id).is_some();
                if in_hand != card.in_hand {
                    card.in_hand = in_hand;
                    let _ = style.set_property("z-index", if in_hand { "1" } else { "auto" });
                    // A layer of its own moves without anything being painted.
                    let _ = style.set_property("will-change", if in_hand { "transform" } else { "auto" });
                }
                if let Some(rect) = editor.card_rect(id)
                    && (rect.x != card.at.x || rect.y != card.at.y)
                {
                    card.at = Point { x: rect.x, y: rect.y };
                    let _ = style.set_property("transform", &translation(rect.x, rect.y));
                }
            }
        });
    }
}

/// What a picture below the cards shows, but for where the view is.
#[derive(Clone, Copy, PartialEq)]
struct Content {
    zoom: f64,
    size: Size,
    ratio: f64,
    n_changes: u64,
    n_cards: u64,
}

struct Stage {
    ground: HtmlElement,
    /// Side of a tile of the ground.
    tile: f64,
    below: Sheet,
    above: Sheet,
    mini: Option<Sheet>,
    sheet: HtmlElement,
    ink: Ink,
    ink_of: String,
    size: Size,
    shown: Option<Viewport>,
    /// The cards are a layer of their own while the view moves; zooming draws them anew, or text would blur.
    glides: bool,
    /// What `below` was drawn of, and from where.
    drawn: Option<(Content, Point)>,
    had_marks: bool,
    moved_at: f64,
    mini_at: f64,
    /// A frame is coming that will draw the minimap.
    mini_waits: bool,
    mini_view: Viewport,
    /// What the minimap was drawn of.
    mini_of: Option<(u64, Viewport, Size)>,
}

type Shared<T> = Rc<RefCell<T>>;

/// The canvas.
#[component]
pub fn Canvas() -> impl IntoView {
    let studio = expect_context::<Studio>();
    let root = NodeRef::<Section>::new();
    let (below, above, mini) = (NodeRef::<CanvasTag>::new(), NodeRef::<CanvasTag>::new(), NodeRef::<CanvasTag>::new());
    let (ground, sheet) = (NodeRef::<Div>::new(), NodeRef::<Div>::new());
    let mounted = RwSignal::new(Vec::<NodeId>::new());
    let is_near = RwSignal::new(true);
    let percent = RwSignal::new(100_u32);
    let cards = Cards(StoredValue::new_local(Mounted::default()));
    let stage: StoredValue<Shared<Option<Stage>>, LocalStorage> = StoredValue::new_local(Rc::default());

    Effect::new(move |_| {
        let (Some(root), Some(ground), Some(sheet)) = (root.get(), ground.get(), sheet.get()) else { return };
        let (Some(below), Some(above)) = (below.get(), above.get()) else { return };
        let (Some(below), Some(above)) = (Sheet::new(below), Sheet::new(above)) else { return };
        stage.with_value(|stage| {
            stage.replace(Some(Stage {
                ground: ground.into(),
                tile: 0.0,
                below,
                above,
                mini: mini.get().and_then(Sheet::new),
                sheet: sheet.into(),
                ink: Ink::default(),
                ink_of: String::new(),
                size: Size::default(),
                shown: None,
                glides: false,
                drawn: None,
                had_marks: false,
                moved_at: f64::NEG_INFINITY,
                mini_at: 0.0,
                mini_waits: false,
                mini_view: Viewport::default(),
                mini_of: None,
            }));
        });
        let frame = Frame { studio, stage, cards, mounted, is_near, percent };
        let scheduler = Scheduler::new(move || frame.draw());
        let schedule = scheduler.clone();
        studio.set_on_frame(move || schedule.request());
        let observed: Element = root.clone().into();
        let on_resize = Closure::<dyn FnMut()>::new(move || {
            let (width, height) = (f64::from(observed.client_width()), f64::from(observed.client_height()));
            stage.with_value(|stage| {
                if let Some(stage) = stage.borrow_mut().as_mut() {
                    stage.size = Size { width, height };
                }
            });
            studio.send_gesture(Command::Resize(Size { width, height }));
            studio.fit_if_new();
        });
        if let Ok(observer) = ResizeObserver::new(on_resize.as_ref().unchecked_ref()) {
            observer.observe(&root);
            on_cleanup({
                let observer = send_wrapper(observer);
                move || observer.with_value(ResizeObserver::disconnect)
            });
        }
        on_resize.forget();
        scheduler.request();
    });

    let joining = studio.select(|editor| matches!(editor.gesture(), Gesture::Connect { .. }));
    let moving = studio.select(|editor| matches!(editor.gesture(), Gesture::Move { .. }));
    let holds_pan = studio.select(Editor::holds_pan);
    let is_empty = studio.select(|editor| editor.pipeline().nodes().is_empty());
    let summary = studio.select(|editor| {
        format!(
            "Canvas with {} nodes and {} connections",
            editor.pipeline().nodes().len(),
            editor.pipeline().edges().len()
        )
    });
    let at = move |event: &MouseEvent| {
        let corner = root.get_untracked().map(|root| root.get_bounding_client_rect());
        let (left, top) = corner.map_or((0.0, 0.0), |corner| (corner.left(), corner.top()));
        Point { x: f64::from(event.client_x()) - left, y: f64::from(event.client_y()) - top }
    };
    let on_down = move |event: PointerEvent| {
        if is_on_control(&event) {
            return;
        }
        studio.quick_add.set(None);
        studio.menu.set(None);
        let button = match event.button() {
            1 => Button::Middle,
            2 => Button::Secondary,
            _ => Button::Primary,
        };
        if let Some(root) = root.get_untracked() {
            // Without capture a drag ends at the canvas' edge, no more.
            let _ = root.set_pointer_capture(event.pointer_id());
            if !root.contains(dom::document().active_element().as_deref()) {
                let _ = root.focus();
            }
        }
        if button == Button::Middle {
            event.prevent_default();
        }
        let coarse = event.pointer_type() == "touch";
        studio.send_gesture(Command::PointerDown { at: at(&event), button, mods: mods_of(&event), coarse });
    };
    let on_up = move |event: PointerEvent| {
        if !is_on_control(&event) {
            studio.send_gesture(Command::PointerUp { at: at(&event), mods: mods_of(&event) });
        }
    };
    let on_wheel = move |event: WheelEvent| {
        if is_on_control(&event) {
            return;
        }
        event.prevent_default();
        let unit = if event.delta_mode() == 1 { 16.0 } else { 1.0 };
        let (dx, dy) = (event.delta_x() * unit, event.delta_y() * unit);
        studio.send_gesture(Command::Wheel { at: at(&event), dx, dy, mods: mods_of(&event) });
    };
    let on_menu = move |event: MouseEvent| {
        if is_on_control(&event) {
            return;
        }
        event.prevent_default();
        open_menu(studio, at(&event), Point { x: event.client_x().into(), y: event.client_y().into() });
    };
    let on_drop = move |event: DragEvent| {
        let Some(data) = event.data_transfer() else { return };
        let Some(component) = data.get_data(DRAG_TYPE).ok().filter(|component| !component.is_empty()) else { return };
        event.prevent_default();
        event.stop_propagation();
        let place = studio.with(|editor| editor.viewport().pipeline_from_screen(at(&event)));
        studio.send(Command::AddComponent { component, at: Some(place), connect: None, params: Params::new() });
    };
    let zoom_by = move |zoom: Zoom| studio.send_gesture(Command::Zoom(zoom));
    view! {
        <section class="canvas" id="canvas" node_ref=root tabindex="0" role="application" aria-roledescription="pipeline canvas" data-region="canvas"
            aria-label=move || summary.get() aria-describedby="canvas-keys"
            class=("canvas--linking", move || joining.get()) class=("canvas--hand", move || holds_pan.get())
            on:pointerdown=on_down
            on:pointermove=move |event| if studio.with(|editor| !matches!(editor.gesture(), Gesture::Idle)) {
                studio.send_gesture(Command::PointerMove { at: at(&event), mods: mods_of(&event) });
            }
            on:pointerup=on_up
            on:pointercancel=move |_| studio.send_gesture(Command::PointerCancel)
            on:dblclick=move |event| if !is_on_control(&event) { studio.send(Command::DoubleClick { at: at(&event) }) }
            on:wheel=on_wheel
            on:contextmenu=on_menu
            on:dragover=move |event| if carries_component(&event) { event.prevent_default() }
            on:drop=on_drop>
            <h2 class="sr-only">"Canvas"</h2>
            <p class="sr-only" id="canvas-keys">"Arrow keys move between nodes, slash adds a component, P chooses a port and Enter connects it, question mark lists all keys. The outline beside the palette says the same as a tree."</p>
            <div class="canvas__ground" node_ref=ground></div>
            <canvas class="canvas__below" node_ref=below aria-hidden="true"></canvas>
            <div class="canvas__sheet" class=("canvas__sheet--far", move || !is_near.get()) node_ref=sheet>
                <For each=move || mounted.get() key=|id| id.clone() let:id><NodeCard id cards /></For>
            </div>
            <canvas class="canvas__above" class=("canvas__above--moving", move || moving.get()) node_ref=above aria-hidden="true"></canvas>
            {move || is_empty.get().then(|| empty(studio))}
            <div class="canvas__floor" role="group" aria-label="Zoom">
                {icon_button("minus", "Zoom out", move || zoom_by(Zoom::Out))}
                <button type="button" class="canvas__percent" aria-label=move || format!("{} percent: back to 100", percent.get()) title="100 %" on:click=move |_| zoom_by(Zoom::Actual)>{move || format!("{} %", percent.get())}</button>
                {icon_button("plus", "Zoom in", move || zoom_by(Zoom::In))}
                <i></i>
                {icon_button("scan", "Fit everything into view", move || studio.send_gesture(Command::Fit(Fit::All)))}
                {icon_button("layout-grid", "Tidy up", move || studio.send(Command::Tidy))}
                <i></i>
                {icon_button("list-plus", "Add a component", move || open_search(studio))}
            </div>
            {suggestion(studio)}
            <div class="minimap" aria-hidden="true" on:pointerdown=move |event| jump(studio, stage, &event, true) on:pointermove=move |event| jump(studio, stage, &event, false)>
                <canvas node_ref=mini></canvas>
            </div>
        </section>
    }
}

fn send_wrapper<T: 'static>(value: T) -> StoredValue<T, LocalStorage> {
    StoredValue::new_local(value)
}

fn empty(studio: Studio) -> AnyView {
    view! {
        <div class="canvas__empty">
            <h2>"Drop a file, or place a component"</h2>
            <p>"Data flows from top to bottom: a table, a learner, a model, its score. Double-click anywhere to search."</p>
            <div class="row">
                <button type="button" class="button button--primary" on:click=move |_| crate::app::choose_file()>{icon("folder-open")}"Choose a file…"</button>
                <button type="button" class="button" on:click=move |_| studio.add("data.sample-datasets", None, None)>{icon("table")}"Sample data"</button>
                <button type="button" class="button" on:click=move |_| open_search(studio)>{icon("search")}"Add a component"</button>
            </div>
        </div>
    }
    .into_any()
}

fn suggestion(studio: Studio) -> impl IntoView {
    let fed =
        studio.select(|editor| editor.pipeline().edges().values().map(|from| from.node.clone()).collect::<Vec<_>>());
    let failed = studio.select(|editor| {
        let is_failed = |node: &&NodeId| matches!(editor.status(node).state, NodeState::Failed(_));
        editor.pipeline().nodes().keys().filter(is_failed).cloned().collect::<Vec<_>>()
    });
    move || {
        let (node, component) = studio.suggestion.get().filter(|(node, _)| fed.with(|fed| !fed.contains(node)))?;
        if failed.with(|failed| failed.contains(&node)) {
            return None;
        }
        let title = studio.with(|editor| editor.catalogue().get(component).map(|spec| spec.title.clone()))?;
        Some(view! {
            <div class="hint-chip" role="group" aria-label="Suggested next step">
                {icon("lightbulb")}<span class="truncate">"Next: split it into rows to train on and rows to test"</span>
                <button type="button" class="button button--soft button--small" on:click=move |_| {
                    studio.suggestion.set(None);
                    let from = studio.with(|editor| editor.scene().outputs(&node).first().map(|port| PortRef::Out(pipeline::OutPort::new(&node, port))));
                    studio.add(component, None, from);
                }>"Add "{title}</button>
                <button type="button" class="icon-button icon-button--small" aria-label="Dismiss suggestion" on:click=move |_| studio.suggestion.set(None)>{icon("x")}</button>
            </div>
        })
    }
}

/// Opens the search in the middle of the canvas.
pub fn open_search(studio: Studio) {
    let Some(corner) = dom::by_id("canvas").map(|canvas| canvas.get_bounding_client_rect()) else { return };
    let screen = Point { x: corner.left() + corner.width() / 2.0 - 146.0, y: corner.top() + corner.height() * 0.2 };
    studio.quick_add.set(Some(QuickAdd { screen, at: None, connect: None }));
}

/// Opens the context menu for what lies under a point of the canvas.
pub fn open_menu(studio: Studio, at: Point, screen: Point) {
    let (node, edge, place) = studio.with(|editor| {
        let place = editor.viewport().pipeline_from_screen(at);
        match editor.hit(at, false) {
            editor::Hit::Node(node) => (Some(node), None, place),
            editor::Hit::Port(port) => (Some(port.node().clone()), None, place),
            editor::Hit::Edge(edge) => (None, Some(edge), place),
            editor::Hit::Ground => (None, None, place),
        }
    });
    if let Some(node) = &node
        && !studio.with(|editor| editor.selection().contains(node))
    {
        studio.send(Command::Select(node.clone()));
    }
    if let Some(edge) = &edge {
        studio.send(Command::SelectEdge(edge.clone()));
    }
    studio.menu.set(Some(Menu { screen, at: place, node, edge }));
    dom::focus_later("#context-menu [role=menuitem]:not(:disabled)");
}

fn carries_component(event: &DragEvent) -> bool {
    event.data_transfer().is_some_and(|data| data.types().includes(&DRAG_TYPE.into(), 0))
}

fn is_on_control(event: &web_sys::Event) -> bool {
    event.target().and_then(|target| target.dyn_into::<Element>().ok()).is_some_and(|element| {
        element
            .closest(".canvas__floor, .minimap, .hint-chip, .canvas__empty .row, .node-card__rename")
            .ok()
            .flatten()
            .is_some()
    })
}

/// The keys held during an event of the mouse.
pub fn mods_of(event: &MouseEvent) -> Mods {
    Mods { command: event.ctrl_key() || event.meta_key(), shift: event.shift_key(), alt: event.alt_key() }
}

/// A press or drag on the minimap centres the canvas there.
fn jump(studio: Studio, stage: StoredValue<Shared<Option<Stage>>, LocalStorage>, event: &PointerEvent, is_press: bool) {
    if !is_press && event.buttons() & 1 == 0 {
        return;
    }
    let Some(canvas) = dom::find(".minimap canvas").map(|canvas| canvas.get_bounding_client_rect()) else { return };
    let at = Point { x: f64::from(event.client_x()) - canvas.left(), y: f64::from(event.client_y()) - canvas.top() };
    let view = stage.with_value(|stage| stage.borrow().as_ref().map(|stage| stage.mini_view));
    let Some(middle) = view.map(|view| view.pipeline_from_screen(at)) else { return };
    let (now, size) = studio.with(|editor| (editor.viewport(), editor.size()));
    let origin = Point { x: middle.x - size.width / 2.0 / now.zoom, y: middle.y - size.height / 2.0 / now.zoom };
    studio.send_gesture(Command::SetViewport(Viewport { origin, zoom: now.zoom }));
}

/// Asks the browser for one frame at a time.
#[derive(Clone)]
struct Scheduler {
    waiting: Rc<RefCell<Option<Waiting>>>,
    on_frame: Rc<Closure<dyn FnMut()>>,
}

/// A frame that was asked for. The canvas may be gone before it comes, and then it is not wanted any more.
struct Waiting {
    frame: i32,
    _busy: Busy,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // A frame that has come already cannot be taken back, which is as well.
        let _ = dom::window().cancel_animation_frame(self.frame);
    }
}

impl Scheduler {
    fn new(mut draw: impl FnMut() + 'static) -> Self {
        let waiting: Rc<RefCell<Option<Waiting>>> = Rc::default();
        let done = Rc::clone(&waiting);
        let on_frame = Rc::new(Closure::<dyn FnMut()>::new(move || {
            // Taken first, so that a frame may ask for the next one.
            let busy = done.take();
            draw();
            drop(busy);
        }));
        Self { waiting, on_frame }
    }

    fn request(&self) {
        if self.waiting.borrow().is_some() {
            return;
        }
        if let Ok(frame) = dom::window().request_animation_frame(self.on_frame.as_ref().as_ref().unchecked_ref()) {
            self.waiting.replace(Some(Waiting { frame, _busy: Busy::drawing() }));
        }
    }
}

#[derive(Clone, Copy)]
struct Frame {
    studio: Studio,
    stage: StoredValue<Shared<Option<Stage>>, LocalStorage>,
    cards: Cards,
    mounted: RwSignal<Vec<NodeId>>,
    is_near: RwSignal<bool>,
    percent: RwSignal<u32>,
}

impl Frame {
    fn draw(self) {
        let Some(shared) = self.stage.try_with_value(Rc::clone) else { return };
        let mut borrowed = shared.borrow_mut();
        let Some(stage) = borrowed.as_mut() else { return };
        let theme = format!("{}{}", self.studio.theme.get_untracked(), prefers_dark());
        if stage.ink_of != theme {
            stage.ink = Ink::read();
            stage.ink_of = theme;
            (stage.drawn, stage.mini_of) = (None, None);
        }
        let moved = stage.shown != Some(self.studio.with(Editor::viewport));
        let now = dom::now_ms();
        if moved {
            stage.moved_at = now;
        }
        let at_rest = now - stage.moved_at > REST_MS;
        let more = self.mount(if at_rest { CARDS_PER_FRAME } else { 0 });
        self.studio.with(|editor| {
            let view = editor.viewport();
            if stage.shown != Some(view) {
                let glides = stage.shown.is_some_and(|before| before.zoom == view.zoom);
                if glides != stage.glides {
                    stage.glides = glides;
                    // A valid value of a known property is always taken, here and below.
                    let _ = HtmlElement::style(&stage.sheet)
                        .set_property("will-change", if glides { "transform" } else { "auto" });
                }
                stage.shown = Some(view);
                let (x, y) = (-view.origin.x * view.zoom, -view.origin.y * view.zoom);
                let _ = HtmlElement::style(&stage.sheet)
                    .set_property("transform", &format!("translate({x}px,{y}px) scale({})", view.zoom));
            }
            self.cards.place(editor);
            let size = stage.size;
            stage.below.resize(size.width * (1.0 + 2.0 * MARGIN), size.height * (1.0 + 2.0 * MARGIN));
            let ratio = stage.below.ratio;
            paint::ground(&stage.ground, &mut stage.tile, view, ratio);
            let n_changes = self.studio.n_changes();
            self.cards.0.with_value(|cards| {
                let content = Content { zoom: view.zoom, size, ratio, n_changes, n_cards: cards.n_changes };
                let near = self.is_near.get_untracked();
                let is_mounted = |id: &NodeId| near && cards.elements.contains_key(id);
                // Whole pixels of the screen, or the picture would blur.
                let shift = |from: f64, to: f64| ((from - to) * view.zoom * ratio).round() / ratio;
                let moved = stage
                    .drawn
                    .filter(|(of, _)| *of == content)
                    .map(|(_, from)| Point { x: shift(from.x, view.origin.x), y: shift(from.y, view.origin.y) });
                let is_within = |by: &Point| by.x.abs() <= size.width * MARGIN && by.y.abs() <= size.height * MARGIN;
                let at = moved.filter(is_within).unwrap_or_else(|| {
                    stage.drawn = Some((content, view.origin));
                    paint::below(&stage.below, editor, &stage.ink, &is_mounted);
                    Point::default()
                });
                let _ = HtmlElement::style(stage.below.element()).set_property("transform", &translation(at.x, at.y));
                let has_marks = paint::has_marks(editor);
                if has_marks || stage.had_marks {
                    stage.above.resize(size.width, size.height);
                    paint::above(&stage.above, editor, &stage.ink, &is_mounted);
                }
                stage.had_marks = has_marks;
            });
            let mini_of = Some((n_changes, view, size));
            if let Some(mini) = stage.mini.as_mut().filter(|_| stage.mini_of != mini_of) {
                if now - stage.mini_at > MINIMAP_EVERY_MS {
                    (stage.mini_at, stage.mini_of) = (now, mini_of);
                    mini.resize(MINIMAP.0, MINIMAP.1);
                    stage.mini_view = paint::minimap(mini, editor, &stage.ink, MINIMAP.0, MINIMAP.1);
                } else if !stage.mini_waits {
                    stage.mini_waits = true;
                    gloo::timers::callback::Timeout::new(MINIMAP_EVERY_MS as u32 + 20, move || self.after_a_while())
                        .forget();
                }
            }
        });
        drop(borrowed);
        let percent = self.studio.with(|editor| (editor.viewport().zoom * 100.0).round() as u32);
        if self.percent.get_untracked() != percent {
            self.percent.set(percent);
        }
        if more {
            self.studio.invalidate();
        }
    }

    fn after_a_while(self) {
        let Some(shared) = self.stage.try_with_value(Rc::clone) else { return };
        if let Some(stage) = shared.borrow_mut().as_mut() {
            stage.mini_waits = false;
        }
        self.studio.invalidate();
    }

    /// Gives elements to the cards that need one. Whether some are still waiting.
    fn mount(self, n_at_once: usize) -> bool {
        let zoom = self.studio.with(|editor| editor.viewport().zoom);
        let was_near = self.is_near.get_untracked();
        let is_near = if was_near { zoom >= FAR_ZOOM } else { zoom >= NEAR_ZOOM };
        if is_near != was_near {
            self.is_near.set(is_near);
        }
        if !is_near {
            return false;
        }
        let wanted = self.studio.with(|editor| {
            let mut wanted = editor.visible_nodes();
            if wanted.len() > MAX_CARDS {
                let middle = editor.viewport().shown(editor.size()).center();
                let away = |id: &NodeId| {
                    editor.card_rect(id).map_or(f64::MAX, |rect: Rect| editor::distance(rect.center(), middle))
                };
                sort_by(&mut wanted, |a, b| away(a).total_cmp(&away(b)));
                wanted.truncate(MAX_CARDS);
            }
            wanted
        });
        let have = self.mounted.get_untracked();
        let exists = |id: &NodeId| self.studio.with(|editor| editor.pipeline().node(id).is_some());
        let missing: Vec<_> = wanted.iter().filter(|id| !have.contains(id)).cloned().collect();
        // Cards a little out of view keep their elements until there are too many: making and dropping costs more.
        let mut next: Vec<_> = have.iter().filter(|id| exists(id)).cloned().collect();
        let mut excess = (next.len() + missing.len()).saturating_sub(MAX_CARDS).min(2 * n_at_once);
        next.retain(|id| {
            let goes = excess > 0 && !wanted.contains(id);
            excess -= usize::from(goes);
            !goes
        });
        // A first look mounts everything at once; while the view moves a few at a time do.
        let at_once = if have.is_empty() { MAX_CARDS } else { n_at_once.min(MAX_CARDS.saturating_sub(next.len())) };
        next.extend(missing.iter().take(at_once).cloned());
        if next != have {
            self.mounted.set(next);
        }
        missing.len() > at_once
    }
}

fn prefers_dark() -> bool {
    dom::window().match_media("(prefers-color-scheme: dark)").ok().flatten().is_some_and(|query| query.matches())
}
