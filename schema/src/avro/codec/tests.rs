use serde::{Deserialize, Serialize};

use super::{Encoder, Plan};
use crate::avro::Schema;

const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
    {"name":"id","type":"long"},
    {"name":"customer","type":{"type":"record","name":"Customer","fields":[
        {"name":"email","type":"string"},{"name":"age","type":["null","int"],"default":null}]}},
    {"name":"items","type":{"type":"array","items":"string"}},
    {"name":"state","type":{"type":"enum","name":"State","symbols":["NEW","PAID"]},"default":"NEW"},
    {"name":"paid","type":["null","double","string"]},
    {"name":"tags","type":{"type":"map","values":"bytes"}}]}"#;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum State {
    #[serde(rename = "NEW")]
    New,
    #[serde(rename = "PAID")]
    Paid,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Customer<'a> {
    age: Option<i32>,
    email: &'a str,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Paid {
    Double(f64),
    String(String),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order<'a> {
    tags: std::collections::BTreeMap<String, Vec<u8>>,
    id: i64,
    #[serde(borrow)]
    customer: Customer<'a>,
    items: Vec<&'a str>,
    state: State,
    paid: Option<Paid>,
}

fn order() -> Order<'static> {
    Order {
        tags: [("a".to_string(), vec![0, 255])].into(),
        id: -5,
        customer: Customer { age: Some(44), email: "a@b.c" },
        items: vec!["x", ""],
        state: State::Paid,
        paid: Some(Paid::Double(0.1)),
    }
}

#[test]
fn a_type_comes_back_whatever_the_order_of_its_fields() {
    let schema = Schema::parse(ORDER).unwrap();
    let plan = Plan::compile(&schema, &schema).unwrap();
    let mut bytes = Vec::new();
    Encoder::new(&schema).unwrap().encode(&order(), &mut bytes).unwrap();
    assert_eq!(plan.decode::<Order>(&bytes).unwrap(), order());
    for end in 0..bytes.len() {
        assert!(plan.decode::<Order>(&bytes[..end]).is_err(), "truncated to {end} bytes");
    }
    bytes.push(0);
    assert!(plan.decode::<Order>(&bytes).unwrap_err().to_string().contains("left over"));
}

