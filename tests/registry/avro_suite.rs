//! Avro schemas: the files of Apache Avro's own distribution, and what is normalized.

use serde_json::json;
use weir_tests::registry;

const INTEROP: &str = include_str!("../schemas/interop.avsc");
const REQUEST: &str = include_str!("../schemas/HandshakeRequest.avsc");
const RESPONSE: &str = include_str!("../schemas/HandshakeResponse.avsc");

#[tokio::test]
async fn they_are_registered_and_come_back() {
    let api = registry().await;
    for (subject, text) in [("interop", INTEROP), ("request", REQUEST), ("response", RESPONSE)] {
        let schema = json!({"schema": text});
        let registered = api.post(&format!("/subjects/{subject}/versions"), &schema).await;
        assert_eq!(registered.status, 200, "{}", registered.text);
        let id = &registered.json["id"];
        let canonical = api.get(&format!("/schemas/ids/{id}/schema")).await.text;
        assert!(!canonical.contains('\n'), "{canonical}");
        // the canonical text is the same schema
        let again = json!({"schema": canonical});
        let found = api.post(&format!("/subjects/{subject}"), &again).await;
        assert_eq!(&found.json["id"], id, "{}", found.text);
    }
}

#[tokio::test]
async fn a_float_default_is_normalized_to_a_float_and_is_another_text() {
    let api = registry().await;
    let record = |default: &str| {
        let field = format!(r#"{{"name":"f","type":"float","default":{default}}}"#);
        json!({"schema": format!(r#"{{"type":"record","name":"D","fields":[{field}]}}"#)})
    };
    assert_eq!(api.post("/subjects/plain/versions", &record("1")).await.status, 200);
    let normal = api.post("/subjects/normal/versions?normalize=true", &record("1")).await;
    assert_eq!((normal.status.as_u16(), &normal.json["schema"]), (200, &record("1.0")["schema"]));
    assert_eq!(api.post("/subjects/plain", &record("1")).await.status, 200);
    let missed = api.post("/subjects/plain?normalize=true", &record("1")).await;
    assert_eq!((missed.status.as_u16(), &missed.json["error_code"]), (404, &json!(40403)));
    let found = api.post("/subjects/normal?normalize=true", &record("1")).await;
    assert_eq!((found.status.as_u16(), &found.json["id"]), (200, &normal.json["id"]));
}

#[tokio::test]
async fn a_number_beyond_doubles_is_refused_as_a_default_and_kept_in_a_property() {
    let api = registry().await;
    let text =
        r#"{"type":"record","name":"D","fields":[{"name":"f","type":"double","default":1e400}]}"#;
    let refused = api.post("/subjects/a/versions", &json!({"schema": text})).await;
    assert_eq!((refused.status.as_u16(), &refused.json["error_code"]), (422, &json!(42201)));
    let property = json!({"schema": r#"{"type":"string","p":1e400}"#});
    let kept = api.post("/subjects/a/versions", &property).await;
    assert_eq!(kept.json["schema"], r#"{"type":"string","p":1E+400}"#);
}

#[tokio::test]
async fn imported_schemas_that_would_be_refused_are_kept_and_are_compatible_with_themselves() {
    let api = registry().await;
    for (id, text) in [
        r#"{"type":"record","name":"R","fields":[{"name":"note","type":"string","default":null}]}"#,
        r#"{"type":"record","name":"R","namespace":"1ns","fields":[]}"#,
        r#"{"type":"record","name":"a-b","fields":[]}"#,
        r#"{"type":"enum","name":"E","symbols":["A"],"default":"B"}"#,
    ]
    .into_iter()
    .enumerate()
    {
        let subject = format!("s{id}");
        let mode = format!("/mode/{subject}");
        api.put(&mode, &json!({"mode": "IMPORT"})).await;
        let body = json!({"schema": text, "id": id + 1, "version": 1});
        let imported = api.post(&format!("/subjects/{subject}/versions"), &body).await;
        assert_eq!((imported.status.as_u16(), &imported.json["schema"]), (200, &json!(text)));
        api.put(&mode, &json!({"mode": "READWRITE"})).await;
        let found = api.post(&format!("/subjects/{subject}"), &json!({"schema": text})).await;
        assert_eq!((found.status.as_u16(), &found.json["id"]), (200, &json!(id + 1)), "{text}");
        api.put(&format!("/config/{subject}"), &json!({"validateNewSchemas": false})).await;
        let path = format!("/compatibility/subjects/{subject}/versions/latest?verbose=true");
        let checked = api.post(&path, &json!({"schema": text})).await;
        assert_eq!(checked.json["is_compatible"], true, "{}", checked.text);
    }
}
