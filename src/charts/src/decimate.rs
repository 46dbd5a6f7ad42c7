//! Lines with more points than pixels: what is kept so that they look the same.

/// Lines up to this long are drawn as they are.
pub const DECIMATED_FROM: usize = 5_000;

/// Whether the figure is drawn from fewer points than it has.
pub fn is_decimated(figure: &crate::Figure) -> bool {
    figure.series.iter().any(|series| match &series.marks {
        crate::Marks::Line(points) | crate::Marks::Area(points) => is_reduced(points),
        crate::Marks::Points(_)
        | crate::Marks::Histogram { .. }
        | crate::Marks::Columns(_)
        | crate::Marks::Bars(_)
        | crate::Marks::Spans(_)
        | crate::Marks::Boxes(_) => false,
    })
}

fn is_reduced(points: &[(f64, f64)]) -> bool {
    points.len() > DECIMATED_FROM && points.windows(2).all(|pair| pair[0].0 <= pair[1].0)
}

/// Keeps, for each column of pixels, the first, lowest, highest and last point, so that no spike is lost.
/// Lines that run backwards, or are broken, are kept whole.
pub(crate) fn decimate(points: &[(f64, f64)], low: f64, high: f64, n_columns: usize) -> Vec<(f64, f64)> {
    if n_columns == 0 || high <= low || !is_reduced(points) {
        return points.to_vec();
    }
    let column_of = |x: f64| ((x - low) / (high - low) * n_columns as f64).floor();
    let mut kept = Vec::with_capacity(4 * n_columns);
    let mut first = 0;
    while first < points.len() {
        let column = column_of(points[first].0);
        let mut end = first + 1;
        let (mut lowest, mut highest) = (first, first);
        while end < points.len() && column_of(points[end].0) == column {
            if points[end].1 < points[lowest].1 {
                lowest = end;
            }
            if points[end].1 > points[highest].1 {
                highest = end;
            }
            end += 1;
        }
        let mut picked = [first, lowest, highest, end - 1];
        picked.sort_unstable();
        for (at, &point_idx) in picked.iter().enumerate() {
            if at == 0 || picked[at - 1] != point_idx {
                kept.push(points[point_idx]);
            }
        }
        first = end;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_survives() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|i| (f64::from(i), (f64::from(i) * 0.01).sin())).collect();
        points[77_777].1 = 9.0;
        let kept = decimate(&points, 0.0, 100_000.0, 500);
        assert!(kept.len() <= 2_004, "{}", kept.len());
        assert!(kept.contains(&(77_777.0, 9.0)));
        assert_eq!((kept.first(), kept.last()), (points.first(), points.last()));
        assert!(kept.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }

    #[test]
    fn short_lines_are_kept_whole() {
        let points: Vec<(f64, f64)> = (0..5_000).map(|i| (f64::from(i), 0.0)).collect();
        assert_eq!(decimate(&points, 0.0, 5_000.0, 10), points);
    }
}
