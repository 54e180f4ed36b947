//! Which schema a serializer writes with, and under which subject.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use weir_serde::api::{RegisterRequest, SchemaId, Subject};
use weir_serde::{
    AvroDeserializer, AvroSerializer, ClientError, Part, RegistryClient, SubjectNameStrategy,
    unframe,
};

use super::{STOCK, Stock, counted, stock};

/// The same stock, its fields in another order.
const REORDERED: &str = r#"{"type":"record","name":"Stock","fields":[
    {"name":"price","type":"double"},{"name":"date","type":"string"},
    {"name":"symbol","type":"string"}]}"#;

/// What nothing that writes [`STOCK`] can be read as.
const VOLUME: &str =
    r#"{"type":"record","name":"Stock","fields":[{"name":"volume","type":"long"}]}"#;

const DAY: Duration = Duration::from_secs(86_400);

async fn register(client: &RegistryClient, subject: &str, schema: &str) -> SchemaId {
    let request = RegisterRequest { schema: Some(schema.into()), ..Default::default() };
    client.register(&Subject::new(subject).unwrap(), &request, false).await.unwrap().id
}

fn serializer(client: &RegistryClient) -> AvroSerializer<Stock> {
    AvroSerializer::new(client.clone(), STOCK).unwrap()
}

#[tokio::test]
async fn subjects_are_called_as_the_strategy_says() {
    let named = STOCK.replace("\"Stock\"", "\"Stock\",\"namespace\":\"market\"");
    let custom = |topic: &str, part: Part, record: Option<&str>| {
        format!("{topic}/{part:?}/{}", record.unwrap_or("nothing"))
    };
    for (strategy, key, value) in [
        (SubjectNameStrategy::Topic, "stocks-key", "stocks-value"),
        (SubjectNameStrategy::Record, "market.Stock", "market.Stock"),
        (SubjectNameStrategy::TopicRecord, "stocks-market.Stock", "stocks-market.Stock"),
        (
            SubjectNameStrategy::Custom(Arc::new(custom)),
            "stocks/Key/market.Stock",
            "stocks/Value/market.Stock",
        ),
    ] {
        let (client, _) = counted().await;
        let serializer = AvroSerializer::<Stock>::new(client.clone(), &named).unwrap();
        let serializer = serializer.subject_names(strategy.clone());
        for (part, wanted) in [(Part::Key, key), (Part::Value, value)] {
            serializer.serialize("stocks", part, &stock()).await.unwrap();
            let subjects = client.subjects("").await.unwrap();
            assert!(subjects.iter().any(|s| s.as_str() == wanted), "{strategy:?}: {subjects:?}");
        }
    }
}

#[tokio::test]
async fn a_schema_without_a_name_cannot_name_a_subject() {
    let (client, _) = counted().await;
    for strategy in [SubjectNameStrategy::Record, SubjectNameStrategy::TopicRecord] {
        let serializer = AvroSerializer::<str>::new(client.clone(), "\"string\"").unwrap();
        let serializer = serializer.subject_names(strategy);
        let error = serializer.serialize("stocks", Part::Key, "MSFT").await.unwrap_err();
        assert!(matches!(error, ClientError::Configuration(_)), "{error:?}");
    }
}

#[tokio::test]
async fn an_id_is_written_with_its_own_schema() {
    let (client, count) = counted().await;
    let id = register(&client, "elsewhere", REORDERED).await;
    let serializer = serializer(&client).use_id(id, true);
    count.store(0, Ordering::Relaxed);
    for _ in 0..3 {
        let payload = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
        let (written, data) = unframe(&payload).unwrap();
        assert_eq!(written, id);
        assert_eq!(data[..8], 39.81_f64.to_le_bytes());
        let deserializer = AvroDeserializer::<Stock>::new(client.clone());
        assert_eq!(deserializer.deserialize(&payload).await.unwrap(), stock());
    }
    assert_eq!(count.load(Ordering::Relaxed), 1, "for its schema and its guid");
    assert_eq!(client.subjects("").await.unwrap().len(), 1, "nothing was registered");

    let (header, data) =
        serializer.serialize_with_header("stocks", Part::Value, &stock()).await.unwrap();
    let deserializer = AvroDeserializer::<Stock>::new(client);
    let read = deserializer.deserialize_with_header(Some(&header.value), &data).await.unwrap();
    assert_eq!(read, stock());
}

