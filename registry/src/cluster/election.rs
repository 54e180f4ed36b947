//! Takes the lead where nobody has it.
//!
//! A node asks the announced leader how it is, ten times a second. If the leader does not answer, or
//! says that it cannot write, and Kafka answers, the node takes over. That two do so at once, or while
//! the leader is well after all, costs a moment and nothing else: the epoch decides, not the election.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};
use weir_http::{ON_BEHALF, node_identity};

use super::Cluster;
use super::replica::Event;
use crate::log::kafka::Announced;
use crate::peers::Peers;

/// How often a node asks the leader how it is.
const TICK: Duration = Duration::from_millis(100);

/// How long the leader may take to say how it is.
const PROBE_TIMEOUT: Duration = Duration::from_millis(400);

/// A leader that has not answered for this long is deposed.
const SILENT_MAX: Duration = Duration::from_millis(700);

/// A leader that says itself that it is not well, or whose port is closed, is deposed after this long.
const UNWELL_MAX: Duration = Duration::from_millis(180);

/// A leader that failed a write waits this long before it may take the lead again, so that a healthy node is first.
const RETAKE_DELAY: Duration = Duration::from_millis(500);

/// A leader whose answers cannot be understood (a certificate that is not trusted, another program on its port) is
/// deposed after this long. Far above `SILENT_MAX`: a misconfiguration outlives a change of leader, and the nodes
/// would depose each other in turn.
const UNINTELLIGIBLE_MAX: Duration = Duration::from_secs(10);

/// How long a node waits at most, at random, before it takes over: not all are to do so in the same moment.
const JITTER_MS: u64 = 150;

/// How long a node of a new cluster waits at most, at random, before it is the first to lead: its nodes start
/// together, and the first takeover of all takes long.
const FIRST_JITTER_MS: u64 = 500;

/// A tick that comes so late tells that this process was not running, and says nothing of others.
const ASLEEP: Duration = Duration::from_millis(1000);

/// How often a leader takes the lead again, from itself: Kafka forgets who has not written for a day, and what is
/// compacted away nobody reads.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How a probe ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Probe {
    Well,
    /// The leader says nothing, or that it is about to lead.
    Silent,
    /// The leader says that it is not well, or nobody listens at its address.
    Unwell,
    /// What answers there is not a node of this cluster, or cannot be trusted to be one.
    Unintelligible(String),
}

/// The part of `/v1/cluster` that counts in an election.
#[derive(Deserialize)]
struct LeaderStatus {
    role: String,
    epoch: Option<u64>,
    writable: bool,
}

/// What was seen of a leader.
struct Watched {
    epoch: u64,
    /// When the leader was well for the last time.
    well: Instant,
    last: Probe,
}

impl Watched {
    fn see(&mut self, probe: Probe, now: Instant) {
        match &probe {
            Probe::Well => self.well = now,
            Probe::Unintelligible(why) if self.last != probe => tracing::error!(
                why,
                "the leader cannot be asked: see its --registry-advertised-url and its certificate, \
                 which is trusted if --schema-registry-ca or --tls-cert here has it or its issuer"
            ),
            _ => {}
        }
        self.last = probe;
    }

    fn is_lost(&self, now: Instant) -> bool {
        let patience = match &self.last {
            Probe::Well => return false,
            Probe::Silent => SILENT_MAX,
            Probe::Unwell => UNWELL_MAX,
            Probe::Unintelligible(_) => UNINTELLIGIBLE_MAX,
        };
        now.duration_since(self.well) > patience
    }
}

pub(super) async fn take_part(cluster: Weak<Cluster>, events: mpsc::Sender<Event>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watched: Option<Watched> = None;
    let mut last_tick = Instant::now();
    let mut led_since = Instant::now();
    loop {
        ticks.tick().await;
        let Some(cluster) = cluster.upgrade() else { return };
        if last_tick.elapsed() > ASLEEP {
            watched = None;
        }
        last_tick = Instant::now();
        if !cluster.can_lead() {
            continue;
        }
        let announced = cluster.last_announced();
        let renew = cluster.leading().is_some();
        let wanted = match &announced {
            _ if cluster.health().taking_over => false,
            _ if renew => led_since.elapsed() > RENEWAL_INTERVAL,
            None => true,
            // in an earlier life, or until something failed; then others come first
            Some(leader) if leader.url == cluster.node.advertised_url => {
                cluster.health().failed.is_none_or(|at| at.elapsed() > RETAKE_DELAY)
            }
            Some(leader) => is_lost(&cluster, leader, &mut watched).await,
        };
        last_tick = Instant::now();
        if !wanted {
            continue;
        }
        match announced {
            // nodes of a new cluster start together, and the first takeover of all takes long
            None => tokio::time::sleep(jitter(FIRST_JITTER_MS)).await,
            Some(_) if watched.is_some() => tokio::time::sleep(jitter(JITTER_MS)).await,
            Some(_) => {}
        }
        // somebody may have been faster
        let after = announced.as_ref().map(|leader| leader.epoch);
        let lead = Event::Lead { after, renew };
        if cluster.last_announced() == announced
            && cluster.is_alone().await
            && events.send(lead).await.is_ok()
        {
            led_since = Instant::now();
            cluster.wait_for_another(&announced).await;
        }
    }
}

