//! The documents of the APIs as they are served, `/openapi.json` and `/openapi.yaml`, and the page to try an API, `/docs`.
//!
//! What is served comes from outside ([`ApiDocs`]): a service that nobody has given any has no such paths.

mod answers;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

pub use answers::DocsRequest;

/// Where a document has the address of its server, between quotes in JSON.
pub const SERVER_URL: &str = "WEIR-SERVER-URL";

/// The documents of the APIs, and the files of the viewer that shows them.
pub struct ApiDocs {
    pub registry: ApiDocument,
    pub proxy: ApiDocument,
    /// Files below `/docs/`.
    pub assets: &'static [Asset],
    /// Other bytes have another version.
    pub version: &'static str,
    /// Unpacks gzip.
    pub unpack: fn(&[u8]) -> Vec<u8>,
    /// Packs as gzip.
    pub pack: fn(&[u8]) -> Vec<u8>,
}

/// One API's document, with [`SERVER_URL`] where its server's address is to stand.
pub struct ApiDocument {
    pub title: &'static str,
    /// In gzip.
    pub json: &'static [u8],
    /// In gzip.
    pub yaml: &'static [u8],
    /// Unpacked when the first client asks.
    unpacked: [OnceLock<String>; 2],
}

/// A file of the viewer.
pub struct Asset {
    pub name: &'static str,
    pub media_type: &'static str,
    /// In gzip.
    pub gzip: &'static [u8],
}

/// The APIs that have a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentedApi {
    Registry,
    Proxy,
}

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    Yaml,
}

impl ApiDocument {
    pub const fn new(title: &'static str, json: &'static [u8], yaml: &'static [u8]) -> ApiDocument {
        ApiDocument { title, json, yaml, unpacked: [OnceLock::new(), OnceLock::new()] }
    }

    /// The document of a server at an address.
    fn at(&self, form: Form, url: &str, unpack: fn(&[u8]) -> Vec<u8>) -> String {
        let (packed, at) = match form {
            Form::Json => (self.json, 0),
            Form::Yaml => (self.yaml, 1),
        };
        let text =
            self.unpacked[at].get_or_init(|| String::from_utf8_lossy(&unpack(packed)).into_owned());
        // a text of JSON is one of YAML, too
        let url = serde_json::Value::from(url).to_string();
        match form {
            Form::Json => text.replacen(&format!("\"{SERVER_URL}\""), &url, 1),
            Form::Yaml => text.replacen(SERVER_URL, &url, 1),
        }
    }
}

impl ApiDocs {
    fn document(&self, api: DocumentedApi) -> &ApiDocument {
        match api {
            DocumentedApi::Registry => &self.registry,
            DocumentedApi::Proxy => &self.proxy,
        }
    }

    /// The entity tag of what is made of these documents and of `of`.
    fn tag(&self, of: &str) -> String {
        let mut hasher = DefaultHasher::new();
        of.hash(&mut hasher);
        format!("W/\"{}-{:016x}\"", self.version, hasher.finish())
    }
}
