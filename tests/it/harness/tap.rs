//! A relay on the loopback address that keeps what passes in both directions and can be cut.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

/// What passed one way, over all connections.
type Bytes = Arc<Mutex<Vec<u8>>>;

/// A relay to one port; dropping it cuts its connections.
#[derive(Debug)]
pub(crate) struct Tap {
    pub(crate) port: u16,
    to_client: Bytes,
    to_server: Bytes,
    accepting: JoinHandle<()>,
    passing: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Tap {
    pub(crate) async fn new(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (to_client, to_server) = (Bytes::default(), Bytes::default());
        let passing: Arc<Mutex<Vec<JoinHandle<()>>>> = Arc::default();
        let accepting = {
            let (to_client, to_server) = (Arc::clone(&to_client), Arc::clone(&to_server));
            let passing = Arc::clone(&passing);
            tokio::spawn(async move {
                while let Ok((client, _)) = listener.accept().await {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await else {
                        continue;
                    };
                    let (client_read, client_write) = client.into_split();
                    let (server_read, server_write) = server.into_split();
                    passing.lock().unwrap().extend([
                        tokio::spawn(pass(client_read, server_write, Arc::clone(&to_server))),
                        tokio::spawn(pass(server_read, client_write, Arc::clone(&to_client))),
                    ]);
                }
            })
        };
        Self { port, to_client, to_server, accepting, passing }
    }

    /// Everything that clients received.
    pub(crate) fn received(&self) -> Vec<u8> {
        self.to_client.lock().unwrap().clone()
    }

    /// Everything that clients sent.
    pub(crate) fn sent(&self) -> Vec<u8> {
        self.to_server.lock().unwrap().clone()
    }

    /// Cuts every connection without a word, and takes no more.
    pub(crate) fn cut(&self) {
        self.accepting.abort();
        for task in self.passing.lock().unwrap().drain(..) {
            task.abort();
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.cut();
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, kept: Bytes) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        kept.lock().unwrap().extend_from_slice(&buffer[..length]);
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
    // The other side learns that this one has ended when `to` is dropped.
}
