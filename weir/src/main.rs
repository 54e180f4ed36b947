//! `weir`: a schema registry and an HTTP gateway for Kafka.
//!
//! `weir dev` runs everything on one machine with nothing beside it, `weir serve` runs against a real Kafka, `weir config`
//! shows and checks settings, `weir access` asks the rules, `weir migrate` copies registries. This crate reads the configuration, opens listeners, and puts
//! registry and proxy together.

mod access_check;
mod access_import;
mod added_headers;
mod admission;
mod cli;
mod clusters;
mod config;
mod confluent;
mod cors;
mod dev;
#[cfg(test)]
mod documented;
mod error;
mod face;
mod face_tls;
mod files;
mod health;
mod kafka_names;
mod kafka_own;
mod kafka_security;
mod kafkastore;
mod key_command;
mod limits;
mod listen;
mod listener_params;
mod listeners;
mod log;
mod management;
mod manual;
mod metrics;
mod migrate;
mod otlp;
mod parts;
mod probe;
mod process_metrics;
mod serve;
mod served;
mod settings;
mod shown_url;
mod systemd;
mod table;
mod tls;
mod user_command;
mod version;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use cli::{AccessCommand, Cli, Command, ConfigCommand, ExplainArgs};
use config::Configuration;
use config::flags::Flags;
use config::print::Computed;
use config::source::Source;
use config::value::check_log_filter;
use confluent::{Env, environment, explain};
use error::Error;
use log::{Log, LogSettings};

/// The system's allocator keeps what many threads needed at the same time.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The exit code of a command line that cannot be understood.
const USAGE: u8 = 2;

/// What `weir migrate` logs if `WEIR_LOG` says nothing else: rdkafka repeats what librdkafka has said.
const MIGRATE_LOG: &str = "info,rdkafka=off";

/// Stack of a worker thread: schemas may be nested a thousand levels.
const STACK_BYTES: usize = 8 * 1024 * 1024;

fn main() -> ExitCode {
    version::BUILD.name();
    let cli = match Cli::try_parse_from(arguments(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            let text = error.to_string();
            eprint!("weir: {}", text.strip_prefix("error: ").unwrap_or(&text));
            return ExitCode::from(USAGE);
        }
        // what was asked for: help, or the version
        Err(asked) => {
            let _ = asked.print(); // nobody may be reading
            return ExitCode::SUCCESS;
        }
    };
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}", log::last_line(&error.for_terminal()));
            ExitCode::FAILURE
        }
    }
}

/// The arguments of `weir`. Under the name of one of Confluent's start scripts, it is `weir serve` for that server alone.
fn arguments(given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut given: Vec<OsString> = given.collect();
    let name = given.first().map(Path::new).and_then(Path::file_name);
    let role = match name.and_then(OsStr::to_str) {
        Some("schema-registry-start") => "registry",
        Some("kafka-rest-start") => "proxy",
        _ => return given,
    };
    let command = ["serve", "--roles", role].map(OsString::from);
    given.splice(1..1, command);
    given
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
            let _log = Log::start(LogSettings::of(&tree))?;
            in_runtime(async {
                let hangups = listen::outlive_signals();
                log::follow_file(&hangups, move || {
                    config::log_filter_of_file(&flags.0, &env, true)
                });
                dev::run(tree, hangups).await
            })
        }
        Command::Serve(flags) => {
            let flags = flags.flags();
            let configuration = Configuration::of_serve(&flags, &env)?;
            let _log = Log::start(LogSettings::of(&configuration.tree))?;
            in_runtime(async {
                let hangups = listen::outlive_signals();
                log::follow_file(&hangups, move || config::log_filter_of_file(&flags, &env, false));
                serve::run(configuration, hangups).await
            })
        }
        Command::Config(ConfigCommand::Print(flags)) => print(&flags.0, &env),
        Command::Config(ConfigCommand::Check(args)) => check(args.file, args.flags.0, &env),
        Command::Config(ConfigCommand::Explain(args)) => return explain(&args),
        Command::User(command) => user_command::run(command),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::man(folder.as_deref()),
        Command::Key(command) => key_command::run(command),
        Command::Migrate(args) => {
            let log = env.get("WEIR_LOG").filter(|log| check_log_filter(log).is_ok());
            let log = log.map_or(MIGRATE_LOG, String::as_str);
            let _log = Log::start(LogSettings::of_command(log))?;
            in_runtime(async { migrate::run(args).await })
        }
    };
    done.map(|()| ExitCode::SUCCESS)
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
    let mut computed = Computed::from([
        ("registry.store", (store, from)),
        ("limits.connections_max", (limits.connections_max.to_string(), Source::Default)),
        (
            "limits.connections_per_address_max",
            (per_address, Source::Implied("limits.connections_max")),
        ),
    ]);
    let settings = &configuration.settings;
    for (face, key) in
        [(&settings.registry, "registry.listeners"), (&settings.proxy, "proxy.listeners")]
    {
        if face.listeners.iter().any(|listener| listener.as_before && listener.url.is_exposed()) {
            computed.insert("insecure", ("true".to_string(), Source::Implied(key)));
        }
    }
    computed
}

/// `weir config check`.
fn check(file: Option<PathBuf>, mut flags: Flags, env: &Env) -> Result<(), Error> {
    let is_properties = |file: &PathBuf| file.extension().is_some_and(|end| end == "properties");
    let checked = match file {
        Some(file) if is_properties(&file) => {
            flags.properties.push(file.to_string_lossy().into_owned());
            Configuration::of_serve(&flags, env)
        }
        Some(file) => Configuration::of_file(file, &flags, env),
        None => Configuration::of_serve(&flags, env),
    };
    match checked {
        Ok(configuration) => {
            admission::check(&configuration.tree)?;
            let file = configuration.file.map(|file| file.display().to_string());
            let notes = configuration.notes.lines().into_iter();
            let notes: String = notes.map(|note| format!("note: {note}\n")).collect();
            let file = file.as_deref().unwrap_or("no weir.toml");
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

/// `weir config explain`.
fn explain(args: &ExplainArgs) -> Result<ExitCode, Error> {
    let (text, is_known) = match &args.name {
        Some(name) => explain::one(name),
        None if args.all => (explain::all(), true),
        None => (explain::counts(), true),
    };
    write_out(&text)?;
    Ok(if is_known { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn write_out(text: &str) -> Result<(), Error> {
    std::io::stdout().write_all(text.as_bytes()).map_err(Error::Output)
}
