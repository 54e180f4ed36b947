//! Why `weir` ends with an error.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::task::JoinError;
use weir_login::CommandError;
use weir_migrate::{MigrateError, PlaceError};
use weir_registry::OpenError;
use weir_registry::log::LogError;
use weir_serde::ClientError;

use crate::config::problem::Problems;

/// Why a command failed. The text of an error is for people; its `source` is what caused it.
#[derive(Debug)]
pub enum Error {
    /// Settings are wrong.
    Settings(Problems),
    /// `weir config check` found so many mistakes, and has said them.
    Checked(usize),
    /// A file that a setting names cannot be read.
    ReadFile { path: PathBuf, source: io::Error },
    /// A file cannot be written.
    WriteFile { path: PathBuf, source: io::Error },
    /// The file of the access log cannot be opened.
    OpenLog { path: PathBuf, source: io::Error },
    /// The name of a listener is not known.
    Resolve { listener: String, source: io::Error },
    /// An address cannot be listened on.
    Listen { address: SocketAddr, source: io::Error },
    /// Two services are to be on one listener, and cannot be: they have the same path, or other certificates.
    SharedListener(String),
    /// A listener would be reachable from elsewhere, and nobody has said that this is meant.
    Exposed(SocketAddr),
    /// What access control is told cannot be used: a file of rules, users or keys, a provider's settings, an audit log.
    Access(String),
    /// A certificate or its key cannot be used.
    Certificate(String),
    /// What asks this process's own registry cannot be made.
    HttpClient(reqwest::Error),
    /// What asks the registry cannot be made.
    RegistryClient(ClientError),
    /// A log on disk cannot be opened.
    Log(LogError),
    /// The registry cannot read its log.
    Registry(OpenError),
    /// Kafka's clients do not take their settings; the text has no value that may be secret.
    Kafka(String),
    /// The broker of `weir dev` does not start.
    Broker(weir_broker::StartError),
    /// The broker of `weir dev` has ended by itself.
    BrokerStopped,
    /// A file with faults of the broker cannot be used; the text says where it is wrong.
    Faults { path: PathBuf, why: String },
    /// `weir probe` cannot tell whom to ask.
    Probe(String),
    /// The system gives no runtime.
    Runtime(io::Error),
    /// Signals of the system cannot be heard.
    Signals(io::Error),
    /// A task that should not end has panicked.
    Panicked(JoinError),
    /// The process was told a second time to stop.
    CutOff,
    /// A place that `weir migrate` copies from or to cannot be read.
    Place(PlaceError),
    /// A flag that takes a setting of librdkafka's was given something else. Not its value, which may be secret.
    NotASetting { flag: &'static str, given: String },
    /// `weir user` or `weir key` has not changed its file.
    Login(CommandError),
    /// A password cannot be read.
    Password(io::Error),
    /// `weir migrate` failed.
    Migrate(MigrateError),
    /// The result cannot be written to the standard output.
    Output(io::Error),
}

impl Error {
    /// What has happened, why, and what to do about it, as it is said before the process ends.
    pub fn for_terminal(&self) -> String {
        let said = weir_trace::without_numbers(&self.to_string());
        match self.remedy() {
            Some(remedy) => format!("{said}; {remedy}"),
            None => said,
        }
    }

