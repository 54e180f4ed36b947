//! Parsing Canonical Form and its fingerprints. Source: Apache Avro's `SchemaNormalization`.

use std::collections::HashSet;
use std::fmt::Write;

use md5::Md5;
use sha2::{Digest, Sha256};

use super::{Kind, NodeId, Schema};

/// The three fingerprints of a schema's Parsing Canonical Form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprints {
    /// CRC-64-AVRO (Rabin), as the number that Java's `fingerprint64` returns.
    pub crc64: u64,
    pub md5: [u8; 16],
    pub sha256: [u8; 32],
}

impl Schema {
    /// The Parsing Canonical Form: what matters for reading data, and nothing else. Logical types
    /// are not part of it.
    pub fn parsing_canonical_form(&self) -> String {
        let mut out = String::new();
        let mut known: HashSet<&str> = HashSet::new();
        let mut tasks = vec![Task::Node(self.root())];
        while let Some(task) = tasks.pop() {
            match task {
                Task::Text(text) => out.push_str(text),
                Task::FieldHead(name, first) => {
                    let comma = if first { "" } else { "," };
                    let _ = write!(out, "{comma}{{\"name\":\"{name}\",\"type\":");
                }
                Task::Node(id) => self.canonical_node(id, &mut known, &mut out, &mut tasks),
            }
        }
        out
    }

    pub fn fingerprints(&self) -> Fingerprints {
        let form = self.parsing_canonical_form();
        Fingerprints {
            crc64: crc64_avro(form.as_bytes()),
            md5: Md5::digest(form.as_bytes()).into(),
            sha256: Sha256::digest(form.as_bytes()).into(),
        }
    }

    fn canonical_node<'a>(
        &'a self,
        id: NodeId,
        known: &mut HashSet<&'a str>,
        out: &mut String,
        tasks: &mut Vec<Task<'a>>,
    ) {
        let kind = self.kind(id);
        if let Some(named) = kind.named() {
            let full = named.name.full();
            if !known.insert(full) {
                let _ = write!(out, "\"{full}\"");
                return;
            }
            let _ = write!(out, "{{\"name\":\"{full}\",\"type\":\"{}\"", kind.type_name());
        }
        match kind {
            Kind::Record(record) => {
                out.push_str(",\"fields\":[");
                tasks.push(Task::Text("]}"));
                for (i, field) in record.fields.iter().enumerate().rev() {
                    tasks.push(Task::Text("}"));
                    tasks.push(Task::Node(field.node));
                    tasks.push(Task::FieldHead(&field.name, i == 0));
                }
            }
            Kind::Enum(e) => {
                let _ = write!(out, ",\"symbols\":[");
                for (i, symbol) in e.symbols.iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    let _ = write!(out, "{comma}\"{symbol}\"");
                }
                out.push_str("]}");
            }
            Kind::Fixed(fixed) => {
                let _ = write!(out, ",\"size\":{}}}", fixed.size);
            }
            Kind::Array(child) | Kind::Map(child) => {
                out.push_str(match kind {
                    Kind::Array(_) => "{\"type\":\"array\",\"items\":",
                    _ => "{\"type\":\"map\",\"values\":",
                });
                tasks.push(Task::Text("}"));
                tasks.push(Task::Node(*child));
            }
            Kind::Union(branches) => {
                out.push('[');
                tasks.push(Task::Text("]"));
                for (i, branch) in branches.iter().enumerate().rev() {
                    tasks.push(Task::Node(*branch));
                    if i > 0 {
                        tasks.push(Task::Text(","));
                    }
                }
            }
            primitive => {
                let _ = write!(out, "\"{}\"", primitive.type_name());
            }
        }
    }
}

enum Task<'a> {
    Node(NodeId),
    Text(&'static str),
    FieldHead(&'a str, bool),
}

const EMPTY: u64 = 0xc15d_213a_a4d7_a795;

const TABLE: [u64; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut fp = i as u64;
        let mut bit = 0;
        while bit < 8 {
            fp = (fp >> 1) ^ (EMPTY & (fp & 1).wrapping_neg());
            bit += 1;
        }
        table[i] = fp;
        i += 1;
    }
    table
};

/// The Rabin fingerprint that Avro's specification recommends.
pub fn crc64_avro(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(EMPTY, |crc, byte| (crc >> 8) ^ TABLE[((crc ^ u64::from(*byte)) & 0xff) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logical_type_is_not_part_of_the_form() {
        let date = Schema::parse(r#"{"type":"int","logicalType":"date"}"#).unwrap();
        assert_eq!(date.parsing_canonical_form(), r#""int""#);
        assert_eq!(date.fingerprints(), Schema::parse(r#""int""#).unwrap().fingerprints());
        // the value of Avro's specification for "int", printed there in the order of its bytes
        assert_eq!(date.fingerprints().crc64.swap_bytes(), 0x8f5c_393f_1ad5_7572);
    }
}
