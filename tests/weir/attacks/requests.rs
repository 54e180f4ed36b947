//! Requests that are small and ask for much: schemas, patterns, checks. Each has one answer, in bounded
//! size, while a bystander is answered.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::{Answer, Api, REGISTRY_JSON};

use crate::process::Weir;

/// Longer than any of it takes, on any machine: what hangs ends here.
const HANG: Duration = Duration::from_secs(600);

/// The largest answer to a check: its messages and incompatibilities are bounded.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// A registry with one schema, which the bystander asks for.
async fn registry(args: &[&str]) -> (Weir, Api) {
    let fixed = ["serve", "--roles", "registry", "--store", "memory"];
    let listener = ["--registry-listener", "127.0.0.1:0"];
    let mut weir = Weir::start(&[&fixed[..], &listener, args].concat());
    let api = weir.api("registry on");
    let answer = api.post("/subjects/bystander/versions", &json!({"schema": "\"string\""})).await;
    assert_eq!(answer.status, 200);
    (weir, api)
}

fn avro(text: &str) -> Value {
    json!({ "schema": text })
}

fn protobuf(text: &str) -> Value {
    json!({"schema": text, "schemaType": "PROTOBUF"})
}

fn json_schema(text: &str) -> Value {
    json!({"schema": text, "schemaType": "JSON"})
}

async fn register(api: &Api, schema: &Value) -> Answer {
    within_time(api.post("/subjects/s/versions", schema)).await
}

/// A check against what is registered, while a bystander asks again and again.
async fn check(api: &Api, schema: &Value) -> Answer {
    let path = "/compatibility/subjects/s/versions/latest?verbose=true";
    beside_a_bystander(api, api.post(path, schema)).await
}

async fn within_time<T>(asking: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, asking).await.expect("it is answered")
}

/// An answer, and the bystander's while it is made.
async fn beside_a_bystander<T>(api: &Api, asking: impl Future<Output = T>) -> T {
    let asking = within_time(asking);
    tokio::pin!(asking);
    let mut bystanders = 0;
    loop {
        let bystander = within_time(api.get("/schemas/ids/1"));
        tokio::select! {
            answer = &mut asking => return answer,
            answer = bystander => {
                assert_eq!(answer.status, 200);
                bystanders += 1;
                assert!(bystanders < 1_000_000, "the answer comes");
            }
        }
    }
}

fn text_bytes(answer: &Answer) -> usize {
    answer.json.to_string().len()
}

fn messages(answer: &Answer) -> &Vec<Value> {
    answer.json["messages"].as_array().expect("messages")
}

/// What is said of incompatibilities that are not listed.
fn left_out(answer: &Answer) -> Option<&str> {
    let said = messages(answer).iter().filter_map(Value::as_str);
    said.into_iter().find(|message| message.ends_with(" left out."))
}

/// Record i uses record i - 1 twice: there are 2^`length` ways to the innermost type.
fn doubling(length: usize, innermost: &str) -> String {
    let mut text = innermost.to_string();
    for i in 0..length {
        let again = if i == 0 { innermost.to_string() } else { format!("\"R{}\"", i - 1) };
        text = format!(
            r#"{{"type":"record","name":"R{i}","fields":[{{"name":"a","type":{text}}},{{"name":"b","type":{again}}}]}}"#
        );
    }
    text
}

#[tokio::test]
async fn a_chain_of_records_that_each_use_the_one_before_twice_has_a_bounded_answer() {
    let (_weir, api) = registry(&[]).await;
    assert_eq!(register(&api, &avro(&doubling(300, "\"int\""))).await.status, 200);
    let answer = check(&api, &avro(&doubling(300, "\"string\""))).await;
    assert_eq!(answer.json["is_compatible"], false);
    assert!(text_bytes(&answer) < ANSWER_BYTES_MAX, "{}", text_bytes(&answer));
    let left_out = left_out(&answer).expect("what is left out is said");
    assert!(left_out.starts_with("More than 1000000000 "), "{left_out}");
    // the same words, in a refusal
    let refused = register(&api, &avro(&doubling(300, "\"string\""))).await;
    assert_eq!(refused.json["error_code"], 40901);
    assert!(text_bytes(&refused) < ANSWER_BYTES_MAX);
}

fn fields(kind: &str, count: usize) -> String {
    let mut text = String::from("syntax = \"proto3\"; message M {\n");
    for i in 0..count {
        writeln!(text, "{kind} f{i} = {};", i + 20_000).expect("a text grows");
    }
    text + "}"
}

