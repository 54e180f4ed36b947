//! Pages that may write although they are another site's.

use axum::http::HeaderValue;

/// Origins whose pages may write, `*` standing for any letters.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Origins such as `https://ui.example`.
    pub fn new(patterns: &[String]) -> Origins {
        Origins(patterns.iter().map(|pattern| pattern.to_ascii_lowercase()).collect())
    }

    /// Returns true if an origin is one of them.
    pub fn allow(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let origin = origin.to_ascii_lowercase();
        self.0.iter().any(|pattern| fits(pattern, &origin))
    }

    /// Returns true if there are none.
    pub fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if it is said of any origin.
    pub fn are_all(&self) -> bool {
        self.0.iter().any(|pattern| pattern == "*")
    }
}

/// Whether a text is a pattern's: what stands between its stars, in order.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, text) in
            [("*", "null"), ("a*", "a"), ("*b*d", "abcd"), ("a", "a"), ("**", "")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a*a", "a"), ("a", "b"), ("*b", "ba"), ("a*c*e", "ace?")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
