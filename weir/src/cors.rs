//! Pages of other origins that may ask: what browsers are told of them, by headers (CORS). It stands before everything
//! else, so that a page can read the answer that refuses it, and a browser gets to ask without a login.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::{Either, Map};
use tower::Service;
use weir_http::Origins;

use crate::config::problem::Problem;
use crate::config::value::Sourced;

/// How long a browser remembers what it was told, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("1800");

/// What one server is told of pages elsewhere.
pub struct CorsSettings<'a> {
    pub methods: &'a Sourced<Vec<String>>,
    pub headers: &'a Sourced<Vec<String>>,
    pub exposed: &'a Sourced<Vec<String>>,
    pub skip_preflights: bool,
    pub reject_options: bool,
}

/// What pages elsewhere may do.
#[derive(Debug, Default)]
pub struct Cors {
    origins: Origins,
    methods: Vec<Method>,
    headers: Vec<HeaderName>,
    /// The same for a header's value, and what pages may read.
    methods_text: Option<HeaderValue>,
    headers_text: Option<HeaderValue>,
    exposed_text: Option<HeaderValue>,
    /// Whether a preflight is answered here, before anybody asks for a login.
    skip_preflights: bool,
    reject_options: bool,
}

impl Cors {
    /// What pages of these origins may do.
    pub fn new(
        origins: &[String],
        settings: &CorsSettings<'_>,
        section: &str,
        problems: &mut Vec<Problem>,
    ) -> Cors {
        let mut wrong = |setting: &Sourced<Vec<String>>, text: &str| {
            let text = format!("{section}: {text:?} is not a name that a header can have");
            problems.push(Problem::at(&setting.source, text));
        };
        let mut methods = Vec::new();
        for text in named(settings.methods) {
            match text.parse() {
                Ok(method) => methods.push(method),
                Err(_) => wrong(settings.methods, text),
            }
        }
        let mut headers_of = |setting: &Sourced<Vec<String>>| {
            let mut found: Vec<HeaderName> = Vec::new();
            for text in named(setting) {
                match text.parse() {
                    Ok(header) => found.push(header),
                    Err(_) => wrong(setting, text),
                }
            }
            found
        };
        let (headers, exposed) = (headers_of(settings.headers), headers_of(settings.exposed));
        Cors {
            origins: Origins::new(origins),
            methods_text: listed(methods.iter().map(Method::as_str)),
            headers_text: listed(headers.iter().map(HeaderName::as_str)),
            exposed_text: listed(exposed.iter().map(HeaderName::as_str)),
            methods,
            headers,
            skip_preflights: settings.skip_preflights,
            reject_options: settings.reject_options,
        }
    }

    /// Returns true if no request is treated in another way than without it.
    pub fn is_off(&self) -> bool {
        self.origins.are_none() && !self.reject_options
    }

    /// The answer to a request that need not be looked at any further.
    fn at_once(&self, request: &Request) -> Option<Response> {
        if *request.method() != Method::OPTIONS {
            return None;
        }
        if self.reject_options {
            return Some(empty(StatusCode::FORBIDDEN));
        }
        let headers = request.headers();
        let method = headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
        let origin = headers.get(ORIGIN).filter(|origin| self.origins.allow(origin))?;
        if !self.skip_preflights {
            return None;
        }
        let mut response = empty(StatusCode::OK);
        let answer = response.headers_mut();
        if !self.allows(method, headers) {
            answer.append(VARY, HeaderValue::from_static("Origin"));
            return Some(response);
        }
        self.name_origin(origin, answer);
        answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        for (name, text) in [
            (ACCESS_CONTROL_ALLOW_METHODS, &self.methods_text),
            (ACCESS_CONTROL_ALLOW_HEADERS, &self.headers_text),
        ] {
            if let Some(text) = text {
                answer.insert(name, text.clone());
            }
        }
        Some(response)
    }

    /// Returns true if pages may send requests of this method, and with the headers that they ask for.
    fn allows(&self, method: &HeaderValue, headers: &HeaderMap) -> bool {
        let asked = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
        let asked = asked.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        let mut asked = asked.map(<[u8]>::trim_ascii).filter(|name| !name.is_empty());
        self.methods.iter().any(|known| method == known.as_str())
            && asked.all(|name| {
                self.headers
                    .iter()
                    .any(|known| known.as_str().as_bytes().eq_ignore_ascii_case(name))
            })
    }

    /// Says that a page of an origin may read the answer. Where any origin may, the answer is for a page that has no login of
    /// its user's.
    fn name_origin(&self, origin: &HeaderValue, headers: &mut HeaderMap) {
        if self.origins.are_all() {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            return;
        }
        headers.append(VARY, HeaderValue::from_static("Origin"));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }

    fn add_to(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        match origin.filter(|origin| self.origins.allow(origin)) {
            Some(origin) => {
                self.name_origin(origin, headers);
                if let Some(text) = &self.exposed_text {
                    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, text.clone());
                }
            }
            // another page may get another answer: caches have to know
            None if !self.origins.are_all() && !self.origins.are_none() => {
                headers.append(VARY, HeaderValue::from_static("Origin"));
            }
            None => {}
        }
    }
}

/// Names by commas, of which none is empty.
fn named(setting: &Sourced<Vec<String>>) -> impl Iterator<Item = &str> {
    setting.iter().map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> Option<HeaderValue> {
    let names: Vec<_> = names.collect();
    HeaderValue::from_str(&names.join(",")).ok().filter(|text| !text.is_empty())
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A service of which pages elsewhere may ask.
#[derive(Clone)]
pub struct Sharing<S> {
    pub service: S,
    pub cors: Arc<Cors>,
}

type Answered = Result<Response, Infallible>;
type Adding = Box<dyn FnOnce(Answered) -> Answered + Send>;

impl<S> Service<Request> for Sharing<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Answered>, Map<S::Future, Adding>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if let Some(response) = self.cors.at_once(&request) {
            return Either::Left(ready(Ok(response)));
        }
        let (cors, origin) = (self.cors.clone(), request.headers().get(ORIGIN).cloned());
        let add: Adding = Box::new(move |answered| {
            answered.map(|mut response| {
                cors.add_to(origin.as_ref(), response.headers_mut());
                response
            })
        });
        Either::Right(self.service.call(request).map(add))
    }
}
