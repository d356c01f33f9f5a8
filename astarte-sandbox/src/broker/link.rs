//! An accepted connection: one task that reads, writes and keeps the time.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use rumqttc::mqttbytes::v4::{self, SubscribeReasonCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::unconstrained;
use tokio_rustls::server::TlsStream;

use super::packet::{self, Packet, Publish};
use super::session::{self, Session, Signal};
use super::topic;
use crate::core::Core;
use crate::event::Disconnection;
use crate::profile::Profile;
use crate::slot::{Slot, State};
use crate::updater::Message;

/// The connection of a device, and the bytes on their way.
pub(super) struct Connection {
    core: Arc<Core>,
    slot: Arc<Slot>,
    id: u64,
    signal: Arc<Signal>,
    reader: ReadHalf<TlsStream<TcpStream>>,
    writer: WriteHalf<TlsStream<TcpStream>>,
    input: BytesMut,
    output: BytesMut,
    /// Whether TLS may hold bytes that are not on the wire.
    unflushed: bool,
    heard: Instant,
    silence: Option<Duration>,
}

/// What the session has for the connection.
struct Work {
    barriers: Vec<oneshot::Sender<()>>,
    congested: bool,
    retry_at: Option<Instant>,
}

impl Connection {
    pub(super) fn new(
        core: Arc<Core>,
        slot: Arc<Slot>,
        id: u64,
        signal: Arc<Signal>,
        stream: TlsStream<TcpStream>,
        input: BytesMut,
    ) -> Connection {
        let (reader, writer) = tokio::io::split(stream);
        Connection {
            core,
            slot,
            id,
            signal,
            reader,
            writer,
            input,
            output: BytesMut::new(),
            unflushed: false,
            heard: Instant::now(),
            silence: None,
        }
    }

    /// Sets the keep alive in seconds, 0 for none; the broker waits for one and a half times as
    /// long.
    pub(super) fn keep_alive(&mut self, seconds: u16) {
        self.silence = (seconds > 0).then(|| Duration::from_secs(seconds.into()) * 3 / 2);
    }

    /// Writes CONNACK and what the session has not got acknowledged.
    pub(super) fn accept(&mut self, session: &mut Session, present: bool) {
        let accepted = v4::ConnAck::new(v4::ConnectReturnCode::Success, present);
        session::write(&v4::Packet::ConnAck(accepted), &mut self.output);
        session.resend(Instant::now(), &mut self.output);
    }

