//! What a log holds that another registry wrote: texts in other forms than ours, by older rules. Each
//! of them is found again by the text that is served, and keeps its id.

use serde_json::{Value, json};
use weir_tests::{Api, registry, registry_on};

use super::fixtures::{body, register, register_body};

/// Texts that a log may hold and that we would write otherwise, or not at all.
const STORED: [(&str, &str); 11] = [
    // Karapace sorts keys
    (
        "AVRO",
        r#"{"fields":[{"name":"order_id","type":"string"}],"name":"Order","namespace":"shop","type":"record"}"#,
    ),
    ("AVRO", r#"{"type":"string"}"#),
    ("AVRO", "{\n  \"type\": \"record\", \"name\": \"Spaced\", \"fields\": []\n}"),
    // no registry takes these any more
    (
        "AVRO",
        r#"{"type":"record","name":"Note","fields":[{"name":"note","type":"string","default":null}]}"#,
    ),
    ("AVRO", r#"{"type":"record","name":"Order","namespace":"1ns","fields":[]}"#),
    ("PROTOBUF", "syntax = \"proto3\";\nmessage A { string x = 1; string y = 1; }"),
    ("PROTOBUF", "syntax = \"proto3\";\nmessage B { reserved 1; string x = 1; }"),
    ("PROTOBUF", "syntax = \"proto3\";\nenum L { BAD = 1; OK = 0; }"),
    ("JSON", r#"{"type": "number", "minimum": 1.50, "multipleOf": 0.1000}"#),
    ("JSON", r#"{ "title":"b" , "type":"string" }"#),
    ("JSON", "5"),
];

/// A log in which each text is version 1 of a subject of its own, `s0`, `s1`, .., with the id 101, 102, ..
fn stored(texts: &[(&str, &str)]) -> Vec<(Value, Value)> {
    let record = |(at, (schema_type, text)): (usize, &(&str, &str))| {
        let subject = format!("s{at}");
        let key = json!({"keytype": "SCHEMA", "subject": subject, "version": 1, "magic": 1});
        let mut value = json!({"subject": subject, "version": 1, "id": 101 + at,
            "schema": text, "deleted": false});
        if *schema_type != "AVRO" {
            value["schemaType"] = json!(schema_type);
        }
        (key, value)
    };
    texts.iter().enumerate().map(record).collect()
}

fn request(schema_type: &str, text: &str) -> Value {
    json!({"schemaType": schema_type, "schema": text})
}

#[tokio::test]
async fn a_stored_text_is_found_registered_and_compatible_with_itself() {
    let api = registry_on(&stored(&STORED)).await;
    for (at, (schema_type, text)) in STORED.iter().enumerate() {
        let id = json!(101 + at);
        let served = api.get(&format!("/subjects/s{at}/versions/1")).await;
        assert_eq!(served.json["schema"], json!(text));
        let request = request(schema_type, text);
        for path in [
            format!("/subjects/s{at}"),
            format!("/subjects/s{at}/versions"),
            format!("/subjects/s{at}/versions?normalize=true"),
            format!("/subjects/other-{at}/versions"),
        ] {
            let answer = api.post(&path, &request).await;
            assert_eq!((answer.status.as_u16(), &answer.json["id"]), (200, &id), "{path} {text}");
            assert_eq!(answer.json["schema"], json!(text), "{path}");
        }
        api.get(&format!("/subjects/s{at}/versions")).await.is(json!([1]));
        let path = format!("/compatibility/subjects/s{at}/versions/latest?verbose=true");
        api.post(&path, &request).await.is(json!({"is_compatible": true, "messages": []}));
    }
}

#[tokio::test]
async fn another_form_of_a_stored_text_is_the_same_schema() {
    let api = registry_on(&stored(&STORED)).await;
    for (subject, schema_type, text) in [
        (
            "s0",
            "AVRO",
            r#"{"type":"record","name":"shop.Order","fields":[{"name":"order_id","type":"string"}]}"#,
        ),
        ("s1", "AVRO", r#""string""#),
        ("s2", "AVRO", r#"{"type":"record","name":"Spaced","fields":[]}"#),
        ("s9", "JSON", r#"{"type":"string","title":"b"}"#),
    ] {
        let request = request(schema_type, text);
        for path in [format!("/subjects/{subject}"), format!("/subjects/{subject}/versions")] {
            let answer = api.post(&path, &request).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json["version"]),
                (200, &json!(1)),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_text_that_nobody_has_stored_is_held_to_the_rules() {
    let api = registry().await;
    for (schema_type, text) in STORED.iter().filter(|(_, text)| {
        ["\"note\"", "1ns", "y = 1", "reserved", "BAD"].iter().any(|mark| text.contains(mark))
    }) {
        let answer = api.post("/subjects/new/versions", &request(schema_type, text)).await;
        assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42201)));
    }
    api.get("/subjects").await.is(json!([]));
}

/// `true` is a JSON Schema; as Avro it is nothing. A guid does not tell languages apart.
#[tokio::test]
async fn a_text_that_is_known_in_another_language_is_refused_42205_and_not_found() {
    let api = registry().await;
    let text = r#"{"type":"string","title":"t"}"#;
    let id = register(&api, "avro", text).await;
    let as_json = request("JSON", text);
    let answer = api.post("/subjects/json/versions", &as_json).await;
    let message = format!("Overwrite new schema with id {id} in context  is not permitted.");
    answer.is_error(422, 42205, &message);
    api.post("/subjects/avro", &as_json).await.is_error(404, 40403, "Schema not found");
    api.get("/subjects").await.is(json!(["avro"]));
}

#[tokio::test]
async fn a_number_in_a_requests_metadata_names_that_version() {
    let api = registry().await;
    let numbered = |number: &str| {
        let mut request = body(r#""string""#);
        request["metadata"] = json!({"properties": {"confluent:version": number}});
        request
    };
    assert_eq!(register_body(&api, "texts", &numbered("1")).await, 1);
    let found = api.post("/subjects/texts", &numbered("1")).await;
    assert_eq!((found.status.as_u16(), &found.json["version"]), (200, &json!(1)));
    let missing = api.post("/subjects/texts", &numbered("2")).await;
    missing.is_error(404, 40403, "Schema not found");
    let new = api.post("/subjects/texts/versions", &numbered("7")).await;
    assert_eq!(new.json["version"], 2);
    assert_eq!(new.json["metadata"]["properties"]["confluent:version"], "2");
}

#[tokio::test]
async fn a_plain_text_is_found_as_it_is_before_it_inherits_metadata() {
    let api = registry().await;
    assert_eq!(register(&api, "texts", r#""string""#).await, 1);
    let numbered = json!({"schema": r#""bytes""#, "version": -1});
    assert_eq!(register_body(&api, "texts", &numbered).await, 2);
    let again = api.post("/subjects/texts/versions", &body(r#""string""#)).await;
    assert_eq!((&again.json["version"], &again.json["metadata"]), (&json!(1), &Value::Null));
}

async fn moved(api: &Api, text: &str) -> Value {
    let refer = |version: i32| {
        json!({"schemaType": "PROTOBUF", "schema": text,
            "references": [{"name": "part.proto", "subject": "part", "version": version}]})
    };
    let first = api.post("/subjects/whole/versions", &refer(1)).await;
    assert_eq!((first.status.as_u16(), &first.json["version"]), (200, &json!(1)), "{}", first.text);
    let answer = api.post("/subjects/whole/versions", &refer(2)).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
    answer.json
}

#[tokio::test]
async fn a_reference_to_another_version_is_another_schema() {
    let api = registry().await;
    let part = |fields: &str| format!("syntax = \"proto3\";\nmessage Part {{ {fields} }}");
    for fields in ["int32 a = 1;", "int32 a = 1; int32 b = 2;"] {
        register_body(&api, "part", &request("PROTOBUF", &part(fields))).await;
    }
    let text = "syntax = \"proto3\";\nimport \"part.proto\";\nmessage Whole { Part part = 1; }";
    let moved = moved(&api, text).await;
    assert_eq!((&moved["version"], &moved["references"][0]["version"]), (&json!(2), &json!(2)));
    api.get("/subjects/part/versions/2/referencedby").await.is(json!([moved["id"]]));
}

#[tokio::test]
async fn a_version_with_other_tags_is_a_new_one_whatever_its_text() {
    let api = registry().await;
    register(
        &api,
        "notes",
        r#"{"type":"record","name":"Note","fields":[{"name":"a","type":"int"}]}"#,
    )
    .await;
    let entity = json!({"entityPath": "Note.a", "entityType": "sr_field"});
    let tags = json!([{"schemaEntity": entity, "tags": ["PII"]}]);
    for (version, change) in [
        (2, json!({"tagsToAdd": tags})),
        (3, json!({"tagsToAdd": tags})),
        (4, json!({})),
        (5, json!({"tagsToAdd": []})),
        (6, json!({"tagsToRemove": tags})),
    ] {
        let answer = api.post("/subjects/notes/versions/latest/tags", &change).await;
        assert_eq!((answer.status.as_u16(), &answer.json["version"]), (200, &json!(version)));
        let number = &answer.json["metadata"]["properties"]["confluent:version"];
        assert_eq!(number, &json!(version.to_string()));
        let is_tagged = answer.json["schema"].as_str().unwrap().contains("PII");
        assert_eq!(is_tagged, version < 6, "{version}");
    }
}
