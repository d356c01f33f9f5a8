//! Messages on their way to the broker.

use std::collections::VecDeque;

use rumqttc::mqttbytes::{QoS, v4::Publish};

#[derive(Debug)]
pub(super) struct Outgoing<T> {
    window: u16,
    last_id: u16,
    /// In the order in which they were sent first, which is the order in which they are repeated.
    ///
    /// Searched from the front: acknowledgements come in order, and the window bounds the rest.
    in_flight: VecDeque<InFlight<T>>,
    subscribing: Vec<u16>,
}

#[derive(Debug)]
struct InFlight<T> {
    id: u16,
    state: State,
    token: T,
}

#[derive(Debug)]
enum State {
    Published(Publish),
    /// QoS 2: the broker has the message, and only the id is still taken.
    Released,
}

/// What is sent again over a new link.
pub(super) enum Repeated<'a> {
    Publish(&'a Publish),
    Release(u16),
}

/// A message that was in flight when the broker lost the session.
#[derive(Debug)]
pub(crate) enum Unacknowledged<T> {
    /// The broker may or may not have it.
    Message(Publish, T),
    /// The broker said that it has it.
    Taken(T),
}

impl<T> Outgoing<T> {
    pub(super) fn new(window: u16) -> Self {
        Self {
            window,
            last_id: 0,
            in_flight: VecDeque::new(),
            subscribing: Vec::new(),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.in_flight.len() < usize::from(self.window)
    }

    pub(super) fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// An id that nothing on its way has. There is one, because the window is smaller than the range of ids.
    pub(super) fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let id = self.last_id;
            if self.in_flight.iter().all(|sent| sent.id != id) && !self.subscribing.contains(&id) {
                return id;
            }
        }
    }

    pub(super) fn sent(&mut self, publish: Publish, token: T) {
        self.in_flight.push_back(InFlight {
            id: publish.pkid,
            state: State::Published(publish),
            token,
        });
    }

    pub(super) fn subscribing(&mut self) -> u16 {
        let id = self.next_id();
        self.subscribing.push(id);
        id
    }

    /// Returns whether a subscription with this id was on its way.
    pub(super) fn subscribed(&mut self, id: u16) -> bool {
        let found = self
            .subscribing
            .iter()
            .position(|subscribing| *subscribing == id);
        found
            .map(|index| self.subscribing.swap_remove(index))
            .is_some()
    }

    /// A PUBACK; returns the token of the message where it is one of QoS 1.
    pub(super) fn acknowledged(&mut self, id: u16) -> Option<T> {
        self.take(|sent| {
            sent.id == id && matches!(&sent.state, State::Published(publish) if publish.qos == QoS::AtLeastOnce)
        })
    }

    /// A PUBREC; returns whether it is to be answered.
    pub(super) fn recorded(&mut self, id: u16) -> bool {
        match self.in_flight.iter_mut().find(|sent| sent.id == id) {
            Some(InFlight {
                state: State::Published(publish),
                ..
            }) if publish.qos == QoS::AtLeastOnce => false,
            Some(sent) => {
                sent.state = State::Released;
                true
            }
            None => true,
        }
    }

    /// A PUBCOMP; returns the token of the message where it was released.
    pub(super) fn completed(&mut self, id: u16) -> Option<T> {
        self.take(|sent| sent.id == id && matches!(sent.state, State::Released))
    }

    /// Repeats everything. Subscriptions are not repeated: whoever sent them does so where they are still wanted.
    pub(super) fn resume(&mut self, mut write: impl FnMut(Repeated<'_>)) {
        self.subscribing.clear();
        for sent in &mut self.in_flight {
            match &mut sent.state {
                State::Published(publish) => {
                    publish.dup = true;
                    write(Repeated::Publish(publish));
                }
                State::Released => write(Repeated::Release(sent.id)),
            }
        }
    }

    pub(super) fn reset(&mut self) -> Vec<Unacknowledged<T>> {
        self.subscribing.clear();
        let in_flight = std::mem::take(&mut self.in_flight);
        let unacknowledged = in_flight.into_iter().map(|sent| match sent.state {
            State::Published(publish) => Unacknowledged::Message(
                Publish {
                    dup: false,
                    pkid: 0,
                    ..publish
                },
                sent.token,
            ),
            State::Released => Unacknowledged::Taken(sent.token),
        });
        unacknowledged.collect()
    }

    fn take(&mut self, wanted: impl Fn(&InFlight<T>) -> bool) -> Option<T> {
        let index = self.in_flight.iter().position(wanted)?;
        self.in_flight.remove(index).map(|sent| sent.token)
    }
}
