//! The MQTT session: packet ids, acknowledgements and what must survive a reconnect. No I/O, no clock.
//!
//! The caller hands in received packets and gets events; what is to be sent is appended to a buffer. Nothing that a
//! broker sends out of order is fatal: repeated and unknown acknowledgements are answered or ignored, because brokers
//! repeat packets on a live link and after a reconnect.

mod incoming;
#[cfg(test)]
mod model;
mod outgoing;
mod received;
mod reply;
#[cfg(test)]
mod tests;

use bytes::BytesMut;
use rumqttc::mqttbytes::{
    QoS,
    v4::{Packet, Subscribe, SubscribeReasonCode, UnsubAck, Unsubscribe},
};
use thiserror::Error;

use crate::publish::Publish;

use self::{
    incoming::{Incoming, Released, Verdict},
    outgoing::{Outgoing, Recorded, Repeated},
    reply::Reply,
};

pub(crate) use self::{
    incoming::{Ack, Answer},
    outgoing::Unacknowledged,
    received::{Publication, Received, read},
};

/// A session whose outgoing messages carry a token `T`, given back when they are acknowledged.
#[derive(Debug)]
pub(crate) struct Session<T> {
    outgoing: Outgoing<T>,
    incoming: Incoming,
}

/// What a received packet means to the caller.
#[derive(Debug, PartialEq)]
pub(crate) enum Event<'a, T> {
    /// The broker has taken responsibility for a message, whose packet is of no more use.
    Acknowledged(T, Option<Publish>),
    /// A packet id that an earlier process used is free.
    Freed,
    /// A message for the application. It must be acknowledged by [`Session::acknowledge`] where there is an `Ack`.
    Message(Publication<'a>, Option<Ack>),
    /// The answer to a ping.
    Pong,
    /// The broker has the stored message of this sequence number. [`Answer::Noted`] is to
    /// follow.
    Recorded(u64),
    /// The broker has released this id, which the store has a note of. [`Answer::Forgotten`] is to follow.
    Released(u16),
    /// The answer to a subscription.
    Subscribed(u16, Vec<SubscribeReasonCode>),
    /// The answer to the end of a subscription.
    Unsubscribed(u16),
}

/// The peer does not speak MQTT as a server.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the server sent a {packet} packet, which is not its to send")]
pub(crate) struct UnexpectedPacket {
    packet: &'static str,
}

impl<T> Session<T> {
    /// A new session that keeps at most `window` messages of QoS 1 and 2 unacknowledged.
    pub(crate) fn new(window: u16) -> Self {
        Self {
            outgoing: Outgoing::new(window),
            incoming: Incoming::default(),
        }
    }

    /// Whether a message of QoS 1 or 2 can be published.
    pub(crate) fn has_room(&self) -> bool {
        self.outgoing.has_room()
    }

    /// Whether the stored message of QoS 2 with this sequence number can be published.
    pub(crate) fn has_room_for(&self, sequence: u64) -> bool {
        self.outgoing.has_room_for(sequence)
    }

    /// How many messages are not yet acknowledged.
    pub(crate) fn unacknowledged(&self) -> usize {
        self.outgoing.len()
    }

    /// How many messages of the broker are not yet acknowledged.
    pub(crate) fn held(&self) -> usize {
        self.incoming.held()
    }

    /// Publishes a message. At QoS 0 the token comes back at once; otherwise there must be room.
    pub(crate) fn publish(&mut self, publish: Publish, token: T, out: &mut BytesMut) -> Option<T> {
        if publish.qos() == QoS::AtMostOnce {
            publish.view().write(0, false, out);
            return Some(token);
        }
        let id = self.outgoing.next_id();
        publish.view().write(id, false, out);
        self.outgoing.sent(id, publish, None, token);
        None
    }

