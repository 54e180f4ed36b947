//! What an operator sees of requests: counts and times by route, and the access log.

use serde_json::json;

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
    let mut command = Weir::serve_command(&["--bootstrap-servers", "127.0.0.1:1"]);
    let mut weir = Weir::spawn(command.env("WEIR_LOG", "info,weir::access=debug"));
    let registry = weir.api("registry on");
    let request = registry.request(reqwest::Method::POST, "/subjects/flights?deleted=true");
    let request = request.header("x-request-id", "order-4711").header("user-agent", "teapot/1");
    registry.send(request.body(json!({"schema": "\"int\""}).to_string())).await;
    let line = weir.line("weir::access");
    for part in [
        "service=\"registry\"",
        "principal=127.0.0.1",
        "method=POST",
        "path=\"/subjects/flights?deleted=true\"",
        "status=404",
        "error_code=40401",
        "route=\"/subjects/{subject}\"",
        "request_id=\"order-4711\"",
        "user_agent=\"teapot/1\"",
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
