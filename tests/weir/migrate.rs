//! `weir migrate`: from everywhere to everywhere, and what it refuses.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use axum::Json;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};
use weir_tests::{Api, kafka, serve, unique};

use crate::process::Weir;

/// A registry that forgets.
fn registry() -> (Weir, Api) {
    let fixed = ["serve", "--roles", "registry", "--store", "memory"];
    let mut weir = Weir::start(&[&fixed[..], &["--registry-listener", "127.0.0.1:0"]].concat());
    let api = weir.api("registry on");
    (weir, api)
}

fn migrate(from: &str, to: &str, more: &[&str]) -> Output {
    Weir::command(&[&["migrate", "--from", from, "--to", to], more].concat()).output().unwrap()
}

/// The last line that it prints.
#[track_caller]
fn copied(from: &str, to: &str, more: &[&str]) -> String {
    let output = migrate(from, to, more);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().last().unwrap_or_default().to_string()
}

/// What it prints on stdout, and on stderr.
#[track_caller]
fn refused(from: &str, to: &str, more: &[&str]) -> (String, String) {
    let output = migrate(from, to, more);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// All lines that a comparison prints, and whether there is no difference.
fn verified(from: &str, to: &str) -> (Vec<String>, bool) {
    let output = migrate(from, to, &["--verify-only"]);
    let text = String::from_utf8(output.stdout).unwrap();
    (text.lines().map(str::to_string).collect(), output.status.success())
}

#[track_caller]
fn same(from: &str, to: &str) -> String {
    let line = copied(from, to, &["--verify-only"]);
    assert!(line.starts_with("same: "), "{line}");
    line
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn register(api: &Api, subject: &str, body: Value) {
    let answer = api.post(&format!("/subjects/{subject}/versions"), &body).await;
    assert_eq!(answer.status, 200, "{subject}: {}", answer.text);
}

async fn put(api: &Api, path: &str, body: Value) {
    let answer = api.put(path, &body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
}

async fn delete(api: &Api, path: &str) {
    let answer = api.delete(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
}

fn record(name: &str, fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> = fields.iter().map(|(n, t)| json!({"name": n, "type": t})).collect();
    json!({"type": "record", "name": name, "fields": fields}).to_string()
}

fn reference(name: &str, subject: &str) -> Value {
    json!([{"name": name, "subject": subject, "version": 1}])
}

/// A registry with some of everything: 12 subjects with 14 versions.
async fn filled() -> (Weir, Api) {
    let (weir, api) = registry();
    let money = record("Money", &[("cents", "long")]);
    register(&api, "money", json!({"schema": money})).await;
    let order = record("Order", &[("price", "Money")]);
    let of_money = reference("Money", "money");
    register(&api, "orders-value", json!({"schema": order, "references": of_money})).await;
    let contract = json!({
        "schema": order,
        "references": of_money,
        "metadata": {"properties": {"owner": "sales"}, "tags": {"Order.price": ["PII"]}},
        "ruleSet": {"domainRules": [{"name": "positive", "kind": "CONDITION", "type": "CEL",
            "mode": "WRITE", "expr": "message.price > 0"}]},
    });
    register(&api, "orders-value", contract).await;
    register(&api, "json", json!({"schema": "{\"type\":\"object\"}", "schemaType": "JSON"})).await;
    let proto = "syntax = \"proto3\";\nmessage M {\n  int32 a = 1;\n}\n";
    register(&api, "proto", json!({"schema": proto, "schemaType": "PROTOBUF"})).await;

    // what is deleted: a version, a subject, one that another deleted one refers to
    register(&api, "old", json!({"schema": "\"string\""})).await;
    register(&api, "old", json!({"schema": "\"bytes\""})).await;
    delete(&api, "/subjects/old/versions/1").await;
    register(&api, "base", json!({"schema": record("Base", &[("a", "int")])})).await;
    let user = record("User", &[("base", "Base")]);
    register(&api, "user", json!({"schema": user, "references": reference("Base", "base")})).await;
    delete(&api, "/subjects/user").await;
    delete(&api, "/subjects/base").await;

    // a context that numbers for itself, and names its own subjects unqualified
    register(&api, ":.eu:money", json!({"schema": money})).await;
    let order = json!({"schema": order, "references": of_money});
    register(&api, ":.eu:orders-value", order).await;

    // ids that do not ascend along references
    put(&api, "/mode/:.import:", json!({"mode": "IMPORT"})).await;
    let base = json!({"schema": record("Base", &[("b", "int")]), "id": 9, "version": 1});
    register(&api, ":.import:base", base).await;
    let user = json!({"schema": user, "id": 5, "version": 3,
        "references": reference("Base", "base")});
    register(&api, ":.import:user", user).await;
    put(&api, "/mode/:.import:", json!({"mode": "READWRITE"})).await;

    let associations = json!({"resourceName": "orders", "resourceNamespace": "lkc",
        "resourceId": "r1", "resourceType": "topic",
        "associations": [{"subject": "orders-value", "lifecycle": "WEAK"}]});
    let answer = api.post("/associations", &associations).await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    // a name that hides a subject of its own, and one that hides nothing
    register(&api, "hidden", json!({"schema": "\"double\""})).await;
    put(&api, "/config/hidden", json!({"alias": "money"})).await;
    put(&api, "/config/orders", json!({"alias": "orders-value"})).await;

    put(&api, "/config", json!({"compatibility": "FULL"})).await;
    put(&api, "/config/orders-value", json!({"compatibility": "NONE", "normalize": true})).await;
    put(&api, "/config/money", json!({"normalize": false})).await;
    put(&api, "/config/:.eu:", json!({"compatibility": "FORWARD"})).await;
    put(&api, "/config/:.__GLOBAL:", json!({"compatibilityGroup": "major"})).await;
    put(&api, "/mode/old", json!({"mode": "READONLY"})).await;
    put(&api, "/mode/:.eu:", json!({"mode": "READONLY"})).await;
    (weir, api)
}

const COUNTS: &str = "12 subjects, 14 versions";

/// Lines of a dump, without what is another in every registry: times, and the guids of associations.
fn lines(dump: &Path) -> Vec<Value> {
    let lines = fs::read_to_string(dump).unwrap();
    let mut lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &mut lines {
        line["timestamp_ms"].take();
        line["offset"].take();
        if line["key"]["keytype"] == "ASSOC" {
            line["value"]["guid"].take();
            line["value"]["createTs"].take();
        }
    }
    lines.sort_by_key(Value::to_string);
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_registry_goes_through_a_file_into_another() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.jsonl");
    let (_a, source) = filled().await;
    let line = copied(&source.url, text(&dump), &["--verify"]);
    assert_eq!(line, format!("same: {COUNTS}"));

    let (_b, target) = registry();
    let line = copied(text(&dump), &target.url, &["--verify"]);
    assert_eq!(line, format!("same: {COUNTS}"));
    assert_eq!(same(&source.url, &target.url), format!("same: {COUNTS}"));
    let again = folder.path().join("again.jsonl");
    copied(&target.url, text(&again), &[]);
    assert_eq!(lines(&again), lines(&dump));

    for path in [
        "/subjects?deleted=true",
        "/contexts",
        "/subjects/orders-value/versions/2",
        "/subjects/old/versions?deletedOnly=true",
        "/subjects/:.import:user/versions/3?deleted=true",
        "/schemas/ids/5?subject=:.import:",
        "/config/orders",
        "/mode/:.eu:",
    ] {
        let (expected, got) = (source.get(path).await, target.get(path).await);
        let without_ts = |answer: &Value| weir_tests::without_ts(answer);
        assert_eq!(without_ts(&got.json), without_ts(&expected.json), "{path}");
    }
    target.get("/mode").await.is(json!({"mode": "READWRITE"}));
    // ids go on where they ended
    let next = json!({"schema": record("Next", &[("n", "int")])});
    let expected = source.post("/subjects/next/versions", &next).await.json;
    assert_eq!(target.post("/subjects/next/versions", &next).await.json, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_registry_goes_straight_into_another_and_again_with_force() {
    let (_a, source) = filled().await;
    let (_b, target) = registry();
    copied(&source.url, &target.url, &["--verify"]);
    let (_, error) = refused(&source.url, &target.url, &[]);
    assert!(error.contains("is not empty; --force"), "{error}");
    let line = copied(&source.url, &target.url, &["--force", "--verify"]);
    assert_eq!(line, format!("same: {COUNTS}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_gets_what_a_file_has_and_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let (_a, source) = filled().await;
    let dump = folder.path().join("dump.jsonl");
    copied(&source.url, text(&dump), &[]);
    let data = folder.path().join("data");
    let sled = format!("sled:{}", text(&data));
    copied(text(&dump), &sled, &["--verify"]);
    let (_, error) = refused(text(&dump), &sled, &[]);
    assert!(error.contains("is not empty"), "{error}");
    let back = folder.path().join("back.jsonl");
    copied(&sled, text(&back), &[]);
    assert_eq!(fs::read(&back).unwrap(), fs::read(&dump).unwrap());

    let (mut served, api) = Weir::registry(&data);
    assert_eq!(same(&source.url, &api.url), format!("same: {COUNTS}"));
    let (_, error) = refused(&sled, text(&back), &["--force"]);
    assert!(error.contains("another process has it open"), "{error}");
    served.kill();
}

const SCHEMA_KEY: &str = r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#;
const SCHEMA_VALUE: &str =
    r#"{"subject":"s","version":1,"id":7,"schema":"\"string\"","deleted":false}"#;
const CONFIG_KEY: &str = r#"{"keytype":"CONFIG","subject":null,"magic":0}"#;

#[tokio::test(flavor = "multi_thread")]
async fn dumps_of_karapace_and_of_the_console_consumer_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let config = r#"{"compatibilityLevel":"FULL"}"#;
    let records = [
        (SCHEMA_KEY, Some(SCHEMA_VALUE)),
        (CONFIG_KEY, Some(config)),
        (r#"{"keytype":"NOOP","magic":0}"#, None),
    ];
    let hex = |text: &str| text.bytes().map(|b| format!("{b:02X}")).collect::<String>();
    let or_null = |value: Option<&str>, show: &dyn Fn(&str) -> String| {
        value.map_or_else(|| "null".to_string(), show)
    };
    let v1: Vec<_> = records.iter().map(|(k, v)| json!([k, v.unwrap_or("null")])).collect();
    fs::write(path("v1"), Value::Array(v1).to_string()).unwrap();
    let v2: String =
        records.iter().map(|(k, v)| format!("{}\t{}\n", hex(k), or_null(*v, &hex))).collect();
    fs::write(path("v2"), format!("/V2\n{v2}")).unwrap();
    let console: String =
        records.iter().map(|(k, v)| format!("{k}\t{}\n", or_null(*v, &str::to_string))).collect();
    fs::write(path("console"), &console).unwrap();
    let expected: String = (0..)
        .zip(&records)
        .map(|(offset, (key, value))| {
            let value = or_null(*value, &str::to_string);
            format!(
                "{{\"offset\":{offset},\"timestamp_ms\":null,\"key\":{key},\"value\":{value}}}\n"
            )
        })
        .collect();
    for name in ["v1", "v2", "console"] {
        let dump = path(&format!("{name}.jsonl"));
        copied(text(&path(name)), text(&dump), &["--verify"]);
        assert_eq!(fs::read_to_string(&dump).unwrap(), expected, "{name}");
    }
    let (_weir, api) = registry();
    copied(text(&path("v2")), &api.url, &["--verify"]);
    api.get("/schemas/ids/7/versions").await.is(json!([{"subject": "s", "version": 1}]));
    api.get("/config").await.is(json!({"compatibilityLevel": "FULL"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_karapaces_backup_has_deleted_stays_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let hex = |text: &str| text.bytes().map(|b| format!("{b:02X}")).collect::<String>();
    let (schema, config) = (hex(SCHEMA_KEY), hex(CONFIG_KEY));
    let (value, level) = (hex(SCHEMA_VALUE), hex(r#"{"compatibilityLevel":"FORWARD"}"#));
    // an empty value, and the word null as a value
    let lines = format!("{schema}\t{value}\n{schema}\t\n{config}\t{level}\n{config}\t6E756C6C\n");
    let backup = folder.path().join("backup");
    fs::write(&backup, format!("/V2\n{lines}")).unwrap();
    let sled = format!("sled:{}", text(&folder.path().join("data")));
    assert_eq!(copied(text(&backup), &sled, &["--verify"]), "same: 0 subjects, 0 versions");
    let (_weir, api) = Weir::registry(&folder.path().join("data"));
    api.get("/subjects?deleted=true").await.is(json!([]));
    api.get("/config").await.is(json!({"compatibilityLevel": "BACKWARD"}));
    let (_weir, target) = registry();
    copied(text(&backup), &target.url, &["--verify"]);
    target.get("/subjects?deleted=true").await.is(json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_that_has_only_a_configuration_is_copied() {
    // as Karapace answers: it lists the subject, and knows no versions of it
    let missing = async || {
        let body = json!({"error_code": 40401, "message": "Subject 'configured' not found."});
        (StatusCode::NOT_FOUND, Json(body))
    };
    let router = axum::Router::new()
        .route("/subjects", get(async || Json(json!(["configured"]))))
        .route("/config", get(async || Json(json!({"compatibilityLevel": "BACKWARD"}))))
        .route("/config/configured", get(async || Json(json!({"compatibilityLevel": "FULL"}))))
        .fallback(missing);
    let karapace = Api::new(serve(router).await);
    let (_weir, target) = registry();
    copied(&karapace.url, &target.url, &["--verify"]);
    target.get("/config/configured").await.is(json!({"compatibilityLevel": "FULL"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn contexts_are_not_poured_into_a_registry_that_knows_none() {
    let (_weir, source) = registry();
    register(&source, ":.eu:orders", json!({"schema": "\"string\""})).await;
    let missing = async || StatusCode::NOT_FOUND;
    let put = async || Json(json!({"mode": "IMPORT"}));
    let posted = async || Json(json!({"id": 1}));
    let router = axum::Router::new()
        .route("/subjects", get(async || Json(json!([]))))
        .route("/subjects/{subject}/versions", axum::routing::post(posted))
        .route("/config", axum::routing::put(put))
        .route("/mode", axum::routing::put(put).delete(put))
        .route("/mode/{subject}", axum::routing::put(put).delete(put))
        .fallback(missing);
    let karapace = Api::new(serve(router).await);
    let (_, error) = refused(&source.url, &karapace.url, &[]);
    assert!(
        error.contains("knows no contexts") && error.contains("--contexts-as-names"),
        "{error}"
    );
    copied(&source.url, &karapace.url, &["--contexts-as-names"]);
}

#[test]
fn a_dump_keeps_a_record_without_a_key_and_a_folder_that_is_no_backup_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let line = r#"{"offset":0,"timestamp_ms":5,"key":null,"value_base64":"eA=="}"#;
    fs::write(path("dump"), format!("{line}\n")).unwrap();
    copied(text(&path("dump")), text(&path("copy")), &[]);
    assert_eq!(fs::read_to_string(path("copy")).unwrap().trim_end(), line);
    let (_, error) = refused(text(folder.path()), "-", &[]);
    assert!(error.contains("expected a backup of Karapace (V3), or sled:FOLDER"), "{error}");
}

/// Records of which no registry can read all, as a dump has them.
const GARBAGE: &str = concat!(
    r#"{"offset":3,"timestamp_ms":1700000000000,"key":{"magic":1, "version":1,"subject":"s","keytype":"SCHEMA"},"value":{"subject":"s","version":1,"id":7,"schema":"\"string\"","x":1.0e0}}"#,
    "\n",
    r#"{"offset":4,"timestamp_ms":1700000000001,"key_base64":"/wA=","value_base64":"Z2FyYmFnZQ=="}"#,
    "\n",
    r#"{"offset":9,"timestamp_ms":null,"key":{"keytype":"FUTURE","magic":0},"value":[1,2]}"#,
    "\n",
    r#"{"offset":10,"timestamp_ms":5,"key":{"keytype":"NOOP","magic":0},"value":null}"#,
    "\n",
);

#[test]
fn every_byte_of_a_dump_comes_back_and_a_log_gets_what_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("dump"), GARBAGE).unwrap();
    let line = copied(text(&path("dump")), text(&path("copy")), &["--verify"]);
    assert_eq!(line, "same: 1 subjects, 1 versions");
    assert_eq!(fs::read_to_string(path("copy")).unwrap(), GARBAGE);
    // through a pipe, where the summary does not stand in the way
    let output = migrate(text(&path("dump")), "-", &[]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), GARBAGE);

    let sled = format!("sled:{}", text(&path("data")));
    let output = migrate(text(&path("dump")), &sled, &["--verify"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    assert!(error.contains("passed over: offset 4: "), "{error}");
    assert!(error.contains("passed over: offset 9: keytype FUTURE is not known"), "{error}");
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("copied 2 records, 2 passed"));
    copied(&sled, text(&path("back")), &[]);
    let back = fs::read_to_string(path("back")).unwrap();
    let first = GARBAGE.lines().next().unwrap().replace("\"offset\":3", "\"offset\":0");
    assert_eq!(back.lines().next().unwrap(), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_there_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump");
    fs::write(&dump, "something else").unwrap();
    let (_weir, api) = registry();
    let (_, error) = refused(&api.url, text(&dump), &[]);
    assert!(error.contains("it is there already"), "{error}");
    assert_eq!(fs::read_to_string(&dump).unwrap(), "something else");
    copied(&api.url, text(&dump), &["--force", "--verify"]);
    // what fails leaves nothing behind
    let (_, error) = refused(text(&folder.path().join("none")), text(&dump), &["--force"]);
    assert!(error.contains("none: No such file"), "{error}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_named() {
    let (_a, source) = filled().await;
    let (_b, target) = registry();
    copied(&source.url, &target.url, &[]);
    put(&target, "/config/money", json!({"compatibility": "NONE"})).await;
    put(&target, "/mode/orders-value", json!({"mode": "READONLY"})).await;
    delete(&target, "/subjects/json/versions/1").await;
    delete(&target, "/subjects/proto").await;
    delete(&target, "/subjects/proto?permanent=true").await;
    register(&target, "new", json!({"schema": "\"float\""})).await;
    let (found, error) = refused(&source.url, &target.url, &["--verify-only"]);
    let lines: Vec<_> = found.lines().collect();
    assert_eq!(
        lines,
        [
            "json version 1: deleted: false in the source, true in the target",
            "new version 1: only in the target",
            "proto version 1: only in the source",
            r#"money: config: {"normalize":false,"compatibilityLevel":"FULL"} in the source, {"normalize":false,"compatibilityLevel":"NONE"} in the target"#,
            r#"orders-value: mode: null in the source, "READONLY" in the target"#,
        ]
    );
    assert!(error.contains("differ in 5 places"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_target_refuses_is_named_and_force_goes_on_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let line = |subject: &str, id: u32, more: &str| {
        let key = json!({"keytype": "SCHEMA", "subject": subject, "version": 1, "magic": 1});
        let mut value = json!({"subject": subject, "version": 1, "id": id,
            "schema": record(&subject.to_uppercase(), &[("f", "int")])});
        if !more.is_empty() {
            value["references"] = reference("X", more);
        }
        format!("{}\n", json!({"key": key, "value": value}))
    };
    let good = line("a", 1, "") + &line("b", 2, "");
    fs::write(path("good"), good.clone() + &line("c", 3, "b")).unwrap();
    fs::write(path("bad"), good + &line("c", 3, "nobody")).unwrap();
    let (_weir, api) = registry();
    let (_, error) = refused(text(&path("bad")), &api.url, &[]);
    assert!(error.contains("c version 1 (id 3): POST http://"), "{error}");
    assert!(error.contains("42201"), "{error}");
    assert!(error.contains("No schema reference found for subject \"nobody\""), "{error}");
    api.get("/mode").await.is(json!({"mode": "IMPORT"}));
    let line = copied(text(&path("good")), &api.url, &["--force", "--verify"]);
    assert_eq!(line, "same: 3 subjects, 3 versions");
    // the target prints what it is given
    let (found, is_same) = verified(text(&path("good")), &api.url);
    assert!(is_same);
    assert_eq!(found[0], "3 versions are printed in another way, and have other guids");
    api.get("/mode").await.is(json!({"mode": "READWRITE"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_of_old_days_is_read() {
    // no contexts, no types, no word for what is deleted, modes to be read alone
    let schema = json!({"subject": "s", "version": 1, "id": 3, "schema": "\"string\""});
    let not_found = || async {
        let body = json!({"error_code": 404, "message": "HTTP 404 Not Found"});
        (StatusCode::NOT_FOUND, Json(body))
    };
    let router = axum::Router::new()
        .route("/subjects", get(async || Json(json!(["s"]))))
        .route("/subjects/s/versions", get(async || Json(json!([1]))))
        .route("/subjects/s/versions/1", get(async || Json(schema)))
        .route("/config", get(async || Json(json!({"compatibilityLevel": "FORWARD"}))))
        .route("/mode", get(async || Json(json!({"mode": "READWRITE"}))))
        .route("/mode/s", get(async || Json(json!({"mode": "READWRITE"}))))
        .fallback(not_found);
    let old = Api::new(serve(router).await);
    let (_weir, target) = registry();
    let line = copied(&old.url, &target.url, &["--verify"]);
    assert_eq!(line, "same: 1 subjects, 1 versions");
    target.get("/config").await.is(json!({"compatibilityLevel": "FORWARD"}));
    // what is shown of the subject is what holds around it
    assert_eq!(target.get("/mode/s").await.json["error_code"], 40409);
    // and it cannot be the target
    let (_, error) = refused(&target.url, &old.url, &["--force"]);
    assert!(error.contains("cannot be set, and it cannot import"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_read_page_by_page() {
    #[derive(serde::Deserialize)]
    struct Page {
        #[serde(default)]
        offset: usize,
    }
    let subjects = async |Query(page): Query<Page>| {
        let all = (1..=250).map(|n| format!("s{n:03}"));
        Json(json!(all.skip(page.offset).take(100).collect::<Vec<_>>()))
    };
    let version = async |path: axum::extract::Path<String>| {
        let id: u32 = path[1..].parse().unwrap();
        let schema = record(&format!("R{id}"), &[]);
        Json(json!({"subject": *path, "version": 1, "id": id, "schema": schema}))
    };
    let router = axum::Router::new()
        .route("/subjects", get(subjects))
        .route("/subjects/{subject}/versions", get(async || Json(json!([1]))))
        .route("/subjects/{subject}/versions/1", get(version));
    let api = Api::new(serve(router).await);
    let folder = tempfile::tempdir().unwrap();
    let line = copied(&api.url, text(&folder.path().join("dump")), &["--verify"]);
    assert_eq!(line, "same: 250 subjects, 250 versions");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_a_moment_is_tried_again() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let subjects = async || match ASKED.fetch_add(1, Ordering::Relaxed) {
        0 => {
            let body = json!({"error_code": 50003, "message": "Leader not known."});
            (StatusCode::INTERNAL_SERVER_ERROR, Json(body))
        }
        _ => (StatusCode::OK, Json(json!([]))),
    };
    let api = Api::new(serve(axum::Router::new().route("/subjects", get(subjects))).await);
    let output = migrate(&api.url, "-", &[]);
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_are_none_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (_weir, api) = registry();
    let error = |from: &str, to: &str, more: &[&str]| refused(from, to, more).1;
    let unreachable = error("http://me:secret@127.0.0.1:1", "-", &[]);
    assert!(
        unreachable.contains("GET http://127.0.0.1:1/subjects: Connection refused"),
        "{unreachable}"
    );
    assert!(!unreachable.contains("secret"));
    let wrong = error(&format!("{}/ccompat", api.url), "-", &[]);
    assert!(wrong.contains("is a part of its path missing?"), "{wrong}");
    let sled = format!("sled:{}", text(&folder.path().join("none")));
    assert!(error(&sled, "-", &[]).contains("there is no data of weir's"));
    assert!(!folder.path().join("none").exists());
    assert!(error("ftp://x/y", "-", &[]).contains("ftp://x/y: expected http://"));
    assert!(error("-", &api.url, &["--verify"]).contains("- cannot be read again"));
    assert!(error("a", "b", &["--kafka", "novalue"]).contains("expected NAME=VALUE"));

    let closed = get(async || StatusCode::UNAUTHORIZED);
    let closed = Api::new(serve(axum::Router::new().route("/subjects", closed)).await);
    let error = error(&closed.url, "-", &[]);
    assert!(error.contains("401") && error.contains("http://user:password@host"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_taken_over_and_handed_back() {
    let Some(broker) = kafka() else { return };
    let topic = |name: &str| format!("kafka://{}/{}", broker.bootstrap_servers, unique(name));
    let folder = tempfile::tempdir().unwrap();
    let (_a, source) = filled().await;
    let first = topic("migrate");
    let (_, error) = refused(&first, "-", &[]);
    assert!(error.contains("there is no topic migrate-"), "{error}");
    assert_eq!(copied(&source.url, &first, &["--verify"]), format!("same: {COUNTS}"));
    let (_, error) = refused(&source.url, &first, &[]);
    assert!(error.contains("is not empty"), "{error}");

    let sled = format!("sled:{}", text(&folder.path().join("data")));
    copied(&first, &sled, &["--verify"]);
    let second = topic("migrate");
    copied(&sled, &second, &["--verify"]);
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    copied(&first, text(&a), &[]);
    copied(&second, text(&b), &[]);
    assert_eq!(fs::read(&a).unwrap(), fs::read(&b).unwrap());

    // a registry that shares the topic serves it
    let name = second.rsplit('/').next().unwrap();
    let fixed = ["serve", "--roles", "registry", "--store", "kafka"];
    let listener = ["--registry-listener", "127.0.0.1:0"];
    let log = ["--bootstrap-servers", &broker.bootstrap_servers, "--schemas-topic", name];
    let mut command: Command = Weir::command(&[&fixed[..], &listener, &log].concat());
    let mut served = Weir::spawn(&mut command);
    let api = served.api("registry on");
    assert_eq!(same(&source.url, &api.url), format!("same: {COUNTS}"));
}
