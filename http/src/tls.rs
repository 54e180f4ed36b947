//! TLS of a listener: what it shows, what it asks of its clients, and what it says of a client's certificate.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::server::NoClientAuth;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::certificate::Certificate;
use crate::clients::ClientAuthorities;
use crate::connection::Connection;
use crate::http2;
use crate::subject;

/// TLS of a listener.
pub struct Tls {
    certificate: Arc<Certificate>,
    versions: Vec<&'static SupportedProtocolVersion>,
    /// None: clients are not asked for certificates.
    clients: Option<Arc<ClientAuthorities>>,
    /// What speaks it, and which authorities it was made for. Who was known by others before has to show its certificate
    /// again: sessions are not resumed in a new one.
    current: Mutex<(u64, Arc<ServerConfig>)>,
}

/// A client's certificate cannot be used: it has no subject that can be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nameless;

impl Tls {
    /// Fails where there is no such version.
    pub fn new(
        certificate: Arc<Certificate>,
        versions: Vec<&'static SupportedProtocolVersion>,
        clients: Option<Arc<ClientAuthorities>>,
    ) -> Result<Tls, rustls::Error> {
        let config = config(&certificate, &versions, clients.as_deref())?;
        let generation = clients.as_ref().map_or(0, |clients| clients.generation());
        Ok(Tls { certificate, versions, clients, current: Mutex::new((generation, config)) })
    }

    /// What agrees on keys with a new connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = self.clients.as_ref().map_or(0, |clients| clients.generation());
        if current.0 != wanted
            && let Ok(config) = config(&self.certificate, &self.versions, self.clients.as_deref())
        {
            *current = (wanted, config);
        }
        TlsAcceptor::from(current.1.clone())
    }

    /// Remembers who the client of a connection is, if it has shown a certificate.
    pub(crate) fn remember(
        &self,
        agreed: &ServerConnection,
        connection: &Connection,
    ) -> Result<(), Nameless> {
        let Some(chain) = agreed.peer_certificates() else { return Ok(()) };
        let shown = chain.first().ok_or(Nameless)?;
        let subject = subject::of_certificate(shown).ok_or(Nameless)?;
        let owned = chain.iter().map(|shown| shown.clone().into_owned()).collect();
        let _ = connection.client_chain.set(owned);
        if !subject.is_empty() {
            let _ = connection.client_subject.set(subject);
        }
        Ok(())
    }

    /// Returns true if a client is trusted now that was when it came.
    pub(crate) fn trusts(&self, chain: &[CertificateDer<'_>]) -> bool {
        self.clients.as_ref().is_none_or(|clients| clients.trust(chain))
    }

    /// Told when clients are to be looked at again; none if they are not asked for certificates.
    pub(crate) fn changes(&self) -> Option<watch::Receiver<u64>> {
        self.clients.as_ref().map(|clients| clients.changes())
    }
}

fn config(
    certificate: &Arc<Certificate>,
    versions: &[&'static SupportedProtocolVersion],
    clients: Option<&ClientAuthorities>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let verifier: Arc<dyn ClientCertVerifier> = match clients {
        Some(clients) => clients.verifier(),
        None => Arc::new(NoClientAuth),
    };
    let mut config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(certificate.resolver());
    config.alpn_protocols = vec![http2::ALPN.to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
