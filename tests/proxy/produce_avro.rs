//! `POST /topics/{topic}`, Avro

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};
use weir_tests::{Answer, ProxyUnderTest, TestBroker, embedded_broker, serve};

use super::fixtures::*;

on_both_brokers! {
    an_inline_schema_is_registered_and_its_id_leads_the_payload
    keys_have_a_schema_of_their_own
    a_schema_may_be_named_by_its_id
    an_inline_schema_that_is_registered_keeps_its_id
    nullable_unions_are_in_the_json_encoding_of_avro
    numbers_are_exact
    bytes_and_fixed_are_latin_1
    every_kind_of_schema_is_read_back
    null_and_empty_are_kept_apart
    what_does_not_fit_says_where_and_nothing_is_sent
}

/// An Avro string, or bytes: what it begins with and what it is.
fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len() * 2).unwrap();
    assert!(length < 128, "longer texts take two bytes for their length");
    [&[length], text.as_bytes()].concat()
}

/// A payload: the magic byte, the id, the data.
fn payload(id: i64, data: &[&[u8]]) -> Vec<u8> {
    [&[0], &u32::try_from(id).unwrap().to_be_bytes()[..], &data.concat()].concat()
}

fn stock_data(symbol: &str, date: &str, price: f64) -> Vec<u8> {
    [text(symbol), text(date), price.to_le_bytes().to_vec()].concat()
}

