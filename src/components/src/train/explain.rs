//! What a model has learned, to be looked at.

use charts::{Axis, Figure, Marks, Series};
use model::{Combination, Estimator, FeatureEncoding, Model, Target, Transform, Tree};
use protocol::{Face, Panel, TreeNode, TreeView};
use schema::Kind;

/// Bars beyond this many cannot be read.
const MAX_BARS: usize = 20;
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
            model,
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
                model,
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
                    model,
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
        (_, Estimator::Linear(linear)) if !linear.coefficients.is_empty() => top(&linear.coefficients),
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
        (_, Estimator::Linear(_) | Estimator::Logistic(_) | Estimator::Tree(_) | Estimator::Forest(_)) => {
            Face::Text(format!("{} rows · {} columns", model.n_training_rows, names.len()))
        }
    }
}

/// Up to six digits that count.
pub fn digits(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return table::number_text(x);
    }
    let magnitude = x.abs();
    if !(1e-4..1e9).contains(&magnitude) {
        return format!("{x:.4e}");
    }
    let before = if magnitude >= 1.0 { format!("{magnitude:.0}").len() } else { 1 };
    let text = format!("{x:.*}", 6usize.saturating_sub(before));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
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
                Estimator::Combination(_) => model.columns().len().to_string(),
                Estimator::Linear(_)
                | Estimator::Logistic(_)
                | Estimator::Tree(_)
                | Estimator::Forest(_)
                | Estimator::Neighbors(_)
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
        Estimator::Combination(combination) => rows.push(fact("Members", combination.members.len().to_string())),
        Estimator::Linear(_) | Estimator::Logistic(_) | Estimator::Neighbors(_) | Estimator::Baseline(_) => {}
    }
    Panel::Facts { title: "Model".into(), heads: vec!["What".into(), "Value".into()], rows }
}

/// Steps of a preparation, by the components that fit them.
fn said(transform: &Transform) -> Vec<String> {
    let (component, n) = match transform {
        Transform::CleanMissing(clean) => ("Clean Missing Data", clean.columns.len()),
        Transform::Normalize(normalize) => ("Normalize Data", normalize.columns.len()),
        Transform::Indicators(indicators) => ("Convert to Indicator Values", indicators.columns.len()),
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

fn n_leaves(tree: &Tree) -> usize {
    tree.nodes.iter().filter(|node| node.left == 0).count()
}

/// Positions by absolute value, the largest first; equals by position.
fn by_size(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()).then(a.cmp(b)));
    order
}

/// A figure of the largest values, and all of them as rows.
fn ranked(
    id: &str,
    title: &str,
    head: &str,
    summary: &str,
    names: &[String],
    values: &[f64],
    model: &Model,
) -> Vec<Panel> {
    let order: Vec<usize> = by_size(values).into_iter().filter(|idx| *idx < names.len()).collect();
    let shown = &order[..order.len().min(MAX_BARS)];
    let figure = Figure {
        id: id.into(),
        title: title.into(),
        summary: summary.into(),
        x: Axis { label: head.into(), range: Some((0.0, 0.0)), fixed: false, categories: Vec::new() },
        y: Axis {
            label: "Column".into(),
            range: None,
            fixed: false,
            categories: shown.iter().map(|&idx| names[idx].clone()).collect(),
        },
        series: vec![Series {
            name: head.into(),
            color_idx: 0,
            marks: Marks::Bars(shown.iter().map(|&idx| values[idx]).collect()),
            detail: None,
        }],
        guides: Vec::new(),
        n_rows: model.n_training_rows,
        sampling: if order.len() > MAX_BARS {
            format!("the {MAX_BARS} largest of {}", order.len())
        } else {
            String::new()
        },
    };
    let rows = order.iter().map(|&idx| vec![names[idx].clone(), digits(values[idx])]).collect();
    vec![Panel::Figure(figure), Panel::Facts { title: title.into(), heads: vec!["Column".into(), head.into()], rows }]
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

/// The tree as it is drawn, down to a depth that can be read.
fn view(model: &Model, tree: &Tree, title: &str) -> TreeView {
    let rules = rules(model);
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
                rule: match rules.get(node.feature as usize) {
                    Some(rule) if !is_leaf => rule(node.threshold),
                    Some(_) | None => String::new(),
                },
                yes: if is_leaf { None } else { positions[node.left as usize] },
                no: if is_leaf { None } else { positions[node.right as usize] },
                n_rows: node.n_rows,
                impurity: node.impurity,
                value: tree.values[idx * n_outputs..][..n_outputs].to_vec(),
            }
        })
        .collect();
    let is_cut = n_drawn as usize != tree.nodes.len();
    let title = if is_cut { format!("{title}, to depth {MAX_TREE_DEPTH}") } else { title.into() };
    let classes = match &model.target {
        Target::Class { classes, .. } => classes.clone(),
        Target::Number { .. } => Vec::new(),
    };
    TreeView { title, classes, nodes }
}

/// For each column of the matrix, how "at most the threshold" reads.
fn rules(model: &Model) -> Vec<Box<dyn Fn(f64) -> String>> {
    let mut rules: Vec<Box<dyn Fn(f64) -> String>> = Vec::new();
    for feature in &model.features.features {
        let name = feature.name.clone();
        match &feature.encoding {
            FeatureEncoding::Number if feature.kind == Kind::Boolean => {
                rules.push(Box::new(move |_| format!("{name} is false")));
            }
            FeatureEncoding::Number => {
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
