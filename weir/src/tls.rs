//! The certificates of https listeners, each of them open once, and how the proxy of this process trusts the
//! registry of this process.

use std::sync::Arc;
use std::time::Duration;

use weir_http::{Certificate, Identity, Shared};

use crate::error::Error;
use crate::listen::Hangups;

/// How long a connection to this process's own registry may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The certificates that are open.
pub struct Certificates<'a> {
    shared: &'a Shared,
    hangups: &'a Hangups,
    open: Vec<Arc<Certificate>>,
}

impl<'a> Certificates<'a> {
    /// None is open yet.
    pub fn new(shared: &'a Shared, hangups: &'a Hangups) -> Certificates<'a> {
        Certificates { shared, hangups, open: Vec::new() }
    }

    /// A certificate, which is read anew on SIGHUP and when it has changed.
    pub fn get(&mut self, identity: &Identity) -> Result<Arc<Certificate>, Error> {
        if let Some(open) = self.open.iter().find(|open| open.is_of(identity)) {
            return Ok(open.clone());
        }
        let certificate = Certificate::open(identity.clone()).map_err(Error::Certificate)?;
        self.shared.add_certificate(certificate.clone());
        tokio::spawn(certificate.clone().follow(self.hangups.subscribe()));
        self.open.push(certificate.clone());
        Ok(certificate)
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
