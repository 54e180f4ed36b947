//! The file with the rules, read anew when it changes. A broken one leaves the old rules in place.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::timeout;
use weir_access::Policy;
use weir_http::Door;

use crate::error::Error;

/// How often it is seen whether the file is another one.
const LOOK: Duration = Duration::from_secs(1);

/// What shows that the file is another one.
type Stamp = Option<(SystemTime, u64, u64)>;

/// Reads the rules. The error has all mistakes, each with the file, the line and the column.
pub fn read(path: &Path) -> Result<Policy, Error> {
    let failed = |why: String| Error::Access(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Policy::parse(&text).map_err(|problems| {
        let lines = problems.iter().map(|problem| format!("{}:{problem}", path.display()));
        Error::Access(lines.collect::<Vec<_>>().join("\n"))
    })
}

/// Has a door follow the file, whenever `told` changes or the file has.
pub async fn follow(path: PathBuf, door: Arc<Door>, mut told: watch::Receiver<u64>) {
    let mut seen = stamp(&path);
    loop {
        let is_told = match timeout(LOOK, told.changed()).await {
            Ok(Ok(())) => true,
            Ok(Err(_)) => return, // the process ends
            Err(_) => false,
        };
        let (file, last) = (path.clone(), seen);
        let looked = tokio::task::spawn_blocking(move || {
            let now = stamp(&file);
            (now, (is_told || now != last).then(|| read(&file)))
        });
        let Ok((now, found)) = looked.await else { continue };
        seen = now;
        match found {
            None => {}
            Some(Ok(policy)) => {
                door.set_policy(policy);
                tracing::info!("{} was read anew", path.display());
            }
            Some(Err(error)) => {
                tracing::error!("the rules stay as they were, the file cannot be used: {error}");
                door.count_broken_rules();
            }
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.ino(), found.len()))
}
