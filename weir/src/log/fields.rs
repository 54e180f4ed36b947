//! The fields of lines, as docs/logs.md has them: `WEIR_WRITE_DOCS=1` writes it.

use std::path::{Path, PathBuf};

use crate::documented::assert_part;

const BEGIN: &str = "<!-- fields: written by a test, from weir/src/log/fields.rs -->\n";
const END: &str = "<!-- end of fields -->\n";

/// A name, the type of the value in JSON, its unit, and what it is.
type Field = (&'static str, &'static str, &'static str, &'static str);

/// What every line has, and what lines have that belong to a request.
const EVERYWHERE: [Field; 7] = [
    ("time", "string", "RFC 3339, UTC, microseconds", "when it was said"),
    ("level", "string", "", "`ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`"),
    ("target", "string", "", "what has said it; filters name it"),
    ("message", "string", "", "a sentence for people"),
    ("request_id", "string", "", "`X-Request-Id` of the request that it belongs to"),
    ("trace_id", "string", "32 hexadecimal digits", "the trace of that request, if it is in one"),
    ("span_id", "string", "16 hexadecimal digits", "the span of that trace that was open"),
];

/// Lines about requests: the access log, and slow requests.
const OF_REQUESTS: [Field; 26] = [
    ("service", "string", "", "`registry`, `proxy` or `management`"),
    ("client", "string", "", "the client's address; behind a trusted proxy, what that says"),
    (
        "principal",
        "string",
        "",
        "who has asked: a name, or the address of somebody who is not known",
    ),
    ("method", "string", "", "the request's method"),
    (
        "path",
        "string",
        "at most 2048 letters",
        "its path and query, with `***` for values of unknown parameters",
    ),
    ("protocol", "string", "", "`HTTP/1.1` or `HTTP/2.0`"),
    ("status", "number", "", "the answer's status; none if the client had gone before"),
    (
        "error_code",
        "number",
        "",
        "the error code in the answer, if it is an error ([Errors](errors.md))",
    ),
    ("bytes", "number", "bytes", "the answer's body, as it was sent"),
    ("duration_us", "number", "microseconds", "from the request's head to the end of the answer"),
    ("duration_ms", "number", "milliseconds", "the same, of a slow request"),
    ("route", "string", "", "the route that has answered, `none` if no route did"),
    ("user_agent", "string", "at most 2048 letters", "what the client calls itself"),
    ("aborted", "boolean", "", "true if the client has not taken all of the answer"),
    ("body_ms", "number", "milliseconds", "of a slow request: until its body had come"),
    ("lane_ms", "number", "milliseconds", "until there was a lane for its work"),
    (
        "queue_ms",
        "number",
        "milliseconds",
        "until the registry's writer had answered, without what follows",
    ),
    ("append_ms", "number", "milliseconds", "the writer appended to the log, on disk or Kafka"),
    ("leader_ms", "number", "milliseconds", "until the leader had answered a forwarded write"),
    ("catch_up_ms", "number", "milliseconds", "until this node had read what others wrote"),
    ("kafka_ms", "number", "milliseconds", "until Kafka had answered or acknowledged"),
    (
        "poll_ms",
        "number",
        "milliseconds",
        "until there were records for a consumer; does not make a request slow",
    ),
    ("registry_ms", "number", "milliseconds", "until the registry had answered the proxy"),
    ("sending_ms", "number", "milliseconds", "until the client had taken a large answer"),
    ("work_ms", "number", "milliseconds", "schemas were read and compared on threads of their own"),
    (
        "rest_ms",
        "number",
        "milliseconds",
        "everything else: reading JSON, rendering, waiting for a processor",
    ),
];

