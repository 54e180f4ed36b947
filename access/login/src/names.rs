//! Names of users, keys, roles and groups, as files have them.

/// The most bytes of a name.
pub(crate) const NAME_BYTES_MAX: usize = 255;

/// The most roles, and the most groups, of one user or key.
const LIST_MAX: usize = 256;

/// Checks the name of a user or key. The error says what a name is.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let is_good = !name.starts_with('#') && !name.contains(':') && is_plain(name);
    is_good.then_some(()).ok_or_else(|| {
        format!(
            "{name:?} is no name: expected 1 to {NAME_BYTES_MAX} bytes without colons and control characters, \
             no # at the beginning and no blank at either end"
        )
    })
}

/// Checks the name of a role or group.
pub(crate) fn check_role(name: &str) -> Result<(), String> {
    let is_good = !name.contains([':', ',']) && is_plain(name);
    is_good.then_some(()).ok_or_else(|| {
        format!(
            "{name:?} is no role or group: expected 1 to {NAME_BYTES_MAX} bytes without colons, commas and \
             control characters, and no blank at either end"
        )
    })
}

fn is_plain(name: &str) -> bool {
    let is_bounded = (1..=NAME_BYTES_MAX).contains(&name.len());
    is_bounded && name.trim() == name && !name.contains(char::is_control)
}

/// Reads `reader,developer`; nothing is an empty list.
pub(crate) fn list(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    if names == [""] {
        return Ok(Vec::new());
    }
    if names.len() > LIST_MAX {
        return Err(format!("more than {LIST_MAX} roles or groups"));
    }
    names.into_iter().map(|name| check_role(name).map(|()| name.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_basic_or_a_file_cannot_carry_is_refused() {
        for good in ["alice", "Bob Smith", "ü", "a,b", "a#b", "CN=alice"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        for bad in ["", " a", "a ", "a:b", "#a", "a\nb", "a\0", &long] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_list_is_what_is_between_commas() {
        assert_eq!(list("").unwrap(), Vec::<String>::new());
        assert_eq!(list("a, b").unwrap(), ["a", "b"]);
        assert!(list("a,,b").is_err());
        assert!(list("a:b").is_err());
    }
}
