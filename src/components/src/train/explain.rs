//! What a model has learned, to be looked at.

use charts::{Axis, Figure, Marks, Series};
use model::{
    Activation, Anomalies, Boosted, BoostedTree, Combination, Detector, Estimator, FeatureEncoding, Image, Kernel,
    Likelihood, Link, Losses, Machine, Model, NaiveBayes, Network, PrincipalComponents, Stage, SupportVectors, Target,
    Transform, Tree, Voters, component_name,
};
use protocol::{Face, Panel, TreeNode, TreeView};
use schema::Kind;

use crate::evaluate::figures::{by_size, digits, ranked};

use layered::{calibrated_panels, counted, multiclass_panels, stacked_panels};

mod layered;

/// A tree is drawn down to this depth.
const MAX_TREE_DEPTH: usize = 10;

/// All there is to see of a model.
pub fn panels(model: &Model) -> Vec<Panel> {
    let names = model.features.matrix_names();
    let mut panels = vec![facts(model, names.len())];
    if let Some(importances) = &model.importances {
        panels.extend(ranked(
            "importances",
            "Importances",
            "Importance",
            "How much each column has purified the groups of rows; all sum to 1.",
            &names,
            importances,
            model.n_training_rows,
        ));
    }
    match &model.estimator {
        Estimator::Linear(linear) => {
            panels.extend(ranked(
                "coefficients",
                "Weights",
                "Weight",
                "How much the prediction grows with one unit of each column.",
                &names,
                &linear.coefficients,
                model.n_training_rows,
            ));
            panels.push(intercept(&[linear.intercept], &[]));
        }
        Estimator::Logistic(logistic) => {
            let classes: &[String] = match &model.target {
                Target::Class { classes, .. } => classes,
                Target::Number { .. } => &[],
            };
            if logistic.intercepts.len() == 1 {
                let of = classes.last().map_or_else(String::new, |class| format!(" of {class}"));
                let summary = format!("How much the log odds{of} grow with one unit of each column.");
                panels.extend(ranked(
                    "coefficients",
                    "Weights",
                    "Weight",
                    &summary,
                    &names,
                    &logistic.coefficients,
                    model.n_training_rows,
                ));
                panels.push(intercept(&logistic.intercepts, &[]));
            } else {
                panels.push(per_class(&names, &logistic.coefficients, classes));
                panels.push(intercept(&logistic.intercepts, classes));
            }
        }
        Estimator::Tree(tree) => panels.push(Panel::Tree(view(model, tree, "Decision tree"))),
        Estimator::Forest(forest) => {
            if let Some(tree) = forest.trees.first() {
                panels.push(Panel::Tree(view(model, tree, &format!("Tree 1 of {}", forest.trees.len()))));
            }
        }
        Estimator::Boosted(boosted) => {
            if boosted.held_out_losses.len() > 1 {
                panels.push(Panel::Figure(held_out(model, boosted)));
            }
            if let Some(first) = boosted.trees.first() {
                let title =
                    format!("Tree 1 of {}: what it adds to the {}", boosted.trees.len(), of_first(model, boosted));
                panels.push(Panel::Tree(view_boosted(model, first, &title)));
            }
        }
        Estimator::Voters(voters) => {
            panels.push(Panel::Figure(errors_of_voters(model, voters)));
            if let Some(tree) = voters.trees.first() {
                panels.push(Panel::Tree(view(model, tree, &format!("Tree 1 of {}", voters.trees.len()))));
            }
        }
        Estimator::Neighbors(_) => {}
        Estimator::Baseline(baseline) => {
            let rows = match &model.target {
                Target::Class { classes, .. } => {
                    classes.iter().zip(&baseline.values).map(|(class, p)| vec![class.clone(), digits(*p)]).collect()
                }
                Target::Number { name } => {
                    baseline.values.iter().map(|value| vec![name.clone(), digits(*value)]).collect()
                }
            };
            panels.push(Panel::Facts {
                title: "The answer for every row".into(),
                heads: vec!["What".into(), "Value".into()],
                rows,
            });
        }
        Estimator::Combination(combination) => panels.push(members(combination)),
        Estimator::Multiclass(several) => panels.extend(multiclass_panels(several, model)),
        Estimator::Calibrated(calibrated) => panels.extend(calibrated_panels(calibrated, model)),
        Estimator::Stacked(stacked) => panels.extend(stacked_panels(stacked)),
        Estimator::NaiveBayes(bayes) => panels.push(by_class(&names, bayes, &model.target)),
        Estimator::Poisson(linear) => {
            panels.extend(ranked(
                "coefficients",
                "Weights",
                "Weight",
                "How much the logarithm of the prediction grows with one unit of each column.",
                &names,
                &linear.coefficients,
                model.n_training_rows,
            ));
            panels.push(intercept(&[linear.intercept], &[]));
        }
        Estimator::Svm(svm) => panels.push(machines(svm, &model.target)),
        Estimator::Network(network) => panels.extend(network_panels(network, model)),
        Estimator::Anomalies(Anomalies { detector: Detector::Components(components), .. }) => {
            panels.extend(component_panels(components, &names, model.n_training_rows));
        }
        Estimator::Anomalies(_) => {}
    }
    panels
}

