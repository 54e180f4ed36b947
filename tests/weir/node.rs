//! Confluent's client for node, unchanged, and what it and the one for Python make of each other.

use crate::process::Weir;
use crate::python::PYTHON;
use crate::scripts::Client;

pub const NODE: Client = Client {
    variable: "WEIR_TEST_NODE",
    program: Some("node"),
    folder: concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/node"),
};

#[test]
fn its_registry_client_gets_what_it_expects() {
    NODE.check("registry.mjs", &[]);
}

#[test]
fn its_avro_serializers_are_served() {
    NODE.check("serde.mjs", &["avro"]);
}

#[test]
fn its_json_serializers_are_served() {
    NODE.check("serde.mjs", &["json"]);
}

#[test]
fn its_protobuf_serializers_are_served() {
    NODE.check("serde.mjs", &["protobuf"]);
}

#[test]
fn its_data_contracts_are_kept() {
    NODE.check("contracts.mjs", &[]);
}

#[test]
fn its_associations_are_kept() {
    NODE.check("associations.mjs", &[]);
}

/// What one client writes the other reads: every format, the id before the payload and in a header.
fn exchange(writer: (&Client, &str), reader: (&Client, &str)) {
    let folder = tempfile::tempdir().unwrap();
    let (_weir, api) = Weir::registry(folder.path());
    let Some(written) = writer.0.run(writer.1, &["write", &api.url], "") else { return };
    let records = String::from_utf8(written.stdout).unwrap();
    let Some(read) = reader.0.run(reader.1, &["read", &api.url], &records) else { return };
    assert_eq!(String::from_utf8(read.stdout).unwrap().trim(), "8", "{records}");
}

#[test]
fn node_reads_what_python_writes() {
    exchange((&PYTHON, "exchange.py"), (&NODE, "exchange.mjs"));
}

#[test]
fn python_reads_what_node_writes() {
    exchange((&NODE, "exchange.mjs"), (&PYTHON, "exchange.py"));
}
