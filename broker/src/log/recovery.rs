//! Opens the folder of a log as the last process has left it.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::segment::{INDEX_SUFFIX, LOG_SUFFIX, Opened, Segment, offset_in};
use super::state::LogState;
use super::{Log, LogConfig, compaction};
use crate::files::Files;

/// Files with such names are not complete.
const UNFINISHED_SUFFIXES: [&str; 2] = [".new", compaction::CLEANED_SUFFIX];

impl Log {
    /// Opens the log in `folder` of `files`, which is made if it is not there.
    ///
    /// A torn batch at the end was not on the disk yet, and is cut. An error names the file that cannot be read.
    pub fn open(files: &Arc<dyn Files>, folder: &str) -> io::Result<Log> {
        files.make_folder(folder)?;
        compaction::finish_swap(&**files, folder)?;
        remove_unfinished(&**files, folder)?;
        let mut state = LogState::load(&**files, folder)?;
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
            .is_some_and(|base| !names.contains(&super::segment::file_name(base, LOG_SUFFIX)));
        if is_orphan || UNFINISHED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
            files.remove(&format!("{folder}/{name}"))?;
        }
    }
    Ok(())
}

/// Opens the segments in their order, up to the first that has lost its end.
fn open_segments(
    files: &dyn Files,
    folder: &str,
    index_interval: u64,
    compacted: i64,
) -> io::Result<VecDeque<Segment>> {
    let names = files.list(folder)?;
    let mut bases: Vec<i64> = names.iter().filter_map(|name| offset_in(name, LOG_SUFFIX)).collect();
    bases.sort_unstable();
    let mut segments: VecDeque<Segment> = VecDeque::new();
    let mut is_torn = false;
    let mut has_index = true;
    for base in bases {
        let end = segments.back().map(|last| last.next);
        if end.is_some_and(|end| end > base) {
            let why = format!(
                "{folder}: the segment of offset {base} begins before the one before it ends"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        // the index of a compacted segment says where it ends, without it there seems to be a gap
        let is_known = has_index || base > compacted;
        is_torn |= is_known && end.is_some_and(|end| end < base);
        let opened = Segment::open(files, folder, base, index_interval)?;
        has_index = opened.has_index;
        let Opened { segment, cut, .. } = opened;
        if is_torn {
            tracing::warn!("{} follows records that were lost, and is removed", segment.path);
            segment.remove(files)?;
            continue;
        }
        if cut > 0 {
            tracing::warn!("{} ends in a torn write of {cut} bytes, which is cut", segment.path);
            is_torn = true;
        }
        segments.push_back(segment);
    }
    Ok(segments)
}
