//! The file with the rules, read anew when it changes. A broken one leaves the old rules in place.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weir_access::Policy;
use weir_http::Door;
use weir_http::reload::{Reloaded, Tried};

use crate::error::Error;

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

/// The file that a door follows.
pub struct FollowedRules {
    path: PathBuf,
    door: Arc<Door>,
    tried: Tried,
}

impl FollowedRules {
    /// The file has just been read.
    pub fn new(path: PathBuf, door: Arc<Door>) -> Arc<FollowedRules> {
        let followed = FollowedRules { path, door, tried: Tried::default() };
        followed.tried.now(&[&followed.path]);
        Arc::new(followed)
    }
}

impl Reloaded for FollowedRules {
    fn has_changed(&self) -> bool {
        self.tried.have_changed(&[&self.path])
    }

    fn reload(&self) {
        self.tried.now(&[&self.path]);
        match read(&self.path) {
            Ok(policy) => {
                self.door.set_policy(policy);
                tracing::info!("{} was read anew", self.path.display());
            }
            Err(error) => {
                error.to_string().lines().for_each(|line| tracing::error!("{line}"));
                tracing::error!("{} cannot be used: the old rules hold", self.path.display());
                self.door.count_broken_rules();
            }
        }
    }
}
