//! Device-owned properties on their way: which value is the newest, and the order in which the store is written.
//!
//! A value is stored, and then queued, under the lock of the book: so the order on the wire is the order in the store,
//! whoever sets. Stores that do not block are written where a property is set; for the others the keeper does it.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::{MutexGuard, PoisonError},
    task::Waker,
};

use super::{describe, shared::Shared};
use crate::{
    Ownership,
    delivery::{Delivery, Receipt, Settle},
    outbox::{InterfaceId, Message, MessageKind, PropertyId, Refusal, SentProperty},
    publish::{Publish, PublishRef},
    sending::SendError,
    status::{RejectReason, Rejected, Status},
    store::{Change, Property, PropertyStore, State, StoreError},
    trace,
};

/// Where what concerns no property in particular is told, which no interface can be called.
pub(super) const CONTROL: &str = "control";

#[derive(Debug, Default)]
pub(crate) struct Book {
    /// The serial of the newest value of each property that the broker has not acknowledged.
    newest: HashMap<PropertyId, u64>,
    last_serial: u64,
}

/// A property that the broker has acknowledged.
#[derive(Debug)]
pub(crate) struct AcknowledgedProperty {
    pub(crate) sent: SentProperty,
    pub(crate) publish: Publish,
    pub(crate) settle: Option<(Settle, Receipt)>,
}

/// What became of a property that was to be set at once.
#[derive(Debug)]
pub(crate) enum SetAtOnce {
    Done(Result<Delivery, SendError>),
    /// The queue is full; the waker is woken once there may be room.
    Full,
    /// The store blocks: the keeper is to be asked.
    Blocks,
}

impl Book {
    /// The serial of the newest value of a property; 0 where the broker has acknowledged it, or this process has not
    /// set it.
    pub(super) fn serial(&self, id: &PropertyId) -> u64 {
        self.newest.get(id).copied().unwrap_or(0)
    }

    pub(super) fn forget(&mut self, interfaces: &[InterfaceId]) {
        self.newest
            .retain(|id, _| !interfaces.contains(&id.interface()));
    }

    /// Stores properties, and queues those that the server does not have; returns what tells of each.
    pub(super) fn set(
        &mut self,
        shared: &Shared,
        store: &dyn PropertyStore,
        wanted: Vec<(PropertyId, Publish)>,
    ) -> Result<Vec<Delivery>, StoreError> {
        // What is set here is not in the store yet, and must be seen by what follows.
        let mut changed = HashSet::new();
        let (mut changes, mut is_known) = (Vec::new(), Vec::new());
        for (id, publish) in &wanted {
            let payload = publish.payload();
            let known = !changed.contains(id) && is_known_to_server(store, id, payload)?;
            is_known.push(known);
            if !known {
                changes.push(change(id, payload));
                changed.insert(id);
            }
        }
        store.apply(&changes)?;
        let deliveries = wanted.into_iter().zip(is_known);
        let deliveries = deliveries.map(|((id, publish), known)| match known {
            true => Delivery::settled(Receipt::Unchanged),
            false => self.publish(shared, id, publish),
        });
        Ok(deliveries.collect())
    }

    /// The same for one, without a list.
    fn set_one(
        &mut self,
        shared: &Shared,
        store: &dyn PropertyStore,
        id: PropertyId,
        publish: Publish,
    ) -> Result<Delivery, StoreError> {
        if is_known_to_server(store, &id, publish.payload())? {
            return Ok(Delivery::settled(Receipt::Unchanged));
        }
        store.apply(&[change(&id, publish.payload())])?;
        Ok(self.publish(shared, id, publish))
    }

    fn publish(&mut self, shared: &Shared, id: PropertyId, publish: Publish) -> Delivery {
        let (settle, delivery) = Delivery::waiting();
        self.last_serial += 1;
        let serial = self.last_serial;
        self.newest.insert(id.clone(), serial);
        // A device that has stopped settles by the drop, and so does a removed interface.
        shared.outbox.push_property(Message {
            publish,
            kind: MessageKind::Property(SentProperty { id, serial }),
            delivery: Some(settle),
            repeated: false,
        });
        delivery
    }

    /// Notes in the store what the broker has acknowledged. Also returns those who are to be told, without the lock.
    pub(super) fn acknowledge(
        &mut self,
        store: &dyn PropertyStore,
        acknowledged: Vec<AcknowledgedProperty>,
    ) -> (Result<(), StoreError>, Vec<(Settle, Receipt)>) {
        let mut changes = Vec::new();
        let mut settled = Vec::new();
        for property in acknowledged {
            changes.extend(self.acknowledged(property.sent, &property.publish));
            settled.extend(property.settle);
        }
        let noted = match changes.is_empty() {
            true => Ok(()),
            false => store.apply(&changes),
        };
        (noted, settled)
    }

