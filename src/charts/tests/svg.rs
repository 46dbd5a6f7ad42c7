//! Figures of every kind come out as well-formed pictures that hold all they should.

use charts::{Axis, BoxMark, Detail, Figure, Guide, Marks, Series, Theme, to_svg};

fn axis(label: &str) -> Axis {
    Axis { label: label.into(), range: None, fixed: false, categories: Vec::new() }
}

fn unit(label: &str) -> Axis {
    Axis { label: label.into(), range: Some((0.0, 1.0)), fixed: true, categories: Vec::new() }
}

fn series(name: &str, color_idx: u8, marks: Marks) -> Series {
    Series { name: name.into(), color_idx, marks, detail: None }
}

fn figure(id: &str, x: Axis, y: Axis, series: Vec<Series>) -> Figure {
    Figure {
        id: id.into(),
        title: format!("A figure: {id}"),
        summary: "What is to be seen".into(),
        x,
        y,
        series,
        guides: Vec::new(),
        n_rows: 2_113,
        sampling: String::new(),
    }
}

fn curve(power: f64) -> Vec<(f64, f64)> {
    (0..=100).map(|i| f64::from(i) / 100.0).map(|x| (x, x.powf(power))).collect()
}

fn gallery() -> Vec<Figure> {
    let mut roc = figure(
        "roc",
        unit("False positive rate"),
        unit("True positive rate"),
        vec![series("Decision forest", 0, Marks::Line(curve(0.25))), series("Logistic", 1, Marks::Area(curve(0.4)))],
    );
    roc.series[0].detail = Some(Detail { label: "threshold".into(), values: vec![0.5; 101] });
    roc.guides = vec![Guide { label: "chance".into(), from: (0.0, 0.0), to: (1.0, 1.0) }];
    let names = ["contract", "tenure", "monthly charges", "a name that is far too long to be shown in full"];
    let mut residuals = figure(
        "residuals",
        axis("Predicted"),
        axis("Residual"),
        vec![series(
            "test",
            0,
            Marks::Points(
                (0..300).map(|i| f64::from(i * 7919 % 997)).map(|i| (i * 321.0, (i * 12.9898).sin() * 4e4)).collect(),
            ),
        )],
    );
    residuals.guides = vec![Guide { label: "zero".into(), from: (0.0, 0.0), to: (320_000.0, 0.0) }];
    vec![
        roc,
        residuals,
        figure(
            "histogram",
            axis("tenure"),
            axis("Rows"),
            vec![series(
                "rows",
                1,
                Marks::Histogram {
                    edges: (0..=18).map(|i| f64::from(i) * 4.0).collect(),
                    heights: (0..18).map(|i| 620.0 / (1.0 + f64::from(i)) + f64::from(i * i)).collect(),
                },
            )],
        ),
        figure(
            "importances",
            axis("Importance"),
            Axis { categories: names.map(Into::into).to_vec(), ..axis("Feature") },
            vec![series("importance", 2, Marks::Bars(vec![0.31, 0.22, 0.17, 0.04]))],
        ),
        figure(
            "columns",
            Axis { categories: vec!["Cluster 0".into(), "Cluster 1".into(), "Cluster 2".into()], ..axis("") },
            axis("Rows"),
            vec![
                series("train", 0, Marks::Columns(vec![50.0, 62.0, 38.0])),
                series("test", 1, Marks::Columns(vec![20.0, -12.0, 18.0])),
            ],
        ),
        figure(
            "timeline",
            axis("seconds"),
            Axis { categories: vec!["worker 1".into(), "worker 2".into()], ..axis("") },
            vec![series("done", 2, Marks::Spans(vec![(0.0, 2.5, 0.0), (2.5, 4.0, 0.0), (0.1, 3.0, 1.0)]))],
        ),
        figure(
            "boxes",
            Axis { categories: vec!["gini, n = 12".into(), "entropy, n = 9".into()], ..axis("Impurity") },
            axis("AUC"),
            vec![
                series(
                    "runs",
                    0,
                    Marks::Boxes(vec![
                        BoxMark { low: 0.71, q1: 0.78, median: 0.8, q3: 0.83, high: 0.88 },
                        BoxMark { low: 0.74, q1: 0.75, median: 0.79, q3: 0.81, high: 0.81 },
                    ]),
                ),
                series("outliers", 0, Marks::Points(vec![(0.0, 0.62), (1.0, 0.93)])),
            ],
        ),
    ]
}

#[test]
fn pictures_are_well_formed_and_hold_every_series() {
    for figure in gallery() {
        let svg = to_svg(&figure, 480.0, 300.0, &Theme::light());
        // To look at them: CHARTS_OUT=folder cargo test -p charts
        if let Ok(folder) = std::env::var("CHARTS_OUT") {
            std::fs::write(format!("{folder}/{}.svg", figure.id), &svg).expect("the folder can be written");
        }
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && !svg.contains("NaN") && !svg.contains("<!--"));
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        for series in &figure.series {
            assert!(svg.contains(&format!(">{}</text>", series.name)), "{} lacks {}", figure.id, series.name);
        }
    }
}

#[test]
fn names_cannot_break_out_of_the_picture() {
    let mut hostile = figure("x", axis("<b>"), axis("&"), vec![series("</text><script>", 0, Marks::Line(curve(1.0)))]);
    hostile.title = "\"><script>".into();
    let svg = to_svg(&hostile, 300.0, 200.0, &Theme::light());
    assert!(!svg.contains("<script") && !svg.contains("<b>"));
}

#[test]
fn odd_sizes_and_numbers_do_not_panic() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, 1e308, -1e308, 5e-324];
    for &a in &odd {
        for &b in &odd {
            for marks in [
                Marks::Line(vec![(a, b), (b, a)]),
                Marks::Area(vec![(a, b), (1.0, 1.0)]),
                Marks::Points(vec![(a, b)]),
                Marks::Columns(vec![a, b]),
                Marks::Bars(vec![a, b]),
                Marks::Spans(vec![(a, b, a), (0.0, 1.0, b)]),
                Marks::Boxes(vec![BoxMark { low: a, q1: a, median: b, q3: b, high: 1.0 }]),
                Marks::Histogram { edges: vec![a, b, 1.0], heights: vec![a, b] },
            ] {
                let figure = figure("odd", axis("x"), axis("y"), vec![series("s", 255, marks)]);
                for size in [0.0, 1.0, 50.0, 900.0] {
                    let _ = to_svg(&figure, size, size, &Theme::light());
                }
            }
        }
    }
}
