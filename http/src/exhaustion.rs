//! What is done where no more connections can be taken: they are told so. A connection that nobody answers
//! would have its client wait, and keep those behind it waiting.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use crate::shared::Shared;

/// Connections that are told at the same time that there are too many; beyond, they are only closed.
const TOLD_MAX: usize = 32;

/// How long one of them may take to read it.
const TOLD_TIMEOUT: Duration = Duration::from_millis(500);

/// How long it is waited for a descriptor that nobody gives back, or for a connection that has gone.
const MOMENT: Duration = Duration::from_millis(50);

/// How often it is logged that descriptors have run out, while they have.
const SAY_AGAIN: Duration = Duration::from_secs(10);

const TEXT: &str = r#"{"error_code":503,"message":"The server has too many connections."}"#;

/// Says to connections that there are too many.
#[derive(Clone)]
pub(crate) struct Refusing(Arc<Semaphore>);

impl Refusing {
    pub(crate) fn new() -> Refusing {
        Refusing(Arc::new(Semaphore::new(TOLD_MAX)))
    }

    /// Answers 503 and closes, beside everything else. Who speaks TLS is only closed.
    pub(crate) fn refuse(&self, stream: TcpStream, https: bool) {
        if https {
            return;
        }
        match self.0.clone().try_acquire_owned() {
            Ok(turn) => {
                tokio::spawn(async move {
                    let _ = timeout(TOLD_TIMEOUT, tell(stream)).await;
                    drop(turn);
                });
            }
            Err(_) => drop(stream.try_write(answer().as_bytes())),
        }
    }
}

/// Writes the answer, and reads what the client is sending: it would not see an answer that a reset follows.
async fn tell(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(answer().as_bytes()).await?;
    stream.shutdown().await?;
    let mut discarded = [0; 4096];
    while stream.read(&mut discarded).await? > 0 {}
    Ok(())
}

fn answer() -> String {
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{TEXT}",
        TEXT.len()
    )
}

/// A descriptor that is kept back, to tell a client that there are no more.
pub(crate) struct Spare {
    file: Option<File>,
    /// When it was logged that descriptors have run out.
    said: Option<Instant>,
}

impl Spare {
    pub(crate) fn new() -> Spare {
        Spare { file: spare_file(), said: None }
    }

    /// After an accept that has failed. Where descriptors have run out, an idle connection makes room for the next; if
    /// there is none, the next is refused.
    pub(crate) async fn after(
        &mut self,
        error: &io::Error,
        listener: &TcpListener,
        shared: &Shared,
        https: bool,
    ) {
        if !is_exhaustion(error) {
            // a client that has gone already, mostly; whatever it is, it must not be all that is done
            tracing::debug!(%error, "a connection could not be accepted");
            return sleep(Duration::from_millis(1)).await;
        }
        self.say(error);
        if shared.gate.make_room().await {
            return;
        }
        shared.gate.refused_descriptors.fetch_add(1, Ordering::Relaxed);
        if self.file.take().is_some() {
            match timeout(MOMENT, listener.accept()).await {
                Ok(Ok((stream, _))) if !https => drop(stream.try_write(answer().as_bytes())),
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(_)) => sleep(MOMENT).await,
            }
        } else {
            sleep(MOMENT).await;
        }
        self.file = spare_file();
    }

    /// Logs it now and then: it may happen thousands of times a second.
    fn say(&mut self, error: &io::Error) {
        let now = Instant::now();
        if self.said.is_none_or(|said| now.duration_since(said) >= SAY_AGAIN) {
            self.said = Some(now);
            tracing::warn!(%error, "there is nothing left for another connection: an idle one makes room, or it is refused");
        }
    }
}

fn spare_file() -> Option<File> {
    File::open("/dev/null").ok()
}

fn is_exhaustion(error: &io::Error) -> bool {
    let known = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| known.iter().any(|errno| errno.raw_os_error() == code))
}
