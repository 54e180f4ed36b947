//! The cluster of one node: who is in it, where its records are, and what is never moved.

mod describe;
mod log_dirs;
mod quorum;
mod reassign;
