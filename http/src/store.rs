//! Files with certificates and keys: PEM, PKCS#12, or Java's own key stores. Which one a file is, its bytes say.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::secret::Password;
use crate::{jks, pkcs12};

/// Why a file cannot be used.
#[derive(Debug)]
pub enum StoreError {
    Read(std::io::Error),
    Pem(pem::Error),
    Pkcs12(Unreadable),
    /// A Java key store.
    Jks(Unreadable),
    NoCertificate,
    NoKey,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Read(error) => error.fmt(f),
            StoreError::Pem(error) => error.fmt(f),
            StoreError::Pkcs12(error) => error.fmt(f),
            StoreError::Jks(error) => error.fmt(f),
            StoreError::NoCertificate => f.write_str("there is no certificate in it"),
            StoreError::NoKey => f.write_str("there is no private key in it"),
        }
    }
}

/// Why a store cannot be read, in words.
#[derive(Debug)]
pub struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file's bytes, and what they are. Java's own store has what PKCS#12 has.
enum Store {
    Pem(Vec<u8>),
    Pkcs12(pkcs12::Content),
}

impl Store {
    fn read(file: &Path, password: Option<&Password>) -> Result<Store, StoreError> {
        let bytes = read_file(file, STORE_BYTES_MAX).map_err(StoreError::Read)?;
        if bytes.starts_with(&jks::MAGIC) {
            let password = password.map_or("", Password::text);
            let content = jks::read(&bytes, password).map(Store::Pkcs12);
            return content.map_err(|error| StoreError::Jks(Unreadable(error.to_string())));
        }
        match pkcs12::is_it(&bytes) {
            true => {
                let password = password.map_or("", Password::text);
                let content = pkcs12::read(&bytes, password).map(Store::Pkcs12);
                content.map_err(|error| StoreError::Pkcs12(Unreadable(error.to_string())))
            }
            false => Ok(Store::Pem(bytes)),
        }
    }
}

/// Bytes of a file with certificates or keys, at most.
const STORE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Reads a file that settings name. One of more than `bytes_max` bytes is an error: it is no such file, and may have no end.
pub fn read_file(file: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= bytes_max {
        true => Ok(bytes),
        false => {
            let text = format!("it has more than {} MiB", bytes_max / 1024 / 1024);
            Err(io::Error::new(io::ErrorKind::InvalidData, text))
        }
    }
}

/// All certificates of a file, of which there is at least one.
pub(crate) fn certificates(
    file: &Path,
    password: Option<&Password>,
) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let certificates = match Store::read(file, password)? {
        Store::Pem(bytes) => {
            let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
            all.map_err(StoreError::Pem)?
        }
        Store::Pkcs12(content) => content.certificates(),
    };
    match certificates.is_empty() {
        true => Err(StoreError::NoCertificate),
        false => Ok(certificates),
    }
}

/// The certificate chain of a file, its own certificate first, and the key of another, or of the same.
pub(crate) fn identity(
    cert: &Path,
    key: &Path,
    password: Option<&Password>,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), StoreError> {
    if let Store::Pkcs12(content) = Store::read(cert, password)? {
        let key = content.key().ok_or(StoreError::NoKey)?;
        let chain = content.chain();
        return if chain.is_empty() { Err(StoreError::NoCertificate) } else { Ok((chain, key)) };
    }
    let chain = certificates(cert, password)?;
    let key = match Store::read(key, password)? {
        Store::Pem(bytes) => PrivateKeyDer::from_pem_slice(&bytes).map_err(StoreError::Pem)?,
        Store::Pkcs12(content) => content.key().ok_or(StoreError::NoKey)?,
    };
    Ok((chain, key))
}

/// What is in a file, in PEM: certificates, that of the key first, and the key if there is one.
#[derive(Clone)]
pub struct PemStore {
    pub certificates: String,
    pub key: Option<Password>,
}

/// Reads a file of whatever format as PEM, for clients that read nothing else. A file in PEM is taken as it is.
pub fn pem_store(file: &Path, password: Option<&Password>) -> Result<PemStore, StoreError> {
    let block = |label: &str, der: &[u8]| {
        let text = STANDARD.encode(der);
        let lines: Vec<&str> =
            (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    };
    let content = match Store::read(file, password)? {
        Store::Pem(bytes) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let key = text.contains("PRIVATE KEY-----").then(|| Password::new(text.clone()));
            return Ok(PemStore { certificates: text, key });
        }
        Store::Pkcs12(content) => content,
    };
    let chain = content.chain();
    if chain.is_empty() {
        return Err(StoreError::NoCertificate);
    }
    let key = content.key().map(|key| Password::new(block("PRIVATE KEY", key.secret_der())));
    Ok(PemStore { certificates: chain.iter().map(|der| block("CERTIFICATE", der)).collect(), key })
}
