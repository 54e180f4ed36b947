//! The disk: damage, a folder that is gone, no room. A limit on the size of files stands in for a full disk.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_registry::log::{Log, SledLog};
use weir_registry_core::{RawRecord, State};
use weir_tests::Api;

use crate::process::Weir;

const SCHEMAS: u64 = 60;

fn schema(n: u64) -> Value {
    json!({"schema": format!(r#"{{"type":"enum","name":"Number{n}","symbols":["A"]}}"#)})
}

async fn register(api: &Api, n: u64) -> Value {
    api.post(&format!("/subjects/s{n}/versions"), &schema(n)).await.json
}

/// A registry's folder with so many schemas, of which the n-th has id n, after a clean stop.
async fn filled(folder: &Path) {
    let (mut weir, api) = Weir::registry(folder);
    for n in 1..=SCHEMAS {
        assert_eq!(register(&api, n).await["id"], json!(n));
    }
    weir.signal("TERM");
    assert!(weir.wait().success());
}

fn registry_with(folder: &Path, more: &[&str]) -> (Weir, Api) {
    let data = folder.to_str().unwrap();
    let fixed =
        ["serve", "--roles", "registry", "--registry-listener", "127.0.0.1:0", "--data-dir", data];
    let mut weir = Weir::start(&[&fixed[..], more].concat());
    let api = weir.api("registry on");
    (weir, api)
}

/// A registry whose files may not grow beyond so many KiB, which [`give_room`] takes back.
fn registry_on_full_disk(folder: &Path, kib: u32) -> (Weir, Api) {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -S -f $0; exec \"$@\"", &(2 * kib).to_string()])
        .arg(env!("CARGO_BIN_EXE_weir"))
        .args(["serve", "--roles", "registry", "--registry-listener", "127.0.0.1:0", "--data-dir"])
        .arg(folder);
    let mut weir = Weir::spawn(&mut command);
    let api = weir.api("registry on");
    (weir, api)
}

fn give_room(weir: &Weir) {
    let given = Command::new("prlimit")
        .args(["--pid", &weir.pid().to_string(), "--fsize=unlimited"])
        .status()
        .unwrap();
    assert!(given.success());
}

/// The log says by itself that it takes writes again.
async fn is_ready(api: &Api) {
    let give_up = Instant::now() + Duration::from_secs(300);
    while api.get("/readyz").await.status != 200 {
        assert!(Instant::now() < give_up, "it never takes writes again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Flips a bit in every copy of a text in a file.
fn flip(path: &Path, text: &str) {
    let mut bytes = std::fs::read(path).unwrap();
    let mut flipped = 0;
    for at in 0..bytes.len() - text.len() {
        if bytes[at..].starts_with(text.as_bytes()) {
            bytes[at] ^= 1;
            flipped += 1;
        }
    }
    assert!(flipped > 0, "{text} is in the file");
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_flipped_bit_is_named_and_no_id_is_given_twice() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    flip(&folder.path().join("db"), "Number30\\\"");

    let (mut weir, api) = Weir::registry(folder.path());
    for n in (1..=SCHEMAS).filter(|n| *n != 30) {
        let answer = api.get(&format!("/schemas/ids/{n}")).await;
        assert_eq!(answer.json["schema"], schema(n)["schema"], "{n} is sound: {}", answer.text);
    }
    assert_eq!(api.get("/schemas/ids/30").await.status, 404);
    let refused = register(&api, 1000).await;
    assert_eq!(refused["error_code"], json!(50001));
    let why = refused["message"].as_str().unwrap();
    let offset = why.split("--accept-loss-after ").nth(1).unwrap();
    let offset = offset.split(|c: char| !c.is_ascii_digit()).next().unwrap();
    for part in [folder.path().join("db").to_str().unwrap(), "weir migrate --from sled:", "backup"]
    {
        assert!(why.contains(part), "{part} is not in: {why}");
    }
    let ready = api.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.json["checks"][0]["ok"]), (503, &json!(false)));
    let metrics = api.get("/metrics").await.text;
    assert!(metrics.contains("weir_registry_log_damaged 1"), "{metrics}");
    assert!(metrics.contains("weir_registry_writable 0"), "{metrics}");
    // what it is after a restart is the same
    weir.signal("TERM");
    assert!(weir.wait().success());
    let (mut weir, api) = Weir::registry(folder.path());
    assert_eq!(api.get("/readyz").await.status, 503);
    weir.kill();

    let (copy, from) =
        (folder.path().join("copy.jsonl"), format!("sled:{}", folder.path().display()));
    let args = ["migrate", "--from", &from, "--to", copy.to_str().unwrap()];
    let copied = Weir::command(&args).output().unwrap();
    assert!(copied.status.success(), "{copied:?}");
    assert!(String::from_utf8_lossy(&copied.stderr).contains("is damaged"), "{copied:?}");
    let lines = std::fs::read_to_string(&copy).unwrap();
    assert_eq!(lines.matches("Number").count() as u64, SCHEMAS - 1, "what is sound is copied");

    let (mut weir, api) = registry_with(folder.path(), &["--accept-loss-after", offset]);
    assert_eq!(api.get("/readyz").await.status, 200);
    assert_eq!(register(&api, 1000).await["id"], json!(SCHEMAS + 1));
    assert_eq!(api.get("/schemas/ids/59").await.status, 200);
    weir.signal("TERM");
    assert!(weir.wait().success());
    let (_weir, api) = Weir::registry(folder.path());
    assert_eq!(register(&api, 1001).await["id"], json!(SCHEMAS + 2), "no flag is needed again");
}

#[tokio::test]
async fn a_log_that_was_compacted_is_the_log() {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut log = SledLog::open(folder.path()).unwrap();
        let mut state = State::default();
        for n in 0..12 {
            let levels = (0..500).map(|m| {
                let level = if (n + m) % 2 == 0 { "NONE" } else { "FULL" };
                let value = json!({"compatibilityLevel": level}).to_string();
                RawRecord {
                    key: r#"{"keytype":"CONFIG","subject":null,"magic":0}"#.into(),
                    value: Some(value.into()),
                    timestamp_ms: None,
                }
            });
            let levels: Vec<_> = levels.collect();
            log.append(state.next_offset(), &levels).unwrap();
            levels.iter().for_each(|level| state.apply(level).unwrap());
        }
        while let Some(wait) = log.tend(&state) {
            #[expect(clippy::disallowed_methods, reason = "no runtime here")]
            std::thread::sleep(wait);
        }
        assert!(log.status().compacted_at_ms > 0, "{:?}", log.status());
    }
    assert!(!folder.path().join("db").exists() && folder.path().join("log.1/db").exists());
    let (mut weir, api) = Weir::registry(folder.path());
    assert_eq!(api.get("/config").await.json, json!({"compatibilityLevel": "NONE"}));
    let metrics = api.get("/metrics").await.text;
    assert!(metrics.contains("weir_registry_log_records 1"), "{metrics}");
    weir.signal("TERM");
    assert!(weir.wait().success());
    let (copy, from) =
        (folder.path().join("copy.jsonl"), format!("sled:{}", folder.path().display()));
    let args = ["migrate", "--from", &from, "--to", copy.to_str().unwrap()];
    assert!(Weir::command(&args).status().unwrap().success());
    assert!(std::fs::read_to_string(&copy).unwrap().contains("NONE"));
}

#[tokio::test]
async fn ids_of_a_lost_end_are_not_given_again() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let db = folder.path().join("db");
    let length = std::fs::metadata(&db).unwrap().len();
    std::fs::File::options().write(true).open(&db).unwrap().set_len(length / 1000).unwrap();
    let (mut weir, api) = Weir::registry(folder.path());
    assert_eq!(register(&api, 1000).await["error_code"], json!(50001));
    weir.kill();
    let (_weir, api) = registry_with(folder.path(), &["--accept-loss-after", "0"]);
    assert_eq!(register(&api, 1000).await["id"], json!(SCHEMAS + 1));
    let other = api.post("/subjects/:.other:s/versions", &schema(1001)).await;
    assert!(other.json["id"].as_u64().unwrap() > SCHEMAS, "in no context: {}", other.text);
}

