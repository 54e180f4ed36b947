//! All ways of writing and reading one shape.

use std::hint::black_box;

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use schema_registry_client::rest::client_config::ClientConfig;
use schema_registry_client::rest::mock_schema_registry_client::MockSchemaRegistryClient;
use schema_registry_client::rest::models::Schema as ClientSchema;
use schema_registry_client::rest::schema_registry_client::Client;
use schema_registry_client::serdes::avro as srclient;
use schema_registry_client::serdes::config::{DeserializerConfig, SerializerConfig};
use schema_registry_client::serdes::serde::{SerdeFormat, SerdeType, SerializationContext};
use schema_registry_converter::async_impl::avro::{AvroDecoder, AvroEncoder};
use schema_registry_converter::async_impl::schema_registry::SrSettings;
use schema_registry_converter::schema_registry_common::SubjectNameStrategy;
use weir_schema::avro::Schema;
use weir_schema::avro::codec::{Encoder, Plan};
use weir_serde::testing::TestRegistry;
use weir_serde::typed::{self, TypeSchema};
use weir_serde::{AvroDeserializer, AvroSerializer, Part};

use crate::Measured;
use crate::hand::Read;
use crate::rounds::{Way, measure};
use crate::shapes;

macro_rules! ways {
    ($ways:ident: $($name:literal => $once:expr;)*) => {
        $($ways.push(Way {
            name: $name,
            run: Box::new(|count| {
                for _ in 0..count {
                    black_box($once);
                }
            }),
        });)*
    };
}

macro_rules! awaited {
    ($ways:ident, $runtime:ident: $($name:literal => $once:expr;)*) => {
        $($ways.push(Way {
            name: $name,
            run: Box::new(|count| {
                $runtime.block_on(async {
                    for _ in 0..count {
                        black_box($once);
                    }
                })
            }),
        });)*
    };
}

