//! Pixels of the canvas: edges and what flowed along them, boxes for far zoom, gestures, the minimap.

use editor::{Curve, Editor, Gesture, NodeState, PortRef, Rect, SceneEdge, Viewport};
use pipeline::{Family, NodeId, Point};
use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, HtmlElement};

use crate::dom;
use crate::views::thumbnail::family_of;

/// Distance of the dots on the ground, in the pipeline.
const DOT_STEP: f64 = 24.0;

/// Colours, as the style sheet has them now.
#[derive(Clone, Default)]
pub struct Ink {
    ground: String,
    raised: String,
    line: String,
    line_strong: String,
    ink: String,
    ink_3: String,
    accent: String,
    failed: String,
    /// By [`family_idx`].
    families: [String; 6],
}

impl Ink {
    /// Reads the tokens off an element that nobody sees.
    pub fn read() -> Self {
        let document = dom::document();
        let Some(body) = document.body() else { return Self::default() };
        let probe = document.create_element("i").ok().and_then(|probe| probe.dyn_into::<web_sys::HtmlElement>().ok());
        let Some(probe) = probe else { return Self::default() };
        if body.append_child(&probe).is_err() {
            return Self::default();
        }
        let color = |token: &str| {
            // Setting a valid property of an element in the page cannot fail.
            let _ = probe.style().set_property("color", &format!("var(--{token})"));
            dom::window()
                .get_computed_style(&probe)
                .ok()
                .flatten()
                .and_then(|style| style.get_property_value("color").ok())
                .unwrap_or_default()
        };
        let ink = Self {
            ground: color("ground"),
            raised: color("raised"),
            line: color("line"),
            line_strong: color("line-strong"),
            ink: color("ink"),
            ink_3: color("ink-3"),
            accent: color("accent"),
            failed: color("failed"),
            families: [0, 1, 2, 3, 4, 5].map(|family_idx| match Family::ALL.get(family_idx) {
                Some(family) => color(&format!("fam-{}", family.token())),
                None => color("idle"),
            }),
        };
        probe.remove();
        ink
    }
}

/// The place of a node's family among all; the last one if nothing is known of it.
fn family_idx(editor: &Editor, id: &NodeId) -> usize {
    let family = editor.pipeline().node(id).and_then(|node| family_of(&node.component));
    Family::ALL.iter().position(|other| Some(*other) == family).unwrap_or(Family::ALL.len())
}

/// One canvas, as large as its element and as fine as the screen.
pub struct Sheet {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    /// Pixels of the screen per CSS pixel.
    pub ratio: f64,
}

impl Sheet {
    /// A canvas that is in the page.
    pub fn new(canvas: HtmlCanvasElement) -> Option<Self> {
        let context = canvas.get_context("2d").ok().flatten()?.dyn_into().ok()?;
        Some(Self { canvas, context, ratio: 1.0 })
    }

    /// Its element.
    pub fn element(&self) -> &HtmlElement {
        &self.canvas
    }

    /// Gives it as many pixels as it needs.
    pub fn resize(&mut self, width: f64, height: f64) {
        self.ratio = dom::window().device_pixel_ratio();
        let (width, height) = ((width * self.ratio).round() as u32, (height * self.ratio).round() as u32);
        if self.canvas.width() != width || self.canvas.height() != height {
            self.canvas.set_width(width);
            self.canvas.set_height(height);
        }
    }

    fn clear(&self) {
        // These fail only for singular matrices.
        let _ = self.context.set_transform(1.0, 0.0, 0.0, 1.0, 0.0, 0.0);
        self.context.clear_rect(0.0, 0.0, self.canvas.width().into(), self.canvas.height().into());
    }

    fn look_through(&self, view: Viewport) {
        let zoom = view.zoom * self.ratio;
        let _ = self.context.set_transform(zoom, 0.0, 0.0, zoom, -view.origin.x * zoom, -view.origin.y * zoom);
    }
}

