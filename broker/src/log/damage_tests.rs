//! Logs whose files were damaged after they were put on the disk. No crash does that.

use super::tests::{bases, batch, filled, memory};
use super::*;
use crate::files::File;

const FOLDER: &str = "t-0";

fn path(base: i64, suffix: &str) -> String {
    format!("{FOLDER}/{}", segment::file_name(base, suffix))
}

fn log_file(files: &Arc<dyn Files>, base: i64) -> Arc<dyn File> {
    files.open(&path(base, segment::LOG_SUFFIX)).unwrap()
}

/// The files of the log and their sizes.
fn sizes(files: &Arc<dyn Files>) -> Vec<(String, u64)> {
    let size = |name: &String| files.open(&format!("{FOLDER}/{name}")).unwrap().size().unwrap();
    let names = files.list(FOLDER).unwrap();
    names.into_iter().map(|name| (name.clone(), size(&name))).collect()
}

/// Files of a log with ten segments of 1000 bytes and 20 records, all of which are on the disk.
fn flushed() -> Arc<dyn Files> {
    let (_, files) = memory();
    filled(&files).sync_all().unwrap();
    files
}

/// Opens the log, which has to fail with a word about the file, and has to change nothing.
fn refused(files: &Arc<dyn Files>, base: i64) -> String {
    let before = sizes(files);
    let error = Log::open(files, FOLDER).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.to_string().starts_with(&path(base, segment::LOG_SUFFIX)), "{error}");
    assert_eq!(sizes(files), before);
    error.to_string()
}

#[test]
fn a_segment_that_is_shorter_than_what_was_flushed_is_refused() {
    for base in [0, 40, 180] {
        for size in [0, 500, 990] {
            let files = flushed();
            log_file(&files, base).set_size(size).unwrap();
            let error = refused(&files, base);
            assert!(error.contains(&format!("{} bytes", 1000 - size)), "{error}");
        }
    }
}

#[test]
fn a_segment_that_is_missing_before_or_after_flushed_ones_is_refused() {
    for base in [0, 40, 180] {
        let files = flushed();
        files.remove(&path(base, segment::LOG_SUFFIX)).unwrap();
        refused(&files, base);
    }
    let files = flushed();
    files.remove(&path(40, segment::LOG_SUFFIX)).unwrap();
    files.remove(&path(40, segment::INDEX_SUFFIX)).unwrap();
    let error = refused(&files, 20);
    assert!(error.contains("from offset 40 to 59"), "{error}");
}

#[test]
fn a_segment_without_its_index_is_checked_before_flushed_ones() {
    let files = flushed();
    files.remove(&path(40, segment::INDEX_SUFFIX)).unwrap();
    assert_eq!(Log::open(&files, FOLDER).unwrap().end_offset(), 200);
    log_file(&files, 40).write_at(b"!", 270).unwrap();
    let error = refused(&files, 40);
    assert!(error.contains("byte 200") && error.contains("offset 44 to 59"), "{error}");
}

#[test]
fn the_index_of_a_segment_that_was_removed_is_no_loss() {
    let files = flushed();
    let index = path(20, segment::INDEX_SUFFIX);
    files.rename(&index, "elsewhere").unwrap();
    Log::open(&files, FOLDER).unwrap().delete_before(40).unwrap();
    files.rename("elsewhere", &index).unwrap();
    let log = Log::open(&files, FOLDER).unwrap();
    assert_eq!((log.start_offset(), log.end_offset()), (40, 200));
    assert!(files.find(&index).unwrap().is_none());
}

#[test]
fn bytes_after_the_last_batch_of_an_older_segment_are_no_gap() {
    let (memory, files) = memory();
    filled(&files);
    log_file(&files, 40).write_at(b"a write that failed", 1000).unwrap();
    let files: Arc<dyn Files> = Arc::new(memory.after_kill());
    assert_eq!(Log::open(&files, FOLDER).unwrap().end_offset(), 200);
    assert_eq!(log_file(&files, 40).size().unwrap(), 1000);
}

/// What is wrong in the header of the batch at byte 300 of the segment of offset 40.
fn damaged(at: u64, bytes: &[u8]) -> Arc<dyn Files> {
    let files = flushed();
    log_file(&files, 40).write_at(bytes, 300 + at).unwrap();
    files
}

#[test]
fn a_batch_whose_length_is_wrong_is_an_error_wherever_a_read_begins() {
    let lengths = [10, 80, 100, 188, 600, 688, 689, 10_000, i32::MAX, -1];
    for length in lengths {
        let files = damaged(8, &i32::to_be_bytes(length));
        let log = Log::open(&files, FOLDER).unwrap();
        for max_bytes in [1, 50, 150, 5000] {
            let error = log.read(46, 200, max_bytes).expect_err("damage");
            assert!(error.to_string().contains("at byte 300"), "{length}: {error}");
            let mut from = 38;
            let error = loop {
                match log.read(from, 200, max_bytes) {
                    Ok(read) => from = *bases(&read).last().expect("a batch or an error") + 2,
                    Err(error) => break error,
                }
            };
            assert!(error.to_string().contains("at byte 300"), "{length}: {error}");
        }
        assert!(!bases(&log.read(60, 200, 1000).unwrap()).is_empty());
    }
}

#[test]
fn a_batch_whose_offset_is_not_in_its_segment_is_an_error() {
    for offset in [60, 1000, i64::MAX, -1] {
        let files = damaged(0, &i64::to_be_bytes(offset));
        let log = Log::open(&files, FOLDER).unwrap();
        let error = log.read(46, 200, 1000).expect_err("damage").to_string();
        assert!(error.contains("at byte 300") && error.contains("offset"), "{error}");
    }
}

#[test]
fn a_batch_far_behind_its_place_in_the_index_is_read() {
    let (_, files) = memory();
    let mut log = Log::open(&files, FOLDER).unwrap();
    log.set_config(LogConfig { index_interval_bytes: 1 << 30, ..LogConfig::default() });
    for _ in 0..100 {
        log.append(batch(1, 1, &[0; 1000])).unwrap();
    }
    for from in 0..30 {
        for max_bytes in [1, 1100, 3000, 9000] {
            let read = log.read(from, 100, max_bytes).unwrap();
            assert_eq!(bases(&read).first(), Some(&from), "with {max_bytes} bytes");
        }
    }
}
