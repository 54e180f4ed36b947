//! The registry through its socket; files mirror the URL tree.
#![allow(clippy::unwrap_used)] // how a test fails

mod subjects;
