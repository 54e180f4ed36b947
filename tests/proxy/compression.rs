//! Compressed records, in both directions.

use std::collections::BTreeMap;

use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::{Value, json};
use weir_proxy::{Broker, Proxy, ProxyConfig};
use weir_serde::RegistryClient;
use weir_tests::{Api, ProxyUnderTest, TestBroker, registry, serve};

use crate::fixtures::*;

on_both_brokers! {
    what_native_clients_compress_is_read
    what_the_proxy_compresses_is_read_by_native_clients
}

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

async fn what_native_clients_compress_is_read(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    for codec in CODECS {
        let topic = new_topic(broker, "routes", 1).await;
        let mut client = broker.client();
        client.set("compression.type", codec).set("linger.ms", "50");
        let producer: FutureProducer = client.create().unwrap();
        let value = "SAT to HOU ".repeat(100);
        let sent = (0..20).map(|_| {
            let record: FutureRecord<'_, str, str> =
                FutureRecord::to(&topic).partition(0).payload(&value);
            producer.send(record, DEADLINE)
        });
        for sent in futures_util::future::join_all(sent).await {
            sent.unwrap();
        }
        let taken = Consumer::of(&proxy, &topic, "text").await.take_data(20).await;
        assert_eq!(taken, vec![(Value::Null, json!(value)); 20], "{codec}");
    }
}

async fn what_the_proxy_compresses_is_read_by_native_clients(broker: &TestBroker) {
    for codec in CODECS {
        let topic = new_topic(broker, "routes", 1).await;
        let proxy = compressing(broker, codec).await;
        let value = json!("SAT to HOU ".repeat(100));
        sent(&produce(&proxy, &topic, JSON, &records(&vec![value.clone(); 20])).await);
        let native = native_read(broker, &topic).await;
        let found: Vec<_> = native.iter().map(|record| record.text().1.unwrap()).collect();
        assert_eq!(found, vec![value.to_string(); 20], "{codec}");
    }
}

async fn compressing(broker: &TestBroker, codec: &str) -> ProxyUnderTest {
    let settings = BTreeMap::from([("compression.type".to_string(), codec.to_string())]);
    let kafka = weir_kafka::Settings {
        bootstrap_servers: broker.bootstrap_servers.clone(),
        librdkafka: settings,
    };
    let registry = registry().await;
    let client = RegistryClient::new(&registry.url).unwrap();
    let proxy = Proxy::new(Broker::new(kafka).unwrap(), client, ProxyConfig::default());
    let api = Api::new(serve(weir_proxy::router(proxy)).await);
    ProxyUnderTest { api, registry, embedded: broker.embedded.clone() }
}
