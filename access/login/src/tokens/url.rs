//! Where a provider may be asked.

use reqwest::Url;

/// A URL that keys may be fetched from: https, or http on this machine, or http everywhere if that is allowed.
pub fn of_provider(text: &str, allow_http: bool) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|e| format!("is not a URL: {e}"))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_http || is_loopback(&url) => {}
        "http" => {
            return Err(
                "is http on another machine: whoever is between could make tokens".to_string()
            );
        }
        _ => return Err("begins with neither https:// nor http://".to_string()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user's name or password in it".to_string());
    }
    if url.fragment().is_some() {
        return Err("has a fragment (#)".to_string());
    }
    Ok(url)
}

/// Returns true if two URLs lead to the same server: scheme, host and port are equal.
pub fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// `ISSUER/.well-known/openid-configuration`. Source: OpenID Connect Discovery 1.0, 4.1.
pub fn of_discovery(issuer: &Url) -> Url {
    let mut url = issuer.clone();
    let path = format!("{}/.well-known/openid-configuration", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_query(None);
    url
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_this_machine_alone() {
        for url in
            ["http://127.0.0.1:1/k", "http://[::1]/k", "http://localhost/k", "https://id.example/k"]
        {
            assert!(of_provider(url, false).is_ok(), "{url}");
        }
        for url in [
            "http://id.example/k",
            "http://127.0.0.1.example/k",
            "http://localhost.example/",
            "http://10.0.0.1/",
        ] {
            assert!(of_provider(url, false).is_err(), "{url}");
            assert!(of_provider(url, true).is_ok(), "{url}");
        }
        for url in
            ["ftp://127.0.0.1/", "file:///etc/passwd", "https://u:p@id.example/", "id.example", ""]
        {
            assert!(of_provider(url, true).is_err(), "{url}");
        }
    }

    #[test]
    fn discovery_is_below_the_issuers_path() {
        for (issuer, expected) in [
            ("https://id.example", "https://id.example/.well-known/openid-configuration"),
            ("https://id.example/", "https://id.example/.well-known/openid-configuration"),
            (
                "https://id.example/realms/a/",
                "https://id.example/realms/a/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(of_discovery(&Url::parse(issuer).unwrap()).as_str(), expected);
        }
    }
}
