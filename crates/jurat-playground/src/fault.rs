//! A relay in front of a server that fails on demand: for tests of what stands between a client and a server.
//!
//! It forwards bytes and knows nothing of a protocol, so it serves both. What it does is set before the
//! connection comes and can be changed while it is open.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// What happens to what the server says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Fault {
    /// Everything passes.
    #[default]
    None,
    /// So many bytes pass from now on, and then both connections end without a word.
    CutAfterBytes(usize),
    /// What comes until this sequence of bytes passes, that sequence too, and then both connections end.
    CutAfter(Vec<u8>),
    /// The next time that the server says something the client gets this instead, and then both connections end.
    Instead(Vec<u8>),
    /// Each piece waits so long.
    Delay(Duration),
}

/// A relay on a free port of 127.0.0.1. Dropping it ends it and its connections.
#[derive(Debug)]
pub struct FaultyRelay {
    /// Where clients connect.
    pub address: SocketAddr,
    fault: Arc<Mutex<Fault>>,
    accepting: JoinHandle<()>,
}

impl FaultyRelay {
    /// Listens in front of a server.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let fault = Arc::default();
        let accepting = tokio::spawn(accept(listener, server, Arc::clone(&fault)));
        Ok(Self { address, fault, accepting })
    }

    /// What happens from now on, to every connection.
    pub fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

impl Drop for FaultyRelay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, fault: Arc<Mutex<Fault>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                connections.spawn(relay(client, server, Arc::clone(&fault)));
            }
            Some(ended) = connections.join_next() => {
                if let Ok(Err(error)) = ended {
                    tracing::debug!(%error, "a connection of the faulty relay ended");
                }
            }
        }
    }
}

/// What is done with one piece of what the server says.
#[derive(Debug, Eq, PartialEq)]
enum Verdict {
    Pass,
    /// So much of it, and then the end.
    PassAndEnd(usize),
    EndWith(Vec<u8>),
    Wait(Duration),
}

async fn relay(client: TcpStream, server: SocketAddr, fault: Arc<Mutex<Fault>>) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = async {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let length = from_server.read(&mut buffer).await?;
            let piece = buffer.get(..length).unwrap_or_default();
            if piece.is_empty() {
                return Ok(());
            }
            match judge(&fault, piece) {
                Verdict::Pass => to_client.write_all(piece).await?,
                Verdict::Wait(time) => {
                    tokio::time::sleep(time).await;
                    to_client.write_all(piece).await?;
                }
                Verdict::PassAndEnd(count) => {
                    to_client.write_all(piece.get(..count).unwrap_or(piece)).await?;
                    return Ok(());
                }
                Verdict::EndWith(words) => {
                    to_client.write_all(&words).await?;
                    return Ok(());
                }
            }
        }
    };
    tokio::select! {
        ended = answers => ended,
        ended = tokio::io::copy(&mut from_client, &mut to_server) => ended.map(drop),
    }
}

/// Judges a piece, and counts it.
fn judge(fault: &Mutex<Fault>, piece: &[u8]) -> Verdict {
    let mut fault = fault.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *fault {
        Fault::None => Verdict::Pass,
        Fault::Delay(time) => Verdict::Wait(*time),
        Fault::Instead(words) => Verdict::EndWith(std::mem::take(words)),
        Fault::CutAfterBytes(left) if *left > piece.len() => {
            *left = left.saturating_sub(piece.len());
            Verdict::Pass
        }
        Fault::CutAfterBytes(left) => Verdict::PassAndEnd(std::mem::take(left)),
        Fault::CutAfter(sequence) => {
            let found = piece.windows(sequence.len().max(1)).position(|window| window == sequence);
            found.map_or(Verdict::Pass, |at| Verdict::PassAndEnd(at.saturating_add(sequence.len())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Verdict, judge};
    use std::sync::Mutex;

    #[test]
    fn a_fault_comes_where_it_was_asked_for() {
        let bytes = Mutex::new(Fault::CutAfterBytes(5));
        assert_eq!(judge(&bytes, b"abc"), Verdict::Pass);
        assert_eq!(judge(&bytes, b"defg"), Verdict::PassAndEnd(2));
        let sequence = Mutex::new(Fault::CutAfter(b"de".to_vec()));
        assert_eq!(judge(&sequence, b"abc"), Verdict::Pass);
        assert_eq!(judge(&sequence, b"cdef"), Verdict::PassAndEnd(3));
        assert_eq!(
            judge(&Mutex::new(Fault::Instead(b"x".to_vec())), b"abc"),
            Verdict::EndWith(b"x".to_vec())
        );
    }
}
