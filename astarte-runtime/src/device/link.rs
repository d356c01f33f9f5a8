//! One TLS connection to the broker: packets in, bytes out.

use std::{
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use rumqttc::mqttbytes::{
    Error,
    v4::{ConnAck, Connect, ConnectReturnCode, Packet},
};
use rustls::{AlertDescription, ClientConfig, pki_types::ServerName};
use thiserror::Error;
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    clock::ClockError,
    metrics::Counters,
    session::{self, Received, UnexpectedPacket},
};

/// How much is read at a time.
const READ_SIZE: usize = 8 * 1024;

/// How much is gathered before it is written, in bytes: three records of TLS, of whose output rustls holds four.
const BATCH: usize = 48 * 1024;

/// A link is over, or did not come to be.
#[derive(Debug, Error)]
pub(crate) enum LinkError {
    #[error("the broker refused the device's certificate: {}", words(*.0))]
    CertificateRefused(AlertDescription),
    #[error(transparent)]
    Clock(ClockError),
    #[error("the server closed the connection without a reason")]
    Closed,
    #[error("the broker's address `{0}` is no host name or IP address")]
    HostName(String),
    #[error("{0}")]
    Io(io::Error),
    #[error("the server sent something that is not MQTT: {0}")]
    Malformed(#[from] Error),
    #[error("the server did not answer within {0:?}")]
    Timeout(Duration),
    #[cfg(feature = "pairing")]
    #[error("{0}")]
    Pairing(String),
    #[error(transparent)]
    Unexpected(#[from] UnexpectedPacket),
    #[error("the broker refused the connection: {0}")]
    Refused(Refusal),
    #[error("the broker refused the subscription to `{0}`")]
    Subscription(String),
}

/// Why a broker refuses a connection.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum Refusal {
    #[error("it does not take the client identifier")]
    BadClientId,
    #[error(
        "the device is not authorized: it is not registered in this realm, or is being deleted"
    )]
    NotAuthorized,
    #[error("it does not take the protocol version")]
    Protocol,
    #[error("it is not available")]
    Unavailable,
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> Self {
        if let Some(clock) = ClockError::find(&error) {
            return Self::Clock(clock);
        }
        // Closed without a farewell of TLS, which says no more than one with it.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Closed;
        }
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
        match cause {
            Some(&rustls::Error::AlertReceived(alert)) if is_of_certificate(alert) => {
                Self::CertificateRefused(alert)
            }
            _ => Self::Io(error),
        }
    }
}

/// Whether a server says by an alert that it does not take the device's certificate.
fn is_of_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::AccessDenied
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            // The authority has another key, under the name that it had.
            | AlertDescription::DecryptError
            | AlertDescription::UnknownCA
            | AlertDescription::UnsupportedCertificate
    )
}

fn words(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CertificateExpired => "it has expired",
        AlertDescription::CertificateRevoked => "it was revoked",
        AlertDescription::DecryptError => "its signature is not that of the broker's authority",
        AlertDescription::UnknownCA => "it is not of an authority that the broker trusts",
        _ => "it gives no reason",
    }
}

#[derive(Debug)]
pub(crate) struct Link {
    stream: TlsStream<TcpStream>,
    input: BytesMut,
    /// What is to be sent.
    pub(crate) output: BytesMut,
    /// Whether the peer has taken a part of the output, and not the rest.
    is_stuck: bool,
    counters: Arc<Counters>,
}