async fn is_lost(
    cluster: &Arc<Cluster>,
    leader: &Announced,
    watched: &mut Option<Watched>,
) -> bool {
    let now = Instant::now();
    let watched = match watched {
        Some(watched) if watched.epoch == leader.epoch => watched,
        _ => watched.insert(Watched { epoch: leader.epoch, well: now, last: Probe::Well }),
    };
    let probe = probe(cluster, leader).await;
    let now = Instant::now();
    watched.see(probe, now);
    // while Kafka is slow for this node too, it would lead no better
    let lost = watched.is_lost(now) && cluster.status().well;
    if lost {
        let probe = &watched.last;
        tracing::warn!(leader = %leader.url, epoch = leader.epoch, ?probe, "the leader is lost");
    }
    lost
}

async fn probe(cluster: &Cluster, leader: &Announced) -> Probe {
    let url = format!("{}/v1/cluster", leader.url);
    let key = cluster.voucher_key(&leader.token);
    let voucher = key.for_request(&node_identity(), &Method::GET, "/v1/cluster");
    let request = cluster.http.get(&url).header(&ON_BEHALF, voucher).timeout(PROBE_TIMEOUT);
    match request.send().await {
        // a process that has begun anew does not know what it has announced before
        Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED => Probe::Unwell,
        Ok(answer) => match answer.bytes().await.map(|body| serde_json::from_slice(&body)) {
            Ok(Ok(LeaderStatus { role, epoch, writable })) => match role.as_str() {
                "leader" if epoch == Some(leader.epoch) && writable => Probe::Well,
                "candidate" => Probe::Silent,
                _ => Probe::Unwell,
            },
            Ok(Err(_)) => Probe::Unintelligible(format!("{url} is no registry of this cluster")),
            Err(_) => Probe::Silent,
        },
        Err(error) if !error.is_connect() || error.is_timeout() => Probe::Silent,
        Err(error) => {
            let mut source = std::error::Error::source(&error);
            while let Some(inner) = source {
                if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
                    return Probe::Unintelligible(format!("{url}: {tls}"));
                }
                let io = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
                source = io.map(|inner| inner as _).or_else(|| inner.source());
            }
            Probe::Unwell
        }
    }
}

fn jitter(max_ms: u64) -> Duration {
    Duration::from_millis(RandomState::new().hash_one(()) % max_ms)
}

impl Cluster {
    fn can_lead(&self) -> bool {
        let status = self.status();
        let is_alone = self.health().others.permit_leading();
        let may_lead = self.node.eligible && !self.health().has_resigned;
        may_lead && status.heard && status.faults.is_empty() && is_alone
    }

    /// Waits until another leader than `before` is announced, or for [`SILENT_MAX`].
    async fn wait_for_another(&self, before: &Option<Announced>) {
        let mut leaders = self.leaders();
        let changed = leaders.wait_for(|leader| leader != before);
        let _ = tokio::time::timeout(SILENT_MAX, changed).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_is_lost_when_it_was_silent_for_long_or_says_so() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut watched = Watched { epoch: 1, well: start, last: Probe::Well };
        watched.see(Probe::Silent, at(400));
        assert!(!watched.is_lost(at(400)));
        watched.see(Probe::Well, at(450));
        assert!(!watched.is_lost(at(1300)));
        watched.see(Probe::Silent, at(1300));
        assert!(watched.is_lost(at(1300)));
        watched.see(Probe::Well, at(2000));
        watched.see(Probe::Unwell, at(2100));
        assert!(!watched.is_lost(at(2100)));
        watched.see(Probe::Unwell, at(2200));
        assert!(watched.is_lost(at(2200)));
    }
}
