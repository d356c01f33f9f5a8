//! From a TCP connection to a session: TLS, identity, CONNECT, CONNACK.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use astarte_interface::DeviceId;
use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{self, ConnectReturnCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::link::Connection;
use super::packet::{self, Connect, Packet, Publish};
use super::{session, topic};
use crate::authority;
use crate::core::Core;
use crate::event::Disconnection;
use crate::fault;
use crate::recording::Direction;
use crate::slot::Slot;
use crate::updater::Message;

/// Why a connection did not get a session.
pub(super) struct Refusal {
    pub(super) device: Option<DeviceId>,
    pub(super) reason: String,
}

impl Refusal {
    fn new(reason: impl Into<String>) -> Refusal {
        Refusal {
            device: None,
            reason: reason.into(),
        }
    }

    fn of(slot: Option<&Arc<Slot>>, reason: impl Into<String>) -> Refusal {
        Refusal {
            device: slot.map(|slot| slot.id),
            reason: reason.into(),
        }
    }
}

/// A client that has sent CONNECT.
pub(super) struct Guest {
    stream: TlsStream<TcpStream>,
    input: BytesMut,
    connect: Connect,
    /// The device of the certificate, or why there is none.
    slot: Result<Arc<Slot>, String>,
}

/// Takes a connection as far as CONNECT.
pub(super) async fn listen(
    core: &Arc<Core>,
    acceptor: &TlsAcceptor,
    socket: TcpStream,
) -> Result<Guest, Refusal> {
    socket.set_nodelay(true).map_err(lost)?;
    let mut stream = acceptor
        .accept(socket)
        .await
        .map_err(|error| Refusal::new(format!("TLS handshake: {error}")))?;
    let slot = identify(core, &stream);
    let device = slot.as_ref().ok();
    let mut input = BytesMut::with_capacity(4096);
    let connect = loop {
        let packet = packet::read_recorded(&mut input, |bytes| {
            record(core, device, Direction::FromDevice, bytes);
        });
        match packet {
            Ok(Some(Packet::Connect(connect))) => break connect,
            Ok(Some(_)) => return Err(Refusal::of(device, "a packet before CONNECT")),
            Ok(None) => {}
            Err(error) => return Err(Refusal::of(device, error.to_string())),
        }
        if stream.read_buf(&mut input).await.map_err(lost)? == 0 {
            return Err(Refusal::of(device, "closed before CONNECT"));
        }
    };
    Ok(Guest {
        stream,
        input,
        connect,
        slot,
    })
}

impl Guest {
    /// Answers CONNECT.
    ///
    /// After the session is attached nothing is awaited, so that this can be abandoned at any time.
    pub(super) async fn admit(
        mut self,
        core: &Arc<Core>,
        address: SocketAddr,
    ) -> Result<Connection, Refusal> {
        let slot = self.slot.clone();
        if let Ok(slot) = &slot {
            self.hold(slot).await?;
        }
        let admitted = match slot
            .as_ref()
            .ok()
            .and_then(|slot| slot.state().faults.next_refusal())
        {
            Some(refusal) => Err(on_request(refusal)),
            None => admit(slot.as_ref(), &self.connect),
        };
        match admitted {
            Ok(slot) => Ok(attach(core, slot, self, address)),
            Err((answer, reason)) => {
                let device = slot.as_ref().ok();
                record(core, device, Direction::ToDevice, &answer);
                // The client may be gone already; it is refused all the same.
                let _ = self.stream.write_all(&answer).await;
                let _ = self.stream.shutdown().await;
                Err(Refusal::of(device, reason))
            }
        }
    }

    /// Waits as long as the faults of the device demand.
    async fn hold(&mut self, slot: &Arc<Slot>) -> Result<(), Refusal> {
        let delay = slot.state().faults.connack_delay;
        let mut delay = pin!(tokio::time::sleep(delay));
        let mut elapsed = delay.is_elapsed();
        loop {
            let mut changed = pin!(slot.changed.notified());
            changed.as_mut().enable();
            let stalled = slot.state().faults.stalled;
            if elapsed && !stalled {
                return Ok(());
            }
            tokio::select! {
                () = &mut delay, if !elapsed => elapsed = true,
                () = changed => {}
                read = self.stream.read_buf(&mut self.input),
                    if !stalled && self.input.len() <= packet::MAX_REMAINING =>
                {
                    if read.map_err(lost)? == 0 {
                        return Err(Refusal::of(Some(slot), "closed before CONNACK"));
                    }
                }
            }
        }
    }
}

fn lost(error: io::Error) -> Refusal {
    Refusal::new(format!("before CONNACK: {error}"))
}

fn record(core: &Core, device: Option<&Arc<Slot>>, direction: Direction, bytes: &[u8]) {
    if let (Some(recorder), Some(slot)) = (&core.recorder, device) {
        recorder.record(slot.id, direction, bytes);
    }
}

/// Finds the device of a client certificate; the error says why there is none.
fn identify(core: &Core, stream: &TlsStream<TcpStream>) -> Result<Arc<Slot>, String> {
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().and_then(|chain| chain.first());
    let name = certificate
        .and_then(authority::common_name)
        .ok_or_else(|| "the certificate has no common name".to_owned())?;
    let unknown = || format!("no device is registered under `{name}`");
    let (realm, id) = name.split_once('/').ok_or_else(unknown)?;
    let id: DeviceId = id.parse().map_err(|_| unknown())?;
    let slot = core
        .known_slot(id)
        .filter(|_| realm == core.settings.realm)
        .ok_or_else(unknown)?;
    let registered = slot.state().registration.is_some();
    if registered { Ok(slot) } else { Err(unknown()) }
}

type Answer = (BytesMut, String);

/// Decides on CONNECT; the error is the answer and its reason.
fn admit<'s>(
    slot: Result<&'s Arc<Slot>, &String>,
    connect: &Connect,
) -> Result<&'s Arc<Slot>, Answer> {
    match connect.level {
        3 | 4 => {}
        // MQTT 5 has a longer CONNACK; this one says "bad user name or password".
        5 => {
            return Err((
                BytesMut::from(&[0x20, 3, 0, 0x86, 0][..]),
                "MQTT 5".to_owned(),
            ));
        }
        level => {
            let reason = format!("protocol level {level}");
            return Err(refuse(ConnectReturnCode::RefusedProtocolVersion, reason));
        }
    }
    let id = &connect.client_id;
    if id.len() > CLIENT_ID_LIMIT
        || (id.is_empty() && (!connect.clean_session || connect.level == 3))
    {
        let reason = "a client id must have 1 to 100 bytes; it may be empty with a clean session";
        return Err(refuse(ConnectReturnCode::BadClientId, reason.to_owned()));
    }
    let slot = slot.map_err(|reason| refuse(ConnectReturnCode::NotAuthorized, reason.clone()))?;
    let foreign_will = connect
        .will
        .as_ref()
        .is_some_and(|will| relative(slot, will).is_none());
    if foreign_will {
        let reason = "the topic of the will is not the device's".to_owned();
        return Err(refuse(ConnectReturnCode::NotAuthorized, reason));
    }
    Ok(slot)
}

