//! Where everything in a figure stands, so that the page can point at what plotters has drawn.

use crate::{Figure, Marks, Theme, Tick, log_ticks, ticks, ticks::step};

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Rect {
    /// Whether the point is inside or on the border.
    pub fn contains(&self, x: f64, y: f64) -> bool {
        (self.left..=self.left + self.width).contains(&x) && (self.top..=self.top + self.height).contains(&y)
    }
}

/// Numbers to pixels along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The smaller bound.
    pub low: f64,
    /// The greater bound.
    pub high: f64,
    /// The pixel of the smaller bound.
    pub from_px: f64,
    /// The pixel of the greater bound.
    pub to_px: f64,
    /// Equal factors, not equal differences, are equally far apart; both bounds are above zero.
    pub is_log: bool,
}

impl Scale {
    /// The pixel of a value.
    pub fn px(&self, value: f64) -> f64 {
        let (low, high) = (self.even(self.low), self.even(self.high));
        self.from_px + (self.even(value) - low) / (high - low) * (self.to_px - self.from_px)
    }

    /// The value at a pixel.
    pub fn value(&self, px: f64) -> f64 {
        let (low, high) = (self.even(self.low), self.even(self.high));
        let even = low + (px - self.from_px) / (self.to_px - self.from_px) * (high - low);
        if self.is_log { even.exp() } else { even }
    }

    /// About so many ticks.
    pub fn ticks(&self, n_wanted: usize) -> Vec<Tick> {
        if self.is_log { log_ticks(self.low, self.high, n_wanted) } else { ticks(self.low, self.high, n_wanted) }
    }

    /// The value on an axis that is even.
    pub(crate) fn even(&self, value: f64) -> f64 {
        if self.is_log { value.ln() } else { value }
    }
}

/// One mark and where it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkAt {
    /// Of which series.
    pub series_idx: usize,
    /// Its position within the series.
    pub mark_idx: usize,
    /// Where a dot on it would be, in pixels.
    pub x_px: f64,
    /// Downwards.
    pub y_px: f64,
    /// The mark's own area, if it has one: a bar.
    pub area: Option<Rect>,
}

/// A figure's measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Of the whole drawing, in pixels.
    pub width: f64,
    /// Downwards.
    pub height: f64,
    /// Where marks are.
    pub plot: Rect,
    /// Left to right.
    pub x: Scale,
    /// Bottom to top, or top to bottom for bars.
    pub y: Scale,
    /// Along the bottom.
    pub x_ticks: Vec<Tick>,
    /// Along the left.
    pub y_ticks: Vec<Tick>,
    /// Series are headed by a title and a legend inside the drawing.
    pub(crate) headings: bool,
}

impl Layout {
    /// Finds the measures, x or y or both logarithmic if asked for. `text_width` measures a label in the theme's font
    /// and size.
    pub fn of(
        figure: &Figure,
        width: f64,
        height: f64,
        headings: bool,
        [log_x, log_y]: [bool; 2],
        theme: &Theme,
        text_width: &dyn Fn(&str) -> f64,
    ) -> Self {
        let size = theme.text_size;
        let has_bars = figure.series.iter().any(|series| matches!(series.marks, Marks::Bars(_) | Marks::Spans(_)));
        let mut x = bounds(figure, true, log_x);
        let mut y = bounds(figure, false, log_y);

        let top = if headings { size * 4.4 } else { size * 0.8 };
        let bottom = size * 1.9 + if figure.x.label.is_empty() { 0.0 } else { size * 1.5 };
        let plot_height = (height - top - bottom).max(8.0);
        let y_ticks = if figure.y.categories.is_empty() {
            let n_wanted = ((plot_height / (size * 2.9)) as usize).clamp(2, 6);
            y.ticks(n_wanted)
        } else {
            let every = ((figure.y.categories.len() as f64 * size * 1.25 / plot_height).ceil() as usize).max(1);
            named(&figure.y.categories, every, text_width, width * 0.34)
        };
        let label_width = y_ticks.iter().map(|tick| text_width(&tick.label)).fold(0.0, f64::max);
        let left = label_width + size * 0.8 + if figure.y.label.is_empty() || has_bars { 0.0 } else { size * 1.6 };
        let plot_width = (width - left - size).max(8.0);
        let x_ticks = if figure.x.categories.is_empty() {
            let widest = [x.low, x.high]
                .map(|bound| text_width(&crate::format::tick(bound, step(x.low, x.high, 6))))
                .into_iter()
                .fold(size, f64::max);
            x.ticks(((plot_width / (widest + size * 2.2)) as usize).clamp(2, 8))
        } else {
            let room = plot_width / figure.x.categories.len() as f64;
            let widest = figure.x.categories.iter().map(|name| text_width(name)).fold(size, f64::max).min(size * 9.0);
            let every = ((widest + size * 0.6) / room).ceil().max(1.0);
            named(&figure.x.categories, every as usize, text_width, room * every - size * 0.5)
        };
        let plot = Rect { left, top, width: plot_width, height: plot_height };
        (x.from_px, x.to_px) = (left, left + plot_width);
        (y.from_px, y.to_px) = if has_bars { (top, top + plot_height) } else { (top + plot_height, top) };
        Self { width, height, plot, x, y, x_ticks, y_ticks, headings }
    }

