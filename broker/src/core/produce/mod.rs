//! Produce: batches are checked, get their offsets and are appended as they came.

mod check;
mod checked;
mod records;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::acls::{Operation, Resource};
use super::partition::Appended;
use super::{Call, Core, Effect, Handled};
use crate::log::BatchHeader;
use check::{CheckedBatch, RecordRules};
use checked::BatchPlace;
pub use checked::{BatchChecks, CheckedBatches};

/// From this version on topics are named by their ids.
const TOPIC_IDS_SINCE: i16 = 13;

/// Why a batch is not appended, as Produce tells it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub error: ResponseError,
    pub message: Option<String>,
    /// The records of the batch which are at fault, where single ones are.
    pub records: Vec<(usize, String)>,
    /// Kafka tells the first offset of the log beside this error.
    pub has_log_start: bool,
    pub log_start: i64,
}

impl Refusal {
    pub fn new(error: ResponseError) -> Refusal {
        Refusal { error, message: None, records: Vec::new(), has_log_start: false, log_start: -1 }
    }

    pub fn said(error: ResponseError, message: impl Into<String>) -> Refusal {
        Refusal { message: Some(message.into()), ..Refusal::new(error) }
    }
}

impl Core {
    pub(crate) fn produce(
        &mut self,
        call: &Call,
        request: ProduceRequest,
    ) -> Handled<ProduceResponse> {
        let acks = request.acks;
        let refused_as_a_whole = self.refused_as_a_whole(call, &request);
        let id = request.transactional_id.as_ref().map(|id| id.0.clone());
        let mut batches = std::mem::take(&mut self.checked).bounded_for(&request);
        let topics = request.topic_data.into_iter().enumerate();
        let responses: Vec<TopicProduceResponse> = topics
            .map(|(place, topic)| {
                let refused = refused_as_a_whole;
                self.produce_topic(call, id.as_ref(), place, topic, refused, &mut batches)
            })
            .collect();
        if acks != 0 {
            return Handled::Now(ProduceResponse::default().with_responses(responses));
        }
        let partitions = || responses.iter().flat_map(|topic| &topic.partition_responses);
        if partitions().any(|partition| partition.error_code != 0) {
            self.effects.push(Effect::Close(call.caller.connection)); // nothing else tells the client
        }
        Handled::Silently
    }

    /// An error of the request, which every partition in it gets.
    fn refused_as_a_whole(&self, call: &Call, request: &ProduceRequest) -> Option<ResponseError> {
        let is_transactional = request
            .topic_data
            .iter()
            .flat_map(|topic| &topic.partition_data)
            .filter_map(|data| BatchHeader::parse(data.records.as_ref()?).ok())
            .any(|header| header.is_transactional());
        if is_transactional {
            let may = request.transactional_id.as_ref().is_some_and(|id| {
                self.may(call, Operation::Write, Resource::TransactionalId(&id.0))
            });
            if !may {
                return Some(ResponseError::TransactionalIdAuthorizationFailed);
            }
        }
        let is_known = matches!(request.acks, -1..=1);
        (!is_known).then_some(ResponseError::InvalidRequiredAcks)
    }

    fn produce_topic(
        &mut self,
        call: &Call,
        transactional_id: Option<&StrBytes>,
        place: usize,
        topic: TopicProduceData,
        refused: Option<ResponseError>,
        batches: &mut CheckedBatches,
    ) -> TopicProduceResponse {
        let name = self.produced_topic(call, &topic);
        let mut partitions = Vec::with_capacity(topic.partition_data.len());
        for data in last_of_each(topic.partition_data) {
            let index = data.index;
            let appended = match (&name, refused.as_ref()) {
                (Err(error), _) | (_, Some(error)) => Err(Refusal::new(*error)),
                (Ok(name), None) => {
                    let place = BatchPlace { topic: place, partition: index };
                    let checked = batches.take(place);
                    let checked =
                        checked.unwrap_or_else(|| self.check_now(call, name, data, batches));
                    self.produce_partition(call, transactional_id, name, index, checked)
                }
            };
            partitions.push(told(index, appended));
        }
        TopicProduceResponse::default()
            .with_name(topic.name)
            .with_topic_id(topic.topic_id)
            .with_partition_responses(partitions)
    }

