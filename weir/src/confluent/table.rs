//! The settings of Confluent's registry and REST proxy, and what each is to Weir.
//!
//! Who sets `authentication.method` believes that the server asks for passwords. So a setting that restricts
//! access and that Weir does not have ends the start; a setting that only tunes the other program does not.
//! docs/settings.md has this table; a test compares the two. Where one of our settings has the same values, the table names it, and
//! nothing else has to be done.

/// Whose settings have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Registry,
    Proxy,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does what it does there; how, or what it is in Weir's words.
    Understood(&'static str),
    /// It ends the start, unless its value is one of these; what to do instead.
    Refused { unless: &'static [&'static str], instead: &'static str },
    /// It has no effect, and why that is harmless.
    Ignored(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub server: Server,
    /// A property's name; all that begin so, if it ends with `*`.
    pub name: &'static str,
    pub verdict: Verdict,
    /// The key of our setting that has the same values; `*` stands for the server. Empty if there is none, or if
    /// `translate` makes something else of it.
    pub becomes: &'static str,
}

use Server::{Both, Proxy, Registry};

/// Values of a switch that is off.
const OFF: &[&str] = &["", "false"];
const ON: &[&str] = &["", "true"];
const EMPTY: &[&str] = &[""];

const AUTHENTICATE: &str = "Confluent's plugins are not loaded: say access.users, access.keys, oidc.issuer or tls.client_auth, and access.rules";
const NO_JAVA: &str = "no Java classes are loaded: what the class does, something else has to do";
const TLS_ONLY: &str = "of the listeners' TLS there are certificates, authorities of clients and the versions: put a reverse proxy in front that does the rest";
const LIMIT: &str = "limit requests in a reverse proxy in front";
const PROXY_LIMIT: &str =
    "say --rate-limit-requests-per-sec, or limit requests in a reverse proxy in front";
const NOT_NEEDED: &str = "not needed here";
const JVM: &str = "of the JVM, or of the image's scripts";
const WITH_SWITCH: &str = "the switch that it belongs to is off, or ends the start";
const SCRAPE: &str = "metrics are at /metrics, for Prometheus";
const FIXED: &str = "fixed in Weir";

const fn understood(server: Server, name: &'static str, how: &'static str) -> Setting {
    Setting { server, name, verdict: Verdict::Understood(how), becomes: "" }
}

/// A setting that is the same as one of ours.
const fn same(
    server: Server,
    name: &'static str,
    becomes: &'static str,
    how: &'static str,
) -> Setting {
    Setting { server, name, verdict: Verdict::Understood(how), becomes }
}

const fn refused(
    server: Server,
    name: &'static str,
    unless: &'static [&'static str],
    instead: &'static str,
) -> Setting {
    Setting { server, name, verdict: Verdict::Refused { unless, instead }, becomes: "" }
}

const fn ignored(server: Server, name: &'static str, why: &'static str) -> Setting {
    Setting { server, name, verdict: Verdict::Ignored(why), becomes: "" }
}

