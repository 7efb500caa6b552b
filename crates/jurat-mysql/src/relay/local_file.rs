//! A file of the client's, for `LOAD DATA LOCAL`: the server asks for it, and the client sends it in packets of
//! its own until an empty one.
//!
//! A server may answer any statement so, and a client that was not careful would send what it is asked for. The
//! request passes only behind a statement that policy has let pass, for the very file that the statement names,
//! and once. The bytes go through as they come, a buffer at a time.

use std::{future::poll_fn, task::Poll};

use jurat_core::SessionEffect;
use jurat_wire::mysql::frame::{HEADER, Header, scan};
use tokio::time::{Instant, timeout_at};

use super::{End, INBOX_BYTES_MAX, Relay, ended, reply::Following};

/// Whether the server has asked for a file in answer to the statement.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Asked {
    /// Not yet.
    #[default]
    Never,
    /// The client was told, and its packets come next.
    Now,
    /// They have passed.
    Before,
}

/// Where the packets of a file stand.
#[derive(Debug)]
struct Packets {
    /// The numbers that come next, of the client's packets and on the way to the server.
    from: u8,
    to: u8,
    /// What is left of a packet, bytes.
    left: usize,
    /// The packet is of full length, so the next one is more of it, even if it is empty.
    continues: bool,
    /// The empty packet has come.
    over: bool,
    /// Bytes so far, and how many there may be.
    bytes: usize,
    max: usize,
}

impl Packets {
    const fn new(from: u8, to: u8, max: usize) -> Self {
        Self { from, to, left: 0, continues: false, over: false, bytes: 0, max }
    }

    /// Moves what is there, and tells how much of `inbox` it was.
    fn pass(&mut self, inbox: &[u8], out: &mut Vec<u8>) -> Result<usize, End> {
        let mut rest = inbox;
        while !self.over {
            if self.left == 0 {
                let Some(header) = scan(rest) else { break };
                self.begin(header)?;
                let bytes = rest.get(..HEADER - 1).unwrap_or_default();
                out.extend_from_slice(bytes);
                out.push(self.to);
                self.to = self.to.wrapping_add(1);
                rest = rest.get(HEADER..).unwrap_or_default();
                continue;
            }
            let bytes = rest.get(..self.left).unwrap_or(rest);
            if bytes.is_empty() {
                break;
            }
            out.extend_from_slice(bytes);
            self.left = self.left.saturating_sub(bytes.len());
            rest = rest.get(bytes.len()..).unwrap_or_default();
        }
        Ok(inbox.len().saturating_sub(rest.len()))
    }

    fn begin(&mut self, header: Header) -> Result<(), End> {
        if header.sequence != self.from {
            let why = "the packets of a file are out of order".to_owned();
            return Err(End::ClientProtocol(why));
        }
        self.from = self.from.wrapping_add(1);
        self.bytes = self.bytes.saturating_add(header.len);
        if self.bytes > self.max {
            return Err(End::FileTooLong);
        }
        self.over = header.len == 0 && !self.continues;
        self.left = header.len;
        self.continues = header.continues();
        Ok(())
    }
}

impl Following {
    /// Whether the statement lets the server ask for this file now.
    pub(super) fn may_ask_for(&self, file: &[u8]) -> bool {
        let effect = self.run.as_ref().map(|run| run.judged().statement().effect());
        self.file == Asked::Never
            && matches!(effect, Some(SessionEffect::ClientFile { name }) if name.as_bytes() == file)
    }
}

impl Relay {
    /// Passes the client's packets on until the file is over.
    ///
    /// # Errors
    /// The end of the session: half a file is no file, and there is no word for it in the protocol. What was
    /// written of it is undone with the transaction around it.
    pub(super) async fn pass_file(&mut self, following: &mut Following) -> Result<(), End> {
        let limits = &self.session.gate().limits;
        let (max, pause) = (limits.client_file_bytes_max, limits.client_file_pause_max);
        let mut packets = Packets::new(self.sequence, following.next_of_server(), max);
        let mut ends_by = None;
        self.upstream.begin_file();
        while !packets.over {
            if self.upstream.is_drained() {
                let passed = packets.pass(&self.client.inbox, self.upstream.file())?;
                self.client.consume(passed);
                if packets.over {
                    break;
                }
            }
            let now = Instant::now();
            let limit = following.guard.as_ref().and_then(|guard| guard.deadline());
            let patience = now.checked_add(pause);
            let until = [limit, patience, ends_by].into_iter().flatten().min().unwrap_or(now);
            match timeout_at(until, self.wait_for_file()).await {
                Ok(moved) => moved?,
                Err(_elapsed) if limit == Some(until) => {
                    self.out_of_time(following).await;
                    // The server says so once the file is over, which is now soon or never.
                    ends_by = Instant::now().checked_add(pause);
                }
                Err(_elapsed) => return Err(End::FileStopped),
            }
        }
        self.sequence = packets.from;
        following.file_is_over(packets.to);
        self.upstream.end_file();
        Ok(())
    }

