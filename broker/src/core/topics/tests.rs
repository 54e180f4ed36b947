//! Topics as clients make, grow, see and delete them.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest,
    DescribeTopicPartitionsRequest, MetadataRequest, MetadataResponse, TopicName,
};

use crate::apis::Request;
use crate::core::CoreSettings;
use crate::core::harness::{Harness, response_of};
use crate::core::refusal::text;

fn topic(name: &str) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(TopicName(text(name)))
        .with_num_partitions(1)
        .with_replication_factor(1)
}

fn create(broker: &mut Harness, topics: Vec<CreatableTopic>) -> CreateTopicsResponse {
    let request = CreateTopicsRequest::default().with_topics(topics);
    response_of!(CreateTopics, broker.ask(7, Request::CreateTopics(request)))
}

fn metadata(broker: &mut Harness, names: &[&str]) -> MetadataResponse {
    let topics = names
        .iter()
        .map(|name| MetadataRequestTopic::default().with_name(Some(TopicName(text(name)))))
        .collect();
    let request =
        MetadataRequest::default().with_topics(Some(topics)).with_allow_auto_topic_creation(false);
    response_of!(Metadata, broker.ask(12, Request::Metadata(request)))
}

fn codes(response: &CreateTopicsResponse) -> BTreeMap<String, i16> {
    response.topics.iter().map(|topic| (topic.name.to_string(), topic.error_code)).collect()
}

#[test]
fn a_topic_is_there_with_its_configs_and_id_after_a_restart() {
    let mut broker = Harness::new(CoreSettings::default());
    let config = CreatableTopicConfig::default()
        .with_name(text("cleanup.policy"))
        .with_value(Some(text("compact")));
    let made =
        create(&mut broker, vec![topic("a").with_num_partitions(3).with_configs(vec![config])]);
    let made = &made.topics[0];
    assert_eq!((made.error_code, made.num_partitions, made.replication_factor), (0, 3, 1));
    let cluster = metadata(&mut broker, &[]).cluster_id;
    let mut broker = broker.restart();
    let seen = metadata(&mut broker, &["a"]);
    assert_eq!(seen.topics[0].topic_id, made.topic_id);
    assert_eq!(seen.topics[0].partitions.len(), 3);
    assert_eq!(seen.cluster_id, cluster);
    let topic = broker.core.catalog.get("a").unwrap();
    assert!(topic.settings.log.cleanup.compact && !topic.settings.log.cleanup.delete);
}

#[test]
fn a_topic_that_cannot_be_made_says_why() {
    let mut broker = Harness::new(CoreSettings::default());
    create(&mut broker, vec![topic("there.is")]);
    let long = "x".repeat(250);
    let response = create(
        &mut broker,
        vec![
            topic(""),
            topic(".."),
            topic("a/b"),
            topic(&long),
            topic("there.is"),
            topic("there_is"),
            topic("twice"),
            topic("twice"),
            topic("none").with_num_partitions(0),
            topic("two").with_replication_factor(2),
            topic("zero").with_replication_factor(0),
            topic("__cluster_metadata"),
        ],
    );
    let codes = codes(&response);
    assert_eq!(response.topics.len(), codes.len());
    let invalid = ResponseError::InvalidTopicException.code();
    for name in ["", "..", "a/b", &long, "there_is"] {
        assert_eq!(codes[name], invalid, "{name}");
    }
    assert_eq!(codes["there.is"], ResponseError::TopicAlreadyExists.code());
    assert_eq!(codes["twice"], ResponseError::InvalidRequest.code());
    assert_eq!(codes["none"], ResponseError::InvalidPartitions.code());
    assert_eq!(codes["two"], ResponseError::InvalidReplicationFactor.code());
    assert_eq!(codes["zero"], ResponseError::InvalidReplicationFactor.code());
    assert_eq!(codes["__cluster_metadata"], ResponseError::InvalidRequest.code());
    assert_eq!(broker.core.catalog.iter().count(), 1);
}

#[test]
fn a_million_partitions_are_refused_before_anything_is_made() {
    let mut broker = Harness::new(CoreSettings::default());
    let wanted = vec![topic("a").with_num_partitions(1_000_000), topic("b")];
    let response = create(&mut broker, wanted);
    let violation = ResponseError::PolicyViolation.code();
    assert!(codes(&response).values().all(|code| *code == violation));
    assert_eq!(broker.core.catalog.iter().count(), 0);
}

#[test]
fn what_is_only_validated_is_not_made() {
    let mut broker = Harness::new(CoreSettings::default());
    let request =
        CreateTopicsRequest::default().with_topics(vec![topic("a")]).with_validate_only(true);
    let response = response_of!(CreateTopics, broker.ask(7, Request::CreateTopics(request)));
    assert_eq!(response.topics[0].error_code, 0);
    assert!(broker.core.catalog.get("a").is_none());
}

