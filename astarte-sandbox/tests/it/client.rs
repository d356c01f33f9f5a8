//! A client that does what it is told, packet by packet.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use astarte_sandbox::Sandbox;
use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, LastWill, Packet, PubAck, PubComp, PubRec, PubRel,
    Publish, Subscribe, SubscribeFilter, SubscribeReasonCode,
};
use rumqttc::mqttbytes::{Error, QoS};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::fixtures::Identity;

pub(crate) struct Client {
    stream: TlsStream<TcpStream>,
    buffer: BytesMut,
    /// Packets that came before an acknowledgement that was awaited.
    early: VecDeque<Packet>,
    last_id: u16,
    pub(crate) session_present: bool,
}

/// What CONNECT says.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) client_id: String,
    pub(crate) clean: bool,
    pub(crate) keep_alive: u16,
    pub(crate) login: Option<(&'static str, &'static str)>,
    pub(crate) will: Option<(String, Vec<u8>)>,
}

impl Options {
    /// A session that is kept.
    pub(crate) fn kept(client_id: &str) -> Options {
        Options {
            client_id: client_id.to_owned(),
            clean: false,
            keep_alive: 60,
            login: None,
            will: None,
        }
    }

    /// A session that ends with the connection.
    pub(crate) fn clean(client_id: &str) -> Options {
        Options {
            clean: true,
            ..Options::kept(client_id)
        }
    }
}

impl Client {
    /// Connects; the broker must accept.
    pub(crate) async fn connect(
        sandbox: &Sandbox,
        identity: &Identity,
        options: Options,
    ) -> Client {
        let (client, answer) = Client::try_connect(sandbox, identity, options).await;
        assert_eq!(answer.code, ConnectReturnCode::Success);
        client
    }

    /// Connects and returns the broker's answer.
    pub(crate) async fn try_connect(
        sandbox: &Sandbox,
        identity: &Identity,
        options: Options,
    ) -> (Client, ConnAck) {
        let stream = tls(sandbox, Some(identity)).await.unwrap();
        let mut client = Client {
            stream,
            buffer: BytesMut::new(),
            early: VecDeque::new(),
            last_id: 0,
            session_present: false,
        };
        let mut connect = Connect::new(options.client_id);
        connect.clean_session = options.clean;
        connect.keep_alive = options.keep_alive;
        if let Some((user, password)) = options.login {
            connect.set_login(user, password);
        }
        let will = options.will;
        connect.last_will =
            will.map(|(topic, payload)| LastWill::new(topic, payload, QoS::AtLeastOnce, false));
        client.send(&Packet::Connect(connect)).await;
        let Packet::ConnAck(answer) = client.receive().await else {
            panic!("no CONNACK")
        };
        client.session_present = answer.session_present;
        (client, answer)
    }

    /// Sends raw bytes as the first packet and returns what comes back until the end.
    pub(crate) async fn raw(sandbox: &Sandbox, identity: &Identity, bytes: &[u8]) -> Vec<u8> {
        let mut stream = tls(sandbox, Some(identity)).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // The end comes with or without a word, also from TLS.
        let _ = within(stream.read_to_end(&mut answer)).await;
        answer
    }

    /// Like [`raw`](Client::raw), where TLS may fail as well.
    pub(crate) async fn raw_or_refused(
        sandbox: &Sandbox,
        identity: &Identity,
        bytes: &[u8],
    ) -> Vec<u8> {
        let mut answer = Vec::new();
        if let Ok(mut stream) = tls(sandbox, Some(identity)).await
            && stream.write_all(bytes).await.is_ok()
        {
            let _ = within(stream.read_to_end(&mut answer)).await;
        }
        answer
    }

    pub(crate) async fn send(&mut self, packet: &Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, usize::MAX).unwrap();
        self.send_bytes(&bytes).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        // A broker that closes early shows when something is to be received.
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    pub(crate) async fn receive(&mut self) -> Packet {
        if let Some(packet) = self.early.pop_front() {
            return packet;
        }
        within(self.next()).await.expect("the connection is open")
    }

    /// Waits for the end of the connection; nothing may come before it but acknowledgements.
    pub(crate) async fn closed(mut self) {
        while let Some(packet) = within(self.next()).await {
            assert!(
                matches!(
                    packet,
                    Packet::PubAck(_) | Packet::PubRec(_) | Packet::PubComp(_)
                ),
                "{packet:?}"
            );
        }
    }