/// Moves the dotted ground along with the view. `tile` is the side of a tile as it is now.
pub fn ground(element: &HtmlElement, tile: &mut f64, view: Viewport, ratio: f64) {
    // Far away, every second, fourth… dot is enough.
    let mut side = DOT_STEP * view.zoom;
    while side < 15.0 {
        side *= 2.0;
    }
    // Whole pixels of the screen, or the dots would blur.
    let side = (side * ratio).round() / ratio;
    let style = element.style();
    // Valid values of known properties are always taken.
    if *tile != side {
        *tile = side;
        let _ = style.set_property("background-size", &format!("{side}px {side}px"));
        let _ = style.set_property("--dot", &format!("{}px", (side * ratio / 22.0).clamp(0.7, 2.2) / ratio));
    }
    let offset = |origin: f64| -(origin * view.zoom).rem_euclid(side);
    let _ = style.set_property("transform", &super::translation(offset(view.origin.x), offset(view.origin.y)));
}

fn trace(context: &CanvasRenderingContext2d, curve: &Curve) {
    context.move_to(curve.from.x, curve.from.y);
    context.bezier_curve_to(curve.first.x, curve.first.y, curve.second.x, curve.second.y, curve.to.x, curve.to.y);
}

/// What lies under the cards and is not in hand, as far as the surroundings of the view reach.
pub fn below(sheet: &Sheet, editor: &Editor, ink: &Ink, is_mounted: &dyn Fn(&NodeId) -> bool) {
    sheet.clear();
    let area = editor.surroundings();
    sheet.look_through(Viewport { origin: Point { x: area.x, y: area.y }, zoom: editor.viewport().zoom });
    edges(&sheet.context, editor, ink, &area, false);
    boxes(&sheet.context, editor, ink, &area, false, is_mounted);
}

/// Edges that touch an area: those of nodes on the move, or all others.
fn edges(context: &CanvasRenderingContext2d, editor: &Editor, ink: &Ink, area: &Rect, in_hand: bool) {
    let zoom = editor.viewport().zoom;
    let area = area.grown(40.0 / zoom);
    let moves = matches!(editor.gesture(), Gesture::Move { .. });
    let is_in_hand = |edge: &SceneEdge| {
        moves && (editor.drag_offset(&edge.from.node).is_some() || editor.drag_offset(&edge.to.node).is_some())
    };
    let selected = editor.selected_edge();
    let line = (1.75 / zoom.min(1.0)).min(4.0);
    context.set_line_width(line);
    context.begin_path();
    let mut special = Vec::new();
    let mut labelled = Vec::new();
    for edge in editor.scene().edges().iter().filter(|edge| is_in_hand(edge) == in_hand) {
        let curve = if in_hand { editor.edge_curve(&edge.to).unwrap_or(edge.curve) } else { edge.curve };
        if !curve.bounds().intersects(&area) {
            continue;
        }
        let is_live = matches!(editor.status(&edge.to.node).state, NodeState::Running { .. });
        let is_touched = editor.selection().contains(&edge.to.node) || editor.selection().contains(&edge.from.node);
        if is_live || is_touched || selected == Some(&edge.to) {
            special.push((curve, is_live, selected == Some(&edge.to)));
        } else {
            trace(context, &curve);
        }
        // Between cards that nearly touch, or over the names of ports, a label would hide more than it says.
        let room = curve.to.y - curve.from.y;
        let has_room = room > 26.0 && (!is_touched || room > 72.0) || room < 0.0;
        if zoom >= 0.55
            && has_room
            && let Some(label) = editor.edge_label(&edge.to)
        {
            labelled.push((curve.at(0.5), label));
        }
    }
    context.set_stroke_style_str(&ink.line_strong);
    context.stroke();
    for (curve, is_live, is_selected) in special {
        context.begin_path();
        trace(context, &curve);
        context.set_stroke_style_str(if is_live || is_selected { &ink.accent } else { &ink.ink_3 });
        context.set_line_width(if is_selected { line * 1.6 } else { line });
        dash(context, if is_live { 5.0 } else { 0.0 });
        context.stroke();
        dash(context, 0.0);
    }
    labels(context, &labelled, ink);
}

fn dash(context: &CanvasRenderingContext2d, length: f64) {
    let pattern = if length > 0.0 { js_sys::Array::of2(&length.into(), &length.into()) } else { js_sys::Array::new() };
    // Lengths are positive numbers, which is all that is asked of them.
    let _ = context.set_line_dash(&pattern);
}