/// The three columns that matter most, or what else there is to say in a line.
pub fn face(model: &Model) -> Face {
    let names = model.features.matrix_names();
    let top = |values: &[f64]| {
        let bars = by_size(values).into_iter().take(3).map(|idx| (names[idx].clone(), values[idx].abs())).collect();
        Face::Bars(bars)
    };
    match (&model.importances, &model.estimator) {
        (Some(importances), _) if !importances.is_empty() => top(importances),
        (_, Estimator::Linear(linear) | Estimator::Poisson(linear)) if !linear.coefficients.is_empty() => {
            top(&linear.coefficients)
        }
        (_, Estimator::Logistic(logistic)) if logistic.intercepts.len() == 1 && !names.is_empty() => {
            top(&logistic.coefficients)
        }
        (_, Estimator::Neighbors(neighbors)) => {
            Face::Text(format!("{} rows kept · k = {}", model.n_training_rows, neighbors.k))
        }
        (_, Estimator::Baseline(baseline)) => Face::Text(match &model.target {
            Target::Number { .. } => {
                format!("Always {}", baseline.values.first().copied().map(digits).unwrap_or_default())
            }
            Target::Class { classes, .. } => {
                let best = by_size(&baseline.values).first().and_then(|idx| classes.get(*idx));
                format!("Always {}", best.map_or("", String::as_str))
            }
        }),
        (_, Estimator::Combination(Combination { members })) => {
            let weights: Vec<String> = members.iter().map(|member| member.weight.to_string()).collect();
            let plural = if members.len() == 1 { "" } else { "s" };
            Face::Text(format!("{} model{plural} · weight{plural} {}", members.len(), weights.join(", ")))
        }
        (_, Estimator::Anomalies(anomalies)) => Face::Text(match &anomalies.detector {
            Detector::Components(components) => {
                format!("{} components · anomalous above {}", components.n_components(), digits(anomalies.threshold))
            }
            Detector::Isolation { forest, .. } => {
                format!("{} trees · anomalous above {}", forest.trees.len(), digits(anomalies.threshold))
            }
        }),
        (_, Estimator::Network(network)) => loss_face(network),
        (_, Estimator::Multiclass(_) | Estimator::Calibrated(_)) => Face::Text(counted(model)),
        (_, Estimator::Stacked(stacked)) => face(&stacked.last),
        (_, Estimator::Svm(svm)) => {
            let n_vectors = svm.vectors.len() / svm.n_columns.max(1);
            Face::Text(format!("{n_vectors} of {} rows are support vectors", model.n_training_rows))
        }
        (
            _,
            Estimator::Linear(_)
            | Estimator::Poisson(_)
            | Estimator::Logistic(_)
            | Estimator::Tree(_)
            | Estimator::Forest(_)
            | Estimator::Boosted(_)
            | Estimator::Voters(_)
            | Estimator::NaiveBayes(_),
        ) => Face::Text(format!("{} rows · {} columns", model.n_training_rows, names.len())),
    }
}

