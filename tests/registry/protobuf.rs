//! Protobuf: what is registered, printed, referred to and compared

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use weir_tests::{Answer, registry};

use crate::fixtures::*;

const ORDER: &str = "syntax = \"proto3\";\npackage shop;\n\nmessage Order {\n  string id = 1;\n  int64 cents = 2;\n}\n";
const ORDER_GUID: &str = "4a56cb59-0075-8807-b2e8-08d229a4380c";

const MONEY: &str = "syntax = \"proto3\";\npackage shop;\n\nmessage Money {\n  int64 cents = 1;\n  string currency = 2;\n}\n";

/// Refers to `MONEY`.
const PAYMENT: &str = "syntax = \"proto3\";\npackage shop;\n\nimport \"money.proto\";\n\nmessage Payment {\n  string id = 1;\n  Money total = 2;\n}\n";

fn protobuf(schema: &str) -> Value {
    json!({"schemaType": "PROTOBUF", "schema": schema})
}

/// `PAYMENT` with a reference to a version of a subject.
fn payment(subject: &str, version: i32) -> Value {
    let reference = json!({"name": "money.proto", "subject": subject, "version": version});
    json!({"schemaType": "PROTOBUF", "schema": PAYMENT, "references": [reference]})
}

/// What the registry says of `new` after `old`, at a level.
async fn check(level: &str, old: &str, new: &str) -> Answer {
    let api = registry().await;
    set_level(&api, level).await;
    register_body(&api, "orders", &protobuf(old)).await;
    let path = "/compatibility/subjects/orders/versions/latest?verbose=true";
    api.post(path, &protobuf(new)).await
}

#[track_caller]
fn assert_incompatible(answer: &Answer, level: &str, old: &str, reasons: &[&str]) {
    let mut messages: Vec<String> = reasons.iter().map(|reason| reason.to_string()).collect();
    messages.push("{oldSchemaVersion: 1}".into());
    messages.push(format!("{{oldSchema: '{old}'}}"));
    messages.push(format!("{{validateFields: 'false', compatibility: '{level}'}}"));
    assert_eq!((answer.status.as_u16(), &answer.json["is_compatible"]), (200, &json!(false)));
    assert_eq!(answer.json["messages"], json!(messages));
}

#[track_caller]
fn assert_compatible(answer: &Answer) {
    answer.is(json!({"is_compatible": true, "messages": []}));
}

// What is registered

#[tokio::test]
async fn a_schema_is_kept_in_its_canonical_text() {
    let api = registry().await;
    let written = "// orders\nsyntax=\"proto3\";   package shop;\n/* one */ message Order { string id=1;\n\tint64   cents = 2; // in cents\n}";
    for text in [written, ORDER] {
        let answer = api.post("/subjects/orders/versions", &protobuf(text)).await;
        answer.is(json!({"id": 1, "version": 1, "guid": ORDER_GUID, "schemaType": "PROTOBUF",
            "schema": ORDER}));
    }
    api.get("/subjects/orders/versions/1").await.is(json!({"subject": "orders", "version": 1,
        "id": 1, "guid": ORDER_GUID, "schemaType": "PROTOBUF", "schema": ORDER}));
    assert_eq!(api.get("/schemas/ids/1").await.json["schemaType"], "PROTOBUF");
    assert_eq!(api.get("/subjects/orders/versions/1/schema").await.text, ORDER);
    let found = api.post("/subjects/orders", &protobuf(written)).await;
    assert_eq!((found.status.as_u16(), &found.json["version"]), (200, &json!(1)));
    assert_eq!(register_body(&api, "returns", &protobuf(written)).await, 1);
}

#[tokio::test]
async fn what_is_no_protobuf_schema_is_42201() {
    let api = registry().await;
    for text in [
        "order",
        "syntax = \"proto3\"; message Order { string id = 1 }",
        "syntax = \"proto3\"; message Order { string id = 1; int64 cents = 1; }",
        "syntax = \"proto3\"; message Order { Money total = 1; }",
        "syntax = \"proto3\"; import \"money.proto\"; message Order { Money total = 1; }",
    ] {
        let answer = api.post("/subjects/orders/versions", &protobuf(text)).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["error_code"]),
            (422, &json!(42201)),
            "{text}"
        );
        let message = answer.json["message"].as_str().unwrap();
        assert!(message.starts_with("Invalid schema of type PROTOBUF, details: "), "{message}");
    }
}

