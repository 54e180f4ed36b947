//! What was answered with 2xx survives `kill -9`, and the answer comes after the disk has it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::json;
use weir_tests::Api;

use crate::process::Weir;

const CLIENTS: usize = 32;
const LIVES: usize = 200;

/// A registration that was answered.
#[derive(Clone, Debug)]
struct Registered {
    subject: String,
    id: u64,
    version: u64,
    schema: String,
}

/// A schema for a number; every third number is shared by two clients, which then share an id.
fn schema(life: usize, client: usize, n: usize) -> String {
    let owner = if n.is_multiple_of(3) { client / 2 } else { client };
    format!(r#"{{"type":"enum","name":"E_{life}_{owner}_{n}","symbols":["A"]}}"#)
}

async fn register_until_it_dies(api: Api, life: usize, client: usize) -> Vec<Registered> {
    let mut answered = Vec::new();
    for n in 0.. {
        let subject = format!("s{}", client % 8);
        let schema = schema(life, client, n);
        let request = api
            .request(reqwest::Method::POST, &format!("/subjects/{subject}/versions"))
            .header("content-type", "application/json")
            .body(json!({"schema": schema}).to_string());
        let Ok(response) = request.send().await else { break };
        if !response.status().is_success() {
            panic!("{}", response.text().await.unwrap_or_default());
        }
        let Ok(text) = response.text().await else { break };
        let Ok(body) = serde_json::from_str::<serde_json::Value>(&text) else { break };
        answered.push(Registered {
            subject,
            id: body["id"].as_u64().unwrap(),
            version: body["version"].as_u64().unwrap(),
            schema,
        });
    }
    answered
}

/// The registration is there, under its id and its version, with its text.
async fn is_there(api: &Api, registered: &Registered) {
    let Registered { subject, id, version, schema } = registered;
    let answer = api.get(&format!("/subjects/{subject}/versions/{version}")).await;
    assert_eq!(
        (&answer.json["id"], &answer.json["schema"]),
        (&json!(id), &json!(schema)),
        "{registered:?}: {}",
        answer.text
    );
    let answer = api.get(&format!("/schemas/ids/{id}")).await;
    assert_eq!(answer.json["schema"], json!(schema), "{registered:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_lose_nothing_and_give_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut all: Vec<Registered> = Vec::new();
    let mut slowest = Duration::ZERO;
    let mut random = 7_u64;
    let mut pick = |below: u64| {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 33) % below
    };
    for life in 0..LIVES {
        let start = Instant::now();
        let (mut weir, api) = Weir::registry(folder.path());
        slowest = slowest.max(start.elapsed());
        if life == 0 {
            api.put("/config", &json!({"compatibility": "NONE"})).await;
        }
        let last_life = all.len().saturating_sub(300);
        for registered in &all[last_life..] {
            is_there(&api, registered).await;
        }
        for _ in 0..20.min(all.len()) {
            is_there(&api, &all[pick(all.len() as u64) as usize]).await;
        }
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| tokio::spawn(register_until_it_dies(api.clone(), life, client)))
            .collect();
        // the moment of death is the experiment: any moment will do
        tokio::time::sleep(Duration::from_millis(5 + pick(120))).await;
        weir.kill();
        for client in clients {
            all.extend(client.await.unwrap());
        }
    }
    let (_weir, api) = Weir::registry(folder.path());
    let mut ids: HashMap<u64, &str> = HashMap::new();
    let mut versions: HashMap<(&str, u64), &str> = HashMap::new();
    for registered in &all {
        let schema = registered.schema.as_str();
        assert_eq!(*ids.entry(registered.id).or_insert(schema), schema, "{registered:?}");
        let version = (registered.subject.as_str(), registered.version);
        assert_eq!(*versions.entry(version).or_insert(schema), schema, "{registered:?}");
    }
    let mut stored = HashMap::new();
    for offset in (0..).step_by(1000) {
        let page = api.get(&format!("/schemas?offset={offset}")).await.json;
        let page = page.as_array().unwrap().clone();
        if page.is_empty() {
            break;
        }
        for row in page {
            let place =
                (row["subject"].as_str().unwrap().to_string(), row["version"].as_u64().unwrap());
            stored.insert(
                place,
                (row["id"].as_u64().unwrap(), row["schema"].as_str().unwrap().to_string()),
            );
        }
    }
    for registered in &all {
        let place = (registered.subject.clone(), registered.version);
        assert_eq!(stored.get(&place), Some(&(registered.id, registered.schema.clone())));
    }
    println!(
        "{} registrations answered in {LIVES} lives, all there; the slowest start took {slowest:?}",
        all.len()
    );
    assert!(all.len() > LIVES, "the clients got to register something");
}

