//! Configs as clients set and see them.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};

use super::describe::resource_type::{BROKER, GROUP, TOPIC};
use super::{TOPIC_CONFIGS, TopicConfig, broker_table, group_table};
use crate::apis::Request;
use crate::core::CoreSettings;
use crate::core::harness::{Harness, response_of};
use crate::core::refusal::text;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

fn with_topic() -> Harness {
    let mut broker = Harness::new(CoreSettings::default());
    let now = broker.now();
    broker.core.create_topic("t", 1, Default::default(), now).unwrap();
    broker
}

fn alter(broker: &mut Harness, kind: i8, name: &str, op: i8, config: &str, value: &str) -> i16 {
    let config = AlterableConfig::default()
        .with_name(text(config))
        .with_config_operation(op)
        .with_value(Some(text(value)));
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let response = broker.ask(1, Request::IncrementalAlterConfigs(request));
    response_of!(IncrementalAlterConfigs, response).responses[0].error_code
}

fn described(
    broker: &mut Harness,
    kind: i8,
    name: &str,
    config: &str,
) -> DescribeConfigsResourceResult {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configuration_keys(Some(vec![text(config)]));
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true)
        .with_include_documentation(true);
    let response = response_of!(DescribeConfigs, broker.ask(4, Request::DescribeConfigs(request)));
    response.results[0].configs[0].clone()
}

fn settings(broker: &Harness) -> TopicConfig {
    broker.core.catalog.get("t").unwrap().settings
}

#[test]
fn a_topic_follows_its_own_value_then_the_brokers() {
    let mut broker = with_topic();
    let week = 7 * 24 * 60 * 60 * 1000;
    assert_eq!(settings(&broker).log.retention_ms, Some(week));
    assert_eq!(alter(&mut broker, BROKER, "", SET, "log.retention.ms", "3000"), 0);
    assert_eq!(settings(&broker).log.retention_ms, Some(3000));
    assert_eq!(alter(&mut broker, BROKER, "1", SET, "log.retention.ms", "2000"), 0);
    assert_eq!(settings(&broker).log.retention_ms, Some(2000));
    assert_eq!(alter(&mut broker, TOPIC, "t", SET, "retention.ms", "-1"), 0);
    assert_eq!(settings(&broker).log.retention_ms, None);
    let shown = described(&mut broker, TOPIC, "t", "retention.ms");
    let sources: Vec<i8> = shown.synonyms.iter().map(|synonym| synonym.source).collect();
    assert_eq!((shown.value, shown.config_source), (Some(text("-1")), 1));
    assert_eq!(sources, [1, 2, 3]);
    let mut broker = broker.restart();
    assert_eq!(settings(&broker).log.retention_ms, None);
    assert_eq!(alter(&mut broker, TOPIC, "t", DELETE, "retention.ms", ""), 0);
    assert_eq!(settings(&broker).log.retention_ms, Some(2000));
    assert_eq!(
        broker.core.catalog.partition("t", 0).unwrap().log.config().retention_ms,
        Some(2000)
    );
}

#[test]
fn lists_are_appended_to_and_subtracted_from() {
    let mut broker = with_topic();
    assert_eq!(alter(&mut broker, TOPIC, "t", APPEND, "cleanup.policy", "compact"), 0);
    let shown = described(&mut broker, TOPIC, "t", "cleanup.policy");
    assert_eq!(shown.value, Some(text("delete,compact")));
    assert_eq!(alter(&mut broker, TOPIC, "t", SUBTRACT, "cleanup.policy", "delete"), 0);
    assert!(settings(&broker).log.cleanup.compact && !settings(&broker).log.cleanup.delete);
    let refused = ResponseError::InvalidConfig.code();
    assert_eq!(alter(&mut broker, TOPIC, "t", APPEND, "retention.ms", "1"), refused);
}

#[test]
fn a_wrong_value_changes_nothing() {
    let mut broker = with_topic();
    let invalid = ResponseError::InvalidConfig.code();
    for (config, value) in [
        ("nonsense", "1"),
        ("retention.ms", "soon"),
        ("retention.ms", "-2"),
        ("segment.bytes", "9223372036854775807"),
        ("segment.bytes", "1"),
        ("min.cleanable.dirty.ratio", "NaN"),
        ("min.cleanable.dirty.ratio", "2"),
        ("cleanup.policy", "keep"),
        ("compression.type", "brotli"),
        ("preallocate", "maybe"),
        ("min.compaction.lag.ms", "9223372036854775808"),
        ("remote.storage.enable", "true"),
        ("leader.replication.throttled.replicas", "0:x"),
    ] {
        assert_eq!(alter(&mut broker, TOPIC, "t", SET, config, value), invalid, "{config}={value}");
    }
    assert!(broker.core.catalog.get("t").unwrap().config.is_empty());
    let fixed = ResponseError::InvalidRequest.code();
    assert_eq!(alter(&mut broker, BROKER, "1", SET, "num.partitions", "3"), fixed);
    assert_eq!(alter(&mut broker, BROKER, "2", SET, "log.retention.ms", "3"), fixed);
    let session = "consumer.session.timeout.ms";
    assert_eq!(alter(&mut broker, GROUP, "g", SET, session, "5"), invalid);
    assert_eq!(broker.core.group_config("g", session), None);
    assert_eq!(alter(&mut broker, GROUP, "g", SET, session, "50000"), 0);
    assert_eq!(broker.core.group_config("g", session), Some(50_000));
}

#[test]
fn super_users_are_not_shown() {
    let authorization = crate::core::Authorization {
        super_users: vec!["User:ANONYMOUS".into()],
        allow_everyone_if_no_acl_found: false,
    };
    let settings = CoreSettings { authorization: Some(authorization), ..CoreSettings::default() };
    let mut broker = Harness::new(settings);
    let shown = described(&mut broker, BROKER, "1", "super.users");
    assert!(shown.is_sensitive && shown.value.is_none());
    assert!(shown.synonyms.iter().all(|synonym| synonym.value.is_none()));
}

#[test]
fn tables_are_sorted_have_texts_and_defaults_that_are_allowed() {
    let broker: Vec<_> =
        broker_table::all().into_iter().map(|(definition, _)| definition).collect();
    let tables =
        [TOPIC_CONFIGS, &broker, group_table::GROUP_CONFIGS, group_table::CLIENT_METRICS_CONFIGS];
    for table in tables {
        for definition in table {
            assert!(definition.doc.ends_with('.'), "{}", definition.name);
            if let Some(default) = definition.default {
                assert_eq!(definition.check(default), Ok(()), "{}", definition.name);
            }
        }
        assert!(table.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
    assert_eq!(TOPIC_CONFIGS.len(), 33);
}

#[test]
fn what_the_broker_was_started_with_is_what_topics_have() {
    let broker = with_topic();
    assert_eq!(settings(&broker).log, CoreSettings::default().log);
}
