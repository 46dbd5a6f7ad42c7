//! Draws rows of many columns in the plane so that neighbours stay neighbours.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use charts::{Detail, Figure, Marks, N_LEVELS, RAMP, Series};
use engine::{Component, Flow, FlowError, In, Job, Out, Param, Running, Work};
use learn::embedding::MAX_EXACT_ROWS;
use learn::{Embedding, Start, TsneSettings};
use model::{NewColumn, NewValues, Values};
use numeric::Stream;
use pipeline::{Acceleration, Family, Spec};
use protocol::{Face, Panel};
use schema::{Column, ColumnSelection, Kind};
use table::{Table, number_text};

use crate::evaluate::figures::{MAX_DOTS, axis, brief, digits, figure, thinned};
use crate::train::Watched;
use crate::{columns, failures, memory};

const TABLE: In<Table> = In::new("table");
const PLACED: Out<Table> = Out::new("table");
const COLUMNS: Param<ColumnSelection> = Param::columns("columns", "table", columns::NUMBERS).label("Columns").help(
    "What likeness is measured by. A rule takes features only; the target stays out of it and colours the picture.",
);
const COUNT: Param<u32> = Param::int("n_components", 2)
    .range(2, 3)
    .label("Number of components")
    .help("Two can be drawn. Three leave more room, and you see two of them at a time.");
const PERPLEXITY: Param<f64> = Param::float("perplexity", 30.0)
    .range(1.0, 500.0)
    .label("Perplexity")
    .help("About how many neighbours count for each row; less than there are rows. 5 shows small groups and finds some where there are none, 50 shows the large ones. Try several.");
const EXAGGERATION: Param<f64> = Param::float("early_exaggeration", 12.0)
    .range(1.0, 100.0)
    .label("Early exaggeration")
    .help("Times which likeness counts in the first 250 steps. More gathers groups tightly and leaves wide gaps, 1 often leaves them torn apart.");
const RATE: Param<String> = Param::choice("rate", &[("automatic", "Automatic"), ("set", "As set")], "automatic")
    .label("Choose learning rate")
    .help("Automatic is the number of rows divided by 4 times the early exaggeration, and at least 50.");
const LEARNING_RATE: Param<f64> = Param::float("learning_rate", 200.0)
    .range(1.0, 10_000.0)
    .log()
    .label("Learning rate")
    .help("How far rows move in a step. Too little leaves all in one heap, too much scatters them like a ball of dust.")
    .when("rate", &["set"]);
const MAX_ITERATIONS: Param<u32> = Param::int("max_iter", 1_000)
    .range(250, 10_000)
    .label("Number of iterations")
    .help("Steps at most. It ends sooner if 300 steps brought nothing. Raise it if groups still look like threads.");
const START: Param<String> =
    Param::choice("init", &[("pca", "Along principal components"), ("random", "At random")], "pca")
        .label("Start")
        .help("Along principal components, groups that are far apart mostly stay so, and each run gives the same. At random, where they lie is chance.");
const SEED: Param<u64> = Param::seed("seed", 42)
    .label("Random seed")
    .help("Another number starts from other places. What changes with it is not in the data.")
    .when("init", &["random"]);
const STANDARDIZE: Param<bool> = Param::switch("standardize", true)
    .label("Standardize columns")
    .help("Off, the column with the largest numbers decides nearly alone who is whose neighbour. Right for columns in one unit, such as pixels.");
const STAY: Param<bool> = Param::switch("keep_columns", true)
    .label("Keep the columns")
    .help("On, the columns stay beside the places; else the places replace them.");

/// t-SNE.
pub struct TSne;

impl Component for TSne {
    fn spec(&self) -> Spec {
        Spec::new("transform.t-sne", 1, Family::Prepare, "t-SNE")
            .with_summary("Draws rows of many columns in the plane so that neighbours stay neighbours.")
            .with_help(
                "Finds a place for each row such that rows that are alike lie near each other, to see with your own eyes \
                 whether there are groups. Try Sample Datasets with *Handwritten digits* → t-SNE, and open its picture: the \
                 colours are the target, which it has not seen.\n\n\
                 Of two rows at distance *d* it says how alike they are, `p ∝ e^(−β d²)`, with a β for each row that lets \
                 as many neighbours count as the perplexity says; and of two places at distance *r* how near they are, \
                 `q ∝ 1 / (1 + r²)`. Step by step it moves the places until `KL = Σ p ln(p / q)` no longer falls. 0 would \
                 say everything; compare it only between runs on the same rows with the same perplexity.\n\n\
                 Be careful with what you see:\n\n\
                 - *Who is whose neighbour* can be relied on, mostly\n\
                 - *Distances between groups and their sizes* mean little: wide groups shrink, tight ones grow\n\
                 - *Groups in noise*: with a low perplexity it finds some in numbers drawn at random. Try 5, 30 and 50; \
                 what stays is there\n\
                 - *The axes* have no unit and no direction\n\n\
                 It has no rule for new rows, so there is no transformation to apply to test rows, and a model should not \
                 be trained on its places: use Principal Component Analysis for that. Up to 500 rows every pair is looked \
                 at; of more, up to 20,000, the nearest rows (three times the perplexity), and those far away are taken \
                 together (Barnes-Hut, angle 0.5). 1,000 rows take a second or two, 10,000 about half a minute.\n\n\
                 van der Maaten and Hinton, *Visualizing data using t-SNE* (2008); defaults as in scikit-learn.",
            )
            .with_keywords("tsne embedding manifold dimension reduction visualize neighbours map plot")
            .with_icon("chart-scatter")
            .accelerated(Acceleration::Rounded)
            .with_caption("perplexity {perplexity} · {n_components} components")
            .with_input(TABLE)
            .with_output(PLACED)
            .with_param(COLUMNS)
            .with_param(COUNT)
            .with_param(PERPLEXITY)
            .with_param(EXAGGERATION)
            .with_param(RATE)
            .with_param(LEARNING_RATE)
            .with_param(MAX_ITERATIONS)
            .with_param(START)
            .with_param(SEED)
            .with_param(STANDARDIZE)
            .with_param(STAY)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let (Some(schema), Some(selection)) = (flow.input(TABLE), flow.param(COLUMNS)) else { return Ok(()) };
        let column_idxs = columns::numbers(schema, &selection, COLUMNS.name())?;
        let made = (0..flow.param(COUNT).unwrap_or(2) as usize).map(column).collect();
        if let Some(schema) = columns::replaced(schema, &column_idxs, flow.param(STAY).unwrap_or(true), made) {
            flow.output(PLACED, schema);
        }
        Ok(())
    }

