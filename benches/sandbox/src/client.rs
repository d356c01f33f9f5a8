//! A client that publishes as fast as a broker takes it, and the same to every broker.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{Connect, Packet, PubRel, Publish};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What a client needs to get in.
pub(crate) struct Access {
    pub(crate) address: String,
    pub(crate) ca: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) client_id: String,
}

pub(crate) struct Client {
    stream: TlsStream<TcpStream>,
    input: BytesMut,
}

impl Client {
    pub(crate) async fn connect(access: &Access) -> Result<Client> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(access.ca.as_bytes())?)?;
        let certificate = CertificateDer::from_pem_slice(access.certificate.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(access.key.as_bytes())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)?;
        let socket = TcpStream::connect(&access.address).await?;
        socket.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector
            .connect(ServerName::try_from("localhost")?, socket)
            .await?;
        let mut client = Client {
            stream,
            input: BytesMut::new(),
        };
        let mut connect = Connect::new(&access.client_id);
        connect.keep_alive = 600;
        client.send(&Packet::Connect(connect)).await?;
        match client.receive().await? {
            Packet::ConnAck(_) => Ok(client),
            other => Err(format!("{other:?} for a CONNACK").into()),
        }
    }

    pub(crate) async fn send(&mut self, packet: &Packet) -> Result<()> {
        let mut out = BytesMut::new();
        packet
            .write(&mut out, usize::MAX)
            .map_err(|error| error.to_string())?;
        self.stream.write_all(&out).await?;
        Ok(self.stream.flush().await?)
    }

    /// Publishes `count` messages and returns how long the broker took to acknowledge them all; at
    /// QoS 0, to answer a ping behind the last of them.
    pub(crate) async fn publish(
        &mut self,
        topic: &str,
        qos: u8,
        count: usize,
        payload: &[u8],
    ) -> Result<Duration> {
        let started = Instant::now();
        let quality = rumqttc::mqttbytes::qos(qos).map_err(|error| error.to_string())?;
        let (mut sent, mut done) = (0, 0);
        let mut out = BytesMut::new();
        let answers = if qos == 0 { 1 } else { count };
        while done < answers {
            while sent < count && (qos == 0 || sent - done < WINDOW) && out.len() < CHUNK {
                let mut publish = Publish::new(topic, quality, payload);
                publish.pkid = if qos == 0 {
                    0
                } else {
                    (sent % 60_000 + 1) as u16
                };
                publish.write(&mut out).map_err(|error| error.to_string())?;
                sent += 1;
                if qos == 0 && sent == count {
                    Packet::PingReq
                        .write(&mut out, usize::MAX)
                        .map_err(|error| error.to_string())?;
                }
            }
            if !out.is_empty() {
                self.stream.write_all(&out).await?;
                self.stream.flush().await?;
                out.clear();
            }
            if qos == 0 && sent < count {
                continue;
            }
            done += self.acknowledgements(&mut out).await?;
        }
        Ok(started.elapsed())
    }

    /// Waits for packets, and counts those that end an exchange.
    async fn acknowledgements(&mut self, out: &mut BytesMut) -> Result<usize> {
        if self.stream.read_buf(&mut self.input).await? == 0 {
            return Err("the broker closed the connection".into());
        }
        let mut done = 0;
        while let Ok(packet) = Packet::read(&mut self.input, usize::MAX) {
            match packet {
                Packet::PubAck(_) | Packet::PubComp(_) | Packet::PingResp => done += 1,
                Packet::PubRec(rec) => {
                    PubRel::new(rec.pkid)
                        .write(out)
                        .map_err(|error| error.to_string())?;
                }
                other => return Err(format!("unexpected {other:?}").into()),
            }
        }
        Ok(done)
    }

    async fn receive(&mut self) -> Result<Packet> {
        loop {
            if let Ok(packet) = Packet::read(&mut self.input, usize::MAX) {
                return Ok(packet);
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err("the broker closed the connection".into());
            }
        }
    }
}

/// Messages that wait for their acknowledgement.
const WINDOW: usize = 100;

/// Bytes after which the client writes.
const CHUNK: usize = 32 * 1024;
