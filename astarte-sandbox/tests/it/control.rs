//! The control API: waits, barriers, faults, and the end of a sandbox.

use std::time::Duration;

use astarte_sandbox::{Disconnection, EventKind, Sandbox, Source, StartError, Value, WaitError};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::bson;
use crate::client::{Client, Options, within};
use crate::fixtures::{self, Identity, base, below, connected, introduce, paired};
use crate::interfaces::IND;

#[tokio::test]
async fn a_wait_tells_what_happened_instead() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    client
        .publish(
            &below(&device, "test.Ind/1/valve"),
            1,
            bson::v(bson::double("v", 1.0)),
        )
        .await;
    client.closed().await;
    let wait = device
        .received("test.Ind", "/1/value")
        .within(Duration::from_millis(1));
    let error = wait.await.unwrap_err();
    assert!(matches!(error, WaitError::TimedOut { .. }));
    let text = error.to_string();
    assert!(
        text.contains("no message on test.Ind/1/value within 1ms"),
        "{text}"
    );
    assert!(
        text.contains("error mapping_not_found on test.Ind/1/valve"),
        "{text}"
    );
    assert!(text.contains("there is `/%{id}/value`"), "{text}");
}

#[tokio::test]
async fn an_error_points_at_the_interface() {
    let source = Source::new("interfaces/test.Ind.json", IND);
    let sandbox = Sandbox::builder().interface(&source).start().await.unwrap();
    for (path, payload, declared) in [
        (
            "1/value",
            bson::v(bson::string("v", "x")),
            "\"type\": \"double\"",
        ),
        (
            "1/valve",
            bson::v(bson::double("v", 1.0)),
            "\"endpoint\": \"/%{id}/value\"",
        ),
        (
            "nothing/like/it",
            bson::v(bson::double("v", 1.0)),
            "\"interface_name\": \"test.Ind\"",
        ),
    ] {
        let (device, identity) = paired(&sandbox).await;
        let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
        client.publish(&base(&device), 1, "test.Ind:1:0").await;
        client
            .publish(&below(&device, &format!("test.Ind/{path}")), 1, payload)
            .await;
        let declaration = device.error().await.unwrap().declaration.unwrap();
        assert_eq!(declaration.file, "interfaces/test.Ind.json");
        assert!(declaration.text.contains(declared), "{declaration}");
        let line = IND.lines().nth(declaration.line - 1).unwrap();
        assert_eq!(line.trim(), declaration.text);
        let key = declared.split_once(' ').unwrap().1;
        let underline = format!("{}\n", "^".repeat(key.len()));
        let frame = declaration.frame() + "\n";
        assert!(
            frame.ends_with(&underline) && frame.contains(declared),
            "{frame}"
        );
        assert!(
            line[declaration.column - 1..].starts_with(key),
            "{declaration}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn paused_time_does_not_matter() {
    let sandbox = Sandbox::start().await.unwrap();
    let device = sandbox.register_device().unwrap();
    let identity = Identity::forged(&sandbox, &base(&device));
    let waiting = tokio::spawn(device.connected().into_future());
    tokio::task::yield_now().await;
    let _connected = std::thread::scope(|scope| {
        let connect = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let connect = Client::connect(&sandbox, &identity, Options::kept("x"));
            let client = runtime.block_on(connect);
            runtime.shutdown_background();
            client
        };
        scope.spawn(connect).join().unwrap()
    });
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_abandoned_wait_has_taken_nothing() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    let abandoned = device.received("test.Ind", "/1/value").into_future();
    drop(abandoned);
    client
        .publish(
            &below(&device, "test.Ind/1/value"),
            1,
            bson::v(bson::double("v", 1.0)),
        )
        .await;
    device.received("test.Ind", "/1/value").await.unwrap();
}

#[tokio::test]
async fn the_barrier_covers_all_that_was_sent() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    for count in 1..=20 {
        for _ in 0..50 {
            let payload = bson::v(bson::double("v", 1.0));
            client
                .publish(&below(&device, "test.Ind/1/value"), 0, payload)
                .await;
        }
        client
            .publish(
                &below(&device, "test.Ind/2/value"),
                1,
                bson::v(bson::double("v", 1.0)),
            )
            .await;
        sandbox.all_processed().await;
        assert_eq!(device.data("test.Ind", "/1/value").len(), 50 * count);
    }
}

#[tokio::test]
async fn a_dropped_connection_keeps_the_session_and_a_kick_does_not() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    for (kick, kept) in [(false, true), (true, false)] {
        let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
        introduce(&device, &mut client).await;
        let mut events = device.events();
        if kick {
            device.kick();
        } else {
            device.drop_connection();
        }
        client.closed().await;
        device.disconnected().await.unwrap();
        let kind = events.try_next().unwrap().kind;
        assert!(
            matches!(
                &kind,
                EventKind::Disconnected {
                    reason: Disconnection::Requested
                }
            ),
            "{kind}"
        );
        let client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
        assert_eq!(client.session_present, kept);
        assert_eq!(device.subscriptions().is_empty(), !kept);
    }
}

#[tokio::test]
async fn a_cleared_session_is_gone() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    introduce(&device, &mut client).await;
    device.clear_session();
    client.is_alive().await;
    assert!(device.subscriptions().is_empty());
    client.disconnect().await;
    let client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    assert!(!client.session_present);
}

#[tokio::test]
async fn ready_follows_the_handshake_and_the_session() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    device.connected().await.unwrap();
    assert!(device.ready().within(Duration::ZERO).await.is_err());
    introduce(&device, &mut client).await;
    client
        .publish(&below(&device, "control/emptyCache"), 2, "1")
        .await;
    client.take().await;
    device.ready().await.unwrap();
    client.disconnect().await;
    device.disconnected().await.unwrap();
    let _client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    device.ready().await.unwrap();
}

