//! What a writer must know before it can write: the order of fields, the count of a block.

use super::CodecError;
use super::bytes::write_long;
use super::plan::{OpId, RecordOp, Step};

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
        match self.record.steps[field] {
            Step::Read { op, .. } => Ok(op),
            _ => unreachable!("an encoder reads every field, in order"),
        }
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

/// One block of an array or a map: the count goes in front once it is known.
pub(super) struct Block {
    start: usize,
    pub(super) total: usize,
}

impl Block {
    pub(super) fn new(out: &[u8]) -> Block {
        Block { start: out.len(), total: 0 }
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        if self.total > 0 {
            let mut count = Vec::with_capacity(4);
            write_long(self.total as i64, &mut count);
            out.splice(self.start..self.start, count);
        }
        out.push(0);
    }
}
