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
//! it stands. Requests run on a runtime of the library's own, with one thread, so that `wait` may be
//! called from anywhere; inside an async task it keeps the task's thread.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use crate::runtime::runtime;

/// What is awaited, without async.
pub trait Wait: Future + Sized {
    /// Keeps this thread until there is an answer.
    fn wait(self) -> Self::Output;
}

impl<F: Future> Wait for F {
    fn wait(self) -> F::Output {
        struct Unpark(Thread);

        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }

        let _inside = runtime().enter();
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut future = pin!(self);
        loop {
            match future.as_mut().poll(&mut context) {
                Poll::Ready(answer) => return answer,
                Poll::Pending => std::thread::park(),
            }
        }
    }
}
