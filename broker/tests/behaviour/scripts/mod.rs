//! What is asked, by subject.

pub mod api_versions;
pub mod configs;
pub mod fetch;
pub mod offsets;
pub mod produce;
pub mod topics;
