//! Karapace's backup V3: a folder with `TOPIC.metadata` and `TOPIC:0.data`. Source: the format of Karapace 4
//! and later.
//!
//! The data are records one after the other, each behind its length (four bytes, big-endian), as Avro:
//! key and value (bytes or null), headers, offset, time, and a checksum now and then. The metadata begin
//! with `/V3`, and say how many records there are: fewer are a backup that was cut off. Checksums are not
//! compared.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use weir_registry_core::RawRecord;

use crate::backup_error::{BackupError, Fault};
use crate::error::MigrateError;

const MARK: &[u8] = b"/V3\n";

/// Bytes of one part of a file: more than a broker takes as a record.
const PART_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// A backup that is to be read.
pub struct Backup {
    name: String,
    /// How many records the metadata promise.
    promised: u64,
    data: BufReader<File>,
}

impl Backup {
    /// Finds the backup in a folder, and reads its metadata.
    pub fn open(folder: &Path) -> Result<Backup, BackupError> {
        let (metadata, data) = (one_with(folder, ".metadata")?, one_with(folder, ".data")?);
        let open = |path: &Path| File::open(path).map_err(|error| Fault::Io(error).of(path));
        let promised = records_promised(BufReader::new(open(&metadata)?));
        let promised = promised.map_err(|fault| fault.of(&metadata))?;
        let file = open(&data)?;
        Ok(Backup { name: data.display().to_string(), promised, data: BufReader::new(file) })
    }

    /// Hands on all records, in order, until `each` fails.
    pub fn read(
        mut self,
        each: &mut dyn FnMut(u64, RawRecord) -> Result<(), MigrateError>,
    ) -> Result<(), MigrateError> {
        let mut found = 0;
        let wrong = |record, fault| {
            MigrateError::Backup(BackupError { name: self.name.clone(), record, fault })
        };
        while let Some(bytes) = part(&mut self.data).map_err(|fault| wrong(Some(found), fault))? {
            let (offset, record) =
                record(&bytes).ok_or_else(|| wrong(Some(found), Fault::NoRecord))?;
            each(offset, record)?;
            found += 1;
        }
        match (found, self.promised) {
            (found, promised) if found == promised => Ok(()),
            (found, promised) => Err(wrong(None, Fault::Count { found, promised })),
        }
    }
}

/// The one file in a folder whose name ends so.
fn one_with(folder: &Path, suffix: &'static str) -> Result<PathBuf, BackupError> {
    let entries = folder.read_dir().map_err(|error| Fault::Io(error).of(folder))?;
    let ends =
        |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().ends_with(suffix));
    let mut found = entries.flatten().map(|entry| entry.path()).filter(ends);
    match (found.next(), found.next()) {
        (Some(path), None) => Ok(path),
        (None, _) => Err(Fault::NoFile { suffix }.of(folder)),
        (Some(_), Some(_)) => Err(Fault::SeveralFiles { suffix }.of(folder)),
    }
}

/// Reads the metadata (version, tool, its version, when it began and ended, the number of records, and more).
/// Returns the number of records.
fn records_promised(mut input: impl Read) -> Result<u64, Fault> {
    let mut mark = [0; MARK.len()];
    input.read_exact(&mut mark).map_err(|_| Fault::NoMetadata)?;
    if mark != MARK {
        return Err(Fault::NoMetadata);
    }
    let bytes = part(&mut input)?.ok_or(Fault::NoMetadata)?;
    let mut avro = Avro(&bytes);
    let mut count = || {
        let version = avro.long()?;
        avro.bytes()?;
        avro.bytes()?;
        avro.long()?;
        avro.long()?;
        Some((version, u64::try_from(avro.long()?).ok()?))
    };
    match count() {
        Some((3, count)) => Ok(count),
        Some((version, _)) => Err(Fault::UnknownVersion(version)),
        None => Err(Fault::NoMetadata),
    }
}

/// Reads what stands behind its length. Returns none at the end of the file.
fn part(input: &mut impl Read) -> Result<Option<Vec<u8>>, Fault> {
    let mut length = Vec::new();
    let read = |input: &mut dyn Read, into: &mut Vec<u8>, count: u32| {
        input.take(count.into()).read_to_end(into).map_err(Fault::Io)
    };
    read(input, &mut length, 4)?;
    let length = match <[u8; 4]>::try_from(length.as_slice()) {
        Ok(length) => u32::from_be_bytes(length),
        Err(_) if length.is_empty() => return Ok(None),
        Err(_) => return Err(Fault::EndsWithinLength),
    };
    if length > PART_BYTES_MAX {
        return Err(Fault::TooLong(length));
    }
    let mut bytes = Vec::new();
    match read(input, &mut bytes, length)? == length as usize {
        true => Ok(Some(bytes)),
        false => Err(Fault::EndsWithinPart),
    }
}

