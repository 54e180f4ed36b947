//! JSON of requests, read as clients of the reference write it: numbers, flags and texts may stand in
//! each other's type, and a field that an object does not have is named.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::error::ProxyError;

/// What an error begins with that names a field which the object does not have. It is written and read
/// in this file only.
const UNRECOGNIZED: &str = "Unrecognized field: ";

/// A JSON object from bytes. 400 · 422 a field that it does not have.
pub(crate) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ProxyError> {
    match serde_json::from_slice(bytes) {
        Ok(Object(value)) => Ok(value),
        Err(error) => Err(refused(&error)),
    }
}

/// 400 · 422 a field that an object does not have.
pub(crate) fn refused(error: &serde_json::Error) -> ProxyError {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let fact = text.strip_suffix(&position).unwrap_or(&text);
    match fact.strip_prefix(UNRECOGNIZED) {
        Some(field) => ProxyError::UnrecognizedField { field: field.to_string() },
        None => ProxyError::BadRequest { reason: text },
    }
}

/// A JSON object. serde alone would take an array for an object's fields in order.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(Named(map)))
            }
        }

        input.deserialize_map(Fields(PhantomData)).map(Object)
    }
}

/// An object whose unknown fields are named.
struct Named<A>(A);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Named<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.0.next_key_seed(FieldName(seed))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.0.next_value_seed(seed)
    }
}

struct FieldName<K>(K);

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for FieldName<K> {
    type Value = K::Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<K::Value, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> Visitor<'de> for FieldName<K> {
    type Value = K::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<K::Value, E> {
        let known = self.0.deserialize(StrDeserializer::<E>::new(name));
        known.map_err(|_| E::custom(format_args!("{UNRECOGNIZED}{name}")))
    }
}

/// A number, a flag, a text or null, as it stands in JSON.
pub(crate) enum Scalar<'a> {
    Null,
    Flag(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
}

/// What can be read from more than one type of JSON.
pub(crate) trait Coerced: Sized {
    const EXPECTED: &'static str;

    fn of(scalar: Scalar<'_>) -> Option<Self>;
}

/// Reads a field from whichever type it was written as: `"3"` is 3, and 3 is `"3"`. A number with a
/// fraction is no integer.
pub(crate) fn coerced<'de, D: Deserializer<'de>, T: Coerced>(input: D) -> Result<T, D::Error> {
    let given = <&'de RawValue>::deserialize(input)?.get();
    let scalar = match given.as_bytes().first() {
        Some(b'n') => Some(Scalar::Null),
        Some(b't') => Some(Scalar::Flag(true)),
        Some(b'f') => Some(Scalar::Flag(false)),
        Some(b'"') => serde_json::from_str(given).ok().map(Scalar::Text),
        Some(b'-' | b'0'..=b'9') => Some(Scalar::Number(given)),
        _ => None,
    };
    scalar.and_then(T::of).ok_or_else(|| {
        let given = crate::format::shortened(given);
        D::Error::custom(format_args!("invalid type: {given}, expected {}", T::EXPECTED))
    })
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Coerced for $integer {
            const EXPECTED: &'static str = concat!("an integer (", stringify!($integer), ")");

            fn of(scalar: Scalar<'_>) -> Option<Self> {
                match scalar {
                    Scalar::Number(text) => match text.parse() {
                        Ok(number) => Some(number),
                        Err(_) => whole(text).and_then(|number| number.try_into().ok()),
                    },
                    Scalar::Text(text) => text.trim().parse().ok(),
                    Scalar::Null | Scalar::Flag(_) => None,
                }
            }
        }
    )*};
}

integers! { i16 i32 i64 }

/// `3.0` and `1e3`.
fn whole(number: &str) -> Option<i64> {
    /// Beyond, not every integer has a double of its own.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let number = number.parse::<f64>().ok()?;
    (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i64)
}

impl Coerced for bool {
    const EXPECTED: &'static str = "true or false";

    fn of(scalar: Scalar<'_>) -> Option<Self> {
        match scalar {
            Scalar::Flag(flag) => Some(flag),
            Scalar::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Scalar::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }
}

impl Coerced for String {
    const EXPECTED: &'static str = "a string";

    fn of(scalar: Scalar<'_>) -> Option<Self> {
        match scalar {
            Scalar::Null => None,
            Scalar::Flag(flag) => Some(flag.to_string()),
            Scalar::Number(number) => Some(number.to_string()),
            Scalar::Text(text) => Some(text.into_owned()),
        }
    }
}

impl<T: Coerced> Coerced for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn of(scalar: Scalar<'_>) -> Option<Self> {
        match scalar {
            Scalar::Null => Some(None),
            scalar => T::of(scalar).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Ticket {
        #[serde(deserialize_with = "coerced")]
        seat: i32,
        #[serde(default, deserialize_with = "coerced")]
        name: Option<String>,
        #[serde(default, deserialize_with = "coerced")]
        window: Option<bool>,
    }

    fn ticket(json: &str) -> Result<Ticket, ProxyError> {
        parse(json.as_bytes())
    }

    #[test]
    fn numbers_flags_and_texts_may_stand_in_each_others_type() {
        let expected = Ticket { seat: 3, name: Some("7".into()), window: Some(true) };
        for json in [
            r#"{"seat":3,"name":"7","window":true}"#,
            r#"{"seat":"3","name":7,"window":"true"}"#,
            r#"{"seat":3.0,"name":7,"window":"TRUE"}"#,
        ] {
            assert_eq!(ticket(json).as_ref(), Ok(&expected), "{json}");
        }
        let named = ticket(r#"{"seat":" -1 ","name":1.50,"window":null}"#).unwrap();
        assert_eq!(named, Ticket { seat: -1, name: Some("1.50".into()), window: None });
    }

    #[test]
    fn what_cannot_be_the_type_is_refused() {
        for json in [
            r#"{"seat":1.5}"#,
            r#"{"seat":null}"#,
            r#"{"seat":"x"}"#,
            r#"{"seat":true}"#,
            r#"{"seat":99999999999}"#,
            r#"{"seat":1,"name":{}}"#,
            r#"{"seat":1,"name":[1]}"#,
            r#"{"seat":1,"window":"yes"}"#,
            r#"{}"#,
            r#"[1]"#,
            r#"{"seat":"#,
        ] {
            assert_eq!(ticket(json).unwrap_err().code(), 400, "{json}");
        }
    }

    #[test]
    fn a_field_that_an_object_does_not_have_is_named() {
        let error = ticket(r#"{"seat":1, "row\u0041":2}"#).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (422, "Unrecognized field: rowA"));
        // what only looks like it
        let error = ticket(r#"{"seat":"Unrecognized field: a"}"#).unwrap_err();
        assert_eq!(error.code(), 400);
    }
}
