//! Recorded requests and what the reference answered: the same requests, in the same order, are sent to
//! this proxy in front of the real Kafka. `tests/golden/README.md` says what stands in the recording, and
//! `tests/golden/proxy-differences.tsv` names each request that is answered otherwise, and why.

mod compare;
mod wire;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use weir_tests::{TestBroker, unique};

use super::fixtures::{appears, native_read};
use super::v3::Site;
use compare::{Found, Readback};

const RECORDING: &str = include_str!("../golden/proxy.jsonl");

const DIFFERENCES: &str = include_str!("../golden/proxy-differences.tsv");

/// How long all `GET`s together may take to show what was changed before them: brokers hear of a change
/// after the controller has answered it.
const PATIENCE: Duration = Duration::from_secs(15);

/// What `TS` stood for in the bodies of requests, by label.
const TIMES: [(&str, &str); 9] = [
    ("rec ts", "2021-02-05T19:14:42Z"),
    ("rec ts ms", "2021-02-05T19:14:42.123Z"),
    ("rec ts off", "2021-02-05T20:14:42+01:00"),
    ("rec ts neg", "1960-01-01T00:00:00Z"),
    ("rec ts 0", "1970-01-01T00:00:00Z"),
    ("rec ts date", "2021-02-05"),
    ("rec ts local", "2021-02-05T19:14:42"),
    ("rec ts nano", "2021-02-05T19:14:42.123456789Z"),
    ("rec ts future", "2999-01-01T00:00:00Z"),
];

/// What `TSMS` stood for.
const TIME_MS: &str = "1612552482123";

/// A request, and the reference's answer to it.
#[derive(Deserialize)]
struct Recorded {
    group: String,
    label: String,
    method: String,
    path: String,
    content_type: Option<String>,
    accept: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    body: Option<Box<RawValue>>,
    status: u16,
    #[serde(default)]
    answer_headers: BTreeMap<String, String>,
    answer: Option<Value>,
    text: Option<String>,
}

/// Line, group and label of requests that are answered otherwise, each with its reason.
fn differences() -> BTreeMap<usize, (String, String, String)> {
    let row = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [number, group, label, reason] = columns[..] else { panic!("four columns: {line}") };
        assert!(!reason.is_empty(), "a difference has a reason: {line}");
        (number.parse().unwrap(), (group.into(), label.into(), reason.into()))
    };
    DIFFERENCES.lines().filter(|line| !line.starts_with('#')).map(row).collect()
}

