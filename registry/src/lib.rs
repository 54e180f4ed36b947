//! weir-registry
