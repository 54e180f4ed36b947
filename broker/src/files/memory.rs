//! Files that do not outlive the process.

use super::Files;

#[derive(Debug, Default)]
pub struct MemoryFiles {}

impl Files for MemoryFiles {}
