//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use weir_http::AllowedHost;
use weir_registry::REQUEST_LIMITS;

/// A schema registry and an HTTP gateway for Kafka in one binary.
#[derive(Parser)]
#[command(name = "weir", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run everything on this machine: registry, REST proxy and an embedded broker.
    Dev(DevArgs),
    /// Run the registry, the REST proxy or both against a real Kafka.
    Serve(Box<ServeArgs>),
    /// Copy a registry: from Confluent, Karapace, Redpanda or Weir, from a topic, a folder or a file,
    /// to any of these; or compare two.
    Migrate(MigrateArgs),
}

#[derive(Args)]
pub struct DevArgs {
    /// Where the registry keeps its log.
    #[arg(long, default_value = "weir-data")]
    pub data_dir: PathBuf,
    /// Go on with a log that is damaged from this record on, or from a later one: what is lost stays lost, and
    /// ids that were given are not given again. The error of a damaged log says the offset.
    #[arg(long, value_name = "OFFSET")]
    pub accept_loss_after: Option<u64>,
    /// Where the registry listens.
    #[arg(long, default_value = "127.0.0.1:8081")]
    pub registry_listener: SocketAddr,
    /// Where the REST proxy listens.
    #[arg(long, default_value = "127.0.0.1:8082")]
    pub proxy_listener: SocketAddr,
    /// Listen on other addresses than loopback.
    #[arg(long)]
    pub insecure: bool,
    #[command(flatten)]
    pub browsers: BrowserArgs,
}

/// Whose requests are taken, of those that a browser may have been tricked into.
#[derive(Args, Default)]
pub struct BrowserArgs {
    /// A name by which clients may ask for a listener on loopback, NAME or NAME:PORT, beside localhost, its address and
    /// what is advertised; * is any. May be given often, or by commas.
    #[arg(
        long = "allowed-host",
        value_name = "HOST",
        value_delimiter = ',',
        env = "WEIR_ALLOWED_HOSTS"
    )]
    pub allowed_hosts: Vec<AllowedHost>,
    /// An origin whose pages may write, as https://ui.example; * stands for any letters. May be given often, or by
    /// commas. Or SCHEMA_REGISTRY_ACCESS_CONTROL_ALLOW_ORIGIN, KAFKA_REST_ACCESS_CONTROL_ALLOW_ORIGIN.
    #[arg(
        long = "allowed-origin",
        value_name = "ORIGIN",
        value_delimiter = ',',
        env = "WEIR_ALLOWED_ORIGINS"
    )]
    pub allowed_origins: Vec<String>,
}

/// How much of the process strangers may take.
#[derive(Args, Default)]
pub struct LimitArgs {
    /// Connections that may be open [default: half of the descriptors that the process may have, at most 10000]; or
    /// SCHEMA_REGISTRY_SERVER_CONNECTION_LIMIT, KAFKA_REST_SERVER_CONNECTION_LIMIT.
    #[arg(long, env = "WEIR_CONNECTIONS_MAX", value_parser = at_least_one())]
    pub connections_max: Option<u64>,
    /// Connections that may be open from one address; of IPv6, from one network of 64 bits [default: half of
    /// --connections-max].
    #[arg(long, env = "WEIR_CONNECTIONS_PER_ADDRESS_MAX", value_parser = at_least_one())]
    pub connections_per_address_max: Option<u64>,
    /// Bytes of all requests' bodies that have arrived and whose requests are not answered [default: 134217728].
    #[arg(long, env = "WEIR_BODY_BYTES_SUM_MAX", value_parser = at_least_one())]
    pub body_bytes_sum_max: Option<u64>,
    /// How long a body that finds that sum used up waits before it is refused, 503 [default: 2000].
    #[arg(long, env = "WEIR_BODY_WAIT_MS")]
    pub body_wait_ms: Option<u64>,
    /// How long a body may take to arrive as a whole, else 408 [default: 60000].
    #[arg(long, env = "WEIR_BODY_TIMEOUT_MS", value_parser = at_least_one())]
    pub body_timeout_ms: Option<u64>,
    /// How long a client may take nothing of an answer that waits for it, before its connection is closed
    /// [default: 30000].
    #[arg(long, env = "WEIR_ANSWER_STALL_TIMEOUT_MS", value_parser = at_least_one())]
    pub answer_stall_timeout_ms: Option<u64>,
    /// How long a client may be behind with its answer, however steadily it reads, before its connection is closed
    /// [default: 300000].
    #[arg(long, env = "WEIR_ANSWER_TIMEOUT_MS", value_parser = at_least_one())]
    pub answer_timeout_ms: Option<u64>,
    /// How long a connection is kept on which no request comes [default: 30000]; or SCHEMA_REGISTRY_IDLE_TIMEOUT_MS,
    /// KAFKA_REST_IDLE_TIMEOUT_MS.
    #[arg(long, env = "WEIR_IDLE_TIMEOUT_MS", value_parser = at_least_one())]
    pub idle_timeout_ms: Option<u64>,
}

