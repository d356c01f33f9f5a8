//! The broker, scenarios 19 to 27 of the protocol, and the sessions it keeps.

use std::time::Duration;

use astarte_sandbox::{Device, Disconnection, EventKind, Profile, Sandbox};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{ConnectReturnCode, Packet, PubAck, PubComp, PubRec, PubRel, Publish};

use crate::bson;
use crate::client::{Client, Options, tls, within};
use crate::fixtures::{self, Identity, base, below, connected, introduce, paired};
use tokio::io::AsyncReadExt;

/// A device with a kept session that is subscribed to the server's data, and offline.
async fn offline(sandbox: &Sandbox) -> (Device, Identity) {
    let (device, identity) = paired(sandbox).await;
    let mut client = Client::connect(sandbox, &identity, Options::kept("x")).await;
    introduce(&device, &mut client).await;
    client.disconnect().await;
    device.disconnected().await.unwrap();
    (device, identity)
}

async fn reason(device: &Device) -> Disconnection {
    let mut events = device.events();
    loop {
        if let EventKind::Disconnected { reason } = within(events.next()).await.unwrap().kind {
            return reason;
        }
    }
}

/// Runs what ends the connection and returns why it ended.
async fn ending(device: &Device, action: impl Future<Output = ()>) -> Disconnection {
    tokio::join!(reason(device), action).0
}

#[tokio::test]
async fn the_certificate_is_the_identity() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let options = Options {
        login: Some(("someone", "wrong")),
        ..Options::kept("foo")
    };
    let mut client = Client::connect(&sandbox, &identity, options).await;
    client.subscribe(&[(&below(&device, "#"), 2)]).await;
    drop(client);
    device.disconnected().await.unwrap();
    let client = Client::connect(&sandbox, &identity, Options::kept("bar")).await;
    assert!(client.session_present);
}

#[tokio::test]
async fn only_registered_devices_are_let_in() {
    let sandbox = Sandbox::start().await.unwrap();
    for name in [
        "test/AAAAAAAAAAAAAAAAAAAAAA",
        "test/x",
        "other/AAAAAAAAAAAAAAAAAAAAAA",
        "x",
    ] {
        let identity = Identity::forged(&sandbox, name);
        let (client, answer) = Client::try_connect(&sandbox, &identity, Options::kept("x")).await;
        assert_eq!(answer.code, ConnectReturnCode::NotAuthorized, "{name}");
        client.closed().await;
    }
    let (device, identity) = paired(&sandbox).await;
    device.delete();
    let (_, answer) = Client::try_connect(&sandbox, &identity, Options::kept("x")).await;
    assert_eq!(answer.code, ConnectReturnCode::NotAuthorized);
}

#[tokio::test]
async fn tls_needs_a_certificate_of_this_authority() {
    let sandbox = Sandbox::start().await.unwrap();
    let other = Sandbox::start().await.unwrap();
    let foreign = Identity::forged(&other, "test/AAAAAAAAAAAAAAAAAAAAAA");
    let mut events = sandbox.events();
    for identity in [None, Some(&foreign)] {
        if let Ok(mut stream) = tls(&sandbox, identity).await {
            assert!(within(stream.read_u8()).await.is_err());
        }
        let event = within(events.next()).await.unwrap();
        assert!(
            matches!(event.kind, EventKind::ConnectionRefused { .. }),
            "{event}"
        );
    }
}

#[tokio::test]
async fn client_ids_are_limited() {
    let sandbox = Sandbox::start().await.unwrap();
    let (_, identity) = paired(&sandbox).await;
    Client::connect(&sandbox, &identity, Options::clean("")).await;
    for options in [Options::kept(""), Options::clean(&"x".repeat(101))] {
        let (_, answer) = Client::try_connect(&sandbox, &identity, options).await;
        assert_eq!(answer.code, ConnectReturnCode::BadClientId);
    }
    Client::connect(&sandbox, &identity, Options::clean(&"x".repeat(100))).await;
}

