//! Servers that have done something of everything, so that their metrics have values.

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use weir_tests::{Answer, Api};

use crate::access::house::{House, Login, RULES, user};
use crate::listeners::authority::Authority;
use crate::process::Weir;

/// What both formats of one listener have.
pub struct Scraped {
    pub text: String,
    pub open_metrics: String,
}

const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";

/// Scrapes a listener. The first scrape is among the requests that the others count.
pub async fn scrape(api: &Api, login: &Login) -> Scraped {
    let get = async |accept: &str| -> Answer {
        let request = api.request(Method::GET, "/metrics").header("accept", accept);
        let answer = api.send(login.on(request)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    };
    for _ in 0..2 {
        get("text/plain").await; // the size of the first answer is among what the second has
    }
    let text = get("*/*").await;
    assert_eq!(text.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let open = get(OPEN_METRICS).await;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(open.headers["content-type"], content_type);
    assert!(open.text.ends_with("# EOF\n") && open.text.matches("# EOF").count() == 1);
    Scraped { text: text.text, open_metrics: open.text }
}

/// The API whose address is in a line with a text. Lines of the two outputs come in any order.
fn said(weir: &mut Weir, text: &str) -> Api {
    match weir.output.iter().find(|line| line.contains(text)) {
        Some(line) => {
            let url = line.split_whitespace().find(|word| word.starts_with("http")).unwrap();
            Api::at(url.to_string())
        }
        None => weir.api(text),
    }
}

/// Registry, proxy and management, with the embedded broker.
pub struct Dev {
    _folder: TempDir,
    _weir: Weir,
    pub registry: Api,
    pub proxy: Api,
    pub management: Api,
}

impl Dev {
    /// Starts it, and has it do something of everything.
    pub async fn start() -> Dev {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str().unwrap();
        let mut weir = Weir::start(&[
            "dev",
            "--registry-listener",
            "127.0.0.1:0",
            "--proxy-listener",
            "127.0.0.1:0",
            "--management-listener",
            "127.0.0.1:0",
            "--data-dir",
            data,
        ]);
        let [management, registry, proxy] =
            ["management on", "  registry  ", "  REST proxy  "].map(|text| said(&mut weir, text));
        let dev = Dev { _folder: folder, _weir: weir, registry, proxy, management };
        dev.use_registry().await;
        dev.use_proxy().await;
        dev
    }

    async fn use_registry(&self) {
        let of = |text: &str| json!({"schema": text});
        let versions = "/subjects/flights-value/versions";
        let int = r#"{"type":"record","name":"F","fields":[{"name":"delay","type":"int"}]}"#;
        let text = r#"{"type":"record","name":"F","fields":[{"name":"delay","type":"string"}]}"#;
        assert_eq!(self.registry.post(versions, &of(int)).await.status, 200);
        assert_eq!(self.registry.post(versions, &of(int)).await.status, 200);
        assert_eq!(self.registry.post(versions, &of(text)).await.status, 409);
        assert_eq!(self.registry.post(versions, &of("{")).await.status, 422);
        let check = "/compatibility/subjects/flights-value/versions/latest";
        assert_eq!(self.registry.post(check, &of(int)).await.status, 200);
        assert_eq!(self.registry.post(check, &of(text)).await.status, 200);
        assert_eq!(self.registry.get("/schemas/ids/1").await.status, 200);
        assert_eq!(self.registry.get("/schemas/ids/7").await.status, 404);
    }

    async fn use_proxy(&self) {
        let avro = "application/vnd.kafka.avro.v2+json";
        let schema = r#"{"type":"record","name":"F","fields":[{"name":"delay","type":"int"}]}"#;
        let body = json!({"value_schema": schema, "records": [{"value": {"delay": 7}}]});
        for _ in 0..2 {
            let sent = self.proxy.post_as("/topics/flights", avro, body.to_string()).await;
            assert_eq!(sent.status, 200, "{}", sent.text);
        }
        let v2 = "application/vnd.kafka.v2+json";
        let instance = json!({"name": "me", "format": "avro", "auto.offset.reset": "earliest"});
        let made = self.proxy.post_as("/consumers/readers", v2, instance.to_string()).await;
        assert_eq!(made.status, 200, "{}", made.text);
        let me = "/consumers/readers/instances/me";
        let topics = json!({"topics": ["flights"]}).to_string();
        let subscribed = self.proxy.post_as(&format!("{me}/subscription"), v2, topics).await;
        assert_eq!(subscribed.status, 204, "{}", subscribed.text);
        assert_eq!(self.proxy.get("/v3/clusters").await.status, 200);
        let records = format!("{me}/records?timeout=10000");
        let request = self.proxy.request(Method::GET, &records).header("accept", avro);
        let read = self.proxy.send(request).await;
        assert_eq!(read.status, 200, "{}", read.text);
    }
}

/// A registry behind TLS with access control.
pub struct Closed {
    _house: House,
    _authority: Authority,
    _weir: Weir,
    pub registry: Api,
    /// Somebody who may read all.
    pub admin: Login,
}

impl Closed {
    pub async fn start() -> Closed {
        let (house, authority) = (House::new(RULES), Authority::new());
        let [cert, key] = authority.sign("server", 1);
        let ca = authority.path("ca.pem");
        let tls = ["--tls-cert", &cert, "--tls-key", &key];
        let clients = ["--tls-client-auth", "optional", "--tls-client-ca", &ca];
        let (weir, plain) = house.registry(&[tls, clients].concat());
        let url = plain.url.replace("127.0.0.1", "localhost");
        let (registry, admin) = (Api::trusting(url, &authority.pem), house.admin());
        let alice = user("alice");
        let registered = alice.register(&registry, "orders-value", "Order").await;
        assert_eq!(registered.status, 200, "{}", registered.text);
        assert_eq!(alice.get(&registry, "/mode").await.status, 403);
        assert_eq!(Login::Nobody.get(&registry, "/subjects").await.status, 401);
        Closed { _house: house, _authority: authority, _weir: weir, registry, admin }
    }
}
