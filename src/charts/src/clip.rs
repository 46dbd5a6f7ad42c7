//! Cuts lines to the plot, since no backend of plotters clips.

use crate::layout::Scale;

type Point = (f64, f64);

/// The runs of a line that lie inside, cut at the border. Points that are no numbers break the line.
pub(crate) fn runs(points: &[Point], x: &Scale, y: &Scale) -> Vec<Vec<Point>> {
    let mut runs: Vec<Vec<Point>> = Vec::new();
    let mut open = false;
    for pair in points.windows(2) {
        match segment(pair[0], pair[1], x, y) {
            Some((from, to)) => {
                if !open || runs.last().and_then(|run| run.last()) != Some(&from) {
                    runs.push(vec![from]);
                }
                if let Some(run) = runs.last_mut() {
                    run.push(to);
                }
                open = to == pair[1];
            }
            None => open = false,
        }
    }
    runs
}

/// Liang and Barsky's cut of a segment at a rectangle.
pub(crate) fn segment(from: Point, to: Point, x: &Scale, y: &Scale) -> Option<(Point, Point)> {
    if ![from.0, from.1, to.0, to.1].iter().all(|value| value.is_finite()) {
        return None;
    }
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (step, distance) in [(-dx, from.0 - x.low), (dx, x.high - from.0), (-dy, from.1 - y.low), (dy, y.high - from.1)]
    {
        if step == 0.0 {
            if distance < 0.0 {
                return None;
            }
        } else if step < 0.0 {
            enter = enter.max(distance / step);
        } else {
            leave = leave.min(distance / step);
        }
    }
    if enter > leave {
        return None;
    }
    // The ends themselves where nothing is cut, to the last bit.
    let at = |t: f64| (from.0 + t * dx, from.1 + t * dy);
    Some((if enter == 0.0 { from } else { at(enter) }, if leave == 1.0 { to } else { at(leave) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_the_border_and_broken_at_gaps() {
        let unit = Scale { low: 0.0, high: 1.0, from_px: 0.0, to_px: 100.0, is_log: false };
        let line = [(-1.0, 0.5), (1.0, 0.5), (0.5, f64::NAN), (0.2, 0.2), (0.4, 0.4), (0.4, 2.0)];
        assert_eq!(
            runs(&line, &unit, &unit),
            vec![vec![(0.0, 0.5), (1.0, 0.5)], vec![(0.2, 0.2), (0.4, 0.4), (0.4, 1.0)]]
        );
    }
}
