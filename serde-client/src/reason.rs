//! Why something failed: text for people, and the error behind it for programs.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

type Source = Arc<dyn Error + Send + Sync>;

/// Why something failed. It is text, and may have the error of another library behind it.
#[derive(Clone)]
pub struct Reason(Arc<Inner>);

struct Inner {
    text: String,
    source: Option<Source>,
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
        Reason(Arc::new(Inner { text, source: Some(Arc::new(error)) }))
    }

    /// The same, told where it happened.
    pub(crate) fn inside(&self, place: &str) -> Reason {
        let text = format!("{place}: {}", self.0.text);
        Reason(Arc::new(Inner { text, source: self.0.source.clone() }))
    }

    /// The error behind it.
    pub(crate) fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Reason {
        Reason(Arc::new(Inner { text, source: None }))
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
