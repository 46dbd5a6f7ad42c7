//! A figure as a table: exactly the plotted numbers.

use crate::{BoxMark, Figure, Marks};

/// The table form of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureTable {
    /// Heads of the columns.
    pub heads: Vec<String>,
    /// One per mark, series after series.
    pub rows: Vec<FigureRow>,
}

/// One mark.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureRow {
    /// Of which series.
    pub series_idx: usize,
    /// Its position within the series.
    pub mark_idx: usize,
    /// As many as there are heads.
    pub cells: Vec<FigureCell>,
}

/// One value of a mark.
#[derive(Clone, Debug, PartialEq)]
pub enum FigureCell {
    /// The mark has no such value.
    Empty,
    /// A name.
    Text(String),
    /// A number, as it is plotted.
    Number(f64),
}

/// Heads of the columns that only boxes fill.
const BOX_HEADS: [&str; 5] = ["Lower whisker", "Lower quartile", "Median", "Upper quartile", "Upper whisker"];

impl Marks {
    /// What stands under [`BOX_HEADS`].
    fn box_cells(&self, mark_idx: usize) -> [FigureCell; 5] {
        match self {
            Self::Boxes(boxes) => match boxes.get(mark_idx) {
                Some(&BoxMark { low, q1, median, q3, high }) => [low, q1, median, q3, high].map(FigureCell::Number),
                None => std::array::from_fn(|_| FigureCell::Empty),
            },
            Self::Line(_)
            | Self::Area(_)
            | Self::Points(_)
            | Self::Histogram { .. }
            | Self::Columns(_)
            | Self::Bars(_)
            | Self::Spans(_) => std::array::from_fn(|_| FigureCell::Empty),
        }
    }

    /// How many there are, breaks of lines among them.
    pub fn n_marks(&self) -> usize {
        match self {
            Self::Line(points) | Self::Area(points) | Self::Points(points) => points.len(),
            Self::Histogram { edges, heights } => heights.len().min(edges.len().saturating_sub(1)),
            Self::Columns(values) | Self::Bars(values) => values.len(),
            Self::Spans(spans) => spans.len(),
            Self::Boxes(boxes) => boxes.len(),
        }
    }
}

impl Figure {
    /// Every mark with its numbers.
    pub fn rows(&self) -> FigureTable {
        let has_bins =
            self.series.iter().any(|series| matches!(series.marks, Marks::Histogram { .. } | Marks::Spans(_)));
        let mut details: Vec<&str> = Vec::new();
        for detail in self.series.iter().filter_map(|series| series.detail.as_ref()) {
            if !details.contains(&detail.label.as_str()) {
                details.push(&detail.label);
            }
        }
        let x_head = if self.x.label.is_empty() { "x" } else { &self.x.label };
        let y_head = if self.y.label.is_empty() { "y" } else { &self.y.label };
        let mut heads = vec!["Series".to_owned()];
        if has_bins {
            heads.push(format!("{x_head}, from"));
            heads.push(format!("{x_head}, to"));
        } else {
            heads.push(x_head.to_owned());
        }
        heads.push(y_head.to_owned());
        heads.extend(details.iter().map(|&label| label.to_owned()));
        let has_boxes = self.series.iter().any(|series| matches!(series.marks, Marks::Boxes(_)));
        if has_boxes {
            heads.extend(BOX_HEADS.map(str::to_owned));
        }
        let mut rows = Vec::new();
        for (series_idx, series) in self.series.iter().enumerate() {
            for mark_idx in 0..series.marks.n_marks() {
                if matches!(&series.marks, Marks::Line(points) if points[mark_idx].0.is_nan()) {
                    continue;
                }
                let mut cells = vec![FigureCell::Text(series.name.clone())];
                cells.extend(self.mark_cells(series_idx, mark_idx, has_bins));
                cells.extend(details.iter().map(|&label| {
                    let value = series.detail.as_ref().filter(|detail| detail.label == label);
                    match value.and_then(|detail| detail.values.get(mark_idx)) {
                        Some(&value) => FigureCell::Number(value),
                        None => FigureCell::Empty,
                    }
                }));
                if has_boxes {
                    cells.extend(series.marks.box_cells(mark_idx));
                }
                rows.push(FigureRow { series_idx, mark_idx, cells });
            }
        }
        FigureTable { heads, rows }
    }