/// The system calls between a request and its answer, as strace sees them.
#[tokio::test]
async fn an_answered_registration_is_on_the_disk() {
    if std::process::Command::new("strace").arg("-V").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "strace is missing");
        eprintln!("skipped: strace is missing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let data = folder.path().join("data");
    let mut command = std::process::Command::new("strace");
    command
        .args(["-D", "-f", "-y", "-e", "trace=fdatasync,fsync,write,writev,sendto,pwrite64", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_weir"))
        .args(["serve", "--roles", "registry", "--registry-listener", "127.0.0.1:0", "--data-dir"])
        .arg(&data);
    let mut weir = Weir::spawn(&mut command);
    let api = weir.api("registry on");
    let answer =
        api.post("/subjects/flights-value/versions", &json!({"schema": "\"string\""})).await;
    assert_eq!(answer.status, 200);
    weir.kill();

    let trace = std::fs::read_to_string(trace).unwrap();
    let lines: Vec<&str> = trace.lines().collect();
    let answered = lines.iter().position(|l| l.contains("HTTP/1.1 200 OK")).unwrap();
    let wrote =
        lines[..answered].iter().rposition(|l| l.contains("pwrite64") && l.contains("/db>"));
    let synced = lines[..answered]
        .iter()
        .rposition(|l| (l.contains("fdatasync(") || l.contains("fsync(")) && l.contains("/db>"));
    let (wrote, synced) = (wrote.expect("sled wrote"), synced.expect("we synced"));
    assert!(wrote < synced, "the sync follows the write:\n{}", lines[wrote..=answered].join("\n"));
}

/// The disk takes no more: writes are refused with the API's error, reads go on, and nothing that
/// was answered is lost. A limit on the size of files stands in for the full disk.
#[tokio::test]
async fn a_full_disk_is_50001_and_reads_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "ulimit -f 6000; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_weir"))
        .args(["serve", "--roles", "registry", "--registry-listener", "127.0.0.1:0", "--data-dir"])
        .arg(&data);
    let mut weir = Weir::spawn(&mut command);
    let api = weir.api("registry on");
    let mut answered = 0;
    let refused = loop {
        let symbol = "A".repeat(20_000);
        let schema = format!(r#"{{"type":"enum","name":"E{answered}","symbols":["{symbol}"]}}"#);
        let path = format!("/subjects/s{answered}/versions");
        let answer = api.post(&path, &json!({"schema": schema})).await;
        if answer.status != 200 {
            break answer;
        }
        answered += 1;
        assert!(answered < 1000, "the disk never filled");
    };
    assert_eq!((refused.status.as_u16(), &refused.json["error_code"]), (500, &json!(50001)));
    assert_eq!(api.get("/subjects").await.json.as_array().unwrap().len(), answered);
    let again = api.post("/subjects/other/versions", &json!({"schema": "\"int\""})).await;
    assert_eq!(again.json["error_code"], json!(50001), "{}", again.text);
    weir.kill();

    let (_weir, api) = Weir::registry(&data);
    let kept = api.get("/subjects").await.json.as_array().unwrap().len();
    assert!(kept >= answered, "{answered} were answered, {kept} are there");
}
