//! How predictions change with one column: partial dependence (Friedman, "Greedy function approximation", 2001) and the
//! curves of single rows behind it (Goldstein et al., "Peeking inside the black box", 2015).

use std::sync::Arc;

use charts::{Figure, Marks, Series};
use engine::{Component, Flow, FlowError, In, Job, JobError, Out, Param, Running};
use model::{Model, NewColumn, NewValues, Target, Values};
use numeric::Stream;
use pipeline::{Family, Spec};
use protocol::{Face, Failure, Panel};
use schema::{Column, Kind, Schema};
use table::Table;

use super::feature_contributions::chosen_class;
use super::figures::{axis, brief, by_size, category_axis, digits, figure};
use super::folds::{Stretch, Stretched};
use crate::score::score_model::predict;
use crate::{failures, memory, train};

const KINDS: &[Kind] = &[Kind::Number, Kind::Integer, Kind::Boolean, Kind::Category];
/// Curves of classes beyond this many cannot be told apart.
const MAX_CLASSES: usize = 10;

const MODEL: In<Arc<Model>> = In::new("model");
const TABLE: In<Table> = In::new("table");
const DEPENDENCE: Out<Table> = Out::new("dependence");
const CURVES: Out<Table> = Out::new("curves");
const COLUMN: Param<Option<String>> = Param::column("column", "table", KINDS, true)
    .label("Column")
    .help("Which column is varied. Left open, the one that counts most for the model, if it says so, else its first.");
const GRID: Param<String> =
    Param::choice("grid", &[("quantiles", "Quantiles"), ("even", "Even distances")], "quantiles")
        .label("Values to try")
        .help("Quantiles are dense where rows are; even distances draw a smooth line through places with few rows, too. Of a column with fewer values, all are tried.");
const N_VALUES: Param<u32> = Param::int("n_values", 40)
    .range(2, 1_000)
    .label("Number of values")
    .help("Each one more predicts all rows once more. Of more categories, the most frequent are tried.");
const FROM: Param<f64> = Param::float("from_quantile", 0.05).range(0.0, 1.0).label("From quantile").help(
    "The model knows little beyond the outermost rows, and its curve means little there. 0 begins at the smallest.",
);
const TO: Param<f64> =
    Param::float("to_quantile", 0.95).range(0.0, 1.0).label("To quantile").help("1 ends at the largest value.");
const CLASS: Param<String> = Param::text("class", "").label("Class").help(
    "Whose probability is shown. Left open, that of the second of two classes, and of more all. Counts where classes are \
     predicted.",
);
const N_ROWS: Param<u32> = Param::int("n_rows", 1_000)
    .range(1, 1_000_000)
    .label("Rows to average at most")
    .help("Of more rows so many are drawn by chance. More take longer and change little.");
const N_CURVES: Param<u32> = Param::int("n_curves", 30)
    .range(0, 500)
    .label("Curves of single rows")
    .help("So many rows are drawn by chance and have their own curve. Where these cross, the average hides something.");
const SEED: Param<u64> = Param::seed("seed", 42).label("Random seed").help("Another number draws other rows.");

/// Partial Dependence.
pub struct PartialDependence;

