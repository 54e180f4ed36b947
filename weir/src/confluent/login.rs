//! Confluent's BASIC authentication in our words: the JVM's options name a JAAS file, its section of the realm's name
//! names the file with the users.

use super::Env;
use super::audit::LOGIN_FILE_OPTION;
use super::jaas;
use super::table::Server;
use super::variables::{Property, Variables};
use crate::config::problem::Problem;
use crate::config::source::Source;

/// Options of the JVM that a server is started with, and where they stand.
fn jvm_options(server: Server, variables: &Variables, env: &Env) -> Vec<(Source, String)> {
    let own = variables.get(server, "opts").map(|opts| (opts.source(), opts.value.clone()));
    let of_all = env.get(OPTIONS_OF_ALL);
    let of_all = of_all.map(|text| (Source::Confluent(OPTIONS_OF_ALL.to_string()), text.clone()));
    own.into_iter().chain(of_all).collect()
}

/// Options of the JVM for all programs of Kafka's.
const OPTIONS_OF_ALL: &str = "KAFKA_OPTS";

/// The JAAS file that options of the JVM name.
fn named_file(server: Server, variables: &Variables, env: &Env) -> Option<(Source, String)> {
    let options = jvm_options(server, variables, env).into_iter();
    options.filter_map(|(source, text)| Some((source, login_file(&text)?))).next()
}

/// The section of a JAAS file with the login to Kafka.
const KAFKA_CLIENT: &str = "KafkaClient";

/// The login to Kafka of a JAAS file that options of the JVM name, as `sasl.jaas.config` would have it. None if they name none.
pub fn kafka_client(
    server: Server,
    variables: &Variables,
    env: &Env,
) -> Option<Result<Property, Problem>> {
    let (source, path) = named_file(server, variables, env)?;
    let wrong =
        |text: String| Some(Err(Problem { source: Some(source.clone()), text, waivable: true }));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            return wrong(format!(
                "{path}: {error}; the login to Kafka may stand in SCHEMA_REGISTRY_KAFKASTORE_SASL_JAAS_CONFIG or \
                 KAFKA_REST_CLIENT_SASL_JAAS_CONFIG instead"
            ));
        }
    };
    match section(&text, KAFKA_CLIENT) {
        Some(line) => {
            let name = "sasl.jaas.config".to_string();
            Some(Ok(Property { source, name, value: line.to_string() }))
        }
        None if source == Source::Confluent(OPTIONS_OF_ALL.to_string()) => None,
        None => wrong(format!(
            "{path} has no section {KAFKA_CLIENT} with the login to Kafka, and other sections are not read: say \
             SCHEMA_REGISTRY_KAFKASTORE_SASL_JAAS_CONFIG or KAFKA_REST_CLIENT_SASL_JAAS_CONFIG; if the file has users of the \
             server, say authentication.method=BASIC or access.users"
        )),
    }
}

/// Who comes in to one of Confluent's servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub source: Source,
    /// The file with the users.
    pub users: String,
    pub realm: String,
    /// Names by commas; `*` is any role, `**` is none.
    pub roles: String,
    /// Paths by commas.
    pub open_paths: String,
}

impl Login {
    /// The login of a server; none if it asks for none.
    pub fn of(server: Server, variables: &Variables, env: &Env) -> Result<Option<Login>, Problem> {
        let Some(method) = variables.text(server, "authentication.method") else { return Ok(None) };
        if !method.value.trim().eq_ignore_ascii_case("BASIC") {
            return Ok(None);
        }
        let text = |name: &str| {
            let property = variables.text(server, name);
            property.map(|property| property.value.trim().to_string()).unwrap_or_default()
        };
        let (source, realm) = (method.source(), text("authentication.realm"));
        let users = users(server, &realm, method, variables, env)?;
        let roles = variables.get(server, "authentication.roles");
        let roles = roles.map_or_else(|| "*".to_string(), |roles| roles.value.trim().to_string());
        let open_paths = text("authentication.skip.paths");
        Ok(Some(Login { source, users, realm, roles, open_paths }))
    }
}

