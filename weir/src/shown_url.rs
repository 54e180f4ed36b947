//! URLs as they may stand in logs and messages.

use weir_serde::without_password;

/// A URL without a login, and without a query, which may be one.
pub fn shown_url(url: &str) -> String {
    without_password(url.split('?').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_and_a_query_are_left_out() {
        let url = "http://me:secret@127.0.0.1:1/readyz?token=secret";
        assert_eq!(shown_url(url), "http://127.0.0.1:1/readyz");
        assert_eq!(shown_url("http://collector:4318/v1/traces"), "http://collector:4318/v1/traces");
    }
}
