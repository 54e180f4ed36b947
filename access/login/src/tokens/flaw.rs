//! Why a token is refused.

use std::fmt;

use weir_access::LoginFailure;

/// Longest text of a token that a reason quotes, in characters.
const QUOTED_MAX: usize = 64;

/// What is wrong with a token. It is for the audit log: whoever sent the token hears the same for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    TooLong,
    /// Other than three parts: an encrypted token has five.
    NotSigned,
    NotBase64,
    /// A header or claims that are no JSON object with distinct names, or are nested too deeply.
    NotJson,
    /// The header has a parameter that cannot be honoured, such as `crit`, or one of a wrong type.
    Header(&'static str),
    /// `none`, a shared secret, or an algorithm that is not known.
    Algorithm(String),
    /// The header's `typ` is of tokens for another use.
    Type(String),
    /// A key that the provider has not, or a token without the name of one where several fit.
    UnknownKey(Option<String>),
    /// The key is for other algorithms than the one that the header names.
    OtherAlgorithm,
    Signature,
    /// A claim that has to be there is not, or one has a wrong type or is out of bounds.
    Claim(String),
    Expired,
    /// `nbf` or `iat` is in the future.
    NotYet,
    Issuer,
    Audience,
    Client,
    /// An ID token, or another that is not for access.
    NotForAccess,
    /// The token may only be used by whoever has a certain key, which a bearer does not show.
    BoundToKey,
    MissingScope(String),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::TooLong => f.write_str("the token is too long"),
            Flaw::NotSigned => f.write_str("the token is not a signed JWT of three parts"),
            Flaw::NotBase64 => f.write_str("a part of the token is not base64url"),
            Flaw::NotJson => f.write_str(
                "the token's header or claims are not a JSON object of distinct names within bounds",
            ),
            Flaw::Header(name) => write!(f, "the token's header parameter {name} is refused"),
            Flaw::Algorithm(name) => {
                write!(f, "the token's algorithm {:?} is refused", shortened(name))
            }
            Flaw::Type(name) => write!(f, "the token's type {:?} is refused", shortened(name)),
            Flaw::UnknownKey(Some(kid)) => {
                write!(f, "the token's key {:?} is not the provider's", shortened(kid))
            }
            Flaw::UnknownKey(None) => {
                f.write_str("the token names no key, and not exactly one fits")
            }
            Flaw::OtherAlgorithm => f.write_str("the token's key is for another algorithm"),
            Flaw::Signature => f.write_str("the token's signature is wrong"),
            Flaw::Claim(name) => {
                write!(f, "the token's claim {name} is missing, or not what it has to be")
            }
            Flaw::Expired => f.write_str("the token has expired"),
            Flaw::NotYet => f.write_str("the token is not valid yet"),
            Flaw::Issuer => f.write_str("the token is of another issuer"),
            Flaw::Audience => f.write_str("the token is for another audience"),
            Flaw::Client => f.write_str("the token is of a client that is not among those allowed"),
            Flaw::NotForAccess => f.write_str("the token is an ID token or another that is not for access"),
            Flaw::BoundToKey => f.write_str("the token is bound to a key (cnf), which a bearer does not show"),
            Flaw::MissingScope(scope) => write!(f, "the token lacks the scope {scope}"),
        }
    }
}

impl From<Flaw> for LoginFailure {
    fn from(flaw: Flaw) -> LoginFailure {
        LoginFailure::Refused { reason: flaw.to_string() }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(QUOTED_MAX).collect()
}
