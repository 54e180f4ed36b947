//! Where bytes are kept: a disk, memory, or a disk that tests break.

mod memory;

use std::fmt::Debug;

pub use memory::MemoryFiles;

/// A folder of files, as far as a log needs one.
pub trait Files: Debug + Send + Sync {}