    /// Publishes a message of QoS 2 that is in the store at this place, for which there must be room; `dup` where an earlier
    /// process may have sent it in this session.
    pub(crate) fn publish_stored(
        &mut self,
        publish: Publish,
        sequence: u64,
        dup: bool,
        token: T,
        out: &mut BytesMut,
    ) {
        let id = outgoing::stored_id(sequence);
        publish.view().write(id, dup, out);
        self.outgoing.sent(id, publish, Some(sequence), token);
    }

    /// Releases the id of a stored message that the broker has. There must be room for it.
    pub(crate) fn release_stored(&mut self, sequence: u64, token: T, out: &mut BytesMut) {
        let pkid = self.outgoing.releasing(sequence, token);
        Reply::Rel.write(pkid, out);
    }

    /// Takes up the session of an earlier process: of its messages only the ids are known, up to the highest, and the
    /// received ones of QoS 2 that its application has. [`resume`](Self::resume) follows.
    ///
    /// No id is used again before the broker has said that it is free.
    pub(crate) fn restore(&mut self, highest_id: u16, received: impl IntoIterator<Item = u16>) {
        self.outgoing.restore(highest_id);
        self.incoming.restore(received);
    }

    /// Subscribes, and returns the packet id that [`Event::Subscribed`] will have.
    pub(crate) fn subscribe(&mut self, mut subscribe: Subscribe, out: &mut BytesMut) -> u16 {
        subscribe.pkid = self.outgoing.subscribing();
        let id = subscribe.pkid;
        write(&Packet::Subscribe(subscribe), out);
        id
    }

    /// Ends subscriptions, and returns the packet id that [`Event::Unsubscribed`] will have.
    pub(crate) fn unsubscribe(&mut self, mut unsubscribe: Unsubscribe, out: &mut BytesMut) -> u16 {
        unsubscribe.pkid = self.outgoing.subscribing();
        let id = unsubscribe.pkid;
        write(&Packet::Unsubscribe(unsubscribe), out);
        id
    }

    /// Whether a message of these is on its way, and not known to be with the broker.
    pub(crate) fn is_sending(&self, wanted: impl Fn(&T) -> bool) -> bool {
        self.outgoing.unsure().any(wanted)
    }

