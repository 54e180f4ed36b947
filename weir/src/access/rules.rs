//! The file with the rules, read anew when it changes. A broken one leaves the old rules in place.

use std::fs::File;
use std::io::Read;
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

/// Reads the file, but for what is too much to be rules. Bytes that are not UTF-8 are an error.
pub fn text_of(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::ReadFile { path: path.to_path_buf(), source };
    let file = File::open(path).map_err(failed)?;
    let mut text = String::new();
    // one byte more than there may be: the policy says what is wrong with it
    let most = Policy::FILE_BYTES_MAX as u64 + 1;
    file.take(most).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Reads the rules. The error has all mistakes, a line for each with the file, the line and the column.
pub fn read(path: &Path) -> Result<Policy, Error> {
    Policy::parse(&text_of(path)?).map_err(|problems| {
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
                error.to_string().lines().for_each(|line| tracing::error!("{line}"));
                tracing::error!("{} cannot be used: the old rules hold", path.display());
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
