//! The registry's shell: an HTTP face, a log, and between them one writer.
//!
//! A write goes `http` -> [`Registry::submit`] -> `writer` -> [`log::Log::append`] -> the state that
//! everybody reads. A read goes `http` -> [`Registry::state`].

mod http;
pub mod log;
mod registry;
mod replay;
mod writer;

pub use http::{router, service};
pub use registry::{OpenError, Registry};
