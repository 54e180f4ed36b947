//! CreateTopics, DeleteTopics, CreatePartitions and Metadata.

use kafka_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreateTopicsRequest, CreateTopicsResponse,
    DeleteTopicsRequest, MetadataRequest, MetadataResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::script::Script;

pub async fn script(s: &mut Script) {
    create(s).await;
    create_wrongly(s).await;
    create_partitions(s).await;
    metadata(s).await;
    delete(s).await;
}

fn topic(name: TopicName) -> CreatableTopic {
    CreatableTopic::default().with_name(name).with_num_partitions(1).with_replication_factor(1)
}

fn creating(topics: Vec<CreatableTopic>) -> CreateTopicsRequest {
    CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(30_000)
}

fn config(key: &'static str, value: Option<&'static str>) -> CreatableTopicConfig {
    CreatableTopicConfig::default().with_name(key.into()).with_value(value.map(StrBytes::from))
}

/// The configs of a created topic are compared by the script of configs.
fn without_configs(answer: &mut CreateTopicsResponse) {
    for topic in &mut answer.topics {
        if let Some(configs) = &mut topic.configs {
            configs.clear();
        }
    }
}

async fn create(s: &mut Script) {
    for version in s.versions::<CreateTopicsRequest>() {
        let name = s.topic(&format!("plain-v{version}"));
        let request = creating(vec![topic(name.clone())]);
        let labels = ["validate", "create", "create again"];
        let requests = [request.clone().with_validate_only(true), request.clone(), request.clone()];
        for (label, request) in labels.into_iter().zip(requests) {
            s.ask_as(label, version, request, |answer| {
                without_configs(answer);
                for topic in &mut answer.topics {
                    topic.name = TopicName("t".into());
                    hide_name(&mut topic.error_message, &name);
                }
            })
            .await;
        }
        let defaults = topic(s.topic(&format!("defaults-v{version}")))
            .with_num_partitions(-1)
            .with_replication_factor(-1);
        s.ask_as("create with defaults", version, creating(vec![defaults]), |answer| {
            without_configs(answer);
            answer.topics[0].name = TopicName("t".into());
        })
        .await;
    }
}

fn hide_name(text: &mut Option<StrBytes>, name: &str) {
    if let Some(text) = text {
        *text = StrBytes::from_string(text.replace(name, "t"));
    }
}

async fn create_wrongly(s: &mut Script) {
    let long = |length: usize| TopicName(StrBytes::from_string("x".repeat(length)));
    let wrong = [
        ("empty", topic(TopicName::default())),
        ("dot", topic(TopicName(".".into()))),
        ("dots", topic(TopicName("..".into()))),
        ("slash", topic(TopicName("a/b".into()))),
        ("space", topic(TopicName("a b".into()))),
        ("nul", topic(TopicName("a\0b".into()))),
        ("umlaut", topic(TopicName("ä".into()))),
        ("250 characters", topic(long(250))),
        ("no partitions", topic(s.topic("w")).with_num_partitions(0)),
        ("minus 2 partitions", topic(s.topic("w")).with_num_partitions(-2)),
        ("two replicas", topic(s.topic("w")).with_replication_factor(2)),
        ("no replicas", topic(s.topic("w")).with_replication_factor(0)),
        ("minus 2 replicas", topic(s.topic("w")).with_replication_factor(-2)),
        ("unknown config", topic(s.topic("w")).with_configs(vec![config("no.such", Some("1"))])),
        ("bad number", topic(s.topic("w")).with_configs(vec![config("retention.ms", Some("x"))])),
        ("low number", topic(s.topic("w")).with_configs(vec![config("retention.ms", Some("-2"))])),
        (
            "bad policy",
            topic(s.topic("w")).with_configs(vec![config("cleanup.policy", Some("burn"))]),
        ),
        ("null value", topic(s.topic("w")).with_configs(vec![config("retention.ms", None)])),
        (
            "config twice",
            topic(s.topic("w")).with_configs(vec![
                config("retention.ms", Some("1")),
                config("retention.ms", Some("2")),
            ]),
        ),
        ("assigned and counted", topic(s.topic("w")).with_assignments(vec![assigned(0, &[1])])),
        ("assigned to nobody", by_hand(s, vec![assigned(0, &[])])),
        ("assigned to a stranger", by_hand(s, vec![assigned(0, &[7])])),
        ("assigned twice", by_hand(s, vec![assigned(0, &[1, 1])])),
        ("assigned with a gap", by_hand(s, vec![assigned(0, &[1]), assigned(2, &[1])])),
        ("assigned repeatedly", by_hand(s, vec![assigned(0, &[1]), assigned(0, &[1])])),
        ("assigned below zero", by_hand(s, vec![assigned(-1, &[1])])),
        ("assigned well", by_hand(s, vec![assigned(0, &[1]), assigned(1, &[1])])),
    ];
    for (label, topic) in wrong {
        let request = creating(vec![topic]).with_validate_only(true);
        s.each_as(&format!("create: {label}"), |_| request.clone(), without_configs).await;
    }
    s.each("create nothing", |_| creating(Vec::new())).await;
    let twice = creating(vec![topic(s.topic("twice")), topic(s.topic("twice"))]);
    s.each("create one twice", |_| twice.clone()).await;
    s.create("a.b", 1, &[]).await;
    let run = s.run.clone();
    let collides = topic(TopicName(StrBytes::from_string(format!("a_b{run}"))));
    s.each_as("collides", |_| creating(vec![collides.clone()]), without_configs).await;
}

