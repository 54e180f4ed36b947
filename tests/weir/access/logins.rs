//! The ways to come in, over the wire.

use reqwest::Method;
use serde_json::json;

use super::house::*;

#[tokio::test]
async fn a_password_a_token_and_a_key_let_in_and_say_who_it_is() {
    let house = House::new(RULES);
    let keys = house.path("keys");
    let keys = keys.to_str().unwrap();
    let made = house.command(&["key", "create", "--name", "alice", "--file", keys], "");
    let key = made.split_whitespace().find(|word| word.starts_with("weir_")).unwrap();
    let (_weir, api) = house.registry(&["--access-keys", keys]);
    let (id, secret) = key.rsplit_once('_').unwrap();
    for login in [
        user("alice"),
        house.token(json!({"sub": "alice"})),
        Login::Bearer(key.to_string()),
        Login::Password(id.trim_start_matches("weir_").to_string(), secret.to_string()),
    ] {
        let answer = login.register(&api, "orders-value", "Order").await;
        assert_eq!(answer.status, 200, "{login:?}: {}", answer.text);
        login.register(&api, "payments-value", "Payment").await.is_error(
            403,
            40301,
            "User is denied operation on this server.",
        );
        let check = "/v1/access/check?action=write&resource=subject:orders-value";
        assert_eq!(login.get(&api, check).await.json["principal"], "alice");
    }
    // a key that is shown as a name is in no log
    let misplaced = Login::Password(key.to_string(), String::new());
    assert_eq!(misplaced.get(&api, "/subjects").await.status, 401);
    let text = std::fs::read_to_string(house.path("audit.log")).unwrap();
    assert!(!text.contains(secret), "{text}");
    let proofs: Vec<_> = house.audited().iter().map(|line| line["proof"].clone()).collect();
    for proof in ["password", "token", "api-key"] {
        assert!(proofs.contains(&json!(proof)), "{proof}: {proofs:?}");
    }
}

#[tokio::test]
async fn who_is_not_known_is_told_how_to_log_in_and_nothing_else() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/subjects"),
        (Method::GET, "/no/such/path"),
        (Method::POST, "/subjects/orders-value/versions"),
        (Method::DELETE, "/subjects/orders-value"),
        (Method::OPTIONS, "/subjects"),
        (Method::GET, "/metrics"),
        (Method::GET, "/v1/cluster"),
    ] {
        // so many wrong passwords would be slowed, so many users are not
        let wrong = Login::Password(format!("nobody-{}", path.len()), "wrong".into());
        for login in [Login::Nobody, wrong] {
            let request = login.on(api.request(method.clone(), path));
            let answer = request.header("accept", "text/html").send().await.unwrap();
            assert_eq!(answer.status(), 401, "{method} {path}");
            let headers = answer.headers();
            assert_eq!(headers["content-type"], "application/json");
            assert!(headers.contains_key("x-request-id"));
            let challenges: Vec<_> = headers.get_all("www-authenticate").iter().collect();
            assert_eq!(challenges[0], "Basic realm=\"weir\"", "{challenges:?}");
            let body = answer.text().await.unwrap();
            assert_eq!(body, r#"{"error_code":401,"message":"Unauthorized"}"#);
        }
    }
}

#[tokio::test]
async fn who_reads_sees_what_it_may_read_and_no_more() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    let id = user("alice").register(&api, "orders-value", "Order").await.json["id"].clone();
    let payment = user("carol").register(&api, "payments-value", "Payment").await;
    assert_eq!(payment.json["id"], 2);
    for (login, seen) in [
        (user("alice"), json!(["orders-value"])),
        (user("bob"), json!(["orders-value"])),
        (user("carol"), json!(["payments-value"])),
        (house.token(json!({"sub": "eve"})), json!([])),
        (house.token(json!({"sub": "eve", "groups": ["analysts"]})), json!(["orders-value"])),
        (house.admin(), json!(["orders-value", "payments-value"])),
    ] {
        login.get(&api, "/subjects").await.is(seen);
    }
    assert_eq!(user("bob").get(&api, &format!("/schemas/ids/{id}")).await.status, 200);
    user("bob").get(&api, "/schemas/ids/2").await.is_error(404, 40403, "Schema 2 not found");
    user("bob").get(&api, "/schemas/ids/99").await.is_error(404, 40403, "Schema 99 not found");
    assert_eq!(user("bob").register(&api, "orders-value", "Other").await.status, 403);
}

#[test]
fn a_listener_for_others_needs_https_and_a_login() {
    let house = House::new(RULES);
    let settings = house.settings();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let args = ["serve", "--roles", "registry", "--store", "memory"];
    let args = [&args[..], &["--registry-listener", "0.0.0.0:0"], &settings].concat();
    let output = crate::process::Weir::command(&args).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("HTTPS and a login"), "{error}");

    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let (cert_file, key_file) = (house.path("cert.pem"), house.path("key.pem"));
    std::fs::write(&cert_file, cert.pem()).unwrap();
    std::fs::write(&key_file, signing_key.serialize_pem()).unwrap();
    let tls = ["--tls-cert", cert_file.to_str().unwrap(), "--tls-key", key_file.to_str().unwrap()];
    let mut weir = crate::process::Weir::start(&[&args[..], &tls].concat());
    assert!(weir.line("registry on").contains("https://0.0.0.0:"));
}
