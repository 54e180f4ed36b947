//! Clients that register, delete, register again and configure, all the while, on any node.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;
use reqwest::Method;
use serde_json::{Value, json};

use crate::history::{Answer, History, Operation, UNKNOWN};

/// How long a client waits for an answer. A node has to answer sooner.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(3000);

/// Between two operations of a client, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 10..80;

/// How long a client asks the other nodes after one has not answered.
const AVOIDED: Duration = Duration::from_secs(5);

/// One in so many operations is of another node, as behind a balancer: else all clients gather at the
/// node that has not failed for longest, and none is left to see that others answer when it stands still.
const STAY: u32 = 50;

/// What a client waits when it does not know what it has done, in milliseconds.
const UNKNOWN_PAUSE_MS: std::ops::Range<u64> = 100..600;

/// Subjects that many clients write, of each generation.
const SHARED_SUBJECTS: usize = 40;
const SCHEMAS: usize = 8;
const LEVELS: [&str; 4] = ["NONE", "BACKWARD", "FULL", "FORWARD_TRANSITIVE"];

/// What all clients share.
pub struct Crowd {
    pub http: reqwest::Client,
    pub urls: Vec<String>,
    pub history: History,
    /// Subjects are used for one generation, so that histories stay short.
    pub generation: AtomicU64,
    pub stop: AtomicBool,
    /// When each answered write began and ended.
    writes: Mutex<Vec<(Instant, Instant)>>,
    ids: Mutex<Ids>,
    wrongs: Mutex<Vec<String>>,
    /// The longest that anybody waited for the answer of a node that was running, in ms.
    pub answer_max_ms: AtomicU64,
}

/// An id has one schema, and a schema that is never deleted for good has one id.
#[derive(Default)]
struct Ids {
    by_schema: HashMap<String, u64>,
    by_id: HashMap<u64, String>,
}

/// How an attempt ended.
enum Ended {
    Answered {
        code: Option<u64>,
        body: Value,
        offset: Option<u64>,
    },
    /// It was not done.
    NotDone,
    Unknown,
}

impl Crowd {
    pub fn new(http: reqwest::Client, urls: Vec<String>) -> Arc<Crowd> {
        Arc::new(Crowd {
            http,
            urls,
            history: History::new(),
            generation: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            writes: Mutex::default(),
            ids: Mutex::default(),
            wrongs: Mutex::default(),
            answer_max_ms: AtomicU64::new(0),
        })
    }

    /// What must not be, and was.
    pub fn wrongs(&self) -> Vec<String> {
        self.wrongs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn wrong(&self, what: String) {
        self.wrongs.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// When the first write was answered that began after a moment, if one was.
    pub fn first_write_after(&self, moment: Instant) -> Option<Instant> {
        let writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        writes.iter().rev().take_while(|(_, end)| *end >= moment).fold(
            None,
            |first, (begin, end)| match begin >= &moment && first.is_none_or(|first| *end < first) {
                true => Some(*end),
                false => first,
            },
        )
    }

    /// The longest time between two moments in which no write was answered.
    pub fn longest_gap(&self, from: Instant, to: Instant) -> Duration {
        let writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = writes.iter().rev().map(|(_, end)| *end).take_while(|end| *end >= from);
        let mut ends: Vec<Instant> = ends.filter(|end| *end <= to).chain([from, to]).collect();
        ends.sort_unstable();
        ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }

    pub fn id_count(&self) -> usize {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).by_id.len()
    }

    fn wrote(&self, begun: Instant) {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner).push((begun, Instant::now()));
    }

    fn has_id(&self, schema: &str, id: u64) {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let of_schema = *ids.by_schema.entry(schema.to_string()).or_insert(id);
        let of_id = ids.by_id.entry(id).or_insert_with(|| schema.to_string()).clone();
        drop(ids);
        if of_schema != id && !is_shared(schema) {
            self.wrong(format!("schema {schema} has ids {of_schema} and {id}"));
        }
        if of_id != schema {
            self.wrong(format!("id {id} is schema {of_id} and schema {schema}"));
        }
    }
}

/// One of them.
pub struct Client {
    crowd: Arc<Crowd>,
    number: usize,
    rng: Rng,
    /// The node that it speaks to.
    node: usize,
    /// How far the log had come when it was answered last.
    offset: u64,
    /// A name for each schema that only it registers.
    own: u64,
    /// Until when it does not ask a node.
    avoided: Vec<Option<Instant>>,
}

