//! Deletes the oldest segments of a log that is too old or too large.

use std::io;

use super::Log;

impl Log {
    /// Removes what `retention.ms` and `retention.bytes` say. It needs no disk to see that there is nothing.
    pub fn expire(&mut self, wall_ms: i64) -> io::Result<()> {
        self.remove_while(|log| log.is_first_too_old(wall_ms) || log.is_first_too_much())
    }

    /// Removes what `retention.bytes` says, and nothing for its age.
    pub fn shrink(&mut self) -> io::Result<()> {
        self.remove_while(Log::is_first_too_much)
    }

    fn remove_while(&mut self, is_expired: impl Fn(&Log) -> bool) -> io::Result<()> {
        if !self.config.cleanup.delete {
            return Ok(());
        }
        while self.is_first_empty() || is_expired(self) {
            if self.segments.len() == 1 {
                self.roll()?;
            }
            self.remove_first()?;
        }
        Ok(())
    }

    /// Returns true if the first segment has nothing, and is not the one that is written to.
    fn is_first_empty(&self) -> bool {
        self.segments.len() > 1 && self.segments.front().is_some_and(|first| first.bytes == 0)
    }

    fn is_first_too_old(&self, wall_ms: i64) -> bool {
        let Some(first) = self.segments.front().filter(|first| first.bytes > 0) else {
            return false;
        };
        let age = u64::try_from(wall_ms.saturating_sub(first.max_timestamp)).unwrap_or_default();
        first.max_timestamp >= 0
            && self.config.retention_ms.is_some_and(|retention| age > retention)
    }

    fn is_first_too_much(&self) -> bool {
        let Some(first) = self.segments.front().filter(|first| first.bytes > 0) else {
            return false;
        };
        let rest = self.size_bytes() - first.bytes;
        self.config.retention_bytes.is_some_and(|retention| rest >= retention)
    }
}
