//! Ids that a registry can give.

use weir_registry_api::SchemaId;

use crate::error::ClientError;
use crate::frame::SchemaName;

/// The highest id that a registry gives: it counts in signed numbers of 32 bits.
const ID_MAX: u32 = i32::MAX as u32;

/// An error if no registry has a schema of this id, whatever it is asked.
pub(crate) fn check_id(id: SchemaId) -> Result<(), ClientError> {
    match id.0 {
        0..=ID_MAX => Ok(()),
        id => Err(ClientError::Schema(
            format!("no registry has a schema {id}: ids end at {ID_MAX}").into(),
        )),
    }
}

/// An error if no registry has a schema of this name, whatever it is asked.
pub(crate) fn check(name: SchemaName) -> Result<(), ClientError> {
    match name {
        SchemaName::Id(id) => check_id(id),
        SchemaName::Guid(_) => Ok(()),
    }
}
