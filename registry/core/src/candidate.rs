//! A schema that somebody submits, before the registry knows it: parsed, in its canonical text,
//! with its references pinned to versions. Making one needs no order among requests, so that it
//! happens on the request's own task.

use std::sync::Arc;

use weir_registry_api::{
    Guid, Reference, RegisterRequest, RegistryError, SchemaType, Subject, VersionSpec,
};
use weir_schema::avro;

use crate::state::{IdEntry, State};

#[derive(Clone, Debug)]
pub struct Candidate {
    pub schema_type: SchemaType,
    pub text: String,
    pub references: Vec<Reference>,
    pub guid: Guid,
    pub parsed: Arc<avro::Schema>,
}

impl Candidate {
    /// Parses a request's schema as one that is new. 42201.
    pub fn new(
        state: &State,
        subject: &Subject,
        request: &RegisterRequest,
        normalize: bool,
    ) -> Result<Candidate, RegistryError> {
        let schema_type = request.schema_type.clone().unwrap_or_default();
        if !schema_type.is_avro() {
            return Err(RegistryError::InvalidSchemaType { schema_type: schema_type.0 });
        }
        let text = request.schema.as_deref().unwrap_or_default();
        if text.trim().is_empty() {
            return Err(RegistryError::EmptySchema);
        }
        let normalize = normalize || state.effective_config(Some(subject)).normalize == Some(true);
        let references = pin(state, &request.references, normalize)?;
        let parsed = state
            .parse(text, &references, avro::ParseOptions::NEW)
            .map_err(|details| RegistryError::InvalidSchema { details })?;
        let parsed = if normalize { parsed.normalized() } else { parsed };
        let text = parsed.canonical();
        let guid = Guid::of(&text, &references);
        Ok(Candidate { schema_type, text, references, guid, parsed: Arc::new(parsed) })
    }

    /// Whether a stored schema is this one: the same content, or the same once all references are
    /// inlined, which is how clients send schemas whose parts they hold in one piece.
    pub(crate) fn is(&self, state: &State, stored: &IdEntry) -> bool {
        if stored.guid == self.guid {
            return true;
        }
        if stored.schema_type != self.schema_type
            || (stored.references.is_empty() && self.references.is_empty())
        {
            return false;
        }
        state.parsed(stored).is_ok_and(|parsed| parsed.same_resolved(&self.parsed))
    }
}

/// References with `-1` replaced by the latest version's number; normalised ones are sorted and
/// stand once.
fn pin(
    state: &State,
    references: &[Reference],
    normalize: bool,
) -> Result<Vec<Reference>, RegistryError> {
    let mut pinned = Vec::with_capacity(references.len());
    for reference in references {
        let spec = match reference.version {
            -1 => VersionSpec::Latest,
            number => {
                VersionSpec::Number(weir_registry_api::Version(u32::try_from(number).unwrap_or(0)))
            }
        };
        let found = state.find_version(&reference.subject, spec, false).map_err(|_| {
            RegistryError::InvalidSchema {
                details: format!(
                    "No schema reference found for subject \"{}\" and version {}",
                    reference.subject, reference.version
                ),
            }
        })?;
        pinned.push(Reference { version: found.version.0 as i32, ..reference.clone() });
    }
    if normalize {
        pinned.sort();
        pinned.dedup();
    }
    Ok(pinned)
}
