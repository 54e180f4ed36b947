//! Authenticators: passwords, API keys, tokens, and the names that certificates have.

pub mod tokens;
