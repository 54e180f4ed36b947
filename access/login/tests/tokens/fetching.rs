//! Where keys are fetched from, and how they change under way.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use weir_login::TokenVerifier;
use weir_login::tokens::{TokenOptions, Tokens};

use crate::mint::Signer;
use crate::provider::{Fault, Provider, key_set};
use crate::{AUDIENCE, Site, claims, claims_with, options, refused, tokens, unavailable};

#[tokio::test]
async fn discovery_has_to_be_of_the_issuer_and_name_a_safe_url() {
    let signer = Signer::p256("first");
    let provider = Provider::start(&[&signer]).await;
    let token = signer.token(&claims(&provider));
    let (issuer, keys) = (provider.issuer(), provider.url("/keys"));
    for document in [
        json!({"issuer": format!("{issuer}/"), "jwks_uri": keys}),
        json!({"issuer": "https://other.example", "jwks_uri": keys}),
        json!({"jwks_uri": keys}),
        json!({"issuer": issuer}),
        json!({"issuer": issuer, "jwks_uri": "http://10.0.0.1/keys"}),
        json!({"issuer": issuer, "jwks_uri": "file:///etc/passwd"}),
        json!({"issuer": issuer, "jwks_uri": "keys"}),
        json!([issuer, keys]),
    ] {
        provider.discover(document);
        unavailable(tokens(options(&provider)).verify(&token).await);
    }
    assert_eq!(provider.fetches(), 0);
    provider.discover(json!({"issuer": issuer, "jwks_uri": keys, "other": 1}));
    assert!(tokens(options(&provider)).verify(&token).await.is_ok());
}

#[tokio::test]
async fn keys_come_from_a_url_without_discovery() {
    let signer = Signer::p256("first");
    let provider = Provider::start(&[&signer]).await;
    provider.discover(json!(null));
    let options = TokenOptions { jwks_url: Some(provider.url("/keys")), ..options(&provider) };
    assert!(tokens(options).verify(&signer.token(&claims(&provider))).await.is_ok());
}

#[tokio::test]
async fn redirects_stay_within_the_origin() {
    let signer = Signer::p256("first");
    let provider = Provider::start(&[&signer]).await;
    let other = Provider::start(&[&signer]).await;
    let token = signer.token(&claims(&provider));
    let ours = [provider.url("/moved"), "/moved".to_string()];
    let foreign = [
        other.url("/moved"),
        other.url("/moved").replace("http:", ""),
        provider.url("/moved").replace("127.0.0.1", "localhost"),
        provider.url("/moved").replace("http:", "https:"),
        provider.url("/keys"), // in a circle
        "file:///etc/passwd".to_string(),
    ];
    for to in ours {
        provider.break_with(Fault::Redirect(to));
        assert!(tokens(options(&provider)).verify(&token).await.is_ok());
    }
    for to in foreign {
        provider.break_with(Fault::Redirect(to));
        unavailable(tokens(options(&provider)).verify(&token).await);
    }
    assert_eq!((other.fetches(), other.strays()), (0, 0));
}