async fn an_inline_schema_is_registered_and_its_id_leads_the_payload(broker: &TestBroker) {
    let topic = new_topic(broker, "stocks", 1).await;
    let proxy = broker.proxy().await;
    register(&proxy, "other", r#""string""#).await; // so that the id is not the first
    let mut body = records(&stocks());
    body["value_schema"] = json!(STOCK);
    let answer = produce(&proxy, &topic, AVRO, &body).await;
    assert_eq!(sent(&answer), [(0, 0), (0, 1), (0, 2)]);
    let latest = format!("/subjects/{topic}-value/versions/latest");
    let registered = proxy.registry.get(&latest).await.json;
    let id = registered["id"].as_i64().unwrap();
    assert_eq!(
        (&answer.json["value_schema_id"], &answer.json["key_schema_id"]),
        (&json!(id), &Value::Null)
    );
    assert_eq!(registered["schema"], json!(STOCK));
    let found = native_read(broker, &topic).await;
    let expected = payload(id, &[&stock_data("MSFT", "Jan 1 2000", 39.81)]);
    assert_eq!((&found[0].key, found[0].value.as_ref()), (&None, Some(&expected)));
    let read = Consumer::of(&proxy, &topic, "avro").await.take(3).await;
    assert_eq!(read[2], record(&topic, 0, 2, &stocks()[2]));
}

async fn keys_have_a_schema_of_their_own(broker: &TestBroker) {
    let topic = new_topic(broker, "stocks", 1).await;
    let proxy = broker.proxy().await;
    let body = json!({"key_schema": r#""string""#, "value_schema": STOCK,
        "records": [{"key": "MSFT", "value": stocks()[0]}, {"key": "", "value": stocks()[1]}]});
    let answer = produce(&proxy, &topic, AVRO, &body).await;
    sent(&answer);
    let key_id = answer.json["key_schema_id"].as_i64().unwrap();
    assert_ne!(answer.json["value_schema_id"].as_i64().unwrap(), key_id);
    proxy
        .registry
        .get("/subjects")
        .await
        .is(json!([format!("{topic}-key"), format!("{topic}-value")]));
    let found = native_read(broker, &topic).await;
    assert_eq!(found[0].key, Some(payload(key_id, &[&text("MSFT")])));
    assert_eq!(found[1].key, Some(payload(key_id, &[&text("")])));
    let read = Consumer::of(&proxy, &topic, "avro").await.take_data(2).await;
    assert_eq!(read, [(json!("MSFT"), stocks()[0].clone()), (json!(""), stocks()[1].clone())]);
}

async fn a_schema_may_be_named_by_its_id(broker: &TestBroker) {
    let topic = new_topic(broker, "stocks", 1).await;
    let proxy = broker.proxy().await;
    let key_id = register(&proxy, &format!("{topic}-key"), r#""string""#).await;
    let id = register(&proxy, &format!("{topic}-value"), STOCK).await;
    let body = json!({"key_schema_id": key_id, "value_schema_id": id,
        "records": [{"key": "MSFT", "value": stocks()[0]}]});
    for offset in [0, 1] {
        let answer = produce(&proxy, &topic, AVRO, &body).await;
        answer.is(json!({"key_schema_id": key_id, "value_schema_id": id, "offsets":
            [{"partition": 0, "offset": offset, "error_code": null, "error": null}]}));
    }
    let found = native_read(broker, &topic).await;
    assert_eq!((&found[0].key, &found[0].value), (&found[1].key, &found[1].value));
    assert_eq!(found[0].value, Some(payload(id, &[&stock_data("MSFT", "Jan 1 2000", 39.81)])));
}

async fn an_inline_schema_that_is_registered_keeps_its_id(broker: &TestBroker) {
    let topic = new_topic(broker, "stocks", 1).await;
    let proxy = broker.proxy().await;
    let id = register(&proxy, &format!("{topic}-value"), STOCK).await;
    let newer =
        STOCK.replace("]}", r#",{"name":"volume","type":["null","long"],"default":null}]}"#);
    let newer_id = register(&proxy, &format!("{topic}-value"), &newer).await;
    let mut body = records(&stocks());
    body["value_schema"] = json!(STOCK);
    let answer = produce(&proxy, &topic, AVRO, &body).await;
    sent(&answer);
    assert_eq!(answer.json["value_schema_id"], json!(id));
    body = json!({"value_schema": newer, "records": [{"value":
        {"symbol": "IBM", "date": "Jan 1 2000", "price": 100.52, "volume": {"long": 1200}}}]});
    let answer = produce(&proxy, &topic, AVRO, &body).await;
    assert_eq!(answer.json["value_schema_id"], json!(newer_id));
    // each is read as it was written
    let read = Consumer::of(&proxy, &topic, "avro").await.take_data(4).await;
    assert_eq!(read[0].1, stocks()[0]);
    assert_eq!(read[3].1, body["records"][0]["value"]);
}

async fn nullable_unions_are_in_the_json_encoding_of_avro(broker: &TestBroker) {
    let topic = new_topic(broker, "movies", 1).await;
    let proxy = broker.proxy().await;
    let movies = [
        json!({"Title": {"string": "The Land Girls"}, "US_Gross": {"long": 146083}, "IMDB_Rating": {"double": 6.1}}),
        json!({"Title": {"string": ""}, "US_Gross": {"long": 0}, "IMDB_Rating": {"double": 0.0}}),
        json!({"Title": null, "US_Gross": null, "IMDB_Rating": null}),
    ];
    let mut body = records(&movies);
    body["value_schema"] = json!(MOVIE);
    let answer = produce(&proxy, &topic, AVRO, &body).await;
    sent(&answer);
    let id = answer.json["value_schema_id"].as_i64().unwrap();
    let found = native_read(broker, &topic).await;
    // 146083 in zigzag: 292166 = 0x11 0x6a 0x46 in groups of 7 bits, the lowest first
    let first: [&[u8]; 5] =
        [&[2], &text("The Land Girls"), &[2, 0xc6, 0xea, 0x11], &[2], &6.1f64.to_le_bytes()];
    assert_eq!(found[0].value, Some(payload(id, &first)));
    assert_eq!(found[1].value, Some(payload(id, &[&[2, 0, 2, 0, 2], &[0; 8]])));
    assert_eq!(found[2].value, Some(payload(id, &[&[0, 0, 0]])));
    let read = Consumer::of(&proxy, &topic, "avro").await.take_data(3).await;
    assert_eq!(read.into_iter().map(|(_, value)| value).collect::<Vec<_>>(), movies);
}

async fn numbers_are_exact(broker: &TestBroker) {
    let topic = new_topic(broker, "prices", 1).await;
    let proxy = broker.proxy().await;
    let schema = r#"{"type":"record","name":"Price","fields":[{"name":"cents","type":"long"},{"name":"price","type":"double"}]}"#;
    let numbers: [(i64, f64); 6] = [
        (9_007_199_254_740_993, 0.1),
        (i64::MAX, 1e300),
        (i64::MIN, -0.0),
        (-9_007_199_254_740_993, 0.0),
        (0, 5e-324),
        (-1, f64::MAX),
    ];
    let of = |(cents, price): &(i64, f64)| {
        format!(r#"{{"value":{{"cents":{cents},"price":{price:?}}}}}"#)
    };
    let body = format!(
        r#"{{"value_schema":{},"records":[{}]}}"#,
        json!(schema),
        numbers.iter().map(of).collect::<Vec<_>>().join(",")
    );
    sent(&proxy.api.post_as(&format!("/topics/{topic}"), AVRO, body).await);
    for (record, (_, price)) in native_read(broker, &topic).await.iter().zip(numbers) {
        assert!(record.value.as_ref().unwrap().ends_with(&price.to_le_bytes()), "{price}");
    }
    for (record, (cents, price)) in
        Consumer::of(&proxy, &topic, "avro").await.take_data(6).await.iter().zip(numbers)
    {
        assert_eq!(record.1["cents"].as_i64(), Some(cents));
        assert_eq!(record.1["price"].as_f64().unwrap().to_bits(), price.to_bits(), "{price}");
    }
}

async fn bytes_and_fixed_are_latin_1(broker: &TestBroker) {
    let topic = new_topic(broker, "posters", 1).await;
    let proxy = broker.proxy().await;
    let schema = r#"{"type":"record","name":"Poster","fields":[{"name":"title","type":"string"},{"name":"image","type":"bytes"},{"name":"checksum","type":{"type":"fixed","name":"Sum","size":2}}]}"#;
    let poster =
        json!({"title": "Amélie 🎬", "image": "\u{0}\u{7f}\u{80}\u{ff}", "checksum": "\u{fe}\""});
    let mut body = records(std::slice::from_ref(&poster));
    body["value_schema"] = json!(schema);
    let answer = produce(&proxy, &topic, AVRO, &body).await;
    sent(&answer);
    let id = answer.json["value_schema_id"].as_i64().unwrap();
    let data: [&[u8]; 3] = [&text("Amélie 🎬"), &[8, 0, 0x7f, 0x80, 0xff], &[0xfe, 0x22]];
    assert_eq!(native_read(broker, &topic).await[0].value, Some(payload(id, &data)));
    let read = Consumer::of(&proxy, &topic, "avro").await.take_data(1).await;
    assert_eq!(read[0].1, poster);
    // a character that is no byte
    body["records"][0]["value"]["image"] = json!("\u{100}");
    let answer = produce(&proxy, &topic, AVRO, &body).await;
    refused(&answer, 400, 400);
    assert!(answer.json["message"].as_str().unwrap().contains("records[0].value.image"));
}

async fn every_kind_of_schema_is_read_back(broker: &TestBroker) {
    let topic = new_topic(broker, "trips", 1).await;
    let proxy = broker.proxy().await;
    let schema = json!({"type": "record", "name": "Trip", "namespace": "airline", "fields": [
        {"name": "legs", "type": {"type": "array", "items": {"type": "record", "name": "Leg", "fields": [
            {"name": "origin", "type": "string"}, {"name": "distance", "type": "int"}]}}},
        {"name": "delays", "type": {"type": "map", "values": "int"}},
        {"name": "cabin", "type": {"type": "enum", "name": "Cabin", "symbols": ["ECONOMY", "FIRST"]}},
        {"name": "paid", "type": "boolean"},
        {"name": "load", "type": "float"},
        {"name": "nothing", "type": "null"},
        {"name": "last", "type": ["null", "Leg", "string", {"type": "array", "items": "int"}]},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    ]});
    let trip = |last: Value| {
        json!({"legs": [{"origin": "SAT", "distance": 192}, {"origin": "PHX", "distance": -1}],
            "delays": {"SAT": 25, "": 0}, "cabin": "FIRST", "paid": false, "load": 0.5, "nothing": null,
            "last": last, "day": 11332})
    };
    let trips = [
        trip(json!({"airline.Leg": {"origin": "OAK", "distance": 361}})),
        trip(json!({"string": "HOU"})),
        trip(json!({"array": [1, 2]})),
        trip(json!(null)),
        json!({"legs": [], "delays": {}, "cabin": "ECONOMY", "paid": true, "load": 0.0, "nothing": null,
            "last": {"array": []}, "day": 0}),
    ];
    let mut body = records(&trips);
    body["value_schema"] = json!(schema.to_string());
    sent(&produce(&proxy, &topic, AVRO, &body).await);
    let read = Consumer::of(&proxy, &topic, "avro").await.take_data(trips.len()).await;
    assert_eq!(read.into_iter().map(|(_, value)| value).collect::<Vec<_>>(), trips);
}

async fn null_and_empty_are_kept_apart(broker: &TestBroker) {
    let topic = new_topic(broker, "tickers", 1).await;
    let proxy = broker.proxy().await;
    let body = json!({"key_schema": r#""string""#, "value_schema": r#""string""#, "records": [
        {"key": "MSFT", "value": null}, {"key": "", "value": ""}, {"key": null, "value": "AMZN"}, {},
    ]});
    let answer = produce(&proxy, &topic, AVRO, &body).await;
    sent(&answer);
    let id = answer.json["value_schema_id"].as_i64().unwrap();
    let found = native_read(broker, &topic).await;
    assert_eq!(found[0].value, None);
    assert_eq!(found[1].value, Some(payload(id, &[&[0]])));
    assert_eq!(found[2].key, None);
    assert_eq!((&found[3].key, &found[3].value), (&None, &None));
    let read = Consumer::of(&proxy, &topic, "avro").await.take_data(4).await;
    let expected = [("MSFT", None), ("", Some(""))].map(|(k, v)| (json!(k), json!(v)));
    assert_eq!(read[..2], expected);
    assert_eq!(read[2..], [(json!(null), json!("AMZN")), (json!(null), json!(null))]);
    // what is null throughout needs no schema
    let body = json!({"records": [{"key": null, "value": null}]});
    sent(&produce(&proxy, &topic, AVRO, &body).await);
}

async fn what_does_not_fit_says_where_and_nothing_is_sent(broker: &TestBroker) {
    let topic = new_topic(broker, "movies", 1).await;
    let proxy = broker.proxy().await;
    let schema = r#"{"type":"record","name":"Movie","fields":[{"name":"Title","type":"string"},{"name":"IMDB_Votes","type":"int"},{"name":"US_Gross","type":["null","long"]},{"name":"Ratings","type":{"type":"array","items":"double"}},{"name":"MPAA_Rating","type":{"type":"enum","name":"Mpaa","symbols":["G","R"]}},{"name":"Cast","type":{"type":"map","values":"string"}}]}"#;
    let good = json!({"Title": "The Land Girls", "IMDB_Votes": 1071, "US_Gross": {"long": 146083},
        "Ratings": [6.1, 5.9], "MPAA_Rating": "R", "Cast": {"Stella": "Catherine McCormack"}});
    for (field, wrong, place) in [
        ("Title", json!(7), "Title"),
        ("Title", json!(null), "Title"),
        ("IMDB_Votes", json!(2_147_483_648_i64), "IMDB_Votes"),
        ("IMDB_Votes", json!(10.5), "IMDB_Votes"),
        ("IMDB_Votes", json!("1071"), "IMDB_Votes"),
        ("US_Gross", json!(146083), "US_Gross"),
        ("US_Gross", json!({"int": 146083}), "US_Gross"),
        ("US_Gross", json!({"long": "146083"}), "US_Gross"),
        ("US_Gross", json!({"long": 1, "null": null}), "US_Gross"),
        ("Ratings", json!([6.1, "good"]), "Ratings[1]"),
        ("Ratings", json!({"IMDB": 6.1}), "Ratings"),
        ("MPAA_Rating", json!("PG"), "MPAA_Rating"),
        ("Cast", json!({"Stella": 7}), "Cast"),
    ] {
        let mut bad = good.clone();
        bad[field] = wrong;
        let mut body = records(&[good.clone(), bad]);
        body["value_schema"] = json!(schema);
        let answer = produce(&proxy, &topic, AVRO, &body).await;
        refused(&answer, 400, 400);
        let message = answer.json["message"].as_str().unwrap();
        let place = format!("Bad Request: records[1].value.{place}");
        assert!(message.starts_with(&place), "{place}: {message}");
    }
    let mut bad = good.clone();
    bad.as_object_mut().unwrap().remove("IMDB_Votes");
    for (bad, what) in [(bad, "IMDB_Votes"), (json!("The Land Girls"), "records[0].value")] {
        let mut body = records(&[bad, good.clone()]);
        body["value_schema"] = json!(schema);
        let answer = produce(&proxy, &topic, AVRO, &body).await;
        refused(&answer, 400, 400);
        let message = answer.json["message"].as_str().unwrap();
        assert!(message.contains("records[0].value") && message.contains(what), "{message}");
    }
    let body = json!({"key_schema": r#""int""#, "records": [{"key": 1}, {"key": "one"}]});
    let answer = produce(&proxy, &topic, AVRO, &body).await;
    assert!(answer.json["message"].as_str().unwrap().contains("records[1].key"), "{}", answer.text);
    assert_eq!(native_read(broker, &topic).await, []);
}

// What the registry refuses is refused before Kafka is asked.

async fn stocks_with(proxy: &ProxyUnderTest, name: &str, schema: Value) -> Answer {
    let mut body = records(&stocks());
    body[name] = schema;
    produce(proxy, "stocks", AVRO, &body).await
}

#[tokio::test]
async fn values_without_a_schema_are_42202() {
    let broker = embedded_broker();
    let topic = new_topic(&broker, "stocks", 1).await;
    let proxy = broker.proxy().await;
    let message = "Request includes values but does not include value schema";
    let answer = produce(&proxy, &topic, AVRO, &records(&stocks())).await;
    answer.is_error(422, 42202, message);
    let body = json!({"key_schema": r#""string""#, "records": [{"key": "MSFT"}, {"value": false}]});
    produce(&proxy, &topic, AVRO, &body).await.is_error(422, 42202, message);
    assert_eq!(native_read(&broker, &topic).await, []);
    proxy.registry.get("/subjects").await.is(json!([]));
}

#[tokio::test]
async fn keys_without_a_schema_are_42201() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let body = json!({"value_schema": STOCK, "records": [{"key": "MSFT", "value": stocks()[0]}]});
    let answer = produce(&proxy, "stocks", AVRO, &body).await;
    answer.is_error(422, 42201, "Request includes keys but does not include key schema");
}

#[tokio::test]
async fn an_id_of_another_subject_is_42207() {
    let broker = embedded_broker();
    broker.create_topic("stocks", 1).await;
    let proxy = broker.proxy().await;
    let id = register(&proxy, "flights-value", STOCK).await;
    let key_id = register(&proxy, "stocks-key", r#""string""#).await;
    for id in [id, key_id] {
        let answer = stocks_with(&proxy, "value_schema_id", json!(id)).await;
        let message = format!(
            "Error serializing message. Schema {id} is not a schema of subject stocks-value"
        );
        answer.is_error(422, 42207, &message);
    }
    // it may be registered there later
    let id = register(&proxy, "stocks-value", STOCK).await;
    sent(&stocks_with(&proxy, "value_schema_id", json!(id)).await);
}

#[tokio::test]
async fn an_unknown_id_is_42207() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    for id in [7, -1, 0] {
        let answer = stocks_with(&proxy, "value_schema_id", json!(id)).await;
        refused(&answer, 422, 42207);
        let message = answer.json["message"].as_str().unwrap();
        assert!(message.starts_with("Error serializing message. Schema "), "{message}");
        assert!(message.ends_with("not found; error code: 40403"), "{message}");
    }
    refused(&stocks_with(&proxy, "value_schema_id", json!("seven")).await, 400, 400);
}

#[tokio::test]
async fn an_inline_schema_that_is_none_is_42205() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    for schema in [r#"{"type":"stock"}"#, "stock", "", r#"{"type":"record","name":"Stock"}"#] {
        let answer = stocks_with(&proxy, "value_schema", json!(schema)).await;
        answer.is_error(422, 42205, &format!("Invalid schema: {schema}"));
    }
    proxy.registry.get("/subjects").await.is(json!([]));
}

#[tokio::test]
async fn an_incompatible_inline_schema_is_42207() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    register(&proxy, "stocks-value", r#""string""#).await;
    let answer = stocks_with(&proxy, "value_schema", json!(STOCK)).await;
    refused(&answer, 422, 42207);
    let message = answer.json["message"].as_str().unwrap();
    assert!(message.starts_with("Error serializing message. "), "{message}");
    assert!(message.contains("incompatible"), "{message}");
    proxy.registry.get("/subjects/stocks-value/versions").await.is(json!([1]));
}

#[tokio::test]
async fn a_schema_and_an_id_exclude_each_other() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    for part in ["key", "value"] {
        let mut body = records(&stocks());
        body[format!("{part}_schema")] = json!(STOCK);
        body[format!("{part}_schema_id")] = json!(1);
        let answer = produce(&proxy, "stocks", AVRO, &body).await;
        let message = format!("Bad Request: {part}_schema and {part}_schema_id exclude each other");
        answer.is_error(400, 400, &message);
    }
}

#[tokio::test]
async fn a_registry_that_forbids_is_40301() {
    let forbids = || async {
        (StatusCode::FORBIDDEN, r#"{"error_code":40301,"message":"User may not write to subject"}"#)
    };
    let registry = serve(axum::Router::new().fallback(forbids)).await;
    let broker = embedded_broker();
    let proxy = proxy_at(&broker.bootstrap_servers, &format!("http://{registry}")).await;
    for (name, schema) in [("value_schema", json!(STOCK)), ("value_schema_id", json!(1))] {
        let answer = stocks_with(&proxy, name, schema).await;
        answer.is_error(403, 40301, "User may not write to subject");
    }
}

#[tokio::test]
async fn a_registry_that_cannot_be_reached_is_42207_soon() {
    let broker = embedded_broker();
    let proxy = proxy_at(&broker.bootstrap_servers, "http://127.0.0.1:1").await;
    let begun = Instant::now();
    let answer = stocks_with(&proxy, "value_schema", json!(STOCK)).await;
    refused(&answer, 422, 42207);
    let message = answer.json["message"].as_str().unwrap();
    assert!(
        message.starts_with("Error serializing message. the schema registry cannot be reached"),
        "{message}"
    );
    assert!(begun.elapsed() < Duration::from_secs(6));
    // other formats do without
    let topic = new_topic(&broker, "stocks", 1).await;
    sent(&produce(&proxy, &topic, JSON, &records(&stocks())).await);
}
