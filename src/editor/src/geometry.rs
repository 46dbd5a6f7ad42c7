//! Places and shapes on the canvas, in plain numbers.
//!
//! Points *in the pipeline* are CSS pixels at 100 %; points *in the screen* are CSS pixels from the
//! canvas' top left corner.

use pipeline::Point;
use protocol::Face;

/// Width of every card.
pub const CARD_WIDTH: f64 = 200.0;
/// Height of a card without a face.
pub const CARD_HEIGHT: f64 = 58.0;
/// Smallest and largest zoom.
pub const ZOOM_RANGE: (f64, f64) = (0.05, 4.0);
/// Positions snap to multiples of this.
pub const SNAP: f64 = 8.0;

/// A size.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// To the right.
    pub width: f64,
    /// Down.
    pub height: f64,
}

/// A rectangle with its sides along the axes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// To the right; not negative.
    pub width: f64,
    /// Down; not negative.
    pub height: f64,
}

impl Rect {
    /// A rectangle by its top left corner and size.
    pub fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self { x, y, width, height }
    }

    /// The rectangle that two opposite corners span.
    pub fn spanned(a: Point, b: Point) -> Self {
        Self { x: a.x.min(b.x), y: a.y.min(b.y), width: (a.x - b.x).abs(), height: (a.y - b.y).abs() }
    }

    /// Right edge.
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// Bottom edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// The middle.
    pub fn center(&self) -> Point {
        Point { x: self.x + self.width / 2.0, y: self.y + self.height / 2.0 }
    }

    /// Whether a point lies in it, edges included.
    pub fn contains(&self, point: Point) -> bool {
        point.x >= self.x && point.x <= self.right() && point.y >= self.y && point.y <= self.bottom()
    }

    /// Whether another rectangle lies wholly in it.
    pub fn contains_rect(&self, other: &Self) -> bool {
        other.x >= self.x && other.right() <= self.right() && other.y >= self.y && other.bottom() <= self.bottom()
    }

    /// Whether the two share a point.
    pub fn intersects(&self, other: &Self) -> bool {
        self.x <= other.right() && other.x <= self.right() && self.y <= other.bottom() && other.y <= self.bottom()
    }

    /// The smallest rectangle around both.
    pub fn union(&self, other: &Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Self { x, y, width: self.right().max(other.right()) - x, height: self.bottom().max(other.bottom()) - y }
    }

    /// The same rectangle with a margin on every side.
    pub fn grown(&self, by: f64) -> Self {
        Self { x: self.x - by, y: self.y - by, width: self.width + 2.0 * by, height: self.height + 2.0 * by }
    }

    /// Moved by an offset.
    pub fn moved(&self, dx: f64, dy: f64) -> Self {
        Self { x: self.x + dx, y: self.y + dy, ..*self }
    }
}

/// Which part of the pipeline is on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// The point in the pipeline at the screen's top left corner.
    pub origin: Point,
    /// Screen pixels per pipeline unit; within [`ZOOM_RANGE`].
    pub zoom: f64,
}

impl Default for Viewport {
    fn default() -> Self {
        Self { origin: Point::default(), zoom: 1.0 }
    }
}

impl Viewport {
    /// Where a point in the screen lies in the pipeline.
    pub fn pipeline_from_screen(&self, point_in_screen: Point) -> Point {
        Point { x: self.origin.x + point_in_screen.x / self.zoom, y: self.origin.y + point_in_screen.y / self.zoom }
    }

    /// Where a point in the pipeline lies in the screen.
    pub fn screen_from_pipeline(&self, point_in_pipeline: Point) -> Point {
        Point {
            x: (point_in_pipeline.x - self.origin.x) * self.zoom,
            y: (point_in_pipeline.y - self.origin.y) * self.zoom,
        }
    }

    /// What a canvas of this size shows, in the pipeline.
    pub fn shown(&self, size: Size) -> Rect {
        Rect::new(self.origin.x, self.origin.y, size.width / self.zoom, size.height / self.zoom)
    }

    /// Moved by a distance in screen pixels: positive `dx` shows what lies further right.
    pub fn panned(&self, dx: f64, dy: f64) -> Self {
        Self { origin: Point { x: self.origin.x + dx / self.zoom, y: self.origin.y + dy / self.zoom }, ..*self }
    }

    /// Zoomed by a factor, so that what lies under a point in the screen stays there.
    pub fn zoomed_about(&self, anchor_in_screen: Point, factor: f64) -> Self {
        self.zoomed_to(anchor_in_screen, self.zoom * factor)
    }

    /// At another zoom, so that what lies under a point in the screen stays there.
    pub fn zoomed_to(&self, anchor_in_screen: Point, zoom: f64) -> Self {
        let zoom = if zoom.is_finite() { zoom.clamp(ZOOM_RANGE.0, ZOOM_RANGE.1) } else { self.zoom };
        let held = self.pipeline_from_screen(anchor_in_screen);
        let origin = Point { x: held.x - anchor_in_screen.x / zoom, y: held.y - anchor_in_screen.y / zoom };
        Self { origin, zoom }
    }