/// All other lines.
const OTHERS: [Field; 34] = [
    ("error", "string", "", "why something failed"),
    ("why", "string", "", "the same"),
    ("reason", "string", "", "the same, in Kafka's words"),
    ("fault", "string", "", "what keeps writes away, with what mends it"),
    ("url", "string", "", "a registry that was asked, without a password"),
    ("offset", "number", "offset", "a place in the registry's log"),
    ("end", "number", "offset", "the end of the registry's log"),
    ("epoch", "number", "", "the epoch of a leader"),
    ("leader", "string", "", "the URL of the node that leads"),
    ("probe", "string", "", "what a follower has last seen of its leader"),
    ("took_ms", "number", "milliseconds", "how long it took"),
    ("subject", "string", "", "a subject"),
    ("version", "string", "", "a version of it"),
    ("topic", "string", "", "a topic of Kafka"),
    ("replicas", "number", "replicas", "replicas of a topic"),
    ("group", "string", "", "a consumer group"),
    ("instance", "string", "", "a consumer instance"),
    ("owner", "string", "", "who has made it"),
    (
        "uncommitted_partitions",
        "number",
        "partitions",
        "partitions that it has read from and not committed",
    ),
    ("records", "number", "records", "records of the log"),
    ("left_out", "number", "records", "records that a compaction has left out"),
    ("keys", "number", "keys", "keys of a provider of tokens"),
    ("names", "string", "", "settings that nobody knows, by commas"),
    ("filter", "string", "", "what is logged from now on"),
    ("lines", "number", "lines", "lines that were dropped"),
    ("spans", "number", "spans", "spans that were dropped"),
    ("repeated", "number", "lines", "how often the same line of librdkafka's was not said since"),
    ("pid", "number", "", "the number of the process"),
    ("place", "string", "", "a place in the code"),
    ("thread", "string", "", "the name of a thread"),
    (
        "connections",
        "number",
        "connections",
        "connections that were cut off at the end of the process",
    ),
    ("panic", "string", "", "what a background task has panicked with"),
    ("peer", "string", "", "the other end of a connection"),
    (
        "field_",
        "string",
        "",
        "what a field of a library begins with that is called as one of the first above",
    ),
];

fn table(fields: &[Field]) -> String {
    let mut text = "| field | type | unit | what it is |\n|---|---|---|---|\n".to_string();
    for (name, kind, unit, what) in fields {
        text += &format!("| `{name}` | {kind} | {unit} | {what} |\n");
    }
    text
}

fn documented() -> String {
    format!(
        "\nEvery line has the first four; those that belong to a request have its ids, too:\n\n{}\n\
         Lines of the access log (`weir::access`) and of slow requests (`weir::slow`):\n\n{}\n\
         Other lines:\n\n{}\n",
        table(&EVERYWHERE),
        table(&OF_REQUESTS),
        table(&OTHERS)
    )
}

#[test]
fn the_document_has_all_fields() {
    assert_part("logs.md", BEGIN, END, &documented());
}

/// Folders whose code logs.
const LOGGING: [&str; 9] = [
    "trace/src",
    "http/src",
    "registry/src",
    "proxy/src",
    "kafka/src",
    "access",
    "weir/src",
    "serde-client/src",
    "migrate/src",
];

#[test]
fn every_field_of_the_code_is_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut known: Vec<&str> = Vec::new();
    for fields in [&EVERYWHERE[..], &OF_REQUESTS, &OTHERS] {
        known.extend(fields.iter().map(|field| field.0));
    }
    let mut unknown = Vec::new();
    for file in LOGGING.iter().flat_map(|folder| sources(&root.join(folder))) {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for field in LEVELS.iter().flat_map(|level| fields_of(code, level)) {
            if !known.contains(&field.as_str()) {
                unknown.push(format!("{field} in {}", file.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

const LEVELS: [&str; 5] = ["error!(", "warn!(", "info!(", "debug!(", "trace!("];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|it| it == "rs") => found.push(path),
                false => {}
            }
        }
    }
    found
}

/// Names of the fields of all calls of one macro: what stands before the message, and before a `=` or a comma.
fn fields_of(code: &str, call: &str) -> Vec<String> {
    let mut names = Vec::new();
    for arguments in code.split(call).skip(1) {
        let (mut depth, mut argument, mut in_text) = (0, String::new(), false);
        for letter in arguments.chars() {
            match letter {
                '"' => in_text = !in_text,
                '(' | '[' | '{' if !in_text => depth += 1,
                ')' | ']' | '}' if !in_text => depth -= 1,
                _ => {}
            }
            let is_end = depth < 0 || (letter == ',' && depth == 0 && !in_text);
            if !is_end {
                argument.push(letter);
                continue;
            }
            let said = std::mem::take(&mut argument);
            let said = said.trim();
            if said.starts_with('"') || depth < 0 && said.is_empty() {
                break;
            }
            let name = said.trim_start_matches(['%', '?']).split('=').next().unwrap_or_default();
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let name = name.trim();
            if !name.is_empty() && name.chars().all(is_name) {
                names.push(name.to_string());
            }
            if depth < 0 {
                break;
            }
        }
    }
    names
}
