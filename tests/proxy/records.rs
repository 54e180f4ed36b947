//! `GET /consumers/{group}/instances/{instance}/records`

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};
use weir_proxy::ProxyConfig;
use weir_tests::{Answer, TestBroker, embedded_broker, unique};

use super::fixtures::*;

on_both_brokers! {
    binary_null_and_empty_are_kept_apart
    json_that_others_wrote_is_read
    avro_that_others_wrote_is_read
    a_waiting_read_is_answered_as_soon_as_there_is_a_record
    a_record_without_bytes_is_a_record
    a_read_of_nothing_waits_as_long_as_it_was_asked_to
    a_read_of_nothing_waits_as_long_as_the_instance_says
    a_read_waits_for_the_bytes_that_the_instance_asks_for
    max_bytes_bounds_an_answer_and_loses_nothing
    a_record_that_is_larger_than_max_bytes_comes_alone
    records_that_a_client_did_not_wait_for_come_with_the_next_read
    two_reads_at_a_time_share_the_records
    other_requests_do_not_wait_for_a_read
    latest_reads_only_what_is_new
    none_without_a_commit_is_an_error
    what_is_not_json_is_an_entry_with_its_bytes
    what_is_not_avro_is_an_entry_with_its_bytes
    what_has_no_schema_is_text_or_base64
    what_is_not_text_is_an_entry_with_its_bytes
    a_record_of_an_unreachable_registry_is_40801
}

fn native(text: &str) -> Option<&[u8]> {
    Some(text.as_bytes())
}

async fn binary_null_and_empty_are_kept_apart(broker: &TestBroker) {
    let topic = new_topic(broker, "posters", 1).await;
    let proxy = broker.proxy().await;
    let written = [
        (native("SFO"), Some(&[0, 1, 2, 255][..])),
        (None, native("")),
        (native(""), None),
        (native("\0"), native("null")),
        (None, None),
    ];
    native_write(broker, &topic, &written).await;
    let read = Consumer::of(&proxy, &topic, "binary").await.take_data(5).await;
    let expected = [
        (json!("U0ZP"), json!("AAEC/w==")),
        (json!(null), json!("")),
        (json!(""), json!(null)),
        (json!("AA=="), json!("bnVsbA==")),
        (json!(null), json!(null)),
    ];
    assert_eq!(read, expected);
}

async fn json_that_others_wrote_is_read(broker: &TestBroker) {
    let topic = new_topic(broker, "movies", 1).await;
    let proxy = broker.proxy().await;
    let movie = "{\n  \"Title\" : \"Am\\u00e9lie\",\r\n\t\"US_Gross\" : 33201661 }\n";
    let written = [
        (native("7"), native(movie)),
        (None, native("null")),
        (native("\"\""), native("9007199254740993")),
        (native("0"), None),
        (native("false"), native("-0.0")),
    ];
    native_write(broker, &topic, &written).await;
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    let read = consumer.take_data(5).await;
    assert_eq!(read[0], (json!(7), json!({"Title": "Amélie", "US_Gross": 33201661})));
    assert_eq!(read[1], (json!(null), json!(null)));
    assert_eq!(read[2], (json!(""), json!(9_007_199_254_740_993_i64)));
    assert_eq!(read[3], (json!(0), json!(null)));
    assert_eq!((&read[4].0, read[4].1.to_string()), (&json!(false), "-0.0".to_string()));
}

