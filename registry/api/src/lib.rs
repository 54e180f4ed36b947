//! weir-registry-api
