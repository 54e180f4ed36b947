//! The REST proxy through its socket; files mirror the URL tree. Nearly everything runs on the broker of
//! `weir dev` and on the real Kafka.
//!
//! Every error code is reached here with its text, except what no request can bring about: 500 comes
//! from a defect.
#![allow(clippy::unwrap_used)] // how a test fails

/// Makes of each behaviour, `async fn(&TestBroker)`, a test on the embedded broker and one on Kafka.
macro_rules! on_both_brokers {
    ($($behaviour:ident)*) => {$(
        mod $behaviour {
            #[tokio::test]
            async fn on_the_embedded_broker() {
                super::$behaviour(&weir_tests::embedded_broker()).await;
            }

            #[tokio::test]
            async fn on_kafka() {
                let Some(kafka) = weir_tests::kafka() else { return };
                super::$behaviour(&kafka).await;
            }
        }
    )*};
}

/// As `on_both_brokers`, for what needs listeners or configs that the broker of `weir dev` does not have.
macro_rules! on_kafka {
    ($($behaviour:ident)*) => {$(
        mod $behaviour {
            #[tokio::test]
            async fn on_kafka() {
                let Some(kafka) = weir_tests::kafka() else { return };
                super::$behaviour(&kafka).await;
            }
        }
    )*};
}

mod access;
mod assignments;
mod avro_bytes;
mod compression;
mod conditions;
mod consumers;
mod crowd;
mod encodings;
mod faults;
mod fixtures;
mod golden;
mod headers;
mod http;
mod instance_settings;
mod message_bombs;
mod offsets;
mod outage;
mod partitions;
mod positions;
mod produce_avro;
mod produce_binary;
mod produce_json;
mod produce_schema;
mod produce_text;
mod quirks;
mod rate_limits;
mod records;
mod rendering;
mod security;
mod subscription;
mod topics;
mod v3;
mod wire;
