//! What an operator sees of requests: counts and times by route, and the access log.

use reqwest::Method;
use serde_json::json;
use weir_tests::Api;

use crate::process::Weir;

#[track_caller]
fn has_line(metrics: &str, line: &str) {
    assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
}

#[tokio::test]
async fn requests_are_counted_by_service_route_method_and_status() {
    let mut weir = Weir::spawn(&mut Weir::serve_command(&["--bootstrap-servers", "127.0.0.1:1"]));
    let (registry, proxy) = (weir.api("registry on"), weir.api("REST proxy on"));
    registry.get("/schemas/ids/7").await;
    registry.get("/schemas/ids/8").await;
    registry.get("/contexts/eu/subjects").await;
    registry.get("/no/such/page").await;
    proxy.get("/consumers/readers/instances/none/subscription").await;
    let metrics = registry.get("/metrics").await.text;
    let of_id = r#"service="registry",route="/schemas/ids/{id}""#;
    let count = "weir_http_requests_total";
    has_line(&metrics, &format!(r#"{count}{{{of_id},method="GET",status="404"}} 2"#));
    has_line(&metrics, &format!("weir_http_request_duration_seconds_count{{{of_id}}} 2"));
    for (service, route, status) in [
        ("registry", "/subjects", 200),
        ("registry", "none", 404),
        ("proxy", "/consumers/{group}/instances/{instance}/subscription", 404),
    ] {
        let of = format!(r#"service="{service}",route="{route}",method="GET",status="{status}""#);
        has_line(&metrics, &format!("{count}{{{of}}} 1"));
    }
}

#[tokio::test]
async fn the_access_log_has_a_line_for_each_request_if_it_is_asked_for() {
    let mut command = Weir::serve_command(&["--bootstrap-servers", "127.0.0.1:1", "--access-log"]);
    let mut weir = Weir::spawn(&mut command);
    let registry = weir.api("registry on");
    let request = registry.request(Method::POST, "/subjects/flights?deleted=true");
    let request = request.header("x-request-id", "order-4711").header("user-agent", "teapot/1");
    registry.send(request.body(json!({"schema": "\"int\""}).to_string())).await;
    let line = weir.line("weir::access");
    for part in [
        "service=registry",
        "principal=127.0.0.1",
        "POST /subjects/flights?deleted=true 404",
        "client=127.0.0.1",
        "error_code=40401",
        "route=/subjects/{subject}",
        "request_id=order-4711",
        "user_agent=teapot/1",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[tokio::test]
async fn there_is_no_access_log_unless_it_is_asked_for() {
    let mut weir = Weir::spawn(&mut Weir::serve_command(&["--bootstrap-servers", "127.0.0.1:1"]));
    let registry = weir.api("registry on");
    registry.get("/subjects").await;
    weir.signal("TERM");
    weir.wait();
    assert!(weir.output.iter().all(|line| !line.contains("weir::access")), "{:?}", weir.output);
}

const FORWARDED: [(&str, &str); 3] = [
    ("x-forwarded-for", "203.0.113.9"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "kafka.example"),
];

/// The address of a new consumer instance, as a client behind a reverse proxy is told it.
async fn base_uri(proxy: &Api) -> String {
    let mut request = proxy.request(Method::POST, "/consumers/readers");
    for (name, value) in FORWARDED {
        request = request.header(name, value);
    }
    let request = request.header("content-type", "application/vnd.kafka.v2+json");
    let created = proxy.send(request.body(r#"{"name": "me"}"#)).await;
    assert_eq!(created.status, 200, "{}", created.text);
    created.json["base_uri"].as_str().unwrap().to_string()
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_where_a_request_comes_from_and_others_are_not() {
    let args = ["--bootstrap-servers", "127.0.0.1:1", "--access-log"];
    let trusting = [&args[..], &["--trusted-proxy", "127.0.0.0/8"]].concat();
    for (args, url, principal) in [
        (&trusting[..], "https://kafka.example", "principal=203.0.113.9"),
        (&args[..], "http://127.0.0.1:", "principal=127.0.0.1"),
    ] {
        let mut weir = Weir::spawn(&mut Weir::serve_command(args));
        let proxy = weir.api("REST proxy on");
        let base_uri = base_uri(&proxy).await;
        assert!(base_uri.starts_with(url), "{base_uri}");
        let line = weir.line("weir::access");
        assert!(line.contains(principal), "{line}");
    }
}

/// A port that nothing listens on at the moment.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Registry and proxy at these URLs, without a Kafka.
fn listening(registry: &str, proxy: &str) -> Weir {
    let fixed = ["serve", "--store", "memory", "--bootstrap-servers", "127.0.0.1:1"];
    let listeners = ["--registry-listener", registry, "--proxy-listener", proxy];
    Weir::start(&[&fixed[..], &listeners].concat())
}

#[tokio::test]
async fn one_listener_carries_registry_and_proxy_below_their_paths() {
    let base = format!("http://127.0.0.1:{}", free_port());
    let mut weir = listening(&format!("{base}/registry"), &format!("{base}/kafka/rest"));
    let (registry, proxy) = (weir.api("registry on"), weir.api("REST proxy on"));
    let schema = json!({"schema": "\"int\""});
    let registered = registry.post("/subjects/flights/versions", &schema).await;
    assert_eq!(registered.json["id"], 1, "{}", registered.text);
    assert_eq!(registry.get("/subjects?deleted=true").await.json, json!(["flights"]));
    assert_eq!(base_uri(&proxy).await, format!("{base}/kafka/rest/consumers/readers/instances/me"));
    let instance = proxy.get("/consumers/readers/instances/me/subscription").await;
    assert_eq!(instance.json, json!({"topics": []}));
    let root = Api::at(base);
    assert_eq!(root.get("/subjects").await.status, 404);
}

#[test]
fn two_services_of_one_address_need_paths_of_their_own() {
    let listener = format!("http://127.0.0.1:{}", free_port());
    let mut weir = listening(&listener, &listener);
    weir.line(&format!("{listener} is a listener of another service already"));
    assert_eq!(weir.wait().code(), Some(1));
}
