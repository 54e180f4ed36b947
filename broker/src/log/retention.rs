//! Deletes the oldest segments of a log that is too old or too large.

use std::io;

use super::Log;

impl Log {
    /// Removes what `retention.ms` and `retention.bytes` say. It needs no disk to see that there is nothing.
    pub fn expire(&mut self, wall_ms: i64) -> io::Result<()> {
        if !self.config.cleanup.delete {
            return Ok(());
        }
        while self.is_first_expired(wall_ms) {
            if self.segments.len() == 1 {
                self.roll()?;
            }
            self.remove_first()?;
        }
        Ok(())
    }

    fn is_first_expired(&self, wall_ms: i64) -> bool {
        let Some(first) = self.segments.front().filter(|first| first.bytes > 0) else {
            return self.segments.len() > 1;
        };
        let age = u64::try_from(wall_ms.saturating_sub(first.max_timestamp)).unwrap_or_default();
        let is_old = first.max_timestamp >= 0
            && self.config.retention_ms.is_some_and(|retention| age > retention);
        let rest = self.size_bytes() - first.bytes;
        is_old || self.config.retention_bytes.is_some_and(|retention| rest >= retention)
    }
}
