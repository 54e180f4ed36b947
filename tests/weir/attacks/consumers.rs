//! Consumer instances beyond the descriptors and threads that there are, and outages of Kafka.

use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use weir_tests::{Api, TestBroker, embedded_broker};

use crate::process::Weir;

const V2: &str = "application/vnd.kafka.v2+json";
const JSON: &str = "application/vnd.kafka.json.v2+json";

/// Longer than all instances take turns.
const DEADLINE: Duration = Duration::from_secs(180);

/// Instances that want to read at the same time: more than there are threads or descriptors for.
const INSTANCES: usize = 60;

/// `weir serve` under limits that a shell sets.
fn limited(limits: &str, user: &[&str], broker: &TestBroker) -> Weir {
    let mut command = Command::new("sh");
    if let [program, args @ ..] = user {
        command = Command::new(program);
        command.args(args).arg("sh");
    }
    let weir = env!("CARGO_BIN_EXE_weir");
    let fixed = "serve --store memory --registry-listener 127.0.0.1:0 --proxy-listener 127.0.0.1:0 \
                 --connections-per-address-max 128";
    let servers = &broker.bootstrap_servers;
    let script = format!("{limits} && exec {weir} {fixed} --bootstrap-servers {servers}");
    Weir::spawn(command.args(["-c", &script]).env_remove("WEIR_LOG"))
}

/// An instance of a group of its own, subscribed to the topic.
async fn subscriber(api: Api, number: usize) -> String {
    let group = format!("/consumers/crowd-{number}");
    let settings = json!({"name": "one", "format": "json", "auto.offset.reset": "earliest"});
    let made = api.post_as(&group, V2, settings.to_string()).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let path = format!("{group}/instances/one");
    let topics = json!({"topics": ["crowd"]}).to_string();
    let subscribed = api.post_as(&format!("{path}/subscription"), V2, topics).await;
    assert_eq!(subscribed.status, 204, "{}", subscribed.text);
    path
}

/// Reads until there is a record, again after each refusal. Returns how often it was refused.
async fn read(api: Api, path: String) -> usize {
    let deadline = Instant::now() + DEADLINE;
    let mut refused = 0;
    loop {
        let request = api.request(Method::GET, &format!("{path}/records?timeout=1000"));
        let answer = api.send(request.header("accept", JSON)).await;
        if answer.status == 503 {
            assert_eq!(answer.json["error_code"], json!(50301), "{}", answer.text);
            assert!(answer.headers.contains_key("retry-after"));
            refused += 1;
        } else {
            assert_eq!(answer.status, 200, "{}", answer.text);
            if answer.json.as_array().is_some_and(|records| !records.is_empty()) {
                return refused;
            }
        }
        assert!(Instant::now() < deadline, "{path} has read nothing");
    }
}

/// More instances read than there is room for: all of them do in turn, a bystander is answered, and the
/// process lives.
async fn a_crowd_reads_in_turn(mut weir: Weir, most: u64) {
    let registry = weir.api("registry on");
    let api = weir.api("REST proxy on");
    let body = json!({"records": [{"value": "one"}]}).to_string();
    let sent = api.post_as("/topics/crowd", JSON, body).await;
    assert_eq!(sent.json["offsets"][0]["error_code"], Value::Null, "{}", sent.text);
    let crowd = join_all((0..INSTANCES).map(|n| tokio::spawn(subscriber(api.clone(), n)))).await;
    let paths: Vec<String> = crowd.into_iter().map(|path| path.unwrap()).collect();
    let reads = paths.iter().map(|path| tokio::spawn(read(api.clone(), path.clone())));
    let reading = tokio::spawn(join_all(reads));
    while !reading.is_finished() {
        assert_eq!(registry.get("/subjects").await.status, 200);
        let text = api.get("/metrics").await.text;
        let number = |name: &str| {
            let line =
                text.lines().find(|l| l.starts_with(&format!("weir_proxy_{name} "))).unwrap();
            line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
        };
        let connected = number("consumer_instances_connected");
        assert!(connected <= most && connected <= number("consumer_instances_connected_max"));
        assert_eq!(connected + number("consumer_instances_resting"), INSTANCES as u64);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let refused: usize = reading.await.unwrap().into_iter().map(|refused| refused.unwrap()).sum();
    let text = api.get("/metrics").await.text;
    let counted = format!("weir_proxy_consumer_instances_refused_total {refused}\n");
    assert!(text.contains(&counted), "{refused} {text}");
    weir.signal("TERM");
    assert!(weir.wait().success(), "{:#?}", weir.output);
}

async fn broker() -> TestBroker {
    let broker = embedded_broker();
    broker.create_topic("crowd", 1).await;
    broker
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_instances_than_descriptors_take_turns() {
    let broker = broker().await;
    a_crowd_reads_in_turn(limited("ulimit -n 256", &[], &broker), 256 / 2 / 8).await;
}

/// `ulimit -u` counts all threads of the user, and does not bind root: a user that nobody else is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_instances_than_threads_take_turns() {
    let user = "--reuid=61841 --regid=61841 --clear-groups";
    let setpriv: Vec<&str> = ["setpriv"].into_iter().chain(user.split(' ')).collect();
    let weir = env!("CARGO_BIN_EXE_weir");
    let can = Command::new("setpriv").args(&setpriv[1..]).args([weir, "--version"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: only root can start weir as another user");
        return;
    }
    let broker = broker().await;
    let limits = "cd / && prlimit --pid $$ --nproc=120:120";
    a_crowd_reads_in_turn(limited(limits, &setpriv, &broker), 120 / 5).await;
}
