//! Transactions: what is in them is seen when they end, or never.

use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, DescribeTransactionsRequest, EndTxnRequest,
    InitProducerIdRequest, InitProducerIdResponse, ListTransactionsRequest, ProducerId, TopicName,
    TransactionalId, TxnOffsetCommitRequest,
};

use crate::asked::{Named, fetch, from, offsets, produce, readable};
use crate::records::BatchOf;
use crate::script::Script;
use crate::scripts::producers::asking;

/// Clients name one transaction until here; after it brokers ask for many.
const ADD: i16 = 3;
/// The newest version of EndTxn in which the epoch stays as it is.
const END: i16 = 4;

pub async fn script(s: &mut Script) {
    s.quiet(asking()).await; // the very first id is 0, which looks as if there was none
    s.create("used", 2, &[]).await;
    let topic = Named::of(s, "used").await;
    ids(s).await;
    committed(s, &topic).await;
    aborted(s, &topic).await;
    fenced(s, &topic).await;
    second_version(s, &topic).await;
    with_offsets(s, &topic).await;
    strangers(s).await;
}

fn init(id: &TransactionalId) -> InitProducerIdRequest {
    asking().with_transactional_id(Some(id.clone()))
}

/// A producer of a transactional id.
struct Producer {
    id: TransactionalId,
    producer: ProducerId,
    epoch: i16,
}

impl Producer {
    async fn new(s: &mut Script, name: &str) -> Producer {
        let id = s.transactional(name);
        let answer: InitProducerIdResponse = s.client.ask(4, &init(&id)).await.unwrap_or_default();
        Producer { id, producer: answer.producer_id, epoch: answer.producer_epoch }
    }

    fn add(&self, topic: &TopicName, partitions: &[i32]) -> AddPartitionsToTxnRequest {
        let topic = AddPartitionsToTxnTopic::default()
            .with_name(topic.clone())
            .with_partitions(partitions.to_vec());
        AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(self.id.clone())
            .with_v3_and_below_producer_id(self.producer)
            .with_v3_and_below_producer_epoch(self.epoch)
            .with_v3_and_below_topics(vec![topic])
    }

    fn add_offsets(&self, s: &Script) -> AddOffsetsToTxnRequest {
        AddOffsetsToTxnRequest::default()
            .with_transactional_id(self.id.clone())
            .with_producer_id(self.producer)
            .with_producer_epoch(self.epoch)
            .with_group_id(s.group("reader"))
    }

    fn commit_offset(&self, s: &Script, offset: i64) -> TxnOffsetCommitRequest {
        let place = TxnOffsetCommitRequestPartition::default().with_committed_offset(offset);
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(s.topic("used"))
            .with_partitions(vec![place]);
        TxnOffsetCommitRequest::default()
            .with_transactional_id(self.id.clone())
            .with_group_id(s.group("reader"))
            .with_producer_id(self.producer)
            .with_producer_epoch(self.epoch)
            .with_generation_id(-1)
            .with_topics(vec![topic])
    }

    fn end(&self, committed: bool) -> EndTxnRequest {
        EndTxnRequest::default()
            .with_transactional_id(self.id.clone())
            .with_producer_id(self.producer)
            .with_producer_epoch(self.epoch)
            .with_committed(committed)
    }

