//! A dump: a record a line (`line.rs`), or what others have made (`foreign.rs`).

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use weir_registry_core::RawRecord;

use crate::error::{DumpError, MigrateError};
use crate::foreign::{self, Format};
use crate::line::Line;
use crate::place::Store;

/// Hands on the records of a dump in any of the forms that are understood. Errors begin with `name`.
pub fn read(
    name: &str,
    input: impl Read,
    each: &mut dyn FnMut(u64, RawRecord) -> Result<(), MigrateError>,
) -> Result<(), MigrateError> {
    let mut input = BufReader::new(input);
    let mut next = 0;
    let mut counted = |(offset, record): (Option<u64>, RawRecord)| {
        let offset = offset.unwrap_or(next);
        next = offset + 1;
        each(offset, record)
    };
    let unread = |error| MigrateError::File { name: name.to_string(), error };
    let wrong = |line, error| MigrateError::Dump { name: name.to_string(), line, error };
    if begins_with(&mut input, b'[').map_err(unread)? {
        let records = foreign::array(input).map_err(|error| wrong(None, error))?;
        return records.into_iter().try_for_each(|record| counted((None, record)));
    }
    let mut format = None;
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if input.read_until(b'\n', &mut line).map_err(unread)? == 0 {
            break;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.is_empty() {
            continue;
        }
        let at_line = |error: DumpError| wrong(Some(number), error);
        let format = match format {
            Some(format) => format,
            None => {
                let found = Format::of(text).map_err(at_line)?;
                format = Some(found);
                if found == Format::Hex {
                    continue; // the first line only says so
                }
                found
            }
        };
        let record = match format {
            Format::Lines => Line::read(text),
            Format::Hex => foreign::hex(text).map(|record| (None, record)),
            Format::Console => foreign::console(text),
        };
        counted(record.map_err(at_line)?)?;
    }
    Ok(())
}

fn begins_with(input: &mut impl BufRead, byte: u8) -> io::Result<bool> {
    Ok(input.fill_buf()?.first() == Some(&byte))
}

/// A dump that is being written. A file gets its name when it is whole.
pub struct Writer {
    out: BufWriter<Box<dyn Write>>,
    /// What errors call it.
    name: String,
    /// None where the dump goes through a pipe.
    file: Option<Partial>,
}

/// A file that is not whole yet.
struct Partial {
    path: PathBuf,
    /// What it is called once it is whole.
    whole: PathBuf,
}

impl Writer {
    /// A dump that goes to stdout.
    pub fn stdout() -> Writer {
        Writer { out: BufWriter::new(Box::new(io::stdout())), name: "stdout".into(), file: None }
    }

    /// A dump in a file. Refuses one that has something in it, unless `force`.
    pub fn file(path: &Path, force: bool) -> Result<Writer, MigrateError> {
        let has_something = fs::metadata(path).is_ok_and(|known| known.len() > 0);
        if has_something && !force {
            return Err(MigrateError::Exists(Store::File(path.to_path_buf())));
        }
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(".partial");
        let whole = path.to_path_buf();
        let partial = Partial { path: path.with_file_name(name), whole };
        let name = path.display().to_string();
        let file = match File::create(&partial.path) {
            Ok(file) => file,
            Err(error) => return Err(MigrateError::File { name, error }),
        };
        Ok(Writer { out: BufWriter::new(Box::new(file)), name, file: Some(partial) })
    }

    /// Writes one record.
    pub fn push(&mut self, offset: u64, record: &RawRecord) -> Result<(), MigrateError> {
        Line::write(offset, record, &mut self.out).map_err(|error| self.unwritten(error))
    }

    /// Ends the dump: it is whole, and on the disk.
    pub fn finish(mut self) -> Result<(), MigrateError> {
        self.out.flush().map_err(|error| self.unwritten(error))?;
        let Some(Partial { path, whole }) = &self.file else { return Ok(()) };
        let named = File::open(path)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(path, whole));
        named.map_err(|error| self.unwritten(error))?;
        self.file = None;
        Ok(())
    }

    fn unwritten(&self, error: io::Error) -> MigrateError {
        MigrateError::File { name: self.name.clone(), error }
    }
}

impl Drop for Writer {
    /// Removes a dump that is not whole: half of one is none.
    fn drop(&mut self) {
        if let Some(Partial { path, .. }) = &self.file {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_record_is_named_by_its_line() {
        let read = |text: &str| {
            let read = read("dump.json", text.as_bytes(), &mut |_, _| Ok(()));
            read.map_err(|error| error.to_string())
        };
        let line = "{\"key\":{},\"value\":{}}\n";
        assert_eq!(read(line), Ok(()));
        assert!(read(&format!("{line}rubbish")).unwrap_err().starts_with("dump.json: line 2: "));
        assert_eq!(read("{\"value\":1}").unwrap_err(), "dump.json: line 1: there is no key");
        assert!(read("/V3\n").unwrap_err().contains("V3"));
        assert_eq!(read(""), Ok(()));
    }
}
