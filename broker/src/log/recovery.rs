//! Opens the folder of a log as the last process has left it.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::index::Index;
use super::segment::{INDEX_SUFFIX, LOG_SUFFIX, Opened, Segment, file_name, lost, offset_in};
use super::state::LogState;
use super::{Log, LogConfig, compaction};
use crate::files::Files;

/// Files with such names are not complete.
const UNFINISHED_SUFFIXES: [&str; 2] = [".new", compaction::CLEANED_SUFFIX];

impl Log {
    /// Opens the log in `folder` of `files`, which is made if it is not there.
    ///
    /// A torn batch at the end was not on the disk yet, and is cut. An error names the file that cannot be read, or in
    /// which something is missing that was on the disk: then nothing is cut or removed.
    pub fn open(files: &Arc<dyn Files>, folder: &str) -> io::Result<Log> {
        files.make_folder(folder)?;
        compaction::finish_swap(&**files, folder)?;
        let mut state = LogState::load(&**files, folder)?;
        refuse_missing(&**files, folder, &state)?;
        remove_unfinished(&**files, folder)?;
        let config = LogConfig::default();
        let mut segments =
            open_segments(&**files, folder, config.index_interval_bytes, state.compacted)?;
        let end = segments.back().map(|last| last.next);
        let is_new = end.is_none_or(|end| end < state.start);
        if is_new {
            segments.drain(..).try_for_each(|segment| segment.remove(&**files))?;
            segments.push_back(Segment::create(&**files, folder, state.start)?);
        }
        let first = segments.front().map_or(0, |first| first.base);
        state.start = state.start.max(first);
        let mut log = Log::of(files, folder, config, segments, state);
        if is_new {
            log.sync.folder_changed();
        }
        log.remove_before_start()?;
        Ok(log)
    }
}

/// Removes files that were not completed. No swap may be going on.
pub fn remove_unfinished(files: &dyn Files, folder: &str) -> io::Result<()> {
    let names = files.list(folder)?;
    for name in &names {
        let is_orphan = offset_in(name, INDEX_SUFFIX)
            .is_some_and(|base| !names.contains(&file_name(base, LOG_SUFFIX)));
        if is_orphan || UNFINISHED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
            files.remove(&format!("{folder}/{name}"))?;
        }
    }
    Ok(())
}

/// Opens the segments in their order, up to the first that has lost its end in a crash.
///
/// Nothing is changed if something is missing that was on the disk: that is no crash but damage, and an error.
fn open_segments(
    files: &dyn Files,
    folder: &str,
    index_interval: u64,
    compacted: i64,
) -> io::Result<VecDeque<Segment>> {
    let mut found = bases(files, folder, LOG_SUFFIX)?
        .into_iter()
        .map(|base| Segment::open(files, folder, base, index_interval))
        .collect::<io::Result<Vec<_>>>()?;
    let kept = without_gap(&found, compacted)?;
    refuse_lost(&found, kept)?;
    for Opened { segment, .. } in found.drain(kept..) {
        tracing::warn!("{} follows records that were lost, and is removed", segment.path);
        segment.remove(files)?;
    }
    for Opened { segment, torn, .. } in found.iter().filter(|opened| opened.torn > 0) {
        tracing::warn!("{} ends in a torn write of {torn} bytes, which is cut", segment.path);
        segment.cut(files)?;
    }
    Ok(found.into_iter().map(|opened| opened.segment).collect())
}

/// The first offsets of the files in a folder whose names end so, ascending.
fn bases(files: &dyn Files, folder: &str, suffix: &str) -> io::Result<Vec<i64>> {
    let names = files.list(folder)?;
    let mut bases: Vec<i64> = names.iter().filter_map(|name| offset_in(name, suffix)).collect();
    bases.sort_unstable();
    Ok(bases)
}

/// How many segments there are before the first gap between two of them.
fn without_gap(found: &[Opened], compacted: i64) -> io::Result<usize> {
    for (at, pair) in found.windows(2).enumerate() {
        let [before, after] = pair else { continue };
        let (end, base) = (before.segment.next, after.segment.base);
        if end > base {
            let path = &before.segment.path;
            let why = format!("{path}: the segment of offset {base} begins before this one ends");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        // the index of a compacted segment says where it ends, without it there seems to be a gap
        let is_known = before.has_index || base > compacted || before.torn > 0;
        if is_known && end < base {
            return Ok(at + 1);
        }
    }
    Ok(found.len())
}

/// Refuses a gap before records that are on the disk: what is missing was there before them.
fn refuse_lost(found: &[Opened], kept: usize) -> io::Result<()> {
    let (before, after) = found.split_at(kept);
    let (Some(before), Some(first)) = (before.last(), after.first()) else { return Ok(()) };
    if after.iter().all(|after| after.segment.synced == 0) {
        return Ok(());
    }
    let (end, base) = (before.segment.next, first.segment.base);
    let why = match before.torn {
        0 => format!("the records from offset {end} to {} after it are missing", base - 1),
        _ => format!(
            "it is damaged at byte {} and has no records from offset {end} to {}",
            before.segment.bytes,
            base - 1
        ),
    };
    Err(lost(&before.segment.path, &why))
}

/// Refuses a folder where the file is missing that an index is of.
///
/// A segment that is removed loses its index first. What was before the start is no loss.
fn refuse_missing(files: &dyn Files, folder: &str, state: &LogState) -> io::Result<()> {
    let logs = bases(files, folder, LOG_SUFFIX)?;
    for base in bases(files, folder, INDEX_SUFFIX)? {
        let path = format!("{folder}/{}", file_name(base, INDEX_SUFFIX));
        let Some(index) = files.find(&path)?.filter(|_| !logs.contains(&base)) else { continue };
        let last = Index::load(&*index)?.last();
        if last.is_some_and(|last| last.position > 0 && last.offset > state.start) {
            let path = format!("{folder}/{}", file_name(base, LOG_SUFFIX));
            return Err(lost(&path, "the file is missing with its records"));
        }
    }
    Ok(())
}

/// Refuses records beside a journal that has no entry, so that nothing is known of their topics.
pub(crate) fn refuse_records(files: &dyn Files, journal: &str) -> io::Result<()> {
    for folder in files.list("")? {
        let is_partition = folder.rsplit_once('-').is_some_and(|(topic, partition)| {
            !topic.is_empty() && partition.parse::<u32>().is_ok()
        });
        if is_partition && has_records(files, &folder)? {
            let why = format!(
                "{journal}: it is missing or has no entry, but there are records in {folder}"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
    }
    Ok(())
}

fn has_records(files: &dyn Files, folder: &str) -> io::Result<bool> {
    let bases = match bases(files, folder, LOG_SUFFIX) {
        Ok(bases) => bases,
        // a file, or a name which the broker does not give
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput
            ) =>
        {
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    for base in bases {
        let file = files.find(&format!("{folder}/{}", file_name(base, LOG_SUFFIX)))?;
        if file.map_or(Ok(0), |file| file.size())? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
