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

#[cfg(test)]
mod tests {
    use rumqttc::mqttbytes::v4::{self, PubAck, PubComp, PubRec, PubRel};

    use super::*;

    fn publish(qos: QoS, topic: &str) -> Publish {
        Publish::new(topic, qos, b"x")
    }

    fn from_broker(qos: QoS, pkid: u16, dup: bool) -> Packet {
        Packet::Publish(v4::Publish {
            pkid,
            dup,
            ..v4::Publish::new("t", qos, b"x".to_vec())
        })
    }

    fn packets(out: &mut BytesMut) -> Vec<Packet> {
        std::iter::from_fn(|| Packet::read(out, usize::MAX).ok()).collect()
    }

    fn session() -> (Session<&'static str>, BytesMut) {
        (Session::new(3), BytesMut::new())
    }

    #[test]
    fn qos_2_goes_through_its_four_packets() {
        let (mut session, mut out) = session();
        assert_eq!(
            session.publish(publish(QoS::ExactlyOnce, "a"), "a", &mut out),
            None
        );
        assert!(matches!(
            packets(&mut out)[..],
            [Packet::Publish(v4::Publish {
                pkid: 1,
                dup: false,
                ..
            })]
        ));
        assert_eq!(
            session.handle((&Packet::PubRec(PubRec { pkid: 1 })).into(), &mut out),
            Ok(None)
        );
        assert_eq!(packets(&mut out), [Packet::PubRel(PubRel { pkid: 1 })]);
        let done = session.handle((&Packet::PubComp(PubComp { pkid: 1 })).into(), &mut out);
        let sent = publish(QoS::ExactlyOnce, "a");
        assert_eq!(done, Ok(Some(Event::Acknowledged("a", Some(sent)))));
        assert_eq!(session.unacknowledged(), 0);
    }

