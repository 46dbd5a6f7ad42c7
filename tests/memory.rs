//! What components say that they hold at their peak, beside what they really take.
//!
//! The engine refuses what would not fit before it begins, so an estimate that is too low lets a tab die, and one that
//! is far too high refuses what would work.

use engine::testing::{memory_of, run_component};
use engine::{Artifact, Component};
use peak_alloc::PeakAlloc;
use pipeline::Value;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const N_ROWS: i64 = 100_000;

type Inputs<'a> = Vec<(&'a str, Artifact)>;
type Params<'a> = Vec<(&'a str, Value)>;

fn component(id: &str) -> &'static dyn Component {
    components::catalogue().iter().copied().find(|component| component.spec().id == id).expect("a component")
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn output(id: &str, inputs: Inputs<'_>, params: Params<'_>, port: &str) -> Artifact {
    run_component(component(id), inputs, params, 1).expect("it works").outputs[port].clone()
}

fn generated(shape: &str) -> Artifact {
    let params = vec![("shape", text(shape)), ("n_rows", Value::Int(N_ROWS)), ("n_features", Value::Int(20))];
    output("data.generate-data", vec![], params, "table")
}

fn learner(name: &str, params: Params<'_>) -> Artifact {
    output(&format!("learn.{name}"), vec![], params, "learner")
}

