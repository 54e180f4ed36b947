//! References of a request, with the versions that they mean.

use weir_registry_api::{Reference, RegistryError, SchemaType, Subject, Version, VersionSpec};
use weir_schema::Budget;

use crate::candidate::invalid;
use crate::grants::Grants;
use crate::state::{State, missing};

/// What a request refers to, and the language that errors name.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'r> {
    pub(crate) schema_type: &'r SchemaType,
    pub(crate) references: &'r [Reference],
}

/// References with `-1` replaced by the latest version's number. What may not be read is not there. 42201.
pub(crate) fn pin(
    state: &State,
    parent: &Subject,
    Asked { schema_type, references }: Asked<'_>,
    grants: &Grants,
    budget: &Budget,
) -> Result<Vec<Reference>, RegistryError> {
    budget.spend(8 * references.len());
    let mut pinned = Vec::with_capacity(references.len());
    for reference in references {
        if reference.name.is_empty() && reference.subject.as_str().is_empty() {
            return Err(invalid(schema_type, "Invalid reference: it names nothing"));
        }
        let subject = reference.subject.beside(parent);
        let spec = match reference.version {
            -1 => VersionSpec::Latest,
            number => VersionSpec::Number(Version(u32::try_from(number).unwrap_or(0))),
        };
        if !grants.read(&subject) {
            return Err(invalid(schema_type, &missing(reference)));
        }
        if subject != *parent && state.associations().is_owned(&subject) {
            return Err(RegistryError::OwnedSubjectReferenced { subject });
        }
        let found = state
            .find_version(&subject, spec, false)
            .map_err(|_| invalid(schema_type, &missing(reference)))?;
        pinned.push(Reference { version: found.version.0 as i32, ..reference.clone() });
    }
    Ok(pinned)
}