    /// Serves the device until one side ends the connection.
    pub(super) async fn run(mut self) {
        let reason = match self.take_packets() {
            Ok(()) => self.exchange().await,
            Err(reason) => Some(reason),
        };
        if let Some(reason) = reason {
            let id = self.id;
            self.slot.update(&self.core, |state| {
                if state.session.is_attached(id) {
                    state.disconnect(reason);
                }
            });
        }
        self.output.unsplit(self.signal.take_parting());
        // What is acknowledged has been accepted; the device should learn of it if it still reads.
        let farewell = async {
            while !self.output.is_empty() || self.unflushed {
                push(&mut self.writer, &mut self.output, &mut self.unflushed).await?;
            }
            self.writer.shutdown().await
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }

    /// Returns why the connection ended, and nothing when somebody else has ended it.
    async fn exchange(&mut self) -> Option<Disconnection> {
        loop {
            let work = self.work()?;
            if !work.barriers.is_empty() {
                if let Err(reason) = self.drain_socket() {
                    self.hand_over(work.barriers);
                    return Some(reason);
                }
                self.hand_over(work.barriers);
                continue;
            }
            self.input.reserve(READ_SIZE);
            let alarm = earliest(
                self.silence.map(|silence| self.heard + silence),
                work.retry_at,
            );
            tokio::select! {
                read = self.reader.read_buf(&mut self.input), if !work.congested => {
                    if !matches!(read, Ok(1..)) {
                        return Some(Disconnection::Lost);
                    }
                    if let Err(reason) = self.take_packets() {
                        return Some(reason);
                    }
                }
                written = push(&mut self.writer, &mut self.output, &mut self.unflushed),
                    if !self.output.is_empty() || self.unflushed =>
                {
                    if written.is_err() {
                        return Some(Disconnection::Lost);
                    }
                }
                () = self.signal.wake.notified() => {}
                () = self.slot.drained.notified(), if work.congested => {}
                () = sleep_until(alarm) => {
                    if self.silence.is_some_and(|silence| self.heard.elapsed() >= silence) {
                        return Some(Disconnection::KeepAlive);
                    }
                }
            }
        }
    }

    /// Fetches what the session wants to send; nothing when the session has another connection.
    fn work(&mut self) -> Option<Work> {
        let mut state = self.slot.state();
        if !state.session.is_attached(self.id) {
            return None;
        }
        let interval = self.core.settings.retry_interval;
        // A device that does not take what was sent does not need it twice.
        let repeat = self.output.is_empty();
        if let Some(before) = Instant::now().checked_sub(interval).filter(|_| repeat) {
            state.session.resend(before, &mut self.output);
        }
        let retry_at = state.session.retry_at(interval).filter(|_| repeat);
        state.session.fill(&mut self.output);
        Some(Work {
            barriers: state
                .session
                .link()
                .map(|link| std::mem::take(&mut link.barriers))?,
            congested: state.is_congested() || self.output.len() >= UNREAD_LIMIT,
            retry_at,
        })
    }

    /// Reads what has arrived, without waiting for more.
    fn drain_socket(&mut self) -> Result<(), Disconnection> {
        self.input.reserve(READ_SIZE);
        while let Some(read) = now(unconstrained(self.reader.read_buf(&mut self.input))) {
            if !matches!(read, Ok(1..)) {
                return Err(Disconnection::Lost);
            }
            self.take_packets()?;
        }
        Ok(())
    }

    fn hand_over(&self, barriers: Vec<oneshot::Sender<()>>) {
        self.slot
            .update(&self.core, |state| state.enqueue_barriers(barriers));
    }

    /// Handles the packets that have arrived as a whole; an error ends the connection.
    fn take_packets(&mut self) -> Result<(), Disconnection> {
        self.heard = Instant::now();
        let slot = Arc::clone(&self.slot);
        slot.update(&self.core, |state| {
            if !state.session.is_attached(self.id) {
                return Ok(());
            }
            while let Some(packet) =
                packet::read(&mut self.input).map_err(|error| protocol(error.to_string()))?
            {
                handle(&self.core, &self.slot, state, packet, &mut self.output)?;
            }
            Ok(())
        })
    }
}

fn handle(
    core: &Core,
    slot: &Slot,
    state: &mut State,
    packet: Packet,
    out: &mut BytesMut,
) -> Result<(), Disconnection> {
    let packet = match packet {
        Packet::Connect(_) => return Err(protocol("a second CONNECT")),
        Packet::Publish(publish) => return on_publish(slot, state, publish, out),
        Packet::Other(packet) => packet,
    };
    match packet {
        v4::Packet::PubAck(ack) => state.session.acknowledge(ack.pkid),
        v4::Packet::PubRec(rec) => state
            .session
            .received_by_peer(rec.pkid, out)
            .map_err(|error| protocol(error.to_string()))?,
        v4::Packet::PubComp(comp) => {
            state
                .session
                .complete(comp.pkid)
                .map_err(|error| protocol(error.to_string()))?;
        }
        v4::Packet::PubRel(rel) => {
            state.session.release(rel.pkid);
            session::write(&v4::Packet::PubComp(v4::PubComp::new(rel.pkid)), out);
        }
        v4::Packet::Subscribe(subscribe) => on_subscribe(core, slot, state, subscribe, out)?,
        v4::Packet::Unsubscribe(unsubscribe) => {
            for filter in &unsubscribe.topics {
                state.session.unsubscribe(filter);
            }
            session::write(
                &v4::Packet::UnsubAck(v4::UnsubAck::new(unsubscribe.pkid)),
                out,
            );
        }
        v4::Packet::PingReq => session::write(&v4::Packet::PingResp, out),
        v4::Packet::Disconnect => return Err(Disconnection::Client),
        other => {
            return Err(protocol(format!(
                "a packet that only a server sends: {other:?}"
            )));
        }
    }
    Ok(())
}

/// Acknowledges a publication and queues it: what is wrong with it shows later.
fn on_publish(
    slot: &Slot,
    state: &mut State,
    publish: Publish,
    out: &mut BytesMut,
) -> Result<(), Disconnection> {
    if !topic::is_name(&publish.topic) {
        return Err(protocol("PUBLISH with a topic that is not a name"));
    }
    let relative = topic::below(&slot.base, &publish.topic);
    // Upstream, the broker itself takes topics that begin with `$`, and does nothing with them.
    if relative.is_none() && !publish.topic.starts_with(b"$") {
        let topic = String::from_utf8_lossy(&publish.topic).into_owned();
        return Err(Disconnection::ForeignTopic(topic));
    }
    let new = match publish.qos {
        0 => true,
        1 => {
            session::write(&v4::Packet::PubAck(v4::PubAck::new(publish.id)), out);
            true
        }
        _ => {
            session::write(&v4::Packet::PubRec(v4::PubRec::new(publish.id)), out);
            state.session.receive(publish.id)
        }
    };
    let Some(relative) = relative.filter(|_| new) else {
        return Ok(());
    };
    let relative = publish.topic.slice_ref(relative);
    if let Ok(topic) = str::from_utf8(&publish.topic) {
        state
            .session
            .publish(topic, publish.qos, publish.payload.clone());
    }
    state.enqueue(Message::publish(Publish {
        topic: relative,
        ..publish
    }));
    Ok(())
}

fn on_subscribe(
    core: &Core,
    slot: &Slot,
    state: &mut State,
    subscribe: v4::Subscribe,
    out: &mut BytesMut,
) -> Result<(), Disconnection> {
    if subscribe.pkid == 0
        || !subscribe
            .filters
            .iter()
            .all(|filter| topic::is_filter(&filter.path))
    {
        return Err(protocol("malformed SUBSCRIBE"));
    }
    let (mut codes, mut filters, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for filter in subscribe.filters {
        match topic::below(&slot.base, filter.path.as_bytes()) {
            Some(below) => {
                let below = below.strip_prefix(b"/").unwrap_or(below);
                filters.push(String::from_utf8_lossy(below).into_owned());
                codes.push(SubscribeReasonCode::Success(filter.qos));
                state.session.subscribe(filter.path, filter.qos as u8);
            }
            None => {
                codes.push(SubscribeReasonCode::Failure);
                refused.push(filter.path);
            }
        }
    }
    if core.settings.profile == Profile::AsShipped && !filters.is_empty() {
        codes.retain(|code| *code != SubscribeReasonCode::Failure);
    }
    session::write(
        &v4::Packet::SubAck(v4::SubAck::new(subscribe.pkid, codes)),
        out,
    );
    state.enqueue(Message::Subscribed { filters, refused });
    Ok(())
}

fn protocol(reason: impl Into<String>) -> Disconnection {
    Disconnection::Protocol(reason.into())
}

/// Moves bytes towards the wire. Cancel-safe: what was not taken stays in `output`.
async fn push(
    writer: &mut WriteHalf<TlsStream<TcpStream>>,
    output: &mut BytesMut,
    unflushed: &mut bool,
) -> std::io::Result<()> {
    if output.has_remaining() {
        writer.write_buf(output).await?;
        *unflushed = true;
    } else {
        writer.flush().await?;
        *unflushed = false;
    }
    Ok(())
}

/// Returns the result of a future that is ready at once.
fn now<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => pending().await,
    }
}

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    [a, b].into_iter().flatten().min()
}

/// Bytes for which there is room before a read.
const READ_SIZE: usize = 4096;

/// Bytes that wait for the device to read them, above which nothing is read from it.
const UNREAD_LIMIT: usize = 1024 * 1024;

/// How long a device that does not read may hold up the end of its connection.
const FAREWELL: Duration = Duration::from_millis(200);
