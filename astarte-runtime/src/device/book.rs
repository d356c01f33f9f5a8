//! Device-owned properties on their way: which value is the newest, and the order in which the store is written.
//!
//! A value is stored, and then queued, under the lock of the book: so the order on the wire is the order in the store,
//! whoever sets. Stores that do not block are written where a property is set; for the others the keeper does it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{MutexGuard, PoisonError},
    task::Waker,
};

use super::{describe, shared::Shared};
use crate::{
    Ownership,
    delivery::{Delivery, Receipt, Settle},
    outbox::{self, InterfaceId, Refusal, SentProperty},
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
    /// The serial of the newest value of each property, by the bytes of its path, that the broker has not acknowledged.
    newest: BTreeMap<InterfaceId, BTreeMap<Box<[u8]>, u64>>,
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

/// A value that a property is to have, or had when it was sent.
#[derive(Clone, Copy)]
struct Value<'a> {
    interface: InterfaceId,
    path: &'a str,
    /// Empty where the property is unset.
    payload: &'a [u8],
}

impl Book {
    /// The serial of the newest value of a property; none where the broker has acknowledged it, or this process has not
    /// set it.
    pub(super) fn newest(&self, interface: InterfaceId, path: &str) -> Option<u64> {
        self.newest.get(&interface)?.get(path.as_bytes()).copied()
    }

    pub(super) fn forget(&mut self, interfaces: &[InterfaceId]) {
        self.newest
            .retain(|interface, _| !interfaces.contains(interface));
    }

    /// Stores properties, and queues those that the server does not have; returns what tells of each.
    pub(super) fn set(
        &mut self,
        shared: &Shared,
        store: &dyn PropertyStore,
        wanted: &[(InterfaceId, Publish)],
    ) -> Result<Vec<Delivery>, StoreError> {
        // What is set here is not in the store yet, and must be seen by what follows.
        let mut changed = BTreeSet::new();
        let (mut changes, mut new) = (Vec::new(), Vec::new());
        for (interface, publish) in wanted {
            let value = Value::of(shared, *interface, publish.view());
            let row = (*interface, value.path);
            // One that is on its way is not known to be there.
            let is_new = changed.contains(&row)
                || self.newest(*interface, value.path).is_some()
                || !is_known_to_server(store, value)?;
            if is_new {
                changes.push(value.change());
                changed.insert(row);
            }
            new.push(is_new.then_some(value));
        }
        store.apply(&changes)?;
        let deliveries = wanted.iter().zip(new);
        let deliveries = deliveries.map(|((_, publish), new)| match new {
            Some(value) => {
                let sent = self.note(value);
                queue(shared, publish.view(), sent)
            }
            None => Delivery::settled(Receipt::Unchanged),
        });
        Ok(deliveries.collect())
    }

    /// The same for one, without a list.
    fn set_one(
        &mut self,
        shared: &Shared,
        store: &dyn PropertyStore,
        interface: InterfaceId,
        publish: PublishRef<'_>,
    ) -> Result<Delivery, StoreError> {
        let value = Value::of(shared, interface, publish);
        let of_interface = self.newest.get_mut(&interface);
        let newest = of_interface.and_then(|newest| newest.get_mut(value.path.as_bytes()));
        let sent = match newest {
            Some(newest) => {
                store.apply(&[value.change()])?;
                self.last_serial += 1;
                let serial = self.last_serial;
                *newest = serial;
                SentProperty { interface, serial }
            }
            None if is_known_to_server(store, value)? => {
                return Ok(Delivery::settled(Receipt::Unchanged));
            }
            None => {
                store.apply(&[value.change()])?;
                self.note(value)
            }
        };
        Ok(queue(shared, publish, sent))
    }

    /// Notes that a value is the newest of its property.
    fn note(&mut self, value: Value<'_>) -> SentProperty {
        let Value {
            interface, path, ..
        } = value;
        self.last_serial += 1;
        let serial = self.last_serial;
        let newest = self.newest.entry(interface).or_default();
        match newest.get_mut(path.as_bytes()) {
            Some(newest) => *newest = serial,
            None => drop(newest.insert(path.as_bytes().into(), serial)),
        }
        SentProperty { interface, serial }
    }

    /// Notes in the store what the broker has acknowledged.
    pub(super) fn acknowledge(
        &mut self,
        shared: &Shared,
        store: &dyn PropertyStore,
        acknowledged: &[AcknowledgedProperty],
    ) -> Result<(), StoreError> {
        let changes: Vec<_> = acknowledged
            .iter()
            .filter_map(|property| self.acknowledged(shared, property))
            .collect();
        match changes.is_empty() {
            true => Ok(()),
            false => store.apply(&changes),
        }
    }

