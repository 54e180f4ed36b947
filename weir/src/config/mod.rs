//! The configuration: one typed tree, which layers are read into. A later layer wins: defaults, the file, Confluent's
//! files of properties, Confluent's environment, `WEIR_*`, flags.
//!
//! Each setting is declared once, in `tree`. What is wrong anywhere is found at once, before anything is started.

mod check;
mod declare;
mod environment;
mod file;
pub mod flags;
pub mod layers;
mod opentelemetry;
pub mod print;
pub mod problem;
mod properties;
pub mod setting;
pub mod source;
pub mod tree;
pub mod value;

#[cfg(test)]
pub mod document;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::confluent::Env;
use crate::confluent::audit::{Notes, audit};
use crate::confluent::table::Server;
use crate::confluent::translate::{Scope, translate};
use crate::confluent::variables::Variables;
use crate::error::Error;
use crate::settings::Settings;
use flags::Flags;
use layers::Layers;
use problem::{Problem, Problems};
use source::Source;
use tree::Tree;
use value::{Given, Role};

/// Files that are read where nobody names one, the first that is there.
const USUAL_FILES: [&str; 2] = ["weir.toml", "/etc/weir/weir.toml"];

/// The settings of a process.
#[derive(Debug)]
pub struct Configuration {
    pub tree: Tree,
    /// What each part is told.
    pub settings: Settings,
    pub surroundings: Surroundings,
    /// What the tree was read from.
    pub layers: Layers,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// Files of properties that arguments have named.
    pub properties: Vec<String>,
    /// What is to be said of settings once there is a log.
    pub notes: Notes,
}

/// What the environment says beside settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// What containers are called among themselves.
    pub hostname: Option<String>,
    /// Confluent's settings that name a key store in a format that cannot be read, by the server's section.
    pub unreadable_stores: BTreeMap<&'static str, Source>,
}

impl Configuration {
    /// The settings of `weir serve`.
    pub fn of_serve(flags: &Flags, env: &Env) -> Result<Configuration, Error> {
        Configuration::read(told_file(flags, env).or_else(usual_file), flags, env)
    }

    /// The settings of `weir serve` with another file, which need not be in its place.
    pub fn of_file(file: PathBuf, flags: &Flags, env: &Env) -> Result<Configuration, Error> {
        Configuration::read(Some(file), flags, env)
    }

    fn read(file: Option<PathBuf>, flags: &Flags, env: &Env) -> Result<Configuration, Error> {
        let mut problems = Vec::new();
        let mut layers = of_file(file.as_deref(), &mut problems)?;
        let (ours, unknown) = of_weir(flags, env, &mut problems);
        let (variables, scope) = confluents(&layers, &ours, flags, env, &mut problems)?;
        let found = translate(&variables, env, &scope);
        problems.extend(found.problems);
        layers.extend(implied_roles(&variables, &scope));
        layers.extend(found.layers);
        layers.extend(ours);
        let Some(tree) = Tree::read(&layers, &mut problems) else {
            return Err(Problems::new(problems).into());
        };
        let mut notes = Notes { kafka: found.notes, unknown, ..Notes::default() };
        notes.kafka.extend(opentelemetry::notes(env));
        notes.kafka.extend(waived_in_vain(&tree, &variables));
        notes.kafka.extend(check::note_of_store(&tree, &variables));
        notes.extend(audit(&variables, &servers(&tree.process.roles), &mut problems));
        check::exclusions(&tree, &mut problems);
        check::store(&tree, &variables, &mut problems);
        check::librdkafka(&tree, &mut problems);
        if !problems.is_empty() {
            return Err(Problems::new(problems).into());
        }
        let surroundings = Surroundings {
            hostname: hostname(env, &tree),
            unreadable_stores: found.unreadable_stores,
        };
        // what is missing is looked for where nothing is wrong: it may be what was meant
        let settings = Settings::new(&tree, &surroundings)?;
        notes.kafka.extend(settings.clusters.notes.iter().cloned());
        let properties = flags.properties.clone();
        Ok(Configuration { tree, settings, surroundings, layers, file, properties, notes })
    }
}

/// The settings of `weir dev`, which Confluent's environment and files that nobody names are not for.
pub fn of_dev(flags: &Flags, env: &Env) -> Result<Tree, Error> {
    let mut problems = Vec::new();
    let mut layers = of_file(told_file(flags, env).as_deref(), &mut problems)?;
    layers.extend(of_weir(flags, env, &mut problems).0);
    let tree = Tree::read(&layers, &mut problems);
    tree.iter().for_each(|tree| check::dev(tree, &mut problems));
    tree.filter(|_| problems.is_empty()).ok_or_else(|| Problems::new(problems).into())
}

