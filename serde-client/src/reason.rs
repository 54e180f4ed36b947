//! Why something failed: text for people, and the error behind it for programs.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use reqwest::StatusCode;

type Source = Arc<dyn Error + Send + Sync>;

/// Why something failed. It is text, and may have the error of another library behind it.
#[derive(Clone)]
pub struct Reason(Arc<Inner>);

struct Inner {
    text: String,
    source: Option<Source>,
    /// The HTTP status of an answer that says nothing else.
    status: Option<u16>,
}

impl Reason {
    /// An error, and the text of all its causes: some libraries' own says only that there was one.
    pub(crate) fn of(error: impl Error + Send + Sync + 'static) -> Reason {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let more = cause.to_string();
            if !text.ends_with(&more) {
                text.push_str(": ");
                text.push_str(&more);
            }
            source = cause.source();
        }
        Reason(Arc::new(Inner { text, source: Some(Arc::new(error)), status: None }))
    }

    /// An answer that has a status and no body that says more.
    pub(crate) fn of_status(status: StatusCode) -> Reason {
        let text = format!("HTTP {status} without an error body");
        Reason(Arc::new(Inner { text, source: None, status: Some(status.as_u16()) }))
    }

    /// This reason with the place where it happened in front.
    pub(crate) fn inside(&self, place: &str) -> Reason {
        let Inner { text, source, status } = &*self.0;
        let text = format!("{place}: {text}");
        Reason(Arc::new(Inner { text, source: source.clone(), status: *status }))
    }

    /// The HTTP status behind it, if it is one.
    pub(crate) fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The error behind it.
    pub(crate) fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Reason {
        Reason(Arc::new(Inner { text, source: None, status: None }))
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Reason {
        text.to_string().into()
    }
}

impl Deref for Reason {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0.text
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
