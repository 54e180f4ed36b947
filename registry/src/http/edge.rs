//! Small errors of names, levels and bodies on their way out, as the API refuses them.

use weir_registry_api::association::InvalidAssociation;
use weir_registry_api::level::InvalidMode;
use weir_registry_api::name::{InvalidContext, InvalidGuid, InvalidSubject, InvalidVersion};

use super::answer::Refused;

macro_rules! refused {
    ($($error:ident)*) => {
        $(impl From<$error> for Refused {
            fn from(error: $error) -> Refused {
                Refused(error.into())
            }
        })*
    };
}

refused! {
    InvalidAssociation
    InvalidContext
    InvalidGuid
    InvalidMode
    InvalidSubject
    InvalidVersion
}
