//! `/config`

use serde_json::{Value, json};
use weir_tests::registry;

use crate::fixtures::*;

const INVALID_LEVEL: &str = "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive";

// /config

#[tokio::test]
async fn the_default_level_is_backward() {
    let api = registry().await;
    api.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
    api.get("/config?defaultToGlobal=true").await.is(json!({"compatibilityLevel": "BACKWARD"}));
}

#[tokio::test]
async fn put_says_compatibility_and_get_says_compatibility_level() {
    let api = registry().await;
    let update = json!({"compatibility": "FULL"});
    api.put("/config", &update).await.is(update);
    api.get("/config").await.is(json!({"compatibilityLevel": "FULL"}));
}

#[tokio::test]
async fn every_level_can_be_set_in_any_case() {
    let api = registry().await;
    for level in [
        "none",
        "Backward",
        "BACKWARD_TRANSITIVE",
        "forward",
        "forward_transitive",
        "FULL",
        "Full_Transitive",
    ] {
        set_level(&api, level).await;
        let config = json!({"compatibilityLevel": level.to_uppercase()});
        api.get("/config").await.is(config);
    }
}

#[tokio::test]
async fn an_unknown_level_is_42203() {
    let api = registry().await;
    for level in ["SIDEWAYS", ""] {
        let update = json!({"compatibility": level});
        api.put("/config", &update).await.is_error(422, 42203, INVALID_LEVEL);
        api.put("/config/orders", &update).await.is_error(422, 42203, INVALID_LEVEL);
    }
    api.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
}

#[tokio::test]
async fn a_field_that_is_absent_stays_as_it_is() {
    let api = registry().await;
    api.put("/config", &json!({"compatibility": "FULL", "normalize": true})).await;
    api.put("/config", &json!({"compatibility": "NONE"})).await;
    api.get("/config").await.is(json!({"normalize": true, "compatibilityLevel": "NONE"}));
    api.put("/config", &json!({"normalize": false})).await;
    api.get("/config").await.is(json!({"normalize": false, "compatibilityLevel": "NONE"}));
    let kept = json!({"normalize": false, "compatibility": "NONE"});
    api.put("/config", &json!({})).await.is(kept);
    api.get("/config").await.is(json!({"normalize": false, "compatibilityLevel": "NONE"}));
}

#[tokio::test]
async fn a_configuration_that_says_nothing_is_one() {
    let api = registry().await;
    api.put("/config/orders", &json!({})).await.is(json!({}));
    api.get("/config/orders").await.is(json!({"compatibilityLevel": "BACKWARD"}));
    api.delete("/config/orders").await.is(json!({"compatibilityLevel": "BACKWARD"}));
    assert_eq!(api.get("/config/orders").await.json["error_code"], 40408);
}

#[tokio::test]
async fn an_empty_alias_takes_the_alias_away() {
    let api = registry().await;
    api.put("/config/old", &json!({"alias": "new"})).await.is(json!({"alias": "new"}));
    api.put("/config/old", &json!({"alias": ""})).await.is(json!({}));
    api.get("/config/old").await.is(json!({"compatibilityLevel": "BACKWARD"}));
}

#[tokio::test]
async fn what_holds_for_all_contexts_is_shown_and_deleted_even_if_nothing_is_set() {
    let api = registry().await;
    let default = json!({"compatibilityLevel": "BACKWARD"});
    api.get("/config/:.__GLOBAL:").await.is(default.clone());
    api.delete("/config/:.__GLOBAL:").await.is(default.clone());
    api.put("/config/:.__GLOBAL:", &json!({"compatibility": "NONE"})).await;
    api.get("/config").await.is(default);
    api.get("/config?defaultToGlobal=true").await.is(json!({"compatibilityLevel": "NONE"}));
}

#[tokio::test]
async fn a_field_that_is_null_is_cleared() {
    let api = registry().await;
    api.put("/config", &json!({"compatibility": "FULL", "normalize": true})).await;
    api.put("/config", &json!({"normalize": null})).await;
    api.get("/config").await.is(json!({"compatibilityLevel": "FULL"}));
    api.put("/config", &json!({"compatibility": null})).await;
    api.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
}

#[tokio::test]
async fn unknown_properties_of_a_config_are_ignored() {
    let api = registry().await;
    let answer = api.put("/config", &json!({"compatibility": "FULL", "color": "green"})).await;
    answer.is(json!({"compatibility": "FULL"}));
}

#[tokio::test]
async fn deleting_the_global_config_answers_it_and_restores_the_default() {
    let api = registry().await;
    set_level(&api, "FULL").await;
    api.delete("/config").await.is(json!({"compatibilityLevel": "FULL"}));
    api.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
}

// /config/{subject}

