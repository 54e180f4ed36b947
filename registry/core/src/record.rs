//! Records of `_schemas`: Confluent's keys and values, byte for byte.
//!
//! Minified JSON with a fixed order of keys: compaction compares bytes, so another order would be
//! another key. Readers accept any order, magic 0 and unknown fields; writers write one form.
//! Source: recorded logs of Confluent's registry, 3.1 to 8.x.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_registry_api::{
    Association, Config, Context, Guid, Lifecycle, Metadata, Mode, Reference, RuleSet, SchemaId,
    SchemaText, SchemaType, Subject, Version,
};

use crate::guid::guid_of;

/// A record as it stands in a log: what it is about, and what holds now; no value is a tombstone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RawRecord {
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
    /// When it was written, in milliseconds since 1970, if the log knows.
    pub timestamp_ms: Option<i64>,
}

impl RawRecord {
    /// Bytes of key and value.
    pub fn bytes(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, Vec::len)
    }

    /// What holds now of what the record is about; none if it is a tombstone, in any of its forms.
    ///
    /// Karapace deletes with an empty value, and its old backups restore a deletion as the word `null`.
    /// No record of a registry has such a value, so neither can be anything else.
    pub fn present_value(&self) -> Option<&[u8]> {
        self.value.as_deref().filter(|value| !matches!(value.trim_ascii(), b"" | b"null"))
    }
}

/// A record that this registry understands.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    Schema {
        subject: Subject,
        version: Version,
        value: Option<Box<SchemaValue>>,
    },
    /// No subject: the global one.
    Config {
        subject: Option<Subject>,
        value: Option<Arc<Config>>,
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
    /// Soft-deleted versions of the subject, or of the context, are gone; no subject is the default
    /// context.
    ClearSubject {
        subject: Option<Subject>,
    },
    /// A context that has had a subject.
    Context {
        context: Context,
        exists: bool,
    },
    Association {
        key: AssociationKey,
        value: Option<Arc<Association>>,
    },
    Noop,
}

/// What tells associations apart; in this order those of a resource stand together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssociationKey {
    pub resource_name: String,
    pub resource_namespace: String,
    pub resource_type: String,
    pub association_type: String,
    pub subject: Subject,
}

impl AssociationKey {
    pub fn of(association: &Association) -> AssociationKey {
        AssociationKey {
            resource_name: association.resource_name.clone(),
            resource_namespace: association.resource_namespace.clone(),
            resource_type: association.resource_type.clone(),
            association_type: association.association_type.clone(),
            subject: association.subject.clone(),
        }
    }
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
    #[serde(default, skip_serializing_if = "none")]
    pub references: Arc<[Reference]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Arc<Metadata>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<Arc<RuleSet>>,
    pub schema: SchemaText,
    #[serde(default)]
    pub deleted: bool,
}

impl SchemaValue {
    pub fn guid(&self) -> Guid {
        let (metadata, rule_set) = (self.metadata.as_deref(), self.rule_set.as_deref());
        guid_of(&self.schema.text(), &self.references, metadata, rule_set)
    }
}

/// Why a record is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The one tenant of a registry that is not a cloud's.
const TENANT: &str = "default";

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key<'a> {
    #[serde(borrow)]
    keytype: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    association_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context: Option<Context>,
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

#[derive(Serialize)]
struct ClearValue {
    subject: Option<Subject>,
}

#[derive(Serialize)]
struct ContextValue<'a> {
    tenant: &'a str,
    context: &'a Context,
}

/// The value of an `ASSOC` record: an association among tenants.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssociationValue {
    guid: String,
    #[serde(default)]
    tenant: String,
    resource_name: String,
    resource_namespace: String,
    #[serde(default)]
    resource_id: String,
    resource_type: String,
    association_type: String,
    subject: Subject,
    lifecycle: Lifecycle,
    #[serde(default)]
    frozen: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    create_ts: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct DeleteValue {
    subject: Subject,
    version: Version,
}

impl Record {
    pub fn encode(&self) -> RawRecord {
        RawRecord { key: json(&self.key()), value: self.value(), timestamp_ms: None }
    }

    /// The bytes by which compaction knows the record.
    pub(crate) fn encode_key(&self) -> Vec<u8> {
        json(&self.key())
    }

