//! Packets in and out of one connection of a MySQL client.

use std::io;

use jurat_wire::mysql::{error::EncodeError, frame::message};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// The longest payload that is taken, bytes; what `max_allowed_packet` says.
const PAYLOAD_BYTES_MAX: usize = 64 << 20;

pub(super) struct Connection {
    stream: TcpStream,
    inbox: Vec<u8>,
    out: Vec<u8>,
    /// The number of the next packet.
    sequence: u8,
}

impl Connection {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self { stream, inbox: Vec::new(), out: Vec::new(), sequence: 0 }
    }

    /// The next command, with which packets are counted anew; nothing where the client has gone.
    pub(super) async fn command(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.sequence = 0;
        self.packet().await
    }

    /// The next payload; nothing where the client has gone.
    pub(super) async fn packet(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let found = message(&self.inbox, self.sequence, PAYLOAD_BYTES_MAX);
            if let Some(found) = found.map_err(io::Error::other)? {
                let (payload, consumed) = (found.payload.into_owned(), found.consumed);
                self.sequence = found.sequence.wrapping_add(1);
                self.inbox.drain(..consumed);
                return Ok(Some(payload));
            }
            if self.stream.read_buf(&mut self.inbox).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Writes packets that [`Self::flush`] sends.
    pub(super) fn send(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>, &mut u8) -> Result<(), EncodeError>,
    ) -> io::Result<()> {
        write(&mut self.out, &mut self.sequence).map_err(io::Error::other)
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        Ok(())
    }
}
