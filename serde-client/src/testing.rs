//! A registry for tests: the real one, in memory, in this process, on a port that the system gives.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use weir_http::{Limits, Shared, Site};
use weir_registry::Registry;
use weir_registry::log::MemoryLog;

use crate::client::{ClientBuilder, RegistryClient};

/// Descriptors that the listener takes the process for having: half of them may be connections.
const DESCRIPTORS: usize = 1024;

/// A registry that lives as long as this value. It speaks the whole API: what a test registers,
/// configures or deletes there is what production would say of it.
///
/// ```
/// use weir_serde::testing::TestRegistry;
///
/// let registry = TestRegistry::start();
/// let client = registry.client();
/// # use weir_serde::blocking::Wait;
/// assert!(client.subjects("").wait()?.is_empty());
/// # Ok::<(), weir_serde::ClientError>(())
/// ```
pub struct TestRegistry {
    address: SocketAddr,
    _stop: watch::Sender<()>,
}

impl TestRegistry {
    /// Starts it, on a thread of its own: it needs no runtime, and outlives none.
    pub fn start() -> TestRegistry {
        let (ready, started) = std::sync::mpsc::channel();
        let (stop, stopped) = watch::channel(());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime on one thread");
            runtime.block_on(async move {
                let any = SocketAddr::from(([127, 0, 0, 1], 0));
                let listener = weir_http::bind(any).expect("a free port");
                let registry = Registry::open(MemoryLog::default()).expect("memory is empty");
                let address = listener.local_addr().expect("a bound socket has an address");
                if ready.send(address).is_err() {
                    return;
                }
                let shared = Arc::new(Shared::new(Limits::for_descriptors(DESCRIPTORS)));
                let site = Arc::new(Site::new(shared, address, false));
                let service = weir_registry::service(registry);
                weir_http::serve(listener, site, None, service, stopped, Duration::ZERO).await;
            });
        });
        let address = started.recv().expect("the registry's thread says where it listens");
        TestRegistry { address, _stop: stop }
    }

    /// `http://127.0.0.1:` and its port.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client with the defaults.
    pub fn client(&self) -> RegistryClient {
        self.builder().build().expect("a URL of numbers")
    }

    /// A client to be configured.
    pub fn builder(&self) -> ClientBuilder {
        RegistryClient::builder(&self.url())
    }
}
