//! A connection's socket, below TLS: a client that does not read what it is sent is cut off. What counts is
//! what the system takes, and with it what the client has acknowledged; not what TLS has in its own buffers.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connection::Connection;

pub(crate) struct Watched<S> {
    stream: S,
    connection: Arc<Connection>,
    /// While the client has not taken all that it is sent.
    behind: Option<Behind>,
}

struct Behind {
    since: Instant,
    /// When the system took something for the last time.
    progress: Instant,
    timer: Pin<Box<Sleep>>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, connection: Arc<Connection>) -> Watched<S> {
        Watched { stream, connection, behind: None }
    }

    /// What becomes of a write: the client's time runs while the system takes nothing.
    fn watch(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match (written, &mut self.behind) {
            (Poll::Pending, _) => self.wait(context),
            (Poll::Ready(Ok(bytes)), Some(behind)) => {
                behind.progress = Instant::now();
                self.connection.is_behind(behind.progress.into_std());
                match behind.progress
                    < behind.since + self.connection.shared().limits.answer_timeout
                {
                    true => Poll::Ready(Ok(bytes)),
                    false => self.cut_off(),
                }
            }
            (written, _) => written,
        }
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let limits = &self.connection.shared().limits;
        let (stall, all) = (limits.answer_stall_timeout, limits.answer_timeout);
        let behind = self.behind.get_or_insert_with(|| {
            let behind = Behind::new(stall.min(all));
            self.connection.is_behind(behind.progress.into_std());
            behind
        });
        loop {
            ready!(behind.timer.as_mut().poll(context));
            let deadline = (behind.progress + stall).min(behind.since + all);
            if Instant::now() >= deadline {
                return self.cut_off();
            }
            behind.timer.as_mut().reset(deadline);
        }
    }

    fn cut_off(&self) -> Poll<io::Result<usize>> {
        self.connection.shared().slow_readers.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

impl Behind {
    fn new(patience: Duration) -> Behind {
        let now = Instant::now();
        Behind { since: now, progress: now, timer: Box::pin(sleep_until(now + patience)) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.connection.has_come();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// All was taken: whoever writes flushes when nothing is left.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.behind.take().is_some() {
            self.connection.has_caught_up();
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;
    use crate::limits::Limits;
    use crate::shared::{Shared, Site};

    const STALL: Duration = Duration::from_secs(10);
    const ALL: Duration = Duration::from_secs(60);

    fn pair() -> (Watched<DuplexStream>, DuplexStream) {
        let limits = Limits {
            answer_stall_timeout: STALL,
            answer_timeout: ALL,
            ..Limits::for_descriptors(64)
        };
        let shared = Arc::new(Shared::new(limits));
        let site = Arc::new(Site::new(shared, "127.0.0.1:1".parse().unwrap(), false));
        let (connection, _) = Connection::new("127.0.0.1:2".parse().unwrap(), site);
        let (server, client) = duplex(16);
        (Watched::new(server, connection), client)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_is_cut_off() {
        let (mut server, _client) = pair();
        let start = Instant::now();
        let error = server.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!((STALL..STALL * 2).contains(&start.elapsed()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_a_little_now_and_then_is_cut_off_in_the_end() {
        let (mut server, mut client) = pair();
        let reading = tokio::spawn(async move {
            while client.read_u8().await.is_ok() {
                tokio::time::sleep(STALL / 2).await;
            }
        });
        let start = Instant::now();
        assert!(server.write_all(&[0; 640]).await.is_err());
        assert!((ALL..ALL + STALL).contains(&start.elapsed()), "{:?}", start.elapsed());
        drop(server);
        reading.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_catches_up_has_all_its_time_again() {
        let (mut server, mut client) = pair();
        let reading = tokio::spawn(async move {
            let mut answer = [0; 32];
            for _ in 0..20 {
                tokio::time::sleep(STALL / 2).await;
                client.read_exact(&mut answer).await.unwrap();
            }
        });
        for _ in 0..20 {
            server.write_all(&[0; 32]).await.unwrap();
            server.flush().await.unwrap();
        }
        reading.await.unwrap();
    }
}
