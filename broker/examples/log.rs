//! Measures a log on the disk, by hand: `cargo run --release --example log -- FOLDER`.
//!
//! It says what appending and reading take, and how long 100 logs take to open: flushed, and after a
//! kill that left everything unflushed.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_broker::files::{DiskFiles, Files};
use weir_broker::log::{Batch, BatchHeader, HEADER_BYTES, Log};

const MIB: usize = 1024 * 1024;
const APPENDED_BYTES: usize = 256 * MIB;
const LOGS: usize = 100;
const LOG_BYTES: usize = 3 * MIB;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("a folder is missing")?;
    for batch_bytes in [200, 1000, 16_000, 500_000] {
        let files = opened(&folder)?;
        files.remove_folder("bench-0")?;
        let mut log = Log::open(&files, "bench-0")?;
        append(&mut log, batch_bytes)?;
        read(&log)?;
        files.remove_folder(&log.into_folder())?;
        files.close();
    }
    for is_flushed in [false, true] {
        fill(&folder, is_flushed)?;
        open_all(&folder, if is_flushed { "flushed" } else { "after a kill, unflushed" })?;
    }
    open_all(&folder, "once more")
}

fn opened(folder: &str) -> Result<Arc<dyn Files>, Box<dyn Error>> {
    Ok(Arc::new(DiskFiles::open(Path::new(folder))?))
}

fn batch(bytes: usize) -> Result<Batch, Box<dyn Error>> {
    let mut batch = vec![b'x'; bytes];
    let header = BatchHeader {
        base_offset: 0,
        bytes,
        leader_epoch: 0,
        attributes: 0,
        last_offset_delta: 9,
        first_timestamp: 1,
        max_timestamp: 1,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        count: 10,
    };
    debug_assert!(bytes > HEADER_BYTES);
    header.write(&mut batch)?;
    Ok(Batch::parse(batch.into()).map_err(|error| format!("{error:?}"))?)
}

fn append(log: &mut Log, bytes: usize) -> Result<(), Box<dyn Error>> {
    let batch = batch(bytes)?;
    let mut times = Vec::new();
    let start = Instant::now();
    for _ in 0..APPENDED_BYTES / bytes {
        let before = Instant::now();
        log.append(batch.clone())?;
        times.push(before.elapsed());
    }
    let took = start.elapsed();
    times.sort_unstable();
    let at = |part: f64| times[(times.len() as f64 * part) as usize];
    println!(
        "append of {bytes} bytes: {} MiB/s, lock held p50 {:?}, p99.9 {:?}",
        rate(APPENDED_BYTES, took),
        at(0.5),
        at(0.999)
    );
    Ok(())
}

fn read(log: &Log) -> Result<(), Box<dyn Error>> {
    let (mut from, mut total) = (log.start_offset(), 0);
    let start = Instant::now();
    let mut locked = Duration::ZERO;
    while from < log.end_offset() {
        let before = Instant::now();
        let slice = log.slice(from, i64::MAX, MIB)?;
        locked += before.elapsed();
        let bytes = slice.read()?;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let header = BatchHeader::parse(rest).map_err(|error| format!("{error:?}"))?;
            rest = &rest[header.bytes..];
            from = header.next_offset();
        }
        total += bytes.len();
    }
    println!("  read: {} MiB/s, lock held {locked:?} for all", rate(total, start.elapsed()));
    Ok(())
}

fn rate(bytes: usize, took: Duration) -> u64 {
    (bytes as f64 / MIB as f64 / took.as_secs_f64()) as u64
}

fn fill(folder: &str, is_flushed: bool) -> Result<(), Box<dyn Error>> {
    let files = opened(folder)?;
    let batch = batch(1000)?;
    for number in 0..LOGS {
        files.remove_folder(&format!("topic-{number}"))?;
        let mut log = Log::open(&files, &format!("topic-{number}"))?;
        for _ in 0..LOG_BYTES / 1000 {
            log.append(batch.clone())?;
        }
        if is_flushed {
            log.sync_all()?;
        }
    }
    files.close();
    Ok(())
}

fn open_all(folder: &str, what: &str) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let files = opened(folder)?;
    let logs = (0..LOGS)
        .map(|number| Log::open(&files, &format!("topic-{number}")))
        .collect::<Result<Vec<_>, _>>()?;
    println!("{} logs of {LOG_BYTES} bytes open in {:?}, {what}", logs.len(), start.elapsed());
    files.close();
    Ok(())
}
