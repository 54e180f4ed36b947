//! Clients that nobody here wrote, and ours, log in.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use weir_serde::RegistryClient;
use weir_serde::api::{RegisterRequest, Subject};

use super::house::*;
use crate::node::NODE;
use crate::python::PYTHON;

/// Lines that scripts read: a client's settings, and the status of a refusal or null.
fn lines(all: &[(Value, Value)]) -> String {
    all.iter().map(|(settings, refused)| format!("{}\n", json!([settings, refused]))).collect()
}

fn text(login: Login) -> String {
    match login {
        Login::Bearer(token) => token,
        _ => unreachable!(),
    }
}

#[test]
fn confluents_client_for_python_logs_in() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    let token = text(house.token(json!({"sub": "alice"})));
    let bearer = |token: &str| {
        json!({"bearer.auth.credentials.source": "STATIC_TOKEN", "bearer.auth.token": token,
            "bearer.auth.logical.cluster": "lsrc-1", "bearer.auth.identity.pool.id": "pool-1"})
    };
    let input = lines(&[
        (json!({"basic.auth.user.info": format!("alice:{PASSWORD}")}), Value::Null),
        (json!({"basic.auth.user.info": "alice:wrong"}), json!(401)),
        (json!({}), json!(401)),
        (bearer(&token), Value::Null),
        (bearer("nonsense"), json!(401)),
    ]);
    PYTHON.run("logins.py", &[&api.url], &input);
}

#[test]
fn confluents_client_for_node_logs_in() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    let token = text(house.token(json!({"sub": "alice"})));
    let basic = |login: String| json!({"basicAuthCredentials": {"credentialsSource": "USER_INFO", "userInfo": login}});
    let bearer = |token: &str| {
        json!({"bearerAuthCredentials": {"credentialsSource": "STATIC_TOKEN", "token": token,
            "logicalCluster": "lsrc-1", "identityPoolId": "pool-1"}})
    };
    let input = lines(&[
        (basic(format!("alice:{PASSWORD}")), Value::Null),
        (basic("alice:wrong".into()), json!(401)),
        (json!({}), json!(401)),
        (bearer(&token), Value::Null),
        (bearer("nonsense"), json!(401)),
    ]);
    NODE.run("logins.mjs", &[&api.url], &input);
}

#[test]
fn springs_client_for_java_logs_in() {
    // where there is a Kafka, there are java and the jars beside it
    if weir_tests::kafka().is_none() {
        return;
    }
    let house = House::new(RULES);
    house.command(
        &["user", "add", "java", "--file", house.path("users").to_str().unwrap()],
        "a-word\n",
    );
    let rules = RULES.replace("to = [\"user:alice\"]", "to = [\"user:alice\", \"user:java\"]");
    std::fs::write(house.path("access.toml"), rules).unwrap();
    let (_weir, api) = house.registry(&[]);
    let token = text(house.token(json!({"sub": "alice"})));
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut child = Command::new("java")
        .args(["-cp", &format!("{root}/target/java/libs/*")])
        .args([&format!("{root}/tests/java/Logins.java"), &api.url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = format!(
        "basic java a-word 200\nbasic java wrong 401\nbearer {token} 200\nbearer nonsense 401\n"
    );
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn our_own_client_logs_in() {
    weir_tests::crypto();
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    let token = text(house.token(json!({"sub": "alice"})));
    let client = || RegistryClient::builder(&api.url);
    let register = async |client: RegistryClient, subject: &str| {
        let request = RegisterRequest {
            schema: Some(r#"{"type":"record","name":"Order","fields":[]}"#.to_string()),
            ..RegisterRequest::default()
        };
        client.register(&Subject::new(subject).unwrap(), &request, false).await.map(drop)
    };
    for client in [
        client().basic_auth("alice", PASSWORD).build().unwrap(),
        client().bearer_token(&token).build().unwrap(),
    ] {
        register(client.clone(), "orders-value").await.unwrap();
        let denied = register(client, "payments-value").await.unwrap_err().to_string();
        assert!(denied.contains("40301"), "{denied}");
    }
    let unknown = client().basic_auth("alice", "wrong").build().unwrap();
    let refused = register(unknown, "orders-value").await.unwrap_err().to_string();
    assert!(refused.contains("401"), "{refused}");
}

#[test]
fn curl_logs_in() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    let token = text(house.token(json!({"sub": "alice"})));
    let curl = |args: &[&str]| {
        let url = format!("{}/subjects", api.url);
        let output = Command::new("curl").args(["-s", &url]).args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(curl(&["-u", &format!("alice:{PASSWORD}")]), "[]");
    assert_eq!(curl(&["--oauth2-bearer", &token]), "[]");
    assert!(curl(&["-u", "alice:wrong"]).contains("\"error_code\":401"));
}
