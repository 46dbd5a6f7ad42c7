//! Pixels of the canvas: the ground, edges and what flowed along them, boxes for far zoom, gestures, the minimap.

use editor::{CARD_WIDTH, Curve, Editor, Gesture, NodeState, PortRef, Rect, Viewport};
use pipeline::{Family, NodeId, Point};
use wasm_bindgen::prelude::*;
use web_sys::{CanvasPattern, CanvasRenderingContext2d, HtmlCanvasElement};

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
    dot: String,
    ink: String,
    ink_3: String,
    accent: String,
    failed: String,
    families: [String; 5],
    unknown: String,
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
            dot: color("grid-dot"),
            ink: color("ink"),
            ink_3: color("ink-3"),
            accent: color("accent"),
            failed: color("failed"),
            families: Family::ALL.map(|family| color(&format!("fam-{}", family.token()))),
            unknown: color("idle"),
        };
        probe.remove();
        ink
    }

    fn family(&self, family: Option<Family>) -> &str {
        family
            .and_then(|family| Family::ALL.iter().position(|other| *other == family))
            .map_or(&self.unknown, |i| &self.families[i])
    }
}

/// One canvas, as large as its element and as fine as the screen.
pub struct Sheet {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    ratio: f64,
}

impl Sheet {
    /// A canvas that is in the page.
    pub fn new(canvas: HtmlCanvasElement) -> Option<Self> {
        let context = canvas.get_context("2d").ok().flatten()?.dyn_into().ok()?;
        Some(Self { canvas, context, ratio: 1.0 })
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

/// The tile of the dotted ground; made anew for another zoom or theme.
#[derive(Default)]
pub struct Ground {
    tile: Option<(f64, String, CanvasPattern)>,
}

impl Ground {
    fn pattern(&mut self, step: f64, color: &str, on: &CanvasRenderingContext2d) -> Option<CanvasPattern> {
        if let Some((at, of, tile)) = &self.tile
            && *at == step
            && of == color
        {
            return Some(tile.clone());
        }
        let canvas: HtmlCanvasElement = dom::document().create_element("canvas").ok()?.dyn_into().ok()?;
        let side = step.round().max(1.0);
        canvas.set_width(side as u32);
        canvas.set_height(side as u32);
        let context: CanvasRenderingContext2d = canvas.get_context("2d").ok().flatten()?.dyn_into().ok()?;
        context.set_fill_style_str(color);
        context.begin_path();
        let radius = (step / 22.0).clamp(0.7, 2.2);
        context.arc(side / 2.0, side / 2.0, radius, 0.0, std::f64::consts::TAU).ok()?;
        context.fill();
        let pattern = on.create_pattern_with_html_canvas_element(&canvas, "repeat").ok().flatten()?;
        self.tile = Some((step, color.to_owned(), pattern.clone()));
        Some(pattern)
    }
}

fn trace(context: &CanvasRenderingContext2d, curve: &Curve) {
    context.move_to(curve.from.x, curve.from.y);
    context.bezier_curve_to(curve.first.x, curve.first.y, curve.second.x, curve.second.y, curve.to.x, curve.to.y);
}

/// Everything under the cards.
pub fn below(sheet: &Sheet, ground: &mut Ground, editor: &Editor, ink: &Ink, is_mounted: &dyn Fn(&NodeId) -> bool) {
    sheet.clear();
    let (view, size) = (editor.viewport(), editor.size());
    dots(sheet, ground, view, ink);
    sheet.look_through(view);
    let context = &sheet.context;
    let shown = view.shown(size).grown(40.0 / view.zoom);
    let is_moving = matches!(editor.gesture(), Gesture::Move { .. });
    let selected = editor.selected_edge();
    let line = (1.75 / view.zoom.min(1.0)).min(4.0);
    context.set_line_width(line);
    context.begin_path();
    let mut special = Vec::new();
    let mut labelled = Vec::new();
    for edge in editor.scene().edges() {
        let curve = if is_moving { editor.edge_curve(&edge.to).unwrap_or(edge.curve) } else { edge.curve };
        if !curve.bounds().intersects(&shown) {
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
        let room = edge.curve.to.y - edge.curve.from.y;
        let has_room = room > 26.0 && (!is_touched || room > 72.0) || room < 0.0;
        if view.zoom >= 0.55
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
    boxes(context, editor, ink, &shown, is_mounted);
}

fn dash(context: &CanvasRenderingContext2d, length: f64) {
    let pattern = if length > 0.0 { js_sys::Array::of2(&length.into(), &length.into()) } else { js_sys::Array::new() };
    // Lengths are positive numbers, which is all that is asked of them.
    let _ = context.set_line_dash(&pattern);
}

fn dots(sheet: &Sheet, ground: &mut Ground, view: Viewport, ink: &Ink) {
    // Far away, every second, fourth… dot is enough.
    let mut step = DOT_STEP * view.zoom * sheet.ratio;
    while step < 15.0 * sheet.ratio {
        step *= 2.0;
    }
    // Whole pixels, or the tile would blur.
    let step = step.round();
    let Some(pattern) = ground.pattern(step, &ink.dot, &sheet.context) else { return };
    let context = &sheet.context;
    let offset = |origin: f64| -(origin * view.zoom * sheet.ratio).rem_euclid(step);
    let (dx, dy) = (offset(view.origin.x), offset(view.origin.y));
    if context.translate(dx, dy).is_ok() {
        context.set_fill_style_canvas_pattern(&pattern);
        context.fill_rect(0.0, 0.0, f64::from(sheet.canvas.width()) + step, f64::from(sheet.canvas.height()) + step);
    }
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

/// Cards that have no element of their own: because they are too small to read, or about to get one.
fn boxes(
    context: &CanvasRenderingContext2d,
    editor: &Editor,
    ink: &Ink,
    shown: &Rect,
    is_mounted: &dyn Fn(&NodeId) -> bool,
) {
    let zoom = editor.viewport().zoom;
    let mut rects = Vec::new();
    for id in editor.visible_nodes() {
        if !is_mounted(&id)
            && let Some(rect) = editor.card_rect(&id).filter(|rect| rect.intersects(shown))
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
    for (id, rect) in &rects {
        let node = editor.pipeline().node(id);
        context.set_fill_style_str(ink.family(node.and_then(|node| family_of(&node.component))));
        context.fill_rect(rect.x, rect.y, (4.0 / zoom).min(10.0), rect.height);
        let status = editor.status(id);
        if matches!(status.state, NodeState::Failed(_)) || editor.selection().contains(id) {
            context.set_stroke_style_str(if editor.selection().contains(id) { &ink.accent } else { &ink.failed });
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

/// What is under way, over the cards.
pub fn above(sheet: &Sheet, editor: &Editor, ink: &Ink) {
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
    for (id, rect) in editor.scene().rects() {
        let node = editor.pipeline().node(id);
        context.set_fill_style_str(ink.family(node.and_then(|node| family_of(&node.component))));
        context.set_global_alpha(if editor.selection().contains(id) { 1.0 } else { 0.65 });
        context.fill_rect(rect.x, rect.y, CARD_WIDTH, rect.height);
    }
    context.set_global_alpha(1.0);
    context.set_line_width(1.25 / zoom);
    context.set_stroke_style_str(&ink.accent);
    context.stroke_rect(shown.x, shown.y, shown.width, shown.height);
    view
}
