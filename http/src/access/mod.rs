//! Who sends requests, and what they may do.

mod caller;

pub use caller::{Caller, Denied};
