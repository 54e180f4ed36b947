//! Versions of the clients, from the files that pin them.

use std::path::Path;

use serde_json::Value;

use crate::run::folder;

/// Where a client's version stands.
pub enum Version {
    /// A property of `tests/java/pom.xml`.
    Maven(&'static str),
    /// A module of the programs' `go.mod`.
    Go(&'static str),
    /// A package of `tests/python/`.
    Python(&'static str),
    /// A package of `tests/node/package-lock.json`.
    Node(&'static str),
    /// A crate of the Rust program's `Cargo.lock`.
    Cargo(&'static str),
    /// The package of the system that the tests run on.
    Debian,
}

impl Version {
    pub fn text(&self) -> String {
        let tests = folder().join("../..");
        match self {
            Version::Maven(property) => {
                let pom = read(&tests.join("java/pom.xml"));
                let (_, rest) = pom.split_once(&format!("<{property}>")).unwrap();
                rest.split('<').next().unwrap().to_string()
            }
            Version::Go(module) => {
                let modules = read(&folder().join("go/go.mod"));
                after(&modules, &format!("{module} v")).to_string()
            }
            Version::Python(package) => {
                let pinned = read(&tests.join("python/constraints.txt"));
                after(&pinned, &format!("{package}==")).to_string()
            }
            Version::Node(package) => {
                let lock: Value =
                    serde_json::from_str(&read(&tests.join("node/package-lock.json"))).unwrap();
                let version = &lock["packages"][format!("node_modules/{package}")]["version"];
                version.as_str().unwrap().to_string()
            }
            Version::Cargo(name) => {
                let lock = read(&folder().join("rust/Cargo.lock"));
                let (_, rest) =
                    lock.split_once(&format!("name = \"{name}\"\nversion = \"")).unwrap();
                rest.split('"').next().unwrap().to_string()
            }
            Version::Debian => "of Debian".to_string(),
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// What follows at the beginning of one of the lines, up to a blank.
fn after<'a>(text: &'a str, begin: &str) -> &'a str {
    let rest = text.lines().find_map(|line| line.trim_start().strip_prefix(begin)).unwrap();
    rest.split_whitespace().next().unwrap()
}
