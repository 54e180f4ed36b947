//! Attacks by what a token claims, and what they are answered with, numbered as in `attacks`.

use serde_json::{Value, json};
use weir_access::Proof;
use weir_login::TokenVerifier;
use weir_login::tokens::TOKEN_MAX;

use crate::{AUDIENCE, NOW, Site, at, claims_with, refused};

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
