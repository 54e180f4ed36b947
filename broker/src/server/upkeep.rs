//! Does the disk's work in the background, a round now and then.

use std::sync::Arc;
use std::time::Duration;

use super::shell::Shell;
use crate::core::{DiskRound, DiskTask};

/// How often it is looked whether something has to be flushed. Much less than the default of `flush.ms`.
const FLUSH_INTERVAL: Duration = Duration::from_millis(250);
/// How often old records are looked for. Kafka has `log.retention.check.interval.ms` of five minutes and
/// `log.cleaner.backoff.ms` of 15 s; who develops does not want to wait.
const CLEAN_INTERVAL: Duration = Duration::from_secs(1);

/// Does one kind of work for ever.
pub async fn repeat(shell: Arc<Shell>, task: DiskTask) {
    let interval = match task {
        DiskTask::Flush => FLUSH_INTERVAL,
        DiskTask::Clean => CLEAN_INTERVAL,
    };
    loop {
        tokio::time::sleep(interval).await;
        let mut round = DiskRound::new(task);
        let Some(first) = shell.next_disk_work(&mut round) else { continue };
        let shell = shell.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut work = Some(first);
            while let Some(next) = work {
                shell.disk_work_done(next.run());
                work = shell.next_disk_work(&mut round);
            }
        });
        if let Err(error) = done.await {
            tracing::error!(%error, "upkeep of the broker's folder has failed");
        }
    }
}
