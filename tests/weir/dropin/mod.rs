//! Confluent's servers replaced by Weir with nothing changed but addresses and ports: environments and files that people really use, and
//! clients that nobody here wrote.

mod environment;
mod files;
mod proxies;

use std::process::Command;

use serde_json::json;
use tempfile::TempDir;
use weir_tests::{Api, kafka, unique};

use crate::process::Weir;
use crate::python::PYTHON;
use environment::{Environment, Places, container, environments};

/// Java's key stores of `/etc/kafka/secrets`: a key with its certificate for localhost, which is in `localhost.pem`, and the
/// authority of the test's Kafka. False if there is no keytool, which there is in CI.
fn stores(folder: &TempDir) -> bool {
    let keytool = |args: &[&str]| {
        let password = ["-storepass", "hunter2", "-noprompt"];
        let mut command = Command::new("keytool");
        command.current_dir(folder.path()).args(args).args(password).output()
    };
    let key = ["-genkeypair", "-alias", "weir", "-keyalg", "RSA"];
    let name = ["-dname", "CN=localhost", "-ext", "san=dns:localhost,ip:127.0.0.1"];
    for (kind, end) in [("JKS", "jks"), ("PKCS12", "p12")] {
        let store = format!("keystore.{end}");
        let made =
            [&key[..], &name, &["-storetype", kind, "-keystore", &store, "-keypass", "hunter2"]];
        if let Err(why) = keytool(&made.concat()) {
            assert!(std::env::var_os("CI").is_none(), "keytool: {why}");
            eprintln!("skipped: no keytool");
            return false;
        }
        let store = format!("truststore.{end}");
        let import = ["-importcert", "-alias", "ca", "-file", "ca.pem", "-storetype", kind];
        let imported = keytool(&[&import[..], &["-keystore", &store]].concat()).unwrap();
        assert!(imported.status.success(), "{imported:?}");
    }
    let export = ["-exportcert", "-rfc", "-alias", "weir", "-file", "localhost.pem"];
    let exported = keytool(&[&export[..], &["-keystore", "keystore.jks"]].concat()).unwrap();
    assert!(exported.status.success(), "{exported:?}");
    true
}

/// Files of `/etc/kafka/secrets`: an authority, users, and a JAAS file that names them and has the login to Kafka.
fn secrets(folder: &TempDir) {
    let path = |name: &str| folder.path().join(name);
    if let Ok(ca) = std::env::var("WEIR_TEST_KAFKA_CA") {
        std::fs::copy(ca, path("ca.pem")).unwrap();
    }
    std::fs::write(path("password.properties"), "ada: secret,write\n").unwrap();
    let jaas = format!(
        "KafkaClient {{\n  org.apache.kafka.common.security.plain.PlainLoginModule required\n  username=\"weir\"\n  \
         password=\"weir-secret\";\n}};\nSchemaRegistry-Props {{\n  \
         org.eclipse.jetty.security.jaas.spi.PropertyFileLoginModule required\n  file=\"{}\"\n  debug=\"false\";\n}};\n",
        path("password.properties").display()
    );
    std::fs::write(path("jaas.conf"), jaas).unwrap();
}

/// Where the test's Kafka is; none where there is none.
fn places(folder: &TempDir, registry: &str) -> Option<Places> {
    let kafka = kafka()?.bootstrap_servers;
    let var = |name: &str| std::env::var(name).ok();
    secrets(folder);
    Some(Places {
        kafka,
        kafka_sasl: var("WEIR_TEST_KAFKA_SASL")?,
        kafka_ssl: var("WEIR_TEST_KAFKA_SSL")?,
        registry: registry.to_string(),
        secrets: folder.path().to_path_buf(),
    })
}

/// A topic and a group that no other test has: what two containers would not share either.
fn own_topic() -> [(String, String); 2] {
    let topic = unique("_schemas-dropin");
    ["WEIR_SCHEMAS_TOPIC", "WEIR_REGISTRY_GROUP"].map(|name| (name.to_string(), topic.clone()))
}

/// A listener's URL as clients on this machine reach it.
fn reachable(api: &Api) -> Api {
    Api::at(api.url.replace("0.0.0.0", "127.0.0.1"))
}

struct Swapped {
    name: String,
    weir: Weir,
    api: Api,
    _folder: TempDir,
}

