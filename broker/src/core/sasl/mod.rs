//! Logins: SaslHandshake and SaslAuthenticate, and what a connection may do before.

mod plain;
mod scram;
#[cfg(test)]
mod tests;
mod users;

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{
    ApiKey, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse,
};

pub use scram::Mechanism as ScramMechanism;
pub(crate) use users::Users;

use super::notices::Notice;
use super::refusal::text;
use super::{Call, ConnectionId, Core, Effect, Handled, Now, Ticket};
use crate::apis::Response;
use scram::Exchange;

/// How many answers to failed logins are held back at a time. Further ones close the connection at once.
const HELD_BACK_MAX: usize = 1_000;

/// The ways to log in, in the order in which they are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    Plain,
    Scram(ScramMechanism),
}

impl Mechanism {
    const EVERY: [Mechanism; 3] = [
        Mechanism::Plain,
        Mechanism::Scram(ScramMechanism::Sha256),
        Mechanism::Scram(ScramMechanism::Sha512),
    ];

    fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Scram(ScramMechanism::Sha256) => "SCRAM-SHA-256",
            Mechanism::Scram(ScramMechanism::Sha512) => "SCRAM-SHA-512",
        }
    }
}

/// The names of the ways to log in, as `sasl.enabled.mechanisms`.
pub(crate) const MECHANISMS: &str = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512";

/// A user whose password was set when the broker was started. It can log in by every mechanism.
#[derive(Clone)]
pub struct User {
    pub name: String,
    pub password: String,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The users that may log in, and how.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    pub users: Vec<User>,
    /// As `connection.failed.authentication.delay.ms`.
    pub failure_delay: Duration,
    /// As `connections.max.reauth.ms`; `None` lets a login hold for ever.
    pub session_max: Option<Duration>,
}

impl Default for LoginSettings {
    fn default() -> LoginSettings {
        let failure_delay = Duration::from_millis(100);
        LoginSettings { users: Vec::new(), failure_delay, session_max: None }
    }
}

/// How far the login of a connection is.
#[derive(Debug, Default)]
pub struct Login {
    step: Step,
    session: Option<Session>,
}

#[derive(Debug, Default)]
enum Step {
    #[default]
    Idle,
    /// The mechanism is agreed.
    Chosen(Mechanism),
    /// The client has to show that it knows the password.
    Challenged(Exchange),
    /// It failed, and the answer is held back. The connection ends with it.
    Failed,
}

/// A login that has succeeded.
#[derive(Clone, Debug)]
struct Session {
    principal: String,
    mechanism: Mechanism,
    expires: Option<Duration>,
}

/// The principal that a request is from, as far as its connection has logged in.
pub(super) enum Admission {
    /// The caller is who the shell says.
    AsSaid,
    As(String),
    /// The connection is closed without an answer, as Kafka does.
    Refused,
}

/// What comes of a message of the client.
enum Progress {
    Challenge(Exchange, String),
    Done { user: String, answer: String },
}

/// An answer to a failed login.
#[derive(Debug)]
struct HeldBack {
    due: Duration,
    ticket: Ticket,
    connection: ConnectionId,
    response: Response,
}

/// Answers to failed logins, so that passwords are not tried quickly.
#[derive(Debug, Default)]
pub struct Failures {
    held_back: Vec<HeldBack>,
}

impl Failures {
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.held_back.iter().map(|failure| failure.due).min()
    }

    pub(super) fn disconnected(&mut self, connection: ConnectionId) {
        self.held_back.retain(|failure| failure.connection != connection);
    }
}

impl Core {
    /// Says whether a request is handled, and whose it is.
    pub(super) fn admission(&self, call: &Call, key: ApiKey) -> Admission {
        let Some(login) = self.connections.login(call.caller.connection) else {
            return Admission::AsSaid;
        };
        let holds =
            |session: &&Session| session.expires.is_none_or(|expires| call.now.elapsed < expires);
        let session = login.session.as_ref().filter(holds);
        let is_waiting = matches!(login.step, Step::Chosen(_) | Step::Challenged(_));
        match key {
            _ if matches!(login.step, Step::Failed) => Admission::Refused,
            ApiKey::SaslAuthenticate if is_waiting => Admission::AsSaid,
            ApiKey::SaslAuthenticate if session.is_none() => Admission::Refused,
            _ if is_waiting => Admission::Refused,
            ApiKey::SaslHandshake | ApiKey::SaslAuthenticate => Admission::AsSaid,
            ApiKey::ApiVersions if login.session.is_none() => Admission::AsSaid,
            _ => match session {
                Some(session) => Admission::As(session.principal.clone()),
                None => Admission::Refused,
            },
        }
    }

    /// Returns true if the connection has to log in and has not.
    pub fn is_logging_in(&self, connection: ConnectionId) -> bool {
        let login = self.connections.login(connection);
        login.is_some_and(|login| {
            login.session.is_none() || matches!(login.step, Step::Chosen(_) | Step::Challenged(_))
        })
    }

