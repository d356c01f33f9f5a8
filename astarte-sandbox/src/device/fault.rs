//! Faults of one device's connections.

use std::time::Duration;

use super::Device;
use crate::authority::Flaw;
use crate::broker::session::QUEUE_LIMIT;
use crate::fault::{Faults, Refusal};
use crate::slot::State;

impl Device {
    /// Refuses the next connections, as many as `count`, after those that are to be refused
    /// already. Only a connection of the device with a valid certificate counts.
    pub fn refuse_connections(&self, count: usize, refusal: Refusal) {
        self.change(|state| state.faults.refuse(count, refusal));
    }

    /// Answers CONNECT after a time, on connections that begin from now on; zero for at once. The
    /// broker has no time limit for this.
    pub fn delay_connack(&self, delay: Duration) {
        self.change(|state| state.faults.connack_delay = delay);
    }

    /// Loses, or delivers again, the acknowledgements of what the device sends: PUBACK, PUBREC,
    /// PUBCOMP, SUBACK and UNSUBACK. What they acknowledge takes place.
    pub fn lose_acknowledgements(&self, lose: bool) {
        self.change(|state| state.faults.loses_acknowledgements = lose);
    }

    /// Stops, or continues, both to read and to write on the device's connection, which stays open.
    /// A CONNECT is not answered, and the keep alive does not run.
    ///
    /// [`all_processed`](Device::all_processed) does not cover what the broker has not read.
    pub fn stall(&self, stall: bool) {
        self.change(|state| state.faults.stalled = stall);
    }

    /// Delays everything that the broker sends by a time, in order: the round trip of a slow link.
    /// Zero for none, which also delivers what is on its way.
    pub fn set_latency(&self, latency: Duration) {
        self.change(|state| state.faults.latency = latency);
    }

    /// Sets how many messages to the device wait for its window, or for the device; the server's
    /// limit, and the default, is 1000. Where the queue is full, the newest message is dropped.
    pub fn limit_queue(&self, messages: usize) {
        self.change(|state| state.session.limit_queue(messages));
    }

    /// Makes every certificate that the device has had until now invalid, as if its time were over.
    /// An open connection stays.
    pub fn expire_certificates(&self) {
        self.core.authority.condemn(&self.slot.base, Flaw::Expired);
    }

    /// Makes every certificate that the device has had until now invalid, as if it were revoked. An
    /// open connection stays. A real server revokes a certificate that it replaces, but its broker
    /// does not look.
    pub fn revoke_certificates(&self) {
        self.core.authority.condemn(&self.slot.base, Flaw::Revoked);
    }

    /// Ends the faults of the connections: refusals, delays, losses, the stall, the limit of the
    /// queue. Certificates that were made invalid stay so.
    pub fn heal(&self) {
        self.change(|state| {
            state.faults = Faults::default();
            state.session.limit_queue(QUEUE_LIMIT);
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        self.slot.update(&self.core, |state| {
            change(state);
            if let Some(link) = state.session.link() {
                link.signal.wake.notify_one();
            }
        });
    }
}