    fn memory(&self, job: &Job<'_>) -> u64 {
        let (Some(table), Ok(selection), Ok(perplexity)) =
            (job.optional_input(TABLE), job.param(COLUMNS), job.param(PERPLEXITY))
        else {
            return 0;
        };
        let n_columns = columns::numbers(table.schema(), &selection, COLUMNS.name()).map_or(0, |idxs| idxs.len());
        memory::embedding(table.n_rows(), n_columns, perplexity)
    }

    fn work(&self, job: &Job<'_>) -> Work {
        let (Some(table), Ok(n_steps)) = (job.optional_input(TABLE), job.param(MAX_ITERATIONS)) else {
            return Work::default();
        };
        let n_rows = table.n_rows() as u64;
        let of_row = if table.n_rows() > MAX_EXACT_ROWS { 2_000 } else { 4 * n_rows };
        Work { nanos: n_rows * of_row * u64::from(n_steps), ..Work::default() }
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let table = job.input(TABLE)?;
            let column_idxs =
                columns::numbers(table.schema(), &job.param(COLUMNS)?, COLUMNS.name()).map_err(failures::from_flow)?;
            let settings = TsneSettings {
                n_components: job.param(COUNT)?,
                perplexity: job.param(PERPLEXITY)?,
                exaggeration: job.param(EXAGGERATION)?,
                learning_rate: if job.param(RATE)? == "set" { Some(job.param(LEARNING_RATE)?) } else { None },
                max_iterations: job.param(MAX_ITERATIONS)?,
                start: if job.param(START)? == "random" { Start::Random } else { Start::Components },
                standardize: job.param(STANDARDIZE)?,
            };
            let stays = job.param(STAY)?;
            let seed = Stream::fork(job.seed(), job.param(SEED)?).next_u64();
            let embedding = learn::transform::fit_embedding(&settings, &table, &column_idxs, seed, &mut Watched(job))
                .await
                .map_err(|error| failures::from_fit(&error))?;
            job.show(face(&embedding));
            job.panel(Panel::Figure(picture(&table, &embedding)));
            job.panel(facts(&settings, &embedding, column_idxs.len()));
            let dropped: Vec<String> = if stays {
                Vec::new()
            } else {
                column_idxs.iter().map(|&column_idx| table.schema().columns[column_idx].name.clone()).collect()
            };
            let made = (0..).zip(embedding.places).map(|(idx, places)| {
                let mut column = column(idx);
                if let Ok(there) = table.schema().column(&column.name) {
                    column.role = there.role;
                }
                NewColumn { column, values: NewValues::Number(places), valid: None }
            });
            let placed = table.without(&dropped).with_columns(made.collect());
            job.output(PLACED, placed.map_err(|error| failures::from_table(&error))?);
            Ok(())
        })
    }
}

fn column(component: usize) -> Column {
    Column::new(format!("t-SNE {}", component + 1), Kind::Number)
}

fn facts(settings: &TsneSettings, embedding: &Embedding, n_columns: usize) -> Panel {
    let method = match embedding.n_neighbors {
        None => "Every pair of rows".to_owned(),
        Some(n) => format!("Barnes-Hut, {n} neighbours of each row, angle 0.5"),
    };
    let rows = [
        ("KL divergence", digits(embedding.divergence)),
        ("Iterations", embedding.n_iterations.to_string()),
        ("Perplexity", number_text(settings.perplexity)),
        ("Learning rate", digits(embedding.learning_rate)),
        ("Method", method),
        ("Rows", embedding.places[0].len().to_string()),
        ("Columns", n_columns.to_string()),
    ];
    Panel::Facts {
        title: "How places were found".into(),
        heads: vec!["What".into(), "Value".into()],
        rows: rows.into_iter().map(|(what, value)| vec![what.to_owned(), value]).collect(),
    }
}

