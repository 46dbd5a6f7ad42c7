//! A model that prepares the rows by itself.

use std::sync::Arc;

use engine::{Component, In, Job, Out, Running};
use model::{Model, Transform};
use pipeline::{Family, Spec};
use protocol::Failure;

use super::explain;
use crate::tell;

const TRANSFORMATION: In<Arc<Transform>> = In::new("transformation");
const MODEL: In<Arc<Model>> = In::new("model");
const PREPARED: Out<Arc<Model>> = Out::new("model");

/// Prepend Transformation.
pub struct PrependTransformation;

impl Component for PrependTransformation {
    fn spec(&self) -> Spec {
        Spec::new("train.prepend-transformation", 1, Family::Score, "Prepend Transformation")
            .with_summary("Makes a model prepare the rows by itself before it predicts.")
            .with_help(
                "A model that was trained on prepared rows needs rows that were prepared in the same way. Connect the \
                 `transformation` that was fitted on the training rows, and the model trained behind it: the result \
                 takes rows as they were *before* the transformation.\n\n\
                 So models with different preparations can be compared, and combined by Combine Models, on the same \
                 rows, and a model carries all with it that it needs. For several transformations, use one node each, \
                 the last transformation first.\n\n\
                 Only the part of the transformation is kept that has to do with columns the model looks at: the label \
                 column need not be there. A model predicts every row, so where Clean Missing Data removes rows, rows \
                 with such gaps are an error.",
            )
            .with_keywords("pipeline preprocessing wrap bundle prepare transform deploy chain")
            .with_icon("list-plus")
            .with_caption("Prepares, then predicts")
            .with_input(TRANSFORMATION)
            .with_input(MODEL)
            .with_output(PREPARED)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let transform = job.input(TRANSFORMATION)?;
            let model = job.input(MODEL)?;
            let prepared = Model::clone(&model).prepared(&transform).map_err(|error| {
                Failure::new(
                    error.to_string(),
                    "Predictions would be in another unit than the rows: leave the label column out of Normalize Data's columns, or make its role *target* with Edit Metadata, and train anew.",
                )
            })?;
            for panel in explain::panels(&prepared) {
                job.panel(panel);
            }
            if prepared == *model {
                tell(job, &[
                    "The transformation changes none of the columns that the model looks at, so the model stays as it is."
                        .into(),
                ]);
            }
            job.show(explain::face(&prepared));
            job.output(PREPARED, Arc::new(prepared));
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use engine::testing::{Outcome, run_component};
    use engine::{Artifact, JobError};
    use model::Prediction;
    use pipeline::Value;
    use protocol::Panel;
    use schema::{ColumnSelection, Role};
    use table::{Table, read_bytes};

    use super::*;
    use crate::learn::k_nearest_neighbors::KNearestNeighbors;
    use crate::score::score_model::ScoreModel;
    use crate::train::train_model::TrainModel;
    use crate::transform::clean_missing_data::CleanMissingData;
    use crate::transform::normalize_data::NormalizeData;

    const ROWS: &str = "a,b,y\n1,100,1.5\n2,,2.5\n3,300,3.5\n4,100,9.5\n5,200,8.5\n6,100,7.5\n";

    fn csv(lines: &str) -> Table {
        let table = read_bytes("t.csv", lines.as_bytes(), table::Options::default()).expect("a table").table;
        table.set_role("y", Role::Target).unwrap_or(table)
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    /// What a preparation makes of a table, and how.
    fn prepare(component: &dyn Component, table: Artifact, params: Vec<(&str, Value)>) -> (Artifact, Artifact) {
        let done = run_component(component, vec![("table", table)], params, 1).expect("it works");
        (done.outputs["table"].clone(), done.outputs["transformation"].clone())
    }

    fn trained(table: &Artifact) -> Artifact {
        let params = vec![("k", Value::Int(2))];
        let learner =
            run_component(&KNearestNeighbors, vec![], params, 1).expect("it works").outputs["learner"].clone();
        let inputs = vec![("learner", learner), ("table", table.clone())];
        run_component(&TrainModel, inputs, vec![("target", text("y"))], 1).expect("it works").outputs["model"].clone()
    }

    fn prepended(transformation: Artifact, model: Artifact) -> Result<Outcome, JobError> {
        run_component(&PrependTransformation, vec![("transformation", transformation), ("model", model)], vec![], 1)
    }

    fn predicted(model: &Artifact, table: &Artifact) -> Vec<f64> {
        let (Artifact::Model(model), Artifact::Table(table)) = (model, table) else { panic!("a model, a table") };
        match model.predict(&table.frame()).expect("it can") {
            Prediction::Numbers(values) | Prediction::Probabilities { values, .. } => values,
        }
    }

    #[test]
    fn the_model_says_of_raw_rows_what_it_said_of_prepared_ones() {
        let raw = Artifact::Table(csv(ROWS));
        let (cleaned, cleaning) = prepare(&CleanMissingData, raw.clone(), vec![("cleaning_mode", text("mean"))]);
        let (scaled, scaling) = prepare(&NormalizeData, cleaned, vec![]);
        let model = trained(&scaled);
        let behind_scaling = prepended(scaling, model.clone()).expect("it works").outputs["model"].clone();
        let behind_both = prepended(cleaning, behind_scaling).expect("it works");
        assert_eq!(predicted(&behind_both.outputs["model"], &raw), predicted(&model, &scaled));
        let unlabelled = Artifact::Table(csv("b,a\n100,1\n,2\n"));
        assert_eq!(
            predicted(&behind_both.outputs["model"], &unlabelled)[..],
            predicted(&model, &scaled)[..2],
            "rows to predict need no label"
        );
        let Panel::Facts { rows, .. } = &behind_both.panels[0] else { panic!("{:?}", behind_both.panels) };
        let prepares = rows.iter().find(|row| row[0] == "Prepares rows itself").expect("it is told");
        assert_eq!(prepares[1], "Clean Missing Data (2 columns), Normalize Data (2 columns)");
    }

    #[test]
    fn a_rescaled_label_is_refused() {
        let raw = Artifact::Table(csv("a,y\n1,1.5\n2,2.5\n3,3.5\n"));
        let all = Value::Columns(ColumnSelection::Names(vec!["a".into(), "y".into()]));
        let (scaled, scaling) = prepare(&NormalizeData, raw, vec![("columns", all)]);
        match prepended(scaling, trained(&scaled)) {
            Err(JobError::Failed(Failure { message, help })) => {
                assert_eq!(message, "the transformation rescales \"y\", which the model predicts");
                assert!(help.contains("Normalize Data"), "{help}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_transformation_of_other_columns_changes_nothing_and_that_is_said() {
        let raw = Artifact::Table(csv("a,b,y\n1,1,1.5\n2,2,2.5\n3,3,3.5\n"));
        let only_b = Value::Columns(ColumnSelection::Names(vec!["b".into()]));
        let (_, scaling) = prepare(&NormalizeData, raw, vec![("columns", only_b)]);
        let model = trained(&Artifact::Table(csv("a,y\n1,1.5\n2,2.5\n3,3.5\n")));
        let done = prepended(scaling, model).expect("it works");
        let told = done.panels.iter().any(|panel| match panel {
            Panel::Facts { title, rows, .. } => title == "What to know" && rows[0][0].contains("none of the columns"),
            _ => false,
        });
        assert!(told, "{:?}", done.panels);
    }

    #[test]
    fn rows_that_the_preparation_would_drop_are_an_error_with_their_place() {
        let raw = Artifact::Table(csv(ROWS));
        let (kept, dropping) = prepare(&CleanMissingData, raw.clone(), vec![("cleaning_mode", text("remove-rows"))]);
        let model = prepended(dropping, trained(&kept)).expect("it works").outputs["model"].clone();
        match run_component(&ScoreModel, vec![("model", model), ("table", raw)], vec![], 1) {
            Err(JobError::Failed(Failure { message, help })) => {
                assert_eq!(message, "the model's own preparation drops 1 row with a missing value, the first is row 2");
                assert!(help.contains("Clean Missing Data"), "{help}");
            }
            other => panic!("{other:?}"),
        }
    }
}
