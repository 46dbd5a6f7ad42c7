//! Every combination in turn.

use study::{Dimension, Settings, Space};

/// The combinations of a space in order, the last dimension fastest, each once.
///
/// Dimensions that wait for others turn after them. One without end gives nothing.
pub fn combinations(space: &Space) -> impl Iterator<Item = Settings> {
    let ordered = space.in_order();
    let mut next = first(&ordered);
    std::iter::from_fn(move || {
        let current = next.take()?;
        next = after(&ordered, &current);
        Some(settings(&ordered, &current))
    })
}

/// The position of every dimension on its values; none where it does not count or takes another's.
type Odometer = Vec<Option<u64>>;

fn first(ordered: &[&Dimension]) -> Option<Odometer> {
    let no_end = |dimension: &&&Dimension| {
        dimension.same_as.is_none() && dimension.distribution.n_values().is_none_or(|n| n == 0)
    };
    if ordered.iter().any(|dimension| no_end(&dimension)) {
        return None;
    }
    Some(filled(ordered, Vec::new()))
}

/// The odometer with these first positions and the rest at their start.
fn filled(ordered: &[&Dimension], mut positions: Odometer) -> Odometer {
    for place in positions.len()..ordered.len() {
        let so_far = settings(ordered, &positions);
        let turns = ordered[place].same_as.is_none() && ordered[place].counts(&so_far);
        positions.push(turns.then_some(0));
    }
    positions
}

fn after(ordered: &[&Dimension], current: &Odometer) -> Option<Odometer> {
    for place in (0..current.len()).rev() {
        let Some(position) = current[place] else { continue };
        let n = ordered[place].distribution.n_values()?;
        if position + 1 < n {
            let mut positions = current[..place].to_vec();
            positions.push(Some(position + 1));
            return Some(filled(ordered, positions));
        }
    }
    None
}

fn settings(ordered: &[&Dimension], positions: &Odometer) -> Settings {
    let mut settings = Settings::new();
    for (dimension, position) in ordered.iter().zip(positions) {
        let value = match (&dimension.same_as, position) {
            (Some(source), _) if dimension.counts(&settings) => settings.get(source).cloned(),
            (Some(_), _) => None,
            (None, Some(position)) => dimension.distribution.value(*position),
            (None, None) => None,
        };
        if let Some(value) = value {
            settings.insert(dimension.name.clone(), value);
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pipeline::{NodeId, Value};
    use proptest::prelude::*;
    use study::Distribution;

    use super::*;

    fn dimension(name: &str, distribution: Distribution) -> Dimension {
        Dimension { name: name.into(), ..Dimension::new(NodeId::new("n").unwrap(), name, distribution) }
    }

    fn lines(dimensions: Vec<Dimension>) -> Vec<String> {
        let value = |value: &Value| match value {
            Value::Int(n) => n.to_string(),
            Value::Text(text) => text.clone(),
            other => format!("{other:?}"),
        };
        let line = |settings: Settings| {
            settings.iter().map(|(name, of)| format!("{name}={}", value(of))).collect::<Vec<_>>().join(" ")
        };
        combinations(&Space { dimensions }).map(line).collect()
    }

    #[test]
    fn the_last_dimension_turns_fastest() {
        let found = lines(vec![
            dimension("a", Distribution::RandInt { upper: 2 }),
            dimension("b", Distribution::QUniform { min_value: 10.0, max_value: 30.0, q: 10.0 }),
        ]);
        assert_eq!(found, ["a=0 b=10", "a=0 b=20", "a=0 b=30", "a=1 b=10", "a=1 b=20", "a=1 b=30"]);
    }

    #[test]
    fn what_does_not_count_does_not_turn_and_what_is_coupled_goes_along() {
        let values = ["rbf", "linear"].map(|text| Value::Text(text.into())).to_vec();
        let found = lines(vec![
            dimension("degree", Distribution::RandInt { upper: 2 }).when("kernel", [Value::Text("rbf".into())]),
            dimension("kernel", Distribution::Choice { values }),
            dimension("same", Distribution::RandInt { upper: 9 }).same_as("degree"),
        ]);
        assert_eq!(found, ["degree=0 kernel=rbf same=0", "degree=1 kernel=rbf same=1", "kernel=linear"]);
    }

    #[test]
    fn a_dimension_without_end_has_no_grid() {
        assert_eq!(lines(vec![dimension("a", Distribution::Uniform { min_value: 0.0, max_value: 1.0 })]), [""; 0]);
        assert_eq!(lines(vec![dimension("a", Distribution::Choice { values: Vec::new() })]), [""; 0]);
    }

    /// Spaces whose dimensions depend on each other in any way that the checks allow.
    fn any_space() -> impl Strategy<Value = Space> {
        let part = (1..4u64, any::<bool>(), prop::option::of((any::<prop::sample::Index>(), 0..4i64)), 0..8u8);
        prop::collection::vec(part, 1..6).prop_map(|parts| {
            let mut dimensions: Vec<Dimension> = Vec::new();
            for (place, (n, is_choice, when, coupling)) in parts.into_iter().enumerate() {
                let values = (0..n as i64).map(Value::Int).collect();
                let distribution =
                    if is_choice { Distribution::Choice { values } } else { Distribution::RandInt { upper: n } };
                let mut made = dimension(&format!("p{}", 9 - place), distribution);
                let sources: Vec<&Dimension> = dimensions.iter().filter(|other| other.same_as.is_none()).collect();
                if let Some((other, value)) = when.filter(|_| !sources.is_empty()) {
                    made = made.when(&other.get(&sources).name, [Value::Int(value), Value::Int(0)]);
                }
                if let (0, Some(source)) = (coupling, sources.first()) {
                    made = made.same_as(&source.name);
                }
                dimensions.push(made);
            }
            dimensions.reverse();
            Space { dimensions }
        })
    }

    proptest! {
        #[test]
        fn a_grid_has_as_many_combinations_as_are_counted_and_all_differ_and_fit(space in any_space()) {
            let all: Vec<Settings> = combinations(&space).collect();
            let different: BTreeSet<String> = all.iter().map(|settings| format!("{settings:?}")).collect();
            prop_assert_eq!(Some(all.len() as u64), space.n_combinations());
            prop_assert_eq!(all.len(), different.len());
            for settings in &all {
                prop_assert!(crate::fits(&space, settings), "{:?}", settings);
            }
        }
    }
}
