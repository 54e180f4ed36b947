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
