//! The way out of a connection.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use astarte_interface::DeviceId;
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::recording::{Direction, Recorder};

/// Packets for a device, and their bytes on the way.
pub(super) struct Outlet {
    /// Packets that were composed, whole, and have yet to be dispatched.
    pub(super) fresh: BytesMut,
    /// Packets that a slow link holds, and since when.
    delayed: VecDeque<(Instant, BytesMut)>,
    latency: Duration,
    bytes: BytesMut,
    /// Whether TLS may hold bytes that are not on the wire.
    unflushed: bool,
    writer: WriteHalf<TlsStream<TcpStream>>,
    recorder: Option<Arc<Recorder>>,
    device: DeviceId,
}

impl Outlet {
    pub(super) fn new(
        writer: WriteHalf<TlsStream<TcpStream>>,
        recorder: Option<Arc<Recorder>>,
        device: DeviceId,
    ) -> Outlet {
        Outlet {
            fresh: BytesMut::new(),
            delayed: VecDeque::new(),
            latency: Duration::ZERO,
            bytes: BytesMut::new(),
            unflushed: false,
            writer,
            recorder,
            device,
        }
    }

    /// Returns the number of bytes that are not on the wire.
    pub(super) fn len(&self) -> usize {
        let delayed: usize = self.delayed.iter().map(|(_, packets)| packets.len()).sum();
        self.fresh.len() + delayed + self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is something for [`push`](Outlet::push).
    pub(super) fn has_bytes(&self) -> bool {
        !self.bytes.is_empty() || self.unflushed
    }

    /// Returns when the next packets are due that a slow link holds; nothing for never.
    pub(super) fn due(&self) -> Option<Instant> {
        let (since, _) = self.delayed.front()?;
        since.checked_add(self.latency)
    }

    /// Sends off what is fresh, over a link of this latency, and what has arrived over it.
    pub(super) fn dispatch(&mut self, latency: Duration) {
        self.latency = latency;
        let now = Instant::now();
        if !self.fresh.is_empty() {
            self.delayed.push_back((now, self.fresh.split()));
        }
        while self.due().is_some_and(|due| due <= now) {
            if let Some((_, packets)) = self.delayed.pop_front() {
                self.release(packets);
            }
        }
    }

    fn release(&mut self, packets: BytesMut) {
        if let Some(recorder) = &self.recorder {
            recorder.record(self.device, Direction::ToDevice, &packets);
        }
        if self.bytes.is_empty() {
            self.bytes = packets;
        } else {
            self.bytes.unsplit(packets);
        }
    }

    /// Moves bytes towards the wire. Cancel-safe: what was not taken is still there.
    pub(super) async fn push(&mut self) -> io::Result<()> {
        if self.bytes.has_remaining() {
            self.writer.write_buf(&mut self.bytes).await?;
            self.unflushed = true;
        } else {
            self.writer.flush().await?;
            self.unflushed = false;
        }
        Ok(())
    }

    /// Writes what is left, and ends the connection.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        self.dispatch(Duration::ZERO);
        while self.has_bytes() {
            self.push().await?;
        }
        self.writer.shutdown().await
    }
}