fn facts(model: &Model, n_columns: usize) -> Panel {
    let fact = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        fact("Learner", model.learner.clone()),
        fact("Predicts", model.target.name().into()),
        fact("Training rows", model.n_training_rows.to_string()),
        fact(
            "Columns",
            match &model.estimator {
                Estimator::Combination(_)
                | Estimator::Multiclass(_)
                | Estimator::Calibrated(_)
                | Estimator::Stacked(_) => model.columns().len().to_string(),
                Estimator::Linear(_)
                | Estimator::Logistic(_)
                | Estimator::Tree(_)
                | Estimator::Forest(_)
                | Estimator::Neighbors(_)
                | Estimator::NaiveBayes(_)
                | Estimator::Poisson(_)
                | Estimator::Svm(_)
                | Estimator::Network(_)
                | Estimator::Anomalies(_)
                | Estimator::Boosted(_)
                | Estimator::Voters(_)
                | Estimator::Baseline(_) => format!("{}, as {n_columns} numbers", model.features.features.len()),
            },
        ),
    ];
    if !model.preparation.is_empty() {
        let steps: Vec<String> = model.preparation.iter().flat_map(said).collect();
        rows.push(fact("Prepares rows itself", steps.join(", ")));
    }
    if let Target::Class { classes, .. } = &model.target {
        rows.push(fact("Classes", schema::list(classes)));
        if let [_, positive] = classes.as_slice() {
            rows.push(fact("Positive class", positive.clone()));
        }
    }
    match &model.estimator {
        Estimator::Tree(tree) => {
            rows.push(fact("Leaves", n_leaves(tree).to_string()));
        }
        Estimator::Forest(forest) => {
            rows.push(fact("Trees", forest.trees.len().to_string()));
            rows.push(fact("Leaves in all", forest.trees.iter().map(n_leaves).sum::<usize>().to_string()));
        }
        Estimator::Boosted(boosted) => {
            rows.push(fact("Trees", boosted.trees.len().to_string()));
            let n_leaves: usize = boosted.trees.iter().map(|tree| n_leaves(&tree.tree)).sum();
            rows.push(fact("Leaves in all", n_leaves.to_string()));
        }
        Estimator::Voters(voters) => {
            rows.push(fact("Trees", voters.trees.len().to_string()));
            rows.push(fact("Leaves in all", voters.trees.iter().map(n_leaves).sum::<usize>().to_string()));
        }
        Estimator::Combination(combination) => rows.push(fact("Members", combination.members.len().to_string())),
        Estimator::Network(network) => {
            let n_weights: usize = network.layers.iter().map(|layer| layer.weights.len() + layer.biases.len()).sum();
            rows.push(fact("Weights", n_weights.to_string()));
            rows.push(fact("Passes", network.losses.training.len().to_string()));
        }
        Estimator::Anomalies(anomalies) => {
            rows.push(fact("Anomalous above a score of", digits(anomalies.threshold)));
            if let Detector::Isolation { forest, .. } = &anomalies.detector {
                rows.push(fact("Trees", forest.trees.len().to_string()));
            }
        }
        Estimator::Svm(svm) => {
            rows.push(fact("Support vectors", (svm.vectors.len() / svm.n_columns.max(1)).to_string()));
            rows.push(fact(
                "Kernel",
                match svm.kernel {
                    Kernel::Linear => "Linear".into(),
                    Kernel::Rbf { gamma } => format!("RBF, gamma {}", digits(gamma)),
                    Kernel::Polynomial { degree, gamma, coef0 } => {
                        format!("Polynomial of degree {degree}, gamma {}, constant {}", digits(gamma), digits(coef0))
                    }
                },
            ));
        }
        Estimator::Linear(_)
        | Estimator::Poisson(_)
        | Estimator::Logistic(_)
        | Estimator::Neighbors(_)
        | Estimator::Baseline(_)
        | Estimator::Multiclass(_)
        | Estimator::Calibrated(_)
        | Estimator::Stacked(_)
        | Estimator::NaiveBayes(_) => {}
    }
    Panel::Facts { title: "Model".into(), heads: vec!["What".into(), "Value".into()], rows }
}

/// Steps of a preparation, by the components that fit them.
fn said(transform: &Transform) -> Vec<String> {
    let (component, n) = match transform {
        Transform::CleanMissing(clean) => ("Clean Missing Data", clean.columns.len()),
        Transform::Normalize(normalize) => ("Normalize Data", normalize.columns.len()),
        Transform::Indicators(indicators) => ("Convert to Indicator Values", indicators.columns.len()),
        Transform::Projection(projection) => ("Principal Component Analysis", projection.features.features.len()),
        Transform::Chain(steps) => return steps.iter().flat_map(said).collect(),
    };
    vec![format!("{component} ({n} column{})", if n == 1 { "" } else { "s" })]
}

