//! Any text as Avro's JSON of a schema: what is taken is written so that it reads back as JSON that is
//! taken again, as the same.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use weir_schema::avro::Schema;
use weir_schema::avro::codec::{Encoder, Plan};

static CODEC: LazyLock<(Encoder, Plan)> = LazyLock::new(|| {
    let schema = r#"{"type":"record","name":"Order","fields":[
        {"name":"id","type":"long"},{"name":"name","type":["null","string","double"]},
        {"name":"items","type":{"type":"array","items":"float"}},
        {"name":"tags","type":{"type":"map","values":"bytes"}},
        {"name":"state","type":{"type":"enum","name":"S","symbols":["A","B"]}},
        {"name":"hash","type":{"type":"fixed","name":"F","size":2}},
        {"name":"next","type":["null","Order"]}]}"#;
    let schema = Schema::parse(schema).expect("a schema");
    let plan = Plan::compile(&schema, &schema).expect("a plan");
    (Encoder::new(&schema).expect("an encoder"), plan)
});

fuzz_target!(|text: &str| {
    let (encoder, plan) = &*CODEC;
    let mut data = Vec::new();
    if encoder.json_to_avro(text, &mut data).is_err() {
        assert!(data.is_empty(), "nothing is left of a failure");
        return;
    }
    assert!(data.len() <= text.len() * 10, "data is no longer than a multiple of its text");
    let mut json = Vec::new();
    plan.to_json(&data, &mut json).expect("what is written is read");
    let json = String::from_utf8(json).expect("JSON is UTF-8");
    let mut again = Vec::new();
    encoder.json_to_avro(&json, &mut again).expect("what is read is taken");
    // a NaN is a NaN, whatever its bits
    let mut same = Vec::new();
    plan.to_json(&again, &mut same).expect("what is written is read");
    assert_eq!(String::from_utf8_lossy(&same), json);
});
