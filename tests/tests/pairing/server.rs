//! A server that answers as a test says.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use astarte_runtime::{
    Tls,
    pairing::{Client, ClientBuilder},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Makes a status and a body from a request.
type Maker = Box<dyn Fn(&str) -> (u16, String) + Send>;

/// What is done with a request.
pub(crate) enum Act {
    /// These bytes are sent, and the connection is closed.
    Answer(Vec<u8>),
    /// Nothing is sent, and the connection stays.
    Hang,
    /// The answer is made from the request.
    Make(Maker),
}

/// A status with a body.
pub(crate) fn answer(status: u16, body: &str) -> Act {
    Act::Answer(http(status, body))
}

fn http(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        .into_bytes()
}

pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server that acts so on one request after the other, and closes connections after the last.
    pub(crate) async fn start(acts: impl IntoIterator<Item = Act>) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/pairing/", listener.local_addr()?);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let mut acts: VecDeque<Act> = acts.into_iter().collect();
        tokio::spawn(async move {
            let mut hanging = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read(&mut stream).await;
                seen.lock().expect("nobody panics").push(request.clone());
                let answer = match acts.pop_front() {
                    Some(Act::Answer(bytes)) => bytes,
                    Some(Act::Make(make)) => {
                        let (status, body) = make(&request);
                        http(status, &body)
                    }
                    Some(Act::Hang) => {
                        hanging.push(stream);
                        continue;
                    }
                    None => continue,
                };
                let _ = stream.write_all(&answer).await;
            }
        });
        Ok(Self { url, requests })
    }

    /// A client that does not wait long.
    pub(crate) fn client(&self) -> ClientBuilder {
        let realm = "test".parse().expect("a realm");
        Client::builder(&self.url, &realm)
            .tls(&Tls::new())
            .pause(Duration::from_millis(1))
    }

    /// The requests so far, with their heads.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("nobody panics").clone()
    }
}

/// A request in whole.
async fn read(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut part = [0; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return text,
            Ok(length) => text.push_str(&String::from_utf8_lossy(&part[..length])),
        }
    }
}
