//! Files that settings name.

use std::path::Path;

use weir_http::{Password, PemStore, pem_store};

use crate::config::tree::Tree;
use crate::error::Error;

/// Bytes of a file that a setting names, at most.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Reads the file that a setting names.
pub fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    weir_http::read_file(path, FILE_BYTES_MAX)
        .map_err(|source| Error::ReadFile { path: path.to_path_buf(), source })
}

/// Reads the certificates, and the key if there is one, of a file in PEM, PKCS#12 or Java's own format.
pub fn store_file(path: &Path, password: Option<&Password>) -> Result<PemStore, Error> {
    pem_store(path, password)
        .map_err(|why| Error::Certificate(format!("cannot use {}: {why}", path.display())))
}

/// What the proxy trusts when it asks the registry, and nodes when they ask each other, in PEM.
pub fn trusted_by_clients(tree: &Tree) -> Result<Option<String>, Error> {
    let password = tree.proxy.schema_registry_ca_password.as_ref();
    let file = tree.proxy.schema_registry_ca.as_deref();
    Ok(file.map(|file| store_file(file, password)).transpose()?.map(|store| store.certificates))
}

/// Reads a secret from the file that a setting names: its text without white space around it.
pub fn read_secret(path: &Path) -> Result<String, Error> {
    let bytes = read_file(path)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_string())
}
