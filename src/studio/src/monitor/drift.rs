//! How the values that come in differ from those of training, column by column.

use leptos::prelude::*;
use monitor::Served;
use monitor::drift::{ColumnReport, MIN_ROWS, Recipe, Report, Scores, Verdict};
use registry::{ColumnReference, Reference, Shape};
use schema::ordered::sort_by;
use serde::Deserialize;

use super::charts::share_words;
use super::store::Monitor;
use crate::views::icon::{icon, small_icon};

/// The scale of the index's bar ends here; the marks are at 0.10 and 0.25.
const PSI_END: f64 = 0.4;
/// Categories that have a bar of their own; the others share the last one.
const N_CATEGORIES: usize = 8;

/// What a host says of one deployment.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Drift {
    /// Whose rows.
    pub served: Served,
    /// Rows that were looked at.
    n_rows: u64,
    /// Rows that were predicted.
    n_predicted: u64,
    /// What they come to.
    report: Report,
    /// How values are spread, by column.
    spreads: Vec<Spread>,
}

/// How the values of a column are spread, in training and now.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Spread {
    name: String,
    /// The inner edges of the bins, of numbers.
    #[serde(default)]
    edges: Option<Vec<f64>>,
    expected: Vec<u64>,
    found: Vec<u64>,
}

/// One line of the table.
struct Line<'a> {
    report: &'a ColumnReport,
    spread: Option<&'a Spread>,
    /// From the package, where that is known.
    trained: Option<&'a ColumnReference>,
    is_prediction: bool,
}

impl Drift {
    /// The same by another recipe.
    fn by(mut self, recipe: Recipe, n_reference: u64) -> Self {
        let columns = self.report.inputs.iter_mut().chain(&mut self.report.prediction);
        for (verdict, scores) in columns.filter_map(|column| Some((&mut column.verdict, column.scores?))) {
            *verdict = recipe.verdict(&scores, n_reference);
        }
        self.report.recipe = recipe;
        self
    }

    /// Rows of training, where the package does not say.
    fn n_expected(&self) -> u64 {
        self.spreads.iter().map(|spread| spread.expected.iter().sum()).max().unwrap_or_default()
    }

    fn lines<'a>(&'a self, reference: Option<&'a Reference>) -> Vec<Line<'a>> {
        let line = |report: &'a ColumnReport, trained, is_prediction| {
            let spread = self.spreads.iter().find(|spread| spread.name == report.name);
            Line { report, spread, trained, is_prediction }
        };
        let inputs = self.report.inputs.iter().map(|report| {
            let trained = reference.and_then(|all| all.inputs.iter().find(|column| column.name == report.name));
            line(report, trained, false)
        });
        let predicted = reference.and_then(|reference| reference.prediction.as_ref());
        let prediction = self.report.prediction.iter().map(|report| line(report, predicted, true));
        let mut lines: Vec<Line> = inputs.chain(prediction).collect();
        // What needs a look comes first; equal ones stay in the order of the signature.
        sort_by(&mut lines, |a, b| {
            urgency(b.report).cmp(&urgency(a.report)).then(psi(b.report).total_cmp(&psi(a.report)))
        });
        lines
    }
}

fn urgency(report: &ColumnReport) -> u8 {
    match report.verdict {
        Verdict::Drift => 3,
        Verdict::Watch => 2,
        Verdict::Stable => 1,
        Verdict::NoData | Verdict::TooFewRows { .. } => 0,
    }
}

fn psi(report: &ColumnReport) -> f64 {
    report.scores.map_or(0.0, |scores| scores.psi)
}

