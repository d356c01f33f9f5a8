//! From rows of the store to messages that can be sent.

use std::time::Duration;

use tokio::time::Instant;

use super::Retainer;
use crate::{
    DeliveryError, Ownership, Reliability,
    device::qos,
    outbox::{Entry, InterfaceId, LoadedBacklog, Message, MessageKind, Stored},
    publish::Publish,
    status::Status,
    store::{RetainedMessage, RetentionChange},
};

/// How soon loading is tried again that failed.
const AGAIN: Duration = Duration::from_secs(1);

impl Retainer {
    /// Loads the messages behind this one into the queue.
    pub(super) async fn load(&mut self, after: u64) {
        let rows = match self.load_rows(after).await {
            Ok(rows) => rows,
            Err(error) => {
                self.report(&error);
                self.load_again = Some(Instant::now() + AGAIN);
                return;
            }
        };
        let mut loaded = LoadedBacklog {
            // All there is, where there is nothing more.
            up_to: rows.last().map_or(self.backlog.last, |row| row.sequence),
            ..LoadedBacklog::default()
        };
        for row in rows {
            self.load_row(row, &mut loaded);
        }
        let outbox = &self.shared.outbox;
        outbox.load_backlog(Some(loaded));
    }

    fn load_row(&mut self, row: RetainedMessage, loaded: &mut LoadedBacklog) {
        let sequence = row.sequence;
        if row.released {
            return loaded.entries.push((sequence, Entry::Release(sequence)));
        }
        let doubtful = self.doubtful.next(&row);
        let may_be_held = doubtful && row.reliability == Reliability::Unique;
        let interface = match self.interface(&row) {
            Ok(interface) => interface,
            Err(reason) => {
                loaded.gone.push((sequence, DeliveryError::SetAside));
                if may_be_held {
                    loaded.entries.push((sequence, Entry::Release(sequence)));
                }
                return self.set_aside(row, reason);
            }
        };
        let expires = match row.expires {
            None => None,
            Some(expires) => match self.lifetime.left(sequence, expires) {
                Some(left) => Some(Instant::now() + left),
                None => {
                    loaded.gone.push((sequence, DeliveryError::Expired));
                    if may_be_held {
                        loaded.entries.push((sequence, Entry::Release(sequence)));
                        self.later(RetentionChange::Release { sequence });
                    } else {
                        self.later(RetentionChange::Remove { sequence });
                    }
                    return;
                }
            },
        };
        let topic = format!("{}/{}{}", self.shared.base, row.interface, row.path);
        let message = Message {
            publish: Publish::new(&topic, qos(row.reliability), &row.payload),
            kind: MessageKind::Stored(Stored {
                interface,
                sequence,
                expires,
                doubtful,
            }),
            delivery: None,
            repeated: false,
        };
        loaded.entries.push((sequence, Entry::Message(message)));
    }

    /// The interface of a message, or why it can never be sent: the server would close the connection.
    fn interface(&self, row: &RetainedMessage) -> Result<InterfaceId, String> {
        let interfaces = self.shared.registry.interfaces();
        let Some(registered) = interfaces.get(&row.interface) else {
            return Err("the device does not have the interface any more".to_owned());
        };
        let descriptor = registered.descriptor;
        if descriptor.version.major != row.major {
            let version = descriptor.version;
            let major = row.major;
            return Err(format!(
                "it was stored for the major version {major}, and the device has {version}"
            ));
        }
        if descriptor.ownership != Ownership::Device {
            return Err("the interface is the server's by now".to_owned());
        }
        Ok(registered.id())
    }

    fn set_aside(&mut self, row: RetainedMessage, reason: String) {
        self.shared.status.tell(Status::SetAside {
            interface: row.interface,
            path: row.path,
            reason: reason.clone(),
        });
        self.later(RetentionChange::SetAside {
            sequence: row.sequence,
            reason,
        });
    }
}
