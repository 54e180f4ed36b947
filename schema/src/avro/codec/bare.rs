//! Payloads of records: Avro data, but for a schema that is `bytes` at the top. Confluent's Java
//! serializer writes those without their length, a decimal on bytes too, and its deserializer takes all
//! that the payload has after the schema's id. Source: Confluent's `AbstractKafkaAvroSerializer` and
//! `AbstractKafkaAvroDeserializer`.
//!
//! An [`Encoder`] or a [`Plan`] that was made for payloads does the same wherever it writes or reads:
//! serde types, derived types, JSON, apache-avro's values.

use super::bytes::Input;
use super::plan::{Encoder, Plan};
use super::{CodecError, CompileError};
use crate::avro::{Kind, Schema};

impl Encoder {
    /// Writes the payloads of records: as [`Encoder::new`], but for top-level `bytes`, whose length is
    /// left out.
    pub fn for_payloads(schema: &Schema) -> Result<Encoder, CompileError> {
        Ok(Encoder { plan: Plan::for_payloads(schema, schema)? })
    }

    /// Ends what was begun at `start` of `out`. After an error `out` is as it was.
    #[inline]
    pub(super) fn end(
        &self,
        result: Result<(), CodecError>,
        start: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        match &result {
            Err(_) => out.truncate(start),
            Ok(()) if self.plan.bare => drop_length(start, out),
            Ok(()) => {}
        }
        result
    }
}

impl Plan {
    /// Reads the payloads of records: as [`Plan::compile`], but that a writer's top-level `bytes` are all
    /// that the payload has.
    pub fn for_payloads(writer: &Schema, reader: &Schema) -> Result<Plan, CompileError> {
        let mut plan = Plan::compile(writer, reader)?;
        plan.bare = is_bytes(writer);
        Ok(plan)
    }

    #[inline]
    pub(super) fn input<'de>(&self, data: &'de [u8]) -> Input<'de> {
        match self.bare {
            true => Input::bare(data),
            false => Input::new(data),
        }
    }
}

/// Whether a schema's payloads are written without a length.
pub(super) fn is_bytes(schema: &Schema) -> bool {
    matches!(schema.kind(schema.root()), Kind::Bytes)
}

/// Takes the length away that stands at `start`, before the bytes. Not inlined: few schemas are of bytes.
#[inline(never)]
pub(super) fn drop_length(start: usize, out: &mut Vec<u8>) {
    let continued = out[start..].iter().take_while(|byte| **byte >= 0x80).count();
    out.drain(start..out.len().min(start + continued + 1));
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECIMAL: &str = r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}"#;

    fn schema(text: &str) -> Schema {
        Schema::parse(text).unwrap()
    }

    fn payload(text: &str, value: &impl serde::Serialize) -> Vec<u8> {
        let mut out = b"prefix".to_vec();
        Encoder::for_payloads(&schema(text)).unwrap().encode(value, &mut out).unwrap();
        out.split_off(6)
    }

    #[test]
    fn bytes_at_the_top_are_all_that_the_payload_has() {
        for length in [0, 1, 63, 64, 100, 8191, 8192, 100_000] {
            let bytes = vec![0xff_u8; length];
            assert_eq!(payload("\"bytes\"", &bytes), bytes);
            let plan = Plan::for_payloads(&schema("\"bytes\""), &schema("\"bytes\"")).unwrap();
            assert_eq!(plan.decode::<Vec<u8>>(&bytes).unwrap(), bytes);
        }
        assert_eq!(payload(DECIMAL, &"-1.28"), [0x80]);
        let plan = Plan::for_payloads(&schema(DECIMAL), &schema(DECIMAL)).unwrap();
        assert_eq!(plan.decode::<String>(&[0x80]).unwrap(), "-1.28");
    }

    #[test]
    fn bytes_that_are_read_as_something_else_are_all_there_is_too() {
        let writer = schema("\"bytes\"");
        for reader in ["\"string\"", r#"["null","bytes"]"#, r#"["null","string"]"#] {
            let plan = Plan::for_payloads(&writer, &schema(reader)).unwrap();
            assert_eq!(
                plan.decode::<Option<&str>>(b"\x06abc").unwrap(),
                Some("\x06abc"),
                "{reader}"
            );
            assert_eq!(plan.decode::<Option<&str>>(b"").unwrap(), Some(""), "{reader}");
        }
        let plan = Plan::for_payloads(&writer, &schema("\"string\"")).unwrap();
        assert!(plan.decode::<String>(b"\xff").is_err(), "no UTF-8");
        let plan = Plan::for_payloads(&writer, &schema("\"int\"")).unwrap();
        assert!(plan.decode::<i32>(b"\x02").is_err());
    }

    #[test]
    fn other_schemas_have_avros_length() {
        assert_eq!(payload("\"string\"", &"abc"), b"\x06abc");
        assert_eq!(payload(r#"["null","bytes"]"#, &b"abc"), b"\x02\x06abc");
        let plan = Plan::for_payloads(&schema("\"string\""), &schema("\"bytes\"")).unwrap();
        assert_eq!(plan.decode::<&[u8]>(b"\x06abc").unwrap(), b"abc");
    }

    #[test]
    fn json_is_written_and_read_alike() {
        let encoder = Encoder::for_payloads(&schema("\"bytes\"")).unwrap();
        let mut out = vec![0];
        encoder.json_to_avro("\"\u{ff}abc\"", &mut out).unwrap();
        assert_eq!(out, b"\0\xffabc");
        let plan = Plan::for_payloads(&schema("\"bytes\""), &schema("\"bytes\"")).unwrap();
        let mut json = Vec::new();
        plan.to_json(b"\xffabc", &mut json).unwrap();
        assert_eq!(json, "\"\u{ff}abc\"".as_bytes());
    }
}
