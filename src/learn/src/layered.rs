//! Learners that are made of learners: each trains others, on parts of the rows or on other targets, and makes a model of
//! their models.

use model::{
    Calibrated, CalibratedMember, Coding, Curve, Estimator, Features, Model, Multiclass, NewColumn, NewValues, Scale,
    Stacked, Target,
};
use numeric::Stream;
use schema::{Column, Kind, Role};
use serde::{Deserialize, Serialize};
use table::Table;

use crate::calibration::{self, CalibrationMethod};
use crate::checkpoint::{Part, Watched};
use crate::dataset::{Dataset, Labels};
use crate::preprocess::{FoldSettings, assign_folds};
use crate::train::{self, Trained};
use crate::{Checkpoint, FitError, Learner};

/// Models of two classes that one model may be made of: those of the pairs of a hundred classes.
const MAX_MEMBERS: usize = 5_000;

/// How a learner of two classes becomes one of several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MulticlassSettings {
    /// What tells two classes apart.
    pub learner: Box<Learner>,
    /// Which two.
    pub coding: Coding,
}

/// How probabilities are corrected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibratedSettings {
    /// Whose probabilities.
    pub learner: Box<Learner>,
    /// What form the curves have.
    pub method: CalibrationMethod,
    /// Parts of the rows, each of which is predicted by a model of the others.
    pub n_folds: u32,
    /// Whether the models of all folds are kept, each with its curves, and averaged. Otherwise one model of all rows is
    /// kept, with curves that were fitted to what the others said.
    pub ensemble: bool,
}

/// How learners are stacked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StackingSettings {
    /// What looks at the rows.
    pub members: Vec<Learner>,
    /// What looks at what those predict.
    pub last: Box<Learner>,
    /// Parts of the rows, each of which is predicted by models of the others to teach the last.
    pub n_folds: u32,
    /// Whether the last also looks at the rows' own columns.
    pub passthrough: bool,
}

/// The rows that count, and their target.
struct Ground<'a> {
    /// The learner's title.
    learner: &'static str,
    name: &'a str,
    table: Table,
    target: Target,
    labels: Labels,
    weights: Option<Vec<f64>>,
    seed: u64,
}

impl<'a> Ground<'a> {
    fn new(learner: &Learner, table: &Table, name: &'a str, seed: u64) -> Result<Self, FitError> {
        train::check(learner, table, name)?;
        let title = learner.title();
        let (dataset, kept) = Dataset::labelled(table, table.schema().position(name)?, learner.ability()?, title)?;
        let table = match kept {
            Some(kept) => table.take(&kept.into_iter().map(|row_idx| row_idx as u32).collect::<Vec<_>>()),
            None => table.clone(),
        };
        let Dataset { target, labels, weights, .. } = dataset;
        // A learner that could take whole numbers for quantities is not asked.
        let table = match (&target, &labels) {
            (Target::Class { classes, .. }, Labels::Classes(codes)) => {
                let codes = codes.iter().map(|class| *class as i32).collect();
                let values = NewValues::Category { codes, dictionary: classes.clone() };
                with_target(&table, name, Kind::Category, values)
            }
            (Target::Class { .. } | Target::Number { .. }, _) => table,
        };
        Ok(Self { learner: title, name, table, target, labels, weights, seed })
    }

    fn n_rows(&self) -> usize {
        self.table.n_rows()
    }

    /// The class of each row; none where numbers are predicted.
    fn classes(&self) -> &[u32] {
        match &self.labels {
            Labels::Classes(classes) => classes,
            Labels::Numbers(_) => &[],
        }
    }

    fn class(&self, class: usize) -> &str {
        self.target.classes().nth(class).unwrap_or_default()
    }

    /// Whether there are enough rows of each class.
    fn check_classes(&self, needed: usize) -> Result<(), FitError> {
        let count = |class: usize| self.classes().iter().filter(|own| **own as usize == class).count();
        let rare = (0..self.target.n_classes()).map(|class| (class, count(class))).find(|(_, n)| *n < needed);
        rare.map_or(Ok(()), |(class, n)| {
            let (name, class, learner) = (self.name.to_owned(), self.class(class).to_owned(), self.learner);
            Err(FitError::RareClass { name, class, n, needed, learner })
        })
    }

