//! Queries as typed values: a struct with a field for each parameter.
//!
//! Parameters are read as the references read them: of a parameter that is given twice the first counts, unless the
//! field is a list; a flag is true if its text is `true` in any case; parameters that the struct does not have are
//! passed over. A number that is none makes the whole address one that is not there (404).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

/// A parameter is not what it has to be.
#[derive(Debug)]
pub struct BadParameter(String);

impl fmt::Display for BadParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadParameter {}

impl de::Error for BadParameter {
    fn custom<T: fmt::Display>(why: T) -> BadParameter {
        BadParameter(why.to_string())
    }
}

/// Reads the query of an address, without its `?`.
pub fn read<T: DeserializeOwned>(query: Option<&str>) -> Result<T, BadParameter> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut parameters: Vec<(Cow<'_, str>, Values<'_>)> = Vec::new();
    for (name, value) in pairs {
        match parameters.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.more.push(value),
            None => parameters.push((name, Values { first: value, more: Vec::new() })),
        }
    }
    T::deserialize(MapDeserializer::new(parameters.into_iter()))
}

/// The parameters of a query in their order, for those whose order counts.
pub fn ordered(query: Option<&str>) -> Vec<(String, String)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

/// Reads a number for which an empty text says nothing: for `#[serde(deserialize_with)]`.
pub fn number_unless_empty<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| de::Error::custom("it is no number"))
}

/// The values of a parameter, in their order.
struct Values<'q> {
    first: Cow<'q, str>,
    more: Vec<Cow<'q, str>>,
}

macro_rules! numbers {
    ($($method:ident $visit:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadParameter> {
            let number = self.first.parse().map_err(|_| BadParameter("it is no number".into()))?;
            visitor.$visit(number)
        })*
    };
}

impl<'de> Deserializer<'de> for Values<'_> {
    type Error = BadParameter;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadParameter> {
        visitor.visit_string(self.first.into_owned())
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadParameter> {
        visitor.visit_bool(self.first.eq_ignore_ascii_case("true"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadParameter> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BadParameter> {
        let all = std::iter::once(self.first).chain(self.more);
        visitor.visit_seq(SeqDeserializer::new(all.map(|value| value.into_owned())))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, BadParameter> {
        visitor.visit_newtype_struct(self)
    }

    numbers! {
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32 deserialize_i64 visit_i64
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32 deserialize_u64 visit_u64
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct
        enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, BadParameter> for Values<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default, rename_all = "camelCase")]
    struct Asked {
        deleted: bool,
        subject_prefix: Option<String>,
        limit: i32,
        tag: Vec<String>,
        #[serde(deserialize_with = "number_unless_empty")]
        timeout: Option<i64>,
    }

    fn asked(query: &str) -> Option<Asked> {
        read(Some(query)).ok()
    }

    #[test]
    fn what_is_not_given_is_the_default() {
        assert_eq!(read::<Asked>(None).unwrap(), Asked::default());
        assert_eq!(asked(""), Some(Asked::default()));
        assert_eq!(asked("unknown=1&deleted&limit=0&timeout="), Some(Asked::default()));
    }

    #[test]
    fn each_parameter_has_its_fields_type() {
        let query = "deleted=TRUE&subjectPrefix=a%2Fb+c&limit=-1&tag=x&tag=&timeout=5";
        let expected = Asked {
            deleted: true,
            subject_prefix: Some("a/b c".into()),
            limit: -1,
            tag: vec!["x".into(), String::new()],
            timeout: Some(5),
        };
        assert_eq!(asked(query), Some(expected));
    }

    #[test]
    fn the_first_of_two_values_counts() {
        let expected = Asked { limit: 1, ..Asked::default() };
        assert_eq!(asked("limit=1&limit=x&deleted=false&deleted=true"), Some(expected));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for query in ["limit=x", "limit=", "limit=4294967296", "timeout=x", "limit=1.0"] {
            assert_eq!(asked(query), None, "{query}");
        }
    }
}
