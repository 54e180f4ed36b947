//! serde's way of reading and writing data, for what Avro's JSON of it says.

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};
use serde_json::{Map, Value};
use weir_schema::avro::{Kind, NodeId, Schema};

/// Whatever the data is, without the names of unions' branches. Bytes are a string of code points.
pub struct Any(pub Value);

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(AnyVisitor).map(Any)
    }
}

struct AnyVisitor;

/// As Avro's JSON has what JSON has no number for.
fn number(value: f64) -> Value {
    match value {
        v if v.is_nan() => "NaN".into(),
        v if v.is_infinite() => (if v > 0.0 { "Infinity" } else { "-Infinity" }).into(),
        v => v.into(),
    }
}

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f32<E>(self, value: f32) -> Result<Value, E> {
        Ok(number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(value.iter().map(|byte| char::from(*byte)).collect::<String>().into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Any(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((key, Any(value))) = map.next_entry::<String, _>()? {
            members.insert(key, value);
        }
        Ok(Value::Object(members))
    }
}

/// Avro's JSON of data of a type.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    pub schema: &'a Schema,
    pub node: NodeId,
    pub json: &'a Value,
}

impl<'a> Typed<'a> {
    fn at(self, node: NodeId, json: &'a Value) -> Typed<'a> {
        Typed { node, json, ..self }
    }

    /// The branch of a union that the JSON names.
    fn branch(self, branches: &[NodeId]) -> (&'a str, Typed<'a>) {
        let (name, json) = match self.json {
            Value::Object(o) => o.iter().next().map(|(name, json)| (name.as_str(), json)).unwrap(),
            null => ("null", null),
        };
        let is_meant = |branch: &&NodeId| self.schema.kind(**branch).branch_name() == name;
        (name, self.at(*branches.iter().find(is_meant).unwrap(), json))
    }

    /// The same without the names of unions' branches.
    pub fn untagged(self) -> Value {
        match (self.schema.kind(self.node), self.json) {
            (Kind::Union(branches), _) => self.branch(branches).1.untagged(),
            (Kind::Array(items), Value::Array(values)) => {
                values.iter().map(|value| self.at(*items, value).untagged()).collect()
            }
            (Kind::Map(values), Value::Object(members)) => members
                .iter()
                .map(|(key, value)| (key.clone(), self.at(*values, value).untagged()))
                .collect(),
            (Kind::Record(record), Value::Object(members)) => record
                .fields
                .iter()
                .map(|f| (f.name.clone(), self.at(f.node, &members[&f.name]).untagged()))
                .collect(),
            (_, json) => json.clone(),
        }
    }
}

/// A name that lives as long as the program, as derived code has them.
fn lasting(name: &str) -> &'static str {
    static NAMES: LazyLock<Mutex<HashMap<String, &'static str>>> = LazyLock::new(Mutex::default);
    let mut names = NAMES.lock().unwrap();
    names.entry(name.to_string()).or_insert_with(|| Box::leak(name.to_string().into()))
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| c as u32 as u8).collect()
}

fn float(json: &Value) -> f64 {
    match json {
        Value::String(text) if text == "NaN" => f64::NAN,
        Value::String(text) if text == "-Infinity" => f64::NEG_INFINITY,
        Value::String(_) => f64::INFINITY,
        number => number.as_f64().unwrap(),
    }
}

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let json = self.json;
        match self.schema.kind(self.node) {
            Kind::Null => out.serialize_unit(),
            Kind::Boolean => out.serialize_bool(json.as_bool().unwrap()),
            Kind::Int => out.serialize_i32(json.as_i64().unwrap() as i32),
            Kind::Long => out.serialize_i64(json.as_i64().unwrap()),
            Kind::Float => out.serialize_f32(float(json) as f32),
            Kind::Double => out.serialize_f64(float(json)),
            Kind::String => out.serialize_str(json.as_str().unwrap()),
            Kind::Bytes | Kind::Fixed(_) => out.serialize_bytes(&latin1(json.as_str().unwrap())),
            Kind::Enum(_) => out.serialize_unit_variant("E", 0, lasting(json.as_str().unwrap())),
            Kind::Array(items) => {
                let mut seq = out.serialize_seq(None)?;
                for value in json.as_array().unwrap() {
                    seq.serialize_element(&self.at(*items, value))?;
                }
                seq.end()
            }
            Kind::Map(values) => {
                let mut map = out.serialize_map(None)?;
                for (key, value) in json.as_object().unwrap() {
                    map.serialize_entry(key, &self.at(*values, value))?;
                }
                map.end()
            }
            Kind::Record(record) => {
                let name = lasting(record.named.name.simple());
                let mut fields = out.serialize_struct(name, record.fields.len())?;
                for field in &record.fields {
                    let value = self.at(field.node, &json[&field.name]);
                    fields.serialize_field(lasting(&field.name), &value)?;
                }
                fields.end()
            }
            Kind::Union(branches) => match self.branch(branches) {
                ("null", _) => out.serialize_none(),
                (name, value) => out.serialize_newtype_variant("U", 0, lasting(name), &value),
            },
            Kind::Unresolved(name) => Err(S::Error::custom(name)),
        }
    }
}
