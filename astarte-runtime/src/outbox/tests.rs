use rumqttc::mqttbytes::QoS;

use super::*;
use crate::{
    delivery::{Deliveries, Delivery},
    publish::Publish,
};

fn datastream(retention: Retention, expires: Option<Instant>) -> Datastream {
    Datastream {
        interface: InterfaceId {
            name: "org.example.A",
            major: 1,
        },
        retention,
        expires,
        ordered: false,
    }
}

fn message(name: &str, retention: Retention, expires: Option<Instant>) -> (Message, Delivery) {
    let (settle, delivery) = Deliveries::default().waiting();
    let publish = Publish::new(name, QoS::AtLeastOnce, b"");
    let kind = MessageKind::Datastream(datastream(retention, expires));
    (
        Message {
            publish,
            kind,
            delivery: Some(settle),
            repeated: false,
        },
        delivery,
    )
}

fn push(outbox: &Outbox, message: Message) -> Result<(), Refusal> {
    let MessageKind::Datastream(of) = message.kind else {
        panic!("{message:?}");
    };
    let place = outbox.place(&of, Waker::noop())?;
    place.fill(&of, message.publish.view(), message.delivery);
    Ok(())
}

fn push_unreliable(outbox: &Outbox, name: &str, of: Datastream) -> Result<(), Refusal> {
    let publish = Publish::new(name, QoS::AtMostOnce, b"");
    let place = outbox.place(&of, Waker::noop())?;
    place.fill_unreliable(&of, publish.view());
    Ok(())
}

/// What is taken, by its topics.
#[derive(Default)]
struct Topics(Vec<String>);

impl Sink for Topics {
    fn has_room(&self, _: Option<u64>) -> bool {
        true
    }

    fn send_unreliable<'p>(
        &mut self,
        publishes: impl Iterator<Item = PublishRef<'p>>,
    ) -> (usize, usize) {
        publishes.fold((0, 0), |(messages, bytes), publish| {
            self.0.push(topic(publish));
            (messages + 1, bytes + publish.bytes().len())
        })
    }

    fn send(&mut self, entry: Entry) {
        self.0.push(match entry {
            Entry::Message(message) => topic(message.publish.view()),
            other => format!("{other:?}"),
        });
    }
}

fn topic(publish: PublishRef<'_>) -> String {
    String::from_utf8_lossy(publish.topic()).into_owned()
}

fn taken(outbox: &Outbox) -> Vec<String> {
    let mut topics = Topics::default();
    outbox.take(&mut topics);
    topics.0
}

#[tokio::test]
async fn volatile_messages_wait_and_the_oldest_make_room() {
    let outbox = Outbox::new(10, 2);
    let (first, dropped) = message("1", Retention::Volatile, None);
    push(&outbox, first).unwrap();
    push(&outbox, message("2", Retention::Volatile, None).0).unwrap();
    push(&outbox, message("3", Retention::Volatile, None).0).unwrap();
    assert_eq!(dropped.await, Err(DeliveryError::Overflow));
    assert_eq!(
        push(&outbox, message("4", Retention::Discard, None).0),
        Err(Refusal::Offline)
    );
    outbox.set_mode(Mode::Online);
    push(&outbox, message("5", Retention::Discard, None).0).unwrap();
    assert_eq!(taken(&outbox), ["2", "3", "5"]);
}

#[tokio::test]
async fn what_expired_is_never_sent() {
    let outbox = Outbox::new(10, 10);
    let (expired, delivery) = message("1", Retention::Volatile, Some(Instant::now()));
    push(&outbox, expired).unwrap();
    push(&outbox, message("2", Retention::Volatile, None).0).unwrap();
    outbox.set_mode(Mode::Online);
    assert_eq!(taken(&outbox), ["2"]);
    assert_eq!(delivery.await, Err(DeliveryError::Expired));
}

