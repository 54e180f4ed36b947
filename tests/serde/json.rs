//! JSON Schema: values are checked where they are written and where they are read.

use serde::{Deserialize, Serialize};
use serde_json::json;
use weir_serde::api::{Reference, RegisterRequest, SchemaType, Subject};
use weir_serde::{ClientError, JsonDeserializer, JsonSerializer, Part, RegistryClient, frame};

use super::counted;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Stock {
    symbol: String,
    price: f64,
}

const STOCK: &str = r#"{"$schema": "http://json-schema.org/draft-07/schema#", "title": "Stock",
    "type": "object", "required": ["symbol", "price"], "properties": {
        "symbol": {"type": "string", "pattern": "^[A-Z]+$"}, "price": {"type": "number", "minimum": 0}}}"#;

fn stock(symbol: &str, price: f64) -> Stock {
    Stock { symbol: symbol.into(), price }
}

async fn register(client: &RegistryClient, subject: &str, schema: &str) {
    let request = RegisterRequest {
        schema: Some(schema.into()),
        schema_type: Some(SchemaType::Json),
        ..Default::default()
    };
    client.register(&Subject::new(subject).unwrap(), &request, false).await.unwrap();
}

#[tokio::test]
async fn what_is_valid_is_written_and_read() {
    let (client, _) = counted().await;
    let serializer = JsonSerializer::<Stock>::new(client.clone(), STOCK).unwrap();
    let deserializer = JsonDeserializer::<Stock>::new(client);
    let stock = stock("MSFT", 39.81);
    let payload = serializer.serialize("stocks", Part::Value, &stock).await.unwrap();
    assert_eq!(payload[..5], [0, 0, 0, 0, 1]);
    assert_eq!(payload[5..], *br#"{"symbol":"MSFT","price":39.81}"#);
    assert_eq!(deserializer.deserialize(&payload).await.unwrap(), stock);

    let (header, payload) =
        serializer.serialize_with_header("stocks", Part::Value, &stock).await.unwrap();
    let read = deserializer.deserialize_with_header(Some(&header.value), &payload).await;
    assert_eq!(read.unwrap(), stock);
}

#[tokio::test]
async fn a_schema_of_an_unknown_dialect_is_of_draft_7() {
    let (client, _) = counted().await;
    let schema = r##"{"$schema": "https://example.com/own#", "type": "object",
        "properties": {"symbol": {"$ref": "#name"}, "price": {"exclusiveMinimum": 0}},
        "definitions": {"n": {"$id": "#name", "type": "string", "maxLength": 4}}}"##;
    let serializer = JsonSerializer::<Stock>::new(client.clone(), schema).unwrap();
    let deserializer = JsonDeserializer::<Stock>::new(client);
    let payload = serializer.serialize("stocks", Part::Value, &stock("MSFT", 1.0)).await.unwrap();
    assert_eq!(deserializer.deserialize(&payload).await.unwrap(), stock("MSFT", 1.0));
    for wrong in [stock("MSFTX", 1.0), stock("MSFT", 0.0)] {
        assert!(serializer.serialize("stocks", Part::Value, &wrong).await.is_err());
    }
}

#[tokio::test]
async fn what_is_not_valid_is_refused_and_the_error_says_where() {
    let (client, _) = counted().await;
    let serializer = JsonSerializer::<Stock>::new(client.clone(), STOCK).unwrap();
    serializer.serialize("stocks", Part::Value, &stock("MSFT", 1.0)).await.unwrap();
    let error = serializer.serialize("stocks", Part::Value, &stock("msft", -1.0)).await;
    let text = error.unwrap_err().to_string();
    assert!(text.starts_with("the value is not valid: "), "{text}");
    assert!(text.contains("/symbol: ") && text.contains("/price: "), "{text}");
    let unchecked = JsonSerializer::<Stock>::new(client.clone(), STOCK).unwrap().validate(false);
    let payload = unchecked.serialize("stocks", Part::Value, &stock("msft", -1.0)).await.unwrap();

    let deserializer = JsonDeserializer::<Stock>::new(client.clone());
    for bad in [&payload[5..], b"{", b"", br#"{"symbol": 5}"#, &[0xff]] {
        let payload = [&payload[..5], bad].concat();
        let error = deserializer.deserialize(&payload).await.unwrap_err();
        assert!(matches!(error, ClientError::Invalid(_)), "{error:?}");
    }
    let unchecked = JsonDeserializer::<Stock>::new(client).validate(false);
    assert_eq!(unchecked.deserialize(&payload).await.unwrap(), stock("msft", -1.0));
}

