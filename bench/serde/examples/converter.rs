//! schema_registry_converter against a registry: `converter REGISTRY_URL TOPIC`.

use apache_avro::{Schema, from_value};
use schema_registry_converter::async_impl::avro::{AvroDecoder, AvroEncoder};
use schema_registry_converter::async_impl::schema_registry::SrSettings;
use schema_registry_converter::avro_common::get_supplied_schema;
use schema_registry_converter::schema_registry_common::SubjectNameStrategy;
use serde::{Deserialize, Serialize};

const SCHEMA: &str = r#"{"type": "record", "name": "Flight", "fields": [
    {"name": "origin", "type": "string"}, {"name": "delay", "type": "int"}]}"#;

#[derive(Debug, Serialize, Deserialize)]
struct Flight {
    origin: String,
    delay: i32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(registry), Some(topic)) = (args.next(), args.next()) else {
        return Err("usage: converter REGISTRY_URL TOPIC".into());
    };
    let settings = SrSettings::new(registry);

    let schema = get_supplied_schema(&Schema::parse_str(SCHEMA)?);
    let subject = SubjectNameStrategy::TopicNameStrategyWithSchema(topic, false, schema);
    let flight = Flight { origin: "SFO".into(), delay: 14 };
    let payload = AvroEncoder::new(settings.clone()).encode_struct(flight, &subject).await?;
    println!("{payload:?}");

    let decoded = AvroDecoder::new(settings).decode(Some(&payload)).await?;
    println!("{:?}", from_value::<Flight>(&decoded.value)?);
    Ok(())
}
