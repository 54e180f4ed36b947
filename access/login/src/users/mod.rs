//! Users with passwords, from a file: Weir's own format, Jetty's or Karapace's.

mod command;
mod directory;
mod jetty;
mod karapace;
mod weir;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use crate::followed::{Followed, Parsed};
use crate::problem::{Problem, Unusable};

pub use command::{Algorithm, Listed, add, list, remove, set_password};
pub(crate) use directory::Directory;
pub use karapace::{Imported, import_karapace};

/// The most users of a file.
const USERS_MAX: usize = 100_000;

/// The most bytes of a line.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// How a users file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `name:hash:role,role:group,group`, the hash argon2id or bcrypt. What `htpasswd -B` writes is that too.
    Weir,
    /// Jetty's `password.properties`.
    Jetty,
    /// Karapace's auth file.
    Karapace,
}

impl Format {
    /// Tells the format of a text: Karapace's is JSON, Weir's has a hash of argon2id or bcrypt right behind a name and a colon,
    /// and what is neither is Jetty's. A text without users is Weir's.
    pub fn of(text: &str) -> Format {
        if text.trim_start().starts_with('{') {
            return Format::Karapace;
        }
        let mut lines = weir::entries(text).map(|(_, line)| line).peekable();
        match lines.peek().is_none() || lines.any(weir::looks_like_one) {
            true => Format::Weir,
            false => Format::Jetty,
        }
    }
}

/// A users file that is followed.
pub struct Users(Arc<Followed<Directory>>);

impl Users {
    /// Reads a users file; without a format, it is told from the text that the file has now, and stays what it is when the file
    /// changes: a mistake in it must not make it another format. A file that cannot be used is an error.
    pub fn open(path: &Path, format: Option<Format>) -> Result<Users, Unusable> {
        let told = OnceLock::new();
        let parse = move |text: &str| {
            parse(text, *told.get_or_init(|| format.unwrap_or_else(|| Format::of(text))))
        };
        Followed::open(path, parse).map(Users)
    }

    /// Reads the file anew whenever `told` changes, or the file has. Ends when the sender of `told` has gone.
    pub async fn follow(&self, told: watch::Receiver<u64>) {
        self.0.clone().follow(told).await;
    }

    /// How often the file was taken anew.
    pub fn generation(&self) -> u64 {
        self.0.generation()
    }

    /// How often the file was broken, so that what it had said before was kept.
    pub fn failures(&self) -> u64 {
        self.0.failures()
    }

    pub(crate) fn current(&self) -> Arc<Directory> {
        self.0.current()
    }
}

fn parse(text: &str, format: Format) -> Result<Parsed<Directory>, Vec<Problem>> {
    match format {
        Format::Weir => weir::parse(text),
        Format::Jetty => jetty::parse(text),
        Format::Karapace => karapace::parse(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGON2ID: &str =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    const BCRYPT: &str = "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    #[test]
    fn a_format_is_told_from_the_text() {
        assert_eq!(Format::of(""), Format::Weir);
        assert_eq!(Format::of("# nobody yet\n"), Format::Weir);
        assert_eq!(Format::of(&format!("# users\nalice:{ARGON2ID}:admin\n")), Format::Weir);
        assert_eq!(Format::of(&format!("alice:{BCRYPT}\n")), Format::Weir);
        // a mistake in Weir's own file does not make it Jetty's, where hashes are passwords in clear
        assert_eq!(Format::of(&format!("bob:secret\nalice:{ARGON2ID}\n")), Format::Weir);
        assert_eq!(Format::of("alice: secret,admin\n"), Format::Jetty);
        assert_eq!(Format::of("alice=secret\n"), Format::Jetty);
        assert_eq!(Format::of(&format!("alice: {BCRYPT},admin\n")), Format::Jetty);
        assert_eq!(Format::of("alice: MD5:5f4dcc3b5aa765d61d8327deb882cf99"), Format::Jetty);
        assert_eq!(Format::of(" {\"users\":[]}"), Format::Karapace);
    }

    #[test]
    fn a_format_that_is_said_is_not_guessed() {
        let text = format!("alice:{BCRYPT}\n");
        let [weir, jetty] = [Format::Weir, Format::Jetty].map(|f| parse(&text, f).unwrap());
        let alice = |parsed: &Parsed<Directory>, password: &str| {
            parsed.value.user("alice").unwrap().stored.matches(password)
        };
        assert!(alice(&weir, "U*U") && !alice(&weir, BCRYPT));
        // as Jetty does, and not without a word
        assert!(!alice(&jetty, "U*U") && alice(&jetty, BCRYPT));
        assert_eq!((weir.warnings.len(), jetty.warnings.len()), (0, 2));
    }
}
