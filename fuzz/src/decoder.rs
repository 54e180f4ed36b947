//! Any bytes as data of some schema, read by another: whatever is read as one thing is read as the
//! others too, and what is written again is read as the same.
//!
//! The first byte says which pair of schemas.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use weir_schema::avro::Schema;
use weir_schema::avro::codec::{Encoder, Plan};

const SCHEMAS: [&str; 6] = [
    r#"{"type":"record","name":"Order","fields":[
        {"name":"id","type":"long"},{"name":"name","type":"string"},
        {"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[
            {"name":"sku","type":"string"},{"name":"count","type":"int","default":1}]}}},
        {"name":"tags","type":{"type":"map","values":["null","bytes"]}},
        {"name":"state","type":{"type":"enum","name":"S","symbols":["A","B","C"],"default":"A"}},
        {"name":"next","type":["null","Order"],"default":null}]}"#,
    r#"{"type":"record","name":"Order","fields":[
        {"name":"more","type":{"type":"array","items":"int"},"default":[1,2]},
        {"name":"name","type":["bytes","null"]},{"name":"id","type":"double"},
        {"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[
            {"name":"count","type":"long","default":1}]}}},
        {"name":"state","type":{"type":"enum","name":"S","symbols":["C","A"],"default":"A"}},
        {"name":"next","type":["null","Order"],"default":null}]}"#,
    r#"{"type":"array","items":{"type":"record","name":"Nothing","fields":[{"name":"n","type":"null"}]}}"#,
    r#"{"type":"record","name":"List","fields":[{"name":"next","type":["null","List"]}]}"#,
    r#"{"type":"record","name":"Logical","fields":[
        {"name":"d","type":{"type":"int","logicalType":"date"}},
        {"name":"t","type":{"type":"long","logicalType":"timestamp-nanos"}},
        {"name":"m","type":{"type":"bytes","logicalType":"decimal","precision":20,"scale":5}},
        {"name":"u","type":{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}},
        {"name":"p","type":{"type":"fixed","name":"P","size":12,"logicalType":"duration"}}]}"#,
    r#"["null","boolean","int","long","float","double","bytes","string",{"type":"map","values":"long"},
        {"type":"fixed","name":"F","size":3}]"#,
];

struct Pair {
    plan: Plan,
    /// Of the reader's schema, to write and read again.
    encoder: Encoder,
    own: Plan,
}

static PAIRS: LazyLock<Vec<Pair>> = LazyLock::new(|| {
    let schemas: Vec<Schema> =
        SCHEMAS.iter().map(|s| Schema::parse(s).expect("a schema")).collect();
    let pairs = [(0, 0), (0, 1), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)];
    pairs
        .map(|(writer, reader): (usize, usize)| Pair {
            plan: Plan::compile(&schemas[writer], &schemas[reader]).expect("a plan"),
            encoder: Encoder::new(&schemas[reader]).expect("an encoder"),
            own: Plan::compile(&schemas[reader], &schemas[reader]).expect("a plan"),
        })
        .into()
});

fuzz_target!(|bytes: &[u8]| {
    let Some((which, data)) = bytes.split_first() else { return };
    let pair = &PAIRS[usize::from(*which) % PAIRS.len()];
    let mut json = Vec::new();
    let written = pair.plan.to_json(data, &mut json);
    let value = pair.plan.decode::<Anything>(data);
    let skipped = pair.plan.decode::<IgnoredAny>(data);
    assert!(skipped.is_ok() || written.is_err(), "what can be read can be passed over");
    assert_eq!(value.is_ok(), written.is_ok(), "{value:?} {written:?}");
    let Ok(()) = written else { return };
    let text = std::str::from_utf8(&json).expect("JSON is UTF-8");
    let mut again = Vec::new();
    if pair.encoder.json_to_avro(text, &mut again).is_ok() {
        let mut same = Vec::new();
        pair.own.to_json(&again, &mut same).expect("what is written is read");
        // fields stand in the order of the data
        let parsed = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).ok();
        assert_eq!(parsed(&same), parsed(&json));
    }
});

/// Takes whatever there is, and looks into it.
#[derive(Debug)]
struct Anything;

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Anything)
    }
}

impl<'de> Visitor<'de> for Anything {
    type Value = Anything;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Anything, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Anything, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Anything, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Anything, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Anything, E> {
        Ok(self)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Anything, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Anything, A::Error> {
        while seq.next_element::<Anything>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Anything, A::Error> {
        while map.next_entry::<Anything, Anything>()?.is_some() {}
        Ok(self)
    }
}