    /// The same for one, without a list.
    fn acknowledge_one(
        &mut self,
        store: &dyn PropertyStore,
        sent: SentProperty,
        publish: &Publish,
    ) -> Result<(), StoreError> {
        match self.acknowledged(sent, publish) {
            Some(change) => store.apply(&[change]),
            None => Ok(()),
        }
    }

    /// What is to be noted of a value that the broker has: nothing where it is not the newest, of which an older one says
    /// nothing.
    fn acknowledged(&mut self, sent: SentProperty, publish: &Publish) -> Option<Change> {
        let id = match self.newest.entry(sent.id) {
            Entry::Occupied(newest) if *newest.get() == sent.serial => newest.remove_entry().0,
            // Of an earlier process.
            Entry::Vacant(none) if sent.serial == 0 => none.into_key(),
            _ => return None,
        };
        Some(Change::Acknowledge {
            interface: id.interface.to_owned(),
            major: id.major,
            path: id.path.as_ref().to_owned(),
            payload: publish.payload().to_vec(),
        })
    }
}

/// Tells whoever waits. Nobody does where the `Delivery` was dropped.
pub(super) fn settle((settle, receipt): (Settle, Receipt)) {
    let _ = settle.send(Ok(receipt));
}

impl Shared {
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        // A store that panicked has not stored, and what follows on storing has not happened.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a property, or unsets it by an empty payload, where the store does not block.
    pub(crate) fn set_at_once(
        &self,
        id: &PropertyId,
        publish: PublishRef<'_>,
        waker: &Waker,
    ) -> SetAtOnce {
        let store = match self.property_store() {
            Ok(store) if store.blocks() => return SetAtOnce::Blocks,
            Ok(store) => store,
            Err(error) => return SetAtOnce::Done(Err(error)),
        };
        let mut book = self.book();
        // With the lock: the rows of an interface that is removed are deleted after this, or not made.
        match self.outbox.place_property(id.interface(), waker) {
            Ok(()) => {}
            Err(Refusal::Full) => return SetAtOnce::Full,
            Err(Refusal::Removed) => {
                let interface = id.interface;
                return SetAtOnce::Done(Err(SendError::Removed { interface }));
            }
            Err(Refusal::Closed | Refusal::Offline) => {
                return SetAtOnce::Done(Err(self.closed()));
            }
        }
        let (id, publish) = (id.clone(), publish.to_owned());
        let set = book.set_one(self, store.as_ref(), id, publish);
        SetAtOnce::Done(set.map_err(|error| {
            trace::event!(warn, "the property store failed", error = describe(&error));
            SendError::Store(error)
        }))
    }

    /// Notes what the broker has acknowledged where the store does not block; gives it back where it does.
    pub(super) fn acknowledge_at_once(
        &self,
        property: AcknowledgedProperty,
    ) -> Option<AcknowledgedProperty> {
        let Some(store) = self.store().ok().filter(|store| !store.blocks()) else {
            return Some(property);
        };
        let AcknowledgedProperty {
            sent,
            publish,
            settle: waiting,
        } = property;
        let noted = self.book().acknowledge_one(store.as_ref(), sent, &publish);
        waiting.into_iter().for_each(settle);
        if let Err(error) = noted {
            self.reject_store(CONTROL, String::new(), &error);
        }
        None
    }

    /// Tells that something could not be stored.
    pub(super) fn reject_store(&self, interface: &str, path: String, error: &StoreError) {
        self.status.tell(Status::Rejected(Rejected {
            interface: interface.to_owned(),
            path,
            reason: RejectReason::Store(describe(error)),
        }));
    }
}

/// Whether the server has this value of a property already, or has none where it is to be unset.
fn is_known_to_server(
    store: &dyn PropertyStore,
    id: &PropertyId,
    payload: &[u8],
) -> Result<bool, StoreError> {
    Ok(match store.load(id.interface, id.major, &id.path)? {
        Some(row) => row.state == State::Sent && row.payload == payload,
        None => payload.is_empty(),
    })
}

fn change(id: &PropertyId, payload: &[u8]) -> Change {
    Change::Store(Property {
        interface: id.interface.to_owned(),
        major: id.major,
        path: id.path.as_ref().to_owned(),
        ownership: Ownership::Device,
        state: if payload.is_empty() {
            State::Unset
        } else {
            State::Unsent
        },
        payload: payload.to_vec(),
    })
}
