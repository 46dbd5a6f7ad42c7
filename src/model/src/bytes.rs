//! A model as bytes, the same natively and in WASM.

use std::cell::Cell;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::{
    Boosted, BoostedTree, Calibrated, CalibratedMember, Curve, Detector, Estimator, Likelihood, Link, Machine, Model,
    Multiclass, Stacked, Target, Tree,
};

/// Bytes that are no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these {n_bytes} bytes are no model: {why}")]
pub struct BytesError {
    /// How many there are.
    pub n_bytes: usize,
    /// What the decoder says.
    pub why: String,
}

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Reads what may hold others of its kind. That is done by recursion, and must not go deeper than the stack.
pub(crate) fn nested<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    const MAX_DEPTH: usize = 16;
    let depth = DEPTH.get();
    if depth == MAX_DEPTH {
        return Err(D::Error::custom(format!("models lie in models more than {MAX_DEPTH} deep")));
    }
    DEPTH.set(depth + 1);
    let read = T::deserialize(deserializer);
    DEPTH.set(depth);
    read
}

impl Model {
    /// As bytes, in postcard's format.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a model is plain data of known lengths")
    }

    /// From bytes, which may come from anywhere: a model that is read predicts without a panic and without end.
    ///
    /// # Errors
    /// Bytes that are no model, more than one, or a model whose parts do not fit together.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BytesError> {
        let wrong = |why: String| BytesError { n_bytes: bytes.len(), why };
        let (model, rest) = postcard::take_from_bytes::<Self>(bytes).map_err(|error| wrong(error.to_string()))?;
        if !rest.is_empty() {
            return Err(wrong(format!("{} bytes are left over", rest.len())));
        }
        model.unsound().map_or(Ok(model), |why| Err(wrong(why)))
    }

    /// Why its parts do not fit together, if they do not.
    fn unsound(&self) -> Option<String> {
        let width = self.features.matrix_names().len();
        let n_outputs = match &self.target {
            Target::Number { .. } => 1,
            Target::Class { classes, .. } if classes.is_empty() => {
                return Some("it predicts none of no classes".into());
            }
            Target::Class { classes, .. } => classes.len(),
        };
        let n_scores = if n_outputs == 2 { 1 } else { n_outputs };
        let is_number = matches!(self.target, Target::Number { .. });
        match &self.estimator {
            Estimator::Linear(linear) | Estimator::Poisson(linear) => (!is_number
                || linear.coefficients.len() != width)
                .then(|| format!("{} coefficients for {width} columns", linear.coefficients.len())),
            Estimator::Logistic(logistic) => {
                (is_number || logistic.intercepts.len() != n_scores || logistic.coefficients.len() != n_scores * width)
                    .then(|| format!("{} coefficients for {width} columns", logistic.coefficients.len()))
            }
            Estimator::Tree(tree) => unsound_tree(tree, width, n_outputs),
            Estimator::Forest(forest) if forest.trees.is_empty() => Some("a forest without trees".into()),
            Estimator::Forest(forest) => forest.trees.iter().find_map(|tree| unsound_tree(tree, width, n_outputs)),
            Estimator::Neighbors(neighbors) => {
                let n_rows = neighbors.targets.len();
                let fits = neighbors.n_columns == width
                    && neighbors.rows.len() == n_rows * width
                    && (1..=n_rows).contains(&neighbors.k.min(n_rows))
                    && neighbors.scaling.as_ref().is_none_or(|scaling| scaling.len() == width)
                    && neighbors.n_classes == self.target.n_classes();
                (!fits).then(|| format!("{n_rows} training rows that do not fit {width} columns"))
            }
            Estimator::Baseline(baseline) => (baseline.values.len() != n_outputs)
                .then(|| format!("{} values for {n_outputs} outputs", baseline.values.len())),
            Estimator::NaiveBayes(bayes) => {
                let is_whole = match &bayes.likelihood {
                    Likelihood::Gaussian { means, variances } => means.len() == variances.len(),
                    Likelihood::Multinomial { .. } | Likelihood::Bernoulli { .. } => true,
                };
                let n_values = bayes.likelihood.n_values();
                let fits = is_whole && bayes.log_priors.len() == n_outputs && n_values == n_outputs * width;
                (is_number || !fits).then(|| format!("{n_values} values for {n_outputs} classes and {width} columns"))
            }
            Estimator::Svm(svm) => {
                let n_classes = self.target.n_classes();
                let n_machines = if is_number { 1 } else { n_classes * (n_classes - 1) / 2 };
                let n_vectors = svm.vectors.len() / width.max(1);
                let is_sound = |machine: &Machine| {
                    let (negative, positive) = machine.classes;
                    (is_number || (negative < positive && (positive as usize) < n_classes))
                        && machine.weights.iter().all(|(idx, _)| (*idx as usize) < n_vectors)
                };
                let fits = svm.n_columns == width
                    && svm.n_classes == n_classes
                    && svm.vectors.len() == n_vectors * width
                    && svm.scaling.as_ref().is_none_or(|scaling| scaling.len() == width)
                    && svm.machines.len() == n_machines
                    && svm.machines.iter().all(is_sound);
                (!fits).then(|| format!("{} machines of {n_vectors} vectors do not fit", svm.machines.len()))
            }
            Estimator::Network(network) => (!network.fits(width, n_outputs))
                .then(|| format!("{} layers that do not fit {width} columns", network.layers.len())),
            Estimator::Anomalies(_) if n_outputs != 2 => Some(format!("anomalies among {n_outputs} classes")),
            Estimator::Anomalies(anomalies) => match &anomalies.detector {
                Detector::Components(components) => {
                    let fits = components.scaling.len() == width
                        && Some(components.directions.len()) == components.variances.len().checked_mul(width);
                    (!fits).then(|| format!("{} directions for {width} columns", components.variances.len()))
                }
                Detector::Isolation { forest, .. } if forest.trees.is_empty() => Some("a forest without trees".into()),
                Detector::Isolation { forest, .. } => forest.trees.iter().find_map(|tree| unsound_tree(tree, width, 1)),
            },
            Estimator::Boosted(boosted) => unsound_boosted(boosted, width, self.target.n_classes()),
            Estimator::Voters(voters) => {
                let fits = !voters.trees.is_empty() && voters.weights.len() == voters.trees.len();
                let why = || Some(format!("{} weights for {} trees", voters.weights.len(), voters.trees.len()));
                let unsound = || voters.trees.iter().find_map(|tree| unsound_tree(tree, width, n_outputs));
                if fits { unsound() } else { why() }
            }
            Estimator::Combination(_) | Estimator::Multiclass(_) | Estimator::Calibrated(_) | Estimator::Stacked(_) => {
                let misfit = self.estimator.misfit(self.target.n_classes());
                misfit.or_else(|| self.estimator.models().find_map(Self::unsound))
            }
        }
    }
}

