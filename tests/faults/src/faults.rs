//! What goes wrong: one thing after the other, each until another node leads, or writes go on.

use std::time::{Duration, Instant};

use fastrand::Rng;
use weir_tests::KafkaCluster;

use crate::clients::Crowd;
use crate::site::{Node, PATIENCE, Site};
use crate::wire::Weather;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The leader's process is killed.
    Kill,
    /// It is told to end, as in a rolling restart.
    Restart,
    /// It stands still, and goes on as if nothing had been.
    Pause,
    /// It stands still for half a minute.
    LongPause,
    /// Kafka and the leader do not hear each other.
    CutFromKafka,
    /// The leader's connections to Kafka are reset.
    ResetFromKafka,
    /// Kafka hears the leader, and not the other way round.
    DeafToKafka,
    /// The other nodes do not reach the leader.
    CutFromNodes,
    /// What the leader writes stays on its way, and comes after another leads.
    HeldProduce,
    /// The same, and it comes after a minute.
    LongHeldProduce,
    /// The way to Kafka is slow.
    SlowKafka,
    /// The leader's clock jumps.
    ClockStep,
    /// The broker that has the log is killed.
    BrokerKill,
    /// It is told to end, as in a rolling restart.
    BrokerRestart,
    /// The leader and another node are killed together.
    KillTwo,
}

/// With how often each comes among a hundred.
const FAULTS: [(Fault, u32); 15] = [
    (Fault::Kill, 21),
    (Fault::Restart, 12),
    (Fault::Pause, 14),
    (Fault::LongPause, 1),
    (Fault::CutFromKafka, 10),
    (Fault::ResetFromKafka, 6),
    (Fault::DeafToKafka, 8),
    (Fault::CutFromNodes, 8),
    (Fault::HeldProduce, 8),
    (Fault::LongHeldProduce, 1),
    (Fault::SlowKafka, 2),
    (Fault::ClockStep, 3),
    (Fault::BrokerKill, 1),
    (Fault::BrokerRestart, 2),
    (Fault::KillTwo, 3),
];

/// How long a pause and a held write take that take long.
const LONG_PAUSE: Duration = Duration::from_secs(30);
const LONG_HELD: Duration = Duration::from_secs(60);

/// What came of one.
#[derive(Clone, Debug)]
pub struct Event {
    pub fault: Fault,
    /// Another epoch began.
    pub changed: bool,
    /// The longest time without the answer of any write.
    pub outage: Duration,
}

impl Fault {
    pub fn choose(rng: &mut Rng) -> Fault {
        let all: u32 = FAULTS.iter().map(|(_, weight)| weight).sum();
        let mut left = rng.u32(..all);
        for (fault, weight) in FAULTS {
            if left < weight {
                return fault;
            }
            left -= weight;
        }
        Fault::Kill
    }

    /// Whether another node has to lead for it to be over.
    fn deposes(self) -> bool {
        !matches!(
            self,
            Fault::SlowKafka | Fault::ClockStep | Fault::BrokerKill | Fault::BrokerRestart
        )
    }

    /// Brings it about, and mends it.
    pub async fn happen(
        self,
        site: &Site,
        kafka: &KafkaCluster,
        crowd: &Crowd,
        rng: &mut Rng,
    ) -> Event {
        let (index, epoch) = site.leader().await;
        let leader = &site.nodes[index];
        let begun = Instant::now();
        let broker = self.begin(site, kafka, leader, index, rng).await;
        if self.deposes() {
            another_leads(site, index, epoch).await;
        }
        until_written(crowd, Instant::now(), site).await;
        let outage = crowd.longest_gap(begun, Instant::now());
        self.mend(site, kafka, leader, index, broker).await;
        until_written(crowd, Instant::now(), site).await;
        let outage = outage.max(crowd.longest_gap(begun, Instant::now()));
        let changed = site.leader().await.1 > epoch;
        Event { fault: self, changed, outage }
    }