#[tokio::test]
async fn the_latest_is_asked_for_again_when_it_is_old() {
    let (client, count) = counted().await;
    let first = register(&client, "stocks-value", STOCK).await;
    let lasting = serializer(&client).use_latest(true, DAY);
    let fleeting = serializer(&client).use_latest(true, Duration::ZERO);
    let id = |payload: Vec<u8>| unframe(&payload).unwrap().0;
    for serializer in [&lasting, &fleeting] {
        let payload = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
        assert_eq!(id(payload), first);
    }
    let second = register(&client, "stocks-value", REORDERED).await;
    let payload = lasting.serialize("stocks", Part::Value, &stock()).await.unwrap();
    assert_eq!(id(payload), first);
    let payload = fleeting.serialize("stocks", Part::Value, &stock()).await.unwrap();
    assert_eq!(payload[5..13], 39.81_f64.to_le_bytes());
    assert_eq!(id(payload), second);
    count.store(0, Ordering::Relaxed);
    for _ in 0..5 {
        lasting.serialize("stocks", Part::Value, &stock()).await.unwrap();
    }
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_schema_that_does_not_fit_is_refused_if_strictness_is_wanted() {
    let (client, _) = counted().await;
    let id = register(&client, "stocks-value", VOLUME).await;
    for strict in [serializer(&client).use_id(id, true), serializer(&client).use_latest(true, DAY)]
    {
        let error = strict.serialize("stocks", Part::Value, &stock()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("schema 1 cannot read what this one writes: volume"), "{text}");
    }
    // without it, the value decides
    let lax = serializer(&client).use_latest(false, DAY);
    let error = lax.serialize("stocks", Part::Value, &stock()).await.unwrap_err();
    assert!(matches!(error, ClientError::Codec(_)), "{error:?}");
}

#[tokio::test]
async fn a_subject_without_versions_has_no_latest() {
    let (client, _) = counted().await;
    let serializer = serializer(&client).use_latest(true, DAY);
    let error = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap_err();
    assert!(matches!(error, ClientError::Registry { code: 40401, .. }), "{error:?}");
    assert!(client.subjects("").await.unwrap().is_empty());
}

#[tokio::test]
async fn values_without_a_type_are_apache_avros() {
    use weir_serde::AvroValueSerializer;
    use weir_serde::apache_avro::types::Value;
    let (client, _) = counted().await;
    let schema = r#"{"type":"record","name":"Stock","fields":[
        {"name":"symbol","type":"string"},{"name":"price","type":["null","double"]},
        {"name":"on","type":{"type":"int","logicalType":"date"}},
        {"name":"kind","type":{"type":"enum","name":"K","symbols":["A","B"]},"default":"B"}]}"#;
    let serializer = AvroValueSerializer::new(client.clone(), schema).unwrap();
    let field = |name: &str, value| (name.to_string(), value);
    let given = vec![
        field("on", Value::Date(20_000)),
        field("symbol", Value::String("MSFT".into())),
        field("price", Value::Double(39.81)),
    ];
    let payload = serializer.serialize("stocks", Part::Value, &Value::Record(given)).await.unwrap();
    let deserializer = AvroDeserializer::<()>::new(client);
    let message = deserializer.message(&payload).await.unwrap();
    let wanted = vec![
        field("symbol", Value::String("MSFT".into())),
        field("price", Value::Union(1, Box::new(Value::Double(39.81)))),
        field("on", Value::Date(20_000)),
        field("kind", Value::Enum(1, "B".into())),
    ];
    assert_eq!(message.apache_value().unwrap(), Value::Record(wanted));
    let wrong = Value::Record(vec![field("symbol", Value::Null)]);
    let error = serializer.serialize("stocks", Part::Value, &wrong).await.unwrap_err();
    assert_eq!(error.to_string(), "symbol: Null is not a string (schema 1, value of topic stocks)");
}

#[tokio::test]
async fn what_the_registry_refuses_is_not_sent_again_by_each_record() {
    let (url, count) = super::counted_url().await;
    let client = RegistryClient::builder(&url).missing_ttl(Duration::from_secs(3600)).build();
    let client = client.unwrap();
    register(&client, "stocks-value", VOLUME).await;
    count.store(0, Ordering::Relaxed);
    let refused = serializer(&client);
    for _ in 0..5 {
        let error = refused.serialize("stocks", Part::Value, &stock()).await.unwrap_err();
        assert!(matches!(error, ClientError::Registry { status: 409, .. }), "{error:?}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
    refused.serialize("stocks", Part::Key, &stock()).await.unwrap();
    refused.serialize("others", Part::Value, &stock()).await.unwrap();

    let impatient = RegistryClient::builder(&url).missing_ttl(Duration::ZERO).build().unwrap();
    let refused = serializer(&impatient);
    count.store(0, Ordering::Relaxed);
    for _ in 0..5 {
        refused.serialize("stocks", Part::Value, &stock()).await.unwrap_err();
    }
    assert_eq!(count.load(Ordering::Relaxed), 5);
}
