//! `weir`: a schema registry and an HTTP gateway for Kafka.
//!
//! `weir dev` runs everything on one machine with nothing beside it, `weir serve` runs against a
//! real Kafka, `weir migrate` copies registries. This crate only assembles: settings, flags, listeners.

mod added_headers;
mod cli;
mod confluent;
mod dev;
mod kafka_names;
mod kafkastore;
mod limits;
mod listen;
mod listeners;
mod migrate;
mod parts;
mod serve;
mod settings;
mod tls;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};

/// The system's allocator keeps what many threads needed at the same time.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What is logged if `WEIR_LOG` says nothing else: rdkafka repeats what librdkafka has said.
const LOG: &str = "info,rdkafka=off";

/// Stack of a worker thread: schemas may be nested a thousand levels.
const STACK_BYTES: usize = 8 * 1024 * 1024;

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("WEIR_LOG").unwrap_or_else(|_| EnvFilter::new(LOG)),
        )
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    rustls::crypto::ring::default_provider().install_default().expect("nobody was before us");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build();
    let result = match runtime {
        Err(error) => Err(format!("cannot start: {error}")),
        Ok(runtime) => {
            let result = runtime.block_on(async {
                match cli.command {
                    Command::Dev(args) => dev::run(args, listen::outlive_signals()).await,
                    Command::Serve(args) => serve::run(args, listen::outlive_signals()).await,
                    Command::Migrate(args) => migrate::run(args).await,
                }
            });
            // what librdkafka still tries without a broker keeps nobody here
            runtime.shutdown_background();
            result
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("weir: {why}");
            ExitCode::FAILURE
        }
    }
}
