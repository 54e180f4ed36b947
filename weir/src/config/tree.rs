//! All settings of Weir, each declared once.
//!
//! The comment of a setting is its help text, and its line in docs/settings.md.

use std::path::PathBuf;

use weir_http::{AllowedHost, IpNet, Password};
use weir_registry_api::CompatibilityLevel;

use super::declare::settings;
use super::layers::Layers;
use super::problem::Problem;
use super::setting::{Secrecy, Setting};
use super::value::{
    AdvertisedListener, BrokerListener, ClientAuthMode, LogFilter, LogFormat, Names, Role, Scheme,
    Sourced, Store, TlsVersion, TraceSampler, UsersFormat, Value,
};
use crate::listeners::ListenerUrl;

settings! {
    /// The process.
    "" process: Process {
        /// What this process runs. Without it, settings of only one of Confluent's servers say that this one runs.
        roles: Vec<Role> { flag: "roles", default: "registry,proxy" }
        /// Listen on other addresses than loopback, where anyone who reaches them may do anything. Listeners that Confluent's
        /// settings name do so without it, unless it is `false`.
        insecure: bool { flag: "insecure", default: "false", dev: true }
        /// What is logged: a level, or targets with levels.
        log: LogFilter { flag: "log", default: "info,rdkafka=off", dev: true }
        /// How lines of the log are written, the access log's among them (docs/logs.md).
        log_format: LogFormat { flag: "log-format", default: "text", dev: true }
        /// Log a line for each request, under the target `weir::access`.
        access_log: bool { flag: "access-log", default: "false", dev: true }
        /// Where the access log is written, instead of the standard error: a file, or `stdout`. It is switched on by this, too.
        access_log_file: Option<String> { flag: "access-log-file", dev: true }
        /// A request that takes this long is logged with what it has waited for, under the target `weir::slow`. 0: none is.
        slow_request_ms: u64 {
            flag: "slow-request-ms", default: "1000", unit: "milliseconds", dev: true,
        }
        /// How long a process that is told to stop (SIGTERM) goes on taking requests, while `/readyz` is 503: as long as
        /// balancers need to notice. Then it stops listening, and answers what is under way.
        drain_delay_ms: u64 {
            flag: "drain-delay-ms", default: "500", max: 600_000, unit: "milliseconds", dev: true,
        }
        /// Serve the documents of the APIs (`/openapi.json`, `/openapi.yaml`) and a page to try them (`/docs`).
        api_docs: bool { flag: "api-docs", default: "true", dev: true }
        /// A network of reverse proxies, `10.0.0.0/8`, that are believed what they say of a request's client
        /// (`X-Forwarded-For`, `-Proto`, `-Host`, `-Prefix`, or `Forwarded`).
        trusted_proxies: Vec<IpNet> { flag: "trusted-proxy", named: "WEIR_TRUSTED_PROXIES", dev: true }
        /// Keep everything in memory, registry and topics: nothing is left when `weir dev` ends.
        ephemeral: bool { flag: "ephemeral", default: "false", dev: true, serve: false }
        /// A setting of Confluent's that ends the start, and that is to be passed over: its variable, or its name in a file.
        ignore_settings: Vec<String> { flag: "ignore-setting", named: "WEIR_IGNORE_SETTINGS" }
    }

    /// Kafka, as registry and proxy both reach it.
    "kafka." kafka: Kafka {
        /// Addresses of the brokers, `host:port` by commas.
        bootstrap_servers: Option<String> { flag: "bootstrap-servers" }
        /// A setting of librdkafka's for all clients of Kafka.
        client: Names { flag: "kafka", secrecy: Secrecy::ByName }
    }

    /// Who comes in, and what they may do. Without users, keys, tokens, certificates and rules, whoever reaches a listener may
    /// do everything.
    "access." access: Access {
        /// The file with the rules, `access.toml`: who may do what. It is read anew when it changes and on SIGHUP. Without rules,
        /// whoever has logged in may do everything.
        rules: Option<PathBuf> { flag: "access-rules" }
        /// The file with the users and the hashes of their passwords: our own (`weir user`), Jetty's `password.properties`, or
        /// Karapace's.
        users: Option<PathBuf> { flag: "access-users" }
        /// The format of `access.users`.
        users_format: UsersFormat { flag: "access-users-format", default: "auto" }
        /// The file with the API keys (`weir key`).
        keys: Option<PathBuf> { flag: "access-keys" }
        /// What a login is for, as clients show it.
        realm: String { flag: "access-realm", default: "weir" }
        /// A role that whoever comes in needs, of several any one: `*` is any role, `**` is none.
        required_roles: Vec<String> {
            flag: "access-required-role", named: "WEIR_ACCESS_REQUIRED_ROLES", default: "**",
        }
        /// A path that anybody may `GET`, such as `/readyz`, or `/metrics/*` with all below it.
        open_paths: Vec<String> { flag: "access-open-path", named: "WEIR_ACCESS_OPEN_PATHS" }
        /// What a principal is called who shows a certificate, in the syntax of Kafka's `ssl.principal.mapping.rules`:
        /// `RULE:^CN=(.*?),.*$/$1/,DEFAULT`.
        certificate_names: String { flag: "access-certificate-names", default: "DEFAULT" }
        /// Where the audit log is written: a file, or `stdout`.
        audit_log: Option<String> { flag: "access-audit-log" }
        /// The length after which the audit log's file is followed by another one.
        audit_log_bytes_max: u64 {
            flag: "access-audit-log-bytes-max", default: "104857600", min: 1, unit: "bytes",
        }
        /// Earlier files of the audit log that are kept, as `FILE.1` and so on.
        audit_logs_kept: u32 { flag: "access-audit-logs-kept", default: "10", max: 1000, unit: "files" }
    }

    /// Bearer tokens, which an OpenID provider signs.
    "oidc." oidc: Oidc {
        /// Whose tokens are taken: the claim `iss`, and where the provider's keys are found.
        issuer: Option<String> { flag: "oidc-issuer" }
        /// Where the provider's keys are.
        jwks_url: Option<String> { flag: "oidc-jwks-url", otherwise: "what the issuer says" }
        /// A file with the provider's keys, instead of asking it.
        jwks_file: Option<PathBuf> { flag: "oidc-jwks-file" }
        /// For whom tokens have to be: one of these is in the claim `aud`.
        audiences: Vec<String> { flag: "oidc-audience", named: "WEIR_OIDC_AUDIENCES" }
        /// The claim that has the principal's name.
        name_claim: String { flag: "oidc-name-claim", default: "sub" }
        /// The claim that has the principal's groups; dots lead into objects: `realm_access.groups`. Empty: none has.
        groups_claim: String { flag: "oidc-groups-claim", default: "groups" }
        /// The claim that has the principal's roles, likewise.
        roles_claim: Option<String> { flag: "oidc-roles-claim" }
        /// A scope that tokens need; of several, all.
        required_scopes: Vec<String> { flag: "oidc-required-scope", named: "WEIR_OIDC_REQUIRED_SCOPES" }
        /// The clients whose tokens are taken (`azp` or `client_id`).
        client_ids: Vec<String> {
            flag: "oidc-client-id", named: "WEIR_OIDC_CLIENT_IDS", otherwise: "any",
        }
        /// The types of tokens that are taken (`typ`), such as `at+jwt`.
        token_types: Vec<String> {
            flag: "oidc-token-type", named: "WEIR_OIDC_TOKEN_TYPES", otherwise: "any",
        }
        /// How far the provider's clock may be from ours.
        leeway_s: u64 { flag: "oidc-leeway-s", default: "30", max: 300, unit: "seconds" }
        /// How often the provider is asked for its keys.
        refresh_s: u64 { flag: "oidc-refresh-s", default: "300", min: 1, max: 86_400, unit: "seconds" }
        /// Certificates (PEM) to trust when the provider is asked.
        ca: Option<PathBuf> { flag: "oidc-ca", otherwise: "the system's" }
    }

    /// The schema registry.
    "registry." registry: Registry {
        /// Where the registry listens: URLs, of which all are served. Hosts may be names; without a host, all
        /// addresses of IPv4 are meant. Behind a `?`, a listener may have settings of its own: `client-auth`, `client-ca`,
        /// `client-crl`, `cert`, `key`, `authentication`, `hosts` (docs/operate.md).
        listeners: Vec<ListenerUrl> {
            flag: "registry-listener", named: "WEIR_REGISTRY_LISTENERS", default: "127.0.0.1:8081", dev: true,
        }
        /// Where the other nodes reach this one's registry.
        advertised_url: Option<String> {
            flag: "registry-advertised-url", otherwise: "its listener, with `registry.host_name`",
            secrecy: Secrecy::UrlUser,
        }
        /// The name by which the other nodes and clients reach this one's registry.
        host_name: Option<String> {
            flag: "registry-host-name",
            otherwise: "the listener's address, or `HOSTNAME` if that is unspecified",
        }
        /// The port beside `registry.host_name`.
        host_port: Option<u16> { flag: "registry-host-port", min: 1, otherwise: "the listener's" }
        /// Which of several listeners the other nodes are told: the last one that speaks this.
        inter_instance_protocol: Option<Scheme> {
            flag: "registry-inter-instance-protocol", otherwise: "http if there is such a listener, else https",
        }
        /// The certificate chain (PEM or PKCS#12) of https listeners of the registry alone.
        tls_cert: Option<PathBuf> { flag: "registry-tls-cert", otherwise: "`tls.cert`" }
        /// The key (PEM) of `registry.tls_cert`; it may be the same file.
        tls_key: Option<PathBuf> { flag: "registry-tls-key", otherwise: "`tls.key`" }
        /// The password of `registry.tls_cert`, if that is PKCS#12.
        tls_key_password: Option<Password> {
            flag: "registry-tls-key-password", secrecy: Secrecy::Whole, otherwise: "`tls.key_password`",
        }
        /// What https listeners of the registry ask of their clients.
        tls_client_auth: Option<ClientAuthMode> {
            flag: "registry-tls-client-auth", otherwise: "`tls.client_auth`",
        }
        /// Certificates (PEM or PKCS#12) of the authorities that sign those of clients of the registry.
        tls_client_ca: Vec<PathBuf> { flag: "registry-tls-client-ca", otherwise: "`tls.client_ca`" }
        /// The password of `registry.tls_client_ca`, if that is PKCS#12.
        tls_client_ca_password: Option<Password> {
            flag: "registry-tls-client-ca-password", secrecy: Secrecy::Whole,
            otherwise: "`tls.client_ca_password`",
        }
        /// Certificates of clients of the registry that are revoked (lists in PEM).
        tls_client_crl: Option<PathBuf> { flag: "registry-tls-client-crl", otherwise: "`tls.client_crl`" }
        /// The versions of TLS that https listeners of the registry speak.
        tls_versions: Vec<TlsVersion> {
            flag: "registry-tls-version", named: "WEIR_REGISTRY_TLS_VERSIONS", default: "1.2,1.3",
        }
        /// Headers that are added to all answers of the registry: `set NAME: VALUE, add NAME: VALUE`.
        response_headers: Option<String> { flag: "registry-response-headers" }
        /// Add `X-Content-Type-Options: nosniff` to all answers of the registry.
        nosniff: bool { flag: "registry-nosniff", default: "false" }
        /// Add `Strict-Transport-Security` to the answers of the registry's https listeners.
        hsts: bool { flag: "registry-hsts", default: "false" }
        /// An origin whose pages may read from the registry and write to it, beside those of `browsers.allowed_origins`.
        allowed_origins: Vec<String> {
            flag: "registry-allowed-origin", named: "WEIR_REGISTRY_ALLOWED_ORIGINS",
        }
        /// A method that pages of allowed origins may use.
        cors_methods: Vec<String> {
            flag: "registry-cors-method", named: "WEIR_REGISTRY_CORS_METHODS", default: "GET,POST,HEAD",
        }
        /// A header that requests of such pages may have.
        cors_headers: Vec<String> {
            flag: "registry-cors-header", named: "WEIR_REGISTRY_CORS_HEADERS",
            default: "X-Requested-With,Content-Type,Accept,Origin",
        }
        /// A header of answers that such pages may read.
        cors_exposed_headers: Vec<String> {
            flag: "registry-cors-exposed-header", named: "WEIR_REGISTRY_CORS_EXPOSED_HEADERS",
        }
        /// Answer the question of a browser whether a page may send a request (a preflight) although it has no login.
        cors_skip_preflights: bool { flag: "registry-cors-skip-preflights", default: "true" }
        /// Answer every OPTIONS with 403.
        reject_options: bool { flag: "registry-reject-options", default: "false" }
        /// A file with the settings of Confluent's registry, `schema-registry.properties`. Its settings win over this file's, and
        /// Confluent's variables win over it.
        properties: Option<PathBuf> { flag: "registry-properties" }
        /// Where the registry keeps its log: on disk, in memory (gone when the process ends), or in a compacted
        /// topic of Kafka as Confluent's registry does; nodes that share the topic elect a leader.
        store: Option<Store> {
            flag: "store", otherwise: "kafka if `registry.bootstrap_servers` is set, else sled", dev: true,
        }
        /// The folder of the store sled, and of the topics of `weir dev`.
        data_dir: PathBuf { flag: "data-dir", default: "weir-data", dev: true }
        /// Go on with a log in `registry.data_dir` that is damaged from this record on, or from a later one: what is lost
        /// stays lost, and ids that were given are not given again. The error of a damaged log says the offset.
        accept_loss_after: Option<u64> { flag: "accept-loss-after", unit: "offset", dev: true }
        /// Brokers of the registry's topic, where these are others than `kafka.bootstrap_servers`. Addresses may
        /// name their protocol, as `SASL_SSL://host:port`.
        bootstrap_servers: Option<String> {
            flag: "registry-bootstrap-servers", otherwise: "`kafka.bootstrap_servers`, else the proxy's",
        }
        /// A setting of librdkafka's for the registry's clients alone.
        kafka: Names { flag: "registry-kafka", secrecy: Secrecy::ByName }
        /// The topic of the store kafka.
        schemas_topic: String { flag: "schemas-topic", default: "_schemas", dev: true }
        /// Replicas of that topic if it is made; as many as there are brokers, if there are fewer.
        schemas_topic_replication_factor: u16 {
            flag: "schemas-topic-replication-factor", default: "3", min: 1, max: 32_767, unit: "replicas",
        }
        /// A setting of that topic if it is made.
        schemas_topic_config: Names { flag: "schemas-topic-config" }
        /// Start on a topic that is not compacted, or has lost its beginning.
        skip_topic_validation: bool { flag: "skip-topic-validation", default: "false" }
        /// How long Kafka may be away at the start.
        kafka_init_timeout_ms: u32 {
            flag: "registry-kafka-init-timeout-ms", default: "60000", unit: "milliseconds",
        }
        /// Nodes of one group elect their leader.
        group: String { flag: "registry-group", default: "schema-registry" }
        /// A file with a secret that all nodes have and nobody else. With access control, nodes tell each other with it on whose
        /// behalf they ask; without it, who may read `registry.schemas_topic` could do so too.
        node_secret: Option<PathBuf> { flag: "registry-node-secret" }
        /// This node is never the leader.
        never_lead: bool { flag: "never-lead", default: "false" }
        /// For a Kafka without transactional ids: whether a deposed leader has written is found out after each
        /// write, instead of being prevented by the broker.
        unfenced: bool { flag: "unfenced", default: "false" }
        /// Take the lead although another make of registry (Confluent's, Karapace) is in the group: two leaders give
        /// one id to two schemas.
        beside_other_registries: bool { flag: "beside-other-registries", default: "false" }
        /// The compatibility level where `/config` says none.
        compatibility_level: CompatibilityLevel { flag: "compatibility-level", default: "backward" }
        /// Whether modes can be changed; if not, a change is refused with 42205.
        mode_mutable: bool { flag: "mode-mutable", default: "true" }
        /// Refuse a subject without a name with 42208.
        reject_empty_subject: bool { flag: "reject-empty-subject", default: "false" }
        /// The body that a request to the registry may have; more is refused with 413.
        body_bytes_max: usize {
            flag: "registry-body-bytes-max", default: "10485760", min: 1, max: 10_485_760, unit: "bytes",
        }
        /// The work that a request to the registry may cause to read, print, normalise and compare schemas, with all that it
        /// refers to and is compared with; some 20 million steps take a second. More is refused with 42290.
        request_steps_max: u64 { flag: "request-steps-max", default: "40000000", unit: "steps" }
        /// The memory that this work may take at one time, beside the request's body. More is refused with 42290.
        request_bytes_max: u64 { flag: "request-bytes-max", default: "67108864", unit: "bytes" }
    }

    /// The REST proxy.
    "proxy." proxy: Proxy {
        /// Where the REST proxy listens: URLs, of which all are served, as `registry.listeners`.
        listeners: Vec<ListenerUrl> {
            flag: "proxy-listener", named: "WEIR_PROXY_LISTENERS", default: "127.0.0.1:8082", dev: true,
        }
        /// Where clients reach the proxy, for the `base_uri` of consumer instances and for links.
        advertised_url: Option<String> {
            flag: "advertised-url", otherwise: "what a client asked for", secrecy: Secrecy::UrlUser,
        }
        /// A name by which clients may ask for the proxy; links do not have it.
        host_name: Option<String> { flag: "proxy-host-name" }
        /// The certificate chain (PEM or PKCS#12) of https listeners of the proxy alone.
        tls_cert: Option<PathBuf> { flag: "proxy-tls-cert", otherwise: "`tls.cert`" }
        /// The key (PEM) of `proxy.tls_cert`; it may be the same file.
        tls_key: Option<PathBuf> { flag: "proxy-tls-key", otherwise: "`tls.key`" }
        /// The password of `proxy.tls_cert`, if that is PKCS#12.
        tls_key_password: Option<Password> {
            flag: "proxy-tls-key-password", secrecy: Secrecy::Whole, otherwise: "`tls.key_password`",
        }
        /// What https listeners of the proxy ask of their clients.
        tls_client_auth: Option<ClientAuthMode> {
            flag: "proxy-tls-client-auth", otherwise: "`tls.client_auth`",
        }
        /// Certificates (PEM or PKCS#12) of the authorities that sign those of clients of the proxy.
        tls_client_ca: Vec<PathBuf> { flag: "proxy-tls-client-ca", otherwise: "`tls.client_ca`" }
        /// The password of `proxy.tls_client_ca`, if that is PKCS#12.
        tls_client_ca_password: Option<Password> {
            flag: "proxy-tls-client-ca-password", secrecy: Secrecy::Whole,
            otherwise: "`tls.client_ca_password`",
        }
        /// Certificates of clients of the proxy that are revoked (lists in PEM).
        tls_client_crl: Option<PathBuf> { flag: "proxy-tls-client-crl", otherwise: "`tls.client_crl`" }
        /// The versions of TLS that https listeners of the proxy speak.
        tls_versions: Vec<TlsVersion> {
            flag: "proxy-tls-version", named: "WEIR_PROXY_TLS_VERSIONS", default: "1.2,1.3",
        }
        /// Headers that are added to all answers of the proxy: `set NAME: VALUE, add NAME: VALUE`.
        response_headers: Option<String> { flag: "proxy-response-headers" }
        /// Add `X-Content-Type-Options: nosniff` to all answers of the proxy.
        nosniff: bool { flag: "proxy-nosniff", default: "false" }
        /// Add `Strict-Transport-Security` to the answers of the proxy's https listeners.
        hsts: bool { flag: "proxy-hsts", default: "false" }
        /// An origin whose pages may read from the proxy and write to it, beside those of `browsers.allowed_origins`.
        allowed_origins: Vec<String> { flag: "proxy-allowed-origin", named: "WEIR_PROXY_ALLOWED_ORIGINS" }
        /// A method that pages of allowed origins may use.
        cors_methods: Vec<String> {
            flag: "proxy-cors-method", named: "WEIR_PROXY_CORS_METHODS", default: "GET,POST,HEAD",
        }
        /// A header that requests of such pages may have.
        cors_headers: Vec<String> {
            flag: "proxy-cors-header", named: "WEIR_PROXY_CORS_HEADERS",
            default: "X-Requested-With,Content-Type,Accept,Origin",
        }
        /// A header of answers that such pages may read.
        cors_exposed_headers: Vec<String> {
            flag: "proxy-cors-exposed-header", named: "WEIR_PROXY_CORS_EXPOSED_HEADERS",
        }
        /// Answer the question of a browser whether a page may send a request (a preflight) although it has no login.
        cors_skip_preflights: bool { flag: "proxy-cors-skip-preflights", default: "true" }
        /// Answer every OPTIONS with 403.
        reject_options: bool { flag: "proxy-reject-options", default: "false" }
        /// A file with the settings of Confluent's REST proxy, `kafka-rest.properties`. Its settings win over this file's, and
        /// Confluent's variables win over it.
        properties: Option<PathBuf> { flag: "proxy-properties" }
        /// Brokers of the proxy, where these are others than `kafka.bootstrap_servers`. Addresses may name their
        /// protocol, as `SASL_SSL://host:port`.
        bootstrap_servers: Option<String> {
            flag: "proxy-bootstrap-servers", otherwise: "`kafka.bootstrap_servers`, else the registry's",
        }
        /// A setting of librdkafka's for all clients of the proxy.
        kafka: Names { flag: "proxy-kafka", secrecy: Secrecy::ByName }
        /// A setting of librdkafka's for the proxy's producers alone.
        producer: Names { flag: "proxy-producer", secrecy: Secrecy::ByName }
        /// A setting of librdkafka's for the proxy's consumers alone.
        consumer: Names { flag: "proxy-consumer", secrecy: Secrecy::ByName }
        /// A setting of librdkafka's for the proxy's questions about the cluster alone.
        admin: Names { flag: "proxy-admin", secrecy: Secrecy::ByName }
        /// The registry that the proxy asks; several of one cluster by commas.
        schema_registry_url: Option<String> {
            flag: "schema-registry-url", secrecy: Secrecy::UrlUser,
            otherwise: "this process's; if it runs none, there is no registry, and schemas are refused",
        }
        /// A token that the proxy shows the registry.
        schema_registry_token: Option<Password> {
            flag: "schema-registry-token", secrecy: Secrecy::Whole,
        }
        /// The password of `proxy.schema_registry_ca`, if that is not PEM.
        schema_registry_ca_password: Option<Password> {
            flag: "schema-registry-ca-password", secrecy: Secrecy::Whole,
        }
        /// The certificate and the key (one file, PEM, PKCS#12 or Java's JKS) that the proxy shows the registry.
        schema_registry_client_cert: Option<PathBuf> { flag: "schema-registry-client-cert" }
        /// The password of `proxy.schema_registry_client_cert`, if that is not PEM.
        schema_registry_client_cert_password: Option<Password> {
            flag: "schema-registry-client-cert-password", secrecy: Secrecy::Whole,
        }
        /// Certificates (PEM, PKCS#12 or Java's JKS) that the proxy trusts when it asks the registry, and that nodes of the
        /// registry trust when they ask each other.
        schema_registry_ca: Option<PathBuf> {
            flag: "schema-registry-ca", otherwise: "the system's, and this process's own",
        }
        /// A consumer instance that nobody has asked for so long is closed.
        consumer_instance_timeout_ms: u64 {
            flag: "consumer-instance-timeout-ms", default: "300000", unit: "milliseconds",
        }
        /// Consumer instances that have a client of Kafka at once, with some threads and descriptors each. The others rest until they
        /// are asked for.
        consumer_instances_connected: Option<usize> {
            flag: "consumer-instances-connected", min: 1, unit: "instances",
            otherwise: "as many as there are threads and descriptors for, at most 1,000",
        }
        /// How long a consumer instance's read waits that says nothing else.
        consumer_request_timeout_ms: u64 {
            flag: "consumer-request-timeout-ms", default: "1000", min: 1, max: 300_000, unit: "milliseconds",
        }
        /// The records that one read of a consumer instance answers.
        consumer_request_bytes_max: usize {
            flag: "consumer-request-bytes-max", default: "67108864", min: 1, max: 67_108_864, unit: "bytes",
        }
        /// What a consumer instance's read waits for that says nothing else; 0: until its time is over.
        consumer_fetch_min_bytes: Option<u32> {
            flag: "consumer-fetch-min-bytes", max: 10_000_000, unit: "bytes",
            otherwise: "1; 0 with `proxy.confluent_quirks`",
        }
        /// Records that a batch of API v3 may have.
        batch_entries_max: usize {
            flag: "batch-entries-max", default: "50", min: 1, max: 50, unit: "records",
        }
        /// The authority in the names of resources of API v3, `crn://AUTHORITY/kafka=..`.
        resource_name_authority: Option<String> { flag: "resource-name-authority" }
        /// Requests that the proxy answers to one address in a second, and records of a stream.
        rate_limit_requests_per_sec: Option<u32> {
            flag: "rate-limit-requests-per-sec", unit: "requests a second", otherwise: "no limit",
        }
        /// What the proxy takes from one address to produce in a second.
        rate_limit_bytes_per_sec: Option<u32> {
            flag: "rate-limit-bytes-per-sec", unit: "bytes a second", otherwise: "no limit",
        }
        /// Whether the proxy has API v2; if not, its paths are 404.
        api_v2: bool { flag: "api-v2", default: "true" }
        /// Whether the proxy has API v3; if not, its paths are 404.
        api_v3: bool { flag: "api-v3", default: "true" }
        /// Give records that are produced the headers `traceparent` and `tracestate` of the request that they come with, unless they
        /// have these headers already. Otherwise records are what their sender says.
        produce_traceparent: bool { flag: "produce-traceparent", default: "false" }
        /// Do as Confluent's proxy where Weir does better: reads wait for their whole timeout, and so on
        /// (docs/differences.md).
        confluent_quirks: bool { flag: "confluent-quirks", default: "false" }
    }

    /// The broker of `weir dev`, which is for development and tests (docs/dev-broker.md). `weir serve` has none.
    "broker." broker: DevBroker {
        /// Where it listens: `ADDRESS:PORT`. Port 0 is any that is free.
        listener: Option<BrokerListener> {
            flag: "broker-listener", otherwise: "`127.0.0.1:9092` if it is free, else a free port", dev: true,
            serve: false,
        }
        /// Where clients are told to connect, `HOST:PORT`, as Kafka's `advertised.listeners`: for clients in containers.
        advertised_listener: Option<AdvertisedListener> {
            flag: "broker-advertised-listener", otherwise: "its listener", dev: true, serve: false,
        }
        /// A further listener, `ADDRESS:PORT`, on which clients have to log in (`SASL_PLAINTEXT`, with `PLAIN`, `SCRAM-SHA-256` or
        /// `SCRAM-SHA-512`).
        sasl_listener: Option<BrokerListener> {
            flag: "broker-sasl-listener", otherwise: "a free port of 127.0.0.1 if there are `broker.users`", dev: true,
            serve: false,
        }
        /// A user who can log in there, with the password.
        users: Names { flag: "broker-user", secrecy: Secrecy::Whole, dev: true, serve: false }
        /// Whether ACLs are enforced. On the listener without a login, everybody may do everything all the same, since registry and
        /// proxy of this process use it.
        acls: bool { flag: "broker-acls", default: "false", dev: true, serve: false }
        /// Who may do everything whatever ACLs say, as in Kafka's `super.users`: `User:admin`.
        super_users: Vec<String> {
            flag: "broker-super-user", named: "WEIR_BROKER_SUPER_USERS", dev: true, serve: false,
        }
        /// Whether a topic is made when it is first asked for, as Kafka's `auto.create.topics.enable`.
        auto_create_topics_enable: bool {
            flag: "broker-auto-create-topics-enable", default: "true", dev: true, serve: false,
        }
        /// Partitions of a topic where nobody says how many, as Kafka's `num.partitions`.
        num_partitions: u32 {
            flag: "broker-num-partitions", default: "1", min: 1, max: 1000, unit: "partitions", dev: true,
            serve: false,
        }
        /// Another config of the broker, by the name that Kafka's `server.properties` has: `log.retention.ms`,
        /// `log.flush.interval.ms`.
        configs: Names { flag: "broker-config", dev: true, serve: false }
        /// A file with faults: rules that say which requests fail, and how (docs/dev-broker.md). TOML, or JSON if its name
        /// ends with `.json`.
        faults: Option<PathBuf> { flag: "broker-faults", dev: true, serve: false }
    }

    /// How the process is, for who runs it: `/healthz`, `/readyz`, `/startupz` and `/metrics` of all that runs.
    "management." management: Management {
        /// Where this is asked: URLs, as `registry.listeners`. Nobody has to log in there unless a listener says
        /// `?authentication=required`.
        listeners: Vec<ListenerUrl> {
            flag: "management-listener", named: "WEIR_MANAGEMENT_LISTENERS", dev: true,
        }
    }

    /// OpenTelemetry: traces and metrics, which are sent to a collector by OTLP over HTTP (docs/logs.md). The standard variables
    /// `OTEL_*` are read as well; those of Weir win.
    "otlp." otlp: Otlp {
        /// The collector: `http://collector:4318`, to which `/v1/traces` and `/v1/metrics` are added. Without it, and without
        /// URLs of their own for traces and metrics, nothing is sent.
        endpoint: Option<String> { flag: "otlp-endpoint", secrecy: Secrecy::UrlUser, dev: true }
        /// Where traces are sent, whole: `https://traces.example/v1/traces`.
        traces_endpoint: Option<String> {
            flag: "otlp-traces-endpoint", otherwise: "`otlp.endpoint` with `/v1/traces`",
            secrecy: Secrecy::UrlUser, dev: true,
        }
        /// Where metrics are sent, whole.
        metrics_endpoint: Option<String> {
            flag: "otlp-metrics-endpoint", otherwise: "`otlp.endpoint` with `/v1/metrics`",
            secrecy: Secrecy::UrlUser, dev: true,
        }
        /// Headers of what is sent, `NAME=VALUE` by commas, such as an API key. Say them in a file or a variable: everybody on the machine sees
        /// flags.
        headers: Option<Password> { flag: "otlp-headers", secrecy: Secrecy::Whole, dev: true }
        /// Whether traces are sent.
        traces: bool { flag: "otlp-traces", default: "true", dev: true }
        /// Whether metrics are sent.
        metrics: bool { flag: "otlp-metrics", default: "true", dev: true }
        /// Which traces are recorded. What begins with `parentbased_` follows the caller's choice where there is one.
        sampler: TraceSampler { flag: "otlp-sampler", default: "parentbased_always_on", dev: true }
        /// The part of traces that samplers with `traceidratio` record, from 0 to 1.
        sampler_ratio: Option<String> { flag: "otlp-sampler-ratio", otherwise: "1", dev: true }
        /// What this process is called in traces and metrics.
        service_name: String { flag: "otlp-service-name", default: "weir", dev: true }
        /// What else is said of this process, `NAME=VALUE` by commas: `deployment.environment.name=prod`.
        resource_attributes: Option<String> { flag: "otlp-resource-attributes", dev: true }
        /// Certificates (PEM) to trust when the collector is reached.
        ca: Option<PathBuf> { flag: "otlp-ca", otherwise: "the system's", dev: true }
        /// How long the collector may take to answer.
        timeout_ms: u64 { flag: "otlp-timeout-ms", default: "10000", min: 1, unit: "milliseconds", dev: true }
        /// How often metrics are sent.
        metrics_interval_ms: u64 {
            flag: "otlp-metrics-interval-ms", default: "60000", min: 1000, unit: "milliseconds", dev: true,
        }
    }

    /// TLS of all listeners.
    "tls." tls: Tls {
        /// The certificate chain of https listeners: PEM, or PKCS#12 (`.p12`, `.pfx`). Where none of a server's listeners says `https://`, all of them
        /// speak HTTPS with it.
        cert: Option<PathBuf> { flag: "tls-cert" }
        /// The key (PEM) of `tls.cert`; it may be the same file. In PKCS#12 it always is.
        key: Option<PathBuf> { flag: "tls-key" }
        /// The password of `tls.cert`, if that is PKCS#12. Say it in a file or a variable: everybody on the machine sees flags.
        key_password: Option<Password> { flag: "tls-key-password", secrecy: Secrecy::Whole }
        /// What https listeners ask of their clients: nothing, a certificate that they need not have, or a certificate.
        client_auth: ClientAuthMode { flag: "tls-client-auth", default: "none" }
        /// Certificates (PEM or PKCS#12) of the authorities that sign those of clients.
        client_ca: Vec<PathBuf> { flag: "tls-client-ca" }
        /// The password of `tls.client_ca`, if that is PKCS#12.
        client_ca_password: Option<Password> { flag: "tls-client-ca-password", secrecy: Secrecy::Whole }
        /// Certificates of clients that are revoked (lists in PEM).
        client_crl: Option<PathBuf> { flag: "tls-client-crl" }
    }

    /// Whose requests are taken, of those that a browser may have been tricked into.
    "browsers." browsers: Browsers {
        /// A name by which clients may ask for a listener on loopback, `NAME` or `NAME:PORT`, beside `localhost`, its address and
        /// the names of listeners, host names and advertised URLs. `*` is any.
        allowed_hosts: Vec<AllowedHost> { flag: "allowed-host", named: "WEIR_ALLOWED_HOSTS", dev: true }
        /// An origin whose pages may read and write, such as `https://ui.example`; `*` stands for any letters.
        allowed_origins: Vec<String> { flag: "allowed-origin", named: "WEIR_ALLOWED_ORIGINS", dev: true }
    }

    /// What one process lets strangers take. Registry and proxy share these limits.
    "limits." limits: LimitSettings {
        /// Open connections. Beyond, one that is idle makes room: one that was never used, else the one that is idle for the
        /// longest time. If none is idle, one makes room whose body has been under way for a second, or whose client has read
        /// nothing for two. Else the new one is answered 503 and closed.
        connections_max: Option<usize> {
            flag: "connections-max", min: 1, unit: "connections",
            otherwise: "half of the descriptors, at most 10,000",
        }
        /// Open connections of one address; of IPv6, of one network of 64 bits. Raise it to `limits.connections_max` behind a reverse
        /// proxy.
        connections_per_address_max: Option<usize> {
            flag: "connections-per-address-max", min: 1, unit: "connections",
            otherwise: "half of `limits.connections_max`",
        }
        /// What has arrived of all requests' bodies until they are answered. An eighth of it is for bodies up to 64 KiB. Where there
        /// is no room, bodies that have been under way for the longest time (at least a second) are cut off, 503.
        body_bytes_sum_max: usize {
            flag: "body-bytes-sum-max", default: "134217728", min: 1, unit: "bytes",
        }
        /// How long a body waits for room before it is refused, 503 with `Retry-After`.
        body_wait_ms: u64 { flag: "body-wait-ms", default: "2000", unit: "milliseconds" }
        /// How long a body may take to arrive, else 408; of a stream of records, each record.
        body_timeout_ms: u64 { flag: "body-timeout-ms", default: "60000", min: 1, unit: "milliseconds" }
        /// How long a client may take nothing of its answer before its connection is closed.
        answer_stall_timeout_ms: u64 {
            flag: "answer-stall-timeout-ms", default: "30000", min: 1, unit: "milliseconds",
        }
        /// How long a client may be behind with its answer, however steadily it reads.
        answer_timeout_ms: u64 { flag: "answer-timeout-ms", default: "300000", min: 1, unit: "milliseconds" }
        /// How long the head of a request may take from its first byte on before its connection is closed.
        header_timeout_ms: u64 { flag: "header-timeout-ms", default: "10000", min: 1, unit: "milliseconds" }
        /// How long a request may take until its answer begins, its body included, else 503. A stream of records has an answer as soon as
        /// it begins.
        request_timeout_ms: u64 { flag: "request-timeout-ms", default: "600000", min: 1, unit: "milliseconds" }
        /// How long a client may take to agree on the keys of TLS.
        handshake_timeout_ms: u64 {
            flag: "handshake-timeout-ms", default: "10000", min: 1, unit: "milliseconds",
        }
        /// Requests of HTTP/2 that may be under way on a connection.
        streams_per_connection_max: u32 {
            flag: "streams-per-connection-max", default: "100", min: 1, unit: "requests",
        }
        /// How long a connection is kept on which no request has come.
        idle_timeout_ms: u64 { flag: "idle-timeout-ms", default: "30000", min: 1, unit: "milliseconds" }
    }
}

/// The declaration with this key.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}
