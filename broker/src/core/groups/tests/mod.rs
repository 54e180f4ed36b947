//! Groups, with an injected time.

mod classic;
mod consumer;
mod offsets;
mod world;
