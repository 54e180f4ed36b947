//! Certificates as logins: who shows one that the authority has signed is who it names.

use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use reqwest::{Identity, Method};
use serde_json::{Value, json};
use weir_serde::RegistryClient;
use weir_serde::api::Subject;
use weir_tests::{Api, kafka, unique};

use super::house::*;
use super::reload::until;
use crate::process::Weir;
use crate::python::PYTHON;

/// What `CN=alice,O=Example` is called.
const NAMES: &str = "RULE:^CN=([a-z]+),O=Example$/$1/";

/// An authority, and the files of what it has signed.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Authority {
        let (mut params, key) = (CertificateParams::new([]).unwrap(), KeyPair::generate().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let pem = params.self_signed(&key).unwrap().pem();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), &pem).unwrap();
        Authority { issuer: Issuer::new(params, key), pem, folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_string()
    }

    /// Writes `NAME.pem` and `NAME.key` for `CN=NAME,O=Example`, and returns both texts.
    fn sign(&self, name: &str) -> String {
        let key = KeyPair::generate().unwrap();
        let hosts = ["127.0.0.1".to_string(), "localhost".to_string()];
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Example");
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        std::fs::write(self.file(&format!("{name}.pem")), &pem).unwrap();
        std::fs::write(self.file(&format!("{name}.key")), key.serialize_pem()).unwrap();
        format!("{pem}{}", key.serialize_pem())
    }

    /// Settings of listeners that speak https and ask for certificates.
    fn settings(&self, client_auth: &'static str) -> Vec<String> {
        let own = |text: &str| text.to_string();
        vec![
            own("--tls-cert"),
            self.file("server.pem"),
            own("--tls-key"),
            self.file("server.key"),
            own("--tls-client-ca"),
            self.file("ca.pem"),
            own("--tls-client-auth"),
            own(client_auth),
            own("--access-certificate-names"),
            own(NAMES),
        ]
    }

    /// A client that trusts the authority, and shows a certificate if it has one.
    fn client(&self, pem: Option<&str>) -> reqwest::Client {
        let ca = reqwest::Certificate::from_pem(self.pem.as_bytes()).unwrap();
        let mut client = reqwest::Client::builder().add_root_certificate(ca);
        if let Some(pem) = pem {
            client = client.identity(Identity::from_pem(pem.as_bytes()).unwrap());
        }
        client.build().unwrap()
    }
}

