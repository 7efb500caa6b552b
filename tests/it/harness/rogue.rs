//! A server that does not do what the protocol says: at the login, or in place of one answer of a session
//! that a real server began.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// A listening server; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Rogue {
    pub(crate) port: u16,
    /// Connections whose TLS handshake was completed.
    encrypted: Arc<AtomicUsize>,
    heard: Arc<std::sync::Mutex<Vec<u8>>>,
    accepting: JoinHandle<()>,
}

/// What it does with a connection.
#[derive(Clone)]
pub(crate) enum Conduct {
    /// Says one thing after each thing that it hears, whatever that is. `%R` stands for the last nonce that it
    /// heard.
    Says(Vec<Vec<u8>>),
    /// Takes the request for TLS, shows a certificate, and says no more.
    Shows(Arc<rustls::ServerConfig>),
    /// Greets as a MySQL server does. Where it has a certificate it takes the request for TLS, shows that, and says no
    /// more; else it says one thing after each thing that it hears.
    Greets { greeting: Vec<u8>, shows: Option<Arc<rustls::ServerConfig>>, says: Vec<Vec<u8>> },
    /// Passes everything on to the real server on this port. What it hears with this text in it, it answers
    /// itself, and closes.
    Answers { port: u16, text: &'static [u8], answer: Vec<u8> },
}

impl Rogue {
    pub(crate) async fn new(conduct: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (encrypted, heard) = (Arc::<AtomicUsize>::default(), Arc::default());
        let (counter, ears) = (Arc::clone(&encrypted), Arc::clone(&heard));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (conduct, counter) = (conduct.clone(), Arc::clone(&counter));
                tokio::spawn(behave(conduct, stream, counter, Arc::clone(&ears)));
            }
        });
        Self { port, encrypted, heard, accepting }
    }

    /// How many handshakes were completed.
    pub(crate) fn encrypted(&self) -> usize {
        self.encrypted.load(Ordering::SeqCst)
    }

    /// Everything that it was told in clear.
    pub(crate) fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Rogue {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// An error is the other side's leaving, which is what a rogue must expect.
async fn behave(
    conduct: Conduct,
    mut stream: TcpStream,
    encrypted: Arc<AtomicUsize>,
    heard: Arc<std::sync::Mutex<Vec<u8>>>,
) -> Option<()> {
    let mut buffer = vec![0; 64 << 10];
    match conduct {
        Conduct::Says(sayings) => {
            listen(&mut stream, sayings, &heard).await?;
        }
        Conduct::Greets { greeting, shows: None, says } => {
            stream.write_all(&greeting).await.ok()?;
            listen(&mut stream, says, &heard).await?;
        }
        Conduct::Greets { greeting, shows: Some(config), .. } => {
            stream.write_all(&greeting).await.ok()?;
            // The request for TLS has a length of its own, and what follows is inside.
            stream.read_exact(&mut buffer[..36]).await.ok()?;
            let mut inside = TlsAcceptor::from(config).accept(stream).await.ok()?;
            inside.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
            encrypted.fetch_add(1, Ordering::SeqCst);
        }
        Conduct::Shows(config) => {
            stream.read_exact(&mut buffer[..8]).await.ok()?;
            stream.write_all(b"S").await.ok()?;
            let mut inside = TlsAcceptor::from(config).accept(stream).await.ok()?;
            // In TLS 1.3 the server is done before the client has looked at the certificate: only what
            // comes inside shows that it was taken.
            inside.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
            encrypted.fetch_add(1, Ordering::SeqCst);
        }
        Conduct::Answers { port, text, answer } => {
            let mut server = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
            let mut other = vec![0; 64 << 10];
            loop {
                tokio::select! {
                    read = stream.read(&mut buffer) => {
                        let message = &buffer[..read.ok().filter(|length| *length > 0)?];
                        if message.windows(text.len()).any(|window| window == text) {
                            stream.write_all(&answer).await.ok()?;
                            return stream.shutdown().await.ok();
                        }
                        server.write_all(message).await.ok()?;
                    }
                    read = server.read(&mut other) => {
                        let length = read.ok().filter(|length| *length > 0)?;
                        stream.write_all(&other[..length]).await.ok()?;
                    }
                }
            }
        }
    }
    Some(())
}

/// Says one thing after each thing that it hears, and listens on.
async fn listen(
    stream: &mut TcpStream,
    sayings: Vec<Vec<u8>>,
    heard: &std::sync::Mutex<Vec<u8>>,
) -> Option<()> {
    let mut buffer = vec![0; 64 << 10];
    for saying in sayings {
        let length = stream.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
        heard.lock().unwrap().extend_from_slice(&buffer[..length]);
        let saying = with_nonce(saying, &heard.lock().unwrap());
        stream.write_all(&saying).await.ok()?;
    }
    // What it was told last is heard as well.
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        heard.lock().unwrap().extend_from_slice(&buffer[..length]);
    }
    Some(())
}

/// Puts the nonce of SCRAM that was heard last in place of `%R` and mends the length of the message.
fn with_nonce(saying: Vec<u8>, heard: &[u8]) -> Vec<u8> {
    let Some(at) = saying.windows(2).position(|window| window == b"%R") else { return saying };
    let from =
        heard.windows(2).rposition(|window| window == b"r=").map_or(heard.len(), |at| at + 2);
    let nonce = heard[from..].split(|byte| *byte == b',').next().unwrap_or_default();
    let mut message = [&saying[..at], nonce, &saying[at + 2..]].concat();
    let length = u32::try_from(message.len() - 1).unwrap();
    message[1..5].copy_from_slice(&length.to_be_bytes());
    message
}