fn members(combination: &Combination) -> Panel {
    let total: f64 = combination.members.iter().map(|member| f64::from(member.weight)).sum();
    let row = |member: &model::Member| {
        let share = 100.0 * f64::from(member.weight) / total;
        vec![
            member.name.clone(),
            member.model.learner.clone(),
            member.weight.to_string(),
            format!("{} %", digits((10.0 * share).round() / 10.0)),
            member.model.n_training_rows.to_string(),
        ]
    };
    Panel::Facts {
        title: "Members".into(),
        heads: ["Input", "Learner", "Weight", "Share", "Rows"].map(Into::into).into(),
        rows: combination.members.iter().map(row).collect(),
    }
}

/// What the first of the boosted trees adds to.
fn of_first(model: &Model, boosted: &Boosted) -> String {
    let class = |at: usize| match &model.target {
        Target::Class { classes, .. } => classes.get(at).cloned().unwrap_or_default(),
        Target::Number { .. } => String::new(),
    };
    match boosted.link {
        Link::Identity => "number".into(),
        Link::Exp => "logarithm of the number".into(),
        Link::Logistic => format!("log odds of {}", class(1)),
        Link::Softmax => format!("score of {}", class(0)),
    }
}

/// How the loss fell on rows that were held out.
fn held_out(model: &Model, boosted: &Boosted) -> Figure {
    let losses = &boosted.held_out_losses;
    let n_kept = boosted.trees.len() / boosted.base.len().max(1);
    let points = losses.iter().enumerate().map(|(round, loss)| (round as f64, *loss)).collect();
    let axis = |label: &str| Axis { label: label.into(), range: None, fixed: false, categories: Vec::new() };
    Figure {
        id: "held_out_loss".into(),
        title: "Loss on rows held out".into(),
        summary: format!("Mean loss after each round; the {n_kept} up to the smallest are kept."),
        x: axis("Round"),
        y: axis("Loss"),
        series: vec![Series { name: "Loss".into(), color_idx: 0, marks: Marks::Line(points), detail: None }],
        guides: Vec::new(),
        n_rows: model.n_training_rows,
        sampling: String::new(),
    }
}

/// How wrong each tree was, by the weights of rows at its turn.
fn errors_of_voters(model: &Model, voters: &Voters) -> Figure {
    let points = (1..).zip(&voters.errors).map(|(tree, error)| (f64::from(tree), *error)).collect();
    let axis = |label: &str| Axis { label: label.into(), range: None, fixed: false, categories: Vec::new() };
    Figure {
        id: "errors_of_trees".into(),
        title: "Weighted error of each tree".into(),
        summary: "Later trees look at harder rows, so their errors rise; the smaller, the louder a tree votes.".into(),
        x: axis("Tree"),
        y: axis("Weighted error"),
        series: vec![Series { name: "Error".into(), color_idx: 0, marks: Marks::Line(points), detail: None }],
        guides: Vec::new(),
        n_rows: model.n_training_rows,
        sampling: String::new(),
    }
}

fn n_leaves(tree: &Tree) -> usize {
    tree.nodes.iter().filter(|node| node.left == 0).count()
}

fn intercept(intercepts: &[f64], classes: &[String]) -> Panel {
    let rows = intercepts
        .iter()
        .enumerate()
        .map(|(idx, value)| vec![classes.get(idx).cloned().unwrap_or_else(|| "Intercept".into()), digits(*value)])
        .collect();
    Panel::Facts { title: "Intercept".into(), heads: vec!["Of".into(), "Value".into()], rows }
}

fn per_class(names: &[String], coefficients: &[f64], classes: &[String]) -> Panel {
    let width = names.len();
    let rows = names
        .iter()
        .enumerate()
        .map(|(idx, name)| {
            let of_classes = (0..classes.len())
                .map(|class| coefficients.get(class * width + idx).copied().map(digits).unwrap_or_default());
            std::iter::once(name.clone()).chain(of_classes).collect()
        })
        .collect();
    let heads = std::iter::once("Column".to_owned()).chain(classes.iter().cloned()).collect();
    Panel::Facts { title: "Weights of each class".into(), heads, rows }
}

