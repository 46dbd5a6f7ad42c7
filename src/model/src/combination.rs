//! Several models as one: the weighted mean of what they predict.
//!
//! With equal weights this is soft voting; with a weight that says how often a model was chosen, the ensemble of
//! Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models" (2004).

use std::collections::BTreeSet;
use std::sync::Arc;

use schema::Kind;
use serde::{Deserialize, Serialize};

use crate::{Estimator, Features, Frame, Model, ModelError, Prediction, Target};

/// Models of one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Combination {
    /// Invariant: at least one, none of weight 0, and no class that the combination does not know.
    /// Kept by `Model::combined`.
    #[serde(deserialize_with = "crate::bytes::nested")]
    pub members: Vec<Member>,
}

/// One of the models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// What tells it from the others, such as the input that it came from.
    pub name: String,
    /// How much it counts beside the others.
    pub weight: u32,
    /// The model.
    pub model: Arc<Model>,
}

/// Models that make no combination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CombineError {
    /// No model, or each with a weight of 0.
    #[error("no model has a weight above 0")]
    NoMembers,
    /// They predict different things.
    #[error("{first} predicts {first_predicts}, but {other} predicts {other_predicts}")]
    TargetsDiffer {
        /// Name and learner of the first model.
        first: String,
        /// In words.
        first_predicts: String,
        /// Name and learner of the one that does not fit it.
        other: String,
        /// In words.
        other_predicts: String,
    },
}

impl Model {
    /// One model out of several, which knows every class that one of them knows. Those of weight 0 are left out.
    ///
    /// # Errors
    /// No model is left, or they predict different columns, or one a number and another classes.
    pub fn combined(mut members: Vec<Member>) -> Result<Self, CombineError> {
        members.retain(|member| member.weight > 0);
        let first = members.first().ok_or(CombineError::NoMembers)?;
        if let Some(other) = members.iter().find(|other| !first.model.target.goes_with(&other.model.target)) {
            return Err(CombineError::TargetsDiffer {
                first: first.in_words(),
                first_predicts: first.model.target.in_words(),
                other: other.in_words(),
                other_predicts: other.model.target.in_words(),
            });
        }
        let target = match &first.model.target {
            Target::Number { name } => Target::Number { name: name.clone() },
            Target::Class { name, kind, .. } => {
                let all: BTreeSet<&str> = members.iter().flat_map(|member| member.model.target.classes()).collect();
                let mut classes: Vec<String> = all.into_iter().map(str::to_owned).collect();
                if *kind == Kind::Integer {
                    classes.sort_by_key(|class| class.parse::<i64>().unwrap_or_default());
                }
                Target::Class { name: name.clone(), kind: *kind, classes }
            }
        };
        Ok(Self {
            learner: "Combined Models".into(),
            preparation: Vec::new(),
            features: Features { features: Vec::new() },
            target,
            n_training_rows: members.iter().map(|member| member.model.n_training_rows).max().unwrap_or_default(),
            estimator: Estimator::Combination(Combination { members }),
            importances: None,
        })
    }
}

impl Model {
    /// What it predicts, row by row, with probabilities in the order of another target's classes: 0 for a class that it
    /// does not know.
    ///
    /// # Errors
    /// As `predict`.
    pub fn predict_as(&self, frame: &Frame<'_>, target: &Target) -> Result<Vec<f64>, ModelError> {
        let (Prediction::Numbers(values) | Prediction::Probabilities { values, .. }) = self.predict(frame)?;
        let (places, width) = (self.target.places_in(target), target.n_classes().max(1));
        let mut placed = vec![0.0; frame.n_rows * width];
        for (placed, values) in placed.chunks_exact_mut(width).zip(values.chunks_exact(places.len().max(1))) {
            for (place, value) in places.iter().zip(values) {
                if let Some(own) = place.and_then(|place| placed.get_mut(place)) {
                    *own = *value;
                }
            }
        }
        Ok(placed)
    }
}

impl Member {
    fn in_words(&self) -> String {
        format!("{} ({})", self.name, self.model.learner)
    }
}

impl Combination {
    /// Predicts rows as a model of this target.
    ///
    /// # Errors
    /// As `Model::predict` of the first member that cannot.
    pub fn predict(&self, frame: &Frame<'_>, target: &Target) -> Result<Prediction, ModelError> {
        let n_classes = target.n_classes();
        let mut means = vec![0.0; frame.n_rows * n_classes.max(1)];
        for Member { name, weight, model } in &self.members {
            let values = model
                .predict_as(frame, target)
                .map_err(|error| ModelError::Member { name: name.clone(), error: Box::new(error) })?;
            means.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*weight) * value);
        }
        let total: f64 = self.members.iter().map(|member| f64::from(member.weight)).sum();
        means.iter_mut().for_each(|mean| *mean /= total);
        Ok(if n_classes == 0 {
            Prediction::Numbers(means)
        } else {
            Prediction::Probabilities { values: means, n_classes }
        })
    }
}

impl Target {
    /// Its classes; none for a number.
    pub fn classes(&self) -> impl Iterator<Item = &str> {
        let classes: &[String] = match self {
            Self::Number { .. } => &[],
            Self::Class { classes, .. } => classes,
        };
        classes.iter().map(String::as_str)
    }