fn texts(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

async fn status(client: &reqwest::Client, api: &Api, subject: &str) -> Option<u16> {
    let request = client.request(Method::POST, format!("{}/subjects/{subject}/versions", api.url));
    let answer = request.body(schema("Order").to_string()).send().await.ok()?;
    Some(answer.status().as_u16())
}

#[tokio::test]
async fn a_certificate_says_who_it_is_and_a_header_wins_over_it() {
    weir_tests::crypto();
    let (house, authority) = (House::new(RULES), Authority::new());
    let [alice, carol, stranger] = ["alice", "carol", "Eve-1"].map(|name| authority.sign(name));
    authority.sign("server");
    let (_weir, api) = house.registry(&texts(&authority.settings("optional")));
    let of = |pem: &str| authority.client(Some(pem));
    assert_eq!(status(&of(&alice), &api, "orders-value").await, Some(200));
    assert_eq!(status(&of(&alice), &api, "payments-value").await, Some(403));
    assert_eq!(status(&of(&carol), &api, "payments-value").await, Some(200));
    // no rule names it
    assert_eq!(status(&of(&stranger), &api, "orders-value").await, Some(401));
    // another authority's is none
    let foreign = Authority::new().sign("alice");
    assert_ne!(status(&of(&foreign), &api, "orders-value").await, Some(200));
    // who has none logs in otherwise
    let plain = authority.client(None);
    assert_eq!(status(&plain, &api, "orders-value").await, Some(401));
    let login = |client: &reqwest::Client| {
        let request = client.get(format!("{}/subjects", api.url));
        request.basic_auth("carol", Some(PASSWORD)).send()
    };
    for client in [&plain, &of(&alice)] {
        let seen = login(client).await.unwrap().text().await.unwrap();
        let seen: Value = serde_json::from_str(&seen).unwrap();
        assert_eq!(seen, json!(["payments-value"]));
    }
    let line = house.audited().into_iter().find(|line| line["proof"] == "certificate").unwrap();
    assert_eq!(line["principal"], "alice");
}

#[tokio::test]
async fn clients_that_others_made_show_their_certificates() {
    weir_tests::crypto();
    let (house, authority) = (House::new(RULES), Authority::new());
    let alice = authority.sign("alice");
    authority.sign("server");
    let (_weir, api) = house.registry(&texts(&authority.settings("required")));
    let (ca, cert, key) =
        (authority.file("ca.pem"), authority.file("alice.pem"), authority.file("alice.key"));
    let settings =
        json!({"ssl.ca.location": ca, "ssl.certificate.location": cert, "ssl.key.location": key});
    let (url, input) = (api.url.clone(), format!("{}\n", json!([settings, null])));
    let python = move || PYTHON.run("logins.py", &[&url], &input);
    tokio::task::spawn_blocking(python).await.unwrap();

    let url = format!("{}/v1/access/check?action=write&resource=subject:orders", api.url);
    let output = Command::new("curl")
        .args(["-s", "--cacert", &ca, "--cert", &cert, "--key", &key, &url])
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["principal"], &said["allowed"]), (&json!("alice"), &json!(true)));

    let ours = RegistryClient::builder(&api.url).ca_pem(authority.pem.clone());
    let ours = ours.identity_pem(alice).build().unwrap();
    ours.versions(&Subject::new("orders-value").unwrap()).await.unwrap_or_default();
    // without one there is no connection
    assert_eq!(status(&authority.client(None), &api, "orders-value").await, None);
}

#[tokio::test]
async fn nodes_and_the_proxy_show_the_certificate_of_their_listener() {
    weir_tests::crypto();
    let Some(kafka) = kafka() else { return };
    let (house, authority, topic) = (House::new(RULES), Authority::new(), unique("_schemas"));
    let alice = authority.client(Some(&authority.sign("alice")));
    let admin = house.admin();
    authority.sign("server");
    let mut settings = authority.settings("required");
    settings.extend(house.settings());
    let node = || {
        let fixed = [
            ["--bootstrap-servers", &kafka.bootstrap_servers],
            ["--schemas-topic", &topic],
            ["--registry-group", &topic],
            ["--registry-listener", "127.0.0.1:0"],
            ["--proxy-listener", "127.0.0.1:0"],
            ["--schema-registry-ca", &authority.file("ca.pem")],
        ];
        let serve = ["serve", "--store", "kafka"];
        let mut weir = Weir::start(&[&serve, fixed.as_flattened(), &texts(&settings)].concat());
        let registry = weir.api("registry on");
        let proxy = weir.api("REST proxy on");
        (weir, registry, proxy)
    };
    let writable = async |api: &Api| {
        let asked = admin.on(alice.get(format!("{}/v1/cluster", api.url))).send().await;
        let Ok(answer) = asked else { return false };
        let status = answer.text().await.unwrap_or_default();
        let status: Value = serde_json::from_str(&status).unwrap_or_default();
        status["writable"] == json!(true)
    };
    let (mut first, one, _) = node();
    until(async || writable(&one).await).await;
    let (_second, other, proxy) = node();
    until(async || writable(&other).await).await;
    // forwarded by the one that does not lead
    assert_eq!(status(&alice, &other, "orders-value").await, Some(200));
    // the proxy asks its own registry
    let orders = unique("orders");
    kafka.create_topic(&orders, 1).await;
    let body = json!({"value_schema": r#"{"type":"record","name":"Order","fields":[]}"#, "records": [{"value": {}}]});
    let request = alice.post(format!("{}/topics/{orders}", proxy.url)).body(body.to_string());
    let request = request.header("content-type", "application/vnd.kafka.avro.v2+json");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    // who is left takes over
    first.kill();
    until(async || status(&alice, &other, "orders-more").await == Some(200)).await;
}
