//! JSON of requests as the reference's parser (Jackson) takes it, which clients have come to depend
//! on: numbers and flags where a text is wanted, texts of numbers where a number is, the last of two
//! keys of one name. An array for an object's fields, which serde would take, is refused.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};
use weir_registry_api::RegistryError;

/// Values that a body may have. A schema is one, however long it is; a value takes some hundred bytes
/// of memory, and a body of ten megabytes has room for five million of them.
const VALUES_MAX: usize = 250_000;

/// Reads a body, which has to be an object. 400 · 42290.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, RegistryError> {
    let refused = |reason| RegistryError::BadRequest { reason };
    if !has_few_values(body) {
        let reason = format!("its body has more than {VALUES_MAX} values");
        return Err(RegistryError::OverBudget { reason });
    }
    let value: Value = serde_json::from_slice(body).map_err(|e| refused(e.to_string()))?;
    if !value.is_object() {
        return Err(refused("expected a JSON object".into()));
    }
    T::deserialize(Coerced(value)).map_err(|e| refused(in_words_of_json(&e.to_string())))
}

/// Whether a body has no more values than it may: what parts them is counted, outside of strings.
fn has_few_values(body: &[u8]) -> bool {
    let (mut values, mut at) = (0, 0);
    while let Some(byte) = body.get(at) {
        at += 1;
        match byte {
            b',' | b'[' | b'{' => values += 1,
            b'"' => {
                while let Some(byte) = body.get(at) {
                    at += if *byte == b'\\' { 2 } else { 1 };
                    if *byte == b'"' {
                        break;
                    }
                }
            }
            _ => {}
        }
        if values > VALUES_MAX {
            return false;
        }
    }
    true
}

/// An error without the names of our types: `struct Metadata`, `i32`.
fn in_words_of_json(error: &str) -> String {
    let mut words = Vec::new();
    let mut given = error.split(' ');
    while let Some(word) = given.next() {
        words.push(match word {
            "struct" => {
                given.next(); // its name
                "an object"
            }
            "map," => "an object,",
            "sequence" => "list",
            "sequence," => "a list,",
            "i32" | "i64" | "u32" | "u64" => "a whole number",
            word => word,
        });
    }
    words.join(" ")
}

/// A value that becomes what its place wants, if there is one meaning.
struct Coerced(Value);

impl Coerced {
    /// A text of a whole number, or a number with a fraction, which is cut off.
    fn whole(self) -> Value {
        let whole = match &self.0 {
            Value::String(text) => text.trim().parse::<i64>().ok(),
            Value::Number(number) if number.is_f64() => {
                let number = number.as_f64().unwrap_or(f64::NAN).trunc();
                (number.abs() < i64::MAX as f64).then_some(number as i64)
            }
            _ => None,
        };
        whole.map_or(self.0, Value::from)
    }
}

macro_rules! whole_numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.whole().$method(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Coerced {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => {
                visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Coerced)))
            }
            Value::Object(members) => {
                let members = members.into_iter().map(|(key, value)| (key, Coerced(value)));
                visitor.visit_map(MapDeserializer::new(members))
            }
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.0.is_array() {
            return Err(Error::custom("expected a JSON object, found an array"));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            scalar @ (Value::Bool(_) | Value::Number(_)) => {
                visitor.visit_string(scalar.to_string())
            }
            other => other.deserialize_string(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let flag = match &self.0 {
            Value::String(text) => text.to_ascii_lowercase().parse().ok(),
            Value::Number(number) => number.as_i64().map(|number| number != 0),
            _ => None,
        };
        flag.map_or(self.0, Value::Bool).deserialize_bool(visitor)
    }

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct map
        identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Coerced {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Request {
        text: Option<String>,
        number: i32,
        flag: bool,
        inner: Vec<Request>,
        map: BTreeMap<String, String>,
    }

    #[test]
    fn scalars_become_what_their_place_wants() {
        let body = br#"{"text": 5, "number": "7", "flag": "TRUE", "map": {"a": 1, "b": true},
            "inner": [{"text": true, "number": 1.9}], "unknown": [{}]}"#;
        let read: Request = read(body).unwrap();
        let inner = Request { text: Some("true".into()), number: 1, ..Request::default() };
        let map = [("a", "1"), ("b", "true")].map(|(k, v)| (k.into(), v.into())).into();
        let text = Some("5".into());
        assert_eq!(read, Request { text, number: 7, flag: true, inner: vec![inner], map });
    }

    #[test]
    fn errors_do_not_name_our_types() {
        let reason = |body: &str| read::<Request>(body.as_bytes()).unwrap_err().to_string();
        assert_eq!(reason(r#"{"inner": [5]}"#), "invalid type: integer `5`, expected an object");
        assert_eq!(
            reason(r#"{"number": "x"}"#),
            "invalid type: string \"x\", expected a whole number"
        );
        assert_eq!(reason(r#"{"inner": {}}"#), "invalid type: an object, expected a list");
    }

    #[test]
    fn the_last_of_two_keys_of_one_name_counts() {
        let read: Request = read(br#"{"number": 1, "number": 2}"#).unwrap();
        assert_eq!(read.number, 2);
    }

    #[test]
    fn many_values_are_refused_and_long_texts_are_not() {
        let list = |item: &str| format!("{{\"unknown\":[{}1]}}", item.repeat(VALUES_MAX));
        let refused = read::<Request>(list("1,").as_bytes()).unwrap_err();
        assert_eq!(refused.code(), 42290);
        let text = format!("{{\"text\":\"\\\"{}\"}}", ",[{".repeat(VALUES_MAX));
        assert!(read::<Request>(text.as_bytes()).unwrap().text.is_some());
    }

    #[test]
    fn values_without_one_meaning_are_refused() {
        for body in [
            r#"{"number": "x"}"#,
            r#"{"number": 4000000000}"#,
            r#"{"number": 1e300}"#,
            r#"{"number": []}"#,
            r#"{"text": {}}"#,
            r#"{"text": ["a"]}"#,
            r#"{"flag": "yes"}"#,
            r#"{"inner": [["a", 1]]}"#,
            r#"{"inner": {}}"#,
            r#"{"map": {"a": null}}"#,
            r#"["a"]"#,
            r#"{} {}"#,
            r#"{"#,
        ] {
            assert!(read::<Request>(body.as_bytes()).is_err(), "{body}");
        }
    }
}
