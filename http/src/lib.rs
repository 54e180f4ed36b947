//! What registry and REST proxy share of a connection and of a request.
//!
//! [`serve`] accepts connections and answers their requests; each request carries its [`Arrival`]: the
//! connection that it came on, with the limits that all connections share ([`Shared`]) and what its
//! listener is called ([`Site`]). A product reads bodies with [`body`], refuses what a browser was tricked
//! into with [`guard`], names its answer with [`request_id`], and appends [`metrics`] to its own.

pub mod body;
mod budget;
mod certificate;
mod clock;
mod connection;
mod descriptors;
mod exhaustion;
mod gate;
pub mod guard;
mod head_timer;
mod host;
mod limits;
mod listen;
pub mod metrics;
mod own;
mod pieces;
pub mod request_id;
mod shared;
mod validity;
mod watched;

pub use body::{BodyError, IncomingBody};
pub use certificate::{Certificate, Identity};
pub use connection::{Arrival, client_address};
pub use descriptors::raise as raise_descriptors;
pub use guard::Refusal;
pub use host::AllowedHost;
pub use limits::Limits;
pub use listen::{bind, serve};
pub use own::client_config;
pub use pieces::Pieces;
pub use shared::{Shared, Site};
