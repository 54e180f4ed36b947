//! The serde client against a registry on a port.
#![allow(clippy::unwrap_used)] // how a test fails

mod bytes;
mod choices;
mod derived;
mod endpoints;
mod errors;
mod headers;
mod json;
mod oauth;
mod offline;
mod protobuf;
mod redirects;
mod transport;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use serde::{Deserialize, Serialize};
use serde_json::json;
use weir_http::AllowedHost;
use weir_registry::Registry;
use weir_registry::log::MemoryLog;
use weir_serde::api::{
    CompatibilityLevel, Reference, RegisterRequest, SchemaId, Subject, VersionSpec,
};
use weir_serde::{AvroDeserializer, AvroSerializer, ClientError, Part, RegistryClient};
use weir_tests::serve_for;

/// A stock's price on a day, as the vega-datasets package has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stock {
    symbol: String,
    date: String,
    price: f64,
}

const STOCK: &str = r#"{"type":"record","name":"Stock","fields":[
    {"name":"symbol","type":"string"},{"name":"date","type":"string"},
    {"name":"price","type":"double"}]}"#;

fn stock() -> Stock {
    Stock { symbol: "MSFT".into(), date: "Jan 1 2000".into(), price: 39.81 }
}

/// A registry, and how many requests it got.
async fn counted() -> (RegistryClient, Arc<AtomicUsize>) {
    let (url, count) = counted_url().await;
    (RegistryClient::new(&url).unwrap(), count)
}

async fn counted_url() -> (String, Arc<AtomicUsize>) {
    counted_url_for(&[]).await
}

/// A registry that answers requests for other hosts, too, as a proxy does.
async fn counted_url_for(hosts: &[AllowedHost]) -> (String, Arc<AtomicUsize>) {
    weir_tests::crypto();
    let count = Arc::new(AtomicUsize::new(0));
    let seen = count.clone();
    let registry = Registry::open(MemoryLog::default()).unwrap();
    let router =
        weir_registry::router(registry).layer(from_fn(move |request: Request, next: Next| {
            seen.fetch_add(1, Ordering::Relaxed);
            next.run(request)
        }));
    let address = serve_for(router, hosts).await;
    (format!("http://{address}/"), count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_is_asked_for_once_however_many_ask() {
    let (client, count) = counted().await;
    let serializer = AvroSerializer::<Stock>::new(client.clone(), STOCK).unwrap();
    let payload = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
    for _ in 0..10 {
        serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
    }
    assert_eq!(count.swap(0, Ordering::Relaxed), 1, "registered once");

    let deserializer = Arc::new(AvroDeserializer::<Stock>::new(client));
    let readers: Vec<_> = (0..200)
        .map(|_| {
            let (deserializer, payload) = (deserializer.clone(), payload.clone());
            tokio::spawn(async move { deserializer.deserialize(&payload).await.unwrap() })
        })
        .collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), stock());
    }
    assert_eq!(count.load(Ordering::Relaxed), 1, "fetched once");
}

#[tokio::test]
async fn keys_and_values_have_subjects_of_their_own() {
    let (client, _) = counted().await;
    let keys = AvroSerializer::<str>::new(client.clone(), "\"string\"").unwrap();
    let values = AvroSerializer::<Stock>::new(client.clone(), STOCK).unwrap();
    keys.serialize("stocks", Part::Key, "MSFT").await.unwrap();
    values.serialize("stocks", Part::Value, &stock()).await.unwrap();
    let subjects = client.subjects("stocks").await.unwrap();
    assert_eq!(
        subjects.iter().map(Subject::as_str).collect::<Vec<_>>(),
        ["stocks-key", "stocks-value"]
    );
}