/// The longest name that fits is the one that counts.
#[rustfmt::skip] // a line each
pub const TABLE: &[Setting] = &[
    // Listeners
    same(Both, "listeners", "*.listeners", "`--registry-listener`, `--proxy-listener`; all of them, http and https, addresses and names"),
    understood(Both, "ssl.keystore.location", "`--tls-cert` and `--tls-key`: the certificate and key of https listeners, in one file"),
    understood(Both, "ssl.keystore.type", "`PEM`, `PKCS12`; another type ends the start of an https listener"),
    understood(Both, "ssl.enabled.protocols", "`TLSv1.2`, `TLSv1.3`; older ones are left out, and a list of nothing else ends the start"),
    same(Both, "response.http.headers.config", "*.response_headers", "headers that are added to all answers; `setDate` and `addDate` end the start"),
    same(Both, "nosniff.prevention.enable", "*.nosniff", "adds `X-Content-Type-Options: nosniff`"),
    same(Both, "hsts.header.enable", "*.hsts", "adds `Strict-Transport-Security` to answers of https listeners"),
    understood(Both, "server.connection.limit", "`--connections-max`; the smallest that is set counts for registry and proxy together, 0 is none"),
    understood(Both, "connector.connection.limit", "as `server.connection.limit`"),
    understood(Both, "idle.timeout.ms", "`--idle-timeout-ms`; the longer one where registry and proxy have each one"),
    same(Both, "access.control.allow.origin", "*.allowed_origins", "`--allowed-origin`: whose pages may read and write. `*` is answered as `*`, without the user's login"),
    same(Both, "access.control.allow.methods", "*.cors_methods", "methods that such pages may use; `GET,POST,HEAD` if it is empty"),
    same(Both, "access.control.allow.headers", "*.cors_headers", "headers of their requests; `X-Requested-With,Content-Type,Accept,Origin` if it is empty"),
    same(Both, "access.control.expose.headers", "*.cors_exposed_headers", "headers of answers that they may read"),
    same(Both, "access.control.skip.options", "*.cors_skip_preflights", "a preflight needs no login; `false`: it does"),
    same(Both, "reject.options.request", "*.reject_options", "every OPTIONS is 403"),
    same(Registry, "host.name", "registry.host_name", "`--registry-host-name`: by which the other nodes reach this one"),
    same(Registry, "host.port", "registry.host_port", "`--registry-host-port`: the port beside `host.name`"),
    same(Registry, "schema.registry.inter.instance.protocol", "registry.inter_instance_protocol", "the old name of `inter.instance.protocol`"),
    same(Registry, "inter.instance.protocol", "registry.inter_instance_protocol", "`--registry-inter-instance-protocol`: which listener the other nodes are told"),
    ignored(Both, "port", "`listeners` says it"),
    refused(Both, "listener.protocol.map", EMPTY, "name listeners http:// and https://"),
    refused(Both, "listener.name.*", &[], "one certificate is for all https listeners: say ssl.keystore.location"),
    refused(Both, "proxy.protocol.enabled", OFF, "the PROXY protocol is not spoken: switch it off in the load balancer"),
    ignored(Both, "proxy.protocol.accepted.ip.range", WITH_SWITCH),
    understood(Both, "ssl.keystore.password", "`--tls-key-password`: of a store of type `PKCS12`"),
    understood(Both, "ssl.key.password", "of a store of type `PKCS12`, where it has to be `ssl.keystore.password`; a key in PEM has none"),
    understood(Both, "ssl.truststore.location", "`--tls-client-ca`: who signs the certificates of clients"),
    understood(Both, "ssl.truststore.type", "`PEM`, `PKCS12`; another type ends the start where clients are asked for certificates"),
    understood(Both, "ssl.truststore.password", "`--tls-client-ca-password`: of a store of type `PKCS12`"),
    understood(Both, "ssl.client.authentication", "`--tls-client-auth`: `NONE`, `REQUESTED` (optional), `REQUIRED`"),
    understood(Both, "ssl.client.auth", "the old name of `ssl.client.authentication`: `true` is `REQUIRED`"),
    ignored(Both, "ssl.keystore.reload", "a new certificate is always read, within 2 s and on SIGHUP"),
    ignored(Both, "ssl.keystore.watch.location", "a new certificate is always read, within 2 s and on SIGHUP"),
    ignored(Both, "ssl.protocol", "`ssl.enabled.protocols` says it"),
    refused(Both, "ssl.provider", &["", "conscrypt"], "TLS is rustls: leave it out"),
    refused(Both, "ssl.cipher.suites", EMPTY, "the suites of TLS 1.3 and those of TLS 1.2 with forward secrecy and AEAD are spoken, no others: leave it out"),
    ignored(Both, "ssl.keymanager.algorithm", NOT_NEEDED),
    ignored(Both, "ssl.trustmanager.algorithm", NOT_NEEDED),
    ignored(Both, "ssl.truststore.*", NOT_NEEDED),
    ignored(Both, "ssl.endpoint.identification.algorithm", "the names of other nodes are always checked"),
    // Who may enter
    refused(Both, "authentication.method", &["", "none", "basic"], "of BASIC the users are read: the JAAS file that `java.security.auth.login.config` names, and Jetty's `password.properties` that it names. For BEARER say oidc.issuer and oidc.audiences"),
    understood(Both, "authentication.realm", "`--access-realm`, and the section of the JAAS file"),
    understood(Both, "authentication.roles", "`--access-required-role`: any one of them; `*` is any role (Jetty 12 refuses everybody then), `**` is none, and without any nobody comes in"),
    understood(Both, "authentication.skip.paths", "`--access-open-path`: anybody may `GET` them; the reference lets anybody write them, too"),
    refused(Both, "rest.servlet.initializor.classes", EMPTY, AUTHENTICATE),
    refused(Both, "websocket.servlet.initializor.classes", EMPTY, NO_JAVA),
    refused(Both, "resource.extension.classes", EMPTY, NO_JAVA),
    refused(Both, "ssl.spire.enabled", OFF, TLS_ONLY),
    refused(Both, "ssl.spire.trust.only.enabled", OFF, TLS_ONLY),
    refused(Both, "sni.check.enabled", OFF, TLS_ONLY),
    refused(Both, "prefix.sni.check.enabled", OFF, TLS_ONLY),
    refused(Both, "reject.invalid.sni.headers", OFF, TLS_ONLY),
    ignored(Both, "prefix.sni.prefix", WITH_SWITCH),
    ignored(Both, "expected.sni.headers", "it only logs"),
    ignored(Both, "sni.host.check.enabled", NOT_NEEDED),
    refused(Both, "csrf.prevention.enable", OFF, "no tokens against cross-site requests are given, and none are needed: what a page of another site sends changes nothing"),
    ignored(Both, "csrf.prevention.*", WITH_SWITCH),
    refused(Both, "dos.filter.enabled", OFF, LIMIT),
    refused(Both, "dos.filter.tenant.enabled", OFF, LIMIT),
    ignored(Both, "dos.filter.*", WITH_SWITCH),
    refused(Both, "network.traffic.rate.limit.enable", OFF, LIMIT),
    ignored(Both, "network.traffic.rate.limit.*", WITH_SWITCH),
    ignored(Both, "network.forwarded.request.customizer.enable", "the address of a client is that of its connection"),
    refused(Registry, "confluent.schema.registry.authorizer.class", EMPTY, "Confluent's plugins are not loaded: say access.rules, the file that says who may do what"),
    refused(Registry, "confluent.schema.registry.auth.*", EMPTY, AUTHENTICATE),
    refused(Proxy, "confluent.rest.auth.*", EMPTY, AUTHENTICATE),
    refused(Both, "public.key.path", EMPTY, AUTHENTICATE),
    refused(Both, "oauthbearer.*", EMPTY, AUTHENTICATE),
    ignored(Both, "confluent.metadata.*", "it is about an authorizer, which ends the start"),
    refused(Registry, "resource.extension.class", &["", "io.confluent.dekregistry.dekregistryresourceextension", "io.confluent.schema.exporter.schemaexporterresourceextension"], "no Java classes are loaded, and this one may be what decides who enters: leave it out, and put a reverse proxy in front"),
    refused(Registry, "schema.registry.resource.extension.class", &["", "io.confluent.dekregistry.dekregistryresourceextension", "io.confluent.schema.exporter.schemaexporterresourceextension"], "as resource.extension.class"),
    refused(Registry, "init.resource.extension.class", EMPTY, NO_JAVA),
    refused(Proxy, "kafka.rest.resource.extension.class", EMPTY, "no Java classes are loaded, and this one may be what decides who enters: leave it out, and put a reverse proxy in front"),
    refused(Registry, "enable.fips", OFF, "the cryptography (ring, OpenSSL) is not validated for FIPS"),
    ignored(Registry, "enable.fips.mode", WITH_SWITCH),
    refused(Registry, "metadata.encoder.secret", EMPTY, "sensitive metadata is not encrypted: leave it out if that may stand in the topic as it is, and look for METADATA_ENCODER_SECRET too"),
    ignored(Registry, "metadata.encoder.*", WITH_SWITCH),
    // The registry's store
    same(Registry, "kafkastore.bootstrap.servers", "registry.bootstrap_servers", "`--store kafka`, and `--bootstrap-servers`; with protocols, as `SASL_SSL://host:port`"),
    refused(Registry, "kafkastore.connection.url", EMPTY, "ZooKeeper is not asked: say SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS, the addresses of the brokers"),
    same(Registry, "kafkastore.topic", "registry.schemas_topic", "`--schemas-topic`"),
    same(Registry, "kafkastore.topic.replication.factor", "registry.schemas_topic_replication_factor", "`--schemas-topic-replication-factor`"),
    same(Registry, "kafkastore.topic.skip.validation", "registry.skip_topic_validation", "`--skip-topic-validation`"),
    understood(Registry, "kafkastore.topic.config.*", "`--schemas-topic-config`: settings of the topic, if it is made"),
    same(Registry, "kafkastore.init.timeout.ms", "registry.kafka_init_timeout_ms", "`--registry-kafka-init-timeout-ms`: how long Kafka may be away at the start"),
    understood(Registry, "kafkastore.*", "Java's name is turned into librdkafka's, as of `client.*`; `--registry-kafka NAME=VALUE`"),
    ignored(Registry, "kafkastore.timeout.ms", FIXED),
    ignored(Registry, "kafkastore.write.max.retries", FIXED),
    ignored(Registry, "kafkastore.init.wait.for.reader", "the topic is always read before requests are answered"),
    ignored(Registry, "kafkastore.group.id", "the topic is read without a consumer group"),
    ignored(Registry, "kafkastore.checkpoint.*", "the topic is read from its beginning"),
    refused(Registry, "kafkastore.update.handlers", EMPTY, NO_JAVA),
    same(Registry, "schema.registry.group.id", "registry.group", "`--registry-group`: nodes of one group elect their leader, and other registries in it keep them from leading"),
    understood(Registry, "leader.eligibility", "`--never-lead`"),
    understood(Registry, "master.eligibility", "the old name of `leader.eligibility`"),
    ignored(Registry, "leader.*", "the election is another: docs/cluster.md"),
    ignored(Registry, "kafkagroup.*", "the election is another: docs/cluster.md"),
    ignored(Registry, "inter.instance.headers.whitelist", "all headers are forwarded to the leader"),
    refused(Registry, "inter.instance.listener.name", EMPTY, "say --registry-advertised-url"),
    ignored(Registry, "enable.store.health.check", "`/v1/cluster` says it"),
    // The registry's behaviour
    same(Registry, "avro.compatibility.level", "registry.compatibility_level", "the old name of `schema.compatibility.level`"),
    same(Registry, "schema.compatibility.level", "registry.compatibility_level", "`--compatibility-level`: the level where `/config` says none"),
    same(Registry, "mode.mutability", "registry.mode_mutable", "`--mode-mutable`; `false`: modes cannot be changed, 42205"),
    same(Registry, "schema.reject.empty.subject", "registry.reject_empty_subject", "`--reject-empty-subject`; `true`: a subject without a name is 42208"),
    understood(Registry, "size.limit.filter.enabled", "with `size.limit.filter.max.request.body.size`; without, bodies may have 10 MiB"),
    understood(Registry, "size.limit.filter.max.request.body.size", "bytes of a request's body, at most 10 MiB"),
    refused(Registry, "schema.providers.reference.versions.strict", OFF, "two references to versions of one subject are taken: leave it out"),
    refused(Registry, "schema.providers", EMPTY, "Avro, JSON Schema and Protobuf are built in, and no Java classes are loaded"),
    ignored(Registry, "schema.providers.*", NOT_NEEDED),
    ignored(Registry, "schema.providers.json.fetch.remote.schemas", "what a `$ref` names is never fetched"),
    refused(Registry, "schema.canonicalize.on.consume", EMPTY, "texts are served as they stand in the topic"),
    refused(Registry, "schema.validate.fields", OFF, "PUT /config has validateFields"),
    refused(Registry, "schema.validate.new.schemas", ON, "PUT /config has validateNewSchemas"),
    refused(Registry, "associations.enable", ON, "block /associations in a reverse proxy in front"),
    ignored(Registry, "schema.cache.*", "parses are kept for 16 MiB of text"),
    ignored(Registry, "context.search.*", FIXED),
    ignored(Registry, "schema.search.*", FIXED),
    ignored(Registry, "subject.search.*", FIXED),
    ignored(Registry, "subject.version.search.*", FIXED),
    ignored(Registry, "dek.*", "there is no DEK registry: clients that ask for one get 404"),
    ignored(Registry, "kek.*", "there is no DEK registry: clients that ask for one get 404"),
    ignored(Registry, "resource.static.locations", NOT_NEEDED),
    ignored(Registry, "usm.*", "of another product"),
    ignored(Registry, "password.encoder.*", "there is no schema linking"),
    // Bitnami's image, for the same
    same(Registry, "kafka.brokers", "registry.bootstrap_servers", "Bitnami's name of `kafkastore.bootstrap.servers`"),
    same(Registry, "advertised.hostname", "registry.host_name", "Bitnami's name of `host.name`"),
    same(Registry, "avro.compatibily.level", "registry.compatibility_level", "Bitnami's name of `schema.compatibility.level`, so spelt"),
    // The proxy
    same(Proxy, "bootstrap.servers", "proxy.bootstrap_servers", "`--bootstrap-servers`"),
    same(Proxy, "schema.registry.url", "proxy.schema_registry_url", "`--schema-registry-url`"),
    understood(Proxy, "client.*", "Java's name is turned into librdkafka's; `--proxy-kafka NAME=VALUE`"),
    same(Proxy, "consumer.instance.timeout.ms", "proxy.consumer_instance_timeout_ms", "`--consumer-instance-timeout-ms`"),
    same(Proxy, "consumer.instances.connected", "proxy.consumer_instances_connected", "`--consumer-instances-connected`; Weir's own"),
    same(Proxy, "api.v2.enable", "proxy.api_v2", "`--api-v2`; `false`: there is no v2, 404"),
    same(Proxy, "api.v3.enable", "proxy.api_v3", "`--api-v3`; `false`: there is no v3, 404"),
    refused(Proxy, "api.endpoints.allowlist", EMPTY, "name paths in a reverse proxy in front, or switch a whole API off (KAFKA_REST_API_V2_ENABLE=false)"),
    refused(Proxy, "api.endpoints.blocklist", EMPTY, "name paths in a reverse proxy in front, or switch a whole API off (KAFKA_REST_API_V2_ENABLE=false)"),
    understood(Proxy, "api.v3.produce.rate.limit.enabled", "with the two below"),
    understood(Proxy, "api.v3.produce.rate.limit.max.requests.per.sec", "`--rate-limit-requests-per-sec`"),
    understood(Proxy, "api.v3.produce.rate.limit.max.bytes.per.sec", "`--rate-limit-bytes-per-sec`"),
    ignored(Proxy, "api.v3.produce.*", FIXED),
    refused(Proxy, "rate.limit.enable", OFF, PROXY_LIMIT),
    ignored(Proxy, "rate.limit.*", WITH_SWITCH),
    understood(Proxy, "producer.*", "Java's name is turned into librdkafka's, for that kind of client alone; `--proxy-producer NAME=VALUE`"),
    understood(Proxy, "consumer.*", "Java's name is turned into librdkafka's, for that kind of client alone; `--proxy-consumer NAME=VALUE`"),
    understood(Proxy, "admin.*", "Java's name is turned into librdkafka's, for that kind of client alone; `--proxy-admin NAME=VALUE`"),
    ignored(Proxy, "schema.registry.*", "say --schema-registry-ca; user and password go into the URL"),
    ignored(Proxy, "security.protocol", "without CLIENT_ it has no effect there either"),
    ignored(Proxy, "sasl.*", "without CLIENT_ it has no effect there either"),
    same(Proxy, "host.name", "proxy.host_name", "a name by which clients may ask; links have `--advertised-url`"),
    ignored(Proxy, "advertised.listeners", "`--advertised-url`"),
    ignored(Proxy, "id", NOT_NEEDED),
    ignored(Proxy, "fetch.min.bytes", "an instance says it for itself"),
    ignored(Proxy, "simpleconsumer.*", NOT_NEEDED),
    ignored(Proxy, "streaming.connection.*", "streams have no longest time"),
    ignored(Proxy, "null.request.body.always.publishes.empty.record", "null with a schema is a tombstone"),
    ignored(Proxy, "confluent.resource.name.authority", "`crn` names have none"),
    ignored(Proxy, "use.custom.request.logging", NOT_NEEDED),
    ignored(Proxy, "zookeeper.connect", "ZooKeeper is not asked"),
    // Both, without effect
    ignored(Both, "shutdown.graceful.ms", "requests under way have 20 s"),
    ignored(Both, "request.timeout.*", FIXED),
    ignored(Both, "http2.enabled", "HTTP/2 and HTTP/1.1 are spoken"),
    ignored(Both, "compression.enable", "the proxy compresses, the registry does not"),
    ignored(Both, "max.request.header.size", FIXED),
    ignored(Both, "max.response.header.size", FIXED),
    ignored(Both, "thread.pool.*", "there is no thread for each request"),
    ignored(Both, "request.queue.*", "there is no thread for each request"),
    ignored(Both, "jetty.*", NOT_NEEDED),
    ignored(Both, "websocket.path.prefix", NOT_NEEDED),
    ignored(Both, "response.mediatype.*", FIXED),
    ignored(Both, "debug", "WEIR_LOG=debug logs more"),
    ignored(Both, "suppress.stack.trace.response", "answers have no stack traces"),
    ignored(Both, "request.logger.name", NOT_NEEDED),
    ignored(Both, "return.429.instead.of.500.for.jetty.response.errors", NOT_NEEDED),
    ignored(Both, "metric.*", SCRAPE),
    ignored(Both, "metrics.*", SCRAPE),
    ignored(Both, "percentile.max.latency.ms", SCRAPE),
    ignored(Both, "disable.response.size.metrics.collection", SCRAPE),
    ignored(Both, "confluent.telemetry.*", SCRAPE),
    ignored(Both, "confluent.license*", "no licence is needed"),
    ignored(Both, "heap.opts", JVM),
    ignored(Both, "jvm.performance.opts", JVM),
    ignored(Both, "gc.log.opts", JVM),
    ignored(Both, "opts", JVM),
    ignored(Both, "jmx.*", SCRAPE),
    understood(Both, "log4j.root.loglevel", "`--log`; the finer one where registry and proxy have each one"),
    ignored(Both, "log4j.*", "WEIR_LOG says what is logged"),
    ignored(Both, "cub.*", JVM),
];

/// What is known of a setting of one of the servers.
pub fn find(server: Server, name: &str) -> Option<&'static Setting> {
    let fits = |setting: &&Setting| match setting.name.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == setting.name,
    };
    let own = TABLE.iter().filter(|s| s.server == server || s.server == Both);
    own.filter(fits).max_by_key(|setting| setting.name.len())
}