#[tokio::test]
async fn a_folder_that_is_removed_or_replaced_takes_no_more_writes() {
    for is_replaced in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let (_weir, api) = Weir::registry(&data);
        assert_eq!(register(&api, 1).await["id"], json!(1));
        std::fs::remove_dir_all(&data).unwrap();
        if is_replaced {
            std::fs::create_dir(&data).unwrap();
            std::fs::write(data.join("db"), "another").unwrap();
        }
        let refused = register(&api, 2).await;
        assert_eq!(refused["error_code"], json!(50001), "{refused}");
        let why = refused["message"].as_str().unwrap();
        assert!(why.contains("while it was open"), "{why}");
        assert_eq!(api.get("/schemas/ids/1").await.status, 200);
        assert_eq!(api.get("/readyz").await.status, 503);
        assert_eq!(register(&api, 3).await["error_code"], json!(50001));
    }
}

#[tokio::test]
async fn writes_come_back_by_themselves_when_a_full_disk_has_room() {
    let folder = tempfile::tempdir().unwrap();
    let (mut weir, api) = registry_on_full_disk(folder.path(), 3000);
    let mut answered = 0;
    loop {
        let text = "A".repeat(50_000);
        let schema = format!(r#"{{"type":"enum","name":"E{answered}","symbols":["{text}"]}}"#);
        let path = format!("/subjects/s{answered}/versions");
        let answer = api.post(&path, &json!({"schema": schema})).await;
        if answer.status != 200 {
            assert_eq!(answer.json["error_code"], json!(50001), "{}", answer.text);
            break;
        }
        answered += 1;
        assert!(answered < 1000, "the disk never filled");
    }
    assert_eq!(api.get("/readyz").await.status, 503);
    assert_eq!(api.get("/schemas/ids/1").await.status, 200);
    give_room(&weir);
    is_ready(&api).await;
    let registered = register(&api, 1007).await;
    let id = registered["id"].as_u64().unwrap_or_else(|| panic!("{registered}"));
    assert!(id > answered, "{id} is new");
    weir.kill();
    let (_weir, api) = Weir::registry(folder.path());
    assert_eq!(api.get("/readyz").await.status, 200);
    assert_eq!(api.get(&format!("/schemas/ids/{id}")).await.status, 200);
    for n in 0..answered {
        assert_eq!(api.get(&format!("/subjects/s{n}/versions/1")).await.status, 200, "{n}");
    }
}

#[tokio::test]
async fn a_registry_that_starts_on_a_full_disk_serves_reads() {
    for is_clean in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path()).await;
        if !is_clean {
            let (mut weir, api) = Weir::registry(folder.path());
            assert_eq!(api.get("/readyz").await.status, 200);
            weir.kill();
        }
        let (weir, api) = registry_on_full_disk(folder.path(), 0);
        for n in 1..=SCHEMAS {
            let answer = api.get(&format!("/schemas/ids/{n}")).await;
            assert_eq!(answer.json["schema"], schema(n)["schema"], "{}", answer.text);
        }
        assert_eq!(register(&api, 1000).await["error_code"], json!(50001));
        assert_eq!(api.get("/readyz").await.status, 503);
        give_room(&weir);
        is_ready(&api).await;
        assert_eq!(register(&api, 1000).await["id"], json!(SCHEMAS + 1));
    }
}
