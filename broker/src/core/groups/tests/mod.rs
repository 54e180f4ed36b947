//! Groups, with an injected time.

mod classic;
mod consumer;
mod migration;
mod offsets;
mod random;
mod world;