/// The table.
pub fn drift(monitor: Monitor) -> AnyView {
    let chosen = RwSignal::new(0_usize);
    let recipe = RwSignal::new(Recipe::default());
    let found = Memo::new(move |_| {
        let endpoint = monitor.endpoint();
        monitor.data.with(|data| {
            let all = data.drift.as_ref()?;
            let ours = all.iter().filter(|drift| drift.served.endpoint == endpoint && !drift.served.is_mirror);
            Some(ours.cloned().collect::<Vec<Drift>>())
        })
    });
    let content = move || {
        found.with(|found| match found {
            None => note("This host does not watch for drift yet", "Update it, or serve the model with a newer Millrace."),
            Some(all) if all.is_empty() => note(
                "No rows to compare yet",
                "Each column of the requests is compared with the rows of training, as soon as some came in.",
            ),
            Some(all) => {
                let one = &all[chosen.get().min(all.len() - 1)];
                let rows = monitor.data.with(|data| {
                    let reference = data.reference(&one.served);
                    let n_reference = reference.map_or_else(|| one.n_expected(), |reference| reference.n_rows);
                    table(&one.clone().by(recipe.get(), n_reference), reference)
                });
                view! { {rows}<p class="monitor__recipe">"Recipe: "{recipe.get().name()}". Nothing is said of fewer than "{MIN_ROWS}" rows."</p> }
                    .into_any()
            }
        })
    };
    let about = move || {
        let words = monitor.span.get().in_words();
        found.with(|found| {
            let one = found.as_ref().and_then(|all| all.get(chosen.get().min(all.len().saturating_sub(1))))?;
            let rows = if one.n_rows < one.n_predicted {
                format!("{} of {} rows", charts::grouped(one.n_rows), charts::grouped(one.n_predicted))
            } else {
                format!("{} rows", charts::grouped(one.n_rows))
            };
            Some(format!("{words} against training, {rows}"))
        })
    };
    let choice = move || {
        found.with(|found| {
            let all = found.as_ref().filter(|all| all.len() > 1)?;
            let options = all.iter().enumerate().map(|(at, drift)| {
                view! { <option value=at.to_string() selected=move || chosen.get() == at>{format!("v{}", drift.served.version)}</option> }
            });
            Some(view! {
                <select aria-label="Version whose rows are compared" on:change=move |event| chosen.set(event_target_value(&event).parse().unwrap_or_default())>
                    {options.collect_view()}
                </select>
            })
        })
    };
    let choose_recipe = move |event| {
        let named = event_target_value(&event);
        if let Some((chosen, _)) = Recipe::ALL.into_iter().find(|(_, name)| *name == named) {
            recipe.set(chosen);
        }
    };
    let recipes = Recipe::ALL.map(|(_, name)| view! { <option value=name>{name}</option> });
    let recipes = view! {
        <select aria-label="What is called drift" title="What is called drift" on:change=choose_recipe>{recipes}</select>
    };
    view! {
        <section class="monitor__drift" aria-labelledby="monitor-drift-title" data-region="monitor-drift">
            <header>
                <h2 id="monitor-drift-title" title="Azure model monitor: data_drift, prediction_drift, data_quality">"Drift by column"</h2>
                <small class="truncate">{about}</small>
                {choice}
                {recipes}
                <span class="monitor__legend"><i class="monitor__legend-bar"></i>"training"<i class="monitor__legend-line"></i>"live"</span>
            </header>
            {content}
        </section>
    }
    .into_any()
}

fn note(headline: &str, words: &str) -> AnyView {
    view! { <div class="empty monitor__note">{icon("scale")}<b>{headline.to_owned()}</b><p>{words.to_owned()}</p></div> }.into_any()
}