impl Component for PartialDependence {
    fn spec(&self) -> Spec {
        Spec::new("evaluate.partial-dependence", 1, Family::Evaluate, "Partial Dependence")
            .with_summary("Draws how predictions change with one column, on average and for single rows.")
            .with_help(
                "Gives *every* row the same value of one column, lets the model predict them, and takes the mean; then \
                 the next value: `PD(v) = mean of model(row with the column set to v)`. The curve is what the model \
                 makes of the column, everything else being as it is in the rows.\n\n\
                 - `dependence`: each value and the mean prediction: the number, or the probability of the class\n\
                 - `curves`: the predictions of single rows, numbered from 1 (ICE: individual conditional expectation)\n\n\
                 A flat curve: the column does not matter, or its effects cancel out. Single rows show which: if their \
                 curves are parallel, the column works alike in all rows; if they cross, it works together with \
                 another.\n\n\
                 Mind columns that go together. Setting one alone makes rows that cannot be (150 cm and 120 kg), and the \
                 model is asked what it never learned. The ends of the curve rest on few rows. And it shows what the \
                 model does, not what would happen if somebody changed the column in the world.",
            )
            .with_keywords("pdp ice partial dependence plot individual conditional expectation explain effect interpret")
            .with_icon("chart-spline")
            .with_caption("{column} · {n_values} values")
            .with_input(MODEL)
            .with_input(TABLE)
            .with_output(DEPENDENCE)
            .with_output(CURVES)
            .with_param(COLUMN)
            .with_param(GRID)
            .with_param(N_VALUES)
            .with_param(FROM)
            .with_param(TO)
            .with_param(CLASS)
            .with_param(N_ROWS)
            .with_param(N_CURVES)
            .with_param(SEED)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        if let (Some(from), Some(to)) = (flow.param(FROM), flow.param(TO)) {
            check_quantiles(from, to)?;
        }
        let (Some(schema), Some(Some(name))) = (flow.input(TABLE), flow.param(COLUMN)) else { return Ok(()) };
        let column = schema.column(&name).map_err(|error| failures::column_not_found(COLUMN.name(), &error))?;
        let curves = Schema::new(curve_columns(column));
        flow.output(CURVES, curves);
        Ok(())
    }

    fn memory(&self, job: &Job<'_>) -> u64 {
        let (Some(model), Some(table)) = (job.optional_input(MODEL), job.optional_input(TABLE)) else { return 0 };
        let n_rows = table.n_rows().min(job.param(N_ROWS).unwrap_or_default() as usize);
        let n_curves = n_rows.min(job.param(N_CURVES).unwrap_or_default() as usize);
        let n_values = job.param(N_VALUES).unwrap_or_default() as usize;
        let of_rows = table.n_bytes() / table.n_rows().max(1) as u64 * n_rows as u64;
        // The column is sorted whole; each row's curve has a number, a value and a prediction.
        let drawn = memory::columns(table.n_rows(), 2) + memory::columns(n_curves * n_values, 6);
        of_rows + memory::scoring(n_rows, model.target.n_classes()) + drawn
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let (model, table) = (job.input(MODEL)?, job.input(TABLE)?);
            let column_idx = column(job, &model, &table)?;
            let column = table.schema().columns[column_idx].clone();
            let class = chosen_class(&model, job.param(CLASS)?.trim())?;
            let (from, to) = (job.param(FROM)?, job.param(TO)?);
            check_quantiles(from, to).map_err(failures::from_flow)?;
            let spread = Spread { n: job.param(N_VALUES)? as usize, is_even: job.param(GRID)? == "even", from, to };
            let grid = grid(&table, column_idx, &spread)?;
            let seed = train::seed(job, SEED)?;
            let rows = drawn(table.n_rows(), job.param(N_ROWS)? as usize, Stream::fork(seed, 0));
            let curves = drawn(rows.len(), job.param(N_CURVES)? as usize, Stream::fork(seed, 1));
            let sampled = if rows.len() < table.n_rows() { table.take(&rows) } else { table.clone() };
            let outputs = outputs(&model, class);
            let mut found = Found { means: vec![Vec::new(); outputs.len()], curves: vec![Vec::new(); curves.len()] };
            let width = model.target.n_classes().max(1);
            for at in 0..grid.len() {
                let share = |at: usize| at as f64 / grid.len() as f64;
                let stretch = Stretch { from: share(at), to: share(at + 1), name: grid.label(at) };
                let same = NewColumn { column: column.clone(), values: grid.repeated(at, rows.len()), valid: None };
                let set = sampled.with_columns(vec![same]).map_err(|error| failures::from_table(&error))?;
                let scores = predict(&mut Stretched { job, stretch }, &model, &set).await;
                let scores = scores.map_err(|error| match error {
                    JobError::Cancelled => error,
                    // What is wrong with a row is told with its place among all rows.
                    JobError::Failed(_) => {
                        model.predict(&table.frame()).err().map_or(error, |error| failures::from_model(&error))
                    }
                })?;
                for (means, (output, _)) in found.means.iter_mut().zip(&outputs) {
                    let of_output = scores.values.iter().skip(*output).step_by(width);
                    means.push(of_output.sum::<f64>() / rows.len() as f64);
                }
                if let [(output, _)] = outputs[..] {
                    for (curve, &row) in found.curves.iter_mut().zip(&curves) {
                        curve.push(scores.values[row as usize * width + output]);
                    }
                }
            }
            let numbers: Vec<u32> = curves.iter().map(|&at| rows[at as usize] + 1).collect();
            show(job, &model, &column, &grid, &outputs, &found, (rows.len(), table.n_rows()));
            let dependence = dependence_table(&column, &grid, &outputs, &found);
            job.output(DEPENDENCE, dependence.map_err(|error| failures::from_table(&error))?);
            let curves = curve_table(&column, &grid, &found, &numbers);
            job.output(CURVES, curves.map_err(|error| failures::from_table(&error))?);
            Ok(())
        })
    }
}

