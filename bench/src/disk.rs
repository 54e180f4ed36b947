//! The disk's own pace: what any log that syncs each append could do at most.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Result;

const APPEND: [u8; 4096] = [b'x'; 4096];

/// Appends of 4 KiB with fdatasync that a new file in `folder` takes in a second.
pub fn syncs_per_s(folder: &Path, duration: Duration) -> Result<f64> {
    let path = folder.join("syncs");
    let mut file = File::create(&path)?;
    let start = Instant::now();
    let mut syncs = 0.0;
    while start.elapsed() < duration {
        file.write_all(&APPEND)?;
        file.sync_data()?;
        syncs += 1.0;
    }
    let elapsed = start.elapsed();
    std::fs::remove_file(path)?;
    Ok(syncs / elapsed.as_secs_f64())
}