#[tokio::test]
async fn raw_bytes_reach_the_device() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    assert_eq!(
        device.publish_raw("control/consumer/properties", 2, &b"nonsense"[..]),
        1
    );
    assert_eq!(client.take().await.payload, &b"nonsense"[..]);
    assert_eq!(device.publish_raw("elsewhere", 2, &b"nonsense"[..]), 0);
}

#[tokio::test]
async fn sandboxes_are_independent() {
    let sandboxes = [fixtures::sandbox().await, fixtures::sandbox().await];
    for sandbox in &sandboxes {
        let (device, mut client) = connected(sandbox).await;
        let payload = bson::v(bson::double("v", 1.0));
        client
            .publish(&below(&device, "test.Ind/1/value"), 1, payload)
            .await;
        device.received("test.Ind", "/1/value").await.unwrap();
        assert_eq!(sandbox.devices().len(), 1);
    }
}

#[tokio::test]
async fn settings_are_checked() {
    let key = Sandbox::builder().realm_key("x").start().await;
    assert!(matches!(key, Err(StartError::RealmKey)));
    let realm = Sandbox::builder().realm("system").start().await;
    assert!(matches!(realm, Err(StartError::Realm(_))));
    let interface = Sandbox::builder().interface("{}").start().await;
    assert!(matches!(interface, Err(StartError::InvalidInterface(_))));
    let missing = Sandbox::builder()
        .interfaces_dir("no/such/folder")
        .start()
        .await;
    assert!(matches!(missing, Err(StartError::Interfaces { .. })));
    let first = Sandbox::start().await.unwrap();
    let port = first
        .pairing_url()
        .rsplit(':')
        .next()
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    let taken = Sandbox::builder().port(port.parse().unwrap()).start().await;
    assert!(matches!(taken, Err(StartError::Bind { .. })));
    let again = Sandbox::builder()
        .realm_key(first.realm_key_pem())
        .start()
        .await
        .unwrap();
    assert_eq!(again.realm_public_key_pem(), first.realm_public_key_pem());
}

#[tokio::test]
async fn dropping_ends_everything() {
    let sandbox = fixtures::sandbox().await;
    let (device, client) = connected(&sandbox).await;
    let mut events = sandbox.events();
    let waiting = tokio::spawn(device.received("test.Ind", "/1/value").into_future());
    let url = sandbox.broker_url().to_owned();
    drop(sandbox);
    client.closed().await;
    assert!(matches!(
        within(waiting).await.unwrap(),
        Err(WaitError::Stopped)
    ));
    while within(events.next()).await.is_some() {}
    within(device.all_processed()).await;
    assert!(matches!(device.connected().await, Err(WaitError::Stopped)));
    assert_eq!(
        device.publish("test.SrvD", "/unreliable", Value::Integer(1)),
        Ok(0)
    );
    let address = url.strip_prefix("mqtts://").unwrap().trim_end_matches('/');
    assert!(TcpStream::connect(address).await.is_err());
}

#[test]
fn a_sandbox_outlives_the_runtime_that_started_it() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let sandbox = runtime().block_on(fixtures::sandbox());
    runtime().block_on(async {
        let (device, mut client) = connected(&sandbox).await;
        let payload = bson::v(bson::double("v", 1.0));
        client
            .publish(&below(&device, "test.Ind/1/value"), 1, payload)
            .await;
        device.received("test.Ind", "/1/value").await.unwrap();
    });
    drop(sandbox);
}

#[tokio::test]
async fn a_flood_is_processed_to_the_last_message() {
    let builder = Sandbox::builder().kept_messages(50_000);
    let sandbox = fixtures::with_interfaces(builder).start().await.unwrap();
    let (device, mut client) = connected(&sandbox).await;
    let topic = below(&device, "test.Ind/1/value");
    let mut flood = bytes::BytesMut::new();
    for number in 0..30_000 {
        let payload = bson::v(bson::double("v", f64::from(number)));
        client
            .publication(&topic, 0, payload)
            .write(&mut flood)
            .unwrap();
    }
    client.send_bytes(&flood).await;
    client.is_alive().await;
    device.all_processed().await;
    let data = device.data("test.Ind", "/1/value");
    assert_eq!(data.len(), 30_000);
    assert_eq!(data[29_999].value(), Some(&Value::Double(29_999.0)));
}

#[tokio::test]
async fn garbage_harms_nobody() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    let (_, other) = paired(&sandbox).await;
    let mut state = 1_u64;
    let mut garbage = |length: usize| -> Vec<u8> {
        let mut byte = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            u8::try_from(state >> 56).unwrap()
        };
        (0..length).map(|_| byte()).collect()
    };
    for length in 1..60 {
        let mut broken = Client::connect(&sandbox, &other, Options::clean("x")).await;
        broken.send_bytes(&garbage(length)).await;
        drop(broken);
        for url in [sandbox.pairing_url(), sandbox.broker_url()] {
            let host = url.split("//").nth(1).unwrap().split('/').next().unwrap();
            let mut socket = TcpStream::connect(host).await.unwrap();
            socket.write_all(&garbage(length)).await.unwrap();
        }
        let topics = [
            "test.Ind/1/value",
            "capabilities",
            "control/producer/properties",
        ];
        let (victim, mut connection) = connected(&sandbox).await;
        for topic in topics {
            let topic = below(&victim, topic);
            connection.publish(&topic, 0, garbage(length)).await;
        }
    }
    within(sandbox.all_processed()).await;
    client
        .publish(
            &below(&device, "test.Ind/1/value"),
            1,
            bson::v(bson::double("v", 1.0)),
        )
        .await;
    device.received("test.Ind", "/1/value").await.unwrap();
}