#[tokio::test]
async fn other_versions_of_mqtt_are_answered() {
    let sandbox = Sandbox::start().await.unwrap();
    let (_, identity) = paired(&sandbox).await;
    let version_5 = b"\x10\x0e\0\x04MQTT\x05\x02\0\x3c\0\0\x01x";
    assert_eq!(
        Client::raw(&sandbox, &identity, version_5).await,
        [0x20, 3, 0, 0x86, 0]
    );
    let version_6 = b"\x10\x0d\0\x04MQTT\x06\x02\0\x3c\0\x01x";
    assert_eq!(
        Client::raw(&sandbox, &identity, version_6).await,
        [0x20, 2, 0, 1]
    );
    let not_connect = b"\xc0\0";
    assert!(
        Client::raw(&sandbox, &identity, not_connect)
            .await
            .is_empty()
    );
    let version_3_1_and_disconnect = b"\x10\x0f\0\x06MQIsdp\x03\x02\0\x3c\0\x01x\xe0\0";
    assert_eq!(
        Client::raw(&sandbox, &identity, version_3_1_and_disconnect).await,
        [0x20, 2, 0, 0]
    );
}

#[tokio::test]
async fn the_newer_connection_takes_over() {
    let sandbox = Sandbox::start().await.unwrap();
    let (device, identity) = paired(&sandbox).await;
    let first = Client::connect(&sandbox, &identity, Options::kept("a")).await;
    device.connected().await.unwrap();
    let mut events = device.events();
    let mut second = Client::connect(&sandbox, &identity, Options::kept("b")).await;
    first.closed().await;
    second.is_alive().await;
    let ended = within(events.next()).await.unwrap().kind;
    assert!(matches!(
        ended,
        EventKind::Disconnected {
            reason: Disconnection::TakenOver
        }
    ));
    assert!(matches!(
        within(events.next()).await.unwrap().kind,
        EventKind::Connected { .. }
    ));
    assert!(device.is_connected());
}

#[tokio::test]
async fn foreign_topics_end_the_connection_but_not_the_session() {
    let sandbox = Sandbox::start().await.unwrap();
    let (device, identity) = paired(&sandbox).await;
    for topic in [
        "test/other/test.Ind/x".to_owned(),
        format!("{}x/y", base(&device)),
    ] {
        let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
        device.connected().await.unwrap();
        let publish = client.publication(&topic, 1, "x");
        let reason = ending(&device, async {
            client.send(&Packet::Publish(publish)).await;
            client.closed().await;
        });
        assert_eq!(reason.await, Disconnection::ForeignTopic(topic));
    }
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    assert!(client.session_present);
    client.publish("$SYS/anything", 1, "swallowed").await;
    client.is_alive().await;
}

#[tokio::test]
async fn subscriptions_stay_below_the_device() {
    let sandbox = Sandbox::start().await.unwrap();
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    let allowed = ["a/#", "+/x", "#"].map(|filter| below(&device, filter));
    for filter in [&allowed[0], &allowed[1], &allowed[2], &base(&device)] {
        assert_eq!(client.subscribe(&[(filter, 1)]).await, [1], "{filter}");
    }
    for filter in ["#", "+/+/x", "$share/g/test/x", "test/#"] {
        assert_eq!(client.subscribe(&[(filter, 1)]).await, [128], "{filter}");
    }
    assert_eq!(
        client.subscribe(&[("#", 0), (&allowed[0], 2)]).await,
        [128, 2]
    );
    client.is_alive().await;
}

#[tokio::test]
async fn as_shipped_a_suback_lacks_the_refused() {
    let sandbox = Sandbox::builder()
        .profile(Profile::AsShipped)
        .start()
        .await
        .unwrap();
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    assert_eq!(
        client
            .subscribe(&[("#", 0), (&below(&device, "a"), 2)])
            .await,
        [2]
    );
    assert_eq!(client.subscribe(&[("#", 0), ("+", 0)]).await, [128, 128]);
}

#[tokio::test]
async fn packets_are_limited() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    let topic = below(&device, "test.Types/string");
    let overhead = 2 + topic.len() + 2;
    let envelope = bson::v(bson::string("v", "")).len();
    let largest = "x".repeat(65_535 - overhead - envelope);
    client
        .publish(&topic, 1, bson::v(bson::string("v", &largest)))
        .await;
    let received = device.received("test.Types", "/string").await.unwrap();
    assert_eq!(received.payload().len(), largest.len() + envelope);

    let too_large = client.publication(&topic, 1, vec![0; 65_536 - overhead]);
    let reason = ending(&device, async {
        client.send(&Packet::Publish(too_large)).await;
        client.closed().await;
    });
    assert!(matches!(reason.await, Disconnection::Protocol(_)));
}