impl Link {
    /// Connects, and reports whether the broker has a session of this client.
    pub(crate) async fn open(
        host: &str,
        port: u16,
        tls: Arc<ClientConfig>,
        connect: Connect,
        patience: Duration,
        counters: Arc<Counters>,
    ) -> Result<(Self, bool), LinkError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| LinkError::HostName(host.to_owned()))?;
        let opening = async {
            let stream = TcpStream::connect((host, port)).await?;
            // Messages are gathered before they are written; what is written is to leave at once.
            stream.set_nodelay(true)?;
            let stream = TlsConnector::from(tls).connect(name, stream).await?;
            let mut link = Self {
                stream,
                input: BytesMut::new(),
                output: BytesMut::new(),
                is_stuck: false,
                counters,
            };
            session::write(&Packet::Connect(connect), &mut link.output);
            let session_present = link.connected().await?;
            Ok((link, session_present))
        };
        timeout(patience, opening)
            .await
            .unwrap_or(Err(LinkError::Timeout(patience)))
    }

    async fn connected(&mut self) -> Result<bool, LinkError> {
        loop {
            if let Some((packet, len)) = session::read(&self.input)? {
                let Received::Packet(Packet::ConnAck(ConnAck {
                    session_present,
                    code,
                })) = packet
                else {
                    return Err(LinkError::Malformed(Error::IncorrectPacketFormat));
                };
                self.input.advance(len);
                return match code {
                    ConnectReturnCode::Success => Ok(session_present),
                    ConnectReturnCode::BadClientId => Err(LinkError::Refused(Refusal::BadClientId)),
                    ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
                        Err(LinkError::Refused(Refusal::NotAuthorized))
                    }
                    ConnectReturnCode::RefusedProtocolVersion => {
                        Err(LinkError::Refused(Refusal::Protocol))
                    }
                    ConnectReturnCode::ServiceUnavailable => {
                        Err(LinkError::Refused(Refusal::Unavailable))
                    }
                };
            }
            self.turn().await?;
        }
    }

    /// What was received, to be read and [put back](Self::put_back).
    pub(crate) fn take_input(&mut self) -> BytesMut {
        std::mem::take(&mut self.input)
    }

    /// Takes back what is left of the input.
    pub(crate) fn put_back(&mut self, input: BytesMut) {
        self.input = input;
    }

    /// Whether more is to be gathered. What is half written is not moved to make room for more.
    pub(crate) fn has_room(&self) -> bool {
        self.output.len() < BATCH && !self.is_stuck
    }

    /// Writes the output and reads input, until there is new input or all the output is gone.
    ///
    /// Returns whether something was read. Reading goes on while the peer does not take what is written, and the other
    /// way round. Cancel safe.
    pub(crate) async fn turn(&mut self) -> Result<bool, LinkError> {
        std::future::poll_fn(|cx| self.poll_turn(cx)).await
    }

    /// Sends what is left and ends the connection, for as long as the peer takes it.
    pub(crate) async fn close(mut self, patience: Duration) {
        session::write(&Packet::Disconnect, &mut self.output);
        let closing = async {
            while !self.output.is_empty() {
                self.turn().await?;
            }
            self.stream.shutdown().await?;
            Ok::<_, LinkError>(())
        };
        // The connection is over either way.
        let _ = timeout(patience, closing).await;
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, LinkError>> {
        let wrote = self.poll_write(cx)?.is_ready();
        let read = self.poll_read(cx)?.is_ready();
        if wrote || read {
            Poll::Ready(Ok(read))
        } else {
            Poll::Pending
        }
    }

    /// Ready once there was output and all of it was written.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        if self.output.is_empty() {
            // TLS may still hold records that the socket did not take.
            let _ = Pin::new(&mut self.stream).poll_flush(cx)?;
            return Poll::Pending;
        }
        while !self.output.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.output))?;
            if written == 0 {
                return Poll::Ready(Err(LinkError::Closed));
            }
            self.output.advance(written);
            self.is_stuck = !self.output.is_empty();
            self.counters.bytes_sent(written);
        }
        let _ = Pin::new(&mut self.stream).poll_flush(cx)?;
        Poll::Ready(Ok(()))
    }

    /// Ready once something was read.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        if self.input.capacity() - self.input.len() < READ_SIZE / 2 {
            self.input.reserve(READ_SIZE);
        }
        let reading = pin!(self.stream.read_buf(&mut self.input));
        let read = ready!(reading.poll(cx))?;
        if read == 0 {
            return Poll::Ready(Err(LinkError::Closed));
        }
        self.counters.bytes_received(read);
        Poll::Ready(Ok(()))
    }
}
