//! Where requests run: on a runtime of the library's own, whoever waits for them and however. A thread
//! that waits without async may be the very one that other tasks, or a connection, would need.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures_util::future::{BoxFuture, FutureExt, Shared};
use reqwest::header::HeaderMap;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinError;

use crate::error::ClientError;

pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("weir-serde")
            .enable_all()
            .build()
            .expect("the system lets a process have one more thread")
    })
}

/// Runs a future there.
pub(crate) async fn run<T: Send + 'static>(
    future: impl Future<Output = Result<T, ClientError>> + Send + 'static,
) -> Result<T, ClientError> {
    runtime().spawn(future).await.unwrap_or_else(given_up)
}

fn given_up<T>(_: JoinError) -> Result<T, ClientError> {
    Err(ClientError::Transport("the request was given up".into()))
}

tokio::task_local! {
    static HEADERS: Box<dyn Fn() -> HeaderMap + Send + Sync>;
}

/// Sends headers along with all that a future asks of registries, whichever client asks: those that say to which trace the
/// question belongs (`traceparent`), or `X-Request-Id`. `headers` is called for each request, if one is needed. They go where a client's own headers go, and in their place where
/// both have one of a name. Where several wait for one question, it has the headers of who asked first.
pub fn with_headers<F: Future>(
    headers: impl Fn() -> HeaderMap + Send + Sync + 'static,
    future: F,
) -> impl Future<Output = F::Output> {
    HEADERS.scope(Box::new(headers), future)
}

/// What is sent along with what this task asks.
pub(crate) fn headers() -> HeaderMap {
    HEADERS.try_with(|headers| headers()).unwrap_or_default()
}

type Flight<V> = Shared<BoxFuture<'static, Result<V, ClientError>>>;

/// Questions that are on their way: who has the same one waits for the same answer, good or bad.
pub(crate) struct Flights<K, V> {
    flying: Mutex<HashMap<K, Flight<V>>>,
}

/// Takes a question from those that are on their way, however its task ends.
struct Entry<K: Hash + Eq, V>(Arc<Flights<K, V>>, K);

impl<K: Hash + Eq, V> Drop for Entry<K, V> {
    fn drop(&mut self) {
        self.0.lock().remove(&self.1);
    }
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Flights { flying: Mutex::default() }
    }
}

impl<K, V> Flights<K, V>
where
    K: Hash + Eq + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// The answer to a question. `ask` is called if nobody has it on its way; it runs to its end even
    /// if nobody waits any more.
    pub(crate) async fn answer<F>(
        self: &Arc<Self>,
        key: K,
        ask: impl FnOnce() -> F,
    ) -> Result<V, ClientError>
    where
        F: Future<Output = Result<V, ClientError>> + Send + 'static,
    {
        let flight = {
            let mut flying = self.lock();
            match flying.get(&key) {
                Some(flight) => flight.clone(),
                None => {
                    let (entry, future) = (Entry(self.clone(), key.clone()), ask());
                    let headers = headers();
                    let asking = with_headers(move || headers.clone(), async move {
                        let _until_landed = entry;
                        future.await
                    });
                    let task = runtime().spawn(asking);
                    let flight = async { task.await.unwrap_or_else(given_up) }.boxed().shared();
                    flying.insert(key, flight.clone());
                    flight
                }
            }
        };
        flight.await
    }
}

impl<K, V> Flights<K, V> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Flight<V>>> {
        self.flying.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