macro_rules! shape {
    ($name:ident, $owned:ident, $borrowed:ident, narrowed: $narrowed:literal) => {
        pub fn $name() -> Measured {
            use shapes::{$borrowed, $owned};
            let value = &shapes::$name();
            let topic = stringify!($name);
            let runtime = &tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
            let own = TypeSchema::of::<$owned>().expect("a schema");
            let mut data = Vec::new();
            typed::encode(value, &mut data).expect("it fits");
            let data = &data[..];

            // ours
            let registry = TestRegistry::start();
            let client = registry.client();
            let derived = &AvroSerializer::<$owned>::derived(client.clone()).expect("a schema");
            let plain = &AvroSerializer::<$owned>::new(client.clone(), &own.text).expect("a schema");
            let payload = &runtime.block_on(derived.serialize(topic, Part::Value, value)).expect("a registry")[..];
            let read_derived = &AvroDeserializer::<$owned>::derived(client.clone()).expect("a schema");
            let read_plain = &AvroDeserializer::<$owned>::new(client.clone());
            let read_borrowed = &AvroDeserializer::<$borrowed>::borrowing(client.clone()).expect("a schema");
            let encoder = &Encoder::new(&own.schema).expect("a schema");
            let plan = &Plan::compile(&own.schema, &own.schema).expect("a plan");
            assert_eq!(&plan.decode::<$owned>(data).expect("it fits"), value);
            assert_eq!(&<$owned as Read>::all(data).expect("it fits"), value);
            let mut by_hand = Vec::new();
            value.write(&mut by_hand);
            assert_eq!(by_hand.len(), data.len()); // a map's order may differ
            eprintln!("{topic}: {} bytes", data.len());

            // an older writer: without the last field, with one that is gone, a long that was an int
            let (older, older_data) = &older(&own, data, $narrowed);
            let evolved = &Plan::compile(older, &own.schema).expect("a plan");
            evolved.decode::<$owned>(older_data).expect("it resolves");

            // theirs
            let settings = SrSettings::new_builder(registry.url()).build().expect("settings");
            let src_encoder = &AvroEncoder::new(settings.clone());
            let src_decoder = &AvroDecoder::new(settings);
            let strategy = &SubjectNameStrategy::TopicNameStrategy(topic.into(), false);
            let written = runtime.block_on(src_encoder.encode_struct(value, strategy)).expect("it fits");
            assert_eq!(written.len(), payload.len());
            let apache = &apache_avro::Schema::parse_str(&own.text).expect("a schema");
            let apache_older = &apache_avro::Schema::parse_str(&older.canonical()).expect("a schema");
            let apache_writer = &GenericDatumWriter::builder(apache).build().expect("a writer");
            let apache_reader = &GenericDatumReader::builder(apache).build().expect("a reader");
            let apache_resolver = &GenericDatumReader::builder(apache_older).reader_schema(apache).build().expect("a reader");
            let apache_evolved = || -> Result<$owned, apache_avro::Error> {
                apache_avro::from_value(&apache_resolver.read_value(&mut &older_data[..])?)
            };
            if let Err(why) = apache_evolved() {
                eprintln!("{topic}: apache-avro with evolution fails: {why}");
            }
            let saf: &serde_avro_fast::Schema = &own.text.parse().expect("a schema");
            let mut saf_config = serde_avro_fast::ser::SerializerConfig::new(saf);
            let mock = MockSchemaRegistryClient::new(ClientConfig::new(vec!["mock://".into()]));
            let srclient_schema = ClientSchema { schema_type: Some("AVRO".into()), references: None, metadata: None, rule_set: None, schema: own.text.clone() };
            let srclient_encoder = &srclient::AvroSerializer::new(&mock, Some(&srclient_schema), None, SerializerConfig::default()).expect("a serializer");
            let srclient_decoder = &srclient::AvroDeserializer::new(&mock, None, DeserializerConfig::default()).expect("a deserializer");
            let context = &SerializationContext { topic: topic.into(), serde_type: SerdeType::Value, serde_format: SerdeFormat::Avro, headers: None };
            let srclient_payload = runtime.block_on(srclient_encoder.serialize_ser(context, value));

            let mut json = Vec::new();
            plan.to_json(data, &mut json).expect("it fits");
            let json = std::str::from_utf8(&json).expect("JSON");
            let mut back = Vec::new();
            encoder.json_to_avro(json, &mut back).expect("it fits");
            assert_eq!(back.len(), data.len());
            let apache_to_json = || -> Result<Vec<u8>, Box<dyn std::error::Error>> {
                let value = apache_reader.read_value(&mut &data[..])?;
                Ok(serde_json::to_vec(&serde_json::Value::try_from(value)?)?)
            };
            let untagged = &apache_to_json().expect("it fits")[..];
            let apache_from_json = || -> Result<Vec<u8>, Box<dyn std::error::Error>> {
                let value = Value::try_from(serde_json::from_slice::<serde_json::Value>(untagged)?)?;
                Ok(apache_writer.write_value_to_vec(value.resolve(apache)?)?)
            };

            let mut out = Vec::with_capacity(4096);
            let mut out2 = Vec::with_capacity(4096);
            let mut out3 = Vec::with_capacity(4096);
            let mut out4 = Vec::with_capacity(4096);
            let mut ways: Vec<Way> = Vec::new();
            awaited! { ways, runtime:
                "encode derived" => derived.serialize(topic, Part::Value, black_box(value)).await.expect("it fits");
                "encode serde" => plain.serialize(topic, Part::Value, black_box(value)).await.expect("it fits");
                "src encode" => src_encoder.encode_struct(black_box(value), strategy).await.expect("it fits");
                "decode derived" => read_derived.deserialize(black_box(payload)).await.expect("it fits");
                "decode serde" => read_plain.deserialize(black_box(payload)).await.expect("it fits");
                "src decode" => {
                    let value = src_decoder.decode(Some(black_box(payload))).await.expect("it fits").value;
                    apache_avro::from_value::<$owned>(&value).expect("it fits")
                };
                "decode borrowed" => {
                    let message = read_borrowed.message(black_box(payload)).await.expect("it fits");
                    black_box(message.value().expect("it fits"));
                };
            }
            ways! { ways:
                "encode derived bare" => {
                    out.clear();
                    typed::encode(black_box(value), &mut out).expect("it fits");
                };
                "encode serde bare" => {
                    out2.clear();
                    encoder.encode(black_box(value), &mut out2).expect("it fits");
                };
                "hand encode" => {
                    out3.clear();
                    black_box(value).write(&mut out3);
                };
                "apache encode" => apache_writer.write_ser_to_vec(black_box(value)).expect("it fits");
                "saf encode" => {
                    out4.clear();
                    serde_avro_fast::to_datum(black_box(value), &mut out4, &mut saf_config).expect("it fits");
                };
                "decode derived bare" => typed::decode::<$owned>(black_box(data)).expect("it fits");
                "decode serde bare" => plan.decode::<$owned>(black_box(data)).expect("it fits");
                "decode borrowed bare" => typed::decode::<$borrowed>(black_box(data)).expect("it fits");
                "decode borrowed serde bare" => plan.decode::<$borrowed>(black_box(data)).expect("it fits");
                "hand decode" => <$owned as Read>::all(black_box(data)).expect("it fits");
                "hand borrowed" => <$borrowed as Read>::all(black_box(data)).expect("it fits");
                "apache decode" => apache_reader.read_deser::<$owned>(&mut black_box(data)).expect("it fits");
                "saf decode" => serde_avro_fast::from_datum_slice::<$owned>(black_box(data), saf).expect("it fits");
                "saf borrowed" => serde_avro_fast::from_datum_slice::<$borrowed>(black_box(data), saf).expect("it fits");
                "evolved" => evolved.decode::<$owned>(black_box(older_data)).expect("it resolves");
                "to json" => {
                    let mut out = Vec::with_capacity(1024);
                    plan.to_json(black_box(data), &mut out).expect("it fits");
                    out
                };
                "from json" => {
                    let mut out = Vec::with_capacity(1024);
                    encoder.json_to_avro(black_box(json), &mut out).expect("it fits");
                    out
                };
                "apache to json" => apache_to_json().expect("it fits");
            }
            if apache_evolved().is_ok() {
                ways! { ways: "apache evolved" => apache_evolved().expect("it resolves"); }
            }
            match apache_from_json() {
                Ok(_) => {
                    ways! { ways: "apache from json" => apache_from_json().expect("it fits"); }
                }
                Err(why) => eprintln!("{topic}: apache-avro cannot read the JSON that it wrote: {why}"),
            }
            match &srclient_payload {
                Ok(payload) => {
                    awaited! { ways, runtime:
                        "srclient encode" => srclient_encoder.serialize_ser(context, black_box(value)).await.expect("it fits");
                    }
                    if runtime.block_on(srclient_decoder.deserialize(context, payload)).is_ok() {
                        awaited! { ways, runtime:
                            "srclient decode" => {
                                let value = srclient_decoder.deserialize(context, black_box(payload)).await.expect("it fits").value;
                                value
                            };
                        }
                    }
                }
                Err(why) => eprintln!("{topic}: schema-registry-client fails: {why}"),
            }
            let times = measure(&mut ways);
            ways.iter().map(|way| way.name).zip(times).collect()
        }
    };
}

