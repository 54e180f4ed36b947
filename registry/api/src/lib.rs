//! The registry's words: names, wire types and error codes, shared by the server and its clients.

pub mod error;
pub mod level;
pub mod name;
pub mod wire;

pub use error::{ErrorBody, RegistryError};
pub use level::{CompatibilityLevel, Mode};
pub use name::{Guid, SchemaId, Subject, Version, VersionSpec};
pub use wire::{
    CompatibilityAnswer, Config, ConfigUpdate, ModeBody, Reference, RegisterRequest,
    RegisterResponse, Schema, SchemaString, SchemaType, SubjectVersion,
};

/// The media types that the registry speaks, the best first.
pub const MEDIA_TYPES: [&str; 3] = [
    "application/vnd.schemaregistry.v1+json",
    "application/vnd.schemaregistry+json",
    "application/json",
];
