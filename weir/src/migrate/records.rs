//! Places that hold records: a topic, a folder, a dump.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use weir_registry::log::{AppendError, KafkaConfig, KafkaLog, Log, LogError, SledLog};
use weir_registry_core::{RawRecord, Record, State};

use super::backup_v3::Backup;
use super::dump;
use super::place::Place;
use super::progress::Progress;

/// How long Kafka may be away.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

const TAKE_OVER_BACKOFF: Duration = Duration::from_millis(200);

/// What is appended at once, in records and in bytes: Kafka has a second to write it.
const BATCH_RECORDS: usize = 500;
const BATCH_BYTES: usize = 512 * 1024;

/// A place of records that is to be read. Its methods block.
pub enum Source {
    Log { log: Box<dyn Log>, first: u64 },
    Dump { name: String, input: Box<dyn std::io::Read> },
    Backup(Backup),
}

impl Source {
    /// `kafka`: librdkafka's settings. Nothing is made that is not there.
    pub fn open(place: &Place, kafka: &BTreeMap<String, String>) -> Result<Source, String> {
        let named = |e: &dyn std::fmt::Display| format!("{place}: {e}");
        match place {
            Place::Live(_) => Err(format!("{place} is no place of records")),
            Place::Kafka { bootstrap_servers, topic } => {
                let config = kafka_config(bootstrap_servers, topic, kafka);
                let log = KafkaLog::open_to_read(config).map_err(|e| named(&e))?;
                let first = log.first();
                if first > 0 {
                    eprintln!("{place} begins at offset {first}: what was before is deleted");
                }
                Ok(Source::Log { log: Box::new(log), first })
            }
            Place::Sled(folder) => {
                if !SledLog::is_in(folder) {
                    return Err(named(&"there is no data of weir's"));
                }
                let mut log = SledLog::open(folder).map_err(|e| e.to_string())?;
                // what cannot be read to its end is read as far as it is sound
                if let Err(why) = log.read(0, &mut |_, _| {})
                    && !log.salvage()
                {
                    return Err(why.to_string());
                }
                Ok(Source::Log { log: Box::new(log), first: 0 })
            }
            Place::File(path) if path.is_dir() => Backup::open(path).map(Source::Backup),
            Place::File(path) => {
                let file = File::open(path).map_err(|e| named(&e))?;
                Ok(Source::Dump { name: place.to_string(), input: Box::new(file) })
            }
            Place::Pipe => {
                Ok(Source::Dump { name: "stdin".into(), input: Box::new(std::io::stdin()) })
            }
        }
    }

    /// Hands on all records, in order, until `each` fails.
    pub fn read(
        self,
        each: &mut dyn FnMut(u64, RawRecord) -> Result<(), String>,
    ) -> Result<(), String> {
        match self {
            Source::Dump { name, input } => dump::read(&name, input, each),
            Source::Backup(backup) => backup.read(each),
            Source::Log { mut log, first } => {
                let mut result = Ok(());
                let read = log.read(first, &mut |offset, record| {
                    if result.is_ok() {
                        result = each(offset, record);
                    }
                });
                read.map_err(|e| e.to_string()).and(result)
            }
        }
    }
}

/// A place of records that is to be written. Its methods block.
pub enum Sink {
    Log { log: Box<dyn Log>, end: u64, waiting: Vec<RawRecord>, bytes: usize },
    Dump(dump::Writer),
}

impl Sink {
    /// Refuses a place that holds something, unless `force`.
    pub fn open(
        place: &Place,
        kafka: &BTreeMap<String, String>,
        force: bool,
    ) -> Result<Sink, String> {
        let named = |e: &dyn std::fmt::Display| format!("{place}: {e}");
        match place {
            Place::Live(_) => Err(format!("{place} is no place of records")),
            Place::Kafka { bootstrap_servers, topic } => {
                let config = kafka_config(bootstrap_servers, topic, kafka);
                let mut log = KafkaLog::open(config).map_err(|e| named(&e))?;
                refuse_full(&mut log, place, force)?;
                if !force {
                    refuse_shared(&log, place)?;
                }
                // whoever led until now is not to write between ours
                take_over(&mut log).map_err(|e| named(&e))?;
                let end = log.end();
                Ok(Sink::log(log, end))
            }
            Place::Sled(folder) => {
                let mut log = SledLog::open(folder).map_err(|e| e.to_string())?;
                let end = refuse_full(&mut log, place, force)?;
                Ok(Sink::log(log, end))
            }
            Place::File(path) => file(path, force).map_err(|e| named(&e)),
            Place::Pipe => Ok(Sink::Dump(dump::Writer::stdout())),
        }
    }