/// Returns a record and its offset, or none if the bytes are no record.
fn record(bytes: &[u8]) -> Option<(u64, RawRecord)> {
    let mut avro = Avro(bytes);
    let key = avro.bytes_or_null()?;
    let value = avro.bytes_or_null()?.map(<[u8]>::to_vec);
    let key = key.unwrap_or_default().to_vec();
    avro.skip_headers()?;
    let offset = u64::try_from(avro.long()?).ok()?;
    let timestamp_ms = Some(avro.long()?);
    avro.bytes_or_null()?;
    avro.0.is_empty().then_some((offset, RawRecord { key, value, timestamp_ms }))
}

/// Avro's binary form, from its beginning.
struct Avro<'a>(&'a [u8]);

impl<'a> Avro<'a> {
    fn long(&mut self) -> Option<i64> {
        let mut number: u64 = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some((number >> 1) as i64 ^ -((number & 1) as i64));
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.long()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A union of bytes and null, in this order.
    fn bytes_or_null(&mut self) -> Option<Option<&'a [u8]>> {
        match self.long()? {
            0 => self.bytes().map(Some),
            1 => Some(None),
            _ => None,
        }
    }

    /// An array of pairs of bytes, in blocks.
    fn skip_headers(&mut self) -> Option<()> {
        loop {
            let count = self.long()?;
            if count == 0 {
                return Some(());
            }
            if count < 0 {
                self.long()?; // the block's bytes
            }
            for _ in 0..count.unsigned_abs() {
                self.bytes()?;
                self.bytes()?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(number: i64) -> Vec<u8> {
        let mut rest = ((number << 1) ^ (number >> 63)) as u64;
        let mut bytes = Vec::new();
        loop {
            let byte = (rest & 0x7f) as u8;
            rest >>= 7;
            if rest == 0 {
                bytes.push(byte);
                return bytes;
            }
            bytes.push(byte | 0x80);
        }
    }

    fn bytes(value: &[u8]) -> Vec<u8> {
        [long(value.len() as i64), value.to_vec()].concat()
    }

    fn or_null(value: Option<&[u8]>) -> Vec<u8> {
        match value {
            Some(value) => [long(0), bytes(value)].concat(),
            None => long(1),
        }
    }

    fn sized(part: Vec<u8>) -> Vec<u8> {
        [&(part.len() as u32).to_be_bytes()[..], &part].concat()
    }

    fn encoded(key: Option<&[u8]>, value: Option<&[u8]>, offset: i64) -> Vec<u8> {
        let headers = [long(1), bytes(b"name"), bytes(b"value"), long(0)].concat();
        let rest = [long(offset), long(1_700_000_000_000), or_null(Some(b"12345678"))].concat();
        sized([or_null(key), or_null(value), headers, rest].concat())
    }

    fn metadata(count: i64) -> Vec<u8> {
        let times = [long(1_700_000_000_000), long(1_700_000_000_001)].concat();
        let head = [long(3), bytes(b"karapace"), bytes(b"4.0"), times, long(count)].concat();
        [MARK, &sized([head, bytes(b"_schemas")].concat())[..]].concat()
    }

    fn folder(metadata: &[u8], data: &[u8]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("_schemas.metadata"), metadata).unwrap();
        std::fs::write(folder.path().join("_schemas:0.data"), data).unwrap();
        folder
    }

    fn read(folder: &Path) -> Result<Vec<(u64, RawRecord)>, String> {
        let mut records = Vec::new();
        let backup = Backup::open(folder).map_err(|error| error.to_string())?;
        let read = backup.read(&mut |offset, record| {
            records.push((offset, record));
            Ok(())
        });
        read.map(|()| records).map_err(|error| error.to_string())
    }

    #[test]
    fn a_backup_is_read() {
        let records = [encoded(Some(b"k"), Some(b"v"), 7), encoded(None, None, 300)].concat();
        let folder = folder(&metadata(2), &records);
        let record = |key: &[u8], value: Option<&[u8]>| RawRecord {
            key: key.to_vec(),
            value: value.map(<[u8]>::to_vec),
            timestamp_ms: Some(1_700_000_000_000),
        };
        let expected = vec![(7, record(b"k", Some(b"v"))), (300, record(b"", None))];
        assert_eq!(read(folder.path()), Ok(expected));
    }

    #[test]
    fn what_is_wrong_with_a_backup_is_named() {
        let record = encoded(Some(b"k"), Some(b"v"), 7);
        for (metadata, data, named) in [
            (metadata(2), record.clone(), "promise 2"),
            (metadata(1), record[..record.len() - 1].to_vec(), "ends within a record"),
            (metadata(1), vec![0, 0], "ends within a length"),
            (metadata(1), vec![0xff; 8], "more than a record has"),
            (metadata(1), sized(vec![9; 9]), "record 0: it is not"),
            (b"/V2\n".to_vec(), record.clone(), "not the metadata"),
            (MARK.to_vec(), record.clone(), "not the metadata"),
        ] {
            let error = read(folder(&metadata, &data).path()).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
        let empty = tempfile::tempdir().unwrap();
        assert!(read(empty.path()).unwrap_err().contains(".metadata"));
    }
}
