//! Attacks on bearer tokens and what they are answered with. The numbers are those of the list that all ways of logging in are tested by.

use axum::http::StatusCode;
use ring::hmac;
use serde_json::{Value, json};
use weir_access::Proof;
use weir_login::TokenVerifier;
use weir_login::tokens::TOKEN_MAX;

use crate::mint::{Signer, base64url};
use crate::provider::{Fault, Provider};
use crate::{AUDIENCE, NOW, Site, at, claims, claims_with, options, refused, tokens, unavailable};

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

#[tokio::test]
async fn attack_26_a_token_ends_when_it_says_and_has_to_say_so() {
    let site = Site::new().await;
    let proved = site.claiming(json!({"exp": NOW + 10})).await.unwrap();
    assert_eq!(proved.until, Some(at(NOW + 10 + 30)));
    assert!(site.claiming(json!({"exp": NOW - 29})).await.is_ok());
    assert!(site.claiming(json!({"exp": NOW as f64 + 0.5})).await.is_ok());
    refused(site.claiming(json!({"exp": NOW - 30})).await, "expired");
    refused(site.claiming(json!({"exp": 0})).await, "expired");
    for exp in [
        Value::Null,
        json!((NOW + 600).to_string()),
        json!(1e300),
        json!(u64::MAX),
        json!(-1),
        json!(i64::MIN),
        json!(-0.5),
        json!([NOW + 600]),
        json!({}),
        json!(true),
    ] {
        refused(site.claiming(json!({"exp": exp})).await, "claim exp");
    }
    for exp in ["NaN", "Infinity", "1e999", "0x7fffffff", "null"] {
        let claims = format!(
            r#"{{"iss":"{}","aud":"weir","sub":"alice","exp":{exp}}}"#,
            site.provider.issuer()
        );
        let token = site.signer.sign_texts(&site.signer.header().to_string(), &claims);
        refused(site.tokens.verify(&token).await, "");
    }
}

#[tokio::test]
async fn attack_26_a_token_of_the_future_is_refused_beyond_the_leeway() {
    let site = Site::with(|options| options.leeway = std::time::Duration::from_secs(60)).await;
    for name in ["nbf", "iat"] {
        assert!(site.claiming(json!({name: NOW + 60})).await.is_ok());
        assert!(site.claiming(json!({name: null})).await.is_ok());
        refused(site.claiming(json!({name: NOW + 61})).await, "not valid yet");
        for wrong in [json!("0"), json!(1e300), json!(-1), json!([])] {
            refused(site.claiming(json!({name: wrong})).await, &format!("claim {name}"));
        }
    }
}

#[tokio::test]
async fn attack_27_a_token_is_for_this_audience_and_of_this_issuer() {
    let site = Site::with(|options| options.audiences.push("other-name".to_string())).await;
    for aud in [json!(AUDIENCE), json!([AUDIENCE]), json!(["a", AUDIENCE]), json!("other-name")] {
        assert!(site.claiming(json!({"aud": aud})).await.is_ok(), "{aud}");
    }
    for aud in [
        Value::Null,
        json!("Weir"),
        json!("weir "),
        json!("weir other-name"),
        json!(""),
        json!([]),
        json!([["weir"]]),
        json!(["weir", 1]),
        json!({"weir": true}),
        json!(true),
    ] {
        refused(site.claiming(json!({"aud": aud})).await, "audience");
    }
    let issuer = site.provider.issuer();
    for iss in [
        Value::Null,
        json!(format!("{issuer}/")),
        json!(issuer.to_uppercase()),
        json!(issuer.replace("http", "https")),
        json!(""),
    ] {
        refused(site.claiming(json!({"iss": iss})).await, "issuer");
    }
    refused(site.claiming(json!({"iss": [issuer]})).await, "iss");
}

#[tokio::test]
async fn attack_27_tokens_that_are_not_for_access_are_refused() {
    let site = Site::new().await;
    for id in [
        json!({"nonce": "n"}),
        json!({"at_hash": "h"}),
        json!({"c_hash": "h"}),
        json!({"typ": "ID"}),
        json!({"typ": "Refresh"}),
        json!({"typ": "Offline"}),
        json!({"typ": ["Bearer"]}),
    ] {
        refused(site.claiming(id).await, "not for access");
    }
    refused(site.claiming(json!({"cnf": {"jkt": "x"}})).await, "cnf");
    for access in
        [json!({"typ": "Bearer"}), json!({"typ": "Bearer", "nonce": "n"}), json!({"typ": "JWT"})]
    {
        assert!(site.claiming(access).await.is_ok());
    }
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        assert!(site.heading(json!({"typ": typ})).await.is_ok(), "{typ}");
    }
    for typ in ["logout+jwt", "secevent+jwt", "dpop+jwt", "id+jwt", ""] {
        refused(site.heading(json!({"typ": typ})).await, "type");
    }
    let site = Site::with(|options| options.token_types = vec!["at+jwt".to_string()]).await;
    assert!(site.heading(json!({"typ": "application/at+JWT"})).await.is_ok());
    refused(site.heading(json!({"typ": "JWT"})).await, "type");
    refused(site.heading(json!({})).await, "type");
}

