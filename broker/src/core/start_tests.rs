//! What a broker starts with.

use std::sync::Arc;

use super::testing::*;
use super::{Core, CoreSettings};
use crate::files::{Files, MemoryFiles};

/// The files of a broker which has a topic, with a record in it or without.
fn files(has_record: bool) -> Arc<MemoryFiles> {
    let files = Arc::new(MemoryFiles::default());
    let mut world = World::on(files.clone());
    world.topic("orders", 1, &[]);
    if has_record {
        assert_eq!(world.produce("orders", BatchOf::records(1).bytes()).error_code, 0);
    }
    files
}

fn start(files: Arc<MemoryFiles>) -> std::io::Result<Core> {
    Core::open(CoreSettings::default(), files)
}

#[test]
fn records_without_a_journal_are_refused_and_kept() {
    for size in [None, Some(0), Some(5), Some(30)] {
        let files = files(true);
        match size {
            None => files.remove("journal").unwrap(),
            Some(size) => files.open("journal").unwrap().set_size(size).unwrap(),
        }
        let error = start(files.clone()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
        let error = error.to_string();
        assert!(error.contains("journal") && error.contains("orders-0"), "{error}");
        let journal = files.find("journal").unwrap().map(|file| file.size().unwrap());
        assert_eq!(journal, size);
        assert!(start(files).is_err());
    }
}

#[test]
fn a_start_that_was_killed_before_the_first_record_is_no_damage() {
    for size in [None, Some(0), Some(5)] {
        let files = files(false);
        match size {
            None => files.remove("journal").unwrap(),
            Some(size) => files.open("journal").unwrap().set_size(size).unwrap(),
        }
        // other things may be in the folder
        files.open("lost+found/00000000000000000000.log").unwrap().write_at(b"x", 0).unwrap();
        files.open("notes-1").unwrap().write_at(b"x", 0).unwrap();
        let core = start(files).unwrap();
        assert_eq!(core.catalog.iter().count(), 0);
    }
}

#[test]
fn a_partition_whose_folder_was_moved_away_begins_empty() {
    let files = files(true);
    files.remove_folder("orders-0").unwrap();
    let mut world = World::on(files);
    assert_eq!(world.produce("orders", BatchOf::records(1).bytes()).base_offset, 0);
}
