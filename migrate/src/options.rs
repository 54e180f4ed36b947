//! What a migration is told.

use std::collections::BTreeMap;

use crate::place::Place;

/// What is copied, where to, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is copied.
    pub from: Place,
    /// Where it is copied to.
    pub to: Place,
    /// Whether the two are compared.
    pub comparison: Comparison,
    /// Whether a target that is not empty is copied to, to go on after an interruption.
    pub force: bool,
    /// Whether subjects of contexts are copied to a registry that knows no contexts. They become subjects
    /// with colons in their names, and their ids may take the place of others.
    pub contexts_as_names: bool,
    /// Settings of librdkafka for topics: security, time-outs. Addresses stand in the place itself.
    pub kafka: BTreeMap<String, String>,
    /// Certificates in PEM that https is trusted by, instead of the system's.
    pub ca_pem: Option<Vec<u8>>,
}

/// When source and target are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Comparison {
    /// Nothing is compared.
    #[default]
    Never,
    /// Both are read again after the copy, and compared.
    Afterwards,
    /// They are compared, and nothing is copied.
    Only,
}
