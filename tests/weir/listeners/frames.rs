//! HTTP/2 frame by frame, as no client would speak it.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use weir_tests::Api;

/// Longer than anything takes that ends at all.
const PATIENCE: Duration = Duration::from_secs(60);

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const GOAWAY: u8 = 7;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// The setting of how much of each answer a client takes at first.
const INITIAL_WINDOW_SIZE: u8 = 4;

/// A connection in clear that has begun as HTTP/2 does.
pub struct Frames(TcpStream);

/// A frame.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frames {
    /// A client that takes so many bytes of each answer at first.
    pub fn connect(api: &Api, window: u32) -> Frames {
        let mut stream = TcpStream::connect(api.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(PREFACE).unwrap();
        let mut frames = Frames(stream);
        let settings = [&[0, INITIAL_WINDOW_SIZE][..], &window.to_be_bytes()].concat();
        assert!(frames.send(SETTINGS, 0, 0, &settings));
        frames
    }

    /// Sends a frame; false if the server has closed the connection.
    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        self.0.write_all(&bytes(kind, flags, stream, payload)).is_ok()
    }

    /// Sends several frames at once.
    pub fn send_all(&mut self, frames: &[u8]) -> bool {
        self.0.write_all(frames).is_ok()
    }

    /// The next frame of these kinds; none once the connection is closed. Settings are acknowledged.
    pub fn next(&mut self, kinds: &[u8]) -> Option<Frame> {
        loop {
            let frame = self.frame()?;
            if frame.kind == SETTINGS && frame.flags & ACK == 0 {
                self.send(SETTINGS, ACK, 0, &[]);
            }
            if kinds.contains(&frame.kind) {
                return Some(frame);
            }
        }
    }

    /// Reads until the connection is closed, and returns the reason that the server gives for it, if it does.
    pub fn until_closed(&mut self) -> Option<u32> {
        let mut reason = None;
        while let Some(frame) = self.frame() {
            if frame.kind == GOAWAY {
                reason = Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
            }
        }
        reason
    }

    fn frame(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.read(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.read(&mut payload)?;
        let stream = u32::from_be_bytes(head[5..9].try_into().unwrap());
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    fn read(&mut self, buffer: &mut [u8]) -> Option<()> {
        match self.0.read_exact(buffer) {
            Ok(()) => Some(()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("it is not closed: {error}")
            }
            Err(_) => None,
        }
    }
}

/// A frame as it is written.
pub fn bytes(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The headers of a request for `localhost`: names and values by HPACK's static table, or as they are.
pub fn request(method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    const SCHEME_HTTP: u8 = 0x86;
    let method = if method == "GET" { 0x82 } else { 0x83 };
    let mut head = vec![method, SCHEME_HTTP, 0x04];
    text(&mut head, path);
    head.push(0x01); // :authority
    text(&mut head, "localhost");
    for (name, value) in more {
        head.push(0x00);
        text(&mut head, name);
        text(&mut head, value);
    }
    head
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).ok().filter(|length| *length < 127).unwrap());
    out.extend_from_slice(text.as_bytes());
}