async fn avro_that_others_wrote_is_read(broker: &TestBroker) {
    let topic = new_topic(broker, "movies", 1).await;
    let proxy = broker.proxy().await;
    // the subject of the schema is of no matter to a reader
    let id = register(&proxy, "films", MOVIE).await;
    let [a, b, c, d] = u32::try_from(id).unwrap().to_be_bytes();
    let of = |data: &[u8]| [&[0, a, b, c, d], data].concat();
    let rated = of(&[&[2, 6, b'A', b'n', b'g', 2, 0x80, 1, 2], &6.1f64.to_le_bytes()[..]].concat());
    let unknown = of(&[0, 0, 0]);
    let unrated = of(&[&[0, 0, 2], &f64::NAN.to_le_bytes()[..]].concat());
    let written =
        [(None, Some(&rated[..])), (None, Some(&unknown)), (None, None), (None, Some(&unrated))];
    native_write(broker, &topic, &written).await;
    let read = Consumer::of(&proxy, &topic, "avro").await.take_data(4).await;
    let title = json!({"string": "Ang"});
    let expected = [
        json!({"Title": title, "US_Gross": {"long": 64}, "IMDB_Rating": {"double": 6.1}}),
        json!({"Title": null, "US_Gross": null, "IMDB_Rating": null}),
        json!(null),
        json!({"Title": null, "US_Gross": null, "IMDB_Rating": {"double": "NaN"}}),
    ];
    assert_eq!(read.into_iter().map(|(_, value)| value).collect::<Vec<_>>(), expected);
}

// When a read is answered

async fn a_waiting_read_is_answered_as_soon_as_there_is_a_record(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    consumer.take_none().await;
    let begun = Instant::now();
    let write = async {
        consumer.api.get("/").await; // so that the read is on its way
        sent(&produce(&proxy, &topic, JSON, &records(&flights()[..1])).await);
    };
    let (answer, ()) = tokio::join!(consumer.get("/records?timeout=20000"), write);
    has_read(&answer, &[record(&topic, 0, 0, &flights()[0])]);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    // and one that finds records does not wait
    sent(&produce(&proxy, &topic, JSON, &records(&flights()[1..])).await);
    let begun = Instant::now();
    let mut offsets = Vec::new();
    while offsets.len() < 2 {
        let answer = consumer.get("/records?timeout=20000").await;
        offsets.extend(answer.json.as_array().unwrap().iter().map(|r| r["offset"].clone()));
    }
    assert_eq!(offsets, [json!(1), json!(2)]);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

async fn a_record_without_bytes_is_a_record(broker: &TestBroker) {
    let topic = new_topic(broker, "posters", 1).await;
    let proxy = broker.proxy().await;
    native_write(broker, &topic, &[(None, None), (native(""), None), (None, native(""))]).await;
    let consumer = Consumer::of(&proxy, &topic, "binary").await;
    let begun = Instant::now();
    assert_eq!(consumer.take_offsets(3).await, [0, 1, 2]);
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
}

/// Reads nothing, and how long that takes.
async fn waits(consumer: &Consumer, params: &str) -> Duration {
    let begun = Instant::now();
    consumer.get(&format!("/records{params}")).await.is(json!([]));
    begun.elapsed()
}

async fn a_read_of_nothing_waits_as_long_as_it_was_asked_to(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    for ms in [1, 400, 1500] {
        let (asked, waited) =
            (Duration::from_millis(ms), waits(&consumer, &format!("?timeout={ms}")).await);
        assert!(waited >= asked && waited < asked + Duration::from_secs(3), "{ms} {waited:?}");
    }
    // without partitions there is nothing to wait for, but a client in a loop must not spin
    let idle = Consumer::new(&proxy, json!({})).await;
    assert!(waits(&idle, "?timeout=400").await >= Duration::from_millis(400));
}

async fn a_read_of_nothing_waits_as_long_as_the_instance_says(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({"consumer.request.timeout.ms": 300})).await;
    consumer.assign(&topic, &[0]).await;
    for params in ["", "?timeout=0", "?timeout=-1"] {
        let waited = waits(&consumer, params).await;
        assert!(
            waited >= Duration::from_millis(300) && waited < Duration::from_secs(3),
            "{waited:?}"
        );
    }
    let waited = waits(&Consumer::of(&proxy, &topic, "json").await, "").await;
    assert!(waited >= Duration::from_secs(1) && waited < Duration::from_secs(4), "{waited:?}");
}

