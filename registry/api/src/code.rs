//! The codes of the registry's refusals, for clients: one name a number, whatever the text.
//! What answers with them is [`RegistryError`](crate::RegistryError).

use std::fmt;

/// name, number, what it says
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $number:literal)*) => {
        /// The `error_code` of a refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
            /// Another number.
            Other(u32),
        }

        impl From<u32> for ErrorCode {
            fn from(number: u32) -> ErrorCode {
                match number {
                    $($number => ErrorCode::$name,)*
                    other => ErrorCode::Other(other),
                }
            }
        }

        impl From<ErrorCode> for u32 {
            fn from(code: ErrorCode) -> u32 {
                match code {
                    $(ErrorCode::$name => $number,)*
                    ErrorCode::Other(other) => other,
                }
            }
        }
    };
}

codes! {
    /// 40401: there is no such subject.
    SubjectNotFound 40401
    /// 40402: the subject has no such version.
    VersionNotFound 40402
    /// 40403: there is no such schema.
    SchemaNotFound 40403
    /// 40404: the subject was deleted softly.
    SubjectSoftDeleted 40404
    /// 40405: the subject has to be deleted softly first.
    SubjectNotSoftDeleted 40405
    /// 40406: the version was deleted softly.
    VersionSoftDeleted 40406
    /// 40407: the version has to be deleted softly first.
    VersionNotSoftDeleted 40407
    /// 40408: the subject has no compatibility level of its own.
    NoSubjectCompatibility 40408
    /// 40409: the subject has no mode of its own.
    NoSubjectMode 40409
    /// 40410: there is no such association.
    AssociationNotFound 40410
    /// 40901: the schema is not compatible with those before it.
    Incompatible 40901
    /// 40903: the resource has an association of this type.
    ResourceAssociated 40903
    /// 40904: the subject has an association.
    SubjectAssociated 40904
    /// 40905: the subject has a strong association.
    SubjectStronglyAssociated 40905
    /// 40907: the subject has no version that is not deleted.
    NoActiveVersion 40907
    /// 40908: the association is frozen.
    AssociationFrozen 40908
    /// 42201: the schema is none.
    InvalidSchema 42201
    /// 42202: the version is no number from 1 and not `latest`.
    InvalidVersion 42202
    /// 42203: there is no such compatibility level.
    InvalidCompatibilityLevel 42203
    /// 42204: there is no such mode.
    InvalidMode 42204
    /// 42205: the mode forbids it.
    OperationNotPermitted 42205
    /// 42206: other schemas refer to it.
    ReferenceExists 42206
    /// 42207: the schema is registered with another id.
    IdMismatch 42207
    /// 42208: that is no name for a subject.
    InvalidSubject 42208
    /// 42209: the schema is too large.
    SchemaTooLarge 42209
    /// 42210: the rules are wrong.
    InvalidRuleSet 42210
    /// 42211: the context has subjects.
    ContextNotEmpty 42211
    /// 42212: the association is wrong.
    InvalidAssociation 42212
    /// 42290: what was asked takes more than a request may use.
    OverBudget 42290
    /// 50001: the registry's store has failed.
    Store 50001
    /// 50002: the store has not answered in time.
    Timeout 50002
    /// 50003: the leader has not answered.
    Forwarding 50003
    /// 50004: there is no leader at the moment.
    NoLeader 50004
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        u32::from(*self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_code_and_a_code_a_number() {
        for number in (40400..40420).chain(40900..40910).chain(42200..42220).chain(50000..50010) {
            assert_eq!(u32::from(ErrorCode::from(number)), number);
        }
        assert_eq!(ErrorCode::from(40403), ErrorCode::SchemaNotFound);
        assert_eq!(ErrorCode::from(40301), ErrorCode::Other(40301));
        assert_eq!(ErrorCode::SchemaNotFound.to_string(), "40403");
    }
}