fn on_request(refusal: fault::Refusal) -> Answer {
    match refusal.code() {
        Some(code) => refuse(code, "on request".to_owned()),
        None => (BytesMut::new(), "on request, without CONNACK".to_owned()),
    }
}

fn refuse(code: ConnectReturnCode, reason: String) -> Answer {
    let mut answer = BytesMut::new();
    session::write(
        &v4::Packet::ConnAck(v4::ConnAck::new(code, false)),
        &mut answer,
    );
    (answer, reason)
}

/// Returns a will with its topic below that of the device.
fn relative(slot: &Slot, will: &Publish) -> Option<Publish> {
    let below = topic::is_name(&will.topic).then(|| topic::below(&slot.base, &will.topic))??;
    Some(Publish {
        topic: will.topic.slice_ref(below),
        ..will.clone()
    })
}

fn attach(core: &Arc<Core>, slot: &Arc<Slot>, guest: Guest, address: SocketAddr) -> Connection {
    let Guest {
        stream,
        input,
        connect,
        ..
    } = guest;
    let signal = Arc::new(session::Signal::default());
    let link = session::Link {
        id: core.next_link(),
        signal: Arc::clone(&signal),
        will: connect.will.as_ref().and_then(|will| relative(slot, will)),
        barriers: Vec::new(),
    };
    let mut connection = Connection::new(
        Arc::clone(core),
        Arc::clone(slot),
        link.id,
        signal,
        stream,
        input,
    );
    connection.keep_alive(connect.keep_alive);
    let clean_session = connect.clean_session;
    let id = link.id;
    slot.update(core, |state| {
        state.disconnect(Disconnection::TakenOver);
        let session_present = state.session.attach(link, clean_session);
        connection.accept(&mut state.session, session_present);
        state.enqueue(Message::Connected {
            link: id,
            address,
            clean_session,
            session_present,
        });
    });
    connection
}

const CLIENT_ID_LIMIT: usize = 100;