    /// The broker that it ends, if it ends one.
    async fn begin(
        self,
        site: &Site,
        kafka: &KafkaCluster,
        leader: &Node,
        index: usize,
        rng: &mut Rng,
    ) -> Option<i64> {
        let both = Weather { stalls_requests: true, stalls_answers: true, ..Weather::default() };
        match self {
            Fault::Kill => leader.kill(),
            Fault::Restart => leader.stop().await,
            Fault::Pause | Fault::LongPause => leader.signal("STOP"),
            Fault::CutFromKafka => leader.kafka_weather(both),
            Fault::ResetFromKafka => {
                leader.kafka_weather(Weather { cuts: true, ..Weather::default() });
            }
            Fault::DeafToKafka => {
                leader.kafka_weather(Weather { stalls_answers: true, ..Weather::default() });
            }
            Fault::CutFromNodes => leader.nodes_weather(both),
            Fault::HeldProduce | Fault::LongHeldProduce => {
                leader.kafka_weather(Weather { holds_produce: true, ..Weather::default() });
            }
            Fault::SlowKafka => {
                let delay = Duration::from_millis(rng.u64(20..120));
                leader.kafka_weather(Weather { delay, ..Weather::default() });
            }
            Fault::ClockStep => {
                let step = [-86_400, -3_600, -60, 60, 3_600, 86_400][rng.usize(..6)];
                leader.step_clock(step);
            }
            Fault::BrokerKill => {
                let broker = log_leader(site).await;
                kafka.kill(broker).await;
                return Some(broker);
            }
            Fault::BrokerRestart => {
                let broker = log_leader(site).await;
                kafka.shut(broker).await;
                return Some(broker);
            }
            Fault::KillTwo => {
                leader.kill();
                site.nodes[(index + 1) % site.nodes.len()].kill();
            }
        }
        None
    }

    async fn mend(
        self,
        site: &Site,
        kafka: &KafkaCluster,
        leader: &Node,
        index: usize,
        broker: Option<i64>,
    ) {
        match self {
            Fault::Kill | Fault::Restart => leader.start(),
            Fault::Pause => leader.signal("CONT"),
            Fault::LongPause => {
                tokio::time::sleep(LONG_PAUSE).await;
                leader.signal("CONT");
            }
            Fault::LongHeldProduce => {
                tokio::time::sleep(LONG_HELD).await;
                leader.kafka_weather(Weather::default());
            }
            Fault::ClockStep => leader.step_clock(0),
            Fault::BrokerKill | Fault::BrokerRestart => {
                if let Some(broker) = broker {
                    kafka.revive(broker).await;
                }
            }
            Fault::KillTwo => {
                leader.start();
                site.nodes[(index + 1) % site.nodes.len()].start();
            }
            _ => {
                leader.kafka_weather(Weather::default());
                leader.nodes_weather(Weather::default());
            }
        }
        for node in &site.nodes {
            site.until_ready(node).await;
        }
    }
}

/// Waits until a node other than this one leads in a later epoch.
async fn another_leads(site: &Site, index: usize, epoch: u64) {
    let give_up = Instant::now() + PATIENCE;
    loop {
        for (_, node) in site.nodes.iter().enumerate().filter(|(other, _)| *other != index) {
            let status = site.status(node).await;
            let later = status.filter(|s| s.role == "leader" && s.epoch > Some(epoch));
            if later.is_some() {
                return;
            }
        }
        assert!(Instant::now() < give_up, "nobody leads after epoch {epoch}\n{}", site.tails());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until a write is answered that began after a moment.
async fn until_written(crowd: &Crowd, moment: Instant, site: &Site) {
    let give_up = Instant::now() + PATIENCE;
    while crowd.first_write_after(moment).is_none() {
        assert!(Instant::now() < give_up, "nothing is written\n{}", site.tails());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The broker that has the log.
async fn log_leader(site: &Site) -> i64 {
    let settings = weir_kafka::Settings {
        bootstrap_servers: site.bootstrap_servers.clone(),
        ..weir_kafka::Settings::default()
    };
    let client = weir_kafka::Client::new(&settings, Duration::from_secs(5));
    let (_, topics) = client.metadata(Some(&[&site.topic]), false).await.expect("Kafka is there");
    let partition = topics.first().and_then(|topic| topic.partitions.first());
    i64::from(partition.expect("the topic is there").leader_id.0)
}
