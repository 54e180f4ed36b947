//! How connections of our own are secured, from librdkafka's settings.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// What a connection does before it may ask.
pub(crate) struct Security {
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) sasl: Option<Sasl>,
}

/// Who we are.
pub(crate) struct Sasl {
    pub(crate) mechanism: Mechanism,
    pub(crate) username: String,
    pub(crate) password: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
}

impl Mechanism {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

type Settings = BTreeMap<String, String>;

impl Security {
    /// An error names the setting that these connections do not have.
    pub(crate) fn new(settings: &Settings) -> Result<Security, String> {
        let protocol = get(settings, &["security.protocol"]).unwrap_or("plaintext");
        let (tls, sasl) = match protocol.to_ascii_lowercase().as_str() {
            "plaintext" => (false, false),
            "ssl" => (true, false),
            "sasl_plaintext" => (false, true),
            "sasl_ssl" => (true, true),
            other => return Err(format!("security.protocol={other} is not known")),
        };
        Ok(Security {
            tls: tls.then(|| client_config(settings).map(Arc::new)).transpose()?,
            sasl: sasl.then(|| Sasl::new(settings)).transpose()?,
        })
    }
}

impl Sasl {
    fn new(settings: &Settings) -> Result<Sasl, String> {
        let known = [Mechanism::Plain, Mechanism::ScramSha256, Mechanism::ScramSha512];
        let asked = get(settings, &["sasl.mechanism", "sasl.mechanisms"]).unwrap_or("GSSAPI");
        let mechanism = known.into_iter().find(|m| m.name().eq_ignore_ascii_case(asked));
        let text = |name: &str| {
            get(settings, &[name]).map(str::to_string).ok_or_else(|| format!("{name} is missing"))
        };
        Ok(Sasl {
            mechanism: mechanism
                .ok_or_else(|| format!("sasl.mechanism={asked} is not among PLAIN and SCRAM"))?,
            username: text("sasl.username")?,
            password: text("sasl.password")?,
        })
    }
}

fn get<'a>(settings: &'a Settings, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| settings.get(*name)).map(String::as_str)
}

fn client_config(settings: &Settings) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier {
        // as librdkafka reads them
        chain: get(settings, &["enable.ssl.certificate.verification"]) != Some("false"),
        name: get(settings, &["ssl.endpoint.identification.algorithm"]) != Some("none"),
        roots: WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots(settings)?),
            provider.clone(),
        )
        .build()
        .map_err(|e| format!("ssl.ca.location: {e}"))?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    if settings.contains_key("ssl.keystore.location") {
        return Err("ssl.keystore.location: certificate and key have to be in PEM".to_string());
    }
    let (certificate, key) = (pem(settings, "ssl.certificate")?, pem(settings, "ssl.key")?);
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return Ok(config.with_no_client_auth());
    };
    if settings.contains_key("ssl.key.password") {
        return Err("ssl.key.password: the key has to be readable without".to_string());
    }
    let chain = certificates(&certificate).map_err(|e| format!("ssl.certificate: {e}"))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|e| format!("ssl.key: {e}"))?;
    config.with_client_auth_cert(chain, key).map_err(|e| format!("ssl.certificate: {e}"))
}

/// The certificates to trust: those named, else the system's.
fn roots(settings: &Settings) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = match pem(settings, "ssl.ca")? {
        Some(pem) => certificates(&pem).map_err(|e| format!("ssl.ca: {e}"))?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    roots.add_parsable_certificates(found);
    Ok(roots)
}

/// What `{name}.pem` says, or the file of `{name}.location`; a folder's files.
fn pem(settings: &Settings, name: &str) -> Result<Option<Vec<u8>>, String> {
    if let Some(text) = get(settings, &[&format!("{name}.pem")]) {
        return Ok(Some(text.as_bytes().to_vec()));
    }
    let Some(location) = get(settings, &[&format!("{name}.location")]) else { return Ok(None) };
    let read = |path: &Path| {
        std::fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))
    };
    let path = Path::new(location);
    if !path.is_dir() {
        return read(path).map(Some);
    }
    let mut all = Vec::new();
    for entry in path.read_dir().map_err(|e| format!("cannot read {location}: {e}"))?.flatten() {
        if entry.path().is_file() {
            all.extend(read(&entry.path())?);
            all.push(b'\n');
        }
    }
    Ok(Some(all))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    CertificateDer::pem_slice_iter(pem).collect()
}

/// Checks the broker's certificate, as far as the settings want it checked.
struct Verifier {
    roots: Arc<WebPkiServerVerifier>,
    chain: bool,
    name: bool,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier {{ chain: {}, name: {} }}", self.chain, self.name)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.chain {
            return Ok(ServerCertVerified::assertion());
        }
        match self.roots.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.roots.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.roots.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.roots.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn security(settings: &[(&str, &str)]) -> Result<Security, String> {
        let settings = settings.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Security::new(&settings)
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (settings, named) in [
            (&[("security.protocol", "carrier_pigeon")][..], "carrier_pigeon"),
            (&[("security.protocol", "sasl_ssl"), ("ssl.ca.location", "/no/where")], "/no/where"),
            (&[("security.protocol", "SASL_PLAINTEXT")], "GSSAPI"),
            (
                &[("security.protocol", "sasl_plaintext"), ("sasl.mechanisms", "PLAIN")],
                "sasl.username",
            ),
            (&[("security.protocol", "ssl"), ("ssl.ca.pem", "nothing")], "ssl.ca"),
            (
                &[("security.protocol", "ssl"), ("ssl.keystore.location", "me.p12")],
                "ssl.keystore.location",
            ),
        ] {
            let error = security(settings).err().unwrap();
            assert!(error.contains(named), "{error}");
        }
        let plain = security(&[]).unwrap();
        assert!(plain.tls.is_none() && plain.sasl.is_none());
    }
}