#[tokio::test]
async fn a_readers_schema_fills_in_what_the_writer_had_not() {
    let (client, _) = counted().await;
    let serializer = AvroSerializer::<Stock>::new(client.clone(), STOCK).unwrap();
    let payload = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();

    #[derive(Debug, PartialEq, Deserialize)]
    struct Quote<'a> {
        ticker: &'a str,
        price: f64,
        currency: &'a str,
    }
    let reader = r#"{"type":"record","name":"Quote","aliases":["Stock"],"fields":[
        {"name":"currency","type":"string","default":"USD"},
        {"name":"ticker","type":"string","aliases":["symbol"]},
        {"name":"price","type":"double"}]}"#;
    let deserializer = AvroDeserializer::<()>::with_reader_schema(client, reader).unwrap();
    for _ in 0..2 {
        let message = deserializer.message(&payload).await.unwrap();
        let quote: Quote<'_> = message.decode().unwrap();
        assert_eq!(quote, Quote { ticker: "MSFT", price: 39.81, currency: "USD" });
    }
}

#[tokio::test]
async fn schemas_that_refer_to_others_are_written_and_read() {
    let (client, _) = counted().await;
    let subject = Subject::new("stock").unwrap();
    let request = RegisterRequest { schema: Some(STOCK.into()), ..Default::default() };
    client.register(&subject, &request, false).await.unwrap();
    let reference = Reference { name: "Stock".into(), subject, version: 1 };
    let serializer = AvroSerializer::<[Stock]>::with_references(
        client.clone(),
        r#"{"type":"array","items":"Stock"}"#,
        vec![reference],
    )
    .await
    .unwrap();
    let stocks = [stock(), stock()];
    let payload = serializer.serialize("portfolio", Part::Value, &stocks).await.unwrap();
    let deserializer = AvroDeserializer::<Vec<Stock>>::new(client);
    assert_eq!(deserializer.deserialize(&payload).await.unwrap(), stocks);
}

