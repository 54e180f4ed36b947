//! Which options are taken.

use std::path::PathBuf;
use std::time::Duration;

use weir_login::tokens::{TokenOptions, Tokens};

type Change = fn(&mut TokenOptions);

fn text(text: &str) -> String {
    text.to_string()
}

fn good() -> TokenOptions {
    TokenOptions {
        issuer: "https://id.example".to_string(),
        audiences: vec!["weir".to_string()],
        ..TokenOptions::default()
    }
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let cases: [(&str, Change); 16] = [
        ("issuer", |o| o.issuer = text("")),
        ("issuer", |o| o.issuer = text("id.example")),
        ("issuer", |o| o.issuer = text("http://id.example")),
        ("issuer", |o| o.issuer = text("https://u:p@id.example")),
        ("jwks_url", |o| o.jwks_url = Some(text("http://id.example/keys"))),
        ("jwks_url", |o| o.jwks_url = Some(text("ftp://127.0.0.1/keys"))),
        ("jwks_url and jwks_file", |o| {
            o.jwks_url = Some(text("https://id.example/keys"));
            o.jwks_file = Some(PathBuf::from("keys.json"));
        }),
        ("audiences", |o| o.audiences.clear()),
        ("audiences and any_audience", |o| o.any_audience = true),
        ("audiences", |o| o.audiences.push(text(""))),
        ("name_claim", |o| o.name_claim = text("")),
        ("roles_claim", |o| o.roles_claim = Some(text(""))),
        ("leeway", |o| o.leeway = Duration::from_secs(301)),
        ("refresh", |o| o.refresh = Duration::ZERO),
        ("refresh", |o| o.refresh = Duration::from_secs(86_401)),
        ("keep", |o| o.keep = Duration::MAX),
    ];
    for (name, change) in cases {
        let mut options = good();
        change(&mut options);
        let wrong = options.check().unwrap_err();
        assert!(wrong.starts_with(name), "{wrong}");
        assert_eq!(Tokens::start(options).unwrap_err(), wrong);
    }
}

#[test]
fn what_is_right_is_taken() {
    let url = || Some("https://id.example/keys".to_string());
    for options in [
        good(),
        TokenOptions { jwks_url: url(), issuer: "id".to_string(), ..good() },
        TokenOptions {
            jwks_file: Some(PathBuf::from("keys.json")),
            issuer: "id".to_string(),
            ..good()
        },
        TokenOptions { issuer: "http://127.0.0.1:8080/realms/a".to_string(), ..good() },
        TokenOptions { issuer: "http://id.example".to_string(), allow_http: true, ..good() },
        TokenOptions { audiences: vec![], any_audience: true, ..good() },
        TokenOptions { leeway: Duration::from_secs(300), ..good() },
        TokenOptions { groups_claim: Some("groups".to_string()), ..good() },
    ] {
        assert_eq!(options.check(), Ok(()), "{options:?}");
    }
}
