//! `weir`: a schema registry and an HTTP gateway for Kafka.
//!
//! `weir dev` runs everything on one machine with nothing beside it, `weir serve` runs against a real Kafka, `weir config`
//! shows and checks settings, `weir access` asks the rules, `weir migrate` copies registries. This crate reads the configuration, opens listeners, and puts
//! registry and proxy together.

mod access;
mod access_check;
mod access_import;
mod added_headers;
mod cli;
mod clusters;
mod config;
mod confluent;
mod cors;
mod dev;
mod error;
mod face;
mod face_tls;
mod files;
mod health;
mod kafka_names;
mod kafka_security;
mod kafkastore;
mod key_command;
mod limits;
mod listen;
mod listener_params;
mod listeners;
mod management;
mod migrate;
mod parts;
mod probe;
mod serve;
mod served;
mod settings;
mod systemd;
mod table;
mod tls;
mod user_command;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use weir_http::ACCESS_LOG;

use cli::{AccessCommand, Cli, Command, ConfigCommand};
use config::Configuration;
use config::flags::Flags;
use config::print::Computed;
use config::source::Source;
use config::tree::Tree;
use confluent::{Env, environment};
use error::Error;

/// The system's allocator keeps what many threads needed at the same time.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What `weir migrate` logs if `WEIR_LOG` says nothing else: rdkafka repeats what librdkafka has said.
const MIGRATE_LOG: &str = "info,rdkafka=off";

/// Stack of a worker thread: schemas may be nested a thousand levels.
const STACK_BYTES: usize = 8 * 1024 * 1024;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("weir: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command to its end. Returns the exit code, which is not 0 where that is an answer.
fn run(command: Command) -> Result<ExitCode, Error> {
    let env = environment();
    let done = match command {
        Command::Access(AccessCommand::Check(args)) => return Ok(access_check::run(&args, &env)),
        Command::Access(AccessCommand::ImportKarapace(args)) => {
            return Ok(access_import::run(&args));
        }
        Command::Probe(args) => return Ok(probe::run(&args, &env)),
        Command::Dev(flags) => {
            let tree = config::of_dev(&flags.0, &env)?;
            log_to_stderr(&filter(&tree));
            in_runtime(async { dev::run(tree, listen::outlive_signals()).await })
        }
        Command::Serve(flags) => {
            let configuration = Configuration::of_serve(&flags.0, &env)?;
            log_to_stderr(&filter(&configuration.tree));
            in_runtime(async { serve::run(configuration, listen::outlive_signals()).await })
        }
        Command::Config(ConfigCommand::Print(flags)) => print(&flags.0, &env),
        Command::Config(ConfigCommand::Check(args)) => check(args.file, &args.flags.0, &env),
        Command::User(command) => user_command::run(command),
        Command::Key(command) => key_command::run(command),
        Command::Migrate(args) => {
            let log = env.get("WEIR_LOG").filter(|log| EnvFilter::try_new(log).is_ok());
            log_to_stderr(log.map_or(MIGRATE_LOG, String::as_str));
            in_runtime(async { migrate::run(args).await })
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// What is logged, with the access log if there is one.
fn filter(tree: &Tree) -> String {
    let log = &tree.process.log.0;
    match *tree.process.access_log {
        true => format!("{log},{ACCESS_LOG}=debug"),
        false => log.clone(),
    }
}

/// `filter` is one that can be read.
fn log_to_stderr(filter: &str) {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// Runs a command on a runtime, and does not wait for what librdkafka still tries without a broker.
fn in_runtime(command: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    rustls::crypto::ring::default_provider().install_default().expect("nobody was before us");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()
        .map_err(Error::Runtime)?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

/// `weir config print`.
fn print(flags: &Flags, env: &Env) -> Result<(), Error> {
    let configuration = Configuration::of_serve(flags, env)?;
    let computed = computed(&configuration);
    write_out(&config::print::print(&configuration.layers, &computed))
}

/// What settings that nobody has set come to on this machine.
fn computed(configuration: &Configuration) -> Computed {
    let registry = &configuration.tree.registry;
    let store = format!("{:?}", configuration.settings.store).to_lowercase();
    let from = match registry.bootstrap_servers.is_some() {
        true => Source::Implied("registry.bootstrap_servers"),
        false => Source::Default,
    };
    let limits = limits::limits(&configuration.tree.limits, weir_http::raise_descriptors());
    let per_address = limits.connections_per_address_max.to_string();
    Computed::from([
        ("registry.store", (store, from)),
        ("limits.connections_max", (limits.connections_max.to_string(), Source::Default)),
        (
            "limits.connections_per_address_max",
            (per_address, Source::Implied("limits.connections_max")),
        ),
    ])
}

/// `weir config check`.
fn check(file: Option<PathBuf>, flags: &Flags, env: &Env) -> Result<(), Error> {
    let checked = match file {
        Some(file) => Configuration::of_file(file, flags, env),
        None => Configuration::of_serve(flags, env),
    };
    match checked {
        Ok(configuration) => {
            access::check(&configuration.tree)?;
            let file = configuration.file.map(|file| file.display().to_string());
            let notes = configuration.notes.lines().into_iter();
            let notes: String = notes.map(|note| format!("note: {note}\n")).collect();
            let file = file.as_deref().unwrap_or("no file");
            write_out(&format!("{notes}{file}: nothing is wrong\n"))
        }
        // without the name of the program, so that lines are as those of a compiler
        Err(Error::Settings(problems)) => {
            write_out(&format!("{problems}\n"))?;
            Err(Error::Checked(problems.0.len()))
        }
        Err(error) => Err(error),
    }
}

fn write_out(text: &str) -> Result<(), Error> {
    std::io::stdout().write_all(text.as_bytes()).map_err(Error::Output)
}
