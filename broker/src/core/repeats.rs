//! Requests that name one thing over and over: each name is a few bytes, each answer can be many.
//!
//! Kafka answers as often as something is named. No client names anything more than a few times, and who does so a
//! hundred thousand times makes the broker build gigabytes while everybody else waits.

use std::collections::HashMap;
use std::hash::Hash;

use kafka_protocol::messages::{
    DescribeProducersRequest, ListOffsetsRequest, OffsetFetchRequest, OffsetForLeaderEpochRequest,
};

use crate::apis::Request;

/// How often a request may name one thing.
const REPEATS_MAX: usize = 8;

/// Returns true if a request names one thing more often than is answered.
pub(super) fn repeats_too_often(request: &Request) -> bool {
    match request {
        Request::DescribeConfigs(request) => {
            let resources = request.resources.iter();
            is_too_often(resources.map(|it| (it.resource_type, it.resource_name.as_str())))
        }
        Request::DescribeGroups(request) => is_too_often(request.groups.iter()),
        Request::ConsumerGroupDescribe(request) => is_too_often(request.group_ids.iter()),
        Request::DescribeTransactions(request) => is_too_often(request.transactional_ids.iter()),
        Request::DescribeLogDirs(request) => {
            let topics = request.topics.iter().flatten();
            is_too_often(pairs(topics.map(|it| (it.topic.as_str(), &it.partitions))))
        }
        Request::DescribeProducers(request) => producers(request),
        Request::ListOffsets(request) => offsets(request),
        Request::OffsetForLeaderEpoch(request) => epochs(request),
        Request::OffsetFetch(request) => committed(request),
        _ => false,
    }
}

fn producers(request: &DescribeProducersRequest) -> bool {
    let topics = request.topics.iter();
    is_too_often(pairs(topics.map(|it| (it.name.as_str(), &it.partition_indexes))))
}

/// A topic that names a partition twice is refused as a whole, without a look at its files: only topics count.
fn offsets(request: &ListOffsetsRequest) -> bool {
    is_too_often(request.topics.iter().map(|topic| topic.name.as_str()))
}

fn epochs(request: &OffsetForLeaderEpochRequest) -> bool {
    let topics = request.topics.iter();
    is_too_often(
        topics.flat_map(|topic| {
            topic.partitions.iter().map(|it| (topic.topic.as_str(), it.partition))
        }),
    )
}

/// A request that asks for a group by itself and for partitions of it asks for each of these.
fn committed(request: &OffsetFetchRequest) -> bool {
    let alone = request.topics.iter().flatten();
    let alone = pairs(alone.map(|topic| (topic.name.as_str(), &topic.partition_indexes)));
    let partitions = request.groups.iter().flat_map(|group| {
        let topics = group.topics.iter().flatten();
        let places = pairs(topics.map(|topic| (topic.name.as_str(), &topic.partition_indexes)));
        places.map(|place| (group.group_id.as_str(), place))
    });
    is_too_often(request.groups.iter().map(|group| group.group_id.as_str()))
        || is_too_often(alone)
        || is_too_often(partitions)
}

/// Every partition with its topic.
fn pairs<'a>(
    topics: impl Iterator<Item = (&'a str, &'a Vec<i32>)>,
) -> impl Iterator<Item = (&'a str, i32)> {
    topics.flat_map(|(topic, partitions)| partitions.iter().map(move |index| (topic, *index)))
}

