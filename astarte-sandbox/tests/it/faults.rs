//! What can be made to go wrong, and the record of packets.

use std::time::{Duration, Instant};

use astarte_sandbox::{Direction, EventKind, PairingFault, PairingRoute, Refusal, Sandbox, Value};
use rumqttc::mqttbytes::v4::{ConnectReturnCode, Packet, PubAck};
use serde_json::json;
use tokio::time::timeout;

use crate::client::{self, Client, Options, within};
use crate::fixtures::{self, base, below, connected, introduce, key_and_csr, paired};
use crate::{bson, http};

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn connections_are_refused_as_often_as_asked() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    device.refuse_connections(1, Refusal::ServerUnavailable);
    device.refuse_connections(1, Refusal::BadCredentials);
    for expected in [
        ConnectReturnCode::ServiceUnavailable,
        ConnectReturnCode::BadUserNamePassword,
        ConnectReturnCode::Success,
    ] {
        let (_, answer) = Client::try_connect(&sandbox, &identity, Options::kept("x")).await;
        assert_eq!(answer.code, expected);
    }
    device.refuse_connections(1, Refusal::Closed);
    let connect = b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01x";
    assert!(Client::raw(&sandbox, &identity, connect).await.is_empty());
    device.refuse_connections(9, Refusal::NotAuthorized);
    device.heal();
    Client::connect(&sandbox, &identity, Options::kept("x")).await;
}

#[tokio::test]
async fn a_connack_can_be_late() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    device.delay_connack(SHORT);
    let started = Instant::now();
    Client::connect(&sandbox, &identity, Options::kept("x")).await;
    assert!(started.elapsed() >= SHORT);
    device.delay_connack(Duration::MAX);
    let mut events = device.events();
    let mut stream = client::tls(&sandbox, Some(&identity)).await.unwrap();
    let connect = b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01x";
    tokio::io::AsyncWriteExt::write_all(&mut stream, connect)
        .await
        .unwrap();
    tokio::io::AsyncWriteExt::shutdown(&mut stream)
        .await
        .unwrap();
    drop(stream);
    loop {
        let event = within(events.next()).await.unwrap();
        if let EventKind::ConnectionRefused { reason, .. } = event.kind {
            assert!(reason.contains("before CONNACK"), "{reason}");
            break;
        }
    }
}

#[tokio::test]
async fn lost_acknowledgements_are_of_messages_that_arrived() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    device.lose_acknowledgements(true);
    let payload = bson::v(bson::double("v", 1.0));
    let lost = client.publication(&below(&device, "test.Ind/1/value"), 1, payload.clone());
    client.send(&Packet::Publish(lost)).await;
    device.received("test.Ind", "/1/value").await.unwrap();
    assert!(client.is_alive().await.is_empty());
    device.lose_acknowledgements(false);
    let kept = client.publication(&below(&device, "test.Ind/1/value"), 1, payload);
    let acknowledgement = Packet::PubAck(PubAck::new(kept.pkid));
    client.send(&Packet::Publish(kept)).await;
    assert_eq!(client.is_alive().await, [acknowledgement]);
}

#[tokio::test]
async fn a_stalled_broker_neither_reads_nor_writes() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    introduce(&device, &mut client).await;
    device.stall(true);
    let payload = bson::v(bson::double("v", 1.0));
    client
        .publish(&below(&device, "test.Ind/1/value"), 0, payload)
        .await;
    device.publish("test.SrvD", "/unique", 1).unwrap();
    within(device.all_processed()).await;
    assert!(timeout(SHORT, client.receive()).await.is_err());
    assert!(device.data("test.Ind", "/1/value").is_empty());
    assert!(device.is_connected());
    device.stall(false);
    client.take().await;
    device.received("test.Ind", "/1/value").await.unwrap();

    device.stall(true);
    let second = Client::connect(&sandbox, &identity, Options::kept("x"));
    tokio::pin!(second);
    assert!(timeout(SHORT, &mut second).await.is_err());
    device.stall(false);
    assert!(within(second).await.session_present);
}

#[tokio::test]
async fn latency_delays_and_keeps_the_order() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    device.set_latency(SHORT);
    let started = Instant::now();
    device.publish("test.SrvD", "/unreliable", 1).unwrap();
    device.publish("test.SrvD", "/unreliable", 2).unwrap();
    for number in [1, 2] {
        let payload = bson::v(bson::int32("v", number));
        assert_eq!(client.take().await.payload, payload);
    }
    assert!(started.elapsed() >= SHORT);
    device.set_latency(Duration::MAX);
    client.send(&Packet::PingReq).await;
    device.all_processed().await;
    assert!(timeout(SHORT, client.receive()).await.is_err());
    device.set_latency(Duration::ZERO);
    assert_eq!(client.receive().await, Packet::PingResp);
}

#[tokio::test]
async fn a_full_queue_drops_the_newest() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    introduce(&device, &mut client).await;
    client.disconnect().await;
    device.disconnected().await.unwrap();
    device.limit_queue(1);
    let mut events = device.events();
    for number in [1, 2] {
        assert_eq!(device.publish("test.SrvD", "/unique", number), Ok(1));
    }
    assert!(matches!(
        events.try_next().unwrap().kind,
        EventKind::Published { .. }
    ));
    assert!(matches!(
        events.try_next().unwrap().kind,
        EventKind::PublicationDropped { .. }
    ));
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    assert_eq!(client.take().await.payload, bson::v(bson::int32("v", 1)));
    assert!(client.is_alive().await.is_empty());
}

