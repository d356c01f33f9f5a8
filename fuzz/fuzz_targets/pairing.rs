//! An answer of the pairing API: which request in the first byte, which status in the second, and the body.

#![no_main]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Mutex, OnceLock},
    thread,
};

use astarte_runtime::{
    DeviceId, Tls,
    pairing::{Authorization, Client, CredentialsSecret, PairingError},
};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

fuzz_target!(|data: &[u8]| {
    let [request, status, body @ ..] = data else {
        return;
    };
    if let Ok(url) = str::from_utf8(body) {
        astarte_runtime::fuzz::broker_url(url);
    }
    static SITE: OnceLock<(Runtime, Client)> = OnceLock::new();
    let (runtime, client) = SITE.get_or_init(site);
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    *ANSWER.lock().expect("nobody panics") = http(status, body);
    let (device, secret) = (
        DeviceId::from_bytes([7; 16]),
        CredentialsSecret::from("secret"),
    );
    let outcome = runtime.block_on(async {
        match request % 5 {
            0 => client.info(device, &secret).await.map(|info| {
                astarte_runtime::fuzz::broker_url(&info.broker_url);
                info.version
            }),
            1 => client.certificate(device, &secret, "csr").await,
            2 => client
                .verify(device, &secret, "crt")
                .await
                .map(|validity| format!("{validity:?}")),
            3 => client
                .register(device, &Authorization::jwt("a.b.c"))
                .await
                .map(|_| String::new()),
            _ => client
                .unregister(device, &Authorization::jwt("a.b.c"))
                .await
                .map(|()| String::new()),
        }
    });
    match outcome {
        Ok(_) => assert!((200..300).contains(&status)),
        Err(error) => check(&error),
    }
});

/// What is told is one line, and does not hold the secret.
fn check(error: &PairingError) {
    let text = error.to_string();
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(!matches!(error, PairingError::Timeout(_)), "{text}");
}

/// A client, and a server that says what is in `ANSWER`.
fn site() -> (Runtime, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let url = format!(
        "http://{}/pairing",
        listener.local_addr().expect("it is bound")
    );
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    let realm = "test".parse().expect("a realm");
    let client = Client::builder(&url, &realm).tls(&Tls::new()).attempts(1);
    let runtime = Builder::new_current_thread().enable_all().build();
    (
        runtime.expect("there is a runtime"),
        client.build().expect("the settings are right"),
    )
}

fn serve(stream: TcpStream) {
    let mut reader = BufReader::new(&stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if !matches!(reader.read_line(&mut line), Ok(1..)) {
                return;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line == "\r\n" {
                break;
            }
        }
        let answer = ANSWER.lock().expect("nobody panics").clone();
        if reader
            .read_exact(&mut vec![0; length])
            .and_then(|()| (&stream).write_all(&answer))
            .is_err()
        {
            return;
        }
    }
}

fn http(status: u16, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {status} -\r\n").into_bytes();
    // These have no body by definition.
    if status != 204 {
        answer.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        answer.extend_from_slice(body);
    } else {
        answer.extend_from_slice(b"\r\n");
    }
    answer
}

static ANSWER: Mutex<Vec<u8>> = Mutex::new(Vec::new());

const STATUSES: [u16; 10] = [200, 201, 204, 301, 400, 401, 403, 404, 422, 500];