/// As Confluent's registry prints it: guids are of the text with the blanks.
#[tokio::test]
async fn empty_lines_of_what_is_nested_are_indented() {
    let api = registry().await;
    let written = "message A { message B { optional string x = 1; oneof y { string z = 2; } } optional B b = 1; }";
    let text = "\nmessage A {\n  optional B b = 1;\n\n  message B {\n    optional string x = 1;\n  \n    oneof y {\n      string z = 2;\n    }\n  }\n}\n";
    register_body(&api, "nested", &protobuf(written)).await;
    assert_eq!(api.get("/schemas/ids/1/schema").await.text, text);
    let guid = &api.get("/schemas/ids/1").await.json["guid"];
    let found = api.get(&format!("/schemas/guids/{}", guid.as_str().unwrap())).await;
    assert_eq!(found.json["schema"], text);
    let bare = text.replace("\n  \n", "\n\n");
    for same in [text, bare.as_str(), written] {
        let answer = api.post("/subjects/nested/versions", &protobuf(same)).await;
        assert_eq!(
            (&answer.json["id"], &answer.json["version"], &answer.json["guid"]),
            (&json!(1), &json!(1), guid)
        );
    }
}

#[tokio::test]
async fn what_was_normalized_is_posted_back_and_checked() {
    let rules = "syntax = \"proto3\"; package r; import \"google/protobuf/descriptor.proto\"; \
        message Rules { Text text = 1; repeated string tags = 2; } message Text { int32 min = 1; int32 max = 2; } \
        extend google.protobuf.FieldOptions { Rules o = 50001; }";
    let reference = json!([{"name": "r.proto", "subject": "rules", "version": 1}]);
    for (text, line) in [
        ("enum L { OK = 0; BAD = -1; }", "  OK = 0;\n  BAD = -1;\n"),
        (
            "message M { string a = 1 [(r.o).text.min = 1, (r.o).text.max = 2]; }",
            "text: {\n      max: 2,\n      min: 1\n    }\n",
        ),
        (
            "message M { string a = 1 [(r.o).tags = \"x\", (r.o).tags = \"y\", (r.o).text.min = 1]; }",
            "tags: [\n      \"x\",\n      \"y\"\n    ],\n",
        ),
        ("message M { r\n    .Rules a = 1; }", "  .r.Rules a = 1;\n"),
        ("message M { string a = 1 [(unknown) = { b: 1 a: 2 }]; }", "a: 2,\n    b: 1\n"),
    ] {
        let api = registry().await;
        register_body(&api, "rules", &protobuf(rules)).await;
        let text = format!("syntax = \"proto3\"; import \"r.proto\"; {text}");
        let mut body = protobuf(&text);
        body["references"] = reference.clone();
        let first = api.post("/subjects/s/versions?normalize=true", &body).await;
        assert_eq!(first.status, 200, "{}", first.text);
        let stored = first.json["schema"].as_str().unwrap().to_string();
        assert!(stored.contains(line), "{stored}");
        body["schema"] = json!(stored);
        for path in ["/subjects/s/versions", "/subjects/s/versions?normalize=true", "/subjects/s"] {
            let answer = api.post(path, &body).await;
            let found = (answer.status.as_u16(), &answer.json["version"], &answer.json["schema"]);
            assert_eq!(found, (200, &json!(1), &json!(stored)), "{path} {}", answer.text);
        }
        let path = "/compatibility/subjects/s/versions/latest?verbose=true";
        assert_compatible(&api.post(path, &body).await);
    }
}

#[tokio::test]
async fn a_type_whose_import_is_missing_is_42201_whether_fields_are_validated_or_not() {
    let text = "syntax = \"proto3\"; import \"money.proto\"; message Order { Money total = 1; }";
    for validates in [true, false] {
        let api = registry().await;
        let config = json!({"compatibility": "BACKWARD", "validateFields": validates});
        assert_eq!(api.put("/config", &config).await.status, 200);
        let answer = api.post("/subjects/orders/versions", &protobuf(text)).await;
        let details = "Invalid schema of type PROTOBUF, details: Could not resolve type: Money";
        answer.is_error(422, 42201, details);
    }
}

// References

#[tokio::test]
async fn a_schema_may_refer_to_another_subject() {
    let api = registry().await;
    register_body(&api, "money", &protobuf(MONEY)).await;
    for version in [1, -1] {
        let answer = api.post("/subjects/payments/versions", &payment("money", version)).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["id"]),
            (200, &json!(2)),
            "{}",
            answer.text
        );
        assert_eq!(answer.json["references"], payment("money", 1)["references"]);
        assert_eq!(answer.json["schema"], PAYMENT);
    }
    api.get("/subjects/money/versions/1/referencedby").await.is(json!([2]));
}