#[tokio::test]
async fn thousands_of_protobuf_fields_of_another_type_are_listed_up_to_a_bound() {
    let (_weir, api) = registry(&[]).await;
    assert_eq!(register(&api, &protobuf(&fields("int32", 10_000))).await.status, 200);
    let answer = check(&api, &protobuf(&fields("string", 10_000))).await;
    assert_eq!(left_out(&answer), Some("9000 more incompatibilities are left out."));
    let listed = answer.json["incompatibilities"].as_array().expect("incompatibilities");
    assert_eq!(listed.len(), 1_000);
    // each has its place
    let lines: Vec<u64> = listed.iter().filter_map(|one| one["line"].as_u64()).collect();
    assert_eq!(lines, (2..=1_001).collect::<Vec<u64>>());
    assert!(text_bytes(&answer) < ANSWER_BYTES_MAX);
}

#[tokio::test]
async fn what_is_ordinary_is_listed_whole() {
    let (_weir, api) = registry(&[]).await;
    let record = |kind: &str| {
        let field = |i| format!(r#"{{"name":"f{i}","type":"{kind}"}}"#);
        let fields: Vec<String> = (0..500).map(field).collect();
        format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(","))
    };
    assert_eq!(register(&api, &avro(&record("int"))).await.status, 200);
    let answer = check(&api, &avro(&record("string"))).await;
    assert_eq!(left_out(&answer), None);
    let listed = answer.json["incompatibilities"].as_array().expect("incompatibilities");
    assert_eq!(listed.len(), 500);
}

#[tokio::test]
async fn eighty_thousand_aliases_are_registered() {
    let (_weir, api) = registry(&[]).await;
    let aliases: Vec<String> = (0..80_000).map(|i| format!("\"A{i}\"")).collect();
    let aliases = aliases.join(",");
    let text = format!(
        r#"{{"type":"record","name":"R","fields":[{{"name":"a","type":"int","aliases":[{aliases}]}}],"aliases":[{aliases}]}}"#
    );
    let answer = beside_a_bystander(&api, register(&api, &avro(&text))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_namespace_of_megabytes_that_thousands_inherit_is_over_budget() {
    let (_weir, api) = registry(&[]).await;
    let record =
        |i| format!(r#"{{"name":"f{i}","type":{{"type":"record","name":"R{i}","fields":[]}}}}"#);
    let fields: Vec<String> = (0..4_000).map(record).collect();
    let namespace = "n".repeat(3_000_000);
    let text = format!(
        r#"{{"type":"record","name":"R","namespace":"{namespace}","fields":[{}]}}"#,
        fields.join(",")
    );
    let answer = beside_a_bystander(&api, register(&api, &avro(&text))).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42290)));
    let message = answer.json["message"].as_str().expect("a message");
    assert!(message.contains("--request-bytes-max"), "{message}");
    // it goes on
    assert_eq!(within_time(api.get("/schemas/ids/1")).await.status, 200);
}

#[tokio::test]
async fn long_names_around_many_messages_are_over_budget() {
    let (_weir, api) = registry(&[]).await;
    let mut text = String::from("syntax = \"proto3\";");
    let name = "N".repeat(500);
    (0..60).for_each(|i| write!(text, "message {name}{i} {{").expect("a text grows"));
    (0..100_000).for_each(|i| write!(text, "message a{i}{{}}").expect("a text grows"));
    text += &"}".repeat(60);
    let answer = beside_a_bystander(&api, register(&api, &protobuf(&text))).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42290)));
}

#[tokio::test]
async fn json_schema_branches_by_the_thousand_are_over_budget_and_verbose_does_not_hide_it() {
    let (_weir, api) = registry(&[]).await;
    let branches = |letter: &str| {
        let branch = |i| format!(r#"{{"properties":{{"{letter}{i}":{{"const":{i}}}}}}}"#);
        let branches: Vec<String> = (0..4_000).map(branch).collect();
        format!(r#"{{"oneOf":[{}]}}"#, branches.join(","))
    };
    assert_eq!(register(&api, &json_schema(&branches("a"))).await.status, 200);
    let answer = check(&api, &json_schema(&branches("b"))).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42290)));
}

