//! What a token claims. Source: RFC 7519, RFC 9068, OpenID Connect Core 1.0.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use weir_access::{Identity, Proof, Proved};

use super::flaw::Flaw;
use super::jws::plain_type;
use super::options::TokenOptions;

/// Longest name of a principal, a group or a role, in bytes.
const NAME_MAX: usize = 512;

/// The last second of the year 9999: a time beyond it is a mistake.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// Types of tokens that are for access, where none are named: logout tokens, security events and others have types of their own.
const USUAL_TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// Claims that name the client which a token was given to: OpenID Connect and Entra ID, RFC 9068, Okta, Entra ID 1.0.
const CLIENT_CLAIMS: [&str; 4] = ["azp", "client_id", "cid", "appid"];

/// Claims that only an ID token has.
const ID_TOKEN_CLAIMS: [&str; 3] = ["nonce", "at_hash", "c_hash"];

/// Claims that scopes are in: RFC 9068; Entra ID and Okta.
const SCOPE_CLAIMS: [&str; 2] = ["scope", "scp"];

/// What tokens have to claim.
pub struct ClaimRules {
    options: TokenOptions,
    /// Types as `plain_type` writes them.
    types: Vec<String>,
}

impl ClaimRules {
    pub fn new(options: TokenOptions) -> ClaimRules {
        let types = options.token_types.iter().map(|typ| plain_type(typ)).collect();
        ClaimRules { options, types }
    }

    /// Who the caller is by a token's type and claims, if the token is one for here and now.
    pub fn identify(
        &self,
        typ: Option<&str>,
        claims: &Map<String, Value>,
        now: SystemTime,
    ) -> Result<Proved, Flaw> {
        self.check_kind(typ, claims)?;
        let until = self.check_times(claims, now)?;
        if claim_text(claims, "iss")? != Some(self.options.issuer.as_str()) {
            return Err(Flaw::Issuer);
        }
        self.check_audience(claims)?;
        self.check_client(claims)?;
        let scopes = scopes(claims)?;
        let missing = |required: &&String| !scopes.contains(&required.as_str());
        if let Some(scope) = self.options.required_scopes.iter().find(missing) {
            return Err(Flaw::MissingScope(scope.clone()));
        }
        Ok(Proved { identity: self.identity(claims, &scopes)?, until: Some(until) })
    }

    fn check_kind(&self, typ: Option<&str>, claims: &Map<String, Value>) -> Result<(), Flaw> {
        let taken = match typ {
            Some(typ) if self.types.is_empty() => USUAL_TYPES.contains(&typ),
            Some(typ) => self.types.iter().any(|taken| taken == typ),
            None => self.types.is_empty(),
        };
        if !taken {
            return Err(Flaw::Type(typ.unwrap_or_default().to_string()));
        }
        if claims.contains_key("cnf") {
            return Err(Flaw::BoundToKey);
        }
        let is_for_access = match claims.get("typ") {
            // Keycloak says so, and older ones repeat the nonce in access tokens
            Some(kind) if kind == "Bearer" => true,
            Some(kind) => {
                kind.as_str().is_some_and(|kind| USUAL_TYPES.contains(&&*plain_type(kind)))
            }
            None => !ID_TOKEN_CLAIMS.iter().any(|name| claims.contains_key(*name)),
        };
        is_for_access.then_some(()).ok_or(Flaw::NotForAccess)
    }

    /// When the token ends, with the leeway.
    fn check_times(
        &self,
        claims: &Map<String, Value>,
        now: SystemTime,
    ) -> Result<SystemTime, Flaw> {
        let leeway = self.options.leeway;
        let exp = date(claims, "exp")?.ok_or_else(|| Flaw::Claim("exp".to_string()))?;
        let until = UNIX_EPOCH + exp + leeway;
        if until <= now {
            return Err(Flaw::Expired);
        }
        for name in ["nbf", "iat"] {
            if date(claims, name)?.is_some_and(|from| UNIX_EPOCH + from > now + leeway) {
                return Err(Flaw::NotYet);
            }
        }
        Ok(until)
    }

    fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), Flaw> {
        if self.options.any_audience {
            return Ok(());
        }
        let audiences = claims.get("aud").and_then(texts).ok_or(Flaw::Audience)?;
        match audiences.iter().any(|one| self.options.audiences.iter().any(|ours| ours == one)) {
            true => Ok(()),
            false => Err(Flaw::Audience),
        }
    }

    /// Each claim that names the client has to name one that is allowed, and there has to be one.
    fn check_client(&self, claims: &Map<String, Value>) -> Result<(), Flaw> {
        let allowed = &self.options.client_ids;
        if allowed.is_empty() {
            return Ok(());
        }
        let mut named = CLIENT_CLAIMS.iter().filter_map(|name| claims.get(*name)).peekable();
        let is_allowed = |client: &Value| allowed.iter().any(|id| client == id.as_str());
        match named.peek().is_some() && named.all(is_allowed) {
            true => Ok(()),
            false => Err(Flaw::Client),
        }
    }

    fn identity(&self, claims: &Map<String, Value>, scopes: &[&str]) -> Result<Identity, Flaw> {
        let options = &self.options;
        let wrong = || Flaw::Claim(options.name_claim.clone());
        let name = at(claims, &options.name_claim).and_then(Value::as_str).ok_or_else(wrong)?;
        // nobody may take the name of those who have proved nothing
        if name.is_empty() || !is_name(name) || *Identity::anonymous().name == *name {
            return Err(wrong());
        }
        let mut roles = names(claims, options.roles_claim.as_deref())?;
        for scope in scopes {
            roles.push(format!("scope:{scope}").into());
        }
        Ok(Identity {
            groups: names(claims, options.groups_claim.as_deref())?.into(),
            roles: roles.into(),
            ..Identity::new(name, Proof::Token)
        })
    }
}

/// The names that a claim lists: a text is one, a list of texts is several, and anything else is none.
///
/// A name that is too long, or has control characters in it, spoils the token.
fn names(claims: &Map<String, Value>, path: Option<&str>) -> Result<Vec<Arc<str>>, Flaw> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let listed = at(claims, path).and_then(texts).unwrap_or_default();
    match listed.iter().all(|name| is_name(name)) {
        true => Ok(listed.into_iter().filter(|name| !name.is_empty()).map(Arc::from).collect()),
        false => Err(Flaw::Claim(path.to_string())),
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= NAME_MAX && !text.contains(char::is_control)
}

/// Scopes are separated by blanks, or are a list. Those of the first claim count that is there.
fn scopes(claims: &Map<String, Value>) -> Result<Vec<&str>, Flaw> {
    let Some((name, value)) =
        SCOPE_CLAIMS.iter().find_map(|name| claims.get(*name).map(|value| (*name, value)))
    else {
        return Ok(Vec::new());
    };
    let scopes: Vec<&str> = match value {
        Value::String(text) => text.split(' ').filter(|scope| !scope.is_empty()).collect(),
        _ => texts(value).ok_or_else(|| Flaw::Claim(name.to_string()))?,
    };
    match scopes.iter().all(|scope| is_name(scope)) {
        true => Ok(scopes),
        false => Err(Flaw::Claim(name.to_string())),
    }
}

/// What is at a path: a member of that name, dots and all, or else a member of the object that the part before the dot names.
fn at<'c>(claims: &'c Map<String, Value>, path: &str) -> Option<&'c Value> {
    let (mut members, mut rest) = (claims, path);
    loop {
        if let Some(value) = members.get(rest) {
            return Some(value);
        }
        let (first, after) = rest.split_once('.')?;
        members = members.get(first)?.as_object()?;
        rest = after;
    }
}

/// A text as a list of one, or a list of texts. Returns none if it is anything else, also in part.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn claim_text<'c>(claims: &'c Map<String, Value>, name: &str) -> Result<Option<&'c str>, Flaw> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Flaw::Claim(name.to_string())),
    }
}

/// A time as seconds since 1970, whole or not.
fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<Duration>, Flaw> {
    let wrong = || Flaw::Claim(name.to_string());
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().ok_or_else(wrong)?;
    match (0.0..=LAST_SECOND).contains(&seconds) {
        true => Duration::try_from_secs_f64(seconds).map(Some).map_err(|_| wrong()),
        false => Err(wrong()),
    }
}
