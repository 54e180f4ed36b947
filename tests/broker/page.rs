//! `docs/dev-clients.md` says what the tests hold: `WEIR_WRITE_DOCS=1` writes it.

use std::path::Path;

use crate::clients::{ALL, COLUMNS, Client, PROGRAMS, Runtime, Steps};

const BEGIN: &str = "<!-- clients: written by a test, from what it holds -->\n";
const END: &str = "<!-- end of clients -->\n";

#[test]
fn the_page_of_clients_says_what_the_tests_hold() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/dev-clients.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let expected = format!("{head}{BEGIN}{}{END}{tail}", tables());
    if std::env::var_os("WEIR_WRITE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    assert!(page == expected, "docs/dev-clients.md is not what the tests hold: WEIR_WRITE_DOCS=1");
}

fn tables() -> String {
    let mut text = String::from("\n## Clients\n\n| column | what passed means |\n|---|---|\n");
    for column in &COLUMNS {
        text += &format!("| {} | {} |\n", column.title, column.about);
    }
    let titles: Vec<&str> = COLUMNS.iter().map(|column| column.title).collect();
    text += &format!("\n| client | language | version | {} | more |\n", titles.join(" | "));
    text += &format!("|{}\n", "---|".repeat(COLUMNS.len() + 4));
    ALL.iter().for_each(|client| text += &row(client));
    text += "\n## Programs\n\n| program | version | what passed |\n|---|---|---|\n";
    for program in PROGRAMS {
        let (name, version) = (program.name, program.version.text());
        let steps = program.steps();
        let passed = match program.runtime {
            Runtime::Java { class: "Tools" } => {
                steps.iter().map(|step| script(step)).collect::<Vec<_>>().join(", ")
            }
            _ => words(&steps),
        };
        text += &format!("| {name} | {version} | {passed} |\n");
    }
    text + "\n"
}

fn row(client: &Client) -> String {
    let cells =
        client.columns.iter().zip(&COLUMNS).map(|(steps, column)| cell(steps, column.steps));
    let cells: Vec<String> = cells.collect();
    let (name, language, version) = (client.name, client.language, client.version.text());
    let more = if client.more.is_empty() { "–".to_string() } else { words(client.more) };
    format!("| {name} | {language} | {version} | {} | {more} |\n", cells.join(" | "))
}

/// "passed" if the client does all of the column, a dash if it has no calls for any of it; else what it does.
fn cell(steps: Steps, column: Steps) -> String {
    let extra: Vec<&str> = steps.iter().filter(|step| !column.contains(step)).copied().collect();
    let is_whole = column.iter().all(|step| steps.contains(step));
    match (steps.is_empty(), is_whole, extra.is_empty()) {
        (true, ..) => "–".to_string(),
        (_, true, true) => "passed".to_string(),
        (_, true, false) => format!("passed, also {}", words(&extra)),
        _ => words(steps),
    }
}

/// What steps are, to who has not read the programs.
fn words(steps: &[&str]) -> String {
    steps.iter().map(|step| phrase(step)).collect::<Vec<_>>().join(", ")
}

/// Steps of tools have the names of the tools.
fn phrase(step: &str) -> String {
    let phrase = match step {
        "alter_config" => "settings altered",
        "alter_offsets" => "offsets of a group set and deleted",
        "cluster" => "cluster, log directories, producers and transactions described",
        "commit_consumer" => "commit in KIP-848 groups",
        "connect_offsets" => "the sink's offsets are a group's",
        "connect_restart" => "both connectors go on after a restart",
        "connect_source_and_sink" => "a worker carries a file through a topic to another file",
        "create_partitions" => "partitions added",
        "create_topic" => "created",
        "delete_topic" => "deleted",
        "delete_records" => "records deleted",
        "describe_config" => "described",
        "groups" => "listed and described",
        "lag" => "lag",
        "metadata" => "metadata",
        "rebalance_consumer" => "KIP-848",
        "resume_consumer" => "a KIP-848 group goes on from its commit",
        "static_member" => "static members",
        "streams_count" => "words counted with exactly-once v2, through a repartition topic",
        "streams_internal_topics" => "its internal topics are as it made them",
        "streams_read_committed" => "its positions and transactions are the broker's",
        "streams_restart" => "the store comes back from its changelog on an empty disk",
        "timestamps" => "offsets by timestamp",
        "txn_fenced" => "an older producer is fenced",
        "txn_offsets" => "offsets in transactions, by its raw requests",
        name => return name.to_string(),
    };
    phrase.to_string()
}

/// The script of Kafka's that a step of the tools calls.
fn script(step: &str) -> String {
    let name = match step {
        "cluster" => "kafka-cluster",
        "configs" => "kafka-configs",
        "consumer_groups" => "kafka-consumer-groups",
        "delete" => "deleting with `kafka-topics` and `kafka-consumer-groups`",
        "reset_offsets" => "kafka-consumer-groups --reset-offsets",
        "scram_users" => "kafka-configs --entity-type users",
        other => return format!("`kafka-{}`", other.replace('_', "-")),
    };
    if name.contains('`') { name.to_string() } else { format!("`{name}`") }
}