    fn batch(&self, sequence: i32, values: &[&'static str]) -> BatchOf {
        BatchOf::values(values).by_producer(self.producer.0, self.epoch, sequence).transactional()
    }

    async fn append(&self, s: &mut Script, label: &str, topic: &Named, batch: BatchOf) {
        let version = 11;
        let request = produce(version, topic, 0, Some(batch.bytes()))
            .with_transactional_id(Some(self.id.clone()));
        s.ask(label, version, request).await;
    }
}

async fn ids(s: &mut Script) {
    for version in s.versions::<InitProducerIdRequest>() {
        let id = s.transactional(&format!("init-v{version}"));
        s.ask("init", version, init(&id)).await;
        s.ask("init again", version, init(&id)).await;
    }
    let id = s.transactional("init");
    let unnamed = TransactionalId("".into());
    s.each("init: no name", |_| init(&unnamed)).await;
    for time in [0, -1, 900_000, 900_001, i32::MAX] {
        s.each_as(
            &format!("init: {time} ms"),
            |_| init(&id).with_transaction_timeout_ms(time),
            |answer| answer.producer_epoch = answer.producer_epoch.min(0),
        )
        .await;
    }
    let own = Producer::new(s, "own").await;
    let again = |producer: i64, epoch: i16| {
        init(&own.id).with_producer_id(ProducerId(producer)).with_producer_epoch(epoch)
    };
    s.ask("init: with its own id", 4, again(own.producer.0, own.epoch)).await;
    s.ask("init: with its own id, retried", 4, again(own.producer.0, own.epoch)).await;
    s.ask("init: with an epoch to come", 4, again(own.producer.0, own.epoch + 9)).await;
    s.ask("init: with another's id", 4, again(own.producer.0 + 1000, own.epoch)).await;
}

/// What readers of both kinds see, and where partition 0 ends for them.
async fn seen(s: &mut Script, label: &str, topic: &Named) {
    for (kind, isolation) in [("all", 0), ("committed", 1)] {
        let request = fetch(12, topic, from(0)).with_isolation_level(isolation);
        s.ask_as(&format!("{label}: {kind}"), 12, request, |answer| {
            readable(answer);
            for topic in &mut answer.responses {
                for partition in &mut topic.partitions {
                    if let Some(aborted) = &mut partition.aborted_transactions {
                        aborted.sort_by_key(|transaction| transaction.first_offset);
                    }
                }
            }
        })
        .await;
        let request = offsets(&topic.name, -1).with_isolation_level(isolation);
        s.ask(&format!("{label}: end of {kind}"), 7, request).await;
    }
}

async fn committed(s: &mut Script, topic: &Named) {
    let p = Producer::new(s, "commits").await;
    p.append(s, "append before it is added", topic, p.batch(0, &["early"])).await;
    s.ask("add", ADD, p.add(&topic.name, &[0])).await;
    s.ask("add again", ADD, p.add(&topic.name, &[0])).await;
    s.ask_as("add unknown partition", ADD, p.add(&topic.name, &[0, 7]), |answer| {
        for topic in &mut answer.results_by_topic_v3_and_below {
            topic.results_by_partition.sort_by_key(|partition| partition.partition_index);
        }
    })
    .await;
    s.ask("add unknown topic", ADD, p.add(&s.topic("nowhere"), &[0])).await;
    p.append(s, "append", topic, p.batch(0, &["a", "b"])).await;
    p.append(s, "append again", topic, p.batch(0, &["a", "b"])).await;
    let plain = BatchOf::values(&["x"]).by_producer(p.producer.0, p.epoch, 2);
    p.append(s, "append outside of the transaction", topic, plain).await;
    seen(s, "open", topic).await;
    states(s, "open", &p).await;
    s.ask("commit", END, p.end(true)).await;
    settled(s, &p).await;
    s.ask("commit again", END, p.end(true)).await;
    s.ask("abort after commit", END, p.end(false)).await;
    seen(s, "after commit", topic).await;
    states(s, "after commit", &p).await;
    p.append(s, "append after commit", topic, p.batch(2, &["late"])).await;
}

/// Waits until the transaction has ended everywhere.
async fn settled(s: &mut Script, p: &Producer) {
    s.until(
        DescribeTransactionsRequest::default().with_transactional_ids(vec![p.id.clone()]),
        |answer| {
            answer
                .transaction_states
                .iter()
                .all(|state| state.transaction_state.starts_with("Comp"))
        },
    )
    .await;
}

async fn states(s: &mut Script, label: &str, p: &Producer) {
    let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![p.id.clone()]);
    s.ask(&format!("{label}: describe"), 0, request).await;
    let id = p.id.clone();
    s.each_as(
        &format!("{label}: list"),
        |_| ListTransactionsRequest::default().with_duration_filter(-1),
        |answer| answer.transaction_states.retain(|state| state.transactional_id == id),
    )
    .await;
    s.each_as(
        &format!("{label}: list ongoing"),
        |_| {
            ListTransactionsRequest::default()
                .with_duration_filter(-1)
                .with_state_filters(vec!["Ongoing".into(), "Nonsense".into()])
        },
        |answer| answer.transaction_states.retain(|state| state.transactional_id == id),
    )
    .await;
}

async fn aborted(s: &mut Script, topic: &Named) {
    let p = Producer::new(s, "aborts").await;
    s.ask("abort: nothing", END, p.end(false)).await;
    s.ask("abort: add", ADD, p.add(&topic.name, &[0, 1])).await;
    p.append(s, "abort: append", topic, p.batch(0, &["c"])).await;
    s.ask("abort", END, p.end(false)).await;
    settled(s, &p).await;
    s.ask("abort: again", END, p.end(false)).await;
    s.ask("abort: commit", END, p.end(true)).await;
    seen(s, "after abort", topic).await;
}

/// Who inits again ends what was open and shuts out who was there before.
async fn fenced(s: &mut Script, topic: &Named) {
    let old = Producer::new(s, "fenced").await;
    s.ask("fence: add", ADD, old.add(&topic.name, &[0])).await;
    old.append(s, "fence: append", topic, old.batch(0, &["d"])).await;
    s.ask("fence: init", 4, init(&old.id)).await;
    old.append(s, "fence: append of the old", topic, old.batch(1, &["e"])).await;
    for version in s.versions::<AddPartitionsToTxnRequest>().into_iter().filter(|v| *v <= ADD) {
        s.ask("fence: add of the old", version, old.add(&topic.name, &[0])).await;
    }
    let offsets = old.add_offsets(s);
    s.each("fence: add offsets of the old", |_| offsets.clone()).await;
    for version in s.versions::<EndTxnRequest>() {
        s.ask("fence: end of the old", version, old.end(true)).await;
    }
    s.ask("fence: init of the old", 4, {
        init(&old.id).with_producer_id(old.producer).with_producer_epoch(old.epoch)
    })
    .await;
    seen(s, "after fencing", topic).await;
}

