//! Where lines are written.

use std::io::{self, Write};
use std::path::PathBuf;

use weir_http::LogFile;

/// Where lines are written. Writing may block: that is what the queue's thread is for.
pub enum Out {
    Stderr,
    Stdout,
    File(Box<LogFile>),
}

impl Out {
    /// A file, which is made with these permissions if it is not there, and made anew when somebody moves it away.
    pub fn file(path: PathBuf, mode: u32) -> io::Result<Out> {
        Ok(Out::File(Box::new(LogFile::open(path, mode, None)?)))
    }

    pub fn write(&mut self, text: &[u8]) -> io::Result<()> {
        match self {
            Out::Stderr => io::stderr().lock().write_all(text),
            Out::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(text)?;
                stdout.flush()
            }
            Out::File(file) => file.write(text),
        }
    }
}