    /// Rows by fold; each class has its share in each.
    fn folds(&self, n_folds: u32) -> Result<Vec<Fold>, FitError> {
        let stratify = (self.target.n_classes() > 0).then(|| self.name.to_owned());
        let settings = FoldSettings { n_folds, randomized: true, stratify };
        let (k, n) = (n_folds as usize, self.n_rows());
        let folds = match assign_folds(&self.table, &settings, self.seed) {
            Ok(folds) => folds,
            Err(_) if n_folds < 2 => {
                let (name, found) = ("the number of folds", n_folds.to_string());
                return Err(FitError::Setting { name, found, expected: "at least 2" });
            }
            Err(_) => return Err(FitError::TooFewRows { what: "the number of folds", k, n, rows: "row" }),
        };
        let rows = |fold: u32, is_in: bool| {
            (0..n as u32).filter(|row_idx| (folds[*row_idx as usize] == fold) == is_in).collect()
        };
        Ok((0..n_folds).map(|fold| Fold { training: rows(fold, false), held_out: rows(fold, true) }).collect())
    }

    /// Trains a learner; other places come to other random numbers.
    async fn train(
        &self,
        learner: &Learner,
        table: &Table,
        place: u64,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<Trained, FitError> {
        let seed = Stream::fork(self.seed, place).next_u64();
        train::trained(learner, table, self.name, seed, &mut Watched::new(checkpoint)).await
    }

    fn model(&self, learner: &Learner, estimator: Estimator) -> Model {
        Model {
            learner: learner.title().into(),
            preparation: Vec::new(),
            features: Features { features: Vec::new() },
            target: self.target.clone(),
            estimator,
            importances: None,
            n_training_rows: self.n_rows() as u64,
        }
    }
}

/// Rows that are held out together, and all others.
struct Fold {
    training: Vec<u32>,
    held_out: Vec<u32>,
}

fn with_target(table: &Table, name: &str, kind: Kind, values: NewValues) -> Table {
    let column = Column::new(name, kind).with_role(Role::Target);
    table.with_columns(vec![NewColumn { column, values, valid: None }]).expect("it takes the place of one as long")
}

/// What a model says of rows, in the order of a target's classes.
async fn predicted(
    model: &Model,
    table: &Table,
    target: &Target,
    checkpoint: &mut impl Checkpoint,
) -> Result<Vec<f64>, FitError> {
    /// Numbers that are looked at in a few milliseconds.
    const BLOCK_WORK: usize = 4_000_000;
    let n_rows = table.n_rows();
    let block_rows = (BLOCK_WORK / model.estimator.work_per_row().max(1)).clamp(32, 4_096);
    let mut values = Vec::with_capacity(n_rows * target.n_classes().max(1));
    for from in (0..n_rows).step_by(block_rows) {
        checkpoint.checkpoint(1.0, "Predicting rows held out").await?;
        let rows: Vec<u32> = (from as u32..(from + block_rows).min(n_rows) as u32).collect();
        values.extend(model.predict_as(&table.take(&rows).frame(), target)?);
    }
    Ok(values)
}

/// Trains a model of two classes for each class, or each pair of classes.
pub(crate) async fn multiclass(
    learner: &Learner,
    settings: &MulticlassSettings,
    (table, target, seed): (&Table, &str, u64),
    checkpoint: &mut Watched<'_>,
) -> Result<Trained, FitError> {
    let ground = Ground::new(learner, table, target, seed)?;
    let n_classes = ground.target.n_classes();
    let n_members = settings.coding.n_members(n_classes);
    if n_members > MAX_MEMBERS {
        return Err(FitError::TooManyClasses { name: target.into(), n: n_classes, limit: 100 });
    }
    let (mut members, mut notes) = (Vec::new(), Vec::new());
    for (member_idx, (negative, positive)) in settings.coding.sides(n_classes).into_iter().enumerate() {
        let mut part = Part::new(checkpoint, member_idx, n_members);
        let is_of = |class: u32| class as usize == positive || negative.is_none_or(|other| class as usize == other);
        let is_positive: Vec<bool> =
            ground.classes().iter().filter(|class| is_of(**class)).map(|class| *class as usize == positive).collect();
        let rows = if is_positive.len() == ground.n_rows() {
            ground.table.clone()
        } else {
            ground.table.filter(&ground.classes().iter().map(|class| is_of(*class)).collect::<Vec<_>>())
        };
        let rows = with_target(&rows, target, Kind::Boolean, NewValues::Boolean(is_positive));
        let trained = ground.train(&settings.learner, &rows, member_idx as u64, &mut part).await?;
        let of =
            format!("{} against {}", ground.class(positive), negative.map_or("the rest", |other| ground.class(other)));
        notes.extend(trained.notes.into_iter().map(|note| format!("{of}: {note}")));
        members.push(trained.model);
    }
    let estimator = Estimator::Multiclass(Multiclass { coding: settings.coding, members });
    Ok(Trained { model: ground.model(learner, estimator), notes })
}

/// Trains models whose probabilities are corrected by rows that they have not seen.
pub(crate) async fn calibrated(
    learner: &Learner,
    settings: &CalibratedSettings,
    (table, target, seed): (&Table, &str, u64),
    checkpoint: &mut Watched<'_>,
) -> Result<Trained, FitError> {
    let ground = Ground::new(learner, table, target, seed)?;
    ground.check_classes(settings.n_folds as usize)?;
    let folds = ground.folds(settings.n_folds)?;
    let scale = settings.learner.scale();
    let n_classes = ground.target.n_classes();
    let n_steps = folds.len() + usize::from(!settings.ensemble);
    let (mut members, mut notes) = (Vec::new(), Vec::new());
    let mut said = vec![0.0; ground.n_rows() * n_classes];
    for (fold_idx, fold) in folds.iter().enumerate() {
        let mut part = Part::new(checkpoint, fold_idx, n_steps);
        let trained =
            ground.train(&settings.learner, &ground.table.take(&fold.training), fold_idx as u64, &mut part).await?;
        let held_out = ground.table.take(&fold.held_out);
        let values = predicted(&trained.model, &held_out, &ground.target, &mut part).await?;
        if settings.ensemble {
            notes.extend(trained.notes.into_iter().map(|note| format!("Fold {fold_idx}: {note}")));
            let curves = curves(&ground, settings.method, scale, &fold.held_out, &values)?;
            members.push(CalibratedMember { model: trained.model, curves });
        } else {
            place(&mut said, &values, &fold.held_out, n_classes);
        }
    }
    if !settings.ensemble {
        let mut part = Part::new(checkpoint, folds.len(), n_steps);
        let trained = ground.train(&settings.learner, &ground.table, folds.len() as u64, &mut part).await?;
        notes = trained.notes;
        let rows: Vec<u32> = (0..ground.n_rows() as u32).collect();
        let curves = curves(&ground, settings.method, scale, &rows, &said)?;
        members.push(CalibratedMember { model: trained.model, curves });
    }
    let estimator = Estimator::Calibrated(Calibrated { scale, members });
    Ok(Trained { model: ground.model(learner, estimator), notes })
}

/// Puts what was said of some rows into the places of those rows.
fn place(all: &mut [f64], values: &[f64], rows: &[u32], width: usize) {
    for (row_idx, values) in rows.iter().zip(values.chunks_exact(width)) {
        all[*row_idx as usize * width..][..width].copy_from_slice(values);
    }
}

/// One curve for each class, or for the second of two, by what was said of some rows.
fn curves(
    ground: &Ground<'_>,
    method: CalibrationMethod,
    scale: Scale,
    rows: &[u32],
    values: &[f64],
) -> Result<Vec<Curve>, FitError> {
    let n_classes = ground.target.n_classes();
    let weights: Option<Vec<f64>> =
        ground.weights.as_ref().map(|weights| rows.iter().map(|row_idx| weights[*row_idx as usize]).collect());
    let of_class = |class: usize| {
        let scores: Vec<f64> = values.iter().skip(class).step_by(n_classes).map(|p| scale.score(*p)).collect();
        let is_positive: Vec<bool> =
            rows.iter().map(|row_idx| ground.classes()[*row_idx as usize] as usize == class).collect();
        calibration::fit(method, &scores, &is_positive, weights.as_deref())
    };
    (usize::from(n_classes == 2)..n_classes).map(of_class).collect()
}

/// Trains several learners, and one that looks at what those say of rows that they have not seen.
pub(crate) async fn stacking(
    learner: &Learner,
    settings: &StackingSettings,
    (table, target, seed): (&Table, &str, u64),
    checkpoint: &mut Watched<'_>,
) -> Result<Trained, FitError> {
    let ground = Ground::new(learner, table, target, seed)?;
    let n_classes = ground.target.n_classes();
    if n_classes == 2 {
        // Whichever fold is held out, the others know both.
        ground.check_classes(2)?;
    }
    let folds = ground.folds(settings.n_folds)?;
    let width = n_classes.max(1);
    let n_steps = settings.members.len() * (folds.len() + 1) + 1;
    let (mut members, mut notes, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    let mut step_idx = 0;
    for member in &settings.members {
        let mut said = vec![0.0; ground.n_rows() * width];
        for fold in &folds {
            let mut part = Part::new(checkpoint, step_idx, n_steps);
            let trained = ground.train(member, &ground.table.take(&fold.training), step_idx as u64, &mut part).await?;
            let held_out = ground.table.take(&fold.held_out);
            let values = predicted(&trained.model, &held_out, &ground.target, &mut part).await?;
            place(&mut said, &values, &fold.held_out, width);
            step_idx += 1;
        }
        let mut part = Part::new(checkpoint, step_idx, n_steps);
        let trained = ground.train(member, &ground.table, step_idx as u64, &mut part).await?;
        step_idx += 1;
        notes.extend(trained.notes.into_iter().map(|note| format!("{}: {note}", member.title())));
        members.push(trained.model);
        seen.extend(Stacked::seen(&said, n_classes));
    }
    let columns = names(settings, &ground);
    let new = columns.iter().zip(seen).map(|(name, values)| NewColumn {
        column: Column::new(name, Kind::Number),
        values: NewValues::Number(values),
        valid: None,
    });
    let schema = ground.table.schema();
    let is_kept = |column_idx: &usize| {
        let column = &schema.columns[*column_idx];
        settings.passthrough || column.name == target || column.role == Role::Weight
    };
    let kept: Vec<usize> = (0..schema.columns.len()).filter(is_kept).collect();
    let rows = ground.table.select(&kept).with_columns(new.collect()).expect("names are new, and columns as long");
    let mut part = Part::new(checkpoint, step_idx, n_steps);
    let trained = ground.train(&settings.last, &rows, step_idx as u64, &mut part).await?;
    notes.extend(
        trained.notes.into_iter().map(|note| format!("{}, on what the others say: {note}", settings.last.title())),
    );
    let last = Box::new(trained.model);
    let estimator = Estimator::Stacked(Stacked { members, columns, passthrough: settings.passthrough, last });
    Ok(Trained { model: ground.model(learner, estimator), notes })
}

/// How the last learner calls what the others say: "Decision Forest: yes".
fn names(settings: &StackingSettings, ground: &Ground<'_>) -> Vec<String> {
    let classes: Vec<&str> = ground.target.classes().collect();
    let first = usize::from(classes.len() == 2);
    let mut names: Vec<String> = Vec::new();
    for (member_idx, member) in settings.members.iter().enumerate() {
        let title = member.title();
        let is_twice = settings.members.iter().filter(|other| other.title() == title).count() > 1;
        let title = if is_twice { format!("{title} {}", member_idx + 1) } else { title.to_owned() };
        let of_classes = classes.iter().skip(first).map(|class| format!("{title}: {class}"));
        let own: Vec<String> = if classes.is_empty() { vec![title.clone()] } else { of_classes.collect() };
        for mut name in own {
            while names.contains(&name) || ground.table.schema().position(&name).is_ok() {
                name.push('\'');
            }
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests;