shape!(small, Small, SmallRef, narrowed: "created");
shape!(order, Order, OrderRef, narrowed: "placed_at");
shape!(wide, Wide, WideRef, narrowed: "count_3");

/// What an older version of a type would have written.
fn older(own: &TypeSchema, data: &[u8], narrowed: &str) -> (Schema, Vec<u8>) {
    let mut text: serde_json::Value = serde_json::from_str(&own.text).expect("JSON");
    let fields = text["fields"].as_array_mut().expect("a record");
    let gone = fields.pop().expect("fields")["name"].as_str().expect("a name").to_string();
    let legacy = serde_json::json!({"name": "legacy", "type": "string"});
    fields.insert(1, legacy);
    let field = fields.iter_mut().find(|field| field["name"] == narrowed).expect("a field");
    field["type"] = "int".into();
    let schema = Schema::parse(&text.to_string()).expect("a schema");
    let mut json = Vec::new();
    Plan::compile(&own.schema, &own.schema)
        .expect("a plan")
        .to_json(data, &mut json)
        .expect("it fits");
    let mut value: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    let value_fields = value.as_object_mut().expect("a record");
    value_fields.remove(&gone);
    value_fields.insert("legacy".into(), "of no use any more".into());
    value_fields.insert(narrowed.into(), 123_456.into());
    let mut out = Vec::new();
    Encoder::new(&schema)
        .expect("a schema")
        .json_to_avro(&value.to_string(), &mut out)
        .expect("it fits");
    (schema, out)
}
