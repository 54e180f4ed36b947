//! What a process says of itself and of its requests: lines of the log, traces, and errors on the terminal.

mod collector;
mod errors;
mod levels;
mod lines;
mod outages;
mod secrets;
mod slow;
mod traces;
