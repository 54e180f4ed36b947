//! The settings of Confluent's registry and REST proxy, and what each is to Weir.
//!
//! Who sets `authentication.method` believes that the server asks for passwords. So a setting that restricts
//! access and that Weir does not have ends the start; a setting that only tunes the other program does not.
//! docs/confluent-settings.md has this table; a test compares the two. Where one of our settings has the same values, the table names it, and
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
    /// It ends the start, unless its value is one of these (`*` at the end: all that begin so); what to do instead.
    Refused { unless: &'static [&'static str], instead: &'static str },
    /// It is taken, and what clients see is not what it says, unless its value is one of these; why.
    Differs { unless: &'static [&'static str], why: &'static str },
    /// It has no effect that clients would see, and why that is harmless.
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
const NAMED_BY_TOPIC: &[&str] = &[
    "",
    "io.confluent.kafka.serializers.subject.topicnamestrategy",
    "io.confluent.kafka.serializers.subject.associatednamestrategy",
];
const STRATEGY: &str = "subjects are named after the topic: a request of API v3 names another subject, or says subject_name_strategy";
const NO_RULES: &str = "the proxy runs no rules of data contracts";
const LIMIT: &str = "limit requests in a reverse proxy in front";
const PROXY_LIMIT: &str =
    "say --rate-limit-requests-per-sec, or limit requests in a reverse proxy in front";
const NOT_NEEDED: &str = "not needed here";
const INT_MAX: &[&str] = &["", "2147483647"];
const PAGES: &str = "a page of GET /schemas has 1000 schemas at most; other lists are whole, or as long as the request asks";
const NO_DEK: &str = "there is no DEK registry: clients that ask for one get 404";
const JVM: &str = "of the JVM, or of the image's scripts";
const WITH_SWITCH: &str = "the switch that it belongs to is off, or ends the start";
const SCRAPE: &str = "metrics are at /metrics, for Prometheus";

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

const fn differs(
    server: Server,
    name: &'static str,
    unless: &'static [&'static str],
    why: &'static str,
) -> Setting {
    Setting { server, name, verdict: Verdict::Differs { unless, why }, becomes: "" }
}

