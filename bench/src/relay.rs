//! A network that takes its time: a relay on loopback that hands on what it gets a moment later.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::Result;

const CHUNK_BYTES: usize = 256 * 1024;

/// Chunks that are under way in one direction; what sends more waits, as it would for a full window.
const CHUNKS: usize = 1024;

/// Relays connections while it lives.
pub struct Relay {
    /// Microseconds in each direction.
    delay_us: Arc<AtomicU64>,
    accepting: tokio::task::JoinHandle<()>,
}

/// A relay's address, which has to be known before what is behind it starts.
pub struct Unconnected {
    listener: TcpListener,
    pub address: SocketAddr,
}

impl Unconnected {
    pub async fn new() -> Result<Unconnected> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        Ok(Unconnected { listener, address })
    }

    pub fn connect(self, to: String) -> Relay {
        let delay_us = Arc::<AtomicU64>::default();
        let (delay, listener) = (delay_us.clone(), self.listener);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, to.clone(), delay.clone()));
            }
        });
        Relay { delay_us, accepting }
    }
}

impl Relay {
    /// From now on a question and its answer take so much longer.
    pub fn set_round_trip(&self, round_trip: Duration) {
        self.delay_us.store(round_trip.as_micros() as u64 / 2, Ordering::Relaxed);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn relay(client: TcpStream, to: String, delay_us: Arc<AtomicU64>) {
    let Ok(server) = TcpStream::connect(to).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        delayed(from_client, to_server, delay_us.clone()),
        delayed(from_server, to_client, delay_us),
    );
}

/// Hands on what it reads when its time has come.
async fn delayed(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    delay_us: Arc<AtomicU64>,
) {
    let (chunks, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(CHUNKS);
    let reading = async move {
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            let Ok(read @ 1..) = from.read(&mut chunk).await else { return };
            chunk.truncate(read);
            let at = Instant::now() + Duration::from_micros(delay_us.load(Ordering::Relaxed));
            if chunks.send((at, chunk)).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((at, chunk)) = due.recv().await {
            sleep_until(at).await;
            if to.write_all(&chunk).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(reading, writing);
}
