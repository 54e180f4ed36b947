//! Our client for Rust, and what it and Confluent's for Python and node make of each other: every format,
//! the id before the payload and in a header.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use weir_serde::blocking::Wait;
use weir_serde::{
    AvroDeserializer, AvroSerializer, ClientError, JsonDeserializer, JsonSerializer, Part,
    ProtobufDeserializer, ProtobufSerializer, RegistryClient, SchemaHeader,
};
use weir_tests::unique;

use crate::node::NODE;
use crate::process::Weir;
use crate::python::PYTHON;
use crate::scripts::Client;

const AVRO: &str = include_str!("../schemas/air/delay.avsc");
const JSON: &str = include_str!("../schemas/air/delay.schema.json");
const PROTOBUF: &str = include_str!("../schemas/air/delay.proto");

/// Records that each client writes: each format, with the id in both places.
const RECORDS: usize = 8;

/// For the Avro schema `"bytes"`, whose data has no length before it: this would be read as one of 3.
const RAW: &[u8] = b"\x06abc and more\xff";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Delay {
    flight: String,
    minutes: i32,
    note: String,
}

#[derive(PartialEq, prost::Message)]
struct DelayMessage {
    #[prost(string, tag = "1")]
    flight: String,
    #[prost(int32, tag = "2")]
    minutes: i32,
    #[prost(string, tag = "3")]
    note: String,
}

fn delay() -> Delay {
    Delay { flight: "WN1".into(), minutes: 14, note: "fog".into() }
}

fn message() -> DelayMessage {
    DelayMessage { flight: "WN1".into(), minutes: 14, note: "fog".into() }
}

/// What a client has written, a record a line.
#[derive(Serialize, Deserialize)]
struct Record {
    format: String,
    topic: String,
    value: String,
    headers: std::collections::HashMap<String, String>,
}

fn read(url: &str, written: &str) -> usize {
    let client = RegistryClient::new(url).unwrap();
    for line in written.lines() {
        let record: Record = serde_json::from_str(line).unwrap();
        let value = BASE64.decode(&record.value).unwrap();
        let header = record.headers.get(Part::Value.schema_header());
        let header = header.map(|header| BASE64.decode(header).unwrap());
        let header = header.as_deref();
        match record.format.as_str() {
            "avro" => {
                let reader = AvroDeserializer::<Delay>::new(client.clone());
                let read = reader.deserialize_with_header(header, &value).wait();
                assert_eq!(read.unwrap(), delay(), "{line}");
            }
            "bytes" => {
                let reader = AvroDeserializer::<Vec<u8>>::new(client.clone());
                let read = reader.deserialize_with_header(header, &value).wait();
                assert_eq!(read.unwrap(), RAW, "{line}");
                assert!(value.ends_with(RAW), "{line}");
                assert_eq!(value.len() - RAW.len(), if header.is_some() { 0 } else { 5 });
            }
            "json" => {
                let reader = JsonDeserializer::<Delay>::new(client.clone());
                let read = reader.deserialize_with_header(header, &value).wait();
                assert_eq!(read.unwrap(), delay(), "{line}");
            }
            _ => {
                let reader = ProtobufDeserializer::<DelayMessage>::new(client.clone(), "air.Delay");
                let read = reader.deserialize_with_header(header, &value).wait();
                assert_eq!(read.unwrap(), message(), "{line}");
            }
        }
    }
    written.lines().count()
}

type Written = Result<(SchemaHeader, Vec<u8>), ClientError>;

fn line(format: &str, topic: &str, prefixed: Vec<u8>, headed: Written) -> String {
    let (header, bare) = headed.unwrap();
    let record = |value: &[u8], headers: Value| json!({"format": format, "topic": topic, "value": BASE64.encode(value), "headers": headers});
    let headers = json!({header.name: BASE64.encode(&header.value)});
    format!("{}\n{}\n", record(&prefixed, json!({})), record(&bare, headers))
}

fn write(url: &str) -> String {
    let client = RegistryClient::new(url).unwrap();
    let part = Part::Value;
    let (avro, json, protobuf) = (unique("avro"), unique("json"), unique("protobuf"));
    let writer = AvroSerializer::<Delay>::new(client.clone(), AVRO).unwrap();
    let mut lines = line(
        "avro",
        &avro,
        writer.serialize(&avro, part, &delay()).wait().unwrap(),
        writer.serialize_with_header(&avro, part, &delay()).wait(),
    );
    let bytes = unique("bytes");
    let writer = AvroSerializer::<Vec<u8>>::derived(client.clone()).unwrap();
    lines += &line(
        "bytes",
        &bytes,
        writer.serialize(&bytes, part, &RAW.to_vec()).wait().unwrap(),
        writer.serialize_with_header(&bytes, part, &RAW.to_vec()).wait(),
    );
    let writer = JsonSerializer::<Delay>::new(client.clone(), JSON).unwrap();
    lines += &line(
        "json",
        &json,
        writer.serialize(&json, part, &delay()).wait().unwrap(),
        writer.serialize_with_header(&json, part, &delay()).wait(),
    );
    let writer = ProtobufSerializer::<DelayMessage>::new(client, PROTOBUF, "air.Delay").unwrap();
    lines += &line(
        "protobuf",
        &protobuf,
        writer.serialize(&protobuf, part, &message()).wait().unwrap(),
        writer.serialize_with_header(&protobuf, part, &message()).wait(),
    );
    lines
}

fn reads_what_it_writes(client: &Client, script: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (_weir, api) = Weir::registry(folder.path());
    let Some(written) = client.run(script, &["write", &api.url], "") else { return };
    let written = String::from_utf8(written.stdout).unwrap();
    assert_eq!(read(&api.url, &written), RECORDS);
}

fn writes_what_it_reads(client: &Client, script: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (_weir, api) = Weir::registry(folder.path());
    let Some(read) = client.run(script, &["read", &api.url], &write(&api.url)) else { return };
    assert_eq!(String::from_utf8(read.stdout).unwrap().trim(), RECORDS.to_string());
}

#[test]
fn rust_reads_what_python_writes() {
    reads_what_it_writes(&PYTHON, "exchange.py");
}

#[test]
fn python_reads_what_rust_writes() {
    writes_what_it_reads(&PYTHON, "exchange.py");
}

#[test]
fn rust_reads_what_node_writes() {
    reads_what_it_writes(&NODE, "exchange.mjs");
}

#[test]
fn node_reads_what_rust_writes() {
    writes_what_it_reads(&NODE, "exchange.mjs");
}

#[test]
fn rust_reads_what_rust_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (_weir, api) = Weir::registry(folder.path());
    assert_eq!(read(&api.url, &write(&api.url)), RECORDS);
}