#[test]
fn what_components_say_they_need_is_what_they_take() {
    let (law, customers, blobs) = (generated("regression"), generated("churn"), generated("blobs"));
    let params = vec![("cleaning_mode", text("remove-rows"))];
    let clean = output("transform.clean-missing-data", vec![("table", customers.clone())], params, "table");
    let (linear, logistic) = (learner("linear-regression", vec![]), learner("logistic-regression", vec![]));
    let forest = learner("decision-forest", vec![("n_trees", Value::Int(10))]);
    let tree = learner("decision-tree", vec![]);
    let neighbours = learner("k-nearest-neighbors", vec![]);
    let with = |learner: &Artifact, table: &Artifact| vec![("learner", learner.clone()), ("table", table.clone())];
    let model = output("train.train-model", with(&tree, &blobs), vec![], "model");
    let scoring = vec![("model", model), ("table", blobs.clone())];
    let scored = output("score.score-model", scoring.clone(), vec![], "scored");
    let numbers = output("train.train-model", with(&linear, &law), vec![], "model");
    let scored_numbers =
        output("score.score-model", vec![("model", numbers), ("table", law.clone())], vec![], "scored");
    let smooth = output("train.train-model", with(&logistic, &blobs), vec![], "model");
    let scored_probabilities =
        output("score.score-model", vec![("model", smooth), ("table", blobs.clone())], vec![], "scored");
    let k_means = output("learn.k-means", vec![], vec![], "clusterer");
    let quick = vec![("n_init", Value::Int(1)), ("iterations", Value::Int(3))];
    let mixture = output("learn.gaussian-mixture", vec![], quick, "clusterer");
    let dense = output("learn.dbscan", vec![], vec![("eps", Value::Float(0.3))], "clusterer");
    let joined = output("learn.hierarchical-clustering", vec![], vec![], "clusterer");
    let few = vec![("shape", text("blobs")), ("n_rows", Value::Int(6_000)), ("n_features", Value::Int(2))];
    let few = output("data.generate-data", vec![], few, "table");
    let some = |n_rows| {
        let params = vec![("shape", text("blobs")), ("n_rows", Value::Int(n_rows))];
        vec![("table", output("data.generate-data", vec![], params, "table"))]
    };
    let steps = || vec![("max_iter", Value::Int(250))];
    let folds = || vec![("n_folds", Value::Int(3))];
    let made_of = |name: &str, parts: Inputs<'static>| {
        let params = if name == "one-vs-all-multiclass" { vec![] } else { folds() };
        output(&format!("learn.{name}"), parts, params, "learner")
    };
    let each = made_of("one-vs-all-multiclass", vec![("learner", logistic.clone())]);
    let corrected = made_of("calibrated-probabilities", vec![("learner", tree.clone())]);
    let parts = vec![("learner_1", tree.clone()), ("learner_2", linear.clone()), ("final_learner", linear.clone())];
    let stacked = made_of("stacking", parts);
    let cases: Vec<(&str, &str, Inputs<'_>, Params<'_>)> = vec![
        (
            "a linear law",
            "data.generate-data",
            vec![],
            vec![("shape", text("regression")), ("n_rows", Value::Int(N_ROWS)), ("n_features", Value::Int(20))],
        ),
        ("customers", "data.generate-data", vec![], vec![("shape", text("churn")), ("n_rows", Value::Int(N_ROWS))]),
        ("blobs", "data.generate-data", vec![], vec![("shape", text("blobs")), ("n_rows", Value::Int(N_ROWS))]),
        ("gaps", "transform.clean-missing-data", vec![("table", customers.clone())], vec![]),
        ("scales", "transform.normalize-data", vec![("table", law.clone())], vec![]),
        ("indicators", "transform.convert-to-indicator-values", vec![("table", customers)], vec![]),
        ("columns", "transform.select-columns", vec![("table", law.clone())], vec![]),
        ("two parts", "split.split-data", vec![("table", law.clone())], vec![]),
        ("linear", "train.train-model", with(&linear, &law), vec![]),
        ("logistic", "train.train-model", with(&logistic, &clean), vec![]),
        ("tree", "train.train-model", with(&tree, &law), vec![]),
        ("forest", "train.train-model", with(&forest, &law), vec![]),
        ("forest of classes", "train.train-model", with(&forest, &clean), vec![]),
        ("neighbours", "train.train-model", with(&neighbours, &law), vec![]),
        ("one against all", "train.train-model", with(&each, &blobs), vec![]),
        ("corrected trees", "train.train-model", with(&corrected, &blobs), vec![]),
        ("stacked", "train.train-model", with(&stacked, &law), vec![]),
        ("clusters", "train.train-clustering-model", vec![("clusterer", k_means), ("table", law.clone())], vec![]),
        ("mixture", "train.train-clustering-model", vec![("clusterer", mixture), ("table", law.clone())], vec![]),
        ("dense places", "train.train-clustering-model", vec![("clusterer", dense), ("table", few.clone())], vec![]),
        ("joined groups", "train.train-clustering-model", vec![("clusterer", joined), ("table", few)], vec![]),
        ("places by all pairs", "transform.t-sne", some(500), steps()),
        ("places by neighbours", "transform.t-sne", some(6_000), steps()),
        ("classes", "score.score-model", scoring, vec![]),
        ("classes", "evaluate.evaluate-model", vec![("scored", scored)], vec![]),
        ("probabilities", "evaluate.evaluate-model", vec![("scored", scored_probabilities)], vec![]),
        ("numbers", "evaluate.evaluate-model", vec![("scored", scored_numbers)], vec![]),
        ("linear", "evaluate.cross-validate-model", with(&linear, &law), folds()),
        ("logistic", "evaluate.cross-validate-model", with(&logistic, &clean), folds()),
        ("tree", "evaluate.cross-validate-model", with(&tree, &blobs), folds()),
    ];
    let mut wrong = Vec::new();
    for (what, id, inputs, params) in cases {
        let component = component(id);
        let said = memory_of(component, inputs.clone(), params.clone()) as f64 / 1e6;
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        run_component(component, inputs, params, 1).expect("it works");
        let took = (MEMORY.peak_usage() - before) as f64 / 1e6;
        let line = format!("{id:40} {what:20} says {said:6.1} MB, takes {took:6.1} MB");
        println!("{line}");
        // A few megabytes are the same for any number of rows.
        if said + 4.0 < 0.9 * took || said > 2.0 * took + 4.0 {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