    /// Handles a packet from the broker.
    pub(crate) fn handle<'a>(
        &mut self,
        received: Received<'a>,
        out: &mut BytesMut,
    ) -> Result<Option<Event<'a, T>>, UnexpectedPacket> {
        let unexpected = |packet| Err(UnexpectedPacket { packet });
        let packet = match received {
            Received::Publish(publication) => return Ok(self.received(publication, out)),
            Received::Reply(reply, pkid) => return Ok(self.replied(reply, pkid, out)),
            Received::Packet(packet) => packet,
        };
        Ok(match packet {
            Packet::SubAck(answer) => self
                .outgoing
                .subscribed(answer.pkid)
                .then_some(Event::Subscribed(answer.pkid, answer.return_codes)),
            Packet::UnsubAck(UnsubAck { pkid }) => self
                .outgoing
                .subscribed(pkid)
                .then_some(Event::Unsubscribed(pkid)),
            Packet::PingResp => Some(Event::Pong),
            // They are read as the other kinds.
            Packet::Publish(_)
            | Packet::PubAck(_)
            | Packet::PubRec(_)
            | Packet::PubRel(_)
            | Packet::PubComp(_) => None,
            Packet::ConnAck(_) => return unexpected("second CONNACK"),
            Packet::Connect(_) => return unexpected("CONNECT"),
            Packet::Disconnect => return unexpected("DISCONNECT"),
            Packet::PingReq => return unexpected("PINGREQ"),
            Packet::Subscribe(_) => return unexpected("SUBSCRIBE"),
            Packet::Unsubscribe(_) => return unexpected("UNSUBSCRIBE"),
        })
    }

    /// Whether a message is still to be acknowledged: not where it is one of a session that the broker has lost.
    pub(crate) fn holds(&self, ack: Ack) -> bool {
        self.incoming.holds(ack)
    }

    /// Says that a message is safe with the application. Acknowledgements leave in the order of the messages.
    pub(crate) fn acknowledge(&mut self, ack: Ack, out: &mut BytesMut) {
        self.answer(Answer::Safe(ack), out);
    }

    /// Says what became of a message.
    pub(crate) fn answer(&mut self, answer: Answer, out: &mut BytesMut) {
        match answer {
            Answer::Failed(ack) => self.incoming.forget(ack),
            Answer::Safe(ack) | Answer::Taken(ack) => self.incoming.acknowledge(ack, false),
            Answer::Kept(ack) => self.incoming.acknowledge(ack, true),
            Answer::Forgotten(pkid) => {
                if self.incoming.forgotten(pkid) {
                    Reply::Comp.write(pkid, out);
                }
            }
            Answer::Noted(sequence) => {
                if let Some(pkid) = self.outgoing.noted(sequence) {
                    Reply::Rel.write(pkid, out);
                }
            }
        }
        self.flush_acknowledgements(out);
    }

    /// Goes on over a new link on which the broker still has the session: sends again what is unacknowledged.
    pub(crate) fn resume(&mut self, out: &mut BytesMut) {
        self.incoming.resume();
        self.outgoing.resume(|repeated| match repeated {
            Repeated::Publish(id, publish) => publish.view().write(id, true, out),
            Repeated::Release(pkid) => Reply::Rel.write(pkid, out),
        });
    }

    /// Starts anew over a link on which the broker has no session; returns what it had not acknowledged, in order.
    pub(crate) fn reset(&mut self) -> Vec<Unacknowledged<T>> {
        self.incoming.reset();
        self.outgoing.reset()
    }

    fn received<'a>(
        &mut self,
        publish: Publication<'a>,
        out: &mut BytesMut,
    ) -> Option<Event<'a, T>> {
        match self.incoming.received(&publish) {
            Verdict::New(ack) => Some(Event::Message(publish, ack)),
            Verdict::Recorded => {
                Reply::Rec.write(publish.pkid, out);
                None
            }
            Verdict::Ended => None,
            Verdict::Repeated => {
                self.flush_acknowledgements(out);
                None
            }
        }
    }

    fn replied<'a>(&mut self, reply: Reply, pkid: u16, out: &mut BytesMut) -> Option<Event<'a, T>> {
        match reply {
            Reply::Ack => {
                let (token, publish) = self.outgoing.acknowledged(pkid)?;
                Some(Event::Acknowledged(token, publish))
            }
            Reply::Rec => match self.outgoing.recorded(pkid) {
                Recorded::Release => {
                    Reply::Rel.write(pkid, out);
                    None
                }
                Recorded::Note(sequence) => Some(Event::Recorded(sequence)),
                Recorded::Nothing => None,
            },
            Reply::Comp => Some(match self.outgoing.completed(pkid)? {
                Some((token, publish)) => Event::Acknowledged(token, publish),
                None => Event::Freed,
            }),
            Reply::Rel => match self.incoming.released(pkid) {
                Released::Complete => {
                    Reply::Comp.write(pkid, out);
                    None
                }
                Released::Forget => Some(Event::Released(pkid)),
                Released::Nothing => None,
            },
        }
    }

    fn flush_acknowledgements(&mut self, out: &mut BytesMut) {
        while let Some((pkid, qos)) = self.incoming.next_acknowledgement() {
            match qos {
                QoS::ExactlyOnce => Reply::Rec.write(pkid, out),
                _ => Reply::Ack.write(pkid, out),
            }
        }
    }
}

/// Appends a packet.
pub(crate) fn write(packet: &Packet, out: &mut BytesMut) {
    let start = out.len();
    // The codec refuses a packet over the limit or without an id. Sizes are checked where messages are made, and ids
    // are given just above; a refused packet must at least not leave half of itself behind.
    if packet.write(out, usize::MAX).is_err() {
        out.truncate(start);
    }
}