    fn key(&self) -> Key<'_> {
        let of = |keytype, subject: Option<&Subject>| Key {
            keytype: Cow::Borrowed(keytype),
            subject: subject.cloned(),
            ..Key::default()
        };
        match self {
            Record::Schema { subject, version, .. } => {
                Key { version: Some(*version), magic: 1, ..of("SCHEMA", Some(subject)) }
            }
            Record::Config { subject, .. } => of("CONFIG", subject.as_ref()),
            Record::Mode { subject, .. } => of("MODE", subject.as_ref()),
            Record::DeleteSubject { subject, .. } => of("DELETE_SUBJECT", Some(subject)),
            Record::ClearSubject { subject } => of("CLEAR_SUBJECT", subject.as_ref()),
            Record::Context { context, .. } => Key {
                tenant: Some(TENANT.into()),
                context: Some(context.clone()),
                ..of("CONTEXT", None)
            },
            Record::Association { key, .. } => Key {
                tenant: Some(TENANT.into()),
                resource_name: Some(key.resource_name.clone()),
                resource_namespace: Some(key.resource_namespace.clone()),
                resource_type: Some(key.resource_type.clone()),
                association_type: Some(key.association_type.clone()),
                ..of("ASSOC", Some(&key.subject))
            },
            Record::Noop => of("NOOP", None),
        }
    }

    fn value(&self) -> Option<Vec<u8>> {
        match self {
            Record::Schema { value, .. } => value.as_ref().map(json),
            Record::Config { subject, value } => value.as_ref().map(|config| {
                json(&ConfigValue { subject: subject.clone(), config: (**config).clone() })
            }),
            Record::Mode { subject, value } => {
                value.map(|mode| json(&ModeValue { subject: subject.clone(), mode }))
            }
            Record::DeleteSubject { subject, version } => {
                Some(json(&DeleteValue { subject: subject.clone(), version: *version }))
            }
            Record::ClearSubject { subject } => {
                Some(json(&ClearValue { subject: subject.clone() }))
            }
            Record::Context { context, exists } => {
                exists.then(|| json(&ContextValue { tenant: TENANT, context }))
            }
            Record::Association { value, .. } => {
                value.as_ref().map(|a| json(&AssociationValue::of(a)))
            }
            Record::Noop => None,
        }
    }

    pub fn decode(raw: &RawRecord) -> Result<Record, Unreadable> {
        let key: Key<'_> = read("key", &raw.key)?;
        let value = raw.present_value();
        match (&*key.keytype, key.subject, value) {
            ("SCHEMA", Some(subject), value) => {
                let version =
                    key.version.ok_or_else(|| Unreadable("SCHEMA key without version".into()))?;
                let value = value.map(|v| read("SCHEMA value", v)).transpose()?;
                Ok(Record::Schema { subject, version, value })
            }
            ("CONFIG", subject, value) => {
                let value: Option<ConfigValue> =
                    value.map(|v| read("CONFIG value", v)).transpose()?;
                Ok(Record::Config { subject, value: value.map(|v| Arc::new(v.config)) })
            }
            ("MODE", subject, value) => {
                let value: Option<ModeValue> = value.map(|v| read("MODE value", v)).transpose()?;
                Ok(Record::Mode { subject, value: value.map(|v| v.mode) })
            }
            ("DELETE_SUBJECT", Some(subject), Some(value)) => {
                let value: DeleteValue = read("DELETE_SUBJECT value", value)?;
                Ok(Record::DeleteSubject { subject, version: value.version })
            }
            ("CLEAR_SUBJECT", subject, Some(_)) => Ok(Record::ClearSubject { subject }),
            // what it said has been done, or never mattered
            ("DELETE_SUBJECT" | "CLEAR_SUBJECT", _, None) => Ok(Record::Noop),
            ("CONTEXT", _, value) => {
                let context =
                    key.context.ok_or_else(|| Unreadable("CONTEXT without name".into()))?;
                Ok(Record::Context { context, exists: value.is_some() })
            }
            ("ASSOC", Some(subject), value) => {
                let missing = || Unreadable("ASSOC key with a part missing".into());
                let key = AssociationKey {
                    resource_name: key.resource_name.ok_or_else(missing)?,
                    resource_namespace: key.resource_namespace.ok_or_else(missing)?,
                    resource_type: key.resource_type.ok_or_else(missing)?,
                    association_type: key.association_type.ok_or_else(missing)?,
                    subject,
                };
                let value: Option<AssociationValue> =
                    value.map(|v| read("ASSOC value", v)).transpose()?;
                let written = |value: AssociationValue| value.written(raw.timestamp_ms);
                Ok(Record::Association { key, value: value.map(|v| Arc::new(written(v))) })
            }
            ("NOOP", _, _) => Ok(Record::Noop),
            (other, _, _) => Err(Unreadable(format!("keytype {other} is not known"))),
        }
    }
}

