//! The binary: how it starts, how it ends, what survives.
#![allow(clippy::unwrap_used)] // how a test fails

mod access;
mod access_check;
mod attacks;
mod balancer;
mod certificates;
mod cluster;
mod config;
mod config_listeners;
mod crash;
mod dev;
mod dropin;
mod faults;
mod golden;
mod listeners;
mod logins;
mod logs;
mod metrics;
mod migrate;
mod node;
mod ops;
mod pages;
mod probes;
mod process;
mod proxy;
mod python;
mod requests;
mod run_script;
mod rust;
mod schemathesis;
mod scripts;
mod serve;
mod settings;
mod upgrade;
