//! A try of a request that has failed.

use std::time::Duration;

use reqwest::Url;

use crate::error::ClientError;
use crate::reason::Reason;

/// A try that failed.
pub(crate) struct Failure {
    pub(crate) error: ClientError,
    /// Whether another may do better.
    pub(crate) is_passing: bool,
    /// How long the registry asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    /// A failure after which another try may do better.
    pub(crate) fn passing(why: Reason) -> Failure {
        Failure { error: ClientError::Transport(why), is_passing: true, retry_after: None }
    }

    /// Says why whoever a redirect led to does not know the client.
    pub(crate) fn of_stranger(mut self, url: &Url) -> Failure {
        if let ClientError::Registry { status: 401 | 403, message, .. } = &mut self.error {
            let origin = url.origin().ascii_serialization();
            message.push_str(&format!(
                " (a redirect led to {origin}; credentials go to the client's own URLs alone)"
            ));
        }
        self
    }

    /// A failure that another try would only repeat.
    pub(crate) fn last(error: ClientError) -> Failure {
        Failure { error, is_passing: false, retry_after: None }
    }
}
