//! What the registry refuses: one variant a fact, its text on the wire, and one table of codes.
//! Source: Confluent's `Errors` and the exceptions behind it, typos included.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{Subject, Version};

/// The body of every error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    pub error_code: u32,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryError {
    SubjectNotFound {
        subject: Subject,
    },
    /// `-1` is the latest.
    VersionNotFound {
        version: String,
    },
    SchemaNotFound,
    SchemaIdNotFound {
        id: String,
    },
    SubjectSoftDeleted {
        subject: Subject,
    },
    SubjectNotSoftDeleted {
        subject: Subject,
    },
    VersionSoftDeleted {
        subject: Subject,
        version: Version,
    },
    VersionNotSoftDeleted {
        subject: Subject,
        version: Version,
    },
    NoSubjectCompatibility {
        subject: Subject,
    },
    NoSubjectMode {
        subject: Subject,
    },
    Incompatible {
        subject: Subject,
        details: Vec<String>,
    },
    InvalidSchema {
        details: String,
    },
    InvalidSchemaType {
        schema_type: String,
    },
    EmptySchema,
    NotNextVersion,
    InvalidVersion {
        version: String,
    },
    InvalidCompatibilityLevel,
    InvalidMode,
    ReadOnly {
        subject: String,
    },
    NotImportMode {
        subject: Subject,
    },
    ReferenceExists {
        subject: Subject,
        version: Version,
    },
    InvalidSubject {
        subject: String,
    },
    Store {
        reason: String,
    },
    // what the HTTP layer itself refuses
    BadRequest {
        reason: String,
    },
    MissingBody,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    BodyTooLarge,
    UnsupportedMediaType,
    Internal,
}

/// code, HTTP status, variant
macro_rules! codes {
    ($($code:literal $status:literal $variant:ident)*) => {
        impl RegistryError {
            /// The `error_code` of the answer.
            pub fn code(&self) -> u32 {
                match self { $(Self::$variant { .. } => $code,)* }
            }

            /// The HTTP status of the answer.
            pub fn status(&self) -> u16 {
                match self { $(Self::$variant { .. } => $status,)* }
            }
        }
    };
}

codes! {
    40401 404 SubjectNotFound
    40402 404 VersionNotFound
    40403 404 SchemaNotFound
    40403 404 SchemaIdNotFound
    40404 404 SubjectSoftDeleted
    40405 404 SubjectNotSoftDeleted
    40406 404 VersionSoftDeleted
    40407 404 VersionNotSoftDeleted
    40408 404 NoSubjectCompatibility
    40409 404 NoSubjectMode
    40901 409 Incompatible
    42201 422 InvalidSchema
    42201 422 InvalidSchemaType
    42201 422 EmptySchema
    42201 422 NotNextVersion
    42202 422 InvalidVersion
    42203 422 InvalidCompatibilityLevel
    42204 422 InvalidMode
    42205 422 ReadOnly
    42205 422 NotImportMode
    42206 422 ReferenceExists
    42208 422 InvalidSubject
    50001 500 Store
    400   400 BadRequest
    422   422 MissingBody
    404   404 NotFound
    405   405 MethodNotAllowed
    406   406 NotAcceptable
    413   413 BodyTooLarge
    415   415 UnsupportedMediaType
    500   500 Internal
}

impl RegistryError {
    pub fn body(&self) -> ErrorBody {
        ErrorBody { error_code: self.code(), message: self.to_string() }
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SubjectNotFound { subject } => write!(f, "Subject '{subject}' not found."),
            Self::VersionNotFound { version } => write!(f, "Version {version} not found."),
            Self::SchemaNotFound => f.write_str("Schema not found"),
            Self::SchemaIdNotFound { id } => write!(f, "Schema {id} not found"),
            Self::SubjectSoftDeleted { subject } => write!(
                f,
                "Subject '{subject}' was soft deleted.Set permanent=true to delete permanently"
            ),
            Self::SubjectNotSoftDeleted { subject } => write!(
                f,
                "Subject '{subject}' was not deleted first before being permanently deleted"
            ),
            Self::VersionSoftDeleted { subject, version } => write!(
                f,
                "Subject '{subject}' Version {version} was soft deleted.Set permanent=true to delete permanently"
            ),
            Self::VersionNotSoftDeleted { subject, version } => write!(
                f,
                "Subject '{subject}' Version {version} was not deleted first before being permanently deleted"
            ),
            Self::NoSubjectCompatibility { subject } => write!(
                f,
                "Subject '{subject}' does not have subject-level compatibility configured"
            ),
            Self::NoSubjectMode { subject } => {
                write!(f, "Subject '{subject}' does not have subject-level mode configured")
            }
            Self::Incompatible { subject, details } => write!(
                f,
                "Schema being registered is incompatible with an earlier schema for subject \"{subject}\", details: [{}]",
                details.join(", ")
            ),
            Self::InvalidSchema { details } => {
                write!(f, "Invalid schema of type AVRO, details: {details}")
            }
            Self::InvalidSchemaType { schema_type } => {
                write!(f, "Invalid schema type {schema_type}")
            }
            Self::EmptySchema => f.write_str("Empty schema"),
            Self::NotNextVersion => f.write_str("Version is not one more than previous version"),
            Self::InvalidVersion { version } => write!(
                f,
                "The specified version '{version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""
            ),
            Self::InvalidCompatibilityLevel => f.write_str(
                "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive",
            ),
            Self::InvalidMode => f.write_str(
                "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.",
            ),
            Self::ReadOnly { subject } => {
                write!(f, "Subject {subject} in context  is in read-only mode")
            }
            Self::NotImportMode { subject } => {
                write!(f, "Subject {subject} in context  is not in import mode")
            }
            Self::ReferenceExists { subject, version } => write!(
                f,
                "One or more references exist to the schema {{magic=1,keytype=SCHEMA,subject={subject},version={version}}}."
            ),
            Self::InvalidSubject { subject } => {
                write!(f, "The specified subject '{subject}' is not a valid.")
            }
            Self::Store { reason } => f.write_str(reason),
            Self::BadRequest { reason } => f.write_str(reason),
            Self::MissingBody => f.write_str("must not be null"),
            Self::NotFound => f.write_str("HTTP 404 Not Found"),
            Self::MethodNotAllowed => f.write_str("HTTP 405 Method Not Allowed"),
            Self::NotAcceptable => f.write_str("HTTP 406 Not Acceptable"),
            Self::BodyTooLarge => f.write_str("HTTP 413 Request Entity Too Large"),
            Self::UnsupportedMediaType => f.write_str("HTTP 415 Unsupported Media Type"),
            Self::Internal => f.write_str("Internal Server Error"),
        }
    }
}

impl std::error::Error for RegistryError {}
