//! What the process depends on beside what registry and proxy say of themselves: certificates, the keys of the tokens' provider, and
//! the registry that the proxy asks.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::Method;
use serde::de::IgnoredAny;
use weir_http::Shared;
use weir_http::health::{Check, Finding};
use weir_registry::Registry;
use weir_serde::{ClientError, RegistryClient};

use crate::admission::Access;

/// How often another registry is asked whether it is there.
const REGISTRY_INTERVAL: Duration = Duration::from_secs(10);

/// The name under which the proxy says how its registry is.
const SCHEMA_REGISTRY: &str = "schema-registry";

/// Says that the process starts and what all of its services depend on, and begins to look at it.
pub fn begin(shared: &Arc<Shared>, access: &Access) {
    shared.health.begin();
    let certificates = shared.certificates();
    if !certificates.is_empty() {
        // all nodes have the same: to take all of them away would help nobody
        let check = Check::reported("certificate");
        let look = move || {
            let now = SystemTime::now();
            let expired = certificates.iter().find_map(|certificate| {
                let seconds = certificate.seconds_left(now).filter(|left| *left < 0)?;
                let file = certificate.file().display();
                Some(format!("{file} has expired {} s ago", -seconds))
            });
            check.found(expired.map_or(Finding::Well, Finding::Failing));
            vec![check.clone()]
        };
        shared.health.depends_on(None, Box::new(look));
    }
    if let Some(tokens) = access.tokens().cloned() {
        let check = Check::required("oidc");
        let look = move || {
            check.found(match tokens.has_keys() {
                Ok(()) => Finding::Well,
                Err(why) => Finding::Starting(why),
            });
            vec![check.clone()]
        };
        shared.health.depends_on(None, Box::new(look));
    }
    let shared = shared.clone();
    tokio::spawn(async move { shared.health.keep_looking().await });
}

/// The registry of this process says how it is.
pub fn watch_registry(shared: &Shared, registry: &Registry) {
    let (asked, living) = (registry.clone(), registry.clone());
    shared.health.depends_on(Some("registry"), Box::new(move || asked.checks()));
    shared.health.lives_by(Box::new(move || living.alive()));
}

/// The proxy says how it is, and how the registry of this process is that it asks.
///
/// The registry keeps no request away from the proxy: most need no schema.
pub fn watch_proxy(shared: &Shared, proxy: &weir_proxy::Proxy, own_registry: Option<Registry>) {
    let asked = proxy.clone();
    shared.health.depends_on(Some("proxy"), Box::new(move || asked.checks()));
    let Some(registry) = own_registry else { return };
    let check = Check::reported(SCHEMA_REGISTRY);
    let look = move || {
        let failing = registry.checks().into_iter().find_map(|check| check.failing());
        check.found(failing.map_or(Finding::Well, Finding::Failing));
        vec![check.clone()]
    };
    shared.health.depends_on(Some("proxy"), Box::new(look));
}

/// The proxy says whether the registry is there that it asks, which is another process. It is asked now and then.
pub fn watch_other_registry(shared: &Shared, client: RegistryClient) {
    let check = Check::reported(SCHEMA_REGISTRY);
    let known = check.clone();
    shared.health.depends_on(Some("proxy"), Box::new(move || vec![known.clone()]));
    tokio::spawn(async move {
        loop {
            let path = ["schemas", "types"];
            let asked = client.send::<IgnoredAny>(Method::GET, &path, &[], None::<&()>).await;
            check.found(match asked {
                // whoever refuses is there
                Ok(_) | Err(ClientError::Registry { .. }) => Finding::Well,
                Err(error) => Finding::Failing(error.to_string()),
            });
            tokio::time::sleep(REGISTRY_INTERVAL).await;
        }
    });
}