#[tokio::test]
async fn a_schema_may_refer_to_a_subject_in_a_context() {
    let api = registry().await;
    register_body(&api, ":.eu:money", &protobuf(MONEY)).await;
    register_body(&api, "payments", &payment(":.eu:money", 1)).await;
    register_body(&api, ":.eu:payments", &payment("money", 1)).await;
    let answer = api.post("/subjects/payments/versions", &payment("money", 1)).await;
    let text = "Invalid schema of type PROTOBUF, details: No schema reference found for subject \"money\" and version 1";
    answer.is_error(422, 42201, text);
}

#[tokio::test]
async fn a_reference_to_what_is_not_there_is_42201() {
    let api = registry().await;
    register_body(&api, "money", &protobuf(MONEY)).await;
    let answer = api.post("/subjects/payments/versions", &payment("money", 2)).await;
    let text = "Invalid schema of type PROTOBUF, details: No schema reference found for subject \"money\" and version 2";
    answer.is_error(422, 42201, text);
}

#[tokio::test]
async fn what_comes_with_protobuf_needs_no_reference() {
    let api = registry().await;
    let text = "syntax = \"proto3\";\n\nimport \"google/protobuf/timestamp.proto\";\n\nmessage Order {\n  google.protobuf.Timestamp at = 1;\n}\n";
    let answer = api.post("/subjects/orders/versions", &protobuf(text)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["schema"]), (200, &json!(text)));
}

// Formats

/// A field of a Protobuf message: its number, and bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
}

/// A field of an `Order`, as a descriptor: a name, a number and a type's number.
fn order_field(name: &str, number: u8, kind: u8) -> Vec<u8> {
    // number is field 3, label 4 (optional is 1), type 5
    let numbers = [3 << 3, number, 4 << 3, 1, 5 << 3, kind];
    field(2, &[field(1, name.as_bytes()), numbers.to_vec()].concat())
}

/// `ORDER` as a descriptor of its file.
fn order_descriptor() -> String {
    let fields = [order_field("id", 1, 9), order_field("cents", 2, 3)].concat();
    let message = [field(1, b"Order"), fields].concat();
    let file =
        [field(1, b"order.proto"), field(2, b"shop"), field(4, &message), field(12, b"proto3")];
    STANDARD.encode(file.concat())
}

#[tokio::test]
async fn a_descriptor_in_base64_is_the_schema_that_it_describes() {
    let api = registry().await;
    let answer = api.post("/subjects/orders/versions", &protobuf(&order_descriptor())).await;
    assert_eq!((answer.status.as_u16(), &answer.json["guid"]), (200, &json!(ORDER_GUID)));
    let answered = answer.json["schema"].as_str().unwrap();
    let bytes = STANDARD.decode(answered).expect("a descriptor is answered with one");
    assert!(bytes.windows(5).any(|w| w == b"Order"), "{answered}");
    let stored = api.get("/subjects/orders/versions/1").await;
    assert_eq!(stored.json["schema"], json!(ORDER));
    let found = api.post("/subjects/orders", &protobuf(ORDER)).await;
    assert_eq!((found.status.as_u16(), &found.json["id"]), (200, &json!(1)));
}

#[tokio::test]
async fn a_schema_is_had_as_a_descriptor_in_base64() {
    let api = registry().await;
    register_body(&api, "orders", &protobuf(ORDER)).await;
    for path in
        ["/subjects/orders/versions/1", "/schemas/ids/1", &format!("/schemas/guids/{ORDER_GUID}")]
    {
        let answer = api.get(&format!("{path}?format=serialized")).await;
        assert_eq!((answer.status.as_u16(), &answer.json["guid"]), (200, &json!(ORDER_GUID)));
        let descriptor = answer.json["schema"].as_str().unwrap();
        let bytes = STANDARD.decode(descriptor).unwrap();
        assert!(bytes.windows(7).any(|w| w == field(1, b"Order")), "{descriptor}");
        assert!(bytes.windows(6).any(|w| w == field(2, b"shop")), "{descriptor}");
        // and is the same schema again
        let again = api.post("/subjects/orders", &protobuf(descriptor)).await;
        assert_eq!((again.status.as_u16(), &again.json["version"]), (200, &json!(1)));
    }
    let raw = api.get("/subjects/orders/versions/1/schema?format=serialized").await;
    assert!(STANDARD.decode(&raw.text).is_ok(), "{}", raw.text);
}

