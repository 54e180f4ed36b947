//! Which signatures are good, and by which key.

use std::collections::HashMap;

use serde_json::{Value, json};
use weir_access::Proof;
use weir_login::TokenVerifier;

use crate::mint::{Signer, base64url};
use crate::provider::{Fault, Provider};
use crate::{Site, claims, options, refused, tokens, unavailable};

#[tokio::test]
async fn each_algorithm_verifies_its_own_signatures_and_no_other_text() {
    let rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    let mut signers: Vec<Signer> = rsa.iter().map(|name| Signer::rsa("rsa", name)).collect();
    signers.extend([Signer::p256("p256"), Signer::p384("p384"), Signer::ed25519("ed")]);
    let keys: HashMap<&str, &Signer> =
        signers.iter().map(|each| (each.kid.as_str(), each)).collect();
    let provider = Provider::start(&keys.into_values().collect::<Vec<_>>()).await;
    let tokens = tokens(options(&provider));
    for signer in &signers {
        let name = signer.algorithm();
        let token = signer.token(&claims(&provider));
        let proved = tokens.verify(&token).await.unwrap();
        assert_eq!(
            (&*proved.identity.name, proved.identity.proof),
            ("alice", Proof::Token),
            "{name}"
        );
        let (signed, _) = token.rsplit_once('.').unwrap();
        let mut signature = signer.signature(signed.as_bytes());
        for (at, bit) in [(0, 1), (signature.len() / 2, 128), (signature.len() - 1, 1)] {
            signature[at] ^= bit;
            let token = format!("{signed}.{}", base64url(&signature));
            refused(tokens.verify(&token).await, "signature");
            signature[at] ^= bit;
        }
        for other in
            [&signature[1..], &[&signature[..], &[0]].concat(), &[], &vec![0; signature.len()]]
        {
            let token = format!("{signed}.{}", base64url(other));
            refused(tokens.verify(&token).await, "signature");
        }
        let mallory = base64url(claims(&provider).to_string().replace("alice", "mallory"));
        let (header, _) = signed.split_once('.').unwrap();
        let token = format!("{header}.{mallory}.{}", base64url(&signature));
        refused(tokens.verify(&token).await, "signature");
    }
    // RFC 9864 calls it by its full name
    let signer = signers.last().unwrap();
    let token = signer.sign(&json!({"alg": "Ed25519", "kid": "ed"}), &claims(&provider));
    assert!(tokens.verify(&token).await.is_ok());
}

#[tokio::test]
async fn a_token_that_names_no_key_needs_exactly_one_that_fits() {
    let (ec, rsa) = (Signer::p256("ec"), Signer::rsa("rsa", "RS256"));
    let provider = Provider::start(&[&ec, &rsa]).await;
    let nameless = ec.sign(&json!({"alg": "ES256"}), &claims(&provider));
    assert!(tokens(options(&provider)).verify(&nameless).await.is_ok());
    provider.publish(&[&ec, &rsa, &Signer::p256("other")]);
    refused(tokens(options(&provider)).verify(&nameless).await, "not exactly one fits");
    provider.publish(&[&rsa]);
    refused(tokens(options(&provider)).verify(&nameless).await, "another algorithm");
    // two keys of one name are two keys
    provider.publish(&[&ec, &Signer::p256("ec")]);
    refused(
        tokens(options(&provider)).verify(&ec.token(&claims(&provider))).await,
        "not exactly one fits",
    );
    provider.publish(&[&ec, &Signer::p384("ec")]);
    assert!(tokens(options(&provider)).verify(&ec.token(&claims(&provider))).await.is_ok());
}

#[tokio::test]
async fn keys_that_are_not_for_signatures_are_left_out() {
    let signer = Signer::p256("first");
    let provider = Provider::start(&[]).await;
    let token = signer.token(&claims(&provider));
    let with = |name: &str, value: Value| {
        let mut jwk = signer.jwk();
        jwk[name] = value;
        jwk
    };
    let weak = json!({"kty": "RSA", "kid": "first", "n": base64url([0xff; 128]), "e": "AQAB"});
    for jwk in [
        with("use", json!("enc")),
        with("key_ops", json!(["encrypt"])),
        with("alg", json!("RS256")),
        with("alg", json!("ECDH-ES")),
        with("crv", json!("P-521")),
        with("kty", json!("oct")),
        with("kid", json!(1)),
        with("x", json!("AAAA")),
        with("x", json!("not base64url!")),
        json!({"kty": "oct", "kid": "first", "k": "c2VjcmV0"}),
        json!("first"),
        json!(null),
        weak,
    ] {
        provider.break_with(Fault::Text(json!({"keys": [jwk]}).to_string()));
        unavailable(tokens(options(&provider)).verify(&token).await);
        // it does not spoil its neighbours
        provider.break_with(Fault::Text(json!({"keys": [jwk, signer.jwk()]}).to_string()));
        assert!(tokens(options(&provider)).verify(&token).await.is_ok(), "{jwk}");
    }
    // a point that is not on the curve verifies nothing
    let off = with("x", json!(base64url([1; 32])));
    provider.break_with(Fault::Text(json!({"keys": [off]}).to_string()));
    refused(tokens(options(&provider)).verify(&token).await, "signature");
}

#[tokio::test]
async fn the_name_is_of_the_claim_that_the_options_say() {
    let site = Site::with(|options| options.name_claim = "preferred_username".to_string()).await;
    let proved = site.claiming(json!({"preferred_username": "bob"})).await.unwrap();
    assert_eq!(&*proved.identity.name, "bob");
    let long = "x".repeat(513);
    for name in [
        json!(null),
        json!(""),
        json!("anonymous"),
        json!("a\0b"),
        json!(long),
        json!(7),
        json!(["bob"]),
    ] {
        refused(site.claiming(json!({"preferred_username": name})).await, "preferred_username");
    }
    refused(site.claiming(json!({})).await, "preferred_username");
}
