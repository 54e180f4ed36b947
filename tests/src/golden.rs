//! Recorded requests and the reference's answers, put to a server: what differs has to be listed,
//! with its reason, in a file beside the recording, and what is listed has to differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::REGISTRY_JSON;

/// A request and what the reference answered; a line of a recording.
#[derive(Deserialize)]
struct Row {
    n: u32,
    method: String,
    path: String,
    /// Null takes a header away that would be sent.
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    body: Option<Value>,
    status: u16,
    answer: Option<Value>,
    text: Option<String>,
    #[serde(rename = "type")]
    media_type: Option<String>,
    /// Under what name later rows mean the id and guid that were answered.
    capture: Option<String>,
}

/// A line of the list of differences: rows (`*`, `7`, `7-9,12`), a field (`status`, `type`, `text`,
/// `$.messages`: it and all within), and why.
struct Choice {
    rows: Option<BTreeSet<u32>>,
    field: String,
    has_differed: bool,
    line: String,
}

/// Answers of more characters than this are cut in recordings.
const CUT_CHARS: usize = 2_990;

/// Puts all requests of `tests/golden/{name}.jsonl` to a server, in order, and panics unless the
/// differences are those of `tests/golden/{name}-differences.tsv`. Says how many are equal.
pub async fn compare_with_recording(name: &str, server: SocketAddr) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let read = |file: String| std::fs::read_to_string(folder.join(file)).unwrap();
    let rows = read(format!("{name}.jsonl"));
    let mut choices = choices(&read(format!("{name}-differences.tsv")));
    let mut captured = BTreeMap::new();
    let (mut equal, mut chosen, mut unnamed) = (0, 0, 0);
    let mut report = String::new();
    for line in rows.lines() {
        let row: Row = serde_json::from_str(line).unwrap();
        let answer = Answered::to(&row, &captured, server).await;
        if let (Some(name), Some(id)) = (&row.capture, answer.json["id"].as_u64()) {
            let guid = answer.json["guid"].as_str().unwrap_or_default().to_string();
            captured.insert(name.clone(), (id, guid));
        }
        let mut differences = Vec::new();
        row.compare(&answer, &mut differences);
        let is_listed = !differences.is_empty();
        differences.retain(|difference| !named(&mut choices, row.n, difference));
        match (is_listed, differences.is_empty()) {
            (false, _) => equal += 1,
            (true, true) => chosen += 1,
            (true, false) => {
                unnamed += 1;
                let body = row.body.as_ref().map(Value::to_string).unwrap_or_default();
                writeln!(report, "#{} {} {} {body}", row.n, row.method, row.path).unwrap();
                for Difference { field, expected, found } in differences {
                    writeln!(report, "    {field}: {expected} was expected, not {found}").unwrap();
                }
            }
        }
    }
    let total = equal + chosen + unnamed;
    println!(
        "{name}: {total} requests, {equal} equal, {chosen} different by a named choice, \
         {unnamed} different otherwise"
    );
    for choice in choices.iter().filter(|choice| !choice.has_differed) {
        writeln!(report, "listed, and not different: {}", choice.line).unwrap();
    }
    assert!(report.is_empty(), "{report}");
}

fn choices(list: &str) -> Vec<Choice> {
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let choice = |line: &str| {
        let mut columns = line.split('\t');
        let rows = columns.next().unwrap();
        let field = columns.next().unwrap().to_string();
        assert!(columns.next().is_some_and(|why| !why.is_empty()), "no reason: {line}");
        let rows = (rows != "*").then(|| rows.split(',').flat_map(range).collect());
        Choice { rows, field, has_differed: false, line: line.into() }
    };
    lines.map(choice).collect()
}

fn range(rows: &str) -> std::ops::RangeInclusive<u32> {
    let (first, last) = rows.split_once('-').unwrap_or((rows, rows));
    first.parse().unwrap()..=last.parse().unwrap()
}

fn named(choices: &mut [Choice], row: u32, difference: &Difference) -> bool {
    let mut is_named = false;
    for choice in choices {
        let is_field = difference
            .field
            .strip_prefix(&choice.field)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        if is_field && choice.rows.as_ref().is_none_or(|rows| rows.contains(&row)) {
            choice.has_differed = true;
            is_named = true;
        }
    }
    is_named
}

struct Difference {
    field: String,
    expected: String,
    found: String,
}

