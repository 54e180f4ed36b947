//! `weir serve`: what it refuses, HTTPS, SASL, the end.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use rcgen::CertifiedKey;
use serde_json::json;
use weir_serde::RegistryClient;
use weir_serde::api::{RegisterRequest, Subject};
use weir_tests::{Api, kafka, unique};

use crate::process::Weir;

fn refusal(args: &[&str]) -> String {
    let output = Weir::command(args).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let args =
        ["serve", "--roles", "registry", "--store", "memory", "--registry-listener", &address];
    let error = refusal(&args);
    assert!(
        error.starts_with(&format!("weir: cannot listen on {address}: Address already in use")),
        "{error}"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let folder = file.path().join("data");
    let folder = folder.to_str().unwrap();
    let args = [
        "serve",
        "--roles",
        "registry",
        "--registry-listener",
        "127.0.0.1:0",
        "--data-dir",
        folder,
    ];
    let error = refusal(&args);
    assert!(error.contains(folder) && error.contains("cannot make the folder"), "{error}");
}

#[test]
fn a_folder_that_is_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (_first, _) = Weir::registry(folder.path());
    let path = folder.path().to_str().unwrap();
    let args =
        ["serve", "--roles", "registry", "--registry-listener", "127.0.0.1:0", "--data-dir", path];
    let error = refusal(&args);
    assert!(error.contains("another process has it open"), "{error}");
}

#[test]
fn other_addresses_than_loopback_have_to_be_meant() {
    let args =
        ["serve", "--roles", "registry", "--store", "memory", "--registry-listener", "0.0.0.0:0"];
    let error = refusal(&args);
    assert!(error.contains("--insecure"), "{error}");
}

#[test]
fn a_setting_that_librdkafka_does_not_know_is_named() {
    let error = refusal(&[
        "serve",
        "--registry-listener",
        "127.0.0.1:0",
        "--proxy-listener",
        "127.0.0.1:0",
        "--store",
        "memory",
        "--bootstrap-servers",
        "127.0.0.1:1",
        "--kafka",
        "no.such.setting=1",
    ]);
    assert!(error.contains("no.such.setting"), "{error}");
}

#[tokio::test]
async fn https_is_spoken_and_the_client_trusts_its_own_ca() {
    let folder = tempfile::tempdir().unwrap();
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let (cert_path, key_path) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert_path, cert.pem()).unwrap();
    std::fs::write(&key_path, signing_key.serialize_pem()).unwrap();
    let mut weir = Weir::start(&[
        "serve",
        "--roles",
        "registry",
        "--store",
        "memory",
        "--registry-listener",
        "127.0.0.1:0",
        "--tls-cert",
        cert_path.to_str().unwrap(),
        "--tls-key",
        key_path.to_str().unwrap(),
    ]);
    let url = weir.api("registry on").url.replace("127.0.0.1", "localhost");
    assert!(url.starts_with("https://"));

    let client = RegistryClient::builder(&url).ca_pem(cert.pem()).build().unwrap();
    let subject = Subject::new("flights-value").unwrap();
    let request = RegisterRequest { schema: Some("\"string\"".into()), ..Default::default() };
    assert_eq!(client.register(&subject, &request, false).await.unwrap().id.0, 1);

    let stranger = RegistryClient::new(&url).unwrap();
    let error = stranger.register(&subject, &request, false).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
async fn sigterm_ends_the_process_after_the_last_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (mut weir, api) = Weir::registry(folder.path());
    let clients: Vec<_> = (0..16)
        .map(|client| {
            let api = api.clone();
            tokio::spawn(async move {
                let mut answered = 0;
                for n in 0.. {
                    let schema =
                        format!(r#"{{"type":"enum","name":"E{client}_{n}","symbols":["A"]}}"#);
                    let request = api
                        .request(
                            reqwest::Method::POST,
                            &format!("/subjects/s{client}-{n}/versions"),
                        )
                        .header("content-type", "application/json")
                        .body(json!({"schema": schema}).to_string());
                    match request.send().await {
                        // refused, because nobody listens any more: that request was never taken
                        Err(error) if error.is_connect() => break,
                        Err(error) if error.is_request() => break,
                        Err(error) => panic!("an answer was lost: {error:?}"),
                        Ok(response) => {
                            assert_eq!(response.status(), 200);
                            response.bytes().await.unwrap();
                            answered += 1;
                        }
                    }
                }
                answered
            })
        })
        .collect();
    while api.get("/subjects").await.json.as_array().unwrap().len() < 50 {}
    weir.signal("TERM");
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap();
    }
    assert!(weir.wait().success());
    let (_weir, api) = Weir::registry(folder.path());
    let kept = api.get("/subjects").await.json.as_array().unwrap().len();
    assert!(kept >= answered, "{answered} were answered, {kept} are there");
}

#[tokio::test]
async fn signals_that_do_not_say_stop_do_not_stop() {
    let folder = tempfile::tempdir().unwrap();
    let (mut weir, api) = Weir::registry(folder.path());
    for name in ["HUP", "QUIT", "USR1", "USR2"] {
        weir.signal(name);
        weir.line(&match name {
            "HUP" => "SIGHUP: what can be read anew is read".to_string(),
            _ => format!("SIG{name} is ignored"),
        });
        assert_eq!(api.get("/subjects").await.status, 200);
    }
    weir.signal("TERM");
    assert!(weir.wait().success());
}

/// A request whose body does not come would be waited for.
#[tokio::test]
async fn a_second_sigterm_does_not_wait_for_requests() {
    let folder = tempfile::tempdir().unwrap();
    let (mut weir, api) = Weir::registry(folder.path());
    let mut stuck = TcpStream::connect(api.url.trim_start_matches("http://")).unwrap();
    let head = "POST /subjects/flights/versions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n";
    stuck.write_all(head.as_bytes()).unwrap();
    // it is being answered once it asks for the body
    let mut line = String::new();
    BufReader::new(&stuck).read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    weir.signal("TERM");
    weir.line("stopping");
    // alone it would end well, when its time for that is over
    assert_eq!(weir.signal_until_end("TERM").code(), Some(1));
}

#[tokio::test]
async fn kafka_behind_sasl_is_reached_with_librdkafkas_settings() {
    let Some(kafka) = kafka() else { return };
    let Ok(sasl) = std::env::var("WEIR_TEST_KAFKA_SASL") else { return };
    let topic = unique("sasl");
    kafka.create_topic(&topic, 1).await;
    let serve = |password: &str| -> Command {
        let mut command = Weir::serve_command(&[
            "--kafka",
            "sasl.mechanism=PLAIN",
            "--kafka",
            "sasl.username=weir",
        ]);
        command
            .env("KAFKA_REST_BOOTSTRAP_SERVERS", &sasl)
            .env("KAFKA_REST_CLIENT_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
            .env("KAFKA_REST_CLIENT_SASL_PASSWORD", password);
        command
    };
    let produce = async |api: &Api| {
        let body = json!({"records": [{"value": "AAEC"}]}).to_string();
        api.post_as(&format!("/topics/{topic}"), "application/vnd.kafka.binary.v2+json", body).await
    };
    let mut weir = Weir::spawn(&mut serve("weir-secret"));
    let answer = produce(&weir.api("REST proxy on")).await;
    assert_eq!(answer.json["offsets"][0]["error_code"], json!(null), "{}", answer.text);

    let mut stranger = Weir::spawn(&mut serve("wrong"));
    let answer = produce(&stranger.api("REST proxy on")).await;
    assert!(answer.json["offsets"][0]["error"].is_string(), "{}", answer.text);
}
