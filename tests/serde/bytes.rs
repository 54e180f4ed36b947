//! Avro's `bytes` alone, in the format of Confluent's serializers: no length before them. What stands
//! here is what Confluent's Java serializer (and those for Python and node) write for such a schema.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_serde::apache_avro::types::Value;
use weir_serde::api::{RegisterRequest, SchemaId, Subject};
use weir_serde::{
    AvroDeserializer, AvroSerializer, AvroValueSerializer, Part, RegistryClient, unframe,
};

use super::counted;

const BYTES: &str = "\"bytes\"";
const DECIMAL: &str = r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}"#;

/// What the Java serializer writes for the bytes `ff 61 62 63` with the schema 1.
const JAVA: &[u8] = b"\0\0\0\0\x01\xffabc";

async fn write<T: Serialize + ?Sized>(client: &RegistryClient, schema: &str, value: &T) -> Vec<u8> {
    let serializer = AvroSerializer::<T>::new(client.clone(), schema).unwrap();
    serializer.serialize("raw", Part::Value, value).await.unwrap()
}

async fn read<T: DeserializeOwned>(client: &RegistryClient, schema: &str, payload: &[u8]) -> T {
    let reader = AvroDeserializer::<T>::with_reader_schema(client.clone(), schema).unwrap();
    reader.deserialize(payload).await.unwrap()
}

#[tokio::test]
async fn bytes_alone_are_written_as_confluents_serializers_write_them() {
    let (client, _) = counted().await;
    let bytes = JAVA[5..].to_vec();
    assert_eq!(write(&client, BYTES, &bytes).await, JAVA);
    let derived = AvroSerializer::<Vec<u8>>::derived(client.clone()).unwrap();
    assert_eq!(derived.serialize("raw", Part::Value, &bytes).await.unwrap(), JAVA);
    let borrowed = AvroSerializer::<&[u8]>::derived(client.clone()).unwrap();
    assert_eq!(borrowed.serialize("raw", Part::Value, &&bytes[..]).await.unwrap(), JAVA);
    let values = AvroValueSerializer::new(client.clone(), BYTES).unwrap();
    let value = Value::Bytes(bytes.clone());
    assert_eq!(values.serialize("raw", Part::Value, &value).await.unwrap(), JAVA);
    // and where a header names the schema
    let headed = derived.serialize_with_header("raw", Part::Value, &bytes).await.unwrap();
    assert_eq!(headed.1, bytes);
    for length in [0, 1, 63, 64, 8191, 8192, 70_000] {
        let bytes = vec![7; length];
        let payload = derived.serialize("raw", Part::Value, &bytes).await.unwrap();
        assert_eq!(payload[5..], bytes);
        let reader = AvroDeserializer::<Vec<u8>>::derived(client.clone()).unwrap();
        assert_eq!(reader.deserialize(&payload).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn bytes_alone_are_read_as_confluents_serializers_write_them() {
    let (client, _) = counted().await;
    write(&client, BYTES, &[0_u8][..]).await;
    let bytes = JAVA[5..].to_vec();
    assert_eq!(read::<Vec<u8>>(&client, BYTES, JAVA).await, bytes);
    let plain = AvroDeserializer::<Vec<u8>>::new(client.clone());
    assert_eq!(plain.deserialize(JAVA).await.unwrap(), bytes);
    assert!(plain.deserialize(&JAVA[..5]).await.unwrap().is_empty());
    let derived = AvroDeserializer::<Vec<u8>>::derived(client.clone()).unwrap();
    assert_eq!(derived.deserialize(JAVA).await.unwrap(), bytes);
    let borrowing = AvroDeserializer::<&[u8]>::borrowing(client.clone()).unwrap();
    let message = borrowing.message(JAVA).await.unwrap();
    assert_eq!(message.value().unwrap(), bytes);
    assert!(JAVA.as_ptr_range().contains(&message.value().unwrap().as_ptr()));
    let values = AvroDeserializer::<()>::new(client);
    let message = values.message(JAVA).await.unwrap();
    assert_eq!(message.apache_value().unwrap(), Value::Bytes(bytes));
}

/// Confluent's deserializer takes the bytes whatever the reader's schema is. So do we, where a type can
/// have them.
#[tokio::test]
async fn a_reader_with_another_schema_has_the_bytes_too() {
    let (client, _) = counted().await;
    let payload = write(&client, BYTES, "\x06text").await;
    assert_eq!(payload[5..], *b"\x06text");
    assert_eq!(read::<String>(&client, "\"string\"", &payload).await, "\x06text");
    let optional = r#"["null","bytes"]"#;
    assert_eq!(read::<Option<String>>(&client, optional, &payload).await.unwrap(), "\x06text");
    let derived = AvroDeserializer::<String>::derived(client.clone()).unwrap();
    assert_eq!(derived.deserialize(&payload).await.unwrap(), "\x06text");
    let derived = AvroDeserializer::<Option<Vec<u8>>>::derived(client.clone()).unwrap();
    assert_eq!(derived.deserialize(&payload).await.unwrap().unwrap(), b"\x06text");
    let error = AvroDeserializer::<i32>::derived(client).unwrap().deserialize(&payload).await;
    assert_eq!(error.unwrap_err().to_string(), "Found bytes, expecting int (schema 1)");
}

#[tokio::test]
async fn a_decimal_alone_is_its_bytes() {
    let (client, _) = counted().await;
    // -1.28 is -128 of scale 2
    let payload = write(&client, DECIMAL, "-1.28").await;
    assert_eq!(payload[5..], [0x80]);
    assert_eq!(read::<String>(&client, DECIMAL, &payload).await, "-1.28");
    assert_eq!(read::<Vec<u8>>(&client, BYTES, &payload).await, [0x80]);
}

#[tokio::test]
async fn what_is_not_bytes_alone_has_avros_length() {
    let (client, _) = counted().await;
    assert_eq!(write(&client, "\"string\"", "abc").await[5..], *b"\x06abc");
    let (client, _) = counted().await;
    let payload = write(&client, r#"["null","bytes"]"#, &Some(b"abc".to_vec())).await;
    assert_eq!(payload[5..], *b"\x02\x06abc");
    let (client, _) = counted().await;
    let payload = write(&client, "\"string\"", "abc").await;
    assert_eq!(read::<Vec<u8>>(&client, BYTES, &payload).await, b"abc", "a reader of bytes");
}

/// A type of bytes that is written with the registry's string, and the other way.
#[tokio::test]
async fn the_schema_that_is_written_with_says_whether_there_is_a_length() {
    for (registered, written) in [("\"string\"", &b"\x06abc"[..]), (BYTES, b"abc")] {
        let (client, _) = counted().await;
        let request = RegisterRequest { schema: Some(registered.into()), ..Default::default() };
        client.register(&Subject::new("raw-value").unwrap(), &request, false).await.unwrap();
        let day = Duration::from_secs(86_400);
        let text = AvroSerializer::<String>::derived(client.clone()).unwrap();
        for text in [text.use_id(SchemaId(1), true), {
            let text = AvroSerializer::<String>::derived(client.clone()).unwrap();
            text.use_latest(true, day)
        }] {
            let payload = text.serialize("raw", Part::Value, &"abc".to_string()).await.unwrap();
            assert_eq!(unframe(&payload).unwrap().1, written, "{registered}");
        }
    }
}
