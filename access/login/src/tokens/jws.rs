//! A signed token in its compact form, before its signature is verified. Source: RFC 7515, 7.1; RFC 8725.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::flaw::Flaw;
use super::json;

/// Longest token that is looked at, in bytes.
pub const TOKEN_MAX: usize = 16 * 1024;

/// Longest name of a key that is looked for, in bytes.
const KID_MAX: usize = 512;

/// Header parameters that change what a token means. None of them is understood here, so a token with one is refused: `crit` says that others
/// have to be understood, `b64` that the payload is not base64, `enc` and `zip` are of encrypted tokens.
const REFUSED: [&str; 4] = ["crit", "b64", "enc", "zip"];

/// A token that has the form of a signed one. Nothing that it says is proved.
pub struct Jws<'a> {
    /// What the header says; the key decides whether it is so.
    pub algorithm: Algorithm,
    /// The name of the key.
    pub kid: Option<String>,
    /// What kind of token this is, in lower case and without `application/`.
    pub typ: Option<String>,
    /// What is signed: header and payload as they came.
    pub signed: &'a str,
    pub signature: Vec<u8>,
    payload: &'a str,
}

impl<'a> Jws<'a> {
    /// Takes a token apart. `jku`, `x5u`, `jwk` and `x5c`, by which a token would bring its own key, are ignored.
    pub fn parse(token: &'a str) -> Result<Jws<'a>, Flaw> {
        if token.len() > TOKEN_MAX {
            return Err(Flaw::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Flaw::NotSigned)?;
        let (header, payload) = signed.split_once('.').ok_or(Flaw::NotSigned)?;
        if payload.contains('.') {
            return Err(Flaw::NotSigned);
        }
        let header = json::object(&decoded(header)?).ok_or(Flaw::NotJson)?;
        if let Some(name) = REFUSED.into_iter().find(|name| header.contains_key(*name)) {
            return Err(Flaw::Header(name));
        }
        let algorithm = text(&header, "alg")?.ok_or(Flaw::Header("alg"))?;
        let algorithm =
            Algorithm::of(algorithm).ok_or_else(|| Flaw::Algorithm(algorithm.to_string()))?;
        // a content type is of a token within a token
        if text(&header, "cty")?.is_some() {
            return Err(Flaw::Header("cty"));
        }
        let kid = text(&header, "kid")?;
        if kid.is_some_and(|kid| kid.len() > KID_MAX) {
            return Err(Flaw::Header("kid"));
        }
        Ok(Jws {
            algorithm,
            kid: kid.map(str::to_string),
            typ: text(&header, "typ")?.map(plain_type),
            signed,
            signature: decoded(signature)?,
            payload,
        })
    }

    /// The claims, which are not proved before the signature is verified.
    pub fn claims(&self) -> Result<Map<String, Value>, Flaw> {
        json::object(&decoded(self.payload)?).ok_or(Flaw::NotJson)
    }
}

/// A type without what may be left out of it: its case and `application/` say nothing (RFC 7515, 4.1.9).
pub fn plain_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/") {
        Some(rest) => rest.to_string(),
        None => typ,
    }
}

/// Neither padding nor bits that say nothing are taken: a token has one form.
fn decoded(part: &str) -> Result<Vec<u8>, Flaw> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::NotBase64)
}

fn text<'h>(header: &'h Map<String, Value>, name: &'static str) -> Result<Option<&'h str>, Flaw> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Flaw::Header(name)),
    }
}