/// The filter of the log that the file of these settings has now, where none of the layers above it says another. None if
/// nothing is said there, or the file cannot be read.
pub fn log_filter_of_file(flags: &Flags, env: &Env, is_dev: bool) -> Option<String> {
    let mut problems = Vec::new();
    let file = told_file(flags, env).or_else(|| usual_file().filter(|_| !is_dev));
    let mut layers = match of_file(file.as_deref(), &mut problems) {
        Ok(layers) => layers,
        Err(error) => {
            tracing::error!("what is logged stays: {}", error.for_terminal());
            return None;
        }
    };
    layers.extend(of_weir(flags, env, &mut problems).0);
    let filter = layers.value::<value::LogFilter>("log", &mut problems);
    problems.iter().for_each(|problem| tracing::error!("settings are not read anew: {problem}"));
    filter.filter(|_| problems.is_empty()).map(|filter| filter.value.0)
}

/// The file with the rules of access control that `weir serve` reads by its file and its variables, whatever other settings say.
pub fn rules_file(env: &Env) -> Result<Option<PathBuf>, Error> {
    let mut problems = Vec::new();
    let file = told_file(&Flags::default(), env).or_else(usual_file);
    let mut layers = of_file(file.as_deref(), &mut problems)?;
    layers.extend(environment::read(env).0);
    Ok(layers.value::<Option<PathBuf>>("access.rules", &mut problems).and_then(|rules| rules.value))
}

/// The layer of a file, which is empty if there is none. A text that is not TOML ends everything.
fn of_file(path: Option<&Path>, problems: &mut Vec<Problem>) -> Result<Layers, Error> {
    match path {
        Some(path) => {
            let text = text_of(path)?;
            file::read(path, &text, problems).map_err(|problem| Problems::from(problem).into())
        }
        None => Ok(Layers::default()),
    }
}

/// Weir's own variables and the flags, and which of the variables nobody knows.
fn of_weir(flags: &Flags, env: &Env, problems: &mut Vec<Problem>) -> (Layers, Vec<String>) {
    let mut layers = opentelemetry::read(env);
    let (ours, unknown) = environment::read(env);
    layers.extend(ours);
    layers.extend(flags.layers(problems));
    (layers, unknown)
}

