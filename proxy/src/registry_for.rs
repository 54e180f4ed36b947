//! The registry's client that is asked for a caller's schemas.

use std::fmt;
use std::sync::Arc;

use weir_http::Caller;
use weir_serde::RegistryClient;

/// Says which client of the registry asks for a caller's schemas.
///
/// A client of the proxy's own, which becomes this by itself, asks for all callers: the registry sees the proxy's
/// principal, so the proxy decides what of the answers is for a caller. Where the registry is to know for whom the proxy
/// asks, and decides itself, each caller has a client of its own.
#[derive(Clone)]
pub struct RegistryFor {
    /// None: there is no registry.
    client: Option<Arc<ClientFor>>,
    /// Whether the registry knows for whom it is asked.
    is_told: bool,
}

/// What makes a client for a caller.
type ClientFor = dyn Fn(&Caller) -> RegistryClient + Send + Sync;

impl RegistryFor {
    /// `client` is called once for each caller whose schemas are not known, and for [`Caller::ANYBODY`] when the proxy
    /// is made. Clones of one client share what they know: where callers see different schemas, each has to be given a
    /// client that was made for it.
    pub fn each(client: impl Fn(&Caller) -> RegistryClient + Send + Sync + 'static) -> RegistryFor {
        RegistryFor { client: Some(Arc::new(client)), is_told: true }
    }

    /// No registry: requests whose records have schemas are refused with 42206, all others are answered.
    pub fn none() -> RegistryFor {
        RegistryFor { client: None, is_told: false }
    }

    /// Returns none if there is no registry.
    pub(crate) fn client(&self, caller: &Caller) -> Option<RegistryClient> {
        self.client.as_ref().map(|client| client(caller))
    }

    /// Whose rights the proxy has to look at for what the registry tells it for a caller.
    pub(crate) fn to_judge(&self, caller: &Caller) -> Caller {
        if self.is_told { Caller::ANYBODY } else { caller.clone() }
    }
}

impl From<RegistryClient> for RegistryFor {
    fn from(client: RegistryClient) -> RegistryFor {
        RegistryFor { client: Some(Arc::new(move |_| client.clone())), is_told: false }
    }
}

impl fmt::Debug for RegistryFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistryFor")
    }
}
