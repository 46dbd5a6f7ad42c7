//! How long a table of runs takes: `cargo run --release -p experiment --example table_speed`.
//!
//! 10,000 runs with 30 columns: 10 metrics and 20 parameters of two learners. Each figure is the median of 15.

use std::time::Instant;

use experiment::{
    Changes, IndexEntry, MetricRecord, ParamValue, Query, RunKey, RunState, RunTable, Scalar, SortKey, View, compare,
    pipeline_hash, read_index, write_entry,
};
use pipeline::{NodeId, Pipeline};
use protocol::Direction;

const N_RUNS: u32 = 10_000;
const N_METRICS: usize = 10;
const N_PARAMS: usize = 10;

fn main() {
    let mut random = Random(2_026);
    let entries: Vec<_> = (0..N_RUNS).map(|number| entry(number, &mut random)).collect();
    let text: String = entries.iter().map(write_entry).collect();
    println!("{N_RUNS} runs × {} columns, index of {:.1} MB", N_METRICS + 2 * N_PARAMS, text.len() as f64 / 1e6);
    time("read the index", || read_index(&text).entries.len());
    time("build the table", || RunTable::new(entries.clone()).len());
    time("  of which copying its input", || entries.clone().len());

    let mut table = RunTable::new(entries.clone());
    let all = table.all();
    time("bring one run up to date", || table.insert(entries[5_000].clone()));
    let sort = |columns: &[(&str, bool)]| {
        let by: Vec<_> = columns
            .iter()
            .map(|(name, descending)| SortKey { column: (*name).into(), descending: *descending })
            .collect();
        let mut rows = all.clone();
        table.sort(&mut rows, &by).expect("the columns are there");
        rows[0] + 1
    };
    time("sort by a metric", || sort(&[("metric_0", true)]));
    time("sort by name", || sort(&[("name", false)]));
    time("sort by a text parameter, then a metric", || sort(&[("kind", false), ("metric_1", true)]));
    for text in [
        "metric_0 > 0.5",
        "metric.metric_0 > 0.9 and param.param_3 <= 200 and tag:baseline",
        "(metric_0 > 0.8 or metric_1 < 0.2) and not kind = balanced and name ~ \"run 1\"",
        "needle",
    ] {
        let query = Query::parse(text).expect("it is a query");
        let n = table.filter(&query).expect("its names are there").len();
        time(&format!("filter {text} ({n} runs)"), || table.filter(&query).map(|rows| rows.len()).unwrap_or_default());
    }
    let measures: Vec<String> = (0..N_METRICS).map(|idx| format!("metric_{idx}")).collect();
    for by in ["learner", "kind", "param_3", "tag"] {
        let groups = table.group(&all, &[by.into()], &measures).expect("the columns are there").len();
        time(&format!("group by {by}, {N_METRICS} measures ({groups} groups)"), || {
            table.group(&all, &[by.into()], &measures).map(|groups| groups.len()).unwrap_or_default()
        });
    }
    time("compare 20 runs", || compare(&table, &all[..20], 0, true).rows.len());
    let view = View { selected: entries.iter().take(100).map(|entry| entry.id.clone()).collect(), ..View::default() };
    time("a view of 100 runs to a link and back", || {
        View::from_link(&view.to_link()).map(|v| v.selected.len()).unwrap_or(0)
    });
}

/// Prints the median time of a step, whose result is used so that it cannot be left out.
fn time(what: &str, mut step: impl FnMut() -> usize) {
    let mut times: Vec<f64> = Vec::new();
    let mut sum = 0;
    for _ in 0..15 {
        let start = Instant::now();
        sum += step();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    assert!(sum > 0 || what.contains("(0 "), "{what} did nothing");
    println!("{:8.2} ms  {what}", times[7]);
}

/// Numerical Recipes' generator.
struct Random(u32);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((u64::from(self.0) * u64::from(n)) >> 32) as u32
    }

    fn uniform(&mut self) -> f64 {
        f64::from(self.below(1_000_000)) / 1e6
    }
}

fn entry(number: u32, random: &mut Random) -> IndexEntry {
    let node = |name: &str| NodeId::new(name).expect("it is a node id");
    let metric = |idx: usize, value: f64| MetricRecord {
        node: node("evaluate"),
        name: format!("metric_{idx}"),
        label: format!("Metric {idx}"),
        value,
        better: Some(if idx.is_multiple_of(3) { Direction::Lower } else { Direction::Higher }),
        n_rows: Some(2_113),
        repeats: None,
    };
    let learner = ["forest", "logistic"][random.below(2) as usize];
    let param = |of: &str, name: String, value| ParamValue { node: node(of), name, value };
    let kind = ["none", "balanced", "by share", "given"][random.below(4) as usize];
    let mut params = vec![param(learner, "kind".into(), Scalar::Text(kind.into()))];
    for idx in 1..N_PARAMS {
        let value = f64::from(random.below(10 * idx as u32) * 10);
        params.push(param(learner, format!("param_{idx}"), Scalar::Number(value)));
    }
    params.extend((0..N_PARAMS).map(|idx| param("split", format!("split_{idx}"), Scalar::Number(random.uniform()))));
    let started_at = 1_793_524_320_000 + u64::from(number) * 1_000;
    IndexEntry {
        id: RunKey::at(started_at, number),
        number,
        name: format!("Run {number}{}", if random.below(500) == 0 { " with a needle" } else { "" }),
        document: "doc-1".into(),
        pipeline_name: "Who leaves?".into(),
        pipeline: pipeline_hash(&Pipeline::new("")),
        changes: Changes::default(),
        seed: 42,
        data: "churn.csv 00112233".into(),
        engine: "0.1.0".into(),
        host: "Firefox 143, 8 cores".into(),
        started_at,
        elapsed_secs: random.uniform() * 10.0,
        state: RunState::Done,
        message: String::new(),
        learner: learner.into(),
        metrics: (0..N_METRICS).map(|idx| metric(idx, random.uniform())).collect(),
        params,
        test_rows: Vec::new(),
        tags: ["baseline", "candidate", "for class"][..random.below(4) as usize].iter().map(|t| (*t).into()).collect(),
        note: if random.below(10) == 0 { "Looks better than the one before".into() } else { String::new() },
        archived: false,
        trial: None,
    }
}