#[tokio::test]
async fn recorded_requests_are_answered_as_by_the_reference() {
    let Some(kafka) = weir_tests::kafka() else { return };
    let named = differences();
    let mut run = Run::new(&kafka).await;
    let (mut equal, mut by_choice, mut wrong) = (0, 0, Vec::new());
    for (number, line) in (1..).zip(RECORDING.lines()) {
        let recorded = run.recorded(line);
        let choice = named.get(&number);
        if let Some((group, label, _)) = choice {
            assert_eq!((group, label), (&recorded.group, &recorded.label), "line {number}");
        }
        let difference = run.ask(&recorded, choice.is_some()).await;
        let Recorded { group, label, method, path, .. } = &recorded;
        match (difference, choice) {
            (None, None) => equal += 1,
            (Some(_), Some(_)) => by_choice += 1,
            (Some(difference), None) => {
                wrong.push(format!("{number}\t{group}\t{label}\t{method} {path}: {difference}"));
            }
            (None, Some(_)) => {
                wrong.push(format!("{number}\t{group}\t{label}\tis no longer different"));
            }
        }
    }
    println!(
        "recorded requests of the proxy: {}, equal {equal}, different by a named choice {by_choice}, \
         different otherwise {}",
        equal + by_choice + wrong.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(named.keys().all(|number| (1..=RECORDING.lines().count()).contains(number)));
}

/// A proxy, and what the recording's placeholders stand for there.
struct Run {
    site: Site,
    tag: String,
    kafka: TestBroker,
    made: Vec<String>,
    readback: Readback,
    /// What is left of it.
    patience: Duration,
}

impl Run {
    async fn new(kafka: &TestBroker) -> Run {
        let kafka =
            TestBroker { bootstrap_servers: kafka.bootstrap_servers.clone(), embedded: None };
        let site = Site::new(&kafka).await;
        Run {
            site,
            tag: unique("golden"),
            kafka,
            made: Vec::new(),
            readback: Readback::default(),
            patience: PATIENCE,
        }
    }

    /// A line of the recording, with what its placeholders stand for.
    fn recorded(&self, line: &str) -> Recorded {
        let line = line
            .replace("CLUSTER_", "\u{0}")
            .replace("CLUSTER", &self.site.id)
            .replace('\u{0}', "CLUSTER_")
            .replace("TAG", &self.tag)
            .replace("BASE/", &format!("{}/", self.site.api.url));
        let mut recorded: Recorded = serde_json::from_str(&line).unwrap();
        if let Some(body) = &recorded.body {
            let known = TIMES.iter().find(|(label, _)| *label == recorded.label);
            let time = known.map_or("TS", |(_, time)| *time);
            let body =
                body.get().replace("\"TSMS\"", TIME_MS).replace("\"TS\"", &format!("{time:?}"));
            recorded.body = Some(RawValue::from_string(body).unwrap());
        }
        recorded
    }

    /// The topics that a group begins with.
    async fn make_topics(&mut self, group: &str) {
        let topics: &[(&str, i32, Option<&str>)] = match group {
            "configs" => &[("cfg", 1, Some("123456")), ("cfg2", 1, None)],
            "v3p" => &[("p", 3, None), ("q", 1, None)],
            "topics2" => &[("t", 2, Some("100000"))],
            _ => &[],
        };
        for (name, partitions, retention_ms) in topics {
            let topic = format!("{}-{name}", self.tag);
            let mut body = json!({"topic_name": topic, "partitions_count": partitions});
            if let Some(value) = retention_ms {
                body["configs"] = json!([{"name": "retention.ms", "value": value}]);
            }
            let made = self.site.post("/topics", &body).await;
            assert_eq!(made.status, 201, "{}", made.text);
            appears(&self.kafka, &topic).await;
        }
        self.made.push(group.to_string());
    }

    /// Sends a request and says how the answer differs. What reads is asked again until it is as it is
    /// to be, for a while.
    async fn ask(&mut self, recorded: &Recorded, is_named: bool) -> Option<String> {
        if !self.made.contains(&recorded.group) {
            self.make_topics(&recorded.group.clone()).await;
        }
        loop {
            let begun = Instant::now();
            let difference = self.ask_once(recorded).await;
            let is_read = ["GET", "HEAD"].contains(&recorded.method.as_str());
            let is_expected = difference.is_some() == is_named;
            if is_expected || !is_read || self.patience.is_zero() {
                return difference;
            }
            self.patience = self.patience.saturating_sub(begun.elapsed());
        }
    }

    async fn ask_once(&mut self, recorded: &Recorded) -> Option<String> {
        let found = match recorded.label.as_str() {
            "list own" => self.own("/topics", "topic_name", "").await,
            "all own" => self.own("/topics/-/configs", "topic_name", "-cfg").await,
            "list auth own" => {
                let path = "/topics?include_authorized_operations=true";
                let mut found = self.own(path, "topic_name", "").await;
                found.json = found.json["data"].as_array().unwrap()[..2].into();
                found
            }
            "list sorted" => {
                let found = self.own("/topics", "topic_name", "").await;
                let names = found.json["data"].as_array().unwrap().iter();
                let names = names.map(|topic| topic["topic_name"].as_str().unwrap());
                Found::of(json!(names.is_sorted()))
            }
            "list has" => {
                let names = self.site.api.get("/topics").await.json;
                let topic = json!(format!("{}-t", self.tag));
                Found::of(json!(names.as_array().unwrap().contains(&topic)))
            }
            "readback p" | "readback q" => {
                let topic = format!("{}-{}", self.tag, &recorded.label["readback ".len()..]);
                let native = native_read(&self.kafka, &topic).await;
                return self.readback.compare(&topic, recorded.answer.as_ref().unwrap(), &native);
            }
            _ => wire::send(&self.site.api.url, recorded).await,
        };
        let difference = compare::difference(recorded, &found);
        if difference.is_none() {
            self.readback.note(recorded, &found);
        }
        difference
    }

    /// A list with only the entries whose name begins with our own.
    async fn own(&self, path: &str, name: &str, rest: &str) -> Found {
        let answer = self.site.get(path).await;
        let mut json = answer.json;
        let begin = format!("{}{rest}", self.tag);
        let is_own = |item: &Value| item[name].as_str().is_some_and(|n| n.starts_with(&begin));
        json["data"].as_array_mut().unwrap().retain(is_own);
        Found::of(json)
    }
}
