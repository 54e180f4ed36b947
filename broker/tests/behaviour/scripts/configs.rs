//! DescribeConfigs, AlterConfigs, IncrementalAlterConfigs and ListConfigResources.

use kafka_protocol::messages::alter_configs_request as replacing;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request as incremental;
use kafka_protocol::messages::{
    AlterConfigsRequest, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest,
};
use kafka_protocol::protocol::StrBytes;

use crate::script::Script;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

pub async fn script(s: &mut Script) {
    describe(s).await;
    alter(s).await;
    replace(s).await;
}

fn resource(kind: i8, name: &StrBytes, keys: Option<&[&'static str]>) -> DescribeConfigsRequest {
    let keys = keys.map(|keys| keys.iter().copied().map(StrBytes::from).collect());
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(name.clone())
        .with_configuration_keys(keys);
    DescribeConfigsRequest::default().with_resources(vec![resource])
}

/// Kafka's order is that of a hash table.
fn sorted(answer: &mut DescribeConfigsResponse) {
    for result in &mut answer.results {
        result.configs.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

async fn describe(s: &mut Script) {
    s.create("seen", 1, &[("cleanup.policy", "compact"), ("segment.bytes", "1048576")]).await;
    let seen = s.name("seen");
    let topic = |keys| resource(TOPIC, &seen, keys);
    let some: &[&str] = &["cleanup.policy", "segment.bytes", "max.message.bytes"];
    s.each_as("describe some", |_| topic(Some(some)), sorted).await;
    s.each_as("describe none", |_| topic(Some(&[])), sorted).await;
    s.each_as("describe unknown", |_| topic(Some(&["no.such"])), sorted).await;
    s.each_as("describe twice", |_| topic(Some(&["segment.bytes", "segment.bytes"])), sorted).await;
    s.each_as(
        "describe synonyms",
        |_| topic(Some(some)).with_include_synonyms(true).with_include_documentation(true),
        |answer| {
            sorted(answer);
            for config in answer.results.iter_mut().flat_map(|result| &mut result.configs) {
                // the words are Kafka's
                config.documentation = config.documentation.take().map(|_| "words".into());
            }
        },
    )
    .await;
    let newest = s.newest::<DescribeConfigsRequest>();
    s.ask_as("describe all", newest, topic(None), sorted).await;
    let answer = s.quiet(topic(None)).await.unwrap_or_default();
    let configs = answer.results.into_iter().flat_map(|result| result.configs);
    let mut configs: Vec<_> = configs.collect();
    configs.sort_by(|a, b| a.name.cmp(&b.name));
    for config in configs {
        let label = format!("config: {}", config.name);
        s.note(&label, &(config.value, config.read_only, config.config_source, config.config_type));
    }
    let (nowhere, one, nine) = (s.name("nowhere"), StrBytes::from("1"), StrBytes::from("9"));
    let (empty, bad, word) = (StrBytes::from(""), StrBytes::from("a/b"), StrBytes::from("one"));
    for (label, kind, name) in [
        ("unknown topic", TOPIC, &nowhere),
        ("invalid topic", TOPIC, &bad),
        ("no topic", TOPIC, &empty),
        ("another broker", BROKER, &nine),
        ("a broker's word", BROKER, &word),
        ("type 0", 0, &one),
        ("type 1", 1, &one),
        ("type 3", 3, &one),
        ("type 77", 77, &one),
    ] {
        s.each_as(&format!("describe {label}"), |_| resource(kind, name, None), sorted).await;
    }
    let broker: &[&str] = &[
        "log.retention.ms",
        "log.cleaner.min.compaction.lag.ms",
        "num.partitions",
        "auto.create.topics.enable",
        "message.max.bytes",
    ];
    s.each_as("describe broker", |_| resource(BROKER, &one, Some(broker)), sorted).await;
    s.each_as("describe brokers", |_| resource(BROKER, &empty, Some(broker)), sorted).await;
    s.each_as("describe nothing", |_| DescribeConfigsRequest::default(), sorted).await;
}

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// Instead of a value: that which was set before is gone.
const NOT_SET: &str = "not 500";

fn is_so(value: Option<&str>, becomes: &str) -> bool {
    if becomes == NOT_SET { value != Some("500") } else { value == Some(becomes) }
}

type Change = (&'static str, i8, Option<&'static str>);

fn altering(kind: i8, name: &StrBytes, changes: &[Change]) -> IncrementalAlterConfigsRequest {
    let configs = changes
        .iter()
        .map(|(key, operation, value)| {
            incremental::AlterableConfig::default()
                .with_name((*key).into())
                .with_config_operation(*operation)
                .with_value(value.map(StrBytes::from))
        })
        .collect();
    let resource = incremental::AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(name.clone())
        .with_configs(configs);
    IncrementalAlterConfigsRequest::default().with_resources(vec![resource])
}

async fn alter(s: &mut Script) {
    s.create("changes", 1, &[("segment.bytes", "1048576")]).await;
    let changes = s.name("changes");
    let steps: [(&str, &[Change], &str, Option<&str>); 6] = [
        ("set", &[("retention.bytes", SET, Some("500"))], "retention.bytes", Some("500")),
        ("delete", &[("retention.bytes", DELETE, None)], "retention.bytes", Some(NOT_SET)),
        (
            "append",
            &[("cleanup.policy", APPEND, Some("compact"))],
            "cleanup.policy",
            Some("delete,compact"),
        ),
        ("append again", &[("cleanup.policy", APPEND, Some("compact"))], "cleanup.policy", None),
        (
            "subtract",
            &[("cleanup.policy", SUBTRACT, Some("delete"))],
            "cleanup.policy",
            Some("compact"),
        ),
        ("delete what is not set", &[("flush.ms", DELETE, None)], "flush.ms", None),
    ];
    for (label, step, key, becomes) in steps {
        s.each(&format!("alter: validate {label}"), |_| {
            altering(TOPIC, &changes, step).with_validate_only(true)
        })
        .await;
        s.each(&format!("alter: {label}"), |_| altering(TOPIC, &changes, step)).await;
        if let Some(becomes) = becomes {
            let wanted = resource(TOPIC, &changes, Some(&[key]));
            s.until(wanted, |answer| {
                let configs = answer.results.iter().flat_map(|result| &result.configs);
                configs.clone().count() == 1
                    && configs.into_iter().all(|c| is_so(c.value.as_deref(), becomes))
            })
            .await;
        }
        let newest = s.newest::<DescribeConfigsRequest>();
        let wanted = resource(TOPIC, &changes, Some(&[key]));
        s.ask_as(&format!("after: {label}"), newest, wanted, sorted).await;
    }
    wrong(s, &changes).await;
}

async fn wrong(s: &mut Script, changes: &StrBytes) {
    let cases: [(&str, &[Change]); 12] = [
        ("unknown key", &[("no.such", SET, Some("1"))]),
        ("delete unknown key", &[("no.such", DELETE, None)]),
        ("not a number", &[("retention.bytes", SET, Some("x"))]),
        ("too low", &[("segment.bytes", SET, Some("1"))]),
        ("null", &[("retention.bytes", SET, None)]),
        ("append to a number", &[("retention.bytes", APPEND, Some("1"))]),
        ("subtract from a number", &[("retention.bytes", SUBTRACT, Some("1"))]),
        ("operation 9", &[("retention.bytes", 9, Some("1"))]),
        ("operation -1", &[("retention.bytes", -1, Some("1"))]),
        ("twice", &[("flush.ms", SET, Some("1")), ("flush.ms", SET, Some("2"))]),
        ("one of two wrong", &[("flush.ms", SET, Some("1")), ("segment.bytes", SET, Some("x"))]),
        ("no change", &[]),
    ];
    for (label, step) in cases {
        s.each(&format!("alter: {label}"), |_| altering(TOPIC, changes, step)).await;
    }
    let (nowhere, one, nine) = (s.name("nowhere"), StrBytes::from("1"), StrBytes::from("9"));
    let change: &[Change] = &[("flush.ms", SET, Some("1"))];
    let read_only: &[Change] = &[("log.dirs", SET, Some("x"))];
    for (label, kind, name, change) in [
        ("unknown topic", TOPIC, &nowhere, change),
        ("another broker", BROKER, &nine, change),
        ("type 1", 1, &one, change),
        ("read-only of a broker", BROKER, &one, read_only),
    ] {
        let request = altering(kind, name, change).with_validate_only(true);
        s.each(&format!("alter: {label}"), |_| request.clone()).await;
    }
    let mut twice = altering(TOPIC, changes, change);
    twice.resources.extend(twice.resources.clone());
    s.each("alter: one topic twice", |_| twice.clone()).await;
}

async fn replace(s: &mut Script) {
    let replacing = |name: &StrBytes, configs: &[(&'static str, Option<&'static str>)]| {
        let configs = configs
            .iter()
            .map(|(key, value)| {
                replacing::AlterableConfig::default()
                    .with_name((*key).into())
                    .with_value(value.map(StrBytes::from))
            })
            .collect();
        let resource = replacing::AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(name.clone())
            .with_configs(configs);
        AlterConfigsRequest::default().with_resources(vec![resource])
    };
    s.create("replaced", 1, &[("segment.bytes", "1048576")]).await;
    let (replaced, nowhere) = (s.name("replaced"), s.name("nowhere"));
    s.each("replace", |_| replacing(&replaced, &[("flush.ms", Some("77"))])).await;
    let both: &[&str] = &["flush.ms", "segment.bytes"];
    s.until(resource(TOPIC, &replaced, Some(both)), |answer| {
        let mut configs = answer.results.iter().flat_map(|result| &result.configs);
        configs.any(|config| config.value.as_deref() == Some("77"))
    })
    .await;
    let newest = s.newest::<DescribeConfigsRequest>();
    s.ask_as("after: replace", newest, resource(TOPIC, &replaced, Some(both)), sorted).await;
    s.each("replace unknown", |_| replacing(&nowhere, &[("flush.ms", Some("77"))])).await;
    s.each("replace: unknown key", |_| replacing(&replaced, &[("no.such", Some("77"))])).await;
    s.each("replace: null", |_| replacing(&replaced, &[("flush.ms", None)])).await;
    s.each("replace: not a number", |_| replacing(&replaced, &[("flush.ms", Some("x"))])).await;
}
