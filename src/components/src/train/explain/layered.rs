//! Models made of models, to be looked at.

use charts::{Figure, Marks, Series};
use model::{Calibrated, CalibratedMember, Estimator, Model, Multiclass, Stacked};
use protocol::Panel;

use super::{panels, per_class};
use crate::evaluate::figures::{figure, guide, unit_axis};

/// Curves beyond this many cannot be told apart.
const MAX_CURVES: usize = 8;
/// Columns of weights beyond this many cannot be compared.
const MAX_WEIGHED: usize = 30;

pub fn multiclass_panels(several: &Multiclass, model: &Model) -> Vec<Panel> {
    let class = |class: usize| model.target.classes().nth(class).unwrap_or_default();
    let sides = several.coding.sides(model.target.n_classes());
    let apart: Vec<String> = sides
        .iter()
        .map(|(negative, positive)| format!("{} from {}", class(*positive), negative.map_or("the rest", class)))
        .collect();
    let row = |(apart, member): (&String, &Model)| {
        vec![apart.clone(), member.learner.clone(), member.n_training_rows.to_string()]
    };
    let mut panels = vec![Panel::Facts {
        title: "Models of two classes".into(),
        heads: ["Tells apart", "Learner", "Rows"].map(Into::into).into(),
        rows: apart.iter().zip(&several.members).map(row).collect(),
    }];
    let names = several.members.first().map(|member| member.features.matrix_names()).unwrap_or_default();
    let weights = |member: &Model| match &member.estimator {
        Estimator::Logistic(logistic) if member.features.matrix_names() == names => Some(logistic.coefficients.clone()),
        _ => None,
    };
    let weights: Option<Vec<Vec<f64>>> = several.members.iter().map(weights).collect();
    if let Some(weights) = weights.filter(|weights| weights.len() > 1 && weights.len() <= MAX_WEIGHED) {
        panels.push(per_class(&names, &weights.concat(), &apart));
    }
    panels
}

pub fn calibrated_panels(calibrated: &Calibrated, model: &Model) -> Vec<Panel> {
    const N_STEPS: usize = 100;
    let classes: Vec<&str> = model.target.classes().collect();
    let first = usize::from(classes.len() == 2);
    let line = |(curve_idx, class): (usize, &&str)| {
        let mean = |p: f64| {
            let of = |member: &CalibratedMember| member.curves[curve_idx].at(calibrated.scale.score(p));
            calibrated.members.iter().map(of).sum::<f64>() / calibrated.members.len() as f64
        };
        let point = |step: usize| step as f64 / N_STEPS as f64;
        let points = (0..=N_STEPS).map(point).map(|p| (p, mean(p))).collect();
        Series { name: (*class).into(), color_idx: curve_idx as u8, marks: Marks::Line(points), detail: None }
    };
    let n_curves = classes.len() - first;
    let said = unit_axis("Probability that is said");
    let corrected = unit_axis("Probability after correction");
    let n_rows = model.n_training_rows as usize;
    let drawn = Figure {
        summary: "Where a curve is below the diagonal the learner was too sure; above it, not sure enough.".into(),
        series: classes[first..].iter().enumerate().take(MAX_CURVES).map(line).collect(),
        guides: vec![guide("As it is", (0.0, 0.0), (1.0, 1.0))],
        sampling: if n_curves > MAX_CURVES {
            format!("the first {MAX_CURVES} of {n_curves} classes")
        } else {
            String::new()
        },
        ..figure("calibration-curves", "Correction", said, corrected, n_rows)
    };
    let row = |(member_idx, member): (usize, &CalibratedMember)| {
        vec![(member_idx + 1).to_string(), member.model.learner.clone(), member.model.n_training_rows.to_string()]
    };
    let models = Panel::Facts {
        title: "Models that are averaged".into(),
        heads: ["Model", "Learner", "Rows"].map(Into::into).into(),
        rows: calibrated.members.iter().enumerate().map(row).collect(),
    };
    vec![Panel::Figure(drawn), models]
}

pub fn stacked_panels(stacked: &Stacked) -> Vec<Panel> {
    let row = |(member_idx, member): (usize, &Model)| {
        vec![format!("learner_{}", member_idx + 1), member.learner.clone(), member.n_training_rows.to_string()]
    };
    let last = ["final".to_owned(), stacked.last.learner.clone(), stacked.last.n_training_rows.to_string()].to_vec();
    let members = Panel::Facts {
        title: "Learners".into(),
        heads: ["Place", "Learner", "Rows"].map(Into::into).into(),
        rows: stacked.members.iter().enumerate().map(row).chain([last]).collect(),
    };
    // What the final model is; of what it looks at, the first panel of it says nothing new.
    std::iter::once(members).chain(panels(&stacked.last).into_iter().skip(1)).collect()
}

/// How many models it is made of: "3 × Logistic Regression".
pub fn counted(model: &Model) -> String {
    let first = model.estimator.models().next().map_or("", |inner| inner.learner.as_str());
    format!("{} × {first}", model.estimator.models().count())
}
