//! Certificates of listeners: replaced while they are served, broken, out of time.

use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;
use weir_tests::Api;

use super::registry;
use super::wire::metric;
use crate::process::Weir;

/// Where a certificate and its key are.
pub struct Files(TempDir);

impl Files {
    pub fn new() -> Files {
        Files(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a certificate for `localhost` that is valid until this year, and returns it.
    pub fn write(&self, until: i32) -> String {
        let mut params = CertificateParams::new(["localhost".to_string()]).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        // one after the other, each at once: who reads in between finds two that do not belong together
        for (name, text) in [("key.pem", key.serialize_pem()), ("cert.pem", certificate.clone())] {
            std::fs::write(self.path("new"), text).unwrap();
            std::fs::rename(self.path("new"), self.path(name)).unwrap();
        }
        certificate
    }

    fn served(&self) -> (Weir, String) {
        let [cert, key] = ["cert.pem", "key.pem"].map(|name| self.path(name));
        let flags = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
        let (weir, api) = registry(&flags);
        (weir, api.url.replace("127.0.0.1", "localhost"))
    }

    fn expiry(&self) -> String {
        let file = self.path("cert.pem");
        format!("weir_certificate_expiry_seconds{{file=\"{}\"}}", file.display())
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_after_sighup_and_no_connection_is_dropped() {
    let files = Files::new();
    let first = files.write(2100);
    let (mut weir, url) = files.served();
    // this one keeps its connection
    let old = Api::trusting(url.clone(), &first);
    assert_eq!(old.get("/subjects").await.status, 200);
    let asking = {
        let old = old.clone();
        tokio::spawn(async move {
            for _ in 0..500 {
                assert_eq!(old.get("/subjects").await.status, 200);
            }
        })
    };
    let second = files.write(2101);
    weir.signal("HUP");
    weir.line("was read");
    let new = Api::trusting(url.clone(), &second);
    assert_eq!(new.get("/subjects").await.status, 200);
    asking.await.unwrap();
    assert_eq!(old.get("/subjects").await.status, 200);
    let fresh = Api::trusting(url.clone(), &first);
    assert!(fresh.request(reqwest::Method::GET, "/subjects").send().await.is_err());

    std::fs::write(files.path("cert.pem"), "no certificate").unwrap();
    weir.signal("HUP");
    let said = weir.line("cannot use");
    assert!(said.contains("cert.pem"), "{said}");
    assert_eq!(Api::trusting(url, &second).get("/subjects").await.status, 200);
}

/// The proxy asks the registry of its process, whichever certificate that shows.
#[tokio::test]
async fn the_proxy_trusts_the_registry_of_its_process_after_a_new_certificate_as_before() {
    let files = Files::new();
    files.write(2100);
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| files.path(name));
    let mut weir = Weir::spawn(&mut Weir::serve_command(&[
        "--bootstrap-servers",
        "127.0.0.1:1",
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ]));
    weir.api("registry on");
    let url = weir.api("REST proxy on").url.replace("127.0.0.1", "localhost");
    for until in [2101, 2102] {
        let certificate = files.write(until);
        weir.signal("HUP");
        weir.line("was read");
        let proxy = Api::trusting(url.clone(), &certificate);
        let body = r#"{"value_schema_id": 7, "records": [{"value": 1}]}"#;
        let produced =
            proxy.post_as("/topics/t", "application/vnd.kafka.avro.v2+json", body.into());
        // the registry was asked, and has no such schema
        let answer = produced.await;
        assert!(answer.text.contains("Schema 7 not found"), "{}", answer.text);
        let metrics = proxy.get("/metrics").await.text;
        assert_eq!(metrics.matches("weir_certificate_expiry_seconds{").count(), 1, "{metrics}");
    }
}

/// Whoever replaces the files need not tell.
#[tokio::test]
async fn a_new_certificate_is_seen_without_a_signal() {
    let files = Files::new();
    files.write(2100);
    let (mut weir, url) = files.served();
    let second = files.write(2101);
    weir.line("was read");
    // of a key and a certificate that were read between two writes, nothing was taken
    assert_eq!(Api::trusting(url, &second).get("/subjects").await.status, 200);
}

#[tokio::test]
async fn a_certificate_out_of_time_is_said_at_the_start_and_among_the_metrics() {
    let files = Files::new();
    let _expired = files.write(2001);
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| files.path(name));
    let mut weir = Weir::start(&[
        "serve",
        "--roles",
        "registry",
        "--store",
        "memory",
        "--registry-listener",
        "127.0.0.1:0",
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ]);
    let said = weir.line("has expired");
    assert!(said.contains("cert.pem"), "{said}");
    let url = weir.api("registry on").url.replace("127.0.0.1", "localhost");
    // a valid one in its place, or no client would speak to it
    let valid = files.write(2100);
    weir.signal("HUP");
    weir.line("was read");
    let left = metric(&Api::trusting(url, &valid), &files.expiry()).await;
    assert!(left > 365 * 24 * 60 * 60, "{left}");
}
