//! The recordings of the reference's answers, put to a registry whose log is on Kafka.

use std::path::Path;

use weir_faults::Site;
use weir_tests::golden::compare_with_recording;
use weir_tests::{Api, kafka, unique};

/// The lists of differences are those of the registry in memory: the log is no client's concern.
async fn compare_on_kafka(recording: &str) {
    let Some(kafka) = kafka() else { return };
    let weir = Path::new(env!("CARGO_BIN_EXE_weir"));
    let topic = unique("recorded");
    // the reference serves no document
    let flags = ["--api-docs=false"];
    let site = Site::prepare(&kafka.bootstrap_servers, weir, &topic, 1, &flags).await;
    let node = &site.nodes[0];
    node.start();
    site.until_ready(node).await;
    site.leader().await;
    compare_with_recording(recording, Api::at(node.url.clone()).address()).await;
}

#[tokio::test]
async fn a_registry_on_kafka_answers_as_recorded_but_for_the_listed_differences() {
    compare_on_kafka("registry").await;
}

#[tokio::test]
async fn associations_on_kafka_are_answered_as_recorded_but_for_the_listed_differences() {
    compare_on_kafka("registry-associations").await;
}
