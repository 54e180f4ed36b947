//! Produces flights with rdkafka and an [`AvroSerializer`], and consumes them again.
//!
//! With `weir dev` running: `cargo run -p weir-serde --example flights -- BROKER http://127.0.0.1:8081 TOPIC`,
//! where BROKER is the address that `weir dev` prints. TOPIC is `flights-rust` if it is left out.

use std::time::Duration;

use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Message};
use serde::{Deserialize, Serialize};
use weir_serde::{Avro, AvroDeserializer, AvroSerializer, Part, RegistryClient};

#[derive(Debug, Serialize, Deserialize, Avro)]
#[avro(namespace = "air")]
struct Flight {
    origin: String,
    destination: String,
    delay: Option<i32>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(broker), Some(registry)) = (args.next(), args.next()) else {
        return Err("usage: flights BROKER REGISTRY_URL [TOPIC]".into());
    };
    let topic = args.next().unwrap_or_else(|| "flights-rust".to_string());
    let client = RegistryClient::new(&registry)?;

    let producer: FutureProducer =
        ClientConfig::new().set("bootstrap.servers", &broker).create()?;
    let serializer = AvroSerializer::<Flight>::derived(client.clone())?;
    for (origin, destination, delay) in [("LAX", "BNA", Some(-19)), ("SJC", "IAH", None)] {
        let flight = Flight { origin: origin.into(), destination: destination.into(), delay };
        let payload = serializer.serialize(&topic, Part::Value, &flight).await?;
        let record = FutureRecord::to(&topic).key(origin).payload(&payload);
        producer.send(record, Duration::from_secs(5)).await.map_err(|(error, _)| error)?;
    }

    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", &broker)
        .set("group.id", format!("{topic}-example"))
        .set("auto.offset.reset", "earliest")
        .create()?;
    consumer.subscribe(&[&topic])?;
    let deserializer = AvroDeserializer::<Flight>::derived(client)?;
    for _ in 0..2 {
        let message = consumer.recv().await?;
        let flight = deserializer.deserialize(message.payload().unwrap_or_default()).await?;
        println!("{flight:?}");
    }
    Ok(())
}
