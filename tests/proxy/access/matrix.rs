//! Each method of each path, asked by each kind of caller (attack 12: a request that is taken for another than it is).

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use weir_tests::{Answer, embedded_broker, unique};

use super::house::{DENIED, House, User};
use crate::fixtures::*;

const OPENAPI: &str = include_str!("../../../openapi/proxy.yaml");

/// Those who ask, as in the columns of [`MATRIX`]; whoever has not logged in is answered 401 but where
/// all is open.
const USERS: [&str; 4] = ["writer", "reader", "owner", "admin"];

/// `+` allowed: any answer but 401 and 403. `o` open: allowed, also without a login. `-` denied: 403, 40301. `0` the consumer instance of another: 404, 40403.
#[rustfmt::skip] // a line each
const MATRIX: &[(&str, &str, &str)] = &[
    ("get", "/", "++++"),
    ("post", "/", "++++"),
    ("get", "/brokers", "-+++"),
    ("get", "/topics", "++++"),
    ("get", "/topics/{topic}", "-+++"),
    ("post", "/topics/{topic}", "--++"),
    ("get", "/topics/{topic}/partitions", "-+++"),
    ("get", "/topics/{topic}/partitions/{partition}", "-+++"),
    ("post", "/topics/{topic}/partitions/{partition}", "--++"),
    ("get", "/topics/{topic}/partitions/{partition}/offsets", "-+++"),
    ("post", "/consumers/{group}", "-+++"),
    ("delete", "/consumers/{group}/instances/{instance}", "00+0"),
    ("get", "/consumers/{group}/instances/{instance}/subscription", "00+0"),
    ("post", "/consumers/{group}/instances/{instance}/subscription", "00+0"),
    ("delete", "/consumers/{group}/instances/{instance}/subscription", "00+0"),
    ("get", "/consumers/{group}/instances/{instance}/assignments", "00+0"),
    ("post", "/consumers/{group}/instances/{instance}/assignments", "00+0"),
    ("get", "/consumers/{group}/instances/{instance}/records", "00+0"),
    ("get", "/consumers/{group}/instances/{instance}/offsets", "00+0"),
    ("post", "/consumers/{group}/instances/{instance}/offsets", "00+0"),
    ("post", "/consumers/{group}/instances/{instance}/positions", "00+0"),
    ("post", "/consumers/{group}/instances/{instance}/positions/beginning", "00+0"),
    ("post", "/consumers/{group}/instances/{instance}/positions/end", "00+0"),
    ("get", "/v3/clusters", "++++"),
    ("get", "/v3/clusters/{cluster}", "++++"),
    ("get", "/v3/clusters/{cluster}/acls", "---+"),
    ("post", "/v3/clusters/{cluster}/acls", "---+"),
    ("delete", "/v3/clusters/{cluster}/acls", "---+"),
    ("post", "/v3/clusters/{cluster}/acls:batch", "---+"),
    ("get", "/v3/clusters/{cluster}/broker-configs", "-+++"),
    ("post", "/v3/clusters/{cluster}/broker-configs:alter", "---+"),
    ("get", "/v3/clusters/{cluster}/broker-configs/{name}", "-+++"),
    ("put", "/v3/clusters/{cluster}/broker-configs/{name}", "---+"),
    ("delete", "/v3/clusters/{cluster}/broker-configs/{name}", "---+"),
    ("get", "/v3/clusters/{cluster}/brokers", "-+++"),
    ("get", "/v3/clusters/{cluster}/brokers/-/configs", "-+++"),
    ("get", "/v3/clusters/{cluster}/brokers/{broker}", "-+++"),
    ("get", "/v3/clusters/{cluster}/brokers/{broker}/configs", "-+++"),
    ("post", "/v3/clusters/{cluster}/brokers/{broker}/configs:alter", "---+"),
    ("get", "/v3/clusters/{cluster}/brokers/{broker}/configs/{name}", "-+++"),
    ("put", "/v3/clusters/{cluster}/brokers/{broker}/configs/{name}", "---+"),
    ("delete", "/v3/clusters/{cluster}/brokers/{broker}/configs/{name}", "---+"),
    ("get", "/v3/clusters/{cluster}/brokers/{broker}/partition-replicas", "-+++"),
    ("get", "/v3/clusters/{cluster}/consumer-groups", "++++"),
    ("get", "/v3/clusters/{cluster}/consumer-groups/{group}", "-+++"),
    ("delete", "/v3/clusters/{cluster}/consumer-groups/{group}", "--++"),
    ("get", "/v3/clusters/{cluster}/consumer-groups/{group}/consumers", "-+++"),
    ("get", "/v3/clusters/{cluster}/consumer-groups/{group}/consumers/{consumer}", "-+++"),
    ("get", "/v3/clusters/{cluster}/consumer-groups/{group}/consumers/{consumer}/assignments", "-+++"),
    ("get", "/v3/clusters/{cluster}/consumer-groups/{group}/consumers/{consumer}/assignments/{topic}/partitions/{partition}", "-+++"),
    ("get", "/v3/clusters/{cluster}/consumer-groups/{group}/lag-summary", "-+++"),
    ("get", "/v3/clusters/{cluster}/consumer-groups/{group}/lags", "-+++"),
    ("get", "/v3/clusters/{cluster}/consumer-groups/{group}/lags/{topic}/partitions/{partition}", "-+++"),
    ("post", "/v3/clusters/{cluster}/consumer-groups/{group}/offsets:reset", "--++"),
    ("get", "/v3/clusters/{cluster}/topics", "++++"),
    ("post", "/v3/clusters/{cluster}/topics", "--++"),
    ("get", "/v3/clusters/{cluster}/topics/-/configs", "++++"),
    ("post", "/v3/clusters/{cluster}/topics/-/configs:alter", "--++"),
    ("get", "/v3/clusters/{cluster}/topics/-/partitions/-/reassignment", "++++"),
    ("get", "/v3/clusters/{cluster}/topics/{topic}", "-+++"),
    ("patch", "/v3/clusters/{cluster}/topics/{topic}", "--++"),
    ("delete", "/v3/clusters/{cluster}/topics/{topic}", "--++"),
    ("get", "/v3/clusters/{cluster}/topics/{topic}/configs", "-+++"),
    ("post", "/v3/clusters/{cluster}/topics/{topic}/configs:alter", "--++"),
    ("get", "/v3/clusters/{cluster}/topics/{topic}/configs/{name}", "-+++"),
    ("put", "/v3/clusters/{cluster}/topics/{topic}/configs/{name}", "--++"),
    ("delete", "/v3/clusters/{cluster}/topics/{topic}/configs/{name}", "--++"),
    ("get", "/v3/clusters/{cluster}/topics/{topic}/partitions", "-+++"),
    ("get", "/v3/clusters/{cluster}/topics/{topic}/partitions/-/reassignment", "-+++"),
    ("get", "/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}", "-+++"),
    ("get", "/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/offset", "-+++"),
    ("get", "/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/reassignment", "-+++"),
    ("get", "/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/records", "-+++"),
    ("post", "/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/records:delete", "--++"),
    ("get", "/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/replicas", "-+++"),
    ("get", "/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/replicas/{broker}", "-+++"),
    ("post", "/v3/clusters/{cluster}/topics/{topic}/records", "--++"),
    ("post", "/v3/clusters/{cluster}/topics/{topic}/records:batch", "--++"),
    ("get", "/v1/access/check", "++++"),
    ("get", "/metrics", "-+++"),
    ("get", "/openapi.json", "oooo"),
    ("get", "/openapi.yaml", "oooo"),
    ("get", "/docs", "oooo"),
    ("get", "/docs/{file}", "oooo"),
    ("get", "/healthz", "oooo"),
    ("get", "/readyz", "oooo"),
    ("get", "/startupz", "oooo"),
];