#[tokio::test]
async fn a_broken_connection_drops_what_is_not_retained() {
    let outbox = Outbox::new(2, 10);
    outbox.set_mode(Mode::Online);
    let (discarded, delivery) = message("1", Retention::Discard, None);
    push(&outbox, discarded).unwrap();
    push(&outbox, message("2", Retention::Volatile, None).0).unwrap();
    assert_eq!(
        push(&outbox, message("3", Retention::Volatile, None).0),
        Err(Refusal::Full)
    );
    outbox.set_mode(Mode::Offline);
    assert_eq!(delivery.await, Err(DeliveryError::Offline));
    let (mut in_flight, _) = message("0", Retention::Discard, None);
    in_flight.repeated = true;
    outbox.put_back(vec![in_flight]);
    outbox.set_mode(Mode::Offline);
    assert_eq!(taken(&outbox), ["0", "2"]);
}

#[test]
fn unreliable_messages_keep_their_place_and_their_retention() {
    let outbox = Outbox::new(10, 3);
    outbox.set_mode(Mode::Online);
    let volatile = datastream(Retention::Volatile, None);
    let expired = datastream(Retention::Volatile, Some(Instant::now()));
    let discarded = datastream(Retention::Discard, None);
    push_unreliable(&outbox, "1", volatile).unwrap();
    push_unreliable(&outbox, "2", discarded).unwrap();
    push(&outbox, message("3", Retention::Volatile, None).0).unwrap();
    push_unreliable(&outbox, "4", expired).unwrap();
    push_unreliable(&outbox, "5", volatile).unwrap();
    outbox.set_mode(Mode::Offline);
    assert_eq!(
        push_unreliable(&outbox, "6", discarded),
        Err(Refusal::Offline)
    );
    assert_eq!(outbox.dropped().offline, 1);
    outbox.set_mode(Mode::Online);
    assert_eq!(taken(&outbox), ["3", "5"]);
    assert_eq!(
        (outbox.dropped().overflow, outbox.dropped().expired),
        (1, 1)
    );
    let other = Datastream {
        interface: InterfaceId {
            name: "org.example.B",
            major: 1,
        },
        ..volatile
    };
    push_unreliable(&outbox, "7", other).unwrap();
    push_unreliable(&outbox, "8", volatile).unwrap();
    outbox.retire(other.interface);
    assert_eq!(outbox.dropped().removed, 1);
    assert_eq!(taken(&outbox), ["8"]);
}

#[test]
fn the_backlog_has_its_turn_beside_many_unreliable_messages() {
    let outbox = Outbox::new(10, 10);
    outbox.set_mode(Mode::Online);
    let unreliable = datastream(Retention::Discard, None);
    for name in ["1", "2", "3"] {
        push_unreliable(&outbox, name, unreliable).unwrap();
    }
    for sequence in [1, 2] {
        let (stored, _) = message(&format!("stored {sequence}"), Retention::Stored, None);
        outbox.push_stored(sequence, stored);
    }
    assert_eq!(taken(&outbox), ["1", "stored 1", "2", "stored 2", "3"]);
}

#[tokio::test]
async fn parked_properties_make_room() {
    let outbox = Outbox::new(1, 1);
    outbox.set_mode(Mode::Online);
    let publish = Publish::new("a", QoS::ExactlyOnce, b"");
    let interface = datastream(Retention::Discard, None).interface;
    let sent = SentProperty {
        interface,
        serial: 1,
    };
    let (settle, _delivery) = Deliveries::default().waiting();
    outbox.push_property(publish.view(), sent, settle);
    let mut room = std::pin::pin!(outbox.room());
    let context = &mut std::task::Context::from_waker(Waker::noop());
    assert!(room.as_mut().poll(context).is_pending());
    let waiting = async {
        room.await;
        outbox.is_empty()
    };
    let parking = async { outbox.park_properties() };
    let (is_empty, ()) = tokio::join!(waiting, parking);
    assert!(is_empty);
}

#[tokio::test]
async fn stopping_the_device_settles_everything() {
    let outbox = Outbox::new(10, 10);
    let (waiting, delivery) = message("1", Retention::Volatile, None);
    push(&outbox, waiting).unwrap();
    outbox.set_mode(Mode::Closed);
    assert_eq!(delivery.await, Err(DeliveryError::Closed));
    assert_eq!(
        push(&outbox, message("2", Retention::Volatile, None).0),
        Err(Refusal::Closed)
    );
}
