//! Redirects: what is followed, how, and what goes along.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use weir_serde::api::{RegisterRequest, Subject};
use weir_serde::{ClientBuilder, ClientError, OAuth, RegistryClient};
use weir_tests::serve;

/// What a server was asked.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>);

impl Asked {
    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// `GET /subjects?..`, the headers and the body of the last request.
    fn last(&self) -> (String, HeaderMap, Bytes) {
        self.0.lock().unwrap().last().cloned().expect("it was asked")
    }
}

/// A server that answers all with this status, body and `Location`.
async fn server(status: u16, location: Option<String>, body: &'static str) -> (String, Asked) {
    weir_tests::crypto();
    let asked = Asked::default();
    let seen = asked.clone();
    let answer = move |request: Request| {
        let (seen, location) = (seen.clone(), location.clone());
        async move {
            let (parts, rest) = request.into_parts();
            let rest = axum::body::to_bytes(rest, 1 << 20).await.unwrap();
            let line = format!("{} {}", parts.method, parts.uri);
            seen.0.lock().unwrap().push((line, parts.headers, rest));
            let mut headers = HeaderMap::new();
            if let Some(location) = location {
                headers.insert(header::LOCATION, location.parse().unwrap());
            }
            (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
        }
    };
    (format!("http://{}", serve(Router::new().fallback(answer)).await), asked)
}

/// A client that has a password and an API key to lose.
fn client(url: &str) -> ClientBuilder {
    RegistryClient::builder(url)
        .basic_auth("ada", "secret")
        .header("X-Api-Key", "key")
        .header("Cookie", "session=1")
        .header("Proxy-Authorization", "Basic x")
}

const SECRETS: [&str; 4] = ["authorization", "x-api-key", "cookie", "proxy-authorization"];

fn secrets(headers: &HeaderMap) -> Vec<&'static str> {
    SECRETS.into_iter().filter(|name| headers.contains_key(*name)).collect()
}

#[tokio::test]
async fn nothing_that_is_secret_leaves_the_origin_that_it_was_given_for() {
    for status in [301, 302, 303, 307, 308] {
        let (other, asked) = server(200, None, "[]").await;
        let (url, first) = server(status, Some(format!("{other}/elsewhere")), "").await;
        client(&url).build().unwrap().subjects("").await.unwrap();
        assert_eq!(secrets(&first.last().1), SECRETS, "{status}: the first gets them");
        let (line, headers, _) = asked.last();
        assert_eq!(line, "GET /elsewhere", "{status}");
        assert!(secrets(&headers).is_empty(), "{status}: {headers:?}");
        // a name and a password in the URL are credentials as well
        let in_url = url.replace("http://", "http://ada:secret@");
        RegistryClient::new(&in_url).unwrap().subjects("").await.unwrap();
        assert_eq!(secrets(&first.last().1), ["authorization"]);
        assert!(secrets(&asked.last().1).is_empty(), "{status}");
        // nor does the server that redirects say who we are
        let location = other.replace("http://", "http://eve:guess@");
        let (url, _) = server(status, Some(location), "").await;
        RegistryClient::new(&url).unwrap().subjects("").await.unwrap();
        assert!(secrets(&asked.last().1).is_empty(), "{status}");
    }
}

#[tokio::test]
async fn another_name_of_the_same_machine_is_another_origin() {
    let (other, asked) = server(200, None, "[]").await;
    let port = other.rsplit(':').next().unwrap().to_string();
    let (url, _) = server(307, Some(format!("http://localhost:{port}/")), "").await;
    let client = client(&url).or_url(&other).build().unwrap();
    client.subjects("").await.unwrap();
    assert!(secrets(&asked.last().1).is_empty(), "localhost is not 127.0.0.1");
}

#[tokio::test]
async fn a_registry_of_the_client_gets_its_credentials_after_a_redirect_too() {
    let (other, asked) = server(200, None, "[]").await;
    let (url, _) = server(307, Some(format!("{other}/leader")), "").await;
    client(&url).or_url(&other).build().unwrap().subjects("").await.unwrap();
    assert_eq!(secrets(&asked.last().1), SECRETS);
}

