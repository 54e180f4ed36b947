//! A registry for tests: the real one, in memory, in this process, on a port that the system gives.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use weir_registry::Registry;
use weir_registry::log::MemoryLog;

use crate::client::{ClientBuilder, RegistryClient};

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
    _stop: oneshot::Sender<()>,
}

impl TestRegistry {
    /// Starts it, on a thread of its own: it needs no runtime, and outlives none.
    pub fn start() -> TestRegistry {
        let (ready, started) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime on one thread");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                let registry = Registry::open(MemoryLog::default()).expect("memory is empty");
                let address = listener.local_addr().expect("a bound socket has an address");
                if ready.send(address).is_err() {
                    return;
                }
                tokio::select! {
                    _ = axum::serve(listener, weir_registry::router(registry)) => {}
                    _ = stopped => {}
                }
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
