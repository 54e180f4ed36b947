//! Metadata: brokers, topics and their partitions. Asking for a topic can make it.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::{Call, Core, Handled, NODE, Topic};

impl Core {
    pub(crate) fn metadata(
        &mut self,
        call: &Call,
        request: MetadataRequest,
    ) -> Handled<MetadataResponse> {
        let topics = match request.topics {
            None => self.catalog.iter().map(|(name, topic)| described(name, topic)).collect(),
            Some(topics) => topics
                .into_iter()
                .filter_map(|topic| topic.name)
                .map(|name| self.wanted(call, &name, request.allow_auto_topic_creation))
                .collect(),
        };
        let broker = MetadataResponseBroker::default()
            .with_node_id(NODE)
            .with_host(StrBytes::from_string(self.settings.advertised_host.clone()))
            .with_port(self.settings.advertised_port.into());
        Handled::Now(
            MetadataResponse::default()
                .with_brokers(vec![broker])
                .with_cluster_id(Some(StrBytes::from_string(self.cluster_id.to_string())))
                .with_controller_id(NODE)
                .with_topics(topics),
        )
    }

    fn wanted(&mut self, call: &Call, name: &str, may_create: bool) -> MetadataResponseTopic {
        if self.catalog.get(name).is_none() && may_create && self.settings.auto_create_topics {
            let partitions = usize::try_from(self.settings.default_partitions).unwrap_or(1);
            if let Err(error) = self.create_topic(name, partitions, BTreeMap::new(), call.now) {
                tracing::error!(%error, "the topic {name} cannot be made");
            }
        }
        match self.catalog.get(name) {
            Some(topic) => described(name, topic),
            None => MetadataResponseTopic::default()
                .with_name(Some(TopicName(StrBytes::from_string(name.to_owned()))))
                .with_error_code(ResponseError::UnknownTopicOrPartition.code()),
        }
    }
}

fn described(name: &str, topic: &Topic) -> MetadataResponseTopic {
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
        .with_name(Some(TopicName(StrBytes::from_string(name.to_owned()))))
        .with_topic_id(topic.id)
        .with_partitions(partitions)
}
