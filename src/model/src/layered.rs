//! Models made of models: several of two classes that decide among many, one whose probabilities are corrected, and one
//! that learns from what others predict.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::svm::coupled;
use crate::{ColumnView, Frame, Model, ModelError, Prediction, Target, Values};

/// Models of two classes that decide among several together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Multiclass {
    /// Which classes each tells apart.
    pub coding: Coding,
    /// In the order of `coding.sides`. Each knows two classes, of which the second is its positive side.
    #[serde(deserialize_with = "crate::bytes::nested")]
    pub members: Vec<Model>,
}

/// What the members of a `Multiclass` tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Coding {
    /// A class from all others.
    OneVsAll,
    /// A class from another.
    OneVsOne,
}

impl Coding {
    /// How many members decide among so many classes.
    pub fn n_members(self, n_classes: usize) -> usize {
        match self {
            _ if n_classes == 2 => 1,
            Self::OneVsAll => n_classes,
            Self::OneVsOne => n_classes.saturating_mul(n_classes.saturating_sub(1)) / 2,
        }
    }

    /// The class on the negative side of each member, `None` for all but the positive one, and that on the positive side.
    pub fn sides(self, n_classes: usize) -> Vec<(Option<usize>, usize)> {
        match (self, n_classes) {
            (_, 2) => vec![(Some(0), 1)],
            (Self::OneVsAll, n) => (0..n).map(|class| (None, class)).collect(),
            (Self::OneVsOne, n) => (0..n).flat_map(|a| (a + 1..n).map(move |b| (Some(a), b))).collect(),
        }
    }
}

impl Multiclass {
    /// Probabilities of the classes, row by row.
    ///
    /// # Errors
    /// As `Model::predict` of the first member that cannot.
    pub fn predict(&self, frame: &Frame<'_>, n_classes: usize) -> Result<Vec<f64>, ModelError> {
        /// Pairs are reconciled to more digits than those of a support vector machine, for which LIBSVM sets the measure.
        const TOLERANCE: f64 = 1e-12;
        let second = |member: &Model| {
            let (Prediction::Numbers(values) | Prediction::Probabilities { values, .. }) = member.predict(frame)?;
            Ok(values.into_iter().skip(1).step_by(2).collect())
        };
        let said: Vec<Vec<f64>> = self.members.iter().map(second).collect::<Result<_, ModelError>>()?;
        let sides = self.coding.sides(n_classes);
        let pairs: Vec<(u32, u32)> =
            sides.iter().map(|(negative, positive)| (negative.unwrap_or(0) as u32, *positive as u32)).collect();
        let of_row = |row_idx: usize| {
            let mut p: Vec<f64> = said.iter().map(|of_member| of_member[row_idx]).collect();
            match self.coding {
                Coding::OneVsAll if n_classes > 2 => {
                    share(&mut p);
                    p
                }
                Coding::OneVsAll | Coding::OneVsOne => coupled(&pairs, &p, n_classes, TOLERANCE),
            }
        };
        Ok((0..frame.n_rows).flat_map(of_row).collect())
    }
}

/// Makes them sum to 1; all the same where all are 0.
fn share(p: &mut [f64]) {
    let (sum, n) = (p.iter().sum::<f64>(), p.len() as f64);
    p.iter_mut().for_each(|p| *p = if sum > 0.0 { *p / sum } else { 1.0 / n });
}

/// Models whose probabilities are corrected by curves; several count the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibrated {
    /// What curves are over.
    pub scale: Scale,
    /// At least one.
    #[serde(deserialize_with = "crate::bytes::nested")]
    pub members: Vec<CalibratedMember>,
}

/// A model and its curves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibratedMember {
    /// What is corrected.
    pub model: Model,
    /// One of the second of two classes, else one of each class.
    pub curves: Vec<Curve>,
}

/// What a curve is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// The probability that the model says.
    Probability,
    /// Its log odds, `ln(p / (1 - p))`.
    LogOdds,
}

impl Scale {
    /// A probability on the scale, finite.
    pub fn score(self, p: f64) -> f64 {
        /// What is certain is taken for nearly so.
        const LEAST: f64 = 1e-15;
        match self {
            Self::Probability => p,
            Self::LogOdds => {
                let p = p.clamp(LEAST, 1.0 - LEAST);
                numeric::ln(p) - numeric::ln_1p(-p)
            }
        }
    }
}

