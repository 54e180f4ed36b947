//! The certificate of our client for Rust: a registry that asks for it sees it, and who that registry
//! redirects to does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use weir_serde::RegistryClient;

/// An authority, and what it signs for `127.0.0.1`.
struct Authority(Issuer<'static, KeyPair>, String);

impl Authority {
    fn new() -> Authority {
        let (mut params, key) = (CertificateParams::new([]).unwrap(), KeyPair::generate().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Authority(Issuer::new(params, key), pem)
    }

    /// A certificate and its key.
    fn signed(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_string()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// A server that asks for certificates, takes who has none as well, and answers all the same. Its URL,
    /// how many it has answered, and how many of them had a certificate.
    async fn server(&self, answer: String) -> (String, Arc<AtomicUsize>, Arc<AtomicUsize>) {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.1.as_bytes()).unwrap()).unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).allow_unauthenticated();
        let (certificate, key) = self.signed();
        let config = ServerConfig::builder()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let (answered, known) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, with) = (answered.clone(), known.clone());
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let Ok(mut connection) = acceptor.accept(connection).await else { continue };
                let mut head = [0; 4096];
                let _ = connection.read(&mut head).await;
                let has_one = connection.get_ref().1.peer_certificates().is_some();
                with.fetch_add(usize::from(has_one), Ordering::Relaxed);
                count.fetch_add(1, Ordering::Relaxed);
                let _ = connection.write_all(answer.as_bytes()).await;
                let _ = connection.shutdown().await;
            }
        });
        (url, answered, known)
    }
}

fn found() -> String {
    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n[]".into()
}

fn moved(to: &str) -> String {
    format!(
        "HTTP/1.1 307 Moved\r\nlocation: {to}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    )
}

#[tokio::test]
async fn a_clients_certificate_is_not_shown_to_where_a_registry_redirects() {
    weir_tests::crypto();
    let authority = Authority::new();
    let (other, asked, shown) = authority.server(found()).await;
    let (url, _, shown_first) = authority.server(moved(&format!("{other}/x"))).await;
    let (certificate, key) = authority.signed();
    let client = RegistryClient::builder(&url)
        .ca_pem(authority.1.clone())
        .identity_pem(format!("{certificate}{key}"))
        .build()
        .unwrap();
    client.subjects("").await.unwrap();
    let counts = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    assert_eq!((counts(&shown_first), counts(&asked), counts(&shown)), (1, 1, 0));
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_an_error() {
    weir_tests::crypto();
    let authority = Authority::new();
    let (url, ..) = authority.server(moved("http://127.0.0.1:1/")).await;
    let client = RegistryClient::builder(&url).ca_pem(authority.1.clone()).build().unwrap();
    let error = client.subjects("").await.unwrap_err().to_string();
    assert!(error.contains("a redirect from https to http is not followed"), "{error}");
}
