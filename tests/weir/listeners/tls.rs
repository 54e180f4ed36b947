//! TLS: the versions that are spoken, certificates of clients, and the files that certificates are in.

use std::process::{Command, Output, Stdio};

use weir_tests::Api;

use super::authority::Authority;
use super::registry;
use crate::process::Weir;

/// A registry over https, with these flags more.
fn secure(authority: &Authority, flags: &[&str]) -> (Weir, String) {
    let [cert, key] = authority.sign("server", 1);
    let (weir, api) = registry(&[&["--tls-cert", &cert, "--tls-key", &key], flags].concat());
    (weir, localhost(&api))
}

fn localhost(api: &Api) -> String {
    api.url.replace("127.0.0.1", "localhost")
}

/// What openssl says to a listener.
fn s_client(url: &str, args: &[&str]) -> Output {
    let address = url.trim_start_matches("https://");
    let mut command = Command::new("openssl");
    // old versions and ciphers are openssl's to offer
    command.args(["s_client", "-connect", address, "-cipher", "ALL:@SECLEVEL=0"]).args(args);
    command.stdin(Stdio::null()).output().unwrap()
}

#[test]
fn tls_of_1_2_and_1_3_is_spoken_with_modern_ciphers_and_no_other() {
    let authority = Authority::new();
    let (_weir, url) = secure(&authority, &[]);
    for good in [
        &["-tls1_2"][..],
        &["-tls1_3"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"],
    ] {
        let said = s_client(&url, good);
        assert!(said.status.success(), "{good:?} {said:?}");
    }
    for bad in [
        &["-tls1"][..],
        &["-tls1_1"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "AES128-SHA:AES128-GCM-SHA256:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "aNULL:eNULL:@SECLEVEL=0"],
    ] {
        let said = s_client(&url, bad);
        assert!(!said.status.success(), "{bad:?} {said:?}");
    }
    let (_weir, url) = secure(&authority, &["--registry-tls-version", "1.3"]);
    assert!(!s_client(&url, &["-tls1_2"]).status.success());
    assert!(s_client(&url, &["-tls1_3"]).status.success());
}

/// Asks with curl; the status of an answer, or nothing.
fn curl(authority: &Authority, url: &str, client: Option<&[String; 2]>) -> Option<String> {
    let ca = authority.path("ca.pem");
    let mut command = Command::new("curl");
    command.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", &ca]);
    if let Some([cert, key]) = client {
        command.args(["--cert", cert, "--key", key]);
    }
    let asked = command.arg(format!("{url}/subjects")).output().unwrap();
    asked.status.success().then(|| String::from_utf8(asked.stdout).unwrap())
}

#[test]
fn a_client_shows_a_certificate_where_it_is_asked_for_one() {
    let (ours, others) = (Authority::new(), Authority::new());
    let client = ours.sign("client", 7);
    let foreign = others.sign("client", 7);
    let ca = ours.path("ca.pem");
    let answered = Some("200".to_string());
    for (mode, without) in [("required", None), ("optional", answered.clone())] {
        let flags = ["--tls-client-auth", mode, "--tls-client-ca", &ca];
        let (_weir, url) = secure(&ours, &flags);
        assert_eq!(curl(&ours, &url, Some(&client)), answered, "{mode}");
        assert_eq!(curl(&ours, &url, Some(&foreign)), None, "{mode}");
        assert_eq!(curl(&ours, &url, None), without, "{mode}");
    }
}

/// A trusting client with a certificate of its own, which keeps its connection.
fn client(ca_pem: &str, [cert, key]: &[String; 2]) -> reqwest::Client {
    weir_tests::crypto();
    let ca = reqwest::Certificate::from_pem(ca_pem.as_bytes()).unwrap();
    let pem = [cert, key].map(|file| std::fs::read(file).unwrap()).concat();
    let identity = reqwest::Identity::from_pem(&pem).unwrap();
    reqwest::Client::builder().tls_certs_only([ca]).identity(identity).build().unwrap()
}

async fn asks(client: &reqwest::Client, url: &str) -> bool {
    client.get(format!("{url}/subjects")).send().await.is_ok_and(|answer| answer.status() == 200)
}

#[tokio::test]
async fn a_certificate_that_is_revoked_ends_its_clients_connection_and_no_others() {
    let authority = Authority::new();
    let [good, bad] = [("good", 7), ("bad", 8)].map(|(name, serial)| authority.sign(name, serial));
    let (ca, crl) = (authority.path("ca.pem"), authority.revoke(&[]));
    let flags = ["--tls-client-auth", "required", "--tls-client-ca", &ca, "--tls-client-crl", &crl];
    let (mut weir, url) = secure(&authority, &flags);
    let [good, bad] = [client(&authority.pem, &good), client(&authority.pem, &bad)];
    assert!(asks(&good, &url).await && asks(&bad, &url).await);
    let asking = {
        let (good, url) = (good.clone(), url.clone());
        tokio::spawn(async move {
            for _ in 0..300 {
                assert!(asks(&good, &url).await);
            }
        })
    };
    authority.revoke(&[8]);
    weir.signal("HUP");
    weir.line("no longer trusted");
    while asks(&bad, &url).await {}
    asking.await.unwrap();
    assert!(asks(&good, &url).await);
    // what cannot be read changes nothing
    std::fs::write(authority.path("ca.pem"), "no certificate").unwrap();
    weir.signal("HUP");
    weir.line("cannot use the authorities of clients");
    assert!(asks(&good, &url).await);
    let metrics = good.get(format!("{url}/metrics")).send().await.unwrap().text().await.unwrap();
    let family = format!("weir_client_authority_expiry_seconds{{file=\"{ca}\"}}");
    assert!(metrics.contains(&family), "{metrics}");
}

/// Another authority in the same file.
#[tokio::test]
async fn authorities_of_clients_are_read_anew() {
    let (first, second) = (Authority::new(), Authority::new());
    let ca = first.path("ca.pem");
    let [old, new] = [first.sign("old", 7), second.sign("new", 8)];
    let (mut weir, url) =
        secure(&first, &["--tls-client-auth", "required", "--tls-client-ca", &ca]);
    assert!(asks(&client(&first.pem, &old), &url).await);
    std::fs::write(&ca, &second.pem).unwrap();
    weir.line("authorities of clients in");
    // who signed the server's certificate is as before
    assert!(asks(&client(&first.pem, &new), &url).await);
    assert!(!asks(&client(&first.pem, &old), &url).await);
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn certificates_and_authorities_may_be_in_pkcs12_behind_a_password() {
    let authority = Authority::new();
    let [cert, key] = authority.sign("server", 1);
    let client = authority.sign("client", 7);
    let (store, trust, ca) =
        (authority.path("server.p12"), authority.path("trust.p12"), authority.path("ca.pem"));
    let export = ["pkcs12", "-export", "-passout", "pass:hunter2", "-in", &cert, "-inkey", &key];
    run(Command::new("openssl").args(export).args(["-out", &store]));
    let import = ["-importcert", "-noprompt", "-alias", "ca", "-storetype", "PKCS12"];
    let import = [&import[..], &["-storepass", "hunter2", "-keystore", &trust]].concat();
    run(Command::new("keytool").args(import).args(["-file", &ca]));

    let flags = ["--tls-cert", &store, "--tls-client-auth", "required", "--tls-client-ca", &trust];
    let fixed = ["serve", "--roles", "registry", "--store", "memory"];
    let fixed = [&fixed[..], &["--registry-listener", "127.0.0.1:0"], &flags].concat();
    let served = |password: &str| {
        let mut command = Weir::command(&fixed);
        command.env("WEIR_TLS_KEY_PASSWORD", password);
        Weir::spawn(command.env("WEIR_TLS_CLIENT_CA_PASSWORD", "hunter2"))
    };
    let mut weir = served("hunter2");
    let url = localhost(&weir.api("registry on"));
    assert_eq!(curl(&authority, &url, Some(&client)), Some("200".to_string()));
    assert_eq!(curl(&authority, &url, None), None);
    let said = served("hunter3").line("cannot use");
    assert!(said.contains("its password is another") && !said.contains("hunter"), "{said}");

    // as Confluent's settings say it
    let mut weir = Weir::spawn(
        Weir::command(&["serve", "--roles", "registry", "--store", "memory"])
            .env("SCHEMA_REGISTRY_LISTENERS", "https://127.0.0.1:0")
            .env("SCHEMA_REGISTRY_SSL_KEYSTORE_LOCATION", &store)
            .env("SCHEMA_REGISTRY_SSL_KEYSTORE_TYPE", "PKCS12")
            .env("SCHEMA_REGISTRY_SSL_KEYSTORE_PASSWORD", "hunter2")
            .env("SCHEMA_REGISTRY_SSL_KEY_PASSWORD", "hunter2")
            .env("SCHEMA_REGISTRY_SSL_CLIENT_AUTHENTICATION", "REQUIRED")
            .env("SCHEMA_REGISTRY_SSL_TRUSTSTORE_LOCATION", &ca)
            .env("SCHEMA_REGISTRY_SSL_TRUSTSTORE_TYPE", "PEM"),
    );
    let url = localhost(&weir.api("registry on"));
    assert_eq!(curl(&authority, &url, Some(&client)), Some("200".to_string()));
    assert_eq!(curl(&authority, &url, None), None);
}

#[test]
fn a_java_key_store_is_read_with_its_password() {
    let authority = Authority::new();
    let store = authority.path("store.jks");
    let args = ["-genkeypair", "-alias", "a", "-keyalg", "EC", "-dname", "CN=a"];
    let of_store = ["-storetype", "JKS", "-storepass", "hunter2", "-keypass", "hunter2"];
    run(Command::new("keytool").args(args).args(of_store).args(["-keystore", &store]));
    let args = ["--roles", "registry", "--tls-cert", &store, "--tls-key", &store];
    let mut weir = Weir::spawn(&mut Weir::serve_command(&args));
    assert!(weir.line("cannot use").contains("its password is another"));
    let mut command = Weir::serve_command(&args);
    Weir::spawn(command.env("WEIR_TLS_KEY_PASSWORD", "hunter2")).line("registry on https://");
}

#[test]
fn a_listener_may_ask_for_certificates_where_its_neighbour_does_not() {
    let authority = Authority::new();
    let [cert, key] = authority.sign("server", 1);
    let client = authority.sign("client", 7);
    let ca = authority.path("ca.pem");
    let tls = format!("cert={cert}&key={key}");
    let listeners = format!(
        "https://127.0.0.1:0?{tls}&authentication=none,https://127.0.0.1:0?{tls}&client-auth=required&client-ca={ca}&hosts=localhost"
    );
    let fixed = ["serve", "--roles", "registry", "--store", "memory"];
    let mut weir = Weir::start(&[&fixed[..], &["--registry-listener", &listeners]].concat());
    let [open, closed] = [(); 2].map(|()| localhost(&weir.api("registry on")));
    let answered = Some("200".to_string());
    assert_eq!(curl(&authority, &open, None), answered);
    assert_eq!(curl(&authority, &closed, None), None);
    assert_eq!(curl(&authority, &closed, Some(&client)), answered);
}

#[test]
fn what_is_missing_of_tls_is_named() {
    let authority = Authority::new();
    let [cert, key] = authority.sign("server", 1);
    let tls = ["--tls-cert", &cert, "--tls-key", &key];
    for (flags, said) in [
        (&["--tls-client-auth", "required"][..], "say --tls-client-ca"),
        (
            &["--registry-listener", "https://127.0.0.1:0?client-auth=required"],
            "say --tls-client-ca",
        ),
        (&["--registry-listener", "https://127.0.0.1:0?clientauth=none"], "is client-auth meant?"),
        (
            &["--registry-listener", "https://127.0.0.1:0,http://127.0.0.1:0?client-auth=required"],
            "client-auth is for https listeners",
        ),
    ] {
        let fixed = ["serve", "--roles", "registry", "--store", "memory"];
        let mut weir = Weir::start(&[&fixed[..], &tls, flags].concat());
        let line = weir.line("client");
        assert!(line.contains(said), "{line}");
        assert!(!weir.wait().success());
    }
    // an http listener asks nobody for a certificate
    let required = ["--registry-tls-client-auth", "required", "--registry-listener", "127.0.0.1:0"];
    let fixed = ["serve", "--roles", "registry", "--store", "memory"];
    let mut weir = Weir::start(&[&fixed[..], &required].concat());
    weir.line("registry.tls_client_auth is for https listeners");
}
