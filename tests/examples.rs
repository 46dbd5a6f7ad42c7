//! Every component has an example that runs: what the page opens from a component's help, and `millrace components` prints.

use engine::Engine;
use engine::testing::{TestHost, block_on};
use protocol::{NodeOutcome, RunId, RunTarget};

/// Components whose example would be the user's own data.
const WITHOUT: [&str; 2] = ["data.enter-data", "data.import-file"];

#[test]
fn the_example_of_every_component_runs_and_has_it() {
    let mut wrong = Vec::new();
    for component in components::catalogue() {
        let id = component.spec().id;
        let engine = Engine::new(components::catalogue(), u64::MAX);
        let Some(example) = pipeline::example(engine.catalogue(), &id) else {
            assert!(WITHOUT.contains(&id.as_str()), "{id} has no example");
            continue;
        };
        assert!(example.nodes().values().any(|node| node.component == id), "{id}");
        let problems = pipeline::check(&example, engine.catalogue());
        let report = block_on(engine.run(&TestHost::default(), RunId(1), &example, &RunTarget::All));
        let failed = report.nodes.iter().filter(|(_, node)| node.outcome != NodeOutcome::Ran);
        wrong.extend(failed.map(|(node, report)| format!("{id}: {node}: {:?}", report.outcome)));
        wrong.extend(problems.iter().map(|problem| format!("{id}: {problem:?}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_no_component_has_no_example() {
    let engine = Engine::new(components::catalogue(), u64::MAX);
    assert_eq!(pipeline::example(engine.catalogue(), "learn.magic"), None);
}
