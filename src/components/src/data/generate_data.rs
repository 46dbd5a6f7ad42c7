//! Made-up data whose truth is known: points in the plane, a linear law, and a table of customers.
//!
//! Everything is drawn from `numeric::Stream` and computed with `numeric`'s functions, so that the
//! same settings give the same bits everywhere.

use std::f64::consts::PI;

use engine::{Component, Flow, FlowError, Job, JobError, Out, Param, Running};
use model::{NewColumn, NewValues};
use numeric::{Stream, cos, exp, sin, sqrt};
use pipeline::{Family, Spec};
use protocol::Panel;
use schema::{Column, Kind, Role, Schema};
use table::Table;

use crate::{failures, memory};

const TABLE: Out<Table> = Out::new("table");
const SHAPE: Param<String> = Param::choice(
    "shape",
    &[
        ("moons", "Two moons"),
        ("circles", "Two circles"),
        ("blobs", "Blobs"),
        ("spirals", "Spirals"),
        ("regression", "Linear law"),
        ("churn", "Customers who leave"),
    ],
    "moons",
)
.label("What to generate")
.help("Moons, circles, blobs and spirals are points in the plane with a group to tell; the linear law has a number to predict; customers are a realistic table with gaps in it.");
const N_ROWS: Param<u32> = Param::int("n_rows", 500)
    .range(10, 1_000_000)
    .log()
    .label("Rows")
    .help("More rows make results steadier and training longer.");
const N_GROUPS: Param<u32> = Param::int("n_groups", 3)
    .range(2, 10)
    .label("Groups")
    .help("How many blobs or spiral arms there are; the points are shared out evenly among them.")
    .when("shape", &["blobs", "spirals"]);
const N_FEATURES: Param<u32> = Param::int("n_features", 5)
    .range(1, 100)
    .label("Columns")
    .help("The first five columns matter, each less than the one before; those beyond have no influence at all.")
    .when("shape", &["regression"]);
const NOISE: Param<f64> = Param::float("noise", 0.2)
    .range(0.0, 10.0)
    .label("Noise")
    .help("Standard deviation of the random shift. At 0 the law can be learned without error; at 1 the moons run into each other.")
    .when("shape", &["moons", "circles", "spirals", "regression"]);
const SPREAD: Param<f64> = Param::float("spread", 1.0)
    .range(0.0, 10.0)
    .label("Spread")
    .help("Standard deviation of each blob. Centres lie in a square of side 20, so above 3 the blobs overlap.")
    .when("shape", &["blobs"]);
const SEED: Param<u64> =
    Param::seed("seed", 42).label("Seed").help("Another number gives another sample of the same kind.");

/// Generate Data.
pub struct GenerateData;

impl Component for GenerateData {
    fn spec(&self) -> Spec {
        Spec::new("data.generate-data", 1, Family::Data, "Generate Data")
            .with_summary("Made-up data whose truth is known.")
            .with_help(
                "Data made by a known rule, to see what a method can and cannot learn. The column to predict has the \
                 role of *target*.\n\n\
                 - *Two moons*: half circles that reach into each other; no straight line parts them\n\
                 - *Two circles*: one inside the other\n\
                 - *Blobs*: round heaps of points around random centres\n\
                 - *Spirals*: arms wound around each other\n\
                 - *Linear law*: `y = 5 x1 - 4 x2 + 3 x3 - 2 x4 + x5 + noise`, every `x` normally distributed\n\
                 - *Customers who leave*: a telephone company's customers, synthetic. Whether a customer churned is \
                 drawn from a logistic law: short contracts, few months, fibre, electronic checks and many support \
                 calls make leaving likely. About 27 % leave, 3 to 8 % of three columns are missing, and dates are \
                 ignored by learners until you use them\n\n\
                 No real person is in any of these tables.",
            )
            .with_keywords("synthetic moons circles blobs spirals regression churn customers random toy paint")
            .with_icon("sparkles")
            .with_caption("{shape} · {n_rows} rows")
            .with_output(TABLE)
            .with_param(SHAPE)
            .with_param(N_ROWS)
            .with_param(N_GROUPS)
            .with_param(N_FEATURES)
            .with_param(NOISE)
            .with_param(SPREAD)
            .with_param(SEED)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        // Few rows have the same columns as many.
        let settings = Settings {
            shape: flow.param(SHAPE).unwrap_or_default(),
            n_rows: 10,
            n_groups: flow.param(N_GROUPS).unwrap_or(2).into(),
            n_features: flow.param(N_FEATURES).unwrap_or(1) as usize,
            noise: 0.0,
            spread: 0.0,
            seed: 0,
        };
        let columns = settings.columns().into_iter().map(|new| new.column).collect();
        flow.output(TABLE, Schema::new(columns));
        Ok(())
    }

