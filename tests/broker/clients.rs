//! The clients, and what each does with the broker: the steps that its program has to say, by column of the page.

use crate::versions::Version;

/// What runs a program, and where it is.
pub enum Runtime {
    Java { class: &'static str },
    Go { argument: &'static str },
    Python { script: &'static str },
    Node { script: &'static str },
    Rust,
    Kcat,
}

impl Runtime {
    /// The variable by which `tests/run` says what it has installed.
    pub fn variable(&self) -> &'static str {
        match self {
            Runtime::Java { .. } => "WEIR_TEST_JAVA",
            Runtime::Go { .. } => "WEIR_TEST_GO_CLIENTS",
            Runtime::Python { .. } | Runtime::Kcat => "WEIR_TEST_PYTHON",
            Runtime::Node { .. } => "WEIR_TEST_NODE",
            Runtime::Rust => "WEIR_TEST_RUST_CLIENT",
        }
    }
}

/// Steps of one column.
pub type Steps = &'static [&'static str];

/// One client. A column that is empty is one that the client has no calls for.
pub struct Client {
    pub name: &'static str,
    pub language: &'static str,
    pub version: Version,
    pub runtime: Runtime,
    /// In the order of [`COLUMNS`].
    pub columns: [Steps; COLUMNS.len()],
    /// Steps that only this one does.
    pub more: Steps,
}

impl Client {
    /// All steps, in the order of the alphabet.
    pub fn steps(&self) -> Vec<&'static str> {
        let mut all = [self.columns.concat(), self.more.to_vec()].concat();
        all.sort_unstable();
        all
    }
}

/// A column of the page, and all steps that a client can do in it.
pub struct Column {
    pub title: &'static str,
    pub about: &'static str,
    pub steps: Steps,
}

const RECORDS: Steps = &["records"];
const CODECS: Steps = &["gzip", "lz4", "snappy", "zstd"];
const GROUPS: Steps = &["rebalance", "commit", "resume"];
const BOTH_GROUPS: Steps = &["rebalance", "rebalance_consumer", "commit", "resume"];
const POSITIONS: Steps = &["seek"];
const TRANSACTIONS: Steps = &["txn_commit", "txn_abort", "txn_offsets"];
const TOPICS: Steps =
    &["create_topic", "describe_config", "alter_config", "delete_records", "delete_topic"];
const GROUP_ADMIN: Steps = &["groups", "lag", "delete_group"];

pub const COLUMNS: [Column; 7] = [
    Column {
        title: "records",
        about: "records with keys, headers, null keys and null values are read as they were written, each key in one partition",
        steps: RECORDS,
    },
    Column {
        title: "compression",
        about: "compressed batches, with every codec that the client has",
        steps: CODECS,
    },
    Column {
        title: "groups",
        about: "two members share the partitions and one leaves, offsets are committed, a new member goes on from there; with the classic protocol, and where it says KIP-848, with that one, too",
        steps: GROUPS,
    },
    Column { title: "seek", about: "reading from an offset that was sought", steps: POSITIONS },
    Column {
        title: "transactions",
        about: "commit and abort; readers of committed records see no others; offsets are committed with the transaction",
        steps: TRANSACTIONS,
    },
    Column {
        title: "topics",
        about: "topics are created with settings, described, their settings altered, their records deleted, they are deleted",
        steps: TOPICS,
    },
    Column {
        title: "groups' administration",
        about: "groups are listed and described with their lag, and deleted",
        steps: GROUP_ADMIN,
    },
];

pub const ALL: [&Client; 11] = [
    &JAVA,
    &FRANZ_GO,
    &SARAMA,
    &CONFLUENT_GO,
    &KAFKA_GO,
    &CONFLUENT_PYTHON,
    &KAFKA_PYTHON,
    &AIOKAFKA,
    &KAFKAJS,
    &RSKAFKA,
    &KCAT,
];

/// Programs that are made of Kafka's own client; their steps are their own.
pub const PROGRAMS: [&Client; 3] = [&STREAMS, &CONNECT, &TOOLS];

pub const JAVA: Client = Client {
    name: "Kafka's own client",
    language: "Java",
    version: Version::Maven("kafka.version"),
    runtime: Runtime::Java { class: "JavaClient" },
    columns: [RECORDS, CODECS, BOTH_GROUPS, POSITIONS, TRANSACTIONS, TOPICS, GROUP_ADMIN],
    more: &[
        "alter_offsets",
        "cluster",
        "commit_consumer",
        "create_partitions",
        "resume_consumer",
        "static_member",
        "timestamps",
        "txn_fenced",
    ],
};

pub const FRANZ_GO: Client = Client {
    name: "franz-go",
    language: "Go",
    version: Version::Go("github.com/twmb/franz-go"),
    runtime: Runtime::Go { argument: "franz-go" },
    columns: [RECORDS, CODECS, GROUPS, POSITIONS, TRANSACTIONS, TOPICS, GROUP_ADMIN],
    more: &[],
};

pub const SARAMA: Client = Client {
    name: "sarama",
    language: "Go",
    version: Version::Go("github.com/IBM/sarama"),
    runtime: Runtime::Go { argument: "sarama" },
    columns: [RECORDS, CODECS, GROUPS, POSITIONS, TRANSACTIONS, TOPICS, GROUP_ADMIN],
    more: &[],
};

pub const CONFLUENT_GO: Client = Client {
    name: "confluent-kafka-go",
    language: "Go",
    version: Version::Go("github.com/confluentinc/confluent-kafka-go/v2"),
    runtime: Runtime::Go { argument: "confluent-kafka-go" },
    columns: [RECORDS, CODECS, BOTH_GROUPS, POSITIONS, TRANSACTIONS, TOPICS, GROUP_ADMIN],
    more: &[],
};

/// Its client has the requests of transactions, its writer does not use them.
pub const KAFKA_GO: Client = Client {
    name: "kafka-go",
    language: "Go",
    version: Version::Go("github.com/segmentio/kafka-go"),
    runtime: Runtime::Go { argument: "kafka-go" },
    columns: [
        RECORDS,
        CODECS,
        GROUPS,
        POSITIONS,
        &["txn_offsets"],
        &["create_topic", "describe_config", "alter_config", "delete_topic"],
        GROUP_ADMIN,
    ],
    more: &[],
};

pub const CONFLUENT_PYTHON: Client = Client {
    name: "confluent-kafka",
    language: "Python",
    version: Version::Python("confluent-kafka"),
    runtime: Runtime::Python { script: "confluent_client.py" },
    columns: [RECORDS, CODECS, BOTH_GROUPS, POSITIONS, TRANSACTIONS, TOPICS, GROUP_ADMIN],
    more: &[],
};

pub const KAFKA_PYTHON: Client = Client {
    name: "kafka-python",
    language: "Python",
    version: Version::Python("kafka-python"),
    runtime: Runtime::Python { script: "kafka_python_client.py" },
    columns: [RECORDS, CODECS, GROUPS, POSITIONS, TRANSACTIONS, TOPICS, GROUP_ADMIN],
    more: &[],
};

pub const AIOKAFKA: Client = Client {
    name: "aiokafka",
    language: "Python",
    version: Version::Python("aiokafka"),
    runtime: Runtime::Python { script: "aiokafka_client.py" },
    columns: [RECORDS, CODECS, GROUPS, POSITIONS, TRANSACTIONS, TOPICS, &["groups", "lag"]],
    more: &[],
};

pub const KAFKAJS: Client = Client {
    name: "kafkajs",
    language: "JavaScript",
    version: Version::Node("kafkajs"),
    runtime: Runtime::Node { script: "kafkajs.mjs" },
    columns: [RECORDS, &["gzip"], GROUPS, POSITIONS, TRANSACTIONS, TOPICS, GROUP_ADMIN],
    more: &[],
};

pub const RSKAFKA: Client = Client {
    name: "rskafka",
    language: "Rust",
    version: Version::Cargo("rskafka"),
    runtime: Runtime::Rust,
    columns: [
        RECORDS,
        CODECS,
        &[],
        POSITIONS,
        &[],
        &["create_topic", "delete_records", "delete_topic"],
        &[],
    ],
    more: &["timestamps"],
};

pub const STREAMS: Client = Client {
    name: "Kafka Streams",
    language: "Java",
    version: Version::Maven("kafka.version"),
    runtime: Runtime::Java { class: "StreamsClient" },
    columns: [&[]; COLUMNS.len()],
    more: &[
        "streams_count",
        "streams_internal_topics",
        "streams_read_committed",
        "streams_restart",
    ],
};

pub const CONNECT: Client = Client {
    name: "Kafka Connect",
    language: "Java",
    version: Version::Maven("kafka.version"),
    runtime: Runtime::Java { class: "ConnectClient" },
    columns: [&[]; COLUMNS.len()],
    more: &["connect_offsets", "connect_restart", "connect_source_and_sink"],
};

pub const TOOLS: Client = Client {
    name: "Kafka's command line tools",
    language: "Java",
    version: Version::Maven("kafka.version"),
    runtime: Runtime::Java { class: "Tools" },
    columns: [&[]; COLUMNS.len()],
    more: &[
        "acls",
        "broker_api_versions",
        "cluster",
        "configs",
        "console_consumer",
        "console_producer",
        "consumer_groups",
        "consumer_perf_test",
        "delete",
        "delete_records",
        "get_offsets",
        "groups",
        "log_dirs",
        "producer_perf_test",
        "reset_offsets",
        "scram_users",
        "topics",
        "transactions",
    ],
};

pub const KCAT: Client = Client {
    name: "kcat",
    language: "C",
    version: Version::Debian,
    runtime: Runtime::Kcat,
    columns: [RECORDS, CODECS, GROUPS, POSITIONS, &[], &[], &[]],
    more: &["metadata", "timestamps"],
};
