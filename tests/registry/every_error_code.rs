//! House rule: each row of the table in `registry/api/src/error.rs` has a request here that it is
//! the answer to, with its exact text, or names the test elsewhere that reaches it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use weir_registry_api::RegistryError;
use weir_tests::{Api, REGISTRY_JSON, registry};

use crate::fixtures::*;

/// A row: code, HTTP status, variant.
type Row = (u32, u16, &'static str);

fn table() -> Vec<Row> {
    RegistryError::TABLE.iter().map(|row| (row.code, row.status, row.name)).collect()
}

/// Variants that are reached elsewhere: the file below `tests/`, and the test there.
const ELSEWHERE: [(&str, &str, &str); 15] = [
    ("ModeImmutable", "weir/settings.rs", "modes_that_the_operator_fixed_cannot_be_changed"),
    ("Store", "weir/crash.rs", "a_full_disk_is_50001_and_reads_go_on"),
    ("Timeout", CLUSTER, "reads_go_on_and_writes_are_refused_in_time_while_kafka_is_away"),
    ("NoLeader", CLUSTER, "reads_go_on_and_writes_are_refused_in_time_while_kafka_is_away"),
    ("Forwarding", CLUSTER, "a_leader_that_does_not_answer_is_50003"),
    ("Starting", CLUSTER, "a_node_that_has_not_read_its_log_answers_503"),
    (
        "Busy",
        "weir/attacks/requests.rs",
        "too_many_long_requests_of_one_client_are_told_to_come_back_and_others_are_answered",
    ),
    ("ForeignOrigin", BROWSERS, "a_page_elsewhere_changes_nothing"),
    ("Misdirected", BROWSERS, "a_name_that_somebody_has_pointed_to_this_machine_is_421"),
    ("BodyTimeout", BODIES, "a_body_that_does_not_come_in_time_is_408"),
    ("Denied", ACCESS, "who_is_denied_hears_the_same_of_what_is_there_and_of_what_is_not"),
    // before a request is the registry's, whoever lets it in answers for it
    ("Unauthorized", DOOR, "who_is_not_known_hears_the_same_whatever_is_wrong"),
    ("RateLimited", DOOR, "a_login_that_cannot_be_checked_now_is_worth_another_try"),
    ("LoginUnavailable", DOOR, "a_login_that_cannot_be_checked_now_is_worth_another_try"),
    ("Crowded", BODIES, "a_body_for_which_there_is_no_room_is_503"),
];

const CLUSTER: &str = "weir/cluster/mod.rs";
const BROWSERS: &str = "weir/attacks/connections/browsers.rs";
const ACCESS: &str = "registry/access/names.rs";
const DOOR: &str = "../http/src/access/tests.rs";
const BODIES: &str = "weir/attacks/connections/bodies.rs";

/// Variants that `associations.rs` reaches.
const ASSOCIATIONS: [&str; 8] = [
    "AssociationNotFound",
    "ResourceAssociated",
    "SubjectAssociated",
    "SubjectStronglyAssociated",
    "NoActiveVersion",
    "AssociationFrozen",
    "OwnedSubjectReferenced",
    "InvalidAssociation",
];

/// What no request brings about: it is the answer to a defect of Weir's.
const DEFECTS: [&str; 1] = ["Internal"];

/// A request that is refused, and in which words.
struct Case {
    variant: &'static str,
    method: Method,
    path: &'static str,
    body: Option<Value>,
    text: &'static str,
}

const NO_BODY: Option<Value> = None;

fn case(
    variant: &'static str,
    method: Method,
    path: &'static str,
    body: impl Into<Option<Value>>,
    text: &'static str,
) -> Case {
    Case { variant, method, path, body: body.into(), text }
}

/// `orders`: version 1 live, version 2 soft-deleted. `returns`: soft-deleted. `payments` refers to
/// `money`. `ledger` is read-only, `archive` imports and has version 1 with id 100. `.eu` has a
/// subject.
async fn shop() -> Api {
    let api = registry().await;
    register(&api, "orders", ORDER).await;
    register(&api, "orders", ORDER_NOTE).await;
    soft_delete(&api, "orders/versions/2").await;
    register(&api, "returns", ORDER).await;
    soft_delete(&api, "returns").await;
    register(&api, "money", MONEY).await;
    register_body(&api, "payments", &payment(1)).await;
    set_mode(&api, "/mode/ledger", "READONLY").await;
    set_mode(&api, "/mode/archive", "IMPORT").await;
    let imported = json!({"schema": FLIGHT, "id": 100, "version": 1});
    register_body(&api, "archive", &imported).await;
    register(&api, ":.eu:orders", ORDER).await;
    api
}

fn cases() -> Vec<Case> {
    let (get, put, post, delete) = (Method::GET, Method::PUT, Method::POST, Method::DELETE);
    let too_large = json!({"schema": "o".repeat(9 * 1024 * 1024)});
    let no_body = json!({"schema": "o".repeat(10 * 1024 * 1024)});
    let rules = json!({"domainRules": [{"name": "a", "type": "CEL", "mode": "UPGRADE"}]});
    let version = "/subjects/orders/versions";
    let archive = "/subjects/archive/versions";
    vec![
        case(
            "SubjectNotFound",
            get.clone(),
            "/subjects/flights/versions",
            NO_BODY,
            "Subject 'flights' not found.",
        ),
        case(
            "VersionNotFound",
            get.clone(),
            "/subjects/orders/versions/3",
            NO_BODY,
            "Version 3 not found.",
        ),
        case("SchemaNotFound", post.clone(), "/subjects/orders", body(FLIGHT), "Schema not found"),
        case("SchemaIdNotFound", get.clone(), "/schemas/ids/7", NO_BODY, "Schema 7 not found"),
        case(
            "SubjectSoftDeleted",
            delete.clone(),
            "/subjects/returns",
            NO_BODY,
            "Subject 'returns' was soft deleted.Set permanent=true to delete permanently",
        ),
        case(
            "SubjectNotSoftDeleted",
            delete.clone(),
            "/subjects/orders?permanent=true",
            NO_BODY,
            "Subject 'orders' was not deleted first before being permanently deleted",
        ),
        case(
            "VersionSoftDeleted",
            delete.clone(),
            "/subjects/orders/versions/2",
            NO_BODY,
            "Subject 'orders' Version 2 was soft deleted.Set permanent=true to delete permanently",
        ),
        case(
            "VersionNotSoftDeleted",
            delete.clone(),
            "/subjects/orders/versions/1?permanent=true",
            NO_BODY,
            "Subject 'orders' Version 1 was not deleted first before being permanently deleted",
        ),
        case(
            "NoSubjectCompatibility",
            get.clone(),
            "/config/orders",
            NO_BODY,
            "Subject 'orders' does not have subject-level compatibility configured",
        ),
        case(
            "NoSubjectMode",
            get.clone(),
            "/mode/orders",
            NO_BODY,
            "Subject 'orders' does not have subject-level mode configured",
        ),
        case(
            "Incompatible",
            post.clone(),
            "/subjects/money/versions",
            body("\"long\""),
            r#"Schema being registered is incompatible with an earlier schema for subject "money", details: [{errorType:'TYPE_MISMATCH', description:'The type (path '/') of a field in the new schema does not match with the old schema', additionalInfo:'reader type: LONG not compatible with writer type: RECORD'}, {oldSchemaVersion: 1}, {oldSchema: '{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"cents","type":"long"},{"name":"currency","type":"string"}]}'}, {validateFields: 'false', compatibility: 'BACKWARD'}]"#,
        ),
        case(
            "InvalidSchema",
            post.clone(),
            version,
            payment(2),
            "Invalid schema of type AVRO, details: No schema reference found for subject \"money\" and version 2",
        ),
        case(
            "InvalidSchemaType",
            post.clone(),
            version,
            json!({"schema": ORDER, "schemaType": "THRIFT"}),
            "Invalid schema type THRIFT",
        ),
        case("EmptySchema", post.clone(), "/subjects/flights/versions", json!({}), "Empty schema"),
        case(
            "NotNextVersion",
            post.clone(),
            version,
            json!({"schema": ORDER_NOTE, "version": 9}),
            "Version is not one more than previous version",
        ),
        case(
            "InvalidVersion",
            get.clone(),
            "/subjects/orders/versions/0",
            NO_BODY,
            "The specified version '0' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\"",
        ),
        case(
            "InvalidCompatibilityLevel",
            put.clone(),
            "/config",
            json!({"compatibility": "MOSTLY"}),
            "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive",
        ),
        case(
            "InvalidCompatibilityPolicy",
            put.clone(),
            "/config",
            json!({"compatibilityPolicy": "MILD"}),
            "Invalid compatibility policy. Valid values are strict, lenient, and logical",
        ),
        case(
            "InvalidMode",
            put.clone(),
            "/mode",
            json!({"mode": "WRITEONLY"}),
            "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.",
        ),
        case(
            "ForwardIsGlobal",
            put.clone(),
            "/mode",
            json!({"mode": "FORWARD"}),
            "Forward mode only supported on global level",
        ),
        case(
            "ReadOnly",
            post.clone(),
            "/subjects/ledger/versions",
            body(ORDER),
            "Subject ledger in context  is in read-only mode",
        ),
        case(
            "NotImportMode",
            post.clone(),
            version,
            json!({"schema": ORDER_NOTE, "id": 7}),
            "Subject orders in context  is not in import mode",
        ),
        case(
            "NotReadWriteMode",
            post.clone(),
            archive,
            body(ORDER),
            "Subject archive in context  is not in read-write mode",
        ),
        case(
            "ImportNeedsNoSubjects",
            put.clone(),
            "/mode",
            json!({"mode": "IMPORT"}),
            "Cannot import since found existing subjects",
        ),
        case(
            "IdTaken",
            post.clone(),
            archive,
            json!({"schema": ORDER, "id": 100, "version": 2}),
            "Overwrite new schema with id 100 in context  is not permitted.",
        ),
        case(
            "ReferenceExists",
            delete.clone(),
            "/subjects/money",
            NO_BODY,
            "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=money,version=1}.",
        ),
        case(
            "IdMismatch",
            post.clone(),
            archive,
            json!({"schema": FLIGHT, "id": 101, "version": 1}),
            "The ID of an imported schema does not match the existing ID",
        ),
        case(
            "InvalidSubject",
            post.clone(),
            "/subjects/__GLOBAL/versions",
            json!({"schema": ORDER}),
            "The specified subject '__GLOBAL' is not a valid.",
        ),
        case(
            "SchemaTooLarge",
            post.clone(),
            version,
            too_large,
            "Register operation failed because schema is too large",
        ),
        case(
            "InvalidRuleSet",
            post.clone(),
            version,
            json!({"schema": ORDER, "ruleSet": rules}),
            "Domain rules can only be WRITE, READ, WRITEREAD",
        ),
        case(
            "ContextNotEmpty",
            delete,
            "/contexts/.eu",
            NO_BODY,
            "The specified context ':.eu:' is not empty.",
        ),
        case(
            "OverBudget",
            post.clone(),
            "/subjects/huge",
            json!({"unknown": vec![0; 250_001]}),
            "The request asks for more than one may: its body has more than 250000 values",
        ),
        case("BadRequest", put.clone(), "/mode", json!([]), "expected a JSON object"),
        case(
            "MissingBody",
            put,
            "/mode",
            Value::Null,
            "updateTopLevelMode.request must not be null (was null)",
        ),
        case("NotFound", get.clone(), "/orders", NO_BODY, "HTTP 404 Not Found"),
        case(
            "MethodNotAllowed",
            post.clone(),
            "/subjects",
            json!({}),
            "HTTP 405 Method Not Allowed",
        ),
        case("NotAcceptable", get, "/subjects", NO_BODY, "HTTP 406 Not Acceptable"),
        case("BodyTooLarge", post.clone(), version, no_body, "HTTP 413 Request Entity Too Large"),
        case("UnsupportedMediaType", post, version, body(ORDER), "HTTP 415 Unsupported Media Type"),
    ]
}

#[tokio::test]
async fn every_error_code_is_reachable() {
    let table = table();
    let api = shop().await;
    for Case { variant, method, path, body, text } in cases() {
        let found = table.iter().find(|(_, _, named)| *named == variant);
        let (code, status, _) = found.unwrap_or_else(|| panic!("{variant} is not in the table"));
        let accepts = if variant == "NotAcceptable" { "text/html" } else { "*/*" };
        let sends = if variant == "UnsupportedMediaType" { "text/plain" } else { REGISTRY_JSON };
        let request = api.request(method, path).header("accept", accepts);
        let request = match body {
            Some(body) => request.header("content-type", sends).body(body.to_string()),
            None => request,
        };
        let answer = api.send(request).await;
        let expected = json!({"error_code": code, "message": text});
        assert_eq!((answer.status.as_u16(), &answer.json), (*status, &expected), "{variant}");
    }
}

#[test]
fn no_row_of_the_table_is_forgotten() {
    let rows: BTreeSet<&str> = table().iter().map(|(_, _, variant)| *variant).collect();
    assert!(rows.len() > 40 && rows.len() == table().len(), "the table is read: {rows:?}");
    let here = cases().into_iter().map(|case| case.variant);
    let elsewhere = ELSEWHERE.into_iter().map(|(variant, ..)| variant);
    let reached: Vec<&str> = here.chain(elsewhere).chain(ASSOCIATIONS).chain(DEFECTS).collect();
    let unique: BTreeSet<&str> = reached.iter().copied().collect();
    assert_eq!(unique.len(), reached.len(), "a variant is listed twice");
    assert_eq!(unique, rows);
}

#[test]
fn what_is_reached_elsewhere_is_there() {
    for (variant, file, test) in ELSEWHERE {
        let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read_to_string(&path).unwrap();
        let there = source.contains(&format!("#[tokio::test]\nasync fn {test}()"))
            || source.contains(&format!("#[test]\nfn {test}()"));
        assert!(there, "{variant}: {file} has no test {test}");
    }
}

#[test]
fn associations_reach_their_codes() {
    let files = ["associations", "associations_batch", "associations_resources"];
    let source: String = files
        .map(|file| format!("{}/registry/{file}.rs", env!("CARGO_MANIFEST_DIR")))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .concat();
    for variant in ASSOCIATIONS {
        let (code, ..) = table().into_iter().find(|(_, _, named)| *named == variant).unwrap();
        assert!(source.contains(&code.to_string()), "{variant}: nothing there reaches {code}");
    }
}