fn labels(context: &CanvasRenderingContext2d, labelled: &[(Point, &str)], ink: &Ink) {
    context.set_font("500 10.5px \"JetBrains Mono Variable\", \"JetBrains Mono\", monospace");
    context.set_text_align("center");
    context.set_text_baseline("middle");
    context.set_line_width(1.0);
    for (at, label) in labelled {
        // The font is monospaced: measuring would cost more than it tells.
        let width = label.chars().count() as f64 * 6.3 + 14.0;
        rounded(context, &Rect::new(at.x - width / 2.0, at.y - 9.0, width, 18.0), 9.0);
        context.set_fill_style_str(&ink.ground);
        context.fill();
        context.set_stroke_style_str(&ink.line);
        context.stroke();
        context.set_fill_style_str(&ink.ink_3);
        // Text in a finite place is drawn.
        let _ = context.fill_text(label, at.x, at.y + 0.5);
    }
}

fn rounded(context: &CanvasRenderingContext2d, rect: &Rect, radius: f64) {
    let (x, y, right, bottom) = (rect.x, rect.y, rect.right(), rect.bottom());
    context.begin_path();
    context.move_to(x + radius, y);
    // Radii are positive.
    let _ = context.arc_to(right, y, right, bottom, radius);
    let _ = context.arc_to(right, bottom, x, bottom, radius);
    let _ = context.arc_to(x, bottom, x, y, radius);
    let _ = context.arc_to(x, y, right, y, radius);
    context.close_path();
}

/// Cards that have no element of their own, because they are too small to read or about to get one: those on the
/// move, or all others.
fn boxes(
    context: &CanvasRenderingContext2d,
    editor: &Editor,
    ink: &Ink,
    area: &Rect,
    in_hand: bool,
    is_mounted: &dyn Fn(&NodeId) -> bool,
) {
    let zoom = editor.viewport().zoom;
    let mut rects = Vec::new();
    for id in editor.visible_nodes() {
        if editor.drag_offset(&id).is_some() == in_hand
            && !is_mounted(&id)
            && let Some(rect) = editor.card_rect(&id).filter(|rect| rect.intersects(area))
        {
            rects.push((id, rect));
        }
    }
    if rects.is_empty() {
        return;
    }
    context.begin_path();
    for (_, rect) in &rects {
        context.rect(rect.x, rect.y, rect.width, rect.height);
    }
    context.set_fill_style_str(&ink.raised);
    context.fill();
    context.set_line_width((1.0 / zoom).min(3.0));
    context.set_stroke_style_str(&ink.line_strong);
    context.stroke();
    let band = (4.0 / zoom).min(10.0);
    by_family(context, editor, ink, rects.iter().map(|(id, rect)| (id, Rect { width: band, ..*rect })));
    for (id, rect) in &rects {
        let is_selected = editor.selection().contains(id);
        if is_selected || matches!(editor.status(id).state, NodeState::Failed(_)) {
            context.set_stroke_style_str(if is_selected { &ink.accent } else { &ink.failed });
            context.set_line_width(2.0 / zoom);
            context.stroke_rect(rect.x, rect.y, rect.width, rect.height);
        }
    }
    if zoom >= 0.28 {
        context.set_fill_style_str(&ink.ink);
        context.set_font("600 15px \"Inter Variable\", Inter, sans-serif");
        context.set_text_align("left");
        context.set_text_baseline("middle");
        for (id, rect) in &rects {
            let title = editor.title(id);
            let title: String = if title.chars().count() > 21 {
                title.chars().take(20).chain(['…']).collect()
            } else {
                title.to_owned()
            };
            let _ = context.fill_text_with_max_width(
                &title,
                rect.x + 18.0,
                rect.y + 29.0_f64.min(rect.height / 2.0),
                rect.width - 24.0,
            );
        }
    }
}

/// Fills the rectangles of nodes with the colours of their families, a colour at a time: to set one costs most.
fn by_family<'a>(
    context: &CanvasRenderingContext2d,
    editor: &Editor,
    ink: &Ink,
    rects: impl Iterator<Item = (&'a NodeId, Rect)>,
) {
    let mut of_family: [Vec<Rect>; 6] = Default::default();
    for (id, rect) in rects {
        of_family[family_idx(editor, id)].push(rect);
    }
    for (color, rects) in ink.families.iter().zip(&of_family).filter(|(_, rects)| !rects.is_empty()) {
        context.set_fill_style_str(color);
        for rect in rects {
            context.fill_rect(rect.x, rect.y, rect.width, rect.height);
        }
    }
}