#[tokio::test]
async fn a_schema_is_had_without_extensions() {
    let api = registry().await;
    let text = "syntax = \"proto3\";\npackage shop;\n\nimport \"google/protobuf/descriptor.proto\";\n\nmessage Order {\n  string id = 1 [\n    deprecated = true,\n    (owner) = \"a\"\n  ];\n}\n\nextend google.protobuf.FieldOptions {\n  string owner = 50001;\n}\n";
    register_body(&api, "orders", &protobuf(text)).await;
    let plain = api.get("/subjects/orders/versions/1").await;
    assert!(plain.json["schema"].as_str().unwrap().contains("owner"), "{}", plain.text);
    let answer = api.get("/subjects/orders/versions/1?format=ignore_extensions").await;
    let without = answer.json["schema"].as_str().unwrap();
    assert!(!without.contains("owner") && !without.contains("extend"), "{without}");
    assert!(
        without.contains("string id = 1") && without.contains("deprecated = true"),
        "{without}"
    );
    assert_eq!(answer.json["guid"], plain.json["guid"]);
    for format in ["default", "resolved", "text"] {
        let answer = api.get(&format!("/subjects/orders/versions/1?format={format}")).await;
        assert_eq!(answer.json["schema"], plain.json["schema"], "{format}");
    }
}

// Compatibility

#[tokio::test]
async fn fields_come_and_go() {
    let with_note = ORDER.replace("}\n", "  string note = 3;\n}\n");
    for level in ["BACKWARD", "FORWARD", "FULL"] {
        assert_compatible(&check(level, ORDER, &with_note).await);
        assert_compatible(&check(level, &with_note, ORDER).await);
    }
}

#[tokio::test]
async fn a_field_of_another_kind_is_field_scalar_kind_changed() {
    let text_cents = ORDER.replace("int64", "string");
    let reason = |reader: &str, writer: &str| {
        format!(
            "{{errorType:\"FIELD_SCALAR_KIND_CHANGED\", description:\"The kind of a SCALAR field at path '#/Order/2' in the {reader} schema does not match its kind in the {writer} schema\"}}"
        )
    };
    let (new, old) = (reason("new", "old"), reason("old", "new"));
    let answer = check("BACKWARD", ORDER, &text_cents).await;
    assert_incompatible(&answer, "BACKWARD", ORDER, &[&new]);
    let place = &answer.json["incompatibilities"][0];
    assert_eq!(
        (&place["rule"], &place["version"]),
        (&json!("FIELD_SCALAR_KIND_CHANGED"), &json!(1))
    );
    assert_eq!(place["line"], 6);
    let answer = check("FORWARD", ORDER, &text_cents).await;
    assert_incompatible(&answer, "FORWARD", ORDER, &[&old]);
    let answer = check("FULL", ORDER, &text_cents).await;
    assert_incompatible(&answer, "FULL", ORDER, &[&old, &new]);
    for kind in ["int32", "uint64", "bool"] {
        assert_compatible(&check("FULL", ORDER, &ORDER.replace("int64", kind)).await);
    }
}

#[tokio::test]
async fn another_package_is_package_changed_and_a_message_less_is_message_removed() {
    let package = ORDER.replace("shop", "store");
    let reason = "{errorType:\"PACKAGE_CHANGED\", description:\"The package at '#/' in the new schema does not match the package in the old schema\"}";
    let answer = check("BACKWARD", ORDER, &package).await;
    assert_incompatible(&answer, "BACKWARD", ORDER, &[reason]);

    let two = format!("{ORDER}\nmessage Return {{\n  string id = 1;\n}}\n");
    let reason = "{errorType:\"MESSAGE_REMOVED\", description:\"The new schema is missing a MESSAGE type at path '#/Return' in the old schema\"}";
    let answer = check("BACKWARD", &two, ORDER).await;
    assert_eq!(answer.json["messages"][0], reason);
    assert_compatible(&check("BACKWARD", ORDER, &two).await);
}

#[tokio::test]
async fn a_schema_of_another_type_is_incompatible() {
    let api = registry().await;
    register_body(&api, "orders", &protobuf(ORDER)).await;
    let answer = api.post("/subjects/orders/versions", &body("\"string\"")).await;
    let text = "Schema being registered is incompatible with an earlier schema for subject \"orders\", details: [Incompatible because of different schema type, {validateFields: 'false', compatibility: 'BACKWARD'}]";
    answer.is_error(409, 40901, text);
}
