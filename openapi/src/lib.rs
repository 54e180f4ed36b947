//! The contracts of the registry and of the REST proxy, as the binary serves them, with the viewer that shows them.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use weir_http::api_docs::{ApiDocs, ApiDocument, Asset};

/// What is unpacked is ours; this only bounds it.
const UNPACKED_BYTES_MAX: u64 = 16 * 1024 * 1024;

macro_rules! packed {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz"))
    };
}

const ASSETS: &[Asset] = &[
    Asset {
        name: "swagger-ui-bundle.js",
        media_type: "text/javascript; charset=utf-8",
        gzip: include_bytes!("../viewer/swagger-ui-bundle.js.gz"),
    },
    Asset {
        name: "swagger-ui.css",
        media_type: "text/css; charset=utf-8",
        gzip: include_bytes!("../viewer/swagger-ui.css.gz"),
    },
    Asset {
        name: "page.js",
        media_type: "text/javascript; charset=utf-8",
        gzip: packed!("page.js"),
    },
    Asset { name: "page.css", media_type: "text/css; charset=utf-8", gzip: packed!("page.css") },
];

/// All that is served of the documents.
pub fn api_docs() -> ApiDocs {
    ApiDocs {
        registry: ApiDocument::new(
            "Weir schema registry",
            packed!("registry.json"),
            packed!("registry.yaml"),
        ),
        proxy: ApiDocument::new("Weir REST proxy", packed!("proxy.json"), packed!("proxy.yaml")),
        assets: ASSETS,
        version: env!("WEIR_OPENAPI_VERSION"),
        unpack,
        pack,
    }
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    let read = GzDecoder::new(packed).take(UNPACKED_BYTES_MAX).read_to_end(&mut unpacked);
    read.expect("what was packed at build time is whole");
    unpacked
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).expect("memory takes it");
    packed.finish().expect("memory takes it")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use weir_http::api_docs::SERVER_URL;

    use super::*;

    #[test]
    fn documents_are_json_with_one_place_for_the_servers_address() {
        let docs = api_docs();
        for document in [&docs.registry, &docs.proxy] {
            let json = String::from_utf8(unpack(document.json)).unwrap();
            let parsed: Value = serde_json::from_str(&json).unwrap();
            assert_eq!(parsed["openapi"], "3.1.0");
            assert_eq!(parsed["servers"][0]["url"], SERVER_URL);
            assert_eq!(json.matches(SERVER_URL).count(), 1);
            let yaml = String::from_utf8(unpack(document.yaml)).unwrap();
            assert_eq!(yaml.matches(SERVER_URL).count(), 1);
        }
    }

    #[test]
    fn the_viewer_stays_below_its_budget() {
        let bytes: usize = ASSETS.iter().map(|asset| asset.gzip.len()).sum();
        assert!(bytes < 700 * 1024, "{bytes} bytes");
        let viewer = unpack(ASSETS[0].gzip);
        assert!(viewer.len() > 1_000_000, "{} bytes", viewer.len());
    }
}
