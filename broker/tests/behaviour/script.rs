//! What scripts are written with: asking, recording, names that are unique, topics that are ready.

use std::collections::HashMap;
use std::fmt::Debug;
use std::time::Duration;

use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    ApiKey, CreateTopicsRequest, GroupId, MetadataRequest, MetadataResponse, TopicName,
    TransactionalId,
};
use kafka_protocol::protocol::{Message, Request, StrBytes};
use uuid::Uuid;

use crate::asked::offsets;
use crate::client::{Client, NoAnswer};
use crate::comparable::comparable;
use crate::transcript::{Step, Transcript};

/// How often something is asked again until it is so.
const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: usize = 1500;

/// Errors that pass: a coordinator that loads, a transaction whose markers are on their way.
const PASSING: [i16; 4] = [14, 15, 16, 51];

/// A script that runs on one broker.
#[derive(Debug)]
pub struct Script {
    pub address: String,
    /// Makes names unique; no answer shows it.
    pub run: String,
    pub client: Client,
    versions: HashMap<i16, (i16, i16)>,
    pub transcript: Transcript,
}

impl Script {
    pub async fn start(address: &str) -> Script {
        let mut client = Client::connect(address).await;
        let versions = client.versions().await;
        let run = format!("-{}", &Uuid::new_v4().simple().to_string()[..12]);
        Script { address: address.into(), run, client, versions, transcript: Transcript::default() }
    }

    /// `name`, made unique to this run.
    pub fn name(&self, name: &str) -> StrBytes {
        StrBytes::from_string(format!("{name}{}", self.run))
    }

    pub fn topic(&self, name: &str) -> TopicName {
        TopicName(self.name(name))
    }

    pub fn group(&self, name: &str) -> GroupId {
        GroupId(self.name(name))
    }

    pub fn transactional(&self, name: &str) -> TransactionalId {
        TransactionalId(self.name(name))
    }

    /// The versions of an API that both the broker and these types have.
    pub fn versions<R: Request>(&self) -> Vec<i16> {
        match self.versions.get(&R::KEY) {
            Some((min, max)) => {
                let own = <R as Message>::VERSIONS;
                (own.min.max(*min)..=own.max.min(*max)).collect()
            }
            None => Vec::new(),
        }
    }

    /// The newest version, for steps that prepare others.
    pub fn newest<R: Request>(&self) -> i16 {
        self.versions::<R>().last().copied().unwrap_or(<R as Message>::VERSIONS.max)
    }

    pub fn has<R: Request>(&self, version: i16) -> bool {
        self.versions::<R>().contains(&version)
    }

    /// Adds something to the transcript that is not an answer.
    pub fn note(&mut self, label: &str, what: &impl Debug) {
        self.noted(label, 0, what);
    }

    pub fn noted(&mut self, label: &str, version: i16, what: &impl Debug) {
        let step = Step { label: label.into(), api: "-".into(), version };
        let text = comparable(what, &self.run);
        self.transcript.push(step, text);
    }

    /// Asks and records the answer. There is none if the broker lacks the version, if the version
    /// lacks a field, or if the broker closed the connection, which is recorded.
    pub async fn ask<R: Request>(
        &mut self,
        label: &str,
        version: i16,
        request: R,
    ) -> Option<R::Response>
    where
        R::Response: Debug + Clone,
    {
        self.ask_as(label, version, request, |_| {}).await
    }

    /// As [`Script::ask`], for answers that need something taken out or sorted before they are
    /// recorded.
    pub async fn ask_as<R: Request>(
        &mut self,
        label: &str,
        version: i16,
        request: R,
        sorted: impl Fn(&mut R::Response),
    ) -> Option<R::Response>
    where
        R::Response: Debug + Clone,
    {
        if !self.has::<R>(version) {
            return None;
        }
        let answer = self.settled(version, &request).await;
        if answer.as_ref().err() == Some(&NoAnswer::Inexpressible) {
            return None;
        }
        let text = match &answer {
            Ok(answer) => {
                let mut shown = answer.clone();
                sorted(&mut shown);
                comparable(&shown, &self.run)
            }
            Err(reason) => format!("{reason:?}"),
        };
        if answer.is_err() {
            self.client.reconnect().await;
        }
        let step = Step { label: label.into(), api: api_name(R::KEY), version };
        self.transcript.push(step, text);
        answer.ok()
    }

    /// Asks the same in every version.
    pub async fn each<R: Request>(&mut self, label: &str, request: impl Fn(i16) -> R)
    where
        R::Response: Debug + Clone,
    {
        for version in self.versions::<R>() {
            self.ask(label, version, request(version)).await;
        }
    }