    /// The topic which is written to, if the caller may write to it.
    fn produced_topic(
        &self,
        call: &Call,
        topic: &TopicProduceData,
    ) -> Result<TopicName, ResponseError> {
        let name = if call.version < TOPIC_IDS_SINCE {
            topic.name.clone()
        } else {
            let name = self.catalog.name_of(topic.topic_id).ok_or(ResponseError::UnknownTopicId)?;
            TopicName(StrBytes::from_string(name.to_owned()))
        };
        if !self.may(call, Operation::Write, Resource::Topic(&name)) {
            return Err(ResponseError::TopicAuthorizationFailed);
        }
        match self.catalog.get(&name) {
            Some(_) => Ok(name),
            None => Err(ResponseError::UnknownTopicOrPartition),
        }
    }

    fn produce_partition(
        &mut self,
        call: &Call,
        transactional_id: Option<&StrBytes>,
        topic: &str,
        index: i32,
        checked: Result<CheckedBatch, Refusal>,
    ) -> Result<Appended, Refusal> {
        let known = self.catalog.get(topic).zip(self.catalog.partition(topic, index));
        let Some((found, partition)) = known else {
            return Err(Refusal::new(ResponseError::UnknownTopicOrPartition));
        };
        let log_start = partition.log.start_offset();
        let checked = checked.map_err(|refusal| match refusal {
            Refusal { has_log_start: true, .. } => Refusal { log_start, ..refusal },
            _ => refusal,
        })?;
        let batch = RecordRules::of(found, call.now).stamp(checked);
        if batch.header().is_transactional() {
            let id = transactional_id.map_or("", |id| id.as_str());
            self.join_transaction(call, id, topic, index, batch.header())?;
        }
        self.append_from_client(topic, index, batch, call.now)
    }

    /// Checks a batch that was not before: it takes little time, or its topic was made in between.
    fn check_now(
        &self,
        call: &Call,
        topic: &str,
        data: PartitionProduceData,
        batches: &mut CheckedBatches,
    ) -> Result<CheckedBatch, Refusal> {
        let known =
            self.catalog.get(topic).filter(|_| self.catalog.partition(topic, data.index).is_some());
        let found = known.ok_or_else(|| Refusal::new(ResponseError::UnknownTopicOrPartition))?;
        let rules = RecordRules::of(found, call.now);
        batches.check(rules, topic, data.index, data.records, call.version)
    }
}

/// The data of each partition; the last holds if a request names one twice.
fn last_of_each(named: Vec<PartitionProduceData>) -> Vec<PartitionProduceData> {
    let mut last: Vec<PartitionProduceData> = Vec::with_capacity(named.len());
    let mut places: HashMap<i32, usize> = HashMap::new();
    for data in named {
        let place = *places.entry(data.index).or_insert(last.len());
        match last.get_mut(place) {
            Some(earlier) => *earlier = data,
            None => last.push(data),
        }
    }
    last
}

/// The one batch that a partition of a Produce request has. Bytes after it which are less than a
/// batch are left out, as Kafka does.
fn only_batch(records: Option<Bytes>, version: i16) -> Result<Bytes, Refusal> {
    let mut records = records.unwrap_or_default();
    let Some(bytes) = check::batch_bytes(&records)? else {
        return Err(Refusal::new(ResponseError::InvalidRecord));
    };
    let first = records.split_to(bytes);
    check::is_produced_in(&first, version)?;
    match check::batch_bytes(&records)? {
        None => Ok(first),
        Some(_) => Err(Refusal::new(ResponseError::InvalidRecord)),
    }
}

fn told(index: i32, appended: Result<Appended, Refusal>) -> PartitionProduceResponse {
    let response = PartitionProduceResponse::default().with_index(index);
    match appended {
        Ok(appended) => response
            .with_base_offset(appended.base_offset)
            .with_log_append_time_ms(appended.log_append_time_ms)
            .with_log_start_offset(appended.log_start),
        Err(refusal) => {
            let records = refusal.records.into_iter().map(|(at, message)| {
                BatchIndexAndErrorMessage::default()
                    .with_batch_index(i32::try_from(at).unwrap_or(i32::MAX))
                    .with_batch_index_error_message(Some(StrBytes::from_string(message)))
            });
            response
                .with_error_code(refusal.error.code())
                .with_base_offset(-1)
                .with_log_append_time_ms(-1)
                .with_log_start_offset(refusal.log_start)
                .with_record_errors(records.collect())
                .with_error_message(refusal.message.map(StrBytes::from_string))
        }
    }
}