async fn a_read_waits_for_the_bytes_that_the_instance_asks_for(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    let settings = json!({"format": "json", "fetch.min.bytes": 100});
    let consumer = Consumer::new(&proxy, settings).await;
    consumer.assign(&topic, &[0]).await;
    sent(&produce(&proxy, &topic, JSON, &records(&[json!("SAT")])).await);
    // too few bytes come when the time is over
    let begun = Instant::now();
    let answer = consumer.get("/records?timeout=4000").await;
    has_read(&answer, &[record(&topic, 0, 0, &json!("SAT"))]);
    assert!(begun.elapsed() >= Duration::from_millis(4000), "{:?}", begun.elapsed());
    // enough bytes come at once
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let begun = Instant::now();
    let answer = consumer.get("/records?timeout=20000").await;
    assert!(answer.json.as_array().unwrap().len() >= 2, "{}", answer.text);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

// How much an answer holds

async fn max_bytes_bounds_an_answer_and_loses_nothing(broker: &TestBroker) {
    let topic = new_topic(broker, "tickets", 1).await;
    let proxy = broker.proxy().await;
    let data = [b't'; 50];
    native_write(broker, &topic, &vec![(Some(&data[..]), Some(&data[..])); 12]).await;
    let consumer = Consumer::of(&proxy, &topic, "binary").await;
    let mut offsets = Vec::new();
    for max_bytes in [1, 99, 100, 199, 200, 299].into_iter().chain(std::iter::repeat(350)) {
        let answer = consumer.get(&format!("/records?timeout=60000&max_bytes={max_bytes}")).await;
        let read = answer.json.as_array().unwrap();
        assert!((1..=(max_bytes / 100).max(1)).contains(&read.len()), "{max_bytes} {}", read.len());
        offsets.extend(read.iter().map(|record| record["offset"].as_u64().unwrap()));
        if offsets.len() == 12 {
            break;
        }
    }
    assert_eq!(offsets, (0..12).collect::<Vec<_>>());
    consumer.take_none().await;
}

async fn a_record_that_is_larger_than_max_bytes_comes_alone(broker: &TestBroker) {
    let topic = new_topic(broker, "tickets", 1).await;
    let proxy = broker.proxy().await;
    let large = vec![b't'; 5000];
    let written = [
        (None, native("small")),
        (None, Some(&large[..])),
        (None, Some(&large)),
        (None, native("")),
    ];
    native_write(broker, &topic, &written).await;
    let consumer = Consumer::of(&proxy, &topic, "binary").await;
    for offset in 0..4 {
        let answer = consumer.get("/records?timeout=60000&max_bytes=100").await;
        let offsets: Vec<_> =
            answer.json.as_array().unwrap().iter().map(|r| r["offset"].as_i64().unwrap()).collect();
        assert_eq!(offsets, [offset]);
    }
    consumer.take_none().await;
}

#[tokio::test]
async fn max_bytes_that_are_not_positive_are_the_default() {
    let broker = embedded_broker();
    let topic = new_topic(&broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let consumer = Consumer::new(&proxy, json!({"format": "json", "fetch.min.bytes": 180})).await;
    consumer.assign(&topic, &[0]).await;
    for max_bytes in ["0", "-1", "9223372036854775807"] {
        let answer = consumer.get(&format!("/records?timeout=60000&max_bytes={max_bytes}")).await;
        assert_eq!(answer.json.as_array().unwrap().len(), 3, "{}", answer.text);
        done(&consumer.post("/positions/beginning", &partitions(&topic, &[0])).await);
    }
}

#[tokio::test]
async fn a_parameter_that_is_no_number_is_404() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    for params in ["timeout=soon", "max_bytes=many", "max_bytes=1.5"] {
        let answer = consumer.get(&format!("/records?{params}")).await;
        answer.is_error(404, 404, "HTTP 404 Not Found");
    }
}

// Nothing is lost, nothing comes twice

async fn records_that_a_client_did_not_wait_for_come_with_the_next_read(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    let path = consumer.path("/records?timeout=20000");
    let request = proxy.api.request(Method::GET, &path).timeout(Duration::from_millis(300));
    assert!(request.send().await.unwrap_err().is_timeout());
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    assert_eq!(consumer.take_offsets(3).await, [0, 1, 2]);
    consumer.take_none().await;
}

async fn two_reads_at_a_time_share_the_records(broker: &TestBroker) {
    let topic = new_topic(broker, "tickets", 1).await;
    let proxy = broker.proxy().await;
    let values: Vec<Value> = (0..200).map(|n| json!(n)).collect();
    sent(&produce(&proxy, &topic, JSON, &records(&values)).await);
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    let mut found = Vec::new();
    let deadline = Instant::now() + DEADLINE;
    while found.len() < 200 {
        assert!(Instant::now() < deadline, "{} of 200 records", found.len());
        let read = || consumer.get("/records?timeout=1000&max_bytes=30");
        let (one, two, three) = tokio::join!(read(), read(), read());
        for answer in [one, two, three] {
            found.extend(
                answer.json.as_array().unwrap().iter().map(|r| r["value"].as_i64().unwrap()),
            );
        }
    }
    found.sort_unstable();
    assert_eq!(found, (0..200).collect::<Vec<_>>());
}

async fn other_requests_do_not_wait_for_a_read(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 2).await;
    let proxy = broker.proxy().await;
    sent(
        &produce(&proxy, &topic, JSON, &json!({"records": [{"value": "SAT", "partition": 0}]}))
            .await,
    );
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    consumer.take(1).await;
    let others = async {
        consumer.api.get("/").await; // so that the read is on its way
        consumer.get("/assignments").await.is(partitions(&topic, &[0]));
        consumer.get("/subscription").await.is(json!({"topics": []}));
        consumer.post_nothing("/offsets").await.is(json!([]));
        assert_eq!(consumer.committed(&topic, 0).await, Some(1));
        let sun = json!({"records": [{"value": "SUN", "partition": 0}]});
        sent(&produce(&proxy, &topic, JSON, &sun).await);
    };
    // had they waited for it, it would have ended before there was a record
    let (answer, ()) = tokio::join!(consumer.get("/records?timeout=20000"), others);
    has_read(&answer, &[record(&topic, 0, 1, &json!("SUN"))]);
}

