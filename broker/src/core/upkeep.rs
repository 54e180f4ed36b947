//! The work of the disk that nobody waits for: what was written is flushed, old records are removed, the
//! journal is rewritten.
//!
//! It is planned and taken note of by the core, and done in between without it: see [`DiskWork::run`].

use std::io;

use uuid::Uuid;

use super::journal::{JournalSync, Rewrite, Rewritten};
use super::trash::Removal;
use super::{Core, Now, Partition};
use crate::log::{Compacted, Compaction, Log, LogSync};

/// As Kafka's `log.retention.check.interval.ms`: who writes records with timestamps of last year can read them for so long.
/// Topics whose `retention.ms` is less are looked at in each round.
const AGE_CHECK_MS: u64 = 5 * 60 * 1000;
/// A log that is written without a pause is left after so many flushes in a row, until the next round.
const FLUSHES_IN_A_ROW_MAX: usize = 64;

/// Which work a round does. Both kinds can go on at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskTask {
    /// Puts on the disk what has waited for `flush.ms`.
    Flush,
    /// Removes what is out of date.
    Clean,
}

/// One pass over the journal and all logs.
#[derive(Debug)]
pub struct DiskRound {
    task: DiskTask,
    is_journal_done: bool,
    /// The log that is being looked at.
    topic: String,
    partition: usize,
    flushes: usize,
    /// Records are removed for their age, too.
    checks_ages: bool,
}

impl DiskRound {
    pub fn new(task: DiskTask) -> DiskRound {
        DiskRound {
            task,
            is_journal_done: false,
            topic: String::new(),
            partition: 0,
            flushes: 0,
            checks_ages: false,
        }
    }

    fn next_partition(&mut self) {
        self.partition += 1;
        self.flushes = 0;
    }
}

/// Which log it is. A topic that is made again has another id.
#[derive(Clone, Copy, Debug)]
pub struct LogId {
    topic: Uuid,
    partition: usize,
}

/// A piece of work. It takes long and needs no core.
#[derive(Debug)]
pub enum DiskWork {
    SyncJournal(JournalSync),
    RewriteJournal(Rewrite),
    SyncLog(LogId, LogSync),
    Compact(LogId, Compaction),
    RemoveFolders(Removal),
}

/// A piece of work that was done, of which the core takes note.
#[derive(Debug)]
pub enum DiskDone {
    JournalSynced(JournalSync, io::Result<()>),
    JournalRewritten(io::Result<Rewritten>),
    LogSynced(LogId, LogSync, io::Result<()>),
    Compacted(LogId, io::Result<Compacted>),
    FoldersRemoved(io::Result<()>),
}

impl DiskWork {
    pub fn run(self) -> DiskDone {
        match self {
            DiskWork::SyncJournal(sync) => {
                let result = sync.run();
                DiskDone::JournalSynced(sync, result)
            }
            DiskWork::RewriteJournal(rewrite) => DiskDone::JournalRewritten(rewrite.run()),
            DiskWork::SyncLog(log, sync) => {
                let result = sync.run();
                DiskDone::LogSynced(log, sync, result)
            }
            DiskWork::Compact(log, compaction) => DiskDone::Compacted(log, compaction.run()),
            DiskWork::RemoveFolders(removal) => DiskDone::FoldersRemoved(removal.run()),
        }
    }
}

impl Core {
    /// The next piece of work of a round. There is none at the end of the round.
    pub fn next_disk_work(&mut self, round: &mut DiskRound, now: Now) -> Option<DiskWork> {
        if round.task == DiskTask::Clean
            && let Some(removal) = self.trash.plan_removal(&self.files)
        {
            return Some(DiskWork::RemoveFolders(removal));
        }
        if !std::mem::replace(&mut round.is_journal_done, true) {
            self.plan_age_check(round, now);
            let work = match round.task {
                DiskTask::Flush => self.journal.plan_sync(now).map(DiskWork::SyncJournal),
                DiskTask::Clean => self.journal.plan_rewrite().map(DiskWork::RewriteJournal),
            };
            if work.is_some() {
                return work;
            }
        }
        while let Some(id) = self.log_of(round) {
            let planned = match round.task {
                DiskTask::Flush => self.plan_flush(id, round, now),
                DiskTask::Clean => self.plan_clean(id, round, now),
            };
            match planned {
                Ok(Some(work)) => return Some(work),
                Ok(None) => {}
                Err(error) => {
                    let (topic, partition) = (&round.topic, id.partition);
                    tracing::error!(%error, "upkeep of the partition {topic}-{partition} failed");
                    round.next_partition();
                }
            }
        }
        None
    }

