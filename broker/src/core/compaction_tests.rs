//! Compaction and what a partition remembers of the records that it removes.

use std::sync::Arc;

use super::testing::*;
use super::transactions::{Marker, Outcome};
use super::{DiskRound, DiskTask};
use crate::files::{Files, MemoryFiles};
use crate::log::{Batch, BatchHeader, Cleanup, LogConfig};

const PRODUCER: i64 = 7;

/// Writes a transaction of one record with the key `k`, and ends it.
fn transaction(world: &mut World, sequence: i32, outcome: Outcome) {
    let batch = BatchOf::transactional(1, PRODUCER, 0, sequence).bytes();
    let batch = Batch::parse(batch).unwrap();
    let partition = world.core.catalog.partition_mut("t", 0).unwrap();
    let offset = partition.log.end_offset();
    partition.log.append(batch.clone()).unwrap();
    let header = BatchHeader { base_offset: offset, ..*batch.header() };
    partition.producers.appended(&header, Some(WALL_MS));
    let marker = Marker { producer_id: PRODUCER, producer_epoch: 0, coordinator_epoch: 0, outcome };
    world.core.append_marker("t", 0, &marker, world.now).unwrap();
}

/// Compacts what can be, as the background does.
fn compact(world: &mut World) {
    let partition = world.core.catalog.partition_mut("t", 0).unwrap();
    let mut config: LogConfig = *partition.log.config();
    config.cleanup = Cleanup { delete: false, compact: true };
    (config.segment_bytes, config.delete_retention_ms) = (1, 0);
    config.min_cleanable_dirty_ratio = 0.0;
    partition.log.set_config(config);
    let mut round = DiskRound::new(DiskTask::Clean);
    while let Some(work) = world.core.next_disk_work(&mut round, world.now) {
        world.core.disk_work_done(work.run());
    }
}

/// The transactions of which a consumer is told that they were aborted.
fn told(world: &mut World) -> usize {
    let data = world.fetch("t", 0, 1);
    assert_eq!(data.error_code, 0);
    data.aborted_transactions.unwrap_or_default().len()
}

/// Where the first batch begins that is left.
fn first_offset(world: &World) -> i64 {
    let mut headers = world.core.catalog.partition("t", 0).unwrap().log.headers(0);
    headers.next().unwrap().unwrap().base_offset
}

#[test]
fn a_consumer_is_not_told_of_an_aborted_transaction_whose_marker_was_removed() {
    let files = Arc::new(MemoryFiles::default());
    let mut world = World::on(files.clone());
    world.topic("t", 1, &[]);
    compact(&mut world); // each batch has a segment of its own from here on
    transaction(&mut world, 0, Outcome::Abort);
    let partition = world.core.catalog.partition_mut("t", 0).unwrap();
    partition.close().unwrap(); // a snapshot that tells of it
    assert_eq!(told(&mut world), 1);
    let mut sequence = 1;
    while first_offset(&world) <= 1 {
        assert!(sequence < 10, "the marker is not removed");
        transaction(&mut world, sequence, Outcome::Commit);
        compact(&mut world);
        sequence += 1;
    }
    assert_eq!(told(&mut world), 0);
    // also if what was kept last is lost
    for snapshots in [1, 0] {
        let killed: Arc<dyn Files> = Arc::new(files.after_kill());
        let names = killed.list("t-0").unwrap();
        let mut names: Vec<_> = names.iter().filter(|name| name.contains("snapshot")).collect();
        names.sort();
        for name in &names[names.len().min(snapshots)..] {
            killed.remove(&format!("t-0/{name}")).unwrap();
        }
        assert_eq!(told(&mut World::on(killed)), 0, "of {names:?}");
    }
}