// Where an instance begins

async fn latest_reads_only_what_is_new(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights()[..2])).await);
    let settings = json!({"format": "json", "auto.offset.reset": "latest"});
    let consumer = Consumer::new(&proxy, settings).await;
    consumer.assign(&topic, &[0]).await;
    // where it begins is settled when its first read is over
    consumer.get("/records?timeout=2000").await.is(json!([]));
    sent(&produce(&proxy, &topic, JSON, &records(&flights()[2..])).await);
    assert_eq!(consumer.take(1).await, [record(&topic, 0, 2, &flights()[2])]);
}

async fn none_without_a_commit_is_an_error(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let settings = json!({"format": "json", "auto.offset.reset": "none"});
    let consumer = Consumer::new(&proxy, settings).await;
    consumer.assign(&topic, &[0]).await;
    refused(&consumer.get("/records?timeout=5000").await, 500, 50002);
    // a position ends it
    done(&consumer.post("/positions", &offset(&topic, 0, 1)).await);
    assert_eq!(consumer.take_offsets(2).await, [1, 2]);
}

// Formats

async fn accepting(consumer: &Consumer, accept: &str) -> Answer {
    let path = consumer.path("/records?timeout=50");
    consumer.api.send(consumer.api.request(Method::GET, &path).header(ACCEPT, accept)).await
}

