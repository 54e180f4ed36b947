//! Protobuf: which message of a schema it is stands before the data, or in the header.

use std::time::Duration;

use weir_serde::api::{Reference, RegisterRequest, SchemaType, Subject};
use weir_serde::{
    ClientError, FrameError, Part, ProtobufDeserializer, ProtobufSerializer, SubjectNameStrategy,
};

use super::counted;

#[derive(Clone, PartialEq, prost::Message)]
struct Stock {
    #[prost(string, tag = "1")]
    symbol: String,
    #[prost(double, tag = "2")]
    price: f64,
}

/// `Stock` is the second message, `Inner` the first of those in the first.
const MARKET: &str = r#"
    syntax = "proto3";
    package market;
    enum Kind { NONE = 0; }
    message Other { enum Kind { NONE = 0; } message Inner { string symbol = 1; double price = 2; } }
    message Stock { string symbol = 1; double price = 2; }
"#;

fn stock() -> Stock {
    Stock { symbol: "MSFT".into(), price: 39.81 }
}

#[tokio::test]
async fn a_message_is_found_by_its_path() {
    let (client, _) = counted().await;
    for (message, path) in
        [("market.Other", &[0][..]), ("market.Stock", &[2, 2]), ("market.Other.Inner", &[4, 0, 0])]
    {
        let serializer = ProtobufSerializer::<Stock>::new(client.clone(), MARKET, message).unwrap();
        let deserializer = ProtobufDeserializer::<Stock>::new(client.clone(), message);
        let payload = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
        assert_eq!(payload[..5], [0, 0, 0, 0, 1]);
        assert_eq!(&payload[5..5 + path.len()], path, "{message}");
        assert_eq!(deserializer.deserialize(&payload).await.unwrap(), stock());

        let (header, data) =
            serializer.serialize_with_header("stocks", Part::Value, &stock()).await.unwrap();
        assert_eq!(&header.value[17..], path);
        assert_eq!(data, payload[5 + path.len()..]);
        let read = deserializer.deserialize_with_header(Some(&header.value), &data).await;
        assert_eq!(read.unwrap(), stock());
    }
}

#[tokio::test]
async fn a_path_to_the_first_may_be_long() {
    let (client, _) = counted().await;
    let serializer =
        ProtobufSerializer::<Stock>::new(client.clone(), MARKET, "market.Other").unwrap();
    let payload = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
    let long = [&payload[..5], &[2, 0], &payload[6..]].concat();
    let deserializer = ProtobufDeserializer::<Stock>::new(client, "market.Other");
    assert_eq!(deserializer.deserialize(&long).await.unwrap(), stock());
}

#[tokio::test]
async fn another_message_or_none_is_an_error() {
    let (client, _) = counted().await;
    let serializer =
        ProtobufSerializer::<Stock>::new(client.clone(), MARKET, "market.Stock").unwrap();
    let payload = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
    for wanted in ["market.Other", "market.Absent"] {
        let deserializer = ProtobufDeserializer::<Stock>::new(client.clone(), wanted);
        let error = deserializer.deserialize(&payload).await.unwrap_err().to_string();
        let why = format!(
            "the value is not valid: the message is market.Stock and not {wanted} (schema 1)"
        );
        assert_eq!(error, why);
    }
    let deserializer = ProtobufDeserializer::<Stock>::new(client.clone(), "market.Stock");
    for (after_id, is_frame) in [
        (&[][..], true),
        (&[2], true),
        (&[1], true),                                  // -1 indexes
        (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff], true), // a number without end
        (&[0xfe, 0xff, 0xff, 0x0f], true),             // a path of 2^27
        (&[2, 200, 1], false),                         // message 100
        (&[2, 1], false),                              // message -1
        (&[2, 2, 0xff], false),                        // no message
    ] {
        let payload = [&payload[..5], after_id].concat();
        let error = deserializer.deserialize(&payload).await.unwrap_err();
        let is_place = matches!(error, ClientError::Frame(FrameError::Place { .. }));
        assert_eq!(is_place, is_frame, "{after_id:?}: {error:?}");
    }
    let error = ProtobufSerializer::<Stock>::new(client, MARKET, "market.Absent");
    assert!(error.map(drop).unwrap_err().to_string().contains("it has no message market.Absent"));
}

#[tokio::test]
async fn a_schema_may_import_others() {
    let (client, _) = counted().await;
    let request = RegisterRequest {
        schema: Some(
            r#"syntax = "proto3"; package money; message Price { double value = 1; }"#.into(),
        ),
        schema_type: Some(SchemaType::Protobuf),
        ..Default::default()
    };
    let subject = Subject::new("money").unwrap();
    client.register(&subject, &request, false).await.unwrap();
    let reference = Reference { name: "money.proto".into(), subject, version: 1 };
    let schema = r#"syntax = "proto3"; package market; import "money.proto";
        message Stock { string symbol = 1; double price = 2; money.Price high = 3; }"#;
    let serializer = ProtobufSerializer::<Stock>::with_references(
        client.clone(),
        schema,
        vec![reference],
        "market.Stock",
    )
    .await
    .unwrap();
    let payload = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
    let deserializer = ProtobufDeserializer::<Stock>::new(client, "market.Stock");
    assert_eq!(deserializer.deserialize(&payload).await.unwrap(), stock());
}

#[tokio::test]
async fn the_path_is_that_of_the_schema_that_is_written() {
    let (client, _) = counted().await;
    let first = r#"syntax = "proto3"; package market;
        message Stock { string symbol = 1; double price = 2; int32 volume = 3; }"#;
    let request = RegisterRequest {
        schema: Some(first.into()),
        schema_type: Some(SchemaType::Protobuf),
        ..Default::default()
    };
    let subject = Subject::new("market.Stock").unwrap();
    client.register(&subject, &request, false).await.unwrap();
    let serializer = ProtobufSerializer::<Stock>::new(client.clone(), MARKET, "market.Stock")
        .unwrap()
        .subject_names(SubjectNameStrategy::Record)
        .use_latest(false, Duration::from_secs(86_400));
    let payload = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
    assert_eq!(payload[5], 0, "it is the first message there");
    let deserializer = ProtobufDeserializer::<Stock>::new(client, "market.Stock");
    assert_eq!(deserializer.deserialize(&payload).await.unwrap(), stock());
}