#[tokio::test]
async fn malformed_packets_end_the_connection() {
    let sandbox = Sandbox::start().await.unwrap();
    let (device, identity) = paired(&sandbox).await;
    for bytes in [
        &b"\x00\x00"[..],
        b"\xf0\x00",
        b"\x80\x06\0\x01\0\x01a\0",
        b"\x82\x02\0\x01",
        b"\x36\x05\0\x01a\0\x01",
        b"\x30\xff\xff\xff\xff\x01",
        b"\x20\x02\0\0",
        b"\x50\x02\0\x63",
        b"\x70\x02\0\x63",
        b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0",
    ] {
        let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
        device.connected().await.unwrap();
        let reason = ending(&device, async {
            client.send_bytes(bytes).await;
            client.closed().await;
        });
        assert!(
            matches!(reason.await, Disconnection::Protocol(_)),
            "{bytes:x?}"
        );
    }
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    client.send(&Packet::PubAck(PubAck::new(99))).await;
    client.send(&Packet::PubRel(PubRel::new(99))).await;
    assert_eq!(client.receive().await, Packet::PubComp(PubComp::new(99)));
}

#[tokio::test]
async fn a_kept_session_gets_what_it_missed() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = offline(&sandbox).await;
    assert_eq!(
        device.publish(
            "test.SrvD",
            "/guaranteed",
            astarte_sandbox::Value::Integer(7)
        ),
        Ok(1)
    );
    assert_eq!(
        device.publish(
            "test.SrvD",
            "/unreliable",
            astarte_sandbox::Value::Integer(8)
        ),
        Ok(1)
    );
    assert_eq!(
        device.publish("test.SrvD", "/unique", astarte_sandbox::Value::Integer(9)),
        Ok(1)
    );
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    assert!(client.session_present);
    let first = client.take().await;
    assert_eq!(first.topic, below(&device, "test.SrvD/guaranteed"));
    assert_eq!(
        (first.qos, first.retain, first.dup),
        (QoS::AtLeastOnce, false, false)
    );
    assert_eq!(first.payload, bson::v(bson::int32("v", 7)));
    assert_eq!(
        client.take().await.topic,
        below(&device, "test.SrvD/unique")
    );
    assert!(client.is_alive().await.is_empty());
}

#[tokio::test]
async fn a_clean_session_keeps_nothing() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = offline(&sandbox).await;
    let client = Client::connect(&sandbox, &identity, Options::clean("x")).await;
    assert!(!client.session_present);
    client.disconnect().await;
    device.disconnected().await.unwrap();
    let client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    assert!(!client.session_present);
    assert!(device.subscriptions().is_empty());
}

#[tokio::test]
async fn the_queue_of_an_offline_device_drops_the_newest() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = offline(&sandbox).await;
    for number in 0..1001 {
        device
            .publish(
                "test.SrvD",
                "/guaranteed",
                astarte_sandbox::Value::Integer(number),
            )
            .unwrap();
    }
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    for number in 0..1000 {
        assert_eq!(
            client.take().await.payload,
            bson::v(bson::int32("v", number))
        );
    }
    assert!(client.is_alive().await.is_empty());
    let dropped =
        |event: &astarte_sandbox::Event| matches!(event.kind, EventKind::PublicationDropped { .. });
    assert_eq!(
        sandbox
            .history()
            .iter()
            .filter(|event| dropped(event))
            .count(),
        1
    );
}

#[tokio::test]
async fn a_resumed_session_repeats_what_is_in_flight() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    introduce(&device, &mut client).await;
    for path in ["/unique", "/guaranteed", "/unique"] {
        device
            .publish("test.SrvD", path, astarte_sandbox::Value::Integer(1))
            .unwrap();
    }
    let sent: Vec<Publish> = [
        client.receive().await,
        client.receive().await,
        client.receive().await,
    ]
    .map(|packet| match packet {
        Packet::Publish(publish) => publish,
        other => panic!("{other:?}"),
    })
    .into();
    client
        .send(&Packet::PubRec(PubRec::new(sent[0].pkid)))
        .await;
    assert_eq!(
        client.receive().await,
        Packet::PubRel(PubRel::new(sent[0].pkid))
    );
    device.drop_connection();
    client.closed().await;

    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    assert!(client.session_present);
    assert_eq!(
        client.receive().await,
        Packet::PubRel(PubRel::new(sent[0].pkid))
    );
    client
        .send(&Packet::PubComp(PubComp::new(sent[0].pkid)))
        .await;
    for publish in &sent[1..] {
        let expected = Publish {
            dup: true,
            ..publish.clone()
        };
        assert_eq!(client.take().await, expected);
    }
    assert!(client.is_alive().await.is_empty());
}