impl Client {
    pub fn new(crowd: Arc<Crowd>, number: usize, seed: u64) -> Client {
        let mut rng = Rng::with_seed(seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let node = rng.usize(..crowd.urls.len());
        let avoided = vec![None; crowd.urls.len()];
        Client { crowd, number, rng, node, offset: 0, own: 0, avoided }
    }

    pub async fn run(mut self) {
        while !self.crowd.stop.load(Ordering::Relaxed) {
            let generation = self.crowd.generation.load(Ordering::Relaxed);
            let subject = format!("s{generation}-{}", self.rng.usize(..SHARED_SUBJECTS));
            match self.rng.u32(..100) {
                0..45 => {
                    let schema = format!("g{generation}s{}", self.rng.usize(..SCHEMAS));
                    self.register(&subject, &schema).await;
                }
                45..55 => self.delete_version(&subject).await,
                55..62 => self.delete(&subject, "delete_subject", "").await,
                62..67 => self.delete(&subject, "purge_subject", "?permanent=true").await,
                67..80 => {
                    let scope = format!("c{generation}-{}", self.rng.usize(..12));
                    self.configure(&scope).await;
                }
                _ => self.read_own_write(generation).await,
            }
            if self.rng.u32(..STAY) == 0 {
                self.move_on();
            }
            tokio::time::sleep(Duration::from_millis(self.rng.u64(PAUSE_MS))).await;
        }
    }

    /// Another node, with all that was seen of this one.
    fn move_on(&mut self) {
        let now = Instant::now();
        let others = (0..self.crowd.urls.len()).filter(|node| *node != self.node);
        let good = others.filter(|node| self.avoided[*node].is_none_or(|until| until < now));
        let good: Vec<usize> = good.collect();
        self.node = match good.as_slice() {
            [] => (self.node + 1) % self.crowd.urls.len(),
            good => good[self.rng.usize(..good.len())],
        };
    }

    fn avoid(&mut self) {
        self.avoided[self.node] = Some(Instant::now() + AVOIDED);
        self.move_on();
    }

    async fn attempt(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        session: bool,
    ) -> Ended {
        let url = format!("{}{path}", self.crowd.urls[self.node]);
        let mut request = self.crowd.http.request(method, url).timeout(ATTEMPT_TIMEOUT);
        if session {
            request = request.header("weir-offset", self.offset.to_string());
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/vnd.schemaregistry.v1+json")
                .body(body.to_string());
        }
        let begun = Instant::now();
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Ended::NotDone,
            Err(_) => return Ended::Unknown,
        };
        let offset =
            answer.headers().get("weir-offset").and_then(|o| o.to_str().ok()?.parse().ok());
        let status = answer.status().as_u16();
        let Ok(bytes) = answer.bytes().await else { return Ended::Unknown };
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.crowd.answer_max_ms.fetch_max(took, Ordering::Relaxed);
        let Ok(body) = serde_json::from_slice::<Value>(&bytes) else { return Ended::Unknown };
        let code = body["error_code"].as_u64();
        match code {
            Some(50004 | 503) => Ended::NotDone,
            Some(500..600 | 50000..60000) => Ended::Unknown,
            None if status != 200 => Ended::Unknown,
            code => Ended::Answered { code, body, offset },
        }
    }

