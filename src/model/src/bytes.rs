//! A model as bytes, the same natively and in WASM.

use crate::{Estimator, Model, Target, Tree};

/// Bytes that are no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these {n_bytes} bytes are no model: {why}")]
pub struct BytesError {
    /// How many there are.
    pub n_bytes: usize,
    /// What the decoder says.
    pub why: String,
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
        model.unsound(0).map_or(Ok(model), |why| Err(wrong(why)))
    }

    /// Why its parts do not fit together, if they do not.
    fn unsound(&self, depth: usize) -> Option<String> {
        /// Combinations of combinations are read by recursion.
        const MAX_DEPTH: usize = 16;
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
            Estimator::Linear(linear) => (!is_number || linear.coefficients.len() != width)
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
            Estimator::Combination(_) if depth == MAX_DEPTH => Some("combinations within combinations".into()),
            Estimator::Combination(combination) => {
                let is_empty = combination.members.iter().all(|member| member.weight == 0);
                let members = || combination.members.iter().find_map(|member| member.model.unsound(depth + 1));
                if is_empty { Some("a combination of no models".into()) } else { members() }
            }
        }
    }
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

    use crate::{Estimator, Feature, FeatureEncoding, Features, Forest, Model, Target, Tree, TreeNode};

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
        let bytes = forest().to_bytes();
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
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                if let Ok(model) = Model::from_bytes(&changed) {
                    // It may complain of the rows, but it ends.
                    let _ = model.predict(&x);
                }
            }
        }
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
