//! Changes to a file of lines by a command: atomic, one command at a time, and what is not changed stays as it is.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use crate::followed::text_of;
use crate::problem::Unusable;

/// The permissions of a file that is made: its owner's alone.
const MODE: u32 = 0o600;

/// The permissions that an existing file may keep: nobody but its owner and its group.
const MODE_KEPT: u32 = 0o660;

/// Why a command did not change a file.
#[derive(Debug)]
pub enum CommandError {
    /// The file has mistakes, so that it cannot be changed safely.
    Unusable(Unusable),
    /// The file, or the one that is written beside it, cannot be read, locked or written.
    Io { file: PathBuf, source: io::Error },
    /// What is asked for cannot be done: there is such a user already, or none; a name that cannot be one.
    Refused(String),
    /// The system gives no random bytes.
    NoRandom,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::Unusable(unusable) => write!(f, "{unusable}"),
            CommandError::Io { file, source } => {
                write!(f, "{} cannot be changed: {source}", file.display())
            }
            CommandError::Refused(why) => f.write_str(why),
            CommandError::NoRandom => f.write_str("the system gives no random bytes"),
        }
    }
}

impl std::error::Error for CommandError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CommandError::Io { source, .. } => Some(source),
            CommandError::Unusable(unusable) => Some(unusable),
            CommandError::Refused(_) | CommandError::NoRandom => None,
        }
    }
}

/// A file of lines that is held: no other command changes it meanwhile.
pub(crate) struct Held {
    path: PathBuf,
    /// None: there is no such file yet.
    text: Option<String>,
    /// Held until this is dropped.
    _lock: File,
}

impl Held {
    /// Waits until no other command changes the file, and reads it.
    pub(crate) fn open(path: &Path) -> Result<Held, CommandError> {
        // the file behind a link is replaced, not the link
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let failed = |source| CommandError::Io { file: path.clone(), source };
        let beside = beside(&path, "lock").map_err(failed)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).mode(MODE).open(beside);
        let lock = lock.map_err(failed)?;
        lock.lock().map_err(failed)?;
        let text = match path.try_exists().map_err(failed)? {
            true => Some(text_of(&path).map_err(CommandError::Unusable)?),
            false => None,
        };
        Ok(Held { path, text, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the file has; nothing if there is none.
    pub(crate) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Adds a line at the end. A file that is made begins with `head`.
    pub(crate) fn add_line(&self, head: &str, line: &str) -> Result<(), CommandError> {
        let mut text = self.text.clone().unwrap_or_else(|| head.to_string());
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(line);
        text.push('\n');
        self.replace(&text)
    }

    /// Puts another line in the place of one, counted from 1, or takes it out.
    pub(crate) fn change_line(
        &self,
        number: usize,
        line: Option<&str>,
    ) -> Result<(), CommandError> {
        let mut lines: Vec<&str> = self.text().split_inclusive('\n').collect();
        let Some(index) = number.checked_sub(1).filter(|index| *index < lines.len()) else {
            return Err(CommandError::Refused(format!("there is no line {number}")));
        };
        let end = &lines[index][lines[index].trim_end_matches(['\r', '\n']).len()..];
        let replaced = line.map(|line| format!("{line}{end}"));
        match &replaced {
            Some(line) => lines[index] = line,
            None => drop(lines.remove(index)),
        }
        self.replace(&lines.concat())
    }

    /// Writes the whole file anew beside itself, and puts it in its place once it is on the disk.
    fn replace(&self, text: &str) -> Result<(), CommandError> {
        let failed = |source| CommandError::Io { file: self.path.clone(), source };
        let new = beside(&self.path, "new").map_err(failed)?;
        let written = self.write_new(&new, text).and_then(|()| std::fs::rename(&new, &self.path));
        if let Err(source) = written {
            let _ = std::fs::remove_file(&new); // it may not be there
            return Err(failed(source));
        }
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(failed)
    }

    fn write_new(&self, new: &Path, text: &str) -> io::Result<()> {
        match std::fs::remove_file(new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {} // one that a command left that was killed
        }
        let mut file = OpenOptions::new().create_new(true).write(true).mode(MODE).open(new)?;
        if self.text.is_some() {
            keep_owner(&self.path, &file)?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }
}

/// Gives a new file the owner, the group and the permissions of the one whose place it takes, but never to everybody: a service
/// that could read the old one can read the new one, whoever runs the command.
fn keep_owner(old: &Path, new: &File) -> io::Result<()> {
    let (old, made) = (std::fs::metadata(old)?, new.metadata()?);
    if (old.uid(), old.gid()) != (made.uid(), made.gid()) {
        fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    new.set_permissions(std::fs::Permissions::from_mode(old.mode() & MODE_KEPT | MODE))
}

/// The hidden file beside another one.
fn beside(path: &Path, ending: &str) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    };
    let name = format!(".{}.{ending}", name.to_string_lossy());
    Ok(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &Path) -> String {
        text_of(path).unwrap()
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn what_is_not_changed_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let hold = || Held::open(&path).unwrap();
        hold().add_line("# head\n", "a").unwrap();
        assert_eq!((text(&path).as_str(), mode(&path)), ("# head\na\n", 0o600));
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"\r\n  # x\r\nb\r\nc")
            .unwrap();
        hold().add_line("# head\n", "d").unwrap();
        hold().change_line(5, Some("B")).unwrap();
        hold().change_line(2, None).unwrap();
        assert_eq!(text(&path), "# head\n\r\n  # x\r\nB\r\nc\nd\n");
        assert!(hold().change_line(9, None).is_err() && hold().change_line(0, None).is_err());
        // nothing but the file and its lock is left
        assert_eq!(folder.path().read_dir().unwrap().count(), 2);
    }

    #[test]
    fn a_file_keeps_its_group_and_is_never_everybodys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        Held::open(&path).unwrap().add_line("", "a").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        Held::open(&path).unwrap().add_line("", "b").unwrap();
        assert_eq!(mode(&path), 0o640);
    }

    #[test]
    fn the_file_behind_a_link_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        Held::open(&path).unwrap().add_line("", "a").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        Held::open(&link).unwrap().add_line("", "b").unwrap();
        assert_eq!(text(&path), "a\nb\n");
        assert!(link.symlink_metadata().unwrap().is_symlink());
    }

    #[test]
    fn commands_at_the_same_time_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for number in 0..5 {
                        let line = format!("{thread}-{number}");
                        Held::open(path).unwrap().add_line("", &line).unwrap();
                    }
                });
            }
        });
        assert_eq!(text(&path).lines().count(), 40);
    }
}
