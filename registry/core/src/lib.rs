//! weir-registry-core
