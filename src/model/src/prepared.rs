//! A model that applies fitted transforms by itself before it predicts.

use std::collections::BTreeSet;

use crate::principal::component_name;
use crate::transform::{CleanMissing, Indicators, Normalize, indicator_name, missing_flag_name};
use crate::{Estimator, Fill, Frame, Matrix, Model, ModelError, Transform};

/// A transform that no model can carry along.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareModelError {
    /// The prediction would be in another unit than the rows.
    #[error("the transformation rescales {name:?}, which the model predicts")]
    TargetRescaled {
        /// The target.
        name: String,
    },
}

impl Model {
    /// The columns that rows must have for it to predict them.
    pub fn columns(&self) -> BTreeSet<String> {
        let mut columns = self.prepared_columns();
        for transform in self.preparation.iter().rev() {
            transform.part_for(&mut columns);
        }
        columns
    }

    /// The same model, which applies a transform to rows before anything else. Only that part of the transform is kept
    /// which the model needs, so rows without a label can be predicted.
    ///
    /// # Errors
    /// The transform rescales what the model predicts.
    pub fn prepared(mut self, transform: &Transform) -> Result<Self, PrepareModelError> {
        if transform.rescales(self.target.name()) {
            return Err(PrepareModelError::TargetRescaled { name: self.target.name().into() });
        }
        if let Some(part) = transform.part_for(&mut self.columns()) {
            self.preparation.insert(0, part);
        }
        Ok(self)
    }

    /// The columns that it looks at after its preparation.
    fn prepared_columns(&self) -> BTreeSet<String> {
        match &self.estimator {
            Estimator::Combination(_) | Estimator::Multiclass(_) | Estimator::Calibrated(_) => {
                self.estimator.models().flat_map(Self::columns).collect()
            }
            Estimator::Stacked(stacked) => {
                let mut columns = stacked.last.columns();
                columns.retain(|name| !stacked.columns.contains(name));
                columns.extend(stacked.members.iter().flat_map(Self::columns));
                columns
            }
            Estimator::Linear(_)
            | Estimator::Logistic(_)
            | Estimator::Tree(_)
            | Estimator::Forest(_)
            | Estimator::Neighbors(_)
            | Estimator::Baseline(_)
            | Estimator::NaiveBayes(_)
            | Estimator::Poisson(_)
            | Estimator::Svm(_)
            | Estimator::Network(_)
            | Estimator::Anomalies(_)
            | Estimator::Boosted(_)
            | Estimator::Voters(_) => self.features.features.iter().map(|feature| feature.name.clone()).collect(),
        }
    }

    /// The numbers that it looks at of these rows, after its preparation.
    ///
    /// # Errors
    /// As `predict`.
    pub fn matrix(&self, frame: &Frame<'_>) -> Result<Matrix, ModelError> {
        after(&self.preparation, frame, &|frame| self.features.matrix(frame))
    }
}

