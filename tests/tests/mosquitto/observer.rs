//! Who stands in for the server: sees what devices publish, and publishes to them. Nobody answers a device's control
//! messages.

use std::{collections::VecDeque, sync::Arc};

use astarte_tests::soon;
use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::{
    QoS, qos,
    v4::{Connect, Packet, PubAck, PubComp, PubRec, PubRel, Publish, Subscribe},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::broker::Mosquitto;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A client with the identity `admin`.
pub(crate) struct Observer {
    stream: TlsStream<TcpStream>,
    input: BytesMut,
    /// Messages that came while an acknowledgement was awaited.
    early: VecDeque<Message>,
    last_id: u16,
}

/// A message as the observer got it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) qos: u8,
    pub(crate) payload: Bytes,
}

impl Observer {
    pub(crate) async fn connect(broker: &Mosquitto, name: &str) -> Result<Self> {
        let identity = broker.identity("admin")?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(broker.ca_pem().as_bytes())?)?;
        let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)?;
        let socket = TcpStream::connect(("127.0.0.1", broker.port())).await?;
        socket.set_nodelay(true)?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from("localhost")?, socket)
            .await?;
        let mut observer = Self {
            stream,
            input: BytesMut::new(),
            early: VecDeque::new(),
            last_id: 0,
        };
        let mut connect = Connect::new(name);
        connect.keep_alive = 600;
        observer.send(&Packet::Connect(connect)).await?;
        match observer.packet().await? {
            Packet::ConnAck(_) => Ok(observer),
            other => Err(format!("{other:?} for a CONNACK").into()),
        }
    }

    pub(crate) async fn subscribe(&mut self, filter: &str) -> Result<()> {
        self.last_id += 1;
        let mut subscribe = Subscribe::new(filter, QoS::ExactlyOnce);
        subscribe.pkid = self.last_id;
        self.send(&Packet::Subscribe(subscribe)).await?;
        self.until(|packet| matches!(packet, Packet::SubAck(_)))
            .await
    }

    /// Publishes, and waits until the broker has the message.
    pub(crate) async fn publish(
        &mut self,
        topic: &str,
        quality: u8,
        payload: impl Into<Vec<u8>>,
    ) -> Result<()> {
        let quality = qos(quality).map_err(|error| error.to_string())?;
        let mut publish = Publish::new(topic, quality, payload);
        if quality == QoS::AtMostOnce {
            return self.send(&Packet::Publish(publish)).await;
        }
        self.last_id += 1;
        publish.pkid = self.last_id;
        self.send(&Packet::Publish(publish)).await?;
        self.until(|packet| matches!(packet, Packet::PubAck(_) | Packet::PubComp(_)))
            .await
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Result<Message> {
        if let Some(message) = self.early.pop_front() {
            return Ok(message);
        }
        soon(async {
            loop {
                let packet = self.packet().await?;
                if let (Some(message), _) = self.handle(packet).await? {
                    return Ok(message);
                }
            }
        })
        .await
    }

    /// The messages up to the first that is wanted, which is the last of them.
    pub(crate) async fn messages_until(
        &mut self,
        wanted: impl Fn(&Message) -> bool,
    ) -> Result<Vec<Message>> {
        let mut messages = Vec::new();
        loop {
            let message = self.message().await?;
            let found = wanted(&message);
            messages.push(message);
            if found {
                return Ok(messages);
            }
        }
    }

    async fn until(&mut self, wanted: impl Fn(&Packet) -> bool) -> Result<()> {
        soon(async {
            loop {
                let packet = self.packet().await?;
                let (message, packet) = self.handle(packet).await?;
                self.early.extend(message);
                if packet.is_some_and(|packet| wanted(&packet)) {
                    return Ok(());
                }
            }
        })
        .await
    }

    /// Answers what is to be answered; gives a message apart from other packets.
    async fn handle(&mut self, packet: Packet) -> Result<(Option<Message>, Option<Packet>)> {
        match packet {
            Packet::Publish(publish) => {
                let answer = match publish.qos {
                    QoS::AtMostOnce => None,
                    QoS::AtLeastOnce => Some(Packet::PubAck(PubAck::new(publish.pkid))),
                    QoS::ExactlyOnce => Some(Packet::PubRec(PubRec::new(publish.pkid))),
                };
                if let Some(answer) = answer {
                    self.send(&answer).await?;
                }
                let message = Message {
                    topic: publish.topic,
                    qos: publish.qos as u8,
                    payload: publish.payload,
                };
                return Ok((Some(message), None));
            }
            Packet::PubRec(ref rec) => self.send(&Packet::PubRel(PubRel::new(rec.pkid))).await?,
            Packet::PubRel(ref rel) => self.send(&Packet::PubComp(PubComp::new(rel.pkid))).await?,
            _ => {}
        }
        Ok((None, Some(packet)))
    }

    async fn send(&mut self, packet: &Packet) -> Result<()> {
        let mut out = BytesMut::new();
        packet
            .write(&mut out, usize::MAX)
            .map_err(|error| error.to_string())?;
        self.stream.write_all(&out).await?;
        Ok(self.stream.flush().await?)
    }

    async fn packet(&mut self) -> Result<Packet> {
        loop {
            if let Ok(packet) = Packet::read(&mut self.input, usize::MAX) {
                return Ok(packet);
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err("the broker closed the observer's connection".into());
            }
        }
    }
}
