//! Where the broker behaves differently from Kafka on purpose.

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

/// What users may want to know; `docs/dev-differences.md` is written from it.
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
            "describe none",
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
        script: "classic",
        labels: &["find type "],
        kafka: "An unknown kind of coordinator is refused with a general sentence.",
        ours: "The error is the same, and the sentence says what is unknown.",
    },
    Meant {
        script: "consumer",
        labels: &["matching: describe"],
        kafka: "A regular expression is resolved a moment after its member has joined, in an epoch of its own.",
        ours: "It is resolved as the member joins, in the same epoch.",
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

/// Whether a difference in a step is meant.
pub fn is_meant(script: &str, label: &str) -> bool {
    let meant = MEANT.iter().filter(|meant| meant.script == script);
    meant.flat_map(|meant| meant.labels).any(|start| label.starts_with(start))
}

/// The table of what is meant.
pub fn document() -> String {
    let mut text = String::from(
        "# Where the broker of `weir dev` differs from Apache Kafka 4.1\n\n\
         A test (`broker/tests/behaviour`) sends the same requests to both, in every version, and compares the answers. These differences\n\
         are meant; any other is a fault.\n\n\
         | Kafka | This broker |\n| --- | --- |\n",
    );
    for meant in MEANT {
        text.push_str(&format!("| {} | {} |\n", meant.kafka, meant.ours));
    }
    text
}
