//! A balancer as HAProxy and nginx are: it asks each node's `/readyz`, keeps connections to nodes open, and sends a request
//! to a node that is ready. A request that did not reach a node goes to the next one; one that may have been done goes nowhere else, unless
//! it only reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

/// How often a node is asked, and how long it may take.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// A node behind the balancer.
pub struct Target {
    url: String,
    is_ready: AtomicBool,
    /// Whether somebody has taken it out by hand.
    is_out: AtomicBool,
    /// Requests that it has not answered yet.
    under_way: AtomicUsize,
}

impl Target {
    pub fn new(url: String) -> Arc<Target> {
        let (is_ready, is_out) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Target { url, is_ready, is_out, under_way: AtomicUsize::new(0) })
    }

    /// Sends no more requests to it. Returns once those that are under way are answered.
    pub async fn take_out(&self) {
        self.is_out.store(true, Ordering::SeqCst);
        while self.under_way.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(CHECK_INTERVAL).await;
        }
    }

    /// Returns once it was found to be ready.
    pub async fn until_ready(&self) {
        while !self.is_ready.load(Ordering::SeqCst) {
            tokio::time::sleep(CHECK_INTERVAL).await;
        }
    }

    /// Sends requests to it again, once it says anew that it is ready.
    pub fn put_back(&self) {
        self.is_ready.store(false, Ordering::SeqCst);
        self.is_out.store(false, Ordering::SeqCst);
    }
}

struct Balancer {
    nodes: Vec<Arc<Target>>,
    turn: AtomicUsize,
    client: reqwest::Client,
}

/// Its URL.
pub async fn start(nodes: Vec<Arc<Target>>) -> String {
    nodes.iter().for_each(|node| drop(tokio::spawn(check(node.clone()))));
    let client = reqwest::Client::builder().retry(reqwest::retry::never()).build().unwrap();
    let balancer = Arc::new(Balancer { nodes, turn: AtomicUsize::new(0), client });
    let router = axum::Router::new().fallback(move |request| {
        let balancer = balancer.clone();
        async move { balancer.pass(request).await }
    });
    format!("http://{}", weir_tests::serve(router).await)
}

async fn check(node: Arc<Target>) {
    let client = reqwest::Client::new();
    loop {
        let asked = client.get(format!("{}/readyz", node.url)).timeout(CHECK_TIMEOUT).send().await;
        // a version that does not know the path is there at least
        let is_ready = asked.is_ok_and(|answer| {
            answer.status().is_success() || answer.status() == StatusCode::NOT_FOUND
        });
        node.is_ready.store(is_ready, Ordering::SeqCst);
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

impl Balancer {
    async fn pass(&self, request: Request) -> Response {
        let (mut head, body) = request.into_parts();
        [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING]
            .iter()
            .for_each(|name| drop(head.headers.remove(name)));
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let path = head.uri.path_and_query().unwrap().as_str();
        let mut why = "no node is ready".to_string();
        for _ in 0..2 * self.nodes.len() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let node = &self.nodes[turn % self.nodes.len()];
            let _under_way = UnderWay::of(node);
            if !node.is_ready.load(Ordering::SeqCst) || node.is_out.load(Ordering::SeqCst) {
                continue;
            }
            let request = self.client.request(head.method.clone(), format!("{}{path}", node.url));
            match request.headers(head.headers.clone()).body(body.clone()).send().await {
                Ok(answer) => {
                    let (status, headers) = (answer.status(), answer.headers().clone());
                    let Ok(body) = answer.bytes().await else {
                        return failed(&node.url, "the answer broke off");
                    };
                    let mut response = Response::new(Body::from(body));
                    *response.status_mut() = status;
                    response.headers_mut().extend(headers);
                    [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING]
                        .iter()
                        .for_each(|name| drop(response.headers_mut().remove(name)));
                    return response;
                }
                Err(error) => {
                    why = format!("{}: {error:?}", node.url);
                    if !error.is_connect() && head.method != Method::GET {
                        return failed(&node.url, &why);
                    }
                }
            }
        }
        failed("every node", &why)
    }
}

/// A request that a node is asked to answer.
struct UnderWay<'a>(&'a Target);

impl UnderWay<'_> {
    fn of(node: &Target) -> UnderWay<'_> {
        node.under_way.fetch_add(1, Ordering::SeqCst);
        UnderWay(node)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

fn failed(node: &str, why: &str) -> Response {
    (StatusCode::BAD_GATEWAY, format!("{node}: {why}")).into_response()
}
