//! Shapes of types beyond a record of plain fields: unions that may be null, structs of one field, types with
//! parameters, small numbers and arrays.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_schema::avro::Schema;
use weir_schema::avro::codec::Plan;
use weir_schema::avro::codec::typed::{TypeSchema, decode, encode};
use weir_schema_derive::Avro;

use super::{Card, agree};

/// A union of its own: a record, one with fields of its own, and text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed", namespace = "shop")]
#[serde(rename_all_fields = "camelCase")]
enum Means {
    Card(Card),
    /// From one account to another.
    Transfer {
        from_account: String,
        #[serde(skip)]
        cached: u64,
        amount: Option<i64>,
    },
    String(String),
    Empty {},
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed", namespace = "shop")]
struct Bill {
    means: Option<Means>,
    boxed: Option<Box<Means>>,
    all: Vec<Option<Means>>,
    by_name: BTreeMap<String, Option<Means>>,
}

fn all_means() -> [Option<Means>; 6] {
    let transfer = |amount| Means::Transfer { from_account: "NL01".into(), cached: 0, amount };
    [
        None,
        Some(Means::Card(Card { number: "4111".into() })),
        Some(transfer(None)),
        Some(transfer(Some(-70_000))),
        Some(Means::String("cash".into())),
        Some(Means::Empty {}),
    ]
}

#[test]
fn an_optional_union_is_the_union_with_null() {
    let own = TypeSchema::of::<Bill>().unwrap();
    let means = r#"["null",{"type":"record","name":"Card","fields":[{"name":"number","type":"string"}]},{"type":"record","name":"Transfer","namespace":"shop","doc":"From one account to another.","fields":[{"name":"fromAccount","type":"string"},{"name":"amount","type":["null","long"],"default":null}]},"string",{"type":"record","name":"Empty","namespace":"shop","fields":[]}]"#;
    let again = r#"["null","shop.Card","shop.Transfer","string","shop.Empty"]"#;
    assert_eq!(
        own.text,
        format!(
            r#"{{"type":"record","name":"Bill","namespace":"shop","fields":[{{"name":"means","type":{means},"default":null}},{{"name":"boxed","type":{again},"default":null}},{{"name":"all","type":{{"type":"array","items":{again}}}}},{{"name":"by_name","type":{{"type":"map","values":{again}}}}}]}}"#
        )
    );
    for means in all_means() {
        agree(&Bill {
            means: means.clone(),
            boxed: means.map(Box::new),
            all: all_means().into(),
            by_name: all_means().map(|means| (format!("{means:?}"), means)).into(),
        });
    }
    for means in all_means().into_iter().flatten() {
        agree(&means);
        agree(&vec![Some(means)]);
    }
}

/// What a type is called in Rust and is not in Avro.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Id(String);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct At(#[avro(logical_type = "timestamp-micros")] i64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
#[serde(transparent)]
struct Paid {
    by: Means,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Borrowed<'a>(#[serde(borrow)] &'a str);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Wrapped {
    id: Id,
    at: Option<At>,
    paid: Option<Paid>,
    ids: Vec<Id>,
    boxed: Box<Id>,
}

#[test]
fn a_struct_of_one_is_what_it_holds() {
    let own = TypeSchema::of::<Wrapped>().unwrap();
    let text = own.text.split("[\"null\",{\"type\":\"record\"").next().unwrap();
    assert_eq!(
        text,
        r#"{"type":"record","name":"Wrapped","fields":[{"name":"id","type":"string"},{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null},{"name":"paid","type":"#
    );
    for means in all_means() {
        agree(&Wrapped {
            id: Id("a".into()),
            at: Some(At(7)),
            paid: means.map(|by| Paid { by }),
            ids: vec![Id("b".into()), Id(String::new())],
            boxed: Box::new(Id("é".into())),
        });
    }
    let mut bytes = Vec::new();
    encode(&Borrowed("gauge"), &mut bytes).unwrap();
    let back: Borrowed = decode(&bytes).unwrap();
    assert!(bytes.as_ptr_range().contains(&back.0.as_ptr()));
}

#[test]
fn a_struct_of_one_may_be_what_only_serde_knows() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, Avro)]
    #[avro(typed = "weir_schema::avro::codec::typed")]
    struct Day(#[avro(schema = r#"{"type":"int","logicalType":"date"}"#)] jiff::civil::Date);
    let own = TypeSchema::of::<Vec<Day>>().unwrap();
    assert!(!own.is_straight());
    assert_eq!(own.text, r#"{"type":"array","items":{"type":"int","logicalType":"date"}}"#);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed", name = "PageOf{T}")]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
    #[serde(skip)]
    seen: std::marker::PhantomData<T>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed", name = "Row{N}")]
struct Row<const N: usize>
where
    [i32; N]: Serialize + serde::de::DeserializeOwned,
{
    cells: [i32; N],
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed", name = "Tree")]
enum Branching<T: Clone> {
    Leaf { value: T },
    Node { children: Vec<Branching<T>> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Generic {
    cards: Page<Card>,
    words: Page<String>,
    wide: Row<3>,
    narrow: Row<1>,
    tree: Branching<i64>,
}

#[test]
fn a_type_with_parameters_has_a_schema_for_each() {
    let own = TypeSchema::of::<Generic>().unwrap();
    for name in ["PageOfCard", "PageOfstring", "Row3", "Row1"] {
        assert!(own.text.contains(&format!(r#""name":"{name}""#)), "{}", own.text);
    }
    let leaf = |value| Branching::Leaf { value };
    agree(&Generic {
        cards: Page {
            items: vec![Card { number: "1".into() }],
            next: None,
            seen: Default::default(),
        },
        words: Page { items: vec!["a".into()], next: Some("b".into()), seen: Default::default() },
        wide: Row { cells: [1, -2, 3] },
        narrow: Row { cells: [i32::MAX] },
        tree: Branching::Node {
            children: vec![leaf(1), Branching::Node { children: vec![leaf(2)] }],
        },
    });
    // what it holds may borrow
    type Words<'a> = <Page<&'static str> as weir_schema::avro::codec::typed::AvroType>::At<'a>;
    let mut bytes = Vec::new();
    let words = Page { items: vec!["gauge"], next: None, seen: Default::default() };
    encode(&words, &mut bytes).unwrap();
    let back: Words = decode(&bytes).unwrap();
    assert!(bytes.as_ptr_range().contains(&back.items[0].as_ptr()));
}

/// A type that holds itself through one that is called after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Folder {
    name: String,
    within: Option<Box<Page<Folder>>>,
    others: Vec<Page<Option<Vec<u8>>>>,
}

#[test]
fn a_type_may_hold_itself_through_one_that_is_called_after_it() {
    let own = TypeSchema::of::<Folder>().unwrap();
    assert!(own.text.contains(r#""name":"PageOfFolder""#), "{}", own.text);
    assert!(own.text.contains(r#""name":"PageOfoptional_bytes""#), "{}", own.text);
    let leaf = Folder { name: "a".into(), within: None, others: vec![] };
    let page = Page { items: vec![leaf], next: None, seen: Default::default() };
    let others = vec![Page { items: vec![Some(vec![1])], next: None, seen: Default::default() }];
    agree(&Folder { name: "b".into(), within: Some(Box::new(page)), others });
}

/// What another version wrote: fewer branches in another order, or no union at all.
#[test]
fn an_optional_union_is_resolved_as_avro_says() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, Avro)]
    #[avro(typed = "weir_schema::avro::codec::typed", namespace = "shop")]
    struct Paid {
        means: Option<Means>,
    }
    let own = TypeSchema::of::<Paid>().unwrap();
    let writer = |means: &str| {
        let text = format!(
            r#"{{"type":"record","name":"Paid","namespace":"shop","fields":[{{"name":"means","type":{means}}}]}}"#
        );
        Schema::parse(&text).unwrap()
    };
    let card = r#"{"type":"record","name":"Card","fields":[{"name":"number","type":"string"}]}"#;
    let card_or = format!(r#"["string",{card},"null"]"#);
    for (schema, data, wanted) in [
        (card_or.as_str(), &b"\x00\x02a"[..], Some(Means::String("a".into()))),
        (&card_or, b"\x02\x02a", Some(Means::Card(Card { number: "a".into() }))),
        (&card_or, b"\x04", None),
        (card, b"\x02a", Some(Means::Card(Card { number: "a".into() }))),
        ("\"string\"", b"\x02a", Some(Means::String("a".into()))),
        ("\"null\"", b"", None),
    ] {
        let plan = Plan::compile(&writer(schema), &own.schema).unwrap();
        assert_eq!(plan.decode::<Paid>(data).unwrap(), Paid { means: wanted }, "{schema}");
    }
}

#[test]
fn two_of_one_name_are_an_error_that_names_the_field() {
    #[derive(Avro)]
    #[avro(typed = "weir_schema::avro::codec::typed")]
    struct Pair<T> {
        one: T,
    }
    #[derive(Avro)]
    #[avro(typed = "weir_schema::avro::codec::typed")]
    struct Pairs {
        numbers: Pair<i64>,
        words: Pair<String>,
    }
    let error = TypeSchema::of::<Pairs>().unwrap_err().0;
    assert!(
        error.starts_with("Pairs.words: ") && error.ends_with("are both called Pair"),
        "{error}"
    );
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Avro)]
#[avro(typed = "weir_schema::avro::codec::typed")]
struct Small {
    byte: u8,
    bytes: Vec<u8>,
    fixed: [u8; 2],
    sign: i8,
    unsigned: u16,
    wide: u32,
    letter: char,
    three: [i64; 3],
    none: [String; 0],
    nested: [[u8; 2]; 2],
    names: std::collections::HashMap<String, [char; 1]>,
    maybe: Option<u8>,
}

#[test]
fn small_numbers_characters_and_arrays_are_what_serde_makes_of_them() {
    let own = TypeSchema::of::<Small>().unwrap();
    for field in [
        r#""name":"byte","type":"int""#,
        r#""name":"bytes","type":"bytes""#,
        r#""name":"fixed","type":{"type":"fixed","name":"Fixed2","size":2}"#,
        r#""name":"wide","type":"long""#,
        r#""name":"letter","type":"string""#,
        r#""name":"three","type":{"type":"array","items":"long"}"#,
        r#""name":"nested","type":{"type":"array","items":"Fixed2"}"#,
    ] {
        assert!(own.text.contains(field), "{field}: {}", own.text);
    }
    for byte in [0, 1, 127, 128, 255] {
        agree(&Small {
            byte,
            bytes: vec![byte; 3],
            fixed: [byte, 1],
            sign: i8::MIN,
            unsigned: u16::MAX,
            wide: u32::MAX,
            letter: '𝄞',
            three: [i64::MIN, 0, i64::MAX],
            none: [],
            nested: [[1, 2], [3, byte]],
            names: [("a".to_string(), ['b'])].into(),
            maybe: Some(byte),
        });
    }
}

#[test]
fn what_does_not_fit_a_small_type_is_an_error_at_its_place() {
    let plan = |own: &TypeSchema| Plan::compile(&own.schema, &own.schema).unwrap();
    let own = TypeSchema::of::<BTreeMap<String, Vec<u16>>>().unwrap();
    let data = [2, 2, b'k', 2, 0x80, 0x80, 8, 0, 0]; // {"k": [65536]}
    let ours = decode::<BTreeMap<String, Vec<u16>>>(&data).unwrap_err();
    let plans = plan(&own).decode::<BTreeMap<String, Vec<u16>>>(&data).unwrap_err();
    assert_eq!((ours.path(), plans.path()), ("k[0]".into(), "k[0]".into()));
    for (text, length) in [("", 0), ("ab", 2)] {
        let mut data = vec![length * 2];
        data.extend(text.as_bytes());
        assert!(decode::<char>(&data).is_err());
    }
    let error = decode::<[i32; 3]>(&[4, 2, 2, 0]).unwrap_err();
    assert_eq!(error.reason(), "an array has 2 items and not 3");
}
