//! Who somebody is.

use std::fmt;
use std::sync::Arc;

use crate::problem::shown;

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

    /// A principal that is asked about, as if it had logged in: `user:alice` or `alice`, or `anonymous`, who has not and so has
    /// neither groups nor roles. An error says that it is none.
    pub fn assumed(
        principal: &str,
        groups: &[String],
        roles: &[String],
    ) -> Result<Identity, String> {
        let name = match (principal, principal.split_once(':')) {
            ("anonymous", _) => return Ok(Identity::anonymous()),
            ("*", _) | (_, Some(("group" | "role", _))) => {
                return Err(format!("{}: expected user:NAME", shown(principal)));
            }
            (_, Some(("user", name))) => name,
            (name, _) => name,
        };
        if name.is_empty() {
            return Err("a principal has a name".into());
        }
        let list = |names: &[String]| names.iter().map(|name| name.as_str().into()).collect();
        Ok(Identity {
            groups: list(groups),
            roles: list(roles),
            ..Identity::new(name, Proof::Password)
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_assumed_as_it_is_written() {
        let name = |principal: &str| {
            Identity::assumed(principal, &[], &[]).map(|identity| identity.name.to_string())
        };
        for (principal, expected) in [
            ("alice", "alice"),
            ("user:alice", "alice"),
            ("user:anonymous", "anonymous"),
            ("user:group:x", "group:x"),
            ("CN=a,O=b", "CN=a,O=b"),
            ("spiffe://x/y", "spiffe://x/y"),
            ("user:ends-with-*", "ends-with-*"),
        ] {
            assert_eq!(name(principal).as_deref(), Ok(expected));
        }
        for principal in ["", "user:", "*", "group:x", "role:x*", "group:"] {
            assert!(name(principal).is_err(), "{principal}");
        }
        let anonymous = Identity::assumed("anonymous", &["x".into()], &["y".into()]);
        assert_eq!(anonymous, Ok(Identity::anonymous()));
    }
}
