//! A cluster's place in the API, and short ways to ask there.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};
use weir_tests::{Answer, Api, ProxyUnderTest, TestBroker};

use crate::fixtures::*;

pub struct Site {
    pub api: Api,
    pub id: String,
    pub proxy: ProxyUnderTest,
}

impl Site {
    pub async fn new(broker: &TestBroker) -> Site {
        Site::of(broker.proxy().await).await
    }

    pub async fn of(proxy: ProxyUnderTest) -> Site {
        let clusters = proxy.api.get("/v3/clusters").await;
        let id = clusters.json["data"][0]["cluster_id"].as_str().unwrap().to_string();
        Site { api: proxy.api.clone(), id, proxy }
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/v3/clusters/{}{rest}", self.id)
    }

    pub fn url(&self, rest: &str) -> String {
        format!("{}{}", self.api.url, self.path(rest))
    }

    pub fn link(&self, rest: &str) -> Value {
        json!({"related": self.url(rest)})
    }

    /// A resource's `metadata`.
    pub fn metadata(&self, rest: &str, name: &str) -> Value {
        json!({"self": self.url(rest), "resource_name": format!("crn:///kafka={}{name}", self.id)})
    }

    pub async fn ask(&self, method: Method, rest: &str, body: Option<&Value>) -> Answer {
        let mut request = self.api.request(method, &self.path(rest));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        self.api.send(request).await
    }

    pub async fn get(&self, rest: &str) -> Answer {
        self.ask(Method::GET, rest, None).await
    }

    pub async fn post(&self, rest: &str, body: &Value) -> Answer {
        self.ask(Method::POST, rest, Some(body)).await
    }

    pub async fn put(&self, rest: &str, body: &Value) -> Answer {
        self.ask(Method::PUT, rest, Some(body)).await
    }

    pub async fn delete(&self, rest: &str) -> Answer {
        self.ask(Method::DELETE, rest, None).await
    }

    /// The items of a list, whose own fields are right.
    pub async fn list(&self, rest: &str, kind: &str) -> Vec<Value> {
        let answer = self.get(rest).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json["kind"], json!(kind));
        assert_eq!(answer.json["metadata"], json!({"self": self.url(rest), "next": null}));
        answer.json["data"].as_array().unwrap().clone()
    }

    /// The answer once it is as it is to be: brokers hear of a change one after the other.
    pub async fn until(&self, rest: &str, is: impl Fn(&Answer) -> bool) -> Answer {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let answer = self.get(rest).await;
            if is(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{rest}: {} {}", answer.status, answer.text);
        }
    }

    /// What the list is made of in pages of `size`.
    pub async fn pages(&self, rest: &str, size: usize) -> Vec<Vec<Value>> {
        let and = if rest.contains('?') { '&' } else { '?' };
        let mut url = self.path(&format!("{rest}{and}page_size={size}"));
        let mut pages = Vec::new();
        loop {
            let answer = self.api.get(&url).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            pages.push(answer.json["data"].as_array().unwrap().clone());
            let Some(next) = answer.json["metadata"]["next"].as_str() else { return pages };
            url = next.strip_prefix(&self.api.url).unwrap().to_string();
        }
    }

    /// A new topic.
    pub async fn topic(&self, broker: &TestBroker, partitions: i32) -> String {
        let _ = &self.proxy;
        new_topic(broker, "routes", partitions).await
    }
}