/// Methods and paths of the contract, which has all of the router's.
fn documented() -> BTreeSet<(&'static str, &'static str)> {
    let paths =
        OPENAPI.split_once("\npaths:\n").unwrap().1.split_once("\ncomponents:\n").unwrap().0;
    let mut found = BTreeSet::new();
    let mut path = "";
    for line in paths.lines() {
        let key = |indent: &str| {
            line.strip_prefix(indent)?.strip_suffix(':').filter(|key| !key.starts_with(' '))
        };
        if let Some(next) = key("  ") {
            path = next.trim_matches(['"', '\'']);
        } else if let Some(method) = key("    ").filter(|key| *key != "parameters") {
            found.insert((method, path));
        }
    }
    found
}

/// The names that stand in paths and bodies.
struct Names {
    topic: String,
    group: String,
    instance: String,
    cluster: String,
}

impl Names {
    fn path(&self, path: &str) -> String {
        let mut filled = path.to_string();
        for (name, value) in [
            ("{topic}", self.topic.as_str()),
            ("{group}", &self.group),
            ("{instance}", &self.instance),
            ("{cluster}", &self.cluster),
            ("{partition}", "0"),
            ("{broker}", "1"),
            ("{name}", "cleanup.policy"),
            ("{consumer}", "member-1"),
            ("{file}", "page.js"),
        ] {
            filled = filled.replace(name, value);
        }
        match path.rsplit('/').next().unwrap() {
            "offsets" if path.starts_with("/consumers") => {
                format!("{filled}?topic={}&partition=0", self.topic)
            }
            "check" => format!("{filled}?action=read&resource=topic:{}", self.topic),
            "acls" => format!(
                "{filled}?resource_type=TOPIC&pattern_type=LITERAL&operation=READ&permission=ALLOW"
            ),
            _ => filled,
        }
    }

