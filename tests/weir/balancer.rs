//! A balancer in front of registries: each connection goes to the next node that takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// Its address.
pub async fn start(nodes: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let nodes: Vec<String> =
        nodes.iter().map(|url| url.trim_start_matches("http://").to_string()).collect();
    tokio::spawn(serve(listener, Arc::new(nodes)));
    url
}

async fn serve(listener: TcpListener, nodes: Arc<Vec<String>>) {
    let turn = Arc::new(AtomicUsize::new(0));
    while let Ok((mut client, _)) = listener.accept().await {
        let (nodes, turn) = (nodes.clone(), turn.clone());
        tokio::spawn(async move {
            for _ in 0..nodes.len() {
                let next = turn.fetch_add(1, Ordering::Relaxed) % nodes.len();
                if let Ok(mut node) = TcpStream::connect(&nodes[next]).await {
                    let _ = copy_bidirectional(&mut client, &mut node).await; // either may go
                    return;
                }
            }
        });
    }
}