    /// Where a mark is; none if it is outside of the plot or no number.
    pub fn mark(&self, figure: &Figure, series_idx: usize, mark_idx: usize) -> Option<MarkAt> {
        let at = |x_px: f64, y_px: f64, area: Option<Rect>| {
            let visible = x_px.is_finite() && y_px.is_finite() && self.plot_and_border().contains(x_px, y_px);
            visible.then_some(MarkAt { series_idx, mark_idx, x_px, y_px, area })
        };
        match &figure.series.get(series_idx)?.marks {
            Marks::Line(points) | Marks::Area(points) | Marks::Points(points) => {
                let &(x, y) = points.get(mark_idx)?;
                at(self.x.px(x), self.y.px(y), None)
            }
            Marks::Boxes(boxes) => {
                let shown = boxes.get(mark_idx)?;
                let (x, half) = (self.x.px(mark_idx as f64), self.half_box());
                let (top, bottom) = (self.y.px(shown.high), self.y.px(shown.low));
                let area = Rect { left: x - half, top, width: 2.0 * half, height: bottom - top };
                at(x, self.y.px(shown.median), Some(area))
            }
            Marks::Histogram { .. } | Marks::Columns(_) | Marks::Bars(_) | Marks::Spans(_) => {
                let ((x0, y0), (x1, y1)) = bar(figure, series_idx, mark_idx)?;
                let (left, right) = (self.x.px(x0), self.x.px(x1));
                let (y0_px, y1_px) = (self.y.px(y0), self.y.px(y1));
                let area = Rect {
                    left: left.min(right),
                    top: y0_px.min(y1_px),
                    width: (right - left).abs(),
                    height: (y1_px - y0_px).abs(),
                };
                match &figure.series[series_idx].marks {
                    Marks::Bars(_) | Marks::Spans(_) => at(right, area.top + area.height / 2.0, Some(area)),
                    _ => at(area.left + area.width / 2.0, y1_px, Some(area)),
                }
            }
        }
    }

    /// The mark nearest to a point, at most 30 pixels away; bars are hit anywhere along their own band.
    pub fn nearest(&self, figure: &Figure, x_px: f64, y_px: f64) -> Option<MarkAt> {
        const REACH_PX: f64 = 30.0;
        if !self.plot_and_border().contains(x_px, y_px) {
            return None;
        }
        let mut best: Option<(f64, MarkAt)> = None;
        for (series_idx, series) in figure.series.iter().enumerate() {
            for mark_idx in 0..series.marks.n_marks() {
                let Some(mark) = self.mark(figure, series_idx, mark_idx) else {
                    continue;
                };
                let distance = match (mark.area, matches!(series.marks, Marks::Bars(_) | Marks::Spans(_))) {
                    // What lies beyond the whiskers is nearer there than the box.
                    (Some(area), _) if matches!(series.marks, Marks::Boxes(_)) => {
                        outside(x_px, area.left, area.width).hypot(outside(y_px, area.top, area.height))
                    }
                    (Some(area), false) => {
                        outside(x_px, area.left, area.width) + 1e-3 * outside(y_px, area.top, area.height)
                    }
                    (Some(area), true) => {
                        outside(y_px, area.top, area.height) + 1e-3 * outside(x_px, area.left, area.width)
                    }
                    (None, _) => ((mark.x_px - x_px).powi(2) + (mark.y_px - y_px).powi(2)).sqrt(),
                };
                if distance <= REACH_PX && best.is_none_or(|(least, _)| distance < least) {
                    best = Some((distance, mark));
                }
            }
        }
        best.map(|(_, mark)| mark)
    }