    /// As values, and as columns of a table.
    fn memory(&self, job: &Job<'_>) -> u64 {
        let n_columns = match job.param(SHAPE).unwrap_or_default().as_str() {
            "regression" => job.param(N_FEATURES).unwrap_or_default() as usize + 8,
            "churn" => 24,
            _ => 8,
        };
        memory::columns(job.param(N_ROWS).unwrap_or_default() as usize, n_columns)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let seed = Stream::fork(job.seed(), job.param(SEED)?).next_u64();
            let settings = Settings {
                shape: job.param(SHAPE)?,
                n_rows: job.param(N_ROWS)? as usize,
                n_groups: job.param(N_GROUPS)?.into(),
                n_features: job.param(N_FEATURES)? as usize,
                noise: job.param(NOISE)?,
                spread: job.param(SPREAD)?,
                seed,
            };
            job.checkpoint(0.0, "").await?;
            let table = settings.table()?;
            if matches!(settings.shape.as_str(), "moons" | "circles" | "blobs" | "spirals") {
                job.show(dots(&table));
            }
            job.output(TABLE, table);
            job.panel(Panel::Facts {
                title: "About this data".into(),
                heads: vec!["What".into(), "Answer".into()],
                rows: vec![
                    vec!["Source".into(), "Synthetic: drawn at random by the rule in the node's help".into()],
                    vec!["Licence".into(), "None needed".into()],
                ],
            });
            Ok(())
        })
    }
}

/// Up to 120 points as a miniature, scaled to the unit square.
fn dots(table: &Table) -> protocol::Face {
    let frame = table.frame();
    let axis = |name: &str| -> Vec<f64> {
        match frame.column(name).map(|column| &column.values) {
            Some(model::Values::Number(values)) => {
                let step = (values.len() / 120).max(1);
                let low = values.iter().copied().fold(f64::INFINITY, f64::min);
                let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let span = if high > low { high - low } else { 1.0 };
                values.iter().step_by(step).map(|x| (x - low) / span).collect()
            }
            _ => Vec::new(),
        }
    };
    let points = axis("x").into_iter().zip(axis("y")).map(|(x, y)| (x as f32, y as f32)).collect();
    protocol::Face::Dots(points)
}

struct Settings {
    shape: String,
    n_rows: usize,
    n_groups: u64,
    n_features: usize,
    noise: f64,
    spread: f64,
    seed: u64,
}

impl Settings {
    fn table(&self) -> Result<Table, JobError> {
        Table::from_new_columns(self.columns(), self.n_rows).map_err(|error| failures::from_table(&error))
    }

    fn columns(&self) -> Vec<NewColumn> {
        match self.shape.as_str() {
            "regression" => self.regression(),
            "churn" => churn(self.n_rows, self.seed),
            "blobs" => self.blobs(),
            "spirals" => self.plane(self.n_groups, |group, share, n_groups| {
                // Square roots spread the points evenly along the arm.
                let radius = sqrt(share);
                let angle = 2.0 * PI * (1.25 * radius + group as f64 / n_groups as f64);
                (3.0 * radius * cos(angle), 3.0 * radius * sin(angle))
            }),
            "circles" => self.plane(2, |group, share, _| {
                let radius = if group == 0 { 1.0 } else { 0.5 };
                (radius * cos(2.0 * PI * share), radius * sin(2.0 * PI * share))
            }),
            _ => self.plane(2, |group, share, _| {
                let (x, y) = (cos(PI * share), sin(PI * share));
                if group == 0 { (x, y) } else { (1.0 - x, 0.5 - y) }
            }),
        }
    }