    /// What there is to say about one mark: label and value, ready to be read.
    pub fn words(&self, series_idx: usize, mark_idx: usize) -> Vec<(String, String)> {
        let Some(series) = self.series.get(series_idx) else {
            return Vec::new();
        };
        let is_binned = matches!(series.marks, Marks::Histogram { .. } | Marks::Spans(_));
        let mut words = Vec::new();
        if let Some(detail) = &series.detail
            && let Some(&value) = detail.values.get(mark_idx)
        {
            words.push((detail.label.clone(), crate::number(value)));
        }
        if let Marks::Boxes(boxes) = &series.marks {
            let Some(shown) = boxes.get(mark_idx) else { return Vec::new() };
            let range = |from: f64, to: f64| format!("{} to {}", crate::number(from), crate::number(to));
            let group = self.x.categories.get(mark_idx).cloned().unwrap_or_default();
            words.insert(0, (self.x.label.clone(), group));
            words.push(("Median".into(), crate::number(shown.median)));
            words.push(("Quartiles".into(), range(shown.q1, shown.q3)));
            words.push(("Whiskers".into(), range(shown.low, shown.high)));
            return words;
        }
        let shown: Vec<String> = self
            .mark_cells(series_idx, mark_idx, is_binned)
            .into_iter()
            .map(|cell| match cell {
                FigureCell::Empty => String::new(),
                FigureCell::Text(text) => text,
                FigureCell::Number(value) => crate::number(value),
            })
            .collect();
        match shown.as_slice() {
            [from, to, height] => {
                words.push((self.x.label.clone(), format!("{from} to {to}")));
                words.push((self.y.label.clone(), height.clone()));
            }
            [x, y] => {
                words.push((self.x.label.clone(), x.clone()));
                words.push((self.y.label.clone(), y.clone()));
            }
            _ => {}
        }
        words
    }

    fn mark_cells(&self, series_idx: usize, mark_idx: usize, has_bins: bool) -> Vec<FigureCell> {
        let place = |categories: &[String], position: f64| match categories.get(position.max(0.0) as usize) {
            Some(name) if position >= 0.0 && position.fract() == 0.0 => FigureCell::Text(name.clone()),
            _ => FigureCell::Number(position),
        };
        let (from, to, y) = match self.series.get(series_idx).map(|series| &series.marks) {
            Some(Marks::Line(points) | Marks::Area(points) | Marks::Points(points)) => match points.get(mark_idx) {
                Some(&(x, y)) => (place(&self.x.categories, x), FigureCell::Empty, place(&self.y.categories, y)),
                None => return Vec::new(),
            },
            Some(Marks::Histogram { edges, heights }) => {
                match (edges.get(mark_idx), edges.get(mark_idx + 1), heights.get(mark_idx)) {
                    (Some(&from), Some(&to), Some(&height)) => {
                        (FigureCell::Number(from), FigureCell::Number(to), FigureCell::Number(height))
                    }
                    _ => return Vec::new(),
                }
            }
            Some(Marks::Columns(values)) => match values.get(mark_idx) {
                Some(&value) => {
                    (place(&self.x.categories, mark_idx as f64), FigureCell::Empty, FigureCell::Number(value))
                }
                None => return Vec::new(),
            },
            Some(Marks::Bars(values)) => match values.get(mark_idx) {
                Some(&value) => {
                    (FigureCell::Number(value), FigureCell::Empty, place(&self.y.categories, mark_idx as f64))
                }
                None => return Vec::new(),
            },
            Some(Marks::Spans(spans)) => match spans.get(mark_idx) {
                Some(&(from, to, y)) => {
                    (FigureCell::Number(from), FigureCell::Number(to), place(&self.y.categories, y))
                }
                None => return Vec::new(),
            },
            // The rest of it is in columns of its own.
            Some(Marks::Boxes(_)) => (place(&self.x.categories, mark_idx as f64), FigureCell::Empty, FigureCell::Empty),
            None => return Vec::new(),
        };
        if has_bins { vec![from, to, y] } else { vec![from, y] }
    }
}