#[tokio::test]
async fn a_schema_is_checked_with_what_it_refers_to() {
    let (client, _) = counted().await;
    register(&client, "price", r#"{"type": "number", "minimum": 0}"#).await;
    register(&client, "symbol", r#"{"type": "string", "pattern": "^[A-Z]+$"}"#).await;
    for (schema, names) in [
        (
            r#"{"properties": {"price": {"$ref": "price.json"}, "symbol": {"$ref": "a/symbol.json"}}}"#,
            ["price.json", "a/symbol.json"],
        ),
        (
            r#"{"$id": "https://example.org/stock.json", "properties": {
                "price": {"$ref": "price.json"},
                "symbol": {"$ref": "https://example.org/a/symbol.json"}}}"#,
            ["price.json", "https://example.org/a/symbol.json"],
        ),
    ] {
        let references: Vec<Reference> = names
            .iter()
            .zip(["price", "symbol"])
            .map(|(name, subject)| Reference {
                name: name.to_string(),
                subject: Subject::new(subject).unwrap(),
                version: 1,
            })
            .collect();
        let serializer =
            JsonSerializer::<Stock>::with_references(client.clone(), schema, references)
                .await
                .unwrap();
        let topic = names[1];
        let payload = serializer.serialize(topic, Part::Value, &stock("MSFT", 1.0)).await.unwrap();
        for wrong in [stock("MSFT", -1.0), stock("msft", 1.0)] {
            assert!(serializer.serialize(topic, Part::Value, &wrong).await.is_err());
        }
        let deserializer = JsonDeserializer::<Stock>::new(client.clone());
        assert_eq!(deserializer.deserialize(&payload).await.unwrap(), stock("MSFT", 1.0));
        let wrong = [&payload[..5], br#"{"symbol":"msft","price":1}"#].concat();
        assert!(deserializer.deserialize(&wrong).await.is_err());
    }
    // nothing is fetched from anywhere else
    let error = JsonSerializer::<Stock>::new(client, r#"{"$ref": "https://example.org/x.json"}"#);
    let text = error.map(drop).unwrap_err().to_string();
    assert!(text.contains("is not among the schema's references"), "{text}");
}

#[tokio::test]
async fn a_schema_of_another_language_is_an_error() {
    let (client, _) = counted().await;
    register(&client, "stocks-value", STOCK).await;
    let avro = weir_serde::AvroDeserializer::<Stock>::new(client.clone());
    let payload = [&frame(weir_serde::api::SchemaId(1))[..], b"{}"].concat();
    let error = avro.deserialize(&payload).await.unwrap_err();
    assert_eq!(error.to_string(), "the schema cannot be used: schema 1 is JSON and not AVRO");
}

#[tokio::test]
async fn the_latest_schema_decides_what_is_valid() {
    let (client, _) = counted().await;
    let open = r#"{"type": "object", "properties": {"price": {"maximum": 10}}}"#;
    register(&client, "stocks-value", open).await;
    let day = std::time::Duration::from_secs(86_400);
    let lax = JsonSerializer::<Stock>::new(client.clone(), STOCK).unwrap().use_latest(false, day);
    lax.serialize("stocks", Part::Value, &stock("x", 10.0)).await.unwrap();
    assert!(lax.serialize("stocks", Part::Value, &stock("x", 11.0)).await.is_err());
    let strict = JsonSerializer::<Stock>::new(client, STOCK).unwrap().use_latest(true, day);
    let error = strict.serialize("stocks", Part::Value, &stock("x", 1.0)).await.unwrap_err();
    assert!(error.to_string().contains("schema 1 cannot read what this one writes"), "{error}");
}

#[tokio::test]
async fn any_json_is_a_value() {
    let (client, _) = counted().await;
    let serializer =
        JsonSerializer::<serde_json::Value>::new(client.clone(), r#"{"type": "array"}"#).unwrap();
    let value = json!([1, null, {"a": 1.5e300}, "é"]);
    let payload = serializer.serialize("any", Part::Key, &value).await.unwrap();
    let deserializer = JsonDeserializer::<serde_json::Value>::new(client);
    assert_eq!(deserializer.deserialize(&payload).await.unwrap(), value);
}
