//! `POST /topics/{topic}`, JSON Schema and Protobuf

use serde_json::{Value, json};
use weir_serde::{
    JsonDeserializer, JsonSerializer, Part, ProtobufDeserializer, ProtobufSerializer,
};
use weir_tests::TestBroker;

use super::fixtures::*;

on_both_brokers! {
    json_that_is_valid_by_its_schema_is_stored_behind_its_id
    json_that_is_not_valid_says_where_and_nothing_is_sent
    a_protobuf_message_is_made_of_json_and_read_as_such
    json_that_is_no_such_message_says_why_and_nothing_is_sent
    a_record_of_another_language_is_unreadable
    native_clients_and_the_proxy_read_each_other
}

const JSONSCHEMA: &str = "application/vnd.kafka.jsonschema.v2+json";
const PROTOBUF: &str = "application/vnd.kafka.protobuf.v2+json";

const STOCK_JSON: &str = r#"{"type":"object","properties":{"symbol":{"type":"string"},"date":{"type":"string"},"price":{"type":"number","minimum":0}},"required":["symbol"],"additionalProperties":false}"#;

const STOCK_PROTO: &str = r#"syntax = "proto3";
package market;

message Stock {
  string symbol = 1;
  string date = 2;
  double price = 3;
  int64 traded_volume = 4;
  optional bool delisted = 5;
  Kind kind = 6;
  repeated Split splits = 7;
  map<string, bytes> marks = 8;
  oneof listed {
    string exchange = 9;
    uint32 desk = 10;
  }

  enum Kind {
    COMMON = 0;
    PREFERRED = 1;
  }
  message Split {
    int32 ratio = 1;
  }
}
message Other {
  string name = 1;
}
"#;

