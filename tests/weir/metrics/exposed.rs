//! What is exposed is what is listed, and others can read it.

use serde_json::{Value, json};
use weir_tests::{kafka, unique};

use super::list::documented;
use super::run_well;
use super::servers::{Closed, Dev, Scraped, scrape};
use crate::access::house::Login;
use crate::cluster::nodes;
use crate::python::PYTHON;

/// Families that have samples only where something is wrong, or somebody is limited.
const WITHOUT_SAMPLES: [&str; 4] = [
    "weir_kafka_errors_total",
    "weir_proxy_rate_limited_total",
    "weir_registry_missing_reference",
    "weir_registry_passed_over_record",
];

#[tokio::test]
async fn all_metrics_are_listed_and_can_be_read_by_others() {
    let (dev, closed) = tokio::join!(Dev::start(), Closed::start());
    let mut scrapes = vec![
        ("management", scrape(&dev.management, &Login::Nobody).await),
        ("registry", scrape(&dev.registry, &Login::Nobody).await),
        ("proxy", scrape(&dev.proxy, &Login::Nobody).await),
        ("closed", scrape(&closed.registry, &closed.admin).await),
    ];
    if let Some(kafka) = kafka() {
        let site = nodes::nodes(&kafka, &unique("metrics"), 1, &[]).await;
        site.nodes[0].start();
        site.until_ready(&site.nodes[0]).await;
        nodes::id(&nodes::register(&site.nodes[0], "s", "S").await);
        let node = scrape(&nodes::api(&site.nodes[0]), &Login::Nobody).await;
        for line in ["weir_registry_leader 1", "weir_registry_lag 0"] {
            assert!(node.text.lines().any(|found| found == line), "{line}\n{}", node.text);
        }
        let produced = "weir_kafka_requests_total{operation=\"Produce\",result=\"answered\"}";
        assert!(node.text.contains(produced), "{}", node.text);
        scrapes.push(("node", node));
    }
    for (_, Scraped { text, .. }) in &scrapes {
        run_well("promtool", &["check", "metrics"], text);
    }
    for value in [
        r#"weir_registry_registrations_total{type="AVRO",outcome="found"} "#,
        r#"weir_registry_registrations_total{type="AVRO",outcome="incompatible"} 1"#,
        r#"weir_registry_compatibility_checks_total{type="AVRO",level="BACKWARD",verdict="incompatible"} 2"#,
        r#"weir_registry_subjects{type="AVRO",state="live"} 1"#,
        r#"weir_http_errors_total{service="registry",error_code="40403"} 1"#,
        r#"weir_proxy_produced_records_total{api="v2",format="avro"} 2"#,
        r#"weir_proxy_consumed_records_total{api="v2",format="avro"} "#,
        r#"weir_proxy_consumer_instances_by_source{source="subscription"} 1"#,
        r#"weir_cache_hits_total{cache="proxy_schemas"} 1"#,
    ] {
        let text = &scrapes[0].1.text;
        assert!(text.contains(&format!("\n{value}")), "{value}\n{text}");
    }
    let scrapes: Vec<Value> = scrapes
        .into_iter()
        .map(|(name, scraped)| {
            json!({"name": name, "text": scraped.text, "openmetrics": scraped.open_metrics})
        })
        .collect();
    let input = json!({
        "documented": documented(), "scrapes": scrapes, "without_samples": WITHOUT_SAMPLES,
    });
    let read = move || PYTHON.run("metrics.py", &[], &input.to_string());
    tokio::task::spawn_blocking(read).await.unwrap();
}
