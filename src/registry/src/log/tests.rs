use super::*;
use crate::Share;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn event(change: Change) -> Event {
    Event { at: 1_000, who: "ada".into(), change }
}

fn registered(model: &str, version: u32) -> Change {
    Change::Registered { model: name(model), version, package: Hash::of(&version.to_le_bytes()) }
}

fn alias(alias: &str, version: u32) -> Change {
    Change::AliasSet { model: name("churn"), alias: name(alias), version }
}

fn deployed(deployment: &str, version: u32) -> Change {
    Change::Deployed { endpoint: name("churn"), deployment: name(deployment), model: name("churn"), version }
}

fn traffic(shares: &[(&str, u8)]) -> Change {
    let traffic = shares.iter().map(|(deployment, percent)| (name(deployment), *percent)).collect();
    Change::TrafficSet { endpoint: name("churn"), traffic, reason: String::new() }
}

/// A log of two versions behind an endpoint.
fn log() -> Log {
    let mut log = Log::default();
    let changes = [
        registered("churn", 1),
        registered("churn", 2),
        alias("champion", 1),
        deployed("blue", 1),
        deployed("green", 2),
        traffic(&[("blue", 90), ("green", 10)]),
    ];
    for change in changes {
        log.record(event(change)).expect("it fits");
    }
    log
}

fn refused(log: &mut Log, change: Change) -> String {
    let before = log.clone();
    let error = log.record(event(change)).expect_err("it does not fit");
    assert_eq!(*log, before, "a change that is refused changes nothing");
    error.to_string()
}

#[test]
fn a_log_comes_back_as_it_was_written() {
    let log = log();
    let text: String = log.events().iter().map(Log::line).collect();
    assert_eq!(Log::read(&text).expect("it is whole"), log);
    let cut_off = &text[..text.len() - 3];
    assert_eq!(Log::read(cut_off).expect("its end never happened").events(), &log.events()[..log.events().len() - 1]);
    let broken = text.replacen("\"version\":2", "\"version\":7", 1);
    let error = Log::read(&broken).expect_err("a version is missing").to_string();
    assert!(error.starts_with("line 2 of the registry's log: the next version of churn is 2, not 7"), "{error}");
}

#[test]
fn an_address_names_a_version() {
    let mut log = log();
    let resolved = |log: &Log, text: &str| {
        log.registry().resolve(&text.parse().expect("an address")).map(|version| version.number)
    };
    assert_eq!(resolved(&log, "models:/churn/2"), Ok(2));
    assert_eq!(resolved(&log, "models:/churn@champion"), Ok(1));
    assert_eq!(resolved(&log, "models:/churn"), Ok(2));
    let error = |text: &str| resolved(&log, text).unwrap_err().to_string();
    assert_eq!(error("models:/churn/3"), "churn has no version 3; its newest is 2");
    assert_eq!(error("models:/churn@x"), "churn has no alias x; it has \"champion\"");
    assert_eq!(error("models:/iris"), "there is no model iris; there is \"churn\"");
    log.record(event(registered("churn", 3))).expect("it is the next");
    log.record(event(Change::Archived { model: name("churn"), version: 3 })).expect("nothing uses it");
    assert_eq!(resolved(&log, "models:/churn"), Ok(2), "what is put away is not the latest");
}

#[test]
fn versions_count_up_and_what_is_used_stays() {
    let mut log = log();
    assert_eq!(
        refused(&mut log, registered("churn", 2)),
        "the next version of churn is 3, not 2: someone else registered one, try again"
    );
    assert_eq!(
        refused(&mut log, Change::Archived { model: name("churn"), version: 1 }),
        "version 1 of churn cannot be archived: the alias champion still uses it"
    );
    assert_eq!(
        refused(&mut log, Change::Archived { model: name("churn"), version: 2 }),
        "version 2 of churn cannot be archived: green of the endpoint churn still uses it"
    );
    let undeployed = Change::Undeployed { endpoint: name("churn"), deployment: name("green") };
    assert_eq!(refused(&mut log, undeployed.clone()), "green still has traffic: move it to another deployment first");
    log.record(event(traffic(&[("blue", 100), ("green", 0)]))).expect("they add up");
    log.record(event(undeployed)).expect("it has no traffic");
    log.record(event(Change::Archived { model: name("churn"), version: 2 })).expect("nothing uses it");
    assert_eq!(refused(&mut log, alias("next", 2)), "version 2 of churn is archived: restore it first");
}