#[test]
fn json_that_does_not_fit_says_where() {
    let encoder = Encoder::new(&Schema::parse(ORDER).unwrap()).unwrap();
    for (json, wanted) in [
        (r#"{"id":1,"customer":{"email":5}}"#, "customer.email: expected a string, found 5"),
        (r#"{"items":["a",null]}"#, "items[1]: expected a string, found null"),
        (
            r#"{"paid":{"int":1}}"#,
            r#"paid: expected null or {"double": ...} or {"string": ...}, found {"int": ...}"#,
        ),
        (r#"{"tags":{"k":"é€"}}"#, "tags.k: '€' is not a byte: code points go up to U+00FF"),
        (r#"{"id":1}"#, "shop.Order lacks field customer"),
        (r#"{"nope":1}"#, "shop.Order has no field nope"),
        (r#"{"state":"LOST"}"#, "state: expected one of NEW, PAID, found \"LOST\""),
        (r#"{"id":1"#, "EOF while parsing an object at line 1 column 7"),
    ] {
        let mut out = vec![1];
        let error = encoder.json_to_avro(json, &mut out).unwrap_err();
        assert_eq!(error.to_string(), wanted);
        assert_eq!(out, [1], "nothing is left of a failure");
    }
}

#[test]
fn a_reader_sees_defaults_and_not_what_it_does_not_know() {
    let writer = Schema::parse(ORDER).unwrap();
    let reader = Schema::parse(
        r#"{"type":"record","name":"Order","namespace":"shop","fields":[
        {"name":"note","type":"string","default":"none"},
        {"name":"number","aliases":["id"],"type":"double"},
        {"name":"state","type":{"type":"enum","name":"State","symbols":["NEW","OLD"],"default":"OLD"}}]}"#,
    )
    .unwrap();
    #[derive(Debug, PartialEq, Deserialize)]
    struct Seen<'a> {
        note: &'a str,
        number: f64,
        state: String,
    }
    let mut bytes = Vec::new();
    Encoder::new(&writer).unwrap().encode(&order(), &mut bytes).unwrap();
    let plan = Plan::compile(&writer, &reader).unwrap();
    let seen: Seen = plan.decode(&bytes).unwrap();
    assert_eq!(seen, Seen { note: "none", number: -5.0, state: "OLD".into() });
}

#[test]
fn doubles_come_back_bit_by_bit_through_json() {
    let schema = Schema::parse(r#""double""#).unwrap();
    let plan = Plan::compile(&schema, &schema).unwrap();
    let encoder = Encoder::new(&schema).unwrap();
    let mut seed = 7_u64;
    for _ in 0..20_000 {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let bytes = seed.to_le_bytes();
        let (mut json, mut back) = (Vec::new(), Vec::new());
        plan.to_json(&bytes, &mut json).unwrap();
        encoder.json_to_avro(std::str::from_utf8(&json).unwrap(), &mut back).unwrap();
        let (before, after) = (f64::from_bits(seed), f64::from_le_bytes(back.try_into().unwrap()));
        assert!(before.to_bits() == after.to_bits() || before.is_nan() && after.is_nan());
    }
}

#[test]
fn hostile_data_is_an_error_and_takes_neither_stack_nor_memory() {
    let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    let list = Schema::parse(list).unwrap();
    let plan = Plan::compile(&list, &list).unwrap();
    let mut deep = vec![2; 10_000];
    deep.push(0);
    let mut out = Vec::new();
    assert!(plan.to_json(&deep, &mut out).is_err());
    assert!(plan.decode::<serde_json::Value>(&deep).is_err());
    let json = "{\"next\":{\"L\":".repeat(10_000);
    assert!(Encoder::new(&list).unwrap().json_to_avro(&json, &mut out).is_err());

    let nulls = Schema::parse(r#"{"type":"array","items":"null"}"#).unwrap();
    let plan = Plan::compile(&nulls, &nulls).unwrap();
    let billions = [0x80, 0x80, 0x80, 0x80, 0x10, 0];
    assert!(plan.to_json(&billions, &mut out).is_err());
    assert!(plan.decode::<Vec<()>>(&billions).is_err());
    assert!(out.is_empty());
}

/// Text of each logical type, and what it is stored as.
#[test]
fn logical_types_are_text_to_those_who_want_text() {
    let micros = 1_795_000_000_000_000_i64;
    let (long, int) = (|n: i64| encoded("\"long\"", &n), |n: i32| encoded("\"int\"", &n));
    let bytes = |bytes: &[u8]| encoded("\"bytes\"", bytes);
    let uuid = [
        0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
    ];
    let decimal = r#"{"type":"bytes","logicalType":"decimal","precision":41,"scale":2}"#;
    let money =
        r#"{"type":"fixed","name":"M","size":4,"logicalType":"decimal","precision":9,"scale":2}"#;
    for (schema, text, stored) in [
        (r#"{"type":"int","logicalType":"date"}"#, "2026-11-21", int(20_778)),
        (r#"{"type":"int","logicalType":"date"}"#, "1969-12-31", int(-1)),
        (r#"{"type":"int","logicalType":"time-millis"}"#, "13:14:15.016", int(47_655_016)),
        (r#"{"type":"long","logicalType":"time-micros"}"#, "00:00:00.000001", long(1)),
        (
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
            "2026-11-18T11:06:40Z",
            long(micros / 1000),
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-micros"}"#,
            "1969-12-31T23:59:59.999999Z",
            long(-1),
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-nanos"}"#,
            "2026-11-18T11:06:40.000000007Z",
            long(micros * 1000 + 7),
        ),
        (
            r#"{"type":"long","logicalType":"local-timestamp-millis"}"#,
            "2026-11-18T11:06:40.5",
            long(micros / 1000 + 500),
        ),
        (decimal, "0.00", bytes(&[0])),
        (decimal, "-0.01", bytes(&[0xff])),
        (decimal, "1.28", bytes(&[0, 0x80])),
        (decimal, "-1.28", bytes(&[0x80])),
        (
            decimal,
            "340282366920938463463374607431768211456.00",
            bytes(&[&[0x64][..], &[0; 16]].concat()),
        ),
        (money, "-1.00", vec![0xff, 0xff, 0xff, 0x9c]),
        (
            r#"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#,
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            uuid.to_vec(),
        ),
        (
            r#"{"type":"fixed","name":"D","size":12,"logicalType":"duration"}"#,
            "P14M3DT4.005S",
            vec![14, 0, 0, 0, 3, 0, 0, 0, 0xa5, 0x0f, 0, 0],
        ),
    ] {
        assert_eq!(encoded(schema, text), stored, "{schema}: {text}");
        let parsed = Schema::parse(schema).unwrap();
        let plan = Plan::compile(&parsed, &parsed).unwrap();
        assert_eq!(plan.decode::<String>(&stored).unwrap(), text, "{schema}");
        let optional = format!(r#"["null",{schema}]"#);
        assert_eq!(encoded(&optional, &Some(text))[1..], stored, "{optional}");
    }
}

#[test]
fn text_that_is_not_of_the_logical_type_is_an_error() {
    for (schema, texts) in [
        (r#"{"type":"int","logicalType":"date"}"#, &["", "2026-13-01", "yesterday"][..]),
        (r#"{"type":"long","logicalType":"timestamp-micros"}"#, &["2026-11-18T11:06:40", "5"]),
        (
            r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#,
            &["", ".", "1.234", "1e5", "--1", "1.2.3", "123.45", "100"],
        ),
        (
            r#"{"type":"fixed","name":"M","size":1,"logicalType":"decimal","precision":2}"#,
            &["128", "-129"],
        ),
        (r#"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#, &["6ba7b810", "é"]),
        // no logical type at all: it wants a precision
        (r#"{"type":"fixed","name":"M","size":1,"logicalType":"decimal"}"#, &["1"]),
    ] {
        let encoder = Encoder::new(&Schema::parse(schema).unwrap()).unwrap();
        for text in texts {
            let mut out = Vec::new();
            assert!(encoder.encode(*text, &mut out).is_err(), "{schema}: {text}");
            assert!(out.is_empty());
        }
    }
    let date = Schema::parse(r#"{"type":"int","logicalType":"date"}"#).unwrap();
    let plan = Plan::compile(&date, &date).unwrap();
    let far = encoded("\"int\"", &i32::MAX);
    assert!(plan.decode::<String>(&far).unwrap_err().to_string().contains("out of its logical"));
    assert_eq!(plan.decode::<i32>(&far).unwrap(), i32::MAX, "it is a number all the same");
}

fn encoded<T: Serialize + ?Sized>(schema: &str, value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(&Schema::parse(schema).unwrap()).unwrap().encode(value, &mut out).unwrap();
    out
}

/// A text is not cut to fit a type that it is not of.
#[test]
fn text_goes_to_the_logical_type_that_it_is_of() {
    let union = r#"["null",{"type":"int","logicalType":"date"},
        {"type":"long","logicalType":"local-timestamp-micros"}]"#;
    assert_eq!(encoded(union, &Some("2026-11-21"))[0], 2);
    assert_eq!(encoded(union, &Some("2026-11-21T10:11:12"))[0], 4);
    for (logical, kind, texts) in [
        ("date", "int", &["2026-11-21T10:11:12", "2026-11-21T10:11:12Z", "10:11:12"][..]),
        ("time-millis", "int", &["2026-11-21T10:11:12", "10:11:12Z", "2026-11-21"]),
        ("local-timestamp-millis", "long", &["2026-11-21T10:11:12+05:00", "2026-11-21T10:11:12Z"]),
    ] {
        let schema = format!(r#"{{"type":"{kind}","logicalType":"{logical}"}}"#);
        let encoder = Encoder::new(&Schema::parse(&schema).unwrap()).unwrap();
        for text in texts {
            assert!(encoder.encode(*text, &mut Vec::new()).is_err(), "{logical}: {text}");
        }
    }
}

#[test]
fn the_writers_scale_and_unit_say_what_the_data_is() {
    let decimal = |precision, scale| {
        let properties = format!(r#""precision":{precision},"scale":{scale}"#);
        format!(r#"{{"type":"bytes","logicalType":"decimal",{properties}}}"#)
    };
    let timestamp = |unit| format!(r#"{{"type":"long","logicalType":"timestamp-{unit}"}}"#);
    for (writer, reader, text) in [
        (decimal(5, 2), decimal(9, 4), "12.34"),
        (timestamp("millis"), timestamp("micros"), "2026-11-21T10:11:12Z"),
    ] {
        let data = encoded(&writer, text);
        let (w, r) = (Schema::parse(&writer).unwrap(), Schema::parse(&reader).unwrap());
        let plan = Plan::compile(&w, &r).unwrap();
        assert_eq!(plan.decode::<String>(&data).unwrap(), text, "{reader}");
    }
}

/// Forty records, each twice in the next, and no byte in any of them.
#[test]
fn records_of_nothing_are_counted() {
    let bomb = |default: &str| {
        let mut text = r#"{"type":"record","name":"R0","fields":[]}"#.to_string();
        for i in 1..40 {
            text = format!(
                r#"{{"type":"record","name":"R{i}","fields":[{{"name":"a","type":{text}{default}}},{{"name":"b","type":"R{}"{default}}}]}}"#,
                i - 1
            );
        }
        Schema::parse(&text).unwrap()
    };
    let schema = bomb("");
    let plan = Plan::compile(&schema, &schema).unwrap();
    assert!(plan.decode::<serde::de::IgnoredAny>(&[]).is_err());
    assert!(plan.decode::<std::collections::HashMap<String, serde::de::IgnoredAny>>(&[]).is_err());
    assert!(plan.to_json(&[], &mut Vec::new()).is_err());
    let schema = bomb(r#","default":{}"#);
    let reader = r#"{"type":"record","name":"R39","fields":[]}"#;
    let _ = Plan::compile(&Schema::parse(reader).unwrap(), &schema);
}

#[test]
fn what_is_written_as_a_key_is_read_as_one() {
    use std::collections::BTreeMap;
    fn check<K: Serialize + serde::de::DeserializeOwned + Ord + std::fmt::Debug>(keys: [K; 2]) {
        let schema = Schema::parse(r#"{"type":"map","values":"int"}"#).unwrap();
        let map: BTreeMap<K, i32> = keys.into_iter().zip([1, 2]).collect();
        let mut out = Vec::new();
        Encoder::new(&schema).unwrap().encode(&map, &mut out).unwrap();
        let plan = Plan::compile(&schema, &schema).unwrap();
        assert_eq!(plan.decode::<BTreeMap<K, i32>>(&out).unwrap(), map);
    }
    check(["a".to_string(), String::new()]);
    check([u64::MAX, 0]);
    check([i8::MIN, 5]);
    check([true, false]);
    check(['x', 'é']);
    check([State::New as u8, 7]);
}

#[test]
fn a_number_that_would_come_back_as_another_is_refused() {
    let encoder = |schema: &str| Encoder::new(&Schema::parse(schema).unwrap()).unwrap();
    for (schema, fits, does_not) in [
        ("\"double\"", 1_i64 << 53, (1_i64 << 53) + 1),
        ("\"double\"", i64::MIN, i64::MAX),
        ("\"float\"", 1 << 24, (1 << 24) + 1),
    ] {
        assert!(encoder(schema).encode(&fits, &mut Vec::new()).is_ok());
        assert!(encoder(schema).encode(&does_not, &mut Vec::new()).is_err());
    }
    assert!(encoder("\"float\"").encode(&1e300_f64, &mut Vec::new()).is_err());
    assert!(encoder("\"float\"").encode(&f64::INFINITY, &mut Vec::new()).is_ok());
}