/// The newest EndTxn raises the epoch with each transaction.
async fn second_version(s: &mut Script, topic: &Named) {
    let mut p = Producer::new(s, "second").await;
    let version = 12;
    let request = produce(version, topic, 0, Some(p.batch(0, &["f"]).bytes()))
        .with_transactional_id(Some(p.id.clone()));
    s.ask("second: append adds the partition", version, request).await;
    if let Some(ended) = s.ask("second: commit", 5, p.end(true)).await {
        s.note("second: epoch", &(ended.producer_epoch - p.epoch));
        settled(s, &p).await;
        s.ask("second: commit retried", 5, p.end(true)).await;
        p.epoch = ended.producer_epoch;
    }
    s.ask("second: abort of nothing", 5, p.end(false)).await;
    seen(s, "after second", topic).await;
}

async fn with_offsets(s: &mut Script, topic: &Named) {
    for version in s.versions::<TxnOffsetCommitRequest>() {
        let p = Producer::new(s, &format!("offsets-v{version}")).await;
        let offset = i64::from(version) + 1;
        let commit = p.commit_offset(s, offset);
        if version < 5 {
            s.ask("offsets: commit before add", version, commit.clone()).await;
            s.ask("offsets: add", version.min(4), p.add_offsets(s)).await;
        }
        s.ask("offsets: commit", version, commit).await;
        reader(s, &format!("pending v{version}")).await;
        let end = if version < 5 { END } else { 5 };
        s.ask(&format!("offsets: end v{version}"), end, p.end(version % 2 == 0)).await;
        settled(s, &p).await;
        reader(s, &format!("ended v{version}")).await;
    }
    let p = Producer::new(s, "offsets").await;
    s.ask("offsets: add again", 3, p.add_offsets(s)).await;
    let as_member = p.commit_offset(s, 3).with_generation_id(2).with_member_id("m".into());
    s.ask("offsets: of a stranger", 3, as_member).await;
    let mut unknown = p.commit_offset(s, 3);
    unknown.topics[0].name = s.topic("nowhere");
    s.ask("offsets: of unknown", 3, unknown).await;
    let mut below = p.commit_offset(s, -1);
    below.group_id = s.group("reader");
    s.ask("offsets: of -1", 3, below).await;
    s.ask("offsets: end", END, p.end(false)).await;
    let _ = topic;
}

async fn reader(s: &mut Script, label: &str) {
    use kafka_protocol::messages::OffsetFetchRequest;
    use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
    let topic = OffsetFetchRequestTopic::default()
        .with_name(s.topic("used"))
        .with_partition_indexes(vec![0]);
    let request = OffsetFetchRequest::default()
        .with_group_id(s.group("reader"))
        .with_topics(Some(vec![topic]));
    s.ask(&format!("offsets: {label}"), 7, request.clone()).await;
    s.ask(&format!("offsets: stable {label}"), 7, request.with_require_stable(true)).await;
}

async fn strangers(s: &mut Script) {
    let nobody = Producer { id: s.transactional("nobody"), producer: ProducerId(5), epoch: 0 };
    let unnamed = Producer { id: TransactionalId("".into()), producer: ProducerId(5), epoch: 0 };
    let used = s.topic("used");
    for (label, p) in [("nobody", &nobody), ("no name", &unnamed)] {
        for version in s.versions::<AddPartitionsToTxnRequest>().into_iter().filter(|v| *v <= ADD) {
            s.ask(&format!("{label}: add"), version, p.add(&used, &[0])).await;
        }
        let end = p.end(true);
        s.each(&format!("{label}: end"), |_| end.clone()).await;
        let offsets = p.add_offsets(s);
        s.each(&format!("{label}: add offsets"), |_| offsets.clone()).await;
        let commit = p.commit_offset(s, 1);
        s.each(&format!("{label}: commit"), |_| commit.clone()).await;
        let describe =
            DescribeTransactionsRequest::default().with_transactional_ids(vec![p.id.clone()]);
        s.ask(&format!("{label}: describe"), 0, describe).await;
    }
    let several = |verify: bool| {
        let topic =
            AddPartitionsToTxnTopic::default().with_name(used.clone()).with_partitions(vec![0]);
        let transaction = AddPartitionsToTxnTransaction::default()
            .with_transactional_id(nobody.id.clone())
            .with_producer_id(ProducerId(5))
            .with_verify_only(verify)
            .with_topics(vec![topic]);
        AddPartitionsToTxnRequest::default().with_transactions(vec![transaction])
    };
    for version in [4, 5] {
        s.ask("several: add", version, several(false)).await;
        s.ask("several: verify", version, several(true)).await;
    }
}
