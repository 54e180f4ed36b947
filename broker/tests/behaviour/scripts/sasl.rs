//! Logins: SaslHandshake and SaslAuthenticate, on a listener that wants one.

use bytes::Bytes;
use kafka_protocol::messages::{
    ApiVersionsRequest, MetadataRequest, SaslAuthenticateRequest, SaslAuthenticateResponse,
    SaslHandshakeRequest,
};

use crate::script::Script;

pub async fn script(s: &mut Script) {
    for version in s.versions::<SaslAuthenticateRequest>() {
        plain(s, version).await;
    }
    s.client.reconnect().await;
    s.ask("before the login: metadata", 1, MetadataRequest::default().with_topics(None)).await;
    s.client.reconnect().await;
    s.ask_as("before the login: versions", 0, ApiVersionsRequest::default(), |answer| {
        answer.api_keys.clear();
    })
    .await;
    s.client.reconnect().await;
    s.ask("authenticate without a handshake", 2, authenticating(b"\0weir\0weir-secret")).await;
    for mechanism in ["GSSAPI", "plain", "", "SCRAM-SHA-1"] {
        for version in s.versions::<SaslHandshakeRequest>() {
            s.client.reconnect().await;
            let handshake = SaslHandshakeRequest::default().with_mechanism(mechanism.into());
            s.ask_as(&format!("handshake: {mechanism}"), version, handshake, |answer| {
                answer.mechanisms.sort();
            })
            .await;
        }
    }
    scram(s).await;
}

fn authenticating(bytes: &'static [u8]) -> SaslAuthenticateRequest {
    SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from_static(bytes))
}

async fn agreed(s: &mut Script, mechanism: &'static str) {
    s.client.reconnect().await;
    let handshake = SaslHandshakeRequest::default().with_mechanism(mechanism.into());
    let _ = s.client.ask(1, &handshake).await;
}

async fn plain(s: &mut Script, version: i16) {
    for (label, bytes) in [
        ("right", &b"\0weir\0weir-secret"[..]),
        ("as another", b"other\0weir\0weir-secret"),
        ("as itself", b"weir\0weir\0weir-secret"),
        ("wrong password", b"\0weir\0wrong"),
        ("unknown user", b"\0nobody\0weir-secret"),
        ("no password", b"\0weir\0"),
        ("no user", b"\0\0weir-secret"),
        ("nothing", b""),
        ("two parts", b"weir\0weir-secret"),
        ("four parts", b"\0weir\0weir\0secret"),
        ("no text", b"\0\xff\xfe\0a"),
    ] {
        agreed(s, "PLAIN").await;
        s.ask(&format!("plain: {label}"), version, authenticating(bytes)).await;
    }
    agreed(s, "PLAIN").await;
    s.quiet(authenticating(b"\0weir\0weir-secret")).await;
    let metadata = MetadataRequest::default().with_topics(Some(Vec::new()));
    s.ask(&format!("after the login: metadata (v{version})"), 4, metadata).await;
    s.ask("after the login: again", version, authenticating(b"\0weir\0weir-secret")).await;
    s.client.reconnect().await;
}

/// The server's nonce is its own; only that the client's comes first is shown.
fn without_nonce(answer: &mut SaslAuthenticateResponse) {
    if answer.auth_bytes.starts_with(b"r=abcdef") {
        answer.auth_bytes = Bytes::from_static(b"r=abcdef..");
    }
}

async fn scram(s: &mut Script) {
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        for (label, first) in [
            ("unknown user", &b"n,,n=nobody,r=abcdef"[..]),
            ("nonsense", b"nonsense"),
            ("nothing", b""),
            ("channel binding", b"p=tls-unique,,n=nobody,r=abcdef"),
            ("no nonce", b"n,,n=nobody"),
        ] {
            agreed(s, mechanism).await;
            let label = format!("{mechanism}: {label}");
            s.ask_as(&label, 2, authenticating(first), without_nonce).await;
        }
    }
}