    fn log(log: impl Log, end: u64) -> Sink {
        Sink::Log { log: Box::new(log), end, waiting: Vec::new(), bytes: 0 }
    }

    /// A dump gets everything; a log, which a registry is to read, only what one can read. Whether it
    /// has got it.
    pub fn push(
        &mut self,
        offset: u64,
        record: RawRecord,
        progress: &mut Progress,
    ) -> Result<bool, String> {
        match self {
            Sink::Dump(out) => out.push(offset, &record).map(|()| true),
            Sink::Log { waiting, bytes, .. } => {
                let is_present = record.present_value().is_some();
                if let Err(why) = Record::decode(&record) {
                    progress.pass_over(&format!("offset {offset}"), why);
                    return Ok(false);
                }
                // which also compaction takes for one
                let value = record.value.filter(|_| is_present);
                let record = RawRecord { value, ..record };
                *bytes += record.bytes();
                waiting.push(record);
                if waiting.len() >= BATCH_RECORDS || *bytes >= BATCH_BYTES {
                    self.append()?;
                }
                Ok(true)
            }
        }
    }

    fn append(&mut self) -> Result<(), String> {
        let Sink::Log { log, end, waiting, bytes } = self else { return Ok(()) };
        if waiting.is_empty() {
            return Ok(());
        }
        let first = log.append(*end, waiting).map_err(|error| match error {
            AppendError::Conflict => "somebody else writes to the target".to_string(),
            other => format!("the target took {end} records, then: {other}"),
        })?;
        *end = first + waiting.len() as u64;
        *bytes = 0;
        waiting.clear();
        Ok(())
    }

    /// All of it is durable.
    pub fn finish(mut self) -> Result<(), String> {
        self.append()?;
        match self {
            Sink::Dump(out) => out.finish(),
            Sink::Log { .. } => Ok(()),
        }
    }
}

/// Registries that write the topic meanwhile give ids that the copy has.
fn refuse_shared(log: &KafkaLog, place: &Place) -> Result<(), String> {
    match log.other_registries() {
        Ok(others) if !others.is_empty() => Err(format!(
            "{place}: another registry is there: {}. Stop it first; --force writes all the same, if it writes another topic",
            others.join(", ")
        )),
        Ok(_) => Ok(()),
        Err(why) => {
            eprintln!("{place}: whether another registry is there is not known: {why}");
            Ok(())
        }
    }
}

/// A cluster that has never given a transactional id may take some seconds for its first.
fn take_over(log: &mut KafkaLog) -> Result<(), LogError> {
    let give_up = Instant::now() + INIT_TIMEOUT;
    loop {
        match log.take_over() {
            Err(_) if Instant::now() < give_up => std::thread::sleep(TAKE_OVER_BACKOFF),
            taken => return taken,
        }
    }
}

fn file(path: &Path, force: bool) -> Result<Sink, String> {
    dump::Writer::file(path, force).map(Sink::Dump)
}

fn kafka_config(
    bootstrap_servers: &str,
    topic: &str,
    settings: &BTreeMap<String, String>,
) -> KafkaConfig {
    let kafka = weir_kafka::Settings {
        bootstrap_servers: bootstrap_servers.to_string(),
        librdkafka: settings.clone(),
    };
    let default = KafkaConfig::new(kafka);
    KafkaConfig { topic: topic.to_string(), init_timeout: INIT_TIMEOUT, ..default }
}

/// The offset after the last record of a log that holds nothing that a registry would notice.
fn refuse_full(log: &mut impl Log, place: &Place, force: bool) -> Result<u64, String> {
    let mut state = State::default();
    // what cannot be applied is counted there
    let read = log.read(0, &mut |offset, record| {
        let _ = state.apply_entry(offset, weir_registry_core::LogEntry::read(&record));
    });
    read.map_err(|e| e.to_string())?;
    let is_empty = state == State::default() && state.passed_over().count == 0;
    if !is_empty && !force {
        return Err(super::not_empty(place));
    }
    Ok(state.next_offset())
}
