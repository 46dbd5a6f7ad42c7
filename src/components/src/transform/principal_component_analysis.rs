//! Describes rows by the few directions along which they differ most.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, In, Job, NodeParams, Out, Param, Running, Scoring};
use learn::transform::apply;
use learn::{ComponentsSettings, Keep};
use model::{Projection, Transform, component_name};
use pipeline::{Acceleration, Family, Spec};
use protocol::Face;
use schema::{Column, ColumnSelection, Kind};
use table::Table;

use crate::train::{Watched, component_panels};
use crate::{columns, failures};

const TABLE: In<Table> = In::new("table");
const PROJECTED: Out<Table> = Out::new("table");
const TRANSFORMATION: Out<Arc<Transform>> = Out::new("transformation");
const COLUMNS: Param<ColumnSelection> = Param::columns("columns", "table", columns::NUMBERS)
    .label("Columns")
    .help("What components are made of. A rule takes features only; the target stays out of it.");
const KEEP: Param<String> =
    Param::choice("keep", &[("count", "So many"), ("share", "A share of the variance")], "count")
        .label("Keep components")
        .help("A number of them, or as few as it takes to keep a share of what the columns say.");
const COUNT: Param<u32> = Param::int("n_components", 2)
    .range(1, 1_000)
    .label("Number of components")
    .help("At most as many as columns. Two can be drawn.")
    .when("keep", &["count"]);
const SHARE: Param<f64> = Param::float("share", 0.95)
    .range(0.01, 1.0)
    .label("Share of the variance")
    .help("What the components that are kept explain together. 1 keeps all that vary.")
    .when("keep", &["share"]);
const STANDARDIZE: Param<bool> = Param::switch("standardize", true)
    .label("Standardize columns")
    .help("Off, the column with the largest numbers becomes the first component nearly by itself.");
const STAY: Param<bool> = Param::switch("keep_columns", false)
    .label("Keep the columns")
    .help("On, the columns stay beside the components; else the components replace them.");

/// Principal Component Analysis.
pub struct PrincipalComponentAnalysis;

impl Component for PrincipalComponentAnalysis {
    fn spec(&self) -> Spec {
        Spec::new("transform.principal-component-analysis", 1, Family::Prepare, "Principal Component Analysis")
            .with_summary("Describes rows by the few directions along which they differ most.")
            .with_help(
                "Turns the axes: the first component is the direction along which rows differ most, the second the next \
                 at a right angle to it, and so on. `PC1 = w1 x1 + w2 x2 + …`, and all components are uncorrelated.\n\n\
                 Where columns say nearly the same, a few components say nearly all of it. That draws rows of many \
                 columns in a plane, steadies linear models, and takes noise out of distances. The output shows how much \
                 of the variance each component explains, and what it is made of.\n\n\
                 Of a direction and its opposite the one whose largest part is positive is taken. Test rows must go \
                 through the *transformation* of the training rows: Apply Transformation.",
            )
            .with_keywords("pca components dimension reduction eigen variance projection")
            .with_icon("maximize-2")
            .accelerated(Acceleration::Rounded)
            .with_caption("{n_components} components · {share} of the variance")
            .with_input(TABLE)
            .with_output(PROJECTED)
            .with_output(TRANSFORMATION)
            .with_param(COLUMNS)
            .with_param(KEEP)
            .with_param(COUNT)
            .with_param(SHARE)
            .with_param(STANDARDIZE)
            .with_param(STAY)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let (Some(schema), Some(selection)) = (flow.input(TABLE), flow.param(COLUMNS)) else { return Ok(()) };
        let column_idxs = columns::numbers(schema, &selection, COLUMNS.name())?;
        if flow.param(KEEP).is_some_and(|keep| keep == "share") {
            // How many it takes shows only when it runs.
            return Ok(());
        }
        let Some(count) = flow.param(COUNT) else { return Ok(()) };
        if count as usize > column_idxs.len() {
            let n = column_idxs.len();
            return Err(FlowError {
                place: COUNT.name().into(),
                message: format!("{count} components are wanted of {n} column{}", if n == 1 { "" } else { "s" }),
                help: format!("Keep {n} or fewer, or select more columns."),
            });
        }
        let made = (0..count as usize).map(|idx| Column::new(component_name(idx), Kind::Number)).collect();
        if let Some(schema) = columns::replaced(schema, &column_idxs, flow.param(STAY).unwrap_or(false), made) {
            flow.output(PROJECTED, schema);
        }
        Ok(())
    }

    fn scoring(&self, _: NodeParams<'_>) -> Scoring {
        Scoring::Fitted { table: TABLE.name(), transformation: TRANSFORMATION.name() }
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let table = job.input(TABLE)?;
            let column_idxs =
                columns::numbers(table.schema(), &job.param(COLUMNS)?, COLUMNS.name()).map_err(failures::from_flow)?;
            let keep = match job.param(KEEP)?.as_str() {
                "share" => Keep::Share(job.param(SHARE)?),
                _ => Keep::Count(job.param(COUNT)?),
            };
            let settings = ComponentsSettings { keep, standardize: job.param(STANDARDIZE)? };
            let keep = job.param(STAY)?;
            let (features, components) =
                learn::transform::fit_components(&settings, &table, &column_idxs, &mut Watched(job))
                    .await
                    .map_err(|error| failures::from_fit(&error))?;
            let panels = component_panels(&components, &features.matrix_names(), table.n_rows() as u64);
            let explained: f64 =
                components.variances.iter().sum::<f64>() / components.total_variance.max(f64::MIN_POSITIVE);
            let n = components.n_components();
            let top = (0..n.min(4)).map(|idx| (component_name(idx), components.variances[idx]));
            let headline = format!("{:.1} % of the variance in {n}", 100.0 * explained);
            job.show(Face::Headline(headline, Some(Box::new(Face::Bars(top.collect())))));
            let transform = Transform::Projection(Projection { features, components, keep });
            let projected = apply(&transform, &table).map_err(|error| failures::from_apply(&error))?;
            for panel in panels {
                job.panel(panel);
            }
            job.output(PROJECTED, projected);
            job.output(TRANSFORMATION, Arc::new(transform));
            Ok(())
        })
    }
}
