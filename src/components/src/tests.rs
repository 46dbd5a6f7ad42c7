//! What holds for every component.

use std::collections::BTreeSet;

use pipeline::{Family, ParamKind, Spec, Value};

use crate::catalogue;

fn specs() -> Vec<Spec> {
    catalogue().iter().map(|component| component.spec()).collect()
}

#[test]
fn ids_are_unique_sorted_and_named_by_family_and_kebab_case() {
    let ids: Vec<String> = specs().into_iter().map(|spec| spec.id).collect();
    let sorted: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(ids, sorted.into_iter().collect::<Vec<_>>());
    for id in ids {
        let (folder, name) = id.split_once('.').expect("a family and a name");
        assert!(["data", "transform", "split", "train", "learn", "score", "evaluate"].contains(&folder), "{id}");
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{id}");
    }
}

#[test]
fn every_component_tells_about_itself() {
    for spec in specs() {
        for (what, text) in [
            ("title", &spec.title),
            ("summary", &spec.summary),
            ("help", &spec.help),
            ("icon", &spec.icon),
            ("caption", &spec.caption),
        ] {
            assert!(!text.is_empty(), "{}: no {what}", spec.id);
        }
        assert!(spec.summary.ends_with('.') && spec.keywords.len() > 2, "{}", spec.id);
        assert!(!spec.outputs.is_empty(), "{}", spec.id);
    }
}

#[test]
fn what_learns_or_judges_says_by_which_formula() {
    let specs = specs();
    let is_meant = |spec: &&Spec| matches!(spec.family, Family::Learn | Family::Evaluate);
    for spec in specs.iter().filter(is_meant) {
        // Every other piece stands in `code`.
        let mut codes = spec.help.split('`').skip(1).step_by(2);
        assert!(codes.any(|code| code.contains(['=', 'Σ', '√', '−', '·', '²', '≤'])), "{}", spec.id);
    }
}

#[test]
fn ports_and_params_are_unique() {
    for spec in specs() {
        for names in [
            spec.inputs.iter().map(|port| &port.name).collect::<Vec<_>>(),
            spec.outputs.iter().map(|port| &port.name).collect(),
            spec.params.iter().map(|param| &param.name).collect(),
        ] {
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{}: {names:?}", spec.id);
        }
    }
}