    /// The same for one, without a list.
    fn acknowledge_one(
        &mut self,
        shared: &Shared,
        store: &dyn PropertyStore,
        acknowledged: &AcknowledgedProperty,
    ) -> Result<(), StoreError> {
        match self.acknowledged(shared, acknowledged) {
            Some(change) => store.apply(&[change]),
            None => Ok(()),
        }
    }

    /// What is to be noted of a value that the broker has: nothing where it is not the newest, of which an older one says
    /// nothing.
    fn acknowledged<'a>(
        &mut self,
        shared: &Shared,
        acknowledged: &'a AcknowledgedProperty,
    ) -> Option<Change<'a>> {
        let SentProperty { interface, serial } = acknowledged.sent;
        let (topic, payload) = acknowledged.publish.view().parts();
        let path = outbox::path(topic, shared.base.len(), interface.name);
        let newest = self.newest.entry(interface).or_default();
        // 0 is of an earlier process.
        if newest.get(path).copied().unwrap_or(0) != serial {
            return None;
        }
        newest.remove(path);
        Some(Change::Acknowledge {
            interface: interface.name.into(),
            major: interface.major,
            path: text(path).into(),
            payload: payload.into(),
        })
    }
}

/// Queues a value that is stored.
fn queue(shared: &Shared, publish: PublishRef<'_>, sent: SentProperty) -> Delivery {
    let (settle, delivery) = shared.deliveries.waiting();
    // A device that has stopped settles by the drop, and so does a removed interface.
    shared.outbox.push_property(publish, sent, settle);
    delivery
}

/// Whether the server has this value of a property already, or has none where it is to be unset.
fn is_known_to_server(store: &dyn PropertyStore, value: Value<'_>) -> Result<bool, StoreError> {
    let Value {
        interface,
        path,
        payload,
    } = value;
    Ok(match store.load(interface.name, interface.major, path)? {
        Some(row) => row.state == State::Sent && *row.payload == *payload,
        None => payload.is_empty(),
    })
}

impl<'a> Value<'a> {
    fn of(shared: &Shared, interface: InterfaceId, publish: PublishRef<'a>) -> Self {
        let (topic, payload) = publish.parts();
        Self {
            interface,
            path: text(outbox::path(topic, shared.base.len(), interface.name)),
            payload,
        }
    }

    fn change(self) -> Change<'a> {
        Change::Store(Property {
            interface: self.interface.name.into(),
            major: self.interface.major,
            path: self.path.into(),
            ownership: Ownership::Device,
            state: if self.payload.is_empty() {
                State::Unset
            } else {
                State::Unsent
            },
            payload: self.payload.into(),
        })
    }
}

/// A path that was text when it was written.
fn text(path: &[u8]) -> &str {
    std::str::from_utf8(path).unwrap_or_default()
}

impl AcknowledgedProperty {
    /// Tells whoever waits.
    pub(super) fn settle(self) -> Publish {
        if let Some((settle, receipt)) = self.settle {
            settle.tell(Ok(receipt));
        }
        self.publish
    }
}

impl Shared {
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        // A store that panicked has not stored, and what follows on storing has not happened.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a property, or unsets it by an empty payload, where the store does not block.
    pub(crate) fn set_at_once(
        &self,
        interface: InterfaceId,
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
        match self.outbox.place_property(interface, waker) {
            Ok(()) => {}
            Err(Refusal::Full) => return SetAtOnce::Full,
            Err(Refusal::Removed) => {
                let interface = interface.name;
                return SetAtOnce::Done(Err(SendError::Removed { interface }));
            }
            Err(Refusal::Closed | Refusal::Offline) => {
                return SetAtOnce::Done(Err(self.closed()));
            }
        }
        let set = book.set_one(self, store.as_ref(), interface, publish);
        SetAtOnce::Done(set.map_err(|error| {
            trace::event!(warn, "the property store failed", error = describe(&error));
            SendError::Store(error)
        }))
    }

    /// Notes what the broker has acknowledged where the store does not block, and returns the packet; gives it back where it
    /// does.
    pub(super) fn acknowledge_at_once(
        &self,
        property: AcknowledgedProperty,
    ) -> Result<Publish, AcknowledgedProperty> {
        let Some(store) = self.store().ok().filter(|store| !store.blocks()) else {
            return Err(property);
        };
        let noted = self.book().acknowledge_one(self, store.as_ref(), &property);
        let publish = property.settle();
        if let Err(error) = noted {
            self.reject_store(CONTROL, String::new(), &error);
        }
        Ok(publish)
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
