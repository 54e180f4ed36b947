//! The records of one partition.

mod batch;

use std::io;
use std::sync::Arc;

use bytes::Bytes;

pub use batch::{Batch, BatchError, BatchHeader};

use crate::files::Files;

/// Batches in the order of their offsets.
#[derive(Debug)]
pub struct Log {
    batches: Vec<Batch>,
    start: i64,
    end: i64,
}

impl Log {
    /// Opens the log in `folder` of `files`, which is made if it is not there.
    pub fn open(_files: &Arc<dyn Files>, _folder: &str) -> io::Result<Log> {
        Ok(Log { batches: Vec::new(), start: 0, end: 0 })
    }

    /// The offset of the first record that can be read.
    pub fn start_offset(&self) -> i64 {
        self.start
    }

    /// The offset that the next record will get.
    pub fn end_offset(&self) -> i64 {
        self.end
    }

    /// Appends a batch; its first record gets [`Log::end_offset`].
    pub fn append(&mut self, mut batch: Batch) -> io::Result<()> {
        batch.set_base_offset(self.end);
        self.end = batch.header().next_offset();
        self.batches.push(batch);
        Ok(())
    }

    /// Whole batches from the one that has `from`, up to `max_bytes`, of records before `below`.
    ///
    /// The first batch is there even if it alone is more than `max_bytes`.
    pub fn read(&self, from: i64, below: i64, max_bytes: usize) -> io::Result<Bytes> {
        let mut read = Vec::new();
        let first = self.batches.partition_point(|batch| batch.header().next_offset() <= from);
        for batch in &self.batches[first..] {
            let is_too_much = !read.is_empty() && read.len() + batch.bytes().len() > max_bytes;
            if batch.header().next_offset() > below || is_too_much {
                break;
            }
            read.extend_from_slice(batch.bytes());
        }
        Ok(read.into())
    }
}
