//! The name that is checked is the name that is used.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use weir_tests::embedded_broker;

use super::house::{House, User, denied};
use crate::fixtures::*;

/// Sends a path as it stands: clients make some of them plain. The status of the answer.
async fn raw(user: &User, method: &str, path: &str) -> u16 {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let address = user.api.address();
    let login = BASE64_STANDARD.encode(format!("{}:secret", user.name));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Basic {login}\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8_lossy(&answer);
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Attack 1: a name is decoded once. What is encoded twice is a literal other name.
#[tokio::test]
async fn an_encoded_name_is_the_name_that_it_means() {
    let house = House::without_kafka().await;
    house.add_rules(
        "[[rule]]\ndeny = 'read'\nto = '*'\non = ['topic:flights-secret', 'topic:flights/secret']",
    );
    let owner = house.user("owner");
    for name in ["flights-secret", "%66lights-secret", "flights%2Dsecret", "flights%2Fsecret"] {
        denied(&owner.get(&format!("/topics/{name}")).await);
        denied(&owner.get(&format!("/v3/clusters/x/topics/{name}")).await);
        denied(&owner.get(&format!("/kafka/v3/clusters/x/topics/{name}/partitions")).await);
    }
    // encoded twice, it is called `%66lights..`, which is no name that anything allows
    denied(&owner.get("/topics/%2566lights-secret").await);
    // and neither is what a slash in a name would mean as a path
    denied(&owner.get("/topics/movies%2F..%2Fflights").await);
}

/// Attack 2: paths that could be read in two ways are refused, and what is left out of a path is left out before it is
/// decided.
#[tokio::test]
async fn a_path_that_is_not_plain_is_decided_as_it_is_routed() {
    let house = House::without_kafka().await;
    let owner = house.user("owner");
    for path in [
        "/topics/%2e%2e/topics/movies",
        "/topics/flights/../movies",
        "//topics/movies",
        "/topics/flights%00",
        "/topics/%5cflights",
    ] {
        let status = raw(&owner, "GET", path).await;
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
    for path in ["/topics/movies;flights", "/topics/movies/", "/topics/movies?topic=flights"] {
        assert_eq!(raw(&owner, "GET", path).await, 403, "{path}");
    }
    // bytes that are no UTF-8 name nothing
    assert_eq!(raw(&owner, "GET", "/topics/flights%ff").await, 404);
}

/// Attack 5: exact bytes, in another case, with a dot or a blank at the end, in another form of Unicode.
#[tokio::test]
async fn a_name_that_looks_alike_is_another_name() {
    let house = House::without_kafka().await;
    house.add_rules(
        "[[rule]]\nallow = 'read'\nto = 'user:some'\non = ['topic:exact', 'topic:caf\u{e9}']",
    );
    let some = house.user("some");
    for name in ["Exact", "exact.", "exact%20", "exact%0A", "%20exact", "exac", "cafe%CC%81"] {
        let status = raw(&some, "GET", &format!("/topics/{name}")).await;
        // a line feed is refused in any path
        assert!(status == 403 || name.contains("%0A") && status == 400, "{name}: {status}");
    }
    for name in ["exact", "caf%C3%A9"] {
        assert_ne!(raw(&some, "GET", &format!("/topics/{name}")).await, 403, "{name}");
    }
}

/// Attack 14: `-` is a name where it is no wildcard of the route, and a cluster that is not there is told to whoever may ask.
#[tokio::test(flavor = "multi_thread")]
async fn wildcards_and_other_clusters_open_nothing() {
    let broker = embedded_broker();
    let house = House::new(&broker).await;
    let (owner, admin) = (house.user("owner"), house.user("admin"));
    let cluster = owner.cluster().await;
    for path in [
        "/topics/-",
        "/topics/-/partitions",
        "/topics/*",
        "/consumer-groups/-",
        "/consumer-groups/*/lags",
    ] {
        denied(&owner.get(&format!("{cluster}{path}")).await);
    }
    let body = json!({"data": [{"topic_name": "movies", "configs": []}]});
    denied(&owner.post_v3(&format!("{cluster}/topics/-/configs:alter"), body.clone()).await);
    denied(&owner.post_v3("/v3/clusters/-/topics/-/configs:alter", body.clone()).await);
    for other in ["/v3/clusters/elsewhere", "/v3/clusters/-", "/v3/clusters/*"] {
        denied(&owner.get(&format!("{other}/topics/movies")).await);
        refused(&owner.get(&format!("{other}/topics/flights")).await, 404, 404);
        refused(&owner.get(&format!("{other}/topics")).await, 404, 404);
        refused(
            &admin.post_v3(&format!("{other}/topics/-/configs:alter"), body.clone()).await,
            404,
            404,
        );
    }
}

/// Attacks 15 and 16: HEAD is GET, TRACE and what nobody knows is 405, and no header makes another method of one.
#[tokio::test(flavor = "multi_thread")]
async fn methods_are_what_they_are() {
    let broker = embedded_broker();
    let house = House::new(&broker).await;
    let owner = house.user("owner");
    let topic = new_topic(&broker, "flights", 1).await;
    for (path, status) in [(format!("/topics/{topic}"), 200), ("/topics/movies".to_string(), 403)] {
        for method in [Method::GET, Method::HEAD] {
            assert_eq!(owner.ask(method, &path, None).await.status, status, "{path}");
        }
        for method in ["TRACE", "PROPFIND", "PUT"] {
            assert_eq!(raw(&owner, method, &path).await, 405, "{method} {path}");
        }
    }
    assert_eq!(raw(&house.user("wrong:"), "TRACE", "/topics/movies").await, 401);
    for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let path = format!("{}/topics/{topic}?_method=DELETE", owner.cluster().await);
        let request = owner.request(Method::GET, &path).header(header, "DELETE");
        assert_eq!(house.api.send(request).await.status, 200, "{header}");
    }
    assert_eq!(owner.get(&format!("/topics/{topic}")).await.status, 200);
}
