//! Follows the log: a thread that reads what is written, by whomever, and hands it to the replica.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use weir_registry_core::{LogEntry, RawRecord, Record};
use weir_trace::Outage;

use super::Cluster;
use super::replica::Event;
use crate::log::kafka::{Item, Reader};
use crate::log::{KafkaConfig, LogError};

/// After this long without a record from a log that has more, what is there is asked for again.
const STALL_MAX: Duration = Duration::from_millis(300);

/// How long a read waits for a record before it is looked whether there is still anybody to read for.
const READ_TIMEOUT: Duration = Duration::from_millis(100);

/// How long is waited before a reader that failed is made anew.
const REOPEN_BACKOFF: Duration = Duration::from_millis(500);

/// Records that are handed on together.
const BATCH_MAX: usize = 256;

pub(super) fn start(
    reader: Reader,
    config: KafkaConfig,
    cluster: Arc<Cluster>,
    events: mpsc::Sender<Event>,
) -> Result<(), LogError> {
    let cluster = Arc::downgrade(&cluster);
    let follow = move || {
        let mut reader = Some(reader);
        let outage = Outage::new("the log is not read", "the log is read again");
        while let Some(strong) = cluster.upgrade() {
            let next = *strong.applied.borrow();
            drop(strong);
            let ended = catch_unwind(AssertUnwindSafe(|| {
                let mut reader = reader.take().map_or_else(|| Reader::open(&config, next), Ok)?;
                follow(&mut reader, &cluster, &events, &outage)
            }));
            let why = match ended {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the thread that reads has panicked".to_string(),
            };
            outage.fails(&why);
            if let Some(cluster) = cluster.upgrade() {
                cluster.change_health(|health| health.unread = Some(why));
            }
            #[expect(clippy::disallowed_methods, reason = "a thread of its own")]
            std::thread::sleep(REOPEN_BACKOFF);
        }
    };
    std::thread::Builder::new()
        .name("registry-tail".into())
        .spawn(follow)
        .map(drop)
        .map_err(|e| LogError(e.to_string()))
}

/// Reads until nobody wants it any more.
fn follow(
    reader: &mut Reader,
    cluster: &Weak<Cluster>,
    events: &mpsc::Sender<Event>,
    outage: &Outage,
) -> Result<(), LogError> {
    let mut moved = Instant::now();
    let mut rewound_at: Option<u64> = None;
    loop {
        let Some(strong) = cluster.upgrade() else { return Ok(()) };
        let end = strong.change_health(|health| {
            health.unread = None;
            health.end
        });
        drop(strong);
        let mut entries = Vec::new();
        let mut leaders = Vec::new();
        let mut reached = None;
        let mut timeout = READ_TIMEOUT;
        let mut announces_another = false;
        while entries.len() < BATCH_MAX {
            match reader.next(timeout)? {
                Some(Item::Record { offset, record, leader }) => {
                    announces_another |= leader.is_none() && is_noop(&record);
                    entries.push((offset, LogEntry::read(&record)));
                    leaders.extend(leader);
                    timeout = Duration::ZERO;
                }
                Some(Item::End) => {
                    // what is left before the end that was known then are not records
                    reached = rewound_at.take();
                    break;
                }
                None => break,
            }
        }
        if announces_another && let Some(cluster) = cluster.upgrade() {
            cluster.hint_of_others();
        }
        if !entries.is_empty() {
            outage.is_over();
            moved = Instant::now();
            rewound_at = None;
            if events.blocking_send(Event::Read { entries, leaders }).is_err() {
                return Ok(());
            }
        } else if reader.next_offset() < end && moved.elapsed() > STALL_MAX {
            // at control records, which are not handed on, or not any more: asked again, it says so
            moved = Instant::now();
            rewound_at = Some(end);
            reader.rewind(reader.next_offset())?;
        }
        if let Some(end) = reached
            && events.blocking_send(Event::Reached(end)).is_err()
        {
            return Ok(());
        }
    }
}

/// What a registry of another make writes when it takes the lead.
fn is_noop(record: &RawRecord) -> bool {
    record.present_value().is_none() && matches!(Record::decode(record), Ok(Record::Noop))
}