fn check_quantiles(from: f64, to: f64) -> Result<(), FlowError> {
    if from < to {
        return Ok(());
    }
    Err(FlowError {
        place: TO.name().into(),
        message: format!("the values to try go from the quantile {from} to the quantile {to}, which is not above it"),
        help: "Set the second one above the first; 0.05 and 0.95 leave out the outermost rows.".into(),
    })
}

/// The place of the column that is varied.
fn column(job: &Job<'_>, model: &Model, table: &Table) -> Result<usize, JobError> {
    let schema = table.schema();
    let needed = model.columns();
    let name = match job.param(COLUMN)? {
        Some(name) => name,
        None => first_choice(model, schema).ok_or_else(|| {
            let names: Vec<String> = needed.iter().cloned().collect();
            let looks_at = if names.is_empty() { "no column".to_owned() } else { schema::list(&names) };
            Failure::new(
                format!("the model looks at {looks_at}, and the table has {}", schema::list(&schema.names())),
                "Give it rows with the columns that the model was trained on.",
            )
        })?,
    };
    let not_found = |error| failures::from_flow(failures::column_not_found(COLUMN.name(), &error));
    let column_idx = schema.position(&name).map_err(not_found)?;
    if !needed.contains(&name) {
        let needed: Vec<String> = needed.into_iter().collect();
        return Err(Failure::new(
            format!(
                "the model does not look at {name:?}, so nothing depends on it; it looks at {}",
                schema::list(&needed)
            ),
            "Choose one of the columns that it looks at.",
        )
        .into());
    }
    let kind = schema.columns[column_idx].kind;
    if !KINDS.contains(&kind) {
        return Err(Failure::new(
            format!("column {name:?} is {}, expected a number, whole number, truth value or category", kind.label()),
            "Choose another column, or change its kind with Edit Metadata before training.",
        )
        .into());
    }
    Ok(column_idx)
}

/// What counts most for the model, of the columns that the table has.
fn first_choice(model: &Model, schema: &Schema) -> Option<String> {
    let widths = model.features.features.iter().map(|feature| (&feature.name, feature.encoding.width()));
    let origins: Vec<&String> = widths.flat_map(|(name, width)| std::iter::repeat_n(name, width)).collect();
    let by_importance = by_size(model.importances.as_deref().unwrap_or_default());
    let ranked = by_importance.iter().filter_map(|&at| origins.get(at).copied());
    let needed = model.columns();
    let mut names = ranked.chain(&needed).filter(|name| needed.contains(*name));
    names.find(|name| schema.position(name).is_ok()).cloned()
}

/// Which probability or number is shown, under what name.
fn outputs(model: &Model, class: Option<usize>) -> Vec<(usize, String)> {
    match (&model.target, class) {
        (Target::Number { name }, _) => vec![(0, name.clone())],
        (Target::Class { classes, .. }, Some(class)) => vec![(class, classes[class].clone())],
        (Target::Class { classes, .. }, None) if classes.len() == 2 => vec![(1, classes[1].clone())],
        (Target::Class { classes, .. }, None) => classes.iter().cloned().enumerate().collect(),
    }
}

