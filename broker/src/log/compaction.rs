//! Compaction: the last record of each key is kept.
use crate::files::Files;
use std::io;
pub const CLEANED_SUFFIX: &str = ".cleaned";
#[derive(Debug)]
pub struct Compaction {}
#[derive(Debug)]
pub struct Compacted {}
pub fn finish_swap(_files: &dyn Files, _folder: &str) -> io::Result<()> {
    Ok(())
}
impl Compaction {
    pub fn run(self) -> io::Result<Compacted> {
        Ok(Compacted {})
    }
}
impl super::Log {
    pub fn plan_compaction(
        &mut self,
        _stable: i64,
        _wall_ms: i64,
    ) -> io::Result<Option<Compaction>> {
        Ok(None)
    }
    pub fn compacted(&mut self, _result: io::Result<Compacted>) -> io::Result<()> {
        Ok(())
    }
}
