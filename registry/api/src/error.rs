//! What the registry refuses: one variant a fact, its text on the wire, and one table of codes.
//! Source: Confluent's `Errors` and the exceptions behind it, typos included.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{Context, SchemaId, Subject, Version};
use crate::wire::SchemaType;

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
    AssociationNotFound {
        resource: String,
    },
    Incompatible {
        subject: Subject,
        details: Vec<String>,
    },
    ResourceAssociated {
        association_type: String,
        resource: String,
    },
    SubjectAssociated {
        subject: Subject,
    },
    SubjectStronglyAssociated {
        subject: Subject,
    },
    NoActiveVersion {
        subject: Subject,
    },
    AssociationFrozen {
        association_type: String,
        subject: Subject,
    },
    InvalidSchema {
        schema_type: SchemaType,
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
    InvalidCompatibilityPolicy,
    InvalidMode,
    ForwardIsGlobal,
    /// No subject is the default context.
    ReadOnly {
        subject: Option<Subject>,
    },
    NotImportMode {
        subject: Subject,
    },
    NotReadWriteMode {
        subject: Subject,
    },
    ImportNeedsNoSubjects,
    /// The operator does not let modes be changed.
    ModeImmutable,
    IdTaken {
        id: SchemaId,
        subject: Subject,
    },
    OwnedSubjectReferenced {
        subject: Subject,
    },
    ReferenceExists {
        subject: Subject,
        version: Version,
    },
    IdMismatch,
    InvalidSubject {
        subject: String,
    },
    SchemaTooLarge,
    InvalidRuleSet {
        reason: String,
    },
    ContextNotEmpty {
        context: Context,
    },
    InvalidAssociation {
        property: &'static str,
        detail: String,
    },
    /// What was asked takes more than a request may use.
    OverBudget {
        reason: String,
    },
    Store {
        reason: String,
    },
    /// Whether it was written is not known, or it is known that it was not.
    Timeout {
        reason: String,
    },
    /// The leader has not answered: whether it has done it is not known.
    Forwarding {
        reason: String,
    },
    NoLeader,
    /// The log is not read to its end yet.
    Starting,
    /// Too many requests wait for a processor already.
    Busy,
    // what the HTTP layer itself refuses
    BadRequest {
        reason: String,
    },
    /// A page of another site may not write.
    ForeignOrigin {
        reason: String,
    },
    /// The body has not come in time.
    BodyTimeout,
    /// The request is for a name that the server does not have.
    Misdirected {
        reason: String,
    },
    /// Other requests' bodies take all the room.
    Crowded,
    /// `request` is what the reference calls the argument.
    MissingBody {
        request: &'static str,
    },
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
    40410 404 AssociationNotFound
    40901 409 Incompatible
    40903 409 ResourceAssociated
    40904 409 SubjectAssociated
    40905 409 SubjectStronglyAssociated
    40907 409 NoActiveVersion
    40908 409 AssociationFrozen
    42201 422 InvalidSchema
    42201 422 InvalidSchemaType
    42201 422 EmptySchema
    42201 422 NotNextVersion
    42202 422 InvalidVersion
    42203 422 InvalidCompatibilityLevel
    42203 422 InvalidCompatibilityPolicy
    42204 422 InvalidMode
    42204 422 ForwardIsGlobal
    42205 422 ReadOnly
    42205 422 NotImportMode
    42205 422 NotReadWriteMode
    42205 422 ImportNeedsNoSubjects
    42205 422 ModeImmutable
    42205 422 IdTaken
    42205 422 OwnedSubjectReferenced
    42206 422 ReferenceExists
    42207 422 IdMismatch
    42208 422 InvalidSubject
    42209 422 SchemaTooLarge
    42210 422 InvalidRuleSet
    42211 422 ContextNotEmpty
    42212 422 InvalidAssociation
    42290 422 OverBudget
    50001 500 Store
    50002 500 Timeout
    50003 500 Forwarding
    50004 500 NoLeader
    503   503 Starting
    503   503 Busy
    400   400 BadRequest
    403   403 ForeignOrigin
    408   408 BodyTimeout
    421   421 Misdirected
    503   503 Crowded
    422   422 MissingBody
    404   404 NotFound
    405   405 MethodNotAllowed
    406   406 NotAcceptable
    413   413 BodyTooLarge
    415   415 UnsupportedMediaType
    500   500 Internal
}