#[derive(Clone, PartialEq, prost::Message)]
struct Stock {
    #[prost(string, tag = "1")]
    symbol: String,
    #[prost(string, tag = "2")]
    date: String,
    #[prost(double, tag = "3")]
    price: f64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Other {
    #[prost(string, tag = "1")]
    name: String,
}

async fn json_that_is_valid_by_its_schema_is_stored_behind_its_id(broker: &TestBroker) {
    let topic = new_topic(broker, "stocks", 1).await;
    let proxy = broker.proxy().await;
    register(&proxy, "other", r#""string""#).await; // so that the id is not the first
    let body = json!({"key_schema": r#"{"type":"string"}"#, "value_schema": STOCK_JSON, "records": [
        {"key": "MSFT", "value": stocks()[0]}, {"key": "", "value": null}, {"value": stocks()[2]}]});
    let answer = produce(&proxy, &topic, JSONSCHEMA, &body).await;
    assert_eq!(sent(&answer), [(0, 0), (0, 1), (0, 2)]);
    let (key_id, value_id) = (&answer.json["key_schema_id"], &answer.json["value_schema_id"]);
    let latest = format!("/subjects/{topic}-value/versions/latest");
    let registered = proxy.registry.get(&latest).await.json;
    assert_eq!((&registered["id"], &registered["schemaType"]), (value_id, &json!("JSON")));
    let found = native_read(broker, &topic).await;
    let framed = |id: &Value, json: &str| {
        let id = u32::try_from(id.as_u64().unwrap()).unwrap();
        Some([&[0], &id.to_be_bytes()[..], json.as_bytes()].concat())
    };
    assert_eq!(found[0].key, framed(key_id, r#""MSFT""#));
    assert_eq!(found[1].key, framed(key_id, r#""""#));
    let stored = r#"{"date":"Jan 1 2000","price":39.81,"symbol":"MSFT"}"#;
    assert_eq!((&found[0].value, &found[1].value), (&framed(value_id, stored), &None));
    let read = Consumer::of(&proxy, &topic, "jsonschema").await.take(3).await;
    assert_eq!((&read[0]["key"], &read[0]["value"]), (&json!("MSFT"), &stocks()[0]));
    assert_eq!((&read[1]["key"], &read[1]["value"]), (&json!(""), &Value::Null));
    assert_eq!((&read[2]["key"], &read[2]["value"]), (&Value::Null, &stocks()[2]));
    // once it is registered, its id is enough
    let body = json!({"value_schema_id": value_id, "records": [{"value": stocks()[1]}]});
    assert_eq!(sent(&produce(&proxy, &topic, JSONSCHEMA, &body).await), [(0, 3)]);
}

async fn json_that_is_not_valid_says_where_and_nothing_is_sent(broker: &TestBroker) {
    let topic = new_topic(broker, "stocks", 1).await;
    let proxy = broker.proxy().await;
    let wrong = json!({"symbol": "MSFT", "price": -1});
    let body =
        json!({"value_schema": STOCK_JSON, "records": [{"value": stocks()[0]}, {"value": wrong}]});
    let answer = produce(&proxy, &topic, JSONSCHEMA, &body).await;
    refused(&answer, 400, 400);
    let message = answer.json["message"].as_str().unwrap();
    assert!(
        message.starts_with("Bad Request: records[1].value: the value is not valid: /price: "),
        "{message}"
    );
    let body = json!({"records": [{"value": stocks()[0]}]});
    refused(&produce(&proxy, &topic, JSONSCHEMA, &body).await, 422, 42202);
    let body = json!({"value_schema": r#"{"type": 5}"#, "records": [{"value": 1}]});
    refused(&produce(&proxy, &topic, JSONSCHEMA, &body).await, 422, 42207);
    // nothing but this is there
    let body = json!({"value_schema": STOCK_JSON, "records": [{"value": stocks()[0]}]});
    assert_eq!(sent(&produce(&proxy, &topic, JSONSCHEMA, &body).await), [(0, 0)]);
}

async fn a_protobuf_message_is_made_of_json_and_read_as_such(broker: &TestBroker) {
    let topic = new_topic(broker, "stocks", 1).await;
    let proxy = broker.proxy().await;
    let full = json!({"symbol": "MSFT", "date": "Jan 1 2000", "price": 39.81,
        "tradedVolume": "9007199254740993", "delisted": false, "kind": "PREFERRED",
        "splits": [{"ratio": 2}], "marks": {"a": "/w=="}, "desk": 7});
    let by_names = json!({"symbol": "AMZN", "traded_volume": 5, "kind": 1});
    let body = json!({"value_schema": STOCK_PROTO, "records": [
        {"value": full}, {"value": by_names}, {"value": {}}, {"value": null}]});
    let answer = produce(&proxy, &topic, PROTOBUF, &body).await;
    assert_eq!(sent(&answer).len(), 4);
    let found = native_read(broker, &topic).await;
    let payload = found[0].value.as_ref().unwrap();
    assert_eq!(payload[5..8], [0, 0x0a, 4], "the first message, its first field");
    assert_eq!(found[2].value.as_ref().unwrap()[5..], [0], "a message of nothing is not null");
    assert_eq!(found[3].value, None);
    let read = Consumer::of(&proxy, &topic, "protobuf").await.take(4).await;
    assert_eq!(read[0]["value"], full);
    let defaults = json!({"symbol": "AMZN", "date": "", "price": 0.0, "tradedVolume": "5",
        "kind": "PREFERRED", "splits": [], "marks": {}});
    assert_eq!(
        read[1]["value"], defaults,
        "what has a default is there, what may be absent is not"
    );
    assert_eq!(read[3]["value"], Value::Null);
}

async fn json_that_is_no_such_message_says_why_and_nothing_is_sent(broker: &TestBroker) {
    let topic = new_topic(broker, "stocks", 1).await;
    let proxy = broker.proxy().await;
    for (value, said) in [
        (json!({"name": "x"}), "name"),
        (json!({"symbol": 5}), "string"),
        (json!({"kind": "RARE"}), "RARE"),
        (json!([]), "map"),
        (json!({"exchange": "N", "desk": 1}), "oneof"),
    ] {
        let body = json!({"value_schema": STOCK_PROTO,
            "records": [{"value": {"symbol": "MSFT"}}, {"value": value}]});
        let answer = produce(&proxy, &topic, PROTOBUF, &body).await;
        refused(&answer, 400, 400);
        let message = answer.json["message"].as_str().unwrap();
        assert!(message.starts_with("Bad Request: records[1].value: "), "{message}");
        assert!(message.contains(said), "{message}");
    }
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let body = format!(
        r#"{{"value_schema":{},"records":[{{"value":{{"symbol":{deep}}}}}]}}"#,
        Value::from(STOCK_PROTO)
    );
    let answer = proxy.api.post_as(&format!("/topics/{topic}"), PROTOBUF, body).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    let body = json!({"value_schema": "message {", "records": [{"value": {}}]});
    refused(&produce(&proxy, &topic, PROTOBUF, &body).await, 422, 42205);
    let body = json!({"value_schema": r#"syntax = "proto3";"#, "records": [{"value": {}}]});
    refused(&produce(&proxy, &topic, PROTOBUF, &body).await, 422, 42207);
    let body = json!({"value_schema": STOCK_PROTO, "records": [{"value": {}}]});
    assert_eq!(sent(&produce(&proxy, &topic, PROTOBUF, &body).await), [(0, 0)]);
}

async fn a_record_of_another_language_is_unreadable(broker: &TestBroker) {
    let topic = new_topic(broker, "stocks", 1).await;
    let proxy = broker.proxy().await;
    let body = json!({"value_schema": STOCK_JSON, "records": [{"value": stocks()[0]}]});
    sent(&produce(&proxy, &topic, JSONSCHEMA, &body).await);
    let latest = format!("/subjects/{topic}-value/versions/latest");
    let id = proxy.registry.get(&latest).await.json["id"].clone();
    for (format, said) in
        [("avro", "is JSON and not AVRO"), ("protobuf", "is JSON and not PROTOBUF")]
    {
        let consumer = Consumer::of(&proxy, &topic, format).await;
        let taken = consumer.take(1).await;
        let message = taken[0]["error"]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
    let body = json!({"value_schema_id": id, "records": [{"value": {}}]});
    refused(&produce(&proxy, &topic, PROTOBUF, &body).await, 422, 42207);
}

async fn native_clients_and_the_proxy_read_each_other(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let client = weir_serde::RegistryClient::new(&proxy.registry.url).unwrap();
    let topic = new_topic(broker, "natives", 1).await;
    let stock = Stock { symbol: "MSFT".into(), date: "Jan 1 2000".into(), price: 39.81 };
    let writer =
        ProtobufSerializer::<Stock>::new(client.clone(), STOCK_PROTO, "market.Stock").unwrap();
    let first = writer.serialize(&topic, Part::Value, &stock).await.unwrap();
    let writer =
        ProtobufSerializer::<Other>::new(client.clone(), STOCK_PROTO, "market.Other").unwrap();
    let second =
        writer.serialize(&topic, Part::Value, &Other { name: "second".into() }).await.unwrap();
    native_write(broker, &topic, &[(None, Some(&first)), (None, Some(&second))]).await;
    let read = Consumer::of(&proxy, &topic, "protobuf").await.take(2).await;
    assert_eq!(read[0]["value"]["price"], json!(39.81));
    assert_eq!(read[1]["value"], json!({"name": "second"}), "another message of the schema");
    let body = json!({"value_schema": STOCK_PROTO, "records": [{"value": {
        "symbol": "MSFT", "date": "Jan 1 2000", "price": 39.81}}]});
    sent(&produce(&proxy, &topic, PROTOBUF, &body).await);
    let found = native_read(broker, &topic).await;
    let reader = ProtobufDeserializer::<Stock>::new(client.clone(), "market.Stock");
    let payload = found[2].value.as_ref().unwrap();
    assert_eq!(reader.deserialize(payload).await.unwrap(), stock);

    let topic = new_topic(broker, "natives", 1).await;
    let writer = JsonSerializer::<Value>::new(client.clone(), STOCK_JSON).unwrap();
    let written = writer.serialize(&topic, Part::Value, &stocks()[0]).await.unwrap();
    native_write(broker, &topic, &[(None, Some(&written))]).await;
    let read = Consumer::of(&proxy, &topic, "jsonschema").await.take(1).await;
    assert_eq!(read[0]["value"], stocks()[0]);
    let body = json!({"value_schema": STOCK_JSON, "records": [{"value": stocks()[1]}]});
    sent(&produce(&proxy, &topic, JSONSCHEMA, &body).await);
    let found = native_read(broker, &topic).await;
    let reader = JsonDeserializer::<Value>::new(client);
    let payload = found[1].value.as_ref().unwrap();
    assert_eq!(reader.deserialize(payload).await.unwrap(), stocks()[1]);
}