#[tokio::test]
async fn a_publication_of_qos_2_counts_once() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    introduce(&device, &mut client).await;
    let topic = below(&device, "test.Ind/1/value");
    let mut publish = client.publication(&topic, 2, bson::v(bson::double("v", 1.0)));
    for _ in 0..2 {
        client.send(&Packet::Publish(publish.clone())).await;
        assert_eq!(
            client.receive().await,
            Packet::PubRec(PubRec::new(publish.pkid))
        );
        publish.dup = true;
    }
    drop(client);
    device.disconnected().await.unwrap();

    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    client.send(&Packet::Publish(publish.clone())).await;
    assert_eq!(
        client.receive().await,
        Packet::PubRec(PubRec::new(publish.pkid))
    );
    client
        .send(&Packet::PubRel(PubRel::new(publish.pkid)))
        .await;
    assert_eq!(
        client.receive().await,
        Packet::PubComp(PubComp::new(publish.pkid))
    );
    device.all_processed().await;
    assert_eq!(device.data("test.Ind", "/1/value").len(), 1);
}

#[tokio::test]
async fn what_is_not_acknowledged_is_repeated_on_a_living_connection() {
    let builder = Sandbox::builder().retry_interval(Duration::from_millis(50));
    let sandbox = fixtures::with_interfaces(builder).start().await.unwrap();
    let (device, mut client) = connected(&sandbox).await;
    device
        .publish(
            "test.SrvD",
            "/guaranteed",
            astarte_sandbox::Value::Integer(1),
        )
        .unwrap();
    let Packet::Publish(first) = client.receive().await else {
        panic!("no PUBLISH")
    };
    assert!(!first.dup);
    for _ in 0..2 {
        let Packet::Publish(again) = client.receive().await else {
            panic!("no PUBLISH")
        };
        assert_eq!(
            again,
            Publish {
                dup: true,
                ..first.clone()
            }
        );
    }
}

#[tokio::test]
async fn the_window_holds_a_hundred() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    for number in 0..150 {
        device
            .publish(
                "test.SrvD",
                "/guaranteed",
                astarte_sandbox::Value::Integer(number),
            )
            .unwrap();
    }
    let mut ids = Vec::new();
    for _ in 0..100 {
        let Packet::Publish(publish) = client.receive().await else {
            panic!("no PUBLISH")
        };
        ids.push(publish.pkid);
    }
    assert!(client.is_alive().await.is_empty());
    client.send(&Packet::PubAck(PubAck::new(ids[50]))).await;
    let Packet::Publish(publish) = client.receive().await else {
        panic!("no PUBLISH")
    };
    assert!(!ids.contains(&publish.pkid));
}

#[tokio::test]
async fn a_device_hears_itself_if_it_asks_for_it() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    client
        .subscribe(&[(&below(&device, "test.Ind/#"), 0)])
        .await;
    let payload = bson::v(bson::double("v", 1.0));
    client
        .publish(&below(&device, "test.Ind/1/value"), 0, payload.clone())
        .await;
    assert_eq!(client.take().await.payload, payload);
}

#[tokio::test]
async fn silence_ends_the_connection() {
    let sandbox = Sandbox::start().await.unwrap();
    let (device, identity) = paired(&sandbox).await;
    let options = Options {
        keep_alive: 1,
        ..Options::kept("x")
    };
    let client = Client::connect(&sandbox, &identity, options).await;
    device.connected().await.unwrap();
    assert_eq!(
        ending(&device, client.closed()).await,
        Disconnection::KeepAlive
    );
}

#[tokio::test]
async fn a_will_is_a_publication() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    introduce(&device, &mut client).await;
    client.disconnect().await;

    let payload = bson::v(bson::double("v", 3.0));
    let will = Some((below(&device, "test.Ind/1/value"), payload));
    let options = Options {
        will,
        ..Options::kept("x")
    };
    let client = Client::connect(&sandbox, &identity, options.clone()).await;
    client.disconnect().await;
    device.all_processed().await;
    assert!(device.data("test.Ind", "/1/value").is_empty());

    drop(Client::connect(&sandbox, &identity, options).await);
    device.received("test.Ind", "/1/value").await.unwrap();

    let will = Some(("test/other/x".to_owned(), Vec::new()));
    let options = Options {
        will,
        ..Options::kept("x")
    };
    let (_, answer) = Client::try_connect(&sandbox, &identity, options).await;
    assert_eq!(answer.code, ConnectReturnCode::NotAuthorized);
}
