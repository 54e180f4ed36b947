//! Anything at all as a token: it is refused, and nothing breaks.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;
use tokio::runtime::Runtime;
use weir_access::LoginFailure;
use weir_login::TokenVerifier;
use weir_login::tokens::TOKEN_MAX;

use crate::mint::base64url;
use crate::{Site, claims, refused};

/// One site for all cases, with a good token of it.
static SITE: LazyLock<(Runtime, Site, String)> = LazyLock::new(|| {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let site = runtime.block_on(Site::new());
    let good = site.signer.token(&claims(&site.provider));
    runtime.block_on(site.tokens.verify(&good)).unwrap();
    (runtime, site, good)
});

fn is_refused(token: &str) -> bool {
    let (runtime, site, _) = &*SITE;
    matches!(runtime.block_on(site.tokens.verify(token)), Err(LoginFailure::Refused { .. }))
}

/// Signs a text that may be no claims.
fn signed(header: &str, claims: &str) -> String {
    SITE.1.signer.sign_texts(header, claims)
}

proptest! {
    #[test]
    fn any_text_is_refused(text in ".*") {
        prop_assert!(is_refused(&text));
    }

    #[test]
    fn any_three_parts_are_refused(header in ".*", payload in ".*", signature in any::<Vec<u8>>()) {
        let token = format!("{}.{}.{}", base64url(header), base64url(payload), base64url(signature));
        prop_assert!(is_refused(&token));
    }

    #[test]
    fn any_change_of_a_good_token_is_refused(at in any::<prop::sample::Index>(), byte in any::<char>()) {
        let good = &SITE.2;
        let at = at.index(good.len());
        let changed = format!("{}{byte}{}", &good[..at], &good[at + 1..]);
        prop_assert!(changed == *good || is_refused(&changed));
        let longer = format!("{}{byte}{}", &good[..at], &good[at..]);
        prop_assert!(is_refused(&longer));
        prop_assert!(is_refused(&good[..at]));
    }

    #[test]
    fn any_text_that_the_provider_signs_is_refused_unless_it_is_claims(text in ".*") {
        let header = SITE.1.signer.header().to_string();
        prop_assert!(is_refused(&signed(&header, &text)));
        prop_assert!(is_refused(&signed(&text, &text)));
    }
}

#[tokio::test]
async fn long_and_deep_tokens_are_refused_at_their_bounds() {
    let site = Site::new().await;
    refused(site.tokens.verify(&"a".repeat(TOKEN_MAX + 1)).await, "too long");
    refused(site.tokens.verify(&"a".repeat(TOKEN_MAX)).await, "three parts");
    refused(site.tokens.verify(&".".repeat(TOKEN_MAX)).await, "three parts");
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [20, 2_000] {
        let claims = format!(r#"{{"a":{}}}"#, deep(depth));
        let header = site.signer.header().to_string();
        refused(site.tokens.verify(&site.signer.sign_texts(&header, &claims)).await, "JSON");
        refused(site.tokens.verify(&site.signer.sign_texts(&claims, &claims)).await, "JSON");
    }
    assert!(site.claiming(json!({"a": [[[[[[[[1]]]]]]]]})).await.is_ok());
}

#[tokio::test]
async fn a_reason_quotes_no_more_of_a_token_than_a_line() {
    let site = Site::new().await;
    for header in [
        json!({"kid": "k\n".repeat(200)}),
        json!({"alg": "a\n".repeat(900)}),
        json!({"typ": "t\n".repeat(900)}),
    ] {
        match site.heading(header).await {
            Err(LoginFailure::Refused { reason }) => {
                assert!(reason.len() < 250 && !reason.contains('\n'), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
}
