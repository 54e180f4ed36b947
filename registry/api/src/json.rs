//! How what is absent or null is read and written.

use serde::{Deserialize, Deserializer};

/// Returns true if a list is not written, because it is empty.
pub(crate) fn is_empty<T>(items: &[T]) -> bool {
    items.is_empty()
}

/// Reads null as the default.
pub(crate) fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    input: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}