fn face(embedding: &Embedding) -> Face {
    const N_DOTS: usize = 150;
    let shown = thinned(embedding.places[0].len(), N_DOTS);
    let along = |component: usize| {
        let places = &embedding.places[component];
        let low = places.iter().copied().fold(f64::INFINITY, f64::min);
        let high = places.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let span = if high > low { high - low } else { 1.0 };
        shown.iter().map(move |&row_idx| ((places[row_idx] - low) / span) as f32)
    };
    let dots = along(0).zip(along(1)).collect();
    Face::Headline(format!("KL {}", brief(embedding.divergence)), Some(Box::new(Face::Dots(dots))))
}

/// Rows as dots, coloured by the target.
fn picture(table: &Table, embedding: &Embedding) -> Figure {
    let n_rows = table.n_rows();
    let mut drawn = figure("t-sne", "Places of the rows", axis("t-SNE 1"), axis("t-SNE 2"), n_rows);
    drawn.summary =
        "Each dot is a row; rows that are alike lie near each other. Distances between groups, their sizes \
                     and the axes mean little."
            .into();
    let shown = thinned(n_rows, MAX_DOTS);
    if shown.len() < n_rows {
        drawn.sampling = format!("{} of {n_rows} rows, evenly spaced", shown.len());
    }
    drawn.series = groups(table, &shown)
        .into_iter()
        .map(|group| Series {
            name: group.name,
            color_idx: group.color_idx,
            marks: Marks::Points(
                group
                    .rows
                    .iter()
                    .map(|&row_idx| (embedding.places[0][row_idx], embedding.places[1][row_idx]))
                    .collect(),
            ),
            detail: group.detail,
        })
        .collect();
    drawn
}

/// Rows of one colour.
struct Group {
    name: String,
    color_idx: u8,
    rows: Vec<usize>,
    detail: Option<Detail>,
}

/// The rows by their target: by class, the largest by themselves and the rest together, or in ranges of numbers.
fn groups(table: &Table, shown: &[usize]) -> Vec<Group> {
    /// As many looks as dots can have.
    const MAX_GROUPS: usize = 12;
    let frame = table.frame();
    let target = table.schema().target().and_then(|column| frame.column(&column.name));
    let Some(target) = target else {
        return vec![Group { name: "Rows".into(), color_idx: 0, rows: shown.to_vec(), detail: None }];
    };
    // Whole numbers in their order, names in theirs.
    let mut classes: BTreeMap<(i64, String), Vec<usize>> = BTreeMap::new();
    let mut numbers: Vec<(f64, usize)> = Vec::new();
    for &row_idx in shown {
        let class = match &target.values {
            _ if !target.is_valid(row_idx) => (i64::MAX, "no value".to_owned()),
            Values::Number(values) => {
                numbers.push((values[row_idx], row_idx));
                continue;
            }
            Values::Integer(values) | Values::DateTime(values) => {
                numbers.push((values[row_idx] as f64, row_idx));
                (values[row_idx], values[row_idx].to_string())
            }
            Values::Boolean(truths) => (0, truths[row_idx].to_string()),
            Values::Text(texts) => (0, texts[row_idx].to_owned()),
            Values::Category { codes, dictionary } => {
                let name = usize::try_from(codes[row_idx]).ok().and_then(|code| dictionary.get(code));
                (0, name.copied().unwrap_or_default().to_owned())
            }
        };
        classes.entry(class).or_default().push(row_idx);
    }
    let mut groups = Vec::new();
    let are_whole = matches!(target.values, Values::Integer(_));
    if !numbers.is_empty() && (!are_whole || classes.len() > MAX_GROUPS) {
        classes.retain(|(class, _), _| *class == i64::MAX);
        numbers.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (color_idx, range) in (RAMP..).zip(numbers.chunks(numbers.len().div_ceil(N_LEVELS.into()))) {
            let (values, rows): (Vec<f64>, Vec<usize>) = range.iter().copied().unzip();
            let name = format!("{} to {}", digits(values[0]), digits(values[values.len() - 1]));
            let detail = Some(Detail { label: target.name.to_owned(), values });
            groups.push(Group { name, color_idx, rows, detail });
        }
    }
    let mut by_size: Vec<_> = classes.into_iter().collect();
    by_size.sort_by_key(|(_, rows)| Reverse(rows.len()));
    let n_own = if by_size.len() > MAX_GROUPS { MAX_GROUPS - 1 } else { by_size.len() };
    let mut others: Vec<usize> = by_size.split_off(n_own).into_iter().flat_map(|(_, rows)| rows).collect();
    others.sort_unstable();
    by_size.sort();
    if !others.is_empty() {
        by_size.push(((0, "others".into()), others));
    }
    groups.extend((0..).zip(by_size).map(|(color_idx, ((_, name), rows))| Group {
        name,
        color_idx,
        rows,
        detail: None,
    }));
    groups
}

#[cfg(test)]
mod tests;
