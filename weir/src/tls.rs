//! The certificates of https listeners, each of them open once, and how the proxy of this process trusts the
//! registry of this process.

use std::sync::Arc;
use std::time::Duration;

use weir_http::{Certificate, ClientAuth, ClientAuthorities, Identity, Shared, Tls};

use crate::error::Error;
use crate::face_tls::ListenerTls;
use crate::listen::Hangups;

/// How long a connection to this process's own registry may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The certificates that are open.
pub struct Certificates<'a> {
    shared: &'a Shared,
    hangups: &'a Hangups,
    open: Vec<Arc<Certificate>>,
    clients: Vec<Arc<ClientAuthorities>>,
}

impl<'a> Certificates<'a> {
    /// None is open yet.
    pub fn new(shared: &'a Shared, hangups: &'a Hangups) -> Certificates<'a> {
        Certificates { shared, hangups, open: Vec::new(), clients: Vec::new() }
    }

    /// A certificate, which is read anew on SIGHUP and when it has changed.
    fn get(&mut self, identity: &Identity) -> Result<Arc<Certificate>, Error> {
        if let Some(open) = self.open.iter().find(|open| open.is_of(identity)) {
            return Ok(open.clone());
        }
        let certificate = Certificate::open(identity.clone()).map_err(Error::Certificate)?;
        self.shared.add_certificate(certificate.clone());
        tokio::spawn(certificate.clone().follow(self.hangups.subscribe()));
        self.open.push(certificate.clone());
        Ok(certificate)
    }

    /// The authorities of a listener's clients, which are read anew as certificates are.
    fn clients(&mut self, asked: &ClientAuth) -> Result<Arc<ClientAuthorities>, Error> {
        if let Some(open) = self.clients.iter().find(|open| open.is_of(asked)) {
            return Ok(open.clone());
        }
        let authorities = ClientAuthorities::open(asked.clone()).map_err(Error::Certificate)?;
        self.shared.add_client_authorities(authorities.clone());
        tokio::spawn(authorities.clone().follow(self.hangups.subscribe()));
        self.clients.push(authorities.clone());
        Ok(authorities)
    }

    /// TLS of a listener, and the certificate that it shows.
    pub fn tls(&mut self, wanted: &ListenerTls) -> Result<(Arc<Certificate>, Arc<Tls>), Error> {
        let certificate = self.get(&wanted.identity)?;
        let clients = wanted.clients.as_ref().map(|asked| self.clients(asked)).transpose()?;
        let tls = Tls::new(certificate.clone(), wanted.versions.clone(), clients);
        let tls = tls.map_err(|error| Error::Certificate(error.to_string()))?;
        Ok((certificate, Arc::new(tls)))
    }
}

/// A client that trusts a registry which shows this certificate, and whatever comes in its place.
pub fn own_client(certificate: Arc<Certificate>) -> Result<reqwest::Client, Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .tls_backend_preconfigured(weir_http::client_config(certificate))
        .build()
        .map_err(Error::HttpClient)
}
