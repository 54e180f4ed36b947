//! The same calls without async: `.wait()` instead of `.await`.
//!
//! ```no_run
//! use weir_serde::RegistryClient;
//! use weir_serde::blocking::Wait;
//!
//! let client = RegistryClient::new("http://localhost:8081")?;
//! let subjects = client.subjects("").wait()?;
//! # Ok::<(), weir_serde::ClientError>(())
//! ```
//!
//! A call that needs no registry, which is all but the first of a topic or a schema, is answered where
//! it stands. Others run on a runtime of the library's own, with one thread. `wait` may be called from
//! anywhere; inside an async task it keeps the task's thread.

use std::future::Future;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use tokio::runtime::{Builder, Handle, Runtime};

/// What is awaited, without async.
pub trait Wait: Future + Sized {
    /// Keeps this thread until there is an answer.
    fn wait(self) -> Self::Output
    where
        Self: Send,
        Self::Output: Send;
}

impl<F: Future> Wait for F {
    fn wait(self) -> F::Output
    where
        F: Send,
        F::Output: Send,
    {
        let mut future = pin!(self);
        let runtime = runtime();
        {
            // most calls have their answer at once; a request begins in the library's runtime
            let _inside = runtime.enter();
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
                return answer;
            }
        }
        match Handle::try_current() {
            Err(_) => runtime.block_on(future),
            // a runtime does not let another be waited for on its own threads
            Ok(_) => {
                std::thread::scope(|scope| match scope.spawn(|| runtime.block_on(future)).join() {
                    Ok(answer) => answer,
                    Err(panic) => std::panic::resume_unwind(panic),
                })
            }
        }
    }
}

fn runtime() -> &'static Runtime {
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