    /// Moves bytes until the server has taken what it was sent, or more of the client is there. A server that says
    /// something before the file is over is out of order.
    async fn wait_for_file(&mut self) -> Result<(), End> {
        let busy = !self.upstream.is_drained();
        poll_fn(|cx| {
            self.client.write_some(cx).map_err(End::ClientGone)?;
            self.upstream.write_some(cx).map_err(End::UpstreamGone)?;
            if let Poll::Ready(result) = self.upstream.poll_read(cx) {
                ended(result).map_err(End::UpstreamGone)?;
                let why = "it speaks in the middle of a file".to_owned();
                return Poll::Ready(Err(End::UpstreamProtocol(why)));
            }
            if busy {
                return if self.upstream.is_drained() {
                    Poll::Ready(Ok(()))
                } else {
                    Poll::Pending
                };
            }
            if self.client.inbox.len() < INBOX_BYTES_MAX
                && let Poll::Ready(result) = self.client.poll_read(cx)
            {
                return Poll::Ready(ended(result).map_err(End::ClientGone));
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use jurat_wire::mysql::frame::PACKET_MAX;

    use super::{End, Packets};

    fn packet(len: usize, sequence: u8) -> Vec<u8> {
        let [a, b, c, ..] = u32::try_from(len).unwrap().to_le_bytes();
        let mut out = vec![a, b, c, sequence];
        out.extend(std::iter::repeat_n(b'x', len));
        out
    }

    /// Whatever pieces it comes in, the same bytes go out with the numbers of the other side.
    #[test]
    fn a_file_is_renumbered_however_it_is_cut() {
        let stream = [packet(5, 2), packet(300, 3), packet(0, 4), packet(1, 0)].concat();
        let wanted = [packet(5, 254), packet(300, 255), packet(0, 0)].concat();
        for piece in [1, 2, 3, 4, 7, 100, stream.len()] {
            let (mut packets, mut out, mut inbox) = (Packets::new(2, 254, 1000), vec![], vec![]);
            for bytes in stream.chunks(piece) {
                inbox.extend_from_slice(bytes);
                let passed = packets.pass(&inbox, &mut out).unwrap();
                inbox.drain(..passed);
            }
            assert_eq!((out, packets.over, packets.from, packets.to), (wanted.clone(), true, 5, 1));
            assert_eq!(inbox, packet(1, 0), "what comes behind it is no part of it");
        }
    }

    /// An empty packet behind one of full length only says that the payload ends.
    #[test]
    fn a_full_packet_is_continued() {
        let mut packets = Packets::new(2, 2, usize::MAX);
        let stream = [packet(PACKET_MAX, 2), packet(0, 3)].concat();
        let mut out = Vec::new();
        assert_eq!(packets.pass(&stream, &mut out).unwrap(), stream.len());
        assert!(!packets.over);
        assert_eq!(packets.pass(&packet(0, 4), &mut out).unwrap(), 4);
        assert!(packets.over);
    }

    #[test]
    fn a_file_that_breaks_the_rules_ends_the_session() {
        let mut packets = Packets::new(2, 2, 10);
        assert!(matches!(
            packets.pass(&packet(1, 3), &mut Vec::new()),
            Err(End::ClientProtocol(_))
        ));
        let mut packets = Packets::new(2, 2, 10);
        let stream = [packet(6, 2), packet(6, 3)].concat();
        assert!(matches!(packets.pass(&stream, &mut Vec::new()), Err(End::FileTooLong)));
    }
}
