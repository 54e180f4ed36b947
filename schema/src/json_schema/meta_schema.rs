//! The drafts' own meta-schemas, as far as a `$ref` may lead into one: a schema can say that a
//! property is what draft 7 calls a `nonNegativeInteger`. Source: the meta-schemas that json-schema.org
//! publishes, without their titles and comments.
//!
//! Of 2019-09 and 2020-12 only the vocabulary of validation is here; their other meta-schemas, which
//! are made of dynamic references, are known by name and accept anything.

use std::collections::BTreeSet;

use super::library::Document;
use crate::json::Json;

/// Where meta-schemas live.
const HOSTS: [&str; 2] = ["http://json-schema.org/", "https://json-schema.org/"];

const TEXTS: [(&str, &str); 5] = [
    ("draft-04/schema", include_str!("meta/draft-04.json")),
    ("draft-06/schema", include_str!("meta/draft-06.json")),
    ("draft-07/schema", include_str!("meta/draft-07.json")),
    ("draft/2019-09/meta/validation", include_str!("meta/validation.json")),
    ("draft/2020-12/meta/validation", include_str!("meta/validation.json")),
];

/// Whether a URI is that of a draft's own meta-schema.
pub(super) fn is_one(uri: &str) -> bool {
    path(uri).is_some_and(|path| path.starts_with("draft"))
}

/// What a URI on the drafts' own host has after the host.
pub(super) fn path(uri: &str) -> Option<&str> {
    HOSTS.iter().find_map(|host| uri.strip_prefix(host))
}

/// The meta-schemas that `documents` refer to and do not have yet, under the URIs that they use.
pub(super) fn referred(documents: &[Document]) -> Vec<Document> {
    let mut uris = BTreeSet::new();
    for document in documents {
        add_references(&document.json, &mut uris);
    }
    let is_new = |uri: &&str| documents.iter().all(|document| document.name != *uri);
    uris.into_iter().filter(is_new).filter_map(document).collect()
}

fn document(uri: &str) -> Option<Document> {
    let path = path(uri)?;
    let (_, text) = TEXTS.iter().find(|(known, _)| *known == path)?;
    let mut json = Json::parse_exact(text).ok()?;
    if path.ends_with("/validation")
        && let Json::Object(members) = &mut json
        && let Some(draft) = uri.strip_suffix("meta/validation")
    {
        members.push(("$schema".into(), Json::String(format!("{draft}schema"))));
    }
    Some(Document { name: uri.to_string(), json })
}

/// Adds the URI, without its fragment, of every `$ref` to a meta-schema.
fn add_references<'j>(json: &'j Json, uris: &mut BTreeSet<&'j str>) {
    let mut stack = vec![json];
    while let Some(json) = stack.pop() {
        match json {
            Json::Array(items) => stack.extend(items),
            Json::Object(members) => {
                for (key, value) in members {
                    match value {
                        Json::String(uri) if key == "$ref" && is_one(uri) => {
                            uris.insert(super::uri::split_fragment(uri).0);
                        }
                        value => stack.push(value),
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meta_schema_is_json() {
        for (path, _) in TEXTS {
            for host in HOSTS {
                assert!(document(&format!("{host}{path}")).is_some(), "{path}");
            }
        }
    }
}