/// From a score to a probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Curve {
    /// `1 / (1 + exp(-(slope x + offset)))`.
    Sigmoid {
        /// Of the log odds.
        slope: f64,
        /// Of the log odds.
        offset: f64,
    },
    /// Straight lines between points, and level beyond the first and the last.
    Steps {
        /// Rising.
        scores: Vec<f64>,
        /// As many; they never fall.
        probabilities: Vec<f64>,
    },
}

impl Curve {
    /// The probability at a score.
    pub fn at(&self, score: f64) -> f64 {
        match self {
            Self::Sigmoid { slope, offset } => 1.0 / (1.0 + numeric::exp(-(slope * score + offset))),
            Self::Steps { scores, probabilities } => {
                let above = scores.partition_point(|x| *x <= score);
                match (above.checked_sub(1), scores.get(above)) {
                    (None, _) => probabilities[0],
                    (Some(last), None) => probabilities[last],
                    (Some(below), Some(next)) => {
                        let share = (score - scores[below]) / (next - scores[below]);
                        probabilities[below] + share * (probabilities[above] - probabilities[below])
                    }
                }
            }
        }
    }
}

impl Calibrated {
    /// Probabilities of the classes, row by row.
    ///
    /// # Errors
    /// As `Model::predict` of the first member that cannot.
    pub fn predict(&self, frame: &Frame<'_>, target: &Target) -> Result<Vec<f64>, ModelError> {
        let n_classes = target.n_classes();
        let mut sums = vec![0.0; frame.n_rows * n_classes];
        for CalibratedMember { model, curves } in &self.members {
            let values = model.predict_as(frame, target)?;
            for (sums, values) in sums.chunks_exact_mut(n_classes).zip(values.chunks_exact(n_classes)) {
                let at = |curve: &Curve, p: f64| curve.at(self.scale.score(p));
                let corrected = if let [curve] = curves.as_slice() {
                    let p = at(curve, values[1]);
                    vec![1.0 - p, p]
                } else {
                    let mut corrected: Vec<f64> = curves.iter().zip(values).map(|(curve, p)| at(curve, *p)).collect();
                    share(&mut corrected);
                    corrected
                };
                sums.iter_mut().zip(corrected).for_each(|(sum, p)| *sum += p);
            }
        }
        let n_members = self.members.len() as f64;
        sums.iter_mut().for_each(|sum| *sum /= n_members);
        Ok(sums)
    }
}

/// A model that looks at what others predict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stacked {
    /// The others, in the order of their columns.
    #[serde(deserialize_with = "crate::bytes::nested")]
    pub members: Vec<Model>,
    /// How `last` calls what they predict: a number, the probability of the second of two classes, or of each of more.
    pub columns: Vec<String>,
    /// Whether `last` also looks at the rows' own columns.
    pub passthrough: bool,
    /// What decides.
    #[serde(deserialize_with = "crate::bytes::nested")]
    pub last: Box<Model>,
}

impl Stacked {
    /// What a model sees of another's prediction, as columns.
    pub fn seen(values: &[f64], n_classes: usize) -> Vec<Vec<f64>> {
        let width = n_classes.max(1);
        // One of two probabilities says what the other is.
        let first = usize::from(n_classes == 2);
        (first..width).map(|at| values.iter().skip(at).step_by(width).copied().collect()).collect()
    }

    /// What `last` says of rows, in the order of a target's classes.
    ///
    /// # Errors
    /// As `Model::predict` of the first member that cannot.
    pub fn predict(&self, frame: &Frame<'_>, target: &Target) -> Result<Vec<f64>, ModelError> {
        let mut seen = Vec::new();
        for (member_idx, member) in self.members.iter().enumerate() {
            let values = member.predict_as(frame, target).map_err(|error| ModelError::Member {
                name: format!("{} (learner {})", member.learner, member_idx + 1),
                error: Box::new(error),
            })?;
            seen.extend(Self::seen(&values, target.n_classes()));
        }
        let view = |(name, values): (_, Vec<f64>)| ColumnView {
            name,
            values: Values::Number(Cow::Owned(values)),
            valid: None,
        };
        let mut columns: Vec<ColumnView<'_>> = self.columns.iter().map(String::as_str).zip(seen).map(view).collect();
        if self.passthrough {
            columns.extend(frame.columns.iter().cloned());
        }
        self.last.predict_as(&Frame { columns, n_rows: frame.n_rows }, target)
    }
}

