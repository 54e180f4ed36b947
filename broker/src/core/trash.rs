//! The folders of deleted topics: they are put away at once, so that their names are free, and removed when
//! nobody waits.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::files::Files;

/// No folder of a partition ends so, since its number is the end.
const SUFFIX: &str = ".deleted";
/// So many folders are removed in one piece of work.
const FOLDERS_A_PIECE: usize = 64;

/// Folders that are to be removed.
#[derive(Debug, Default)]
pub(crate) struct Trash {
    folders: VecDeque<String>,
    /// The number of the next folder that is put away.
    next: u64,
}

impl Trash {
    /// What the last process has not removed.
    pub fn open(files: &dyn Files) -> io::Result<Trash> {
        let mut trash = Trash::default();
        for name in files.list("")? {
            let number = name.strip_suffix(SUFFIX).and_then(|number| number.parse::<u64>().ok());
            if let Some(number) = number {
                trash.next = trash.next.max(number.saturating_add(1));
                trash.folders.push_back(name);
            }
        }
        Ok(trash)
    }

    /// Puts a folder away, which need not be there. Its name is free then.
    pub fn put(&mut self, files: &dyn Files, folder: &str) -> io::Result<()> {
        let name = format!("{}{SUFFIX}", self.next);
        if files.move_folder(folder, &name)? {
            self.next = self.next.saturating_add(1);
            self.folders.push_back(name);
        }
        Ok(())
    }

    /// Some of the folders, to be removed without the core.
    pub fn plan_removal(&mut self, files: &Arc<dyn Files>) -> Option<Removal> {
        let count = self.folders.len().min(FOLDERS_A_PIECE);
        let folders: Vec<String> = self.folders.drain(..count).collect();
        (count > 0).then(|| Removal { files: files.clone(), folders })
    }
}

/// Folders that nobody has any use for.
#[derive(Debug)]
pub struct Removal {
    files: Arc<dyn Files>,
    folders: Vec<String>,
}

impl Removal {
    /// Removes them. The next start tries again with one that cannot be.
    pub fn run(&self) -> io::Result<()> {
        let removed = self.folders.iter().map(|folder| self.files.remove_folder(folder));
        removed.fold(Ok(()), io::Result::and)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::testing::*;
    use crate::core::{DiskRound, DiskTask};
    use crate::files::{DiskFiles, MemoryFiles};

    fn clean(world: &mut World) {
        let mut round = DiskRound::new(DiskTask::Clean);
        while let Some(work) = world.core.next_disk_work(&mut round, world.now) {
            world.core.disk_work_done(work.run());
        }
    }

    fn folders(files: &dyn Files) -> Vec<String> {
        let mut names = files.list("").unwrap();
        names.retain(|name| !matches!(name.as_str(), "journal" | ".lock"));
        names.sort();
        names
    }

    fn end(world: &World) -> i64 {
        world.core.catalog.partition("t", 0).unwrap().log.end_offset()
    }

    #[test]
    fn a_topic_of_a_deleted_one_s_name_keeps_its_records() {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Files> = Arc::new(DiskFiles::open(folder.path()).unwrap());
        let memory: Arc<dyn Files> = Arc::new(MemoryFiles::default());
        for files in [disk, memory] {
            let mut world = World::on(files.clone());
            for times in 1..=3 {
                world.topic("t", 1, &[]);
                for _ in 0..times {
                    assert_eq!(world.produce("t", BatchOf::records(1).bytes()).error_code, 0);
                }
                assert_eq!(end(&world), times);
                if times < 3 {
                    world.core.delete_topic("t", world.now).unwrap();
                }
            }
            assert_eq!(folders(&*files), ["0.deleted", "1.deleted", "t-0"]);
            clean(&mut world);
            assert_eq!(folders(&*files), ["t-0"]);
            world.restart();
            assert_eq!(end(&world), 3);
        }
    }

    #[test]
    fn what_a_killed_broker_had_not_removed_is_removed_after_its_start() {
        let files: Arc<dyn Files> = Arc::new(MemoryFiles::default());
        let mut world = World::on(files.clone());
        for topic in ["t", "5.deleted"] {
            world.topic(topic, 100, &[]);
        }
        world.core.delete_topic("t", world.now).unwrap();
        world.restart();
        world.topic("t", 1, &[]);
        world.core.delete_topic("t", world.now).unwrap();
        assert_eq!(folders(&*files).len(), 201);
        clean(&mut world);
        assert_eq!(folders(&*files).len(), 100);
        assert!(world.core.catalog.get("5.deleted").is_some());
    }

    #[test]
    fn an_end_writes_nothing_for_partitions_in_which_nothing_is() {
        let mut world = World::with_topic("t", 2);
        world.produce("t", BatchOf::records(1).bytes());
        let is_dirty =
            |world: &World, index| world.core.catalog.partition("t", index).unwrap().log.is_dirty();
        assert_eq!([is_dirty(&world, 0), is_dirty(&world, 1)], [true, false]);
        world.core.close();
        assert_eq!([is_dirty(&world, 0), is_dirty(&world, 1)], [false, false]);
    }
}
