//! Packs the documents of the APIs for the binary: as YAML, and as JSON, which is made of the YAML here.

mod json;

use std::hash::{DefaultHasher, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;

/// The address that stands in a document, before what `weir_http::api_docs::SERVER_URL` is.
const WRITTEN_URLS: [&str; 2] = ["http://localhost:8081", "http://localhost:8082"];
const SERVER_URL: &str = "WEIR-SERVER-URL";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where"));
    let mut version = DefaultHasher::new();
    for name in ["registry", "proxy"] {
        let file = format!("{name}.yaml");
        println!("cargo::rerun-if-changed={file}");
        let yaml = fs::read_to_string(&file).expect("the document is there");
        let url = WRITTEN_URLS.iter().find(|url| yaml.contains(&format!("  - url: {url}\n")));
        let url = url.expect("the document says its server's address");
        let yaml =
            yaml.replacen(&format!("  - url: {url}\n"), &format!("  - url: {SERVER_URL}\n"), 1);
        let json = json::of(&yaml).unwrap_or_else(|why| panic!("{file}: {why}"));
        version.write(yaml.as_bytes());
        pack(&out.join(format!("{name}.yaml.gz")), yaml.as_bytes());
        pack(&out.join(format!("{name}.json.gz")), json.as_bytes());
    }
    for name in ["page.js", "page.css"] {
        let file = format!("viewer/{name}");
        println!("cargo::rerun-if-changed={file}");
        let bytes = fs::read(&file).expect("the page's file is there");
        version.write(&bytes);
        pack(&out.join(format!("{name}.gz")), &bytes);
    }
    for name in ["swagger-ui-bundle.js.gz", "swagger-ui.css.gz"] {
        let file = format!("viewer/{name}");
        println!("cargo::rerun-if-changed={file}");
        version.write(&fs::read(&file).expect("the viewer's file is there"));
    }
    println!("cargo::rustc-env=WEIR_OPENAPI_VERSION={:016x}", version.finish());
}

fn pack(to: &Path, bytes: &[u8]) {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).expect("memory takes it");
    fs::write(to, packed.finish().expect("memory takes it")).expect("the target folder takes it");
}
