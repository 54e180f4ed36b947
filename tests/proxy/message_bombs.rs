//! Messages that lie about themselves (H6): lengths and counts that there are not, nesting without end, ids of what the
//! record is not. Each is an entry with an error and its own bytes, and what comes after it is read.

use serde_json::{Value, json};
use weir_tests::{ProxyUnderTest, TestBroker};

use crate::fixtures::*;
use crate::v3::Site;

on_both_brokers! {
    avro_that_lies_is_an_entry_with_its_bytes
    protobuf_that_lies_is_an_entry_with_its_bytes
    json_that_nests_without_end_is_an_entry_with_its_bytes
    an_id_of_another_schema_is_an_entry_with_its_bytes
}

/// Levels of nesting beyond what anybody reads; each takes a byte or two.
const LEVELS: usize = 100_000;

const AVRO: &str = r#"{"type":"record","name":"Lies","fields":[
    {"name":"text","type":"string"},
    {"name":"numbers","type":{"type":"array","items":"int"}},
    {"name":"nothings","type":{"type":"array","items":"null"}},
    {"name":"names","type":{"type":"map","values":"null"}}]}"#;

const AVRO_CHAIN: &str =
    r#"{"type":"record","name":"Link","fields":[{"name":"next","type":["null","Link"]}]}"#;

const PROTOBUF: &str = r#"syntax = "proto3";
message Link { string name = 1; repeated int32 numbers = 2; Link next = 3; }"#;

async fn registered(proxy: &ProxyUnderTest, language: &str, schema: &str) -> u32 {
    let subject = weir_tests::unique("lies");
    let body = json!({"schema": schema, "schemaType": language});
    let answer = proxy.registry.post(&format!("/subjects/{subject}/versions"), &body).await;
    u32::try_from(answer.json["id"].as_u64().unwrap()).unwrap()
}

/// A record of a schema, which begins with its id.
fn framed(id: u32, data: &[u8]) -> Vec<u8> {
    [&[0], &id.to_be_bytes()[..], data].concat()
}

/// A number as Protobuf has it.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A number as Avro has it.
fn zigzag(number: i64) -> Vec<u8> {
    varint((number << 1 ^ number >> 63) as u64)
}

/// Reads the values in a format: each but the last is an entry with an error and its bytes, and the last is read.
async fn each_is_an_entry(broker: &TestBroker, site: &Site, format: &str, values: &[Vec<u8>]) {
    let topic = new_topic(broker, "lies", 1).await;
    let written: Vec<_> = values.iter().map(|value| (None, Some(value.as_slice()))).collect();
    native_write(broker, &topic, &written).await;
    let mut path = site.path(&format!(
        "/topics/{topic}/partitions/0/records?format={format}&wait_ms=10000&max_bytes=60000000"
    ));
    let mut entries: Vec<Value> = Vec::new();
    while entries.len() < values.len() {
        let answer = site.api.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        entries.extend(answer.json["data"].as_array().unwrap().iter().cloned());
        let next = answer.json["metadata"]["next"].as_str().unwrap();
        path = next.strip_prefix(&site.api.url).unwrap().to_string();
    }
    let (last, lies) = entries.split_last().unwrap();
    for (number, (entry, value)) in lies.iter().zip(values).enumerate() {
        let shown = entry["error"].to_string();
        assert_eq!(entry["error"]["error_code"], 40801, "{format} {number}: {shown}");
        assert_eq!(entry["value"]["type"], "BINARY", "{format} {number}: {shown}");
        assert!(decoded(&entry["value"]["data"]).unwrap() == *value, "{format} {number}");
    }
    assert_eq!(last["error"], Value::Null, "{last}");
}