/// So many of `n` places by chance, in their order.
fn drawn(n: usize, n_wanted: usize, mut stream: Stream) -> Vec<u32> {
    let mut all: Vec<u32> = (0..n as u32).collect();
    if n_wanted < n {
        for at in 0..n_wanted {
            all.swap(at, at + stream.below((n - at) as u64) as usize);
        }
        all.truncate(n_wanted);
        all.sort_unstable();
    }
    all
}

/// Which values are tried.
struct Spread {
    n: usize,
    is_even: bool,
    from: f64,
    to: f64,
}

/// The values that are tried, in ascending order; categories in the order of the table.
enum Grid {
    Numbers(Vec<f64>),
    Integers(Vec<i64>),
    Booleans(Vec<bool>),
    Categories(Vec<String>),
}

impl Grid {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Booleans(values) => values.len(),
            Self::Categories(names) => names.len(),
        }
    }

    fn label(&self, at: usize) -> String {
        match self {
            Self::Numbers(values) => digits(values[at]),
            Self::Integers(values) => values[at].to_string(),
            Self::Booleans(values) => values[at].to_string(),
            Self::Categories(names) => names[at].clone(),
        }
    }

    /// Where it stands on an axis.
    fn place(&self, at: usize) -> f64 {
        match self {
            Self::Numbers(values) => values[at],
            Self::Integers(values) => values[at] as f64,
            Self::Booleans(_) | Self::Categories(_) => at as f64,
        }
    }

    fn is_ordered(&self) -> bool {
        matches!(self, Self::Numbers(_) | Self::Integers(_))
    }

    fn repeated(&self, at: usize, n_rows: usize) -> NewValues {
        self.picked(std::iter::repeat_n(at, n_rows))
    }

    fn picked(&self, places: impl Iterator<Item = usize>) -> NewValues {
        match self {
            Self::Numbers(values) => NewValues::Number(places.map(|at| values[at]).collect()),
            Self::Integers(values) => NewValues::Integer(places.map(|at| values[at]).collect()),
            Self::Booleans(values) => NewValues::Boolean(places.map(|at| values[at]).collect()),
            Self::Categories(names) => {
                NewValues::Category { codes: places.map(|at| at as i32).collect(), dictionary: names.clone() }
            }
        }
    }
}

fn grid(table: &Table, column_idx: usize, spread: &Spread) -> Result<Grid, JobError> {
    let frame = table.frame_of(&[column_idx]);
    let column = &frame.columns[0];
    let known = || (0..frame.n_rows).filter(|&row_idx| column.is_valid(row_idx));
    let grid = match &column.values {
        Values::Number(values) => {
            Grid::Numbers(spread.over(known().map(|row_idx| values[row_idx]).filter(|x| x.is_finite()).collect()))
        }
        Values::Integer(values) => {
            let tried = spread.over(known().map(|row_idx| values[row_idx] as f64).collect());
            let mut tried: Vec<i64> = tried.into_iter().map(|x| x.round() as i64).collect();
            tried.dedup();
            Grid::Integers(tried)
        }
        Values::Boolean(values) => {
            let occurs = |truth: &bool| known().any(|row_idx| values[row_idx] == *truth);
            Grid::Booleans([false, true].into_iter().filter(occurs).collect())
        }
        Values::Category { codes, dictionary } => {
            let mut counts = vec![0usize; dictionary.len()];
            for row_idx in known() {
                if let Some(count) = usize::try_from(codes[row_idx]).ok().and_then(|code| counts.get_mut(code)) {
                    *count += 1;
                }
            }
            let mut kept: Vec<usize> = (0..counts.len()).filter(|&code| counts[code] > 0).collect();
            kept.sort_by_key(|&code| std::cmp::Reverse(counts[code]));
            kept.truncate(spread.n);
            kept.sort_unstable();
            Grid::Categories(kept.into_iter().map(|code| dictionary[code].to_owned()).collect())
        }
        Values::Text(_) | Values::DateTime(_) => Grid::Numbers(Vec::new()),
    };
    let name = column.name;
    let wrong = |message: String, help: &str| Err(Failure::new(message, help).into());
    match grid.len() {
        0 if frame.n_rows == 0 => {
            wrong("there are no rows".into(), "Give it rows; a look at the step before shows where they went.")
        }
        0 => wrong(format!("column {name:?} has no value in any row"), "Choose another column."),
        1 => wrong(
            format!("column {name:?} has one value to try, {}, so nothing can depend on it", grid.label(0)),
            "Choose a column that varies, or let the quantiles reach further.",
        ),
        _ => Ok(grid),
    }
}

