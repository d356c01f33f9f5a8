//! An accepted connection: one task that reads, writes and keeps the time.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rumqttc::mqttbytes::v4;
use tokio::io::{AsyncReadExt, ReadHalf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::unconstrained;
use tokio_rustls::server::TlsStream;

use super::answer::{handle, protocol};
use super::outlet::Outlet;
use super::packet::{self, Packet};
use super::session::{self, Session, Signal};
use crate::clock;
use crate::core::Core;
use crate::event::Disconnection;
use crate::recording::Direction;
use crate::slot::Slot;

/// The connection of a device, and the bytes on their way.
pub(super) struct Connection {
    core: Arc<Core>,
    slot: Arc<Slot>,
    id: u64,
    signal: Arc<Signal>,
    reader: ReadHalf<TlsStream<TcpStream>>,
    outlet: Outlet,
    input: BytesMut,
    read_size: usize,
    heard: Instant,
    silence: Option<Duration>,
}

/// What the session has for the connection.
struct Work {
    barriers: Vec<oneshot::Sender<()>>,
    congested: bool,
    stalled: bool,
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
        let outlet = Outlet::new(writer, core.recorder.clone(), slot.id);
        Connection {
            core,
            slot,
            id,
            signal,
            reader,
            outlet,
            input,
            read_size: READ_SIZE_MIN,
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
        session::write(&v4::Packet::ConnAck(accepted), &mut self.outlet.fresh);
        session.resend(Instant::now(), &mut self.outlet.fresh);
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
        self.outlet.fresh.unsplit(self.signal.take_parting());
        // What is acknowledged has been accepted; the device should learn of it if it still reads.
        if !self.slot.state().faults.stalled {
            let _ = tokio::time::timeout(FAREWELL, self.outlet.finish()).await;
        }
    }

    /// Returns why the connection ended, and nothing when somebody else has ended it.
    async fn exchange(&mut self) -> Option<Disconnection> {
        loop {
            let work = self.work()?;
            if !work.barriers.is_empty() {
                let drained = if work.stalled {
                    Ok(())
                } else {
                    self.drain_socket()
                };
                self.hand_over(work.barriers);
                if let Err(reason) = drained {
                    return Some(reason);
                }
                continue;
            }
            if work.stalled {
                self.heard = Instant::now();
                self.signal.wake.notified().await;
                // What was read in the moment of the stall has waited for its end.
                if let Err(reason) = self.take_packets() {
                    return Some(reason);
                }
                continue;
            }
            self.make_room();
            let silent = self.silence.map(|silence| self.heard + silence);
            let alarm = [silent, work.retry_at, self.outlet.due()];
            tokio::select! {
                read = self.reader.read_buf(&mut self.input), if !work.congested => {
                    if !matches!(read, Ok(1..)) {
                        return Some(Disconnection::Lost);
                    }
                    if let Err(reason) = self.take_packets() {
                        return Some(reason);
                    }
                }
                written = self.outlet.push(), if self.outlet.has_bytes() => {
                    if written.is_err() {
                        return Some(Disconnection::Lost);
                    }
                }
                () = self.signal.wake.notified() => {}
                () = self.slot.drained.notified(), if work.congested => {}
                () = sleep_until(alarm.into_iter().flatten().min()) => {
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
        let (stalled, latency) = (state.faults.stalled, state.faults.latency);
        let interval = self.core.settings.retry_interval;
        // A device that does not take what was sent does not need it twice.
        let repeat = !stalled && self.outlet.is_empty();
        if let Some(before) = Instant::now().checked_sub(interval).filter(|_| repeat) {
            state.session.resend(before, &mut self.outlet.fresh);
        }
        let retry_at = state.session.retry_at(interval).filter(|_| repeat);
        if !stalled {
            if self.outlet.len() < session::OUTPUT_LIMIT {
                state.session.fill(&mut self.outlet.fresh);
            }
            self.outlet.dispatch(latency);
        }
        Some(Work {
            barriers: state
                .session
                .link()
                .map(|link| std::mem::take(&mut link.barriers))?,
            congested: state.is_congested() || self.outlet.len() >= UNREAD_LIMIT,
            stalled,
            retry_at,
        })
    }

    /// Reads what has arrived, without waiting for more.
    fn drain_socket(&mut self) -> Result<(), Disconnection> {
        self.make_room();
        while let Some(read) = now(unconstrained(self.reader.read_buf(&mut self.input))) {
            if !matches!(read, Ok(1..)) {
                return Err(Disconnection::Lost);
            }
            self.take_packets()?;
            self.make_room();
        }
        Ok(())
    }

    /// Makes room for a read: a little, and more for a device that fills it. Messages keep what
    /// they came in, so that little ones should share it.
    fn make_room(&mut self) {
        let room = self.input.capacity() - self.input.len();
        if room == 0 {
            self.read_size = (self.read_size * 2).min(READ_SIZE_MAX);
        }
        if room < ROOM_MIN {
            self.input.reserve(self.read_size);
        }
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
            if !state.session.is_attached(self.id) || state.faults.stalled {
                return Ok(());
            }
            let arrival = clock::now_ms();
            while let Some(packet) = next_packet(&self.core, &self.slot, &mut self.input)? {
                let out = &mut self.outlet.fresh;
                handle(&self.core, &self.slot, state, packet, arrival, out)?;
            }
            Ok(())
        })
    }
}

/// Takes a packet out of what has arrived, and records it.
fn next_packet(
    core: &Core,
    slot: &Slot,
    input: &mut BytesMut,
) -> Result<Option<Packet>, Disconnection> {
    let record = |bytes: &[u8]| {
        if let Some(recorder) = &core.recorder {
            recorder.record(slot.id, Direction::FromDevice, bytes);
        }
    };
    packet::read_recorded(input, record).map_err(|error| protocol(error.to_string()))
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

/// Bytes for which room is made, for a device that sends little.
const READ_SIZE_MIN: usize = 4096;

/// Bytes for which room is made, for one that sends much: those of a record of TLS.
const READ_SIZE_MAX: usize = 16 * 1024;

/// Bytes for which there is room before a read, at least.
const ROOM_MIN: usize = 512;

/// Bytes that wait for the device to read them, above which nothing is read from it.
const UNREAD_LIMIT: usize = 1024 * 1024;

/// How long a device that does not read may hold up the end of its connection.
const FAREWELL: Duration = Duration::from_millis(200);
