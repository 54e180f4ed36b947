//! Bearer tokens as a server takes them: keys come from a provider that the test runs, over HTTP on 127.0.0.1.
#![allow(clippy::unwrap_used)] // how a test fails

mod attacks;
mod claims;
mod fetching;
mod hostile;
mod mint;
mod options;
mod provider;
mod real;
mod signatures;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use weir_access::{LoginFailure, Proved};
use weir_login::TokenVerifier;
use weir_login::tokens::{TokenOptions, Tokens};

use crate::mint::Signer;
use crate::provider::Provider;

/// The time on the clock of tests that have one, in seconds since 1970.
const NOW: u64 = 1_800_000_000;

const AUDIENCE: &str = "weir";

/// Who the tokens of a provider are, with options that a test may change.
fn options(provider: &Provider) -> TokenOptions {
    TokenOptions {
        issuer: provider.issuer(),
        audiences: vec![AUDIENCE.to_string()],
        ..TokenOptions::default()
    }
}

/// Takes tokens at the time `NOW`.
fn tokens(options: TokenOptions) -> Tokens {
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    Tokens::start_with_clock(options, Arc::new(move || now)).unwrap()
}

/// Claims of a good token.
fn claims(provider: &Provider) -> Value {
    json!({"iss": provider.issuer(), "aud": AUDIENCE, "sub": "alice", "exp": NOW + 600, "iat": NOW})
}

/// The claims of a good token with others, or without those that are null.
fn claims_with(provider: &Provider, others: Value) -> Value {
    let mut claims = claims(provider);
    for (name, value) in others.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// A provider with one key, which verifies its tokens with `options`.
struct Site {
    provider: Provider,
    signer: Signer,
    tokens: Tokens,
}

impl Site {
    async fn new() -> Site {
        Site::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut TokenOptions)) -> Site {
        let signer = Signer::p256("first");
        let provider = Provider::start(&[&signer]).await;
        let mut options = options(&provider);
        change(&mut options);
        let tokens = tokens(options);
        Site { provider, signer, tokens }
    }

    /// What is made of a good token with other claims.
    async fn claiming(&self, others: Value) -> Result<Proved, LoginFailure> {
        let claims = claims_with(&self.provider, others);
        self.tokens.verify(&self.signer.token(&claims)).await
    }

    /// What is made of a good token with other header parameters.
    async fn heading(&self, others: Value) -> Result<Proved, LoginFailure> {
        let mut header = self.signer.header();
        header.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
        self.tokens.verify(&self.signer.sign(&header, &claims(&self.provider))).await
    }
}

/// Asserts that a token is refused, for a reason with these words.
#[track_caller]
fn refused(proved: Result<Proved, LoginFailure>, words: &str) {
    match proved {
        Err(LoginFailure::Refused { reason }) => assert!(reason.contains(words), "{reason}"),
        other => panic!("not refused ({words}): {other:?}"),
    }
}

/// Asserts that it cannot be known whether a token is good.
#[track_caller]
fn unavailable(proved: Result<Proved, LoginFailure>) {
    match proved {
        Err(LoginFailure::Unavailable { retry_after, .. }) => {
            assert!(retry_after >= Duration::from_secs(1))
        }
        other => panic!("not unavailable: {other:?}"),
    }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}