#[tokio::test]
async fn certificates_expire_and_are_revoked_at_will() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let (other, others) = paired(&sandbox).await;
    let secret = format!(
        "Authorization: Bearer {}",
        device.credentials_secret().unwrap()
    );
    let path = format!(
        "/v1/test/devices/{}/protocols/astarte_mqtt_v1/credentials",
        device.id()
    );
    for cause in ["EXPIRED", "REVOKED"] {
        let (_, csr) = key_and_csr();
        let data = json!({"data": {"csr": csr}});
        let answer = http::post(&sandbox, &path, &[&secret], &data).await;
        let certificate = &answer.body["data"]["client_crt"];
        let verify = json!({"data": {"client_crt": certificate}});
        let verify =
            || async { http::post(&sandbox, &format!("{path}/verify"), &[&secret], &verify).await };
        assert_eq!(verify().await.body["data"]["valid"], true);
        if cause == "EXPIRED" {
            device.expire_certificates();
        } else {
            device.revoke_certificates();
        }
        let verdict = verify().await.body;
        assert_eq!(verdict["data"]["valid"], false);
        assert_eq!(verdict["data"]["cause"], cause);
        let connect = b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01x";
        assert!(
            Client::raw_or_refused(&sandbox, &identity, connect)
                .await
                .is_empty()
        );
        assert!(!device.is_connected());
    }
    let _client = Client::connect(&sandbox, &others, Options::kept("x")).await;
    other.connected().await.unwrap();
}

#[tokio::test]
async fn the_pairing_api_answers_what_it_is_told() {
    let sandbox = Sandbox::start().await.unwrap();
    let device = sandbox.register_device().unwrap();
    let secret = format!(
        "Authorization: Bearer {}",
        device.credentials_secret().unwrap()
    );
    let path = format!("/v1/test/devices/{}", device.id());
    let status = || async { http::get(&sandbox, &path, &[&secret]).await.status };
    sandbox.fail_pairing(PairingFault::status(503).on(PairingRoute::Info).times(2));
    sandbox.fail_pairing(PairingFault::body(200, "null").on(PairingRoute::Info));
    sandbox.fail_pairing(PairingFault::delay(SHORT));
    assert_eq!(http::get(&sandbox, "/version", &[]).await.status, 200);
    assert_eq!([status().await, status().await], [503, 503]);
    assert_eq!(
        http::get(&sandbox, &path, &[&secret]).await.body,
        json!(null)
    );
    let started = Instant::now();
    assert_eq!(status().await, 200);
    assert!(started.elapsed() >= SHORT);
    sandbox.fail_pairing(PairingFault::close());
    assert!(http::is_closed(&sandbox, &path).await);
    sandbox.fail_pairing(PairingFault::status(500).times(usize::MAX));
    assert_eq!(status().await, 500);
    sandbox.heal_pairing();
    assert_eq!(status().await, 200);
}

#[tokio::test]
async fn tls_can_be_held_at_1_2() {
    let sandbox = Sandbox::builder().tls12_only().start().await.unwrap();
    let (_, identity) = paired(&sandbox).await;
    let stream = client::tls(&sandbox, Some(&identity)).await.unwrap();
    let version = stream.get_ref().1.protocol_version();
    assert_eq!(version, Some(rustls::ProtocolVersion::TLSv1_2));
    Client::connect(&sandbox, &identity, Options::kept("x")).await;
}

#[tokio::test]
async fn packets_are_recorded_in_both_directions() {
    let builder = Sandbox::builder().record_packets(1000);
    let sandbox = fixtures::with_interfaces(builder).start().await.unwrap();
    let (device, mut client) = connected(&sandbox).await;
    let payload = bson::v(bson::double("v", 1.0));
    client
        .publish(&below(&device, "test.Ind/1/value"), 1, payload.clone())
        .await;
    device
        .publish("test.SrvD", "/unique", Value::Integer(1))
        .unwrap();
    client.take().await;
    client.disconnect().await;
    device.disconnected().await.unwrap();

    let packets = device.packets();
    let told: Vec<_> = packets
        .iter()
        .map(|packet| {
            (
                packet.direction == Direction::FromDevice,
                packet.packet_type(),
            )
        })
        .collect();
    let expected = [
        (true, "CONNECT"),
        (false, "CONNACK"),
        (true, "SUBSCRIBE"),
        (false, "SUBACK"),
        (true, "PUBLISH"),
        (false, "PUBREC"),
        (true, "PUBREL"),
        (false, "PUBCOMP"),
        (true, "PUBLISH"),
        (false, "PUBACK"),
        (false, "PUBLISH"),
        (true, "PUBREC"),
        (false, "PUBREL"),
        (true, "PUBCOMP"),
        (true, "DISCONNECT"),
    ];
    assert_eq!(told, expected);
    assert_eq!(packets[4].topic(), Some(base(&device)));
    assert_eq!(packets[8].payload().unwrap(), payload);
    assert_eq!(packets[8].packet_id(), packets[9].packet_id());
    assert_eq!(
        (packets[10].qos(), packets[10].is_duplicate()),
        (Some(2), false)
    );

    let mut lines = Vec::new();
    sandbox.write_packets(&mut lines).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    assert_eq!(lines.lines().count(), expected.len());
    let published: serde_json::Value = serde_json::from_str(lines.lines().nth(8).unwrap()).unwrap();
    assert_eq!(published["direction"], "from_device");
    assert_eq!(published["packet"], "PUBLISH");
    assert_eq!(published["topic"], below(&device, "test.Ind/1/value"));
    assert_eq!(published["device_id"], device.id().to_string());
}