    /// Half of a box's width, in pixels: a part of its category, and never so much that few boxes look like bars.
    pub(crate) fn half_box(&self) -> f64 {
        (0.3 * (self.x.px(1.0) - self.x.px(0.0))).min(34.0)
    }

    /// A point where both axes are even.
    pub(crate) fn even(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x.even(x), self.y.even(y))
    }

    fn plot_and_border(&self) -> Rect {
        Rect {
            left: self.plot.left - 0.5,
            top: self.plot.top - 0.5,
            width: self.plot.width + 1.0,
            height: self.plot.height + 1.0,
        }
    }
}

/// Opposite corners of a bar, in the figure's coordinates: from the base line to the value.
pub(crate) fn bar(figure: &Figure, series_idx: usize, mark_idx: usize) -> Option<((f64, f64), (f64, f64))> {
    const GAP: f64 = 0.14;
    let is_bar = |marks: &Marks| matches!(marks, Marks::Columns(_) | Marks::Bars(_));
    let n_beside = figure.series.iter().filter(|series| is_bar(&series.marks)).count().max(1) as f64;
    let beside_idx = figure.series[..series_idx].iter().filter(|series| is_bar(&series.marks)).count() as f64;
    let width = (1.0 - 2.0 * GAP) / n_beside;
    let start = mark_idx as f64 - 0.5 + GAP + beside_idx * width;
    match &figure.series.get(series_idx)?.marks {
        Marks::Histogram { edges, heights } => {
            Some(((*edges.get(mark_idx)?, 0.0), (*edges.get(mark_idx + 1)?, *heights.get(mark_idx)?)))
        }
        Marks::Columns(values) => Some(((start, 0.0), (start + width, *values.get(mark_idx)?))),
        Marks::Bars(values) => Some(((0.0, start), (*values.get(mark_idx)?, start + width))),
        Marks::Spans(spans) => {
            let &(from, to, at) = spans.get(mark_idx)?;
            Some(((from, at - 0.5 + GAP), (to, at + 0.5 - GAP)))
        }
        Marks::Line(_) | Marks::Area(_) | Marks::Points(_) | Marks::Boxes(_) => None,
    }
}

fn outside(at: f64, start: f64, length: f64) -> f64 {
    (start - at).max(at - start - length).max(0.0)
}

fn named(categories: &[String], every: usize, text_width: &dyn Fn(&str) -> f64, room: f64) -> Vec<Tick> {
    categories
        .iter()
        .enumerate()
        .step_by(every.max(1))
        .map(|(position, name)| Tick { value: position as f64, label: shortened(name, text_width, room) })
        .collect()
}

fn shortened(name: &str, text_width: &dyn Fn(&str) -> f64, room: f64) -> String {
    let full = text_width(name);
    if full <= room {
        return name.to_owned();
    }
    let n_chars = name.chars().count();
    let n_kept = ((room / full * n_chars as f64) as usize).saturating_sub(1).max(2);
    name.chars().take(n_kept).chain(['…']).collect()
}

