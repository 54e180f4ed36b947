//! A balancer in front of registries: each connection goes to the next node that says it is well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// How often a node is asked, and how long it may take.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

struct Node {
    url: String,
    is_well: AtomicBool,
}

/// Its address.
pub async fn start(nodes: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let node = |url| Arc::new(Node { url, is_well: AtomicBool::new(true) });
    let nodes: Vec<Arc<Node>> = nodes.into_iter().map(node).collect();
    nodes.iter().for_each(|node| drop(tokio::spawn(check(node.clone()))));
    tokio::spawn(serve(listener, Arc::new(nodes)));
    url
}

async fn check(node: Arc<Node>) {
    let client = reqwest::Client::new();
    loop {
        let answer = client.get(&node.url).timeout(CHECK_INTERVAL).send().await;
        let is_well = answer.is_ok_and(|answer| answer.status().is_success());
        node.is_well.store(is_well, Ordering::Relaxed);
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

async fn serve(listener: TcpListener, nodes: Arc<Vec<Arc<Node>>>) {
    let turn = Arc::new(AtomicUsize::new(0));
    while let Ok((mut client, _)) = listener.accept().await {
        let (nodes, turn) = (nodes.clone(), turn.clone());
        tokio::spawn(async move {
            for _ in 0..nodes.len() {
                let node = &nodes[turn.fetch_add(1, Ordering::Relaxed) % nodes.len()];
                if !node.is_well.load(Ordering::Relaxed) {
                    continue;
                }
                let address = node.url.trim_start_matches("http://");
                if let Ok(mut node) = TcpStream::connect(address).await {
                    let _ = copy_bidirectional(&mut client, &mut node).await; // either may go
                    return;
                }
            }
        });
    }
}
