//! Errors: what they name, which are worth another try, and what is behind them.

use std::error::Error;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use weir_schema::avro::codec::CodecError;
use weir_serde::api::{ErrorCode, Guid, RegisterRequest, SchemaId, Subject, VersionSpec};
use weir_serde::{
    AvroDeserializer, AvroSerializer, ClientError, FrameError, Part, RegistryClient, SchemaName,
    SubjectNameStrategy,
};
use weir_tests::serve;

use super::counted;

const ORDER: &str = r#"{"type":"record","name":"Order","fields":[
    {"name":"lines","type":{"type":"array","items":{"type":"record","name":"Line","fields":[
        {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}},
        {"name":"on","type":{"type":"int","logicalType":"date"}}]}}}]}"#;

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only reading them counts")]
struct Order {
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only reading them counts")]
struct Line {
    price: String,
    on: String,
}

fn order(price: &str, on: &str) -> serde_json::Value {
    json!({"lines": [{"price": "1.00", "on": "2026-11-29"}, {"price": price, "on": on}]})
}

#[tokio::test]
async fn an_error_of_data_names_the_schema_the_topic_and_the_field() {
    let (client, _) = counted().await;
    let writer = AvroSerializer::<serde_json::Value>::new(client.clone(), ORDER).unwrap();
    for (wrong, wanted) in [
        (
            order("1.234", "2026-11-29"),
            "lines[1].price: \"1.234\" is not a decimal of precision 4 and scale 2 (stored as bytes) \
             (schema 1, value of topic orders)",
        ),
        (
            order("1", "yesterday"),
            "lines[1].on: \"yesterday\" is not a date (stored as an int) \
             (schema 1, value of topic orders)",
        ),
        (
            json!({"lines": [], "more": 1}),
            "Order has no field more (schema 1, value of topic orders)",
        ),
    ] {
        for _ in 0..2 {
            let error = writer.serialize("orders", Part::Value, &wrong).await.unwrap_err();
            assert_eq!(error.to_string(), wanted);
        }
        let error = writer.serialize_with_header("orders", Part::Value, &wrong).await;
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), wanted);
        let ClientError::Codec(data) = &error else { panic!("{error:?}") };
        assert_eq!(data.schema(), Some(SchemaName::Id(SchemaId(1))));
        assert_eq!(data.topic(), Some(("orders", Part::Value)));
        let codec = error.source().and_then(|e| e.downcast_ref::<CodecError>()).unwrap();
        assert_eq!(codec.path(), data.path());
        assert!(!error.is_retryable());
    }

    let right = order("1.5", "2026-11-29");
    let (header, data) = writer.serialize_with_header("orders", Part::Value, &right).await.unwrap();
    let payload = writer.serialize("orders", Part::Value, &right).await.unwrap();
    let reader = AvroDeserializer::<Order>::new(client.clone());
    let guid = Guid(header.value[1..].try_into().unwrap());
    for _ in 0..2 {
        let error = reader.deserialize(&payload[..payload.len() - 2]).await.unwrap_err();
        assert_eq!(error.to_string(), "lines[1].on: the data ends early, in a number (schema 1)");
        let error = reader.deserialize_with_header(Some(&header.value), &data[..1]).await;
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with("lines") || text.contains("ends early"), "{text}");
        assert!(text.ends_with(&format!("(schema {guid})")), "{text}");
    }
}

#[tokio::test]
async fn a_schema_that_cannot_be_used_is_named() {
    let router = Router::new().fallback(|| async {
        r#"{"schema":"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"x.Y\"}]}"}"#
    });
    weir_tests::crypto();
    let client = RegistryClient::new(&format!("http://{}", serve(router).await)).unwrap();
    let error = client.avro_codec(SchemaId(7)).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("the schema cannot be used: schema 7: "), "{text}");
    assert!(error.source().is_some_and(|e| text.ends_with(&e.to_string())), "{error:?}");
}