#[tokio::test]
async fn who_is_not_known_after_a_redirect_is_told_why() {
    let refusal = r#"{"error_code":401,"message":"Unauthorized"}"#;
    let (other, _) = server(401, None, refusal).await;
    let (url, _) = server(307, Some(other.clone()), "").await;
    let error = client(&url).build().unwrap().subjects("").await.unwrap_err();
    assert!(matches!(error, ClientError::Registry { status: 401, .. }), "{error:?}");
    assert!(error.to_string().contains(&format!("a redirect led to {other}")), "{error}");
}

#[tokio::test]
async fn a_write_stays_a_write() {
    let subject = Subject::new("flights-value").unwrap();
    let request = RegisterRequest { schema: Some("\"string\"".into()), ..Default::default() };
    for status in [301, 302, 307, 308] {
        let (other, asked) = server(200, None, r#"{"id":7}"#).await;
        let (url, _) = server(status, Some(format!("{other}/x")), "").await;
        let client = client(&url).build().unwrap();
        let registered = client.register(&subject, &request, false).await.unwrap();
        assert_eq!(registered.id.0, 7);
        let (line, headers, body) = asked.last();
        assert_eq!(line, "POST /x", "{status}");
        assert!(secrets(&headers).is_empty());
        assert_eq!(headers["content-type"], "application/vnd.schemaregistry.v1+json");
        let sent: RegisterRequest = serde_json::from_slice(&body).unwrap();
        assert_eq!(sent.schema, request.schema, "{status}");
        client.delete_config(None).await.unwrap();
        assert_eq!(asked.last().0, "DELETE /x", "{status}");
    }
    // what a 303 names is to be read, and is not what was asked
    let (other, asked) = server(200, None, r#"{"id":7}"#).await;
    let (url, first) = server(303, Some(format!("{other}/x")), "").await;
    let error = client(&url).build().unwrap().register(&subject, &request, false).await;
    let error = error.unwrap_err();
    assert!(matches!(error, ClientError::Protocol(_)), "{error:?}");
    assert!(error.to_string().contains("303") && error.to_string().contains("POST"), "{error}");
    assert_eq!((first.count(), asked.count()), (1, 0));
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_an_error() {
    let (url, asked) = server(302, Some("/again".into()), "").await;
    let error = client(&url).build().unwrap().subjects("").await.unwrap_err();
    assert!(error.to_string().contains("redirects more than 10 times"), "{error}");
    assert_eq!(asked.count(), 11);
    for (location, wanted) in
        [(Some("ftp://x/"), "neither http:// nor https://"), (None, "HTTP 302 Found without")]
    {
        let (url, _) = server(302, location.map(String::from), "").await;
        let error = client(&url).build().unwrap().subjects("").await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn a_clients_secret_is_not_sent_to_where_a_token_endpoint_redirects() {
    let (other, asked) = server(200, None, r#"{"access_token":"t"}"#).await;
    let (url, _) = server(200, None, "[]").await;
    for status in [301, 302, 303, 307, 308] {
        let (token_url, _) = server(status, Some(format!("{other}/token")), "").await;
        let oauth = OAuth {
            token_url,
            client_id: "weir".into(),
            client_secret: "secret".into(),
            scope: None,
        };
        let client = RegistryClient::builder(&url).oauth(oauth).build().unwrap();
        let error = client.subjects("").await.unwrap_err();
        assert!(matches!(error, ClientError::Configuration(_)), "{error:?}");
        assert!(error.to_string().contains(&format!("{other}/token")), "{error}");
    }
    assert_eq!(asked.count(), 0);
}

#[tokio::test]
async fn a_token_is_for_the_registry_alone() {
    let (token_url, _) = server(200, None, r#"{"access_token":"t"}"#).await;
    let (other, asked) = server(200, None, "[]").await;
    let (url, first) = server(307, Some(other), "").await;
    let oauth = OAuth { token_url, client_id: "w".into(), client_secret: "s".into(), scope: None };
    let client = RegistryClient::builder(&url).oauth(oauth).build().unwrap();
    client.subjects("").await.unwrap();
    assert_eq!(first.last().1["authorization"], "Bearer t");
    assert!(secrets(&asked.last().1).is_empty());
}
