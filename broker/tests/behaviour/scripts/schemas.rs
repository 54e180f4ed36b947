//! What schema registries need of the topic in which they keep schemas: one compacted partition, a
//! total order, reading to the end, several writers, and configs that can be checked.

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::{DescribeConfigsRequest, FetchRequest};
use kafka_protocol::protocol::StrBytes;

use crate::asked::{Named, fetch, from, offsets, produce, readable};
use crate::client::Client;
use crate::records::BatchOf;
use crate::script::Script;

/// Versions in which registries' clients ask.
const PRODUCE: i16 = 9;
const FETCH: i16 = 12;

const SUBJECT: &str = r#"{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}"#;
const VALUE: &str = r#"{"subject":"a","version":1,"id":1,"schema":"\"string\"","deleted":false}"#;
const NOOP: &str = r#"{"keytype":"NOOP","magic":0}"#;

type Records = &'static [(Option<&'static str>, Option<&'static str>)];

pub async fn script(s: &mut Script) {
    s.create("schemas", 1, &[("cleanup.policy", "compact")]).await;
    let topic = Named::of(s, "schemas").await;
    checked(s).await;
    let steps: [(&str, Records); 5] = [
        ("noop", &[(Some(NOOP), None)]),
        ("register", &[(Some(SUBJECT), Some(VALUE))]),
        ("register again", &[(Some(SUBJECT), Some(VALUE))]),
        ("delete for good", &[(Some(SUBJECT), None)]),
        ("a record without a key", &[(None, Some(VALUE))]),
    ];
    for (label, records) in steps {
        let request = produce(PRODUCE, &topic, 0, Some(BatchOf::keyed(records).bytes()));
        s.ask(label, PRODUCE, request).await;
        s.ask(&format!("end after: {label}"), 5, offsets(&topic.name, -1)).await;
    }
    s.ask_as("read all", FETCH, fetch(FETCH, &topic, from(0)), readable).await;
    at_once(s, &topic).await;
    read_to_end(s, &topic).await;
}

/// A registry refuses to start on a topic that is not compacted, or that has more than a partition.
async fn checked(s: &mut Script) {
    let keys: Vec<StrBytes> = ["cleanup.policy", "min.insync.replicas"].map(Into::into).into();
    let resource = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(s.name("schemas"))
        .with_configuration_keys(Some(keys));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let answer = s.quiet(request).await.unwrap_or_default();
    let configs = answer.results.into_iter().flat_map(|result| result.configs);
    let mut values: Vec<_> = configs.map(|config| (config.name, config.value)).collect();
    values.sort();
    s.note("configs", &values);
    let described = s.described("schemas").await.unwrap_or_default();
    s.note("partitions", &described.topics.first().map(|topic| topic.partitions.len()));
}

/// Two writers at once: each offset is given once.
async fn at_once(s: &mut Script, topic: &Named) {
    let mut other = Client::connect(&s.address).await;
    let mut given = Vec::new();
    for _ in 0..20 {
        let request = produce(PRODUCE, topic, 0, {
            Some(BatchOf::keyed(&[(Some(SUBJECT), Some(VALUE))]).bytes())
        });
        let both = [s.client.send(PRODUCE, &request).await, other.send(PRODUCE, &request).await];
        assert_eq!(both, [Ok(()), Ok(())]);
        for client in [&mut s.client, &mut other] {
            let answer = client.receive::<kafka_protocol::messages::ProduceRequest>(PRODUCE).await;
            let answer = answer.expect("an answer");
            given.push(answer.responses[0].partition_responses[0].base_offset);
        }
    }
    let mut sorted = given.clone();
    sorted.sort_unstable();
    sorted.dedup();
    s.note("offsets of two writers", &sorted);
}

/// Reads a small piece at a time until the end that was asked for first.
async fn read_to_end(s: &mut Script, topic: &Named) {
    let mut next = 0;
    for piece in 0.. {
        let partition = from(next).with_partition_max_bytes(700);
        let request: FetchRequest = fetch(FETCH, topic, partition);
        let label = format!("piece {piece}");
        let answer = s.ask_as(&label, FETCH, request, readable).await.unwrap_or_default();
        let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
        let records = partitions.filter_map(|partition| partition.records.as_deref());
        let read: usize = records.map(|bytes| count(bytes, &mut next)).sum();
        if read == 0 || piece > 60 {
            break;
        }
    }
    s.note("read until", &next);
}

/// How many batches there are; `next` becomes the offset after them.
fn count(mut bytes: &[u8], next: &mut i64) -> usize {
    let mut batches = 0;
    while bytes.len() >= 61 {
        let base = i64::from_be_bytes(bytes[..8].try_into().expect("8 bytes"));
        let length = i32::from_be_bytes(bytes[8..12].try_into().expect("4 bytes"));
        let last = i32::from_be_bytes(bytes[23..27].try_into().expect("4 bytes"));
        let whole = 12 + usize::try_from(length).unwrap_or(usize::MAX - 12);
        if whole > bytes.len() {
            break;
        }
        *next = base + i64::from(last) + 1;
        batches += 1;
        bytes = &bytes[whole..];
    }
    batches
}