#[tokio::test]
async fn a_subject_without_config_is_40408() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let text = "Subject 'orders' does not have subject-level compatibility configured";
    api.get("/config/orders").await.is_error(404, 40408, text);
    api.get("/config/orders?defaultToGlobal=false").await.is_error(404, 40408, text);
}

#[tokio::test]
async fn a_subject_without_config_has_the_global_one_if_asked_so() {
    let api = registry().await;
    let path = "/config/orders?defaultToGlobal=true";
    api.get(path).await.is(json!({"compatibilityLevel": "BACKWARD"}));
    set_level(&api, "FULL").await;
    api.get(path).await.is(json!({"compatibilityLevel": "FULL"}));
}

#[tokio::test]
async fn a_subject_need_not_be_there_to_be_configured() {
    let api = registry().await;
    let update = json!({"compatibility": "FORWARD"});
    api.put("/config/orders", &update).await.is(update);
    api.get("/config/orders").await.is(json!({"compatibilityLevel": "FORWARD"}));
    api.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
    api.get("/subjects").await.is(json!([]));
}

#[tokio::test]
async fn a_subjects_config_shows_its_own_fields_and_a_level() {
    let api = registry().await;
    api.put("/config", &json!({"normalize": true, "compatibility": "FULL"})).await;
    api.put("/config/orders", &json!({"validateFields": true})).await;
    let own = json!({"validateFields": true, "compatibilityLevel": "FULL"});
    api.get("/config/orders").await.is(own);
}

#[tokio::test]
async fn a_subjects_config_lies_over_the_global_one_if_asked_so() {
    let api = registry().await;
    api.put("/config", &json!({"normalize": true, "compatibility": "FULL"})).await;
    api.put("/config/orders", &json!({"compatibility": "FORWARD"})).await;
    let merged = json!({"normalize": true, "compatibilityLevel": "FORWARD"});
    api.get("/config/orders?defaultToGlobal=true").await.is(merged);
    api.get("/config/orders").await.is(json!({"compatibilityLevel": "FORWARD"}));
}

#[tokio::test]
async fn fields_of_a_subjects_config_are_kept_and_cleared_one_by_one() {
    let api = registry().await;
    api.put("/config/orders", &json!({"compatibility": "FULL", "normalize": true})).await;
    api.put("/config/orders", &json!({"compatibility": "NONE"})).await;
    api.get("/config/orders").await.is(json!({"normalize": true, "compatibilityLevel": "NONE"}));
    api.put("/config/orders", &json!({"normalize": null})).await;
    api.get("/config/orders").await.is(json!({"compatibilityLevel": "NONE"}));
}

#[tokio::test]
async fn deleting_a_subjects_config_answers_it_and_restores_the_global_one() {
    let api = registry().await;
    api.put("/config/orders", &json!({"compatibility": "FULL"})).await;
    api.delete("/config/orders").await.is(json!({"compatibilityLevel": "FULL"}));
    assert_eq!(api.get("/config/orders").await.json["error_code"], 40408);
}

#[tokio::test]
async fn deleting_a_subjects_config_that_is_not_there_is_40401() {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    let answer = api.delete("/config/orders").await;
    answer.is_error(404, 40401, "Subject 'orders' not found.");
}

#[tokio::test]
async fn a_config_for_no_subject_is_42208() {
    let api = registry().await;
    let answer = api.put("/config/__GLOBAL", &json!({"compatibility": "FULL"})).await;
    answer.is_error(422, 42208, "The specified subject '__GLOBAL' is not a valid.");
}

// All fields

/// Each field, two values that it may have, and how answers name it.
fn fields() -> Vec<(&'static str, [Value; 2], &'static str)> {
    let metadata = |owner: &str| json!({"properties": {"owner": owner}});
    let rules = |name: &str| {
        json!({"domainRules": [{"name": name, "kind": "CONDITION", "mode": "WRITE", "type": "CEL",
            "expr": "message.cents > 0", "disabled": false}]})
    };
    vec![
        ("alias", [json!("orders-v2"), json!("orders-v3")], "alias"),
        ("aliasForDeks", [json!("keys"), json!("keys-v2")], "aliasForDeks"),
        ("normalize", [json!(true), json!(false)], "normalize"),
        ("validateFields", [json!(true), json!(false)], "validateFields"),
        ("validateNewSchemas", [json!(false), json!(true)], "validateNewSchemas"),
        ("validateRules", [json!(true), json!(false)], "validateRules"),
        ("compatibility", [json!("FULL"), json!("NONE")], "compatibilityLevel"),
        ("compatibilityPolicy", [json!("LENIENT"), json!("STRICT")], "compatibilityPolicy"),
        ("compatibilityGroup", [json!("major"), json!("era")], "compatibilityGroup"),
        ("defaultMetadata", [metadata("a"), metadata("b")], "defaultMetadata"),
        ("overrideMetadata", [metadata("a"), metadata("b")], "overrideMetadata"),
        ("defaultRuleSet", [rules("a"), rules("b")], "defaultRuleSet"),
        ("overrideRuleSet", [rules("a"), rules("b")], "overrideRuleSet"),
    ]
}