    /// Decides whether a round that begins removes records for their age.
    fn plan_age_check(&mut self, round: &mut DiskRound, now: Now) {
        let is_due = now.elapsed.saturating_sub(self.ages_checked).as_millis();
        if round.task == DiskTask::Clean && is_due >= u128::from(AGE_CHECK_MS) {
            round.checks_ages = true;
            self.ages_checked = now.elapsed;
        }
    }

    /// The log that a round is at.
    fn log_of(&self, round: &mut DiskRound) -> Option<LogId> {
        loop {
            let (name, topic) = self.catalog.iter_from(&round.topic).next()?;
            if name != round.topic {
                name.clone_into(&mut round.topic);
                round.partition = 0;
            }
            if round.partition < topic.partitions.len() {
                return Some(LogId { topic: topic.id, partition: round.partition });
            }
            round.topic.push('\0'); // the least name after this one
            round.partition = 0;
        }
    }

    fn partition_of(&mut self, id: LogId) -> Option<&mut Partition> {
        let name = self.catalog.name_of(id.topic)?.to_owned();
        self.catalog.get_mut(&name)?.partitions.get_mut(id.partition)
    }

    fn log_mut(&mut self, id: LogId) -> Option<&mut Log> {
        self.partition_of(id).map(|partition| &mut partition.log)
    }

    fn plan_flush(
        &mut self,
        id: LogId,
        round: &mut DiskRound,
        now: Now,
    ) -> io::Result<Option<DiskWork>> {
        let is_enough = round.flushes == FLUSHES_IN_A_ROW_MAX;
        let log = self.log_mut(id).filter(|_| !is_enough);
        let sync = log.map(|log| log.plan_sync(now.elapsed)).transpose()?.flatten();
        match &sync {
            Some(_) => round.flushes += 1,
            None => round.next_partition(),
        }
        Ok(sync.map(|sync| DiskWork::SyncLog(id, sync)))
    }

    fn plan_clean(
        &mut self,
        id: LogId,
        round: &mut DiskRound,
        now: Now,
    ) -> io::Result<Option<DiskWork>> {
        round.next_partition();
        let Some(partition) = self.partition_of(id) else { return Ok(None) };
        let stable = partition.last_stable_offset();
        let is_soon = partition.log.config().retention_ms.is_some_and(|ms| ms < AGE_CHECK_MS);
        if round.checks_ages || is_soon {
            partition.log.expire(now.wall_ms)?;
        } else {
            partition.log.shrink()?;
        }
        let compaction = partition.log.plan_compaction(stable, now.wall_ms)?;
        Ok(compaction.map(|compaction| DiskWork::Compact(id, compaction)))
    }

    /// Takes note of work that was done.
    pub fn disk_work_done(&mut self, done: DiskDone) {
        let result = match done {
            DiskDone::JournalSynced(sync, result) => result.map(|()| self.journal.synced(&sync)),
            DiskDone::JournalRewritten(result) => {
                result.and_then(|new| self.journal.rewritten(new))
            }
            DiskDone::LogSynced(id, sync, result) => {
                // the files of a topic that was deleted meanwhile may be gone
                self.log_mut(id).map_or(Ok(()), |log| {
                    log.synced(&sync, &result);
                    result
                })
            }
            DiskDone::Compacted(id, result) => match self.partition_of(id) {
                Some(partition) => partition.compacted(result),
                None => Ok(()),
            },
            DiskDone::FoldersRemoved(result) => result,
        };
        if let Err(error) = result {
            tracing::error!(%error, "the broker's folder cannot be written as it should be");
        }
    }

