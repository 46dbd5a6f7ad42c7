//! Several trained models as one: the weighted mean of what they predict.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, In, Job, Out, Param, Running};
use model::{CombineError, Member, Model};
use pipeline::{Family, Spec};
use protocol::Failure;

use super::explain;

const MODELS: [In<Arc<Model>>; 8] = [
    In::new("model_1"),
    In::new("model_2").optional(),
    In::new("model_3").optional(),
    In::new("model_4").optional(),
    In::new("model_5").optional(),
    In::new("model_6").optional(),
    In::new("model_7").optional(),
    In::new("model_8").optional(),
];
const WEIGHTS: [Param<u32>; 8] = [
    weight("weight_1", "Weight of model 1", "model_1"),
    weight("weight_2", "Weight of model 2", "model_2"),
    weight("weight_3", "Weight of model 3", "model_3"),
    weight("weight_4", "Weight of model 4", "model_4"),
    weight("weight_5", "Weight of model 5", "model_5"),
    weight("weight_6", "Weight of model 6", "model_6"),
    weight("weight_7", "Weight of model 7", "model_7"),
    weight("weight_8", "Weight of model 8", "model_8"),
];
const MODEL: Out<Arc<Model>> = Out::new("model");

const fn weight(name: &'static str, label: &'static str, input: &'static str) -> Param<u32> {
    Param::int(name, 1)
        .range(0, 1_000)
        .label(label)
        .help("How much it counts beside the others: 2 counts as if the model were there twice, 0 leaves it out.")
        .when_connected(input)
}

/// Combine Models.
pub struct CombineModels;

impl Component for CombineModels {
    fn spec(&self) -> Spec {
        let spec = Spec::new("train.combine-models", 1, Family::Score, "Combine Models")
            .with_summary("Makes one model of several: the weighted mean of what they predict.")
            .with_help(
                "Models that err in different ways correct each other, so their mean is often better than the best of \
                 them. Connect up to eight models of the same label column.\n\n\
                 - Of numbers, the weighted mean is predicted\n\
                 - Of classes, the probabilities are averaged (soft voting); a model gives a class that it has never \
                 met a probability of 0\n\
                 - A weight says how often a model was chosen, as in ensemble selection\n\n\
                 The models may look at different columns. Each is given the same rows: put Prepend Transformation \
                 before a model that was trained on rescaled or otherwise prepared rows, and it will prepare them by \
                 itself.\n\n\
                 Choose models and weights by rows that none of them was trained on, and judge the result by yet \
                 others.",
            )
            .with_keywords("ensemble voting vote blend blending average mean soft stacking committee combine selection")
            .with_icon("merge")
            .with_caption("Weighted mean");
        let spec = MODELS.into_iter().fold(spec, Spec::with_input).with_output(MODEL);
        WEIGHTS.into_iter().fold(spec, Spec::with_param)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let connected = MODELS.into_iter().zip(WEIGHTS).filter(|(port, _)| flow.source(*port).is_some());
        let weights: Vec<_> = connected.map(|(_, weight)| (weight.name(), flow.param(weight))).collect();
        match weights.first() {
            Some((first, _)) if weights.iter().all(|(_, weight)| *weight == Some(0)) => {
                let Failure { message, help } = failure(&CombineError::NoMembers);
                Err(FlowError { place: (*first).into(), message, help })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let mut members = Vec::new();
            for (port, weight) in MODELS.into_iter().zip(WEIGHTS) {
                if let Some(model) = job.optional_input(port) {
                    members.push(Member { name: port.name().into(), weight: job.param(weight)?, model });
                }
            }
            let model = Model::combined(members).map_err(|error| failure(&error))?;
            for panel in explain::panels(&model) {
                job.panel(panel);
            }
            job.show(explain::face(&model));
            job.output(MODEL, Arc::new(model));
            Ok(())
        })
    }
}

fn failure(error: &CombineError) -> Failure {
    let help = match error {
        CombineError::NoMembers => "Set the weight of at least one connected model to 1 or more.",
        CombineError::TargetsDiffer { .. } => {
            "Connect models that were trained with the same label column, of the same kind: Edit Metadata changes a column's kind before training."
        }
    };
    Failure::new(error.to_string(), help)
}

#[cfg(test)]
mod tests {
    use engine::testing::{Outcome, run_component};
    use engine::{Artifact, Engine, JobError};
    use model::Prediction;
    use pipeline::Value;
    use protocol::{Face, Panel};
    use table::{Table, read_bytes};

    use super::*;
    use crate::learn::constant_baseline::ConstantBaseline;
    use crate::learn::decision_tree::DecisionTree;
    use crate::train::train_model::TrainModel;