fn table(drift: &Drift, reference: Option<&Reference>) -> AnyView {
    let rows = drift.lines(reference).into_iter().map(|line| row(&line)).collect_view();
    view! {
        <div class="monitor__scroll" tabindex="0" role="region" aria-label="Columns and how far they drifted">
            <table class="monitor__drift-table">
                <thead><tr>
                    <th scope="col">"Column"</th>
                    <th scope="col">"Distribution"</th>
                    <th scope="col" title="Population stability index; marks at 0.10 and 0.25">"PSI, with 0.10 and 0.25"</th>
                    <th scope="col" class="num" title="Azure: null_value_rate">"Missing"</th>
                    <th scope="col" class="num">"before"</th>
                    <th scope="col">"State"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(line: &Line) -> AnyView {
    let report = line.report;
    let kind = match (line.is_prediction, line.spread.is_some_and(|spread| spread.edges.is_some())) {
        (true, _) => "target",
        (false, true) => "hash",
        (false, false) => "tag",
    };
    let missing = report.quality.null_rate.map_or_else(|| "–".to_owned(), share_words);
    let before = line.trained.map(|trained| {
        let n = trained.n_missing + n_values(trained);
        if n == 0 { "–".to_owned() } else { share_words(trained.n_missing as f64 / n as f64) }
    });
    let other = others(report);
    view! {
        <tr>
            <th scope="row">{small_icon(kind)}<code>{report.name.clone()}</code>{line.is_prediction.then_some(" predicted")}{other}</th>
            <td>{line.spread.map(|spread| distribution(spread, line.trained))}</td>
            <td>{report.scores.as_ref().map(|scores| index(scores, report.verdict))}</td>
            <td class="num">{missing}</td>
            <td class="num monitor__quiet">{before}</td>
            <td>{state(report)}</td>
        </tr>
    }
    .into_any()
}

/// What else is wrong with the values of a column.
fn others(report: &ColumnReport) -> Option<AnyView> {
    let quality = &report.quality;
    let named = [
        (quality.type_error_rate, "of another kind"),
        (quality.out_of_bounds_rate, "out of range"),
        (quality.unseen_category_rate, "never seen in training"),
    ];
    let told = named.into_iter().filter_map(|(rate, words)| {
        let rate = rate.filter(|rate| *rate > 0.0)?;
        Some(format!("{} {words}", share_words(rate)))
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| {
        let words = told.join(", ");
        view! { <small class="monitor__quality" title=words.clone()>{words.clone()}</small> }.into_any()
    })
}

fn state(report: &ColumnReport) -> AnyView {
    let (class, name, words) = match report.verdict {
        Verdict::Drift => ("state state--failed", "octagon-alert", "act".to_owned()),
        Verdict::Watch => ("state state--stale", "triangle-alert", "watch".to_owned()),
        Verdict::Stable => ("state state--ran", "circle-check", "stable".to_owned()),
        Verdict::TooFewRows { found } => ("state state--idle", "circle-dashed", format!("{found} of {MIN_ROWS} rows")),
        Verdict::NoData => ("state state--idle", "circle-dashed", "no values".to_owned()),
    };
    let because = report.scores.map(|scores| {
        let test = scores.significance;
        format!("{}: p {} adjusted for the number of columns", test.test.name(), p_words(test.adjusted_p_value))
    });
    view! { <span class=class title=because>{small_icon(name)}{words}</span> }.into_any()
}

fn p_words(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

fn index(scores: &Scores, verdict: Verdict) -> AnyView {
    let class = match verdict {
        Verdict::Drift => "monitor__psi monitor__psi--act",
        Verdict::Watch => "monitor__psi monitor__psi--watch",
        Verdict::Stable | Verdict::NoData | Verdict::TooFewRows { .. } => "monitor__psi",
    };
    let length = 110.0 * (scores.psi / PSI_END).clamp(0.02, 1.0);
    let mark = |at: f64| format!("M{:.1} 1V13", 110.0 * at / PSI_END);
    let more = format!(
        "Jensen-Shannon {:.3}, total variation {:.3}{}",
        scores.jensen_shannon,
        scores.total_variation,
        scores.wasserstein.map_or_else(String::new, |distance| format!(", Wasserstein {distance:.3}"))
    );
    view! {
        <span class=class title=more>
            <svg viewBox="0 0 112 14" preserveAspectRatio="none" aria-hidden="true">
                <rect y="4" width="110" height="6" rx="3"></rect>
                <rect class="monitor__psi-bar" y="4" width=format!("{length:.1}") height="6" rx="3"></rect>
                <path d=format!("{}{}", mark(0.1), mark(0.25))></path>
            </svg>
            <b>{format!("{:.2}", scores.psi)}</b>
        </span>
    }
    .into_any()
}

fn n_values(reference: &ColumnReference) -> u64 {
    match &reference.shape {
        Shape::Numbers { counts, .. } => counts.iter().sum(),
        Shape::Categories { counts, n_others, .. } => counts.iter().sum::<u64>() + n_others,
    }
}

/// Shares by bin: training as bars, live as a line. Deciles of training are equally full by their nature, so a bin's
/// height is its share over its width, as in a histogram.
fn distribution(spread: &Spread, trained: Option<&ColumnReference>) -> Option<AnyView> {
    const SIZE: (f64, f64) = (124.0, 22.0);
    let share = |counts: &[u64]| {
        let n = counts.iter().sum::<u64>().max(1) as f64;
        counts.iter().map(|count| *count as f64 / n).collect::<Vec<f64>>()
    };
    let (trained, live, widths) = match &spread.edges {
        Some(edges) => (share(&spread.expected), share(&spread.found), widths(edges, trained)),
        None => {
            let mut order: Vec<usize> = (0..spread.expected.len()).collect();
            // What training did not name stays last.
            order.pop();
            sort_by(&mut order, |a, b| spread.expected[*b].cmp(&spread.expected[*a]));
            let folded = |shares: &[f64]| {
                let kept = order.iter().take(N_CATEGORIES).filter_map(|at| shares.get(*at).copied());
                let kept: Vec<f64> = kept.collect();
                let rest = (1.0 - kept.iter().sum::<f64>()).max(0.0);
                kept.into_iter().chain([rest]).collect::<Vec<f64>>()
            };
            let (mut trained, mut live) = (folded(&share(&spread.expected)), folded(&share(&spread.found)));
            if trained.last().zip(live.last()).is_some_and(|(a, b)| a + b < 1e-9) {
                trained.pop();
                live.pop();
            }
            let n = trained.len();
            (trained, live, vec![1.0; n])
        }
    };
    let (total, n) = (widths.iter().sum::<f64>(), trained.len());
    if total <= 0.0 || live.len() != n || widths.len() != n {
        return None;
    }
    let density = |shares: &[f64]| shares.iter().zip(&widths).map(|(share, width)| share / width).collect::<Vec<f64>>();
    let (trained, live) = (density(&trained), density(&live));
    let highest = trained.iter().chain(&live).copied().fold(f64::MIN_POSITIVE, f64::max);
    let y = |density: f64| SIZE.1 - 20.5 * density / highest;
    let mut left = 0.0;
    let mut bars = Vec::new();
    let mut line = String::new();
    for ((trained, live), width) in trained.iter().zip(&live).zip(&widths) {
        let width = SIZE.0 * width / total;
        let top = y(*trained);
        bars.push(view! { <rect x=format!("{left:.1}") y=format!("{top:.1}") width=format!("{:.1}", (width - 1.0).max(0.6)) height=format!("{:.1}", SIZE.1 - top)></rect> });
        let start = if line.is_empty() { "M" } else { "L" };
        line += &format!("{start}{left:.1} {:.1}H{:.1}", y(*live), left + width);
        left += width;
    }
    Some(view! { <svg class="monitor__distribution" viewBox="0 0 124 23" preserveAspectRatio="none" aria-hidden="true">{bars}<path d=line></path></svg> }.into_any())
}

/// How wide bins are. The outermost end at the smallest and the largest value of training; where these are not known they
/// are as wide as their neighbours.
fn widths(edges: &[f64], trained: Option<&ColumnReference>) -> Vec<f64> {
    let inner: Vec<f64> = edges.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let neighbour = |width: Option<&f64>| width.copied().unwrap_or(1.0);
    let (mut first, mut last) = (neighbour(inner.first()), neighbour(inner.last()));
    if let (Some(Shape::Numbers { min, max, .. }), Some(low), Some(high)) =
        (trained.map(|column| &column.shape), edges.first(), edges.last())
    {
        (first, last) = (low - min, max - high);
    }
    let all: Vec<f64> = [first].into_iter().chain(inner).chain([last]).collect();
    let least = all.iter().sum::<f64>() / 60.0;
    all.into_iter().map(|width| width.max(least)).collect()
}
