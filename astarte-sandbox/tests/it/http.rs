//! HTTP with nothing but a socket.

use std::time::Duration;

use astarte_sandbox::Sandbox;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An answer: status and JSON body, null if it is empty.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn detail(&self) -> (u16, &str) {
        (
            self.status,
            self.body["errors"]["detail"].as_str().unwrap_or_default(),
        )
    }
}

pub(crate) async fn get(sandbox: &Sandbox, path: &str, headers: &[&str]) -> Answer {
    request(sandbox, "GET", path, headers, "").await
}

pub(crate) async fn post(sandbox: &Sandbox, path: &str, headers: &[&str], body: &Value) -> Answer {
    let headers = [headers, &["Content-Type: application/json"]].concat();
    request(sandbox, "POST", path, &headers, &body.to_string()).await
}

/// Sends a request to a path below the pairing URL.
pub(crate) async fn request(
    sandbox: &Sandbox,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) -> Answer {
    let exchange = async {
        let url = sandbox.pairing_url().strip_prefix("http://").unwrap();
        let (host, base) = url.split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).await.unwrap();
        let mut text = format!("{method} /{base}{path} HTTP/1.1\r\nHost: {host}\r\n");
        for header in headers {
            text.push_str(&format!("{header}\r\n"));
        }
        let length = body.len();
        text.push_str(&format!(
            "Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = timeout(Duration::from_secs(10), exchange)
        .await
        .expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(body).unwrap()
    };
    Answer { status, body }
}

/// Whether the connection ends without an answer.
pub(crate) async fn is_closed(sandbox: &Sandbox, path: &str) -> bool {
    let url = sandbox.pairing_url().strip_prefix("http://").unwrap();
    let (host, base) = url.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let text = format!("GET /{base}{path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The end may come as an error.
    let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut answer))
        .await
        .unwrap();
    answer.is_empty()
}
