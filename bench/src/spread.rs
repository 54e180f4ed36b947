//! `spread`: records without keys into topics of few and of many partitions, and to a broker that is near or
//! far; beside rdkafka.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::http::post;
use crate::kafka::Kafka;
use crate::process::cpu_us;
use crate::producer;
use crate::relay::{Relay, Unconnected};
use crate::server::{self, Server};
use crate::table::Table;
use crate::{Result, load};

const BINARY_JSON: &str = "application/vnd.kafka.binary.v2+json";
const VALUE_BYTES: usize = 100;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(3);
const BATCH: usize = 100;
const CONNECTIONS: usize = 8;

const PARTITIONS: [i32; 3] = [1, 12, 200];
const ROUND_TRIPS_MS: [u64; 3] = [1, 5, 20];

/// Records a second, and CPU time of the server in cores.
#[derive(Default)]
struct Samples {
    rates: Vec<f64>,
    cores: Vec<f64>,
}

struct Bench {
    kafka: Kafka,
    weir: Server,
    relay: Relay,
    values: Arc<Vec<Vec<u8>>>,
}

pub async fn run() -> Result {
    server::build()?;
    let relay = Unconnected::new().await?;
    let kafka = Kafka::behind(relay.address.port())?;
    let relay = relay.connect(kafka.bootstrap_servers.clone());
    let weir = Server::rest_proxy(&kafka.bootstrap_servers).await?;
    let value = |n: u32| n.to_string().into_bytes().into_iter().cycle().take(VALUE_BYTES).collect();
    let values = Arc::new((0..1000).map(value).collect());
    let bench = Bench { kafka, weir, relay, values };
    bench.partitions().await?;
    bench.distances().await
}

impl Bench {
    async fn partitions(&self) -> Result {
        let mut table = Table::new(&format!(
            "spread: {BATCH} records of {VALUE_BYTES} B without keys a request, {CONNECTIONS} connections, acks=all"
        ));
        for partitions in PARTITIONS {
            let topic =
                self.kafka.create_topic_of(&format!("spread-{partitions}"), partitions).await?;
            let (mut weir, mut native) = (Samples::default(), Samples::default());
            self.through_weir(&topic, BATCH, &mut Samples::default()).await?; // warms up
            for _ in 0..ROUNDS {
                self.through_weir(&topic, BATCH, &mut weir).await?;
                native.rates.push(self.stream(&topic).await?);
            }
            table.row(&format!("{partitions} partitions: weir, records/s"), &weir.rates);
            table.row("  server CPU, cores", &weir.cores);
            table.row("  rdkafka, records/s", &native.rates);
            table.ratio("rdkafka", &weir.rates, &native.rates);
        }
        table.print();
        Ok(())
    }

    async fn distances(&self) -> Result {
        let topic = self.kafka.create_topic_of("distance", 1).await?;
        for batch in [1, BATCH] {
            let mut table = Table::new(&format!(
                "spread: a broker that is some way off, {batch} records a request, {CONNECTIONS} connections, acks=all"
            ));
            for ms in ROUND_TRIPS_MS {
                self.relay.set_round_trip(Duration::from_millis(ms));
                let (mut weir, mut native) = (Samples::default(), Samples::default());
                self.through_weir(&topic, batch, &mut Samples::default()).await?; // warms up
                for _ in 0..ROUNDS {
                    self.through_weir(&topic, batch, &mut weir).await?;
                    let in_flight = batch * CONNECTIONS;
                    native.rates.push(self.waited_for(&topic, in_flight).await?);
                }
                table.row(&format!("{ms} ms: weir, records/s"), &weir.rates);
                table.row("  server CPU, cores", &weir.cores);
                table.row("  rdkafka with as many records in flight, records/s", &native.rates);
                table.ratio("rdkafka", &weir.rates, &native.rates);
            }
            self.relay.set_round_trip(Duration::ZERO);
            table.print();
        }
        Ok(())
    }

    async fn through_weir(&self, topic: &str, batch: usize, samples: &mut Samples) -> Result {
        let request = self.request(topic, batch);
        let before = cpu_us(self.weir.pid())?;
        let load =
            load::run(self.weir.address, CONNECTIONS, ROUND, move |_| request.clone()).await?;
        let seconds = load.elapsed.as_secs_f64();
        samples.cores.push((cpu_us(self.weir.pid())? - before) / seconds / 1e6);
        samples.rates.push(load.requests() * batch as f64 / seconds);
        Ok(())
    }

    fn request(&self, topic: &str, batch: usize) -> Bytes {
        let records: Vec<Value> = self.values[..batch]
            .iter()
            .map(|value| json!({"value": BASE64_STANDARD.encode(value)}))
            .collect();
        post(&format!("/topics/{topic}"), BINARY_JSON, &json!({"records": records}).to_string())
    }

    /// rdkafka as fast as it takes records, with its defaults.
    async fn stream(&self, topic: &str) -> Result<f64> {
        let mut config = self.kafka.client();
        config.set("acks", "all").set("enable.idempotence", "true");
        let (topic, values) = (topic.to_string(), self.values.clone());
        let stream = move || producer::stream(&config, &topic, &values, ROUND);
        let sent = tokio::task::spawn_blocking(stream).await??;
        Ok(sent.records / sent.elapsed.as_secs_f64())
    }

    async fn waited_for(&self, topic: &str, in_flight: usize) -> Result<f64> {
        let mut config = self.kafka.client();
        config.set("acks", "all").set("linger.ms", "0").set("enable.idempotence", "true");
        let sent = producer::one_by_one(&config, topic, &self.values, in_flight, ROUND).await?;
        Ok(sent.records / sent.elapsed.as_secs_f64())
    }
}
