//! Requests for an instance while an answer is written of its records.

use std::time::Duration;

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use weir_tests::TestBroker;

use super::fixtures::*;

on_both_brokers! {
    other_requests_do_not_wait_for_an_answer_that_is_written
    a_position_that_is_set_while_an_answer_is_written_counts
    an_instance_is_deleted_while_an_answer_is_written
    a_read_beside_an_answer_that_is_written_ends_in_time
}

/// Less than a registry that does not answer is waited for.
const SOON: Duration = Duration::from_secs(8);

/// An instance that reads a topic with two records, for whose schema a registry is asked that takes connections and
/// does not answer.
async fn with_silent_registry(broker: &TestBroker) -> (TcpListener, String, Consumer) {
    let topic = new_topic(broker, "flights", 1).await;
    let framed = Some(&[0, 0, 0, 0, 1, 6, b'S', b'A', b'T'][..]);
    native_write(broker, &topic, &[(None, framed), (None, framed)]).await;
    let registry = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", registry.local_addr().unwrap());
    let proxy = proxy_at(&broker.bootstrap_servers, &url).await;
    let consumer = Consumer::of(&proxy, &topic, "avro").await;
    (registry, topic, consumer)
}

/// Does something once an answer is being written: the registry is asked for the first record's schema.
async fn while_written(
    registry: &TcpListener,
    consumer: &Consumer,
    others: impl AsyncFnOnce() -> (),
) {
    let others = async {
        let _asking: TcpStream = registry.accept().await.unwrap().0;
        timeout(SOON, others()).await.expect("others wait for the answer");
    };
    tokio::select! {
        biased;
        () = others => {}
        answer = consumer.get("/records?timeout=20000") => panic!("{}", answer.text),
    }
}

async fn other_requests_do_not_wait_for_an_answer_that_is_written(broker: &TestBroker) {
    let (registry, topic, consumer) = with_silent_registry(broker).await;
    while_written(&registry, &consumer, async || {
        consumer.get("/assignments").await.is(partitions(&topic, &[0]));
        consumer.get("/subscription").await.is(json!({"topics": []}));
        // nothing is read before it is in an answer
        consumer.post_nothing("/offsets").await.is(json!([]));
        assert_eq!(consumer.committed(&topic, 0).await, None);
        consumer.assign(&topic, &[0]).await;
        done(&consumer.delete_subscription().await);
    })
    .await;
}

async fn a_position_that_is_set_while_an_answer_is_written_counts(broker: &TestBroker) {
    let (registry, topic, consumer) = with_silent_registry(broker).await;
    while_written(&registry, &consumer, async || {
        done(&consumer.post("/positions", &offset(&topic, 0, 1)).await);
        consumer.post_nothing("/offsets").await.is(json!([]));
        assert_eq!(consumer.committed(&topic, 0).await, Some(1));
    })
    .await;
}

async fn an_instance_is_deleted_while_an_answer_is_written(broker: &TestBroker) {
    let (registry, _, consumer) = with_silent_registry(broker).await;
    while_written(&registry, &consumer, async || {
        done(&consumer.delete().await);
        refused(&consumer.get("/subscription").await, 404, 40403);
    })
    .await;
}

async fn a_read_beside_an_answer_that_is_written_ends_in_time(broker: &TestBroker) {
    let (registry, _, consumer) = with_silent_registry(broker).await;
    while_written(&registry, &consumer, async || {
        consumer.get("/records?timeout=500").await.is(json!([]));
    })
    .await;
}
