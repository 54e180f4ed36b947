//! Attacks on who comes in, by their numbers in a list of thirty. The others are where what they attack is: rules in
//! `access/`, tokens in `access/login/`, names and ids in `tests/registry/access`, topics in `tests/proxy/access`.

use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;
use weir_tests::Api;

use super::house::*;

/// The status of a request that is written as it stands.
fn raw(api: &Api, headers: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(api.address()).unwrap();
    stream
        .write_all(b"GET /subjects HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n")
        .unwrap();
    // the server may have answered before all of it is written
    let _ = stream.write_all(headers);
    let _ = stream.write_all(b"\r\n\r\n");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("{answer}")).parse().unwrap()
}

/// 17: headers that proxies write say nothing of who somebody is, whoever sends them.
#[tokio::test]
async fn no_header_names_a_principal() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&["--trusted-proxy", "127.0.0.1"]);
    for (name, value) in [
        ("x-forwarded-user", "alice"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1;user=alice"),
        ("x-forward", "true"),
        ("weir-token", "1"),
        ("weir-on-behalf", "eyJuYW1lIjoiYWxpY2UifQ.AAAA"),
        ("x-remote-user", "alice"),
        ("remote-user", "alice"),
        // 16
        ("x-http-method-override", "GET"),
    ] {
        let request = api.request(Method::GET, "/subjects").header(name, value);
        assert_eq!(api.send(request).await.status, 401, "{name}");
        let request = user("bob").on(api.request(Method::DELETE, "/subjects/orders-value"));
        assert_eq!(api.send(request.header(name, value)).await.status, 403, "{name}");
    }
}

/// 18: what clients of a cloud send to choose a tenant is taken, and gives no rights.
#[tokio::test]
async fn a_tenant_that_a_header_names_gives_no_rights() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    for name in ["target-sr-cluster", "confluent-identity-pool-id"] {
        let request = api.request(Method::GET, "/subjects").header(name, "lsrc-1");
        assert_eq!(api.send(request).await.status, 401);
        let request = user("bob").on(api.request(Method::GET, "/subjects")).header(name, "lsrc-1");
        api.send(request).await.is(json!([]));
    }
    let basic = format!("Authorization: Basic {}", STANDARD.encode(format!("bob:{PASSWORD}")));
    assert_eq!(raw(&api, format!("Host: other.example\r\n{basic}").as_bytes()), 400);
}

/// 19: of two logins none is taken, and none from the URL.
#[tokio::test]
async fn of_two_logins_none_is_taken() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    let basic = format!("Authorization: Basic {}", STANDARD.encode(format!("alice:{PASSWORD}")));
    assert_eq!(raw(&api, basic.as_bytes()), 200);
    for two in [
        format!("{basic}\r\n{basic}"),
        format!("{basic}\r\nAuthorization: Bearer x"),
        format!("Authorization: Bearer x\r\n{basic}"),
    ] {
        assert_eq!(raw(&api, two.as_bytes()), 400, "{two}");
    }
    assert_eq!(raw(&api, format!("{basic}, Bearer x").as_bytes()), 401);
    let Login::Bearer(token) = house.admin() else { panic!() };
    for query in [format!("access_token={token}"), "api_key=weir_a_b".to_string()] {
        assert_eq!(api.get(&format!("/subjects?{query}")).await.status, 401);
    }
}

/// 20: what cannot be read is 401 or 431, never an error of the server.
#[tokio::test]
async fn logins_that_cannot_be_read_are_no_errors_of_the_server() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    let basic =
        |bytes: &[u8]| format!("Authorization: Basic {}", STANDARD.encode(bytes)).into_bytes();
    for header in [
        b"Authorization: Basic !!!".to_vec(),
        b"Authorization: Basic  YTpi".to_vec(),
        b"Authorization: Basic".to_vec(),
        b"Authorization: ".to_vec(),
        b"Authorization: Bearer".to_vec(),
        b"Authorization: Bearer \xff\xfe".to_vec(),
        b"Authorization: Negotiate abc".to_vec(),
        basic(b"no colon"),
        basic(b"alice:\0"),
        basic(b"\xff\xfe:x"),
        basic(b":"),
        basic(&[b'a'; 3000]),
        format!("Authorization: Bearer {}", "a.".repeat(8000)).into_bytes(),
    ] {
        let status = raw(&api, &header);
        assert_eq!(status, 401, "{}", String::from_utf8_lossy(&header[..header.len().min(60)]));
    }
    let long = format!("Authorization: Bearer {}", "a".repeat(1 << 20));
    assert_eq!(raw(&api, long.as_bytes()), 431);
    assert_eq!(user("alice").get(&api, "/subjects").await.status, 200);
}

/// 21: guessing is slowed, and does not keep out the one who knows.
#[tokio::test]
async fn guessing_is_slowed() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    assert_eq!(user("alice").get(&api, "/subjects").await.status, 200);
    let mut statuses = Vec::new();
    for guess in 0..12 {
        let login = Login::Password("alice".into(), format!("guess {guess}"));
        let answer = login.on(api.request(Method::GET, "/subjects")).send().await.unwrap();
        if answer.status() == 429 {
            assert!(answer.headers().contains_key("retry-after"));
        }
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses[0], 401, "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
    // a login that was checked before is not checked again
    assert_eq!(user("alice").get(&api, "/subjects").await.status, 200);
}

/// 22: all who are not known hear the same, and the log has no secret.
#[tokio::test]
async fn refusals_say_the_same_and_the_audit_log_says_why() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    let expired = house.token(json!({"sub": "alice", "exp": 1000}));
    let foreign = house.token(json!({"sub": "alice", "aud": "others"}));
    let wrong = Login::Password("alice".into(), "hunter2".into());
    let unknown = Login::Password("mallory".into(), "hunter2".into());
    let mut answers = Vec::new();
    for login in [wrong, unknown, expired.clone(), foreign] {
        let answer = login.on(api.request(Method::GET, "/subjects")).send().await.unwrap();
        let challenges = answer.headers().get_all("www-authenticate").iter().count();
        answers.push((answer.status(), challenges, answer.text().await.unwrap()));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let lines = house.audited();
    assert_eq!(lines.len(), 4);
    let reasons: std::collections::BTreeSet<_> =
        lines.iter().map(|line| line["reason"].as_str().unwrap()).collect();
    assert!(reasons.len() >= 3, "{reasons:?}");
    let text = std::fs::read_to_string(house.path("audit.log")).unwrap();
    let Login::Bearer(token) = expired else { panic!() };
    assert!(!text.contains("hunter2") && !text.contains(&token), "{text}");
}

/// 30: what was found out about somebody does not outlive what it was found out from.
#[tokio::test]
async fn a_password_that_was_changed_and_a_user_that_is_gone_are_refused_at_once() {
    let house = House::new(RULES);
    let (weir, api) = house.registry(&[]);
    for name in ["alice", "bob"] {
        assert_eq!(user(name).get(&api, "/subjects").await.status, 200);
    }
    let file = house.path("users");
    let file = file.to_str().unwrap();
    house.command(&["user", "passwd", "alice", "--file", file], "another password\n");
    house.command(&["user", "rm", "bob", "--file", file], "");
    weir.signal("HUP");
    let new = Login::Password("alice".into(), "another password".into());
    // the file is read at the latest some seconds after it was changed
    super::reload::until(async || new.get(&api, "/subjects").await.status == 200).await;
    assert_eq!(user("alice").get(&api, "/subjects").await.status, 401);
    assert_eq!(user("bob").get(&api, "/subjects").await.status, 401);
}
