//! Attack 29: what goes on for long ends when the caller's login or its right does.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use reqwest::{Body, Method};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use weir_tests::{Answer, embedded_broker, unique};

use super::house::{House, User, denied};
use crate::fixtures::*;

/// Takes the right to read and write all flights.
const CLOSED: &str = "[[rule]]\ndeny = ['read', 'write']\nto = '*'\non = 'topic:flights*'";

/// A stream of records that is open: what is sent into it, and the reports that come out.
struct Stream {
    records: mpsc::UnboundedSender<Value>,
    reports: mpsc::UnboundedReceiver<Value>,
}

impl Stream {
    async fn open(user: &User, topic: &str) -> Stream {
        let (records, mut sending) = mpsc::unbounded_channel::<Value>();
        let body = futures_util::stream::poll_fn(move |context| sending.poll_recv(context));
        let body = body.map(|record| Ok::<_, Infallible>(record.to_string()));
        let path = format!("{}/topics/{topic}/records", user.cluster().await);
        let request = user.request(Method::POST, &path).header("content-type", "application/json");
        let request = request.body(Body::wrap_stream(body));
        let (reporting, reports) = mpsc::unbounded_channel();
        records.send(record(1)).unwrap();
        tokio::spawn(async move {
            let mut answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let mut text = String::new();
            while let Ok(Some(chunk)) = answer.chunk().await {
                text.push_str(std::str::from_utf8(&chunk).unwrap());
                while let Some((report, rest)) = text.split_once("\r\n") {
                    let report: Value = serde_json::from_str(report).unwrap();
                    text = rest.to_string();
                    let _ = reporting.send(report);
                }
            }
        });
        Stream { records, reports }
    }

    async fn report(&mut self) -> Option<Value> {
        tokio::time::timeout(DEADLINE, self.reports.recv()).await.expect("a report, or the end")
    }
}

fn record(n: i32) -> Value {
    json!({"value": {"type": "JSON", "data": n}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_records_ends_with_its_login() {
    let broker = embedded_broker();
    let house = House::new(&broker).await;
    let topic = new_topic(&broker, "flights", 1).await;
    let mut stream = Stream::open(&house.user("owner"), &topic).await;
    assert_eq!(stream.report().await.unwrap()["error_code"], 200);
    stream.records.send(record(2)).unwrap();
    assert_eq!(stream.report().await.unwrap()["error_code"], 200);
    house.end_logins();
    // also if the client says nothing more
    assert_eq!(stream.report().await, Some(json!({"error_code": 401, "message": "Unauthorized"})));
    assert_eq!(stream.report().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_records_ends_with_its_right() {
    let broker = embedded_broker();
    let house = House::new(&broker).await;
    let topic = new_topic(&broker, "flights", 1).await;
    let mut stream = Stream::open(&house.user("owner"), &topic).await;
    assert_eq!(stream.report().await.unwrap()["error_code"], 200);
    house.add_rules(CLOSED);
    // not one record more
    let _ = stream.records.send(record(2));
    let last = stream.report().await.unwrap();
    assert_eq!(last["error_code"], 40301, "{last}");
    assert_eq!(stream.report().await, None);
    assert_eq!(native_read(&broker, &topic).await.len(), 1);
}

/// The answer to a read that waits, which is over long before its time.
async fn ended(house: &House, path: String, end: impl FnOnce()) -> Answer {
    let owner = house.user("owner");
    let began = Instant::now();
    let reading = tokio::spawn(async move { owner.get(&path).await });
    // wherever the read has come to
    tokio::time::sleep(Duration::from_millis(300)).await;
    end();
    let answer = reading.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(200), "{:?}", began.elapsed());
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_wait_end_with_the_login_or_the_right() {
    let broker = embedded_broker();
    let house = House::new(&broker).await;
    let owner = house.user("owner");
    let topic = new_topic(&broker, "flights", 1).await;
    let instance = owner.instance(&unique("departures")).await;
    done(&owner.post(&format!("{instance}/assignments"), partitions(&topic, &[0])).await);
    let of_instance = format!("{instance}/records?timeout=300000");
    let cluster = owner.cluster().await;
    let of_partition = format!("{cluster}/topics/{topic}/partitions/0/records?wait_ms=300000");
    for path in [of_instance, of_partition] {
        let answer = ended(&house, path.clone(), || house.end_logins()).await;
        answer.is_error(401, 401, "Unauthorized");
        denied(&ended(&house, path, || house.add_rules(CLOSED)).await);
        house.add_rules("");
    }
    // with a new login it goes on
    sent(&owner.produce(&topic, &[json!(1)]).await);
    let read = owner.get(&format!("{instance}/records?timeout=60000")).await;
    assert_eq!(read.json[0]["value"], 1, "{}", read.text);
}
