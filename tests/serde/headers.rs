//! Schemas that are named in a record's header, or by guid in the payload.

use std::sync::atomic::Ordering;

use weir_serde::api::{Guid, Subject, VersionSpec};
use weir_serde::{
    AvroDeserializer, AvroSerializer, ClientError, FrameError, Named, Part, RegistryClient,
    SchemaName, unframe_record,
};

use super::{STOCK, Stock, counted, stock};

async fn guid(client: &RegistryClient, subject: &str) -> Guid {
    let subject = Subject::new(subject).unwrap();
    client.version(&subject, VersionSpec::Latest).await.unwrap().guid.unwrap()
}

#[tokio::test]
async fn a_header_names_the_schema_and_the_payload_is_data_alone() {
    let (client, count) = counted().await;
    let serializer = AvroSerializer::<Stock>::new(client.clone(), STOCK).unwrap();
    let framed = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
    let (header, payload) =
        serializer.serialize_with_header("stocks", Part::Value, &stock()).await.unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 1, "registered once for both");
    assert_eq!(payload, framed[5..]);
    assert_eq!(header.name, "__value_schema_id");
    assert_eq!(header.value[0], 1);
    assert_eq!(header.value[1..], guid(&client, "stocks-value").await.0);
    let (header, _) =
        serializer.serialize_with_header("stocks", Part::Key, &stock()).await.unwrap();
    assert_eq!(header.name, "__key_schema_id");

    count.store(0, Ordering::Relaxed);
    let deserializer = AvroDeserializer::<Stock>::new(client);
    for _ in 0..3 {
        let header = Some(&header.value[..]);
        let read = deserializer.deserialize_with_header(header, &payload).await.unwrap();
        assert_eq!(read, stock());
    }
    assert_eq!(count.load(Ordering::Relaxed), 1, "fetched once");
}

#[tokio::test]
async fn a_reader_takes_every_form_and_the_header_first() {
    let (client, _) = counted().await;
    let serializer = AvroSerializer::<Stock>::new(client.clone(), STOCK).unwrap();
    let framed = serializer.serialize("stocks", Part::Value, &stock()).await.unwrap();
    let (header, payload) =
        serializer.serialize_with_header("stocks", Part::Value, &stock()).await.unwrap();
    let reader = r#"{"type":"record","name":"Stock","fields":[{"name":"price","type":"double"},
        {"name":"symbol","type":"string"},{"name":"date","type":"string"}]}"#;
    let deserializers = [
        AvroDeserializer::<Stock>::new(client.clone()),
        AvroDeserializer::with_reader_schema(client, reader).unwrap(),
    ];
    let with_guid = [&header.value[..], &payload].concat();
    for deserializer in deserializers {
        let forms = [
            (None, &framed),
            (None, &with_guid),
            (Some(&header.value[..]), &payload),
            (Some(&framed[..5]), &payload), // an id in the header
        ];
        for (header, payload) in forms {
            let read = deserializer.deserialize_with_header(header, payload).await.unwrap();
            assert_eq!(read, stock());
        }
        // a payload that looks framed is data if a header names the schema
        let error = deserializer.deserialize_with_header(Some(&header.value), &framed).await;
        assert!(matches!(error, Err(ClientError::Codec(_))), "{error:?}");
    }
}

#[tokio::test]
async fn what_names_no_schema_is_refused() {
    let header = [&[1][..], &[7; 16]].concat();
    let Named { name, data, .. } = unframe_record(Some(&header), b"data").unwrap();
    assert_eq!((name, data), (SchemaName::Guid(Guid([7; 16])), &b"data"[..]));
    for (header, payload, error) in [
        (Some(&[][..]), &b"data"[..], FrameError::Short { length: 0 }),
        (Some(&header[..16]), b"data", FrameError::Short { length: 16 }),
        (Some(&[2, 0, 0, 0, 1]), b"data", FrameError::Magic { byte: 2 }),
        (None, &header[..16], FrameError::Short { length: 16 }),
        (None, b"\0\0\0\0", FrameError::Short { length: 4 }),
        (None, b"", FrameError::Short { length: 0 }),
        (None, b"data", FrameError::Magic { byte: b'd' }),
    ] {
        assert_eq!(unframe_record(header, payload).unwrap_err(), error);
    }
    let (client, _) = counted().await;
    let deserializer = AvroDeserializer::<Stock>::new(client.clone());
    let error = deserializer.deserialize_with_header(Some(&[0, 0, 0, 0, 1, 0]), b"data").await;
    let place = ClientError::Frame(FrameError::Place { length: 1 });
    assert_eq!(error.unwrap_err().to_string(), place.to_string(), "Avro has no messages");
    let error = client.avro_codec(Guid([7; 16])).await.unwrap_err();
    assert!(matches!(error, ClientError::Registry { code: 40403, .. }), "{error:?}");
}

#[tokio::test]
async fn a_schema_that_is_there_already_has_its_guid_too() {
    let (client, _) = counted().await;
    let first = AvroSerializer::<Stock>::new(client.clone(), STOCK).unwrap();
    first.serialize("stocks", Part::Value, &stock()).await.unwrap();
    let second = AvroSerializer::<Stock>::new(client.clone(), STOCK).unwrap().auto_register(false);
    let (header, _) = second.serialize_with_header("stocks", Part::Value, &stock()).await.unwrap();
    assert_eq!(header.value[1..], guid(&client, "stocks-value").await.0);
}