#[tokio::test]
async fn references_that_lead_only_to_each_other_by_the_thousand_are_read() {
    let (_weir, api) = registry(&[]).await;
    let pair = |i| {
        format!(
            r##""a{i}":{{"$ref":"#/definitions/b{i}"}},"b{i}":{{"$ref":"#/definitions/a{i}"}}"##
        )
    };
    let pairs: Vec<String> = (0..20_000).map(pair).collect();
    let text = format!(r#"{{"definitions":{{{}}}}}"#, pairs.join(","));
    let answer = beside_a_bystander(&api, register(&api, &json_schema(&text))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_large_schema_under_thousands_of_names_is_over_budget() {
    let (_weir, api) = registry(&[]).await;
    let field = |i| format!(r#"{{"name":"f{i}","type":"int"}}"#);
    let fields: Vec<String> = (0..20_000).map(field).collect();
    let large = format!(r#"{{"type":"record","name":"L","fields":[{}]}}"#, fields.join(","));
    assert_eq!(register(&api, &avro(&large)).await.status, 200);
    let reference = |i| json!({"name": format!("n{i}"), "subject": "s", "version": 1});
    let references: Vec<Value> = (0..20_000).map(reference).collect();
    let schema = json!({"schema": "\"L\"", "references": references});
    let path = "/subjects/referring/versions";
    let answer = beside_a_bystander(&api, api.post(path, &schema)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42290)));
}

#[tokio::test]
async fn a_budget_is_the_operators_to_choose_and_what_is_stored_is_still_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("a path");
    let serve = ["serve", "--roles", "registry", "--registry-listener", "127.0.0.1:0"];
    let start = |budget: &'static [&'static str]| {
        let mut weir = Weir::start(&[&serve[..], &["--data-dir", data], budget].concat());
        let api = weir.api("registry on");
        (weir, api)
    };
    let text = doubling(200, "\"int\"");
    let (mut weir, api) = start(&[]);
    assert_eq!(register(&api, &avro(&text)).await.status, 200);
    weir.kill();
    let (_weir, api) = start(&["--request-steps-max", "1000"]);
    // what is there is read at the start and served as it stands, whatever it would take to read it anew
    let stored = within_time(api.get("/schemas/ids/1")).await;
    assert_eq!(stored.status, 200);
    let resolved = within_time(api.get("/schemas/ids/1?format=resolved")).await;
    assert_eq!(resolved.json["error_code"], 42290);
    let other = register(&api, &avro(&doubling(200, "\"long\""))).await;
    let message = other.json["message"].as_str().expect("a message");
    assert_eq!(
        message,
        "The request asks for more than one may: it takes more than 1000 steps of work (--request-steps-max)"
    );
}

/// A check that takes all steps that it may have.
fn endless() -> (Value, Value) {
    let branches = |letter: &str| {
        let branch = |i| format!(r#"{{"properties":{{"{letter}{i}":{{"const":{i}}}}}}}"#);
        let branches: Vec<String> = (0..5_000).map(branch).collect();
        json_schema(&format!(r#"{{"oneOf":[{}]}}"#, branches.join(",")))
    };
    (branches("a"), branches("b"))
}

/// A registry in which [`endless`] takes minutes, and the check of it.
async fn endless_registry() -> (Weir, Api, Value) {
    let limits = ["--request-steps-max", "400000000000", "--request-bytes-max", "400000000000"];
    let (weir, api) = registry(&limits).await;
    let (stored, other) = endless();
    assert_eq!(register(&api, &stored).await.status, 200);
    (weir, api, other)
}

/// What a metric of the registry says.
async fn metric(api: &Api, name: &str) -> u64 {
    let answer = within_time(api.get("/metrics")).await;
    let line = answer.text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name}"))
}

/// Waits until a metric is what it is to be.
async fn until(api: &Api, name: &str, wanted: impl Fn(u64) -> bool) {
    within_time(async {
        while !wanted(metric(api, name).await) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

const PATH: &str = "/compatibility/subjects/s/versions/latest";

#[tokio::test]
async fn work_ends_when_its_client_has_gone() {
    let (_weir, api, other) = endless_registry().await;
    within_time(async {
        // a client that goes while nothing is done for it, on the way from one lane to the next, leaves no work
        while metric(&api, "weir_registry_lanes_abandoned_total").await == 0 {
            let asking = api.post(PATH, &other);
            tokio::pin!(asking);
            tokio::select! {
                _ = &mut asking => panic!("it takes minutes"),
                () = until(&api, "weir_registry_lanes_running", |running| running > 0) => {}
            }
        }
    })
    .await;
    until(&api, "weir_registry_lanes_running", |running| running == 0).await;
}

#[tokio::test]
async fn checks_that_take_long_keep_no_short_check_waiting() {
    let (_weir, api, other) = endless_registry().await;
    let long: Vec<_> = (0..4).map(|_| spawned(&api, &other)).collect();
    until(&api, "weir_registry_lanes_waiting", |waiting| waiting > 0).await;
    // one that is done at once, and one that is not
    for count in [1, 2_000] {
        let field = |i| format!(r#"{{"name":"f{i}","type":"int","default":{i}}}"#);
        let fields: Vec<String> = (0..count).map(field).collect();
        let text = format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(","));
        let path = format!("/subjects/short{count}/versions");
        let answer = within_time(api.post(&path, &avro(&text))).await;
        assert_eq!(answer.status, 200);
        let path = format!("/compatibility/subjects/short{count}/versions/latest");
        let answer = within_time(api.post(&path, &avro(&text))).await;
        assert_eq!(answer.json["is_compatible"], true);
    }
    assert!(long.iter().all(|long| !long.is_finished()), "the long ones are not done yet");
    long.iter().for_each(tokio::task::JoinHandle::abort);
}

fn spawned(api: &Api, schema: &Value) -> tokio::task::JoinHandle<u16> {
    let request = api.request(reqwest::Method::POST, PATH).header("content-type", REGISTRY_JSON);
    let request = request.body(schema.to_string());
    tokio::spawn(async move { request.send().await.map_or(0, |answer| answer.status().as_u16()) })
}

#[tokio::test]
async fn too_many_long_requests_of_one_client_are_told_to_come_back_and_others_are_answered() {
    let (_weir, api, other) = endless_registry().await;
    let long: Vec<_> = (0..80).map(|_| spawned(&api, &other)).collect();
    until(&api, "weir_registry_lanes_refused_total", |refused| refused > 0).await;
    let refused = within_time(async {
        loop {
            let request =
                api.request(reqwest::Method::POST, PATH).header("content-type", REGISTRY_JSON);
            let request = request.body(other.to_string());
            tokio::select! {
                answer = request.send() => return answer.expect("an answer"),
                // it found a place: the next will not
                () = tokio::time::sleep(Duration::from_secs(5)) => {}
            }
        }
    })
    .await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let body: Value =
        serde_json::from_slice(&refused.bytes().await.expect("a body")).expect("JSON");
    let message = "Too many requests that take long wait already; try again later.";
    assert_eq!(body, json!({"error_code": 503, "message": message}));
    assert_eq!(within_time(api.get("/schemas/ids/1")).await.status, 200);
    let short = within_time(api.post("/subjects/t/versions", &avro("\"long\""))).await;
    assert_eq!(short.status, 200);
    // 64 of a client may wait; another client is another matter
    let address: std::net::IpAddr = "127.0.0.2".parse().expect("an address");
    let client = reqwest::Client::builder().local_address(address).build().expect("a client");
    let request = client.post(format!("{}{PATH}", api.url)).header("content-type", REGISTRY_JSON);
    let asking = tokio::spawn(request.body(other.to_string()).send());
    until(&api, "weir_registry_lanes_waiting", |waiting| waiting > 64).await;
    asking.abort();
    long.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_body_of_millions_of_values_is_refused_before_they_are_made() {
    let (_weir, api) = registry(&[]).await;
    let body = format!(r#"{{"schema":"\"int\"","unknown":[{}0]}}"#, "0,".repeat(4_900_000));
    let answer = within_time(api.post_as("/subjects/s/versions", REGISTRY_JSON, body));
    assert_eq!(answer.await.json["error_code"], 42290);
}

#[tokio::test]
async fn a_large_schema_that_a_batch_names_many_times_is_answered_as_often_as_there_is_room() {
    let (_weir, api) = registry(&["--request-bytes-max", "4000000"]).await;
    let text = format!(r#"{{"type":"string","p":"{}"}}"#, "d".repeat(500_000));
    let association = json!({"associationType": "value", "schema": {"schema": text}});
    let topic = json!({
        "resourceName": "t", "resourceNamespace": "lkc", "resourceId": "id-t",
        "resourceType": "topic", "associations": [association],
    });
    let made = within_time(api.post("/associations", &topic)).await;
    assert_eq!(made.status, 200, "{}", made.text.chars().take(500).collect::<String>());
    let queries = vec![json!({"resourceId": "id-t"}); 1_000];
    let path = "/associations:batchGet?includeSchemas=true";
    let answer = beside_a_bystander(&api, api.post(path, &json!({"requests": queries}))).await;
    assert!(text_bytes(&answer) < 2 * 4_000_000, "{}", text_bytes(&answer));
    let results = answer.json["results"].as_array().expect("results");
    let refused = results.iter().filter(|one| one["error"]["error_code"] == 42290).count();
    assert_eq!((results.len(), refused), (1_000, 993));
}

#[tokio::test]
async fn what_is_said_of_a_text_that_is_no_schema_is_bounded() {
    let (_weir, api) = registry(&[]).await;
    let text = format!(r#"{{"type":"record","name":"R","doc":"{}"}}"#, "d".repeat(5_000_000));
    let answer = register(&api, &avro(&text)).await;
    assert_eq!(answer.json["error_code"], 42201);
    assert!(text_bytes(&answer) < 100_000, "{}", text_bytes(&answer));
}
