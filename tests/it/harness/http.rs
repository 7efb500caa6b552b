//! HTTP by hand: a client that keeps cookies and sends what it is told to, and a receiver that keeps what it is sent.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::in_time;

/// A browser that believes everything.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) port: u16,
    /// `name=value`, as the server has set them.
    pub(crate) cookies: Vec<String>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The token of the first form.
    pub(crate) fn csrf(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Http {
    pub(crate) fn new(port: u16) -> Self {
        Self { port, cookies: Vec::new() }
    }

    /// A request with exactly these headers beside `Content-Length` and those that `headers` does not name itself.
    pub(crate) async fn send(
        &mut self,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let host = format!("127.0.0.1:{}", self.port);
        let has = |name: &str| headers.iter().any(|(found, _)| found.eq_ignore_ascii_case(name));
        if !has("host") {
            head += &format!("Host: {host}\r\n");
        }
        if !self.cookies.is_empty() && !has("cookie") {
            head += &format!("Cookie: {}\r\n", self.cookies.join("; "));
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).await.unwrap();
        let mut bytes = Vec::new();
        in_time("the answer", stream.read_to_end(&mut bytes)).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        for (_, cookie) in head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        {
            let pair = cookie.split(';').next().unwrap();
            let name = pair.split('=').next().unwrap();
            self.cookies.retain(|known| known.split('=').next() != Some(name));
            self.cookies.push(pair.to_owned());
        }
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(("GET", path), &[], "").await
    }

    /// A form, as a browser would send it from a page of the console.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, &[], fields).await
    }

    /// The same with further headers.
    pub(crate) async fn post_with(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> Answer {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", coded(value))).collect();
        let mut all = vec![("Content-Type", "application/x-www-form-urlencoded")];
        all.extend(headers);
        self.send(("POST", path), &all, &pairs.join("&")).await
    }

    /// With a token in place of cookies.
    pub(crate) async fn call(&mut self, request: (&str, &str), token: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.send(request, &[("Authorization", &bearer), ("Cookie", "none=1")], body).await
    }
}

fn coded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// A message that a receiver was sent.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Received {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> String {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.to_owned()).unwrap_or_default()
    }
}

/// Keeps what it is sent.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// Answers with these lines of status, one after the other, and then always with the last.
    pub(crate) async fn start(statuses: &'static [&'static str]) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let keeps = Arc::clone(&received);
        tokio::spawn(async move {
            let mut count = 0;
            while let Ok((stream, _)) = socket.accept().await {
                let status = statuses[count.min(statuses.len() - 1)];
                count += 1;
                let keeps = Arc::clone(&keeps);
                tokio::spawn(async move {
                    if let Some(one) = receive(stream, status).await {
                        keeps.lock().unwrap().push(one);
                    }
                });
            }
        });
        Self { port, received }
    }

    pub(crate) fn all(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

async fn receive(mut stream: TcpStream, status: &str) -> Option<Received> {
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if read.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let mut one = Received { head, body: String::new() };
    let mut body = vec![0; one.header("content-length").parse().ok()?];
    read.read_exact(&mut body).await.ok()?;
    one.body = String::from_utf8(body).ok()?;
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    write.write_all(answer.as_bytes()).await.ok()?;
    Some(one)
}
