//! The client and registries that fail, hang, are gone, or want to know who asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use weir_registry::Registry;
use weir_registry::log::MemoryLog;
use weir_serde::api::{SchemaId, Subject, VersionSpec};
use weir_serde::{ClientBuilder, ClientError, RegistryClient};
use weir_tests::serve;

/// A registry that is asked `n` for the n-th time: it answers itself, or as it is told to. Its URL, and
/// how often it was asked.
async fn registry(
    answer: impl Fn(usize, &HeaderMap) -> Option<Response> + Clone + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    weir_tests::crypto();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let registry = Registry::open(MemoryLog::default()).unwrap();
    let router =
        weir_registry::router(registry).layer(from_fn(move |request: Request, next: Next| {
            let answer = answer(count.fetch_add(1, Ordering::Relaxed), request.headers());
            async move {
                match answer {
                    Some(answer) => answer,
                    None => next.run(request).await,
                }
            }
        }));
    (format!("http://{}", serve(router).await), asked)
}

fn fails(status: StatusCode) -> Option<Response> {
    let body = format!(r#"{{"error_code":{},"message":"not now"}}"#, status.as_u16());
    Some((status, body).into_response())
}

fn quick(client: ClientBuilder) -> RegistryClient {
    client.retries(3, Duration::from_millis(1), Duration::from_millis(2)).build().unwrap()
}

async fn gone() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    for status in [408, 429, 500, 502, 503, 504] {
        let status = StatusCode::from_u16(status).unwrap();
        let (url, asked) = registry(move |n, _| if n < 3 { fails(status) } else { None }).await;
        let client = quick(RegistryClient::builder(&url));
        assert!(client.subjects("").await.unwrap().is_empty(), "{status}");
        assert_eq!(asked.load(Ordering::Relaxed), 4, "{status}");
    }
}