    fn csv(lines: &str) -> Table {
        read_bytes("t.csv", lines.as_bytes(), table::Options::default()).expect("a table").table
    }

    fn trained(learner: &dyn Component, table: &Table, target: &str) -> Artifact {
        let learner = run_component(learner, vec![], vec![], 1).expect("it works").outputs["learner"].clone();
        let inputs = vec![("learner", learner), ("table", Artifact::Table(table.clone()))];
        let params = vec![("target", Value::Text(target.into()))];
        run_component(&TrainModel, inputs, params, 1).expect("it works").outputs["model"].clone()
    }

    fn combined(models: Vec<(&str, Artifact)>, weights: Vec<(&str, i64)>) -> Result<Outcome, JobError> {
        let params = weights.into_iter().map(|(name, weight)| (name, Value::Int(weight))).collect();
        run_component(&CombineModels, models, params, 1)
    }

    fn refused(models: Vec<(&str, Artifact)>, weights: Vec<(&str, i64)>) -> Failure {
        match combined(models, weights) {
            Err(JobError::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }

    fn predicted(done: &Outcome, table: &Table) -> Vec<f64> {
        let Artifact::Model(model) = &done.outputs["model"] else { panic!("a model") };
        match model.predict(&table.frame()).expect("it can") {
            Prediction::Numbers(values) | Prediction::Probabilities { values, .. } => values,
        }
    }

    #[test]
    fn inputs_may_stay_open_and_weights_belong_to_inputs_by_number() {
        let (low, high) = (csv("x,y\n1,2.5\n2,2.5\n"), csv("x,y\n1,10.5\n2,10.5\n"));
        let models = || {
            vec![
                ("model_1", trained(&ConstantBaseline, &low, "y")),
                ("model_7", trained(&ConstantBaseline, &high, "y")),
            ]
        };
        let done = combined(models(), vec![("weight_2", 900), ("weight_7", 3)]).expect("it works");
        assert_eq!(predicted(&done, &low), [8.5, 8.5]);
        assert_eq!(done.face, Some(Face::Text("2 models · weights 1, 3".into())));
        let one = combined(models(), vec![("weight_1", 0)]).expect("it works");
        assert_eq!(predicted(&one, &low), [10.5, 10.5]);
    }

    #[test]
    fn members_and_weights_are_shown_and_no_importances() {
        let rows = csv("x,y\n1,no\n2,no\n3,yes\n4,yes\n");
        let models =
            vec![("model_1", trained(&ConstantBaseline, &rows, "y")), ("model_3", trained(&DecisionTree, &rows, "y"))];
        let done = combined(models, vec![("weight_3", 3)]).expect("it works");
        let [Panel::Facts { .. }, Panel::Facts { title, rows, .. }] = done.panels.as_slice() else {
            panic!("{:?}", done.panels)
        };
        assert_eq!(title, "Members");
        assert_eq!(rows[0], ["model_1", "Constant Baseline", "1", "25 %", "4"]);
        assert_eq!(rows[1], ["model_3", "Decision Tree", "3", "75 %", "4"]);
    }

    #[test]
    fn models_of_different_targets_are_refused_by_input() {
        let rows = csv("x,y,z\n1,1.5,no\n2,2.5,no\n3,3.5,yes\n4,4.5,yes\n");
        let models =
            vec![("model_2", trained(&DecisionTree, &rows, "y")), ("model_5", trained(&DecisionTree, &rows, "z"))];
        let Failure { message, help } = refused(models, vec![]);
        assert_eq!(
            message,
            "model_2 (Decision Tree) predicts \"y\" as a number, but model_5 (Decision Tree) predicts the classes of \
             \"z\", a column of kind boolean"
        );
        assert!(help.contains("same label column"), "{help}");
    }

    #[test]
    fn weights_of_0_alone_are_told_before_a_run_and_in_it() {
        let rows = csv("x,y\n1,2.5\n2,2.5\n");
        let told = refused(vec![("model_1", trained(&ConstantBaseline, &rows, "y"))], vec![("weight_1", 0)]);
        assert_eq!(told.message, "no model has a weight above 0");
        let text = include_str!("../../../../tests/golden/pipelines/combining.json");
        let zero = |place: &str| format!("\"{place}\": 0");
        let text = text.replace("\"weight_1\": 2", &["weight_1", "weight_2", "weight_3"].map(zero).join(", "));
        let pipeline = pipeline::from_json(&text).expect("a pipeline");
        let problems = Engine::new(crate::catalogue(), u64::MAX).check(&pipeline).problems;
        let found = problems.iter().find(|problem| problem.place.as_deref() == Some("weight_1"));
        assert_eq!(found.expect("a problem").message, told.message);
    }
}
