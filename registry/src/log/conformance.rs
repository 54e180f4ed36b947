//! What every log promises, run against each of them.

use weir_registry_core::RawRecord;

use super::{AppendError, KafkaLog, Log, MemoryLog, SledLog};

fn record(n: usize, bytes: usize) -> RawRecord {
    let value = match n % 3 {
        0 => None,
        1 => Some(vec![n as u8; bytes]),
        _ => Some(format!("{{\"schema\":\"{}\"}}", "x".repeat(bytes)).into_bytes()),
    };
    let timestamp_ms = n.is_multiple_of(2).then_some(1_700_000_000_000 + n as i64);
    RawRecord { key: format!("key-{n}").into_bytes(), value, timestamp_ms }
}

fn all(log: &mut impl Log, from: u64) -> Vec<RawRecord> {
    let mut records = Vec::new();
    log.read(from, &mut |offset, record| {
        assert_eq!(offset, from + records.len() as u64);
        records.push(record);
    })
    .unwrap();
    records
}

/// `largest`: bytes of a record's value. `timed`: the log gives every record a time.
fn conforms(mut log: impl Log, largest: usize, timed: bool) {
    assert_eq!(all(&mut log, 0), []);
    let sizes = [0, 1, 100, 16 * 1024 - 12, 16 * 1024, 50_000, largest];
    let mut records: Vec<_> = sizes.iter().enumerate().map(|(n, s)| record(n, *s)).collect();
    records.retain(|r| r.timestamp_ms.is_some() || !timed);
    let count = records.len() as u64;
    assert_eq!(log.append(0, &records[..3]), Ok(0));
    assert_eq!(log.append(2, &records[3..]), Err(AppendError::Conflict));
    assert_eq!(log.append(count, &records[3..]), Err(AppendError::Conflict));
    assert_eq!(all(&mut log, 0), records[..3], "a conflict writes nothing");
    assert_eq!(log.append(3, &records[3..]), Ok(3));
    assert_eq!(all(&mut log, 0), records);
    assert_eq!(all(&mut log, 2), records[2..]);
    assert_eq!(all(&mut log, count), []);
}

#[test]
fn the_log_in_memory_conforms() {
    conforms(MemoryLog::default(), 3_000_000, false);
}

#[test]
fn the_log_on_disk_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conforms(SledLog::open(folder.path()).unwrap(), 3_000_000, false);
}

#[test]
fn all_of_the_log_is_in_the_file_that_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SledLog::open(folder.path()).unwrap();
    let blobs = || std::fs::read_dir(folder.path().join("blobs")).map_or(0, Iterator::count);
    for n in 0..150 {
        // texts that others have not, short ones between, and large records without a text
        let bytes = [60_000, 100, 200_000][n % 3] + n;
        let (offset, mut record) = (n as u64, record(n | 1, bytes));
        if let Some(value) = &mut record.value {
            value.splice(12..12, n.to_string().into_bytes());
        }
        log.append(offset, &[record]).unwrap();
        assert_eq!(blobs(), 0, "sled has made a file of its own at record {n}");
    }
}

#[test]
fn the_log_on_kafka_conforms() {
    let Some(config) = super::kafka::tests::config("conformance") else { return };
    let mut log = KafkaLog::open(config.clone()).unwrap();
    log.take_over().unwrap();
    conforms(log, 900_000, true);
    let again = all(&mut KafkaLog::open(config).unwrap(), 0);
    assert_eq!(again.len(), 4, "it is there for everybody");
}

#[test]
fn what_was_appended_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..20 {
        let mut log = SledLog::open(folder.path()).unwrap();
        assert_eq!(all(&mut log, 0).len(), n);
        log.append(n as u64, &[record(n, n * 3000)]).unwrap();
    }
}

#[test]
fn a_log_is_opened_once() {
    let folder = tempfile::tempdir().unwrap();
    let _open = SledLog::open(folder.path()).unwrap();
    let error = SledLog::open(folder.path()).err().expect("the second is refused");
    assert!(error.to_string().contains("another process has it open"), "{error}");
}
