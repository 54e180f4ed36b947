//! The command line. The flags of settings are made of their declarations, in `config`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use weir_access::Action;

use crate::config::flags::{DevFlags, Flags, ServeFlags};
use crate::key_command::KeyCommand;
use crate::user_command::UserCommand;
use crate::version;

/// A schema registry and an HTTP gateway for Kafka in one binary.
#[derive(Parser)]
#[command(name = "weir", version = version::LONG)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run everything on this machine: registry, REST proxy and a Kafka broker for development.
    Dev(DevFlags),
    /// Run the registry, the REST proxy or both against a real Kafka.
    ///
    /// Settings come from flags, variables and files; a flag wins over WEIR_*, that over Confluent's variables, these
    /// over Confluent's files of properties, and these over weir.toml.
    Serve(ServeArgs),
    /// Ask a server how it is, for health checks of containers and for scripts: print one line, exit 0 if it is as it should
    /// be, else 1.
    Probe(ProbeArgs),
    /// Show the settings that `weir serve` would have, or what is wrong with them.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Change or show the users file: who may log in with a password. Passwords are never arguments.
    #[command(subcommand)]
    User(UserCommand),
    /// Change or show the keys file: the API keys of programs.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Ask the rules of access control who may do what.
    #[command(subcommand)]
    Access(AccessCommand),
    /// Copy a registry: from Confluent, Karapace, Redpanda or Weir, from a topic, a folder or a file,
    /// to any of these; or compare two.
    Migrate(MigrateArgs),
    /// Print a script that completes the command line of `weir` in a shell.
    ///
    /// bash: weir completions bash > /etc/bash_completion.d/weir
    Completions {
        /// The shell that reads the script.
        shell: Shell,
    },
    /// Print the manual page of `weir`, or write those of all commands into FOLDER.
    #[command(hide = true)]
    Man {
        /// The folder, which is made if it is not there.
        folder: Option<PathBuf>,
    },
}

#[derive(Args)]
pub struct ServeArgs {
    /// A file with the settings of Confluent's registry or REST proxy (schema-registry.properties, kafka-rest.properties); or one
    /// of each.
    #[arg(id = "properties_files", value_name = "FILE.properties", num_args = 0..=2)]
    pub properties: Vec<String>,
    #[command(flatten)]
    pub flags: ServeFlags,
}

impl ServeArgs {
    /// The flags with the files.
    pub fn flags(self) -> Flags {
        let ServeFlags(mut flags) = self.flags;
        flags.properties = self.properties;
        flags
    }
}

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Print all settings with their values and where each comes from, secrets masked. The output is a file that Weir
    /// reads, but for the secrets. Exit code 0, or 1 if settings are wrong.
    Print(ServeFlags),
    /// Say what is wrong with the settings, with line and column, and start nothing. Exit code 0 if nothing is, 1 if something
    /// is.
    Check(CheckArgs),
    /// Say what a setting of Confluent's servers is to Weir: understood, answered differently, refused or without effect, and why.
    /// Exit code 0, or 1 if nobody knows it.
    Explain(ExplainArgs),
}

#[derive(Args)]
pub struct ExplainArgs {
    /// A variable or a property: SCHEMA_REGISTRY_HOST_NAME, KAFKA_REST_CLIENT_SASL_JAAS_CONFIG, kafkastore.topic. Without it, how many
    /// settings of Confluent's servers are what.
    pub name: Option<String>,
    /// List all settings.
    #[arg(long, conflicts_with = "name")]
    pub all: bool,
}

#[derive(Args)]
pub struct ProbeArgs {
    /// Where to ask: http[s]://HOST:PORT, with the path of the service if it has one [default: the management listener of
    /// `weir serve` with the same settings, else the listeners of what it runs].
    pub url: Option<String>,
    /// Ask whether requests may come: /readyz [default].
    #[arg(long, group = "probe")]
    pub ready: bool,
    /// Ask whether it is alive: /healthz.
    #[arg(long, group = "probe")]
    pub live: bool,
    /// Ask whether it has started: /startupz.
    #[arg(long, group = "probe")]
    pub startup: bool,
    /// How long each answer may take [unit: milliseconds].
    #[arg(long, value_name = "NUMBER", default_value_t = 2000)]
    pub timeout_ms: u64,
    #[command(flatten)]
    pub flags: ServeFlags,
}

impl ProbeArgs {
    /// The path of what is asked.
    pub fn path(&self) -> &'static str {
        match (self.live, self.startup) {
            (true, _) => "/healthz",
            (_, true) => "/startupz",
            _ => "/readyz",
        }
    }
}

#[derive(Args)]
pub struct CheckArgs {
    /// The file to check, weir.toml or Confluent's FILE.properties [default: the one that `weir serve` would read].
    #[arg(id = "checked", value_name = "FILE")]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub flags: ServeFlags,
}

#[derive(Subcommand)]
pub enum AccessCommand {
    /// Say whether PRINCIPAL may do ACTION on RESOURCE, and which rule says so; without them, what is wrong with the rules, with
    /// line and column. Exit code 0 if it is allowed or nothing is wrong, 1 if it is denied, 2 if something is wrong.
    Check(AccessCheckArgs),
    /// Print rules for the permissions of Karapace's auth file. Exit code 0, 1 if some of them cannot be said as rules, which
    /// are named on stderr, 2 if the file cannot be read.
    ImportKarapace(ImportKarapaceArgs),
}

#[derive(Args)]
pub struct ImportKarapaceArgs {
    /// Karapace's auth file, which its `registry_authfile` names.
    pub file: PathBuf,
}

#[derive(Args)]
pub struct AccessCheckArgs {
    /// A principal: user:alice or alice; anonymous is who has not logged in.
    #[arg(requires = "action")]
    pub principal: Option<String>,
    /// read, write, delete, configure or admin.
    #[arg(requires = "resource")]
    pub action: Option<Action>,
    /// KIND:NAME, with subject, context, topic, group, transactional-id or cluster as KIND: subject:orders-value.
    pub resource: Option<String>,
    /// The rules [default: the file that access.rules names for `weir serve`].
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// A group that the principal is in; may be given often.
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// A role that the principal's login gives it; may be given often.
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
}

#[derive(Args)]
pub struct MigrateArgs {
    /// What is copied: http[s]://[user:password@]host:port (a running registry),
    /// kafka://host:port,.../topic, sled:FOLDER (of a weir that does not run), a file, or - (stdin).
    #[arg(long, value_name = "SOURCE")]
    pub from: String,
    /// Where to, in the same words; - is stdout.
    #[arg(long, value_name = "TARGET")]
    pub to: String,
    /// Afterwards, read both anew and compare them.
    #[arg(long)]
    pub verify: bool,
    /// Compare them, and change nothing.
    #[arg(long, conflicts_with_all = ["verify", "force"])]
    pub verify_only: bool,
    /// Copy to a target that is not empty: to go on after an interruption.
    #[arg(long)]
    pub force: bool,
    /// Copy subjects of contexts to a registry that knows none (Karapace): they become subjects with
    /// colons in their names, and their ids may take the place of others.
    #[arg(long)]
    pub contexts_as_names: bool,
    /// A setting of librdkafka's for kafka://, name=value; may be given often.
    #[arg(long = "kafka", value_name = "NAME=VALUE")]
    pub kafka: Vec<String>,
    /// Certificates (PEM) to trust for https://, instead of the system's.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}