impl AssociationValue {
    fn of(association: &Association) -> AssociationValue {
        let association = association.clone();
        AssociationValue {
            guid: association.guid,
            tenant: TENANT.into(),
            resource_name: association.resource_name,
            resource_namespace: association.resource_namespace,
            resource_id: association.resource_id,
            resource_type: association.resource_type,
            association_type: association.association_type,
            subject: association.subject,
            lifecycle: association.lifecycle,
            frozen: association.frozen,
            create_ts: association.create_ts,
        }
    }
}

impl AssociationValue {
    /// The association of a record that was written at a time; it says only when it was made.
    fn written(self, ts: Option<i64>) -> Association {
        Association {
            subject: self.subject,
            guid: self.guid,
            resource_name: self.resource_name,
            resource_namespace: self.resource_namespace,
            resource_id: self.resource_id,
            resource_type: self.resource_type,
            association_type: self.association_type,
            lifecycle: self.lifecycle,
            frozen: self.frozen,
            create_ts: self.create_ts,
            update_ts: ts.or(self.create_ts),
        }
    }
}

fn none<T>(items: &Arc<[T]>) -> bool {
    items.is_empty()
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
        RawRecord { key: key.into(), value: value.map(Into::into), timestamp_ms: None }
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
                    r#"{"subject":"orders-value","version":2,"id":8,"schemaType":"JSON","references":[{"name":"r","subject":"s","version":1}],"metadata":{"properties":{"owner":"a"}},"schema":"{}","deleted":true}"#,
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
            (
                r#"{"keytype":"CLEAR_SUBJECT","subject":":.c:","magic":0}"#,
                Some(r#"{"subject":":.c:"}"#),
            ),
            (
                r#"{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}"#,
                Some(r#"{"tenant":"default","context":".c"}"#),
            ),
            (
                r#"{"keytype":"ASSOC","tenant":"default","resourceName":"orders","resourceNamespace":"lkc-1","resourceType":"topic","associationType":"value","subject":"orders-value","magic":0}"#,
                Some(
                    r#"{"guid":"g","tenant":"default","resourceName":"orders","resourceNamespace":"lkc-1","resourceId":"1","resourceType":"topic","associationType":"value","subject":"orders-value","lifecycle":"STRONG","frozen":false,"createTs":1700000000000}"#,
                ),
            ),
        ] {
            let given = raw(key, value);
            assert_eq!(Record::decode(&given).unwrap().encode(), given);
        }
    }

    #[test]
    fn karapaces_empty_value_and_the_word_null_are_tombstones() {
        for (key, tombstone) in [
            (
                r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#,
                Record::Schema { subject: Subject::written("s"), version: Version(1), value: None },
            ),
            (
                r#"{"keytype":"CONFIG","subject":"s","magic":0}"#,
                Record::Config { subject: Some(Subject::written("s")), value: None },
            ),
            (r#"{"keytype":"MODE","magic":0}"#, Record::Mode { subject: None, value: None }),
            (r#"{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}"#, Record::Noop),
            (r#"{"keytype":"CLEAR_SUBJECT","subject":"s","magic":0}"#, Record::Noop),
            (
                r#"{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}"#,
                Record::Context { context: Context::new(".c").unwrap(), exists: false },
            ),
        ] {
            for value in [None, Some(""), Some(" "), Some("null"), Some("null\n")] {
                assert_eq!(Record::decode(&raw(key, value)).as_ref(), Ok(&tombstone), "{value:?}");
            }
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
        assert!(value.schema_type == SchemaType::Avro && !value.deleted);
        assert!(Record::decode(&raw("{\"keytype\":\"EXTRA\",\"magic\":0}", None)).is_err());
        assert!(Record::decode(&raw("garbage", None)).is_err());
    }
}
