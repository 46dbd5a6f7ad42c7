//! Curves and matrices in files. The forms here are a run's own, so that the protocol may change without them.

use charts::{Axis, BoxMark, Detail, Figure, Guide, Marks, Series};
use protocol::Confusion;
use serde_json::Value as Json;

use crate::json::{Part, Wrong, choice, list, number, object};

/// What a run keeps to be laid over that of other runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// A chart.
    Figure(Box<Figure>),
    /// Actual against predicted classes.
    Confusion(Confusion),
}

pub(crate) fn write_shown(shown: &Shown) -> Json {
    match shown {
        Shown::Confusion(confusion) => choice(
            "confusion",
            object(vec![
                ("series", confusion.series.as_str().into()),
                ("classes", list(&confusion.classes, |class| class.as_str().into())),
                ("counts", list(&confusion.counts, |count| (*count).into())),
            ]),
        ),
        Shown::Figure(figure) => choice(
            "figure",
            object(vec![
                ("id", figure.id.as_str().into()),
                ("title", figure.title.as_str().into()),
                ("summary", figure.summary.as_str().into()),
                ("x", axis(&figure.x)),
                ("y", axis(&figure.y)),
                ("series", list(&figure.series, series)),
                ("guides", list(&figure.guides, guide)),
                ("n_rows", figure.n_rows.into()),
                ("sampling", figure.sampling.as_str().into()),
            ]),
        ),
    }
}

fn axis(axis: &Axis) -> Json {
    object(vec![
        ("label", axis.label.as_str().into()),
        ("range", axis.range.as_ref().map_or(Json::Null, point)),
        ("fixed", axis.fixed.into()),
        ("categories", list(&axis.categories, |name| name.as_str().into())),
    ])
}

fn series(series: &Series) -> Json {
    let marks = match &series.marks {
        Marks::Line(points) => choice("line", list(points, point)),
        Marks::Area(points) => choice("area", list(points, point)),
        Marks::Points(points) => choice("points", list(points, point)),
        Marks::Histogram { edges, heights } => {
            choice("histogram", object(vec![("edges", numbers(edges)), ("heights", numbers(heights))]))
        }
        Marks::Columns(heights) => choice("columns", numbers(heights)),
        Marks::Bars(lengths) => choice("bars", numbers(lengths)),
        Marks::Boxes(boxes) => {
            choice("boxes", list(boxes, |&BoxMark { low, q1, median, q3, high }| numbers(&[low, q1, median, q3, high])))
        }
        Marks::Spans(spans) => choice("spans", list(spans, |&(from, to, at)| numbers(&[from, to, at]))),
    };
    let detail = series
        .detail
        .as_ref()
        .map(|detail| object(vec![("label", detail.label.as_str().into()), ("values", numbers(&detail.values))]));
    object(vec![
        ("name", series.name.as_str().into()),
        ("color", series.color_idx.into()),
        ("marks", marks),
        ("detail", detail.unwrap_or_default()),
    ])
}

fn guide(guide: &Guide) -> Json {
    object(vec![("label", guide.label.as_str().into()), ("from", point(&guide.from)), ("to", point(&guide.to))])
}

fn point(point: &(f64, f64)) -> Json {
    Json::Array(vec![number(point.0), number(point.1)])
}

pub(crate) fn numbers(numbers: &[f64]) -> Json {
    list(numbers, |x| number(*x))
}

/// What is shown; none if it is of a later version.
pub(crate) fn read_shown(json: &Json) -> Option<Shown> {
    let top = Part::top(json);
    let (what, part) = top.choice().ok()?;
    match what {
        "figure" => read_figure(&part).map(|figure| Shown::Figure(Box::new(figure))).ok(),
        "confusion" => read_confusion(&part).map(Shown::Confusion).ok(),
        _ => None,
    }
}

fn read_confusion(part: &Part<'_>) -> Result<Confusion, Wrong> {
    Ok(Confusion {
        series: part.at("series").text()?,
        classes: part.at("classes").texts()?,
        counts: part.at("counts").wholes()?,
    })
}

fn read_figure(part: &Part<'_>) -> Result<Figure, Wrong> {
    Ok(Figure {
        id: part.at("id").text()?,
        title: part.at("title").text()?,
        summary: part.at("summary").text()?,
        x: read_axis(&part.at("x"))?,
        y: read_axis(&part.at("y"))?,
        series: part.at("series").list(read_series)?,
        guides: part.at("guides").list(|guide| {
            let (from, to) = (read_point(&guide.at("from"))?, read_point(&guide.at("to"))?);
            Ok(Guide { label: guide.at("label").text()?, from, to })
        })?,
        n_rows: part.at("n_rows").whole()?,
        sampling: part.at("sampling").text()?,
    })
}

fn read_axis(part: &Part<'_>) -> Result<Axis, Wrong> {
    Ok(Axis {
        label: part.at("label").text()?,
        range: part.at("range").there().map(|range| read_point(&range)).transpose()?,
        fixed: part.at("fixed").truth()?,
        categories: part.at("categories").texts()?,
    })
}

fn read_series(part: &Part<'_>) -> Result<Series, Wrong> {
    let marks = part.needed("marks")?;
    let (kind, held) = marks.choice()?;
    let points = || held.list(read_point);
    let marks = match kind {
        "line" => Marks::Line(points()?),
        "area" => Marks::Area(points()?),
        "points" => Marks::Points(points()?),
        "histogram" => {
            Marks::Histogram { edges: read_numbers(&held.at("edges"))?, heights: read_numbers(&held.at("heights"))? }
        }
        "columns" => Marks::Columns(read_numbers(&held)?),
        "bars" => Marks::Bars(read_numbers(&held)?),
        "spans" => Marks::Spans(held.list(|span| match read_numbers(span)?.as_slice() {
            [from, to, at] => Ok((*from, *to, *at)),
            _ => Err(span.expected("three numbers")),
        })?),
        "boxes" => Marks::Boxes(held.list(|shown| match read_numbers(shown)?.as_slice() {
            [low, q1, median, q3, high] => Ok(BoxMark { low: *low, q1: *q1, median: *median, q3: *q3, high: *high }),
            _ => Err(shown.expected("five numbers")),
        })?),
        _ => return Err(marks.expected("line, area, points, histogram, columns, bars, spans or boxes")),
    };
    let read_detail = |detail: Part<'_>| -> Result<Detail, Wrong> {
        Ok(Detail { label: detail.at("label").text()?, values: read_numbers(&detail.at("values"))? })
    };
    Ok(Series {
        name: part.at("name").text()?,
        color_idx: part.at("color").whole()? as u8,
        marks,
        detail: part.at("detail").there().map(read_detail).transpose()?,
    })
}

fn read_point(part: &Part<'_>) -> Result<(f64, f64), Wrong> {
    match read_numbers(part)?.as_slice() {
        [x, y] => Ok((*x, *y)),
        _ => Err(part.expected("two numbers")),
    }
}

pub(crate) fn read_numbers(part: &Part<'_>) -> Result<Vec<f64>, Wrong> {
    part.list(|part| part.number())
}