#[test]
fn params_have_labels_help_and_defaults_that_are_allowed() {
    for spec in specs() {
        for param in &spec.params {
            let place = format!("{}.{}", spec.id, param.name);
            assert!(param.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{place}");
            assert!(param.label.starts_with(|c: char| c.is_uppercase()) && param.label != param.name, "{place}");
            assert!(param.help.ends_with('.'), "{place}: {:?}", param.help);
            let allowed = match (&param.kind, &param.default) {
                (ParamKind::Switch, Value::Bool(_)) => true,
                (ParamKind::Int { min, max, .. }, Value::Int(n)) => (min..=max).contains(&n),
                (ParamKind::Float { min, max, .. }, Value::Float(x)) => (min..=max).contains(&x),
                (ParamKind::Int { optional, .. } | ParamKind::Float { optional, .. }, Value::None) => *optional,
                (ParamKind::Choice(options), Value::Text(text)) => options.iter().any(|option| option.value == *text),
                (ParamKind::Text { .. } | ParamKind::Grid, Value::Text(_)) => true,
                (ParamKind::Seed, Value::Int(n)) => *n >= 0,
                (ParamKind::Column { optional, .. }, Value::None) => *optional,
                (ParamKind::Columns { .. }, Value::Columns(_)) => true,
                (ParamKind::File { .. }, Value::None) => true,
                _ => false,
            };
            assert!(allowed, "{place}: {:?} for {:?}", param.default, param.kind);
            if let ParamKind::Column { port, .. } | ParamKind::Columns { port, .. } = &param.kind {
                assert!(spec.input(port).is_some(), "{place}");
            }
        }
    }
}

#[test]
fn every_when_names_an_input_or_a_param_and_values_that_it_can_have() {
    for spec in specs() {
        for param in &spec.params {
            let (of_inputs, of_params): (Vec<_>, Vec<_>) =
                param.when.iter().partition(|condition| condition.values.is_empty());
            for condition in of_inputs {
                assert!(spec.input(&condition.param).is_some(), "{}.{}", spec.id, param.name);
            }
            for condition in of_params {
                let other = spec.param(&condition.param).unwrap_or_else(|| panic!("{}.{}", spec.id, param.name));
                let is_possible = |value: &Value| match (&other.kind, value) {
                    (ParamKind::Switch, Value::Bool(_)) => true,
                    (ParamKind::Choice(options), Value::Text(text)) => {
                        options.iter().any(|option| option.value == *text)
                    }
                    _ => false,
                };
                let wrong = condition.values.iter().find(|value| !is_possible(value));
                assert!(wrong.is_none(), "{}.{}: {wrong:?}", spec.id, param.name);
            }
        }
    }
}

#[test]
fn captions_name_params() {
    for spec in specs() {
        for piece in spec.caption.split('{').skip(1) {
            let name = piece.split('}').next().unwrap_or_default();
            assert!(spec.param(name).is_some(), "{}: {name}", spec.id);
        }
    }
}

#[test]
fn icons_are_in_the_sprite() {
    let sprite = include_str!("../../../public/icons.txt");
    for spec in specs() {
        assert!(sprite.lines().any(|icon| icon == spec.icon), "{}: {}", spec.id, spec.icon);
    }
}

mod flows {
    use engine::Engine;
    use engine::testing::{TestHost, block_on};
    use pipeline::from_json;
    use protocol::{RunId, RunTarget};

    use super::catalogue;

    /// What flows before a run is what comes out of it.
    #[test]
    fn foretold_columns_come_true() {
        for (name, text) in [
            ("churn", include_str!("../../../public/gallery/churn.json")),
            ("tumour", include_str!("../../../public/gallery/tumour.json")),
            ("diabetes", include_str!("../../../public/gallery/diabetes.json")),
            ("blobs", include_str!("../../../public/gallery/blobs.json")),
        ] {
            let engine = Engine::new(catalogue(), u64::MAX);
            let pipeline = from_json(text).expect("a pipeline");
            let foretold = engine.check(&pipeline).schemas;
            assert!(!foretold.is_empty(), "{name}");
            let report = block_on(engine.run(&TestHost::default(), RunId(1), &pipeline, &RunTarget::All));
            for (output, schema) in &foretold {
                assert_eq!(report.schemas.get(output), Some(schema), "{name}: {output}");
            }
        }
    }

    /// Every wrong column is told before a run, where it is set, with a way out.
    #[test]
    fn wrong_columns_are_problems_before_a_run() {
        let text = include_str!("../../../public/gallery/tumour.json");
        let engine = Engine::new(catalogue(), u64::MAX);
        let wrong = [
            ("\"stratify\": \"diagnosis\"", "\"stratify\": \"diagnoses\"", "split", "stratify"),
            (
                "\"component\": \"train.train-model@1\",",
                "\"component\": \"train.train-model@1\", \"params\": {\"target\": \"area\"},",
                "train",
                "target",
            ),
            (
                "\"component\": \"transform.normalize-data@1\",",
                "\"component\": \"transform.normalize-data@1\", \"params\": {\"columns\": {\"names\": [\"diagnosis\"]}},",
                "normalize",
                "columns",
            ),
        ];
        for (right, changed, node, place) in wrong {
            let pipeline = from_json(&text.replace(right, changed)).expect("a pipeline");
            let problems = engine.check(&pipeline).problems;
            let found = problems.iter().find(|problem| problem.code == "P101").unwrap_or_else(|| panic!("{changed}"));
            assert_eq!(found.node.as_ref().map(|id| id.as_str()), Some(node));
            assert_eq!(found.place.as_deref(), Some(place));
            assert!(!found.help.is_empty() && found.message.contains(['"']), "{found:?}");
        }
    }
}