#[tokio::test]
async fn attack_27_a_token_of_another_client_is_refused() {
    let site = Site::with(|options| options.client_ids = vec!["app".to_string()]).await;
    for name in ["azp", "client_id", "cid", "appid"] {
        assert!(site.claiming(json!({name: "app"})).await.is_ok());
        refused(site.claiming(json!({name: "other"})).await, "client");
        refused(site.claiming(json!({name: ["app"]})).await, "client");
    }
    refused(site.claiming(json!({})).await, "client");
    refused(site.claiming(json!({"azp": "app", "client_id": "other"})).await, "client");
}

#[tokio::test]
async fn attack_28_groups_are_a_text_or_a_list_of_texts_and_anything_else_is_none() {
    let site = Site::with(|options| {
        options.groups_claim = Some("realm.groups".to_string());
        options.roles_claim = Some("https://weir.example/roles".to_string());
    })
    .await;
    let none: &[&str] = &[];
    for (groups, expected) in [
        (json!("ops"), &["ops"][..]),
        (json!("ops dev, qa"), &["ops dev, qa"]),
        (json!(["ops", "dev, qa", ""]), &["ops", "dev, qa"]),
        (json!([]), none),
        (json!([["ops"]]), none),
        (json!(["ops", 1]), none),
        (json!({"ops": true}), none),
        (json!(true), none),
        (json!(1), none),
    ] {
        let claims = json!({"realm": {"groups": groups}, "https://weir.example/roles": groups});
        let identity = site.claiming(claims).await.unwrap().identity;
        let texts = |names: &[std::sync::Arc<str>]| -> Vec<String> {
            names.iter().map(|name| name.to_string()).collect()
        };
        assert_eq!(texts(&identity.groups), expected, "{groups}");
        assert_eq!(texts(&identity.roles), expected, "{groups}");
        assert_eq!((&*identity.name, identity.proof), ("alice", Proof::Token));
    }
    // a claim of the dotted name itself goes first
    let claims = json!({"realm.groups": "flat", "realm": {"groups": "nested"}});
    assert_eq!(&*site.claiming(claims).await.unwrap().identity.groups[0], "flat");
    for realm in [json!("groups"), json!(["groups"]), json!(null)] {
        assert!(site.claiming(json!({"realm": realm})).await.unwrap().identity.groups.is_empty());
    }
    let claims = json!({"realm": {"groups": ["a\nb"]}});
    refused(site.claiming(claims).await, "realm.groups");
}

#[tokio::test]
async fn attack_28_groups_that_are_elsewhere_are_none() {
    let site = Site::with(|options| options.groups_claim = Some("groups".to_string())).await;
    let overage = json!({
        "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": site.provider.url("/users/alice/getMemberObjects")}},
    });
    let identity = site.claiming(overage).await.unwrap().identity;
    assert!(identity.groups.is_empty() && identity.roles.is_empty());
    assert_eq!(site.provider.strays(), 0);
}

#[tokio::test]
async fn attack_28_as_many_groups_are_kept_as_a_token_holds() {
    let site = Site::with(|options| options.groups_claim = Some("groups".to_string())).await;
    let groups = |count: usize| (0..count).map(|i| format!("g{i}")).collect::<Vec<_>>();
    let identity = site.claiming(json!({"groups": groups(1_400)})).await.unwrap().identity;
    assert_eq!(identity.groups.len(), 1_400);
    let token = site.signer.token(&claims_with(&site.provider, json!({"groups": groups(5_000)})));
    assert!(token.len() > TOKEN_MAX);
    refused(site.tokens.verify(&token).await, "too long");
}

#[tokio::test]
async fn attack_28_scopes_are_separated_by_blanks_and_are_roles_with_a_prefix() {
    let site = Site::with(|options| {
        options.required_scopes = vec!["weir.read".to_string()];
        options.roles_claim = Some("roles".to_string());
    })
    .await;
    for (scopes, expected) in [
        (json!({"scope": "weir.read  a,b"}), &["scope:weir.read", "scope:a,b"][..]),
        (json!({"scope": ["weir.read", "a b"]}), &["scope:weir.read", "scope:a b"]),
        (json!({"scp": "weir.read"}), &["scope:weir.read"]),
        (json!({"scp": ["weir.read"], "roles": "admin"}), &["admin", "scope:weir.read"]),
    ] {
        let roles = site.claiming(scopes).await.unwrap().identity.roles;
        assert_eq!(roles.iter().map(|role| &**role).collect::<Vec<_>>(), expected);
    }
    for scopes in [
        json!({}),
        json!({"scope": ""}),
        json!({"scope": "weir.reader"}),
        json!({"scope": "weir.read,x"}),
        json!({"scope": ["weir.read weir.write"]}),
        json!({"scope": "a", "scp": "weir.read"}),
    ] {
        refused(site.claiming(scopes).await, "lacks the scope weir.read");
    }
    for scope in [json!({"weir.read": true}), json!(1), json!([1])] {
        refused(site.claiming(json!({"scope": scope})).await, "claim scope");
    }
}