    #[test]
    fn a_resumed_session_repeats_what_is_unacknowledged_in_order() {
        let (mut session, mut out) = session();
        for (qos, name) in [
            (QoS::AtLeastOnce, "a"),
            (QoS::ExactlyOnce, "b"),
            (QoS::AtLeastOnce, "c"),
        ] {
            session.publish(publish(qos, name), name, &mut out);
        }
        assert!(!session.has_room());
        session
            .handle((&Packet::PubRec(PubRec { pkid: 2 })).into(), &mut out)
            .unwrap();
        out.clear();
        session.resume(&mut out);
        match &packets(&mut out)[..] {
            [Packet::Publish(a), Packet::PubRel(b), Packet::Publish(c)] => {
                assert!((a.dup, a.pkid, b.pkid, c.dup, c.pkid) == (true, 1, 2, true, 3));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lost_session_gives_back_what_the_broker_has_not_taken() {
        let (mut session, mut out) = session();
        session.publish(publish(QoS::AtLeastOnce, "a"), "a", &mut out);
        session.publish(publish(QoS::ExactlyOnce, "b"), "b", &mut out);
        session
            .handle((&Packet::PubRec(PubRec { pkid: 2 })).into(), &mut out)
            .unwrap();
        match &session.reset()[..] {
            [
                Unacknowledged::Message(a, "a"),
                Unacknowledged::Taken("b", Some(b)),
            ] => {
                assert_eq!((a.view().topic(), b.view().topic()), (&b"a"[..], &b"b"[..]));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(session.unacknowledged(), 0);
    }

    #[test]
    fn repeated_and_unknown_acknowledgements_are_harmless() {
        let (mut session, mut out) = session();
        session.publish(publish(QoS::ExactlyOnce, "a"), "a", &mut out);
        out.clear();
        for packet in [
            Packet::PubAck(PubAck { pkid: 1 }),
            Packet::PubAck(PubAck { pkid: 9 }),
            Packet::PubComp(PubComp { pkid: 1 }),
            Packet::PubComp(PubComp { pkid: 9 }),
        ] {
            assert_eq!(session.handle((&packet).into(), &mut out), Ok(None));
        }
        assert!(out.is_empty() && session.unacknowledged() == 1);
        for pkid in [1, 1, 9] {
            assert_eq!(
                session.handle((&Packet::PubRec(PubRec { pkid })).into(), &mut out),
                Ok(None)
            );
            assert_eq!(packets(&mut out), [Packet::PubRel(PubRel { pkid })]);
        }
        for _ in 0..2 {
            for answered in [true, false] {
                assert_eq!(
                    session.handle((&Packet::PubRel(PubRel { pkid: 7 })).into(), &mut out),
                    Ok(None)
                );
                // Once on each link: a second answer is one to nothing.
                let answer = [Packet::PubComp(PubComp { pkid: 7 })];
                assert_eq!(packets(&mut out), answer[..usize::from(answered)]);
            }
            session.resume(&mut out);
            packets(&mut out);
        }
        // The id of another message.
        let ack = message(
            &mut session,
            from_broker(QoS::ExactlyOnce, 7, false),
            &mut out,
        );
        session.acknowledge(ack.unwrap(), &mut out);
        session
            .handle((&Packet::PubRel(PubRel { pkid: 7 })).into(), &mut out)
            .unwrap();
        assert_eq!(
            packets(&mut out),
            [
                Packet::PubRec(PubRec { pkid: 7 }),
                Packet::PubComp(PubComp { pkid: 7 })
            ]
        );
    }

    #[test]
    fn the_id_of_a_stored_message_is_released_once_the_store_knows() {
        let (mut session, mut out) = session();
        session.publish_stored(publish(QoS::ExactlyOnce, "a"), 7, false, "a", &mut out);
        let id = 0x8007;
        assert!(matches!(
            packets(&mut out)[..],
            [Packet::Publish(v4::Publish { pkid, .. })] if pkid == id
        ));
        assert!(!session.has_room_for(7 + 0x8000) && session.has_room_for(8));
        let recorded = Packet::PubRec(PubRec { pkid: id });
        assert_eq!(
            session.handle((&recorded).into(), &mut out),
            Ok(Some(Event::Recorded(7)))
        );
        // Repeated while the store is at it, also over another link.
        assert_eq!(session.handle((&recorded).into(), &mut out), Ok(None));
        session.resume(&mut out);
        assert!(out.is_empty());
        for _ in 0..2 {
            session.answer(Answer::Noted(7), &mut out);
        }
        assert_eq!(packets(&mut out), [Packet::PubRel(PubRel { pkid: id })]);
        session.resume(&mut out);
        assert_eq!(packets(&mut out), [Packet::PubRel(PubRel { pkid: id })]);
        assert_eq!(
            session.handle((&Packet::PubComp(PubComp { pkid: id })).into(), &mut out),
            Ok(Some(Event::Acknowledged(
                "a",
                Some(publish(QoS::ExactlyOnce, "a"))
            )))
        );
        session.release_stored(7, "again", &mut out);
        assert_eq!(packets(&mut out), [Packet::PubRel(PubRel { pkid: id })]);
    }

    #[test]
    fn no_id_of_an_earlier_process_is_used_before_it_is_free() {
        let (mut session, mut out) = session();
        session.restore(4, [9]);
        assert!(!session.has_room());
        session.resume(&mut out);
        let releases = (1..=4).map(|pkid| Packet::PubRel(PubRel { pkid }));
        assert_eq!(packets(&mut out), releases.collect::<Vec<_>>());
        for pkid in [2, 4] {
            assert_eq!(
                session.handle((&Packet::PubComp(PubComp { pkid })).into(), &mut out),
                Ok(Some(Event::Freed))
            );
        }
        assert!(session.has_room());
        session.publish(publish(QoS::AtLeastOnce, "a"), "a", &mut out);
        assert!(matches!(
            packets(&mut out)[..],
            [Packet::Publish(v4::Publish { pkid: 2, .. })]
        ));
        // What the application has is not delivered again, and forgotten by the store before the broker forgets it.
        assert_eq!(
            session.handle((&from_broker(QoS::ExactlyOnce, 9, true)).into(), &mut out),
            Ok(None)
        );
        assert_eq!(packets(&mut out), [Packet::PubRec(PubRec { pkid: 9 })]);
        assert_eq!(
            session.handle((&Packet::PubRel(PubRel { pkid: 9 })).into(), &mut out),
            Ok(Some(Event::Released(9)))
        );
        assert!(out.is_empty());
        session.answer(Answer::Forgotten(9), &mut out);
        assert_eq!(packets(&mut out), [Packet::PubComp(PubComp { pkid: 9 })]);
    }

    #[test]
    fn a_noted_message_is_forgotten_before_it_is_completed() {
        let (mut session, mut out) = session();
        let once = from_broker(QoS::ExactlyOnce, 6, false);
        let ack = message(&mut session, once, &mut out).unwrap();
        assert_eq!(ack.once(), Some(6));
        session.answer(Answer::Kept(ack), &mut out);
        assert_eq!(packets(&mut out), [Packet::PubRec(PubRec { pkid: 6 })]);
        for _ in 0..2 {
            assert_eq!(
                session.handle((&Packet::PubRel(PubRel { pkid: 6 })).into(), &mut out),
                Ok(Some(Event::Released(6)))
            );
        }
        session.answer(Answer::Forgotten(6), &mut out);
        session.answer(Answer::Forgotten(6), &mut out);
        assert_eq!(packets(&mut out), [Packet::PubComp(PubComp { pkid: 6 })]);
    }

    #[test]
    fn packet_ids_in_use_are_never_given_again() {
        let mut session = Session::new(2);
        let mut out = BytesMut::new();
        session.publish(publish(QoS::AtLeastOnce, "held"), 0, &mut out);
        for round in 0..70_000_u32 {
            session.publish(publish(QoS::AtLeastOnce, "t"), round, &mut out);
            let Some(Packet::Publish(sent)) = packets(&mut out).pop() else {
                panic!("no packet")
            };
            assert!(sent.pkid > 1, "id {} in round {round}", sent.pkid);
            session
                .handle(
                    (&Packet::PubAck(PubAck { pkid: sent.pkid })).into(),
                    &mut out,
                )
                .unwrap();
        }
    }

    fn message(
        session: &mut Session<&'static str>,
        packet: Packet,
        out: &mut BytesMut,
    ) -> Option<Ack> {
        match session.handle((&packet).into(), out) {
            Ok(Some(Event::Message(_, ack))) => ack,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn acknowledgements_leave_in_the_order_of_the_messages() {
        let (mut session, mut out) = session();
        let first = message(
            &mut session,
            from_broker(QoS::AtLeastOnce, 5, false),
            &mut out,
        )
        .unwrap();
        let second = message(
            &mut session,
            from_broker(QoS::ExactlyOnce, 6, false),
            &mut out,
        )
        .unwrap();
        session.acknowledge(second, &mut out);
        assert!(out.is_empty());
        session.acknowledge(first, &mut out);
        assert_eq!(
            packets(&mut out),
            [
                Packet::PubAck(PubAck { pkid: 5 }),
                Packet::PubRec(PubRec { pkid: 6 })
            ]
        );
    }

    #[test]
    fn qos_2_duplicates_are_filtered_until_released_and_over_reconnects() {
        let (mut session, mut out) = session();
        let ack = message(
            &mut session,
            from_broker(QoS::ExactlyOnce, 6, false),
            &mut out,
        )
        .unwrap();
        // Not yet with the application: the repetition is neither delivered nor acknowledged.
        session.resume(&mut out);
        assert_eq!(
            session.handle((&from_broker(QoS::ExactlyOnce, 6, true)).into(), &mut out),
            Ok(None)
        );
        assert!(out.is_empty());
        session.acknowledge(ack, &mut out);
        assert_eq!(packets(&mut out), [Packet::PubRec(PubRec { pkid: 6 })]);
        // With the application, and the PUBREC lost.
        session.resume(&mut out);
        assert_eq!(
            session.handle((&from_broker(QoS::ExactlyOnce, 6, true)).into(), &mut out),
            Ok(None)
        );
        assert_eq!(packets(&mut out), [Packet::PubRec(PubRec { pkid: 6 })]);
        session
            .handle((&Packet::PubRel(PubRel { pkid: 6 })).into(), &mut out)
            .unwrap();
        out.clear();
        message(
            &mut session,
            from_broker(QoS::ExactlyOnce, 6, false),
            &mut out,
        )
        .unwrap();
    }

    #[test]
    fn what_the_application_took_while_the_link_was_down_is_acknowledged_when_repeated() {
        let (mut session, mut out) = session();
        let ack = message(
            &mut session,
            from_broker(QoS::AtLeastOnce, 5, false),
            &mut out,
        )
        .unwrap();
        session.resume(&mut out);
        session.acknowledge(ack, &mut out);
        assert!(
            out.is_empty(),
            "the broker has not repeated it on this link"
        );
        assert_eq!(
            session.handle((&from_broker(QoS::AtLeastOnce, 5, true)).into(), &mut out),
            Ok(None)
        );
        assert_eq!(packets(&mut out), [Packet::PubAck(PubAck { pkid: 5 })]);
    }

    #[test]
    fn what_could_not_be_kept_is_taken_again_and_holds_up_nothing() {
        let (mut session, mut out) = session();
        let failed = message(
            &mut session,
            from_broker(QoS::ExactlyOnce, 5, false),
            &mut out,
        )
        .unwrap();
        let next = message(
            &mut session,
            from_broker(QoS::AtLeastOnce, 6, false),
            &mut out,
        )
        .unwrap();
        session.acknowledge(next, &mut out);
        session.answer(Answer::Failed(failed), &mut out);
        assert_eq!(packets(&mut out), [Packet::PubAck(PubAck { pkid: 6 })]);
        let again = message(
            &mut session,
            from_broker(QoS::ExactlyOnce, 5, true),
            &mut out,
        )
        .unwrap();
        session.resume(&mut out);
        session.answer(Answer::Failed(again), &mut out);
        message(
            &mut session,
            from_broker(QoS::ExactlyOnce, 5, true),
            &mut out,
        )
        .unwrap();
    }

    #[test]
    fn acknowledgements_of_a_lost_session_are_forgotten() {
        let (mut session, mut out) = session();
        let old = message(
            &mut session,
            from_broker(QoS::AtLeastOnce, 5, false),
            &mut out,
        )
        .unwrap();
        session.reset();
        message(
            &mut session,
            from_broker(QoS::AtLeastOnce, 5, false),
            &mut out,
        )
        .unwrap();
        session.acknowledge(old, &mut out);
        assert!(out.is_empty());
    }

    #[test]
    fn a_repetition_that_crosses_its_acknowledgement_is_not_answered() {
        let (mut session, mut out) = session();
        let first = from_broker(QoS::AtLeastOnce, 5, false);
        let taken = message(&mut session, first, &mut out).unwrap();
        session.acknowledge(taken, &mut out);
        assert_eq!(packets(&mut out), [Packet::PubAck(PubAck { pkid: 5 })]);
        let repetition = from_broker(QoS::AtLeastOnce, 5, true);
        assert_eq!(session.handle((&repetition).into(), &mut out), Ok(None));
        assert!(out.is_empty());
        // The next message of that id, which the acknowledgement above freed.
        let next = from_broker(QoS::AtLeastOnce, 5, false);
        let next = message(&mut session, next, &mut out).unwrap();
        session.acknowledge(taken, &mut out);
        assert!(out.is_empty() && session.holds(next) && !session.holds(taken));
    }

    #[test]
    fn packets_of_a_client_are_refused() {
        let (mut session, mut out) = session();
        let error = session
            .handle((&Packet::PingReq).into(), &mut out)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the server sent a PINGREQ packet, which is not its to send"
        );
    }
}
