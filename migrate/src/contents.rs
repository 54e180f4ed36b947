//! What a place holds, as a registry would see it.

use weir_registry_core::State;

/// A registry's contents, read to its end.
#[derive(Default)]
pub struct Contents {
    /// Subjects, versions, configuration and modes.
    pub state: State,
    /// Whether the place can tell its associations; if it cannot, there may be some.
    pub knows_associations: bool,
}