    /// Checks that the connection is alive; what the broker has sent is handed back.
    pub(crate) async fn is_alive(&mut self) -> Vec<Packet> {
        self.send(&Packet::PingReq).await;
        let mut before = Vec::new();
        loop {
            match self.receive().await {
                Packet::PingResp => return before,
                packet => before.push(packet),
            }
        }
    }

    /// Subscribes and returns the codes of the broker: 0 to 2, or 128.
    pub(crate) async fn subscribe(&mut self, filters: &[(&str, u8)]) -> Vec<u8> {
        let filters = filters
            .iter()
            .map(|(filter, qos)| SubscribeFilter::new((*filter).to_owned(), quality(*qos)));
        let mut subscribe = Subscribe::new_many(filters.collect::<Vec<_>>());
        subscribe.pkid = self.id();
        self.send(&Packet::Subscribe(subscribe)).await;
        let Packet::SubAck(answer) = self.receive().await else {
            panic!("no SUBACK")
        };
        let code = |code: &SubscribeReasonCode| match code {
            SubscribeReasonCode::Success(qos) => *qos as u8,
            SubscribeReasonCode::Failure => 128,
        };
        answer.return_codes.iter().map(code).collect()
    }

    /// Publishes and waits for the acknowledgement.
    pub(crate) async fn publish(&mut self, topic: &str, qos: u8, payload: impl Into<Vec<u8>>) {
        let publish = self.publication(topic, qos, payload);
        let id = publish.pkid;
        self.send(&Packet::Publish(publish)).await;
        match qos {
            0 => {}
            1 => self.expect(Packet::PubAck(PubAck::new(id))).await,
            _ => {
                self.expect(Packet::PubRec(PubRec::new(id))).await;
                self.send(&Packet::PubRel(PubRel::new(id))).await;
                self.expect(Packet::PubComp(PubComp::new(id))).await;
            }
        }
    }

    /// Waits for an acknowledgement; publications may come before it.
    async fn expect(&mut self, acknowledgement: Packet) {
        loop {
            let packet = within(self.next()).await.expect("the connection is open");
            if packet == acknowledgement {
                return;
            }
            assert!(matches!(packet, Packet::Publish(_)), "{packet:?}");
            self.early.push_back(packet);
        }
    }

    pub(crate) fn publication(
        &mut self,
        topic: &str,
        qos: u8,
        payload: impl Into<Vec<u8>>,
    ) -> Publish {
        let mut publish = Publish::new(topic, quality(qos), payload);
        if qos > 0 {
            publish.pkid = self.id();
        }
        publish
    }

    /// Waits for a publication and acknowledges it.
    pub(crate) async fn take(&mut self) -> Publish {
        let Packet::Publish(publish) = self.receive().await else {
            panic!("no PUBLISH")
        };
        let id = publish.pkid;
        match publish.qos {
            QoS::AtMostOnce => {}
            QoS::AtLeastOnce => self.send(&Packet::PubAck(PubAck::new(id))).await,
            QoS::ExactlyOnce => {
                self.send(&Packet::PubRec(PubRec::new(id))).await;
                self.expect(Packet::PubRel(PubRel::new(id))).await;
                self.send(&Packet::PubComp(PubComp::new(id))).await;
            }
        }
        publish
    }

    /// Ends the session in order.
    pub(crate) async fn disconnect(mut self) {
        self.send(&Packet::Disconnect).await;
        self.closed().await;
    }

    fn id(&mut self) -> u16 {
        self.last_id += 1;
        self.last_id
    }

    /// Returns the next packet, and nothing at the end of the connection.
    async fn next(&mut self) -> Option<Packet> {
        loop {
            match Packet::read(&mut self.buffer, usize::MAX) {
                Ok(packet) => return Some(packet),
                Err(Error::InsufficientBytes(_)) => {}
                Err(error) => panic!("{error}"),
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

/// Makes a TLS connection to the broker. A broker that refuses the certificate says so after the
/// handshake of TLS 1.3, so that an error may come with the first read.
pub(crate) async fn tls(
    sandbox: &Sandbox,
    identity: Option<&Identity>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(sandbox.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        Some(identity) => builder
            .with_client_auth_cert(vec![identity.certificate.clone()], identity.key())
            .unwrap(),
        None => builder.with_no_client_auth(),
    };
    let address = sandbox
        .broker_url()
        .strip_prefix("mqtts://")
        .unwrap()
        .trim_end_matches('/');
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let socket = TcpStream::connect(address).await?;
    within(TlsConnector::from(Arc::new(config)).connect(name, socket)).await
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(10), future)
        .await
        .expect("something happens within 10 seconds")
}

fn quality(qos: u8) -> QoS {
    rumqttc::mqttbytes::qos(qos).unwrap()
}