/// What each class looks like: means with deviations, or shares of rows or counts.
fn by_class(names: &[String], bayes: &NaiveBayes, target: &Target) -> Panel {
    let classes: &[String] = match target {
        Target::Class { classes, .. } => classes,
        Target::Number { .. } => &[],
    };
    let width = names.len();
    let percent = |log_share: f64| format!("{} %", digits((1e4 * numeric::exp(log_share)).round() / 100.0));
    let cell = |at: usize| match &bayes.likelihood {
        Likelihood::Gaussian { means, variances } => {
            format!("{} ± {}", digits(means[at]), digits(numeric::sqrt(variances[at])))
        }
        Likelihood::Multinomial { log_shares } | Likelihood::Bernoulli { log_shares, .. } => percent(log_shares[at]),
    };
    let title = match &bayes.likelihood {
        Likelihood::Gaussian { .. } => "Mean and standard deviation in each class",
        Likelihood::Multinomial { .. } => "Share of each class's counts",
        Likelihood::Bernoulli { .. } => "Share of each class's rows in which a column is present",
    };
    let of_column = |(column_idx, name): (usize, &String)| {
        let cells = (0..classes.len()).map(|class| cell(class * width + column_idx));
        std::iter::once(name.clone()).chain(cells).collect()
    };
    let shares = bayes.log_priors.iter().map(|log_prior| percent(*log_prior));
    let first = std::iter::once("Before a row is looked at".to_owned()).chain(shares).collect();
    let heads = std::iter::once("Column".to_owned()).chain(classes.iter().cloned()).collect();
    let rows = std::iter::once(first).chain(names.iter().enumerate().map(of_column)).collect();
    Panel::Facts { title: title.into(), heads, rows }
}

/// How much each component says, and what it is made of.
pub fn component_panels(components: &PrincipalComponents, names: &[String], n_rows: u64) -> [Panel; 2] {
    let share =
        |variance: &f64| if components.total_variance > 0.0 { variance / components.total_variance } else { 0.0 };
    let shares: Vec<f64> = components.variances.iter().map(share).collect();
    let labels: Vec<String> = (0..shares.len()).map(component_name).collect();
    let axis = |label: &str, categories| Axis { label: label.into(), range: None, fixed: false, categories };
    let percent = |share: f64| format!("{} %", digits((1e3 * share).round() / 10.0));
    let figure = Figure {
        id: "explained-variance".into(),
        title: "Explained variance".into(),
        summary: format!(
            "{} of the variance of all columns, by {} component{}.",
            percent(shares.iter().sum()),
            shares.len(),
            if shares.len() == 1 { "" } else { "s" }
        ),
        x: axis("Component", labels.clone()),
        y: axis("Share of the variance", Vec::new()),
        series: vec![Series {
            name: "Share of the variance".into(),
            color_idx: 0,
            marks: Marks::Columns(shares.clone()),
            detail: None,
        }],
        guides: Vec::new(),
        n_rows,
        sampling: String::new(),
    };
    let width = names.len();
    let row = |(column_idx, name): (usize, &String)| {
        let parts = (0..shares.len()).map(|component| digits(components.directions[component * width + column_idx]));
        std::iter::once(name.clone()).chain(parts).collect()
    };
    let shares = std::iter::once("Share of the variance".to_owned()).chain(shares.iter().map(|share| percent(*share)));
    let rows = std::iter::once(shares.collect()).chain(names.iter().enumerate().map(row)).collect();
    let heads = std::iter::once("Column".to_owned()).chain(labels).collect();
    [Panel::Figure(figure), Panel::Facts { title: "What components are made of".into(), heads, rows }]
}

/// How the loss fell.
pub fn losses(losses: &Losses, n_rows: u64) -> Figure {
    let line = |name: &str, color_idx, losses: &[f64]| Series {
        name: name.into(),
        color_idx,
        marks: Marks::Line((1..).zip(losses).map(|(pass, loss)| (f64::from(pass), *loss)).collect()),
        detail: None,
    };
    let mut series = vec![line("Training rows", 0, &losses.training)];
    if !losses.validation.is_empty() {
        series.push(line("Rows held out", 1, &losses.validation));
    }
    let axis = |label: &str| Axis { label: label.into(), range: None, fixed: false, categories: Vec::new() };
    Figure {
        id: "loss".into(),
        title: "Loss in each pass".into(),
        summary:
            "Where the loss of rows held out rises while that of training rows falls, the network learns by heart."
                .into(),
        x: axis("Pass"),
        y: axis("Mean loss"),
        series,
        guides: Vec::new(),
        n_rows,
        sampling: String::new(),
    }
}