#[tokio::test]
async fn the_last_error_is_the_registrys_own() {
    let (url, asked) = registry(|_, _| fails(StatusCode::SERVICE_UNAVAILABLE)).await;
    let error = quick(RegistryClient::builder(&url)).subjects("").await.unwrap_err();
    assert!(
        matches!(&error, ClientError::Registry { status: 503, code: 503, message } if message == "not now"),
        "{error:?}"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_refusal_is_final() {
    let (url, asked) = registry(|_, _| None).await;
    let client = quick(RegistryClient::builder(&url));
    let error = client.schema_by_id(SchemaId(7)).await.unwrap_err();
    assert!(matches!(error, ClientError::Registry { status: 404, code: 40403, .. }), "{error:?}");
    let subject = Subject::new("nobody").unwrap();
    let error = client.version(&subject, VersionSpec::Latest).await.unwrap_err();
    assert!(matches!(error, ClientError::Registry { code: 40401, .. }), "{error:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_registry_that_wants_to_be_left_alone_for_too_long_is() {
    let (url, asked) = registry(|_, _| {
        let mut answer = fails(StatusCode::TOO_MANY_REQUESTS)?;
        answer.headers_mut().insert("retry-after", "3600".parse().unwrap());
        Some(answer)
    })
    .await;
    let error = quick(RegistryClient::builder(&url)).subjects("").await.unwrap_err();
    assert!(matches!(error, ClientError::Registry { status: 429, .. }), "{error:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_client_goes_on_to_the_next_registry_and_stays_there() {
    let (broken, asked_broken) = registry(|_, _| fails(StatusCode::INTERNAL_SERVER_ERROR)).await;
    let (healthy, asked_healthy) = registry(|_, _| None).await;
    let client = RegistryClient::builder(&gone().await).or_url(&broken).or_url(&healthy);
    let client = quick(client);
    for _ in 0..5 {
        client.subjects("").await.unwrap();
    }
    assert_eq!(asked_broken.load(Ordering::Relaxed), 1);
    assert_eq!(asked_healthy.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn one_that_hangs_does_not_use_up_the_time() {
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap(); // nobody accepts
    let url = format!("http://{}", hangs.local_addr().unwrap());
    let alone = RegistryClient::builder(&url).timeout(Duration::from_millis(200)).build().unwrap();
    let error = alone.subjects("").await.unwrap_err();
    assert!(matches!(error, ClientError::Transport(_)), "{error:?}");

    let (healthy, _) = registry(|_, _| None).await;
    let both = RegistryClient::builder(&url).or_url(&healthy).timeout(Duration::from_secs(2));
    assert!(both.build().unwrap().subjects("").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_registry_that_is_gone_is_an_error_of_transport() {
    let error = quick(RegistryClient::builder(&gone().await)).subjects("").await.unwrap_err();
    assert!(matches!(&error, ClientError::Transport(why) if why.contains("refused")), "{error:?}");
}

#[tokio::test]
async fn the_client_says_who_it_is() {
    let wants = |wanted: &'static str| {
        move |_, headers: &HeaderMap| {
            let given: Vec<_> = headers.get_all("authorization").iter().collect();
            if given == [wanted] { None } else { fails(StatusCode::UNAUTHORIZED) }
        }
    };
    // ada:secret
    let (url, _) = registry(wants("Basic YWRhOnNlY3JldA==")).await;
    let client = RegistryClient::builder(&url).basic_auth("ada", "secret").build().unwrap();
    client.subjects("").await.unwrap();
    let in_url = url.replace("http://", "http://ada:secret@");
    RegistryClient::new(&in_url).unwrap().subjects("").await.unwrap();
    let error = RegistryClient::new(&url).unwrap().subjects("").await.unwrap_err();
    assert!(matches!(error, ClientError::Registry { status: 401, .. }), "{error:?}");

    let (url, _) = registry(wants("Bearer token")).await;
    let client = RegistryClient::builder(&url).bearer_token("token").build().unwrap();
    client.subjects("").await.unwrap();
}

#[test]
fn what_cannot_work_is_said_when_the_client_is_made() {
    weir_tests::crypto();
    for builder in [
        RegistryClient::builder("registry"),
        RegistryClient::builder("mailto:registry@example.com"),
        RegistryClient::builder("http://localhost").or_url("http://"),
        RegistryClient::builder("https://localhost").ca_pem("no certificate"),
        RegistryClient::builder("https://localhost").identity_pem("no certificate"),
    ] {
        let error = builder.build().map(drop).unwrap_err();
        assert!(matches!(error, ClientError::Configuration(_)), "{error:?}");
    }
}

/// Who has the same question waits for the same answer, and not for a time-out after the other.
#[tokio::test]
async fn all_who_wait_for_a_registry_that_hangs_are_told_at_once() {
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap(); // nobody accepts
    let url = format!("http://{}", hangs.local_addr().unwrap());
    let client = RegistryClient::builder(&url).timeout(Duration::from_millis(300));
    let client = client.retries(0, Duration::ZERO, Duration::ZERO).build().unwrap();
    let asking = (0..8).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.avro_codec(SchemaId(1)).await.map(drop).unwrap_err() })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert!(matches!(asked.await.unwrap(), ClientError::Transport(_)));
    }
    assert_eq!(client.stats().requests, 1);
}

#[tokio::test]
async fn times_without_end_are_no_panic() {
    let (url, _) = registry(|n, _| match n {
        0 => {
            let mut answer = fails(StatusCode::SERVICE_UNAVAILABLE)?;
            let forever = "18446744073709551615".parse().ok()?;
            answer.headers_mut().insert("retry-after", forever);
            Some(answer)
        }
        _ => None,
    })
    .await;
    let client = RegistryClient::builder(&url)
        .timeout(Duration::MAX)
        .missing_ttl(Duration::MAX)
        .build()
        .unwrap();
    assert!(client.subjects("").await.is_err(), "it wants to be left alone for ever");
    for _ in 0..2 {
        let error = client.avro_codec(SchemaId(1)).await.unwrap_err();
        assert!(matches!(error, ClientError::Registry { code: 40403, .. }));
    }
}
