//! What is asked, by subject.

pub mod acls;
pub mod api_versions;
pub mod classic;
pub mod commits;
pub mod configs;
pub mod consumer;
pub mod fetch;
pub mod offsets;
pub mod produce;
pub mod producers;
pub mod sasl;
pub mod schemas;
pub mod topics;
pub mod transactions;