    /// The body of a request, which does what it says to what the names mean.
    fn body(&self, method: &str, path: &str) -> Option<Value> {
        let topic = &self.topic;
        let acl = json!({
            "resource_type": "TOPIC", "resource_name": topic, "pattern_type": "LITERAL",
            "principal": "User:alice", "host": "*", "operation": "READ", "permission": "ALLOW",
        });
        let value = json!({"value": {"type": "STRING", "data": "SAT"}});
        let below = path.split("{instance}").nth(1).unwrap_or_default();
        Some(match (method, path.rsplit(['/', ':']).next().unwrap()) {
            ("get" | "delete", _) => return None,
            ("post", "") => json!({}),
            ("post", "{group}") => json!({"format": "json"}),
            _ if below == "/subscription" => json!({"topics": [topic]}),
            _ if ["/assignments", "/positions/beginning", "/positions/end"].contains(&below) => {
                partitions(topic, &[0])
            }
            _ if ["/offsets", "/positions"].contains(&below) => offset(topic, 0, 0),
            ("post", "acls") => acl,
            ("post", "batch") if path.contains("/acls") => json!({"data": [acl]}),
            ("post", "alter") if path.contains("topics/-") => {
                let config = json!({"name": "cleanup.policy", "value": "delete"});
                json!({"data": [{"topic_name": topic, "configs": [config]}]})
            }
            ("post", "alter") => json!({"data": [{"name": "cleanup.policy", "value": "delete"}]}),
            ("put", _) => json!({"value": "delete"}),
            ("post", "reset") => json!({"to": {"position": "earliest"}}),
            ("post", "topics") => json!({"topic_name": topic}),
            ("patch", _) => json!({"partitions_count": 2}),
            ("post", "delete") => json!({"before_offset": 0}),
            ("post", "batch") => {
                json!({"entries": [{"id": "1", "value": value["value"].clone()}]})
            }
            ("post", "records") => value,
            ("post", "{topic}" | "{partition}") => records(&[json!("SAT")]),
            unknown => panic!("no body for {unknown:?} of {path}"),
        })
    }
}

async fn asked(
    user: Option<&User>,
    house: &House,
    method: &str,
    path: &str,
    names: &Names,
) -> Answer {
    let method_of_http = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let url = names.path(path);
    let mut request = match user {
        Some(user) => user.request(method_of_http, &url),
        None => house.api.request(method_of_http, &url),
    };
    let plain = path.strip_prefix("/kafka").unwrap_or(path);
    if let Some(body) = names.body(method, plain) {
        let is_produce = plain.starts_with("/topics");
        let media_type = match plain.starts_with("/v3") {
            true => "application/json",
            false if is_produce => JSON,
            false => V2,
        };
        request = request.header("content-type", media_type).body(body.to_string());
    }
    house.api.send(request).await
}

