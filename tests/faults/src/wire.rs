//! The network between nodes and brokers: relays that can stall, delay, cut, and hold writes back.
//!
//! A relay of Kafka's protocol reads frames, and puts itself in the place of the brokers wherever an
//! answer says where they are. What was stalled is delivered when the wire is mended, as TCP would.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, FindCoordinatorResponse, MetadataResponse, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a wire does to what goes through it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Nothing gets to the server.
    pub stalls_requests: bool,
    /// Nothing comes back.
    pub stalls_answers: bool,
    /// Connections are reset, and new ones too.
    pub cuts: bool,
    /// What each message waits.
    pub delay: Duration,
    /// Kafka's produce requests stay on their way.
    pub holds_produce: bool,
}

/// Ports of relays by those of the brokers behind them.
pub type Ports = HashMap<u16, u16>;

pub struct Wire {
    pub port: u16,
    weather: watch::Sender<Weather>,
}

/// What goes through a wire.
#[derive(Clone)]
pub enum Speaks {
    Anything,
    /// Kafka's protocol; addresses in its answers are replaced.
    Kafka(Arc<Mutex<Ports>>),
}

impl Wire {
    /// To a port of this machine.
    pub async fn to(server: u16, speaks: Speaks) -> std::io::Result<Wire> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        if let Speaks::Kafka(ports) = &speaks {
            ports.lock().unwrap_or_else(PoisonError::into_inner).insert(server, port);
        }
        let weather = watch::Sender::new(Weather::default());
        tokio::spawn(accept(listener, server, weather.subscribe(), speaks));
        Ok(Wire { port, weather })
    }

    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn accept(
    listener: TcpListener,
    server: u16,
    weather: watch::Receiver<Weather>,
    speaks: Speaks,
) {
    while let Ok((client, _)) = listener.accept().await {
        if weather.borrow().cuts {
            let _ = client.set_zero_linger();
            continue;
        }
        let (weather, speaks) = (weather.clone(), speaks.clone());
        tokio::spawn(async move {
            let address = SocketAddr::from(([127, 0, 0, 1], server));
            if let Ok(server) = TcpStream::connect(address).await {
                relay(client, server, weather, speaks).await;
            }
        });
    }
}

async fn relay(
    client: TcpStream,
    server: TcpStream,
    weather: watch::Receiver<Weather>,
    speaks: Speaks,
) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let asked = Arc::new(Mutex::new(HashMap::new()));
    let is_kafka = matches!(speaks, Speaks::Kafka(_));
    let mut cut = weather.clone();
    let up = requests(from_client, to_server, weather.clone(), is_kafka.then(|| asked.clone()));
    let down = answers(from_server, to_client, weather, speaks, asked);
    // a client that is gone may have left requests that are still on their way
    let both = async { tokio::join!(up, down) };
    tokio::select! {
        _ = both => {}
        _ = cut.wait_for(|weather| weather.cuts) => {}
    }
}

/// Requests by their correlation ids.
type Asked = Arc<Mutex<HashMap<i32, (i16, i16)>>>;

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    asked: Option<Asked>,
) -> Option<()> {
    loop {
        let message = match asked {
            Some(_) => frame(&mut from).await?,
            None => chunk(&mut from).await?,
        };
        let mut is_produce = false;
        if let Some(asked) = &asked {
            let (key, version, id) = head(&message)?;
            is_produce = key == ApiKey::Produce as i16;
            asked.lock().unwrap_or_else(PoisonError::into_inner).insert(id, (key, version));
        }
        let delay = weather.borrow().delay;
        tokio::time::sleep(delay).await;
        let passes = |w: &Weather| !(w.stalls_requests || is_produce && w.holds_produce);
        weather.wait_for(passes).await.ok()?;
        to.write_all(&message).await.ok()?;
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    speaks: Speaks,
    asked: Asked,
) -> Option<()> {
    loop {
        let message = match &speaks {
            Speaks::Anything => chunk(&mut from).await?,
            Speaks::Kafka(ports) => {
                let message = frame(&mut from).await?;
                let id = i32::from_be_bytes(message.get(4..8)?.try_into().ok()?);
                let asked = asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                let ports = ports.lock().unwrap_or_else(PoisonError::into_inner).clone();
                asked.and_then(|asked| moved(&message, asked, &ports)).unwrap_or(message)
            }
        };
        weather.wait_for(|weather| !weather.stalls_answers).await.ok()?;
        let delay = weather.borrow().delay;
        tokio::time::sleep(delay).await;
        to.write_all(&message).await.ok()?;
    }
}

async fn chunk(from: &mut OwnedReadHalf) -> Option<Bytes> {
    let mut bytes = BytesMut::with_capacity(16 * 1024);
    let read = from.read_buf(&mut bytes).await.ok()?;
    (read > 0).then(|| bytes.freeze())
}

/// A message of Kafka's protocol, with its size.
async fn frame(from: &mut OwnedReadHalf) -> Option<Bytes> {
    let size = from.read_u32().await.ok()?;
    let mut bytes = vec![0; 4 + size as usize];
    bytes[..4].copy_from_slice(&size.to_be_bytes());
    from.read_exact(&mut bytes[4..]).await.ok()?;
    Some(Bytes::from(bytes))
}

/// What a request is: API key, version, correlation id.
fn head(frame: &Bytes) -> Option<(i16, i16, i32)> {
    let number = |at: usize| Some(i16::from_be_bytes(frame.get(at..at + 2)?.try_into().ok()?));
    let id = i32::from_be_bytes(frame.get(8..12)?.try_into().ok()?);
    Some((number(4)?, number(6)?, id))
}

/// An answer with the relays in the brokers' place, if it says where brokers are.
fn moved(frame: &Bytes, (key, version): (i16, i16), ports: &Ports) -> Option<Bytes> {
    let port = |port: i32| {
        let known = u16::try_from(port).ok().and_then(|port| ports.get(&port).copied());
        known.map_or(port, i32::from)
    };
    if key == ApiKey::Metadata as i16 {
        rewritten::<MetadataResponse>(frame, version, |answer| {
            answer.brokers.iter_mut().for_each(|broker| broker.port = port(broker.port));
        })
    } else if key == ApiKey::FindCoordinator as i16 {
        rewritten::<FindCoordinatorResponse>(frame, version, |answer| {
            answer.port = port(answer.port);
            answer.coordinators.iter_mut().for_each(|found| found.port = port(found.port));
        })
    } else {
        None
    }
}

fn rewritten<R: Decodable + Encodable + HeaderVersion>(
    frame: &Bytes,
    version: i16,
    change: impl FnOnce(&mut R),
) -> Option<Bytes> {
    let mut bytes = frame.slice(4..);
    let header_version = R::header_version(version);
    let header = ResponseHeader::decode(&mut bytes, header_version).ok()?;
    let mut answer = R::decode(&mut bytes, version).ok()?;
    change(&mut answer);
    let mut body = BytesMut::new();
    header.encode(&mut body, header_version).ok()?;
    answer.encode(&mut body, version).ok()?;
    let mut frame = BytesMut::with_capacity(4 + body.len());
    frame.put_u32(u32::try_from(body.len()).ok()?);
    frame.put(body);
    Some(frame.freeze())
}
