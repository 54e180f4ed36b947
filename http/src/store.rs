//! Files with certificates and keys: PEM, or PKCS#12.

use std::fmt;
use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::pkcs12;
use crate::secret::Password;

/// What a Java key store begins with.
const JKS: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];

/// Why a file cannot be used.
#[derive(Debug)]
pub(crate) enum StoreError {
    Read(std::io::Error),
    Pem(pem::Error),
    Pkcs12(pkcs12::Pkcs12Error),
    /// A Java key store.
    Jks,
    NoCertificate,
    NoKey,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Read(error) => error.fmt(f),
            StoreError::Pem(error) => error.fmt(f),
            StoreError::Pkcs12(error) => error.fmt(f),
            StoreError::Jks => f.write_str(
                "it is a Java key store (JKS), which is not read: write it as PKCS#12, with keytool -importkeystore \
                 -srckeystore STORE -destkeystore STORE.p12 -deststoretype PKCS12",
            ),
            StoreError::NoCertificate => f.write_str("there is no certificate in it"),
            StoreError::NoKey => f.write_str("there is no private key in it"),
        }
    }
}

/// A file's bytes, and what they are.
enum Store {
    Pem(Vec<u8>),
    Pkcs12(pkcs12::Content),
}

impl Store {
    fn read(file: &Path, password: Option<&Password>) -> Result<Store, StoreError> {
        let bytes = read(file).map_err(StoreError::Read)?;
        if bytes.starts_with(&JKS) {
            return Err(StoreError::Jks);
        }
        match pkcs12::is_it(&bytes) {
            true => {
                let password = password.map_or("", Password::text);
                pkcs12::read(&bytes, password).map(Store::Pkcs12).map_err(StoreError::Pkcs12)
            }
            false => Ok(Store::Pem(bytes)),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "it is read at the start, or beside the runtime")]
fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    std::fs::read(file)
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