#[tokio::test]
async fn another_format_than_that_of_the_instance_is_40601() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let message = "The requested embedded data format does not match the deserializer for this consumer instance";
    let formats = [("binary", BINARY), ("json", JSON), ("avro", AVRO)];
    for (format, own) in formats {
        let consumer = Consumer::new(&proxy, json!({"format": format})).await;
        for (_, accept) in formats.iter().filter(|(_, accept)| *accept != own) {
            accepting(&consumer, accept).await.is_error(406, 40601, message);
        }
    }
}

#[tokio::test]
async fn records_have_the_media_type_of_their_format() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    for (format, own) in [("binary", BINARY), ("json", JSON), ("avro", AVRO)] {
        let consumer = Consumer::new(&proxy, json!({"format": format})).await;
        for accept in [
            own.to_string(),
            "*/*".to_string(),
            format!("{V2}, {own};q=0.5"),
            format!("text/html, {}; charset=utf-8", own.to_uppercase()),
            format!("{BINARY}, {JSON}, {AVRO}"),
        ] {
            let answer = accepting(&consumer, &accept).await;
            answer.is(json!([]));
            assert_eq!(answer.headers["content-type"], own, "{accept}");
        }
        // without `Accept` it is that of the instance
        let answer = consumer.get("/records?timeout=50").await;
        assert_eq!(answer.headers["content-type"], own);
    }
}

#[tokio::test]
async fn a_client_that_accepts_no_records_is_406() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    for accept in ["text/html", "application/xml", "application/vnd.kafka.json.v1+json"] {
        accepting(&consumer, accept).await.is_error(406, 406, "HTTP 406 Not Acceptable");
    }
    let answer = accepting(&consumer, &format!("{JSON};q=0")).await;
    assert_eq!(answer.status, 406, "{}", answer.text);
}

// Records that cannot be read

/// Each of the records, in a topic of its own, is an entry that says why and has its bytes, and ends
/// nothing. With Confluent's quirks it is 40801, again and again.
async fn unreadable(broker: &TestBroker, format: &str, written: &[(&[u8], &str)]) {
    for config in [ProxyConfig::default(), quirky()] {
        unreadable_with(broker, config, format, written).await;
    }
}

async fn unreadable_with(
    broker: &TestBroker,
    config: ProxyConfig,
    format: &str,
    written: &[(&[u8], &str)],
) {
    let quirky = config.confluent_quirks;
    let proxy = broker.proxy_with(config).await;
    let id = register(
        &proxy,
        "flights-value",
        r#"{"type":"record","name":"Flight","fields":[{"name":"origin","type":"string"}]}"#,
    )
    .await;
    assert_eq!(id, 1);
    for (data, message) in written {
        for (key, value) in [(Some(*data), None), (None, Some(*data))] {
            let topic = new_topic(broker, "flights", 1).await;
            native_write(broker, &topic, &[(key, value), (None, None)]).await;
            let consumer = Consumer::of(&proxy, &topic, format).await;
            if quirky {
                for _ in 0..2 {
                    let answer = consumer.get("/records?timeout=1000").await;
                    if answer.json == json!([]) {
                        continue; // nothing was there yet
                    }
                    refused(&answer, 408, 40801);
                    let found = answer.json["message"].as_str().unwrap();
                    assert!(found.contains(message), "{message}: {found}");
                }
                consumer.post_nothing("/offsets").await.is(json!([]));
                assert_eq!(consumer.committed(&topic, 0).await, None);
                continue;
            }
            let taken = consumer.take(2).await;
            let base64 = |data: Option<&[u8]>| json!(data.map(|data| STANDARD.encode(data)));
            let found = taken[0]["error"]["message"].as_str().unwrap();
            assert!(found.contains(message), "{message}: {found}");
            let mut expected = record(&topic, 0, 0, &Value::Null);
            expected["error"] = json!({"error_code": 40801, "message": found, "key": base64(key), "value": base64(value)});
            assert_eq!(taken, [expected, record(&topic, 0, 1, &Value::Null)]);
            consumer.post_nothing("/offsets").await.is(json!([]));
            assert_eq!(consumer.committed(&topic, 0).await, Some(2));
        }
    }
}