/// The file with the users, which the JAAS file names in its section of the realm's name.
fn users(
    server: Server,
    realm: &str,
    method: &Property,
    variables: &Variables,
    env: &Env,
) -> Result<String, Problem> {
    let Some((source, path)) = named_file(server, variables, env) else {
        let names = match server {
            Server::Proxy => "KAFKAREST_OPTS",
            _ => "SCHEMA_REGISTRY_OPTS",
        };
        let text = format!(
            "BASIC needs the file with the users: say access.users, or -D{LOGIN_FILE_OPTION}=FILE in {names} or {OPTIONS_OF_ALL}"
        );
        return Err(Problem::at(&method.source(), text));
    };
    let wrong = |why: String| Problem::at(&source, format!("{path}: {why}"));
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    let section = section(&text, realm).ok_or_else(|| {
        wrong(format!("there is no section {realm}, which authentication.realm names"))
    })?;
    if !section.contains("PropertyFileLoginModule") {
        let why = format!(
            "the section {realm} has no PropertyFileLoginModule: other logins are not read"
        );
        return Err(wrong(why));
    }
    let options = jaas::options(section).map_err(|why| wrong(why.to_string()))?;
    let users = options.get("file").filter(|file| !file.is_empty());
    users.cloned().ok_or_else(|| wrong(format!("the section {realm} names no file")))
}

/// The file that options of the JVM name.
fn login_file(options: &str) -> Option<String> {
    let (_, rest) = options.split_once(LOGIN_FILE_OPTION)?;
    let path = rest.strip_prefix('=')?;
    let path = path.split_whitespace().next()?.trim_matches(['"', '\'']);
    Some(path.to_string()).filter(|path| !path.is_empty())
}

/// What stands between the braces behind a name.
fn section<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.match_indices(name).find_map(|(at, _)| {
        let before = text[..at].chars().next_back();
        let begins = before.is_none_or(|c| c.is_whitespace() || matches!(c, ';' | '}' | '/'));
        let rest = text[at + name.len()..].trim_start().strip_prefix('{').filter(|_| begins)?;
        rest.split_once('}').map(|(section, _)| section.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JAAS: &str = "KafkaClient {\n  x.PlainLoginModule required username=\"a\" password=\"hunter2\";\n};\n\
        SchemaRegistry-Props {\n  org.eclipse.jetty.security.jaas.spi.PropertyFileLoginModule required\n  \
        file=\"/etc/password.properties\"\n  debug=\"false\";\n};\n";

    fn login(jaas: &str, more: &[(&str, &str)]) -> Result<Option<Login>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jaas.conf");
        std::fs::write(&path, jaas).unwrap();
        let options = format!("-Xmx1g -D{LOGIN_FILE_OPTION}={} -Dx=y", path.display());
        let mut env = Env::from([
            ("SCHEMA_REGISTRY_AUTHENTICATION_METHOD".to_string(), "BASIC".to_string()),
            ("SCHEMA_REGISTRY_AUTHENTICATION_REALM".into(), "SchemaRegistry-Props".into()),
            ("SCHEMA_REGISTRY_OPTS".into(), options),
        ]);
        env.extend(more.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        let (variables, _) = Variables::read(&env, &[], &[]);
        Login::of(Server::Registry, &variables, &env).map_err(|problem| problem.text)
    }

    #[test]
    fn the_users_are_in_the_file_that_the_realms_section_names() {
        let found = login(JAAS, &[]).unwrap().unwrap();
        assert_eq!(found.users, "/etc/password.properties");
        assert_eq!((found.realm.as_str(), found.roles.as_str()), ("SchemaRegistry-Props", "*"));
        let roles = [("SCHEMA_REGISTRY_AUTHENTICATION_ROLES", "admin,dev")];
        assert_eq!(login(JAAS, &roles).unwrap().unwrap().roles, "admin,dev");
        // nobody comes in
        let nobody = [("SCHEMA_REGISTRY_AUTHENTICATION_ROLES", "")];
        assert_eq!(login(JAAS, &nobody).unwrap().unwrap().roles, "");
        let none = [("SCHEMA_REGISTRY_AUTHENTICATION_METHOD", "NONE")];
        assert_eq!(login(JAAS, &none), Ok(None));
    }

    #[test]
    fn what_is_missing_is_named_and_no_password() {
        for (jaas, why) in [
            ("", "no section SchemaRegistry-Props"),
            (&JAAS.replace("PropertyFileLoginModule", "LdapLoginModule"), "LdapLoginModule"),
            (&JAAS.replace("file=", "files="), "names no file"),
        ] {
            let error = login(jaas, &[]).unwrap_err();
            let named = error.contains(why) || error.contains("other logins are not read");
            assert!(named && !error.contains("hunter2"), "{error}");
        }
        let missing = login(JAAS, &[("SCHEMA_REGISTRY_OPTS", "-Xmx1g")]).unwrap_err();
        assert!(missing.contains("access.users"), "{missing}");
        let gone = format!("-D{LOGIN_FILE_OPTION}=/there/is/none");
        assert!(login(JAAS, &[("SCHEMA_REGISTRY_OPTS", &gone)]).unwrap_err().contains("/there/is"));
    }
}