    /// Whether it is the same column, taken for the same, whatever classes were met.
    fn goes_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number { name }, Self::Number { name: other }) => name == other,
            (Self::Class { name, kind, .. }, Self::Class { name: other, kind: other_kind, .. }) => {
                (name, kind) == (other, other_kind)
            }
            (Self::Number { .. }, Self::Class { .. }) | (Self::Class { .. }, Self::Number { .. }) => false,
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::Number { name } => format!("{name:?} as a number"),
            Self::Class { name, kind, .. } => format!("the classes of {name:?}, a column of kind {}", kind.label()),
        }
    }

    /// Where each value of a row's prediction stands in that of another target.
    fn places_in(&self, other: &Self) -> Vec<Option<usize>> {
        match self {
            Self::Number { .. } => vec![Some(0)],
            Self::Class { classes, .. } => {
                classes.iter().map(|class| other.classes().position(|known| known == class)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Baseline;

    fn constant(target: Target, values: &[f64]) -> Arc<Model> {
        Arc::new(Model {
            learner: "Constant Baseline".into(),
            preparation: Vec::new(),
            features: Features { features: Vec::new() },
            target,
            estimator: Estimator::Baseline(Baseline { values: values.to_vec() }),
            importances: None,
            n_training_rows: 10,
        })
    }

    fn classes(name: &str, kind: Kind, classes: &[&str]) -> Target {
        Target::Class { name: name.into(), kind, classes: classes.iter().map(|&class| class.into()).collect() }
    }

    fn number(name: &str) -> Target {
        Target::Number { name: name.into() }
    }

    fn combined(members: Vec<(u32, Arc<Model>)>) -> Result<Model, CombineError> {
        let named = |(idx, (weight, model))| Member { name: format!("model_{}", idx + 1), weight, model };
        Model::combined(members.into_iter().enumerate().map(named).collect())
    }

    fn predicted(model: &Model, n_rows: usize) -> Vec<f64> {
        match model.predict(&Frame { columns: Vec::new(), n_rows }).expect("it needs no columns") {
            Prediction::Numbers(values) | Prediction::Probabilities { values, .. } => values,
        }
    }

    #[test]
    fn numbers_are_averaged_by_weight_and_weight_0_is_left_out() {
        let model = combined(vec![
            (3, constant(number("y"), &[1.0])),
            (0, constant(number("y"), &[1e9])),
            (1, constant(number("y"), &[5.0])),
        ]);
        let model = model.expect("a combination");
        assert_eq!(predicted(&model, 2), [2.0, 2.0]);
        let Estimator::Combination(combination) = &model.estimator else { panic!("a combination") };
        assert_eq!(
            combination.members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(),
            ["model_1", "model_3"]
        );
    }

    #[test]
    fn a_class_that_a_model_does_not_know_has_probability_0_there() {
        let model = combined(vec![
            (1, constant(classes("c", Kind::Category, &["b", "d"]), &[0.25, 0.75])),
            (3, constant(classes("c", Kind::Category, &["a", "b"]), &[0.5, 0.5])),
        ]);
        let model = model.expect("a combination");
        assert_eq!(model.target, classes("c", Kind::Category, &["a", "b", "d"]));
        assert_eq!(predicted(&model, 1), [0.375, 0.4375, 0.1875]);
    }

    #[test]
    fn classes_that_are_whole_numbers_stand_in_the_order_of_numbers() {
        let model = combined(vec![
            (1, constant(classes("c", Kind::Integer, &["9", "10"]), &[1.0, 0.0])),
            (1, constant(classes("c", Kind::Integer, &["-2", "10"]), &[0.0, 1.0])),
        ]);
        let model = model.expect("a combination");
        assert_eq!(model.target, classes("c", Kind::Integer, &["-2", "9", "10"]));
        assert_eq!(predicted(&model, 1), [0.0, 0.5, 0.5]);
    }

    #[test]
    fn models_that_predict_different_things_are_told_apart_by_name() {
        let of_y = || constant(number("y"), &[1.0]);
        let refused = |other: Target| combined(vec![(1, of_y()), (1, constant(other, &[1.0]))]).expect_err("refused");
        assert_eq!(
            refused(number("z")).to_string(),
            "model_1 (Constant Baseline) predicts \"y\" as a number, but model_2 (Constant Baseline) predicts \"z\" as a number"
        );
        assert!(
            refused(classes("y", Kind::Text, &["a"]))
                .to_string()
                .ends_with("the classes of \"y\", a column of kind text")
        );
        let kinds = [Kind::Text, Kind::Category].map(|kind| (1, constant(classes("c", kind, &["a"]), &[1.0])));
        assert!(matches!(combined(kinds.to_vec()), Err(CombineError::TargetsDiffer { .. })));
    }

    #[test]
    fn nothing_to_combine_is_an_error() {
        assert_eq!(combined(vec![]), Err(CombineError::NoMembers));
        assert_eq!(combined(vec![(0, constant(number("y"), &[1.0]))]), Err(CombineError::NoMembers));
    }

    #[test]
    fn combinations_can_be_combined() {
        let inner = combined(vec![(1, constant(number("y"), &[1.0])), (1, constant(number("y"), &[2.0]))]);
        let inner = Arc::new(inner.expect("a combination"));
        let outer = combined(vec![(2, inner), (1, constant(number("y"), &[6.0]))]).expect("a combination");
        assert_eq!(predicted(&outer, 1), [3.0]);
    }
}
