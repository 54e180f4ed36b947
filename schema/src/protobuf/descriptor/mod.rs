//! Descriptors: files as protoc compiles them, both ways.

mod decode;
mod default;
mod encode;
mod members;
mod options;
mod options_decode;
mod wire;

pub use decode::decode;
pub use encode::encode;
