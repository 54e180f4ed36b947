//! What tokens are taken, and where the keys are that sign them.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use super::url;

/// Largest leeway: with more, a token that has expired would still be good for long.
const LEEWAY_MAX: Duration = Duration::from_secs(300);

/// Shortest time between two fetches of the keys without a need.
const REFRESH_MIN: Duration = Duration::from_secs(1);

/// Longest time between two fetches of the keys: so long a key that was withdrawn may still be taken.
const REFRESH_MAX: Duration = Duration::from_secs(24 * 3600);

/// Longest time that keys are kept while the provider cannot be reached.
const KEEP_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Longest time in which the provider is asked about unknown keys once.
const UNKNOWN_KEY_PAUSE_MAX: Duration = Duration::from_secs(3600);

/// Which tokens of an OpenID Connect or OAuth 2.0 provider are taken, and what they say about a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOptions {
    /// What the claim `iss` of a token has to be, byte for byte. Without `jwks_url` and `jwks_file`, also where the provider is
    /// asked for its keys: `ISSUER/.well-known/openid-configuration`. Required.
    pub issuer: String,
    /// Where the provider's keys (JWKS) are, if it is not to be asked. Default: none.
    pub jwks_url: Option<String>,
    /// A file with the provider's keys (JWKS), read anew as often as a URL would be. Default: none.
    pub jwks_file: Option<PathBuf>,
    /// A token has to be for one of these (claim `aud`). Required, unless `any_audience` is set.
    pub audiences: Vec<String>,
    /// Takes tokens for any audience, also those that other services get. Default: false.
    pub any_audience: bool,
    /// The claim with the principal's name. Default: `sub`.
    pub name_claim: String,
    /// The claim with the principal's groups: a name, or names of nested objects with dots between them. Default: none.
    pub groups_claim: Option<String>,
    /// The claim with the principal's roles, named like `groups_claim`. Default: none, because a provider's `admin` need not be
    /// an administrator here.
    pub roles_claim: Option<String>,
    /// Scopes that a token has to have, all of them. Default: none.
    pub required_scopes: Vec<String>,
    /// How far the provider's clock may be from this one: at most 300 s. Default: 30 s.
    pub leeway: Duration,
    /// The clients whose tokens are taken (claims `azp`, `client_id`, `cid`, `appid`). Default: none named, all are taken.
    pub client_ids: Vec<String>,
    /// The types of token that are taken (header `typ`), such as `at+jwt`; a token has to have one of them. Default: none named, and a
    /// token has no type, `JWT` or `at+jwt`.
    pub token_types: Vec<String>,
    /// A file with certificates of the authorities to trust (PEM) when the provider is asked. Default: those of the system.
    pub ca: Option<PathBuf>,
    /// Takes `http://` for providers on other machines: whoever is between can then make tokens. Default: false.
    pub allow_http: bool,
    /// The keys are fetched anew after this time, or earlier if the provider says so: 1 s to 24 h. Default: 300 s.
    pub refresh: Duration,
    /// Tokens of unknown keys make the provider be asked at most once in this time: at most 1 h. Default: 60 s.
    pub unknown_key_pause: Duration,
    /// How long keys are kept while the provider cannot be reached: at most 7 days. Default: 24 h.
    pub keep: Duration,
}

impl Default for TokenOptions {
    fn default() -> TokenOptions {
        TokenOptions {
            issuer: String::new(),
            jwks_url: None,
            jwks_file: None,
            audiences: Vec::new(),
            any_audience: false,
            name_claim: "sub".to_string(),
            groups_claim: None,
            roles_claim: None,
            required_scopes: Vec::new(),
            leeway: Duration::from_secs(30),
            client_ids: Vec::new(),
            token_types: Vec::new(),
            ca: None,
            allow_http: false,
            refresh: Duration::from_secs(300),
            unknown_key_pause: Duration::from_secs(60),
            keep: Duration::from_secs(24 * 3600),
        }
    }
}

impl TokenOptions {
    /// Says which option is wrong, whose name the text begins with, and what it has to be.
    pub fn check(&self) -> Result<(), String> {
        self.check_source()?;
        self.check_texts()?;
        self.check_times()
    }

    fn check_source(&self) -> Result<(), String> {
        match (&self.jwks_url, &self.jwks_file) {
            _ if self.issuer.is_empty() => Err("issuer is missing: whose tokens are taken?".into()),
            (Some(_), Some(_)) => Err("jwks_url and jwks_file exclude each other".into()),
            (Some(text), None) => {
                self.source_url(text).map(drop).map_err(|why| format!("jwks_url {why}"))
            }
            (None, None) => {
                self.source_url(&self.issuer).map(drop).map_err(|why| format!("issuer {why}"))
            }
            (None, Some(_)) => Ok(()),
        }
    }

    fn check_texts(&self) -> Result<(), String> {
        match (self.audiences.is_empty(), self.any_audience) {
            (true, false) => {
                let why = "without it a token for any other service would do";
                return Err(format!("audiences has nothing in it: {why}"));
            }
            (false, true) => return Err("audiences and any_audience exclude each other".into()),
            _ => {}
        }
        let is_empty = |text: Option<&String>| text.is_some_and(String::is_empty);
        let has_empty = |texts: &[String]| texts.iter().any(String::is_empty);
        let empty = [
            ("name_claim", self.name_claim.is_empty()),
            ("groups_claim", is_empty(self.groups_claim.as_ref())),
            ("roles_claim", is_empty(self.roles_claim.as_ref())),
            ("audiences", has_empty(&self.audiences)),
            ("required_scopes", has_empty(&self.required_scopes)),
            ("client_ids", has_empty(&self.client_ids)),
            ("token_types", has_empty(&self.token_types)),
        ];
        match empty.into_iter().find(|(_, is_empty)| *is_empty) {
            Some((name, _)) => Err(format!("{name} has an empty text")),
            None => Ok(()),
        }
    }

    fn check_times(&self) -> Result<(), String> {
        let bounds = [
            ("leeway", self.leeway, Duration::ZERO, LEEWAY_MAX),
            ("refresh", self.refresh, REFRESH_MIN, REFRESH_MAX),
            ("unknown_key_pause", self.unknown_key_pause, Duration::ZERO, UNKNOWN_KEY_PAUSE_MAX),
            ("keep", self.keep, Duration::ZERO, KEEP_MAX),
        ];
        match bounds.into_iter().find(|(_, value, min, max)| value < min || value > max) {
            Some((name, _, min, max)) => {
                Err(format!("{name} is not from {} s to {} s", min.as_secs(), max.as_secs()))
            }
            None => Ok(()),
        }
    }

    /// A URL that the provider may be asked at.
    pub(super) fn source_url(&self, text: &str) -> Result<Url, String> {
        url::of_provider(text, self.allow_http)
    }
}
