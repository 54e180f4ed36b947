//! Groups, with an injected time.

mod classic;
mod offsets;
mod world;
