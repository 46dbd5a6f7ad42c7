//! What happened to an endpoint, in words as short as a chart's annotations.

use std::collections::BTreeMap;

use registry::{Change, Event, Name};

/// Something that happened to an endpoint and may show in its figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What: `v4 to 10 %`, `stopped`.
    pub what: String,
    /// Who did it.
    pub who: String,
    /// Why, if a rule did it.
    pub reason: String,
}

/// What happened to an endpoint, oldest first. A deployment that nobody sends requests to is no step yet.
pub fn history(events: &[Event], endpoint: &Name) -> Vec<Step> {
    let mut versions: BTreeMap<&Name, u32> = BTreeMap::new();
    let mut traffic: BTreeMap<&Name, u8> = BTreeMap::new();
    let mut steps = Vec::new();
    for event in events {
        let (what, reason) = match &event.change {
            Change::Deployed { endpoint: of, deployment, version, .. } if of == endpoint => {
                let before = versions.insert(deployment, *version);
                match traffic.get(deployment).filter(|percent| **percent > 0 && before != Some(*version)) {
                    Some(percent) => (format!("v{version} to {percent} %"), ""),
                    None => continue,
                }
            }
            Change::Undeployed { endpoint: of, deployment } if of == endpoint => {
                traffic.remove(deployment);
                match versions.remove(deployment) {
                    Some(version) => (format!("v{version} retired"), ""),
                    None => continue,
                }
            }
            Change::TrafficSet { endpoint: of, traffic: after, reason } if of == endpoint => {
                let what = shift(&traffic, after, &versions);
                traffic = after.iter().map(|(deployment, percent)| (deployment, *percent)).collect();
                match what {
                    Some(what) => (what, reason.as_str()),
                    None => continue,
                }
            }
            Change::MirrorSet { endpoint: of, mirror } if of == endpoint => match mirror {
                Some(share) => {
                    let who = label(&share.deployment, &versions);
                    (format!("{who} sees copies of {} %", share.percent), "")
                }
                None => ("no more copies".to_owned(), ""),
            },
            Change::Stopped { endpoint: of } if of == endpoint => ("stopped".to_owned(), ""),
            Change::Started { endpoint: of } if of == endpoint => ("started".to_owned(), ""),
            Change::EndpointRemoved { endpoint: of } if of == endpoint => {
                versions.clear();
                traffic.clear();
                ("removed".to_owned(), "")
            }
            Change::Registered { .. }
            | Change::AliasSet { .. }
            | Change::AliasRemoved { .. }
            | Change::TagSet { .. }
            | Change::Archived { .. }
            | Change::Restored { .. }
            | Change::Deployed { .. }
            | Change::Undeployed { .. }
            | Change::TrafficSet { .. }
            | Change::MirrorSet { .. }
            | Change::AlertSet { .. }
            | Change::AlertRemoved { .. }
            | Change::RollbackSet { .. }
            | Change::Stopped { .. }
            | Change::Started { .. }
            | Change::EndpointRemoved { .. } => continue,
        };
        steps.push(Step { at_ms: event.at, what, who: event.who.clone(), reason: reason.to_owned() });
    }
    steps
}

/// The share that grew most says what the change was about; of shares that only fell, the one that fell most.
fn shift(before: &BTreeMap<&Name, u8>, after: &BTreeMap<Name, u8>, versions: &BTreeMap<&Name, u32>) -> Option<String> {
    let growth = |name: &Name| {
        let share = |found: Option<&u8>| i16::from(found.copied().unwrap_or_default());
        share(after.get(name)) - share(before.get(name))
    };
    let mut names: Vec<&Name> = after.keys().chain(before.keys().copied()).collect();
    names.retain(|name| growth(name) != 0);
    let most = names.iter().max_by_key(|name| growth(name))?;
    let told = if growth(most) > 0 { most } else { names.iter().min_by_key(|name| growth(name))? };
    Some(format!("{} to {} %", label(told, versions), after.get(*told).copied().unwrap_or_default()))
}

fn label(deployment: &Name, versions: &BTreeMap<&Name, u32>) -> String {
    versions.get(deployment).map_or_else(|| deployment.to_string(), |version| format!("v{version}"))
}

#[cfg(test)]
mod tests {
    use registry::Share;

    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).expect("a good name")
    }

    fn deployed(deployment: &str, version: u32) -> Change {
        Change::Deployed { endpoint: name("churn"), deployment: name(deployment), model: name("churn"), version }
    }

    fn traffic(shares: &[(&str, u8)], reason: &str) -> Change {
        let traffic = shares.iter().map(|(deployment, percent)| (name(deployment), *percent)).collect();
        Change::TrafficSet { endpoint: name("churn"), traffic, reason: reason.into() }
    }

    #[test]
    fn each_step_is_told_by_the_version_that_it_is_about() {
        let other = Change::Stopped { endpoint: name("other") };
        let changes = [
            deployed("blue", 3),
            traffic(&[("blue", 100)], ""),
            other,
            deployed("green", 4),
            traffic(&[("blue", 90), ("green", 10)], ""),
            traffic(&[("blue", 100), ("green", 0)], "green was worse"),
            deployed("blue", 5),
            Change::MirrorSet {
                endpoint: name("churn"),
                mirror: Some(Share { deployment: name("green"), percent: 20 }),
            },
            Change::Stopped { endpoint: name("churn") },
            traffic(&[("blue", 0)], ""),
            Change::Undeployed { endpoint: name("churn"), deployment: name("green") },
        ];
        let events: Vec<Event> =
            (1..).zip(changes).map(|(at, change)| Event { at, who: "ada".into(), change }).collect();
        let steps = history(&events, &name("churn"));
        let found: Vec<(u64, &str)> = steps.iter().map(|step| (step.at_ms, step.what.as_str())).collect();
        let expected = [
            (2, "v3 to 100 %"),
            (5, "v4 to 10 %"),
            (6, "v3 to 100 %"),
            (7, "v5 to 100 %"),
            (8, "v4 sees copies of 20 %"),
            (9, "stopped"),
            (10, "v5 to 0 %"),
            (11, "v4 retired"),
        ];
        assert_eq!(found, expected);
        assert_eq!(steps[2].reason, "green was worse");
    }
}
