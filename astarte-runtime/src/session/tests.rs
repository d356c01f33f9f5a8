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

fn message(session: &mut Session<&'static str>, packet: Packet, out: &mut BytesMut) -> Option<Ack> {
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
