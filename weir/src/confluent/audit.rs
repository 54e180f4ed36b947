//! Looks through Confluent's settings before anything is started: those that would leave the server more
//! open than it was end the start, the others are named once. Values are not printed.

use weir_access::nearest;

use super::reference;
use super::table::{Server, Verdict, find};
use super::variables::{Property, Variables, variable_of};
use crate::config::problem::Problem;

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

/// The option of the JVM that names a JAAS file.
pub const LOGIN_FILE_OPTION: &str = "java.security.auth.login.config";

/// What is said of settings at the start, by where they stand.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Settings that do something else than in the reference, and why.
    pub different: Vec<(String, &'static str)>,
    /// Settings without effect, and why.
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
        for (name, why) in &self.different {
            tracing::warn!("{name} is answered differently: {why}");
        }
        for (name, why) in &self.ignored {
            tracing::info!("{name} has no effect: {why}");
        }
        if !self.unknown.is_empty() {
            tracing::warn!(names = self.unknown.join(", "), "settings that nobody here knows");
        }
    }

    /// Returns them as lines.
    pub fn lines(&self) -> Vec<String> {
        let line = |what: &'static str| {
            move |(name, why): &(String, &'static str)| format!("{name} {what}: {why}")
        };
        let different = self.different.iter().map(line("is answered differently"));
        let ignored = self.ignored.iter().map(line("has no effect"));
        let unknown =
            self.unknown.iter().map(|name| format!("{name}: nobody here knows this setting"));
        self.kafka.iter().cloned().chain(different).chain(ignored).chain(unknown).collect()
    }

    /// Adds others.
    pub fn extend(&mut self, others: Notes) {
        self.different.extend(others.different);
        self.ignored.extend(others.ignored);
        self.unknown.extend(others.unknown);
        self.kafka.extend(others.kafka);
    }
}

/// Looks at the settings of the servers that are to run. What ends the start is added to `problems`.
pub fn audit(variables: &Variables, servers: &[Server], problems: &mut Vec<Problem>) -> Notes {
    let mut notes = Notes::default();
    let waived = variables.waived.iter().filter(|(server, _)| servers.contains(server));
    notes.ignored.extend(
        waived.map(|(_, property)| (property.source.to_string(), "--ignore-setting says so")),
    );
    for server in servers {
        for property in variables.all(*server) {
            look(*server, property, variables, &mut notes, problems);
        }
    }
    notes
}

fn look(
    server: Server,
    property: &Property,
    variables: &Variables,
    notes: &mut Notes,
    problems: &mut Vec<Problem>,
) {
    let Property { source, name, value } = property;
    let mut refuse = |why: &str| {
        let (source, text) = (Some(source.clone()), why.to_string());
        problems.push(Problem { source, text, waivable: true });
    };
    match find(server, name).map(|setting| setting.verdict) {
        Some(Verdict::Understood(_)) => {}
        // it is read: see `login`
        Some(Verdict::Ignored(_)) if names_login_file(name, value) => {}
        Some(Verdict::Ignored(why)) => notes.ignored.push((source.to_string(), why)),
        Some(Verdict::Differs { unless, why }) => {
            if !allows(unless, value) {
                notes.different.push((source.to_string(), why));
            }
        }
        Some(Verdict::Refused { unless, instead }) => {
            if !allows(unless, value) && !is_superseded(variables, name) {
                refuse(instead);
            }
        }
        None if restricts(name) && !value.trim().is_empty() => {
            refuse("nobody here knows this setting, and by its name it restricts access");
        }
        None => notes.unknown.push(match meant(server, name) {
            Some(meant) => format!("{source} (did you mean {meant}?)"),
            None => source.to_string(),
        }),
    }
}

/// The variable of the reference whose name is closest to a property's, if one is close.
fn meant(server: Server, name: &str) -> Option<String> {
    let known = reference::all().filter(|known| known.server == server).map(|known| known.name);
    nearest(name, known).map(|found| variable_of(server, found))
}

/// Whether a list of harmless values has all of this one's.
fn allows(unless: &[&str], value: &str) -> bool {
    value.split(',').all(|part| {
        let part = part.trim().to_ascii_lowercase();
        unless.iter().any(|harmless| match harmless.strip_suffix('*') {
            Some(prefix) => part.starts_with(prefix),
            None => part == *harmless,
        })
    })
}

/// ZooKeeper's address beside the brokers' is left over from an older release.
fn is_superseded(variables: &Variables, name: &str) -> bool {
    name == "kafkastore.connection.url" && variables.brokers(Server::Registry).is_some()
}

/// Options of the JVM may name a file with the login to Kafka, or with the users that may enter.
fn names_login_file(name: &str, value: &str) -> bool {
    name == "opts" && value.contains(LOGIN_FILE_OPTION)
}

fn restricts(name: &str) -> bool {
    name.split(['.', '-', '_']).any(|part| RESTRICTING.contains(&part))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::problem::Problems;
    use crate::confluent::Env;
    use crate::confluent::table::TABLE;

    const BOTH: [Server; 2] = [Server::Registry, Server::Proxy];

    fn looked(vars: &[(&str, &str)], waived: &[&str]) -> Result<Notes, String> {
        let env = vars.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let waived: Vec<_> = waived.iter().map(ToString::to_string).collect();
        audited(&env, &BOTH, &waived)
    }

    fn audited(env: &Env, servers: &[Server], waived: &[String]) -> Result<Notes, String> {
        let (variables, _) = Variables::read(env, &[], waived);
        let mut problems = Vec::new();
        let notes = audit(&variables, servers, &mut problems);
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
            // nobody's names
            ("SCHEMA_REGISTRY_SERVER_AUTHENTICATION", "hunter2"),
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
        let notes = looked(&[("SCHEMA_REGISTRY_KAFKA_BOOTSTRAP_SERVERS", "k:9092")], &[]).unwrap();
        assert!(
            notes.unknown[0].contains("did you mean SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS?"),
            "{notes:?}"
        );
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

    #[test]
    fn no_name_stands_twice() {
        let mut seen = BTreeSet::new();
        for setting in TABLE {
            let server = format!("{:?}", setting.server);
            assert!(seen.insert((server, setting.name)), "{}", setting.name);
        }
    }
}
