//! `#[derive(Avro)]`: the schema is what one would write, and straight code and plans agree.
#![allow(clippy::unwrap_used)] // how a test fails
#![allow(dead_code)] // types of which only the schema counts

mod shapes;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weir_schema::avro::Schema;
use weir_schema::avro::codec::typed::{AvroRead, AvroWrite, TypeSchema, decode, encode};
use weir_schema::avro::codec::{Encoder, Plan};
use weir_schema_derive::Avro;

/// A customer's order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed", namespace = "shop", aliases = ["Purchase"])]
#[serde(rename_all = "camelCase")]
struct Order {
    /// Never given twice.
    order_id: i64,
    #[avro(logical_type = "timestamp-micros")]
    placed_at: i64,
    customer: Customer,
    second: Option<Customer>,
    items: Vec<Item>,
    tags: BTreeMap<String, Vec<u8>>,
    state: State,
    payment: Payment,
    #[avro(default = "1.5", aliases = ["ratio"])]
    rate: f64,
    #[serde(skip)]
    cached: u64,
    #[serde(rename = "kind")]
    r#type: Option<i32>,
    hash: [u8; 4],
    parent: Option<Box<Order>>,
    exact: bool,
    small: f32,
    nothing: (),
    #[avro(logical_type = "decimal(10, 2)")]
    price: Vec<u8>,
    short: i16,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Customer {
    email: String,
    age: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Item {
    name: String,
    sizes: Vec<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed", default = "NEW")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum State {
    New,
    PaidInFull,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
enum Payment {
    Null,
    Card(Card),
    Customer(Customer),
    String(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Card {
    number: String,
}

const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","doc":"A customer's order.","fields":[
{"name":"orderId","type":"long","doc":"Never given twice."},
{"name":"placedAt","type":{"type":"long","logicalType":"timestamp-micros"}},
{"name":"customer","type":{"type":"record","name":"Customer","fields":[
{"name":"email","type":"string"},
{"name":"age","type":["null","int"],"default":null}]}},
{"name":"second","type":["null","shop.Customer"],"default":null},
{"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[
{"name":"name","type":"string"},
{"name":"sizes","type":{"type":"array","items":"int"}}]}}},
{"name":"tags","type":{"type":"map","values":"bytes"}},
{"name":"state","type":{"type":"enum","name":"State","symbols":["NEW","PAID_IN_FULL"],"default":"NEW"}},
{"name":"payment","type":["null",{"type":"record","name":"Card","fields":[
{"name":"number","type":"string"}]},"shop.Customer","string"],"default":null},
{"name":"rate","type":"double","default":1.5,"aliases":["ratio"]},
{"name":"kind","type":["null","int"],"default":null},
{"name":"hash","type":{"type":"fixed","name":"Fixed4","size":4}},
{"name":"parent","type":["null","shop.Order"],"default":null},
{"name":"exact","type":"boolean"},
{"name":"small","type":"float"},
{"name":"nothing","type":"null"},
{"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
{"name":"short","type":"int"}],"aliases":["Purchase"]}"#;

fn order() -> Order {
    let customer = Customer { email: "ada@example.org".into(), age: Some(36) };
    let inner = Order {
        order_id: -3,
        placed_at: 1_795_000_000_000_000,
        customer: Customer { email: String::new(), age: None },
        second: Some(customer.clone()),
        items: vec![],
        tags: BTreeMap::new(),
        state: State::New,
        payment: Payment::Null,
        rate: -0.0,
        cached: 0,
        r#type: Some(i32::MIN),
        hash: [0, 1, 2, 255],
        parent: None,
        exact: false,
        small: 1.5,
        nothing: (),
        price: vec![],
        short: -300,
    };
    Order {
        items: vec![
            Item { name: "gauge".into(), sizes: vec![1, -70_000, i32::MAX] },
            Item { name: "é".into(), sizes: vec![] },
        ],
        tags: [("a".into(), vec![0, 255]), ("b".into(), vec![])].into(),
        state: State::PaidInFull,
        payment: Payment::Card(Card { number: "4111".into() }),
        parent: Some(Box::new(Order { payment: Payment::String("cash".into()), ..inner.clone() })),
        exact: true,
        ..inner
    }
}

#[test]
fn the_schema_is_what_one_would_write() {
    let own = TypeSchema::of::<Order>().unwrap();
    assert_eq!(own.text, ORDER.replace('\n', ""));
    assert_eq!(own.text.replace("shop.", ""), own.schema.canonical(), "as a registry prints it");
}

/// Straight code and the plan write the same bytes and read the same value, all of them and no fewer.
fn agree<T>(value: &T)
where
    T: Serialize + DeserializeOwned + AvroWrite + for<'de> AvroRead<'de> + PartialEq + Debug,
{
    let own = TypeSchema::of::<T>().unwrap();
    let plan = Plan::compile(&own.schema, &own.schema).unwrap();
    assert!(own.is_straight() && own.reads(&plan) && own.writes(&own.schema));
    let (mut straight, mut planned) = (Vec::new(), Vec::new());
    encode(value, &mut straight).unwrap();
    Encoder::new(&own.schema).unwrap().encode(value, &mut planned).unwrap();
    assert_eq!(straight, planned);
    assert_eq!(&decode::<T>(&straight).unwrap(), value);
    assert_eq!(&plan.decode::<T>(&straight).unwrap(), value);
    for end in 0..straight.len() {
        let (ours, plans) = (decode::<T>(&straight[..end]), plan.decode::<T>(&straight[..end]));
        assert!(ours.is_err() && plans.is_err(), "of {} bytes {end} were enough", straight.len());
    }
    straight.push(0);
    assert!(decode::<T>(&straight).unwrap_err().reason().contains("left over"));
}

#[test]
fn straight_code_and_plans_agree() {
    agree(&order());
    for payment in [Payment::Null, Payment::Customer(order().customer), Payment::String("é".into())]
    {
        agree(&Order { payment, ..order() });
    }
}

#[test]
fn a_damaged_byte_is_read_alike_by_both() {
    let own = TypeSchema::of::<Order>().unwrap();
    let plan = Plan::compile(&own.schema, &own.schema).unwrap();
    let mut bytes = Vec::new();
    encode(&order(), &mut bytes).unwrap();
    for place in 0..bytes.len() {
        for value in [0, 1, 2, 0x7f, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[place] = value;
            let (ours, plans) = (decode::<Order>(&damaged), plan.decode::<Order>(&damaged));
            assert_eq!(ours.is_err(), plans.is_err(), "{place}: {value}: {ours:?} {plans:?}");
            if let (Ok(ours), Ok(plans)) = (ours, plans) {
                let (ours, plans) = (format!("{ours:?}"), format!("{plans:?}")); // NaN is not NaN
                assert_eq!(ours, plans);
            }
        }
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Seen<'a> {
    #[serde(borrow)]
    name: &'a str,
    #[serde(borrow)]
    note: Cow<'a, str>,
    #[serde(borrow)]
    words: Vec<&'a str>,
}

#[test]
fn text_is_borrowed_from_the_data() {
    let seen = Seen { name: "gauge", note: "x".into(), words: vec!["a", "b"] };
    let mut bytes = Vec::new();
    encode(&seen, &mut bytes).unwrap();
    let back: Seen = decode(&bytes).unwrap();
    assert_eq!(back, seen);
    assert!(bytes.as_ptr_range().contains(&back.name.as_ptr()));
    assert!(matches!(back.note, Cow::Borrowed(_)));
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Shipped {
    #[avro(schema = r#"{"type":"int","logicalType":"date"}"#)]
    on: jiff::civil::Date,
}

#[test]
fn a_type_with_a_field_that_only_serde_knows_goes_over_plans() {
    let own = TypeSchema::of::<Shipped>().unwrap();
    let plan = Plan::compile(&own.schema, &own.schema).unwrap();
    assert!(!own.is_straight() && !own.reads(&plan));
    let shipped = Shipped { on: jiff::civil::date(2026, 11, 21) };
    let mut bytes = Vec::new();
    assert!(encode(&shipped, &mut bytes).is_err() && bytes.is_empty());
    Encoder::new(&own.schema).unwrap().encode(&shipped, &mut bytes).unwrap();
    assert!(decode::<Shipped>(&bytes).is_err());
    assert_eq!(plan.decode::<Shipped>(&bytes).unwrap(), shipped);
}

#[test]
fn only_what_is_the_same_byte_for_byte_is_read_straight() {
    let own = TypeSchema::of::<Card>().unwrap();
    let straight = |writer: &str| {
        let writer = Schema::parse(writer).unwrap();
        let plan = Plan::compile(&writer, &own.schema).unwrap();
        assert_eq!(own.reads(&plan), own.writes(&writer), "{plan:?}");
        own.reads(&plan)
    };
    let record =
        |name, fields| format!(r#"{{"type":"record","name":"{name}","fields":[{fields}]}}"#);
    assert!(straight(&record("Card", r#"{"name":"number","type":"string","doc":"x"}"#)));
    assert!(straight(&record("Other", r#"{"name":"number","type":"string"}"#)));
    for fields in [
        r#"{"name":"number","type":["null","string"]}"#,
        r#"{"name":"number","type":"bytes"},{"name":"more","type":"int"}"#,
        r#"{"name":"more","type":"int"},{"name":"number","type":"string"}"#,
    ] {
        assert!(!straight(&record("Card", fields)), "{fields}");
    }
}

mod other {
    use super::*;

    #[derive(Avro)]
    #[avro(typed = "weir_schema::avro::codec::typed")]
    pub struct Card {
        pub holder: String,
    }
}

#[derive(Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Both {
    one: Card,
    two: other::Card,
}

#[derive(Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
enum Misnamed {
    Paper(Card),
}

#[derive(Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Wrong {
    #[avro(default = "\"x\"")]
    count: i32,
}

#[test]
fn a_schema_that_cannot_be_is_an_error() {
    let error = TypeSchema::of::<Both>().unwrap_err().0;
    assert!(error.ends_with("are both called Card"), "{error}");
    let error = TypeSchema::of::<Misnamed>().unwrap_err().0;
    assert_eq!(error, "the variant Paper holds Card: it has to be called that");
    let error = TypeSchema::of::<Wrong>().unwrap_err().0;
    assert!(error.contains("count"), "{error}");
}

#[test]
fn values_nested_without_end_are_an_error() {
    #[derive(Debug, Serialize, Deserialize, Avro)]
    #[avro(typed = "weir_schema::avro::codec::typed")]
    struct List {
        next: Option<Box<List>>,
    }
    let mut deep = vec![2; 100_000];
    deep.push(0);
    let error = decode::<List>(&deep).unwrap_err();
    assert!(error.reason().contains("nested deeper"), "{error}");
    let mut list = List { next: None };
    for _ in 0..1_000 {
        list = List { next: Some(Box::new(list)) };
    }
    let mut out = Vec::new();
    assert!(encode(&list, &mut out).unwrap_err().reason().contains("nested deeper"));
    assert!(out.is_empty());
}

/// Names that the derived code uses itself, and a default that serde would take from elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Names {
    input: String,
    depth: i32,
    out: Vec<i32>,
    schema: bool,
    #[serde(skip, default = "seven")]
    value: u32,
}

fn seven() -> u32 {
    7
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
#[serde(default)]
struct Preset {
    given: i32,
    #[serde(skip)]
    preset: u32,
}

impl Default for Preset {
    fn default() -> Preset {
        Preset { given: 0, preset: 9 }
    }
}

#[test]
fn fields_may_be_called_anything_and_what_is_skipped_has_serdes_default() {
    agree(&Names { input: "a".into(), depth: -1, out: vec![5], schema: true, value: 7 });
    agree(&Preset { given: 3, preset: 9 });
}

#[test]
fn two_variants_of_one_name_are_an_error() {
    #[derive(Avro)]
    #[avro(typed = "weir_schema::avro::codec::typed", name = "C")]
    struct One {
        a: i32,
    }
    #[derive(Avro)]
    #[avro(typed = "weir_schema::avro::codec::typed", name = "C", namespace = "m")]
    struct Two {
        a: i32,
    }
    #[derive(Avro)]
    #[avro(typed = "weir_schema::avro::codec::typed")]
    #[allow(non_camel_case_types)]
    enum Either {
        C(One),
        c(Two),
    }
    let error = TypeSchema::of::<Either>().unwrap_err().0;
    assert_eq!(error, "two variants are called c, but for case");
}

#[test]
fn a_logical_type_that_avro_would_pass_over_is_an_error() {
    macro_rules! check {
        ($($logical:literal on $rust:ty: $is_known:literal),*) => {$({
            #[derive(Avro)]
            #[avro(typed = "weir_schema::avro::codec::typed")]
            struct Typed {
                #[avro(logical_type = $logical)]
                field: $rust,
            }
            assert_eq!(TypeSchema::of::<Typed>().is_ok(), $is_known, "{} on {}", $logical, stringify!($rust));
        })*};
    }
    check! {
        "date" on i32: true, "timestamp-nanos" on i64: true, "uuid" on String: true,
        "uuid" on [u8; 16]: true, "duration" on [u8; 12]: true, "decimal(4, 2)" on [u8; 3]: true,
        "time-millis" on Option<i32>: true,
        "timestamp-milis" on i64: false, "timestamp-millis" on i32: false, "decimal(4)" on i64: false,
        "decimal(2, 10)" on Vec<u8>: false, "uuid" on [u8; 4]: false, "date" on Card: false
    }
}

// Names that Rust has for itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
#[allow(non_camel_case_types)]
enum r#type {
    r#in,
    Out,
}

#[test]
fn raw_names_are_names() {
    let own = TypeSchema::of::<r#type>().unwrap();
    assert_eq!(own.text, r#"{"type":"enum","name":"type","symbols":["in","Out"]}"#);
    agree(&r#type::r#in);
}

#[test]
fn a_record_may_have_nothing_to_write() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, Avro)]
    #[avro(typed = "weir_schema::avro::codec::typed")]
    struct Empty {
        #[serde(skip)]
        cached: u8,
    }
    agree(&vec![Empty { cached: 0 }, Empty { cached: 0 }]);
    let error = decode::<Card>(&[4, b'x']).unwrap_err();
    assert_eq!(error.path(), "number");
}
