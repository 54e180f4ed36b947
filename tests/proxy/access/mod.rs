//! The proxy behind a door: who may do what.

mod batches;
mod expiry;
mod house;
mod instances;
mod lists;
mod matrix;
mod names;
mod patterns;
mod schemas;
