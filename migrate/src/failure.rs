//! A request to a registry that has failed, as errors show it.

use std::error::Error;
use std::fmt;

use reqwest::StatusCode;
use weir_registry_api::ErrorCode;
use weir_serde::ClientError;

/// A request to a registry that was not answered as it was to.
#[derive(Debug)]
pub struct Failure {
    /// Method and URL, without a password.
    pub(crate) request: String,
    pub(crate) error: ClientError,
}

impl Failure {
    fn status(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.error.status()?).ok()
    }

    /// The registry's own code, if it has answered one.
    pub fn code(&self) -> Option<ErrorCode> {
        self.error.code()
    }

    /// Returns whether the registry says that it has no such thing, or does not know the request.
    pub fn is_absence(&self) -> bool {
        matches!(self.status(), Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED))
    }

    /// Returns whether the registry refuses the request, rather than whoever makes it.
    pub fn is_refusal(&self) -> bool {
        self.status().is_some_and(|status| {
            status.is_client_error()
                && status != StatusCode::UNAUTHORIZED
                && status != StatusCode::FORBIDDEN
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.request)?;
        let status = self.status();
        match (status, &self.error) {
            (Some(status), ClientError::Registry { code, message, .. }) => {
                write!(f, "{status}")?;
                if *code != u32::from(status.as_u16()) {
                    write!(f, ", {code}")?;
                }
                if !message.is_empty() {
                    write!(f, ": {message}")?;
                }
            }
            (Some(status), _) => write!(f, "{status}")?,
            (None, error) => write!(f, "{}", innermost(error))?,
        }
        if status == Some(StatusCode::UNAUTHORIZED) {
            f.write_str(" (user and password go into the URL: http://user:password@host)")?;
        }
        Ok(())
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// The innermost reason: those around it only say that there was one.
fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner
}