#[test]
fn a_topic_is_deleted_by_its_id_and_its_name_is_free() {
    let mut broker = Harness::new(CoreSettings::default());
    let first = create(&mut broker, vec![topic("a")]).topics[0].topic_id;
    let by_id = DeleteTopicState::default().with_name(None).with_topic_id(first);
    let request = DeleteTopicsRequest::default().with_topics(vec![by_id]);
    let response =
        response_of!(DeleteTopics, broker.ask(6, Request::DeleteTopics(request.clone())));
    assert_eq!(response.responses[0].error_code, 0);
    assert_eq!(response.responses[0].name.as_ref().map(|name| name.as_str()), Some("a"));
    let again = response_of!(DeleteTopics, broker.ask(6, Request::DeleteTopics(request)));
    assert_eq!(again.responses[0].error_code, ResponseError::UnknownTopicId.code());
    let second = create(&mut broker, vec![topic("a")]).topics[0].topic_id;
    assert_ne!(first, second);
    let mut broker = broker.restart();
    assert_eq!(metadata(&mut broker, &["a"]).topics[0].topic_id, second);
}

#[test]
fn partitions_only_become_more() {
    let mut broker = Harness::new(CoreSettings::default());
    create(&mut broker, vec![topic("a").with_num_partitions(2)]);
    let mut grow = |count| {
        let topic = CreatePartitionsTopic::default()
            .with_name(TopicName(text("a")))
            .with_count(count)
            .with_assignments(None);
        let request = CreatePartitionsRequest::default().with_topics(vec![topic]);
        let response = broker.ask(3, Request::CreatePartitions(request));
        response_of!(CreatePartitions, response).results[0].error_code
    };
    for count in [i32::MIN, -1, 0, 1, 2] {
        assert_eq!(grow(count), ResponseError::InvalidPartitions.code(), "{count}");
    }
    assert_eq!(grow(i32::MAX), ResponseError::PolicyViolation.code());
    assert_eq!(grow(5), 0);
    let mut broker = broker.restart();
    assert_eq!(metadata(&mut broker, &["a"]).topics[0].partitions.len(), 5);
}

#[test]
fn asking_for_a_topic_makes_it_only_if_client_and_broker_want_it() {
    for (broker_wants, client_wants) in [(true, true), (true, false), (false, true)] {
        let settings = CoreSettings { auto_create_topics: broker_wants, ..CoreSettings::default() };
        let mut broker = Harness::new(settings);
        let topic = MetadataRequestTopic::default().with_name(Some(TopicName(text("a"))));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![topic]))
            .with_allow_auto_topic_creation(client_wants);
        let response = response_of!(Metadata, broker.ask(12, Request::Metadata(request)));
        let unknown = ResponseError::UnknownTopicOrPartition.code();
        let expected = if broker_wants && client_wants { 0 } else { unknown };
        assert_eq!(response.topics[0].error_code, expected);
        assert_eq!(broker.core.catalog.get("a").is_some(), expected == 0);
    }
}

#[test]
fn partitions_are_described_page_by_page() {
    let mut broker = Harness::new(CoreSettings::default());
    create(&mut broker, vec![topic("a").with_num_partitions(3), topic("b").with_num_partitions(2)]);
    let mut cursor = None;
    let mut seen = Vec::new();
    loop {
        let topics =
            ["a", "b"].map(|name| TopicRequest::default().with_name(TopicName(text(name))));
        let request = DescribeTopicPartitionsRequest::default()
            .with_topics(topics.to_vec())
            .with_response_partition_limit(2)
            .with_cursor(cursor);
        let response = broker.ask(0, Request::DescribeTopicPartitions(request));
        let response = response_of!(DescribeTopicPartitions, response);
        for topic in response.topics {
            let name = topic.name.unwrap();
            let found = topic.partitions.iter();
            seen.extend(found.map(|partition| (name.to_string(), partition.partition_index)));
        }
        cursor = response.next_cursor.map(|next| {
            Cursor::default()
                .with_topic_name(next.topic_name)
                .with_partition_index(next.partition_index)
        });
        if cursor.is_none() {
            break;
        }
    }
    let all = [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1)];
    assert_eq!(seen, all.map(|(name, index)| (name.to_owned(), index)));
}

#[test]
fn a_name_that_looks_like_another_is_free_when_all_of_those_are_deleted() {
    let mut broker = Harness::new(CoreSettings::default());
    let collides = ResponseError::InvalidTopicException.code();
    // those of one request do not collide
    assert!(
        codes(&create(&mut broker, vec![topic("a.b"), topic("a_b")])).values().all(|it| *it == 0)
    );
    for deleted in ["a.b", "a_b"] {
        assert_eq!(create(&mut broker, vec![topic("a.b.c")]).topics[0].error_code, 0);
        broker = broker.restart();
        let third = create(&mut broker, vec![topic("a_b.c")]);
        assert_eq!(third.topics[0].error_code, collides);
        for name in [deleted, "a.b.c"] {
            let name = DeleteTopicState::default().with_name(Some(TopicName(text(name))));
            let request = DeleteTopicsRequest::default().with_topics(vec![name]);
            broker.ask(6, Request::DeleteTopics(request));
        }
    }
    let made = create(&mut broker, vec![topic("a.b")]);
    assert_eq!(made.topics[0].error_code, 0);
}