impl Estimator {
    /// Why the models that it is made of do not fit together to predict so many classes, or a number, if they do not.
    fn misfit(&self, n_classes: usize) -> Option<String> {
        let all_of = |n: usize| self.models().all(|model| model.target.n_classes() == n);
        match self {
            Self::Combination(combination) => {
                let is_empty = combination.members.iter().all(|member| member.weight == 0);
                is_empty.then(|| "a combination of no models".into())
            }
            Self::Multiclass(Multiclass { coding, members }) => {
                let fits = n_classes >= 2 && members.len() == coding.n_members(n_classes) && all_of(2);
                (!fits).then(|| format!("{} models of two classes for {n_classes} classes", members.len()))
            }
            Self::Calibrated(Calibrated { members, .. }) => {
                let n_curves = if n_classes == 2 { 1 } else { n_classes };
                let is_whole = |curve: &Curve| match curve {
                    Curve::Sigmoid { .. } => true,
                    Curve::Steps { scores, probabilities } => !scores.is_empty() && scores.len() == probabilities.len(),
                };
                let is_sound =
                    |member: &CalibratedMember| member.curves.len() == n_curves && member.curves.iter().all(is_whole);
                let fits = n_classes >= 2 && !members.is_empty() && all_of(n_classes) && members.iter().all(is_sound);
                (!fits).then(|| format!("{} models whose curves do not fit {n_classes} classes", members.len()))
            }
            Self::Stacked(Stacked { members, columns, .. }) => {
                let n_seen = if n_classes == 2 { 1 } else { n_classes.max(1) };
                let fits = n_classes != 1 && columns.len() == members.len() * n_seen && all_of(n_classes);
                (!fits).then(|| format!("{} models that do not fit {} columns", members.len(), columns.len()))
            }
            Self::Linear(_)
            | Self::Logistic(_)
            | Self::Tree(_)
            | Self::Forest(_)
            | Self::Neighbors(_)
            | Self::Baseline(_)
            | Self::NaiveBayes(_)
            | Self::Poisson(_)
            | Self::Svm(_)
            | Self::Network(_)
            | Self::Anomalies(_)
            | Self::Voters(_)
            | Self::Boosted(_) => None,
        }
    }
}

