//! Secrets that clients and settings have: no line shows any, at whatever level.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;

use super::collector::Collector;
use crate::process::Weir;

/// What nobody may read anywhere.
const SECRET: &str = "hunter2secret";

// the process ends while the collector is asked
#[tokio::test(flavor = "multi_thread")]
async fn no_line_has_a_secret_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    let access = folder.path().join("access.log");
    let collector = Collector::start().await;
    let sasl = format!("sasl.password={SECRET}");
    let registry_url = format!("http://me:{SECRET}@127.0.0.1:1");
    let args = [
        "--bootstrap-servers",
        "127.0.0.1:1",
        "--log",
        "trace",
        "--log-format",
        "json",
        "--access-log-file",
        access.to_str().unwrap(),
        "--slow-request-ms",
        "1",
        "--schema-registry-url",
        &registry_url,
        "--kafka",
        "security.protocol=sasl_plaintext",
        "--kafka",
        "sasl.mechanism=PLAIN",
        "--kafka",
        "sasl.username=me",
        "--kafka",
        &sasl,
        "--otlp-endpoint",
        &collector.url,
    ];
    let mut command = Weir::serve_command(&args);
    command.env("WEIR_OTLP_HEADERS", format!("api-key={SECRET}"));
    let mut weir = Weir::spawn(&mut command);
    let (registry, proxy) = (weir.api_in_json("registry on"), weir.api_in_json("REST proxy on"));
    let basic = STANDARD.encode(format!("me:{SECRET}"));
    for (api, path) in [
        (&registry, "/subjects"),
        (&registry, "/schemas/ids/7"),
        (&proxy, "/consumers/a/instances/b/records"),
    ] {
        for query in [
            format!("access_token={SECRET}"),
            SECRET.to_string(),
            format!("deleted=true&sig={SECRET}"),
        ] {
            for (name, value) in [
                ("authorization", format!("Bearer {SECRET}")),
                ("authorization", format!("Basic {basic}")),
                ("cookie", format!("session={SECRET}")),
                ("x-api-key", SECRET.to_string()),
                ("proxy-authorization", format!("Basic {basic}")),
                ("referer", format!("http://a.example/?token={SECRET}")),
            ] {
                let request = api.request(Method::GET, &format!("{path}?{query}"));
                api.send(request.header(name, value)).await;
            }
        }
    }
    // one for which the registry is asked, with the password of its URL
    let body = r#"{"value_schema": "\"int\"", "records": [{"value": 7}]}"#.to_string();
    proxy.post_as("/topics/secret", "application/vnd.kafka.avro.v2+json", body).await;
    collector.spans(|spans| spans.iter().any(|span| span.name == "POST /topics/{topic}")).await;
    weir.signal("TERM");
    weir.wait();
    let mut seen = weir.output.join("\n").into_bytes();
    seen.extend(std::fs::read(&access).unwrap());
    for sent in collector.received("/v1/traces").iter().chain(&collector.received("/v1/metrics")) {
        seen.extend(&sent.body);
    }
    assert!(weir.output.len() > 20, "{:#?}", weir.output);
    for secret in [SECRET.as_bytes(), basic.as_bytes()] {
        let found = seen.windows(secret.len()).position(|part| part == secret);
        let around = found.map(|at| {
            let part = &seen[at.saturating_sub(300)..(at + 40).min(seen.len())];
            String::from_utf8_lossy(part).into_owned()
        });
        assert_eq!(around, None);
    }
}
