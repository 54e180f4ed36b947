//! Headers that a server adds to all its answers: those of `response.http.headers.config`, and of two
//! switches. Source: Confluent's rest-utils, over Jetty's HeaderFilter.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::Map;
use tower::Service;

use crate::confluent::{Env, flag, var};

const STRICT_TRANSPORT: &str = "max-age=63072000; includeSubDomains";

/// What an answer gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddedHeaders(Vec<Added>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Added {
    /// In place of what the answer has, or beside it.
    replaces: bool,
    name: HeaderName,
    value: HeaderValue,
}

impl AddedHeaders {
    /// Of a server's variables. `https`: whether it is for listeners that speak TLS.
    pub fn read(env: &Env, prefix: &str, https: bool) -> Result<AddedHeaders, String> {
        let setting = format!("{prefix}RESPONSE_HTTP_HEADERS_CONFIG");
        let mut added = match var(env, &setting) {
            Some(value) => parse(value)
                .map_err(|why| format!("{setting}: {why}: expected \"set NAME: VALUE, ..\""))?,
            None => Vec::new(),
        };
        let mut switched = |switch: &str, name: &'static str, value: &'static str| {
            let on = flag(env, &format!("{prefix}{switch}"))?.unwrap_or(false);
            if on {
                let name = HeaderName::from_static(name);
                let value = HeaderValue::from_static(value);
                added.push(Added { replaces: true, name, value });
            }
            Ok::<_, String>(())
        };
        switched("NOSNIFF_PREVENTION_ENABLE", "x-content-type-options", "nosniff")?;
        if https {
            switched("HSTS_HEADER_ENABLE", "strict-transport-security", STRICT_TRANSPORT)?;
        }
        Ok(AddedHeaders(added))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add_to(&self, headers: &mut HeaderMap) {
        for Added { replaces, name, value } in &self.0 {
            match replaces {
                true => drop(headers.insert(name.clone(), value.clone())),
                false => drop(headers.append(name.clone(), value.clone())),
            }
        }
    }
}

/// `set NAME: VALUE, add NAME: VALUE`; an item with a comma in it is in double quotes.
fn parse(text: &str) -> Result<Vec<Added>, String> {
    items(text)?.iter().map(|item| one(item)).collect()
}

fn items(text: &str) -> Result<Vec<String>, String> {
    let mut items = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => items.push(String::new()),
            c => items.last_mut().expect("there is one from the start").push(c),
        }
    }
    match quoted {
        true => Err("a quote has no end".to_string()),
        false => Ok(items.into_iter().filter(|item| !item.trim().is_empty()).collect()),
    }
}

fn one(item: &str) -> Result<Added, String> {
    let item = item.trim();
    let (action, rest) = item.split_once(char::is_whitespace).ok_or("an item has no name")?;
    let replaces = match action.to_ascii_lowercase().as_str() {
        "set" => true,
        "add" => false,
        _ => return Err(format!("{action} is neither set nor add")),
    };
    let (name, value) = rest.split_once(':').ok_or("an item has no value")?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| "a name is not a header's")?;
    let value = HeaderValue::try_from(value.trim())
        .map_err(|_| format!("the value of {name} is not a header's"))?;
    Ok(Added { replaces, name, value })
}

/// A service whose answers get the headers.
#[derive(Clone)]
pub struct Adding<S> {
    pub service: S,
    pub headers: Arc<AddedHeaders>,
}

type Answered = Result<Response, Infallible>;

impl<S> Service<Request> for Adding<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Map<S::Future, Box<dyn FnOnce(Answered) -> Answered + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let headers = self.headers.clone();
        self.service.call(request).map(Box::new(move |answered| {
            answered.map(|mut response: Response| {
                headers.add_to(response.headers_mut());
                response
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str, https: bool) -> Result<HeaderMap, String> {
        let env = Env::from([
            ("KAFKA_REST_RESPONSE_HTTP_HEADERS_CONFIG".to_string(), value.to_string()),
            ("KAFKA_REST_HSTS_HEADER_ENABLE".to_string(), "true".to_string()),
        ]);
        let mut headers = HeaderMap::new();
        headers.insert("cache-control", HeaderValue::from_static("private"));
        AddedHeaders::read(&env, "KAFKA_REST_", https)?.add_to(&mut headers);
        Ok(headers)
    }

    #[test]
    fn headers_are_set_and_added_as_rest_utils_writes_them() {
        let config = r#"set X-XSS-Protection: 1; mode=block, "set Cache-Control: no-cache, no-store", add X-A: b"#;
        let headers = read(config, false).unwrap();
        assert_eq!(headers["x-xss-protection"], "1; mode=block");
        assert_eq!(headers["cache-control"], "no-cache, no-store");
        assert_eq!(headers["x-a"], "b");
        assert!(!headers.contains_key("strict-transport-security"));
        assert!(read("", true).unwrap().contains_key("strict-transport-security"));
        for wrong in ["setDate Expires: 0", "set", "set X", "set X Y: z", "\"set X: y", "drop X: y"]
        {
            let error = read(wrong, false).unwrap_err();
            assert!(error.starts_with("KAFKA_REST_RESPONSE_HTTP_HEADERS_CONFIG: "), "{error}");
        }
    }
}
