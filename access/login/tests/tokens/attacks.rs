//! Attacks on bearer tokens and what they are answered with. The numbers are those of the list that all ways of logging in are tested by.

use axum::http::StatusCode;
use ring::hmac;
use serde_json::{Value, json};
use weir_login::TokenVerifier;

use crate::mint::{Signer, base64url};
use crate::provider::{Fault, Provider};
use crate::{NOW, Site, claims, claims_with, options, refused, tokens, unavailable};

#[tokio::test]
async fn attack_23_an_algorithm_that_the_key_is_not_for_verifies_nothing() {
    let rsa = Signer::rsa("rsa", "RS256");
    let ec = Signer::p256("ec");
    let provider = Provider::start(&[&rsa, &ec]).await;
    let tokens = tokens(options(&provider));
    let claims = claims(&provider);
    assert!(tokens.verify(&rsa.token(&claims)).await.is_ok());

    for name in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({"alg": name, "kid": "rsa"});
        let unsigned =
            format!("{}.{}.", base64url(header.to_string()), base64url(claims.to_string()));
        refused(tokens.verify(&unsigned).await, "algorithm");
        refused(tokens.verify(&rsa.sign(&header, &claims)).await, "algorithm");
    }
    // the public key is no shared secret
    for secret in [rsa.jwk().to_string(), rsa.jwk()["n"].as_str().unwrap().to_string()] {
        let header = json!({"alg": "HS256", "kid": "rsa"});
        let signed = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        let mac =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
        refused(tokens.verify(&format!("{signed}.{}", base64url(mac))).await, "algorithm");
    }
    for (signer, alg, kid) in [
        (&rsa, "ES256", "rsa"),
        (&ec, "RS256", "ec"),
        (&rsa, "RS256", "ec"),
        (&ec, "ES256", "rsa"),
        (&ec, "ES384", "ec"),
        (&rsa, "EdDSA", "rsa"),
    ] {
        let token = signer.sign(&json!({"alg": alg, "kid": kid}), &claims);
        refused(tokens.verify(&token).await, "for another algorithm");
    }
    // of the key's kind, but not what it is signed with
    for alg in ["PS256", "RS384"] {
        refused(
            tokens.verify(&rsa.sign(&json!({"alg": alg, "kid": "rsa"}), &claims)).await,
            "signature",
        );
    }
    for alg in [json!("rs256"), json!("RS256 "), json!("ES512"), json!("ES256K"), json!("dir")] {
        refused(
            tokens.verify(&rsa.sign(&json!({"alg": alg, "kid": "rsa"}), &claims)).await,
            "algorithm",
        );
    }
    for alg in [json!(["RS256"]), json!(null), json!(256), json!({})] {
        refused(tokens.verify(&rsa.sign(&json!({"alg": alg, "kid": "rsa"}), &claims)).await, "alg");
    }
    refused(tokens.verify(&rsa.sign(&json!({"kid": "rsa"}), &claims)).await, "alg");
}

#[tokio::test]
async fn attack_23_a_key_that_names_its_algorithm_is_for_no_other() {
    let signer = Signer::rsa("rsa", "RS256");
    let provider = Provider::start(&[]).await;
    let mut jwk = signer.jwk();
    jwk["alg"] = json!("PS256");
    provider.break_with(Fault::Text(json!({"keys": [jwk]}).to_string()));
    let tokens = tokens(options(&provider));
    refused(tokens.verify(&signer.token(&claims(&provider))).await, "for another algorithm");
    let signer = Signer::rsa("rsa", "PS256");
    assert!(tokens.verify(&signer.token(&claims(&provider))).await.is_ok());
}

