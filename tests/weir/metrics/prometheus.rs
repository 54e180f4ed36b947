//! A real Prometheus that scrapes a running server, and answers every query of the dashboard and of the rules.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use weir_tests::Api;

use super::list::{documented, family_of, named};
use super::ops::{dashboard, rules};
use super::path;
use super::servers::{Dev, scrape};
use crate::access::house::Login;

/// Longer than anything takes that comes to an end at all.
const PATIENCE: Duration = Duration::from_secs(60);

const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A Prometheus; killed when dropped.
struct Prometheus {
    child: Child,
    api: Api,
    _folder: TempDir,
}

impl Prometheus {
    /// Scrapes a server every second, with the rules of `ops/`. None if there is none, which is an error in CI.
    fn start(target: &Api) -> Option<Prometheus> {
        let folder = tempfile::tempdir().unwrap();
        let (config, rules) = (folder.path().join("p.yml"), path("ops/prometheus/weir.rules.yml"));
        let of_target = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{rules}]\nscrape_configs: [{{job_name: weir, static_configs: [{{targets: ['{}']}}]}}]\n",
            target.address()
        );
        std::fs::write(&config, of_target).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let spawned = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={free}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match spawned {
            Ok(child) => Some(Prometheus { child, api: Api::new(free), _folder: folder }),
            Err(error) => {
                let why = format!("skipped: prometheus: {error}; Debian's package prometheus");
                assert!(std::env::var_os("CI").is_none(), "{why}");
                eprintln!("{why}");
                None
            }
        }
    }

    /// What a query comes to.
    async fn query(&self, expression: &str) -> Vec<Value> {
        let encoded: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let form = "application/x-www-form-urlencoded";
        let answer = self.api.post_as("/api/v1/query", form, format!("query={encoded}")).await;
        assert_eq!(answer.json["status"], "success", "{expression}\n{}", answer.text);
        answer.json["data"]["result"].as_array().unwrap().clone()
    }

    /// Waits until it has scraped often enough for rates.
    async fn until_it_has_scraped(&self) {
        let deadline = Instant::now() + PATIENCE;
        let url = format!("{}/-/ready", self.api.url);
        loop {
            assert!(Instant::now() < deadline, "Prometheus does not scrape");
            if reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success())
                && !self.query("count_over_time(up[1m]) >= 3 and up == 1").await.is_empty()
                && !self.query("job_service:weir_http_requests:rate5m").await.is_empty()
            {
                return;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn every_query_of_dashboard_and_rules_can_be_answered() {
    let dev = Dev::start().await;
    let Some(prometheus) = Prometheus::start(&dev.management) else { return };
    prometheus.until_it_has_scraped().await;
    let (known, scraped) = (documented(), scrape(&dev.management, &Login::Nobody).await.text);
    let has_samples = |series: &String| {
        let family = family_of(series, &known).unwrap();
        let begins = |line: &str| line.starts_with(&family) && !line.starts_with('#');
        scraped.lines().any(begins)
    };
    let mut empty = BTreeSet::new();
    for expression in dashboard() {
        let found = prometheus.query(&expression).await;
        let (series, _) = named(&expression);
        // what asks for some values of a label alone may find nothing
        let asks_for_all = !expression.replace("=~\".*\"", "").contains('"');
        if found.is_empty() && asks_for_all && series.iter().all(has_samples) {
            empty.insert(expression);
        }
    }
    assert!(empty.is_empty(), "nothing to draw: {empty:#?}");
    for expression in rules() {
        prometheus.query(&expression).await;
    }
    let firing = prometheus.query("ALERTS{alertname=~\"Weir.*\"}").await;
    assert!(firing.is_empty(), "alerts of a server that is well: {firing:?}");
}