    /// Puts everything on the disk and lets go of the folder. No request can be handled after that.
    pub fn close(&mut self) {
        let mut result = self.journal.close();
        let mut has_new = false;
        for partition in self.catalog.iter_mut().flat_map(|topic| &mut topic.partitions) {
            has_new |= partition.log.is_dirty();
            result = partition.close().and(result);
        }
        if has_new {
            result = self.files.sync_folder("").and(result);
        }
        if let Err(error) = result {
            tracing::error!(%error, "the broker's folder cannot be written as it should be");
        }
        self.files.close();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::core::CoreSettings;
    use crate::files::{DiskFiles, Files, MemoryFiles};
    use crate::log::Batch;

    fn at(seconds: u64) -> Now {
        Now { elapsed: Duration::from_secs(seconds), wall_ms: 0 }
    }

    fn round(core: &mut Core, task: DiskTask, now: Now) -> usize {
        let mut round = DiskRound::new(task);
        let mut pieces = 0;
        while let Some(work) = core.next_disk_work(&mut round, now) {
            core.disk_work_done(work.run());
            pieces += 1;
        }
        pieces
    }

    /// An empty batch, which takes one offset.
    fn batch() -> Batch {
        let mut bytes = [0; 61];
        bytes[11] = 49;
        bytes[16] = 2;
        let checksum = crc32c::crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&checksum.to_be_bytes());
        Batch::parse(bytes.to_vec().into()).unwrap()
    }

    fn with_topics(files: Arc<dyn Files>) -> Core {
        let mut core = Core::open(CoreSettings::default(), files).unwrap();
        for topic in ["a", "b", "a-1"] {
            core.create_topic(topic, 2, BTreeMap::new(), at(0)).unwrap();
            for partition in 0..2 {
                core.catalog.partition_mut(topic, partition).unwrap().log.append(batch()).unwrap();
            }
        }
        core
    }

    fn ends(files: Arc<dyn Files>) -> Vec<i64> {
        let mut core = Core::open(CoreSettings::default(), files).unwrap();
        let topics = core.catalog.iter_mut();
        topics.flat_map(|topic| &topic.partitions).map(|part| part.log.end_offset()).collect()
    }

    #[test]
    fn everything_is_flushed_after_a_while() {
        let files = Arc::new(MemoryFiles::default());
        let mut core = with_topics(files.clone());
        assert_eq!(round(&mut core, DiskTask::Flush, at(1)), 0);
        assert!(ends(Arc::new(files.after_power_loss(|_| 0))).is_empty());
        assert_eq!(round(&mut core, DiskTask::Flush, at(2)), 7);
        assert_eq!(ends(Arc::new(files.after_power_loss(|_| 0))), [1; 6]);
        assert_eq!(round(&mut core, DiskTask::Flush, at(4)), 0);
        assert_eq!(round(&mut core, DiskTask::Clean, at(4)), 0);
    }

    #[test]
    fn a_broker_that_ends_has_flushed_everything() {
        let files = Arc::new(MemoryFiles::default());
        let mut core = with_topics(files.clone());
        core.close();
        assert!(core.create_topic("late", 1, BTreeMap::new(), at(1)).is_err());
        assert_eq!(ends(Arc::new(files.after_power_loss(|_| 0))), [1; 6]);
    }

    #[test]
    fn topics_and_records_are_in_the_folder_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Arc::new(DiskFiles::open(folder.path()).unwrap());
        with_topics(open()).close();
        assert_eq!(ends(open()), [1; 6]);
    }

    #[test]
    fn what_is_planned_for_a_topic_is_not_done_to_its_successor() {
        let mut core = with_topics(Arc::new(MemoryFiles::default()));
        let mut round = DiskRound::new(DiskTask::Flush);
        let late = Now { elapsed: Duration::from_secs(9), wall_ms: 0 };
        core.next_disk_work(&mut DiskRound::new(DiskTask::Flush), at(1));
        core.next_disk_work(&mut round, late);
        let work = core.next_disk_work(&mut round, late);
        let Some(DiskWork::SyncLog(id, _)) = work else { panic!("{work:?}") };
        assert!(core.log_mut(id).is_some());
        assert!(core.log_mut(LogId { topic: Uuid::nil(), ..id }).is_none());
    }
}
