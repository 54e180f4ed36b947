//! What registry and REST proxy share of a connection and of a request.
//!
//! [`serve`] accepts connections and answers their requests; each request carries its [`Arrival`]: the
//! connection that it came on, with the limits that all connections share ([`Shared`]) and what its
//! listener is called ([`Site`]). A product reads bodies with [`body`], refuses what a browser was tricked
//! into with [`guard`], names its answer with [`request_id`], and appends [`metrics`] to its own.

mod access;
mod access_log;
mod answer;
mod answers;
pub mod api_docs;
pub mod body;
mod budget;
mod build_info;
mod certificate;
mod clients;
mod clock;
mod compose;
mod connection;
mod counts;
mod der;
mod descriptors;
mod exchange;
mod exhaustion;
mod follow;
mod gate;
pub mod guard;
mod head_timer;
pub mod health;
mod host;
mod http2;
mod jks;
mod limits;
mod listen;
mod log_file;
pub mod media;
pub mod metrics;
mod origin;
mod origins;
mod own;
pub mod path;
mod pieces;
mod pkcs12;
mod principal;
pub mod query;
pub mod reload;
mod request;
pub mod request_id;
mod requests;
pub mod rights;
mod secret;
mod sending;
mod shared;
mod slow;
mod store;
mod subject;
mod tls;
mod validity;
mod watched;

pub use access::{
    AccessAnswer, AccessQuestion, Admitted, Audit, AuditTarget, Caller, Denied, Door, DoorOptions,
    MayEnter, ON_BEHALF, VoucherKey, VoucherKeys, admitted, node_identity,
};
pub use access_log::ACCESS_LOG;
pub use answer::{AnsweredCode, Json, Refused};
pub use body::{BodyError, IncomingBody};
pub use build_info::BuildInfo;
pub use certificate::{Certificate, Identity};
pub use clients::{ClientAuth, ClientAuthorities};
pub use compose::Services;
pub use connection::Arrival;
pub use descriptors::raise as raise_descriptors;
pub use follow::Followed;
pub use guard::Refusal;
pub use host::AllowedHost;
pub use ipnet::IpNet;
pub use limits::Limits;
pub use listen::{bind, serve};
pub use log_file::{GROUP_READS, LogFile, Rotation};
pub use origin::{Origin, client_address};
pub use origins::Origins;
pub use own::{client_config, peer_config};
pub use path::PathFault;
pub use pieces::Pieces;
pub use principal::Principal;
pub use request::{Api, Named, Query};
pub use requests::{Observed, Routes, observed};
pub use secret::Password;
pub use shared::{Shared, Site};
pub use slow::SLOW;
pub use store::{PemStore, StoreError, pem_store, read_file};
pub use tls::Tls;
pub use weir_access::{Action, Kind, Proof, Resource};
