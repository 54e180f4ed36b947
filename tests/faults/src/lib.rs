//! Faults: three registries and three brokers, things that go wrong, clients that go on, and a check of
//! all that they were answered.
//!
//! `weir-faults --seed 7 --changes 300` runs it; `tests/weir/faults.rs` runs a short form. What the
//! clients saw is checked by Porcupine (`checker/`), ids and reads of own writes here, and the log by its
//! two laws.

mod clients;
mod doubles;
mod faults;
mod history;
mod site;
mod verdict;
mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use weir_tests::KafkaCluster;

pub use clients::Crowd;
pub use doubles::{DoublesPlan, DoublesReport, doubles};
pub use faults::{Event, Fault};
pub use site::{Node, PATIENCE, Site, Status};
pub use wire::{Speaks, Weather, Wire};

use clients::Client;

/// What is to be run.
pub struct Plan {
    /// The binary.
    pub weir: PathBuf,
    pub seed: u64,
    /// Leader changes, at least.
    pub changes: usize,
    pub clients: usize,
    pub flags: Vec<String>,
}

/// What came of it.
pub struct Report {
    pub events: Vec<Event>,
    pub operations: usize,
    pub unknown: usize,
    pub ids: usize,
    /// The longest that a client waited for an answer that came.
    pub answer_max: Duration,
    /// What must not be, and was; none is what is wanted.
    pub wrongs: Vec<String>,
    /// What the checker says.
    pub checker: String,
}

/// Runs it. `say` is told how it goes.
pub async fn run(plan: &Plan, mut say: impl FnMut(String)) -> Report {
    let kafka = KafkaCluster::start(3).await;
    let flags: Vec<&str> = plan.flags.iter().map(String::as_str).collect();
    let site = Site::start(&kafka.bootstrap_servers, &plan.weir, &flags).await;
    let urls: Vec<String> = site.nodes.iter().map(|node| node.url.clone()).collect();
    verdict::set_no_compatibility(&site.http, &urls[0]).await;
    let crowd = Crowd::new(site.http.clone(), urls);
    let clients: Vec<_> = (0..plan.clients)
        .map(|number| tokio::spawn(Client::new(crowd.clone(), number, plan.seed).run()))
        .collect();
    let ageing = tokio::spawn(clients::age(crowd.clone()));
    let mut rng = Rng::with_seed(plan.seed);
    let (mut events, mut changes) = (Vec::new(), 0);
    while changes < plan.changes {
        let event = Fault::choose(&mut rng).happen(&site, &kafka, &crowd, &mut rng).await;
        changes += usize::from(event.changed);
        say(format!("{changes}: {:?}, no write for {:?}", event.fault, event.outage));
        events.push(event);
        let wrongs = crowd.wrongs();
        if !wrongs.is_empty() {
            say(format!("wrong: {wrongs:?}"));
            break;
        }
        tokio::time::sleep(Duration::from_millis(rng.u64(200..800))).await;
    }
    crowd.stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("a client does not panic");
    }
    ageing.abort();
    verdict::judge(&site, &crowd, events).await
}

impl Report {
    pub fn is_clean(&self) -> bool {
        self.wrongs.is_empty()
    }

    fn changes(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(|event| event.changed)
    }

    /// Outages of those faults that ended in another epoch. While Kafka itself has nobody to write to,
    /// there is nothing that a registry can do.
    pub fn outages(&self) -> Outages {
        Outages::of(self.changes().filter(|event| event.fault != Fault::BrokerKill))
    }
}

/// The longest last.
pub struct Outages(Vec<Duration>);

impl Outages {
    fn of<'a>(events: impl Iterator<Item = &'a Event>) -> Outages {
        let mut outages: Vec<Duration> = events.map(|event| event.outage).collect();
        outages.sort_unstable();
        Outages(outages)
    }

    /// At a share of all: 0.99 is longer than 99 of 100.
    pub fn at(&self, share: f64) -> Duration {
        let at = (self.0.len() as f64 * share).ceil() as usize;
        self.0.get(at.clamp(1, self.0.len().max(1)) - 1).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Outages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [median, p99, longest] = [0.5, 0.99, 1.0].map(|share| self.at(share));
        write!(f, "no write for {median:.1?} (median), {p99:.1?} (p99), {longest:.1?} at most")
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut by_fault: BTreeMap<Fault, Vec<&Event>> = BTreeMap::new();
        for event in &self.events {
            by_fault.entry(event.fault).or_default().push(event);
        }
        for (fault, events) in by_fault {
            let outages = Outages::of(events.iter().copied());
            writeln!(f, "{fault:?}: {} times, {outages}", events.len())?;
        }
        let changes = self.changes().count();
        writeln!(f, "{changes} leader changes: {}", Outages::of(self.changes()))?;
        writeln!(f, "but for killed brokers: {}", self.outages())?;
        writeln!(
            f,
            "{} operations, {} of unknown outcome, {} ids, the longest answer took {:.1?}",
            self.operations, self.unknown, self.ids, self.answer_max
        )?;
        writeln!(f, "{}", self.checker.trim_end())?;
        match self.wrongs.as_slice() {
            [] => write!(f, "nothing is wrong"),
            wrongs => write!(f, "WRONG:\n{}", wrongs.join("\n")),
        }
    }
}
