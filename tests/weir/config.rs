//! `weir config print` and `weir config check`, the layers of settings, and what the start says about them.

use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use crate::process::Weir;

/// A folder with a `weir.toml`.
fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("weir.toml"), text).unwrap();
    folder
}

/// What a command says that is run in a folder, with these variables and no others of ours.
fn run(folder: &Path, args: &[&str], vars: &[(&str, &str)]) -> Output {
    let mut command = Weir::command(args);
    command.current_dir(folder).envs(vars.iter().copied()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What `weir config print` writes.
fn printed(folder: &Path, args: &[&str], vars: &[(&str, &str)]) -> String {
    let output = run(folder, &[&["config", "print", "--roles", "registry"], args].concat(), vars);
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

/// The mistakes that `weir config check` finds, which the start finds as well.
fn mistakes(file: &str, vars: &[(&str, &str)]) -> Vec<String> {
    let folder = folder(file);
    let output = run(folder.path(), &["config", "check"], vars);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let found: Vec<String> = text(&output.stdout).lines().map(str::to_string).collect();
    let start = run(folder.path(), &["serve"], vars);
    assert_eq!(start.status.code(), Some(1), "{start:?}");
    let said = text(&start.stderr);
    assert!(found.iter().all(|line| said.contains(line.as_str())), "{said}");
    found
}

#[test]
fn each_value_is_printed_with_the_layer_that_it_comes_from() {
    let folder = folder(
        "insecure = true\n[registry]\ngroup = 'file'\nschemas_topic = 'file'\nstore = 'kafka'\n\
         bootstrap_servers = 'file:9092'\n[limits]\nbody_wait_ms = 7\n",
    );
    let confluent = [
        ("SCHEMA_REGISTRY_SCHEMA_REGISTRY_GROUP_ID", "confluent"),
        ("SCHEMA_REGISTRY_KAFKASTORE_TOPIC", "confluent"),
        ("SCHEMA_REGISTRY_HOST_NAME", "confluent"),
    ];
    let vars = [&confluent[..], &[("WEIR_SCHEMAS_TOPIC", "weir")]].concat();
    let args = ["--registry-host-name=flag", "--never-lead"];
    let printed = printed(folder.path(), &args, &vars);
    for line in [
        "roles = [\"registry\"]  # --roles",
        "insecure = true  # weir.toml:1",
        "registry.group = \"confluent\"  # SCHEMA_REGISTRY_SCHEMA_REGISTRY_GROUP_ID",
        "registry.schemas_topic = \"weir\"  # WEIR_SCHEMAS_TOPIC",
        "registry.host_name = \"flag\"  # --registry-host-name",
        "registry.never_lead = true  # --never-lead",
        "registry.bootstrap_servers = \"file:9092\"  # weir.toml:6",
        "registry.mode_mutable = true  # default",
        "limits.body_wait_ms = 7  # weir.toml:8",
        "limits.body_timeout_ms = 60000  # default",
    ] {
        assert!(printed.lines().any(|found| found == line), "{line}\n{printed}");
    }
    assert!(printed.contains("# registry.accept_loss_after is not set"), "{printed}");
    // what follows from the machine is a number too
    let follows = "limits.connections_per_address_max = ";
    let line = printed.lines().find(|line| line.starts_with(follows)).unwrap();
    assert!(line.ends_with("  # follows from limits.connections_max"), "{line}");
}

#[test]
fn no_secret_is_printed_and_the_rest_can_be_read_again() {
    let folder =
        folder("[kafka.client]\nsasl.username = 'me'\n\"sasl.password\" = 'hunter2-file'\n");
    let jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required \
                username=\\\"me\\\" password=\\\"hunter2-jaas\\\";";
    let vars = [
        ("SCHEMA_REGISTRY_HOST_NAME", "registry"),
        ("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "SASL_SSL://k:9092"),
        ("SCHEMA_REGISTRY_KAFKASTORE_SASL_MECHANISM", "PLAIN"),
        ("SCHEMA_REGISTRY_KAFKASTORE_SASL_JAAS_CONFIG", jaas),
        ("WEIR_PROXY_KAFKA_SSL_KEY_PEM", "hunter2-pem"),
        (
            "WEIR_SCHEMA_REGISTRY_URL",
            "http://me:hunter2-url@sr:8081,http://me:hunter2-url@sr2:8081",
        ),
    ];
    let args = ["--proxy-producer", "ssl.key.password=hunter2-flag"];
    let printed = printed(folder.path(), &args, &vars);
    assert!(!printed.contains("hunter2"), "{printed}");
    for line in [
        // as open as Confluent's server is
        "insecure = true  # follows from registry.listeners",
        "kafka.client.\"sasl.username\" = \"me\"  # weir.toml:2",
        "kafka.client.\"sasl.password\" = \"********\"  # weir.toml:3",
        "registry.kafka.\"sasl.password\" = \"********\"  # SCHEMA_REGISTRY_KAFKASTORE_SASL_JAAS_CONFIG",
        "registry.store = \"kafka\"  # follows from registry.bootstrap_servers",
        "proxy.producer.\"ssl.key.password\" = \"********\"  # --proxy-producer",
        "proxy.schema_registry_url = \"http://sr:8081,http://sr2:8081\"  # WEIR_SCHEMA_REGISTRY_URL",
    ] {
        assert!(printed.lines().any(|found| found == line), "{line}\n{printed}");
    }
    let again = folder.path().join("again.toml");
    std::fs::write(&again, &printed).unwrap();
    // a mask is no key in PEM
    let without_keys: String = printed
        .lines()
        .filter(|line| !line.contains("pem"))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&again, without_keys).unwrap();
    let output = run(folder.path(), &["config", "check", again.to_str().unwrap()], &[]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn mistakes_of_a_file_are_found_with_line_and_column() {
    let roles = "roles = ['registry']\n";
    for (file, expected) in [
        (
            "[registry]\n  listener = []",
            "weir.toml:3:3: unknown key registry.listener: did you mean registry.listeners?",
        ),
        ("insecure = 'true'", "weir.toml:2:12: insecure: expected true or false, found string"),
        (
            "[limits]\nidle_timeout_ms = 0",
            "weir.toml:3:19: limits.idle_timeout_ms: expected a whole number of at least 1, found 0",
        ),
        (
            "[registry]\nhost_port = 65536",
            "weir.toml:3:13: registry.host_port: expected a whole number from 1 to 65535, found 65536",
        ),
        (
            "[registry]\nstore = 'disk'",
            "weir.toml:3:9: registry.store: expected one of sled, memory, kafka, found \"disk\"",
        ),
        (
            "[tls]\n# the key is missing\ncert = 'a.pem'",
            "weir.toml:4:8: tls.cert needs tls.key (--tls-key)",
        ),
        (
            "[registry]\naccept_loss_after = 7\nstore = 'memory'",
            "weir.toml:3:21: registry.accept_loss_after is for a log on disk",
        ),
        (
            "[registry]\nlisteners = ['http://127.0.0.1:1',\n  'everywhere']",
            "weir.toml:4:3: registry.listeners: everywhere is not a listener",
        ),
        (
            "[registry]\nlisteners = ['https://127.0.0.1:1']",
            "weir.toml:3:13: registry.listeners has an https listener, and there is no certificate",
        ),
        (
            "[kafka.client]\n\"no.such\" = 'hunter2'",
            "weir.toml:3:13: kafka.client: librdkafka has no setting no.such",
        ),
        (
            "[kafka.client]\nlinger.ms = 'hunter2'",
            "weir.toml:3:13: kafka.client: librdkafka's linger.ms does not take its value",
        ),
        (
            "[registry]\nschemas_topic_config = { cleanup.policy = 'delete' }",
            "weir.toml:3:43: registry.schemas_topic_config: the topic is always compacted",
        ),
        ("registry = [", "weir.toml:2:"),
    ] {
        let found = mistakes(&format!("{roles}{file}"), &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(expected), "{file}: {found:?}");
        assert!(!found[0].contains("hunter2"), "{found:?}");
    }
}

#[test]
fn all_mistakes_are_said_at_once() {
    let file = "roles = ['registry']\nrolls = 1\n[limits]\nbody_wait_ms = 'soon'\n";
    let vars = [
        ("WEIR_CONNECTIONS_MAX", "0"),
        ("WEIR_INSECURE", ""),
        ("SCHEMA_REGISTRY_MODE_MUTABILITY", "perhaps"),
        ("SCHEMA_REGISTRY_HOST_PORT", ""),
    ];
    let found = mistakes(file, &vars);
    for beginning in ["weir.toml:2:1: ", "weir.toml:4:16: "] {
        assert!(found.iter().any(|line| line.starts_with(beginning)), "{beginning} {found:?}");
    }
    for (name, _) in vars {
        let line = format!("{name}: ");
        assert!(found.iter().any(|found| found.starts_with(&line)), "{name} {found:?}");
    }
    assert_eq!(found.len(), 6, "{found:?}");
}

#[test]
fn settings_without_mistakes_are_said_to_have_none() {
    let folder = folder("roles = ['registry']\n");
    let output = run(folder.path(), &["config", "check"], &[]);
    assert!(output.status.success() && text(&output.stdout).contains("nothing is wrong"));
    let vars = [("SCHEMA_REGISTRY_HEAP_OPTS", "-Xmx1G"), ("SCHEMA_REGISTRY_GROUP_ID", "mistaken")];
    let output = run(folder.path(), &["config", "check"], &vars);
    let said = text(&output.stdout);
    assert!(
        output.status.success()
            && vars.iter().all(|(name, _)| said.contains(&format!("note: {name}"))),
        "{said}"
    );
    let named = folder.path().join("other.toml");
    std::fs::write(&named, "rolls = 1").unwrap();
    let output = run(folder.path(), &["config", "check", named.to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stdout).starts_with(named.to_str().unwrap()), "{output:?}");
}

#[test]
fn the_log_says_which_file_was_read() {
    let own = "[registry]\nlisteners = '127.0.0.1:0'\nstore = 'memory'\n";
    let own = format!("roles = ['registry']\n{own}");
    let folder = folder(&own);
    let start = |args: &[&str], vars: &[(&str, &Path)]| {
        let mut command = Weir::command(&[&["serve"], args].concat());
        command.current_dir(folder.path()).envs(vars.iter().copied());
        Weir::spawn(&mut command)
    };
    start(&[], &[]).line("settings from weir.toml");
    let named: PathBuf = folder.path().join("named.toml");
    std::fs::copy(folder.path().join("weir.toml"), &named).unwrap();
    let said = format!("settings from {}", named.display());
    start(&["--config", named.to_str().unwrap()], &[]).line(&said);
    start(&[], &[("WEIR_CONFIG", &named)]).line(&said);
    let missing = run(folder.path(), &["serve", "--config", "missing.toml"], &[]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("cannot read missing.toml"), "{missing:?}");
}

#[test]
fn unknown_variables_are_named_and_end_nothing() {
    let folder = folder("roles = ['registry']\n[registry]\nlisteners = ':0'\nstore = 'memory'\n");
    let mut command = Weir::command(&["serve"]);
    command.current_dir(folder.path()).envs([
        ("WEIR_INSECURE", "true"),
        ("WEIR_INSECUR", "true"),
        ("SCHEMA_REGISTRY_GROUP_ID", "mistaken"),
        ("WEIR_SERVICE_HOST", "10.0.0.1"),
        ("SCHEMA_REGISTRY_PORT", "tcp://10.0.0.1:8081"),
        ("SCHEMA_REGISTRY_LOG4J_OPTS", "-Dlog4j"),
    ]);
    let mut weir = Weir::spawn(&mut command);
    let ignored = weir.line("SCHEMA_REGISTRY_LOG4J_OPTS has no effect");
    assert!(ignored.contains("--log") || ignored.contains("WEIR_LOG"), "{ignored}");
    let unknown = weir.line("settings that nobody here knows");
    for name in ["WEIR_INSECUR (did you mean WEIR_INSECURE?)", "SCHEMA_REGISTRY_GROUP_ID"] {
        assert!(unknown.contains(name), "{unknown}");
    }
    assert!(!unknown.contains("_SERVICE_HOST") && !unknown.contains("_PORT"), "{unknown}");
    weir.line("registry on http://0.0.0.0:");
}

#[test]
fn dev_reads_no_file_that_nobody_names() {
    let folder = folder("rolls = 1\n");
    let listeners = ["--registry-listener", "127.0.0.1:0", "--proxy-listener", "127.0.0.1:0"];
    let start = |args: &[&str]| {
        let mut command = Weir::command(&[&["dev"], &listeners[..], args].concat());
        command.current_dir(folder.path());
        Weir::spawn(&mut command)
    };
    start(&[]).line("weir dev is ready");
    start(&["--config", "weir.toml"]).line("weir.toml:1:1: unknown key rolls");
    start(&["--registry-listener", "https://127.0.0.1:0"]).line("weir dev has no certificate");
}

#[test]
fn confluents_values_have_the_escapes_of_a_properties_file_and_ours_do_not() {
    let folder = folder("");
    let vars = [
        ("SCHEMA_REGISTRY_SCHEMA_REGISTRY_GROUP_ID", r#"  a\"b\\c"#),
        ("WEIR_SCHEMAS_TOPIC", r"a\b"),
        ("SCHEMA_REGISTRY_MODE_MUTABILITY", " FALSE "),
    ];
    let printed = printed(folder.path(), &[], &vars);
    for line in [
        r#"registry.group = "a\"b\\c"  # SCHEMA_REGISTRY_SCHEMA_REGISTRY_GROUP_ID"#,
        r#"registry.schemas_topic = "a\\b"  # WEIR_SCHEMAS_TOPIC"#,
        "registry.mode_mutable = false  # SCHEMA_REGISTRY_MODE_MUTABILITY",
    ] {
        assert!(printed.lines().any(|found| found == line), "{line}\n{printed}");
    }
}

#[test]
fn settings_of_javas_clients_are_those_of_librdkafkas() {
    let folder = folder("");
    let vars = [
        ("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "k:9092"),
        ("SCHEMA_REGISTRY_KAFKASTORE_REQUEST_TIMEOUT_MS", "7000"),
        ("KAFKA_REST_PRODUCER_MAX_REQUEST_SIZE", "2000000"),
    ];
    let printed = printed(folder.path(), &["--roles", "proxy"], &vars);
    for line in [
        "registry.kafka.\"socket.timeout.ms\" = \"7000\"  # SCHEMA_REGISTRY_KAFKASTORE_REQUEST_TIMEOUT_MS",
        "proxy.producer.\"message.max.bytes\" = \"2000000\"  # KAFKA_REST_PRODUCER_MAX_REQUEST_SIZE",
    ] {
        assert!(printed.lines().any(|found| found == line), "{line}\n{printed}");
    }
}

#[test]
fn what_weir_does_not_have_is_refused_by_name_with_what_to_do() {
    let folder = folder("roles = ['registry']");
    for (name, value, what_to_do) in [
        ("SCHEMA_REGISTRY_AUTHENTICATION_METHOD", "BEARER", "oidc.issuer"),
        ("SCHEMA_REGISTRY_SNI_CHECK_ENABLED", "true", "reverse proxy"),
        ("SCHEMA_REGISTRY_RESOURCE_EXTENSION_CLASS", "io.A", "no Java classes"),
        ("SCHEMA_REGISTRY_KAFKASTORE_CONNECTION_URL", "zk:2181", "BOOTSTRAP_SERVERS"),
        ("SCHEMA_REGISTRY_OPTS", "-Djava.security.auth.login.config=/a", "SASL_JAAS_CONFIG"),
    ] {
        let output = run(folder.path(), &["config", "check"], &[(name, value)]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        let said = text(&output.stdout);
        assert!(said.starts_with(&format!("{name}: ")) && said.contains(what_to_do), "{said}");
        // a file can waive it as well
        let waived = [(name, value), ("WEIR_IGNORE_SETTINGS", name)];
        let output = run(folder.path(), &["config", "check"], &waived);
        assert!(output.status.success(), "{output:?}");
    }
}

/// One file of variables may be for both containers.
#[test]
fn variables_of_a_server_that_does_not_run_end_nothing() {
    let folder = folder("");
    let check = |roles: &str, vars: &[(&str, &str)]| {
        let args = ["config", "check", "--roles", roles, "--schema-registry-url", "http://sr:8081"];
        run(folder.path(), &args, vars)
    };
    let jks = ("SCHEMA_REGISTRY_KAFKASTORE_SSL_TRUSTSTORE_LOCATION", "/a.jks");
    let vars = [
        jks,
        ("SCHEMA_REGISTRY_KAFKASTORE_INIT_TIMEOUT_MS", "soon"),
        ("SCHEMA_REGISTRY_LISTENERS", "everywhere"),
        ("KAFKA_REST_BOOTSTRAP_SERVERS", "k:9092"),
    ];
    let output = check("proxy", &vars);
    assert!(output.status.success(), "{output:?}");
    // but where the proxy asks the registry's brokers, the way to them counts
    let output = check("proxy", &[jks, ("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "k:1")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with(jks.0), "{output:?}");
    let vars =
        [("KAFKA_REST_CLIENT_SSL_TRUSTSTORE_LOCATION", "/a.jks"), ("KAFKA_REST_API_V2_ENABLE", "")];
    let kafka = [("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "k:1")];
    let output = check("registry", &[&vars[..], &kafka].concat());
    assert!(output.status.success(), "{output:?}");
}