#[tokio::test]
async fn an_id_that_no_registry_gives_is_not_asked_for() {
    let (client, count) = counted().await;
    let reader = AvroDeserializer::<String>::new(client.clone());
    for id in [i32::MAX as u32 + 1, u32::MAX] {
        let payload = [&[0][..], &id.to_be_bytes(), &[2, b'a']].concat();
        let errors = [
            reader.deserialize(&payload).await.unwrap_err(),
            client.avro_codec(SchemaId(id)).await.map(drop).unwrap_err(),
            client.schema_by_id(SchemaId(id)).await.map(drop).unwrap_err(),
            client.versions_of_id(SchemaId(id)).await.map(drop).unwrap_err(),
            client.subjects_of_id(SchemaId(id)).await.map(drop).unwrap_err(),
            AvroSerializer::<str>::new(client.clone(), "\"string\"")
                .unwrap()
                .use_id(SchemaId(id), false)
                .serialize("topic", Part::Value, "a")
                .await
                .unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, ClientError::Schema(_)), "{error:?}");
            assert!(error.to_string().contains(&id.to_string()), "{error}");
        }
    }
    assert_eq!(count.load(Ordering::Relaxed), 0);
    let error = client.schema_by_id(SchemaId(i32::MAX as u32)).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::SchemaNotFound));
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_topic_without_a_name_is_not_asked_for() {
    let (client, count) = counted().await;
    for strategy in [SubjectNameStrategy::Topic, SubjectNameStrategy::TopicRecord] {
        let writer = AvroSerializer::<serde_json::Value>::new(client.clone(), ORDER).unwrap();
        let writer = writer.subject_names(strategy);
        let error = writer.serialize("", Part::Value, &json!({"lines": []})).await.unwrap_err();
        assert!(matches!(error, ClientError::Configuration(_)), "{error:?}");
        assert!(error.to_string().contains("topic's name is empty"), "{error}");
    }
    let by_id = AvroSerializer::<str>::new(client.clone(), "\"string\"").unwrap();
    let by_id = by_id.use_id(SchemaId(1), false);
    by_id.serialize("", Part::Key, "a").await.unwrap_err();
    Part::Key.subject("").unwrap_err();
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_may_pass_is_worth_another_try() {
    weir_tests::crypto();
    for (status, retryable) in [(400, false), (404, false), (408, true), (409, false), (422, false)]
        .into_iter()
        .chain([(429, true), (500, true), (502, true), (503, true)])
    {
        for body in [r#"{"error_code":50004,"message":"no leader"}"#, "<html>Bad Gateway</html>"] {
            let answer = (StatusCode::from_u16(status).unwrap(), body);
            let router = Router::new().fallback(move || async move { answer });
            let url = format!("http://{}", serve(router).await);
            let client = RegistryClient::builder(&url).retries(0, Duration::ZERO, Duration::ZERO);
            let error = client.build().unwrap().subjects("").await.unwrap_err();
            assert_eq!(error.is_retryable(), retryable, "{status} {body}: {error:?}");
            let code = body.starts_with('{').then_some(ErrorCode::NoLeader);
            assert_eq!(error.code(), code, "{status} {body}");
        }
    }
    let (client, _) = counted().await;
    let unknown = Subject::new("unknown").unwrap();
    let error = client.version(&unknown, VersionSpec::Latest).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (Some(ErrorCode::SubjectNotFound), false));
    let request = RegisterRequest { schema: Some("{".into()), ..Default::default() };
    let error = client.register(&unknown, &request, false).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (Some(ErrorCode::InvalidSchema), false));
}

#[tokio::test]
async fn the_causes_are_there() {
    weir_tests::crypto();
    let client = RegistryClient::builder("http://127.0.0.1:1");
    let client = client.retries(0, Duration::ZERO, Duration::ZERO).build().unwrap();
    let error = client.subjects("").await.unwrap_err();
    assert!(error.is_retryable());
    let mut source: Option<&dyn Error> = error.source();
    let mut refused = false;
    while let Some(cause) = source {
        assert!(error.to_string().contains(&cause.to_string()), "{cause} is not in {error}");
        refused |= cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::ConnectionRefused);
        source = cause.source();
    }
    assert!(refused, "{error:?}");

    let frame = ClientError::from(FrameError::Short { length: 3 });
    assert_eq!(
        frame.source().and_then(|e| e.downcast_ref()),
        Some(&FrameError::Short { length: 3 })
    );
    let error = RegistryClient::new("registry").map(drop).unwrap_err();
    assert!(error.source().is_some(), "{error:?}");
}

#[tokio::test]
async fn a_password_is_in_no_error() {
    weir_tests::crypto();
    let secret = |url: &str| url.replace("://", "://ada:secret@");
    let hangs = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(); // nobody accepts
    let silent = secret(&format!("http://{}", hangs.local_addr().unwrap()));
    for url in [&silent, &secret("http://127.0.0.1:1"), &secret("ftp://x"), &secret("http://[")] {
        let client = RegistryClient::builder(url)
            .timeout(Duration::from_millis(200))
            .retries(0, Duration::ZERO, Duration::ZERO)
            .build();
        let error = match client {
            Ok(client) => client.subjects("").await.unwrap_err(),
            Err(error) => error,
        };
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    let proxy = RegistryClient::builder("http://127.0.0.1:1").proxy("http://ada:secret@[");
    let error = proxy.build().map(drop).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
}
