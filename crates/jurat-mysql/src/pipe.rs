//! One connection with its two buffers. Buffers exist only while they hold something, so an idle
//! session costs no buffer memory.

use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What one read takes at most, bytes. Larger buffers gained nothing on loopback (measured).
const READ_BYTES: usize = 16 << 10;

/// A byte stream in both directions, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection: bytes that came and are not handled yet, and bytes to be written.
pub(crate) struct Pipe {
    stream: Box<dyn Stream>,
    /// Bytes that came in.
    pub(crate) inbox: BytesMut,
    /// Bytes that go out. Use [`Pipe::out`] to append.
    outbox: Vec<u8>,
    written: usize,
    needs_flush: bool,
}

impl std::fmt::Debug for Pipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipe")
            .field("inbox", &self.inbox.len())
            .field("outbox", &self.pending())
            .finish_non_exhaustive()
    }
}

impl Pipe {
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, inbox: BytesMut::new(), outbox: Vec::new(), written: 0, needs_flush: false }
    }

    /// Gives the stream back, for TLS to be put around it.
    ///
    /// # Errors
    /// Bytes that came before TLS was agreed on must never be read as if they came inside it
    /// (CVE-2021-23214 and CVE-2021-23222), so a pipe with any is refused.
    pub(crate) fn into_stream(self) -> Result<Box<dyn Stream>, UnencryptedData> {
        if self.inbox.is_empty() && self.pending() == 0 {
            Ok(self.stream)
        } else {
            Err(UnencryptedData)
        }
    }

    /// The buffer of what goes out.
    pub(crate) const fn out(&mut self) -> &mut Vec<u8> {
        &mut self.outbox
    }

    /// Bytes that are not written yet.
    pub(crate) const fn pending(&self) -> usize {
        self.outbox.len().saturating_sub(self.written)
    }

    /// Whether everything was written and flushed.
    pub(crate) const fn is_drained(&self) -> bool {
        self.pending() == 0 && !self.needs_flush
    }

    /// Drops handled bytes, and the buffer with them once it is empty.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.inbox.advance(bytes.min(self.inbox.len()));
        if self.inbox.is_empty() {
            self.inbox = BytesMut::new();
        }
    }

    /// Reads what is there; 0 means the other side has ended the stream. Cancel-safe.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.poll_read_most(cx, READ_BYTES)
    }

    fn poll_read_most(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<io::Result<usize>> {
        let mut scratch = [const { MaybeUninit::<u8>::uninit() }; READ_BYTES];
        let mut buffer = ReadBuf::uninit(scratch.get_mut(..most).unwrap_or_default());
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) => {
                self.inbox.extend_from_slice(buffer.filled());
                Poll::Ready(Ok(buffer.filled().len()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Writes and flushes what the other side takes now. The task is woken when it takes more of what is
    /// left. Cancel-safe.
    ///
    /// # Errors
    /// `WriteZero` where the stream takes nothing any more, or the stream's own error.
    pub(crate) fn write_some(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.pending() > 0 {
            let bytes = self.outbox.get(self.written..).unwrap_or_default();
            match Pin::new(&mut self.stream).poll_write(cx, bytes)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(count) => {
                    self.written = self.written.saturating_add(count);
                    self.needs_flush = true;
                }
                Poll::Pending => return Ok(()),
            }
        }
        if self.written > 0 {
            self.written = 0;
            self.outbox = Vec::new();
        }
        if self.needs_flush && Pin::new(&mut self.stream).poll_flush(cx)?.is_ready() {
            self.needs_flush = false;
        }
        Ok(())
    }

    /// Waits for more bytes.
    ///
    /// # Errors
    /// `UnexpectedEof` at the end of the stream, or the stream's own error.
    pub(crate) async fn fill(&mut self) -> io::Result<()> {
        match poll_fn(|cx| self.poll_read(cx)).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Waits until the inbox holds `bytes`, and reads not one byte more than that: what follows a request for
    /// TLS belongs to TLS.
    ///
    /// # Errors
    /// As [`Pipe::fill`].
    pub(crate) async fn fill_exactly(&mut self, bytes: usize) -> io::Result<()> {
        while let Some(missing @ 1..) = bytes.checked_sub(self.inbox.len()) {
            if poll_fn(|cx| self.poll_read_most(cx, missing.min(READ_BYTES))).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Writes and flushes everything.
    ///
    /// # Errors
    /// The stream's own error.
    pub(crate) async fn drain(&mut self) -> io::Result<()> {
        poll_fn(|cx| match self.write_some(cx) {
            Ok(()) if self.is_drained() => Poll::Ready(Ok(())),
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        })
        .await
    }

    /// Writes what is left and closes the sending direction; errors no longer matter.
    pub(crate) async fn close(mut self) {
        let close = async {
            self.drain().await?;
            poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx)).await
        };
        let ended = tokio::time::timeout(std::time::Duration::from_secs(2), close).await;
        tracing::trace!(?ended, "connection closed");
    }
}

/// Bytes were sent in clear where TLS had just been agreed on.
#[derive(Debug, thiserror::Error)]
#[error("unencrypted data after the request for TLS")]
pub(crate) struct UnencryptedData;
