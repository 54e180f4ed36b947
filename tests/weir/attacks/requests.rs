//! Requests that are small and ask for much: schemas, patterns, checks.