/// Fields with the first or the second of their values, as requests or answers name them.
fn all_fields(second: bool, as_answered: bool) -> Value {
    let named = |(asked, values, answered): (&str, [Value; 2], &str)| {
        let name = if as_answered { answered } else { asked };
        (name.to_string(), values[usize::from(second)].clone())
    };
    Value::Object(fields().into_iter().map(named).collect())
}

#[tokio::test]
async fn every_field_is_set_echoed_shown_and_deleted() {
    let api = registry().await;
    for path in ["/config", "/config/orders", "/config/:.eu:", "/config/:.eu:orders"] {
        let update = all_fields(false, false);
        api.put(path, &update).await.is(update);
        api.get(path).await.is(all_fields(false, true));
        api.get(&format!("{path}?defaultToGlobal=true")).await.is(all_fields(false, true));
        api.delete(path).await.is(all_fields(false, true));
        assert_ne!(api.get(path).await.json, all_fields(false, true));
    }
}

#[tokio::test]
async fn every_field_is_kept_if_it_is_absent_set_if_it_has_a_value_and_cleared_if_it_is_null() {
    let api = registry().await;
    for (asked, [_, second], answered) in fields() {
        api.put("/config/orders", &all_fields(false, false)).await;
        let mut merged = all_fields(false, false);
        merged[asked] = second.clone();
        api.put("/config/orders", &json!({asked: second})).await.is(merged);
        let mut expected = all_fields(false, true);
        expected[answered] = second;
        api.get("/config/orders").await.is(expected.clone());

        api.put("/config/orders", &json!({asked: null})).await;
        expected.as_object_mut().unwrap().remove(answered);
        if answered == "compatibilityLevel" {
            expected[answered] = json!("BACKWARD");
        }
        api.get("/config/orders").await.is(expected);
    }
}

#[tokio::test]
async fn every_field_but_an_alias_is_inherited() {
    let api = registry().await;
    let without = |mut fields: Value, name: &str| {
        fields.as_object_mut().unwrap().remove(name);
        fields
    };
    // nobody has said what becomes of an alias for keys
    api.put("/config", &without(all_fields(false, false), "aliasForDeks")).await;
    let mut inherited = without(without(all_fields(false, true), "aliasForDeks"), "alias");
    api.put("/config/orders", &json!({"alias": "orders-v2"})).await;
    inherited["alias"] = json!("orders-v2");
    api.get("/config/orders?defaultToGlobal=true").await.is(inherited);
}

#[tokio::test]
async fn a_subject_comes_before_its_context_and_that_before_all_contexts() {
    let api = registry().await;
    let path = "/config/:.eu:orders?defaultToGlobal=true";
    let level = async |level: &str| {
        api.get(path).await.is(json!({"compatibilityLevel": level}));
    };
    api.put("/config/:.__GLOBAL:", &json!({"compatibility": "NONE"})).await;
    level("NONE").await;
    api.put("/config/:.eu:", &json!({"compatibility": "FORWARD"})).await;
    level("FORWARD").await;
    api.put("/config/:.eu:orders", &json!({"compatibility": "FULL"})).await;
    level("FULL").await;
    api.delete("/config/:.eu:orders").await.is(json!({"compatibilityLevel": "FULL"}));
    level("FORWARD").await;
    api.delete("/config/:.eu:").await.is(json!({"compatibilityLevel": "FORWARD"}));
    level("NONE").await;
}

#[tokio::test]
async fn the_global_config_is_that_of_the_default_context_alone() {
    let api = registry().await;
    for global in ["/config", "/config/:.:"] {
        api.put(global, &json!({"compatibility": "FULL"})).await;
        for path in ["/config", "/config/:.:", "/config/orders?defaultToGlobal=true"] {
            api.get(path).await.is(json!({"compatibilityLevel": "FULL"}));
        }
        let elsewhere = api.get("/config/:.eu:orders?defaultToGlobal=true").await;
        elsewhere.is(json!({"compatibilityLevel": "BACKWARD"}));
        api.delete("/config").await.is(json!({"compatibilityLevel": "FULL"}));
    }
}

#[tokio::test]
async fn rules_of_a_config_are_held_to_the_same_rules_42210() {
    let api = registry().await;
    for field in ["defaultRuleSet", "overrideRuleSet"] {
        let update =
            json!({field: {"domainRules": [{"name": "a", "type": "X", "mode": "UPGRADE"}]}});
        for path in ["/config", "/config/orders"] {
            let answer = api.put(path, &update).await;
            answer.is_error(422, 42210, "Domain rules can only be WRITE, READ, WRITEREAD");
        }
    }
    api.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
}