/// Every row must have a sum of each score, and a link that makes of it what is predicted.
fn unsound_boosted(boosted: &Boosted, width: usize, n_classes: usize) -> Option<String> {
    let n_scores = boosted.base.len();
    let fits = match boosted.link {
        Link::Identity | Link::Exp => n_classes == 0 && n_scores == 1,
        Link::Logistic => n_classes == 2 && n_scores == 1,
        Link::Softmax => n_classes >= 2 && n_scores == n_classes,
    };
    if !fits || !boosted.trees.len().is_multiple_of(n_scores) {
        return Some(format!("{} boosted trees of {n_scores} scores for {n_classes} classes", boosted.trees.len()));
    }
    let unsound = |boosted: &BoostedTree| {
        let BoostedTree { tree, missing_left, .. } = boosted;
        let is_short = missing_left.len() != tree.nodes.len();
        let why = || format!("{} directions for {} nodes", missing_left.len(), tree.nodes.len());
        unsound_tree(tree, width, 1).or_else(|| is_short.then(why))
    };
    boosted.trees.iter().find_map(unsound)
}

/// A walk from the root must end at a leaf that has values.
fn unsound_tree(tree: &Tree, width: usize, n_outputs: usize) -> Option<String> {
    let n_nodes = tree.nodes.len();
    if n_nodes == 0 || tree.n_outputs as usize != n_outputs || tree.values.len() != n_nodes * n_outputs {
        return Some(format!("a tree with {} values for {n_nodes} nodes", tree.values.len()));
    }
    let leads_on = |at: usize, to: u32| (at + 1..n_nodes).contains(&(to as usize));
    let is_sound = |(at, node): (usize, &crate::TreeNode)| {
        node.left == 0 || (leads_on(at, node.left) && leads_on(at, node.right) && (node.feature as usize) < width)
    };
    let unsound = tree.nodes.iter().enumerate().position(|node| !is_sound(node));
    unsound.map(|at| format!("node {at} of a tree leads nowhere"))
}

#[cfg(test)]
mod tests {
    use schema::Kind;

    use crate::{
        Calibrated, CalibratedMember, Coding, Curve, Estimator, Feature, FeatureEncoding, Features, Forest, Model,
        Multiclass, Scale, Stacked, Target, Transform, Tree, TreeNode,
    };

    fn forest() -> Model {
        let node = |left, right| TreeNode { threshold: 0.5, feature: 0, left, right, n_rows: 2.0, impurity: 0.5 };
        let tree = Tree {
            nodes: vec![node(1, 2), node(0, 0), node(0, 0)],
            values: vec![0.5, 0.5, 1.0, 0.0, 0.0, 1.0],
            n_outputs: 2,
        };
        let x = Feature { name: "x".into(), kind: Kind::Number, encoding: FeatureEncoding::Number };
        Model {
            learner: "Decision Forest".into(),
            preparation: Vec::new(),
            features: Features { features: vec![x] },
            target: Target::Class { name: "y".into(), kind: Kind::Category, classes: vec!["no".into(), "yes".into()] },
            estimator: Estimator::Forest(Forest { trees: vec![tree] }),
            importances: None,
            n_training_rows: 2,
        }
    }

    #[test]
    fn a_model_comes_back_as_it_was() {
        assert_eq!(Model::from_bytes(&forest().to_bytes()), Ok(forest()));
    }

    #[test]
    fn bytes_that_were_cut_off_or_changed_are_no_model_or_one_that_predicts() {
        spoil(&forest().to_bytes());
    }

