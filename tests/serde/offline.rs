//! A consumer that starts while the registry is down, from a file; and calls without async.

use std::sync::atomic::Ordering;

use weir_http::AllowedHost;
use weir_serde::blocking::Wait;
use weir_serde::testing::TestRegistry;
use weir_serde::{
    AvroDeserializer, AvroSerializer, ClientError, JsonDeserializer, JsonSerializer, Part,
    RegistryClient, Stats,
};

use super::{STOCK, Stock, counted, stock};

#[test]
fn a_file_of_schemas_stands_for_the_registry() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("schemas.json");
    let registry = TestRegistry::start();
    let client = registry.client();
    let avro = AvroSerializer::<Stock>::new(client.clone(), STOCK).unwrap();
    let json = JsonSerializer::<Stock>::new(client.clone(), "{}").unwrap();
    let avro_payload = avro.serialize("stocks", Part::Value, &stock()).wait().unwrap();
    let (header, bare) =
        avro.serialize_with_header("stocks", Part::Value, &stock()).wait().unwrap();
    let json_payload = json.serialize("jsons", Part::Value, &stock()).wait().unwrap();
    AvroDeserializer::<Stock>::new(client.clone()).deserialize(&avro_payload).wait().unwrap();
    JsonDeserializer::<Stock>::new(client.clone()).deserialize(&json_payload).wait().unwrap();
    assert_eq!(client.save_schemas(&file).unwrap(), 2);
    let url = registry.url();
    drop(registry);

    let offline = RegistryClient::builder(&url).schemas_from(&file).build().unwrap();
    let avro = AvroDeserializer::<Stock>::new(offline.clone());
    assert_eq!(avro.deserialize(&avro_payload).wait().unwrap(), stock());
    let read = avro.deserialize_with_header(Some(&header.value), &bare).wait();
    assert_eq!(read.unwrap(), stock(), "by its guid too");
    let json = JsonDeserializer::<Stock>::new(offline.clone());
    assert_eq!(json.deserialize(&json_payload).wait().unwrap(), stock());
    assert_eq!(offline.stats(), Stats::default(), "nobody was asked");
}

#[test]
fn a_file_that_is_none_is_an_error_when_the_client_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("schemas.json");
    for text in [None, Some("{"), Some(r#"{"format": "another", "schemas": []}"#)] {
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let error = RegistryClient::builder("http://localhost:1").schemas_from(&file).build();
        let error = error.map(drop).unwrap_err();
        assert!(matches!(error, ClientError::Configuration(_)), "{error:?}");
        assert!(error.to_string().contains("schemas.json"), "{error}");
    }
}

#[test]
fn calls_without_async_are_the_same_calls() {
    let registry = TestRegistry::start();
    let client = registry.client();
    assert!(client.subjects("").wait().unwrap().is_empty());
    let serializer = AvroSerializer::<Stock>::new(client.clone(), STOCK).unwrap();
    let deserializer = AvroDeserializer::<Stock>::new(client.clone());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let payload = serializer.serialize("s", Part::Value, &stock()).wait().unwrap();
                    assert_eq!(deserializer.deserialize(&payload).wait().unwrap(), stock());
                }
            });
        }
    });
    let stats = client.stats();
    assert_eq!((stats.requests, stats.fetches, stats.failures), (3, 1, 0));
}

/// Inside a runtime, and whatever else is under way on its one thread.
#[tokio::test]
async fn calls_without_async_may_stand_in_async_code() {
    let registry = TestRegistry::start();
    let client = registry.client();
    assert!(client.subjects("").await.unwrap().is_empty());
    assert!(client.subjects("").wait().unwrap().is_empty());
    let serializer = AvroSerializer::<Stock>::new(client.clone(), STOCK).unwrap();
    let stock = stock();
    let (one, other) = tokio::join!(serializer.serialize("s", Part::Value, &stock), async {
        serializer.serialize("s", Part::Value, &stock).wait()
    });
    let payload = one.unwrap();
    assert_eq!(payload, other.unwrap());
    let deserializer = AvroDeserializer::<Stock>::new(client.clone());
    let (one, other) = tokio::join!(deserializer.deserialize(&payload), async {
        deserializer.deserialize(&payload).wait()
    });
    assert_eq!((one.unwrap(), other.unwrap()), (stock.clone(), stock));
    assert_eq!(client.stats().requests, 4, "two lists, one registration, one schema");
}

#[tokio::test]
async fn the_oldest_schemas_are_forgotten_when_there_are_too_many() {
    let (url, count) = super::counted_url().await;
    let client = RegistryClient::builder(&url).schemas_max(8).build().unwrap();
    for i in 0..20 {
        let schema = STOCK.replace("Stock", &format!("Stock{i}"));
        let serializer = AvroSerializer::<Stock>::new(client.clone(), &schema).unwrap();
        serializer.serialize(&format!("s{i}"), Part::Value, &stock()).await.unwrap();
        client.avro_codec(weir_serde::api::SchemaId(i + 1)).await.unwrap();
    }
    count.store(0, Ordering::Relaxed);
    client.avro_codec(weir_serde::api::SchemaId(20)).await.unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 0, "the newest is kept");
    client.avro_codec(weir_serde::api::SchemaId(1)).await.unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 1, "the oldest is asked for again");
}

#[tokio::test]
async fn requests_go_through_a_proxy() {
    // the registry itself plays the proxy: a request to one names the whole URL
    let (proxy, count) = counted().await;
    drop(proxy);
    let (proxy_url, count_proxy) = super::counted_url_for(&[AllowedHost::Any]).await;
    let client =
        RegistryClient::builder("http://registry.invalid:8081").proxy(&proxy_url).build().unwrap();
    assert!(client.subjects("").await.unwrap().is_empty());
    assert_eq!((count.load(Ordering::Relaxed), count_proxy.load(Ordering::Relaxed)), (0, 1));
    let error = RegistryClient::builder("http://a").proxy("not a url").build().map(drop);
    assert!(matches!(error, Err(ClientError::Configuration(_))));
}
