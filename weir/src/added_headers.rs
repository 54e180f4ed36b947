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

use crate::config::problem::Reason;

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
    /// The headers of one server, on its listeners of one scheme. `config` is as Confluent's
    /// `response.http.headers.config`; an error says what is wrong with it.
    pub fn new(config: Option<&str>, nosniff: bool, hsts: bool) -> Result<AddedHeaders, Reason> {
        let mut added = match config {
            Some(config) => parse(config)
                .map_err(|why| Reason(format!("{why}: expected \"set NAME: VALUE, ..\"")))?,
            None => Vec::new(),
        };
        let switches = [
            (nosniff, "x-content-type-options", "nosniff"),
            (hsts, "strict-transport-security", STRICT_TRANSPORT),
        ];
        added.extend(switches.into_iter().filter(|(on, ..)| *on).map(|(_, name, value)| Added {
            replaces: true,
            name: HeaderName::from_static(name),
            value: HeaderValue::from_static(value),
        }));
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
fn parse(text: &str) -> Result<Vec<Added>, Reason> {
    items(text)?.iter().map(|item| one(item)).collect()
}

fn items(text: &str) -> Result<Vec<String>, Reason> {
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
        true => Err("a quote has no end".into()),
        false => Ok(items.into_iter().filter(|item| !item.trim().is_empty()).collect()),
    }
}

fn one(item: &str) -> Result<Added, Reason> {
    let item = item.trim();
    let (action, rest) =
        item.split_once(char::is_whitespace).ok_or(Reason::from("an item has no name"))?;
    let replaces = match action.to_ascii_lowercase().as_str() {
        "set" => true,
        "add" => false,
        _ => return Err(format!("{action} is neither set nor add").into()),
    };
    let (name, value) = rest.split_once(':').ok_or(Reason::from("an item has no value"))?;
    let name =
        HeaderName::try_from(name.trim()).map_err(|_| Reason::from("a name is not a header's"))?;
    let value = HeaderValue::try_from(value.trim())
        .map_err(|_| Reason(format!("the value of {name} is not a header's")))?;
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

    fn read(value: &str, https: bool) -> Result<HeaderMap, Reason> {
        let mut headers = HeaderMap::new();
        headers.insert("cache-control", HeaderValue::from_static("private"));
        AddedHeaders::new(Some(value), false, https)?.add_to(&mut headers);
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
            let error = read(wrong, false).unwrap_err().to_string();
            assert!(error.contains("expected \"set NAME: VALUE"), "{error}");
        }
    }
}
