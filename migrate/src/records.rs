//! Places that hold records: a topic, a folder, a dump.

use std::collections::BTreeMap;
use std::fs::File;
use std::time::{Duration, Instant};

use weir_registry::log::{KafkaConfig, KafkaLog, Log, LogError, SledLog};
use weir_registry_core::{LogEntry, RawRecord, Record, State};

use crate::backup_v3::Backup;
use crate::dump;
use crate::error::MigrateError;
use crate::place::{Place, Store};
use crate::progress::Progress;

/// How long Kafka may be away.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

const TAKE_OVER_BACKOFF: Duration = Duration::from_millis(200);

/// What is appended at once, in records and in bytes: Kafka has a second to write it.
const BATCH_RECORDS: usize = 500;
const BATCH_BYTES: usize = 512 * 1024;

/// Records that are to be read. Its methods block.
pub enum Source {
    Log { log: Box<dyn Log>, first: u64 },
    Dump { name: String, input: Box<dyn std::io::Read> },
    Backup(Backup),
}

impl Source {
    /// Opens a store; what is not there is not made. `kafka` has librdkafka's settings.
    pub fn open(store: &Store, kafka: &BTreeMap<String, String>) -> Result<Source, MigrateError> {
        match store {
            Store::Topic { bootstrap_servers, topic } => {
                let config = kafka_config(bootstrap_servers, topic, kafka);
                let log = KafkaLog::open_to_read(config)
                    .map_err(|error| MigrateError::Topic { topic: store.clone(), error })?;
                let first = log.first();
                if first > 0 {
                    eprintln!("{store} begins at offset {first}: what was before is deleted");
                }
                Ok(Source::Log { log: Box::new(log), first })
            }
            Store::Sled(folder) => {
                if !SledLog::is_in(folder) {
                    return Err(MigrateError::NoData(store.clone()));
                }
                let mut log = SledLog::open(folder)?;
                // what cannot be read to its end is read as far as it is sound
                if let Err(error) = log.read(0, &mut |_, _| {})
                    && !log.salvage()
                {
                    return Err(error.into());
                }
                Ok(Source::Log { log: Box::new(log), first: 0 })
            }
            Store::File(path) if path.is_dir() => {
                Backup::open(path).map(Source::Backup).map_err(MigrateError::Backup)
            }
            Store::File(path) => {
                let name = store.to_string();
                match File::open(path) {
                    Ok(file) => Ok(Source::Dump { name, input: Box::new(file) }),
                    Err(error) => Err(MigrateError::File { name, error }),
                }
            }
            Store::Pipe => {
                Ok(Source::Dump { name: "stdin".into(), input: Box::new(std::io::stdin()) })
            }
        }
    }

    /// Hands on all records, in order, until `each` fails.
    pub fn read(
        self,
        each: &mut dyn FnMut(u64, RawRecord) -> Result<(), MigrateError>,
    ) -> Result<(), MigrateError> {
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
                read?;
                result
            }
        }
    }
}

/// Where records are to be written. Its methods block.
pub enum Sink {
    Log { log: Box<dyn Log>, end: u64, waiting: Vec<RawRecord>, bytes: usize },
    Dump(dump::Writer),
}

impl Sink {
    /// Opens a store. Refuses one that holds something, unless `force`.
    pub fn open(
        store: &Store,
        kafka: &BTreeMap<String, String>,
        force: bool,
    ) -> Result<Sink, MigrateError> {
        match store {
            Store::Topic { bootstrap_servers, topic } => {
                let wrong = |error| MigrateError::Topic { topic: store.clone(), error };
                let config = kafka_config(bootstrap_servers, topic, kafka);
                let mut log = KafkaLog::open(config).map_err(wrong)?;
                refuse_full(&mut log, store, force)?;
                if !force {
                    refuse_shared(&log, store)?;
                }
                // whoever led until now is not to write between ours
                take_over(&mut log).map_err(wrong)?;
                let end = log.end();
                Ok(Sink::log(log, end))
            }
            Store::Sled(folder) => {
                let mut log = SledLog::open(folder)?;
                let end = refuse_full(&mut log, store, force)?;
                Ok(Sink::log(log, end))
            }
            Store::File(path) => dump::Writer::file(path, force).map(Sink::Dump),
            Store::Pipe => Ok(Sink::Dump(dump::Writer::stdout())),
        }
    }

    fn log(log: impl Log, end: u64) -> Sink {
        Sink::Log { log: Box::new(log), end, waiting: Vec::new(), bytes: 0 }
    }

    /// Writes a record: to a dump always, to a log, which a registry is to read, only if it can read the record.
    /// Returns whether it was written.
    pub fn push(
        &mut self,
        offset: u64,
        record: RawRecord,
        progress: &mut Progress,
    ) -> Result<bool, MigrateError> {
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

    fn append(&mut self) -> Result<(), MigrateError> {
        let Sink::Log { log, end, waiting, bytes } = self else { return Ok(()) };
        if waiting.is_empty() {
            return Ok(());
        }
        let first = log
            .append(*end, waiting)
            .map_err(|error| MigrateError::Append { taken: *end, error })?;
        *end = first + waiting.len() as u64;
        *bytes = 0;
        waiting.clear();
        Ok(())
    }

    /// Ends writing: all of it is durable once this returns.
    pub fn finish(mut self) -> Result<(), MigrateError> {
        self.append()?;
        match self {
            Sink::Dump(out) => out.finish(),
            Sink::Log { .. } => Ok(()),
        }
    }
}

/// Refuses a topic that a registry uses: what it writes meanwhile has ids that the copy has too.
fn refuse_shared(log: &KafkaLog, topic: &Store) -> Result<(), MigrateError> {
    match log.other_registries() {
        Ok(others) if !others.is_empty() => {
            Err(MigrateError::OtherRegistries { topic: topic.clone(), others })
        }
        Ok(_) => Ok(()),
        Err(why) => {
            eprintln!("{topic}: whether another registry is there is not known: {why}");
            Ok(())
        }
    }
}

/// Fences whoever wrote the log until now. A cluster that has never given a transactional id may take some seconds
/// for its first, so this is tried for [`INIT_TIMEOUT`].
fn take_over(log: &mut KafkaLog) -> Result<(), LogError> {
    let give_up = Instant::now() + INIT_TIMEOUT;
    loop {
        match log.take_over() {
            Err(_) if Instant::now() < give_up => std::thread::sleep(TAKE_OVER_BACKOFF),
            taken => return taken,
        }
    }
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

/// Refuses a log that holds something that a registry would notice, unless `force`. Returns the offset after its
/// last record.
fn refuse_full(log: &mut impl Log, store: &Store, force: bool) -> Result<u64, MigrateError> {
    let mut state = State::default();
    // what cannot be applied is counted there
    log.read(0, &mut |offset, record| {
        let _ = state.apply_entry(offset, LogEntry::read(&record));
    })?;
    let is_empty = state == State::default() && state.passed_over().count == 0;
    if !is_empty && !force {
        return Err(MigrateError::NotEmpty(Place::Records(store.clone())));
    }
    Ok(state.next_offset())
}