    /// Asks the same in every version; answers are sorted before they are recorded.
    pub async fn each_as<R: Request>(
        &mut self,
        label: &str,
        request: impl Fn(i16) -> R,
        sorted: impl Fn(&mut R::Response),
    ) where
        R::Response: Debug + Clone,
    {
        for version in self.versions::<R>() {
            self.ask_as(label, version, request(version), &sorted).await;
        }
    }

    /// Asks in the newest version without recording.
    pub async fn quiet<R: Request>(&mut self, request: R) -> Option<R::Response>
    where
        R::Response: Debug,
    {
        let version = self.newest::<R>();
        if !self.has::<R>(version) {
            return None;
        }
        let answer = self.settled(version, &request).await;
        if answer.is_err() {
            self.client.reconnect().await;
        }
        answer.ok()
    }

    /// Asks until the answer has no error that passes by itself.
    async fn settled<R: Request>(
        &mut self,
        version: i16,
        request: &R,
    ) -> Result<R::Response, NoAnswer>
    where
        R::Response: Debug,
    {
        for _ in 0..PATIENCE {
            let answer = self.client.ask(version, request).await?;
            let text = format!("{answer:?}");
            if !PASSING.iter().any(|code| text.contains(&format!("error_code: {code},"))) {
                return Ok(answer);
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.client.ask(version, request).await
    }

    /// Makes a topic whose records stay, in one segment although their timestamps are years apart,
    /// and waits until the broker knows it.
    pub async fn create(&mut self, name: &str, partitions: i32, configs: &[(&str, &str)]) {
        let kept = [("retention.ms", "-1"), ("segment.ms", "9223372036854775807")];
        let configs = configs
            .iter()
            .copied()
            .chain(kept)
            .map(|(key, value)| {
                CreatableTopicConfig::default()
                    .with_name(StrBytes::from_string(key.to_owned()))
                    .with_value(Some(StrBytes::from_string(value.to_owned())))
            })
            .collect();
        let topic = CreatableTopic::default()
            .with_name(self.topic(name))
            .with_num_partitions(partitions)
            .with_replication_factor(1)
            .with_configs(configs);
        self.quiet(CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000))
            .await;
        self.until_leader(name, partitions).await;
    }

    /// Waits until every partition has a leader that answers, which takes a moment on Kafka.
    pub async fn until_leader(&mut self, name: &str, partitions: i32) {
        self.until_described(name, partitions).await;
        let mut request = offsets(&self.topic(name), -1);
        let first = request.topics[0].partitions[0].clone();
        request.topics[0].partitions =
            (0..partitions).map(|index| first.clone().with_partition_index(index)).collect();
        self.until(request, |answer| {
            let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
            partitions.into_iter().all(|partition| partition.error_code == 0)
        })
        .await;
    }

    async fn until_described(&mut self, name: &str, partitions: i32) {
        for _ in 0..PATIENCE {
            let known = self.described(name).await;
            let is_ready = known.is_some_and(|answer| {
                let partitions_known = &answer.topics[0].partitions;
                i32::try_from(partitions_known.len()) == Ok(partitions)
                    && partitions_known.iter().all(|partition| partition.error_code == 0)
            });
            if is_ready || !self.has::<CreateTopicsRequest>(7) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until the broker does not know the topic any more.
    pub async fn until_gone(&mut self, name: &str) {
        for _ in 0..PATIENCE {
            let known = self.described(name).await;
            if known.is_none_or(|answer| answer.topics[0].error_code == 3) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub async fn described(&mut self, name: &str) -> Option<MetadataResponse> {
        let wanted = MetadataRequestTopic::default().with_name(Some(self.topic(name)));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![wanted]))
            .with_allow_auto_topic_creation(false);
        self.quiet(request).await
    }

    pub async fn topic_id(&mut self, name: &str) -> Uuid {
        let answer = self.described(name).await;
        answer.map(|answer| answer.topics[0].topic_id).unwrap_or_default()
    }

    /// Asks without recording until the answer is as it should be, or patience ends.
    pub async fn until<R: Request + Clone>(
        &mut self,
        request: R,
        is_so: impl Fn(&R::Response) -> bool,
    ) where
        R::Response: Debug,
    {
        for _ in 0..PATIENCE {
            match self.quiet(request.clone()).await {
                Some(answer) if !is_so(&answer) => tokio::time::sleep(PAUSE).await,
                _ => return,
            }
        }
    }
}

pub fn api_name(key: i16) -> String {
    ApiKey::try_from(key).map_or_else(|()| key.to_string(), |key| format!("{key:?}"))
}
