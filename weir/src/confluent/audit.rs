//! Looks through Confluent's variables before anything is started: those that would leave the server more
//! open than it was end the start, the others are named once. Values are not printed.

use super::table::{Server, Verdict, find};
use super::{Env, PROXY_PREFIX, REGISTRY_PREFIX, property};
use crate::config::problem::Problem;
use crate::config::source::Source;

/// Parts of the names of settings that restrict access. One of them in a name that nobody knows ends the
/// start: it may be the one thing between the server and everybody.
const RESTRICTING: [&str; 14] = [
    "acl",
    "allowlist",
    "auth",
    "authentication",
    "authorizer",
    "authorization",
    "blocklist",
    "jaas",
    "oauth",
    "rbac",
    "sasl",
    "security",
    "ssl",
    "tls",
];

/// What the variables of the proxy's scripts begin with.
const PROXY_SCRIPTS: &str = "KAFKAREST_";

/// The option of the JVM that names a JAAS file.
pub const LOGIN_FILE_OPTION: &str = "java.security.auth.login.config";

const LOGIN_FILE: &str = "a file for Java's login is not read. The login to Kafka goes into SCHEMA_REGISTRY_KAFKASTORE_SASL_JAAS_CONFIG or \
                          KAFKA_REST_CLIENT_SASL_JAAS_CONFIG; if the file has users of the server, say access.users";

/// What is said of settings at the start, by variables' names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Variables without effect, and why.
    pub ignored: Vec<(String, &'static str)>,
    /// Variables that nobody knows.
    pub unknown: Vec<String>,
    /// Settings of Kafka's clients that are ignored, and why.
    pub kafka: Vec<String>,
}

impl Notes {
    /// Writes them to the log.
    pub fn say(&self) {
        self.kafka.iter().for_each(|note| tracing::warn!("{note}"));
        for (name, why) in &self.ignored {
            tracing::info!("{name} has no effect: {why}");
        }
        if !self.unknown.is_empty() {
            tracing::warn!(names = self.unknown.join(", "), "settings that nobody here knows");
        }
    }

    /// Returns them as lines.
    pub fn lines(&self) -> Vec<String> {
        let ignored = self.ignored.iter().map(|(name, why)| format!("{name} has no effect: {why}"));
        let unknown =
            self.unknown.iter().map(|name| format!("{name}: nobody here knows this setting"));
        self.kafka.iter().cloned().chain(ignored).chain(unknown).collect()
    }

    /// Adds others.
    pub fn extend(&mut self, others: Notes) {
        self.ignored.extend(others.ignored);
        self.unknown.extend(others.unknown);
        self.kafka.extend(others.kafka);
    }
}

/// Looks at the variables of the servers that are to run. `waived`: variables that may be ignored
/// whatever they would do. What ends the start is added to `problems`.
pub fn audit(
    env: &Env,
    servers: &[Server],
    waived: &[String],
    problems: &mut Vec<Problem>,
) -> Notes {
    let mut notes = Notes::default();
    let mut refuse = |variable: &String, why: &str| {
        let source = Some(Source::Confluent(variable.clone()));
        problems.push(Problem { source, text: why.to_string(), waivable: true });
    };
    for (variable, value) in env.iter().filter(|(name, value)| !is_service_link(name, value)) {
        let Some((server, name)) = of_server(variable).filter(|(s, _)| servers.contains(s)) else {
            continue;
        };
        if waived.contains(variable) {
            notes.ignored.push((variable.clone(), "--ignore-setting says so"));
            continue;
        }
        match find(server, &name).map(|setting| setting.verdict) {
            Some(Verdict::Understood(_)) => {}
            Some(Verdict::Ignored(_)) if names_login_file(&name, value) => {
                // where passwords are asked for, it is read for that
                if !asks_for_passwords(env, server) {
                    refuse(variable, LOGIN_FILE);
                }
            }
            Some(Verdict::Ignored(why)) => notes.ignored.push((variable.clone(), why)),
            Some(Verdict::Refused { unless, instead }) => {
                if !allows(unless, value) && !is_superseded(env, &name) {
                    refuse(variable, instead);
                }
            }
            None if restricts(&name) && !value.trim().is_empty() => {
                let why = "nobody here knows this setting, and by its name it restricts access";
                refuse(variable, why);
            }
            None => notes.unknown.push(variable.clone()),
        }
    }
    notes
}

/// Which server's a variable is, and the property that it stands for; none if it is neither server's.
pub fn of_server(variable: &str) -> Option<(Server, String)> {
    // which the registry reads itself, without a prefix
    if variable == "METADATA_ENCODER_SECRET" {
        return Some((Server::Registry, "metadata.encoder.secret".to_string()));
    }
    let registry = variable.strip_prefix(REGISTRY_PREFIX).map(|name| (Server::Registry, name));
    // the proxy's image has two prefixes: one of settings, one of what its scripts read
    let of_proxy =
        || variable.strip_prefix(PROXY_PREFIX).or_else(|| variable.strip_prefix(PROXY_SCRIPTS));
    let proxy = || of_proxy().map(|name| (Server::Proxy, name));
    registry.or_else(proxy).map(|(server, name)| (server, property(name)))
}

