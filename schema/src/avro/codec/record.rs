//! What a writer must know before it can write: the order of fields, the count of a block.

use super::CodecError;
use super::bytes::write_long;
use super::plan::{OpId, RecordOp};

/// Puts fields in order: those that come in order go straight to the output, from the first that
/// does not all are kept with their places until the record ends.
pub(super) struct RecordWriter<'p> {
    record: &'p RecordOp,
    /// Fields before this one are in the output, in order.
    next: usize,
    late: Vec<Late>,
    late_from: usize,
}

struct Late {
    field: usize,
    start: usize,
    end: usize,
}

impl<'p> RecordWriter<'p> {
    pub(super) fn new(record: &'p RecordOp) -> RecordWriter<'p> {
        RecordWriter { record, next: 0, late: Vec::new(), late_from: 0 }
    }

    /// The same as [`RecordWriter::begin`], for a name that lives as long as the program.
    #[inline]
    pub(super) fn begin_static(
        &mut self,
        name: &'static str,
        out: &[u8],
    ) -> Result<OpId, CodecError> {
        match self.record.fields.get(self.next) {
            Some(field) if self.late.is_empty() && field.seen.is(name, &field.name) => {
                self.next += 1;
                Ok(field.op)
            }
            _ => self.begin(name, out),
        }
    }

    /// Begins the field of this name: its value is to be written next, with the operation.
    pub(super) fn begin(&mut self, name: &str, out: &[u8]) -> Result<OpId, CodecError> {
        let guess = self.record.fields.get(self.next + self.late.len());
        let field = match guess {
            Some(field) if &*field.name == name => self.next + self.late.len(),
            _ => match self.record.index.get(name) {
                Some(field) => *field as usize,
                None => {
                    let record = &self.record.name;
                    return Err(CodecError::new(format!("{record} has no field {name}")));
                }
            },
        };
        if field < self.next || self.late.iter().any(|late| late.field == field) {
            return Err(CodecError::new(format!("field {name} is given twice")));
        }
        if self.late.is_empty() && field == self.next {
            self.next += 1;
        } else {
            if self.late.is_empty() {
                self.late_from = out.len();
            }
            self.late.push(Late { field, start: out.len(), end: out.len() });
        }
        Ok(self.record.fields[field].op)
    }

    /// The value that was begun is written.
    pub(super) fn end(&mut self, out: &[u8]) {
        if let Some(late) = self.late.last_mut() {
            late.end = out.len();
        }
    }

    /// Puts late fields in their places. Fields that were not given take their defaults if
    /// `defaults` says so.
    pub(super) fn finish(mut self, defaults: bool, out: &mut Vec<u8>) -> Result<(), CodecError> {
        if self.next == self.record.fields.len() {
            return Ok(());
        }
        let late = if self.late.is_empty() { Vec::new() } else { out.split_off(self.late_from) };
        self.late.sort_by_key(|l| l.field);
        let mut given = self.late.iter().peekable();
        for (i, field) in self.record.fields.iter().enumerate().skip(self.next) {
            match given.next_if(|l| l.field == i) {
                Some(l) => {
                    out.extend_from_slice(&late[l.start - self.late_from..l.end - self.late_from]);
                }
                None => match &field.default {
                    Some(bytes) if defaults => out.extend_from_slice(bytes),
                    _ => {
                        let record = &self.record.name;
                        let name = &field.name;
                        return Err(CodecError::new(format!("{record} lacks field {name}")));
                    }
                },
            }
        }
        Ok(())
    }
}

/// One block of an array or a map: the count goes in front, if need be once it is known.
pub(super) struct Block {
    start: usize,
    claimed: usize,
    pub(super) total: usize,
}

impl Block {
    /// Begins a block of `claimed` items, as far as anybody knows yet.
    pub(super) fn new(claimed: Option<usize>, out: &mut Vec<u8>) -> Block {
        let block = Block { start: out.len(), claimed: claimed.unwrap_or(0), total: 0 };
        if block.claimed > 0 {
            write_long(block.claimed as i64, out);
        }
        block
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        self.finish_count(out);
        out.push(0);
    }

    /// Puts the right count in front, if it was not known.
    pub(super) fn finish_count(self, out: &mut Vec<u8>) {
        if self.total != self.claimed {
            self.correct(out);
        }
    }

    #[cold]
    fn correct(self, out: &mut Vec<u8>) {
        let (mut claimed, mut count) = (Vec::new(), Vec::with_capacity(4));
        if self.claimed > 0 {
            write_long(self.claimed as i64, &mut claimed);
        }
        if self.total > 0 {
            write_long(self.total as i64, &mut count);
        }
        out.splice(self.start..self.start + claimed.len(), count);
    }
}
