//! What lasts is said once, and not again and again.

use crate::process::Weir;

#[tokio::test]
async fn a_kafka_that_is_away_is_said_once_by_each_part() {
    let mut weir = Weir::spawn(&mut Weir::serve_command(&["--bootstrap-servers", "127.0.0.1:1"]));
    let proxy = weir.api("REST proxy on");
    for _ in 0..3 {
        let body = r#"{"records": [{"value": "AAEC"}]}"#.to_string();
        let answer =
            proxy.post_as("/topics/away", "application/vnd.kafka.binary.v2+json", body).await;
        assert_eq!(answer.json["offsets"][0]["error_code"], 50003, "{}", answer.text);
    }
    weir.signal("TERM");
    weir.wait();
    let of = |text: &str| weir.output.iter().filter(|line| line.contains(text)).count();
    assert_eq!(
        of("Kafka is not reached: Broker 127.0.0.1:1 cannot be reached: Connection refused"),
        1
    );
    // at once, after ten seconds, and if the reason has changed meanwhile
    assert!((1..=3).contains(&of("Kafka is not reached")), "{:#?}", weir.output);
    assert!(of("librdkafka") <= 3, "{:#?}", weir.output);
    assert_eq!(of("librdkafka: librdkafka"), 0, "{:#?}", weir.output);
    assert_eq!(of("Os {"), 0, "{:#?}", weir.output);
}

#[tokio::test]
async fn a_registry_that_is_away_is_said_once() {
    let args = ["--roles", "proxy", "--schema-registry-url", "http://me:hunter2@127.0.0.1:1"];
    let kafka = ["--bootstrap-servers", "127.0.0.1:1", "--proxy-listener", "127.0.0.1:0"];
    let mut weir = Weir::start(&[&["serve"][..], &args, &kafka].concat());
    let proxy = weir.api("REST proxy on");
    for _ in 0..2 {
        let body = r#"{"value_schema": "\"int\"", "records": [{"value": 7}]}"#.to_string();
        let avro = "application/vnd.kafka.avro.v2+json";
        assert_eq!(proxy.post_as("/topics/away", avro, body).await.status, 422);
    }
    weir.signal("TERM");
    weir.wait();
    let said: Vec<_> =
        weir.output.iter().filter(|line| line.contains("schema registry does")).collect();
    assert_eq!(said.len(), 1, "{:#?}", weir.output);
    assert!(!weir.output.join("\n").contains("hunter2"));
}