#[tokio::test]
async fn a_missing_id_is_not_asked_for_again_for_a_while() {
    let (url, count) = counted_url().await;
    let payload = [0, 0, 0, 0, 1, 8, b'M', b'S', b'F', b'T'];
    let day = Duration::from_secs(86_400);
    for (ttl, asked) in [(day, 1), (Duration::ZERO, 5)] {
        let client = RegistryClient::builder(&url).missing_ttl(ttl).build().unwrap();
        let deserializer = AvroDeserializer::<String>::new(client);
        count.store(0, Ordering::Relaxed);
        for _ in 0..5 {
            let error = deserializer.deserialize(&payload).await.unwrap_err();
            assert_eq!(error.to_string(), "Schema 1 not found; error code: 40403");
        }
        assert_eq!(count.load(Ordering::Relaxed), asked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_id_is_asked_for_once_however_many_ask() {
    let (url, count) = counted_url().await;
    let day = Duration::from_secs(86_400);
    let client = RegistryClient::builder(&url).missing_ttl(day).build().unwrap();
    let readers: Vec<_> = (0..200)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.avro_codec(SchemaId(7)).await.unwrap_err() })
        })
        .collect();
    for reader in readers {
        let error = reader.await.unwrap();
        assert!(matches!(error, ClientError::Registry { code: 40403, .. }), "{error:?}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_id_that_was_missing_is_found_once_it_is_there() {
    let (url, _) = counted_url().await;
    let client = RegistryClient::builder(&url).missing_ttl(Duration::ZERO).build().unwrap();
    let payload = [0, 0, 0, 0, 1, 8, b'M', b'S', b'F', b'T'];
    let deserializer = AvroDeserializer::<String>::new(client.clone());
    let error = deserializer.deserialize(&payload).await.unwrap_err();
    let ClientError::Registry { status, code, message } = error else { panic!("{error}") };
    assert_eq!((status, code, message.as_str()), (404, 40403, "Schema 1 not found"));
    let subject = Subject::new("symbols-value").unwrap();
    let request = RegisterRequest { schema: Some("\"string\"".into()), ..Default::default() };
    client.register(&subject, &request, false).await.unwrap();
    assert_eq!(deserializer.deserialize(&payload).await.unwrap(), "MSFT");
}

#[tokio::test]
async fn damaged_payloads_are_errors_that_say_what_is_wrong() {
    let (client, _) = counted().await;
    let serializer = AvroSerializer::<Stock>::new(client.clone(), STOCK).unwrap();
    let deserializer = AvroDeserializer::<Stock>::new(client);
    let payload = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
    for end in 0..payload.len() {
        deserializer.deserialize(&payload[..end]).await.unwrap_err();
    }
    let longer = [&payload[..], &[0]].concat();
    for (payload, wanted) in [
        (&payload[..3], "the payload has 3 bytes, too few for a schema id"),
        (b"{\"symbol\"", "the payload begins with 0x7b and not with the magic byte 0x00"),
        (&longer[..], "1 bytes are left over (schema 1)"),
        (&payload[..12], "date: the data ends early: 10 bytes are wanted, 1 are left (schema 1)"),
    ] {
        let error = deserializer.deserialize(payload).await.unwrap_err();
        assert_eq!(error.to_string(), wanted);
    }
}

#[tokio::test]
async fn without_auto_register_an_unknown_schema_is_an_error() {
    let (client, _) = counted().await;
    let serializer =
        AvroSerializer::<Stock>::new(client.clone(), STOCK).unwrap().auto_register(false);
    let error = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap_err();
    assert!(matches!(error, ClientError::Registry { code: 40401, .. }), "{error}");
    assert!(client.subjects("").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_value_that_does_not_fit_says_where() {
    let (client, _) = counted().await;
    let serializer = AvroSerializer::<serde_json::Value>::new(client, STOCK).unwrap();
    let wrong = json!({"symbol": "MSFT", "date": "Jan 1 2000", "price": "high"});
    let error = serializer.serialize("stocks", Part::Value, &wrong).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "price: a string is not a double (schema 1, value of topic stocks)"
    );
}

#[tokio::test]
async fn the_clients_calls_are_typed() {
    let (client, _) = counted().await;
    let subject = Subject::new("a/b c-value").unwrap();
    let request = RegisterRequest { schema: Some(STOCK.into()), ..Default::default() };
    let registered = client.register(&subject, &request, true).await.unwrap();
    let version = client.version(&subject, VersionSpec::Latest).await.unwrap();
    assert_eq!((version.id, Some(version.version)), (registered.id, registered.version));
    assert_eq!(client.versions(&subject).await.unwrap(), [version.version]);
    assert_eq!(client.lookup(&subject, &request, false).await.unwrap().id, version.id);
    assert_eq!(client.versions_of_id(version.id).await.unwrap()[0].subject, subject);
    let by_guid = client.schema_by_guid(version.guid.unwrap()).await.unwrap();
    assert_eq!(by_guid.schema, client.schema_by_id(version.id).await.unwrap().schema);

    client.set_compatibility(Some(&subject), CompatibilityLevel::Full).await.unwrap();
    let config = client.config(Some(&subject)).await.unwrap();
    assert_eq!(config.compatibility_level, Some(CompatibilityLevel::Full));
    assert_eq!(client.mode(Some(&subject)).await.unwrap(), client.mode(None).await.unwrap());
    let other = RegisterRequest { schema: Some("\"string\"".into()), ..Default::default() };
    let answer = client.check_compatibility(&subject, VersionSpec::Latest, &other).await.unwrap();
    assert!(!answer.is_compatible && !answer.messages.unwrap().is_empty());

    assert_eq!(
        client.delete_version(&subject, version.version, false).await.unwrap(),
        version.version
    );
    assert_eq!(client.delete_subject(&subject, true).await.unwrap(), [version.version]);
    assert!(client.subjects("").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_a_transport_error() {
    let client = RegistryClient::new("http://127.0.0.1:1").unwrap();
    let error = client.subjects("").await.unwrap_err();
    assert!(matches!(error, ClientError::Transport(_)), "{error}");
    assert!(RegistryClient::new("not a url").is_err());
}
