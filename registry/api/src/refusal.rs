//! What is wrong with a name, a level or a rule, as the API refuses it: small errors become a [`RegistryError`]
//! where they leave, and say what it says.

use std::error::Error;
use std::fmt;

use crate::association::InvalidAssociation;
use crate::contract::InvalidRuleSet;
use crate::error::RegistryError;
use crate::level::{InvalidCompatibilityLevel, InvalidCompatibilityPolicy, InvalidMode};
use crate::name::{InvalidContext, InvalidGuid, InvalidSubject, InvalidVersion};

/// A small error, taken apart => what the API answers
macro_rules! refusals {
    ($($error:pat, $name:ident => $refusal:expr;)*) => {
        $(
            impl From<$name> for RegistryError {
                fn from($error: $name) -> RegistryError {
                    $refusal
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    RegistryError::from(self.clone()).fmt(f)
                }
            }

            impl Error for $name {}
        )*
    };
}

refusals! {
    InvalidContext { name }, InvalidContext => RegistryError::BadRequest {
        reason: format!("Invalid context name: {name}"),
    };
    InvalidSubject { name }, InvalidSubject => RegistryError::InvalidSubject { subject: name };
    InvalidVersion { text }, InvalidVersion => RegistryError::InvalidVersion { version: text };
    InvalidGuid { text }, InvalidGuid => RegistryError::SchemaIdNotFound { id: text };
    InvalidCompatibilityLevel, InvalidCompatibilityLevel => RegistryError::InvalidCompatibilityLevel;
    InvalidCompatibilityPolicy, InvalidCompatibilityPolicy => RegistryError::InvalidCompatibilityPolicy;
    InvalidMode, InvalidMode => RegistryError::InvalidMode;
    InvalidRuleSet { reason }, InvalidRuleSet => RegistryError::InvalidRuleSet { reason };
    InvalidAssociation { property, detail }, InvalidAssociation => {
        RegistryError::InvalidAssociation { property, detail }
    };
}

#[cfg(test)]
mod tests {
    use crate::{CompatibilityLevel, Context, Guid, Mode, Subject, VersionSpec};

    #[test]
    fn a_small_error_says_what_the_api_answers() {
        let subject = Subject::new("__GLOBAL").unwrap_err();
        assert_eq!(subject.to_string(), "The specified subject '__GLOBAL' is not a valid.");
        let context = Context::new("a:b").unwrap_err();
        assert_eq!(context.to_string(), "Invalid context name: a:b");
        assert_eq!("x".parse::<Guid>().unwrap_err().to_string(), "Schema x not found");
        let code = |error: crate::RegistryError| error.code();
        assert_eq!(code(subject.into()), 42208);
        assert_eq!(code(context.into()), 400);
        assert_eq!(code("0".parse::<VersionSpec>().unwrap_err().into()), 42202);
        assert_eq!(code("x".parse::<CompatibilityLevel>().unwrap_err().into()), 42203);
        assert_eq!(code("x".parse::<Mode>().unwrap_err().into()), 42204);
    }
}