    /// Shows a rectangle in the middle of a canvas with a margin of 10 % on each side, never larger than 100 %.
    pub fn fitted(area: Rect, size: Size) -> Self {
        if size.width <= 0.0 || size.height <= 0.0 {
            return Self::default();
        }
        let room = |along: f64, within: f64| if along > 0.0 { within * 0.8 / along } else { f64::INFINITY };
        let zoom = room(area.width, size.width).min(room(area.height, size.height)).min(1.0);
        let zoom = zoom.clamp(ZOOM_RANGE.0, ZOOM_RANGE.1);
        let middle = area.center();
        let origin = Point { x: middle.x - size.width / 2.0 / zoom, y: middle.y - size.height / 2.0 / zoom };
        Self { origin, zoom }
    }

    /// Moved as little as needed to bring a rectangle into view.
    pub fn revealing(&self, area: Rect, size: Size) -> Self {
        const MARGIN_PX: f64 = 24.0;
        let margin = MARGIN_PX / self.zoom;
        let (area, shown) = (area.grown(margin), self.shown(size));
        let along = |low: f64, high: f64, shown_low: f64, shown_high: f64| {
            if high - low > shown_high - shown_low || low < shown_low {
                low - shown_low
            } else if high > shown_high {
                high - shown_high
            } else {
                0.0
            }
        };
        let dx = along(area.x, area.right(), shown.x, shown.right());
        let dy = along(area.y, area.bottom(), shown.y, shown.bottom());
        Self { origin: Point { x: self.origin.x + dx, y: self.origin.y + dy }, ..*self }
    }
}

/// A cubic curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    /// Start.
    pub from: Point,
    /// First handle.
    pub first: Point,
    /// Second handle.
    pub second: Point,
    /// End.
    pub to: Point,
}

impl Curve {
    /// From an output at the bottom of one card to an input at the top of another.
    pub fn between(from: Point, to: Point) -> Self {
        // The handles point straight down and up; an edge that runs upwards swings out further.
        let fall = to.y - from.y;
        let reach = if fall >= 0.0 { (fall / 2.0).max(24.0) } else { (-fall / 2.0).clamp(48.0, 160.0) };
        Self { from, first: Point { x: from.x, y: from.y + reach }, second: Point { x: to.x, y: to.y - reach }, to }
    }

    /// The point at `t` from 0 to 1.
    pub fn at(&self, t: f64) -> Point {
        let s = 1.0 - t;
        let (a, b, c, d) = (s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t);
        Point {
            x: a * self.from.x + b * self.first.x + c * self.second.x + d * self.to.x,
            y: a * self.from.y + b * self.first.y + c * self.second.y + d * self.to.y,
        }
    }

    /// A rectangle around the whole curve (around its handles, so not always the smallest).
    pub fn bounds(&self) -> Rect {
        Rect::spanned(self.from, self.to).union(&Rect::spanned(self.first, self.second))
    }

    /// How far a point lies from the curve, to well under a pixel at ordinary lengths.
    pub fn distance(&self, point: Point) -> f64 {
        const N_PIECES: u32 = 24;
        let mut nearest = f64::INFINITY;
        let mut start = self.from;
        for piece in 1..=N_PIECES {
            let end = self.at(f64::from(piece) / f64::from(N_PIECES));
            nearest = nearest.min(distance_to_piece(point, start, end));
            start = end;
        }
        nearest
    }
}

fn distance_to_piece(point: Point, start: Point, end: Point) -> f64 {
    let (dx, dy) = (end.x - start.x, end.y - start.y);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { ((point.x - start.x) * dx + (point.y - start.y) * dy) / length } else { 0.0 };
    let along = along.clamp(0.0, 1.0);
    distance(point, Point { x: start.x + along * dx, y: start.y + along * dy })
}

/// How far two points are apart.
pub fn distance(a: Point, b: Point) -> f64 {
    ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).sqrt()
}

/// To the nearest multiple of [`SNAP`].
pub fn snapped(along: f64) -> f64 {
    (along / SNAP).round() * SNAP
}

/// How far from the card's left edge port `port_idx` of `n_ports` sits; they share the edge evenly.
pub fn port_offset(port_idx: usize, n_ports: usize) -> f64 {
    CARD_WIDTH * (port_idx as f64 + 1.0) / (n_ports as f64 + 1.0)
}

/// How much a result in miniature adds to a card's height.
pub fn face_height(face: &Face) -> f64 {
    const PICTURE: f64 = 42.0;
    const LINE: f64 = 21.0;
    match face {
        Face::Histogram(_) | Face::Curve { .. } | Face::Dots(_) | Face::Matrix { .. } => PICTURE,
        Face::Bars(bars) => 6.0 + 18.0 * bars.len().min(4) as f64,
        Face::Text(_) => LINE,
        Face::Headline(_, picture) => LINE + picture.as_deref().map_or(0.0, face_height),
    }
}