/// What is wrong with an answer to a verdict.
fn wrong(verdict: char, answer: &Answer) -> Option<String> {
    let (status, code) = (answer.status.as_u16(), answer.json["error_code"].as_u64());
    let message = answer.json["message"].as_str();
    let is_right = match verdict {
        '+' | 'o' => status != 401 && status != 403,
        '-' => (status, code, message) == (403, Some(40301), Some(DENIED)),
        '0' => (status, code, message) == (404, Some(40403), Some("Consumer instance not found.")),
        '1' => (status, code) == (401, Some(401)),
        other => panic!("{other} is no verdict"),
    };
    (!is_right).then(|| format!("{verdict}: {status} {}", answer.text))
}

/// Asks all that the matrix has whose verdict is to be looked at.
async fn check(house: &House, cluster: &str, is_asked: impl Fn(char) -> bool) {
    let mut differences = Vec::new();
    let below_kafka = MATRIX
        .iter()
        .filter(|(_, path, _)| path.starts_with("/v3"))
        .map(|(method, path, verdicts)| (*method, format!("/kafka{path}"), *verdicts));
    let plain =
        MATRIX.iter().map(|(method, path, verdicts)| (*method, path.to_string(), *verdicts));
    let group = unique("departures");
    for (method, path, verdicts) in plain.chain(below_kafka) {
        // each on a topic and an instance of its own: some of them go
        let topic = unique("flights");
        let instance = match path.contains("{instance}") {
            true => house.user("owner").instance(&group).await,
            false => "none".to_string(),
        };
        let instance = instance.rsplit('/').next().unwrap().to_string();
        let names = Names { topic, group: group.clone(), instance, cluster: cluster.to_string() };
        let nobody = asked(None, house, method, &path, &names).await;
        let verdict = if verdicts.contains('o') { 'o' } else { '1' };
        differences
            .extend(wrong(verdict, &nobody).map(|why| format!("{method} {path} nobody {why}")));
        // the owner of an instance comes last: it may delete it
        let mut users: Vec<_> = USERS.into_iter().zip(verdicts.chars()).collect();
        users.sort_by_key(|(_, verdict)| *verdict == '+');
        assert_eq!(users.len(), USERS.len(), "{method} {path}");
        for (user, verdict) in users.into_iter().filter(|(_, verdict)| is_asked(*verdict)) {
            let answer = asked(Some(&house.user(user)), house, method, &path, &names).await;
            let why = wrong(verdict, &answer);
            differences.extend(why.map(|why| format!("{method} {path} {user} {why}")));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn the_matrix_has_every_method_of_every_path() {
    let rows: BTreeSet<_> = MATRIX.iter().map(|(method, path, _)| (*method, *path)).collect();
    let documented = documented();
    assert!(documented.len() > 70, "the contract is read: {documented:?}");
    let missing: Vec<_> = documented.difference(&rows).collect();
    let invented: Vec<_> = rows.difference(&documented).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "missing {missing:?}, invented {invented:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_caller_is_allowed_what_the_matrix_says() {
    let house = House::new(&embedded_broker()).await;
    let place = house.user("admin").cluster().await;
    check(&house, place.rsplit('/').next().unwrap(), |_| true).await;
}

/// Whoever is denied is answered by the rules alone: Kafka is not asked, be it there or not, and neither is it looked whether the
/// path's cluster is the one behind the proxy (attack 14).
#[tokio::test(flavor = "multi_thread")]
async fn a_denial_asks_nothing_of_kafka() {
    let house = House::without_kafka().await;
    check(&house, "elsewhere", |verdict| verdict != '+').await;
}

#[tokio::test]
async fn what_others_may_do_is_told_to_who_administers_the_cluster() {
    let house = House::without_kafka().await;
    let asked = async |user: &str, principal: &str| {
        let query = format!("principal={principal}&action=write&resource=topic:flights");
        house.user(user).get(&format!("/v1/access/check?{query}")).await
    };
    for (user, principal, allowed) in
        [("reader", "reader", false), ("owner", "owner", true), ("admin", "reader", false)]
    {
        let answer = asked(user, principal).await;
        assert_eq!((answer.status.as_u16(), &answer.json["allowed"]), (200, &json!(allowed)));
    }
    super::house::denied(&asked("reader", "owner").await);
    super::house::denied(&asked("owner", "nobody").await);
}