fn start(environment: &Environment, places: &Places) -> Swapped {
    let folder = tempfile::tempdir().unwrap();
    let mut variables = environment.at(places);
    variables.extend(own_topic());
    if environment.name == "registry-strimzi" {
        variables.push(("WEIR_STORE".to_string(), "memory".to_string()));
    }
    let mut weir = Weir::spawn(&mut container(&[], &variables, &folder));
    let api = reachable(&weir.api("registry on"));
    Swapped { name: environment.name.clone(), weir, api, _folder: folder }
}

#[tokio::test(flavor = "multi_thread")]
async fn registries_serve_the_python_client_with_the_environment_of_their_container() {
    let folder = tempfile::tempdir().unwrap();
    let Some(places) = places(&folder, "") else { return };
    let mut environments = environments("registry-");
    let has_stores = stores(&folder);
    environments.retain(|it| has_stores || !it.has_stores());
    let mut all: Vec<_> = environments.iter().map(|it| start(it, &places)).collect();
    let mut input = String::new();
    for swapped in &mut all {
        if swapped.name != "registry-strimzi" {
            swapped.weir.line("this node leads");
        }
        let url = match swapped.name.as_str() {
            "registry-basic" => swapped.api.url.replace("://", "://ada:secret@"),
            _ => swapped.api.url.clone(),
        };
        input += &format!("{url}\n");
    }
    let ca = folder.path().join("localhost.pem").to_string_lossy().into_owned();
    tokio::task::spawn_blocking(move || PYTHON.run("dropin.py", &[&places.kafka, &ca], &input))
        .await
        .unwrap();
    let find = |name: &str| all.iter().find(|it| it.name == format!("registry-{name}")).unwrap();
    for name in ["helm", "bitnami"] {
        let config = find(name).api.get("/config").await;
        assert_eq!(config.json["compatibilityLevel"], json!("FULL_TRANSITIVE"), "{name}");
    }
    let two = &find("two-listeners").api;
    two.put("/mode", &json!({"mode": "READONLY"})).await.is_error(
        422,
        42205,
        "Mode changes are not allowed",
    );
    let pages = find("debezium").api.request(reqwest::Method::GET, "/subjects");
    let answer = pages.header("origin", "https://page.example").send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(find("basic").api.get("/subjects").await.status, 401);
    // a container of the registry has no proxy, and says that it is as open as it was
    for swapped in &all {
        let said = swapped.weir.output.join("\n");
        assert!(!said.contains("REST proxy on"), "{said}");
        assert!(!said.contains("weir-secret") && !said.contains("hunter2"), "{said}");
        let warned = said.contains("is open to whoever reaches it, as Confluent's server is")
            || said.contains("asks for passwords without HTTPS");
        let is_local = ["registry-kafbat", "registry-debezium"].contains(&&*swapped.name);
        assert!(warned != is_local, "{}: {said}", swapped.name);
    }
}

#[test]
fn what_cannot_be_done_is_refused_by_its_name_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    secrets(&folder);
    let nowhere = "127.0.0.1:1".to_string();
    let places = Places {
        kafka: nowhere.clone(),
        kafka_sasl: nowhere.clone(),
        kafka_ssl: nowhere,
        registry: "http://127.0.0.1:1".to_string(),
        secrets: folder.path().to_path_buf(),
    };
    for environment in environments("refused-") {
        let variables = environment.at(&places);
        let output = container(&[], &variables, &folder).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{}: {said}", environment.name);
        assert!(!environment.refused.is_empty(), "{}", environment.name);
        for text in &environment.refused {
            assert!(said.contains(text.as_str()), "{}: {text}\n{said}", environment.name);
        }
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn an_open_listener_of_confluents_can_be_refused() {
    let folder = tempfile::tempdir().unwrap();
    let listen = ("SCHEMA_REGISTRY_LISTENERS".to_string(), "http://0.0.0.0:0".to_string());
    let refuse = ("WEIR_INSECURE".to_string(), "false".to_string());
    let store = ["--store", "memory"];
    let output = container(&store, &[listen.clone(), refuse], &folder).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("reachable from elsewhere"), "{said}");
    // and a listener of Weir's own needs a word
    let args = ["--store", "memory", "--registry-listener", "0.0.0.0:0"];
    let output = container(&args, &[listen], &folder).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("--insecure"), "{said}");
}
