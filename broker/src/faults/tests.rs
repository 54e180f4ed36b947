use bytes::BytesMut;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ApiKey, ProduceRequest};
use serde_json::{Value, json};

use super::*;
use crate::apis::{Request, SUPPORTED};

fn rule(text: Value) -> Rule {
    serde_json::from_value(text).unwrap()
}

fn refused(text: Value) -> String {
    serde_json::from_value::<Rule>(text).unwrap_err().to_string()
}

/// Which of so many requests about a topic are struck.
fn struck(faults: &Faults, count: usize) -> Vec<bool> {
    let subject = Subject::default().topic("flights");
    (0..count).map(|_| faults.strike(ApiKey::Produce, Some("me"), &subject).is_some()).collect()
}

#[test]
fn a_rule_is_read_as_it_is_written() {
    let texts = [
        json!({"action": "drop"}),
        json!({"api": "Produce", "topic": "flights", "action": "error", "error": "NOT_LEADER_OR_FOLLOWER"}),
        json!({"api": ["Produce", "Metadata"], "client_id": "app-*", "from": 3, "count": 2, "action": "delay", "delay_ms": 10}),
        json!({"group": "g", "probability": 0.5, "seed": 7, "action": "duplicate"}),
    ];
    for text in texts {
        assert_eq!(serde_json::to_value(rule(text.clone())).unwrap(), text);
    }
    let by_number = rule(json!({"action": "error", "error": 6}));
    assert_eq!(by_number.action, Action::Error(ResponseError::NotLeaderOrFollower));
}

#[test]
fn what_is_wrong_with_a_rule_is_said() {
    let cases = [
        (json!({"action": "explode"}), "unknown variant `explode`"),
        (json!({"action": "drop", "topics": "a"}), "unknown field `topics`"),
        (json!({"action": "drop", "api": "Bake"}), "the broker has no Bake"),
        (json!({"action": "error"}), "needs an error"),
        (json!({"action": "error", "error": "NO_SUCH"}), "Kafka has no error NO_SUCH"),
        (json!({"action": "drop", "error": "UNKNOWN_TOPIC_ID"}), "only the action error"),
        (json!({"action": "delay"}), "needs delay_ms"),
        (json!({"action": "pause", "delay_ms": 1}), "only the actions delay"),
        (json!({"action": "drop", "probability": 1.5}), "from 0 to 1"),
        (json!({"action": "drop", "from": 0}), "the first request is 1"),
        (json!({"action": "drop", "api": []}), "the list is empty"),
        (json!({"action": "drop", "api": ["Produce", "Bake"]}), "the broker has no Bake"),
        (json!({"action": "drop", "topic": "*q*"}), "only be the end of a name"),
        (json!({"action": "drop", "client_id": "**"}), "only be the end of a name"),
    ];
    for (text, words) in cases {
        let error = refused(text);
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    let text = r#"{"action": "drop", "topic": "a", "topic": "b"}"#;
    let error = serde_json::from_str::<Rule>(text).unwrap_err().to_string();
    assert!(error.contains("duplicate field `topic`"), "{error}");
}

#[test]
fn every_error_of_kafka_has_a_name_that_is_read_again() {
    for code in -1..=130 {
        let Some(error) = ResponseError::try_from_code(code) else { continue };
        assert_eq!(error_named(&errors::name_of(error)), Some(error));
    }
    assert_eq!(error_named("not_coordinator"), Some(ResponseError::NotCoordinator));
}

#[test]
fn a_rule_strikes_from_the_nth_request_on_and_so_many() {
    let faults = Faults::default();
    let id = faults.add(Rule::new(Action::Drop).from_nth(2).times(2)).unwrap();
    assert_eq!(struck(&faults, 5), [false, true, true, false, false]);
    let report = faults.remove(id).unwrap();
    assert_eq!((report.matched, report.hits), (5, 2));
    assert!(faults.is_empty());
}

#[test]
fn chance_is_the_same_in_every_run() {
    let run = |seed| {
        let faults = Faults::default();
        faults.add(Rule::new(Action::Drop).by_chance(0.3, seed)).unwrap();
        struck(&faults, 1000)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let count = run(3).into_iter().filter(|is_struck| *is_struck).count();
    assert!((250..350).contains(&count), "{count}");
}

#[test]
fn a_rule_is_about_what_it_names_and_nothing_else() {
    let faults = Faults::default();
    faults
        .add(Rule::new(Action::Drop).of_api(ApiKey::Produce).of_topic("fl*").of_client("me"))
        .unwrap();
    let strikes = |api, client, topic: &str| {
        faults.strike(api, client, &Subject::default().topic(topic)).is_some()
    };
    assert!(strikes(ApiKey::Produce, Some("me"), "flights"));
    assert!(!strikes(ApiKey::Metadata, Some("me"), "flights"));
    assert!(!strikes(ApiKey::Produce, Some("you"), "flights"));
    assert!(!strikes(ApiKey::Produce, None, "flights"));
    assert!(!strikes(ApiKey::Produce, Some("me"), "photos"));
}

#[test]
fn the_first_rule_that_strikes_decides() {
    let faults = Faults::default();
    faults.add(Rule::new(Action::Drop).times(1)).unwrap();
    let second = faults.add(Rule::new(Action::LoseAnswer)).unwrap();
    let subject = Subject::default();
    let actions = [(); 2].map(|()| faults.strike(ApiKey::Produce, None, &subject).unwrap().action);
    assert_eq!(actions, [Action::Drop, Action::LoseAnswer]);
    assert_eq!(faults.hits(second), 1);
}

#[test]
fn a_broker_takes_no_more_rules_than_it_bounds() {
    let faults = Faults::default();
    let drop = Rule::new(Action::Drop);
    assert!(faults.replace(vec![drop.clone(); RULES_MAX]).is_ok());
    assert_eq!(faults.add(drop.clone()), Err(TooManyRules));
    assert_eq!(faults.replace(vec![drop; RULES_MAX + 1]), Err(TooManyRules));
}

#[test]
fn a_fence_waits_for_a_request_of_whom_it_can_fence() {
    let faults = Faults::default();
    faults.add(Rule::new(Action::Fence)).unwrap();
    let idempotent = ProduceRequest::default().subject();
    assert_eq!(faults.strike(ApiKey::Produce, None, &idempotent), None);
    let id = kafka_protocol::messages::TransactionalId("t".into());
    let transactional = ProduceRequest::default().with_transactional_id(Some(id)).subject();
    assert!(faults.strike(ApiKey::Produce, None, &transactional).is_some());
}

#[test]
fn every_api_can_be_refused_in_every_version() {
    for request in Request::of_each_api() {
        let api = SUPPORTED.iter().find(|api| api.key == request.key()).unwrap();
        for version in api.min..=api.max {
            let answer = request.refusal(version, ResponseError::UnknownServerError.code());
            let encoded = answer.encode(version, &mut BytesMut::new());
            assert_eq!(encoded, Ok(()), "{:?} {version}", api.key);
        }
    }
}