impl Spread {
    /// All values if they are few, else some between the two quantiles.
    fn over(&self, mut values: Vec<f64>) -> Vec<f64> {
        values.sort_by(f64::total_cmp);
        let mut distinct = values.clone();
        distinct.dedup();
        if distinct.len() <= self.n {
            return distinct;
        }
        // Linear between the two nearest, as NumPy does by default.
        let quantile = |share: f64| {
            let place = share * (values.len() - 1) as f64;
            let below = place.floor() as usize;
            let above = (below + 1).min(values.len() - 1);
            values[below] + (values[above] - values[below]) * (place - below as f64)
        };
        let (low, high) = (quantile(self.from), quantile(self.to));
        let step = |at: usize| at as f64 / (self.n - 1) as f64;
        let mut tried: Vec<f64> = (0..self.n)
            .map(|at| match self.is_even {
                true => low + (high - low) * step(at),
                false => quantile(self.from + (self.to - self.from) * step(at)),
            })
            .collect();
        tried.dedup();
        tried
    }
}

/// Predictions by value that was tried.
struct Found {
    /// Of each output.
    means: Vec<Vec<f64>>,
    /// Of each row that has a curve; empty where several outputs are shown.
    curves: Vec<Vec<f64>>,
}

fn curve_columns(column: &Column) -> Vec<Column> {
    vec![
        Column::new("Row", Kind::Integer),
        Column::new(column.name.clone(), column.kind),
        Column::new("Prediction", Kind::Number),
    ]
}

fn dependence_table(
    column: &Column,
    grid: &Grid,
    outputs: &[(usize, String)],
    found: &Found,
) -> Result<Table, table::TableError> {
    let new = |column: Column, values: NewValues| NewColumn { column, values, valid: None };
    let mut columns = vec![new(Column::new(column.name.clone(), column.kind), grid.picked(0..grid.len()))];
    for ((_, name), means) in outputs.iter().zip(&found.means) {
        let name = if outputs.len() == 1 { "Average Prediction".into() } else { format!("Average Prediction_{name}") };
        columns.push(new(Column::new(name, Kind::Number), NewValues::Number(means.clone())));
    }
    Table::from_new_columns(columns, grid.len())
}

fn curve_table(column: &Column, grid: &Grid, found: &Found, rows: &[u32]) -> Result<Table, table::TableError> {
    let mut numbers = Vec::new();
    let mut places = Vec::new();
    for (row, curve) in rows.iter().zip(&found.curves) {
        numbers.extend(curve.iter().map(|_| i64::from(*row)));
        places.extend(0..curve.len());
    }
    let n_rows = numbers.len();
    let predictions = NewValues::Number(found.curves.concat());
    let values = [NewValues::Integer(numbers), grid.picked(places.into_iter()), predictions];
    let columns = curve_columns(column).into_iter().zip(values);
    let columns = columns.map(|(column, values)| NewColumn { column, values, valid: None }).collect();
    Table::from_new_columns(columns, n_rows)
}

