//! Who sends requests, and what they may do.
//!
//! A request of a listener that has a [`Door`] comes in through [`Admitted`]: the door finds out who is behind its
//! credentials, or refuses it (400, 401, 403, 429, 503). Its [`Caller`] is an extension of the request. What the service does with
//! the request it demands of the caller, who is [`Denied`] it or not, and both are written to the [`Audit`] log.

mod admitted;
mod audit;
mod caller;
mod credentials;
mod door;
mod explain;
mod line;
mod metrics;
mod quota;
mod refusal;
#[cfg(test)]
mod tests;
mod verified;
mod voucher;

pub use admitted::{Admitted, admitted};
pub use audit::{Audit, AuditTarget};
pub use caller::{Caller, Denied};
pub use door::{Door, DoorOptions, MayEnter, VoucherKeys, node_identity};
pub use explain::{AccessAnswer, AccessQuestion};
pub(crate) use metrics::FAMILIES as METRICS;
pub use voucher::{ON_BEHALF, VoucherKey};
