//! Where the broker behaves differently from Kafka: on purpose, or because of a fault that is known.

/// A difference that is meant.
#[derive(Debug)]
pub struct Meant {
    pub script: &'static str,
    /// The labels of the steps, or how they begin.
    pub labels: &'static [&'static str],
    /// What Kafka does.
    pub kafka: &'static str,
    /// What the broker does, and why.
    pub ours: &'static str,
}

/// What users may want to know; `broker/DIFFERENCES.md` is written from it.
pub const MEANT: &[Meant] = &[
    Meant {
        script: "api_versions",
        labels: &[
            "api: ShareGroup",
            "api: ShareFetch",
            "api: ShareAcknowledge",
            "api: InitializeShareGroupState",
            "api: ReadShareGroupState",
            "api: WriteShareGroupState",
            "api: DeleteShareGroupState",
            "api: DescribeShareGroupOffsets",
            "api: AlterShareGroupOffsets",
            "api: DeleteShareGroupOffsets",
        ],
        kafka: "Share groups are there (a preview in 4.1).",
        ours: "There are no share groups, and ApiVersions does not name their APIs.",
    },
    Meant {
        script: "api_versions",
        labels: &[
            "api: CreateDelegationToken",
            "api: RenewDelegationToken",
            "api: ExpireDelegationToken",
            "api: DescribeDelegationToken",
        ],
        kafka: "Delegation tokens can be made once a secret is set.",
        ours: "There are no delegation tokens.",
    },
    Meant {
        script: "api_versions",
        labels: &[
            "api: AlterReplicaLogDirs",
            "api: UpdateFeatures",
            "api: UnregisterBroker",
            "api: AddRaftVoter",
            "api: RemoveRaftVoter",
        ],
        kafka: "Nodes, folders, voters and feature levels of a cluster can be changed.",
        ours: "There is one node with one folder, which is never a cluster: ApiVersions does not name these APIs.",
    },
    Meant {
        script: "configs",
        labels: &[
            "describe synonyms",
            "describe all",
            "config: flush.ms",
            "config: segment.bytes",
            "config: retention.bytes",
            "config: min.insync.replicas",
            "after: delete",
            "after: replace",
        ],
        kafka: "Segments of 1 GiB, no limit to a topic's bytes, and no flush but the operating system's.",
        ours: "Defaults suit a laptop: segments of 64 MiB, at most 2 GiB of a partition, a flush each second. Topics can set others.",
    },
    Meant {
        script: "configs",
        labels: &["describe type", "alter: operation"],
        kafka: "Unknown types of resources and of operations are an unexplained error.",
        ours: "The error is INVALID_REQUEST, and names what is unknown.",
    },
    Meant {
        script: "acls",
        labels: &[
            "create: any type",
            "create: type",
            "create: pattern",
            "create: operation",
            "create: permission",
            "describe: type",
            "describe: pattern 0",
            "describe: operation 0",
            "describe: permission 0",
            "delete: operation 0",
        ],
        kafka: "Types, patterns and operations that no ACL has are an unexplained error or close the connection.",
        ours: "The error is INVALID_REQUEST, and names what is wrong.",
    },
    Meant {
        script: "sasl",
        labels: &["plain: no text", "SCRAM-SHA-256: ", "SCRAM-SHA-512: "],
        kafka: "A malformed message of a login is refused with a general sentence.",
        ours: "The error is the same, and the sentence says what is malformed.",
    },
    Meant {
        script: "commits",
        labels: &["fetch all"],
        kafka: "Version 1 of OffsetFetch without topics closes the connection.",
        ours: "It is answered with all offsets, as in later versions.",
    },
    Meant {
        script: "consumer",
        labels: &["wrong: regular expression"],
        kafka: "An invalid regular expression is explained in the words of RE2/J.",
        ours: "The error is the same, in the words of another library. The syntax is that of Rust's regex crate, which RE2's resembles.",
    },
    Meant {
        script: "fetch",
        labels: &["epoch -7", "isolation 2", "a replica", "partition limit: minus", "limit: minus"],
        kafka: "Negative limits and unknown isolation levels are an unexplained error.",
        ours: "They are taken for the nearest value that makes sense; no client sends them.",
    },
    Meant {
        script: "fetch",
        labels: &["one partition twice"],
        kafka: "A partition that a request names twice is read once.",
        ours: "It is read as often as it is named.",
    },
    Meant {
        script: "produce",
        labels: &["one partition twice"],
        kafka: "Of a partition that a request names twice, one batch is kept.",
        ours: "Both batches are appended.",
    },
];