/// How the loss fell, and the layers.
fn network_panels(network: &Network, model: &Model) -> [Panel; 2] {
    let figure = losses(&network.losses, model.n_training_rows);
    let n_stages = network.stages.len();
    let mut of_stages = network.layers.iter();
    let row = |(stage_idx, stage): (usize, &Stage)| {
        let layer = stage.layer().and_then(|_| of_stages.next());
        let bends = match network.activation {
            _ if stage_idx + 1 == n_stages => match &model.target {
                Target::Class { .. } => "Softmax",
                Target::Number { .. } => "None",
            },
            _ if layer.is_none() => "Largest",
            Activation::Relu => "ReLU",
            Activation::Tanh => "Tanh",
            Activation::Logistic => "Logistic",
        };
        let pixels = |image: Image| format!("{} × {} × {}", image.height, image.width, image.n_channels);
        let (inputs, nodes) = match *stage {
            Stage::Dense { n_inputs, n_outputs } => (n_inputs.to_string(), n_outputs.to_string()),
            Stage::Convolution { image, .. } | Stage::Pooling { image, .. } => (pixels(image), pixels(stage.output())),
        };
        let n_weights = layer.map_or(0, |layer| layer.weights.len() + layer.biases.len());
        vec![(stage_idx + 1).to_string(), inputs, nodes, n_weights.to_string(), bends.to_owned()]
    };
    let layers = Panel::Facts {
        title: "Layers".into(),
        heads: ["Layer", "Inputs", "Nodes", "Weights", "Activation"].map(Into::into).into(),
        rows: network.stages.iter().enumerate().map(row).collect(),
    };
    [Panel::Figure(figure), layers]
}

/// The last loss, and how it fell.
fn loss_face(network: &Network) -> Face {
    let losses = &network.losses;
    let shown = if losses.validation.is_empty() { &losses.training } else { &losses.validation };
    let largest = shown.iter().fold(f64::MIN_POSITIVE, |largest, loss| largest.max(*loss));
    let n_steps = shown.len().saturating_sub(1).max(1) as f64;
    let point = |(pass, loss): (usize, &f64)| ((pass as f64 / n_steps) as f32, (loss / largest) as f32);
    let curve = Face::Curve { points: shown.iter().enumerate().map(point).collect(), diagonal: false };
    let least = shown.iter().copied().fold(f64::INFINITY, f64::min);
    Face::Headline(format!("Loss {} after {} passes", digits(least), shown.len()), Some(Box::new(curve)))
}

/// What each machine of a support vector machine came to.
fn machines(svm: &SupportVectors, target: &Target) -> Panel {
    let class = |class: u32| match target {
        Target::Class { classes, .. } => classes.get(class as usize).cloned().unwrap_or_default(),
        Target::Number { name } => name.clone(),
    };
    let row = |machine: &Machine| {
        let (negative, positive) = machine.classes;
        let of = if negative == positive {
            class(positive)
        } else {
            format!("{} against {}", class(positive), class(negative))
        };
        vec![of, machine.weights.len().to_string(), digits(machine.bias)]
    };
    Panel::Facts {
        title: "Machines".into(),
        heads: ["Of", "Support vectors", "Bias"].map(Into::into).into(),
        rows: svm.machines.iter().map(row).collect(),
    }
}

/// The tree as it is drawn.
fn view(model: &Model, tree: &Tree, title: &str) -> TreeView {
    let rules = rules(model);
    let rule = |at: usize| {
        let node = &tree.nodes[at];
        rules.get(node.feature as usize).map_or_else(String::new, |rule| rule(node.threshold))
    };
    let classes = match &model.target {
        Target::Class { classes, .. } => classes.clone(),
        Target::Number { .. } => Vec::new(),
    };
    let measure = if classes.is_empty() { "variance" } else { "impurity" };
    drawn(tree, classes, measure, title, rule)
}

