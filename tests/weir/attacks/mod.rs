//! What a stranger, or a bad disk, can do to Weir, and that it does not stop for it: each test is an attack
//! that once succeeded, and the right answer to it. `weir-bench attack` measures the same attacks.

mod connections;
mod consumers;
mod disk;
mod requests;