/// Whether a list of harmless values has all of this one's.
fn allows(unless: &[&str], value: &str) -> bool {
    value.split(',').all(|part| unless.contains(&part.trim().to_ascii_lowercase().as_str()))
}

/// ZooKeeper's address beside the brokers' is left over from an older release.
fn is_superseded(env: &Env, name: &str) -> bool {
    let brokers = format!("{REGISTRY_PREFIX}KAFKASTORE_BOOTSTRAP_SERVERS");
    name == "kafkastore.connection.url" && super::var(env, &brokers).is_some()
}

/// Options of the JVM may name a file with the login to Kafka, or with the users that may enter.
fn names_login_file(name: &str, value: &str) -> bool {
    name == "opts" && value.contains(LOGIN_FILE_OPTION)
}

fn asks_for_passwords(env: &Env, server: Server) -> bool {
    let prefix = if server == Server::Proxy { PROXY_PREFIX } else { REGISTRY_PREFIX };
    let method = super::var(env, &format!("{prefix}AUTHENTICATION_METHOD"));
    method.is_some_and(|method| method.eq_ignore_ascii_case("BASIC"))
}

fn restricts(name: &str) -> bool {
    name.split(['.', '-', '_']).any(|part| RESTRICTING.contains(&part))
}

/// Returns true of what Kubernetes tells each pod about services: one that is called `schema-registry` makes variables
/// that look like settings.
pub fn is_service_link(name: &str, value: &str) -> bool {
    let is_port = |rest: &str| {
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        digits.len() < rest.len() && (digits.starts_with("_TCP") || digits.starts_with("_UDP"))
    };
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || ["tcp://", "udp://"].iter().any(|scheme| value.starts_with(scheme))
        || name.match_indices("_PORT_").any(|(at, text)| is_port(&name[at + text.len()..]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::problem::Problems;
    use crate::confluent::table::{Setting, TABLE};

    const BOTH: [Server; 2] = [Server::Registry, Server::Proxy];

    fn looked(vars: &[(&str, &str)], waived: &[&str]) -> Result<Notes, String> {
        let env = vars.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let waived: Vec<_> = waived.iter().map(ToString::to_string).collect();
        audited(&env, &BOTH, &waived)
    }

    fn audited(env: &Env, servers: &[Server], waived: &[String]) -> Result<Notes, String> {
        let mut problems = Vec::new();
        let notes = audit(env, servers, waived, &mut problems);
        match problems.is_empty() {
            true => Ok(notes),
            false => Err(Problems(problems).to_string()),
        }
    }

    #[test]
    fn settings_that_restrict_access_end_the_start_and_their_values_are_not_shown() {
        for (name, value) in [
            ("SCHEMA_REGISTRY_AUTHENTICATION_METHOD", "BEARER"),
            ("KAFKA_REST_AUTHENTICATION_METHOD", "LDAP"),
            ("KAFKA_REST_API_ENDPOINTS_BLOCKLIST", "api.v3.acls.*"),
            ("KAFKA_REST_API_ENDPOINTS_ALLOWLIST", "api.v3.topics.list"),
            ("SCHEMA_REGISTRY_CONFLUENT_SCHEMA_REGISTRY_AUTHORIZER_CLASS", "io.confluent.A"),
            ("KAFKA_REST_KAFKA_REST_RESOURCE_EXTENSION_CLASS", "io.confluent.Security"),
            ("SCHEMA_REGISTRY_REST_SERVLET_INITIALIZOR_CLASSES", "io.confluent.OAuthHandler"),
            (
                "SCHEMA_REGISTRY_RESOURCE_EXTENSION_CLASS",
                "io.confluent.dekregistry.DekRegistryResourceExtension,io.confluent.Security",
            ),
            ("SCHEMA_REGISTRY_METADATA_ENCODER_SECRET", "hunter2"),
            ("METADATA_ENCODER_SECRET", "hunter2"),
            ("SCHEMA_REGISTRY_OPTS", "-Djava.security.auth.login.config=/hunter2"),
            ("KAFKAREST_OPTS", "-Djava.security.auth.login.config=/hunter2"),
            // nobody's names
            ("SCHEMA_REGISTRY_CLIENT_AUTHENTICATION", "hunter2"),
            ("KAFKA_REST_NEW_SECURITY_FEATURE", "hunter2"),
        ] {
            let error = looked(&[(name, value)], &[]).unwrap_err();
            assert!(error.contains(name) && error.contains("--ignore-setting"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
            assert!(looked(&[(name, value)], &[name]).is_ok(), "{name}");
        }
    }

    #[test]
    fn settings_that_restrict_nothing_do_not() {
        for (name, value) in [
            ("SCHEMA_REGISTRY_AUTHENTICATION_METHOD", "none"),
            ("SCHEMA_REGISTRY_AUTHENTICATION_METHOD", ""),
            ("SCHEMA_REGISTRY_SSL_CLIENT_AUTH", "FALSE"),
            ("SCHEMA_REGISTRY_SSL_TRUSTSTORE_PASSWORD", "hunter2"),
            ("SCHEMA_REGISTRY_HEAP_OPTS", "-Xmx512M"),
            ("SCHEMA_REGISTRY_HOST_NAME", "sr"),
            ("SCHEMA_REGISTRY_NO_SUCH_NAME", "1"),
            ("SCHEMA_REGISTRY_PORT", "tcp://10.0.0.1:8081"),
            ("SCHEMA_REGISTRY_AUTH_SERVICE_HOST", "10.0.0.1"),
            ("SCHEMA_REGISTRY_AUTH_PORT_8081_TCP_PROTO", "tcp"),
            ("PATH", "/bin"),
        ] {
            assert!(looked(&[(name, value)], &[]).is_ok(), "{name}");
        }
        let notes = looked(&[("SCHEMA_REGISTRY_GROUP_ID", "g")], &[]).unwrap();
        assert_eq!(notes.unknown, ["SCHEMA_REGISTRY_GROUP_ID"]);
        let notes = looked(&[("KAFKAREST_HEAP_OPTS", "-Xmx256M")], &[]).unwrap();
        assert_eq!(notes.ignored[0].0, "KAFKAREST_HEAP_OPTS");
    }

    #[test]
    fn zookeeper_alone_is_refused_and_beside_the_brokers_is_not() {
        let zookeeper = ("SCHEMA_REGISTRY_KAFKASTORE_CONNECTION_URL", "zk:2181");
        let error = looked(&[zookeeper], &[]).unwrap_err();
        assert!(error.contains("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS"), "{error}");
        let brokers = ("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "PLAINTEXT://k:9092");
        assert!(looked(&[zookeeper, brokers], &[]).is_ok());
    }

    #[test]
    fn only_the_servers_that_run_count() {
        let env =
            Env::from([("KAFKA_REST_AUTHENTICATION_METHOD".to_string(), "BEARER".to_string())]);
        assert!(audited(&env, &[Server::Registry], &[]).is_ok());
        assert!(audited(&env, &[Server::Proxy], &[]).is_err());
    }

    /// Lines of tables, as docs/settings.md has them.
    fn documented() -> String {
        let line = |setting: &Setting| {
            let server = match setting.server {
                Server::Registry => "registry",
                Server::Proxy => "proxy",
                Server::Both => "both",
            };
            let values = |unless: &[&str]| {
                let shown: Vec<_> = unless
                    .iter()
                    .filter(|value| !value.is_empty())
                    .map(|value| format!("`{value}`"))
                    .collect();
                if shown.is_empty() { "-".to_string() } else { shown.join(", ") }
            };
            let name = setting.name;
            match setting.verdict {
                Verdict::Understood(how) => format!("| `{name}` | {server} | {how} |\n"),
                Verdict::Ignored(why) => format!("| `{name}` | {server} | {why} |\n"),
                Verdict::Refused { unless, instead } => {
                    format!("| `{name}` | {server} | {} | {instead} |\n", values(unless))
                }
            }
        };
        let of = |is: fn(&Verdict) -> bool| {
            TABLE.iter().filter(|s| is(&s.verdict)).map(line).collect::<String>()
        };
        format!(
            "## Understood\n\n| setting | of | in Weir |\n|---|---|---|\n{}\n\
             ## Refused at the start\n\n| setting | of | harmless values | what to do |\n|---|---|---|---|\n{}\n\
             ## Without effect\n\n| setting | of | why |\n|---|---|---|\n{}",
            of(|v| matches!(v, Verdict::Understood(_))),
            of(|v| matches!(v, Verdict::Refused { .. })),
            of(|v| matches!(v, Verdict::Ignored(_))),
        )
    }

    /// `WEIR_WRITE_DOCS=1` writes them.
    #[test]
    fn the_document_has_the_table() {
        const MARK: &str = "## Understood\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/settings.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (head, _) = text.split_once(MARK).unwrap();
        let expected = format!("{head}{}", documented());
        if std::env::var_os("WEIR_WRITE_DOCS").is_some() {
            std::fs::write(path, &expected).unwrap();
        }
        assert!(text == expected, "docs/settings.md is not what the table says: WEIR_WRITE_DOCS=1");
    }

    #[test]
    fn no_name_stands_twice() {
        let mut seen = BTreeSet::new();
        for setting in TABLE {
            let server = format!("{:?}", setting.server);
            assert!(seen.insert((server, setting.name)), "{}", setting.name);
        }
    }
}
