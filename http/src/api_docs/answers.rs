//! What is answered at the paths of the documents.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::{ApiDocs, DocumentedApi, Form};
use crate::connection::Arrival;
use crate::origin::Origin;
use crate::shared::Shared;

/// A page runs our scripts only, asks only the server that it came from, and is shown in no other page. Swagger UI sets styles
/// on its elements, and has its pictures in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What is served changes with a new version, and with the address by which it is asked for.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// A request for a document of an API, or for a page that shows one.
pub struct DocsRequest {
    arrival: Option<Arrival>,
    origin: Origin,
    takes_gzip: bool,
    known: Option<HeaderValue>,
}

impl<S: Send + Sync> FromRequestParts<S> for DocsRequest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<DocsRequest, Infallible> {
        Ok(DocsRequest {
            arrival: parts.extensions.get::<Arrival>().cloned(),
            origin: Origin::of(&parts.headers, &parts.extensions),
            takes_gzip: takes_gzip(&parts.headers),
            known: parts.headers.get(IF_NONE_MATCH).cloned(),
        })
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = accepted.flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let quality = parameters.trim().strip_prefix("q=").and_then(|q| q.parse().ok());
        name.trim().eq_ignore_ascii_case("gzip") && quality.unwrap_or(1.0_f32) > 0.0
    })
}

impl DocsRequest {
    fn docs(&self) -> Option<&ApiDocs> {
        let shared: &Arc<Shared> = &self.arrival.as_ref()?.0.site.shared;
        shared.api_docs.get()
    }

    /// The document of an API, whose server is at the address that the client has asked. None if none is served.
    pub fn document(&self, api: DocumentedApi, form: Form) -> Option<Response> {
        self.document_of_server(api, form, &self.origin.url())
    }

    /// The document of an API of a server elsewhere. None if none is served.
    pub fn document_of_server(
        &self,
        api: DocumentedApi,
        form: Form,
        url: &str,
    ) -> Option<Response> {
        let docs = self.docs()?;
        let media_type = match form {
            Form::Json => "application/json",
            Form::Yaml => "application/yaml",
        };
        let tag = docs.tag(url);
        if self.has(&tag) {
            return Some(self.unchanged(&tag));
        }
        let text = docs.document(api).at(form, url, docs.unpack);
        let body = match self.takes_gzip {
            true => (docs.pack)(text.as_bytes()),
            false => text.into_bytes(),
        };
        Some(self.answer(&tag, media_type, body))
    }

    /// The page of an API, whose document is at a path below the prefix of the service. None if none is served.
    ///
    /// A page that is not of the service that it shows cannot ask it: there, nothing can be tried.
    pub fn page(&self, api: DocumentedApi, document: &str, is_own: bool) -> Option<Response> {
        let docs = self.docs()?;
        let (title, prefix) = (docs.document(api).title, self.origin.prefix());
        let can_try = if is_own { "yes" } else { "no" };
        Some(self.html(
            docs,
            &format!(
                "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
                 <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
                 <title>{title}</title>\n\
                 <link rel=\"icon\" href=\"data:,\">\n\
                 <link rel=\"stylesheet\" href=\"{prefix}/docs/swagger-ui.css\">\n\
                 <link rel=\"stylesheet\" href=\"{prefix}/docs/page.css\">\n\
                 <div id=\"api\" data-document=\"{prefix}{document}\" data-can-try=\"{can_try}\">\n\
                 <noscript>This page needs JavaScript. The document that it shows is at \
                 <a href=\"{prefix}{document}\">{document}</a>.</noscript>\n</div>\n\
                 <script src=\"{prefix}/docs/swagger-ui-bundle.js\"></script>\n\
                 <script src=\"{prefix}/docs/page.js\"></script>\n"
            ),
        ))
    }

    /// A page that leads to others: paths below the prefix of the service, and what is there.
    pub fn index(&self, links: &[(&str, DocumentedApi)]) -> Option<Response> {
        let docs = self.docs()?;
        let prefix = self.origin.prefix();
        let link = |(path, api): &(&str, DocumentedApi)| {
            format!("<li><a href=\"{prefix}{path}\">{}</a>\n", docs.document(*api).title)
        };
        let links: String = links.iter().map(link).collect();
        let head = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Weir's APIs</title>\n";
        Some(self.html(docs, &format!("{head}<h1>Weir's APIs</h1>\n<ul>\n{links}</ul>\n")))
    }

    fn html(&self, docs: &ApiDocs, html: &str) -> Response {
        let tag = docs.tag(html);
        if self.has(&tag) {
            return self.unchanged(&tag);
        }
        let body = match self.takes_gzip {
            true => (docs.pack)(html.as_bytes()),
            false => html.as_bytes().to_vec(),
        };
        self.answer(&tag, "text/html; charset=utf-8", body)
    }

    /// A file of the viewer. None if there is none of this name.
    pub fn asset(&self, name: &str) -> Option<Response> {
        let docs = self.docs()?;
        let asset = docs.assets.iter().find(|asset| asset.name == name)?;
        let tag = docs.tag(name);
        if self.has(&tag) {
            return Some(self.unchanged(&tag));
        }
        let body = match self.takes_gzip {
            true => Body::from(asset.gzip),
            false => Body::from((docs.unpack)(asset.gzip)),
        };
        Some(self.answer(&tag, asset.media_type, body))
    }

    fn has(&self, tag: &str) -> bool {
        let known = self.known.as_ref().and_then(|known| known.to_str().ok());
        known.is_some_and(|known| known.split(',').any(|one| [tag, "*"].contains(&one.trim())))
    }

    fn unchanged(&self, tag: &str) -> Response {
        (StatusCode::NOT_MODIFIED, self.headers(tag)).into_response()
    }

    fn answer(&self, tag: &str, media_type: &'static str, body: impl Into<Body>) -> Response {
        let mut response = (self.headers(tag), body.into()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if self.takes_gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    fn headers(&self, tag: &str) -> [(HeaderName, HeaderValue); 6] {
        let tag = HeaderValue::from_str(tag).unwrap_or(HeaderValue::from_static("\"none\""));
        [
            (ETAG, tag),
            (CACHE_CONTROL, REVALIDATE),
            (VARY, HeaderValue::from_static("accept-encoding")),
            (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ]
    }
}