#[cfg(test)]
mod tests {
    use schema::Kind;

    use super::*;
    use crate::{Baseline, Estimator, Features};

    /// Always says these.
    fn constant(p: &[f64]) -> Model {
        let classes = (0..p.len()).map(|class| class.to_string()).collect();
        Model {
            learner: "Constant Baseline".into(),
            preparation: Vec::new(),
            features: Features { features: Vec::new() },
            target: Target::Class { name: "y".into(), kind: Kind::Text, classes },
            estimator: Estimator::Baseline(Baseline { values: p.to_vec() }),
            importances: None,
            n_training_rows: 10,
        }
    }

    fn row() -> Frame<'static> {
        Frame { columns: Vec::new(), n_rows: 1 }
    }

    fn near(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-9), "{found:?} {expected:?}");
    }

    #[test]
    fn one_against_all_others_gives_shares_of_what_each_says() {
        let members = [0.2, 0.1, 0.5].map(|p| constant(&[1.0 - p, p])).to_vec();
        let all = Multiclass { coding: Coding::OneVsAll, members };
        near(&all.predict(&row(), 3).expect("it can"), &[0.25, 0.125, 0.625]);
        let none = Multiclass { coding: Coding::OneVsAll, members: vec![constant(&[1.0, 0.0]); 4] };
        near(&none.predict(&row(), 4).expect("it can"), &[0.25; 4]);
    }

    #[test]
    fn pairs_that_agree_give_back_the_probabilities_they_came_from() {
        let p = [0.2, 0.5, 0.3];
        let of = |(negative, positive): (Option<usize>, usize)| {
            let (negative, positive) = (p[negative.expect("a class")], p[positive]);
            constant(&[negative / (negative + positive), positive / (negative + positive)])
        };
        let members = Coding::OneVsOne.sides(3).into_iter().map(of).collect();
        near(&Multiclass { coding: Coding::OneVsOne, members }.predict(&row(), 3).expect("it can"), &p);
    }

    #[test]
    fn two_classes_need_one_model() {
        for coding in [Coding::OneVsAll, Coding::OneVsOne] {
            assert_eq!(coding.sides(2), [(Some(0), 1)]);
            let two = Multiclass { coding, members: vec![constant(&[0.7, 0.3])] };
            near(&two.predict(&row(), 2).expect("it can"), &[0.7, 0.3]);
        }
    }

    #[test]
    fn curves_go_through_their_points_and_stay_level_beyond() {
        let curve = Curve::Steps { scores: vec![0.2, 0.4, 0.8], probabilities: vec![0.1, 0.1, 0.9] };
        for (score, expected) in [(0.0, 0.1), (0.2, 0.1), (0.3, 0.1), (0.6, 0.5), (0.8, 0.9), (1.0, 0.9)] {
            assert!((curve.at(score) - expected).abs() < 1e-12, "{score}");
        }
        assert_eq!(Curve::Sigmoid { slope: 2.0, offset: -1.0 }.at(0.5), 0.5);
    }

    #[test]
    fn corrected_probabilities_are_averaged_over_members() {
        let level = |p: f64| Curve::Steps { scores: vec![0.0], probabilities: vec![p] };
        let member = |p: f64| CalibratedMember { model: constant(&[0.5, 0.5]), curves: vec![level(p)] };
        let two = Calibrated { scale: Scale::LogOdds, members: vec![member(0.2), member(0.6)] };
        near(&two.predict(&row(), &two.members[0].model.target).expect("it can"), &[0.6, 0.4]);
        let curves = vec![level(0.3), level(0.3), level(0.6)];
        let three = CalibratedMember { model: constant(&[0.1, 0.2, 0.7]), curves };
        let three = Calibrated { scale: Scale::Probability, members: vec![three] };
        near(&three.predict(&row(), &three.members[0].model.target).expect("it can"), &[0.25, 0.25, 0.5]);
    }

    #[test]
    fn what_is_certain_has_finite_log_odds() {
        assert_eq!(Scale::LogOdds.score(0.5), 0.0);
        assert!([0.0, 1.0].iter().all(|p| Scale::LogOdds.score(*p).is_finite()));
    }
}