#[tokio::test]
async fn keys_come_from_a_file_and_a_new_one_from_the_file_as_it_is_then() {
    let (first, second) = (Signer::p256("first"), Signer::p256("second"));
    let provider = Provider::start(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let options = TokenOptions { jwks_file: Some(file.clone()), ..options(&provider) };
    let wrong = Tokens::start(options.clone()).unwrap_err();
    assert!(wrong.contains("keys.json"), "{wrong}");

    std::fs::write(&file, key_set(&[&first])).unwrap();
    let tokens = tokens(options);
    assert!(tokens.verify(&first.token(&claims(&provider))).await.is_ok());
    std::fs::write(&file, key_set(&[&first, &second])).unwrap();
    assert!(tokens.verify(&second.token(&claims(&provider))).await.is_ok());
    assert_eq!(tokens.generation(), 0);
    assert_eq!(provider.fetches(), 0);
}

#[tokio::test]
async fn a_provider_that_comes_later_is_found() {
    let signer = Signer::p256("first");
    let provider = Provider::start(&[&signer]).await;
    provider.break_with(Fault::Text(String::new()));
    let tokens = tokens(options(&provider));
    let token = signer.token(&claims(&provider));
    unavailable(tokens.verify(&token).await);
    provider.break_with(None);
    let found = async {
        while tokens.verify(&token).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found).await.unwrap();
}

#[tokio::test]
async fn a_withdrawn_key_raises_the_generation() {
    let site = Site::new().await;
    assert!(site.claiming(json!({})).await.is_ok());
    let second = Signer::p256("second");
    site.provider.publish(&[&second]);
    assert_eq!(site.tokens.generation(), 0);
    assert!(site.tokens.verify(&second.token(&claims(&site.provider))).await.is_ok());
    assert_eq!(site.tokens.generation(), 1);
    refused(site.claiming(json!({})).await, "is not the provider's");
}

/// The provider signs with a new key the moment that it has published it, with tokens under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_rotates_under_load_without_a_failure() {
    let site = Arc::new(Site::new().await);
    let second = Arc::new(Signer::rsa("second", "RS256"));
    let (is_rotated, proved) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let bearers: Vec<_> = (0..16)
        .map(|_| {
            let (site, second) = (site.clone(), second.clone());
            let (is_rotated, proved) = (is_rotated.clone(), proved.clone());
            tokio::spawn(async move {
                let mut after = 0;
                while after < 50 {
                    let rotated = is_rotated.load(Ordering::SeqCst);
                    let signer = if rotated { &*second } else { &site.signer };
                    after += usize::from(rotated);
                    let token = signer.token(&claims(&site.provider));
                    site.tokens.verify(&token).await.unwrap();
                    proved.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    while proved.load(Ordering::SeqCst) < 200 {
        tokio::task::yield_now().await;
    }
    site.provider.publish(&[&site.signer, &second]);
    is_rotated.store(true, Ordering::SeqCst);
    for bearer in bearers {
        bearer.await.unwrap();
    }
    assert_eq!(site.provider.fetches(), 2);
    assert_eq!(site.tokens.generation(), 0);
}

/// A server of one text over TLS, on a free port until the test's runtime ends.
async fn tls_server(certificate: &rcgen::Certificate, key: &KeyPair, text: String) -> u16 {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(
        tokio_rustls::rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![certificate.der().clone()], key)
    .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(socket).await else { continue };
            let mut request = [0; 4096];
            if stream.read(&mut request).await.is_ok() {
                let length = text.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    port
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

#[tokio::test]
async fn a_provider_over_tls_is_trusted_by_the_authorities_that_the_options_name() {
    let signer = Signer::p256("first");
    let (ours, theirs) = (authority(), authority());
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_string()]).unwrap();
    let certificate = params.signed_by(&key, &ours).unwrap();
    let port = tls_server(&certificate, &key, key_set(&[&signer])).await;

    let folder = tempfile::tempdir().unwrap();
    let pem = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let provider = Provider::start(&[]).await;
    let trusting = |ca: &Path| TokenOptions {
        jwks_url: Some(format!("https://127.0.0.1:{port}/keys")),
        ca: Some(ca.to_path_buf()),
        ..options(&provider)
    };
    let token = signer.token(&claims_with(&provider, json!({"aud": AUDIENCE})));
    let ours = pem("ours.pem", ours.pem());
    assert!(tokens(trusting(&ours)).verify(&token).await.is_ok());
    let theirs = pem("theirs.pem", theirs.pem());
    unavailable(tokens(trusting(&theirs)).verify(&token).await);
    for (name, text) in [("empty.pem", ""), ("text.pem", "certificate")] {
        let wrong = Tokens::start(trusting(&pem(name, text.to_string()))).unwrap_err();
        assert!(wrong.contains(name), "{wrong}");
    }
    let wrong = Tokens::start(trusting(&folder.path().join("none.pem"))).unwrap_err();
    assert!(wrong.contains("none.pem"), "{wrong}");
}
