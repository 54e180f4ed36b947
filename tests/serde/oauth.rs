//! The client and an authorization server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use weir_registry::Registry;
use weir_registry::log::MemoryLog;
use weir_serde::{ClientBuilder, ClientError, OAuth, RegistryClient};
use weir_tests::serve;

const DAY: u32 = 86_400;

/// A server that gives out `token-1`, `token-2` and so on, with such a life, to those who know the
/// secret; and how many it gave.
async fn authorization(expires_in: u32) -> (String, Arc<AtomicUsize>) {
    let given = Arc::new(AtomicUsize::new(0));
    let count = given.clone();
    let answer = move |headers: HeaderMap, form: String| async move {
        // weir:secret
        let known = headers.get("authorization").is_some_and(|a| a == "Basic d2VpcjpzZWNyZXQ=");
        if !known || form != "grant_type=client_credentials&scope=read+write" {
            return (StatusCode::UNAUTHORIZED, r#"{"error":"invalid_client"}"#).into_response();
        }
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        format!(
            r#"{{"access_token":"token-{number}","token_type":"Bearer","expires_in":{expires_in}}}"#
        )
        .into_response()
    };
    let address = serve(Router::new().route("/token", post(answer))).await;
    (format!("http://{address}/token"), given)
}

/// A registry that lets those tokens pass that this says.
async fn registry(passes: impl Fn(usize) -> bool + Clone + Send + Sync + 'static) -> String {
    weir_tests::crypto();
    let registry = Registry::open(MemoryLog::default()).unwrap();
    let router =
        weir_registry::router(registry).layer(from_fn(move |request: Request, next: Next| {
            let token = request
                .headers()
                .get("authorization")
                .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer token-")?.parse().ok());
            let passes = token.is_some_and(&passes);
            async move {
                match passes {
                    true => next.run(request).await,
                    false => refused(),
                }
            }
        }));
    format!("http://{}", serve(router).await)
}

fn refused() -> Response {
    (StatusCode::UNAUTHORIZED, r#"{"error_code":401,"message":"Unauthorized"}"#).into_response()
}

fn client(registry: &str, token_url: &str, secret: &str) -> ClientBuilder {
    RegistryClient::builder(registry)
        .retries(3, Duration::from_millis(1), Duration::from_millis(2))
        .oauth(OAuth {
            token_url: token_url.into(),
            client_id: "weir".into(),
            client_secret: secret.into(),
            scope: Some("read write".into()),
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_fetched_once_however_many_ask() {
    let (token_url, given) = authorization(DAY).await;
    let client = client(&registry(|_| true).await, &token_url, "secret").build().unwrap();
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.subjects("").await.unwrap() })
        })
        .collect();
    for asked in asking {
        assert!(asked.await.unwrap().is_empty());
    }
    assert_eq!(given.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_token_without_a_life_serves_once() {
    let (token_url, given) = authorization(0).await;
    let client = client(&registry(|_| true).await, &token_url, "secret").build().unwrap();
    for _ in 0..3 {
        client.subjects("").await.unwrap();
    }
    assert_eq!(given.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_replaced() {
    let (token_url, given) = authorization(DAY).await;
    let taken_back = Arc::new(AtomicUsize::new(0));
    let below = taken_back.clone();
    let registry = registry(move |token| token > below.load(Ordering::Relaxed)).await;
    let client = client(&registry, &token_url, "secret").build().unwrap();
    client.subjects("").await.unwrap();
    taken_back.store(1, Ordering::Relaxed);
    client.subjects("").await.unwrap();
    assert_eq!(given.load(Ordering::Relaxed), 2);
    // one that never was good is not: another would be no better
    taken_back.store(usize::MAX, Ordering::Relaxed);
    let error = client.subjects("").await.unwrap_err();
    assert!(matches!(error, ClientError::Registry { status: 401, .. }), "{error:?}");
    assert_eq!(given.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn what_the_server_says_is_said() {
    let (token_url, given) = authorization(DAY).await;
    let registry = registry(|_| true).await;
    let error =
        client(&registry, &token_url, "wrong").build().unwrap().subjects("").await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("401") && text.contains("invalid_client"), "{text}");
    assert_eq!(given.load(Ordering::Relaxed), 0);

    // the registry gives no tokens
    let error = client(&registry, &registry, "secret").build().unwrap().subjects("").await;
    assert!(matches!(error, Err(ClientError::Configuration(_))), "{error:?}");
    let error = client(&registry, "token", "secret").build().map(drop).unwrap_err();
    assert!(matches!(error, ClientError::Configuration(_)), "{error:?}");
}
