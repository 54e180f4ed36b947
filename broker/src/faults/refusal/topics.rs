//! Topics, their partitions and their configurations.

use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResult;
use kafka_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse as IncrementalResponse;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, CreatePartitionsRequest, CreatePartitionsResponse,
    CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest, DeleteTopicsResponse,
    DescribeConfigsRequest, DescribeConfigsResponse, DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, MetadataRequest, MetadataResponse,
};

use super::Refusable;
use crate::faults::Subject;

/// The kind of a resource that is a topic.
const TOPIC_RESOURCE: i8 = 2;

/// The answer has no brokers; the server has them named for a client that is to go on.
impl Refusable for MetadataRequest {
    type Response = MetadataResponse;

    fn refusal(&self, _version: i16, code: i16) -> MetadataResponse {
        let topics = self.topics.iter().flatten().map(|topic| {
            MetadataResponseTopic::default()
                .with_name(topic.name.clone())
                .with_topic_id(topic.topic_id)
                .with_error_code(code)
        });
        MetadataResponse::default().with_topics(topics.collect()).with_error_code(code)
    }

    fn subject(&self) -> Subject {
        let named = self.topics.iter().flatten().filter_map(|topic| topic.name.as_ref());
        Subject::default()
            .topics(named.map(|name| name.as_str()))
            .topic_ids(self.topics.iter().flatten().map(|topic| topic.topic_id))
    }
}

impl Refusable for CreateTopicsRequest {
    type Response = CreateTopicsResponse;

    fn refusal(&self, _version: i16, code: i16) -> CreateTopicsResponse {
        let topics = self.topics.iter().map(|topic| {
            CreatableTopicResult::default().with_name(topic.name.clone()).with_error_code(code)
        });
        CreateTopicsResponse::default().with_topics(topics.collect())
    }

    fn subject(&self) -> Subject {
        Subject::default().topics(self.topics.iter().map(|topic| topic.name.as_str()))
    }
}

impl Refusable for DeleteTopicsRequest {
    type Response = DeleteTopicsResponse;

    fn refusal(&self, _version: i16, code: i16) -> DeleteTopicsResponse {
        let named = self.topic_names.iter().map(|name| {
            DeletableTopicResult::default().with_name(Some(name.clone())).with_error_code(code)
        });
        let states = self.topics.iter().map(|topic| {
            DeletableTopicResult::default()
                .with_name(topic.name.clone())
                .with_topic_id(topic.topic_id)
                .with_error_code(code)
        });
        DeleteTopicsResponse::default().with_responses(named.chain(states).collect())
    }

    fn subject(&self) -> Subject {
        let of_states = self.topics.iter().filter_map(|topic| topic.name.as_ref());
        Subject::default()
            .topics(self.topic_names.iter().chain(of_states).map(|name| name.as_str()))
            .topic_ids(self.topics.iter().map(|topic| topic.topic_id))
    }
}

impl Refusable for CreatePartitionsRequest {
    type Response = CreatePartitionsResponse;

    fn refusal(&self, _version: i16, code: i16) -> CreatePartitionsResponse {
        let results = self.topics.iter().map(|topic| {
            CreatePartitionsTopicResult::default()
                .with_name(topic.name.clone())
                .with_error_code(code)
        });
        CreatePartitionsResponse::default().with_results(results.collect())
    }

    fn subject(&self) -> Subject {
        Subject::default().topics(self.topics.iter().map(|topic| topic.name.as_str()))
    }
}

impl Refusable for DescribeConfigsRequest {
    type Response = DescribeConfigsResponse;

    fn refusal(&self, _version: i16, code: i16) -> DescribeConfigsResponse {
        let results = self.resources.iter().map(|resource| {
            DescribeConfigsResult::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(code)
        });
        DescribeConfigsResponse::default().with_results(results.collect())
    }

    fn subject(&self) -> Subject {
        let topics = self.resources.iter().filter(|it| it.resource_type == TOPIC_RESOURCE);
        Subject::default().topics(topics.map(|it| it.resource_name.as_str()))
    }
}

impl Refusable for AlterConfigsRequest {
    type Response = AlterConfigsResponse;

    fn refusal(&self, _version: i16, code: i16) -> AlterConfigsResponse {
        let responses = self.resources.iter().map(|resource| {
            AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(code)
        });
        AlterConfigsResponse::default().with_responses(responses.collect())
    }

    fn subject(&self) -> Subject {
        let topics = self.resources.iter().filter(|it| it.resource_type == TOPIC_RESOURCE);
        Subject::default().topics(topics.map(|it| it.resource_name.as_str()))
    }
}

impl Refusable for IncrementalAlterConfigsRequest {
    type Response = IncrementalAlterConfigsResponse;

    fn refusal(&self, _version: i16, code: i16) -> IncrementalAlterConfigsResponse {
        let responses = self.resources.iter().map(|resource| {
            IncrementalResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(code)
        });
        IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
    }

    fn subject(&self) -> Subject {
        let topics = self.resources.iter().filter(|it| it.resource_type == TOPIC_RESOURCE);
        Subject::default().topics(topics.map(|it| it.resource_name.as_str()))
    }
}

impl Refusable for DescribeTopicPartitionsRequest {
    type Response = DescribeTopicPartitionsResponse;

    fn refusal(&self, _version: i16, code: i16) -> DescribeTopicPartitionsResponse {
        let topics = self.topics.iter().map(|topic| {
            DescribeTopicPartitionsResponseTopic::default()
                .with_name(Some(topic.name.clone()))
                .with_error_code(code)
        });
        DescribeTopicPartitionsResponse::default().with_topics(topics.collect())
    }

    fn subject(&self) -> Subject {
        Subject::default().topics(self.topics.iter().map(|topic| topic.name.as_str()))
    }
}
