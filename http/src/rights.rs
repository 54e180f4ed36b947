//! Rights as types: what a handler's signature says that its caller has to be allowed to do.

use weir_access::Action;

/// What a caller has to be allowed, as a type.
pub trait Right: Send + 'static {
    const ACTION: Action;
}

macro_rules! rights {
    ($($(#[$meta:meta])* $name:ident)*) => {$(
        $(#[$meta])*
        pub enum $name {}

        impl Right for $name {
            const ACTION: Action = Action::$name;
        }
    )*};
}

rights! {
    /// The right to look at something.
    Read
    /// The right to add to something.
    Write
    /// The right to take something away.
    Delete
    /// The right to make something, and to change its settings.
    Configure
    /// The right to say who may do what.
    Admin
}
