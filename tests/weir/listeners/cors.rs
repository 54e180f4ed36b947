//! What browsers are told of pages of other origins.

use reqwest::Method;
use weir_tests::{Answer, Api};

use super::registry;

const PAGE: &str = "https://ui.example";

async fn asked(api: &Api, method: Method, headers: &[(&str, &str)]) -> Answer {
    let mut request = api.request(method, "/subjects");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.send(request).await
}

/// Asks as a browser does before a page's request.
async fn preflight(api: &Api, origin: &str, method: &str, headers: &str) -> Answer {
    let asked_for = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", headers),
    ];
    asked(api, Method::OPTIONS, &asked_for).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().unwrap())
}

fn allowed(answer: &Answer) -> Option<&str> {
    header(answer, "access-control-allow-origin")
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_is_told_what_it_may() {
    let flags = ["--allowed-origin", PAGE, "--registry-cors-method", "GET,DELETE"];
    let exposed = ["--registry-cors-exposed-header", "X-Request-Id"];
    let (_weir, api) = registry(&[&flags[..], &exposed].concat());
    let answer = preflight(&api, PAGE, "DELETE", "Content-Type, accept").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
    for (name, value) in [
        ("access-control-allow-origin", PAGE),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "GET,DELETE"),
        ("access-control-allow-headers", "x-requested-with,content-type,accept,origin"),
        ("access-control-max-age", "1800"),
        ("vary", "Origin"),
    ] {
        assert_eq!(header(&answer, name), Some(value), "{name}");
    }
    for (method, headers) in [("PUT", "accept"), ("DELETE", "x-other"), ("delete", "")] {
        let answer = preflight(&api, PAGE, method, headers).await;
        assert_eq!((answer.status.as_u16(), allowed(&answer)), (200, None), "{method} {headers}");
    }
    // refusals too, or the page cannot read why
    let missing = api.request(Method::GET, "/subjects/none/versions").header("origin", PAGE);
    for answer in [asked(&api, Method::GET, &[("origin", PAGE)]).await, api.send(missing).await] {
        assert_eq!(allowed(&answer), Some(PAGE));
        assert_eq!(header(&answer, "access-control-allow-credentials"), Some("true"));
        assert_eq!(header(&answer, "access-control-expose-headers"), Some("x-request-id"));
    }
}

#[tokio::test]
async fn a_page_of_another_origin_is_told_nothing() {
    let (_weir, api) = registry(&["--allowed-origin", PAGE]);
    for origin in ["https://evil.example", "null", "https://ui.example.evil", "http://ui.example"] {
        let answer = preflight(&api, origin, "GET", "").await;
        assert_eq!((answer.status.as_u16(), allowed(&answer)), (200, None), "{origin}");
        let answer = asked(&api, Method::GET, &[("origin", origin)]).await;
        assert_eq!((answer.status.as_u16(), allowed(&answer)), (200, None), "{origin}");
        assert_eq!(header(&answer, "vary"), Some("Origin"));
    }
    // where no origin is allowed, nothing is said of any
    let (_weir, api) = registry(&[]);
    let answer = asked(&api, Method::GET, &[("origin", PAGE)]).await;
    assert_eq!((allowed(&answer), header(&answer, "vary")), (None, None));
}

/// A browser sends no login along where the answer says `*`.
#[tokio::test]
async fn where_any_origin_may_it_is_told_so_without_a_login() {
    let (_weir, api) = registry(&["--allowed-origin", "*"]);
    for answer in [
        preflight(&api, PAGE, "GET", "").await,
        asked(&api, Method::GET, &[("origin", "null")]).await,
    ] {
        assert_eq!((answer.status.as_u16(), allowed(&answer)), (200, Some("*")));
        assert_eq!(header(&answer, "access-control-allow-credentials"), None);
    }
}

#[tokio::test]
async fn options_and_trace_and_other_names_for_methods_do_nothing() {
    let (_weir, api) = registry(&["--allowed-origin", PAGE, "--registry-reject-options"]);
    assert_eq!(preflight(&api, PAGE, "GET", "").await.status, 403);
    assert_eq!(asked(&api, Method::OPTIONS, &[]).await.status, 403);
    let (_weir, api) = registry(&[]);
    assert_eq!(asked(&api, Method::TRACE, &[]).await.status, 405);
    for name in ["x-http-method-override", "x-http-method", "x-method-override", "_method"] {
        let answer = asked(&api, Method::POST, &[(name, "GET")]).await;
        assert_eq!(answer.status, 405, "{name}");
    }
}
