//! The REST proxy as a process.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use reqwest::Body;
use serde_json::{Value, json};
use weir_tests::{Api, kafka, unique};

use crate::process::Weir;

const JSON: &str = "application/vnd.kafka.json.v2+json";

/// SIGTERM while requests are being answered, a stream is open and a read waits: each gets its
/// answer, and what was answered is in Kafka.
#[tokio::test]
async fn sigterm_loses_no_answer_of_the_proxy() {
    let Some(kafka) = kafka() else { return };
    let topic = unique("sigterm");
    kafka.create_topic(&topic, 1).await;
    let mut command = Weir::serve_command(&["--bootstrap-servers", &kafka.bootstrap_servers]);
    let mut weir = Weir::spawn(&mut command);
    let api = weir.api("REST proxy on");
    let cluster = api.get("/v3/clusters").await.json["data"][0]["cluster_id"].clone();
    let records = format!("/v3/clusters/{}/topics/{topic}", cluster.as_str().unwrap());

    let writers: Vec<_> =
        (0..8).map(|n| tokio::spawn(write(api.clone(), topic.clone(), n))).collect();
    let streaming = tokio::spawn(stream(api.clone(), format!("{records}/records")));
    let waiting = {
        let (api, path) = (api.clone(), format!("{records}/partitions/0/records?from=latest"));
        tokio::spawn(async move { api.get(&path).await.status.as_u16() })
    };
    while api.get(&format!("/topics/{topic}/partitions/0/offsets")).await.json["end_offset"]
        .as_i64()
        < Some(200)
    {}
    weir.signal("TERM");
    let mut answered: BTreeSet<i64> = streaming.await.unwrap();
    assert!(!answered.is_empty());
    for writer in writers {
        answered.extend(writer.await.unwrap());
    }
    assert_eq!(waiting.await.unwrap(), 200);
    assert!(weir.wait().success());

    let proxy = kafka.proxy().await;
    let end = proxy.api.get(&format!("/topics/{topic}/partitions/0/offsets")).await;
    let end = end.json["end_offset"].as_i64().unwrap();
    assert_eq!(answered.len(), answered.range(..end).count(), "{end} are there");
}

/// Produces records until nobody listens any more; the offsets that were answered.
async fn write(api: Api, topic: String, writer: usize) -> BTreeSet<i64> {
    let mut offsets = BTreeSet::new();
    for n in 0.. {
        let request = api
            .request(reqwest::Method::POST, &format!("/topics/{topic}"))
            .header("content-type", JSON)
            .body(json!({"records": [{"value": format!("{writer}-{n}")}]}).to_string());
        match request.send().await {
            // refused, because nobody listens any more: that request was never taken
            Err(error) if error.is_connect() || error.is_request() => break,
            Err(error) => panic!("an answer was lost: {error:?}"),
            Ok(response) => {
                let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
                let offset =
                    answer["offsets"][0]["offset"].as_i64().unwrap_or_else(|| panic!("{answer}"));
                assert!(offsets.insert(offset), "{offset} was answered twice");
            }
        }
    }
    offsets
}

/// Streams records until the answer ends; the offsets that were reported.
async fn stream(api: Api, path: String) -> BTreeSet<i64> {
    let pieces = futures_util::stream::unfold(0, |n| async move {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        let record = json!({"value": {"type": "JSON", "data": n}}).to_string();
        Some((Ok::<_, std::io::Error>(record), n + 1))
    });
    let request = api
        .request(reqwest::Method::POST, &path)
        .header("content-type", "application/json")
        .body(Body::wrap_stream(pieces));
    let mut answer = request.send().await.unwrap().bytes_stream();
    let mut text = Vec::new();
    while let Some(piece) = answer.next().await {
        match piece {
            Ok(piece) => text.extend(piece),
            Err(_) => break, // the request was still going on
        }
    }
    let text = String::from_utf8(text).unwrap();
    let mut offsets = BTreeSet::new();
    for line in text.lines() {
        let report: Value = serde_json::from_str(line).expect("a report is whole");
        let offset = report["offset"].as_i64().expect(line);
        assert!(offsets.insert(offset), "{offset} was reported twice");
    }
    offsets
}
