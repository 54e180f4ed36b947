//! Metadata: brokers, topics and their partitions. Asking for a topic can make it.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::notices::Notice;
use super::refusal::text;
use super::topics::check_name;
use super::{Call, Core, Handled, NODE, Operation, Resource, Topic};

/// The bits of operations that nobody asked for.
pub(crate) const OPERATIONS_NOT_ASKED: i32 = i32::MIN;
/// The topics that Kafka keeps offsets and transactions in. Here a client may have made them.
const INTERNAL_TOPICS: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

pub(crate) fn is_internal(topic: &str) -> bool {
    INTERNAL_TOPICS.contains(&topic)
}

/// What a request says of how topics are answered.
#[derive(Clone, Copy)]
struct Asked {
    may_create: bool,
    operations: bool,
}

impl Core {
    pub(crate) fn metadata(
        &mut self,
        call: &Call,
        request: MetadataRequest,
    ) -> Handled<MetadataResponse> {
        let asked = Asked {
            may_create: call.version < 4 || request.allow_auto_topic_creation,
            operations: request.include_topic_authorized_operations,
        };
        let topics = match request.topics {
            None => self.all_topics(call, asked),
            Some(topics) if topics.is_empty() && call.version == 0 => self.all_topics(call, asked),
            Some(topics) if topics.iter().any(is_nameless) => return Handled::Now(nameless(call)),
            Some(topics) => self.wanted_topics(call, topics, asked),
        };
        let response = MetadataResponse::default()
            .with_brokers(vec![self.metadata_broker(call)])
            .with_cluster_id(Some(self.cluster_id_text()))
            .with_controller_id(NODE)
            .with_cluster_authorized_operations(OPERATIONS_NOT_ASKED)
            .with_topics(topics);
        let asks_cluster = request.include_cluster_authorized_operations;
        if !asks_cluster || !(8..=10).contains(&call.version) {
            return Handled::Now(response);
        }
        let operations = match self.may(call, Operation::Describe, Resource::Cluster) {
            true => self.authorized_operations(call, Resource::Cluster),
            false => 0,
        };
        Handled::Now(response.with_cluster_authorized_operations(operations))
    }

    fn metadata_broker(&self, call: &Call) -> MetadataResponseBroker {
        let (host, port) = self.advertised(call.caller.connection);
        MetadataResponseBroker::default()
            .with_node_id(NODE)
            .with_host(StrBytes::from_string(host))
            .with_port(port.into())
    }

    fn all_topics(&self, call: &Call, asked: Asked) -> Vec<MetadataResponseTopic> {
        self.catalog
            .iter()
            .filter(|(name, _)| self.may(call, Operation::Describe, Resource::Topic(name)))
            .map(|(name, topic)| self.described_topic(call, name, topic, asked))
            .collect()
    }

    /// Answers for the topics of a request, by ids if it has any, otherwise by names, each once.
    fn wanted_topics(
        &mut self,
        call: &Call,
        topics: Vec<MetadataRequestTopic>,
        asked: Asked,
    ) -> Vec<MetadataResponseTopic> {
        let ids: Vec<Uuid> =
            topics.iter().map(|topic| topic.topic_id).filter(|id| !id.is_nil()).collect();
        if !ids.is_empty() {
            let mut seen = BTreeSet::new();
            let once = ids.into_iter().filter(|id| seen.insert(*id));
            return once.map(|id| self.wanted_id(call, id, asked)).collect();
        }
        let mut seen = BTreeSet::new();
        let names = topics.into_iter().filter_map(|topic| topic.name);
        let once: Vec<TopicName> = names.filter(|name| seen.insert(name.clone())).collect();
        once.into_iter().map(|name| self.wanted(call, name, asked)).collect()
    }

    fn wanted_id(&self, call: &Call, id: Uuid, asked: Asked) -> MetadataResponseTopic {
        let unknown = |error: ResponseError| {
            MetadataResponseTopic::default()
                .with_name(None)
                .with_topic_id(id)
                .with_error_code(error.code())
                .with_topic_authorized_operations(OPERATIONS_NOT_ASKED)
        };
        let found = self.catalog.name_of(id).and_then(|name| Some((name, self.catalog.get(name)?)));
        match found {
            None => unknown(ResponseError::UnknownTopicId),
            Some((name, _)) if !self.may(call, Operation::Describe, Resource::Topic(name)) => {
                unknown(ResponseError::TopicAuthorizationFailed)
            }
            Some((name, topic)) => self.described_topic(call, name, topic, asked),
        }
    }

