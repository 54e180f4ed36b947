//! Records of `_schemas`: Confluent's keys and values, byte for byte.
//!
//! Minified JSON with a fixed order of keys: compaction compares bytes, so another order would be
//! another key. Source: `reference` registries of 3.1 to 8.x; readers accept any order, magic 0 and
//! unknown fields, writers write one form.

use std::fmt;

use serde::{Deserialize, Serialize};
use weir_registry_api::{Config, Mode, Reference, SchemaId, SchemaType, Subject, Version};

/// A record as it stands in a log: what it is about, and what holds now; no value is a tombstone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RawRecord {
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

/// A record that this registry understands.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    Schema {
        subject: Subject,
        version: Version,
        value: Option<SchemaValue>,
    },
    /// No subject: the global one.
    Config {
        subject: Option<Subject>,
        value: Option<Config>,
    },
    Mode {
        subject: Option<Subject>,
        value: Option<Mode>,
    },
    /// All versions up to this one are soft-deleted.
    DeleteSubject {
        subject: Subject,
        version: Version,
    },
    /// The deletion is compacted away, or never mattered.
    ClearSubject,
    Noop,
}

/// The value of a `SCHEMA` record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaValue {
    pub subject: Subject,
    pub version: Version,
    pub id: SchemaId,
    #[serde(default)]
    pub schema_type: SchemaType,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    pub schema: String,
    #[serde(default)]
    pub deleted: bool,
}

/// Why a record is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    keytype: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
    #[serde(default)]
    magic: u8,
}

#[derive(Serialize, Deserialize)]
struct ConfigValue {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
    #[serde(flatten)]
    config: Config,
}

#[derive(Serialize, Deserialize)]
struct ModeValue {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
    mode: Mode,
}

#[derive(Serialize, Deserialize)]
struct DeleteValue {
    subject: Subject,
    version: Version,
}

impl Record {
    pub fn encode(&self) -> RawRecord {
        let (keytype, subject, version, magic) = match self {
            Record::Schema { subject, version, .. } => ("SCHEMA", Some(subject), Some(*version), 1),
            Record::Config { subject, .. } => ("CONFIG", subject.as_ref(), None, 0),
            Record::Mode { subject, .. } => ("MODE", subject.as_ref(), None, 0),
            Record::DeleteSubject { subject, .. } => ("DELETE_SUBJECT", Some(subject), None, 0),
            Record::ClearSubject => ("CLEAR_SUBJECT", None, None, 0),
            Record::Noop => ("NOOP", None, None, 0),
        };
        let key = Key { keytype: keytype.into(), subject: subject.cloned(), version, magic };
        let value = match self {
            Record::Schema { value, .. } => value.as_ref().map(json),
            Record::Config { subject, value } => value.as_ref().map(|config| {
                json(&ConfigValue { subject: subject.clone(), config: config.clone() })
            }),
            Record::Mode { subject, value } => {
                value.map(|mode| json(&ModeValue { subject: subject.clone(), mode }))
            }
            Record::DeleteSubject { subject, version } => {
                Some(json(&DeleteValue { subject: subject.clone(), version: *version }))
            }
            Record::ClearSubject | Record::Noop => None,
        };
        RawRecord { key: json(&key), value }
    }

    pub fn decode(raw: &RawRecord) -> Result<Record, Unreadable> {
        let key: Key = read("key", &raw.key)?;
        let value = raw.value.as_deref();
        match (key.keytype.as_str(), key.subject) {
            ("SCHEMA", Some(subject)) => {
                let version =
                    key.version.ok_or_else(|| Unreadable("SCHEMA key without version".into()))?;
                let value = value.map(|v| read("SCHEMA value", v)).transpose()?;
                Ok(Record::Schema { subject, version, value })
            }
            ("CONFIG", subject) => {
                let value: Option<ConfigValue> =
                    value.map(|v| read("CONFIG value", v)).transpose()?;
                Ok(Record::Config { subject, value: value.map(|v| v.config) })
            }
            ("MODE", subject) => {
                let value: Option<ModeValue> = value.map(|v| read("MODE value", v)).transpose()?;
                Ok(Record::Mode { subject, value: value.map(|v| v.mode) })
            }
            ("DELETE_SUBJECT", Some(subject)) => match value {
                Some(value) => {
                    let value: DeleteValue = read("DELETE_SUBJECT value", value)?;
                    Ok(Record::DeleteSubject { subject, version: value.version })
                }
                None => Ok(Record::ClearSubject),
            },
            ("CLEAR_SUBJECT", _) => Ok(Record::ClearSubject),
            ("NOOP", _) => Ok(Record::Noop),
            (other, _) => Err(Unreadable(format!("keytype {other} is not known"))),
        }
    }
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("records have string keys and no maps that fail")
}

fn read<'a, T: Deserialize<'a>>(what: &str, bytes: &'a [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(bytes).map_err(|e| Unreadable(format!("{what}: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(key: &str, value: Option<&str>) -> RawRecord {
        RawRecord { key: key.into(), value: value.map(Into::into) }
    }

    #[test]
    fn records_are_the_references_bytes() {
        for (key, value) in [
            (
                r#"{"keytype":"SCHEMA","subject":"orders-value","version":1,"magic":1}"#,
                Some(
                    r#"{"subject":"orders-value","version":1,"id":7,"schemaType":"AVRO","schema":"\"string\"","deleted":false}"#,
                ),
            ),
            (
                r#"{"keytype":"SCHEMA","subject":"orders-value","version":2,"magic":1}"#,
                Some(
                    r#"{"subject":"orders-value","version":2,"id":8,"schemaType":"JSON","references":[{"name":"r","subject":"s","version":1}],"schema":"{}","deleted":true}"#,
                ),
            ),
            (r#"{"keytype":"SCHEMA","subject":"orders-value","version":1,"magic":1}"#, None),
            (
                r#"{"keytype":"CONFIG","subject":"orders-value","magic":0}"#,
                Some(r#"{"subject":"orders-value","compatibilityLevel":"FULL"}"#),
            ),
            (r#"{"keytype":"CONFIG","magic":0}"#, Some(r#"{"compatibilityLevel":"FULL"}"#)),
            (r#"{"keytype":"MODE","magic":0}"#, Some(r#"{"mode":"READONLY"}"#)),
            (r#"{"keytype":"NOOP","magic":0}"#, None),
            (
                r#"{"keytype":"DELETE_SUBJECT","subject":"orders-value","magic":0}"#,
                Some(r#"{"subject":"orders-value","version":3}"#),
            ),
        ] {
            let given = raw(key, value);
            assert_eq!(Record::decode(&given).unwrap().encode(), given);
        }
    }

    #[test]
    fn other_forms_are_read_too() {
        let old = raw(
            r#"{"magic":0,"version":1,"subject":"s","keytype":"SCHEMA","seq":5,"node":1}"#,
            Some(r#"{"subject":"s","version":1,"id":1,"schema":"\"int\"","unknown":{}}"#),
        );
        let Record::Schema { value: Some(value), .. } = Record::decode(&old).unwrap() else {
            panic!("a schema")
        };
        assert!(value.schema_type.is_avro() && !value.deleted);
        assert!(Record::decode(&raw("{\"keytype\":\"EXTRA\",\"magic\":0}", None)).is_err());
        assert!(Record::decode(&raw("garbage", None)).is_err());
    }
}
