//! Avro: a schema, and what reads and writes payloads of it.

use weir_registry_api::SchemaId;
use weir_schema::avro::codec::{Encoder, Plan};
use weir_schema::avro::{ParseError, ParseOptions, Parser, Schema};

use crate::error::ClientError;
use crate::fetched::{Fetched, ReferenceText};
use crate::frame::SchemaName;
use crate::reason::Reason;

/// An Avro schema with what reads and writes data of it.
#[derive(Debug)]
pub struct AvroCodec {
    /// None if it was asked for by its guid.
    pub id: Option<SchemaId>,
    /// With all that it refers to.
    pub schema: Schema,
    pub(crate) name: Option<SchemaName>,
    /// Writes payloads of the schema: what stands after its id.
    pub encoder: Encoder,
    /// Reads payloads of the schema as what it is.
    pub plan: Plan,
}

impl AvroCodec {
    pub(crate) fn new(fetched: &Fetched) -> Result<AvroCodec, ClientError> {
        let schema = parse(&fetched.schema, &fetched.references, ParseOptions::STORED)?;
        Ok(AvroCodec {
            id: fetched.id,
            name: fetched.name(),
            encoder: Encoder::for_payloads(&schema).map_err(unusable)?,
            plan: Plan::for_payloads(&schema, &schema).map_err(unusable)?,
            schema,
        })
    }
}

/// Parses an Avro text with what it refers to.
pub(crate) fn parse(
    text: &str,
    references: &[ReferenceText],
    options: ParseOptions,
) -> Result<Schema, ClientError> {
    let unusable = |e: ParseError| ClientError::Schema(Reason::of(e));
    let mut parser = Parser::new(options);
    for reference in references {
        parser.reference(&reference.schema).map_err(unusable)?;
    }
    parser.parse(text).map_err(unusable)
}

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> ClientError {
    ClientError::Schema(Reason::of(error))
}