fn show(
    job: &mut Job<'_>,
    model: &Model,
    column: &Column,
    grid: &Grid,
    outputs: &[(usize, String)],
    found: &Found,
    (n_rows, n_all): (usize, usize),
) {
    let y = match (&model.target, outputs) {
        (Target::Number { name }, _) => format!("Predicted {name}"),
        (Target::Class { .. }, [(_, class)]) => format!("Probability of {class}"),
        (Target::Class { .. }, _) => "Probability".into(),
    };
    job.panel(Panel::Figure(drawing(column, &y, grid, outputs, found, n_rows, n_all)));
    let fact = |name: &str, value: String| vec![name.to_owned(), value];
    let mut facts = vec![
        fact("Model", model.learner.clone()),
        fact("Column", column.name.clone()),
        fact("Values tried", grid.len().to_string()),
        fact("Rows averaged", if n_rows < n_all { format!("{n_rows} of {n_all}") } else { n_rows.to_string() }),
    ];
    let range = |means: &[f64]| {
        let low = means.iter().copied().fold(f64::INFINITY, f64::min);
        let high = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (low, high)
    };
    for ((_, name), means) in outputs.iter().zip(&found.means) {
        let (low, high) = range(means);
        facts.push(fact(&format!("Average of {name}"), format!("from {} to {}", digits(low), digits(high))));
    }
    if outputs.len() > 1 {
        facts.push(fact("Curves of single rows", "for one class: choose it".into()));
    }
    job.panel(Panel::Facts {
        title: "Partial dependence".into(),
        heads: vec!["What".into(), "Value".into()],
        rows: facts,
    });
    let means = &found.means[0];
    let (low, high) = range(means);
    let picture = if grid.is_ordered() {
        let (left, right) = (grid.place(0), grid.place(grid.len() - 1));
        let unit = |x: f64, low: f64, high: f64| if high > low { ((x - low) / (high - low)) as f32 } else { 0.5 };
        let point = |at: usize| (unit(grid.place(at), left, right), unit(means[at], low, high));
        Face::Curve { points: (0..grid.len()).map(point).collect(), diagonal: false }
    } else {
        Face::Bars(by_size(means).into_iter().take(4).map(|at| (grid.label(at), means[at])).collect())
    };
    let headline = format!("{}: {} to {}", outputs[0].1, brief(low), brief(high));
    job.show(Face::Headline(headline, Some(Box::new(picture))));
}

fn drawing(
    column: &Column,
    y: &str,
    grid: &Grid,
    outputs: &[(usize, String)],
    found: &Found,
    n_rows: usize,
    n_all: usize,
) -> Figure {
    let x = if grid.is_ordered() {
        axis(&column.name)
    } else {
        category_axis(&column.name, (0..grid.len()).map(|at| grid.label(at)).collect())
    };
    let title = format!("How {} changes with {}", lower_first(y), column.name);
    let mut figure = figure("partial-dependence", &title, x, axis(y), n_rows);
    let curve = |values: &[f64]| (0..grid.len()).map(|at| (grid.place(at), values[at])).collect::<Vec<_>>();
    let series = |name: &str, color_idx: usize, marks: Marks| Series {
        name: name.into(),
        color_idx: color_idx as u8,
        marks,
        detail: None,
    };
    let n_curves = found.curves.iter().filter(|curve| !curve.is_empty()).count();
    let mut behind = String::new();
    if grid.is_ordered() && n_curves > 0 {
        // One line that is broken between rows.
        let mut points = Vec::new();
        for values in &found.curves {
            points.extend(curve(values));
            points.push((f64::NAN, f64::NAN));
        }
        figure.series.push(series("Single rows", 1, Marks::Line(points)));
        behind = format!(" Behind it, {n_curves} single rows.");
    }
    let shown = outputs.len().min(MAX_CLASSES);
    for (output_idx, (means, (_, name))) in found.means.iter().zip(outputs).take(shown).enumerate() {
        let name = if outputs.len() == 1 { "Average" } else { name };
        let marks = match (grid.is_ordered(), outputs.len()) {
            (true, _) => Marks::Line(curve(means)),
            (false, 1) => Marks::Columns(means.clone()),
            (false, _) => Marks::Points(curve(means)),
        };
        figure.series.push(series(name, output_idx, marks));
    }
    figure.summary = format!("The mean prediction when every row has the same value of {}.{behind}", column.name);
    let mut left_out = Vec::new();
    if n_rows < n_all {
        left_out.push(format!("{n_rows} of {n_all} rows, drawn by chance"));
    }
    if shown < outputs.len() {
        left_out.push(format!("the first {shown} of {} classes", outputs.len()));
    }
    figure.sampling = left_out.join("; ");
    figure
}

/// "Probability of yes" within a sentence.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