    /// A write, until it is answered or nobody knows whether it was done.
    async fn write(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
        operation: Operation,
        read: impl Fn(&Value) -> Answer,
    ) -> Option<Value> {
        while !self.crowd.stop.load(Ordering::Relaxed) {
            let (call, begun) = (self.crowd.history.now(), Instant::now());
            let mut operation = Operation { client: self.number, call, ..operation.clone() };
            match self.attempt(method.clone(), path, body.clone(), false).await {
                Ended::NotDone => {
                    self.move_on();
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Ended::Unknown => {
                    operation.end = UNKNOWN;
                    self.crowd.history.add(operation);
                    self.avoid();
                    // as clients do; and what is unknown costs the checker the most
                    let pause = self.rng.u64(UNKNOWN_PAUSE_MS);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    return None;
                }
                Ended::Answered { code, body, offset } => {
                    operation.end = i64::try_from(self.crowd.history.now()).unwrap_or(i64::MAX);
                    operation.answer = match code {
                        Some(_) => Answer { code, ..Answer::default() },
                        None => read(&body),
                    };
                    self.crowd.history.add(operation);
                    self.crowd.wrote(begun);
                    self.offset = self.offset.max(offset.unwrap_or(0));
                    return code.is_none().then_some(body);
                }
            }
        }
        None
    }

    async fn register(&mut self, subject: &str, schema: &str) -> Option<(u64, u64)> {
        let operation = Operation {
            object: subject.to_string(),
            op: "register",
            schema: Some(schema.to_string()),
            ..Operation::default()
        };
        let path = format!("/subjects/{subject}/versions");
        let body = json!({"schema": text(schema)});
        let read = |body: &Value| Answer { version: body["version"].as_u64(), ..Answer::default() };
        let answer = self.write(Method::POST, &path, Some(body), operation, read).await?;
        let (id, version) = (answer["id"].as_u64()?, answer["version"].as_u64()?);
        self.crowd.has_id(schema, id);
        Some((id, version))
    }

    async fn delete(&mut self, subject: &str, op: &'static str, query: &str) {
        let operation = Operation { object: subject.to_string(), op, ..Operation::default() };
        let path = format!("/subjects/{subject}{query}");
        let read = |body: &Value| {
            let versions = body.as_array().into_iter().flatten();
            let versions = versions.filter_map(Value::as_u64).collect();
            Answer { versions, ..Answer::default() }
        };
        self.write(Method::DELETE, &path, None, operation, read).await;
    }

    async fn delete_version(&mut self, subject: &str) {
        let version = self.rng.u64(1..8);
        let operation = Operation {
            object: subject.to_string(),
            op: "delete_version",
            version: Some(version),
            ..Operation::default()
        };
        let path = format!("/subjects/{subject}/versions/{version}");
        let read = |body: &Value| Answer { version: body.as_u64(), ..Answer::default() };
        self.write(Method::DELETE, &path, None, operation, read).await;
    }

    async fn configure(&mut self, subject: &str) {
        let path = format!("/config/{subject}");
        let object = format!("config {subject}");
        if self.rng.bool() {
            let operation = Operation { object, op: "delete_config", ..Operation::default() };
            let read = |body: &Value| Answer {
                level: body["compatibilityLevel"].as_str().map(str::to_string),
                ..Answer::default()
            };
            self.write(Method::DELETE, &path, None, operation, read).await;
            return;
        }
        let level = LEVELS[self.rng.usize(..LEVELS.len())];
        let level = Some(level.to_string());
        let operation =
            Operation { object, op: "put_config", level: level.clone(), ..Operation::default() };
        let body = json!({"compatibility": level});
        let read = |body: &Value| Answer {
            level: body["compatibility"].as_str().map(str::to_string),
            ..Answer::default()
        };
        self.write(Method::PUT, &path, Some(body), operation, read).await;
    }

    /// Registers what nobody else does, and reads it: where it was registered, or elsewhere with what
    /// the answer said of the log.
    async fn read_own_write(&mut self, generation: u64) {
        self.own += 1;
        let subject = format!("own{generation}-{}", self.number);
        let schema = format!("g{generation}c{}n{}", self.number, self.own);
        let before = self.node;
        let Some((id, version)) = self.register(&subject, &schema).await else { return };
        let moved = self.rng.bool();
        if moved {
            self.move_on();
        }
        let session = moved || self.node != before;
        let path = format!("/subjects/{subject}/versions/latest");
        match self.attempt(Method::GET, &path, None, session).await {
            Ended::Answered { code, body, .. }
                if code.is_some() || body["version"].as_u64() != Some(version) =>
            {
                let node = &self.crowd.urls[self.node];
                self.crowd.wrong(format!(
                    "{node}: {subject} has version {version}, and its client reads {body} (moved: {moved})"
                ));
            }
            Ended::Answered { .. } => {}
            _ => self.avoid(),
        }
        let path = format!("/schemas/ids/{id}");
        if let Ended::Answered { body, .. } = self.attempt(Method::GET, &path, None, true).await
            && body["schema"].as_str() != Some(&text(&schema))
        {
            self.crowd.wrong(format!("id {id} is {schema}, and its client reads {body}"));
        }
    }
}

/// Whether others register it too, and delete it for good: then its id goes with it.
fn is_shared(schema: &str) -> bool {
    !schema.contains('c')
}

/// A schema by its name.
pub fn text(schema: &str) -> String {
    format!(r#"{{"type":"enum","name":"{schema}","symbols":["A"]}}"#)
}

/// The name in a text.
pub fn name(text: &str) -> String {
    let (_, rest) = text.split_once(r#""name":""#).unwrap_or_default();
    rest.split('"').next().unwrap_or_default().to_string()
}

/// Has clients go to other subjects, again and again.
pub async fn age(crowd: Arc<Crowd>) {
    const AGE: Duration = Duration::from_millis(1000);
    loop {
        tokio::time::sleep(AGE).await;
        crowd.generation.fetch_add(1, Ordering::Relaxed);
    }
}
