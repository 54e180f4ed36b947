//! JSON Schema: a schema, and what checks values by it.

use jsonschema::{Retrieve, Uri, Validator};
use serde_json::Value;
use weir_registry_api::SchemaId;
use weir_schema::json_schema::{Draft, Schema};

use crate::error::ClientError;
use crate::fetched::{Fetched, ReferenceText, pairs};
use crate::frame::SchemaName;
use crate::reason::Reason;

/// Reasons that an error says at most.
const REASONS_MAX: usize = 3;

/// A JSON Schema with what checks values by it.
#[derive(Debug)]
pub struct JsonCodec {
    /// None if it was asked for by its guid.
    pub id: Option<SchemaId>,
    pub(crate) name: Option<SchemaName>,
    pub(crate) schema: Schema,
    validator: Validator,
}

impl JsonCodec {
    pub(crate) fn new(fetched: &Fetched) -> Result<JsonCodec, ClientError> {
        let codec = JsonCodec::parse(&fetched.schema, &fetched.references)?;
        Ok(JsonCodec { id: fetched.id, name: fetched.name(), ..codec })
    }

    /// Parses a text with what it refers to.
    pub(crate) fn parse(
        text: &str,
        references: &[ReferenceText],
    ) -> Result<JsonCodec, ClientError> {
        let schema = Schema::parse(text, &pairs(references), false).map_err(unusable)?;
        let json: Value = serde_json::from_str(text).map_err(unusable)?;
        let references = References::new(references).map_err(unusable)?;
        let options = jsonschema::options()
            .with_retriever(references)
            .with_draft(validated_by(schema.draft()));
        let validator = options.build(&json).map_err(unusable)?;
        Ok(JsonCodec { id: None, name: None, schema, validator })
    }

    /// Checks a value. An error if it is not as the schema has it, with where and why.
    pub fn check(&self, value: &Value) -> Result<(), ClientError> {
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let reasons: Vec<String> = self
            .validator
            .iter_errors(value)
            .take(REASONS_MAX)
            .map(|error| match error.instance_path().as_str() {
                "" => error.to_string(),
                path => format!("{path}: {error}"),
            })
            .collect();
        Err(ClientError::invalid(reasons.join("; ")))
    }
}

/// The rules of a draft. A schema whose `$schema` is unknown is of draft 7, as for the registry.
fn validated_by(draft: Draft) -> jsonschema::Draft {
    match draft {
        Draft::Draft4 => jsonschema::Draft::Draft4,
        Draft::Draft6 => jsonschema::Draft::Draft6,
        Draft::Draft7 => jsonschema::Draft::Draft7,
        Draft::Draft201909 => jsonschema::Draft::Draft201909,
        Draft::Draft202012 => jsonschema::Draft::Draft202012,
    }
}

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> ClientError {
    ClientError::Schema(Reason::of(error))
}

/// What a schema refers to, by the names that it uses: a whole URI, or the end of one.
struct References(Vec<(String, Value)>);

impl References {
    fn new(references: &[ReferenceText]) -> Result<References, serde_json::Error> {
        let parsed =
            references.iter().map(|r| Ok((r.name.clone(), without_unknown_draft(&r.schema)?)));
        Ok(References(parsed.collect::<Result<_, serde_json::Error>>()?))
    }
}

/// A schema without a `$schema` that nobody knows: the draft of what refers to it holds.
fn without_unknown_draft(text: &str) -> Result<Value, serde_json::Error> {
    let mut json: Value = serde_json::from_str(text)?;
    if let Value::Object(members) = &mut json
        && let Some(Value::String(uri)) = members.get("$schema")
        && Draft::named(uri).is_none()
    {
        members.remove("$schema");
    }
    Ok(json)
}

impl Retrieve for References {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let uri = uri.as_str();
        let is_meant = |name: &str| {
            uri.strip_suffix(name)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('/') || name.starts_with('/'))
        };
        match self.0.iter().find(|(name, _)| is_meant(name)) {
            Some((_, schema)) => Ok(schema.clone()),
            None => Err(format!("{uri} is not among the schema's references").into()),
        }
    }
}