/// An axis that is wide enough; where it lies on the screen is for others.
fn bounds(figure: &Figure, is_x: bool, is_log: bool) -> Scale {
    let scale = |low, high, is_log| Scale { low, high, from_px: 0.0, to_px: 0.0, is_log };
    let axis = if is_x { &figure.x } else { &figure.y };
    if !axis.categories.is_empty() {
        return scale(-0.5, axis.categories.len() as f64 - 0.5, false);
    }
    // What is told of the bounds holds for logarithms, too: what has none is no finite number.
    let even = |value: f64| if is_log { value.ln() } else { value };
    let (low, high) = axis.range.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
    let (mut low, mut high) = if axis.range.is_some() { (even(low), even(high)) } else { (low, high) };
    let mut stands_on_zero = false;
    let mut is_tight = axis.range.is_some();
    if !(axis.fixed && axis.range.is_some()) {
        let mut widen = |value: f64| {
            let value = even(value);
            if value.is_finite() {
                low = low.min(value);
                high = high.max(value);
            }
        };
        for (series_idx, series) in figure.series.iter().enumerate() {
            match &series.marks {
                Marks::Line(points) | Marks::Area(points) | Marks::Points(points) => {
                    points.iter().for_each(|&(x, y)| widen(if is_x { x } else { y }));
                    is_tight |= is_x && !matches!(series.marks, Marks::Points(_));
                }
                Marks::Boxes(boxes) => {
                    // Along x they stand at categories.
                    let ends = boxes.iter().filter(|_| !is_x).flat_map(|shown| [shown.low, shown.high]);
                    ends.for_each(&mut widen);
                }
                Marks::Histogram { .. } | Marks::Columns(_) | Marks::Bars(_) | Marks::Spans(_) => {
                    let along = matches!(series.marks, Marks::Bars(_)) != is_x;
                    for mark_idx in 0..series.marks.n_marks() {
                        if let Some((from, to)) = bar(figure, series_idx, mark_idx) {
                            [from, to].into_iter().for_each(|(x, y)| widen(if is_x { x } else { y }));
                        }
                    }
                    stands_on_zero |= !along;
                    is_tight |= along;
                }
            }
        }
        for guide in &figure.guides {
            [guide.from, guide.to].into_iter().for_each(|(x, y)| widen(if is_x { x } else { y }));
        }
    }
    if !low.is_finite() || !high.is_finite() || low > high {
        return if is_log { bounds(figure, is_x, false) } else { scale(0.0, 1.0, false) };
    }
    let raised =
        |low: f64, high: f64| if is_log { scale(low.exp(), high.exp(), true) } else { scale(low, high, false) };
    if low == high {
        // One value: it stands in the middle.
        let margin = if low == 0.0 || is_log { 1.0 } else { low.abs() * 0.5 };
        return raised(low - margin, high + margin);
    }
    if !(axis.fixed || is_tight) {
        let margin = (high - low) * 0.06;
        let from_zero = |bound: f64| stands_on_zero && bound == 0.0;
        low = if from_zero(low) { low } else { low - margin };
        high = if from_zero(high) { high } else { high + margin };
    }
    raised(low, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Axis, BoxMark, Series};

    fn figure(marks: Marks) -> Figure {
        let axis = Axis { label: "x".into(), range: None, fixed: false, categories: Vec::new() };
        Figure {
            id: "f".into(),
            title: "F".into(),
            summary: String::new(),
            x: axis.clone(),
            y: axis,
            series: vec![Series { name: "s".into(), color_idx: 0, marks, detail: None }],
            guides: Vec::new(),
            n_rows: 0,
            sampling: String::new(),
        }
    }

    fn layout(figure: &Figure) -> Layout {
        Layout::of(figure, 400.0, 240.0, false, [false; 2], &Theme::light(), &|text| text.chars().count() as f64 * 6.0)
    }

    #[test]
    fn a_box_is_pointed_at_where_it_is_and_an_outlier_beyond_it() {
        let mark = BoxMark { low: 2.0, q1: 4.0, median: 5.0, q3: 6.0, high: 8.0 };
        let mut figure = figure(Marks::Boxes(vec![mark, mark]));
        figure.x.categories = vec!["a".into(), "b".into()];
        let outlier = Marks::Points(vec![(1.0, 8.5)]);
        figure.series.push(Series { name: "outliers".into(), color_idx: 0, marks: outlier, detail: None });
        let layout = layout(&figure);
        let at =
            |x, y| layout.nearest(&figure, layout.x.px(x), layout.y.px(y)).map(|mark| (mark.series_idx, mark.mark_idx));
        assert_eq!(
            [at(0.0, 5.0), at(1.0, 2.0), at(1.0, 8.0), at(1.0, 8.4)],
            [(0, 0), (0, 1), (0, 1), (1, 0)].map(Some)
        );
        assert_eq!(at(0.5, 5.0), None, "between the boxes there is nothing");
        assert!(layout.y.low < 2.0 && layout.y.low > 0.0 && layout.y.high > 8.5, "{:?}", layout.y);
    }

    proptest! {
        #[test]
        fn every_point_is_its_own_nearest(points in prop::collection::vec((-1e3..1e3, -1e3..1e3), 1..40)) {
            let figure = figure(Marks::Points(points.clone()));
            let layout = layout(&figure);
            for mark_idx in 0..points.len() {
                let mark = layout.mark(&figure, 0, mark_idx).expect("every point is inside");
                let found = layout.nearest(&figure, mark.x_px, mark.y_px).expect("it is at distance zero");
                prop_assert!((found.x_px - mark.x_px).abs() < 1e-6 && (found.y_px - mark.y_px).abs() < 1e-6);
            }
        }

        #[test]
        fn pixels_and_values_are_inverse(value in -1e6..1e6) {
            let scale = Scale { low: -2e6, high: 3e6, from_px: 40.0, to_px: 700.0, is_log: false };
            prop_assert!((scale.value(scale.px(value)) - value).abs() < 1e-3);
        }

        #[test]
        fn they_are_on_a_logarithmic_axis_too(value in 1e-5..1e3) {
            let scale = Scale { low: 1e-6, high: 1e4, from_px: 200.0, to_px: 10.0, is_log: true };
            prop_assert!((scale.value(scale.px(value)) / value - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn equal_factors_are_equally_far_apart_and_what_has_no_logarithm_is_left_out() {
        let figure = figure(Marks::Points(vec![(0.001, 1.0), (0.1, 2.0), (10.0, 3.0), (0.0, 4.0), (-1.0, 5.0)]));
        let layout = Layout::of(&figure, 400.0, 240.0, false, [true, false], &Theme::light(), &|_| 20.0);
        let at = |mark_idx| layout.mark(&figure, 0, mark_idx).map(|mark| mark.x_px);
        let (low, middle, high) = (at(0).unwrap(), at(1).unwrap(), at(2).unwrap());
        assert!((middle - low - (high - middle)).abs() < 1e-9, "{low} {middle} {high}");
        assert_eq!((at(3), at(4)), (None, None));
        assert!(layout.x.is_log && !layout.y.is_log);
    }

    #[test]
    fn a_span_is_hit_inside_and_told_from_its_neighbour_on_the_same_row() {
        let figure = figure(Marks::Spans(vec![(0.0, 4.0, 0.0), (4.0, 9.0, 0.0), (1.0, 9.0, 1.0)]));
        let layout = layout(&figure);
        let hit = |x, y| layout.nearest(&figure, layout.x.px(x), layout.y.px(y)).map(|mark| mark.mark_idx);
        assert_eq!((hit(3.9, 0.0), hit(4.2, 0.0), hit(5.0, 1.0)), (Some(0), Some(1), Some(2)));
        assert!(layout.y.px(0.0) < layout.y.px(1.0), "rows go top down");
    }

    #[test]
    fn bars_are_hit_along_their_band_and_nothing_outside_is() {
        let figure = figure(Marks::Histogram { edges: vec![0.0, 1.0, 2.0], heights: vec![10.0, 1.0] });
        let layout = layout(&figure);
        let above_second = layout.nearest(&figure, layout.x.px(1.5), layout.plot.top + 1.0);
        assert_eq!(above_second.map(|mark| mark.mark_idx), Some(1));
        assert_eq!(layout.nearest(&figure, 0.0, 0.0), None);
        assert_eq!(layout.y.low, 0.0);
    }

    #[test]
    fn hostile_numbers_leave_a_usable_layout() {
        for marks in [
            Marks::Points(vec![(f64::NAN, f64::INFINITY)]),
            Marks::Line(Vec::new()),
            Marks::Columns(vec![f64::NEG_INFINITY]),
            Marks::Histogram { edges: vec![1.0], heights: vec![1.0, 2.0, 3.0] },
            Marks::Points(vec![(3.0, 3.0)]),
        ] {
            let layout = layout(&figure(marks));
            assert!(layout.x.low < layout.x.high && layout.y.low < layout.y.high);
        }
    }
}
