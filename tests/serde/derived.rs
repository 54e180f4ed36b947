//! Types that bring their schema, against a registry: by their own code, or over a plan.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_serde::api::{RegisterRequest, Subject};
use weir_serde::{Avro, AvroDeserializer, AvroSerializer, Part};

use super::counted;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(namespace = "market")]
struct Stock {
    symbol: String,
    #[avro(aliases = ["value"])]
    price: f64,
    #[avro(default = "\"USD\"")]
    currency: String,
    volume: Option<i64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(namespace = "market", name = "Stock")]
struct StockRef<'a> {
    symbol: &'a str,
    #[avro(aliases = ["value"])]
    price: f64,
    #[avro(default = "\"USD\"")]
    currency: &'a str,
    volume: Option<i64>,
}

/// What was written before there was a currency.
const OLD: &str = r#"{"type":"record","name":"Stock","namespace":"market","fields":[
    {"name":"symbol","type":"string"},{"name":"exchange","type":"string"},
    {"name":"value","type":"float"},{"name":"volume","type":"int"}]}"#;

#[derive(Serialize)]
struct Old {
    symbol: &'static str,
    exchange: &'static str,
    value: f32,
    volume: i32,
}

fn stock() -> Stock {
    Stock { symbol: "MSFT".into(), price: 39.5, currency: "EUR".into(), volume: Some(-7) }
}

#[tokio::test]
async fn a_type_registers_its_own_schema_and_comes_back() {
    let (client, count) = counted().await;
    let serializer = AvroSerializer::<Stock>::derived(client.clone()).unwrap();
    let payload = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
    let subject = Subject::new("stocks-value").unwrap();
    let stored = client.version(&subject, weir_serde::api::VersionSpec::Latest).await.unwrap();
    let wanted = weir_serde::typed::TypeSchema::of::<Stock>().unwrap();
    assert_eq!(*stored.schema.text(), wanted.text);

    count.store(0, Ordering::Relaxed);
    let deserializer = AvroDeserializer::<Stock>::derived(client.clone()).unwrap();
    let borrowing = AvroDeserializer::<StockRef>::borrowing(client).unwrap();
    for _ in 0..3 {
        assert_eq!(deserializer.deserialize(&payload).await.unwrap(), stock());
        let message = borrowing.message(&payload).await.unwrap();
        let value = message.value().unwrap();
        assert_eq!((value.symbol, value.currency), ("MSFT", "EUR"));
        assert!(payload.as_ptr_range().contains(&value.symbol.as_ptr()));
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_another_version_wrote_is_resolved() {
    let (client, _) = counted().await;
    let old = AvroSerializer::<Old>::new(client.clone(), OLD).unwrap();
    let value = Old { symbol: "MSFT", exchange: "NASDAQ", value: 39.5, volume: -7 };
    let payload = old.serialize("stocks", Part::Value, &value).await.unwrap();
    let deserializer = AvroDeserializer::<Stock>::derived(client.clone()).unwrap();
    let wanted = Stock { currency: "USD".into(), ..stock() };
    assert_eq!(deserializer.deserialize(&payload).await.unwrap(), wanted);
    let borrowing = AvroDeserializer::<StockRef>::borrowing(client).unwrap();
    let message = borrowing.message(&payload).await.unwrap();
    let value = message.value().unwrap();
    assert_eq!((value.symbol, value.price, value.currency), ("MSFT", 39.5, "USD"));
}

#[tokio::test]
async fn the_registrys_choice_is_written_whatever_the_types_own_code_would() {
    let (client, _) = counted().await;
    let reordered = r#"{"type":"record","name":"Stock","namespace":"market","fields":[
        {"name":"volume","type":["null","long"]},{"name":"price","type":"double"},
        {"name":"currency","type":"string"},{"name":"symbol","type":"string"}]}"#;
    let request = RegisterRequest { schema: Some(reordered.into()), ..Default::default() };
    let subject = Subject::new("stocks-value").unwrap();
    client.register(&subject, &request, false).await.unwrap();
    let serializer = AvroSerializer::<Stock>::derived(client.clone())
        .unwrap()
        .use_latest(true, Duration::from_secs(86_400));
    let payload = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
    assert_eq!(payload[5..7], [2, 13], "the volume comes first there");
    let deserializer = AvroDeserializer::<Stock>::derived(client).unwrap();
    assert_eq!(deserializer.deserialize(&payload).await.unwrap(), stock());
}

#[tokio::test]
async fn metadata_chooses_among_the_versions() {
    let (client, _) = counted().await;
    let subject = Subject::new("stocks-value").unwrap();
    let own = weir_serde::typed::TypeSchema::of::<Stock>().unwrap().text;
    for (schema, major) in [(own.as_str(), "1"), (&own.replace("\"volume\"", "\"traded\""), "2")] {
        let metadata = serde_json::json!({"properties": {"major": major}});
        let request = RegisterRequest {
            schema: Some(schema.to_string()),
            metadata: Some(serde_json::from_value(metadata).unwrap()),
            ..Default::default()
        };
        client.register(&subject, &request, false).await.unwrap();
    }
    for (major, id) in [("1", 1), ("2", 2)] {
        let serializer = AvroSerializer::<Stock>::derived(client.clone())
            .unwrap()
            .use_latest_with_metadata(&[("major", major)], false, Duration::from_secs(60));
        let stock = Stock { volume: None, ..stock() };
        let written = serializer.serialize("stocks", Part::Value, &stock).await;
        match major {
            "1" => assert_eq!(written.unwrap()[..5], [0, 0, 0, 0, id]),
            // that one has no volume
            _ => assert!(written.unwrap_err().to_string().contains("has no field volume")),
        }
    }
}