async fn what_is_not_json_is_an_entry_with_its_bytes(broker: &TestBroker) {
    let not_json = "The record is not JSON: ";
    let written: [(&[u8], &str); 5] = [
        (b"SAT", not_json),
        (b"{\"delay\":", not_json),
        (b"", not_json),
        (b"1 2", not_json),
        (b"\"\xff\"", not_json),
    ];
    unreadable(broker, "json", &written).await;
}

async fn what_is_not_avro_is_an_entry_with_its_bytes(broker: &TestBroker) {
    let written: [(&[u8], &str); 3] = [
        (&[0, 0, 0, 0, 99, 6, b'S', b'A', b'T'], "Schema 99 not found; error code: 40403"),
        (&[0, 0, 0, 0, 1, 6, b'S', b'A'], ""),
        (&[0, 0, 0, 0, 1], ""),
    ];
    unreadable(broker, "avro", &written).await;
}

async fn what_has_no_schema_is_text_or_base64(broker: &TestBroker) {
    let written: [(&[u8], &str); 3] = [
        (b"SAT to HOU", "the payload begins with 0x53 and not with the magic byte 0x00"),
        (b"", "the payload has 0 bytes, too few for a schema id"),
        (&[0, 0, 0, 1], "the payload has 4 bytes, too few for a schema id"),
    ];
    unreadable_with(broker, quirky(), "avro", &written).await;
    let topic = new_topic(broker, "flights", 1).await;
    for (data, _) in written {
        native_write(broker, &topic, &[(Some(data), None), (None, Some(data))]).await;
    }
    let proxy = broker.proxy().await;
    let taken = Consumer::of(&proxy, &topic, "avro").await.take(6).await;
    let texts = [("SAT to HOU", "text"), ("", "text"), ("AAAAAQ==", "binary")];
    for (n, (text, format)) in texts.into_iter().enumerate() {
        let (of_key, of_value) = (&taken[2 * n], &taken[2 * n + 1]);
        assert_eq!((&of_key["key"], &of_key["key_format"]), (&json!(text), &json!(format)));
        assert_eq!((&of_value["value"], &of_value["value_format"]), (&json!(text), &json!(format)));
        assert_eq!((of_key.get("error"), of_value.get("error")), (None, None));
    }
}

async fn what_is_not_text_is_an_entry_with_its_bytes(broker: &TestBroker) {
    let written: [(&[u8], &str); 2] = [
        (b"SAT \xff", "The record is not text: "),
        (&[0xc3], "The record is not text: incomplete utf-8"),
    ];
    unreadable(broker, "text", &written).await;
}

async fn a_record_of_an_unreachable_registry_is_40801(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    native_write(broker, &topic, &[(None, Some(&[0, 0, 0, 0, 1, 6, b'S', b'A', b'T']))]).await;
    let proxy = proxy_at(&broker.bootstrap_servers, "http://127.0.0.1:1").await;
    let consumer = Consumer::of(&proxy, &topic, "avro").await;
    let answer = consumer.get("/records?timeout=60000").await;
    refused(&answer, 408, 40801);
    let message = answer.json["message"].as_str().unwrap();
    assert!(message.starts_with("the schema registry cannot be reached"), "{message}");
}

#[tokio::test]
async fn a_deleted_instance_answers_its_waiting_read() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::of(&proxy, &unique("flights"), "json").await;
    let begun = Instant::now();
    let delete = async {
        consumer.api.get("/").await; // so that the read is on its way
        done(&consumer.delete().await);
        begun.elapsed()
    };
    let (_, took) = tokio::join!(consumer.get("/records?timeout=3000"), delete);
    assert!(took < Duration::from_secs(2), "{took:?}");
    consumer.get("/records").await.is_error(404, 40403, "Consumer instance not found.");
}
