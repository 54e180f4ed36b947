//! Who somebody is.

use std::fmt;
use std::sync::Arc;

/// Who a caller has proved to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The principal's name: a user's, a certificate's behind the mapping rules, a token's subject.
    pub name: Arc<str>,
    /// Groups that the proof says the principal is in.
    pub groups: Arc<[Arc<str>]>,
    /// Roles that the proof says the principal has: those of a users file, those of an API key.
    pub roles: Arc<[Arc<str>]>,
    pub proof: Proof,
}

/// How a caller has proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proof {
    /// It has not, and is allowed not to.
    Nothing,
    Password,
    ApiKey,
    Token,
    Certificate,
    /// It is a node of the cluster that asks for itself.
    Node,
}

impl Identity {
    /// Somebody who has proved nothing: the principal `anonymous`.
    pub fn anonymous() -> Identity {
        Identity::new("anonymous", Proof::Nothing)
    }

    /// A principal without groups and roles.
    pub fn new(name: &str, proof: Proof) -> Identity {
        Identity { name: name.into(), groups: Arc::from([]), roles: Arc::from([]), proof }
    }
}

impl Proof {
    pub const ALL: [Proof; 6] = [
        Proof::Nothing,
        Proof::Password,
        Proof::ApiKey,
        Proof::Token,
        Proof::Certificate,
        Proof::Node,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Proof::Nothing => "nothing",
            Proof::Password => "password",
            Proof::ApiKey => "api-key",
            Proof::Token => "token",
            Proof::Certificate => "certificate",
            Proof::Node => "node",
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