fn is_too_often<T: Eq + Hash>(names: impl Iterator<Item = T>) -> bool {
    let mut counts: HashMap<T, usize> = HashMap::new();
    for name in names {
        let count = counts.entry(name).or_default();
        *count += 1;
        if *count > REPEATS_MAX {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::error::ResponseError;
    use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
    use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
    use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
    use kafka_protocol::messages::offset_fetch_request::{
        OffsetFetchRequestGroup, OffsetFetchRequestTopics,
    };
    use kafka_protocol::messages::{
        ConsumerGroupDescribeRequest, DescribeConfigsRequest, DescribeGroupsRequest,
        DescribeLogDirsRequest, DescribeTransactionsRequest, GroupId, TopicName, TransactionalId,
    };

    use super::*;
    use crate::core::CoreSettings;
    use crate::core::harness::{Harness, response_of};
    use crate::core::refusal::text;
    use crate::guard::ARRAY_MAX;

    fn configs(kind: i8, names: impl Iterator<Item = String>) -> Request {
        let resource = |name: String| {
            DescribeConfigsResource::default()
                .with_resource_type(kind)
                .with_resource_name(text(&name))
                .with_configuration_keys(None)
        };
        let request = DescribeConfigsRequest::default()
            .with_resources(names.map(resource).collect())
            .with_include_synonyms(true)
            .with_include_documentation(true);
        Request::DescribeConfigs(request)
    }

    fn broker_again(times: usize) -> Request {
        configs(4, std::iter::repeat_n("1".to_owned(), times))
    }

    #[test]
    fn what_is_named_a_few_times_is_answered_as_often() {
        let mut broker = Harness::new(CoreSettings::default());
        let answer = response_of!(DescribeConfigs, broker.ask(4, broker_again(2)));
        assert_eq!(answer.results.len(), 2);
        assert!(answer.results.iter().all(|result| result.configs.len() > 50));
    }

    #[test]
    fn what_is_named_without_end_is_refused() {
        let mut broker = Harness::new(CoreSettings::default());
        let answer = response_of!(DescribeConfigs, broker.ask(4, broker_again(10_000)));
        assert_eq!(answer.results.len(), 10_000);
        let refused = ResponseError::InvalidRequest.code();
        assert!(answer.results.iter().all(|it| it.error_code == refused && it.configs.is_empty()));
    }

    #[test]
    fn configs_of_very_many_resources_have_a_bound() {
        let mut broker = Harness::new(CoreSettings::default());
        let many = (0..ARRAY_MAX).map(|number| format!("group{number}"));
        let answer = response_of!(DescribeConfigs, broker.ask(4, configs(32, many)));
        let mut bytes = BytesMut::new();
        crate::apis::Response::from(answer.clone()).encode(4, &mut bytes).unwrap();
        assert!(bytes.len() < 60 * 1024 * 1024, "{} bytes", bytes.len());
        assert_eq!(answer.results[0].error_code, 0);
        let last = answer.results.last().unwrap();
        assert_eq!(last.error_code, ResponseError::InvalidRequest.code());
    }

    #[test]
    fn every_list_of_names_with_large_answers_is_looked_at() {
        let again = REPEATS_MAX + 1;
        let group = || GroupId(text("g"));
        let topic = || TopicName(text("t"));
        let offsets = || OffsetFetchRequestTopics::default().with_name(topic());
        let in_groups =
            |groups| Request::OffsetFetch(OffsetFetchRequest::default().with_groups(groups));
        let partition = ListOffsetsPartition::default();
        let listed =
            ListOffsetsTopic::default().with_name(topic()).with_partitions(vec![partition]);
        let dirs =
            DescribableLogDirTopic::default().with_topic(topic()).with_partitions(vec![0; again]);
        for request in
            [
                Request::DescribeGroups(
                    DescribeGroupsRequest::default().with_groups(vec![group(); again]),
                ),
                Request::ConsumerGroupDescribe(
                    ConsumerGroupDescribeRequest::default().with_group_ids(vec![group(); again]),
                ),
                Request::DescribeTransactions(
                    DescribeTransactionsRequest::default()
                        .with_transactional_ids(vec![TransactionalId(text("x")); again]),
                ),
                Request::DescribeLogDirs(
                    DescribeLogDirsRequest::default().with_topics(Some(vec![dirs])),
                ),
                Request::ListOffsets(
                    ListOffsetsRequest::default().with_topics(vec![listed; again]),
                ),
                in_groups(vec![OffsetFetchRequestGroup::default().with_group_id(group()); again]),
                in_groups(vec![
                    OffsetFetchRequestGroup::default()
                        .with_group_id(group())
                        .with_topics(Some(vec![offsets().with_partition_indexes(vec![3]); again])),
                ]),
            ]
        {
            assert!(repeats_too_often(&request), "{request:?}");
        }
    }
}
