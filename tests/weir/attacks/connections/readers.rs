//! Clients that ask for much and do not read it.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use weir_tests::Api;

use super::wire::{Raw, metric, until_metric};
use super::{NEVER, registry};

const CLOSED: &str = "weir_connections_closed_total{reason=\"slow_reader\"}";

/// A schema of 4 MB, and its path.
pub async fn long_schema(api: &Api) -> String {
    let doc = "long ".repeat(800_000);
    let schema = json!({"type": "record", "name": "Long", "doc": doc, "fields": []}).to_string();
    let answer = api.post("/subjects/long/versions", &json!({"schema": schema})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    format!("/schemas/ids/{}", answer.json["id"])
}

/// More than a socket's buffers hold.
fn requests(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").repeat(12)
}

/// A connection that has asked for it and reads nothing.
pub fn reader(api: &Api, path: &str) -> Raw {
    let mut raw = Raw::connect(api);
    raw.send_or_closed(&requests(path));
    raw
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_off() {
    let (_weir, api) = registry(&["--answer-stall-timeout-ms", "2000"]);
    let path = long_schema(&api).await;
    for end in ["", "/schema"] {
        let before = metric(&api, CLOSED).await;
        let mut reader = reader(&api, &format!("{path}{end}"));
        until_metric(&api, CLOSED, before + 1).await;
        reader.until_closed();
    }
}

#[tokio::test]
async fn a_client_that_is_behind_for_long_is_cut_off() {
    let flags = ["--answer-stall-timeout-ms", NEVER, "--answer-timeout-ms", "3000"];
    let (_weir, api) = registry(&flags);
    let path = long_schema(&api).await;
    let mut reader = reader(&api, &path);
    until_metric(&api, CLOSED, 1).await;
    reader.until_closed();
}

/// What TLS keeps in its own buffers is not what a client has read.
#[tokio::test]
async fn a_client_that_reads_nothing_of_https_is_cut_off() {
    weir_tests::crypto();
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let (_weir, api) = registry(&[&["--answer-stall-timeout-ms", "2000"][..], &tls].concat());
    let trusting = Api::trusting(api.url.replace("127.0.0.1", "localhost"), &made.cert.pem());
    let path = long_schema(&trusting).await;

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(made.cert.der().to_vec())).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(api.url.trim_start_matches("https://")).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    stream.write_all(requests(&path).as_bytes()).await.unwrap();
    until_metric(&trusting, CLOSED, 1).await;
}

/// Answers that are as long as the ones that are not shared, byte by byte.
#[tokio::test]
async fn a_long_text_is_answered_as_a_short_one() {
    let (_weir, api) = registry(&[]);
    let path = long_schema(&api).await;
    let by_id = api.get(&path).await;
    assert_eq!(by_id.headers["content-length"], by_id.text.len().to_string());
    let text = by_id.json["schema"].as_str().unwrap().to_string();
    assert!(text.len() > 4_000_000);
    assert_eq!(api.get(&format!("{path}/schema")).await.text, text);
    let versions = "/subjects/long/versions/1";
    assert_eq!(api.get(versions).await.json["schema"], *text);
    assert_eq!(api.get(&format!("{versions}/schema")).await.text, text);
    assert_eq!(api.get("/schemas").await.json[0]["schema"], *text);
    let gzip = api.request(reqwest::Method::GET, &path).header("accept-encoding", "gzip");
    assert_eq!(api.send(gzip).await.headers["content-encoding"], "gzip");
}