/// The file that a flag or a variable names.
fn told_file(flags: &Flags, env: &Env) -> Option<PathBuf> {
    let told = flags.config.as_ref().or_else(|| env.get(environment::CONFIG));
    told.filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The first of the usual files that is there.
fn usual_file() -> Option<PathBuf> {
    USUAL_FILES.map(PathBuf::from).into_iter().find(|path| path.is_file())
}

/// Bytes of a file with settings, at most.
const SETTINGS_BYTES_MAX: u64 = 4 * 1024 * 1024;

fn text_of(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::ReadFile { path: path.to_path_buf(), source };
    let bytes = weir_http::read_file(path, SETTINGS_BYTES_MAX).map_err(failed)?;
    String::from_utf8(bytes)
        .map_err(|_| failed(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8")))
}

/// Confluent's settings, and whose of them count, which the other layers say too. Problems of servers that do not run are none.
fn confluents(
    file: &Layers,
    ours: &Layers,
    flags: &Flags,
    env: &Env,
    problems: &mut Vec<Problem>,
) -> Result<(Variables, Scope), Error> {
    let mut others = file.clone();
    others.extend(ours.clone());
    // what is wrong with these is found when the tree is read
    let roles = others.value::<Vec<Role>>("roles", &mut Vec::new());
    let said = others.has("roles").then(|| servers(roles.as_deref().map_or(&[], Vec::as_slice)));
    let waived = others.value::<Vec<String>>("ignore_settings", &mut Vec::new());
    let waived = waived.map(|waived| waived.value).unwrap_or_default();
    let files = properties::files(&others, &flags.properties, said.as_deref(), problems)?;
    let (variables, faults) = Variables::read(env, &files, &waived);
    let of_one = || variables.only_server().map(|(server, _)| vec![server]);
    let servers = said.or_else(of_one).unwrap_or_else(|| BOTH.to_vec());
    let faults = faults.into_iter().filter(|(server, _)| servers.contains(server));
    problems.extend(faults.map(|(_, problem)| problem));
    Ok((variables, Scope { servers, others }))
}

/// Notes about settings that are to be passed over and are not there: names are easily misspelt.
fn waived_in_vain(tree: &Tree, variables: &Variables) -> Vec<String> {
    let is_there = |name: &&String| {
        let sources = variables.waived.iter().map(|(_, property)| property);
        sources.clone().any(|it| it.name == **name || it.source.to_string() == **name)
    };
    let in_vain = tree.process.ignore_settings.iter().filter(|name| !is_there(name));
    in_vain.map(|name| format!("--ignore-setting {name}: there is no such setting")).collect()
}

const BOTH: [Server; 2] = [Server::Registry, Server::Proxy];

/// The role that settings of only one of Confluent's servers imply, where no other layer says any.
fn implied_roles(variables: &Variables, scope: &Scope) -> Layers {
    let mut layers = Layers::default();
    let implied = variables.only_server().filter(|_| !scope.others.has("roles"));
    if let (Some((server, property)), Some(setting)) = (implied, tree::find("roles")) {
        let role = if server == Server::Proxy { "proxy" } else { "registry" };
        layers.push(setting, Given::of_text(setting, role, &property.source));
    }
    layers
}

/// What this machine is called among containers; where Confluent's settings say where to listen, as the reference, its name.
fn hostname(env: &Env, tree: &Tree) -> Option<String> {
    let told = env.get("HOSTNAME").cloned();
    let own = || {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        name.filter(|_| tree.registry.listeners.source.is_confluents())
    };
    let name = told.or_else(own)?.trim().to_string();
    Some(name).filter(|name| !name.is_empty())
}

fn servers(roles: &[Role]) -> Vec<Server> {
    let servers = [(Role::Registry, Server::Registry), (Role::Proxy, Server::Proxy)];
    let runs = servers.into_iter().filter(|(role, _)| roles.contains(role));
    runs.map(|(_, server)| server).collect()
}

#[cfg(test)]
pub mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    /// The flags of `weir serve`.
    pub fn flags(given: &[&str]) -> Flags {
        let Command::Serve(args) = Cli::parse_from(["weir", "serve"].iter().chain(given)).command
        else {
            unreachable!("serve was asked for")
        };
        args.flags()
    }

    pub fn env(vars: &[(&str, &str)]) -> Env {
        vars.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn every_default_is_a_value_of_its_setting() {
        let mut problems = Vec::new();
        let tree = Tree::read(&Layers::default(), &mut problems);
        assert!(tree.is_some() && problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn defaults_are_those_of_the_parts_that_have_them() {
        let tree = Tree::read(&Layers::default(), &mut Vec::new()).unwrap();
        let usual = weir_http::Limits::for_descriptors(1024);
        assert_eq!(crate::limits::limits(&tree.limits, 1024), usual);
        let options = weir_registry::Options::default();
        assert_eq!(*tree.registry.request_steps_max, options.request_limits.steps);
        assert_eq!(*tree.registry.request_bytes_max, options.request_limits.bytes);
        assert_eq!(*tree.registry.body_bytes_max, options.body_bytes_max);
        assert_eq!(*tree.registry.compatibility_level, options.default_level);
        let log = weir_registry::log::KafkaConfig::new(weir_kafka::Settings::default());
        let of_tree = crate::kafkastore::log(&tree, &log.kafka);
        assert_eq!((of_tree.topic, of_tree.group), (log.topic, log.group));
        assert_eq!(of_tree.replication_factor, log.replication_factor);
        assert_eq!(of_tree.init_timeout, log.init_timeout);
    }

    #[test]
    fn a_later_layer_wins() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("weir.toml");
        std::fs::write(&file, "[registry]\nschemas_topic = 'file'\nnever_lead = true").unwrap();
        let topic = |given: &[&str], vars: &[(&str, &str)]| {
            let given = [&["--roles", "registry", "--store", "memory"], given].concat();
            let read = Configuration::of_file(file.clone(), &flags(&given), &env(vars));
            let topic = read.unwrap().tree.registry.schemas_topic;
            (topic.value, topic.source.to_string().replace(&file.display().to_string(), "FILE"))
        };
        let is = |value: &str, source: &str| (value.to_string(), source.to_string());
        let confluents = ("SCHEMA_REGISTRY_KAFKASTORE_TOPIC", "confluent");
        let ours = ("WEIR_SCHEMAS_TOPIC", "variable");
        let flag = ["--schemas-topic", "flag"];
        assert_eq!(topic(&[], &[]), is("file", "FILE:2"));
        assert_eq!(topic(&[], &[confluents]), is("confluent", confluents.0));
        assert_eq!(topic(&[], &[confluents, ours]), is("variable", ours.0));
        assert_eq!(topic(&flag, &[confluents, ours]), is("flag", "--schemas-topic"));
    }

    #[test]
    fn names_and_variables_of_settings_are_unique() {
        let variables = tree::SETTINGS.iter().map(setting::Setting::variable);
        let names = tree::SETTINGS.iter().flat_map(|setting| [setting.key, setting.flag]);
        let mut all: Vec<String> = variables.chain(names.map(str::to_string)).collect();
        // at the top of a file, a key may be as its flag
        all.sort();
        let twice: Vec<_> = all.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(
            twice.iter().all(|pair| ["roles", "insecure", "log", "ephemeral"].contains(&&*pair[0])),
            "{twice:?}"
        );
        for setting in tree::SETTINGS {
            assert!(!setting.help.is_empty() && !setting.flag.is_empty(), "{}", setting.key);
        }
    }
}
