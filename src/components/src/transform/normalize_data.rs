//! Rescales numeric columns so that they are comparable.
//!
//! What is learned from the input leaves through `transformation`, so that test rows are rescaled with the
//! figures of the training rows and never with their own.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, In, Job, NodeParams, Out, Param, Running, Scoring};
use learn::preprocess::{NormalizeMethod, NormalizeSettings, fit_normalize, normalized_schema};
use learn::transform::apply;
use model::{Rescale, Transform};
use pipeline::{Family, Spec};
use protocol::Panel;
use schema::{ColumnSelection, Kind};
use table::{Table, number_text};

use crate::failures;

const TABLE: In<Table> = In::new("table");
const NORMALIZED: Out<Table> = Out::new("table");
const TRANSFORMATION: Out<Arc<Transform>> = Out::new("transformation");
const COLUMNS: Param<ColumnSelection> = Param::columns("columns", "table", &[Kind::Number, Kind::Integer])
    .label("Columns")
    .help("A rule such as *all numbers* takes features only and leaves the target in its own unit; name a column to rescale it whatever its role.");
const METHOD: Param<String> = Param::choice(
    "method",
    &[
        ("zscore", "ZScore"),
        ("minmax", "MinMax"),
        ("logistic", "Logistic"),
        ("lognormal", "LogNormal"),
        ("tanh", "Tanh"),
    ],
    "zscore",
)
.label("Transformation method")
.help("ZScore suits most methods. MinMax keeps everything between 0 and 1, and lets one huge value squeeze all others together.");
const ZERO: Param<bool> = Param::switch("zero_for_constant_columns", true)
    .label("Use 0 for constant columns")
    .help("A column with a single value cannot be rescaled: it becomes 0, or stays as it is when this is off.");
const DDOF: Param<String> = Param::choice("deviation", &[("population", "n"), ("sample", "n − 1")], "population")
    .label("Deviation divides by")
    .help(
        "scikit-learn and the cloud designer divide by n, R and Spark by n − 1. With many rows it makes no difference.",
    )
    .when("method", &["zscore", "logistic", "tanh", "lognormal"]);

/// Normalize Data.
pub struct NormalizeData;

impl Component for NormalizeData {
    fn spec(&self) -> Spec {
        Spec::new("transform.normalize-data", 1, Family::Prepare, "Normalize Data")
            .with_summary("Rescales numeric columns so that they are comparable.")
            .with_help(
                "Puts columns on one scale, so that a salary in thousands does not drown an age in tens.\n\n\
                 - *ZScore*: `(x − mean) / deviation`; mean 0, deviation 1\n\
                 - *MinMax*: `(x − min) / (max − min)`; from 0 to 1\n\
                 - *Logistic*: `1 / (1 + e^−z)` of the z-score; outliers crowd at the ends\n\
                 - *LogNormal*: the share of a log-normal distribution below x; for incomes and prices, above 0 only\n\
                 - *Tanh*: `tanh z`; from −1 to 1\n\n\
                 Distances (k-nearest neighbours, k-means) and penalties (ridge, lasso, logistic) need it. Trees and \
                 forests do not: they only compare values within a column. Fit it on training rows, and use the \
                 `transformation` on test rows.",
            )
            .with_keywords("standardize scale zscore minmax rescale standard scaler")
            .with_icon("ruler")
            .with_caption("{method} · {columns}")
            .with_input(TABLE)
            .with_output(NORMALIZED)
            .with_output(TRANSFORMATION)
            .with_param(COLUMNS)
            .with_param(METHOD)
            .with_param(ZERO)
            .with_param(DDOF)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let Some(schema) = flow.input(TABLE) else { return Ok(()) };
        let settings = NormalizeSettings {
            columns: flow.param(COLUMNS).unwrap_or(ColumnSelection::All),
            ..NormalizeSettings::default()
        };
        let normalized = normalized_schema(schema, &settings)
            .map_err(|error| failures::flow_from_prepare(COLUMNS.name(), &error))?;
        flow.output(NORMALIZED, normalized);
        Ok(())
    }

    fn scoring(&self, _: NodeParams<'_>) -> Scoring {
        Scoring::Fitted { table: TABLE.name(), transformation: TRANSFORMATION.name() }
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let table = job.input(TABLE)?;
            let settings = NormalizeSettings {
                columns: job.param(COLUMNS)?,
                method: method(&job.param(METHOD)?),
                zero_for_constant_columns: job.param(ZERO)?,
                ddof: u8::from(job.param(DDOF)? == "sample"),
            };
            job.checkpoint(0.0, "").await?;
            let fitted = fit_normalize(&table, &settings).map_err(|error| failures::from_prepare(&error))?;
            job.checkpoint(0.5, "").await?;
            let normalized = apply(&fitted.transform, &table).map_err(|error| failures::from_apply(&error))?;
            if let Transform::Normalize(normalize) = &fitted.transform {
                let rows = normalize.columns.iter().map(|(name, _, rescale)| vec![name.clone(), said(*rescale)]);
                job.panel(Panel::Facts {
                    title: "How columns were rescaled".into(),
                    heads: vec!["Column".into(), "Formula".into()],
                    rows: rows.collect(),
                });
            }
            crate::tell(job, &fitted.notes);
            job.output(NORMALIZED, normalized);
            job.output(TRANSFORMATION, Arc::new(fitted.transform));
            Ok(())
        })
    }
}

fn method(name: &str) -> NormalizeMethod {
    match name {
        "minmax" => NormalizeMethod::MinMax,
        "logistic" => NormalizeMethod::Logistic,
        "lognormal" => NormalizeMethod::LogNormal,
        "tanh" => NormalizeMethod::Tanh,
        _ => NormalizeMethod::ZScore,
    }
}

fn said(rescale: Rescale) -> String {
    let z = |shift: f64, scale: f64| format!("(x − {}) / {}", number_text(shift), number_text(scale));
    match rescale {
        Rescale::Affine { shift, scale } => z(shift, scale),
        Rescale::Logistic { shift, scale } => format!("1 / (1 + e^−z), z = {}", z(shift, scale)),
        Rescale::LogNormal { mu, sigma } => {
            format!("log-normal distribution with μ = {}, σ = {}", number_text(mu), number_text(sigma))
        }
        Rescale::Tanh { shift, scale } => format!("tanh z, z = {}", z(shift, scale)),
        Rescale::Constant(constant) => format!("{} (the column has one value)", number_text(constant)),
    }
}