    pub(crate) fn sasl_handshake(
        &mut self,
        call: &Call,
        request: SaslHandshakeRequest,
    ) -> Handled<SaslHandshakeResponse> {
        let illegal = ResponseError::IllegalSaslState.code();
        let response = SaslHandshakeResponse::default();
        let logs_in_again = self.settings.login.session_max.is_some();
        let Some(login) = self.connections.login_mut(call.caller.connection) else {
            if self.may_say(Notice::NeedlessLogin, call) {
                let host = call.caller.host;
                tracing::info!(%host, "a client logs in on the broker's PLAINTEXT listener, which has no logins");
            }
            return Handled::Now(response.with_error_code(illegal));
        };
        if login.session.is_some() && !logs_in_again {
            return Handled::Now(response.with_error_code(illegal));
        }
        let mechanisms = Mechanism::EVERY.iter().map(|mechanism| text(mechanism.name())).collect();
        let response = response.with_mechanisms(mechanisms);
        let wanted =
            Mechanism::EVERY.iter().find(|found| found.name() == request.mechanism.as_str());
        match wanted {
            Some(mechanism) => {
                login.step = Step::Chosen(*mechanism);
                Handled::Now(response)
            }
            None => {
                login.step = Step::Failed;
                let error = ResponseError::UnsupportedSaslMechanism.code();
                self.answer(call.ticket, response.with_error_code(error));
                self.effects.push(Effect::Close(call.caller.connection));
                Handled::Later
            }
        }
    }

    pub(crate) fn sasl_authenticate(
        &mut self,
        call: &Call,
        request: SaslAuthenticateRequest,
    ) -> Handled<SaslAuthenticateResponse> {
        let connection = call.caller.connection;
        let step = match self.connections.login_mut(connection) {
            Some(login) => std::mem::take(&mut login.step),
            None => Step::Idle,
        };
        let progress = match step {
            Step::Chosen(mechanism) => (mechanism, self.begin(mechanism, &request.auth_bytes)),
            Step::Challenged(exchange) => {
                let mechanism = Mechanism::Scram(exchange.mechanism());
                (mechanism, exchange.finish(&request.auth_bytes))
            }
            Step::Idle | Step::Failed => {
                let message = "SaslAuthenticate request received after successful authentication";
                return Handled::Now(
                    SaslAuthenticateResponse::default()
                        .with_error_code(ResponseError::IllegalSaslState.code())
                        .with_error_message(Some(text(message))),
                );
            }
        };
        match progress {
            (_, Ok(Progress::Challenge(exchange, challenge))) => {
                self.set_step(connection, Step::Challenged(exchange));
                Handled::Now(answer(challenge))
            }
            (mechanism, Ok(Progress::Done { user, answer: last })) => {
                match self.logged_in(call, mechanism, user) {
                    Ok(lifetime_ms) => {
                        let response = answer(last);
                        Handled::Now(match call.version {
                            0 => response,
                            _ => response.with_session_lifetime_ms(lifetime_ms),
                        })
                    }
                    Err(why) => self.login_failed(call, why),
                }
            }
            (_, Err(why)) => self.login_failed(call, why),
        }
    }

    fn begin(&self, mechanism: Mechanism, message: &[u8]) -> Result<Progress, String> {
        match mechanism {
            Mechanism::Plain => {
                plain::check(message, |user, password| self.users.is_password(user, password))
                    .map(|user| Progress::Done { user, answer: String::new() })
            }
            Mechanism::Scram(mechanism) => {
                Exchange::begin(mechanism, message, |user| self.users.credential(user, mechanism))
            }
        }
    }

    fn set_step(&mut self, connection: ConnectionId, step: Step) {
        if let Some(login) = self.connections.login_mut(connection) {
            login.step = step;
        }
    }

    /// Returns for how many milliseconds the login holds; 0 says that it holds for ever.
    fn logged_in(
        &mut self,
        call: &Call,
        mechanism: Mechanism,
        user: String,
    ) -> Result<i64, String> {
        let session_max = self.settings.login.session_max;
        let expires = session_max.map(|session| call.now.elapsed.saturating_add(session));
        let principal = format!("User:{user}");
        let Some(login) = self.connections.login_mut(call.caller.connection) else {
            return Err("The connection needs no login".to_owned());
        };
        if let Some(before) = &login.session
            && (before.principal != principal || before.mechanism != mechanism)
        {
            return Err(format!(
                "Cannot change principals during re-authentication from {}: {principal}",
                before.principal
            ));
        }
        login.session = Some(Session { principal, mechanism, expires });
        let lifetime = session_max.unwrap_or_default().as_millis();
        Ok(i64::try_from(lifetime).unwrap_or(i64::MAX))
    }

    fn login_failed(&mut self, call: &Call, why: String) -> Handled<SaslAuthenticateResponse> {
        let connection = call.caller.connection;
        self.set_step(connection, Step::Failed);
        if self.may_say(Notice::LoginFailed, call) {
            tracing::info!(host = %call.caller.host, why, "a login to the broker failed");
        }
        if self.failures.held_back.len() >= HELD_BACK_MAX {
            self.effects.push(Effect::Close(connection));
            return Handled::Silently;
        }
        let response = SaslAuthenticateResponse::default()
            .with_error_code(ResponseError::SaslAuthenticationFailed.code())
            .with_error_message(Some(text(&why)));
        self.failures.held_back.push(HeldBack {
            due: call.now.elapsed.saturating_add(self.settings.login.failure_delay),
            ticket: call.ticket,
            connection,
            response: response.into(),
        });
        Handled::Later
    }

    /// Answers failed logins that have waited long enough.
    pub(super) fn answer_failures(&mut self, now: Now) {
        let (due, later) = std::mem::take(&mut self.failures.held_back)
            .into_iter()
            .partition(|failure: &HeldBack| failure.due <= now.elapsed);
        self.failures.held_back = later;
        for failure in due {
            let HeldBack { ticket, connection, response, .. } = failure;
            self.effects.push(Effect::Answer { ticket, response });
            self.effects.push(Effect::Close(connection));
        }
    }
}

fn answer(message: String) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse::default()
        .with_error_message(Some(text("")))
        .with_auth_bytes(Bytes::from(message))
}
