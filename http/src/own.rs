//! How this process reaches https listeners of its own and of its peers. Of its own it trusts the certificate that they show,
//! whichever it is at the time, and no other. Where clients are asked for a certificate, it shows the one of its listeners.

use std::fmt;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use crate::certificate::Certificate;

/// What a client inside this process speaks TLS with, to listeners that show this certificate.
pub fn client_config(certificate: Arc<Certificate>) -> ClientConfig {
    let algorithms = ring::default_provider().signature_verification_algorithms;
    let shown = Arc::new(Shown(certificate.clone()));
    let verifier = Arc::new(OwnVerifier { certificate, algorithms });
    ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(shown)
}

/// What a client inside this process speaks TLS with, to listeners of other processes: it trusts the system's authorities,
/// those in `ca_pem`, and the certificate of its own listeners with its chain. An error says what cannot be read.
pub fn peer_config(
    ca_pem: Option<&[u8]>,
    certificate: Option<Arc<Certificate>>,
) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for authority in CertificateDer::pem_slice_iter(ca_pem.unwrap_or_default()) {
        roots.add(authority.map_err(|error| error.to_string())?).map_err(|it| it.to_string())?;
    }
    let Some(certificate) = certificate else {
        return Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());
    };
    roots.add_parsable_certificates(certificate.current().cert.iter().cloned());
    let shown = Arc::new(Shown(certificate));
    Ok(ClientConfig::builder().with_root_certificates(roots).with_client_cert_resolver(shown))
}

/// Shows a certificate to servers that ask for one.
struct Shown(Arc<Certificate>);

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shown").field(&self.0.file()).finish()
    }
}

/// Compares certificates. Whoever shows ours and signs with its key is us, whatever name or date is in it.
struct OwnVerifier {
    certificate: Arc<Certificate>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for OwnVerifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.certificate.is_shown(shown) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, shown, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, shown, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for OwnVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnVerifier").field(&self.certificate.file()).finish()
    }
}