/// The longest name that fits is the one that counts.
#[rustfmt::skip] // a line each
pub const TABLE: &[Setting] = &[
    // Listeners
    understood(Both, "listeners", "`--registry-listener`, `--proxy-listener`; all of them, http and https, addresses and names. Without, `http://0.0.0.0` with `port`, where the setting says where Kafka is"),
    understood(Both, "ssl.keystore.location", "`--tls-cert` and `--tls-key`: the certificate and key of https listeners, in one file"),
    understood(Both, "ssl.keystore.type", "`JKS`, `PKCS12`, `PEM`; the first two are told apart by the file; another type ends the start of an https listener"),
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
    understood(Both, "port", "the port of the listener where `listeners` is not set: 8081, 8082"),
    understood(Both, "listener.protocol.map", "names of listeners: `NAME:http`, `NAME:https`"),
    understood(Both, "listener.name.*", "of one listener: `ssl.keystore.location`, `ssl.keystore.type`, `ssl.truststore.location`, `ssl.truststore.type`, `ssl.client.authentication`; another one ends the start"),
    refused(Both, "proxy.protocol.enabled", OFF, "the PROXY protocol is not spoken: switch it off in the load balancer"),
    ignored(Both, "proxy.protocol.accepted.ip.range", WITH_SWITCH),
    understood(Both, "ssl.keystore.password", "`--tls-key-password`: of the store"),
    understood(Both, "ssl.key.password", "of the key in a store of type `JKS`; in `PKCS12` it has to be `ssl.keystore.password`; a key in PEM has none"),
    understood(Both, "ssl.truststore.location", "`--tls-client-ca`: who signs the certificates of clients"),
    understood(Both, "ssl.truststore.type", "`JKS`, `PKCS12`, `PEM`; another type ends the start where clients are asked for certificates"),
    understood(Both, "ssl.truststore.password", "`--tls-client-ca-password`: of the store"),
    understood(Both, "ssl.client.authentication", "`--tls-client-auth`: `NONE`, `REQUESTED` (optional), `REQUIRED`"),
    understood(Both, "ssl.client.auth", "the old name of `ssl.client.authentication`: `true` is `REQUIRED`"),
    ignored(Both, "ssl.keystore.reload", "a new certificate is always read, within 2 s and on SIGHUP"),
    ignored(Both, "ssl.keystore.watch.location", "a new certificate is always read, within 2 s and on SIGHUP"),
    ignored(Both, "ssl.protocol", "`ssl.enabled.protocols` says it"),
    refused(Both, "ssl.provider", &["", "conscrypt"], "TLS is rustls: leave it out"),
    differs(Both, "ssl.cipher.suites", EMPTY, "always all suites of TLS 1.3, and those of TLS 1.2 with forward secrecy and AEAD; a list without any of them ends the start"),
    ignored(Both, "ssl.keymanager.algorithm", NOT_NEEDED),
    ignored(Both, "ssl.trustmanager.algorithm", NOT_NEEDED),
    ignored(Both, "ssl.truststore.*", NOT_NEEDED),
    differs(Both, "ssl.endpoint.identification.algorithm", &["https"], "the names in the certificates of other nodes are always checked"),
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
    differs(Both, "network.forwarded.request.customizer.enable", OFF, "anybody could say where a request comes from: `--trusted-proxy NETWORK` says whom to believe"),
    refused(Registry, "confluent.schema.registry.authorizer.class", EMPTY, "Confluent's plugins are not loaded: say access.rules, the file that says who may do what"),
    refused(Registry, "confluent.schema.registry.auth.*", EMPTY, AUTHENTICATE),
    refused(Proxy, "confluent.rest.auth.*", EMPTY, AUTHENTICATE),
    refused(Both, "public.key.path", EMPTY, AUTHENTICATE),
    refused(Both, "oauthbearer.*", EMPTY, AUTHENTICATE),
    ignored(Both, "confluent.metadata.*", "it is about an authorizer, which ends the start"),
    refused(Registry, "resource.extension.class", &["", "io.confluent.dekregistry.dekregistryresourceextension", "io.confluent.schema.exporter.*"], "no Java classes are loaded, and this one may be what decides who enters: leave it out, and say access.users, access.keys, oidc.issuer or tls.client_auth, and access.rules"),
    refused(Registry, "schema.registry.resource.extension.class", &["", "io.confluent.dekregistry.dekregistryresourceextension", "io.confluent.schema.exporter.*"], "as resource.extension.class"),
    refused(Registry, "init.resource.extension.class", EMPTY, NO_JAVA),
    refused(Proxy, "kafka.rest.resource.extension.class", EMPTY, "no Java classes are loaded, and this one may be what decides who enters: leave it out, and say access.users, access.keys, oidc.issuer or tls.client_auth, and access.rules"),
    refused(Registry, "enable.fips", OFF, "the cryptography (ring, OpenSSL) is not validated for FIPS"),
    ignored(Registry, "enable.fips.mode", WITH_SWITCH),
    differs(Registry, "metadata.encoder.secret", EMPTY, "sensitive metadata stands in the topic as it is; what Confluent's registry has encrypted is served encrypted"),
    differs(Registry, "metadata.encoder.old.secret", EMPTY, "as metadata.encoder.secret"),
    ignored(Registry, "metadata.encoder.*", "metadata is not encrypted"),
    // The registry's store
    same(Registry, "kafkastore.bootstrap.servers", "registry.bootstrap_servers", "`--store kafka`, and `--bootstrap-servers`; with protocols, as `SASL_SSL://host:port`"),
    refused(Registry, "kafkastore.connection.url", EMPTY, "ZooKeeper is not asked: say SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS, the addresses of the brokers"),
    same(Registry, "kafkastore.topic", "registry.schemas_topic", "`--schemas-topic`"),
    same(Registry, "kafkastore.topic.replication.factor", "registry.schemas_topic_replication_factor", "`--schemas-topic-replication-factor`"),
    same(Registry, "kafkastore.topic.skip.validation", "registry.skip_topic_validation", "`--skip-topic-validation`"),
    understood(Registry, "kafkastore.topic.config.*", "`--schemas-topic-config`: settings of the topic, if it is made"),
    same(Registry, "kafkastore.init.timeout.ms", "registry.kafka_init_timeout_ms", "`--registry-kafka-init-timeout-ms`: how long Kafka may be away at the start"),
    understood(Registry, "kafkastore.*", "Java's name is turned into librdkafka's, as of `client.*`; `--registry-kafka NAME=VALUE`"),
    differs(Registry, "kafkastore.timeout.ms", &["", "500"], "a write has a second on Kafka, and is tried again by the next one"),
    ignored(Registry, "kafkastore.write.max.retries", "a write that meets another's is decided again until it stands"),
    ignored(Registry, "kafkastore.init.wait.for.reader", "the topic is always read before requests are answered"),
    ignored(Registry, "kafkastore.group.id", "the topic is read without a consumer group"),
    ignored(Registry, "kafkastore.checkpoint.*", "the topic is read from its beginning"),
    refused(Registry, "kafkastore.update.handlers", &["", "io.confluent.schema.exporter.*"], NO_JAVA),
    same(Registry, "schema.registry.group.id", "registry.group", "`--registry-group`: nodes of one group elect their leader, and other registries in it keep them from leading"),
    understood(Registry, "leader.eligibility", "`--never-lead`"),
    understood(Registry, "master.eligibility", "the old name of `leader.eligibility`"),
    differs(Registry, "leader.connect.timeout.ms", &["*"], "a leader that does not answer is followed by another one within two seconds"),
    differs(Registry, "leader.read.timeout.ms", &["*"], "a leader that does not answer is followed by another one within two seconds"),
    ignored(Registry, "leader.election.*", "the log is always read before the election, and a leader that answers stays"),
    ignored(Registry, "kafkagroup.*", "the election is another: docs/cluster.md"),
    ignored(Registry, "inter.instance.headers.whitelist", "all headers are forwarded to the leader"),
    understood(Registry, "inter.instance.listener.name", "the listener that the other nodes are told, by its name"),
    ignored(Registry, "enable.store.health.check", "`/readyz` always looks at the store"),
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
    differs(Registry, "schema.providers.json.fetch.remote.schemas", &["", "true", "false"], "what a `$ref` names is never fetched over the network: register it, and name it as a reference"),
    refused(Registry, "schema.canonicalize.on.consume", EMPTY, "texts are served as they stand in the topic"),
    refused(Registry, "schema.validate.fields", OFF, "PUT /config has validateFields"),
    refused(Registry, "schema.validate.new.schemas", ON, "PUT /config has validateNewSchemas"),
    refused(Registry, "associations.enable", ON, "block /associations in a reverse proxy in front"),
    ignored(Registry, "schema.cache.*", "parses are kept for 16 MiB of text"),
    differs(Registry, "context.search.*", INT_MAX, PAGES),
    differs(Registry, "schema.search.*", &["", "1000"], PAGES),
    differs(Registry, "subject.search.*", INT_MAX, PAGES),
    differs(Registry, "subject.version.search.*", INT_MAX, PAGES),
    differs(Registry, "dek.*", &["*"], NO_DEK),
    differs(Registry, "kek.*", &["*"], NO_DEK),
    ignored(Registry, "resource.static.locations", NOT_NEEDED),
    ignored(Registry, "usm.*", "Confluent's Unified Stream Manager is told nothing"),
    ignored(Registry, "password.encoder.*", "there is no schema linking"),
    // Bitnami's image, for the same
    same(Registry, "kafka.brokers", "registry.bootstrap_servers", "Bitnami's name of `kafkastore.bootstrap.servers`"),
    same(Registry, "advertised.hostname", "registry.host_name", "Bitnami's name of `host.name`"),
    same(Registry, "avro.compatibily.level", "registry.compatibility_level", "Bitnami's name of `schema.compatibility.level`, so spelt"),
    understood(Registry, "kafka.sasl.mechanism", "Bitnami's name of `kafkastore.sasl.mechanism`"),
    understood(Registry, "kafka.sasl.users", "Bitnami's name of the user in `kafkastore.sasl.jaas.config`"),
    understood(Registry, "kafka.sasl.passwords", "Bitnami's name of the password in `kafkastore.sasl.jaas.config`"),
    understood(Registry, "client.authentication", "Bitnami's name of `ssl.client.authentication`"),
    refused(Registry, "kafka.keystore.password", EMPTY, "say SCHEMA_REGISTRY_KAFKASTORE_SSL_KEYSTORE_LOCATION and _PASSWORD: the file that the image expects is not looked for"),
    refused(Registry, "kafka.truststore.password", EMPTY, "say SCHEMA_REGISTRY_KAFKASTORE_SSL_TRUSTSTORE_LOCATION and _PASSWORD: the file that the image expects is not looked for"),
    // The proxy
    same(Proxy, "bootstrap.servers", "proxy.bootstrap_servers", "`--bootstrap-servers`"),
    same(Proxy, "schema.registry.url", "proxy.schema_registry_url", "`--schema-registry-url`; empty: formats with schemas are refused with 42206. Without: `http://localhost:8081`, where Confluent's settings say where Kafka is and the registry does not run beside"),
    understood(Proxy, "client.*", "Java's name is turned into librdkafka's; `--proxy-kafka NAME=VALUE`"),
    same(Proxy, "consumer.instance.timeout.ms", "proxy.consumer_instance_timeout_ms", "`--consumer-instance-timeout-ms`"),
    same(Proxy, "consumer.request.timeout.ms", "proxy.consumer_request_timeout_ms", "`--consumer-request-timeout-ms`: how long a read waits that says nothing else"),
    same(Proxy, "consumer.request.max.bytes", "proxy.consumer_request_bytes_max", "`--consumer-request-bytes-max`, at most 64 MiB"),
    ignored(Proxy, "consumer.threads", "reads need no threads of their own"),
    ignored(Proxy, "consumer.iterator.timeout.ms", "it has no effect in the reference either"),
    ignored(Proxy, "consumer.iterator.backoff.ms", "nothing is polled"),
    ignored(Proxy, "producer.threads", "it has no effect in the reference either"),
    ignored(Proxy, "client.init.timeout.ms", "it has no effect in the reference either"),
    ignored(Proxy, "client.timeout.ms", "it has no effect in the reference either"),
    understood(Proxy, "client.schema.registry.*", "as `schema.registry.*`: login and TLS to the registry"),
    understood(Proxy, "client.basic.auth.*", "as `schema.registry.basic.auth.*`"),
    same(Proxy, "consumer.instances.connected", "proxy.consumer_instances_connected", "`--consumer-instances-connected`; Weir's own"),
    same(Proxy, "api.v2.enable", "proxy.api_v2", "`--api-v2`; `false`: there is no v2, 404"),
    same(Proxy, "api.v3.enable", "proxy.api_v3", "`--api-v3`; `false`: there is no v3, 404"),
    refused(Proxy, "api.endpoints.allowlist", EMPTY, "name paths in a reverse proxy in front, or switch a whole API off (KAFKA_REST_API_V2_ENABLE=false)"),
    refused(Proxy, "api.endpoints.blocklist", EMPTY, "name paths in a reverse proxy in front, or switch a whole API off (KAFKA_REST_API_V2_ENABLE=false)"),
    understood(Proxy, "api.v3.produce.rate.limit.enabled", "with the two below"),
    understood(Proxy, "api.v3.produce.rate.limit.max.requests.per.sec", "`--rate-limit-requests-per-sec`"),
    understood(Proxy, "api.v3.produce.rate.limit.max.bytes.per.sec", "`--rate-limit-bytes-per-sec`"),
    differs(Proxy, "api.v3.produce.rate.limit.max.requests.global.per.sec", &["*"], "limits are for each address or principal, and not for all together"),
    differs(Proxy, "api.v3.produce.rate.limit.max.bytes.global.per.sec", &["*"], "limits are for each address or principal, and not for all together"),
    ignored(Proxy, "api.v3.produce.rate.limit.cache.expiry.ms", "who has not asked for a while is forgotten anyway"),
    ignored(Proxy, "api.v3.produce.response.thread.pool.size", "there is no thread for each request"),
    same(Proxy, "api.v3.produce.batch.maximum.entries", "proxy.batch_entries_max", "`--batch-entries-max`; without, 50"),
    differs(Proxy, "api.v3.produce.request.size.limit.max.bytes", &["", "0"], "a stream of records has no longest length; a record has Kafka's bound"),
    refused(Proxy, "rate.limit.enable", OFF, PROXY_LIMIT),
    ignored(Proxy, "rate.limit.*", WITH_SWITCH),
    understood(Proxy, "producer.*", "Java's name is turned into librdkafka's, for that kind of client alone; `--proxy-producer NAME=VALUE`"),
    understood(Proxy, "consumer.*", "Java's name is turned into librdkafka's, for that kind of client alone; `--proxy-consumer NAME=VALUE`"),
    understood(Proxy, "admin.*", "Java's name is turned into librdkafka's, for that kind of client alone; `--proxy-admin NAME=VALUE`"),
    understood(Proxy, "schema.registry.basic.auth.credentials.source", "`USER_INFO`, `URL`; `SASL_INHERIT` takes the login to Kafka"),
    understood(Proxy, "schema.registry.basic.auth.user.info", "user and password, as in the URL of `--schema-registry-url`"),
    understood(Proxy, "schema.registry.bearer.auth.credentials.source", "`STATIC_TOKEN`; another one ends the start: say a token, or user and password"),
    understood(Proxy, "schema.registry.bearer.auth.token", "`--schema-registry-token`"),
    refused(Proxy, "schema.registry.bearer.auth.*", EMPTY, "tokens for the registry are not fetched: say schema.registry.bearer.auth.token with credentials.source=STATIC_TOKEN, or basic.auth.user.info"),
    ignored(Proxy, "schema.registry.bearer.auth.cache.expiry.buffer.seconds", "a token that is given has no time"),
    ignored(Proxy, "schema.registry.bearer.auth.scope.claim.name", "a token that is given is shown as it is"),
    ignored(Proxy, "schema.registry.bearer.auth.sub.claim.name", "a token that is given is shown as it is"),
    understood(Proxy, "schema.registry.ssl.truststore.location", "`--schema-registry-ca`: whom to trust"),
    understood(Proxy, "schema.registry.ssl.truststore.type", "`JKS`, `PKCS12`, `PEM`; another type ends the start"),
    understood(Proxy, "schema.registry.ssl.keystore.location", "`--schema-registry-client-cert`: certificate and key in one file"),
    understood(Proxy, "schema.registry.ssl.keystore.type", "`JKS`, `PKCS12`, `PEM`; another type ends the start"),
    refused(Proxy, "schema.registry.ssl.truststore.certificates", EMPTY, "write them to a file in PEM, and say schema.registry.ssl.truststore.location and .type=PEM"),
    refused(Proxy, "schema.registry.ssl.keystore.certificate.chain", EMPTY, "write it to a file in PEM with its key, and say schema.registry.ssl.keystore.location and .type=PEM"),
    refused(Proxy, "schema.registry.ssl.keystore.key", EMPTY, "write it to a file in PEM with its certificate, and say schema.registry.ssl.keystore.location and .type=PEM"),
    understood(Proxy, "schema.registry.ssl.key.password", "of the key in a store of type `JKS`"),
    understood(Proxy, "schema.registry.ssl.truststore.password", "`--schema-registry-ca-password`: of the store"),
    understood(Proxy, "schema.registry.ssl.keystore.password", "`--schema-registry-client-cert-password`: of the store"),
    differs(Proxy, "schema.registry.ssl.endpoint.identification.algorithm", &["https"], "the name in the registry's certificate is always checked"),
    differs(Proxy, "schema.registry.ssl.enabled.protocols", &["*"], "TLS 1.2 and 1.3 are spoken"),
    differs(Proxy, "schema.registry.ssl.cipher.suites", EMPTY, "the suites of TLS 1.3, and those of 1.2 with forward secrecy and AEAD"),
    ignored(Proxy, "schema.registry.ssl.*", "only a Java client has it"),
    refused(Proxy, "schema.registry.key.subject.name.strategy", NAMED_BY_TOPIC, STRATEGY),
    refused(Proxy, "schema.registry.value.subject.name.strategy", NAMED_BY_TOPIC, STRATEGY),
    refused(Proxy, "schema.registry.context.name.strategy", &["", "io.confluent.kafka.serializers.context.nullcontextnamestrategy"], "put the context into the URL of the registry: http://HOST:PORT/contexts/.NAME"),
    refused(Proxy, "schema.registry.key.schema.id.serializer", &["", "io.confluent.kafka.serializers.schema.id.prefix*"], "records have the id before the data, as consumers of before expect it: leave it out"),
    refused(Proxy, "schema.registry.value.schema.id.serializer", &["", "io.confluent.kafka.serializers.schema.id.prefix*"], "records have the id before the data, as consumers of before expect it: leave it out"),
    ignored(Proxy, "schema.registry.key.schema.id.deserializer", "the id is found before the data"),
    ignored(Proxy, "schema.registry.value.schema.id.deserializer", "the id is found before the data"),
    refused(Proxy, "schema.registry.proxy.host", EMPTY, "say HTTP_PROXY or HTTPS_PROXY in the environment"),
    ignored(Proxy, "schema.registry.proxy.port", "it belongs to proxy.host, which ends the start"),
    ignored(Proxy, "schema.registry.auto.register.schemas", "the reference's proxy always says false, and registers schemas that a request has"),
    ignored(Proxy, "schema.registry.use.latest.version", "the reference's proxy always says false"),
    differs(Proxy, "schema.registry.normalize.schemas", OFF, "schemas that a request has are registered as they stand: `normalize` in the registry's `/config` does it for all"),
    differs(Proxy, "schema.registry.use.schema.*", &["", "-1"], "a request says which schema it means"),
    differs(Proxy, "schema.registry.use.latest.with.metadata", EMPTY, "a request says which schema it means"),
    differs(Proxy, "schema.registry.rule.*", &["*"], NO_RULES),
    differs(Proxy, "schema.registry.validation.rules.*", &["*"], NO_RULES),
    differs(Proxy, "schema.registry.http.*", &["*"], "the registry has 10 s to answer, and is asked again"),
    differs(Proxy, "schema.registry.max.retries", &["*"], "the registry has 10 s to answer, and is asked again"),
    differs(Proxy, "schema.registry.retries.*", &["*"], "the registry has 10 s to answer, and is asked again"),
    differs(Proxy, "schema.registry.latest.*", &["*"], "the latest version of a subject is asked for every few seconds"),
    ignored(Proxy, "schema.registry.url.randomize", "the registries are asked in their order"),
    ignored(Proxy, "schema.registry.max.schemas.per.subject", "what is known of schemas is bounded as a whole"),
    ignored(Proxy, "schema.registry.propagate.schema.tags", "tags stay with their schema"),
    ignored(Proxy, "schema.registry.id.compatibility.strict", "a request's id has to be of its subject"),
    ignored(Proxy, "schema.registry.schema.format", "a schema is asked for as it was registered"),
    ignored(Proxy, "schema.registry.schema.reflection", "there are no Java classes to look at"),
    ignored(Proxy, "schema.registry.execution.environment", "it says where Java's rules run"),
    ignored(Proxy, "security.protocol", "without CLIENT_ it has no effect there either"),
    ignored(Proxy, "sasl.*", "without CLIENT_ it has no effect there either"),
    Setting { server: Proxy, name: "host.name", verdict: Verdict::Differs { unless: &["*"], why: "clients may ask by this name, and links have the address that a client asked for, which reaches the proxy; `advertised.listeners` fixes it" }, becomes: "proxy.host_name" },
    understood(Proxy, "advertised.listeners", "`--advertised-url`: of several the one whose scheme the first listener has"),
    ignored(Proxy, "id", "names that instances get are unique anyway"),
    understood(Proxy, "fetch.min.bytes", "`--consumer-fetch-min-bytes`; -1 is 0 there. Without: a read returns as soon as there is something"),
    ignored(Proxy, "simpleconsumer.*", "it has no effect in the reference either"),
    differs(Proxy, "streaming.connection.*", &["*"], "a stream of records may last as long as it goes on"),
    differs(Proxy, "null.request.body.always.publishes.empty.record", OFF, "null with a schema is a tombstone"),
    same(Proxy, "confluent.resource.name.authority", "proxy.resource_name_authority", "`--resource-name-authority`: the authority of `crn://` names"),
    ignored(Proxy, "use.custom.request.logging", NOT_NEEDED),
    ignored(Proxy, "zookeeper.connect", "ZooKeeper is not asked"),
    // Both, without effect
    differs(Both, "shutdown.graceful.ms", &["", "20000"], "requests under way have 20 s"),
    understood(Both, "request.timeout.ms", "`--request-timeout-ms`: the longer one where registry and proxy have each one; 0 is a year"),
    ignored(Both, "request.timeout.interrupt.enable", "no thread waits for a request"),
    differs(Both, "http2.enabled", ON, "HTTP/2 and HTTP/1.1 are always spoken, and each client chooses"),
    differs(Both, "compression.enable", &["*"], "the proxy compresses answers, the registry does not"),
    differs(Both, "max.request.header.size", &["", "8192"], "the bound is that of the server here, which is larger"),
    ignored(Both, "max.response.header.size", "no answer is refused for its headers"),
    ignored(Both, "thread.pool.*", "there is no thread for each request"),
    ignored(Both, "request.queue.*", "there is no thread for each request"),
    ignored(Both, "jetty.*", "a name with `%2F` in it is taken"),
    ignored(Both, "websocket.path.prefix", NOT_NEEDED),
    differs(Both, "response.mediatype.*", &["*"], "the order of media types is the default's; a client that names one in Accept gets it"),
    ignored(Both, "debug", "`--log debug` logs more; answers have no stack traces"),
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
    understood(Both, "log4j.loggers", "`--log`: the levels of Confluent's and Kafka's loggers; of others nothing is logged"),
    ignored(Both, "log4j.*", "`--log` says what is logged"),
    ignored(Both, "cub.*", "the image waits for Kafka before the start; Weir starts at once, and waits for it as long as kafkastore.init.timeout.ms says, not ready meanwhile"),
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
