//! The registry's words: names, wire types and error codes, shared by the server and its clients.

pub mod association;
pub mod config;
pub mod contract;
pub mod error;
mod json;
pub mod level;
pub mod name;
mod refusal;
pub mod text;
pub mod wire;

pub use association::{
    Association, AssociationInfo, AssociationRequest, AssociationResponse, AssociationUpdate,
    Lifecycle,
};
pub use config::{Config, ConfigUpdate};
pub use contract::{Metadata, Rule, RuleSet};
pub use error::{ErrorBody, ErrorCode, RegistryError};
pub use level::{CompatibilityLevel, CompatibilityPolicy, Mode};
pub use name::{Context, Guid, SchemaId, Subject, Version, VersionSpec};
pub use text::SchemaText;
pub use wire::{
    CompatibilityAnswer, ContextId, EntityType, Incompatibility, ModeBody, Reference,
    RegisterRequest, RegisterResponse, Schema, SchemaEntity, SchemaString, SchemaTags, SchemaType,
    SubjectVersion, TagSchemaRequest,
};

/// The media types that the registry speaks, the best first.
pub const MEDIA_TYPES: [&str; 3] = [
    "application/vnd.schemaregistry.v1+json",
    "application/vnd.schemaregistry+json",
    "application/json",
];
