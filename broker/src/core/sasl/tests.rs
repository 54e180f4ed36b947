//! Logins, and what a connection may do before and after.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{
    ApiVersionsRequest, MetadataRequest, SaslAuthenticateRequest, SaslAuthenticateResponse,
    SaslHandshakeRequest,
};

use super::{LoginSettings, User};
use crate::apis::Request;
use crate::core::harness::{Harness, answer, is_closed, response_of};
use crate::core::refusal::text;
use crate::core::{Authorization, CoreSettings, Effect};

fn broker(session_max: Option<Duration>) -> Harness {
    let user = User { name: "alice".into(), password: "secret".into() };
    let login = LoginSettings { users: vec![user], session_max, ..LoginSettings::default() };
    // the only user that may do anything, so that what is answered shows who asks
    let authorization =
        Authorization { super_users: vec!["User:alice".into()], ..Authorization::default() };
    let settings =
        CoreSettings { login, authorization: Some(authorization), ..CoreSettings::default() };
    let mut broker = Harness::new(settings);
    broker.connect_to_login(1);
    broker
}

fn handshake(broker: &mut Harness, mechanism: &str) -> Vec<Effect> {
    let request = SaslHandshakeRequest::default().with_mechanism(text(mechanism));
    broker.effects(1, 1, Request::SaslHandshake(request))
}

fn authenticate(broker: &mut Harness, message: &'static str) -> Vec<Effect> {
    let request =
        SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from_static(message.as_bytes()));
    broker.effects(1, 2, Request::SaslAuthenticate(request))
}

fn log_in(broker: &mut Harness) -> SaslAuthenticateResponse {
    handshake(broker, "PLAIN");
    let effects = authenticate(broker, "\0alice\0secret");
    response_of!(SaslAuthenticate, answer(effects).unwrap())
}

fn metadata(broker: &mut Harness) -> Vec<Effect> {
    broker.effects(1, 12, Request::Metadata(MetadataRequest::default()))
}

#[test]
fn nothing_is_answered_before_a_login_but_versions() {
    let mut broker = broker(None);
    let versions = ApiVersionsRequest::default();
    assert!(answer(broker.effects(1, 0, Request::ApiVersions(versions))).is_some());
    let effects = metadata(&mut broker);
    assert!(is_closed(&effects) && answer(effects).is_none());
}

#[test]
fn a_login_gives_the_connection_its_principal() {
    let mut broker = broker(None);
    assert_eq!(log_in(&mut broker).error_code, 0);
    let seen = response_of!(Metadata, answer(metadata(&mut broker)).unwrap());
    assert_eq!(seen.brokers[0].port, 9093);
    let again = response_of!(SaslHandshake, answer(handshake(&mut broker, "PLAIN")).unwrap());
    assert_eq!(again.error_code, ResponseError::IllegalSaslState.code());
}

#[test]
fn a_wrong_password_is_answered_late_and_ends_the_connection() {
    for message in ["\0alice\0wrong", "\0bob\0secret", "\0alice", "bob\0alice\0secret", "", "\0\0"]
    {
        let mut broker = broker(None);
        handshake(&mut broker, "PLAIN");
        assert!(authenticate(&mut broker, message).is_empty(), "{message:?}");
        assert!(is_closed(&metadata(&mut broker)));
        assert!(broker.pass(Duration::from_millis(99)).is_empty());
        let effects = broker.pass(Duration::from_millis(1));
        assert!(is_closed(&effects));
        let response = response_of!(SaslAuthenticate, answer(effects).unwrap());
        assert_eq!(response.error_code, ResponseError::SaslAuthenticationFailed.code());
    }
}

#[test]
fn an_unknown_mechanism_is_told_which_there_are() {
    let mut broker = broker(None);
    let effects = handshake(&mut broker, "GSSAPI");
    assert!(is_closed(&effects));
    let response = response_of!(SaslHandshake, answer(effects).unwrap());
    assert_eq!(response.error_code, ResponseError::UnsupportedSaslMechanism.code());
    assert_eq!(response.mechanisms.len(), 3);
}

#[test]
fn a_session_that_is_over_has_to_log_in_again_as_the_same_user() {
    let mut broker = broker(Some(Duration::from_secs(60)));
    assert_eq!(log_in(&mut broker).session_lifetime_ms, 60_000);
    broker.pass(Duration::from_secs(59));
    assert!(answer(metadata(&mut broker)).is_some());
    assert_eq!(log_in(&mut broker).error_code, 0);
    broker.pass(Duration::from_secs(59));
    assert!(answer(metadata(&mut broker)).is_some());
    broker.pass(Duration::from_secs(1));
    assert!(is_closed(&metadata(&mut broker)));
}

#[test]
fn a_listener_without_logins_knows_no_sasl() {
    let mut broker = broker(None);
    let request = SaslHandshakeRequest::default().with_mechanism(text("PLAIN"));
    let effects = broker.effects(2, 1, Request::SaslHandshake(request));
    let response = response_of!(SaslHandshake, answer(effects).unwrap());
    assert_eq!(response.error_code, ResponseError::IllegalSaslState.code());
}