async fn avro_that_lies_is_an_entry_with_its_bytes(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let id = registered(&site.proxy, "AVRO", AVRO).await;
    let text = zigzag(0); // an empty string
    let none = zigzag(0); // an array or a map without items
    let lie = |parts: &[&[u8]]| framed(id, &parts.concat());
    let mut values = Vec::new();
    for many in [1, 1 << 20, i64::from(i32::MAX), 1 << 31, 1 << 40, 1 << 62, i64::MAX] {
        // a string, and a block of numbers, of nothings and of names, of which there are fewer than they say
        values.push(lie(&[&zigzag(many)]));
        values.push(lie(&[&text, &zigzag(many)]));
        values.push(lie(&[&text, &none, &zigzag(many.max(1 << 13)), &none, &none]));
        values.push(lie(&[&text, &none, &none, &zigzag(many)]));
        // a block that says its size too, and lies about one or the other
        values.push(lie(&[&text, &zigzag(-many), &zigzag(many), &zigzag(1)]));
        values.push(lie(&[&text, &zigzag(-many), &zigzag(0)]));
        values.push(lie(&[&text, &none, &zigzag(-many.max(1 << 13)), &zigzag(0), &none, &none]));
    }
    // negative lengths, the smallest count, a number without an end, an end too soon
    values.push(lie(&[&zigzag(-1)]));
    values.push(lie(&[&text, &zigzag(i64::MIN), &zigzag(0)]));
    values.push(lie(&[&[0xff; 11]]));
    values.push(lie(&[&[0xff]]));
    values.push(lie(&[]));
    // blocks of nothings, each of which is small
    let blocks = zigzag(1000).repeat(10_000);
    values.push(lie(&[&text, &none, &blocks, &none, &none]));
    values.push(lie(&[&text, &none, &none, &none]));
    each_is_an_entry(broker, &site, "avro", &values).await;
    let chain = registered(&site.proxy, "AVRO", AVRO_CHAIN).await;
    let link = zigzag(1);
    let endless = framed(chain, &link.repeat(LEVELS));
    let deep = framed(chain, &[link.repeat(LEVELS), zigzag(0)].concat());
    each_is_an_entry(broker, &site, "avro", &[endless, deep, framed(chain, &zigzag(0))]).await;
}

async fn protobuf_that_lies_is_an_entry_with_its_bytes(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let id = registered(&site.proxy, "PROTOBUF", PROTOBUF).await;
    let first = [0]; // the first message
    let lie = |parts: &[&[u8]]| framed(id, &parts.concat());
    let mut values = Vec::new();
    for many in [1 << 20, (1 << 31) - 1, 1 << 31, 1 << 40, i64::MAX as u64, u64::MAX] {
        // a string, numbers, a message
        for tag in [0x0a, 0x12, 0x1a] {
            values.push(lie(&[&first, &[tag], &varint(many)]));
        }
        // indexes of a message: their count, and which
        values.push(lie(&[&varint(many)]));
        values.push(lie(&[&zigzag(1), &varint(many)]));
    }
    values.push(lie(&[&first, &[0xff; 11]]));
    values.push(lie(&[&first, &[0x0a]]));
    values.push(lie(&[]));
    // wire types that there are not, groups that begin and never end, or end and never began
    values.push(lie(&[&first, &[0x0f]]));
    values.push(lie(&[&first, &[0x23].repeat(LEVELS)]));
    values.push(lie(&[&first, &[0x24]]));
    // messages in messages: a thousand, as each level says its length
    let mut nested = Vec::new();
    for _ in 0..1000 {
        nested = [vec![0x1a], varint(nested.len() as u64), nested].concat();
    }
    values.push(lie(&[&first, &nested]));
    values.push(lie(&[&first]));
    each_is_an_entry(broker, &site, "protobuf", &values).await;
}

async fn json_that_nests_without_end_is_an_entry_with_its_bytes(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let id = registered(&site.proxy, "JSON", "{}").await;
    let deep = ["[".repeat(LEVELS), "]".repeat(LEVELS)].concat();
    let objects = [r#"{"a":"#.repeat(LEVELS), "1".to_string(), "}".repeat(LEVELS)].concat();
    let lies = ["[".repeat(LEVELS), deep, objects, "\"\\ud800".to_string(), "1e".to_string()];
    let mut plain: Vec<Vec<u8>> = lies.iter().map(|lie| lie.as_bytes().to_vec()).collect();
    let mut of_schema: Vec<Vec<u8>> = lies.iter().map(|lie| framed(id, lie.as_bytes())).collect();
    plain.push(b"{}".to_vec());
    of_schema.push(framed(id, b"{}"));
    each_is_an_entry(broker, &site, "json", &plain).await;
    each_is_an_entry(broker, &site, "jsonschema", &of_schema).await;
}

/// An id that there is not, and ids of schemas in other languages.
async fn an_id_of_another_schema_is_an_entry_with_its_bytes(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let avro = registered(&site.proxy, "AVRO", AVRO_CHAIN).await;
    let protobuf = registered(&site.proxy, "PROTOBUF", PROTOBUF).await;
    let json = registered(&site.proxy, "JSON", "{}").await;
    let unknown = [framed(99, &[0]), framed(u32::MAX, &[0]), framed(0, &[0])];
    for (format, others, own) in [
        ("avro", [protobuf, json], framed(avro, &zigzag(0))),
        ("protobuf", [avro, json], framed(protobuf, &[0])),
        ("jsonschema", [avro, protobuf], framed(json, b"{}")),
    ] {
        let others = others.map(|id| framed(id, &[0]));
        let values = [&unknown[..], &others[..], &[own]].concat();
        each_is_an_entry(broker, &site, format, &values).await;
    }
}