/// A tree that adds to a score; where rows without a value go stands with its questions.
fn view_boosted(model: &Model, boosted: &BoostedTree, title: &str) -> TreeView {
    let rules = rules(model);
    let rule = |at: usize| {
        let node = &boosted.tree.nodes[at];
        let Some(feature) = model.features.features.get(node.feature as usize) else { return String::new() };
        let or_missing = if boosted.missing_left[at] { " or missing" } else { "" };
        match (&feature.encoding, boosted.left_categories.get(&(at as u32))) {
            (FeatureEncoding::Codes(names), Some(left)) => {
                let left: Vec<&str> =
                    (0..names.len()).filter(|code| left.contains(*code)).map(|code| names[code].as_str()).collect();
                format!("{} is {}{or_missing}", feature.name, either(&left))
            }
            (
                FeatureEncoding::Codes(_)
                | FeatureEncoding::Number
                | FeatureEncoding::NumberOrGap
                | FeatureEncoding::Indicators(_),
                _,
            ) => {
                // Beyond the largest threshold, all values are on one side and the gaps on the other.
                if node.threshold == f64::MAX {
                    return format!("{} is not missing", feature.name);
                }
                let rule = rules.get(node.feature as usize).map_or_else(String::new, |rule| rule(node.threshold));
                rule + or_missing
            }
        }
    };
    drawn(&boosted.tree, Vec::new(), "gain", title, rule)
}

/// A few of some names: "a, b or 3 more".
fn either(names: &[&str]) -> String {
    const MAX_NAMES: usize = 3;
    match names {
        [] => "none of those known".into(),
        [name] => (*name).into(),
        names if names.len() <= MAX_NAMES => {
            let (last, others) = names.split_last().expect("there are several");
            format!("{} or {last}", others.join(", "))
        }
        names => format!("{} or {} more", names[..MAX_NAMES - 1].join(", "), names.len() + 1 - MAX_NAMES),
    }
}

/// Down to a depth that can be read.
fn drawn(tree: &Tree, classes: Vec<String>, measure: &str, title: &str, rule: impl Fn(usize) -> String) -> TreeView {
    let n_outputs = tree.n_outputs as usize;
    let mut depths = vec![0usize; tree.nodes.len()];
    for (idx, node) in tree.nodes.iter().enumerate() {
        for child in [node.left, node.right] {
            if child != 0
                && let Some(depth) = depths.get(idx).map(|depth| depth + 1)
            {
                depths[child as usize] = depth;
            }
        }
    }
    // Nodes that are drawn, under their new positions.
    let mut positions = vec![None; tree.nodes.len()];
    let mut n_drawn = 0u32;
    for (idx, depth) in depths.iter().enumerate() {
        if *depth <= MAX_TREE_DEPTH {
            positions[idx] = Some(n_drawn);
            n_drawn += 1;
        }
    }
    let nodes = tree
        .nodes
        .iter()
        .enumerate()
        .filter(|(idx, _)| positions[*idx].is_some())
        .map(|(idx, node)| {
            let is_leaf = node.left == 0 || positions[node.left as usize].is_none();
            TreeNode {
                rule: if is_leaf { String::new() } else { rule(idx) },
                yes: if is_leaf { None } else { positions[node.left as usize] },
                no: if is_leaf { None } else { positions[node.right as usize] },
                n_rows: node.n_rows,
                measure: node.impurity,
                value: tree.values[idx * n_outputs..][..n_outputs].to_vec(),
            }
        })
        .collect();
    let is_cut = n_drawn as usize != tree.nodes.len();
    let title = if is_cut { format!("{title}, to depth {MAX_TREE_DEPTH}") } else { title.into() };
    TreeView { title, classes, measure: measure.into(), nodes }
}

/// For each column of the matrix, how "at most the threshold" reads.
fn rules(model: &Model) -> Vec<Box<dyn Fn(f64) -> String>> {
    let mut rules: Vec<Box<dyn Fn(f64) -> String>> = Vec::new();
    for feature in &model.features.features {
        let name = feature.name.clone();
        match &feature.encoding {
            FeatureEncoding::Number | FeatureEncoding::NumberOrGap if feature.kind == Kind::Boolean => {
                rules.push(Box::new(move |_| format!("{name} is false")));
            }
            FeatureEncoding::Number | FeatureEncoding::NumberOrGap | FeatureEncoding::Codes(_) => {
                rules.push(Box::new(move |threshold| format!("{name} <= {}", digits(threshold))));
            }
            FeatureEncoding::Indicators(categories) => {
                for category in categories {
                    let (name, category) = (name.clone(), category.clone());
                    rules.push(Box::new(move |_| format!("{name} is not {category}")));
                }
            }
        }
    }
    rules
}