/// Zero would switch off what is counted.
fn at_least_one() -> RangedU64ValueParser {
    clap::value_parser!(u64).range(1..)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    Registry,
    Proxy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Store {
    /// On disk, in --data-dir.
    Sled,
    /// Nowhere: everything is gone when the process ends.
    Memory,
    /// In a compacted topic, as Confluent's registry does; nodes that share it elect a leader.
    Kafka,
}

/// Flags win over the environment.
#[derive(Args)]
pub struct ServeArgs {
    /// What to run.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["registry", "proxy"])]
    pub roles: Vec<Role>,
    /// Kafka's brokers, host:port,...; or KAFKA_REST_BOOTSTRAP_SERVERS, or
    /// SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS.
    #[arg(long)]
    pub bootstrap_servers: Option<String>,
    /// A setting of librdkafka's, name=value; may be given often. Or KAFKA_REST_CLIENT_<NAME>.
    #[arg(long = "kafka", value_name = "NAME=VALUE")]
    pub kafka: Vec<String>,
    /// Where the registry listens [default: 127.0.0.1:8081]; or SCHEMA_REGISTRY_LISTENERS, which may be
    /// many, http and https.
    #[arg(long)]
    pub registry_listener: Option<SocketAddr>,
    /// Where the REST proxy listens [default: 127.0.0.1:8082]; or KAFKA_REST_LISTENERS.
    #[arg(long)]
    pub proxy_listener: Option<SocketAddr>,
    /// Where the registry keeps its log [default: sled, or kafka if the environment has
    /// SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS].
    #[arg(long, value_enum)]
    pub store: Option<Store>,
    /// The folder of --store sled.
    #[arg(long, default_value = "weir-data")]
    pub data_dir: PathBuf,
    /// Go on with a log in --data-dir that is damaged from this record on, or from a later one: what is lost
    /// stays lost, and ids that were given are not given again. The error of a damaged log says the offset.
    #[arg(long, value_name = "OFFSET")]
    pub accept_loss_after: Option<u64>,
    /// The topic of --store kafka [default: _schemas]; or SCHEMA_REGISTRY_KAFKASTORE_TOPIC.
    #[arg(long)]
    pub schemas_topic: Option<String>,
    /// Replicas of that topic if it is made [default: 3, or as many as there are brokers]; or
    /// SCHEMA_REGISTRY_KAFKASTORE_TOPIC_REPLICATION_FACTOR.
    #[arg(long)]
    pub schemas_topic_replication_factor: Option<u16>,
    /// Start on a topic that is not compacted, or has lost its beginning.
    #[arg(long)]
    pub skip_topic_validation: bool,
    /// Nodes of one group elect their leader [default: schema-registry]; or
    /// SCHEMA_REGISTRY_SCHEMA_REGISTRY_GROUP_ID.
    #[arg(long)]
    pub registry_group: Option<String>,
    /// Where the other nodes reach this one's registry [default: its listener]; or
    /// SCHEMA_REGISTRY_HOST_NAME.
    #[arg(long)]
    pub registry_advertised_url: Option<String>,
    /// This node is never the leader; or SCHEMA_REGISTRY_LEADER_ELIGIBILITY=false.
    #[arg(long)]
    pub never_lead: bool,
    /// For a Kafka without transactional ids: whether a deposed leader has written is found out after
    /// each write, instead of being prevented by the broker.
    #[arg(long)]
    pub unfenced: bool,
    /// Take the lead although another make of registry (Confluent's, Karapace) is in the group: two leaders
    /// give one id to two schemas.
    #[arg(long)]
    pub beside_other_registries: bool,
    /// The registry that the proxy asks [default: this one]; or KAFKA_REST_SCHEMA_REGISTRY_URL.
    #[arg(long)]
    pub schema_registry_url: Option<String>,
    /// Certificates (PEM) that the proxy trusts when it asks the registry.
    #[arg(long)]
    pub schema_registry_ca: Option<PathBuf>,
    /// The certificate chain (PEM) of the listeners, which then speak HTTPS.
    #[arg(long, requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The key (PEM) of --tls-cert.
    #[arg(long, requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Where clients reach the proxy, for the base_uri of consumer instances.
    #[arg(long)]
    pub advertised_url: Option<String>,
    /// A consumer instance that nobody asks for so long is closed; or
    /// KAFKA_REST_CONSUMER_INSTANCE_TIMEOUT_MS [default: 300000].
    #[arg(long)]
    pub consumer_instance_timeout_ms: Option<u64>,
    /// Consumer instances that have a client of Kafka at once, with some threads and descriptors each; or
    /// KAFKA_REST_CONSUMER_INSTANCES_CONNECTED [default: as many as there are threads and descriptors for,
    /// up to 1000]. The others rest until they are asked for.
    #[arg(long, value_name = "COUNT", value_parser = at_least_one())]
    pub consumer_instances_connected: Option<u64>,
    /// Requests a second that the proxy answers to one address, and records of a stream; or
    /// KAFKA_REST_API_V3_PRODUCE_RATE_LIMIT_MAX_REQUESTS_PER_SEC, if .._RATE_LIMIT_ENABLED is true.
    #[arg(long)]
    pub rate_limit_requests_per_sec: Option<u32>,
    /// Bytes a second that the proxy takes from one address to produce; or
    /// KAFKA_REST_API_V3_PRODUCE_RATE_LIMIT_MAX_BYTES_PER_SEC, as above.
    #[arg(long)]
    pub rate_limit_bytes_per_sec: Option<u32>,
    /// Steps that a request to the registry may use to read, print and compare schemas; some 20 million
    /// take a second. More is refused with 42290.
    #[arg(long, value_name = "STEPS", default_value_t = REQUEST_LIMITS.steps)]
    pub request_steps_max: u64,
    /// Bytes of memory that a request to the registry may use for that, beside its body. More is refused
    /// with 42290.
    #[arg(long, value_name = "BYTES", default_value_t = REQUEST_LIMITS.bytes)]
    pub request_bytes_max: u64,
    /// Do as Confluent's proxy where Weir does better: reads wait for their whole timeout, and so on
    /// (docs/differences.md).
    #[arg(long)]
    pub confluent_quirks: bool,
    /// Listen on other addresses than loopback, where anyone who reaches them may do anything.
    #[arg(long)]
    pub insecure: bool,
    #[command(flatten)]
    pub browsers: BrowserArgs,
    #[command(flatten)]
    pub limits: LimitArgs,
    /// A variable of Confluent's that ends the start and may be passed over, by its name; may be given
    /// often (docs/settings.md).
    #[arg(long = "ignore-setting", value_name = "VARIABLE")]
    pub ignore_settings: Vec<String>,
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