fn by_hand(s: &Script, assignments: Vec<CreatableReplicaAssignment>) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(s.topic("w"))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_assignments(assignments)
}

fn assigned(partition: i32, brokers: &[i32]) -> CreatableReplicaAssignment {
    CreatableReplicaAssignment::default()
        .with_partition_index(partition)
        .with_broker_ids(brokers.iter().copied().map(BrokerId).collect())
}

async fn create_partitions(s: &mut Script) {
    let more = |name: TopicName, count| {
        CreatePartitionsTopic::default().with_name(name).with_count(count).with_assignments(None)
    };
    let asking =
        |topics| CreatePartitionsRequest::default().with_topics(topics).with_timeout_ms(30_000);
    s.create("grows", 2, &[]).await;
    let grows = s.topic("grows");
    let assignment = |broker| CreatePartitionsAssignment::default().with_broker_ids(vec![broker]);
    let wrong = [
        ("unknown topic", more(s.topic("nowhere"), 3)),
        ("as many", more(grows.clone(), 2)),
        ("fewer", more(grows.clone(), 1)),
        ("none", more(grows.clone(), 0)),
        ("below zero", more(grows.clone(), -1)),
        (
            "assigned to a stranger",
            more(grows.clone(), 3).with_assignments(Some(vec![assignment(BrokerId(9))])),
        ),
        (
            "too many assignments",
            more(grows.clone(), 3)
                .with_assignments(Some(vec![assignment(BrokerId(1)), assignment(BrokerId(1))])),
        ),
        ("no assignments", more(grows.clone(), 3).with_assignments(Some(Vec::new()))),
        ("invalid name", more(TopicName("a/b".into()), 3)),
    ];
    for (label, topic) in wrong {
        s.each(&format!("grow: {label}"), |_| asking(vec![topic.clone()])).await;
    }
    let twice = vec![more(grows.clone(), 4), more(grows.clone(), 5)];
    s.each("grow: twice", |_| asking(twice.clone())).await;
    s.each("grow: validate", |_| asking(vec![more(grows.clone(), 3)]).with_validate_only(true))
        .await;
    for (count, version) in (3..).zip(s.versions::<CreatePartitionsRequest>()) {
        s.ask("grow", version, asking(vec![more(grows.clone(), count)])).await;
        s.until_leader("grows", count).await;
    }
}

/// Kafka's partitions come in the order of a hash table.
fn sorted(answer: &mut MetadataResponse) {
    for topic in &mut answer.topics {
        topic.partitions.sort_by_key(|partition| partition.partition_index);
    }
}

fn named(name: &TopicName) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(name.clone()))
}