/// Applies what is left of a preparation, and gives the rows to what comes then.
pub(crate) fn after<T>(
    preparation: &[Transform],
    frame: &Frame<'_>,
    then: &dyn Fn(&Frame<'_>) -> Result<T, ModelError>,
) -> Result<T, ModelError> {
    let Some((first, others)) = preparation.split_first() else { return then(frame) };
    let made = first.apply(frame)?;
    if let Some(row_idx) = made.kept_rows.as_ref().and_then(|kept| kept.iter().position(|kept| !kept)) {
        let n = made.kept_rows.iter().flatten().filter(|kept| !**kept).count();
        return Err(ModelError::RowDropped { row_idx, n });
    }
    after(others, &made.onto(frame), then)
}

impl Transform {
    /// Whether it changes the unit of a column.
    fn rescales(&self, column: &str) -> bool {
        match self {
            Self::Normalize(normalize) => normalize.columns.iter().any(|(name, ..)| name == column),
            Self::Chain(steps) => steps.iter().any(|step| step.rescales(column)),
            Self::CleanMissing(_) | Self::Indicators(_) | Self::Projection(_) => false,
        }
    }

    /// The part that has to do with some columns of its result, if there is one. `columns` become those that it must be
    /// given for them.
    fn part_for(&self, columns: &mut BTreeSet<String>) -> Option<Self> {
        match self {
            Self::CleanMissing(clean) => {
                let is_kept = |(name, _): &(String, Fill), columns: &mut BTreeSet<String>| {
                    let is_flagged = clean.indicator && columns.remove(&missing_flag_name(name));
                    if is_flagged {
                        columns.insert(name.clone());
                    }
                    columns.contains(name)
                };
                let kept: Vec<_> = clean.columns.iter().filter(|column| is_kept(column, columns)).cloned().collect();
                let part = CleanMissing { columns: kept, indicator: clean.indicator };
                (!part.columns.is_empty()).then_some(Self::CleanMissing(part))
            }
            Self::Normalize(normalize) => {
                let kept: Vec<_> =
                    normalize.columns.iter().filter(|(name, ..)| columns.contains(name)).cloned().collect();
                (!kept.is_empty()).then_some(Self::Normalize(Normalize { columns: kept }))
            }
            Self::Indicators(indicators) => {
                let is_kept = |(name, categories): &(String, Vec<String>), columns: &mut BTreeSet<String>| {
                    let made = categories.iter().map(|category| indicator_name(name, category));
                    let is_needed = made.filter(|made| columns.remove(made)).count() > 0;
                    if is_needed {
                        columns.insert(name.clone());
                    }
                    is_needed
                };
                let kept: Vec<_> =
                    indicators.columns.iter().filter(|column| is_kept(column, columns)).cloned().collect();
                let part = Indicators { columns: kept, keep: indicators.keep };
                (!part.columns.is_empty()).then_some(Self::Indicators(part))
            }
            Self::Projection(projection) => {
                let made = (0..projection.components.n_components()).map(component_name);
                let is_needed = made.filter(|made| columns.remove(made)).count() > 0;
                let names = projection.features.features.iter().map(|feature| feature.name.clone());
                is_needed.then(|| columns.extend(names)).map(|()| self.clone())
            }
            Self::Chain(steps) => {
                let mut kept: Vec<_> = steps.iter().rev().filter_map(|step| step.part_for(columns)).collect();
                kept.reverse();
                (!kept.is_empty()).then_some(Self::Chain(kept))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use schema::Kind;

    use super::*;
    use crate::{ColumnView, Feature, FeatureEncoding, Features, LinearModel, Prediction, Rescale, Target, Values};

    fn sum_of(names: &[&str]) -> Model {
        let feature =
            |name: &&str| Feature { name: (*name).into(), kind: Kind::Number, encoding: FeatureEncoding::Number };
        Model {
            learner: "Linear Regression".into(),
            preparation: Vec::new(),
            features: Features { features: names.iter().map(feature).collect() },
            target: Target::Number { name: "y".into() },
            estimator: Estimator::Linear(LinearModel { coefficients: vec![1.0; names.len()], intercept: 0.0 }),
            importances: None,
            n_training_rows: 10,
        }
    }

    fn clean(columns: &[(&str, Fill)], indicator: bool) -> Transform {
        let columns = columns.iter().map(|(name, fill)| ((*name).to_owned(), fill.clone())).collect();
        Transform::CleanMissing(CleanMissing { columns, indicator })
    }

    fn halve(names: &[&str]) -> Transform {
        let column = |name: &&str| ((*name).to_owned(), Kind::Number, Rescale::Affine { shift: 0.0, scale: 2.0 });
        Transform::Normalize(Normalize { columns: names.iter().map(column).collect() })
    }

    fn column<'a>(name: &'a str, values: &'a [f64], valid: &'a [bool]) -> ColumnView<'a> {
        ColumnView { name, values: Values::Number(Cow::Borrowed(values)), valid: Some(Cow::Borrowed(valid)) }
    }

    fn predicted(model: &Model, columns: Vec<ColumnView<'_>>) -> Result<Vec<f64>, ModelError> {
        let n_rows = 2;
        match model.predict(&Frame { columns, n_rows })? {
            Prediction::Numbers(values) | Prediction::Probabilities { values, .. } => Ok(values),
        }
    }

    fn names(columns: &BTreeSet<String>) -> Vec<&str> {
        columns.iter().map(String::as_str).collect()
    }

    #[test]
    fn what_is_prepended_last_is_applied_first() {
        let fill = clean(&[("a", Fill::Number(8.0))], false);
        let model = sum_of(&["a"]).prepared(&halve(&["a"])).and_then(|model| model.prepared(&fill)).expect("a model");
        let rows = || vec![column("a", &[2.0, 0.0], &[true, false])];
        assert_eq!(predicted(&model, rows()), Ok(vec![1.0, 4.0]));
        let chain = Transform::Chain(vec![fill, halve(&["a"])]);
        let chained = sum_of(&["a"]).prepared(&chain).expect("a model");
        assert_eq!(predicted(&chained, rows()), Ok(vec![1.0, 4.0]));
    }

    #[test]
    fn only_what_the_model_needs_is_kept_of_a_transform() {
        let model = sum_of(&["a", "c-x", "b_is_missing"]);
        let indicators = Transform::Indicators(Indicators {
            columns: vec![("c".into(), vec!["x".into(), "z".into()]), ("y".into(), vec!["yes".into()])],
            keep: false,
        });
        let clean = clean(
            &[("a", Fill::DropRow), ("b", Fill::Number(0.0)), ("y", Fill::DropRow), ("other", Fill::DropColumn)],
            true,
        );
        let chain = Transform::Chain(vec![clean, halve(&["a", "other"]), indicators]);
        let model = model.prepared(&chain).expect("a model");
        assert_eq!(names(&model.columns()), ["a", "b", "c"]);
        let Transform::Chain(steps) = &model.preparation[0] else { panic!("a chain") };
        let Transform::CleanMissing(clean) = &steps[0] else { panic!("the first step") };
        assert_eq!(clean.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(steps[1], halve(&["a"]));
        let nothing = sum_of(&["a"]).prepared(&halve(&["b"])).expect("a model");
        assert_eq!(nothing, sum_of(&["a"]));
    }

    #[test]
    fn a_transform_that_rescales_the_target_is_refused() {
        let chain = Transform::Chain(vec![halve(&["a", "y"])]);
        let refused = sum_of(&["a"]).prepared(&chain).expect_err("it predicts halves");
        assert_eq!(refused.to_string(), "the transformation rescales \"y\", which the model predicts");
    }

    #[test]
    fn a_row_that_the_preparation_drops_is_an_error_and_not_left_out() {
        let drop = clean(&[("a", Fill::DropRow)], false);
        let model = sum_of(&["a"]).prepared(&drop).expect("a model");
        let gap = predicted(&model, vec![column("a", &[2.0, 0.0], &[true, false])]);
        assert_eq!(gap, Err(ModelError::RowDropped { row_idx: 1, n: 1 }));
        assert_eq!(predicted(&model, vec![column("a", &[2.0, 3.0], &[true, true])]), Ok(vec![2.0, 3.0]));
    }

    #[test]
    fn a_model_among_others_keeps_its_own_preparation() {
        let halved = sum_of(&["a"]).prepared(&halve(&["a"])).expect("a model");
        let members = [(1, sum_of(&["a", "b"])), (3, halved)].into_iter().enumerate();
        let member = |(idx, (weight, model))| crate::Member {
            name: format!("model_{}", idx + 1),
            weight,
            model: std::sync::Arc::new(model),
        };
        let model = Model::combined(members.map(member).collect()).expect("a combination");
        assert_eq!(names(&model.columns()), ["a", "b"]);
        let both = [true; 2];
        let rows = vec![column("a", &[2.0, 8.0], &both), column("b", &[4.0, 0.0], &both)];
        assert_eq!(predicted(&model, rows), Ok(vec![(6.0 + 3.0) / 4.0, (8.0 + 12.0) / 4.0]));
        let missing = predicted(&model, vec![column("a", &[2.0, 8.0], &both)]).expect_err("no column b");
        assert_eq!(missing.to_string(), "model_1: no column named \"b\"; the table has \"a\"");
    }
}
