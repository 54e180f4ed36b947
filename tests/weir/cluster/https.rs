//! Nodes that speak HTTPS with each other.

use std::path::Path;
use std::time::Instant;

use rcgen::{CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;
use weir_faults::PATIENCE;
use weir_tests::{Api, TestBroker, kafka, unique};

use super::nodes::*;
use crate::process::Weir;

/// A node that speaks HTTPS with a certificate of its own.
fn secure_node(
    kafka: &TestBroker,
    topic: &str,
    folder: &Path,
    (certificate, key): &(String, String),
    more: &[&str],
) -> Weir {
    let file = |name: &str, text: &str| {
        let path = folder.join(unique(name));
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    };
    let (certificate, key) = (file("certificate", certificate), file("key", key));
    let fixed = [
        ["--bootstrap-servers", &kafka.bootstrap_servers],
        ["--schemas-topic", topic],
        ["--registry-group", topic],
        ["--registry-listener", "127.0.0.1:0"],
        ["--tls-cert", &certificate],
        ["--tls-key", &key],
    ];
    let serve = ["serve", "--roles", "registry", "--store", "kafka"];
    Weir::start(&[&serve, fixed.as_flattened(), more].concat())
}

/// Through either of two nodes, of which one leads, what the other was told can be read.
async fn each_forwards_to_the_other(mut nodes: [Weir; 2], ca_pem: &str) {
    let apis = nodes.each_mut().map(|node| {
        let url = node.api("registry on").url;
        assert!(url.starts_with("https://"), "{url}");
        Api::trusting(url, ca_pem)
    });
    for api in &apis {
        let begun = Instant::now();
        while api.get("/v1/cluster").await.json["writable"] != json!(true) {
            assert!(begun.elapsed() < PATIENCE, "{:#?}", api.get("/v1/cluster").await);
        }
    }
    for (n, (api, other)) in apis.iter().zip(apis.iter().rev()).enumerate() {
        let answer = api.post(&format!("/subjects/s{n}/versions"), &schema("Secure")).await;
        assert_eq!(id(&answer), 1);
        other.get(&format!("/subjects/s{n}/versions")).await.is(json!([1]));
    }
}

#[tokio::test]
async fn nodes_speak_https_with_each_other() {
    let Some(kafka) = kafka() else { return };
    let folder = tempfile::tempdir().unwrap();
    let names = || vec!["127.0.0.1".to_string()];
    // both have the same certificate, which they trust
    let (topic, key) = (unique("_schemas"), KeyPair::generate().unwrap());
    let own = CertificateParams::new(names()).unwrap().self_signed(&key).unwrap().pem();
    let shared = (own, key.serialize_pem());
    let start = || secure_node(&kafka, &topic, folder.path(), &shared, &[]);
    each_forwards_to_the_other([start(), start()], &shared.0).await;

    // each has its own, of an authority that both trust
    let topic = unique("_schemas");
    let (mut params, key) = (CertificateParams::new([]).unwrap(), KeyPair::generate().unwrap());
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_pem = params.self_signed(&key).unwrap().pem();
    let authority = Issuer::new(params, key);
    let ca_path = folder.path().join("ca.pem");
    std::fs::write(&ca_path, &ca_pem).unwrap();
    let start = || {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(names()).unwrap().signed_by(&key, &authority).unwrap();
        let flags = ["--schema-registry-ca", ca_path.to_str().unwrap()];
        secure_node(&kafka, &topic, folder.path(), &(leaf.pem(), key.serialize_pem()), &flags)
    };
    each_forwards_to_the_other([start(), start()], &ca_pem).await;
}