    /// What to do, where the error itself does not say it.
    fn remedy(&self) -> Option<&'static str> {
        match self {
            Error::ReadFile { source, .. } => Some(match source.kind() {
                ErrorKind::PermissionDenied => "let the user that weir runs as read it",
                _ => "see that the path is right",
            }),
            Error::OpenLog { source, .. } => Some(match source.kind() {
                ErrorKind::PermissionDenied => "let the user that weir runs as write there",
                ErrorKind::NotFound => {
                    "make the folder first, or say another path with --access-log-file"
                }
                _ => "say another path with --access-log-file",
            }),
            Error::Resolve { .. } => Some("see that the name is right, or say an address"),
            Error::Listen { source, .. } => match source.kind() {
                ErrorKind::AddrInUse => Some(
                    "stop the program that listens there, or say another port with --registry-listener, \
                     --proxy-listener or --management-listener",
                ),
                ErrorKind::AddrNotAvailable => {
                    Some("say an address that this machine has, or 0.0.0.0 for all of them")
                }
                ErrorKind::PermissionDenied => {
                    Some("say a port above 1023, or let weir have low ports (CAP_NET_BIND_SERVICE)")
                }
                _ => None,
            },
            Error::Registry(_) => Some(
                "see that --bootstrap-servers names brokers that run, or docs/storage.md for a log on disk",
            ),
            Error::Broker(weir_broker::StartError::Listen { .. }) => Some(
                "stop the program that listens there, or say another port with --broker-listener",
            ),
            Error::Certificate(_) => Some("see --tls-cert and --tls-key"),
            Error::Kafka(_) => Some("see --kafka, and docs/settings.md"),
            Error::RegistryClient(_) => Some("see --schema-registry-url and --schema-registry-ca"),
            Error::Runtime(_) | Error::Signals(_) => {
                Some("see how many threads and descriptors the process may have (ulimit -a)")
            }
            Error::Panicked(_) | Error::BrokerStopped => {
                Some("this is a mistake in Weir: please report it")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Settings(problems) if problems.0.len() == 1 => write!(f, "{problems}"),
            Error::Settings(problems) => {
                write!(f, "{} settings are wrong:\n{problems}", problems.0.len())
            }
            Error::Checked(1) => f.write_str("one setting is wrong"),
            Error::Checked(count) => write!(f, "{count} settings are wrong"),
            Error::ReadFile { path, source } => {
                write!(f, "cannot read {}: {source}", path.display())
            }
            Error::WriteFile { path, source } => {
                write!(f, "cannot write {}: {source}", path.display())
            }
            Error::OpenLog { path, source } => {
                write!(f, "cannot write the access log to {}: {source}", path.display())
            }
            Error::Resolve { listener, source } => {
                write!(f, "{listener} names a host that is not known: {source}")
            }
            Error::Listen { address, source } => write!(f, "cannot listen on {address}: {source}"),
            Error::SharedListener(url) => write!(
                f,
                "{url} is a listener of another service already: listeners of one address need paths of their own, \
                 such as http://HOST:PORT/registry, and the same certificate"
            ),
            Error::Exposed(address) => write!(
                f,
                "{address} is reachable from elsewhere, and not with both HTTPS and a login: say --tls-cert and \
                 --tls-key, and --access-users, --access-keys, --oidc-issuer or --tls-client-auth (docs/login); or \
                 --insecure if that is meant; or listen on 127.0.0.1"
            ),
            Error::Access(why) | Error::Certificate(why) | Error::Probe(why) => f.write_str(why),
            Error::Place(error) => write!(f, "{error}"),
            Error::NotASetting { flag, given } => write!(f, "{flag} {given}: expected NAME=VALUE"),
            Error::Login(error) => write!(f, "{error}"),
            Error::Password(error) => write!(f, "cannot read the password: {error}"),
            Error::Migrate(error) => write!(f, "{error}"),
            Error::HttpClient(error) => write!(f, "{error}"),
            Error::RegistryClient(error) => write!(f, "{error}"),
            Error::Log(error) => write!(f, "{error}"),
            Error::Registry(error) => write!(f, "{error}"),
            Error::Kafka(why) => write!(f, "Kafka's settings: {why}"),
            Error::Broker(error) => write!(f, "{error}"),
            Error::BrokerStopped => f.write_str(
                "the broker has failed and does not know its state: its topics are on the disk",
            ),
            Error::Faults { path, why } => write!(f, "{}: {why}", path.display()),
            Error::Runtime(error) => write!(f, "cannot start: {error}"),
            Error::Signals(error) => write!(f, "cannot hear signals: {error}"),
            Error::Panicked(error) => write!(f, "{error}"),
            Error::CutOff => f.write_str("told to stop again: what was under way is cut off"),
            Error::Output(error) => write!(f, "cannot write the result: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Settings(problems) => Some(problems),
            Error::ReadFile { source, .. }
            | Error::WriteFile { source, .. }
            | Error::OpenLog { source, .. }
            | Error::Resolve { source, .. }
            | Error::Listen { source, .. } => Some(source),
            Error::Runtime(error) | Error::Signals(error) | Error::Output(error) => Some(error),
            Error::HttpClient(error) => Some(error),
            Error::RegistryClient(error) => Some(error),
            Error::Log(error) => Some(error),
            Error::Registry(error) => Some(error),
            Error::Broker(error) => Some(error),
            Error::Panicked(error) => Some(error),
            Error::Checked(_)
            | Error::SharedListener(_)
            | Error::Exposed(_)
            | Error::Access(_)
            | Error::Certificate(_)
            | Error::Kafka(_)
            | Error::BrokerStopped
            | Error::Faults { .. }
            | Error::Probe(_)
            | Error::NotASetting { .. }
            | Error::CutOff => None,
            Error::Login(error) => Some(error),
            Error::Password(error) => Some(error),
            Error::Place(error) => Some(error),
            Error::Migrate(error) => Some(error),
        }
    }
}

impl From<CommandError> for Error {
    fn from(error: CommandError) -> Error {
        Error::Login(error)
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Error {
        Error::Settings(problems)
    }
}