    fn wanted(&mut self, call: &Call, name: TopicName, asked: Asked) -> MetadataResponseTopic {
        let refused = |core: &Core, error: ResponseError| {
            let operations = match error {
                ResponseError::TopicAuthorizationFailed => OPERATIONS_NOT_ASKED,
                _ => core.topic_operations(call, &name, asked),
            };
            MetadataResponseTopic::default()
                .with_name(Some(name.clone()))
                .with_error_code(error.code())
                .with_is_internal(is_internal(&name))
                .with_topic_authorized_operations(operations)
        };
        if !self.may(call, Operation::Describe, Resource::Topic(&name)) {
            return refused(self, ResponseError::TopicAuthorizationFailed);
        }
        if self.catalog.get(&name).is_none()
            && let Err(error) = self.auto_create(call, &name, asked)
        {
            return refused(self, error);
        }
        match self.catalog.get(&name) {
            Some(topic) => self.described_topic(call, &name, topic, asked),
            None => refused(self, ResponseError::UnknownTopicOrPartition),
        }
    }

    /// Makes a topic that a client asked for, if it may and the broker is set so.
    fn auto_create(&mut self, call: &Call, name: &str, asked: Asked) -> Result<(), ResponseError> {
        if check_name(name).is_err() {
            return Err(ResponseError::InvalidTopicException);
        }
        if !asked.may_create || !self.settings.auto_create_topics {
            return Err(ResponseError::UnknownTopicOrPartition);
        }
        let may_create = self.may(call, Operation::Create, Resource::Cluster)
            || self.may(call, Operation::Create, Resource::Topic(name));
        if !may_create {
            return Err(ResponseError::TopicAuthorizationFailed);
        }
        self.check_new(name).map_err(|refusal| refusal.error)?;
        let partitions = usize::try_from(self.settings.default_partitions).unwrap_or(1).max(1);
        self.check_room(partitions).map_err(|_| ResponseError::UnknownTopicOrPartition)?;
        match self.create_topic(name, partitions, BTreeMap::new(), call.now) {
            Ok(_) => {
                if self.may_say(Notice::TopicMade, call) {
                    let host = call.caller.host;
                    tracing::info!(%host, partitions, "the topic {name} is made, as a client asked for it");
                }
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the topic {name} cannot be made");
                Err(ResponseError::UnknownTopicOrPartition)
            }
        }
    }

    fn topic_operations(&self, call: &Call, name: &str, asked: Asked) -> i32 {
        match asked.operations && call.version >= 8 {
            true => self.authorized_operations(call, Resource::Topic(name)),
            false => OPERATIONS_NOT_ASKED,
        }
    }

    fn described_topic(
        &self,
        call: &Call,
        name: &str,
        topic: &Topic,
        asked: Asked,
    ) -> MetadataResponseTopic {
        let partitions = (0..)
            .zip(&topic.partitions)
            .map(|(index, partition)| {
                MetadataResponsePartition::default()
                    .with_partition_index(index)
                    .with_leader_id(NODE)
                    .with_leader_epoch(partition.leader_epoch)
                    .with_replica_nodes(vec![NODE])
                    .with_isr_nodes(vec![NODE])
            })
            .collect();
        MetadataResponseTopic::default()
            .with_name(Some(TopicName(text(name))))
            .with_topic_id(topic.id)
            .with_is_internal(is_internal(name))
            .with_topic_authorized_operations(self.topic_operations(call, name, asked))
            .with_partitions(partitions)
    }
}

/// Returns true if a topic is asked for neither by name nor by id.
fn is_nameless(topic: &MetadataRequestTopic) -> bool {
    topic.name.is_none() && topic.topic_id.is_nil()
}

/// Kafka's answer to a request that it takes for a fault of its own.
fn nameless(call: &Call) -> MetadataResponse {
    let code = ResponseError::UnknownServerError.code();
    let topic = MetadataResponseTopic::default()
        .with_name(Some(TopicName(text(""))))
        .with_error_code(code)
        .with_topic_authorized_operations(OPERATIONS_NOT_ASKED);
    let response = MetadataResponse::default()
        .with_controller_id(BrokerId(-1))
        .with_cluster_authorized_operations(OPERATIONS_NOT_ASKED)
        .with_topics(vec![topic]);
    if call.version >= 13 { response.with_error_code(code) } else { response }
}
