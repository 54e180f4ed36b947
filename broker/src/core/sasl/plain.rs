//! SASL PLAIN: `[authorization id] NUL user NUL password`.

/// Returns the user whose password is in the message.
pub(super) fn check(
    message: &[u8],
    is_password: impl Fn(&str, &str) -> bool,
) -> Result<String, String> {
    let message = std::str::from_utf8(message)
        .map_err(|_| "Authentication failed: Invalid username or password".to_owned())?;
    let parts: Vec<&str> = message.splitn(4, '\0').collect();
    let &[id, user, password] = parts.as_slice() else {
        let found = parts.len();
        return Err(format!("Invalid SASL/PLAIN response: expected 3 tokens, got {found}"));
    };
    if user.is_empty() {
        return Err("Authentication failed: username not specified".to_owned());
    }
    if password.is_empty() {
        return Err("Authentication failed: password not specified".to_owned());
    }
    if !is_password(user, password) {
        return Err("Authentication failed: Invalid username or password".to_owned());
    }
    if !id.is_empty() && id != user {
        let message = "Authentication failed: Client requested an authorization id that is \
                       different from username";
        return Err(message.to_owned());
    }
    Ok(user.to_owned())
}
