//! Media types: what a client accepts, and what a body says that it is.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// A media type or a range of them that a client accepts, and how much it likes it, from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    pub media_type: String,
    pub quality: f32,
}

/// What a client accepts, in its order; nothing if it does not say.
pub fn accepted(headers: &HeaderMap) -> Option<Vec<Accepted>> {
    if !headers.contains_key(ACCEPT) {
        return None;
    }
    let given: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok()).collect();
    let given = given.join(",");
    if given.trim().is_empty() {
        return None;
    }
    Some(given.split(',').map(read).collect())
}

fn read(range: &str) -> Accepted {
    let quality = range.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
    let quality = quality.map_or(1.0, |quality| quality.trim().parse().unwrap_or(0.0));
    Accepted { media_type: essence(range), quality }
}

/// A media type without its parameters, in small letters.
pub fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_does_not_say_what_it_accepts_accepts_everything() {
        let mut headers = HeaderMap::new();
        assert_eq!(accepted(&headers), None);
        headers.insert(ACCEPT, " ".parse().unwrap());
        assert_eq!(accepted(&headers), None);
    }

    #[test]
    fn ranges_of_several_headers_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT, "Application/JSON; q=0.5, text/*".parse().unwrap());
        headers.append(ACCEPT, "a/b;q=x".parse().unwrap());
        let expected = [("application/json", 0.5), ("text/*", 1.0), ("a/b", 0.0)]
            .map(|(media_type, quality)| Accepted { media_type: media_type.into(), quality });
        assert_eq!(accepted(&headers), Some(expected.to_vec()));
    }
}