/// Whether what is under way is drawn.
pub fn has_marks(editor: &Editor) -> bool {
    matches!(editor.gesture(), Gesture::Box { .. } | Gesture::Move { .. } | Gesture::Connect { .. })
}

/// What is under way, with all that is in hand.
pub fn above(sheet: &Sheet, editor: &Editor, ink: &Ink, is_mounted: &dyn Fn(&NodeId) -> bool) {
    sheet.clear();
    let view = editor.viewport();
    sheet.look_through(view);
    let context = &sheet.context;
    let hair = 1.0 / view.zoom;
    match editor.gesture() {
        Gesture::Idle | Gesture::Pressed { .. } | Gesture::Pan { .. } => {}
        Gesture::Box { area, nodes, .. } => {
            context.set_line_width(hair);
            context.set_stroke_style_str(&ink.accent);
            context.set_fill_style_str(&ink.accent);
            context.set_global_alpha(0.1);
            context.fill_rect(area.x, area.y, area.width, area.height);
            context.set_global_alpha(1.0);
            context.stroke_rect(area.x, area.y, area.width, area.height);
            context.set_line_width(2.0 * hair);
            for rect in nodes.iter().filter_map(|id| editor.card_rect(id)) {
                rounded(context, &rect.grown(2.0), 11.0);
                context.stroke();
            }
        }
        Gesture::Move { guides, .. } => {
            let shown = view.shown(editor.size());
            edges(context, editor, ink, &shown, true);
            boxes(context, editor, ink, &shown, true, is_mounted);
            context.set_line_width(hair);
            context.set_stroke_style_str(&ink.accent);
            context.begin_path();
            for guide in guides {
                context.move_to(guide.from.x, guide.from.y);
                context.line_to(guide.to.x, guide.to.y);
            }
            context.stroke();
        }
        Gesture::Connect { target, at, .. } => {
            context.set_line_width(2.0);
            context.set_stroke_style_str(&ink.accent);
            if let Some(curve) = editor.link_in_hand() {
                dash(context, if target.is_some() { 0.0 } else { 5.0 });
                context.begin_path();
                trace(context, &curve);
                context.stroke();
                dash(context, 0.0);
            }
            let end = target.as_ref().and_then(|port: &PortRef| editor.port_point(port)).unwrap_or(*at);
            context.begin_path();
            let _ = context.arc(end.x, end.y, if target.is_some() { 9.0 } else { 4.0 }, 0.0, std::f64::consts::TAU);
            context.set_fill_style_str(&ink.accent);
            context.set_global_alpha(if target.is_some() { 0.25 } else { 1.0 });
            context.fill();
            context.set_global_alpha(1.0);
        }
    }
}

/// What the minimap shows, and how it is scaled: pipeline from minimap.
pub fn minimap(sheet: &Sheet, editor: &Editor, ink: &Ink, width: f64, height: f64) -> Viewport {
    let shown = editor.viewport().shown(editor.size());
    let all = editor.scene().bounds().map_or(shown, |bounds| bounds.union(&shown)).grown(40.0);
    let zoom = (width / all.width).min(height / all.height);
    let middle = all.center();
    let view = Viewport { origin: Point { x: middle.x - width / 2.0 / zoom, y: middle.y - height / 2.0 / zoom }, zoom };
    sheet.clear();
    sheet.look_through(view);
    let context = &sheet.context;
    let selection = editor.selection();
    for (alpha, is_selected) in [(0.65, false), (1.0, true)] {
        context.set_global_alpha(alpha);
        by_family(
            context,
            editor,
            ink,
            editor.scene().rects().filter(|(id, _)| selection.contains(*id) == is_selected),
        );
    }
    context.set_line_width(1.25 / zoom);
    context.set_stroke_style_str(&ink.accent);
    context.stroke_rect(shown.x, shown.y, shown.width, shown.height);
    view
}