    /// Points of `n_groups` curves, evenly spaced along each, shifted by the noise and shuffled.
    fn plane(&self, n_groups: u64, curve: impl Fn(u64, f64, u64) -> (f64, f64)) -> Vec<NewColumn> {
        let mut stream = Stream::new(self.seed);
        let n_rows = self.n_rows as u64;
        let mut points: Vec<(f64, f64, u64)> = (0..n_rows)
            .map(|row_idx| {
                let group = row_idx % n_groups;
                let n_in_group = (n_rows - group).div_ceil(n_groups);
                let share = (row_idx / n_groups) as f64 / (n_in_group.max(2) - 1) as f64;
                let (x, y) = curve(group, share, n_groups);
                (x + self.noise * stream.normal(), y + self.noise * stream.normal(), group)
            })
            .collect();
        stream.shuffle(&mut points);
        plane_columns(&points, n_groups)
    }

    fn blobs(&self) -> Vec<NewColumn> {
        let mut stream = Stream::new(self.seed);
        let mut centers: Vec<(f64, f64)> = Vec::new();
        for _ in 0..self.n_groups {
            // Centres keep away from each other where a few tries find room.
            let mut center = (0.0, 0.0);
            for _ in 0..50 {
                center = (20.0 * stream.uniform() - 10.0, 20.0 * stream.uniform() - 10.0);
                if centers.iter().all(|(x, y)| {
                    let (dx, dy) = (center.0 - x, center.1 - y);
                    dx * dx + dy * dy > 25.0
                }) {
                    break;
                }
            }
            centers.push(center);
        }
        let mut points: Vec<(f64, f64, u64)> = (0..self.n_rows as u64)
            .map(|row_idx| {
                let group = row_idx % self.n_groups;
                let (x, y) = centers[group as usize];
                (x + self.spread * stream.normal(), y + self.spread * stream.normal(), group)
            })
            .collect();
        stream.shuffle(&mut points);
        plane_columns(&points, self.n_groups)
    }

    fn regression(&self) -> Vec<NewColumn> {
        const WEIGHTS: [f64; 5] = [5.0, -4.0, 3.0, -2.0, 1.0];
        let mut stream = Stream::new(self.seed);
        let mut columns = vec![Vec::with_capacity(self.n_rows); self.n_features];
        let mut y = Vec::with_capacity(self.n_rows);
        for _ in 0..self.n_rows {
            let mut sum = 0.0;
            for (column_idx, column) in columns.iter_mut().enumerate() {
                let x = stream.normal();
                sum += WEIGHTS.get(column_idx).copied().unwrap_or(0.0) * x;
                column.push(x);
            }
            y.push(sum + self.noise * stream.normal());
        }
        let mut made: Vec<_> = columns
            .into_iter()
            .enumerate()
            .map(|(column_idx, values)| {
                full(Column::new(format!("x{}", column_idx + 1), Kind::Number), NewValues::Number(values))
            })
            .collect();
        made.push(full(Column::new("y", Kind::Number).with_role(Role::Target), NewValues::Number(y)));
        made
    }
}

fn full(column: Column, values: NewValues) -> NewColumn {
    NewColumn { column, values, valid: None }
}

fn plane_columns(points: &[(f64, f64, u64)], n_groups: u64) -> Vec<NewColumn> {
    let dictionary = (0..n_groups).map(|group| char::from(b'A' + group as u8).to_string()).collect();
    let codes = points.iter().map(|point| point.2 as i32).collect();
    vec![
        full(Column::new("x", Kind::Number), NewValues::Number(points.iter().map(|point| point.0).collect())),
        full(Column::new("y", Kind::Number), NewValues::Number(points.iter().map(|point| point.1).collect())),
        full(Column::new("group", Kind::Category).with_role(Role::Target), NewValues::Category { codes, dictionary }),
    ]
}