/// Does not create what is not there.
fn looking(topics: Vec<MetadataRequestTopic>) -> MetadataRequest {
    MetadataRequest::default().with_topics(Some(topics)).with_allow_auto_topic_creation(false)
}

/// May create what is not there.
fn wanting(topics: Vec<MetadataRequestTopic>) -> MetadataRequest {
    MetadataRequest::default().with_topics(Some(topics))
}

async fn metadata(s: &mut Script) {
    s.create("seen", 2, &[]).await;
    let (seen, nowhere) = (s.topic("seen"), s.topic("nowhere"));
    let mut names = vec![("seen", seen.clone()), ("unknown", nowhere)];
    for (label, wrong) in [("slash", "a/b"), ("empty", ""), ("dots", ".."), ("umlaut", "ä")] {
        names.push((label, TopicName(wrong.into())));
    }
    for (label, name) in names {
        let label = format!("metadata: {label}");
        s.each_as(&label, |_| looking(vec![named(&name)]), sorted).await;
        s.each_as(&format!("{label}, may create"), |_| wanting(vec![named(&name)]), sorted).await;
    }
    s.each_as("metadata: twice", |_| looking(vec![named(&seen), named(&seen)]), sorted).await;
    s.each_as(
        "metadata: operations",
        |_| {
            looking(vec![named(&seen)])
                .with_include_topic_authorized_operations(true)
                .with_include_cluster_authorized_operations(true)
        },
        sorted,
    )
    .await;
    s.each_as(
        "metadata: none",
        |version| if version == 0 { wanting(vec![named(&seen)]) } else { wanting(Vec::new()) },
        sorted,
    )
    .await;
    s.each_as(
        "metadata: all",
        |version| MetadataRequest::default().with_topics((version == 0).then(Vec::new)),
        |answer| {
            sorted(answer);
            answer.topics.retain(|topic| topic.name.as_ref() == Some(&seen));
        },
    )
    .await;
    by_id(s).await;
}

/// Requests can name topics by id from version 12 on.
async fn by_id(s: &mut Script) {
    let id = s.topic_id("seen").await;
    for (label, id) in [("id", id), ("unknown id", Uuid::from_u128(77)), ("nil id", Uuid::nil())] {
        let wanted = MetadataRequestTopic::default().with_name(None).with_topic_id(id);
        for version in s.versions::<MetadataRequest>().into_iter().filter(|v| *v >= 12) {
            let label = format!("metadata: {label}");
            s.ask_as(&label, version, looking(vec![wanted.clone()]), sorted).await;
        }
    }
}

async fn delete(s: &mut Script) {
    for version in s.versions::<DeleteTopicsRequest>() {
        let name = format!("goes-v{version}");
        s.create(&name, 1, &[]).await;
        let id = s.topic_id(&name).await;
        let asking = |name: Option<TopicName>, id: Uuid| {
            let request = DeleteTopicsRequest::default().with_timeout_ms(30_000);
            match (version, name) {
                (..=5, name) => request.with_topic_names(name.into_iter().collect()),
                (_, name) => request.with_topics(vec![
                    DeleteTopicState::default().with_name(name).with_topic_id(id),
                ]),
            }
        };
        let named = |answer: &mut kafka_protocol::messages::DeleteTopicsResponse| {
            for topic in &mut answer.responses {
                topic.name = topic.name.take().map(|_| TopicName("t".into()));
            }
        };
        let topic = s.topic(&name);
        let unknown = s.topic("nowhere");
        s.ask_as("delete unknown", version, asking(Some(unknown), Uuid::nil()), named).await;
        if version >= 6 {
            s.ask("delete unknown id", version, asking(None, Uuid::from_u128(7))).await;
            s.ask("delete nil id", version, asking(None, Uuid::nil())).await;
            s.ask_as("delete name and id", version, asking(Some(topic.clone()), id), named).await;
            s.ask_as("delete by id", version, asking(None, id), named).await;
        } else {
            s.ask_as("delete", version, asking(Some(topic.clone()), id), named).await;
        }
        s.until_gone(&name).await;
        s.ask_as("delete again", version, asking(Some(topic), Uuid::nil()), named).await;
    }
}
