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
    /// The claim with the principal's groups: a name, or names of nested objects with dots between them. Default: `groups`.
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
            groups_claim: Some("groups".to_string()),
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
    /// Says which option is wrong, and what it has to be.
    pub fn check(&self) -> Result<(), String> {
        if self.issuer.is_empty() {
            return Err("issuer is missing".to_string());
        }
        match (&self.jwks_url, &self.jwks_file) {
            (Some(_), Some(_)) => {
                return Err("jwks_url and jwks_file exclude each other".to_string());
            }
            (Some(text), None) => {
                self.source_url(text).map_err(|why| format!("jwks_url {why}"))?;
            }
            (None, None) => {
                self.source_url(&self.issuer).map_err(|why| format!("issuer {why}"))?;
            }
            (None, Some(_)) => {}
        }
        match (self.audiences.is_empty(), self.any_audience) {
            (true, false) => {
                return Err(
                    "audiences are missing: without them a token for any other service would do"
                        .to_string(),
                );
            }
            (false, true) => {
                return Err("audiences and any_audience exclude each other".to_string());
            }
            _ => {}
        }
        let claims =
            [Some(&self.name_claim), self.groups_claim.as_ref(), self.roles_claim.as_ref()];
        if claims.into_iter().flatten().any(String::is_empty) {
            return Err("the name of a claim is empty".to_string());
        }
        let lists = [&self.audiences, &self.required_scopes, &self.client_ids, &self.token_types];
        if lists.into_iter().flatten().any(String::is_empty) {
            return Err("an audience, scope, client or type is empty".to_string());
        }
        if self.leeway > LEEWAY_MAX {
            return Err(format!("leeway is above {} s", LEEWAY_MAX.as_secs()));
        }
        if !(REFRESH_MIN..=REFRESH_MAX).contains(&self.refresh) {
            return Err(format!(
                "refresh is not within {} s and {} s",
                REFRESH_MIN.as_secs(),
                REFRESH_MAX.as_secs()
            ));
        }
        if self.keep > KEEP_MAX || self.unknown_key_pause > UNKNOWN_KEY_PAUSE_MAX {
            return Err(format!(
                "keep is above {} s, or unknown_key_pause above {} s",
                KEEP_MAX.as_secs(),
                UNKNOWN_KEY_PAUSE_MAX.as_secs()
            ));
        }
        Ok(())
    }

    /// A URL that the provider may be asked at.
    pub(super) fn source_url(&self, text: &str) -> Result<Url, String> {
        url::of_provider(text, self.allow_http)
    }
}