/// Columns of the customers' table while it grows.
#[derive(Default)]
struct Customers {
    id: Vec<String>,
    signed_up: Vec<i64>,
    last_contact: Vec<i64>,
    age: Vec<i64>,
    has_age: Vec<bool>,
    region: Vec<i32>,
    has_region: Vec<bool>,
    contract: Vec<i32>,
    payment: Vec<i32>,
    internet: Vec<i32>,
    paperless: Vec<bool>,
    tenure: Vec<i64>,
    support_calls: Vec<i64>,
    monthly: Vec<f64>,
    total: Vec<f64>,
    has_total: Vec<bool>,
    churned: Vec<i32>,
}

const REGIONS: [&str; 4] = ["East", "North", "South", "West"];
const CONTRACTS: [&str; 3] = ["Month-to-month", "One year", "Two year"];
const PAYMENTS: [&str; 4] = ["Bank transfer", "Credit card", "Electronic check", "Mailed check"];
const INTERNET: [&str; 3] = ["DSL", "Fibre", "None"];

/// Customers of a telephone company that does not exist. The figures of the law were chosen so that about 27 in
/// 100 leave and a good model reaches an AUC of about 0.85.
fn churn(n_rows: usize, seed: u64) -> Vec<NewColumn> {
    const DAY_MS: i64 = 86_400_000;
    /// 1 January 2026.
    const TODAY_MS: i64 = 20_454 * DAY_MS;
    let mut stream = Stream::new(seed);
    let mut made = Customers::default();
    for row_idx in 0..n_rows {
        let contract = pick(&mut stream, &[0.55, 0.21, 0.24]);
        let longest = [40.0, 60.0, 72.0][contract];
        let tenure = 1 + (longest * stream.uniform() * sqrt(stream.uniform())) as i64;
        let internet = pick(&mut stream, &[0.34, 0.44, 0.22]);
        let payment = pick(&mut stream, &[0.22, 0.22, 0.34, 0.22]);
        let paperless = stream.uniform() < 0.59;
        let age = 18 + (62.0 * stream.uniform()) as i64;
        let region = stream.below(4) as i32;
        let support_calls = {
            // Geometric: most never call, a few call often.
            let mut n = 0;
            while n < 12 && stream.uniform() < 0.42 {
                n += 1;
            }
            n
        };
        let monthly = cents([48.0, 82.0, 22.0][internet] + 9.0 * stream.normal() + 4.0 * stream.uniform()).max(15.0);
        let total = cents(monthly * tenure as f64 * (0.96 + 0.08 * stream.uniform()));

        let log_odds = [0.35, -1.1, -2.2][contract] + [-0.3, 0.75, -0.9][internet] + [-0.25, -0.25, 0.5, -0.1][payment]
            - 0.045 * tenure as f64
            + 0.42 * f64::from(support_calls)
            + 0.012 * (monthly - 60.0)
            + if paperless { 0.2 } else { 0.0 }
            - 0.68;
        let churned = stream.uniform() < 1.0 / (1.0 + exp(-log_odds));

        let signed_up = TODAY_MS - tenure * 30 * DAY_MS - stream.below(30) as i64 * DAY_MS;
        // A contact at any minute between then and now.
        let minutes = (TODAY_MS - signed_up) / 60_000;
        made.id.push(format!("C-{:06}", row_idx + 1));
        made.signed_up.push(signed_up);
        made.last_contact.push(signed_up + stream.below(minutes as u64) as i64 * 60_000);
        made.age.push(age);
        made.has_age.push(stream.uniform() >= 0.05);
        made.region.push(region);
        made.has_region.push(stream.uniform() >= 0.03);
        made.contract.push(contract as i32);
        made.payment.push(payment as i32);
        made.internet.push(internet as i32);
        made.paperless.push(paperless);
        made.tenure.push(tenure);
        made.support_calls.push(support_calls.into());
        made.monthly.push(monthly);
        made.total.push(total);
        made.has_total.push(stream.uniform() >= 0.08);
        made.churned.push(churned.into());
    }
    made.columns()
}

