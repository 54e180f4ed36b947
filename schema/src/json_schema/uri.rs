//! URI references, as far as `$id` and `$ref` need them: joined to a base, and taken apart. Nothing
//! here opens one. Source: RFC 3986, section 5.2.

/// `reference` as it reads in a document whose base is `base`; both may be relative or empty.
pub(super) fn join(base: &str, reference: &str) -> String {
    if reference.is_empty() {
        return base.to_string();
    }
    if scheme_len(reference).is_some() || base.is_empty() {
        return reference.to_string();
    }
    let (base, _) = split_fragment(base);
    if reference.starts_with('#') {
        return format!("{base}{reference}");
    }
    let root_len = root_len(base);
    if let Some(rest) = reference.strip_prefix("//") {
        let scheme = scheme_len(base).map_or("", |len| &base[..len]);
        return format!("{scheme}//{rest}");
    }
    let (root, path) = base.split_at(root_len);
    let joined = match (reference.starts_with('/'), path.rfind('/')) {
        (true, _) => reference.to_string(),
        (false, Some(end)) => format!("{}{reference}", &path[..=end]),
        (false, None) if root.is_empty() => reference.to_string(),
        (false, None) => format!("/{reference}"),
    };
    format!("{root}{}", without_dots(&joined))
}

/// A URI without its fragment, and the fragment if there is one.
pub(super) fn split_fragment(uri: &str) -> (&str, Option<&str>) {
    uri.split_once('#').map_or((uri, None), |(before, fragment)| (before, Some(fragment)))
}

/// `%41` becomes `A`; what is no escape, or no UTF-8, stays.
pub(super) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_string())
}

/// The length of `scheme:`, if the text begins with one.
fn scheme_len(uri: &str) -> Option<usize> {
    let end = uri.find(':')?;
    let mut bytes = uri[..end].bytes();
    let first = bytes.next()?;
    let rest = bytes.all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    (first.is_ascii_alphabetic() && rest).then_some(end + 1)
}

/// The length of `scheme://authority`: what a path follows.
fn root_len(uri: &str) -> usize {
    let scheme = scheme_len(uri).unwrap_or(0);
    match uri[scheme..].strip_prefix("//") {
        Some(rest) => scheme + 2 + rest.find('/').unwrap_or(rest.len()),
        None => scheme,
    }
}

fn without_dots(path: &str) -> String {
    if !path.contains("./") && !path.ends_with("..") {
        return path.to_string();
    }
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if kept.last().is_some_and(|last| !last.is_empty()) => {
                kept.pop();
            }
            ".." => {}
            part => kept.push(part),
        }
    }
    kept.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_join_their_base_as_rfc_3986_says() {
        for (base, reference, wanted) in [
            ("http://a/b/c.json", "d.json", "http://a/b/d.json"),
            ("http://a/b/c.json", "./d.json", "http://a/b/d.json"),
            ("http://a/b/c.json", "../d.json", "http://a/d.json"),
            ("http://a/b/c.json", "/d.json#x", "http://a/d.json#x"),
            ("http://a/b/c.json#f", "#x", "http://a/b/c.json#x"),
            ("http://a", "d", "http://a/d"),
            ("http://a/b", "//h/x", "http://h/x"),
            ("http://a/b", "urn:x:y", "urn:x:y"),
            ("c.json", "d.json", "d.json"),
            ("", "./d.json", "./d.json"),
            ("http://a/b", "", "http://a/b"),
        ] {
            assert_eq!(join(base, reference), wanted, "{base} + {reference}");
        }
    }

    #[test]
    fn escapes_are_decoded_and_broken_ones_stay() {
        assert_eq!(decoded("a%25b%zz%4"), "a%b%zz%4");
    }
}