#[test]
fn alerts_and_rollbacks_are_set_and_taken_away() {
    let mut log = log();
    let set = |rule: &str| Change::AlertSet { alert: name("failures"), rule: rule.into() };
    log.record(event(set("first"))).expect("it fits");
    log.record(event(set("second"))).expect("it fits");
    let alert = &log.registry().alerts[&name("failures")];
    assert_eq!((alert.since, &alert.rule), (1_000, &"second".into()));
    let removed = Change::AlertRemoved { alert: name("failures") };
    log.record(event(removed.clone())).expect("it fits");
    assert!(refused(&mut log, removed).starts_with("there is no alert failures"));
    let rollback = |endpoint: &str| Change::RollbackSet { endpoint: name(endpoint), rule: Some("worse".into()) };
    log.record(event(rollback("churn"))).expect("it fits");
    assert_eq!(log.registry().endpoints[&name("churn")].rollback, Some("worse".into()));
    assert!(refused(&mut log, rollback("iris")).starts_with("there is no endpoint iris"));
}

#[test]
fn shares_must_add_up_and_a_mirror_takes_no_live_traffic() {
    let mut log = log();
    assert_eq!(
        refused(&mut log, traffic(&[("blue", 90), ("green", 11)])),
        "the shares of traffic add up to 101, expected 100, or 0 for no traffic at all"
    );
    assert_eq!(
        refused(&mut log, traffic(&[("red", 100)])),
        "there is no deployment red; the endpoint has \"blue\", \"green\""
    );
    let mirror = |percent: u8| Change::MirrorSet {
        endpoint: name("churn"),
        mirror: Some(Share { deployment: name("green"), percent }),
    };
    assert_eq!(
        refused(&mut log, mirror(10)),
        "green has 10 percent of live traffic: a deployment takes live or mirrored requests, not both"
    );
    log.record(event(traffic(&[("blue", 100)]))).expect("they add up");
    assert_eq!(refused(&mut log, mirror(51)), "51 percent cannot be mirrored, expected 1 to 50");
    log.record(event(mirror(50))).expect("it fits");
    assert_eq!(
        refused(&mut log, traffic(&[("blue", 50), ("green", 50)])),
        "green has 50 percent of live traffic: a deployment takes live or mirrored requests, not both"
    );
}

#[test]
fn requests_are_shared_as_said_and_always_alike_for_the_same_key() {
    let log = log();
    let endpoint = log.registry().endpoint(&name("churn")).expect("it is there");
    let keys: Vec<String> = (0..10_000).map(|i| format!("request-{i}")).collect();
    let n_green = keys.iter().filter(|key| endpoint.choose(key).expect("it has traffic").as_str() == "green").count();
    assert!((900..=1_100).contains(&n_green), "{n_green} of 10,000 went to green");
    for key in &keys[..100] {
        assert_eq!(endpoint.choose(key), endpoint.choose(key));
    }
    assert_eq!(Endpoint::default().choose("a"), None);
}

#[test]
fn a_share_is_taken_from_the_others_in_proportion() {
    let mut endpoint = Endpoint::default();
    let shares = |endpoint: &Endpoint, deployment: &str, percent| -> Vec<(String, u8)> {
        let shares = endpoint.with_share(&name(deployment), percent);
        shares.into_iter().map(|(name, percent)| (name.to_string(), percent)).collect()
    };
    assert_eq!(shares(&endpoint, "blue", 10), [("blue".into(), 100)], "the first has all");
    endpoint.traffic = [(name("blue"), 60), (name("green"), 40)].into();
    assert_eq!(shares(&endpoint, "red", 10), [("blue".into(), 54), ("green".into(), 36), ("red".into(), 10)]);
    assert_eq!(shares(&endpoint, "green", 100), [("blue".into(), 0), ("green".into(), 100)]);
    endpoint.traffic = [(name("a"), 33), (name("b"), 33), (name("c"), 34)].into();
    let total: u32 = endpoint.with_share(&name("d"), 1).values().map(|percent| u32::from(*percent)).sum();
    assert_eq!(total, 100);
}

#[test]
fn it_is_known_since_when_a_deployment_has_its_traffic() {
    let mut log = log();
    let live = |log: &Log| log.registry().endpoints[&name("churn")].live.get(&name("green")).copied();
    let mut at = 2_000;
    let mut record = |log: &mut Log, change: Change| {
        at += 1_000;
        log.record(Event { at, ..event(change) }).expect("it fits");
    };
    assert_eq!(live(&log), Some(Live { since: 1_000, is_again: false }));
    record(&mut log, traffic(&[("blue", 50), ("green", 50)]));
    assert_eq!(live(&log), Some(Live { since: 1_000, is_again: false }), "it had some all the time");
    record(&mut log, traffic(&[("blue", 100), ("green", 0)]));
    record(&mut log, traffic(&[("blue", 90), ("green", 10)]));
    assert_eq!(live(&log), Some(Live { since: 5_000, is_again: true }));
    record(&mut log, registered("churn", 3));
    record(&mut log, deployed("green", 3));
    assert_eq!(live(&log), Some(Live { since: 7_000, is_again: false }), "another version is new to it");
    record(&mut log, traffic(&[("blue", 100)]));
    record(&mut log, Change::Undeployed { endpoint: name("churn"), deployment: name("green") });
    assert_eq!(live(&log), None);
}
