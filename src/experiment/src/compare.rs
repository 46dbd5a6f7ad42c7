//! Any number of runs side by side, against one of them.

use protocol::Direction;
use schema::ordered::sort_by;

use crate::scalar::{Cell, Scalar};
use crate::table::{Column, Field, RunTable, Source};

/// Runs side by side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// What is compared, group by group: results, the run itself, settings by node.
    pub rows: Vec<CompareRow>,
    /// Labels of rows that are equal for all runs and were left out.
    pub equal: Vec<String>,
}

/// One thing that is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareRow {
    /// What it belongs to.
    pub group: CompareGroup,
    /// Its name in queries.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// Which way is better.
    pub better: Option<Direction>,
    /// Run by run.
    pub cells: Vec<CompareCell>,
    /// Whether any two runs differ in it.
    pub differs: bool,
}

/// What a row belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CompareGroup {
    /// Figures of merit, and how long it took.
    Results,
    /// Data, seed, engine, host.
    Run,
    /// The settings of a node, by its id.
    Settings(String),
}

/// One run's value.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareCell {
    /// The value; none where the run has no such thing.
    pub value: Option<Scalar>,
    /// How much more than the baseline's.
    pub delta: Option<f64>,
    /// How many times the baseline's, where both are above 0.
    pub ratio: Option<f64>,
    /// Whether that is good.
    pub tone: Tone,
    /// No other run is better, and not all are equal.
    pub is_best: bool,
}

/// Whether a difference is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Better than the baseline.
    Better,
    /// Worse than the baseline.
    Worse,
    /// Equal, the baseline itself, or nobody knows which way is better.
    #[default]
    Neutral,
}

/// Compares these rows of the table. `baseline` is the position among them of the run that the others are measured
/// against; with `differences_only`, what is equal for all is left out and named.
pub fn compare(table: &RunTable, runs: &[usize], baseline: usize, differences_only: bool) -> Comparison {
    let has = |source: Source| runs.iter().any(|&row_idx| table.cell(row_idx, source) != Cell::Missing);
    let mut sources: Vec<(CompareGroup, Source)> = Vec::new();
    let doubled = measured_twice(table, runs);
    for (column_idx, column) in table.columns().iter().enumerate() {
        let source = Source::Column(column_idx);
        let (is_metric, rest) = (column.is_metric(), column.name.split_once('.').map_or("", |(_, rest)| rest));
        let short = if column.is_short { rest } else { rest.split_once('.').map_or("", |(_, name)| name) };
        let is_shown = match is_metric {
            true => column.is_short != doubled.contains(&short),
            false => !column.is_short,
        };
        if is_shown && has(source) {
            let group = match is_metric {
                true => CompareGroup::Results,
                false => CompareGroup::Settings(rest.split_once('.').map_or(rest, |(node, _)| node).into()),
            };
            sources.push((group, source));
        }
    }
    let of_the_run = [Field::Learner, Field::Data, Field::Seed, Field::Engine, Field::Host];
    sources.push((CompareGroup::Results, Source::Field(Field::Took)));
    sources.extend(of_the_run.map(|field| (CompareGroup::Run, Source::Field(field))));
    sort_by(&mut sources, |(a, _), (b, _)| a.cmp(b));
    let mut comparison = Comparison::default();
    for (group, source) in sources.into_iter().filter(|(_, source)| has(*source)) {
        let name = match source {
            Source::Field(field) => field.name().to_owned(),
            Source::Column(column_idx) => table.columns()[column_idx].name.clone(),
        };
        let (label, better) = (table.label(source).to_owned(), table.better(source));
        let cells: Vec<_> = runs.iter().map(|&row_idx| table.cell(row_idx, source)).collect();
        let differs = cells.windows(2).any(|pair| pair[0].order(pair[1]).is_ne());
        if differences_only && !differs {
            comparison.equal.push(label);
            continue;
        }
        let cells = side_by_side(&cells, baseline, better);
        comparison.rows.push(CompareRow { group, name, label, better, cells, differs });
    }
    comparison
}

/// Metrics that one of the runs measured at several nodes: their short names would hide all but one.
fn measured_twice<'a>(table: &'a RunTable, runs: &[usize]) -> Vec<&'a str> {
    let mut doubled = Vec::new();
    for entry in runs.iter().filter_map(|&row_idx| table.entry(row_idx)) {
        for (metric_idx, metric) in entry.metrics.iter().enumerate() {
            if entry.metrics[..metric_idx].iter().any(|before| before.name == metric.name) {
                doubled.push(metric.name.as_str());
            }
        }
    }
    doubled
}

fn side_by_side(cells: &[Cell<'_>], baseline: usize, better: Option<Direction>) -> Vec<CompareCell> {
    let base = cells.get(baseline).and_then(|cell| cell.number());
    let is_better = |a: f64, b: f64| match better {
        Some(Direction::Higher) => a > b,
        Some(Direction::Lower) => a < b,
        None => false,
    };
    let numbers = || cells.iter().filter_map(|cell| cell.number());
    let best = numbers().reduce(|best, x| if is_better(x, best) { x } else { best });
    let beats_any = best.is_some_and(|best| numbers().any(|x| is_better(best, x)));
    let compared = cells.iter().enumerate().map(|(cell_idx, cell)| {
        let number = cell.number();
        let against = number.zip(base).filter(|_| cell_idx != baseline);
        CompareCell {
            value: cell.to_scalar(),
            delta: against.map(|(x, base)| x - base).filter(|delta| delta.is_finite()),
            ratio: against.filter(|(x, base)| *x > 0.0 && *base > 0.0).map(|(x, base)| x / base),
            tone: match against {
                Some((x, base)) if is_better(x, base) => Tone::Better,
                Some((x, base)) if is_better(base, x) => Tone::Worse,
                Some(_) | None => Tone::Neutral,
            },
            is_best: beats_any && number == best,
        }
    });
    compared.collect()
}

/// Columns that at least two of these rows differ in, for the axes of parallel coordinates: parameters by their full
/// names, then metrics by their short ones.
pub fn differing(table: &RunTable, rows: &[usize]) -> Vec<String> {
    let differs = |column_idx: usize| {
        let mut cells = rows.iter().map(|&row_idx| table.cell(row_idx, Source::Column(column_idx)));
        let first = cells.next();
        first.is_some_and(|first| cells.any(|cell| cell.order(first).is_ne()))
    };
    let shown = |column: &Column, of_metrics: bool| column.is_metric() == of_metrics && column.is_short == of_metrics;
    let mut names = Vec::new();
    for of_metrics in [false, true] {
        let columns = table.columns().iter().enumerate().filter(|(_, column)| shown(column, of_metrics));
        names.extend(columns.filter(|(column_idx, _)| differs(*column_idx)).map(|(_, column)| column.name.clone()));
    }
    names
}
