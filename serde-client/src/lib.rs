//! weir-serde