impl Row {
    fn compare(&self, answer: &Answered, differences: &mut Vec<Difference>) {
        let mut differ = |field: &str, expected: String, found: String| {
            differences.push(Difference { field: field.into(), expected, found });
        };
        if answer.status != self.status {
            let found = format!("{} {}", answer.status, answer.text);
            return differ("status", self.status.to_string(), found);
        }
        if self.status < 400 {
            let essence = |given: &str| given.split(';').next().unwrap_or_default().to_string();
            let expected = self.media_type.as_deref().map(essence).unwrap_or_default();
            let found = essence(&answer.media_type);
            if expected != found {
                differ("type", expected, found);
            }
        }
        if let Some(expected) = &self.answer {
            return compare("$", expected, &answer.json, differences);
        }
        let expected = self.text.as_deref().unwrap_or_default();
        let is_cut = expected.chars().count() >= CUT_CHARS;
        if self.status < 400 && expected != answer.text && !is_cut {
            differ("text", expected.into(), answer.text.clone());
        }
    }
}

/// Times are of each run.
const TIMES: [&str; 3] = ["ts", "createTs", "updateTs"];

fn compare(field: &str, expected: &Value, found: &Value, differences: &mut Vec<Difference>) {
    let name = field.rsplit('.').next().unwrap_or_default();
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let keys: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
            for key in keys {
                let (expected, found) = (expected.get(key), found.get(key));
                let nothing = Value::String("(nothing)".into());
                let (expected, found) = (expected.unwrap_or(&nothing), found.unwrap_or(&nothing));
                compare(&format!("{field}.{key}"), expected, found, differences);
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (at, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(&format!("{field}[{at}]"), expected, found, differences);
            }
        }
        (Value::Number(_), Value::Number(_)) if TIMES.contains(&name) => {}
        (Value::String(expected), Value::String(found))
            if is_message(field) && ours(expected) == ours(found) => {}
        _ if expected == found => {}
        _ => differences.push(Difference {
            field: field.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }),
    }
}

fn is_message(field: &str) -> bool {
    field == "$.message" || field.starts_with("$.messages[")
}

/// A message without the words of a parser, which are the reference's Jackson's or Avro's, and ours.
fn ours(message: &str) -> &str {
    const JACKSON: [&str; 4] = ["Unexpected ", "Unrecognized token", "Cannot ", "Invalid UTF"];
    const SERDE: [&str; 4] =
        [" at line ", "expected a JSON object", "invalid type: ", "unknown variant "];
    if message.starts_with("Invalid schema {") || message.starts_with("Invalid schema of type ") {
        return "Invalid schema";
    }
    let is_parsers = JACKSON.iter().any(|words| message.starts_with(words))
        || SERDE.iter().any(|words| message.contains(words));
    if is_parsers { "a parser's words" } else { message }
}

/// What a server answered.
struct Answered {
    status: u16,
    media_type: String,
    text: String,
    json: Value,
}

impl Answered {
    /// Sends a request as it stands: no client between may put its path in order.
    async fn to(
        row: &Row,
        captured: &BTreeMap<String, (u64, String)>,
        server: SocketAddr,
    ) -> Answered {
        let filled = |text: &str, open: &str, close: &str| {
            captured.iter().fold(text.to_string(), |text, (name, (id, guid))| {
                let text = text.replace(&format!("{open}{name}g{close}"), guid);
                text.replace(&format!("{open}{name}{close}"), &id.to_string())
            })
        };
        let body = row.body.as_ref().map(|body| match body {
            Value::String(text) => filled(text, "@", "@"),
            json => filled(&json.to_string(), "@", "@"),
        });
        let mut headers = BTreeMap::from([("Host", Some(server.to_string()))]);
        if let Some(body) = &body {
            headers.insert("Content-Type", Some(REGISTRY_JSON.into()));
            headers.insert("Content-Length", Some(body.len().to_string()));
        }
        headers.extend(row.headers.iter().map(|(name, value)| (name.as_str(), value.clone())));
        // answers of version 1.0 have no chunks
        let mut request = format!("{} {} HTTP/1.0\r\n", row.method, filled(&row.path, "{", "}"));
        for (name, value) in &headers {
            if let Some(value) = value {
                write!(request, "{name}: {value}\r\n").unwrap();
            }
        }
        write!(request, "\r\n{}", body.unwrap_or_default()).unwrap();
        let mut stream = TcpStream::connect(server).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        Answered::read(&bytes)
    }

    fn read(bytes: &[u8]) -> Answered {
        let answer = String::from_utf8_lossy(bytes);
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        let mut head = head.lines();
        let status = head.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
        let media_type = head
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map(|(_, value)| value.to_string())
            .unwrap_or_default();
        let json = serde_json::from_str(text).unwrap_or(Value::Null);
        Answered { status, media_type, text: text.into(), json }
    }
}