    fn spoil(bytes: &[u8]) {
        for cut in 0..bytes.len() {
            assert!(Model::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let x = crate::Frame {
            columns: vec![crate::ColumnView {
                name: "x",
                values: crate::Values::Number(std::borrow::Cow::Borrowed(&[0.1, 0.9])),
                valid: None,
            }],
            n_rows: 2,
        };
        for at in 0..bytes.len() {
            for flip in [1, 2, 0x80, 0xff] {
                let mut changed = bytes.to_vec();
                changed[at] ^= flip;
                if let Ok(model) = Model::from_bytes(&changed) {
                    // It may complain of the rows, but it ends.
                    let _ = model.predict(&x);
                }
            }
        }
    }

    fn of(estimator: Estimator) -> Model {
        Model { features: Features { features: Vec::new() }, estimator, ..forest() }
    }

    /// Made of the forest in every way that there is.
    fn layered() -> Vec<Model> {
        let curve = Curve::Steps { scores: vec![0.2, 0.8], probabilities: vec![0.1, 0.9] };
        let member = || CalibratedMember { model: forest(), curves: vec![curve.clone()] };
        let sees = Feature { name: "said".into(), kind: Kind::Number, encoding: FeatureEncoding::Number };
        let last = Box::new(Model { features: Features { features: vec![sees] }, ..forest() });
        let stacked = Stacked { members: vec![forest()], columns: vec!["said".into()], passthrough: false, last };
        vec![
            of(Estimator::Multiclass(Multiclass { coding: Coding::OneVsOne, members: vec![forest()] })),
            of(Estimator::Calibrated(Calibrated { scale: Scale::LogOdds, members: vec![member(), member()] })),
            of(Estimator::Stacked(stacked)),
        ]
    }

    #[test]
    fn models_of_models_come_back_whole_or_not_at_all() {
        for model in layered() {
            let bytes = model.to_bytes();
            assert_eq!(Model::from_bytes(&bytes), Ok(model));
            spoil(&bytes);
        }
    }

    #[test]
    fn models_of_models_that_do_not_fit_together_are_refused() {
        let refused = |model: Model, expected: &str| {
            let error = Model::from_bytes(&model.to_bytes()).unwrap_err().to_string();
            assert!(error.ends_with(expected), "{error}");
        };
        let mut models = layered();
        let Estimator::Multiclass(several) = &mut models[0].estimator else { unreachable!("it is one") };
        several.members.push(forest());
        refused(models[0].clone(), "2 models of two classes for 2 classes");
        let Estimator::Calibrated(calibrated) = &mut models[1].estimator else { unreachable!("it is one") };
        calibrated.members[1].curves[0] = Curve::Steps { scores: vec![], probabilities: vec![] };
        refused(models[1].clone(), "2 models whose curves do not fit 2 classes");
        let Estimator::Stacked(stacked) = &mut models[2].estimator else { unreachable!("it is one") };
        stacked.columns.clear();
        refused(models[2].clone(), "1 models that do not fit 0 columns");
    }

    /// Deep enough to end any stack, were it read to the end.
    #[test]
    fn models_in_models_without_end_are_refused() {
        let wrap =
            |inner: Model| of(Estimator::Multiclass(Multiclass { coding: Coding::OneVsAll, members: vec![inner] }));
        let nested = |depth: usize| (0..depth).fold(forest(), |inner, _| wrap(inner));
        assert!(Model::from_bytes(&nested(16).to_bytes()).is_ok());
        let error = Model::from_bytes(&nested(17).to_bytes()).unwrap_err();
        assert!(error.to_string().contains("no model"), "{error}");
        // What stands before the innermost model, as often as one likes.
        let (one, two) = (nested(1).to_bytes(), nested(2).to_bytes());
        let shared = one.iter().zip(&two).take_while(|(a, b)| a == b).count();
        assert!(Model::from_bytes(&two[..shared.min(two.len())].repeat(100_000)).is_err());
        let chain =
            |depth: usize| (0..depth).fold(Transform::Chain(Vec::new()), |inner, _| Transform::Chain(vec![inner]));
        let prepared = |depth: usize| Model { preparation: vec![chain(depth)], ..forest() };
        assert!(Model::from_bytes(&prepared(8).to_bytes()).is_ok());
        assert!(Model::from_bytes(&prepared(20).to_bytes()).is_err());
    }

    #[test]
    fn a_tree_that_leads_back_is_refused() {
        let mut model = forest();
        let Estimator::Forest(forest) = &mut model.estimator else { unreachable!("it is one") };
        forest.trees[0].nodes[2].left = 1;
        let error = Model::from_bytes(&model.to_bytes()).unwrap_err().to_string();
        assert!(error.ends_with("node 2 of a tree leads nowhere"), "{error}");
    }
}