impl FigureTable {
    /// As CSV, quoted where needed, numbers with as many digits as bring back the same value.
    pub fn to_csv(&self) -> String {
        let quoted = |text: &str| {
            if text.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text.to_owned()
            }
        };
        let mut csv = self.heads.iter().map(|head| quoted(head)).collect::<Vec<_>>().join(",");
        csv.push_str("\r\n");
        for row in &self.rows {
            let cells: Vec<String> = row
                .cells
                .iter()
                .map(|cell| match cell {
                    FigureCell::Empty => String::new(),
                    FigureCell::Text(text) => quoted(text),
                    FigureCell::Number(value) => value.to_string(),
                })
                .collect();
            csv.push_str(&cells.join(","));
            csv.push_str("\r\n");
        }
        csv
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Axis, Detail, Series};

    fn axis(label: &str) -> Axis {
        Axis { label: label.into(), range: None, fixed: false, categories: Vec::new() }
    }

    fn marks() -> impl Strategy<Value = Marks> {
        let points = || prop::collection::vec((-1e6..1e6, -1e6..1e6), 0..20);
        prop_oneof![
            points().prop_map(Marks::Line),
            points().prop_map(Marks::Area),
            points().prop_map(Marks::Points),
            prop::collection::vec((-1e6..1e6, -1e6..1e6, -1e6..1e6), 0..20).prop_map(Marks::Spans),
            prop::collection::vec(prop::array::uniform5(-1e6..1e6), 0..20).prop_map(|boxes| {
                let boxes = boxes.into_iter().map(|[low, q1, median, q3, high]| BoxMark { low, q1, median, q3, high });
                Marks::Boxes(boxes.collect())
            }),
            prop::collection::vec(-1e6..1e6, 0..20).prop_map(Marks::Columns),
            prop::collection::vec(-1e6..1e6, 0..20).prop_map(Marks::Bars),
            prop::collection::vec(0.0..1e6, 0..20).prop_map(|heights| Marks::Histogram {
                edges: (0..=heights.len()).map(|edge| edge as f64 * 0.5).collect(),
                heights,
            }),
        ]
    }

    fn value(cell: &FigureCell) -> f64 {
        match cell {
            FigureCell::Number(value) => *value,
            FigureCell::Empty | FigureCell::Text(_) => f64::NAN,
        }
    }

    /// The marks of one series, out of nothing but its rows.
    fn read_back(like: &Marks, rows: &[&FigureRow], has_bins: bool) -> Marks {
        let y_at = if has_bins { 3 } else { 2 };
        let points = || rows.iter().map(|row| (value(&row.cells[1]), value(&row.cells[y_at]))).collect();
        match like {
            Marks::Line(_) => Marks::Line(points()),
            Marks::Area(_) => Marks::Area(points()),
            Marks::Points(_) => Marks::Points(points()),
            Marks::Spans(_) => Marks::Spans(
                rows.iter().map(|row| (value(&row.cells[1]), value(&row.cells[2]), value(&row.cells[3]))).collect(),
            ),
            Marks::Boxes(_) => Marks::Boxes(
                rows.iter()
                    .map(|row| match row.cells.as_slice() {
                        [.., low, q1, median, q3, high] => BoxMark {
                            low: value(low),
                            q1: value(q1),
                            median: value(median),
                            q3: value(q3),
                            high: value(high),
                        },
                        _ => panic!("{row:?} has too few cells"),
                    })
                    .collect(),
            ),
            Marks::Columns(_) => Marks::Columns(rows.iter().map(|row| value(&row.cells[y_at])).collect()),
            Marks::Bars(_) => Marks::Bars(rows.iter().map(|row| value(&row.cells[1])).collect()),
            Marks::Histogram { .. } => Marks::Histogram {
                edges: rows
                    .iter()
                    .map(|row| value(&row.cells[1]))
                    .chain([rows.last().map_or(0.0, |row| value(&row.cells[2]))])
                    .collect(),
                heights: rows.iter().map(|row| value(&row.cells[y_at])).collect(),
            },
        }
    }

    proptest! {
        #[test]
        fn the_table_holds_exactly_the_marks(all in prop::collection::vec(marks(), 0..4)) {
            let series = all
                .iter()
                .enumerate()
                .map(|(idx, marks)| Series {
                    name: format!("s{idx}"),
                    color_idx: 0,
                    marks: marks.clone(),
                    detail: (idx == 0).then(|| Detail {
                        label: "threshold".into(),
                        values: (0..marks.n_marks()).map(|mark| mark as f64).collect(),
                    }),
                })
                .collect();
            let figure = Figure {
                id: "any".into(),
                title: "Any".into(),
                summary: String::new(),
                x: axis("x"),
                y: axis("y"),
                series,
                guides: Vec::new(),
                n_rows: 0,
                sampling: String::new(),
            };
            let table = figure.rows();
            let has_bins = all.iter().any(|marks| matches!(marks, Marks::Histogram { .. } | Marks::Spans(_)));
            for (series_idx, marks) in all.iter().enumerate() {
                let rows: Vec<&FigureRow> = table.rows.iter().filter(|row| row.series_idx == series_idx).collect();
                prop_assert_eq!(&read_back(marks, &rows, has_bins), marks);
            }
            for row in &table.rows {
                prop_assert_eq!(row.cells.len(), table.heads.len());
            }
        }
    }

    #[test]
    fn what_breaks_a_line_is_no_row() {
        let broken = vec![(0.0, 1.0), (1.0, 2.0), (f64::NAN, f64::NAN), (0.0, 3.0)];
        let figure = Figure {
            id: "any".into(),
            title: "Any".into(),
            summary: String::new(),
            x: axis("x"),
            y: axis("y"),
            series: vec![Series { name: "s".into(), color_idx: 0, marks: Marks::Line(broken), detail: None }],
            guides: Vec::new(),
            n_rows: 0,
            sampling: String::new(),
        };
        assert_eq!(figure.rows().to_csv(), "Series,x,y\r\ns,0,1\r\ns,1,2\r\ns,0,3\r\n");
    }

    #[test]
    fn csv_quotes_what_it_must() {
        let table = FigureTable {
            heads: vec!["a,b".into(), "c".into()],
            rows: vec![FigureRow {
                series_idx: 0,
                mark_idx: 0,
                cells: vec![FigureCell::Text("say \"x\"".into()), FigureCell::Number(0.1)],
            }],
        };
        assert_eq!(table.to_csv(), "\"a,b\",c\r\n\"say \"\"x\"\"\",0.1\r\n");
    }
}