/// Faults that are known: steps of a script whose answers should be Kafka's, and are not yet.
pub const OPEN: &[(&str, &[&str])] = &[
    ("acls", &["delete nothing there", "delete"]),
    ("classic", &["find type 7", "find type -1"]),
    ("commits", &["delete of no group"]),
    ("configs", &["describe none"]),
    ("consumer", &["matching: describe"]),
    ("fetch", &["partition 9", "partition -1", "unknown topic"]),
    (
        "offsets",
        &[
            "offsets of nothing: earliest",
            "offsets of nothing: earliest local",
            "offsets: isolation 3",
            "offsets: twice",
            "epoch -2",
        ],
    ),
    (
        "produce",
        &[
            "batch: magic 3",
            "batch: count too high",
            "batch: count too low",
            "batch: count negative",
            "batch: last delta too high",
            "batch: last delta too low",
            "batch: base offset 7",
            "batch: control",
            "batch: append time",
            "batch: gzip garbage",
            "batch: snappy garbage",
            "batch: lz4 garbage",
            "batch: zstd garbage",
            "batch: compression 5",
            "batch: compression 7",
            "batch: timestamp in 2096",
            "batch: producer without epoch",
            "batch: no record",
            "bytes: zeros",
            "what was taken",
            "topic compact",
            "topic compact, acks 1",
            "topic compact-half",
            "topic compact-half, acks 1",
            "topic both",
            "topic both, acks 1",
            "topic before",
            "topic before, acks 1",
            "topic after",
            "topic after, acks 1",
        ],
    ),
    (
        "producers",
        &[
            "sequence: 0",
            "sequence: 0 again",
            "sequence: 2",
            "sequence: 6, a gap",
            "sequence: 3, within",
            "sequence: -1",
            "sequence: -5",
            "sequence: 4",
            "sequence: 6",
            "sequence: 8",
            "sequence: 10",
            "sequence: 12",
            "sequence: 14",
            "sequence: 6, one of the last five",
            "sequence: 4, long ago",
            "epoch 1 begins with 4",
            "epoch 1 begins with 0",
            "epoch 0 after 1",
            "epoch -1",
            "unknown id",
            "unknown id, sequence 5",
            "the last sequence",
            "what is there",
            "describe producers",
            "describe producers of unknown",
        ],
    ),
    ("schemas", &["a record without a key"]),
    ("transactions", &["append outside of the transaction", "no name: describe"]),
];

/// Whether a difference in a step is meant, or known.
pub fn is_expected(script: &str, label: &str) -> bool {
    let meant = MEANT.iter().filter(|meant| meant.script == script);
    let open = OPEN.iter().filter(|(of, _)| *of == script);
    meant.flat_map(|meant| meant.labels).any(|start| label.starts_with(start))
        || open.flat_map(|(_, labels)| *labels).any(|known| label == *known)
}

/// The table of what is meant.
pub fn document() -> String {
    let mut text = String::from(
        "# Where the broker differs from Apache Kafka 4.1\n\n\
         The suite `broker/tests/behaviour` sends the same requests to both, in every version, and\n\
         compares the answers. These differences are meant; any other is a fault.\n\n\
         | Kafka | This broker |\n| --- | --- |\n",
    );
    for meant in MEANT {
        text.push_str(&format!("| {} | {} |\n", meant.kafka, meant.ours));
    }
    text
}