impl Customers {
    fn columns(self) -> Vec<NewColumn> {
        let category = |name: &str, codes: Vec<i32>, names: &[&str]| {
            let dictionary = names.iter().map(|&name| name.to_owned()).collect();
            full(Column::new(name, Kind::Category), NewValues::Category { codes, dictionary })
        };
        let gaps = |mut new: NewColumn, valid: Vec<bool>| {
            new.valid = Some(valid);
            new
        };
        let integer = |name: &str, values| full(Column::new(name, Kind::Integer), NewValues::Integer(values));
        let number = |name: &str, values| full(Column::new(name, Kind::Number), NewValues::Number(values));
        let moment = |name: &str, values| {
            full(Column::new(name, Kind::DateTime).with_role(Role::Ignored), NewValues::DateTime(values))
        };
        let mut churned = category("churned", self.churned, &["no", "yes"]);
        churned.column.role = Role::Target;
        vec![
            full(Column::new("customer_id", Kind::Text).with_role(Role::Id), NewValues::Text(self.id)),
            moment("signed_up", self.signed_up),
            moment("last_contact", self.last_contact),
            gaps(integer("age", self.age), self.has_age),
            gaps(category("region", self.region, &REGIONS), self.has_region),
            category("contract", self.contract, &CONTRACTS),
            category("payment", self.payment, &PAYMENTS),
            category("internet", self.internet, &INTERNET),
            full(Column::new("paperless", Kind::Boolean), NewValues::Boolean(self.paperless)),
            integer("tenure_months", self.tenure),
            integer("support_calls", self.support_calls),
            number("monthly_charges", self.monthly),
            gaps(number("total_charges", self.total), self.has_total),
            churned,
        ]
    }
}

/// Which of these shares, which sum to 1.
fn pick(stream: &mut Stream, shares: &[f64]) -> usize {
    let mut rest = stream.uniform();
    for (idx, share) in shares.iter().enumerate() {
        rest -= share;
        if rest < 0.0 {
            return idx;
        }
    }
    shares.len() - 1
}

/// Rounded to two decimals.
fn cents(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use engine::testing::run_component;
    use model::Values;
    use pipeline::Value;

    use super::*;

    fn generated(shape: &str, n_rows: i64) -> Table {
        let params = vec![("shape", Value::Text(shape.into())), ("n_rows", Value::Int(n_rows))];
        let done = run_component(&GenerateData, vec![], params, 7).unwrap();
        let engine::Artifact::Table(table) = done.outputs["table"].clone() else { panic!("a table") };
        table
    }

    #[test]
    fn every_shape_gives_the_rows_asked_for_twice_the_same() {
        for shape in ["moons", "circles", "blobs", "spirals", "regression", "churn"] {
            for n_rows in [10, 301] {
                let table = generated(shape, n_rows);
                assert_eq!(table.n_rows() as i64, n_rows);
                assert!(table.schema().target().is_some());
                assert_eq!(table.fingerprint(), generated(shape, n_rows).fingerprint(), "{shape}");
            }
        }
    }

    #[test]
    fn about_27_in_100_customers_leave_and_some_values_are_missing() {
        let table = generated("churn", 7_000);
        let frame = table.frame();
        let churned = frame.column("churned").unwrap();
        let Values::Category { codes, .. } = &churned.values else { panic!("a category") };
        let share = codes.iter().sum::<i32>() as f64 / 7_000.0;
        assert!((0.25..0.29).contains(&share), "{share}");
        for (name, expected) in [("age", 0.05), ("region", 0.03), ("total_charges", 0.08)] {
            let column = frame.column(name).unwrap();
            let n_missing = (0..frame.n_rows).filter(|&row_idx| !column.is_valid(row_idx)).count();
            assert!((n_missing as f64 / 7_000.0 - expected).abs() < 0.01, "{name}: {n_missing}");
        }
    }
}