impl RegistryError {
    /// Whether the same request may succeed a little later.
    pub fn is_passing(&self) -> bool {
        matches!(self.code(), 50002..=50004 | 503)
    }

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
            Self::InvalidSchema { schema_type, details } => {
                write!(f, "Invalid schema of type {}, details: {details}", schema_type.name())
            }
            Self::AssociationNotFound { resource } => {
                write!(f, "Association for '{resource}' not found.")
            }
            Self::ResourceAssociated { association_type, resource } => write!(
                f,
                "An association of type '{association_type}' already exists for resource '{resource}'"
            ),
            Self::SubjectAssociated { subject } => {
                write!(f, "An association already exists for subject '{subject}'")
            }
            Self::SubjectStronglyAssociated { subject } => {
                write!(f, "A strong association already exists for subject '{subject}'")
            }
            Self::NoActiveVersion { subject } => {
                write!(f, "No active (non-deleted) version exists for subject '{subject}'")
            }
            Self::AssociationFrozen { association_type, subject } => write!(
                f,
                "The association of type  '{association_type}' is frozen for subject '{subject}'"
            ),
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
            Self::InvalidCompatibilityPolicy => f.write_str(
                "Invalid compatibility policy. Valid values are strict, lenient, and logical",
            ),
            Self::ForwardIsGlobal => f.write_str("Forward mode only supported on global level"),
            Self::ReadOnly { subject } => {
                let context = subject.as_ref().map(Subject::context_shown).unwrap_or_default();
                let subject = subject.as_ref().map_or("null", Subject::as_str);
                write!(f, "Subject {subject} in context {context} is in read-only mode")
            }
            Self::NotImportMode { subject } => write!(
                f,
                "Subject {subject} in context {} is not in import mode",
                subject.context_shown()
            ),
            Self::NotReadWriteMode { subject } => write!(
                f,
                "Subject {subject} in context {} is not in read-write mode",
                subject.context_shown()
            ),
            Self::ImportNeedsNoSubjects => {
                f.write_str("Cannot import since found existing subjects")
            }
            Self::ModeImmutable => f.write_str("Mode changes are not allowed"),
            Self::IdTaken { id, subject } => write!(
                f,
                "Overwrite new schema with id {id} in context {} is not permitted.",
                subject.context_shown()
            ),
            Self::OwnedSubjectReferenced { subject } => write!(
                f,
                "Subject '{subject}' has a strong association and cannot be referenced"
            ),
            Self::ReferenceExists { subject, version } => write!(
                f,
                "One or more references exist to the schema {{magic=1,keytype=SCHEMA,subject={subject},version={version}}}."
            ),
            Self::InvalidSubject { subject } => {
                write!(f, "The specified subject '{subject}' is not a valid.")
            }
            Self::IdMismatch => {
                f.write_str("The ID of an imported schema does not match the existing ID")
            }
            Self::SchemaTooLarge => {
                f.write_str("Register operation failed because schema is too large")
            }
            Self::InvalidRuleSet { reason } => f.write_str(reason),
            Self::ContextNotEmpty { context } => {
                write!(f, "The specified context ':{context}:' is not empty.")
            }
            Self::InvalidAssociation { property, detail } => write!(
                f,
                "The association specified an invalid value for property: '{property}', detail: {detail}"
            ),
            Self::OverBudget { reason } => {
                write!(f, "The request asks for more than one may: {reason}")
            }
            Self::Store { reason } => f.write_str(reason),
            Self::Timeout { reason } => write!(f, "Register operation timed out: {reason}"),
            Self::Forwarding { reason } => {
                write!(f, "Error while forwarding the request to the leader: {reason}")
            }
            Self::NoLeader => f.write_str("Leader not known."),
            Self::Busy => {
                f.write_str("Too many requests that take long wait already; try again later.")
            }
            Self::Starting => f.write_str("The registry is reading its log."),
            Self::BadRequest { reason }
            | Self::ForeignOrigin { reason }
            | Self::Misdirected { reason } => f.write_str(reason),
            Self::BodyTimeout => f.write_str("HTTP 408 Request Timeout"),
            Self::Crowded => {
                f.write_str("Other requests' bodies take all the room that there is.")
            }
            Self::MissingBody { request } => write!(f, "{request} must not be null (was null)"),
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