#[tokio::test]
async fn attack_23_headers_that_change_what_is_signed_are_refused() {
    let site = Site::new().await;
    assert!(site.heading(json!({})).await.is_ok());
    refused(site.heading(json!({"b64": false, "crit": ["b64"]})).await, "crit");
    refused(site.heading(json!({"b64": false})).await, "b64");
    for crit in [json!(["exp"]), json!([]), json!("b64"), json!(null)] {
        refused(site.heading(json!({"crit": crit})).await, "crit");
    }
    refused(site.heading(json!({"cty": "JWT"})).await, "cty");
    refused(site.heading(json!({"zip": "DEF"})).await, "zip");
    refused(site.heading(json!({"enc": "A256GCM"})).await, "enc");
    refused(site.heading(json!({"typ": 1})).await, "typ");
    refused(site.heading(json!({"kid": 1})).await, "kid");
    refused(site.heading(json!({"kid": "k".repeat(600)})).await, "kid");
    let twice = format!(r#"{{"alg":"none","alg":"ES256","kid":"{}"}}"#, site.signer.kid);
    let token = site.signer.sign_texts(&twice, &claims(&site.provider).to_string());
    refused(site.tokens.verify(&token).await, "distinct");
}

#[tokio::test]
async fn attack_23_encrypted_nested_and_deformed_tokens_are_refused() {
    let site = Site::new().await;
    let good = site.signer.token(&claims(&site.provider));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    for (token, words) in [
        (String::new(), "three parts"),
        (".".to_string(), "three parts"),
        ("..".to_string(), "JSON"),
        (signed.to_string(), "three parts"),
        (format!("{good}."), "three parts"),
        (format!("{good}.{signature}"), "three parts"),
        (format!("{header}.AAAA.AAAA.AAAA.AAAA"), "three parts"),
        (format!("{good}="), "base64url"),
        (format!("{good}\n"), "base64url"),
        (format!(" {good}"), "base64url"),
        (format!("{signed}."), "signature"),
        (format!("{}.{payload}.{signature}", header.to_lowercase()), ""),
        (format!("{header}.{}.{signature}", payload.to_uppercase()), ""),
    ] {
        refused(site.tokens.verify(&token).await, words);
    }
    // a token within a token
    let header = site.signer.header().to_string();
    refused(site.tokens.verify(&site.signer.sign_texts(&header, &good)).await, "JSON");
    refused(
        site.tokens.verify(&site.signer.sign_texts(&header, &format!("{good:?}"))).await,
        "JSON",
    );
}

#[tokio::test]
async fn attack_24_keys_that_a_token_brings_or_names_are_not_looked_at() {
    let site = Site::new().await;
    let theirs = Provider::start(&[]).await;
    let stranger = Signer::p256(&site.signer.kid);
    let jwk = stranger.jwk();
    let forged = |header: Value| stranger.sign(&header, &claims(&site.provider));
    for header in [
        json!({"alg": "ES256", "kid": stranger.kid, "jku": theirs.url("/keys")}),
        json!({"alg": "ES256", "kid": stranger.kid, "x5u": theirs.url("/certificate")}),
        json!({"alg": "ES256", "kid": stranger.kid, "jwk": jwk}),
        json!({"alg": "ES256", "kid": stranger.kid, "x5c": ["MIIB"]}),
        json!({"alg": "ES256", "jwk": jwk, "jku": theirs.url("/keys")}),
    ] {
        refused(site.tokens.verify(&forged(header)).await, "signature");
    }
    // they do no harm to a good token, either
    assert!(site.heading(json!({"jku": theirs.url("/keys"), "jwk": jwk})).await.is_ok());
    for kid in [
        "../../../../dev/null",
        "/etc/passwd",
        "' OR '1'='1",
        "first\0",
        "First",
        "first ",
        "",
        &theirs.url("/keys"),
    ] {
        let header = json!({"alg": "ES256", "kid": kid});
        refused(site.tokens.verify(&forged(header)).await, "is not the provider's");
    }
    assert_eq!((theirs.fetches(), theirs.strays(), site.provider.strays()), (0, 0, 0));
}

#[tokio::test]
async fn attack_24_tokens_of_unknown_keys_cost_the_provider_one_request() {
    let site = Site::new().await;
    assert!(site.claiming(json!({})).await.is_ok());
    assert_eq!(site.provider.fetches(), 1);
    let forged: Vec<String> = (0..200)
        .map(|i| Signer::p256(&format!("unknown-{i}")).token(&claims(&site.provider)))
        .collect();
    let proved = forged.iter().map(|token| site.tokens.verify(token));
    for proved in futures_util::future::join_all(proved).await {
        refused(proved, "is not the provider's");
    }
    for token in &forged {
        refused(site.tokens.verify(token).await, "is not the provider's");
    }
    assert_eq!(site.provider.fetches(), 2);
    assert!(site.claiming(json!({})).await.is_ok());
}

#[tokio::test]
async fn attack_24_what_would_be_refused_anyway_costs_the_provider_nothing() {
    let site = Site::new().await;
    assert!(site.claiming(json!({})).await.is_ok());
    let retired = Signer::p256("retired");
    for others in
        [json!({"exp": NOW - 60}), json!({"iss": "https://other"}), json!({"aud": "other"})]
    {
        let token = retired.token(&claims_with(&site.provider, others));
        refused(site.tokens.verify(&token).await, "");
    }
    assert_eq!(site.provider.fetches(), 1);
}

#[tokio::test]
async fn attack_25_an_outage_keeps_known_keys_and_says_so_of_unknown_ones() {
    let site = Site::new().await;
    assert!(site.claiming(json!({})).await.is_ok());
    site.provider.break_with(Fault::Status(StatusCode::BAD_GATEWAY));
    let second = Signer::p256("second");
    let token = second.token(&claims(&site.provider));
    unavailable(site.tokens.verify(&token).await);
    unavailable(site.tokens.verify(&token).await);
    assert!(site.claiming(json!({})).await.is_ok());
    // a forged token of a known key is refused all the same
    let forged = Signer::p256("first").token(&claims(&site.provider));
    refused(site.tokens.verify(&forged).await, "signature");
}

#[tokio::test]
async fn attack_25_without_keys_nothing_is_open() {
    let signer = Signer::p256("first");
    let provider = Provider::start(&[&signer]).await;
    let faults = [
        Fault::Status(StatusCode::INTERNAL_SERVER_ERROR),
        Fault::Text("<html>".to_string()),
        Fault::Text("{}".to_string()),
        Fault::Text(r#"{"keys":[]}"#.to_string()),
        Fault::Text(r#"{"keys":{}}"#.to_string()),
        Fault::Text(format!("[[{}]]", signer.jwk())),
    ];
    for fault in faults {
        provider.break_with(fault);
        let tokens = tokens(options(&provider));
        unavailable(tokens.verify(&signer.token(&claims(&provider))).await);
        // what is no token at all is refused, whatever the provider does
        refused(tokens.verify("token").await, "three parts");
    }
}

#[tokio::test]
async fn attack_25_a_set_of_too_many_keys_or_bytes_is_not_taken() {
    let signer = Signer::p256("first");
    let provider = Provider::start(&[&signer]).await;
    let site_tokens = tokens(options(&provider));
    let good = signer.token(&claims(&provider));
    assert!(site_tokens.verify(&good).await.is_ok());

    let other = Signer::p256("other");
    let many = |count: usize| {
        let mut keys = vec![other.jwk(); count];
        keys.push(signer.jwk());
        Fault::Text(json!({"keys": keys}).to_string())
    };
    provider.break_with(many(99));
    assert!(tokens(options(&provider)).verify(&good).await.is_ok());
    for fault in [many(100), many(10_000), Fault::Endless] {
        provider.break_with(fault);
        unavailable(tokens(options(&provider)).verify(&good).await);
    }
    // of 1 GB, what is read is what fits into buffers
    assert!(provider.sent() < 100 * 1024 * 1024, "{}", provider.sent());
    assert!(site_tokens.verify(&good).await.is_ok());
}
