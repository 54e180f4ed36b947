//! What the registry refuses: one table of its errors, their codes, statuses and texts.
//! Source: Confluent's `Errors` and the exceptions behind it, typos included.

pub use weir_errors::ErrorBody;
use weir_errors::error_table;

use crate::name::{Context, SchemaId, Subject, Version};
use crate::wire::SchemaType;

error_table! {
    /// What the registry refuses.
    pub enum RegistryError;
    /// The `error_code` of a registry's answer.
    pub enum ErrorCode;

    /// There is no such subject.
    SubjectNotFound 40401 404 {
        SubjectNotFound { subject: Subject } => "Subject '{subject}' not found.";
    }
    /// The subject has no such version.
    VersionNotFound 40402 404 {
        /// `-1` is the latest.
        VersionNotFound { version: String } => "Version {version} not found.";
    }
    /// There is no such schema.
    SchemaNotFound 40403 404 {
        SchemaNotFound => "Schema not found";
        SchemaIdNotFound { id: String } => "Schema {id} not found";
    }
    /// The subject was deleted softly.
    SubjectSoftDeleted 40404 404 {
        SubjectSoftDeleted { subject: Subject }
            => "Subject '{subject}' was soft deleted.Set permanent=true to delete permanently";
    }
    /// The subject has to be deleted softly before it is deleted permanently.
    SubjectNotSoftDeleted 40405 404 {
        SubjectNotSoftDeleted { subject: Subject }
            => "Subject '{subject}' was not deleted first before being permanently deleted";
    }
    /// The version was deleted softly.
    VersionSoftDeleted 40406 404 {
        VersionSoftDeleted { subject: Subject, version: Version }
            => "Subject '{subject}' Version {version} was soft deleted.Set permanent=true to delete permanently";
    }
    /// The version has to be deleted softly before it is deleted permanently.
    VersionNotSoftDeleted 40407 404 {
        VersionNotSoftDeleted { subject: Subject, version: Version }
            => "Subject '{subject}' Version {version} was not deleted first before being permanently deleted";
    }
    /// The subject has no compatibility level of its own.
    NoSubjectCompatibility 40408 404 {
        NoSubjectCompatibility { subject: Subject }
            => "Subject '{subject}' does not have subject-level compatibility configured";
    }
    /// The subject has no mode of its own.
    NoSubjectMode 40409 404 {
        NoSubjectMode { subject: Subject }
            => "Subject '{subject}' does not have subject-level mode configured";
    }
    /// There is no such association.
    AssociationNotFound 40410 404 {
        AssociationNotFound { resource: String } => "Association for '{resource}' not found.";
    }
    /// The schema is not compatible with those before it.
    Incompatible 40901 409 {
        Incompatible { subject: Subject, details: Vec<String> }
            => "Schema being registered is incompatible with an earlier schema for subject \"{subject}\", details: [{}]",
            details.join(", ");
    }
    /// The resource has an association of this type already.
    ResourceAssociated 40903 409 {
        ResourceAssociated { association_type: String, resource: String }
            => "An association of type '{association_type}' already exists for resource '{resource}'";
    }
    /// The subject has an association already.
    SubjectAssociated 40904 409 {
        SubjectAssociated { subject: Subject }
            => "An association already exists for subject '{subject}'";
    }
    /// The subject has a strong association already.
    SubjectStronglyAssociated 40905 409 {
        SubjectStronglyAssociated { subject: Subject }
            => "A strong association already exists for subject '{subject}'";
    }
    /// The subject has no version that is not deleted.
    NoActiveVersion 40907 409 {
        NoActiveVersion { subject: Subject }
            => "No active (non-deleted) version exists for subject '{subject}'";
    }
    /// The association is frozen.
    AssociationFrozen 40908 409 {
        AssociationFrozen { association_type: String, subject: Subject }
            => "The association of type  '{association_type}' is frozen for subject '{subject}'";
    }
    /// The schema cannot be read, or breaks a rule of its language.
    InvalidSchema 42201 422 {
        InvalidSchema { schema_type: SchemaType, details: String }
            => "Invalid schema of type {}, details: {details}", schema_type.name();
        InvalidSchemaType { schema_type: String } => "Invalid schema type {schema_type}";
        EmptySchema => "Empty schema";
        NotNextVersion => "Version is not one more than previous version";
    }
    /// The version is no number from 1 on and not `latest`.
    InvalidVersion 42202 422 {
        InvalidVersion { version: String }
            => "The specified version '{version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\"";
    }
    /// There is no such compatibility level or policy.
    InvalidCompatibilityLevel 42203 422 {
        InvalidCompatibilityLevel
            => "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive";
        InvalidCompatibilityPolicy
            => "Invalid compatibility policy. Valid values are strict, lenient, and logical";
    }
    /// There is no such mode.
    InvalidMode 42204 422 {
        InvalidMode => "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.";
        ForwardIsGlobal => "Forward mode only supported on global level";
    }
    /// The mode, an association or an id that is taken forbids it.
    OperationNotPermitted 42205 422 {
        /// No subject is the default context.
        ReadOnly { subject: Option<Subject> }
            => "Subject {} in context {} is in read-only mode",
            subject.as_ref().map_or("null", Subject::as_str),
            subject.as_ref().map(Subject::context_shown).unwrap_or_default();
        NotImportMode { subject: Subject }
            => "Subject {subject} in context {} is not in import mode", subject.context_shown();
        NotReadWriteMode { subject: Subject }
            => "Subject {subject} in context {} is not in read-write mode", subject.context_shown();
        ImportNeedsNoSubjects => "Cannot import since found existing subjects";
        /// The operator does not let modes be changed.
        ModeImmutable => "Mode changes are not allowed";
        IdTaken { id: SchemaId, subject: Subject }
            => "Overwrite new schema with id {id} in context {} is not permitted.", subject.context_shown();
        OwnedSubjectReferenced { subject: Subject }
            => "Subject '{subject}' has a strong association and cannot be referenced";
    }
    /// Other schemas refer to it.
    ReferenceExists 42206 422 {
        ReferenceExists { subject: Subject, version: Version }
            => "One or more references exist to the schema {{magic=1,keytype=SCHEMA,subject={subject},version={version}}}.";
    }
    /// The schema is registered with another id.
    IdMismatch 42207 422 {
        IdMismatch => "The ID of an imported schema does not match the existing ID";
    }
    /// No subject can have this name.
    InvalidSubject 42208 422 {
        InvalidSubject { subject: String } => "The specified subject '{subject}' is not a valid.";
    }
    /// The schema is too large.
    SchemaTooLarge 42209 422 {
        SchemaTooLarge => "Register operation failed because schema is too large";
    }
    /// The rules cannot be.
    InvalidRuleSet 42210 422 {
        InvalidRuleSet { reason: String } => "{reason}";
    }
    /// The context has subjects.
    ContextNotEmpty 42211 422 {
        ContextNotEmpty { context: Context } => "The specified context ':{context}:' is not empty.";
    }
    /// The association cannot be.
    InvalidAssociation 42212 422 {
        InvalidAssociation { property: &'static str, detail: String }
            => "The association specified an invalid value for property: '{property}', detail: {detail}";
    }
    /// The request takes more work or memory than one request may.
    OverBudget 42290 422 {
        OverBudget { reason: String } => "The request asks for more than one may: {reason}";
    }
    /// The registry's store has failed.
    Store 50001 500 {
        Store { reason: String } => "{reason}";
    }
    /// The store has not answered in time. Whether the write was done is not known, or it is known that it was not.
    Timeout 50002 500 {
        Timeout { reason: String } => "Register operation timed out: {reason}";
    }
    /// The leader has not answered. Whether it has done the write is not known.
    Forwarding 50003 500 {
        Forwarding { reason: String } => "Error while forwarding the request to the leader: {reason}";
    }
    /// There is no leader at the moment.
    NoLeader 50004 500 {
        NoLeader => "Leader not known.";
    }
    /// The request has no body, and needs one.
    MissingBody 422 422 {
        /// `request` is what the reference calls the argument.
        MissingBody { request: &'static str } => "{request} must not be null (was null)";
    }

    http "{}"

    also Unavailable 503 503 {
        /// The log is not read to its end yet.
        Starting => "The registry is reading its log.";
        /// Too many requests wait for a processor already.
        Busy => "Too many requests that take long wait already; try again later.";
    }
}

impl RegistryError {
    /// Returns true if the same request may succeed a little later.
    pub fn is_passing(&self) -> bool {
        matches!(self.code(), 50002..=50004 | 503)
    }

    pub fn body(&self) -> ErrorBody {
        weir_errors::ApiError::body(self)
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_s } | Self::LoginUnavailable { retry_after_s } => {
                Some(*retry_after_s)
            }
            _ => self.is_passing().then_some(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_code_and_a_code_a_number() {
        for number in (400..504).chain(40400..40420).chain(40900..40910).chain(42200..42220) {
            assert_eq!(u32::from(ErrorCode::from(number)), number);
        }
        assert_eq!(ErrorCode::from(40403), ErrorCode::SchemaNotFound);
        assert_eq!(ErrorCode::from(40302), ErrorCode::Other(40302));
        assert_eq!(ErrorCode::SchemaNotFound.to_string(), "40403");
    }
}
